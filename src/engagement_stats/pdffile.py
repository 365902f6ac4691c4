"""Read the paragraphs of a PDF, which holds printed lines only.

Belongs here: which lines go on with one another, running heads, headings by their size, rows of a table.
Not here: lines and where they stand (readers.pdf, in a child process), what the text says (statements).
"""

import json
import re
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import BinaryIO

from engagement_stats import sandbox
from engagement_stats.errors import DocumentError, IngestError
from engagement_stats.readers.pdf import SEVERAL, Printed, numbered
from engagement_stats.readers.worker import descriptor
from engagement_stats.wordfile import Paragraph, labelled

READER = "engagement_stats.readers.pdf"
MAX_LINES, LONGEST = 64 << 20, 200
BULLET, DASHES = re.compile(r"^[\N{BULLET}\N{EN DASH}\N{BLACK SQUARE}o-]\s+"), "-\N{EN DASH}"
BROKEN = re.compile(r"\w-$")
ENDS = re.compile(r"[.!?:;]['\")\]\N{RIGHT SINGLE QUOTATION MARK}\N{RIGHT DOUBLE QUOTATION MARK}]*$")
# A cell that is nothing but a figure, or a year; a share is nobody's head of a column.
FIGURE, SHARE = (
    re.compile(r"[<~]?\d+(?:[.,]\d+)*\s?%?|\d{4}[-/\N{EN DASH}]\d\d(?:\d\d)?"),
    re.compile(r"[<~]?[\d.,]+\s?%"),
)
BEFORE_SHARE, SPAN = re.compile(r"\s+(?=[<~]?[\d.,]+\s?%$)"), re.compile(r"\d{4}[-/\N{EN DASH}]\d\d(?:\d\d)?")
# Shares of the usual height of a line: of a heading, of a note; and how much lines of one paragraph may differ.
HEADING, NOTE, ALIKE = 1.12, 0.92, 0.08
# Lines stand this much further apart, as a share of what is usual, where a paragraph ends.
GAP, COMMON = 1.25, 0.05
# What stands this near the upper or lower edge of the print (as a share of it) on several pages is a running head.
MARGIN = 0.1


def paragraphs(content: bytes, name: str) -> list[Paragraph]:
    """Read the paragraphs of a PDF.

    Parameters
    ----------
    content : bytes
        Of the file.
    name : str
        Of the file, for messages.

    Returns
    -------
    list of Paragraph
        In the order in which the file draws them; `number` is the page. Signs of notes, running heads and numbers of
        pages are left out. A cell of a table with a row of heads is led by the labels of its row and column.

    Raises
    ------
    DocumentError
        Encrypted, damaged, without text, too large, or such that the parser of it crashes.
    """
    lines = _without_heads(_printed(content, name))
    return list(_joined(lines))


def _printed(content: bytes, name: str) -> list[Printed]:
    """Have a child process read the lines; what it answers is checked, since the file may have taken it over."""
    with tempfile.TemporaryFile() as file, tempfile.TemporaryFile() as data:
        file.write(content)
        file.flush()
        try:
            answer = sandbox.run(
                READER, {"path": str(descriptor(file.fileno()))}, data, where=name,
                limits=sandbox.Limits.of(len(content)), files=[file.fileno()],
            )  # fmt: skip
            if "error" not in answer:
                return _checked(data)
            said = f"{name}: the PDF {str(answer['error'])[:LONGEST]}."
        except IngestError:
            said = f"{name}: the parser of the PDF failed. It is damaged, hostile, or larger than a text."
        except (TypeError, KeyError, ValueError):
            said = f"{name}: the PDF is damaged."
    raise DocumentError(f"{said} Save the text it was made from, or copy its text to a .txt file.")


def _checked(data: BinaryIO) -> list[Printed]:
    data.seek(0)
    found = [Printed(**line) for line in json.loads(data.read(MAX_LINES))]
    return [
        Printed(int(x.page), [str(p) for p in x.pieces], *(float(v) for v in (x.left, x.right, x.base, x.height)))
        for x in found
    ]


def _text(line: Printed) -> str:
    return " ".join(line.pieces)


def _without_heads(lines: Sequence[Printed]) -> list[Printed]:
    """Leave out what stands at the edge of several pages alike, whatever its numbers, and numbers of pages."""
    top, bottom = max((x.base for x in lines), default=0.0), min((x.base for x in lines), default=0.0)
    margin = MARGIN * (top - bottom)

    def is_at_edge(line: Printed) -> bool:
        return line.base >= top - margin or line.base <= bottom + margin

    def pattern(line: Printed) -> tuple[str, int]:
        return numbered(_text(line)), round(line.base)

    pages = len({x.page for x in lines})
    times = Counter(p for p, _ in {(pattern(x), x.page) for x in lines if is_at_edge(x)})
    heads = {p for p, n in times.items() if n >= SEVERAL and 2 * n >= pages}
    return [x for x in lines if not (is_at_edge(x) and (pattern(x) in heads or _text(x).isdecimal()))]


