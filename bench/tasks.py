"""Run one timed task of ours in a process of its own and print what it took as JSON.

Belongs here: the tasks, timed from a frame in memory to estimates in memory in user and system CPU seconds.
Not here: the file (national), peers (peers), what is printed (__main__).
"""

import json
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from bench import compared, weighting
from bench.national import FAMILIES, INDICATORS, generate
from engagement_stats import SampleDesign, estimate, replicate

DESIGN = SampleDesign(weight="weight", stratum="stratum", psu="household", single_psu="certainty")


def everything(frame: pd.DataFrame, indicators: int = INDICATORS) -> pd.DataFrame:
    """Estimate all indicators for the nation and every level of seven families."""
    return estimate.proportion(frame, items(frame)[:indicators], design=DESIGN, by=FAMILIES)


def areas(frame: pd.DataFrame) -> np.ndarray:
    """Set ten indicators in every area beside the nation that holds them: standard errors of differences."""
    rows = estimate.proportion(frame, items(frame)[:10], design=DESIGN, by="area")
    nation = np.flatnonzero(rows["domain"] == "all")
    errors = []
    for start, stop in zip(nation, [*nation[1:], len(rows)], strict=True):
        here = np.arange(start + 1, stop)
        shared = estimate.covariance_with(rows, int(start), here)
        variance = rows["standard_error"].to_numpy() ** 2
        errors.append(np.sqrt(np.maximum(variance[here] + variance[start] - 2 * shared, 0)))
    return np.concatenate(errors)


def bootstrap(frame: pd.DataFrame) -> np.ndarray:
    """Draw 500 replicates and estimate ten indicators in nine regions under each."""
    rows = estimate.proportion(frame, items(frame)[:10], design=DESIGN, by="region")
    return replicate.standard_errors(rows, replicate.bootstrap(frame, DESIGN, count=500, seed=1))


def items(frame: pd.DataFrame) -> list[str]:
    """Names of the indicators."""
    return [name for name in frame.columns if name[0] == "i" and name[1:].isdigit()]


TASKS: dict[str, Callable[[pd.DataFrame], object]] = {
    "everything": everything,
    "areas": areas,
    "bootstrap": bootstrap,
    "ten_indicators": lambda frame: everything(frame, 10),
}
# These begin with what their first function makes before the clock starts.
PREPARED: dict[str, tuple[Callable[[pd.DataFrame], Any], Callable[[Any], object]]] = {
    "compared": (compared.prepare, compared.areas),
    "rake": (weighting.prepare, weighting.rake),
    "rake_areas": (weighting.prepare, weighting.rake_areas),
    "calibrated_areas": (weighting.prepare, weighting.areas),
    "trimmed_areas": (weighting.prepare, weighting.areas_trimmed),
    "redone": (weighting.prepare, weighting.redone),
}


def peak_memory() -> float:
    """Most memory this process ever held, in MB."""
    status = Path("/proc/self/status")
    if status.exists():
        # Unlike ru_maxrss, this forgets what the parent held when it started us.
        line = next(text for text in status.read_text().splitlines() if text.startswith("VmHWM"))
        return float(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def run(task: str, respondents: int, out: str | None) -> dict[str, float]:
    """Time a task: the least of three runs, and the most memory the process ever held."""
    start_with: Any = generate(respondents)
    function: Callable[[Any], object]
    if task in PREPARED:
        prepare, function = PREPARED[task]
        start_with = prepare(start_with)
    else:
        function = TASKS[task]
    before = peak_memory()
    seconds = []
    for _ in range(3 if respondents <= 500_000 else 1):
        start = time.process_time()
        result = function(start_with)
        seconds.append(time.process_time() - start)
    peak = peak_memory()
    if out is not None and isinstance(result, pd.DataFrame):
        columns = ["indicator", "domain", "level", "estimate", "standard_error"]
        result[columns].to_json(Path(out), orient="values", double_precision=15)
    return {"cpu_seconds": min(seconds), "peak_mb": peak, "file_mb": before}


if __name__ == "__main__":
    print(json.dumps(run(sys.argv[1], int(sys.argv[2]), sys.argv[3] if len(sys.argv) > 3 else None)))
