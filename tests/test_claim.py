"""Each way a claim can end, its four answers apart, and what a release may never say of what is not comparable."""

import math
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from sides import LEFT, RIGHT, one_axis, vary

from engagement_stats import catalogue, claim, claims_page, compare, phrase, stated
from engagement_stats.catalogue import model as m

NONE = pd.DataFrame()
SIDE = {"wave": "poll_2020", "indicator": "joined_12m"}
LEVEL: dict[str, Any] = {"words": "15 per cent", "quantity": "level"}
HALF: dict[str, Any] = {
    "words": "about half", "quantity": "ratio", "lower": 0.45, "upper": 0.55, "left": 0.08, "right": 0.16,
    "convention": "A tenth either way.",
}  # fmt: skip


def estimated(estimate: float = 0.15, reach: float = 0.02, wave: str = "poll_2020", **fields: Any) -> dict[str, Any]:
    """Return a row of estimates with a 95 per cent interval of this reach on either side."""
    return {
        "survey": wave[:-5], "wave": wave, "indicator": "joined_12m", "domain": "all", "level": "all",
        "estimate": estimate, "standard_error": reach / 1.959964, "ci_lower": estimate - reach,
        "ci_upper": estimate + reach, "confidence": 0.95, "unit": "proportion", "variance_basis": "design",
        "degrees_of_freedom": math.inf, "rounding": 0.0, "source": "maker", "note": None, "evidence": None,
        "base_unweighted": 1000, "effective_base": 1000.0, "interval_method": "wald", "symbol": None,
        "is_suppressed": False, "is_synthetic": False, **fields,
    }  # fmt: skip


def checked(
    c: catalogue.Catalogue, stated: dict[str, Any], by: dict[str, Any], *estimates: dict[str, Any],
    kind: str | None = None, leagues: pd.DataFrame = NONE, covariances: pd.DataFrame = NONE,
) -> pd.Series:  # fmt: skip
    """Check one claim; a comparison named "pair" is made of LEFT and RIGHT unless the catalogue has one."""
    kinds = {"relative_change": "change"}
    words = {"kind": kind or kinds.get(stated["quantity"], stated["quantity"]), "stated": stated}
    entry = m.Claim.model_validate({"document": "Doc", "quotation": "Words.", **words, **by})
    if "pair" not in c.comparisons:
        pair = m.PairComparison(kind="pair", label="Pair", family="pair", left=LEFT, right=RIGHT)
        c = replace(c, comparisons={"pair": pair})
    c = replace(c, claims={"one": entry})
    table = pd.DataFrame(list(estimates), columns=list(estimated()))
    compared = phrase.with_sentences(compare.comparisons(table, covariances, c), table, c)
    out = claim.check(c, table, compared, leagues, covariances)
    assert list(out.columns) == claim.COLUMNS
    assert len(out) == 1
    row = out.iloc[0]
    assert len(row["explanation"].splitlines()) == len(claim.ANSWERS)
    for line in row["explanation"].splitlines():
        assert line.endswith(".")
        assert "nan" not in line
        assert ".." not in line
    return row


PAIR = {"comparison": "pair"}


def two(left: float, right: float = 0.32, reach: float = 0.01) -> tuple[dict[str, Any], dict[str, Any]]:
    return estimated(left, reach), estimated(right, reach, "report_2019")


# --- the interval against the range


