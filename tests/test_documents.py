"""Reading texts: what is running text, where it stands, and files that are refused."""

import io
import zipfile
from pathlib import Path

import docx
import pytest
from docx.oxml import OxmlElement
from docx.oxml.ns import qn

from engagement_stats import documents, wordfile
from engagement_stats.errors import DocumentError

MARKDOWN = """---
title: 99 per cent
---
# Volunteering in *England*

In 2018-19, **36 per cent** of adults[^1] took part
in [formal volunteering](https://example.org/50%25).

- First item, 10 per cent
  goes on.
- Second item: `99 per cent` of code.
1. Third

> Quoted 15 per cent.

<!-- 99 per cent
hidden -->

| Measure | 2018-19 | 2019-20 |
|---|---:|---:|
| Formal volunteering | 36% | 37% |
| Social action | | 16% |

```
99 per cent of a listing
```

***

[^1]: Aged 16 and over.
[link]: https://example.org/99
"""


def passages(tmp_path: Path, name: str, content: str | bytes) -> list[documents.Passage]:
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return documents.read(path)


def told(found: list[documents.Passage]) -> list[tuple[str, str, str]]:
    return [(p.kind, p.where(0), p.text) for p in found]


def test_markdown_is_read_as_its_reader_sees_it(tmp_path: Path) -> None:
    found = passages(tmp_path, "text.md", MARKDOWN)
    assert told(found) == [
        ("heading", "line 4", "Volunteering in England"),
        ("paragraph", "line 6", "In 2018-19, 36 per cent of adults took part in formal volunteering."),
        ("item", "line 9", "First item, 10 per cent goes on."),
        ("item", "line 11", "Second item:  of code."),
        ("item", "line 12", "Third"),
        ("paragraph", "line 14", "Quoted 15 per cent."),
        ("cell", "line 21", "Formal volunteering, 2018-19: 36%"),
        ("cell", "line 21", "Formal volunteering, 2019-20: 37%"),
        ("cell", "line 22", "Social action, 2019-20: 16%"),
        ("footnote", "line 30", "Aged 16 and over."),
    ]


def test_a_place_within_a_passage_is_its_own_line(tmp_path: Path) -> None:
    (passage,) = passages(tmp_path, "text.md", "One line.\nA second line.\nA third.\n")
    assert passage.text == "One line. A second line. A third."
    assert passage.where(passage.text.index("second")) == "line 2"
    assert passage.where(passage.text.index("A third")) == "line 3"


def test_plain_text_keeps_its_paragraphs_and_bullets(tmp_path: Path) -> None:
    text = "A paragraph of\ntwo lines with # and *.\n\n- an item\n- another\n\n\nLast.\r\n"
    assert told(passages(tmp_path, "text.TXT", text)) == [
        ("paragraph", "line 1", "A paragraph of two lines with # and *."),
        ("paragraph", "line 4", "an item"),
        ("paragraph", "line 5", "another"),
        ("paragraph", "line 8", "Last."),
    ]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252"])
def test_a_text_of_a_windows_editor_is_read(tmp_path: Path, encoding: str) -> None:
    (found,) = passages(tmp_path, "text.txt", "£827 \N{EN DASH} a \N{LEFT SINGLE QUOTATION MARK}word".encode(encoding))
    assert found.text == "£827 \N{EN DASH} a \N{LEFT SINGLE QUOTATION MARK}word"


def test_an_empty_text_has_no_passages(tmp_path: Path) -> None:
    assert passages(tmp_path, "text.md", "") == []
    assert passages(tmp_path, "other.txt", "\n \n") == []


def test_unclosed_marks_of_markdown_do_no_harm(tmp_path: Path) -> None:
    found = passages(tmp_path, "text.md", "--- \n5 * 3 and 2 * 4 are a_b_c [no link\n\n| a | b |\nno table\n")
    assert [p.text for p in found] == ["5 * 3 and 2 * 4 are a_b_c [no link", "| a | b | no table"]


# Word


