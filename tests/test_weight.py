"""Supplied weights are checked, never mended, and their unevenness is Kish's."""

import numpy as np
import pandas as pd
import pytest

from engagement_stats import weight
from engagement_stats.errors import WeightingError


def refused(values: list[object]) -> str:
    with pytest.raises(WeightingError) as caught:
        weight.supplied(pd.DataFrame({"wt": values}), "poll_2020", {"main": "wt"})
    return str(caught.value)


WHERE = "poll_2020 wt (waves/poll_2020.yaml, design.weights.main)"


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["1", "", "2"], "1 respondent(s) have no weight."),
        ([1.0, np.nan, np.nan], "2 respondent(s) have no weight."),
        (["1", "-0.1", "2"], "1 respondent(s) have a negative weight."),
        ([1.0, np.inf, 2.0], "1 respondent(s) have an infinite weight."),
        (["1", "inf", "2"], "1 respondent(s) have an infinite weight."),
        (["1", "CANARY7731", "nan"], "2 respondent(s) have a weight that is not a number."),
        (["0", "0"], "every weight is zero."),
    ],
)
def test_an_unusable_weight_is_refused_by_column_rule_and_count(values: list[object], expected: str) -> None:
    message = refused(values)
    assert message.startswith(f"{WHERE}: {expected}")
    assert message.endswith("Deposit the producer's file again.")
    assert "CANARY" not in message


def test_a_respondent_who_would_be_the_estimate_is_refused() -> None:
    values: list[object] = [1.0] * 100 + [1e6, 1e6]
    assert refused(values).startswith(f"{WHERE}: 2 respondent(s) carry more than 10% of all weight each")
    # Heavy, but under a tenth of all weight; and the heaviest of a few.
    for uneven in ([1.0] * 100 + [10.0], [1.0, 1.0, 19.0], [5.0]):
        kept = weight.supplied(pd.DataFrame({"wt": uneven}), "poll_2020", {"main": "wt"})
        assert kept["main"].tolist() == uneven


def test_every_problem_of_every_weight_is_reported() -> None:
    raw = pd.DataFrame({"wt": ["", "-1", "x"], "web": ["0", "0", "0"]})
    with pytest.raises(WeightingError) as caught:
        weight.supplied(raw, "poll_2020", {"main": "wt", "web": "web"})
    lines = str(caught.value).splitlines()
    assert len(lines) == 4
    assert "design.weights.web): every weight is zero." in lines[-1]


def test_weights_come_back_as_supplied() -> None:
    raw = pd.DataFrame({"wt": ["0", "0.5", "2"], "gross": [45e6, 1.0, 0.0]}, index=[3, 1, 2])
    out = weight.supplied(raw, "poll_2020", {"main": "wt", "total": "gross"})
    assert out.index.tolist() == [3, 1, 2]
    # A zero weight is allowed; scaling to a mean of 1 would give 0, 0.6, 2.4.
    assert out["main"].tolist() == [0.0, 0.5, 2.0]
    assert out["total"].tolist() == [45e6, 1.0, 0.0]


def test_kish_by_hand() -> None:
    # n sum(w^2) / (sum w)^2 = 4 * (1 + 1 + 4 + 16) / 8^2; exact in binary.
    summary = weight.summarise(np.array([1.0, 1.0, 2.0, 4.0]))
    assert summary == weight.WeightSummary(
        respondents=4, zero=0, total=8.0, smallest=1.0, largest=4.0, design_effect=1.375, effective_base=4 / 1.375
    )


def test_kish_is_one_plus_the_squared_coefficient_of_variation() -> None:
    values = np.random.default_rng(20).lognormal(size=500)
    expected = 1 + (values.std() / values.mean()) ** 2
    # Two orders of summation of 500 doubles agree to far better than 1e-12.
    assert weight.summarise(values).design_effect == pytest.approx(expected, rel=1e-12)
    assert weight.summarise(values).effective_base == pytest.approx(values.sum() ** 2 / (values**2).sum(), rel=1e-12)


def test_kish_of_raked_weights_is_r_s() -> None:
    # R survey 4.5, reference case F13.kish, of rake(dclus1, list(~stype, ~sch.wide), list(pop.types, pop.sw)).
    # Schools of apiclus1 by stype (E, H, M) and sch.wide (No, Yes), raked here to the same margins.
    schools = np.array([[12, 132], [3, 11], [8, 17]])
    weights = np.ones((3, 2))
    for _ in range(200):
        weights *= (np.array([4421, 755, 1018]) / (schools * weights).sum(axis=1))[:, None]
        weights *= np.array([1072, 5122]) / (schools * weights).sum(axis=0)
    summary = weight.summarise(np.repeat(weights.ravel(), schools.ravel()))
    # R stops raking at a relative change of 1e-10, so its value is right to about that.
    assert summary.design_effect == pytest.approx(1.05165669560485, rel=1e-9)
    assert summary.effective_base == pytest.approx(174.011158550889, rel=1e-9)


def test_respondents_of_zero_weight_are_counted_and_do_not_dilute() -> None:
    with_zero = weight.summarise(np.array([1.0, 1.0, 2.0, 0.0]))
    # Counting the zero in n would give 1.5.
    assert with_zero.design_effect == 1.125
    assert (with_zero.respondents, with_zero.zero, with_zero.smallest) == (4, 1, 1.0)


@pytest.mark.parametrize("factor", [1e-5, 1e5])
def test_the_scale_of_weights_does_not_matter(factor: float) -> None:
    values = np.array([0.3, 1.7, 2.2, 0.9])
    assert weight.summarise(values * factor).design_effect == pytest.approx(
        weight.summarise(values).design_effect, rel=1e-12
    )


def test_a_method_by_name_is_the_function_of_that_name() -> None:
    people = pd.DataFrame({"sex": ["F", "F", "M", "M", "M"], "w": [1.0, 2.0, 1.0, 3.0, 1.0]})
    margins = {"sex": {"F": 60, "M": 40}}
    bounds = (0.2, 3.0)
    expected = {
        ("rake", None): weight.rake(people, margins, base="w"),
        ("poststratify", None): weight.poststratify(people, margins, base="w"),
        ("linear", None): weight.calibrate(people, margins, base="w"),
        ("linear", bounds): weight.calibrate(people, margins, base="w", method="truncated_linear", bounds=bounds),
        ("logit", bounds): weight.calibrate(people, margins, base="w", method="logit", bounds=bounds),
    }
    for (method, limits), made in expected.items():
        named = weight.by_method(people, margins, method=method, base="w", bounds=limits)
        assert np.array_equal(named.values, made.values)
        assert [s.method for s in named.steps] == [s.method for s in made.steps]


@pytest.mark.parametrize(
    ("method", "bounds", "words"), [("guess", None, "expected one of"), ("rake", (0.5, 2.0), "none")]
)
def test_a_method_that_does_not_exist_or_takes_no_bounds_is_refused(
    method: str, bounds: tuple[float, float] | None, words: str
) -> None:
    people = pd.DataFrame({"sex": ["F", "M"]})
    with pytest.raises(WeightingError, match=words):
        weight.by_method(people, {"sex": {"F": 1, "M": 1}}, method=method, bounds=bounds)
