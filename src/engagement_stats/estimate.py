"""Estimate proportions, means, totals, ratios and quantiles, each with its design-based uncertainty.

Belongs here: the public estimators; one call takes many variables and many families of domains and returns one
frame.
Not here: reading files (ingest), which categories count in a wave (catalogue), verdicts on differences
(compare), small bases (disclose). The algebra is in influence, the frame of results in results.
Methods: docs/methods.md
"""

from collections.abc import Sequence

import pandas as pd

from engagement_stats import uncertainty
from engagement_stats.contrast import Contrast, contrast, covariance, covariance_with
from engagement_stats.design import SampleDesign
from engagement_stats.domains import (
    By,
    Counts,
    Where,
    numeric_measure,
    ratio_measure,
    read_numbers,
    read_shares,
    several,
)
from engagement_stats.errors import EstimationError
from engagement_stats.independence import IndependenceTest, independence
from engagement_stats.quantiles import woodruff
from engagement_stats.regression import Regression, linear, logistic
from engagement_stats.results import COLUMNS, Call
from engagement_stats.standardise import standardise

__all__ = [
    "COLUMNS",
    "Contrast",
    "IndependenceTest",
    "Regression",
    "contrast",
    "covariance",
    "covariance_with",
    "independence",
    "linear",
    "logistic",
    "mean",
    "proportion",
    "quantile",
    "ratio",
    "standardise",
    "total",
]


def proportion(
    frame: pd.DataFrame,
    variables: str | Sequence[str],
    *,
    design: SampleDesign,
    by: By = None,
    where: Where = None,
    counts: Counts = None,
    confidence: float = 0.95,
    interval: str = "korn_graubard",
    degrees_of_freedom: str | float = "domain",
) -> pd.DataFrame:
    """Estimate the weighted share of a population whose answer counts as yes.

    Parameters
    ----------
    frame : DataFrame, shape (respondents, any)
        One row a sampled respondent, also those who did not answer. Not modified.
    variables : str or list of str
        0/1 or boolean columns, or any column with `counts`. Null: did not answer.
    design : SampleDesign
    by : str or list of str, optional
        Families of domains: columns, or "a*b" for a crossing. The whole population, domain "all", always comes
        first. A null level is left out of its family.
    where : Series or array of bool, or the name of a boolean column, optional
        Restrict every base to these respondents. A domain: rows stay in the design.
    counts : list, or dict of variable to list, optional
        Categories that count as yes; all others but null count as no.
    interval : {"korn_graubard", "logit", "wilson", "wald"}, default "korn_graubard"
    confidence : float in (0, 1), default 0.95
    degrees_of_freedom : {"domain", "design"} or float, default "domain"
        "domain": PSUs with someone in the base less strata with one. "design": the same of the whole sample.

    Returns
    -------
    DataFrame, shape (variables x levels, columns of `estimates`)
        Estimates and limits are proportions from 0 to 1. Bases are respondents with a positive weight who
        answered (unweighted) and the sum of their weights; `base_missing` are those in the domain who did not.
        An empty base has estimate NaN and base 0; one PSU in all, or single PSUs only, has an estimate and no
        standard error. ``attrs["sample"]`` keeps what `covariance` and `contrast` need.

    Raises
    ------
    EstimationError
        The design does not hold (a single PSU, a bad weight), a column does not exist, or a variable has values
        other than 0/1 and no `counts`.

    Notes
    -----
    Source: Binder (1983) linearisation; Korn and Graubard (1998), Parker et al. (2017) interval;
    docs/methods.md#proportions.
    Verified: R survey 4.5 `svymean`, `svyby`, `svyciprop`, tests/test_reference.py cases A3, C, J, rtol 1e-9.

    Examples
    --------
    >>> people = pd.DataFrame({"w": [1, 2, 1, 2], "area": list("aabb"), "y": [1, 0, 1, 1], "x": [3, 5, 2, 6]})
    >>> proportion(people, "y", design=SampleDesign(weight="w"), by="area")["estimate"].round(4).tolist()
    [0.6667, 0.3333, 1.0]
    """
    uncertainty.check_interval(interval)
    call = Call(frame, design, by, where, confidence, degrees_of_freedom)
    measures = [read_shares(frame, v, counts, call.layout, call.eligible) for v in several(variables, "variables")]
    return call.results(measures, "proportion", interval)


