"""Nothing of a respondent outside the private store: markers are planted, and looked for in whatever a run leaves.

The search itself is tested first: it must find a marker in every kind of file that is written.
"""

import ast
import importlib
import io
import logging
import os
import pickle
import re
import shutil
import sqlite3
import stat
import struct
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import canaries
import duckdb
import pandas as pd
import pytest
from canaries import ID, LEAST, MOMENT, SERIAL, WEIGHT, WORDS
from workbench import CLS_2018, CLS_2019, COMMAND, POLL, ROOT, Project, Told, edit_text, make, put

from engagement_stats import store as store_module
from pipelines import assets

# Set to try a fault at every call of every asset, which takes minutes.
THOROUGH = "ENGAGEMENT_STATS_THOROUGH"
TOGETHER = {"comparisons", "claims", "release"}
FIGURES = "survation_lbn_2020"
# What is called once a wave's results are complete, for the web page; a fault then fails Dagster's step only.
AFTERWARDS = {"_preview", "lost", "percentage"}


def command(project: Project, *arguments: str, umask: int = 0o000) -> subprocess.CompletedProcess[str]:
    """Run the command line in a process of its own, under a default that lets everybody read and write."""
    return subprocess.run(
        [COMMAND, *arguments], cwd=project.root, env=project.environment(), umask=umask, capture_output=True, text=True,
        timeout=240, check=False,
    )  # fmt: skip


def left_by(project: Project) -> list[str]:
    """Return where markers are, outside the landing folder and the private Parquet files, which must hold them."""
    workspace = project.workspace
    found = canaries.below(project.root, but=[workspace.data, workspace.private])
    return found + [hit for hit in canaries.below(workspace.private) if ".parquet:" not in hit]


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Project, str]:
    """Return a project with markers in two files, built, and what the run said. Not to be changed."""
    folder = tmp_path_factory.mktemp("planted")
    project = make(folder / "home").with_catalogue(folder / "catalogue")
    canaries.plant(project)
    shutil.rmtree(project.workspace.data.parent / "private", ignore_errors=True)
    done = command(project, "run", "--wave", POLL, CLS_2018)
    assert done.returncode == 0, done.stderr
    return project, done.stdout + done.stderr


@pytest.fixture
def project(planted: tuple[Project, str], tmp_path: Path) -> Project:
    return planted[0].copy(tmp_path / "home")


