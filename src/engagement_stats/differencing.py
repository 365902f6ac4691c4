"""Which estimates would tell of a few people beside their earlier selves, because a file was deposited again.

Belongs here: the respondents behind each estimate, what a published build withheld, and which estimates of a new build
are held against which of it.
Not here: counting the respondents in which two builds differ (builds), hiding anything (disclose), signing it off
(corrections), where what was published is kept (store).
Methods: docs/releases.md#beside-an-earlier-release

Where a published estimate of 500 respondents becomes one of 497, the two together give the three, whatever each shows
alone. So who stood behind what was published is kept, privately, and held against each new build. What was withheld is
kept with it: were it shown later of the same respondents, what it protected would follow.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
import pandas as pd

from engagement_stats.builds import ANSWERED, DIVIDED, SAME_NUMBERS, WHO, Builds, Differing
from engagement_stats.catalogue import CROSS, KEY, REST, digest
from engagement_stats.catalogue import model as m

ANSWERS = "answers"
CELL = ["indicator", "domain", "level"]


@dataclass(frozen=True, eq=False)
class Published:
    """A published build: who stood behind it, from `populations`, and what it withheld under the rules of now.

    `withheld` is null where it was built under other rules.
    """

    people: pd.DataFrame
    withheld: pd.DataFrame | None = None


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
    DataFrame, shape (n respondents, 2 + indicators + domains)
        `who`, a digest of the respondent's number; `answers`, one of their answers and weights; of each indicator
        whether they count in its base; of each variable that divides the wave their level. Private.
    """
    who = [hashlib.blake2b(str(r).encode(), digest_size=8).hexdigest() for r in responses["respondent"]]
    bases = {
        f"{ANSWERED}{name}": made[name].notna().to_numpy() & (weights[wave.indicators[str(name)].weight] > 0).to_numpy()
        for name in made
    }
    parts = dict.fromkeys(part for d in wave.domains for part in d.split(CROSS) if part in responses)
    levels = {f"{DIVIDED}{part}": responses[part].astype("object").to_numpy() for part in parts}
    answers = {ANSWERS: _answers(who, pd.concat([made, weights], axis=1))}
    return pd.DataFrame({WHO: who, **answers, **bases, **levels}).sort_values(WHO, ignore_index=True)


def _answers(who: Sequence[str], values: pd.DataFrame) -> list[str]:
    """Digest the row of each respondent, so that equal rows of two have nothing in common.

    In single precision: weights that come of arithmetic in another order are the same.
    """
    rows = values.to_numpy(dtype="float32", na_value=np.nan)
    rows = np.where(np.isnan(rows), np.float32(np.nan), rows + np.float32(0))  # one form of what is missing, and of 0
    return [
        hashlib.blake2b(row.tobytes(), digest_size=8, key=key.encode()).hexdigest()
        for row, key in zip(rows, who, strict=True)
    ]


