"""Views and macros of a release say what the tables say: the right wave, no test invented, no number let through."""

import re
from collections.abc import Callable
from dataclasses import replace
from importlib import resources
from pathlib import Path
from typing import Any, TypeAlias

import duckdb
import pandas as pd
import pytest
import released
from released import COMPARISON, ESTIMATE, table

from engagement_stats import catalogue, publish, rounding
from engagement_stats.catalogue import model as m

Row: TypeAlias = dict[str, Any]
Ask: TypeAlias = Callable[..., list[Row]]
Make: TypeAlias = Callable[..., Ask]
NUMBERS = ("per_cent", "lower_per_cent", "upper_per_cent", "base_text", "base", "estimate", "ci_lower", "ci_upper")
HIDDEN: dict[str, Any] = {
    "estimate": None, "standard_error": None, "ci_lower": None, "ci_upper": None, "base_unweighted": None,
    "base_weighted": None, "is_suppressed": True, "quality": "suppressed", "symbol": "[c]",
}  # fmt: skip
PREVIOUS = {
    **COMPARISON, "kind": "series:previous", "comparison": "joined_12m__poll_2020_v_poll_2019",
    "right_wave": "poll_2019", "left_estimate": 0.4, "right_estimate": 0.35, "difference": 0.05, "ci_lower": 0.01,
    "ci_upper": 0.09, "p_value": 0.01, "p_adjusted": 0.01, "verdict": "higher", "sentence": "It rose.",
}  # fmt: skip
TO_WHOLE = {
    **COMPARISON, "kind": "levels:total", "comparison": "men", "level": "Male", "left_domain": "sex",
    "left_level": "Male", "verdict": "lower", "difference": -0.1, "ci_lower": -0.2, "ci_upper": -0.05,
}  # fmt: skip


def estimate(**changes: Any) -> Row:
    return {**ESTIMATE, **changes}


@pytest.fixture
def make(small: catalogue.Catalogue, packaged: catalogue.Catalogue, tmp_path: Path) -> Make:
    """Build a release of given estimates and comparisons, and return what asks it."""

    def built(*estimates: Row, comparisons: tuple[Row, ...] = (), **frames: pd.DataFrame) -> Ask:
        c = replace(small, rules=packaged.rules)
        given = {**released.frames(c), **publish.described(c, ["poll_2020"], []), **frames}
        given["estimates"] = table("estimates", *(estimates or (ESTIMATE,)))
        given["comparisons"] = table("comparisons", *comparisons)
        publish.build(given, "r0", tmp_path / "release.duckdb")

        def ask(sql: str, *values: object) -> list[Row]:
            with duckdb.connect(str(tmp_path / "release.duckdb"), read_only=True) as connection:
                found = connection.execute(sql, values)
                names = [column[0] for column in found.description]
                return [dict(zip(names, row, strict=True)) for row in found.fetchall()]

        return ask

    return built


# --- what is stated of views and macros


def test_every_macro_is_explained_with_its_parameters(make: Make) -> None:
    macros = make()(
        "SELECT function_name AS name, function_type AS kind, parameters, comment FROM duckdb_functions() "
        "WHERE NOT internal"
    )
    assert {r["name"] for r in macros} == {"rate", "trend_of", "compare_waves", "profile", "find", "per_cent"}
    for macro in macros:
        assert macro["comment"], macro["name"]
        if macro["kind"] == "table_macro":
            assert macro["comment"].startswith(f"{macro['name']}({'indicator' if len(macro['parameters']) > 1 else ''}")


def test_no_table_view_column_or_macro_goes_without_a_comment() -> None:
    """Read the statements themselves: whatever is made has a comment, and no comment is of what is not made."""
    text = "".join(
        resources.files("warehouse").joinpath(f).read_text(encoding="utf-8")
        for f in ("schema.sql", "views.sql", "macros.sql")
    )
    made = re.findall(r"^CREATE (?:TABLE|VIEW|MACRO) (\w+)", text, re.MULTILINE)
    told = re.findall(r"^COMMENT ON (?:TABLE|VIEW|MACRO TABLE|MACRO) (\w+) IS '", text, re.MULTILINE)
    assert sorted(made) == sorted(told)
    columns = re.findall(r"^COMMENT ON COLUMN ([\w.]+) IS '", text, re.MULTILINE)
    assert len(columns) == len(set(columns))
    with duckdb.connect() as connection:
        for name in ("schema.sql", "views.sql", "macros.sql"):
            connection.execute(resources.files("warehouse").joinpath(name).read_text(encoding="utf-8"))
        found = connection.execute(
            "SELECT table_name || '.' || column_name FROM duckdb_columns() WHERE NOT internal"
        ).fetchall()
    assert sorted(columns) == sorted(x for (x,) in found)


