"""What stands where a release should be: ours, somebody else's, locked, damaged; and what is done about each."""

import json
import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import duckdb
import pandas as pd
import pytest
import released
from released import ESTIMATE, table

from engagement_stats import catalogue, cli, corrections, manifest, opening, publish, releases
from engagement_stats.catalogue import model as m
from engagement_stats.errors import (
    DamagedReleaseError,
    ForeignFileError,
    LockedReleaseError,
    PublishError,
    UsageError,
)
from engagement_stats.workspace import Workspace
from pipelines import run as pipeline
from pipelines.run import Decision

Frames = dict[str, pd.DataFrame]
FIRST, SECOND, THIRD = (f"r{x * 16}" for x in "abc")
DOCX = b"PK\x03\x04" + b"somebody's thesis" * 100
BAD_DUCKDB = b"\0" * 8 + b"DUCK" + b"\xff" * 5000


@pytest.fixture
def rules(packaged: catalogue.Catalogue) -> m.ReleaseRules:
    return packaged.rules.releases


@pytest.fixture
def frames(small: catalogue.Catalogue) -> Frames:
    return released.frames(small)


def put(frames: Frames, release: str, warehouse: Path, estimate: float = 0.4) -> manifest.Manifest:
    given = {**frames, "estimates": frames["estimates"].assign(estimate=estimate)}
    return releases.put_in_place(given, release, warehouse, replaces=releases.current_release(warehouse), keep=10)


_made: list[Path] = []


def made(frames: Frames, factory: pytest.TempPathFactory) -> Path:
    """Make a warehouse with two releases, once a process. Not to be changed: tests copy it."""
    if not _made:
        warehouse = factory.mktemp("two") / "warehouse" / "engagement_stats.duckdb"
        without = {**frames, "corrections": table("corrections")}
        put(without, FIRST, warehouse)
        put(without, SECOND, warehouse, 0.41)
        _made.append(warehouse)
    return _made[0]


@pytest.fixture
def warehouse(frames: Frames, tmp_path_factory: pytest.TempPathFactory, tmp_path: Path) -> Path:
    two = made(frames, tmp_path_factory)
    shutil.copytree(two.parent, tmp_path / "warehouse")
    return tmp_path / "warehouse" / two.name


def lying(folder: Path) -> dict[str, bytes]:
    """Return the files below a folder, but the lock."""
    found = [p for p in folder.rglob("*") if p.is_file() and p.name != ".lock"]
    return {str(p.relative_to(folder)): p.read_bytes() for p in found}


@contextmanager
def held_open(path: Path) -> Iterator[None]:
    """Open a file for writing in another process meanwhile."""
    script = "import duckdb, sys\nc = duckdb.connect(sys.argv[1])\nprint('open', flush=True)\nsys.stdin.read()"
    command = [sys.executable, "-c", script, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "open\n"
        try:
            yield
        finally:
            process.kill()


def own_database(path: Path) -> None:
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE TABLE runs (loss DOUBLE)")


def damage(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:5000])


def actions(warehouse: Path) -> list[tuple[str, str, str]]:
    return [(x["action"], x["release"], x["replaced"]) for x in releases.log(warehouse)]


# --- somebody else's


@pytest.mark.parametrize(
    ("make", "error"),
    [
        (lambda p: p.write_bytes(DOCX), ForeignFileError),
        (lambda p: p.write_text("x"), ForeignFileError),
        (own_database, ForeignFileError),
        (lambda p: p.mkdir(), ForeignFileError),
        (os.mkfifo, ForeignFileError),
        # Of a file of DuckDB that cannot be read nothing tells whose it is.
        (lambda p: p.write_bytes(BAD_DUCKDB), DamagedReleaseError),
    ],
    ids=["docx", "text", "database", "folder", "pipe", "damaged"],
)
def test_what_is_not_ours_is_not_replaced(
    frames: Frames, tmp_path: Path, make: Callable[[Path], object], error: type[PublishError]
) -> None:
    file = tmp_path / "mine.docx"
    make(file)
    before = lying(tmp_path)
    for attempt in (
        lambda: releases.ready(file),
        lambda: releases.put_in_place(frames, FIRST, file, replaces=None, keep=2),
        lambda: releases.allow_again(file, FIRST, "why"),
        lambda: releases.roll_back(file, "previous", "why"),
    ):
        with pytest.raises(error, match=r"mine.docx: "):
            attempt()
    assert lying(tmp_path) == before
    assert [p.name for p in tmp_path.iterdir()] == ["mine.docx"]


