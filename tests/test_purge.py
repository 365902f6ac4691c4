"""What is kept of respondents can be deleted, wave by wave or all of it; releases and deposited files stay."""

import csv
import fcntl
import re
import shutil
import stat
from pathlib import Path

import canaries
import pytest
from workbench import CLS_2018, CLS_2019, POLL, Project, Told, make

from engagement_stats import purge
from engagement_stats.errors import EngagementStatsError, UsageError
from engagement_stats.store import LOCK, PUBLISHED, Fingerprint, Store

A = Fingerprint("a", "catalogue", "code")


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Return a project with markers in two files, built. Not to be changed."""
    folder = tmp_path_factory.mktemp("purged")
    project = make(folder / "home", adults=1500).with_catalogue(folder / "catalogue")
    canaries.plant(project)
    project.file(CLS_2019).unlink()
    assert project.run(POLL, CLS_2018).failed == {}
    return project


@pytest.fixture
def project(planted: Project, tmp_path: Path) -> Project:
    """Copy it, and put markers where no run puts any."""
    copied = planted.copy(tmp_path / "home")
    for place in (".dagster/storage/raw", f"data/private/{POLL}/.raw-x", "data/private/.digests-x"):
        path = copied.root / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(canaries.WORDS, encoding="utf-8")
    return copied


@pytest.fixture
def told(project: Project, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Told:
    return Told(project, capsys, monkeypatch)


def noted(project: Project) -> list[dict[str, str]]:
    with (project.workspace.private / purge.RECORD).open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def left(project: Project) -> list[str]:
    """Return where markers are left; deposited files are the user's to delete."""
    return canaries.below(project.root, but=[project.workspace.data])


def outside(project: Project) -> dict[str, bytes]:
    """Return the deposited and the released files."""
    folders = (project.workspace.data, project.warehouse.parent)
    return {str(p): p.read_bytes() for folder in folders for p in folder.rglob("*") if p.is_file()}


def test_after_a_purge_of_everything_no_marker_is_left(project: Project, told: Told) -> None:
    before, there = left(project), outside(project)
    assert len(before) > 8
    code, out, err = told("purge", "--all", "--yes")
    assert (code, out) == (0, "")
    assert left(project) == []
    assert "not a secure erase" in err
    assert "Not touched: deposited files" in err
    assert outside(project) == there
    assert {p.name for p in project.workspace.private.iterdir()} == {".lock", purge.RECORD}
    assert [p.name for p in (project.root / ".dagster").iterdir()] == ["dagster.yaml"]


