"""Read the cells of sheets that hold published tables, merged ones filled.

Belongs here: every cell of a visible sheet with its place.
Not here: values and which sheet (spreadsheet), whether the file is safe to read (parts), what a table means (workbook).

A cell says that it is a formula, of which only the stored result can be read, and that it is merged with another.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from engagement_stats.errors import IngestError
from engagement_stats.readers import parts, spreadsheet
from engagement_stats.readers.model import Cell

MAX_CELLS = 500_000


def grid(path: Path, sheet: str, where: str) -> list[list[Cell]]:
    """Read every cell of one visible sheet, from A1, all rows of one length.

    Parameters
    ----------
    path : Path
    sheet : str
        As `sheets` names it.
    where : str
        What an error names.

    Returns
    -------
    list of list of Cell
        Numbers as stored, everything else as text, None where there is nothing. Every cell that is merged with
        another has its value; all but the first of them are marked `spread`.

    Raises
    ------
    IngestError
        No such sheet, a hidden one, or one too large to hold a published table.
    """
    read, extent = spreadsheet.loaded(path, spreadsheet.chosen(spreadsheet.sheets(path, where), [sheet], where), where)
    where = f"{where} sheet {sheet}"
    if extent.rows * extent.columns > MAX_CELLS:
        raise IngestError(
            f"{where}: the sheet is too large for a published table. Got {extent.rows:,} rows and {extent.columns:,} "
            f"columns; expected at most {MAX_CELLS:,} cells. Delete what is not the table in a copy."
        )
    rows = [*spreadsheet.rows_of(read, where)][: extent.rows]
    cells = [[Cell(_shown(v)) for v in row[: extent.columns]] for row in rows]
    _mark(cells, extent.formulas, lambda c: replace(c, formula=True))
    for merge in extent.merges:
        _spread(cells, merge)
    return cells


def _shown(value: spreadsheet.Value) -> str | float | None:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    return spreadsheet.text_of(value) if value != "" else None


def _mark(cells: list[list[Cell]], held: dict[int, Any], change: Callable[[Cell], Cell]) -> None:
    for column, rows in held.items():
        for row in rows:
            if row < len(cells) and column < len(cells[row]):
                cells[row][column] = change(cells[row][column])


def _spread(cells: list[list[Cell]], merge: parts.Merge) -> None:
    """Give the value of the first of some merged cells to the others, as far as the sheet reaches."""
    top, left, bottom, right = merge
    for row in range(top, min(bottom + 1, len(cells))):
        for column in range(left, min(right + 1, len(cells[row]))):
            if (row, column) != (top, left):
                cells[row][column] = replace(cells[top][left], spread=True)


Packed = list[list[list[Any]]]
FORMULA, SPREAD = 1, 2


def pack(grid: Sequence[Sequence[Cell]]) -> Packed:
    """Return a grid as what JSON can hold: for every cell its value and what there is to say of it.

    Examples
    --------
    >>> pack([[Cell("Total"), Cell(3.0, formula=True)]])
    [[['Total', 0], [3.0, 1]]]
    """
    return [[[c.value, FORMULA * c.formula + SPREAD * c.spread] for c in row] for row in grid]


def unpack(packed: Packed) -> list[list[Cell]]:
    """Return a grid from what JSON held.

    Raises
    ------
    TypeError, ValueError
        It is not what `pack` makes; whoever made it may have been seized by the file.
    """
    grid = [[Cell(value, bool(about & FORMULA), bool(about & SPREAD)) for value, about in row] for row in packed]
    if any(not isinstance(c.value, str | float | None) for row in grid for c in row):
        raise TypeError("a cell is neither text nor a number")
    return grid


def grids(path: Path, wanted: Sequence[Sequence[str]], where: str) -> list[list[list[Cell]]]:
    """Read several sheets, each given by the names it may have.

    Parameters
    ----------
    path : Path
    wanted : sequence of sequence of str
        Of each sheet, the names it may have; exactly one visible sheet must have one of them.
    where : str
        What an error names.

    Returns
    -------
    list of list of list of Cell
        As `grid`, in the order wanted.
    """
    found = spreadsheet.sheets(path, where)
    names = [spreadsheet.chosen(found, names, where) for names in wanted]
    read = {n: grid(path, n, where) for n in dict.fromkeys(names)}
    return [read[n] for n in names]
