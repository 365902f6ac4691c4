"""Run peers on the same file, each in a process of its own, and compare what they give.

Belongs here: starting a peer, scaling its time to all indicators, and the largest differences from ours.
Not here: our tasks (tasks). A peer that is not installed is left out with a message.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd

from bench.national import FAMILIES, INDICATORS

FOLDER = Path(__file__).parent
# Indicators a peer is timed on unless asked for all, and the families it can finish in minutes.
SHORT = {"svy": 2, "survey": 1, "samplics": 1}
AFFORDABLE = {"samplics": [f for f in FAMILIES if f != "area"]}


def available(peer: str) -> list[str] | str:
    """Return the command that starts a peer, or why there is none."""
    if peer == "survey":
        program = shutil.which("Rscript")
        if program is None:
            return "R is not installed (Debian: r-base-core r-cran-survey)"
        check = [program, "-e", "library(survey)"]
        command = [program, str(FOLDER / "peer_survey.R")]
    else:
        # Peers pin other versions of our libraries: BENCH_PYTHON may name an interpreter of their own.
        program = os.environ.get("BENCH_PYTHON", sys.executable)
        check = [program, "-c", f"import {peer}"]
        command = [program, str(FOLDER / f"peer_{peer}.py")]
    if subprocess.run(check, capture_output=True, check=False).returncode:
        return f"{peer} is not installed for {program} (pip install 'engagement-stats[bench]', or set BENCH_PYTHON)"
    return command


def write(frame: pd.DataFrame, folder: Path) -> None:
    """Write the file as peers read it: Parquet for Python, CSV for R."""
    plain = frame.assign(**{c: frame[c].astype(str) for c in FAMILIES})
    plain.to_parquet(folder / "national.parquet")
    plain.to_csv(folder / "national.csv", index=False)


def run(peer: str, command: list[str], folder: Path, items: list[str], ours: pd.DataFrame) -> dict[str, float]:
    """Time a peer on some indicators, scale to all, and find the largest differences from our estimates."""
    families = AFFORDABLE.get(peer, FAMILIES)
    file = folder / ("national.csv" if peer == "survey" else "national.parquet")
    done = subprocess.run(
        [*command, str(file), ",".join(families), ",".join(items)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"{peer} failed: {done.stderr.strip().splitlines()[-1:]}")
    answer = json.loads(done.stdout.strip().splitlines()[-1])
    theirs = pd.DataFrame(answer["rows"], columns=["indicator", "domain", "level", "theirs", "their_error"])
    theirs["level"] = (
        theirs["level"].str.replace("^TRUE$", "True", regex=True).str.replace("^FALSE$", "False", regex=True)
    )
    both = ours.merge(theirs, on=["indicator", "domain", "level"])
    known = both[both["standard_error"] > 0]
    return {
        "cpu_seconds": answer["cpu_seconds"] * INDICATORS / len(items),
        "measured_indicators": len(items),
        "compared": len(both),
        "estimate_difference": float((both["estimate"] - both["theirs"]).abs().max()),
        "error_ratio_difference": float((known["their_error"] / known["standard_error"] - 1).abs().max()),
        "families": len(families),
    }
