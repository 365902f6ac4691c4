"""The command line: parse, call the library or the pipeline, show the result.

Belongs here: the commands, exit codes (0 ok, 1 the data are wrong, 2 the call is wrong) and what a user reads.
Not here: options (options), any number, and output formats (show). Heavy libraries are imported by the commands that
need them.
"""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engagement_stats import options
from engagement_stats.errors import EngagementStatsError, UsageError, listed

if TYPE_CHECKING:
    import pandas as pd

    from engagement_stats.catalogue import Catalogue
    from engagement_stats.status import Status
    from engagement_stats.store import Store
    from engagement_stats.workspace import Workspace
    from pipelines.run import Progress, Report

HEADLINE_HEADINGS = {
    "label": "headline", "wave_label": "wave", "per_cent": "%", "ci_lower": "from", "ci_upper": "to",
    "base_text": "base", "variance_basis": "uncertainty", "mark": "",
}  # fmt: skip
ESTIMATE_HEADINGS = {
    "indicator": "variable", "domain": "by", "level": "level", "estimate": "estimate",
    "standard_error": "std. error", "ci_lower": "from", "ci_upper": "to", "base_unweighted": "base",
    "effective_base": "eff. base", "design_effect": "deff", "degrees_of_freedom": "df",
}  # fmt: skip
MARGIN_HEADINGS = {
    "variable": "variable", "category": "category", "asked": "asked", "before": "before", "achieved": "achieved",
}  # fmt: skip
STATUS_HEADINGS = {
    "wave": "wave", "state": "state", "kind": "kind", "file": "file", "unverified": "unverified",
    "left_out": "left out", "reason": "why",
}  # fmt: skip
# As in export, which is not imported for a list of options.
EXPORT_FORMATS = ("xlsx", "ods", "csv", "parquet")
SHOWN_UNCLAIMED = 20
FORGETS = (
    "What is remembered of published releases goes with it: later releases are then no longer protected against being "
    "set beside those published (docs/releases.md, Beside an earlier release)."
)
STOPPING_SECONDS = 15


def _say(text: str) -> None:
    """Tell the user something that is not data."""
    sys.stderr.write(text + "\n")


def _workspace(args: argparse.Namespace) -> "Workspace":
    from engagement_stats.workspace import Workspace

    return Workspace.at(
        data=getattr(args, "data", None),
        warehouse=getattr(args, "warehouse", None),
        catalogue=getattr(args, "catalogue", None),
    )


def _make_default_data(args: argparse.Namespace, workspace: "Workspace") -> None:
    """Make the default landing folder on first use; one that was named and is not there is an error."""
    if args.data is None and workspace.data == workspace.home / "data" / "landing":
        # Respondents will lie in it; who else may read them is for the user to say.
        workspace.data.mkdir(mode=0o700, parents=True, exist_ok=True)


def _released(args: argparse.Namespace, query: str) -> "pd.DataFrame":
    """Query the released warehouse, read only."""
    import duckdb

    from engagement_stats import opening

    warehouse = _workspace(args).warehouse
    if not warehouse.is_file():
        raise EngagementStatsError(
            f"{warehouse}: there is no release. Make one with `engagement-stats run` or `engagement-stats demo`, or "
            "name one with --warehouse."
        )
    try:
        with duckdb.connect(str(warehouse), read_only=True) as connection:
            return connection.execute(query).df()
    except duckdb.Error as error:
        raise EngagementStatsError(str(opening.explained(warehouse, error))) from None


def _with_progress(work: "Callable[[Progress], Report]") -> "Report":
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
                _say(f"{step} ...")

        return work(tell)


def _report(report: "Report", workspace: "Workspace") -> int:
    from engagement_stats.show import SYNTHETIC_NOTICE

    for wave, message in report.failed.items():
        _say(f"FAILED {wave}\n  " + message.replace("\n", "\n  "))
    _say(f"{len(report.built)} wave(s) built, {len(report.unchanged)} unchanged, {len(report.failed_waves)} failed.")
    if outcome := _outcome(report, workspace):
        _say(outcome)
    if report.synthetic and not report.held:
        _say(SYNTHETIC_NOTICE)
    for note in report.notes:
        _say(note)
    if report.lost:
        _say(f"No longer in the release: {listed(report.lost)}. `engagement-stats status` says why.")
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


def _run(args: argparse.Namespace) -> int:
    workspace = _workspace(args)
    _make_default_data(args, workspace)
    if args.kind is not None and args.accept is None:
        raise UsageError("--kind: it belongs to --accept, which gives the reason. `engagement-stats run --help`.")
    return _report(_with_progress(lambda progress: _pipeline(workspace, args, progress)), workspace)


