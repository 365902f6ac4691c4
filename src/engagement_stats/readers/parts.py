"""The parts of a workbook, looked over before any of its values is read.

Belongs here: caps on what an .xlsx or .ods file unpacks to, its sheets and which are hidden, and where a sheet has
cells, formulas, errors and merged cells, by our own pass over its XML.
Not here: values (spreadsheet), and what a table means (workbook).

A workbook says things of itself that readers believe: a range that is not its own, a part that unpacks to gigabytes,
one cell in the last corner for which they reserve the whole grid. None of it is believed here; the cells are counted.
"""

import posixpath
import re
import zipfile
import zlib
from array import array
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.parsers import expat

from engagement_stats.errors import IngestError, listed

MAX_PART, MAX_UNPACKED = 400_000_000, 800_000_000
# A sheet of numbers shrinks to a tenth or twentieth; blanks and zeros, to a thousandth.
MAX_RATIO, SMALL = 200, 5_000_000
# Cells of the rectangle that holds a sheet's values, which is what a reader reserves memory for.
MAX_CELLS = 8_000_000
LAST_ROW, LAST_COLUMN = 1_048_576, 16_384
CHUNK = 1 << 20
Merge = tuple[int, int, int, int]
Handler = Callable[[str, dict[str, str]], None]


@dataclass(frozen=True, slots=True)
class Sheet:
    """One sheet of a workbook; `part` is the member of the archive that holds it, `index` its place there."""

    name: str
    visible: bool
    part: str
    index: int = 0


@dataclass(slots=True)
class Extent:
    """Where a sheet has cells; rows and columns count from 0.

    `rows` and `columns` are one past the last cell with a value; a formula without a stored one is none. `formulas` and
    `errors` are the rows of such cells by column, `merges` the (first row, first column, last row, last column) of
    merged cells.
    """

    rows: int = 0
    columns: int = 0
    formulas: dict[int, "array[int]"] = field(default_factory=dict)
    errors: dict[int, "array[int]"] = field(default_factory=dict)
    merges: list[Merge] = field(default_factory=list)

    def reach(self, rows: int, columns: int) -> None:
        """Take in a cell whose far corner is there, unless the rectangle becomes too large."""
        self.rows, self.columns = max(self.rows, rows), max(self.columns, columns)
        if self.rows * self.columns > MAX_CELLS:
            raise _TooLargeError(f"a rectangle of {self.rows:,} rows and {self.columns:,} columns")


class _TooLargeError(Exception):
    """A cap is exceeded; the message says by what."""


class _RefusedError(Exception):
    """The XML is of a kind no spreadsheet program writes; the message says which."""


def _damaged(where: str, what: str) -> IngestError:
    return IngestError(
        f"{where}: the workbook cannot be read: {what}. It may be cut short, damaged or of another format; "
        "deposit it again, or open it in a spreadsheet program and save a copy."
    )


