"""Rows of comparisons: families, suppression, cautions, and verdicts against the publisher's."""

import math
from dataclasses import replace
from typing import Any, get_args

import pandas as pd
import pytest
from scipy import stats
from sides import LEFT, RIGHT, one_axis, vary

from engagement_stats import catalogue, comparability, compare, disclose, tabulate
from engagement_stats.catalogue import model as m
from engagement_stats.errors import ComparisonError

# --- comparisons

NO_COVARIANCES = pd.DataFrame(columns=tabulate.COVARIANCE_COLUMNS)


def row(side: m.Side, estimate: float, se: float, **more: Any) -> dict[str, Any]:
    return {
        "survey": side.wave.split("_")[0], "wave": side.wave, "indicator": side.indicator, "domain": side.domain,
        "level": side.level, "estimate": estimate, "standard_error": se, "degrees_of_freedom": 500.0, "rounding": 0.0,
        "variance_basis": "weights_only", "evidence": None, "is_suppressed": False, "is_synthetic": False,
        "ci_lower": math.nan, "ci_upper": math.nan, "confidence": 0.95, **more,
    }  # fmt: skip


def compared(
    c: catalogue.Catalogue,
    rows: list[dict[str, Any]],
    covariances: pd.DataFrame = NO_COVARIANCES,
    **pairs: dict[str, Any],
) -> pd.DataFrame:
    """Make pair comparisons, named by keyword; left and right as above when not given."""
    base = {"kind": "pair", "label": "x", "family": "f", "left": LEFT, "right": RIGHT}
    made = {k: m.PairComparison.model_validate({**base, **v}) for k, v in pairs.items()}
    return compare.comparisons(pd.DataFrame(rows), covariances, replace(c, comparisons=made))


def test_verdicts_follow_the_adjusted_p_and_the_sign(small: catalogue.Catalogue) -> None:
    near = m.Side(wave="poll_2019", indicator="joined_12m")
    rows = [row(LEFT, 0.40, 0.01), row(RIGHT, 0.30, 0.01), row(near, 0.401, 0.01)]
    out = compared(small, rows, up={}, down={"left": RIGHT, "right": LEFT}, same={"right": near})
    verdicts = out.set_index("comparison")["verdict"].to_dict()
    assert verdicts == {"up": "higher", "down": "lower", "same": "no clear difference"}


def test_a_family_is_adjusted_together_and_the_verdict_is_the_adjusted_one(small: catalogue.Catalogue) -> None:
    # 2.1 standard errors: p = 0.036 alone, 0.072 as one of two like it.
    rows = [row(LEFT, 0.321, 0.0070710678), row(RIGHT, 0.30, 0.0070710678)]
    alone = compared(small, rows, a={"family": "one"}, b={"family": "two"})
    assert alone["verdict"].tolist() == ["higher", "higher"]
    assert alone["family_size"].tolist() == [1, 1]
    # One test is adjusted for nothing.
    assert alone["adjustment"].tolist() == [None, None]
    assert alone["p_adjusted"].tolist() == alone["p_value"].tolist()
    together = compared(small, rows, a={}, b={})
    assert together["verdict"].tolist() == ["no clear difference", "no clear difference"]
    assert together["p_adjusted"].tolist() == pytest.approx((2 * together["p_value"]).tolist())
    assert together["family_size"].tolist() == [2, 2]
    assert set(together["adjustment"]) == {"holm"}


def test_what_is_not_comparable_is_never_higher_or_lower(small: catalogue.Catalogue) -> None:
    c, left, right = one_axis(small, "concept")
    rows = [row(left, 0.9, 0.001), row(right, 0.1, 0.001)]
    out = compared(c, rows, a={"left": left, "right": right}, b={"left": right, "right": left})
    assert set(out["verdict"]) == {"not comparable"}
    assert out["p_value"].isna().all()
    assert out["p_adjusted"].isna().all()
    assert out["adjustment"].isna().all()
    assert out["family_size"].tolist() == [0, 0]
    # The arithmetic is kept, so that a reader can see what was claimed.
    assert out["difference"].abs().tolist() == pytest.approx([0.8, 0.8])
    assert out["differs_on"].tolist() == ["concept", "concept"]


def test_a_suppressed_side_takes_every_number_with_it(small: catalogue.Catalogue) -> None:
    rows = [row(LEFT, 0.4, 0.01), row(RIGHT, math.nan, math.nan, is_suppressed=True)]
    out = compared(small, rows, a={})
    assert bool(out.loc[0, "is_suppressed"])
    numeric = [c for c in out.select_dtypes("number").columns if c != "family_size"]
    # Not even the side that may be shown: with the difference known elsewhere it would give the other.
    assert out[numeric].isna().all(axis=None)
    assert out.loc[0, "verdict"] is None
    assert out.loc[0, "family_size"] == 0


