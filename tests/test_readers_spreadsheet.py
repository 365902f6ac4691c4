"""Workbooks: every row or a refusal, values as stored, hidden sheets never read, and hostile archives."""

import datetime as dt
import resource
import subprocess
import sys
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import layouts
import openpyxl
import pyarrow as pa
import pytest
from layouts import Sheet
from workbench import ROOT

from engagement_stats.codes import as_codes
from engagement_stats.errors import IngestError
from engagement_stats.readers import grids, parts, spreadsheet
from engagement_stats.readers.model import Cell, Options

SHARED = ROOT.parent / "shared" / "data"
Writer = Callable[[Path, Mapping[str, Sheet]], Path]
SHEET = "xl/worksheets/sheet1.xml"
WRITERS = pytest.mark.parametrize("write", [layouts.xlsx, layouts.ods], ids=["xlsx", "ods"])
DATA = Sheet([["id", "sex", "wt", "q1 "], ["A01", 1, 0.5, "Yes"], ["A02", 2, 1.25, None], ["003", -9, None, "No"]])


def book(write: Writer, tmp_path: Path, **sheets: Sheet) -> Path:
    return write(tmp_path / f"book.{'xlsx' if write is layouts.xlsx else 'ods'}", sheets)


def read(path: Path, *names: str, **options: object) -> pa.Table:
    told = Options(**options)  # type: ignore[arg-type]
    return spreadsheet.table(path, names or spreadsheet.contents(path, told, "f").names, told, "f")


def grid_refused(path: Path, *wanted: list[str]) -> str:
    with pytest.raises(IngestError) as caught:
        grids.grids(path, wanted, "f")
    return str(caught.value)


def refused(path: Path, *names: str, **options: object) -> str:
    with pytest.raises(IngestError) as caught:
        read(path, *names, **options)
    return str(caught.value)


def made(tmp_path: Path, rows: str, more: str = "", dimension: str = "A1:B2") -> Path:
    """Write a workbook whose one sheet has this XML."""
    good = layouts.xlsx(tmp_path / "good.xlsx", {"data": DATA})
    return layouts.part(good, SHEET, layouts.worksheet(rows, more, dimension), tmp_path / "made.xlsx")


# --- data sheets


@WRITERS
def test_columns_come_with_their_codes_as_stored(write: Writer, tmp_path: Path) -> None:
    path = book(write, tmp_path, data=DATA)
    contents = spreadsheet.contents(path, Options(), "f")
    assert (list(contents.names), contents.rows) == (["id", "sex", "wt", "q1 "], 3)
    table = read(path, "q1 ", "sex", "wt", "id")
    assert table.schema.types == [pa.string(), pa.float64(), pa.float64(), pa.string()]
    assert table.to_pydict() == {
        "q1 ": ["Yes", "", "No"], "sex": [1.0, 2.0, -9.0], "wt": [0.5, 1.25, None], "id": ["A01", "A02", "003"],
    }  # fmt: skip
    assert as_codes(table["sex"].to_pandas()).tolist() == ["1", "2", "-9"]


def test_text_beside_numbers_keeps_both_as_they_show(tmp_path: Path) -> None:
    values = [1, 2.5, "01", True, dt.date(2024, 1, 31), dt.datetime(2024, 1, 31, 9, 30), None, "x"]
    path = layouts.xlsx(tmp_path / "mixed.xlsx", {"data": Sheet([["code", "n"], *([v, 1] for v in values)])})  # type: ignore[list-item]
    assert read(path)["code"].to_pylist() == [
        "1", "2.5", "01", "TRUE", "2024-01-31", "2024-01-31T09:30:00", "", "x",
    ]  # fmt: skip


@WRITERS
def test_dates_are_never_numbers(write: Writer, tmp_path: Path) -> None:
    days = Sheet([["when"], [dt.date(2024, 2, 29)], [dt.date(1900, 3, 1)]])  # type: ignore[list-item]
    assert read(book(write, tmp_path, data=days))["when"].to_pylist() == ["2024-02-29", "1900-03-01"]


def test_no_digit_of_a_number_is_lost(tmp_path: Path) -> None:
    numbers = [0.1 + 0.2, 1 / 3, 123456789012345.0, 2.0**53 - 1, 1e-300]
    rows = "".join(f'<row r="{i}"><c r="A{i}"><v>{n!r}</v></c></row>' for i, n in enumerate(numbers, start=2))
    path = made(tmp_path, '<row r="1"><c r="A1" t="inlineStr"><is><t>x</t></is></c></row>' + rows)
    assert read(path)["x"].to_pylist() == numbers


