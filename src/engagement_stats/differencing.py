"""Which estimates would tell of a few people beside their earlier selves, because a file was deposited again.

Belongs here: the respondents behind each estimate, and in how many they differ between two builds of a wave.
Not here: hiding anything (disclose), signing it off (corrections), where what was published is kept (store).
Methods: docs/releases.md#beside-an-earlier-release

Where a published estimate of 500 respondents becomes one of 497, the two together give the three, whatever each shows
alone. So who stood behind what was published is kept, privately, and held against each new build.
"""

import hashlib
from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd

from engagement_stats.catalogue import CROSS, KEY, LEVEL_SEPARATOR, REST
from engagement_stats.catalogue import model as m

WHO = "who"
ANSWERED, DIVIDED = "answered ", "domain "
OLD, NEW = " in the old build", " in the new build"
# Below this share of respondents in both builds, numbers of respondents were given anew and cannot be held together.
SAME_NUMBERS = 0.5


def populations(
    responses: pd.DataFrame, made: pd.DataFrame, weights: pd.DataFrame, wave: m.MicrodataWave
) -> pd.DataFrame:
    """Say of every respondent of a wave behind which estimates they stand.

    Parameters
    ----------
    responses : DataFrame, shape (n respondents, variables)
    made : DataFrame, shape (n respondents, indicators)
    weights : DataFrame, shape (n respondents, weights)
        Rows of all three in the same order.
    wave : MicrodataWave

    Returns
    -------
    DataFrame, shape (n respondents, 1 + indicators + domains)
        `who`, a digest of the respondent's number; of each indicator whether they count in its base; of each variable
        that divides the wave their level. Private.
    """
    who = [_digest(r) for r in responses["respondent"]]
    bases = {
        f"{ANSWERED}{name}": made[name].notna().to_numpy() & (weights[wave.indicators[str(name)].weight] > 0).to_numpy()
        for name in made
    }
    parts = dict.fromkeys(part for d in wave.domains for part in d.split(CROSS) if part in responses)
    levels = {f"{DIVIDED}{part}": responses[part].astype("object").to_numpy() for part in parts}
    return pd.DataFrame({WHO: who, **bases, **levels}).sort_values(WHO, ignore_index=True)


def _digest(respondent: object) -> str:
    return hashlib.blake2b(str(respondent).encode(), digest_size=8).hexdigest()


def name(population: pd.DataFrame) -> str:
    """Name a population by who is in it, so that builds of other code over the same people are one."""
    text = population.astype("object").where(population.notna(), None).to_csv(index=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def held(
    estimates: pd.DataFrame, population: pd.DataFrame, published: Iterable[pd.DataFrame], rules: m.DisclosureRules
) -> pd.DataFrame:
    """Find the estimates whose respondents differ by a few from those of a published estimate of the same name.

    Parameters
    ----------
    estimates : DataFrame
        wave, indicator, domain and level of those made.
    population : DataFrame
        Of the build they were made in, from `populations`.
    published : iterable of DataFrame
        Those of the builds of this wave that were published.
    rules : DisclosureRules
        `min_count`: how many respondents are no longer few.

    Returns
    -------
    DataFrame
        wave, indicator, domain and level of those to withhold; `disclose.protect` takes it.

    Notes
    -----
    Counted are respondents in one of the two and not in the other, so that ten who left and ten who came are twenty.
    Where the respondents were numbered anew nobody can be told to be the same, and the difference of the bases counts.
    Source: the limit is that of counts in rules.yaml, and its source there.
    Verified: against sets of respondents cell by cell, tests/test_differencing.py.
    """
    few = np.zeros(len(estimates), dtype=bool)
    for earlier in published:
        counts = _differing(estimates, earlier, population)
        few |= (counts > 0) & (counts < rules.min_count)
    return estimates.loc[few, KEY].reset_index(drop=True)


def _differing(estimates: pd.DataFrame, old: pd.DataFrame, new: pd.DataFrame) -> np.ndarray:
    """Count, for each estimate, the respondents behind one of its two versions and not the other."""
    both = old.rename(columns=lambda c: c if c == WHO else c + OLD).merge(
        new.rename(columns=lambda c: c if c == WHO else c + NEW), on=WHO, how="outer", indicator="_side"
    )
    renumbered = (both["_side"] == "both").sum() < SAME_NUMBERS * min(len(old), len(new))
    if not renumbered:
        both = both[~_alike(both, [c for c in old.columns if c in new.columns and c != WHO])]
    both = both.reset_index(drop=True)
    out = np.zeros(len(estimates), dtype=np.int64)
    named = estimates[["indicator", "domain"]].assign(place=np.arange(len(estimates)))
    levels = estimates["level"].astype(str).to_numpy()
    for (indicator, domain), rows in named.groupby(["indicator", "domain"], sort=False):
        places = rows["place"].to_numpy()
        sides = [_levels(both, str(indicator), str(domain), list(levels[places]), side) for side in (OLD, NEW)]
        if sides[0] is not None and sides[1] is not None:  # otherwise never published
            count = _rest_counts if str(domain).startswith(REST) else _counts
            out[places] = count(sides[0], sides[1], len(places), renumbered)
    return out


def _alike(both: pd.DataFrame, columns: Sequence[str]) -> np.ndarray:
    """Say who is the same in every respect in both builds, and so differs behind no estimate."""
    same = (both["_side"] == "both").to_numpy(copy=True)
    for column in columns:
        was, now = both[column + OLD], both[column + NEW]
        same &= ((was == now) | (was.isna() & now.isna())).fillna(value=False).to_numpy(dtype=bool)
    return same


def _levels(both: pd.DataFrame, indicator: str, domain: str, levels: Sequence[str], side: str) -> np.ndarray | None:
    """Give the level of everybody in the base by its number: -1 outside the base, -2 in it at a level not asked for.

    None when the estimate was not made in this build.
    """
    inner = domain.removeprefix(REST)
    parts = [] if inner == "all" else [f"{DIVIDED}{p}{side}" for p in inner.split(CROSS)]
    answered = f"{ANSWERED}{indicator}{side}"
    if any(c not in both for c in (answered, *parts)):
        return None
    base = both[answered].astype("boolean").fillna(value=False).to_numpy(dtype=bool)
    if not parts:
        return np.where(base, 0, -1)
    columns = both[parts]
    known = base & columns.notna().all(axis=1).to_numpy()
    text = columns.iloc[:, 0].astype("str")
    for c in parts[1:]:
        text = text + LEVEL_SEPARATOR + columns[c].astype("str")
    codes = pd.Index(levels).get_indexer(pd.Index(text))
    return np.where(known, np.where(codes < 0, -2, codes), -1)


def _counts(was: np.ndarray, now: np.ndarray, levels: int, renumbered: bool) -> np.ndarray:
    """Count for each level who is there in one build only; or by how many the two differ."""
    if renumbered:
        return np.abs(np.bincount(was[was >= 0], minlength=levels) - np.bincount(now[now >= 0], minlength=levels))
    moved = was != now
    return sum(
        (np.bincount(side[moved & (side >= 0)], minlength=levels) for side in (was, now)), np.zeros(levels, np.int64)
    )


def _rest_counts(was: np.ndarray, now: np.ndarray, levels: int, renumbered: bool) -> np.ndarray:
    """Count the same for everybody outside each level."""
    out = np.zeros(levels, dtype=np.int64)
    for level in range(levels):
        before, after = ((side != -1) & (side != level) for side in (was, now))
        out[level] = abs(int(before.sum()) - int(after.sum())) if renumbered else int((before != after).sum())
    return out
