"""What estimates share: groups and totals that overlap, calls on one sample, samples not independent."""

import numpy as np
import pandas as pd
import pytest

from engagement_stats import SampleDesign, estimate
from engagement_stats.errors import EstimationError

DESIGN = SampleDesign(weight="w", stratum="h", psu="c")


def sample_of(seed, n=500):
    random = np.random.default_rng(seed)
    household = np.sort(random.integers(0, 200, n))
    lean = random.normal(0, 1, 200)[household]
    return pd.DataFrame(
        {
            "w": random.lognormal(0, 0.6, n),
            "h": household // 25,
            "c": [f"{seed}-{k}" for k in household],
            "area": np.array(["A", "B", "C", "D"])[household // 50],
            "sex": random.choice(["f", "m"], n),
            "y": (random.random(n) < 1 / (1 + np.exp(-lean))).astype(int),
            "x": random.gamma(2, 2, n),
        }
    )


@pytest.fixture(scope="module")
def frame():
    return sample_of(1)


@pytest.fixture(scope="module")
def rows(frame):
    return estimate.proportion(frame, "y", design=DESIGN, by=["area", "sex", "area*sex"])


def influence(frame, rows, position):
    """Influence values by hand, summed to PSUs and centred within strata."""
    row = rows.iloc[position]
    here = np.ones(len(frame), bool)
    if row.domain != "all":
        for column, level in zip(row.domain.split("*"), row.level.split(" | "), strict=True):
            here &= (frame[column] == level).to_numpy()
    w = frame["w"] * here
    z = w * (frame["y"] - row.estimate) / w.sum()
    totals = z.groupby([frame["h"], frame["c"]]).sum()
    n = totals.groupby(level=0).transform("size")
    return (totals - totals.groupby(level=0).transform("mean")) * np.sqrt(n / (n - 1))


def test_every_pair_of_rows_by_hand(frame, rows):
    by_hand = np.column_stack([influence(frame, rows, i) for i in range(len(rows))])
    np.testing.assert_allclose(estimate.covariance(rows), by_hand.T @ by_hand, rtol=1e-9, atol=1e-16)


def test_many_with_one_is_the_column_of_the_matrix(rows):
    matrix = estimate.covariance(rows)
    for reference in range(len(rows)):
        np.testing.assert_allclose(
            estimate.covariance_with(rows, reference), matrix[:, reference], rtol=1e-9, atol=1e-16
        )


@pytest.mark.parametrize("policy", ["certainty", "adjust", "average"])
def test_single_psu_policies_reach_covariances(frame, policy):
    lone = pd.concat([frame, frame.tail(3).assign(h=99, c="lone")], ignore_index=True)
    design = SampleDesign(weight="w", stratum="h", psu="c", single_psu=policy)
    made = estimate.mean(lone, "x", design=design, by=["area", "sex"])
    np.testing.assert_allclose(np.diag(estimate.covariance(made)), made["standard_error"] ** 2, rtol=1e-9)
    for row in range(len(made)):
        one = estimate.contrast([(made, row)], [1.0])
        assert one.standard_error == pytest.approx(made.at[row, "standard_error"], rel=1e-9)
        np.testing.assert_allclose(
            estimate.covariance_with(made, row), estimate.covariance(made)[:, row], rtol=1e-9, atol=1e-16
        )


def test_rows_may_be_filtered_and_sorted_first(rows):
    wanted = rows[rows["domain"] == "sex"].sort_values("level", ascending=False)
    np.testing.assert_allclose(estimate.covariance(wanted), estimate.covariance(rows, [6, 5]), rtol=1e-12)


def test_ignoring_the_overlap_gives_the_wrong_answer(rows):
    """An area is in the total: treated as independent, its difference gets another error than it has."""
    area = rows.iloc[1]
    ours = estimate.contrast([(rows, 1), (rows, 0)], [1, -1]).standard_error
    naive = np.hypot(area.standard_error, rows.at[0, "standard_error"])
    assert abs(naive / ours - 1) > 0.1


def test_a_group_against_the_total_is_the_group_against_the_rest(frame, rows):
    """p_d - p = (1 - share_d)(p_d - p_rest): the same z for a fixed share, near it for an estimated one."""
    rest = estimate.proportion(frame.assign(rest=frame["area"] != "A"), "y", design=DESIGN, by="rest")
    total = estimate.contrast([(rows, 1), (rows, 0)], [1, -1])
    other = estimate.contrast([(rest, 1), (rest, 2)], [1, -1])
    share = frame.loc[frame["area"] == "A", "w"].sum() / frame["w"].sum()
    assert total.estimate == pytest.approx((1 - share) * other.estimate)
    assert total.estimate / total.standard_error == pytest.approx(other.estimate / other.standard_error, rel=0.2)


def test_several_calls_on_one_sample_know_their_covariance(frame, rows):
    means = estimate.mean(frame, "x", design=DESIGN, by="area")
    assert rows.attrs["sample"].relation(means.attrs["sample"]) == "same"
    both = estimate.covariance(rows, [0, 1], means, [0, 2])
    assert both.shape == (2, 2)
    itself = estimate.proportion(frame, "y", design=DESIGN, by="sex")
    assert estimate.covariance(rows, [0], itself, [0])[0, 0] == pytest.approx(rows.at[0, "standard_error"] ** 2)
    apart = estimate.contrast([(rows, 0), (itself, 0)], [1, -1])
    assert apart.standard_error == pytest.approx(0, abs=1e-9)


def test_a_copy_read_again_is_the_same_sample(frame, rows):
    again = estimate.proportion(frame.copy(), "y", design=DESIGN)
    assert rows.attrs["sample"].relation(again.attrs["sample"]) == "same"


def test_a_filtered_frame_is_not_independent(frame, rows):
    part = estimate.proportion(frame[frame["area"] == "A"], "y", design=DESIGN)
    assert rows.attrs["sample"].relation(part.attrs["sample"]) == "overlapping"
    for independent in (False, True):
        with pytest.raises(EstimationError, match="share respondents"):
            estimate.contrast([(part, 0), (rows, 0)], [1, -1], independent=independent)
    with pytest.raises(EstimationError, match="not of the same respondents"):
        estimate.covariance(part, [0], rows, [0])


def test_a_panel_is_not_independent_unless_the_names_are_chance(frame, rows):
    later = estimate.proportion(frame.assign(w=frame["w"] * 1.5, y=1 - frame["y"]), "y", design=DESIGN)
    assert rows.attrs["sample"].relation(later.attrs["sample"]) == "shared_labels"
    with pytest.raises(EstimationError, match="share names of PSUs"):
        estimate.contrast([(later, 0), (rows, 0)], [1, -1])
    assert estimate.contrast([(later, 0), (rows, 0)], [1, -1], independent=True).standard_error > 0


def test_independent_samples_add_their_variances(rows):
    other = estimate.proportion(sample_of(2), "y", design=DESIGN)
    assert rows.attrs["sample"].relation(other.attrs["sample"]) == "distinct"
    apart = estimate.contrast([(rows, 0), (other, 0)], [1, -1])
    assert apart.standard_error == pytest.approx(np.hypot(rows.at[0, "standard_error"], other.at[0, "standard_error"]))
    low, high = sorted([rows.at[0, "degrees_of_freedom"], other.at[0, "degrees_of_freedom"]])
    assert low < apart.degrees_of_freedom < low + high


def test_waves_stacked_in_one_frame_carry_their_panel(frame):
    later = frame.assign(y=np.roll(frame["y"], 1))
    stacked = pd.concat([frame.assign(wave="1"), later.assign(wave="2")], ignore_index=True)
    rows = estimate.proportion(stacked, "y", design=DESIGN, by="wave")
    joint = estimate.contrast([(rows, 2), (rows, 1)], [1, -1]).standard_error
    assert joint < 0.9 * np.hypot(*rows["standard_error"][1:])


def test_quantiles_have_covariances(frame):
    rows = estimate.quantile(frame, "x", [0.4, 0.5], design=DESIGN)
    matrix = estimate.covariance(rows)
    np.testing.assert_allclose(np.sqrt(np.diag(matrix)), rows["standard_error"], rtol=1e-9)
    assert 0.5 < matrix[0, 1] / np.sqrt(matrix[0, 0] * matrix[1, 1]) <= 1


def test_a_position_that_is_not_there_is_named(rows):
    assert estimate.contrast([(rows, -1)], [1]).estimate == rows["estimate"].iloc[-1]
    for position in (len(rows), -len(rows) - 1):
        with pytest.raises(EstimationError, match=f"no row at position {position}"):
            estimate.contrast([(rows, position)], [1])


def test_a_frame_without_its_sample_says_so(rows):
    stripped = rows.copy()
    stripped.attrs = {}
    with pytest.raises(EstimationError, match="carries no sample"):
        estimate.covariance(stripped)


def test_rows_of_another_call_are_refused(frame, rows):
    other = estimate.mean(frame, "x", design=DESIGN)
    other.attrs["sample"] = rows.attrs["sample"]
    with pytest.raises(EstimationError, match="not estimated in this call"):
        estimate.covariance(other)


@pytest.mark.parametrize("function", [[1, -1, 0], lambda a, b: f"{a}"])
def test_contrasts_that_cannot_be(rows, function):
    with pytest.raises(EstimationError, match="contrast"):
        estimate.contrast([(rows, 1), (rows, 0)], function)
