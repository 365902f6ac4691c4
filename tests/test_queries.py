"""The queries of the documentation answer on a release, quickly, and never say what may not be said."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from time import process_time
from typing import Any

import duckdb
import pytest
import workbench

from bench import queries

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
MOST_LINES, MOST_MILLISECONDS, REPEATS = 5, 50, 7
Row = dict[str, Any]


@dataclass(frozen=True)
class Query:
    """A query of docs/queries.sql, its number and the question before it."""

    number: int
    question: str
    sql: str


def documented() -> list[Query]:
    text = (DOCS / "queries.sql").read_text(encoding="utf-8")
    found = re.findall(r"^-- (\d+)\. (.+\?.*)\n((?:[^-\n].*\n)+)", text, re.MULTILINE)
    return [Query(int(number), question, sql) for number, question, sql in found]


QUERIES = documented()


def blocks(language: str) -> list[str]:
    text = (DOCS / "querying.md").read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the release of the demonstration's kind: synthetic respondents and published figures."""
    return workbench.built(tmp_path_factory)[0].warehouse


@pytest.fixture
def connection(release: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(str(release), read_only=True, config={"threads": 1}) as opened:
        yield opened


def rows(connection: duckdb.DuckDBPyConnection, sql: str) -> list[Row]:
    found = connection.execute(sql)
    names = [column[0] for column in found.description]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def milliseconds(connection: duckdb.DuckDBPyConnection, sql: str) -> float:
    """Time of the processor on one thread, the best of several: wall time would be that of the machine's other work."""
    best = float("inf")
    for _ in range(REPEATS):
        before = process_time()
        connection.execute(sql).fetchall()
        best = min(best, process_time() - before)
    return 1000 * best


# --- docs/queries.sql


def test_there_are_ten_questions_and_nothing_else() -> None:
    assert [q.number for q in QUERIES] == list(range(1, 11))
    text = (DOCS / "queries.sql").read_text(encoding="utf-8")
    assert text.count(";\n") == len(QUERIES)
    assert all(len(q.sql.strip().splitlines()) <= MOST_LINES for q in QUERIES)


def test_they_can_be_run_as_one_file(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute((DOCS / "queries.sql").read_text(encoding="utf-8"))


@pytest.mark.parametrize("query", QUERIES, ids=lambda q: str(q.number))
def test_each_answers_quickly(connection: duckdb.DuckDBPyConnection, query: Query) -> None:
    assert rows(connection, query.sql)
    assert milliseconds(connection, query.sql) < MOST_MILLISECONDS


def answer(connection: duckdb.DuckDBPyConnection, number: int) -> list[Row]:
    return rows(connection, QUERIES[number - 1].sql)


def in_order(row: Row, lower: str, middle: str, upper: str) -> bool:
    return row[lower] is None or 0 <= row[lower] <= row[middle] <= row[upper] <= 100


def test_figures_lie_in_their_intervals_and_say_what_they_are(connection: duckdb.DuckDBPyConnection) -> None:
    headlines = answer(connection, 1)
    assert all(in_order(r, "ci_lower", "per_cent", "ci_upper") for r in headlines)
    assert {r["mark"] for r in headlines} >= {"SYNTHETIC"}
    assert {r["id"] for r in answer(connection, 2)} >= {"formal_volunteering_12m", "informal_volunteering_12m"}
    (rate,) = answer(connection, 3)
    # The newest published figure of the series, 2023-24: 28 per cent.
    assert (rate["per_cent"], rate["wave_label"]) == (28.0, "Community Life Survey 2023-24, web and paper")
    assert in_order(rate, "lower_per_cent", "per_cent", "upper_per_cent")
    assert rate["caveat"]


def test_regions_are_all_there_once(connection: duckdb.DuckDBPyConnection) -> None:
    regions = answer(connection, 4)
    assert len(regions) == len({r["level"] for r in regions}) == 9
    assert len({r["wave_label"] for r in regions}) == 1


def test_no_percentages_of_areas_stand_without_a_verdict_or_the_reason(connection: duckdb.DuckDBPyConnection) -> None:
    profiles = [*answer(connection, 4), *answer(connection, 8)]
    tested = {r["status"]: r["verdict"] for r in profiles if r["verdict"]}
    assert set(tested) == {"Compared."}
    untested = {r["status"] for r in profiles if r["verdict"] is None}
    assert any(s.startswith("No test is possible: the figure was published") for s in untested)
    assert untested
    assert not untested & {"Compared.", None}
    every = rows(connection, "SELECT DISTINCT verdict IS NOT NULL AS tested, status FROM area_profile")
    assert all(r["tested"] == (r["status"] in {"Compared.", "Compared: not comparable."}) for r in every)


def test_answers_say_which_rows_are_invented(connection: duckdb.DuckDBPyConnection) -> None:
    marks = {q.number: {"is_synthetic", "mark"} & set(rows(connection, q.sql)[0]) for q in QUERIES}
    # What the catalogue describes is no row of anybody.
    assert [number for number, mark in marks.items() if not mark] == [2]
    for number in (8, 10):
        assert {r["is_synthetic"] for r in answer(connection, number)} == {True, False}


def test_a_trend_is_in_order_of_time_and_tells_its_breaks(connection: duckdb.DuckDBPyConnection) -> None:
    years = [r["year"] for r in answer(connection, 5)]
    assert all(a < b for a, b in pairwise(years))
    assert any(r["direction"] for r in answer(connection, 5))
    assert any(r["break_before"] for r in answer(connection, 5))
    (pair,) = answer(connection, 6)
    # 37 per cent in 2019-20, 30 in 2020-21, the first year of the pandemic.
    assert {pair["left_per_cent"], pair["right_per_cent"]} == {37.0, 30.0}
    assert (pair["verdict"], pair["difference_points"]) == ("lower", -7.0)


def test_what_is_not_comparable_is_never_higher_or_lower(connection: duckdb.DuckDBPyConnection) -> None:
    pairs = answer(connection, 7)
    unlike = [r for r in pairs if r["grade"] == "not_comparable"]
    assert unlike
    assert {r["verdict"] for r in unlike} == {"not comparable"}
    assert all("should not be set against each other" in r["sentence"] for r in unlike)
    # The seed briefing's 14 against 36 per cent, and 8 against 15.
    real = {(r["lbn"], r["england"]) for r in pairs if not r["is_synthetic"]}
    assert real == {(14.0, 36.0), (8.0, 15.0)}
    stored = "SELECT count(*) FROM comparisons WHERE grade = 'not_comparable' AND verdict IN ('higher', 'lower')"
    assert connection.execute(stored).fetchall() == [(0,)]
    of_waves = rows(
        connection,
        "SELECT m.* FROM (SELECT DISTINCT left_indicator, left_wave, right_wave FROM comparisons "
        "WHERE grade = 'not_comparable' AND left_indicator = right_indicator) AS c, comparisons AS m "
        "WHERE m.left_indicator = c.left_indicator AND m.left_wave = c.left_wave AND m.right_wave = c.right_wave",
    )
    assert of_waves
    for pair in of_waves:
        shown = rows(
            connection,
            f"FROM compare_waves('{pair['left_indicator']}', '{pair['left_wave']}', '{pair['right_wave']}')",
        )
        assert {r["verdict"] for r in shown} == {"not comparable"}
        assert {r["difference_points"] for r in shown} == {None}


def test_the_profile_and_the_claims_are_whole(connection: duckdb.DuckDBPyConnection) -> None:
    assert len({r["indicator_label"] for r in answer(connection, 8)}) > 5
    claims = answer(connection, 9)
    assert {r["verdict"] for r in claims} <= {"supported", "not supported", "not comparable", "cannot be checked"}
    assert any("8 per cent of residents" in r["quotation"] for r in claims)
    waves = answer(connection, 10)
    assert len({r["wave_label"] for r in waves}) == len(waves)
    assert any(r["unverified"] for r in waves)


def test_suppressed_cells_show_no_number(connection: duckdb.DuckDBPyConnection) -> None:
    """Every suppressed estimate of the release, through the views and macros that would show it."""
    hidden = rows(connection, "SELECT DISTINCT indicator, domain, level, wave FROM estimates WHERE is_suppressed")
    assert hidden
    for cell in hidden:
        asked = [
            f"FROM rate('{cell['indicator']}', by := '{cell['domain']}', wave := '{cell['wave']}')",
            f"FROM profile('{cell['level']}')",
        ]
        found = [r for sql in asked for r in rows(connection, sql)]
        key = ("indicator", "domain", "level", "wave")
        same = [r for r in found if all(r[k] == cell[k] for k in key)]
        assert same
        for row in same:
            own = {k: v for k, v in row.items() if k != "whole_per_cent"}
            assert not [k for k, v in own.items() if isinstance(v, float | int) and not isinstance(v, bool)]
            assert row["base_text"] is None
            assert row["symbol"]


def test_every_single_level_with_an_estimate_has_a_profile(connection: duckdb.DuckDBPyConnection) -> None:
    missing = connection.execute(
        "SELECT n.indicator, n.domain FROM newest AS n WHERE NOT contains(n.domain, '*') "
        "AND NOT EXISTS (SELECT 1 FROM area_profile AS p WHERE p.indicator = n.indicator AND p.domain = n.domain)"
    ).fetchall()
    assert missing == []
    repeated = "SELECT 1 FROM area_profile GROUP BY indicator, domain, level, compared_with HAVING count(*) > 1"
    assert connection.execute(repeated).fetchall() == []


def test_a_view_holds_as_many_rows_as_what_it_shows(connection: duckdb.DuckDBPyConnection) -> None:
    pairs = {"figures": "estimates", "benchmark_table": "benchmarks", "wave_coverage": "waves"}
    for view, table in pairs.items():
        assert len(rows(connection, f"FROM {view}")) == len(rows(connection, f"FROM {table}")) > 0
    series = "FROM estimates AS e JOIN waves AS w ON w.id = e.wave WHERE w.series IS NOT NULL"
    assert connection.execute("SELECT count(*) FROM trend").fetchall() == connection.execute(
        f"SELECT count(*) {series}"
    ).fetchall()  # fmt: skip


# --- docs/querying.md


@pytest.mark.parametrize("block", blocks("sql"), ids=lambda b: " ".join(b.split())[:40])
def test_the_sql_of_the_page_runs(connection: duckdb.DuckDBPyConnection, block: str) -> None:
    for statement in filter(str.strip, block.split(";\n")):
        if "lock_configuration" not in statement:
            connection.execute(statement).fetchall()
    assert connection.execute("SELECT count(*) > 0 FROM estimates").fetchall() == [(True,)]


def test_a_closed_off_session_still_answers_and_reads_no_other_file(release: Path) -> None:
    closing = next(b for b in blocks("sql") if "enable_external_access" in b)
    with duckdb.connect(str(release), read_only=True) as closed:
        closed.execute(closing)
        assert closed.execute("FROM rate('formal_volunteering_12m')").fetchall()
        with pytest.raises(duckdb.PermissionException):
            closed.execute("SELECT * FROM read_text('/etc/hostname')")
        with pytest.raises(duckdb.Error):
            closed.execute("SET enable_external_access = true")


def test_the_python_of_the_page_runs(
    release: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (code,) = blocks("python")
    assert '"warehouse/engagement_stats.duckdb"' in code
    monkeypatch.chdir(release.parent.parent)
    exec(code, {})
    assert "North East" in capsys.readouterr().out


# --- a release of national size


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a generated release of 309 areas and 40 indicators; `python -m bench queries` has more waves of it."""
    path = tmp_path_factory.mktemp("large") / "release.duckdb"
    queries.release(path, waves=2)
    return path


def test_macros_are_quick_on_a_large_release(large: Path) -> None:
    with duckdb.connect(str(large), read_only=True, config={"threads": 1}) as opened:
        taken = {
            name: milliseconds(opened, sql.replace("wave_5", "wave_1").replace("wave_4", "wave_0"))
            for name, sql in queries.QUERIES.items()
        }
        assert {k: v for k, v in taken.items() if v >= MOST_MILLISECONDS} == {}
        assert len(rows(opened, queries.QUERIES["rate, 309 areas"])) == queries.AREAS
        assert len(rows(opened, queries.QUERIES["profile, by code"])) == queries.INDICATORS


def test_the_trend_that_the_readme_shows_is_the_release_s(connection: duckdb.DuckDBPyConnection) -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    found = re.search(r"```sql\n(SELECT year.*?)```\s*```\n(.*?)```", text, re.DOTALL)
    assert found
    shown = [line for line in found[2].splitlines()[1:] if line]
    rows = connection.sql(found[1]).fetchall()
    assert len(shown) == len(rows) > 3
    for line, (year, per_cent, lower, upper, basis, verdict, _, break_before) in zip(shown, rows, strict=True):
        numbers = [str(year), f"{per_cent:.0f}", *(f"{x:.1f}" for x in (lower, upper) if x is not None), basis]
        assert line.split()[: len(numbers)] == numbers
        rest = line.partition(basis)[2].strip()
        said, _, why = rest.partition("  ")
        assert (said or None) == verdict
        assert (break_before or "").startswith(why.strip().removesuffix("...").strip())
        assert bool(why.strip()) == bool(break_before)
