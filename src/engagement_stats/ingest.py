"""Find deposited files and read them, losing and guessing nothing.

Belongs here: matching files to waves by the catalogue's patterns, digests of files, and readers that return
the columns asked for with codes as deposited.
Not here: what a code means (clean, by the catalogue), and weights (weight).

A column comes back as text (text files) or as float64 (numeric columns of .sav and .dta); nothing is recoded,
and user-missing codes stay codes.
"""

import codecs
import difflib
import fnmatch
import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd

from engagement_stats.catalogue import model as m
from engagement_stats.codes import as_codes
from engagement_stats.errors import IngestError, UsageError, listed

SYNTHETIC_MARKER = "synthetic_data"
Format = Literal["tab", "csv", "sav", "dta", "parquet"]
SUFFIXES: Mapping[str, Format] = {
    ".tab": "tab", ".tsv": "tab", ".csv": "csv", ".sav": "sav", ".zsav": "sav", ".dta": "dta",
    ".parquet": "parquet", ".pq": "parquet",
}  # fmt: skip


@dataclass(frozen=True)
class Landing:
    """What lies in a data folder: the files each wave claims, and those that none does."""

    claimed: Mapping[str, tuple[Path, ...]]
    unclaimed: tuple[Path, ...]


@dataclass(frozen=True)
class RawFile:
    """The columns asked for of a survey file, as deposited.

    `frame` has the names the caller asked by; `labels` the value labels, `variable_labels` the question labels
    and `user_missing` the (low, high) ranges of codes declared missing (a text code is a range of one), where the
    format carries them.
    """

    frame: pd.DataFrame
    synthetic: bool
    labels: Mapping[str, Mapping[Any, str]] = field(default_factory=dict)
    variable_labels: Mapping[str, str] = field(default_factory=dict)
    user_missing: Mapping[str, Sequence[tuple[float, float] | tuple[str, str]]] = field(default_factory=dict)


def _unreadable(error: OSError) -> None:
    """Stop at a folder that cannot be listed: a wave in it would seem not to have landed."""
    name = Path(error.filename).name if error.filename else "a folder"
    raise IngestError(
        f"data: the folder {name} cannot be read. Give its reader permission, or move it elsewhere."
    ) from None


def _files(folder: Path) -> Iterator[Path]:
    """Files below a folder in a fixed order, links among them and not followed."""
    for base, folders, names in os.walk(folder, followlinks=False, onerror=_unreadable):
        folders[:] = sorted(f for f in folders if not f.startswith("."))
        links = [f for f in folders if (Path(base) / f).is_symlink()]
        for name in sorted([*names, *links]):
            path = Path(base) / name
            if not name.startswith(".") and (path.is_symlink() or path.is_file()):
                yield path


def find(folder: Path, waves: Mapping[str, m.MicrodataWave]) -> Landing:
    """Match the files below a folder to the waves that claim them.

    Parameters
    ----------
    folder : Path
        Searched to any depth; hidden files are passed over, symbolic links not followed and claimed by nobody.
    waves : mapping of str to MicrodataWave
        A wave claims a file whose name matches one of its patterns, letter case ignored.

    Returns
    -------
    Landing
        Every wave's files (several are the caller's to refuse) and the files of nobody.

    Raises
    ------
    UsageError
        The folder does not exist.
    IngestError
        A folder below it cannot be read.
    """
    if not folder.is_dir():
        raise UsageError(f"data: the folder {folder} does not exist. Make it, or give another with --data.")
    claimed: dict[str, list[Path]] = {wave: [] for wave in waves}
    unclaimed = []
    patterns = [(wave, p.lower()) for wave, entry in waves.items() for p in entry.file.pattern]
    for path in _files(folder):
        takers = {wave for wave, pattern in patterns if fnmatch.fnmatchcase(path.name.lower(), pattern)}
        if path.is_symlink():
            takers = set()  # a link may lead anywhere; it is shown as claimed by nobody
        for wave in takers:
            claimed[wave].append(path)
        if not takers:
            unclaimed.append(path)
    return Landing({w: tuple(f) for w, f in claimed.items()}, tuple(unclaimed))


def digest(path: Path) -> str:
    """Return the SHA-256 of a file's content, hexadecimal."""
    about = path.stat()
    return _digest(path, about.st_ino, about.st_size, about.st_mtime_ns)