def mean(
    frame: pd.DataFrame,
    variables: str | Sequence[str],
    *,
    design: SampleDesign,
    by: By = None,
    where: Where = None,
    confidence: float = 0.95,
    degrees_of_freedom: str | float = "domain",
) -> pd.DataFrame:
    """Estimate the weighted mean of numeric variables.

    Parameters
    ----------
    frame : DataFrame, shape (respondents, any)
        One row a sampled respondent, also those who did not answer. Not modified.
    variables : str or list of str
        Numeric columns. Null: did not answer.
    design : SampleDesign
    by : str or list of str, optional
        Families of domains: columns, or "a*b" for a crossing. The whole population, domain "all", always comes
        first. A null level is left out of its family.
    where : Series or array of bool, or the name of a boolean column, optional
        Restrict every base to these respondents. A domain: rows stay in the design.
    confidence : float in (0, 1), default 0.95
    degrees_of_freedom : {"domain", "design"} or float, default "domain"
        "domain": PSUs with someone in the base less strata with one. "design": the same of the whole sample.

    Returns
    -------
    DataFrame, shape (variables x levels, columns of `estimates`)
        Estimates are in the variable's units, with Wald intervals on Student's t. Bases are respondents with a
        positive weight who answered (unweighted) and the sum of their weights; `base_missing` are those in the
        domain who did not. An empty base has estimate NaN and base 0; one PSU in all, or single PSUs only, has
        an estimate and no standard error. ``attrs["sample"]`` keeps what `covariance` and `contrast` need.

    Raises
    ------
    EstimationError
        The design does not hold, a column does not exist, or it is not numeric.

    Notes
    -----
    Source: Binder (1983); docs/methods.md#means-totals-and-ratios.
    Verified: R survey 4.5 `svymean`, `svyby`, tests/test_reference.py cases A1, B, G, H, rtol 1e-9.

    Examples
    --------
    >>> people = pd.DataFrame({"w": [1, 2, 1, 2], "area": list("aabb"), "y": [1, 0, 1, 1], "x": [3, 5, 2, 6]})
    >>> mean(people, "x", design=SampleDesign(weight="w"))["estimate"].tolist()
    [4.5]
    """
    return _numeric(frame, variables, "mean", Call(frame, design, by, where, confidence, degrees_of_freedom))


