"""The command `releases`: which are kept, in what two of them differ, and going back to one.

Belongs here: its options, what its user reads, and in which order.
Not here: exit codes (cli), output formats (show), any difference (contents), where releases are kept (releases).
"""

import argparse
import sys
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Any

from engagement_stats.errors import UsageError

if TYPE_CHECKING:
    import pandas as pd

    from engagement_stats.manifest import Manifest
    from engagement_stats.workspace import Workspace

LIST_HEADINGS = {
    "release": "release", "built_at": "built (UTC)", "stands": "", "synthetic": "", "waves": "waves",
    "estimates": "estimates", "changes": "estimates that changed", "made_of": "what else it was made of",
}  # fmt: skip
DIFF_HEADINGS = {
    "table": "table", "key": "row", "column": "column", "old": "old", "new": "new", "change": "by", "what": "",
}  # fmt: skip
# A table on a terminal is for looking; all of it is in CSV and JSON.
SHOWN = 60
SHOWN_TEXT = 60
# Of a long text, what is shown before the first difference.
LEAD = 15


def options(command: argparse.ArgumentParser, shared: argparse.ArgumentParser) -> None:
    """Add the options of `releases list`, `diff` and `rollback`."""
    parts = command.add_subparsers(dest="part", required=True, metavar="PART")
    told = "a release: its name or the beginning of it, current or previous"

    def add(name: str, text: str) -> argparse.ArgumentParser:
        return parts.add_parser(name, help=text, description=text, parents=[shared])

    add("list", "the releases that are kept, newest first, and what changed in each")
    diff = add("diff", "every number, verdict and sentence in which two releases differ")
    diff.add_argument("old", nargs="?", default="previous", metavar="OLD", help=f"{told} (default previous)")
    diff.add_argument("new", nargs="?", default="current", metavar="NEW", help=f"{told} (default current)")
    back = add("rollback", "put an earlier release in place again; the one that stood is not published again unasked")
    back.add_argument("release", metavar="RELEASE", help=told)
    back.add_argument("--reason", metavar="TEXT", help="why, for the log of releases")


def run(args: argparse.Namespace, workspace: "Workspace", say: Callable[[str], None]) -> int:
    """Do what one of the three parts asks for."""
    parts = {"list": _list, "diff": _diff, "rollback": _rollback}
    return parts[args.part](args, workspace, say)


def _list(args: argparse.Namespace, workspace: "Workspace", say: Callable[[str], None]) -> int:
    import pandas as pd

    from engagement_stats import releases, show

    found = releases.kept(workspace.warehouse)
    stands, gone = releases.current(workspace.warehouse), releases.withdrawn(workspace.warehouse)
    ever = releases.published(workspace.warehouse)
    known = {x.release_id: x for x in found}
    rows = [
        {
            "release": x.release_id, "built_at": x.built_at.replace("T", " ").removesuffix("Z"),
            "stands": _standing(x.release_id, stands.release if stands else None, gone, ever),
            "synthetic": "SYNTHETIC" if x.is_synthetic else "", "waves": len(x.inputs),
            "estimates": x.counts.get("estimates", 0), "changes": _changes(x),
            "made_of": _made_of(x, known.get(x.previous or "")), "previous": x.previous,
            "code_version": x.code_version, "commit_id": x.commit_id, "lock_digest": x.lock_digest,
            "catalogue_digest": x.catalogue_digest, "is_synthetic": x.is_synthetic,
        }
        for x in found
    ]  # fmt: skip
    digests = ["code_version", "commit_id", "lock_digest", "catalogue_digest"]
    table = pd.DataFrame(rows, columns=[*LIST_HEADINGS, "previous", *digests, "is_synthetic"])
    show.frame(table, args.format, title=f"Releases of {workspace.warehouse}", headings=LIST_HEADINGS)
    if stands is not None and stands.is_damaged:
        say(f"{workspace.warehouse} is damaged. `engagement-stats run` puts {stands.release} in its place again.")
    if not rows:
        say("No release is kept. `engagement-stats run` makes one.")
    return 0


def _standing(release: str, stands: str | None, gone: Collection[str], ever: Collection[str]) -> str:
    if release == stands:
        return "current"
    return "gone back from" if release in gone else "" if release in ever else "never published"


