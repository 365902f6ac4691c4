"""Suppress what may not leave, before anything is compared or published.

Belongs here: the unweighted-base rule and the marks it leaves.
Not here: the thresholds and their sources (catalogue rules.yaml), and estimation.
"""

from collections.abc import Iterable

import numpy as np
import pandas as pd

from engagement_stats.catalogue import model as m

NUMBERS = (
    "estimate", "standard_error", "ci_lower", "ci_upper", "base_unweighted", "base_weighted", "effective_base",
    "degrees_of_freedom", "design_effect", "base_missing", "numerator_unweighted", "rounding",
)  # fmt: skip
CONFIDENTIAL = "[c]"
LOW_RELIABILITY = "[u]"
FLOOR = 10


def suppress(estimates: pd.DataFrame, rules: m.DisclosureRules) -> pd.DataFrame:
    """Blank every number of an estimate that rests on too few respondents.

    Parameters
    ----------
    estimates : DataFrame, shape (n estimates, columns of estimates)
        `base_unweighted` counts respondents; null where a published figure has no known base. Not modified.
    rules : DisclosureRules
        `min_base` and `caution_base`, in respondents.

    Returns
    -------
    DataFrame, shape (n estimates, same columns)
        `is_suppressed`, `quality` ("ok", "caution", "suppressed") and `symbol` ("[c]" under ten respondents,
        "[u]" from ten to `min_base`) set; a suppressed row carries no number in any column but the confidence
        asked for.

    Notes
    -----
    Thresholds apply to unweighted bases, zero respondents included. A figure its producer published is not
    suppressed for an unknown base: the producer answered for it.
    """
    out = estimates.copy()
    base = out["base_unweighted"].astype("float64")
    hidden = (base < rules.min_base).to_numpy()
    out["is_suppressed"] = hidden
    out["quality"] = np.select([hidden, (base < rules.caution_base).to_numpy()], ["suppressed", "caution"], "ok")
    out["symbol"] = pd.Series(
        np.select([hidden & (base < FLOOR).to_numpy(), hidden], [CONFIDENTIAL, LOW_RELIABILITY], ""),
        index=out.index,
    ).replace("", None)
    for column in _present(NUMBERS, out):
        out[column] = out[column].astype("float64").mask(hidden)
    return out


def _present(names: Iterable[str], frame: pd.DataFrame) -> list[str]:
    return [n for n in names if n in frame]