def test_keys_are_checked_by_the_build_and_told_in_the_file(make: Make) -> None:
    ask = make()
    # An index in the file would keep DuckDB 1.0 from opening it.
    assert ask("SELECT * FROM duckdb_constraints() WHERE constraint_type IN ('PRIMARY KEY', 'UNIQUE')") == []
    assert ask("SELECT * FROM duckdb_indexes()") == []
    assert ask("SELECT count(*) AS n FROM duckdb_constraints() WHERE constraint_type = 'CHECK'")[0]["n"] > 30
    told = ask("SELECT table_name, list(column_name ORDER BY position) AS key FROM table_keys GROUP BY table_name")
    assert {r["table_name"]: r["key"] for r in told} == publish.keys()
    assert publish.keys()["estimates"] == ["wave", "indicator", "domain", "level"]
    assert set(publish.keys()) == {r["name"] for r in ask("SELECT table_name AS name FROM duckdb_tables()")}


def test_every_word_for_a_symbol_in_use_is_in_the_release(packaged: catalogue.Catalogue, make: Make) -> None:
    known = {r["id"] for r in make()("SELECT id FROM terms WHERE kind = 'symbol'")}
    assert {"[c]", "[u]", "[x]", "[z]", "[low]"} <= known
    assert {r["id"] for r in make()("SELECT id FROM terms WHERE kind = 'caution'")} == set(
        packaged.rules.comparability.cautions
    )


# --- figures and rate


@pytest.mark.parametrize("share", [0.2845, 0.0005, 0.28449999999, 0.99949, 1.0, 0.0, 0.285, 1 / 3])
def test_percentages_have_the_digits_of_the_sentences(make: Make, share: float) -> None:
    ask = make(estimate(estimate=share, ci_lower=share, ci_upper=share))
    (row,) = ask("FROM rate('joined_12m')")
    assert row["per_cent"] == row["lower_per_cent"] == float(rounding.percentage(share, 1))
    assert ask("SELECT per_cent(?) AS x", share)[0]["x"] == row["per_cent"]


def test_a_mean_is_not_made_a_percentage(make: Make) -> None:
    mean = estimate(
        indicator="hours_given", unit="mean", statistic="mean", estimate=3.5, ci_lower=3.0, ci_upper=4.0
    )  # fmt: skip
    ask = make(mean, {**mean, "wave": "poll_2019"})
    (row,) = ask("FROM rate('hours_given')")
    assert (row["per_cent"], row["lower_per_cent"], row["estimate"], row["unit"]) == (None, None, 3.5, "mean")
    assert {r["per_cent"] for r in ask("FROM trend_of('hours_given', NULL)")} == {None}
    (two,) = ask("FROM compare_waves('hours_given', 'poll_2020', 'poll_2019')")
    assert (two["left_per_cent"], two["right_per_cent"], two["difference_points"]) == (None, None, None)


def test_what_must_be_said_stands_beside_the_figure(make: Make) -> None:
    ask = make(
        estimate(is_synthetic=True, variance_basis="assumed", evidence="second_hand", note="Of one quarter."),
        estimate(domain="sex", level="Male", variance_basis="assumed", **HIDDEN),
        estimate(domain="sex", level="Female", variance_basis="design"),
    )
    assert ask("FROM rate('joined_12m')")[0]["caveat"] == (
        "SYNTHETIC: rests on invented respondents and is never to be quoted. The interval of a published figure rests "
        "on an assumed design effect. A figure was read in another source quoting its producer. Of one quarter."
    )
    men, women = ask("FROM rate('joined_12m', by := 'sex') ORDER BY level DESC")
    assert men["caveat"] == "Not shown, to keep respondents confidential."
    assert women["caveat"] is None


def test_a_suppressed_figure_has_no_number_in_any_answer(make: Make) -> None:
    hidden = estimate(domain="sex", level="Male", **HIDDEN)
    both = {**PREVIOUS, "left_domain": "sex", "right_domain": "sex", "left_level": "Male", "right_level": "Male",
            "level": "Male", "left_estimate": None, "right_estimate": None, "difference": None, "ci_lower": None,
            "ci_upper": None, "p_value": None, "p_adjusted": None, "verdict": None, "is_suppressed": True}  # fmt: skip
    ask = make(hidden, {**hidden, "wave": "poll_2019"}, comparisons=(both,))
    asked = [
        "FROM rate('joined_12m', by := 'sex')",
        "FROM trend_of('joined_12m', NULL, by := 'sex')",
        "FROM compare_waves('joined_12m', 'poll_2019', 'poll_2020', by := 'sex')",
        "FROM profile('Male')",
    ]
    for sql in asked:
        rows = ask(sql)
        assert rows, sql
        for row in rows:
            numbers = {k: v for k, v in row.items() if isinstance(v, float | int) and not isinstance(v, bool)}
            assert set(numbers) <= {"year", "segment"}, sql
    assert ask(asked[2])[0]["status"] == "Compared, and suppressed because a side is."


