"""The rules of a release: comparability, disclosure, labels of codes.

Belongs here: the shape of rules.yaml. Not here: the rules themselves (data/), and following them.
"""

from typing import Literal, Self, get_args

from pydantic import Field, model_validator

from engagement_stats.catalogue.entry import Id, Text
from engagement_stats.catalogue.model.vocabulary import Axis, Entry, Grade, MissingReason


class AxisRule(Entry):
    """What a difference on one axis means: the grade it forces, and the caveat in plain English."""

    grade: Grade
    caveat: Text


Caution = Literal["weights_only", "assumed", "quota", "opt_in_panel", "second_hand", "inferred", "unverified"]


class ComparabilityRules(Entry):
    """How `grade` follows from the axes on which two estimates differ or are not known to agree.

    `cautions` are sentences for a side whose uncertainty, sample or evidence is weak, whatever the other side is.
    """

    axes: dict[Axis, AxisRule]
    cautions: dict[Caution, Text]
    fieldwork_months: int = Field(ge=0)
    not_comparable_from: int = Field(ge=1)
    source: Text

    @model_validator(mode="after")
    def _every_axis(self) -> Self:
        missing = [axis for axis in get_args(Axis) if axis not in self.axes]
        if missing:
            raise ValueError(f"axes has no rule for {', '.join(missing)}")
        return self


# Fewer respondents than this are confidential whatever the rules say.
DISCLOSURE_FLOOR = 10


class DisclosureRules(Entry):
    """What may leave, and what is marked as doubtful.

    An estimate on fewer respondents than `min_base` is suppressed; so is a proportion for which from one to
    `min_count` - 1 respondents count, or do not; neither is ever below 10. So is one in which a respondent carries
    more than `largest_weight` of the weight, or the two largest more than `two_largest_weights`. An estimate is
    marked "caution" on fewer than `caution_base` respondents, an effective base below `caution_effective_base` or
    degrees of freedom below `caution_degrees_of_freedom`, or when its interval is at least `caution_width` wide, or
    wider than `caution_relative_from` and than `caution_relative_width` times the estimate (proportions 0 to 1).
    `unreliable` says whether such an estimate, other than for `caution_base` alone, is marked or suppressed.
    `not_stated` says whether respondents of no level, whom a total less its levels gives, are protected like a level.
    """

    min_base: int = Field(ge=DISCLOSURE_FLOOR)
    min_count: int = Field(default=DISCLOSURE_FLOOR, ge=DISCLOSURE_FLOOR)
    largest_weight: float = Field(default=1.0, gt=0, le=1)
    two_largest_weights: float = Field(default=1.0, gt=0, le=1)
    caution_base: int = Field(ge=DISCLOSURE_FLOOR)
    caution_effective_base: float = Field(default=0, ge=0)
    caution_degrees_of_freedom: float = Field(default=0, ge=0)
    caution_width: float = Field(gt=0, le=1)
    caution_relative_width: float = Field(gt=0)
    caution_relative_from: float = Field(ge=0, le=1)
    unreliable: Literal["caution", "suppress"] = "caution"
    not_stated: Literal["show", "protect"] = "show"
    source: Text

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.caution_base < self.min_base:
            raise ValueError("caution_base is below min_base")
        if self.two_largest_weights < self.largest_weight:
            raise ValueError("two_largest_weights is below largest_weight")
        return self


class CodebookRules(Entry):
    """Words that files use in their value labels: for a category, and for a reason of missingness."""

    same_meaning: dict[Text, list[Text]] = {}
    reasons: dict[MissingReason, list[Text]] = {}


class Terms(Entry):
    """What is said of the shorthand that stands beside a figure."""

    symbols: dict[Text, Text] = {}
    marks: dict[Literal["synthetic"], Text] = {}


class ReleaseRules(Entry):
    """How releases follow one another.

    The newest `keep` are kept. A published number that differs by no more than `noise`, as a share of it, has not
    changed;
    one that has needs an entry of one of these `kinds` in the ledger of corrections.
    """

    keep: int = Field(ge=2)
    noise: float = Field(gt=0, lt=1e-3)
    kinds: dict[Id, Text] = Field(min_length=1)
    source: Text


class Rules(Entry):
    """The rules of the catalogue."""

    comparability: ComparabilityRules
    disclosure: DisclosureRules
    releases: ReleaseRules
    terms: Terms = Terms()
    codebook: CodebookRules = CodebookRules()
