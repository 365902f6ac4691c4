"""Which estimates of one wave rest on nearly the same respondents as another, so that both tell of the few who differ.

Belongs here: groups of a wave that differ by a few respondents, such as two bandings of age one year apart.
Not here: the same group in two builds of a wave (differencing), groups that add up (additive), hiding anything
(disclose).
Methods: docs/disclosure.md#rules
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from scipy import sparse

from engagement_stats.catalogue import KEY, REST
from engagement_stats.catalogue import model as m
from engagement_stats.domains import level_of

# Groups of everybody asked that differ by more are not held together for each question.
NEAR = 20


def held(
    estimates: pd.DataFrame,
    responses: pd.DataFrame,
    made: pd.DataFrame,
    weights: pd.DataFrame,
    weight_of: Mapping[str, str],
    rules: m.DisclosureRules,
) -> pd.DataFrame:
    """Find the estimates whose respondents differ by a few from those of another estimate of the same question.

    Parameters
    ----------
    estimates : DataFrame, shape (n estimates, columns of estimates)
        Of one wave.
    responses : DataFrame, shape (n respondents, variables)
    made : DataFrame, shape (n respondents, indicators)
    weights : DataFrame, shape (n respondents, weights)
        Who has none is behind no estimate.
    weight_of : mapping of str to str
        Indicator to its weight.
    rules : DisclosureRules
        `min_count`: how many respondents are no longer few.

    Returns
    -------
    DataFrame
        wave, indicator, domain and level of those to withhold, of each two the smaller; `disclose.protect` takes it.
        Two groups of the very same respondents tell of nobody and stay.

    Notes
    -----
    Counted are respondents in one of the two groups and not in the other. Everybody outside a level is left out: it
    differs from the whole by the level.
    Source: the limit is that of counts in rules.yaml, and its source there.
    Verified: against sets of respondents, pair by pair, tests/test_overlap.py.
    """
    table = estimates[~estimates["domain"].astype(str).str.startswith(REST)]
    cells = list(dict.fromkeys(zip(table["domain"].astype(str), table["level"].astype(str), strict=True)))
    inside = _inside(responses, cells)
    size = np.asarray(inside.sum(axis=0)).ravel()
    pairs = _near(inside, size, NEAR * rules.min_count)
    if not len(pairs):
        return estimates.loc[[], KEY].reset_index(drop=True)
    # Of each pair, who is in one only: a row for each such respondent.
    differ = abs(inside[:, pairs[:, 0]] - inside[:, pairs[:, 1]]).tocsc()
    small = np.where(size[pairs[:, 0]] < size[pairs[:, 1]], pairs[:, 0], pairs[:, 1])
    rows: set[tuple[str, str, str]] = set()
    for name in dict.fromkeys(estimates["indicator"].astype(str)):
        answered = (made[name].notna() & (weights[weight_of[name]] > 0)).to_numpy(dtype=float)
        few = answered @ differ
        rows |= {(name, *cells[c]) for c in small[(few > 0) & (few < rules.min_count)]}
    keys = estimates[["indicator", "domain", "level"]].astype(str).itertuples(index=False, name=None)
    return estimates.loc[[k in rows for k in keys], KEY].reset_index(drop=True)


def _inside(responses: pd.DataFrame, cells: Sequence[tuple[str, str]]) -> sparse.csc_array:
    """Say which respondents are in which cell, shape (respondents, cells)."""
    place = {c: k for k, c in enumerate(cells)}
    rows, columns = [], []
    for domain in dict.fromkeys(d for d, _ in cells):
        codes, levels = pd.factorize(level_of(responses, domain))
        at = np.array([place.get((domain, str(x)), -1) for x in levels] + [-1], dtype=np.intp)[codes]
        there = np.flatnonzero(at >= 0)
        rows.append(there)
        columns.append(at[there])
    row, column = (np.concatenate([np.empty(0, dtype=np.intp), *parts]) for parts in (rows, columns))
    return sparse.csc_array((np.ones(len(row)), (row, column)), shape=(len(responses), len(cells)))


def _near(inside: sparse.csc_array, size: np.ndarray, limit: float) -> np.ndarray:
    """List the pairs of cells that differ by some respondents, and by fewer than the limit, shape (n, 2)."""
    both = sparse.triu(inside.T @ inside, k=1).tocoo()
    one, other = both.coords
    differ = size[one] + size[other] - 2 * both.data
    near = (differ > 0) & (differ < limit)
    return np.column_stack([one[near], other[near]])
