"""How the tables of a published workbook are described: by the words on its sheets, not by the numbers of its cells.

Belongs here: the shape of such a description and the rules that can be checked on it alone.
Not here: finding anything in a file (workbook), and the wave it belongs to (model).
"""

from collections.abc import Sequence
from datetime import date
from typing import Annotated, Literal, Self

from pydantic import BaseModel, BeforeValidator, Field, model_validator

from engagement_stats.catalogue.entry import STRICT, Evidence, Id, Text

# What a mark in place of a number means. `rounds_to_zero` is more than nothing and less than half a unit of the last
# digit; `zero` is nobody.
Mark = Literal["suppressed", "unreliable", "not_available", "not_applicable", "rounds_to_zero", "zero"]
EACH = "*"
ANSWER, YEAR = "{answer}", "{year}"


def _one_as_list(value: object) -> object:
    return [value] if isinstance(value, str) else value


# A text, or the several ways in which editions of a workbook spell it.
Spellings = Annotated[list[Text], BeforeValidator(_one_as_list), Field(min_length=1)]
# Level of a domain to its words, or a pattern in which * stands for the name of each level.
Levels = Text | Annotated[dict[Text, Spellings], Field(min_length=1)]


class _Part(BaseModel):
    """Base of every part of a description."""

    model_config = STRICT


class _Layout(_Part):
    """What official tables and crosstabs have in common.

    `scale` says whether 27 per cent stands in its cell as 27 or as 0.27, `decimals` how many digits of a percentage
    are published. `symbols` says what each mark that stands in place of a number means ("" is an empty cell); `<1%`
    needs no entry. `formulas` "stored" takes the stored results of formulas, which may be stale; otherwise they are
    refused. `without` names levels that a pattern with * would ask for and that are not in the table. `after_numbers`
    are the signs that may follow a number in its cell and are no part of it: the letters of columns it differs from,
    the star of a small base.
    """

    header_rows: int = Field(default=1, ge=1, le=6)
    scale: Literal["percent", "fraction"]
    decimals: int = Field(ge=0, le=12)
    symbols: dict[str, Mark] = {}
    after_numbers: Annotated[str, Field(pattern=r"^[^\d\s%.<-]*$")] = ""
    formulas: Literal["refuse", "stored"] = "refuse"
    without: dict[Text, list[Text]] = {}

    def _check_patterns(self, described: dict[str, Levels], name: str) -> None:
        patterns = {d: x for d, x in described.items() if isinstance(x, str) and d != "all"}
        bare = sorted(d for d, x in patterns.items() if EACH not in x)
        if bare:
            raise ValueError(f"{name}.{bare[0]} is a pattern without {EACH}; write {EACH} for the name of each level")
        stray = sorted(set(self.without) - set(patterns))
        if stray:
            raise ValueError(f"without names {', '.join(stray)}, for which {name} gives no pattern with {EACH}")


class OfficialColumns(_Part):
    """The columns of an official table that hold numbers, by the text of their headers."""

    value: Spellings
    lower: Spellings | None = None
    upper: Spellings | None = None
    base: Spellings | None = None
    base_weighted: Spellings | None = None


class OfficialLayout(_Layout):
    """A table with a row for each part of the population: percentage, interval and base side by side.

    `labels` are the headers of the columns that name the row; their texts are joined by " | ". With `fill_down` an
    empty label is the one above it. `rows` says which label each level of a domain has.
    """

    kind: Literal["official"]
    labels: Annotated[list[Spellings], Field(min_length=1)]
    fill_down: bool = False
    columns: OfficialColumns
    confidence: float | None = Field(default=None, gt=0, lt=1)
    rows: Annotated[dict[Text, Levels], Field(min_length=1)]

    @model_validator(mode="after")
    def _whole(self) -> Self:
        given = [x is not None for x in (self.columns.lower, self.columns.upper, self.confidence)]
        if any(given) and not all(given):
            raise ValueError("columns.lower, columns.upper and confidence go together")
        self._check_patterns(self.rows, "rows")
        return self

    @property
    def domains(self) -> dict[str, Levels]:
        """The domains whose levels the table has."""
        return self.rows


