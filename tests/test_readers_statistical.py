"""SPSS, Stata and SAS files are read with their codes as deposited, or refused by a message without their values."""

import io
import math
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import hostile
import pandas as pd
import pyarrow as pa
import pyreadstat
import pytest
from pyarrow import parquet

from engagement_stats.errors import IngestError
from engagement_stats.readers import statistical, worker
from engagement_stats.readers.model import Contents, Format, Options

FORMATS: dict[str, Format] = {"sav": "sav", "zsav": "sav", "dta": "dta", "por": "por", "xpt": "xpt"}


def options_of(path: Path, encoding: str = "utf-8") -> Options:
    return Options(format=FORMATS[path.suffix[1:]], encoding=encoding)


def contents(path: Path, encoding: str = "utf-8") -> Contents:
    return statistical.contents(path, options_of(path, encoding), path.name)


def table(path: Path, names: Sequence[str] | None = None, encoding: str = "utf-8") -> pa.Table:
    wanted = contents(path, encoding).names if names is None else names
    return statistical.table(path, wanted, options_of(path, encoding), path.name)


def read(path: Path, wanted: Sequence[str] | None = None, encoding: str = "utf-8") -> tuple[dict[str, Any], pa.Table]:
    """Do all that the child does with a file, in this process."""
    data = io.BytesIO()
    job = worker.Job(where=path.name, path=str(path), options=options_of(path, encoding), wanted=wanted)
    about = worker.read(job, data)
    data.seek(0)
    return about, parquet.read_table(data)


def refused(path: Path, wanted: Sequence[str] | None = None, encoding: str = "utf-8") -> str:
    with pytest.raises(IngestError) as caught:
        read(path, wanted, encoding)
    message = str(caught.value)
    assert message.startswith(f"{path.name}: ")
    assert hostile.CANARY not in message
    # A cause or context would print the library's own message, which may quote the data.
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    return message


def written(tmp_path: Path, content: bytes, name: str = "f.sav") -> Path:
    path = tmp_path / name
    path.write_bytes(content)
    return path


# --- the same codes from every format


@pytest.mark.parametrize("kind", list(FORMATS))
def test_a_survey_comes_out_as_it_went_in(tmp_path: Path, kind: str) -> None:
    path = hostile.survey_file(tmp_path / f"f.{kind}")
    expected = hostile.survey()
    found = table(path)
    assert found.num_rows == len(expected)
    for name in found.column_names:
        column, went_in = found[name], expected[name.lower()]
        assert column.type == (pa.string() if name.lower() in ("ward", "said") else pa.float64())
        # A portable file holds numbers in base 30, which is not exact.
        close = 1e-12 if kind == "por" else 0.0
        if column.type == pa.string():
            assert column.to_pylist() == went_in.tolist()
        else:
            assert all(
                math.isclose(a, b, rel_tol=close) for a, b in zip(column.to_pylist(), went_in.tolist(), strict=True)
            ), name


@pytest.mark.parametrize("kind", list(FORMATS))
def test_only_the_columns_asked_for_are_read_in_their_order(tmp_path: Path, kind: str) -> None:
    path = hostile.survey_file(tmp_path / f"f.{kind}", rows=20)
    names = list(contents(path).names)
    assert table(path, [names[4], names[1]]).column_names == [names[4], names[1]]
    # Rows are counted though no column is read.
    assert (table(path, []).num_columns, table(path, []).num_rows) == (0, 20)


def test_what_a_file_says_of_itself(tmp_path: Path) -> None:
    frame = pd.DataFrame({"q": [1.0, -9.0, -15.0], "t": ["Yes", "DK", "No"]})
    path = tmp_path / "f.sav"
    pyreadstat.write_sav(
        frame, path, variable_value_labels={"q": {1: "Yes", -9: "Refused"}, "t": {"DK": "Does not know"}},
        column_labels={"q": "Have you?", "t": None}, missing_ranges={"q": [-9, {"lo": -20, "hi": -10}], "t": ["DK"]},
    )  # fmt: skip
    found = contents(path)
    assert (found.names, found.rows) == (["q", "t"], 3)
    assert found.labels == {"q": {1.0: "Yes", -9.0: "Refused"}, "t": {"DK": "Does not know"}}
    assert found.variable_labels == {"q": "Have you?", "t": ""}
    assert sorted(found.user_missing["q"]) == [(-20.0, -10.0), (-9.0, -9.0)]
    assert found.user_missing["t"] == [("DK", "DK")]
    # Read with the library's default, refusals would be gone.
    assert table(path)["q"].to_pylist() == [1.0, -9.0, -15.0]
    assert table(path)["t"].to_pylist() == ["Yes", "DK", "No"]


