"""Slopes against statsmodels, rounding against brute force, breaks, gaps and turning points by hand."""

import math
from dataclasses import replace
from datetime import date
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy import stats

from engagement_stats import catalogue, compare, tabulate, trend
from engagement_stats.catalogue import model as m

YEARS, VALUES, ERRORS = [2016.7, 2017.7, 2018.8, 2019.8], [0.411, 0.378, 0.344, 0.407], [0.006, 0.007, 0.005, 0.006]
# Both are sums of a few products in another order.
RTOL = 1e-10


def test_a_slope_is_that_of_weighted_least_squares_with_known_variances() -> None:
    ours = trend.slope(YEARS, VALUES, ERRORS)
    fit = sm.WLS(VALUES, sm.add_constant(np.array(YEARS)), weights=1 / np.square(ERRORS)).fit(cov_type="fixed scale")
    assert ours.slope == pytest.approx(fit.params[1], rel=RTOL)
    assert ours.standard_error == pytest.approx(fit.bse[1], rel=RTOL)
    low, high = fit.conf_int()[1]
    assert (ours.ci_lower, ours.ci_upper) == pytest.approx((low, high), rel=1e-8)
    q = float((np.square(fit.resid) / np.square(ERRORS)).sum())
    assert ours.fit_statistic == pytest.approx(q, rel=1e-8)
    assert ours.fit_p_value == pytest.approx(stats.chi2.sf(q, 2), rel=1e-8)


def test_equal_weights_would_be_another_slope() -> None:
    ours = trend.slope(YEARS, VALUES, [0.001, 0.02, 0.02, 0.02])
    assert abs(ours.slope - np.polyfit(YEARS, VALUES, 1)[0]) > 0.002


def test_the_interval_and_the_test_of_fit_have_the_rates_they_state() -> None:
    rng, covered, fits = np.random.default_rng(4), 0, 0
    for _ in range(4000):
        y = 0.4 - 0.01 * (np.array(YEARS) - 2018) + rng.normal(0, ERRORS)
        s = trend.slope(YEARS, y, ERRORS)
        covered += s.ci_lower <= -0.01 <= s.ci_upper
        fits += s.fit_p_value >= 0.05
    # Monte Carlo error 0.35 points.
    assert covered / 4000 == pytest.approx(0.95, abs=0.011)
    assert fits / 4000 == pytest.approx(0.95, abs=0.011)


def test_rounding_widens_by_the_most_it_can_move_the_slope() -> None:
    half = [0.005, 0.0005, 0.005, 0.0]
    wide, plain = trend.slope(YEARS, VALUES, ERRORS, half), trend.slope(YEARS, VALUES, ERRORS)
    slopes = [
        trend.slope(YEARS, np.array(VALUES) + np.array(s) * half, ERRORS).slope for s in product((-1, 1), repeat=4)
    ]
    assert wide.ci_upper - plain.ci_upper == pytest.approx(max(slopes) - plain.slope, rel=1e-9)
    assert plain.ci_lower - wide.ci_lower == pytest.approx(plain.slope - min(slopes), rel=1e-9)


def test_two_waves_have_no_test_of_fit() -> None:
    assert math.isnan(trend.slope([2018, 2020], [0.3, 0.4], [0.01, 0.01]).fit_p_value)


@pytest.mark.parametrize(
    ("verdicts", "expected"),
    [
        (["higher", "higher", "higher"], []),
        (["higher", "lower", "higher"], ["b", "c"]),
        (["higher", "no clear difference", "lower"], ["c"]),
        (["lower", "not comparable", None], []),
    ],
)
def test_turning_points_are_where_clear_changes_turn(verdicts: list[str | None], expected: list[str]) -> None:
    assert trend.turning_points(dict(zip("bcd", verdicts, strict=True)), list("abcd")) == expected


