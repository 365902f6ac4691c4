"""Find what a sentence names: indicators, places and people, years, surveys, and the words that relate numbers.

Belongs here: looking the catalogue's words up in a sentence, and noticing names and people it has no words for.
Not here: the words (catalogue), numbers (quantities), and which number goes with which mention (statements).
"""

import calendar
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from engagement_stats import people
from engagement_stats.catalogue import CROSS, Catalogue
from engagement_stats.quantities import Figure, no_statistics
from engagement_stats.sentences import GAP, Word, alike, find, words

Kind = Literal[
    "indicator", "place", "unknown", "year", "previous", "survey", "series", "recall", "negation", "predicate", "who",
    "contrast", "parting", "in_order", "higher", "lower", "similar", "changing", "rank", "unasserted", "part", "share",
    "opinion", "time", "referring", "general", "multiplying", "leading",
]  # fmt: skip
# Words looked at after "of" before the people are taken to be unknown.
PEOPLE_WORDS = 6
MONTHS = "|".join(calendar.month_name[1:])
YEAR = r"(?:19|20)\d\d"
SURVEY_YEAR = re.compile(rf"(?<![\d£,.])({YEAR})\s?(?:[-/]|to)\s?((?:19|20)?\d\d)(?![\d%,]\d|%)")
MONTHS_SPAN = re.compile(rf"(?:{MONTHS}) ({YEAR}) (?:to|and|-) (?:{MONTHS}) ({YEAR})")
ONE_YEAR = re.compile(rf"(?<![\d£,.\-/])({YEAR})(?![\d%]|[,.]\d)")
NAME = re.compile(r"\b(?i:in|across|within|throughout|of|from)\s+(?:the\s+)?((?:[A-Z][\w'-]+)(?:\s+[A-Z][\w'-]+)*)")


@dataclass(frozen=True, slots=True)
class Mention:
    """Words of a sentence that name something of the catalogue.

    `names` are ids of indicators, surveys, series or recalls, or a year; of a place, each way to understand it:
    "population=England", "sex=Female". Of something unknown, the words themselves.
    """

    kind: Kind
    start: int
    end: int
    names: tuple[str, ...] = ()


def survey_year(first: int) -> str:
    """Write the year of a survey that ran into the next.

    Examples
    --------
    >>> survey_year(2018), survey_year(1999)
    ('2018-19', '1999-00')
    """
    return f"{first}-{(first + 1) % 100:02d}"


def years(text: str) -> list[Mention]:
    """Find the years of a text; "2018-19" and "April 2018 to March 2019" are one, "2013 to 2019" are two.

    Examples
    --------
    >>> [m.names[0] for m in years("In 2018/19, between 2013 and 2016, April 2020 to March 2021, 2,016 people")]
    ['2018-19', '2013', '2016', '2020-21']
    """
    out: list[Mention] = []
    for match in (*MONTHS_SPAN.finditer(text), *SURVEY_YEAR.finditer(text)):
        first = int(match[1])
        second = int(match[2]) if len(match[2]) > 2 else first - first % 100 + int(match[2])
        if second < first:
            second += 100
        if second == first + 1:
            out.append(Mention("year", match.start(), match.end(), (survey_year(first),)))
    for match in ONE_YEAR.finditer(text):
        if not any(y.start <= match.start() < y.end for y in out):
            out.append(Mention("year", match.start(), match.end(), (match[1],)))
    return sorted(out, key=lambda y: y.start)


