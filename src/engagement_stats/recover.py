"""Recover a calibration from a producer's final weights, when the margins' variables are known and its targets are not.

Belongs here: the one assumed step.
Not here: calibrating to known margins (weight), what variances make of a step (projection).
Methods: docs/methods.md#calibrated-weights
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from engagement_stats.errors import WeightingError, listed
from engagement_stats.margins import CROSS, LEVEL_SEPARATOR, Margins, factorise, lay_out
from engagement_stats.steps import Calibrate, Weights, begin

__all__ = ["recovered"]


def recovered(
    frame: pd.DataFrame, variables: str | Sequence[str], *, weight: str, totals: Sequence[str] = ()
) -> Weights:
    """Take final weights as calibrated to the margins of some variables.

    The weights stay as they are. A variance takes them as the base of one calibration that changed nothing, to the
    margins that they meet: those of the sample. Beside the variance with the column itself, weights taken as fixed,
    it says what the calibration is worth if the producer did calibrate to these margins.

    Parameters
    ----------
    frame : DataFrame, shape (n respondents, any)
        Not modified.
    variables : str or list of str
        Columns of categories that the producer calibrated to, known for everyone with a weight; "sex*age_group" for
        a crossed margin.
    weight : str
        Column of final weights.
    totals : sequence of str, optional
        Numeric columns whose population totals the producer calibrated to.

    Returns
    -------
    Weights
        Shape (n,), the column's values; `redo` calibrates by raking to the recovered margins.

    Raises
    ------
    WeightingError
        A column is missing, or someone with a weight has no category.

    Notes
    -----
    Source: docs/methods.md#calibrated-weights; R survey ``calibrate(design, formula)`` on a design with final weights,
    whose base weights are the final ones and factors 1.
    Verified: R survey 4.1.1, tests/test_estimate_calibrated.py, rtol 1e-9.

    Examples
    --------
    >>> people = pd.DataFrame({"w": [26.0, 26.0, 48.0], "sex": ["F", "F", "M"]})
    >>> recovered(people, "sex", weight="w").margins()["asked"].tolist()
    [52.0, 48.0]
    """
    weights = begin(frame, weight)
    names = [variables] if isinstance(variables, str) else list(variables)
    live = weights.values > 0
    rows = []
    for name in names:
        sums = pd.Series(weights.values[live]).groupby(_crossed(frame, name)[live]).sum()
        rows += [(name, category, total) for category, total in sums.items()]
    for column in totals:
        if column not in frame:
            raise WeightingError(f'totals: the data have no column "{column}". Got {listed(list(frame.columns))}.')
        values = pd.to_numeric(frame[column], errors="coerce").to_numpy(dtype="float64", na_value=np.nan)
        rows.append((column, None, float(weights.values[live] @ values[live])))
    label = f'weight "{weight}"'
    found = Margins.of(Margins(pd.DataFrame(rows, columns=["variable", "category", "population"]), label))
    cells, _ = lay_out(frame, found, weights.values)
    population = cells.totals(cells.sums(weights.values))
    recipe = Calibrate(cells, population, "raking" if names else "linear", label, settings={"source": "recovered"})
    made = weights.then(recipe)
    step = replace(made.steps[-1], method="recovered", values=weights.values)
    return Weights(weights.values, (*made.steps[:-1], step), made.index)


def _crossed(frame: pd.DataFrame, name: str) -> np.ndarray:
    """Name the category of every row in a margin, crossed or not; None where it is missing."""
    parts = []
    for column in name.split(CROSS):
        if column.strip() not in frame:
            raise WeightingError(f'variables: the data have no column "{column}". Got {listed(list(frame.columns))}.')
        codes, levels = factorise(frame[column.strip()])
        parts.append(np.array([*levels, None], dtype=object)[codes])
    if len(parts) == 1:
        return parts[0]
    return np.array(
        [None if None in row else LEVEL_SEPARATOR.join(row) for row in zip(*parts, strict=True)], dtype=object
    )
