"""Hold a file against a wave's catalogue entry and report everything that does not agree, writing nothing.

Belongs here: going through all the checks that a run would make, past the first that fails, on what the others leave.
Not here: the checks themselves (ingest, codebook, clean, weight, expectations, tabulate), and any proposal (propose).

A problem is what would stop the wave; a note is what a run would do without stopping. The names of columns, codes and
counts of respondents of at least `SMALL` are shown, never a respondent's values.
"""

import difflib
import fnmatch
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal, TypeVar

import pandas as pd

from engagement_stats import (
    additive,
    clean,
    codebook,
    disclose,
    expectations,
    identifiers,
    implied,
    ingest,
    inspection,
    labelled,
    landing,
    likeness,
    lookups,
    nearest,
    omissions,
    overlap,
    partial,
    quarantine,
    tabulate,
    wave_weights,
)
from engagement_stats.catalogue import Catalogue
from engagement_stats.catalogue import model as m
from engagement_stats.codes import as_codes
from engagement_stats.deposit import Digests, LandedFile
from engagement_stats.errors import EngagementStatsError, IngestError, UsageError, listed
from engagement_stats.readers import detect
from engagement_stats.readers.model import Contents

T = TypeVar("T")
Part = Literal[
    "file", "columns", "labels", "codes", "identifier", "rows set aside", "expectations", "weights", "left out",
    "bases", "benchmarks",
]  # fmt: skip
# Near names of a column that is not there.
NEAR_NAMES, NEAR = 2, 0.7
SHOWN_REWORDED = 3


@dataclass(frozen=True, slots=True)
class Finding:
    """Something about a file and its entry: whether it stops the wave, the part it concerns, and what it is."""

    is_problem: bool
    part: Part
    said: str


@dataclass
class _Check:
    """A check under way: what was found, and the entry reduced to what the file can give."""

    wave_id: str
    catalogue: Catalogue
    file: LandedFile
    found: list[Finding] = field(default_factory=list)

    @property
    def wave(self) -> m.MicrodataWave:
        return self.catalogue.microdata_waves[self.wave_id]

    @property
    def place(self) -> str:
        return f"waves/{self.wave_id}.yaml"

    def problem(self, part: Part, said: str) -> None:
        # Messages begin with the wave's id, which the reader of one wave's check knows.
        self.found += [Finding(True, part, one.removeprefix(f"{self.wave_id} ")) for one in said.split("\n")]

    def note(self, part: Part, said: str) -> None:
        self.found.append(Finding(False, part, said))

    def tried(self, part: Part, work: Callable[[], T]) -> T | None:
        """Do one check; note what it refuses and go on without it."""
        try:
            return work()
        except EngagementStatsError as error:
            self.problem(part, str(error))
            return None

    def keep(self, wave: m.MicrodataWave) -> None:
        """Go on with an entry that leaves out what the file cannot give."""
        self.catalogue = replace(self.catalogue, waves={**self.catalogue.waves, self.wave_id: wave})

    def without_variables(self, gone: Sequence[str]) -> None:
        """Go on without variables, and without whatever reads them."""
        self.keep(partial.without_variables(self.wave, gone))


def check(file: Path, wave_id: str, catalogue: Catalogue, *, data: Path | None = None) -> list[Finding]:
    """Hold a file against a wave's entry.

    Parameters
    ----------
    file : Path
        See `landing.located`.
    wave_id : str
        A wave of respondents' files.
    catalogue : Catalogue
    data : Path, optional
        The folder in which lookups of areas lie.

    Returns
    -------
    list of Finding
        Problems first, in the order of the checks. A check that needs what another found wanting is made on the rest.

    Raises
    ------
    UsageError
        The wave is not in the catalogue, or holds published figures.
    """
    if wave_id not in catalogue.microdata_waves:
        near = difflib.get_close_matches(wave_id, list(catalogue.microdata_waves), n=5, cutoff=0.4)
        raise UsageError(
            f'wave: "{wave_id}" is not a wave of respondents\' files. Expected one of '
            f"{listed(near or list(catalogue.microdata_waves))}."
        )
    state = _Check(wave_id, catalogue, landing.located(file))
    if not state.wave.indicators:
        state.note("left out", f"{state.place} has no indicators, so the wave would give no estimate. Write them in.")
    _all(state, data)
    return sorted(state.found, key=lambda f: not f.is_problem)


