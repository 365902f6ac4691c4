"""Entries of comparisons, headlines and league tables.

Belongs here: the shape of these entries. Not here: which estimates they set side by side (pairs).
"""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from engagement_stats.catalogue.entry import Id, Text
from engagement_stats.catalogue.model.vocabulary import Axis, Entry, Grade, Side


class Override(Entry):
    """A grade other than the rule gives, and why."""

    grade: Grade
    reason: Text


class PairComparison(Entry):
    """Two estimates set side by side. `about` lists the axes on which the two are meant to differ."""

    kind: Literal["pair"]
    label: Text
    family: Id
    left: Side
    right: Side
    about: list[Axis] = []
    override: Override | None = None


Adjustment = Literal["holm", "benjamini_hochberg"]


class LevelsComparison(Entry):
    """Each level of a domain against something else in the same wave, with their overlap accounted for.

    `against` is `total` (the whole wave), `rest` (everybody outside the level), `each_other` (every two levels of the
    domain), or another domain of the wave whose levels hold those of this one, such as the region of an area.
    """

    kind: Literal["levels"]
    label: Text
    wave: Id
    indicators: list[Id]
    domain: Text
    levels: list[Text] = []
    against: Text = "total"
    adjustment: Adjustment = "holm"


class SeriesComparison(Entry):
    """Each wave of a series against the wave before it, or against the first, for the whole population.

    p-values are adjusted together either for an indicator through the waves, or for a wave over the indicators.
    """

    kind: Literal["series"]
    label: Text
    series: Id
    indicators: list[Id] = []
    against: Literal["previous", "first"] = "previous"
    family: Literal["indicator", "wave"] = "indicator"
    adjustment: Adjustment = "holm"


class ThresholdComparison(Entry):
    """One estimate against a number that is not an estimate, such as a target (a proportion 0 to 1).

    `source` says whose number it is; `threshold_label` names it ("the target of half of adults").
    """

    kind: Literal["threshold"]
    label: Text
    family: Id
    estimate: Side
    threshold: float
    threshold_label: Text
    source: Text


Comparison = Annotated[
    PairComparison | LevelsComparison | SeriesComparison | ThresholdComparison, Field(discriminator="kind")
]


class Headline(Entry):
    """A line of the headline table: an indicator, for the newest wave of a series or for named waves."""

    label: Text
    indicator: Id
    series: Id | None = None
    waves: list[Id] = []
    domain: Text = "all"
    level: Text = "all"

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.series is None) == (not self.waves):
            raise ValueError("give either series or waves")
        return self


class League(Entry):
    """Areas, or other levels of a domain, ranked by indicators in one wave."""

    label: Text
    wave: Id
    indicators: Annotated[list[Id], Field(min_length=1)]
    domain: Text