def test_an_unknown_standard_error_gives_no_verdict(small: catalogue.Catalogue) -> None:
    out = compared(small, [row(LEFT, 0.08, math.nan), row(RIGHT, 0.15, 0.01)], a={})
    assert out.loc[0, "verdict"] is None
    assert out.loc[0, "difference"] == pytest.approx(-0.07)
    assert out[["standard_error", "ci_lower", "ci_upper", "p_value", "p_adjusted"]].isna().all(axis=None)


def test_a_synthetic_side_marks_the_comparison(small: catalogue.Catalogue) -> None:
    real, synthetic = row(LEFT, 0.4, 0.01), row(RIGHT, 0.3, 0.01, is_synthetic=True)
    assert compared(small, [real, synthetic], a={})["is_synthetic"].tolist() == [True]
    assert compared(small, [real, row(RIGHT, 0.3, 0.01)], a={})["is_synthetic"].tolist() == [False]


MEN = m.Side(wave="poll_2020", indicator="joined_12m", domain="sex", level="Male")


@pytest.mark.parametrize("turned", [False, True])
def test_within_a_wave_the_covariance_is_used_whichever_way_it_is_noted(
    small: catalogue.Catalogue, turned: bool
) -> None:
    sides = [*MEN.key[1:], *LEFT.key[1:]] if not turned else [*LEFT.key[1:], *MEN.key[1:]]
    noted = pd.DataFrame([["poll_2020", *sides, 0.00009]], columns=tabulate.COVARIANCE_COLUMNS)
    rows = [row(MEN, 0.42, 0.0125, degrees_of_freedom=200.0), row(LEFT, 0.40, 0.01)]
    pair = {"left": MEN, "right": LEFT, "about": ["population_geography"]}
    out = compared(small, rows, noted, a=pair).iloc[0]
    # By hand: 0.0125^2 + 0.01^2 - 2 x 0.00009; independent it would be 0.0160.
    assert out["standard_error"] == pytest.approx(math.sqrt(0.00007625), rel=1e-12)
    assert out["degrees_of_freedom"] == 200
    with pytest.raises(ComparisonError, match="both sides are of wave poll_2020 and their covariance is missing"):
        compared(small, rows, a=pair)


def test_two_published_figures_of_one_wave_have_no_known_covariance_and_no_verdict(
    small: catalogue.Catalogue,
) -> None:
    men = m.Side(wave="report_2019", indicator="joined_12m", domain="sex", level="Male")
    rows = [row(men, 0.42, 0.01, variance_basis="published"), row(RIGHT, 0.4, 0.01, variance_basis="assumed")]
    out = compared(small, rows, a={"left": men, "right": RIGHT, "about": ["population_geography"]}).iloc[0]
    assert out["verdict"] is None
    assert math.isnan(out["standard_error"])
    assert out["difference"] == pytest.approx(0.02)


def test_published_standard_errors_take_the_normal_and_ours_student_s_t(small: catalogue.Catalogue) -> None:
    ours, theirs = row(LEFT, 0.4, 0.03, degrees_of_freedom=5.0), row(RIGHT, 0.3, 0.04, degrees_of_freedom=math.nan)
    out = compared(small, [ours, theirs], a={}).iloc[0]
    # Satterthwaite with an infinite second sample: (v1 + v2)^2 / (v1^2 / 5).
    assert out["degrees_of_freedom"] == pytest.approx(0.0025**2 / (0.0009**2 / 5), rel=1e-12)
    both = compared(small, [row(LEFT, 0.4, 0.03, degrees_of_freedom=math.nan), theirs], a={}).iloc[0]
    assert both["p_value"] == pytest.approx(2 * stats.norm.sf(2.0), rel=1e-9)


def test_a_comparison_with_a_side_that_has_not_landed_is_left_out(small: catalogue.Catalogue) -> None:
    out = compared(small, [row(LEFT, 0.4, 0.01)], a={})
    assert len(out) == 0
    assert list(out.columns) == compare.COLUMNS


def test_rows_are_sorted_whatever_the_catalogue_s_order(small: catalogue.Catalogue) -> None:
    rows = [row(LEFT, 0.4, 0.01), row(RIGHT, 0.3, 0.01)]
    assert compared(small, rows, z={}, a={}, k={})["comparison"].tolist() == ["a", "k", "z"]


# --- what is weak about a side


