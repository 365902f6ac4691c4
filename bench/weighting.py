"""Margins of the synthetic file and the timed tasks of weighting.

Belongs here: raking, variances that credit it for many areas, replicates that rake again; what peers are given.
Not here: running and printing (__main__), coverage (coverage), estimates with weights as fixed (tasks).
"""

import json
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from bench import peers
from engagement_stats import SampleDesign, estimate, replicate, weight

MARGINS = ("region", "decile", "urban", "agesex", "ethnicity")
POPULATION = 45_000_000.0
UNITS = {"stratum": "stratum", "psu": "household", "single_psu": "certainty"}
TEN = [f"i{k:02d}" for k in range(10)]
# What each peer can do.
PEERS = {
    "survey": ("rake", "calibrate", "areas"),
    "svy": ("rake", "areas", "bootstrap", "redone"),
    "balance": ("rake",),
    "samplics": ("rake",),
}
# Peers take areas one at a time: they are given one indicator, scaled to ten, and R only when asked for all.
AREA_INDICATOR = "i05"


def margins(frame: pd.DataFrame, names: tuple[str, ...] = MARGINS) -> dict[str, dict[str, float]]:
    """Bend the file's weighted margins by up to 15 per cent, the same every time."""
    random = np.random.default_rng(1)
    out = {}
    for name in names:
        sums = frame.groupby(frame[name].astype(str), sort=True)["weight"].sum()
        bent = sums * random.uniform(0.85, 1.15, len(sums))
        out[name] = (POPULATION * bent / bent.sum()).to_dict()
    return out


def rake(known: dict[str, Any]) -> weight.Weights:
    """Rake to five margins."""
    return weight.rake(known["frame"], known["margins"], base="weight")


def rake_areas(known: dict[str, Any]) -> weight.Weights:
    """Rake to five margins, one of them of 309 areas in place of regions."""
    return weight.rake(known["frame"], known["area_margins"], base="weight")


def areas(known: dict[str, Any]) -> pd.DataFrame:
    """Estimate ten indicators in 309 areas with variances that credit the raking."""
    return estimate.proportion(known["frame"], TEN, design=known["design"], by="area")


def areas_trimmed(known: dict[str, Any]) -> pd.DataFrame:
    """Do the same after trimming and raking again: two credited steps."""
    return estimate.proportion(known["frame"], TEN, design=known["trimmed"], by="area")


def redone(known: dict[str, Any]) -> np.ndarray:
    """Draw 500 replicates, rake each again, and estimate ten indicators in nine regions under each."""
    rows = estimate.proportion(known["frame"], TEN, design=known["design"], by="region")
    again = replicate.redone(replicate.bootstrap(known["frame"], known["design"], count=500, seed=1))
    return replicate.standard_errors(rows, again)


def prepare(frame: pd.DataFrame) -> dict[str, Any]:
    """Make what the tasks begin with."""
    frame = frame.assign(**{name: frame[name].astype(str).astype("category") for name in MARGINS})
    known: dict[str, Any] = {"frame": frame, "margins": margins(frame)}
    known["area_margins"] = margins(frame, ("area", *MARGINS[1:]))
    weights = rake(known)
    known["design"] = SampleDesign(weight=weights, **UNITS)
    trimmed = weight.trim(weights, upper=float(np.quantile(weights.values, 0.99)))
    known["trimmed"] = SampleDesign(weight=trimmed, **UNITS)
    return known


def beside_peers(names: list[str], frame: pd.DataFrame, folder: Path, *, full: bool) -> dict[str, Any]:
    """Time what peers can do of these tasks; their margins' largest misfit, or their errors' distance from ours."""
    peers.write(frame, folder)
    known = prepare(frame)
    (folder / "margins.json").write_text(json.dumps(margins(frame)))
    found: dict[str, Any] = {}
    for name in names:
        command = peers.available(name)
        if isinstance(command, str):
            print(f"  {name:<10}skipped: {command}")
            continue
        script = Path(__file__).parent / ("peer_weighting.R" if name == "survey" else "peer_weighting.py")
        file = folder / ("national.csv" if name == "survey" else "national.parquet")
        for task in PEERS[name]:
            if name == "survey" and task == "areas" and not full:
                continue
            call = [command[0], str(script), name, str(file), str(folder / "margins.json"), task]
            done = subprocess.run(call, capture_output=True, text=True, check=False)
            if done.returncode:
                print(f"  {name:<10}{task} left out: {done.stderr.strip().splitlines()[-1:]}")
                continue
            result = json.loads(done.stdout.strip().splitlines()[-1])
            if task == "areas":
                result["error_ratio_difference"] = _distance(known, result["rows"])
            found[f"{name}_{task}"] = result
    return found


def _distance(known: dict[str, Any], rows: list[Any]) -> float:
    """Largest relative difference of a peer's standard errors of areas from ours."""
    ours = estimate.proportion(known["frame"], AREA_INDICATOR, design=known["design"], by="area")
    both = ours.merge(pd.DataFrame(rows, columns=["level", "theirs", "their_error"]), on="level")
    both = both[both["standard_error"] > 0]
    return float((both["their_error"] / both["standard_error"] - 1).abs().max())
