"""Sentences say what their verdict allows and no more, with numbers that agree with each other."""

import math
import re
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from engagement_stats import catalogue, phrase
from engagement_stats.catalogue import model as m
from engagement_stats.catalogue.style import People, Phrases, Style, Wording
from engagement_stats.rounding import rounded

LEFT = {"wave": "poll_2020", "indicator": "joined_12m", "domain": "all", "level": "all"}
EARLIER = {**LEFT, "wave": "poll_2019"}
RIGHT = {**LEFT, "wave": "report_2019"}
MEN = {**LEFT, "domain": "sex", "level": "Male"}


def row(key: dict[str, str], estimate: float = 0.4, **more: Any) -> SimpleNamespace:
    base = {
        "estimate": estimate, "ci_lower": max(estimate - 0.02, 0.0), "ci_upper": estimate + 0.02, "confidence": 0.95,
        "unit": "proportion", "variance_basis": "weights_only", "is_synthetic": False, "is_suppressed": False,
        "rounding": 0.0, "base_is": None, "symbol": None,
    }  # fmt: skip
    return SimpleNamespace(**{**base, **key, **more})


def verdict(word: str | None, **more: Any) -> SimpleNamespace:
    base = {
        "verdict": word, "kind": "pair", "grade": "not_comparable" if word == "not comparable" else "comparable",
        "differs_on": "", "family_size": 1, "difference": 0.1, "ci_lower": 0.05, "ci_upper": 0.15, "ratio": 4 / 3,
        "ratio_ci_lower": 1.15, "ratio_ci_upper": 1.55, "p_value": 0.2, "is_suppressed": False, "is_synthetic": False,
    }  # fmt: skip
    return SimpleNamespace(**{**base, **more})


UNCLEAR = {"difference": 0.01, "ci_lower": -0.02, "ci_upper": 0.04}
FALL = {"difference": -0.1, "ci_lower": -0.15, "ci_upper": -0.05}


@pytest.fixture
def divided(small: catalogue.Catalogue) -> catalogue.Catalogue:
    """Return the small catalogue with a population in parts and phrases for its levels."""
    population = m.Population(
        phrase="adults in Testland", parts=People(people="adults", place="Testland"), geography="Testland", age_from=16
    )
    surveys = {k: v.model_copy(update={"population": population}) for k, v in small.surveys.items()}
    sex = small.domains["sex"].model_copy(
        update={"phrases": Phrases(levels={"Male": Wording(people="men"), "Female": Wording(people="women")})}
    )
    return replace(small, surveys=surveys, domains={**small.domains, "sex": sex})


# --- one estimate


