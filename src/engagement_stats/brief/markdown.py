"""Fill a Markdown template: text with footnotes, pipe tables, lists.

Belongs here: how a piece looks in Markdown, and what of foreign text must be escaped.
Not here: what a piece says (pieces), and which piece is asked for (template, names).
"""

import re
from pathlib import Path
from typing import TYPE_CHECKING

from engagement_stats.brief.pieces import Listing, Note, Piece, Spans, Table, Text
from engagement_stats.brief.template import TOKEN, context, environment
from engagement_stats.errors import BriefError

if TYPE_CHECKING:
    from engagement_stats.brief.document import Ending

SPECIAL = re.compile(r"([\\`*_{}\[\]<>|~^$&#])")
# What would begin a list, a heading or a rule if it came to stand first in a line.
FIRST = re.compile(r"^([-+=]|[0-9]+(?=[.)](?:\s|$)))")
ADDRESS = re.compile(r"https?://[A-Za-z0-9/:._~?=&%+,;-]*[A-Za-z0-9/]")


def escaped(text: str) -> str:
    r"""Escape what Markdown would read as markup; web addresses become links.

    Examples
    --------
    >>> print(escaped("a|b *c* <i>"))
    a\|b \*c\* \<i\>
    >>> escaped("see https://a.uk/b_c.")
    'see <https://a.uk/b_c>.'
    """
    text = " ".join(text.split())
    parts, last = [], 0
    for found in ADDRESS.finditer(text):
        parts += [SPECIAL.sub(r"\\\1", text[last : found.start()]), f"<{found.group()}>"]
        last = found.end()
    parts.append(SPECIAL.sub(r"\\\1", text[last:]))
    return FIRST.sub(lambda m: m[1] + "\\" if m[1].isdigit() else f"\\{m[1]}", "".join(parts))


class Markdown:
    """A Markdown template.

    Parameters
    ----------
    path : Path
    """

    def __init__(self, path: Path) -> None:
        try:
            self.source = path.read_text(encoding="utf-8-sig")
        except UnicodeDecodeError:
            raise BriefError(f"{path}: not text in UTF-8. Save the template in that encoding.") from None
        self.problems: list[tuple[int, str]] = []
        # Footnotes the author wrote keep their labels.
        self._before = max((int(n) for n in re.findall(r"\[\^([0-9]{1,6})\]", self.source)), default=0)
        self._notes: dict[str, int] = {}

    def place(self, line: int) -> str:
        """Say where a line is."""
        return f"line {line}"

    def text(self, line: int) -> str:
        """Return a line."""
        return self.source.split("\n")[line - 1]

    def filled(self, pieces: list[Piece], values: dict[str, str], ending: "Ending") -> bytes:
        """Return the document as UTF-8."""
        self._notes = {}
        template = environment(autoescape=False).from_string(self.source)
        text = template.render(context({k: escaped(v) for k, v in values.items()}))
        text = TOKEN.sub(lambda found: self._said(pieces[int(found[1])]), text)
        notes = [f"[^{n}]: {escaped(note)}" for note, n in self._notes.items()]
        first = [f"**{escaped(ending.first)}**"] if ending.first else []
        last = [escaped(line) for line in ending.last]
        return ("\n\n".join([*first, text.strip("\n"), *notes, "---", *last]) + "\n").encode()

    def _said(self, piece: Piece) -> str:
        if isinstance(piece, Text):
            return self._inline(piece.spans)
        if isinstance(piece, Listing):
            return "\n".join(f"- {escaped(item)}" for item in piece.items)
        return self._table(piece)

    def _inline(self, spans: Spans) -> str:
        return "".join(self._note(s) if isinstance(s, Note) else escaped(s) for s in spans)

    def _note(self, note: Note) -> str:
        return f"[^{self._notes.setdefault(note.text, self._before + len(self._notes) + 1)}]"

    def _table(self, table: Table) -> str:
        rule = ["---:" if i in table.right else "---" for i in range(len(table.headings))]
        lines = [[escaped(h) for h in table.headings], rule]
        lines += [[self._inline(cell) for cell in row] for row in table.rows]
        caption = f"**{escaped(table.caption)}**"
        return "\n".join([caption, "", *(f"| {' | '.join(cells)} |" for cells in lines)])
