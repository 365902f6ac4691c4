"""Count how often 95% intervals hold the truth: `python -m bench coverage`.

Belongs here: a known population, stratified samples of it, and the coverage of our intervals when variances credit the
steps of weighting, beside the same intervals with weights taken as fixed.
Not here: timings (weighting, tasks).
"""

import os
from concurrent.futures import ProcessPoolExecutor
from typing import Any

import numpy as np
import pandas as pd

from engagement_stats import SampleDesign, estimate, weight

POPULATION = 400_000
# Respondents drawn in each of five regions, whose sampled fractions differ by a factor of eight.
DRAWN = {"A": 250, "B": 250, "C": 300, "D": 300, "E": 400}
SHARES = {"A": 0.05, "B": 0.12, "C": 0.18, "D": 0.25, "E": 0.40}
WAYS = ("raked", "trimmed", "trimmed, not raked again", "non-response", "non-response, raked")
BATCH = 50


def population(seed: int = 7) -> pd.DataFrame:
    """Make the population: a vote that leans on age, sex and region, and hours that depend on age.

    One adult of a household is drawn, so that chances are inversely proportional to the adults in it.
    """
    random = np.random.default_rng(seed)
    region = random.choice(list(SHARES), POPULATION, p=list(SHARES.values()))
    age = random.integers(0, 5, POPULATION)
    sex = random.integers(0, 2, POPULATION)
    adults = random.choice([1, 2, 3, 4], POPULATION, p=[0.3, 0.5, 0.13, 0.07])
    lean = -1.6 + 0.6 * age + 0.5 * sex + 0.3 * (region == "A") + 0.1 * adults + random.normal(0, 0.5, POPULATION)
    return pd.DataFrame(
        {
            "region": region,
            "age": np.array(["16-24", "25-34", "35-49", "50-64", "65+"])[age],
            "sex": np.array(["f", "m"])[sex],
            "adults": adults,
            "tenure": random.choice(["owns", "rents"], POPULATION, p=[0.65, 0.35]),
            "vote": (random.random(POPULATION) < 1 / (1 + np.exp(-lean))).astype(int),
            "hours": 3 + 2 * age + random.gamma(2, 2, POPULATION),
            "responds": random.random(POPULATION) < 0.35 + 0.1 * age - 0.08 * sex,
        }
    )


def weights_of(way: str, sample: pd.DataFrame, margins: dict[str, dict[str, float]]) -> weight.Weights:
    """Weight a sample in one of the ways."""
    if way.startswith("non-response"):
        adjusted = weight.adjust_cells(sample, ["age", "sex"], "answered", base="design")
        return weight.rake(sample, margins, base=adjusted) if way.endswith("raked") else adjusted
    raked = weight.rake(sample, margins, base="design")
    return raked if way == "raked" else weight.trim(raked, rule=("median", 2.5), recalibrate=way == "trimmed")


def estimates(sample: pd.DataFrame, weights: Any) -> pd.DataFrame:
    """Estimate a share, the share of a domain that cuts through everything, a mean and a total."""
    design = SampleDesign(weight=weights, stratum="region")
    shares = estimate.proportion(sample, "vote", design=design, by="tenure").iloc[[0, 2]]
    logit = estimate.proportion(sample, "vote", design=design, interval="logit")
    mean, total = (function(sample, "hours", design=design) for function in (estimate.mean, estimate.total))
    return pd.concat([shares, logit, mean, total])


LABELS = ("share", "share of a domain", "share, logit", "mean", "total")


def batch(seed: int, samples: int) -> np.ndarray:
    """Draw samples and say which intervals hold the truth: (ways, credited or fixed, estimates, samples, numbers)."""
    people = population()
    rows = {name: np.flatnonzero(people["region"] == name) for name in DRAWN}
    chances = {name: np.cumsum(1 / people["adults"].to_numpy()[place]) for name, place in rows.items()}
    margins = {v: people[v].value_counts().astype(float).to_dict() for v in ("age", "sex", "region")}
    rented = people["tenure"] == "rents"
    share = people["vote"].mean()
    truth = np.array([share, people["vote"][rented].mean(), share, people["hours"].mean(), people["hours"].sum()])
    out = np.empty((len(WAYS), 2, len(truth), samples, 3))
    random = np.random.default_rng([2018, seed])
    for s in range(samples):
        drawn = np.concatenate(
            [
                rows[name][np.searchsorted(chances[name], random.random(n) * chances[name][-1])]
                for name, n in DRAWN.items()
            ]
        )
        sample = people.iloc[drawn].reset_index(drop=True)
        sample["design"] = sample["adults"] * sample["region"].map({r: chances[r][-1] / n for r, n in DRAWN.items()})
        sample["answered"] = sample["responds"].astype(int)
        for w, way in enumerate(WAYS):
            data = sample
            if way.startswith("non-response"):
                data = sample.assign(vote=sample["vote"].where(sample["responds"]))
            weights = weights_of(way, data, margins)
            for k, chosen in enumerate((weights, "fixed")):
                found = estimates(data.assign(fixed=weights.values), chosen)
                held = (found["ci_lower"].to_numpy() <= truth) & (truth <= found["ci_upper"].to_numpy())
                out[w, k, :, s] = np.column_stack(
                    [held, found["estimate"] / truth - 1, found["standard_error"] / truth]
                )
    return out


def study(samples: int) -> pd.DataFrame:
    """Draw samples in parallel; one row a way of weighting, estimate and variance.

    Returns
    -------
    DataFrame
        way, estimate, variance ("credited" or "fixed"), coverage and its Monte Carlo standard error (per cent),
        bias and spread of the estimates and mean standard error (per cent of the truth).
    """
    sizes = [min(BATCH, samples - first) for first in range(0, samples, BATCH)]
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        out = np.concatenate(list(pool.map(batch, range(len(sizes)), sizes)), axis=3)
    rows = []
    for w, way in enumerate(WAYS):
        for e, label in enumerate(LABELS):
            for k, variance in enumerate(("credited", "fixed")):
                held, off, error = out[w, k, e].T
                rows.append(
                    {
                        "way": way,
                        "estimate": label,
                        "variance": variance,
                        "coverage": 100 * held.mean(),
                        "monte_carlo_error": 100 * np.sqrt(held.mean() * (1 - held.mean()) / samples),
                        "bias": 100 * off.mean(),
                        "spread": 100 * off.std(ddof=1),
                        "mean_standard_error": 100 * np.sqrt(np.mean(error**2)),
                    }
                )
    return pd.DataFrame(rows)
