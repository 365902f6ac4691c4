"""Detectable differences and sample sizes against simulated power and statsmodels."""

import math

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.power import NormalIndPower
from statsmodels.stats.proportion import samplesize_proportions_2indep_onetail

from engagement_stats import planning

INFINITE = np.array([math.inf])


def test_a_detectable_difference_is_found_four_times_in_five() -> None:
    size = planning.detectable(np.array([0.012]), np.array([40.0]))[0]
    rng = np.random.default_rng(1)
    t = (size + rng.normal(0, 0.012, 40_000)) / (0.012 * np.sqrt(rng.chisquare(40, 40_000) / 40))
    # The sum of two quantiles of t is an approximation of the noncentral t, good to a point.
    assert np.mean(np.abs(t) > stats.t.ppf(0.975, 40)) == pytest.approx(0.80, abs=0.01)


def test_it_is_that_of_statsmodels_for_large_samples() -> None:
    # Two samples of 800 with standard deviation 1: standard error sqrt(2 / 800). The far tail is worth 1e-6.
    ours = planning.detectable(np.array([math.sqrt(2 / 800)]), INFINITE)[0]
    theirs = NormalIndPower().solve_power(nobs1=800, alpha=0.05, power=0.80)
    assert ours == pytest.approx(theirs, rel=1e-5)


def test_a_family_can_detect_less() -> None:
    alone, of_nine = (planning.detectable(np.array([0.01]), INFINITE, n)[0] for n in (1, 9))
    assert of_nine == pytest.approx(0.01 * (stats.norm.ppf(1 - 0.05 / 18) + stats.norm.ppf(0.8)), rel=1e-12)
    assert of_nine > alone


def test_a_rounded_comparison_detects_less() -> None:
    # Each side rounded to a whole per cent, the test of a difference beyond both: found four times in five.
    size = planning.detectable(np.array([0.0075]), INFINITE, rounding=0.01)[0]
    true = np.random.default_rng(2).normal(0, 0.0075 / math.sqrt(2), (2, 40_000)) + np.array([[0.40 + size], [0.40]])
    true += np.random.default_rng(3).uniform(-0.005, 0.005, 40_000)  # where the shares lie between whole per cents
    left, right = np.round(true, 2)
    found = np.abs(left - right) - 0.01 > stats.norm.ppf(0.975) * 0.0075
    assert np.mean(found) == pytest.approx(0.80, abs=0.04)
    exact = planning.detectable(np.array([0.0075]), INFINITE)[0]
    assert size == pytest.approx(exact + 0.01)


def test_an_unknown_standard_error_detects_nothing() -> None:
    assert np.isnan(planning.detectable(np.array([math.nan]), INFINITE)[0])


def test_the_sample_is_that_of_statsmodels() -> None:
    # Theirs is one-sided, takes the level as given and pools the null variance when asked not to do as we do.
    ours = planning.sample_needed(0.36, 0.03)
    p1, p2 = 0.36, 0.33
    theirs = samplesize_proportions_2indep_onetail(0.03, p2, 0.8, alpha=0.05, value=0, alternative="two-sided")
    assert ours == math.ceil((p1 * (1 - p1) + p2 * (1 - p2)) * (2.801585 / 0.03) ** 2)
    # The pooled null variance differs in the third digit.
    assert ours == pytest.approx(theirs, rel=0.01)


def test_design_effects_and_a_known_right_side() -> None:
    plain = planning.sample_needed(0.5, 0.05)
    assert planning.sample_needed(0.5, 0.05, left_design_effect=2, right_design_effect=2) == pytest.approx(
        2 * plain, abs=2
    )
    against_target = planning.sample_needed(0.5, 0.05, right_per_left=math.inf)
    assert against_target == math.ceil(0.25 * (2.8015852 / 0.05) ** 2)


@pytest.mark.parametrize(("left", "difference"), [(0.3, 0), (0.0, 0.1), (0.2, 0.3), (0.9, -0.2)])
def test_what_cannot_be_is_refused(left: float, difference: float) -> None:
    with pytest.raises(ValueError, match="shares between 0 and 1"):
        planning.sample_needed(left, difference)


@pytest.mark.parametrize(
    "odd", [{"power": 1.0}, {"level": 0.0}, {"left_design_effect": -1.0}, {"right_per_left": 0.0}]
)  # fmt: skip
def test_a_number_out_of_its_range_is_refused(odd: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="above 0"):
        planning.sample_needed(0.5, 0.1, **odd)
