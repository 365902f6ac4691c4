"""Estimate from any survey file, without a catalogue entry.

Belongs here: turning a file's columns, labels and missing codes into a frame the estimator takes, and the
filter a user writes.
Not here: estimation (estimate), reading (ingest), and waves that the catalogue knows (results).
"""

import fnmatch
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from engagement_stats import estimate, ingest
from engagement_stats.answers import code_order, declared_missing, levels, numbers
from engagement_stats.catalogue import CROSS
from engagement_stats.codebook import packaged_rules, without_answer
from engagement_stats.codes import as_codes, is_code, labels_by_code
from engagement_stats.design import REPLICATE_METHODS, SampleDesign
from engagement_stats.errors import EstimationError, IngestError, listed
from engagement_stats.inspection import FEW, SMALL, printable, undeclared

VALUE_REMEDY = "Name the codes that mean no answer with --missing, or the categories that count with --counts."
DESIGN_REMEDY = "Name another column."
WORD = re.compile(r"[^\W\d]\w*")
QUOTED = re.compile(r"'(?:[^']|'')*'")


@dataclass(frozen=True, slots=True)
class Request:
    """What to estimate from a file; names are the file's own, letter case ignored.

    `reading` says what `ingest.options_for` takes of how the file is to be read.
    """

    variables: Sequence[str]
    statistic: str = "proportion"
    counts: Sequence[str] = ()
    by: Sequence[str] = ()
    where: str | None = None
    weight: str | None = None
    stratum: str | None = None
    psu: Sequence[str] = ()
    fpc: Sequence[str] = ()
    replicates: str | None = None
    replicate_method: str | None = None
    interval: str = "korn_graubard"
    confidence: float = 0.95
    single_psu: str = "fail"
    missing: Sequence[str] = field(default_factory=tuple)
    reading: Mapping[str, Any] = field(default_factory=dict)


def _read(path: Path, request: Request) -> tuple[ingest.RawFile, list[str]]:
    """Read every column the request touches; return also which of them are replicate weights."""
    families = [part for family in request.by for part in family.split(CROSS)]
    one = [n for n in (request.weight, request.stratum) if n]
    columns = [*request.variables, *families, *one, *request.psu, *request.fpc]
    raw = ingest.read(
        path,
        list(dict.fromkeys(columns)),
        # The words of a filter are columns or parts of SQL; those the file does not have are the latter.
        optional=WORD.findall(QUOTED.sub("", request.where or "")),
        patterns=[request.replicates] if request.replicates is not None else [],
        options=ingest.options_for(path, **request.reading),
    )
    replicates = []
    if request.replicates is not None:
        pattern = request.replicates.lower()
        fitting = [n for n in raw.columns if fnmatch.fnmatchcase(n.strip().lower(), pattern)]
        # "pwgtp*" names PWGTP too, which is no replicate of itself.
        base = (request.weight or "").strip().lower()
        replicates = [n for n in fitting if n.strip().lower() != base]
        if not replicates:
            raise IngestError(
                f'--replicates: no column matches "{request.replicates}". Give a pattern such as "repw*".'
            )
    return raw, replicates


def _counted(raw: ingest.RawFile, name: str, wanted: Sequence[str], missing: pd.Series) -> pd.Series:
    """Return 1 where a code (or its label) is among those that count, 0 where another, null for no answer."""
    codes = as_codes(raw.frame[name])
    by_label = {label: code for code, label in labels_by_code(raw.labels.get(name, {})).items()}
    known = {*codes.unique().tolist(), *by_label.values()}
    counts = {w if w in known else by_label.get(w, w) for w in wanted}
    if strange := sorted(counts - known):
        # As `inspect` shows them: a short text of a few respondents may be their own words.
        common = codes.value_counts()
        told = [c for c in known if c and (c in by_label.values() or (is_code(c) and common[c] >= SMALL))]
        shown = sorted(told, key=code_order)
        raise EstimationError(
            f"{name}: --counts names code(s) the file does not have: {', '.join(strange)}. It has "
            f"{listed(shown) if shown else f'none that {SMALL} respondents share'}."
        )
    return codes.isin(list(counts)).astype("float64").mask(missing)


