"""Entries of claims: what a document states, and the evidence it is held against.

Belongs here: the shape of these entries. Not here: what words cover (words).
"""

from typing import Literal, Self

from pydantic import model_validator

from engagement_stats.catalogue.entry import Id, Text
from engagement_stats.catalogue.model.vocabulary import Entry, Quantity, Side, Unit


class Stated(Entry):
    """What a claim says in numbers: the words, the quantity they speak of, and the document's own two numbers.

    The words are looked up in the lexicon, unless the claim gives a range of its own, with the `convention` for it:
    `lower` and `upper` (an end left out is open), and whether the words draw a limit (`bounds`). `left` and `right`
    are what the words relate, as the document states them, in the `unit` (shares 0-1).
    """

    words: Text
    quantity: Quantity
    unit: Unit = "share"
    left: float | None = None
    right: float | None = None
    lower: float | None = None
    upper: float | None = None
    bounds: bool | None = None
    convention: str | None = None

    @model_validator(mode="after")
    def _sides(self) -> Self:
        if (self.left is None) != (self.right is None):
            raise ValueError("left and right go together: the two numbers that the words relate")
        if self.left is not None and self.quantity in ("level", "count", "rank"):
            raise ValueError(f"a {self.quantity} relates no two numbers; leave out left and right")
        own = self.lower is not None or self.upper is not None
        if own != (self.convention is not None) or (self.bounds is not None and not own):
            raise ValueError("a range of the claim's own is lower or upper or both, with the convention for it")
        if self.lower is not None and self.upper is not None and self.lower > self.upper:
            raise ValueError("the range the words cover is upside down")
        return self


class Documented(Entry):
    """A number that is no estimate, and whose number it is; the bounds when its source gives some."""

    value: float
    lower: float | None = None
    upper: float | None = None
    source: Text

    @model_validator(mode="after")
    def _bounds(self) -> Self:
        if (self.lower is None) != (self.upper is None):
            raise ValueError("lower and upper go together")
        return self


# The quantities in which each kind of claim may speak.
QUANTITIES: dict[str, tuple[Quantity, ...]] = {
    "level": ("level",),
    "difference": ("difference", "relative_change"),
    "ratio": ("ratio", "relative_change"),
    "change": ("relative_change", "ratio", "difference"),
    "rank": ("rank",),
    "count": ("count",),
}


class Claim(Entry):
    """A quantitative sentence of a document, verbatim, and what decides it.

    Exactly one of `comparison`, `estimate`, `documented` and `cannot_be_checked` (the reason) is given. A claim whose
    evidence is administrative rests on no survey: its arithmetic is checked, and it may rest on a documented number.
    """

    document: Text
    quotation: Text
    kind: Literal["level", "difference", "ratio", "change", "rank", "count"]
    evidence_kind: Literal["survey", "administrative"] = "survey"
    stated: Stated
    comparison: Id | None = None
    estimate: Side | None = None
    documented: Documented | None = None
    cannot_be_checked: str | None = None
    note: str | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        known = ("comparison", "estimate", "documented", "cannot_be_checked")
        ways = [w for w in known if getattr(self, w) is not None]
        if len(ways) != 1:
            raise ValueError(f"give exactly one of {', '.join(known)}; {', '.join(ways) or 'none'} given")
        if self.evidence_kind == "administrative" and (self.comparison or self.estimate):
            raise ValueError("administrative evidence is no estimate; give documented or cannot_be_checked")
        if self.evidence_kind == "survey" and self.documented is not None:
            raise ValueError("a documented number is no survey evidence; say evidence_kind: administrative")
        quantity = self.stated.quantity
        if quantity not in QUANTITIES[self.kind]:
            raise ValueError(f"a claim of kind {self.kind} does not speak of a {quantity}")
        if self.estimate is not None and quantity not in ("level", "rank"):
            raise ValueError("one estimate decides a level or a rank only; a ratio or change needs a comparison")
        if self.comparison is not None and quantity not in ("ratio", "relative_change", "difference"):
            raise ValueError(f"a comparison does not decide a {quantity}")
        return self
