"""Every release is kept, put in place whole, and can be gone back to; a reader never sees anything else."""

import io
import json
import os
import stat
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import duckdb
import pandas as pd
import pytest
import released

from engagement_stats import catalogue, cli, contents, manifest, publish, releases, shelf, show
from engagement_stats.errors import PublishError, UsageError

Frames = dict[str, pd.DataFrame]
# Publications under two readers: a few in every run of the tests, fifty when asked for.
PUBLISHED = 50 if os.environ.get("ENGAGEMENT_STATS_THOROUGH") else 6


@pytest.fixture
def frames(small: catalogue.Catalogue) -> Frames:
    return released.frames(small)


@pytest.fixture
def warehouse(tmp_path: Path) -> Path:
    return tmp_path / "warehouse" / "engagement_stats.duckdb"


@pytest.fixture
def unmasked() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


def put(frames: Frames, release: str, warehouse: Path, keep: int = 10) -> manifest.Manifest:
    return releases.put_in_place(frames, release, warehouse, replaces=releases.current_release(warehouse), keep=keep)


def real(frames: Frames, estimate: float) -> Frames:
    return {**frames, "estimates": frames["estimates"].assign(estimate=estimate)}


def invented(frames: Frames) -> Frames:
    return {**frames, "runs": frames["runs"].assign(is_synthetic=True)}


def lying(warehouse: Path) -> set[str]:
    return {str(p.relative_to(warehouse.parent)) for p in warehouse.parent.rglob("*") if p.is_file()}


# --- kept


def test_a_release_is_in_place_and_kept_with_its_manifest(frames: Frames, warehouse: Path) -> None:
    put(frames, "r1", warehouse)
    made = put(real(frames, 0.41), "r2", warehouse)
    assert publish.current_release(warehouse) == "r2"
    kept = {"releases/r1.duckdb", "releases/r1.json", "releases/r2.duckdb", "releases/r2.json"}
    assert lying(warehouse) == {"engagement_stats.duckdb", "releases/log.csv", "releases/.lock", *kept}
    assert [x.release_id for x in releases.kept(warehouse)] == ["r2", "r1"]
    assert made == releases.find(warehouse, "r2")
    told = json.loads((warehouse.parent / "releases" / "r2.json").read_text(encoding="utf-8"))
    assert told == asdict(made)
    assert told["previous"] == "r1"
    assert told["changes"] == {"added": 0, "changed": 2, "removed": 0}
    assert told["counts"]["estimates"] == 2
    assert told["inputs"] == {"poll_2020": "f"}
    assert told["failed_waves"] == {"poll_2019": "why"}
    assert told["libraries"]["duckdb"] == duckdb.__version__
    assert told["digests"] == contents.digests(warehouse)
    for name in ("code_version", "commit_id", "lock_digest", "catalogue_digest"):
        assert told[name] == frames["runs"][name].iloc[0], name


def test_a_number_leads_to_everything_it_was_made_from(frames: Frames, warehouse: Path) -> None:
    put(frames, "r1", warehouse)
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        row = connection.execute(
            "SELECT code_version, commit_id, lock_digest, catalogue_digest, input_digests FROM estimates JOIN runs "
            "USING (release_id) WHERE domain = 'all'"
        ).fetchone()
    assert row is not None
    version, commit, lock, digest, inputs = row
    assert version.startswith("0.")
    assert commit is None or len(commit.removesuffix("+changes")) == 40
    assert len(lock) == len(digest) == 64
    assert json.loads(inputs) == {"poll_2020": "f"}


def test_the_current_file_is_a_copy_so_nothing_done_to_it_reaches_what_is_kept(frames: Frames, warehouse: Path) -> None:
    put(frames, "r1", warehouse)
    with duckdb.connect(str(warehouse)) as connection:
        connection.execute("UPDATE claims SET sentence = 'Mine.'")
    assert releases.find(warehouse, "r1").describes(releases.path_of(warehouse, "r1"))
    put(frames, "r1", warehouse)
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        assert connection.execute("SELECT sentence FROM claims").fetchall() == [("S.",)]


@pytest.mark.usefixtures("unmasked")
def test_files_are_for_owner_and_group_whatever_the_umask(frames: Frames, warehouse: Path) -> None:
    for mask in (0, 0o077):
        os.umask(mask)
        put(frames, f"r{mask}", warehouse)
        for path in warehouse.parent.rglob("*"):
            wanted = 0o750 if path.is_dir() else 0o600 if path.name == ".lock" else 0o640
            assert stat.S_IMODE(path.stat().st_mode) == wanted, path
        assert stat.S_IMODE(warehouse.parent.stat().st_mode) == 0o750


