"""Number phrases: each entry is read, ranges worked by hand, and what a wrong reading would give."""

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engagement_stats import catalogue, lexicon, stated
from engagement_stats.catalogue import model as m
from engagement_stats.catalogue.words import Lexicon
from engagement_stats.errors import CatalogueError

OPEN = math.inf

# words, quantity, lower, upper, do they draw a limit
BY_HAND = [
    ("half", "ratio", 0.45, 0.55, False),
    ("just over half", "ratio", 0.50, 0.60, False),
    ("a sixth", "ratio", 0.14, 0.20, False),
    ("fell by a sixth", "relative_change", -0.20, -0.14, False),
    ("rose by a quarter", "relative_change", 0.225, 0.275, False),
    ("two thirds", "ratio", 0.6, 0.7333333, False),
    ("double", "ratio", 1.8, 2.2, False),
    ("nearly double", "ratio", 1.8, 2.0, False),
    ("more than double", "ratio", 2.0, OPEN, True),
    ("trebled", "ratio", 2.7, 3.3, False),
    ("tenfold", "ratio", 9.0, 11.0, False),
    ("10-fold", "ratio", 9.0, 11.0, False),
    ("three times", "ratio", 2.7, 3.3, False),
    ("one in three", "level", 0.3, 0.3666667, False),
    ("just under one-in-three", "level", 0.3, 0.3333333, False),
    ("3 in 10", "level", 0.27, 0.33, False),
    ("36 per cent", "level", 0.355, 0.365, False),
    ("36.5%", "level", 0.3645, 0.3655, False),
    ("50 percent", "level", 0.495, 0.505, False),
    ("about 36 per cent", "level", 0.342, 0.378, False),
    # No nearer than rounding: a twentieth of 5 would be 4.75 to 5.25.
    ("about 5 per cent", "level", 0.045, 0.055, False),
    ("over 25 per cent", "level", 0.25, OPEN, True),
    ("at least 25 per cent", "level", 0.25, OPEN, True),
    ("25 per cent or more", "level", 0.25, OPEN, True),
    ("less than half", "ratio", -OPEN, 0.5, True),
    ("up to 40 per cent", "level", -OPEN, 0.4, True),
    ("significantly less than half", "ratio", -OPEN, 0.45, True),
    ("most", "level", 0.5, OPEN, True),
    ("5 percentage points", "difference", 0.045, 0.055, False),
    ("fell by 5 points", "difference", -0.055, -0.045, False),
    ("down by more than 5 points", "difference", -OPEN, -0.05, True),
    ("more than £7,000 lower", "difference", -OPEN, -7000, True),
    ("60 per cent higher", "relative_change", 0.595, 0.605, False),
    ("lower", "difference", -OPEN, 0, True),
    ("225", "count", 224.5, 225.5, False),
    ("1,250", "count", 1245, 1255, False),
    ("2.4 million", "count", 2.35e6, 2.45e6, False),
    ("£1.6bn", "count", 1.55e9, 1.65e9, False),
    ("over 4000", "count", 4000, OPEN, True),
    ("highest", "rank", 1, 1, True),
    ("among the highest ranked", "rank", 1, 3, True),
    ("top five", "rank", 1, 5, True),
]


@pytest.mark.parametrize(("words", "quantity", "lower", "upper", "bounds"), BY_HAND, ids=[x[0] for x in BY_HAND])
def test_phrases_mean_what_was_worked_out_by_hand(
    words: str, quantity: m.Quantity, lower: float, upper: float, bounds: bool
) -> None:
    found = lexicon.read(words)
    assert (found.quantity, found.bounds) == (quantity, bounds)
    assert (found.lower, found.upper) == pytest.approx((lower, upper), rel=1e-6)  # six digits as written above
    assert lexicon.read(f"  {words.upper()}. ") == replace(found, words=f"  {words.upper()}. ")
    assert found.source


def test_every_word_of_the_lexicon_is_read(packaged: catalogue.Catalogue) -> None:
    entries = packaged.lexicon
    for number in [*entries.numbers.values(), *entries.phrases.values()]:
        for words in number.words:
            for quantity in number.quantities:
                found = lexicon.read(words, entries, quantity)
                assert found.quantity == quantity
                assert found.lower <= found.value <= found.upper or quantity == "rank"
    for modifier in entries.modifiers.values():
        for words in [*(f"{w} 36 per cent" for w in modifier.before), *(f"36 per cent {w}" for w in modifier.after)]:
            assert lexicon.read(words, entries).bounds == modifier.bounds
    for direction in entries.directions.values():
        for words in [*(f"{w} 5 points" for w in direction.before), *(f"5 points {w}" for w in direction.after)]:
            assert math.copysign(1, lexicon.read(words, entries).value) == direction.sign
    for form in entries.forms.values():
        for pattern in form.patterns:
            words = pattern.replace("{n}", "3").replace("{m}", "10")
            assert lexicon.read(words, entries).quantity in form.quantities


