"""Check sums inside a document that need no survey: a multiple of two counts, a share of a count.

Belongs here: counts and amounts of money in a sentence, and whether the words about them follow from them.
Not here: shares held against a release (verify), and reading number phrases (lexicon).
"""

import re
from collections.abc import Iterable, Iterator

from engagement_stats import lexicon, stated
from engagement_stats.catalogue import Catalogue
from engagement_stats.documents import Passage
from engagement_stats.errors import CatalogueError
from engagement_stats.lexicon import Meaning
from engagement_stats.quantities import DIGITS, Figure, figures
from engagement_stats.sentences import alike, sentences, words
from engagement_stats.verify import Checked

COUNT = rf"£?(?:{DIGITS})(?:\s?(?:thousand|million|billion|bn|m|k)\b)?"
FROM_TO = re.compile(rf"\bfrom (?P<right>{COUNT})\s+(?:\w+\s+)?to (?P<left>{COUNT})(?![\w%]|\s?per ?cent)", re.I)
OF_COUNT = re.compile(
    rf"(?P<share>(?:{DIGITS})\s?(?:%|per ?cent)) of (?:the |all |these )?(?P<of>{COUNT})\s[^.;]*?\((?P<part>{COUNT})\)",
    re.I,
)
PART_OF = re.compile(
    rf"(?P<part>{COUNT}) (?:of|out of) (?:the |all |these )?(?P<of>{COUNT})\b[^.;%]*?\((?P<share>(?:{DIGITS})\s?(?:%|per ?cent))\)",
    re.I,
)
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
