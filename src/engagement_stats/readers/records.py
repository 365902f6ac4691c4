"""Count the records of delimited text and check their shape, apart from the parser that reads the cells.

Belongs here: line ends, quotation marks, fields to a record, and the refusals that name a line.
Not here: encodings, names and cells (text).

The count is made from the bytes by other code than the parser's, so that a row lost by the one is seen by the other.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NoReturn

import numpy as np
import numpy.typing as npt

from engagement_stats.errors import IngestError, listed

LF, CR, QUOTE = 10, 13, 34
MAX_RECORD = 8 << 20
AGAIN = "Deposit the file again as the producer delivered it."
Bytes = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Shape:
    """The fields of the first record, where it ends, and the records that follow; blank lines are none."""

    fields: int
    header_end: int
    rows: int


def line_at(body: bytes, position: int) -> int:
    """Return the number of the line, from 1, that holds a byte."""
    newline = b"\n" if b"\n" in body else b"\r"
    return body.count(newline, 0, position) + 1


def _blocks(body: bytes, where: str) -> Iterator[tuple[int, Bytes]]:
    """Cut the text after line ends, so that no mark at a cut depends on what lies beyond it."""
    start = 0
    while start < len(body):
        end = min(start + MAX_RECORD, len(body))
        if end < len(body):
            end = max(body.rfind(b"\n", start, end), body.rfind(b"\r", start, end)) + 1
            if end == 0:
                _too_long(body, start, where)
            end += body[end - 1] == CR and body[end] == LF
        yield start, np.frombuffer(body, dtype=np.uint8, count=end - start, offset=start)
        start = end


def _too_long(body: bytes, start: int, where: str) -> NoReturn:
    raise IngestError(
        f"{where}: the record at line {line_at(body, start)} is longer than {MAX_RECORD} bytes. Expected a line for "
        f"each respondent, and quotes that close. {AGAIN}"
    )


def _shifted(block: Bytes, by: int) -> Bytes:
    """Return for each byte the one before (1) or after (-1) it, a line end beyond the block."""
    other = np.roll(block, by)
    other[0 if by == 1 else -1] = LF
    return other


class _Measure:
    """What is known so far of a text measured block by block."""

    def __init__(self, body: bytes, delimiter: str, where: str) -> None:
        self.body, self.delimiter, self.where = body, ord(delimiter), where
        self.has_quotes = delimiter != "\t"
        self.is_open = False
        self.open_from, self.open_fields = 0, 0
        self.fields, self.header_end, self.rows = 0, 0, -1
        self.line_end = 0
        self.uneven: list[int] = []
        self.uneven_count = 0

    def outside(self, start: int, block: Bytes) -> Mask | None:
        """Return which bytes are outside quotes (None for all), refusing quotes that do not enclose whole fields."""
        if not self.has_quotes:
            return None
        marks = block == QUOTE
        at = np.flatnonzero(marks)
        if not len(at):
            return np.zeros(len(block), dtype=np.bool_) if self.is_open else None
        opening = (np.arange(len(at)) + self.is_open) % 2 == 0
        before, after = _shifted(block, 1)[at], _shifted(block, -1)[at]
        neighbour = np.where(opening, before, after)
        # Two marks side by side within a field stand for one: the first seems to close it and the second to open it.
        stray = ~np.isin(neighbour, [self.delimiter, LF, CR, QUOTE])
        if stray.any():
            self.stray_quote(start + int(at[stray][0]))
        depth = np.cumsum(marks, dtype=np.uint8)
        inside = ((depth + np.uint8(self.is_open)) & 1).astype(np.bool_)
        self.is_open = bool(inside[-1])
        return ~inside

    def stray_quote(self, position: int) -> NoReturn:
        raise IngestError(
            f"{self.where}: a quotation mark is not closed, or stands inside a field that is not quoted. Got it at "
            f"line {line_at(self.body, position)}; expected quotes round whole fields, doubled within. {AGAIN}"
        )

    def ends(self, start: int, block: Bytes, outside: Mask | None) -> npt.NDArray[np.intp]:
        """Return where records end, refusing lone carriage returns among other line ends."""
        newline, lone = block == LF, block == CR
        lone[:-1] &= block[1:] != LF
        if outside is not None:
            newline &= outside
            lone &= outside
        for mask, code in ((newline, LF), (lone, CR)):
            if mask.any():
                if self.line_end not in (0, code):
                    line = line_at(self.body, start + int(np.flatnonzero(mask)[0]))
                    raise IngestError(
                        f"{self.where}: a carriage return stands alone among lines that end otherwise, near line "
                        f"{line}. Expected line ends of one kind. {AGAIN}"
                    )
                self.line_end = code
        return np.flatnonzero(newline | lone)

    def add(self, start: int, block: Bytes) -> None:
        """Measure one block."""
        was_open = self.is_open
        outside = self.outside(start, block)
        ends = self.ends(start, block, outside)
        if was_open and start + int(ends[0] if len(ends) else len(block)) - self.open_from > MAX_RECORD:
            _too_long(self.body, self.open_from, self.where)
        delimiters = block == self.delimiter
        if outside is not None:
            delimiters &= outside
        starts = np.concatenate(([0], ends + 1)).astype(np.intp)
        starts = starts[starts < len(block)]
        fields = np.add.reduceat(delimiters.view(np.uint8), starts, dtype=np.int64) + 1
        lengths = np.append(ends, len(block))[: len(starts)] - starts
        # A line of a carriage return only, before its line feed, is blank.
        blank = (lengths == 0) | ((lengths == 1) & (block[starts] == CR) & (np.arange(len(starts)) < len(ends)))
        if was_open:
            fields[0] += self.open_fields - 1
            blank[0] = False
        begun = starts + start
        if was_open:
            begun[0] = self.open_from
        if self.is_open:
            self.open_from, self.open_fields = int(begun[-1]), int(fields[-1])
            begun, fields, blank = begun[:-1], fields[:-1], blank[:-1]
        self.count(begun[~blank], fields[~blank], start + ends)

    def count(self, begun: npt.NDArray[np.intp], fields: npt.NDArray[np.int64], ends: npt.NDArray[np.intp]) -> None:
        """Take whole records into account."""
        if not len(begun):
            return
        if self.rows < 0:
            self.fields = int(fields[0]) if begun[0] == 0 else 0
            self.header_end = int(ends[0]) + 1 if len(ends) else len(self.body)
        self.rows += len(begun)
        uneven = begun[fields != self.fields]
        self.uneven_count += len(uneven)
        self.uneven.extend(int(position) for position in uneven[: 5 - len(self.uneven)])


def measure(body: bytes, delimiter: str, where: str) -> Shape:
    r"""Count records and fields.

    Parameters
    ----------
    body : bytes
        Text in UTF-8.
    delimiter : str
        One ASCII sign. With a tab, quotation marks are only characters.
    where : str
        What messages name.

    Returns
    -------
    Shape
        `fields` is 0 where the text does not begin with a line.

    Raises
    ------
    IngestError
        A record of another number of fields than the first, a stray quotation mark, mixed line ends, a record too
        long to be one; each with its line.

    Examples
    --------
    >>> measure(b'a,b\n1,"x\ny"\n', ",", "file")
    Shape(fields=2, header_end=4, rows=1)
    """
    found = _Measure(body, delimiter, where)
    for start, block in _blocks(body, where):
        found.add(start, block)
    if found.is_open:
        found.stray_quote(found.open_from)
    if found.fields > 1 and found.uneven_count:
        lines = _listed_lines([line_at(body, position) for position in found.uneven], found.uneven_count)
        raise IngestError(
            f"{where}: {found.uneven_count} line(s) do not have the {found.fields} fields the first line names. Got "
            f"them at line(s) {lines}. {AGAIN}"
        )
    return Shape(found.fields, found.header_end, max(found.rows, 0))


def _listed_lines(lines: list[int], total: int) -> str:
    """Name the first lines and say how many there are."""
    return listed(lines) + (f" and {total - len(lines)} more" if total > len(lines) else "")
