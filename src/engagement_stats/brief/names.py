"""The names a briefing's template may use: each looks up a release and gives a piece of the document.

Belongs here: what `rate`, `claim`, `comparison`, `difference` and `table` mean, and their options.
Not here: queries (release), footnotes and the words of a number (pieces, evidence), verdicts (compare, claim).
"""

import inspect
from collections.abc import Callable
from typing import Any

from engagement_stats.brief import tables
from engagement_stats.brief.evidence import Evidence, difference_of, of_claim, of_comparison
from engagement_stats.brief.pieces import (
    SUPPRESSED,
    SYNTHETIC_MARK,
    Note,
    Piece,
    Row,
    Text,
    estimate_note,
    interval,
    value,
    verdict,
)
from engagement_stats.brief.release import NotInReleaseError, Release
from engagement_stats.brief.template import Call, nearest

STYLES = ("words", "sign", "number", "interval")
# What a template may ask of a claim, by column, and of a comparison.
OF_CLAIM = ("sentence", "verdict", "quotation", "arithmetic", "like_for_like", "holds_now")
OF_COMPARISON = ("sentence", "verdict")
MOST_DECIMALS = 3


class Names:
    """Look up what a template asks for.

    Parameters
    ----------
    release : Release
    caveats_listed : bool
        The document lists caveats in a place of their own, so that footnotes need not repeat them.
    """

    def __init__(self, release: Release, *, caveats_listed: bool) -> None:
        self._release = release
        self._listed = caveats_listed
        self._all: dict[str, Callable[..., Piece]] = {
            "rate": self._rate,
            "claim": self._claim,
            "comparison": self._comparison,
            "difference": self._difference,
            "table": self._table,
        }

    def piece(self, call: Call) -> Piece:
        """Give the piece a template asks for.

        Parameters
        ----------
        call : Call

        Returns
        -------
        Piece

        Raises
        ------
        NotInReleaseError
            An argument, option or name is not known, or this release does not hold what is asked for.
        """
        function = self._all[call.name]
        options = [p.name for p in inspect.signature(function).parameters.values() if p.kind is p.KEYWORD_ONLY]
        for option in call.options:
            if option not in options:
                raise NotInReleaseError(f"{call.name} has no option {option!r}. {nearest(option, options)}")
        wanted = [p for p in inspect.signature(function).parameters.values() if p.kind is p.POSITIONAL_OR_KEYWORD]
        if len(call.arguments) != len(wanted) or not all(isinstance(a, str) for a in call.arguments):
            raise NotInReleaseError(
                f"{call.name} takes one name in quotes, then options: {', '.join(f'{o}=' for o in options)}."
            )
        self._check_kinds(call)
        return function(*call.arguments, **call.options)

    @staticmethod
    def _check_kinds(call: Call) -> None:
        for option, given in call.options.items():
            kind: type = {"decimals": int, "only": list}.get(option, str)
            if not isinstance(given, kind):
                words = {int: "a whole number", list: "a list of names in quotes", str: "a text in quotes"}[kind]
                raise NotInReleaseError(f"{call.name}: {option}= takes {words}.")
            if isinstance(given, int) and given > MOST_DECIMALS:
                raise NotInReleaseError(f"{call.name}: decimals= takes 0 to {MOST_DECIMALS}.")
        if "style" in call.options and call.options["style"] not in STYLES:
            raise NotInReleaseError(f"{call.name}: no style {call.options['style']!r}. {nearest('', STYLES)}")
        parts = OF_CLAIM if call.name == "claim" else OF_COMPARISON
        if "part" in call.options and call.options["part"] not in parts:
            raise NotInReleaseError(f"{call.name}: no part {call.options['part']!r}. {nearest('', parts)}")

    def _rate(
        self,
        indicator: str,
        *,
        wave: str | None = None,
        series: str | None = None,
        domain: str = "all",
        level: str = "all",
        decimals: int | None = None,
        style: str = "words",
    ) -> Text:
        """Give one estimate; of the newest wave of its series unless a wave is named."""
        if domain != "all" and level == "all":
            raise NotInReleaseError(f"rate: domain='{domain}' wants a level=.")
        row = self._release.meant(indicator, wave, domain, level, series)[-1]
        mark = f" {SYNTHETIC_MARK}" if row["is_synthetic"] else ""
        shown = f"{_styled(row, decimals, style)}{mark}"
        return Text((shown, Note(estimate_note(row, decimals))), synthetic=bool(row["is_synthetic"]))

    def _claim(self, claim: str, *, part: str = "sentence") -> Text:
        """Give the sentence that may be used in a claim's place, its verdict, or what the document says."""
        self._release.known("claim", claim, self._release.ids("SELECT claim FROM claims"))
        row = self._release.rows("SELECT * FROM claims WHERE claim = ?", claim)[0]
        words = f'"{row[part]}"' if part == "quotation" else str(row[part])
        return self._text(row, words, of_claim(self._release, row, caveats_listed=self._listed))

    def _comparison(self, comparison: str, *, level: str = "all", part: str = "sentence") -> Text:
        """Give the sentence a comparison allows, or its verdict."""
        row = self._compared(comparison, level)
        words = str(row["sentence"]) if part == "sentence" else verdict(row)
        return self._text(row, words, of_comparison(self._release, row, caveats_listed=self._listed))

    def _difference(self, comparison: str, *, level: str = "all", decimals: int = 1) -> Text:
        """Give the size and direction of a difference, where its verdict allows one."""
        row = self._compared(comparison, level)
        shown = difference_of(self._release, row, decimals)
        return self._text(row, shown, of_comparison(self._release, row, caveats_listed=self._listed))

    def _table(
        self,
        name: str,
        *,
        indicator: str | None = None,
        wave: str | None = None,
        series: str | None = None,
        domain: str | None = None,
        level: str | None = None,
        only: list[str] | None = None,
        decimals: int | None = None,
    ) -> Piece:
        """Give a table: headlines, trend, profile, league, comparisons or claims."""
        if name not in tables.TABLES:
            raise NotInReleaseError(f"No table {name!r}. {nearest(name, list(tables.TABLES))}")
        given: dict[str, Any] = {
            "indicator": indicator, "wave": wave, "series": series, "domain": domain, "level": level, "only": only,
        }  # fmt: skip
        asked = {k: v for k, v in given.items() if v is not None}
        return tables.make(self._release, name, asked, decimals, caveats_listed=self._listed)

    def _compared(self, comparison: str, level: str) -> Row:
        known = self._release.ids("SELECT DISTINCT comparison FROM comparisons")
        self._release.known("comparison", comparison, known)
        levels = "SELECT level FROM comparisons WHERE comparison = ?"
        self._release.known(f"level of {comparison}", level, self._release.ids(levels, comparison))
        where = "SELECT * FROM comparisons WHERE comparison = ? AND level = ?"
        return self._release.rows(where, comparison, level)[0]

    @staticmethod
    def _text(row: Row, words: str, evidence: Evidence) -> Text:
        synthetic = bool(row["is_synthetic"])
        # A sentence of comparisons begins with the mark; a bare difference or verdict does not.
        mark = f" {SYNTHETIC_MARK}" if synthetic and "SYNTHETIC" not in words else ""
        return Text((f"{words}{mark}", evidence.note), evidence.caveats, synthetic)


def _styled(row: Row, decimals: int | None, style: str) -> str:
    if row["is_suppressed"]:
        return SUPPRESSED
    if row["estimate"] is None or style == "words":
        return value(row, decimals)
    if style == "interval":
        return f"{value(row, decimals)} ({interval(row, decimals)})"
    return value(row, decimals, sign="%" if style == "sign" else "")
