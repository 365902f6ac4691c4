"""What the dictionary of an SPSS system file (.sav, .zsav) says, read strictly before the parser in C sees the file.

Belongs here: the records before the data, and whether the bytes that follow can hold the rows they claim.
Not here: the data themselves, labels and text (statistical), other formats (headers).

The parser accepts without a word a row count below the data, another bias of the compression, labels of one code that
differ, a missing range that runs backwards and a very long text that is not there; and labels of a variable that does
not exist kill it. Source: GNU PSPP developer's guide, "System File Format".
"""

import math
import os
import struct
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, NoReturn

from engagement_stats.errors import IngestError, listed

HEADER, ELEMENT, ROWS_AT = 176, 8, 80
BIAS = 100.0
# The parser takes time that grows with the square of the variables: 8 seconds at ten thousand, half a minute at 25,000.
MOST_VARIABLES = 10_000
# Survey data deflate about tenfold and zeros a thousandfold: above both bounds it is a bomb.
MOST_INFLATION, INFLATED = 200, 8 * 2**20
INTEGER_INFO, LONG_NAMES, LONG_STRINGS, ENCODING = 3, 13, 14, 20
# 1 to 4 name no code page ("7-bit", "8-bit" and two of other machines); the parser takes Windows' western one.
UNNAMED_CODE_PAGES = (1, 2, 3, 4)
CODE_PAGES = {65001: "UTF-8", 28591: "ISO-8859-1", 28605: "ISO-8859-15"}
SEGMENT = 252


@dataclass(frozen=True, slots=True)
class Dictionary:
    """What the records before the data state.

    `rows` is None where the writer did not know it, `elements` the 8-byte values of one row, `data_at` where the data
    begin, `encoding` what the file declares its text to be (None if it declares nothing), `weight` the name of the
    variable that cases are weighted by, in the file's bytes (None if by none).
    """

    rows: int | None
    compression: int
    elements: int
    variables: int
    encoding: str | None
    data_at: int
    order: str
    weight: bytes | None


@dataclass(slots=True)
class _Records:
    """The records in their order, and what has been met so far."""

    handle: BinaryIO
    where: str
    size: int
    order: str = "<"
    variables: list[tuple[bytes, int, int]] = field(default_factory=list)  # name, width, place among the elements
    elements: int = 0
    awaited: int = 0  # continuations still to come of a long text
    places: dict[int, int] = field(default_factory=dict)  # place of an element (from 1) to its variable's width
    encoding: str | None = None
    code_page: int | None = None
    long_strings: bytes = b""
    long_names: bytes = b""
    weighted_by: int = 0  # the place of a variable, 0 for none

    def refuse(self, what: str) -> NoReturn:
        raise IngestError(f"{self.where}: {what} Deposit the file again as the producer delivered it.")

    def take(self, size: int) -> bytes:
        if not 0 <= size <= self.size - self.handle.tell():
            self.refuse("the SPSS dictionary is cut short, or states a length that the file does not have.")
        return self.handle.read(size)

    def integers(self, count: int) -> tuple[int, ...]:
        return struct.unpack(f"{self.order}{count}i", self.take(4 * count))

    def doubles(self, count: int) -> tuple[float, ...]:
        return struct.unpack(f"{self.order}{count}d", self.take(8 * count))


def read(path: Path, where: str) -> Dictionary:
    """Read the dictionary of an SPSS system file.

    Parameters
    ----------
    path : Path
        A .sav or .zsav file.
    where : str
        What an error message names.

    Returns
    -------
    Dictionary

    Raises
    ------
    IngestError
        It contradicts itself, or claims what the file cannot hold.
    """
    with path.open("rb") as handle:
        records = _Records(handle, where, os.fstat(handle.fileno()).st_size)
        compression, rows = _header(records)
        kind = records.integers(1)[0]
        while kind != 999:
            _record(records, kind)
            kind = records.integers(1)[0]
        records.take(4)
        _finish(records)
        code_page = records.code_page
        declared = None if code_page in (None, *UNNAMED_CODE_PAGES) else CODE_PAGES.get(code_page, f"cp{code_page}")
        found = Dictionary(
            rows=rows,
            compression=compression,
            elements=records.elements,
            variables=len(records.variables),
            encoding=records.encoding or declared,
            data_at=handle.tell(),
            order=records.order,
            weight=_weight(records),
        )
        _check_size(records, found)
    return found


