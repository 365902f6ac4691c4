"""Grades axis by axis, and the caveat of each."""

from dataclasses import replace
from typing import Any, get_args

import pandas as pd
import pytest
from sides import LEFT, RIGHT, one_axis, vary

from engagement_stats import catalogue, comparability
from engagement_stats.catalogue import model as m

# --- grades


def test_two_sides_that_agree_on_every_axis_are_comparable(small: catalogue.Catalogue) -> None:
    assert comparability.judge(small, LEFT, RIGHT) == comparability.Judgement("comparable", (), ())
    earlier = m.Side(wave="poll_2019", indicator="joined_12m")
    assert comparability.judge(small, LEFT, earlier) == comparability.Judgement("comparable", (), ())


GRAVE = {"concept", "recall", "series"}


@pytest.mark.parametrize("axis", get_args(m.Axis))
def test_each_axis_alone_gives_its_grade_and_its_caveat(small: catalogue.Catalogue, axis: m.Axis) -> None:
    c, left, right = one_axis(small, axis)
    found = comparability.judge(c, left, right)
    assert found.differs_on == (axis,)
    assert found.grade == ("not_comparable" if axis in GRAVE else "indicative")
    assert len(found.caveats) == 1
    opening = c.rules.comparability.axes[axis].caveat.split("{")[0]
    assert found.caveats[0].startswith(opening)
    assert "{" not in found.caveats[0]


@pytest.mark.parametrize("axis", get_args(m.Axis))
def test_an_axis_a_comparison_is_about_carries_no_caveat(small: catalogue.Catalogue, axis: m.Axis) -> None:
    c, left, right = one_axis(small, axis)
    assert comparability.judge(c, left, right, about=[axis]) == comparability.Judgement("comparable", (), ())


def test_the_order_of_sides_does_not_change_the_grade(small: catalogue.Catalogue) -> None:
    for axis in get_args(m.Axis):
        c, left, right = one_axis(small, axis)
        one, two = comparability.judge(c, left, right), comparability.judge(c, right, left)
        assert (one.grade, one.differs_on) == (two.grade, two.differs_on)


@pytest.mark.parametrize("axis", ["mode", "sampling", "population_age"])
def test_what_nobody_knows_counts_as_a_difference(small: catalogue.Catalogue, axis: str) -> None:
    unknown: dict[str, Any] = {
        "mode": {"mode": "unknown"},
        "sampling": {"sampling": "unknown"},
        "population_age": {"population": m.Population(phrase="adults in Testland", geography="Testland")},
    }
    both = vary(vary(small, "report_2019", **unknown[axis]), "poll_2020", **unknown[axis])
    found = comparability.judge(both, LEFT, RIGHT)
    # Two unknowns are not two equals.
    assert found.differs_on == (axis,)
    assert "not known of either" in found.caveats[0]


def test_an_unknown_wording_differs_from_another_but_not_from_itself(small: catalogue.Catalogue) -> None:
    silent = small.questions["q_joined"].model_copy(update={"text": None, "prompting": "unknown"})
    c = replace(small, questions={**small.questions, "q_joined": silent, "q_twin": silent})
    # The same question entry is the same question, even if its text is not at hand.
    assert comparability.judge(c, LEFT, RIGHT).differs_on == ()
    named = replace(small, questions={**small.questions, "q_joined": silent})
    other = vary(named, "report_2019", questions={"joined_12m": "q_joined_again"})
    assert comparability.judge(other, LEFT, RIGHT).differs_on == ("wording", "prompting")


def test_one_wave_is_one_mode_age_and_sampling_even_if_unknown(small: catalogue.Catalogue) -> None:
    c = vary(small, "poll_2020", mode="unknown", sampling="unknown")
    men = m.Side(wave="poll_2020", indicator="joined_12m", domain="sex", level="Male")
    found = comparability.judge(c, men, LEFT)
    assert found.differs_on == ("population_geography",)
    assert comparability.judge(c, men, LEFT, about=["population_geography"]).grade == "comparable"


def test_so_many_differences_are_not_comparable_whatever_they_are(small: catalogue.Catalogue) -> None:
    people = small.surveys["report"].population.model_copy(update={"age_from": 18})
    three = vary(small, "report_2019", mode="telephone", sampling="quota", population=people)
    assert small.rules.comparability.not_comparable_from == 4
    assert comparability.judge(three, LEFT, RIGHT).grade == "indicative"
    four = vary(three, "report_2019", fieldwork=m.Fieldwork(label="2018", year=2018))
    found = comparability.judge(four, LEFT, RIGHT)
    assert len(found.differs_on) == 4
    assert found.grade == "not_comparable"
    # What a comparison is about is not counted.
    assert comparability.judge(four, LEFT, RIGHT, about=["mode"]).grade == "indicative"


def test_a_grade_given_by_hand_prints_its_reason(small: catalogue.Catalogue) -> None:
    c, left, right = one_axis(small, "concept")
    override = m.Override(grade="indicative", reason="The department does so.")
    found = comparability.judge(c, left, right, override=override)
    assert found.grade == "indicative"
    assert found.differs_on == ("concept",)
    assert found.caveats[-1] == "Graded indicative by hand: The department does so."
    assert len(found.caveats) == 2


@pytest.mark.parametrize(("days", "differs"), [(365, False), (367, True)])
def test_fieldwork_is_measured_between_nearest_ends(small: catalogue.Catalogue, days: int, differs: bool) -> None:
    early = m.Fieldwork.model_validate({"label": "x", "year": 2017, "start": pd.Timestamp("2017-01-01").date(),
                                        "end": pd.Timestamp("2018-12-31").date()})  # fmt: skip
    start = (pd.Timestamp("2018-12-31") + pd.Timedelta(days=days)).date()
    late = m.Fieldwork(label="y", year=start.year, start=start, end=start)
    c = vary(vary(small, "poll_2020", fieldwork=late), "report_2019", fieldwork=early)
    # 12 months are 365.28 days. From the first days of both it is three years.
    assert (comparability.judge(c, LEFT, RIGHT).differs_on == ("fieldwork",)) is differs


def test_a_break_outside_the_two_waves_is_no_caveat(small: catalogue.Catalogue) -> None:
    c, _, earlier = one_axis(small, "series_break")
    first = (
        c.surveys["poll"]
        .series["poll_series"]
        .model_copy(update={"breaks": [m.SeriesBreak(wave="poll_2019", reason="New in 2019.")]})
    )
    survey = c.surveys["poll"].model_copy(update={"series": {"poll_series": first}})
    assert comparability.judge(replace(c, surveys={**c.surveys, "poll": survey}), LEFT, earlier).differs_on == ()
