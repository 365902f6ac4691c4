"""Read the columns of a large reading in two processes at once.

Belongs here: when that pays, the second process, and putting the two halves together.
Not here: any format; what a process does to itself before it meets a file (confinement).

The parsers of statistical files take one processor, and most of their time goes into the values of the columns asked
for. The second process is a fork of the child, with its limits and in its group, so that it ends with it.
"""

import importlib
import mmap
import os
import signal
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, NoReturn

from engagement_stats.errors import IngestError
from engagement_stats.readers import confinement
from engagement_stats.readers.model import Options, unreadable

if TYPE_CHECKING:
    import pyarrow as pa

# Below these a second process costs more than it brings; and a small file should not have two limits of memory.
LEAST_BYTES, LEAST_CELLS = 16_000_000, 2_000_000
REFUSED, FAILED = 3, 4


def pays(path: Path, cells: int, columns: int) -> bool:
    """Say whether to read in two processes. One that has threads, as Arrow's, is never forked."""
    processors = len(os.sched_getaffinity(0)) if sys.platform == "linux" else 1
    large = cells >= LEAST_CELLS and path.stat().st_size >= LEAST_BYTES
    return processors > 1 and columns > 1 and large and "pyarrow" not in sys.modules


def table(reader: Any, path: Path, names: Sequence[str], options: Options, where: str) -> "pa.Table":
    """Do what the reader's `table` does, half of the columns in a second process.

    Raises
    ------
    IngestError
        See `table` of the reader.
    """
    half, me = len(names) // 2, os.getpid()
    with tempfile.TemporaryFile() as passed:
        second = os.fork()
        if second == 0:
            _read(reader, path, names[half:], options, where, passed, me)
        try:
            first = reader.table(path, names[:half], options, where)
            status = os.waitstatus_to_exitcode(os.waitpid(second, 0)[1])
            second = 0
        finally:
            if second:
                os.kill(second, signal.SIGKILL)
                os.waitpid(second, 0)
        rest = _passed(passed, status, options, where)
    if first.num_rows != rest.num_rows:
        raise unreadable(where, options.format)
    for at, field in enumerate(rest.schema):
        first = first.append_column(field, rest.column(at))
    return first


def _read(
    reader: Any, path: Path, names: Sequence[str], options: Options, where: str, passed: BinaryIO, parent: int
) -> NoReturn:
    """Read the second half and pass it on; this process then ends, whatever happened."""
    status = FAILED
    try:
        confinement.die_with(parent)
        found = reader.table(path, names, options, where)
        ipc = importlib.import_module("pyarrow.ipc")
        with ipc.new_file(passed, found.schema) as out:
            out.write_table(found)
        status = 0
    except IngestError as error:
        passed.write(str(error).encode())
        status = REFUSED
    except MemoryError:
        status = confinement.OUT_OF_MEMORY
    finally:
        passed.flush()
        os._exit(status)


def _passed(passed: BinaryIO, status: int, options: Options, where: str) -> "pa.Table":
    import pyarrow as pa

    passed.seek(0)
    if status == REFUSED:
        raise IngestError(passed.read().decode())
    if status == confinement.OUT_OF_MEMORY:
        raise MemoryError
    if status < 0:  # it crashed, and so does its like: the parent is to say by what signal
        signal.signal(-status, signal.SIG_DFL) if -status != signal.SIGKILL else None
        os.kill(os.getpid(), -status)
    if status != 0:
        raise unreadable(where, options.format)
    # Through a file of Python's a thread of Arrow's reads ahead, and now and then aborts the process as it ends.
    return pa.ipc.open_file(pa.py_buffer(mmap.mmap(passed.fileno(), 0, access=mmap.ACCESS_READ))).read_all()
