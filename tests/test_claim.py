"""Each way a claim can end, and whether a document's words follow from its own numbers."""

import math
from dataclasses import replace
from typing import Any

import pandas as pd
import pytest

from engagement_stats import catalogue, claim, tabulate
from engagement_stats.catalogue import model as m

HALF: dict[str, Any] = {
    "words": "about half", "quantity": "ratio", "lower": 0.45, "upper": 0.55, "left": 0.08, "right": 0.16,
    "convention": "A tenth either way.",
}  # fmt: skip
LEVEL: dict[str, Any] = {
    "words": "15 per cent", "quantity": "level", "lower": 0.145, "upper": 0.155, "left": 0.15, "convention": "Rounded.",
}  # fmt: skip
SIDE = {"wave": "poll_2020", "indicator": "joined_12m"}


def comparison(**fields: Any) -> dict[str, Any]:
    return {
        "comparison": "a_v_b", "level": "all", "ratio": 0.5, "ratio_ci_lower": 0.4, "ratio_ci_upper": 0.6,
        "grade": "comparable", "is_suppressed": False, "is_synthetic": False, "sentence": "A sentence.",
        "caveats": "A caveat.", **fields,
    }  # fmt: skip


def estimated(estimate: float = 0.15, **fields: Any) -> dict[str, Any]:
    return {
        **SIDE, "domain": "all", "level": "all", "estimate": estimate, "ci_lower": 0.13, "ci_upper": 0.17,
        "confidence": 0.95, "unit": "proportion", "variance_basis": "design", "source": "maker", "note": None,
        "evidence": None, "is_suppressed": False, "is_synthetic": False, **fields,
    }  # fmt: skip


def checked(
    c: catalogue.Catalogue,
    stated: dict[str, Any],
    by: dict[str, Any],
    estimates: list[dict[str, Any]] | None = None,
    comparisons: list[dict[str, Any]] | None = None,
    kind: str = "ratio",
) -> pd.Series:
    entry = m.Claim.model_validate({"document": "Doc", "quotation": "Words.", "kind": kind, "stated": stated, **by})
    out = claim.check(
        replace(c, claims={"one": entry}),
        pd.DataFrame(estimates or [], columns=list(estimated())),
        pd.DataFrame(comparisons or [], columns=list(comparison())),
    )
    assert list(out.columns) == claim.COLUMNS
    assert len(out) == 1
    return out.iloc[0]


BY_COMPARISON = {"comparison": "a_v_b"}


@pytest.mark.parametrize(
    ("ratio", "verdict"),
    [(0.5, "supported"), (0.45, "supported"), (0.55, "supported"), (0.44, "not supported"), (0.56, "not supported")],
)
def test_a_ratio_is_supported_where_the_words_cover_it(small: catalogue.Catalogue, ratio: float, verdict: str) -> None:
    out = checked(small, HALF, BY_COMPARISON, comparisons=[comparison(ratio=ratio)])
    assert out["verdict"] == verdict
    assert out["observed"].endswith("times (0.40 times to 0.60 times)")
    assert (out["sentence"], out["caveats"], out["evidence"]) == ("A sentence.", "A caveat.", "comparison a_v_b")


def test_two_things_that_are_not_alike_support_nothing(small: catalogue.Catalogue) -> None:
    # The arithmetic alone would say "supported".
    out = checked(small, HALF, BY_COMPARISON, comparisons=[comparison(grade="not_comparable")])
    assert out["verdict"] == "not comparable"
    assert out["observed"].endswith(", as arithmetic only")


def test_an_indicative_comparison_may_support_with_its_caveat(small: catalogue.Catalogue) -> None:
    out = checked(small, HALF, BY_COMPARISON, comparisons=[comparison(grade="indicative")])
    assert (out["verdict"], out["caveats"]) == ("supported", "A caveat.")


def test_without_an_interval_a_claim_cannot_be_checked(small: catalogue.Catalogue) -> None:
    none = comparison(ratio_ci_lower=math.nan, ratio_ci_upper=math.nan)
    out = checked(small, HALF, BY_COMPARISON, comparisons=[none])
    assert out["verdict"] == "cannot be checked"
    assert out["observed"] == "0.50 times"


def test_a_change_is_the_ratio_less_one(small: catalogue.Catalogue) -> None:
    sixth = {**HALF, "words": "fell by a sixth", "quantity": "relative_change", "lower": -0.2, "upper": -0.14,
             "left": 0.50, "right": 0.61}  # fmt: skip
    fell = comparison(ratio=0.83, ratio_ci_lower=0.80, ratio_ci_upper=0.86)
    out = checked(small, sixth, BY_COMPARISON, comparisons=[fell], kind="change")
    assert out["verdict"] == "supported"
    assert out["observed"] == "a fall of 17 per cent (a fall of 20 per cent to a fall of 14 per cent)"
    # A ratio of 0.83 read as a change would be a rise.
    rose = comparison(ratio=1.17, ratio_ci_lower=1.1, ratio_ci_upper=1.2)
    assert checked(small, sixth, BY_COMPARISON, comparisons=[rose], kind="change")["verdict"] == "not supported"


@pytest.mark.parametrize(
    ("comparisons", "reason"),
    [([], "is not in this release: a side has not landed"), ([comparison(is_suppressed=True)], "is suppressed")],
)
def test_a_comparison_that_is_not_there_decides_nothing(
    small: catalogue.Catalogue, comparisons: list[dict[str, Any]], reason: str
) -> None:
    out = checked(small, HALF, BY_COMPARISON, comparisons=comparisons)
    assert out["verdict"] == "cannot be checked"
    assert reason in out["evidence"]
    assert "No sentence can be offered" in out["sentence"]


