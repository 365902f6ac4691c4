"""Read the paragraphs of a Word file, without trusting the file.

Belongs here: the container and its XML, and what is refused in them.
Not here: what the text says (statements), and writing Word files (brief).
"""

import io
import re
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any
from xml.parsers import expat

from engagement_stats.errors import DocumentError

MAX_PARTS = 5_000
# A part of running text: far more than a long report, far less than what a bomb unpacks to.
MAX_PART_BYTES = 60_000_000
MAX_DEPTH = 200
PARTS = ("word/document.xml", "word/footnotes.xml", "word/endnotes.xml")
WORD_SPACES = (
    "http://schemas.openxmlformats.org/wordprocessingml/2006/main",
    "http://purl.oclc.org/ooxml/wordprocessingml/main",
)
# The head of a column of percentages; "95% interval" heads none, nor do percentage points.
PERCENTAGES = re.compile(r"(?<!\d)(?<!\d\s)(?:%|\bper ?cent\b|\bpercentages?\b)(?!\s+points?)", re.IGNORECASE)
PLAIN = re.compile(r"\d{1,2}(?:\.\d+)?|100(?:\.0+)?")
# Raised figures are the signs of notes: read with what they follow, "37" with note 1 would be another number.
RAISED = dict.fromkeys(
    map(ord, "\N{SUPERSCRIPT ONE}\N{SUPERSCRIPT TWO}\N{SUPERSCRIPT THREE}\u2070\u2074\u2075\u2076\u2077\u2078\u2079")
)
# In half points; LibreOffice writes a smaller run so much higher for what a web page has as superscript.
RAISED_BY = 4
# Elements that stand for a character.
BLANKS = {"tab": " ", "br": " ", "cr": " ", "noBreakHyphen": "-"}


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A paragraph of a Word file, or a cell of a table with its labels; `number` counts paragraphs from 1."""

    text: str
    kind: str
    number: int


def paragraphs(content: bytes, name: str) -> list[Paragraph]:
    """Read the paragraphs of the body, the footnotes and the endnotes.

    Parameters
    ----------
    content : bytes
        Of the .docx file.
    name : str
        Of the file, for messages.

    Returns
    -------
    list of Paragraph
        Text that was deleted with changes tracked is left out, text that was inserted is there.

    Raises
    ------
    DocumentError
        Not a Word file, encrypted, too large once unpacked, or with a document type declaration.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as parts:
            known = {i.filename: i for i in _listed(parts, name)}
            if PARTS[0] not in known:
                raise DocumentError(
                    f"{name}: not a Word file. Got a container without {PARTS[0]}; expected a .docx. Save it again."
                )
            found: list[Paragraph] = []
            for part in PARTS:
                if part in known:
                    reader = _Reader(name, len(found), "paragraph" if part == PARTS[0] else "footnote")
                    reader.feed(_unpacked(parts, known[part], name))
                    found += reader.found
            return found
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError, RuntimeError):
        raise DocumentError(
            f"{name}: the container is damaged, encrypted or not a .docx at all. Open it in a word processor and save "
            "it again as .docx, without a password."
        ) from None


def _listed(parts: zipfile.ZipFile, name: str) -> list[zipfile.ZipInfo]:
    infos = parts.infolist()
    if len(infos) > MAX_PARTS:
        raise DocumentError(f"{name}: too many parts. Got {len(infos):,}; expected at most {MAX_PARTS:,}.")
    if len({i.filename for i in infos}) != len(infos):
        raise DocumentError(f"{name}: two parts have one name, so it is not clear which is the text. Save it again.")
    return infos


def _unpacked(parts: zipfile.ZipFile, info: zipfile.ZipInfo, name: str) -> bytes:
    """Unpack a part, never more than the limit, whatever size the container states."""
    with parts.open(info) as handle:
        data = handle.read(MAX_PART_BYTES + 1)
    if len(data) > MAX_PART_BYTES:
        raise DocumentError(
            f"{name}: {info.filename} unpacks to more than {MAX_PART_BYTES:,} bytes, as no report does. It is refused."
        )
    return data


@dataclass
class _Open:
    """A paragraph that has been opened and not yet closed."""

    text: list[str] = field(default_factory=list)
    style: str = ""
    is_item: bool = False


