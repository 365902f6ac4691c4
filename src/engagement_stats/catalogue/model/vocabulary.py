"""The words entries are written in: modes, axes, kinds of missing, codes as text, and the entry they all are.

Belongs here: what the models of more than one kind of entry build on. Not here: any kind of entry.
"""

import re
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, Field

from engagement_stats.catalogue.entry import STRICT, Id, Text
from engagement_stats.codes import as_code

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


def codes_as_text(value: object) -> object:
    """Codes are compared as text, so that 1 in a tab file and 1.0 in a .sav file are the same code."""
    if isinstance(value, dict):
        return {_code_as_text(k): v for k, v in value.items()}
    return value


def _code_as_text(value: object) -> object:
    if isinstance(value, bool):
        raise ValueError("a code is a number or text; write true or false in quotes if the file has them")  # noqa: TRY004 - pydantic reports ValueError
    return as_code(value) if isinstance(value, int | float) else value


def list_as_tuple(value: object) -> object:
    """YAML has lists only; strict validation would refuse one where a pair is wanted."""
    return tuple(value) if isinstance(value, list) else value


Share = Annotated[float, Field(ge=0, le=1)]
Codes = Annotated[dict[str, Text], BeforeValidator(codes_as_text), Field(min_length=1)]
MissingCodes = Annotated[dict[str, MissingReason], BeforeValidator(codes_as_text)]
SignedCodes = Annotated[dict[str, Text], BeforeValidator(codes_as_text)]

# Codes of statistical geography: a letter for the country, eight digits.
AREA_CODE = re.compile(r"^[A-Z][0-9]{8}$")
AreaCode = Annotated[str, Field(pattern=AREA_CODE.pattern)]


class Entry(BaseModel):
    """Base of every entry: closed world, immutable, nothing coerced."""

    model_config = STRICT


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
