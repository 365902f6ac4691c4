"""Differences, ratios and adjusted p against references; grades axis by axis; verdicts against the publisher's."""

import math
from dataclasses import replace
from typing import Any, get_args

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests

from engagement_stats import catalogue, compare, disclose, tabulate
from engagement_stats.catalogue import model as m
from engagement_stats.errors import ComparisonError

# R survey 4.5: svymean(~api00) on apistrat and on apiclus1, both as sampled with replacement.
APISTRAT = {"left": 662.287363159321, "left_standard_error": 9.53613229692516, "left_degrees_of_freedom": 197}
APICLUS1 = {"right": 644.169398907104, "right_standard_error": 23.7790107208869, "right_degrees_of_freedom": 14}
# R's values are typed in with 15 digits, and enter squares and differences: 1e-9 leaves room for that only.
RTOL = 1e-9

# --- differences and ratios


def test_independent_samples_are_r_s() -> None:
    # R: case L1.indep.diff, sqrt(SE(dstrat)^2 + SE(dclus1)^2) with Satterthwaite's degrees of freedom.
    d = compare.difference(**APISTRAT, **APICLUS1)
    assert d.difference == pytest.approx(18.1179642522169, rel=RTOL)
    assert d.standard_error == pytest.approx(25.6198979320471, rel=RTOL)
    assert d.degrees_of_freedom == pytest.approx(18.8306334530447, rel=RTOL)
    # R's pt(18.118 / 25.620, 18.83) by scipy: the normal's p (0.47946) and the smaller sample's df would differ.
    expected = 2 * stats.t.sf(18.1179642522169 / 25.6198979320471, 18.8306334530447)
    assert d.p_value == pytest.approx(expected, rel=1e-8)
    assert abs(d.p_value - 2 * stats.norm.sf(18.1179642522169 / 25.6198979320471)) > 0.005
    half = stats.t.ppf(0.975, 18.8306334530447) * 25.6198979320471
    assert (d.ci_lower, d.ci_upper) == pytest.approx((18.1179642522169 - half, 18.1179642522169 + half), rel=1e-8)
    # z instead of t would be 3.4 points shorter at each end.
    assert half - 1.959963984540054 * 25.6198979320471 > 3.4


def test_the_ratio_of_independent_samples_is_r_s() -> None:
    d = compare.difference(**APISTRAT, **APICLUS1)
    assert d.ratio == pytest.approx(1.02812608652779, rel=RTOL)
    # R gives the ratio's standard error by the delta method; ours is on the log scale, so the spread is se / ratio.
    spread = stats.t.ppf(0.975, 18.8306334530447) * 0.0407374717302547 / 1.02812608652779
    assert math.log(d.ratio_ci_upper / d.ratio) == pytest.approx(spread, rel=1e-8)
    assert math.log(d.ratio / d.ratio_ci_lower) == pytest.approx(spread, rel=1e-8)


# R: case B4.overlap.dstrat, mean api00 of elementary schools against that of all, which hold them.
SUBGROUP = {"left": 674.43, "left_standard_error": 12.3824797939073}
WHOLE = {"right": 662.287363159321, "right_standard_error": 9.40894080278458}


def test_a_subgroup_and_a_total_that_holds_it_are_r_s() -> None:
    d = compare.difference(**SUBGROUP, **WHOLE, covariance=109.437096900588, degrees_of_freedom=197)
    assert d.difference == pytest.approx(12.1426368406792, rel=RTOL)
    assert d.standard_error == pytest.approx(4.79372288265092, rel=RTOL)
    assert d.degrees_of_freedom == 197
    assert d.p_value < 0.05
    spread = stats.t.ppf(0.975, 197) * 0.00712112451329036 / 1.01833439306883
    assert math.log(d.ratio_ci_upper / d.ratio) == pytest.approx(spread, rel=1e-8)


def test_leaving_out_the_covariance_gives_another_answer() -> None:
    ignored = compare.difference(**SUBGROUP, **WHOLE)
    # Three times the standard error, and a difference that is clear is missed.
    assert ignored.standard_error == pytest.approx(math.hypot(12.3824797939073, 9.40894080278458), rel=RTOL)
    assert ignored.standard_error > 3 * 4.79372288265092
    assert ignored.p_value > 0.05


