"""Private results are the owner's only, whole or absent, and known by what they were made from."""

import json
import os
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from engagement_stats import store as store_module
from engagement_stats.errors import UsageError
from engagement_stats.store import KEPT_BUILDS, MANIFEST, RELEASE, Fingerprint, Store, code_digest

WAVE = "poll_2020"
FRAME = pd.DataFrame({"respondent": ["a", "b"], "w": [1.0, 2.0]})
A, B, C = (Fingerprint(x, "catalogue", "code") for x in ("a", "b", "c"))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "data" / "private")


@pytest.fixture(params=[0o000, 0o022, 0o077], ids=["umask 000", "umask 022", "umask 077"])
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def modes(root: Path) -> dict[str, set[int]]:
    """Return the permissions of all folders and of all files below and with a folder."""
    found: dict[str, set[int]] = {"folders": {stat.S_IMODE(root.stat().st_mode)}, "files": set()}
    for path in root.rglob("*"):
        found["folders" if path.is_dir() else "files"].add(stat.S_IMODE(path.stat().st_mode))
    return found


# --- permissions


@pytest.mark.usefixtures("umask")
def test_everything_written_is_for_the_owner_only(store: Store) -> None:
    store.write(WAVE, A, "responses", FRAME)
    store.write(WAVE, A, "responses", FRAME)
    store.finish(WAVE, A, {})
    store.fail(WAVE, B, "why")
    assert modes(store.root) == {"folders": {0o700}, "files": {0o600}}


@pytest.mark.usefixtures("umask")
@pytest.mark.parametrize("first", ["write", "finish", "fail"])
def test_whatever_is_written_first_makes_private_folders(store: Store, first: str) -> None:
    if first == "write":
        store.write(WAVE, A, "x", FRAME)
    elif first == "finish":
        store.finish(WAVE, A, {})
    else:
        store.fail(WAVE, None, "why")
    assert modes(store.root) == {"folders": {0o700}, "files": {0o600}}


# --- whole or not at all


def test_a_frame_comes_back_as_it_was(store: Store) -> None:
    frame = FRAME.assign(c=pd.Categorical(["x", None], categories=["y", "x"]), n=pd.Series([None, "r"], dtype="str"))
    path = store.write(WAVE, A, "responses", frame)
    assert path == store.folder(WAVE, A) / "responses.parquet"
    pd.testing.assert_frame_equal(store.read(WAVE, A, "responses"), frame)
    assert store.has(WAVE, A, "responses")
    assert not store.has(WAVE, A, "weights")
    assert not store.has(WAVE, B, "responses")


def test_a_failing_write_leaves_the_old_frame_and_no_scrap(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    store.write(WAVE, A, "responses", FRAME)

    def half(self: pd.DataFrame, path: str, **_: object) -> None:
        Path(path).write_bytes(b"half a file")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pd.DataFrame, "to_parquet", half)
    with pytest.raises(OSError, match="No space"):
        store.write(WAVE, A, "responses", FRAME.assign(w=9.0))
    pd.testing.assert_frame_equal(store.read(WAVE, A, "responses"), FRAME)
    assert [p.name for p in store.folder(WAVE, A).iterdir()] == ["responses.parquet"]


def test_a_failing_note_leaves_the_old_one_and_no_scrap(store: Store) -> None:
    store.finish(WAVE, A, {"estimates": 1})
    with pytest.raises(TypeError):
        store.finish(WAVE, A, {"estimates": object()})
    assert store.manifest(WAVE, A)["estimates"] == 1
    assert [p.name for p in store.folder(WAVE, A).iterdir()] == [MANIFEST]


# --- which build is current


def test_a_build_is_complete_once_finished(store: Store) -> None:
    store.write(WAVE, A, "responses", FRAME)
    assert not store.is_complete(WAVE, A)
    assert store.newest(WAVE) is None
    store.finish(WAVE, A, {"estimates": 3})
    assert store.is_complete(WAVE, A)
    assert not store.is_complete(WAVE, B)
    assert store.newest(WAVE) == A
    noted = {"file": "a", "catalogue": "catalogue", "code": "code", "lookups": [], "estimates": 3}
    assert store.manifest(WAVE, A) == noted


def finished_at(store: Store, fingerprint: Fingerprint, second: int) -> None:
    """Finish a build and say when, so that the order does not hang on the clock."""
    store.write(WAVE, fingerprint, "responses", FRAME)
    store.finish(WAVE, fingerprint, {})
    os.utime(store.folder(WAVE, fingerprint) / MANIFEST, (second, second))


