"""The commands that look into one file: `inspect` and `check`.

Belongs here: what their user reads, and in which order.
Not here: options and exit codes (cli), output formats (show), and whatever is found out (describe, propose, validate).
"""

import argparse
import fnmatch
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engagement_stats.errors import UsageError, listed

if TYPE_CHECKING:
    import pandas as pd

    from engagement_stats.describe import Look
    from engagement_stats.inspection import Column
    from engagement_stats.proposed import Proposal
    from engagement_stats.workspace import Workspace

WIDTH = 100
ROLE_HEADINGS = {"use": "use", "columns": "column", "confidence": "sure", "why": "why"}
COLUMN_HEADINGS = {
    "column": "column",
    "kind": "holds",
    "distinct": "values",
    "empty": "empty",
    "about": "label; codes (respondents)",
}
FINDING_HEADINGS = {"severity": "", "part": "part", "said": "what"}
# Of a column in the list of all columns; all are shown of columns asked for.
SHOWN_CODES, SHOWN_LABEL = 6, 90


def inspect(args: argparse.Namespace, workspace: "Workspace", reading: Mapping[str, Any]) -> int:
    """Say what is in a file, and propose a wave's entry for it."""
    from engagement_stats import catalogue, describe, draft, propose

    entries = catalogue.load(workspace.catalogue)
    look = describe.look(args.file, entries, reading)
    proposal = propose.propose(
        look, entries, like=args.like, columns_of=lambda wave: describe.columns_of_wave(wave, entries, workspace.data)
    )
    if args.propose == "-":
        sys.stdout.write(draft.text(proposal, entries))
        return 0
    if args.propose is not None:
        _write_new(Path(args.propose), draft.text(proposal, entries))
    chosen = [c for c in look.columns if not args.columns or _wanted(c.name, args.columns)]
    if args.columns and not chosen:
        raise UsageError(f"{look.name}: no column is named like {', '.join(args.columns)}.")
    if args.format == "json":
        sys.stdout.write(json.dumps(_as_json(look, chosen, proposal), ensure_ascii=False) + "\n")
    elif args.format == "csv":
        from engagement_stats import show

        show.frame(_frame(look, chosen, whole=True).drop(columns="about"), "csv")
    else:
        _tell(look, chosen, proposal, args)
    return 0


def _wanted(name: str, patterns: Sequence[str]) -> bool:
    return any(fnmatch.fnmatchcase(name.lower(), p.lower()) for p in patterns)


def _write_new(path: Path, text: str) -> None:
    """Write a file that is not there yet: a proposal must not replace an entry somebody has worked on."""
    try:
        with path.open("x", encoding="utf-8") as handle:
            handle.write(text)
    except FileExistsError:
        raise UsageError(f"{path}: the file exists and is not replaced. Give another name with --propose.") from None
    except OSError:
        raise UsageError(f"{path}: the proposal cannot be written there. Give another place with --propose.") from None


def _tell(look: "Look", chosen: "Sequence[Column]", proposal: "Proposal", args: argparse.Namespace) -> None:
    """Write the description for a person, the proposal last, where a terminal stops."""
    import pandas as pd

    from engagement_stats import show
    from engagement_stats.readers.model import FORMAT_NAMES

    say = sys.stdout.write
    text = f", {look.encoding}" if look.kind in ("tab", "csv") else ""
    say(
        f"{look.name}: {look.rows:,} rows, {len(look.columns):,} columns\n  {FORMAT_NAMES[look.kind]}{text}\n"
        f"  sha256 {look.sha256}\n" + _filled(f"looked at: {look.looked_at}") + "\n"
    )
    if look.synthetic:
        say(f"{show.SYNTHETIC_NOTICE}\n\n")
    table = _frame(look, chosen, whole=bool(args.columns))
    show.frame(table, "table", width=WIDTH, headings=COLUMN_HEADINGS)
    if args.columns:
        return
    if look.direct:
        say("MAY IDENTIFY A PERSON by name or label; not read:\n")
        say("".join(f"  {name} ({kind})\n" for name, kind in look.direct.items()) + "\n")
    say("What columns are probably for:" + (" nothing recognised\n\n" if not look.roles else "\n"))
    if look.roles:
        roles = pd.DataFrame([{**_role(r), "columns": " + ".join(r.columns)} for r in look.roles])
        show.frame(roles, "table", width=WIDTH, headings=ROLE_HEADINGS)
    say(_outlook(proposal, args))


def _role(role: Any) -> dict[str, Any]:
    return {"use": role.use, "columns": list(role.columns), "confidence": role.confidence, "why": role.why}


def _outlook(proposal: "Proposal", args: argparse.Namespace) -> str:
    """Say in a few lines how far the file is like a known wave, and what to do next."""
    if proposal.near is None:
        near = "No known wave is like this file. Name one with --like, if you know better.\n"
    else:
        counted = ", ".join(f"{n} {sure}" for sure, n in proposal.counted().items() if n)
        near = f"Nearest known wave: {proposal.near} ({proposal.share:.0%} of its variables found; lines: {counted}).\n"
        near += _filled(f"Not found: {', '.join(proposal.lacking)}." if proposal.lacking else "")
        near += _filled(f"Optional, and not here: {listed(absent)}." if (absent := proposal.absent) else "")
        near += _filled(proposal.hint)
    if proposal.claimed:
        near += _filled(f"The catalogue has an entry for a file of this name: {', '.join(proposal.claimed)}.")
    if args.propose is not None:
        return near + f"The proposed entry is in {args.propose}. Answer what it asks, then `engagement-stats check`.\n"
    return near + "Write the proposed entry with --propose FILE.yaml (or - to see it).\n"


