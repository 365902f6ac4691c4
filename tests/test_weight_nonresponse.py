"""Non-response adjustment and pooling, by hand and against each other."""

import numpy as np
import pandas as pd
import pytest

from engagement_stats import weight
from engagement_stats.errors import WeightingError


def sample() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "area": ["A", "A", "A", "A", "B", "B", "B", "B"],
            "sex": ["F", "F", "M", "M", "F", "F", "M", "M"],
            "age": [20, 30, 40, 50, 60, 70, 80, 90],
            "d": [1.0, 2.0, 1.0, 2.0, 1.0, 1.0, 3.0, 3.0],
            "answered": [1, 0, 1, 1, 1, 1, 0, 1],
        }
    )


def test_cells_by_hand() -> None:
    made = weight.adjust_cells(sample(), ["area"], "answered", base="d")
    # A: 6 in all, 4 answered, 1.5. B: 8 in all, 5 answered, 1.6.
    np.testing.assert_allclose(made.values, [1.5, 0, 1.5, 3.0, 1.6, 1.6, 0, 4.8], rtol=1e-12)
    step = made.steps[-1]
    assert (step.kind, step.method) == ("nonresponse", "cells")
    assert step.responded.tolist() == (sample()["answered"] == 1).tolist()  # type: ignore[union-attr]
    assert step.asked.tolist() == [6.0, 8.0]  # type: ignore[union-attr]
    assert step.g_range == pytest.approx((1.5, 1.6))
    assert made.values.sum() == pytest.approx(sample()["d"].sum())


def test_crossed_cells_by_hand() -> None:
    made = weight.adjust_cells(sample(), ["area", "sex"], "answered", base="d")
    np.testing.assert_allclose(made.values, [3.0, 0, 1.0, 2.0, 1.0, 1.0, 0, 6.0], rtol=1e-12)


def test_a_cell_in_which_nobody_answered_is_named() -> None:
    frame = sample().assign(answered=[0, 0, 1, 1, 1, 1, 0, 1])
    with pytest.raises(WeightingError, match=r'nobody answered in 1 cell\(s\) of area\*sex: "A | F"'):
        weight.adjust_cells(frame, ["area", "sex"], "answered")


@pytest.mark.parametrize(
    ("columns", "responded", "edit", "expected"),
    [
        (["town"], "answered", {}, 'the data have no column "town"'),
        ([], "answered", {}, "no column is named"),
        (["area"], "reply", {}, 'responded: the data have no column "reply"'),
        (["area"], "answered", {"answered": [1, 0, 2, None, 1, 1, 1, 1]}, "2 row(s) of answered are neither 0 nor 1"),
        (["area"], "answered", {"answered": 0}, "nobody in answered answered"),
        (["area"], "answered", {"area": [None, *"AAABBBB"]}, "1 row(s) with a weight have no category in area"),
    ],
)
def test_calls_that_make_no_sense(columns: list[str], responded: str, edit: dict[str, object], expected: str) -> None:
    for adjust in (weight.adjust_cells, weight.adjust_propensity):
        with pytest.raises(WeightingError) as caught:
            adjust(sample().assign(**edit), columns, responded)
        assert expected in str(caught.value)


def test_a_model_of_one_category_per_cell_is_adjustment_by_cells() -> None:
    np.testing.assert_allclose(
        weight.adjust_propensity(sample(), ["area"], "answered", base="d").values,
        weight.adjust_cells(sample(), ["area"], "answered", base="d").values,
        rtol=1e-9,
    )


def many(n: int = 3000) -> pd.DataFrame:
    r = np.random.default_rng(11)
    frame = pd.DataFrame({"age": r.integers(18, 90, n), "area": r.choice(list("ABC"), n), "d": r.uniform(0.5, 2, n)})
    chance = 1 / (1 + np.exp(-(-1.5 + 0.03 * frame["age"] + 0.4 * (frame["area"] == "B"))))
    return frame.assign(chance=chance, answered=r.random(n) < chance)