def _all(state: _Check, data: Path | None) -> None:
    _name(state)
    contents = _contents(state)
    if contents is None:
        return
    raw = _read(state, contents)
    if raw is None:
        return
    frame = _rows(state, raw)
    if frame is None or frame.empty:
        return
    said = codebook.Codebook.of(raw.labels, raw.user_missing)
    state.catalogue = (
        state.tried("labels", lambda: labelled.filled(state.catalogue, state.wave_id, said)) or state.catalogue
    )
    _labels(state, frame, said)
    split = state.tried("rows set aside", lambda: quarantine.set_aside(frame, state.wave_id, state.catalogue))
    kept = frame if split is None else split.kept
    if split is not None and len(split.aside):
        state.note("rows set aside", quarantine.in_brief(quarantine.table(split, state.wave_id, state.catalogue)))
    responses, why = _responses(state, kept, frame, said, data, synthetic=raw.synthetic)
    if responses is None:
        return
    for name, reason in omissions.omitted(responses, state.wave_id, state.catalogue, why).items():
        state.note("left out", f"{name}: {reason}")
    state.tried("expectations", lambda: expectations.check(kept, responses, state.wave_id, state.catalogue))
    _estimates(state, kept, responses, synthetic=raw.synthetic)


# The file and its columns


def _name(state: _Check) -> None:
    """Check the file's name and, by it, the format."""
    spec, base = state.wave.file, state.file.base
    if not any(fnmatch.fnmatchcase(base.lower(), p.lower()) for p in spec.pattern):
        state.note(
            "file", f"{base} is not a name the wave claims; a run would pass it over. Expected {listed(spec.pattern)}: "
            f"add the name to file.pattern in {state.place}.",
        )  # fmt: skip
    suffix = Path(base).suffix.lower()
    format_ = detect.SUFFIXES.get(suffix)
    if format_ is not None and format_ != spec.format:
        state.problem(
            "file",
            f'file.format in {state.place} is "{spec.format}", and the file ends "{suffix}". Correct one of them.',
        )


def _contents(state: _Check) -> Contents | None:
    """Return what the file says of itself, read as the entry says or else as its name does.

    A format is easily corrected, and whoever holds the file in another one wants to know of the rest.
    """
    contents = state.tried("file", lambda: ingest.describe(state.file, ingest.options_of(state.wave)))
    format_ = detect.SUFFIXES.get(Path(state.file.base).suffix.lower())
    if contents is not None or format_ in (None, state.wave.file.format):
        return contents
    spec = {"format": format_, "delimiter": None, "sheet": None, "header_row": 1}
    state.keep(state.wave.model_copy(update={"file": state.wave.file.model_copy(update=spec)}))
    with suppress(IngestError):
        return ingest.describe(state.file, ingest.options_of(state.wave))
    return None


def _read(state: _Check, contents: Contents) -> ingest.RawFile | None:
    """Check size, edition and columns; read those of the entry that are there."""
    spec = state.wave.file
    is_synthetic = any(n.lower() == ingest.SYNTHETIC_MARKER for n in contents.names)
    if spec.columns is not None and len(contents.names) != spec.columns and not is_synthetic:
        state.problem(
            "file", f"the file has {len(contents.names):,} columns; file.columns in {state.place} says "
            f"{spec.columns:,}. Deposit that edition, or correct the number.",
        )  # fmt: skip
    if spec.sha256 and not is_synthetic:
        digest = Digests().of(state.file, state.file.name)
        if digest not in spec.sha256:
            state.problem(
                "file", f"the file is none of the {len(spec.sha256)} edition(s) of file.sha256 in {state.place}. "
                f"Got {digest}. Once it is checked, add it there.",
            )  # fmt: skip
    there = _columns(state, contents)
    options = ingest.options_of(state.wave)
    return state.tried("file", lambda: ingest.read(state.file, there, options=options))


