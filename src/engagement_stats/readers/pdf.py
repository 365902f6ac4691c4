"""Take text out of a PDF: its lines as drawn, and its lines as printed, with where they stand on the page.

Belongs here: pages, characters and where they stand, and what is refused of a PDF.
Not here: what a data dictionary says (dictionary), and which lines make a paragraph (pdffile).

The parser is in C++ and is loaded in a child process only.
"""

import json
import re
import unicodedata
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from ctypes import c_double
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from typing import Any, BinaryIO, TextIO

MAX_PAGES, MAX_TEXT = 5_000, 64 << 20
# Of a page that is to be laid out again every character is looked at.
MAX_LAID_OUT = 5_000_000
# How a hyphen at the end of a line is given, and one that shows only there.
HYPHENS = dict.fromkeys("\x02\xad\ufffe", "-")
# The bullet of the fonts Symbol and Wingdings, as word processors write it.
BULLETS = dict.fromkeys("\uf0b7\uf0a7", "\N{BULLET}")
# A running head stands on this many pages at least.
SEVERAL = 3
# What the fonts of TeX have at places where others have no letter (encodings OT1 and T1), and say nothing of.
OF_TEX = {
    "\x0b": "ff", "\x0c": "fi", "\x0d": "fl", "\x0e": "ffi", "\x0f": "ffl", "\x10": "\N{LEFT DOUBLE QUOTATION MARK}",
    "\x11": "\N{RIGHT DOUBLE QUOTATION MARK}", "\x15": "\N{EN DASH}", "\x16": "\N{EM DASH}", "\x1b": "ff",
    "\x1c": "fi", "\x1d": "fl", "\x1e": "ffi", "\x1f": "ffl",
}  # fmt: skip
INSTEAD = HYPHENS | BULLETS | OF_TEX
# Shares of a line's height: characters of one line overlap by so much, pieces of it are so far apart, and the sign of a
# note is so much smaller than the line and raised above it. LibreOffice draws it larger, but higher.
OVERLAP, APART, SMALLER, RAISED = 0.5, 1.5, 0.85, 0.12
LARGER, HIGHER = 0.95, 0.3


def pages(path: Path) -> list[list[str]]:
    """Return the lines of each page of a PDF.

    Parameters
    ----------
    path : Path

    Returns
    -------
    list of list of str
        In the order in which the file draws them. Spaces between words may be fewer or more than on the page.

    Raises
    ------
    ValueError
        Encrypted, damaged, without text (a scan, for example), or larger than a dictionary is.
    """
    found = [text.get_text_range().splitlines() for text in _pages(path, MAX_TEXT)]
    if not any(line.strip() for page in found for line in page):
        raise ValueError("holds no text, as a scan does not")
    return found


def numbered(line: str) -> str:
    """Return a line with a sign for every number, by which running heads of several pages are alike.

    Examples
    --------
    >>> numbered("Briefing, page 12 of 31")
    'Briefing, page # of #'
    """
    return re.sub(r"\d+", "#", line.strip())


@dataclass(slots=True)
class Printed:
    """A printed line: its page, its pieces as in a row of a table, and where it stands, in points."""

    page: int
    pieces: list[str]
    left: float
    right: float
    base: float
    height: float


def main(job: Mapping[str, Any], answer: TextIO, data: BinaryIO) -> None:
    """Lay out the PDF at `job["path"]` again and write its printed lines to `data`, or what is wrong to `answer`."""
    try:
        found = list(printed(Path(job["path"])))
    except ValueError as error:
        json.dump({"error": str(error)}, answer)
        return
    data.write(json.dumps([asdict(line) for line in found]).encode())
    json.dump({"lines": len(found)}, answer)


def printed(path: Path) -> Iterator[Printed]:
    """Yield the lines of a PDF as they stand on its pages.

    The signs of notes are left out: read with what they follow, "36 per cent" with note 1 would be another number.

    Raises
    ------
    ValueError
        As `pages`.
    """
    any_text = False
    for number, text in enumerate(_pages(path, MAX_LAID_OUT), start=1):
        for line in _on_page(text):
            any_text = True
            yield line.printed(number)
    if not any_text:
        raise ValueError("holds no text, as a scan does not")


