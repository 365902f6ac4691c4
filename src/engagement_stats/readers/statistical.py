"""Read SPSS, Stata and SAS files with every code as deposited, through pyreadstat.

Belongs here: what pyreadstat says of a file, and the columns asked for, as Arrow.
Not here: what the header contradicts (headers, spss_header), text in the wrong encoding (encodings), limits on the
parser (worker, sandbox), what a code means.

Files are read into plain lists, as pandas takes a third of a second to import, and some rows at a time. A large file of
SPSS is read into pandas, whose arrays take a quarter of the memory of lists and are columns already. Those of other
formats are not: in its arrays of whole numbers, pyreadstat 1.3.7 leaves whatever was in memory for a system-missing
value that follows a missing value with a letter.
"""

import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from io import SEEK_SET
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from engagement_stats.errors import IngestError, listed
from engagement_stats.readers import encodings, headers, spss_header
from engagement_stats.readers.encodings import Encoding
from engagement_stats.readers.model import Contents, Format, Options, unreadable

if TYPE_CHECKING:
    import pyarrow as pa

FEW_CELLS, LISTED_CELLS, CHUNK_CELLS = 4_500_000, 6_000_000, 16_000_000
PARSERS: Mapping[Format, str] = {
    "sav": "sav/zsav", "por": "por", "dta": "dta", "sas7bdat": "sas7bdat", "xpt": "xport",
}  # fmt: skip
SPSS: tuple[Format, ...] = ("sav", "por")
# In the metadata of a column of the table: the letters of Stata's and SAS's missing values that are in it.
LETTERS = b"missing_letters"


def contents(path: Path, options: Options, where: str) -> Contents:
    """Return what a statistical file says of itself.

    Parameters
    ----------
    path : Path
        The file.
    options : Options
        `format` and `encoding` (see `encodings`).
    where : str
        What an error message names.

    Returns
    -------
    Contents
        A blank name is "", a name there twice is there twice. Of Stata and SAS files, `user_missing` is known from the
        data only (see `table`).

    Raises
    ------
    IngestError
        The header contradicts the file or itself, or the file cannot be parsed or decoded.
    """
    stated = headers.check(path, options.format, where)
    encoding = encodings.chosen(options.encoding, stated.encoding, options.format, where)
    _, about, renamed = _parse(path, options, encoding, metadataonly=True)
    text = _known(encoding, about).text
    named = {shown: text(renamed.get(shown, shown), "the name of a variable") for shown in about.column_names}
    labels, described, user_missing, formats = {}, {}, {}, {}
    for shown, name in named.items():
        if options.format in SPSS and about.readstat_variable_types[shown] != "string":
            formats[name] = about.original_variable_types[shown]
        whose = f"a label of variable {name}"
        described[name] = text(about.column_names_to_labels[shown] or "", whose)
        if shown in about.variable_value_labels:
            of = about.variable_value_labels[shown].items()
            labels[name] = {_code(code, text): text(label, whose) for code, label in of}
        if shown in about.missing_ranges:
            user_missing[name] = [(_code(r["lo"], text), _code(r["hi"], text)) for r in about.missing_ranges[shown]]
    return Contents(
        names=[named[shown] for shown in about.column_names],
        # The parser is told that a compressed SPSS file states none.
        rows=stated.rows if options.format == "sav" else about.number_rows,
        labels=labels,
        variable_labels=described,
        user_missing=user_missing,
        weight=next((name for name in named.values() if name == stated.weight), None),
        formats=formats,
    )


