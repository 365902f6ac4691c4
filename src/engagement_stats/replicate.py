"""Estimate variances from replicate weights, and make such weights by bootstrap or jackknife.

Belongs here: replicate estimates of totals and ratios, the Rao-Wu bootstrap, the delete-one-PSU jackknife, and
replicates that take every step of weighting again.
Not here: linearised variances (influence), checking a producer's replicate columns (design), the steps (steps).
Methods: docs/methods.md#replicate-weights
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import pandas as pd

from engagement_stats.design import Layout, SampleDesign, lay_out
from engagement_stats.errors import EstimationError
from engagement_stats.influence import Family, Measure
from engagement_stats.sample import Sample
from engagement_stats.steps import Weights

# A jackknife holds a multiplier for every pair of PSUs.
JACKKNIFE_LIMIT = 4000
# Units turned into float64 at a time: keeps the scratch of 500 replicates near 16 MB.
CHUNK = 4096
DRAWS = 4_000_000
# Replicates whose weights are made again at a time: their weights and base weights are held together.
AGAIN = 32
# Multiplications in one product of matrices: few enough that the library behind NumPy starts no threads, whose waiting
# would cost as much as the work.
PRODUCT = 2**18


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
    steps : Weights, optional
        Taken again in every replicate, from their base weights times the multipliers; see `redone`.
    """

    method: str
    multiplier: np.ndarray
    unit_factor: np.ndarray
    unit: np.ndarray
    scale: float
    rscales: np.ndarray
    degrees_of_freedom: float
    layout: Layout
    steps: Weights | None = None

    def weights(self) -> np.ndarray:
        """Replicate weights, shape (respondents, replicates), in the frame's row order."""
        if self.steps is not None:
            return np.hstack([weights for _, weights in self.again(self.steps)])
        weights = (self.layout.weight * self.unit_factor[self.unit])[:, None] * self.multiplier[self.unit]
        if self.layout.order is None:
            return weights
        out = np.empty_like(weights)
        out[self.layout.order] = weights
        return out

    def again(self, steps: Weights) -> Iterator[tuple[slice, np.ndarray]]:
        """Take the steps again in some replicates at a time: which, and their weights in the frame's row order."""
        unit = self.unit
        if self.layout.order is not None:
            unit = np.empty_like(unit)
            unit[self.layout.order] = self.unit
        base = steps.base * self.unit_factor[unit]
        bases = np.empty((len(base), AGAIN), order="F")
        for start in range(0, self.multiplier.shape[1], AGAIN):
            here = slice(start, min(start + AGAIN, self.multiplier.shape[1]))
            multiplier = np.asfortranarray(self.multiplier[:, here])
            for r in range(multiplier.shape[1]):
                np.multiply(base, multiplier[:, r].take(unit), out=bases[:, r])
            yield here, steps.redo_many(bases[:, : multiplier.shape[1]])


def redone(replicates: Replicates) -> Replicates:
    """Take every step of weighting again in every replicate, as the check of variances that credit the steps.

    Parameters
    ----------
    replicates : Replicates
        From `bootstrap` or `jackknife`, with a design whose weight is `Weights`.

    Returns
    -------
    Replicates
        Multipliers now apply to the weights before the first step, and the steps follow. Nothing is computed yet:
        `standard_errors` and `Replicates.weights` do, some replicates at a time.

    Raises
    ------
    EstimationError
        The design's weight is a column, whose steps are not known. Or it was trimmed and the replicates are of the
        bootstrap: the limit would cut a respondent drawn twice as one with twice the weight.

    Notes
    -----
    Source: Rao, Wu and Yue (1992); Valliant, Dever and Kreuter (2018) ch. 15.
    Verified: R survey 4.1.1 `calibrate` of `as.svrepdesign`, tests/test_estimate_calibrated.py, rtol 1e-7.

    Examples
    --------
    >>> from engagement_stats import weight
    >>> people = pd.DataFrame({"sex": list("ffmmm")})
    >>> design = SampleDesign(weight=weight.rake(people, {"sex": {"f": 52, "m": 48}}))
    >>> redone(jackknife(people, design)).weights().sum(axis=0).round(6).tolist()
    [100.0, 100.0, 100.0, 100.0, 100.0]
    """
    steps = replicates.layout.design.weight
    if not isinstance(steps, Weights):
        raise EstimationError(
            "redone: the design's weight is a column, so the steps behind it are not known. Give SampleDesign the "
            "weights that weight.rake and the like return."
        )
    limited = [s for s in steps.steps if s.kind == "trimmed" or s.settings.get("weight_bounds") is not None]
    if limited and replicates.method == "bootstrap":
        raise EstimationError(
            f"redone: the step {limited[0].kind} ({limited[0].method}) has limits on weights, and in a bootstrap they "
            "would cut a respondent drawn twice as one with twice the weight. Use jackknife."
        )
    return replace(replicates, steps=steps)


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
        Of estimates that credit steps of weighting: `redone` replicates of the same weights.
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
    if replicates.steps is not None or sample.layout.projection is not None:
        top, bottom = _totals_again(sample, replicates)
    else:
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


def _totals_again(sample: Sample, replicates: Replicates) -> tuple[np.ndarray, np.ndarray]:
    """Totals under replicates that take the steps of weighting again."""
    steps = replicates.steps
    if steps is None or sample.layout.design.weight is not steps:
        raise EstimationError(
            "replicates: the estimates credit the steps of their weights, so replicates must take the same steps. "
            "Give redone(replicates), made with the design of the estimates."
        )
    layout = sample.layout
    # In the frame's order, and respondents of a level side by side: a level is then one product of matrices.
    back = np.arange(layout.rows) if layout.order is None else np.argsort(layout.order)
    tables = []
    for family in sample.families:
        codes = family.codes.take(back)
        members = np.argsort(codes, kind="stable") if len(family.levels) > 1 or codes.min() < 0 else None
        place = back if members is None else back.take(members)
        edges = np.searchsorted(family.codes.take(place), np.arange(len(family.levels) + 1))
        answers = np.array([x.take(place) for m in sample.measures for x in (m.numerator, m.denominator)])
        tables.append((members, edges, answers))
    parts = []
    scratch = np.empty((0, 0))
    for _, weights in replicates.again(steps):
        scratch = scratch if scratch.shape == weights.shape else np.empty_like(weights)
        for members, edges, answers in tables:
            moved = weights
            if members is not None:
                moved = scratch
                for r in range(weights.shape[1]):
                    weights[:, r].take(members, out=moved[:, r], mode="clip")
            step = max(64, PRODUCT // (len(answers) * weights.shape[1]))
            for start, stop in pairwise(edges):
                total = np.zeros((len(answers), weights.shape[1]))
                for first in range(start, stop, step):
                    here = slice(first, min(first + step, stop))
                    total += answers[:, here].astype(np.float64) @ moved[here]
                parts.append(total)
    levels = int(sum(len(f.levels) for f in sample.families))
    together = np.concatenate([np.stack(parts[k : k + levels], axis=1) for k in range(0, len(parts), levels)], axis=2)
    return together[::2], together[1::2]


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
        Row of `multiplier` of each respondent.
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
