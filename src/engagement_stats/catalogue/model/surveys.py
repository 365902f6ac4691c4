"""Entries of sources and surveys, and of the indicators and questions they ask for.

Belongs here: the shape of these entries. Not here: waves of a survey (waves).
"""

from typing import Literal, Self

from pydantic import Field, model_validator

from engagement_stats.catalogue.entry import Evidence, Id, Text
from engagement_stats.catalogue.model.vocabulary import Entry, Prompting, Recall, Sampling
from engagement_stats.catalogue.style import People


class Source(Entry):
    """Where a file or figure comes from, and under what terms."""

    title: Text
    producer: Text
    licence: Text
    citation: Text
    url: str | None = None
    obtain: str | None = None


class Population(Entry):
    """Whom a survey speaks for; `phrase` completes "14 per cent of ...".

    `parts` are the same phrase in parts, so that a level can be named within it ("women in England").
    """

    phrase: Text
    parts: People | None = None
    geography: Text
    age_from: int | None = Field(default=None, ge=0, le=120)

    @model_validator(mode="after")
    def _same(self) -> Self:
        if self.parts is not None and self.parts.phrase != self.phrase:
            raise ValueError(f'parts make "{self.parts.phrase}", which is not the phrase "{self.phrase}"')
        return self


class SeriesBreak(Entry):
    """Why waves from `wave` on are not simply continued from those before it in the series."""

    wave: Id
    reason: Text


class Series(Entry):
    """Waves of one survey that were made alike, so that a trend may be drawn through them."""

    label: Text
    note: str | None = None
    breaks: list[SeriesBreak] = []


class Survey(Entry):
    """A survey or poll: population, frame and sampling, and its series."""

    label: Text
    population: Population
    frame: Text
    sampling: Sampling
    note: str | None = None
    series: dict[Id, Series] = {}


class Question(Entry):
    """A question as asked: its wording and how answers were prompted. Text is null when it is not known."""

    text: str | None
    prompting: Prompting
    evidence: Evidence
    note: str | None = None


class Indicator(Entry):
    """What is measured; `phrase` completes "14 per cent of adults in England ...", that of a mean "the average of ...".

    `keywords` are patterns by which a text that is checked speaks of it (docs/checking_a_text.md). Of a `sensitive` one
    it is not even shown that nobody in a group, or everybody, counts.
    """

    label: Text
    definition: Text
    concept: Id
    recall: Recall
    statistic: Literal["proportion", "mean"]
    phrase: Text
    keywords: list[Text] = []
    sensitive: bool = False
