"""Write a workbook as an OpenDocument spreadsheet.

Belongs here: the form of ODS: styles, marked-up tables, links, document properties.
Not here: what is on the sheets (export_sheets).
Source: OASIS, Open Document Format for Office Applications 1.3, part 3.

Written part by part, with nothing but the standard library: no template of an office program comes with it, and the
bytes are the same for the same workbook. A cell says its type, so that no text can be taken for a formula.
"""

import zipfile
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

from engagement_stats.export_sheets import LEAST_PERCENT, Cell, Number, Sheet, Workbook

FONT, SIZE, TITLE_SIZE, HEADING_SIZE = "Arial", "12pt", "16pt", "14pt"
COVER_WIDTH = 110
CENTIMETRES_A_CHARACTER = 0.25
MIMETYPE = "application/vnd.oasis.opendocument.spreadsheet"
NAMESPACES = " ".join(
    f'xmlns:{prefix}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
    for prefix, name in {
        "office": "office", "style": "style", "text": "text", "table": "table", "meta": "meta", "number": "datastyle",
        "fo": "xsl-fo-compatible", "svg": "svg-compatible",
    }.items()
) + ' xmlns:xlink="http://www.w3.org/1999/xlink" xmlns:dc="http://purl.org/dc/elements/1.1/"'  # fmt: skip
XML = '<?xml version="1.0" encoding="UTF-8"?>\n'
# Room between a number and the text that follows.
END = 'fo:text-align="end" fo:margin-right="0.2cm"'
DECIMALS = range(3)
# How a sheet is printed: all its columns on one page, or on several pages across.
SCALES = {
    "fitted": 'style:scale-to-X="1" style:scale-to-Y="0"',
    "across": f'style:scale-to="{LEAST_PERCENT}%" style:print-page-order="ltr"',
}


def write(book: Workbook, path: Path) -> None:
    """Write an ODS file, the same bytes for the same workbook.

    Parameters
    ----------
    book : Workbook
    path : Path
        Written over if there.
    """
    parts = {
        "content.xml": _content(book),
        "styles.xml": _styles(book.language),
        "meta.xml": _meta(book),
        "META-INF/manifest.xml": _manifest(),
    }
    with zipfile.ZipFile(path, "w") as file:
        # First and not compressed, so that programs know the file by it. Zip files have no times before 1980.
        file.writestr(zipfile.ZipInfo("mimetype", (1980, 1, 1, 0, 0, 0)), MIMETYPE, zipfile.ZIP_STORED)
        for name, text in parts.items():
            file.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), text.encode("utf-8"), zipfile.ZIP_DEFLATED)


def _content(book: Workbook) -> str:
    widths = sorted({w for s in book.sheets for w in s.widths} | {COVER_WIDTH})
    ranges = "".join(
        f'<table:database-range table:name={quoteattr(s.table)} table:contains-header="true" '
        f'table:display-filter-buttons="false" table:target-range-address={quoteattr(_range(s))}/>'
        for s in book.sheets
    )
    return (
        f'{XML}<office:document-content {NAMESPACES} office:version="1.3">'
        f"<office:automatic-styles>{_automatic(widths)}</office:automatic-styles>"
        f"<office:body><office:spreadsheet>{_cover(book)}{''.join(_sheet(s) for s in book.sheets)}"
        f"<table:database-ranges>{ranges}</table:database-ranges>"
        "</office:spreadsheet></office:body></office:document-content>"
    )