@pytest.mark.parametrize(
    ("key", "more", "expected"),
    [
        (LEFT, {},
         "In spring 2020, 40 per cent (95% interval 38 to 42) of adults in Testland had joined (Poll 2020)"),
        (MEN, {}, "In spring 2020, 40 per cent (95% interval 38 to 42) of men in Testland had joined (Poll 2020)"),
        (RIGHT, {"variance_basis": "assumed"},
         "In spring 2019, 40 per cent (95% interval 38 to 42, assuming a design effect) of adults in Testland "
         "had joined (Report 2019)"),
        (RIGHT, {"ci_lower": math.nan, "ci_upper": math.nan, "confidence": math.nan, "base_is": "exact"},
         "In spring 2019, 40 per cent (no interval can be given) of adults in Testland had joined (Report 2019)"),
        (RIGHT, {"ci_lower": None, "ci_upper": None, "confidence": None, "base_is": "unknown"},
         "In spring 2019, 40 per cent (no interval can be given, as the number of respondents is not known) of "
         "adults in Testland had joined (Report 2019)"),
        # Nobody and everybody; a published figure rounded to 0 is not nobody.
        (MEN, {"estimate": 0.0, "ci_lower": 0.0, "ci_upper": 0.031},
         "In spring 2020, none of the men in Testland who answered had joined (95% interval 0 to 3 per cent) "
         "(Poll 2020)"),
        (MEN, {"estimate": 1.0, "ci_lower": 0.96, "ci_upper": 1.0},
         "In spring 2020, all of the men in Testland who answered had joined (95% interval 96 to 100 per cent) "
         "(Poll 2020)"),
        (RIGHT, {"estimate": 0.0, "ci_lower": 0.0, "ci_upper": 0.004, "rounding": 0.005},
         "In spring 2019, 0 per cent (95% interval 0 to 0) of adults in Testland had joined (Report 2019)"),
        # A share that whole per cents would show as nothing, or as everything.
        (LEFT, {"estimate": 0.0032, "ci_lower": 0.001, "ci_upper": 0.0075},
         "In spring 2020, 0.3 per cent (95% interval 0.1 to 0.8) of adults in Testland had joined (Poll 2020)"),
        (LEFT, {"estimate": 0.9968, "ci_lower": 0.991, "ci_upper": 0.999},
         "In spring 2020, 99.7 per cent (95% interval 99.1 to 99.9) of adults in Testland had joined (Poll 2020)"),
        ({**LEFT, "indicator": "hours_given"}, {"estimate": 3.456, "ci_lower": 3.1, "ci_upper": 3.8, "unit": "mean"},
         "In spring 2020, the average of hours given among adults in Testland was 3.46 (95% interval 3.10 to "
         "3.80) (Poll 2020)"),
        (MEN, {"is_suppressed": True, "estimate": math.nan},
         "In spring 2020, too few men in Testland answered to publish this figure (Poll 2020)"),
    ],
)  # fmt: skip
def test_an_estimate_is_said(
    divided: catalogue.Catalogue, key: dict[str, str], more: dict[str, Any], expected: str
) -> None:
    assert phrase.estimate(divided, row(key, **more)) == expected


def test_decimals_asked_for_are_given_but_none_that_were_not_published(small: catalogue.Catalogue) -> None:
    assert "40.0 per cent (95% interval 38.0 to 42.0)" in phrase.estimate(small, row(LEFT), 1)
    assert "40 per cent (95% interval 38 to 42)" in phrase.estimate(small, row(LEFT, rounding=0.005), 1)


def test_a_time_that_is_not_known_is_said_to_be_so(small: catalogue.Catalogue) -> None:
    wave = small.waves["report_2019"]
    unknown = wave.model_copy(update={"fieldwork": wave.fieldwork.model_copy(update={"when": "unknown"})})
    said = phrase.estimate(replace(small, waves={**small.waves, "report_2019": unknown}), row(RIGHT))
    assert said.startswith("40 per cent (")
    assert said.endswith("(Report 2019; the time of the interviews is not known)")


def test_brackets_within_brackets_are_square(small: catalogue.Catalogue) -> None:
    renamed = small.waves["poll_2020"].model_copy(update={"label": "Poll 2020 (pilot)"})
    said = phrase.estimate(replace(small, waves={**small.waves, "poll_2020": renamed}), row(LEFT))
    assert said.endswith("(Poll 2020 [pilot])")


# --- comparisons: one sentence for each kind and verdict

FIRST = "In spring 2020, 40 per cent (95% interval 38 to 42) of adults in Testland had joined"
MEN_FIRST = "In spring 2020, 40 per cent (95% interval 38 to 42) of men in Testland had joined (Poll 2020)"
ROUNDED = {"rounding": 0.005}