@pytest.mark.parametrize(
    ("words", "estimate", "reach", "support", "verdict"),
    [
        ("about 15 per cent", 0.150, 0.001, "established", "supported"),
        ("about 15 per cent", 0.150, 0.020, "consistent", "supported"),
        ("about 15 per cent", 0.160, 0.020, "inconsistent", "not supported"),
        ("about 15 per cent", 0.180, 0.020, "contradicted", "not supported"),
        ("over 15 per cent", 0.180, 0.020, "established", "supported"),
        # The point alone would support it; a limit wants the whole interval.
        ("over 15 per cent", 0.160, 0.020, "consistent", "not supported"),
        ("over 15 per cent", 0.140, 0.020, "inconsistent", "not supported"),
        ("over 15 per cent", 0.100, 0.020, "contradicted", "not supported"),
    ],
)
def test_a_level_is_decided_by_its_interval(
    small: catalogue.Catalogue, words: str, estimate: float, reach: float, support: str, verdict: str
) -> None:
    out = checked(small, {"words": words, "quantity": "level"}, {"estimate": SIDE}, estimated(estimate, reach))
    assert (out["support"], out["verdict"]) == (support, verdict)
    assert out["evidence"] == "estimate poll_2020, joined_12m, all, all; source maker"
    assert (out["arithmetic"], out["like_for_like"]) == ("nothing to check", "not applicable")


@pytest.mark.parametrize(
    ("left", "verdict", "support"),
    [
        (0.16, "supported", "established"), (0.145, "supported", "consistent"),
        (0.143, "not supported", "inconsistent"), (0.10, "not supported", "contradicted"),
    ],
)  # fmt: skip
def test_a_ratio_is_decided_by_its_interval(
    small: catalogue.Catalogue, left: float, verdict: str, support: str
) -> None:
    out = checked(small, HALF, PAIR, *two(left))
    assert (out["verdict"], out["support"], out["like_for_like"]) == (verdict, support, "comparable")
    assert out["observed"].startswith(f"{left / 0.32:.2f} times (")
    assert out["evidence"] == "comparison pair"


def test_a_change_is_the_ratio_less_one_and_a_difference_is_in_points(small: catalogue.Catalogue) -> None:
    sixth = {"words": "fell by a sixth", "quantity": "relative_change"}
    out = checked(small, sixth, PAIR, *two(0.50, 0.61))
    assert (out["verdict"], out["observed"].split(" (")[0]) == ("supported", "18 per cent lower")
    # A ratio of 0.82 read as a change would be a rise, 11 points a fall by a ninth.
    assert checked(small, sixth, PAIR, *two(0.61, 0.50))["verdict"] == "not supported"
    points = {"words": "fell by 11 percentage points", "quantity": "difference"}
    out = checked(small, points, PAIR, *two(0.50, 0.61), kind="change")
    assert (out["verdict"], out["observed"].split(" (")[0]) == ("supported", "11.0 percentage points lower")
    points["words"] = "fell by 18 points"
    assert checked(small, points, PAIR, *two(0.50, 0.61), kind="change")["verdict"] == "not supported"


def league(**fields: Any) -> pd.DataFrame:
    row = {"wave": "poll_2020", "indicator": "joined_12m", "domain": "sex", "level": "Male", "rank": 1, "rank_lower": 1,
           "rank_upper": 1, "areas": 9, "unranked": 0, "confidence": 0.95, "is_synthetic": False, **fields}  # fmt: skip
    return pd.DataFrame([row])


@pytest.mark.parametrize(
    ("words", "place", "verdict", "support"),
    [
        ("highest", {}, "supported", "established"),
        # Its place is the first and it may be the second: a bare rank would support it.
        ("highest", {"rank_upper": 2}, "not supported", "consistent"),
        ("highest", {"rank": 2, "rank_upper": 3}, "not supported", "inconsistent"),
        ("highest", {"rank": 4, "rank_lower": 3, "rank_upper": 5}, "not supported", "contradicted"),
        ("among the highest", {"rank": 2, "rank_upper": 3}, "supported", "established"),
        ("lowest", {"rank": 9, "rank_lower": 9, "rank_upper": 9}, "supported", "established"),
        ("lowest", {}, "not supported", "contradicted"),
    ],
)
def test_a_rank_is_decided_by_the_interval_of_ranks(
    small: catalogue.Catalogue, words: str, place: dict[str, int], verdict: str, support: str
) -> None:
    side = {"estimate": {**SIDE, "domain": "sex", "level": "Male"}}
    row = estimated(domain="sex", level="Male")
    out = checked(small, {"words": words, "quantity": "rank"}, side, row, leagues=league(**place))
    assert (out["verdict"], out["support"], out["holds_now"]) == (verdict, support, "newest is used")
    assert "of 9" in out["sentence"]
    assert "lying between" in out["sentence"]


