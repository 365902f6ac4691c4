"""A wave's weights as its entry declares them: supplied or made, with what is told of them in a release."""

from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pytest

from engagement_stats import catalogue, clean, publish, wave_weights, weight
from engagement_stats.catalogue import expected
from engagement_stats.catalogue import model as m
from engagement_stats.errors import WeightingError

WAVE = "poll_2020"
N = 400
POPULATION = {("Male", "16-34"): 15, ("Male", "35+"): 34, ("Female", "16-34"): 14, ("Female", "35+"): 37}
MEN, YOUNG = 49 / 100, 29 / 100


@pytest.fixture
def known(small: catalogue.Catalogue) -> catalogue.Catalogue:
    """Give the small catalogue a population of a hundred thousand, by sex and age."""
    people = m.PopulationMargins(
        label="People", population=small.surveys["poll"].population, date=date(2020, 6, 30), sources=["maker"],
        total=100_000,
    )  # fmt: skip
    rows = [
        m.MarginRow(margins="people", variable="sex*age", category=f"{s} | {a}", population=1000 * n)
        for (s, a), n in POPULATION.items()
    ]
    return replace(small, margins={"people": people}, margin_rows=tuple(rows))


@pytest.fixture
def deposited() -> pd.DataFrame:
    rng = np.random.default_rng(8)
    return pd.DataFrame({
        "id": np.arange(N).astype(str), "wt": rng.uniform(0.5, 2, N).round(3).astype(str),
        "q1": rng.choice(["1", "2"], N), "q2": rng.choice(["1", "2"], N), "hrs": "1",
        "sex": rng.choice(["1", "2"], N, p=[0.6, 0.4]), "age": rng.choice(["20", "50"], N, p=[0.5, 0.5]),
    })  # fmt: skip


def made_by(
    c: catalogue.Catalogue, raw: pd.DataFrame, supplied: dict[str, str] | None = None, **entry: Any
) -> wave_weights.WaveWeights:
    options = {"margins": "people", "variables": ["sex", "age"], **entry}
    design = m.WaveDesign.model_validate({"weights": supplied or {}, "made": {"main": options}})
    wave = c.waves[WAVE].model_copy(update={"design": design})
    c = replace(c, waves={**c.waves, WAVE: wave})
    return wave_weights.analysis_weights(raw, clean.harmonise(raw, WAVE, c), WAVE, c)


def shares(values: pd.Series, by: pd.Series) -> dict[str, float]:
    found: dict[str, float] = (values.groupby(by).sum() / values.sum()).to_dict()
    return found


# --- supplied


def test_supplied_weights_are_those_of_the_file(known: catalogue.Catalogue, deposited: pd.DataFrame) -> None:
    found = wave_weights.analysis_weights(deposited, clean.harmonise(deposited, WAVE, known), WAVE, known)
    assert found.values["main"].tolist() == deposited["wt"].astype(float).tolist()
    assert found.made == {}
    assert len(found.margins) == 0
    assert list(found.margins.columns) == wave_weights.MARGIN_COLUMNS
    assert list(found.steps.columns) == wave_weights.STEP_COLUMNS
    (row,) = found.steps.to_dict("records")
    assert (row["wave"], row["weight"], row["step"], row["kind"]) == (WAVE, "main", 1, "supplied")
    w = found.values["main"].to_numpy()
    assert row["respondents"] == N
    assert row["total"] == pytest.approx(w.sum(), rel=1e-12)
    assert row["design_effect"] == pytest.approx(N * (w**2).sum() / w.sum() ** 2, rel=1e-12)
    assert row["effective_n"] == pytest.approx(w.sum() ** 2 / (w**2).sum(), rel=1e-12)
    assert pd.isna(row["margins"]) and pd.isna(row["method"])


def test_a_supplied_weight_of_zero_is_no_respondent_of_its_step(
    known: catalogue.Catalogue, deposited: pd.DataFrame
) -> None:
    some = deposited.assign(wt=["0"] * 10 + ["1"] * (N - 10))
    found = wave_weights.analysis_weights(some, clean.harmonise(some, WAVE, known), WAVE, known)
    assert found.steps["respondents"].tolist() == [N - 10]


# --- made


