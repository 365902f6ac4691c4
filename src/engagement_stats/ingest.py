"""Read deposited files, losing and guessing nothing.

Belongs here: which columns a wave needs, having a child process read them, and checking what it hands back.
Not here: finding files (landing), opening them and their digests (deposit), the child (sandbox), formats (readers),
what a code means (clean, by the catalogue), and weights (weight).

A column comes back as text or as float64, as its format has it; nothing is recoded, and user-missing codes stay codes.
"""

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from engagement_stats import deposit, frames, identifiers, sandbox
from engagement_stats.deposit import Digests, LandedFile, Stated
from engagement_stats.errors import IngestError, UsageError, listed
from engagement_stats.landing import dictionary_of, located
from engagement_stats.readers import detect, grids, worker
from engagement_stats.readers.model import FORMAT_NAMES, Cell, Contents, Format, Options
from engagement_stats.readers.worker import SYNTHETIC_MARKER, Job

if TYPE_CHECKING:
    import pandas as pd

    from engagement_stats.catalogue import model as m
    from engagement_stats.catalogue.workbooks import Workbook

# Longer than any message of ours; a child that was seized could send more.
LONGEST_MESSAGE = 4_000
READER = "engagement_stats.readers.worker"
# Options of a reading that only some formats have.
ONLY_OF: Mapping[str, tuple[Format, ...]] = {
    "delimiter": ("csv",), "sheet": ("xlsx", "ods"), "header_row": ("xlsx", "ods"),
}  # fmt: skip
Grid = list[list[Cell]]

