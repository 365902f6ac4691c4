"""Read a text that is to be checked: Markdown, plain text, Word or PDF, as passages that know where they stand.

Belongs here: what of a document is running text, and where each passage stands in it.
Not here: sentences (sentences), what they say (statements), Word (wordfile) and PDF (pdffile) themselves.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from engagement_stats import pdffile, wordfile
from engagement_stats.errors import DocumentError

MAX_BYTES = 20_000_000
MARKDOWN = (".md", ".markdown")
PLAIN = (".txt", ".text")
WORD = (".docx",)
PDF = (".pdf",)
INSTEAD = {
    ".doc": "Open it in a word processor and save it as .docx",
    ".odt": "Open it in a word processor and save it as .docx",
    ".rtf": "Open it in a word processor and save it as .docx",
    ".html": "Copy its text to a .txt file",
}


@dataclass(frozen=True, slots=True)
class Passage:
    """A stretch of text whose sentences belong together.

    `kind` is "heading", "paragraph", "item", "cell" or "footnote". A cell of a table is led by the labels of its row
    and column, since its number says nothing without them. `starts` and `lines` give, for offsets into the text, the
    place in the document.
    """

    text: str
    kind: str
    starts: tuple[int, ...]
    lines: tuple[int, ...]
    unit: str = "line"

    def where(self, offset: int) -> str:
        """Say where in the document a character of the text stands."""
        return f"{self.unit} {self.lines[bisect_right(self.starts, offset) - 1]}"


def read(path: Path) -> list[Passage]:
    """Read the passages of a document.

    Parameters
    ----------
    path : Path
        .md, .txt, .docx or .pdf.

    Returns
    -------
    list of Passage
        In the order of the document. Code, comments, front matter and the targets of links are left out.

    Raises
    ------
    DocumentError
        There is no such file, its kind is not read, it is too large, or it is not what its name says.
    """
    suffix = path.suffix.lower()
    if suffix not in (*MARKDOWN, *PLAIN, *WORD, *PDF):
        instead = INSTEAD.get(suffix, "Save it as one of these")
        raise DocumentError(
            f"{path.name}: this kind of file is not read. Got {suffix or 'no ending'}; expected .md, .txt, .docx or "
            f".pdf. {instead}."
        )
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise DocumentError(
                f"{path.name}: too large for a text. Got {size:,} bytes; expected at most {MAX_BYTES:,}. Split it."
            )
        content = path.read_bytes()
    except OSError as error:
        raise DocumentError(f"{path.name}: cannot be read ({error.strerror}). Give a file that is there.") from None
    if suffix in WORD:
        return [
            Passage(p.text, p.kind, (0,), (p.number,), "paragraph")
            for p in wordfile.paragraphs(content, path.name)
            if p.text.strip()
        ]
    if suffix in PDF:
        return [Passage(p.text, p.kind, (0,), (p.number,), "page") for p in pdffile.paragraphs(content, path.name)]
    text = _decoded(content, path.name)
    return list(_markdown(text) if suffix in MARKDOWN else _plain(text))


def _decoded(content: bytes, name: str) -> str:
    if content.startswith((b"%PDF", b"PK\x03\x04", b"\xd0\xcf\x11\xe0")) or b"\0" in content:
        raise DocumentError(
            f"{name}: not a text, whatever its name says. Got binary content; expected letters. Save the text as .txt."
        )
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        # What Windows editors write where they do not write UTF-8; every byte of it is a letter or a mark.
        text = content.decode("cp1252", errors="replace")
    return text.replace("\r\n", "\n").replace("\r", "\n").translate(wordfile.RAISED)


def _passage(lines: list[tuple[int, str]], kind: str) -> Passage:
    """Join the lines of a passage by spaces, noting where each begins."""
    starts, text = [], ""
    for _, line in lines:
        starts.append(len(text))
        text += line + " "
    return Passage(text.rstrip(), kind, tuple(starts), tuple(n for n, _ in lines))


def _plain(text: str) -> Iterator[Passage]:
    """Take paragraphs parted by empty lines; a line that begins with a bullet begins a passage of its own."""
    held: list[tuple[int, str]] = []
    for number, line in enumerate(text.split("\n"), start=1):
        bullet = BULLET.match(line)
        if held and (bullet or not line.strip()):
            yield _passage(held, "paragraph")
            held = []
        if line.strip():
            held.append((number, line[bullet.end() :].strip() if bullet else line.strip()))
    if held:
        yield _passage(held, "paragraph")


BULLET = re.compile(r"^\s*(?:[-*+\N{BULLET}\N{EN DASH}]|\d{1,3}[.)])\s+")
HEADING = re.compile(r"^\s{0,3}#{1,6}\s+(.*?)\s*#*\s*$")
FENCE = re.compile(r"^\s*(```|~~~)")
RULE = re.compile(r"^\s*(?:[-*_=]\s*){3,}$")
FOOTNOTE = re.compile(r"^\s{0,3}\[\^[^\]]+\]:\s*")
REFERENCE = re.compile(r"^\s{0,3}\[[^\]^]+\]:\s+\S+")
DIVIDER = re.compile(r"^\s*\|?\s*:?-+:?\s*(?:\|\s*:?-+:?\s*)*\|?\s*$")
INLINE = (
    (re.compile(r"!\[[^\]]*\]\([^)]*\)"), ""),
    (re.compile(r"\[\^[^\]]+\]"), ""),
    (re.compile(r"\[([^\]]*)\]\([^)]*\)"), r"\1"),
    (re.compile(r"\[([^\]]*)\]\[[^\]]*\]"), r"\1"),
    (re.compile(r"<?https?://[^\s>)]+>?"), ""),
    (re.compile(r"`[^`]*`"), ""),
    (re.compile(r"<sup>[^<A-Za-z]*</sup>"), ""),
    (re.compile(r"</?[A-Za-z][^>]*>"), ""),
    (re.compile(r"(\*{1,3}|_{2,3})(?=\S)(.+?)(?<=\S)\1"), r"\2"),
    (re.compile(r"(?<!\w)_(?=\S)(.+?)(?<=\S)_(?!\w)"), r"\1"),
    (re.compile(r"\\([\\`*_{}\[\]()#+.!~|%-])"), r"\1"),
)  # fmt: skip


def _inline(text: str) -> str:
    """Take the marks of Markdown off a line."""
    for pattern, kept in INLINE:
        text = pattern.sub(kept, text)
    return text.strip()


def _markdown(text: str) -> Iterator[Passage]:
    lines = list(_running(text))
    held: list[tuple[int, str]] = []
    kind, at = "paragraph", 0
    while at < len(lines):
        number, line = lines[at]
        table = _table_at(lines, at)
        opened = _opened(line)
        if held and (table or opened or not line.strip()):
            yield _passage(held, kind)
            held, kind = [], "paragraph"
        if table:
            yield from _table(lines[at : at + table])
            at += table
            continue
        if opened and opened[0] == "heading":
            yield _passage([(number, _inline(opened[1]))], "heading")
        elif opened:
            kind, rest = opened
            held.append((number, _inline(rest)))
        elif line.strip():
            held.append((number, _inline(line)))
        at += 1
    if held:
        yield _passage(held, kind)


def _opened(line: str) -> tuple[str, str] | None:
    """Say what kind of passage a line opens, with what is left of it; None for a line that goes on."""
    if match := HEADING.match(line):
        return "heading", match.group(1)
    if match := FOOTNOTE.match(line):
        return "footnote", line[match.end() :]
    if match := BULLET.match(line):
        return "item", line[match.end() :]
    return None


def _running(text: str) -> Iterator[tuple[int, str]]:
    """Give the numbered lines of running text: no front matter, code, comments, rules or targets of links."""
    lines = re.sub(r"<!--.*?-->", lambda m: "\n" * m.group().count("\n"), text, flags=re.S).split("\n")
    start = 0
    if lines and lines[0].strip() == "---" and "---" in (x.strip() for x in lines[1:]):
        start = 1 + next(i for i, x in enumerate(lines[1:], start=1) if x.strip() == "---")
    fence = ""
    for number, line in enumerate(lines[start:], start=start + 1):
        mark = FENCE.match(line)
        if mark and not fence:
            fence = mark.group(1)
        elif mark and fence == mark.group(1):
            fence = ""
        elif not fence:
            gone = RULE.match(line) or REFERENCE.match(line)
            yield number, "" if gone else re.sub(r"^\s*(?:>\s?)+", "", line)


def _table_at(lines: list[tuple[int, str]], at: int) -> int:
    """Return how many lines a table has that begins here; 0 where none does."""
    if at + 1 >= len(lines) or "|" not in lines[at][1] or not DIVIDER.match(lines[at + 1][1]):
        return 0
    end = at + 2
    while end < len(lines) and "|" in lines[end][1]:
        end += 1
    return end - at


def _cells(line: str) -> list[str]:
    return [_inline(c) for c in re.split(r"(?<!\\)\|", line.strip().strip("|"))]


def _table(lines: list[tuple[int, str]]) -> Iterator[Passage]:
    heads = _cells(lines[0][1])
    for number, line in lines[2:]:
        yield from (_passage([(number, text)], "cell") for text in wordfile.labelled(heads, _cells(line)))
