"""What rests on too few respondents leaves no number behind."""

import numpy as np
import pandas as pd
import pytest
from respondents import WAVE, estimates, frame, released

from engagement_stats import compare, disclose, estimate, league, phrase, publish, reliability
from engagement_stats.catalogue import Catalogue
from engagement_stats.catalogue import model as m
from engagement_stats.design import SampleDesign
from engagement_stats.errors import DisclosureError

RULES = m.DisclosureRules(
    min_base=30, caution_base=100, caution_width=0.30, caution_relative_width=1.30, caution_relative_from=0.05,
    source="The test's.",
)  # fmt: skip


def rows(*bases: float | None) -> pd.DataFrame:
    """Return estimates with every number filled in, differing in their base only."""
    n = len(bases)
    frame = pd.DataFrame({c: np.full(n, 0.5) for c in disclose.NUMBERS if c not in disclose.PRIVATE})
    frame["base_unweighted"] = pd.array([pd.NA if b is None else b for b in bases], dtype="Float64").astype("float64")
    return frame.assign(
        indicator="joined_12m", confidence=0.95, quality="ok", symbol=None, is_suppressed=False, unit="proportion"
    )


@pytest.mark.parametrize(
    ("base", "quality", "symbol"),
    [
        # One mark for all small bases: two would say which are below ten.
        (0, "suppressed", "[u]"), (1, "suppressed", "[u]"), (9, "suppressed", "[u]"), (10, "suppressed", "[u]"),
        (29, "suppressed", "[u]"), (30, "caution", None), (99, "caution", None), (100, "ok", None),
        (None, "caution", None),
    ],
)  # fmt: skip
def test_the_thresholds_are_where_they_should_be(base: int | None, quality: str, symbol: str | None) -> None:
    row = disclose.suppress(rows(base), RULES).iloc[0]
    assert row["quality"] == quality
    assert (None if pd.isna(row["symbol"]) else row["symbol"]) == symbol
    assert row["is_suppressed"] == (quality == "suppressed")
    assert pd.isna(row["estimate"]) == (quality == "suppressed")


def test_the_packaged_thresholds_are_the_ones_tested_here(packaged: Catalogue) -> None:
    found = packaged.rules.disclosure
    assert (found.min_base, found.caution_base) == (30, 100)
    assert (found.min_count, found.largest_weight, found.two_largest_weights) == (10, 0.10, 0.20)
    assert (found.caution_effective_base, found.caution_degrees_of_freedom, found.unreliable) == (30, 8, "caution")
    assert (found.caution_width, found.caution_relative_width, found.caution_relative_from) == (0.30, 1.30, 0.05)


def test_a_threshold_below_ten_is_not_a_rule() -> None:
    for name in ("min_base", "min_count"):
        with pytest.raises(ValueError, match=name):
            m.DisclosureRules.model_validate({**RULES.model_dump(), name: 9})
    with pytest.raises(ValueError, match="two_largest_weights is below largest_weight"):
        m.DisclosureRules.model_validate({**RULES.model_dump(), "largest_weight": 0.3, "two_largest_weights": 0.2})


def one(estimate: float, lower: float, upper: float, **more: object) -> pd.DataFrame:
    return rows(500).assign(estimate=estimate, ci_lower=lower, ci_upper=upper, **more)


@pytest.mark.parametrize(
    ("estimate", "lower", "upper", "quality"),
    [
        (0.5, 0.375, 0.625, "ok"), (0.4, 0.2, 0.5, "caution"),
        (0.5, 0.35, 0.6484375, "ok"), (0.5, 0.34375, 0.65625, "caution"),
        # Half of 10 per cent either way is 100 per cent of it; 15 is 150.
        (0.10, 0.05, 0.15, "ok"), (0.10, 0.03, 0.18, "caution"), (0.10, 0.04, 0.1699, "ok"),
        # A narrow interval is not doubtful however small the estimate.
        (0.01, 0.0, 0.0499, "ok"), (0.01, 0.0, 0.0501, "caution"), (0.0, 0.0, 0.04, "ok"), (0.0, 0.0, 0.06, "caution"),
        # A figure without an interval is not wide; its base speaks for it.
        (0.5, np.nan, np.nan, "ok"),
    ],
)  # fmt: skip
def test_a_wide_interval_is_a_reason_for_caution(estimate: float, lower: float, upper: float, quality: str) -> None:
    table = one(estimate, lower, upper)
    out = disclose.suppress(table, RULES)
    assert out["quality"].tolist() == [quality]
    assert reliability.doubtful(table, RULES).tolist() == [quality == "caution"]
    # Marked, and shown all the same.
    assert out["is_suppressed"].tolist() == [False]
    assert out["estimate"].tolist() == [estimate]


