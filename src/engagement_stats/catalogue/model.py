"""What a valid catalogue entry is: one pydantic model per kind of entry.

Belongs here: the shape of an entry and the rules that can be checked on one entry alone.
Not here: reading files and resolving references between entries (load), and what any survey says (data/).
"""

import math
import re
from datetime import date, timedelta
from itertools import pairwise
from typing import Annotated, Literal, Self, get_args

from pydantic import BaseModel, BeforeValidator, Field, model_validator

from engagement_stats.catalogue.entry import IDENTIFIER as IDENTIFIER
from engagement_stats.catalogue.entry import STRICT, Evidence, FileName, Id, Text
from engagement_stats.catalogue.expected import Expectations, Quarantine
from engagement_stats.catalogue.style import People, Phrases
from engagement_stats.catalogue.workbooks import Workbook
from engagement_stats.readers.model import Format

# In place of a code list: the categories are the value labels that the file carries for the codes.
FROM_LABELS = "from_labels"

MissingReason = Literal["refused", "dont_know", "not_asked", "not_applicable", "not_stated"]
Mode = Literal["face_to_face", "telephone", "web", "web_and_paper", "unknown"]
Sampling = Literal["probability", "quota", "opt_in_panel", "unknown"]
Prompting = Literal["single_item", "list", "battery", "unknown"]
Recall = Literal["now", "four_weeks", "monthly", "12m", "not_applicable", "unknown"]
Grade = Literal["comparable", "indicative", "not_comparable"]
# What a number phrase speaks of, and in what it is counted.
Quantity = Literal["level", "ratio", "relative_change", "difference", "count", "rank"]
Unit = Literal["share", "number", "pounds"]
Axis = Literal[
    "concept",
    "wording",
    "prompting",
    "recall",
    "population_age",
    "population_geography",
    "mode",
    "sampling",
    "fieldwork",
    "series",
    "series_break",
]


def _code_as_text(value: object) -> object:
    """Codes are compared as text, so that 1 in a tab file and 1.0 in a .sav file are the same code."""
    if isinstance(value, dict):
        return {_one_code_as_text(k): v for k, v in value.items()}
    return value


def _one_code_as_text(value: object) -> object:
    if isinstance(value, bool):
        raise ValueError("a code is a number or text; write true or false in quotes if the file has them")  # noqa: TRY004 - pydantic reports ValueError
    if isinstance(value, float) and math.isfinite(value) and value == int(value):
        return str(int(value))
    return str(value) if isinstance(value, int | float) else value


def list_as_tuple(value: object) -> object:
    """YAML has lists only; strict validation would refuse one where a pair is wanted."""
    return tuple(value) if isinstance(value, list) else value


Share = Annotated[float, Field(ge=0, le=1)]
Codes = Annotated[dict[str, Text], BeforeValidator(_code_as_text), Field(min_length=1)]
MissingCodes = Annotated[dict[str, MissingReason], BeforeValidator(_code_as_text)]
SignedCodes = Annotated[dict[str, Text], BeforeValidator(_code_as_text)]
# Codes of statistical geography: a letter for the country, eight digits.
AREA_CODE = re.compile(r"^[A-Z][0-9]{8}$")
AreaCode = Annotated[str, Field(pattern=AREA_CODE.pattern)]


class Entry(BaseModel):
    """Base of every entry: closed world, immutable, nothing coerced."""

    model_config = STRICT


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


class FileSpec(Entry):
    """How a wave's file is recognised and read.

    `pattern` matches the file's name (not its folder), letter case ignored; several for several
    editions, the preferred one first.
    `where` keeps the rows of one wave in a file that holds several: column to the codes kept. `rows` is the
    number of rows that must remain after `where`, `columns` the number of columns of the file, `sha256` the editions
    known to be right; a synthetic file need not agree with these three. `delimiter` is of a CSV file, a comma when not
    given; `sheet` and `header_row` (from 1) are of a workbook. `missing_undeclared` signs, with
    the reason, a file that declares none of the codes missing that the catalogue says are, in a format that could.
    """

    pattern: Annotated[list[FileName], Field(min_length=1)]
    format: Format
    encoding: Literal["utf-8", "cp1252", "latin-1", "utf-16"] = "utf-8"
    delimiter: Literal[",", ";", "|", "\t"] | None = None
    sheet: Text | None = None
    header_row: int = Field(default=1, ge=1)
    rows: int | None = Field(default=None, ge=1)
    columns: int | None = Field(default=None, ge=1)
    sha256: list[Annotated[str, Field(pattern="^[0-9a-f]{64}$")]] = []
    where: dict[str, list[str]] = {}
    missing_undeclared: str | None = None

    @model_validator(mode="after")
    def _of_its_format(self) -> Self:
        if self.delimiter is not None and self.format != "csv":
            raise ValueError("delimiter goes with format csv; a tab file has tabs")
        if (self.sheet is not None or self.header_row != 1) and self.format not in ("xlsx", "ods"):
            raise ValueError("sheet and header_row go with format xlsx or ods")
        return self


