"""What every reader takes and gives.

Belongs here: the options of a reading, what a file says of itself before its data are read, and the one message for a
file that its reader cannot make sense of.
Not here: any reading.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from engagement_stats.errors import IngestError

Format = Literal["tab", "csv", "sav", "por", "dta", "sas7bdat", "xpt", "xlsx", "ods", "parquet"]
Code = float | str
FORMAT_NAMES: Mapping[Format, str] = {
    "tab": "tab-separated text", "csv": "delimited text", "sav": "SPSS", "por": "SPSS portable", "dta": "Stata",
    "sas7bdat": "SAS", "xpt": "SAS transport", "xlsx": "Excel", "ods": "OpenDocument", "parquet": "Parquet",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Options:
    """How a file is to be read, as the catalogue or the caller declares it; nothing is sniffed.

    `format` tells a reader of several formats which it is ("sav" is .zsav too); a path's suffix does not. `delimiter`
    is of a text file (a tab for "tab", a comma for "csv" when None); `dictionary` the path of the data dictionary that
    the UK Data Service lays beside one (`dictionary.beside`), or None. `sheet` and `header_row` (from 1) are of a
    workbook: its only visible sheet when None.
    """

    format: Format = "csv"
    encoding: str = "utf-8"
    delimiter: str | None = None
    dictionary: str | None = None
    sheet: str | None = None
    header_row: int = 1


@dataclass(frozen=True, slots=True)
class Contents:
    """What a file says of itself: its columns in order, as spelled, and what it tells of them.

    `rows` is None where the format does not state it. `labels` are value labels, code to label; `user_missing` the
    (low, high) ranges of codes declared missing, a text code or Stata's letter being a range of one. `weight` is the
    column that the file says its respondents are weighted by, where it says so. `formats` are SPSS's names of how it
    shows the numbers of a column, such as dates.
    """

    names: Sequence[str]
    rows: int | None
    labels: Mapping[str, Mapping[Code, str]] = field(default_factory=dict)
    variable_labels: Mapping[str, str] = field(default_factory=dict)
    user_missing: Mapping[str, Sequence[tuple[float, float] | tuple[str, str]]] = field(default_factory=dict)
    weight: str | None = None
    formats: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell of a sheet that holds a published table; None where there is nothing.

    `formula` says that the value is a stored result, which may be stale; `spread`, that the cell is merged with one
    before it, whose value this is.
    """

    value: str | float | None = None
    formula: bool = False
    spread: bool = False


def unreadable(where: str, kind: Format) -> IngestError:
    """Return the error for a file whose reader gave up, whose own words may quote the data."""
    return IngestError(
        f"{where}: the file cannot be read as {FORMAT_NAMES[kind]} data. It may be cut short, encrypted or of another "
        "format; deposit it again."
    )