def _automatic(widths: list[int]) -> str:
    """Return the styles of columns, numbers and cells."""
    columns = "".join(
        f'<style:style style:name="w{w}" style:family="table-column"><style:table-column-properties '
        f'style:column-width="{w * CENTIMETRES_A_CHARACTER:.2f}cm"/></style:style>'
        for w in widths
    )
    numbers = "".join(
        f'<number:number-style style:name="n{d}"><number:number number:decimal-places="{d}" '
        f'number:min-decimal-places="{d}" number:min-integer-digits="1" number:grouping="true"/></number:number-style>'
        f'<style:style style:name="number{d}" style:family="table-cell" style:parent-style-name="Default" '
        f'style:data-style-name="n{d}"><style:paragraph-properties {END}/></style:style>'
        for d in DECIMALS
    )
    bold, wrap = 'fo:font-weight="bold"', 'fo:wrap-option="wrap"'
    under = f'{wrap} fo:border-bottom="0.75pt solid #000000"'
    cells = (
        _cell_style("title", text=f'{bold} fo:font-size="{TITLE_SIZE}"')
        + _cell_style("heading", text=f'{bold} fo:font-size="{HEADING_SIZE}"', cell=wrap)
        + _cell_style("wrapped", cell=wrap)
        + _cell_style("right", paragraph=END)
        + _cell_style("head", text=bold, cell=under)
        + _cell_style("headright", text=bold, cell=under, paragraph=END)
    )
    row = (
        '<style:style style:name="row" style:family="table-row"><style:table-row-properties '
        'style:use-optimal-row-height="true"/></style:style>'
        + "".join(
            f'<style:style style:name="{name}" style:family="table" style:master-page-name="{name}">'
            '<style:table-properties table:display="true" style:writing-mode="lr-tb"/></style:style>'
            for name in SCALES
        )
    )
    return columns + row + numbers + cells


def _cell_style(name: str, *, text: str = "", cell: str = "", paragraph: str = "") -> str:
    return (
        f'<style:style style:name="{name}" style:family="table-cell" style:parent-style-name="Default">'
        f'<style:table-cell-properties style:vertical-align="top" {cell}/><style:paragraph-properties {paragraph}/>'
        f"<style:text-properties {text}/></style:style>"
    )


def _cover(book: Workbook) -> str:
    rows = [_row([_text(book.title, "title")])]
    rows += [_row([_text(text, "heading" if heading else "wrapped")]) for heading, text in book.cover]
    return _table("Cover", [COVER_WIDTH], "".join(rows), "fitted", 0)


def _sheet(sheet: Sheet) -> str:
    numeric = [any(isinstance(row[c], Number) for row in sheet.rows) for c in range(len(sheet.headings))]
    above = [_row([_text(sheet.title, "title")]), *(_row([_text(line, "Default")]) for line in sheet.lines)]
    heads = [_text(h, "headright" if n else "head") for h, n in zip(sheet.headings, numeric, strict=True)]
    rows = [
        _row([_link(str(c)) if sheet.links and i == 0 else _cell(c, numeric[i]) for i, c in enumerate(row)])
        for row in sheet.rows
    ]
    header = f"<table:table-header-rows>{_row(heads)}</table:table-header-rows>"
    style, repeated = ("fitted", 0) if sheet.fits_a_page else ("across", sheet.repeated)
    return _table(sheet.name, list(sheet.widths), "".join(above) + header + "".join(rows), style, repeated)


def _table(name: str, widths: list[int], rows: str, style: str, repeated: int) -> str:
    columns = [f'<table:table-column table:style-name="w{w}" table:default-cell-style-name="Default"/>' for w in widths]
    first, others = "".join(columns[:repeated]), "".join(columns[repeated:])
    if first:
        first = f"<table:table-header-columns>{first}</table:table-header-columns>"
    return f'<table:table table:name={quoteattr(name)} table:style-name="{style}">{first}{others}{rows}</table:table>'


def _row(cells: list[str]) -> str:
    return f'<table:table-row table:style-name="row">{"".join(cells)}</table:table-row>'


def _cell(cell: Cell, numeric: bool) -> str:
    if isinstance(cell, Number):
        return (
            f'<table:table-cell table:style-name="number{cell.decimals}" office:value-type="float" '
            f'office:value="{cell.value:.{cell.decimals}f}"><text:p>{cell.value:,.{cell.decimals}f}</text:p></table:table-cell>'
        )
    return _text(cell, "right" if numeric else "wrapped")