def test_what_is_missing_is_null_and_an_empty_text_is_empty(tmp_path: Path) -> None:
    frame = pd.DataFrame({"q": [1.0, math.nan, 2.0], "t": ["a", "", " b "]})
    for kind, write in (("sav", pyreadstat.write_sav), ("dta", pyreadstat.write_dta)):
        write(frame, tmp_path / f"f.{kind}")
        _, found = read(tmp_path / f"f.{kind}")
        assert found["q"].to_pylist() == [1.0, None, 2.0]
        assert found["t"].to_pylist() == ["a", "", "b"]


def test_dates_stay_the_numbers_they_are(tmp_path: Path) -> None:
    # Converted, the second would be an OverflowError of the library and the first a date of the year 1582.
    variable = bytearray(hostile.sav_variable("D"))
    variable[16:24] = bytes([0, 11, 20, 0]) * 2  # DATE11
    file = hostile.sav_header(1, 2) + bytes(variable) + hostile.SAV_END + hostile.numbers(0.0, 1e18)
    assert table(written(tmp_path, file))["D"].to_pylist() == [0.0, 1e18]


# --- missing values with letters


def lettered(tmp_path: Path, rows: int = 1) -> Path:
    """Write a Stata file of whole numbers in which a system-missing follows a missing value with a letter."""
    frame = pd.DataFrame({"q": pd.Series([1, "a", None, 2, "b"] * rows, dtype=object), "w": [0.5] * 5 * rows})
    path = tmp_path / "f.dta"
    pyreadstat.write_dta(frame, path, missing_user_values={"q": ["a", "b"]}, variable_format={"q": "%8.0g"})
    return path


def test_letters_of_stata_stay_apart(tmp_path: Path) -> None:
    about, found = read(lettered(tmp_path))
    assert found["q"].to_pylist() == ["1", "a", "", "2", "b"]
    assert about["user_missing"] == {"q": [("a", "a"), ("b", "b")]}
    assert found["w"].type == pa.float64()


def test_letters_are_kept_whatever_the_size_of_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = lettered(tmp_path, rows=4)
    expected = ["1", "a", "", "2", "b"] * 4
    monkeypatch.setattr(statistical, "FEW_CELLS", 0)
    for cells in (2, 4, 14, 1000):  # the first letter comes in the first piece, or later
        monkeypatch.setattr(statistical, "LISTED_CELLS", cells)
        # In arrays of pyreadstat 1.3.7, what is system-missing after a letter would be a number from memory.
        found = table(path)
        assert found["q"].to_pylist() == expected
        assert found.schema.field("q").metadata == {statistical.LETTERS: b"a b"}


def test_letters_of_a_transport_file_stay_apart(tmp_path: Path) -> None:
    path = tmp_path / "f.xpt"
    pyreadstat.write_xport(pd.DataFrame({"q": [1.0, 7.0, 3.0]}), path, file_format_version=5)
    seven = bytes.fromhex("4170000000000000")
    assert path.read_bytes().count(seven) == 1
    path.write_bytes(path.read_bytes().replace(seven, b"R" + b"\0" * 7))
    # The library's own reader of transport files would give no answer in place of .R.
    about, found = read(path)
    assert found["q"].to_pylist() == ["1", "R", "3"]
    assert about["user_missing"] == {"q": [("R", "R")]}


@pytest.mark.skipif(shutil.which("pspp-convert") is None, reason="pspp-convert is not installed")
def test_user_missing_codes_of_a_portable_file_stay_codes(tmp_path: Path) -> None:
    frame = pd.DataFrame({"Q": [1.0, -9.0, 2.0]})
    pyreadstat.write_sav(frame, tmp_path / "f.sav", missing_ranges={"Q": [-9]})
    subprocess.run(["pspp-convert", tmp_path / "f.sav", tmp_path / "f.por"], check=True, capture_output=True)
    assert table(tmp_path / "f.por")["Q"].to_pylist() == [1.0, -9.0, 2.0]
    assert contents(tmp_path / "f.por").user_missing == {"Q": [(-9.0, -9.0)]}


