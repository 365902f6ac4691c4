"""Numbers are rounded once, one way, wherever they are shown; numbers shown together agree."""

import io
import math
from decimal import ROUND_HALF_UP, Decimal

import duckdb
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engagement_stats import publish, rounding, show


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
    assert rounding.rounded(value, decimals) == expected


@given(st.integers(-(10**9), 10**9), st.integers(0, 5), st.integers(0, 4))
def test_rounding_is_that_of_the_decimal_a_reader_would_write(digits: int, places: int, decimals: int) -> None:
    written = Decimal(digits).scaleb(-places)
    expected = written.quantize(Decimal(1).scaleb(-decimals), rounding=ROUND_HALF_UP)
    out = rounding.rounded(float(written), decimals)
    assert Decimal(out) == expected
    assert not (Decimal(out) == 0 and out.startswith("-"))
    assert len(out.partition(".")[2]) == decimals


@given(st.integers(0, 1000))
def test_a_percentage_of_tenths_is_rounded_as_written(tenths: int) -> None:
    expected = (Decimal(tenths) / 10).quantize(Decimal(1), rounding=ROUND_HALF_UP)
    assert rounding.percentage(tenths / 1000) == str(expected)


def test_a_difference_is_rounded_after_it_is_taken() -> None:
    # 27.4 - 25.6 is 1.8, two points; the rounded figures, 27 and 26, differ by one.
    assert rounding.percentage(0.274 - 0.256) == "2"


@pytest.mark.parametrize(("half", "expected"), [(0.005, 0), (0.0005, 1), (0.00005, 2), (0.0, 4), (math.nan, 4)])
def test_decimals_published_follow_from_half_a_unit(half: float, expected: int) -> None:
    assert rounding.published_decimals(half, 100) == expected


@given(st.floats(0.001, 0.999), st.floats(0.001, 0.999))
def test_what_is_shown_of_two_shares_gives_what_is_shown_of_their_difference(a: float, b: float) -> None:
    left, right = 100 * a, 100 * b
    if abs(left - right) < 0.1:
        return
    of_left, of_right, of_size, of_ends = rounding.agreeing(left, right, left - right, (left - right) / 10)
    shown = [Decimal(rounding.rounded(x, d)) for x, d in ((left, of_left), (right, of_right))]
    size = rounding.rounded(left - right, of_size)
    assert rounding.rounded(float(shown[0] - shown[1]), of_size) == size
    assert float(size) != 0
    assert float(rounding.rounded((left - right) / 10, of_ends)) != 0
    assert all(0 < x < 100 for x in shown)


@pytest.mark.parametrize(
    ("left", "right", "expected"),
    [
        # Whole per cents where they agree; one decimal where 41 less 34 is 7 and not 6, or 29 less 27 is 2 and not 1.
        (36.2, 30.1, (0, 0, 0)), (40.7, 34.4, (1, 1, 1)), (28.5, 27.2, (1, 1, 1)), (27.4, 25.6, (1, 1, 1)),
        # Tenths that disagree in the last digit: 8.5 less 6.1 is 2.4, the difference 2.46; both are 2.
        (8.53, 6.07, (1, 1, 0)),
        # A share that would be shown as nothing, or as everything.
        (0.4, 5.4, (1, 0, 0)), (99.7, 90.1, (1, 0, 0)),
    ],
)  # fmt: skip
def test_as_few_decimals_as_the_numbers_need(left: float, right: float, expected: tuple[int, int, int]) -> None:
    assert rounding.agreeing(left, right, left - right, left - right)[:3] == expected


def test_no_decimal_is_shown_that_was_not_published() -> None:
    # 34.5 beside a published 41: a half goes up to 35, and 41 less 35 is not the 7 of 6.5.
    assert rounding.agreeing(34.5, 41.0, -6.5, -5.0, most=(4, 0)) == (1, 0, 1, 1)
    assert rounding.agreeing(34.0, 41.0, -7.0, -0.3, most=(0, 0)) == (0, 0, 0, 1)


def test_a_ratio_agrees_with_its_two_numbers() -> None:
    # 3 over 3 is once; 3.4 over 2.6 is 1.3 times.
    assert rounding.agreeing(3.4, 2.6, 3.4 / 2.6, 1.1, ratio=True)[:2] == (1, 1)
    of_left, of_right, of_size, of_ends = rounding.agreeing(40.0, 30.0, 4 / 3, 1.02, ratio=True)
    assert (of_left, of_right, of_size, of_ends) == (0, 0, 1, 2)


def _released(values: np.ndarray) -> duckdb.DuckDBPyConnection:
    """Put values as headlines into the tables of a release, with its views."""
    n = len(values)
    connection = duckdb.connect()
    for name in ("schema.sql", "views.sql"):
        connection.execute(publish._sql(name))
    same = {"release_id": "r", "is_synthetic": False}
    key = {"wave": "w", "domain": "d", "level": [str(i) for i in range(n)], "indicator": "i"}
    frames = {
        "estimates": pd.DataFrame(
            {
                **key, **same, "survey": "s", "estimate": values, "ci_lower": values, "ci_upper": values,
                "variance_basis": "design", "unit": "proportion", "quality": "ok", "is_suppressed": False,
                "source": "x", "run_id": "x", "statistic": "proportion",
            }
        ),
        "headlines": pd.DataFrame({**key, **same, "headline": key["level"], "position": np.arange(n), "label": "l"}),
        "waves": pd.DataFrame(
            [
                {
                    **same, "id": "w", "label": "W", "definition": "d", "survey": "s", "kind": "tables", "year": 2020,
                    "mode": "web", "sampling": "quota", "source": "x", "is_released": True,
                    "fieldwork_precision": "day",
                }
            ]
        ),
    }  # fmt: skip
    for table, frame in frames.items():
        assert len(frame)
        connection.execute(f"INSERT INTO {table} BY NAME SELECT * FROM frame")
    return connection


def test_views_tables_and_csv_show_the_digits_of_the_sentences(capsys: pytest.CaptureFixture[str]) -> None:
    # Every share of tenths and of halves of tenths of a per cent, and 8,000 others: where binary numbers go wrong.
    values = np.concatenate(
        [np.arange(2001) / 2000, np.arange(0, 20001, 7) / 20000, np.random.default_rng(6).random(8000)]
    )
    expected = [rounding.percentage(x, 1) for x in values]
    with _released(values) as connection:
        shown = connection.sql("SELECT per_cent, ci_lower, ci_upper FROM headline_table ORDER BY position").df()
        plain = connection.sql("SELECT round(100 * estimate, 1) AS x FROM estimates ORDER BY level::INTEGER").df()["x"]
    for column in shown:
        assert [f"{x:.1f}" for x in shown[column]] == expected
    # Rounding the binary number is what goes wrong.
    assert [f"{x:.1f}" for x in plain] != expected
    show.frame(shown, "csv")
    assert [f"{x:.1f}" for x in pd.read_csv(io.StringIO(capsys.readouterr().out))["per_cent"]] == expected
    show.frame(shown.iloc[:200], "table", headings={"per_cent": "%"})
    printed = [line.strip() for line in capsys.readouterr().out.splitlines()[3:] if line.strip()]
    assert [f"{float(x):.1f}" for x in printed] == expected[:200]