def test_a_rate_is_of_the_newest_wave_unless_one_is_named(make: Make) -> None:
    ask = make(estimate(), estimate(wave="poll_2019", estimate=0.37), estimate(domain="sex", level="Male"))
    assert [r["wave"] for r in ask("FROM rate('joined_12m')")] == ["poll_2020"]
    assert [(r["wave"], r["per_cent"]) for r in ask("FROM rate('joined_12m', wave := 'poll_2019')")] == [
        ("poll_2019", 37.0)
    ]
    assert [r["level"] for r in ask("FROM rate('joined_12m', by := 'sex')")] == ["Male"]
    assert ask("FROM rate('joined_12m', by := 'sex', wave := 'poll_2019')") == []
    assert ask("FROM rate('joined')") == []


def test_levels_stand_in_the_order_of_the_catalogue(make: Make, small: catalogue.Catalogue) -> None:
    levels = list(small.domains["sex"].levels)
    ask = make(*(estimate(domain="sex", level=level) for level in sorted(levels)))
    assert [r["level"] for r in ask("FROM rate('joined_12m', by := 'sex')")] == levels
    assert levels != sorted(levels)


# --- which wave is newest


def newest(ask: Ask) -> str:
    (row,) = ask("SELECT wave FROM newest WHERE indicator = 'joined_12m' AND domain = 'all'")
    return str(row["wave"])


def test_the_main_series_is_of_real_respondents_then_the_one_among_the_headlines_then_the_longest(make: Make) -> None:
    poll = [estimate(wave="poll_2019"), estimate()]
    report = [estimate(wave="report_2018", survey="report", variance_basis="assumed")]
    no_headlines = table("headlines")
    assert newest(make(*poll, *report, headlines=no_headlines)) == "poll_2020"
    invented = [{**e, "is_synthetic": True} for e in poll]
    assert newest(make(*invented, *report, headlines=no_headlines)) == "report_2018"
    assert newest(make(*invented, headlines=no_headlines)) == "poll_2020"
    shown = table("headlines", {"headline": "h", "position": 1, "label": "L.", "wave": "report_2018",
                                "indicator": "joined_12m", "domain": "all", "level": "all",
                                "is_synthetic": False})  # fmt: skip
    assert newest(make(*poll, *report, headlines=shown)) == "report_2018"
    # The newest real wave of a series, not an invented one that is newer.
    assert newest(make(poll[0], invented[1], headlines=no_headlines)) == "poll_2019"


def test_the_newest_wave_of_a_domain_is_the_newest_that_has_it(make: Make) -> None:
    ask = make(estimate(), estimate(wave="poll_2019"), estimate(wave="poll_2019", domain="sex", level="Male"))
    assert [(r["domain"], r["wave"]) for r in ask("FROM newest ORDER BY 2")] == [
        ("all", "poll_2020"), ("sex", "poll_2019"),
    ]  # fmt: skip


# --- trends


def test_a_trend_is_of_one_series(make: Make) -> None:
    trends = table("trends", {**released.TREND, "first_wave": "poll_2019", "last_wave": "poll_2020"})
    ask = make(estimate(), estimate(wave="poll_2019"), estimate(wave="report_2018", survey="report"),
               comparisons=(PREVIOUS,), trends=trends)  # fmt: skip
    rows = ask("FROM trend_of('joined_12m', 'poll_series')")
    assert [(r["wave"], r["change_verdict"], r["direction"], r["segment"]) for r in rows] == [
        ("poll_2019", None, "rising", 1), ("poll_2020", "higher", "rising", 1),
    ]  # fmt: skip
    assert [r["wave"] for r in ask("FROM trend_of('joined_12m', NULL)")] == ["poll_2019", "poll_2020"]
    assert [r["wave"] for r in ask("FROM trend_of('joined_12m', 'report_series')")] == ["report_2018"]
    assert [r["direction"] for r in ask("FROM trend_of('joined_12m', 'report_series')")] == [None]


