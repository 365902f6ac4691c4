"""R survey's results on our own small files: tests/reference/values.csv, made by make_values.R beside it.

A clone proves the engine with these alone. Each case of the first test is one design by one domain.
"""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from engagement_stats import SampleDesign, estimate, replicate, uncertainty

HERE = Path(__file__).parent / "reference"
TABLE = pd.read_csv(HERE / "values.csv")
VALUES = {(case, stat): value for case, stat, value in TABLE.itertuples(index=False)}
DESIGNS = {
    "weights": SampleDesign(weight="weight"),
    "strata": SampleDesign(weight="weight", stratum="stratum"),
    "clusters": SampleDesign(weight="weight", stratum="stratum", psu="psu"),
    "corrected": SampleDesign(weight="weight", stratum="stratum", psu="psu", fpc="psus_in_stratum"),
}
CELLS = sorted({case for case, _ in VALUES if case.split("/")[0] in DESIGNS})


@pytest.fixture(scope="module")
def people():
    return pd.read_csv(HERE / "households.csv").astype({"volunteered": "Int64"})


@pytest.fixture(scope="module")
def everything(people):
    """All designs, all domains: one call a design and statistic."""
    made = {}
    by = ["region", "sex", "age"]
    for name, design in DESIGNS.items():
        frames = {
            "share": estimate.proportion(people, ["volunteered", "joined"], design=design, by=by),
            "logit": estimate.proportion(people, ["volunteered", "joined"], design=design, by=by, interval="logit"),
            "wald": estimate.proportion(people, ["volunteered", "joined"], design=design, by=by, interval="wald"),
            "mean": estimate.mean(people, "hours", design=design, by=by),
            "total": estimate.total(people, "hours", design=design, by=by),
            "ratio": estimate.ratio(people, [("hours", "people")], design=design, by=by),
        }
        for statistic, frame in frames.items():
            made[name, statistic] = frame.set_index(["indicator", "domain", "level"])
    return made


def close(value, expected, rel=1e-9):
    assert float(value) == pytest.approx(expected, rel=rel, abs=1e-12)


@pytest.mark.parametrize("case", CELLS)
@pytest.mark.parametrize("item", ["volunteered", "joined"])
def test_proportions(everything, case, item):
    name, domain, level = case.split("/")
    key = (item, domain, level)
    row = everything[name, "share"].loc[key]
    close(row.estimate, VALUES[case, f"{item}.estimate"])
    close(row.standard_error, VALUES[case, f"{item}.se"])
    close(row.design_effect, VALUES[case, f"{item}.deff"])
    close(row.effective_base, row.base_unweighted / VALUES[case, f"{item}.deff"])
    assert row.degrees_of_freedom == VALUES[case, f"{item}.df"]
    beta = uncertainty.korn_graubard(
        row.estimate,
        row.standard_error**2,
        row.base_unweighted,
        row.degrees_of_freedom,
        0.95,
        truncate=False,
    )
    for side, limit in zip(("lower", "upper"), beta, strict=True):
        close(limit, VALUES[case, f"{item}.beta.{side}"])
        logit = everything[name, "logit"].loc[key, f"ci_{side}"]
        close(logit, VALUES[case, f"{item}.xlogit.{side}"])
        wald = everything[name, "wald"].loc[key, f"ci_{side}"]
        close(wald, np.clip(VALUES[case, f"{item}.mean.{side}"], 0, 1))


@pytest.mark.parametrize("case", CELLS)
def test_means_totals_and_ratios(everything, case):
    name, *key = case.split("/")
    for statistic, stat, indicator in (
        ("mean", "hours.mean", "hours"),
        ("total", "hours.total", "hours"),
        ("ratio", "ratio", "hours / people"),
    ):
        row = everything[name, statistic].loc[(indicator, *key)]
        close(row.estimate, VALUES[case, stat])
        close(row.standard_error, VALUES[case, f"{stat}.se"])


def test_there_are_at_least_thirty_designs_by_domains():
    assert len(CELLS) >= 30


@pytest.mark.parametrize("item", ["volunteered", "joined"])
def test_independence(people, item):
    test = estimate.independence(people, item, "age", design=DESIGNS["clusters"])
    close(test.statistic, VALUES["independence", f"{item}.F"])
    close(test.degrees_of_freedom, VALUES["independence", f"{item}.ndf"])
    close(test.denominator_degrees_of_freedom, VALUES["independence", f"{item}.ddf"])
    close(test.p_value, VALUES["independence", f"{item}.p"])