def test_a_level_that_is_not_ranked_has_no_place(small: catalogue.Catalogue) -> None:
    out = checked(small, {"words": "highest", "quantity": "rank"}, {"estimate": SIDE}, estimated())
    assert (out["verdict"], out["holds_now"]) == ("cannot be checked", "cannot be checked")
    assert "No league table" in out["evidence"]


ADMINISTRATIVE = {"evidence_kind": "administrative"}


@pytest.mark.parametrize(("value", "verdict"), [(2386368, "supported"), (2286368, "not supported")])
def test_a_count_is_held_against_a_documented_number(small: catalogue.Catalogue, value: int, verdict: str) -> None:
    by = {**ADMINISTRATIVE, "documented": {"value": value, "source": "An office."}}
    out = checked(small, {"words": "2.4 million", "quantity": "count", "unit": "number"}, by)
    assert (out["verdict"], out["arithmetic"]) == (verdict, "nothing to check")
    assert out["evidence"] == "a documented number, no survey evidence: An office."
    assert out["sentence"] == f"The documented number is {value:,} (An office)."
    assert out["caveats"] == claim.ADMINISTRATIVE


# --- what decides nothing


def test_two_things_that_are_not_alike_support_nothing(small: catalogue.Catalogue) -> None:
    c, left, right = one_axis(small, "concept")
    pair = m.PairComparison(kind="pair", label="Pair", family="pair", left=left, right=right)
    rows = [estimated(0.16), estimated(0.32, 0.01, right.wave, indicator=right.indicator)]
    out = checked(replace(c, comparisons={"pair": pair}), HALF, PAIR, *rows)
    # The arithmetic alone would say "supported".
    assert (out["verdict"], out["support"], out["like_for_like"]) == ("not comparable", None, "not comparable")
    assert out["observed"].endswith(", as arithmetic only")
    assert out["arithmetic"] == "right"


def test_without_an_interval_a_claim_cannot_be_checked(small: catalogue.Catalogue) -> None:
    bare = dict.fromkeys(("standard_error", "ci_lower", "ci_upper", "confidence"), math.nan)
    rows = two(0.16)
    out = checked(small, HALF, PAIR, {**rows[0], **bare}, rows[1])
    assert (out["verdict"], out["support"], out["observed"]) == ("cannot be checked", None, "0.50 times")
    alone = checked(small, LEVEL, {"estimate": SIDE}, estimated(0.15, **bare))
    assert (alone["verdict"], alone["observed"]) == ("cannot be checked", "15 per cent")


@pytest.mark.parametrize(
    ("rows", "reason"),
    [((), "is not in this release"), ((estimated(math.nan, is_suppressed=True),), "is suppressed")],
)
def test_an_estimate_that_is_not_there_decides_nothing(
    small: catalogue.Catalogue, rows: tuple[dict[str, Any], ...], reason: str
) -> None:
    for stated_, by in ((LEVEL, {"estimate": SIDE}), (HALF, PAIR)):
        out = checked(small, stated_, by, *rows, *([two(0.1)[1]] if rows else []))
        assert (out["verdict"], out["holds_now"]) == ("cannot be checked", "cannot be checked")
        assert reason in out["evidence"]
        assert not re.search(r"\d", out["sentence"])


def test_sides_that_have_not_landed_are_judged_all_the_same(small: catalogue.Catalogue) -> None:
    c, left, right = one_axis(small, "recall")
    pair = m.PairComparison(kind="pair", label="Pair", family="pair", left=left, right=right)
    out = checked(replace(c, comparisons={"pair": pair}), HALF, PAIR)
    assert (out["verdict"], out["like_for_like"]) == ("cannot be checked", "not comparable")


