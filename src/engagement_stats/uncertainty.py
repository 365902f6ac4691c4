"""Turn an estimate, its variance and its degrees of freedom into an interval.

Belongs here: confidence intervals, Kish's design effect, and degrees of freedom of combined samples.
Not here: variances themselves (influence, replicate), tests of differences (compare), reliability flags
(disclose).
Methods: docs/methods.md#intervals
"""

from typing import Any

import numpy as np
from scipy import special

from engagement_stats.errors import EstimationError

INTERVALS = ("korn_graubard", "logit", "wilson", "wald")


def check_confidence(confidence: float) -> float:
    """Return a confidence level between 0 and 1, or say that it is not one.

    Raises
    ------
    EstimationError
        It is not a number strictly between 0 and 1.
    """
    if isinstance(confidence, bool) or not isinstance(confidence, (int, float)) or not 0 < confidence < 1:
        raise EstimationError(f"confidence: got {confidence!r}; expected a number between 0 and 1, such as 0.95.")
    return float(confidence)


def t_quantile(degrees_of_freedom: Any, confidence: float) -> np.ndarray:
    """Two-sided critical value of Student's t; NaN below one degree of freedom, the normal's at infinity.

    Parameters
    ----------
    degrees_of_freedom : array_like
    confidence : float in (0, 1)

    Notes
    -----
    Source: Student (1908).
    Verified: R ``qt``, through every interval of tests/test_reference.py, rtol 1e-9.

    Examples
    --------
    >>> float(t_quantile(14, 0.95).round(4))
    2.1448
    """
    df = np.asarray(degrees_of_freedom, float)
    upper = (1 + confidence) / 2
    usable = df > 0
    finite = np.where(usable & np.isfinite(df), df, 1.0)
    values, where = np.unique(finite, return_inverse=True)
    quantiles = special.stdtrit(values, upper)[where].reshape(df.shape)
    return np.where(usable, np.where(np.isinf(df), special.ndtri(upper), quantiles), np.nan)


def wald(estimate: Any, variance: Any, degrees_of_freedom: Any, confidence: float) -> tuple[np.ndarray, np.ndarray]:
    """Interval estimate -+ t sqrt(variance).

    Notes
    -----
    Source: Wolter (2007) ch. 1.
    Verified: R ``confint(svymean(), df = degf())``, tests/test_reference.py cases A1, C mean, rtol 1e-9.

    Examples
    --------
    >>> [float(x.round(3)) for x in wald(10.0, 4.0, 20, 0.95)]
    [5.828, 14.172]
    """
    estimate = np.asarray(estimate, float)
    half = t_quantile(degrees_of_freedom, confidence) * np.sqrt(variance)
    return estimate - half, estimate + half


