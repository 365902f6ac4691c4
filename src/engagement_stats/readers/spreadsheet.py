"""Read the respondents of .xlsx and .ods files: one header row, and a row for each of them below.

Belongs here: which sheet is read, values as they are stored, and the columns of a data sheet.
Not here: whether the file is safe to read (parts), and sheets that hold published tables (grids).

Values are read by calamine, a spreadsheet reader without macros, links or calculation. What a program would show is
not what is stored, so this much is decided here. A number keeps every digit it is stored with. A date is ISO text,
never a number. Text stays text, also when it looks like a number. A formula has only the result that some program
stored with it, which may be stale: a column of respondents with formulas is refused. Hidden sheets are never read;
hidden rows and columns of a visible sheet are part of it.
"""

import datetime as dt
import difflib
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engagement_stats.errors import IngestError, listed
from engagement_stats.readers import parts
from engagement_stats.readers.model import Contents, Options
from engagement_stats.readers.parts import Extent, Sheet

if TYPE_CHECKING:
    import pyarrow as pa

# Whole numbers from here on are no longer all different when stored as a spreadsheet stores them.
EXACT = 2.0**53
Value = str | float | int | bool | dt.date | dt.time | dt.timedelta


def _is_open(path: Path) -> bool:
    """Say which of the two formats a file is by what its first part is called, whatever its suffix."""
    with path.open("rb") as handle:
        return b"mimetypeapplication/vnd.oasis.opendocument" in handle.read(200)


def sheets(path: Path, where: str) -> list[Sheet]:
    """List the sheets of a workbook in order, hidden ones among them.

    Raises
    ------
    IngestError
        The file is not a sound workbook or unpacks to more than is bearable.
    """
    is_open = _is_open(path)
    with parts.opened(path, where) as archive:
        return parts.open_sheets(archive, where) if is_open else parts.excel_sheets(archive)


@contextmanager
def _calamine(where: str) -> Iterator[None]:
    """Turn whatever calamine raises, a panic of its own included, into an error without a cell's value."""
    try:
        yield
    except (IngestError, KeyboardInterrupt, SystemExit, MemoryError):
        raise
    except BaseException as error:  # a panic does not derive from Exception
        raise IngestError(
            f"{where}: the sheet cannot be read ({type(error).__name__}). The workbook may be damaged; open it in a "
            "spreadsheet program and save a copy."
        ) from None


@lru_cache(maxsize=1)
def _loaded(path: Path, size: int, changed: int, name: str, where: str) -> tuple[Any, Extent]:
    import python_calamine

    found = {s.name: s for s in sheets(path, where)}
    sheet = found[name]
    with parts.opened(path, where) as archive:
        extent = (parts.open_extent if _is_open(path) else parts.excel_extent)(archive, sheet)
    with _calamine(where), python_calamine.load_workbook(path) as book:
        if any(n not in book.sheet_names for n in found):
            raise _disagree(where)
        read = book.get_sheet_by_name(name)
    _check_all_read(read, extent, where)
    return read, extent


def _check_all_read(read: Any, extent: Extent, where: str) -> None:
    """Refuse a sheet of which calamine read more or less than lies there."""
    end = read.end
    rows, columns = (0, 0) if end is None else (end[0] + 1, end[1] + 1)
    if rows < extent.rows or columns < extent.columns or rows * columns > parts.MAX_CELLS:
        raise IngestError(
            f"{where}: not every cell of the sheet could be read. Got {rows:,} rows and {columns:,} columns; expected "
            f"{extent.rows:,} and {extent.columns:,}. Open the workbook in a spreadsheet program and save a copy."
        )


def loaded(path: Path, name: str, where: str) -> tuple[Any, Extent]:
    """Load a visible sheet: calamine's reading of it, and where our own pass found cells.

    Raises
    ------
    IngestError
        It is too large, damaged, or not every cell of it could be read.
    """
    about = path.stat()
    return _loaded(path, about.st_size, about.st_mtime_ns, name, where)