def test_numbers_that_may_have_become_the_same_are_refused(tmp_path: Path) -> None:
    path = made(tmp_path, '<row r="1"><c r="A1" t="inlineStr"><is><t>id</t></is></c></row>'
                '<row r="2"><c r="A2"><v>9007199254740993</v></c></row>')  # fmt: skip
    assert "too large to be stored exactly" in refused(path)
    path = made(tmp_path, '<row r="1"><c r="A1" t="inlineStr"><is><t>wt</t></is></c></row>'
                '<row r="2"><c r="A2"><v>NaN</v></c></row>')  # fmt: skip
    assert "f sheet data" in refused(path)


@WRITERS
def test_the_only_visible_sheet_is_read_and_hidden_ones_never(write: Writer, tmp_path: Path) -> None:
    old = Sheet([["id"], ["superseded"]], state="hidden")
    path = book(write, tmp_path, old=old, data=DATA)
    assert read(path, "id")["id"].to_pylist() == ["A01", "A02", "003"]
    assert 'the sheet "old" is hidden' in refused(path, "id", sheet="old")
    assert 'the sheet "old" is hidden' in grid_refused(path, ["old"])
    assert [s.visible for s in spreadsheet.sheets(path, "f")] == [False, True]


def test_a_very_hidden_sheet_is_hidden(tmp_path: Path) -> None:
    path = layouts.xlsx(tmp_path / "b.xlsx", {"data": DATA, "x": Sheet([["id"]], state="veryHidden")})
    assert [s.visible for s in spreadsheet.sheets(path, "f")] == [True, False]


@WRITERS
def test_of_several_sheets_one_is_declared(write: Writer, tmp_path: Path) -> None:
    path = book(write, tmp_path, notes=Sheet([["a note"]]), Data_1=DATA)
    message = refused(path, "id")
    assert "2 visible sheets" in message and "notes, Data_1" in message
    assert read(path, "id", sheet="data_1 ").num_rows == 3
    assert 'no sheet "data1"' in (message := refused(path, "id", sheet="data1")) and "Nearest: Data_1" in message


@WRITERS
def test_the_header_stands_where_it_is_declared(write: Writer, tmp_path: Path) -> None:
    rows = [["Survey of 2024, sheet 1 of 1", None], [], ["id", "wt"], ["a", 1], ["b", 2]]
    path = book(write, tmp_path, data=Sheet(rows, merged=[(0, 0, 0, 1)]))
    assert read(path, header_row=3).to_pydict() == {"id": ["a", "b"], "wt": [1.0, 2.0]}
    assert "row 2 holds no column names" in refused(path, header_row=2)
    assert "ends before its header" in refused(path, header_row=9)


@pytest.mark.parametrize(
    ("rows", "merged", "said"),
    [
        ([["a", None], [1, 2]], [], "values in 1 column(s) without a name"),
        ([["a", "b"], [1, 2], [None, None], [3, 4]], [], "row 3 is blank"),
        ([["a", "b"], [1, 2], [], ["Source: us"]], [], "row 3 is blank"),
        ([["Region", "2023", None], [None, "%", "n"], ["NE", 10, 100]], [(0, 1, 0, 2)], "1 merged cell(s)"),
        ([["a", "b"], [1, 2], [None, 3]], [(1, 0, 2, 0)], "1 merged cell(s)"),
    ],
    ids=["no-name", "blank-row", "notes-below", "merged-header", "merged-data"],
)
@WRITERS
def test_a_sheet_that_is_no_plain_table_is_refused(
    write: Writer, rows: list[list[object]], merged: list[tuple[int, int, int, int]], said: str, tmp_path: Path
) -> None:
    path = book(write, tmp_path, data=Sheet(rows, merged=merged))  # type: ignore[arg-type]
    assert said in (message := refused(path))
    assert message.startswith("f sheet data: ")


