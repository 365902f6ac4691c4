"""Replicate weights: producers' and our own, against linearisation and against exact results."""

import numpy as np
import pandas as pd
import pytest

from engagement_stats import SampleDesign, estimate, replicate
from engagement_stats.design import lay_out, replicate_factors
from engagement_stats.errors import EstimationError

DESIGN = SampleDesign(weight="w", stratum="h", psu="c")


@pytest.fixture(scope="module")
def frame():
    random = np.random.default_rng(11)
    n = 900
    household = random.integers(0, 400, n)
    return pd.DataFrame(
        {
            "w": random.lognormal(0, 0.5, n),
            "h": household // 40,
            "c": household,
            "area": np.where(household < 200, "A", "B"),
            "sex": random.choice(["f", "m"], n),
            "y": (random.random(n) < 0.3).astype(int),
            "x": np.where(random.random(n) < 0.1, np.nan, random.gamma(2, 2, n)),
        }
    )


def test_bootstrap_agrees_with_linearisation(frame):
    boot = replicate.bootstrap(frame, DESIGN, count=800, seed=4)
    for rows in (
        estimate.proportion(frame, "y", design=DESIGN, by=["area", "sex", "area*sex"]),
        estimate.mean(frame, "x", design=DESIGN, by=["area", "sex"]),
        estimate.total(frame, "x", design=DESIGN, by="sex"),
        estimate.ratio(frame, [("x", "y")], design=DESIGN),
    ):
        share = replicate.standard_errors(rows, boot) / rows["standard_error"]
        assert share.between(0.85, 1.15).all()


def test_bootstrap_draws_one_less_than_a_stratum_has(frame):
    boot = replicate.bootstrap(frame, DESIGN, count=20, seed=4)
    stage = boot.layout.first
    for stratum, size in enumerate(stage.size):
        drawn = boot.multiplier[stage.stratum == stratum].sum(axis=0)
        assert (drawn == size - 1).all()


def test_bootstrap_is_the_same_for_the_same_seed_whatever_the_row_order(frame):
    rows = frame.sample(frac=1, random_state=1)
    first = replicate.bootstrap(frame, DESIGN, count=10, seed=4)
    second = replicate.bootstrap(rows, DESIGN, count=10, seed=4)
    np.testing.assert_array_equal(first.multiplier, second.multiplier)
    np.testing.assert_allclose(first.weights()[rows.index], second.weights())
    assert not np.array_equal(first.multiplier, replicate.bootstrap(frame, DESIGN, count=10, seed=5).multiplier)


def test_bootstrap_in_strata_larger_than_a_chunk_of_draws(frame, monkeypatch):
    monkeypatch.setattr(replicate, "DRAWS", 50)
    boot = replicate.bootstrap(frame, SampleDesign(weight="w"), count=7, seed=1)
    assert (boot.multiplier.sum(axis=0) == len(frame) - 1).all()


def test_jackknife_of_a_total_is_linearisation_exactly(frame):
    rows = estimate.total(frame, "x", design=DESIGN, by="sex")
    found = replicate.standard_errors(rows, replicate.jackknife(frame, DESIGN))
    np.testing.assert_allclose(found, rows["standard_error"], rtol=1e-9)


def test_columns_given_by_a_producer_are_the_replicates_they_came_from(frame):
    boot = replicate.bootstrap(frame, DESIGN, count=60, seed=2)
    columns = [f"r{k}" for k in range(60)]
    wide = pd.concat([frame, pd.DataFrame(boot.weights(), columns=columns)], axis=1)
    design = SampleDesign(weight="w", replicates=columns, replicate_method="bootstrap")
    rows = estimate.proportion(frame, "y", design=DESIGN, by=["area", "sex"])
    given = estimate.proportion(wide, "y", design=design, by=["area", "sex"])
    np.testing.assert_allclose(given["standard_error"], replicate.standard_errors(rows, boot), rtol=1e-9)
    assert (given["variance_basis"] == "replicate").all()
    assert (given["degrees_of_freedom"] == 59).all()
    matrix = estimate.covariance(given)
    np.testing.assert_allclose(np.diag(matrix), given["standard_error"] ** 2, rtol=1e-9)
    apart = estimate.contrast([(given, 1), (given, 0)], [1, -1])
    assert apart.standard_error == pytest.approx(np.sqrt(matrix[0, 0] + matrix[1, 1] - 2 * matrix[0, 1]))
    quantile = estimate.quantile(wide, "x", 0.5, design=design)
    assert quantile.at[0, "standard_error"] > 0


@pytest.mark.parametrize(
    ("options", "first"),
    [
        ({"replicate_method": "brr"}, 1 / 4),
        ({"replicate_method": "fay", "fay_rho": 0.5}, 1 / 4 / 0.25),
        ({"replicate_method": "jk1"}, 3 / 4),
        ({"replicate_method": "bootstrap"}, 1 / 3),
        ({"replicate_method": "bootstrap", "replicate_scale": 0.2}, 0.2),
        ({"replicate_method": "jkn", "replicate_rscales": [0.5, 0.6, 0.7, 0.8]}, 0.5),
        ({"replicate_method": "other", "replicate_scale": 2, "replicate_rscales": [0.5] * 4}, 1.0),
    ],
)
def test_scales(options, first):
    design = SampleDesign(replicates=["a", "b", "c", "d"], **options)
    assert replicate_factors(design)[0] == pytest.approx(first)


def test_a_level_some_replicates_leave_empty_uses_the_others():
    frame = pd.DataFrame(
        {"g": ["a", "b", "b", "b"], "y": [1, 0, 1, 1], "r0": [2.0, 0, 2, 0], "r1": [0, 2.0, 0, 2], "r2": [2.0, 0, 0, 2]}
    )
    design = SampleDesign(replicates=["r0", "r1", "r2"], replicate_method="brr")
    rows = estimate.proportion(frame, "y", design=design, by="g")
    assert rows.loc[rows["level"] == "a", "standard_error"].iloc[0] == 0


def test_degrees_of_freedom_the_producer_states():
    frame = pd.DataFrame({"y": [1, 0, 1, 1], "r0": [2.0, 0, 2, 0], "r1": [0, 2.0, 0, 2]})
    design = SampleDesign(replicates=["r0", "r1"], replicate_method="brr", replicate_degrees_of_freedom=30)
    assert lay_out(frame, design).degrees_of_freedom == 30


def test_what_is_refused(frame, monkeypatch):
    with pytest.raises(EstimationError, match="2 or more"):
        replicate.bootstrap(frame, DESIGN, count=1)
    boot = replicate.bootstrap(frame, DESIGN, count=3)
    with pytest.raises(EstimationError, match="not of the sample"):
        replicate.standard_errors(estimate.proportion(frame.head(50), "y", design=SampleDesign()), boot)
    with pytest.raises(EstimationError, match="quantiles"):
        replicate.standard_errors(estimate.quantile(frame, "x", 0.5, design=DESIGN), boot)
    monkeypatch.setattr(replicate, "JACKKNIFE_LIMIT", 10)
    with pytest.raises(EstimationError, match="Use bootstrap"):
        replicate.jackknife(frame, DESIGN)
