"""Columns of a file that no catalogue describes: what is a category, a number, or no answer."""

import math

import numpy as np
import pandas as pd
import pytest

from engagement_stats import answers, ingest
from engagement_stats.errors import EstimationError

CANARY = "CANARY7731"


def raw(
    values: list[object],
    labels: dict[object, str] | None = None,
    missing: list[tuple[object, object]] | None = None,
) -> ingest.RawFile:
    return ingest.RawFile(
        pd.DataFrame({"q": values}),
        synthetic=False,
        labels={"q": labels or {}},  # type: ignore[dict-item]
        variable_labels={},
        user_missing={"q": missing or []},  # type: ignore[dict-item]
    )


@pytest.mark.parametrize(
    ("values", "missing", "codes", "expected"),
    [
        ([1.0, math.nan, 2.0], [], [], [False, True, False]),
        (["1", "", "2"], [], [], [False, True, False]),
        ([1.0, -9.0, -8.0], [(-9.0, -9.0)], [], [False, True, False]),
        ([1.0, -9.0, -8.0, -5.0], [(-9.0, -8.0)], [], [False, True, True, False]),
        ([1.0, -9.0, -8.0], [(-9.0, -9.0)], ["-8"], [False, True, True]),
        (["Yes", "DK", "No"], [("DK", "DK")], [], [False, True, False]),
        (["Yes", "DK", "No"], [], ["DK", "No"], [False, True, True]),
        # A code is compared as the file would write it, whole numbers without a point.
        ([1.0, 2.0], [], ["2.0"], [False, False]),
        ([1.0, 2.0], [], ["2"], [False, True]),
    ],
)
def test_no_answer_is_empty_declared_or_named(
    values: list[object], missing: list[tuple[object, object]], codes: list[str], expected: list[bool]
) -> None:
    assert answers.declared_missing(raw(values, missing=missing), "q", codes).tolist() == expected


def test_numbers_are_numbers_where_there_is_an_answer() -> None:
    column = pd.Series(["1", "2.50", "x", "", "1e3"])
    missing = pd.Series([False, False, True, True, False])
    found = answers.numbers("q", column, missing, "R.")
    assert found.dtype == np.float64
    assert found.tolist()[:2] + found.tolist()[4:] == [1.0, 2.5, 1000.0]
    assert found.isna().tolist() == [False, False, True, True, False]


def test_what_is_no_number_is_counted_and_not_shown() -> None:
    column = pd.Series(["1", CANARY, "2", CANARY + "2"])
    with pytest.raises(EstimationError) as caught:
        answers.numbers("income", column, pd.Series([False] * 4), "Do something.")
    assert str(caught.value) == (
        "income: 2 respondent(s) have a value that is not a number. Expected numbers. Do something."
    )


def test_levels_are_labels_in_the_order_of_their_codes() -> None:
    file = raw([10.0, 2.0, 1.0, 2.0, -9.0, 7.0], {1: "North", 2: "South", 10: "East", 5: "Nobody"})
    missing = answers.declared_missing(file, "q", ["-9"])
    found = answers.levels(file, "q", missing)
    # As text, 10 would come before 2; a label nobody chose is no level, and a code without one is its own.
    assert found.cat.categories.tolist() == ["North", "South", "7", "East"]
    assert found.tolist()[:4] == ["East", "South", "North", "South"]
    assert found.isna().tolist() == [False] * 4 + [True, False]


def test_two_codes_of_one_label_stay_two_levels() -> None:
    file = raw([1.0, 2.0, 3.0], {1: "North", 2: "Other", 3: "Other"})
    assert answers.levels(file, "q", pd.Series([False] * 3)).tolist() == ["North", "2 Other", "3 Other"]


def test_codes_are_ordered_as_numbers_then_as_text() -> None:
    codes = ["b", "10", "-1", "a", "2", "1.5"]
    assert sorted(codes, key=answers.code_order) == ["-1", "1.5", "2", "10", "a", "b"]
