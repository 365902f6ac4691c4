"""Invented respondents and their estimates, for tests of what must not leave.

Belongs here: making them. Not here: any expectation.
"""

import numpy as np
import pandas as pd

from engagement_stats import additive, disclose, dominance, estimate
from engagement_stats.catalogue import REST, Catalogue
from engagement_stats.design import SampleDesign
from engagement_stats.tabulate import ELSEWHERE, HERE

WAVE = "poll_2020"
DOMAINS = ("region", "sex", "age", "region*sex", "sex*age")


def frame(n: int = 900, questions: int = 4, seed: int = 1, areas: int = 0) -> pd.DataFrame:
    """Draw respondents: uneven groups, rare and common answers, some questions half unanswered."""
    rng = np.random.default_rng(seed)
    columns = {
        "w": rng.lognormal(0, 0.4, n),
        "region": rng.choice(list("NSEWC"), n, p=[0.4, 0.3, 0.2, 0.07, 0.03]),
        "sex": rng.choice(["Female", "Male"], n),
        "age": rng.choice(["16-34", "35-64", "65+"], n, p=[0.3, 0.5, 0.2]),
    }
    for j in range(questions):
        answer = (rng.random(n) < [0.5, 0.04, 0.97, 0.2][j % 4]).astype(float)
        answer[rng.random(n) < [0.0, 0.01, 0.0, 0.5][j % 4]] = np.nan
        columns[f"q{j}"] = answer
    made = pd.DataFrame(columns)
    if areas:
        made["area"] = made["region"] + pd.Series(rng.integers(0, areas, n).astype(str))
    return made


def estimates(
    respondents: pd.DataFrame, domains: tuple[str, ...] = DOMAINS, rest: tuple[str, ...] = ()
) -> pd.DataFrame:
    """Estimate all questions by all domains, with the private columns; `rest` are regions whose rest is estimated."""
    questions = [c for c in respondents if c[0] == "q"]
    outside = {f"{REST}region={r}": np.where(respondents["region"] == r, HERE, ELSEWHERE) for r in rest}
    held = respondents.assign(**outside)
    table = estimate.proportion(held, questions, design=SampleDesign(weight="w"), by=[*domains, *outside])
    table = table[table["level"] != HERE].reset_index(drop=True)
    of = table["domain"].str.partition("=")
    table = table.assign(domain=of[0], level=table["level"].mask(of[2] != "", of[2]))
    shares = dominance.shares(
        respondents, respondents[questions], respondents[["w"]], dict.fromkeys(questions, "w"), table
    )
    table = table.assign(
        **{c: shares[c].to_numpy() for c in dominance.SHARES}, wave=WAVE, survey="poll", weight="w", rounding=0.0,
        is_synthetic=False,
    )  # fmt: skip
    table.attrs.clear()
    return table


def nesting(respondents: pd.DataFrame, domains: tuple[str, ...]) -> pd.DataFrame:
    """Say which areas lie in which regions, of the wave."""
    return additive.nesting(respondents, domains).assign(wave=WAVE)


def released(table: pd.DataFrame) -> pd.DataFrame:
    """Leave the private columns out."""
    return table.drop(columns=list(disclose.PRIVATE))


def without_secondary(table: pd.DataFrame, catalogue: Catalogue) -> pd.DataFrame:
    """Suppress each estimate on its own."""
    return released(disclose.suppress(table, catalogue.rules.disclosure))
