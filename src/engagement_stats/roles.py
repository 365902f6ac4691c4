"""Say what the columns of an unknown file are probably for: respondent, weight, design, mode, date, place.

Belongs here: guesses from names, labels and the shape of the data, each with its reason.
Not here: what the columns hold (inspection), and whether a declared weight or identifier is usable (weight, clean).
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

import numpy as np
import pandas as pd

from engagement_stats.codes import as_codes
from engagement_stats.inspection import SMALL, USUAL_MISSING, Column
from engagement_stats.uncertainty import kish_design_effect

Confidence = Literal["high", "medium", "low"]
Use = Literal[
    "respondent id", "weight", "replicate weights", "stratum", "sampling unit", "household", "mode", "date", "place"
]

# Beside words for a weight: pw of Stata's users, WTMEC2YR and others of NHANES, _LLCPWT, a_indinus_lw. What is earned
# gross is none.
WEIGHT_NAME = re.compile(
    r"w(ei)?gh?t|caliw|^cali|^rim|(^|[^a-z])wts?\d*([^a-z]|$)|wts?\d*$|^wts?(int|mec|saf|ss|dr\d)|^pw\d*$|_[lx]w$"
    r"|^gross(ed|ing)?_?(\d*$|w|f)|^(brr|jkw?|bsr?w|boot|rep_?w)_?\d+$",
    re.IGNORECASE,
)
WEIGHT_LABEL = re.compile(r"\b(weights?|weighting|grossing|rim weights?|calibration)\b", re.IGNORECASE)
ID_NAME = re.compile(r"(serial|^id|id$|idno|resp|case|record|uniq)", re.IGNORECASE)
ID_LABEL = re.compile(r"\b(identif\w*|serial|respondent('s)? (number|id)|case (number|id))", re.IGNORECASE)
# A serial number often repeats within these.
WITHIN = re.compile(r"(week|wave|round|cntry|country|year|month|sample|person|pno|quarter|point)", re.IGNORECASE)
BY_HINT: tuple[tuple[Use, re.Pattern[str]], ...] = (
    ("stratum", re.compile(r"strat(um|a|if|_?id)|strat\d*$|(^|_|mv)stra$", re.IGNORECASE)),
    ("sampling unit", re.compile(r"\bpsu|psu\b|primary sampling|cluster|sampl\w* point|\bpoint\b", re.IGNORECASE)),
    ("household", re.compile(r"\bhh|household (serial|id|number)|hserial|hhserial|address (serial|id)", re.IGNORECASE)),
    ("mode", re.compile(r"\bmode\b|mode of|^mode|mode$|interview method|administration of", re.IGNORECASE)),
    (
        "date",
        re.compile(r"\bdate\b|^date|date$|^inw|fieldwork|month of interview|quarter|interview (day|month)", re.I),
    ),
    (
        "place",
        re.compile(r"\bregion|^gor\b|\bgor$|\bnuts|\blsoa|\bward|\bimd|urban|rural|local authority|^country$", re.I),
    ),
)
# Columns of one use that are named; a list of dozens tells nobody anything.
MOST_OF_A_USE = 4
MEAN_NEAR_ONE = 0.02
POPULATION = (1e6, 1e9)
BODY = re.compile(
    r"\b((wt)?kg|(wt)?lbs?|kilo\w*|stones?|birth ?weight|pounds|height|how much do you weigh)\d?\b", re.IGNORECASE
)
# Whole numbers of a lower mean may be kilograms or pounds.
NO_BODY = 250
# So many weights that differ by a running number alone are no weights to choose from.
LEAST_REPLICATES = 10


@dataclass(frozen=True, slots=True)
class Role:
    """What columns are probably for, how sure that is, and why."""

    use: Use
    columns: tuple[str, ...]
    confidence: Confidence
    why: str


def roles(columns: Sequence[Column], frame: pd.DataFrame, weighted_by: str | None = None) -> list[Role]:
    """Guess what the columns of a file are for.

    Parameters
    ----------
    columns : sequence of Column
        As `inspection.columns` returns them.
    frame : DataFrame, shape (n respondents, columns read)
    weighted_by : str, optional
        The column that the file itself says its respondents are weighted by.

    Returns
    -------
    list of Role
        Likely identifiers first, then weights, then the rest; the surest of each first.
    """
    weights = list(_replicates(_weights(columns, frame, weighted_by)))
    found = [*_identifiers(columns, frame), *weights, *_by_hint(columns, len(frame))]
    order = {"high": 0, "medium": 1, "low": 2}
    uses = list(dict.fromkeys(r.use for r in found))
    return sorted(found, key=lambda r: (uses.index(r.use), order[r.confidence]))


def hinted(name: str, label: str) -> bool:
    """Say whether a name or label suggests a use, so that the column's data are worth looking at."""
    text = f"{name} {label}"
    return bool(
        WEIGHT_NAME.search(name) or WEIGHT_LABEL.search(label) or ID_NAME.search(name) or ID_LABEL.search(label)
        or WITHIN.search(name) or any(p.search(text) for _, p in BY_HINT)
    )  # fmt: skip