def test_a_column_of_formulas_is_refused_and_the_others_are_not(tmp_path: Path) -> None:
    sheet = Sheet([["id", "wt"], ["a", None], ["b", None]], formulas={(1, 1): "=1+1", (2, 1): "=2+2"})
    path = layouts.xlsx(tmp_path / "b.xlsx", {"data": sheet})
    assert "column wt holds formulas" in (message := refused(path, "wt"))
    assert "in 2 row(s), the first of them 2" in message
    assert read(path, "id").num_rows == 2


def test_a_stale_result_of_a_formula_is_not_taken(tmp_path: Path) -> None:
    rows = ('<row r="1"><c r="A1" t="inlineStr"><is><t>rate</t></is></c></row>'
            '<row r="2"><c r="A2"><f>1+1</f><v>999</v></c></row>')  # fmt: skip
    path = made(tmp_path, rows)
    assert "holds formulas" in refused(path)
    assert grids.grid(path, "data", "f")[1] == [Cell(999.0, formula=True)]


def test_errors_of_a_spreadsheet_are_no_answers(tmp_path: Path) -> None:
    path = made(tmp_path, '<row r="1"><c r="A1" t="inlineStr"><is><t>q</t></is></c></row>'
                '<row r="2"><c r="A2" t="e"><v>#N/A</v></c></row>')  # fmt: skip
    assert "column q holds spreadsheet errors" in refused(path)


def test_no_message_quotes_a_cell(tmp_path: Path) -> None:
    rows = [["a", None], ["SECRET", "SECRET"]]
    path = layouts.xlsx(tmp_path / "b.xlsx", {"data": Sheet(rows)})
    assert "SECRET" not in refused(path)


# --- every row or a refusal


def test_a_false_dimension_loses_no_row(tmp_path: Path) -> None:
    cells = "".join(f'<row r="{i}"><c r="A{i}"><v>{i}</v></c></row>' for i in range(2, 5001))
    path = made(tmp_path, '<row r="1"><c r="A1" t="inlineStr"><is><t>n</t></is></c></row>' + cells)
    assert openpyxl.load_workbook(path, read_only=True)["data"].max_row == 2  # what others believe
    table = read(path)
    assert (table.num_rows, table["n"][-1].as_py()) == (4999, 5000.0)


def test_a_cell_in_the_last_corner_reserves_no_grid(tmp_path: Path) -> None:
    path = made(
        tmp_path, '<row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="XFD1048576"><v>2</v></c></row>'
    )
    assert "1,048,576 rows and 16,384 columns" in refused(path, "A")


def test_repeated_cells_of_an_ods_reserve_no_grid(tmp_path: Path) -> None:
    good = layouts.ods(tmp_path / "good.ods", {"data": DATA})
    with zipfile.ZipFile(good) as archive:
        content = archive.read("content.xml").decode()
    start = content.index("<table:table-row")
    bomb = ('<table:table-row table:number-rows-repeated="1048576"><table:table-cell office:value-type="float" '
            'office:value="1" table:number-columns-repeated="16384"/></table:table-row>')  # fmt: skip
    path = layouts.part(good, "content.xml", (content[:start] + bomb + content[start:]).encode(), tmp_path / "b.ods")
    assert "too large" in refused(path, "A")
    blank = bomb.replace('office:value-type="float" office:value="1" ', "")
    end = content.index("</table:table>")
    path = layouts.part(good, "content.xml", (content[:end] + blank + content[end:]).encode(), tmp_path / "c.ods")
    assert read(path, "id").num_rows == 3


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (
            '<row r="2"><c r="A2"><v>1</v></c></row><row r="1"><c r="A1"><v>1</v></c></row>',
            "rows of a sheet are not in",
        ),
        ('<row r="1"><c r="A1"><v>1</v></c><c r="A1"><v>2</v></c></row>', "cells of a sheet are not in order"),
        ('<row r="1"><c r="B2"><v>1</v></c></row>', "cells of a sheet are not in order"),
        ('<row r="1"><c r="XFE1"><v>1</v></c></row>', "beyond the last row or column"),
        ('<row r="1"><c r="1A"><v>1</v></c></row>', "reference is not one"),
        ('<row r="1"><c r="A1"><v>1</v></row>', "not well-formed"),
        ('<row r="1"><c r="A1" t="s"><v>999999</v></c></row>', "cannot be read"),
    ],
    ids=["rows", "twice", "elsewhere", "beyond", "reference", "xml", "string"],
)
def test_a_sheet_that_contradicts_itself_is_refused(rows: str, said: str, tmp_path: Path) -> None:
    assert said in refused(made(tmp_path, rows), "A")


