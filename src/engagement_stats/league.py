"""Rank areas with the doubt that ranks have.

Belongs here: ranks and their joint intervals.
Not here: which areas are ranked (catalogue), estimates (tabulate), sentences (phrase).
Methods: docs/methods.md#league-tables
"""

from typing import Any

import numpy as np
import pandas as pd

from engagement_stats import uncertainty
from engagement_stats.catalogue import Catalogue

CONFIDENCE = 0.95
METHOD = "simultaneous intervals"

COLUMNS = [
    "wave", "indicator", "domain", "level", "rank", "rank_lower", "rank_upper", "areas", "unranked", "confidence",
    "method", "is_synthetic",
]  # fmt: skip


def rank_intervals(lower: np.ndarray, upper: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Bound the ranks of values by intervals that hold all of them at once.

    Parameters
    ----------
    lower, upper : ndarray, shape (n areas,)
        Simultaneous bounds of the values.

    Returns
    -------
    tuple of ndarray of int
        The best and the worst rank of each area; rank 1 is the highest value.

    Notes
    -----
    Source: Klein, Wright and Wieczorek (2020), J. R. Statist. Soc. A 183: an area is surely behind those whose lower
    bound is above its upper one, and surely ahead of those whose upper bound is below its lower one. With the
    confidence at which the intervals hold together, all true ranks lie in their intervals.
    Verified: brute force and simulated joint coverage, tests/test_league.py.

    Examples
    --------
    >>> best, worst = rank_intervals(np.array([0.3, 0.1, 0.25]), np.array([0.4, 0.2, 0.35]))
    >>> best.tolist(), worst.tolist()
    ([1, 3, 1], [2, 3, 2])
    """
    lows, highs = np.sort(lower), np.sort(upper)
    ahead = len(lows) - np.searchsorted(lows, upper, side="right")
    behind = np.searchsorted(highs, lower, side="left")
    return 1 + ahead, len(lows) - behind


def _ranked(rows: pd.DataFrame) -> pd.DataFrame:
    """Rank the areas of one wave, indicator and domain that have an estimate and its doubt."""
    shown = ~rows["is_suppressed"].astype(bool) & (rows["standard_error"].notna()) & rows["estimate"].notna()
    able = rows[shown]
    if len(able) < 2:
        return pd.DataFrame(columns=COLUMNS)
    number = {c: able[c].to_numpy(dtype="float64", na_value=np.nan) for c in (
        "estimate", "standard_error", "effective_base", "base_unweighted", "degrees_of_freedom"
    )}  # fmt: skip
    # Bonferroni holds whatever the areas share, such as clusters or a calibration.
    together = 1 - (1 - CONFIDENCE) / len(able)
    df = np.where(np.isnan(number["degrees_of_freedom"]), np.inf, number["degrees_of_freedom"])
    if (able["unit"] == "proportion").all():
        lower, upper, _ = uncertainty.proportion_interval(
            number["estimate"], number["standard_error"] ** 2, number["base_unweighted"], df, together, "korn_graubard"
        )
    else:
        reach = np.array([uncertainty.t_quantile(d, together) for d in df]) * number["standard_error"]
        lower, upper = number["estimate"] - reach, number["estimate"] + reach
    best, worst = rank_intervals(lower, upper)
    return pd.DataFrame({
        **{c: able[c].to_numpy() for c in ("wave", "indicator", "domain", "level", "is_synthetic")},
        "rank": able["estimate"].rank(method="min", ascending=False).astype("int64").to_numpy(),
        "rank_lower": best, "rank_upper": worst, "areas": len(able), "unranked": len(rows) - len(able),
        "confidence": CONFIDENCE, "method": METHOD,
    })[COLUMNS]  # fmt: skip


def tables(estimates: pd.DataFrame, catalogue: Catalogue) -> pd.DataFrame:
    """Make every league table the catalogue asks for.

    Parameters
    ----------
    estimates : DataFrame, shape (n estimates, columns of estimates)
        Disclosure rules applied.
    catalogue : Catalogue

    Returns
    -------
    DataFrame, shape (n areas ranked, columns of league_tables)
        `rank` 1 is the highest estimate, ties sharing the best; `rank_lower` and `rank_upper` are the best and worst
        ranks at 95 per cent confidence for all areas of the table at once. Suppressed areas and those without a
        standard error have no row and are counted in `unranked`.
    """
    parts: list[Any] = []
    for entry in catalogue.leagues.values():
        mine = estimates[(estimates["wave"] == entry.wave) & (estimates["domain"] == entry.domain)]
        for indicator in entry.indicators:
            parts.append(_ranked(mine[mine["indicator"] == indicator]))
    filled = [p for p in parts if len(p)]
    frame = pd.concat(filled, ignore_index=True) if filled else pd.DataFrame(columns=COLUMNS)
    return frame.sort_values(["wave", "indicator", "domain", "rank", "level"], kind="stable").reset_index(drop=True)