def _text(text: str, style: str) -> str:
    paragraphs = _paragraphs(text)
    return f'<table:table-cell table:style-name="{style}" office:value-type="string">{paragraphs}</table:table-cell>'


def _paragraphs(text: str) -> str:
    """Write a text so that its lines, tabs and runs of spaces are kept."""
    spaces = '<text:s text:c="2"/>'
    lines = (escape(line).replace("\t", "<text:tab/>").replace("  ", spaces) for line in text.split("\n"))
    return "".join(f"<text:p>{line}</text:p>" for line in lines)


def _link(name: str) -> str:
    target = quoteattr(f"#{_quoted(name)}.A1")
    return (
        '<table:table-cell table:style-name="wrapped" office:value-type="string"><text:p>'
        f'<text:a xlink:type="simple" xlink:href={target}>{escape(name)}</text:a>'
        "</text:p></table:table-cell>"
    )


def _quoted(name: str) -> str:
    return "'" + name.replace("'", "''") + "'"


def _range(sheet: Sheet) -> str:
    last = ""
    column = len(sheet.headings)
    while column:
        column, letter = divmod(column - 1, 26)
        last = chr(ord("A") + letter) + last
    quoted = _quoted(sheet.name)
    return f"{quoted}.A{sheet.header_row}:{quoted}.{last}{sheet.header_row + len(sheet.rows)}"


def _styles(language: str) -> str:
    tongue, _, country = language.partition("-")
    layouts = "".join(
        f'<style:page-layout style:name="{name}"><style:page-layout-properties style:print-orientation="landscape" '
        f'fo:page-width="29.7cm" fo:page-height="21cm" fo:margin="1.5cm" {scale}/>'
        '<style:footer-style><style:header-footer-properties fo:min-height="0.7cm" fo:margin-top="0.2cm"/>'
        "</style:footer-style></style:page-layout>"
        for name, scale in SCALES.items()
    )
    footer = "<text:p><text:sheet-name>Sheet</text:sheet-name>, page <text:page-number>1</text:page-number></text:p>"
    pages = "".join(
        f'<style:master-page style:name="{name}" style:page-layout-name="{name}">'
        f"<style:footer>{footer}</style:footer></style:master-page>"
        for name in SCALES
    )
    return (
        f'{XML}<office:document-styles {NAMESPACES} office:version="1.3"><office:styles>'
        '<style:default-style style:family="table-cell"><style:text-properties '
        f'style:font-name="{FONT}" fo:font-family="{FONT}" fo:font-size="{SIZE}" fo:language={quoteattr(tongue)} '
        f"fo:country={quoteattr(country)}/></style:default-style>"
        '<style:style style:name="Default" style:family="table-cell">'
        '<style:table-cell-properties style:vertical-align="top"/></style:style></office:styles>'
        f"<office:automatic-styles>{layouts}</office:automatic-styles>"
        f"<office:master-styles>{pages}</office:master-styles></office:document-styles>"
    )


def _meta(book: Workbook) -> str:
    return (
        f'{XML}<office:document-meta {NAMESPACES} office:version="1.3"><office:meta>'
        f"<meta:generator>engagement-stats</meta:generator><dc:title>{escape(book.title)}</dc:title>"
        f"<dc:description>{escape(book.description)}</dc:description><dc:language>{escape(book.language)}</dc:language>"
        f"<meta:creation-date>{book.created.isoformat()}</meta:creation-date><dc:date>{book.created.isoformat()}</dc:date>"
        "</office:meta></office:document-meta>"
    )


def _manifest() -> str:
    entries = {"/": MIMETYPE, **dict.fromkeys(("content.xml", "styles.xml", "meta.xml"), "text/xml")}
    listed = "".join(
        f'<manifest:file-entry manifest:full-path="{path}" manifest:media-type="{kind}"/>'
        for path, kind in entries.items()
    )
    return (
        f'{XML}<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0" '
        f'manifest:version="1.3">{listed}</manifest:manifest>'
    )