def test_two_released_files_in_one_folder_keep_their_releases_apart(frames: Frames, tmp_path: Path) -> None:
    for name in ("a.duckdb", "b.duckdb"):
        put(frames, "r1", tmp_path / name)
    assert {p.name for p in tmp_path.iterdir() if p.is_dir()} == {"a_releases", "b_releases"}


def test_a_release_made_before_any_was_kept_is_kept_too(frames: Frames, warehouse: Path) -> None:
    publish.build(frames, "r1", warehouse)
    put(real(frames, 0.41), "r2", warehouse)
    assert [x.release_id for x in releases.kept(warehouse)] == ["r2", "r1"]
    assert releases.roll_back(warehouse, "r1", "why").release_id == "r1"


def test_only_the_newest_are_kept_and_never_too_few(frames: Frames, warehouse: Path) -> None:
    put(frames, "r0", warehouse)
    for i in range(1, 6):
        put(invented(real(frames, 0.4 + i / 200)), f"r{i}", warehouse, keep=2)
    # The newest two, and the newest of real respondents.
    assert {x.release_id for x in releases.kept(warehouse)} == {"r5", "r4", "r0"}
    releases.roll_back(warehouse, "r0", "why")
    assert releases.retain(warehouse, 0) == ["r4"]
    assert publish.current_release(warehouse) == "r0"
    assert releases.previous(warehouse) == "r5"
    assert {x.release_id for x in releases.kept(warehouse)} == {"r5", "r0"}


def test_one_name_is_one_content(frames: Frames, warehouse: Path) -> None:
    put(frames, "r1", warehouse)
    first = releases.path_of(warehouse, "r1").read_bytes()
    put(frames, "r1", warehouse)
    assert releases.path_of(warehouse, "r1").read_bytes() == first
    with pytest.raises(PublishError, match=r"r1: the same inputs gave other numbers .*\(estimates\)"):
        put(real(frames, 0.41), "r1", warehouse)
    assert releases.path_of(warehouse, "r1").read_bytes() == first
    assert not list(warehouse.parent.rglob("*.new*"))
    # A damaged one is none, and the one in place with it.
    for file in (releases.path_of(warehouse, "r1"), warehouse):
        file.write_bytes(first[:5000])
    put(real(frames, 0.41), "r1", warehouse)
    assert releases.find(warehouse, "r1").describes(warehouse)


# --- names


def test_a_release_is_found_by_name_prefix_and_place(frames: Frames, warehouse: Path) -> None:
    for i, name in enumerate(("ra11", "rab2", "rc33")):
        put(real(frames, 0.4 + i / 200), name, warehouse)
    found = {n: releases.find(warehouse, n).release_id for n in ("ra1", "rab2", "rc", "current", "previous")}
    assert found == {"ra1": "ra11", "rab2": "rab2", "rc": "rc33", "current": "rc33", "previous": "rab2"}
    with pytest.raises(UsageError, match=r"ra: several releases begin so \(rab2, ra11\)"):
        releases.find(warehouse, "ra")
    with pytest.raises(UsageError, match="Did you mean rc33"):
        releases.find(warehouse, "rc34")
    with pytest.raises(UsageError, match="Did you mean current"):
        releases.find(warehouse, "curent")


def test_the_one_before_the_first_is_none(frames: Frames, warehouse: Path) -> None:
    with pytest.raises(UsageError, match="current: there is no such release"):
        releases.find(warehouse, "current")
    put(frames, "r1", warehouse)
    with pytest.raises(UsageError, match="previous: only one release is kept"):
        releases.find(warehouse, "previous")


# --- going back


def test_going_back_is_noted_and_holds(frames: Frames, warehouse: Path) -> None:
    put(frames, "r1", warehouse)
    put(real(frames, 0.41), "r2", warehouse)
    releases.roll_back(warehouse, "previous", "The weights\nwere wrong.")
    assert publish.current_release(warehouse) == "r1"
    assert contents.digests(warehouse) == releases.find(warehouse, "r1").digests
    line = releases.log(warehouse)[-1]
    assert (line["action"], line["release"], line["replaced"]) == ("rolled back", "r1", "r2")
    assert line["reason"] == "The weights were wrong."
    assert line["by"]
    assert set(releases.withdrawn(warehouse)) == {"r2"}
    said = releases.gone_back(line)
    assert "went back from it to r1" in said
    assert ': "The weights were wrong." It is not published' in said
    assert ': "wrong weights". It is not published' in releases.gone_back({**line, "reason": "wrong weights"})
    assert ": No reason was given. It is not published" in releases.gone_back({**line, "reason": releases.UNSAID})
    # Forward again is going back from r1; asking for one lifts it.
    releases.roll_back(warehouse, "r2", "They were right.")
    assert set(releases.withdrawn(warehouse)) == {"r1"}
    releases.allow_again(warehouse, "r1", "After all.")
    assert releases.withdrawn(warehouse) == {}


