"""Fill a Word template: text with Word's own footnotes, tables, lists.

Belongs here: the parts of a .docx that a template may use, and how a piece takes the place of its name.
Not here: what a piece says (pieces), which piece is asked for (template, names), elements (word_elements) and
footnotes (word_notes).

docxtpl joins what Word splits and puts a token in the place of each name. The pieces are then set in the document's
own tree, never in its XML as text, so that nothing in a label can be read as markup.
"""

import copy
import io
import re
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engagement_stats.brief.pieces import Listing, Note, Piece, Spans, Table, Text
from engagement_stats.brief.template import EXTRA, TOKEN, VALUES, context, environment
from engagement_stats.brief.word_elements import characters, paragraph, run, table, text_of, w, words
from engagement_stats.brief.word_notes import Footnotes
from engagement_stats.errors import BriefError, UsageError

if TYPE_CHECKING:
    from engagement_stats.brief.document import Ending

LARGEST = 50_000_000
SNIPPET = 60
# Forms of docxtpl that take away what surrounds a name, where a piece could not be set.
SURROUNDING = re.compile(r"\{[{%#](?:tr|tc|p|r)\s")
STRAIGHT = str.maketrans("\u2018\u2019\u201c\u201d", "''\"\"")
MARKUP = re.compile(r"\{[{%#]")
# In an attribute of an element, which nobody sees who reads the template.
IN_TAG = re.compile(r"<[^<>]*\{[{%#]")
FIRST = 2  # line of the first paragraph
ON_EVERY_PAGE = re.compile(rf"\{{\{{\s*(?:{'|'.join(VALUES)})\s*\}}\}}")