@contextmanager
def opened(path: Path, where: str) -> Iterator[zipfile.ZipFile]:
    """Open the archive of a workbook once its parts are known to be of a bearable size.

    Raises
    ------
    IngestError
        Not an archive, too large, two parts of one name, a path out of the archive, or encrypted; and, while it is
        open, whatever of the archive cannot be unpacked.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            _check_members(archive.infolist(), where)
            yield archive
    except (zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, EOFError, OSError, RuntimeError) as error:
        raise _damaged(where, f"its archive is not sound ({type(error).__name__})") from None
    except UnicodeDecodeError:
        raise _damaged(where, "a name in its archive is not text") from None
    except _TooLargeError as error:
        raise IngestError(
            f"{where}: the workbook is too large to be read. Got {error}; expected at most {MAX_CELLS:,} cells, "
            f"{MAX_PART // 1_000_000} MB a part and {MAX_UNPACKED // 1_000_000} MB in all. Delete what is not the "
            "table in a copy, or deposit the data as CSV or SPSS."
        ) from None
    except _RefusedError as error:
        raise _damaged(where, str(error)) from None


def _check_members(members: list[zipfile.ZipInfo], where: str) -> None:
    names = [m.filename.replace("\\", "/").lower() for m in members]
    twice = sorted({n for n in names if names.count(n) > 1}) if len(set(names)) < len(names) else []
    if twice:
        raise _RefusedError(f"its archive has {listed(twice)} more than once")
    if any(n.startswith("/") or ".." in n.split("/") or ":" in n for n in names):
        raise _RefusedError("a part of its archive is named as lying outside it")
    if any(m.flag_bits & 0x1 for m in members):
        raise IngestError(f"{where}: the workbook is encrypted. Save it without a password, where its licence allows.")
    for member in members:
        if member.file_size > MAX_PART:
            raise _TooLargeError(f"a part of {member.file_size // 1_000_000:,} MB")
        if member.file_size > SMALL and member.file_size > MAX_RATIO * max(member.compress_size, 1):
            raise _TooLargeError(f"a part of {member.file_size // 1_000_000:,} MB packed more than {MAX_RATIO} to one")
    if (total := sum(m.file_size for m in members)) > MAX_UNPACKED:
        raise _TooLargeError(f"{total // 1_000_000:,} MB")


def _walk(archive: zipfile.ZipFile, part: str, handler: Handler) -> None:
    """Call the handler with the start of every element of a part."""
    parser = expat.ParserCreate()

    def doctype(*_: Any) -> None:
        raise _RefusedError("it declares a document type, through which entities are smuggled in")

    parser.StartElementHandler = handler
    parser.StartDoctypeDeclHandler = doctype
    try:
        member = archive.getinfo(part)
    except KeyError:
        raise _RefusedError(f"it has no part {part}") from None
    try:
        with archive.open(member) as handle:
            while chunk := handle.read(CHUNK):
                parser.Parse(chunk, False)
            parser.Parse(b"", True)
    except expat.ExpatError:
        raise _RefusedError(f"its part {part} is not well-formed XML") from None


def _local(name: str) -> str:
    return name.rpartition(":")[2]


# --- .xlsx


def excel_sheets(archive: zipfile.ZipFile) -> list[Sheet]:
    """List the worksheets of an .xlsx file in order; chart and macro sheets hold no cells and are left out."""
    targets: dict[str, str] = {}
    found: list[Sheet] = []

    def relation(name: str, attributes: Mapping[str, str]) -> None:
        if _local(name) == "Relationship" and attributes.get("Type", "").endswith("/worksheet"):
            target = attributes.get("Target", "")
            inside = target.lstrip("/") if target.startswith("/") else posixpath.normpath(f"xl/{target}")
            targets[attributes.get("Id", "")] = inside

    def sheet(name: str, attributes: Mapping[str, str]) -> None:
        if _local(name) == "sheet":
            link = next((v for k, v in attributes.items() if _local(k) == "id"), "")
            if link in targets:
                visible = attributes.get("state", "visible") == "visible"
                found.append(Sheet(attributes.get("name", ""), visible, targets[link]))

    _walk(archive, "xl/_rels/workbook.xml.rels", relation)
    _walk(archive, "xl/workbook.xml", sheet)
    return found


REFERENCE = re.compile(r"\$?([A-Z]{1,3})\$?([1-9][0-9]{0,6})$")


def _position(reference: str) -> tuple[int, int]:
    """Return the row and column, from 0, of a reference such as B7."""
    match = REFERENCE.match(reference)
    if match is None:
        raise _RefusedError("a cell's reference is not one")
    column = 0
    for letter in match[1]:
        column = column * 26 + ord(letter) - 64
    if column > LAST_COLUMN or int(match[2]) > LAST_ROW:
        raise _RefusedError("a cell lies beyond the last row or column a sheet can have")
    return int(match[2]) - 1, column - 1


def _letters() -> list[str]:
    """Name every column a sheet can have: A to XFD."""
    one = [chr(65 + i) for i in range(26)]
    two = [a + b for a in one for b in one]
    return [*one, *two, *(a + b for a in one for b in two)][:LAST_COLUMN]


class _ExcelCells:
    """Follows the cells of a worksheet part; empty cells that only carry a format do not count.

    It is called twice for every cell, so the usual case (the next column of this row) is found without parsing.
    """

    def __init__(self) -> None:
        self.extent = Extent()
        self.row, self.column, self.digits = -1, -1, "0"
        self.is_error = False
        self.letters = [*_letters(), ""]

    def start(self, name: str, attributes: dict[str, str]) -> None:
        local = _local(name) if ":" in name else name
        if local == "c":
            self._cell(attributes)
        elif local in ("v", "is"):
            if self.column >= self.extent.columns or self.row >= self.extent.rows:
                self.extent.reach(self.row + 1, self.column + 1)
            if self.is_error:
                self.extent.errors.setdefault(self.column, array("I")).append(self.row)
        else:
            self._other(local, attributes)

    def _other(self, local: str, attributes: Mapping[str, str]) -> None:
        if local == "row":
            self._row(attributes)
        elif local == "f":
            self.extent.formulas.setdefault(self.column, array("I")).append(self.row)
        elif local == "mergeCell":
            first, _, last = attributes.get("ref", "").partition(":")
            self.extent.merges.append((*_position(first), *_position(last or first)))

    def _row(self, attributes: Mapping[str, str]) -> None:
        number = attributes.get("r")
        row = self.row + 1 if number is None else (int(number) - 1 if number.isascii() and number.isdigit() else -1)
        if not self.row < row < LAST_ROW:
            raise _RefusedError("the rows of a sheet are not in order")
        self.row, self.column, self.digits = row, -1, str(row + 1)

    def _cell(self, attributes: Mapping[str, str]) -> None:
        reference = attributes.get("r")
        self.is_error = attributes.get("t") == "e"
        if reference is None or reference == self.letters[self.column + 1] + self.digits:
            row, column = self.row, self.column + 1
        else:
            row, column = _position(reference)
        if row != self.row or not self.column < column < LAST_COLUMN:
            raise _RefusedError("the cells of a sheet are not in order")
        self.column = column


def excel_extent(archive: zipfile.ZipFile, sheet: Sheet) -> Extent:
    """Count the cells of one sheet of an .xlsx file, and unpack whole what a reader of its values will need."""
    for part in ("xl/sharedStrings.xml", "xl/styles.xml"):
        if part in archive.namelist():
            _walk(archive, part, lambda name, attributes: None)
    cells = _ExcelCells()
    _walk(archive, sheet.part, cells.start)
    return cells.extent


# --- .ods


class _OpenCells:
    """Follows the sheets of an OpenDocument spreadsheet, which all lie in one part; extents of all, values of none."""

    def __init__(self, wanted: int | None) -> None:
        self.wanted = wanted
        self.sheets: list[Sheet] = []
        self.extent = Extent()
        self.hidden_styles: set[str] = set()
        self.style = ""
        self.row, self.column, self.rows_here = 0, 0, 1

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if name in ("table:table-cell", "table:covered-table-cell"):
            if self.wanted is not None and self.wanted == len(self.sheets) - 1:
                self._cell(attributes)
        elif name == "table:table-row":
            self.row += self.rows_here
            self.column, self.rows_here = 0, _repeats(attributes, "table:number-rows-repeated")
        elif name == "table:table":
            visible = attributes.get("table:style-name", "") not in self.hidden_styles
            self.sheets.append(Sheet(attributes.get("table:name", ""), visible, "content.xml", len(self.sheets)))
            self.row, self.rows_here = 0, 0
        elif name == "style:style":
            self.style = attributes.get("style:name", "") if attributes.get("style:family") == "table" else ""
        elif name == "style:table-properties" and attributes.get("table:display") == "false" and self.style:
            self.hidden_styles.add(self.style)

    def _cell(self, attributes: Mapping[str, str]) -> None:
        first, repeats = self.column, _repeats(attributes, "table:number-columns-repeated")
        self.column += repeats
        formula = "table:formula" in attributes
        if not (formula or "office:value-type" in attributes or "calcext:value-type" in attributes):
            return
        self.extent.reach(self.row + self.rows_here, self.column)
        places = {
            "formulas": self.extent.formulas if formula else None,
            "errors": self.extent.errors if attributes.get("calcext:value-type") == "error" else None,
        }
        for held in [p for p in places.values() if p is not None]:
            for column in range(first, self.column):
                held.setdefault(column, array("I")).extend(range(self.row, self.row + self.rows_here))
        wide = _repeats(attributes, "table:number-columns-spanned")
        high = _repeats(attributes, "table:number-rows-spanned")
        if wide > 1 or high > 1:
            self.extent.merges.append((self.row, first, self.row + high - 1, first + wide - 1))


def _repeats(attributes: Mapping[str, str], name: str) -> int:
    text = attributes.get(name, "1")
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:9]) <= LAST_ROW):
        raise _RefusedError("a cell is said to be repeated a number of times that no sheet has room for")
    return int(text)


def _check_open(archive: zipfile.ZipFile, where: str) -> None:
    encrypted: list[str] = []

    def entry(name: str, attributes: Mapping[str, str]) -> None:
        if _local(name) == "encryption-data":
            encrypted.append(name)

    if "META-INF/manifest.xml" in archive.namelist():
        _walk(archive, "META-INF/manifest.xml", entry)
    if encrypted:
        raise IngestError(
            f"{where}: the workbook is protected by a password. Save it without, where its licence allows."
        )


def open_sheets(archive: zipfile.ZipFile, where: str) -> list[Sheet]:
    """List the sheets of an .ods file in order."""
    _check_open(archive, where)
    cells = _OpenCells(None)
    _walk(archive, "content.xml", cells.start)
    return cells.sheets


def open_extent(archive: zipfile.ZipFile, sheet: Sheet) -> Extent:
    """Count the cells of one sheet of an .ods file."""
    cells = _OpenCells(sheet.index)
    _walk(archive, sheet.part, cells.start)
    return cells.extent