def caveats(c: catalogue.Catalogue, left: dict[str, Any], right: dict[str, Any]) -> str:
    return str(compared(c, [left, right], a={}).loc[0, "caveats"])


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("kind", get_args(m.Caution))
def test_what_is_weak_about_a_side_is_said_whatever_the_other_is(
    small: catalogue.Catalogue, kind: str, side: str
) -> None:
    weak = LEFT if side == "left" else RIGHT
    fields: dict[str, Any] = {}
    both = {"variance_basis": "design", "evidence": "confirmed"}
    if kind in ("weights_only", "assumed"):
        fields = {"variance_basis": kind}
    elif kind in ("second_hand", "inferred", "unverified"):
        fields = {"evidence": kind}
    else:
        # Of both, so that no axis differs and the caution is all there is.
        small = vary(vary(small, "poll_2020", sampling=kind), "report_2019", sampling=kind)
    rows = [row(s, 0.4, 0.01, **{**both, **(fields if s == weak else {})}) for s in (LEFT, RIGHT)]
    assert caveats(small, *rows) == small.rules.comparability.cautions[kind]  # type: ignore[index]


def test_a_caution_is_said_once_after_the_caveats_of_the_axes(small: catalogue.Catalogue) -> None:
    c, _, _ = one_axis(small, "mode")
    rows = [row(LEFT, 0.4, 0.01), row(RIGHT, 0.3, 0.01, variance_basis="assumed", evidence="second_hand")]
    cautions = c.rules.comparability.cautions
    said = caveats(c, *rows)
    axis = comparability.judge(c, LEFT, RIGHT).caveats[0]
    assert said == " ".join([axis, cautions["weights_only"], cautions["assumed"], cautions["second_hand"]])
    both = caveats(small, row(LEFT, 0.4, 0.01), row(RIGHT, 0.3, 0.01))
    assert both == cautions["weights_only"]


def test_strong_sides_carry_no_caution(small: catalogue.Catalogue) -> None:
    strong = {"variance_basis": "design", "evidence": "confirmed"}
    assert caveats(small, row(LEFT, 0.4, 0.01, **strong), row(RIGHT, 0.3, 0.01, **strong)) == ""


# --- series


def series_compared(c: catalogue.Catalogue, family: str | None) -> pd.DataFrame:
    more = {} if family is None else {"family": family}
    entry = m.SeriesComparison.model_validate(
        {"kind": "series", "label": "x", "series": "poll_series", "indicators": ["joined_12m", "helped_12m"], **more}
    )
    rows = [
        row(m.Side(wave=w, indicator=i), value, 0.01)
        for w, i, value in (
            ("poll_2019", "joined_12m", 0.30), ("poll_2020", "joined_12m", 0.331),
            ("poll_2019", "helped_12m", 0.30), ("poll_2020", "helped_12m", 0.331),
        )
    ]  # fmt: skip
    return compare.comparisons(pd.DataFrame(rows), NO_COVARIANCES, replace(c, comparisons={"s": entry}))


def test_a_series_is_adjusted_by_indicator_or_by_wave(small: catalogue.Catalogue) -> None:
    # 2.2 standard errors: p = 0.029 alone, 0.057 as one of two.
    for family in (None, "indicator"):
        out = series_compared(small, family)
        assert sorted(out["family"]) == ["poll_series__helped_12m", "poll_series__joined_12m"]
        assert out["family_size"].tolist() == [1, 1]
        assert out["verdict"].tolist() == ["higher", "higher"]
        assert out["adjustment"].isna().all()
    out = series_compared(small, "wave")
    assert out["family"].tolist() == ["poll_series__poll_2020"] * 2
    assert out["family_size"].tolist() == [2, 2]
    assert out["adjustment"].tolist() == ["holm", "holm"]
    assert out["verdict"].tolist() == ["no clear difference"] * 2
    assert out["p_adjusted"].tolist() == pytest.approx((2 * out["p_value"]).tolist())


def test_fifteen_activities_of_the_hansard_audit_are_one_family(packaged: catalogue.Catalogue) -> None:
    c = replace(packaged, comparisons={"hansard_audit": packaged.comparisons["hansard_audit"]})
    names = sorted(c.comparisons["hansard_audit"].indicators)  # type: ignore[union-attr]
    assert len(names) == 15
    assert "demonstration_12m" in names
    # Demonstrating moves by 2.2 standard errors, p = 0.028; nothing else moves.
    rows = [
        row(m.Side(wave=w, indicator=i), 0.04 + 0.022 * (late and i == "demonstration_12m"), math.sqrt(0.00005))
        for w, late in (("hansard_audit_2013", False), ("hansard_audit_2016", True)) for i in names
    ]  # fmt: skip
    out = compare.comparisons(pd.DataFrame(rows), NO_COVARIANCES, c)
    assert set(out["family"]) == {"hansard_audit__hansard_audit_2016"}
    assert len(out) == 15
    assert set(out["family_size"]) == {15}
    assert set(out["adjustment"]) == {"holm"}
    demonstration = out.set_index("left_indicator").loc["demonstration_12m"]
    assert demonstration["p_value"] < 0.05
    assert demonstration["p_adjusted"] == pytest.approx(15 * demonstration["p_value"])
    assert demonstration["verdict"] == "no clear difference"
    # Every other series is adjusted by indicator.
    others = {k: v.family for k, v in packaged.comparisons.items() if v.kind == "series" and k != "hansard_audit"}
    assert set(others.values()) == {"indicator"}