@pytest.mark.parametrize(
    ("kind", "word", "more", "left", "right", "expected"),
    [
        ("pair", "higher", {}, row(LEFT), row(RIGHT, 0.3),
         f"{FIRST} (Poll 2020), higher than the 30 per cent (28 to 32) in spring 2019 (Report 2019): a difference "
         "of 10 "
         "percentage points (95% interval 5 to 15)."),
        # The size of a fall is a positive number, its interval too, the near end first.
        ("pair", "lower", FALL, row(LEFT), row(RIGHT, 0.5),
         f"{FIRST} (Poll 2020), lower than the 50 per cent (48 to 52) in spring 2019 (Report 2019): a difference "
         "of 10 "
         "percentage points (95% interval 5 to 15)."),
        ("pair", "higher", {}, row(LEFT), row({**LEFT, "indicator": "helped_12m"}, 0.3),
         f"{FIRST} (Poll 2020), higher than the 30 per cent (28 to 32) who had helped: a difference of 10 "
         "percentage points "
         "(95% interval 5 to 15)."),
        ("series:previous", "higher", {}, row(LEFT), row(EARLIER, 0.3),
         f"{FIRST} (The poll), up from 30 per cent (28 to 32) in spring 2019: a rise of 10 percentage points (95% "
         "interval 5 "
         "to 15)."),
        ("series:first", "lower", FALL, row(LEFT), row(EARLIER, 0.5),
         f"{FIRST} (The poll), down from 50 per cent (48 to 52) in spring 2019: a fall of 10 percentage points "
         "(95% interval "
         "5 to 15)."),
        ("levels:total", "higher", {}, row(MEN), row(LEFT, 0.3),
         f"{MEN_FIRST}, higher than the 30 per cent (28 to 32) among all adults in Testland: a difference of 10 "
         "percentage "
         "points (95% interval 5 to 15)."),
        ("levels:rest", "lower", FALL, row(MEN), row({**MEN, "domain": "rest_of:sex"}, 0.5),
         f"{MEN_FIRST}, lower than the 50 per cent (48 to 52) among women in Testland: a difference of 10 "
         "percentage points "
         "(95% interval 5 to 15)."),
        ("levels:each_other", "higher", {}, row(MEN), row({**MEN, "level": "Female"}, 0.3),
         f"{MEN_FIRST}, higher than the 30 per cent (28 to 32) among women in Testland: a difference of 10 "
         "percentage points "
         "(95% interval 5 to 15)."),
        ("levels:sex", "higher", {}, row({**LEFT, "domain": "age", "level": "35+"}), row(MEN, 0.3),
         "In spring 2020, 40 per cent (95% interval 38 to 42) of adults in Testland (35+) had joined (Poll "
         "2020), higher than "
         "the 30 per cent (28 to 32) among men in Testland: a difference of 10 percentage points (95% interval 5 "
         "to 15)."),
        ("threshold", "higher", {"right_level": "target", "right_estimate": 0.3}, row(LEFT), None,
         f"{FIRST} (Poll 2020), above the target (30 per cent) by 10 percentage points (95% interval 5 to 15)."),
        ("threshold", "lower", {**FALL, "right_level": "the aim of half", "right_estimate": 0.5}, row(LEFT), None,
         f"{FIRST} (Poll 2020), below the aim of half (50 per cent) by 10 percentage points (95% interval 5 to 15)."),
        ("threshold", "no clear difference",
         {**UNCLEAR, "ci_upper": 0.2, "right_level": "target", "right_estimate": 0.39},
         row(LEFT), None,
         f"{FIRST} (Poll 2020), with no clear difference from the target (39 per cent) (95% interval minus 2 to "
         "20 percentage "
         "points for the difference)."),
        ("series:previous", "no clear difference", UNCLEAR, row(LEFT), row(EARLIER, 0.39),
         f"{FIRST} (The poll), similar to 39 per cent (37 to 41) in spring 2019: there is no clear difference "
         "between them "
         "(95% interval minus 2 to 4 percentage points for the change)."),
        # The same, but known too badly to be called similar.
        ("series:previous", "no clear difference", {**UNCLEAR, "ci_lower": -0.08, "ci_upper": 0.1}, row(LEFT),
         row(EARLIER, 0.39),
         f"{FIRST} (The poll), compared with 39 per cent (37 to 41) in spring 2019: there is no clear difference "
         "between them "
         "(95% interval minus 8 to 10 percentage points for the change)."),
        # Clear by itself, not among many; the near end must not be shown as none.
        ("levels:each_other", "no clear difference", {"ci_lower": 0.002, "ci_upper": 0.04, "family_size": 9}, row(MEN),
         row({**MEN, "level": "Female"}, 0.38),
         f"{MEN_FIRST}, compared with the 38 per cent (36 to 40) among women in Testland: allowing for the 9 "
         "comparisons made "
         "together, there is no clear difference between them (95% interval 0.2 to 4.0 percentage points for "
         "this one alone)."),
        ("pair", "no clear difference", {**UNCLEAR, "p_value": 1.0}, row(LEFT, **ROUNDED), row(RIGHT, 0.41, **ROUNDED),
         f"{FIRST} (Poll 2020), compared with the 41 per cent (39 to 43) in spring 2019 (Report 2019): these "
         "figures are "
         "rounded too coarsely to tell whether they differ."),
        ("pair", None, {"ci_lower": math.nan, "ci_upper": math.nan}, row(LEFT),
         row(RIGHT, 0.3, ci_lower=math.nan, ci_upper=math.nan, confidence=math.nan),
         f"{FIRST} (Poll 2020), compared with the 30 per cent (no interval can be given) in spring 2019 (Report "
         "2019): it "
         "cannot be said whether they differ, as no standard error is known."),
        ("pair", "not comparable", {"differs_on": "concept, mode"}, row(LEFT, 0.4), row(RIGHT, 0.1),
         f"{FIRST} (Poll 2020); in spring 2019, 10 per cent (95% interval 8 to 12) of adults in Testland had "
         "joined (Report "
         "2019). These two figures should not be set against each other: they differ, or are not known to agree, "
         "in what is "
         "measured and how the interviews were held."),
        ("series:previous", "higher", {"grade": "indicative", "differs_on": "mode, series_break"},
         row(LEFT), row(EARLIER, 0.3),
         f"{FIRST} (The poll), up from 30 per cent (28 to 32) in spring 2019: a rise of 10 percentage points (95% "
         "interval 5 "
         "to 15); the comparison is indicative, since there is a break in the series between them and the two "
         "differ, or are "
         "not known to agree, in how the interviews were held."),
        ("pair", "higher", {"grade": "indicative"}, row(MEN), row({**MEN, "level": "Female"}, 0.3),
         f"{MEN_FIRST}, higher than the 30 per cent (28 to 32) among women in Testland: a difference of 10 "
         "percentage points "
         "(95% interval 5 to 15); the comparison is indicative."),
    ],
)  # fmt: skip
def test_a_comparison_is_said(
    divided: catalogue.Catalogue,
    kind: str,
    word: str | None,
    more: dict[str, Any],
    left: Any,
    right: Any,
    expected: str,
) -> None:
    assert phrase.comparison(divided, verdict(word, kind=kind, **more), left, right) == expected


