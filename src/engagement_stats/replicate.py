"""Estimate variances from replicate weights, and make such weights by bootstrap or jackknife.

Belongs here: replicate estimates of totals and ratios, the Rao-Wu bootstrap and the delete-one-PSU jackknife.
Not here: linearised variances (influence), checking a producer's replicate columns (design), adjusting
replicates (weight).
Methods: docs/methods.md#replicate-weights
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd

from engagement_stats.design import Layout, SampleDesign, lay_out
from engagement_stats.errors import EstimationError
from engagement_stats.influence import Family, Measure
from engagement_stats.sample import Sample

# A jackknife holds a multiplier for every pair of PSUs.
JACKKNIFE_LIMIT = 4000
# Units turned into float64 at a time: keeps the scratch of 500 replicates near 16 MB.
CHUNK = 4096
DRAWS = 4_000_000


@dataclass(frozen=True, eq=False)
class Replicates:
    """Replicate weights as multipliers of each unit's weights.

    Attributes
    ----------
    method : {"bootstrap", "jk1", "jkn"}
        As `SampleDesign` calls it.
    multiplier : ndarray, shape (units, replicates)
        Times `unit_factor`, what a unit's weights are multiplied by.
    unit_factor : ndarray, shape (units,)
    unit : ndarray, shape (respondents,)
        Unit of each respondent, in layout order.
    scale, rscales : float and ndarray, shape (replicates,)
        The variance is scale * sum_r rscales_r (estimate_r - estimate)^2.
    degrees_of_freedom : float
    layout : Layout
    """

    method: str
    multiplier: np.ndarray
    unit_factor: np.ndarray
    unit: np.ndarray
    scale: float
    rscales: np.ndarray
    degrees_of_freedom: float
    layout: Layout

    def weights(self) -> np.ndarray:
        """Replicate weights, shape (respondents, replicates), in the frame's row order."""
        weights = (self.layout.weight * self.unit_factor[self.unit])[:, None] * self.multiplier[self.unit]
        if self.layout.order is None:
            return weights
        out = np.empty_like(weights)
        out[self.layout.order] = weights
        return out


