"""Time `inspect` on files of many columns: `python -m bench inspecting`.

Belongs here: the generated files, the time of the whole command and how it grows with the columns.
Not here: what is proposed of real waves (tests/test_propose.py). Nobody in the files is real.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyreadstat

ROWS, COLUMNS = 300, (250, 1_000, 5_000)
# What a file may take, whatever is in it.
LIMIT = 20.0
WORDS = [
    "volunteer",
    "member",
    "group",
    "local",
    "help",
    "given",
    "unpaid",
    "time",
    "last",
    "months",
    "neighbourhood",
    "council",
    "trust",
    "people",
    "area",
    "often",
    "agree",
    "meeting",
    "petition",
    "contacted",
    "belong",
]


def generate(path: Path, columns: int) -> None:
    """Write a file of labelled items like no known wave, so that each is held against every known variable."""
    random = np.random.default_rng(columns)
    names = [f"Q{i // 10}_{i % 10}" for i in range(columns)]
    frame = pd.DataFrame({n: random.integers(1, 6, ROWS).astype("float64") for n in names})
    answers = {1.0: "Yes", 2.0: "No", 3.0: "Don't know", 4.0: "Refused", 5.0: "Sometimes"}
    pyreadstat.write_sav(
        frame.assign(serial=np.arange(ROWS, dtype="float64"), wt=random.uniform(0.5, 2, ROWS)),
        path,
        column_labels=[*(" ".join(random.choice(WORDS, 8)) for _ in names), "Serial number", "Weight"],
        variable_value_labels=dict.fromkeys(names, answers),
    )


def taken(path: Path) -> dict[str, float]:
    """Run the command; return the CPU seconds of it and of its children, and the largest memory of one process."""
    call = "import sys; from engagement_stats.cli import main; sys.exit(main())"
    command = [sys.executable, "-c", call, "inspect", str(path), "--format", "json"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"inspect ended with {process.returncode}")
    return {"cpu_seconds": used.ru_utime + used.ru_stime, "peak_mb": used.ru_maxrss / 1024}


def study() -> dict[str, Any]:
    """Print and return what files of more and more columns take."""
    found: dict[str, Any] = {}
    print(f"inspect, {ROWS} rows of labelled items:")
    with tempfile.TemporaryDirectory() as folder:
        for columns in COLUMNS:
            path = Path(folder) / f"{columns}.sav"
            generate(path, columns)
            found[str(columns)] = once = taken(path)
            print(
                f"  {columns:>5,} columns {once['cpu_seconds']:6.2f} s CPU, {once['cpu_seconds'] / LIMIT:.2f} of the "
                f"limit of {LIMIT:.0f} s; peak {once['peak_mb']:.0f} MB"
            )
    return found
