"""Turn a file's weight columns into analysis weights, and say how uneven they are.

Belongs here: checking supplied weights, and their diagnostics.
Not here: variance (uncertainty), and which weight an indicator uses (catalogue).
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from engagement_stats.codes import as_codes
from engagement_stats.errors import WeightingError
from engagement_stats.uncertainty import kish_design_effect


@dataclass(frozen=True, slots=True)
class WeightSummary:
    """How uneven a weight is. `design_effect` is Kish's 1 + CV²; `effective_base` is n over it."""

    respondents: int
    zero: int
    total: float
    smallest: float
    largest: float
    design_effect: float
    effective_base: float


def summarise(weights: np.ndarray) -> WeightSummary:
    """Summarise the unevenness of weights.

    Parameters
    ----------
    weights : ndarray, shape (n,)
        Finite, not negative, not all zero.

    Returns
    -------
    WeightSummary

    Notes
    -----
    Source: Kish (1965, 1992), n sum(w²) / (sum w)², over respondents of positive weight.
    Verified: by hand, rtol 1e-12, and R survey 4.5 reference case F13.kish, rtol 1e-9, tests/test_weight.py.

    Examples
    --------
    >>> summarise(np.array([1.0, 1.0, 2.0, 0.0])).design_effect
    1.125
    """
    positive = weights[weights > 0]
    effect = kish_design_effect(positive)
    return WeightSummary(
        respondents=len(weights),
        zero=int((weights == 0).sum()),
        total=float(positive.sum()),
        smallest=float(positive.min()),
        largest=float(positive.max()),
        design_effect=effect,
        effective_base=len(positive) / effect,
    )


def supplied(raw: pd.DataFrame, wave_id: str, weights: Mapping[str, str]) -> pd.DataFrame:
    """Check the weights a producer supplied with a wave.

    Parameters
    ----------
    raw : DataFrame, shape (n respondents, deposited columns)
        Holds every column named in `weights`. Not modified.
    wave_id : str
        Named in errors.
    weights : mapping of str to str
        The wave's name of a weight to its deposited column.

    Returns
    -------
    DataFrame, shape (n respondents, weights)
        float64, as supplied: nothing is rescaled.

    Raises
    ------
    WeightingError
        A weight is missing, not a number, not finite or negative, or all are zero; names column, rule and count.
    """
    checked = {}
    problems = []
    for name, column in weights.items():
        where = f"{wave_id} {column} (waves/{wave_id}.yaml, design.weights.{name})"
        codes = as_codes(raw[column])
        values = pd.to_numeric(codes, errors="coerce").to_numpy(dtype="float64")
        empty = int((codes == "").sum())
        text = int(np.isnan(values).sum()) - empty
        found = {
            "have no weight": empty,
            "have a weight that is not a number": text,
            "have an infinite weight": int(np.isinf(values).sum()),
            "have a negative weight": int((values < 0).sum()),
        }
        problems += [f"{where}: {count} respondent(s) {what}." for what, count in found.items() if count]
        if len(values) and not any(found.values()) and not (values > 0).any():
            problems.append(f"{where}: every weight is zero.")
        checked[name] = values
    if problems:
        problems[-1] += " Expected a finite weight of zero or more for everyone. Deposit the producer's file again."
        raise WeightingError("\n".join(problems))
    return pd.DataFrame(checked, index=raw.index)
