"""Sample workbooks and a data dictionary in the layouts of publishers and pollsters, with invented numbers.

Belongs here: writing them, as .xlsx and .ods, with the traps that real ones have.
Not here: any expectation.
"""

import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import odfdo
import openpyxl

Value = str | float | None
REGIONS = (
    "North East", "North West", "Yorkshire and The Humber", "East Midlands", "West Midlands", "East of England",
    "London", "South East", "South West",
)  # fmt: skip
MEASURES = (
    "2023/24 Percentage (%)", "2023/24 Percentage (%) Lower estimate", "2023/24 Percentage (%) Upper estimate",
    "2023/24 No. of respondents", "2023/24 Base",
)  # fmt: skip

# As the UK Data Service describes a file of two columns and five rows.
DICTIONARY = """UK Data Archive Data Dictionary

File-level information:

File Name = \t\twave
Number of variables = \t2
Number of cases = \t5

Variable-level information:

Pos. = 1\tVariable = serial\tVariable label = Serial number
This variable is  numeric, the SPSS measurement level is SCALE
\tValue label information for serial

Pos. = 2\tVariable = vol\tVariable label = Volunteered?
This variable is  numeric, the SPSS measurement level is NOMINAL
SPSS user missing values = -9.0 thru -8.0 and -1.0
\tValue label information for vol
\tValue = -9.0\tLabel = Refused
\tValue = 1.0\tLabel = Yes
\tValue = 2.0\tLabel = No
"""


@dataclass(frozen=True)
class Sheet:
    """Rows of one sheet; merged ranges as (first row, first column, last row, last column), from 0."""

    rows: Sequence[Sequence[Value]]
    merged: Sequence[tuple[int, int, int, int]] = ()
    state: str = "visible"
    formulas: Mapping[tuple[int, int], str] = field(default_factory=dict)


def xlsx(path: Path, sheets: Mapping[str, Sheet]) -> Path:
    """Write an Excel workbook."""
    book = openpyxl.Workbook()
    book.remove(book.worksheets[0])
    for name, sheet in sheets.items():
        page = book.create_sheet(name)
        page.sheet_state = sheet.state
        for r, row in enumerate(sheet.rows, start=1):
            for c, value in enumerate(row, start=1):
                if value is not None:
                    page.cell(r, c, value)
        for (r, c), formula in sheet.formulas.items():
            page.cell(r + 1, c + 1, formula)
        for top, left, bottom, right in sheet.merged:
            page.merge_cells(start_row=top + 1, start_column=left + 1, end_row=bottom + 1, end_column=right + 1)
    book.save(path)
    return path


def ods(path: Path, sheets: Mapping[str, Sheet]) -> Path:
    """Write an OpenDocument spreadsheet."""
    book = odfdo.Document("ods")
    book.body.clear()
    hidden = odfdo.Style(family="table", name="hidden_sheet")
    hidden.set_properties({"table:display": "false"}, area="table")
    book.insert_style(hidden, automatic=True)
    for name, sheet in sheets.items():
        table = odfdo.Table(name)
        for row in sheet.rows:
            line = odfdo.Row()
            for value in row:
                line.append_cell(odfdo.Cell() if value is None else odfdo.Cell(value))
            table.append_row(line)
        for top, left, bottom, right in sheet.merged:
            table.set_span((left, top, right, bottom))
        if sheet.state != "visible":
            table.style = "hidden_sheet"
        book.body.append(table)
    book.save(path)
    return path


def part(path: Path, name: str, content: bytes, to: Path) -> Path:
    """Copy an archive with one of its parts replaced, or added."""
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(to, "w", zipfile.ZIP_DEFLATED) as new:
        # In its order and as it was packed: an .ods is known by its first part, which is not compressed.
        for member in old.infolist():
            if member.filename != name:
                new.writestr(member, old.read(member))
        new.writestr(name, content)
    return to


def worksheet(rows: bytes | str, more: str = "", dimension: str = "A1:B2") -> bytes:
    """Return the XML of a worksheet, with a range it claims that need not be its own."""
    inner = rows if isinstance(rows, bytes) else rows.encode()
    return (
        b'<?xml version="1.0"?><worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
        + f'<dimension ref="{dimension}"/><sheetData>'.encode() + inner + f"</sheetData>{more}</worksheet>".encode()
    )  # fmt: skip


# --- official tables


def _cover(title: str) -> dict[str, Sheet]:
    return {
        "Cover_sheet": Sheet([[title], ["Published: 4 December 2024"], ["Contact: statistics@example.org"]]),
        "Contents": Sheet([["Contents"], ["Worksheet", "Title"], ["C1b", "Volunteering by group"], ["C1c", "By area"]]),
        "Notes": Sheet([["Notes"], ["Note number", "Note text"], ["note 1", "Adults aged 16 and over."],
                        ["note 2", "[c] is a number withheld; [low] rounds to zero."]]),
    }  # fmt: skip


