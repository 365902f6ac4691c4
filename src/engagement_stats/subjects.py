"""Say what a number of a sentence is of: which indicator, whom, when, by which survey.

Belongs here: making a subject of the mentions that go with a number, and why a number is not the share it seems to be.
Not here: which mentions go with it (segments), the catalogue's words (mentions), and finding the estimate (identify).
"""

import re
from dataclasses import dataclass

from engagement_stats.mentions import Mention
from engagement_stats.quantities import Figure
from engagement_stats.segments import Sentence, led_by, near, slots

CLOSE = 3
NEGATED_WITHIN = 25
UNTOLD = "it is of a time that is not followed"
# What may stand between a number and its year behind it, "34 per cent (in 2018-19)", or a place or year and its number.
BRACKET = re.compile(r"\s*\(\s*(?:in\s+)?")
# What leads from a number to those who did.
MEMBERS = re.compile(r"\s+of\s+(?:all\s+|the\s+|these\s+)?")
# What stands between a number and the people right behind it.
RUNNING = re.compile(r"[^,;:()]*")
# What may stand between "of whom" and its number.
DIRECTLY = re.compile(r"[\s,:-]*(?:\w+\s)?")
ORDER = "the order of the numbers is not followed"
OF_A_PART = "the number is a share of those who did, not of everybody"


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


def subject_of(said: Sentence, figure: Figure) -> Subject:
    """Say what a number of a sentence is of."""
    indicators = near(said, figure, ("indicator",), later=True)
    named = _first_of(indicators, figure, said)
    recalls = near(said, figure, ("recall",), later=True)
    before = [x for x in said.of("place", "unknown") if BRACKET.fullmatch(said.text[x.end : figure.start])]
    elsewhere = _of_another(said, figure)
    people = before or near(said, figure, ("place", "unknown", "general"), later=False, without=elsewhere)
    return Subject(
        indicators=named.names if named else (),
        recall=recall_of(recalls),
        places=places_of(people, named),
        years=_years(said, figure),
        previous=bool(slots(said, figure, said.of("previous"))),
        surveys=tuple(dict.fromkeys(n for x in said.of("survey") for n in x.names)),
        series=_series(said, figure),
        unknown=tuple(said.text[x.start : x.end] for x in people if x.kind == "unknown" and not _held(x, named)),
        bar=(
            _order(said, figure)
            or _part(said, figure, named)
            or (UNTOLD if slots(said, figure, said.of("time")) else None)
            or (None if named is None else _bar(said, figure, named))
        ),
    )


def _of_another(said: Sentence, figure: Figure) -> list[Mention]:
    """Return the places and people that another number follows in brackets: "53 per cent ..., more men (58%) than ...".

    They are of this number too where they stand right behind it, as in "nearly half of women (49%)".
    """
    indicators = said.of("indicator")
    return [
        x for x in said.of("place", "unknown")
        if any(BRACKET.fullmatch(said.text[x.end : f.start]) and not said.in_one_bracket(f, figure)
               for f in said.figures if f.start != figure.start)
        and not (figure.end <= x.start and RUNNING.fullmatch(said.text[figure.end : x.start])
                 and not any(figure.end <= i.start < x.start for i in indicators))
    ]  # fmt: skip


def _series(said: Sentence, figure: Figure) -> tuple[str, ...]:
    """Return the series named for a figure, also in brackets behind it: "45 per cent (web and paper)"."""
    following = min((f.start for f in said.figures if f.start > figure.start), default=len(said.text))
    behind = [
        x for x in said.of("series")
        if figure.end <= x.start < following and said.around.get(said.segment(x.start)) == said.segment(figure.start)
    ]  # fmt: skip
    named = behind or near(said, figure, ("series",), later=False)
    return tuple(dict.fromkeys(n for x in named for n in x.names))


def _first_of(indicators: list[Mention], figure: Figure, said: Sentence) -> Mention | None:
    """Return the indicator of a figure among several: the first between it and the next one, else the last before."""
    if not indicators:
        return None
    following = min((f.start for f in said.figures if f.start > figure.start), default=len(said.text))
    after = [x for x in indicators if figure.end <= x.start < following]
    if after:
        return after[0]
    before = [x for x in indicators if x.end <= figure.start]
    return before[-1] if before else indicators[0]


def recall_of(recalls: list[Mention]) -> str | None:
    """Return the recall that is named; "at least once a month in the last 12 months" is monthly."""
    named = {n for x in recalls for n in x.names}
    return next((r for r in ("monthly", "12m", "four_weeks") if r in named), None)


def _held(mention: Mention, indicator: Mention | None) -> bool:
    return indicator is not None and indicator.start <= mention.start < indicator.end


def places_of(people: list[Mention], named: Mention | None) -> tuple[tuple[str, ...], ...]:
    """Return the ways to understand each place or group; a country right behind one only says where that is."""
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


def _years(said: Sentence, figure: Figure) -> tuple[str, ...]:
    """Return the years of a figure; those of a number before are taken over only for other people or things."""
    beside = [
        y for y in said.of("year")
        if BRACKET.fullmatch(said.text[figure.end : y.start]) or BRACKET.fullmatch(said.text[y.end : figure.start])
    ]  # fmt: skip
    years = [y for y in said.of("year") if not said.since(y)]
    own = beside or slots(said, figure, years) or _in_brackets(said, figure, years)
    if own:
        return tuple(dict.fromkeys(y.names[0] for y in own))
    segment = said.segment(figure.start)
    of_its_own = any(
        said.segment(x.start) == segment for x in said.of("place", "indicator", "unknown")
    )  # fmt: skip
    for other in said.others(segment, later=False):
        inside = [x for x in years if said.segment(x.start) == other]
        if inside and said.around.get(segment) == other:
            return tuple(y.names[0] for y in inside)
        numbers = [f for f in said.figures if said.segment(f.start) == other and f.quantity == "level"]
        if said.measures(other):
            continue
        lead = [y for y in inside if all(y.start < f.start for f in numbers)]
        if lead or (inside and of_its_own):
            return tuple(y.names[0] for y in (lead or inside))
    since = {y.names[0] for y in said.of("year") if said.since(y)}
    led = any(x.names == ("from",) and led_by(said, figure, x) for x in said.of("contrast"))
    # "Since 2018-19, ... from 34 per cent to 41 per cent in 2019-20".
    return tuple(since) if led and len(since) == 1 else ()


