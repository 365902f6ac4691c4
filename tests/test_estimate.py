"""The estimators' contract: columns, domains, bases, edges, and what is refused."""

import copy
import pickle
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from engagement_stats import SampleDesign, estimate, influence
from engagement_stats.errors import EstimationError


def test_the_public_names_are_listed_before_they_are_used():
    names = {"SampleDesign", "compare", "estimate", "weight"}
    program = f"import engagement_stats\nprint({names} <= set(dir(engagement_stats)))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "True\n"


@pytest.mark.parametrize("frame", [{"y": [0, 1]}, np.zeros((2, 1))])
def test_another_kind_of_frame_is_refused_by_name(frame):
    with pytest.raises(EstimationError, match=f"expected a pandas DataFrame, got {type(frame).__name__}"):
        estimate.proportion(frame, "y", design=SampleDesign())


@pytest.fixture(scope="module")
def people():
    random = np.random.default_rng(5)
    n = 600
    household = np.sort(random.integers(0, 300, n))
    stratum = household // 30
    return pd.DataFrame(
        {
            "w": random.lognormal(0, 0.6, n),
            "h": stratum,
            "c": household,
            "region": np.where(stratum < 5, "North", "South"),
            "tenure": np.array(["own", "rent"])[household % 2],
            "sex": random.choice(["Female", "Male"], n),
            "volunteered": pd.array(random.random(n) < 0.3, dtype="boolean"),
            "joined": random.integers(0, 2, n),
            "reason": random.choice(["a", "b", "c"], n),
            "hours": np.where(random.random(n) < 0.1, np.nan, random.gamma(2, 3, n)),
            "people": random.integers(1, 5, n),
        }
    )


DESIGN = SampleDesign(weight="w", stratum="h", psu="c")


def test_columns_are_those_of_the_warehouse_and_then_ours(people):
    rows = estimate.proportion(people, ["volunteered", "joined"], design=DESIGN, by=["region", "region*sex"])
    assert list(rows.columns) == list(estimate.COLUMNS)
    assert len(rows) == 2 * (1 + 2 + 4)
    assert rows["level"].tolist()[:7] == [
        "all",
        "North",
        "South",
        "North | Female",
        "North | Male",
        "South | Female",
        "South | Male",
    ]
    assert rows["domain"].unique().tolist() == ["all", "region", "region*sex"]
    assert (rows["variance_basis"] == "design").all()
    assert rows[["release_id", "survey", "wave", "symbol", "source", "run_id"]].isna().all().all()
    assert (rows["weight"] == "w").all()


@pytest.mark.parametrize("call", [estimate.mean, estimate.total])
def test_numeric_estimators_share_the_columns(people, call):
    rows = call(people, "hours", design=DESIGN, by="tenure")
    assert list(rows.columns) == list(estimate.COLUMNS)
    assert rows["numerator_unweighted"].isna().all()


def test_a_family_adds_up_to_its_total(people):
    rows = estimate.total(people, "hours", design=DESIGN, by=["region", "sex", "region*sex", "tenure"])
    for _, levels in rows.groupby("domain"):
        assert levels["estimate"].sum() == pytest.approx(rows.at[0, "estimate"], rel=1e-12)
        assert levels["base_unweighted"].sum() == rows.at[0, "base_unweighted"]


def test_one_call_for_many_is_many_calls_of_one(people):
    together = estimate.proportion(people, ["volunteered", "joined"], design=DESIGN, by=["sex", "tenure", "region"])
    for name in ("volunteered", "joined"):
        for by in ("sex", "tenure", "region"):
            alone = estimate.proportion(people, name, design=DESIGN, by=by)
            same = together[(together["indicator"] == name) & together["domain"].isin(["all", by])]
            columns = ["estimate", "standard_error", "ci_lower", "ci_upper", "design_effect"]
            np.testing.assert_allclose(same[columns], alone[columns], rtol=1e-12)


def test_a_domain_is_not_a_filter(people):
    """Dropping rows before estimating forgets PSUs without members, and gives another standard error."""
    female = people["sex"] == "Female"
    domain = estimate.mean(people, "hours", design=DESIGN, where=female).iloc[0]
    by = estimate.mean(people, "hours", design=DESIGN, by="sex").iloc[1]
    filtered = estimate.mean(people[female], "hours", design=DESIGN).iloc[0]
    assert domain.estimate == pytest.approx(filtered.estimate, rel=1e-12)
    assert domain.standard_error == pytest.approx(by.standard_error, rel=1e-12)
    assert abs(domain.standard_error / filtered.standard_error - 1) > 1e-4