def test_the_model_solves_its_likelihood_equations() -> None:
    frame = many()
    step = weight.adjust_propensity(frame, ["age", "area"], "answered", base="d").steps[-1]
    x = step.matrix.toarray()[step.cells.cell]  # type: ignore[union-attr]
    gap = x.T @ (frame["d"] * (frame["answered"] - step.propensity))
    assert np.abs(gap).max() < 1e-8 * frame["d"].sum()
    assert np.abs(step.propensity - frame["chance"]).max() < 0.06
    assert [v for v, _ in step.cells.names] == ["(intercept)", "age", "area", "area"]  # type: ignore[union-attr]


def test_classes_of_propensity_are_cells() -> None:
    frame = many()
    made = weight.adjust_propensity(frame, ["age", "area"], "answered", base="d", classes=5)
    group = made.steps[-1].settings["class"]
    shares = frame.groupby(group)["d"].sum() / frame["d"].sum()
    assert len(shares) == 5
    assert shares.between(0.17, 0.23).all()
    again = weight.adjust_cells(frame.assign(group=group.astype(str)), ["group"], "answered", base="d")
    np.testing.assert_allclose(made.values, again.values, rtol=1e-12)
    assert frame.groupby(group)["chance"].mean().is_monotonic_increasing


def test_adjusting_takes_away_the_bias() -> None:
    frame = many(20_000)
    truth = np.average(frame["age"], weights=frame["d"])
    answered = frame["answered"]
    raw = np.average(frame["age"][answered], weights=frame["d"][answered])
    made = weight.adjust_propensity(frame, ["age", "area"], "answered", base="d")
    adjusted = np.average(frame["age"], weights=made.values)
    assert abs(raw - truth) > 3
    assert abs(adjusted - truth) < 0.3


def test_a_model_without_a_solution_is_an_error() -> None:
    frame = sample().assign(answered=[0, 0, 0, 0, 1, 1, 0, 1])
    with pytest.raises(WeightingError, match="no finite solution"):
        weight.adjust_propensity(frame, ["area"], "answered")
    with pytest.raises(WeightingError, match="classes: got 1"):
        weight.adjust_propensity(sample(), ["area"], "answered", classes=1)


def test_when_everybody_answered_nothing_changes() -> None:
    frame = sample().assign(answered=1)
    assert weight.adjust_propensity(frame, ["area"], "answered", base="d").values.tolist() == sample()["d"].tolist()


@pytest.mark.parametrize("classes", [None, 4])
def test_redo_fits_the_model_again(classes: int | None) -> None:
    frame = many()
    made = weight.adjust_propensity(frame, ["age", "area"], "answered", base="d", classes=classes)
    assert (made.redo(made.base).values == made.values).all()
    base = frame["d"].to_numpy() * np.random.default_rng(1).integers(0, 3, len(frame))
    keep = base > 0
    anew = weight.adjust_propensity(frame[keep], ["age", "area"], "answered", base=base[keep], classes=classes)
    np.testing.assert_allclose(made.redo(base).values[keep], anew.values, rtol=1e-6)


def test_non_response_then_raking_needs_no_category_of_those_who_did_not_answer() -> None:
    frame = sample().assign(vote=["X", None, "Y", "X", "Y", "Y", None, "X"])
    answered = weight.adjust_cells(frame, ["area"], "answered", base="d")
    made = weight.rake(frame, {"vote": {"X": 60, "Y": 40}}, base=answered)
    assert made.values[[1, 6]].tolist() == [0.0, 0.0]
    assert made.values[frame["vote"] == "X"].sum() == pytest.approx(60)


# Pooling.


