"""What rests on too few respondents leaves no number behind."""

import numpy as np
import pandas as pd
import pytest

from engagement_stats import disclose, estimate
from engagement_stats.catalogue import Catalogue
from engagement_stats.catalogue import model as m
from engagement_stats.design import SampleDesign

RULES = m.DisclosureRules(min_base=30, caution_base=100, source="The test's.")


def rows(*bases: float | None) -> pd.DataFrame:
    """Return estimates with every number filled in, differing in their base only."""
    n = len(bases)
    frame = pd.DataFrame({c: np.full(n, 0.5) for c in disclose.NUMBERS})
    frame["base_unweighted"] = pd.array([pd.NA if b is None else b for b in bases], dtype="Float64").astype("float64")
    return frame.assign(indicator="joined_12m", confidence=0.95, quality="ok", symbol=None, is_suppressed=False)


@pytest.mark.parametrize(
    ("base", "quality", "symbol"),
    [
        (0, "suppressed", "[c]"), (1, "suppressed", "[c]"), (9, "suppressed", "[c]"), (10, "suppressed", "[u]"),
        (29, "suppressed", "[u]"), (30, "caution", None), (99, "caution", None), (100, "ok", None), (None, "ok", None),
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


def test_a_threshold_below_ten_is_not_a_rule() -> None:
    with pytest.raises(ValueError, match="min_base"):
        m.DisclosureRules(min_base=9, caution_base=100, source="x")


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