def test_where_takes_a_column_an_array_or_a_series(people):
    flagged = people.assign(flag=people["people"] > 2)
    made = [
        estimate.mean(flagged, "hours", design=DESIGN, where=where).at[0, "standard_error"]
        for where in ("flag", flagged["flag"], flagged["flag"].to_numpy())
    ]
    assert len(set(made)) == 1


def test_bases_count_who_answered_and_who_did_not(people):
    rows = estimate.mean(people, "hours", design=DESIGN, by="sex")
    for row in rows.iloc[1:].itertuples():
        here = people[people["sex"] == row.level]
        assert row.base_unweighted == here["hours"].notna().sum()
        assert row.base_missing == here["hours"].isna().sum()
        assert row.base_weighted == pytest.approx(here.loc[here["hours"].notna(), "w"].sum())


def test_yes_answers_are_counted(people):
    rows = estimate.proportion(people, "reason", counts=["a", "b"], design=DESIGN, by="sex")
    counted = people["reason"].isin(["a", "b"]).groupby(people["sex"]).sum()
    assert rows["numerator_unweighted"].tolist()[1:] == counted.tolist()


def test_counts_by_variable(people):
    rows = estimate.proportion(people, ["reason", "people"], counts={"reason": ["a"], "people": [1, 2]}, design=DESIGN)
    assert rows["estimate"].tolist() == pytest.approx(
        [
            np.average(people["reason"] == "a", weights=people["w"]),
            np.average(people["people"] <= 2, weights=people["w"]),
        ]
    )


@pytest.mark.parametrize(
    "answers",
    [
        pd.array([1, 0, None, 1], dtype="Int64"),
        pd.array([True, False, None, True], dtype="boolean"),
        np.array([1, 0, np.nan, 1]),
        np.array([True, False, None, True], dtype=object),
        pd.array([1.0, 0.0, None, 1.0], dtype="Float64"),
        pd.array([1, 0, None, 1], dtype="Int8"),
    ],
)
def test_every_way_to_write_yes_no_and_null(answers):
    row = estimate.proportion(pd.DataFrame({"y": answers}), "y", design=SampleDesign()).iloc[0]
    assert row.estimate == pytest.approx(2 / 3)
    assert (row.base_unweighted, row.base_missing, row.numerator_unweighted) == (3, 1, 2)


@pytest.mark.parametrize("dtype", ["Int8", "Int64", "int8", "int64", "float64"])
def test_minus_one_is_not_null(dtype):
    frame = pd.DataFrame({"y": pd.array([1, 0, -1, 1], dtype=dtype)})
    with pytest.raises(EstimationError, match=r"categories 0, 1, -1.*counts="):
        estimate.proportion(frame, "y", design=SampleDesign())


def test_sixty_categories_need_counts_and_five_are_named(people):
    frame = people.assign(code=np.arange(len(people)) % 60)
    with pytest.raises(EstimationError, match=r"0, 1, 2, 3, 4 and 55 more \(60 in all\).*Pass counts="):
        estimate.proportion(frame, "code", design=DESIGN)


def test_measurements_are_not_shown_as_categories(people):
    with pytest.raises(EstimationError, match="these are measurements"):
        estimate.proportion(people, "hours", design=DESIGN)


def test_counts_nobody_has_are_refused(people):
    with pytest.raises(EstimationError, match=r"nobody has a category that counts \(z\).*a, b, c"):
        estimate.proportion(people, "reason", counts=["z"], design=DESIGN)
    declared = people.assign(reason=pd.Categorical(people["reason"], list("abcz")))
    row = estimate.proportion(declared, "reason", counts=["z"], design=DESIGN).iloc[0]
    assert (row.estimate, row.ci_lower) == (0.0, 0.0)
    assert row.ci_upper > 0


def test_columns_that_do_not_exist_name_the_nearest(people):
    with pytest.raises(EstimationError, match=r'"volunterd".*Did you mean volunteered'):
        estimate.proportion(people, "volunterd", design=DESIGN)
    with pytest.raises(EstimationError, match=r'by: there is no column "regoin".*region'):
        estimate.proportion(people, "joined", design=DESIGN, by="sex*regoin")


def test_text_is_not_a_number(people):
    with pytest.raises(EstimationError, match=r'variable "reason": expected numbers.*to_numeric'):
        estimate.mean(people, "reason", design=DESIGN)


@pytest.mark.parametrize(
    ("where", "message"),
    [
        (np.ones(3, bool), "3 values for 600 rows"),
        (np.ones(600), "expected true or false"),
        (pd.Series(np.ones(600, bool), index=range(5, 605)), "index is not the frame's"),
        (pd.array([None, *[True] * 599], dtype="boolean"), "null"),
    ],
)
def test_where_that_cannot_be_used(people, where, message):
    with pytest.raises(EstimationError, match=message):
        estimate.mean(people, "hours", design=DESIGN, where=where)


