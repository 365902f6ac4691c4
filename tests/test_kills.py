"""Killed at any moment, a run leaves a whole release, and the next one finishes its work by itself."""

import os
import random
import signal
import subprocess
import sys
import time

import dagster as dg
import duckdb
import pandas as pd
import pytest
from workbench import CLS_2018, CLS_2019, COMMAND, POLL, Project, edit_text, make

from engagement_stats import publish, releases
from pipelines import run

# A few kills in every run of the tests, at moments that differ from day to day only by how fast the machine is; thirty
# when asked for.
KILLS = 30 if os.environ.get("ENGAGEMENT_STATS_THOROUGH") else 3
SEED = 20261122


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = make(tmp_path_factory.mktemp("killed") / "home", adults=50, poll=400)
    for wave in (CLS_2018, CLS_2019):
        project.file(wave).unlink()
    assert project.run(POLL).failed == {}
    return project


def started(project: Project) -> "subprocess.Popen[bytes]":
    """Start a run in a process group of its own."""
    return subprocess.Popen(
        [COMMAND, "run", "--wave", POLL], cwd=project.root, env=project.environment(), start_new_session=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip


def killed_by_itself(project: Project, script: str, *arguments: str) -> bool:
    process = subprocess.Popen(
        [sys.executable, "-c", script, POLL, *arguments], cwd=project.root, env=project.environment(),
        start_new_session=True, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    return process.wait(120) == -signal.SIGKILL


def change(project: Project, turn: int) -> None:
    """Give the run something to do: another weight."""

    def edit(frame: pd.DataFrame) -> pd.DataFrame:
        weight = frame["weight"].astype(float)
        weight.iloc[turn] *= 1.01
        return frame.assign(weight=weight.map(repr))

    edit_text(project.file(POLL), edit)


def whole(project: Project) -> str:
    """Return the release in place, having checked that it is one, and what it was published as."""
    with duckdb.connect(str(project.warehouse), read_only=True) as connection:
        tables = [t for (t,) in connection.execute("SELECT table_name FROM duckdb_tables()").fetchall()]
        union = " UNION ALL ".join(f"SELECT release_id FROM {t}" for t in tables)
        ids = connection.execute(f"SELECT DISTINCT release_id FROM ({union})").fetchall()
    assert len(ids) == 1
    release = str(ids[0][0])
    assert releases.find(project.warehouse, release).describes(project.warehouse)
    # Nothing lies beside the released files under their names; what a killed build left begins with a dot.
    assert not [p for p in project.warehouse.parent.rglob("*.wal") if not p.name.startswith(".")]
    return release


def scraps(project: Project) -> list[str]:
    """Return the names of files that are neither results nor records."""
    below = [*project.warehouse.parent.rglob(".*"), *project.workspace.private.rglob(".*")]
    return [p.name for p in below if p.name != ".lock" and p.is_file()]


def unfinished(project: Project) -> list[dg.DagsterRun]:
    statuses = [dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.NOT_STARTED]
    with run.instance_of(project.root) as instance:
        return list(instance.get_runs(filters=dg.RunsFilter(statuses=statuses)))


def test_killed_at_any_moment_a_run_leaves_a_whole_release_and_the_next_completes(project: Project) -> None:
    rng = random.Random(SEED)
    change(project, 0)
    begun = time.monotonic()
    process = started(project)
    assert process.wait(120) == 0
    takes = time.monotonic() - begun
    stood, told = whole(project), {"finished": 0, "old": 0, "left runs": 0}
    for turn in range(1, KILLS + 1):
        change(project, turn)
        process = started(project)
        # Stratified, so that few kills are spread over the run; most of it before the end is starting and computing.
        time.sleep(takes * (turn - 1 + rng.random()) / KILLS)
        told["finished"] += process.poll() is not None
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(30)
        found = whole(project)
        told["old"] += found == stood
        told["left runs"] += len(unfinished(project))
        report = project.run(POLL)
        assert report.failed == {}
        stood = whole(project)
        assert stood == report.release
        assert unfinished(project) == []
        assert scraps(project) == []
    assert told["old"] > 0
    sys.stderr.write(f"{KILLS} kills within {takes:.1f} s: {told}\n")


def test_a_run_left_standing_is_marked_failed_and_one_of_the_web_page_is_not(project: Project) -> None:
    with run.instance_of(project.root) as instance:
        ours = instance.create_run_for_job(
            run.definitions(run._resource(project.workspace)).resolve_job_def("publish_release"), tags=run.BY,
            status=dg.DagsterRunStatus.STARTED,
        )  # fmt: skip
        theirs = instance.create_run_for_job(
            run.definitions(run._resource(project.workspace)).resolve_job_def("publish_release"),
            status=dg.DagsterRunStatus.STARTED,
        )
    project.run(POLL)
    assert [r.run_id for r in unfinished(project)] == [theirs.run_id]
    with run.instance_of(project.root) as instance:
        record = instance.get_run_by_id(ours.run_id)
        assert record is not None
        assert record.status == dg.DagsterRunStatus.FAILURE
        instance.delete_run(theirs.run_id)


@pytest.mark.parametrize("what", ["quarantined", "claims"])
def test_killed_before_the_first_byte_of_a_file_the_next_run_leaves_no_empty_one(project: Project, what: str) -> None:
    change(project, 40 + len(what))
    script = (
        "import os, signal, sys, tempfile\nmake = tempfile.mkstemp\n"
        "def made(**named):\n"
        "    found = make(**named)\n"
        "    return os.killpg(0, signal.SIGKILL) if named['prefix'].startswith('.' + sys.argv[2]) else found\n"
        "tempfile.mkstemp = made\n"
        "from engagement_stats import cli\nsys.exit(cli.main(['run', '--wave', sys.argv[1]]))\n"
    )
    assert killed_by_itself(project, script, what)
    assert [n for n in scraps(project) if n.startswith(f".{what}")]
    assert project.run(POLL).failed == {}
    assert scraps(project) == []


@pytest.mark.parametrize("moment", ["kept", "exchanged"])
def test_killed_between_keeping_and_exchanging_or_noting_the_next_run_goes_on(project: Project, moment: str) -> None:
    """The two moments that are too short to be met by chance."""
    change(project, 50 + len(moment))
    before = whole(project)
    kill = {"kept": "releases._exchange", "exchanged": "releases._note"}[moment]
    script = (
        "import os, signal, sys\nfrom engagement_stats import releases\n"
        f"{kill} = lambda *_: os.killpg(os.getpgid(0), signal.SIGKILL)\n"
        "from engagement_stats import cli\nsys.exit(cli.main(['run', '--wave', sys.argv[1]]))\n"
    )
    assert killed_by_itself(project, script)
    found = whole(project)
    assert (found == before) == (moment == "kept")
    report = project.run(POLL)
    assert (report.failed, report.release_is_new) == ({}, moment == "kept")
    assert publish.current_release(project.warehouse) == whole(project)
    assert scraps(project) == []