@pytest.mark.parametrize(
    "entry",
    [
        {}, {"base": "wt"}, {"method": "linear"}, {"method": "linear", "bounds": [0.2, 5.0]},
        {"method": "logit", "bounds": [0.2, 5.0]}, {"base": "wt", "trim": 2.5},
    ],
)  # fmt: skip
def test_a_weight_we_make_meets_its_margins(
    known: catalogue.Catalogue, deposited: pd.DataFrame, entry: dict[str, Any]
) -> None:
    found = made_by(known, deposited, **entry)
    w = found.values["main"]
    assert shares(w, deposited["sex"]) == pytest.approx({"1": MEN, "2": 1 - MEN}, rel=1e-8)
    assert shares(w, deposited["age"]) == pytest.approx({"20": YOUNG, "50": 1 - YOUNG}, rel=1e-8)
    assert w.sum() == pytest.approx(100_000, rel=1e-8)
    assert np.asarray(found.made["main"]).tolist() == w.tolist()


def test_a_crossed_margin_is_met_cell_by_cell(known: catalogue.Catalogue, deposited: pd.DataFrame) -> None:
    cell = deposited["sex"].map({"1": "Male", "2": "Female"}) + deposited["age"].map({"20": "16-34", "50": "35+"})
    expected = {a + b: n / 100 for (a, b), n in POPULATION.items()}
    for method in ("rake", "poststratify"):
        found = made_by(known, deposited, variables=["sex*age"], method=method)
        assert shares(found.values["main"], cell) == pytest.approx(expected, rel=1e-8)


def test_the_made_weight_is_the_library_s_own(known: catalogue.Catalogue, deposited: pd.DataFrame) -> None:
    found = made_by(known, deposited, base="wt", trim=2.5)
    responses = clean.harmonise(deposited, WAVE, known)
    margins = weight.Margins.from_catalogue(known, "people", ["sex", "age"])
    direct = weight.trim(
        weight.rake(responses, margins, base=deposited["wt"].astype(float).to_numpy()), rule=("median", 2.5)
    )
    assert found.values["main"].tolist() == direct.values.tolist()
    pd.testing.assert_frame_equal(
        found.steps[["step", "kind", "total", "g_min", "g_max"]].astype({"g_min": float, "g_max": float}),
        direct.summary()[["step", "kind", "total", "g_min", "g_max"]],
        check_dtype=False,
    )
    assert set(found.steps["margins"]) == {"people"}
    kinds = found.steps["kind"].tolist()
    assert kinds[0] == "base"
    assert {"calibrated", "trimmed"} <= set(kinds)
    # Steps are numbered without a gap, and the last meets the margins.
    assert found.steps["step"].tolist() == list(range(1, len(kinds) + 1))
    assert found.steps["max_misfit"].astype(float).iloc[-1] <= 1e-8


def test_supplied_and_made_weights_stand_side_by_side(known: catalogue.Catalogue, deposited: pd.DataFrame) -> None:
    found = made_by(known, deposited, {"supplied": "wt"})
    assert list(found.values) == ["supplied", "main"]
    assert list(found.made) == ["main"]
    assert found.values["supplied"].tolist() == deposited["wt"].astype(float).tolist()
    assert found.steps.groupby("weight")["kind"].first().to_dict() == {"main": "base", "supplied": "supplied"}
    assert set(found.margins["weight"]) == {"main"}


def test_the_balance_is_that_of_the_sample_and_the_population(
    known: catalogue.Catalogue, deposited: pd.DataFrame
) -> None:
    table = made_by(known, deposited, base="wt").margins.set_index(["variable", "category"])
    base = deposited["wt"].astype(float)
    before = float(base[deposited["sex"] == "1"].sum() / base.sum())
    men = table.loc["sex", "Male"]
    assert men["population_share"] == pytest.approx(MEN, rel=1e-12)
    assert men["before_share"] == pytest.approx(before, rel=1e-12)
    assert men["after_share"] == pytest.approx(MEN, rel=1e-8)
    assert men["difference_before"] == pytest.approx((before - MEN) / np.sqrt(MEN * (1 - MEN)), rel=1e-9)
    assert men["difference_after"] == pytest.approx(0, abs=1e-8)
    assert not table["is_suppressed"].any()
    assert len(table) == 4


def test_what_is_made_fits_the_released_tables(known: catalogue.Catalogue, deposited: pd.DataFrame) -> None:
    found = made_by(known, deposited, {"supplied": "wt"}, base="wt")
    added = {"release_id", "is_synthetic"}
    assert set(found.steps.columns) == set(publish.columns("weighting")) - added
    assert set(found.margins.columns) == set(publish.columns("weighting_margins")) - added


# --- respondents that no margin can place


