"""Entries of places and groups: geographies, lookups of areas, domains.

Belongs here: the shape of these entries. Not here: which lookups lead from a place to a domain (areas).
"""

from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from engagement_stats.catalogue.entry import FileName, Id, Text
from engagement_stats.catalogue.model.vocabulary import AREA_CODE, AreaCode, Entry, codes_as_text, list_as_tuple
from engagement_stats.catalogue.style import Phrases


class Geography(Entry):
    """A kind of area of one vintage, and the ranges its codes lie in, first and last."""

    label: Text
    codes: Annotated[list[Annotated[tuple[AreaCode, AreaCode], BeforeValidator(list_as_tuple)]], Field(min_length=1)]

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if any(low > high for low, high in self.codes):
            raise ValueError("a range's first code is after its last")
        return self

    def holds(self, code: str) -> bool:
        """Say whether a code has the form of this geography's, which does not make it a code in use."""
        return bool(AREA_CODE.match(code)) and any(low <= code <= high for low, high in self.codes)


class LookupFile(Entry):
    """How a lookup's file is recognised and read: delimited text with a header, quotes where needed.

    `sha256` are the editions known to be right; any is taken when none is given. `rows` does not count the header.
    """

    pattern: Annotated[list[FileName], Field(min_length=1)]
    encoding: Literal["utf-8", "cp1252", "latin-1"] = "utf-8"
    delimiter: Literal[",", "\t", ";"] = ","
    rows: int | None = Field(default=None, ge=1)
    sha256: list[Annotated[str, Field(pattern="^[0-9a-f]{64}$")]] = []


class AreaColumn(Entry):
    """A column of a lookup: codes of a geography, or, without one, names, ranks or deciles."""

    column: Text
    geography: Id | None = None


class Lookup(Entry):
    """A list of areas, or what each area is part of: a file the user supplies, never part of the catalogue.

    Each area of `key` stands in one row. `values` say what it belongs to, `counts` (id to column) how many people or
    things it holds. `countries` are the first letters of the codes it covers. `best_fit` says how an area that
    straddles several of the next geography was given to one.
    """

    label: Text
    source: Id
    file: LookupFile
    key: AreaColumn
    values: dict[Id, AreaColumn] = {}
    counts: dict[Id, Text] = {}
    countries: Annotated[list[Literal["E", "W", "S", "N"]], Field(min_length=1)]
    best_fit: str | None = None
    note: str | None = None

    @model_validator(mode="after")
    def _columns(self) -> Self:
        if self.key.geography is None:
            raise ValueError("key needs the geography of its codes")
        if twice := sorted({str(self.key.geography)} & {*self.values, *self.counts} | {*self.values} & {*self.counts}):
            raise ValueError(f"{', '.join(twice)} names two columns; key, values and counts need names of their own")
        return self

    @property
    def geography(self) -> str:
        """The geography of its key."""
        return str(self.key.geography)


class Listed(Entry):
    """Levels of the areas on a list and of those not on it, `among` all the areas of another lookup."""

    inside: Text
    outside: Text
    among: Id


class Derivation(Entry):
    """How the level of a domain follows from the code of an area.

    `through` are lookups, each leading to the next; a wave enters where it has the codes. The level is the `value` of
    the last lookup, under another name where `spelled` gives one, or whether the area is `listed` in it. `population`
    is a lookup that counts the people of the first lookup's areas, for `places.profile`.
    """

    through: Annotated[list[Id], Field(min_length=1)]
    value: Id | None = None
    listed: Listed | None = None
    spelled: Annotated[dict[str, Text], BeforeValidator(codes_as_text)] = {}
    population: Id | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.value is None) == (self.listed is None):
            raise ValueError("give exactly one of value and listed")
        if self.listed is not None and self.spelled:
            raise ValueError("spelled goes with value")
        return self


class Domain(Entry):
    """A way of dividing a population; the levels in the order they are shown.

    A domain may be `derived` from the code of an area. Levels that only the lookup knows, such as the names of local
    authorities, are left out here; so are those of a domain whose levels are the labels in the files (`from_labels`).
    """

    label: Text
    definition: Text
    levels: list[Text] = []
    phrases: Phrases = Phrases()
    derived: Derivation | None = None
    from_labels: bool = False

    @model_validator(mode="after")
    def _levels(self) -> Self:
        listed = self.derived.listed if self.derived else None
        if self.from_labels and (self.levels or self.derived):
            raise ValueError("from_labels takes the levels from the files, so neither levels nor derived is given")
        if not self.levels and not self.from_labels and (self.derived is None or listed is not None):
            raise ValueError("levels is empty; only levels that are the value of a lookup may be left out")
        if listed is not None and {listed.inside, listed.outside} != set(self.levels):
            raise ValueError("levels and the two levels under derived.listed are not the same")
        return self

    def has(self, level: str) -> bool:
        """Say whether a level may be one of the domain's; of levels only a lookup knows, any may."""
        return not self.levels or level in self.levels
