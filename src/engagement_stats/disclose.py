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


def suppress(estimates: pd.DataFrame, rules: m.DisclosureRules) -> pd.DataFrame:
    """Blank every number of an estimate that rests on too few respondents.

    Parameters
    ----------
    estimates : DataFrame, shape (n estimates, columns of estimates)
        `base_unweighted` counts respondents; null where a published figure has no known base. `withheld`, where the
        column is there, is the symbol a producer published in place of a figure. Not modified.
    rules : DisclosureRules
        `min_base` and `caution_base`, in respondents.

    Returns
    -------
    DataFrame, shape (n estimates, same columns)
        `is_suppressed`, `quality` ("ok", "caution", "suppressed") and `symbol` ("[c]" under ten respondents,
        "[u]" from ten to `min_base`, or the producer's) set; a suppressed row carries no number in any column but
        the confidence asked for.

    Notes
    -----
    Thresholds apply to unweighted bases, zero respondents included. A figure its producer published is not
    suppressed for an unknown base: the producer answered for it.
    """
    out = estimates.copy()
    base = out["base_unweighted"].astype("float64")
    theirs = out["withheld"] if "withheld" in out else pd.Series(None, index=out.index, dtype="object")
    hidden = ((base < rules.min_base) | theirs.notna()).to_numpy()
    out["is_suppressed"] = hidden
    out["quality"] = np.select([hidden, doubtful(out, rules)], ["suppressed", "caution"], "ok")
    out["symbol"] = pd.Series(
        np.select(
            [(base < m.DISCLOSURE_FLOOR).to_numpy(), theirs.notna().to_numpy(), hidden],
            [CONFIDENTIAL, theirs.to_numpy(dtype="object"), LOW_RELIABILITY],
            "",
        ),
        index=out.index,
    ).replace("", None)
    for column in _present(NUMBERS, out):
        out[column] = out[column].astype("float64").mask(hidden)
    return out


def doubtful(estimates: pd.DataFrame, rules: m.DisclosureRules) -> np.ndarray:
    """Say which estimates a reader should treat with caution, suppressed or not.

    Parameters
    ----------
    estimates : DataFrame, shape (n estimates, columns of estimates)
    rules : DisclosureRules

    Returns
    -------
    ndarray of bool, shape (n estimates,)
        A small or unknown base, a wide interval of a proportion, or a published figure whose evidence is not confirmed.

    Notes
    -----
    Source: the widths are those of Parker et al. (2017), Vital and Health Statistics 2(175), set in rules.yaml.
    """
    base = estimates["base_unweighted"].astype("float64")
    doubt = base.isna() | (base < rules.caution_base)
    width = (estimates["ci_upper"] - estimates["ci_lower"]).astype("float64")
    relative = width / estimates["estimate"].astype("float64")
    wide = (width >= rules.caution_width) | (
        (width > rules.caution_relative_from) & (relative > rules.caution_relative_width)
    )
    doubt |= wide & (estimates["unit"] == "proportion")
    if "evidence" in estimates:
        doubt |= estimates["evidence"].notna() & (estimates["evidence"] != "confirmed")
    return doubt.to_numpy(dtype=bool)


def _present(names: Iterable[str], frame: pd.DataFrame) -> list[str]:
    return [n for n in names if n in frame]