class CrosstabLayout(_Layout):
    """A pollster's table: a column for each part of the sample under `header_rows` rows of headers, and rows of bases.

    `columns` says which header each level of a domain has, rows of headers joined by " | ": "Gender | Male". A header
    over the first of its columns serves those to its right up to the next one. `cells` are the rows each answer has,
    in order; the first carries its label. `per_cent_of` "weighted_base" lets the count rows prove the percentages.
    """

    kind: Literal["crosstab"]
    columns: Annotated[dict[Text, Levels], Field(min_length=1)]
    base_unweighted: Spellings
    base_weighted: Spellings | None = None
    cells: list[Literal["count", "per_cent"]] = ["count", "per_cent"]
    per_cent_of: Literal["weighted_base", "other"] = "weighted_base"

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.cells.count("per_cent") != 1 or self.cells.count("count") > 1:
            raise ValueError("cells has one per_cent row for each answer and at most one count row")
        self._check_patterns(self.columns, "columns")
        return self

    @property
    def domains(self) -> dict[str, Levels]:
        """The domains whose levels the table has."""
        return self.columns


Layout = Annotated[OfficialLayout | CrosstabLayout, Field(discriminator="kind")]


class Table(_Part):
    """One table of a workbook: the sheet it is on, the title it stands under, and the indicator it gives.

    `title` is words of one cell above the table; without it the sheet has one table only. `answer` is the row of a
    crosstab, or fills `{answer}` in the labels and headers of an official layout. `question` is for a crosstab whose
    one header and bases serve several questions below each other: words of the one cell under which the answer stands.
    """

    sheet: Spellings
    layout: Id
    indicator: Id
    title: Text | None = None
    question: Text | None = None
    answer: Spellings | None = None
    note: str | None = None


def words(layout: OfficialLayout | CrosstabLayout, domain: str, levels: Sequence[str]) -> dict[str, list[str]]:
    """Return the words a layout has for each level of a domain.

    Parameters
    ----------
    layout : OfficialLayout or CrosstabLayout
    domain : str
        One the layout describes.
    levels : sequence of str
        The levels of the domain, for a pattern to name.

    Returns
    -------
    dict of str to list of str
        Level to its spellings.

    Examples
    --------
    >>> layout = CrosstabLayout(
    ...     kind="crosstab", scale="percent", decimals=0, columns={"all": "Total", "sex": "Gender | *"},
    ...     base_unweighted=["Unweighted base"],
    ... )
    >>> words(layout, "sex", ["Male", "Female"])
    {'Male': ['Gender | Male'], 'Female': ['Gender | Female']}
    """
    described = layout.domains[domain]
    if not isinstance(described, str):
        return described
    if domain == "all":
        return {"all": [described]}
    left_out = layout.without.get(domain, [])
    return {level: [described.replace(EACH, level)] for level in levels if level not in left_out}


class Workbook(_Part):
    """A published workbook: how its file is recognised, and the figures it gives.

    `sha256` are the editions known to be right; any is taken when none is given. `year` fills `{year}` in the labels
    and headers of layouts. `published_on` is the vintage of every figure in it.
    """

    pattern: Annotated[list[Text], Field(min_length=1)]
    format: Literal["xlsx", "ods"]
    sha256: list[Annotated[str, Field(pattern="^[0-9a-f]{64}$")]] = []
    published_on: date | None = None
    evidence: Evidence = "confirmed"
    source: Text
    year: Text | None = None
    layouts: Annotated[dict[Id, Layout], Field(min_length=1)]
    tables: Annotated[list[Table], Field(min_length=1)]

    @model_validator(mode="after")
    def _whole(self) -> Self:
        for number, table in enumerate(self.tables, start=1):
            layout = self.layouts.get(table.layout)
            if layout is None:
                raise ValueError(f'tables: the layout "{table.layout}" of table {number} is not in layouts')
            asked = ANSWER in str(layout.model_dump())
            if (table.answer is None) == (layout.kind == "crosstab" or asked):
                raise ValueError(
                    f"tables: table {number} {'needs' if table.answer is None else 'has no use for'} an answer, which "
                    f"is the row of a crosstab, or the text for {ANSWER} in an official layout"
                )
            if table.question is not None and (layout.kind != "crosstab" or table.title is not None):
                raise ValueError(f"tables: table {number} needs no question; it is for a crosstab without a title")
            if asked and table.answer is not None and len(table.answer) > 1:
                raise ValueError(f"tables: table {number} gives several answers to fill {ANSWER} with; give one")
            if YEAR in str(layout.model_dump()) and self.year is None:
                raise ValueError(f"layouts.{table.layout} has {YEAR}, so give year")
        if unused := sorted(set(self.layouts) - {t.layout for t in self.tables}):
            raise ValueError(f"layouts: no table uses {', '.join(unused)}")
        return self