def word_file(tmp_path: Path) -> Path:
    made = docx.Document()
    made.add_heading("Volunteering", 1)
    paragraph = made.add_paragraph("In 2018-19, 36 per ")
    paragraph.add_run("cent").bold = True
    paragraph.add_run(" of adults\ttook part.")
    made.add_paragraph("An item", style="List Bullet")
    table = made.add_table(rows=2, cols=2)
    for (row, column), text in {
        (0, 0): "Measure", (0, 1): "2018-19", (1, 0): "Formal volunteering", (1, 1): "36%",
    }.items():  # fmt: skip
        table.cell(row, column).text = text
    made.add_paragraph("After the table.")
    path = tmp_path / "text.docx"
    made.save(str(path))
    return path


def test_a_word_file_is_read_by_paragraph(tmp_path: Path) -> None:
    assert told(documents.read(word_file(tmp_path))) == [
        ("heading", "paragraph 1", "Volunteering"),
        ("paragraph", "paragraph 2", "In 2018-19, 36 per cent of adults took part."),
        ("paragraph", "paragraph 3", "An item"),
        ("cell", "paragraph 7", "Formal volunteering, 2018-19: 36%"),
        ("paragraph", "paragraph 8", "After the table."),
    ]


SPACE = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"


def container(body: str, *, before: str = "", part: str = "word/document.xml", **more: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as parts:
        xml = f'<?xml version="1.0"?>{before}<w:document xmlns:w="{SPACE}"><w:body>{body}</w:body></w:document>'
        parts.writestr(part, xml)
        for name, text in more.items():
            parts.writestr(f"word/{name}.xml", text)
    return out.getvalue()


def paragraph(text: str) -> str:
    return f"<w:p><w:r><w:t>{text}</w:t></w:r></w:p>"


def test_tracked_changes_text_boxes_and_footnotes(tmp_path: Path) -> None:
    deleted = "<w:p><w:ins><w:r><w:t>37</w:t></w:r></w:ins><w:del><w:r><w:delText>36</w:delText></w:r></w:del></w:p>"
    box = (
        '<w:p xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006"><w:r><w:t>around</w:t>'
        f"<mc:AlternateContent><mc:Choice>{paragraph('box')}</mc:Choice><mc:Fallback>{paragraph('box')}</mc:Fallback>"
        "</mc:AlternateContent><w:t> it</w:t></w:r></w:p>"
    )
    notes = f'<w:footnotes xmlns:w="{SPACE}"><w:footnote>{paragraph("A note.")}</w:footnote></w:footnotes>'
    found = passages(tmp_path, "text.docx", container(deleted + box, footnotes=notes))
    assert [(p.kind, p.text) for p in found] == [
        ("paragraph", "37"), ("paragraph", "box"), ("paragraph", "around it"), ("footnote", "A note."),
    ]  # fmt: skip


DOCTYPE = '<!DOCTYPE x [<!ENTITY e "lol">]>'
OUTSIDE = '<!DOCTYPE x SYSTEM "file:///etc/hosts">'


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (container(paragraph("&e;"), before=DOCTYPE), "declares a document type"),
        (container(paragraph("x"), before=OUTSIDE), "declares a document type"),
        (container("<w:p>"), "not well-formed"),
        (container("<w:r>" * 300 + "</w:r>" * 300), "more than 200 deep"),
        (container("", part="word/other.xml"), "without word/document.xml"),
        (b"PK\x03\x04 damaged", "damaged"),
        (b"plain words", "damaged"),
        (b"\xd0\xcf\x11\xe0" + b"\0" * 600, "damaged"),
    ],
)
def test_a_hostile_or_damaged_word_file_is_refused(tmp_path: Path, content: bytes, reason: str) -> None:
    with pytest.raises(DocumentError, match=reason) as caught:
        passages(tmp_path, "text.docx", content)
    assert str(caught.value).startswith("text.docx: ")


def test_a_document_type_in_another_encoding_is_refused_too(tmp_path: Path) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as parts:
        xml = f'<?xml version="1.0" encoding="UTF-16"?>{DOCTYPE}<w:document xmlns:w="{SPACE}"/>'
        parts.writestr("word/document.xml", xml.encode("utf-16"))
    with pytest.raises(DocumentError, match="declares a document type"):
        passages(tmp_path, "text.docx", out.getvalue())


def test_a_part_that_unpacks_to_too_much_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wordfile, "MAX_PART_BYTES", 10_000)
    bomb = container(paragraph("a" * 1_000_000))
    assert len(bomb) < 10_000
    with pytest.raises(DocumentError, match="unpacks to more than"):
        passages(tmp_path, "text.docx", bomb)


