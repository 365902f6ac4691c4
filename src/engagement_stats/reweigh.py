"""Weight any survey file to population margins, without a catalogue entry.

Belongs here: matching a margins file to a survey file's columns, and writing the file again with its weight.
Not here: how weights are made (weight), reading (ingest), and waves that the catalogue knows.
"""

import csv
import os
import re
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from engagement_stats import ingest, weight
from engagement_stats.answers import declared_missing, levels, numbers
from engagement_stats.catalogue import CROSS
from engagement_stats.codes import as_codes
from engagement_stats.errors import IngestError, WeightingError, listed
from engagement_stats.readers.columns import resolve
from engagement_stats.readers.model import Options

WRITTEN = (".csv", ".tab", ".parquet", ".sav")
# How SPSS shows numbers; a date in any other is a number of seconds since 1582 to its reader.
NUMBER_FORMAT = re.compile(
    r"(F|N|COMMA|DOT|DOLLAR|PCT|([AEJS])?DATE|DATETIME|YMDHMS|[DM]?TIME|QYR|MOYR|WKYR|WKDAY|MONTH)\d{1,2}(\.\d{1,2})?"
)
MARGIN_COLUMNS = ["variable", "category", "population"]


@dataclass(frozen=True, slots=True)
class Request:
    """How to weight a file; names are the file's own, letter case ignored.

    `reading` says what `ingest.options_for` takes of how the file is to be read.
    """

    margins: Path
    out: Path
    method: str = "rake"
    base: str | None = None
    bounds: tuple[float, float] | None = None
    trim: float | None = None
    name: str = "weight"
    missing: Sequence[str] = ()
    rescale: bool = False
    reading: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What weighting a file gave: the weights with their steps, a diagnosis in words, and the margins table."""

    weights: Any
    sentences: tuple[str, ...]
    margins: pd.DataFrame
    synthetic: bool


def read_margins(path: Path) -> pd.DataFrame:
    """Read a margins file: CSV with columns variable, category and population.

    Raises
    ------
    IngestError
        The file is not there or lacks a column.
    WeightingError
        A population is not a number.
    """
    raw = ingest.read(path, MARGIN_COLUMNS, options=Options(format="csv")).frame
    population = pd.to_numeric(raw["population"], errors="coerce")
    if bad := int(population.isna().sum()):
        raise WeightingError(f"{path.name}: {bad} population(s) are not numbers. Write plain numbers without commas.")
    return pd.DataFrame({"variable": raw["variable"], "category": raw["category"], "population": population})


def _column(raw: ingest.RawFile, name: str, wanted: set[str], codes: Sequence[str]) -> pd.Series:
    """Return a margin's variable as the margins file names its categories: by code, or by label."""
    missing = declared_missing(raw, name, codes)
    by_code = as_codes(raw.frame[name]).mask(missing)
    by_label = levels(raw, name, missing).astype("object")
    met = [len(wanted & set(column.dropna().unique())) for column in (by_code, by_label)]
    return by_code if met[0] >= met[1] else by_label


def _frame(raw: ingest.RawFile, margins: pd.DataFrame, request: Request) -> pd.DataFrame:
    wanted: dict[str, set[str]] = {}
    for variable, category in margins[["variable", "category"]].itertuples(index=False, name=None):
        parts, values = variable.split(CROSS), category.split(" | ")
        if len(parts) != len(values):
            raise WeightingError(
                f'{request.margins.name}: category "{category}" does not have the {len(parts)} part(s) of '
                f'"{variable}". Write "a | b" for a*b.'
            )
        for part, value in zip(parts, values, strict=True):
            wanted.setdefault(part, set()).add(value)
    columns = {name: _column(raw, name, values, request.missing) for name, values in wanted.items()}
    for name, column in columns.items():
        if empty := int(column.isna().sum()):
            raise WeightingError(
                f"{name}: {empty} respondent(s) have no answer, so no margin can place them. Give them a category in "
                "a copy of the file, or leave the margin out."
            )
    if request.base is not None:
        base = raw.frame[request.base]
        columns[BASE] = numbers(request.base, base, as_codes(base) == "", "Name another column with --base.")
    return pd.DataFrame(columns)


# The base weight's name in the frame given to `weight`; no variable of a margins file can have it.
BASE = "base weight"


def _made(frame: pd.DataFrame, margins: pd.DataFrame, request: Request) -> Any:
    return weight.by_method(
        frame,
        margins,
        method=request.method,
        base=BASE if request.base is not None else None,
        bounds=request.bounds,
        trim_medians=request.trim,
        rescale=request.rescale,
    )


