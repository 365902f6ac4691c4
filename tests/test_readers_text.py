"""Delimited text is read cell for cell as declared, or refused by line; nothing is sniffed, lost or mended."""

import csv
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from workbench import ROOT

from engagement_stats.errors import IngestError
from engagement_stats.readers import records, text
from engagement_stats.readers.model import Options

CANARY = "CANARY7731"
UPSTREAM = ROOT.parent / "shared" / "data" / "badinput" / "upstream"


PLAIN = Options(format="csv")


def rows_of(path: Path, options: Options = PLAIN) -> list[list[str]]:
    """Return the names and the cells of a file, read as the pipeline reads it."""
    contents = text.contents(path, options, path.name)
    table = text.table(path, contents.names, options, path.name)
    assert table.num_rows == contents.rows
    assert table.column_names == contents.names
    cells = [column.to_pylist() for column in table.columns]
    return [list(contents.names), *([row[n] for row in cells] for n in range(table.num_rows))]


def written(folder: Path, content: str | bytes, suffix: str = "csv", encoding: str = "utf-8") -> Path:
    path = folder / f"f.{suffix}"
    path.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
    return path


def refused(path: Path, options: Options = PLAIN) -> str:
    with pytest.raises(IngestError) as caught:
        rows_of(path, options)
    message = str(caught.value)
    assert message.startswith("f.")
    assert CANARY not in message
    # A cause or context would print the library's own message, which may quote the data.
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    return message


TAB, SEMICOLON = Options(format="tab"), Options(format="csv", delimiter=";")
CP1252, WIDE = Options(format="csv", encoding="cp1252"), Options(format="csv", encoding="utf-16")
LATIN_1 = Options(format="csv", encoding="latin-1")