def _columns(state: _Check, contents: Contents) -> list[str]:
    """Return the entry's columns that the file has once; reduce the entry by the others, and say which."""
    needed, optional = ingest.columns_of(state.wave)
    by_lower: dict[str, list[str]] = {}
    for name in contents.names:
        by_lower.setdefault(name.strip().lower(), []).append(name)
    gone: list[str] = []
    like = _like(state, contents, [n for n in needed if n.lower() not in by_lower])
    for name in (*needed, *optional):
        spelled = [n for n in contents.names if n == name] or by_lower.get(name.lower(), [])
        if not spelled and name in optional:
            continue
        if not spelled:
            near = [by_lower[n][0] for n in difflib.get_close_matches(name.lower(), list(by_lower), NEAR_NAMES, NEAR)]
            hint = f" Is it {like.get(name) or ' or '.join(near)}?" if near or name in like else ""
            state.problem("columns", f"{name} is not in the file ({_user(state, name)}).{hint} Correct the name there.")
        elif len(spelled) > 1:
            state.problem(
                "columns", f"{name} is there {len(spelled)} times ({listed(spelled)}). Rename all but one in a copy."
            )
        elif kind := _identifies(state, spelled[0], contents):
            state.problem(
                "columns", f"{name} may identify a person ({kind}); it is not read. Ask for another column, or "
                f"give the reason under identifiers_allowed in {state.place}.",
            )  # fmt: skip
        else:
            continue
        gone.append(name)
    state.keep(partial.without_columns(state.wave, gone))
    needed, optional = ingest.columns_of(state.wave)
    return [n for n in (*needed, *optional) if n.lower() in by_lower and n not in gone]


def _like(state: _Check, contents: Contents, absent: Sequence[str]) -> dict[str, str]:
    """Find columns whose labels are those of variables that are not there under their own name."""
    wanted = [k for k in nearest.known(state.wave_id, state.catalogue) if k.column in absent]
    taken = {v.column.lower() for v in state.wave.variables.values()}
    columns = [c for c in inspection.columns(contents, pd.DataFrame()) if c.name.lower() not in taken and c.label]
    matches = likeness.match(wanted, columns).values()
    return {x.known.column: f"{inspection.printable(x.column.name)} ({x.reason})" for x in matches}


def _identifies(state: _Check, column: str, contents: Contents) -> str | None:
    found = identifiers.found([column], contents.variable_labels, state.wave.identifiers_allowed)
    return found.get(column)


def _user(state: _Check, column: str) -> str:
    """Say which line of the entry asks for a column."""
    wave = state.wave
    names = [
        state.catalogue.line(state.wave_id, "variables", k) for k, v in wave.variables.items() if v.column == column
    ]
    names += [f"{state.place}, design.weights.{k}" for k, c in wave.design.weights.items() if c == column]
    names += [f"{state.place}, respondent_id"] if column in wave.respondent_id.columns else []
    names += [f"{state.place}, design"] if column in (wave.design.stratum, wave.design.psu) else []
    names += [f"{state.place}, file.where"] if column in wave.file.where else []
    return "; ".join(names) or state.place


def _rows(state: _Check, raw: ingest.RawFile) -> pd.DataFrame | None:
    """Keep the wave's rows, and check how many there are."""
    spec, frame = state.wave.file, raw.frame
    for column, codes in spec.where.items():
        frame = frame[as_codes(frame[column]).isin(codes)]
    if frame.empty:
        state.problem("file", f"no respondent is left. See file.where in {state.place}.")
        return None
    if spec.rows is not None and len(frame) != spec.rows and not raw.synthetic:
        state.problem(
            "file", f"{len(frame):,} respondents; file.rows in {state.place} says {spec.rows:,}. The file may be "
            "cut short or another edition; deposit it again, or correct the number.",
        )  # fmt: skip
    return frame.reset_index(drop=True)


# What is in it


def _labels(state: _Check, frame: pd.DataFrame, said: codebook.Codebook) -> None:
    outcome = state.tried("labels", lambda: codebook.compare(frame, said, state.wave_id, state.catalogue))
    if outcome is None:
        return
    for one in outcome.contradictions:
        state.problem(
            "labels",
            f"{one} Correct the codes, or sign the difference under labels_differ of the variable (code: reason).",
        )
    if outcome.reworded:
        shown = "; ".join(outcome.reworded[:SHOWN_REWORDED])
        more = "" if len(outcome.reworded) <= SHOWN_REWORDED else f"; and {len(outcome.reworded) - SHOWN_REWORDED} more"
        state.note("labels", f"{len(outcome.reworded)} label(s) in other words than the catalogue's: {shown}{more}")


