"""Standardise estimates to one composition, so that areas of different ages are compared like for like.

Belongs here: direct standardisation of proportions and means.
Not here: where the standard composition comes from (catalogue), weighting to margins (weight), model-based
adjustment (regression).
Methods: docs/methods.md#direct-standardisation
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from engagement_stats import uncertainty
from engagement_stats.design import SampleDesign
from engagement_stats.domains import (
    By,
    Counts,
    Where,
    numeric_measure,
    read_families,
    read_numbers,
    read_shares,
    several,
)
from engagement_stats.errors import EstimationError, listed
from engagement_stats.influence import Family
from engagement_stats.results import Call

COLUMNS = (
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
    "degrees_of_freedom",
    "crude_estimate",
    "smallest_class_base",
    "unit",
)


def standardise(
    frame: pd.DataFrame,
    variables: str | Sequence[str],
    *,
    over: str,
    population: Mapping[str, float],
    design: SampleDesign,
    by: By = None,
    where: Where = None,
    counts: Counts = None,
    statistic: str = "proportion",
    confidence: float = 0.95,
) -> pd.DataFrame:
    """Estimate proportions or means as they would be if every domain had the standard's composition.

    Parameters
    ----------
    frame : DataFrame, shape (respondents, any)
    variables : str or list of str
        As for `estimate.proportion` or `estimate.mean`.
    over : str
        Column of classes to standardise over, such as age group. Respondents null in it are left out.
    population : mapping of level to number
        The standard: people (or shares) in every class of `over`. Levels as text; all classes of the data.
    design : SampleDesign
    by, where, counts
        As for `estimate.proportion`.
    statistic : {"proportion", "mean"}, default "proportion"
    confidence : float in (0, 1), default 0.95

    Returns
    -------
    DataFrame, shape (variables x levels, standardise.COLUMNS)
        `estimate` is NaN where a class of a level has nobody who answered (`smallest_class_base` 0): there is
        nothing to give the standard's share to. `crude_estimate` is the estimate as it is.

    Raises
    ------
    EstimationError
        A class has no population, a population is negative, or the design does not hold.

    Notes
    -----
    The estimate is sum_a share_a ybar_a; its influence value is the same sum of the classes'. Shares are taken
    as known. Limits are Wald's, kept inside 0..1 for proportions.
    Source: Korn and Graubard (1999) ch. 3; R survey ``svystandardize``.
    Verified: R survey 4.1.1 `svystandardize` with `svyby`, tests/reference/standardise.csv, rtol 1e-9.

    Examples
    --------
    >>> people = pd.DataFrame({"age": list("yyoo"), "y": [1, 0, 1, 1]})
    >>> result = standardise(people, "y", over="age", population={"y": 1, "o": 3}, design=SampleDesign())
    >>> result["estimate"].tolist()
    [0.875]
    """
    if statistic not in ("proportion", "mean"):
        raise EstimationError(f'statistic: got "{statistic}"; expected proportion or mean.')
    call = Call(frame, design, by, where, confidence, "domain")
    classes = read_families(frame, over, call.layout)[1]
    shares = _shares(classes, population)
    crossed = [_crossed(family, classes) for family in call.families]
    call = call.over(call.families, call.eligible & (classes.codes >= 0))
    names = several(variables, "variables")
    if statistic == "proportion":
        measures = [read_shares(frame, v, counts, call.layout, call.eligible) for v in names]
    else:
        measures = [
            numeric_measure(v, read_numbers(frame, v, call.layout), call.eligible, is_total=False) for v in names
        ]
    crude = call.results(measures, statistic, "wald")
    cells = call.over(crossed).results(measures, statistic, "wald")
    values = cells["estimate"].to_numpy().reshape(-1, len(shares))
    bases = cells["base_unweighted"].to_numpy().reshape(-1, len(shares))
    estimate = np.where((bases > 0).all(axis=1), np.nan_to_num(values) @ shares, np.nan)
    sample = cells.attrs["sample"]
    places = np.arange(len(cells)).reshape(-1, len(shares))
    variance = np.array(
        [
            sample.contrast_variance(rows, shares) if np.isfinite(value) else np.nan
            for rows, value in zip(places, estimate, strict=True)
        ]
    )
    df = crude["degrees_of_freedom"].to_numpy()
    lower, upper = uncertainty.wald(estimate, variance, df, confidence)
    if statistic == "proportion":
        lower, upper = np.maximum(lower, 0.0), np.minimum(upper, 1.0)
    result = crude[["indicator", "domain", "level"]].assign(
        estimate=estimate,
        standard_error=np.sqrt(variance),
        ci_lower=lower,
        ci_upper=upper,
        confidence=confidence,
        interval_method="wald",
        base_unweighted=crude["base_unweighted"],
        degrees_of_freedom=df,
        crude_estimate=crude["estimate"],
        smallest_class_base=bases.min(axis=1),
        unit=statistic,
    )
    result.attrs.clear()
    return result[list(COLUMNS)]


def _shares(classes: Family, population: Mapping[str, float]) -> np.ndarray:
    known = {str(level): float(people) for level, people in population.items()}
    absent = [level for level in classes.levels if level not in known]
    if absent:
        raise EstimationError(
            f'population: no figure for {listed(absent)} of "{classes.name}". Give one for every class of the data.'
        )
    unused = [level for level in known if level not in classes.levels and known[level] != 0]
    if unused:
        raise EstimationError(
            f'population: nobody in the data is in {listed(unused)} of "{classes.name}". Merge classes so '
            "that each has "
            f"respondents."
        )
    people = np.array([known[level] for level in classes.levels])
    if not np.isfinite(people).all() or (people < 0).any() or people.sum() <= 0:
        raise EstimationError("population: expected numbers of zero or more, not all zero.")
    return people / people.sum()


def _crossed(family: Family, classes: Family) -> Family:
    """Cross every level with every class, also where nobody is."""
    width = len(classes.levels)
    inside = (family.codes >= 0) & (classes.codes >= 0)
    codes = np.where(inside, family.codes * width + classes.codes, -1)
    levels = tuple(f"{level} | {name}" for level in family.levels for name in classes.levels)
    return Family(family.name, codes, levels)
