"""Differences, ratios and adjusted p against references and brute force."""

import math
from collections.abc import Callable

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests

from engagement_stats import differences

# R survey 4.5: svymean(~api00) on apistrat and on apiclus1, both as sampled with replacement.
APISTRAT = {"left": 662.287363159321, "left_standard_error": 9.53613229692516, "left_degrees_of_freedom": 197}
APICLUS1 = {"right": 644.169398907104, "right_standard_error": 23.7790107208869, "right_degrees_of_freedom": 14}
# R's values are typed in with 15 digits, and enter squares and differences: 1e-9 leaves room for that only.
RTOL = 1e-9

# --- differences and ratios


def test_independent_samples_are_r_s() -> None:
    # R: case L1.indep.diff, sqrt(SE(dstrat)^2 + SE(dclus1)^2) with Satterthwaite's degrees of freedom.
    d = differences.difference(**APISTRAT, **APICLUS1)
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
    d = differences.difference(**APISTRAT, **APICLUS1)
    assert d.ratio == pytest.approx(1.02812608652779, rel=RTOL)
    # R gives the ratio's standard error by the delta method; ours is on the log scale, so the spread is se / ratio.
    spread = stats.t.ppf(0.975, 18.8306334530447) * 0.0407374717302547 / 1.02812608652779
    assert math.log(d.ratio_ci_upper / d.ratio) == pytest.approx(spread, rel=1e-8)
    assert math.log(d.ratio / d.ratio_ci_lower) == pytest.approx(spread, rel=1e-8)


# R: case B4.overlap.dstrat, mean api00 of elementary schools against that of all, which hold them.
SUBGROUP = {"left": 674.43, "left_standard_error": 12.3824797939073}
WHOLE = {"right": 662.287363159321, "right_standard_error": 9.40894080278458}


def test_a_subgroup_and_a_total_that_holds_it_are_r_s() -> None:
    d = differences.difference(**SUBGROUP, **WHOLE, covariance=109.437096900588, degrees_of_freedom=197)
    assert d.difference == pytest.approx(12.1426368406792, rel=RTOL)
    assert d.standard_error == pytest.approx(4.79372288265092, rel=RTOL)
    assert d.degrees_of_freedom == 197
    assert d.p_value < 0.05
    spread = stats.t.ppf(0.975, 197) * 0.00712112451329036 / 1.01833439306883
    assert math.log(d.ratio_ci_upper / d.ratio) == pytest.approx(spread, rel=1e-8)


def test_leaving_out_the_covariance_gives_another_answer() -> None:
    ignored = differences.difference(**SUBGROUP, **WHOLE)
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
        right += differences.difference(*sides, covariance=v / 400, degrees_of_freedom=399).p_value < 0.05
        wrong += differences.difference(*sides).p_value < 0.05
    # 1,500 draws at 5 per cent: four binomial standard errors are 2.3 points.
    assert abs(right / 1500 - 0.05) < 0.023
    assert wrong / 1500 < 0.015


def test_a_missing_standard_error_leaves_the_arithmetic_only() -> None:
    d = differences.difference(0.08, 0.15, math.nan, 0.004)
    assert (d.difference, d.ratio) == pytest.approx((-0.07, 8 / 15), rel=1e-12)
    rest = [getattr(d, k) for k in d.__slots__ if k not in ("difference", "ratio")]
    assert all(math.isnan(x) for x in rest)


def test_a_share_of_zero_has_no_ratio_interval() -> None:
    zero = differences.difference(0.0, 0.2, 0.0, 0.01)
    assert zero.ratio == 0
    assert math.isnan(zero.ratio_ci_lower)
    assert math.isnan(differences.difference(0.2, 0.0, 0.01, 0.0).ratio)


def test_no_doubt_on_either_side_is_no_division_by_zero() -> None:
    assert differences.difference(0.5, 0.5, 0.0, 0.0).p_value == 1.0
    certain = differences.difference(0.6, 0.5, 0.0, 0.0)
    assert (certain.p_value, certain.ci_lower, certain.ci_upper) == pytest.approx((0.0, 0.1, 0.1), abs=1e-12)


@pytest.mark.parametrize("seed", range(20))
def test_swapping_sides_turns_the_result_round(seed: int) -> None:
    a, b, s, t, c = np.random.default_rng(seed).uniform([0.1, 0.1, 0.01, 0.01, 0], [0.9, 0.9, 0.1, 0.1, 0.0001])
    one = differences.difference(a, b, s, t, covariance=c, left_rounding=0.005)
    two = differences.difference(b, a, t, s, covariance=c, right_rounding=0.005)
    # The same doubles in another order.
    assert one.difference == pytest.approx(-two.difference, rel=1e-12)
    assert one.ci_lower == pytest.approx(-two.ci_upper, rel=1e-9)
    assert one.p_value == pytest.approx(two.p_value, rel=1e-9)
    assert one.ratio_ci_lower == pytest.approx(1 / two.ratio_ci_upper, rel=1e-9)
    assert one.ci_lower <= one.difference <= one.ci_upper
    assert one.ratio_ci_lower <= one.ratio <= one.ratio_ci_upper