@contextmanager
def _damage_named() -> Iterator[None]:
    from pypdfium2 import PdfiumError, raw

    try:
        yield
    except PdfiumError as error:
        locked = error.err_code in (raw.FPDF_ERR_PASSWORD, raw.FPDF_ERR_SECURITY)
        raise ValueError("is encrypted" if locked else "is damaged") from None


def _pages(path: Path, most: int) -> Iterator[Any]:
    """Yield the text of each page, `most` characters in all."""
    from pypdfium2 import PdfDocument

    size = 0
    # Given a path, the library would open by name what this process was given open.
    with _damage_named(), PdfDocument(path.read_bytes()) as document:
        if len(document) > MAX_PAGES:
            raise ValueError(f"has more than {MAX_PAGES:,} pages")
        for number in range(len(document)):
            with closing(document[number]) as page, closing(page.get_textpage()) as text:
                size += text.count_chars()
                if size > most:
                    raise ValueError(f"holds more than {most:,} characters")
                yield text


@dataclass(frozen=True, slots=True)
class _Sign:
    text: str
    left: float
    bottom: float
    right: float
    top: float
    # The line it stands on; fonts reach differently far below it.
    base: float
    # Whether a space stands before it.
    is_apart: bool

    @property
    def height(self) -> float:
        return self.top - self.bottom

    def is_note(self, height: float, base: float) -> bool:
        """Say whether this is the sign of a note in a line of such a height; 19th has letters there."""
        size, raised = self.height / height, (self.base - base) / height
        is_raised = (size < SMALLER and raised > RAISED) or (size < LARGER and raised > HIGHER)
        return is_raised and not self.text.isalpha()


@dataclass(slots=True)
class _Line:
    signs: list[_Sign] = field(default_factory=list)

    def takes(self, sign: _Sign) -> bool:
        """Say whether a sign goes on with this line: beside its last one and not to the left of it."""
        if not self.signs:
            return True
        last = self.signs[-1]
        shared = min(last.top, sign.top) - max(last.bottom, sign.bottom)
        lowest = min(last.height, sign.height)
        return shared >= OVERLAP * lowest and sign.left >= last.left - lowest

    def printed(self, page: int) -> Printed:
        # A font may claim no height at all.
        height, base = median(s.height for s in self.signs) or 1.0, median(s.base for s in self.signs)
        pieces, last, noted = [self.signs[0].text], self.signs[0], False
        for sign in self.signs[1:]:
            if sign.is_note(height, base):
                noted = True
                continue
            if sign.left - last.right > APART * height:
                pieces.append("")
            elif noted or sign.is_apart:
                pieces[-1] += " "
            pieces[-1] += sign.text
            last, noted = sign, False
        left, right = min(s.left for s in self.signs), max(s.right for s in self.signs)
        return Printed(page, pieces, left, right, base, height)


def _on_page(text: Any) -> Iterator[_Line]:
    line = _Line()
    for sign in _signs(text):
        if not line.takes(sign):
            yield line
            line = _Line()
        line.signs.append(sign)
    if line.signs:
        yield line


def _signs(text: Any) -> Iterator[_Sign]:
    """Yield what is printed on a page, sign by sign; spaces and ends of lines are noted with what follows them."""
    from pypdfium2 import raw

    x, y, is_apart = c_double(), c_double(), False
    for index in range(text.count_chars()):
        # A surrogate or a sign that stands for none has no place in a text.
        code = raw.FPDFText_GetUnicode(text, index)
        sign = chr(code) if code < 0xD800 or 0xDFFF < code <= 0x10FFFF else ""
        if sign in INSTEAD and not raw.FPDFText_IsGenerated(text, index):
            sign = INSTEAD[sign]
        sign = "".join(map(_plain, sign)).strip()
        if not sign:
            is_apart = True
            continue
        left, bottom, right, top = text.get_charbox(index, loose=True)
        raw.FPDFText_GetCharOrigin(text, index, x, y)
        yield _Sign(sign, left, bottom, right, top, y.value, is_apart)
        is_apart = False


def _plain(sign: str) -> str:
    """Return a sign as a text has it: two letters where "fi" is drawn as one, nothing for the number of a note."""
    made_of = unicodedata.decomposition(sign)
    if made_of.startswith("<super>") or not sign.isprintable():
        return ""
    return unicodedata.normalize("NFKC", sign) if made_of.startswith("<compat>") else sign
