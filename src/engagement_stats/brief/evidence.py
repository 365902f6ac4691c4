"""What stands behind a comparison or a claim, as a footnote and as caveats.

Belongs here: finding both sides of a comparison, or the evidence of a claim, and saying them in one footnote.
Not here: the footnote of one estimate (pieces), queries (release), and any judgement (compare, claim).
"""

import re
from dataclasses import dataclass

from engagement_stats.brief.pieces import (
    Note,
    Row,
    comparison_note,
    difference,
    estimate_note,
    number,
    stopped,
    verdict_note,
)
from engagement_stats.brief.release import Release

# How `claims.evidence` names what decided a claim.
BY_COMPARISON = re.compile(r"comparison (\S+?)(?:[;,. ]|$)")
BY_ESTIMATE = re.compile(r"(?:estimate|league table) (\S+), (\S+), (\S+), ([^;]+)")


@dataclass(frozen=True)
class Evidence:
    """A footnote, and caveats as (what they are about, the caveats)."""

    note: Note
    caveats: tuple[tuple[str, str], ...]


def unit_of(release: Release, row: Row) -> str:
    """Return the unit of both sides of a comparison."""
    found = release.rows("SELECT unit FROM estimates WHERE indicator = ? LIMIT 1", row["left_indicator"])
    return str(found[0]["unit"]) if found else "proportion"


def _side(release: Release, row: Row, side: str) -> str:
    key = [str(row[f"{side}_{part}"]) for part in ("wave", "indicator", "domain", "level")]
    estimate = release.estimate(*key)
    if estimate is not None:
        return estimate_note(estimate)
    shown = number(row[f"{side}_estimate"], unit_of(release, row))
    unit = " per cent" if unit_of(release, row) == "proportion" and row[f"{side}_estimate"] is not None else ""
    # Everybody outside a level, and a stated number, are no rows of estimates.
    if row[f"{side}_domain"] == "threshold":
        return stopped(f"A stated number: {shown}{unit}")
    return stopped(f"Everybody else in the same wave, outside the level: {shown}{unit}; no estimate of its own")


def of_comparison(release: Release, row: Row, *, caveats_listed: bool, sides: bool = True) -> Evidence:
    """Say what stands behind a comparison.

    Parameters
    ----------
    release : Release
    row : mapping
        A row of comparisons.
    caveats_listed : bool
        The document lists caveats elsewhere.
    sides : bool, default True
        False where both sides stand in the same table, with footnotes of their own. The note may then be empty.

    Returns
    -------
    Evidence
    """
    about = str(row["label"])
    if row["left_indicator"] == row["right_indicator"]:
        # The label of a comparison that runs over indicators names none.
        about = f"{release.ids('SELECT label FROM indicators WHERE id = ?', row['left_indicator'])[0]}: {about}"
    if row["level"] != "all":
        about = f"{about}, {row['level']}"
    caveats = ((about, row["caveats"]),) if row["caveats"] else ()
    if not sides:
        return Evidence(Note(verdict_note(row, caveats_listed=caveats_listed)), caveats)
    behind = _side(release, row, "left"), _side(release, row, "right")
    note = comparison_note({**row, "about": about}, behind, unit_of(release, row), caveats_listed=caveats_listed)
    return Evidence(Note(note), caveats)


def of_claim(release: Release, row: Row, *, caveats_listed: bool) -> Evidence:
    """Say how a claim was judged and what stands behind the verdict.

    Parameters
    ----------
    release : Release
    row : mapping
        A row of claims.
    caveats_listed : bool

    Returns
    -------
    Evidence
    """
    parts = [f'On the claim "{row["quotation"]}" ({row["document"]})', f"Verdict: {row['verdict']}", row["stated"]]
    parts += row["explanation"].split("\n")
    behind, rest = _behind(release, row, caveats_listed)
    parts += [behind.note.text]
    if rest and rest not in " ".join(parts):
        parts += [] if caveats_listed else [rest]
        return Evidence(_note(parts), (*behind.caveats, (f'The claim "{row["quotation"]}"', rest)))
    return Evidence(_note(parts), behind.caveats)


def _behind(release: Release, row: Row, caveats_listed: bool) -> tuple[Evidence, str]:
    """Find what decided a claim, and the caveats of the claim that are not those of its evidence."""
    compared = BY_COMPARISON.match(row["evidence"])
    estimated = BY_ESTIMATE.match(row["evidence"])
    found = release.rows("SELECT * FROM comparisons WHERE comparison = ?", compared[1]) if compared else []
    if found:
        rest = row["caveats"].replace(found[0]["caveats"], "").strip()
        return of_comparison(release, found[0], caveats_listed=caveats_listed), rest
    estimate = release.estimate(*estimated.groups()) if estimated else None
    if estimate is not None:
        # The note of the estimate is part of its footnote.
        rest = row["caveats"].replace(estimate["note"] or "", "").strip()
        return Evidence(Note(estimate_note(estimate)), ()), rest
    return Evidence(Note(row["evidence"]), ()), row["caveats"].strip()


def _note(parts: list[str]) -> Note:
    """Put sentences together, each said once."""
    return Note(" ".join(dict.fromkeys(stopped(p) for p in parts if p)))


def difference_of(release: Release, row: Row, decimals: int) -> str:
    """Say the difference of a comparison in the words its verdict allows."""
    return difference(row, unit_of(release, row), decimals)
