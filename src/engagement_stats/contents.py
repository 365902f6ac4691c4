"""What a release holds: a digest of each table, and every number in which two releases differ.

Belongs here: reading released files as rows, digests of content, and differences row by row.
Not here: where releases are kept (releases), and what is made of a difference (corrections, commands_releases).
"""

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from engagement_stats import opening

# Which release a row is of, and when and from which commit it was built: two builds of one content differ in these.
OUTSIDE = {"release_id"}
OF_THE_BUILD = {"runs": {"built_at", "commit_id"}}
# Digest of what made a row. It changes with the code though no number does.
PROVENANCE = {"run_id"}
COLUMNS = ["table", "key", "column", "what", "old", "new", "change", "is_synthetic"]

Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """The columns of a released table, in order, and those of its key (all of them when it states none)."""

    columns: list[str]
    key: list[str]


class Contents:
    """A released file that is open for reading; made by `opened`."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        columns: dict[str, list[str]] = {}
        for table, column in self._all(
            "SELECT table_name, column_name FROM duckdb_columns() WHERE NOT internal AND table_name IN "
            "(SELECT table_name FROM duckdb_tables()) ORDER BY table_name, column_index"
        ):
            columns.setdefault(table, []).append(column)
        told = (
            "SELECT table_name, list(column_name ORDER BY position) FROM table_keys GROUP BY table_name"
            if "table_keys" in columns  # a release of an earlier version of this program has none, but an index
            else "SELECT table_name, constraint_column_names FROM duckdb_constraints() "
            "WHERE constraint_type = 'PRIMARY KEY'"
        )
        keys: dict[str, list[str]] = {str(table): list(columns_of) for table, columns_of in self._all(told)}
        self.tables = {t: Table(names, list(keys.get(t, names))) for t, names in columns.items()}

    def rows(self, table: str, names: list[str]) -> list[Row]:
        """Return columns of a table, its rows in no particular order; a number that is not one is None."""
        listing = ", ".join(f'"{n}"' for n in names)
        found = self._all(f'SELECT {listing} FROM "{table}"')
        return [tuple(None if v != v else v for v in row) for row in found]  # a null double is not itself

    def count(self, table: str) -> int:
        """Return how many rows a table has."""
        return int(self._all(f'SELECT count(*) FROM "{table}"')[0][0])

    def frame(self, table: str) -> pd.DataFrame:
        """Return a table, empty without columns when the file has no such table."""
        if table not in self.tables:
            return pd.DataFrame()
        names = self.tables[table].columns
        return pd.DataFrame(self.rows(table, names), columns=names)

    def _all(self, sql: str) -> list[Row]:
        found: list[Row] = self._connection.execute(sql).fetchall()
        return found


@contextmanager
def opened(path: Path) -> Iterator[Contents]:
    """Open a released file for reading.

    Raises
    ------
    UnreadableReleaseError
        It is not there, or not a database, or what is asked of it is not in it, or another program writes to it.
    """
    import duckdb

    try:
        with duckdb.connect(str(path), read_only=True) as connection:
            yield Contents(connection)
    except duckdb.Error as error:
        raise opening.explained(path, error) from None


def digests(path: Path) -> dict[str, str]:
    """Digest each table of a released file by what it holds, not by how the file stores it.

    Parameters
    ----------
    path : Path

    Returns
    -------
    dict of str to str
        Table to SHA-256 of its columns and of its rows as text in order. Floats count by their shortest exact text.

    Notes
    -----
    The bytes of two DuckDB files of one content always differ. Left out are the release's name, and when and from
    which commit it was built, so that a table in which nothing changed keeps its digest from release to release.
    """
    with opened(path) as file:
        return {t: _digest(file, t) for t in sorted(file.tables)}


def _digest(file: Contents, table: str) -> str:
    counted = [n for n in file.tables[table].columns if n not in OUTSIDE | OF_THE_BUILD.get(table, set())]
    total = hashlib.sha256(repr(counted).encode())
    for line in sorted(map(repr, file.rows(table, counted))):
        total.update(line.encode() + b"\n")
    return total.hexdigest()


def summary(old: Path, new: Path) -> dict[str, int]:
    """Count the estimates that one release has and another has not, and those in which any value differs.

    Parameters
    ----------
    old, new : Path

    Returns
    -------
    dict of str to int
        Under "added", "changed" and "removed".
    """
    with opened(old) as before, opened(new) as after:
        if not all("estimates" in file.tables for file in (before, after)):
            return {}
        found = {(line[1], line[3]) for line in _of_table("estimates", before, after) if line[1]}
    return {what: sum(1 for _, w in found if w == what) for what in ("added", "changed", "removed")}


def differences(old: Path, new: Path) -> pd.DataFrame:
    """Name every value in which two releases differ, by table, key and column.

    Parameters
    ----------
    old, new : Path
        Released files, of the same schema or not.

    Returns
    -------
    DataFrame
        One row per value, row or column that differs: table, key ("wave=..., level=..."), column, what ("changed",
        "added", "removed"), old, new (as text, numbers with all their digits), change (new minus old of two numbers)
        and is_synthetic (of the row). Of a row on one side only `column` is empty; of a column that only one side has,
        `key`. Names of releases and of runs, and the moment of building, are not values.
    """
    found: list[list[Any]] = []
    with opened(old) as before, opened(new) as after:
        for table in sorted({*before.tables, *after.tables}):
            if table in before.tables and table in after.tables:
                found += _of_table(table, before, after)
            else:
                found.append([table, "", "", "removed" if table in before.tables else "added", None, None, None, False])
    return pd.DataFrame(found, columns=COLUMNS)


def _of_table(table: str, before: Contents, after: Contents) -> list[list[Any]]:
    old, new = before.tables[table], after.tables[table]
    found: list[list[Any]] = [
        [table, "", n, "removed" if n in old.columns else "added", None, None, None, False]
        for n in [*old.columns, *new.columns]
        if (n in old.columns) != (n in new.columns)
    ]
    # The run is one row of each release, whatever its name.
    key = [k for k in new.key if k not in OUTSIDE]
    if not set(key) <= set(old.columns):
        return [*found, [table, "", "", "changed", None, None, None, False]]
    passed_over = OUTSIDE | PROVENANCE | OF_THE_BUILD.get(table, set())
    shared = [n for n in new.columns if n in old.columns and n not in passed_over and n not in key]
    sides = [_by_key(file, table, key, shared) for file in (before, after)]
    marked = shared.index("is_synthetic") if "is_synthetic" in shared else None
    for place in sorted({*sides[0], *sides[1]}, key=repr):
        was, now = sides[0].get(place), sides[1].get(place)
        named = ", ".join(f"{k}={v}" for k, v in zip(key, place, strict=True))
        synthetic = any(bool(side[marked]) for side in (was, now) if side is not None and marked is not None)
        if was is None or now is None:
            found.append([table, named, "", "added" if was is None else "removed", None, None, None, synthetic])
        elif repr(was) != repr(now):
            found += [
                [table, named, c, "changed", _text(a), _text(b), _change(a, b), synthetic]
                for c, a, b in zip(shared, was, now, strict=True)
                if repr(a) != repr(b)
            ]
    return found


def _by_key(file: Contents, table: str, key: list[str], names: list[str]) -> Mapping[Row, Row]:
    read = file.rows(table, [*key, *names])
    return {row[: len(key)]: row[len(key) :] for row in read}


def _text(value: object) -> str | None:
    return None if value is None else repr(value) if isinstance(value, float) else str(value)


def _change(old: object, new: object) -> float | None:
    numbers = all(isinstance(v, int | float) and not isinstance(v, bool) for v in (old, new))
    return float(new) - float(old) if numbers else None  # type: ignore[arg-type]