def total(
    frame: pd.DataFrame,
    variables: str | Sequence[str],
    *,
    design: SampleDesign,
    by: By = None,
    where: Where = None,
    confidence: float = 0.95,
    degrees_of_freedom: str | float = "domain",
) -> pd.DataFrame:
    """Estimate the weighted total of numeric variables over those who answered.

    Parameters
    ----------
    frame : DataFrame, shape (respondents, any)
        One row a sampled respondent, also those who did not answer. Not modified.
    variables : str or list of str
        Numeric columns. Null: did not answer, and adds nothing to the total.
    design : SampleDesign
    by : str or list of str, optional
        Families of domains: columns, or "a*b" for a crossing. The whole population, domain "all", always comes
        first. A null level is left out of its family.
    where : Series or array of bool, or the name of a boolean column, optional
        Restrict every base to these respondents. A domain: rows stay in the design.
    confidence : float in (0, 1), default 0.95
    degrees_of_freedom : {"domain", "design"} or float, default "domain"
        "domain": PSUs with someone in the base less strata with one. "design": the same of the whole sample.

    Returns
    -------
    DataFrame, shape (variables x levels, columns of `estimates`)
        Estimates are in the variable's units times the weight's, with Wald intervals on Student's t. Bases are
        respondents with a positive weight who answered (unweighted) and the sum of their weights;
        `base_missing` are those in the domain who did not. An empty base has estimate NaN and base 0; one PSU
        in all, or single PSUs only, has an estimate and no standard error. ``attrs["sample"]`` keeps what
        `covariance` and `contrast` need.

    Raises
    ------
    EstimationError
        The design does not hold, a column does not exist, or it is not numeric.

    Notes
    -----
    Source: Sarndal, Swensson and Wretman (1992) ch. 5; docs/methods.md#means-totals-and-ratios.
    Verified: R survey 4.5 `svytotal`, tests/test_reference.py cases A2, G, H, rtol 1e-9.

    Examples
    --------
    >>> people = pd.DataFrame({"w": [1, 2, 1, 2], "area": list("aabb"), "y": [1, 0, 1, 1], "x": [3, 5, 2, 6]})
    >>> total(people, "x", design=SampleDesign(weight="w"))["estimate"].tolist()
    [27.0]
    """
    return _numeric(frame, variables, "total", Call(frame, design, by, where, confidence, degrees_of_freedom))


def ratio(
    frame: pd.DataFrame,
    pairs: Sequence[tuple[str, str]],
    *,
    design: SampleDesign,
    by: By = None,
    where: Where = None,
    confidence: float = 0.95,
    degrees_of_freedom: str | float = "domain",
) -> pd.DataFrame:
    """Estimate ratios of the totals of two numeric variables.

    Parameters
    ----------
    frame : DataFrame, shape (respondents, any)
        One row a sampled respondent, also those who did not answer. Not modified.
    pairs : list of (str, str)
        Numerator and denominator columns. A respondent without both is not in the base. Where the denominator sums
        to zero the estimate is NaN.
    design : SampleDesign
    by : str or list of str, optional
        Families of domains: columns, or "a*b" for a crossing. The whole population, domain "all", always comes
        first. A null level is left out of its family.
    where : Series or array of bool, or the name of a boolean column, optional
        Restrict every base to these respondents. A domain: rows stay in the design.
    confidence : float in (0, 1), default 0.95
    degrees_of_freedom : {"domain", "design"} or float, default "domain"
        "domain": PSUs with someone in the base less strata with one. "design": the same of the whole sample.

    Returns
    -------
    DataFrame, shape (variables x levels, columns of `estimates`)
        Estimates are in numerator units per denominator unit; the indicator reads "numerator / denominator".
        Bases are respondents with a positive weight who answered (unweighted) and the sum of their weights;
        `base_missing` are those in the domain who did not. An empty base has estimate NaN and base 0; one PSU
        in all, or single PSUs only, has an estimate and no standard error. ``attrs["sample"]`` keeps what
        `covariance` and `contrast` need.

    Raises
    ------
    EstimationError
        The design does not hold, a column does not exist, is not numeric, or `pairs` does not hold pairs.

    Notes
    -----
    Source: Woodruff (1971); docs/methods.md#means-totals-and-ratios.
    Verified: R survey 4.5 `svyratio`, tests/test_reference.py cases A4, I5, rtol 1e-9.

    Examples
    --------
    >>> people = pd.DataFrame({"w": [1, 2, 1, 2], "area": list("aabb"), "y": [1, 0, 1, 1], "x": [3, 5, 2, 6]})
    >>> ratio(people, [("y", "x")], design=SampleDesign(weight="w"))["estimate"].round(4).tolist()
    [0.1481]
    """
    if isinstance(pairs, str) or not all(not isinstance(p, str) and len(p) == 2 for p in pairs):
        raise EstimationError('pairs: expected a list of (numerator, denominator), such as [("hours", "people")].')
    call = Call(frame, design, by, where, confidence, degrees_of_freedom)
    read = {v: read_numbers(frame, v, call.layout) for v in dict.fromkeys(v for pair in pairs for v in pair)}
    measures = [ratio_measure(f"{top} / {bottom}", read[top], read[bottom], call.eligible) for top, bottom in pairs]
    return call.results(measures, "ratio", "wald")


