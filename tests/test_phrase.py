"""Numbers are rounded once, one way; sentences say what their verdict allows and no more."""

import math
from decimal import ROUND_HALF_UP, Decimal
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engagement_stats import catalogue, phrase
from engagement_stats.catalogue import model as m

# --- rounding


@pytest.mark.parametrize(
    ("value", "decimals", "expected"),
    [
        # Python's round gives 28, 2.67 and -0.
        (28.5, 0, "29"), (2.675, 2, "2.68"), (-0.4, 0, "0"), (-0.5, 0, "-1"), (0.5, 0, "1"), (1.005, 2, "1.01"),
        (0.0, 2, "0.00"), (-0.001, 2, "0.00"), (99.95, 1, "100.0"), (1e6, 0, "1000000"), (0.0, 8, "0.00000000"),
        # 100 x 0.285 is 28.499999999999996 in binary.
        (100 * 0.285, 0, "29"),
    ],
)  # fmt: skip
def test_halves_go_away_from_zero(value: float, decimals: int, expected: str) -> None:
    assert phrase.rounded(value, decimals) == expected


@given(st.integers(-(10**9), 10**9), st.integers(0, 5), st.integers(0, 4))
def test_rounding_is_that_of_the_decimal_a_reader_would_write(digits: int, places: int, decimals: int) -> None:
    written = Decimal(digits).scaleb(-places)
    expected = written.quantize(Decimal(1).scaleb(-decimals), rounding=ROUND_HALF_UP)
    out = phrase.rounded(float(written), decimals)
    assert Decimal(out) == expected
    assert not (Decimal(out) == 0 and out.startswith("-"))
    assert len(out.partition(".")[2]) == decimals


@given(st.integers(0, 1000))
def test_a_percentage_of_tenths_is_rounded_as_written(tenths: int) -> None:
    expected = (Decimal(tenths) / 10).quantize(Decimal(1), rounding=ROUND_HALF_UP)
    assert phrase.percentage(tenths / 1000) == str(expected)


def test_a_difference_is_rounded_after_it_is_taken() -> None:
    # 27.4 - 25.6 is 1.8, two points; the rounded figures, 27 and 26, differ by one.
    assert phrase.percentage(0.274 - 0.256) == "2"


# --- sentences

LEFT = {"wave": "poll_2020", "indicator": "joined_12m", "domain": "all", "level": "all"}
RIGHT = {**LEFT, "wave": "report_2019"}


def row(key: dict[str, str], estimate: float = 0.4, **more: Any) -> SimpleNamespace:
    base = {
        "estimate": estimate, "ci_lower": estimate - 0.02, "ci_upper": estimate + 0.02, "confidence": 0.95,
        "unit": "proportion", "variance_basis": "weights_only", "is_synthetic": False, "is_suppressed": False,
        "rounding": 0.0, "symbol": None,
    }  # fmt: skip
    return SimpleNamespace(**{**base, **key, **more})


def verdict(word: str | None, **more: Any) -> SimpleNamespace:
    base = {
        "verdict": word,
        "difference": 0.1,
        "ci_lower": 0.05,
        "ci_upper": 0.15,
        "p_value": 0.2,
        "is_suppressed": False,
        "is_synthetic": False,
    }
    return SimpleNamespace(**{**base, **more})


def test_an_estimate_comes_with_interval_people_and_wave(small: catalogue.Catalogue) -> None:
    assert phrase.estimate(small, row(LEFT)) == (
        "40 per cent (95% interval 38 to 42) of adults in Testland had joined (Poll 2020)"
    )
    men = row({**LEFT, "domain": "sex", "level": "Male"})
    assert "of adults in Testland (Male) had joined" in phrase.estimate(small, men)


def test_an_assumption_and_a_missing_interval_are_said(small: catalogue.Catalogue) -> None:
    assert "38 to 42, assuming a design effect" in phrase.estimate(small, row(RIGHT, variance_basis="assumed"))
    bare = phrase.estimate(small, row(RIGHT, ci_lower=math.nan, ci_upper=math.nan, confidence=math.nan))
    assert "40 per cent (no interval can be given) of" in bare


def test_a_mean_is_no_percentage(small: catalogue.Catalogue) -> None:
    mean = row({**LEFT, "indicator": "hours_given"}, 3.456, unit="mean")
    assert phrase.estimate(small, mean).startswith("3.46 (95% interval 3.44 to 3.48) of")


def said(c: catalogue.Catalogue, word: str | None, left: float = 0.4, right: float = 0.3, **more: Any) -> str:
    return phrase.comparison(c, verdict(word, **more), row(LEFT, left), row(RIGHT, right))


CLAIMS = ("higher", "lower")


