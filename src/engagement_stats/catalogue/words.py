"""What a valid lexicon of number phrases is: one pydantic model per kind of word.

Belongs here: the shape of lexicon.yaml and the rules that can be checked on it alone.
Not here: the words themselves (data/lexicon.yaml), and putting a phrase together (engagement_stats.lexicon).
"""

from collections import Counter
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from engagement_stats.catalogue.model import Entry, Id, Quantity, Text, Unit, list_as_tuple

Words = Annotated[list[Text], Field(min_length=1)]
Quantities = Annotated[list[Quantity], Field(min_length=1)]
# Multiples of a number; null is an open end.
Multiples = Annotated[tuple[float | None, float | None], BeforeValidator(list_as_tuple)]


class _Sourced(Entry):
    source: Text | None = None


class Number(_Sourced):
    """A number in words: half, double, most, highest. The first of `quantities` is meant unless another is asked for.

    Without `lower` and `upper` it covers the lexicon's `spread` on either side. `excluded` leaves out the ends, and
    `bounds` says that the words draw a limit. `from_end` counts a rank from the lowest.
    """

    words: Words
    value: float
    quantities: Quantities
    lower: float | None = None
    upper: float | None = None
    excluded: bool = False
    bounds: bool = False
    from_end: bool = False

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.lower is not None and self.upper is not None and self.lower > self.upper:
            raise ValueError("the range the words cover is upside down")
        return self


class Form(_Sourced):
    """A way of writing a number: `{n}` stands for digits or a number word, `{m}` for a second one (one in three).

    `digits` numbers cover half a unit of the last digit given, others the lexicon's `spread`. With `round_zeros`,
    zeros at the end of a whole number are not digits given. `at_most` makes it a limit: the top three.
    """

    patterns: Words
    quantities: Quantities
    unit: Unit = "share"
    scale: float = Field(default=1.0, gt=0)
    digits: bool = False
    round_zeros: bool = False
    at_most: bool = False


class Modifier(_Sourced):
    """Words about a number: just over, nearly, at least.

    `worded` and `digits` are the ends of what is covered, as multiples of a number in words or in digits; without
    them the number's own range stands. `sure` are ends that an interval must keep within instead. `excluded` leaves
    out the number itself. `bounds` says that the words draw a limit, not that they come close to one.
    """

    before: list[Text] = Field(default_factory=list)
    after: list[Text] = Field(default_factory=list)
    worded: Multiples | None = None
    digits: Multiples | None = None
    sure: Multiples | None = None
    excluded: bool = False
    bounds: bool = False

    @model_validator(mode="after")
    def _some(self) -> Self:
        if not self.before and not self.after:
            raise ValueError("give the words, before or after the number")
        return self


class Direction(Entry):
    """Words that make a number a change or a difference: fell by, lower."""

    before: list[Text] = Field(default_factory=list)
    after: list[Text] = Field(default_factory=list)
    sign: Literal[-1, 1]


class Ignored(Entry):
    """Words around a number phrase that do not alter what it covers."""

    before: list[Text] = Field(default_factory=list)
    after: list[Text] = Field(default_factory=list)


class Phrase(_Sourced):
    """A whole phrase with a range of its own, which is not put together from its parts."""

    words: Words
    value: float
    quantities: Quantities
    lower: float | None = None
    upper: float | None = None
    sure_lower: float | None = None
    sure_upper: float | None = None
    excluded: bool = False
    bounds: bool = False


class Lexicon(Entry):
    """Number phrases and what they are taken to cover. `source` serves every entry that names none."""

    source: Text
    spread: float = Field(gt=0, lt=1)
    number_words: dict[str, int | float]
    multipliers: dict[str, float]
    numbers: dict[Id, Number]
    forms: dict[Id, Form]
    modifiers: dict[Id, Modifier]
    directions: dict[Id, Direction]
    phrases: dict[Id, Phrase]
    ignored: Ignored

    @model_validator(mode="after")
    def _once(self) -> Self:
        said = [w for kind in (self.numbers, self.phrases) for entry in kind.values() for w in entry.words]
        for place in ("before", "after"):
            said += [f"{w} (…)" for entry in self.modifiers.values() for w in getattr(entry, place)]
        twice = sorted(w for w, n in Counter(said).items() if n > 1)
        if twice:
            raise ValueError(f"{', '.join(twice)}: given twice, so its meaning would depend on the order of entries")
        return self
