"""Read one file in a child process: what it says of itself, then the columns asked for, as Parquet.

Belongs here: the order of a reading (magic bytes, contents, caps, names, table, rows), and turning whatever a library
raises into an error that names the file and none of its values.
Not here: any format (the other readers), limits (confinement), and what the parent believes of the answer (ingest).

Only what a file's format needs is imported, and never pandas, so that a child is ready within a few tenths of a second.
"""

import importlib
import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, TextIO

from engagement_stats.errors import IngestError
from engagement_stats.readers import columns, detect, halves
from engagement_stats.readers.model import Contents, Format, Options, unreadable

if TYPE_CHECKING:
    import pyarrow as pa

SYNTHETIC_MARKER = "synthetic_data"
# What a reader notes in a column's field when it holds letters for missing values (statistical.LETTERS).
MISSING_LETTERS = b"missing_letters"
MAX_COLUMNS, MAX_CELLS = 20_000, 1_000_000_000
# Deflate packs at most 1,032 to one, and a cell takes a byte of what is packed. Parquet can state a million equal cells
# in a few bytes, and has no other cap than MAX_CELLS.
MAX_CELLS_A_BYTE, LEAST_CELLS = 1_040, 1_000_000
READERS: Mapping[Format, str] = {
    "tab": "text", "csv": "text", "sav": "statistical", "por": "statistical", "dta": "statistical",
    "sas7bdat": "statistical", "xpt": "statistical", "xlsx": "spreadsheet", "ods": "spreadsheet", "parquet": "columnar",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Job:
    """What is to be read of a file.

    `path` is the file, or the zip of which `member` is the file and `dictionary` its data dictionary. `wanted` (None:
    every column), `optional` and `patterns` say which columns, letter case ignored; `named_at` says of a name, for
    messages, where it comes from. `kept` keeps the rows whose code in
    a column is one of those given. Without `data` only the contents are read. With `mark` the data get a column that
    says whether the file is synthetic. Of a workbook with published tables, `sheets` are the names each of its sheets
    may have, and nothing but their cells is read.
    """

    where: str
    path: str
    options: Options
    member: str | None = None
    dictionary: str | None = None
    wanted: Sequence[str] | None = None
    optional: Sequence[str] = ()
    patterns: Sequence[str] = ()
    named_at: Mapping[str, str] = field(default_factory=dict)
    kept: Mapping[str, Sequence[str]] = field(default_factory=dict)
    data: bool = True
    mark: bool = False
    sheets: Sequence[Sequence[str]] | None = None


def main(job: Mapping[str, Any], answer: TextIO, data: BinaryIO) -> None:
    """Do a job and write its answer: an error of ours, or what was read."""
    asked = Job(**{**job, "options": Options(**job["options"])})
    try:
        found = read(asked, data)
    except IngestError as error:
        found = {"error": str(error)}
    except MemoryError:
        raise
    except BaseException:  # libraries raise every kind, some quoting the data, and a panic of Rust is no Exception
        found = {"error": str(unreadable(asked.where, asked.options.format))}
    json.dump(found, answer)


def read(job: Job, data: BinaryIO) -> dict[str, Any]:
    """Do a job: write the data as Parquet, and return the rest as what JSON can hold.

    Raises
    ------
    IngestError
        The file is not what it is said to be, states more than it may hold, lacks a column, or contradicts itself.
    """
    with _opened(job) as (path, options):
        detect.expect(path, options.format, job.where)
        if job.sheets is not None:
            return {"grids": _cells(path, job.sheets, job.where)}
        reader = importlib.import_module(f"engagement_stats.readers.{READERS[options.format]}")
        contents: Contents = reader.contents(path, options, job.where)
        _check_size(contents, path, job)
        synthetic = any(n.strip().lower() == SYNTHETIC_MARKER for n in contents.names)
        about: dict[str, Any] = {"columns": list(contents.names), "rows": contents.rows, "synthetic": synthetic}
        if not job.data:
            return about | {"weight": contents.weight} | _described(contents, {n: n for n in contents.names})
        found = columns.chosen(job.where, contents.names, job.wanted, job.optional, job.patterns, job.named_at)
        table = _table(reader, contents, path, list(dict.fromkeys(found.values())), options, job.where)
    if contents.rows is not None and table.num_rows != contents.rows:
        raise IngestError(
            f"{job.where}: the file does not hold the respondents it says it does. Got {table.num_rows}; expected "
            f"{contents.rows}. It is cut short or damaged; deposit it again."
        )
    about |= {"rows": table.num_rows} | _described(contents, found, table)
    about["rows_kept"], about["names"] = _write(table, found, job, synthetic=synthetic, data=data), list(found)
    return about


def _table(
    reader: Any, contents: Contents, path: Path, names: Sequence[str], options: Options, where: str
) -> "pa.Table":
    cells = (contents.rows or 0) * len(names)
    if READERS[options.format] == "statistical" and halves.pays(path, cells, len(names)):
        return halves.table(reader, path, names, options, where)
    found: pa.Table = reader.table(path, names, options, where)
    return found


def _cells(path: Path, sheets: Sequence[Sequence[str]], where: str) -> list[Any]:
    from engagement_stats.readers import grids

    return [grids.pack(grid) for grid in grids.grids(path, sheets, where)]


@contextmanager
def _opened(job: Job) -> Iterator[tuple[Path, Options]]:
    """Give the path of the file itself and how to read it; members of a zip are unpacked into files without a name."""
    if job.member is None:
        yield Path(job.path), job.options
        return
    with ExitStack() as kept:
        path, options = _unpacked(job, job.member, kept), job.options
        if job.dictionary is not None:
            options = replace(options, dictionary=str(_unpacked(job, job.dictionary, kept)))
        yield path, options


def _unpacked(job: Job, member: str, kept: ExitStack) -> Path:
    from engagement_stats.readers import archive

    file = kept.enter_context(tempfile.TemporaryFile())  # noqa: SIM115
    archive.extract(Path(job.path), member, file, job.where)
    file.flush()
    return descriptor(file.fileno())


def descriptor(number: int) -> Path:
    """Return the path that opens an open file again, from its start, in this process."""
    own = Path("/proc/self/fd")
    return (own if own.is_dir() else Path("/dev/fd")) / str(number)


def _check_size(contents: Contents, path: Path, job: Job) -> None:
    """Refuse a file that states nothing, or more than may be read, before any of it is."""
    width, rows, size = len(contents.names), contents.rows or 0, path.stat().st_size
    if width == 0:
        raise IngestError(f"{job.where}: the file has no columns. Got 0; expected some. Deposit it again.")
    if width > MAX_COLUMNS:
        raise IngestError(
            f"{job.where}: the file has too many columns. Got {width:,}; expected at most {MAX_COLUMNS:,}. Deposit a "
            "copy with the columns of the survey only."
        )
    if rows < 0 or rows * width > MAX_CELLS:
        raise IngestError(
            f"{job.where}: the file is too large. Got {rows:,} rows of {width:,} columns; expected at most "
            f"{MAX_CELLS:,} cells. If it should be a survey, it is damaged; deposit it again."
        )
    if job.options.format != "parquet" and rows * width > max(LEAST_CELLS, size * MAX_CELLS_A_BYTE):
        raise IngestError(
            f"{job.where}: the file states {rows:,} rows of {width:,} columns, more than its {size:,} bytes can hold. "
            "It is cut short, damaged or hostile; deposit it again."
        )


def _described(contents: Contents, found: Mapping[str, str], table: "pa.Table | None" = None) -> dict[str, Any]:
    """Return what the file says of the columns found, as JSON: codes may be numbers, so no object has them for keys."""
    missing = {c: list(contents.user_missing.get(c, ())) for c in found.values()}
    for column in table.schema if table is not None else ():
        # The letters Stata and SAS have for missing values are known once the data are read.
        letters = (column.metadata or {}).get(MISSING_LETTERS, b"").decode().split()
        missing[column.name] += [(x, x) for x in letters if (x, x) not in missing[column.name]]
    return {
        "labels": {n: list(contents.labels[c].items()) for n, c in found.items() if contents.labels.get(c)},
        "variable_labels": {n: contents.variable_labels.get(c) or "" for n, c in found.items()},
        "user_missing": {n: missing[c] for n, c in found.items() if missing[c]},
        "formats": {n: contents.formats[c] for n, c in found.items() if c in contents.formats},
    }


def _write(table: "pa.Table", found: Mapping[str, str], job: Job, *, synthetic: bool, data: BinaryIO) -> int:
    """Write the columns under the names they were asked by; return how many rows were kept."""
    import pyarrow as pa
    from pyarrow import parquet

    arrays = {name: table[column] for name, column in found.items()}
    if job.options.format != "parquet":
        arrays = {n: _stripped(a) for n, a in arrays.items()}
    # A file may be asked for no column at all, and still have its rows.
    out = pa.table(arrays) if arrays else table.select([])
    for column, codes in job.kept.items():
        out = out.filter(_is_one_of(out[column], codes))
    rows = out.num_rows
    if job.mark:
        # Of bits, as pyarrow.array and pyarrow.scalar import pandas.
        bits = pa.py_buffer((b"\xff" if synthetic else b"\x00") * (rows // 8 + 1))
        out = out.append_column(SYNTHETIC_MARKER, pa.Array.from_buffers(pa.bool_(), rows, [None, bits]))
    parquet.write_table(out, data, compression="lz4")
    return rows


def _stripped(column: "pa.ChunkedArray") -> "pa.ChunkedArray":
    import pyarrow as pa
    import pyarrow.compute as pc

    return pc.utf8_trim_whitespace(column) if pa.types.is_string(column.type) else column


def _is_one_of(column: "pa.ChunkedArray", codes: Sequence[str]) -> "pa.ChunkedArray":
    """Say which cells hold one of some codes, whether as text or as numbers."""
    import pyarrow as pa
    import pyarrow.compute as pc

    from engagement_stats.codes import as_code

    kept = [v for v in pc.unique(column).to_pylist() if v is not None and as_code(v) in codes]
    return pc.is_in(column, value_set=pa.array(kept, column.type))
