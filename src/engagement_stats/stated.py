"""Say what a claim states: its words, the document's own numbers, and the range the words are taken to cover.

Belongs here: numbers of a claim in words, whatever they count, and the arithmetic of the document.
Not here: reading number phrases (lexicon), evidence and verdicts (evidence, claim), rounding (phrase).
"""

import math

from engagement_stats import lexicon, phrase
from engagement_stats.catalogue import model as m
from engagement_stats.catalogue.words import Lexicon
from engagement_stats.lexicon import Meaning

# Below this a change is shown with a decimal: "1.9 per cent", not "2 per cent".
SMALL_CHANGE = 0.1


def meaning(stated: m.Stated, entries: Lexicon) -> Meaning:
    """Return what a claim's words cover: a range of its own, or the lexicon's.

    Parameters
    ----------
    stated : Stated
    entries : Lexicon

    Returns
    -------
    Meaning
        Of a range of the claim's own, `value` is the end, or the middle of two.
    """
    if stated.convention is None:
        return lexicon.read(stated.words, entries, stated.quantity)
    lower = -math.inf if stated.lower is None else stated.lower
    upper = math.inf if stated.upper is None else stated.upper
    ends = [x for x in (lower, upper) if math.isfinite(x)]
    bounds = len(ends) == 1 if stated.bounds is None else stated.bounds
    return Meaning(
        stated.words, stated.quantity, stated.unit, sum(ends) / len(ends), lower, upper, lower, upper,
        len(ends) == 1, bounds, False, stated.convention,
    )  # fmt: skip


def amount(value: float, unit: m.Unit, decimals: int = 0) -> str:
    """Write a bare number in its unit.

    Examples
    --------
    >>> amount(0.36, "share"), amount(2386368, "number"), amount(1.6e9, "pounds")
    ('36 per cent', '2,386,368', '£1.6 billion')
    """
    if unit == "share":
        return f"{phrase.percentage(value, decimals)} per cent"
    size, word = value, ""
    if unit == "pounds" and size >= 1e6:
        power, word = (1e9, " billion") if size >= 1e9 else (1e6, " million")
        text = phrase.rounded(size / power, 2).rstrip("0").rstrip(".")
    else:
        text = f"{float(phrase.rounded(size, 1)):,.1f}".removesuffix(".0")
    return f"{'£' if unit == 'pounds' else ''}{text}{word}"


def shown(quantity: m.Quantity, unit: m.Unit, value: float, decimals: int = 0) -> str:
    """Write a quantity a claim speaks of.

    Examples
    --------
    >>> shown("ratio", "share", 0.389), shown("relative_change", "share", -0.019), shown("rank", "number", 2)
    ('0.39 times', '1.9 per cent lower', 'place 2')
    """
    if quantity == "ratio":
        return f"{phrase.rounded(value, 2)} times"
    if quantity == "rank":
        return f"place {phrase.rounded(value)}"
    if quantity == "relative_change":
        if value == 0:
            return "the same"
        digits = max(decimals, 1 if abs(value) < SMALL_CHANGE else 0)
        return f"{phrase.percentage(abs(value), digits)} per cent {'higher' if value > 0 else 'lower'}"
    if quantity == "difference":
        size = f"{phrase.percentage(abs(value), 1)} percentage points" if unit == "share" else amount(abs(value), unit)
        return f"{size} {'lower' if value < 0 else 'higher'}"
    return amount(value, unit, decimals)


def covered(meaning: Meaning) -> str:
    """Say the range that words are taken to cover.

    Examples
    --------
    >>> covered(lexicon.read("just over half")), covered(lexicon.read("over 25 per cent"))
    ('0.50 times to 0.60 times', 'more than 25.0 per cent')
    """
    decimals = 1 if meaning.unit == "share" else 0

    def end(value: float) -> str:
        return shown(meaning.quantity, meaning.unit, value, decimals)

    ranked = " from the lowest" if meaning.from_end else ""
    if meaning.value == 0:
        return "anything above zero" if meaning.lower == 0 else "anything below zero"
    if math.isfinite(meaning.lower) and math.isfinite(meaning.upper):
        if meaning.quantity in ("count", "rank") and meaning.lower == meaning.upper:
            return f"{end(meaning.lower)}{ranked}"
        return f"{end(meaning.lower)} to {end(meaning.upper)}{ranked}"
    included = not meaning.excluded or meaning.lower != meaning.sure_lower or meaning.upper != meaning.sure_upper
    if math.isfinite(meaning.lower):
        return f"{end(meaning.lower)} or more" if included else f"more than {end(meaning.lower)}"
    if meaning.upper < 0:  # a fall, further down
        return f"{end(meaning.upper)} or more" if included else f"more than {end(meaning.upper)}"
    text = f"up to {end(meaning.upper)}" if included else f"less than {end(meaning.upper)}"
    if meaning.sure_upper != meaning.upper:
        text += f", with all of the interval below {end(meaning.sure_upper)}"
    return text


def related(stated: m.Stated) -> float | None:
    """Work out the quantity the words speak of from the document's own two numbers; None where it gives none."""
    if stated.left is None or stated.right is None:
        return None
    if stated.quantity == "difference":
        return stated.left - stated.right
    if stated.right == 0:
        return None
    ratio = stated.left / stated.right
    return ratio if stated.quantity == "ratio" else ratio - 1


def arithmetic(stated: m.Stated, meaning: Meaning) -> tuple[str, str]:
    """Say whether the words follow from the document's own numbers, and a sentence why.

    Parameters
    ----------
    stated : Stated
    meaning : Meaning

    Returns
    -------
    tuple of str
        "right", "wrong" or "nothing to check"; the sentence.
    """
    found = related(stated)
    if found is None or stated.left is None or stated.right is None:
        return "nothing to check", "The document gives no two numbers from which the words would follow."
    numbers = f"{amount(stated.left, stated.unit)} and {amount(stated.right, stated.unit)}"
    given = f"The document's own numbers, {numbers}, give {shown(stated.quantity, stated.unit, found)}"
    if meaning.covers(found):
        return "right", f"{given}, which the words cover."
    return "wrong", f"{given}, which the words do not cover."


def sentence(stated: m.Stated, meaning: Meaning) -> str:
    """Say what a claim states: words, numbers, and the range the words are taken to cover with its convention."""
    numbers, found = "", related(stated)
    if found is not None and stated.left is not None and stated.right is not None:
        numbers = f"{amount(stated.left, stated.unit)} against {amount(stated.right, stated.unit)} "
        numbers = f": {numbers}({shown(stated.quantity, stated.unit, found)})"
    kind = "a limit" if meaning.bounds else "not a limit"
    return (
        f'"{stated.words}"{numbers}; the words are taken to cover {covered(meaning)} ({kind}; '
        f"{meaning.source.rstrip('.')})"
    )
