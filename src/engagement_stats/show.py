"""Show a frame to a person or a program: a table, CSV or JSON.

Belongs here: output formats, and the mark on synthetic results.
Not here: which rows and columns are shown (cli), and how a number is worded (phrase).
"""

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

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
        sys.stdout.write(data.to_json(orient="records", date_format="iso", double_precision=15, force_ascii=False))
        sys.stdout.write("\n")
    else:
        _table(data, title, dict(headings) if headings else {str(c): str(c) for c in data.columns}, width)


def paper(piped_width: int) -> "Console":
    """Return what to print on: as wide as the terminal, or as asked when piped, where it is not to be cut."""
    from rich.console import Console

    class Paper(Console):
        def on_broken_pipe(self) -> None:  # rich itself would end the program with an exit status of 1
            raise BrokenPipeError

    return Paper(width=None if sys.stdout.isatty() else piped_width, highlight=False)


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
        return f"{value:,.0f}" if value == int(value) or abs(value) >= WHOLE_FROM else f"{value:.5g}"
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return str(value)