def rows_of(read: Any, where: str) -> Iterator[list[Value]]:
    """Give the rows of a sheet from its first cell A1, each as long as the sheet is wide.

    Raises
    ------
    IngestError
        Calamine gives another number of rows or columns than it said; it leaves out empty columns at the left only.
    """
    if read.start is None:
        return
    left, (bottom, right) = read.start[1], read.end
    given = 0
    for row in read.iter_rows():
        if left + len(row) != right + 1:
            raise _disagree(where)
        given += 1
        yield [""] * left + row
    if given != bottom + 1:
        raise _disagree(where)


def _disagree(where: str) -> IngestError:
    return IngestError(
        f"{where}: two readings of the workbook disagree. Open it in a spreadsheet program and save a copy."
    )


def _near(wanted: Sequence[str], names: Sequence[str]) -> str:
    by_lower = {n.lower(): n for n in names}
    near = dict.fromkeys(x for w in wanted for x in difflib.get_close_matches(w.lower(), list(by_lower), 3, 0.4))
    return f" Nearest: {listed([by_lower[n] for n in near])}." if near else ""


def chosen(found: Sequence[Sheet], wanted: Sequence[str], where: str) -> str:
    """Return the name of the one visible sheet that has one of the names wanted, letter case and outer blanks ignored.

    Raises
    ------
    IngestError
        None of them, more than one, or a hidden one.

    Examples
    --------
    >>> chosen([Sheet("Notes", True, ""), Sheet("C1b ", True, "")], ["C1b", "C1B (2)"], "tables.ods")
    'C1b '
    """
    keys = {w.strip().casefold() for w in wanted}
    hits = [s for s in found if s.name.strip().casefold() in keys]
    seen = [s.name for s in found if s.visible]
    if not hits:
        raise IngestError(
            f'{where}: the workbook has no sheet "{" or ".join(wanted)}". It has {listed(seen)}.{_near(wanted, seen)} '
            "Correct the name of the sheet where it is declared."
        )
    if len(hits) > 1:
        raise IngestError(
            f"{where}: {len(hits)} sheets answer to the name wanted. Got {listed([s.name for s in hits])}; expected "
            "one. Give the name in full."
        )
    if not hits[0].visible:
        raise IngestError(
            f'{where}: the sheet "{hits[0].name}" is hidden, and hidden sheets are not read. Show it in a copy of the '
            "workbook if it is the right one."
        )
    return hits[0].name


def _data_sheet(path: Path, options: Options, where: str) -> tuple[Any, Extent, str]:
    found = sheets(path, where)
    if options.sheet is not None:
        name = chosen(found, [options.sheet], where)
    else:
        visible = [s.name for s in found if s.visible]
        if len(visible) != 1:
            raise IngestError(
                f"{where}: the workbook has {len(visible)} visible sheets. Got {listed(visible) or 'none'}; expected "
                "one, or the name of the sheet with the respondents. Declare the sheet."
            )
        name = visible[0]
    read, extent = loaded(path, name, where)
    return read, extent, f"{where} sheet {name}"


def _header(read: Any, extent: Extent, options: Options, where: str) -> tuple[list[str], list[int]]:
    """Return the names in the header row, and the column of each."""
    if options.header_row > extent.rows:
        raise IngestError(
            f"{where}: the sheet ends before its header. Got {extent.rows} rows; expected column names in row "
            f"{options.header_row}. Declare the sheet and the header's row."
        )
    below = [m for m in extent.merges if m[2] >= options.header_row - 1]
    if below:
        raise IngestError(
            f"{where}: {len(below)} merged cell(s) in the header or the data, so columns have no name or value of "
            "their own. Expected one row of names over rows of respondents; unmerge them in a copy, or declare the row "
            "of the header."
        )
    for number, row in enumerate(rows_of(read, where), start=1):
        if number == options.header_row:
            named = [(text_of(v), at) for at, v in enumerate(row) if text_of(v).strip()]
            return [n for n, _ in named], [at for _, at in named]
    return [], []