def test_a_higher_confidence_widens_the_interval() -> None:
    wide, narrow = (differences.difference(0.4, 0.3, 0.02, 0.02, confidence=c) for c in (0.99, 0.9))
    # 2.5758 and 1.6449 standard errors of 0.02828.
    assert wide.ci_upper - 0.1 == pytest.approx(2.5758293035489 * math.sqrt(0.0008), rel=1e-9)
    assert narrow.ci_upper - 0.1 == pytest.approx(1.6448536269515 * math.sqrt(0.0008), rel=1e-9)


# --- rounding


def test_rounding_widens_the_interval_and_delays_the_verdict() -> None:
    exact = differences.difference(0.63, 0.61, 0.0059, 0.0014)
    d = differences.difference(0.63, 0.61, 0.0059, 0.0014, left_rounding=0.005, right_rounding=0.005)
    assert d.ci_lower == pytest.approx(exact.ci_lower - 0.01, rel=1e-9)
    assert d.ci_upper == pytest.approx(exact.ci_upper + 0.01, rel=1e-9)
    # The test is of the 1 point that rounding cannot explain.
    assert d.p_value == pytest.approx(2 * stats.norm.sf(0.01 / math.hypot(0.0059, 0.0014)), rel=1e-9)
    assert exact.p_value < 0.001 < 0.05 < d.p_value


@pytest.mark.parametrize("left_rounding", [0.0, 0.005])
@pytest.mark.parametrize("right_rounding", [0.0, 0.005])
def test_rounding_is_a_bound_on_differences_and_ratios(left_rounding: float, right_rounding: float) -> None:
    # Wherever in their rounding ranges the true figures lie, their interval lies inside ours.
    d = differences.difference(0.08, 0.5, 0.01, 0.02, left_rounding=left_rounding, right_rounding=right_rounding)
    for x in np.linspace(0.08 - left_rounding, 0.08 + left_rounding, 5):
        for y in np.linspace(0.5 - right_rounding, 0.5 + right_rounding, 5):
            true = differences.difference(x, y, 0.01, 0.02)
            assert d.ci_lower - 1e-12 <= true.ci_lower
            assert true.ci_upper <= d.ci_upper + 1e-12
            assert true.p_value <= 1
            assert d.ratio_ci_lower <= true.ratio <= d.ratio_ci_upper
    point = differences.difference(0.08, 0.5, 0.01, 0.02)
    low = (0.08 - left_rounding) / (0.5 + right_rounding) / (0.08 / 0.5)
    assert d.ratio_ci_lower == pytest.approx(point.ratio_ci_lower * low, rel=1e-12)


def test_a_difference_inside_the_rounding_is_no_evidence() -> None:
    d = differences.difference(0.62, 0.612, 1e-6, 1e-6, left_rounding=0.005, right_rounding=0.005)
    assert d.p_value == 1.0
    assert differences.difference(0.62, 0.612, 1e-6, 1e-6).p_value == 0.0


@pytest.mark.parametrize("points", range(1, 100))
def test_a_gap_of_exactly_the_rounding_is_no_evidence(points: int) -> None:
    """0.62 - 0.61 is 0.010000000000000009: the last bit of a decimal fraction is no difference."""
    left, right = (points + 1) / 100, points / 100
    for a, b in ((left, right), (right, left)):
        d = differences.difference(a, b, 1e-9, 1e-9, left_rounding=0.005, right_rounding=0.005)
        assert d.p_value == 1.0
        assert differences.difference(a, b, 0.0, 0.0, left_rounding=0.005, right_rounding=0.005).p_value == 1.0
    # A gap that is larger by more than that is one.
    beyond = differences.difference(left + 1e-6, right, 1e-9, 1e-9, left_rounding=0.005, right_rounding=0.005)
    assert beyond.p_value == 0.0


# --- Holm


@pytest.mark.parametrize("seed", range(10))
def test_holm_is_that_of_statsmodels(seed: int) -> None:
    rng = np.random.default_rng(seed)
    p = rng.uniform(0, 0.2, size=rng.integers(1, 12))
    # Products and running maxima of the same doubles.
    np.testing.assert_allclose(differences.holm(p.tolist()), multipletests(p, method="holm")[1], rtol=1e-14)


def test_holm_by_hand_and_not_bonferroni_or_raw() -> None:
    # Steps: 3 x 0.01, 2 x 0.03, then the running maximum. Bonferroni: 0.03, 0.12, 0.09.
    assert differences.holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])


