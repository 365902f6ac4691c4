"""Say what is in a survey file that nobody has described yet, without showing what any respondent answered.

Belongs here: columns with their labels, codes and counts, and what of it may be shown.
Not here: reading the file (ingest), what a column is for (roles), and a catalogue entry for it (propose).

Counts below `SMALL` are never shown, nor can they be worked out: beside one, the other counts of the column are
rounded to tens. Codes are shown where the file labels them or where they are common; free text never is, nor as labels.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import pandas as pd

from engagement_stats.answers import code_order, written_as
from engagement_stats.catalogue.model import DISCLOSURE_FLOOR as SMALL
from engagement_stats.codes import as_code, as_codes, is_code, labels_by_code
from engagement_stats.readers.model import Contents

Kind = Literal["codes", "number", "text", "empty", "not read"]

# A column of more values than this is a measurement or text, unless the file labels what it holds.
FEW = 30
# More short texts than that are codes, as of countries, where each is common.
MANY = 300
LABELLED_SHARE = 0.9
# Longer cells are somebody's words, not the name of an answer.
LONGEST_ANSWER = 40
# Codes that producers use for "no answer" where nothing declares them.
USUAL_MISSING = ("-9", "-8", "-7", "-6", "-5", "-4", "-3", "-2", "-1")
# With more negative values than this beside them, they are values of a measurement like those.
MOST_OTHER = 4
USUAL_HIGH_MISSING = ("97", "98", "99", "997", "998", "999", "9997", "9998", "9999")
# A high code is taken for a missing one only where it stands this far above the answers.
FAR_ABOVE = 2.0
# Cells looked at in one inspection; beyond it columns are described by what the file says of them only.
MOST_CELLS = 12_000_000


@dataclass(frozen=True, slots=True)
class Shown:
    """A code as it may be shown: `respondents` in words, "<10" where there are few."""

    code: str
    label: str
    respondents: str


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a file. `counts` (code to respondents) is for matching; only what `shown` returns may be printed.

    `written_as` says what its texts look like, where all look alike; see `answers.written_as`.
    """

    name: str
    position: int
    label: str = ""
    kind: Kind = "not read"
    distinct: int | None = None
    empty: int | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    missing: tuple[str, ...] = ()
    looks_missing: tuple[str, ...] = ()
    written_as: str | None = None
    counts: Mapping[str, int] = field(default_factory=dict, repr=False)

    @property
    def answered(self) -> int:
        """The number of respondents with any value, as far as `counts` knows them."""
        return sum(self.counts.values())


def columns(contents: Contents, frame: pd.DataFrame) -> list[Column]:
    """Describe the columns of a file.

    Parameters
    ----------
    contents : Contents
        What the file says of itself.
    frame : DataFrame, shape (n respondents, columns read)
        Any of its columns, as `ingest.read` returns them; the others are described by the file's own words only.

    Returns
    -------
    list of Column
        Every column, in the file's order.
    """
    found = []
    for position, name in enumerate(contents.names):
        labels = {c: printable(v) for c, v in labels_by_code(contents.labels.get(name, {})).items()}
        about = {
            "name": name, "position": position, "label": printable(contents.variable_labels.get(name, "")),
            "labels": labels, "missing": tuple(_range(low, high) for low, high in contents.user_missing.get(name, ())),
        }  # fmt: skip
        found.append(Column(**about | (_counted(frame[name], labels) if name in frame else {})))  # type: ignore[arg-type]
    return found


def printable(text: str) -> str:
    r"""Return a file's words on one line, without what a terminal would obey.

    Examples
    --------
    >>> printable("Sex of\n respondent\x1b[2J")
    'Sex of respondent [2J'
    """
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def _code(value: object) -> str:
    return "" if pd.isna(value) else as_code(value)


def _range(low: object, high: object) -> str:
    if low == high:
        return _code(low)
    if low == -math.inf:
        return f"up to {_code(high)}"
    return f"{_code(low)} and above" if high == math.inf else f"{_code(low)} to {_code(high)}"


def _counted(column: pd.Series, labels: Mapping[str, str]) -> dict[str, object]:
    """Count a column's codes and say what kind of column it is."""
    codes = as_codes(column)
    counts = codes.value_counts(sort=False)
    empty = int(counts.get("", 0))
    counts = counts.drop("", errors="ignore")
    distinct = len(counts)
    if distinct == 0:
        return {"kind": "empty", "distinct": 0, "empty": empty}
    numbers = pd.to_numeric(pd.Series(counts.index), errors="coerce")
    if _are_own_words(counts, labels):
        return {"kind": "text", "distinct": distinct, "empty": empty, "labels": {}}
    labelled = sum(c in labels for c in counts.index) / distinct
    kind: Kind
    if labelled >= LABELLED_SHARE:
        kind = "codes"
    elif numbers.notna().all():
        kind = "codes" if distinct <= FEW and bool((numbers % 1 == 0).all()) else "number"
    elif _are_answers(counts):
        kind = "codes"
    else:
        kind = "text"
    kept = counts if kind == "codes" else counts[[c in labels for c in counts.index]]
    return {
        "kind": kind, "distinct": distinct, "empty": empty,
        "looks_missing": _looks_missing(kind, numbers, labels),
        "written_as": None if numbers.notna().all() or labels else written_as(codes),
        "counts": {str(k): int(v) for k, v in sorted(kept.items(), key=lambda kv: code_order(str(kv[0])))},
    }  # fmt: skip