QUESTION = " ".join(["How much do you agree?"] * 40)
ACCEPTED: dict[str, tuple[str | bytes, Options, list[list[str]]]] = {
    "row numbers": (",a,b\n1,x,3\n2,y,4\n10,z,5\n", PLAIN, [["a", "b"], ["x", "3"], ["y", "4"], ["z", "5"]]),
    "row numbers of R": ('"","a","b"\n"1","x",3\n"2","y",4\n', PLAIN, [["a", "b"], ["x", "3"], ["y", "4"]]),
    "row numbers and no row": (",a,b\n", PLAIN, [["a", "b"]]),
    "row numbers and a delimiter at the end": (",a,b,\n0,x,3,\n1,y,4,\n", PLAIN, [["a", "b"], ["x", "3"], ["y", "4"]]),
    "question for a name": (f"id,{QUESTION}\n1,2\n", PLAIN, [["id", QUESTION], ["1", "2"]]),
    "name over two lines": ('id,"How much\r\n do you?"\n1,2\n', PLAIN, [["id", "How much do you?"], ["1", "2"]]),
    "UTF-8 mark": ("\ufeffserial,wt\n1,1.0\n", PLAIN, [["serial", "wt"], ["1", "1.0"]]),
    "UTF-16 declared": ("a,b\n1,\u20ac\n".encode("utf-16"), WIDE, [["a", "b"], ["1", "\u20ac"]]),
    "UTF-16 big-endian": (
        "\ufeffa,b\n1,2\n".encode("utf-16-be"), Options(format="csv", encoding="utf-16-be"), [["a", "b"], ["1", "2"]]
    ),
    "windows-1252 declared": ("a,b\n1,\xe9\u20ac\n".encode("cp1252"), CP1252, [["a", "b"], ["1", "\xe9\u20ac"]]),
    "ASCII declared as windows-1252": ("a,b\n1,2\n", CP1252, [["a", "b"], ["1", "2"]]),
    "embedded newlines": ('a,b\n1,"x\ny\r\nz"\n2,"p ""q"""\n', PLAIN, [["a", "b"], ["1", "x\ny\r\nz"], ["2", 'p "q"']]),
    "quotes in the header": ('"a",b\n1,2\n', PLAIN, [["a", "b"], ["1", "2"]]),
    "CRLF": ("a,b\r\n1,2\r\n", PLAIN, [["a", "b"], ["1", "2"]]),
    "CR": ("a,b\r1,2\r3,4\r", PLAIN, [["a", "b"], ["1", "2"], ["3", "4"]]),
    "CRLF and LF": ("a,b\r\n1,2\n3,4\r\n", PLAIN, [["a", "b"], ["1", "2"], ["3", "4"]]),
    "no last newline": ("a,b\n1,2", PLAIN, [["a", "b"], ["1", "2"]]),
    "blank lines": ("a,b\n\n\n1,2\n\n", PLAIN, [["a", "b"], ["1", "2"]]),
    "no rows": ("a,b\n", PLAIN, [["a", "b"]]),
    "words for nothing": (
        "a,b\nNA,None\nNULL,nan\n#N/A,\n", PLAIN, [["a", "b"], ["NA", "None"], ["NULL", "nan"], ["#N/A", ""]]
    ),
    "leading zeros": ("a,b\n01234,007\n", PLAIN, [["a", "b"], ["01234", "007"]]),
    "beyond 2 to the 53": (
        "a,b\n9007199254740993,9007199254740992\n", PLAIN, [["a", "b"], ["9007199254740993", "9007199254740992"]]
    ),
    "words floats take": ("a,b\ninf,1e400\n0x10,1_000\n", PLAIN, [["a", "b"], ["inf", "1e400"], ["0x10", "1_000"]]),
    "formulas": ('a,b\n=1+1,"@SUM(A1)"\n', PLAIN, [["a", "b"], ["=1+1", "@SUM(A1)"]]),
    "suppressed figures": ("a,b\n<1%,[low]\n*,..\n", PLAIN, [["a", "b"], ["<1%", "[low]"], ["*", ".."]]),
    "thousands": ('a,b\nx,"1,234"\n', PLAIN, [["a", "b"], ["x", "1,234"]]),
    "white space": (" a ,b\t\n 1 ,\xa02\n", PLAIN, [["a", "b"], ["1", "2"]]),
    "empty last column": ("a,b,\n1,2,\n3,4, \n", PLAIN, [["a", "b"], ["1", "2"], ["3", "4"]]),
    "empty last column of a tab file": ("a\tb\t\n1\t2\t\n", TAB, [["a", "b"], ["1", "2"]]),
    "quotes of a tab file": ('a\tb "c"\n"x\t5"\ny\t"\n', TAB, [["a", 'b "c"'], ['"x', '5"'], ["y", '"']]),
    "commas of a tab file": ("a\tb\n1,5\t2\n", TAB, [["a", "b"], ["1,5", "2"]]),
    "semicolons declared": ("a;b\n0,75;1\n", SEMICOLON, [["a", "b"], ["0,75", "1"]]),
    "names that are SQL and paths": (
        'id,"x""; DROP TABLE t;",../../etc\n1,2,3\n', PLAIN, [["id", 'x"; DROP TABLE t;', "../../etc"], ["1", "2", "3"]]
    ),
    "a long cell": ("a,b\n1," + "x" * 1_000_000 + "\n", PLAIN, [["a", "b"], ["1", "x" * 1_000_000]]),
    "empty quoted cells": ('a,b\n"",""\n', PLAIN, [["a", "b"], ["", ""]]),
}  # fmt: skip


@pytest.mark.parametrize("hazard", ACCEPTED)
def test_what_can_be_read_is_read_cell_for_cell(tmp_path: Path, hazard: str) -> None:
    content, options, expected = ACCEPTED[hazard]
    assert rows_of(written(tmp_path, content, options.format), options) == expected


