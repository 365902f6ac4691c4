"""What it costs to protect a wave and to attack it: 40 indicators, 309 areas in 9 regions, crossed domains.

Belongs here: generating the wave and timing. Not here: the rules, or whether the result is safe (tests).
"""

import time

import numpy as np
import pandas as pd

from engagement_stats import additive, catalogue, disclose, dominance, estimate
from engagement_stats.design import SampleDesign

DOMAINS = ["area", "region", "sex", "age", "ethnicity", "decile", "region*sex"]
# Most cells of these are small.
DENSE = [*DOMAINS, "sex*age", "region*age"]


def generate(respondents: int, areas: int = 309, indicators: int = 40, seed: int = 1) -> pd.DataFrame:
    """Draw respondents of uneven areas, with answers rare and common, some of them missing."""
    rng = np.random.default_rng(seed)
    area = rng.choice(areas, respondents, p=rng.dirichlet(np.full(areas, 4.0)))
    columns = {
        "weight": rng.lognormal(0, 0.5, respondents),
        "area": np.char.add("a", area.astype(str)),
        "region": np.char.add("r", (area % 9).astype(str)),
        "sex": rng.choice(["Female", "Male"], respondents),
        "age": rng.choice(list("abcdefg"), respondents),
        "ethnicity": rng.choice(list("abcde"), respondents, p=[0.85, 0.08, 0.04, 0.02, 0.01]),
        "decile": rng.choice([str(i) for i in range(10)], respondents),
    }
    for j in range(indicators):
        answer = (rng.random(respondents) < rng.uniform(0.01, 0.9)).astype(float)
        answer[rng.random(respondents) < [0.0, 0.002, 0.05, 0.4][j % 4]] = np.nan
        columns[f"q{j:02d}"] = answer
    return pd.DataFrame(columns)


def timed(respondents: int, domains: list[str]) -> dict[str, float]:
    """Protect a generated wave and attack what would be released; seconds, and what is withheld."""
    rules = catalogue.load()
    people = generate(respondents)
    questions = [c for c in people if c[0] == "q"]
    table = estimate.proportion(people, questions, design=SampleDesign(weight="weight"), by=domains)
    shares = dominance.shares(people, people[questions], people[["weight"]], dict.fromkeys(questions, "weight"), table)
    table = table.assign(wave="wave", weight="weight", **{c: shares[c].to_numpy() for c in dominance.SHARES})
    nested = additive.nesting(people, domains)
    start = time.perf_counter()
    out, audit = disclose.protect(table, rules, nested)
    protected = time.perf_counter()
    disclose.check(out.drop(columns=list(disclose.PRIVATE)), rules.rules.disclosure, nested.assign(wave="wave"))
    return {
        "estimates": len(table),
        "withheld": len(audit),
        "withheld_beside": disclose.lost(out, audit),
        "protect_seconds": protected - start,
        "attack_seconds": time.perf_counter() - protected,
    }


def run() -> dict[str, dict[str, float]]:
    """Time a usual wave, and a small one in which most crossed cells are hidden."""
    found = {"usual": timed(10_000, DOMAINS), "dense": timed(4_000, DENSE)}
    for name, figures in found.items():
        print(
            f"  {name:<8}{figures['estimates']:>8.0f} estimates, {figures['withheld']:.0f} withheld, "
            f"{100 * figures['withheld_beside']:.1f} per cent of the others beside them: "
            f"protect {figures['protect_seconds']:.2f} s, attack {figures['attack_seconds']:.2f} s"
        )
    return found
