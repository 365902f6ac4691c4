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

from engagement_stats.uncertainty import t_quantile

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
    made = differences(
        np.array([left]),
        np.array([right]),
        np.array([left_standard_error]),
        np.array([right_standard_error]),
        covariance=np.array([covariance]),
        left_degrees_of_freedom=np.array([left_degrees_of_freedom]),
        right_degrees_of_freedom=np.array([right_degrees_of_freedom]),
        degrees_of_freedom=np.array([math.nan if degrees_of_freedom is None else degrees_of_freedom]),
        left_rounding=np.array([left_rounding]),
        right_rounding=np.array([right_rounding]),
        confidence=confidence,
    )
    return Difference(**{name: float(values[0]) for name, values in made.items()})


def differences(
    left: np.ndarray,
    right: np.ndarray,
    left_standard_error: np.ndarray,
    right_standard_error: np.ndarray,
    *,
    covariance: np.ndarray,
    left_degrees_of_freedom: np.ndarray,
    right_degrees_of_freedom: np.ndarray,
    degrees_of_freedom: np.ndarray,
    left_rounding: np.ndarray,
    right_rounding: np.ndarray,
    confidence: float = CONFIDENCE,
) -> dict[str, np.ndarray]:
    """Estimate many differences and ratios at once; `difference` says what each number is.

    Parameters
    ----------
    left, right, left_standard_error, right_standard_error : ndarray, shape (n pairs,)
    covariance, left_degrees_of_freedom, right_degrees_of_freedom : ndarray, shape (n pairs,)
    left_rounding, right_rounding : ndarray, shape (n pairs,)
    degrees_of_freedom : ndarray, shape (n pairs,)
        Of the difference; NaN where Satterthwaite's rule is to give them.
    confidence : float in (0, 1), default 0.95

    Returns
    -------
    dict of str to ndarray, shape (n pairs,)
        The fields of `Difference`.

    Notes
    -----
    Source and verified: as `difference`, which is this function for one pair.
    """
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        gap = left - right
        ratio = np.where(right != 0, left / right, np.nan)
        v1, v2 = left_standard_error**2, right_standard_error**2
        variance = v1 + v2 - 2 * covariance
        known = np.isfinite(variance)
        se = np.sqrt(np.maximum(variance, 0.0))
        pooled = (v1 + v2) ** 2 / (v1**2 / left_degrees_of_freedom + v2**2 / right_degrees_of_freedom)
        df = np.where(np.isnan(degrees_of_freedom), np.where(se > 0, pooled, np.inf), degrees_of_freedom)
        t = t_quantile(df, confidence)
        rounding = left_rounding + right_rounding
        # A gap of exactly the rounding must not seem to exceed it by the last bit of a decimal fraction.
        excess = np.where(np.abs(gap) > rounding * (1 + 1e-9), np.abs(gap) - rounding, 0.0)
        p = np.where(se > 0, _two_sided_p(excess / se, df), np.where(excess == 0, 1.0, 0.0))
        spread = np.sqrt(np.maximum(v1 / left**2 + v2 / right**2 - 2 * covariance / (left * right), 0.0))
        low = np.maximum(left - left_rounding, 0.0) / (right + right_rounding) * np.exp(-t * spread)
        high = (left + left_rounding) / (right - right_rounding) * np.exp(t * spread)
    has_ratio = known & (left > 0) & (right > right_rounding)
    return {
        "difference": gap,
        "standard_error": np.where(known, se, np.nan),
        "ci_lower": np.where(known, gap - t * se - rounding, np.nan),
        "ci_upper": np.where(known, gap + t * se + rounding, np.nan),
        "ratio": ratio,
        "ratio_ci_lower": np.where(has_ratio, low, np.nan),
        "ratio_ci_upper": np.where(has_ratio, high, np.nan),
        "degrees_of_freedom": np.where(known, df, np.nan),
        "p_value": np.where(known, np.minimum(p, 1.0), np.nan),
    }


def _two_sided_p(statistic: np.ndarray, df: np.ndarray) -> np.ndarray:
    finite = np.where(np.isinf(df), 1.0, df)
    return np.where(np.isinf(df), 2 * special.ndtr(-statistic), 2 * special.stdtr(finite, -statistic))


def standard_error_for_test(
    standard_error: np.ndarray,
    ci_lower: np.ndarray,
    ci_upper: np.ndarray,
    degrees_of_freedom: np.ndarray,
    confidence: np.ndarray,
) -> np.ndarray:
    """Give a share of exactly 0 or 1 the doubt its interval has, where its standard error is zero.

    Parameters
    ----------
    standard_error, ci_lower, ci_upper, degrees_of_freedom, confidence : ndarray, shape (n estimates,)
        NaN where not known.

    Returns
    -------
    ndarray, shape (n estimates,)
        The standard error where it is not zero; otherwise the width of the interval over the quantile of its
        confidence, zero where the interval has no width.

    Notes
    -----
    Source: the method of variance estimates recovered, Newcombe (1998), Zou and Donner (2008): a variance for the
    difference is recovered from the limit that faces the other side. At 0 and 1 the interval has one such limit.
    Verified: exact rejection rates under equal shares near 0, tests/test_differences.py.
    """
    df = np.where(np.isnan(degrees_of_freedom), np.inf, degrees_of_freedom)
    quantile = np.full(len(df), np.nan)
    for level in np.unique(confidence[~np.isnan(confidence)]):
        quantile[confidence == level] = t_quantile(df[confidence == level], float(level))
    recovered = (ci_upper - ci_lower) / quantile
    return np.where((standard_error == 0) & np.isfinite(recovered), recovered, standard_error)


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


def benjamini_hochberg(p_values: Sequence[float]) -> np.ndarray:
    """Adjust p-values of one family so that the share of false findings among findings is held.

    For screening many areas, where a list with a known share of false alarms is wanted and not a list without any.

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
    Source: Benjamini and Hochberg (1995); it holds for tests that are independent or positively dependent, as tests
    of areas against a whole that holds them are (Benjamini and Yekutieli 2001).
    Verified: statsmodels `multipletests(method="fdr_bh")`, tests/test_differences.py, rtol 1e-14.

    Examples
    --------
    >>> benjamini_hochberg([0.01, 0.04, 0.03]).round(3).tolist()
    [0.03, 0.04, 0.04]
    """
    p = np.asarray(p_values, dtype="float64")
    tested = np.flatnonzero(~np.isnan(p))
    order = tested[np.argsort(p[tested], kind="stable")]
    # x * n / n may be a little less than x.
    steps = np.maximum(p[order] * len(order) / np.arange(1, len(order) + 1), p[order])
    adjusted = np.full(len(p), np.nan)
    adjusted[order] = np.minimum(np.minimum.accumulate(steps[::-1])[::-1], 1.0) if len(order) else steps
    return adjusted


ADJUSTMENTS = {"holm": holm, "benjamini_hochberg": benjamini_hochberg}