class Vocabulary:
    """The catalogue's words, made ready to be looked up.

    Parameters
    ----------
    catalogue : Catalogue
    levels : iterable of (str, str)
        Domains and levels of the release, for the names of levels the vocabulary has no words for.
    """

    def __init__(self, catalogue: Catalogue, levels: Iterable[tuple[str, str]] = ()) -> None:
        self.catalogue, self._levels = catalogue, sorted(set(levels))

    @cached_property
    def indicators(self) -> dict[str, list[str]]:
        """Pattern to the indicators it speaks of; an indicator's own label and phrase always do."""
        out: dict[str, list[str]] = {}
        for name, entry in self.catalogue.indicators.items():
            own = [_pattern(entry.label.partition(",")[0]), _pattern(entry.phrase)]
            for pattern in dict.fromkeys([*entry.keywords, *own]):
                out.setdefault(pattern, []).append(name)
        return out

    @cached_property
    def places(self) -> dict[str, list[str]]:
        """Pattern to the ways of understanding it: a whole population or a level of a domain."""
        reading, out = self.catalogue.reading, dict[str, list[str]]()

        def add(patterns: Iterable[str], means: str) -> None:
            for pattern in patterns:
                if pattern and means not in out.setdefault(pattern, []):
                    out[pattern].append(means)

        for geography, patterns in reading.populations.items():
            add(patterns, f"population={geography}")
        add(reading.whole, "population=")
        known = [(d, x) for d, e in self.catalogue.domains.items() for x in e.levels]
        for domain, level in dict.fromkeys([*known, *self._levels]):
            if CROSS not in domain and domain in self.catalogue.domains:
                add(self._of_level(domain, level), f"{domain}={level}")
        return out

    @cached_property
    def provisos(self) -> list[str]:
        """Patterns of the words of our own sentences that deny knowledge of a number, and nothing about people."""
        return [_pattern(p) for p in self.catalogue.style.provisos()]

    def _of_level(self, domain: str, level: str) -> list[str]:
        reading = self.catalogue.reading
        given = list(reading.levels.get(domain, {}).get(level, []))
        wording = self.catalogue.domains[domain].phrases.of(level)
        if wording is not None:
            ((_, text),) = ((k, v) for k, v in wording if v)
            given += [] if "{place}" in text else [_pattern(text.format(level=level))]
        ages = re.fullmatch(r"(\d+)(?:-(\d+)|\+)", level)
        if ages:
            forms = reading.ages.get("closed" if ages[2] else "open", [])
            given += [f.format(a=ages[1], b=ages[2]) for f in forms]
        elif wording is None and not given and len(level) > 3:
            given.append(_pattern(level))
        # "the North East" and "North East" are one.
        return [re.sub(r"^the ", "", g) for g in given]

    def mentions(self, text: str, found: list[Word], figures: list[Figure]) -> list[Mention]:
        """Find what a sentence names.

        Parameters
        ----------
        text : str
            As `sentences.alike` writes it.
        found : list of Word
        figures : list of Figure
            The numbers found in it.

        Returns
        -------
        list of Mention
            In the order of the text.
        """
        reading = self.catalogue.reading
        subjects = [
            *self._looked_up("indicator", self.indicators, found), *self._looked_up("place", self.places, found),
            *years(text), *_plainly("unknown", reading.ages.get("other", []), found),
            *_plainly("unknown", reading.people.narrowing, found),
        ]  # fmt: skip
        kept = [x for x in subjects if not _inside_another(x, subjects)]
        lists: dict[Kind, list[str]] = {
            "previous": reading.previous, "negation": reading.negations, "predicate": reading.predicates,
            "who": reading.who, "contrast": reading.contrasts, "parting": reading.parting, "in_order": reading.in_order,
            "higher": reading.directions.higher,
            "lower": reading.directions.lower, "similar": reading.directions.similar,
            "changing": reading.changing, "rank": reading.ranks, "unasserted": reading.unasserted,
            "part": reading.parts, "share": reading.shares, "time": reading.untold_times,
            "opinion": reading.opinions,
            "referring": reading.referring, "general": reading.people.general,
            "multiplying": reading.directions.multiplying, "leading": reading.directions.leading,
        }  # fmt: skip
        # "More than half" is a number, and the "lower" of an interval its limit; they compare nothing.
        silent = [(f.start, f.end) for f in figures] + no_statistics(found, self.catalogue)
        others = [
            m for kind, patterns in lists.items() for m in _plainly(kind, patterns, found)
            if not any(start <= m.start < end for start, end in silent)
        ]  # fmt: skip
        others += self._looked_up("survey", _turned(reading.surveys), found)
        others += self._looked_up("series", _turned(reading.series), found)
        others += self._looked_up("recall", _turned(reading.recalls), found)
        # "Not significantly different" denies no number.
        own = [*_plainly("negation", self.provisos, found), *(o for o in others if o.kind == "similar")]
        others = [
            o for o in others if o.kind != "negation" or not any(x.start <= o.start and o.end <= x.end for x in own)
        ]
        periods = [o for o in others if o.kind == "recall"]
        others = [o for o in others if o.kind != "previous" or not _inside_another(o, [*periods, o])]
        kept += self._people(found, figures, kept)
        kept += self._names(text, [*kept, *(o for o in others if o.kind == "survey")])
        return sorted([*kept, *others], key=lambda x: (x.start, x.end))

    def _looked_up(self, kind: Kind, known: dict[str, list[str]], found: list[Word]) -> list[Mention]:
        """Look patterns up; of those that match the same words, the ones that spell out most of them count."""
        by_span: dict[tuple[int, int], dict[int, list[str]]] = {}
        for pattern, names in known.items():
            spelt = len([w for w in pattern.split() if w != GAP])
            for a, b in find([pattern], found):
                by_span.setdefault((found[a].start, found[b - 1].end), {}).setdefault(spelt, []).extend(names)
        return [Mention(kind, a, b, tuple(dict.fromkeys(said[max(said)]))) for (a, b), said in by_span.items()]

    def _people(self, found: list[Word], figures: list[Figure], kept: list[Mention]) -> Iterator[Mention]:
        """Notice people after "36 per cent of" or "among" that are not everybody and not a level that is known."""
        entries = self.catalogue.reading.people
        ends = [f.end for f in figures]
        for at, word in enumerate(found):
            after_figure = at > 0 and found[at - 1].end in ends
            if word.text not in entries.introduced_by or (word.text == "of" and not after_figure):
                continue
            for beyond, later in enumerate(found[at + 1 : at + 1 + PEOPLE_WORDS], start=at + 2):
                if any(x.start <= later.start < x.end for x in kept):
                    break
                if later.text in entries.general:
                    yield from self._qualified(found[beyond:], kept)
                    break
                if later.text not in entries.plain and not later.text[0].isdigit():
                    yield Mention("unknown", later.start, later.end, (later.text,))
                    break

    def _qualified(self, behind: list[Word], kept: list[Mention]) -> Iterator[Mention]:
        """Notice what makes a part of the people it stands behind: "people with a degree", "adults over 50"."""
        entries = self.catalogue.reading.people
        if not behind or behind[0].text not in entries.qualifying:
            return
        months = {x.lower() for x in self.catalogue.reading.not_places}
        for word in behind[: 1 + PEOPLE_WORDS]:
            if word.text in entries.no_part or any(x.start <= word.start < x.end for x in kept):
                return
            if word.text not in (*entries.qualifying, *entries.linking, *months):
                yield Mention("unknown", word.start, word.end, (word.text,))
                return

    def _names(self, text: str, kept: list[Mention]) -> Iterator[Mention]:
        """Notice capitalised names after "in" and "across" for which the catalogue has no words."""
        for match in NAME.finditer(text):
            inside = any(x.start < match.end(1) and match.start(1) < x.end for x in kept)
            first = match[1].split()[0].strip("'").removesuffix("'s")
            if not inside and first not in self.catalogue.reading.not_places:
                yield Mention("unknown", match.start(1), match.end(1), (match[1],))


