"""Sample designs: what they refuse, how units are numbered, and what single-PSU policies do to strata."""

import numpy as np
import pandas as pd
import pytest

from engagement_stats import SampleDesign, estimate
from engagement_stats.design import lay_out
from engagement_stats.errors import EstimationError


@pytest.fixture
def frame():
    return pd.DataFrame(
        {
            "w": [1.0, 2.0, 1.0, 3.0, 1.5, 1.0],
            "h": ["b", "a", "a", "b", "a", "b"],
            "c": [1, 1, 2, 2, 1, 2],
            "y": [1, 0, 1, 1, 0, 1],
            "x": [3.0, 1.0, 2.0, 5.0, 4.0, 2.5],
        }
    )


def test_psus_are_taken_within_strata(frame):
    layout = lay_out(frame, SampleDesign(weight="w", stratum="h", psu="c"))
    assert layout.first.units == 4
    assert layout.first.size.tolist() == [2, 2]
    assert layout.degrees_of_freedom == 2


def test_columns_of_a_design_are_listed_in_order():
    design = SampleDesign(weight="w", stratum="h", psu=["a", "b"], fpc=["m", "n"])
    assert design.columns == ("w", "h", "a", "b", "m", "n")


@pytest.mark.parametrize(
    ("design", "basis"),
    [
        (SampleDesign(weight="w"), "weights_only"),
        (SampleDesign(weight="w", psu="c"), "design"),
        (SampleDesign(stratum="h"), "design"),
        (SampleDesign(weight="w", replicates=["r"], replicate_method="brr"), "replicate"),
    ],
)
def test_variance_basis(design, basis):
    assert design.variance_basis == basis


@pytest.mark.parametrize(
    ("values", "rule"),
    [
        ([1, 2, None, 1, 1, 1], "1 of 6 weights are missing"),
        ([1, 2, -7.25, 1, -1, 1], "2 of 6 weights are negative"),
        ([1, 2, np.inf, 1, 1, 1], "1 of 6 weights are infinite"),
        (["1", "2", "x", "1", "1", "1"], "not numeric"),
        ([0, 0, 0, 0, 0, 0], "all 6 weights are zero"),
        ([True, True, True, True, True, False], "not numeric"),
    ],
)
def test_bad_weights_are_refused_by_column_rule_and_count(frame, values, rule):
    frame["w"] = values
    with pytest.raises(EstimationError, match=rule) as error:
        lay_out(frame, SampleDesign(weight="w"))
    assert 'weight "w"' in str(error.value)
    assert "7.25" not in str(error.value)


def test_a_missing_column_names_the_nearest(frame):
    with pytest.raises(EstimationError, match=r'there is no column "weigth".*Did you mean weight'):
        lay_out(frame.rename(columns={"w": "weight"}), SampleDesign(weight="weigth"))


def test_two_columns_of_one_name_are_refused(frame):
    twice = pd.concat([frame, frame[["w"]]], axis=1)
    with pytest.raises(EstimationError, match='2 columns are called "w"'):
        lay_out(twice, SampleDesign(weight="w"))


def test_nulls_in_a_design_column_are_counted(frame):
    frame.loc[[1, 3], "h"] = None
    with pytest.raises(EstimationError, match='stratum "h": 2 of 6 rows have none'):
        lay_out(frame, SampleDesign(weight="w", stratum="h"))


def test_no_rows(frame):
    with pytest.raises(EstimationError, match="no rows"):
        lay_out(frame.head(0), SampleDesign(weight="w"))


def test_something_else_than_a_design(frame):
    with pytest.raises(EstimationError, match="expected a SampleDesign"):
        lay_out(frame, {"weight": "w"})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"single_psu": "centre"}, "single_psu"),
        ({"psu": ["a", "b"], "fpc": "m"}, "1 columns for 2 stages"),
        ({"replicates": ["r"]}, "need replicate_method"),
        ({"replicates": ["r"], "replicate_method": "jackknife"}, "replicate_method"),
        ({"replicates": ["r"], "replicate_method": "jkn"}, "replicate_rscales"),
        ({"replicates": ["r"], "replicate_method": "other"}, "replicate_scale or replicate_rscales"),
        ({"replicates": ["r"], "replicate_method": "fay", "fay_rho": 1.0}, "fay_rho"),
        ({"replicates": ["r", "s"], "replicate_method": "brr", "replicate_rscales": [1]}, "1 replicate_rscales for 2"),
        ({"replicate_method": "brr"}, "without replicates"),
        ({"replicates": ["r"], "replicate_method": "brr", "replicate_centre": "mean"}, "replicate_centre"),
    ],
)
def test_settings_that_contradict_each_other(options, message):
    with pytest.raises(EstimationError, match=message):
        SampleDesign(weight="w", **options)


@pytest.mark.parametrize(
    ("fpc", "message"),
    [
        ([10, 10, 10, 20, 10, 10], "more than one value"),
        ([2, 10, 10, 2, 10, 2], "more sampled units than the population"),
        ([0.5, 10, 10, 0.5, 10, 0.5], "some values are below 1"),
        ([10, 0, 10, 10, 10, 10], "missing, zero or negative"),
        (list("abcdef"), "not numeric"),
    ],
)
def test_corrections_that_cannot_be(frame, fpc, message):
    frame["n"] = fpc
    with pytest.raises(EstimationError, match=message):
        lay_out(frame, SampleDesign(weight="w", stratum="h", fpc="n"))


