"""A PDF holds printed lines; what is read of it must be what its writer wrote, and its numbers no others."""

import time
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import pdfs
import pytest
from pdfs import Drawn

from engagement_stats import documents, pdffile, sandbox
from engagement_stats.errors import DocumentError
from engagement_stats.readers import pdf
from engagement_stats.wordfile import Paragraph

Page = list[Drawn]


def read(*pages: Page) -> list[Paragraph]:
    return pdffile.paragraphs(pdfs.pdf(pages), "briefing.pdf")


def texts(*pages: Page) -> list[str]:
    return [p.text for p in read(*pages)]


def block(*rows: str, x: float = 60, y: float = 700, step: float = 14, size: float = 10) -> Page:
    return [Drawn(x, y - step * i, row, size) for i, row in enumerate(rows)]


def test_lines_of_a_paragraph_are_joined_and_paragraphs_kept_apart() -> None:
    first = block("In 2018-19, 36 per cent of people", "took part in formal", "volunteering.")
    second = block("In 2019-20 it was 37", "per cent", y=640)
    assert texts([*first, *second]) == [
        "In 2018-19, 36 per cent of people took part in formal volunteering.", "In 2019-20 it was 37 per cent",
    ]  # fmt: skip


def test_paragraphs_of_one_line_each_are_not_taken_for_one() -> None:
    """The space between them is then the commonest."""
    lines = [Drawn(60, 760 - 24 * i, f"Sentence {i} says nothing") for i in range(20)]
    two = block("The only long one goes", "on for three", "lines", y=200)
    assert len(texts([*lines, *two])) == 21


def test_the_sign_of_a_note_is_not_a_digit_of_the_number_before_it() -> None:
    """As a reader of text only gives it, it is 362 per cent, and 8 per cent of the 151."""
    line = [Drawn(60, 700, "In England 36"), Drawn(125, 704, "2", 6), Drawn(133, 700, "per cent volunteer")]
    year = [Drawn(60, 600, "On the 19"), Drawn(104, 604, "th", 6), Drawn(113, 600, "of May")]
    assert texts([*line, *year, *block("Filler of the usual height", y=500)])[:2] == [
        "In England 36 per cent volunteer", "On the 19th of May",
    ]  # fmt: skip
    assert texts(block("Just over half\N{SUPERSCRIPT ONE} of them")) == ["Just over half of them"]


def test_the_sign_of_a_note_that_is_nearly_as_large_as_the_line_stands_higher() -> None:
    """As LibreOffice draws it; a number in a font so much smaller on the line itself is no note."""
    line = [Drawn(60, 700, "In England 36"), Drawn(125, 704, "2", 8.8), Drawn(133, 700, "per cent volunteer")]
    kept = [Drawn(60, 600, "In England"), Drawn(115, 600, "36", 8.8), Drawn(133, 600, "per cent volunteer")]
    assert texts([*line, *kept, *block("Filler of the usual height", y=500)])[:2] == [
        "In England 36 per cent volunteer", "In England 36 per cent volunteer",
    ]  # fmt: skip


def test_letters_that_tex_draws_as_one_are_two() -> None:
    """Its fonts say nothing of what they have at 28, where no other font has a letter."""
    assert texts(block("In England \x1cfty-two per cent")) == ["In England fifty-two per cent"]


def test_text_of_no_height_does_not_bring_the_parser_down() -> None:
    line = pdf._Line([pdf._Sign(sign, at, 0.0, at + 1, 0.0, 0.0, is_apart=False) for at, sign in enumerate("ab")])
    assert line.printed(1).pieces == ["ab"]


def test_numbers_in_a_smaller_font_on_the_same_line_are_kept() -> None:
    line = [Drawn(60, 700, "Adults aged"), Drawn(117, 700, "18-24", 7, "C"), Drawn(142, 700, "volunteer")]
    assert texts([*line, *block("Filler of the usual height", y=500)])[0] == "Adults aged 18-24 volunteer"