def _filter(raw: ingest.RawFile, expression: str) -> np.ndarray:
    """Evaluate the user's filter as an SQL condition over the file's columns, with nothing else in reach."""
    import duckdb

    typed = {}
    for name, column in raw.frame.items():
        text = as_codes(column)
        number = pd.to_numeric(text.where(text != ""), errors="coerce")
        typed[str(name)] = number if not (number.isna() & (text != "")).any() else text
    frame = pd.DataFrame(typed)
    try:
        # No folder to spill to: respondents would lie in the working directory.
        with duckdb.connect(config={"threads": 1, "temp_directory": ""}) as connection:
            connection.register("respondents", frame)
            connection.execute("SET python_enable_replacements = false")
            connection.execute("SET enable_external_access = false")
            connection.execute("SET lock_configuration = true")
            condition = connection.sql(f"SELECT coalesce(({expression})::BOOLEAN, false) AS chosen FROM respondents")
            chosen = condition.fetchnumpy()["chosen"]
    except duckdb.Error:
        raise EstimationError(
            f'--where: "{expression}" is not a condition on columns of the file. '
            'Expected something like "sex = 1 AND age >= 65".'
        ) from None
    if len(chosen) != len(frame):
        raise EstimationError("--where: the condition does not give one answer a respondent.")
    return np.asarray(chosen, dtype=bool)


def _saved_weight(path: Path, request: Request) -> str | None:
    """Return the weight that an SPSS file says its cases are weighted by, which SPSS uses without being asked."""
    options = ingest.options_for(path, **request.reading)
    return ingest.describe(path, options).weight if options.format == "sav" else None


def _weightless(raw: ingest.RawFile, request: Request) -> pd.Series:
    """Say who has no weight because the file or the caller declares what stands there missing; none for an empty cell.

    They stay in the design, as its strata and sampling units are theirs too, and give no answer.

    Returns
    -------
    Series of bool, shape (n respondents,)
    """
    if request.weight is None:
        return pd.Series(data=False, index=raw.frame.index)
    # A code such as 1 is somebody's weight, whatever it means of the variables.
    never = [c for c in request.missing if c.startswith("-")]
    return declared_missing(raw, request.weight, never) & (as_codes(raw.frame[request.weight]) != "")


def _frame(raw: ingest.RawFile, request: Request, replicates: Sequence[str]) -> pd.DataFrame:
    columns: dict[str, Any] = {}
    for name in dict.fromkeys(part for family in request.by for part in family.split(CROSS)):
        columns[name] = levels(raw, name, declared_missing(raw, name, request.missing))
    for name in filter(None, [request.stratum, *request.psu]):
        codes = as_codes(raw.frame[name])
        columns[f"design {name}"] = codes.mask(codes == "")
    for name in filter(None, [request.weight, *request.fpc, *replicates]):
        columns[f"design {name}"] = numbers(name, raw.frame[name], as_codes(raw.frame[name]) == "", DESIGN_REMEDY)
    weightless = _weightless(raw, request)
    if request.weight is not None:
        columns[f"design {request.weight}"] = columns[f"design {request.weight}"].mask(weightless, 0.0)
    for name in request.variables:
        missing = declared_missing(raw, name, request.missing) | weightless
        counted = request.statistic == "proportion" and request.counts
        columns[f"value {name}"] = (
            _counted(raw, name, request.counts, missing)
            if counted
            else numbers(name, raw.frame[name], missing, VALUE_REMEDY)
        )
    if request.where is not None:
        columns["chosen"] = _filter(raw, request.where)
    return pd.DataFrame(columns)


def _design(request: Request, replicates: Sequence[str]) -> SampleDesign:
    if replicates and request.replicate_method is None:
        known = ", ".join(m for m in REPLICATE_METHODS if m != "other")
        raise EstimationError(
            f"--replicates: nothing says how the {len(replicates)} replicate weights were made. Expected one of "
            f"{known}. Take it from the producer's guide and give it with --replicate-method."
        )

    def own(name: str | None) -> str | None:
        return f"design {name}" if name else None

    return SampleDesign(
        weight=own(request.weight),
        stratum=own(request.stratum),
        psu=[f"design {n}" for n in request.psu] or None,
        fpc=[f"design {n}" for n in request.fpc] or None,
        replicates=[f"design {n}" for n in replicates] or None,
        replicate_method=request.replicate_method,
        single_psu=request.single_psu,
    )


