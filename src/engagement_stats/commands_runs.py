"""The commands about what has landed and what is made of it: `demo`, `run`, `status`, `purge`.

Belongs here: what their users read, and in which order.
Not here: exit codes and options (cli, options), output formats (show), running anything (pipelines), what is deleted
(the module purge).
"""

import argparse
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from engagement_stats.errors import EngagementStatsError, UsageError, listed

if TYPE_CHECKING:
    from engagement_stats.catalogue import Catalogue
    from engagement_stats.status import Status
    from engagement_stats.store import Store
    from engagement_stats.workspace import Workspace
    from pipelines.run import Progress, Report

STATUS_HEADINGS = {
    "wave": "wave", "state": "state", "kind": "kind", "file": "file", "unverified": "unverified",
    "left_out": "left out", "reason": "why",
}  # fmt: skip
SHOWN_UNCLAIMED = 20
FORGETS = (
    "What is remembered of published releases goes with it: later releases are then no longer protected against being "
    "set beside those published (docs/releases.md, Beside an earlier release)."
)


def _with_progress(work: "Callable[[Progress], Report]", say: Callable[[str], None]) -> "Report":
    """Do the work with a progress bar when someone is watching."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    columns = [TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()]
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("looking", total=None)

        def tell(step: str, done: int, of: int) -> None:
            bar.update(task, description=step, completed=done, total=of or None)
            if not of and not console.is_terminal:
                say(f"{step} ...")

        return work(tell)


def _report(report: "Report", workspace: "Workspace", say: Callable[[str], None]) -> int:
    from engagement_stats.show import SYNTHETIC_NOTICE

    for wave, message in report.failed.items():
        say(f"FAILED {wave}\n  " + message.replace("\n", "\n  "))
    say(f"{len(report.built)} wave(s) built, {len(report.unchanged)} unchanged, {len(report.failed_waves)} failed.")
    if outcome := _outcome(report, workspace):
        say(outcome)
    if report.synthetic and not report.held:
        say(SYNTHETIC_NOTICE)
    for note in report.notes:
        say(note)
    if report.lost:
        say(f"No longer in the release: {listed(report.lost)}. `engagement-stats status` says why.")
    return 1 if report.failed else 0


def _outcome(report: "Report", workspace: "Workspace") -> str | None:
    """Say what became of the release."""
    if report.held:
        return (
            f"The release was left as it is: {len(report.held)} wave(s) of it wait ({listed(report.held)}). "
            "Run again, without --wave, to build them and the release."
        )
    if report.release_failed:
        why = "was held" if report.release_is_held else "could not be made"
        return f"The release {why}; {f'{report.release} stays' if report.release else 'there is none'}."
    if report.release is None:
        return None
    word = "New release" if report.release_is_new else "Nothing changed; release"
    return f"{word} {report.release} at {workspace.warehouse}"


def run(args: argparse.Namespace, workspace: "Workspace", say: Callable[[str], None]) -> int:
    """Run the pipeline on what has landed."""
    if args.kind is not None and args.accept is None:
        raise UsageError("--kind: it belongs to --accept, which gives the reason. `engagement-stats run --help`.")
    return _report(_with_progress(lambda progress: _pipeline(workspace, args, progress), say), workspace, say)


def _pipeline(workspace: "Workspace", args: argparse.Namespace, progress: "Progress") -> "Report":
    from pipelines.run import Decision, run

    decision = Decision(args.accept, args.kind, args.small_groups, args.again)
    return run(workspace, args.wave, progress, decision)


def _demonstrated(workspace: "Workspace", progress: "Progress") -> "Report":
    from pipelines.run import run

    return run(workspace, (), progress)


def demo(args: argparse.Namespace, workspace: "Workspace", say: Callable[[str], None]) -> int:
    """Run the pipeline on synthetic files, and show where everything is."""
    from dataclasses import replace

    from engagement_stats import commands_answers, releases, synthetic

    stands = releases.current(workspace.warehouse)
    if stands is not None and not stands.is_synthetic:
        raise EngagementStatsError(
            f"{workspace.warehouse}: this is not a synthetic release, and the demonstration would replace it. "
            "Give another with --warehouse."
        )
    workspace = replace(workspace, data=workspace.home / "data" / "demo")
    files = synthetic.write(workspace.data)
    code = _report(_with_progress(lambda progress: _demonstrated(workspace, progress), say), workspace, say)
    commands_answers.headlines(args, workspace)
    say(
        "Where everything is\n"
        + "\n".join(f"  synthetic file    {f}" for f in files)
        + f"\n  private results   {workspace.private}\n  released tables   {workspace.warehouse}\n"
        "Next: `engagement-stats claims`, or put real files in data/landing and `engagement-stats run` (README.md)."
    )
    return code


def status_of_all(args: argparse.Namespace, workspace: "Workspace") -> int:
    """Say of every wave whether it has landed and was built, and why not."""
    import pandas as pd

    from engagement_stats import catalogue, commands_places, show, status
    from engagement_stats.landing import NO_TAKER
    from engagement_stats.store import Store

    entries, store = catalogue.load(workspace.catalogue), Store(workspace.private)
    landed = workspace.data if workspace.data.is_dir() or args.data is not None else None
    found = status.survey(entries, landed, store)
    if args.wave:
        return _status_of(args, entries, found, store)

    rows: list[dict[str, Any]] = [
        {
            "wave": w.wave,
            "label": w.label,
            "kind": w.kind,
            "state": w.state,
            "file": w.file.below if w.file else "",
            "reason": ". ".join(x for x in (w.reason, status.set_aside(w, store)) if x),
            "unverified": len(entries.waves[w.wave].unverified),
            "left_out": len(status.omitted(w, store)),
            "is_synthetic": status.is_synthetic(w, store),
        }
        for w in found.waves.values()
    ]
    rows += commands_places.rows(found.lookups)
    unclaimed = [
        {
            "wave": None,
            "label": None,
            "kind": None,
            "state": "unclaimed",
            "file": u.file.below,
            "reason": u.reason,
            "is_synthetic": False,
        }
        for u in found.unclaimed
    ]
    show.frame(
        pd.DataFrame(rows if args.format == "table" else rows + unclaimed),
        args.format, title=f"Waves and lookups ({workspace.data})", headings=STATUS_HEADINGS,
    )  # fmt: skip
    if args.format == "table" and unclaimed:
        sys.stdout.write(f"{len(unclaimed)} file(s) that no wave claims, left alone:\n")
        for row in unclaimed[:SHOWN_UNCLAIMED]:
            sys.stdout.write(f"  {row['file']}" + ("\n" if row["reason"] == NO_TAKER else f" ({row['reason']})\n"))
        if len(unclaimed) > SHOWN_UNCLAIMED:
            sys.stdout.write(f"  and {len(unclaimed) - SHOWN_UNCLAIMED} more; --format csv lists them all\n")
    return 1 if any(w.state == "failed" for w in found.waves.values()) else 0


def _status_of(args: argparse.Namespace, entries: "Catalogue", found: "Status", store: "Store") -> int:
    """Show everything about the waves asked for: what is unverified, what was left out, how to get the file."""
    import pandas as pd

    from engagement_stats import show, status

    if strange := [w for w in args.wave if w not in found.waves]:
        raise UsageError(f"--wave: {listed(strange)} is not in the catalogue. `engagement-stats status` lists them.")
    for wave in dict.fromkeys(args.wave):
        lines = status.details(found.waves[wave], entries, store)
        table = pd.DataFrame(lines, columns=["what", "line"]).assign(
            wave=wave, is_synthetic=status.is_synthetic(found.waves[wave], store)
        )
        show.frame(table, args.format, title=f"{wave}: {found.waves[wave].label}", headings={"what": "", "line": ""})
    return 1 if any(found.waves[w].state == "failed" for w in args.wave) else 0


def purge(args: argparse.Namespace, workspace: "Workspace", say: Callable[[str], None]) -> int:
    """Delete private results, once the user says so."""
    from engagement_stats import catalogue, purge
    from engagement_stats.errors import CatalogueError
    from engagement_stats.store import Store
    from pipelines import records, run

    store = Store(workspace.private)
    try:
        catalogued = list(catalogue.load(workspace.catalogue).waves) if args.wave else []
    except CatalogueError:  # what is to be deleted does not wait for a catalogue to be mended
        catalogued = []
    with store.alone(wait=False):
        if args.all:
            plan = purge.everything(store, workspace.home / run.RECORDS)
        else:
            plan = purge.of_waves(store, args.wave, catalogued)
        what = f"{', '.join(plan.what)}: {plan.files} file(s), {plan.size:,} bytes"
        # As it holds for the purge to come, and for the one that was.
        forgets = f"{FORGETS}\n" if plan.forgets else ""
        if not args.yes:
            say(f"{what} in {workspace.private} would be deleted, and nothing was.\n{forgets}Add --yes to delete.")
            return 2
        record = purge.carry_out(plan, store)
        if not args.all:
            records.forget(workspace, plan.what)
    say(
        f"Deleted {what}, and the records of their runs. Noted in {record}.\n{forgets}"
        "This is not a secure erase: disks, snapshots and backups may hold the bytes for longer.\n"
        f"Not touched: deposited files ({workspace.data}) and releases ({workspace.warehouse.parent})."
    )
    return 0
