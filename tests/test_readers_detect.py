"""A file is known by its bytes, whatever it is called, and what it is instead is named."""

import gzip
import io
import random
import zipfile
from pathlib import Path
from typing import get_args

import pandas as pd
import pyreadstat
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engagement_stats.errors import IngestError
from engagement_stats.readers import detect
from engagement_stats.readers.model import Format

FRAME = pd.DataFrame({"q": [1.0, 2.0], "t": ["a", "b"]})
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504)
SAS = bytes(12) + bytes.fromhex("c2ea8160b31411cfbd92080009c7318c181f1011") + bytes(300)
LOGIN = b"\r\n<!-- sso -->\n<!DOCTYPE HTML>\n<html><head><title>Log in</title></head><body>CANARY7731</body></html>\n"


def zipped(**members: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name.replace("__", "/"), content)
    return out.getvalue()


def workbook() -> bytes:
    return zipped(**{"[Content_Types].xml": b"<Types/>" * 500, "xl__workbook.xml": b"<workbook/>"})


def opendocument(kind: str = "spreadsheet") -> bytes:
    """Its first member says what it is, uncompressed, as the standard asks."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("mimetype", f"application/vnd.oasis.opendocument.{kind}")
        archive.writestr("content.xml", "<a/>")
    return out.getvalue()


def made(folder: Path, suffix: str) -> bytes:
    path = folder / f"made.{suffix}"
    if suffix == "zsav":
        pyreadstat.write_sav(FRAME, path, compress=True)
    elif suffix == "parquet":
        FRAME.to_parquet(path)
    else:
        getattr(pyreadstat, "write_xport" if suffix == "xpt" else f"write_{suffix}")(FRAME, path)
    return path.read_bytes()


def kinds(folder: Path) -> dict[str, tuple[bytes, str]]:
    """Return, by a suffix or a name, bytes and what they are found to be."""
    return {
        "sav": (made(folder, "sav"), "an SPSS file"),
        "zsav": (made(folder, "zsav"), "a compressed SPSS file"),
        "por": (made(folder, "por"), "an SPSS portable file"),
        "dta": (made(folder, "dta"), "a Stata file"),
        "dta 114": (bytes([114, 2, 1, 0, 1, 0, 1, 0]) + bytes(200), "a Stata file"),
        "dta of gretl": (bytes([113, 2, 1, 1, 11, 0, 236, 4, 0, 0]) + bytes(200), "a Stata file"),
        "xpt": (made(folder, "xpt"), "a SAS transport file"),
        "parquet": (made(folder, "parquet"), "a Parquet file"),
        "sas7bdat": (SAS, "a SAS dataset"),
        "sas7bcat": (SAS.replace(b"\x81\x60", b"\x81\x63"), "a SAS catalogue of formats"),
        "xlsx": (workbook(), "an Excel workbook"),
        "ods": (opendocument(), "an OpenDocument spreadsheet"),
        "odt": (opendocument("text"), "an OpenDocument file other than a spreadsheet"),
        "docx": (zipped(**{"[Content_Types].xml": b"", "word__document.xml": b""}), "a Word document"),
        "xlsb": (zipped(**{"[Content_Types].xml": b"", "xl__workbook.bin": b""}), "a binary Excel workbook (.xlsb)"),
        "zip": (zipped(tab__x=b"a\tb\n"), "a zip archive"),
        "cut zip": (workbook()[:-30], "a zip archive (or an Office file, which is one) cut short"),
        "xls": (OLE + "Workbook".encode("utf-16-le") + bytes(400), "an old Excel workbook (.xls)"),
        "doc": (OLE + "WordDocument".encode("utf-16-le") + bytes(400), "an old Office file"),
        "locked xlsx": (
            OLE + "EncryptedPackage".encode("utf-16-le") + bytes(400), "an Office file encrypted with a password"
        ),
        "locked sav": (
            b"\x1c" + bytes(7) + b"ENCRYPTEDSAV\x15" + bytes(15) + random.Random(1).randbytes(600),
            "an SPSS file encrypted with a password",
        ),
        "idl": (b"SR\x00\x04" + bytes(40), "an IDL save file"),
        "pdf": (b"%PDF-1.4\n...", "a PDF document"),
        "rtf": (b"{\\rtf1\\ansi x}", "a rich text (RTF) document"),
        "gz": (gzip.compress(b"a,b\n1,2\n"), "a gzip file"),
        "html": (LOGIN, "a web page"),
        "xml": (b"\xef\xbb\xbf<?xml version='1.0'?><a/>", "an XML document"),
        "csv": (b"a,b\n1,2\n", "text"),
        "tab": (b"a\tb\n1\t<html>\n", "text"),
        "cp1252": ("a,b\n1,caf\xe9\n".encode("cp1252"), "text"),
        "one NUL": (b"a,b\n1,2\x003\n4,5\n", "text"),
        "utf-16": ("a,b\n1,2\n".encode("utf-16"), "UTF-16 text"),
        "utf-16 unmarked": ("a,b\n1,2\n".encode("utf-16-be"), "UTF-16 text"),
        "random": (random.Random(2).randbytes(65_536), "bytes of no kind that is known here"),
        "nul": (bytes(65_536), "nothing but NUL bytes"),
        "empty": (b"", "an empty file"),
    }  # fmt: skip


def test_each_kind_is_named_by_its_bytes(tmp_path: Path) -> None:
    for name, (content, kind) in kinds(tmp_path).items():
        path = tmp_path / "file.of.no.suffix"
        path.write_bytes(content)
        assert detect.detected(path) == detect.detected(content) == kind, name


def test_a_file_of_another_kind_is_refused_under_every_suffix(tmp_path: Path) -> None:
    """Every kind of bytes under the name of every format: right only where it is that format."""
    right = {
        "sav": {"sav", "zsav"}, "por": {"por"}, "dta": {"dta", "dta 114", "dta of gretl"},
            "sas7bdat": {"sas7bdat"}, "xpt": {"xpt"},
        "xlsx": {"xlsx"}, "ods": {"ods"}, "parquet": {"parquet"},
        "tab": {"csv", "tab", "cp1252", "one NUL", "utf-16", "utf-16 unmarked"},
    }  # fmt: skip
    right["csv"] = right["tab"]
    assert set(right) == set(get_args(Format))
    for name, (content, kind) in kinds(tmp_path).items():
        for form in get_args(Format):
            path = tmp_path / f"wave.{form}"
            path.write_bytes(content)
            assert detect.format_of(path) == form
            if name in right[form]:
                detect.expect(path, form, "w")
                continue
            with pytest.raises(IngestError) as caught:
                detect.expect(path, form, f"w {path.name}")
            message = str(caught.value)
            wanted = detect.ACCEPTED[form][0]
            assert message.startswith(
                f"w wave.{form}: the file is not what it is said to be. Got {kind}; expected {wanted} (format {form}). "
            ), (name, form)
            assert "CANARY" not in message


@pytest.mark.parametrize(
    ("content", "advice"),
    [
        (b"", "download failed"), (bytes(50), "download failed"), (LOGIN, "log in and download again"),
        (b"\x1c" + bytes(7) + b"ENCRYPTEDSAV", "with its password"), (b"PK\x05\x06" + bytes(18), "Unpack it"),
        (OLE + "Book".encode("utf-16-le"), "Save it as .xlsx"), (b"a,b\n", "Give it the right suffix"),
    ],
)  # fmt: skip
def test_the_message_says_what_to_do(tmp_path: Path, content: bytes, advice: str) -> None:
    path = tmp_path / "f.sav"
    path.write_bytes(content)
    with pytest.raises(IngestError, match=advice):
        detect.expect(path, "sav", "f.sav")


def test_formats_by_suffix() -> None:
    for name, form in {"a.SAV": "sav", "b.zsav": "sav", "c.Tab": "tab", "d.tsv": "tab", "e.xlsm": "xlsx"}.items():
        assert detect.format_of(Path(name)) == form
    with pytest.raises(
        IngestError, match=r'a\.xls: files ending "\.xls" cannot be read\. Expected one of \.csv, '
    ) as told:
        detect.format_of(Path("a.xls"))
    assert str(told.value).endswith(".zsav. Save it as .xlsx.")
    with pytest.raises(IngestError, match=r"\. Save or export it as one of these, or deposit the right file\.$"):
        detect.format_of(Path("a.rds"))


def test_a_portable_file_is_known_however_its_lines_are_cut(tmp_path: Path) -> None:
    whole = made(tmp_path, "por")
    joined = whole.replace(b"\r\n", b"").replace(b"\n", b"")
    for lines in (80, 76, 53):
        cut = b"\r\n".join(joined[at : at + lines] for at in range(0, len(joined), lines))
        assert detect.detected(cut) == "an SPSS portable file"


@given(st.binary(max_size=600))
def test_any_bytes_have_a_name(content: bytes) -> None:
    assert detect.detected(content)
