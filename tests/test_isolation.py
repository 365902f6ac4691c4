"""A file whose parser crashes or hangs fails its own wave, under either executor of Dagster, and no other."""

import textwrap
import zipfile
from multiprocessing import resource_tracker
from pathlib import Path

import dagster as dg
import pytest
from workbench import CLS_2018, CLS_2019, POLL, Project, Told, built, make

from engagement_stats import ingest, sandbox
from pipelines import automation
from pipelines.resources import WorkspaceResource
from pipelines.run import instance_of

# A reader that dies of every SPSS file and reads the others.
READER = """
import os, signal
from engagement_stats.readers import worker

def main(job, answer, data):
    if job["options"]["format"] == "sav":
        {fault}
    worker.main(job, answer, data)
"""
CRASH, HANG = "os.kill(os.getpid(), signal.SIGSEGV)", "while True: pass"


@pytest.fixture
def told(project: Project, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Told:
    return Told(project, capsys, monkeypatch)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return make(tmp_path / "home", adults=400)


@pytest.mark.parametrize(("fault", "words"), [(CRASH, "the reader crashed (signal 11)"), (HANG, "took longer than")])
def test_a_wave_whose_reader_fails_is_left_out_and_the_others_are_released(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch, fault: str, words: str
) -> None:
    project = built(tmp_path_factory)[0].copy(tmp_path / "home")
    (tmp_path / "faulty_reader.py").write_text(READER.format(fault=fault))
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(ingest, "READER", "faulty_reader")
    monkeypatch.setattr(sandbox, "LEAST_SECONDS", 4.0)
    # Another file, so that the waves are built anew.
    for wave in (CLS_2018, CLS_2019):
        project.file(wave).write_bytes(make(tmp_path / "other", adults=1400, poll=200).file(wave).read_bytes())
    report = project.run()
    assert set(report.failed) == {CLS_2019}
    assert words in report.failed[CLS_2019]
    assert set(report.built) == {CLS_2018}
    assert project.value(f"SELECT count(*) FROM estimates WHERE wave = '{CLS_2019}'") == 0
    assert project.value(f"SELECT count(*) FROM estimates WHERE wave = '{CLS_2018}'") > 0


def test_a_crash_in_a_step_of_its_own_process_fails_that_step_only(
    tmp_path: Path, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Dagster's default executor starts a process a step; its processes load this module, and with it the reader."""
    folders = project.workspace
    (tmp_path / "faulty_reader.py").write_text(READER.format(fault=CRASH))
    (tmp_path / "faulty_job.py").write_text(
        textwrap.dedent(f"""
        import sys
        sys.path.append({str(tmp_path)!r})
        import dagster as dg
        from engagement_stats import ingest
        from pipelines import assets
        from pipelines.resources import WorkspaceResource
        ingest.READER = "faulty_reader"
        job = dg.define_asset_job("files", selection=dg.AssetSelection.assets(assets.survey_file))
        workspace = WorkspaceResource(
            data={str(folders.data)!r}, private={str(folders.private)!r}, warehouse={str(folders.warehouse)!r}
        )

        def files():
            definitions = dg.Definitions(
                assets=[assets.survey_file], jobs=[job], resources={{"workspace": workspace}},
                executor=dg.multiprocess_executor,
            )
            return definitions.resolve_job_def("files")
        """)
    )
    monkeypatch.syspath_prepend(tmp_path)
    # The module changes the reader of whichever process loads it; in this one, until the test is over.
    monkeypatch.setattr(ingest, "READER", ingest.READER)
    import faulty_job

    workspace = WorkspaceResource(
        data=str(folders.data), private=str(folders.private), warehouse=str(folders.warehouse)
    )
    with instance_of(project.root) as instance:
        automation.register(instance, workspace.status())
        outcomes = {
            wave: dg.execute_job(
                dg.reconstructable(faulty_job.files),
                instance,
                tags={"dagster/partition": wave},
                run_config=automation.QUIET,
            )
            for wave in (CLS_2019, POLL)
        }
        assert not outcomes[CLS_2019].success
        assert outcomes[POLL].success
        failed = instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.FAILURE]))
        assert [r.tags["dagster/partition"] for r in failed] == [CLS_2019]
    assert "the reader crashed (signal 11)" in workspace.status().waves[CLS_2019].reason
    # What starts Dagster's processes stays behind for the next ones; other tests hold that no child is left of theirs.
    resource_tracker._resource_tracker._stop()  # type: ignore[attr-defined]


def test_a_wave_in_a_zip_is_built_and_an_unchanged_file_is_not_read_again(
    project: Project, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    for wave in (CLS_2018, CLS_2019):
        project.file(wave).unlink()
    path = project.file(POLL)
    with zipfile.ZipFile(path.with_name("poll.zip"), "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(path, f"UKDA-1-csv/{path.name}")
    path.unlink()
    (path.parent / "broken.zip").write_bytes(b"PK\x03\x04")
    code, _, err = told("run", "--wave", POLL)
    assert code == 0, err
    assert "1 wave(s) built" in err
    monkeypatch.setattr(sandbox, "run", pytest.fail)
    code, out, _ = told("status", "--format", "csv")
    assert f"poll.zip/UKDA-1-csv/{path.name}" in out
    assert "broken.zip: the zip archive is damaged" in out
    told("run", "--wave", POLL)
    kept = [p for p in project.workspace.private.rglob("*") if p.is_file()]
    assert all(p.stat().st_mode & 0o077 == 0 for p in kept)
    assert any(p.name == "raw.parquet" for p in kept)