def table(path: Path, names: Sequence[str], options: Options, where: str) -> "pa.Table":
    """Return columns of a statistical file.

    Numbers are float64, null where system-missing; text is "" where empty. A numeric column that holds a missing value
    of Stata or SAS comes as text, so that .a and .b stay apart; its field's metadata name the letters (`LETTERS`).

    Parameters
    ----------
    path, options, where
        As of `contents`.
    names : sequence of str
        Columns as the file spells them; none gives a table of rows only.

    Raises
    ------
    IngestError
        As of `contents`; a name is blank or holds control characters.
    """
    import pyarrow as pa

    unprintable = [name for name in names if not name.isprintable() or not name.strip()]
    if unprintable:
        raise IngestError(
            f"{where}: {len(unprintable)} column name(s) are blank or hold characters that cannot be printed. Got "
            f"{listed([ascii(n) for n in unprintable])}. Rename them in a copy of the file."
        )
    stated = headers.check(path, options.format, where)
    encoding = encodings.chosen(options.encoding, stated.encoding, options.format, where)
    asked = {name: encoding.name_for_parser(name) for name in names}
    if not asked:  # its rows are counted by its first column
        _, about, _ = _parse(path, options, encoding, metadataonly=True)
        asked = {"": about.column_names[0]}
    pieces: dict[str, list[pa.Array]] = {name: [] for name in asked}
    letters: dict[str, set[str]] = {name: set() for name in asked}
    for columns, about in _pieces(path, list(asked.values()), options, stated, encoding):
        known = _known(encoding, about)
        for name, shown in asked.items():
            letters[name].update(about.missing_user_values.get(shown, ()))
            # Popped, so that a list is given back as soon as its column is made.
            values = columns.pop(shown)
            if about.readstat_variable_types[shown] == "string":
                pieces[name].append(_texts(values, name, known))
            else:
                pieces[name].append(_codes(values) if letters[name] else _numbers(values))
    arrays = [pa.chunked_array(_alike(of)) for of in pieces.values()]
    notes = [{LETTERS: " ".join(sorted(found)).encode()} if found else None for found in letters.values()]
    fields = [pa.field(n, a.type, metadata=note) for n, a, note in zip(asked, arrays, notes, strict=True)]
    return pa.table(arrays, schema=pa.schema(fields)).select(list(names))


# --- the parser


def _parse(
    source: "Path | _UnknownRows", options: Options, encoding: Encoding, **how: Any
) -> tuple[Any, Any, dict[str | None, str]]:
    """Call the parser; return the columns, what it says of the file, and the true names of those it renamed."""
    # The entry point behind every public reader: those of portable and transport files would not pass user_missing on,
    # and refusals would come back as no answer at all.
    from pyreadstat._readstat_parser import parser_entry_point

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            columns, about = parser_entry_point(
                source,
                parser_format=PARSERS[options.format],
                encoding=encoding.parser,
                user_missing=True,
                disable_datetime_conversion=True,
                **{"output_format": "dict"} | how,
            )
        except MemoryError:
            raise
        except Exception as error:  # of many kinds, some quoting the data
            if any(mark in str(error) for mark in encodings.WRONG_ENCODING):
                raise encoding.refusal("the text of the file") from None
            raise unreadable(encoding.where, options.format) from None
    renamed: dict[str | None, str] = {None: ""}
    for warning in caught:
        # column 'X' is duplicated, renamed to 'X_duplicated1'
        before, marked, after = str(warning.message).partition("' is duplicated, renamed to '")
        if marked:
            renamed[after.removesuffix("'")] = before.removeprefix("column '")
    return columns, about, renamed


def _known(encoding: Encoding, about: Any) -> Encoding:
    """Return the encoding with the name that the parser found in the file, where only it knows."""
    return encoding if encoding.name else replace(encoding, name=about.file_encoding)