@dataclass(frozen=True, slots=True)
class _Usual:
    """The height of the lines of running text, and how far one stands below another."""

    height: float
    step: float


def _usual(lines: Sequence[Printed]) -> _Usual:
    heights: Counter[float] = Counter()
    for line in lines:
        heights[round(2 * line.height) / 2] += len(_text(line))
    height = max(heights, key=lambda h: heights[h], default=1.0) or 1.0
    steps: Counter[float] = Counter()
    for above, line in pairwise(lines):
        step = above.base - line.base
        if above.page == line.page and abs(line.height - height) <= ALIKE * height and 0 < step < 3 * height:
            steps[round(step)] += 1
    # Paragraphs of one line each would make the space between them the usual one.
    common = [s for s, n in steps.items() if n >= max(2, COMMON * steps.total())]
    return _Usual(height, min(common, default=1.5 * height))


def _joined(lines: Sequence[Printed]) -> Iterator[Paragraph]:
    usual = _usual(lines)
    known = Counter(w for x in lines for w in re.findall(r"[a-z]+", _text(x).lower()))
    held: list[Printed] = []
    for rows, line in _rows(lines):
        if held and (rows or not _goes_on(held, line, usual)):
            yield _paragraph(held, usual, known)
            held = []
        if rows:
            yield from _cells(rows)
        else:
            held.append(line)
    if held:
        yield _paragraph(held, usual, known)


def _rows(lines: Sequence[Printed]) -> Iterator[tuple[list[Printed], Printed]]:
    """Yield rows of as many cells together, the first of them perhaps their heads; any other line alone."""
    at = 0
    while at < len(lines):
        end = at
        while end < len(lines) and _is_below(lines[end], lines[at], is_next=end > at):
            end += 1
        if end - at > 1 or _is_row(lines[at]):
            yield list(lines[at : max(end, at + 1)]), lines[at]
            at = max(end, at + 1)
        else:
            yield [], lines[at]
            at += 1


def _is_below(line: Printed, heads: Printed, *, is_next: bool) -> bool:
    """Say whether a line has as many cells as its heads, and does not give heads of its own."""
    given = [line.pieces[0] == heads.pieces[0], all(map(SPAN.fullmatch, line.pieces[1:]))]
    return 1 < len(line.pieces) == len(heads.pieces) and not (is_next and any(given))


def _is_row(line: Printed) -> bool:
    """Say whether a line is a row of a table, whatever stands above and below it."""
    return any(FIGURE.fullmatch(piece) for piece in line.pieces[1:])


def _cells(rows: Sequence[Printed]) -> Iterator[Paragraph]:
    if len(rows) == 1 or any(SHARE.fullmatch(head) for head in rows[0].pieces):
        # What heads the columns is not known: a figure led by the label of its row only would be of another year.
        parts = ((part, row.page) for row in rows for piece in row.pieces for part in BEFORE_SHARE.split(piece))
        yield from (Paragraph(part, "cell", page) for part, page in parts)
        return
    for row in rows[1:]:
        for text in labelled(rows[0].pieces, row.pieces):
            yield Paragraph(text, "cell", row.page)


def _goes_on(held: Sequence[Printed], line: Printed, usual: _Usual) -> bool:
    """Say whether a line goes on with a paragraph."""
    last = held[-1]
    is_open = not ENDS.search(_text(last))
    both = last.height / usual.height, line.height / usual.height
    # Words in another font within a paragraph are lower or higher, too.
    alike = abs(both[0] - both[1]) <= ALIKE or (is_open and max(both) < HEADING)
    # A dash may as well go on with a sentence.
    bullet = BULLET.match(_text(line))
    if (bullet and (bullet[0][0] not in DASHES or not is_open)) or not alike:
        return False
    step = last.base - line.base
    if last.page == line.page and step > 0:
        beside = line.left < last.right and last.left < line.right
        return beside and step <= GAP * usual.step * max(*both, 1.0)
    # The next page, or the next column.
    return is_open and _text(line)[:1].islower()


def _paragraph(held: Sequence[Printed], usual: _Usual, known: Counter[str]) -> Paragraph:
    text = ""
    for line in held:
        text = _after_hyphen(text, _text(line), known) if BROKEN.search(text) else f"{text} {_text(line)}".strip()
    kind = "paragraph"
    if bullet := BULLET.match(text):
        text, kind = text[bullet.end() :], "item"
    elif held[0].height >= HEADING * usual.height:
        kind = "heading"
    elif held[0].height <= NOTE * usual.height:
        kind = "footnote"
    return Paragraph(text, kind, held[0].page)


def _after_hyphen(text: str, line: str, known: Counter[str]) -> str:
    """Join a word that ends a line with a hyphen: without it where the whole word stands elsewhere too."""
    first, rest = re.search(r"[A-Za-z]*(?=-$)", text), re.match(r"[a-z]*", line)
    parts = (first[0].lower() if first else "", rest[0] if rest else "")
    whole = parts[0] + parts[1]
    both_known = all(known[p] > 1 for p in parts)
    if all(parts) and (known[whole] or not both_known):
        return text[:-1] + line
    return text + line