def _in_brackets(said: Sentence, figure: Figure, years: list[Mention]) -> list[Mention]:
    """Return the years in brackets within a figure's own segment: "In the latest year (2019-20), 41 per cent ..."."""
    levels = [f for f in said.figures if f.quantity == "level"]
    return [
        y for y in years
        if said.around.get(said.segment(y.start)) == said.segment(figure.start)
        and not any(said.segment(f.start) == said.segment(y.start) for f in levels)
        and not any(min(figure.end, y.end) <= f.start < max(figure.start, y.start) for f in levels)
    ]  # fmt: skip


def _bar(said: Sentence, figure: Figure, named: Mention) -> str | None:
    """Say why a number beside the words of an indicator is not its share: denied, or a share of those who did."""
    if MEMBERS.fullmatch(said.text[figure.end : named.start]):
        return OF_A_PART  # "40 per cent of e-petition signers were ..."
    between = (min(figure.end, named.end), max(figure.start, named.start))
    for no in said.of("negation"):
        near = 0 <= named.start - no.end <= NEGATED_WITHIN
        denied = named.end <= figure.start and (_denied(said, figure, no) or _never_so(said, figure, named, no))
        if _held(no, named) or not (near or denied or figure.end <= no.start < named.start):
            continue
        if between[0] <= no.start <= between[1] or denied:
            return "the sentence is about those who did not, or about something denied"
    if any(figure.end <= x.start and 0 <= named.start - x.end <= CLOSE for x in said.of("opinion")):
        return "the sentence is about what people think of it"
    lead = [
        w for w in said.of("who") if w.end <= named.start and said.segment(w.start) == said.segment(named.start)
    ]  # fmt: skip
    general = any(g.end <= w.start <= g.end + CLOSE for w in lead for g in said.of("general", "place", "unknown"))
    if lead and general:
        if named.end <= figure.start and "," in said.text[named.end : figure.start]:
            return OF_A_PART
        later = [p for p in said.of("predicate") if p.start >= named.end and p.start - named.end <= 2 * NEGATED_WITHIN]
        if figure.end <= named.start and any(said.segment(p.start) == said.segment(named.start) for p in later):
            return OF_A_PART
    return None


def _part(said: Sentence, figure: Figure, named: Mention | None) -> str | None:
    """Say that a number is a share of a part: "of those who signed a petition, 23 per cent ...", "of whom 28 per cent".

    The words of an indicator right behind the words that lead to the part say who is in it.
    """
    for part in said.of("part"):
        if part.start <= figure.start < part.end or any(0 < part.start - x.end <= CLOSE for x in said.of("share")):
            continue
        if part.end <= figure.start and DIRECTLY.fullmatch(said.text[part.end : figure.start]):
            return OF_A_PART
        whom = next((x for x in said.of("indicator") if 0 <= x.start - part.end <= NEGATED_WITHIN), None)
        if whom is None:
            continue
        others = [x for x in said.of("indicator") if x.start >= whom.end and x.names != whom.names]
        follows = 0 < part.start - figure.end <= CLOSE and any(
            said.segment(x.start) == said.segment(part.start) for x in others
        )
        opens = not any(0 < part.start - x.end <= CLOSE for x in said.figures)
        if follows or (opens and part.start < figure.start and named in others):
            return OF_A_PART
    return None


def _never_so(said: Sentence, figure: Figure, named: Mention, no: Mention) -> bool:
    """Say whether a denial leads from an indicator to a figure: "civic participation was never above 42 per cent"."""
    together = named.end <= no.start and said.segment(no.start) == said.segment(figure.start)
    return together and no.end <= figure.start and RUNNING.fullmatch(said.text[no.end : figure.start]) is not None


def _denied(said: Sentence, figure: Figure, no: Mention) -> bool:
    """Say whether a denial follows a figure before the next one: "and 30 per cent are certain not to vote"."""
    segment = said.segment(no.start)
    if segment not in (said.segment(figure.start), said.around.get(said.segment(figure.start))):
        return False
    # "The majority of them (69 per cent) were not": what is denied is said in two numbers.
    others = [f for f in said.figures if f.start > figure.start and said.segment(f.start) == segment]
    return figure.end <= no.start < min((f.start for f in others), default=len(said.text))


def _order(said: Sentence, figure: Figure) -> str | None:
    """Say that it is not followed which of several numbers is which.

    They stand before "respectively", or two in brackets behind two indicators: "more X than Y (23% and 11%)".
    """
    levels = [f for f in said.figures if f.quantity == "level"]
    segment = said.segment(figure.start)
    if len(levels) > 2 and segment in {said.segment(x.start) for x in said.of("in_order")}:
        return ORDER
    together = [f for f in levels if said.in_one_bracket(f, figure)]
    if len(together) != 2:
        return None
    begin = max((f.end for f in levels if f.end <= together[0].start), default=0)
    indicators = [x for x in said.of("indicator") if begin <= x.start < together[1].end]
    inside = any(x.start > together[0].start for x in indicators)
    return ORDER if len({x.names for x in indicators}) > 1 and not inside else None
