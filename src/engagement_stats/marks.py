"""What a cell of a published table says: a number, less than a number, or a mark that stands in place of one.

Belongs here: reading one cell as its layout explains it, and bringing it to per cent or to a number of respondents.
Not here: which cell is read (workbook), and what a mark means (catalogue.workbooks).
"""

import math
import re
from dataclasses import dataclass

from engagement_stats.catalogue.workbooks import Layout, Mark
from engagement_stats.codes import is_code
from engagement_stats.errors import IngestError
from engagement_stats.readers.model import Cell

NUMBER = re.compile(r"^(-?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?)\s*(%?)$")
LESS = re.compile(r"^<\s*(\d+(?:\.\d+)?)\s*(%?)$")
# A percentage stored as a fraction is a hair's breadth from its digits.
HAIR = 1e-9


@dataclass(frozen=True, slots=True)
class Reading:
    """What a cell says: a number, less than a number, or a mark; `per_cent` says that it has a per cent sign."""

    value: float | None = None
    below: float | None = None
    mark: Mark | None = None
    per_cent: bool = False


def read_cell(cell: Cell, layout: Layout, where: str) -> Reading:
    """Read a cell of a published table.

    Parameters
    ----------
    cell : Cell
    layout : OfficialLayout or CrosstabLayout
        Says what marks mean and whether results of formulas are taken.
    where : str
        File, sheet and what the cell is, for a message.

    Returns
    -------
    Reading

    Raises
    ------
    IngestError
        A formula, an empty cell or a mark that the layout does not explain.

    Examples
    --------
    >>> from engagement_stats.catalogue.workbooks import CrosstabLayout
    >>> layout = CrosstabLayout(kind="crosstab", scale="percent", decimals=0, columns={"all": "Total"},
    ...     base_unweighted=["Unweighted base"], symbols={"-": "zero"})
    >>> [read_cell(Cell(v), layout, "table").value for v in (27.0, "1,003", "14%", "-")]
    [27.0, 1003.0, 14.0, 0.0]
    >>> read_cell(Cell("<1%"), layout, "table").below
    1.0
    """
    if cell.formula and layout.formulas == "refuse":
        raise IngestError(
            f"{where}: the cell holds a formula, whose stored result may be stale. Give the layout "
            'formulas: "stored" if the results that the publisher stored are to be trusted.'
        )
    if isinstance(cell.value, float):
        if not math.isfinite(cell.value):
            raise IngestError(f"{where}: the cell holds a number that is not finite. Look at the workbook.")
        return Reading(cell.value)
    text = " ".join((cell.value or "").split())
    mark = {" ".join(k.split()).casefold(): v for k, v in layout.symbols.items()}.get(text.casefold())
    if mark is not None:
        return Reading(value=0.0) if mark == "zero" else Reading(mark=mark)
    if text[:1].isdigit() or text[:1] in ("<", "-"):
        text = text.rstrip(f"{layout.after_numbers} ")
    if match := NUMBER.match(text):
        return Reading(float(match[1].replace(",", "")), per_cent=bool(match[2]))
    if match := LESS.match(text):
        return Reading(below=float(match[1]), per_cent=bool(match[2]))
    shown = f'"{text}"' if is_code(text) else "other text"
    known = ", ".join(repr(s) for s in layout.symbols) or "no marks"
    raise IngestError(
        f"{where}: the cell holds neither a number nor a mark that the layout explains. Got {shown}; expected a "
        f"number, or one of {known}. Say under symbols what it means, or under after_numbers what may follow a number."
    )


def percentage(reading: Reading, layout: Layout, where: str, *, digits: bool) -> Reading:
    """Bring a reading to per cent; with `digits` it must have no more of them than the layout says are published.

    Raises
    ------
    IngestError
        It has more, or is outside 0 to 100.
    """
    factor = 1.0 if reading.per_cent or layout.scale == "percent" else 100.0
    if reading.below is not None:
        return Reading(below=reading.below * factor)
    if reading.value is None:
        return reading
    value = reading.value * factor
    rounded = round(value, layout.decimals if digits else 12)
    if digits and abs(value - rounded) > HAIR * max(1.0, abs(value)):
        raise IngestError(
            f"{where}: the percentage has more digits than the layout's decimals, {layout.decimals}. Give the number "
            "of digits that are published (12 where the cells are not rounded), or the right scale."
        )
    if not 0 <= rounded <= 100:
        raise IngestError(
            f"{where}: the percentage is outside 0 to 100. Give the right scale, or the header or label of percentages."
        )
    return Reading(rounded)


def base(reading: Reading | None, where: str) -> int | None:
    """Return a number of respondents, None where it is not given or withheld.

    Raises
    ------
    IngestError
        It is not a whole number.
    """
    if reading is None or reading.value is None:
        return None
    if reading.value < 0 or reading.value != int(reading.value) or reading.per_cent:
        raise IngestError(
            f"{where}: a number of respondents is not a whole number. Give the header or label of the unweighted base."
        )
    return int(reading.value)
