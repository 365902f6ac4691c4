"""What Stata, SAS and portable files state of their own size, read before the parser in C sees them.

Belongs here: sizes and layout that a file's bytes contradict, by format.
Not here: SPSS system files (spss_header), the data and text themselves (statistical).

A transport file states no number of rows: one cut at the end of a row and of a record of 80 bytes is a whole file to
anybody. Only the manifest of a deposit, or a number of rows in the catalogue, can tell it from a whole one.
"""

import os
import re
import struct
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, NoReturn

from engagement_stats.errors import IngestError
from engagement_stats.readers import spss_header
from engagement_stats.readers.model import FORMAT_NAMES, Format

RECORD, BLOCK = 80, 1_048_576
BLANK = b" "
XPT_HEADER, PORTABLE = b"HEADER RECORD*******", b"SPSSPORT"
DTA_START = re.compile(
    rb"<stata_dta><header><release>(\d{3})</release><byteorder>(MSF|LSF)</byteorder><K>(?P<rest>.*)", re.S
)
# Bytes of the number of columns and of rows by release of the format.
DTA_WIDTHS: Mapping[bytes, tuple[str, str]] = {b"117": ("H", "I"), b"118": ("H", "Q"), b"119": ("I", "Q")}
DTA_MAP = 14
SAS_WIDE = 0x33


@dataclass(frozen=True, slots=True)
class Stated:
    """What a file states of itself.

    `rows` is None where it does not say; `encoding` is None where it declares none, and "" where only the parser knows
    which; `compression`, of an SPSS file, is 0 where its rows can be counted from its size, and `weight` the name of
    the variable that its cases are weighted by.
    """

    rows: int | None = None
    encoding: str | None = None
    compression: int = 0
    weight: str | None = None


def check(path: Path, kind: Format, where: str) -> Stated:
    """Read the header of a statistical file and refuse what its size contradicts.

    Parameters
    ----------
    path : Path
        The file.
    kind : {"sav", "por", "dta", "sas7bdat", "xpt"}
    where : str
        What an error message names.

    Returns
    -------
    Stated

    Raises
    ------
    IngestError
        It is cut short, followed by something else, or claims more than its bytes can hold.
    """
    if kind == "sav":
        found = spss_header.read(path, where)
        weight = None if found.weight is None else found.weight.decode("utf-8", "replace")
        return Stated(found.rows, found.encoding, found.compression, weight)
    with path.open("rb") as handle:
        return CHECKS[kind](handle, os.fstat(handle.fileno()).st_size, where)


def _refuse(where: str, what: str, remedy: str = "Deposit the file again as the producer delivered it.") -> NoReturn:
    raise IngestError(f"{where}: {what} {remedy}")


def _unreadable(where: str, kind: Format) -> NoReturn:
    _refuse(where, f"the file cannot be read as {FORMAT_NAMES[kind]} data: its header is damaged.")


def _stata(handle: BinaryIO, size: int, where: str) -> Stated:
    start = handle.read(512)
    if start.startswith(b"<"):
        columns, rows = _stata_tagged(handle, start, size, where)
        # Stata 14 and later write UTF-8, which the release says.
        encoding = None if start.startswith(b"<stata_dta><header><release>117") else "UTF-8"
    else:
        encoding = None
        if len(start) < 10 or start[1] not in (1, 2):
            _unreadable(where, "dta")
        columns, rows = struct.unpack_from(">hi" if start[1] == 1 else "<hi", start, 4)
    if columns <= 0:
        _refuse(where, f"the header states no columns. Got {columns}; expected at least one.")
    # Every value takes a byte at least; believing more, the parser would count through rows that are not there.
    if not 0 <= rows * columns <= size:
        _refuse(
            where,
            f"the file is cut short. Got {size} bytes; expected the {rows} rows of {columns} columns of its header.",
        )
    return Stated(rows, encoding)


def _stata_tagged(handle: BinaryIO, start: bytes, size: int, where: str) -> tuple[int, int]:
    """Return the columns and rows that a file of Stata 13 or later states; its map says where it ends."""
    found = DTA_START.match(start)
    if found is None or found[1] not in DTA_WIDTHS:
        _unreadable(where, "dta")
    order = ">" if found[2] == b"MSF" else "<"
    wide, long = (struct.Struct(order + form) for form in DTA_WIDTHS[found[1]])
    rest = found["rest"]
    after = rest[wide.size :].removeprefix(b"</K><N>")
    place = start.find(b"</header><map>")
    if len(after) < long.size or not rest[wide.size :].startswith(b"</K><N>") or place < 0:
        _unreadable(where, "dta")
    handle.seek(place + len(b"</header><map>"))
    offsets = struct.unpack(f"{order}{DTA_MAP}q", handle.read(8 * DTA_MAP).ljust(8 * DTA_MAP, b"\0"))
    handle.seek(max(0, size - len(b"</stata_dta>")))
    if offsets[-1] != size or handle.read() != b"</stata_dta>":
        _refuse(where, f"the file does not end where its map says. Got {size} bytes; expected {offsets[-1]}.")
    return wide.unpack_from(rest)[0], long.unpack_from(after)[0]