@pytest.fixture
def told(project: Project, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Told:
    return Told(project, capsys, monkeypatch)


# --- the search


def _parquet(path: Path) -> None:
    pd.DataFrame({"x": [1.0, WEIGHT] * 400, "t": ["a", WORDS] * 400}).to_parquet(path)


def _duckdb(path: Path) -> None:
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE TABLE t AS SELECT i::DOUBLE AS x FROM range(9000) r(i)")
        connection.execute("INSERT INTO t VALUES (?)", [WEIGHT])
        connection.execute("CHECKPOINT")


def _sqlite(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("PRAGMA journal_mode = wal")
        connection.execute("CREATE TABLE t (body BLOB)")
        connection.execute("INSERT INTO t VALUES (?)", [zlib.compress(f"a {WORDS}".encode())])


def _zip(path: Path) -> None:
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("sheet.xml", f"<c>{WEIGHT}</c>")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("inner.xlsx", inner.getvalue())


KINDS: dict[str, Callable[[Path], object]] = {
    "text": lambda path: path.write_text(f"at {MOMENT}", encoding="utf-8"),
    "UTF-16": lambda path: path.write_text(WORDS, encoding="utf-16-le"),
    "a number rounded": lambda path: path.write_text(f"{WEIGHT:.8f} and so on"),
    "a double": lambda path: path.write_bytes(b"xyz" + struct.pack("<d", LEAST)),
    "Parquet": _parquet, "DuckDB": _duckdb, "SQLite": _sqlite, "a zip in a zip": _zip,
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_a_marker_is_found_in_every_kind_of_file(tmp_path: Path, kind: str) -> None:
    KINDS[kind](tmp_path / "file")
    assert canaries.below(tmp_path)
    assert canaries.below(tmp_path, but=[tmp_path / "file"]) == []


def test_what_holds_no_marker_is_not_found(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("weight 3.731 of 7731 people, 07:31")
    pd.DataFrame({"x": [3.73, 0.0127]}).to_parquet(tmp_path / "a.parquet")
    assert canaries.below(tmp_path) == []


# --- a run that succeeds


def test_the_markers_reach_the_private_store_and_nothing_else(planted: tuple[Project, str]) -> None:
    project, said = planted
    kept = canaries.below(project.workspace.private)
    for name in ("id", "moment", "hours", "weight", "least", "serial"):
        assert [hit for hit in kept if f".parquet: {name} as" in hit], name
    assert project.value(f"SELECT count(*) FROM estimates WHERE wave IN ('{POLL}', '{CLS_2018}')") > 100  # type: ignore[operator]
    assert canaries.in_text(said) == set()
    assert left_by(project) == []


def test_whatever_the_umask_private_things_are_the_owner_s_only(planted: tuple[Project, str]) -> None:
    project = planted[0]
    for folder in (project.workspace.private, project.root / ".dagster"):
        every = [folder, *folder.rglob("*")]
        assert len(every) > 10
        assert {stat.S_IMODE(p.stat().st_mode) for p in every if p.is_dir()} == {0o700}
        assert {stat.S_IMODE(p.stat().st_mode) for p in every if p.is_file()} == {0o600}


def test_whatever_the_umask_a_release_is_for_the_group_to_read(planted: tuple[Project, str]) -> None:
    folder = planted[0].warehouse.parent
    assert {stat.S_IMODE(p.stat().st_mode) for p in folder.rglob("*.duckdb")} == {0o640}
    assert not [p for p in [folder, *folder.rglob("*")] if stat.S_IMODE(p.stat().st_mode) & 0o022]


def test_folders_made_too_open_before_are_closed(project: Project, told: Told) -> None:
    for folder in (project.workspace.private, project.root / ".dagster"):
        folder.chmod(0o755)
    told("run", "--wave", POLL)
    for folder in (project.workspace.private, project.root / ".dagster"):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


# --- what commands say


def test_no_command_shows_a_marker(project: Project, told: Told, tmp_path: Path) -> None:
    poll = project.file(POLL)
    margins = tmp_path / "margins.csv"
    margins.write_text("variable,category,population\nverbatim,x,10\nsex,Male,5\n")
    calls = [
        ["status"], ["status", "--wave", POLL], ["status", "--format", "json"], ["headlines"], ["claims"], ["places"],
        ["inspect", poll], ["inspect", poll, "--columns", "*"], ["inspect", poll, "--format", "json"],
        ["inspect", poll, "--propose", "-"], ["check", poll, "--wave", POLL], ["check", poll, "--wave", CLS_2018],
        ["check", project.file(CLS_2018), "--wave", CLS_2018], ["check", poll, "--wave", CLS_2019],
        ["estimate", poll, "--variable", "q1_group_member", "--counts", "Yes", "--weight", "verbatim"],
        ["estimate", poll, "--variable", "q1_group_member", "--counts", "Yes", "--weight", "respondent_id"],
        ["estimate", poll, "--variable", "verbatim", "--counts", "Yes"],
        ["estimate", poll, "--variable", "started", "--statistic", "mean"],
        ["estimate", poll, "--variable", "sex", "--counts", "Male", "--where", "CAST(verbatim AS INTEGER) > 1"],
        ["estimate", poll, "--variable", "sex", "--counts", "Male", "--stratum", "respondent_id"],
        ["weight", poll, "--margins", margins, "--out", tmp_path / "o.csv"],
        ["weight", poll, "--margins", margins, "--out", tmp_path / "o.csv", "--base", "verbatim"],
    ]  # fmt: skip
    for call in calls:
        code, out, err = told(*call)
        assert canaries.in_text(out + err) == set(), call
        assert code in (0, 1, 2)
    assert left_by(project) == []


SPOILED = {
    "words for a code": (POLL, put(0, "sex", WORDS)),
    "words for a weight": (POLL, put(0, "weight", WORDS)),
    "a date out of the fieldwork": (POLL, put(0, "started", MOMENT.replace("2020", "1997"))),
    "an identifier twice": (POLL, put(1, "respondent_id", ID)),
    "too many set aside": (POLL, lambda frame: frame.assign(hours="0.1").pipe(put(0, "hours", f"{WEIGHT}"))),
    "a number for a code": (CLS_2018, put(0, "sexg", str(SERIAL))),
}


@pytest.mark.parametrize("fault", SPOILED)
def test_a_spoiled_file_fails_without_a_word_of_it(
    project: Project, told: Told, caplog: pytest.LogCaptureFixture, fault: str
) -> None:
    wave, edit = SPOILED[fault]
    edit_text(project.file(wave), edit)
    before = project.warehouse.read_bytes()
    with caplog.at_level(logging.DEBUG):
        code, out, err = told("run", "--wave", wave)
    assert code == 1
    assert f"FAILED {wave}" in err
    assert canaries.in_text(out + err + caplog.text + "".join(told("status")[1:])) == set()
    assert left_by(project) == []
    assert project.warehouse.read_bytes() != before or "left as it is" in err


# --- a fault at every stage


def stages() -> list[tuple[str, Any, str]]:
    """Return every library function that an asset calls, as their source has it: the asset, the module, the name."""
    tree = ast.parse(Path(assets.__file__).read_text(encoding="utf-8"))
    modules = {
        a.name for node in tree.body
        if isinstance(node, ast.ImportFrom) and node.module == "engagement_stats" for a in node.names
    }  # fmt: skip
    found = [
        (asset.name, importlib.import_module(f"engagement_stats.{node.func.value.id}"), node.func.attr)
        for asset in tree.body
        if isinstance(asset, ast.FunctionDef) and "dg.asset" in map(_decorator, asset.decorator_list)
        for node in ast.walk(asset)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Name) and node.func.value.id in modules
    ]  # fmt: skip
    return list(dict.fromkeys(found))


def _decorator(node: ast.expr) -> str:
    return ast.unparse(node.func if isinstance(node, ast.Call) else node)


def faults() -> list[tuple[str, Any, str]]:
    """Return where to put a fault: everywhere when asked for, else at the first and the last call of each asset."""
    every = stages()
    own = [("any", store_module.Store, name) for name in ("write", "finish", "take")]
    if not os.environ.get(THOROUGH):
        of = {asset: [s for s in every if s[0] == asset] for asset, _, _ in every}
        every = list(dict.fromkeys(s for calls in of.values() for s in (calls[0], calls[-1])))
        own = own[:1]
    return [*every, *own, ("any", assets, "_preview"), ("any", assets.Current, "stacked")]


def spill(*_: object, **__: object) -> None:
    """Fail as libraries do: the message quotes a cell, the cause another, and a note a third."""
    try:
        pd.Series([ID]).astype(float)
    except ValueError as cause:
        error = RuntimeError(f"could not convert {WORDS!r} at {MOMENT}", WEIGHT)
        error.add_note(str(SERIAL))
        raise error from cause


def test_a_fault_at_any_stage_shows_its_kind_and_place_and_no_value(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    project = make(tmp_path / "home", adults=60, poll=400).with_catalogue(tmp_path / "catalogue")
    canaries.plant(project)
    for wave in (CLS_2018, CLS_2019):
        project.file(wave).unlink()
    reached = []
    for asset, place, name in faults():
        if asset not in TOGETHER:  # those of the release need no wave built anew
            shutil.rmtree(project.workspace.private, ignore_errors=True)
        project.warehouse.unlink(missing_ok=True)
        hit: list[str] = []

        def fault(*_: object, _hit: list[str] = hit, _name: str = name, **__: object) -> None:
            _hit.append(_name)
            spill()

        with pytest.MonkeyPatch.context() as patch, caplog.at_level(logging.DEBUG):
            patch.setattr(place, name, fault)
            wave = FIGURES if asset == "published_estimates" else POLL
            code, out, err = Told(project, capsys, patch)("run", "--wave", wave)
        if hit:
            reached.append(asset)
            assert code == 1 or name in AFTERWARDS, name
            assert canaries.in_text(out + err) == set(), name
    assert set(reached) >= {asset for asset, _, _ in stages()}
    assert "Traceback" not in caplog.text
    assert canaries.in_text(caplog.text) == set()
    assert left_by(project) == []


# --- installing


def test_an_installation_takes_what_the_lock_names_by_its_hash_and_builds_nothing() -> None:
    """That every requirement has a hash is held in test_repository."""
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    installs = [line for line in text.splitlines() if "pip install" in line]
    assert len(installs) == 2
    for line in installs:
        assert {"--require-hashes", "--only-binary :all:"} <= set(re.findall(r"--\S+(?: :all:)?", line)) or (
            # Our own source, with what it needs there already.
            "--no-deps --no-build-isolation --editable ." in line
        )


# --- pickles


PROGRAM = """
import sys
import pipelines.run
from engagement_stats.cli import main

def look(event, found):
    # Raised for every class a pickle names, whichever way it is loaded.
    if event == "pickle.find_class":
        raise SystemExit(f"a pickle was loaded: {found}")

sys.addaudithook(look)
if "--prove" in sys.argv:
    import pickle
    pickle.loads(pickle.dumps(main))
sys.exit(main(["run", "--wave", sys.argv[1]]))
"""


class Bomb:
    """What runs a command when it is unpickled."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[Any, ...]:
        return (os.mkdir, (str(self.marker),))


def run_watched(project: Project, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", PROGRAM, *arguments], cwd=project.root, env=project.environment(), capture_output=True,
        text=True, timeout=240, check=False,
    )  # fmt: skip


def pickles(folder: Path) -> list[Path]:
    """Return the files that begin as pickles of protocol 2 and later do."""
    begin = tuple(bytes([0x80, protocol]) for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1))
    return [p for p in folder.rglob("*") if p.is_file() and p.read_bytes()[:2] in begin]


def test_a_planted_pickle_is_not_loaded_and_none_is_written(project: Project, tmp_path: Path) -> None:
    marker, written = tmp_path / "loaded", [project.root / ".dagster" / "storage" / a for a in ("weights", "responses")]
    for path in written:
        (path / POLL).parent.mkdir(parents=True)
        (path / POLL).write_bytes(pickle.dumps(Bomb(marker)))
    assert len(pickles(project.root)) == len(written)
    edit_text(project.file(POLL), lambda frame: frame.iloc[:-1])
    done = run_watched(project, POLL)
    assert done.returncode == 0, done.stderr
    assert "1 wave(s) built" in done.stderr
    assert not marker.exists()
    assert sorted(p.parent for p in pickles(project.root)) == sorted(written)
    proved = run_watched(project, POLL, "--prove")
    assert "a pickle was loaded" in proved.stderr


# --- what a killed run leaves


@pytest.fixture
def killed(project: Project, tmp_path: Path) -> Iterator[tuple[Project, Path]]:
    """Return a project whose run was killed while a child was reading a file, and its folder of temporary files."""
    (tmp_path / "stuck").mkdir()
    (tmp_path / "stuck" / "stuck_reader.py").write_text(
        "import time\nfrom engagement_stats.readers import worker\n"
        f"def main(job, answer, data):\n    worker.main(job, answer, data)\n    data.flush()\n"
        f"    open({str(tmp_path / 'read')!r}, 'w').close()\n    time.sleep(60)\n"
    )
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    edit_text(project.file(POLL), lambda frame: frame.iloc[:-1])
    environment = project.environment({"TMPDIR": str(temporary), "PYTHONPATH": os.pathsep.join(
        [str(tmp_path / "stuck"), *os.environ.get("PYTHONPATH", "").split(os.pathsep)])})  # fmt: skip
    program = (
        "import sys; from engagement_stats import ingest, cli; ingest.READER = 'stuck_reader'; "
        f"sys.exit(cli.main(['run', '--wave', '{POLL}']))"
    )
    running = subprocess.Popen([sys.executable, "-c", program], cwd=project.root, env=environment,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # fmt: skip
    try:
        _until((tmp_path / "read").exists)
    finally:
        running.kill()
        running.wait()
    yield project, temporary


def _until(holds: Callable[[], bool], seconds: float = 60) -> None:
    import time

    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_a_run_killed_while_reading_leaves_nothing(killed: tuple[Project, Path]) -> None:
    project, temporary = killed
    assert list(temporary.iterdir()) == []
    assert left_by(project) == []
    done = command(project, "run", "--wave", POLL)
    assert done.returncode == 0, done.stderr
    assert "1 wave(s) built" in done.stderr


def test_what_a_killed_run_left_half_written_goes_with_the_next_and_status_shows_none_of_it(
    project: Project, told: Told
) -> None:
    before = told("status", "--format", "json")
    wave = project.workspace.private / POLL
    build = next(p for p in wave.iterdir() if p.is_dir())
    half = wave / "0123456789abcdef"
    half.mkdir()
    scraps = [build / ".raw.parquet-x1y2", wave / ".json-x1y2", wave.parent / ".digests-x1y2", half / "raw.parquet"]
    for scrap in scraps:
        scrap.write_text(WORDS)
    assert told("status", "--format", "json") == before
    assert "Nothing changed" in told("run", "--wave", POLL)[2]
    assert [p for p in [*scraps, half] if p.exists()] == []