def _weight(records: _Records) -> bytes | None:
    """Return the full name of the variable that cases are weighted by."""
    short = next((name for name, _, place in records.variables if place == records.weighted_by), None)
    if short is None:
        return None
    pairs = (entry.partition(b"=") for entry in records.long_names.split(b"\t"))
    names = {name.strip().upper(): full.strip() for name, _, full in pairs}
    return names.get(short.strip().upper()) or short.strip()


def _header(records: _Records) -> tuple[int, int | None]:
    """Return the compression and the number of rows stated."""
    magic, layout = records.take(4), records.take(64)[60:]
    orders = [o for o in "<>" if struct.unpack(f"{o}i", layout)[0] in (2, 3)]
    if magic not in (b"$FL2", b"$FL3") or not orders:
        records.refuse("the file cannot be read as SPSS data: its header is damaged.")
    records.order = orders[0]
    _, compression, records.weighted_by, rows = records.integers(4)
    (bias,) = records.doubles(1)
    records.take(HEADER - 92)
    if compression not in ((2,) if magic == b"$FL3" else (0, 1)):
        records.refuse(f"the header states a compression that does not exist. Got {compression}; expected 0, 1 or 2.")
    if bias != BIAS:
        records.refuse(f"the header states a bias that would shift every code. Got {bias:g}; expected {BIAS:g}.")
    if rows < -1:
        records.refuse(f"the header states a number of rows that cannot be. Got {rows}; expected 0 or more.")
    return compression, None if rows == -1 else rows


def _record(records: _Records, kind: int) -> None:
    if records.awaited and kind != 2:
        records.refuse("a long text variable of the SPSS dictionary lacks its continuation.")
    if kind == 2:
        _variable(records)
    elif kind == 3:
        _value_labels(records)
    elif kind == 6:
        (lines,) = records.integers(1)
        records.take(lines * 80)
    elif kind == 7:
        _extension(records)
    else:
        records.refuse(f"the SPSS dictionary has a record of a kind that does not exist. Got {kind}.")