def _pieces(
    path: Path, shown: list[str], options: Options, stated: headers.Stated, encoding: Encoding
) -> Iterator[tuple[Any, Any]]:
    """Read columns some rows at a time.

    The parser goes through all rows before those it is asked for, so the odd ones are the first. Of a file that states
    its rows it is asked for one more, which should not be there.
    """
    cells = path.stat().st_size // 8 if stated.rows is None else stated.rows * len(shown)
    framed = options.format == "sav" and cells > FEW_CELLS
    into, chunk = ("pandas", CHUNK_CELLS) if framed else ("dict", LISTED_CELLS)
    most, offset = max(1, chunk // len(shown)), 0
    limit = (stated.rows or 0) % most or most
    with _source(path, stated) as source:
        while True:
            last = stated.rows is not None and offset + limit >= stated.rows
            rows = {"row_limit": limit + last, "row_offset": offset}
            columns, about, _ = _parse(source, options, encoding, output_format=into, usecols=shown, **rows)
            got = len(columns[shown[0]])
            yield columns, about
            offset += got
            if last or got < limit:
                break
            limit = most
        if stated.rows is not None and offset > stated.rows:
            raise IngestError(
                f"{encoding.where}: the file holds more rows than its header says. Got at least {offset}; expected "
                f"{stated.rows}. Deposit the file again as the producer delivered it."
            )
        # The blocks of a .zsav file, and what follows them, have been checked to fill it.
        if isinstance(source, _UnknownRows) and stated.compression == 1 and source.unread():
            raise IngestError(
                f"{encoding.where}: the data end before the file does. Got more after {offset} rows; expected the "
                "end. Deposit the file again as the producer delivered it."
            )


@contextmanager
def _source(path: Path, stated: headers.Stated) -> Iterator["Path | _UnknownRows"]:
    if not stated.compression:
        yield path
        return
    with path.open("rb") as handle:
        yield _UnknownRows(handle)


class _UnknownRows:
    """A compressed SPSS file shown to the parser as one that does not state its rows.

    It then reads to the end, and the rows found can be held against those stated. Otherwise it stops when it has as
    many as stated, and nobody would see the rest. The bytes of an uncompressed file are counted before.
    """

    def __init__(self, handle: BinaryIO) -> None:
        self._handle = handle

    def read(self, size: int = -1) -> bytes:
        """Return the next bytes, with the number of rows in the header unknown."""
        at, found = self._handle.tell(), self._handle.read(size)
        first, last = spss_header.ROWS_AT, spss_header.ROWS_AT + 4
        if at >= last or at + len(found) <= first:
            return found
        shown = bytearray(found)
        for place in range(max(first, at), min(last, at + len(found))):
            shown[place - at] = 0xFF
        return bytes(shown)

    def seek(self, offset: int, whence: int = SEEK_SET) -> int:
        """Move within the file."""
        return self._handle.seek(offset, whence)

    def tell(self) -> int:
        """Return the place within the file."""
        return self._handle.tell()

    def unread(self) -> bool:
        """Say whether anything follows what was read."""
        return bool(self._handle.read(1))


# --- its lists, and the columns of its frames, as Arrow; by builders and buffers, as pyarrow.array imports pandas


def _code(code: Any, text: Any) -> Any:
    return float(code) if isinstance(code, int | float) else text(str(code).rstrip(), "a code")


def _numbers(values: Any) -> "pa.Array":
    import numpy as np
    import pyarrow as pa

    # Of a list of numbers it is the quickest way by half; what is missing may be None elsewhere.
    numbers = np.fromiter(values, np.float64, len(values)) if isinstance(values, list) else np.array(values, np.float64)
    empty = np.isnan(numbers)
    valid = pa.py_buffer(np.packbits(~empty, bitorder="little")) if empty.any() else None
    return pa.Array.from_buffers(pa.float64(), len(numbers), [valid, pa.py_buffer(numbers)])


def _strings(values: list[str]) -> "pa.Array":
    import pyarrow as pa

    builder = pa.lib.StringBuilder()
    builder.append_values(values)
    return builder.finish()


def _texts(values: Any, name: str, encoding: Encoding) -> "pa.Array":
    # What is empty is None in a list, and may be NaN in a frame.
    found = [v if isinstance(v, str) else "" for v in (values if isinstance(values, list) else values.tolist())]
    decoded = encoding.texts({v for v in found if not v.isascii()}, f"column {name}")
    return _strings([decoded.get(v, v) for v in found] if decoded else found)


def _codes(values: Any) -> "pa.Array":
    from engagement_stats.codes import as_code

    return _strings(["" if v is None else as_code(v) for v in values])


def _alike(pieces: list["pa.Array"]) -> list["pa.Array"]:
    """Return the pieces of a column as text if any is: the first letter may come late."""
    import pyarrow as pa

    if len({piece.type for piece in pieces}) == 1:
        return pieces
    return [p if pa.types.is_string(p.type) else _codes(p.to_pylist()) for p in pieces]
