"""Cut a sentence into segments and say which mentions go with which number.

Belongs here: where a sentence turns from one number to another, and the nearest mentions of a kind.
Not here: finding mentions (mentions), what they make of a number (subjects), and relations of numbers (statements).
"""

import re
from collections.abc import Sequence

from engagement_stats.mentions import Kind, Mention
from engagement_stats.quantities import Figure

# What may stand between "from" and its figure.
FROM = re.compile(r"\s*(?:(?:an?|the|its)\s+(?:\w+\s+)?\w+\s+of\s+)?")
SINCE = re.compile(r"\bsince\s+$", re.IGNORECASE)
# What stands between the size of a change and the year it is since: "down five points from 2018-19".
SIZED = re.compile(r"\s+(?:\w+\s+)?(?:from|on|over)\s+")
# Two dashes around a few words are brackets: "36 per cent - more than a third - had volunteered".
DASHED = re.compile(r" - ([^-()]{3,60}) - ")


# It may part two statements: "..., and interest in politics was ...", "..., with men (58%) ...".
CLAUSE = re.compile(r", (?:and|with) ")


class Sentence:
    """A sentence while it is read, with its segments: what lies between two words that set numbers against each other.

    Text in brackets is a segment of its own, within the one around it, which goes on behind the brackets.
    """

    def __init__(self, text: str, figures: list[Figure], mentions: list[Mention]) -> None:
        self.text, self.figures, self.mentions = text, figures, mentions
        self.around: dict[int, int] = {}
        self._segments = self._split(set(cuts(self)))

    def _split(self, cuts: set[int]) -> list[int]:
        out: list[int] = []
        open_: list[int] = []
        current, last = 0, 0
        for at, mark in enumerate(DASHED.sub(_bracketed, self.text)):
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
        # What is said in brackets is said of something else, if anything else is said.
        before.sort(key=lambda x: x in self.around and self.around.get(segment) != self.around[x])
        after = range(segment + 1, max(self._segments) + 1) if later else []
        return [*around, *before, *after]

    def measures(self, segment: int) -> bool:
        """Say whether a segment names what a number is measured by: "in line with 2019-20", "than in 2013-14"."""
        parting = {x.start for x in self.of("parting")}
        opening = [x for x in self.of("contrast") if self.segment(x.start) == segment and x.start not in parting]
        return any(x.start == 0 or self.segment(x.start - 1) != segment for x in opening)

    def in_one_bracket(self, first: Figure, second: Figure) -> bool:
        """Say whether two numbers stand in the same brackets."""
        around = [self.around.get(self.segment(f.start)) for f in (first, second)]
        between = self.text[min(first.end, second.end) : max(first.start, second.start)]
        return around[0] is not None and around[0] == around[1] and "(" not in between

    @property
    def opens_with_the_measure(self) -> bool:
        """Say whether what is measured by comes first: "Compared with 2018-19, ..."."""
        return any(x.start == 0 for x in self.of("contrast") if x.names not in (("but",), ("from",)))

    def measured_first(self, first: Mention, second: Mention) -> bool:
        """Say whether the first of two mentions is what the second is measured by."""
        measures = [self.measures(self.segment(x.start)) for x in (first, second)]
        led = self.segment(first.start) == self.segment(second.start) and measures[0]
        return self.opens_with_the_measure or led or measures == [True, False]

    def since(self, year: Mention) -> bool:
        """Say whether a year is one since which something changed, and no year of a number."""
        return SINCE.search(self.text[: year.start]) is not None or any(
            f.quantity != "level" and f.end <= year.start and SIZED.fullmatch(self.text[f.end : year.start])
            for f in self.figures
        )

    def measured_by(self, year: Mention) -> bool:
        """Say whether a year is that of what something is measured by."""
        return self.since(year) or self.measures(self.segment(year.start))

    def of(self, *kinds: Kind) -> list[Mention]:
        """Return the mentions of these kinds."""
        return [x for x in self.mentions if x.kind in kinds]


def _bracketed(match: re.Match[str]) -> str:
    return f"  ({match[1]})  "


def cuts(said: Sentence) -> list[int]:
    """Return where a sentence turns from one number to another: contrasts, "from" and "to" before a number."""
    cuts = []
    for word in said.of("contrast"):
        if word.names != ("from",) or any(led_by(said, f, word) for f in said.figures):
            cuts.append(word.start)
    cuts += [x.start() for x in re.finditer(r"; | - ", DASHED.sub(_bracketed, said.text))]
    cuts += [x.start() for x in CLAUSE.finditer(said.text) if _parts_clauses(said, x.end())]
    for figure in said.figures:
        lead = said.text[: figure.start].rstrip()
        if figure.quantity == "level" and lead.endswith((" to", " at")):
            cuts.append(len(lead) - len("to"))
    return sorted(set(cuts))


def _parts_clauses(said: Sentence, at: int) -> bool:
    """Say whether a comma parts two statements: each has its own indicator and number, or the second its own people."""
    if said.text[:at].endswith("with "):
        return any(x.start == at for x in said.of("place"))
    levels = [f for f in said.figures if f.quantity == "level"]
    return all(
        any(x.start < at for x in kind) and any(x.start >= at for x in kind) for kind in (said.of("indicator"), levels)
    )


def led_by(said: Sentence, figure: Figure, word: Mention) -> bool:
    """Say whether a word leads to a figure: "from 34 per cent", "from a peak of 61 per cent"."""
    return word.end <= figure.start and FROM.fullmatch(said.text[word.end : figure.start]) is not None


def slots(said: Sentence, figure: Figure, mentions: Sequence[Mention]) -> list[Mention]:
    """Pick the mentions of a figure among those of its own segment.

    All of them, where the segment has one figure or they stand together. Otherwise those between the figures: after
    each figure, or before each, by whether any follow the last figure.
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
        return [*_lead_in(slots[0], chosen), *chosen] if follows else chosen
    earlier = [s for s in slots[: at + 1] if s]
    return earlier[-1] if earlier else []


def _lead_in(lead: list[Mention], chosen: list[Mention]) -> list[Mention]:
    """Keep of the mentions before the first figure the country that a group of each figure lives in."""
    parts = not any("population=" in x.names for x in chosen)
    return [x for x in lead if x.kind == "place" and parts and all(n.startswith("population=") for n in x.names)]


def near(
    said: Sentence, figure: Figure, kinds: tuple[Kind, ...], *, later: bool, without: Sequence[Mention] = ()
) -> list[Mention]:
    """Return the mentions that go with a figure: of its segment, else of the nearest one before it, else after it."""
    mentions = [x for x in said.of(*kinds) if x not in without]
    own = slots(said, figure, mentions)
    if own:
        return own
    segment = said.segment(figure.start)
    for other in said.others(segment, later=later):
        inside = [x for x in mentions if said.segment(x.start) == other]
        if inside:
            numbers = [f for f in said.figures if said.segment(f.start) == other]
            if said.around.get(segment) == other:
                said_before = [f for f in numbers if f.end <= figure.start]
                return (slots(said, said_before[-1], mentions) if said_before else []) or inside
            last = [x for x in inside if numbers and x.start > numbers[-1].start]
            return last if last and other < segment and len(numbers) > 1 else inside
    return []
