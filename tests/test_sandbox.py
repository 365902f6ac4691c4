"""Whatever a parser does in a child, this process lives, waits no longer than it said, and nothing is left behind."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engagement_stats import ingest, sandbox
from engagement_stats.errors import IngestError
from engagement_stats.sandbox import MEGABYTE, Limits

# A child that runs free is ended at once by its own limits, whichever of them is met first.
QUICK = Limits(seconds=5.0, memory=512 * MEGABYTE, disk=2 * MEGABYTE)
CANARY = "CANARY7731"


@pytest.fixture
def does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Run a few lines as the child's job, in a module made for them."""
    monkeypatch.syspath_prepend(tmp_path)

    def run(lines: str, limits: Limits = QUICK, job: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
        body = "".join(f"    {line}\n" for line in lines.splitlines())
        name = f"child_{len(list(tmp_path.iterdir()))}"
        (tmp_path / f"{name}.py").write_text(f"import json\ndef main(job, answer, data):\n{body}")
        with tempfile.TemporaryFile() as data:
            answer = sandbox.run(name, job or {}, data, where="wave f.sav", limits=limits, **more)
            data.seek(0)
            return answer | {"data": data.read().decode()}

    yield run
    with pytest.raises(ChildProcessError):  # no child is left, running or unreaped
        os.waitpid(-1, os.WNOHANG)


def refused(does: Any, lines: str, limits: Limits = QUICK) -> str:
    before = time.monotonic()
    with pytest.raises(IngestError) as caught:
        does(lines, limits)
    assert time.monotonic() - before < 20
    assert CANARY not in str(caught.value)
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    return str(caught.value)


def test_a_child_gets_its_job_and_gives_its_answer(does: Any) -> None:
    answer = does("data.write(job['text'].encode()); json.dump({'twice': job['text'] * 2}, answer)", job={"text": "é"})
    assert answer == {"twice": "éé", "data": "é"}


def test_a_child_reads_an_open_file_and_has_nothing_else_of_ours(
    does: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET", CANARY)
    path = tmp_path / "f.sav"
    path.write_text("held")
    with path.open() as handle, path.open() as other:
        answer = does(
            f"""
import os, resource, sys
own = {handle.fileno()}
there = sorted(int(n) for n in os.listdir('/dev/fd'))
found = {{
    'read': open(f'/dev/fd/{{own}}').read(),
    'environment': dict(os.environ), 'folder': os.getcwd(), 'other': {other.fileno()} in there, 'open': len(there),
    'stdin': os.read(0, 1).decode(), 'umask': os.umask(0), 'leads': os.getpgid(0) == os.getpid() == os.getsid(0),
    'core': resource.getrlimit(resource.RLIMIT_CORE), 'pandas': 'pandas' in sys.modules,
}}
json.dump(found, answer)""".strip(),
            files=[handle.fileno()],
        )
    assert answer["read"] == "held"
    assert not answer["other"]
    assert CANARY not in str(answer)
    # Standard streams, the file, job, answer and data, and the folder being listed.
    assert answer["open"] <= 8
    assert (answer["stdin"], answer["umask"], answer["leads"], answer["core"]) == ("", 0o077, True, [0, 0])
    assert answer["folder"] == "/"
    assert not answer["pandas"]


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere there is no such wall")
def test_a_child_cannot_reach_this_machine_s_network(does: Any) -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        answer = does(
            f"""
import socket
try:
    socket.create_connection(('127.0.0.1', {port}), 2).close()
    reached = True
except OSError:
    reached = False
json.dump({{'reached': reached, 'links': [n for _, n in socket.if_nameindex()]}}, answer)""".strip()
        )
    if answer["links"] != ["lo"]:
        pytest.skip("this system lets nobody leave the network")
    assert answer["reached"] is False


@pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS, signal.SIGILL])
def test_a_crash_is_an_error_about_the_file(does: Any, number: int) -> None:
    message = refused(does, f"import os; print({CANARY!r}); os.kill(os.getpid(), {int(number)})")
    assert message.startswith(f"wave f.sav: the reader crashed (signal {int(number)}). The file is damaged or hostile")


def test_a_true_segmentation_fault_is_caught(does: Any) -> None:
    assert "the reader crashed (signal 11)" in refused(does, "import ctypes; ctypes.string_at(0)")


def test_a_child_that_was_killed_from_outside_says_why_it_may_have_been(does: Any) -> None:
    message = refused(does, "import os, signal; os.kill(os.getpid(), signal.SIGKILL)")
    assert "the reader was killed (signal 9), as when the machine runs out of memory" in message


@pytest.mark.parametrize("lines", ["while True: pass", "import time; time.sleep(60)"], ids=["busy", "asleep"])
def test_a_hang_is_ended_at_the_limit(does: Any, lines: str) -> None:
    assert "took longer than 1 s and was stopped" in refused(does, lines, Limits(1.0, QUICK.memory, QUICK.disk))


def test_a_child_that_will_not_be_told_is_ended_too(does: Any) -> None:
    stubborn = "import signal, time\nfor n in range(1, 32):\n    try: signal.signal(n, signal.SIG_IGN)\n"
    stubborn += "    except OSError: pass\nwhile True: time.sleep(1)"
    assert "took longer than 1 s" in refused(does, stubborn, Limits(1.0, QUICK.memory, QUICK.disk))


def test_memory_has_an_end(does: Any) -> None:
    assert "needed more than 512 MB of memory" in refused(does, "held = bytearray(600 * 2**20); print(held[0])")