def test_a_wave_outside_the_run_has_not_its_direction(make: Make) -> None:
    trends = table("trends", {**released.TREND, "first_wave": "poll_2020", "last_wave": "poll_2020"})
    ask = make(estimate(), estimate(wave="poll_2019"), trends=trends)
    assert [r["direction"] for r in ask("FROM trend ORDER BY year")] == [None, "rising"]


# --- two waves


def test_two_waves_are_shown_as_they_were_compared(make: Make) -> None:
    ask = make(estimate(), estimate(wave="poll_2019", estimate=0.35, ci_lower=0.3), comparisons=(PREVIOUS,))
    for first, second in (("poll_2019", "poll_2020"), ("poll_2020", "poll_2019")):
        (row,) = ask("FROM compare_waves('joined_12m', ?, ?)", first, second)
        assert (row["left_wave"], row["left_per_cent"]) == ("poll_2020", 40.0)
        assert (row["right_wave"], row["right_per_cent"]) == ("poll_2019", 35.0)
        assert (row["difference_points"], row["lower_points"], row["upper_points"]) == (5.0, 1.0, 9.0)
        assert (row["verdict"], row["status"], row["sentence"]) == ("higher", "Compared.", "It rose.")


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"grade": "not_comparable", "verdict": "not comparable", "p_value": None, "p_adjusted": None},
         "Compared: not comparable."),
        ({"verdict": None, "p_value": None, "p_adjusted": None},
         "Compared without a test: the standard error of a side is not known."),
    ],
)  # fmt: skip
def test_what_cannot_be_said_is_not_said(make: Make, changes: Row, status: str) -> None:
    ask = make(estimate(), estimate(wave="poll_2019"), comparisons=({**PREVIOUS, **changes},))
    (row,) = ask("FROM compare_waves('joined_12m', 'poll_2020', 'poll_2019')")
    assert row["status"] == status
    assert row["verdict"] not in ("higher", "lower")
    if row["grade"] == "not_comparable":  # a difference with its sign would say what the verdict does not
        assert (row["difference_points"], row["lower_points"], row["upper_points"]) == (None, None, None)


def test_a_comparison_that_was_not_made_is_not_invented(make: Make) -> None:
    ask = make(estimate(), estimate(wave="poll_2019", estimate=0.1, ci_lower=0.09, ci_upper=0.11),
               estimate(wave="report_2018", survey="report"))  # fmt: skip
    said = {
        ("poll_2020", "poll_2019"): "Not compared in this release.",
        ("poll_2020", "report_2018"): "Not compared: the waves are not of one series",
        ("poll_2020", "nowhere"): "Not compared: one of the waves does not have this estimate.",
        ("nowhere", "poll_2020"): "Not compared: one of the waves does not have this estimate.",
        ("nowhere", "elsewhere"): "Not compared: neither wave has this estimate.",
    }
    for waves, status in said.items():
        (row,) = ask("FROM compare_waves('joined_12m', ?, ?)", *waves)
        assert row["status"].startswith(status), waves
        assert (row["left_wave"], row["right_wave"]) == waves
        for silent in ("verdict", "difference_points", "lower_points", "upper_points", "sentence", "p_adjusted"):
            assert row[silent] is None, silent


# --- one area


def areas(small: catalogue.Catalogue) -> pd.DataFrame:
    town = m.Domain(label="Town", definition="Town.", levels=["York", "Ely"])
    c = replace(small, domains={**small.domains, "town": town})
    return publish.described(c, [], [], codes={("town", "York"): "E06000014"})["domains"]


def test_the_profile_of_an_area_is_found_by_name_or_code(make: Make, small: catalogue.Catalogue) -> None:
    york = estimate(domain="town", level="York", estimate=0.3, ci_lower=0.2)
    ask = make(estimate(), york, {**york, "level": "Ely"}, domains=areas(small))
    for place in ("York", "yORK", "E06000014", "e06000014"):
        (row,) = ask("FROM profile(?)", place)
        assert (row["domain"], row["level"], row["code"]) == ("town", "York", "E06000014")
        assert (row["per_cent"], row["whole_per_cent"], row["verdict"]) == (30.0, 40.0, None)
    assert [r["code"] for r in ask("FROM profile('Ely')")] == [None]
    assert ask("FROM profile('Yor')") == []
    assert [r["whole_per_cent"] for r in ask("FROM profile('all')")] == [None]
    assert [r["id"] for r in ask("FROM find('E0600001')")] == ["York"]