def run(path: Path, request: Request) -> Outcome:
    """Weight a survey file and write it again with the weight as one more column.

    Parameters
    ----------
    path : Path
        A file `ingest.read` can read.
    request : Request
        `out` ends .csv, .tab, .parquet or .sav; an existing file is replaced once the new one is whole.

    Returns
    -------
    Outcome

    Raises
    ------
    IngestError
        A file cannot be read or written, or lacks a column.
    WeightingError
        The margins contradict themselves or the file, or cannot be met.
    """
    if request.out.suffix.lower() not in WRITTEN:
        raise IngestError(f"{request.out.name}: cannot be written. Expected a name ending {', '.join(WRITTEN)}.")
    if request.method in ("rake", "poststratify") and request.bounds is not None:
        raise WeightingError("--bounds: rake and poststratify take none. Use --method logit or linear.")
    margins = read_margins(request.margins)
    raw = ingest.read(path, options=ingest.options_for(path, **request.reading))
    if request.name.lower() in {str(c).lower() for c in raw.frame.columns}:
        raise WeightingError(f"{path.name}: there is a column {request.name} already. Choose another with --name.")
    found = resolve(
        path.name,
        [str(c) for c in raw.frame.columns],
        sorted({part for v in margins["variable"] for part in v.split(CROSS)})
        + ([request.base] if request.base else []),
    )
    view = ingest.RawFile(
        raw.frame[list(found.values())].set_axis(list(found), axis="columns"),
        raw.synthetic,
        {k: raw.labels.get(v, {}) for k, v in found.items()},
        {},
        {k: raw.user_missing.get(v, []) for k, v in found.items()},
    )
    frame = _frame(view, margins, request)
    before = weight.diagnose(frame, margins, BASE if request.base is not None else None, rescale=request.rescale)
    made = _made(frame, margins, request)
    _write(raw, np.asarray(made), request)
    return Outcome(made, before.sentences, made.margins(), raw.synthetic)


def _write(raw: ingest.RawFile, values: np.ndarray, request: Request) -> None:
    """Write the file beside its place and rename it, readable by the owner only."""
    frame = raw.frame.assign(**{request.name: values})
    kind = request.out.suffix.lower()
    try:
        handle, temporary = tempfile.mkstemp(dir=request.out.absolute().parent, prefix=".weight-", suffix=kind)
        os.close(handle)
    except OSError:
        raise IngestError(f"{request.out}: the folder cannot be written to. Choose another with --out.") from None
    try:
        if kind == ".sav":
            _write_sav(raw, frame, temporary)
        elif kind == ".parquet":
            frame.to_parquet(temporary, index=False)
        elif kind == ".tab":
            # Nothing is quoted in a tab file, so a field cannot hold what ends one; the writer refuses it.
            frame.to_csv(temporary, index=False, sep="\t", quoting=csv.QUOTE_NONE)
        else:
            frame.to_csv(temporary, index=False)
        Path(temporary).replace(request.out)
    except Exception:  # writers raise errors of many kinds, some quoting the data
        raise IngestError(
            f"{request.out.name}: the file cannot be written as {kind}, which does not take its columns or texts as "
            "they are, or the place does not. Choose another ending or place with --out."
        ) from None
    finally:
        Path(temporary).unlink(missing_ok=True)


def _is_numbered(ranges: Sequence[Mapping[str, Any]] | None) -> bool:
    return bool(ranges) and all(isinstance(r["lo"], float) for r in ranges or ())


def _write_sav(raw: ingest.RawFile, frame: pd.DataFrame, path: str) -> None:
    import pyreadstat

    ranges = {k: [{"lo": a, "hi": b} for a, b in v] for k, v in raw.user_missing.items() if v}
    # The codes of a text file are text; where its dictionary tells of numbers, SPSS needs them to be some.
    numeric = [k for k in frame if {type(c) for c in raw.labels.get(k, ())} == {float} or _is_numbered(ranges.get(k))]
    frame = frame.assign(**{k: pd.to_numeric(frame[k].replace("", np.nan)) for k in numeric})
    shown = {k: f for k, f in raw.formats.items() if NUMBER_FORMAT.fullmatch(f) and k in frame.select_dtypes("number")}
    pyreadstat.write_sav(
        frame,
        path,
        column_labels={k: v for k, v in raw.variable_labels.items() if v},
        variable_value_labels={k: dict(v) for k, v in raw.labels.items() if v},
        missing_ranges=ranges,  # type: ignore[arg-type]
        variable_format=shown,
    )


def said(outcome: Outcome, request: Request) -> str:
    """Say what was done in a few lines, for a person."""
    steps = outcome.weights.summary()
    last = steps.iloc[-1]
    kinds = listed(list(steps["kind"]))
    return (
        f"Steps: {kinds}. Every margin is met to {last['max_misfit']:.1e}. Kish design effect "
        f"{last['design_effect']:.2f}, effective n {last['effective_n']:,.0f}; weights {last['smallest']:.4g} to "
        f"{last['largest']:.4g}, factors {last['g_min']:.3g} to {last['g_max']:.3g}. Written to {request.out}."
    )
