"""Find a table on a sheet by its words: the title above it, its headers, its rows.

Belongs here: comparing words as people write them, and where on a sheet a title, header or label stands.
Not here: what is found there (workbook), and reading the sheet (readers.spreadsheet).

Words must be found exactly once. Where they are not, the error names the sheet, what was sought and what is most like
it.
"""

import difflib
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from engagement_stats.errors import IngestError, listed
from engagement_stats.readers.model import Cell

Grid = Sequence[Sequence[Cell]]
JOIN = " | "
# A pointer to a note, as the Analysis Function asks publishers to write it: [note 3], [notes 1, 2 and 4].
NOTE = re.compile(r"\[\s*notes?\s*\d+(?:\s*(?:,|and|to|-)\s*(?:notes?\s*)?\d+)*\s*\]", re.IGNORECASE)
SAME = str.maketrans({"‐": "-", "‑": "-", "–": "-", "—": "-", "−": "-", "‘": "'", "’": "'", "“": '"', "”": '"'})  # noqa: RUF001
WORD = re.compile(r"[^\W\d_]{3}")
SHOWN = 60


@lru_cache(maxsize=65_536)
def plain(text: str) -> str:
    r"""Return words as they are compared: without pointers to notes, letter case, kinds of dash and extra blanks.

    Examples
    --------
    >>> plain("Aged 16 to 24  [note 3]"), plain("No. of\nrespondents [notes 1, 2]")
    ('aged 16 to 24', 'no. of respondents')
    """
    return " ".join(unicodedata.normalize("NFKC", NOTE.sub(" ", text)).translate(SAME).split()).casefold()


def text_of(cell: Cell) -> str:
    """Return what a cell says as words; a whole number, such as a year, without a decimal point."""
    if cell.value is None:
        return ""
    if isinstance(cell.value, str):
        return cell.value
    return str(int(cell.value)) if cell.value == int(cell.value) else repr(cell.value)


def _nearest(wanted: Sequence[str], there: Iterable[str]) -> str:
    """Name the words most like those wanted, for a message."""
    words = {plain(t): t for t in there if t.strip()}
    keys = [plain(w) for w in wanted]
    near = [n for k in keys for n in difflib.get_close_matches(k, list(words), 3, 0.4)]
    near += [n for n in words if any(k in n or n in k for k in keys)]
    found = [" ".join(words[n].split())[:SHOWN] for n in dict.fromkeys(near)][:3]
    return f" Nearest: {listed([repr(f) for f in found])}." if found else " Nothing there is like it."


def _quoted(wanted: Sequence[str]) -> str:
    return " or ".join(f'"{w}"' for w in wanted)


def one(places: Mapping[str, Sequence[int]], wanted: Sequence[str], what: str, where: str) -> int:
    """Return the place of the one label that is spelled in one of the ways wanted.

    Parameters
    ----------
    places : mapping of str to sequence of int
        Label as it stands there to its places.
    wanted : sequence of str
        Spellings.
    what : str
        What the places are, for the message: "row", "column".
    where : str
        File and sheet.

    Raises
    ------
    IngestError
        It is not there, or several times.
    """
    keys = {plain(w) for w in wanted}
    hits = [place for label, found in places.items() if plain(label) in keys for place in found]
    if len(hits) == 1:
        return hits[0]
    if not hits:
        raise IngestError(
            f"{where}: no {what} is labelled {_quoted(wanted)}.{_nearest(wanted, places)} Correct the label in the "
            "wave's workbook entry."
        )
    raise IngestError(
        f"{where}: {len(hits)} {what}s are labelled {_quoted(wanted)}, expected one. Got {what}s "
        f"{listed([h + 1 for h in hits])}. Say which table is meant by its title, or which question, or write the "
        "label in full."
    )


def title_row(grid: Grid, title: str, where: str, what: str = "title") -> int:
    """Return the row of the one cell that holds the words of a title, or of a question.

    Raises
    ------
    IngestError
        No cell does, or several do.
    """
    key = plain(title)
    texts = [(r, c.value) for r, row in enumerate(grid) for c in row if isinstance(c.value, str) and not c.spread]
    hits = [r for r, text in texts if key in plain(text)]
    if len(hits) == 1:
        return hits[0]
    if not hits:
        raise IngestError(
            f'{where}: no cell holds the {what} "{title}".{_nearest([title], [t for _, t in texts])} Correct the '
            f"{what} in the wave's workbook entry."
        )
    raise IngestError(
        f'{where}: {len(hits)} cells hold the {what} "{title}", expected one. Got rows '
        f"{listed([h + 1 for h in hits])}. Give more of the {what}'s words."
    )


@dataclass(frozen=True, slots=True)
class Header:
    """Where a table's headers stand: its first row, the first row below, and each header's columns by its words."""

    top: int
    below: int
    columns: Mapping[str, Sequence[int]]