def contents(path: Path, options: Options, where: str) -> Contents:
    """Return the column names of a data sheet and the number of its respondents.

    Raises
    ------
    IngestError
        No such sheet or several, no header row, merged cells, or a file that is no sound workbook.
    """
    read, extent, where = _data_sheet(path, options, where)
    names, _ = _header(read, extent, options, where)
    if not names:
        raise IngestError(
            f"{where}: row {options.header_row} holds no column names. Declare the sheet and the header's row."
        )
    return Contents(names, extent.rows - options.header_row)


def table(path: Path, names: Sequence[str], options: Options, where: str) -> "pa.Table":
    """Read columns of a data sheet, one row a respondent.

    Parameters
    ----------
    path : Path
    names : sequence of str
        As `contents` gives them.
    options : Options
        `sheet` and `header_row`.
    where : str
        What an error names.

    Returns
    -------
    Table
        A column all of whose cells are numbers or empty is float64, an empty cell null. Any other is text: whole
        numbers without a decimal point, dates as ISO text, TRUE and FALSE, an empty cell "".

    Raises
    ------
    IngestError
        A column wanted holds formulas, errors, or numbers too large to be exact; values without a column name; a blank
        row among the respondents.
    """
    import pyarrow as pa

    read, extent, where = _data_sheet(path, options, where)
    header, positions = _header(read, extent, options, where)
    at = dict(zip(header, positions, strict=True))
    for name in names:
        for held, what in ((extent.formulas, "formulas, of which only stored results can be read"),
                           (extent.errors, "spreadsheet errors such as #N/A")):  # fmt: skip
            rows = [r for r in held.get(at[name], ()) if r >= options.header_row]
            if rows:
                raise IngestError(
                    f"{where}: column {name} holds {what}, in {len(rows)} row(s), the first of them {rows[0] + 1}. "
                    "Expected values. Replace them by values in a copy of the file."
                )
    columns: dict[str, list[Value]] = {n: [] for n in names}
    named = set(positions)
    for number, row in enumerate(rows_of(read, where), start=1):
        if options.header_row < number <= extent.rows:
            _check_row(row, number, named, where)
            for name in names:
                columns[name].append(row[at[name]])
    return pa.table({n: _column(v, f"{where} column {n}") for n, v in columns.items()})


def _check_row(row: Sequence[Value], number: int, named: set[int], where: str) -> None:
    filled = {i for i, v in enumerate(row) if v != ""}
    if not filled:
        raise IngestError(
            f"{where}: row {number} is blank, and there are rows below it. Expected respondents from the row of names "
            "down to the last row. Declare the header's row, or delete the blank row, or notes below the table, in a "
            "copy of the file."
        )
    if filled - named:
        raise IngestError(
            f"{where}: row {number} has values in {len(filled - named)} column(s) without a name. Expected a name in "
            "the header of every column; give it one in a copy of the file, or declare the header's row."
        )


def _column(values: Sequence[Value], where: str) -> "pa.Array":
    import pyarrow as pa

    numbers = [v for v in values if isinstance(v, int | float) and not isinstance(v, bool)]
    if any(not math.isfinite(v) or abs(v) >= EXACT for v in numbers):
        raise IngestError(
            f"{where}: holds numbers too large to be stored exactly, so different ones may have become the same. "
            "Deposit the file with that column as text."
        )
    if numbers and all(v == "" or (isinstance(v, int | float) and not isinstance(v, bool)) for v in values):
        return pa.array([None if v == "" else float(v) for v in values], pa.float64())  # type: ignore[arg-type]
    return pa.array([text_of(v) for v in values], pa.string())


def text_of(value: Value) -> str:
    """Return a value as text, as `codes.as_codes` would have it; that module needs pandas, which is slow to start."""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, float):
        return str(int(value)) if math.isfinite(value) and value == int(value) else repr(value)
    if isinstance(value, dt.datetime) and value.time() == dt.time():
        return value.date().isoformat()
    if isinstance(value, dt.date | dt.time):
        return value.isoformat()
    return str(value)