# The numbers of a portable file are written out to the base of 30: pyreadstat reads 1 to 2 MB of them a second.
SLOW: Mapping[Format, int] = {"por": sandbox.MEGABYTE // 2}


@dataclass(frozen=True)
class RawFile:
    """The columns asked for of a survey file, as deposited.

    `frame` has the names the caller asked by; `labels` the value labels, `variable_labels` the question labels
    and `user_missing` the (low, high) ranges of codes declared missing (a text code is a range of one), where the
    format carries them. `columns` are the names of all the columns of the file, `formats` SPSS's of those with numbers.
    """

    frame: "pd.DataFrame"
    synthetic: bool
    labels: Mapping[str, Mapping[Any, str]] = field(default_factory=dict)
    variable_labels: Mapping[str, str] = field(default_factory=dict)
    user_missing: Mapping[str, Sequence[tuple[float, float] | tuple[str, str]]] = field(default_factory=dict)
    columns: Sequence[str] = ()
    formats: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Landed:
    """What was put away of a wave's file: respondents, columns, and whether they are invented.

    `labels` and `user_missing` are what the file says of the columns, as in `RawFile`.
    """

    rows: int
    columns: int
    synthetic: bool
    labels: Mapping[str, Mapping[Any, str]] = field(default_factory=dict)
    user_missing: Mapping[str, Sequence[tuple[float, float] | tuple[str, str]]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Reading:
    """What a child handed back, checked: its answer and, where data were asked for, the Parquet."""

    answer: Mapping[str, Any]
    data: BinaryIO
    digest: str | None

    def frame(self) -> "pd.DataFrame":
        self.data.seek(0)
        return frames.from_parquet(self.data)

    def raw(self) -> RawFile:
        described = _described(self.answer)
        columns, formats = tuple(self.answer["columns"]), dict(self.answer["formats"])
        return RawFile(self.frame(), self.answer["synthetic"], *described, columns=columns, formats=formats)


@contextmanager
def _reading(
    file: LandedFile, options: Options, where: str, *, digests: Digests | None = None, **asked: Any
) -> Iterator[_Reading]:
    """Have a child read an open file; it must be the same when the child is done."""
    if digests is None and file.sha256 is not None:
        digests = Digests()
    with ExitStack() as kept:
        source, data = kept.enter_context(deposit.opened(file, where)), kept.enter_context(tempfile.TemporaryFile())
        digest = digests.of_opened(file, source, where) if digests is not None else None
        if digest is not None:
            deposit.check_digest(file, digest, where)
        beside = dictionary_of(file) if options.format == "tab" else None
        files = [source]
        if beside is not None and beside.member is None:
            files.append(kept.enter_context(deposit.opened(beside, where)))
            options = replace(options, dictionary=str(worker.descriptor(files[1].descriptor)))
        job = Job(
            where=where,
            path=str(worker.descriptor(source.descriptor)),
            options=options,
            member=file.member,
            dictionary=beside.member if beside else None,
            **asked,
        )
        answer = sandbox.run(
            READER,
            asdict(job),
            data,
            where=where,
            limits=sandbox.Limits.of(sum(f.size for f in files), SLOW.get(options.format, sandbox.BYTES_A_SECOND)),
            files=[f.descriptor for f in files],
        )
        if not source.is_unchanged():
            raise deposit.changed(where)
        if "error" in answer:
            raise IngestError(str(answer["error"])[:LONGEST_MESSAGE])
        _check_answer(answer, data, job)
        yield _Reading(answer, data, digest)


def _check_answer(answer: Mapping[str, Any], data: BinaryIO, job: Job) -> None:
    """Refuse an answer that does not agree with itself or with the Parquet beside it: a file may have seized the child.

    Raises
    ------
    IngestError
        It does not.
    """
    import pyarrow as pa
    from pyarrow import parquet

    if job.sheets is not None:
        return
    try:
        _described(answer)
        texts = [*answer["columns"], *answer["formats"], *answer["formats"].values()]
        good = isinstance(answer["synthetic"], bool) and all(isinstance(t, str) for t in texts)
        if job.data:
            data.seek(0)
            about = parquet.ParquetFile(data)
            expected = {name: {pa.string(), pa.float64()} for name in answer["names"]}
            expected |= {SYNTHETIC_MARKER: {pa.bool_()}} if job.mark else {}
            wanted = set(job.wanted) if job.wanted is not None else set()
            rows = (about.metadata.num_rows, answer["rows_kept"], answer["rows"])
            good &= list(about.schema_arrow.names) == list(expected) and wanted <= set(expected)
            good &= all(f.type in expected[f.name] for f in about.schema_arrow)
            good &= rows[0] == rows[1] <= rows[2] and rows[0] * len(expected) <= worker.MAX_CELLS
    except (pa.ArrowException, OSError, KeyError, TypeError, ValueError, AttributeError):
        good = False
    if not good:
        raise _contradicts(job.where)


def _contradicts(where: str) -> IngestError:
    return IngestError(
        f"{where}: the reader's answer contradicts itself. The file is damaged or hostile; deposit it again."
    )


def _described(answer: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str], dict[str, Any]]:
    """Return value labels, question labels and codes declared missing, by column, of a child's answer."""
    labels = {str(n): {_code(c): str(t) for c, t in pairs} for n, pairs in answer["labels"].items()}
    variable_labels = {str(n): str(t) for n, t in answer["variable_labels"].items()}
    ranges = {str(n): [(_code(low), _code(high)) for low, high in v] for n, v in answer["user_missing"].items()}
    names = [*variable_labels]
    return {n: labels.get(n, {}) for n in names}, variable_labels, {n: ranges.get(n, []) for n in names}


def _code(value: Any) -> float | str:
    if isinstance(value, str | float):
        return value
    return float(value)


def _place(file: Path | LandedFile, where: str | None, options: Options | None) -> tuple[LandedFile, str, Options]:
    landed = located(file) if isinstance(file, Path) else file
    if options is None:
        options = Options(format=detect.format_of(Path(landed.base)))
    return landed, where or landed.name, options


def options_for(file: Path | LandedFile, **said: Any) -> Options:
    """Return how a file is read that nobody describes: its format by its suffix, the rest as said.

    Parameters
    ----------
    file : Path or LandedFile
    **said
        Fields of `Options` but `format`.

    Raises
    ------
    IngestError
        The suffix is not one that can be read.
    UsageError
        Something was said that a file of this format does not have.
    """
    landed = located(file) if isinstance(file, Path) else file
    kind = detect.format_of(Path(landed.base))
    for key, formats in ONLY_OF.items():
        if key in said and kind not in formats:
            raise UsageError(
                f"{landed.name}: {key} is not of such a file. Got {FORMAT_NAMES[kind]}; expected "
                f"{listed([FORMAT_NAMES[f] for f in formats])}. Leave it out, or name the right file."
            )
    return Options(format=kind, **said)


def read(
    file: Path | LandedFile,
    columns: Sequence[str] | None = None,
    *,
    optional: Sequence[str] = (),
    patterns: Sequence[str] = (),
    options: Options | None = None,
    where: str | None = None,
) -> RawFile:
    """Read columns of a survey file with their codes as deposited.

    Parameters
    ----------
    file : Path or LandedFile
        A file of any format of `readers.model.Format`, in a zip or not; see `landing.located`.
    columns : sequence of str, optional
        Names asked for, letter case ignored; every column when not given.
    optional : sequence of str, optional
        Names read where the file has them.
    patterns : sequence of str, optional
        Columns whose names match are read too, as in "repw*", by the names the file has for them.
    options : Options, optional
        By the file's suffix when not given.
    where : str, optional
        What an error message names; the file's name when not given.

    Returns
    -------
    RawFile
        `frame` of shape (n respondents, n columns asked for).

    Raises
    ------
    IngestError
        Not a regular file or not that format, damaged, a column missing or there twice, or a reader that crashed, took
        too long or needed too much memory.
    """
    landed, where, options = _place(file, where, options)
    with _reading(landed, options, where, wanted=columns, optional=optional, patterns=patterns) as reading:
        return reading.raw()


def describe(file: Path | LandedFile, options: Options | None = None, *, where: str | None = None) -> Contents:
    """Return what a file says of itself, without its data.

    Parameters
    ----------
    file : Path or LandedFile
    options : Options, optional
        By the file's suffix when not given.
    where : str, optional
        What an error message names; the file's name when not given.

    Raises
    ------
    IngestError
        See `read`.
    """
    landed, where, options = _place(file, where, options)
    with _reading(landed, options, where, data=False) as reading:
        labels, variable_labels, user_missing = _described(reading.answer)
        names, rows, weight = (reading.answer[key] for key in ("columns", "rows", "weight"))
    return Contents(
        tuple(names), None if rows is None else int(rows), labels, variable_labels, user_missing,
        weight if weight in names else None,
    )  # fmt: skip


# --- the file of a wave


def columns_of(wave: "m.MicrodataWave") -> tuple[list[str], list[str]]:
    """Return the columns that a wave's entry needs of its file, and those it takes where the file has them."""
    design = wave.design
    needed = [*wave.file.where, *wave.respondent_id.columns, *wave.supplied_weights.values()]
    needed += [made.base for made in design.made.values() if made.base is not None]
    needed += wave.screening_columns
    optional: list[str] = []
    parts = [(v.column, v.optional) for v in wave.variables.values()]
    parts += [(p.column, p.optional) for p in wave.places.values()]
    for column, is_optional in parts:
        (optional if is_optional else needed).append(column)
    (optional if design.optional else needed).extend(c for c in (design.stratum, design.psu) if c)
    needed = list(dict.fromkeys(needed))
    return needed, [c for c in dict.fromkeys(optional) if c not in needed]


def options_of(wave: "m.MicrodataWave") -> Options:
    """Return how a wave's entry says that its file is read."""
    file = wave.file
    return Options(
        format=file.format,
        encoding=file.encoding,
        delimiter=file.delimiter,
        sheet=file.sheet,
        header_row=file.header_row,
    )


@contextmanager
def _reading_wave(
    wave_id: str, wave: "m.MicrodataWave", file: LandedFile, digests: Digests | None, *, mark: bool
) -> Iterator[_Reading]:
    where, spec = f"{wave_id} {file.name}", wave.file
    needed, optional = columns_of(wave)
    if digests is None and spec.sha256:
        digests = Digests()
    named_at = {column: f"waves/{wave_id}.yaml, {key}" for column, key in wave.keys.items()}
    asked = {"wanted": needed, "optional": optional, "named_at": named_at, "kept": spec.where, "mark": mark}
    with _reading(file, options_of(wave), where, digests=digests, **asked) as reading:
        answer = reading.answer
        identifiers.refuse(where, answer["names"], answer["variable_labels"], wave.identifiers_allowed)
        size = {"rows": answer["rows"], "columns": len(answer["columns"])}
        deposit.check_size(file.stated, deposit.MANIFEST, where, **size)
        kept, expected = answer["rows_kept"], spec.rows
        if kept == 0 or (expected is not None and kept != expected and not answer["synthetic"]):
            raise IngestError(
                f"{where}: {kept} respondents. Got {kept}; expected {expected or 'at least one'}. The file may be cut "
                "short or another edition; deposit it again, or correct file.rows in the wave's catalogue entry."
            )
        if not answer["synthetic"]:
            deposit.check_size(Stated(columns=spec.columns), "the wave's catalogue entry", where, **size)
            if spec.sha256 and reading.digest not in spec.sha256:
                raise IngestError(
                    f"{where}: the file is none of the {len(spec.sha256)} edition(s) the wave's catalogue entry knows. "
                    f"Got sha256 {reading.digest}. Deposit one of them, or, once it is checked, add it to file.sha256."
                )
        yield reading


def read_grids(wave_id: str, book: "Workbook", file: LandedFile, sheets: Sequence[Sequence[str]]) -> list[Grid]:
    """Read the cells of sheets of a wave's published workbook.

    Parameters
    ----------
    wave_id : str
        Named in errors.
    book : Workbook
        Says the format, and which editions are known to be right.
    file : LandedFile
        The wave's file.
    sheets : sequence of sequence of str
        Of each sheet wanted, the names it may have.

    Returns
    -------
    list of Grid
        The cells of each, in that order.

    Raises
    ------
    IngestError
        The file is no sound workbook or none of the editions known; a sheet is not there, there twice, or hidden.
    """
    where = f"{wave_id} {file.name}"
    with _reading(file, Options(format=book.format), where, digests=Digests(), sheets=sheets) as reading:
        if book.sha256 and reading.digest not in book.sha256:
            raise IngestError(
                f"{where}: the file is none of the {len(book.sha256)} edition(s) the wave's catalogue entry knows. Got "
                f"sha256 {reading.digest}. Deposit one of them, or, once it is checked, add it to workbook.sha256."
            )
        try:
            found: list[Grid] = [grids.unpack(packed) for packed in reading.answer["grids"]]
        except (KeyError, TypeError, ValueError):
            raise _contradicts(where) from None
        if len(found) != len(sheets):
            raise _contradicts(where)
        return found


def read_wave(wave_id: str, wave: "m.MicrodataWave", file: Path | LandedFile) -> RawFile:
    """Read the respondents of one wave from its file.

    Parameters
    ----------
    wave_id : str
        Named in errors.
    wave : MicrodataWave
        Says the format, the columns, which rows are this wave's and how many are expected.
    file : Path or LandedFile
        The wave's file.

    Returns
    -------
    RawFile
        The wave's rows, columns as named in the catalogue.

    Raises
    ------
    IngestError
        As `read`; or rows, columns or a digest other than the catalogue or the depositor states.
    """
    landed = located(file) if isinstance(file, Path) else file
    with _reading_wave(wave_id, wave, landed, None, mark=False) as reading:
        return reading.raw()


def land_wave(
    wave_id: str,
    wave: "m.MicrodataWave",
    file: LandedFile,
    keep: Callable[[BinaryIO], object],
    *,
    digest: str,
    digests: Digests,
) -> Landed:
    """Read the respondents of one wave and put their Parquet away as it is, without holding them in this process.

    Parameters
    ----------
    wave_id, wave, file
        As `read_wave`.
    keep : callable
        Takes the Parquet, open at its start, once everything about it has been checked. Its last column,
        `SYNTHETIC_MARKER`, says whether the respondents are invented.
    digest : str
        The SHA-256 the file had when the wave was chosen for building.
    digests : Digests

    Returns
    -------
    Landed

    Raises
    ------
    IngestError
        As `read_wave`; or the file is no longer the one that was chosen.
    """
    with _reading_wave(wave_id, wave, file, digests, mark=True) as reading:
        if reading.digest != digest:
            raise deposit.changed(f"{wave_id} {file.name}")
        reading.data.seek(0)
        keep(reading.data)
        answer = reading.answer
        labels, _, user_missing = _described(answer)
        return Landed(answer["rows_kept"], len(answer["names"]), answer["synthetic"], labels, user_missing)