def test_the_width_of_a_mean_is_in_its_own_unit() -> None:
    hours = one(0.4, 0.0, 9.0, unit="mean")
    assert reliability.doubtful(hours, RULES).tolist() == [False]
    assert reliability.doubtful(hours.assign(unit="proportion"), RULES).tolist() == [True]
    assert reliability.doubtful(hours.assign(base_unweighted=99.0), RULES).tolist() == [True]


@pytest.mark.parametrize(
    ("evidence", "quality"),
    [
        ("confirmed", "ok"),
        (None, "ok"),
        ("second_hand", "caution"),
        ("inferred", "caution"),
        ("unverified", "caution"),
    ],
)
def test_a_figure_not_confirmed_is_a_reason_for_caution(evidence: str | None, quality: str) -> None:
    table = one(0.5, 0.45, 0.55).assign(evidence=pd.Series([evidence], dtype="object"))
    assert disclose.suppress(table, RULES)["quality"].tolist() == [quality]


def test_doubt_does_not_lift_suppression_and_says_nothing_of_the_input() -> None:
    table = pd.concat([rows(5), one(0.5, 0.1, 0.9), one(0.5, 0.45, 0.55)], ignore_index=True)
    before = table.copy()
    assert disclose.suppress(table, RULES)["quality"].tolist() == ["suppressed", "caution", "ok"]
    assert reliability.doubtful(table, RULES).tolist() == [True, True, False]
    pd.testing.assert_frame_equal(table, before)


def test_thresholds_count_respondents_and_never_weights() -> None:
    few = rows(9).assign(base_weighted=4.5e6, effective_base=500.0)
    many = rows(500).assign(base_weighted=3.0, effective_base=3.0)
    out = disclose.suppress(pd.concat([few, many], ignore_index=True), RULES)
    assert out["is_suppressed"].tolist() == [True, False]


@pytest.mark.parametrize(
    ("count", "rule"),
    [(0, None), (1, "small_count"), (9, "small_count"), (10, None), (490, None), (491, "small_count"),
     (499, "small_count"), (500, None)],
)  # fmt: skip
def test_few_who_count_or_do_not_are_withheld(count: int, rule: str | None) -> None:
    # Weights would have hidden or shown others: a tenth of a per cent of the weight, or half of it.
    for share in (0.001, 0.5):
        table = one(share, 0.0, 0.6, numerator_unweighted=float(count), base_weighted=4.5e6)
        assert disclose.primary(table, RULES).tolist() == [rule]
        assert disclose.suppress(table, RULES)["symbol"].tolist() == [None if rule is None else "[c]"]


def test_nobody_and_everybody_are_withheld_of_a_sensitive_indicator() -> None:
    table = pd.concat([one(0.0, 0.0, 0.04, numerator_unweighted=float(k)) for k in (0, 500, 250)], ignore_index=True)
    assert disclose.primary(table, RULES).tolist() == [None, None, None]
    assert disclose.primary(table, RULES, ["joined_12m"]).tolist() == ["class", "class", None]


def test_an_estimate_that_is_one_person_or_two_is_withheld() -> None:
    rules = RULES.model_copy(update={"largest_weight": 0.10, "two_largest_weights": 0.20})
    table = pd.concat(
        [one(0.5, 0.4, 0.6, largest_weight_share=a, two_largest_weight_share=b)
         for a, b in ((0.10, 0.20), (0.11, 0.15), (0.09, 0.21), (np.nan, np.nan))], ignore_index=True,
    )  # fmt: skip
    assert disclose.primary(table, rules).tolist() == [None, "dominance", "dominance", None]


@pytest.mark.parametrize(
    ("column", "value", "doubt"),
    [("effective_base", 29.9, True), ("effective_base", 30.0, False), ("degrees_of_freedom", 7.0, True),
     ("degrees_of_freedom", 8.0, False), ("degrees_of_freedom", np.nan, False)],
)  # fmt: skip
def test_a_thin_sample_is_marked_or_withheld_as_the_rules_say(column: str, value: float, doubt: bool) -> None:
    rules = RULES.model_copy(update={"caution_effective_base": 30.0, "caution_degrees_of_freedom": 8.0})
    table = one(0.5, 0.45, 0.55, effective_base=400.0, degrees_of_freedom=100.0).assign(**{column: value})
    assert disclose.suppress(table, rules)["quality"].tolist() == ["caution" if doubt else "ok"]
    strict = disclose.suppress(table, rules.model_copy(update={"unreliable": "suppress"}))
    assert strict["symbol"].tolist() == ["[u]" if doubt else None]
    assert strict["estimate"].isna().tolist() == [doubt]
    # A base that only asks for caution is shown under either.
    small = disclose.suppress(
        table.assign(base_unweighted=50.0, effective_base=45.0, degrees_of_freedom=9.0),
        rules.model_copy(update={"unreliable": "suppress"}),
    )
    assert small["quality"].tolist() == ["caution"]