@lru_cache(maxsize=1024)
def _digest(path: Path, inode: int, size: int, changed: int) -> str:
    """Digest a file once in a process for as long as the file system says it is the same."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def only(wave: str, files: Sequence[Path]) -> Path:
    """Return the one file of a wave; several copies of the same content count as one.

    Raises
    ------
    IngestError
        No file, one that cannot be opened, or several files of different content.
    """
    if not files:
        raise IngestError(f"{wave}: no file has landed. See the wave's file.pattern in the catalogue.")
    try:
        contents = {digest(f) for f in files}
    except OSError as error:
        name = Path(error.filename).name if error.filename else files[0].name
        raise IngestError(f"{wave} {name}: the file cannot be opened. Give its reader permission.") from None
    if len(contents) > 1:
        raise IngestError(
            f"{wave}: {len(files)} different files match its pattern. Got {listed([f.name for f in files])}; "
            "expected one. Leave one below the data folder, or narrow file.pattern."
        )
    return files[0]


def format_of(path: Path) -> Format:
    """Return the format of a file by its suffix.

    Raises
    ------
    IngestError
        The suffix is not one that can be read; the message lists those that can.
    """
    try:
        return SUFFIXES[path.suffix.lower()]
    except KeyError:
        raise IngestError(
            f'{path.name}: files ending "{path.suffix}" cannot be read. Expected one of {", ".join(sorted(SUFFIXES))}.'
        ) from None


def resolve(where: str, present: Sequence[str], wanted: Sequence[str]) -> dict[str, str]:
    """Match wanted names to a file's columns, letter case ignored.

    Returns
    -------
    dict of str to str
        Wanted name to the column as the file spells it, in the order wanted.

    Raises
    ------
    IngestError
        A name is not there (with those like it), or is there twice.
    """
    by_lower: dict[str, list[str]] = {}
    for name in present:
        by_lower.setdefault(name.strip().lower(), []).append(name)
    found, missing = {}, []
    for name in wanted:
        candidates = [n for n in present if n == name] or by_lower.get(name.lower(), [])
        if not candidates:
            missing.append(name)
        elif len(candidates) > 1:
            raise IngestError(
                f"{where}: column {name} is there {len(candidates)} times, letter case ignored. "
                f"Got {listed(candidates)}; expected one. Rename all but one in a copy of the file."
            )
        else:
            found[name] = candidates[0]
    if missing:
        near = {n: difflib.get_close_matches(n.lower(), list(by_lower), n=2, cutoff=0.75) for n in missing[:5]}
        hints = "; ".join(f"{n} is like {', '.join(by_lower[x][0] for x in v)}" for n, v in near.items() if v)
        raise IngestError(
            f"{where}: {len(missing)} column(s) are not in the file. Missing: {listed(missing)}; the file has "
            f"{len(present)} columns.{f' Perhaps {hints}.' if hints else ''} Correct the names, in the "
            "catalogue where they come from there, or use the edition of the file that has them."
        )
    return found


def _text_columns(path: Path, where: str, delimiter: str, encoding: str) -> list[str]:
    """Return the header of a text file."""
    import csv

    try:
        with path.open(encoding="utf-8-sig" if encoding == "utf-8" else encoding, newline="") as handle:
            quoting: Any = csv.QUOTE_NONE if delimiter == "\t" else csv.QUOTE_MINIMAL
            header = next(csv.reader(handle, delimiter=delimiter, quoting=quoting), [])
    except (UnicodeDecodeError, csv.Error):
        raise IngestError(
            f"{where}: the file is not {encoding} text. Declare the file's encoding, or deposit the file again."
        ) from None
    if len(header) < 2:
        name = "tabs" if delimiter == "\t" else "commas"
        raise IngestError(
            f"{where}: the first line does not hold column names separated by {name}. "
            "Expected a delimited text file; deposit the right file or declare its format."
        )
    return header


QUOTE, FIELD_ENDS = ord('"'), np.frombuffer(b",\r\n", dtype=np.uint8)


def _check_quotes(path: Path, where: str) -> None:
    """Refuse quotes that do not enclose a whole field: an open one would swallow the lines that follow."""
    content = path.read_bytes().removeprefix(codecs.BOM_UTF8).replace(b'""', b"")
    # With doubled quotes dropped, quotes open and close in turn; a field end stands before each and after each.
    framed = np.frombuffer(b"\n" + content + b"\n", dtype=np.uint8)
    at = np.flatnonzero(framed == QUOTE)
    opened, closed = at[::2], at[1::2]
    if (
        len(at) % 2
        or not np.isin(framed[opened - 1], FIELD_ENDS).all()
        or not np.isin(framed[closed + 1], FIELD_ENDS).all()
    ):
        raise IngestError(
            f"{where}: a quotation mark is not closed, or stands inside a field that is not quoted. Expected quotes "
            "round whole fields, doubled within. Deposit the file again as the producer delivered it."
        )


def _read_text(path: Path, where: str, delimiter: str, encoding: str, wanted: Sequence[str] | None) -> RawFile:
    import pyarrow as pa
    from pyarrow import csv as pacsv

    header = _text_columns(path, where, delimiter, encoding)
    if delimiter == ",":
        _check_quotes(path, where)
    marked = [n for n in header if n.strip().lower() == SYNTHETIC_MARKER]
    found = resolve(where, header, list(wanted) if wanted is not None else [n for n in header if n.strip()])
    needed = list(dict.fromkeys(found.values()))
    ragged: list[int] = []

    def refuse(row: Any) -> str:
        ragged.append(row.number or 0)
        return "skip"

    try:
        table = pacsv.read_csv(
            path,
            read_options=pacsv.ReadOptions(encoding="utf8" if encoding == "utf-8" else encoding, use_threads=False),
            parse_options=pacsv.ParseOptions(
                delimiter=delimiter,
                quote_char=False if delimiter == "\t" else '"',
                newlines_in_values=delimiter != "\t",
                ignore_empty_lines=True,
                invalid_row_handler=refuse,
            ),
            convert_options=pacsv.ConvertOptions(
                column_types=dict.fromkeys(needed, pa.string()),
                include_columns=needed,
                strings_can_be_null=False,
                quoted_strings_can_be_null=False,
            ),
        )
    except (pa.ArrowInvalid, pa.ArrowKeyError, UnicodeDecodeError):
        raise IngestError(
            f"{where}: the file is not well-formed {encoding} text separated by "
            f"{'tabs' if delimiter == chr(9) else 'commas'}. Declare its encoding, or deposit the file again."
        ) from None
    if ragged:
        lines = f" (first at line {min(ragged)})" if min(ragged) else ""
        raise IngestError(
            f"{where}: {len(ragged)} line(s){lines} do not have the {len(header)} fields the first line names. "
            "Deposit the file again as the producer delivered it."
        )
    frame = table.to_pandas()
    return RawFile(pd.DataFrame({n: frame[c].str.strip() for n, c in found.items()}), synthetic=bool(marked))


FORMAT_NAMES = {"sav": "SPSS", "dta": "Stata", "parquet": "Parquet"}


def _not_readable(where: str, kind: str) -> IngestError:
    return IngestError(
        f"{where}: the file cannot be read as {FORMAT_NAMES[kind]} data. It may be cut short, encrypted or of another "
        "format; deposit it again."
    )


def _read_statistical(path: Path, where: str, kind: str, wanted: Sequence[str] | None) -> RawFile:
    import pyreadstat

    reader = pyreadstat.read_sav if kind == "sav" else pyreadstat.read_dta
    try:
        _, about = reader(path, metadataonly=True)
        found = resolve(where, about.column_names, list(wanted) if wanted is not None else about.column_names)
        frame, meta = reader(
            path,
            usecols=list(dict.fromkeys(found.values())),
            user_missing=True,
            disable_datetime_conversion=True,
        )
    except IngestError:
        raise
    except Exception:  # the reader raises errors of many kinds, some quoting the data
        raise _not_readable(where, kind) from None
    columns = {
        n: frame[c].str.strip() if pd.api.types.is_string_dtype(frame[c]) else frame[c] for n, c in found.items()
    }
    return RawFile(
        pd.DataFrame(columns),
        synthetic=any(n.lower() == SYNTHETIC_MARKER for n in about.column_names),
        labels={n: meta.variable_value_labels.get(c, {}) for n, c in found.items()},
        variable_labels={n: meta.column_names_to_labels.get(c) or "" for n, c in found.items()},
        user_missing={n: _user_missing(meta, c) for n, c in found.items()},
    )


def _user_missing(meta: Any, column: str) -> list[tuple[float, float] | tuple[str, str]]:
    """Return the codes and ranges a file declares missing: of SPSS numbers or text, or letters of Stata."""
    ranges = [(r["lo"], r["hi"]) for r in meta.missing_ranges.get(column, [])]
    return ranges + [(letter, letter) for letter in meta.missing_user_values.get(column, [])]


def _read_parquet(path: Path, where: str, wanted: Sequence[str] | None) -> RawFile:
    import pyarrow as pa
    from pyarrow import parquet

    try:
        present = parquet.read_schema(path).names
        found = resolve(where, present, list(wanted) if wanted is not None else present)
        frame = parquet.read_table(path, columns=list(dict.fromkeys(found.values()))).to_pandas()
    except (pa.ArrowInvalid, OSError):
        raise _not_readable(where, "parquet") from None
    marked = any(n.lower() == SYNTHETIC_MARKER for n in present)
    return RawFile(pd.DataFrame({n: frame[c] for n, c in found.items()}), synthetic=marked)


def read(
    path: Path,
    columns: Sequence[str] | None = None,
    *,
    kind: Format | None = None,
    encoding: str = "utf-8",
    where: str | None = None,
) -> RawFile:
    """Read columns of a survey file with their codes as deposited.

    Parameters
    ----------
    path : Path
        A .tab, .csv, .sav, .zsav, .dta or Parquet file.
    columns : sequence of str, optional
        Names asked for, letter case ignored; every column when not given.
    kind : {"tab", "csv", "sav", "dta", "parquet"}, optional
        By the file's suffix when not given.
    encoding : str, default "utf-8"
        Of text files; a byte-order mark is dropped.
    where : str, optional
        What an error message names; the file's name when not given.

    Returns
    -------
    RawFile
        `frame` of shape (n respondents, n columns asked for).

    Raises
    ------
    IngestError
        Not that format, lines of uneven length, a column missing or there twice.
    """
    where = where or path.name
    if not path.is_file():
        raise IngestError(f"{where}: {path} is not a file. Give the path of a survey file.")
    kind = kind or format_of(path)
    if kind in ("tab", "csv"):
        return _read_text(path, where, "\t" if kind == "tab" else ",", encoding, columns)
    if kind == "parquet":
        return _read_parquet(path, where, columns)
    return _read_statistical(path, where, kind, columns)


def columns_of(wave: m.MicrodataWave, path: Path, where: str | None = None) -> list[str]:
    """Return the columns of a file that a wave's entry asks for; optional ones only where the file has them."""
    design = wave.design
    needed = [*wave.file.where, *wave.respondent_id.columns, *design.weights.values()]
    needed += [made.base for made in design.made.values() if made.base is not None]
    needed += [v.column for v in wave.variables.values() if not v.optional]
    optional = [v.column for v in wave.variables.values() if v.optional]
    (optional if design.optional else needed).extend(c for c in (design.stratum, design.psu) if c)
    present = {n.lower() for n in names_of(path, wave.file.format, wave.file.encoding, where=where)}
    return list(dict.fromkeys(needed + [c for c in optional if c.lower() in present]))


