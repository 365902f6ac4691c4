"""Say what the quantitative sentences of a text state: which numbers, and which is set against which other.

Belongs here: reading a sentence, and joining two numbers that are set against each other.
Not here: finding numbers (quantities) and names (mentions), what a number is of (levels), and whether a statement is
true (verify).
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import zip_longest
from typing import Literal

from engagement_stats.catalogue import Catalogue
from engagement_stats.documents import Passage
from engagement_stats.levels import UNTIMED, Level, levels_of, untimed
from engagement_stats.mentions import Mention, Vocabulary
from engagement_stats.quantities import Figure, figures
from engagement_stats.segments import Sentence, led_by
from engagement_stats.sentences import alike, sentences, words
from engagement_stats.subjects import Subject, places_of, recall_of

# Of the words that set two numbers against each other the one that always says which is more.
THAN = "than"
# "A fall", "an increase": they may lead to the number that came after.
CHANGE = re.compile(r"an? ")

STRAIGHT = re.compile(r"[^,;:]*")
Direction = Literal["higher", "lower", "similar"]


@dataclass(frozen=True, slots=True)
class Relation:
    """Two sides set against each other: by a direction, or by the number of a ratio, change or difference.

    `right` is None where the sentence speaks of a change and names one time only. `left_level` and `right_level` are
    the numbers the document itself gives for the sides.
    """

    words: str
    left: Subject
    right: Subject | None
    left_level: Figure | None = None
    right_level: Figure | None = None
    direction: Direction | None = None
    figure: Figure | None = None


@dataclass(frozen=True, slots=True)
class Statement:
    """A quantitative sentence and what it states."""

    text: str
    where: str
    levels: tuple[Level, ...] = ()
    relations: tuple[Relation, ...] = ()


def read(passages: Iterable[Passage], catalogue: Catalogue, levels: Iterable[tuple[str, str]] = ()) -> list[Statement]:
    """Find the quantitative sentences of a document and what they state.

    Parameters
    ----------
    passages : iterable of Passage
    catalogue : Catalogue
        With the vocabulary, keywords and lexicon.
    levels : iterable of (str, str)
        Domains and levels of the release.

    Returns
    -------
    list of Statement
        Sentences with a share, a ratio or a change, and those that say of an indicator that it rose, fell or is higher
        or lower somewhere, in the order of the document.
    """
    vocabulary = Vocabulary(catalogue, levels)
    out: list[Statement] = []
    for passage in passages:
        before: Statement | None = None
        text = alike(passage.text)
        for start, sentence in sentences(text, catalogue.reading.sentences):
            made = _statement(sentence, passage.where(start), vocabulary, before)
            before = made
            if made.levels or made.relations:
                out.append(made)
    return out


def _statement(text: str, where: str, vocabulary: Vocabulary, before: Statement | None) -> Statement:
    found = words(text)
    numbers = figures(text, found, vocabulary.catalogue)
    said = Sentence(text, numbers, vocabulary.mentions(text, found, numbers))
    levels = untimed(said, [_carried(said, x, before) for x in levels_of(said)])
    statement = Statement(text, where, tuple(levels), (*_relations(said, levels, before), *_ranks(said)))
    unasserted = bool(said.of("unasserted")) or text.rstrip("\"')").endswith("?")
    return _barred(statement) if unasserted else statement


def _barred(statement: Statement) -> Statement:
    """Mark all that a sentence says as not said to be so: a question, a wish, or something called untrue."""

    def bar(subject: Subject) -> Subject:
        return replace(subject, bar=subject.bar or "the sentence does not say that it is so")

    levels = tuple(replace(x, subject=bar(x.subject)) for x in statement.levels)
    relations = tuple(replace(x, left=bar(x.left)) for x in statement.relations)
    return replace(statement, levels=levels, relations=relations)


def _ranks(said: Sentence) -> list[Relation]:
    """Notice that an indicator is said to be highest or lowest somewhere, so that it does not go unsaid."""
    indicators, ranks = said.of("indicator"), said.of("rank")
    if not indicators or not ranks or any(x.start <= ranks[0].start < x.end for x in indicators):
        return []
    subject = Subject(bar="a place among others is told from the interval of its rank, which league tables have")
    return [Relation(ranks[0].names[0], subject, None)]


def _carried(said: Sentence, level: Level, before: Statement | None) -> Level:
    """Take over from the sentence before what a sentence that points back to it ("This is ...") leaves out."""
    refers = any(x.start == 0 for x in said.of("referring"))
    if not refers or level.subject.indicators or before is None or not before.levels:
        return level
    last = before.levels[-1].subject
    subject = replace(
        level.subject, indicators=last.indicators, recall=level.subject.recall or last.recall,
        places=level.subject.places or last.places, surveys=level.subject.surveys or last.surveys, bar=last.bar,
        carried=True,
    )  # fmt: skip
    return replace(level, subject=subject)


def _relations(said: Sentence, levels: list[Level], before: Statement | None) -> list[Relation]:
    """Join what is set against each other in a sentence, or in it and the sentence before."""
    numbers = [f for f in said.figures if f.quantity in ("ratio", "relative_change", "difference")]
    direction, told = _direction(said)
    contrasts = [x for x in said.of("contrast") if x.names not in (("but",), ("from",))]
    sides = _sides(said, levels, before if any(x.start == 0 for x in said.of("referring")) else None)
    if sides is None:
        return [Relation(f.words, Subject(), None, figure=f) for f in numbers]
    left, right = sides
    two = Relation(
        "", _subject(left), None if right is None else _subject(right),
        left.figure if isinstance(left, Level) else None, right.figure if isinstance(right, Level) else None,
    )  # fmt: skip
    if two.right is not None and two.right.bar == UNTIMED:
        two = replace(two, right=None)  # a change since an unnamed time is one since the wave before
    if two.right is None and not said.of("changing", "previous"):
        unsaid = "what it is set against is not said, or not in words the catalogue has"
        two = replace(two, right=Subject(bar=unsaid))
    out = [replace(two, words=f.words, direction=direction, figure=f) for f in numbers]
    if not two.left.indicators and not (two.right and two.right.indicators):
        return out
    if direction is not None:
        out.append(replace(two, words=told, direction=direction))
    elif two.left_level and two.right_level and contrasts and not numbers:
        told = contrasts[0].names[0]
        unread = "it is more or less than something, in words not read" if told == THAN else two.left.bar
        out.append(replace(two, words=told, left=replace(two.left, bar=unread)))
    return out


def _subject(side: Level | Subject) -> Subject:
    return side.subject if isinstance(side, Level) else side


def _measured_by(said: Sentence, level: Level) -> Subject | None:
    """Return the other side of the one number of a sentence: the same people in the year it is measured by."""
    named = [y for y in said.of("year") if said.measured_by(y) and y.names[0] not in level.subject.years]
    if len(named) != 1:
        return None
    return replace(level.subject, years=named[0].names, previous=False)


def _direction(said: Sentence) -> tuple[Direction | None, str]:
    """Return the direction a sentence speaks of and its words; none where it speaks of several."""
    # "Twice as likely" is not as likely.
    similar = [x for x in said.of("similar") if not any(0 <= x.start - f.end <= 1 for f in said.figures)]
    found = similar or said.of("higher", "lower")
    kinds = {x.kind for x in found}
    if len(kinds) != 1 or (similar and _multiplied(said, similar[0])):
        return None, ""
    if any(0 <= found[0].start - no.end <= len(" significantly ") for no in said.of("negation")):
        return None, ""
    if similar:
        return "similar", similar[0].names[0]
    return ("higher" if "higher" in kinds else "lower"), said.text[found[0].start : found[0].end]


def _multiplied(said: Sentence, mention: Mention) -> bool:
    """Say whether "as likely" follows a multiple that was not read: "umpteen times as likely"."""
    return any(x.end == mention.start - 1 for x in said.of("multiplying"))


def _leads(said: Sentence, first: Figure, second: Figure) -> bool:
    """Say whether a contrast leads straight to the first of two numbers."""
    parting = {x.start for x in said.of("parting")}
    return not said.in_one_bracket(first, second) and any(
        x.end <= first.start and x.start not in parting and STRAIGHT.fullmatch(said.text[x.end : first.start])
        for x in said.of("contrast")
    )


def _turned(said: Sentence, first: Level, second: Level) -> bool:
    """Say whether the first of two numbers is what the second is measured by: of a change, that of the earlier year."""
    if said.opens_with_the_measure:
        return True
    parting = {x.start for x in said.of("parting")}
    if any(
        first.figure.end <= x.start < second.figure.start and x.start not in parting and not CHANGE.match(x.names[0])
        for x in said.of("contrast")
    ):
        return False  # "34 per cent, up from ...", and not "34 per cent, a fall to ..."
    years = first.subject.years, second.subject.years
    if said.of("changing") and len(years[0]) == len(years[1]) == 1 and years[0] != years[1]:
        return years[0] < years[1]
    leading = {x.start for x in said.of("leading")}
    if any(
        first.figure.end <= x.start < second.figure.start and x.start not in leading for x in said.of("higher", "lower")
    ):
        return True  # "59 per cent of all; in Wales it was higher, at ..."
    if _leads(said, first.figure, second.figure):
        return True  # "compared with women (49 per cent), men (58 per cent) were ..."
    between = " between " in f" {said.text[: first.figure.start].lower()}"
    return between or any(x.names == ("from",) and led_by(said, first.figure, x) for x in said.of("contrast"))


def _later_measures(said: Sentence, first: Mention, second: Mention) -> bool:
    """Say whether of two years the second is what the first is measured by: "higher in 2018-19 than in 2019-20".

    What is set against nothing is a change, of which the earlier year is the measure.
    """
    if said.opens_with_the_measure:
        return False
    measured = [said.measured_by(x) for x in (first, second)]
    return first.names > second.names if measured[0] == measured[1] else measured[1]


def _sides(
    said: Sentence, levels: list[Level], before: Statement | None
) -> tuple[Level | Subject, Level | Subject | None] | None:
    """Return the two sides of a sentence; the second is None where it must be the time before."""
    # "Three in ten (30%)" is one number said twice; the later one is in digits.
    levels = [x for x, after in zip_longest(levels, levels[1:]) if after is None or after.subject != x.subject]
    if len(levels) == 2:
        first, second = levels
        measured = [(x.subject.indicators, x.subject.recall) for x in levels]
        if measured[0] != measured[1] and not said.measures(
            said.around.get(said.segment(second.figure.start), said.segment(second.figure.start))
        ):
            return None  # two things said one after the other, each against something else
        turned = _turned(said, first, second)
        return (second, first) if turned else (first, second)
    if len(levels) > 2:
        return None
    if before is not None and before.levels and levels:
        return before.levels[-1], levels[0]
    indicators = said.of("indicator")
    if len(levels) == 1:
        return levels[0], _measured_by(said, levels[0])
    if not indicators:
        return None
    subject = Subject(
        indicators=indicators[0].names, recall=recall_of(said.of("recall")),
        places=places_of(said.of("place"), indicators[0]),
        years=tuple(y.names[0] for y in said.of("year")),
        surveys=tuple(n for x in said.of("survey") for n in x.names),
        unknown=tuple(said.text[x.start : x.end] for x in said.of("unknown")),
    )  # fmt: skip
    named = said.of("year")
    if len(named) == 2:
        left, right = named if _later_measures(said, *named) else named[::-1]
        return replace(subject, years=left.names), replace(subject, years=right.names)
    if len(subject.places) == 2:
        two = replace(subject, places=subject.places[:1]), replace(subject, places=subject.places[1:])
        return two[::-1] if said.opens_with_the_measure else two
    if len(named) == 1 and said.measured_by(named[0]):
        return replace(subject, years=()), subject
    return subject, None
