"""What several test files share: the packaged catalogue, and a small invented one that a test may change."""

from pathlib import Path

import pytest
from reading import here

from engagement_stats import catalogue, sandbox
from engagement_stats.catalogue import model as m


@pytest.fixture(scope="session")
def packaged() -> catalogue.Catalogue:
    """Load the catalogue that ships with the package."""
    return catalogue.load()


@pytest.fixture
def in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read files without a child; for tests of what is done with them."""
    monkeypatch.setattr(sandbox, "run", here)


def _microdata(year: int) -> m.MicrodataWave:
    return m.MicrodataWave.model_validate(
        {
            "kind": "microdata",
            "label": f"Poll {year}",
            "survey": "poll",
            "series": "poll_series",
            "source": "maker",
            "fieldwork": {"label": f"spring {year}", "year": year},
            "mode": "web",
            "file": {"pattern": [f"poll_{year}*.csv"], "format": "csv"},
            "respondent_id": {"columns": ["id"]},
            "design": {"weights": {"main": "wt"}},
            "variables": {
                "joined": {"column": "q1", "codes": {"1": "Yes", "2": "No"}, "missing": {"-8": "dont_know"}},
                "helped": {"column": "q2", "codes": "yes_no"},
                "hours": {"column": "hrs", "numeric": [0, 168], "missing": {"-9": "refused"}},
                "sex": {"column": "sex", "codes": {"2": "Female", "1": "Male"}},
                "age": {
                    "column": "age", "bands": {"16-34": [16, 34], "35+": [35, 110]}, "missing": {"-9": "refused"},
                },
            },
            "indicators": {
                "joined_12m": {"question": "q_joined", "variable": "joined", "counts": ["Yes"]},
                "helped_12m": {"question": "q_helped", "variable": "helped", "counts": ["Yes"]},
                "hours_given": {"question": "q_hours", "variable": "hours"},
            },
            "domains": ["sex", "age", "sex*age"],
        }
    )  # fmt: skip


def _tables(year: int) -> m.TablesWave:
    return m.TablesWave.model_validate(
        {
            "kind": "tables",
            "label": f"Report {year}",
            "survey": "report",
            "series": "report_series",
            "source": "maker",
            "fieldwork": {"label": f"spring {year}", "year": year},
            "mode": "web",
            "figures": "report.csv",
            "questions": {"joined_12m": "q_joined", "helped_12m": "q_helped"},
            "base": 1000,
            "base_is": "approximate",
            "assumed_design_effect": 1.5,
            "assumed_because": "Taken for the test.",
        }
    )


def _indicator(concept: str, statistic: str = "proportion", recall: str = "12m") -> m.Indicator:
    return m.Indicator.model_validate(
        {
            "label": concept.capitalize(),
            "definition": f"{concept}.",
            "concept": concept,
            "recall": recall,
            "statistic": statistic,
            "phrase": f"had {concept}" if statistic == "proportion" else f"{concept} given",
        }
    )


@pytest.fixture
def small(packaged: catalogue.Catalogue, tmp_path: Path) -> catalogue.Catalogue:
    """Return a valid catalogue of two surveys, two waves each, with the packaged rules."""
    population = m.Population(phrase="adults in Testland", geography="Testland", age_from=16)
    return catalogue.Catalogue(
        folder=tmp_path,
        sources={
            "maker": m.Source(title="A poll", producer="Maker", licence="Open", citation="Maker (2020)")
        },
        surveys={
            name: m.Survey(
                label=name.capitalize(),
                population=population,
                frame="Addresses",
                sampling="probability",
                series={f"{name}_series": m.Series(label=f"The {name}")},
            )
            for name in ("poll", "report")
        },
        codelists={
            "yes_no": m.CodeList(codes={"1": "Yes", "2": "No"}, missing={"-9": "refused", "-1": "not_asked"})
        },
        questions={
            name: m.Question(text=f"Have you {name}?", prompting="single_item", evidence="confirmed")
            for name in ("q_joined", "q_joined_again", "q_helped", "q_hours")
        },
        indicators={
            "joined_12m": _indicator("joined"),
            "helped_12m": _indicator("helped"),
            "helped_monthly": _indicator("helped", recall="monthly"),
            "hours_given": _indicator("hours", "mean", "four_weeks"),
        },
        domains={
            "sex": m.Domain(label="Sex", definition="Sex.", levels=["Male", "Female"]),
            "age": m.Domain(label="Age", definition="Age.", levels=["16-34", "35+"]),
        },
        waves={
            "poll_2019": _microdata(2019), "poll_2020": _microdata(2020),
            "report_2018": _tables(2018), "report_2019": _tables(2019),
        },
        comparisons={},
        claims={},
        headlines={},
        leagues={},
        rules=packaged.rules,
        lexicon=packaged.lexicon,
        style=packaged.style,
    )  # fmt: skip