def _are_own_words(counts: pd.Series, labels: Mapping[str, str]) -> bool:
    """Say whether value labels are what respondents wrote, as R makes labels of every text of a column.

    They are many and each is of a few respondents; a producer's long list has some that nobody chose.
    """
    if len(counts) <= FEW or any(labels.get(c, c) == c for c in counts.index):
        return False
    most = SMALL if len(labels) == len(counts) else 2
    return bool(counts.sum() < most * len(counts))


def _are_answers(counts: pd.Series) -> bool:
    """Say whether texts are the names of answers: few and short ones that recur, or codes that are all common."""
    if len(counts) <= FEW:
        return bool(counts.index.str.len().max() <= LONGEST_ANSWER and counts.max() >= SMALL)
    return bool(len(counts) <= MANY and all(map(is_code, counts.index)) and counts.min() >= SMALL)


def undeclared(codes: pd.Series, labels: Mapping[str, str]) -> tuple[str, ...]:
    """Name codes among the answers of a column that producers use for "no answer".

    Examples
    --------
    >>> undeclared(pd.Series(["1", "2", "98", "1"]), {})
    ('98',)
    """
    numbers = pd.to_numeric(pd.Series(pd.unique(codes), dtype="str"), errors="coerce")
    return _looks_missing("codes", numbers, labels)


def _looks_missing(kind: Kind, numbers: pd.Series, labels: Mapping[str, str]) -> tuple[str, ...]:
    """Name codes that producers use for "no answer": negative ones, and nines far above the other codes.

    A measurement that goes on below the negative ones, such as a change, has negative answers.
    """
    if kind == "text" or numbers.isna().any():
        return ()
    values = set(numbers.tolist())
    below = [v for v in values if v < float(USUAL_MISSING[0]) or (v < 0 and v % 1 != 0)]
    is_measured = kind == "number" and len(below) > MOST_OTHER
    low = [] if is_measured else [c for c in USUAL_MISSING if float(c) in values]
    high = [c for c in USUAL_HIGH_MISSING if float(c) in values]
    rest = [v for v in values if v >= 0 and v not in {float(c) for c in high}]
    top = max(rest, default=math.inf)
    return (*low, *(c for c in high if float(c) > FAR_ABOVE * max(top, 1) or c in labels))


def shown(column: Column) -> list[Shown]:
    """Return the codes of a column that may be shown, with how many respondents gave each.

    Returns
    -------
    list of Shown
        Empty for numbers and text. A count below `SMALL` is "<10"; beside one, the others are rounded to tens.
    """
    if column.kind != "codes":
        return []
    small = any(0 < n < SMALL for n in [*column.counts.values(), column.empty or 0])

    def said(respondents: int) -> str:
        if respondents < SMALL:
            return f"<{SMALL}"
        return f"about {round(respondents, -1):,}" if small else f"{respondents:,}"

    return [
        Shown(printable(code), column.labels.get(code, ""), said(n))
        for code, n in column.counts.items()
        if n >= SMALL or code in column.labels
    ]


def empty_shown(column: Column) -> str:
    """Return how many respondents have no value, as it may be shown; "" when there are none or it is not known."""
    if not column.empty:
        return ""
    return f"<{SMALL}" if column.empty < SMALL else f"{column.empty:,}"


def hidden(column: Column) -> int:
    """Return how many codes of a column are not shown: rare ones that the file does not label."""
    return 0 if column.kind != "codes" else len(column.counts) - len(shown(column))


def chosen(contents: Contents, first: Sequence[str], rows: int | None) -> list[str]:
    """Choose the columns whose data are looked at, so that a large file stays within `MOST_CELLS`.

    Parameters
    ----------
    contents : Contents
    first : sequence of str
        Names to look at before others; those the file does not have are passed over.
    rows : int or None
        Respondents, None when not known.

    Returns
    -------
    list of str
        All columns where they fit; otherwise `first`, then those with value labels, then the others, in file order.
    """
    most = MOST_CELLS // max(rows or 1, 1)
    if len(contents.names) <= most:
        return list(contents.names)
    wanted = set(first)
    labelled = [n for n in contents.names if n in contents.labels]
    ordered = [*(n for n in contents.names if n in wanted), *labelled, *contents.names]
    return list(dict.fromkeys(ordered))[: max(most, 1)]
