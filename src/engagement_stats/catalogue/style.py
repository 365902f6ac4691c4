"""What the words of a sentence may be: whom it names, and the sentences of the house style.

Belongs here: the shape of the words. Not here: the words themselves (data/style.yaml, data/domains, data/surveys), and
how a sentence is put together (people, phrase).
"""

from string import Formatter
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

Text = Annotated[str, Field(min_length=1)]


class Words(BaseModel):
    """Base: closed world, immutable, nothing coerced."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class People(Words):
    """The parts of a population's phrase: `people`, `aged`, `living` and "in" `place`, in this order.

    A level takes the place of one part or stands beside it: "adults in England" becomes "women in England".
    """

    people: Text
    aged: str | None = None
    living: str | None = None
    place: str | None = None

    @property
    def phrase(self) -> str:
        """The parts as one phrase."""
        parts = [self.people, self.aged, self.living, f"in {self.place}" if self.place else None]
        return " ".join(p for p in parts if p)


class Wording(Words):
    """How a level names its people: exactly one part of "[describe] people [aged] [among] [living] [in place]".

    `people`, `aged` and `place` take the place of the population's own; `describe`, `among` and `living` are added.
    "{level}" is the level as the data has it, "{place}" the place of the whole population.
    """

    people: str | None = None
    aged: str | None = None
    place: str | None = None
    describe: str | None = None
    among: str | None = None
    living: str | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        given = [k for k, v in self if v]
        if len(given) != 1:
            raise ValueError(f"give exactly one of {', '.join(type(self).model_fields)}; got {given or 'none'}")
        _known(getattr(self, given[0]), {"level", "place"})
        return self


class Phrases(Words):
    """How the levels of a domain name their people.

    `levels` is by level, `each` for every level that is not there, `rest` for everybody outside a level. Without
    `rest`, the rest of one of two levels is the other, and of several "other" people.
    """

    levels: dict[str, Wording] = {}
    each: Wording | None = None
    rest: Wording | None = None

    def of(self, level: str) -> Wording | None:
        """Return the wording of a level, None when nobody has given one."""
        return self.levels.get(level, self.each)


class Figures(Words):
    """How one estimate is said; see data/style.yaml for every part."""

    proportion: Text
    mean: Text
    none: Text
    all: Text
    suppressed: Text
    in_time: Text
    source: Text
    source_without_time: Text
    level_without_phrase: Text
    everyone: Text
    other: Text
    per_cent: Text
    points: Text
    one_point: Text
    times: Text
    minus: Text
    interval: Text
    interval_again: Text
    interval_in_full: Text
    interval_assumed: Text
    no_interval: Text
    no_base: Text


class Beside(Words):
    """How the second estimate of a comparison is said, part by part."""

    figure: Text
    figure_after_article: Text
    among: Text
    who: Text
    in_time: Text
    source: Text
    threshold: Text


class Verdicts(Words):
    """The sentences of one kind of comparison, by what its verdict allows. {left} and {right} are the figures."""

    higher: Text
    lower: Text
    similar: Text
    no_clear_difference: Text
    not_clear_together: Text
    too_coarse: Text
    no_standard_error: Text


class Ratios(Words):
    """The sentences in which a ratio is spoken of."""

    clear: Text
    similar: Text
    no_clear_difference: Text


class Comparisons(Words):
    """The sentences of comparisons by kind, and what may be added to them."""

    pair: Verdicts
    levels: Verdicts
    series: Verdicts
    threshold: Verdicts
    ratio: Ratios
    not_comparable: Text
    suppressed: Text
    not_a_number: Text
    symbols_not_a_number: list[Text]
    indicative: Text
    indicative_break: Text
    indicative_axes: Text
    indicative_because: Text


class Similar(Words):
    """When figures without a clear difference may be called similar: the whole interval of their difference is small.

    Both must hold: `within` (proportion 0 to 1; proportions alone) and `relative` (of the larger figure).
    """

    within: float = Field(gt=0, lt=1)
    relative: float = Field(gt=0, lt=1)
    source: Text


class Style(Words):
    """The house style. `axes` name in a few words what two sides differ in; `never` are words no template may have."""

    source: Text
    similar: Similar
    mean_decimals: int = Field(ge=0, le=4)
    axes: dict[str, Text]
    figures: Figures
    beside: Beside
    comparisons: Comparisons
    never: list[Text]

    @model_validator(mode="after")
    def _templates(self) -> Self:
        for text in _texts([self.figures, self.beside, self.comparisons]):
            _known(text, PLACEHOLDERS)
            banned = sorted(set(text.lower().split()) & set(self.never))
            if banned:
                raise ValueError(f'"{text}" has {banned}, words that are never to be used')
        return self

    def provisos(self) -> list[str]:
        """Return the fixed words that say what is not known of an estimate or a comparison, and nothing of people."""
        said = self.figures
        texts = _texts([self.comparisons])
        pieces = [
            piece
            for text in (said.no_interval, said.no_base, said.source_without_time, *texts)
            for piece, *_ in Formatter().parse(text)
        ]
        return list(dict.fromkeys(p for p in pieces if any(c.isalpha() for c in p)))


PLACEHOLDERS = {
    "value", "interval", "people", "phrase", "said", "when", "source", "level", "number", "confidence", "low", "high",
    "left", "right", "size", "count", "axes", "reasons", "label", "place",
}  # fmt: skip


def _known(text: str, names: set[str]) -> None:
    strange = sorted({name for _, name, _, _ in Formatter().parse(text) if name is not None} - names)
    if strange:
        raise ValueError(f'"{text}" has the placeholder(s) {strange}; expected some of {sorted(names)}')


def _texts(parts: list[Words]) -> list[str]:
    found: list[str] = []
    for part in parts:
        for _, value in part:
            found += _texts([value]) if isinstance(value, Words) else [value] if isinstance(value, str) else value
    return found
