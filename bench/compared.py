"""Set every area beside the nation through the pipeline's own stages: a wave of the catalogue, tabulated and compared.

Belongs here: the catalogue entry of the generated file and the task from responses to rows of `comparisons`.
Not here: the file (national), timing (tasks).
"""

from dataclasses import replace

import numpy as np
import pandas as pd

from bench.national import AREAS, INDICATORS
from engagement_stats import catalogue, compare, tabulate
from engagement_stats.catalogue import model as m

WAVE = "national"


def entries(indicators: int = INDICATORS) -> catalogue.Catalogue:
    """Describe the generated file, and ask for each area of each indicator against the nation."""
    packaged = catalogue.load()
    names = [f"i{k:02d}" for k in range(indicators)]
    question = m.Question(text="Asked?", prompting="single_item", evidence="confirmed")
    indicator = {"definition": "Asked.", "concept": "asked", "recall": "12m", "statistic": "proportion"}
    survey = m.Survey.model_validate(
        {
            "label": "National", "population": {"phrase": "adults", "geography": "England", "age_from": 16},
            "frame": "Addresses", "sampling": "probability", "series": {},
        }
    )  # fmt: skip
    wave = m.MicrodataWave.model_validate(
        {
            "kind": "microdata", "label": "National", "survey": WAVE, "source": WAVE,
            "fieldwork": {"label": "2024", "year": 2024}, "mode": "web",
            "file": {"pattern": ["national.csv"], "format": "csv"}, "respondent_id": {"columns": ["id"]},
            "design": {"weights": {"main": "weight"}, "stratum": "stratum", "psu": "household",
                       "single_psu": "certainty"},
            "variables": {},
            "indicators": {name: {"question": "asked", "variable": name, "counts": ["Yes"]} for name in names},
            "domains": ["area"],
        }
    )  # fmt: skip
    areas = m.Domain(label="Area", definition="Area.", levels=[f"E{k:03d}" for k in range(AREAS)])
    each = m.LevelsComparison(
        kind="levels",
        label="Area v nation",
        wave=WAVE,
        indicators=names,
        domain="area",
        adjustment="benjamini_hochberg",
    )
    return replace(
        packaged,
        surveys={WAVE: survey},
        questions={"asked": question},
        indicators={n: m.Indicator.model_validate({"label": n, "phrase": f"said {n}", **indicator}) for n in names},
        domains={"area": areas},
        waves={WAVE: wave},
        comparisons={"area_v_nation": each},
    )


def prepare(frame: pd.DataFrame) -> tuple[catalogue.Catalogue, pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Split the file into what the stages take: responses, indicators and weights."""
    made = [name for name in frame.columns if name[0] == "i" and name[1:].isdigit()]
    responses = frame[["stratum", "household", "area"]].rename(columns={"household": "psu"})
    answers = frame[made].astype("Float64").astype("float64")
    return entries(len(made)), responses, answers, frame[["weight"]].rename(columns={"weight": "main"})


def areas(given: tuple[catalogue.Catalogue, pd.DataFrame, pd.DataFrame, pd.DataFrame]) -> pd.DataFrame:
    """Estimate, and compare every area with the nation: overlap counted, p adjusted within each indicator."""
    entry, responses, answers, weights = given
    estimates, covariances = tabulate.microdata(responses, answers, weights, WAVE, entry)
    estimates = estimates.assign(is_suppressed=False, is_synthetic=True)
    rows = compare.comparisons(estimates, covariances, entry)
    assert len(rows) == AREAS * len(answers.columns)
    assert not np.isnan(rows["p_adjusted"]).all()
    return rows
