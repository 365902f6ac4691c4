"""The tables a briefing's template may ask for.

Belongs here: which rows and columns each table has, and the options it takes.
Not here: queries of single estimates (release), how a table looks (markdown, word), any number (the release).
"""

from collections.abc import Callable, Mapping
from typing import Any

from engagement_stats.brief.evidence import difference_of, of_claim, of_comparison
from engagement_stats.brief.pieces import (
    SYNTHETIC_MARK,
    Note,
    Row,
    Spans,
    Table,
    base,
    interval,
    source_note,
    value,
)
from engagement_stats.brief.release import NotInReleaseError, Release
from engagement_stats.brief.template import nearest

NUMBERS = ("estimate", "95% interval", "base")
Asked = Mapping[str, Any]


def make(release: Release, name: str, asked: Asked, decimals: int | None, *, caveats_listed: bool) -> Table:
    """Make a table.

    Parameters
    ----------
    release : Release
    name : str
        A key of TABLES.
    asked : mapping
        The options given; each table says which it takes and which it needs.
    decimals : int, optional
        Of percentages.
    caveats_listed : bool

    Returns
    -------
    Table

    Raises
    ------
    NotInReleaseError
        An option this table does not take or lacks, or a name this release does not hold.
    """
    function, needs, takes = TABLES[name]
    for option in asked:
        if option not in (*needs, *takes):
            raise NotInReleaseError(f"table {name!r} takes no {option}=. {nearest(option, [*needs, *takes])}")
    for option in needs:
        if option not in asked:
            raise NotInReleaseError(f"table {name!r} wants {option}=.")
    return function(release, asked, decimals, caveats_listed)


def _estimate_cells(row: Row, decimals: int | None) -> tuple[Spans, ...]:
    mark = f" {SYNTHETIC_MARK}" if row["is_synthetic"] else ""
    shown = interval(row, decimals)
    # The heading names the confidence and the words of a sentence would not fit.
    if row["ci_lower"] is not None:
        shown = shown.partition("interval ")[2]
    elif not row["is_suppressed"]:
        shown = "not known"
    return (f"{value(row, decimals, sign='%')}{mark}", Note(source_note(row))), (shown,), (base(row),)


def _of_estimates(caption: str, first: str, named: list[tuple[str, Row]], decimals: int | None) -> Table:
    rows = tuple(((name,), *_estimate_cells(row, decimals)) for name, row in named)
    return Table(
        caption, (first, *NUMBERS), rows, frozenset({1, 2, 3}), synthetic=any(r["is_synthetic"] for _, r in named)
    )


def _headlines(release: Release, asked: Asked, decimals: int | None, _: bool) -> Table:
    found = release.rows("SELECT * FROM headlines ORDER BY position, wave")
    if "only" in asked:
        for name in asked["only"]:
            release.known("headline", name, [r["headline"] for r in found])
        found = [r for name in asked["only"] for r in found if r["headline"] == name]
    rows = []
    for h in found:
        estimate = release.estimate(h["wave"], h["indicator"], h["domain"], h["level"])
        if estimate is not None:
            rows.append(((h["label"],), (estimate["wave_label"],), *_estimate_cells(estimate, decimals)))
    synthetic = any(h["is_synthetic"] for h in found)
    return Table("Headlines", ("what", "wave", *NUMBERS), tuple(rows), frozenset({2, 3, 4}), synthetic=synthetic)


def _trend(release: Release, asked: Asked, decimals: int | None, listed: bool) -> Table:
    level = asked.get("level", "all")
    found = release.meant(asked["indicator"], None, asked.get("domain", "all"), level, asked.get("series"))
    changes = """SELECT * FROM comparisons WHERE kind = 'series:previous' AND left_indicator = ?
        AND left_domain = ? AND left_level = ? AND left_wave = ?"""
    rows: list[tuple[Spans, ...]] = []
    caveats: list[tuple[str, str]] = []
    for row in found:
        change: Spans = ("nothing to compare with",)
        for c in release.rows(changes, row["indicator"], row["domain"], row["level"], row["wave"]):
            behind = of_comparison(release, c, caveats_listed=listed, sides=False)
            change = (difference_of(release, c, 1), *([behind.note] if behind.note.text else []))
            caveats += behind.caveats
        rows.append(((row["wave_label"],), *_estimate_cells(row, decimals), change))
    headings = ("wave", *NUMBERS, "against the wave before")
    caption = f"{found[0]['indicator_label']}, {found[0]['people']}, wave by wave"
    synthetic = any(r["is_synthetic"] for r in found)
    return Table(caption, headings, tuple(rows), frozenset({1, 2, 3}), tuple(caveats), synthetic)


