"""Read delimited text as declared, every record counted, or refuse it by line.

Belongs here: encodings, the header, and the cells of tab and CSV files, all as text.
Not here: where records and fields begin and end (records), value labels (dictionary), and what a code means.

The dialect is declared: delimiter and encoding come from the options and are never sniffed. With a tab as delimiter a
quotation mark is only a character, as the UK Data Service writes its files; with any other it encloses whole fields.
"""

import codecs
import csv
import io
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from engagement_stats.errors import IngestError, listed
from engagement_stats.readers import detect, records
from engagement_stats.readers.model import Contents, Options

if TYPE_CHECKING:
    import pyarrow as pa

DELIMITERS: Mapping[str, str] = {"tab": "\t", "csv": ","}
DELIMITER_NAMES: Mapping[str, str] = {"\t": "tabs", ",": "commas", ";": "semicolons", "|": "vertical bars"}
CHUNK = 1 << 20
# Many exports name a column by its whole question.
NAME_LENGTH = 1_000
BLOCK_SIZES = 1_000
AGAIN = "Deposit the file again as the producer delivered it."
# What no survey holds and a wrong encoding leaves behind: control characters, the sign for a lost character, and
# UTF-8 that was once read as windows-1252, by the two or three signs it then shows for one. For Arrow and for `re`.
UPPER_HALF = "".join(bytes([code]).decode("cp1252", errors="ignore") for code in range(0x80, 0xA0)) + "\xa0-\xbf"
CONTROL, LOST = r"[\x00-\x08\x0e-\x1f\x7f-\x9f]", "\ufffd"
DAMAGE = f"{CONTROL}|{LOST}|\xc3[{UPPER_HALF}]|\xc2[\xa0-\xbf]|\xe2\u20ac[{UPPER_HALF}]|\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class _Table:
    """A text file decoded and counted: UTF-8 without a mark, where its header ends, its names and its rows."""

    body: bytes
    delimiter: str
    header_end: int
    names: Sequence[str]
    rows: int
    # Row numbers, as R and pandas write them, are a first column without a name.
    is_numbered: bool
    # Lines that all end in a delimiter give a last column without a name, which must then be empty throughout.
    ends_empty: bool

    @property
    def named(self) -> Sequence[str]:
        """The names of the columns that have one."""
        return self.names[self.is_numbered : len(self.names) - self.ends_empty]


def _decoded(raw: bytes, encoding: str, where: str) -> bytes:
    """Return the bytes of a file as UTF-8, refusing by line what is not the declared encoding."""
    decoder = codecs.getincrementaldecoder(encoding)()
    is_utf8, lines, parts = encoding == "utf-8", 1, []
    for at in range(0, max(len(raw), 1), CHUNK):
        try:
            part = decoder.decode(raw[at : at + CHUNK], final=at + CHUNK >= len(raw))
        except UnicodeDecodeError as error:
            before = error.object[: error.start].decode(encoding, errors="replace")
            line = lines + before.count("\n")
            raise IngestError(
                f"{where}: the file is not {encoding} text. Got bytes at line {line} that {encoding} does not have. "
                "Declare the file's encoding, or deposit the file again."
            ) from None
        lines += part.count("\n")
        if not is_utf8:
            parts.append(part.encode())
    return raw if is_utf8 else b"".join(parts)


def _check_claim(raw: bytes, encoding: str, where: str) -> None:
    """Refuse a file whose own bytes show that it is of another encoding than the declared one."""
    is_wide = detect.detected(raw) == detect.WIDE_TEXT
    if is_wide != encoding.startswith("utf-16"):
        _other_encoding("utf-16" if is_wide else "one byte a character", encoding, where)
    if encoding.startswith("utf") or raw.isascii():
        return
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        return
    # Text of another encoding is valid UTF-8 by accident only when it is all but plain ASCII.
    _other_encoding("utf-8", encoding, where)


def _other_encoding(found: str, declared: str, where: str) -> NoReturn:
    raise IngestError(
        f"{where}: the file is not {declared} text. Got text in {found}; expected {declared}, as declared. "
        "Declare the encoding it has, or deposit a copy saved as UTF-8."
    )


def _utf8(path: Path, declared: str, where: str) -> bytes:
    """Return a text file as UTF-8 without a byte-order mark."""
    try:
        encoding = codecs.lookup(declared).name
        "".encode(encoding)
    except LookupError:
        raise IngestError(
            f'{where}: no text encoding is called "{declared}". Write for example utf-8 or cp1252.'
        ) from None
    raw = path.read_bytes()
    _check_claim(raw, encoding, where)
    encoding = "utf-8" if encoding == "utf-8-sig" else encoding
    body = raw if encoding == "utf-8" and raw.isascii() else _decoded(raw, encoding, where)
    body = body.removeprefix(codecs.BOM_UTF8)
    nul = body.find(b"\x00")
    if nul >= 0:
        raise IngestError(f"{where}: a NUL byte at line {records.line_at(body, nul)}. Expected text. {AGAIN}")
    return body