@pytest.fixture
def unplaced(deposited: pd.DataFrame) -> pd.DataFrame:
    """Forty respondents did not give their age."""
    return deposited.assign(age=["-9"] * 40 + deposited["age"].tolist()[40:])


def test_a_respondent_nobody_can_place_stops_the_wave(known: catalogue.Catalogue, unplaced: pd.DataFrame) -> None:
    with pytest.raises(WeightingError) as caught:
        made_by(known, unplaced)
    message = str(caught.value)
    assert message.startswith(f"{WAVE} (waves/{WAVE}.yaml, design.made.main): ")
    assert "40 respondent(s)" in message
    assert "age" in message


@pytest.mark.parametrize("base", [None, "wt"])
def test_an_own_category_keeps_the_share_it_has(
    known: catalogue.Catalogue, unplaced: pd.DataFrame, base: str | None
) -> None:
    found = made_by(known, unplaced, unplaced="own_category", base=base)
    start = pd.Series(1.0, index=unplaced.index) if base is None else unplaced["wt"].astype(float)
    share = float(start[:40].sum() / start.sum())
    w = found.values["main"]
    age = shares(w, unplaced["age"])
    assert age["-9"] == pytest.approx(share, rel=1e-8)
    assert age["20"] == pytest.approx(YOUNG * (1 - share), rel=1e-8)
    # Everybody gave their sex, so its margin is the population's.
    assert shares(w, unplaced["sex"]) == pytest.approx({"1": MEN, "2": 1 - MEN}, rel=1e-8)
    assert w.sum() == pytest.approx(100_000, rel=1e-8)
    table = found.margins.set_index(["variable", "category"])
    own = table.loc["age", wave_weights.UNPLACED]
    assert own["population_share"] == pytest.approx(share, rel=1e-8)
    assert own["after_share"] == pytest.approx(share, rel=1e-8)
    assert ("sex", wave_weights.UNPLACED) not in table.index


def test_an_own_category_changes_nothing_where_everybody_answered(
    known: catalogue.Catalogue, deposited: pd.DataFrame
) -> None:
    one, other = made_by(known, deposited), made_by(known, deposited, unplaced="own_category")
    assert one.values["main"].tolist() == pytest.approx(other.values["main"].tolist(), rel=1e-12)
    assert one.margins["category"].tolist() == other.margins["category"].tolist()


def test_an_own_category_of_a_crossed_margin(known: catalogue.Catalogue, unplaced: pd.DataFrame) -> None:
    found = made_by(known, unplaced, unplaced="own_category", variables=["sex*age"])
    assert float(found.values["main"][:40].sum() / found.values["main"].sum()) == pytest.approx(0.1, rel=1e-8)
    assert found.margins["category"].tolist()[-1] == f"{wave_weights.UNPLACED} | {wave_weights.UNPLACED}"


def test_a_variable_of_two_margins_may_have_gaps(known: catalogue.Catalogue, unplaced: pd.DataFrame) -> None:
    found = made_by(known, unplaced, unplaced="own_category", variables=["sex*age", "sex"])
    w = found.values["main"]
    assert float(w[:40].sum() / w.sum()) == pytest.approx(0.1, rel=1e-8)
    placed = shares(w[40:], unplaced["sex"][40:])
    assert placed == pytest.approx({"1": MEN, "2": 1 - MEN}, rel=1e-8)


# --- what is not told


def rare(deposited: pd.DataFrame, young: int) -> pd.DataFrame:
    return deposited.assign(age=["20"] * young + ["50"] * (N - young))


@pytest.mark.parametrize(("young", "hidden"), [(29, True), (30, False)])
def test_of_a_small_category_only_the_population_is_told(
    known: catalogue.Catalogue, deposited: pd.DataFrame, young: int, hidden: bool
) -> None:
    assert known.rules.disclosure.min_base == 30
    table = made_by(known, rare(deposited, young)).margins
    age = table[table["variable"] == "age"].set_index("category")
    # The other category is hidden too: its share would give this one by subtraction.
    assert age["is_suppressed"].tolist() == [hidden, hidden]
    told = ["before_share", "after_share", "difference_before", "difference_after"]
    assert age[told].isna().all(axis=None) == hidden
    assert age[told].notna().all(axis=None) != hidden
    assert age["population_share"].tolist() == pytest.approx([YOUNG, 1 - YOUNG], rel=1e-12)
    assert not table.loc[table["variable"] == "sex", "is_suppressed"].any()