def _profile(release: Release, asked: Asked, decimals: int | None, _: bool) -> Table:
    found = release.meant(asked["indicator"], asked.get("wave"), asked["domain"], None, asked.get("series"))
    found = [r for r in found if r["wave"] == found[-1]["wave"]]
    order = {level: i for i, level in enumerate(
        release.ids("SELECT level FROM domains WHERE id = ? ORDER BY position", asked["domain"]))}  # fmt: skip
    found.sort(key=lambda r: (order.get(r["level"], len(order)), r["level"]))
    caption = f"{found[0]['indicator_label']}, {found[0]['population']}, {found[0]['wave_label']}"
    heading = release.ids("SELECT DISTINCT label FROM domains WHERE id = ?", asked["domain"])
    named = [(str(r["level"]), r) for r in found]
    return _of_estimates(caption, heading[0] if heading else "level", named, decimals)


def _league(release: Release, asked: Asked, decimals: int | None, _: bool) -> Table:
    found = release.meant(asked["indicator"], asked.get("wave"), asked["domain"], None, asked.get("series"))
    ranks = {
        r["level"]: r
        for r in release.rows(
            "SELECT * FROM league_tables WHERE wave = ? AND indicator = ? AND domain = ? ORDER BY rank",
            found[-1]["wave"], asked["indicator"], asked["domain"],
        )
    }  # fmt: skip
    if not ranks:
        leagues = release.ids("SELECT DISTINCT domain FROM league_tables WHERE indicator = ?", asked["indicator"])
        raise NotInReleaseError(
            f"No league table of {asked['indicator']} by {asked['domain']} in {found[-1]['wave']}. "
            f"{nearest(asked['domain'], leagues)}"
        )
    estimates = {r["level"]: r for r in found if r["wave"] == found[-1]["wave"]}
    rows = tuple(
        ((level,), *_estimate_cells(estimates[level], decimals), (f"{r['rank_lower']} to {r['rank_upper']}",))
        for level, r in ranks.items()
        if level in estimates
    )
    what = f"{found[0]['indicator_label']}, {found[0]['population']}, {found[-1]['wave_label']}"
    caption = f"{what}, with the ranks each may have"
    synthetic = any(r["is_synthetic"] for r in estimates.values())
    return Table(caption, ("level", *NUMBERS, "rank between"), rows, frozenset({1, 2, 3}), synthetic=synthetic)


def _comparisons(release: Release, asked: Asked, _: int | None, listed: bool) -> Table:
    rows: list[tuple[Spans, ...]] = []
    caveats: list[tuple[str, str]] = []
    synthetic = False
    known = release.ids("SELECT DISTINCT comparison FROM comparisons")
    for name in asked["only"]:
        release.known("comparison", name, known)
        for c in release.rows("SELECT * FROM comparisons WHERE comparison = ? ORDER BY level", name):
            behind = of_comparison(release, c, caveats_listed=listed)
            mark = f" {SYNTHETIC_MARK}" if c["is_synthetic"] else ""
            label = c["label"] if c["level"] == "all" else f"{c['label']}: {c['level']}"
            rows.append(((label,), (f"{difference_of(release, c, 1)}{mark}",), (c["sentence"], behind.note)))
            caveats += behind.caveats
            synthetic |= bool(c["is_synthetic"])
    headings = ("comparison", "verdict", "what may be written")
    return Table("Comparisons", headings, tuple(rows), caveats=tuple(caveats), synthetic=synthetic)


def _claims(release: Release, asked: Asked, _: int | None, listed: bool) -> Table:
    found = release.rows("SELECT * FROM claims ORDER BY document, claim")
    if "only" in asked:
        for name in asked["only"]:
            release.known("claim", name, [r["claim"] for r in found])
        found = [r for name in asked["only"] for r in found if r["claim"] == name]
    rows: list[tuple[Spans, ...]] = []
    caveats: list[tuple[str, str]] = []
    for row in found:
        behind = of_claim(release, row, caveats_listed=listed)
        rows.append(((row["quotation"],), (row["verdict"],), (row["sentence"], behind.note)))
        caveats += behind.caveats
    headings = ("the document says", "verdict", "what may be written")
    synthetic = any(r["is_synthetic"] for r in found)
    return Table("Claims", headings, tuple(rows), caveats=tuple(caveats), synthetic=synthetic)


Make = Callable[[Release, Asked, int | None, bool], Table]
# Each table: what makes it, the options it needs, and those it takes.
TABLES: Mapping[str, tuple[Make, tuple[str, ...], tuple[str, ...]]] = {
    "headlines": (_headlines, (), ("only",)),
    "trend": (_trend, ("indicator",), ("series", "domain", "level")),
    "profile": (_profile, ("indicator", "domain"), ("wave", "series")),
    "league": (_league, ("indicator", "domain"), ("wave", "series")),
    "comparisons": (_comparisons, ("only",), ()),
    "claims": (_claims, (), ("only",)),
}
