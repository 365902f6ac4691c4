"""Read a released file for its exports: its tables, their columns and what is said of them, in a fixed order.

Belongs here: queries of the released file, opened only for reading, and which of its tables there are.
Not here: what a sheet shows (export_sheets), any file format (export_csv, export_parquet, export_xlsx, export_ods).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from engagement_stats import opening
from engagement_stats.errors import ExportError, UsageError, listed

if TYPE_CHECKING:
    import pyarrow as pa

Record = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a released table: its name, type in DuckDB, whether it may be null, and its comment."""

    name: str
    kind: str
    may_be_null: bool
    comment: str


@dataclass(frozen=True, slots=True)
class Table:
    """A table or view of a release: its comment, columns and key (none for a view)."""

    name: str
    comment: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]


class Release:
    """A released file, open for reading.

    Parameters
    ----------
    path : Path

    Raises
    ------
    ExportError
        There is no such file, or it is no release.
    """

    def __init__(self, path: Path) -> None:
        import duckdb

        if not path.is_file():
            raise ExportError(
                f"{path}: there is no release. Make one with `engagement-stats run` or `engagement-stats demo`, or "
                "name one with --warehouse."
            )
        self.path = path
        try:
            # One thread: rows come in a fixed order. Nothing but this file: a view in it cannot read another.
            self._connection = duckdb.connect(
                str(path), read_only=True, config={"threads": 1, "enable_external_access": "false"}
            )
        except duckdb.Error as error:
            raise ExportError(str(opening.explained(path, error))) from None
        self.run: Record = {}
        try:
            self.run = self._what_it_is()
        finally:
            if not self.run:
                self._connection.close()

    def _what_it_is(self) -> Record:
        runs = self.records("SELECT * FROM runs")
        if len(runs) != 1:
            raise ExportError(f"{self.path}: not a whole release: it does not say what it is. Make it with `run`.")
        return runs[0]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._connection.close()

    @property
    def name(self) -> str:
        """The release's name."""
        return str(self.run["release_id"])

    @property
    def built_at(self) -> datetime:
        """When it was built, in Coordinated Universal Time, to the second."""
        moment: datetime = self.run["built_at"]
        return moment.replace(microsecond=0)

    @property
    def synthetic(self) -> bool:
        """Whether any of it rests on invented respondents."""
        return bool(self.run["is_synthetic"])

    def records(self, query: str) -> list[Record]:
        """Return the rows of a query, not-a-number as None."""
        import duckdb

        try:
            answer = self._connection.execute(query)
            names = [d[0] for d in answer.description]
            found = answer.fetchall()
        except duckdb.Error as error:  # its message may quote cells
            raise ExportError(
                f"{self.path}: this release is of another version of the program ({type(error).__name__}). "
                "Make it again with `engagement-stats run`."
            ) from None
        return [dict(zip(names, (None if v != v else v for v in row), strict=True)) for row in found]

    def tables(self, wanted: Sequence[str] = ()) -> list[Table]:
        """Describe tables and views of the release.

        Parameters
        ----------
        wanted : sequence of str
            Tables or views; every table when none is named.

        Returns
        -------
        list of Table
            By name.

        Raises
        ------
        UsageError
            A name is not in the release.
        """
        comments = {r["name"]: r["comment"] or "" for r in self.records(
            "SELECT table_name AS name, comment FROM duckdb_tables() WHERE NOT internal")}  # fmt: skip
        views = {r["name"]: r["comment"] or "" for r in self.records(
            "SELECT view_name AS name, comment FROM duckdb_views() WHERE NOT internal")}  # fmt: skip
        if strange := sorted(set(wanted) - set(comments) - set(views)):
            raise UsageError(
                f"--tables: {listed(strange)} is not in the release. It has {', '.join(sorted({*comments, *views}))}."
            )
        keys = {r["name"]: tuple(r["columns"]) for r in self.records(
            "SELECT table_name AS name, list(column_name ORDER BY position) AS columns FROM table_keys "
            "GROUP BY table_name")}  # fmt: skip
        columns: dict[str, list[Column]] = {}
        for r in self.records(
            "SELECT table_name, column_name, data_type, is_nullable, comment FROM duckdb_columns() WHERE NOT internal "
            "ORDER BY table_name, column_index"
        ):
            column = Column(r["column_name"], r["data_type"], bool(r["is_nullable"]), r["comment"] or "")
            columns.setdefault(r["table_name"], []).append(column)
        said = {**views, **comments}
        return [Table(n, said[n], tuple(columns[n]), keys.get(n, ())) for n in sorted(wanted or comments)]

    def rows(self, table: Table) -> list[tuple[Any, ...]]:
        """Return all rows of a table in the order of its key, those of a view in the order of its columns."""
        return [tuple(r.values()) for r in self.records(_all(table))]

    def arrow(self, table: Table) -> "pa.Table":
        """Return the same rows as an Arrow table."""
        return self._connection.sql(_all(table)).to_arrow_table()


def _all(table: Table) -> str:
    def quoted(name: str) -> str:
        return '"' + name.replace('"', '""') + '"'

    order = ", ".join(quoted(k) for k in table.key) or "ALL"
    return f"SELECT {', '.join(quoted(c.name) for c in table.columns)} FROM {quoted(table.name)} ORDER BY {order}"
