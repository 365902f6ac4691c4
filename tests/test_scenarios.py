"""Things that go wrong in use: bad files, secrets in them, a killed run, a reader in the way."""

import json
import os
import shutil
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import numpy as np
import pandas as pd
import pytest
from dagster._utils.interrupts import capture_interrupts
from workbench import CLS_2018, CLS_2019, COMMAND, POLL, Project, Told, built, edit_sav, edit_text, put

from engagement_stats import store
from pipelines import automation, run


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return built(tmp_path_factory)[0]


@pytest.fixture
def project(released: Project, tmp_path: Path) -> Project:
    """Copy the project, so that a test may change it."""
    return released.copy(tmp_path / "home")


@pytest.fixture
def told(project: Project, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Told:
    return Told(project, capsys, monkeypatch)


def message(stderr: str, wave: str) -> str:
    """Return what was said of one failed wave."""
    _, found, rest = stderr.partition(f"FAILED {wave}\n")
    assert found, stderr
    return rest.split("FAILED ")[0]


def repeat_identifier(frame: pd.DataFrame) -> pd.DataFrame:
    return put(1, "respondent_id", frame.loc[0, "respondent_id"])(frame)


# Two runs, three bad files each: what is done to each file, and what the message must name.
Fault = tuple[Callable[[pd.DataFrame], pd.DataFrame], list[str]]
FAULTS: list[dict[str, Fault]] = [
    {
        CLS_2018: (
            put(3, "GOR", "77"),
            ["GOR", "waves/cls_2018_19_microdata.yaml", "variable region", "77", "1 raw code"],
        ),
        CLS_2019: (lambda frame: frame.drop(columns="ZForVol"), ["Zforvol", "not in the file"]),
        POLL: (repeat_identifier, ["respondent_id", "2 rows share"]),
    },
    {
        CLS_2018: (
            put(5, "RespondentCalibrationWeight", "-0.5"),
            ["RespondentCalibrationWeight", "design.weights.main", "1 respondent(s) have a negative weight"],
        ),
        CLS_2019: (
            put(5, "RespondentCalibrationWeight", np.nan),
            ["RespondentCalibrationWeight", "design.weights.main", "1 respondent(s) have no weight"],
        ),
        POLL: (put(7, "sex", "X"), ["sex", "waves/demo_lbn_poll.yaml", "variable sex", "Got X", "Female, Male"]),
    },
]  # fmt: skip


@pytest.mark.parametrize("faults", FAULTS)
def test_a_bad_file_fails_its_wave_alone_and_a_repaired_one_comes_back(
    project: Project, released: Project, told: Told, faults: dict[str, Fault]
) -> None:
    for wave, (edit, _) in faults.items():
        (edit_sav if wave == CLS_2019 else edit_text)(project.file(wave), edit)
    code, out, err = told("run")
    assert code == 1
    assert out == ""
    for wave, (_, named) in faults.items():
        said = message(err, wave)
        assert wave in said.replace(f"waves/{wave}", "")
        for name in named:
            assert name in said
    noted = json.loads(str(project.value("SELECT failed_waves FROM runs")))
    assert noted.keys() == faults.keys()
    for wave, (_, named) in faults.items():
        assert all(name in noted[wave] for name in named)
    held = set(project.query("SELECT DISTINCT wave FROM estimates")["wave"])
    assert not held & set(faults)
    assert held == set(released.query("SELECT DISTINCT wave FROM estimates")["wave"]) - set(faults)
    assert not set(project.query("SELECT id FROM waves WHERE is_released")["id"]) & set(faults)

    code, out, _ = told("status", "--format", "json")
    assert code == 1
    states = {row["wave"]: row for row in json.loads(out)}
    assert {w for w, row in states.items() if row["state"] == "failed"} == set(faults)
    assert faults[POLL][1][0] in states[POLL]["reason"]

    for wave in faults:
        project.file(wave).write_bytes(released.file(wave).read_bytes())
    code, _, err = told("run")
    assert code == 0, err
    assert project.value("SELECT release_id FROM runs") == released.value("SELECT release_id FROM runs")
    assert told("status")[0] == 0


def test_a_repaired_file_that_differs_is_built(project: Project, told: Told) -> None:
    edit_text(project.file(POLL), put(7, "weight", "-1"))
    assert told("run")[0] == 1
    edit_text(project.file(POLL), put(7, "weight", "0"))
    code, _, err = told("run")
    assert code == 0, err
    assert "1 wave(s) built" in err
    assert project.value("SELECT failed_waves FROM runs") == "{}"


def test_every_problem_of_a_file_is_told_at_once(project: Project, told: Told) -> None:
    edit_text(project.file(CLS_2018), lambda f: put(3, "GOR", "77")(put(4, "sexg", "8")(repeat_serial(f))))
    code, _, err = told("run", "--wave", CLS_2018)
    assert code == 1
    for name in ("GOR", "77", "sexg", "Cserial", "2 rows share"):
        assert name in message(err, CLS_2018)


def repeat_serial(frame: pd.DataFrame) -> pd.DataFrame:
    return put(1, "Cserial", frame.loc[0, "Cserial"])(frame)


def test_two_different_files_of_one_wave_fail_it(project: Project, told: Told) -> None:
    below = project.workspace.data / "below"
    below.mkdir()
    (below / project.file(POLL).name).write_bytes(project.file(POLL).read_bytes())
    assert told("run")[0] == 0  # a second copy does no harm
    edit_text(below / project.file(POLL).name, lambda frame: frame.iloc[:-1])
    code, _, err = told("run")
    assert code == 1
    assert "2 different files match its pattern" in message(err, POLL)
    assert project.value(f"SELECT count(*) FROM estimates WHERE wave = '{POLL}'") == 0


def test_an_official_figure_not_reproduced_stops_the_wave(project: Project, told: Told) -> None:
    """The same file without the mark is taken for the real one, and 1,500 respondents do not fit it."""
    edit_text(project.file(CLS_2018), lambda f: f.drop(columns="synthetic_data").iloc[:700])
    code, _, err = told("run")
    assert code == 1
    said = message(err, CLS_2018)
    assert "not reproduced" in said
    assert "formal_volunteering_12m all published 36.0" in said or "civic_participation_12m all" in said
    assert project.value(f"SELECT count(*) FROM estimates WHERE wave = '{CLS_2018}'") == 0


JUNK = [b"", b"\x00\xff\xfe junk" * 50, b"one line only\n"]


@pytest.mark.parametrize("turn", range(len(JUNK)))
def test_a_file_that_is_not_one_fails_its_wave(project: Project, told: Told, turn: int) -> None:
    for i, wave in enumerate((CLS_2018, CLS_2019, POLL)):
        project.file(wave).write_bytes(JUNK[(turn + i) % len(JUNK)])
    code, _, err = told("run")
    assert code == 1
    for wave in (CLS_2018, CLS_2019, POLL):
        said = message(err, wave)
        assert "unexpected" not in said
        assert said.count(".") >= 2
    assert project.value("SELECT count(*) FROM estimates WHERE is_synthetic") == 0


def test_a_run_without_release_leaves_the_old_one(
    project: Project, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk while the release is written."""
    from engagement_stats import publish

    before = project.contents()

    def full(path: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(publish, "sync", full)
    edit_text(project.file(POLL), lambda frame: frame.iloc[:-1])
    code, _, err = told("run")
    assert code == 1
    assert "could not be written" in err
    assert project.contents().keys() == before.keys()
    assert project.value("SELECT release_id FROM runs") == before["runs"]["release_id"].iloc[0]
    assert sorted(p.name for p in project.warehouse.parent.iterdir()) == [project.warehouse.name, "releases"]
    monkeypatch.undo()
    assert project.run().failed == {}


def test_a_wave_lost_without_a_word_is_not_called_built(
    project: Project, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk while private results are written: not even the failure can be noted."""

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(store.Store, "write", full)
    monkeypatch.setattr(store.Store, "fail", full)
    edit_text(project.file(POLL), lambda frame: frame.iloc[:-1])
    before = project.warehouse.read_bytes()
    code, _, err = told("run", "--wave", POLL)
    assert code == 1
    assert f"FAILED {POLL}" in err
    assert "did not finish" in err
    assert f"The release was left as it is: 1 wave(s) of it wait ({POLL})." in err
    assert project.warehouse.read_bytes() == before


# What respondents said stays where it is

CANARY_TEXT, CANARY_ID, CANARY_NUMBER = "KANARIENVOGEL", "RESP77KANARIE", 91827364.0


def searched(project: Project, needle: bytes) -> list[str]:
    """Return released and Dagster's files holding the bytes, wherever they stand."""
    places = [project.warehouse.parent, project.root / ".dagster"]
    return [str(p) for place in places for p in place.rglob("*") if p.is_file() and needle in p.read_bytes()]


def plant(project: Project) -> None:
    edit_text(
        project.file(POLL),
        lambda f: put(0, "respondent_id", CANARY_ID)(f.assign(comment=CANARY_TEXT)),
    )
    edit_sav(project.file(CLS_2019), put(0, "cserial", CANARY_NUMBER))


def test_no_answer_of_a_respondent_leaves_in_a_release(project: Project) -> None:
    plant(project)
    done = project.command("run")
    assert done.returncode == 0, done.stderr
    kept = pd.concat(
        pd.read_parquet(p)["respondent"].astype(str) for p in project.workspace.private.rglob("responses.parquet")
    )
    assert {CANARY_ID, str(int(CANARY_NUMBER))} <= set(kept)  # they are there to be found
    number = str(int(CANARY_NUMBER))
    for needle in (CANARY_TEXT, CANARY_ID, number):
        assert searched(project, needle.encode()) == []
        assert needle not in done.stdout + done.stderr
    assert searched(project, struct.pack("<d", CANARY_NUMBER)) == []
    # Compression may hide bytes, so the values are looked at too.
    for frame in project.contents().values():
        cells = {str(cell) for cell in frame.to_numpy().ravel()}
        assert not any(n in cell for cell in cells for n in (CANARY_TEXT, CANARY_ID, number))
        assert not set(kept) & {cell for cell in cells if len(cell) > 4}


LEAKS = {
    "text for a code": put(0, "region", CANARY_TEXT),
    "text for a weight": put(0, "weight", CANARY_TEXT),
    "an identifier twice": lambda f: put(1, "respondent_id", CANARY_ID)(put(0, "respondent_id", CANARY_ID)(f)),
}


@pytest.mark.parametrize("leak", LEAKS)
def test_no_answer_of_a_respondent_leaves_in_an_error(
    project: Project, told: Told, leak: str, caplog: pytest.LogCaptureFixture
) -> None:
    edit_text(project.file(POLL), LEAKS[leak])
    code, out, err = told("run")
    assert code == 1
    for needle in (CANARY_TEXT, CANARY_ID):
        assert searched(project, needle.encode()) == []
        assert needle not in out + err + caplog.text
    assert CANARY_TEXT not in told("status")[1]


@pytest.mark.parametrize("stage", ["clean.harmonise", "weight.supplied", "tabulate.microdata", "disclose.protect"])
def test_no_answer_of_a_respondent_leaves_in_a_crash(
    project: Project, told: Told, stage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Libraries quote cell values in their messages; every stage is made to crash with one."""

    def crash(*_: object, **__: object) -> None:
        raise RuntimeError(f"could not convert {CANARY_TEXT}")

    monkeypatch.setattr(f"engagement_stats.{stage}", crash)
    edit_text(project.file(POLL), lambda frame: frame.iloc[:-1])
    code, out, err = told("run", "--wave", POLL)
    assert code == 1
    assert f"{POLL}: unexpected RuntimeError" in err
    assert CANARY_TEXT not in out + err
    assert searched(project, CANARY_TEXT.encode()) == []


# Killed, and read meanwhile


def killed(project: Project, when: Callable[[], bool]) -> None:
    """Start a run, wait until something has happened, and kill it with everything it started."""
    process = subprocess.Popen(
        [COMMAND, "run"],
        cwd=project.root,
        env=project.environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        end = time.monotonic() + 60
        while not when() and process.poll() is None and time.monotonic() < end:
            time.sleep(0.005)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    assert process.returncode == -signal.SIGKILL


def test_a_killed_run_leaves_the_old_release_and_the_next_completes(project: Project) -> None:
    before = project.value("SELECT release_id FROM runs")
    edit_text(project.file(CLS_2018), lambda frame: frame.iloc[:-1])
    edit_text(project.file(POLL), lambda frame: frame.iloc[:-1])
    private = project.workspace.private

    def builds(wave: str) -> int:
        return len(list((private / wave).glob("*/responses.parquet")))

    had = builds(CLS_2018)
    killed(project, lambda: builds(CLS_2018) > had)
    assert project.value("SELECT release_id FROM runs") == before
    had = builds(POLL)
    killed(project, lambda: builds(POLL) > had)
    assert project.value("SELECT release_id FROM runs") == before
    report = project.run()
    assert report.failed == {}
    assert {POLL} <= set(report.built) <= {POLL, CLS_2018}
    assert project.value("SELECT release_id FROM runs") == report.release != before
    assert sorted(p.name for p in project.warehouse.parent.iterdir()) == [project.warehouse.name, "releases"]


@pytest.mark.parametrize("wave", [CLS_2018, None], ids=["in a wave", "at once"])
def test_an_interrupted_run_stops_says_so_and_leaves_the_release(project: Project, wave: str | None) -> None:
    """Ctrl-C while a wave is being built, or as soon as the first has begun."""
    before = project.warehouse.read_bytes()
    shutil.rmtree(project.workspace.private)  # so that there is enough to do
    if wave is not None:
        edit_text(project.file(wave), lambda frame: frame.iloc[:-1])
    runs = len(project.jobs())
    process = subprocess.Popen(
        [COMMAND, "run"],
        cwd=project.root,
        env=project.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        # As a terminal would start it, even where our own interrupts are ignored, as in the background of a script.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )

    def begun() -> bool:
        private = project.workspace.private
        return any(private.glob(f"{wave or '*'}/*/*.parquet"))

    try:
        end = time.monotonic() + 60
        while not begun() and process.poll() is None and time.monotonic() < end:
            time.sleep(0.002)
        assert process.poll() is None, process.communicate()
        assert begun()
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    finally:
        if process.poll() is None:
            process.kill()
            process.communicate()
    assert process.returncode == 130, err
    assert out == ""
    assert err.splitlines()[-1] == "stopped"
    assert "Traceback" not in err
    assert project.warehouse.read_bytes() == before
    assert sorted(p.name for p in project.warehouse.parent.iterdir()) == [project.warehouse.name, "releases"]
    # It stopped there and then, and the next run is not in its way.
    assert len(project.jobs()) - runs < 19
    assert not project.value("SELECT count(*) FROM runs WHERE failed_waves <> '{}'")
    report = project.run()
    assert (report.failed, report.held, report.lost) == ({}, (), ())


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_that_dagster_forgets_stops_the_run(
    monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    """Between the last step of a job and its end Dagster holds interrupts back, and then forgets them."""

    def execute(**_: Any) -> Mock:
        with capture_interrupts():
            os.kill(os.getpid(), number)
            time.sleep(0.01)
        return Mock(all_events=[], success=True)

    location = Mock()
    location.resolve_job_def.return_value.execute_in_process = execute
    handlers = {n: signal.signal(n, signal.default_int_handler) for n in (signal.SIGINT, signal.SIGTERM)}
    try:
        with pytest.raises(KeyboardInterrupt):
            run._execute(location, "job", Mock(), None)
        monkeypatch.setattr(os, "kill", lambda *_: None)
        assert run._execute(location, "job", Mock(), None)
        assert signal.set_wakeup_fd(-1) == -1
    finally:
        for n, handler in handlers.items():
            signal.signal(n, handler)


READER = """
import duckdb, sys
with duckdb.connect(sys.argv[1], read_only=True) as c:
    for line in sys.stdin:
        print(c.execute("SELECT release_id, (SELECT count(*) FROM estimates) FROM runs").fetchone(), flush=True)
"""


@pytest.fixture
def reader(project: Project) -> Iterator[Callable[[], str]]:
    """Hold the release open in another process."""
    with subprocess.Popen(
        [sys.executable, "-c", READER, str(project.warehouse)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin
        assert process.stdout
        stdin, stdout = process.stdin, process.stdout

        def read() -> str:
            stdin.write("\n")
            stdin.flush()
            return stdout.readline()

        yield read
        stdin.close()
        process.wait(30)


def test_a_reader_is_not_disturbed_by_a_new_release(project: Project, reader: Callable[[], str]) -> None:
    before = reader()
    edit_text(project.file(POLL), lambda frame: frame.iloc[:-1])
    report = project.run()
    assert report.release_is_new
    assert report.failed == {}
    assert reader() == before
    assert project.value("SELECT release_id FROM runs") == report.release


def test_two_runs_at_once_both_end_well(project: Project) -> None:
    edit_text(project.file(POLL), lambda frame: frame.iloc[:-1])
    runs = [
        subprocess.Popen(
            [COMMAND, "run"], cwd=project.root, env=project.environment(), stderr=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    said = [run.communicate(timeout=120)[1] for run in runs]
    assert [run.returncode for run in runs] == [0, 0], said
    # The one that came second waited, and found nothing to do.
    assert sorted(text.split(" wave(s) built")[0].split("\n")[-1] for text in said) == ["0", "1"], said
    assert sorted("Nothing changed; release" in text for text in said) == [False, True], said
    assert project.value("SELECT count(DISTINCT release_id) FROM estimates") == 1
    assert sorted(p.name for p in project.warehouse.parent.iterdir()) == [project.warehouse.name, "releases"]
    assert project.run().built == ()


def test_dagster_keeps_to_the_home_folder_and_reports_to_nobody(project: Project, tmp_path: Path) -> None:
    """Whatever the working directory, with or without a dagster.yaml in the home folder."""
    settings = (Path(__file__).parent.parent / "dagster.yaml").read_text(encoding="utf-8")
    user = tmp_path / "user"
    elsewhere = tmp_path / "elsewhere"
    for folder in (user, elsewhere):
        folder.mkdir()
    for own in (False, True):
        if own:
            (project.root / "dagster.yaml").write_text(settings, encoding="utf-8")
        edit_text(project.file(POLL), lambda frame: frame.iloc[:-1])
        done = subprocess.run(
            [COMMAND, "run"],
            cwd=elsewhere,
            env=project.environment({"HOME": str(user)}),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert list(elsewhere.iterdir()) == []
        assert list(user.iterdir()) == []
    assert project.jobs()[-1][0] == automation.release_job.name