# --- large files, in pieces


# Of 6 columns and 400 rows: a few rows at a time, all but the last row, all of them, one more.
@pytest.mark.parametrize(
    ("kind", "cells"), [*((k, c) for k in FORMATS for c in (60, 96, 2394, 2400, 2406)), ("sav", 6), ("dta", 6)]
)
def test_a_file_read_in_pieces_is_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, cells: int
) -> None:
    path = hostile.survey_file(tmp_path / f"f.{kind}", rows=30 if cells == 6 else 400)
    whole = table(path)
    monkeypatch.setattr(statistical, "FEW_CELLS", 0)
    monkeypatch.setattr(statistical, "LISTED_CELLS", cells)
    monkeypatch.setattr(statistical, "CHUNK_CELLS", cells)
    pieces = table(path)
    assert pieces.schema == whole.schema
    assert pieces.equals(whole)


def test_a_small_file_is_read_without_pandas(tmp_path: Path) -> None:
    path = hostile.survey_file(tmp_path / "f.sav", rows=10)
    code = (
        "import sys, pathlib; from engagement_stats.readers import statistical; "
        "from engagement_stats.readers.model import Options; "
        f"o = Options(format='sav'); p = pathlib.Path({str(path)!r}); "
        "c = statistical.contents(p, o, 'f'); statistical.table(p, c.names, o, 'f'); "
        "print('pandas' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"


# --- the rows a compressed file states


@pytest.mark.parametrize("kind", ["sav", "zsav"])
@pytest.mark.parametrize("rows", [0, 1, 200, 399, 401, 410])
@pytest.mark.parametrize("cells", [600, 16_000_000])
def test_rows_other_than_the_data_hold_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, rows: int, cells: int
) -> None:
    monkeypatch.setattr(statistical, "LISTED_CELLS", cells)
    path = hostile.survey_file(tmp_path / f"f.{kind}")
    path.write_bytes(hostile.with_rows(path.read_bytes(), rows))
    message = refused(path)
    # Stopping at the rows stated, as the parser does by itself, would lose the rest without a word.
    assert "holds more rows than its header says" in message if rows < 400 else "Got 400; expected" in message


@pytest.mark.parametrize("kind", ["sav", "zsav"])
def test_a_compressed_file_that_does_not_state_its_rows_is_read_to_its_end(tmp_path: Path, kind: str) -> None:
    path = hostile.survey_file(tmp_path / f"f.{kind}")
    path.write_bytes(hostile.with_rows(path.read_bytes(), -1))
    assert contents(path).rows is None
    assert table(path).num_rows == 400


def test_a_compressed_file_cut_anywhere_is_refused(tmp_path: Path) -> None:
    whole = hostile.survey_file(tmp_path / "whole.sav").read_bytes()
    for percent, cut in hostile.truncations(whole):
        assert refused(written(tmp_path, cut)), percent
    for missing in (1, 2, 7, 9, 64, 512):
        assert refused(written(tmp_path, whole[:-missing])), missing


def test_a_file_twice_in_one_is_never_more_rows(tmp_path: Path) -> None:
    for kind in FORMATS:
        whole = hostile.survey_file(tmp_path / f"whole.{kind}", rows=2000).read_bytes()
        assert refused(written(tmp_path, whole + whole, f"f.{kind}"))


# --- encodings


def text_sav(content: bytes, *encoding: bytes, label: bytes = b"") -> bytes:
    records = hostile.sav_variable("S", 8, label=label) + b"".join(hostile.sav_encoding(e) for e in encoding)
    return hostile.sav_header(1, 1) + records + hostile.SAV_END + content.ljust(8)


@pytest.mark.parametrize(
    ("content", "declared", "read_by", "expected"),
    [
        (b"caf\xe9 \x80", (b"windows-1252",), "utf-8", "café €"),
        ("café".encode(), (b"UTF-8",), "utf-8", "café"),
        (b"caf\xe9", (), "cp1252", "café"),
        (b"caf\xe9", (), "latin-1", "café"),
        (b"caf\xe9", (b"UTF-8",), "cp1252", "café"),  # the catalogue knows better than the file
        ("café".encode(), (), "utf-8", "café"),
        ("été€".encode()[:-1], (b"UTF-8",), "utf-8", "été"),  # cut in the last letter by its maker
    ],
)
def test_text_is_read_by_what_is_declared(
    tmp_path: Path, content: bytes, declared: tuple[bytes, ...], read_by: str, expected: str
) -> None:
    path = written(tmp_path, text_sav(content, *declared, label=content))
    assert table(path, encoding=read_by)["S"].to_pylist() == [expected]
    assert contents(path, read_by).variable_labels == {"S": expected}


