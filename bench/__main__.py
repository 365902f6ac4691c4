"""`python -m bench`: our tasks, the peers that are here, ratios, growth and memory; or one study of `STUDIES`.

Figures are printed, and written as JSON with `--json`; nothing is judged here, as clocks differ.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd

from bench import coverage, disclosure, inspecting, landing, national, peers, queries, tasks, weighting

STUDIES = ("timings", "weighting", "coverage", "areas", "landing", "inspecting", "queries", "disclosure")
SIZES = (17_500, 175_000, 1_750_000)


def ours(task: str, respondents: int, out: Path | None = None) -> dict[str, float]:
    """Run a task of ours in a fresh process."""
    command = [sys.executable, "-m", "bench.tasks", task, str(respondents), *([str(out)] if out else [])]
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def beside_peers(names: list[str], respondents: int, folder: Path, *, full: bool) -> dict[str, Any]:
    """Time all indicators in all families, ours and the peers', on one file."""
    found: dict[str, Any] = {"ours": ours("everything", respondents, folder / "ours.json")}
    ours_cpu = found["ours"]["cpu_seconds"]
    print(f"  {'ours':<10}{ours_cpu:10.2f} s CPU   peak {found['ours']['peak_mb']:.0f} MB")
    columns = ["indicator", "domain", "level", "estimate", "standard_error"]
    made = pd.DataFrame(json.loads((folder / "ours.json").read_text()), columns=columns)
    frame = national.generate(respondents)
    peers.write(frame, folder)
    items = tasks.items(frame)
    for name in names:
        command = peers.available(name)
        if isinstance(command, str):
            print(f"  {name:<10}skipped: {command}")
            continue
        some = items if full else items[5 : 5 + peers.SHORT[name]]
        try:
            result = peers.run(name, command, folder, some, made)
        except RuntimeError as error:
            print(f"  {name:<10}left out: {error}")
            continue
        result["ratio"] = result["cpu_seconds"] / ours_cpu
        found[name] = result
        scaled = "" if full else f" (scaled from {len(some)} of {len(items)} indicators)"
        without = "" if result["families"] == len(national.FAMILIES) else ", without areas"
        print(
            f"  {name:<10}{result['cpu_seconds']:10.1f} s CPU   {result['ratio']:.0f} times ours{scaled}{without}; "
            f"{result['compared']} cells: estimates within {result['estimate_difference']:.1e}, "
            f"standard errors within {result['error_ratio_difference']:.1e} of ours"
        )
    return found


WEIGHTING = {
    "rake": "raking to five margins",
    "rake_areas": "raking to five margins, one of 309 areas",
    "calibrated_areas": "10 indicators x 309 areas, raked weights credited",
    "trimmed_areas": "10 indicators x 309 areas, raked, trimmed and raked again, both credited",
    "redone": "500 bootstrap replicates each raked again, 10 indicators x 9 regions",
}
# Which task of ours a peer's stands beside.
BESIDE = {
    "rake": "rake",
    "calibrate": "rake",
    "areas": "calibrated_areas",
    "bootstrap": "bootstrap",
    "redone": "redone",
}


def weighted(names: list[str], respondents: int, folder: Path, figures: dict[str, Any], *, full: bool) -> None:
    """Time the tasks of weighting, and peers' where they have them."""
    for task, label in WEIGHTING.items():
        figures[task] = ours(task, respondents)
        print(f"{label}: {figures[task]['cpu_seconds']:.4g} s CPU, peak {figures[task]['peak_mb']:.0f} MB")
    found = weighting.beside_peers(names, national.generate(respondents), folder, full=full)
    for key, result in found.items():
        name, task = key.split("_", 1)
        beside = BESIDE[task]
        result["ratio"] = result["cpu_seconds"] / figures[beside]["cpu_seconds"]
        missed = f"; margins missed by {result['misfit']:.1e}" if "misfit" in result else ""
        if "error_ratio_difference" in result:
            missed = f"; standard errors within {result['error_ratio_difference']:.1e} of ours"
        print(f"  {name} {task:<10}{result['cpu_seconds']:10.3g} s CPU   {result['ratio']:.0f} times ours{missed}")
    figures["weighting_peers"] = {key: {k: v for k, v in r.items() if k != "rows"} for key, r in found.items()}


