"""The difference and the ratio of two estimates, and p-values of many tests taken together.

Belongs here: variances of differences, intervals, tests, multiplicity.
Not here: which estimates are set side by side and whether they may be (compare, comparability), sentences (phrase).
Methods: docs/methods.md#comparisons
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special

from engagement_stats.uncertainty import satterthwaite

CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class Difference:
    """Left minus right, and left over right. A bound or p that cannot be given is NaN."""

    difference: float
    standard_error: float
    ci_lower: float
    ci_upper: float
    ratio: float
    ratio_ci_lower: float
    ratio_ci_upper: float
    degrees_of_freedom: float
    p_value: float


def difference(
    left: float,
    right: float,
    left_standard_error: float,
    right_standard_error: float,
    *,
    covariance: float = 0.0,
    left_degrees_of_freedom: float = math.inf,
    right_degrees_of_freedom: float = math.inf,
    degrees_of_freedom: float | None = None,
    left_rounding: float = 0.0,
    right_rounding: float = 0.0,
    confidence: float = CONFIDENCE,
) -> Difference:
    """Estimate a difference and a ratio of two estimates.

    Parameters
    ----------
    left, right : float
        The two estimates, unrounded where they are known unrounded.
    left_standard_error, right_standard_error : float
        Their standard errors; NaN when not known, and then no interval or p is given.
    covariance : float, default 0
        Of the two estimates; 0 for independent samples.
    left_degrees_of_freedom, right_degrees_of_freedom : float
        Combined by Satterthwaite's rule for independent samples.
    degrees_of_freedom : float, optional
        Of the difference, for two estimates of one sample.
    left_rounding, right_rounding : float, default 0
        The most that rounding of a published figure can have moved each side: intervals are widened by what
        that does to their ends, and the test is of a difference beyond both together.
    confidence : float in (0, 1), default 0.95

    Returns
    -------
    Difference

    Notes
    -----
    Source: V1 + V2 - 2 C; Satterthwaite degrees of freedom as Korn and Graubard (1999); the ratio's interval on
    the log scale by the delta method. Rounding is treated as a bound, not as noise.
    Verified: R survey 4.5 reference case L1.indep.diff (rtol 1e-9) and B4.overlap.dstrat, tests/test_differences.py.

    Examples
    --------
    >>> d = difference(0.36, 0.30, 0.006, 0.008)
    >>> round(d.difference, 3), round(d.standard_error, 3)
    (0.06, 0.01)
    """
    gap = left - right
    ratio = left / right if right != 0 else math.nan
    v1, v2 = left_standard_error**2, right_standard_error**2
    variance = v1 + v2 - 2 * covariance
    if not math.isfinite(variance):
        return Difference(gap, math.nan, math.nan, math.nan, ratio, math.nan, math.nan, math.nan, math.nan)
    se = math.sqrt(max(variance, 0.0))
    df = degrees_of_freedom
    if df is None:
        df = satterthwaite([v1, v2], [left_degrees_of_freedom, right_degrees_of_freedom]) if se > 0 else math.inf
    t = _t_quantile(df, confidence)
    rounding = left_rounding + right_rounding
    # A gap of exactly the rounding must not seem to exceed it by the last bit of a decimal fraction.
    excess = abs(gap) - rounding if abs(gap) > rounding * (1 + 1e-9) else 0.0
    p = _two_sided_p(excess / se, df) if se > 0 else (1.0 if excess == 0 else 0.0)
    low, high = math.nan, math.nan
    if left > 0 and right > right_rounding:
        spread = math.sqrt(max(v1 / left**2 + v2 / right**2 - 2 * covariance / (left * right), 0.0))
        low = max(left - left_rounding, 0.0) / (right + right_rounding) * math.exp(-t * spread)
        high = (left + left_rounding) / (right - right_rounding) * math.exp(t * spread)
    return Difference(gap, se, gap - t * se - rounding, gap + t * se + rounding, ratio, low, high, df, min(p, 1.0))


def _t_quantile(df: float, confidence: float) -> float:
    tail = (1 + confidence) / 2
    return float(special.ndtri(tail) if math.isinf(df) else special.stdtrit(df, tail))


def _two_sided_p(statistic: float, df: float) -> float:
    return float(2 * (special.ndtr(-statistic) if math.isinf(df) else special.stdtr(df, -statistic)))


def holm(p_values: Sequence[float]) -> np.ndarray:
    """Adjust p-values of one family by Holm's step-down rule.

    Parameters
    ----------
    p_values : sequence of float, length k
        NaN where nothing was tested; those are left out of the family.

    Returns
    -------
    ndarray, shape (k,)
        Adjusted p-values, at least the raw ones and at most 1; NaN stays.

    Notes
    -----
    Source: Holm (1979).
    Verified: statsmodels `multipletests(method="holm")`, tests/test_differences.py, rtol 1e-14.

    Examples
    --------
    >>> holm([0.01, 0.04, 0.03]).round(2).tolist()
    [0.03, 0.06, 0.06]
    """
    p = np.asarray(p_values, dtype="float64")
    tested = np.flatnonzero(~np.isnan(p))
    order = tested[np.argsort(p[tested], kind="stable")]
    steps = p[order] * np.arange(len(order), 0, -1)
    adjusted = np.full(len(p), np.nan)
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1.0) if len(order) else steps
    return adjusted
