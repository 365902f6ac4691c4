"""Split running text into sentences and words, and find patterns of words in it.

Belongs here: where a sentence ends, what a word is, and matching a pattern.
Not here: the words themselves (catalogue/data/reading.yaml, keywords of indicators), and what they mean (statements).
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from engagement_stats.catalogue.reading import Sentences

GAP = "..."
GAP_WORDS = 6
WORD = re.compile(r"\d+(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?|[^\W\d_]+(?:'[^\W\d_]+)*|[%£+]")
# A mark that may end a sentence, closing quotes and brackets, the number of a footnote, then space.
END = re.compile(r"[.!?]+[\"')\]]*(?:\[?\d{1,3}\]?(?=\s+[\"'(]*[A-Z]))?(?=\s)")
QUOTES = "\N{LEFT SINGLE QUOTATION MARK}\N{RIGHT SINGLE QUOTATION MARK}\N{SINGLE LOW-9 QUOTATION MARK}"
DOUBLE_QUOTES = "\N{LEFT DOUBLE QUOTATION MARK}\N{RIGHT DOUBLE QUOTATION MARK}\N{DOUBLE LOW-9 QUOTATION MARK}"
# Each stands for one character, so that places in the text stay what they are.
ALIKE = str.maketrans(
    {
        **dict.fromkeys(QUOTES, "'"),
        **dict.fromkeys(DOUBLE_QUOTES, '"'),
        **dict.fromkeys("\N{NO-BREAK SPACE}\N{NARROW NO-BREAK SPACE}\N{THIN SPACE}\t\n", " "),
        **dict.fromkeys("\N{HYPHEN}\N{NON-BREAKING HYPHEN}\N{EN DASH}\N{EM DASH}\N{MINUS SIGN}", "-"),
        "\N{FULLWIDTH PERCENT SIGN}": "%",
    }
)


@dataclass(frozen=True, slots=True)
class Word:
    """A word or number in small letters, and where it stands in the text."""

    text: str
    start: int
    end: int


def alike(text: str) -> str:
    """Write quotes, dashes and spaces in one way, one character for one.

    Examples
    --------
    >>> alike("2018" + chr(0x2013) + "19") == "2018-19"
    True
    """
    return text.translate(ALIKE)


def words(text: str) -> list[Word]:
    """Return the words of a text in small letters; hyphens and quotes part words and are left out.

    Examples
    --------
    >>> [w.text for w in words("36.5% of 'left-behind' 16-24s")]
    ['36.5', '%', 'of', 'left', 'behind', '16', '24', 's']
    """
    return [Word(m.group().lower(), m.start(), m.end()) for m in WORD.finditer(text)]


def sentences(text: str, entries: Sentences) -> Iterator[tuple[int, str]]:
    """Split a passage into sentences.

    Parameters
    ----------
    text : str
        As `alike` writes it.
    entries : Sentences
        Shortened words that end no sentence, those that may, and words that open one.

    Yields
    ------
    tuple of int and str
        Where the sentence begins, and the sentence.

    Examples
    --------
    >>> entries = Sentences(shortened=["e.g."], may_end=["u.k."], openers=["in"])
    >>> text = "Some (e.g. 36.5 per cent.) live in the U.K. In 2018 it was 4 per cent. Then 5."
    >>> [s for _, s in sentences(text, entries)]
    ['Some (e.g. 36.5 per cent.) live in the U.K.', 'In 2018 it was 4 per cent.', 'Then 5.']
    """
    begin = 0
    for match in END.finditer(text):
        if _ends(text, match, entries):
            yield from _stripped(text, begin, match.end())
            begin = match.end()
    yield from _stripped(text, begin, len(text))


def _stripped(text: str, begin: int, end: int) -> Iterator[tuple[int, str]]:
    piece = text[begin:end]
    if piece.strip():
        yield begin + len(piece) - len(piece.lstrip()), piece.strip()


def _ends(text: str, match: re.Match[str], entries: Sentences) -> bool:
    """Say whether a mark ends a sentence, by the word before it and the word after it."""
    after = re.match(r"\s+[\"'(\[]*(\S)([\w']*)", text[match.end() :])
    if after is None:
        return True
    first, rest = after.groups()
    if first.islower():
        return False
    before = re.search(r"\S+$", text[: match.start() + 1])
    word = before.group().lower().lstrip("\"'([") if before else ""
    if word in entries.shortened or re.fullmatch(r"[a-z]\.", word):
        return False
    if word in entries.may_end:
        return (first + rest).lower() in entries.openers
    return True


@lru_cache(maxsize=8192)
def _elements(pattern: str) -> tuple[str, ...]:
    return tuple(GAP if part == GAP else part for part in pattern.split())


def _is(element: str, word: str) -> bool:
    if element == "#":
        return word[0].isdigit()
    if element.endswith("*"):
        return word.startswith(element[:-1])
    return element in (word, word.removesuffix("'s"))  # "women's", "London's"


def _match(elements: tuple[str, ...], found: list[Word], at: int) -> int | None:
    """Return the index after the last word a pattern covers from here, None when it does not match."""
    if not elements:
        return at
    if elements[0] == GAP:
        for skipped in range(GAP_WORDS + 1):
            if (end := _match(elements[1:], found, at + skipped)) is not None:
                return end
        return None
    if at >= len(found) or not _is(elements[0], found[at].text):
        return None
    return _match(elements[1:], found, at + 1)


def find(patterns: Iterable[str], found: list[Word]) -> list[tuple[int, int]]:
    """Find where patterns of words match.

    Parameters
    ----------
    patterns : iterable of str
        Words in small letters parted by spaces. "*" ends a word any way, "#" is any number, "..." up to six words.
    found : list of Word

    Returns
    -------
    list of (int, int)
        First word and the one after the last of each match, by their indices, in the order of the text; of
        matches that begin at one word, the longest.

    Examples
    --------
    >>> find(["sign* ... petition*", "petition"], words("had signed a paper petition"))
    [(1, 5), (4, 5)]
    """
    compiled = [_elements(p) for p in patterns]
    out = []
    for at in range(len(found)):
        ends = [end for p in compiled if (end := _match(p, found, at)) is not None]
        if ends:
            out.append((at, max(ends)))
    return out
