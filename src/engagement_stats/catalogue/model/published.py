"""Rows of the tables of published figures, of known populations and of benchmarks.

Belongs here: the shape of a row. Not here: reading the tables (files).
"""

from datetime import date
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from engagement_stats.catalogue.entry import Evidence, Id, Text
from engagement_stats.catalogue.model.surveys import Population
from engagement_stats.catalogue.model.vocabulary import Entry

Withheld = Literal["suppressed", "unreliable", "not_available", "not_applicable"]


class Figure(Entry):
    """One published figure, a row of a file in figures/ or a cell of a workbook. Percentages 0-100, as published.

    It has exactly one of `value`; `below`, when it is published only as less than that ("<1%"); and `withheld`, when
    the producer published a mark in its place. The columns with a default may be left out of a file.
    """

    wave: Id
    indicator: Id
    domain: Text
    level: Text
    value: float | None
    lower: float | None
    upper: float | None
    confidence: float | None
    base: int | None
    decimals: int = Field(ge=0, le=12)
    published_on: date | None
    evidence: Evidence
    source: Text
    note: str | None
    base_weighted: float | None = Field(default=None, ge=0)
    below: float | None = Field(default=None, gt=0, le=100)
    withheld: Withheld | None = None

    @property
    def key(self) -> tuple[str, str, str, str]:
        """The key of the estimate: wave, indicator, domain, level."""
        return self.wave, self.indicator, self.domain, self.level

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        ways = [x for x in ("value", "below", "withheld") if getattr(self, x) is not None]
        if len(ways) != 1:
            raise ValueError(f"give exactly one of value, below and withheld; {', '.join(ways) or 'none'} given")
        if self.value is None and self.lower is not None:
            raise ValueError("a figure without a value has no interval")
        return self

    @model_validator(mode="after")
    def _interval(self) -> Self:
        if self.value is not None and not 0 <= self.value <= 100:
            raise ValueError("value is outside 0 to 100")
        given = [x is not None for x in (self.lower, self.upper, self.confidence)]
        if any(given) and not all(given):
            raise ValueError("lower, upper and confidence go together")
        if self.lower is not None and self.value is not None and not self.lower <= self.value <= (self.upper or 0):
            raise ValueError("the interval does not contain the value")
        return self


class PopulationMargins(Entry):
    """Counts of one population at one date, to which weights are brought; the counts are rows of a file in margins/.

    `total` is the population's size as the source gives it, `rounding` the unit of its counts (1: not rounded). The
    rows cross every variable they have, so that whatever margins are taken from them agree.
    """

    label: Text
    population: Population
    date: date
    sources: Annotated[list[Id], Field(min_length=1)]
    total: int = Field(gt=0)
    rounding: int = Field(default=1, ge=1)
    note: str | None = None


class MarginRow(Entry):
    """One count of a population, a row of a file in margins/. A crossed variable joins names by *, levels by |."""

    margins: Id
    variable: Text
    category: Text
    population: int = Field(gt=0)


class Benchmark(Entry):
    """An officially published figure that our own estimate of a microdata wave must reproduce.

    Percentages 0-100 rounded to `decimals`; `waived` says why a miss is accepted.
    """

    wave: Id
    indicator: Id
    domain: Text
    level: Text
    value: float = Field(ge=0, le=100)
    lower: float | None
    upper: float | None
    decimals: int = Field(ge=0, le=12)
    source: Text
    waived: str | None
