"""Fit logistic and linear regressions whose standard errors come from the design.

Belongs here: statsmodels' weighted GLM with the sandwich variance of the sample design, and adjusted
differences.
Not here: choosing a model, differences between areas without a model (compare, standardise).
Methods: docs/methods.md#regression
"""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from scipy import special

from engagement_stats import uncertainty
from engagement_stats.design import Layout, SampleDesign, lay_out, read_column
from engagement_stats.domains import (
    Counts,
    Where,
    read_families,
    read_numbers,
    read_shares,
    read_where,
    several,
)
from engagement_stats.errors import EstimationError
from engagement_stats.influence import total_covariance


@dataclass(frozen=True, eq=False)
class Regression:
    """A fitted model.

    Attributes
    ----------
    coefficients : DataFrame
        One row a term, "(intercept)" first: term, estimate, standard_error, ci_lower, ci_upper, p_value.
        Logistic models add odds_ratio with limits, and the adjusted difference: how much the population's share
        would change, all else as it is, from the reference level (or by one unit more), with its standard error
        and limits.
    covariance : ndarray, shape (terms, terms)
    degrees_of_freedom : float
        Of the base's design, less the terms beside the intercept.
    base_unweighted : int
        Respondents with every variable.
    """

    coefficients: pd.DataFrame
    covariance: np.ndarray = field(repr=False)
    degrees_of_freedom: float
    base_unweighted: int


def logistic(
    frame: pd.DataFrame,
    variable: str,
    predictors: str | Sequence[str],
    *,
    design: SampleDesign,
    where: Where = None,
    counts: Counts = None,
    confidence: float = 0.95,
) -> Regression:
    """Fit a logistic regression of a yes/no answer.

    Parameters
    ----------
    frame : DataFrame, shape (respondents, any)
    variable : str
        0/1 or boolean, or any column with `counts`.
    predictors : str or list of str
        Numeric columns enter as they are; text, categorical and boolean ones as levels, the first the
        reference.
    design : SampleDesign
        Without replicates.
    where, counts
        As for `estimate.proportion`.
    confidence : float in (0, 1), default 0.95

    Returns
    -------
    Regression

    Raises
    ------
    EstimationError
        Predictors are collinear, a combination of them separates yes from no, or the design does not hold.

    Notes
    -----
    Estimating equations sum w (y - mu) x = 0; influence values A^-1 w (y - mu) x, A the weighted information.
    The adjusted difference's includes both the coefficients' and the population's own variation.
    Source: Binder (1983); Korn and Graubard (1999) ch. 3; Graubard and Korn (1999) for predictive margins.
    Verified: R survey 4.1.1 `svyglm(family = quasibinomial)`, tests/reference/regression.csv, rtol 1e-8;
    adjusted differences against the jackknife, tests/test_estimate_models.py.

    Examples
    --------
    >>> people = pd.DataFrame({"sex": list("ffffmmmm"), "y": [1, 1, 1, 0, 1, 0, 0, 0]})
    >>> fit = logistic(people, "y", "sex", design=SampleDesign())
    >>> fit.coefficients["adjusted_difference"].round(4).tolist()
    [nan, -0.5]
    """
    layout = lay_out(frame, design)
    share = read_shares(frame, variable, counts, layout, read_where(frame, where, layout))
    answer = np.where(share.answered > 0, share.numerator, np.nan)
    return _fit(frame, layout, answer, several(predictors, "predictors"), confidence, logistic=True)


def linear(
    frame: pd.DataFrame,
    variable: str,
    predictors: str | Sequence[str],
    *,
    design: SampleDesign,
    where: Where = None,
    confidence: float = 0.95,
) -> Regression:
    """Fit a linear regression of a number.

    Parameters
    ----------
    frame : DataFrame, shape (respondents, any)
    variable : str
        Numeric.
    predictors, design, where, confidence
        As for `logistic`.

    Returns
    -------
    Regression

    Raises
    ------
    EstimationError
        Predictors are collinear, a variable is not numeric, or the design does not hold.

    Notes
    -----
    Source: Binder (1983); Fuller (1975).
    Verified: R survey 4.5 `svyglm`, tests/test_reference.py case K2, rtol 1e-9.

    Examples
    --------
    >>> people = pd.DataFrame({"age": [20, 30, 40, 50], "hours": [1.0, 2.0, 2.0, 3.0]})
    >>> fit = linear(people, "hours", "age", design=SampleDesign())
    >>> fit.coefficients["estimate"].round(4).tolist()
    [-0.1, 0.06]
    """
    layout = lay_out(frame, design)
    answer = np.where(read_where(frame, where, layout), read_numbers(frame, variable, layout), np.nan)
    return _fit(frame, layout, answer, several(predictors, "predictors"), confidence, logistic=False)


@dataclass(frozen=True, eq=False)
class _Predictors:
    """Columns of the model in layout order, NaN for null; `source` is the predictor of each."""

    terms: list[str]
    values: np.ndarray
    source: list[str]
    is_level: list[bool]


