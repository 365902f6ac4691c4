"""What rests on too few respondents leaves no number behind."""

import numpy as np
import pandas as pd
import pytest

from engagement_stats import disclose, estimate
from engagement_stats.catalogue import Catalogue
from engagement_stats.catalogue import model as m
from engagement_stats.design import SampleDesign

RULES = m.DisclosureRules(
    min_base=30, caution_base=100, caution_width=0.30, caution_relative_width=1.30, caution_relative_from=0.05,
    source="The test's.",
)  # fmt: skip


def rows(*bases: float | None) -> pd.DataFrame:
    """Return estimates with every number filled in, differing in their base only."""
    n = len(bases)
    frame = pd.DataFrame({c: np.full(n, 0.5) for c in disclose.NUMBERS})
    frame["base_unweighted"] = pd.array([pd.NA if b is None else b for b in bases], dtype="Float64").astype("float64")
    return frame.assign(
        indicator="joined_12m", confidence=0.95, quality="ok", symbol=None, is_suppressed=False, unit="proportion"
    )


@pytest.mark.parametrize(
    ("base", "quality", "symbol"),
    [
        (0, "suppressed", "[c]"), (1, "suppressed", "[c]"), (9, "suppressed", "[c]"), (10, "suppressed", "[u]"),
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
    assert (found.caution_width, found.caution_relative_width, found.caution_relative_from) == (0.30, 1.30, 0.05)


def test_a_threshold_below_ten_is_not_a_rule() -> None:
    with pytest.raises(ValueError, match="min_base"):
        m.DisclosureRules.model_validate({**RULES.model_dump(), "min_base": 9})


def one(estimate: float, lower: float, upper: float, **more: object) -> pd.DataFrame:
    return rows(500).assign(estimate=estimate, ci_lower=lower, ci_upper=upper, **more)


@pytest.mark.parametrize(
    ("estimate", "lower", "upper", "quality"),
    [
        (0.5, 0.375, 0.625, "ok"), (0.5, 0.35, 0.6484375, "ok"), (0.5, 0.34375, 0.65625, "caution"),
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
    assert disclose.doubtful(table, RULES).tolist() == [quality == "caution"]
    # Marked, and shown all the same.
    assert out["is_suppressed"].tolist() == [False]
    assert out["estimate"].tolist() == [estimate]


def test_the_width_of_a_mean_is_in_its_own_unit() -> None:
    hours = one(0.4, 0.0, 9.0, unit="mean")
    assert disclose.doubtful(hours, RULES).tolist() == [False]
    assert disclose.doubtful(hours.assign(unit="proportion"), RULES).tolist() == [True]
    assert disclose.doubtful(hours.assign(base_unweighted=99.0), RULES).tolist() == [True]


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
    assert disclose.doubtful(table, RULES).tolist() == [True, True, False]
    pd.testing.assert_frame_equal(table, before)


def test_thresholds_count_respondents_and_never_weights() -> None:
    few = rows(9).assign(base_weighted=4.5e6, effective_base=500.0)
    many = rows(500).assign(base_weighted=3.0, effective_base=3.0)
    out = disclose.suppress(pd.concat([few, many], ignore_index=True), RULES)
    assert out["is_suppressed"].tolist() == [True, False]


def test_the_other_rows_keep_their_numbers_and_the_input_is_not_changed() -> None:
    table = rows(5, 500)
    before = table.copy()
    out = disclose.suppress(table, RULES)
    pd.testing.assert_frame_equal(table, before)
    numbers = list(disclose.NUMBERS)
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