def name(population: pd.DataFrame) -> str:
    """Name a population by who is in it and what they said, so that builds of other code over the same are one."""
    text = population.astype("object").where(population.notna(), None).to_csv(index=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def rules_digest(rules: m.DisclosureRules) -> str:
    """Name the rules by all that decides what is withheld; what only marks an estimate does not."""
    marks = () if rules.unreliable == "suppress" else tuple(k for k in m.DisclosureRules.model_fields if "caution" in k)
    return digest(rules.model_dump(exclude={"source", *marks}))[:16]


def withheld(estimates: pd.DataFrame) -> pd.DataFrame:
    """List the estimates that a build to be published withholds, for `Published`."""
    return estimates.loc[estimates["is_suppressed"].astype(bool), CELL].reset_index(drop=True)


def held(
    estimates: pd.DataFrame, population: pd.DataFrame, published: Iterable[Published], rules: m.DisclosureRules
) -> pd.DataFrame:
    """Find the estimates that may not be shown beside those of published builds.

    Parameters
    ----------
    estimates : DataFrame
        wave, indicator, domain and level of those made.
    population : DataFrame
        Of the build they were made in, from `populations`.
    published : iterable of Published
        The builds of this wave that were published.
    rules : DisclosureRules
        `min_count`: how many respondents are no longer few.

    Returns
    -------
    DataFrame
        wave, indicator, domain and level of those to withhold; `disclose.protect` takes it. Their respondents differ by
        a few from those of a published estimate, or by none or a few from those of one that was withheld.

    Notes
    -----
    Counted are respondents in one of the two and not in the other, so that ten who left and ten who came are twenty.
    Where the respondents were numbered anew nobody can be told to be the same, and the difference of the bases counts.
    An estimate is held against its namesake; one whose indicator is new, against those of every indicator at its level,
    but for those that rest on the same respondents as before: these differ from it by who answered which question,
    as any two of one release do. One of a new variable is held against those of every variable with such a level, a
    level that is new against the one whose people it holds.
    Source: the limit is that of counts in rules.yaml, and its source there.
    Verified: against sets of respondents cell by cell, tests/test_differencing.py.
    """
    found = np.zeros(len(estimates), dtype=bool)
    for earlier in published:
        found |= _beside(estimates, earlier, population, rules.min_count)
    return estimates.loc[found, KEY].reset_index(drop=True)


def _beside(estimates: pd.DataFrame, earlier: Published, population: pd.DataFrame, limit: int) -> np.ndarray:
    """Say which estimates may not be shown beside one published build."""
    columns = [c for c in population if str(c).startswith((ANSWERED, DIVIDED))]
    hidden = pd.DataFrame(columns=CELL) if earlier.withheld is None else earlier.withheld
    builds = Builds(earlier.people, population, crosswise=any(c not in earlier.people for c in columns))
    out = np.zeros(len(estimates), dtype=bool)
    rows = estimates[CELL].astype({"level": "str"}).assign(place=np.arange(len(estimates)))
    for domain, cells in rows.groupby("domain", sort=False):
        levels = pd.Index(cells["level"].unique(), dtype="object")
        flags = np.zeros((len(levels), len(builds.new.indicators)), dtype=bool)
        inner = str(domain).removeprefix(REST)
        parts = [] if inner == "all" else inner.split(CROSS)
        for old in _candidates(builds, parts):
            rest = str(domain).startswith(REST)
            found = builds.differing(old, parts, levels, rest=rest)
            named = CROSS.join(old) or "all"
            then = _marked(hidden, f"{REST if rest else ''}{named}", builds.old.indicators, found.was)
            now = _marked(rows, f"{REST if rest else ''}{named}", builds.old.indicators, found.was)
            flags |= _flagged(builds, found, then, ~now, limit, same=old == parts)
        at = (levels.get_indexer(cells["level"]), builds.new.indicators.get_indexer(cells["indicator"]))
        out[cells["place"]] = flags[at]
    return out


def _candidates(builds: Builds, parts: Sequence[str]) -> list[list[str]]:
    """List the ways of dividing the old build that a division of the new one is held against."""
    known = builds.old.labels
    choices = [
        [p] if p in known else [q for q in known if len(known[q].intersection(builds.new.labels[p]))] for p in parts
    ]
    return [list(choice) for choice in product(*choices)]


def _marked(keys: pd.DataFrame, domain: str, indicators: pd.Index, levels: np.ndarray) -> np.ndarray:
    """Say, level by level, of which indicators there is a key; a level may be null."""
    out = np.zeros((len(levels), len(indicators)), dtype=bool)
    mine = keys[keys["domain"] == domain]
    there = np.flatnonzero(pd.notna(levels))
    place = pd.Index(levels[there]).get_indexer(mine["level"].astype("str"))
    indicator = indicators.get_indexer(mine["indicator"])
    found = (place >= 0) & (indicator >= 0)
    out[there[place[found]], indicator[found]] = True
    return out


def _flagged(
    builds: Builds, found: Differing, withheld_then: np.ndarray, gone: np.ndarray, limit: int, *, same: bool
) -> np.ndarray:
    """Say which estimates of one domain may not be shown beside those of one domain of the old build.

    Parameters
    ----------
    builds : Builds
    found : Differing
    withheld_then, gone : ndarray of bool, shape (levels, old indicators)
        Old estimates that were withheld, and those of which the new build has none of the same name.
    limit : int
    same : bool
        Whether the two domains have one name.

    Returns
    -------
    ndarray of bool, shape (levels, new indicators)
    """
    names, others = builds.old.indicators, builds.new.indicators
    namesake = names.to_numpy()[:, None] == others.to_numpy()[None, :]
    new = ~namesake.any(axis=0)
    near = found.counts < limit
    # As they stand in the new build they are told beside the new indicator anyway.
    unchanged = np.zeros(near.shape[:2], dtype=bool)
    for old, now in np.argwhere(namesake) if same else ():
        unchanged[:, old] = builds.renumbered | (found.counts[:, old, now] == 0)
    few = near & (found.counts > 0) & (namesake | (new & ~unchanged[:, :, None]))
    again = namesake & (same | gone[:, :, None]) | (new & gone[:, :, None])
    return np.asarray((few | (near & withheld_then[:, :, None] & again)).any(axis=1))


def few_corrected(population: pd.DataFrame, published: Iterable[Published], rules: m.DisclosureRules) -> bool:
    """Say whether the answers or weights of a few respondents differ from those published.

    Parameters
    ----------
    population, published, rules
        As for `held`.

    Returns
    -------
    bool
        Not where these answers were all published before, nor of builds of an earlier version of the program or with
        numbers of respondents given anew, of which it cannot be told.
    """
    counts = []
    for earlier in published:
        if ANSWERS not in earlier.people:
            continue
        both = earlier.people[[WHO, ANSWERS]].merge(population[[WHO, ANSWERS]], on=WHO)
        if len(both) and len(both) >= SAME_NUMBERS * min(len(earlier.people), len(population)):
            counts.append(int((both[f"{ANSWERS}_x"] != both[f"{ANSWERS}_y"]).sum()))
    return 0 not in counts and any(count < rules.min_count for count in counts)