def test_a_subgroup_against_its_total_has_the_error_rate_it_says() -> None:
    # Half of 400 against all 400, no true difference: treated as independent the test all but never rejects.
    rng, right, wrong = np.random.default_rng(7), 0, 0
    for _ in range(1500):
        y = rng.normal(size=400)
        half, total = y[:200], y
        v = y.var(ddof=1)
        sides = (half.mean(), total.mean(), math.sqrt(v / 200), math.sqrt(v / 400))
        right += compare.difference(*sides, covariance=v / 400, degrees_of_freedom=399).p_value < 0.05
        wrong += compare.difference(*sides).p_value < 0.05
    # 1,500 draws at 5 per cent: four binomial standard errors are 2.3 points.
    assert abs(right / 1500 - 0.05) < 0.023
    assert wrong / 1500 < 0.015


def test_a_missing_standard_error_leaves_the_arithmetic_only() -> None:
    d = compare.difference(0.08, 0.15, math.nan, 0.004)
    assert (d.difference, d.ratio) == pytest.approx((-0.07, 8 / 15), rel=1e-12)
    rest = [getattr(d, k) for k in d.__slots__ if k not in ("difference", "ratio")]
    assert all(math.isnan(x) for x in rest)


def test_a_share_of_zero_has_no_ratio_interval() -> None:
    zero = compare.difference(0.0, 0.2, 0.0, 0.01)
    assert zero.ratio == 0
    assert math.isnan(zero.ratio_ci_lower)
    assert math.isnan(compare.difference(0.2, 0.0, 0.01, 0.0).ratio)


def test_no_doubt_on_either_side_is_no_division_by_zero() -> None:
    assert compare.difference(0.5, 0.5, 0.0, 0.0).p_value == 1.0
    certain = compare.difference(0.6, 0.5, 0.0, 0.0)
    assert (certain.p_value, certain.ci_lower, certain.ci_upper) == pytest.approx((0.0, 0.1, 0.1), abs=1e-12)


@pytest.mark.parametrize("seed", range(20))
def test_swapping_sides_turns_the_result_round(seed: int) -> None:
    a, b, s, t, c = np.random.default_rng(seed).uniform([0.1, 0.1, 0.01, 0.01, 0], [0.9, 0.9, 0.1, 0.1, 0.0001])
    one = compare.difference(a, b, s, t, covariance=c, left_rounding=0.005)
    two = compare.difference(b, a, t, s, covariance=c, right_rounding=0.005)
    # The same doubles in another order.
    assert one.difference == pytest.approx(-two.difference, rel=1e-12)
    assert one.ci_lower == pytest.approx(-two.ci_upper, rel=1e-9)
    assert one.p_value == pytest.approx(two.p_value, rel=1e-9)
    assert one.ratio_ci_lower == pytest.approx(1 / two.ratio_ci_upper, rel=1e-9)
    assert one.ci_lower <= one.difference <= one.ci_upper
    assert one.ratio_ci_lower <= one.ratio <= one.ratio_ci_upper


def test_a_higher_confidence_widens_the_interval() -> None:
    wide, narrow = (compare.difference(0.4, 0.3, 0.02, 0.02, confidence=c) for c in (0.99, 0.9))
    # 2.5758 and 1.6449 standard errors of 0.02828.
    assert wide.ci_upper - 0.1 == pytest.approx(2.5758293035489 * math.sqrt(0.0008), rel=1e-9)
    assert narrow.ci_upper - 0.1 == pytest.approx(1.6448536269515 * math.sqrt(0.0008), rel=1e-9)


# --- rounding


def test_rounding_widens_the_interval_and_delays_the_verdict() -> None:
    exact = compare.difference(0.63, 0.61, 0.0059, 0.0014)
    d = compare.difference(0.63, 0.61, 0.0059, 0.0014, left_rounding=0.005, right_rounding=0.005)
    assert d.ci_lower == pytest.approx(exact.ci_lower - 0.01, rel=1e-9)
    assert d.ci_upper == pytest.approx(exact.ci_upper + 0.01, rel=1e-9)
    # The test is of the 1 point that rounding cannot explain.
    assert d.p_value == pytest.approx(2 * stats.norm.sf(0.01 / math.hypot(0.0059, 0.0014)), rel=1e-9)
    assert exact.p_value < 0.001 < 0.05 < d.p_value