def test_where_we_published_somebody_else_s_file_is_not_replaced_either(frames: Frames, warehouse: Path) -> None:
    warehouse.write_bytes(DOCX)
    with pytest.raises(ForeignFileError, match="Name another with --warehouse, or move it away"):
        put(frames, THIRD, warehouse)
    assert warehouse.read_bytes() == DOCX


def test_a_run_refuses_before_it_builds_anything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data, file = tmp_path / "data" / "landing", tmp_path / "thesis.docx"
    data.mkdir(parents=True)
    file.write_bytes(DOCX)
    workspace = Workspace(tmp_path, data, tmp_path / "private", file)
    monkeypatch.setattr(pipeline, "_execute", lambda *_: pytest.fail("something was built"))
    with pytest.raises(ForeignFileError):
        pipeline.run(workspace)
    assert file.read_bytes() == DOCX


def test_a_link_stays_one_and_what_it_leads_to_is_exchanged(
    frames: Frames, warehouse: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = tmp_path / "link.duckdb"
    link.symlink_to(warehouse)
    assert Workspace.at(warehouse=link).warehouse == warehouse.resolve()
    put(frames, THIRD, link)
    assert link.is_symlink()
    assert publish.current_release(warehouse) == THIRD


# --- locked


@pytest.mark.parametrize("command", [["headlines"], ["claims"], ["export", "--out", "x"], ["releases", "diff"],
                                     ["brief", "--template", "t.md", "--out", "b.md"]], ids=lambda c: c[0])  # fmt: skip
def test_a_lock_is_called_one(
    warehouse: Path, tmp_path: Path, command: list[str], capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    Path("t.md").write_text("{{ x }}")
    locked = releases.path_of(warehouse, FIRST) if command[0] == "releases" else warehouse
    with held_open(locked):
        assert cli.main([*command, "--warehouse", str(warehouse)]) == 1
    err = capsys.readouterr().err
    assert f"{locked}: it is open for writing in another program (python" in err
    assert "Close it there" in err
    assert "not a release" not in err


def test_while_the_release_is_locked_the_log_says_which_it_is(
    frames: Frames, warehouse: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with held_open(warehouse):
        assert cli.main(["releases", "list", "--format", "json", "--warehouse", str(warehouse)]) == 0
        rows = json.loads(capsys.readouterr().out)
        assert {r["release"]: r["stands"] for r in rows} == {SECOND: "current", FIRST: ""}
        command = ["releases", "rollback", "previous", "--reason", "Wrong.", "--warehouse", str(warehouse)]
        assert cli.main(command) == 0
        assert f"{SECOND} stays in" in capsys.readouterr().err
    assert publish.current_release(warehouse) == FIRST
    assert set(releases.withdrawn(warehouse)) == {SECOND}
    with held_open(warehouse):
        put(frames, THIRD, warehouse)
    assert actions(warehouse)[-1] == ("published", THIRD, FIRST)


def test_a_locked_file_of_which_nothing_is_known_is_left_alone(frames: Frames, warehouse: Path) -> None:
    shutil.rmtree(releases.folder(warehouse))
    with held_open(warehouse), pytest.raises(LockedReleaseError):
        put(frames, THIRD, warehouse)
    assert not releases.folder(warehouse).exists()


# --- damaged


@pytest.mark.parametrize("harm", [damage, lambda p: p.write_bytes(b""), lambda p: p.write_bytes(BAD_DUCKDB)])
def test_a_damaged_release_is_put_back_from_its_kept_copy(warehouse: Path, harm: Callable[[Path], object]) -> None:
    harm(warehouse)
    with pytest.raises(DamagedReleaseError):
        publish.current_release(warehouse)
    found = releases.ready(warehouse)
    assert found == publish.Standing(SECOND, False, ("poll_2020",))
    assert releases.find(warehouse, SECOND).describes(warehouse)


def test_going_back_from_a_damaged_release_withdraws_it(warehouse: Path) -> None:
    for file in (warehouse, releases.path_of(warehouse, SECOND)):
        damage(file)
    assert releases.current(warehouse) == publish.Standing(SECOND, False, ("poll_2020",), is_damaged=True)
    releases.roll_back(warehouse, "previous", "Broken.")
    assert actions(warehouse)[-1] == ("rolled back", FIRST, SECOND)
    assert set(releases.withdrawn(warehouse)) == {SECOND}


def test_a_release_whose_file_is_gone_is_withdrawn_too(warehouse: Path) -> None:
    warehouse.unlink()
    releases.roll_back(warehouse, FIRST, "Wrong.")
    assert set(releases.withdrawn(warehouse)) == {SECOND}


def test_a_file_put_back_under_its_own_name_withdraws_nothing(
    warehouse: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    warehouse.unlink()
    command = ["releases", "rollback", SECOND, "--reason", "It was gone.", "--warehouse", str(warehouse)]
    assert cli.main(command) == 0
    assert "stays in" not in capsys.readouterr().err
    assert releases.withdrawn(warehouse) == {}


def test_a_damaged_release_is_built_again_when_no_copy_is_whole(
    frames: Frames, warehouse: Path, rules: m.ReleaseRules
) -> None:
    for file in (warehouse, releases.path_of(warehouse, SECOND)):
        damage(file)
    assert corrections.read(warehouse, rules) == []
    put(frames, SECOND, warehouse, 0.41)
    assert releases.find(warehouse, SECOND).describes(warehouse)
    assert releases.previous(warehouse) == FIRST


@pytest.mark.parametrize("way", ["back", "on"])
def test_the_last_whole_copy_of_what_stood_is_kept(frames: Frames, warehouse: Path, way: str) -> None:
    kept = releases.path_of(warehouse, SECOND)
    damage(kept)
    if way == "back":
        releases.roll_back(warehouse, FIRST, "Wrong.")
    else:
        put(frames, THIRD, warehouse)
    assert releases.find(warehouse, SECOND).describes(kept)


def test_views_and_macros_are_covered_too(warehouse: Path) -> None:
    kept = releases.path_of(warehouse, FIRST)
    with duckdb.connect(str(kept)) as connection:
        connection.execute("CREATE OR REPLACE VIEW headline_table AS SELECT 99 AS per_cent")
    assert not releases.find(warehouse, FIRST).describes(kept)
    with pytest.raises(PublishError, match="does not hold what its manifest says"):
        releases.roll_back(warehouse, FIRST, "Wrong.")
    # Of a manifest of before, the content is what there is to go by.
    assert replace(releases.find(warehouse, FIRST), file="").describes(kept)


# --- what lies in the folder


def test_what_is_not_ours_in_the_folder_is_left_alone(frames: Frames, warehouse: Path) -> None:
    place = releases.folder(warehouse)
    strange = [place / n for n in ("mine.duckdb", "r1.duckdb", ".notes.new", ".x.writing", "mine.json", "rich.json",
                                   "rich.duckdb", f"{THIRD[:-1]}.duckdb")]  # fmt: skip
    strange += [warehouse.with_name(f".{warehouse.name}.swp"), warehouse.with_name(f".{warehouse.name}.mine")]
    for file in strange:
        file.write_bytes(b"somebody's")
    own_database(place / "own.duckdb")
    (place / f"{FIRST[:-1]}.duckdb").mkdir()
    put(frames, THIRD, warehouse, 0.42)
    assert [p.name for p in strange if p.read_bytes() != b"somebody's"] == []
    assert (place / "own.duckdb").is_file()
    assert [x.release_id for x in releases.kept(warehouse)] == [THIRD, SECOND, FIRST]


def test_a_kept_release_that_lost_its_manifest_gets_it_again(warehouse: Path) -> None:
    before = releases.find(warehouse, FIRST)
    releases.path_of(warehouse, FIRST).with_suffix(".json").unlink()
    releases.allow_again(warehouse, FIRST, "why")
    again = releases.find(warehouse, FIRST)
    assert (again.digests, again.file, again.inputs) == (before.digests, before.file, before.inputs)
    # One that holds another release than its name says does not.
    shutil.copyfile(releases.path_of(warehouse, FIRST), releases.path_of(warehouse, THIRD))
    releases.allow_again(warehouse, FIRST, "why")
    assert {x.release_id for x in releases.kept(warehouse)} == {FIRST, SECOND}


def test_a_folder_in_the_way_is_named(frames: Frames, warehouse: Path) -> None:
    (releases.folder(warehouse) / f"{THIRD}.duckdb").mkdir()
    with pytest.raises(PublishError, match=rf"releases/{THIRD}.duckdb: .*Is a directory"):
        put(frames, THIRD, warehouse)


# --- the log


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"at,by,action,release,replaced,reason\nx,\xe9,published,r1,,\n", "line 2: not text in UTF-8"),
        (b"at;by;action;release;replaced;reason\n", "line 1: the columns are at, by, .* with commas between"),
        (b"at,by,action,release\nx,me,published,r1\n", "line 1: .* lacks some: reason, replaced"),
        (b"at,by,action,release,replaced,reason,at\n", "line 1: .* there twice: at"),
        (b"at,by,action,release,replaced,reason\nx,me,published,r1,,a,b\n", "line 2: more fields than columns"),
        (b"at,by,action,release,replaced,reason\nx,me,published\n", "line 2: not a line of the log"),
        (b"at,by,action,release,replaced,reason\nx,me,put,r1,,\n", "line 2: not a line of the log"),
        (b"at,by,action,release,replaced,reason\nx,me,published,r1,," + b"a" * 200_000 + b"\n", "line 2: not CSV"),
        (b'at,by,action,release,replaced,reason\nx,me,published,r1,,"a\n', "line 2: not CSV"),
        (None, "it is not a file"),
    ],
    ids=["bytes", "semicolons", "columns", "twice", "more", "cut", "action", "long", "quote", "folder"],
)
def test_a_damaged_log_is_named_with_its_line(warehouse: Path, text: bytes | None, said: str) -> None:
    path = releases.folder(warehouse) / releases.LOG
    path.unlink()
    path.mkdir() if text is None else path.write_bytes(text)
    for attempt in (lambda: releases.log(warehouse), lambda: releases.allow_again(warehouse, FIRST, "why")):
        with pytest.raises(PublishError, match=rf"log.csv.*{said}"):
            attempt()
    if text is not None:
        assert path.read_bytes() == text


def test_a_log_saved_by_a_spreadsheet_is_read(warehouse: Path) -> None:
    path = releases.folder(warehouse) / releases.LOG
    path.write_text(path.read_text().replace("\n", "\r\n"), encoding="utf-8-sig")
    assert actions(warehouse) == [("published", FIRST, ""), ("published", SECOND, FIRST)]


def test_what_stands_and_was_not_noted_is_noted_by_the_next(
    frames: Frames, warehouse: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(releases, "_note", full)
        with pytest.raises(PublishError, match="No space left on device"):
            put(frames, THIRD, warehouse)
    assert publish.current_release(warehouse) == THIRD
    releases.ready(warehouse)
    assert actions(warehouse)[-1] == ("published", THIRD, SECOND)


def test_a_release_that_was_never_in_place_is_marked_and_nothing_is_held_against_it(
    frames: Frames, warehouse: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    other = {**frames, "runs": frames["runs"].assign(input_digests='{"poll_2021": "f"}')}
    other["estimates"] = table("estimates", {**ESTIMATE, "wave": "poll_2021"})
    with monkeypatch.context() as patch:
        patch.setattr(releases, "_exchange", full)
        with pytest.raises(PublishError):
            releases.put_in_place(other, THIRD, warehouse, replaces=SECOND, keep=10)
    cli.main(["releases", "list", "--format", "json", "--warehouse", str(warehouse)])
    stands = {r["release"]: r["stands"] for r in json.loads(capsys.readouterr().out)}
    assert stands == {THIRD: "never published", SECOND: "current", FIRST: ""}
    assert corrections.standing(warehouse, ["poll_2021"]).empty
    assert not corrections.standing(warehouse, ["poll_2020"]).empty


# --- manifests


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda d: {**d, "counts": ["estimates"]}, "wrong: counts"),
        (lambda d: {**d, "built_at": 3}, "wrong: built_at"),
        (lambda d: {**d, "inputs": {"w": 1}}, "wrong: inputs"),
        (lambda d: {k: v for k, v in d.items() if k != "digests"}, "wrong: digests"),
        (lambda d: {**d, "release_id": SECOND}, f"it is the manifest of {SECOND}, not of {FIRST}"),
        (lambda _: "[" * 100_000, "wrong: the whole"),
        (lambda _: "\ud800", "wrong: the whole"),
        (lambda _: "", "wrong: the whole"),
    ],
)
def test_a_manifest_that_is_none_is_named(
    warehouse: Path, change: Callable[[dict[str, object]], object], said: str
) -> None:
    path = releases.path_of(warehouse, FIRST).with_suffix(".json")
    changed = change(json.loads(path.read_text(encoding="utf-8")))
    text = changed if isinstance(changed, str) else json.dumps(changed)
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    with pytest.raises(PublishError, match=rf"releases/{FIRST}.json: .*{said}"):
        releases.kept(warehouse)


