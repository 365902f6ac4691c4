"""The table of outcomes names what a file did, and the command fails when a file did what none may."""

import csv
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import hostile
import pytest

from bench import hostile as outcomes
from engagement_stats import ingest
from engagement_stats.errors import IngestError


def lines_of(path: Path) -> dict[str, dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as handle:
        return {Path(row["file"]).name: row for row in csv.DictReader(handle)}


def test_the_table_has_a_line_for_every_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "files"
    (folder / "below").mkdir(parents=True)
    hostile.survey_file(folder / "good.sav", rows=30)
    (folder / "below" / "kills.sav").write_bytes(hostile.segfault_sav())
    (folder / "below" / "spins.dta").write_bytes(hostile.hanging_dta())
    (folder / "nowhere.csv").symlink_to(tmp_path / "nowhere")
    os.mkfifo(folder / "pipe.sav")
    (tmp_path / "index.files.csv").write_text("file,expected\nfiles/good.sav,30 rows\n")
    table = tmp_path / "table.csv"
    assert outcomes.main([str(folder), "--table", str(table)]) == 0
    found = lines_of(table)
    assert {name: line["outcome"] for name, line in found.items()} == {
        "good.sav": "read", "kills.sav": "refused", "spins.dta": "refused", "nowhere.csv": "refused",
        "pipe.sav": "refused",
    }  # fmt: skip
    good = found["good.sav"]
    assert (good["rows"], good["columns"], good["expected"]) == ("30", "6", "30 rows")
    assert "does not exist" in found["kills.sav"]["message"]
    assert "5 files, 0 faults." in capsys.readouterr().out


@pytest.mark.parametrize("fault", ["crash", "error", "hang", "file", "process"])
def test_what_no_file_may_do_fails_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], fault: str
) -> None:
    def read(path: Path) -> None:
        if fault == "crash":
            os.kill(os.getpid(), signal.SIGKILL)
        elif fault == "hang":
            time.sleep(60)
        elif fault == "file":
            (Path(os.environ["TMPDIR"]) / "left").touch()
        elif fault == "process":
            subprocess.Popen([sys.executable, "-c", "import time; time.sleep(5)"])
        else:
            raise ValueError("not an error of ours")
        raise IngestError("f: refused")

    monkeypatch.setattr(ingest, "read", read)
    monkeypatch.setattr(outcomes, "SECONDS", 0.2)
    monkeypatch.setattr(outcomes, "GRACE", 0.2)
    (tmp_path / "f.sav").touch()
    begun = time.monotonic()
    assert outcomes.main([str(tmp_path)]) == 1
    assert time.monotonic() - begun < 20
    said = capsys.readouterr().out
    assert "1 files, 1 faults." in said
    shown = {"crash": "crashed", "error": "ValueError", "hang": "hung", "file": "left", "process": "a process"}
    assert shown[fault] in said
