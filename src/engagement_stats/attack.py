"""Try to work out suppressed numbers from everything that is shown, as a reader with a computer would.

Belongs here: what a reader knows besides sums, and which suppressed counts could be placed.
Not here: the cells (cells), the sums (additive), the ranges under them (bounds), what indicators say of one another
(implied), choosing what to hide (disclose, secondary).
Methods: docs/disclosure.md#the-attack
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from engagement_stats import implied
from engagement_stats.additive import NESTING, Relations
from engagement_stats.bounds import ranges
from engagement_stats.catalogue import model as m
from engagement_stats.cells import Layout, laid_out, spread

# A count is placed when its range is narrower than this or ends below it.
FLOOR = m.DISCLOSURE_FLOOR
# The mark of a base below the least one; every other suppressed row is known to rest on at least that many.
FEW = "[u]"
PUBLISHED = ("published", "assumed")
# What of a row can be recovered.
BASE, YES, NO, MEAN = "base", "numerator", "complement", "mean"
FOUND = ["wave", "indicator", "domain", "level", "what", "lower", "upper"]
# Part of the respondents that a range of a mean must span to be no recovery.
NOTHING = 1e-6


@dataclass(frozen=True, eq=False)
class Finding:
    """What a reader can work out of hidden cells: what he can place, with limits, each (indicators, cells).

    `by_others` are those that the same cell of another indicator places, whatever the sums.
    """

    placed: dict[str, np.ndarray]
    limits: dict[str, tuple[np.ndarray, np.ndarray]]
    by_others: np.ndarray

    @property
    def any(self) -> np.ndarray:
        """Cells of which something can be placed."""
        return np.asarray(np.logical_or.reduce(list(self.placed.values())))


def placed(layout: Layout, hidden: np.ndarray, few: np.ndarray, rules: m.DisclosureRules) -> Finding:
    """Bound the counts of hidden cells and say which of them a reader can place.

    Parameters
    ----------
    layout : Layout
        Numbers of hidden cells are not looked at.
    hidden, few : ndarray of bool, shape (indicators, cells)
        Cells not shown, and those of them marked "[u]".
    rules : DisclosureRules
        Which the reader knows, and so that fewer than `min_base` respondents answered at "[u]", or another question
        put to the same people (unless it also marks what is unreliable), and that other hidden cells rest on at
        least as many.

    Returns
    -------
    Finding
    """
    listed, left = layout.listed, ~layout.plain.follows
    hidden = layout.unshown(hidden)
    shown = layout.exists & ~hidden
    base = np.where(shown, layout.base, np.nan)
    lower, upper, spare = _bases(layout, base[:, :listed], hidden[:, :listed], few[:, :listed], rules)
    cap = 10.0 * max(float(np.nanmax(upper, initial=0.0)), float(np.nanmax(base, initial=0.0)), FLOOR)
    lower = np.concatenate([lower, np.zeros((len(lower), int(left.sum())))], axis=1)
    upper = np.concatenate([np.minimum(upper, cap), np.minimum(spare[:, left], cap)], axis=1)
    yes, no = (np.where(shown, v, np.nan) for v in layout.counts(hidden))
    share = np.repeat(layout.is_share[:, None], layout.row.shape[1], axis=1)
    roof = _most(layout, shown, yes, no, cap)
    roof[:, listed:] = np.where(upper[:, listed:] > 0, roof[:, listed:], 0.0)
    of_yes, of_no = _by_others(layout, hidden, roof)
    count = len(layout.indicators)
    # Of three who are left over it is no news that fewer than three count.
    floor = np.full(layout.row.shape, float(FLOOR))
    floor[:, listed:] = np.minimum(roof[:, listed:], FLOOR)
    enough = np.where(share, floor, NOTHING * cap)
    # A base known to reach the least one is no secret.
    asked_about = np.where(few, floor, -np.inf)
    nothing = np.zeros((count, len(left)))
    low, high = ranges(
        layout.sums,
        np.concatenate([base, yes, no]),
        np.concatenate([hidden, hidden, hidden & share]),
        lower=np.concatenate([lower, of_yes[0], of_no[0]]),
        upper=np.concatenate([upper, np.where(share, of_yes[1], np.where(roof > 0, cap, 0.0)), of_no[1]]),
        spare=np.concatenate([nothing, nothing, nothing]),
        width=np.concatenate([asked_about, enough, floor]),
        reach=np.concatenate([asked_about, np.where(share, floor, -np.inf), floor]),
    )  # fmt: skip
    limits = {k: (low[i * count : (i + 1) * count], high[i * count : (i + 1) * count])
              for i, k in enumerate((BASE, YES, NO))}  # fmt: skip
    # Nobody asks for the bases of left-overs, so that only what was known of them before bounds them.
    somebody = hidden & layout.is_group(rules) & ~(np.where(layout.is_row, limits[BASE][1], upper) < 0.5)
    found = {k: somebody & _narrow(*v, floor) for k, v in limits.items()}
    found[BASE] &= few
    # That of left-overs nobody counts and nobody does not shows that somebody was taken for granted wrongly.
    sound = layout.is_row | ~share | (limits[YES][1] + limits[NO][1] >= roof - 1e-6 * FLOOR)
    found[YES], found[NO] = found[YES] & sound, found[NO] & sound
    found[MEAN] = found[YES] & ~share & (limits[YES][1] - limits[YES][0] <= NOTHING * cap)
    limits[MEAN] = limits[YES]
    bare = _bare(layout, shown, yes, no, rules)
    for what, values in ((YES, yes), (NO, no)):
        found[what] = (found[what] & share | bare & share) & ~_of_an_empty_total(layout.sums, values)
        limits[what] = np.where(bare, values, limits[what][0]), np.where(bare, values, limits[what][1])
    found[MEAN] |= bare & ~share
    return Finding(found, limits, hidden & (_narrow(*of_yes, floor) | _narrow(*of_no, floor)))


def _bases(
    layout: Layout, base: np.ndarray, hidden: np.ndarray, few: np.ndarray, rules: m.DisclosureRules
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Bound the bases of hidden listed cells by all that is known of them but sums, and by sum who may be left over."""
    asked, lacking = _asked(layout, hidden, few, rules.min_base)
    cap = 10.0 * max(float(np.nanmax(asked[1], initial=0.0)), float(np.nanmax(base, initial=0.0)), FLOOR)
    most = rules.min_base + FLOOR - 2.0 if rules.unreliable == "caution" else cap
    upper = np.minimum(np.where(few, most, cap), np.where(np.isnan(asked[1]), cap, asked[1]))
    lower = np.maximum(np.where(few, 0.0, float(rules.min_base)), asked[0] - _unanswered(layout, hidden, cap))
    lower = np.where(hidden, np.minimum(lower, upper), 0.0)
    return lower, upper, _spare(layout.plain, base, hidden, lacking)


