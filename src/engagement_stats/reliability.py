"""Which estimates are not precise enough to be read without caution.

Belongs here: the rules on bases, effective bases, degrees of freedom and the width of intervals.
Not here: their limits and sources (catalogue rules.yaml), withholding anything (disclose).
Methods: docs/disclosure.md#rules
"""

import numpy as np
import pandas as pd

from engagement_stats.catalogue import model as m


def doubtful(estimates: pd.DataFrame, rules: m.DisclosureRules) -> np.ndarray:
    """Say which estimates a reader should treat with caution, suppressed or not.

    Parameters
    ----------
    estimates : DataFrame, shape (n estimates, columns of estimates)
    rules : DisclosureRules

    Returns
    -------
    ndarray of bool, shape (n estimates,)
        A small or unknown base, an unreliable estimate, or a published figure whose evidence is not confirmed.
    """
    base = numbers(estimates, "base_unweighted")
    doubt = np.isnan(base) | (base < rules.caution_base) | unreliable(estimates, rules)
    if "evidence" in estimates:
        doubt |= (estimates["evidence"].notna() & (estimates["evidence"] != "confirmed")).to_numpy(dtype=bool)
    return np.asarray(doubt, dtype=bool)


def unreliable(estimates: pd.DataFrame, rules: m.DisclosureRules) -> np.ndarray:
    """Say which estimates are not precise enough, whatever their base.

    Parameters
    ----------
    estimates : DataFrame, shape (n estimates, columns of estimates)
    rules : DisclosureRules

    Returns
    -------
    ndarray of bool, shape (n estimates,)
        A small effective base, few degrees of freedom, or a wide interval of a proportion. What is not known is no
        reason.

    Notes
    -----
    Source: Parker et al. (2017), Vital and Health Statistics 2(175), with the limits of rules.yaml.
    Verified: rows on either side of each limit, tests/test_disclose.py.
    """
    width = numbers(estimates, "ci_upper") - numbers(estimates, "ci_lower")
    with np.errstate(divide="ignore", invalid="ignore"):
        relative = width / numbers(estimates, "estimate")
        wide = (width >= rules.caution_width) | (
            (width > rules.caution_relative_from) & (relative > rules.caution_relative_width)
        )
        thin = (numbers(estimates, "effective_base") < rules.caution_effective_base) | (
            numbers(estimates, "degrees_of_freedom") < rules.caution_degrees_of_freedom
        )
    return np.asarray((wide & (estimates["unit"] == "proportion").to_numpy()) | thin, dtype=bool)


def numbers(estimates: pd.DataFrame, column: str) -> np.ndarray:
    """Return a column as numbers, null where it has none or is not there."""
    if column not in estimates:
        return np.full(len(estimates), np.nan)
    return estimates[column].to_numpy(dtype="float64", na_value=np.nan)