@pytest.mark.parametrize(
    ("evidence", "verdict"),
    [("confirmed", "supported"), (None, "supported"), ("second_hand", "supported"),
     ("unverified", "cannot be checked")],
)  # fmt: skip
def test_an_unverified_figure_decides_nothing(small: catalogue.Catalogue, evidence: str | None, verdict: str) -> None:
    row = estimated(evidence=evidence, note="Read in a newspaper.")
    out = checked(small, LEVEL, {"estimate": SIDE}, row)
    assert out["verdict"] == verdict
    if evidence == "unverified":
        assert "is itself unverified: Read in a newspaper." in out["evidence"]
        assert "No sentence can be offered" in out["sentence"]


def test_a_claim_said_to_be_beyond_checking_gives_the_reason(small: catalogue.Catalogue) -> None:
    out = checked(small, HALF, {"cannot_be_checked": "The source was not found."})
    assert (out["verdict"], out["evidence"]) == ("cannot be checked", "The source was not found.")
    assert "No sentence can be offered" in out["sentence"]


def test_synthetic_evidence_is_marked(small: catalogue.Catalogue) -> None:
    out = checked(small, LEVEL, {"estimate": SIDE}, estimated(is_synthetic=True))
    assert out["sentence"].startswith("SYNTHETIC: ")
    assert bool(out["is_synthetic"])
    # The newest wave alone is synthetic: what is said of it rests on invented respondents.
    older = {"estimate": {**SIDE, "wave": "poll_2019"}}
    later = checked(small, LEVEL, older, estimated(wave="poll_2019"), estimated(is_synthetic=True))
    assert bool(later["is_synthetic"])


# --- the document's own numbers


@pytest.mark.parametrize(
    ("words", "quantity", "unit", "left", "right", "expected"),
    [
        ("about half", "ratio", "share", 0.08, 0.16, "right"),
        ("about half", "ratio", "share", 0.08, 0.20, "wrong"),
        ("fell by a sixth", "relative_change", "share", 0.50, 0.61, "right"),
        # Right over left, or points, would make this right and the line above wrong.
        ("fell by a sixth", "relative_change", "share", 0.61, 0.50, "wrong"),
        ("increased tenfold", "ratio", "number", 346, 34, "right"),
        ("increased tenfold", "ratio", "number", 306, 34, "right"),
        ("increased tenfold", "ratio", "number", 34, 346, "wrong"),
        ("fell by 11 points", "difference", "share", 0.50, 0.61, "right"),
        ("lower", "relative_change", "pounds", 827, 843, "right"),
        ("lower", "relative_change", "pounds", 843, 827, "wrong"),
        ("lower", "relative_change", "pounds", 843, 0, "nothing to check"),
    ],
)
def test_the_words_are_held_against_the_document_s_own_numbers(
    small: catalogue.Catalogue, words: str, quantity: str, unit: str, left: float, right: float, expected: str
) -> None:
    entry = {"words": words, "quantity": quantity, "unit": unit, "left": left, "right": right}
    out = checked(small, entry, {"cannot_be_checked": "x"})
    assert out["arithmetic"] == expected
    if expected != "nothing to check":
        assert stated.amount(left, unit) in out["stated"]  # type: ignore[arg-type]


# --- does it hold now