def _variable(records: _Records) -> None:
    width, labelled, missing, _, _ = records.integers(5)
    name = records.take(8).rstrip(b" \0")
    records.elements += 1
    if labelled:
        (length,) = records.integers(1)
        records.take(-(-length // 4) * 4)
    if (width == -1) != (records.awaited > 0) or not -1 <= width <= 255 or missing not in (-3, -2, 0, 1, 2, 3):
        records.refuse(f"variable {len(records.variables) + 1} of the SPSS dictionary is damaged.")
    values = records.doubles(abs(missing))
    if width == -1:
        records.awaited -= 1
        return
    shown = name.decode("ascii", "replace")
    if width == 0 and missing < 0 and not values[0] <= values[1]:
        records.refuse(f"variable {shown} declares a range of missing codes that runs backwards or is no range.")
    if width == 0 and any(math.isnan(v) for v in values):
        records.refuse(f"variable {shown} declares a missing code that is not a number.")
    records.places[records.elements] = width
    records.variables.append((name, width, records.elements))
    records.awaited = max(0, -(-width // ELEMENT) - 1)
    if len(records.variables) > MOST_VARIABLES:
        records.refuse(f"more than {MOST_VARIABLES} variables; no survey has so many.")


def _value_labels(records: _Records) -> None:
    (count,) = records.integers(1)
    labels: dict[bytes, bytes] = {}
    differ = 0
    for _ in range(count if count >= 0 else records.size):
        code = records.take(ELEMENT)
        length = records.take(1)[0]
        label = records.take((length + 8) // 8 * 8 - 1)[:length].rstrip()
        differ += labels.setdefault(code, label) != label
    kind, variables = records.integers(2)
    if kind != 4:
        records.refuse("value labels of the SPSS dictionary do not say whose they are.")
    # More places than elements means a repetition; the bound keeps the request for them small.
    if not 0 <= variables <= records.elements:
        records.refuse("value labels of the SPSS dictionary belong to more variables than there are.")
    places = records.integers(variables)
    strangers = [p for p in places if p not in records.places]
    if strangers:
        records.refuse(
            f"value labels of the SPSS dictionary belong to a variable that does not exist. Got {listed(strangers)}; "
            f"expected a place from 1 to {records.elements}."
        )
    if differ:
        owner = next(name for name, _, place in records.variables if place == places[0]) if places else b""
        records.refuse(f"variable {owner.decode('ascii', 'replace')} has {differ} code(s) with two different labels.")
    if len({records.places[p] > 0 for p in places}) > 1:
        records.refuse("value labels of the SPSS dictionary belong to numbers and to text at once.")


def _extension(records: _Records) -> None:
    subtype, size, count = records.integers(3)
    if size < 0 or count < 0:
        records.refuse(f"extension record {subtype} of the SPSS dictionary states a negative length.")
    data = records.take(size * count)
    if subtype == INTEGER_INFO and len(data) == 32:
        records.code_page = struct.unpack(f"{records.order}8i", data)[7]
    elif subtype == ENCODING:
        records.encoding = data.decode("ascii", "replace").strip("\0 ")
    elif subtype == LONG_STRINGS:
        records.long_strings += data
    elif subtype == LONG_NAMES:
        records.long_names += data


def _finish(records: _Records) -> None:
    """Check what can only be seen once every record is known."""
    if not records.variables:
        records.refuse("the SPSS dictionary has no variables.")
    by_name = {name.upper(): i for i, (name, _, _) in enumerate(records.variables)}
    for entry in records.long_strings.split(b"\t"):
        name, stated, width = entry.strip(b"\0").partition(b"=")
        if not stated:
            continue
        first = by_name.get(name.upper())
        segments = -(-int(width) // SEGMENT) if width.isdigit() else 0
        held = records.variables[first : first + segments] if first is not None else []
        if segments < 2 or len(held) < segments or not all(w for _, w, _ in held):
            records.refuse(
                f"the very long text {name.decode('ascii', 'replace')} is not there in the length that the SPSS "
                "dictionary states."
            )


def _check_size(records: _Records, found: Dictionary) -> None:
    """Check that the bytes after the dictionary can be the rows it states."""
    held = records.size - found.data_at
    row = found.elements * ELEMENT
    if found.compression == 2:
        held = _inflated(records, found)
    if found.compression:
        # Every value takes a byte at least, and bytes come in eights.
        if held < (found.rows or 0) * found.elements:
            _wrong_rows(records, found, f"at most {held // found.elements}", 0)
        if found.compression == 1 and held % ELEMENT:
            records.refuse(f"the data are cut short: {held} bytes are not a whole number of {ELEMENT}.")
        return
    if held % row:
        records.refuse(
            f"the data end inside a row: {held} bytes are not a whole number of rows of {row}. The file is cut short, "
            "or something follows its data."
        )
    if found.rows is not None and held != found.rows * row:
        _wrong_rows(records, found, str(held // row), held // row)


def _wrong_rows(records: _Records, found: Dictionary, holds: str, rows: int) -> NoReturn:
    what = "is cut short" if rows < (found.rows or 0) else "holds more than its header says"
    records.refuse(f"the file {what}. Got {holds} rows; expected the {found.rows} that its header states.")


def _inflated(records: _Records, found: Dictionary) -> int:
    """Return the bytes that the blocks of a .zsav file say they inflate to, having checked where they lie."""
    start, trailer, length = struct.unpack(f"{records.order}3q", records.take(24))
    if start != found.data_at or length < 24 or trailer + length != records.size or trailer < found.data_at + 24:
        records.refuse("the blocks of the compressed SPSS file do not lie where it says; it is cut short or damaged.")
    records.handle.seek(trailer)
    bias, zero, block, blocks = struct.unpack(f"{records.order}qqii", records.take(24))
    if bias != -BIAS or zero or block <= 0 or blocks < 0 or 24 + 24 * blocks != length:
        records.refuse("the list of blocks of the compressed SPSS file is damaged.")
    before, after, total = start, start + 24, 0
    for _ in range(blocks):
        inflated_at, deflated_at, inflated, deflated = struct.unpack(f"{records.order}qqii", records.take(24))
        if (inflated_at, deflated_at) != (before, after) or not 0 < inflated <= block or deflated <= 0:
            records.refuse("the list of blocks of the compressed SPSS file is damaged.")
        before, after, total = before + inflated, after + deflated, total + inflated
    if after != trailer:
        records.refuse("the blocks of the compressed SPSS file do not fill the place they should.")
    if total > max(INFLATED, MOST_INFLATION * records.size):
        records.refuse(
            f"{records.size} bytes claim to inflate to {total}, which no survey does: it would fill the memory."
        )
    return total