def test_cells_without_a_reference_follow_one_another(tmp_path: Path) -> None:
    path = made(tmp_path, "<row><c t='inlineStr'><is><t>a</t></is></c><c t='inlineStr'><is><t>b</t></is></c></row>"
                "<row><c><v>1</v></c><c><v>2</v></c></row>")  # fmt: skip
    assert read(path).to_pydict() == {"a": [1.0], "b": [2.0]}


# --- hostile archives


BOMB = b'<?xml version="1.0"?><worksheet>' + b" " * 30_000_000 + b"</worksheet>"
LAUGHS = b"<!DOCTYPE l [<!ENTITY a 'ha'>" + b"".join(
    b"<!ENTITY %c '%s'>" % (98 + i, b"&%c;" % (97 + i) * 10) for i in range(9)
)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        (SHEET, BOMB, "packed more than 200 to one"),
        (SHEET, b'<?xml version="1.0"?>' + LAUGHS + b"]><worksheet>&j;</worksheet>", "document type"),
        ("xl/sharedStrings.xml", b"<!DOCTYPE s [<!ENTITY x SYSTEM 'file:///etc/hostname'>]><sst/>", "document type"),
        ("../../x.txt", b"x", "lying outside"),
        ("XL/workbook.xml", b"<workbook/>", "more than once"),
        ("xl/_rels/workbook.xml.rels", b"<Relationships/>", 'no sheet "data"'),
    ],
    ids=["bomb", "laughs", "external", "traversal", "twice", "no-sheets"],
)
def test_a_hostile_part_is_refused(name: str, content: bytes, said: str, tmp_path: Path) -> None:
    good = layouts.xlsx(tmp_path / "good.xlsx", {"data": DATA})
    path = layouts.part(good, name, content, tmp_path / "bad.xlsx")
    assert said in refused(path, "id", sheet="data")
    assert {p.name for p in tmp_path.iterdir()} == {"good.xlsx", "bad.xlsx"}


@pytest.mark.parametrize("cut", [0.1, 0.5, 0.9])
@WRITERS
def test_a_workbook_cut_short_is_refused(write: Writer, cut: float, tmp_path: Path) -> None:
    whole = book(write, tmp_path, data=DATA)
    content = whole.read_bytes()
    whole.write_bytes(content[: int(len(content) * cut)])
    assert "cannot be read" in refused(whole, "id")


def test_a_flipped_bit_in_a_part_is_refused(tmp_path: Path) -> None:
    path = layouts.xlsx(tmp_path / "b.xlsx", {"data": DATA})
    with zipfile.ZipFile(path) as archive:
        member = archive.getinfo(SHEET)
    content = bytearray(path.read_bytes())
    content[member.header_offset + 30 + len(SHEET) + member.compress_size // 2] ^= 0x10
    path.write_bytes(content)
    assert "cannot be read" in refused(path, "id")


def test_a_workbook_with_a_password_is_named(tmp_path: Path) -> None:
    good = layouts.ods(tmp_path / "good.ods", {"data": DATA})
    space = "urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"
    manifest = (
        f'<?xml version="1.0"?><manifest:manifest xmlns:manifest="{space}"><manifest:file-entry>'
        "<manifest:encryption-data/></manifest:file-entry></manifest:manifest>"
    ).encode()
    path = layouts.part(good, "META-INF/manifest.xml", manifest, tmp_path / "locked.ods")
    assert "protected by a password" in refused(path, "id")


def test_memory_is_bounded_whatever_a_sheet_claims(tmp_path: Path) -> None:
    """A child with 1 GiB refuses a corner cell and a bomb, and still reads a plain sheet."""
    corner = made(
        tmp_path, '<row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="XFD1048576"><v>2</v></c></row>'
    )
    bomb = layouts.part(tmp_path / "good.xlsx", SHEET, BOMB, tmp_path / "bomb.xlsx")
    code = (
        "import sys; from pathlib import Path; from engagement_stats.readers import spreadsheet as s; "
        "from engagement_stats.readers.model import Options; from engagement_stats.errors import IngestError\n"
        "for path in sys.argv[1:]:\n"
        "    try: print(s.contents(Path(path), Options(), 'f').rows)\n"
        "    except IngestError: print('refused')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(corner), str(bomb), str(tmp_path / "good.xlsx")],
        capture_output=True, text=True, timeout=20, check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (2**30, 2**30)),
    )  # fmt: skip
    assert (done.stdout.split(), done.stderr) == (["refused", "refused", "3"], "")