AREAS_LIMIT = 10.0
# Studies that take no options.
ALONE: dict[str, Callable[[], dict[str, Any]]] = {
    "landing": landing.study,
    "inspecting": inspecting.study,
    "queries": queries.study,
    "disclosure": disclosure.run,
}


def areas_compared(respondents: int, file: Path | None) -> None:
    """Print what 309 areas x 40 indicators against the nation take, beside the limit."""
    taken = ours("compared", respondents)
    print(
        f"309 areas x 40 indicators v the nation, respondents to adjusted p: {taken['cpu_seconds']:.2f} s CPU, "
        f"{taken['cpu_seconds'] / AREAS_LIMIT:.2f} of the limit of {AREAS_LIMIT:.0f} s; peak {taken['peak_mb']:.0f} MB"
    )
    if file:
        file.write_text(json.dumps(taken, indent=2))


def covered(samples: int, file: Path | None) -> None:
    """Print the study of coverage."""
    table = coverage.study(samples)
    print(f"95% intervals that hold the truth, per cent of {samples:,} stratified samples of 1,500:")
    for row in table.itertuples():
        print(
            f"  {row.way:<26}{row.estimate:<20}{row.variance:<10}{row.coverage:6.2f} +- {row.monte_carlo_error:.2f}   "
            f"bias {row.bias:5.2f}, spread {row.spread:.2f}, mean standard error {row.mean_standard_error:.2f} "
            "% of the truth"
        )
    if file:
        file.write_text(table.to_json(orient="records", indent=2))


def main() -> None:
    """Print every figure, and write them where asked."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("study", nargs="?", choices=STUDIES, default="timings")
    parser.add_argument("--samples", type=int, default=2000, help="samples of the study of coverage")
    parser.add_argument("--respondents", type=int, default=175_000)
    parser.add_argument("--peers", nargs="*", default=["svy", "survey"], choices=[*weighting.PEERS])
    parser.add_argument("--full", action="store_true", help="time peers on all indicators (many minutes)")
    parser.add_argument("--no-growth", action="store_true", help="leave out the larger and smaller files")
    parser.add_argument("--json", type=Path, help="write the figures to this file too")
    options = parser.parse_args()
    figures: dict[str, Any]
    if options.study == "coverage":
        covered(options.samples, options.json)
        return
    if options.study == "areas":
        areas_compared(options.respondents, options.json)
        return
    if options.study in ALONE:
        figures = ALONE[options.study]()
        if options.json:
            options.json.write_text(json.dumps(figures, indent=2))
        return
    figures = {}
    if options.study == "timings":
        timings(options, figures)
    else:
        figures["bootstrap"] = ours("bootstrap", options.respondents)
    with tempfile.TemporaryDirectory() as folder:
        weighted(options.peers, options.respondents, Path(folder), figures, full=options.full)
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2))


def timings(options: argparse.Namespace, figures: dict[str, Any]) -> None:
    """Time estimates with weights as fixed, beside peers and by size."""
    print(f"40 indicators x (national + 7 families), {options.respondents:,} respondents, frame to estimates:")
    able = [name for name in options.peers if name in peers.SHORT]
    with tempfile.TemporaryDirectory() as folder:
        figures["everything"] = beside_peers(able, options.respondents, Path(folder), full=options.full)
    for task, label in (
        ("areas", "10 indicators x 309 areas v the nation, overlap counted"),
        ("bootstrap", "500 bootstrap replicates of 10 indicators x 9 regions"),
    ):
        figures[task] = ours(task, options.respondents)
        print(f"{label}: {figures[task]['cpu_seconds']:.2f} s CPU, peak {figures[task]['peak_mb']:.0f} MB")
    if not options.no_growth:
        print("growth of the first task:")
        ten = ours("ten_indicators", options.respondents)["cpu_seconds"]
        print(f"  10 indicators {ten:.2f} s, 40 indicators {figures['everything']['ours']['cpu_seconds']:.2f} s CPU")
        figures["ten_indicators"], figures["growth"] = ten, {}
        for size in SIZES:
            taken = ours("everything", size)
            figures["growth"][size] = taken
            print(f"  {size:>9,} respondents {taken['cpu_seconds']:8.2f} s CPU, peak {taken['peak_mb']:.0f} MB")


if __name__ == "__main__":
    main()
