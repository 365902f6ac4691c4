"""Test whether two categorical variables are independent in the population.

Belongs here: Rao-Scott corrections of Pearson's test, and Wald tests of a two-way table.
Not here: tests of a difference between two estimates (compare).
Methods: docs/methods.md#test-of-independence
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import special

from engagement_stats.design import SampleDesign
from engagement_stats.domains import Where, read_families
from engagement_stats.errors import EstimationError
from engagement_stats.influence import Family, Measure
from engagement_stats.results import Call

STATISTICS = ("F", "chi_squared", "wald", "adjusted_wald")


@dataclass(frozen=True)
class IndependenceTest:
    """A test of independence: its statistic, degrees of freedom and p-value.

    `denominator_degrees_of_freedom` is infinite for a statistic referred to chi-squared.
    """

    method: str
    statistic: float
    degrees_of_freedom: float
    denominator_degrees_of_freedom: float
    p_value: float
    base_unweighted: int


def independence(
    frame: pd.DataFrame,
    row: str,
    column: str,
    *,
    design: SampleDesign,
    where: Where = None,
    statistic: str = "F",
) -> IndependenceTest:
    """Test whether two categorical variables are independent, counting the design.

    Parameters
    ----------
    frame : DataFrame, shape (respondents, any)
    row, column : str
        Columns of categories. Respondents null in either are not in the table; the design keeps them.
    design : SampleDesign
    where : Series or array of bool, or the name of a boolean column, optional
    statistic : {"F", "chi_squared", "wald", "adjusted_wald"}, default "F"
        "F": Pearson's X2 over the trace of the generalised design effects, second-order corrected.
        "chi_squared": X2 over their mean, first-order corrected. "wald" and
        "adjusted_wald": of the cells' distances from independence.

    Returns
    -------
    IndependenceTest

    Raises
    ------
    EstimationError
        A variable has fewer than two categories in the table, or variances cannot be estimated.

    Notes
    -----
    X2 counts respondents in the table only; R's "Chisq" statistic also counts those with missing answers, the
    p-values agree.
    Source: Rao and Scott (1981, 1984); Thomas and Rao (1987); Koch, Freeman and Freeman (1975) for Wald.
    Verified: R survey 4.5 `svychisq`, tests/test_reference.py cases E1, E2, rtol 1e-9.

    Examples
    --------
    >>> people = pd.DataFrame({"sex": list("fmfmfmfm"), "joined": [1, 0, 1, 1, 1, 0, 0, 0]})
    >>> round(independence(people, "sex", "joined", design=SampleDesign()).p_value, 3)
    0.227
    """
    if statistic not in STATISTICS:
        raise EstimationError(f'statistic: got "{statistic}"; expected one of {", ".join(STATISTICS)}.')
    call = Call(frame, design, None, where, 0.95, "domain")
    _, *both = read_families(frame, [row, column], call.layout)
    table = _table(call, both, is_total=statistic in ("wald", "adjusted_wald"))
    if statistic in ("wald", "adjusted_wald"):
        return _wald(table, statistic)
    return _rao_scott(table, statistic)


@dataclass(frozen=True, eq=False)
class _Table:
    """Cell shares or totals of a two-way table, (rows, columns), and their covariance, (cells, cells)."""

    cells: np.ndarray
    covariance: np.ndarray
    respondents: int
    degrees_of_freedom: float


def _table(call: Call, families: Sequence[Family], *, is_total: bool) -> _Table:
    """Estimate the cells of a table of respondents who have both categories; empty categories are dropped."""
    complete = call.eligible & (families[0].codes >= 0) & (families[1].codes >= 0)
    codes, sizes = [], []
    for family in families:
        used = np.bincount(family.codes[complete], minlength=len(family.levels)) > 0
        if np.count_nonzero(used) < 2:
            raise EstimationError(
                f'independence: "{family.name}" has {int(np.count_nonzero(used))} categories in the table; '
                f"expected two or more."
            )
        codes.append((np.cumsum(used) - 1)[family.codes])
        sizes.append(int(np.count_nonzero(used)))
    cell = np.where(complete, codes[0] * sizes[1] + codes[1], -1)
    answered = complete.view(np.int8)
    measures = [
        Measure(str(c), (cell == c).view(np.int8), answered, answered, is_total=is_total)
        for c in range(sizes[0] * sizes[1])
    ]
    result = call.results(measures, "total" if is_total else "proportion", "wald")
    covariance = result.attrs["sample"].covariance(np.arange(len(measures)))
    if not np.isfinite(covariance).all():
        raise EstimationError(
            f"independence of {families[0].name} and {families[1].name}: the design gives no variance for "
            "the "
            f"table (one PSU, or single PSUs only), so there is no test."
        )
    return _Table(
        result["estimate"].to_numpy().reshape(sizes),
        covariance,
        int(result["base_unweighted"].iloc[0]),
        float(result["degrees_of_freedom"].iloc[0]),
    )


def _interactions(rows: int, columns: int) -> np.ndarray:
    """Contrast a table's cells as main effects cannot, shape (cells, (rows - 1)(columns - 1))."""
    row = np.repeat(np.eye(rows)[:, 1:] - np.eye(rows)[:, [0]], columns, axis=0)
    column = np.tile(np.eye(columns)[:, 1:] - np.eye(columns)[:, [0]], (rows, 1))
    return (row[:, :, None] * column[:, None, :]).reshape(rows * columns, -1)


