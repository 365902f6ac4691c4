"""The small CSV files that are kept beside the releases: the log and the ledger of corrections.

Belongs here: reading one strictly, with the line at fault named, and its text.
Not here: what its lines mean (releases, corrections), and putting it in place (shelf).
"""

import csv
import io
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from engagement_stats.errors import PublishError, listed

MEND = "Put it right or take it from a backup."


def read(path: Path, columns: Sequence[str], needed: Sequence[str]) -> list[tuple[int, dict[str, str]]]:
    """Read such a file.

    Parameters
    ----------
    path : Path
    columns : sequence of str
        Those it may have.
    needed : sequence of str
        Those it must have.

    Returns
    -------
    list of (int, mapping of str to str)
        The line on which each row ends, and its fields without space around them, empty where not given. Nothing when
        there is no file.

    Raises
    ------
    PublishError
        It is no file, no text in UTF-8, no CSV, or its columns are others.
    """
    if not os.path.lexists(path):
        return []
    if not path.is_file():
        raise PublishError(f"{path}: it is not a file. {MEND}")
    try:
        text = path.read_bytes()
    except OSError as error:
        raise PublishError(f"{path}: it cannot be read ({os.strerror(error.errno or 0)}).") from None
    try:
        reader = csv.DictReader(io.StringIO(text.decode("utf-8-sig"), newline=""), strict=True)
    except UnicodeDecodeError as error:
        line = text.count(b"\n", 0, error.start) + 1
        raise PublishError(f"{path} line {line}: not text in UTF-8. {MEND}") from None
    try:
        given = list(reader.fieldnames or ())
        _check_columns(path, given, columns, needed)
        return [(reader.line_num, _fields(path, reader.line_num, row, columns)) for row in reader]
    except csv.Error as error:
        raise PublishError(f"{path} line {reader.line_num + 1}: not CSV ({error}). {MEND}") from None


def _check_columns(path: Path, given: Sequence[str], columns: Sequence[str], needed: Sequence[str]) -> None:
    odd = sorted((set(given) - set(columns)) | (set(needed) - set(given)))
    twice = sorted({c for c in given if given.count(c) > 1})
    if not odd and not twice:
        return
    said = f"Got others, or lacks some: {listed(odd)}." if odd else f"Some are there twice: {listed(twice)}."
    raise PublishError(
        f"{path} line 1: the columns are {', '.join(columns)}, with commas between; {', '.join(needed)} are needed. "
        f"{said}"
    )


def _fields(path: Path, line: int, row: Mapping[str | None, Any], columns: Sequence[str]) -> dict[str, str]:
    if None in row:
        raise PublishError(
            f"{path} line {line}: more fields than columns. A field with a comma in it stands in quotes."
        )
    return {c: (row.get(c) or "").strip() for c in columns}


def as_csv(columns: Sequence[str], lines: Sequence[Mapping[str, Any]]) -> str:
    """Return lines as CSV text with a header."""
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(lines)
    return text.getvalue()