def _read_predictors(frame: pd.DataFrame, names: Sequence[str], layout: Layout) -> _Predictors:
    terms, columns, source, is_level = ["(intercept)"], [np.ones(layout.rows)], [""], [False]
    for name in names:
        column = read_column(frame, name, "predictors")
        if pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column):
            terms.append(name)
            columns.append(read_numbers(frame, name, layout))
            source.append(name)
            is_level.append(False)
            continue
        family = read_families(frame, name, layout)[1]
        for code, level in enumerate(family.levels[1:], start=1):
            terms.append(f"{name}: {level}")
            columns.append(np.where(family.codes < 0, np.nan, family.codes == code))
            source.append(name)
            is_level.append(True)
    return _Predictors(terms, np.column_stack(columns), source, is_level)


def _fit(
    frame: pd.DataFrame,
    layout: Layout,
    answer: np.ndarray,
    names: Sequence[str],
    confidence: float,
    *,
    logistic: bool,
) -> Regression:
    confidence = uncertainty.check_confidence(confidence)
    if layout.design.replicates:
        raise EstimationError("regression: replicate weights are not offered here. Name strata and PSUs.")
    predictors = _read_predictors(frame, names, layout)
    base = np.isfinite(answer) & np.isfinite(predictors.values).all(axis=1)
    x, y, weight = predictors.values[base], answer[base], layout.weight[base]
    if np.linalg.matrix_rank(x) < x.shape[1]:
        raise EstimationError(
            f"regression: the {x.shape[1]} terms are collinear among the {len(y)} respondents with every "
            "variable. "
            f"Leave out or merge predictors."
        )
    beta, mean = _solve(y, x, weight / weight.mean(), logistic=logistic)
    slope = mean * (1 - mean) if logistic else np.ones(len(y))
    information = (x.T * (weight * slope)) @ x
    influence = np.zeros((layout.rows, x.shape[1]))
    influence[base] = np.linalg.solve(information, (x * (weight * (y - mean))[:, None]).T).T
    covariance = total_covariance(layout, influence, base)
    first = layout.first
    active = np.bincount(first.unit, base, first.units) > 0
    strata = np.count_nonzero(np.bincount(first.stratum, active, first.strata))
    df = float(np.count_nonzero(active) - strata - x.shape[1] + 1)
    variance = np.diag(covariance)
    lower, upper = uncertainty.wald(beta, variance, df, confidence)
    with np.errstate(divide="ignore", invalid="ignore"):
        p = 2 * special.stdtr(df, -np.abs(beta / np.sqrt(variance))) if df > 0 else np.full(len(beta), np.nan)
    table: dict[str, Any] = {
        "term": predictors.terms,
        "estimate": beta,
        "standard_error": np.sqrt(variance),
        "ci_lower": lower,
        "ci_upper": upper,
        "p_value": p,
    }
    if logistic:
        table.update(odds_ratio=np.exp(beta), odds_ratio_ci_lower=np.exp(lower), odds_ratio_ci_upper=np.exp(upper))
        table.update(_adjusted_differences(layout, predictors, base, beta, influence, df, confidence))
    return Regression(pd.DataFrame(table), covariance, df, int(np.count_nonzero(base)))


def _solve(y: np.ndarray, x: np.ndarray, weight: np.ndarray, *, logistic: bool) -> tuple[np.ndarray, np.ndarray]:
    """Fit by statsmodels: coefficients and fitted means."""
    # Imported when used: statsmodels takes longer to import than everything else here.
    from statsmodels.genmod import families
    from statsmodels.genmod.generalized_linear_model import GLM
    from statsmodels.tools.sm_exceptions import PerfectSeparationWarning

    model = GLM(y, x, family=families.Binomial() if logistic else families.Gaussian(), var_weights=weight)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", PerfectSeparationWarning)
        try:
            fitted = model.fit(tol=1e-13, maxiter=100)
        except PerfectSeparationWarning:
            fitted = None
    if fitted is None or not fitted.converged or not np.isfinite(fitted.params).all():
        raise EstimationError(
            "regression: the fit has no finite solution; some combination of predictors separates yes from "
            "no. Leave out or "
            "merge levels."
        )
    return np.asarray(fitted.params), np.asarray(fitted.fittedvalues)


def _adjusted_differences(
    layout: Layout,
    predictors: _Predictors,
    base: np.ndarray,
    beta: np.ndarray,
    influence: np.ndarray,
    df: float,
    confidence: float,
) -> dict[str, np.ndarray]:
    """Average change of the fitted share when one term changes and everyone's other answers stay."""
    x, weight = predictors.values[base], layout.weight[base]
    estimate = np.full(len(beta), np.nan)
    values = np.zeros_like(influence)
    for term in range(1, len(beta)):
        without = x.copy()
        if predictors.is_level[term]:
            same = [i for i, name in enumerate(predictors.source) if name == predictors.source[term]]
            without[:, same] = 0.0
        changed = without.copy()
        changed[:, term] += 1.0
        low, high = special.expit(without @ beta), special.expit(changed @ beta)
        share = weight / weight.sum()
        estimate[term] = share @ (high - low)
        gradient = (share * high * (1 - high)) @ changed - (share * low * (1 - low)) @ without
        values[:, term] = influence @ gradient
        values[base, term] += share * (high - low - estimate[term])
    variance = np.diag(total_covariance(layout, values, base)).copy()
    variance[0] = np.nan
    lower, upper = uncertainty.wald(estimate, variance, df, confidence)
    return {
        "adjusted_difference": estimate,
        "adjusted_difference_standard_error": np.sqrt(variance),
        "adjusted_difference_ci_lower": lower,
        "adjusted_difference_ci_upper": upper,
    }