def test_a_ratio_is_said_where_one_is_spoken_of(divided: catalogue.Catalogue) -> None:
    sides = row(LEFT), row(EARLIER, 0.3)
    clear = phrase.comparison(divided, verdict("higher", kind="series:previous"), *sides, quantity="ratio")
    assert clear == (
        f"{FIRST} (The poll), 1.3 times the 30 per cent (28 to 32) in spring 2019 (95% interval 1.2 to 1.6 for "
        "the ratio)."
    )
    unclear = verdict("no clear difference", **{**UNCLEAR, "ci_upper": 0.2}, ratio_ci_lower=0.91, ratio_ci_upper=1.6)
    said = phrase.comparison(divided, unclear, *sides, quantity="ratio")
    assert "no clear difference between them (95% interval 0.9 to 1.6 for the ratio)" in said
    without = verdict(
        "higher", kind="series:previous", ratio=math.nan, ratio_ci_lower=math.nan, ratio_ci_upper=math.nan
    )
    assert "a rise of 10 percentage points" in phrase.comparison(divided, without, *sides, quantity="ratio")


def test_a_difference_of_means_has_no_percentage_points(small: catalogue.Catalogue) -> None:
    hours = {**LEFT, "indicator": "hours_given"}
    sides = [
        row({**hours, "wave": w}, x, unit="mean", ci_lower=x - 0.5, ci_upper=x + 0.5)
        for w, x in (("poll_2020", 4.2), ("poll_2019", 3.1))
    ]
    clear = verdict("higher", kind="series:previous", difference=1.1, ci_lower=0.4, ci_upper=1.8)
    said = phrase.comparison(small, clear, *sides)
    assert said.endswith("up from 3.10 (2.60 to 3.60) in spring 2019: a rise of 1.10 (95% interval 0.40 to 1.80).")
    assert "per cent" not in said


