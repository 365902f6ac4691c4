"""The command `places`, and the lookups in `status`: which files about areas have landed and what they say.

Belongs here: what their user reads, and in which order.
Not here: options and exit codes (cli), output formats (show), any count (places), and which file is which (lookups).
"""

import argparse
from typing import TYPE_CHECKING, Any

from engagement_stats.errors import EngagementStatsError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engagement_stats.catalogue import Catalogue
    from engagement_stats.lookups import LookupStatus
    from engagement_stats.workspace import Workspace

LOOKUP_HEADINGS = {
    "lookup": "lookup", "state": "state", "file": "file", "sha256": "sha256", "licence": "licence", "reason": "why",
}  # fmt: skip
SHOWN_DIGITS = 12


def rows(found: "Mapping[str, LookupStatus]") -> list[dict[str, Any]]:
    """Return the lines of `status` about lookups, in the columns it has for waves."""
    return [
        {
            "wave": s.lookup, "label": s.label, "kind": "lookup", "state": s.state,
            "file": s.files[0].below if s.files else "", "reason": s.reason, "is_synthetic": False,
        }
        for s in found.values()
    ]  # fmt: skip


def show_places(args: argparse.Namespace, workspace: "Workspace") -> int:
    """List the lookups; or, of a domain, how many areas and people each of its levels has."""
    from engagement_stats import catalogue, landing, lookups, places, show

    entries = catalogue.load(workspace.catalogue)
    if args.data is None and not workspace.data.is_dir():
        files = []
    else:
        files = [u.file for u in landing.find(workspace.data, entries.filed_waves).unclaimed]
    found = lookups.find(files, entries.lookups)
    if args.domain is None:
        return _list(args, entries, found)
    if wrong := [s.reason for s in found.values() if s.state == "wrong file"]:
        raise EngagementStatsError("\n".join(wrong))
    table = places.profile(entries, lookups.read_landed(entries, found), args.domain, args.by)
    shown = table.assign(share=(100 * table["share"]).round(2)) if args.format == "table" else table
    by = f" by {args.by}" if args.by else ""
    headings = {c: {"share": "% of people", "by": args.by}.get(c, c) for c in table.columns}
    show.frame(shown, args.format, title=f"{entries.domains[args.domain].label}{by}, by the lookups", headings=headings)
    return 0


def _list(args: argparse.Namespace, entries: "Catalogue", found: "Mapping[str, LookupStatus]") -> int:
    import pandas as pd

    from engagement_stats import show

    lines = []
    for status, row in zip(found.values(), rows(found), strict=True):
        source = entries.sources[entries.lookups[status.lookup].source]
        digest = status.sha256[:SHOWN_DIGITS] if status.sha256 and args.format == "table" else status.sha256
        how = f"{row['reason']}. {source.obtain or source.title}" if status.state == "not landed" else row["reason"]
        lines.append({"lookup": status.lookup, **row, "sha256": digest, "licence": source.licence, "reason": how})
    columns = ["lookup", "label", "state", "file", "sha256", "licence", "reason"]
    show.frame(pd.DataFrame(lines, columns=columns), args.format, title="Lookups of areas", headings=LOOKUP_HEADINGS)
    return 1 if any(s.state == "wrong file" for s in found.values()) else 0
