"""Intervals: inside 0..1, holding the estimate, with the degrees of freedom counted once."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special, stats

from engagement_stats import uncertainty
from engagement_stats.errors import EstimationError

SETTINGS = settings(derandomize=True, deadline=None)


@SETTINGS
@given(
    share=st.floats(0, 1),
    effect=st.floats(0.05, 50),
    n=st.integers(2, 100_000),
    df=st.integers(1, 5000),
    confidence=st.sampled_from([0.5, 0.8, 0.9, 0.95, 0.99]),
    method=st.sampled_from(uncertainty.INTERVALS),
)
def test_limits_are_inside_the_unit_interval_and_hold_the_estimate(share, effect, n, df, confidence, method):
    variance = share * (1 - share) * effect / n
    lower, upper, _ = uncertainty.proportion_interval(
        np.array([share]), np.array([variance]), np.array([float(n)]), np.array([float(df)]), confidence, method
    )
    assert 0 <= lower[0] <= share <= upper[0] <= 1


@pytest.mark.parametrize("method", uncertainty.INTERVALS)
@pytest.mark.parametrize("share", [0.0, 1.0])
@pytest.mark.parametrize("n", [1, 30, 400])
def test_nobody_and_everybody_have_an_interval_with_width(method, share, n):
    lower, upper, used = uncertainty.proportion_interval(
        np.array([share]), np.array([0.0]), np.array([float(n)]), np.array([20.0]), 0.95, method
    )
    assert upper[0] - lower[0] > 0.5 / n
    assert used[0] == ("wilson" if method == "wilson" else "korn_graubard")


def test_nobody_has_the_clopper_pearson_limit_on_respondents():
    _, upper = uncertainty.korn_graubard(0.0, 0.0, 400, 14, 0.95)
    assert upper == pytest.approx(1 - 0.025 ** (1 / 400))


def test_one_respondent_has_an_interval():
    lower, upper = uncertainty.korn_graubard(1.0, 0.0, 1, 0, 0.95)
    assert (float(lower), float(upper)) == (pytest.approx(0.025), 1.0)


def test_korn_graubard_is_truncated_at_the_respondents():
    gained = uncertainty.korn_graubard(0.4, 0.4 * 0.6 / 500, 100, 1000, 0.95)
    plain = uncertainty.korn_graubard(0.4, 0.4 * 0.6 / 100, 100, 99, 0.95)
    assert np.allclose(gained, plain, rtol=1e-9)
    free = uncertainty.korn_graubard(0.4, 0.4 * 0.6 / 500, 100, 1000, 0.95, truncate=False)
    assert free[1] < gained[1]


def test_a_share_the_strata_fix_keeps_an_interval_on_respondents():
    lower, upper = uncertainty.korn_graubard(0.5, 0.0, 50, 40, 0.95)
    assert 0.3 < lower < 0.5 < upper < 0.7


def test_wilson_counts_degrees_of_freedom_once():
    """Others apply the ratio of t to z to the size and t to the score as well, and get it twice."""
    share, variance, df = 0.1, 0.0004, 10
    lower, upper = uncertainty.wilson(share, variance, 225, df, 0.95)
    size, t, z = share * (1 - share) / variance, stats.t.ppf(0.975, df), special.ndtri(0.975)
    adjusted = size * (z / t) ** 2
    centre = (share + z**2 / (2 * adjusted)) / (1 + z**2 / adjusted)
    assert lower + upper == pytest.approx(2 * centre, rel=1e-12)
    twice = (share + t**2 / (2 * adjusted)) / (1 + t**2 / adjusted)
    assert abs(lower + upper - 2 * twice) > 1e-3


def test_students_t_is_used_and_not_the_normal():
    lower, upper = uncertainty.wald(0.0, 1.0, 4, 0.95)
    assert upper == pytest.approx(stats.t.ppf(0.975, 4), rel=1e-12)
    assert uncertainty.wald(0.0, 1.0, np.inf, 0.95)[1] == pytest.approx(special.ndtri(0.975))
    assert np.isnan(uncertainty.wald(0.0, 1.0, 0, 0.95)).all()
    assert lower == -upper


@pytest.mark.parametrize("confidence", [0, 1, 95, True, "0.95"])
def test_confidence_is_between_zero_and_one(confidence):
    with pytest.raises(EstimationError, match="confidence"):
        uncertainty.check_confidence(confidence)


def test_an_unknown_interval_is_named():
    with pytest.raises(EstimationError, match='got "exact"; expected one of korn_graubard'):
        uncertainty.check_interval("exact")


def test_kish():
    assert uncertainty.kish_design_effect([2.0, 2.0, 0.0]) == 1.0
    assert np.isnan(uncertainty.kish_design_effect([0.0]))
