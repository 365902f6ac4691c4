"""Say what a file is by its first and last bytes, whatever it is called.

Belongs here: the marks of file kinds, the formats we read by suffix, and the refusal of a file that is something else.
Not here: reading any of them. Nothing is parsed or unpacked here, so that it is safe outside the child process too.
"""

import codecs
import re
from collections.abc import Mapping
from pathlib import Path

from engagement_stats.errors import IngestError
from engagement_stats.readers.model import Format

SUFFIXES: Mapping[str, Format] = {
    ".tab": "tab", ".tsv": "tab", ".csv": "csv", ".sav": "sav", ".zsav": "sav", ".por": "por", ".dta": "dta",
    ".sas7bdat": "sas7bdat", ".xpt": "xpt", ".xlsx": "xlsx", ".xlsm": "xlsx", ".ods": "ods", ".parquet": "parquet",
    ".pq": "parquet",
}  # fmt: skip

# What to do with a file of another suffix.
NEXT: Mapping[str, str] = {
    ".xls": "Save it as .xlsx.", ".xlsb": "Save it as .xlsx.",
    ".txt": "Text in columns: name it .csv, or .tab where tabs part them.",
    ".dat": "Text in columns: name it .csv, or .tab where tabs part them.",
    ".gz": "Unpack it.", ".7z": "Unpack it.", ".rar": "Unpack it.",
    ".sps": "It is the program that reads the data; deposit the data.",
}  # fmt: skip

EMPTY, TEXT, WIDE_TEXT, UNKNOWN = "an empty file", "text", "UTF-16 text", "bytes of no kind that is known here"
SPSS, COMPRESSED, ENCRYPTED_SPSS = "an SPSS file", "a compressed SPSS file", "an SPSS file encrypted with a password"
PORTABLE, STATA, SAS, TRANSPORT = "an SPSS portable file", "a Stata file", "a SAS dataset", "a SAS transport file"
EXCEL, OPENDOCUMENT, PARQUET = "an Excel workbook", "an OpenDocument spreadsheet", "a Parquet file"
OLD_EXCEL, LOCKED_OFFICE = "an old Excel workbook (.xls)", "an Office file encrypted with a password"
RTF, PDF = "a rich text (RTF) document", "a PDF document"
ZIP, CUT_ZIP = "a zip archive", "a zip archive (or an Office file, which is one) cut short"
BINARY_EXCEL, WORD, HTML, GZIP = "a binary Excel workbook (.xlsb)", "a Word document", "a web page", "a gzip file"

# What a file declared to be of a format may be found to be; the first names it in messages.
ACCEPTED: Mapping[Format, tuple[str, ...]] = {
    "tab": (TEXT, WIDE_TEXT), "csv": (TEXT, WIDE_TEXT), "sav": (SPSS, COMPRESSED), "por": (PORTABLE,), "dta": (STATA,),
    "sas7bdat": (SAS,), "xpt": (TRANSPORT,), "xlsx": (EXCEL,), "ods": (OPENDOCUMENT,), "parquet": (PARQUET,),
}  # fmt: skip

MARKS: tuple[tuple[bytes, str], ...] = (
    (b"$FL2", SPSS),
    (b"$FL3", COMPRESSED),
    (b"<stata_dta>", STATA),
    (b"HEADER RECORD*******LIB", TRANSPORT),
    (b"PAR1", PARQUET),
    (b"PARE", "an encrypted Parquet file"),
    (b"%PDF", PDF),
    (b"{\\rtf", RTF),
    (b"\x1f\x8b", GZIP),
    (b"SR\x00\x04", "an IDL save file"),
    (b"SR\x00\x06", "an IDL save file"),
    (b"**COMPRESSED**", "a SAS CPORT file"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"Rar!\x1a\x07", "a RAR archive"),
    (b"BZh", "a bzip2 file"),
    (b"\xfd7zXZ\x00", "an xz file"),
    (b"\x28\xb5\x2f\xfd", "a zstd file"),
    (b"SQLite format 3\x00", "an SQLite database"),
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file"),
    (b"ARROW1", "an Arrow file"),
    (b"RDX", "an R data file"),
    (b"\x89PNG", "an image"),
    (b"\xff\xd8\xff", "an image"),
    (b"GIF8", "an image"),
)
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
SAS_MARK = re.compile(rb"\x00{12}\xc2\xea\x81([\x60\x63])\xb3\x14\x11\xcf\xbd\x92\x08\x00")
HTML_START = re.compile(rb"\s*(?:<!--.*?-->\s*)*<(?:!doctype\s+html|html|head|body|script|title|meta)\b", re.I | re.S)
XML_START = re.compile(rb"\s*<\?xml\b")
CONTROLS = bytes(set(range(32)) - set(b"\t\n\r\x0b\x0c\x1a")) + b"\x7f"
WINDOW = 65_536


def _ends(path: Path) -> tuple[bytes, bytes]:
    """Return the first and the last bytes of a file."""
    with path.open("rb") as handle:
        head = handle.read(WINDOW)
        handle.seek(max(0, path.stat().st_size - WINDOW))
        return head, handle.read(WINDOW)