class RespondentId(Entry):
    """The columns that together identify a respondent, or why there are none."""

    columns: list[Text] = []
    absent: str | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if bool(self.columns) == (self.absent is not None):
            raise ValueError("give either columns or, when the file has no identifier, absent with the reason")
        return self


class MadeWeight(Entry):
    """A weight we make: base weights (a column, or equal ones) brought to population margins.

    `variables` are the margins taken from the entry `margins`, crossed ("sex*age_group") or not. `trim` cuts weights
    above that many medians and meets the margins again. `unplaced` says what happens to respondents without an
    answer on a margin: an error, or a category of their own that keeps the share it has by the base weights.
    """

    margins: Id
    variables: Annotated[list[Text], Field(min_length=1)]
    method: Literal["rake", "linear", "logit", "poststratify"] = "rake"
    base: Text | None = None
    bounds: Annotated[tuple[float, float], Field(strict=False)] | None = None
    trim: float | None = Field(default=None, gt=1)
    unplaced: Literal["error", "own_category"] = "error"

    @model_validator(mode="after")
    def _bounds(self) -> Self:
        if self.method == "logit" and self.bounds is None:
            raise ValueError('method "logit" needs bounds')
        if self.method in ("rake", "poststratify") and self.bounds is not None:
            raise ValueError(f'method "{self.method}" takes no bounds')
        return self


class WaveDesign(Entry):
    """Design columns and weights. `weights` are supplied columns, `made` are weights we make; one is named `main`.

    `optional` says that only some editions of the file carry `stratum` and `psu`: they are used when the file
    has them, otherwise the estimates rest on the weights only. `single_psu` says what a stratum with one PSU
    contributes to a variance. Weights in `online_only` are of those who answered online, for questions asked of them
    alone: nobody else has such a weight.
    """

    weights: dict[Id, Text] = {}
    online_only: list[Id] = []
    made: dict[Id, MadeWeight] = {}
    stratum: Text | None = None
    psu: Text | None = None
    optional: bool = False
    single_psu: Literal["fail", "certainty", "adjust", "average", "collapse"] = "fail"
    note: str | None = None

    @model_validator(mode="after")
    def _main(self) -> Self:
        if "main" not in {**self.weights, **self.made}:
            raise ValueError('weights or made needs an entry "main"')
        if both := sorted(set(self.weights) & set(self.made)):
            raise ValueError(f"{', '.join(both)} is both a supplied weight and one we make")
        if strange := [w for w in self.online_only if w == "main" or w not in self.weights]:
            raise ValueError(f"online_only: {', '.join(strange)} is not a supplied weight beside main")
        if self.optional and self.stratum is None and self.psu is None:
            raise ValueError("optional says that stratum or psu may be absent, so name at least one of them")
        return self


class Fieldwork(Entry):
    """When the interviews were held; a date is null when it is not known.

    `year` is the year in which they began, nominal when no source gives it: it orders the waves of a series.
    With `precision` "month" the sources name months only: `start` is the first day of the first month and
    `end` the last day of the last one, and neither may be shown as a day. `when` completes "in ..." where the years of
    the dates or, without dates, the label do not; "unknown" when nothing does.
    """

    label: Text
    when: Text | None = None
    year: int = Field(ge=1900, le=2100)
    start: date | None = None
    end: date | None = None
    precision: Literal["day", "month"] = "day"

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.start and self.end and self.end < self.start:
            raise ValueError("fieldwork ends before it starts")
        if self.start and self.start.year != self.year:
            raise ValueError("fieldwork starts in another year than year says")
        if self.precision == "month" and (
            (self.start and self.start.day != 1) or (self.end and (self.end + timedelta(days=1)).day != 1)
        ):
            raise ValueError("with precision month, start is a first and end a last day of a month")
        return self


class _Wave(Entry):
    label: Text
    survey: Id
    series: Id | None = None
    source: Id
    fieldwork: Fieldwork
    mode: Mode
    sampling: Sampling | None = None
    population: Population | None = None
    note: str | None = None
    unverified: list[Text] = []


