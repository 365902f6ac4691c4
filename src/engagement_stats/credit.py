"""Credit weighting steps in variances of many domains at once, without a pass over respondents for each.

Belongs here: sums of influence values and of the steps' columns by unit, and the quadratic forms of both.
Not here: what a step takes out of influence values (projection), variances with weights as fixed (influence).
Methods: docs/methods.md#calibrated-weights
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import sparse

from engagement_stats.design import Layout, Stage
from engagement_stats.influence import CANCELLATION, Family, Measure, Sums, quadratic_form
from engagement_stats.projection import Projection

# A variance this small beside its parts is rounding of an exact zero: the margins settle the estimate.
NOTHING = 1e-22


def by_stratum(stage: Stage) -> sparse.csr_array:
    """Which stratum each unit is in, shape (units, strata)."""
    return sparse.csr_array(
        (np.ones(stage.units), stage.stratum, np.arange(stage.units + 1)), shape=(stage.units, stage.strata)
    )


@dataclass(frozen=True, eq=False)
class _Form:
    """The quadratic form of one stage with the steps' columns on one side."""

    stage: Stage
    adjust: bool
    totals: sparse.csr_array

    @cached_property
    def _by_stratum(self) -> sparse.csr_array:
        return by_stratum(self.stage)

    @cached_property
    def _scaled(self) -> sparse.csr_array:
        return sparse.csr_array(sparse.diags_array(self.stage.scale[self.stage.stratum]) @ self.totals)

    @cached_property
    def _means(self) -> np.ndarray:
        return (self._by_stratum.T @ self.totals).toarray() * (self.stage.scale / self.stage.size)[:, None]

    def __call__(self, totals: sparse.csr_array) -> np.ndarray:
        """Products with unit totals of shape (k, units): shape (k, columns)."""
        value = (totals @ self._scaled).toarray() - (totals @ self._by_stratum) @ self._means
        if self.adjust:
            alone = np.flatnonzero(self.stage.lonely[self.stage.stratum])
            weight = self.stage.remainder[self.stage.stratum[alone]]
            value += (self._distances(totals, alone) * weight) @ self._distances(self.totals.T.tocsr(), alone).T
        return np.asarray(value)

    def _distances(self, totals: sparse.csr_array, alone: np.ndarray) -> np.ndarray:
        mean = np.asarray(totals.sum(axis=1)).reshape(-1, 1) / self.stage.units
        return np.asarray(totals[:, alone].toarray() - mean)


class Credit:
    """What the variances of one sample need of the steps behind its weights.

    Parameters
    ----------
    layout : Layout
    projection : Projection
        Of the layout's weights.
    """

    def __init__(self, layout: Layout, projection: Projection) -> None:
        self.layout = layout
        self.projection = projection
        policy = layout.design.single_psu
        self.forms = tuple(
            _Form(
                stage,
                stage is layout.first and policy == "adjust" and bool(stage.lonely.any()),
                _unit_sums(stage, projection.removed),
            )
            for stage in layout.stages
        )

    @cached_property
    def own(self) -> np.ndarray:
        """Covariance of the totals of the steps' columns, shape (columns, columns)."""
        return np.asarray(sum(form(form.totals.T.tocsr()) for form in self.forms))

    def products(self, totals: Sequence[sparse.csr_array]) -> np.ndarray:
        """Covariances of totals with those of the steps' columns.

        Parameters
        ----------
        totals : sequence of sparse array, shape (k, units)
            One a stage.

        Returns
        -------
        ndarray, shape (k, columns)
        """
        return np.asarray(sum(form(t) for form, t in zip(self.forms, totals, strict=True)))

    def variances(self, families: Sequence[Family], measures: Sequence[Measure], sums: Sums) -> np.ndarray:
        """Credit the steps in variances of every measure in every level.

        Parameters
        ----------
        families, measures : sequence
        sums : Sums
            Of these, weights taken as fixed.

        Returns
        -------
        ndarray, shape (measures, levels of all families)

        Notes
        -----
        With unit totals T of influence values and S of the steps' columns, V(T - S B) = V(T) - 2 B'C + B'V(S) B,
        C the products of S and T. V(S) is found once and C from non-zero totals. Where this loses digits the
        residuals are summed.
        Source: methods of Deville and Sarndal (1992) with docs/methods.md#calibrated-weights.
        Verified: against residuals summed directly, tests/test_estimate_calibrated.py, rtol 1e-9.
        """
        out = sums.variance.copy()
        start = 0
        for family in families:
            here = slice(start, start + len(family.levels))
            start = here.stop
            levels = _Levels(self.layout, family)
            for k, measure in enumerate(measures):
                values = levels.influence(measure, sums.ratio[k, here], sums.denominator[k, here])
                by_row = levels.rows(values)
                coefficients = self.projection.coefficients(by_row)
                crossed = self.products([levels.units(i, values) for i in range(len(self.forms))])
                less = np.einsum("dp,dp->d", coefficients, crossed)
                more = np.einsum("dp,pq,dq->d", coefficients, self.own, coefficients, optimize=True)
                inflation = sums.inflation[k, here]
                fixed = out[k, here].copy()
                out[k, here] += inflation * (more - 2 * less)
                size = fixed + inflation * more
                for d in np.flatnonzero(np.isfinite(fixed) & (out[k, here] < CANCELLATION * size)):
                    exact = inflation[d] * self._summed(by_row[[d]], coefficients[d])
                    out[k, start - len(family.levels) + d] = 0.0 if exact <= NOTHING * size[d] else exact
        return out

    def _summed(self, values: sparse.csr_array, coefficients: np.ndarray) -> float:
        residuals = values.toarray()[0] - self.projection.removed @ coefficients
        return quadratic_sum(self.layout, residuals)