def test_a_correction_as_fraction_or_as_size_is_one_correction(frame):
    frame["size"], frame["fraction"] = 12, 3 / 12
    by_size = estimate.mean(frame, "x", design=SampleDesign(weight="w", stratum="h", fpc="size"))
    by_fraction = estimate.mean(frame, "x", design=SampleDesign(weight="w", stratum="h", fpc="fraction"))
    assert by_size.at[0, "standard_error"] == pytest.approx(by_fraction.at[0, "standard_error"], rel=1e-12)


def test_a_census_has_no_sampling_error_and_is_not_a_single_psu(frame):
    frame["n"] = 3
    row = estimate.mean(frame, "x", design=SampleDesign(weight="w", stratum="h", fpc="n")).iloc[0]
    assert row.standard_error == 0
    one = frame.head(1).assign(n=1)
    assert lay_out(pd.concat([frame, one.assign(h="z")]), SampleDesign(weight="w", stratum="h", fpc="n")).rows == 7


@pytest.fixture
def lone(frame):
    extra = pd.DataFrame({"w": [1.0, 2.0], "h": ["c", "d"], "c": [1, 1], "y": [0, 1], "x": [9.0, 7.0]})
    return pd.concat([frame, extra], ignore_index=True)


def test_single_psus_stop_by_default_and_are_named(lone):
    with pytest.raises(EstimationError, match=r'stratum "c", "d": one sampled PSU.*single_psu'):
        lay_out(lone, SampleDesign(weight="w", stratum="h", psu="c"))


def test_collapsing_joins_neighbours_in_order(lone):
    layout = lay_out(lone, SampleDesign(weight="w", stratum="h", psu="c", single_psu="collapse"))
    assert layout.first.size.tolist() == [2, 2, 2]
    assert layout.single_psu_strata == 2
    pair = lone.replace({"h": {"d": "c"}}).assign(c=[1, 1, 2, 2, 1, 2, 1, 2])
    by_hand = estimate.mean(pair, "x", design=SampleDesign(weight="w", stratum="h", psu="c"))
    ours = estimate.mean(lone, "x", design=SampleDesign(weight="w", stratum="h", psu="c", single_psu="collapse"))
    assert ours.at[0, "standard_error"] == by_hand.at[0, "standard_error"]


def test_collapsing_the_last_joins_the_one_before(lone):
    layout = lay_out(lone.iloc[:7], SampleDesign(weight="w", stratum="h", psu="c", single_psu="collapse"))
    assert layout.first.size.tolist() == [2, 3]


@pytest.mark.parametrize("policy", ["certainty", "adjust", "average", "collapse"])
def test_every_policy_says_itself_in_the_result(lone, policy):
    design = SampleDesign(weight="w", stratum="h", psu="c", single_psu=policy)
    row = estimate.mean(lone, "x", design=design).iloc[0]
    assert (row.single_psu_policy, row.single_psu_strata) == (policy, 2)
    assert row.standard_error > 0


@pytest.mark.parametrize("policy", ["fail", "certainty", "adjust", "average", "collapse"])
def test_one_psu_in_all_has_an_estimate_and_no_error(frame, policy):
    design = SampleDesign(weight="w", psu="one", single_psu=policy)
    row = estimate.mean(frame.assign(one=1), "x", design=design).iloc[0]
    assert row.estimate == pytest.approx(np.average(frame["x"], weights=frame["w"]))
    assert np.isnan([row.standard_error, row.ci_lower, row.ci_upper]).all()
    assert row.degrees_of_freedom == 0


@pytest.mark.parametrize("policy", ["certainty", "average"])
def test_only_single_psus_have_no_error_rather_than_zero(frame, policy):
    design = SampleDesign(weight="w", stratum="x", single_psu=policy)
    assert np.isnan(estimate.mean(frame, "x", design=design).at[0, "standard_error"])


def test_a_later_stage_with_one_unit_needs_certainty():
    towns = pd.DataFrame({"town": [1, 1, 2], "street": [1, 2, 1], "towns": 9, "streets": [4, 4, 5], "y": [1.0, 2, 4]})
    columns = {"psu": ["town", "street"], "fpc": ["towns", "streets"]}
    with pytest.raises(EstimationError, match="stage 2: 1 of 2 units have one sampled unit"):
        lay_out(towns, SampleDesign(**columns))
    row = estimate.mean(towns, "y", design=SampleDesign(**columns, single_psu="certainty")).iloc[0]
    assert row.standard_error > 0


def test_zero_weights_stay_in_the_design_and_leave_the_base(frame):
    frame["w"] = [0.0, 2.0, 1.0, 3.0, 1.5, 1.0]
    design = SampleDesign(weight="w", stratum="h")
    layout = lay_out(frame, design)
    assert layout.first.size.tolist() == [3, 3]
    rows = estimate.proportion(frame, "y", design=design)
    row = rows.iloc[0]
    assert rows.attrs["sample"].zero_weights == 1
    assert (row.base_unweighted, row.base_missing) == (5, 0)
    assert row.degrees_of_freedom == 3
