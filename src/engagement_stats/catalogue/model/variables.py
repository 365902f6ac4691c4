"""Entries inside a wave of microdata: code lists, variables, the rules of indicators, columns of places.

Belongs here: the shape of these entries. Not here: the wave around them (waves).
"""

from itertools import pairwise
from typing import Annotated, Self

from pydantic import BeforeValidator, Field, model_validator

from engagement_stats.catalogue.entry import Evidence, Id, Text
from engagement_stats.catalogue.model.vocabulary import (
    Codes,
    Entry,
    MissingCodes,
    MissingReason,
    Share,
    SignedCodes,
    list_as_tuple,
)


class CodeList(Entry):
    """What the codes of a column mean: every code is a category or a reason for missingness.

    `evidence` says how that is known. An unverified list is a guess: it is used only where the labels of the file
    itself agree with it.
    """

    codes: Codes
    missing: MissingCodes = {}
    evidence: Evidence | None = None

    @model_validator(mode="after")
    def _disjoint(self) -> Self:
        both = sorted(set(self.codes) & set(self.missing))
        if both:
            raise ValueError(f"codes {', '.join(both)} are both a category and missing")
        return self


class Variable(Entry):
    """A column of a file made into a canonical variable.

    Exactly one of `codes` (a code list's id, the codes themselves, or "from_labels"), `bands` (closed ranges of a
    number made into categories) and `numeric` (a number kept as it is, within a range) says how. `missing` adds
    codes that carry no answer. An `optional` variable may be absent from the file. `labels_differ` signs, code by code
    and with the reason, a difference from the labels or declared missing codes that the file itself carries.
    """

    column: Text
    codes: Id | Codes | None = None
    bands: dict[str, Annotated[tuple[int, int], BeforeValidator(list_as_tuple)]] | None = None
    numeric: Annotated[tuple[float, float], BeforeValidator(list_as_tuple)] | None = None
    missing: MissingCodes = {}
    optional: bool = False
    labels_differ: SignedCodes = {}
    note: str | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        ways = [w for w in ("codes", "bands", "numeric") if getattr(self, w) is not None]
        if len(ways) != 1:
            raise ValueError(f"give exactly one of codes, bands and numeric; {', '.join(ways) or 'none'} given")
        if self.bands is not None:
            spans = sorted(self.bands.values())
            if any(low > high for low, high in spans):
                raise ValueError("a band's first number is above its last")
            if any(a[1] >= b[0] for a, b in pairwise(spans)):
                raise ValueError("bands overlap")
        if self.numeric is not None and self.numeric[0] > self.numeric[1]:
            raise ValueError("numeric's first number is above its last")
        return self


class IndicatorRule(Entry):
    """How one wave's variables make an indicator.

    `variable` with `counts` (categories that count) makes a proportion; several variables in `any_of` count
    when at least `at_least` of them do; `variable` without `counts` makes the mean of a number. `reasons_as_no`
    names reasons of missingness that mean "no" (a question routed past because the answer was already no); more than
    the share `routed_at_most` of respondents read so stops the wave. `none_of` is the variable of the list's option
    "none of these": a file in which many name it together with another does not mean that by it.
    """

    question: Id
    variable: Id | None = None
    any_of: list[Id] | None = None
    counts: list[Text] = []
    at_least: int = Field(default=1, ge=1)
    reasons_as_no: list[MissingReason] = []
    routed_at_most: Share | None = None
    none_of: Id | None = None
    weight: Id = "main"
    note: str | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.variable is None) == (self.any_of is None):
            raise ValueError("give exactly one of variable and any_of")
        if self.any_of is not None and not self.counts:
            raise ValueError("any_of needs counts, the categories that count")
        if self.any_of is None and self.at_least != 1:
            raise ValueError("at_least goes with any_of")
        if self.any_of is not None and self.at_least > len(self.any_of):
            raise ValueError("at_least is more than the number of variables in any_of")
        if self.none_of is not None and self.none_of in (self.any_of or [self.none_of]):
            raise ValueError("none_of goes with any_of, and is not one of its variables")
        if self.routed_at_most is not None and not self.reasons_as_no:
            raise ValueError("routed_at_most goes with reasons_as_no")
        return self

    @property
    def variables(self) -> list[str]:
        """The variables the rule reads, in order."""
        return list(self.any_of) if self.any_of is not None else [str(self.variable)]


class Place(Entry):
    """A column that holds the code of the area a respondent lives in; the key of the entry names the geography.

    `missing` are codes that stand for no area. An `optional` column may be absent from the file.
    """

    column: Text
    missing: MissingCodes = {}
    optional: bool = False
    note: str | None = None