def _pipeline(workspace: "Workspace", args: argparse.Namespace, progress: "Progress") -> "Report":
    from pipelines.run import Decision, run

    decision = Decision(args.accept, args.kind, args.small_groups, args.again)
    return run(workspace, args.wave, progress, decision)


def _demonstrated(workspace: "Workspace", progress: "Progress") -> "Report":
    from pipelines.run import run

    return run(workspace, (), progress)


def _demo(args: argparse.Namespace) -> int:
    from dataclasses import replace

    from engagement_stats import releases, synthetic

    workspace = _workspace(args)
    stands = releases.current(workspace.warehouse)
    if stands is not None and not stands.is_synthetic:
        raise EngagementStatsError(
            f"{workspace.warehouse}: this is not a synthetic release, and the demonstration would replace it. "
            "Give another with --warehouse."
        )
    workspace = replace(workspace, data=workspace.home / "data" / "demo")
    files = synthetic.write(workspace.data)
    code = _report(_with_progress(lambda progress: _demonstrated(workspace, progress)), workspace)
    args.warehouse = workspace.warehouse
    _headlines(args)
    _say(
        "Where everything is\n"
        + "\n".join(f"  synthetic file    {f}" for f in files)
        + f"\n  private results   {workspace.private}\n  released tables   {workspace.warehouse}\n"
        "Next: `engagement-stats claims`, or put real files in data/landing and `engagement-stats run` (README.md)."
    )
    return code


def _headlines(args: argparse.Namespace) -> int:
    from engagement_stats import show

    table = _released(args, "SELECT * FROM headline_table ORDER BY position, wave")
    show.frame(table, args.format, title="Headlines (per cent, 95% interval)", headings=HEADLINE_HEADINGS)
    return 0


def _claims(args: argparse.Namespace) -> int:
    from engagement_stats import show

    if args.file is not None:
        return _claims_of_text(args)
    table = _released(args, "SELECT * FROM claims ORDER BY claim")
    if args.format != "table":
        show.frame(table, args.format)
        return 0
    show.claims(table)
    return 0


def _claims_of_text(args: argparse.Namespace) -> int:
    from engagement_stats import catalogue, check_text, checked, documents, show

    passages = documents.read(args.file)
    estimates, comparisons = (_released(args, f"SELECT * FROM {t}") for t in ("estimates", "comparisons"))
    table = check_text.check(passages, catalogue.load(_workspace(args).catalogue), estimates, comparisons)
    if args.format == "table":
        show.statements(table)
    else:
        show.frame(table, args.format)
    at_fault, verdicts = checked.at_fault(table), table["verdict"].value_counts()
    _say(
        f"{args.file}: {len(table)} statement(s) in numbers; "
        + ", ".join(f"{n} {verdict}" for verdict, n in verdicts.items())
        + f"{'; ' if len(table) else ''}{at_fault} should not stand as written."
    )
    return 1 if at_fault else 0


def _export(args: argparse.Namespace) -> int:
    from engagement_stats import export
    from engagement_stats.show import SYNTHETIC_NOTICE

    workspace = _workspace(args)
    closed = (workspace.private, workspace.data)
    formats = args.formats or export.FORMATS
    made = export.write(workspace.warehouse, args.out, formats=formats, tables=args.tables, closed=closed)
    _say(f"{args.out}: {len(made.files)} file(s) of release {made.release}.")
    if made.synthetic:
        _say(SYNTHETIC_NOTICE)
    return 0


def _brief(args: argparse.Namespace) -> int:
    from engagement_stats import brief
    from engagement_stats.show import SYNTHETIC_NOTICE

    made = brief.write(args.template, args.out, _workspace(args).warehouse)
    _say(f"{args.out}: {made.pieces} name(s) filled from release {made.release}.")
    if made.synthetic:
        _say(SYNTHETIC_NOTICE)
    return 0


def _status(args: argparse.Namespace) -> int:
    import pandas as pd

    from engagement_stats import catalogue, commands_places, show, status
    from engagement_stats.landing import NO_TAKER
    from engagement_stats.store import Store

    workspace = _workspace(args)
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


def _estimate(args: argparse.Namespace) -> int:
    from engagement_stats import adhoc, show

    request = adhoc.Request(
        variables=args.variable, statistic=args.statistic, counts=args.counts, by=args.by, where=args.where,
        weight=args.weight, stratum=args.stratum, psu=args.psu, fpc=args.fpc, replicates=args.replicates,
        replicate_method=args.replicate_method, interval=args.interval, confidence=args.confidence,
        single_psu=args.single_psu, missing=args.missing, reading=options.reading(args),
    )  # fmt: skip
    table = adhoc.run(args.file, request, say=_say)
    title = f"{args.statistic}, {args.confidence:.0%} interval, uncertainty: {table['variance_basis'].iloc[0]}"
    show.frame(table, args.format, title=title, headings=ESTIMATE_HEADINGS)
    return 0


