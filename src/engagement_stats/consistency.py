"""Check the sums inside a document, which need no survey: whether its words follow from its own numbers.

Belongs here: two shares and the words that relate them; counts and amounts of money, their multiples and shares.
Not here: holding anything against a release (verify), and reading number phrases (lexicon).
"""

import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace

from engagement_stats import lexicon, stated
from engagement_stats.catalogue import Catalogue
from engagement_stats.checked import NOTHING, Checked
from engagement_stats.documents import Passage
from engagement_stats.errors import CatalogueError
from engagement_stats.lexicon import Meaning
from engagement_stats.quantities import DIGITS, Figure, figures
from engagement_stats.rounding import percentage
from engagement_stats.sentences import alike, sentences, words
from engagement_stats.statements import Relation

COUNT = rf"£?(?:{DIGITS})(?:\s?(?:thousand|million|billion|bn|m|k)\b)?"
SHARE = rf"(?P<share>(?:{DIGITS})\s?(?:%|per ?cent))"
OF = rf"of (?:the |all |these )?(?P<of>{COUNT})"
FROM_TO = re.compile(rf"\bfrom (?P<right>{COUNT})\s+(?:\w+\s+)?to (?P<left>{COUNT})(?![\w%]|\s?per ?cent)", re.I)
OF_COUNT = re.compile(rf"{SHARE} {OF}\s[^.;]*?\((?P<part>{COUNT})\)", re.I)
PART_OF = re.compile(rf"(?P<part>{COUNT}) (?:out )?{OF}\b[^.;%]*?\({SHARE}\)", re.I)
NO_SURVEY = "These are counts and not survey figures of the release: only the arithmetic was checked."


def check(passages: Iterable[Passage], catalogue: Catalogue) -> Iterator[Checked]:
    """Check the sums of a document's sentences.

    Parameters
    ----------
    passages : iterable of Passage
    catalogue : Catalogue
        For the lexicon and the vocabulary.

    Yields
    ------
    Checked
        A row for each sum that could be made: a multiple or a change with its two counts ("tenfold, from 34 to 346"), a
        share with the count it is of and the count it gives ("30 of 120 groups (25 per cent)").
    """
    for passage in passages:
        for start, text in sentences(alike(passage.text), catalogue.reading.sentences):
            where = passage.where(start)
            yield from _multiples(text, where, catalogue)
            for match in (*OF_COUNT.finditer(text), *PART_OF.finditer(text)):
                yield from _shares(match, text, where, catalogue)


def _number(text: str, catalogue: Catalogue) -> Meaning | None:
    try:
        return lexicon.read(text, catalogue.lexicon, "count")
    except CatalogueError:
        return None


def _multiples(text: str, where: str, catalogue: Catalogue) -> Iterator[Checked]:
    spoken = [f for f in figures(text, words(text), catalogue) if f.quantity in ("ratio", "relative_change")]
    pairs = list(FROM_TO.finditer(text))
    if len(spoken) != 1 or len(pairs) != 1 or _is_year(pairs[0]["left"]) or _is_year(pairs[0]["right"]):
        return
    left, right = (_number(pairs[0][side], catalogue) for side in ("left", "right"))
    if left is None or right is None or right.value == 0 or left.unit != right.unit:
        return
    yield _row(spoken[0], text, where, _found(spoken[0], left.value, right.value))


def _is_year(text: str) -> bool:
    return re.fullmatch(r"(?:19|20)\d\d", text) is not None


def _found(figure: Figure, left: float, right: float) -> tuple[str, str]:
    ratio = left / right
    # "Fell by a third" gives the size of a fall, and its words no sign.
    value = ratio if figure.quantity == "ratio" else abs(ratio - 1)
    halved = figure.quantity == "ratio" and figure.meaning.value < 1
    said = f"The document's own numbers give {stated.shown('ratio', 'share', ratio)}"
    if figure.meaning.covers(value) or (not halved and ratio < 1 and figure.meaning.covers(1 / ratio)):
        return "right", f"{said}, which the words cover."
    return "wrong", f"{said}, which the words do not cover."


