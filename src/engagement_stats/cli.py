"""The command line: parse, do one command, say how it ended.

Belongs here: which commands there are, where they work, exit codes (0 ok, 1 the data are wrong, 2 the call is wrong).
Not here: options (options), what a command does and its user reads (commands_*), and output formats (show). Each is
imported when its command is asked for, and heavy libraries with it.
"""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engagement_stats import options
from engagement_stats.errors import EngagementStatsError, UsageError

if TYPE_CHECKING:
    from engagement_stats.workspace import Workspace

# As in export, which is not imported for a list of options.
EXPORT_FORMATS = ("xlsx", "ods", "csv", "parquet")


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


def _demo(args: argparse.Namespace) -> int:
    from engagement_stats import commands_runs

    return commands_runs.demo(args, _workspace(args), _say)


def _run(args: argparse.Namespace) -> int:
    from engagement_stats import commands_runs

    workspace = _workspace(args)
    _make_default_data(args, workspace)
    return commands_runs.run(args, workspace, _say)


def _status(args: argparse.Namespace) -> int:
    from engagement_stats import commands_runs

    return commands_runs.status_of_all(args, _workspace(args))


def _purge(args: argparse.Namespace) -> int:
    from engagement_stats import commands_runs

    return commands_runs.purge(args, _workspace(args), _say)


def _headlines(args: argparse.Namespace) -> int:
    from engagement_stats import commands_answers

    return commands_answers.headlines(args, _workspace(args))


def _claims(args: argparse.Namespace) -> int:
    from engagement_stats import commands_answers

    return commands_answers.claims(args, _workspace(args), _say)


def _export(args: argparse.Namespace) -> int:
    from engagement_stats import commands_answers

    return commands_answers.export(args, _workspace(args), _say)


def _brief(args: argparse.Namespace) -> int:
    from engagement_stats import commands_answers

    return commands_answers.brief(args, _workspace(args), _say)


def _estimate(args: argparse.Namespace) -> int:
    from engagement_stats import commands_adhoc

    return commands_adhoc.estimate(args, _say)


def _weight(args: argparse.Namespace) -> int:
    from engagement_stats import commands_adhoc

    return commands_adhoc.weight(args, _say)


def _ui(args: argparse.Namespace) -> int:
    from engagement_stats import commands_ui

    workspace = _workspace(args)
    _make_default_data(args, workspace)
    return commands_ui.serve(args, workspace, _say)


def _releases(args: argparse.Namespace) -> int:
    from engagement_stats import commands_releases

    return commands_releases.run(args, _workspace(args), _say)


def _places(args: argparse.Namespace) -> int:
    from engagement_stats import commands_places

    return commands_places.show_places(args, _workspace(args))


def _inspect(args: argparse.Namespace) -> int:
    from engagement_stats import commands_files

    return commands_files.inspect(args, _workspace(args), options.reading(args))


def _check(args: argparse.Namespace) -> int:
    from engagement_stats import commands_files

    return commands_files.check(args, _workspace(args))


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