def test_text_that_is_not_what_is_declared_is_refused(tmp_path: Path) -> None:
    latin = text_sav(b"caf\xe9", b"UTF-8")
    assert "column S is not in the encoding UTF-8. Declare its encoding" in refused(written(tmp_path, latin))
    undeclared = refused(written(tmp_path, text_sav(b"caf\xe9")))
    assert (
        "does not declare the encoding of its text, and column S is not UTF-8. Declare its encoding (cp1252"
        in undeclared
    )
    for unknown in (b"nonsense-1", b"../../../etc/passwd", b"\xff\xff"):
        assert "Declare its encoding" in refused(written(tmp_path, text_sav(b"caf\xe9", unknown))), unknown


def test_utf8_read_as_another_encoding_is_refused(tmp_path: Path) -> None:
    # In a value, then in a label: the reader would store "cafÃ©" without a word.
    path = written(tmp_path, text_sav("café".encode(), b"windows-1252"))
    assert "column S is UTF-8 and not" in refused(path)
    path = written(tmp_path, text_sav(b"cafe", b"windows-1252", label="Société".encode()))
    assert "a label of variable S is UTF-8 and not" in refused(path)
    # And if the catalogue is wrong.
    assert "column S is UTF-8 and not" in refused(written(tmp_path, text_sav("café".encode())), encoding="cp1252")


@pytest.mark.parametrize(
    ("encoding", "words"),
    [
        ("GB18030", ["女", "未", "中国"]), ("cp936", ["女", "斜"]), ("EUC-KR", ["특", "키", "남자"]),
        ("BIG5", ["女", "男"]), ("SHIFT_JIS", ["女", "男性"]), ("cp874", ["หญิง", "เขต"]), ("cp1251", ["Да", "Нет"]),
        ("cp1253", ["Άνδρας"]),
    ],
)  # fmt: skip
def test_short_words_of_any_language_are_not_taken_for_utf8(tmp_path: Path, encoding: str, words: list[str]) -> None:
    # The bytes of the first word of each of these are letters of other languages in UTF-8.
    assert encoding not in ("GB18030", "cp936", "EUC-KR", "cp874") or words[0].encode(encoding).decode("utf-8")
    for word in words:
        content = word.encode(encoding)
        path = written(tmp_path, text_sav(content, encoding.encode(), label=content))
        assert table(path)["S"].to_pylist() == [word]
        assert contents(path).variable_labels == {"S": word}


@pytest.mark.parametrize(("encoding", "word"), [("GB18030", "中国"), ("cp1251", "Нет")])
def test_utf8_of_any_language_read_as_another_encoding_is_refused(tmp_path: Path, encoding: str, word: str) -> None:
    path = written(tmp_path, text_sav(b"x", encoding.encode(), label=word.encode()))
    assert "a label of variable S is UTF-8 and not" in refused(path)


def test_a_character_that_was_lost_is_not_stored(tmp_path: Path) -> None:
    path = written(tmp_path, text_sav("caf\ufffd".encode(), b"UTF-8"))
    assert "column S holds the mark of a character that was lost (U+FFFD)" in refused(path)


def test_old_stata_text_is_read_by_the_encoding_declared_for_it(tmp_path: Path) -> None:
    path = tmp_path / "f.dta"
    pyreadstat.write_dta(pd.DataFrame({"s": ["cafX", "tea"]}), path, version=12)
    path.write_bytes(path.read_bytes().replace(b"cafX", b"caf\xe9"))
    assert "does not declare the encoding of its text" in refused(path)
    assert table(path, encoding="cp1252")["s"].to_pylist() == ["café", "tea"]


# --- names


def named_sav(*names: bytes, long: bytes = b"") -> bytes:
    records = b"".join(hostile.sav_variable(n) for n in names) + (hostile.sav_extension(13, long) if long else b"")
    values = hostile.numbers(*[float(i) for i in range(1, len(names) + 1)])
    return hostile.sav_header(len(names), 1) + records + hostile.sav_encoding() + hostile.SAV_END + values