# Category, breakdown, percentage, ends of the interval, respondents, weighted base.
OFFICIAL_ROWS: tuple[tuple[Value, ...], ...] = (
    ("All adults [note 1]", "All", 23.4, 23.1, 23.7, 170254, 170254),
    ("Sex", "Male", 22.0, 21.5, 22.5, 76010, 82600),
    ("Sex", "Female", 24.8, 24.4, 25.3, 93100, 87100),
    ("Sex", "Identify in another way", "[c]", "[c]", "[c]", "[c]", "[c]"),
    ("Age group", "16 to 24 [note 3]", 21.1, 19.9, 22.4, 9300, 20100),
    ("Age group", "75 and over", "[low]", "[low]", "[low]", 19034, 15900),
    *(("Region", name, 20.0 + i, 19.0 + i, 21.0 + i, 15000 + i, 15100.5 + i) for i, name in enumerate(REGIONS)),
)


def official(rows: Iterable[Sequence[Value]] = OFFICIAL_ROWS) -> dict[str, Sheet]:
    """Return an official publication: cover, contents, notes, and two tables under headers on rows 7 and 8."""
    above = [
        ["C1b: Formal volunteering at least once a month, by demographic group and region, 2023/24"],
        ["This worksheet contains one table."],
        ["Some cells refer to notes, which can be found on the notes worksheet."],
        ["Source: Community Life Survey"],
        ["Geographic coverage: England"],
        [],
    ]
    districts: list[list[Value]] = [
        ["E08000012", "Liverpool", 19.5, 17.2, 22.0, 800, 790.2],
        ["E07000062", "Hastings", "[u]", "[u]", "[u]", "[u]", "[u]"],
    ]
    return {
        **_cover("Community Life Survey 2023/24: volunteering"),
        "C1b": Sheet([*above, ["Category", "Response breakdown [note 1]", *MEASURES], *rows]),
        "C1c": Sheet([
            ["C1c: Formal volunteering at least once a month, by local authority, 2023/24"], *above[1:], [],
            ["Area code", "Area name", *MEASURES], *districts,
        ]),
        "working": Sheet([["superseded"], ["Category", "Response breakdown", *MEASURES], ["All adults", "All", 99.9]],
                         state="hidden"),
    }  # fmt: skip


# --- a pollster's crosstabs

# Answer to (count, per cent) of Total, Male, Female, 18-34, 35-54, 55+.
MEMBER: Mapping[str, tuple[Sequence[Value], Sequence[Value]]] = {
    "Yes, a member": ((80, 44, 36, 22, 30, 28), ("8%", "9%", "7%", "7%", "9%", "8%")),
    "No, but I used to be": ((5, 3, 2, 1, "-", 4), ("*", "1%", "<1%", "<1%", "-", "1%")),
    "No": ((885, 430, 455, 275, 300, 310), ("88%", "88%", "88%", "89%", "88%", "88%")),
    "NET: Ever a member": ((85, 47, 38, 23, 30, 32), ("8%", "10%", "7%", "7%", "9%", "9%")),
}
UNWEIGHTED: Sequence[Value] = ("1,003", 470, 533, 251, 342, 410)
WEIGHTED: Sequence[Value] = ("1,003", 490, 516, 310, 340, 353)


def _block(title: str, answers: Mapping[str, tuple[Sequence[Value], Sequence[Value]]]) -> list[list[Value]]:
    rows: list[list[Value]] = [
        [title],
        ["Base: All respondents"],
        [],
        [None, "Total", "Gender", None, "Age", None, None],
        [None, None, "Male", "Female", "18-34", "35-54", "55+"],
        ["Unweighted base", *UNWEIGHTED],
        ["Weighted base", *WEIGHTED],
    ]
    for answer, (counts, shares) in answers.items():
        rows += [[answer, *counts], [None, *shares]]
    return [*rows, [], []]


def crosstabs() -> dict[str, Sheet]:
    """Return a pollster's tables: one under another on a sheet, with titles, two rows of headers, bases, marks."""
    local: Mapping[str, tuple[Sequence[Value], Sequence[Value]]] = {
        "Yes": ((140, 70, 70, 40, 50, 50), ("14%", "14%", "14%", "13%", "15%", "14%")),
        "No": ((863, 420, 446, 270, 290, 303), ("86%", "86%", "86%", "87%", "85%", "86%")),
    }
    return {
        "Cover Page": Sheet([["Left Behind Neighbourhoods Poll"], ["Fieldwork dates: 1st - 9th September 2020"],
                             ["Sample size: 1,003"]]),
        "Tables": Sheet([
            *_block("Q1. In the last 12 months, have you been a member of a local group?", MEMBER),
            *_block("Q2. In the last 12 months, have you done any unpaid voluntary work?", local),
        ]),
    }  # fmt: skip