# --- cells of described tables


@WRITERS
def test_a_grid_has_every_cell_in_its_place(write: Writer, tmp_path: Path) -> None:
    rows = [[], [None, "Total", "Gender", None], [None, None, "Male", "Female"], ["Yes", 1, 0.5, "*"]]
    grid = grids.grid(book(write, tmp_path, t=Sheet(rows, merged=[(1, 2, 1, 3), (1, 1, 2, 1)])), "t", "f")
    assert [[c.value for c in row] for row in grid] == [
        [None, None, None, None], [None, "Total", "Gender", "Gender"], [None, "Total", "Male", "Female"],
        ["Yes", 1.0, 0.5, "*"],
    ]  # fmt: skip
    assert [(r, c) for r, row in enumerate(grid) for c, cell in enumerate(row) if cell.spread] == [(1, 3), (2, 1)]
    assert grids.unpack(grids.pack(grid)) == grid


@pytest.mark.parametrize("packed", [[[["a"]]], [[[["a"], 0]]], [[[1.0, "x"]]], [3]])
def test_a_grid_made_by_somebody_else_is_refused(packed: list[object]) -> None:
    with pytest.raises((TypeError, ValueError)):
        grids.unpack(packed)  # type: ignore[arg-type]


def test_a_sheet_too_large_for_a_table_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = layouts.xlsx(tmp_path / "b.xlsx", {"data": DATA})
    monkeypatch.setattr(grids, "MAX_CELLS", 15)
    assert "too large for a published table" in grid_refused(path, ["data"])


@WRITERS
def test_sheets_are_found_by_any_of_their_names(write: Writer, tmp_path: Path) -> None:
    path = book(write, tmp_path, C1b=Sheet([["b"]]), C1c=Sheet([["c"]]))
    found = grids.grids(path, [["C1(C)", "c1c"], ["C1b"], ["C1c"]], "f")
    assert [g[0][0].value for g in found] == ["c", "b", "c"]
    assert "2 sheets answer" in grid_refused(path, ["C1b", "C1c"])


# --- real files


@pytest.mark.skipif(not SHARED.is_dir(), reason="the real files are not in ../shared/data (see README.md)")
@pytest.mark.parametrize(
    ("name", "sheet", "rows", "columns"),
    [
        ("readxl/inst__extdata__datasets.xlsx", "quakes", 1000, 5),
        ("readxl/inst__extdata__datasets.xlsx", "mtcars", 32, 11),
        ("readxl/tests__testthat__sheets__embedded-chartsheet.xlsx", "iris", 150, 5),
        ("readxl/tests__testthat__sheets__nonstandard-xml-ns-prefix.xlsx", "Sheet1", 2, 2),
        ("readxl/tests__testthat__sheets__style-only-cells.xlsx", "Data", 3, 4),
        ("messytables/horror__simple.xlsx", "simple.csv", 6, 3),
    ],
)
def test_real_sheets_are_read_whole(name: str, sheet: str, rows: int, columns: int) -> None:
    path = SHARED / "badinput" / "upstream" / name
    contents = spreadsheet.contents(path, Options(sheet=sheet), "f")
    assert (contents.rows, len(contents.names)) == (rows, columns)
    assert read(path, sheet=sheet).num_rows == rows


@pytest.mark.skipif(not SHARED.is_dir(), reason="the real files are not in ../shared/data (see README.md)")
def test_the_chart_and_macro_sheets_of_a_workbook_are_none_of_its_sheets() -> None:
    path = SHARED / "badinput" / "upstream" / "readxl" / "tests__testthat__sheets__embedded-chartsheet.xlsx"
    assert "Chart1" not in [s.name for s in spreadsheet.sheets(path, "f")]


def test_the_names_of_columns_go_to_the_last_there_can_be() -> None:
    letters = parts._letters()
    assert (letters[0], letters[25], letters[26], letters[701], letters[702], letters[-1]) == (
        "A", "Z", "AA", "ZZ", "AAA", "XFD",
    )  # fmt: skip
    assert [parts._position(f"{x}1")[1] for x in ("A", "Z", "AA", "XFD")] == [0, 25, 26, 16383]