def test_pooling_by_hand() -> None:
    first, second = np.array([1.0, 3.0]), np.array([2.0, 2.0, 2.0, 2.0])
    # Effective n: (1 + 3)^2 / (1 + 9) = 1.6, and 4.
    made = weight.pool({"2019": first, "2020": second}, total=5.6)
    np.testing.assert_allclose(made.values, [*(first * 1.6 / 4), *(second * 4 / 8)], rtol=1e-12)
    assert made.steps[-1].settings["shares"] == pytest.approx({"2019": 1.6 / 5.6, "2020": 4 / 5.6})
    assert made.steps[-1].method == "effective_n"
    equal = weight.pool({"2019": first, "2020": second}, rule="equal")
    assert equal.values[:2].sum() == pytest.approx(equal.values[2:].sum())
    assert equal.values.sum() == pytest.approx(6.0)
    counted = weight.pool({"2019": first, "2020": second}, rule="respondents")
    assert counted.values[:2].sum() * 2 == pytest.approx(counted.values[2:].sum())
    given = weight.pool({"2019": first, "2020": second}, shares={"2019": 3, "2020": 1})
    assert given.values[:2].sum() == pytest.approx(3 * given.values[2:].sum())


def test_a_pooled_mean_is_the_mean_of_the_waves_means() -> None:
    r = np.random.default_rng(3)
    waves = {"a": np.exp(r.normal(0, 0.5, 200)), "b": np.exp(r.normal(0, 1.0, 300)) * 5000}
    y = [r.normal(1, 1, 200), r.normal(2, 1, 300)]
    made = weight.pool(waves)
    share = made.steps[-1].settings["shares"]
    expected = sum(share[k] * np.average(v, weights=w) for (k, w), v in zip(waves.items(), y, strict=True))
    assert np.average(np.concatenate(y), weights=made.values) == pytest.approx(expected)


def test_pooled_weights_remember_the_steps_of_every_wave() -> None:
    frame = sample()
    raked = weight.rake(frame, {"sex": {"F": 10, "M": 12}}, base="d")
    other = weight.trim(weight.rake(frame.iloc[:6], {"area": {"A": 5, "B": 9}}, base="d"), upper=4.5)
    made = weight.pool({"x": raked, "y": other})
    assert len(made) == 14
    assert [s.kind for s in made.steps].count("calibrated") == 3
    first, second = made.calibrations[0], made.calibrations[1]
    assert (first.cells.cell[8:] == -1).all()  # type: ignore[union-attr]
    assert (second.cells.cell[:8] == -1).all()  # type: ignore[union-attr]
    np.testing.assert_allclose(first.values[:8], raked.values)
    np.testing.assert_allclose(first.values[8:], other.base)
    factor = made.steps[-1].settings["factors"]
    np.testing.assert_allclose(
        made.values, np.concatenate([raked.values * factor["x"], other.values * factor["y"]]), rtol=1e-12
    )
    assert (made.redo(made.base).values == made.values).all()
    base = made.base * np.random.default_rng(6).integers(1, 3, 14)
    np.testing.assert_allclose(made.redo(base).values[:8], raked.redo(base[:8]).values * factor["x"], rtol=1e-9)
    np.testing.assert_allclose(made.redo(base).values[8:], other.redo(base[8:]).values * factor["y"], rtol=1e-9)
    assert made.index.names == ["wave", None]
    with pytest.raises(WeightingError, match="pooled weights cannot be calibrated again"):
        weight.trim(made, upper=float(made.values.max()) * 0.99)


@pytest.mark.parametrize(
    ("waves", "options", "expected"),
    [
        ({"a": [1.0]}, {}, "got 1 wave"),
        ({"a": [1.0], "b": [1.0]}, {"rule": "best"}, 'got "best"; expected one of effective_n'),
        ({"a": [1.0], "b": [1.0]}, {"shares": {"a": 1.0}}, "expected a positive number for each of a, b"),
        ({"a": [1.0], "b": [1.0]}, {"shares": {"a": 1.0, "b": 0.0}}, "expected a positive number"),
        ({"a": [1.0], "b": [-1.0]}, {}, "1 negative weight(s) of 1"),
    ],
)
def test_pools_that_make_no_sense(waves: dict[str, object], options: dict[str, object], expected: str) -> None:
    with pytest.raises(WeightingError) as caught:
        weight.pool(waves, **options)  # type: ignore[arg-type]
    assert expected in str(caught.value)
