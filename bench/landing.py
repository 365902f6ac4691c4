"""Time landing the columns a catalogue asks for of a large SPSS file, isolation included, beside pyreadstat's own time.

Belongs here: the generated file, the timed tasks, each in a fresh process, and their ratios.
Not here: the timings of estimates and weights (tasks, weighting). Nobody in the file is real.
"""

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyreadstat

ROWS, LABELLED, WEIGHTS, TEXTS = 170_000, 560, 30, 9
ASKED = (25, 66)
REPEATS = 5
MEGABYTE = 1_048_576


def generate(path: Path, rows: int = ROWS) -> None:
    """Write a file like a national survey's: an identifier, items with labels and missing codes, weights, texts."""
    random = np.random.default_rng(600)
    answers = np.array([1, 2, 3, 4, 5, -9, -8, -1], dtype="float64")
    frame: dict[str, Any] = {"serial": np.arange(1, rows + 1, dtype="float64")}
    for item in range(LABELLED):
        frame[f"q{item:03d}"] = random.choice(answers, rows, p=[0.3, 0.25, 0.15, 0.1, 0.1, 0.02, 0.03, 0.05])
    for item in range(WEIGHTS):
        frame[f"wt{item:02d}"] = np.exp(random.normal(0, 0.6, rows))
    for item in range(TEXTS):
        frame[f"area{item}"] = random.choice([f"E0{k:07d}" for k in range(400)], rows)
    labels = {1.0: "Yes", 2.0: "No", -9.0: "Refused", -8.0: "Don't know", -1.0: "Not applicable"}
    items = [name for name in frame if name.startswith("q")]
    pyreadstat.write_sav(
        pd.DataFrame(frame),
        path,
        row_compress=True,
        variable_value_labels=dict.fromkeys(items, labels),
        missing_ranges={name: [{"lo": -9, "hi": -1}] for name in items},
    )


def columns(count: int) -> list[str]:
    """Choose columns from one end of the file to the other: the identifier, a weight, two texts and items."""
    items = [f"q{round(k):03d}" for k in np.linspace(0, LABELLED - 1, count - 4)]
    return ["serial", "wt00", "area0", "area8", *items]


def theirs(path: Path, count: int) -> float:
    """Read some columns with pyreadstat alone, all for 0; return the seconds its call took."""
    asked = columns(count) if count else None
    before = time.perf_counter()
    pyreadstat.read_sav(path, user_missing=True, disable_datetime_conversion=True, usecols=asked)
    return time.perf_counter() - before


def ours(path: Path, count: int) -> float:
    """Land some columns as a wave's private Parquet; return the seconds from asking to the file in its place."""
    from pyarrow import parquet

    from engagement_stats import ingest
    from engagement_stats.catalogue import model as m
    from engagement_stats.deposit import Digests, LandedFile
    from engagement_stats.store import Fingerprint, Store

    asked = columns(count)
    wave = m.MicrodataWave.model_validate(
        {
            "kind": "microdata", "label": "Generated", "survey": "s", "series": "s", "source": "s", "mode": "web",
            "fieldwork": {"label": "2020", "year": 2020}, "file": {"pattern": ["*.sav"], "format": "sav"},
            "respondent_id": {"columns": asked[:1]}, "design": {"weights": {"main": asked[1]}},
            "variables": {f"v{k}": {"column": n, "codes": {"1": "Yes"}} for k, n in enumerate(asked[2:])},
            "indicators": {}, "domains": [],
        }
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        store, fingerprint = Store(Path(folder) / "private"), Fingerprint("", "", "")
        file, digests = LandedFile(path, root=path.parent), Digests()
        digest = digests.of(file, "the generated file")  # known of a file that has landed; not read again
        before = time.perf_counter()
        landed = ingest.land_wave(
            "wave", wave, file, lambda parquet: store.take("wave", fingerprint, "raw", parquet),
            digest=digest, digests=digests,
        )  # fmt: skip
        taken = time.perf_counter() - before
        assert (landed.rows, landed.columns) == (ROWS, count)
        assert parquet.read_metadata(store.folder("wave", fingerprint) / "raw.parquet").num_rows == ROWS
    return taken


def measured(tasks: Sequence[str], path: Path, count: int, repeats: int) -> list[dict[str, float]]:
    """Run tasks in fresh processes, in turn, so that a busy moment meets all; the quickest times, the most memory."""
    runs: dict[str, list[dict[str, float]]] = {task: [] for task in tasks}
    for task in [*tasks] * repeats:
        command = [sys.executable, "-m", "bench.landing", task, str(path), str(count)]
        runs[task].append(json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout))
    return [
        {k: min(r[k] for r in some) for k in ("seconds", "cpu_seconds")}
        | {k: max(r[k] for r in some) for k in ("own_mb", "child_mb")}
        for some in runs.values()
    ]


def study() -> dict[str, Any]:
    """Print and return the times, their ratios and the memory taken."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "national.sav"
        command = [sys.executable, "-m", "bench.landing", "generate", str(path), "0"]
        subprocess.run(command, check=True, capture_output=True)
        # A file just written is digested each time it is asked for; one that landed some time ago is not.
        time.sleep(2.5)
        print(f"{ROWS:,} x {LABELLED + WEIGHTS + TEXTS + 1} .sav of {path.stat().st_size / MEGABYTE:.0f} MB:")
        (whole,) = measured(["theirs"], path, 0, 2)
        found: dict[str, Any] = {"whole": whole}
        print(f"  pyreadstat, whole      {whole['seconds']:6.2f} s   peak {whole['own_mb']:5.0f} MB")
        for count in ASKED:
            alone, landed = measured(["theirs", "ours"], path, count, REPEATS)
            found[str(count)] = {
                "pyreadstat": alone, "ours": landed, "ratio": landed["seconds"] / alone["seconds"],
                "times_whole": whole["seconds"] / landed["seconds"],
            }  # fmt: skip
            print(f"  pyreadstat, {count} columns {alone['seconds']:6.2f} s   peak {alone['own_mb']:5.0f} MB")
            print(
                f"  landed, {count} columns     {landed['seconds']:6.2f} s   peak {landed['child_mb']:5.0f} MB in each "
                f"of two processes, {landed['own_mb']:.0f} MB here; {found[str(count)]['ratio']:.2f} times "
                f"pyreadstat's time, {found[str(count)]['times_whole']:.1f} times faster than whole"
            )
    return found


def main() -> None:
    """Do one task and print what it took."""
    task, path, count = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    if task == "generate":
        generate(path)
        return
    before = sum(os.times()[:4])
    seconds = (theirs if task == "theirs" else ours)(path, count)
    own, child = (resource.getrusage(who).ru_maxrss / 1024 for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    cpu = sum(os.times()[:4]) - before
    print(json.dumps({"seconds": seconds, "cpu_seconds": cpu, "own_mb": own, "child_mb": child}))


if __name__ == "__main__":
    main()