@pytest.mark.parametrize("left_rounding", [0.0, 0.005])
@pytest.mark.parametrize("right_rounding", [0.0, 0.005])
def test_rounding_is_a_bound_on_differences_and_ratios(left_rounding: float, right_rounding: float) -> None:
    # Wherever in their rounding ranges the true figures lie, their interval lies inside ours.
    d = compare.difference(0.08, 0.5, 0.01, 0.02, left_rounding=left_rounding, right_rounding=right_rounding)
    for x in np.linspace(0.08 - left_rounding, 0.08 + left_rounding, 5):
        for y in np.linspace(0.5 - right_rounding, 0.5 + right_rounding, 5):
            true = compare.difference(x, y, 0.01, 0.02)
            assert d.ci_lower - 1e-12 <= true.ci_lower
            assert true.ci_upper <= d.ci_upper + 1e-12
            assert true.p_value <= 1
            assert d.ratio_ci_lower <= true.ratio <= d.ratio_ci_upper
    point = compare.difference(0.08, 0.5, 0.01, 0.02)
    low = (0.08 - left_rounding) / (0.5 + right_rounding) / (0.08 / 0.5)
    assert d.ratio_ci_lower == pytest.approx(point.ratio_ci_lower * low, rel=1e-12)


def test_a_difference_inside_the_rounding_is_no_evidence() -> None:
    d = compare.difference(0.62, 0.612, 1e-6, 1e-6, left_rounding=0.005, right_rounding=0.005)
    assert d.p_value == 1.0
    assert compare.difference(0.62, 0.612, 1e-6, 1e-6).p_value == 0.0


@pytest.mark.parametrize("points", range(1, 100))
def test_a_gap_of_exactly_the_rounding_is_no_evidence(points: int) -> None:
    """0.62 - 0.61 is 0.010000000000000009: the last bit of a decimal fraction is no difference."""
    left, right = (points + 1) / 100, points / 100
    for a, b in ((left, right), (right, left)):
        d = compare.difference(a, b, 1e-9, 1e-9, left_rounding=0.005, right_rounding=0.005)
        assert d.p_value == 1.0
        assert compare.difference(a, b, 0.0, 0.0, left_rounding=0.005, right_rounding=0.005).p_value == 1.0
    # A gap that is larger by more than that is one.
    assert compare.difference(left + 1e-6, right, 1e-9, 1e-9, left_rounding=0.005, right_rounding=0.005).p_value == 0.0


# --- Holm


@pytest.mark.parametrize("seed", range(10))
def test_holm_is_that_of_statsmodels(seed: int) -> None:
    rng = np.random.default_rng(seed)
    p = rng.uniform(0, 0.2, size=rng.integers(1, 12))
    # Products and running maxima of the same doubles.
    np.testing.assert_allclose(compare.holm(p.tolist()), multipletests(p, method="holm")[1], rtol=1e-14)


def test_holm_by_hand_and_not_bonferroni_or_raw() -> None:
    # Steps: 3 x 0.01, 2 x 0.03, then the running maximum. Bonferroni: 0.03, 0.12, 0.09.
    assert compare.holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])


def test_what_was_not_tested_does_not_count() -> None:
    out = compare.holm([math.nan, 0.02, math.nan, 0.03])
    assert np.isnan(out[[0, 2]]).all()
    assert out[[1, 3]] == pytest.approx([0.04, 0.04])
    assert compare.holm([]).tolist() == []
    assert np.isnan(compare.holm([math.nan])).all()
    assert compare.holm([0.6, 0.7]).tolist() == [1.0, 1.0]


def test_a_family_of_nine_has_one_false_star_in_twenty_and_not_in_three() -> None:
    p = np.random.default_rng(11).uniform(size=(3000, 9))
    raw = (p.min(axis=1) < 0.05).mean()
    adjusted = np.mean([compare.holm(row).min() < 0.05 for row in p])
    # 1 - 0.95^9 = 0.37; four binomial standard errors at 5 per cent of 3,000 are 1.6 points.
    assert raw > 0.33
    assert adjusted < 0.066


# --- grades

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


def test_two_sides_that_agree_on_every_axis_are_comparable(small: catalogue.Catalogue) -> None:
    assert compare.judge(small, LEFT, RIGHT) == compare.Judgement("comparable", (), ())
    earlier = m.Side(wave="poll_2019", indicator="joined_12m")
    assert compare.judge(small, LEFT, earlier) == compare.Judgement("comparable", (), ())


GRAVE = {"concept", "recall", "series"}


@pytest.mark.parametrize("axis", get_args(m.Axis))
def test_each_axis_alone_gives_its_grade_and_its_caveat(small: catalogue.Catalogue, axis: m.Axis) -> None:
    c, left, right = one_axis(small, axis)
    found = compare.judge(c, left, right)
    assert found.differs_on == (axis,)
    assert found.grade == ("not_comparable" if axis in GRAVE else "indicative")
    assert len(found.caveats) == 1
    opening = c.rules.comparability.axes[axis].caveat.split("{")[0]
    assert found.caveats[0].startswith(opening)
    assert "{" not in found.caveats[0]