def _header(line: bytes, delimiter: str, where: str) -> list[str]:
    """Return the names of the first line, white space around them dropped."""
    if delimiter == "\t":
        return [name.strip() for name in line.decode().split(delimiter)]
    try:
        names = next(csv.reader(io.StringIO(line.decode(), newline=""), delimiter=delimiter))
    except csv.Error:
        raise IngestError(f"{where}: the first line cannot be read as column names. {AGAIN}") from None
    # Quoted, a name may be broken over lines, which no other name of it would be.
    return [" ".join(name.split()) if "\n" in name or "\r" in name else name.strip() for name in names]


def _is_plain(name: str) -> bool:
    """Tell whether a name is of printable characters, and its letters of one script."""
    scripts = {unicodedata.name(sign, "?").split()[0] for sign in name if sign.isalpha()}
    return name.isprintable() and len(scripts) <= 1 and not re.search(DAMAGE, name)


def _check_names(names: Sequence[str], where: str, *, first: int) -> None:
    blank = [position for position, name in enumerate(names, first) if not name]
    odd = [position for position, name in enumerate(names, first) if name and not _is_plain(name)]
    endless = [position for position, name in enumerate(names, first) if len(name) > NAME_LENGTH]
    seen: dict[str, list[str]] = {}
    for name in names:
        seen.setdefault(unicodedata.normalize("NFKC", name).casefold(), []).append(name)
    twice = [same[0] for key, same in seen.items() if key and len(same) > 1]
    problems = []
    if blank:
        problems.append(f"no name in column(s) {listed(blank)}")
    if odd:
        problems.append(f"a name that is not plain text of one script in column(s) {listed(odd)}")
    if endless:
        problems.append(f"a name of more than {NAME_LENGTH:,} signs in column(s) {listed(endless)}")
    if twice and not odd:
        problems.append(f"the name(s) {listed(twice)} more than once, letter case and spaces ignored")
    if problems:
        raise IngestError(
            f"{where}: the first line does not name every column once. Got {'; '.join(problems)}; expected one plain "
            "name for each. Correct the first line in a copy of the file."
        )


def _opened(path: Path, options: Options, where: str) -> _Table:
    """Decode, count and check a file, all but its cells."""
    delimiter = options.delimiter or DELIMITERS.get(options.format, ",")
    if len(delimiter) != 1 or not delimiter.isascii() or delimiter.isalnum() or delimiter in '"\r\n':
        raise IngestError(f"{where}: a delimiter is one sign, not a letter, digit or quotation mark. Declare another.")
    detect.expect(path, options.format, where)
    body = _utf8(path, options.encoding, where)
    shape = records.measure(body, delimiter, where)
    called = DELIMITER_NAMES.get(delimiter, f'"{delimiter}"')
    if shape.fields < 2:
        line = body[: shape.header_end]
        others = [name for sign, name in DELIMITER_NAMES.items() if sign.encode() in line and sign != delimiter]
        raise IngestError(
            f"{where}: the first line does not hold column names separated by {called}. "
            + (
                f"Got one that has {' and '.join(others)}. Declare the delimiter, or "
                if others
                else "Expected a delimited text file; declare its format, or "
            )
            + "deposit the right file."
        )
    names = _header(body[: shape.header_end], delimiter, where)
    if len(names) != shape.fields:
        raise IngestError(f"{where}: the first line cannot be read as {shape.fields} column names. {AGAIN}")
    ends_empty = not names[-1]
    is_numbered = len(names) > 2 and not names[0]
    opened = _Table(body, delimiter, shape.header_end, names, shape.rows, is_numbered, ends_empty)
    _check_names(opened.named, where, first=1 + is_numbered)
    return opened


def contents(path: Path, options: Options, where: str) -> Contents:
    """Return what a text file says of itself, and what the data dictionary given with it says.

    Parameters
    ----------
    path : Path
        The file.
    options : Options
        Format, encoding and delimiter as declared; `dictionary` when one lies beside it.
    where : str
        What messages name.

    Returns
    -------
    Contents
        Names without the white space around them; the rows, counted.

    Raises
    ------
    IngestError
        Another encoding or kind of file, a header that does not name each column once, lines of uneven length.
    """
    opened = _opened(path, options, where)
    names = list(opened.named)
    if options.dictionary is None:
        return Contents(names, opened.rows)
    from engagement_stats.readers import dictionary

    return dictionary.told(dictionary.read(Path(options.dictionary), where), names, opened.rows, where)


