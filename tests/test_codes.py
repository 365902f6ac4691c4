"""Codes have one text form, whatever the file's format made of them."""

import math

import numpy as np
import pandas as pd
import pytest

from engagement_stats.codes import as_codes


def test_the_same_code_from_text_whole_numbers_and_decimals_is_one_code() -> None:
    forms = [pd.Series(["1", "-9"]), pd.Series([1, -9]), pd.Series([1.0, -9.0]), pd.Series([1, -9], dtype="Int64")]
    assert {tuple(as_codes(form)) for form in forms} == {("1", "-9")}


def test_a_leading_zero_in_text_is_kept() -> None:
    # Read as a number, "01" and "1" would be one code.
    assert as_codes(pd.Series(["01", "1"])).tolist() == ["01", "1"]


@pytest.mark.parametrize(
    "column",
    [
        pd.Series([1.0, math.nan]),
        pd.Series(["1", None], dtype="str"),
        pd.Series([1, None], dtype="Int64"),
        pd.Series(["1", None], dtype="object"),
        pd.Series(["1", ""]),
    ],
    ids=["float", "str", "nullable", "object", "empty text"],
)
def test_every_kind_of_missing_is_the_empty_code(column: pd.Series) -> None:
    assert as_codes(column).tolist() == ["1", ""]


def test_text_that_reads_none_or_nan_is_a_code_and_not_missing() -> None:
    assert as_codes(pd.Series(["NA", "None", "nan"])).tolist() == ["NA", "None", "nan"]


def test_large_identifiers_stay_apart() -> None:
    # As doubles both are 9007199254740992.
    ids = [9007199254740993, 9007199254740992]
    assert as_codes(pd.Series(ids)).tolist() == [str(i) for i in ids]


def test_an_infinite_value_has_a_code_too() -> None:
    assert as_codes(pd.Series([np.inf, -np.inf, 1.0])).tolist() == ["inf", "-inf", "1"]


def test_numbers_in_a_column_that_also_holds_text_have_the_same_code() -> None:
    # A Stata column with an extended missing value (.a) comes as numbers and letters.
    assert as_codes(pd.Series([1.0, "a", 2.5, None], dtype="object")).tolist() == ["1", "a", "2.5", ""]


def test_the_index_is_kept_and_the_column_is_not_changed() -> None:
    column = pd.Series([2.0, 1.0], index=[7, 3])
    assert as_codes(column).index.tolist() == [7, 3]
    assert column.tolist() == [2.0, 1.0]


def test_zero_has_one_form_and_an_empty_column_none() -> None:
    assert as_codes(pd.Series([0.0, -0.0])).tolist() == ["0", "0"]
    assert as_codes(pd.Series([], dtype="float64")).tolist() == []