@pytest.mark.parametrize(
    ("left", "right", "interval", "expected"),
    [
        # 41 less 34 is 7, but the difference is 6.3.
        (0.407, 0.344, (0.046, 0.081), ("40.7", "34.4", "6.3 percentage points", "4.6 to 8.1")),
        # 29 less 27 is 2, but the difference is 1.3.
        (0.285, 0.272, (0.006, 0.02), ("28.5", "27.2", "1.3 percentage points", "0.6 to 2.0")),
        (0.274, 0.256, (0.002, 0.034), ("27.4", "25.6", "1.8 percentage points", "0.2 to 3.4")),
        # Both are 7 per cent: the difference would vanish.
        (0.071, 0.066, (0.002, 0.008), ("7.1", "6.6", "0.5 percentage points", "0.2 to 0.8")),
        # The near end of the interval would vanish; the figures need no decimals for that.
        (0.4, 0.37, (0.003, 0.057), ("40", "37", "3 percentage points", "0.3 to 5.7")),
        (0.39, 0.38, (0.006, 0.014), ("39", "38", "1 percentage point", "1 to 1")),
    ],
)  # fmt: skip
def test_numbers_of_a_sentence_agree(
    small: catalogue.Catalogue,
    left: float,
    right: float,
    interval: tuple[float, float],
    expected: tuple[str, str, str, str],
) -> None:
    sides = [row(k, x) for k, x in ((LEFT, left), (EARLIER, right))]
    clear = verdict("higher", difference=left - right, ci_lower=interval[0], ci_upper=interval[1])
    said = phrase.comparison(small, clear, *sides)
    a, b, size, ends = expected
    shown = (f"2020, {a} per cent (", f"the {b} per cent (", f"of {size} (95% interval {ends}).")
    assert all(x in said for x in shown), said
    assert "7 per cent (" in phrase.comparison(
        small, verdict("no clear difference", **UNCLEAR), row(LEFT, 0.071), row(RIGHT, 0.066)
    )


@pytest.mark.parametrize("rounding", [(0.005, 0.0), (0.0, 0.005), (0.005, 0.005)])
def test_figures_rounded_too_coarsely_are_not_called_similar(
    small: catalogue.Catalogue, rounding: tuple[float, float]
) -> None:
    sides = [row(side, x, rounding=r) for side, x, r in zip((LEFT, RIGHT), (0.62, 0.61), rounding, strict=True)]
    # Standard errors so small that 1.5 or 2 points, which rounding may hide, would be clear.
    narrow = {"difference": 0.01, "ci_lower": -0.006, "ci_upper": 0.026}
    coarse = phrase.comparison(small, verdict("no clear difference", p_value=1.0, **narrow), *sides)
    assert coarse.endswith("these figures are rounded too coarsely to tell whether they differ.")
    # Where the figures say something, or are not rounded, it is the sentence of no clear difference.
    near = phrase.comparison(small, verdict("no clear difference", p_value=0.999, **narrow), *sides)
    plain = phrase.comparison(small, verdict("no clear difference", p_value=1.0, **UNCLEAR), row(LEFT), row(RIGHT))
    assert all("no clear difference" in x and "coarsely" not in x for x in (near, plain))
    # Whatever rounding hides, it is less than could be told: that is known, and said.
    wide = {"difference": 0.01, "ci_lower": -0.03, "ci_upper": 0.05}
    known = phrase.comparison(small, verdict("no clear difference", p_value=1.0, **wide), *sides)
    assert "no clear difference" in known
    assert "coarsely" not in known


