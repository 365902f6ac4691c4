"""What every catalogue entry is made of: ids, text, and how strictly it is read.

Belongs here: what the models of more than one module build on. Not here: any entry (model, workbooks).
"""

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, ConfigDict, Field

IDENTIFIER = re.compile(r"^[a-z][a-z0-9_]{0,62}$")

# What a proposed entry asks of a person. It stands in no valid entry, whatever the line may hold.
ASK = "TO-BE-CONFIRMED"

Evidence = Literal["confirmed", "second_hand", "inferred", "unverified"]


def _identifier(value: str) -> str:
    if not IDENTIFIER.match(value):
        raise ValueError(
            "an id is lower-case letters, digits and underscores, beginning with a letter, at most 63 long"
        )
    return value


Id = Annotated[str, AfterValidator(_identifier)]
Text = Annotated[str, Field(min_length=1)]
# Of a file in a folder that the program chooses: no name leads out of it.
FileName = Annotated[str, Field(pattern=r"^[^/\\\x00-\x1f]+$", max_length=200)]
# Closed world, immutable, nothing coerced.
STRICT = ConfigDict(extra="forbid", frozen=True, strict=True)