X = CANARY.encode()
REFUSED: dict[str, tuple[str | bytes, Options, str]] = {
    "mixed encodings": (b"a,b\n1,caf\xc3\xa9\n2,caf\xe9 " + X, PLAIN, "not utf-8 text. Got bytes at line 3 "),
    "windows-1252 as UTF-8": (b"a,b\n1,\x80" + X, PLAIN, "bytes at line 2 "),
    "late": (b"a,b\n" + b"1,2\n" * 600_000 + b"1,\xff" + X, PLAIN, "bytes at line 600002 "),
    "undefined in windows-1252": (b"a,b\n1,\x81" + X, CP1252, "not cp1252 text. Got bytes at line 2 "),
    "UTF-8 as windows-1252": ("a,b\n1,caf\xe9\n", CP1252, "Got text in utf-8; expected cp1252"),
    "UTF-8 mark as windows-1252": (b"\xef\xbb\xbfa,b\n1,2\n", CP1252, "Got text in utf-8; expected cp1252"),
    "some UTF-8 in windows-1252": (b"a,b\n1,caf\xc3\xa9\n2,caf\xe9\n", CP1252, "column b holds text damaged"),
    "a dash as windows-1252": (b"a,b\n1,\xe2\x80\x93\n2,\xe9\n", CP1252, "Got it in row 1;"),
    "Latin-1 that is not": (b"a,b\n1,\x93" + X, LATIN_1, "column b holds text damaged"),
    "lost signs": ("a,b\n1,caf\ufffd\n", PLAIN, "column b holds text damaged by a wrong encoding"),
    "UTF-8 twice": ("a,b\n1,caf\xc3\xa9\n", PLAIN, "column b holds text damaged by a wrong encoding"),
    "UTF-16 undeclared": ("a,b\n1,2\n".encode("utf-16"), PLAIN, "Got text in utf-16; expected utf-8"),
    "UTF-16 without its mark": ("a,b\n1,2\n".encode("utf-16-le"), PLAIN, "Got text in utf-16; expected utf-8"),
    "UTF-8 as UTF-16": ("a,b\n1,2\n", WIDE, "Got text in one byte a character; expected utf-16"),
    "half a sign": ("a,b\n1,2\n".encode("utf-16")[:-1], WIDE, "not utf-16 text"),
    "no encoding": ("a,b\n1,2\n", Options(format="csv", encoding="klingon"), 'no text encoding is called "klingon"'),
    "no text encoding": ("a,b\n1,2\n", Options(format="csv", encoding="hex"), 'no text encoding is called "hex"'),
    "NUL": (b"a,b\n1,2\x003\n", PLAIN, "a NUL byte at line 2"),
    "control character": (b"a\tb\n1\t2\n\x1a3\t4\n", TAB, "column a holds text damaged"),
    "duplicate": ("id,wt,wt\n1,2,3\n", PLAIN, "the name(s) wt more than once"),
    "case duplicate": ("id,wt,WT\n1,2,3\n", PLAIN, "the name(s) wt more than once"),
    "duplicate but for spaces": ("id, wt,wt\xa0\n1,2,3\n", PLAIN, "the name(s) wt more than once"),
    "duplicate but for form": ("id,wt,\uff57\uff54\n1,2,3\n", PLAIN, "the name(s) wt more than once"),
    "first column without a name": (f",a,b\n1,2,3\n{CANARY},2,3\n", PLAIN, "the first column has no name. Expected"),
    "a first column without a name that repeats": (",a,b\n1,2,3\n1,2,3\n", PLAIN, "the first column has no name"),
    "nothing but row numbers and a blank": (",\n1,2\n", PLAIN, "no name in column(s) 1"),
    "row numbers and a blank": (",a,,b\n1,2,3,4\n", PLAIN, "no name in column(s) 3"),
    "blank": ("id,,wt\n1,2,3\n", PLAIN, "no name in column(s) 2"),
    "two blank at the end": ("id,wt,,\n1,2,,\n", PLAIN, "no name in column(s) 3"),
    "control character in a name": ("id,w\x07t\n1,2\n", PLAIN, "not plain text of one script in column(s) 2"),
    "zero width in a name": ("id,wt\u200b\n1,2\n", PLAIN, "column(s) 2"),
    "right to left in a name": ("id,\u202ewt\n1,2\n", PLAIN, "column(s) 2"),
    "letters of two scripts in a name": ("weight,w\u0435ight\n1,2\n", PLAIN, "column(s) 2"),
    "damaged name": ("id,caf\xc3\xa9\n1,2\n", PLAIN, "column(s) 2"),
    "endless name": ("id," + "x" * 1001 + "\n1,2\n", PLAIN, "a name of more than 1,000 signs in column(s) 2;"),
    "last column without a name": (f"a,b,\n1,2,\n3,4,{CANARY}\n", PLAIN, "the last column has no name"),
    "ragged": (f"a,b,c\n1,2,3\n1,{CANARY}\n1,2,3,4\n", PLAIN, "2 line(s) do not have the 3 fields"),
    "one more than the header throughout": (f"a,b\n1,2,{CANARY}\n4,5,6\n", PLAIN, "Got them at line(s) 2, 3."),
    "a delimiter more than the header": ("a,b\n1,2,\n3,4,\n", PLAIN, "Got them at line(s) 2, 3."),
    "line of spaces": ("a,b\n1,2\n  \n", PLAIN, "1 line(s) do not have"),
    "unclosed quote": (f'a,b\n1,"{CANARY}\n2,3\n', PLAIN, "a quotation mark is not closed"),
    "lone carriage return": ("a,b\n1,x\ry,2\n", PLAIN, "a carriage return stands alone"),
    "semicolons": ("serial;wt\n1;0,75\n", PLAIN, "does not hold column names separated by commas"),
    "commas for semicolons": ("a,b\n1,2\n", SEMICOLON, "column names separated by semicolons"),
    "commas for tabs": ("a,b\n1,2\n", TAB, "column names separated by tabs"),
    "title and notes": ("Table 1: rates\n\nregion,rate\nNE,10\n", PLAIN, "does not hold column names"),
    "blank first line": ("\na,b\n1,2\n", PLAIN, "does not hold column names"),
    "one column": ("d\n1\n", PLAIN, "does not hold column names"),
    "web page": (f"<!DOCTYPE html><p>{CANARY}</p>\n", PLAIN, "Got a web page; expected text"),
    "SPSS": (b"$FL2@(#) SPSS DATA FILE" + X, PLAIN, "Got an SPSS file; expected text"),
    "nothing": (b"", PLAIN, "Got an empty file; expected text"),
    "only a mark": (b"\xef\xbb\xbf", PLAIN, "does not hold column names"),
    "a delimiter that is none": ("a,b\n1,2\n", Options(format="csv", delimiter=",,"), "a delimiter is one sign"),
    "a letter for a delimiter": ("axb\n1x2\n", Options(format="csv", delimiter="x"), "a delimiter is one sign"),
}  # fmt: skip