@pytest.mark.parametrize("variables", [[], ["joined", "joined"]])
def test_variables_are_named_once(people, variables):
    with pytest.raises(EstimationError, match="name at least one, and each once"):
        estimate.proportion(people, variables, design=DESIGN)


def test_a_denominator_of_zero_gives_no_ratio(people):
    table = estimate.ratio(people.assign(none=0.0), [("joined", "none"), ("none", "none")], design=DESIGN, by="sex")
    assert table[["estimate", "standard_error", "ci_lower", "ci_upper"]].isna().all(axis=None)


def test_pairs_of_a_ratio(people):
    with pytest.raises(EstimationError, match="pairs"):
        estimate.ratio(people, ["hours"], design=DESIGN)


@pytest.mark.parametrize("by", [["sex", "sex"], "all"])
def test_families_named_twice_or_all(people, by):
    with pytest.raises(EstimationError, match="named twice or reserved"):
        estimate.mean(people.assign(all=1), "hours", design=DESIGN, by=by)


def test_a_constant_has_no_error_and_a_defined_row(people):
    rows = estimate.mean(people.assign(k=1 / 3), "k", design=DESIGN, by=["sex", "tenure", "region"])
    assert (rows["estimate"] == 1 / 3).all()
    assert (rows["standard_error"] == 0).all()
    kish = people["w"].pow(2).sum() * len(people) / people["w"].sum() ** 2
    assert rows.at[0, "design_effect"] == pytest.approx(kish)
    assert rows.at[0, "effective_base"] == pytest.approx(len(people) / kish)


@pytest.mark.parametrize(("answer", "share"), [(1, 1.0), (0, 0.0)])
def test_everybody_alike_is_exact(people, answer, share):
    rows = estimate.proportion(people.assign(y=answer), "y", design=DESIGN, by=["sex", "tenure", "region"])
    assert (rows["estimate"] == share).all()
    assert (rows["standard_error"] == 0.0).all()
    assert (rows["ci_upper"] > rows["ci_lower"]).all()
    assert rows[["ci_lower", "ci_upper"]].stack().between(0, 1).all()


def test_nobody_in_a_level_is_a_defined_row(people):
    rows = estimate.proportion(people, "joined", design=DESIGN, by="sex", where=people["sex"] == "Male")
    empty = rows[rows["level"] == "Female"].iloc[0]
    assert (empty.base_unweighted, empty.base_missing, empty.base_weighted) == (0, 0, 0.0)
    assert np.isnan([empty.estimate, empty.standard_error, empty.ci_lower, empty.ci_upper]).all()


def test_nobody_answered(people):
    row = estimate.mean(people.assign(x=np.nan), "x", design=DESIGN).iloc[0]
    assert (row.base_unweighted, row.base_missing) == (0, 600)
    assert np.isnan(row.estimate)


def test_one_respondent():
    row = estimate.proportion(pd.DataFrame({"y": [1]}), "y", design=SampleDesign()).iloc[0]
    assert (row.estimate, row.ci_lower, row.ci_upper) == (1.0, pytest.approx(0.025), 1.0)
    assert np.isnan(row.standard_error)


def test_null_levels_are_left_out(people):
    frame = people.assign(sex=people["sex"].mask(people["people"] == 1))
    rows = estimate.proportion(frame, "joined", design=DESIGN, by="sex")
    assert rows.iloc[1:]["base_unweighted"].sum() == (people["people"] > 1).sum()


def test_levels_read_as_people_write_them(people):
    frame = people.assign(
        code=people["people"].astype(float).mask(people["people"] == 4),
        grade=pd.Categorical(people["reason"], ["c", "a", "b", "unused"]),
    )
    rows = estimate.proportion(frame, "joined", design=DESIGN, by=["code", "grade"])
    assert rows["level"].tolist() == ["all", "1", "2", "3", "c", "a", "b"]


def test_levels_that_read_alike_are_refused(people):
    frame = people.assign(code=pd.Series(["1" if p > 2 else 1 for p in people["people"]], dtype=object))
    with pytest.raises(EstimationError, match="read alike"):
        estimate.proportion(frame, "joined", design=DESIGN, by="code")


def test_degrees_of_freedom_by_domain_by_design_or_given(people):
    few = people["c"] < 40
    by_domain = estimate.mean(people, "hours", design=DESIGN, where=few).at[0, "degrees_of_freedom"]
    by_design = estimate.mean(people, "hours", design=DESIGN, where=few, degrees_of_freedom="design")
    given = estimate.mean(people, "hours", design=DESIGN, where=few, degrees_of_freedom=7)
    answered = people[few & people["hours"].notna()]
    assert by_domain == answered["c"].nunique() - answered["h"].nunique()
    assert by_design.at[0, "degrees_of_freedom"] == people["c"].nunique() - people["h"].nunique()
    assert given.at[0, "degrees_of_freedom"] == 7
    with pytest.raises(EstimationError, match="degrees_of_freedom"):
        estimate.mean(people, "hours", design=DESIGN, degrees_of_freedom="infinite")


