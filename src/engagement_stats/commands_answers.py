"""The commands that show what a release holds: `headlines`, `claims`, `export`, `brief`.

Belongs here: what their users read, and in which order.
Not here: exit codes and options (cli, options), output formats (show), any number, texts (check_text) and files.
"""

import argparse
from collections.abc import Callable
from typing import TYPE_CHECKING

from engagement_stats.errors import EngagementStatsError

if TYPE_CHECKING:
    import pandas as pd

    from engagement_stats.workspace import Workspace

HEADLINE_HEADINGS = {
    "label": "headline", "wave_label": "wave", "per_cent": "%", "ci_lower": "from", "ci_upper": "to",
    "base_text": "base", "variance_basis": "uncertainty", "mark": "",
}  # fmt: skip


def _released(workspace: "Workspace", query: str) -> "pd.DataFrame":
    """Query the released warehouse, read only."""
    import duckdb

    from engagement_stats import opening

    warehouse = workspace.warehouse
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


def headlines(args: argparse.Namespace, workspace: "Workspace") -> int:
    """Show the released headlines."""
    from engagement_stats import show

    table = _released(workspace, "SELECT * FROM headline_table ORDER BY position, wave")
    show.frame(table, args.format, title="Headlines (per cent, 95% interval)", headings=HEADLINE_HEADINGS)
    return 0


def claims(args: argparse.Namespace, workspace: "Workspace", say: Callable[[str], None]) -> int:
    """Show the claims of the catalogue with their verdicts, or check a text."""
    from engagement_stats import show

    if args.file is not None:
        return _claims_of_text(args, workspace, say)
    table = _released(workspace, "SELECT * FROM claims ORDER BY claim")
    if args.format != "table":
        show.frame(table, args.format)
        return 0
    show.claims(table)
    return 0


def _claims_of_text(args: argparse.Namespace, workspace: "Workspace", say: Callable[[str], None]) -> int:
    from engagement_stats import catalogue, check_text, checked, documents, show

    passages = documents.read(args.file)
    estimates, comparisons = (_released(workspace, f"SELECT * FROM {t}") for t in ("estimates", "comparisons"))
    table = check_text.check(passages, catalogue.load(workspace.catalogue), estimates, comparisons)
    if args.format == "table":
        show.statements(table)
    else:
        show.frame(table, args.format)
    at_fault, verdicts = checked.at_fault(table), table["verdict"].value_counts()
    say(
        f"{args.file}: {len(table)} statement(s) in numbers; "
        + ", ".join(f"{n} {verdict}" for verdict, n in verdicts.items())
        + f"{'; ' if len(table) else ''}{at_fault} should not stand as written."
    )
    return 1 if at_fault else 0


def export(args: argparse.Namespace, workspace: "Workspace", say: Callable[[str], None]) -> int:
    """Write the release to files for those without DuckDB."""
    from engagement_stats import export as exporting
    from engagement_stats.show import SYNTHETIC_NOTICE

    closed = (workspace.private, workspace.data)
    formats = args.formats or exporting.FORMATS
    made = exporting.write(workspace.warehouse, args.out, formats=formats, tables=args.tables, closed=closed)
    say(f"{args.out}: {len(made.files)} file(s) of release {made.release}.")
    if made.synthetic:
        say(SYNTHETIC_NOTICE)
    return 0


def brief(args: argparse.Namespace, workspace: "Workspace", say: Callable[[str], None]) -> int:
    """Fill a template from the release."""
    from engagement_stats import brief as briefing
    from engagement_stats.show import SYNTHETIC_NOTICE

    made = briefing.write(args.template, args.out, workspace.warehouse)
    say(f"{args.out}: {made.pieces} name(s) filled from release {made.release}.")
    if made.synthetic:
        say(SYNTHETIC_NOTICE)
    return 0
