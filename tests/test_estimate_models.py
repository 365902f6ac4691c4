"""Tests of independence, standardisation and regressions: edges, and adjusted differences by jackknife."""

import numpy as np
import pandas as pd
import pytest

from engagement_stats import SampleDesign, estimate
from engagement_stats.errors import EstimationError

DESIGN = SampleDesign(weight="w", stratum="h", psu="c")


@pytest.fixture(scope="module")
def frame():
    random = np.random.default_rng(8)
    n = 400
    cluster = np.arange(n) % 40
    lean = random.normal(0, 0.7, 40)[cluster]
    sex, age = random.choice(["f", "m"], n), random.integers(16, 90, n)
    return pd.DataFrame(
        {
            "w": random.lognormal(0, 0.4, n),
            "h": cluster // 10,
            "c": cluster,
            "sex": sex,
            "age": age,
            "band": np.where(age < 45, "young", "old"),
            "y": (random.random(n) < 1 / (1 + np.exp(-(lean + (sex == "f") - 0.02 * (age - 50))))).astype(int),
        }
    )


def test_adjusted_differences_against_the_jackknife(frame):
    fit = estimate.logistic(frame, "y", ["sex", "age"], design=DESIGN)
    row = fit.coefficients.set_index("term").loc["sex: m"]
    size = frame.groupby("h")["c"].nunique()
    squares = 0.0
    for (h, c), _ in frame.groupby(["h", "c"]):
        n = size[h]
        weight = frame["w"] * np.where(frame["h"] == h, np.where(frame["c"] == c, 0, n / (n - 1)), 1.0)
        left = frame.assign(w=weight)[weight > 0]
        again = estimate.logistic(left, "y", ["sex", "age"], design=SampleDesign(weight="w"))
        away = again.coefficients["adjusted_difference"].iloc[1] - row.adjusted_difference
        squares += (n - 1) / n * away**2
    assert row.adjusted_difference_standard_error == pytest.approx(np.sqrt(squares), rel=0.03)
    assert row.adjusted_difference_ci_lower < row.adjusted_difference < row.adjusted_difference_ci_upper


def test_a_saturated_model_gives_the_proportions(frame):
    rows = estimate.proportion(frame, "y", design=DESIGN, by="sex")
    fit = estimate.logistic(frame, "y", "sex", design=DESIGN)
    apart = estimate.contrast([(rows, 2), (rows, 1)], [1, -1])
    row = fit.coefficients.iloc[1]
    assert row.adjusted_difference == pytest.approx(apart.estimate, rel=1e-9)
    assert row.adjusted_difference_standard_error == pytest.approx(apart.standard_error, rel=1e-6)
    linear = estimate.linear(frame, "y", "sex", design=DESIGN).coefficients.iloc[1]
    assert linear.estimate == pytest.approx(apart.estimate, rel=1e-9)
    assert linear.standard_error == pytest.approx(apart.standard_error, rel=1e-9)


def test_a_regression_keeps_the_design_of_a_domain(frame):
    women = estimate.linear(frame, "age", "y", design=DESIGN, where=frame["sex"] == "f")
    assert women.base_unweighted == (frame["sex"] == "f").sum()
    filtered = estimate.linear(frame[frame["sex"] == "f"], "age", "y", design=DESIGN)
    assert women.coefficients["estimate"].to_numpy() == pytest.approx(filtered.coefficients["estimate"].to_numpy())


def test_regressions_that_have_no_answer(frame):
    with pytest.raises(EstimationError, match="collinear"):
        estimate.linear(frame.assign(twice=2 * frame["age"]), "y", ["age", "twice"], design=DESIGN)
    with pytest.raises(EstimationError, match="separates"):
        estimate.logistic(frame.assign(same=frame["y"].astype(str)), "y", "same", design=DESIGN)
    replicated = SampleDesign(weight="w", replicates=["w"], replicate_method="brr")
    with pytest.raises(EstimationError, match="replicate"):
        estimate.linear(frame, "y", "age", design=replicated)


def test_standardising_to_the_populations_own_mix_changes_nothing(frame):
    own = frame.groupby("band")["w"].sum()
    rows = estimate.standardise(frame, "y", over="band", population=own.to_dict(), design=DESIGN)
    assert rows.at[0, "estimate"] == pytest.approx(rows.at[0, "crude_estimate"], rel=1e-12)


def test_standardising_means_and_empty_classes(frame):
    only_young = frame[(frame["sex"] == "f") | (frame["band"] == "young")]
    rows = estimate.standardise(
        only_young, "age", over="band", population={"young": 1, "old": 1}, design=DESIGN, by="sex", statistic="mean"
    ).set_index("level")
    assert np.isnan(rows.at["m", "estimate"])
    assert rows.at["m", "smallest_class_base"] == 0
    assert rows.at["f", "standard_error"] > 0


@pytest.mark.parametrize(
    ("population", "message"),
    [
        ({"young": 1}, "no figure for old"),
        ({"young": 1, "old": -1}, "zero or more"),
        ({"young": 1, "old": 1, "oldest": 1}, "nobody in the data is in oldest"),
    ],
)
def test_populations_that_do_not_fit(frame, population, message):
    with pytest.raises(EstimationError, match=message):
        estimate.standardise(frame, "y", over="band", population=population, design=DESIGN)


def test_independence_needs_two_categories_and_a_variance(frame):
    with pytest.raises(EstimationError, match='"one" has 1 categories'):
        estimate.independence(frame.assign(one="x"), "one", "sex", design=DESIGN)
    with pytest.raises(EstimationError, match="no variance"):
        estimate.independence(frame.assign(p=1), "band", "sex", design=SampleDesign(psu="p"))
    with pytest.raises(EstimationError, match="statistic"):
        estimate.independence(frame, "band", "sex", design=DESIGN, statistic="G")


def test_without_a_design_the_test_is_pearsons(frame):
    test = estimate.independence(frame, "band", "sex", design=SampleDesign(), statistic="chi_squared")
    table = pd.crosstab(frame["band"], frame["sex"]).to_numpy()
    expected = np.outer(table.sum(1), table.sum(0)) / table.sum()
    pearson = ((table - expected) ** 2 / expected).sum()
    assert test.statistic == pytest.approx(pearson, rel=0.02)
    assert test.base_unweighted == len(frame)


def test_an_empty_cell_still_has_a_test(frame):
    cell = frame.assign(three=np.where(frame["band"] == "old", "x", np.where(frame["sex"] == "f", "y", "z")))
    assert estimate.independence(cell, "three", "sex", design=DESIGN).p_value < 1e-6