@pytest.mark.parametrize("hazard", REFUSED)
def test_what_cannot_be_read_rightly_is_refused(tmp_path: Path, hazard: str) -> None:
    content, options, message = REFUSED[hazard]
    assert message in refused(written(tmp_path, content, options.format), options)


def test_columns_come_as_asked_and_in_that_order(tmp_path: Path) -> None:
    path = written(tmp_path, "a, b ,c,\n1,2,3,\n")
    table = text.table(path, ["c", "b"], PLAIN, "f.csv")
    assert table.to_pydict() == {"c": ["3"], "b": ["2"]}
    assert text.table(path, [], PLAIN, "f.csv").num_columns == 0
    # What lies in a column nobody asked for is no reason to refuse the rest.
    other = written(tmp_path, "a,b\n1,\ufffd\n")
    assert text.table(other, ["a"], PLAIN, "f.csv").to_pydict() == {"a": ["1"]}


def test_a_row_the_parser_lost_is_missed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path, "a,b\n1,2\n3,4\n")
    whole = text._parsed
    monkeypatch.setattr(text, "_parsed", lambda *given: whole(*given).slice(1))
    with pytest.raises(IngestError, match=r"f: the records cannot be told apart\. Got 1 rows; expected 2"):
        text.table(path, ["a"], PLAIN, "f")