def test_independence_of_three_by_three(people):
    test = estimate.independence(people, "trust", "region", design=DESIGNS["clusters"])
    close(test.statistic, VALUES["independence", "trust.F"])
    close(test.p_value, VALUES["independence", "trust.p"])


def test_quantiles(people):
    rows = estimate.quantile(people, "hours", [0.25, 0.5, 0.9], design=DESIGNS["clusters"])
    for row, q in zip(rows.itertuples(), ("q25", "q50", "q90"), strict=True):
        close(row.estimate, VALUES["quantile", f"{q}.estimate"])
        close(row.ci_lower, VALUES["quantile", f"{q}.lower"])
        close(row.ci_upper, VALUES["quantile", f"{q}.upper"])
        close(row.standard_error, VALUES["quantile", f"{q}.se"])


def test_logistic_regression(people):
    fit = estimate.logistic(people, "volunteered", ["sex", "age", "people"], design=DESIGNS["clusters"])
    for i, row in enumerate(fit.coefficients.itertuples(), start=1):
        close(row.estimate, VALUES["logistic", f"b{i}"], rel=1e-8)
        close(row.standard_error, VALUES["logistic", f"se{i}"], rel=1e-8)
    assert fit.degrees_of_freedom == VALUES["logistic", "df"]


def test_linear_regression(people):
    fit = estimate.linear(people, "hours", ["sex", "age", "people"], design=DESIGNS["clusters"])
    for i, row in enumerate(fit.coefficients.itertuples(), start=1):
        close(row.estimate, VALUES["linear", f"b{i}"])
        close(row.standard_error, VALUES["linear", f"se{i}"])


def test_direct_standardisation(people):
    rows = estimate.standardise(
        people,
        "volunteered",
        over="age",
        population={"16-34": 50, "35-64": 30, "65+": 20},
        design=DESIGNS["clusters"],
        by="region",
    ).set_index("level")
    for level in ("North", "South", "West"):
        close(rows.at[level, "estimate"], VALUES["standardise", level])
        close(rows.at[level, "standard_error"], VALUES["standardise", f"{level}.se"])


def test_covariances_of_groups_and_of_a_group_with_its_total(people):
    rows = estimate.proportion(people, "joined", design=DESIGNS["clusters"], by="sex")
    close(estimate.covariance(rows, [1], None, [2])[0, 0], VALUES["covariance", "female.male"])
    apart = estimate.contrast([(rows, 1), (rows, 2)], [1, -1])
    close(apart.standard_error, VALUES["covariance", "difference.se"])
    overlap = estimate.contrast([(rows, 1), (rows, 0)], [1, -1])
    close(overlap.estimate, VALUES["covariance", "overlap"])
    close(overlap.standard_error, VALUES["covariance", "overlap.se"])


def test_two_stages_with_corrections():
    towns = pd.read_csv(HERE / "towns.csv")
    towns["exact"] = 30 / 8 * towns["streets"] / towns.groupby("town")["street"].transform("size")
    design = SampleDesign(weight="exact", psu=["town", "street"], fpc=["towns", "streets"])
    mean = estimate.mean(towns, "score", design=design).iloc[0]
    total = estimate.total(towns, "member", design=design).iloc[0]
    close(mean.estimate, VALUES["stages", "mean"])
    close(mean.standard_error, VALUES["stages", "mean.se"])
    close(total.estimate, VALUES["stages", "total"])
    close(total.standard_error, VALUES["stages", "total.se"])


@pytest.mark.parametrize("policy", ["certainty", "average"])
def test_single_psus(people, policy):
    lone = pd.concat([people, people.head(4).assign(stratum=6, psu=1)])
    design = SampleDesign(weight="weight", stratum="stratum", psu="psu", single_psu=policy)
    rows = estimate.proportion(lone, "joined", design=design, by="sex")
    close(rows.at[0, "estimate"], VALUES[f"lonely/{policy}", "mean"])
    close(rows.at[0, "standard_error"], VALUES[f"lonely/{policy}", "se"])
    close(rows.at[1, "estimate"], VALUES[f"lonely/{policy}", "female"])
    close(rows.at[1, "standard_error"], VALUES[f"lonely/{policy}", "female.se"])


def test_jackknife(people):
    design = DESIGNS["clusters"]
    jackknife = replicate.jackknife(people, design)
    share = estimate.proportion(people, "joined", design=design)
    ratio = estimate.ratio(people, [("hours", "people")], design=design)
    close(replicate.standard_errors(share, jackknife, centre="replicates")[0], VALUES["jackknife", "se"])
    close(replicate.standard_errors(ratio, jackknife, centre="replicates")[0], VALUES["jackknife", "ratio.se"])