def test_an_interval_is_not_shown_without_width(small: catalogue.Catalogue) -> None:
    said = phrase.estimate(small, row(LEFT, 0.071, ci_lower=0.069, ci_upper=0.0734, rounding=0.0005))
    assert "7.1 per cent (95% interval 6.9 to 7.3)" in said
    # No more decimals than were published.
    assert "7 per cent (95% interval 7 to 7)" in phrase.estimate(
        small, row(LEFT, 0.07, ci_lower=0.069, ci_upper=0.0734, rounding=0.005)
    )


def test_a_small_share_is_not_similar_to_one_half_as_large(small: catalogue.Catalogue) -> None:
    # Within five percentage points, and yet it may be twice the other.
    unclear = verdict("no clear difference", difference=0.01, ci_lower=-0.005, ci_upper=0.025)
    said = phrase.comparison(small, unclear, row(LEFT, 0.03, ci_lower=0.02), row(RIGHT, 0.02, ci_lower=0.01))
    assert "no clear difference" in said
    assert "similar" not in said


def test_why_a_comparison_is_withheld_is_said(small: catalogue.Catalogue) -> None:
    hidden = verdict(None, is_suppressed=True)
    few = row(RIGHT, math.nan, is_suppressed=True, symbol="[c]")
    assert phrase.comparison(small, hidden, row(LEFT), few) == "Too few people answered to publish this comparison."
    low = row(RIGHT, math.nan, is_suppressed=True, symbol="[low]")
    assert phrase.comparison(small, hidden, row(LEFT), low).startswith(
        "One of these figures was not published as a number"
    )


def test_a_figure_that_was_no_number_is_not_called_small(small: catalogue.Catalogue) -> None:
    low = row(RIGHT, math.nan, is_suppressed=True, symbol="[low]")
    text = phrase.comparison(small, verdict(None, is_suppressed=True), row(LEFT, 0.4), low)
    assert text == "One of these figures was not published as a number, so there is no comparison."


@pytest.mark.parametrize("word", ["higher", "no clear difference", "not comparable", None])
def test_synthetic_numbers_are_marked_first(small: catalogue.Catalogue, word: str | None) -> None:
    assert phrase.comparison(small, verdict(word, is_synthetic=True), row(LEFT), row(RIGHT)).startswith("SYNTHETIC: In")
    assert "SYNTHETIC" not in phrase.comparison(small, verdict(word), row(LEFT), row(RIGHT))


# --- whatever the numbers

DIRECTIONS = re.compile(
    r"\b(higher|lower|above|below|more than|less than|up|down|rise|rose|fall|fell)\b"
    r"|\b(increas\w*|decreas\w*|doubl\w*|half|times|points?)\b"
)
BANNED = re.compile(
    r"\b(only|just|because|due to|caused?|led to|significant\w*|dramatic\w*|sharp\w*)\b|nan|None|[{}]|  "
)


def _numbers_of(*rows: Any, share: bool) -> set[str]:
    names = ("estimate", "ci_lower", "ci_upper", "difference", "right_estimate")
    found = [getattr(r, n) for r in rows if r is not None for n in names if hasattr(r, n)]
    scale = 100 if share else 1
    return {rounded(abs(scale * x), d) for x in found if x is not None and not math.isnan(x) for d in range(5)}


