"""Entries of waves: the file, its weights and fieldwork, or where its figures were published.

Belongs here: the shape of these entries. Not here: codes and variables (variables), what a wave expects of its file
(expected), its workbook (workbooks).
"""

from datetime import date, timedelta
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from engagement_stats.catalogue.entry import FileName, Id, Text
from engagement_stats.catalogue.expected import Expectations, Quarantine
from engagement_stats.catalogue.model.surveys import Population
from engagement_stats.catalogue.model.variables import IndicatorRule, Place, Variable
from engagement_stats.catalogue.model.vocabulary import Entry, Mode, Sampling
from engagement_stats.catalogue.workbooks import Layout, Workbook
from engagement_stats.readers.model import Format


class FileSpec(Entry):
    """How a wave's file is recognised and read.

    `pattern` matches the file's name (not its folder), letter case ignored; several for several
    editions, the preferred one first.
    `where` keeps the rows of one wave in a file that holds several: column to the codes kept. `rows` is the
    number of rows that must remain after `where`, `columns` the number of columns of the file, `sha256` the editions
    known to be right; a synthetic file need not agree with these three. `delimiter` is of a CSV file, a comma when not
    given; `sheet` and `header_row` (from 1) are of a workbook. `missing_undeclared` signs, with
    the reason, a file that declares none of the codes missing that the catalogue says are, in a format that could.
    """

    pattern: Annotated[list[FileName], Field(min_length=1)]
    format: Format
    encoding: Literal["utf-8", "cp1252", "latin-1", "utf-16"] = "utf-8"
    delimiter: Literal[",", ";", "|", "\t"] | None = None
    sheet: Text | None = None
    header_row: int = Field(default=1, ge=1)
    rows: int | None = Field(default=None, ge=1)
    columns: int | None = Field(default=None, ge=1)
    sha256: list[Annotated[str, Field(pattern="^[0-9a-f]{64}$")]] = []
    where: dict[str, list[str]] = {}
    missing_undeclared: str | None = None

    @model_validator(mode="after")
    def _of_its_format(self) -> Self:
        if self.delimiter is not None and self.format != "csv":
            raise ValueError("delimiter goes with format csv; a tab file has tabs")
        if (self.sheet is not None or self.header_row != 1) and self.format not in ("xlsx", "ods"):
            raise ValueError("sheet and header_row go with format xlsx or ods")
        return self


class RespondentId(Entry):
    """The columns that together identify a respondent, or why there are none."""

    columns: list[Text] = []
    absent: str | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if bool(self.columns) == (self.absent is not None):
            raise ValueError("give either columns or, when the file has no identifier, absent with the reason")
        return self


class MadeWeight(Entry):
    """A weight we make: base weights (a column, or equal ones) brought to population margins.

    `variables` are the margins taken from the entry `margins`, crossed ("sex*age_group") or not. `trim` cuts weights
    above that many medians and meets the margins again. `unplaced` says what happens to respondents without an
    answer on a margin: an error, or a category of their own that keeps the share it has by the base weights.
    """

    margins: Id
    variables: Annotated[list[Text], Field(min_length=1)]
    method: Literal["rake", "linear", "logit", "poststratify"] = "rake"
    base: Text | None = None
    bounds: Annotated[tuple[float, float], Field(strict=False)] | None = None
    trim: float | None = Field(default=None, gt=1)
    unplaced: Literal["error", "own_category"] = "error"

    @model_validator(mode="after")
    def _bounds(self) -> Self:
        if self.method == "logit" and self.bounds is None:
            raise ValueError('method "logit" needs bounds')
        if self.method in ("rake", "poststratify") and self.bounds is not None:
            raise ValueError(f'method "{self.method}" takes no bounds')
        return self


class WaveDesign(Entry):
    """Design columns and weights. `weights` are supplied columns, `made` are weights we make; one is named `main`.

    `optional` says that only some editions of the file carry `stratum` and `psu`: they are used when the file
    has them, otherwise the estimates rest on the weights only. `single_psu` says what a stratum with one PSU
    contributes to a variance. Weights in `online_only` are of those who answered online, for questions asked of them
    alone: nobody else has such a weight.
    """

    weights: dict[Id, Text] = {}
    online_only: list[Id] = []
    made: dict[Id, MadeWeight] = {}
    stratum: Text | None = None
    psu: Text | None = None
    optional: bool = False
    single_psu: Literal["fail", "certainty", "adjust", "average", "collapse"] = "fail"
    note: str | None = None

    @model_validator(mode="after")
    def _main(self) -> Self:
        if "main" not in {**self.weights, **self.made}:
            raise ValueError('weights or made needs an entry "main"')
        if both := sorted(set(self.weights) & set(self.made)):
            raise ValueError(f"{', '.join(both)} is both a supplied weight and one we make")
        if strange := [w for w in self.online_only if w == "main" or w not in self.weights]:
            raise ValueError(f"online_only: {', '.join(strange)} is not a supplied weight beside main")
        if self.optional and self.stratum is None and self.psu is None:
            raise ValueError("optional says that stratum or psu may be absent, so name at least one of them")
        return self