def _sas(handle: BinaryIO, size: int, where: str) -> Stated:
    start = handle.read(288)
    if len(start) < 288:
        _unreadable(where, "sas7bdat")
    order = "<" if start[37] == 1 else ">"
    shift = 4 if start[35] == SAS_WIDE else 0
    header, page, pages = struct.unpack_from(f"{order}II{'Q' if start[32] == SAS_WIDE else 'I'}", start, 196 + shift)
    if header + page * pages != size:
        _refuse(
            where,
            f"the file is cut short, or something follows its data. Got {size} bytes; expected the {pages} pages of "
            f"{page} bytes after {header} that its header states.",
        )
    return Stated(encoding="")


def _transport(handle: BinaryIO, size: int, where: str) -> Stated:
    """Check the layout of a SAS transport file: records of 80 bytes, whole rows, blanks to the end of the last."""
    if size % RECORD:
        _refuse(where, f"the file is cut short: {size} bytes are not a whole number of records of {RECORD}.")
    width, described = 0, 0
    while record := handle.read(RECORD):
        if record.startswith((XPT_HEADER + b"MEMBER", XPT_HEADER + b"MEMBV8")):
            described = _number(record[74:78], where)
        elif record.startswith((XPT_HEADER + b"NAMESTR", XPT_HEADER + b"NAMSTV8")):
            # The number of variables has four digits in the first version, and may have six later.
            width = _width(handle, _number(record[52:58], where), described)
        elif record.startswith((XPT_HEADER + b"OBS ", XPT_HEADER + b"OBSV8")):
            break
    if width <= 0:
        _unreadable(where, "xpt")
    data_at = handle.tell()
    if any(place % RECORD == data_at % RECORD for place in _places(handle, XPT_HEADER)):
        several = "more than one data set. Got at least two; expected one, each in a file of its own."
        _refuse(where, several, "Save the one you mean, with SAS, R or another program, as a file of its own.")
    spare = (size - data_at) % width
    handle.seek(size - spare)
    if spare >= RECORD or handle.read().strip(BLANK):
        _refuse(where, f"the data end inside a row: the last {spare} bytes are not a row of {width}. It is cut short.")
    return Stated()


def _number(digits: bytes, where: str) -> int:
    if not digits.strip().isdigit():
        _unreadable(where, "xpt")
    return int(digits)


def _width(handle: BinaryIO, variables: int, described: int) -> int:
    """Return the bytes of a row: the lengths of the variables, each described in so many bytes."""
    descriptions = handle.read(-(-variables * described // RECORD) * RECORD)
    ends = range(described, variables * described + 1, described) if described > 6 else ()
    return sum(int.from_bytes(descriptions[end - described + 4 : end - described + 6], "big") for end in ends)


def _places(handle: BinaryIO, mark: bytes) -> Iterator[int]:
    """Yield where a mark stands in what is left of a file."""
    at, kept = handle.tell(), b""
    while block := handle.read(BLOCK):
        held = kept + block
        found = held.find(mark)
        while found >= 0:
            yield at - len(kept) + found
            found = held.find(mark, found + 1)
        at, kept = at + len(block), held[1 - len(mark) :]


def _portable(handle: BinaryIO, size: int, where: str) -> Stated:
    """Check that a portable file is one, and ends as one does: with Zs to the end of a line of 80."""
    if sum(1 for _ in _places(handle, PORTABLE)) > 1:
        _refuse(where, "more than one portable file in one. Got at least two; expected one.")
    handle.seek(max(0, size - 2 * RECORD))
    before, _, line = handle.read().rstrip(b"\r\n\x1a").rpartition(b"\n")
    if not line.endswith(b"Z") or (before and len(line) != RECORD):
        _refuse(where, "the file does not end as a portable file does. It is cut short, or something follows its data.")
    return Stated()


CHECKS: Mapping[str, Callable[[BinaryIO, int, str], Stated]] = {
    "dta": _stata, "sas7bdat": _sas, "xpt": _transport, "por": _portable,
}  # fmt: skip