def test_the_verdict_of_a_profile_is_that_of_the_release(make: Make) -> None:
    men = estimate(domain="sex", level="Male", estimate=0.3, ci_lower=0.2)
    other = {**TO_WHOLE, "comparison": "a_pair", "kind": "pair", "verdict": "higher"}
    ask = make(estimate(), men, comparisons=(TO_WHOLE, other))
    assert [(r["verdict"], r["compared_with"]) for r in ask("FROM profile('Male')")] == [("lower", "levels:total")]


@pytest.mark.parametrize(
    ("male", "compared", "status"),
    [
        ({}, TO_WHOLE, "Compared."),
        ({}, {**TO_WHOLE, "verdict": None, "p_value": None, "p_adjusted": None}, "Compared without a test: "),
        ({}, {**TO_WHOLE, "verdict": "not comparable", "grade": "not_comparable"}, "Compared: not comparable."),
        ({}, None, "Not compared in this release. Two percentages side by side are no test"),
        ({"variance_basis": "published"}, None, "No test is possible: the figure was published"),
        ({"variance_basis": "assumed"}, None, "No test is possible: the figure was published"),
        (HIDDEN, None, "Not compared: a figure is withheld."),
    ],
)
def test_a_profile_says_why_there_is_no_verdict(make: Make, male: Row, compared: Row | None, status: str) -> None:
    level = {"domain": "sex", "level": "Male", "estimate": 0.3, "ci_lower": 0.2}
    ask = make(estimate(), estimate(**{**level, **male}), comparisons=(compared,) if compared else ())
    (row,) = ask("FROM profile('Male')")
    assert row["status"].startswith(status)
    assert (row["verdict"] is None) == (compared is None or compared["verdict"] is None)
    assert {r["status"] for r in ask("FROM profile('all')")} == {"This is the whole."}


def test_the_whole_beside_a_level_is_of_the_same_wave(make: Make) -> None:
    men = estimate(wave="poll_2019", domain="sex", level="Male")
    ask = make(estimate(), estimate(wave="poll_2019", estimate=0.39), men)
    assert [(r["wave"], r["whole_per_cent"]) for r in ask("FROM profile('male')")] == [("poll_2019", 39.0)]


# --- finding, coverage, benchmarks, disclosure


def test_words_are_found_in_labels_and_definitions(make: Make) -> None:
    ask = make()
    found = ask("FROM find('JOINED')")
    assert [(r["kind"], r["id"]) for r in found][:1] == [("indicator", "joined_12m")]
    assert found[0]["held"] == "1 wave, by all"
    assert {r["held"] for r in ask("FROM find('helped')") if r["kind"] == "indicator"} == {"not in this release"}
    assert {r["kind"] for r in ask("FROM find('poll')")} >= {"wave", "survey"}
    assert ask("FROM find('nothing of the kind')") == []


def test_waves_that_are_not_released_are_told_too(make: Make) -> None:
    ask = make(estimate(), estimate(domain="sex", level="Male", base_unweighted=240),
               estimate(domain="sex", level="Female", **HIDDEN))  # fmt: skip
    rows = {r["wave"]: r for r in ask("FROM wave_coverage")}
    assert set(rows) >= {"poll_2019", "poll_2020", "report_2018"}
    here = rows["poll_2020"]
    assert (here["indicators"], here["domains"], here["estimates"], here["suppressed"], here["base"]) == (
        1, "all, sex", 3, 1, 500,
    )  # fmt: skip
    assert (rows["poll_2019"]["estimates"], rows["poll_2019"]["is_released"]) == (0, False)
    held = {r["domain"]: r for r in ask("FROM indicator_coverage")}
    assert (held["sex"]["levels"], held["sex"]["suppressed"], held["sex"]["least_base"]) == (2, 1, 240)
    shown = {r["domain"]: r for r in ask("FROM disclosure_summary")}
    assert (shown["sex"]["ok"], shown["sex"]["suppressed"], shown["sex"]["confidential"]) == (1, 1, 1)


def test_misses_stand_before_what_is_reproduced(make: Make) -> None:
    miss = {**released.BENCHMARK, "wave": "poll_2019", "ours": 0.4125, "difference": 0.0125, "verdict": "waived"}
    ask = make(benchmarks=table("benchmarks", released.BENCHMARK, miss))
    columns = ("verdict", "published_per_cent", "our_per_cent", "difference_points")
    assert [tuple(r[c] for c in columns) for r in ask("FROM benchmark_table")] == [
        ("waived", 40.0, 41.3, 1.25), ("reproduced", 40.0, 40.0, 0.0),
    ]  # fmt: skip