def quadratic_sum(layout: Layout, values: np.ndarray) -> float:
    """Variance of a total of influence values that nobody is outside of, shape (rows,)."""
    total = 0.0
    for stage in layout.stages:
        sums = np.bincount(stage.unit, values, stage.units)
        policy = layout.design.single_psu if stage is layout.first else "certainty"
        total += float(quadratic_form(stage, sums, np.ones(stage.units, bool), policy))
    return total


def _unit_sums(stage: Stage, rows: sparse.csr_array) -> sparse.csr_array:
    if stage.units == len(stage.unit):
        return rows
    count = len(stage.unit)
    ends = np.flatnonzero(np.diff(stage.unit, prepend=-1, append=-2))
    member = sparse.csr_array((np.ones(count), np.arange(count), ends), shape=(stage.units, count))
    return sparse.csr_array(member @ rows)


class _Levels:
    """Sum influence values of one family's levels over rows and units, for measure after measure."""

    def __init__(self, layout: Layout, family: Family) -> None:
        self._layout = layout
        codes = family.codes
        self._count = len(family.levels)
        self._members = None
        if self._count > 1 or codes.min() < 0:
            order = np.argsort(codes, kind="stable")
            self._members = order[np.searchsorted(codes[order], 0) :]
            codes = codes[self._members]
        self._codes = codes
        self._ends = np.searchsorted(codes, np.arange(self._count + 1))
        self._places = [self._cells(stage) for stage in layout.stages]

    def _cells(self, stage: Stage) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
        """First member, unit and end by level of each cell, a unit in a level; None where cells are rows."""
        if stage.units == len(stage.unit):
            return None
        unit = self._take(stage.unit)
        new = (np.diff(unit, prepend=-1) != 0) | (np.diff(self._codes, prepend=-1) != 0)
        starts = np.flatnonzero(new)
        return starts, unit[starts], np.searchsorted(starts, self._ends)

    def _take(self, rows: np.ndarray) -> np.ndarray:
        return rows if self._members is None else rows.take(self._members)

    def influence(self, measure: Measure, ratio: np.ndarray, denominator: np.ndarray) -> np.ndarray:
        """Weighted influence values of members, in order of level; zero where a level is empty."""
        if measure.is_total:
            return self._take(self._layout.weight * measure.numerator)
        with np.errstate(divide="ignore", invalid="ignore"):
            known = np.isfinite(ratio)
            per = np.where(known, 1 / denominator, 0.0)
        ratio = np.where(known, ratio, 0.0)
        weight, top = self._take(self._layout.weight), self._take(measure.numerator)
        bottom = self._take(measure.denominator)
        if self._count == 1:
            return weight * (top - ratio[0] * bottom) * per[0]
        return weight * (top - ratio.take(self._codes) * bottom) * per.take(self._codes)

    def rows(self, values: np.ndarray) -> sparse.csr_array:
        """Lay values out by level and row."""
        members = np.arange(self._layout.rows) if self._members is None else self._members
        return sparse.csr_array((values, members, self._ends), shape=(self._count, self._layout.rows))

    def units(self, stage: int, values: np.ndarray) -> sparse.csr_array:
        """Sum values by level and unit."""
        place = self._places[stage]
        if place is None:
            return self.rows(values)
        starts, unit, ends = place
        data = np.add.reduceat(values, starts) if len(starts) else values
        return sparse.csr_array((data, unit, ends), shape=(self._count, self._layout.stages[stage].units))
