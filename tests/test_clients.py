"""DuckDB clients of the 1.x series, the oldest and the newest, open a release and get our answers from it.

A client is installed from the package index into a folder of the test's own; without an index, or without a wheel of
it for this Python, the test is skipped.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest
import workbench
from test_queries import QUERIES

CLIENTS = {"oldest": "duckdb==1.0.0", "newest": "duckdb>=1,<2"}
MACROS = [
    "FROM rate('formal_volunteering_12m', by := 'region*sex')",
    "FROM rate('formal_volunteering_12m', wave := 'cls_2018_19')",
    "FROM trend_of('formal_volunteering_12m', NULL)",
    "FROM compare_waves('formal_volunteering_12m', 'cls_2018_19', 'cls_2015_16_f2f')",
    "FROM compare_waves('formal_volunteering_12m', 'nowhere', 'cls_2020_21', by := 'all')",
    "FROM profile('north east')",
    "FROM find('volunteer')",
    "SELECT per_cent(0.2845)",
]
COMMENTS = [
    "SELECT table_name, column_name, comment FROM duckdb_columns() WHERE NOT internal",
    "SELECT function_name, comment FROM duckdb_functions() WHERE NOT internal AND comment IS NOT NULL",
]
# Run by the client: every answer as sorted lines of text.
PROGRAM = """
import duckdb, json, sys
path, asked = sys.argv[1], json.load(sys.stdin)
connection = duckdb.connect(path, read_only=True)
answers = {sql: sorted(repr([str(x) for x in row]) for row in connection.execute(sql).fetchall()) for sql in asked}
json.dump({"version": duckdb.__version__, "answers": answers}, sys.stdout)
"""


def installed(requirement: str, folder: Path) -> Path:
    """Install a client into a folder, or skip the test."""
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--retries", "0", "--timeout", "10", "install",
           "--quiet", "--no-deps", "--only-binary", ":all:", "--target", str(folder), requirement]  # fmt: skip
    try:
        done = subprocess.run(pip, capture_output=True, timeout=180, check=False)
    except subprocess.TimeoutExpired:
        pytest.skip(f"the package index took too long to give {requirement}")
    if done.returncode:
        pytest.skip(f"{requirement} could not be installed from the package index")
    return folder


@pytest.mark.parametrize("client", CLIENTS)
def test_a_client_of_the_1_series_gets_our_answers(
    client: str, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    release = workbench.built(tmp_path_factory)[0].warehouse
    folder = installed(CLIENTS[client], tmp_path / "client")
    with duckdb.connect(str(release), read_only=True) as connection:
        views = connection.execute("SELECT view_name FROM duckdb_views() WHERE NOT internal").fetchall()
        tables = connection.execute("SELECT table_name FROM duckdb_tables()").fetchall()
        asked = [f'FROM "{name}"' for (name,) in [*tables, *views]]
        asked += [*MACROS, *COMMENTS, *(q.sql for q in QUERIES)]
        ours = {sql: sorted(repr([str(x) for x in row]) for row in connection.execute(sql).fetchall()) for sql in asked}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(release)],
        input=json.dumps(asked),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={**os.environ, "PYTHONPATH": str(folder)},
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["version"].startswith("1.0.0" if client == "oldest" else "1.")
    assert {sql for sql in asked if told["answers"][sql] != ours[sql]} == set()
    assert all(ours[sql] for sql in [*MACROS, *COMMENTS])
    assert [p.name for p in release.parent.glob("*.wal")] == []
