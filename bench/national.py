"""Generate a national survey file, the same every time.

Belongs here: the synthetic file that timings are taken on.
Not here: timing (times), peers (peers). Nobody in it is real.
"""

import numpy as np
import pandas as pd

AREAS = 309
QUARTERS = 4
INDICATORS = 40
WEIGHT_CV = 0.8


def generate(respondents: int = 175_000, *, indicators: int = INDICATORS, seed: int = 2018) -> pd.DataFrame:
    """Make a file of respondents, sorted by nothing in particular.

    Parameters
    ----------
    respondents : int, default 175,000
    indicators : int, default 40
        Yes/no items `i00`, `i01` ...; from 0 to 57 per cent did not answer, each item its own respondents.
    seed : int

    Returns
    -------
    DataFrame
        weight, stratum (area by quarter), household (the PSU), area (309, made of strata), region (9, made of
        areas), decile, urban and
        lbn (constant in a household), agesex (14) and ethnicity (5) of respondents, and the items as nullable
        Int8.
    """
    random = np.random.default_rng(seed)
    sizes = random.choice([1, 2, 3, 4], p=[0.56, 0.36, 0.06, 0.02], size=respondents)
    household = np.repeat(np.arange(respondents), sizes)[:respondents]
    households = int(household[-1]) + 1
    stratum = np.sort(random.integers(0, AREAS * QUARTERS, households))
    area = stratum // QUARTERS
    region_of_area = np.sort(random.integers(0, 9, AREAS))
    decile = random.integers(1, 11, households)
    urban = random.random(households) < 0.8
    lbn = random.random(households) < 0.035
    ethnicity_of_household = random.choice(5, p=[0.82, 0.03, 0.08, 0.04, 0.03], size=households)
    spread = np.sqrt(np.log1p(WEIGHT_CV**2))
    frame = {
        "weight": np.exp(random.normal(0, spread, respondents) - spread**2 / 2),
        "stratum": stratum[household].astype(np.int32),
        "household": household.astype(np.int32),
        "area": pd.Categorical.from_codes(area[household], [f"E{k:03d}" for k in range(AREAS)]),
        "region": pd.Categorical.from_codes(region_of_area[area][household], [f"region {k}" for k in range(9)]),
        "decile": decile[household].astype(np.int8),
        "urban": urban[household],
        "lbn": lbn[household],
        "agesex": pd.Categorical.from_codes(random.integers(0, 14, respondents), [f"g{k:02d}" for k in range(14)]),
        "ethnicity": pd.Categorical.from_codes(
            np.where(
                random.random(respondents) < 0.95, ethnicity_of_household[household], random.integers(0, 5, respondents)
            ),
            list("ABCDE"),
        ),
    }
    lean = random.normal(0, 0.7, households)[household] + random.normal(0, 0.15, AREAS)[area][household]
    chance = random.random(respondents, np.float32)
    for item in range(indicators):
        share = 0.01 + 0.9 * item / max(indicators - 1, 1)
        random.random(out=chance, dtype=np.float32)
        yes = chance < 1 / (1 + np.exp(-(np.log(share / (1 - share)) + lean)))
        random.random(out=chance, dtype=np.float32)
        unanswered = chance < 0.57 * (item % 10) / 9
        frame[f"i{item:02d}"] = pd.arrays.IntegerArray(yes.astype(np.int8), unanswered)
    table = pd.DataFrame(frame)
    return table.iloc[random.permutation(respondents)].reset_index(drop=True)


FAMILIES = ["region", "decile", "urban", "agesex", "lbn", "area", "ethnicity"]