def test_disk_has_an_end(does: Any) -> None:
    # Python turns the signal into an error; one that C code dies of is told apart by its number.
    assert "exit status" in refused(does, "data.write(b'x' * 3 * 2**20)")
    message = refused(
        does, "import signal; signal.signal(signal.SIGXFSZ, signal.SIG_DFL); data.write(b'x' * 3 * 2**20); data.flush()"
    )
    assert "the reader wrote more than 2 MB" in message


@pytest.mark.parametrize("lines", [
    "pass", "answer.write('{')", "json.dump([1], answer)", "answer.write('[' * 100_000)", "answer.write('nan')",
    "answer.buffer.write(b'\\xff{}')",
])  # fmt: skip
def test_an_answer_that_is_none_is_refused(does: Any, lines: str) -> None:
    assert refused(does, lines).startswith("wave f.sav: the reader gave no answer.")


def test_an_answer_too_long_is_refused(does: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox, "LARGEST_ANSWER", 10)
    assert "gave no answer" in refused(does, "json.dump({'long': 'x' * 10}, answer)")


def test_what_goes_wrong_in_the_child_is_not_shown(does: Any, capfd: pytest.CaptureFixture[str]) -> None:
    message = refused(does, f"import sys; sys.stderr.write({CANARY!r}); raise ValueError({CANARY!r})")
    assert message.startswith("wave f.sav: the reader failed (exit status 1).")
    assert capfd.readouterr() == ("", "")


def _lives(pid: int) -> bool:
    """Say whether a process runs; one that ended and waits to be reaped by whoever inherited it does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def _gone(pid: int) -> bool:
    limit = time.monotonic() + 10
    while time.monotonic() < limit:
        if not _lives(pid):
            return True
        time.sleep(0.05)
    return False


@pytest.mark.skipif(sys.platform != "linux", reason="processes are looked for in /proc")
def test_the_child_s_children_are_ended_with_it(does: Any, tmp_path: Path) -> None:
    noted = tmp_path / "pid"
    forks = "import os, time\npid = os.fork()\nif pid == 0: time.sleep(60)\n"
    does(f"{forks}open({str(noted)!r}, 'w').write(str(pid))\njson.dump({{}}, answer)")
    assert _gone(int(noted.read_text()))


PARENT = """
import sys, tempfile
from pathlib import Path
sys.path.insert(0, {folder!r})
from engagement_stats import sandbox
limits = sandbox.Limits(60.0, 512 * sandbox.MEGABYTE, sandbox.MEGABYTE)
with tempfile.TemporaryFile() as data:
    sandbox.run("sleeps", {{}}, data, where="f", limits=limits)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="processes are looked for in /proc")
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_child_does_not_outlive_its_parent_and_leaves_no_file(tmp_path: Path, number: int) -> None:
    noted, scratch = tmp_path / "pid", tmp_path / "scratch"
    scratch.mkdir()
    (tmp_path / "sleeps.py").write_text(
        f"import os, time\ndef main(job, answer, data):\n    data.write(b'x')\n"
        f"    open({str(noted)!r}, 'w').write(str(os.getpid()))\n    os.rename({str(noted)!r}, {str(noted) + '_'!r})\n"
        "    while True: time.sleep(1)\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT.format(folder=str(tmp_path))],
        env={**os.environ, "TMPDIR": str(scratch)},
        stderr=subprocess.DEVNULL,
    )
    limit = time.monotonic() + 30
    while not Path(f"{noted}_").exists():
        assert time.monotonic() < limit
        time.sleep(0.05)
    child = int(Path(f"{noted}_").read_text())
    assert _lives(child)
    parent.send_signal(number)
    parent.wait(10)
    assert _gone(child)
    assert list(scratch.iterdir()) == []


def test_an_interrupt_ends_the_child(does: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def pressed(*_: Any) -> bool:
        raise KeyboardInterrupt

    monkeypatch.setattr(sandbox, "_ended", pressed)
    with pytest.raises(KeyboardInterrupt):
        does("import time; time.sleep(60)")


def test_a_script_without_a_main_guard_reads_a_file_once(tmp_path: Path) -> None:
    (tmp_path / "f.csv").write_text("a,b\n1,2\n")
    script = tmp_path / "mine.py"
    script.write_text(
        "from pathlib import Path\nfrom engagement_stats import ingest\n"
        f"print('read', ingest.read(Path({str(tmp_path / 'f.csv')!r})).frame.to_dict('list'))\n"
    )
    # In the folder of the script lies what a child must not take for a module of Python's own.
    (tmp_path / "json.py").write_text("raise SystemExit(3)")
    done = subprocess.run(
        [sys.executable, "-P", str(script)], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.stdout, done.stderr) == ("read {'a': ['1'], 'b': ['2']}\n", "")


def test_limits_grow_with_the_file() -> None:
    small, large = Limits.of(0), Limits.of(161_000_000)
    assert (small.seconds, small.memory) == (10.0, 2**30)
    # What reading such a file whole was measured to take, pyreadstat alone: 37 s and 1.8 GB.
    assert large.seconds > 2 * 37
    assert large.memory > 2 * 1.8e9
    assert json.loads(json.dumps(large.memory)) == large.memory
    # Of a portable file pyreadstat alone takes 9.7 s for 9.9 MB on a busy machine.
    assert Limits.of(34_000_000, ingest.SLOW["por"]).seconds > 2 * 34