class _Reader:
    """Gather paragraphs from one part, as its elements open and close."""

    def __init__(self, name: str, before: int, kind: str) -> None:
        self.name, self.number, self.kind = name, before, kind
        self.found: list[Paragraph] = []
        self.depth, self.skipped, self.in_text, self.is_raised = 0, 0, False, False
        # A text box lies inside a paragraph and holds paragraphs of its own.
        self.open: list[_Open] = []
        self.tables: list[list[list[str]]] = []

    def feed(self, data: bytes) -> None:
        parser = expat.ParserCreate(namespace_separator=" ")
        parser.buffer_text = True
        parser.StartDoctypeDeclHandler = self._refuse
        parser.EntityDeclHandler = self._refuse
        parser.StartElementHandler = self._open
        parser.EndElementHandler = self._close
        parser.CharacterDataHandler = self._characters
        try:
            parser.Parse(data, True)
        except expat.ExpatError as error:
            raise DocumentError(
                f"{self.name}: its text is not well-formed XML (line {error.lineno}). Save it again as .docx."
            ) from None

    def _refuse(self, *_: Any) -> None:
        raise DocumentError(
            f"{self.name}: its XML declares a document type or entities, which no word processor writes and which can "
            "be used to read other files. It is refused."
        )

    def _open(self, element: str, attributes: dict[str, str]) -> None:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise DocumentError(f"{self.name}: elements lie more than {MAX_DEPTH} deep. It is refused.")
        space, _, tag = element.rpartition(" ")
        # A text box is there twice, for new and for old readers; the second is left out.
        if self.skipped or tag == "Fallback":
            self.skipped += 1
            return
        if space not in WORD_SPACES:
            return
        if tag == "p":
            self.open.append(_Open())
        elif tag == "tbl":
            self.tables.append([])
        elif tag == "tr" and self.tables:
            self.tables[-1].append([])
        elif tag == "tc" and self.tables and self.tables[-1]:
            self.tables[-1][-1].append("")
        elif self.open:
            self._within(tag, attributes)

    def _within(self, tag: str, attributes: dict[str, str]) -> None:
        paragraph = self.open[-1]
        if tag == "pStyle":
            paragraph.style = next((v for k, v in attributes.items() if k.endswith(" val")), "")
        elif tag == "numPr":
            paragraph.is_item = True
        elif tag == "r":
            self.is_raised = False
        elif tag == "vertAlign":
            self.is_raised = "superscript" in attributes.values()
        elif tag == "position":
            self.is_raised = any(x.isdecimal() and int(x) >= RAISED_BY for x in attributes.values())
        elif tag == "t":
            self.in_text = True
        elif tag in BLANKS:
            paragraph.text.append(BLANKS[tag])

    def _close(self, element: str) -> None:
        self.depth -= 1
        if self.skipped:
            self.skipped -= 1
            return
        space, _, tag = element.rpartition(" ")
        if space not in WORD_SPACES:
            return
        if tag == "t":
            self.in_text = False
        elif tag == "p" and self.open:
            self._paragraph(self.open.pop())
        elif tag == "tbl" and self.tables:
            for text in _cells(self.tables.pop()):
                self.found.append(Paragraph(text, "cell", self.number))

    def _characters(self, text: str) -> None:
        is_note = self.is_raised and not any(map(str.isalpha, text))
        if self.in_text and self.open and not self.skipped and not is_note:
            self.open[-1].text.append(text.translate(RAISED))

    def _paragraph(self, paragraph: _Open) -> None:
        self.number += 1
        text = re.sub(r"\s+", " ", "".join(paragraph.text)).strip()
        if self.tables and self.tables[-1] and self.tables[-1][-1]:
            cells = self.tables[-1][-1]
            cells[-1] = f"{cells[-1]} {text}".strip()
        elif text:
            heading = paragraph.style.lower().startswith(("heading", "title"))
            kind = "heading" if heading else "item" if paragraph.is_item else self.kind
            self.found.append(Paragraph(text, kind, self.number))


def _cells(rows: list[list[str]]) -> Iterator[str]:
    if len(rows) == 1 or any(len(r) == 1 for r in rows[:1]):
        # A frame around running text, not a table of numbers.
        yield from (cell for row in rows for cell in row if cell)
        return
    for row in rows[1:]:
        yield from labelled(rows[0], row)


def labelled(heads: Sequence[str], cells: Sequence[str]) -> Iterator[str]:
    """Give each cell of a row but the first, led by the labels of its row and column.

    Examples
    --------
    >>> list(labelled(["Measure", "2018-19", "2019-20"], ["Formal volunteering", "36%", "37%"]))
    ['Formal volunteering, 2018-19: 36%', 'Formal volunteering, 2019-20: 37%']

    A plain number is a percentage where the head of its column says so.

    >>> list(labelled(["Region", "Signed a petition (%)", "Base"], ["London", "40", "212"]))
    ['London, Signed a petition (%): 40%', 'London, Base: 212']
    """
    label = cells[0] if cells else ""
    if len(cells) == 1 and label:
        yield label
    for head, cell in zip(heads[1:], cells[1:], strict=False):
        if cell:
            unit = "%" if PERCENTAGES.search(head) and PLAIN.fullmatch(cell.strip()) else ""
            yield f"{', '.join(x for x in (label, head) if x)}: {cell}{unit}"