def series_of(c: catalogue.Catalogue, years: list[int], breaks: list[int]) -> catalogue.Catalogue:
    """Return the catalogue with a poll in each year, some beginning a new segment."""
    waves = {
        f"poll_{y}": c.waves["poll_2019"].model_copy(
            update={
                "label": f"Poll {y}",
                "fieldwork": m.Fieldwork(label=str(y), year=y, start=date(y, 4, 1), end=date(y, 9, 30)),
            }
        )
        for y in years
    }
    marks = [m.SeriesBreak(wave=f"poll_{y}", reason=f"Changed in {y}.") for y in breaks]
    poll = c.surveys["poll"].model_copy(update={"series": {"poll_series": m.Series(label="Poll", breaks=marks)}})
    entry = m.SeriesComparison(kind="series", label="x", series="poll_series", indicators=["joined_12m"])
    return replace(c, waves=waves, surveys={**c.surveys, "poll": poll}, comparisons={"s": entry})


def made(c: catalogue.Catalogue, values: dict[int, float], se: float = 0.01, **more: Any) -> pd.DataFrame:
    rows = [
        {
            "survey": "poll", "wave": f"poll_{y}", "indicator": "joined_12m", "domain": "all", "level": "all",
            "estimate": v, "standard_error": se, "ci_lower": v - 2 * se, "ci_upper": v + 2 * se, "confidence": 0.95,
            "degrees_of_freedom": 500.0, "rounding": 0.0, "variance_basis": "design", "evidence": None,
            "is_suppressed": False, "is_synthetic": False, **more.get(f"poll_{y}", {}),
        }
        for y, v in values.items()
    ]  # fmt: skip
    estimates = pd.DataFrame(rows)
    compared = compare.comparisons(estimates, pd.DataFrame(columns=tabulate.COVARIANCE_COLUMNS), c)
    return trend.trends(estimates, compared, c)


def test_a_break_splits_the_trend_and_a_missing_year_is_said(small: catalogue.Catalogue) -> None:
    c = series_of(small, [2014, 2015, 2016, 2017, 2020, 2021, 2022], [2020])
    rows = made(c, {2014: 0.30, 2015: 0.34, 2016: 0.38, 2017: 0.42, 2020: 0.30, 2021: 0.30, 2022: 0.31})
    assert rows["direction"].tolist() == ["rising", "no clear trend"]
    assert rows["waves"].tolist() == [4, 3]
    assert rows["slope"].iloc[0] == pytest.approx(0.04, abs=1e-3)
    assert rows["note"].fillna("").tolist() == ["", "No wave is known between Poll 2017 and Poll 2020."]
    joined = trend.slope(
        [2014, 2015, 2016, 2017, 2020, 2021, 2022], [0.3, 0.34, 0.38, 0.42, 0.3, 0.3, 0.31], [0.01] * 7
    )
    assert joined.slope < 0  # across the break the rise would be a fall


def test_a_survey_every_other_year_misses_no_wave(small: catalogue.Catalogue) -> None:
    c = series_of(small, [2012, 2014, 2016, 2020], [])
    row = made(c, {2012: 0.30, 2014: 0.34, 2016: 0.38, 2020: 0.42}).iloc[0]
    assert row["note"] == "No wave is known between Poll 2016 and Poll 2020."


def test_waves_without_a_figure_are_not_called_missing(small: catalogue.Catalogue) -> None:
    c = series_of(small, [2014, 2015, 2016, 2017], [])
    row = made(c, {2014: 0.30, 2015: 0.34, 2017: 0.38}).iloc[0]
    assert row["note"] == "No figure is known of the waves between Poll 2015 and Poll 2017."


def test_waves_that_are_not_alike_are_named(packaged: catalogue.Catalogue) -> None:
    estimates = pd.DataFrame([
        {"survey": "ess", "wave": f"ess_{y}", "indicator": "signed_petition_12m", "domain": "all", "level": "all",
         "estimate": v, "standard_error": 0.012, "ci_lower": v - 0.024, "ci_upper": v + 0.024, "confidence": 0.95,
         "degrees_of_freedom": 2000.0, "rounding": 0.0, "variance_basis": "weights_only", "evidence": None,
         "is_suppressed": False, "is_synthetic": False}
        for y, v in ((2002, 0.40), (2004, 0.38), (2006, 0.36))
    ])  # fmt: skip
    compared = compare.comparisons(estimates, pd.DataFrame(columns=tabulate.COVARIANCE_COLUMNS), packaged)
    (row,) = trend.trends(estimates, compared, packaged).itertuples(index=False)
    # Round 1 asked in other words; rounds 2 and 3 in the same.
    assert row.note == (
        "European Social Survey round 1, United Kingdom, 2002 and European Social Survey round 2, United Kingdom, 2004 "
        "differ, or are not known to agree, in the wording of the question."
    )