@st.composite
def comparisons(draw: st.DrawFn) -> tuple[SimpleNamespace, SimpleNamespace, SimpleNamespace | None]:
    kind = draw(
        st.sampled_from(["pair", "levels:rest", "levels:total", "series:previous", "series:first", "threshold"])
    )
    grade = draw(st.sampled_from(["comparable", "indicative"] + (["not_comparable"] if kind == "pair" else [])))
    key = {"pair": RIGHT, "levels:rest": {**MEN, "domain": "rest_of:sex"}, "levels:total": LEFT}.get(kind, EARLIER)
    widths = st.floats(0.0005, 0.3)
    sides = []
    for k in (MEN if kind.startswith("levels") else LEFT, key):
        x, w = draw(st.floats(0, 1) | st.integers(0, 100).map(lambda n: n / 100)), draw(widths)
        bare = draw(st.booleans()) and draw(st.booleans())
        ends = (math.nan, math.nan) if bare else (max(0.0, x - w), min(1.0, x + w))
        sides.append(row(k, x, ci_lower=ends[0], ci_upper=ends[1], rounding=draw(st.sampled_from([0.0, 0.0, 0.0005]))))
    left, right = sides
    difference, width = left.estimate - right.estimate, draw(widths)
    word: str | None = "higher" if difference > width else "lower" if difference < -width else "no clear difference"
    if word == "higher" and draw(st.booleans()):
        word = "no clear difference"  # one among many
    word = "not comparable" if grade == "not_comparable" else draw(st.sampled_from([word, word, word, None]))
    made = verdict(
        word, kind=kind, grade=grade, difference=difference, ci_lower=difference - width, ci_upper=difference + width,
        p_value=draw(st.sampled_from([0.001, 1.0])), family_size=7, right_level="target", right_estimate=right.estimate,
        differs_on=draw(st.sampled_from(["concept, mode", "series_break"])) if grade != "comparable" else "",
    )  # fmt: skip
    return made, left, None if kind == "threshold" else right


@settings(max_examples=400, deadline=None)
@given(case=comparisons())
def test_every_sentence_keeps_to_the_style(case: Any) -> None:
    small = _CATALOGUE[0]
    made, left, right = case
    said = phrase.comparison(small, made, left, right)
    assert said.endswith(".") and not said.endswith("..")
    assert said[0].isupper() or said[0].isdigit()
    assert not BANNED.search(said), said
    if made.verdict == "not comparable":
        assert not DIRECTIONS.search(said), said
    if made.verdict != "higher":
        assert not re.search(r"\b(higher|above|up from|rise)\b", said)
    if made.verdict != "lower":
        assert not re.search(r"\b(lower|below|down from|fall)\b", said)
    # Every number is a rounding of a number of the rows; the others are of the names.
    own = _numbers_of(made, left, right, share=True) | {"95", "7", "2019", "2020"}
    assert set(re.findall(r"\d+(?:\.\d+)?", said)) <= own, said


@settings(max_examples=300, deadline=None)
@given(case=comparisons())
def test_what_is_shown_of_both_figures_gives_the_difference_that_is_shown(case: Any) -> None:
    made, left, right = case
    if made.verdict not in ("higher", "lower") or right is None or left.estimate in (0, 1):
        return
    said = phrase.comparison(_CATALOGUE[0], made, left, right)
    shares = [float(x) for x in re.findall(r"([\d.]+) per cent", said)]
    size = re.search(r"of ([\d.]+) percentage points?", said)
    assert len(shares) == 2 and size is not None
    decimals = len(size[1].partition(".")[2])
    assert rounded(abs(shares[0] - shares[1]), decimals) == size[1], said
    assert float(size[1]) > 0


_CATALOGUE: list[catalogue.Catalogue] = []


@pytest.fixture(autouse=True)
def _shared(divided: catalogue.Catalogue) -> None:
    _CATALOGUE[:] = [divided]