def test_the_record_says_when_what_and_how_much_and_nothing_else(project: Project, told: Told) -> None:
    told("purge", "--wave", POLL, "--yes")
    told("purge", "--all", "--yes")
    record = project.workspace.private / purge.RECORD
    assert stat.S_IMODE(record.stat().st_mode) == 0o600
    first, second = noted(project)
    assert first["what"] == POLL
    assert second["what"] == "all"
    assert all(re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ", line["purged_at"]) for line in (first, second))
    assert int(first["files"]) > 5
    assert int(second["bytes"]) > int(first["bytes"]) > 1000


def test_the_purge_of_a_wave_leaves_the_others_and_they_stay_fresh(project: Project, told: Told) -> None:
    there = outside(project)
    assert {POLL, CLS_2018} <= {wave for _, wave in project.jobs()}
    code, _, err = told("purge", "--wave", POLL, "--yes")
    assert (code, outside(project)) == (0, there), err
    assert not (project.workspace.private / POLL).exists()
    found = [hit for hit in left(project) if ".digests" not in hit and "storage" not in hit]
    assert {hit.rsplit(": ", 1)[1].split()[0] for hit in found} == {"serial", "weight"}
    assert all(CLS_2018 in hit for hit in found)
    # What the run records say of the wave is gone, and of the releases it went into.
    assert {wave for _, wave in project.jobs()} == {CLS_2018}
    code, _, err = told("run", "--wave", CLS_2018, POLL)
    assert code == 0
    assert err.startswith("1 wave(s) built")


def test_without_yes_nothing_is_deleted(project: Project, told: Told) -> None:
    before = left(project)
    code, out, err = told("purge", "--all")
    assert (code, out) == (2, "")
    assert re.search(r"all: \d+ file\(s\), [\d,]+ bytes in .* would be deleted, and nothing was\.\n", err)
    assert err.endswith("\nAdd --yes to delete.\n")
    assert "error" not in err
    assert left(project) == before
    assert not (project.workspace.private / purge.RECORD).exists()


@pytest.mark.parametrize("call", [["--all"], ["--wave", POLL]])
def test_that_published_releases_are_forgotten_is_said(project: Project, told: Told, call: list[str]) -> None:
    said = "later releases are then no longer protected against being set beside those published"
    remembered = project.workspace.private / PUBLISHED
    shutil.rmtree(remembered, ignore_errors=True)
    assert said not in told("purge", *call)[2]
    (remembered / POLL).mkdir(parents=True)
    assert said in told("purge", *call)[2]
    assert said in told("purge", *call, "--yes")[2]
    assert not (remembered / POLL).exists()
    assert said not in told("purge", *call, "--yes")[2]


@pytest.mark.parametrize("call", [["purge", "--yes"], ["purge", "--all", "--wave", POLL, "--yes"]])
def test_it_must_be_said_what_goes(told: Told, call: list[str]) -> None:
    assert told(*call)[0] == 2


@pytest.mark.parametrize("wave", ["demo_lbn_pol", "..", "", ".", "-release", "../../warehouse", ".lock"])
def test_a_name_that_is_no_wave_deletes_nothing(project: Project, told: Told, wave: str) -> None:
    before = left(project)
    code, _, err = told("purge", f"--wave={wave}", "--yes")
    assert code == 2
    assert f"There are results of {CLS_2018}, {POLL}" in err
    assert left(project) == before


def test_a_wave_that_has_nothing_is_purged_too(project: Project, told: Told) -> None:
    assert told("purge", "--wave", CLS_2019, "--yes")[0] == 0
    told("purge", "--wave", POLL, "--yes")
    assert told("purge", "--wave", POLL, "--yes")[0] == 0
    assert [line["files"] for line in noted(project)][2] == "0"


def test_a_wave_no_longer_in_the_catalogue_and_a_broken_catalogue_are_no_obstacle(project: Project, told: Told) -> None:
    store = Store(project.workspace.private)
    store.write_text("gone_wave", A, "x", canaries.WORDS)
    broken = project.root / "broken"
    broken.mkdir()
    assert told("purge", "--wave", "gone_wave", "--yes", "--catalogue", broken)[0] == 0
    assert not (store.root / "gone_wave").exists()
    assert told("purge", "--all", "--yes", "--catalogue", broken)[0] == 0
    assert left(project) == []


def test_a_run_under_way_is_not_disturbed(project: Project, told: Told) -> None:
    before = left(project)
    with (project.workspace.private / ".lock").open("r+") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        code, _, err = told("purge", "--all", "--yes")
    assert code == 2
    assert "a run is under way" in err
    assert left(project) == before
    assert told("purge", "--all", "--yes")[0] == 0


def test_what_a_link_leads_to_is_not_deleted(tmp_path: Path) -> None:
    store, other = Store(tmp_path / "private"), tmp_path / "other"
    other.mkdir()
    (other / "mine").write_text("x")
    store.write_text("poll_2020", A, "x", "y")
    (store.root / "poll_2020" / A.key / "linked").symlink_to(other)
    (store.root / PUBLISHED).symlink_to(other)
    plan = purge.everything(store, tmp_path / "records")
    assert (plan.what, plan.files) == (("all",), 3)
    purge.carry_out(plan, store)
    assert [p.name for p in other.iterdir()] == ["mine"]
    assert [p.name for p in store.root.iterdir()] == [purge.RECORD]


def test_a_purge_that_is_killed_is_finished_by_the_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store(tmp_path / "private")
    for wave in ("a", "b"):
        store.write_text(wave, A, "x", "y")
    plan = purge.everything(store, tmp_path / "records")
    with monkeypatch.context() as patch:
        patch.setattr(purge, "_noted", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            purge.carry_out(plan, store)
    again = purge.everything(store, tmp_path / "records")
    assert again.files == 0
    purge.carry_out(again, store)
    assert [p.name for p in store.root.iterdir()] == [purge.RECORD]


def test_only_what_the_store_made_is_deleted(tmp_path: Path) -> None:
    store = Store(tmp_path / "private")
    theirs = [store.root / p for p in ("thesis.docx", "photos/1.jpg", "photos/.x", ".ssh/key", "poll_2020/notes.txt",
                                       "Poll/0123456789abcdef/x", "empty_of_ours/.hidden")]  # fmt: skip
    store.write_text("poll_2020", A, "x", "y")
    store.write_text("poll_2021", A, "x", "y")
    store.write_text("-release", A, "held.csv", "y")
    for file in theirs:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("mine")
    with pytest.raises(UsageError, match="photos is not in the catalogue and has no private results"):
        purge.of_waves(store, ["photos"], [])
    assert purge.of_waves(store, ["photos"], ["photos"]).places == (store.root / "-release",)
    with store.alone():
        purge.carry_out(purge.everything(store, tmp_path / "records"), store)
    left = {p for p in store.root.rglob("*") if p.is_file()}
    assert left == {*theirs, store.root / purge.RECORD, store.root / LOCK}


@pytest.mark.parametrize(
    "things", [["thesis.docx", "digests.json"], ["photos/1.jpg"], ["poll_2020/notes.txt", ".lock"]]
)
def test_a_folder_of_other_things_is_neither_used_nor_closed(tmp_path: Path, things: list[str]) -> None:
    for thing in things:
        (tmp_path / "mine" / thing).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "mine" / thing).touch()
    (tmp_path / "mine").chmod(0o755)
    with (
        pytest.raises(UsageError, match="private results need a folder of their own"),
        Store(tmp_path / "mine").alone(),
    ):
        pass
    assert stat.S_IMODE((tmp_path / "mine").stat().st_mode) == 0o755
    # An empty one, and one that holds results, is closed.
    for name in ("new", "used"):
        (tmp_path / name).mkdir(mode=0o755)
    Store(tmp_path / "used").write_text("poll_2020", A, "x", "y")
    (tmp_path / "used" / "notes.txt").touch()
    (tmp_path / "new" / ".gitkeep").touch()
    for name in ("new", "used"):
        with Store(tmp_path / name).alone():
            assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o700


@pytest.mark.parametrize("record", ["folder", "full", "nowhere"])
def test_a_record_that_cannot_be_written_is_found_before_anything_is_deleted(tmp_path: Path, record: str) -> None:
    store = Store(tmp_path / "private")
    there = store.write_text("poll_2020", A, "x", "y")
    path = store.root / purge.RECORD
    if record == "folder":
        path.mkdir()
    else:
        path.symlink_to({"full": Path("/dev/full"), "nowhere": tmp_path / "none" / "x"}[record])
    with pytest.raises(EngagementStatsError, match=r"purged.csv: it cannot be written \(.*\), so nothing was deleted"):
        purge.carry_out(purge.everything(store, tmp_path / "records"), store)
    assert there.read_text() == "y"


def test_what_cannot_be_deleted_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store(tmp_path / "private")
    store.write_text("poll_2020", A, "x", "y")

    def refuses(path: Path) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(purge.shutil, "rmtree", refuses)
    with pytest.raises(EngagementStatsError, match="poll_2020: it could not be deleted"):
        purge.carry_out(purge.everything(store, tmp_path / "records"), store)


def test_waves_are_named_once(tmp_path: Path) -> None:
    store = Store(tmp_path / "private")
    store.write_text("a", A, "x", "y")
    assert purge.of_waves(store, ["a", "a"], []).what == ("a",)
    with pytest.raises(UsageError, match="b is not in the catalogue and has no private results"):
        purge.of_waves(store, ["a", "b"], [])