@pytest.mark.parametrize(("newest", "now"), [(0.152, "holds"), (0.25, "no longer holds")])
def test_a_level_is_looked_up_in_the_newest_wave_of_its_series(
    small: catalogue.Catalogue, newest: float, now: str
) -> None:
    by = {"estimate": {**SIDE, "wave": "poll_2019"}}
    out = checked(small, LEVEL, by, estimated(0.15, wave="poll_2019"), estimated(newest))
    assert (out["verdict"], out["holds_now"]) == ("supported", now)
    assert f"{stated.amount(newest, 'share')} (Poll 2020)" in out["explanation"].splitlines()[3]
    # A wave of another series is no newer wave of this one, and a suppressed one has nothing to say.
    other = checked(small, LEVEL, by, estimated(0.15, wave="poll_2019"), estimated(0.4, wave="report_2019"))
    hidden = checked(small, LEVEL, by, estimated(0.15, wave="poll_2019"), estimated(math.nan, is_suppressed=True))
    assert other["holds_now"] == hidden["holds_now"] == "newest is used"


def test_a_break_since_then_is_said(small: catalogue.Catalogue) -> None:
    c, _, earlier = one_axis(small, "series_break")
    rows = estimated(0.15, wave="poll_2019"), estimated(0.15)
    out = checked(c, LEVEL, {"estimate": {**SIDE, "wave": earlier.wave}}, *rows)
    assert out["holds_now"] == "holds"
    assert "also differ in how the series was made" in out["explanation"].splitlines()[3]


def test_a_comparison_is_made_afresh_with_the_newest_wave_of_each_side(small: catalogue.Catalogue) -> None:
    pair = m.PairComparison(
        kind="pair", label="Pair", family="pair", left=LEFT, right=RIGHT.model_copy(update={"wave": "report_2018"})
    )
    c = replace(small, comparisons={"pair": pair})
    old = estimated(0.16, 0.01), estimated(0.32, 0.01, "report_2018")
    # Two years lie between the sides, one with the newest: the fresh comparison is graded by itself.
    out = checked(c, HALF, PAIR, *old)
    assert (out["holds_now"], out["like_for_like"]) == ("newest is used", "indicative")
    fresh = checked(c, HALF, PAIR, *old, estimated(0.20, 0.01, "report_2019"))
    assert (fresh["verdict"], fresh["holds_now"]) == ("supported", "no longer holds")
    line = fresh["explanation"].splitlines()[3]
    assert "16 per cent (Poll 2020) against 20 per cent (Report 2019), that is 0.80 times" in line
    same = checked(c, HALF, PAIR, *old, estimated(0.33, 0.01, "report_2019"))
    assert same["holds_now"] == "holds"
    other = vary(c, "report_2019", mode="telephone", sampling="quota",
                 population=m.Population(phrase="x", geography="Otherland"))  # fmt: skip
    refused = checked(other, HALF, PAIR, *old, estimated(0.33, 0.01, "report_2019"))
    assert (refused["like_for_like"], refused["holds_now"]) == ("indicative", "cannot be checked")
    assert refused["explanation"].endswith("the two are not comparable.")


def test_of_a_change_only_the_later_side_moves_on(small: catalogue.Catalogue) -> None:
    report = [RIGHT.model_copy(update={"wave": w}) for w in ("report_2018", "report_2019")]
    waves = {**small.waves, "report_2020": small.waves["report_2019"].model_copy(
        update={"label": "Report 2020", "fieldwork": m.Fieldwork(label="2020", year=2020)})}  # fmt: skip
    pair = m.PairComparison(kind="pair", label="P", family="p", left=report[1], right=report[0], about=["fieldwork"])
    c = replace(small, waves=waves, comparisons={"pair": pair})
    rows = [estimated(x, 0.005, f"report_{y}") for x, y in ((0.40, 2018), (0.32, 2019), (0.39, 2020))]
    fell = {"words": "fell by a fifth", "quantity": "relative_change"}
    out = checked(c, fell, PAIR, *rows)
    assert (out["verdict"], out["holds_now"]) == ("supported", "no longer holds")
    assert "39 per cent (Report 2020) against 40 per cent (Report 2018)" in out["explanation"]