def _quoted(cell: str, always: bool) -> str:
    doubled = cell.replace('"', '""')
    return f'"{doubled}"' if always or re.search('[",\r\n]', cell) else cell


CELLS = st.text(alphabet="ab1 \",\r\n;\t\xe9\u20ac'", max_size=6)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.tuples(CELLS, CELLS, CELLS, st.booleans()), max_size=8), st.sampled_from(["\n", "\r\n", "\r"]),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "cp1252"]), st.sampled_from([64, 1 << 20]),
)  # fmt: skip
# The 128th byte after the names is the carriage return.
@example([*[("x" * 40, "1", "2", False)] * 2, ("1", "y" * 34 + "\r\nz", "2", False)], "\n", "utf-8", 64)
def test_what_a_writer_wrote_is_what_is_read(
    rows: Sequence[tuple[str, str, str, bool]], end: str, encoding: str, block: int
) -> None:
    lines = ["a,b,c", *(",".join(_quoted(cell, quoted) for cell in cells) for *cells, quoted in rows)]
    whole, records.MAX_RECORD = records.MAX_RECORD, block
    try:
        with tempfile.TemporaryDirectory() as folder:
            path = written(Path(folder), end.join(lines) + end, encoding=encoding)
            read = rows_of(path, Options(format="csv", encoding=encoding))
    finally:
        records.MAX_RECORD = whole
    assert read[1:] == [[cell.strip() for cell in cells] for *cells, _ in rows]


def independently(path: Path, encoding: str = "utf-8-sig") -> list[list[str]]:
    """Read a file with the csv module of Python, which shares no code with ours."""
    with path.open(encoding=encoding, newline="") as handle:
        return [[c.strip() for c in row] for row in csv.reader(handle, strict=True) if row]


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(["a", ",", ",", "\n", '"', '""', '"x"', '"p\nq",', "\xe9", " "]), max_size=30))
def test_whatever_is_accepted_is_what_another_reader_reads(parts: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = written(Path(folder), "h,i\n" + "".join(parts))
        try:
            read = rows_of(path)
        except IngestError:
            return
        assert read == independently(path)


@pytest.mark.skipif(not UPSTREAM.is_dir(), reason="the files of other projects are not in ../shared (see README.md)")
def test_files_of_other_projects_are_read_as_another_reader_reads_them_or_refused() -> None:
    """Every CSV file of the upstream collection, the fuzzed ones among them."""
    accepted, turned_away = 0, 0
    for path in sorted(UPSTREAM.rglob("*.csv")):
        try:
            read = rows_of(path)
        except IngestError as error:
            assert str(error).startswith(f"{path.name}: "), path
            turned_away += 1
            continue
        expected = independently(path)
        width = len(read[0])
        assert read == [row[:width] for row in expected], path
        assert all(not any(row[width:]) for row in expected), path
        accepted += 1
    assert accepted > 100
    assert turned_away > 200


def test_well_formed_files_of_another_project_are_read_in_full() -> None:
    folder = UPSTREAM / "csv-spectrum"
    if not folder.is_dir():
        pytest.skip("the files of other projects are not in ../shared (see README.md)")
    counts = {
        "comma_in_quotes": 1, "empty": 2, "empty_crlf": 2, "escaped_quotes": 2, "json": 1, "newlines": 3,
        "newlines_crlf": 3, "quotes_and_newlines": 2, "simple": 1, "simple_crlf": 1, "utf8": 2,
    }  # fmt: skip
    for name, count in counts.items():
        assert len(rows_of(folder / f"csvs__{name}.csv")) == count + 1, name


def test_a_reader_starts_without_pandas() -> None:
    """A child process reads one file; half a second of imports would be most of its time."""
    code = (
        "import sys; from engagement_stats.readers import archive, detect, dictionary, text; "
        "import pyarrow.csv; print('pandas' in sys.modules)"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "False"
