"""Give a Word document footnotes of its own kind.

Belongs here: the part of a .docx that holds footnotes, references to them, and their styles.
Not here: what a footnote says (evidence, pieces), and where it goes (word).

python-docx has no footnotes, so the part is made here. Word numbers footnotes itself, and again whenever the text
is edited; numbers typed into a section of notes would not follow. A footnote that is referred to again is not
repeated: the later reference is a field (NOTEREF) that shows the number of the first.
"""

from typing import Any

from engagement_stats.brief.word_elements import run, w, words

CONTENT_TYPE = "application/vnd.openxmlformats-officedocument.wordprocessingml.footnotes+xml"
SEPARATORS = {"-1": "separator", "0": "continuationSeparator"}
SIZE = 8  # points


class Footnotes:
    """The footnotes of a document.

    Parameters
    ----------
    document : docx.document.Document
        With or without footnotes of its own, which stay.
    """

    def __init__(self, document: Any) -> None:
        from docx.opc.constants import RELATIONSHIP_TYPE
        from docx.oxml import parse_xml
        from docx.oxml.ns import qn

        self._document = document
        self._part = next(
            (r.target_part for r in document.part.rels.values() if r.reltype == RELATIONSHIP_TYPE.FOOTNOTES), None
        )
        self._tree = _empty() if self._part is None else parse_xml(self._part.blob)
        self._next = 1 + max([0, *(int(f.get(qn("w:id"))) for f in self._tree)])
        self._first: dict[str, Any] = {}
        self._again: list[tuple[str, Any]] = []
        self._text_style = self._style("footnote text", paragraph=True)
        self._number_style = self._style("footnote reference", paragraph=False)

    def reference(self, text: str) -> list[Any]:
        """Return the runs that refer to a footnote; the footnote itself is made once."""
        if text in self._first:
            shown = words("", self._raised())
            self._again.append((text, shown))
            return [*_field(self._raised(), shown)]
        made = run(self._raised())
        made.append(w("footnoteReference", id=str(self._next)))
        self._tree.append(self._footnote(text))
        self._first[text] = made
        self._next += 1
        return [made]

    def finish(self) -> None:
        """Give the later references their numbers and put the footnotes into the document."""
        from docx.opc.constants import RELATIONSHIP_TYPE
        from docx.opc.oxml import serialize_part_xml
        from docx.opc.packuri import PackURI
        from docx.opc.part import Part
        from docx.oxml.ns import qn

        body = self._document.element.body
        order = {ref.get(qn("w:id")): i for i, ref in enumerate(body.iter(qn("w:footnoteReference")), start=1)}
        taken = max([0, *(int(b.get(qn("w:id"))) for b in body.iter(qn("w:bookmarkStart")))])
        marked: dict[str, str] = {}
        for text, shown in self._again:
            first = self._first[text]
            identity = first.find(qn("w:footnoteReference")).get(qn("w:id"))
            name = f"_RefNote{identity}"
            if text not in marked:
                taken += 1
                first.addprevious(w("bookmarkStart", id=str(taken), name=name))
                first.addnext(w("bookmarkEnd", id=str(taken)))
                marked[text] = name
            shown.find(qn("w:t")).text = str(order[identity])
            instruction = next(e for e in shown.getprevious().getprevious().iter(qn("w:instrText")))
            instruction.text = f" NOTEREF {name} \\h "
        if not self._first:
            return
        blob = serialize_part_xml(self._tree)
        if self._part is not None:
            self._part._blob = blob
            return
        part = Part(PackURI("/word/footnotes.xml"), CONTENT_TYPE, blob, self._document.part.package)
        self._document.part.relate_to(part, RELATIONSHIP_TYPE.FOOTNOTES)

    def _raised(self) -> Any:
        style = w("rPr")
        style.append(w("rStyle", val=self._number_style))
        style.append(w("vertAlign", val="superscript"))
        return style

    def _footnote(self, text: str) -> Any:
        number, paragraph, properties = run(self._raised()), w("p"), w("pPr")
        number.append(w("footnoteRef"))
        properties.append(w("pStyle", val=self._text_style))
        for element in (properties, number, words(f" {text}", None)):
            paragraph.append(element)
        made = w("footnote", id=str(self._next))
        made.append(paragraph)
        return made

    def _style(self, name: str, *, paragraph: bool) -> str:
        """Return the id of a style of Word's by its name, made where the template has none."""
        from docx.enum.style import WD_STYLE_TYPE
        from docx.shared import Pt

        kind = WD_STYLE_TYPE.PARAGRAPH if paragraph else WD_STYLE_TYPE.CHARACTER
        styles = self._document.styles
        found = next((s for s in styles if s.name == name and s.type == kind), None)
        if found is None:
            found = styles.add_style(name, kind, builtin=True)
            if paragraph:
                found.base_style = styles.default(kind)
                found.font.size = Pt(SIZE)
                found.paragraph_format.space_before = found.paragraph_format.space_after = Pt(1)
                found.paragraph_format.line_spacing = 1.0
            else:
                found.font.superscript = True
        return str(found.style_id)


def _empty() -> Any:
    """Make a part's tree with the two lines that Word draws above footnotes."""
    made = w("footnotes")
    for identity, kind in SEPARATORS.items():
        note, paragraph, line = w("footnote", type=kind, id=identity), w("p"), w("r")
        line.append(w(kind))
        paragraph.append(line)
        note.append(paragraph)
        made.append(note)
    return made


def _field(style: Any, shown: Any) -> list[Any]:
    """Make a field: its beginning, what it shows until it is next reckoned, and its end."""
    made = []
    for element in (w("fldChar", fldCharType="begin"), w("instrText"), w("fldChar", fldCharType="separate")):
        made.append(run(style))
        made[-1].append(element)
    made += [shown, run(style)]
    made[-1].append(w("fldChar", fldCharType="end"))
    return made
