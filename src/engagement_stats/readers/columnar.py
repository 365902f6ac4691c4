"""Read Parquet files, keeping every value exact.

Belongs here: the columns of a Parquet file as numbers that lose nothing, or else as text.
Not here: other formats, and the Parquet that the child hands to its parent (worker).
"""

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import parquet

from engagement_stats.errors import IngestError
from engagement_stats.readers.model import Contents, Options, unreadable

# Whole numbers up to here are exact as float64.
EXACT = 2**53
# What a Parquet file may hold that has no place in a table of respondents.
NESTED = (pa.types.is_nested, pa.types.is_binary, pa.types.is_large_binary, pa.types.is_fixed_size_binary)


def contents(path: Path, options: Options, where: str) -> Contents:
    """Return what a Parquet file says of itself.

    Raises
    ------
    IngestError
        It is not a Parquet file.
    """
    try:
        with parquet.ParquetFile(path) as file:
            return Contents(names=list(file.schema_arrow.names), rows=file.metadata.num_rows)
    except (pa.ArrowException, OSError):
        raise unreadable(where, options.format) from None


def table(path: Path, names: Sequence[str], options: Options, where: str) -> pa.Table:
    """Return columns of a Parquet file, numbers as float64 where that is exact and everything else as text.

    Raises
    ------
    IngestError
        It is damaged, or a column holds lists, structures or bytes.
    """
    try:
        with parquet.ParquetFile(path) as file:
            found = file.read(columns=list(names), use_threads=False)
        return pa.table({name: _column(found[name], name, where) for name in names})
    except (pa.ArrowException, OSError):
        raise unreadable(where, options.format) from None


def _column(column: pa.ChunkedArray, name: str, where: str) -> pa.ChunkedArray:
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    kind = column.type
    if any(test(kind) for test in NESTED):
        raise IngestError(
            f"{where}: column {name} holds {kind}, not one number or text for a respondent. Leave it out of a copy."
        )
    if pa.types.is_null(kind):
        return pa.chunked_array([pa.array([""] * len(column), pa.string())])
    if pa.types.is_boolean(kind):
        return column.cast(pa.int8()).cast(pa.float64())
    if pa.types.is_floating(kind) or (pa.types.is_integer(kind) and _is_exact(column)):
        return column.cast(pa.float64())
    # Text, dates, decimals, and identifiers too large for a float.
    return pc.fill_null(column.cast(pa.string()), "")


def _is_exact(column: pa.ChunkedArray) -> bool:
    ends = pc.min_max(column).as_py()
    return ends["min"] is None or (ends["min"] >= -EXACT and ends["max"] <= EXACT)