def _filled(words: str) -> str:
    import textwrap

    rows = textwrap.wrap(words, WIDTH, initial_indent="  ", subsequent_indent="  ")
    return "".join(f"{row}\n" for row in rows)


def _frame(look: "Look", chosen: "Sequence[Column]", *, whole: bool) -> "pd.DataFrame":
    """Lay the columns out as rows of a table."""
    import pandas as pd

    from engagement_stats import inspection

    use = {c: r.use for r in look.roles for c in r.columns if r.confidence != "low"}
    rows = []
    for c in chosen:
        codes = [
            f"{x.code}{f' {x.label}' if x.label not in ('', x.code) else ''} ({x.respondents})"
            for x in inspection.shown(c)
        ]
        if (rare := inspection.hidden(c)) > 0:
            codes.append(f"{rare} rare code(s) not shown")
        label = c.label
        if not whole:
            codes = codes if len(codes) <= SHOWN_CODES else [*codes[:SHOWN_CODES], f"{len(codes) - SHOWN_CODES} more"]
            label = label if len(label) <= SHOWN_LABEL else label[:SHOWN_LABEL] + "..."
        likely = f"likely {use[c.name]}" if c.name in use else ""
        written = f"looks like {c.written_as}" if c.written_as else ""
        missing = [f"declared missing: {', '.join(c.missing)}"] if c.missing else []
        missing += [f"look like missing: {', '.join(c.looks_missing)}"] if c.looks_missing and not c.missing else []
        rows.append({
            "column": inspection.printable(c.name), "label": c.label, "kind": _kind(look, c),
            "distinct": "" if c.distinct is None else f"{c.distinct:,}", "empty": inspection.empty_shown(c),
            "codes": "; ".join(codes), "declared_missing": ", ".join(c.missing),
            "looks_missing": ", ".join(c.looks_missing), "written_as": c.written_as or "",
            "likely": use.get(c.name, ""),
            "about": "\n".join(x for x in (label, "; ".join(codes), written, *missing, likely) if x),
        })  # fmt: skip
    return pd.DataFrame(rows)


def _kind(look: "Look", column: "Column") -> str:
    return "IDENTIFIER" if column.name in look.direct else column.kind


def _as_json(look: "Look", chosen: "Sequence[Column]", proposal: "Proposal") -> dict[str, Any]:
    from engagement_stats import inspection

    return {
        "file": look.name, "format": look.kind, "encoding": look.encoding, "sha256": look.sha256, "rows": look.rows,
        "columns_in_all": len(look.columns), "looked_at": look.looked_at, "is_synthetic": look.synthetic,
        "direct_identifiers": look.direct, "roles": [_role(r) for r in look.roles],
        "columns": [
            {
                "column": c.name, "label": c.label, "kind": _kind(look, c), "distinct": c.distinct,
                "empty": inspection.empty_shown(c), "declared_missing": list(c.missing),
                "looks_missing": list(c.looks_missing), "written_as": c.written_as,
                "rare_codes_not_shown": inspection.hidden(c),
                "codes": [
                    {"code": x.code, "label": x.label, "respondents": x.respondents} for x in inspection.shown(c)
                ],
            }
            for c in chosen
        ],
        "nearest_wave": proposal.near, "share_found": proposal.share, "not_found": dict(proposal.lacking),
        "proposed_variables": {
            k: {"value": line.value, "confidence": line.confidence, "reason": line.reason, "notes": list(line.notes)}
            for k, line in proposal.variables.items()
        },
    }  # fmt: skip


def check(args: argparse.Namespace, workspace: "Workspace") -> int:
    """Hold a file against a wave's entry and show every finding."""
    import pandas as pd

    from engagement_stats import catalogue, show, validate

    entries = catalogue.load(workspace.catalogue)
    found = validate.check(args.file, args.wave, entries, data=workspace.data)
    problems = sum(f.is_problem for f in found)
    rows = [
        {"wave": args.wave, "severity": "PROBLEM" if f.is_problem else "note", "part": f.part, "said": f.said}
        for f in found
    ]
    table = pd.DataFrame(rows, columns=["wave", *FINDING_HEADINGS])
    if args.format != "table":
        show.frame(table, args.format)
    elif rows:
        sys.stdout.write(f"{args.file.name} held against {args.wave}\n")
        show.frame(table, "table", width=WIDTH, headings=FINDING_HEADINGS)
    if args.format == "table":
        ending = "A run would stop at these." if problems else "A run would build this wave."
        sys.stdout.write(f"{problems} problem(s), {len(found) - problems} note(s). {ending}\n")
    return 1 if problems else 0