def _paths(grid: Grid, top: int, height: int, first: int, carry: bool) -> dict[str, list[int]]:
    """Join the headers over each column, top to bottom; with `carry` one serves the columns to its right too."""
    rows = grid[top : top + height]
    width = max((len(row) for row in rows), default=0)
    own = [[text_of(row[c]).strip() if c < len(row) else "" for c in range(width)] for row in rows]
    carried = [list(line) for line in own]
    for line in carried[:-1] if carry else []:
        for c in range(first + 1, width):
            line[c] = line[c] or line[c - 1]
    found: dict[str, list[int]] = {}
    for c in range(first, width):
        # A column without a header of its own (a gap between groups) is served by none.
        parts = [line[c] for line in (carried if own[-1][c] else own) if line[c]]
        # Merged down over several rows of headers, a text is one header and not several.
        path = JOIN.join(p for i, p in enumerate(parts) if i == 0 or plain(p) != plain(parts[i - 1]))
        if path:
            found.setdefault(path, []).append(c)
    return found


def _is_of_numbers(row: Sequence[Cell]) -> bool:
    """Say whether a row holds numbers of a table, and not one that stands by itself, such as a year."""
    return sum(isinstance(c.value, float) for c in row) > 1


def header(
    grid: Grid, wanted: Sequence[Sequence[str]], where: str, *, height: int = 1, start: int | None = None,
    above: int | None = None, first: int = 0, carry: bool = False,
) -> Header:  # fmt: skip
    """Return the rows of headers that have every header wanted.

    Parameters
    ----------
    grid : Grid
    wanted : sequence of sequence of str
        Each header's spellings, rows of headers joined by " | ".
    where : str
        File and sheet.
    height : int
        Rows of headers.
    start : int, optional
        The row of the title, below which the headers must stand before any row of numbers. Without it the sheet must
        have one such place.
    above : int, optional
        The row of a question. The headers are the nearest ones above it.
    first : int
        The first column that may have a header wanted.
    carry : bool
        A header over the first of its columns serves those to its right up to the next one.

    Raises
    ------
    IngestError
        No place has them all (the best one's missing headers are named), a header stands over several columns, or,
        without a title, several places have them.
    """
    keys = [{plain(w) for w in spellings} for spellings in wanted]
    hits: list[Header] = []
    best: tuple[int, dict[str, list[int]]] = (0, {})
    for top in range(start or 0, (len(grid) if above is None else above) - height + 1):
        paths = _paths(grid, top, height, first, carry)
        there = {plain(p) for p in paths}
        count = sum(bool(k & there) for k in keys)
        if count == len(keys):
            hits.append(Header(top, top + height, paths))
        elif count and count >= best[0]:
            best = (count, paths)
        if start is not None and (hits or _is_of_numbers(grid[top])):
            break
    if above is not None:
        hits = hits[-1:]
    if len(hits) > 1:
        raise IngestError(
            f"{where}: {len(hits)} rows hold the headers wanted, expected one. Got rows "
            f"{listed([h.top + 1 for h in hits])}. Say which table is meant by its title, or which question."
        )
    if not hits:
        raise IngestError(_no_header(grid, wanted, best[1], where))
    for spellings in wanted:
        one(hits[0].columns, spellings, "column", where)
    return hits[0]


def _no_header(grid: Grid, wanted: Sequence[Sequence[str]], best: Mapping[str, Sequence[int]], where: str) -> str:
    there = {plain(p) for p in best}
    missing = next(w for w in wanted if not {plain(x) for x in w} & there)
    pool = list(best) or [text_of(c) for row in grid for c in row if isinstance(c.value, str)]
    return (
        f"{where}: no row holds the headers wanted: {_quoted(missing)} is not among them.{_nearest(missing, pool)} "
        "Correct the header, or header_rows, in the wave's workbook entry."
    )


def blocks(grid: Grid, span: range, beside: int, columns: Sequence[int]) -> list[range]:
    """Cut the rows of a table that holds several questions.

    A question begins with a label in column `beside` with nothing in `columns`, below rows that have something there.

    Returns
    -------
    list of range
        The rows before the first question, if any, and of each question.
    """
    starts, is_filled = [span.start], False
    for r in span:
        if any(c < len(grid[r]) and text_of(grid[r][c]).strip() for c in columns):
            is_filled = True
        elif is_filled and beside < len(grid[r]) and text_of(grid[r][beside]).strip():
            starts.append(r)
            is_filled = False
    return [range(*ends) for ends in pairwise([*starts, span.stop])]


def end_of_table(grid: Grid, below: int, columns: Sequence[int]) -> int:
    """Return the row at which the headers of another table begin, or the end of the sheet.

    Headers are words over the columns, and not the same ones: marks in place of numbers are.
    """
    for r in range(below, len(grid)):
        words = {plain(text_of(grid[r][c])) for c in columns if c < len(grid[r])}
        if sum(bool(WORD.search(w)) and not w.startswith("[") for w in words) >= min(2, len(columns)):
            return r
    return len(grid)