def _most(layout: Layout, shown: np.ndarray, yes: np.ndarray, no: np.ndarray, cap: float) -> np.ndarray:
    """Return the most that can count in each cell: its weight in respondents where that is known."""
    known = _known_weight(layout, shown, yes, no)
    known = np.fmin(known, np.where(layout.is_row, np.nan, layout.with_left_over(known)))
    return np.asarray(np.where(np.isnan(known), cap, known))


def _bare(layout: Layout, shown: np.ndarray, yes: np.ndarray, no: np.ndarray, rules: m.DisclosureRules) -> np.ndarray:
    """Say which left-overs can be taken from what is shown and would be withheld if they had a row."""
    theirs = shown & ~layout.is_row & (layout.base >= 1)
    slack = 1e-6 * FLOOR
    with np.errstate(invalid="ignore"):
        least = np.where(layout.is_share[:, None], np.fmin(yes, no), np.inf)
        small = (least > slack) & (least < FLOOR - slack)
        found = theirs & ((layout.base < rules.min_base) | small)
    for values in (yes, no):
        found &= ~_of_an_empty_total(layout.sums, values)
    return np.asarray(found & layout.is_group(rules))


def _by_others(
    layout: Layout, hidden: np.ndarray, roof: np.ndarray
) -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """Bound numerators and complements of hidden cells by the shown indicators that imply or follow from them."""
    part = np.where(layout.is_share[:, None] & layout.exists & ~hidden, layout.estimate, np.nan)
    found = implied.limits(layout.links, layout.weight * part, layout.weight * (1 - part), layout.scale(hidden))
    (yes_low, yes_high), (no_low, no_high) = ((np.where(hidden, v, d) for v, d in zip(pair, (0.0, np.inf), strict=True))
                                              for pair in found)  # fmt: skip
    yes, no = np.minimum(yes_high, roof), np.minimum(no_high, roof)
    return (np.minimum(yes_low, yes), yes), (np.minimum(no_low, no), no)