def _changes(manifest: "Manifest") -> str:
    told = [f"{n:,} {what}" for what, n in manifest.changes.items() if n]
    return ", ".join(told) if told else "none" if manifest.changes else "first"


def _made_of(new: "Manifest", old: "Manifest | None") -> str:
    """Say in which inputs a release differs from the one before."""
    if old is None:
        return ""
    waves = sorted({*old.inputs, *new.inputs})
    files = [w for w in waves if w in old.inputs and w in new.inputs and old.inputs[w] != new.inputs[w]]
    more, fewer = [w for w in waves if w not in old.inputs], [w for w in waves if w not in new.inputs]
    said = [
        ("other code", old.code_version != new.code_version),
        ("other catalogue", old.catalogue_digest != new.catalogue_digest),
        (f"other file of {', '.join(files)}", bool(files)),
        (f"with {', '.join(more)}", bool(more)),
        (f"without {', '.join(fewer)}", bool(fewer)),
        ("other lookups", old.lookups != new.lookups),
    ]
    return "; ".join(text for text, so in said if so)


def _diff(args: argparse.Namespace, workspace: "Workspace", say: Callable[[str], None]) -> int:
    from engagement_stats import contents, releases, show

    old, new = (releases.find(workspace.warehouse, name) for name in (args.old, args.new))
    table = contents.differences(*(releases.path_of(workspace.warehouse, x.release_id) for x in (old, new)))
    if args.format != "table":
        show.frame(table, args.format)
        return 0
    made = _made_of(new, old)
    out = [f"{old.release_id} ({old.built_at}) to {new.release_id} ({new.built_at}){': ' + made if made else ''}\n"]
    for name, rows in table.groupby("table", sort=True):
        what = [f"{len(x):,} {_counted(t, w, len(x))}" for (t, w), x in rows.groupby([rows.apply(_thing, 1), "what"])]
        out.append(f"  {name}: {', '.join(what)}\n")
    sys.stdout.write("".join(out) if len(table) else out[0] + "  Nothing differs.\n")
    if len(table):
        first = table.head(SHOWN)
        pairs = list(zip(first["old"], first["new"], strict=True))
        shown = first.assign(old=[_short(a, b) for a, b in pairs], new=[_short(b, a) for a, b in pairs])
        show.frame(shown, "table", headings=DIFF_HEADINGS)
        if any(_is_long(text) for pair in pairs for text in pair):
            say("Long texts are cut around their first difference; --format csv gives them whole.")
    if len(table) > SHOWN:
        say(f"{SHOWN} of {len(table):,} shown; --format csv gives all, with every digit.")
    return 0


def _thing(line: "pd.Series") -> str:
    """Name what a line of the difference is of."""
    if line["what"] == "changed":
        return "value"
    return "row" if line["key"] else "column" if line["column"] else "table"


def _counted(thing: str, what: str, n: int) -> str:
    return f"{thing}{'' if n == 1 else 's'} {what}"


def _is_long(value: object) -> bool:
    return isinstance(value, str) and len(value) > SHOWN_TEXT


def _short(value: Any, other: Any) -> "str | None":
    """Shorten a sentence to fit in a table, to where it first differs from the other one."""
    if not isinstance(value, str) or not _is_long(value):
        return value if isinstance(value, str) else None
    beside = other if isinstance(other, str) else ""
    shared = min(len(value), len(beside))
    differs = next((at for at in range(shared) if value[at] != beside[at]), shared)
    room = SHOWN_TEXT - len("……")
    start = min(max(0, differs - LEAD), len(value) - room)
    end = start + room
    return f"{'…' if start else ''}{value[start:end]}{'…' if end < len(value) else ''}"


def _rollback(args: argparse.Namespace, workspace: "Workspace", say: Callable[[str], None]) -> int:
    from engagement_stats import releases

    if args.reason is not None and not args.reason.strip():
        raise UsageError("--reason: it is empty. Say in a few words what is wrong with the release in place.")
    now = releases.roll_back(workspace.warehouse, args.release, args.reason or releases.UNSAID)
    say(f"{workspace.warehouse} is release {now.release_id} of {now.built_at} again.")
    where, stood = releases.folder(workspace.warehouse), releases.log(workspace.warehouse)[-1]["replaced"]
    if stood:
        say(f"{stood} stays in {where} and is not published again unless asked: `engagement-stats run --again`.")
    return 0