def _rao_scott(table: _Table, statistic: str) -> IndependenceTest:
    shares, n = table.cells, table.respondents
    expected = np.outer(shares.sum(1), shares.sum(0))
    pearson = n * float(np.sum((shares - expected) ** 2 / expected))
    contrasts = _interactions(*shares.shape)
    # As R: a cell nobody is in says nothing, so its 1/p is zero.
    flat = shares.ravel()
    weighted = contrasts * np.divide(1.0, flat, out=np.zeros_like(flat), where=flat > 0)[:, None]
    effects = np.linalg.lstsq(weighted.T @ contrasts / n, weighted.T @ table.covariance @ weighted, rcond=None)[0]
    trace, k = float(np.trace(effects)), effects.shape[0]
    if not trace > 0:
        raise EstimationError("independence: the table has no sampling variance, so there is no test.")
    if statistic == "chi_squared":
        value = pearson * k / trace
        return IndependenceTest(statistic, value, k, np.inf, float(special.chdtrc(k, value)), n)
    value, first = pearson / trace, trace**2 / float(np.trace(effects @ effects))
    second = first * table.degrees_of_freedom
    return IndependenceTest(statistic, value, first, second, float(special.fdtrc(first, second, value)), n)


def _wald(table: _Table, statistic: str) -> IndependenceTest:
    """Test the distances of the cell totals from independence, leaving out the first row and column."""
    totals = table.cells
    rows, columns = totals.shape
    row, column, all_ = totals.sum(1), totals.sum(0), totals.sum()
    distance = (totals - np.outer(row, column) / all_).ravel()
    same_row = np.repeat(np.repeat(np.eye(rows), columns, axis=0), columns, axis=1)
    same_column = np.tile(np.eye(columns), (rows, rows))
    derivative = (
        np.eye(rows * columns)
        - same_row * np.tile(column, rows)[:, None] / all_
        - same_column * np.repeat(row, columns)[:, None] / all_
        + np.outer(row, column).ravel()[:, None] / all_**2
    )
    keep = np.arange(rows * columns).reshape(rows, columns)[1:, 1:].ravel()
    variance = (derivative @ table.covariance @ derivative.T)[np.ix_(keep, keep)]
    k, df = len(keep), table.degrees_of_freedom
    try:
        value = float(distance[keep] @ np.linalg.solve(variance, distance[keep])) / k
    except np.linalg.LinAlgError:
        raise EstimationError(
            "independence: the table has fewer degrees of freedom than cells, so there is no Wald test. Use F."
        ) from None
    second = df
    if statistic == "adjusted_wald":
        second = df - k + 1
        value *= second / df
    return IndependenceTest(statistic, value, k, second, float(special.fdtrc(k, second, value)), table.respondents)