def test_a_limit_itself_is_in_or_out_as_the_words_say() -> None:
    for words, inside in {"over 25 per cent": False, "at least 25 per cent": True, "under 25 per cent": False,
                          "up to 25 per cent": True, "most": False}.items():  # fmt: skip
        assert lexicon.read(words).covers(0.5 if words == "most" else 0.25) is inside
    # 0.145 + 0.005 is not 0.15 to the last bit; an end is covered all the same.
    assert lexicon.read("14.5%").covers(0.145 + 0.0005)
    assert not lexicon.read("14.5%").covers(0.145 + 0.00051)


def test_significantly_less_wants_the_point_a_tenth_below_and_the_interval_below() -> None:
    half = lexicon.read("significantly less than half")
    assert half.covers(0.45)
    assert not half.covers(0.46)
    assert half.holds(0.40, 0.499)  # reaches beyond 0.45, but is surely below half
    assert not half.holds(0.40, 0.50)
    assert lexicon.read("less than half").covers(0.46)


def test_a_fall_is_mirrored_and_not_merely_signed() -> None:
    fell = lexicon.read("fell by more than a tenth")
    assert fell.covers(-0.2)
    assert not fell.covers(-0.05)
    assert not fell.covers(0.2)
    less = lexicon.read("fell by less than a tenth")
    assert less.covers(-0.05)
    assert not less.covers(0.05)  # a rise is no small fall


@pytest.mark.parametrize("words", ["half", "14 per cent"])
def test_what_the_words_speak_of_may_be_asked_for(words: str) -> None:
    for quantity in ("level", "ratio", "relative_change"):
        assert lexicon.read(words, quantity=quantity).quantity == quantity
    with pytest.raises(CatalogueError, match="not a number phrase of a count"):
        lexicon.read(words, quantity="count")


def test_words_around_a_phrase_that_alter_nothing_are_passed_over() -> None:
    assert lexicon.read("increased tenfold").value == 10
    assert lexicon.read("significantly less than half of the national average").upper == 0.45


@pytest.mark.parametrize(
    "words", ["", "many", "half a dozen", "fell", "just over", "3 in 0", "fell by double", "per cent", "about about 5%",
              "36 per cent of 40 per cent", "1,25", "nan", "in 1993"]
)  # fmt: skip
def test_what_is_no_number_phrase_is_refused(words: str) -> None:
    with pytest.raises(CatalogueError, match=r"lexicon\.yaml: .* is not a number phrase"):
        lexicon.read(words)


@given(st.integers(0, 10**6), st.integers(0, 3))
def test_digits_cover_what_rounds_to_them(number: int, decimals: int) -> None:
    value = number / 10**decimals
    found = lexicon.read(f"{value:.{decimals}f} per cent")
    assert found.value == pytest.approx(value / 100, rel=1e-12)
    assert found.upper - found.lower == pytest.approx(0.01 / 10**decimals, rel=1e-6)  # of a difference of near numbers
    assert stated.covered(found)


@given(st.text(max_size=40))
def test_no_text_breaks_the_reading(text: str) -> None:
    try:
        found = lexicon.read(text)
    except CatalogueError:
        return
    assert found.lower <= found.upper


def test_words_given_twice_are_refused(packaged: catalogue.Catalogue) -> None:
    raw = packaged.lexicon.model_dump()
    raw["numbers"]["another"] = {**raw["numbers"]["half"], "words": ["half"]}
    with pytest.raises(ValueError, match="half: given twice"):
        Lexicon.model_validate(raw)


def test_another_catalogue_may_have_other_conventions(packaged: catalogue.Catalogue) -> None:
    wide = packaged.lexicon.model_copy(update={"spread": 0.2})
    assert lexicon.read("half", wide).lower == pytest.approx(0.4, rel=1e-12)
    assert lexicon.read("half").lower == pytest.approx(0.45, rel=1e-12)