@pytest.mark.parametrize("axis", get_args(m.Axis))
def test_an_axis_a_comparison_is_about_carries_no_caveat(small: catalogue.Catalogue, axis: m.Axis) -> None:
    c, left, right = one_axis(small, axis)
    assert compare.judge(c, left, right, about=[axis]) == compare.Judgement("comparable", (), ())


def test_the_order_of_sides_does_not_change_the_grade(small: catalogue.Catalogue) -> None:
    for axis in get_args(m.Axis):
        c, left, right = one_axis(small, axis)
        one, two = compare.judge(c, left, right), compare.judge(c, right, left)
        assert (one.grade, one.differs_on) == (two.grade, two.differs_on)


@pytest.mark.parametrize("axis", ["mode", "sampling", "population_age"])
def test_what_nobody_knows_counts_as_a_difference(small: catalogue.Catalogue, axis: str) -> None:
    unknown: dict[str, Any] = {
        "mode": {"mode": "unknown"},
        "sampling": {"sampling": "unknown"},
        "population_age": {"population": m.Population(phrase="adults in Testland", geography="Testland")},
    }
    both = vary(vary(small, "report_2019", **unknown[axis]), "poll_2020", **unknown[axis])
    found = compare.judge(both, LEFT, RIGHT)
    # Two unknowns are not two equals.
    assert found.differs_on == (axis,)
    assert "not known of either" in found.caveats[0]


def test_an_unknown_wording_differs_from_another_but_not_from_itself(small: catalogue.Catalogue) -> None:
    silent = small.questions["q_joined"].model_copy(update={"text": None, "prompting": "unknown"})
    c = replace(small, questions={**small.questions, "q_joined": silent, "q_twin": silent})
    # The same question entry is the same question, even if its text is not at hand.
    assert compare.judge(c, LEFT, RIGHT).differs_on == ()
    named = replace(small, questions={**small.questions, "q_joined": silent})
    other = vary(named, "report_2019", questions={"joined_12m": "q_joined_again"})
    assert compare.judge(other, LEFT, RIGHT).differs_on == ("wording", "prompting")


def test_one_wave_is_one_mode_age_and_sampling_even_if_unknown(small: catalogue.Catalogue) -> None:
    c = vary(small, "poll_2020", mode="unknown", sampling="unknown")
    men = m.Side(wave="poll_2020", indicator="joined_12m", domain="sex", level="Male")
    found = compare.judge(c, men, LEFT)
    assert found.differs_on == ("population_geography",)
    assert compare.judge(c, men, LEFT, about=["population_geography"]).grade == "comparable"


def test_so_many_differences_are_not_comparable_whatever_they_are(small: catalogue.Catalogue) -> None:
    people = small.surveys["report"].population.model_copy(update={"age_from": 18})
    three = vary(small, "report_2019", mode="telephone", sampling="quota", population=people)
    assert small.rules.comparability.not_comparable_from == 4
    assert compare.judge(three, LEFT, RIGHT).grade == "indicative"
    four = vary(three, "report_2019", fieldwork=m.Fieldwork(label="2018", year=2018))
    found = compare.judge(four, LEFT, RIGHT)
    assert len(found.differs_on) == 4
    assert found.grade == "not_comparable"
    # What a comparison is about is not counted.
    assert compare.judge(four, LEFT, RIGHT, about=["mode"]).grade == "indicative"


def test_a_grade_given_by_hand_prints_its_reason(small: catalogue.Catalogue) -> None:
    c, left, right = one_axis(small, "concept")
    override = m.Override(grade="indicative", reason="The department does so.")
    found = compare.judge(c, left, right, override=override)
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
    assert (compare.judge(c, LEFT, RIGHT).differs_on == ("fieldwork",)) is differs


def test_a_break_outside_the_two_waves_is_no_caveat(small: catalogue.Catalogue) -> None:
    c, _, earlier = one_axis(small, "series_break")
    first = (
        c.surveys["poll"]
        .series["poll_series"]
        .model_copy(update={"breaks": [m.SeriesBreak(wave="poll_2019", reason="New in 2019.")]})
    )
    survey = c.surveys["poll"].model_copy(update={"series": {"poll_series": first}})
    assert compare.judge(replace(c, surveys={**c.surveys, "poll": survey}), LEFT, earlier).differs_on == ()


# --- comparisons

NO_COVARIANCES = pd.DataFrame(columns=tabulate.COVARIANCE_COLUMNS)


