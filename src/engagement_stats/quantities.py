"""Find the numbers of a sentence that are shares of people, ratios or changes.

Belongs here: telling a statistic from a year, an age, an amount of money or a confidence level, and a share from a
change by its neighbours in the sentence.
Not here: the range a number covers (lexicon), and what it is a number of (statements).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise

from engagement_stats import lexicon
from engagement_stats.catalogue import Catalogue
from engagement_stats.catalogue.model import Quantity
from engagement_stats.catalogue.reading import Reading
from engagement_stats.catalogue.words import Lexicon
from engagement_stats.errors import CatalogueError
from engagement_stats.lexicon import Meaning
from engagement_stats.sentences import Word, find

DIGITS = r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?"
# "One in 2018" is no share.
MOST_OUT_OF = 1000
# After these another word may follow: thirty-six.
TENS = range(20, 100, 10)
# What leads to the upper end of a band of ages.
BAND = re.compile(r"\d\s?(?:to|and)$")
SIZES = ("difference", "relative_change")
# Words that may stand between a fraction and what it is a fraction of.
RATIO_NEXT = ("the", "that", "as")


@dataclass(frozen=True, slots=True)
class Figure:
    """A number phrase in a sentence: its words, where they stand, and what they are taken to cover."""

    words: str
    start: int
    end: int
    meaning: Meaning

    @property
    def quantity(self) -> Quantity:
        """What the words speak of."""
        return self.meaning.quantity


def no_statistics(found: list[Word], catalogue: Catalogue) -> list[tuple[int, int]]:
    """Return where a text holds words and numbers that are no statistic, such as the limits of an interval."""
    return [(found[a].start, found[b - 1].end) for a, b in find(catalogue.reading.not_statistics, found)]


def figures(text: str, found: list[Word], catalogue: Catalogue) -> list[Figure]:
    """Find the figures of a sentence.

    Parameters
    ----------
    text : str
        As `sentences.alike` writes it.
    found : list of Word
        Its words.
    catalogue : Catalogue
        For the lexicon and the vocabulary.

    Returns
    -------
    list of Figure
        In the order of the text. Plain counts, money, years and ages are none.

    Examples
    --------
    >>> from engagement_stats import catalogue
    >>> from engagement_stats.sentences import words
    >>> text = "In 2018-19 just over a third of adults aged 16 to 24 (36.5%, 95% confidence interval 34 to 38)"
    >>> [(f.words, f.quantity) for f in figures(text, words(text), catalogue.load())]
    [('just over a third', 'level'), ('36.5%', 'level')]
    """
    barred = no_statistics(found, catalogue)
    directions = catalogue.reading.directions
    sides = [*directions.higher, *directions.lower]
    out: list[Figure] = []
    pattern = _pattern(catalogue.lexicon, sides)
    for match in pattern.finditer(text.lower()):
        if _sets_against(match, out, directions.leading) or _follows_a_name(match, catalogue.reading.numbered):
            match = pattern.match(text.lower(), match.start("core")) or match
        # "One and a half times" holds the "one and a half" that is none by itself.
        if any(
            match.start() < end and start < match.end() and not (match.start() <= start and end <= match.end())
            for start, end in barred
        ):
            continue
        out += _read(match, text, found, catalogue)
    for at, (before, figure) in enumerate(pairwise(out), start=1):
        if before.quantity in SIZES and figure.quantity == "level" and _is_beside(text, before, figure):
            again = _meaning(figure.words, catalogue.lexicon, "relative_change")
            out[at] = figure if again is None else replace(figure, meaning=again)
    return out


def _is_beside(text: str, before: Figure, figure: Figure) -> bool:
    """Say whether a number alone in brackets gives the one before it again: "seven points (18 per cent)"."""
    return re.fullmatch(r"\s*\(", text[before.end : figure.start]) is not None and text[figure.end :][:1] == ")"


def _sets_against(match: re.Match[str], before: list[Figure], leading: list[str]) -> bool:
    """Say whether "well above 49 per cent" is what a number before it is measured by, and no number above 49."""
    words = (match["modifier"] or "").split()
    behind_another = any(f.quantity == "level" for f in before) and match.string[: match.start()].endswith(", ")
    return bool(words) and words[-1] in leading and match["core"][0].isdigit() and behind_another


def _follows_a_name(match: re.Match[str], numbered: list[str]) -> bool:
    """Say whether the first of two numbers names something: "aged 35 to 44 and 43 per cent of ..."."""
    if not match["first"] or match["join"].strip() != "and":
        return False
    lead = match.string[: match.start("first")].rstrip()
    return bool(BAND.search(lead)) or re.split(r"\W+", lead)[-1] in numbered


def _read(match: re.Match[str], text: str, found: list[Word], catalogue: Catalogue) -> Iterator[Figure]:
    before = [w.text for w in found if w.end <= match.start()][-4:]
    after = [w for w in found if w.start >= match.end()][:4]
    adjacent = [w.text for w in after if not re.search(r"[.,;:()]", text[match.end() : w.start])]
    if match["first"]:
        yield from _two(match, text, before, catalogue)
        return
    quantity = _quantity(match, before, adjacent, catalogue.reading)
    meaning = None if quantity is None else _meaning(match.group(), catalogue.lexicon, quantity)
    if meaning is not None:
        yield Figure(text[match.start() : match.end()], match.start(), match.end(), meaning)


def _two(match: re.Match[str], text: str, before: list[str], catalogue: Catalogue) -> Iterator[Figure]:
    """Read two numbers that stand together.

    "From 34 to 41 per cent" are two shares, "between 34 and 41 per cent" and "34-41%" a range, and "rose 18 per cent
    to 41 per cent" a change and the share it led to.
    """
    entries = catalogue.lexicon
    unit = match["core"][re.match(rf"(?:{DIGITS})", match["core"]).end() :] if match["core"][0].isdigit() else ""  # type: ignore[union-attr]
    low = _meaning(f"{match['first']}{unit}", entries, "level")
    high = _meaning(match["core"], entries, "level")
    if low is None or high is None or not unit:
        return
    at = match.start("core")
    if match["join"].strip() == "to" and (before[-1:] == ["by"] or _is_change_of(before, catalogue.reading)):
        start, end = match.start("first"), match.start("join")
        change = _meaning(text[start:end], entries, "relative_change")
        if change is not None:  # without a unit of its own it may be of per cents or of points
            yield Figure(text[start:end], start, end, change)
        yield Figure(text[at : match.end()], at, match.end(), high)
    elif (match["join"].strip() == "and" and before[-1:] != ["between"]) or before[-1:] == ["from"]:
        yield Figure(
            text[match.start("first") : match.end("first")] + unit, match.start("first"), match.end("first"), low
        )
        yield Figure(text[at : match.end()], at, match.end(), high)
    elif low.value < high.value:
        span = replace(
            low, words=match.group(), value=(low.value + high.value) / 2, upper=high.upper, sure_upper=high.sure_upper
        )
        yield Figure(text[match.start() : match.end()], match.start(), match.end(), span)


def _meaning(words: str, entries: Lexicon, quantity: Quantity) -> Meaning | None:
    try:
        return lexicon.read(_in_digits(words, entries), entries, quantity)
    except CatalogueError:
        return None


def _in_digits(words: str, entries: Lexicon) -> str:
    """Write "thirty-six" as 36, which the lexicon reads as one number."""
    known = entries.number_words

    def sum_of(match: re.Match[str]) -> str:
        tens, ones = known[match[1]], known[match[2]]
        return str(tens + ones) if tens in TENS and ones < TENS.step else match[0]

    words = re.sub(r"\b(\w+)[- ](\w+)\b", lambda m: sum_of(m) if m[1] in known and m[2] in known else m[0], words)
    return re.sub(r"\b(\w+)(?= per cent| percent|%)", lambda m: str(known.get(m[1], m[1])), words)


def _quantity(match: re.Match[str], before: list[str], after: list[str], entries: Reading) -> Quantity | None:
    """Say what a figure speaks of, by its neighbours; None for what is no statistic of people."""
    core = match["core"]
    following = after[0] if after else ""
    if "point" in core:
        led = before[-1:] == ["by"] or _is_change_of(before, entries) or following in entries.changes
        return "difference" if led or "percentage" in core else None  # "three points to remember"
    if re.search(r"per ?cent|%", core):
        is_change = following in entries.changes or before[-1:] == ["by"] or _is_change_of(before, entries)
        return "relative_change" if is_change else "level"
    if match["ratio"]:
        in_n = re.search(r"(\w+)[\s-]+(?:in(?:[\s-]+every)?|out[\s-]+of)[\s-]+(\w+)", core)
        if in_n is None:
            return "ratio"
        if before[-1:] == ["by"]:
            return "relative_change"
        return "level" if _is_share(in_n[1], in_n[2]) else None
    if before[-1:] == ["by"] or following in entries.changes or _is_change_of(before, entries):
        return "relative_change"
    if core.startswith("most") or "major" in core or "minor" in core:
        return "level" if following in (*entries.people.general, "of") else None
    bare = not match["modifier"] and " " not in core and not match["ratio"]
    if bare and before and before[-1] in ("the", *entries.people.narrowing):
        return None  # "the poorest fifth" names a part, and states no share
    if following == "the" and after[1:2] and after[1] in entries.people.general:
        return "level"
    if following in RATIO_NEXT or (following == "of" and after[1:3] and _is_whole(after[1:], entries)):
        return "ratio"
    return "level" if following in (*entries.people.general, "of", "had", "were") or " " in core else None


def _is_change_of(before: list[str], entries: Reading) -> bool:
    """Say whether "an increase of", "up" or "fell" leads to a figure."""
    if before[-1:] == ["of"]:
        return len(before) > 1 and before[-2] in entries.changes
    return before[-1:] != [] and before[-1] in entries.change_verbs


def _is_share(part: str, of: str) -> bool:
    """Say whether "n in m" may be a share: "one in 2018" and "10 out of 10" are none."""
    if not of.isdigit():
        return part != of
    return int(of) <= MOST_OUT_OF and (not part.isdigit() or int(part) < int(of))


def _is_whole(after: list[str], entries: Reading) -> bool:
    """Say whether "the national average" or "the English estimate" follows."""
    words = {w for w in after if w != "the"}
    known = {p for patterns in (entries.whole, *entries.populations.values()) for p in patterns}
    return bool(words & known) and bool(words & set(entries.averages))


def _any(words: list[str]) -> str:
    return "|".join(re.escape(w).replace(r"\ ", r"[\s-]+") for w in sorted(set(words), key=len, reverse=True))


def _pattern(entries: Lexicon, sides: list[str]) -> re.Pattern[str]:
    shares = [p for f in entries.forms.values() if f.unit == "share" for p in f.patterns]
    worded = [
        w for n in entries.numbers.values() if {"level", "ratio"} & set(n.quantities) for w in n.words
    ]  # fmt: skip
    multiples = [w for n in entries.numbers.values() if n.quantities == ["ratio"] for w in n.words]
    # "Higher than 36 per cent" sets a number against 36 per cent; it is not a number above it.
    before = [w for x in entries.modifiers.values() for w in x.before if w.removesuffix(" than") not in sides]
    after = [w for x in entries.modifiers.values() for w in x.after]
    return _compiled(
        tuple(shares), tuple(w for w in worded if w not in multiples), tuple(multiples), tuple(before), tuple(after),
        tuple(entries.number_words), tuple(k for k, v in entries.number_words.items() if v in TENS),
    )  # fmt: skip


@lru_cache(maxsize=4)
def _compiled(
    shares: tuple[str, ...], worded: tuple[str, ...], multiples: tuple[str, ...], before: tuple[str, ...],
    after: tuple[str, ...], numbers: tuple[str, ...], tens: tuple[str, ...],
) -> re.Pattern[str]:  # fmt: skip
    number = rf"(?:{DIGITS}|(?:(?:{_any(list(tens))})[\s-])?(?:{_any(list(numbers))}))"

    def formed(pattern: str) -> str:
        return (
            re.escape(pattern).replace(r"\ ", r"[\s-]*" if pattern.endswith("%") else r"[\s-]+")
            .replace(r"\{n\}", number).replace(r"\{m\}", number)
        )  # fmt: skip

    per_cent = [formed(p) for p in shares if "cent" in p or "%" in p]
    points = [formed(p) for p in shares if "point" in p and "cent" not in p]
    others = [formed(p) for p in shares if "cent" not in p and "%" not in p and "point" not in p]
    core = (
        rf"(?P<core>{'|'.join(sorted([*per_cent, *points], key=len, reverse=True))}"
        rf"|(?P<ratio>{'|'.join(others)}|{_any(list(multiples))})|{_any(list(worded))})"
    )
    first = rf"(?!(?:19|20)\d\d\b)(?P<first>{number})(?:\s?(?:per cent|percent|%))?"
    join = rf"(?P<join>\s+to\s+|\s+and\s+|\s?-\s?)(?=(?:{DIGITS})\s?(?:per cent|percent|%))"
    return re.compile(
        rf"(?<![\w.,/£$\-])(?:{first}{join}|(?P<modifier>{_any(list(before))})\s+(?:the\s+)?)?{core}(?![\w])"
        rf"(?:\s+(?:{_any(list(after))}))?"
    )
