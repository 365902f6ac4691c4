"""Gather the estimates of one call into a frame with the columns of `estimates`.

Belongs here: what one call shares between its variables, design effects, effective bases, and the result's
columns.
Not here: the sums (influence), the public estimators and their options (estimate).
Methods: docs/methods.md#what-a-row-holds
"""

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from engagement_stats import replicate, uncertainty
from engagement_stats.credit import Credit
from engagement_stats.design import SampleDesign, lay_out
from engagement_stats.domains import By, Where, read_families, read_where
from engagement_stats.errors import EstimationError
from engagement_stats.influence import Family, Measure, Sums, tabulate
from engagement_stats.sample import Sample, Terms

COLUMNS = (
    "release_id",
    "survey",
    "wave",
    "indicator",
    "domain",
    "level",
    "estimate",
    "standard_error",
    "ci_lower",
    "ci_upper",
    "confidence",
    "interval_method",
    "base_unweighted",
    "base_weighted",
    "effective_base",
    "degrees_of_freedom",
    "design_effect",
    "variance_basis",
    "unit",
    "quality",
    "symbol",
    "is_suppressed",
    "weight",
    "source",
    "run_id",
    "statistic",
    "base_missing",
    "numerator_unweighted",
    "single_psu_policy",
    "single_psu_strata",
    "quantile",
)

Limits = tuple[np.ndarray, np.ndarray, np.ndarray]


@dataclass(frozen=True, eq=False)
class Rows:
    """Results by measure and level, each of shape (measures, levels), before they are named."""

    estimate: np.ndarray
    variance: np.ndarray
    respondents: np.ndarray
    missing: np.ndarray
    yes: np.ndarray
    weight: np.ndarray
    degrees_of_freedom: np.ndarray
    design_effect: np.ndarray
    effective_base: np.ndarray