# --- the house style as data


def test_a_template_may_not_use_a_word_that_judges(packaged: catalogue.Catalogue) -> None:
    style = packaged.style.model_dump()
    style["figures"]["proportion"] = "only {value} of {people} {phrase}"
    with pytest.raises(ValidationError, match="only"):
        Style.model_validate(style)
    style["figures"]["proportion"] = "{value} of {persons}"
    with pytest.raises(ValidationError, match="persons"):
        Style.model_validate(style)


def test_no_phrase_of_the_catalogue_breaks_the_style(packaged: catalogue.Catalogue) -> None:
    said = [i.phrase for i in packaged.indicators.values()] + list(packaged.style.axes.values())
    assert [x for x in said if BANNED.search(x) or x.endswith(".")] == []


# --- with caveats; Markdown


def test_caveats_follow_in_text_and_stand_in_a_footnote_in_markdown() -> None:
    assert phrase.with_caveats("A is 4.", "It is small.") == "A is 4. It is small."
    assert phrase.with_caveats("A is 4.", "") == "A is 4."
    assert phrase.with_caveats("A is 4.", "", "markdown") == "A is 4."
    assert phrase.with_caveats("A is 4.", "It *is*.", "markdown", "a") == "A is 4.[^a]\n\n[^a]: It \\*is\\*."


def test_markdown_has_no_accidental_marks() -> None:
    said = phrase.markdown("SYNTHETIC: 4 of <b>x_y</b> | [c] `z` SYNTHETIC")
    assert said == r"**SYNTHETIC**: 4 of \<b\>x\_y\</b\> \| \[c\] \`z\` SYNTHETIC"


# --- a frame of them


def test_every_comparison_gets_its_sentence(small: catalogue.Catalogue) -> None:
    estimates = pd.DataFrame([vars(row(LEFT)), vars(row(RIGHT, 0.3))])
    one = {f"left_{k}": v for k, v in LEFT.items()} | {f"right_{k}": v for k, v in RIGHT.items()}
    limit = {**one, "right_domain": "threshold", "right_level": "target", "right_estimate": 0.3}
    comparisons = pd.DataFrame(
        [{**one, **vars(verdict("higher"))}, {**vars(verdict("higher", kind="threshold")), **limit}], index=[5, 7]
    )
    out = phrase.with_sentences(comparisons, estimates, small)
    assert out.index.tolist() == [5, 7]
    assert "higher" in out.loc[5, "sentence"]
    assert "above the target (30 per cent)" in out.loc[7, "sentence"]
    assert "sentence" not in comparisons
    empty = phrase.with_sentences(comparisons.iloc[:0], estimates, small)
    assert len(empty) == 0
    assert "sentence" in empty


def test_many_comparisons_are_said_quickly(small: catalogue.Catalogue) -> None:
    """12,360 of them (309 areas by 40 indicators) take about a second; a tenth of them, far less than four."""
    n = 1236
    values = np.random.default_rng(3).uniform(0.05, 0.6, n)
    areas = pd.DataFrame([{**vars(row({**MEN, "level": f"Area {i}"}, float(x)))} for i, x in enumerate(values)])
    estimates = pd.concat([areas, pd.DataFrame([vars(row(LEFT, 0.3))])], ignore_index=True)
    made = pd.DataFrame(
        [
            {
                **{f"left_{k}": v for k, v in {**MEN, "level": f"Area {i}"}.items()},
                **{f"right_{k}": v for k, v in LEFT.items()},
                **vars(
                    verdict(
                        "no clear difference", kind="levels:total", difference=x - 0.3, ci_lower=x - 0.5, ci_upper=x
                    )
                ),
            }
            for i, x in enumerate(values)
        ]
    )
    import time

    before = time.perf_counter()
    phrase.with_sentences(made, estimates, small)
    assert time.perf_counter() - before < 4