def test_two_sides_of_one_wave_stay_in_one_wave(small: catalogue.Catalogue) -> None:
    men, women = (m.Side(wave="poll_2019", indicator="joined_12m", domain="sex", level=x) for x in ("Male", "Female"))
    pair = m.PairComparison(kind="pair", label="P", family="p", left=men, right=women, about=["population_geography"])
    c = replace(small, comparisons={"pair": pair})
    rows = [estimated(x, 0.01, w, domain="sex", level=level) for w, level, x in (
        ("poll_2019", "Male", 0.16), ("poll_2019", "Female", 0.32), ("poll_2020", "Male", 0.30),
    )]  # fmt: skip
    together = pd.DataFrame([{
        "wave": w, **{f"{s}_{k}": v for s, x in (("left", men), ("right", women))
                      for k, v in zip(("indicator", "domain", "level"), x.key[1:], strict=True)}, "covariance": 0.0,
    } for w in ("poll_2019", "poll_2020")])  # fmt: skip
    # Women were not asked again, so no newer wave has both.
    assert checked(c, HALF, PAIR, *rows, covariances=together)["holds_now"] == "newest is used"
    rows.append(estimated(0.33, 0.01, domain="sex", level="Female"))
    assert checked(c, HALF, PAIR, *rows, covariances=together)["holds_now"] == "no longer holds"
    # How two parts of one sample vary together must be known; taking them as independent would be a guess.
    out = checked(c, HALF, PAIR, *rows, covariances=together[together["wave"] == "poll_2019"])
    assert (out["verdict"], out["holds_now"]) == ("supported", "cannot be checked")
    assert "vary together was not estimated" in out["explanation"]


# --- the packaged register


@pytest.fixture(scope="module")
def published(packaged: catalogue.Catalogue) -> pd.DataFrame:
    return claims_page.of_published(packaged).set_index("claim")


def test_every_claim_of_the_seed_briefing_has_its_answers(published: pd.DataFrame) -> None:
    assert len(published) == 35
    assert published.index.is_monotonic_increasing
    assert set(published["arithmetic"]) == {"right", "nothing to check"}
    right = set(published.index[published["arithmetic"] == "right"])
    assert right == {"lbn_group_membership", "lbn_volunteering", "group_membership_since_1993", "community_shops",
                     "council_spending_per_head"}  # fmt: skip
    refused = set(published.index[published["verdict"] == "not comparable"])
    assert refused == {"lbn_group_membership", "lbn_volunteering"}
    assert set(published.index[published["verdict"] == "supported"]) == {
        "england_formal_volunteering_36", "lbn_number", "lbn_residents",
    }  # fmt: skip
    volunteering = published.loc["england_formal_volunteering_36"]
    assert (volunteering["support"], volunteering["holds_now"]) == ("consistent", "no longer holds")
    assert "28 per cent (Community Life Survey 2023-24" in volunteering["explanation"]
    assert "10.18 times" in published.loc["community_shops", "stated"]
    assert "1.9 per cent lower" in published.loc["council_spending_per_head", "stated"]
    assert "garbled" in published.loc["lung_cancer", "caveats"]
    administrative = published[published["evidence_kind"] == "administrative"]
    assert len(administrative) == 21
    assert administrative["caveats"].str.startswith(claim.ADMINISTRATIVE).all()
    assert "unverified" in published.loc["england_social_action_15", "evidence"]


def test_the_page_is_up_to_date(packaged: catalogue.Catalogue) -> None:
    page = Path(__file__).parents[1] / "docs" / "seed_claims.md"
    assert page.read_text(encoding="utf-8") == claims_page.markdown(packaged), "run `make claims-page`"


def test_no_claims_give_no_rows(small: catalogue.Catalogue) -> None:
    table = pd.DataFrame(columns=list(estimated()))
    out = claim.check(small, table, pd.DataFrame(columns=["comparison"]), NONE, NONE)
    assert (len(out), list(out.columns)) == (0, claim.COLUMNS)


# --- the matrix of pairs that may not be compared, each refused for its own reason