def test_a_word_in_another_font_does_not_end_a_paragraph() -> None:
    lines = [Drawn(60, 700, "The table is called"), Drawn(60, 686, "estimates", 9, "C"), Drawn(60, 672, "in the file.")]
    assert texts([*lines, *block("Filler of the usual height", "goes on here", y=500)])[0] == (
        "The table is called estimates in the file."
    )


@pytest.mark.parametrize(
    ("rows", "text"),
    [
        (("They took part in volun-", "teering. Volunteering matters"), "They took part in volunteering."),
        (("Of left-", "behind places: places left and behind"), "Of left-behind places:"),
        (("Of resi-", "dents"), "Of residents"),
        (("In 2018-", "19 it was"), "In 2018-19 it was"),
    ],
)
def test_a_hyphen_at_the_end_of_a_line(rows: tuple[str, ...], text: str) -> None:
    assert texts(block(*rows))[0].startswith(text)


def test_kinds_are_told_by_size_and_bullets() -> None:
    page = [
        *block("Volunteering", size=16), *block("Running text of the", "usual height", y=660),
        *block("\N{BULLET} An item", "of two lines", "\N{BULLET} Another", y=600),
        *block("1 Community Life Survey", y=60, size=7),
    ]  # fmt: skip
    assert [(p.kind, p.text) for p in read(page)] == [
        ("heading", "Volunteering"), ("paragraph", "Running text of the usual height"),
        ("item", "An item of two lines"), ("item", "Another"), ("footnote", "1 Community Life Survey"),
    ]  # fmt: skip


def test_a_dash_begins_an_item_after_a_sentence_only() -> None:
    rows = block("In England 36 per cent", "- against 14 per cent there -", "volunteer.", "- An item", y=700)
    assert texts(rows) == ["In England 36 per cent - against 14 per cent there - volunteer.", "An item"]


def test_a_sentence_goes_on_over_the_page_and_running_heads_do_not_stand_in_it() -> None:
    def page(number: int, *rows: str) -> Page:
        return [Drawn(60, 800, f"Briefing {number} of 3"), *block(*rows, y=400), Drawn(300, 30, str(number))]

    found = read(page(1, "In 2018-19, 36 per cent of"), page(2, "people volunteered.", "Then", "more"), page(3, "Last"))
    assert [(p.text, p.number) for p in found] == [
        ("In 2018-19, 36 per cent of people volunteered. Then more", 1), ("Last", 3),
    ]  # fmt: skip


def test_what_stands_once_near_the_edge_is_read() -> None:
    assert texts(block("14 per cent volunteer", y=800), block("A page of its own", y=400))[0] == "14 per cent volunteer"


def test_cells_of_a_table_are_led_by_its_heads() -> None:
    rows = [("Measure", "England", "Left-behind"), ("Volunteering", "36%", "14%"), ("Membership", "15%", "8%")]
    page = [Drawn(60 + 160 * j, 700 - 20 * i, cell) for i, row in enumerate(rows) for j, cell in enumerate(row)]
    assert [(p.kind, p.text) for p in read(page)] == [
        ("cell", "Volunteering, England: 36%"), ("cell", "Volunteering, Left-behind: 14%"),
        ("cell", "Membership, England: 15%"), ("cell", "Membership, Left-behind: 8%"),
    ]  # fmt: skip


def cells(rows: Sequence[Sequence[str]], y: float = 600) -> list[Drawn]:
    return [Drawn(60 + 110 * i, y - 14 * n, c) for n, row in enumerate(rows) for i, c in enumerate(row) if c]


