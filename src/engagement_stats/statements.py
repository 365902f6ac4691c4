"""Say what the quantitative sentences of a text state: which number, of what, of whom, when, and against which other.

Belongs here: giving each number its indicator, people and year, and joining two numbers that are set against each other.
Not here: finding numbers (quantities) and names (mentions), and whether a statement is true (verify).
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest
from typing import Literal

from engagement_stats.catalogue import Catalogue
from engagement_stats.documents import Passage
from engagement_stats.mentions import Kind, Mention, Vocabulary
from engagement_stats.quantities import Figure, figures
from engagement_stats.sentences import alike, sentences, words

Direction = Literal["higher", "lower", "similar"]
DIRECTIONS: tuple[Direction, ...] = ("higher", "lower", "similar")
CLOSE = 3
# What may stand between "from" and its figure.
FROM = re.compile(r"\s*(?:(?:an?|the|its)\s+(?:\w+\s+)?\w+\s+of\s+)?")
NEGATED_WITHIN = 25


@dataclass(frozen=True, slots=True)
class Subject:
    """What a number is of, as far as the sentence says.

    `places` holds, for each place or group named, the ways to understand it. `unknown` are names and people for which
    the catalogue has no words. `bar` says why the number is not the share of people who did what the words name.
    """

    indicators: tuple[str, ...] = ()
    recall: str | None = None
    places: tuple[tuple[str, ...], ...] = ()
    years: tuple[str, ...] = ()
    previous: bool = False
    surveys: tuple[str, ...] = ()
    series: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    bar: str | None = None
    carried: bool = False


@dataclass(frozen=True, slots=True)
class Level:
    """A share that a sentence states."""

    figure: Figure
    subject: Subject


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
    significant: bool = False
    figure: Figure | None = None


@dataclass(frozen=True, slots=True)
class Statement:
    """A quantitative sentence and what it states."""

    text: str
    where: str
    levels: tuple[Level, ...] = ()
    relations: tuple[Relation, ...] = ()


class _Sentence:
    """A sentence while it is read, with its segments: what lies between two words that set numbers against each other.

    Text in brackets is a segment of its own, within the one around it, which goes on behind the brackets.
    """

    def __init__(self, text: str, figures: list[Figure], mentions: list[Mention]) -> None:
        self.text, self.figures, self.mentions = text, figures, mentions
        self.around: dict[int, int] = {}
        self._segments = self._split(set(_cuts(self)))

    def _split(self, cuts: set[int]) -> list[int]:
        out, open_, current, last = [], [], 0, 0
        for at, mark in enumerate(self.text):
            if mark == "(" or at in cuts:
                last += 1
                if mark == "(":
                    self.around[last] = current
                    open_.append(current)
                elif current in self.around:
                    self.around[last] = self.around[current]
                current = last
            out.append(current)
            if mark == ")" and open_:
                current = open_.pop()
        return [*out, current]

    def segment(self, at: int) -> int:
        """Return the segment of a place in the text."""
        return self._segments[at]

    def others(self, segment: int, *, later: bool) -> list[int]:
        """Return the segments from which another takes over: the one around it, those before it, those after it."""
        around = [self.around[segment]] if segment in self.around else []
        before = [x for x in range(segment - 1, -1, -1) if x not in around]
        after = range(segment + 1, max(self._segments) + 1) if later else []
        return [*around, *before, *after]

    def of(self, *kinds: Kind) -> list[Mention]:
        """Return the mentions of these kinds."""
        return [x for x in self.mentions if x.kind in kinds]


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
    said = _Sentence(text, numbers, vocabulary.mentions(text, found, numbers))
    levels = [Level(f, _subject(said, f)) for f in numbers if f.quantity == "level"]
    levels = [_carried(said, x, before) for x in _years_in_order(said, levels)]
    return Statement(text, where, tuple(levels), tuple(_relations(said, levels, before)))


def _cuts(said: _Sentence) -> list[int]:
    """Return where a sentence turns from one number to another: contrasts, "from" and "to" before a number."""
    cuts = []
    for word in said.of("contrast"):
        if word.names != ("from",) or any(_led_by(said, f, word) for f in said.figures):
            cuts.append(word.start)
    cuts += [x.start() for x in re.finditer(r"; | - ", said.text)]
    for figure in said.figures:
        lead = said.text[: figure.start].rstrip()
        if figure.quantity == "level" and lead.endswith(" to"):
            cuts.append(len(lead) - len("to"))
    return sorted(set(cuts))


def _led_by(said: _Sentence, figure: Figure, word: Mention) -> bool:
    """Say whether a word leads to a figure: "from 34 per cent", "from a peak of 61 per cent"."""
    return word.end <= figure.start and FROM.fullmatch(said.text[word.end : figure.start]) is not None


def _slots(said: _Sentence, figure: Figure, mentions: Sequence[Mention]) -> list[Mention]:
    """Pick the mentions of a figure among those of its own segment.

    All of them, where the segment has one figure or they stand together. Otherwise those between the figures: after each
    figure, or before each, by whether any follow the last figure.
    """
    segment = said.segment(figure.start)
    own = [f for f in said.figures if said.segment(f.start) == segment and f.quantity == "level"]
    inside = [x for x in mentions if said.segment(x.start) == segment]
    if figure not in own or len(own) <= 1:
        return inside
    slots: list[list[Mention]] = [[] for _ in range(len(own) + 1)]
    for x in inside:
        slots[sum(f.start < x.start for f in own)].append(x)
    if sum(bool(s) for s in slots) <= 1:
        return inside
    at = own.index(figure)
    follows = bool(slots[-1])
    chosen = slots[at + 1] if follows else slots[at]
    if chosen:
        return [*slots[0], *chosen] if follows and slots[0] and slots[0][0].kind == "place" else chosen
    earlier = [s for s in slots[: at + 1] if s]
    return earlier[-1] if earlier else []


def _near(said: _Sentence, figure: Figure, kinds: tuple[Kind, ...], *, later: bool) -> list[Mention]:
    """Return the mentions that go with a figure: of its segment, else of the nearest one before it, else after it."""
    mentions = said.of(*kinds)
    own = _slots(said, figure, mentions)
    if own:
        return own
    segment = said.segment(figure.start)
    for other in said.others(segment, later=later):
        inside = [x for x in mentions if said.segment(x.start) == other]
        if inside:
            numbers = [f for f in said.figures if said.segment(f.start) == other]
            last = [x for x in inside if numbers and x.start > numbers[-1].start]
            return last if last and other < segment and len(numbers) > 1 else inside
    return []


def _subject(said: _Sentence, figure: Figure) -> Subject:
    indicators = _near(said, figure, ("indicator",), later=True)
    named = _first_of(indicators, figure, said)
    recalls = _near(said, figure, ("recall",), later=True)
    people = _near(said, figure, ("place", "unknown", "general"), later=False)
    return Subject(
        indicators=named.names if named else (),
        recall=_recall(recalls),
        places=_places(people, named),
        years=_years(said, figure),
        previous=bool(_slots(said, figure, said.of("previous"))),
        surveys=tuple(dict.fromkeys(n for x in said.of("survey") for n in x.names)),
        series=tuple(dict.fromkeys(n for x in _near(said, figure, ("series",), later=False) for n in x.names)),
        unknown=tuple(said.text[x.start : x.end] for x in people if x.kind == "unknown" and not _held(x, named)),
        bar=None if named is None else _bar(said, figure, named),
    )


def _first_of(indicators: list[Mention], figure: Figure, said: _Sentence) -> Mention | None:
    """Return the indicator of a figure among those that may be: the first after it, before the next one, else the last."""
    if not indicators:
        return None
    following = min((f.start for f in said.figures if f.start > figure.start), default=len(said.text))
    after = [x for x in indicators if figure.end <= x.start < following]
    if after:
        return after[0]
    before = [x for x in indicators if x.end <= figure.start]
    return before[-1] if before else indicators[0]


def _recall(recalls: list[Mention]) -> str | None:
    """Return the recall that is named; "at least once a month in the last 12 months" is monthly."""
    named = {n for x in recalls for n in x.names}
    return next((r for r in ("monthly", "12m", "four_weeks") if r in named), None)


def _held(mention: Mention, indicator: Mention | None) -> bool:
    return indicator is not None and indicator.start <= mention.start < indicator.end


def _places(people: list[Mention], named: Mention | None) -> tuple[tuple[str, ...], ...]:
    """Return the ways to understand each place or group; a country right behind a smaller place only says where it is."""
    out: list[tuple[str, ...]] = []
    last_end = -10
    for x in people:
        if x.kind != "place" or _held(x, named):
            continue
        only_population = all(n.startswith("population=") for n in x.names)
        if not (only_population and 0 <= x.start - last_end <= len(" of ") and out):
            out.append(x.names)
        last_end = x.end
    return tuple(out)


def _years(said: _Sentence, figure: Figure) -> tuple[str, ...]:
    """Return the years of a figure. One that belongs to a number before is taken over only for other people or things."""
    own = _slots(said, figure, said.of("year"))
    if own:
        return tuple(y.names[0] for y in own)
    segment = said.segment(figure.start)
    of_its_own = any(
        said.segment(x.start) == segment for x in said.of("place", "indicator", "unknown")
    )  # fmt: skip
    for other in said.others(segment, later=False):
        inside = [x for x in said.of("year") if said.segment(x.start) == other]
        if inside and said.around.get(segment) == other:
            return tuple(y.names[0] for y in inside)
        numbers = [f for f in said.figures if said.segment(f.start) == other and f.quantity == "level"]
        lead = [y for y in inside if all(y.start < f.start for f in numbers)]
        if lead or (inside and of_its_own):
            return tuple(y.names[0] for y in (lead or inside))
    return ()


def _years_in_order(said: _Sentence, levels: list[Level]) -> list[Level]:
    """Pair two numbers with two years that stand apart from them: "from 34 to 41 per cent between 2018-19 and 2019-20"."""
    named = said.of("year")
    if len(levels) != 2 or len(named) != 2:  # noqa: PLR2004 - two of each
        if len(levels) == 1 and len(named) > 1 and said.text[: levels[0].figure.start].rstrip().endswith(" to"):
            return [_in_year(levels[0], max(y.names[0] for y in named))]
        return levels
    settled = [x.subject.years for x in levels]
    if all(len(y) == 1 for y in settled) and settled[0] != settled[1]:
        return levels
    return [_in_year(x, y.names[0]) for x, y in zip(levels, named, strict=True)]


def _in_year(level: Level, year: str) -> Level:
    return replace(level, subject=replace(level.subject, years=(year,)))


def _bar(said: _Sentence, figure: Figure, named: Mention) -> str | None:
    """Say why a number beside the words of an indicator is not its share: it denies it, or is a share of those who did."""
    between = (min(figure.end, named.end), max(figure.start, named.start))
    for no in said.of("negation"):
        near = 0 <= named.start - no.end <= NEGATED_WITHIN
        if _held(no, named) or (not near and not (figure.end <= no.start < named.start)):
            continue
        if between[0] <= no.start <= between[1]:
            return "the sentence is about those who did not, or about something denied"
    lead = [
        w for w in said.of("who") if w.end <= named.start and said.segment(w.start) == said.segment(named.start)
    ]  # fmt: skip
    general = any(g.end <= w.start <= g.end + CLOSE for w in lead for g in said.of("general", "place", "unknown"))
    if lead and general:
        if named.end <= figure.start and "," in said.text[named.end : figure.start]:
            return "the number is a share of those who did, not of everybody"
        later = [p for p in said.of("predicate") if p.start >= named.end and p.start - named.end <= 2 * NEGATED_WITHIN]
        if figure.end <= named.start and any(said.segment(p.start) == said.segment(named.start) for p in later):
            return "the number is a share of those who did, not of everybody"
    return None


def _carried(said: _Sentence, level: Level, before: Statement | None) -> Level:
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


def _relations(said: _Sentence, levels: list[Level], before: Statement | None) -> list[Relation]:
    """Join what is set against each other in a sentence, or in it and the sentence before."""
    numbers = [f for f in said.figures if f.quantity in ("ratio", "relative_change", "difference")]
    direction, told = _direction(said)
    contrasts = [x for x in said.of("contrast") if x.names not in (("but",), ("from",))]
    sides = _sides(said, levels, before if any(x.start == 0 for x in said.of("referring")) else None)
    if sides is None:
        return [Relation(f.words, Subject(), None, figure=f) for f in numbers]
    left, right = sides
    significant = bool(said.of("significant"))
    shared = {
        "left": left.subject if isinstance(left, Level) else left,
        "right": right.subject if isinstance(right, Level) else right,
        "left_level": left.figure if isinstance(left, Level) else None,
        "right_level": right.figure if isinstance(right, Level) else None,
    }
    out = [Relation(f.words, direction=direction, significant=significant, figure=f, **shared) for f in numbers]  # type: ignore[arg-type]
    both = shared["left_level"] is not None and shared["right_level"] is not None
    named = any(isinstance(x, Subject) and x.indicators for x in (shared["left"], shared["right"]))
    if not named and not both:
        return out
    if direction is None and both and contrasts and not numbers:
        out.append(Relation(contrasts[0].names[0], **shared))  # type: ignore[arg-type]
    elif direction is not None:
        out.append(Relation(told, direction=direction, significant=significant, **shared))  # type: ignore[arg-type]
    return out


def _direction(said: _Sentence) -> tuple[Direction | None, str]:
    """Return the direction a sentence speaks of and its words; none where it speaks of several."""
    similar = said.of("similar")
    if similar:
        return "similar", similar[0].names[0]
    found = said.of("higher", "lower")
    kinds = {x.kind for x in found}
    if len(kinds) != 1:
        return None, ""
    if any(0 <= found[0].start - no.end <= len(" significantly ") for no in said.of("negation")):
        return None, ""
    return ("higher" if "higher" in kinds else "lower"), said.text[found[0].start : found[0].end]


def _sides(
    said: _Sentence, levels: list[Level], before: Statement | None
) -> tuple[Level | Subject, Level | Subject | None] | None:
    """Return the two sides of a sentence; the second is None where it must be the time before."""
    # "Three in ten (30%)" is one number said twice; the later one is in digits.
    levels = [x for x, after in zip_longest(levels, levels[1:]) if after is None or after.subject != x.subject]
    if len(levels) == 2:  # noqa: PLR2004 - two sides
        first, second = levels
        turned = any(x.names == ("from",) and _led_by(said, first.figure, x) for x in said.of("contrast"))
        return (second, first) if turned else (first, second)
    if len(levels) > 2:  # noqa: PLR2004 - more than two sides
        return None
    if before is not None and before.levels and levels:
        return before.levels[-1], levels[0]
    indicators = said.of("indicator")
    if len(levels) == 1:
        return levels[0], None
    if not indicators:
        return None
    subject = Subject(
        indicators=indicators[0].names, recall=_recall(said.of("recall")),
        places=_places(said.of("place"), indicators[0]),
        years=tuple(y.names[0] for y in said.of("year")),
        surveys=tuple(n for x in said.of("survey") for n in x.names),
        unknown=tuple(said.text[x.start : x.end] for x in said.of("unknown")),
    )  # fmt: skip
    if len(subject.years) == 2:  # noqa: PLR2004 - from one year to another
        first, second = sorted(subject.years)
        return replace(subject, years=(second,)), replace(subject, years=(first,))
    if len(subject.places) == 2:  # noqa: PLR2004 - one group against another
        return replace(subject, places=subject.places[:1]), replace(subject, places=subject.places[1:])
    return subject, None