class MicrodataWave(_Wave):
    """One wave of a survey whose respondents' answers are in a file.

    `identifiers_allowed` gives, for a column whose name or label is that of a direct identifier, the reason to read it.
    """

    kind: Literal["microdata"]
    file: FileSpec
    respondent_id: RespondentId
    design: WaveDesign
    variables: dict[Id, Variable]
    places: dict[Id, Place] = {}
    indicators: dict[Id, IndicatorRule]
    domains: list[Text] = []
    published_as: list[Id] = []
    expects: Expectations = Expectations()
    quarantine: Quarantine | None = None
    identifiers_allowed: dict[Text, Text] = {}

    @property
    def keys(self) -> dict[str, str]:
        """Each column the entry names, and the key that names it; the first where several do."""
        design = self.design
        named = [("file.where", column) for column in self.file.where]
        named += [("respondent_id.columns", column) for column in self.respondent_id.columns]
        named += [(f"design.weights.{name}", column) for name, column in design.weights.items()]
        named += [(f"design.made.{name}.base", made.base) for name, made in design.made.items() if made.base]
        named += [(f"design.{role}", c) for role, c in (("stratum", design.stratum), ("psu", design.psu)) if c]
        named += [(f"variables.{name}.column", variable.column) for name, variable in self.variables.items()]
        named += [(f"places.{name}.column", place.column) for name, place in self.places.items()]
        named += [("expects.interviewed.columns", column) for column in self.expects.columns]
        named += [("quarantine.rules", column) for column in (self.quarantine.columns if self.quarantine else [])]
        return {column: key for key, column in reversed(named)}

    @property
    def supplied_weights(self) -> dict[str, str]:
        """The supplied weights that are read: those of online respondents only where an indicator uses them."""
        used = {rule.weight for rule in self.indicators.values()}
        unused = [name for name in self.design.online_only if name not in used]
        return {name: column for name, column in self.design.weights.items() if name not in unused}

    @property
    def screening_columns(self) -> list[str]:
        """The columns of the file that only its expectations and the rules of quarantine read."""
        rules = self.quarantine.columns if self.quarantine else []
        return list(dict.fromkeys([*self.expects.columns, *rules]))

    @property
    def asked_columns(self) -> list[str]:
        """Every column the entry asks for, whether the file must have it or not."""
        design = self.design
        columns = [*self.file.where, *self.respondent_id.columns, *self.supplied_weights.values()]
        columns += [c for c in (*(made.base for made in design.made.values()), design.stratum, design.psu) if c]
        columns += [variable.column for variable in self.variables.values()]
        columns += [place.column for place in self.places.values()]
        return list(dict.fromkeys([*columns, *self.screening_columns]))


class TablesWave(_Wave):
    """One wave of which only published figures are held: in a file of figures/, in a workbook that lands, or in both.

    `base` is the number of respondents of the whole wave: it serves a figure of the whole population (domain
    `all`) that does not give its own, and no figure of a part of it. `assumed_design_effect` turns it into an
    interval, said to be assumed, for figures published without one.
    """

    kind: Literal["tables"]
    figures: FileName | None = None
    workbook: Workbook | None = None
    questions: dict[Id, Id]
    base: int | None = Field(default=None, ge=1)
    base_is: Literal["exact", "approximate", "unknown"]
    assumed_design_effect: float | None = Field(default=None, gt=0)
    assumed_because: str | None = None

    @property
    def file(self) -> Workbook | None:
        """The file that has to land, if there is one."""
        return self.workbook

    @model_validator(mode="after")
    def _assumption(self) -> Self:
        if (self.base is None) != (self.base_is == "unknown"):
            raise ValueError('base and base_is disagree: base_is is "unknown" just when base is null')
        if (self.assumed_design_effect is None) != (self.assumed_because is None):
            raise ValueError("assumed_design_effect and assumed_because go together")
        if self.figures is None and self.workbook is None:
            raise ValueError("give figures, a file of figures/, or workbook, or both")
        strange = {t.indicator for t in self.workbook.tables} - set(self.questions) if self.workbook else set()
        if strange:
            raise ValueError(f"workbook.tables: {', '.join(sorted(strange))} is not under questions")
        return self


Wave = Annotated[MicrodataWave | TablesWave, Field(discriminator="kind")]


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
    spelled: Annotated[dict[str, Text], BeforeValidator(_code_as_text)] = {}
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


class Side(Entry):
    """One estimate: a side of a comparison, or the evidence of a claim."""

    wave: Id
    indicator: Id
    domain: Text = "all"
    level: Text = "all"

    @property
    def key(self) -> tuple[str, str, str, str]:
        """The key of the estimate: wave, indicator, domain, level."""
        return self.wave, self.indicator, self.domain, self.level


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