def test_figures_whose_heads_are_not_known_stand_alone() -> None:
    """Heads in two lines, an empty cell, a label in two lines: led by the row above, they were of another year."""
    filler = block("Filler of the usual height", y=700)
    two_lines = [
        ["", "Men", "", "All", ""],
        ["Volunteering", "36%", "37%", "35%", "38%"],
        ["Civic", "34%", "41%", "3%", "4%"],
    ]
    assert not [t for t in texts([*filler, *cells(two_lines)]) if "%" in t and len(t) > 3]
    empty = [["Measure", "2018-19", "2019-20"], ["Volunteering", "", "36%"], ["in the last year"], ["Civic", "", "41%"]]
    assert not [t for t in texts([*filler, *cells(empty)]) if "%" in t and len(t) > 3]
    near = [Drawn(60, 600, "Volunteering 36%"), Drawn(300, 600, "37%")]
    assert texts([*filler, *near])[-3:] == ["Volunteering", "36%", "37%"]


@pytest.mark.parametrize("first", ["Measure", "Indicator"])
def test_heads_within_rows_begin_another_table(first: str) -> None:
    rows = [["Measure", "2018-19", "2019-20"], ["A", "36%", "37%"], [first, "2017-18", "2018-19"], ["B", "41%", "34%"]]
    assert texts([*block("Filler of the usual height", y=700), *cells(rows)])[1:] == [
        "A, 2018-19: 36%", "A, 2019-20: 37%", "B, 2017-18: 41%", "B, 2018-19: 34%",
    ]  # fmt: skip


def test_columns_are_not_read_across() -> None:
    left, right = block("In England 36 per", "cent volunteer."), block("In Wales 20 per", "cent do.", x=330)
    assert texts([*left, *right]) == ["In England 36 per cent volunteer.", "In Wales 20 per cent do."]


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"%PDF-1.4", "the PDF is damaged"), (b"", "the PDF is damaged"), (pdfs.pdf([[]]), "holds no text, as a scan"),
        (pdfs.locked(pdfs.pdf([block("x")])), "the PDF is encrypted"),
    ],
)  # fmt: skip
def test_a_pdf_that_cannot_be_read_is_refused_with_a_way_out(content: bytes, why: str) -> None:
    with pytest.raises(DocumentError, match=rf"^briefing\.pdf: .*{why}.* copy its text to a \.txt file\.$"):
        pdffile.paragraphs(content, "briefing.pdf")


def test_a_bomb_ends_the_child_process_and_is_an_error_about_the_file() -> None:
    """Some kilobytes that unpack to a gigabyte."""
    packed = zlib.compress(zlib.compress(b" " * (1 << 30), 9), 9)
    plain = pdfs.pdf([[Drawn(60, 700, "x")]])
    start, end = plain.index(b"<< /Length"), plain.index(b"endstream")
    filters = b"<< /Length %d /Filter [/FlateDecode /FlateDecode] >>\nstream\n" % len(packed)
    bomb = plain[:start] + filters + packed + b"\n" + plain[end:]
    assert len(bomb) < 10_000
    began = time.monotonic()
    with pytest.raises(DocumentError, match="the parser of the PDF failed"):
        pdffile.paragraphs(bomb, "briefing.pdf")
    assert time.monotonic() - began < 20


@pytest.mark.parametrize("answered", [b"", b"[1]", b'[{"page": 1}]', b'[{"page": "x", "pieces": []}]'])
def test_a_child_process_that_was_taken_over_is_not_believed(monkeypatch: pytest.MonkeyPatch, answered: bytes) -> None:
    def lie(_: str, __: Any, data: BinaryIO, **___: Any) -> Mapping[str, Any]:
        data.write(answered)
        return {"lines": 1}

    monkeypatch.setattr(sandbox, "run", lie)
    with pytest.raises(DocumentError, match="the PDF is damaged"):
        pdffile.paragraphs(b"", "briefing.pdf")


def test_a_place_in_a_pdf_is_its_page(tmp_path: Path) -> None:
    path = tmp_path / "briefing.pdf"
    path.write_bytes(pdfs.pdf([block("One."), block("Two.")]))
    assert [(p.where(0), p.text) for p in documents.read(path)] == [("page 1", "One."), ("page 2", "Two.")]