@pytest.mark.parametrize("basis", ["published", "assumed"])
def test_what_its_producer_published_is_theirs_to_withhold(basis: str) -> None:
    table = rows(12, 500).assign(variance_basis=basis, withheld=[None, "[x]"])
    out = disclose.suppress(table, RULES)
    assert out["is_suppressed"].tolist() == [False, True]
    assert out["quality"].tolist() == ["caution", "suppressed"]
    assert out["symbol"].tolist() == [None, "[x]"]


def test_the_other_rows_keep_their_numbers_and_the_input_is_not_changed() -> None:
    table = rows(5, 500)
    before = table.copy()
    out = disclose.suppress(table, RULES)
    pd.testing.assert_frame_equal(table, before)
    numbers = [c for c in disclose.NUMBERS if c in table]
    pd.testing.assert_series_equal(out.loc[1, numbers], before.loc[1, numbers])


def test_a_suppressed_estimate_carries_no_number_in_any_column() -> None:
    # Straight from the estimator, so that a column it gains is caught here.
    small, large = ["small"] * 12, ["large"] * 200
    frame = pd.DataFrame({"w": 1.5, "area": small + large, "y": [1, 0] * 106})
    table = estimate.proportion(frame, "y", design=SampleDesign(weight="w"), by="area").assign(rounding=0.0)
    out = disclose.suppress(table, RULES).set_index("level")
    numeric = out.drop(columns="is_suppressed").select_dtypes("number").columns
    # What the caller asked for and the whole sample's design say nothing of the level.
    about_the_call = ["single_psu_strata", "confidence"]
    left = [c for c in numeric if pd.notna(out.loc["small", c]) and c not in about_the_call]
    assert left == []
    assert out.loc["large", "base_unweighted"] == 200


def test_no_rows_give_no_rows() -> None:
    assert len(disclose.suppress(rows(), RULES)) == 0


# --- a whole wave


def test_the_private_record_names_each_rule_and_the_released_one_does_not(packaged: Catalogue) -> None:
    out, audit = disclose.protect(estimates(frame(seed=2)), packaged)
    assert len(audit) == out["is_suppressed"].sum() > 0
    assert set(audit["kind"]) == {"primary", "secondary"}
    assert set(audit["rule"]) <= set(disclose.RULES)
    told = disclose.told(out)
    assert len(told) == len(audit)
    # Neither rule nor kind sets the small cells apart from those hidden beside them.
    both = told.merge(audit, on=["wave", "indicator", "domain", "level"])
    for mark in ("[c]", "[u]"):
        mine = both[both["symbol"] == mark]
        assert set(mine["rule_x"]) == {"[c]": {disclose.UNTOLD}, "[u]": {disclose.LOW}}[mark]
        assert set(mine["kind_x"]) == {"primary or secondary"}
    assert set(both.loc[both["symbol"] == "[c]", "kind_y"]) == {"primary", "secondary"}


def test_an_estimate_held_for_an_earlier_release_is_withheld_with_what_would_give_it_away(
    packaged: Catalogue,
) -> None:
    table = estimates(frame(n=4000)[["w", "sex", "region", "q0"]], ("region", "sex"))
    keys = ["wave", "indicator", "domain", "level"]
    held = table.loc[(table["domain"] == "sex") & (table["level"] == "Male"), keys].assign(rule=disclose.DIFFERENCING)
    out, audit = disclose.protect(table, packaged, held=held)
    rules = audit.set_index("level")["rule"].to_dict()
    assert rules["Male"] == disclose.DIFFERENCING
    assert rules["Female"] == disclose.BESIDE
    disclose.check(released(out), packaged.rules.disclosure)
    assert disclose.protect(table, packaged)[1].empty


def test_what_is_released_does_not_depend_on_a_suppressed_value(packaged: Catalogue) -> None:
    table = estimates(frame(seed=2))
    out, _ = disclose.protect(table, packaged)
    hidden = out["is_suppressed"].to_numpy()
    other = table.copy()
    for column in ("standard_error", "ci_lower", "ci_upper", "effective_base", "degrees_of_freedom", "design_effect"):
        other.loc[hidden, column] = other.loc[hidden, column] * 0.97 + 0.001
    again, _ = disclose.protect(other, packaged)
    pd.testing.assert_frame_equal(out, again)