def is_unique(frame: pd.DataFrame, names: Sequence[str]) -> bool:
    """Say whether columns together identify every row, none of them ever empty."""
    codes = frame[list(names)].apply(as_codes)
    return bool(len(frame) and not (codes == "").any(axis=None) and not codes.duplicated().any())


def _identifiers(columns: Sequence[Column], frame: pd.DataFrame) -> Iterator[Role]:
    """Find a column, or two or three, that identify a respondent."""
    rows = len(frame)
    full = [c for c in columns if c.name in frame and c.empty == 0 and (c.distinct or 0) > 1]
    named = [c for c in full if ID_NAME.search(c.name) or ID_LABEL.search(c.label)]
    single = [c for c in full if c.distinct == rows and not _has_fractions(frame[c.name])]
    # Free text is unique too; with a column that is named like an identifier, no other needs guessing.
    single = [c for c in single if c in named] or [c for c in single if c.kind != "text"]
    if single:
        for c in single[:MOST_OF_A_USE]:
            hint = ", and its name or label says so" if c in named else ", but neither name nor label says so"
            yield Role("respondent id", (c.name,), "high" if c in named else "low", f"unique, never empty{hint}")
        return
    within = [c for c in full if WITHIN.search(c.name) and c not in named][:MOST_OF_A_USE]
    for size in (1, 2):
        for serial in sorted(named, key=lambda c: -(c.distinct or 0))[:MOST_OF_A_USE]:
            for others in combinations(within, size):
                names = (*(o.name for o in others), serial.name)
                if is_unique(frame, names):
                    yield Role("respondent id", names, "medium", f"unique together; {serial.name} alone repeats")
                    return


def _has_fractions(column: pd.Series) -> bool:
    numbers = pd.to_numeric(pd.Series(column.unique()), errors="coerce").dropna()
    return bool((numbers % 1 != 0).any())


def _weights(columns: Sequence[Column], frame: pd.DataFrame, weighted_by: str | None) -> Iterator[Role]:
    for c in columns:
        if c.name == weighted_by:
            role = _weight(c, frame[c.name], is_named=True) if c.name in frame else None
            why = "the file is saved as weighted by it"
            yield Role("weight", (c.name,), "high", f"{why}; {role.why}" if role and role.confidence != "low" else why)
            continue
        if c.name not in frame or c.kind not in ("number", "codes"):
            continue
        is_named = bool(WEIGHT_NAME.search(c.name) or (WEIGHT_LABEL.search(c.label) and c.kind == "number"))
        if not is_named and (c.kind != "number" or not _has_fractions(frame[c.name])):
            continue
        role = _weight(c, frame[c.name], is_named)
        if role is not None:
            yield role


