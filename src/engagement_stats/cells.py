"""Lay a wave's estimates out as tables of counts over the same cells.

Belongs here: which row is which cell of which indicator, its counts in respondents, and what is left of a total beside
its levels.
Not here: which cells add up (additive), what a reader can work out (attack), what to hide (disclose, secondary).
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy import sparse

from engagement_stats import implied
from engagement_stats.additive import Relations, relations
from engagement_stats.catalogue import model as m


@dataclass(frozen=True, eq=False)
class Layout:
    """The estimates of one wave as tables over the same cells, each array of shape (indicators, cells).

    After the `listed` cells, which have rows, comes one for each sum of `plain` that does not follow from others: who
    is in its total and in none of its levels, such as respondents whose region is not known. Nobody publishes those,
    and anybody can take the levels from the total. `sums` are those of `plain` with them.

    `row` is the place of a row in the frame, -1 where an indicator has no such cell. Counts are in respondents; `yes`
    and `no` are the weighted numerator and complement over the mean weight, for a mean its total and null. `links` are
    those of `implied.links`.
    """

    wave: str
    indicators: tuple[str, ...]
    plain: Relations
    sums: Relations
    row: np.ndarray
    exists: np.ndarray
    base: np.ndarray
    missing: np.ndarray
    weight: np.ndarray
    estimate: np.ndarray
    is_share: np.ndarray
    group: np.ndarray
    links: np.ndarray

    @property
    def listed(self) -> int:
        """How many cells have rows; the others are left-overs."""
        return len(self.plain.cells)

    @property
    def is_row(self) -> np.ndarray:
        """Cells of which an indicator has a row."""
        return self.row >= 0

    def is_group(self, rules: m.DisclosureRules) -> np.ndarray:
        """Say which cells are groups that somebody can be known to belong to, so that their counts need protection."""
        left = self.plain.nests[~self.plain.follows] | (rules.not_stated == "protect")
        return np.concatenate([np.ones(self.listed, bool), left])

    def left_over(self, values: np.ndarray) -> np.ndarray:
        """Return totals less their levels, shape (indicators, left-overs), from values of the listed cells.

        Null where one of them is.
        """
        return _left_over(self.plain, values)

    def with_left_over(self, values: np.ndarray) -> np.ndarray:
        """Return values of the listed cells, and of the left-overs what they make of them, never below 0."""
        here = values[:, : self.listed]
        return np.concatenate([here, np.maximum(self.left_over(here), 0.0)], axis=1)

    def unshown(self, hidden: np.ndarray) -> np.ndarray:
        """Add to the hidden cells the left-overs that cannot be taken from what is shown."""
        out = hidden.copy()
        out[:, self.listed :] = self.exists[:, self.listed :] & (
            hidden[:, : self.listed].astype(float) @ np.abs(_kept(self.plain)).T > 0
        )
        return out

    @property
    def asked(self) -> np.ndarray:
        """Respondents in the cell, whether or not they answered."""
        return np.asarray(self.base + self.missing)

    def scale(self, hidden: np.ndarray) -> np.ndarray:
        """Return what turns weights into respondents: one over the mean weight of what is shown of an indicator."""
        shown = self.is_row & ~hidden
        with np.errstate(divide="ignore", invalid="ignore"):
            scale = np.nansum(np.where(shown, self.base, 0.0), 1) / np.nansum(np.where(shown, self.weight, 0.0), 1)
        return np.asarray(np.nan_to_num(scale, nan=0.0, posinf=0.0))

    def counts(self, hidden: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return numerators and complements in respondents, by the mean weight of what is shown."""
        shown = self.is_row & ~hidden
        total = self.scale(hidden)[:, None] * self.weight
        with np.errstate(divide="ignore", invalid="ignore"):
            typical = np.nanmax(np.where(shown, np.abs(self.estimate), 0.0), axis=1)[:, None]
            yes = total * np.where(self.is_share[:, None], self.estimate, self.estimate / typical)
        # Nobody answered: there is no estimate, and nothing is missing from a sum.
        empty = self.exists & (self.base == 0)
        return np.where(empty, 0.0, yes), np.where(empty, 0.0, np.where(self.is_share[:, None], total - yes, np.nan))


