"""Which indicators follow from which: whoever counts in one counts, or does not, in another.

Belongs here: finding them among the respondents of a wave, and the limits that shown indicators set to hidden ones.
Not here: sums over cells (additive), when limits are too narrow (attack).
Methods: docs/disclosure.md#secondary-suppression
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

COLUMNS = ["indicator", "counts", "other", "other_counts"]


def found(made: pd.DataFrame, weights: Mapping[str, str]) -> pd.DataFrame:
    """Find the indicators that follow from others, whoever the respondent.

    Parameters
    ----------
    made : DataFrame, shape (n respondents, indicators)
        1, 0 or null; an indicator of other values is a mean and left out.
    weights : mapping of str to str
        Indicator to the name of its weight; those of different weights are not held together.

    Returns
    -------
    DataFrame
        indicator, counts, other, other_counts: every respondent who counts in `indicator` (or, with `counts` false,
        answered and does not) does so in `other` (or, with `other_counts` false, does not). Monthly and yearly
        volunteering; any and formal; an indicator and its opposite. Found in the data, so that by chance a rare one may
        be taken to imply another: this hides too much, never too little.

    Examples
    --------
    >>> made = pd.DataFrame({"monthly": [1.0, 0, 0, 0], "yearly": [1.0, 1, 0, 0], "never": [0.0, 0, 1, 1]})
    >>> table = found(made, dict.fromkeys(made, "main"))
    >>> table[table["indicator"] == "monthly"].values.tolist()
    [['monthly', True, 'yearly', True], ['monthly', True, 'never', False]]
    """
    shares = [str(c) for c in made if made[c].dropna().isin([0, 1]).all() and made[c].notna().any()]
    values = made[shares].to_numpy(dtype="float64", na_value=np.nan)
    # A column for each indicator's yes, then one for each one's no.
    says = np.hstack([values == 1, values == 0])
    outside = says.astype(float).T @ (~says).astype(float)
    rows = []
    somebody = np.asarray(says.any(axis=0))[:, None]
    for a, b in np.argwhere((outside == 0) & somebody):
        i, j = shares[a % len(shares)], shares[b % len(shares)]
        if i != j and weights[i] == weights[j]:
            rows.append((i, bool(a < len(shares)), j, bool(b < len(shares))))
    return pd.DataFrame(rows, columns=COLUMNS).astype({"counts": bool, "other_counts": bool})


def links(table: pd.DataFrame | None, indicators: Sequence[str]) -> np.ndarray:
    """Return the rows of `found` by place: indicator, counts, other, other_counts, shape (n, 4)."""
    place = {name: i for i, name in enumerate(indicators)}
    rows = [] if table is None else [
        (place[i], int(yes), place[j], int(other)) for i, yes, j, other in table[COLUMNS].itertuples(index=False)
        if i in place and j in place
    ]  # fmt: skip
    return np.array(rows, dtype=np.intp).reshape(-1, 4)


def limits(
    links: np.ndarray, yes: np.ndarray, no: np.ndarray, scale: np.ndarray
) -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """Bound what counts and what does not by the indicators that imply it or that it implies.

    Parameters
    ----------
    links : ndarray, shape (n, 4)
        From `links`.
    yes, no : ndarray, shape (indicators, cells)
        Weights of those who count and who do not, null where not shown.
    scale : ndarray, shape (indicators,)
        What turns a weight into respondents of the mean weight of an indicator.

    Returns
    -------
    tuple of (lower, upper), of yes and of no, each ndarray of shape (indicators, cells)
        In respondents; 0 and infinity where nothing is known.
    """
    shown = (no, yes)
    lower = [np.zeros(yes.shape), np.zeros(yes.shape)]
    upper = [np.full(yes.shape, np.inf), np.full(yes.shape, np.inf)]
    for i, a, j, b in links:
        upper[a][i] = np.fmin(upper[a][i], shown[b][j] * scale[i])
        lower[b][j] = np.fmax(lower[b][j], shown[a][i] * scale[j])
    return (lower[1], upper[1]), (lower[0], upper[0])
