r"""Take the text out of rich text (RTF), as far as data dictionaries use it.

Belongs here: control words, groups, code pages and escapes of RTF 1.9 that make or hide text.
Not here: what the text says (dictionary).

One pass by a regular expression that cannot run backwards, and a stack of bounded depth in place of recursion.
"""

import codecs
import re

MAX_DEPTH, MAX_TEXT = 200, 64 << 20
TOKEN = re.compile(
    rb"\\(?P<word>[A-Za-z]{1,40})(?P<number>-?[0-9]{1,9})? ?"
    rb"|\\'(?P<byte>[0-9A-Fa-f]{2})"
    rb"|\\(?P<symbol>[^A-Za-z'])"
    rb"|(?P<brace>[{}])"
    rb"|(?P<breaks>[\r\n]+)"
    rb"|(?P<plain>[^\\{}\r\n]+)",
    re.S,
)
# Groups that hold no text of the document. A group that starts with \* is hidden too.
HIDDEN = frozenset((
    "fonttbl", "colortbl", "stylesheet", "info", "pict", "object", "header", "footer", "headerl", "headerr", "headerf",
    "footerl", "footerr", "footerf", "footnote", "listtable", "listoverridetable", "rsidtbl", "generator", "fldinst",
    "xmlnstbl", "themedata", "datastore", "latentstyles",
))  # fmt: skip
TEXT_OF = {
    "par": "\n", "line": " ", "row": "\n", "sect": "\n", "page": "\n", "tab": "\t", "cell": "\t", "emdash": "\u2014",
    "endash": "\u2013", "lquote": "\u2018", "rquote": "\u2019", "ldblquote": "\u201c", "rdblquote": "\u201d",
    "bullet": "\u2022",
}  # fmt: skip
SYMBOLS = {b"~": " ", b" ": " ", b"_": "-", b"-": "", b"\\": "\\", b"{": "{", b"}": "}", b"\r": "\n", b"\n": "\n"}


class _Reader:
    """The state of a reading: the stack of groups, the code page, and signs of a fallback still to be passed over."""

    def __init__(self) -> None:
        self.out: list[str] = []
        self.size = 0
        # For each open group: whether it is hidden, and how many bytes stand in for a sign given by number.
        self.stack: list[tuple[bool, int]] = []
        self.is_hidden, self.fallback = False, 1
        self.code_page = "cp1252"
        self.to_skip = 0

    def add(self, text: str) -> None:
        self.size += len(text)
        if self.size > MAX_TEXT:
            raise ValueError(f"holds more than {MAX_TEXT:,} characters")
        self.out.append(text)

    def raw(self, octets: bytes) -> None:
        """Take bytes of the code page, less those that only stand in for a sign given by number."""
        kept = octets[self.to_skip :]
        self.to_skip -= len(octets) - len(kept)
        if kept and not self.is_hidden:
            try:
                self.add(kept.decode(self.code_page))
            except UnicodeDecodeError:
                raise ValueError(f"has bytes that its code page {self.code_page} does not have") from None

    def brace(self, sign: bytes) -> None:
        self.to_skip = 0
        if sign == b"{":
            if len(self.stack) >= MAX_DEPTH:
                raise ValueError("is nested too deeply")
            self.stack.append((self.is_hidden, self.fallback))
        elif self.stack:
            self.is_hidden, self.fallback = self.stack.pop()
        else:
            raise ValueError("closes a group it has not opened")

    def word(self, word: str, number: int | None) -> None:
        if word in HIDDEN:
            self.is_hidden = True
        elif word == "ansicpg" and number is not None:
            self.code_page = _code_page(number)
        elif word == "uc" and number is not None:
            self.fallback = max(0, min(number, 8))
        elif word == "bin":
            raise ValueError("holds binary data")
        elif word == "u" and number is not None:
            self.unicode(number)
        elif word in TEXT_OF and not self.is_hidden:
            self.add(TEXT_OF[word])

    def unicode(self, number: int) -> None:
        # Numbers are signed and of 16 bits; signs beyond the first plane come as two surrogates.
        if not self.is_hidden:
            self.add(chr(number & 0xFFFF))
        self.to_skip = self.fallback


def _code_page(number: int) -> str:
    try:
        return codecs.lookup(f"cp{number}").name
    except LookupError:
        raise ValueError(f"is of the unknown code page {number}") from None


def text(content: bytes) -> str:
    r"""Return the text of a rich text document, its paragraphs separated by line feeds.

    Parameters
    ----------
    content : bytes
        The document.

    Returns
    -------
    str
        What a reader of the document would see.

    Raises
    ------
    ValueError
        Not rich text, cut short, or of a kind that data dictionaries are not.

    Examples
    --------
    >>> text(rb"{\rtf1\ansi{\fonttbl{\f0 Arial;}}{\b Pos. = }1\tab Caf\'e9\par}")
    'Pos. = 1\tCafé\n'
    """
    if not content.startswith(b"{\\rtf"):
        raise ValueError("does not begin as rich text does")
    reader, at = _Reader(), 0
    while at < len(content):
        token = TOKEN.match(content, at)
        if token is None:
            raise ValueError("ends in the middle of a sign")
        at = token.end()
        _take(reader, token)
        if not reader.stack:
            break
    if reader.stack:
        raise ValueError("is cut short: a group is not closed")
    if content[at:].strip(b"\x00\r\n\t "):
        raise ValueError("goes on after its end")
    return "".join(reader.out).encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _take(reader: _Reader, token: re.Match[bytes]) -> None:
    kind, found = token.lastgroup, token.groupdict()
    if kind in ("word", "number"):
        number = found["number"]
        reader.word(found["word"].decode(), None if number is None else int(number))
    elif kind == "byte":
        reader.raw(bytes.fromhex(found["byte"].decode()))
    elif kind == "brace":
        reader.brace(found["brace"])
    elif kind == "plain":
        reader.raw(found["plain"])
    elif kind == "symbol":
        if found["symbol"] == b"*":
            reader.is_hidden = True
        elif not reader.is_hidden:
            reader.add(SYMBOLS.get(found["symbol"], ""))