def _narrow(low: np.ndarray, high: np.ndarray, floor: np.ndarray) -> np.ndarray:
    """Say which ranges place a count: narrower than the floor, or all of it below."""
    with np.errstate(invalid="ignore"):
        return np.asarray((high - low < floor - 1e-6 * FLOOR) | (high < floor - 1e-6 * FLOOR))


def _of_an_empty_total(sums: Relations, values: np.ndarray) -> np.ndarray:
    """Say which cells are part of a total shown to be of nobody: then that is no secret of theirs."""
    with np.errstate(invalid="ignore"):
        empty = (np.abs(values[:, sums.total]) < 1e-9).astype(float)
    return np.asarray(empty @ sums.signs.maximum(0) > 0)


def _asked(
    layout: Layout, hidden: np.ndarray, few: np.ndarray, min_base: int
) -> tuple[tuple[np.ndarray, np.ndarray], np.ndarray]:
    """Bound how many were asked in each cell, from every indicator of the same weight: they share them.

    Also the most that lack a level, by relation, as far as the indicators show it (null where they do not).
    """
    sums, here = layout.plain, layout.is_row[:, : layout.listed]
    low, high = np.full(here.shape, np.nan), np.full(here.shape, np.nan)
    lacking = np.full((len(here), len(sums.total)), np.nan)
    everybody = layout.asked[:, : layout.listed]
    for group in range(int(layout.group.max()) + 1):
        mine = layout.group == group
        exists, away = here[mine], hidden[mine]
        known = np.where(exists & ~away, everybody[mine], -np.inf).max(axis=0)
        unknown = exists.any(axis=0) & ~np.isfinite(known)
        values = np.where(np.isfinite(known), known, np.nan)[None, :]
        short = _left_out(sums, values, unknown[None, :])
        lacking[mine] = short
        cap = 10.0 * max(float(np.nanmax(values, initial=0.0)), FLOOR)
        sure = (exists & away & ~few[mine]).any(axis=0)
        found = ranges(
            sums,
            values,
            unknown[None, :],
            lower=np.where(unknown & sure, float(min_base), 0.0)[None, :],
            upper=np.where(unknown, cap, 0.0)[None, :],
            spare=_spare(sums, values, unknown[None, :], short),
            width=np.full(unknown[None, :].shape, np.inf),
            reach=np.full(unknown[None, :].shape, np.inf),
        )
        low[mine] = np.where(unknown, found[0], values)
        high[mine] = np.where(unknown, found[1], values)
    return (np.nan_to_num(low), high), lacking


def _left_out(sums: Relations, values: np.ndarray, hidden: np.ndarray) -> np.ndarray:
    """Return how many are in a total and in none of its members, where all of them are shown; null elsewhere."""
    whole = (hidden.astype(float) @ np.abs(sums.signs)[:, :].T) == 0
    out = -(np.nan_to_num(values) @ sums.signs.T)
    return np.where(whole & np.isfinite(values[:, sums.total]), np.maximum(out, 0.0), np.nan)


def _spare(sums: Relations, base: np.ndarray, hidden: np.ndarray, lacking: np.ndarray) -> np.ndarray:
    """Say how many a reader must allow for who are in a total and in none of its members.

    As many as any indicator shows; of crossed domains as many as lack the other domain; where nothing is shown,
    nobody: that is what a reader takes for granted.
    """
    own = _left_out(sums, base, hidden)
    shown = np.where(np.isnan(own), -1.0, own).max(axis=0)
    seen = np.fmax(np.where(shown < 0, np.nan, shown)[None, :], lacking)
    from_other = np.where(sums.inherits >= 0, seen[:, sums.inherits], 0.0)
    return np.nan_to_num(np.where(np.isnan(seen), from_other, seen))