def bootstrap(frame: pd.DataFrame, design: SampleDesign, *, count: int = 500, seed: int = 0) -> Replicates:
    """Draw Rao-Wu bootstrap replicates: n - 1 of a stratum's n PSUs, with replacement, rescaled.

    Parameters
    ----------
    frame : DataFrame
    design : SampleDesign
        First-stage strata and PSUs count; corrections do not, as the bootstrap imitates sampling with
        replacement. A stratum of one PSU keeps its weight under every policy but "fail", which stops.
    count : int, default 500
        Replicates; 2 or more.
    seed : int, default 0
        The same seed gives the same replicates, stratum by stratum.

    Returns
    -------
    Replicates

    Notes
    -----
    Source: Rao and Wu (1988); Rao, Wu and Yue (1992) with n - 1 draws.
    Verified: tests/test_replicate.py, against linearised standard errors, within 15 % at 800 replicates.
    """
    if count < 2:
        raise EstimationError(f"bootstrap: got {count} replicates; expected 2 or more.")
    layout = lay_out(frame, design)
    stage = layout.first
    multiplier = np.empty((stage.units, count), np.uint8)
    start = 0
    for stratum, size in enumerate(stage.size.astype(int)):
        block = multiplier[start : start + size]
        start += size
        if size == 1:
            block[:] = 1
            continue
        random = np.random.default_rng([seed, stratum])
        step = max(1, DRAWS // size)
        for first in range(0, count, step):
            width = min(step, count - first)
            drawn = random.integers(0, size, (width, size - 1))
            drawn += np.arange(width)[:, None] * size
            counts = np.bincount(drawn.ravel(), minlength=width * size)
            block[:, first : first + width] = counts.reshape(width, size).T
    factor = np.where(stage.size > 1, stage.size / np.maximum(stage.size - 1, 1), 1.0)[stage.stratum]
    return Replicates(
        "bootstrap",
        multiplier,
        factor,
        stage.unit,
        1 / (count - 1),
        np.ones(count),
        layout.degrees_of_freedom,
        layout,
    )


def jackknife(frame: pd.DataFrame, design: SampleDesign) -> Replicates:
    """Leave one PSU out at a time, giving its weight to the others of its stratum.

    Parameters
    ----------
    frame : DataFrame
    design : SampleDesign
        Unstratified designs give JK1, stratified JKn. A first-stage correction enters `rscales`.

    Returns
    -------
    Replicates

    Raises
    ------
    EstimationError
        There are too many PSUs for a replicate each.

    Notes
    -----
    Source: Wolter (2007) ch. 4. A stratum of one PSU gets no replicate.
    Verified: tests/test_reference.py cases I1 and I2, rtol 1e-9.
    """
    layout = lay_out(frame, design)
    stage = layout.first
    if stage.units > JACKKNIFE_LIMIT:
        raise EstimationError(
            f"jackknife: {stage.units} PSUs would need as many replicates; expected at most "
            f"{JACKKNIFE_LIMIT}. Use bootstrap."
        )
    dropped = np.flatnonzero(stage.size[stage.stratum] > 1)
    size = stage.size[stage.stratum]
    multiplier = np.ones((stage.units, len(dropped)))
    for replicate, unit in enumerate(dropped):
        peers = stage.stratum == stage.stratum[unit]
        multiplier[peers, replicate] = size[unit] / (size[unit] - 1)
        multiplier[unit, replicate] = 0.0
    # scale is (1-f) n/(n-1), and (1-f) (n-1)/n is wanted.
    shares = (stage.scale * ((stage.size - 1) / stage.size) ** 2)[stage.stratum[dropped]]
    stratified = stage.strata > 1
    scale = 1.0 if stratified or len(shares) == 0 else float(shares[0])
    return Replicates(
        "jkn" if stratified else "jk1",
        multiplier,
        np.ones(stage.units),
        stage.unit,
        scale,
        shares if stratified else np.ones(len(dropped)),
        layout.degrees_of_freedom,
        layout,
    )


def standard_errors(estimates: pd.DataFrame, replicates: Replicates, *, centre: str = "estimate") -> np.ndarray:
    """Replicate standard errors of estimates already made by linearisation, to check one by the other.

    Parameters
    ----------
    estimates : DataFrame
        What `estimate.proportion`, `mean`, `total` or `ratio` returned, from the same frame; rows may have been
        filtered.
    replicates : Replicates
    centre : {"estimate", "replicates"}, default "estimate"
        What squares are taken about; R's default is the mean of the replicates.

    Returns
    -------
    ndarray, shape (rows of estimates,)
        NaN for an empty base.

    Raises
    ------
    EstimationError
        The estimates carry no sample, are quantiles, or are of another sample.

    Notes
    -----
    Source: Wolter (2007).
    Verified: tests/test_reference.py cases I1, I2, rtol 1e-9; tests/test_replicate.py for the bootstrap.
    """
    sample = estimates.attrs.get("sample")
    if not isinstance(sample, Sample) or sample.layout.rows != replicates.layout.rows:
        raise EstimationError("replicates: the estimates are not of the sample the replicates were made from.")
    if estimates["statistic"].eq("quantile").any():
        raise EstimationError("replicates: quantiles have no replicate standard errors here.")
    rows = sample.rows([(i, d, level, None) for i, d, level in estimates[["indicator", "domain", "level"]].to_numpy()])
    top, bottom = totals(
        sample.families,
        sample.measures,
        sample.layout.weight * replicates.unit_factor[replicates.unit],
        replicates.unit,
        replicates.multiplier,
    )
    full = sample.terms.value.reshape(top.shape[:2]) if centre == "estimate" else None
    away = deviations(sample.measures, top, bottom, replicates.scale * replicates.rscales, full)
    return np.sqrt(np.sum(away.reshape(len(sample.terms.value), -1)[rows] ** 2, axis=1))


def design_deviations(
    layout: Layout, families: Sequence[Family], measures: Sequence[Measure], full: np.ndarray
) -> np.ndarray:
    """Replicate deviations under a producer's replicate weights.

    Parameters
    ----------
    layout : Layout
        Of a design with replicates.
    families, measures : sequence
    full : ndarray, shape (measures, levels)
        Full-sample ratios (totals for totals), in the measures' own shift.

    Returns
    -------
    ndarray, shape (measures, levels, replicates)
        Deviations times the root of their factors: their sum of squares is the variance.

    Notes
    -----
    Source: Wolter (2007); R survey ``svrVar``.
    Verified: tests/test_reference.py cases I1 to I4, rtol 1e-9.
    """
    if layout.replicate_weights is None or layout.replicate_factors is None:
        raise EstimationError("replicates: the design names no replicate weights.")
    ones, rows = np.ones(layout.rows), np.arange(layout.rows)
    top, bottom = totals(families, measures, ones, rows, layout.replicate_weights)
    about = full if layout.design.replicate_centre == "estimate" else None
    return deviations(measures, top, bottom, layout.replicate_factors, about)


def totals(
    families: Sequence[Family],
    measures: Sequence[Measure],
    base: np.ndarray,
    unit: np.ndarray,
    multiplier: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Numerator and denominator totals of every measure and level under every replicate.

    Parameters
    ----------
    families, measures : sequence
    base : ndarray, shape (respondents,)
        Weight before the multiplier.
    unit : ndarray, shape (respondents,)
        Row of `multiplier` of each respondent; not decreasing.
    multiplier : ndarray, shape (units, replicates)

    Returns
    -------
    tuple of ndarray, shape (measures, levels of all families, replicates)
    """
    offsets = np.cumsum([0, *(len(f.levels) for f in families)])
    both = np.zeros((2, len(measures), offsets[-1], multiplier.shape[1]))
    tables = [_cells(family, measures, base, unit) for family in families]
    for start in range(0, len(multiplier), CHUNK):
        chunk = multiplier[start : start + CHUNK].astype(np.float64)
        for offset, (cell_unit, level, values) in zip(offsets, tables, strict=False):
            here = slice(*np.searchsorted(cell_unit, (start, start + CHUNK)))
            levels = level[here]
            order = np.argsort(levels, kind="stable")
            edges = np.flatnonzero(np.diff(levels[order], prepend=-1, append=-1))
            for first, last in pairwise(edges):
                cells = order[first:last]
                units = cell_unit[here][cells] - start
                weights = chunk if len(cells) == len(chunk) else chunk[units]
                both[:, :, offset + levels[cells[0]]] += values[:, :, here][:, :, cells] @ weights
    return both[0], both[1]


def _cells(
    family: Family, measures: Sequence[Measure], base: np.ndarray, unit: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Totals by unit and level, cells in order of unit: unit, level, and values (2, measures, cells)."""
    members = np.flatnonzero(family.codes >= 0)
    key = unit[members] * len(family.levels) + family.codes[members]
    keys, cell = np.unique(key, return_inverse=True)
    values = np.empty((2, len(measures), len(keys)))
    weight = base[members]
    for k, measure in enumerate(measures):
        values[0, k] = np.bincount(cell, weight * measure.numerator[members], len(keys))
        values[1, k] = np.bincount(cell, weight * measure.denominator[members], len(keys))
    return keys // len(family.levels), keys % len(family.levels), values


def deviations(
    measures: Sequence[Measure],
    top: np.ndarray,
    bottom: np.ndarray,
    factors: np.ndarray,
    full: np.ndarray | None,
) -> np.ndarray:
    """Deviations of replicate estimates, times the root of their factors.

    A replicate that leaves nobody in a level says nothing about it: it counts for zero and the others for more.

    Parameters
    ----------
    measures : sequence of Measure
    top, bottom : ndarray, shape (measures, levels, replicates)
    factors : ndarray, shape (replicates,)
    full : ndarray, shape (measures, levels), optional
        What deviations are from; None: the mean of the replicates.
    """
    is_total = np.array([m.is_total for m in measures])[:, None, None]
    with np.errstate(divide="ignore", invalid="ignore"):
        estimates = np.where(is_total, top, top / bottom)
    defined = np.isfinite(estimates)
    known = np.where(defined, estimates, 0.0)
    if full is None:
        full = known.sum(axis=2) / np.maximum(defined.sum(axis=2), 1)
    share = (defined * factors).sum(axis=2) / factors.sum()
    with np.errstate(divide="ignore", invalid="ignore"):
        root = np.sqrt(factors / share[:, :, None])
        return np.where(defined, known - full[:, :, None], 0.0) * root