def _responses(
    state: _Check,
    kept: pd.DataFrame,
    frame: pd.DataFrame,
    said: codebook.Codebook,
    data: Path | None,
    *,
    synthetic: bool,
) -> tuple[pd.DataFrame | None, Mapping[str, str]]:
    """Make the responses of the variables that can be made; report the others."""
    why: Mapping[str, str] = {}
    if not synthetic:
        why = state.tried("codes", lambda: omissions.unconfirmed(frame, said, state.wave_id, state.catalogue)) or {}
    tables = state.tried("file", lambda: _areas(state.catalogue, data)) or {}

    def made() -> pd.DataFrame:
        return clean.harmonise(kept, state.wave_id, state.catalogue, tables, leave_out=why)

    try:
        return made(), why
    except EngagementStatsError as error:
        state.problem("codes", str(error))
    state.without_variables(list(_failing(state, kept)))
    state.keep(state.wave.model_copy(update={"respondent_id": partial.NOT_CHECKED, "places": {}}))
    try:
        return made(), why
    except EngagementStatsError:
        return None, why  # what is wrong has been said


def _failing(state: _Check, kept: pd.DataFrame) -> Iterator[str]:
    """Name the variables that cannot be made, each tried alone."""
    whole = state.wave
    for name, variable in whole.variables.items():
        one = whole.model_copy(
            update={"variables": {name: variable}, "places": {}, "respondent_id": partial.NOT_CHECKED}
        )
        catalogue = replace(state.catalogue, waves={**state.catalogue.waves, state.wave_id: one})
        try:
            clean.harmonise(kept, state.wave_id, catalogue)
        except EngagementStatsError:
            yield name


def _areas(catalogue: Catalogue, data: Path | None) -> Mapping[str, pd.DataFrame]:
    if data is None or not data.is_dir() or not catalogue.lookups:
        return {}
    landed = landing.find(data, catalogue.microdata_waves)
    return lookups.read_landed(catalogue, lookups.find([u.file for u in landed.unclaimed], catalogue.lookups))


def _estimates(state: _Check, kept: pd.DataFrame, responses: pd.DataFrame, *, synthetic: bool) -> None:
    """Estimate what can be estimated; check weights, bases and benchmarks."""
    wave, catalogue = state.wave, state.catalogue
    if "main" not in {**wave.design.weights, **wave.design.made}:
        return
    weights = state.tried(
        "weights", lambda: wave_weights.analysis_weights(kept, responses, state.wave_id, state.catalogue)
    )
    made = state.tried("codes", lambda: clean.indicators(responses, wave.indicators.items(), state.place))
    if weights is None or made is None:
        return
    built = state.tried(
        "bases",
        lambda: tabulate.microdata(responses, made, weights.values, state.wave_id, catalogue, credited=weights.made),
    )
    if built is None:
        return
    nested = additive.nesting(responses, wave.domains)
    weight_of = {k: v.weight for k, v in wave.indicators.items()}
    follows = implied.found(made, weight_of)
    alike = overlap.held(built[0], responses, made, weights.values, weight_of, catalogue.rules.disclosure)
    table = disclose.protect(built[0], catalogue, nested, follows, alike.assign(rule=disclose.OVERLAP))[0].assign(
        run_id="check", is_synthetic=synthetic
    )
    least = catalogue.rules.disclosure.min_base
    hidden = table[table["is_suppressed"]]
    if len(hidden):
        whole = hidden.loc[hidden["domain"] == "all", "indicator"]
        more = f", of all respondents among them {listed(list(whole))}" if len(whole) else ""
        state.note("bases", f"{len(hidden)} of {len(table)} estimates rest on fewer than {least} respondents or would "
                   f"reveal such, and are suppressed{more}.")  # fmt: skip
    benchmarks = tabulate.benchmarks(table, catalogue)
    for row in benchmarks[benchmarks["verdict"] == "not reproduced"].itertuples():
        level = "" if row.level == "all" else f" {row.level}"
        state.problem(
            "benchmarks", f"{row.indicator}{level}: published {100 * row.published:.1f}, ours {100 * row.ours:.1f}. "
            f"Correct {state.place}, or give the reason under waived in benchmarks/.",
        )  # fmt: skip
    agreed = int((benchmarks["verdict"] == "reproduced").sum())
    if agreed:
        state.note("benchmarks", f"{agreed} published figure(s) are reproduced.")
