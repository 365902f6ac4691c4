"""Make the elements of a Word document: runs of text, paragraphs, tables.

Belongs here: elements from plain text, which is set as text and never parsed.
Not here: where they go (word), and footnotes (word_notes).
"""

import copy
import re
from collections.abc import Callable
from typing import Any

from engagement_stats.brief.pieces import Spans, Table

NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
# Twentieths of a point, the width of A4 between usual margins; Word scales the table to the width there is.
TEXT_WIDTH = 9000
CHARACTER = 105  # of small type, and
MARGINS = 300  # of a cell with the number of a footnote
LONG = 150  # characters beyond which a column wraps and needs no more room
SMALL = "18"  # half points

Inline = Callable[[Spans, Any], list[Any]]


def w(tag: str, **attributes: str) -> Any:
    """Make an element of Word's namespace."""
    from docx.oxml import OxmlElement
    from docx.oxml.ns import qn

    element = OxmlElement(f"w:{tag}")
    for name, value in attributes.items():
        element.set(qn(f"w:{name}"), value)
    return element


def run(style: Any) -> Any:
    """Make an empty run in a style of characters, or in none."""
    made = w("r")
    if style is not None:
        made.append(copy.deepcopy(style))
    return made


def words(text: str, style: Any) -> Any:
    """Make a run of text; characters that XML cannot hold become blanks."""
    made, said = run(style), w("t")
    said.text = NOT_XML.sub(" ", text)
    said.set("{http://www.w3.org/XML/1998/namespace}space", "preserve")
    made.append(said)
    return made


def text_of(element: Any) -> str:
    """Return the text below an element."""
    from docx.oxml.ns import qn

    return "".join(t.text or "" for t in element.iter(qn("w:t")))


def characters(*, bold: bool = False, small: bool = False) -> Any:
    """Make the properties of a run."""
    made = w("rPr")
    if bold:
        made.append(w("b"))
    if small:
        made.append(w("sz", val=SMALL))
    return made


def paragraph(runs: list[Any], *, style: str | None = None, keep: bool = False) -> Any:
    """Make a paragraph; `keep` holds it on the page of the next."""
    made, properties = w("p"), w("pPr")
    if style:
        properties.append(w("pStyle", val=style))
    if keep:
        properties.append(w("keepNext"))
    made.append(properties)
    made.extend(runs)
    return made


def table(content: Table, inline: Inline) -> Any:
    """Make a table with thin rules, its heading repeated on every page.

    Parameters
    ----------
    content : Table
    inline : callable
        Makes the runs of a cell from its words and footnotes, in given properties.

    Returns
    -------
    element
    """
    widths = _widths(content)
    made, properties, borders, grid = w("tbl"), w("tblPr"), w("tblBorders"), w("tblGrid")
    properties.append(w("tblW", w="5000", type="pct"))
    for side in ("top", "bottom", "insideH"):
        borders.append(w(side, val="single", sz="4", space="0", color="808080"))
    properties.append(borders)
    for width in widths:
        grid.append(w("gridCol", w=str(width)))
    made.extend([properties, grid, _row(content, tuple((h,) for h in content.headings), widths, inline, heading=True)])
    made.extend(_row(content, cells, widths, inline, heading=False) for cells in content.rows)
    return made


def _row(content: Table, cells: tuple[Spans, ...], widths: list[int], inline: Inline, *, heading: bool) -> Any:
    row, properties = w("tr"), w("trPr")
    properties.append(w("cantSplit"))
    if heading:
        properties.append(w("tblHeader"))
    row.append(properties)
    for i, (cell, width) in enumerate(zip(cells, widths, strict=True)):
        said = paragraph(inline(cell, characters(bold=heading, small=True)))
        aligned = said[0]
        aligned.append(w("spacing", before="40", after="40"))
        aligned.append(w("jc", val="right" if i in content.right else "left"))
        holder, size = w("tc"), w("tcPr")
        size.append(w("tcW", w=str(width), type="dxa"))
        holder.extend([size, said])
        row.append(holder)
    return row


def _widths(content: Table) -> list[int]:
    """Give columns of numbers the room for their longest cell, and share out the rest by how much there is to say."""

    def cells(i: int) -> list[str]:
        return [content.headings[i], *("".join(s for s in row[i] if isinstance(s, str)) for row in content.rows)]

    def longest(texts: list[str]) -> int:
        return max(len(t) + sum(c.isupper() for c in t) // 2 for t in texts)

    columns = range(len(content.headings))
    least = [
        longest(cells(i) if i in content.right else " ".join(cells(i)).split() or [""]) * CHARACTER + MARGINS
        for i in columns
    ]
    spare = max(TEXT_WIDTH - sum(least), 0)
    weights = [0 if i in content.right else min(longest(cells(i)), LONG) for i in columns]
    return [n + round(spare * weight / max(sum(weights), 1)) for n, weight in zip(least, weights, strict=True)]