def _unanswered(layout: Layout, hidden: np.ndarray, cap: float) -> np.ndarray:
    """Return the most respondents of a hidden cell who may not have answered, from the shown ones of its relations."""
    sums, here = layout.plain, layout.is_row[:, : layout.listed]
    missing = np.where(hidden, 0.0, np.nan_to_num(layout.missing[:, : layout.listed]))
    left = -(missing @ sums.signs.T)
    there = here[:, sums.total] & ~hidden[:, sums.total]
    left = np.where(there, np.maximum(left, 0.0), cap)
    out = np.full(here.shape, cap)
    matrix = sums.signs.maximum(0).tocsr()
    for relation in range(len(sums.total)):
        members = matrix.indices[matrix.indptr[relation] : matrix.indptr[relation + 1]]
        out[:, members] = np.minimum(out[:, members], left[:, [relation]])
    return out


def _known_weight(layout: Layout, shown: np.ndarray, yes: np.ndarray, no: np.ndarray) -> np.ndarray:
    """Return the weight of a cell, in respondents, where an indicator of that weight that all answered shows it."""
    out = np.full(layout.row.shape, np.nan)
    for group in range(int(layout.group.max()) + 1):
        mine = layout.group == group
        full = shown[mine] & (layout.missing[mine] == 0)
        weight = np.where(full, layout.weight[mine], -np.inf).max(axis=0)
        with np.errstate(divide="ignore", invalid="ignore"):
            scale = np.nansum(yes[mine] + no[mine], axis=1) / np.nansum(
                np.where(np.isnan(yes[mine] + no[mine]), np.nan, layout.weight[mine]), axis=1
            )
        out[mine] = np.where(np.isfinite(weight), weight, np.nan)[None, :] * scale[:, None]
    return out


def recoverable(
    estimates: pd.DataFrame,
    rules: m.DisclosureRules,
    nested: pd.DataFrame | None = None,
    follows: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Find what of the suppressed estimates of a release a reader can work out.

    Parameters
    ----------
    estimates : DataFrame, shape (n estimates, columns of estimates)
        As released, any number of waves. What producers published is left out: its numbers are theirs.
    rules : DisclosureRules
        The least base, which is no secret.
    nested : DataFrame, optional
        wave and the columns of `additive.nesting`: which areas lie in which, as anybody can look up.
    follows : DataFrame, optional
        wave and the columns of `implied.found`: which indicators imply which, as their definitions say.

    Returns
    -------
    DataFrame
        wave, indicator, domain, level, what ("base", "numerator", "complement" or "mean"), lower, upper: a row for
        each suppressed count whose range is narrower than ten or wholly below it. Numerators are weighted ones over
        the mean weight of the indicator. Empty when the release is safe. The limits are as confidential as the counts.

    Notes
    -----
    Source: the attacker's problem of cell suppression, Fischetti and Salazar-Gonzalez (2000), with what shared bases,
    non-response and the marks give away.
    Verified: brute force over whole numbers, and releases without secondary suppression, tests/test_attack.py.
    """
    mine = estimates[~estimates["variance_basis"].isin(PUBLISHED)]
    parts: list[pd.DataFrame] = []
    for wave, table in mine.groupby("wave", sort=False):
        held, told = (
            None if known is None or known.empty else known.loc[known["wave"] == wave, names]
            for known, names in ((nested, NESTING), (follows, implied.COLUMNS))
        )
        layout = laid_out(table.reset_index(drop=True), held, told)
        parts.append(_found(layout, table.reset_index(drop=True), rules))
    filled = [p for p in parts if len(p)]
    return pd.concat(filled, ignore_index=True) if filled else pd.DataFrame(columns=FOUND)


def _found(layout: Layout, table: pd.DataFrame, rules: m.DisclosureRules) -> pd.DataFrame:
    hidden = spread(layout, table["is_suppressed"])
    few = hidden & spread(layout, table["symbol"] == FEW)
    finding = placed(layout, hidden, few, rules)
    rows = []
    for what, where in finding.placed.items():
        low, high = finding.limits[what]
        for i, c in np.argwhere(where):
            cell = (layout.wave, layout.indicators[i], *layout.sums.cells[c])
            rows.append((*cell, what, float(low[i, c]), float(high[i, c])))
    return pd.DataFrame(rows, columns=FOUND)