# --- the publisher's own verdicts


@pytest.fixture(scope="module")
def published(packaged: catalogue.Catalogue) -> pd.DataFrame:
    tables = [tabulate.published(w, packaged) for w in packaged.tables_waves]
    everything = pd.concat(tables, ignore_index=True)
    return disclose.suppress(everything, packaged.rules.disclosure).assign(is_synthetic=False)


def publisher_s(c: catalogue.Catalogue, estimates: pd.DataFrame, indicator: str, later: str, earlier: str) -> pd.Series:
    sides = {s: {"wave": f"cls_{w}", "indicator": indicator} for s, w in (("left", later), ("right", earlier))}
    pair = m.PairComparison.model_validate(
        {"kind": "pair", "label": "x", "family": "f", "about": ["fieldwork"], **sides}
    )
    return compare.comparisons(estimates, NO_COVARIANCES, replace(c, comparisons={"x": pair})).iloc[0]


# surveys.md, "Published statements usable as significance oracles": the department's words on each pair.
ORACLES = [
    ("formal_volunteering_12m", "2019_20", "2018_19", "no clear difference", "36 and 37 are similar"),
    ("formal_volunteering_monthly", "2020_21", "2019_20", "lower", "23 to 17"),
    ("formal_volunteering_monthly", "2021_22", "2020_21", "no clear difference", "17 and 16 are in line"),
    ("formal_volunteering_12m", "2021_22", "2020_21", "lower", "30 to 27"),
    ("civic_participation_12m", "2019_20", "2018_19", "higher", "34 to 41, an increase"),
    ("civic_participation_12m", "2023_24", "2021_22", "no clear difference", "34 and 33 are in line"),
    ("belong_neighbourhood_strongly", "2023_24", "2021_22", "no clear difference", "63 and 61 are in line"),
    ("lonely_often_always", "2024_25", "2023_24", "lower", "7.1 to 6.6, small but significant"),
]


@pytest.mark.parametrize(
    ("indicator", "later", "earlier", "verdict"), [o[:4] for o in ORACLES], ids=[o[4] for o in ORACLES]
)
def test_the_publisher_s_verdict_is_reached_from_its_published_figures(
    packaged: catalogue.Catalogue, published: pd.DataFrame, indicator: str, later: str, earlier: str, verdict: str
) -> None:
    found = publisher_s(packaged, published, indicator, later, earlier)
    assert found["verdict"] == verdict
    assert found["grade"] in ("comparable", "indicative")


def test_the_rounded_figures_taken_as_exact_would_contradict_the_publisher(
    packaged: catalogue.Catalogue, published: pd.DataFrame
) -> None:
    # Belonging, 63 and 61 per cent, was published as "in line".
    exact = publisher_s(packaged, published.assign(rounding=0.0), "belong_neighbourhood_strongly", "2023_24", "2021_22")
    assert exact["verdict"] == "lower"


def test_a_point_between_whole_per_cents_is_left_open_where_the_publisher_saw_more(
    packaged: catalogue.Catalogue, published: pd.DataFrame
) -> None:
    # Belonging, 61 to 62 per cent, was published as an increase: the department tested unrounded figures on
    # about 175,000 a side. Rounded, the two may be as near as 61.49 and 61.51, so we do not say "higher".
    found = publisher_s(packaged, published, "belong_neighbourhood_strongly", "2024_25", "2023_24")
    assert found["verdict"] == "no clear difference"
    assert found["p_value"] > 0.999
    assert found["ci_lower"] < 0 < found["ci_upper"]
    # The publisher's difference lies in our interval: we are less sure, not of another mind.
    assert found["ci_lower"] <= 0.01 <= found["ci_upper"]


def test_a_wave_without_a_base_has_no_verdict_where_the_publisher_had_one(
    packaged: catalogue.Catalogue, published: pd.DataFrame
) -> None:
    # Formal volunteering, 45 per cent in 2013-14 to 37 in 2019-20, was published as lower; no source at hand
    # gives the base of 2013-14, so no standard error may be made up for it.
    found = publisher_s(packaged, published, "formal_volunteering_12m", "2019_20", "2013_14")
    assert found["verdict"] is None
    assert found["difference"] == pytest.approx(-0.08)