def laid_out(
    estimates: pd.DataFrame, nested: pd.DataFrame | None = None, follows: pd.DataFrame | None = None
) -> Layout:
    """Lay the estimates of one wave out as tables over its cells.

    Parameters
    ----------
    estimates : DataFrame, shape (n estimates, columns of estimates)
        Of one wave. Not modified.
    nested : DataFrame, optional
        As `additive.nesting` returns it.
    follows : DataFrame, optional
        As `implied.found` returns it.

    Returns
    -------
    Layout
    """
    indicators = list(dict.fromkeys(estimates["indicator"]))
    keys = list(zip(estimates["domain"], estimates["level"], strict=True))
    cells = list(dict.fromkeys(keys))
    place = {c: i for i, c in enumerate(cells)}
    number = {name: i for i, name in enumerate(indicators)}
    across = (estimates["indicator"].map(number).to_numpy(), np.array([place[k] for k in keys], dtype=np.intp))
    row = np.full((len(indicators), len(cells)), -1)
    row[across] = np.arange(len(estimates))
    plain = relations(cells, nested)
    left = np.flatnonzero(~plain.follows)
    listed = row >= 0

    def taken(column: str) -> np.ndarray:
        out = np.full(listed.shape, np.nan)
        out[across] = estimates[column].to_numpy(dtype="float64", na_value=np.nan)
        return out

    def beside(values: np.ndarray) -> np.ndarray:
        return np.maximum(_left_over(plain, np.where(listed, values, 0.0)), 0.0)

    base, missing, weight, estimate = map(taken, ("base_unweighted", "base_missing", "base_weighted", "estimate"))
    nobody = beside(base) < 1
    heavy = np.where(nobody, 0.0, beside(weight))
    with np.errstate(divide="ignore", invalid="ignore"):
        theirs = np.where(nobody, 0.0, beside(np.where(base == 0, 0.0, weight * estimate)) / heavy)
    first = estimates.drop_duplicates("indicator").set_index("indicator").loc[indicators]
    weights = first["weight"].astype("object").where(first["weight"].notna(), "")
    return Layout(
        wave=str(estimates["wave"].iat[0]),
        indicators=tuple(indicators),
        plain=plain,
        sums=_with_left_overs(plain, left),
        row=np.concatenate([row, np.full((len(row), len(left)), -1)], axis=1),
        exists=np.concatenate([listed, listed[:, plain.total[left]]], axis=1),
        base=np.concatenate([base, beside(base)], axis=1),
        missing=np.concatenate([missing, beside(missing)], axis=1),
        weight=np.concatenate([weight, heavy], axis=1),
        estimate=np.concatenate([estimate, theirs], axis=1),
        is_share=(first["unit"] == "proportion").to_numpy(),
        group=pd.factorize(weights)[0],
        links=implied.links(follows, indicators),
    )


def _kept(plain: Relations) -> sparse.csr_array:
    return plain.signs[np.flatnonzero(~plain.follows)]


def _left_over(plain: Relations, values: np.ndarray) -> np.ndarray:
    return np.asarray(-(values @ _kept(plain).T))


def _with_left_overs(plain: Relations, left: np.ndarray) -> Relations:
    """Give each sum that does not follow from others a member for those in none of its levels."""
    count = len(left)
    more = sparse.csr_array((np.ones(count), (left, np.arange(count))), shape=(len(plain.total), count))
    named = tuple((domain, f"{level}, rest") for domain, level in (plain.cells[plain.total[k]] for k in left))
    signs = sparse.hstack([plain.signs, more]).tocsr()
    return replace(plain, cells=(*plain.cells, *named), signs=signs)


def spread(layout: Layout, values: Iterable[object]) -> np.ndarray:
    """Lay a flag of each row out over the cells; false where an indicator has no such cell."""
    flags = np.asarray(values, dtype=bool)
    return np.asarray(np.where(layout.is_row, flags[layout.row], False))
