"""What a child process does to itself before it looks at a file from a stranger.

Belongs here: limits of memory, time and disk, no network, and death with its parent.
Not here: starting the child and judging how it ended (sandbox), and reading (worker).

`begin` is the first of our code a child runs; nothing of the file has been touched by then.
"""

import ctypes
import importlib
import json
import math
import os
import resource
import signal
import sys
from collections.abc import Mapping
from typing import Any

# How a child says that its memory ran out, when it has none left to say it otherwise.
OUT_OF_MEMORY = 86
NEW_USER, NEW_NETWORK, PARENT_DEATH_SIGNAL = 0x10000000, 0x40000000, 1


def limit(seconds: float, memory: int, disk: int) -> None:
    """Set the limits the kernel keeps: bytes of memory and of any file written, seconds of processor and of clock."""
    whole = math.ceil(seconds)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (disk, disk))
    resource.setrlimit(resource.RLIMIT_CPU, (whole, whole + 1))
    if sys.platform == "linux":  # elsewhere it is refused or not kept
        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    # The parent kills a child that takes too long. Should it be unable to, the clock does, a little later.
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, seconds + 2)


def isolate(parent: int) -> None:
    """Leave the network, where the system lets a user do so, and die when the parent does."""
    if sys.platform != "linux":
        return
    system = ctypes.CDLL(None, use_errno=True)
    # Only root may leave the network alone; anybody else needs a user namespace to, which would cost root its rights.
    system.unshare(NEW_NETWORK if os.geteuid() == 0 else NEW_NETWORK | NEW_USER)
    die_with(parent)


def die_with(parent: int) -> None:
    """Have the kernel kill this process when its parent ends."""
    if sys.platform != "linux":
        return
    ctypes.CDLL(None).prctl(PARENT_DEATH_SIGNAL, signal.SIGKILL)
    if os.getppid() != parent:  # it ended before we asked
        os._exit(1)


def begin(spec: Mapping[str, Any]) -> None:
    """Confine this process, hand the job to the module that does it, and end the process."""
    limit(spec["seconds"], spec["memory"], spec["disk"])
    isolate(spec["parent"])
    with os.fdopen(spec["job"], encoding="utf-8") as handle:
        job = json.load(handle)
    with os.fdopen(spec["answer"], "w", encoding="utf-8") as answer, os.fdopen(spec["data"], "wb") as data:
        try:
            importlib.import_module(spec["module"]).main(job, answer, data)
        except MemoryError:
            os._exit(OUT_OF_MEMORY)
    # All is written. What libraries in C do while an interpreter ends could only take time, or abort what was done.
    os._exit(0)