def _weight(args: argparse.Namespace) -> int:
    from engagement_stats import reweigh, show

    request = reweigh.Request(
        margins=args.margins, out=args.out, method=args.method, base=args.base,
        bounds=tuple(args.bounds) if args.bounds else None, trim=args.trim, name=args.name, missing=args.missing,
        rescale=args.rescale, reading=options.reading(args),
    )  # fmt: skip
    outcome = reweigh.run(args.file, request)
    for sentence in outcome.sentences:
        _say(sentence)
    table = outcome.margins.assign(is_synthetic=outcome.synthetic)
    show.frame(table, args.format, title="Margins: asked, before and achieved", headings=MARGIN_HEADINGS)
    _say(reweigh.said(outcome, request))
    return 0


def _releases(args: argparse.Namespace) -> int:
    from engagement_stats import commands_releases

    return commands_releases.run(args, _workspace(args), _say)


def _purge(args: argparse.Namespace) -> int:
    from engagement_stats import catalogue, purge
    from engagement_stats.errors import CatalogueError
    from engagement_stats.store import Store
    from pipelines import records, run

    workspace = _workspace(args)
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
            _say(f"{what} in {workspace.private} would be deleted, and nothing was.\n{forgets}Add --yes to delete.")
            return 2
        record = purge.carry_out(plan, store)
        if not args.all:
            records.forget(workspace, plan.what)
    _say(
        f"Deleted {what}, and the records of their runs. Noted in {record}.\n{forgets}"
        "This is not a secure erase: disks, snapshots and backups may hold the bytes for longer.\n"
        f"Not touched: deposited files ({workspace.data}) and releases ({workspace.warehouse.parent})."
    )
    return 0


def _places(args: argparse.Namespace) -> int:
    from engagement_stats import commands_places

    return commands_places.show_places(args, _workspace(args))


def _inspect(args: argparse.Namespace) -> int:
    from engagement_stats import commands_files

    return commands_files.inspect(args, _workspace(args), options.reading(args))


def _check(args: argparse.Namespace) -> int:
    from engagement_stats import commands_files

    return commands_files.check(args, _workspace(args))


def _check_port(port: int) -> None:
    """Refuse a port on which no server can listen, before an address is told that leads elsewhere."""
    import socket

    if not 0 < port < 65536:
        raise UsageError(f"--port: there is no such port. Got {port}; expected 1 to 65535.")
    with socket.socket() as trial:
        # As the server does: what a server that has ended leaves behind is not in the way.
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind(("127.0.0.1", port))
        except OSError as error:
            raise UsageError(
                f"--port: {port} cannot be used ({error.strerror}); perhaps `engagement-stats ui` runs already. "
                "Name another."
            ) from None