def table(path: Path, names: Sequence[str], options: Options, where: str) -> "pa.Table":
    """Return columns of a text file as text, white space around cells dropped, nothing else changed.

    Parameters
    ----------
    path : Path
        The file.
    names : sequence of str
        As `contents` gives them.
    options : Options
        Format, encoding and delimiter as declared.
    where : str
        What messages name.

    Returns
    -------
    pyarrow.Table
        String columns, one row for each record counted; an empty cell is "".

    Raises
    ------
    IngestError
        As `contents`; or a cell that was damaged on the way here.
    """
    import pyarrow as pa
    from pyarrow import compute as pc

    opened = _opened(path, options, where)
    wanted = [opened.names.index(name) for name in names]
    needed = [*wanted, *([0] if opened.is_numbered else []), *([len(opened.names) - 1] if opened.ends_empty else [])]
    parsed = _parsed(opened, sorted(set(needed)), where)
    if parsed.num_rows != opened.rows:
        raise IngestError(
            f"{where}: the records cannot be told apart. Got {parsed.num_rows} rows; expected {opened.rows}, the "
            f"lines counted. {AGAIN}"
        )
    cells = {at: pc.utf8_trim_whitespace(parsed.column(str(at))) for at in set(needed)}
    if opened.is_numbered and not _counts_rows(cells[0]):
        raise IngestError(
            f"{where}: the first column has no name. Expected row numbers in it, each above the one before; it holds "
            "something else. Name it in a copy of the file."
        )
    if opened.ends_empty and pc.any(pc.not_equal(cells[len(opened.names) - 1], "")).as_py():
        raise IngestError(
            f"{where}: the last column has no name. Expected it to be empty, as where every line ends in a delimiter; "
            "it is not. Name it in a copy of the file."
        )
    for name, at in zip(names, wanted, strict=True):
        is_damaged = pc.match_substring_regex(cells[at], DAMAGE)
        # Asking for a value makes pyarrow import pandas, which a sound file need not wait for.
        damaged = pc.index(is_damaged, True).as_py() if pc.any(is_damaged).as_py() else -1
        if damaged >= 0:
            raise IngestError(
                f"{where}: column {name} holds text damaged by a wrong encoding, or control characters. Got it in "
                f"row {damaged + 1}; expected readable text. Declare the file's encoding, or deposit the file again."
            )
    return pa.table([cells[at] for at in wanted], names=list(names))


def _counts_rows(cells: "pa.ChunkedArray") -> bool:
    """Tell whether cells are whole numbers, each above the one before."""
    import pyarrow as pa
    from pyarrow import compute as pc

    try:
        numbers = cells.combine_chunks().cast(pa.int64())
    except pa.ArrowInvalid:
        return False
    return not pc.any(pc.less_equal(pc.pairwise_diff(numbers), 0)).as_py()


def _block_size(opened: _Table) -> int:
    """Return how many bytes the parser takes at a time, so that no block ends between carriage return and line feed.

    The parser drops the line feed there, which is right at the end of a line and wrong inside a cell. In a large file
    of lines of a few bytes some block always ends so, nearly always at the end of a line.
    """
    body, start, most = opened.body, opened.header_end, 2 * records.MAX_RECORD
    if b'"' not in body:
        return most
    for size in range(most, max(most // 2, most - BLOCK_SIZES), -1):
        if not any(body[at - 1 : at + 1] == b"\r\n" for at in range(start + size, len(body), size)):
            return size
    return most


def _parsed(opened: _Table, positions: Sequence[int], where: str) -> "pa.Table":
    """Return columns by their positions, each named by its position."""
    import pyarrow as pa
    from pyarrow import csv as pacsv

    if not opened.rows:
        return pa.table({str(at): pa.array([], pa.string()) for at in positions})
    is_quoted = opened.delimiter != "\t"
    try:
        return pacsv.read_csv(
            pa.BufferReader(pa.py_buffer(opened.body).slice(opened.header_end)),
            read_options=pacsv.ReadOptions(
                column_names=[str(at) for at in range(len(opened.names))],
                block_size=_block_size(opened) if is_quoted else 2 * records.MAX_RECORD,
                use_threads=False,
            ),
            parse_options=pacsv.ParseOptions(
                delimiter=opened.delimiter,
                quote_char='"' if is_quoted else False,
                newlines_in_values=is_quoted,
            ),
            convert_options=pacsv.ConvertOptions(
                column_types={str(at): pa.string() for at in positions},
                include_columns=[str(at) for at in positions],
                strings_can_be_null=False,
                quoted_strings_can_be_null=False,
            ),
        )
    except (pa.ArrowInvalid, pa.ArrowKeyError):
        raise IngestError(f"{where}: the file is not well-formed delimited text. {AGAIN}") from None