def row(side: m.Side, estimate: float, se: float, **more: Any) -> dict[str, Any]:
    return {
        "survey": side.wave.split("_")[0], "wave": side.wave, "indicator": side.indicator, "domain": side.domain,
        "level": side.level, "estimate": estimate, "standard_error": se, "degrees_of_freedom": 500.0, "rounding": 0.0,
        "variance_basis": "weights_only", "evidence": None, "is_suppressed": False, "is_synthetic": False, **more,
    }  # fmt: skip


def compared(
    c: catalogue.Catalogue,
    rows: list[dict[str, Any]],
    covariances: pd.DataFrame = NO_COVARIANCES,
    **pairs: dict[str, Any],
) -> pd.DataFrame:
    """Make pair comparisons, named by keyword; left and right as above when not given."""
    base = {"kind": "pair", "label": "x", "family": "f", "left": LEFT, "right": RIGHT}
    made = {k: m.PairComparison.model_validate({**base, **v}) for k, v in pairs.items()}
    return compare.comparisons(pd.DataFrame(rows), covariances, replace(c, comparisons=made))


def test_verdicts_follow_the_adjusted_p_and_the_sign(small: catalogue.Catalogue) -> None:
    near = m.Side(wave="poll_2019", indicator="joined_12m")
    rows = [row(LEFT, 0.40, 0.01), row(RIGHT, 0.30, 0.01), row(near, 0.401, 0.01)]
    out = compared(small, rows, up={}, down={"left": RIGHT, "right": LEFT}, same={"right": near})
    verdicts = out.set_index("comparison")["verdict"].to_dict()
    assert verdicts == {"up": "higher", "down": "lower", "same": "no clear difference"}


def test_a_family_is_adjusted_together_and_the_verdict_is_the_adjusted_one(small: catalogue.Catalogue) -> None:
    # 2.1 standard errors: p = 0.036 alone, 0.072 as one of two like it.
    rows = [row(LEFT, 0.321, 0.0070710678), row(RIGHT, 0.30, 0.0070710678)]
    alone = compared(small, rows, a={"family": "one"}, b={"family": "two"})
    assert alone["verdict"].tolist() == ["higher", "higher"]
    assert alone["family_size"].tolist() == [1, 1]
    # One test is adjusted for nothing.
    assert alone["adjustment"].tolist() == [None, None]
    assert alone["p_adjusted"].tolist() == alone["p_value"].tolist()
    together = compared(small, rows, a={}, b={})
    assert together["verdict"].tolist() == ["no clear difference", "no clear difference"]
    assert together["p_adjusted"].tolist() == pytest.approx((2 * together["p_value"]).tolist())
    assert together["family_size"].tolist() == [2, 2]
    assert set(together["adjustment"]) == {"holm"}


def test_what_is_not_comparable_is_never_higher_or_lower(small: catalogue.Catalogue) -> None:
    c, left, right = one_axis(small, "concept")
    rows = [row(left, 0.9, 0.001), row(right, 0.1, 0.001)]
    out = compared(c, rows, a={"left": left, "right": right}, b={"left": right, "right": left})
    assert set(out["verdict"]) == {"not comparable"}
    assert out["p_value"].isna().all()
    assert out["p_adjusted"].isna().all()
    assert out["adjustment"].isna().all()
    assert out["family_size"].tolist() == [0, 0]
    # The arithmetic is kept, so that a reader can see what was claimed.
    assert out["difference"].abs().tolist() == pytest.approx([0.8, 0.8])
    assert out["differs_on"].tolist() == ["concept", "concept"]


def test_a_suppressed_side_takes_every_number_with_it(small: catalogue.Catalogue) -> None:
    rows = [row(LEFT, 0.4, 0.01), row(RIGHT, math.nan, math.nan, is_suppressed=True)]
    out = compared(small, rows, a={})
    assert bool(out.loc[0, "is_suppressed"])
    numeric = [c for c in out.select_dtypes("number").columns if c != "family_size"]
    # Not even the side that may be shown: with the difference known elsewhere it would give the other.
    assert out[numeric].isna().all(axis=None)
    assert out.loc[0, "verdict"] is None
    assert out.loc[0, "family_size"] == 0


def test_an_unknown_standard_error_gives_no_verdict(small: catalogue.Catalogue) -> None:
    out = compared(small, [row(LEFT, 0.08, math.nan), row(RIGHT, 0.15, 0.01)], a={})
    assert out.loc[0, "verdict"] is None
    assert out.loc[0, "difference"] == pytest.approx(-0.07)
    assert out[["standard_error", "ci_lower", "ci_upper", "p_value", "p_adjusted"]].isna().all(axis=None)


