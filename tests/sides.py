"""Two sides of a comparison in the small invented catalogue, and ways to make them differ.

Not here: any expectation.
"""

from dataclasses import replace
from typing import Any

from engagement_stats import catalogue
from engagement_stats.catalogue import model as m

LEFT = m.Side(wave="poll_2020", indicator="joined_12m")
RIGHT = m.Side(wave="report_2019", indicator="joined_12m")


def vary(c: catalogue.Catalogue, wave: str, **updates: Any) -> catalogue.Catalogue:
    return replace(c, waves={**c.waves, wave: c.waves[wave].model_copy(update=updates)})


def asked(c: catalogue.Catalogue, indicator: str = "joined_12m", **question: Any) -> catalogue.Catalogue:
    """Ask the right side's question in another way."""
    changed = c.questions["q_joined"].model_copy(update=question)
    out = replace(c, questions={**c.questions, "q_other": changed})
    wave = c.tables_waves["report_2019"]
    return vary(out, "report_2019", questions={**wave.questions, indicator: "q_other"})


def one_axis(c: catalogue.Catalogue, axis: str) -> tuple[catalogue.Catalogue, m.Side, m.Side]:
    """Return a catalogue and two sides that differ on this axis alone."""
    people = c.surveys["report"].population
    changes: dict[str, Any] = {
        "mode": {"mode": "telephone"},
        "sampling": {"sampling": "quota"},
        "population_age": {"population": people.model_copy(update={"age_from": 18})},
        "population_geography": {"population": people.model_copy(update={"geography": "Otherland"})},
        "fieldwork": {"fieldwork": m.Fieldwork(label="2018", year=2018)},
    }
    if axis in changes:
        return vary(c, "report_2019", **changes[axis]), LEFT, RIGHT
    if axis == "wording":
        return asked(c, text="Were you ever?"), LEFT, RIGHT
    if axis == "prompting":
        return asked(c, prompting="list"), LEFT, RIGHT
    if axis in ("concept", "recall"):
        field, value = ("concept", "something") if axis == "concept" else ("recall", "monthly")
        other = c.indicators["joined_12m"].model_copy(update={field: value})
        c = replace(c, indicators={**c.indicators, "other": other})
        return asked(c, "other"), LEFT, m.Side(wave="report_2019", indicator="other")
    earlier = m.Side(wave="poll_2019", indicator="joined_12m")
    if axis == "series":
        return vary(c, "poll_2019", series=None), LEFT, earlier
    broken = (
        c.surveys["poll"]
        .series["poll_series"]
        .model_copy(update={"breaks": [m.SeriesBreak(wave="poll_2020", reason="Everything changed.")]})
    )
    survey = c.surveys["poll"].model_copy(update={"series": {"poll_series": broken}})
    return replace(c, surveys={**c.surveys, "poll": survey}), LEFT, earlier
