"""A wave's rows: the right weight and domains for each indicator, and published figures with the doubt they deserve."""

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from engagement_stats import catalogue, clean, estimate, tabulate, weight
from engagement_stats.catalogue import model as m
from engagement_stats.design import SampleDesign

WAVE = "poll_2020"
N = 240


def changed(c: catalogue.Catalogue, wave: str, **updates: Any) -> catalogue.Catalogue:
    return replace(c, waves={**c.waves, wave: c.waves[wave].model_copy(update=updates)})


@pytest.fixture
def deposited() -> pd.DataFrame:
    """Return raw answers of a wave, no respondent like the next."""
    rng = np.random.default_rng(3)
    return pd.DataFrame({
        "id": np.arange(N).astype(str), "q1": rng.choice(["1", "2", "-8"], N), "q2": rng.choice(["1", "2", "-9"], N),
        "hrs": rng.choice(["0", "3", "10", "-9"], N), "sex": rng.choice(["1", "2"], N),
        "age": rng.choice(["20", "50", "-9"], N), "st": np.repeat(["a", "b"], N // 2),
        "pt": np.repeat(np.arange(N // 4), 4).astype(str),
    })  # fmt: skip


def tabulated(
    c: catalogue.Catalogue, raw: pd.DataFrame, weights: pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Return the estimates, covariances and what was given to the estimator."""
    responses = clean.harmonise(raw, WAVE, c)
    made = clean.indicators(responses, c.microdata_waves[WAVE].indicators.items())
    return *tabulate.microdata(responses, made, weights, WAVE, c), pd.concat([responses, made], axis=1)


@pytest.fixture
def weights() -> pd.DataFrame:
    return pd.DataFrame({"main": np.random.default_rng(4).uniform(0.5, 2, N)})


NUMBERS = ["estimate", "standard_error", "ci_lower", "ci_upper", "base_unweighted", "degrees_of_freedom"]


def assert_same(table: pd.DataFrame, direct: pd.DataFrame, indicator: str) -> None:
    """Compare rows with those of a direct call, exactly: both run the same sums."""
    ours = table[table["indicator"] == indicator].set_index(["domain", "level"])[NUMBERS].astype("float64")
    theirs = direct.set_index(["domain", "level"])[NUMBERS].astype("float64")
    pd.testing.assert_frame_equal(ours, theirs, check_exact=False, rtol=1e-12)


# --- microdata


def test_every_indicator_meets_every_domain(
    small: catalogue.Catalogue, deposited: pd.DataFrame, weights: pd.DataFrame
) -> None:
    table, covariances, given = tabulated(small, deposited, weights)
    design = SampleDesign(weight="w")
    frame = given.assign(w=weights["main"])
    families = ["sex", "age", "sex*age"]
    for name in ("joined_12m", "helped_12m"):
        assert_same(table, estimate.proportion(frame, name, design=design, by=families), name)
    assert_same(table, estimate.mean(frame, "hours_given", design=design, by=families), "hours_given")
    assert len(table) == 3 * (1 + 2 + 2 + 4)
    assert set(table["variance_basis"]) == {"weights_only"}
    assert set(table["weight"]) == {"wt"}
    assert (set(table["wave"]), set(table["survey"]), set(table["source"])) == ({WAVE}, {"poll"}, {"maker"})
    assert table["rounding"].eq(0).all()
    assert table.set_index("indicator")["unit"].to_dict()["hours_given"] == "mean"
    assert len(covariances) == 0
    assert list(covariances.columns) == tabulate.COVARIANCE_COLUMNS


def test_no_respondent_is_carried_along(
    small: catalogue.Catalogue, deposited: pd.DataFrame, weights: pd.DataFrame
) -> None:
    wave = small.microdata_waves[WAVE]
    one = changed(small, WAVE, indicators={"joined_12m": wave.indicators["joined_12m"]})
    for c in (small, one):
        # The estimator's own frame carries the sample; with one call only it would come through.
        assert tabulated(c, deposited, weights)[0].attrs == {}


def test_strata_and_psus_are_used_where_the_file_has_them(
    small: catalogue.Catalogue, deposited: pd.DataFrame, weights: pd.DataFrame
) -> None:
    design = small.microdata_waves[WAVE].design.model_copy(update={"stratum": "st", "psu": "pt", "optional": True})
    c = changed(small, WAVE, design=design)
    table, _, given = tabulated(c, deposited, weights)
    sample = SampleDesign(weight="w", stratum="stratum", psu="psu")
    direct = estimate.proportion(
        given.assign(w=weights["main"]), "joined_12m", design=sample, by=["sex", "age", "sex*age"]
    )
    assert_same(table, direct, "joined_12m")
    assert set(table["variance_basis"]) == {"design"}
    plain = tabulated(c, deposited.drop(columns=["st", "pt"]), weights)[0]
    assert set(plain["variance_basis"]) == {"weights_only"}
    whole = (table["indicator"] == "joined_12m") & (table["domain"] == "all")
    assert table.loc[whole, "standard_error"].item() != pytest.approx(
        plain.loc[whole, "standard_error"].item(), rel=1e-3
    )


def test_each_indicator_has_its_own_weight(
    small: catalogue.Catalogue, deposited: pd.DataFrame, weights: pd.DataFrame
) -> None:
    wave = small.microdata_waves[WAVE]
    rules = {**wave.indicators, "helped_12m": wave.indicators["helped_12m"].model_copy(update={"weight": "web"})}
    c = changed(
        small, WAVE, indicators=rules, design=wave.design.model_copy(update={"weights": {"main": "wt", "web": "wt2"}})
    )
    both = weights.assign(web=np.where(np.arange(N) % 2, 0.0, 3.0))
    table, _, given = tabulated(c, deposited, both)
    families = ["sex", "age", "sex*age"]
    direct = estimate.proportion(
        given.assign(w=both["web"]), "helped_12m", design=SampleDesign(weight="w"), by=families
    )
    assert_same(table, direct, "helped_12m")
    assert table.groupby("indicator")["weight"].first().to_dict() == {
        "helped_12m": "wt2", "hours_given": "wt", "joined_12m": "wt",
    }  # fmt: skip


def test_an_indicator_and_a_domain_may_share_a_name(
    small: catalogue.Catalogue, deposited: pd.DataFrame, weights: pd.DataFrame
) -> None:
    wave = small.microdata_waves[WAVE]
    c = replace(small, indicators={**small.indicators, "sex": small.indicators["joined_12m"]})
    c = changed(c, WAVE, indicators={"sex": wave.indicators["joined_12m"]}, domains=["sex"])
    table = tabulated(c, deposited, weights)[0]
    assert table["indicator"].tolist() == ["sex"] * 3
    assert table["level"].tolist() == ["all", "Male", "Female"]


def test_a_domain_the_file_lacks_is_left_out(
    small: catalogue.Catalogue, deposited: pd.DataFrame, weights: pd.DataFrame
) -> None:
    wave = small.microdata_waves[WAVE]
    age = wave.variables["age"].model_copy(update={"optional": True})
    c = changed(small, WAVE, variables={**wave.variables, "age": age})
    table = tabulated(c, deposited.drop(columns="age"), weights)[0]
    assert set(table["domain"]) == {"all", "sex"}


def test_covariances_are_those_a_comparison_within_the_wave_needs(
    small: catalogue.Catalogue, deposited: pd.DataFrame, weights: pd.DataFrame
) -> None:
    entry = m.LevelsComparison(kind="levels", label="x", wave=WAVE, indicators=["joined_12m"], domain="sex")
    c = replace(small, comparisons={"sexes": entry})
    table, covariances, given = tabulated(c, deposited, weights)
    assert covariances["left_level"].tolist() == ["Male", "Female"]
    assert set(covariances["right_level"]) == {"all"}
    # Brute force: sum over respondents of the product of linearised values, n/(n-1), means removed.
    w, y = weights["main"].to_numpy(), given["joined_12m"].to_numpy()
    answered = ~np.isnan(y)

    def influence(inside: np.ndarray) -> np.ndarray:
        k = w * (inside & answered)
        return np.asarray(k * (np.nan_to_num(y) - (k @ np.nan_to_num(y)) / k.sum()) / k.sum())

    for row in covariances.itertuples():
        a, b = influence((given["sex"] == row.left_level).to_numpy()), influence(np.ones(N, bool))
        expected = N / (N - 1) * ((a - a.mean()) @ (b - b.mean()))
        # Sums of 240 products in another order.
        assert row.covariance == pytest.approx(expected, rel=1e-9)
    whole = table[(table["indicator"] == "joined_12m") & (table["domain"] == "all")]["standard_error"].item()
    # The covariance of a part with the whole that holds it is not that of independent samples.
    assert covariances["covariance"].min() > 0.2 * whole**2


# --- weights that remember how they were made


def test_a_credited_weight_has_the_variance_of_its_steps(
    small: catalogue.Catalogue, deposited: pd.DataFrame, weights: pd.DataFrame
) -> None:
    responses = clean.harmonise(deposited, WAVE, small)
    made = clean.indicators(responses, small.microdata_waves[WAVE].indicators.items())
    margins = pd.DataFrame(
        {"variable": ["sex"] * 2, "category": ["Female", "Male"], "population": [26_000.0, 24_000.0]}
    )
    known = weight.rake(responses, margins, base=weights["main"].to_numpy())
    frame = pd.DataFrame({"main": known.values})
    table, _ = tabulate.microdata(responses, made, frame, WAVE, small, credited={"main": known})
    plain, _ = tabulate.microdata(responses, made, frame, WAVE, small)
    assert set(table["variance_basis"]) == {"calibrated"}
    assert set(plain["variance_basis"]) == {"weights_only"}
    # The same estimates; only their uncertainty is another.
    assert table["estimate"].tolist() == pytest.approx(plain["estimate"].tolist(), rel=1e-12, nan_ok=True)
    given = pd.concat([responses, made], axis=1)
    direct = estimate.proportion(given, "joined_12m", design=SampleDesign(weight=known), by=["sex", "age", "sex*age"])
    assert_same(table, direct, "joined_12m")
    whole = (table["indicator"] == "joined_12m") & (table["domain"] == "all")
    assert table.loc[whole, "standard_error"].item() != pytest.approx(
        plain.loc[whole, "standard_error"].item(), rel=1e-6
    )


def test_a_weight_we_make_is_named_by_its_entry_and_a_supplied_one_by_its_column(
    small: catalogue.Catalogue, deposited: pd.DataFrame, weights: pd.DataFrame
) -> None:
    wave = small.microdata_waves[WAVE]
    made_weight = m.MadeWeight(margins="people", variables=["sex"])
    design = m.WaveDesign(weights={"main": "wt"}, made={"ours": made_weight})
    rules = {**wave.indicators, "helped_12m": wave.indicators["helped_12m"].model_copy(update={"weight": "ours"})}
    c = changed(small, WAVE, indicators=rules, design=design)
    table = tabulated(c, deposited, weights.assign(ours=1.0))[0]
    assert table.groupby("indicator")["weight"].first().to_dict() == {
        "helped_12m": "ours", "hours_given": "wt", "joined_12m": "wt",
    }  # fmt: skip


# --- published figures


def figure(**fields: Any) -> m.Figure:
    base: dict[str, Any] = {
        "wave": "report_2019", "indicator": "joined_12m", "domain": "all", "level": "all", "value": 30.0, "lower": None,
        "upper": None, "confidence": None, "base": None, "decimals": 0, "published_on": None,
        "evidence": "confirmed", "source": "The report", "note": None,
    }  # fmt: skip
    return m.Figure.model_validate({**base, **fields})


def only(c: catalogue.Catalogue, *figures: m.Figure) -> pd.Series:
    """Return the last of some figures as an estimate."""
    return tabulate.published("report_2019", replace(c, figures=figures)).iloc[-1]


def test_the_interval_of_civic_participation_2021_22_gives_its_standard_error(packaged: catalogue.Catalogue) -> None:
    table = tabulate.published("cls_2021_22", packaged)
    row = table[(table["indicator"] == "civic_participation_12m") & (table["domain"] == "all")].iloc[0]
    # Published: 33.930 per cent [32.833, 35.045], n = 10,126 (surveys.md): 0.564 points, design effect 1.44.
    assert 100 * row["standard_error"] == pytest.approx(0.564, abs=0.0005)
    assert row["design_effect"] == pytest.approx(1.44, abs=0.005)
    assert row["effective_base"] == pytest.approx(10126 / row["design_effect"], rel=1e-12)
    assert (row["ci_lower"], row["ci_upper"], row["confidence"]) == pytest.approx((0.32833, 0.35045, 0.95))
    assert (row["interval_method"], row["variance_basis"], row["base_is"]) == ("published", "published", "exact")
    # Taken for one standard error either side, or for simple random sampling, it would be 1.1 and 0.47.
    assert 100 * math.sqrt(0.3393 * 0.6607 / 10126) == pytest.approx(0.470, abs=0.001)


def test_a_published_interval_keeps_its_own_confidence(small: catalogue.Catalogue) -> None:
    row = only(small, figure(lower=27.0, upper=33.0, confidence=0.9, base=800))
    assert row["standard_error"] == pytest.approx(0.06 / (2 * stats.norm.ppf(0.95)), rel=1e-9)
    assert row["confidence"] == 0.9
    assert row["base_unweighted"] == 800


def test_an_approximate_base_gives_no_design_effect(small: catalogue.Catalogue) -> None:
    row = only(small, figure(lower=27.0, upper=33.0, confidence=0.95))
    assert (row["base_unweighted"], row["base_is"]) == (1000, "approximate")
    assert math.isnan(row["design_effect"])


def test_an_assumed_interval_is_a_logit_one_and_says_what_it_assumes(small: catalogue.Catalogue) -> None:
    row = only(small, figure(note="Seen on paper."))
    # n = 1,000 over an assumed design effect of 1.5.
    se = math.sqrt(0.3 * 0.7 * 1.5 / 1000)
    assert row["standard_error"] == pytest.approx(se, rel=1e-12)
    half = 1.959963984540054 * se / 0.21
    # Half a unit of the published digit, a whole per cent, is added at each end; the standard error is not touched.
    expected = [1 / (1 + math.exp(-(math.log(3 / 7) + s * half))) + s * 0.005 for s in (-1, 1)]
    assert [row["ci_lower"], row["ci_upper"]] == pytest.approx(expected, rel=1e-9)
    assert (row["variance_basis"], row["design_effect"]) == ("assumed", 1.5)
    assert row["effective_base"] == pytest.approx(1000 / 1.5)
    assert row["note"] == "Seen on paper. Taken for the test."


@pytest.mark.parametrize(("decimals", "half_unit"), [(0, 0.005), (1, 0.0005), (3, 0.000005)])
def test_an_assumed_interval_is_widened_by_the_rounding_and_a_published_one_is_not(
    small: catalogue.Catalogue, decimals: int, half_unit: float
) -> None:
    rough, fine = only(small, figure(decimals=decimals)), only(small, figure(decimals=9))
    assert rough["standard_error"] == fine["standard_error"]
    assert rough["effective_base"] == fine["effective_base"]
    ends = [rough["ci_lower"] + half_unit, rough["ci_upper"] - half_unit]
    assert ends == pytest.approx([fine["ci_lower"], fine["ci_upper"]], abs=1e-8)
    given = only(small, figure(decimals=decimals, lower=27.0, upper=33.0, confidence=0.95))
    assert (given["ci_lower"], given["ci_upper"]) == pytest.approx((0.27, 0.33), rel=1e-12)


def test_a_figure_s_own_base_comes_before_the_wave_s(small: catalogue.Catalogue) -> None:
    row = only(small, figure(base=400))
    assert (row["base_unweighted"], row["base_is"]) == (400, "exact")
    assert row["standard_error"] == pytest.approx(math.sqrt(0.21 * 1.5 / 400), rel=1e-12)


def test_a_figure_of_a_part_does_not_borrow_the_wave_s_base(small: catalogue.Catalogue) -> None:
    men = only(small, figure(), figure(domain="sex", level="Male"))
    # With the 1,000 of the whole it would have been given an interval of the whole.
    assert pd.isna(men["base_unweighted"])
    assert pd.isna(men["standard_error"])
    assert (men["interval_method"], men["variance_basis"], men["base_is"]) == ("none", "published", "unknown")
    own = only(small, figure(domain="sex", level="Male", base=480))
    assert own["standard_error"] == pytest.approx(math.sqrt(0.21 * 1.5 / 480), rel=1e-12)


@pytest.mark.parametrize(
    "updates", [{"base": None, "base_is": "unknown"}, {"assumed_design_effect": None, "assumed_because": None}]
)
def test_without_a_base_or_an_assumption_there_is_no_interval(
    small: catalogue.Catalogue, updates: dict[str, object]
) -> None:
    row = only(changed(small, "report_2019", **updates), figure(note="x"))
    assert row[["standard_error", "ci_lower", "ci_upper", "confidence", "design_effect"]].isna().all()
    assert row["interval_method"] == "none"
    assert row["note"] == "x"
    assert row["estimate"] == 0.3


def test_figures_at_the_ends_keep_an_interval_with_width(small: catalogue.Catalogue) -> None:
    for value in (0.0, 100.0):
        row = only(small, figure(value=value))
        assert 0 <= row["ci_lower"] <= row["estimate"] <= row["ci_upper"] <= 1
        assert row["ci_upper"] - row["ci_lower"] > 0.001
        assert row["interval_method"] == "korn_graubard"


@pytest.mark.parametrize(("decimals", "expected"), [(0, 0.005), (1, 0.0005), (3, 0.000005)])
def test_rounding_is_half_a_unit_of_the_last_digit(small: catalogue.Catalogue, decimals: int, expected: float) -> None:
    assert only(small, figure(decimals=decimals))["rounding"] == pytest.approx(expected, rel=1e-12)


# --- benchmarks


def ours(estimate: float, **more: object) -> pd.DataFrame:
    row = {
        "survey": "poll", "wave": WAVE, "indicator": "joined_12m", "domain": "all", "level": "all",
        "estimate": estimate, "is_suppressed": False, "is_synthetic": False,
    }  # fmt: skip
    return pd.DataFrame([{**row, **more}])


def benchmarked(
    c: catalogue.Catalogue, estimates: pd.DataFrame, waived: str | None = None, decimals: int = 0
) -> pd.Series:
    b = m.Benchmark(wave=WAVE, indicator="joined_12m", domain="all", level="all", value=59.0, lower=None, upper=None,
                    decimals=decimals, source="The report", waived=waived)  # fmt: skip
    return tabulate.benchmarks(estimates, replace(c, benchmarks=(b,))).iloc[0]


@pytest.mark.parametrize(
    ("estimate", "verdict"),
    [
        (0.592, "reproduced"),
        (0.585, "reproduced"),
        (0.595, "reproduced"),
        (0.5951, "not reproduced"),
        (0.58, "not reproduced"),
    ],
)
def test_a_benchmark_is_reproduced_to_its_rounding(small: catalogue.Catalogue, estimate: float, verdict: str) -> None:
    row = benchmarked(small, ours(estimate))
    assert row["verdict"] == verdict
    assert row["difference"] == pytest.approx(estimate - 0.59, rel=1e-9)
    assert (row["published"], row["ours"]) == (0.59, estimate)


def test_more_published_digits_ask_for_more(small: catalogue.Catalogue) -> None:
    assert benchmarked(small, ours(0.592), decimals=1)["verdict"] == "not reproduced"
    assert benchmarked(small, ours(0.5904), decimals=1)["verdict"] == "reproduced"


def test_other_verdicts_of_a_benchmark(small: catalogue.Catalogue) -> None:
    assert benchmarked(small, ours(0.4), waived="Cut off.")["verdict"] == "waived"
    assert benchmarked(small, ours(0.59), waived="Cut off.")["verdict"] == "reproduced"
    # Invented respondents reproduce nothing, even by chance.
    assert benchmarked(small, ours(0.59, is_synthetic=True))["verdict"] == "synthetic"
    assert benchmarked(small, ours(math.nan, is_suppressed=True))["verdict"] == "suppressed"
    assert benchmarked(small, ours(math.nan))["verdict"] == "not reproduced"


def test_published_figures_of_the_same_wave_are_benchmarks(small: catalogue.Catalogue) -> None:
    c = replace(changed(small, WAVE, published_as=["report_2019"]), figures=(figure(value=59.0),))
    out = tabulate.benchmarks(ours(0.592), c)
    assert out["verdict"].tolist() == ["reproduced"]
    assert out["wave"].tolist() == [WAVE]
    assert len(tabulate.benchmarks(ours(0.592, wave="poll_2019"), c)) == 0


@pytest.mark.parametrize("evidence", ["second_hand", "inferred", "unverified"])
def test_only_confirmed_figures_are_benchmarks(small: catalogue.Catalogue, evidence: str) -> None:
    c = changed(small, WAVE, published_as=["report_2019"])
    doubtful = figure(value=40.0, evidence=evidence)
    assert len(tabulate.benchmarks(ours(0.592), replace(c, figures=(doubtful,)))) == 0
    other = figure(value=59.0, domain="sex", level="Male")
    rows = pd.concat([ours(0.592), ours(0.592, domain="sex", level="Male")], ignore_index=True)
    out = tabulate.benchmarks(rows, replace(c, figures=(doubtful, other)))
    assert out["level"].tolist() == ["Male"]


@pytest.mark.parametrize("synthetic", [True, False])
def test_a_benchmark_says_whether_it_is_synthetic(small: catalogue.Catalogue, synthetic: bool) -> None:
    row = benchmarked(small, ours(0.59, is_synthetic=synthetic))
    assert bool(row["is_synthetic"]) is synthetic
    assert isinstance(row["is_synthetic"], bool | np.bool_)