def test_waves_off_a_straight_line_are_no_steady_change(small: catalogue.Catalogue) -> None:
    c = series_of(small, [2014, 2015, 2016, 2017], [])
    row = made(c, {2014: 0.30, 2015: 0.45, 2016: 0.30, 2017: 0.45}).iloc[0]
    assert row["direction"] == "uneven"
    assert row["turning_points"] == "poll_2015, poll_2016"
    assert "no steady change" in row["note"]


def test_too_few_waves_have_no_slope(small: catalogue.Catalogue) -> None:
    c = series_of(small, [2014, 2015, 2016], [])
    row = made(c, {2014: 0.3, 2015: 0.4, 2016: 0.5}, poll_2015={"standard_error": math.nan}).iloc[0]
    assert (row["direction"], row["waves"]) == ("too few waves", 2)
    assert math.isnan(row["slope"])
    assert row["note"] == "Left out, having no standard error: Poll 2015."
    silent = {"standard_error": math.nan}
    two = made(c, {2014: 0.3, 2015: 0.4, 2016: 0.5}, poll_2015=silent, poll_2016=silent).iloc[0]
    # Labels of waves hold commas.
    assert two["note"] == "Left out, having no standard error: Poll 2015; Poll 2016."
    hidden = made(c, {2014: 0.3, 2015: 0.4, 2016: 0.5}, poll_2015={"is_suppressed": True}).iloc[0]
    assert hidden["waves"] == 2


def test_time_is_the_middle_of_fieldwork_or_the_year_for_all(small: catalogue.Catalogue) -> None:
    c = series_of(small, [2014, 2015], [])
    assert trend.times(c, ["poll_2014", "poll_2015"]) == pytest.approx([2014.495, 2015.495], abs=0.002)
    undated = c.waves["poll_2015"].model_copy(update={"fieldwork": m.Fieldwork(label="?", year=2015)})
    assert trend.times(replace(c, waves={**c.waves, "poll_2015": undated}), ["poll_2014", "poll_2015"]) == [2014, 2015]


def test_civic_participation_of_the_community_life_survey(packaged: catalogue.Catalogue) -> None:
    """The published series 2013-14 to 2024-25: its breaks, the missing 2022-23 and the verdicts year on year."""
    waves = [w for w in packaged.tables_waves if packaged.waves[w].series == "cls_web"]
    estimates = pd.concat([tabulate.published(w, packaged) for w in waves], ignore_index=True)
    estimates = estimates.assign(is_synthetic=False)
    compared = compare.comparisons(estimates, pd.DataFrame(columns=tabulate.COVARIANCE_COLUMNS), packaged)
    rows = trend.trends(estimates, compared, packaged)
    civic = rows[(rows["indicator"] == "civic_participation_12m") & (rows["domain"] == "all")]
    steady = civic[civic["first_wave"] == "cls_2016_17"].iloc[0]
    assert (steady["waves"], steady["direction"], steady["turning_points"]) == (4, "uneven", "cls_2018_19")
    last = civic[civic["first_wave"] == "cls_2023_24"].iloc[0]
    assert last["direction"] == "too few waves"
    assert last["note"].startswith("No wave is known between Community Life Survey 2021-22")
    verdicts = compared[compared["indicator"] == "civic_participation_12m"].set_index("left_wave")["verdict"].to_dict()
    # As published: an increase in 2019-20, a fall in 2021-22, and "in line" in 2023-24 and since.
    assert verdicts["cls_2019_20"] == "higher"
    assert verdicts["cls_2021_22"] == "lower"
    assert verdicts["cls_2023_24"] == verdicts["cls_2024_25"] == verdicts["cls_2020_21"] == "no clear difference"