def _shares(match: re.Match[str], text: str, where: str, catalogue: Catalogue) -> Iterator[Checked]:
    part, of = _number(match["part"], catalogue), _number(match["of"], catalogue)
    if part is None or of is None or of.value == 0 or part.value > of.value:
        return
    share = lexicon.read(match["share"], catalogue.lexicon, "level")
    low, high = part.lower / of.upper, part.upper / of.lower
    made = f"The document's own numbers give {stated.shown('level', 'share', part.value / of.value)}"
    figure = Figure(match["share"], match.start("share"), match.end("share"), share)
    if share.covers(part.value / of.value) or share.touches(low, high):
        yield _row(figure, text, where, ("right", f"{made}, as stated."))
    else:
        yield _row(figure, text, where, ("wrong", f"{made}, not {match['share']}."))


def _row(figure: Figure, text: str, where: str, found: tuple[str, str]) -> Checked:
    sums, why = found
    return Checked(
        where, text, "arithmetic", figure.words, "none", arithmetic=sums, reason=f"{why} {NO_SURVEY}",
    )  # fmt: skip


def signed(meaning: Meaning, relation: Relation) -> Meaning | None:
    """Give a change or difference the sign of the direction the sentence speaks of, or of its own numbers."""
    if meaning.quantity == "ratio":
        return meaning
    direction = relation.direction
    if direction is None and relation.left_level and relation.right_level:
        direction = "higher" if relation.left_level.meaning.value >= relation.right_level.meaning.value else "lower"
    if direction == "higher":
        return meaning
    if direction != "lower":
        return None
    return replace(
        meaning, value=-meaning.value, lower=-meaning.upper, upper=-meaning.lower, sure_lower=-meaning.sure_upper,
        sure_upper=-meaning.sure_lower,
    )  # fmt: skip


def of_relation(relation: Relation) -> tuple[str, str]:
    """Say whether words of a ratio, change or direction follow from the two shares the document gives.

    Parameters
    ----------
    relation : Relation

    Returns
    -------
    tuple of str
        "right", "wrong" or "nothing to check"; and why, where it is wrong. The rounding of both shares is allowed for.
    """
    if relation.left_level is None or relation.right_level is None:
        return NOTHING, ""
    left, right = relation.left_level.meaning, relation.right_level.meaning
    if relation.figure is None:
        return _arithmetic_of_direction(relation, left.value - right.value)
    meaning = signed(relation.figure.meaning, relation)
    if meaning is None or right.value == 0:
        return NOTHING, ""
    low, high = _span(meaning.quantity, left, right)
    found = _made(meaning.quantity, left.value, right.value)
    said = f"The document's own numbers give {stated.shown(meaning.quantity, 'share', found)}"
    if meaning.covers(found) or meaning.touches(low, high):
        return "right", ""
    points = left.value - right.value
    if meaning.quantity == "relative_change" and meaning.covers(points):
        return "wrong", f"{said}; they are {percentage(abs(points))} percentage points apart, not per cent."
    return "wrong", f"{said}, which the words do not cover."


def _arithmetic_of_direction(relation: Relation, apart: float) -> tuple[str, str]:
    if relation.direction not in ("higher", "lower"):
        return NOTHING, ""
    if (apart > 0) == (relation.direction == "higher") and apart != 0:
        return "right", ""
    return "wrong", "The document's own numbers go the other way."


def _made(quantity: str, left: float, right: float) -> float:
    if quantity == "difference":
        return left - right
    return left / right if quantity == "ratio" else left / right - 1


def _span(quantity: str, left: Meaning, right: Meaning) -> tuple[float, float]:
    """Return the ends of what two rounded numbers may give."""
    ends = [left.lower, left.upper, right.lower, right.upper]
    if not all(math.isfinite(x) for x in ends) or right.lower <= 0:
        return math.inf, -math.inf
    return _made(quantity, left.lower, right.upper), _made(quantity, left.upper, right.lower)