# --- the ledger


HEADER = ",".join(f for f in corrections.Entry.__dataclass_fields__)
LINE = f"2026-01-31,me,poll_2020,method,Why.,{FIRST},abc,3,,"


def with_count(digits: str) -> bytes:
    return f"{HEADER}\n{LINE}\n".replace(",3,", f",{digits},").encode()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f"{HEADER}\n{LINE}\n".encode() + b"\xff", "line 3: not text in UTF-8"),
        (f"{HEADER}\n{LINE.replace('Why.', 'w' * 200_000)}\n".encode(), "line 2: not CSV"),
        (with_count("\u00b2"), "line 2: estimates is no number"),
        (with_count("\u0663"), "line 2: estimates is no number"),
        (f"{HEADER}\n{LINE.replace('Why.', 'Why, and how.')}\n".encode(), "line 2: more fields than columns"),
        (None, "it is not a file"),
    ],
    ids=["bytes", "long", "superscript", "arabic", "comma", "folder"],
)
def test_a_damaged_ledger_is_named_with_its_line(
    warehouse: Path, rules: m.ReleaseRules, text: bytes | None, said: str
) -> None:
    path = corrections.path(warehouse)
    path.mkdir() if text is None else path.write_bytes(text)
    with pytest.raises(PublishError, match=rf"corrections.csv.*{said}"):
        corrections.read(warehouse, rules)