def test_too_many_parts_and_two_of_one_name_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = io.BytesIO()
    with pytest.warns(UserWarning, match="Duplicate name"), zipfile.ZipFile(out, "w") as parts:
        for _ in range(2):
            parts.writestr("word/document.xml", "<a/>")
    with pytest.raises(DocumentError, match="one name"):
        passages(tmp_path, "text.docx", out.getvalue())
    monkeypatch.setattr(wordfile, "MAX_PARTS", 1)
    with pytest.raises(DocumentError, match="too many parts"):
        passages(tmp_path, "text.docx", container("", footnotes="<a/>"))


# Other files


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("text.pdf", b"%PDF-1.7", "the PDF is damaged"),
        ("text.doc", b"", "save it as .docx"),
        ("text.odt", b"", "save it as .docx"),
        ("text", b"", "Got no ending; expected .md, .txt, .docx or .pdf"),
        ("text.txt", b"%PDF-1.7", "not a text, whatever its name says"),
        ("text.md", b"PK\x03\x04", "not a text"),
        ("text.md", b"a\0b", "not a text"),
    ],
)
def test_other_files_are_refused_with_a_way_out(tmp_path: Path, name: str, content: bytes, reason: str) -> None:
    with pytest.raises(DocumentError, match=reason):
        passages(tmp_path, name, content)


def test_a_file_that_is_not_there_or_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DocumentError, match="cannot be read"):
        documents.read(tmp_path / "none.md")
    with pytest.raises(DocumentError, match="cannot be read"):
        (tmp_path / "folder.md").mkdir()
        documents.read(tmp_path / "folder.md")
    monkeypatch.setattr(documents, "MAX_BYTES", 5)
    with pytest.raises(DocumentError, match="too large for a text"):
        passages(tmp_path, "text.md", "more than five")


@pytest.mark.parametrize(
    ("head", "cell", "expected"),
    [
        ("Rate (%)", "40", "40%"),
        ("Per cent, 2019", "40.5", "40.5%"),
        ("Percentage of adults", "100", "100%"),
        ("Rate (%)", "40%", "40%"),
        ("Rate (%)", "1,771", "1,771"),
        ("Rate (%)", "[c]", "[c]"),
        ("95% interval", "38", "38"),
        ("Upper 95 per cent limit", "38", "38"),
        ("Change in percentage points", "6", "6"),
        ("Base", "60", "60"),
    ],
)
def test_a_plain_number_is_a_percentage_where_its_column_says_so(head: str, cell: str, expected: str) -> None:
    assert list(wordfile.labelled(["Region", head], ["London", cell])) == [f"London, {head}: {expected}"]


@pytest.mark.parametrize("sign", ["<sup>1</sup>", "\N{SUPERSCRIPT ONE}", "<sup>1,2</sup>", "[^1]"])
def test_the_sign_of_a_note_is_not_a_digit_of_the_number_before_it(tmp_path: Path, sign: str) -> None:
    (found,) = passages(tmp_path, "text.md", f"It was 37{sign} per cent on the 19<sup>th</sup>.")
    assert found.text == "It was 37 per cent on the 19th."


def test_raised_figures_of_a_word_file_are_signs_of_notes(tmp_path: Path) -> None:
    """Made by hand, or as LibreOffice makes them of a web page; a raised "th" is letters of the word."""
    written, path = docx.Document(), tmp_path / "text.docx"
    paragraph = written.add_paragraph("It was 37")
    for text, is_raised in (("1", True), (" per cent", False), ("2, 3", True), (" on the 19", False), ("th", True)):
        paragraph.add_run(text).font.superscript = is_raised
    paragraph.add_run("\N{SUPERSCRIPT FOUR} of May, or 36")
    for text, half_points in (("5", 7), (" per cent", 0), (" of 9", -7)):
        run = paragraph.add_run(text)
        position = OxmlElement("w:position")
        position.set(qn("w:val"), str(half_points))
        run._r.get_or_add_rPr().append(position)
    written.save(str(path))
    assert [p.text for p in documents.read(path)] == ["It was 37 per cent on the 19th of May, or 36 per cent of 9"]