def test_there_is_nothing_to_go_back_to_in_place_or_in_pieces(frames: Frames, warehouse: Path) -> None:
    put(frames, "r1", warehouse)
    put(real(frames, 0.41), "r2", warehouse)
    with pytest.raises(UsageError, match="r2: it is the release in place"):
        releases.roll_back(warehouse, "current", "why")
    with duckdb.connect(str(releases.path_of(warehouse, "r1"))) as connection:
        connection.execute("UPDATE estimates SET ci_upper = 0.45")
    with pytest.raises(PublishError, match="does not hold what its manifest says"):
        releases.roll_back(warehouse, "r1", "why")
    assert publish.current_release(warehouse) == "r2"
    assert releases.withdrawn(warehouse) == {}


# --- the command


def test_the_command_lists_compares_and_goes_back(
    frames: Frames, warehouse: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def told(*arguments: str) -> tuple[int, str, str]:
        code = cli.main(["releases", *arguments, "--warehouse", str(warehouse)])
        return code, *capsys.readouterr()

    code, _, err = told("list")
    assert (code, "No release is kept" in err) == (0, True)
    put(frames, "r1", warehouse)
    put(real(frames, 0.41), "r2", warehouse)
    _, out, _ = told("list")
    assert [x in out for x in ("current", "2 changed", "first")] == [True] * 3
    rows = json.loads(told("list", "--format", "json")[1])
    assert [(r["release"], r["stands"], r["waves"], r["estimates"], r["changes"]) for r in rows] == [
        ("r2", "current", 1, 2, "2 changed"), ("r1", "", 1, 2, "first"),
    ]  # fmt: skip
    _, out, _ = told("diff")
    assert "estimates: 2 values changed" in out
    assert "0.41" in out
    changes = pd.read_csv(io.StringIO(told("diff", "r1", "r2", "--format", "csv")[1]))
    assert changes[["column", "old", "new"]].values.tolist() == [["estimate", 0.4, 0.41]] * 2
    assert "Nothing differs." in told("diff", "r1", "r1")[1]
    assert told("rollback", "r1", "--reason", " ")[0] == 2
    code, _, err = told("rollback", "previous", "--reason", "Wrong weights.")
    assert code == 0
    assert "is release r1" in err
    assert told("rollback", "r2")[0] == 0
    assert [x["reason"] for x in releases.log(warehouse)][-2:] == ["Wrong weights.", "No reason was given."]
    assert told("rollback", "r1")[0] == 0
    assert "gone back from" in told("list")[1]
    code, _, err = told("diff", "r9")
    assert code == 2
    assert "not a kept release" in err


def test_the_difference_of_long_texts_is_shown(
    frames: Frames, warehouse: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[pd.DataFrame] = []
    monkeypatch.setattr(show, "frame", lambda data, *_, **__: shown.append(data))

    def told(release: str, sentence: str) -> tuple[str, str, bool]:
        put({**frames, "claims": frames["claims"].assign(sentence=sentence)}, release, warehouse)
        if release == "r1":
            return "", "", False
        assert cli.main(["releases", "diff", "--warehouse", str(warehouse)]) == 0
        row = shown[-1].iloc[0]
        return row["old"], row["new"], "--format csv gives them whole" in capsys.readouterr().err

    before, after = "In 2018-19, about the same. " * 5, " This is indicative, so decide with care." * 3
    told("r1", f"{before}36 per cent agreed.{after}")
    old, new, pointed = told("r2", f"{before}41 per cent agreed.{after}")
    assert old == "…bout the same. 36 per cent agreed. This is indicative, so …"
    assert new == "…bout the same. 41 per cent agreed. This is indicative, so …"
    assert pointed
    # One that ends where the other goes on shows its end.
    old, new, pointed = told("r3", f"{before}41 per cent agreed.")
    assert old == "…er cent agreed. This is indicative, so decide with care. T…"
    assert (new[0], new[-19:]) == ("…", "41 per cent agreed.")
    assert pointed
    assert told("r4", "Short.")[1:] == ("Short.", True)
    assert told("r5", "Shorter.") == ("Short.", "Shorter.", False)


def test_nothing_is_before_the_only_release(
    frames: Frames, warehouse: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    put(frames, "r1", warehouse)
    assert cli.main(["releases", "diff", "--warehouse", str(warehouse)]) == 2
    assert "error: previous: only one release is kept (r1); there is nothing before it." in capsys.readouterr().err


# --- one writer, any number of readers


def test_a_late_writer_does_not_publish_over_a_newer_release(frames: Frames, warehouse: Path) -> None:
    put(frames, "r1", warehouse)
    put(real(frames, 0.41), "r2", warehouse)
    # An orphan of a killed run, that read its frames while r1 stood.
    with pytest.raises(PublishError, match="r2 was put in place while this one"):
        releases.put_in_place(real(frames, 0.42), "r3", warehouse, replaces="r1", keep=10)
    assert publish.current_release(warehouse) == "r2"
    assert not releases.path_of(warehouse, "r3").exists()


def test_a_log_of_somebody_who_wrote_in_the_file_does_not_shut_the_next(frames: Frames, warehouse: Path) -> None:
    put(frames, "r1", warehouse)
    warehouse.with_name(warehouse.name + ".wal").write_bytes(b"stale")
    releases.roll_back(warehouse, "r1", "x") if publish.current_release(warehouse) != "r1" else None
    put(real(frames, 0.41), "r2", warehouse)
    assert publish.current_release(warehouse) == "r2"
    assert not list(warehouse.parent.rglob("*.wal"))


def test_what_killed_ones_left_is_cleared_away(frames: Frames, warehouse: Path) -> None:
    put(frames, "r1", warehouse)
    place = releases.folder(warehouse)
    scraps = [
        place / ".r9.new", place / "..r9.new.77.building", place / ".log.csv.writing", place / ".r9.duckdb.writing",
        warehouse.with_name(f".{warehouse.name}.writing"), warehouse.with_name(f".{warehouse.name}.4.building"),
    ]  # fmt: skip
    for scrap in scraps:
        scrap.write_bytes(b"half")
    put(real(frames, 0.41), "r2", warehouse)
    assert not any(s.exists() for s in scraps)
    assert [x.release_id for x in releases.kept(warehouse)] == ["r2", "r1"]


@pytest.mark.parametrize("step", ["build", "copyfile", "sync", "replace"])
def test_a_full_disk_leaves_the_release_and_nothing_else(
    frames: Frames, warehouse: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    put(frames, "r1", warehouse)
    before = lying(warehouse)

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    target = {"copyfile": shelf.shutil, "sync": publish, "build": publish, "replace": Path}[step]  # type: ignore[attr-defined]
    with monkeypatch.context() as patch:
        patch.setattr(target, step, full)
        with pytest.raises(PublishError) as caught:
            put(real(frames, 0.41), "r2", warehouse)
    assert caught.value.__suppress_context__
    assert publish.current_release(warehouse) == "r1"
    assert lying(warehouse) - before <= {"releases/r2.duckdb", "releases/r2.json"}
    put(real(frames, 0.41), "r2", warehouse)
    assert publish.current_release(warehouse) == "r2"


READER = """
import sys, time
import duckdb
from pathlib import Path
warehouse, stop = sys.argv[1], Path(sys.argv[2])
seen, queries = set(), 0
while not stop.exists():
    with duckdb.connect(warehouse, read_only=True) as c:
        tables = [t for (t,) in c.execute("SELECT table_name FROM duckdb_tables()").fetchall()]
        union = " UNION ALL ".join(f"SELECT release_id FROM {t}" for t in tables)
        ids = c.execute(f"SELECT DISTINCT release_id FROM ({union})").fetchall()
        value = c.execute("SELECT min(estimate), max(estimate), count(*) FROM estimates").fetchone()
        assert len(ids) == 1, ids
        number = int(ids[0][0][1:])
        assert value == (0.37 + number / 2000, 0.37 + number / 2000, 2), (ids, value)
        assert c.execute("SELECT count(*) FROM headline_table").fetchone() == (1,)
        seen.add(number)
        queries += 4
print(len(seen), queries)
"""


def test_readers_see_whole_releases_only_while_others_are_published(
    frames: Frames, warehouse: Path, tmp_path: Path
) -> None:
    put(real(frames, 0.37), "r0", warehouse)
    stop = tmp_path / "stop"
    command = [sys.executable, "-c", textwrap.dedent(READER), str(warehouse), str(stop)]
    readers = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    try:
        for i in range(1, PUBLISHED + 1):
            put(real(frames, 0.37 + i / 2000), f"r{i}", warehouse)
            time.sleep(0.02)
    finally:
        stop.touch()
        said = [r.communicate(timeout=60) for r in readers]
    assert [r.returncode for r in readers] == [0, 0], said
    for out, _ in said:
        seen, queries = map(int, out.split())
        assert seen > 1
        assert queries > PUBLISHED
    if PUBLISHED >= 50:
        sys.stderr.write(f"readers: {said}\n")
    assert len(releases.kept(warehouse)) == min(PUBLISHED + 1, 10)
