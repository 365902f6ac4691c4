"""Show a frame to a person or a program: a table, CSV or JSON.

Belongs here: output formats, and the mark on synthetic results.
Not here: which rows and columns are shown (cli), and how a number is worded (phrase).
"""

import json
import math
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

from engagement_stats.rounding import rounded, significant

if TYPE_CHECKING:
    import pandas as pd
    from rich.console import Console

Format = Literal["table", "csv", "json"]
FORMATS: tuple[Format, ...] = ("table", "csv", "json")
# Numbers this large are shown whole in a table.
WHOLE_FROM = 10_000
SYNTHETIC_NOTICE = "SYNTHETIC: rows so marked rest on invented respondents. Never quote them."


def frame(
    data: "pd.DataFrame",
    kind: Format,
    *,
    title: str = "",
    headings: Mapping[str, str] | None = None,
    width: int = 160,
) -> None:
    """Write a frame to standard output.

    Parameters
    ----------
    data : DataFrame
    kind : {"table", "csv", "json"}
        CSV and JSON hold every column unrounded; a table only those in `headings`, under those names.
    title : str
        Above a table.
    headings : mapping of str to str, optional
        Column to heading, in order; every column under its own name when not given.
    width : int, default 160
        Characters of a table that is not printed to a terminal.
    """
    if kind == "csv":
        data.to_csv(sys.stdout, index=False)
    elif kind == "json":
        sys.stdout.write(_json(data))
    else:
        _table(data, title, dict(headings) if headings else {str(c): str(c) for c in data.columns}, width)


def _json(data: "pd.DataFrame") -> str:
    """Write a list of records; numbers as short as reads back the same, which the writer of pandas does not do."""
    rows = data.astype("object").where(data.notna(), None).to_dict("records")
    records = [{str(k): None if v in (math.inf, -math.inf) else v for k, v in row.items()} for row in rows]
    return json.dumps(records, ensure_ascii=False, separators=(",", ":"), allow_nan=False) + "\n"


def paper(piped_width: int) -> "Console":
    """Return what to print on: as wide as the terminal, or as asked when piped, where it is not to be cut."""
    from rich.console import Console

    class Paper(Console):
        def on_broken_pipe(self) -> None:  # rich itself would end the program with an exit status of 1
            raise BrokenPipeError

    return Paper(width=None if sys.stdout.isatty() else piped_width, highlight=False)


CLAIMS_WIDTH = 100
# Heading to column; those of the four answers carry a line of `explanation`.
CLAIM_PARTS = {
    "says": "quotation", "stated": "stated", "arithmetic": "arithmetic", "evidence": "verdict",
    "alike": "like_for_like", "now": "holds_now", "from": "evidence", "caveats": "caveats", "may write": "sentence",
}  # fmt: skip


def claims(data: "pd.DataFrame") -> None:
    """Write claims to standard output as text: each with its four answers, evidence and the sentence to use.

    Parameters
    ----------
    data : DataFrame, shape (n claims, columns of claims)
    """
    import textwrap

    from engagement_stats.claim import ANSWERS

    console = paper(CLAIMS_WIDTH)
    for row in data.to_dict("records"):
        mark = f"  {SYNTHETIC_NOTICE}" if row["is_synthetic"] else ""
        console.print(f"{row['claim']}: {row['verdict'].upper()}{mark}", style="bold", markup=False)
        because = dict(zip(ANSWERS, row["explanation"].splitlines(), strict=True))
        for heading, column in CLAIM_PARTS.items():
            text = str(row[column])
            if column in because:
                held = f" ({row['support']})" if column == "verdict" and isinstance(row["support"], str) else ""
                text = f"{text.upper()}{held}. {because[column]}"
            # What cannot be checked has its reason for evidence; it has been given.
            if text and text not in because.values():
                # Addresses may break at a hyphen, years may not.
                told = textwrap.fill(
                    text, CLAIMS_WIDTH, initial_indent=f"  {heading:<12}", subsequent_indent=" " * 14,
                    break_long_words=False, break_on_hyphens=column == "evidence",
                )  # fmt: skip
                console.print(told, markup=False, soft_wrap=True)
        console.print()


# Heading to column, below the statement and its verdict.
STATEMENT_PARTS = {
    "taken as": "taken_as", "arithmetic": "arithmetic", "why": "reason", "caveats": "caveats", "may write": "sentence",
}  # fmt: skip


def statements(data: "pd.DataFrame") -> None:
    """Write the statements of a text that was checked to standard output, below the sentence each stands in.

    Parameters
    ----------
    data : DataFrame, shape (n statements, columns of checked.Checked)
    """
    import textwrap

    console = paper(CLAIMS_WIDTH)
    last = None
    for row in data.to_dict("records"):
        if last != (row["where"], row["text"]):
            last = (row["where"], row["text"])
            quoted = textwrap.fill(f"{row['where']}: {row['text']}", CLAIMS_WIDTH)
            console.print(quoted, style="bold", markup=False, soft_wrap=True)
        mark = f"  {SYNTHETIC_NOTICE}" if row["is_synthetic"] else ""
        verdict = "ARITHMETIC" if row["kind"] == "arithmetic" else row["verdict"].upper()
        console.print(f"  {row['stated']}: {verdict}{mark}", markup=False, soft_wrap=True)
        for heading, column in STATEMENT_PARTS.items():
            text = _taken_as(row) if column == "taken_as" else str(row[column])
            if text and text != "nothing to check":
                told = textwrap.fill(
                    text, CLAIMS_WIDTH, initial_indent=f"    {heading:<12}", subsequent_indent=" " * 16,
                    break_long_words=False, break_on_hyphens=False,
                )  # fmt: skip
                console.print(told, markup=False, soft_wrap=True)
    if len(data):
        console.print()


def _taken_as(row: "dict[str, object]") -> str:
    if not row["wave"]:
        return f"{row['candidates']} ({row['match']})" if row["candidates"] else ""
    one = ", ".join(str(row[c]) for c in ("wave", "indicator", "domain", "level"))
    return f"{one}{' against ' + str(row['against']) if row['against'] else ''} ({row['match']})"


def _table(data: "pd.DataFrame", title: str, headings: Mapping[str, str], width: int) -> None:
    import pandas as pd
    from rich import box
    from rich.markup import escape
    from rich.table import Table

    table = Table(title=escape(title) if title else None, box=box.SIMPLE_HEAD, title_justify="left", pad_edge=False)
    for column, heading in headings.items():
        numeric = pd.api.types.is_numeric_dtype(data[column])
        table.add_column(escape(heading), justify="right" if numeric else "left", overflow="fold")
    for row in data[list(headings)].itertuples(index=False, name=None):
        table.add_row(*("" if pd.isna(v) else escape(_text(v)) for v in row))
    console = paper(width)
    console.print(table)
    if "is_synthetic" in data and bool(data["is_synthetic"].any()):
        console.print(SYNTHETIC_NOTICE, style="bold")


def _text(value: object) -> str:
    if isinstance(value, float):
        if value == int(value) or abs(value) >= WHOLE_FROM:
            return f"{int(rounded(value)):,}"
        return significant(value, 5)
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return str(value)
