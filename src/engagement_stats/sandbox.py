"""Run a parser on a stranger's file in a child process that cannot harm this one.

Belongs here: starting the child, its limits (all of them are set here), ending it whatever happens, and saying how it
ended.
Not here: what the child does to itself (readers.confinement), reading (readers.worker), what is read (ingest).

The child gets open descriptors and no names: its job, its answer and its data are anonymous files, so that nothing is
left behind even where this process is killed. What it prints is thrown away, as a library's messages quote cells.
"""

import json
import os
import select
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO

from engagement_stats.errors import IngestError
from engagement_stats.readers.confinement import OUT_OF_MEMORY

MEGABYTE = 1_048_576
# A child reading a small file: Python, Arrow and pyreadstat take 0.3 GB of address space before they read anything.
LEAST_SECONDS, LEAST_MEMORY, LEAST_DISK = 10.0, 1024 * MEGABYTE, 256 * MEGABYTE
# pyreadstat reads a row-compressed .sav of 161 MB whole at 4.3 MB a second into 11 times its size.
BYTES_A_SECOND, MEMORY_A_BYTE, DISK_A_BYTE = 2 * MEGABYTE, 20, 16
LARGEST_ANSWER = 64 * MEGABYTE
ROOT = Path(__file__).resolve().parent.parent

START = (
    "import json, sys; spec = json.loads(sys.argv[1]); "
    "sys.path += [p for p in spec['paths'] if p not in sys.path]; "
    "from engagement_stats.readers import confinement; confinement.begin(spec)"
)
# Nothing of ours: threads would take address space, and a child needs no other setting. Of the user's only what the
# interpreter itself may need to start.
ENVIRONMENT = {
    "ARROW_DEFAULT_MEMORY_POOL": "system",
    "LC_ALL": "C.UTF-8",
    "MALLOC_ARENA_MAX": "1",
    # Arrow sets aside the bytes of a whole block for each column of text it reads from it, and gives back what is over.
    # From the heap, which takes no room back between columns, that adds up to gigabytes of address space.
    "MALLOC_MMAP_THRESHOLD_": "65536",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
}
INHERITED = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "SYSTEMROOT", "TMPDIR")


@dataclass(frozen=True, slots=True)
class Limits:
    """What a child may take: seconds of clock (and of processor), bytes of memory, bytes of any file it writes."""

    seconds: float
    memory: int
    disk: int

    @classmethod
    def of(cls, size: int, bytes_a_second: int = BYTES_A_SECOND) -> "Limits":
        """Return the limits for a file of this many bytes, of a format that is read this fast at least.

        Examples
        --------
        >>> Limits.of(101)
        Limits(seconds=10.0..., memory=1073743844, disk=268437072)
        """
        return cls(
            LEAST_SECONDS + size / bytes_a_second, LEAST_MEMORY + MEMORY_A_BYTE * size, LEAST_DISK + DISK_A_BYTE * size
        )


def run(
    module: str,
    job: Mapping[str, Any],
    data: BinaryIO,
    *,
    where: str,
    limits: Limits,
    files: Sequence[int] = (),
) -> dict[str, Any]:
    """Have a child process do a job, and return its answer.

    Parameters
    ----------
    module : str
        Whose `main(job, answer, data)` the child calls.
    job : mapping
        What it gets, as JSON.
    data : binary file
        What the child writes besides its answer. Not trusted either: the caller checks it.
    where : str
        The file, as messages name it.
    limits : Limits
    files : sequence of int
        Descriptors the child may read.

    Returns
    -------
    dict
        The answer, a JSON object and otherwise unchecked.

    Raises
    ------
    IngestError
        The child crashed, took too long, needed too much memory or disk, or answered with anything but an object.
    """
    with tempfile.TemporaryFile() as asked, tempfile.TemporaryFile() as answer:
        asked.write(json.dumps(job).encode())
        asked.seek(0)
        spec = {
            **asdict(limits), "paths": [str(ROOT), *(str(Path(p).absolute()) for p in sys.path if p)], "module": module,
            "parent": os.getpid(), "job": asked.fileno(), "answer": answer.fileno(), "data": data.fileno(),
        }  # fmt: skip
        command = [sys.executable, "-I", "-B", "-X", "utf8", "-c", START, json.dumps(spec)]
        status = _watched(command, [*files, asked.fileno(), answer.fileno(), data.fileno()], limits)
        if status != 0:
            raise IngestError(f"{where}: {_ending(status, limits)}")
        return _answered(answer, where)


def _watched(command: Sequence[str], files: Sequence[int], limits: Limits) -> int | None:
    """Start a child and return how it ended, None for one that took too long. None of it is left when we return."""
    inherited = {name: os.environ[name] for name in INHERITED if name in os.environ}
    child = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=inherited | ENVIRONMENT,
        cwd="/",
        umask=0o077,
        pass_fds=files,
        start_new_session=True,
    )
    try:
        in_time = _ended(child, limits.seconds)
    finally:
        # Its group, before it is reaped and its number can be another's.
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()
    return child.returncode if in_time else None


def _ended(child: subprocess.Popen[bytes], seconds: float) -> bool:
    """Wait for a child without reaping it; False if it has not ended by then."""
    if sys.platform != "linux":
        try:
            child.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True
    watch = os.pidfd_open(child.pid)
    try:
        poll = select.poll()
        poll.register(watch, select.POLLIN)
        return bool(poll.poll(seconds * 1000))
    finally:
        os.close(watch)


def _ending(status: int | None, limits: Limits) -> str:
    """Say how a child ended that did not do its job, and what to do about it."""
    again = "The file is damaged or hostile, and nothing of it was kept; deposit it again from its producer."
    if status is None or -status in (signal.SIGXCPU, signal.SIGALRM):
        return f"the reader took longer than {limits.seconds:.0f} s and was stopped. {again}"
    if status == OUT_OF_MEMORY:
        return f"the reader needed more than {limits.memory // MEGABYTE} MB of memory. {again}"
    if -status == signal.SIGXFSZ:
        return f"the reader wrote more than {limits.disk // MEGABYTE} MB. {again}"
    if -status == signal.SIGKILL:
        return "the reader was killed (signal 9), as when the machine runs out of memory. Close other programs; retry."
    if status < 0:
        return f"the reader crashed (signal {-status}). {again}"
    return f"the reader failed (exit status {status}). {again}"


def _answered(answer: BinaryIO, where: str) -> dict[str, Any]:
    answer.seek(0)
    content = answer.read(LARGEST_ANSWER + 1)
    try:
        found = json.loads(content) if len(content) <= LARGEST_ANSWER else None
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise IngestError(f"{where}: the reader gave no answer. The file is damaged or hostile; deposit it again.")
    return found