def test_the_newest_builds_are_kept_and_older_ones_dropped(store: Store) -> None:
    for second, fingerprint in enumerate((A, B, C), start=1):
        finished_at(store, fingerprint, second)
    assert KEPT_BUILDS == 2
    assert [store.is_complete(WAVE, f) for f in (A, B, C)] == [False, True, True]
    assert not store.folder(WAVE, A).exists()
    assert store.newest(WAVE) == C


def test_finishing_an_old_build_again_makes_it_the_newest(store: Store) -> None:
    finished_at(store, A, 1)
    finished_at(store, B, 2)
    finished_at(store, A, 3)
    assert store.newest(WAVE) == A
    assert store.is_complete(WAVE, B)


def test_a_broken_build_leaves_no_respondent_behind(store: Store) -> None:
    store.write(WAVE, A, "raw", FRAME)  # killed before it finished
    store.write(WAVE, B, "raw", FRAME)
    store.fail(WAVE, B, "why")
    assert not store.folder(WAVE, B).exists()
    store.write(WAVE, C, "raw", FRAME)
    store.finish(WAVE, C, {})
    assert not store.folder(WAVE, A).exists()
    assert store.is_complete(WAVE, C)


def test_other_waves_are_left_alone(store: Store) -> None:
    store.write("poll_2019", A, "responses", FRAME)
    store.finish("poll_2019", A, {})
    for second, fingerprint in enumerate((A, B, C), start=1):
        finished_at(store, fingerprint, second)
    assert store.is_complete("poll_2019", A)


# --- failures


def test_a_failure_is_that_of_one_fingerprint_and_forgotten_on_success(store: Store) -> None:
    assert store.failure(WAVE, A) is None
    store.fail(WAVE, A, "codes unknown")
    assert store.failure(WAVE, A) == "codes unknown"
    assert store.failure(WAVE, B) is None
    assert store.failure(WAVE, None) is None
    store.finish(WAVE, A, {})
    assert store.failure(WAVE, A) is None


def test_a_failure_without_a_fingerprint_is_kept_too(store: Store) -> None:
    store.fail("-release", None, "no disk")
    assert store.failure("-release", None) == "no disk"
    assert json.loads((store.root / "-release" / "failure.json").read_text()) == {"key": None, "message": "no disk"}


# --- fingerprints


def test_each_part_of_a_fingerprint_makes_another_build() -> None:
    base = Fingerprint("f", "c", "x")
    others = [
        Fingerprint("g", "c", "x"),
        Fingerprint("f", "d", "x"),
        Fingerprint("f", "c", "y"),
        Fingerprint(None, "c", "x"),
    ]
    # Parts must not run together: "f" + "cx" is not "fc" + "x".
    others += [Fingerprint("fc", "", "x"), Fingerprint("f", "cx", "")]
    keys = {f.key for f in [base, *others]}
    assert len(keys) == len(others) + 1
    assert base.key == Fingerprint("f", "c", "x").key
    assert len(base.key) == 16
    assert set(base.key) <= set("0123456789abcdef")


def test_the_code_s_digest_is_of_every_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_module.resources, "files", lambda package: tmp_path / package)
    folders = [tmp_path / name for name in ("engagement_stats", "engagement_stats/catalogue", "pipelines", "warehouse")]
    for folder in folders:
        folder.mkdir()
    top, deep, _, warehouse = folders
    seen = {code_digest.__wrapped__()}
    for path, text in (
        (top / "store.py", "a"),
        (deep / "load.py", "b"),
        (deep / "load.py", "c"),
        (warehouse / "schema.sql", "d"),
        (top / "empty.py", ""),
    ):
        path.write_text(text)
        seen.add(code_digest.__wrapped__())
    (deep / "load.py").rename(top / "load.py")
    seen.add(code_digest.__wrapped__())
    assert len(seen) == 7
    # What is not code, such as the catalogue's data, has a digest of its own.
    (deep / "rules.yaml").write_text("x")
    assert code_digest.__wrapped__() in seen
    monkeypatch.setattr(store_module.metadata, "version", lambda library: "another")
    assert code_digest.__wrapped__() not in seen


# --- one at a time, and what killed ones leave


