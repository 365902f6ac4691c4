"""Two processes read what one would, and whatever happens to the second is said as if it had happened to the one."""

import io
import os
import sys
import tempfile
from pathlib import Path
from typing import Any, NoReturn

import pandas as pd
import pyarrow as pa
import pyreadstat
import pytest
from reading import here

from engagement_stats import ingest, sandbox
from engagement_stats.errors import IngestError
from engagement_stats.readers import halves
from engagement_stats.readers.model import Options

if sys.platform != "linux" or len(os.sched_getaffinity(0)) < 2:
    pytest.skip("one processor has no halves", allow_module_level=True)

# A worker that forks for the smallest file, and says of each reading whether it did.
HALVING = """
from engagement_stats.readers import halves, worker
halves.LEAST_BYTES = halves.LEAST_CELLS = 0
whole = halves.table

def table(*arguments):
    open({noted!r}, "a").write("x")
    return whole(*arguments)

def main(job, answer, data):
    halves.table = table
    worker.main(job, answer, data)
"""
# A reader of which the half with the column "b" does something of its own.
FAULTY = """
import json, os, signal
from pathlib import Path
from engagement_stats.errors import IngestError
from engagement_stats.readers import halves
from engagement_stats.readers.model import Options

class Reader:
    def table(self, path, names, options, where):
        if "b" in names:
            {fault}
        import pyarrow as pa
        return pa.table({{n: [1.0, 2.0] for n in names}})

def main(job, answer, data):
    try:
        found = halves.table(Reader(), Path("f"), job["names"], Options(format="sav"), "f.sav")
        json.dump({{"found": found.to_pydict()}}, answer)
    except IngestError as error:
        json.dump({{"error": str(error)}}, answer)
"""


@pytest.mark.parametrize("kind", ["sav", "dta"])
def test_two_halves_are_the_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    frame = pd.DataFrame({"a": [1.0, -9.0, None], "b": ["x", "", "é"], "c": [0.5, 1.5, 2.5], "d": [1.0, 2.0, 3.0]})
    path, noted = tmp_path / f"f.{kind}", tmp_path / "noted"
    if kind == "sav":
        pyreadstat.write_sav(frame, path, variable_value_labels={"a": {1: "Yes"}}, missing_ranges={"a": [-9]})
    else:
        frame = frame.assign(d=[1.0, 2.0, "z"])
        pyreadstat.write_dta(frame, path, missing_user_values={"d": ["z"]})
    (tmp_path / "halving.py").write_text(HALVING.format(noted=str(noted)))
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(ingest, "READER", "halving")
    halved = ingest.read(path)
    assert noted.read_text() == "x"
    monkeypatch.setattr(ingest, "READER", "engagement_stats.readers.worker")
    monkeypatch.setattr(sandbox, "run", here)
    whole = ingest.read(path)
    pd.testing.assert_frame_equal(halved.frame, whole.frame)
    assert (halved.labels, halved.user_missing) == (whole.labels, whole.user_missing)
    # The order of the file, and one column alone, which has no halves.
    assert list(halved.frame) == ["a", "b", "c", "d"]


def outcome(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: str, names: list[str]) -> dict[str, Any]:
    (tmp_path / "faulty.py").write_text(FAULTY.format(fault=fault))
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "faulty", raising=False)
    limits = sandbox.Limits(5.0, 1024 * sandbox.MEGABYTE, sandbox.MEGABYTE)
    with tempfile.TemporaryFile() as data:
        return sandbox.run("faulty", {"names": names}, data, where="f.sav", limits=limits)


@pytest.mark.parametrize("names", [["a", "b"], ["b", "a"]], ids=["second", "first"])
@pytest.mark.parametrize(("fault", "words"), [
    ("os.kill(os.getpid(), signal.SIGSEGV)", "the reader crashed (signal 11)"),
    ("raise MemoryError", "needed more than 1024 MB of memory"),
    ("while True: pass", "took longer than 5 s"),
])  # fmt: skip
def test_either_half_ends_the_reading(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, names: list[str], fault: str, words: str
) -> None:
    with pytest.raises(IngestError) as caught:
        outcome(tmp_path, monkeypatch, fault, names)
    assert words in str(caught.value)


def test_the_second_half_s_error_is_the_reading_s(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = outcome(tmp_path, monkeypatch, "raise IngestError('f.sav: é is wrong.')", ["a", "b"])
    assert said == {"error": "f.sav: é is wrong."}
    said = outcome(tmp_path, monkeypatch, "raise SystemError('CANARY7731')", ["a", "b"])
    assert said["error"].startswith("f.sav: the file cannot be read as SPSS data.")
    short = "import pyarrow as pa; return pa.table({n: [1.0] for n in names})"
    assert "cannot be read as SPSS" in outcome(tmp_path, monkeypatch, short, ["a", "b"])["error"]
    assert outcome(tmp_path, monkeypatch, "pass", ["a", "b", "c"]) == {
        "found": {"a": [1.0, 2.0], "b": [1.0, 2.0], "c": [1.0, 2.0]}
    }


def test_no_thread_of_arrow_s_reads_through_a_file_of_python_s(tmp_path: Path) -> None:
    """One that does aborts the interpreter as it ends, once in some hundreds of readings of a busy machine."""

    class Unread(io.FileIO):
        def readinto(self, _: Any) -> NoReturn:
            raise AssertionError("read through Python")

        read = readall = readinto

    path = tmp_path / "passed"
    found = pa.table({"a": [1.0, 2.0], "b": ["x", None]})
    with pa.ipc.new_file(path, found.schema) as out:
        out.write_table(found)
    with Unread(path) as passed:
        read = halves._passed(passed, 0, Options(format="sav"), "f.sav")  # type: ignore[arg-type]
    assert read.equals(found)


def test_a_small_reading_and_a_process_with_threads_are_not_halved(tmp_path: Path) -> None:
    path = tmp_path / "f.sav"
    path.write_bytes(b"x" * 16_000_000)
    assert "pyarrow" in sys.modules
    assert not halves.pays(path, 2_000_000, 2)
    with pytest.MonkeyPatch.context() as patch:
        patch.delitem(sys.modules, "pyarrow")
        assert halves.pays(path, 2_000_000, 2)
        assert not halves.pays(path, 2_000_000, 1)
        assert not halves.pays(path, 1_999_999, 2)
        path.write_bytes(b"x")
        assert not halves.pays(path, 2_000_000, 2)