def _pattern(text: str) -> str:
    return " ".join(w.text for w in words(alike(text)))


def _plainly(kind: Kind, patterns: list[str], found: list[Word]) -> list[Mention]:
    spans = [(found[a].start, found[b - 1].end, [w.text for w in found[a:b]]) for a, b in find(patterns, found)]
    return [Mention(kind, a, b, (" ".join(said),)) for a, b, said in spans]


def _turned(entries: object) -> dict[str, list[str]]:
    out: dict[str, list[str]] = {}
    for name, patterns in dict(entries).items():  # type: ignore[call-overload]
        for pattern in patterns:
            out.setdefault(pattern, []).append(name)
    return out


def _inside_another(mention: Mention, all_of_them: list[Mention]) -> bool:
    """Say whether longer words hold these; where words overlap, those of an indicator stand."""
    for other in all_of_them:
        if other is mention or not (other.start < mention.end and mention.start < other.end):
            continue
        longer = other.end - other.start > mention.end - mention.start
        if longer or (other.kind == "indicator" and mention.kind != "indicator"):
            return True
        if (
            other.end - other.start == mention.end - mention.start
            and other.kind == "place"
            and mention.kind == "unknown"
        ):
            return True
    return False


def times(catalogue: Catalogue, wave: str) -> set[str]:
    """Return the years by which a wave is called: "2018-19" or "2016"."""
    entry = catalogue.waves[wave]
    told = " ".join(t for t in (entry.label, people.when(catalogue, wave)) if t)
    return {y.names[0] for y in years(alike(told))} or {str(entry.fieldwork.year)}


def meets(year: str, called: set[str]) -> bool:
    """Say whether a year in a text may mean a wave: a single year also means a survey year that begins or ends in it.

    Examples
    --------
    >>> meets("2018", {"2018-19"}), meets("2018-19", {"2018"}), meets("2019", {"2018-19"})
    (True, False, True)
    """
    if year in called:
        return True
    return year.isdigit() and (survey_year(int(year)) in called or survey_year(int(year) - 1) in called)