def _replicates(weights: Iterator[Role]) -> Iterator[Role]:
    """Put weights that differ by a running number alone into one line, by the pattern that names them."""
    stems: dict[str, list[Role]] = {}
    for role in weights:
        stem = role.columns[0].rstrip("0123456789")
        stems.setdefault(stem if stem != role.columns[0] else f"{stem} alone", []).append(role)
    for stem, members in stems.items():
        if len(members) < LEAST_REPLICATES:
            yield from members
        else:
            first, last = members[0].columns[0], members[-1].columns[0]
            why = f"{len(members)} of them, {first} to {last}; no weight by themselves"
            yield Role("replicate weights", (f"{stem}[0-9]*",), "medium", why)


def _weight(column: Column, values: pd.Series, is_named: bool) -> Role | None:
    """Say how far a column of numbers looks like a weight."""
    every = pd.to_numeric(as_codes(values).replace("", np.nan), errors="coerce")
    # Negative codes that the file labels or declares missing are of those who have no weight.
    none = [c for c in column.labels if c.startswith("-")] + list(USUAL_MISSING if column.missing else ())
    numbers = every.mask(every.isin(pd.to_numeric(pd.Series(none, dtype="str"), errors="coerce"))).to_numpy(np.float64)
    rows, present = len(numbers), numbers[np.isfinite(numbers)]
    usable = len(present) and (present >= 0).all() and present.sum() > 0
    if not usable:
        reason = "named like a weight, but has negative values" if len(present) else "named like a weight, but empty"
        return Role("weight", (column.name,), "low", reason) if is_named else None
    mean, lacking = float(present.mean()), rows - len(present)
    near_one = abs(mean - 1) <= MEAN_NEAR_ONE
    total = float(present.sum())
    if not is_named and not (near_one and lacking == 0):
        return None
    is_coded = any(not c.startswith("-") and c != "0" for c in column.labels)
    if is_coded or BODY.search(f"{column.name} {column.label}".replace("_", " ")):
        return Role("weight", (column.name,), "low", "named so, but labelled like a measurement: a body's weight?")
    if len(present) < SMALL:
        return Role("weight", (column.name,), "low", "named so, but too few rows to tell") if is_named else None
    shown = f"{mean:,.0f}" if mean >= 1000 else f"{mean:.4g}"
    facts = f"mean {shown}, Kish design effect {kish_design_effect(present):.2f}"
    if np.ptp(present) == 0:
        return Role("weight", (column.name,), "low", f"the same for everyone ({facts})")
    if lacking:
        facts += ", some rows have none (a weight of some items or of part of the sample?)"
    if near_one:
        return Role("weight", (column.name,), "high" if is_named and not lacking else "medium", facts)
    if POPULATION[0] <= total <= POPULATION[1] and mean > (10 if _has_fractions(values) else NO_BODY):
        return Role("weight", (column.name,), "medium", f"sums to {total:,.0f}, a population? ({facts})")
    if mean < 10 and _has_fractions(values):
        return Role("weight", (column.name,), "medium", f"named so, but its mean is not near 1 ({facts})")
    return Role(
        "weight", (column.name,), "low", f"neither a mean near 1 nor a population's total: a measurement? ({facts})"
    )


def _by_hint(columns: Sequence[Column], rows: int) -> Iterator[Role]:
    """Name columns by what their names and labels say, where the number of their values allows it."""
    for use, pattern in BY_HINT:
        fitting = [c for c in columns if pattern.search(c.name) or pattern.search(c.label)]
        fitting = [c for c in fitting if _may_be(use, c, rows)]
        fitting.sort(key=lambda c: not pattern.search(c.name))
        for c in fitting[:MOST_OF_A_USE]:
            by = "name" if pattern.search(c.name) else "label"
            values = "" if c.distinct is None else f", {c.distinct:,} values"
            yield Role(use, (c.name,), "medium" if by == "name" else "low", f"by its {by}{values}")


def _may_be(use: Use, column: Column, rows: int) -> bool:
    """Rule out columns whose number of values does not go with a use."""
    if column.distinct is None:
        return True
    if column.distinct < 2:
        return False
    if use == "household":
        return column.distinct > rows / 6
    if use in ("stratum", "sampling unit"):
        return column.distinct < rows
    return column.distinct <= rows / 2 or rows < 20
