"""Lay a wave's estimates out as tables of counts over the same cells.

Belongs here: which row is which cell of which indicator, and its counts in respondents.
Not here: which cells add up (additive), what a reader can work out (attack), what to hide (disclose, secondary).
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from engagement_stats import implied
from engagement_stats.additive import Relations, relations


@dataclass(frozen=True, eq=False)
class Layout:
    """The estimates of one wave as tables over the same cells, each array of shape (indicators, cells).

    `row` is the place of a row in the frame, -1 where an indicator has no such cell. Counts are in respondents; `yes`
    and `no` are the weighted numerator and complement over the mean weight, for a mean its total and null. `links` are
    those of `implied.links`.
    """

    wave: str
    indicators: tuple[str, ...]
    sums: Relations
    row: np.ndarray
    base: np.ndarray
    missing: np.ndarray
    weight: np.ndarray
    estimate: np.ndarray
    is_share: np.ndarray
    group: np.ndarray
    links: np.ndarray

    @property
    def exists(self) -> np.ndarray:
        """Cells that an indicator has."""
        return self.row >= 0

    @property
    def asked(self) -> np.ndarray:
        """Respondents in the cell, whether or not they answered."""
        return np.asarray(self.base + self.missing)

    def scale(self, hidden: np.ndarray) -> np.ndarray:
        """Return what turns weights into respondents: one over the mean weight of what is shown of an indicator."""
        shown = self.exists & ~hidden
        with np.errstate(divide="ignore", invalid="ignore"):
            scale = np.nansum(np.where(shown, self.base, 0.0), 1) / np.nansum(np.where(shown, self.weight, 0.0), 1)
        return np.asarray(np.nan_to_num(scale, nan=0.0, posinf=0.0))

    def counts(self, hidden: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return numerators and complements in respondents, by the mean weight of what is shown."""
        shown = self.exists & ~hidden
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

    def taken(column: str) -> np.ndarray:
        out = np.full(row.shape, np.nan)
        out[across] = estimates[column].to_numpy(dtype="float64", na_value=np.nan)
        return out

    first = estimates.drop_duplicates("indicator").set_index("indicator").loc[indicators]
    weights = first["weight"].astype("object").where(first["weight"].notna(), "")
    return Layout(
        wave=str(estimates["wave"].iat[0]),
        indicators=tuple(indicators),
        sums=relations(cells, nested),
        row=row,
        base=taken("base_unweighted"),
        missing=taken("base_missing"),
        weight=taken("base_weighted"),
        estimate=taken("estimate"),
        is_share=(first["unit"] == "proportion").to_numpy(),
        group=pd.factorize(weights)[0],
        links=implied.links(follows, indicators),
    )


def spread(layout: Layout, flags: Iterable[bool]) -> np.ndarray:
    """Lay a flag of each row out over the cells; false where an indicator has no such cell."""
    values = np.asarray(flags, dtype=bool)
    return np.asarray(np.where(layout.exists, values[layout.row], False))