def test_a_synthetic_side_marks_the_comparison(small: catalogue.Catalogue) -> None:
    real, synthetic = row(LEFT, 0.4, 0.01), row(RIGHT, 0.3, 0.01, is_synthetic=True)
    assert compared(small, [real, synthetic], a={})["is_synthetic"].tolist() == [True]
    assert compared(small, [real, row(RIGHT, 0.3, 0.01)], a={})["is_synthetic"].tolist() == [False]


MEN = m.Side(wave="poll_2020", indicator="joined_12m", domain="sex", level="Male")


@pytest.mark.parametrize("turned", [False, True])
def test_within_a_wave_the_covariance_is_used_whichever_way_it_is_noted(
    small: catalogue.Catalogue, turned: bool
) -> None:
    sides = [*MEN.key[1:], *LEFT.key[1:]] if not turned else [*LEFT.key[1:], *MEN.key[1:]]
    noted = pd.DataFrame([["poll_2020", *sides, 0.00009]], columns=tabulate.COVARIANCE_COLUMNS)
    rows = [row(MEN, 0.42, 0.0125, degrees_of_freedom=200.0), row(LEFT, 0.40, 0.01)]
    pair = {"left": MEN, "right": LEFT, "about": ["population_geography"]}
    out = compared(small, rows, noted, a=pair).iloc[0]
    # By hand: 0.0125^2 + 0.01^2 - 2 x 0.00009; independent it would be 0.0160.
    assert out["standard_error"] == pytest.approx(math.sqrt(0.00007625), rel=1e-12)
    assert out["degrees_of_freedom"] == 200
    with pytest.raises(ComparisonError, match="both sides are of wave poll_2020 and their covariance is missing"):
        compared(small, rows, a=pair)


def test_two_published_figures_of_one_wave_have_no_known_covariance_and_no_verdict(
    small: catalogue.Catalogue,
) -> None:
    men = m.Side(wave="report_2019", indicator="joined_12m", domain="sex", level="Male")
    rows = [row(men, 0.42, 0.01, variance_basis="published"), row(RIGHT, 0.4, 0.01, variance_basis="assumed")]
    out = compared(small, rows, a={"left": men, "right": RIGHT, "about": ["population_geography"]}).iloc[0]
    assert out["verdict"] is None
    assert math.isnan(out["standard_error"])
    assert out["difference"] == pytest.approx(0.02)


def test_published_standard_errors_take_the_normal_and_ours_student_s_t(small: catalogue.Catalogue) -> None:
    ours, theirs = row(LEFT, 0.4, 0.03, degrees_of_freedom=5.0), row(RIGHT, 0.3, 0.04, degrees_of_freedom=math.nan)
    out = compared(small, [ours, theirs], a={}).iloc[0]
    # Satterthwaite with an infinite second sample: (v1 + v2)^2 / (v1^2 / 5).
    assert out["degrees_of_freedom"] == pytest.approx(0.0025**2 / (0.0009**2 / 5), rel=1e-12)
    both = compared(small, [row(LEFT, 0.4, 0.03, degrees_of_freedom=math.nan), theirs], a={}).iloc[0]
    assert both["p_value"] == pytest.approx(2 * stats.norm.sf(2.0), rel=1e-9)


def test_a_comparison_with_a_side_that_has_not_landed_is_left_out(small: catalogue.Catalogue) -> None:
    out = compared(small, [row(LEFT, 0.4, 0.01)], a={})
    assert len(out) == 0
    assert list(out.columns) == compare.COLUMNS


def test_rows_are_sorted_whatever_the_catalogue_s_order(small: catalogue.Catalogue) -> None:
    rows = [row(LEFT, 0.4, 0.01), row(RIGHT, 0.3, 0.01)]
    assert compared(small, rows, z={}, a={}, k={})["comparison"].tolist() == ["a", "k", "z"]


# --- what is weak about a side


def caveats(c: catalogue.Catalogue, left: dict[str, Any], right: dict[str, Any]) -> str:
    return str(compared(c, [left, right], a={}).loc[0, "caveats"])


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("kind", get_args(m.Caution))
def test_what_is_weak_about_a_side_is_said_whatever_the_other_is(
    small: catalogue.Catalogue, kind: str, side: str
) -> None:
    weak = LEFT if side == "left" else RIGHT
    fields: dict[str, Any] = {}
    both = {"variance_basis": "design", "evidence": "confirmed"}
    if kind in ("weights_only", "assumed"):
        fields = {"variance_basis": kind}
    elif kind in ("second_hand", "inferred", "unverified"):
        fields = {"evidence": kind}
    else:
        # Of both, so that no axis differs and the caution is all there is.
        small = vary(vary(small, "poll_2020", sampling=kind), "report_2019", sampling=kind)
    rows = [row(s, 0.4, 0.01, **{**both, **(fields if s == weak else {})}) for s in (LEFT, RIGHT)]
    assert caveats(small, *rows) == small.rules.comparability.cautions[kind]  # type: ignore[index]