def test_higher_and_lower_are_said_with_the_size(small: catalogue.Catalogue) -> None:
    higher = said(small, "higher")
    assert "40 per cent" in higher and "30 per cent" in higher
    assert "higher" in higher and "lower" not in higher
    assert "10.0 percentage points" in higher and "5.0 to 15.0" in higher
    lower = said(small, "lower", 0.3, 0.4, difference=-0.1, ci_lower=-0.15, ci_upper=-0.05)
    assert "lower" in lower and "higher" not in lower
    # The size of a fall is a positive number, its interval too, the near end first.
    assert "10.0 percentage points" in lower and "5.0 to 15.0" in lower
    assert "-" not in lower.replace("Poll", "")


def test_a_difference_does_not_vanish_in_whole_per_cents(small: catalogue.Catalogue) -> None:
    text = said(small, "lower", left=0.066, right=0.071)
    assert "6.6 per cent" in text
    assert "7.1 per cent" in text
    assert "7 per cent (" in said(small, "no clear difference", left=0.066, right=0.071)


def test_no_clear_difference_is_not_called_equal_or_higher(small: catalogue.Catalogue) -> None:
    text = said(small, "no clear difference", 0.31, 0.30)
    assert "no clear difference" in text
    assert not any(w in text for w in CLAIMS)


@pytest.mark.parametrize("rounding", [(0.005, 0.0), (0.0, 0.005), (0.005, 0.005)])
def test_figures_rounded_too_coarsely_are_not_called_similar(
    small: catalogue.Catalogue, rounding: tuple[float, float]
) -> None:
    sides = [row(side, x, rounding=r) for side, x, r in zip((LEFT, RIGHT), (0.62, 0.61), rounding, strict=True)]
    text = phrase.comparison(small, verdict("no clear difference", p_value=1.0), *sides)
    assert text.endswith("These figures are rounded too coarsely to tell whether they differ.")
    assert "62 per cent" in text and "61 per cent" in text
    assert not any(w in text for w in (*CLAIMS, "similar", "no clear difference"))
    # Where the figures say something, or are not rounded, it is the sentence of no clear difference.
    near = phrase.comparison(small, verdict("no clear difference", p_value=0.999), *sides)
    plain = said(small, "no clear difference", 0.31, 0.31, p_value=1.0)
    for other in (near, plain):
        assert "no clear difference" in other
        assert "coarsely" not in other


def test_not_comparable_figures_are_never_set_against_each_other(small: catalogue.Catalogue) -> None:
    text = said(small, "not comparable", 0.9, 0.1)
    assert "do not measure the same thing" in text
    assert "neither should be given as higher, lower or a share of the other" in text
    assert "percentage points" not in text


@pytest.mark.parametrize("nothing", [None, math.nan])
def test_without_a_standard_error_nothing_is_decided(small: catalogue.Catalogue, nothing: Any) -> None:
    text = said(small, nothing)
    assert "cannot be said whether they differ" in text
    assert not any(w in text for w in CLAIMS)


def test_a_suppressed_comparison_shows_no_number(small: catalogue.Catalogue) -> None:
    text = phrase.comparison(
        small, verdict(None, is_suppressed=True), row(LEFT, 0.4), row(RIGHT, math.nan, is_suppressed=True)
    )
    assert text == "Too few people answered to publish this comparison."


def test_a_figure_that_was_no_number_is_not_called_small(small: catalogue.Catalogue) -> None:
    low = row(RIGHT, math.nan, is_suppressed=True, symbol="[low]")
    text = phrase.comparison(small, verdict(None, is_suppressed=True), row(LEFT, 0.4), low)
    assert text == "One of these figures was not published as a number, so there is no comparison."


@pytest.mark.parametrize("word", ["higher", "no clear difference", "not comparable", None])
def test_synthetic_numbers_are_marked_first(small: catalogue.Catalogue, word: str | None) -> None:
    assert said(small, word, is_synthetic=True).startswith("SYNTHETIC: ")
    assert "SYNTHETIC" not in said(small, word)


def test_every_comparison_gets_its_sentence(small: catalogue.Catalogue) -> None:
    estimates = pd.DataFrame([vars(row(LEFT)), vars(row(RIGHT, 0.3))])
    one = {f"left_{k}": v for k, v in LEFT.items()} | {f"right_{k}": v for k, v in RIGHT.items()}
    comparisons = pd.DataFrame([{**one, **vars(verdict("higher"))}], index=[5])
    out = phrase.with_sentences(comparisons, estimates, small)
    assert out.index.tolist() == [5]
    assert "higher" in out.loc[5, "sentence"]
    assert "sentence" not in comparisons
    empty = phrase.with_sentences(comparisons.iloc[:0], estimates, small)
    assert len(empty) == 0
    assert "sentence" in empty


def test_a_group_is_named_by_its_level(small: catalogue.Catalogue) -> None:
    assert phrase.group(small, m.Side(**LEFT)) == "adults in Testland"
