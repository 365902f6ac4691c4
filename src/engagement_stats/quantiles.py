"""Invert weighted distribution functions: quantiles and their Woodruff intervals.

Belongs here: the quantile rule, and turning a share's interval into a quantile's.
Not here: the share's variance (influence), the public call (estimate).
Methods: docs/methods.md#quantiles
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
import pandas as pd

from engagement_stats import uncertainty
from engagement_stats.domains import read_numbers
from engagement_stats.influence import Family, Measure
from engagement_stats.results import Call, Rows
from engagement_stats.sample import Terms

# Weighted shares are sums in floating point: one this close below q has reached q.
REACHED = 1e-12


@dataclass(frozen=True, eq=False)
class _Distribution:
    """Values of one variable sorted within levels, with running weights that start in each level."""

    values: np.ndarray
    running: np.ndarray
    starts: np.ndarray
    stops: np.ndarray

    def quantile(self, shares: np.ndarray) -> np.ndarray:
        """Find the smallest value of each level whose running share reaches `shares`; NaN if empty."""
        found = np.full(len(self.starts), np.nan)
        for level, (start, stop) in enumerate(zip(self.starts, self.stops, strict=True)):
            share = shares[level]
            if start < stop and np.isfinite(share):
                running = self.running[start:stop]
                place = np.searchsorted(running, min(max(share, 0.0), 1.0) * running[-1] * (1 - REACHED))
                found[level] = self.values[start + min(place, stop - start - 1)]
        return found


def _distribution(values: np.ndarray, answered: np.ndarray, family: Family, weight: np.ndarray) -> _Distribution:
    members = np.flatnonzero(answered & (family.codes >= 0))
    codes = family.codes[members]
    order = members[np.lexsort((values[members], codes))]
    sizes = np.bincount(codes, minlength=len(family.levels))
    stops = np.cumsum(sizes)
    starts = stops - sizes
    running = np.empty(len(order))
    for start, stop in zip(starts, stops, strict=True):
        np.cumsum(weight[order[start:stop]], out=running[start:stop])
    return _Distribution(values[order], running, starts, stops)


def woodruff(
    call: Call, frame: pd.DataFrame, variables: Sequence[str], quantiles: Sequence[float], interval: str
) -> pd.DataFrame:
    """Estimate quantiles of variables in every family of a call; rows by variable, family, level, quantile.

    Notes
    -----
    With F the share at or below the estimate and (l, u) its interval, the limits are the quantiles at l and u
    and the standard error is (upper - lower) / 2t. The influence value is that of -F, scaled to this standard
    error.
    Source: Woodruff (1952); Francisco and Fuller (1991).
    Verified: tests/test_reference.py cases D, rtol 1e-9.
    """
    measures: list[Measure] = []
    parts: list[tuple[np.ndarray, ...]] = []
    names: list[tuple[str, str, str, float]] = []
    terms: list[Terms] = []
    deviations: list[np.ndarray] = []
    for variable in variables:
        numbers = read_numbers(frame, variable, call.layout)
        answered = call.eligible & ~np.isnan(numbers)
        for place, family in enumerate(call.families):
            distribution = _distribution(numbers, answered, family, call.layout.weight)
            by_quantile = [_one(call, variable, numbers, answered, place, q, distribution, interval) for q in quantiles]
            for one in by_quantile:
                one.terms.measure[:] = len(measures)
                measures.append(one.measure)

            # Interleave: a level's quantiles stand together.
            def together(arrays: Sequence[np.ndarray]) -> np.ndarray:
                return np.stack(arrays, axis=1).reshape(-1, *arrays[0].shape[1:])

            parts.append(tuple(together(column) for column in zip(*(one.columns for one in by_quantile), strict=True)))
            terms.append(
                Terms(**{f.name: together([getattr(one.terms, f.name) for one in by_quantile]) for f in fields(Terms)})
            )
            away = [one.deviations for one in by_quantile if one.deviations is not None]
            if away:
                deviations.append(together(away))
            names += [(variable, family.name, level, q) for level in family.levels for q in quantiles]
    columns = [np.concatenate(column) for column in zip(*parts, strict=True)]
    limits = columns.pop(-3), columns.pop(-2), columns.pop(-1)
    named = [np.array(column, object) for column in zip(*names, strict=True)]
    return call.frame(
        (named[0], named[1], named[2], named[3].astype(float)),
        Rows(*columns),
        limits,
        "quantile",
        measures,
        Terms(**{f.name: np.concatenate([getattr(t, f.name) for t in terms]) for f in fields(Terms)}),
        np.concatenate(deviations) if deviations else None,
    )


@dataclass(frozen=True, eq=False)
class _Quantile:
    """One quantile of one variable in the levels of one family."""

    measure: Measure
    columns: tuple[np.ndarray, ...]
    terms: Terms
    deviations: np.ndarray | None


def _one(
    call: Call,
    variable: str,
    numbers: np.ndarray,
    answered: np.ndarray,
    place: int,
    q: float,
    distribution: _Distribution,
    interval: str,
) -> _Quantile:
    family = call.families[place]
    levels = len(family.levels)
    estimate = distribution.quantile(np.full(levels, q))
    below = answered & (numbers <= np.append(estimate, np.nan)[family.codes])
    mask = answered.view(np.int8)
    measure = Measure(variable, below.view(np.int8), mask, mask)
    sums, away = call.tabulate([family], [measure])
    share = call.rows([family], [measure], sums, "proportion")
    lower, upper, used = call.share_limits(share, interval)
    variance, df = share.variance.ravel(), share.degrees_of_freedom.ravel()
    low, high = distribution.quantile(lower), distribution.quantile(upper)
    error = (high - low) / (2 * uncertainty.t_quantile(df, call.confidence))
    with np.errstate(divide="ignore", invalid="ignore"):
        gain = np.where(variance > 0, -error / np.sqrt(variance), 0.0)
    terms = call.terms([measure], sums, np.array([0]), np.array([place]))
    terms.gain[:] *= gain
    columns = (
        estimate,
        error**2,
        share.respondents.ravel(),
        share.missing.ravel(),
        share.yes.ravel(),
        share.weight.ravel(),
        df,
        share.design_effect.ravel(),
        share.effective_base.ravel(),
        low,
        high,
        np.array([f"woodruff_{method}" for method in used], object),
    )
    return _Quantile(measure, columns, terms, None if away is None else away[0] * gain[:, None])