@pytest.mark.parametrize(
    ("estimate", "verdict"), [(0.15, "supported"), (0.1551, "not supported"), (0.1449, "not supported")]
)
def test_a_level_is_decided_by_one_estimate(small: catalogue.Catalogue, estimate: float, verdict: str) -> None:
    out = checked(small, LEVEL, {"estimate": SIDE}, estimates=[estimated(estimate)], kind="level")
    assert out["verdict"] == verdict
    assert out["sentence"].endswith("of adults in Testland had joined (Poll 2020).")
    assert out["evidence"] == "estimate poll_2020, joined_12m, all, all; source maker"
    assert out["arithmetic"] == "nothing to check"


@pytest.mark.parametrize(
    ("estimates", "reason"),
    [([], "is not in this release"), ([estimated(math.nan, is_suppressed=True)], "is suppressed")],
)
def test_an_estimate_that_is_not_there_decides_nothing(
    small: catalogue.Catalogue, estimates: list[dict[str, Any]], reason: str
) -> None:
    out = checked(small, LEVEL, {"estimate": SIDE}, estimates=estimates, kind="level")
    assert out["verdict"] == "cannot be checked"
    assert reason in out["evidence"]


@pytest.mark.parametrize(
    ("evidence", "verdict"),
    [
        ("confirmed", "supported"), ("second_hand", "supported"), ("inferred", "supported"), (None, "supported"),
        ("unverified", "cannot be checked"),
    ],
)  # fmt: skip
def test_an_unverified_figure_decides_nothing(small: catalogue.Catalogue, evidence: str | None, verdict: str) -> None:
    row = estimated(evidence=evidence, note="Read in a newspaper")
    out = checked(small, LEVEL, {"estimate": SIDE}, estimates=[row], kind="level")
    assert out["verdict"] == verdict
    if evidence == "unverified":
        assert "is itself unverified: Read in a newspaper." in out["evidence"]
        assert "No sentence can be offered" in out["sentence"]
        bare = checked(small, LEVEL, {"estimate": SIDE}, estimates=[{**row, "note": None}], kind="level")
        assert "is itself unverified: maker." in bare["evidence"]


def test_the_packaged_claim_that_rests_on_an_unverified_figure(packaged: catalogue.Catalogue) -> None:
    entry = packaged.claims["england_social_action_15"]
    assert entry.estimate is not None
    table = tabulate.published(entry.estimate.wave, packaged).assign(is_suppressed=False, is_synthetic=False)
    none = pd.DataFrame(columns=list(comparison()))
    out = claim.check(packaged, table, none).set_index("claim").loc["england_social_action_15"]
    # The figure itself would support it: 15 per cent.
    assert out["verdict"] == "cannot be checked"
    assert "unverified" in out["evidence"]
    confirmed = table.assign(evidence="confirmed")
    assert claim.check(packaged, confirmed, none).set_index("claim").loc["england_social_action_15", "verdict"] == (
        "supported"
    )


def test_a_claim_said_to_be_beyond_checking_gives_the_reason(small: catalogue.Catalogue) -> None:
    out = checked(small, HALF, {"cannot_be_checked": "The source was not found."})
    assert (out["verdict"], out["evidence"]) == ("cannot be checked", "The source was not found.")


def test_synthetic_evidence_is_marked(small: catalogue.Catalogue) -> None:
    out = checked(small, LEVEL, {"estimate": SIDE}, estimates=[estimated(is_synthetic=True)], kind="level")
    assert out["sentence"].startswith("SYNTHETIC: ")
    assert bool(out["is_synthetic"])
    other = checked(small, HALF, BY_COMPARISON, comparisons=[comparison(is_synthetic=True)])
    assert bool(other["is_synthetic"])


@pytest.mark.parametrize(("right", "expected"), [(0.16, "right"), (0.20, "wrong")])
def test_the_words_are_held_against_the_document_s_own_numbers(
    small: catalogue.Catalogue, right: float, expected: str
) -> None:
    out = checked(small, {**HALF, "right": right}, {"cannot_be_checked": "x"})
    assert out["arithmetic"] == expected
    assert out["stated"].startswith(f'"about half": 8 per cent against {right * 100:.0f} per cent (')


def test_the_arithmetic_of_a_change_is_left_over_right_less_one(small: catalogue.Catalogue) -> None:
    sixth = {**HALF, "quantity": "relative_change", "lower": -0.2, "upper": -0.14, "left": 0.50, "right": 0.61}
    assert checked(small, sixth, {"cannot_be_checked": "x"}, kind="change")["arithmetic"] == "right"
    # Points (61 to 50, minus 11) or right over left would be wrong and right the other way about.
    turned = {**sixth, "left": 0.61, "right": 0.50}
    assert checked(small, turned, {"cannot_be_checked": "x"}, kind="change")["arithmetic"] == "wrong"


def test_the_seed_briefing_s_words_follow_from_its_own_numbers(packaged: catalogue.Catalogue) -> None:
    none = pd.DataFrame(columns=list(estimated())), pd.DataFrame(columns=list(comparison()))
    out = claim.check(packaged, *none).set_index("claim")
    assert out.index.is_monotonic_increasing
    assert out.loc["lbn_group_membership", "arithmetic"] == "right"
    assert out.loc["lbn_volunteering", "arithmetic"] == "right"
    assert out.loc["group_membership_since_1993", "arithmetic"] == "right"
    assert set(out["verdict"]) == {"cannot be checked"}


def test_no_claims_give_no_rows(small: catalogue.Catalogue) -> None:
    out = claim.check(small, pd.DataFrame(columns=list(estimated())), pd.DataFrame(columns=list(comparison())))
    assert len(out) == 0
    assert list(out.columns) == claim.COLUMNS