class Fieldwork(Entry):
    """When the interviews were held; a date is null when it is not known.

    `year` is the year in which they began, nominal when no source gives it: it orders the waves of a series.
    With `precision` "month" the sources name months only: `start` is the first day of the first month and
    `end` the last day of the last one, and neither may be shown as a day. `when` completes "in ..." where the years of
    the dates or, without dates, the label do not; "unknown" when nothing does.
    """

    label: Text
    when: Text | None = None
    year: int = Field(ge=1900, le=2100)
    start: date | None = None
    end: date | None = None
    precision: Literal["day", "month"] = "day"

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.start and self.end and self.end < self.start:
            raise ValueError("fieldwork ends before it starts")
        if self.start and self.start.year != self.year:
            raise ValueError("fieldwork starts in another year than year says")
        if self.precision == "month" and (
            (self.start and self.start.day != 1) or (self.end and (self.end + timedelta(days=1)).day != 1)
        ):
            raise ValueError("with precision month, start is a first and end a last day of a month")
        return self


class _Wave(Entry):
    label: Text
    survey: Id
    series: Id | None = None
    source: Id
    fieldwork: Fieldwork
    mode: Mode
    sampling: Sampling | None = None
    population: Population | None = None
    note: str | None = None
    unverified: list[Text] = []


class MicrodataWave(_Wave):
    """One wave of a survey whose respondents' answers are in a file.

    `identifiers_allowed` gives, for a column whose name or label is that of a direct identifier, the reason to read it.
    """

    kind: Literal["microdata"]
    file: FileSpec
    respondent_id: RespondentId
    design: WaveDesign
    variables: dict[Id, Variable]
    places: dict[Id, Place] = {}
    indicators: dict[Id, IndicatorRule]
    domains: list[Text] = []
    published_as: list[Id] = []
    expects: Expectations = Expectations()
    quarantine: Quarantine | None = None
    identifiers_allowed: dict[Text, Text] = {}

    @property
    def keys(self) -> dict[str, str]:
        """Each column the entry names, and the key that names it; the first where several do."""
        design = self.design
        named = [("file.where", column) for column in self.file.where]
        named += [("respondent_id.columns", column) for column in self.respondent_id.columns]
        named += [(f"design.weights.{name}", column) for name, column in design.weights.items()]
        named += [(f"design.made.{name}.base", made.base) for name, made in design.made.items() if made.base]
        named += [(f"design.{role}", c) for role, c in (("stratum", design.stratum), ("psu", design.psu)) if c]
        named += [(f"variables.{name}.column", variable.column) for name, variable in self.variables.items()]
        named += [(f"places.{name}.column", place.column) for name, place in self.places.items()]
        named += [("expects.interviewed.columns", column) for column in self.expects.columns]
        named += [("quarantine.rules", column) for column in (self.quarantine.columns if self.quarantine else [])]
        return {column: key for key, column in reversed(named)}

    @property
    def supplied_weights(self) -> dict[str, str]:
        """The supplied weights that are read: those of online respondents only where an indicator uses them."""
        used = {rule.weight for rule in self.indicators.values()}
        unused = [name for name in self.design.online_only if name not in used]
        return {name: column for name, column in self.design.weights.items() if name not in unused}

    @property
    def screening_columns(self) -> list[str]:
        """The columns of the file that only its expectations and the rules of quarantine read."""
        rules = self.quarantine.columns if self.quarantine else []
        return list(dict.fromkeys([*self.expects.columns, *rules]))

    @property
    def asked_columns(self) -> list[str]:
        """Every column the entry asks for, whether the file must have it or not."""
        design = self.design
        columns = [*self.file.where, *self.respondent_id.columns, *self.supplied_weights.values()]
        columns += [c for c in (*(made.base for made in design.made.values()), design.stratum, design.psu) if c]
        columns += [variable.column for variable in self.variables.values()]
        columns += [place.column for place in self.places.values()]
        return list(dict.fromkeys([*columns, *self.screening_columns]))


class TablesWave(_Wave):
    """One wave of which only published figures are held: in a file of figures/, in a workbook that lands, or in both.

    `base` is the number of respondents of the whole wave: it serves a figure of the whole population (domain
    `all`) that does not give its own, and no figure of a part of it. `assumed_design_effect` turns it into an
    interval, said to be assumed, for figures published without one.
    """

    kind: Literal["tables"]
    figures: FileName | None = None
    workbook: Workbook | None = None
    questions: dict[Id, Id]
    base: int | None = Field(default=None, ge=1)
    base_is: Literal["exact", "approximate", "unknown"]
    assumed_design_effect: float | None = Field(default=None, gt=0)
    assumed_because: str | None = None

    @property
    def file(self) -> Workbook | None:
        """The file that has to land, if there is one."""
        return self.workbook

    @property
    def layouts(self) -> dict[str, Layout]:
        """How the tables of its workbook are laid out; none without a workbook."""
        return self.workbook.layouts if self.workbook is not None else {}

    @model_validator(mode="after")
    def _assumption(self) -> Self:
        if (self.base is None) != (self.base_is == "unknown"):
            raise ValueError('base and base_is disagree: base_is is "unknown" just when base is null')
        if (self.assumed_design_effect is None) != (self.assumed_because is None):
            raise ValueError("assumed_design_effect and assumed_because go together")
        if self.figures is None and self.workbook is None:
            raise ValueError("give figures, a file of figures/, or workbook, or both")
        strange = {t.indicator for t in self.workbook.tables} - set(self.questions) if self.workbook else set()
        if strange:
            raise ValueError(f"workbook.tables: {', '.join(sorted(strange))} is not under questions")
        return self


Wave = Annotated[MicrodataWave | TablesWave, Field(discriminator="kind")]
