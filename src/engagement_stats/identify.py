"""Find the estimate of a release that a statement is about, or say why it cannot be told which.

Belongs here: narrowing the estimates by indicator, people, survey and year; what had to be assumed; what is ambiguous.
Not here: reading the sentence (statements), and whether it is true (verify).
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any, Literal

from engagement_stats.catalogue import CROSS, LEVEL_SEPARATOR, REST, Catalogue
from engagement_stats.catalogue import model as m
from engagement_stats.errors import LISTED, listed
from engagement_stats.mentions import meets, times
from engagement_stats.subjects import Subject

Match = Literal["named", "assumed", "ambiguous", "none"]
# Recalls of which a sentence can name another than the indicator's.
PERIODS = ("monthly", "12m", "four_weeks")


@dataclass(frozen=True, slots=True)
class Identified:
    """The estimate a statement is about, when it can be told.

    `match` is "named" (indicator, people and year are all in the sentence or leave no choice), "assumed" (the sentence
    leaves open what `reason` says was taken), "ambiguous" (several estimates match; none is taken) or "none".
    `older` are the same estimate in the survey's other waves, where no year is named. `people_assumed` says that nobody
    was named and the estimate is not of a whole country.
    """

    match: Match
    side: m.Side | None = None
    reason: str = ""
    candidates: tuple[m.Side, ...] = ()
    older: tuple[m.Side, ...] = ()
    people_assumed: bool = False


class Identifier:
    """The estimates of a release, to be asked about one statement after another.

    Parameters
    ----------
    catalogue : Catalogue
    rows : iterable of named tuples
        Of estimates.
    """

    def __init__(self, catalogue: Catalogue, rows: Iterable[Any]) -> None:
        self.catalogue = catalogue
        self.rows = [r for r in rows if not r.domain.startswith(REST)]
        self.times = {w: times(catalogue, w) for w in {r.wave for r in self.rows}}
        self._same = {p: k for k, w in catalogue.microdata_waves.items() for p in w.published_as}

    def identify(self, subject: Subject) -> Identified:
        """Find the estimate a subject names.

        Parameters
        ----------
        subject : Subject

        Returns
        -------
        Identified
        """
        if subject.bar is not None:
            return Identified("none", reason=f"It cannot be held against an estimate: {subject.bar}.")
        if not subject.indicators:
            return Identified("none", reason="No indicator matched: the words name nothing this catalogue measures.")
        indicators = self._of_recall(subject)
        if not indicators:
            known = listed([self.catalogue.indicators[i].label for i in subject.indicators])
            return Identified("none", reason=f"The period named is not that of the indicator ({known}).")
        rows = [r for r in self.rows if r.indicator in indicators]
        if unknown := self._unknown(subject, rows):
            return Identified(
                "none", reason=f'The catalogue has no words for "{unknown}", so it is not known who is meant.'
            )
        rows = [r for r in rows if self._of_survey(subject, r)]
        fitting = [r for r in rows if self._fits(subject, r)]
        if not fitting:
            who = "these people" if rows else "this"
            return Identified("none", reason=f"The release has no figure of {who} for {self._labels(indicators)}.")
        if len({r.indicator for r in fitting}) > 1:
            return self._several(subject, fitting)
        found = self._in_time(subject, fitting)
        if found.side is not None and not subject.places:
            population = self.catalogue.population(found.side.wave)
            if population.geography not in self.catalogue.reading.unsaid:
                taken = f"It is not said of whom; {population.phrase} were taken."
                return replace(found, match="assumed", reason=f"{taken} {found.reason}".strip(), people_assumed=True)
        return found

    def _of_recall(self, subject: Subject) -> tuple[str, ...]:
        """Keep the indicators of the period that the sentence names, where it names one."""
        recalls = {i: self.catalogue.indicators[i].recall for i in subject.indicators}
        if subject.recall is None:
            return subject.indicators
        return tuple(i for i, r in recalls.items() if r == subject.recall or r not in PERIODS)

    def _unknown(self, subject: Subject, rows: list[Any]) -> str | None:
        """Return the first of the unknown words that is not just the age from which a population counts."""
        ages = {str(self.catalogue.population(r.wave).age_from) for r in rows}
        for text in subject.unknown:
            age = re.search(r"(\d+)\s*(?:\+|(?:years )?(?:and|or) (?:over|above|older))", text)
            if age is None or ages != {age[1]}:
                return text
        return None

    def _of_survey(self, subject: Subject, row: Any) -> bool:
        series = self.catalogue.waves[row.wave].series
        return (not subject.surveys or row.survey in subject.surveys) and (
            not subject.series or series in subject.series
        )

    def _fits(self, subject: Subject, row: Any) -> bool:
        """Say whether an estimate is of exactly the people named: every one of them, and no other division."""
        levels = set()
        if row.domain != "all":
            levels = {
                f"{d}={x}" for d, x in zip(row.domain.split(CROSS), row.level.split(LEVEL_SEPARATOR), strict=True)
            }
        spoken_for = {"population=", f"population={self.catalogue.population(row.wave).geography}"}
        met = [(set(options) & levels, set(options) & spoken_for) for options in subject.places]
        return all(a or b for a, b in met) and set().union(*(a for a, _ in met)) == levels

    def _several(self, subject: Subject, rows: list[Any]) -> Identified:
        """Say that several indicators match; only their figures of the year named, if one is, can be meant."""
        named = self._of_years(subject, rows) if subject.years else rows
        meant = self._ambiguous(rows, "Several match: say which of")
        if not named:
            none = f"The release has no figure of {' and '.join(subject.years)} for any of them."
            return replace(meant, reason=f"{meant.reason} {none}", candidates=())
        return replace(meant, candidates=self._sides(named))

    def _of_years(self, subject: Subject, rows: list[Any]) -> list[Any]:
        return [r for r in rows if any(meets(y, self.times[r.wave]) for y in subject.years)]

    def _in_time(self, subject: Subject, rows: list[Any]) -> Identified:
        if subject.years:
            named = self._of_years(subject, rows)
            if not named:
                return Identified(
                    "none", reason=f"The release has no figure of {' and '.join(subject.years)} for it.",
                    candidates=self._sides(rows),
                )  # fmt: skip
            named = self._one_of_twins(named)
            if len(named) > 1:
                return self._ambiguous(named, f"Several waves match {' and '.join(subject.years)}: say which of")
            return Identified("named", self._sides(named)[0])
        rows = self._one_of_twins(rows)
        if len(rows) == 1:
            return Identified("named", self._sides(rows)[0])
        if len({r.survey for r in rows}) > 1:
            return self._ambiguous(self._newest(rows), "Several surveys match: say which of")
        newest = self._newest(rows)[0]
        older = tuple(s for r, s in zip(rows, self._sides(rows), strict=True) if r is not newest)
        label = self.catalogue.waves[newest.wave].label
        return Identified(
            "assumed", self._sides([newest])[0], f"No year is named; the newest was taken ({label}).", older=older
        )

    def _newest(self, rows: list[Any]) -> list[Any]:
        """Return the newest of each survey."""
        ordered = sorted(rows, key=lambda r: (r.survey, self._when(r.wave)))
        return [list(group)[-1] for _, group in groupby(ordered, key=lambda r: r.survey)]

    def _when(self, wave: str) -> tuple[int, str]:
        fieldwork = self.catalogue.waves[wave].fieldwork
        return fieldwork.year, str(fieldwork.start or "")

    def _one_of_twins(self, rows: list[Any]) -> list[Any]:
        """Of one wave's own estimates and what its producer published, keep the published, or else what is real."""
        waves = {r.wave for r in rows}
        twins = {k for p, k in self._same.items() if p in waves and k in waves}
        kept = [r for r in rows if r.wave not in twins]
        real = [r for r in kept if not r.is_synthetic]
        return real or kept

    def before(self, side: m.Side) -> m.Side | None:
        """Return the same estimate in the wave of the series before, None where there is none."""
        wave = self.catalogue.waves[side.wave]
        if wave.series is None:
            return None
        order = self.catalogue.series_waves(wave.survey, wave.series)
        have = {(r.wave, r.indicator, r.domain, r.level) for r in self.rows}
        earlier = [w for w in order[: order.index(side.wave)] if (w, *side.key[1:]) in have]
        return side.model_copy(update={"wave": earlier[-1]}) if earlier else None

    def related(self, subject: Subject, other: m.Side | None) -> Identified:
        """Find the second side of a statement; "the previous year" is that of the first."""
        if subject.previous and other is not None:
            same_time = replace(subject, previous=False, years=tuple(self.times[other.wave]))
            meant = self.identify(same_time)
            if meant.side is None:
                return meant
            found = self.before(meant.side)
            if found is None:
                return Identified("none", reason="The release has no wave before it.")
            return Identified("named", found)
        found_now = self.identify(subject)
        if found_now.match == "assumed" and other is not None and found_now.older:
            same = [s for s in (found_now.side, *found_now.older) if s is not None and s.wave == other.wave]
            if same and same[0].key != other.key:
                # Two groups in one sentence are of one time unless it says otherwise.
                return replace(found_now, match="assumed", side=same[0], reason="The year of the other side was taken.")
        return found_now

    def _ambiguous(self, rows: list[Any], why: str) -> Identified:
        sides = self._sides(rows)
        told = list(dict.fromkeys(self._told(s, rows) for s in sides))
        more = f"; and {len(told) - LISTED} more" if len(told) > LISTED else ""
        return Identified("ambiguous", reason=f"{why} {'; '.join(told[:LISTED])}{more}.", candidates=sides)

    def _told(self, side: m.Side, rows: list[Any]) -> str:
        label = self.catalogue.indicators[side.indicator].label
        if len({r.indicator for r in rows}) > 1:
            return label
        return self.catalogue.waves[side.wave].label

    def _labels(self, indicators: Iterable[str]) -> str:
        return listed([self.catalogue.indicators[i].label for i in indicators])

    @staticmethod
    def _sides(rows: Iterable[Any]) -> tuple[m.Side, ...]:
        return tuple(m.Side(wave=r.wave, indicator=r.indicator, domain=r.domain, level=r.level) for r in rows)
