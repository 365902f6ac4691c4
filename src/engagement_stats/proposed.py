"""What a proposal for the catalogue entry of an unknown file holds.

Belongs here: its lines, each with a confidence and a reason, and what can be counted of them.
Not here: what they are (propose, dividing), and the text of the entry (draft).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from engagement_stats.describe import Look
from engagement_stats.roles import Confidence

# The reason of a line that is carried over unseen.
ABSENT = "not in this file, and optional"


@dataclass(frozen=True, slots=True)
class Line:
    """A proposed value, how sure it is (None: somebody must say), and why."""

    value: object
    confidence: Confidence | None
    reason: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Proposal:
    """The lines of an entry for a file.

    `lacking` are variables that the nearest wave has and this file does not, with why; `compared` says whether the
    nearest wave's own file was at hand; `claimed` are waves whose pattern matches the file's name.
    """

    look: Look
    near: str | None
    share: float
    rows: Line
    where: Line | None
    respondent_id: Line
    design: Mapping[str, Line]
    variables: Mapping[str, Line]
    indicators: Mapping[str, Line]
    domains: Sequence[Line]
    lacking: Mapping[str, str] = field(default_factory=dict)
    compared: bool = False
    claimed: Sequence[str] = ()

    @property
    def absent(self) -> list[str]:
        """Optional variables of the nearest wave that this file does not have."""
        return [v for v, line in self.variables.items() if line.reason == ABSENT]

    @property
    def hint(self) -> str:
        """Say what would recognise more, "" when nothing would."""
        if self.near is None or self.compared or not self.lacking:
            return ""
        return (
            f"Columns may have been renamed. Lay the file of {self.near} below the data folder, and the producer's "
            "data dictionary beside this file, and inspect again: labels and the spread of answers are then compared."
        )

    def counted(self) -> dict[str, int]:
        """Count the lines about columns by confidence."""
        lines = [self.respondent_id, *self.design.values(), *self.variables.values(), *self.indicators.values()]
        lines = [x for x in lines if x.reason != ABSENT]
        names: list[Confidence | None] = ["high", "medium", "low", None]
        return {c or "to be confirmed": sum(x.confidence == c for x in lines) for c in names}