def quantile(
    frame: pd.DataFrame,
    variables: str | Sequence[str],
    quantiles: float | Sequence[float],
    *,
    design: SampleDesign,
    by: By = None,
    where: Where = None,
    confidence: float = 0.95,
    interval: str = "wald",
    degrees_of_freedom: str | float = "domain",
) -> pd.DataFrame:
    """Estimate weighted quantiles with Woodruff intervals.

    The quantile is the smallest value at which the weighted distribution function reaches q; the interval
    inverts, by the same rule, an interval for the share of the population at or below it.

    Parameters
    ----------
    frame : DataFrame, shape (respondents, any)
        One row a sampled respondent, also those who did not answer. Not modified.
    variables : str or list of str
        Numeric columns. Null: did not answer.
    quantiles : float or list of float in (0, 1)
    design : SampleDesign
    by : str or list of str, optional
        Families of domains: columns, or "a*b" for a crossing. The whole population, domain "all", always comes
        first. A null level is left out of its family.
    where : Series or array of bool, or the name of a boolean column, optional
        Restrict every base to these respondents. A domain: rows stay in the design.
    interval : {"wald", "korn_graubard", "logit", "wilson"}, default "wald"
        Interval of the share; `interval_method` reads "woodruff_wald" and so on.
    confidence : float in (0, 1), default 0.95
    degrees_of_freedom : {"domain", "design"} or float, default "domain"
        "domain": PSUs with someone in the base less strata with one. "design": the same of the whole sample.

    Returns
    -------
    DataFrame, shape (variables x levels, columns of `estimates`)
        Estimates are in the variable's units, one row for each variable, level and quantile; `quantile` holds
        q. Bases are respondents with a positive weight who answered (unweighted) and the sum of their weights;
        `base_missing` are those in the domain who did not. An empty base has estimate NaN and base 0; one PSU
        in all, or single PSUs only, has an estimate and no standard error. ``attrs["sample"]`` keeps what
        `covariance` and `contrast` need.

    Raises
    ------
    EstimationError
        The design does not hold, a column does not exist or is not numeric, or a quantile is not between 0 and
        1.

    Notes
    -----
    The standard error is the interval's width over 2t. Source: Woodruff (1952); docs/methods.md#quantiles.
    Verified: R survey 4.5 `svyquantile(qrule = "math")`, tests/test_reference.py cases D, rtol 1e-9.

    Examples
    --------
    >>> people = pd.DataFrame({"w": [1, 2, 1, 2], "area": list("aabb"), "y": [1, 0, 1, 1], "x": [3, 5, 2, 6]})
    >>> quantile(people, "x", 0.5, design=SampleDesign(weight="w"))["estimate"].tolist()
    [5.0]
    """
    uncertainty.check_interval(interval)
    wanted = [quantiles] if isinstance(quantiles, (int, float)) else list(quantiles)
    for q in wanted:
        if isinstance(q, bool) or not isinstance(q, (int, float)) or not 0 < q < 1:
            raise EstimationError(f"quantiles: got {q!r}; expected numbers between 0 and 1.")
    call = Call(frame, design, by, where, confidence, degrees_of_freedom)
    return woodruff(call, frame, several(variables, "variables"), [float(q) for q in wanted], interval)


def _numeric(frame: pd.DataFrame, variables: str | Sequence[str], statistic: str, call: Call) -> pd.DataFrame:
    measures = [
        numeric_measure(v, read_numbers(frame, v, call.layout), call.eligible, is_total=statistic == "total")
        for v in several(variables, "variables")
    ]
    return call.results(measures, statistic, "wald")