class Word:
    """A Word template.

    Parameters
    ----------
    path : Path
    """

    def __init__(self, path: Path) -> None:
        try:
            from docxtpl import DocxTemplate  # type: ignore[import-untyped]
        except ImportError:
            raise UsageError(f"{path}: Word templates need docxtpl, which is not installed. {EXTRA}") from None
        content = io.BytesIO(path.read_bytes())
        try:
            with zipfile.ZipFile(content) as archive:
                size = sum(entry.file_size for entry in archive.infolist())
            self._template = DocxTemplate(content)
            if size <= LARGEST:
                self._template.render_init()
                self._document = self._template.docx
        except Exception as error:  # python-docx lets through whatever the libraries below it raise
            raise BriefError(f"{path}: not a Word document ({type(error).__name__}). Save it as .docx.") from None
        if size > LARGEST:
            raise BriefError(f"{path}: too large to be a template. Got {size:,} bytes; at most {LARGEST:,}.")
        self.problems: list[tuple[int, str]] = []
        self.source = self._read()
        self._lines = self.source.split("\n")
        self._check_boxes()
        self._check_other_parts()

    def place(self, line: int) -> str:
        """Say which paragraph a line is, with its first words."""
        if line < FIRST:
            return "beside the text"
        text = self.text(line).strip()
        return f'paragraph {line + 1 - FIRST} ("{text if len(text) <= SNIPPET else text[: SNIPPET - 3] + "..."}")'

    def text(self, line: int) -> str:
        """Return the words of a paragraph."""
        return _plain(self._lines[line - 1]) if line <= len(self._lines) else ""

    def _read(self) -> str:
        """Return the body as docxtpl will render it, a paragraph a line after what stands before the first."""
        from docx.oxml.ns import qn

        raw = [text_of(found) for found in self._document.element.body.iter(qn("w:p"))]
        taking = [line for line, text in enumerate(raw, start=1) if SURROUNDING.search(text)]
        if taking:
            # docxtpl would take those paragraphs away, and nothing will be rendered.
            wrong = "Write {{ name(...) }}, without p, r, tr or tc after the brackets."
            self.problems += [(line - 1 + FIRST, wrong) for line in taking]
            return "\n".join(["", *(SURROUNDING.sub("", text).translate(STRAIGHT) for text in raw)])
        xml = self._template.patch_xml(self._template.get_xml().replace("\n", " "))
        lines = re.split(r"(?=<w:p[ >/])", xml)
        within = "A name can stand in text only; cells cannot be coloured or joined by a template."
        self.problems += [(n, within) for n, line in enumerate(lines, start=1) if IN_TAG.search(line)]
        return "\n".join(lines)

    def _check_boxes(self) -> None:
        from docx.oxml.ns import qn

        for number, found in enumerate(self._document.element.body.iter(qn("w:p")), start=1):
            boxed = next(found.iterancestors(qn("w:txbxContent")), None) is not None
            if boxed and MARKUP.search(text_of(found)):
                self.problems.append(
                    (number - 1 + FIRST, "A text box cannot hold a footnote. Take the name out of it.")
                )

    def _check_other_parts(self) -> None:
        for rel in self._document.part.rels.values():
            if rel.is_external:
                continue
            kind = rel.reltype.rpartition("/")[2]
            if kind in ("footnotes", "endnotes", "comments"):
                if MARKUP.search(_plain(rel.target_part.blob.decode("utf-8", "replace"))):
                    self.problems.append((0, f"Names cannot stand in {kind}. Put them in the text."))
            elif kind in ("header", "footer"):
                xml = self._template.patch_xml(self._template.get_part_xml(rel.target_part))
                if IN_TAG.search(xml) or MARKUP.search(ON_EVERY_PAGE.sub("", xml)):
                    self.problems.append((0, f"A {kind} can hold no names but {', '.join(VALUES)}."))

    def filled(self, pieces: list[Piece], values: dict[str, str], ending: "Ending") -> bytes:
        """Return the document."""
        from docx.opc.constants import RELATIONSHIP_TYPE
        from docx.oxml import parse_xml
        from docx.oxml.ns import qn

        sandbox, given = environment(autoescape=True), context(values)
        self._template.map_tree(parse_xml(self._template.build_xml(given, sandbox)))
        for kind in (RELATIONSHIP_TYPE.HEADER, RELATIONSHIP_TYPE.FOOTER):
            for key, xml in list(self._template.build_headers_footers_xml(given, kind, sandbox)):
                self._template.map_headers_footers_xml(key, xml)
        body = self._document.element.body
        self._footnotes = Footnotes(self._document)
        for found in [p for p in body.iter(qn("w:p")) if TOKEN.search(text_of(p))]:
            self._set(found, pieces)
        if ending.first:
            body.insert(0, paragraph([words(ending.first, characters(bold=True))]))
        last = body.find(qn("w:sectPr"))
        for line in ending.last:
            made = paragraph([words(line, characters(small=True))])
            body.append(made) if last is None else last.addprevious(made)
        self._footnotes.finish()
        saved = io.BytesIO()
        self._document.save(saved)
        return saved.getvalue()

    def _set(self, found: Any, pieces: list[Piece]) -> None:
        """Put pieces in the place of the tokens of a paragraph."""
        from docx.oxml.ns import qn

        first = next(pieces[int(n)] for n in TOKEN.findall(text_of(found)))
        if not isinstance(first, Text):
            self._set_block(found, first)
            return
        for old in [r for r in found.iter(qn("w:r")) if TOKEN.search(text_of(r))]:
            for made in self._split(old, pieces):
                old.addprevious(made)
            old.getparent().remove(old)

    def _split(self, old: Any, pieces: list[Piece]) -> list[Any]:
        """Split a run at its tokens; what was bold stays bold."""
        from docx.oxml.ns import qn

        style = old.find(qn("w:rPr"))
        made: list[Any] = []
        for child in old:
            if child.tag == qn("w:t"):
                for i, part in enumerate(TOKEN.split(child.text or "")):
                    piece = pieces[int(part)] if i % 2 else Text((part,))
                    made += self._inline(piece.spans if isinstance(piece, Text) else (), style)
            elif child is not style:
                made.append(run(style))
                made[-1].append(copy.deepcopy(child))
        return made

    def _inline(self, spans: Spans, style: Any) -> list[Any]:
        made: list[Any] = []
        for span in spans:
            if isinstance(span, Note):
                made += self._footnotes.reference(span.text)
            elif span:
                made.append(words(span, style))
        return made

    def _set_block(self, found: Any, piece: Table | Listing) -> None:
        """Put a table or a list in the place of its paragraph, which stays where it ends a section."""
        from docx.oxml.ns import qn

        if isinstance(piece, Table):
            caption = paragraph([words(piece.caption, characters(bold=True))], keep=True)
            made = [caption, table(piece, self._inline), w("p")]
        else:
            bullet = next((s.style_id for s in self._document.styles if s.name == "List Bullet"), None)
            items = [item if bullet else f"\u2022 {item}" for item in piece.items]
            made = [paragraph([words(item, None)], style=bullet) for item in items]
        for element in made:
            found.addprevious(element)
        if made and found.find(f"{qn('w:pPr')}/{qn('w:sectPr')}") is None:
            found.getparent().remove(found)
        else:
            for old in list(found.iter(qn("w:r"))):
                old.getparent().remove(old)


def _plain(xml: str) -> str:
    text = re.sub(r"<[^>]*>", "", xml)
    for entity, character in {"&lt;": "<", "&gt;": ">", "&quot;": '"', "&amp;": "&"}.items():
        text = text.replace(entity, character)
    return text
