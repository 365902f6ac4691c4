"""The answer on one statement of a text: a row.

Belongs here: what a row holds, the frame of rows, and which of them are faults.
Not here: how an answer comes about (verify, consistency).
"""

import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass

import pandas as pd

from engagement_stats.claim import Verdict

NOTHING = "nothing to check"
FAULTS = ("not supported", "not comparable")


@dataclass(frozen=True, slots=True)
class Checked:
    """One statement of a text and what the release says of it: a row of the answer.

    `kind` is "level" (a share), "ratio", "relative_change", "difference" or "comparison" (two sides), or "arithmetic"
    (a sum of counts). `match` says how the estimate meant was told: "named", "assumed" (`reason` says what was taken),
    "ambiguous" (`candidates`) or "none". `estimate` with its interval is in the quantity of the words: a share, or
    what the two sides make, `against` being the second.
    """

    where: str
    text: str
    kind: str
    stated: str
    match: str
    indicator: str = ""
    wave: str = ""
    domain: str = ""
    level: str = ""
    against: str = ""
    candidates: str = ""
    estimate: float = math.nan
    ci_lower: float = math.nan
    ci_upper: float = math.nan
    arithmetic: str = NOTHING
    verdict: Verdict = "cannot be checked"
    support: str = ""
    reason: str = ""
    sentence: str = ""
    caveats: str = ""
    evidence: str = ""
    is_synthetic: bool = False


COLUMNS = list(Checked.__dataclass_fields__)


def frame(rows: Iterable[Checked]) -> pd.DataFrame:
    """Put the answers into a frame, a row each, in the order of the text."""
    table = pd.DataFrame([asdict(r) for r in rows], columns=COLUMNS)
    return table.astype(dict.fromkeys(("estimate", "ci_lower", "ci_upper"), "float64"))


def at_fault(table: pd.DataFrame) -> int:
    """Count the statements that should not stand: not supported, not comparable, or wrong by their own numbers."""
    return int((table["verdict"].isin(FAULTS) | (table["arithmetic"] == "wrong")).sum())
