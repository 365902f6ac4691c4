"""What a wave's entry may say of its file beyond its columns: what is expected of all rows, and which are set aside.

Belongs here: the shape of expectations and of rules of quarantine.
Not here: whether they fit the rest of the entry (screening), and applying them (expectations, quarantine).
"""

from typing import Annotated, Literal, Self

from pydantic import BaseModel, Field, model_validator

from engagement_stats.catalogue.entry import STRICT, Id, Text

# How a file counts days or seconds, beside patterns of strptime.
DATE_FORMS = ("spss", "stata", "sas", "excel")

Share = Annotated[float, Field(ge=0, le=1)]
Span = Annotated[tuple[float, float], Field(strict=False)]


class _Entry(BaseModel):
    model_config = STRICT


class Duplicates(_Entry):
    """Rows with the same answers on `columns`, or with the same respondent identifier when no columns are named.

    Of such rows the first is kept, or none. Rows empty on every one of the columns are not compared.
    """

    rule: Literal["duplicates"]
    columns: list[Text] = []
    keep: Literal["first", "none"]


class Speeders(_Entry):
    """Interviews shorter than a number of seconds, or than a share of the median; one without a duration is kept."""

    rule: Literal["speeders"]
    column: Text
    unit: Literal["milliseconds", "seconds", "minutes"] = "seconds"
    least_seconds: float | None = Field(default=None, gt=0)
    least_of_median: float | None = Field(default=None, gt=0, lt=1)

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.least_seconds is None) == (self.least_of_median is None):
            raise ValueError("give exactly one of least_seconds and least_of_median")
        return self


class Impossible(_Entry):
    """A number of a variable outside a closed range, such as an age of 3 or 150; its missing codes are kept."""

    rule: Literal["impossible"]
    variable: Id
    range: Span

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.range[0] > self.range[1]:
            raise ValueError("range is upside down")
        return self


class Incomplete(_Entry):
    """An interview broken off: `column` holds none of the codes of `complete`, or too few of `variables` are answered.

    Empty, refused, not known and not stated are no answer; a question not put to someone is not held against them.
    """

    rule: Literal["incomplete"]
    column: Text | None = None
    complete: list[Text] = []
    variables: list[Id] = []
    least_answered: int = Field(default=1, ge=1)

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.column is None) == (not self.variables) or (self.column is None) == bool(self.complete):
            raise ValueError("give either column with complete, or variables with least_answered")
        if self.variables and self.least_answered > len(self.variables):
            raise ValueError("least_answered is more than the number of variables")
        return self


QuarantineRule = Annotated[Duplicates | Speeders | Impossible | Incomplete, Field(discriminator="rule")]


class Quarantine(_Entry):
    """Rows of a wave that are set aside before estimation, by rules in their order; a rule's id is the reason.

    A row is set aside for the first rule it breaks. More than the share `stop_above` set aside stops the wave.
    """

    rules: Annotated[dict[Id, QuarantineRule], Field(min_length=1)]
    stop_above: Share = 0.05
    note: str | None = None

    @property
    def columns(self) -> list[str]:
        """The columns of the file that the rules name; those of variables and the identifier are read anyway."""
        found: list[str] = []
        for rule in self.rules.values():
            found += rule.columns if isinstance(rule, Duplicates) else []
            found += [rule.column] if isinstance(rule, Speeders | Incomplete) and rule.column else []
        return found


class Interviewed(_Entry):
    """Where a file says when each interview was held, to be checked against the wave's fieldwork.

    `written_as` is "spss" (seconds since 14 October 1582), "stata" or "sas" (days since 1 January 1960), "excel" (days
    since 30 December 1899), or a strptime pattern; several columns are joined with "-" before it is applied. `missing`
    are codes of an unknown date. Dates may lie `within_days` days outside fieldwork.
    """

    columns: Annotated[list[Text], Field(min_length=1)]
    written_as: Text
    missing: list[Text] = []
    within_days: int = Field(default=0, ge=0)

    @model_validator(mode="after")
    def _form(self) -> Self:
        if self.written_as not in DATE_FORMS and "%" not in self.written_as:
            raise ValueError(f"written_as is one of {', '.join(DATE_FORMS)}, or a pattern such as %Y-%m-%d")
        if len(self.columns) > 1 and self.written_as in DATE_FORMS:
            raise ValueError("several columns need a pattern such as %Y-%m-%d")
        return self


class Ends(_Entry):
    """Closed ranges in which the lowest and the highest number of a variable must lie."""

    lowest: Span | None = None
    highest: Span | None = None

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        given = [span for span in (self.lowest, self.highest) if span is not None]
        if not given or any(low > high for low, high in given):
            raise ValueError("give lowest, highest or both, each a first number and a last one")
        return self


class Expectations(_Entry):
    """What the whole of a wave's file must look like; a file that does not stops the wave.

    `numbers` holds variables to where their lowest and highest number lie (a file of adults of 18 and over where 16 and
    over were interviewed has no age of 16 or 17), `answered` to a least share of respondents with an answer, and
    `mean_weight` supplied weights to a range of their mean.
    """

    interviewed: Interviewed | None = None
    numbers: dict[Id, Ends] = {}
    answered: dict[Id, Share] = {}
    mean_weight: dict[Id, Span] = {}

    @property
    def columns(self) -> list[str]:
        """The columns of the file that only an expectation names."""
        return list(self.interviewed.columns) if self.interviewed else []