def test_what_is_made_meanwhile_is_the_owner_s_only(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        with store_module.owner_only():
            (tmp_path / "inside").touch()
            (tmp_path / "folder").mkdir()
        (tmp_path / "after").touch()
    finally:
        os.umask(before)
    assert {p.name: stat.S_IMODE(p.stat().st_mode) for p in tmp_path.iterdir()} == {
        "inside": 0o600, "folder": 0o700, "after": 0o644,
    }  # fmt: skip


def test_one_at_a_time(store: Store) -> None:
    with store.alone(), pytest.raises(UsageError, match="a run is under way"), store.alone(wait=False):
        pytest.fail("both are alone")
    with store.alone(wait=False):
        pass
    assert modes(store.root) == {"folders": {0o700}, "files": {0o600}}


def test_a_store_that_was_open_to_others_is_closed(store: Store) -> None:
    store.root.mkdir(parents=True)
    store.root.chmod(0o755)
    with store.alone():
        assert stat.S_IMODE(store.root.stat().st_mode) == 0o700


def test_half_written_files_go_and_those_somebody_writes_stay(store: Store) -> None:
    store.write(WAVE, A, "raw", FRAME)
    store.finish(WAVE, A, {})
    store.write(RELEASE, A, "claims", FRAME)
    store.remember(WAVE, "a", FRAME, "rules", FRAME)
    stays = {p for p in store.root.rglob("*") if p.is_file()}
    for folder in {p.parent for p in stays} - {store.root / WAVE}:
        (folder / ".raw.parquet-dead").write_text("half")
        # Killed after it was made and before the first byte.
        (folder / ".raw.parquet-empty").touch()
    assert len({p for p in store.root.rglob("*") if p.is_file()} - stays) == 8

    def write(path: Path) -> None:
        path.touch()
        store.sweep({WAVE: A})
        assert path.exists()
        path.write_text("half")
        store.sweep({WAVE: A})
        assert path.exists()

    stays.add(store._write(WAVE, A, "x", write))
    assert {p for p in store.root.rglob("*") if p.is_file()} == stays


def test_a_folder_of_somebody_beside_the_builds_stays(store: Store) -> None:
    store.write(WAVE, A, "raw", FRAME)
    store.finish(WAVE, A, {})
    theirs = store.root / WAVE / "notes"
    theirs.mkdir()
    (theirs / "about.txt").write_text("mine")
    (theirs / ".settings").write_text("mine")
    store.sweep({WAVE: A})
    for fingerprint in (B, C):
        store.write(WAVE, fingerprint, "raw", FRAME)
        store.finish(WAVE, fingerprint, {})
    assert sorted(p.name for p in theirs.iterdir()) == [".settings", "about.txt"]
    assert not store.folder(WAVE, A).exists()


def test_a_file_swept_away_before_it_is_held_is_made_again(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    store.write(WAVE, A, "raw", FRAME)
    make = tempfile.mkstemp
    swept: list[bool] = []

    def between(dir: Path, prefix: str) -> tuple[int, str]:
        handle, name = make(dir=dir, prefix=prefix)
        if len(swept) < 2:
            store.sweep({WAVE: A})
            swept.append(Path(name).exists())
        return handle, name

    monkeypatch.setattr(tempfile, "mkstemp", between)
    store.write(WAVE, A, "responses", FRAME)
    assert swept == [False, False]
    assert store.read(WAVE, A, "responses").equals(FRAME)
    assert modes(store.root)["files"] == {0o600}
    assert sorted(p.name for p in store.folder(WAVE, A).iterdir()) == ["raw.parquet", "responses.parquet"]


def test_half_a_build_stays_while_it_can_be_gone_on_with(store: Store) -> None:
    for fingerprint in (A, B):
        store.write(WAVE, fingerprint, "raw", FRAME)
    store.finish("poll_2019", C, {})
    store.write("gone", A, "raw", FRAME)
    store.sweep({WAVE: B, "poll_2019": None, "other": None})
    assert not store.folder(WAVE, A).exists()
    assert store.has(WAVE, B, "raw")
    assert store.is_complete("poll_2019", C)
    assert store.has("gone", A, "raw")  # of no wave we know: for `purge`
    store.sweep({WAVE: None})
    assert not store.folder(WAVE, B).exists()


def test_what_was_published_is_remembered_with_what_was_withheld_under_which_rules(store: Store) -> None:
    def known(rules: str) -> list[tuple[list[int], list[int] | None]]:
        found = store.remembered(WAVE, rules)
        return [(list(p["x"]), None if w is None else list(w["x"])) for p, w in found]

    people, none = pd.DataFrame({"x": [1, 2]}), pd.DataFrame({"x": [0]})
    assert known("r") == []
    store.remember(WAVE, "a", people, "r", pd.DataFrame({"x": [5]}))
    store.remember(WAVE, "b", none, "s", pd.DataFrame({"x": [6]}))
    assert known("r") == [([1, 2], [5]), ([0], None)]
    # The same people again: they stay as they are, and what is withheld is that of the last build under these rules.
    store.remember(WAVE, "a", people, "r", pd.DataFrame({"x": [7]}))
    store.remember(WAVE, "a", people, "s", pd.DataFrame({"x": [8]}))
    assert known("r") == [([1, 2], [7]), ([0], None)]
    assert known("s") == [([1, 2], [8]), ([0], [6])]
    assert store.remembered("poll_2019", "r") == []
    assert modes(store.root) == {"folders": {0o700}, "files": {0o600}}