def test_what_was_not_tested_does_not_count() -> None:
    out = differences.holm([math.nan, 0.02, math.nan, 0.03])
    assert np.isnan(out[[0, 2]]).all()
    assert out[[1, 3]] == pytest.approx([0.04, 0.04])
    assert differences.holm([]).tolist() == []
    assert np.isnan(differences.holm([math.nan])).all()
    assert differences.holm([0.6, 0.7]).tolist() == [1.0, 1.0]


def test_a_family_of_nine_has_one_false_star_in_twenty_and_not_in_three() -> None:
    p = np.random.default_rng(11).uniform(size=(3000, 9))
    raw = (p.min(axis=1) < 0.05).mean()
    adjusted = np.mean([differences.holm(row).min() < 0.05 for row in p])
    # 1 - 0.95^9 = 0.37; four binomial standard errors at 5 per cent of 3,000 are 1.6 points.
    assert raw > 0.33
    assert adjusted < 0.066


# --- Benjamini and Hochberg


@pytest.mark.parametrize("seed", range(5))
def test_benjamini_hochberg_is_that_of_statsmodels(seed: int) -> None:
    p = np.random.default_rng(seed).uniform(size=40) ** 3
    expected = multipletests(p, method="fdr_bh")[1]
    np.testing.assert_allclose(differences.benjamini_hochberg(p), expected, rtol=1e-14)


def test_benjamini_hochberg_by_hand_and_not_holm() -> None:
    assert differences.benjamini_hochberg([0.01, 0.02, math.nan, 0.03]).tolist()[:2] == pytest.approx([0.03, 0.03])
    assert math.isnan(differences.benjamini_hochberg([0.01, math.nan])[1])
    assert differences.benjamini_hochberg([0.02, 0.03])[0] < differences.holm([0.02, 0.03])[0]
    assert len(differences.benjamini_hochberg([])) == 0


@pytest.mark.parametrize("adjust", differences.ADJUSTMENTS.values())
def test_no_adjusted_p_is_below_its_own(adjust: Callable[[np.ndarray], np.ndarray]) -> None:
    # Not by the last bit either: the schema of the release refuses such a row.
    p = np.random.default_rng(3).uniform(size=(300, 11))
    assert all((adjust(row) >= row).all() for row in p)


def test_screening_keeps_the_share_of_false_findings() -> None:
    # 90 true nulls and 10 real differences: the share of false among the found averages below 5 per cent.
    rng, shares = np.random.default_rng(5), []
    for _ in range(400):
        z = rng.normal(size=100) + np.where(np.arange(100) < 10, 4.0, 0.0)
        found = differences.benjamini_hochberg(2 * stats.norm.sf(np.abs(z))) < 0.05
        shares.append(found[10:].sum() / max(found.sum(), 1))
    assert np.mean(shares) < 0.055
    raw = 2 * stats.norm.sf(np.abs(z)) < 0.05
    assert raw[10:].sum() > 0  # unadjusted, this very sample has false findings


# --- shares of exactly 0 and 1


def test_a_share_of_none_brings_the_doubt_of_its_interval() -> None:
    # None of 100: the exact interval is 0 to 0.0362 (1 - 0.025^(1/100)).
    upper = 1 - 0.025**0.01
    nobody = differences.standard_error_for_test(
        np.array([0.0]), np.array([0.0]), np.array([upper]), np.array([math.inf]), np.array([0.95])
    )
    assert nobody[0] == pytest.approx(upper / stats.norm.ppf(0.975), rel=1e-12)
    known = differences.standard_error_for_test(*(np.array([x]) for x in (0.02, 0.0, 0.1, 50.0, 0.95)))
    assert known[0] == 0.02
    assert differences.standard_error_for_test(*(np.array([x]) for x in (0.0, 0.3, 0.3, 50.0, 0.95)))[0] == 0


def test_a_share_of_none_does_not_reject_too_often() -> None:
    # 20 against 2,000 with the same true share of 4 per cent: the 20 often hold nobody, and a standard error of zero
    # for them would make a clear difference of every such sample.
    rng = np.random.default_rng(2)
    honest, naive = [], []
    n, upper = np.array([20, 2000]), 1 - 0.025 ** (1 / 20)
    for _ in range(1500):
        share = rng.binomial(n, 0.04) / n
        se = np.sqrt(share * (1 - share) / n)
        bounds = np.array([upper, share[1] + 1.96 * se[1]])
        recovered = differences.standard_error_for_test(se, np.zeros(2), bounds, np.full(2, math.inf), np.full(2, 0.95))
        if share[0] == 0:
            honest.append(differences.difference(*share, *recovered).p_value < 0.05)
            naive.append(differences.difference(*share, *se).p_value < 0.05)
    assert len(naive) > 500
    assert np.mean(honest) < 0.05
    assert np.mean(naive) > 0.95
