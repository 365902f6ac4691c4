"""One wave of the small invented catalogue, its respondents in clusters, tabulated with one comparison.

Not here: any expectation.
"""

from dataclasses import replace

import numpy as np
import pandas as pd

from engagement_stats import catalogue, compare, tabulate
from engagement_stats.catalogue import model as m

WAVE, N = "poll_2020", 400


def levels(**more: object) -> m.LevelsComparison:
    entry = {"kind": "levels", "label": "x", "wave": WAVE, "indicators": ["joined_12m"], "domain": "sex", **more}
    return m.LevelsComparison.model_validate(entry)


def people(seed: int = 11) -> pd.DataFrame:
    """Respondents in clusters that cross the sexes, so that every covariance differs from zero."""
    rng = np.random.default_rng(seed)
    psu = np.repeat(np.arange(N // 8), 8)
    lean = rng.normal(0, 1, N // 8)[psu]
    return pd.DataFrame(
        {
            "respondent": np.arange(N).astype(str),
            "stratum": np.where(psu < 25, "a", "b"),
            "psu": psu.astype(str),
            "sex": pd.Categorical(rng.choice(["Male", "Female"], N, p=[0.3, 0.7])),
            "age": pd.Categorical(np.where(psu < 25, "16-34", "35+")),
            "town": pd.Categorical(np.array(["A", "B", "C", "D"])[psu // 13]),
            "joined_12m": (rng.normal(size=N) + lean > 0.3).astype(float),
            "main": rng.uniform(0.5, 3, N),
        }
    )


def known(small: catalogue.Catalogue, entry: m.Comparison, domains: list[str]) -> catalogue.Catalogue:
    """Return the catalogue with one comparison, and the wave with these domains."""
    wave = small.microdata_waves[WAVE].model_copy(update={"domains": domains})
    wave = wave.model_copy(update={"indicators": {"joined_12m": wave.indicators["joined_12m"]}})
    town = m.Domain(label="Town", definition="Town.", levels=["A", "B", "C", "D"])
    return replace(
        small,
        waves={**small.waves, WAVE: wave},
        comparisons={"c": entry},
        domains={**small.domains, "town": town},
    )


def made(
    small: catalogue.Catalogue, responses: pd.DataFrame, entry: m.Comparison, domains: list[str]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Tabulate the wave with one comparison in the catalogue; return its estimates and its comparisons."""
    c = known(small, entry, domains)
    about = responses.drop(columns=["joined_12m", "main"])
    table, covariances = tabulate.microdata(about, responses[["joined_12m"]], responses[["main"]], WAVE, c)
    table = table.assign(is_suppressed=False, is_synthetic=False)
    return table, compare.comparisons(table, covariances, c)