def korn_graubard(
    proportion: Any,
    variance: Any,
    respondents: Any,
    degrees_of_freedom: Any,
    confidence: float,
    *,
    truncate: bool = True,
) -> tuple[np.ndarray, np.ndarray]:
    """Clopper-Pearson interval on the effective number of respondents.

    The effective size is n_eff = p(1-p)/variance times [t(n-1)/t(df)]^2, at most n when `truncate`. At 0 and at
    100 per cent the variance says nothing, and the size is n.

    Parameters
    ----------
    proportion, variance, respondents, degrees_of_freedom : array_like
        Estimates in 0..1, their variances, respondents in the base, and design degrees of freedom.
    confidence : float in (0, 1)
    truncate : bool, default True
        False gives R's ``svyciprop(method = "beta")``, which lets a design gain exceed n.

    Returns
    -------
    tuple of ndarray
        Lower and upper limits; NaN where there is no degree of freedom and 0 < p < 1.

    Notes
    -----
    Source: Korn and Graubard (1998); Parker et al. (2017, NCHS Series 2 no. 175) for truncation and 0/100 %.
    Verified: R ``svyciprop(method = "beta")``, tests/test_reference.py cases C1 to C8, rtol 1e-9.

    Examples
    --------
    >>> [float(x.round(4)) for x in korn_graubard(0.0, 0.0, 400, 50, 0.95)]
    [0.0, 0.0092]
    """
    p, v, n, df = np.broadcast_arrays(
        *(np.asarray(x, float) for x in (proportion, variance, respondents, degrees_of_freedom))
    )
    boundary = (p <= 0) | (p >= 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        size = p * (1 - p) / v * (t_quantile(n - 1, confidence) / t_quantile(df, confidence)) ** 2
    # A variance of exactly zero (p fixed by the strata) leaves n as the only size known.
    size = np.where(boundary | (np.isinf(size) & (v == 0)), n, size)
    if truncate:
        size = np.minimum(size, n)
    tail = (1 - confidence) / 2
    yes, no = size * p, size * (1 - p)
    usable = np.isfinite(size) & (size > 0)
    yes_safe, no_safe = np.where(usable, yes, 1.0), np.where(usable, no, 1.0)
    lower = np.where(p <= 0, 0.0, special.betaincinv(np.maximum(yes_safe, 1e-300), no_safe + 1, tail))
    upper = np.where(p >= 1, 1.0, special.betaincinv(yes_safe + 1, np.maximum(no_safe, 1e-300), 1 - tail))
    return np.where(usable, lower, np.nan), np.where(usable, upper, np.nan)


def logit(proportion: Any, variance: Any, degrees_of_freedom: Any, confidence: float) -> tuple[np.ndarray, np.ndarray]:
    """Wald interval on the log odds, by the delta method, taken back to proportions.

    Notes
    -----
    Source: Korn and Graubard (1998); R ``svyciprop(method = "xlogit")``.
    Verified: tests/test_reference.py cases C, rtol 1e-9 (1e-6 against "logit", which R iterates).

    Examples
    --------
    >>> [float(x.round(4)) for x in logit(0.1, 0.0004, 30, 0.95)]
    [0.0659, 0.1489]
    """
    p = np.asarray(proportion, float)
    with np.errstate(divide="ignore", invalid="ignore"):
        centre = special.logit(p)
        half = t_quantile(degrees_of_freedom, confidence) * np.sqrt(variance) / (p * (1 - p))
        return special.expit(centre - half), special.expit(centre + half)


def wilson(
    proportion: Any, variance: Any, respondents: Any, degrees_of_freedom: Any, confidence: float
) -> tuple[np.ndarray, np.ndarray]:
    """Score interval on the effective number of respondents, with Student's t once.

    At 0 and at 100 per cent the effective size is n.

    Notes
    -----
    Source: Dean and Pagano (2015); R survey 4.5 ``svyciprop(method = "wilson")``. The adjustment for degrees of
    freedom enters through t only, never again through the effective size.
    Verified: tests/test_reference.py cases C wilson, rtol 1e-9.

    Examples
    --------
    >>> [float(x.round(4)) for x in wilson(0.1, 0.0004, 225, 30, 0.95)]
    [0.0662, 0.1484]
    """
    p, v, n = np.broadcast_arrays(*(np.asarray(x, float) for x in (proportion, variance, respondents)))
    boundary = (p <= 0) | (p >= 1)
    t2 = t_quantile(degrees_of_freedom, confidence) ** 2
    with np.errstate(divide="ignore", invalid="ignore"):
        # t^2/n_eff, the only way the size enters: exact zero variance means an exact proportion.
        share = t2 * np.where(boundary, 1 / n, v / (p * (1 - p)))
    centre = p + share / 2
    half = np.sqrt(share) / 2 * np.sqrt(share + 4 * p * (1 - p))
    return np.maximum((centre - half) / (1 + share), 0.0), np.minimum((centre + half) / (1 + share), 1.0)


def proportion_interval(
    proportion: np.ndarray,
    variance: np.ndarray,
    respondents: np.ndarray,
    degrees_of_freedom: np.ndarray,
    confidence: float,
    method: str,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Interval of a proportion by a named method, inside 0..1, holding the estimate.

    At 0 and at 100 per cent `logit` and `wald` have no width and give way to `korn_graubard`, as the third
    result says.

    Parameters
    ----------
    proportion, variance, respondents, degrees_of_freedom : ndarray, shape (rows,)
    confidence : float in (0, 1)
    method : {"korn_graubard", "logit", "wilson", "wald"}

    Returns
    -------
    tuple of ndarray
        Lower limits, upper limits, and the method each row used.

    Raises
    ------
    EstimationError
        The method is not one of those listed.

    Notes
    -----
    Source: Korn and Graubard (1998); Parker et al. (2017).
    Verified: tests/test_uncertainty.py properties; tests/test_reference.py cases C.
    """
    check_interval(method)
    if method == "korn_graubard":
        lower, upper = korn_graubard(proportion, variance, respondents, degrees_of_freedom, confidence)
    elif method == "wilson":
        lower, upper = wilson(proportion, variance, respondents, degrees_of_freedom, confidence)
    else:
        of = logit if method == "logit" else wald
        lower, upper = of(proportion, variance, degrees_of_freedom, confidence)
    used = np.full(len(proportion), method, dtype=object)
    if method in ("logit", "wald"):
        edge = (proportion <= 0) | (proportion >= 1)
        if edge.any():
            exact = korn_graubard(proportion[edge], 0.0, respondents[edge], degrees_of_freedom[edge], confidence)
            lower[edge], upper[edge] = exact
            used[edge] = "korn_graubard"
    # Limits reach the estimate at most by rounding; a proportion never leaves 0..1.
    lower = np.clip(np.minimum(lower, proportion), 0.0, 1.0)
    upper = np.clip(np.maximum(upper, proportion), 0.0, 1.0)
    return lower, upper, used


def check_interval(method: str) -> None:
    """Say so when an interval is not one of those we offer.

    Raises
    ------
    EstimationError
        The method is not listed in `INTERVALS`.
    """
    if method not in INTERVALS:
        raise EstimationError(f'interval: got "{method}"; expected one of {", ".join(INTERVALS)}.')


def satterthwaite(variances: Any, degrees_of_freedom: Any) -> float:
    """Degrees of freedom of a sum of independent variances.

    Parameters
    ----------
    variances, degrees_of_freedom : array_like, shape (samples,)
        Variance each independent sample adds, and its design degrees of freedom.

    Returns
    -------
    float
        NaN when every variance is zero.

    Notes
    -----
    Source: Satterthwaite (1946); Korn and Graubard (1999) for survey samples.
    Verified: tests/test_reference.py case L1, df 18.83, rtol 1e-9.

    Examples
    --------
    >>> round(satterthwaite([4.0, 4.0], [10, 10]), 6)
    20.0
    """
    v, df = np.asarray(variances, float), np.asarray(degrees_of_freedom, float)
    with np.errstate(divide="ignore", invalid="ignore"):
        return float(v.sum() ** 2 / (v**2 / df).sum())


def kish_design_effect(weights: Any) -> float:
    """Loss of precision from unequal weights alone: n sum(w^2) / sum(w)^2.

    Parameters
    ----------
    weights : array_like
        Zero weights are not counted in n.

    Returns
    -------
    float
        1 or more; NaN without a positive weight.

    Notes
    -----
    Source: Kish (1965, 1992). Right only for variables unrelated to the weights; never a substitute for the
    design's variance.
    Verified: tests/test_reference.py case F13, rtol 1e-9.

    Examples
    --------
    >>> kish_design_effect([1.0, 1.0, 2.0])
    1.125
    """
    w = np.asarray(weights, float)
    w = w[w > 0]
    return float(len(w) * (w @ w) / w.sum() ** 2) if len(w) else float("nan")