def test_a_caution_is_said_once_after_the_caveats_of_the_axes(small: catalogue.Catalogue) -> None:
    c, _, _ = one_axis(small, "mode")
    rows = [row(LEFT, 0.4, 0.01), row(RIGHT, 0.3, 0.01, variance_basis="assumed", evidence="second_hand")]
    cautions = c.rules.comparability.cautions
    said = caveats(c, *rows)
    axis = compare.judge(c, LEFT, RIGHT).caveats[0]
    assert said == " ".join([axis, cautions["weights_only"], cautions["assumed"], cautions["second_hand"]])
    both = caveats(small, row(LEFT, 0.4, 0.01), row(RIGHT, 0.3, 0.01))
    assert both == cautions["weights_only"]


def test_strong_sides_carry_no_caution(small: catalogue.Catalogue) -> None:
    strong = {"variance_basis": "design", "evidence": "confirmed"}
    assert caveats(small, row(LEFT, 0.4, 0.01, **strong), row(RIGHT, 0.3, 0.01, **strong)) == ""


# --- series


def series_compared(c: catalogue.Catalogue, family: str | None) -> pd.DataFrame:
    more = {} if family is None else {"family": family}
    entry = m.SeriesComparison.model_validate(
        {"kind": "series", "label": "x", "series": "poll_series", "indicators": ["joined_12m", "helped_12m"], **more}
    )
    rows = [
        row(m.Side(wave=w, indicator=i), value, 0.01)
        for w, i, value in (
            ("poll_2019", "joined_12m", 0.30), ("poll_2020", "joined_12m", 0.331),
            ("poll_2019", "helped_12m", 0.30), ("poll_2020", "helped_12m", 0.331),
        )
    ]  # fmt: skip
    return compare.comparisons(pd.DataFrame(rows), NO_COVARIANCES, replace(c, comparisons={"s": entry}))


def test_a_series_is_adjusted_by_indicator_or_by_wave(small: catalogue.Catalogue) -> None:
    # 2.2 standard errors: p = 0.029 alone, 0.057 as one of two.
    for family in (None, "indicator"):
        out = series_compared(small, family)
        assert sorted(out["family"]) == ["poll_series__helped_12m", "poll_series__joined_12m"]
        assert out["family_size"].tolist() == [1, 1]
        assert out["verdict"].tolist() == ["higher", "higher"]
        assert out["adjustment"].isna().all()
    out = series_compared(small, "wave")
    assert out["family"].tolist() == ["poll_series__poll_2020"] * 2
    assert out["family_size"].tolist() == [2, 2]
    assert out["adjustment"].tolist() == ["holm", "holm"]
    assert out["verdict"].tolist() == ["no clear difference"] * 2
    assert out["p_adjusted"].tolist() == pytest.approx((2 * out["p_value"]).tolist())


def test_fifteen_activities_of_the_hansard_audit_are_one_family(packaged: catalogue.Catalogue) -> None:
    c = replace(packaged, comparisons={"hansard_audit": packaged.comparisons["hansard_audit"]})
    names = sorted(c.comparisons["hansard_audit"].indicators)  # type: ignore[union-attr]
    assert len(names) == 15
    assert "demonstration_12m" in names
    # Demonstrating moves by 2.2 standard errors, p = 0.028; nothing else moves.
    rows = [
        row(m.Side(wave=w, indicator=i), 0.04 + 0.022 * (late and i == "demonstration_12m"), math.sqrt(0.00005))
        for w, late in (("hansard_audit_2013", False), ("hansard_audit_2016", True)) for i in names
    ]  # fmt: skip
    out = compare.comparisons(pd.DataFrame(rows), NO_COVARIANCES, c)
    assert set(out["family"]) == {"hansard_audit__hansard_audit_2016"}
    assert len(out) == 15
    assert set(out["family_size"]) == {15}
    assert set(out["adjustment"]) == {"holm"}
    demonstration = out.set_index("left_indicator").loc["demonstration_12m"]
    assert demonstration["p_value"] < 0.05
    assert demonstration["p_adjusted"] == pytest.approx(15 * demonstration["p_value"])
    assert demonstration["verdict"] == "no clear difference"
    # Every other series is adjusted by indicator.
    others = {k: v.family for k, v in packaged.comparisons.items() if v.kind == "series" and k != "hansard_audit"}
    assert set(others.values()) == {"indicator"}


