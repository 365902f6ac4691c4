"""A file that is another one than its entry describes stops the wave, with counts and without values."""

from dataclasses import replace
from datetime import date, datetime

import pandas as pd
import pytest

from engagement_stats import catalogue, clean, expectations
from engagement_stats.catalogue import expected
from engagement_stats.catalogue import model as m
from engagement_stats.errors import CleaningError

WAVE = "poll_2020"


def deposited(rows: int = 20, **columns: list[object]) -> pd.DataFrame:
    base: dict[str, list[object]] = {
        "id": [str(i) for i in range(rows)], "q1": ["1", "2"] * (rows // 2), "q2": ["1", "-9"] * (rows // 2),
        "hrs": ["2"] * rows, "sex": ["1"] * rows, "age": ["16", "80"] * (rows // 2), "wt": ["0.5", "1.5"] * (rows // 2),
        "seen": ["2020-03-01", "2020-05-31"] * (rows // 2),
    }  # fmt: skip
    return pd.DataFrame({**base, **columns})


def expecting(small: catalogue.Catalogue, **expects: object) -> catalogue.Catalogue:
    fieldwork = m.Fieldwork(label="spring 2020", year=2020, start=date(2020, 3, 1), end=date(2020, 5, 31))
    changes = {"expects": expected.Expectations.model_validate(expects), "fieldwork": fieldwork}
    wave = small.microdata_waves[WAVE].model_copy(update=changes)
    return replace(small, waves={**small.waves, WAVE: wave})


def check(small: catalogue.Catalogue, raw: pd.DataFrame, **expects: object) -> None:
    book = expecting(small, **expects)
    expectations.check(raw, clean.harmonise(raw, WAVE, book), WAVE, book)


def refused(small: catalogue.Catalogue, raw: pd.DataFrame, **expects: object) -> str:
    with pytest.raises(CleaningError) as caught:
        check(small, raw, **expects)
    return str(caught.value)


SEEN = {"columns": ["seen"], "written_as": "%Y-%m-%d"}


def test_a_file_as_expected_passes(small: catalogue.Catalogue) -> None:
    check(small, deposited())
    check(
        small,
        deposited(),
        interviewed=SEEN,
        numbers={"age": {"lowest": [16, 17], "highest": [75, 110]}},
        answered={"joined": 0.9, "helped": 0.5},
    )


def test_interviews_outside_fieldwork_are_counted(small: catalogue.Catalogue) -> None:
    seen: list[object] = ["2020-02-29", "2020-06-01", "2031-01-01", "2020-04-01"] * 5
    message = refused(small, deposited(seen=seen), interviewed=SEEN)
    assert message.startswith(
        "poll_2020 seen (expects.interviewed): 5 interview(s) before fieldwork and 10 after it. Expected 2020-03-01 to "
        "2020-05-31, 0 day(s) either side."
    )
    assert "2031" not in message
    # A day of grace on both sides leaves the five of 2031.
    assert "0 interview(s) before fieldwork and 5 after" in refused(
        small, deposited(seen=seen), interviewed={**SEEN, "within_days": 1}
    )


def days_since(start: date) -> float:
    return float((date(2020, 4, 1) - start).days)


@pytest.mark.parametrize(
    ("written_as", "value"),
    [
        ("spss", (datetime(2020, 4, 1, 13) - datetime(1582, 10, 14)).total_seconds()),
        ("stata", days_since(date(1960, 1, 1))),
        ("sas", days_since(date(1960, 1, 1))),
        ("excel", days_since(date(1899, 12, 30))),
        ("%d/%m/%Y", "01/04/2020"),
    ],
)
def test_every_way_of_writing_a_date_is_understood(small: catalogue.Catalogue, written_as: str, value: object) -> None:
    form = {"columns": ["seen"], "written_as": written_as}
    check(small, deposited(seen=[value] * 20), interviewed=form)
    # The same column is of no help when it is a year late, so it was not passed for being unreadable.
    late = "01/04/2021" if isinstance(value, str) else value + 365 * (86400 if written_as == "spss" else 1)  # type: ignore[operator]
    assert "20 after it" in refused(small, deposited(seen=[late] * 20), interviewed=form)


def test_a_date_may_take_several_columns_and_be_unknown(small: catalogue.Catalogue) -> None:
    raw = deposited(y=[2020.0] * 20, mo=[4.0] * 10 + [99.0] * 5 + [float("nan")] * 5, d=[1.0] * 20)
    form = {"columns": ["y", "mo", "d"], "written_as": "%Y-%m-%d", "missing": ["99"]}
    check(small, raw, interviewed=form)
    assert "5 respondent(s) have no date" in refused(small, raw, interviewed={**form, "missing": []})


@pytest.mark.parametrize("bad", ["yesterday", "inf", "1e300", "2020-13-01"])
def test_what_is_no_date_is_counted_and_not_shown(small: catalogue.Catalogue, bad: str) -> None:
    for written_as in ("spss", "%Y-%m-%d"):
        form = {"columns": ["seen"], "written_as": written_as}
        message = refused(small, deposited(seen=[bad] * 20), interviewed=form)
        assert "20 respondent(s) have no date as" in message
        assert bad not in message


def test_a_file_of_adults_of_18_and_over_is_found_where_16_was_meant(small: catalogue.Catalogue) -> None:
    ends = {"age": {"lowest": [16, 17]}}
    message = refused(small, deposited(age=["18", "80"] * 10), numbers=ends)
    assert message.startswith(
        "poll_2020 age (expects.numbers.age): the lowest age is to lie in 16 to 17. Got nobody in it."
    )
    assert "18" not in message


def test_respondents_beyond_an_end_are_counted(small: catalogue.Catalogue) -> None:
    ends = {"hours": {"highest": [0, 1]}, "age": {"lowest": [30, 40]}}
    lines = refused(small, deposited(), numbers=ends).split("\n")
    assert "the highest hours is to lie in 0 to 1. Got 20 respondent(s) beyond it" in lines[0]
    assert "the lowest age is to lie in 30 to 40. Got 10 respondent(s) beyond it" in lines[1]


def test_missing_codes_are_not_the_lowest_number(small: catalogue.Catalogue) -> None:
    check(small, deposited(age=["-9", "16"] * 10), numbers={"age": {"lowest": [16, 17]}})


def test_too_few_answers_stop_the_wave(small: catalogue.Catalogue) -> None:
    message = refused(small, deposited(), answered={"helped": 0.6})
    assert "poll_2020 q2 (expects.answered.helped)" in message
    assert "Got a share of 0.500; expected 0.6 or more" in message


def test_a_variable_of_an_indicator_that_nobody_answered_stops_the_wave_undeclared(small: catalogue.Catalogue) -> None:
    message = refused(small, deposited(q1=["-8"] * 20))
    assert message.startswith("poll_2020 q1 (variable joined): nobody has an answer.")


def test_every_problem_is_told_at_once(small: catalogue.Catalogue) -> None:
    raw = deposited(seen=["2031-01-01"] * 20, age=["18"] * 20, q1=["-8"] * 20)
    message = refused(small, raw, interviewed=SEEN, numbers={"age": {"lowest": [16, 17]}})
    assert [line.split(" ")[1] for line in message.split("\n")] == ["seen", "age", "q1"]


@pytest.mark.parametrize(
    ("expects", "wrong"),
    [
        ({"interviewed": {"columns": ["d"], "written_as": "european"}}, "pattern such as %Y-%m-%d"),
        ({"interviewed": {"columns": ["y", "m"], "written_as": "spss"}}, "several columns need a pattern"),
        ({"numbers": {"age": {}}}, "lowest, highest or both"),
        ({"numbers": {"age": {"lowest": [17, 16]}}}, "lowest, highest or both"),
        ({"answered": {"joined": 1.5}}, "less than or equal to 1"),
        ({"agees": {}}, "agees"),
    ],
)
def test_an_expectation_that_says_nothing_clear_is_refused(expects: dict[str, object], wrong: str) -> None:
    with pytest.raises(ValueError, match=wrong):
        expected.Expectations.model_validate(expects)