def names_of(path: Path, kind: Format, encoding: str = "utf-8", *, where: str | None = None) -> list[str]:
    """Return the column names of a file, without its data."""
    where = where or path.name
    if kind in ("tab", "csv"):
        return _text_columns(path, where, "\t" if kind == "tab" else ",", encoding)
    if kind == "parquet":
        import pyarrow as pa
        from pyarrow import parquet

        try:
            return list(parquet.read_schema(path).names)
        except (pa.ArrowInvalid, OSError):
            raise _not_readable(where, kind) from None
    import pyreadstat

    reader = pyreadstat.read_sav if kind == "sav" else pyreadstat.read_dta
    try:
        return list(reader(path, metadataonly=True)[1].column_names)
    except Exception:  # see _read_statistical
        raise _not_readable(where, kind) from None


def read_wave(wave_id: str, wave: m.MicrodataWave, path: Path) -> RawFile:
    """Read the respondents of one wave from its file.

    Parameters
    ----------
    wave_id : str
        Named in errors.
    wave : MicrodataWave
        Says the format, the columns, which rows are this wave's and how many are expected.
    path : Path
        The wave's file.

    Returns
    -------
    RawFile
        The wave's rows, columns as named in the catalogue.

    Raises
    ------
    IngestError
        As `read`, or a number of rows other than the catalogue expects.
    """
    where = f"{wave_id} {path.name}"
    raw = read(path, columns_of(wave, path, where), kind=wave.file.format, encoding=wave.file.encoding, where=where)
    frame = raw.frame
    for column, kept in wave.file.where.items():
        frame = frame[as_codes(frame[column]).isin(kept)]
    expected = wave.file.rows
    if len(frame) == 0 or (expected is not None and len(frame) != expected and not raw.synthetic):
        raise IngestError(
            f"{where}: {len(frame)} respondents. Got {len(frame)}; expected {expected or 'at least one'}. The file may "
            "be cut short or another edition; deposit it again, or correct file.rows in the wave's catalogue entry."
        )
    return RawFile(frame.reset_index(drop=True), raw.synthetic, raw.labels, raw.variable_labels, raw.user_missing)
