"""Say how much of the weight of each estimate the one or two heaviest respondents carry.

Belongs here: the largest shares of weight by indicator, domain and level.
Not here: how much is too much (catalogue rules.yaml), and what follows from it (disclose).
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from engagement_stats.catalogue import REST
from engagement_stats.domains import level_of

SHARES = ("largest_weight_share", "two_largest_weight_share")
KEYS = ["indicator", "domain", "level"]


def shares(
    responses: pd.DataFrame,
    made: pd.DataFrame,
    weights: pd.DataFrame,
    weight_of: Mapping[str, str],
    table: pd.DataFrame,
) -> pd.DataFrame:
    """Find the largest shares of weight behind each estimate of a wave.

    Parameters
    ----------
    responses : DataFrame, shape (n respondents, variables)
    made : DataFrame, shape (n respondents, indicators)
    weights : DataFrame, shape (n respondents, weights)
        Rows of all three in the same order.
    weight_of : mapping of str to str
        Indicator to its weight.
    table : DataFrame
        indicator, domain and level of the estimates wanted.

    Returns
    -------
    DataFrame, shape (n estimates, 5)
        indicator, domain, level, largest_weight_share, two_largest_weight_share (0 to 1, null where nobody answered);
        rows as in `table`. These describe single respondents and never leave.
    """
    one, two = np.full(len(table), np.nan), np.full(len(table), np.nan)
    groups = {
        domain: pd.MultiIndex.from_frame(rows[["indicator", "level"]])
        for domain, rows in table.groupby("domain", sort=False)
    }
    places = {k: np.flatnonzero((table["domain"] == k).to_numpy()) for k in groups}
    order = {w: np.argsort(-weights[w].to_numpy(dtype="float64"), kind="stable") for w in set(weight_of.values())}
    answered = {k: made[k].notna().to_numpy() for k in weight_of}
    for domain, keys in groups.items():
        levels = list(dict.fromkeys(keys.get_level_values(1)))
        where = {x: i for i, x in enumerate(levels)}
        codes = _codes(responses, domain, levels)
        for indicator in dict.fromkeys(keys.get_level_values(0)):
            weight = weight_of[indicator]
            mine = np.flatnonzero(keys.get_level_values(0) == indicator)
            level = [where[x] for x in keys.get_level_values(1)[mine]]
            first, second, total = _largest(
                codes, weights[weight].to_numpy(dtype="float64"), order[weight], answered[indicator], len(levels)
            )
            with np.errstate(divide="ignore", invalid="ignore"):
                one[places[domain][mine]] = (first / total)[level]
                two[places[domain][mine]] = ((first + second) / total)[level]
    return table[KEYS].assign(**dict(zip(SHARES, (one, two), strict=True)))


def _codes(responses: pd.DataFrame, domain: str, levels: Sequence[str]) -> np.ndarray:
    """Give every respondent the number of the level among those given, shape (n respondents, 1), -1 for none.

    Somebody is in the rest of all levels but one, so rests have a column each.
    """
    inner = domain.removeprefix(REST)
    named = level_of(responses, inner)
    if inner == domain:
        return np.asarray(pd.Index(levels, dtype="object").get_indexer(named)[:, None], dtype=np.intp)
    known = named.notna().to_numpy()
    return np.column_stack(
        [np.where(known & (named != level).to_numpy(), i, -1) for i, level in enumerate(levels)]
    ).astype(np.intp)


def _largest(
    codes: np.ndarray, weight: np.ndarray, order: np.ndarray, answered: np.ndarray, levels: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the largest and second largest weight of each level, and the sum, over those who answered."""
    first, second, total = np.zeros(levels), np.zeros(levels), np.zeros(levels)
    for column in codes.T:
        rows = order[answered[order] & (column[order] >= 0)]
        level = column[rows]
        total += np.bincount(level, weight[rows], levels)
        # Rows are in falling order of weight; written backwards, the heaviest of each level is written last.
        heaviest = np.full(levels, -1)
        heaviest[level[::-1]] = rows[::-1]
        rest = rows[heaviest[level] != rows]
        runner = np.full(levels, -1)
        runner[column[rest][::-1]] = rest[::-1]
        first += np.where(heaviest >= 0, weight[heaviest], 0.0)
        second += np.where(runner >= 0, weight[runner], 0.0)
    return first, second, total
