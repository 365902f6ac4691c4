"""Write a workbook as an Excel file.

Belongs here: the form of XLSX: formats, marked-up tables, links, document properties. Needs XlsxWriter, the extra
`exports`.
Not here: what is on the sheets (export_sheets).

Every text is written as text: XlsxWriter is asked for no formula and for no link but those of the contents.
"""

import io
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from engagement_stats.errors import ExportError
from engagement_stats.export_sheets import LEAST_PERCENT, Cell, Number, Sheet, Workbook
from engagement_stats.export_text import looks_like_formula

FONT, SIZE, TITLE_SIZE, HEADING_SIZE = "Arial", 12, 16, 14
COVER_WIDTH, A4 = 110, 9
# Excel measures widths in letters, heights in points. Not all programs that open the file fit the heights of rows to
# wrapped text by themselves.
LETTERS_A_WIDTH, LINE, TITLE_HEIGHT, MOST_LINES = 1.0, 15.75, 24, 25
# Room between a number and the text that follows.
LEFT, RIGHT = {"align": "left", "indent": 1}, {"align": "right", "indent": 1}
EXTRA = "Install the extra `exports`: pip install 'engagement-stats[exports]'; or ask for other --formats."


def write(book: Workbook, path: Path) -> None:
    """Write an XLSX file, the same bytes for the same workbook.

    Parameters
    ----------
    book : Workbook
    path : Path
        Written over if there.

    Raises
    ------
    ExportError
        XlsxWriter is not installed.
    """
    try:
        import xlsxwriter  # type: ignore[import-untyped]
    except ImportError:
        raise ExportError(f"{path.name}: XLSX files need XlsxWriter, which is not installed. {EXTRA}") from None

    buffer = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with xlsxwriter.Workbook(buffer, options) as file:
        file.set_properties(
            {"title": book.title, "subject": book.description, "comments": book.description, "created": book.created}
        )
        file.set_calc_mode("manual")
        pen = _Pen(file)
        _cover(file.add_worksheet("Cover"), book, pen)
        for sheet in book.sheets:
            _sheet(file.add_worksheet(sheet.name), sheet, pen)
    path.write_bytes(_with_language(buffer.getvalue(), book.language))


class _Pen:
    """The formats of a file, each made once."""

    def __init__(self, file: Any) -> None:
        self._file = file
        self._made: dict[tuple[tuple[str, Any], ...], Any] = {}
        # What a cell has whose format nobody set: those outside the table.
        for plain in file.formats[:1]:
            plain.set_font_name(FONT)
            plain.set_font_size(SIZE)

    def __call__(self, **properties: Any) -> Any:
        wanted = {"font_name": FONT, "font_size": SIZE, "valign": "top", **properties}
        key = tuple(sorted(wanted.items()))
        if key not in self._made:
            self._made[key] = self._file.add_format(wanted)
        return self._made[key]


def _text(page: Any, row: int, column: int, text: str, pen: _Pen, **properties: Any) -> None:
    """Write a text that stays one, also when somebody edits its cell."""
    page.write_string(row, column, text, pen(**properties, **_quote(text)))


def _quote(text: str) -> dict[str, bool]:
    return {"quote_prefix": True} if looks_like_formula(text) else {}


def _cover(page: Any, book: Workbook, pen: _Pen) -> None:
    page.set_column(0, 0, COVER_WIDTH)
    _text(page, 0, 0, book.title, pen, bold=True, font_size=TITLE_SIZE, text_wrap=True)
    page.set_row(0, TITLE_HEIGHT)
    for row, (heading, text) in enumerate(book.cover, start=1):
        properties = {"bold": True, "font_size": HEADING_SIZE} if heading else {}
        _text(page, row, 0, text, pen, text_wrap=True, **properties)
        page.set_row(row, _height([text], [COVER_WIDTH]) * (1.3 if heading else 1))
    _printed(page)


def _printed(page: Any, sheet: Sheet | None = None) -> None:
    page.set_landscape()
    page.set_paper(A4)
    page.set_footer("&L&A&RPage &P of &N")
    if sheet is None or sheet.fits_a_page:
        page.fit_to_pages(1, 0)
    else:
        page.set_print_scale(LEAST_PERCENT)
        page.print_across()
        if sheet.repeated:
            page.repeat_columns(0, sheet.repeated - 1)


def _height(texts: Sequence[str], widths: Sequence[int]) -> float:
    """Return the height of a row in which these texts are wrapped."""
    lines = (
        sum(max(1, -(-len(line) // int(width * LETTERS_A_WIDTH))) for line in text.split("\n"))
        for text, width in zip(texts, widths, strict=True)
    )
    return LINE * min(max(lines), MOST_LINES)


def _sheet(page: Any, sheet: Sheet, pen: _Pen) -> None:
    _text(page, 0, 0, sheet.title, pen, bold=True, font_size=TITLE_SIZE)
    page.set_row(0, TITLE_HEIGHT)
    for row, line in enumerate(sheet.lines, start=1):
        _text(page, row, 0, line, pen)
    top = sheet.header_row - 1
    numeric = [any(isinstance(row[c], Number) for row in sheet.rows) for c in range(len(sheet.headings))]
    header = [
        pen(bold=True, text_wrap=True, bottom=1, **(RIGHT if n else LEFT), **_quote(h))
        for h, n in zip(sheet.headings, numeric, strict=True)
    ]
    page.add_table(top, 0, top + len(sheet.rows), len(sheet.headings) - 1, {
        "name": sheet.table, "style": None, "autofilter": False,
        "columns": [{"header": h, "header_format": f} for h, f in zip(sheet.headings, header, strict=True)],
    })  # fmt: skip
    for column, width in enumerate(sheet.widths):
        page.set_column(column, column, width)
    page.set_row(top, _height([h + " " for h in sheet.headings], [w - 2 for w in sheet.widths]))
    for i, cells in enumerate(sheet.rows, start=top + 1):
        page.set_row(i, _height(["" if isinstance(c, Number) else c for c in cells], sheet.widths))
        for column, cell in enumerate(cells):
            if sheet.links and column == 0:
                page.write_url(i, 0, f"internal:'{cell}'!A1", pen(font_color="#0563C1", underline=1, **LEFT), str(cell))
            else:
                _cell(page, i, column, cell, numeric[column], pen)
    # Codes such as 2019 are text, and mean to be.
    page.ignore_errors({"number_stored_as_text": f"A1:XFD{top + len(sheet.rows) + 1}"})
    page.repeat_rows(top)
    _printed(page, sheet)


def _cell(page: Any, row: int, column: int, cell: Cell, numeric: bool, pen: _Pen) -> None:
    if isinstance(cell, Number):
        shown = "#,##0" + ("." + "0" * cell.decimals if cell.decimals else "")
        page.write_number(row, column, cell.value, pen(num_format=shown, **RIGHT))
    elif numeric:
        _text(page, row, column, cell, pen, **RIGHT)
    else:
        _text(page, row, column, cell, pen, text_wrap=True, **LEFT)


def _with_language(content: bytes, language: str) -> bytes:
    """Say in the document's properties which language it is in, which XlsxWriter does not."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            part = old.read(name)
            if name == "docProps/core.xml":
                end = b"</cp:coreProperties>"
                part = part.replace(end, f"<dc:language>{escape(language)}</dc:language>".encode() + end)
            # zip files have no times before 1980.
            new.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), part, zipfile.ZIP_DEFLATED)
    return out.getvalue()