def _ui(args: argparse.Namespace) -> int:
    import signal
    import subprocess

    from pipelines import run

    _check_port(args.port)
    workspace = _workspace(args)
    _make_default_data(args, workspace)
    run.register(workspace)
    environment = {**os.environ, **workspace.environment(), "DAGSTER_HOME": str(run.dagster_home(workspace.home))}
    binaries = Path(sys.executable).parent
    where = ["-m", "pipelines.definitions"]
    server = [str(binaries / "dagster-webserver"), *where, "--host", "127.0.0.1", "--port", str(args.port)]
    commands = [server if args.allow_runs else [*server, "--read-only"]]
    if args.allow_runs:
        commands.append([str(binaries / "dagster-daemon"), "run", *where])
    _say(f"http://127.0.0.1:{args.port} ({'runs allowed' if args.allow_runs else 'read only'}); stop with Ctrl-C")

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, stop)
    running = [subprocess.Popen(c, cwd=workspace.home, env=environment, umask=0o077) for c in commands]
    try:
        return max(process.wait() for process in running)
    except KeyboardInterrupt:
        return 0
    finally:
        for process in running:
            process.terminate()
        for process in running:
            try:
                process.wait(STOPPING_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()


def parser() -> argparse.ArgumentParser:
    """Build the parser of the command line."""
    top = argparse.ArgumentParser(
        prog="engagement-stats",
        description="From deposited survey files to civic-engagement statistics with honest uncertainty.",
    )
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def add(
        name: str, action: Callable[[argparse.Namespace], int], text: str, *parents: argparse.ArgumentParser
    ) -> Any:
        command = commands.add_parser(name, help=text, description=text, parents=list(parents))
        command.set_defaults(action=action)
        return command

    both = options.shared(warehouse=True, formats=True)
    add("demo", _demo, "make synthetic inputs, run the whole pipeline on them, print the headlines", both)
    run = add("run", _run, "run the pipeline on what has landed", options.shared(data=True, warehouse=True))
    options.of_run(run)
    standing = add(
        "status",
        _status,
        "waves: catalogued, landed, fresh, stale, failed, and why; what is unverified and what was left out",
        options.shared(data=True, formats=True),
    )
    options.several(standing, "--wave", "W", "everything about these waves: what is unverified, what was left out")
    files = options.shared(data=True, formats=True)
    options.of_places(
        add("places", _places, "lookups of areas that have landed, and what a list of areas holds", files)
    )
    options.of_inspect(
        add("inspect", _inspect, "what is in a survey file, and a proposed catalogue entry for it", files)
    )
    check = add("check", _check, "hold a survey file against a wave's catalogue entry; writes nothing", files)
    check.add_argument("file", type=Path, metavar="FILE", help="a survey file, or a zip with one in it")
    check.add_argument("--wave", required=True, metavar="W", help="a wave of the catalogue")
    options.of_estimate(
        add("estimate", _estimate, "design-based estimates from any survey file", options.shared(formats=True))
    )
    options.of_weight(
        add("weight", _weight, "weight a survey file to population margins", options.shared(formats=True))
    )
    add("headlines", _headlines, "the released headlines", both)
    claims = add("claims", _claims, "each claim with its verdict, evidence and caveats; or check a text", both)
    claims.add_argument(
        "file", nargs="?", type=Path, metavar="FILE",
        help=".md, .txt, .docx or .pdf: find its statements in numbers and say which the release supports",
    )  # fmt: skip
    claims.add_argument(
        "--catalogue", type=Path, metavar="DIR", help="whose words FILE is read by (default: the package's own)"
    )
    from engagement_stats import commands_releases

    kept = add("releases", _releases, "kept releases: list them, see what changed, go back to an earlier one")
    commands_releases.options(kept, both)
    brief = add("brief", _brief, "fill a Word or Markdown template from the release", options.shared(warehouse=True))
    brief.add_argument("--template", type=Path, required=True, metavar="FILE", help=".docx or .md, not changed")
    brief.add_argument("--out", type=Path, required=True, metavar="FILE", help="of the same kind; replaced if there")
    export = add(
        "export", _export, "write the release as spreadsheets, CSV and Parquet", options.shared(warehouse=True)
    )
    export.add_argument("--out", type=Path, required=True, metavar="DIR", help="new, empty, or an earlier export")
    options.several(export, "--formats", "F", "xlsx, ods, csv, parquet (default: all)", choices=EXPORT_FORMATS)
    options.several(export, "--tables", "T", "only these tables, or views, and the sheets that rest on them")
    purge = add(
        "purge", _purge, "delete private results and the records of runs; releases stay", options.shared(data=True)
    )
    chosen = purge.add_mutually_exclusive_group(required=True)
    chosen.add_argument("--wave", nargs="+", action="extend", default=[], metavar="W", help="of these waves")
    chosen.add_argument("--all", action="store_true", help="of every wave")
    purge.add_argument("--yes", action="store_true", help="do it; without it nothing is deleted")
    ui = add("ui", _ui, "start the Dagster web server on loopback", options.shared(data=True, warehouse=True))
    ui.add_argument("--port", type=int, default=3000)
    ui.add_argument(
        "--allow-runs", action="store_true",
        help="let the web page launch runs, and run sensors and schedules; any page open in a browser on this machine "
        "can then launch runs too",
    )  # fmt: skip
    return top


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Parameters
    ----------
    argv : sequence of str, optional
        Arguments; the process's own when not given.

    Returns
    -------
    int
        0 ok, 1 the data are wrong, 2 the call is wrong.
    """
    args = parser().parse_args(argv)
    try:
        code = int(args.action(args))
        sys.stdout.flush()
    except EngagementStatsError as error:
        _say(f"error: {error}")
        return 2 if isinstance(error, UsageError) else 1
    except BrokenPipeError:
        # The reader of a pipe went away, as `| head` does; nothing is left to say.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        _say("stopped")
        return 130
    except Exception as error:  # a user is shown no traceback: libraries quote cell values in their messages
        if sys.flags.dev_mode:
            raise
        _say(f"error: unexpected {type(error).__name__}. Please report it; `python -X dev` shows where it was raised.")
        return 1
    return code