def _zipped(head: bytes, tail: bytes) -> str:
    """Tell office files from other archives by the names of their members, which are not compressed."""
    names = head + tail
    if b"mimetypeapplication/vnd.oasis.opendocument.spreadsheet" in head[:200]:
        return OPENDOCUMENT
    if b"mimetypeapplication/vnd.oasis.opendocument" in head[:200]:
        return "an OpenDocument file other than a spreadsheet"
    if b"PK\x05\x06" not in tail:
        return CUT_ZIP
    if b"[Content_Types].xml" not in names:
        return ZIP
    for member, kind in ((b"workbook.bin", BINARY_EXCEL), (b"workbook.xml", EXCEL), (b"word/document.xml", WORD)):
        if member in names:
            return kind
    return "an Office file of another kind"


def _ole(head: bytes, tail: bytes) -> str:
    """Tell the kinds of Microsoft's compound files by the names in their directory, which are UTF-16."""
    names = head + tail
    if "EncryptedPackage".encode("utf-16-le") in names:
        return LOCKED_OFFICE
    if any(name.encode("utf-16-le") in names for name in ("Workbook", "Book")):
        return OLD_EXCEL
    return "an old Office file"


def _statistical(head: bytes) -> str | None:
    if head[8:20] == b"ENCRYPTEDSAV":
        return ENCRYPTED_SPSS
    if sas := SAS_MARK.match(head):
        return SAS if sas[1] == b"\x60" else "a SAS catalogue of formats"
    # Stata 1 to 12: the release, the byte order, a one, and a byte of no meaning, which gretl sets to one.
    if len(head) > 3 and 102 <= head[0] <= 115 and head[1] in (1, 2) and head[2] == 1 and head[3] in (0, 1):
        return STATA
    # After 200 bytes of title and 256 of characters, broken into lines of 80 anywhere.
    if b"SPSSPORT" in head[:600].replace(b"\r", b"").replace(b"\n", b""):
        return PORTABLE
    return None


def _text(head: bytes) -> str | None:
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return WIDE_TEXT
    start = head.removeprefix(codecs.BOM_UTF8)
    if HTML_START.match(start):
        return HTML
    if XML_START.match(start):
        return "an XML document"
    if not head.strip(b"\x00"):
        return "nothing but NUL bytes"
    # Without a byte-order mark, Latin text of two bytes a character has its NULs in every other place.
    if any(head[at::2].count(0) > 0.4 * len(head) / 2 and not head[1 - at :: 2].count(0) for at in (0, 1)):
        return WIDE_TEXT
    # A few control characters are a damaged text, which its reader refuses by line; many are no text.
    controls = len(head) - len(head.translate(None, CONTROLS))
    return TEXT if controls <= max(2, len(head) // 50) else None


def detected(what: Path | bytes) -> str:
    """Name what a file is, by its bytes.

    Parameters
    ----------
    what : Path or bytes
        The file, or its first bytes.

    Returns
    -------
    str
        A name as a message uses it, `UNKNOWN` for none that is known.

    Examples
    --------
    >>> detected(b"$FL2@(#) SPSS DATA FILE")
    'an SPSS file'
    >>> detected(b"<!DOCTYPE html><title>Log in</title>")
    'a web page'
    >>> detected(b"")
    'an empty file'
    """
    head, tail = _ends(what) if isinstance(what, Path) else (what[:WINDOW], what[-WINDOW:])
    if not head:
        return EMPTY
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _zipped(head, tail)
    if head.startswith(OLE):
        return _ole(head, tail)
    for mark, kind in MARKS:
        if head.startswith(mark):
            return kind
    return _statistical(head) or _text(head) or UNKNOWN


def format_of(path: Path) -> Format:
    """Return the format of a file by its suffix.

    Raises
    ------
    IngestError
        The suffix is not one that can be read; the message lists those that can.
    """
    try:
        return SUFFIXES[path.suffix.lower()]
    except KeyError:
        raise IngestError(
            f'{path.name}: files ending "{path.suffix}" cannot be read. Expected one of {", ".join(sorted(SUFFIXES))}. '
            + NEXT.get(path.suffix.lower(), "Save or export it as one of these, or deposit the right file.")
        ) from None


def _advice(found: str) -> str:
    if found in (EMPTY, CUT_ZIP) or found.startswith("nothing"):
        return "The download failed; fetch it again."
    if found == HTML:
        return "It is likely the page of a login or an error, saved in place of the file; log in and download again."
    if found in (ENCRYPTED_SPSS, LOCKED_OFFICE):
        return "Open it with its password and save it without, where its licence allows."
    if found in (ZIP, GZIP) or found.endswith(("archive", "bzip2 file", "xz file", "zstd file")):
        return "Unpack it, or give a zip archive its suffix .zip."
    if found in (OLD_EXCEL, BINARY_EXCEL):
        return "Save it as .xlsx."
    return "Give it the right suffix or declare its format, or deposit the right file."


def expect(path: Path, kind: Format, where: str) -> None:
    """Refuse a file whose bytes are not of the format it is declared to be.

    Parameters
    ----------
    path : Path
        A regular file.
    kind : Format
        As its suffix or the catalogue says.
    where : str
        What the message names.

    Raises
    ------
    IngestError
        It is something else, which is named.
    """
    found = detected(path)
    if found not in ACCEPTED[kind]:
        raise IngestError(
            f"{where}: the file is not what it is said to be. Got {found}; expected {ACCEPTED[kind][0]} "
            f"(format {kind}). {_advice(found)}"
        )
