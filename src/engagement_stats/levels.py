"""Say of each share that a sentence states what it is of, where several stand together.

Belongs here: pairing numbers with people and years by their order, and numbers of another time than is told.
Not here: what goes with a number by itself (subjects), and which is set against which (statements).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from engagement_stats.mentions import Mention
from engagement_stats.quantities import Figure
from engagement_stats.segments import Sentence, led_by
from engagement_stats.subjects import ORDER, Subject, subject_of

UNTIMED = "it is of another time than the number it is set beside, and of which is not said"
SPAN = re.compile(r"\d\D*(?:to|and|-)\D*\d")
# What stands between a number and the same in digits: "nearly a quarter (23 per cent)".
AGAIN = re.compile(r"\s*\(")
# What stands between two numbers that stand together.
TOGETHER = re.compile(
    r"(?:%| per ?cent)?,? (?:and|against|versus|vs\.?|v\.?|compared with|compared to)(?: (?:just|only))? "
)


@dataclass(frozen=True, slots=True)
class Level:
    """A share that a sentence states."""

    figure: Figure
    subject: Subject


def levels_of(said: Sentence) -> list[Level]:
    """Return the shares of a sentence, each with what it is of."""
    levels = [Level(f, _of_two(said, f, subject_of(said, f))) for f in said.figures if f.quantity == "level"]
    levels = _places_in_order(said, _years_in_order(said, levels))
    for at, (first, again) in enumerate(pairwise(levels), start=1):
        meaning = again.figure.meaning
        if AGAIN.fullmatch(said.text[first.figure.end : again.figure.start]) and first.figure.meaning.touches(
            meaning.lower, meaning.upper
        ):
            levels[at] = replace(again, subject=levels[at - 1].subject)
    return levels


def _of_two(said: Sentence, figure: Figure, subject: Subject) -> Subject:
    """Bar "29 to 63 per cent" right behind two people who are compared: it may be a number of each, and no range."""
    before = max((f.end for f in said.figures if f.end <= figure.start), default=0)
    named = {x.names for x in said.of("place") if before <= x.start < figure.start}
    compared = any(before <= x.start < figure.start for x in said.of("contrast", "higher", "lower"))
    unclear = compared and len(named) > 1 and SPAN.search(figure.words) is not None
    return replace(subject, bar=subject.bar or ORDER) if unclear else subject


def _in_order(said: Sentence, levels: list[Level], mentions: Sequence[Mention]) -> dict[int, Mention | None]:
    """Pair two numbers that stand together with the two mentions before; None where their order is not followed.

    "Higher in Wales than in England (23 against 15%)", "higher among men than women, at 58% and 49%".
    """
    out: dict[int, Mention | None] = {}
    for at, (first, second) in enumerate(pairwise(levels)):
        before = levels[at - 1].figure.end if at else 0
        end = second.figure.start
        if not said.in_one_bracket(first.figure, second.figure):
            end = levels[at + 2].figure.start if at + 2 < len(levels) else len(said.text)
            if not TOGETHER.fullmatch(said.text[first.figure.end : second.figure.start]):
                continue
        inside = [x for x in mentions if before <= x.start < end]
        named = [x for x in inside if x.end <= first.figure.start]
        if len(named) != 2 or named != inside or named[0].names == named[1].names:
            continue
        # "Compared with men, women ... (49 against 58%)" may be in either order.
        known = not said.measured_first(named[0], named[1])
        out |= {at: named[0] if known else None, at + 1: named[1] if known else None}
    return out


def _places_in_order(said: Sentence, levels: list[Level]) -> list[Level]:
    out = list(levels)
    for at, place in _in_order(said, levels, said.of("place", "unknown")).items():
        subject = levels[at].subject
        if place is None:
            out[at] = replace(levels[at], subject=replace(subject, bar=subject.bar or ORDER))
        elif place.kind == "place":
            out[at] = replace(levels[at], subject=replace(subject, places=(place.names,)))
    return out


def _years_in_order(said: Sentence, levels: list[Level]) -> list[Level]:
    """Pair two numbers with two years that stand apart: "from 34 to 41 per cent between 2018-19 and 2019-20"."""
    ordered = _in_order(said, levels, said.of("year"))
    if ordered:
        out = list(levels)
        for at, year in ordered.items():
            subject = levels[at].subject
            timed = replace(subject, bar=subject.bar or ORDER) if year is None else replace(subject, years=year.names)
            out[at] = replace(levels[at], subject=timed)
        return out
    named = [y for y in said.of("year") if not said.measured_by(y)]
    if len(levels) != 2 or len(named) != 2:
        if len(levels) == 1 and len(named) > 1 and said.text[: levels[0].figure.start].rstrip().endswith(" to"):
            return [_in_year(levels[0], max(y.names[0] for y in named))]
        return levels
    settled = [x.subject.years for x in levels]
    if all(len(y) == 1 for y in settled) and settled[0] != settled[1]:
        return levels
    return [_in_year(x, y.names[0]) for x, y in zip(levels, named, strict=True)]


def _in_year(level: Level, year: str) -> Level:
    return replace(level, subject=replace(level.subject, years=(year,)))


def untimed(said: Sentence, levels: list[Level]) -> list[Level]:
    """Bar a number that another is measured by, of the same people, when no time of its own is told.

    "30 per cent in 2020-21, down from 37 per cent" states two times, and names one.
    """
    out: list[Level] = []
    for level in levels:
        led = any(x.names == ("from",) and led_by(said, level.figure, x) for x in said.of("contrast"))
        measures = led or said.measures(said.segment(level.figure.start))
        if measures and len(level.subject.years) < 2 and any(_is_timed_as(x.subject, level.subject) for x in out):
            level = replace(level, subject=replace(level.subject, bar=UNTIMED))
        out.append(level)
    return out


def _is_timed_as(one: Subject, other: Subject) -> bool:
    """Say whether another number is of the same people and thing, and of no other time."""
    return replace(one, years=()) == replace(other, years=()) and other.years in ((), one.years)