def test_a_ledger_that_lost_what_is_published_is_refused(
    frames: Frames, warehouse: Path, rules: m.ReleaseRules
) -> None:
    path = corrections.path(warehouse)
    path.write_text(f"{HEADER}\n{LINE}\n")
    entries = corrections.read(warehouse, rules)
    frames["corrections"] = corrections.table(entries, ["poll_2020"])
    put(frames, THIRD, warehouse, 0.42)
    assert corrections.read(warehouse, rules) == entries
    path.unlink()
    with pytest.raises(
        PublishError, match=r"1 entry.ies. are not in it that the release in place tells of, on poll_2020"
    ):
        corrections.read(warehouse, rules)
    # Gone back from, it tells of none.
    releases.roll_back(warehouse, SECOND, "why")
    assert corrections.read(warehouse, rules) == []


def test_what_is_accepted_on_a_disk_that_refuses_is_an_error_of_ours(
    warehouse: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = pd.DataFrame([["w", "i", "d", "l", "estimate", 1.0, 2.0, FIRST]], columns=corrections.CHANGES)
    waiting = [corrections.Held("w", FIRST, rows)]

    def read_only(*_: object, **__: object) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(Path, "write_text", read_only)
    with pytest.raises(PublishError, match=r"could not be written or read .Read-only file system"):
        corrections.accept(warehouse, waiting, [], reason="Why.", kind="method")
    assert not corrections.path(warehouse).exists()


# --- full disks


def test_a_full_disk_is_called_one_while_a_release_is_built(frames: Frames, tmp_path: Path) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))
        with pytest.raises(PublishError, match=r"x.duckdb: .*could not be written \(File too large\)"):
            publish.build(frames, FIRST, tmp_path / "x.duckdb")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(28, "x"), "No space left on device"),
        (duckdb.TransactionException("Failed to commit: Could not write: No space left on device"), "No space left"),
        (duckdb.IOException("a cell's value"), "IOException"),
    ],
)
def test_why_nothing_can_be_written_is_said_in_the_system_s_words(error: Exception, said: str) -> None:
    assert opening.refusal(error).startswith(said)


