"""Remember the influence values of everything one call estimated, and give any covariance from them.

Belongs here: covariances of estimates of one sample, exact variances of contrasts, and whether two samples
share units.
Not here: the estimates and their variances (influence), tests and verdicts (compare).
Methods: docs/methods.md#covariances
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse

from engagement_stats.credit import Credit, by_stratum, quadratic_sum
from engagement_stats.design import Layout, Stage
from engagement_stats.errors import EstimationError, listed
from engagement_stats.influence import Family, Measure, quadratic_form

Key = tuple[Hashable, ...]
Places = Sequence[int] | np.ndarray


@dataclass(frozen=True, eq=False)
class Terms:
    """What each row's influence value is made of.

    On the members of a row's level it is gain * w (numerator - ratio denominator) / scale. Arrays have one
    entry a row of the results; `measure` and `family` point into the sample's lists. `value` is the ratio (the
    total for a total) in the measure's own shift, `inflation` what the policy "average" multiplies the variance
    by.
    """

    measure: np.ndarray
    family: np.ndarray
    level: np.ndarray
    ratio: np.ndarray
    scale: np.ndarray
    gain: np.ndarray
    inflation: np.ndarray
    value: np.ndarray


class Sample:
    """The sample behind a frame of estimates, carried as ``frame.attrs["sample"]``.

    Two samples are equal only if they are one object, and copying returns the object itself, so pandas may copy
    attributes freely. It holds respondents' answers and refuses to be pickled. Nothing is computed until a
    covariance is asked for. Rows are named by key, (indicator, domain, level, quantile or None), so a frame may
    be filtered or sorted first; `estimate.covariance` looks keys up.

    Parameters
    ----------
    frame : DataFrame
        Kept by reference, to tell whether another sample shares its rows.
    layout, families, measures, terms
        As the call made them.
    keys : sequence of tuple
        Key of each row of `terms`.
    replicates : ndarray, shape (rows, replicates), optional
        Replicate deviations times the root of their factors, when variances are by replication.
    credit : Credit, optional
        Of the steps behind the weights, when they are credited.
    """

    def __init__(
        self,
        frame: pd.DataFrame,
        layout: Layout,
        families: Sequence[Family],
        measures: Sequence[Measure],
        terms: Terms,
        keys: Sequence[Key],
        replicates: np.ndarray | None = None,
        credit: Credit | None = None,
    ) -> None:
        self._frame = frame
        self.layout = layout
        self.families = tuple(families)
        self.measures = tuple(measures)
        self.terms = terms
        self._keys = keys
        self._replicates = replicates
        self._credit = credit

    def __deepcopy__(self, memo: dict[int, Any]) -> "Sample":
        return self

    def __copy__(self) -> "Sample":
        return self

    def __reduce__(self) -> str:
        raise EstimationError(
            "sample: it holds respondents' answers and is not written anywhere. Clear the attributes of a copy of the "
            "estimates first."
        )

    def __repr__(self) -> str:
        return f"<Sample of {self.layout.rows} respondents, {len(self._keys)} estimates>"

    @property
    def zero_weights(self) -> int:
        """Count respondents of weight zero, who are in the design and in no base."""
        return int(np.count_nonzero(self.layout.weight == 0))

    @cached_property
    def _position(self) -> dict[Key, int]:
        return {key: i for i, key in enumerate(self._keys)}

    def rows(self, keys: Sequence[Key]) -> np.ndarray:
        """Positions of estimates by key (indicator, domain, level, quantile or None).

        Raises
        ------
        EstimationError
            A key was not estimated in this call.
        """
        unknown = [k for k in keys if k not in self._position]
        if unknown:
            raise EstimationError(f"sample: {listed(unknown)} was not estimated in this call.")
        return np.array([self._position[k] for k in keys], np.intp)

    def covariance(self, left: Places, right: Places | None = None, other: "Sample | None" = None) -> np.ndarray:
        """Design covariances of two sets of estimates, each with each.

        Parameters
        ----------
        left : sequence of int
            Positions of estimates of this sample (`rows` gives them).
        right : sequence of int, optional
            Positions in `other` or in this sample; None: `left`.
        other : Sample, optional
            Another call's sample of the same respondents; `relation` must be "same".

        Returns
        -------
        ndarray, shape (len(left), len(right))
            NaN where an estimate has no variance.

        Raises
        ------
        EstimationError
            The two samples are not the same respondents laid out the same way.

        Notes
        -----
        Source: docs/methods.md#covariances; Wolter (2007) ch. 6. A group and a total that holds it overlap,
        which this counts.
        Verified: tests/test_reference.py cases B1, B2, B4, rtol 1e-9.
        """
        other = self._checked(other)
        down = np.asarray(left, np.intp)
        across = down if right is None else np.asarray(right, np.intp)
        if self._replicates is not None and other._replicates is not None:
            return np.asarray(self._replicates[down] @ other._replicates[across].T)
        value = np.zeros((len(down), len(across)))
        totals = []
        for stage in self.layout.stages:
            a = self._unit_totals(stage, down)
            b = a if other is self and across is down else other._unit_totals(stage, across)
            totals.append((a.T, b.T))
            value += self._stage_covariance(stage, a, b)
            if stage is self.layout.first and stage.lonely.any() and self.layout.design.single_psu == "adjust":
                value += self._lonely_distances(a, down).T @ other._lonely_distances(b, across)
        value += self._credited(down, across, other, totals)
        # Sparse products drop what is multiplied by zero, also where it is unknown.
        value[np.isnan(self.terms.gain[down])] = np.nan
        value[:, np.isnan(other.terms.gain[across])] = np.nan
        return value * np.sqrt(np.outer(self.terms.inflation[down], other.terms.inflation[across]))

    def _credited(
        self, down: np.ndarray, across: np.ndarray, other: "Sample", totals: list[tuple[sparse.csr_array, ...]]
    ) -> np.ndarray | float:
        """Find what the steps behind either side's weights add to covariances with weights as fixed."""
        value: np.ndarray | float = 0.0
        if self._credit is not None:
            left = self._coefficients(down)
            value = value - left @ self._credit.products([b for _, b in totals]).T
        if other._credit is not None:
            right = other._coefficients(across)
            value = value - other._credit.products([a for a, _ in totals]) @ right.T
        if self._credit is not None and other._credit is not None:
            own = self._credit.own
            if other._credit is not self._credit:
                own = other._credit.products([form.totals.T.tocsr() for form in self._credit.forms])
            value = value + left @ own @ right.T
        return value

    def _coefficients(self, rows: np.ndarray) -> np.ndarray:
        """Regress influence values of estimates on the columns of the steps: shape (rows, columns)."""
        if self._credit is None:
            return np.zeros((len(rows), 0))
        distinct, back = np.unique(rows, return_inverse=True)
        return self._credit.projection.coefficients(self._by_row(distinct))[back]

    def _by_row(self, rows: np.ndarray) -> sparse.csr_array:
        """Influence values, estimates by respondents; `rows` are distinct."""
        estimates, respondents, values = [], [], []
        for measure, family, where in self._grouped(rows):
            members, at, value = self._influence(measure, family, rows[where])
            respondents.append(members)
            estimates.append(where[at])
            values.append(np.nan_to_num(value))
        found = (np.concatenate(values), (np.concatenate(estimates), np.concatenate(respondents)))
        return sparse.coo_array(found, shape=(len(rows), self.layout.rows)).tocsr()

    def covariance_with(self, left: Places, reference: int) -> np.ndarray:
        """Covariances of many estimates with one, in one pass over respondents a variable.

        Parameters
        ----------
        left : sequence of int
        reference : int
            Position of the estimate they are all set beside, such as the whole population.

        Returns
        -------
        ndarray, shape (len(left),)

        Notes
        -----
        Source: as `covariance`; only one side needs centring within strata.
        Verified: equal to `covariance`, tests/test_estimate_covariance.py.
        """
        down = np.asarray(left, np.intp)
        adjusts = self.layout.first.lonely.any() and self.layout.design.single_psu == "adjust"
        if self._replicates is not None or adjusts or len(down) == 0:
            return self.covariance(down, [reference])[:, 0]
        t = self.terms
        beside = [self._scaled_deviations(stage, reference) for stage in self.layout.stages]
        by_row = sum(b.take(stage.unit) for b, stage in zip(beside, self.layout.stages, strict=True))
        by_row = by_row * self.layout.weight
        value = np.zeros(len(down))
        if self._credit is not None:
            stepped = sum(form.totals.T @ b for form, b in zip(self._credit.forms, beside, strict=True))
            value -= self._coefficients(down) @ stepped
        for measure, family, where in self._grouped(down):
            m, f = self.measures[measure], self.families[family]
            levels = len(f.levels)
            codes = np.where(f.codes < 0, levels, f.codes) if (f.codes < 0).any() else f.codes
            top = np.bincount(codes, by_row * m.numerator, levels + 1)
            bottom = np.bincount(codes, by_row * m.denominator, levels + 1)
            rows = down[where]
            at = t.level[rows]
            value[where] += t.gain[rows] * (top[at] - t.ratio[rows] * bottom[at]) / t.scale[rows]
        return value * np.sqrt(t.inflation[down] * t.inflation[reference])

    def contrast_variance(self, rows: Places, gradient: Sequence[float] | np.ndarray) -> float:
        """Variance of sum_k gradient_k estimate_k, from the summed influence values (never negative).

        Parameters
        ----------
        rows : sequence of int
        gradient : sequence of float
            Coefficients of a linear contrast, or first derivatives of a smooth function of the estimates.

        Notes
        -----
        Source: Woodruff (1971).
        Verified: tests/test_reference.py cases B2, B4, rtol 1e-9.
        """
        at, g = np.asarray(rows, np.intp), np.asarray(gradient, float)
        if self._replicates is not None:
            return float(np.sum((g @ self._replicates[at]) ** 2))
        g = g * np.sqrt(self.terms.inflation[at])
        if self._credit is not None:
            distinct, back = np.unique(at, return_inverse=True)
            weights = np.bincount(back, g, len(distinct))
            values = self._by_row(distinct).T @ weights
            values -= self._credit.projection.removed @ (weights @ self._coefficients(distinct))
            return quadratic_sum(self.layout, values) if np.isfinite(self.terms.gain[at]).all() else np.nan
        value = 0.0
        for stage in self.layout.stages:
            totals = self._unit_totals(stage, at)
            value += float(quadratic_form(stage, totals @ g, np.zeros(stage.units, bool), "certainty"))
            if stage is self.layout.first and stage.lonely.any() and self.layout.design.single_psu == "adjust":
                value += float(np.sum((self._lonely_distances(totals, at) @ g) ** 2))
        return value

    def relation(self, other: "Sample") -> str:
        """Say what two samples have in common.

        Returns
        -------
        str
            "same": the same respondents and units, so `covariance` takes `other`.
            "overlapping": some respondents are in both (one frame was filtered, say): not independent, and no
            covariance.
            "shared_labels": PSUs of one name occur in both, which may be a panel or chance; the caller must
            know.
            "distinct": nothing in common.
        """
        if other is self:
            return "same"
        a, b = self.layout.design, other.layout.design
        if self._frame is other._frame and (a.stratum, a.psu, a.fpc, a.replicates) == (
            b.stratum,
            b.psu,
            b.fpc,
            b.replicates,
        ):
            return "same"
        if not (a.psu and b.psu) and (self._is_unweighted or other._is_unweighted):
            # Row numbers and equal weights tell nothing apart.
            return "overlapping" if self._frame is other._frame else "distinct"
        if np.array_equal(self._row_marks, other._row_marks):
            return "same"
        if self._frame is other._frame or len(np.intersect1d(self._row_marks, other._row_marks)):
            return "overlapping"
        if a.psu and b.psu and len(np.intersect1d(self._unit_marks, other._unit_marks)):
            return "shared_labels"
        return "distinct"

    @cached_property
    def _is_unweighted(self) -> bool:
        return bool(np.ptp(self.layout.weight) == 0)

    @cached_property
    def _unit_marks(self) -> np.ndarray:
        """Hash of the stratum and PSU (or index label) of each row, in layout order."""
        design = self.layout.design
        columns = [c for c in (design.stratum, *(design.psu or ())[:1]) if c]
        labels = self._frame[columns].copy(deep=False)
        if not design.psu:
            labels["index"] = self._frame.index
        text = labels.astype(str)
        return self.layout.arrange(pd.util.hash_pandas_object(text, index=False).to_numpy())

    @cached_property
    def _row_marks(self) -> np.ndarray:
        weight = pd.util.hash_array(self.layout.weight)
        with np.errstate(over="ignore"):
            return self._unit_marks * np.uint64(1099511628211) ^ weight

    def _checked(self, other: "Sample | None") -> "Sample":
        if other is None or other is self:
            return self
        if self.relation(other) != "same":
            raise EstimationError(
                "sample: the two sets of estimates are not of the same respondents, so their covariance is "
                "not known. "
                "Estimate both in one call, or combine them as independent samples if they are."
            )
        return other

    def _grouped(self, rows: np.ndarray) -> list[tuple[int, int, np.ndarray]]:
        """Group positions by measure and family: (measure, family, places in `rows`)."""
        key = self.terms.measure[rows] * len(self.families) + self.terms.family[rows]
        return [
            (int(k) // len(self.families), int(k) % len(self.families), np.flatnonzero(key == k))
            for k in np.unique(key)
        ]

    def _influence(self, measure: int, family: int, rows: np.ndarray) -> tuple[np.ndarray, ...]:
        """Members of the wanted levels, which of `rows` each belongs to, and their influence values."""
        m, f, t = self.measures[measure], self.families[family], self.terms
        # One place past the last level, for the code -1 of those outside every level.
        place = np.full(len(f.levels) + 1, -1, np.intp)
        place[t.level[rows]] = np.arange(len(rows))
        at = place[f.codes]
        members = np.flatnonzero(at >= 0)
        at = at[members]
        row = rows[at]
        values = self.layout.weight[members] * (m.numerator[members] - t.ratio[row] * m.denominator[members])
        return members, at, values * (t.gain[row] / t.scale[row])

    def _unit_totals(self, stage: Stage, rows: np.ndarray) -> sparse.csc_array:
        """Influence totals, units by rows."""
        distinct, back = np.unique(rows, return_inverse=True)
        units, columns, values = [], [], []
        for measure, family, where in self._grouped(distinct):
            members, at, value = self._influence(measure, family, distinct[where])
            units.append(stage.unit[members])
            columns.append(where[at])
            values.append(value)
        totals = sparse.coo_array(
            (np.concatenate(values), (np.concatenate(units), np.concatenate(columns))),
            shape=(stage.units, len(distinct)),
        ).tocsc()
        return totals if np.array_equal(back, np.arange(len(distinct))) else totals[:, back]

    def _stage_covariance(self, stage: Stage, a: sparse.csc_array, b: sparse.csc_array) -> np.ndarray:
        strata = by_stratum(stage).T
        products = a.T @ (sparse.diags_array(stage.scale[stage.stratum]) @ b)
        means = (strata @ a).T @ (sparse.diags_array(stage.scale / stage.size) @ (strata @ b))
        return np.asarray((products - means).toarray())

    def _scaled_deviations(self, stage: Stage, row: int) -> np.ndarray:
        totals = self._unit_totals(stage, np.array([row])).toarray()[:, 0]
        if self._credit is not None:
            form = self._credit.forms[self.layout.stages.index(stage)]
            totals = totals - form.totals @ self._coefficients(np.array([row]))[0]
        mean = np.bincount(stage.stratum, totals, stage.strata) / stage.size
        return stage.scale[stage.stratum] * (totals - mean[stage.stratum])

    def _lonely_distances(self, totals: sparse.csc_array, rows: np.ndarray) -> np.ndarray:
        """Measure single PSUs from the mean of all, times root weights; zero where none answered."""
        stage = self.layout.first
        alone = np.flatnonzero(stage.lonely[stage.stratum])
        distance = totals.tocsr()[alone].toarray() - np.asarray(totals.sum(axis=0)).reshape(1, -1) / stage.units
        # Steps of weighting give everyone an influence value, so everyone is present.
        for place, row in enumerate(rows if self._credit is None else ()):
            f, m = self.families[self.terms.family[row]], self.measures[self.terms.measure[row]]
            here = (f.codes == self.terms.level[row]) & (m.answered > 0)
            present = np.bincount(stage.unit[here], minlength=stage.units) > 0
            distance[~present[alone], place] = 0.0
        return distance * np.sqrt(stage.remainder[stage.stratum[alone]])[:, None]