@pytest.mark.parametrize(
    ("names", "long", "expected"),
    [
        ((b"X", b"X", b"Y"), b"", ["X", "X", "Y"]),
        ((b"A", b"B", b"Y"), b"A=Weight\tB=Weight", ["Weight", "Weight", "Y"]),
        ((b"A", b"B", b"Y"), b"A=Weight\tB=weight", ["Weight", "weight", "Y"]),
    ],
)
def test_a_name_that_is_there_twice_is_refused_only_when_asked_for(
    tmp_path: Path, names: tuple[bytes, ...], long: bytes, expected: list[str]
) -> None:
    path = written(tmp_path, named_sav(*names, long=long))
    assert contents(path).names == expected
    assert read(path, ["y"])[1]["y"].to_pylist() == [3.0]
    # Never one of the two, nor a name of the library's making.
    assert "is there 2 times" in refused(path, [expected[0].upper()])
    if expected[0] == expected[1]:
        assert "is there 2 times" in refused(path)


def test_a_blank_name_is_nobody_s(tmp_path: Path) -> None:
    path = written(tmp_path, named_sav(b"", b"Y"))
    assert contents(path).names == ["", "Y"]
    assert read(path)[1].column_names == ["Y"]
    assert "are not in the file" in refused(path, ["None"])


def test_a_name_that_cannot_be_printed_is_refused_when_asked_for(tmp_path: Path) -> None:
    path = written(tmp_path, named_sav(b"a\nb", b"Y"))
    assert read(path, ["y"])[1]["y"].to_pylist() == [2.0]
    assert "blank or hold characters that cannot be printed. Got 'a\\nb'" in refused(path)
    message = refused(written(tmp_path, named_sav(b"\xff\xfe\xfd")))
    assert "the name of a variable is not in the encoding UTF-8" in message


@pytest.mark.parametrize("name", ['x"; DROP TABLE headline; --', "../../x", "=1+1", "SELECT", "x' OR '1"])
def test_a_name_is_kept_as_it_is_spelled(tmp_path: Path, name: str) -> None:
    path = written(tmp_path, named_sav(b"A", long=b"A=" + name.encode()))
    assert contents(path).names == [name]
    assert table(path)[name].to_pylist() == [1.0]


# --- what is not the file it is said to be


WRONG = {
    "a web page": hostile.html_login_page(),
    "an IDL save file": hostile.idl_sav(),
    "an SPSS file encrypted with a password": hostile.encrypted_sav(),
    "an empty file": b"",
    "nothing but NUL bytes": b"\0" * 65536,
    "a PDF document": b"%PDF-1.7\n" + b"x" * 500,
    "text": b"a,b\n1,2\n",
}


@pytest.mark.parametrize("kind", list(FORMATS))
@pytest.mark.parametrize("found", list(WRONG))
def test_a_file_that_is_something_else_is_named(tmp_path: Path, kind: str, found: str) -> None:
    message = refused(written(tmp_path, WRONG[found], f"f.{kind}"))
    assert f"the file is not what it is said to be. Got {found}; expected" in message


@pytest.mark.parametrize("kind", list(FORMATS))
def test_one_format_under_another_s_name_is_named(tmp_path: Path, kind: str) -> None:
    for other in FORMATS:
        content = hostile.survey_file(tmp_path / f"good.{other}", rows=5).read_bytes()
        if FORMATS[other] != FORMATS[kind]:
            assert "the file is not what it is said to be" in refused(written(tmp_path, content, f"f.{kind}"))
    assert refused(written(tmp_path, hostile.random_bytes(), f"f.{kind}"))


@pytest.mark.parametrize("kind", ["sav", "zsav", "dta", "por"])
def test_a_damaged_file_is_refused_or_read_whole(tmp_path: Path, kind: str) -> None:
    whole = hostile.survey_file(tmp_path / f"whole.{kind}").read_bytes()
    for at in range(0, len(whole), len(whole) // 40):
        path = written(tmp_path, hostile.bit_flipped(whole, at), f"f.{kind}")
        try:
            about, _ = read(path)
        except IngestError as error:
            assert hostile.CANARY not in str(error)
        else:
            # Only the digest of a manifest can see the changed value.
            assert about["rows"] == 400