# --- slips of the keys


def test_going_back_in_a_folder_that_is_not_there_makes_none(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="previous: there is no such release"):
        releases.roll_back(tmp_path / "slip" / "engagement_stats.duckdb", "previous", "why")
    with pytest.raises(UsageError, match="nope: not a kept release"):
        releases.roll_back(tmp_path / "slip" / "x.duckdb", "nope", "why")
    assert list(tmp_path.iterdir()) == []


def test_only_what_there_is_is_suggested(warehouse: Path) -> None:
    with pytest.raises(UsageError, match="Did you mean previous"):
        releases.find(warehouse, "previos")
    releases.path_of(warehouse, FIRST).unlink()
    with pytest.raises(UsageError) as caught:
        releases.find(warehouse, "previos")
    assert "previous" not in str(caught.value)


@pytest.mark.parametrize(
    ("decision", "said"),
    [
        (Decision(again="  "), "--again: the reason is empty"),
        (Decision(small_groups="show"), "--small-groups: it belongs to --accept"),
        (Decision(accept="Why."), "--kind: what sort of change is it"),
        (Decision(accept="Why.", kind="typo"), "--kind: what sort of change is it"),
        (Decision(accept=" ", kind="method"), "--accept: the reason is empty"),
    ],
)
def test_a_decision_that_lacks_something_is_refused_before_anything_is_built(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, decision: Decision, said: str
) -> None:
    data = tmp_path / "data" / "landing"
    data.mkdir(parents=True)
    monkeypatch.setattr(pipeline, "_execute", lambda *_: pytest.fail("something was built"))
    workspace = Workspace(tmp_path, data, tmp_path / "private", tmp_path / "warehouse" / "x.duckdb")
    with pytest.raises(UsageError, match=said):
        pipeline.run(workspace, decision=decision)


def test_a_publication_that_failed_is_no_success_though_it_stands(
    frames: Frames, warehouse: Path, packaged: catalogue.Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = warehouse.parent / "landing"
    data.mkdir()
    everything = dict.fromkeys(packaged.waves)

    def published_but_failed(_: object, job: str, *__: object) -> bool:
        if job == pipeline.automation.release_job.name:
            put(frames, THIRD, warehouse)
        return False

    current = SimpleNamespace(built=everything, failed={}, stale=[], release=THIRD)
    monkeypatch.setattr(pipeline, "Current", lambda *_: current)
    monkeypatch.setattr(pipeline, "_execute", published_but_failed)
    report = pipeline.run(Workspace(warehouse.parent, data, warehouse.parent / "private", warehouse))
    assert report.release == THIRD
    assert set(report.failed) == {"release"}