class Call:
    """What one call shares between its variables: the laid-out sample, its domains and the settings.

    Parameters
    ----------
    frame : DataFrame, shape (respondents, any)
    design : SampleDesign
    by, where
        Families of domains and who may be in a base; see `estimate.proportion`.
    confidence : float in (0, 1)
    degrees_of_freedom : {"domain", "design"} or float
    """

    def __init__(
        self,
        frame: pd.DataFrame,
        design: SampleDesign,
        by: By,
        where: Where,
        confidence: float,
        degrees_of_freedom: str | float,
    ) -> None:
        self.source = frame
        self.confidence = uncertainty.check_confidence(confidence)
        self._degrees_of_freedom = _checked_degrees_of_freedom(degrees_of_freedom)
        self.layout = lay_out(frame, design)
        projection = self.layout.projection
        self._credit = None if projection is None else Credit(self.layout, projection)
        self.families = read_families(frame, by, self.layout)
        self.eligible = read_where(frame, where, self.layout)

    def over(self, families: Sequence[Family], eligible: np.ndarray | None = None) -> "Call":
        """Return the same call over other families of domains, and perhaps fewer respondents."""
        other = copy(self)
        other.families = list(families)
        other.eligible = self.eligible if eligible is None else eligible
        return other

    def tabulate(self, families: Sequence[Family], measures: Sequence[Measure]) -> tuple[Sums, np.ndarray | None]:
        """Sum measures by level; also replicate deviations when the design has replicates."""
        sums = tabulate(self.layout, families, measures)
        if self._credit is not None:
            sums = replace(sums, variance=self._credit.variances(families, measures, sums))
        if self.layout.design.replicates is None:
            return sums, None
        away = replicate.design_deviations(self.layout, families, measures, _in_shift(sums, measures))
        variance = np.where(sums.respondents > 0, np.sum(away**2, axis=2), np.nan)
        return replace(sums, variance=variance), away

    def rows(self, families: Sequence[Family], measures: Sequence[Measure], sums: Sums, statistic: str) -> Rows:
        """Work out what a row says besides its interval."""
        n, variance = sums.respondents, sums.variance
        shift = np.array([m.shift for m in measures])[:, None]
        estimate = _in_shift(sums, measures) + shift
        if statistic == "proportion":
            estimate = np.clip(estimate, 0.0, 1.0)
        estimate[n == 0] = np.nan
        if self._degrees_of_freedom == "domain" and self.layout.design.replicates is None:
            df = sums.units - sums.strata
        else:
            named = isinstance(self._degrees_of_freedom, str)
            df = np.full(n.shape, self.layout.degrees_of_freedom if named else self._degrees_of_freedom)
        with np.errstate(divide="ignore", invalid="ignore"):
            simple = sums.element_variance / n
            if statistic == "total":
                simple = simple * sums.weight**2
            elif statistic == "ratio":
                simple = simple * (sums.weight / sums.denominator) ** 2
            effect = variance / simple
        self._kish_where_constant(families, measures, effect, variance)
        with np.errstate(divide="ignore", invalid="ignore"):
            effective = n / effect
        eligible = [
            np.bincount(f.codes + 1, self.eligible, len(f.levels) + 1)[1:]
            if len(f.levels) > 1 or (f.codes < 0).any()
            else np.array([float(np.count_nonzero(self.eligible))])
            for f in families
        ]
        missing = np.concatenate(eligible) - n
        return Rows(estimate, variance, n, missing, sums.numerator_respondents, sums.weight, df, effect, effective)

    def _kish_where_constant(
        self,
        families: Sequence[Family],
        measures: Sequence[Measure],
        effect: np.ndarray,
        variance: np.ndarray,
    ) -> None:
        """Put Kish's design effect where everyone said the same, which tells nothing of clustering."""
        constant = (variance == 0) | (np.isfinite(variance) & ~np.isfinite(effect))
        offsets = np.cumsum([0, *(len(f.levels) for f in families)])
        for k in map(int, np.flatnonzero(constant.any(axis=1))):
            weight = self.layout.weight * measures[k].answered
            for family, start, stop in zip(families, offsets[:-1], offsets[1:], strict=True):
                here = constant[k, start:stop]
                if not here.any():
                    continue
                codes, size = family.codes + 1, len(family.levels) + 1
                n = np.bincount(codes, measures[k].answered, size)[1:]
                squares = np.bincount(codes, weight * weight, size)[1:]
                sums = np.bincount(codes, weight, size)[1:]
                with np.errstate(divide="ignore", invalid="ignore"):
                    effect[k, start:stop][here] = (n * squares / sums**2)[here]

    def results(self, measures: Sequence[Measure], statistic: str, interval: str) -> pd.DataFrame:
        """Estimate measures in every family, and name the rows."""
        sums, away = self.tabulate(self.families, measures)
        rows = self.rows(self.families, measures, sums, statistic)
        if statistic == "proportion":
            limits = self.share_limits(rows, interval)
        else:
            estimate, variance, df = (x.ravel() for x in (rows.estimate, rows.variance, rows.degrees_of_freedom))
            lower, upper = uncertainty.wald(estimate, variance, df, self.confidence)
            limits = lower, upper, np.full(len(lower), "wald", dtype=object)
        sizes = [len(f.levels) for f in self.families]
        indicator = np.repeat(np.array([m.name for m in measures], object), sum(sizes))
        domain = np.tile(np.repeat(np.array([f.name for f in self.families], object), sizes), len(measures))
        level = np.tile(np.array([name for f in self.families for name in f.levels], object), len(measures))
        terms = self.terms(measures, sums, np.arange(len(measures)), np.arange(len(self.families)))
        return self.frame((indicator, domain, level, None), rows, limits, statistic, measures, terms, away)

    def share_limits(self, rows: Rows, interval: str) -> Limits:
        """Limits of proportions, and the method each used."""
        return uncertainty.proportion_interval(
            rows.estimate.ravel(),
            rows.variance.ravel(),
            rows.respondents.ravel(),
            rows.degrees_of_freedom.ravel(),
            self.confidence,
            interval,
        )

    def terms(
        self,
        measures: Sequence[Measure],
        sums: Sums,
        measure: np.ndarray,
        family: np.ndarray,
        gain: float = 1.0,
    ) -> Terms:
        """Say what the influence value of each row is made of, rows in the order measure, family, level.

        `measure` and `family` are the places of `measures`, and of the families summed over, in the sample's
        lists.
        """
        sizes = [len(self.families[f].levels) for f in family]
        rows = len(measure) * sum(sizes)
        is_total = np.repeat([m.is_total for m in measures], sum(sizes))
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = np.where(is_total, 0.0, sums.ratio.ravel())
        return Terms(
            measure=np.repeat(measure, sum(sizes)),
            family=np.tile(np.repeat(family, sizes), len(measure)),
            level=np.tile(np.concatenate([np.arange(s) for s in sizes]), len(measure)),
            ratio=ratio,
            scale=np.where(is_total, 1.0, sums.denominator.ravel()),
            gain=np.where(np.isfinite(sums.variance.ravel()), gain, np.nan) * np.ones(rows),
            inflation=sums.inflation.ravel(),
            value=_in_shift(sums, measures).ravel(),
        )

    def frame(
        self,
        names: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray | None],
        rows: Rows,
        limits: Limits,
        statistic: str,
        measures: Sequence[Measure],
        terms: Terms,
        away: np.ndarray | None,
    ) -> pd.DataFrame:
        """Name the rows and attach the sample."""
        indicator, domain, level, quantile = names
        design = self.layout.design
        count = len(indicator)
        data: dict[str, Any] = dict.fromkeys(COLUMNS)
        data.update(
            indicator=indicator,
            domain=domain,
            level=level,
            estimate=rows.estimate.ravel(),
            standard_error=np.sqrt(rows.variance.ravel()),
            ci_lower=limits[0],
            ci_upper=limits[1],
            confidence=self.confidence,
            interval_method=limits[2],
            base_unweighted=rows.respondents.ravel().astype(np.int64),
            base_weighted=rows.weight.ravel(),
            effective_base=rows.effective_base.ravel(),
            degrees_of_freedom=rows.degrees_of_freedom.ravel(),
            design_effect=rows.design_effect.ravel(),
            variance_basis=design.variance_basis,
            unit=statistic,
            quality="ok",
            is_suppressed=False,
            weight=design.weight_name,
            statistic=statistic,
            base_missing=rows.missing.ravel().astype(np.int64),
            numerator_unweighted=pd.array(
                rows.yes.ravel() if statistic == "proportion" else np.full(count, np.nan), dtype="Int64"
            ),
            single_psu_policy=design.single_psu,
            single_psu_strata=self.layout.single_psu_strata,
            quantile=np.full(count, np.nan) if quantile is None else quantile,
        )
        frame = pd.DataFrame(data, index=pd.RangeIndex(count), columns=list(COLUMNS))
        keys = list(zip(indicator, domain, level, [None] * count if quantile is None else quantile, strict=True))
        deviations = None if away is None else away.reshape(count, -1)
        frame.attrs["sample"] = Sample(
            self.source, self.layout, self.families, measures, terms, keys, deviations, self._credit
        )
        return frame


def _in_shift(sums: Sums, measures: Sequence[Measure]) -> np.ndarray:
    """Totals of totals, ratios of the rest, numerators still less their shift."""
    return np.where(np.array([m.is_total for m in measures])[:, None], sums.numerator, sums.ratio)


def _checked_degrees_of_freedom(value: str | float) -> str | float:
    if value in ("domain", "design"):
        return value
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not value > 0:
        raise EstimationError(f'degrees_of_freedom: got {value!r}; expected "domain", "design" or a positive number.')
    return float(value)