# --- the publisher's own verdicts


@pytest.fixture(scope="module")
def published(packaged: catalogue.Catalogue) -> pd.DataFrame:
    tables = [tabulate.published(w, packaged) for w in packaged.tables_waves]
    everything = pd.concat(tables, ignore_index=True)
    return disclose.suppress(everything, packaged.rules.disclosure).assign(is_synthetic=False)


def publisher_s(c: catalogue.Catalogue, estimates: pd.DataFrame, indicator: str, later: str, earlier: str) -> pd.Series:
    sides = {s: {"wave": f"cls_{w}", "indicator": indicator} for s, w in (("left", later), ("right", earlier))}
    pair = m.PairComparison.model_validate(
        {"kind": "pair", "label": "x", "family": "f", "about": ["fieldwork"], **sides}
    )
    return compare.comparisons(estimates, NO_COVARIANCES, replace(c, comparisons={"x": pair})).iloc[0]


# surveys.md, "Published statements usable as significance oracles": the department's words on each pair.
ORACLES = [
    ("formal_volunteering_12m", "2019_20", "2018_19", "no clear difference", "36 and 37 are similar"),
    ("formal_volunteering_monthly", "2020_21", "2019_20", "lower", "23 to 17"),
    ("formal_volunteering_monthly", "2021_22", "2020_21", "no clear difference", "17 and 16 are in line"),
    ("formal_volunteering_12m", "2021_22", "2020_21", "lower", "30 to 27"),
    ("civic_participation_12m", "2019_20", "2018_19", "higher", "34 to 41, an increase"),
    ("civic_participation_12m", "2023_24", "2021_22", "no clear difference", "34 and 33 are in line"),
    ("belong_neighbourhood_strongly", "2023_24", "2021_22", "no clear difference", "63 and 61 are in line"),
    ("lonely_often_always", "2024_25", "2023_24", "lower", "7.1 to 6.6, small but significant"),
]


@pytest.mark.parametrize(
    ("indicator", "later", "earlier", "verdict"), [o[:4] for o in ORACLES], ids=[o[4] for o in ORACLES]
)
def test_the_publisher_s_verdict_is_reached_from_its_published_figures(
    packaged: catalogue.Catalogue, published: pd.DataFrame, indicator: str, later: str, earlier: str, verdict: str
) -> None:
    found = publisher_s(packaged, published, indicator, later, earlier)
    assert found["verdict"] == verdict
    assert found["grade"] in ("comparable", "indicative")


def test_the_rounded_figures_taken_as_exact_would_contradict_the_publisher(
    packaged: catalogue.Catalogue, published: pd.DataFrame
) -> None:
    # Belonging, 63 and 61 per cent, was published as "in line".
    exact = publisher_s(packaged, published.assign(rounding=0.0), "belong_neighbourhood_strongly", "2023_24", "2021_22")
    assert exact["verdict"] == "lower"


def test_a_point_between_whole_per_cents_is_left_open_where_the_publisher_saw_more(
    packaged: catalogue.Catalogue, published: pd.DataFrame
) -> None:
    # Belonging, 61 to 62 per cent, was published as an increase: the department tested unrounded figures on
    # about 175,000 a side. Rounded, the two may be as near as 61.49 and 61.51, so we do not say "higher".
    found = publisher_s(packaged, published, "belong_neighbourhood_strongly", "2024_25", "2023_24")
    assert found["verdict"] == "no clear difference"
    assert found["p_value"] > 0.999
    assert found["ci_lower"] < 0 < found["ci_upper"]
    # The publisher's difference lies in our interval: we are less sure, not of another mind.
    assert found["ci_lower"] <= 0.01 <= found["ci_upper"]


def test_a_wave_without_a_base_has_no_verdict_where_the_publisher_had_one(
    packaged: catalogue.Catalogue, published: pd.DataFrame
) -> None:
    # Formal volunteering, 45 per cent in 2013-14 to 37 in 2019-20, was published as lower; no source at hand
    # gives the base of 2013-14, so no standard error may be made up for it.
    found = publisher_s(packaged, published, "formal_volunteering_12m", "2019_20", "2013_14")
    assert found["verdict"] is None
    assert found["difference"] == pytest.approx(-0.08)