GRAVE = {"concept": "what is measured", "recall": "the time asked about", "series": "the series they belong to"}
MILD = {
    "mode": "how the interviews were held", "sampling": "how respondents were chosen",
    "population_age": "the ages covered", "population_geography": "the places covered",
    "series_break": "how the series was made", "wording": "the wording of the question",
    "prompting": "how answers were prompted", "fieldwork": "when the interviews were held",
}  # fmt: skip


def _on(c: catalogue.Catalogue, left: m.Side, right: m.Side) -> pd.Series:
    pair = m.PairComparison(kind="pair", label="Pair", family="pair", left=left, right=right)
    rows = [estimated(0.16, 0.01, left.wave, indicator=left.indicator),
            estimated(0.32, 0.01, right.wave, indicator=right.indicator)]  # fmt: skip
    return checked(replace(c, comparisons={"pair": pair}), HALF, PAIR, *rows)


@pytest.mark.parametrize("axis", GRAVE)
def test_one_grave_difference_is_refused_for_its_reason(small: catalogue.Catalogue, axis: str) -> None:
    out = _on(*one_axis(small, axis))
    assert (out["verdict"], out["like_for_like"]) == ("not comparable", "not comparable")
    assert out["explanation"].splitlines()[2].endswith(f"in {GRAVE[axis]}.")
    assert not DIRECTION.search(out["sentence"])


@pytest.mark.parametrize("axis", MILD)
def test_one_mild_difference_is_told(small: catalogue.Catalogue, axis: str) -> None:
    out = _on(*one_axis(small, axis))
    assert (out["verdict"], out["like_for_like"]) == ("supported", "indicative")
    assert out["explanation"].splitlines()[2].endswith(f"in {MILD[axis]}.")


def test_four_mild_differences_are_refused_for_all_of_them(small: catalogue.Catalogue) -> None:
    people = m.Population(phrase="people", geography="Otherland", age_from=18)
    out = _on(vary(small, "report_2019", mode="telephone", sampling="quota", population=people), LEFT, RIGHT)
    assert (out["verdict"], out["support"]) == ("not comparable", None)
    for axis in ("mode", "sampling", "population_age", "population_geography"):
        assert MILD[axis] in out["explanation"].splitlines()[2]
    assert not DIRECTION.search(out["sentence"])


def test_an_override_lets_a_pair_through_with_its_reason_printed(small: catalogue.Catalogue) -> None:
    c, left, right = one_axis(small, "recall")
    override = m.Override(grade="indicative", reason="Both are asked of a year in effect.")
    pair = m.PairComparison(kind="pair", label="Pair", family="pair", left=left, right=right, override=override)
    rows = [estimated(0.16, 0.01), estimated(0.32, 0.01, right.wave, indicator=right.indicator)]
    out = checked(replace(c, comparisons={"pair": pair}), HALF, PAIR, *rows)
    assert (out["verdict"], out["like_for_like"]) == ("supported", "indicative")
    assert "Both are asked of a year in effect." in out["caveats"]


# --- never higher or lower of what is not comparable, anywhere in a release

DIRECTION = re.compile(
    r"\b(higher than|lower than|more than|less than|fewer than|above|below|rose|fell|up from|down from|double|half|"
    r"twice|increase|decrease|rise|fall)\b"
)


def test_no_release_of_published_figures_sets_what_is_not_comparable_above_or_below(
    packaged: catalogue.Catalogue, published: pd.DataFrame
) -> None:
    refused = published[published["like_for_like"] == "not comparable"]
    assert len(refused) == 2
    assert set(refused["verdict"]) == {"not comparable"}
    assert refused["support"].isna().all()
    assert not [s for s in refused["sentence"] if DIRECTION.search(s)]


def test_no_words_of_direction_are_missed() -> None:
    for text in ("14 per cent, lower than 36", "a rise of 7 points", "just over half of"):
        assert DIRECTION.search(text)
