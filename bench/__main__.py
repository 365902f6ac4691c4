"""`python -m bench`: our tasks, the peers that are here, ratios, growth and memory.

Figures are printed, and written as JSON with `--json`; nothing is judged here, as clocks differ.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pandas as pd

from bench import national, peers, tasks

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


def main() -> None:
    """Print every figure, and write them where asked."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--respondents", type=int, default=175_000)
    parser.add_argument("--peers", nargs="*", default=["svy", "survey"], choices=["svy", "survey", "samplics"])
    parser.add_argument("--full", action="store_true", help="time peers on all indicators (many minutes)")
    parser.add_argument("--no-growth", action="store_true", help="leave out the larger and smaller files")
    parser.add_argument("--json", type=Path, help="write the figures to this file too")
    options = parser.parse_args()
    figures: dict[str, Any] = {}
    print(f"40 indicators x (national + 7 families), {options.respondents:,} respondents, frame to estimates:")
    with tempfile.TemporaryDirectory() as folder:
        figures["everything"] = beside_peers(options.peers, options.respondents, Path(folder), full=options.full)
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
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