def _say_undeclared(raw: ingest.RawFile, request: Request, say: Callable[[str], None]) -> None:
    """Say which answers look like "no answer": a file that declares nothing would count them in silence."""
    rules = packaged_rules()
    for name in request.variables:
        codes = as_codes(raw.frame[name])
        labels = labels_by_code(raw.labels.get(name, {}))
        answers = codes[~declared_missing(raw, name, request.missing)]
        named = without_answer({c: labels.get(c, c) for c in pd.unique(answers)}, rules)
        doubtful = dict.fromkeys(undeclared(answers, labels)) | named
        if any(code not in request.counts and labels.get(code) not in request.counts for code in doubtful):
            # Of an answer in words only those are shown that are known to mean that there is none. A program may make
            # labels of such answers, which are many then.
            own = labels if len(labels) <= FEW else {}
            said = {code: printable(own.get(code, words) or "") for code, words in doubtful.items()}
            shown = [
                words if words and c not in labels else f'{c} "{words}"' if words else c for c, words in said.items()
            ]
            say(
                f"{name}: {listed(shown)} look like codes for no answer and are counted as answers. "
                "If they mean no answer, name them with --missing."
            )


def _say_of_weights(path: Path, raw: ingest.RawFile, request: Request, say: Callable[[str], None]) -> None:
    """Say that the file has a weight that is not used, or whom the weight leaves out."""
    if request.weight is None and (saved := _saved_weight(path, request)) is not None:
        say(
            f"{path.name}: saved as weighted by {saved}, and these estimates are not weighted. Add --weight {saved} to "
            "weight them as SPSS would."
        )
    if without := int(_weightless(raw, request).sum()):
        say(f"{request.weight}: declared missing for {without} respondent(s), who are left out.")


def run(path: Path, request: Request, say: Callable[[str], None] | None = None) -> pd.DataFrame:
    """Estimate from a survey file.

    Parameters
    ----------
    path : Path
        A file `ingest.read` can read.
    request : Request
    say : callable, optional
        Called with a sentence for each variable in which codes that look like "no answer" are counted as answers, for
        a weight of the file's that is not used, and for those whom a weight leaves out.

    Returns
    -------
    DataFrame, shape (variables x levels, columns of estimates and is_synthetic)
        `domain` and `level` by the file's labels where it has them; codes the file declares missing, and those
        in `missing`, are not answers.

    Raises
    ------
    IngestError
        The file cannot be read or lacks a column.
    EstimationError
        See `estimate`; or a filter or code that does not fit the file.
    """
    raw, replicates = _read(path, request)
    frame = _frame(raw, request, replicates)
    values = [f"value {v}" for v in request.variables]
    options: dict[str, Any] = {
        "design": _design(request, replicates),
        "by": list(request.by),
        "where": "chosen" if request.where is not None else None,
        "confidence": request.confidence,
    }
    try:
        if request.statistic == "proportion":
            table = estimate.proportion(frame, values, interval=request.interval, **options)
        elif request.statistic == "mean":
            table = estimate.mean(frame, values, **options)
        else:
            table = estimate.total(frame, values, **options)
    except EstimationError as error:
        # The estimator names columns of our frame; the user knows the file's.
        message = (
            re.sub(r"\b(design|value) (?=\S)", "", str(error))
            .replace("counts=", "--counts")
            .replace("single_psu", "--single-psu")
        )
        raise EstimationError(message) from None
    if say is not None:
        _say_undeclared(raw, request, say)
        _say_of_weights(path, raw, request, say)
    return table.assign(
        indicator=table["indicator"].str.removeprefix("value "),
        weight=request.weight,
        source=path.name,
        is_synthetic=raw.synthetic,
    )