@pytest.mark.parametrize(
    ("respondents", "hidden"),
    [
        ([100, 80, 60], [False, False, False]),
        ([100, 80, 12], [False, True, True]),
        # Two that are hidden together must not give away so few either.
        ([100, 80, 12, 9], [False, True, True, True]),
        ([100, 80, 25, 20], [False, False, True, True]),
        ([10], [True]),
        ([10, 5], [True, True]),
    ],
)
def test_so_many_categories_are_hidden_that_none_follows_from_the_rest(
    respondents: list[int], hidden: list[bool]
) -> None:
    n = np.array(respondents, float)
    table = pd.DataFrame({
        "variable": "a", "category": [str(i) for i in range(len(n))], "respondents": respondents,
        "population_share": n / n.sum(), "sample_share": n / n.sum(), "after_share": n / n.sum(),
        "difference": 0.0, "after_difference": 0.0, "ratio": 1.0,
    })  # fmt: skip
    both = pd.concat([table, table.assign(variable="b", respondents=500)], ignore_index=True)
    found = wave_weights._balance(WAVE, "main", both, 30)
    assert found["is_suppressed"].tolist() == hidden + [False] * len(n)
    assert found["before_share"].isna().tolist() == hidden + [False] * len(n)


# --- mistakes name the wave and the weight


def test_a_base_weight_that_is_no_weight_names_its_place(known: catalogue.Catalogue, deposited: pd.DataFrame) -> None:
    with pytest.raises(WeightingError, match=rf"waves/{WAVE}\.yaml, design\.made\.main.*negative"):
        made_by(known, deposited.assign(wt="-1"), base="wt")


def test_margins_that_cannot_be_met_name_their_place(known: catalogue.Catalogue, deposited: pd.DataFrame) -> None:
    with pytest.raises(WeightingError, match=rf"^{WAVE} \(waves/{WAVE}\.yaml, design\.made\.main\): .*Female"):
        made_by(known, deposited.assign(sex="1"))


# --- weights of another kind than the entry expects


def sized(small: catalogue.Catalogue, file: str, low: float, high: float) -> catalogue.Catalogue:
    wave = small.microdata_waves[WAVE].model_copy(
        update={
            "file": m.FileSpec.model_validate({"pattern": ["p"], "format": file}),
            "expects": expected.Expectations(mean_weight={"main": (low, high)}),
        }
    )
    return replace(small, waves={**small.waves, WAVE: wave})


def test_a_weight_of_another_size_stops_the_wave(small: catalogue.Catalogue) -> None:
    raw = pd.DataFrame({"wt": ["50000", "150000"] * 10})
    for file in ("csv", "sav"):
        frame = raw if file == "csv" else raw.astype("float64")
        nobody = pd.DataFrame(index=raw.index)
        fine = wave_weights.analysis_weights(frame, nobody, WAVE, sized(small, file, 90_000, 110_000))
        assert fine.values["main"].mean() == 100_000
        with pytest.raises(WeightingError) as caught:
            wave_weights.analysis_weights(frame, nobody, WAVE, sized(small, file, 0.9, 1.1))
        where = "poll_2020 wt (waves/poll_2020.yaml, design.weights.main)"
        assert f"{where}: the mean weight is another" in str(caught.value)
        assert "Got 100000; expected 0.9 to 1.1 (expects.mean_weight.main)" in str(caught.value)


def test_a_weight_that_is_text_where_the_format_has_numbers_stops_the_wave(small: catalogue.Catalogue) -> None:
    raw = pd.DataFrame({"wt": ["0.5", "1.5"] * 10})
    with pytest.raises(WeightingError, match=r"poll_2020 wt .*: the weight is text"):
        wave_weights.analysis_weights(raw, pd.DataFrame(index=raw.index), WAVE, sized(small, "sav", 0.9, 1.1))
    # In a text file everything is text.
    wave_weights.analysis_weights(raw, pd.DataFrame(index=raw.index), WAVE, sized(small, "tab", 0.9, 1.1))


@pytest.mark.parametrize(("zero", "told"), [(0, 0), (1, None), (9, None), (10, 10)])
def test_zero_weights_are_counted_where_there_are_enough_to_tell(
    small: catalogue.Catalogue, zero: int, told: int | None
) -> None:
    raw = pd.DataFrame({"wt": [0.0] * zero + [1.0] * 20})
    steps = wave_weights.analysis_weights(raw, pd.DataFrame(index=raw.index), WAVE, small).steps
    assert steps["respondents"].tolist() == [20]
    assert [None if pd.isna(x) else x for x in steps["zero_weights"]] == [told]