def test_no_table_made_of_suppressed_estimates_carries_a_number_of_theirs(packaged: Catalogue) -> None:
    out, _ = disclose.protect(estimates(frame(seed=2)), packaged)
    hidden = out[out["is_suppressed"]]
    assert hidden[list(disclose.NUMBERS)].isna().all().all()
    left = [c for c in hidden.select_dtypes("number") if hidden[c].notna().any()]
    # What the caller asked for and the design of the whole sample.
    assert set(left) <= {"confidence", "single_psu_strata"}
    assert set(disclose.PRIVATE) & set(publish.columns("estimates")) == set()


def test_comparisons_and_ranks_say_nothing_of_a_suppressed_side(packaged: Catalogue) -> None:
    waves = ("ess_2014", "ess_2012")
    key = {"survey": "ess", "domain": "all", "level": "all", "run_id": "x", "source": "x", "statistic": "proportion"}
    one_wave, other_wave = (packaged.microdata_waves[w].indicators for w in waves)
    indicator = next(i for i in one_wave if i in other_wave)
    made = pd.concat([
        one(0.37, 0.31, 0.43, base_unweighted=base, wave=wave, variance_basis="design",
            **key).assign(indicator=indicator, is_synthetic=False, evidence=None)
        for wave, base in zip(waves, (17.0, 900.0), strict=True)
    ], ignore_index=True)  # fmt: skip
    tables = []
    for value in (0.37, 0.4242):
        changed = made.assign(estimate=[value, 0.37], ci_upper=0.5)
        safe = disclose.suppress(changed, RULES).reindex(columns=publish.columns("estimates"))
        compared = phrase.with_sentences(compare.comparisons(safe, pd.DataFrame(), packaged), safe, packaged)
        tables.append((compared, league.tables(safe, packaged)))
    pd.testing.assert_frame_equal(tables[0][0], tables[1][0])
    pd.testing.assert_frame_equal(tables[0][1], tables[1][1])
    sides = tables[0][0].query("is_suppressed")
    assert len(sides) == len(tables[0][0]) > 0
    numbers = sides.drop(columns=["family_size", "is_suppressed", "is_synthetic"]).select_dtypes("number")
    assert numbers.isna().all().all()


def test_a_suppressed_row_with_a_number_stops_the_release(packaged: Catalogue) -> None:
    out = released(disclose.protect(estimates(frame(seed=2)), packaged)[0])
    out.loc[out["is_suppressed"].idxmax(), "design_effect"] = 1.23
    with pytest.raises(DisclosureError, match=r"suppressed rows carry numbers\. Got design_effect") as stop:
        disclose.check(out, packaged.rules.disclosure)
    assert "1.23" not in str(stop.value)


def test_a_margin_of_weighting_is_withheld_where_every_estimate_of_the_level_is() -> None:
    margins = pd.DataFrame({
        "wave": WAVE, "weight": "main", "variable": "region", "category": ["N", "W", "C"], "population_share": 0.3,
        "before_share": [0.6, 0.3, 0.1], "after_share": 0.3, "difference_before": 0.1, "difference_after": 0.0,
        "is_suppressed": [False, False, True], "is_synthetic": False,
    })  # fmt: skip
    table = pd.DataFrame({
        "wave": WAVE, "domain": "region", "level": ["N", "N", "W", "W"], "is_suppressed": [True, False, True, True],
    })  # fmt: skip
    out = disclose.margins(margins, table)
    assert out["is_suppressed"].tolist() == [False, True, True]
    assert out["before_share"].isna().tolist() == [False, True, True]
    assert out["population_share"].notna().all()


@pytest.mark.parametrize("column", ["base_unweighted", "base_missing", "numerator_unweighted"])
def test_a_count_that_is_not_known_stops_everything(packaged: Catalogue, column: str) -> None:
    table = estimates(frame(seed=2))
    for without in (table.drop(columns=column), table.assign(**{column: table[column].mask(table.index == 3)})):
        with pytest.raises(DisclosureError, match=f"estimates: {column} is not known"):
            disclose.protect(without, packaged)
    # Nobody answered, so nobody counts.
    nobody = table.assign(numerator_unweighted=table["numerator_unweighted"].astype(float))
    nobody.loc[3, ["base_unweighted", "numerator_unweighted"]] = [0, np.nan]
    disclose.protect(nobody, packaged)