def test_korn_graubard_uses_the_domains_respondents(people):
    """Using the whole sample's n for a domain, as some do, gives an interval that is too narrow."""
    from engagement_stats import uncertainty

    row = estimate.proportion(people, "joined", design=DESIGN, by="tenure").iloc[1]
    same = uncertainty.korn_graubard(
        row.estimate, row.standard_error**2, row.base_unweighted, row.degrees_of_freedom, 0.95
    )
    assert (row.ci_lower, row.ci_upper) == pytest.approx(tuple(map(float, same)), rel=1e-12)


def test_the_frame_and_what_pandas_copies(people):
    before = people.copy(deep=True)
    rows = estimate.proportion(people, "joined", design=DESIGN, by="sex")
    pd.testing.assert_frame_equal(people, before)
    sample = rows.attrs["sample"]
    assert copy.deepcopy(sample) is sample
    assert rows.sort_values("estimate").attrs["sample"] is sample


def test_a_large_offset_costs_no_digits(people):
    plain = estimate.mean(people, "hours", design=DESIGN, by="sex")
    far = estimate.mean(people.assign(hours=people["hours"] + 1e7), "hours", design=DESIGN, by="sex")
    np.testing.assert_allclose(far["standard_error"], plain["standard_error"], rtol=1e-8)


def test_a_nearly_constant_total_costs_no_digits():
    """Sums of squares alone would lose these digits: PSU totals differ in the ninth place."""
    n = 40
    wobble = np.linspace(-1, 1, n)
    frame = pd.DataFrame({"y": 1e6 + 1e-3 * wobble})
    row = estimate.total(frame, "y", design=SampleDesign()).iloc[0]
    assert row.standard_error == pytest.approx(1e-3 * np.sqrt(n * wobble.var(ddof=1)), rel=1e-6)


def test_quantiles_come_level_by_level(people):
    rows = estimate.quantile(people, ["hours", "people"], [0.25, 0.5], design=DESIGN, by="sex")
    assert rows["quantile"].tolist() == [0.25, 0.5] * 6
    assert rows["level"].tolist()[:6] == ["all", "all", "Female", "Female", "Male", "Male"]
    assert (rows["ci_lower"] <= rows["estimate"]).all()
    assert (rows["estimate"] <= rows["ci_upper"]).all()
    assert set(rows["interval_method"]) == {"woodruff_wald"}
    with pytest.raises(EstimationError, match="quantiles"):
        estimate.quantile(people, "hours", 1.0, design=DESIGN)


def test_quantile_of_an_empty_level(people):
    rows = estimate.quantile(people, "hours", 0.5, design=DESIGN, by="sex", where=people["sex"] == "Male")
    assert rows["estimate"].isna().tolist() == [False, True, False]


def test_pieces_of_strata_add_up_to_the_whole(people, monkeypatch):
    frame = people.assign(few=people["sex"].where(people["h"] == 3), none=pd.Series([None] * 600, dtype="str"))
    by = ["region", "sex", "tenure", "few", "none", "region*tenure"]
    for call, variable in (
        (estimate.proportion, "volunteered"),
        (estimate.mean, "hours"),
        (estimate.total, "hours"),
        (estimate.ratio, [("hours", "people")]),
    ):
        monkeypatch.setattr(influence, "PIECE", 10**9)
        whole = call(frame, variable, design=DESIGN, by=by)
        monkeypatch.setattr(influence, "PIECE", 100)
        pieces = call(frame, variable, design=DESIGN, by=by)
        numbers = whole.select_dtypes("number").columns
        np.testing.assert_allclose(pieces[numbers].astype(float), whole[numbers].astype(float), rtol=1e-10, atol=1e-12)


def test_a_file_written_from_estimates_holds_no_respondent(people, tmp_path):
    """What goes to disk is the table: the sample stays in memory and must be let go of before writing Parquet."""
    rows = estimate.proportion(people, "joined", design=DESIGN)
    rows.to_csv(tmp_path / "rows.csv")
    assert len((tmp_path / "rows.csv").read_text().splitlines()) == 2
    with pytest.raises(EstimationError, match="not written anywhere"):
        pickle.dumps(rows)
    rows.attrs.clear()
    rows.to_parquet(tmp_path / "rows.parquet")
    assert pd.read_parquet(tmp_path / "rows.parquet").attrs == {}
