"""Read from a released file what a briefing needs.

Belongs here: queries of the released tables, and which wave of an indicator is meant when none is named.
Not here: words (pieces), and private results: only the released file is opened, and only for reading.
"""

from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import pandas as pd

from engagement_stats import opening
from engagement_stats.brief.pieces import Row
from engagement_stats.brief.template import nearest
from engagement_stats.errors import BriefError, EngagementStatsError

ESTIMATE = """
    SELECT e.*, i.label AS indicator_label, w.label AS wave_label, w.definition AS fieldwork, w.series, w.year,
        w.break_before, s.definition AS population, coalesce(o.definition, e.source) AS citation
    FROM estimates AS e
    JOIN indicators AS i ON i.id = e.indicator
    JOIN waves AS w ON w.id = e.wave
    JOIN surveys AS s ON s.id = e.survey
    LEFT JOIN sources AS o ON o.id = e.source
"""
IN_TIME = "ORDER BY w.year, w.fieldwork_start NULLS FIRST, e.wave"


class NotInReleaseError(Exception):
    """A name, option or number that this release does not hold; the text says which are near."""


class Release:
    """A released file, open for reading.

    Parameters
    ----------
    path : Path
    """

    def __init__(self, path: Path) -> None:
        import duckdb

        if not path.is_file():
            raise EngagementStatsError(
                f"{path}: there is no release. Make one with `engagement-stats run` or `engagement-stats demo`, or "
                "name one with --warehouse."
            )
        try:
            # Nothing but this file: a view in it cannot read another.
            self._connection = duckdb.connect(str(path), read_only=True, config={"enable_external_access": "false"})
        except duckdb.Error as error:
            raise EngagementStatsError(str(opening.explained(path, error))) from None
        self._path = path

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._connection.close()

    def rows(self, query: str, *given: object) -> list[Row]:
        """Return the rows of a query, null and not-a-number as None."""
        import duckdb

        try:
            answer = self._connection.execute(query, list(given))
            names = [d[0] for d in answer.description]
            found = answer.fetchall()
        except duckdb.Error as error:
            raise BriefError(
                f"{self._path}: this release is of another version of the program ({type(error).__name__}). "
                "Make it again with `engagement-stats run`."
            ) from None
        return [{n: None if pd.isna(v) else v for n, v in zip(names, row, strict=True)} for row in found]

    def ids(self, query: str, *given: object) -> list[str]:
        """Return the first column of a query."""
        return [str(next(iter(row.values()))) for row in self.rows(query, *given)]

    def run(self) -> Row:
        """Return what this release is."""
        found = self.rows("SELECT release_id, built_at, code_version, failed_waves, is_synthetic FROM runs")
        if len(found) != 1:
            raise BriefError(f"{self._path}: not a whole release: it does not say what it is. Make it with `run`.")
        return found[0]

    def people(self, row: Row) -> str:
        """Name the people an estimate is about."""
        if row["domain"] == "all":
            return str(row["population"])
        parts = str(row["domain"]).split("*")
        found = self.rows("SELECT DISTINCT id, label FROM domains WHERE list_contains(?, id)", parts)
        labels = {r["id"]: r["label"] for r in found}
        named = " by ".join(labels.get(part, part) for part in parts)
        return f"{row['population']}, {named}: {row['level']}"

    def estimate(self, wave: str, indicator: str, domain: str, level: str) -> Row | None:
        """Return one estimate with what a footnote says of it; None when it is not there."""
        where = "WHERE e.wave = ? AND e.indicator = ? AND e.domain = ? AND e.level = ?"
        found = self.rows(ESTIMATE + where, wave, indicator, domain, level)
        return {**found[0], "people": self.people(found[0])} if found else None

    def carrying(self, indicator: str, domain: str, level: str | None) -> list[Row]:
        """Return the estimates of an indicator in a domain, oldest wave first."""
        where = "WHERE e.indicator = ? AND e.domain = ? AND (e.level = ? OR ? IS NULL) "
        found = self.rows(ESTIMATE + where + IN_TIME, indicator, domain, level, level)
        return [{**row, "people": self.people(row)} for row in found]

    def known(self, what: str, name: str, among: Sequence[str]) -> None:
        """Refuse a name that is not among those there are."""
        if name not in among:
            raise NotInReleaseError(f"No {what} {name!r}. {nearest(name, sorted(set(among)))}")

    def meant(
        self, indicator: str, wave: str | None, domain: str, level: str | None, series: str | None = None
    ) -> list[Row]:
        """Return the estimates an author means, oldest wave first.

        Parameters
        ----------
        indicator : str
        wave : str or None
            The wave, or None for the series that stands first among the headlines of the indicator, or the only
            series that has it.
        domain : str
        level : str or None
            None for every level.
        series : str, optional

        Returns
        -------
        list of mapping
            Every wave of one series, or one wave. Never empty.
        """
        self.known("indicator", indicator, self.ids("SELECT DISTINCT indicator FROM estimates"))
        self.known(
            f"domain of {indicator}", domain,
            self.ids("SELECT DISTINCT domain FROM estimates WHERE indicator = ?", indicator),
        )  # fmt: skip
        found = self.carrying(indicator, domain, level)
        if level is not None and not found:
            levels = "SELECT DISTINCT level FROM estimates WHERE indicator = ? AND domain = ?"
            self.known(f"level of {domain}", level, self.ids(levels, indicator, domain))
        if wave is not None:
            self.known(f"wave with {indicator} by {domain}", wave, [r["wave"] for r in found])
            return [r for r in found if r["wave"] == wave]
        if series is not None:
            self.known(f"series with {indicator} by {domain}", series, [r["series"] for r in found if r["series"]])
            return [r for r in found if r["series"] == series]
        return self._of_default_series(indicator, found)

    def _of_default_series(self, indicator: str, found: list[Row]) -> list[Row]:
        def of(row: Row) -> str:
            return str(row["series"] or row["wave"])

        first = "SELECT coalesce(w.series, w.id) FROM headlines AS h JOIN waves AS w ON w.id = h.wave "
        for candidate in self.ids(first + "WHERE h.indicator = ? ORDER BY h.position", indicator):
            chosen = [r for r in found if of(r) == candidate]
            if chosen:
                return chosen
        several = sorted({of(r) for r in found})
        if len(several) > 1:
            waves = sorted({r["wave"] for r in found})
            raise NotInReleaseError(
                f"{indicator} is in several series ({', '.join(several)}) and none is its headline. "
                f"Name one with wave=, for example wave='{waves[-1]}'."
            )
        return found
