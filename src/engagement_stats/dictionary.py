"""Write the data dictionary of the released warehouse from its schema.

Belongs here: turning warehouse/schema.sql, views.sql and macros.sql, comments and all, into Markdown.
Not here: what a column means (the SQL's comments), or building a release (publish).

`python -m engagement_stats.dictionary` prints it; `make dictionary` writes docs/data_dictionary.md.
"""

import sys
from importlib import resources
from typing import Any

HEADER = """# Data dictionary

The tables, views and macros of a release. Made from `warehouse/schema.sql`, `warehouse/views.sql` and
`warehouse/macros.sql` by `make dictionary`; a test fails when it is out of date. Do not edit it by hand.
[querying.md](querying.md) shows how they are used.
"""
FILES = ("schema.sql", "views.sql", "macros.sql")
# Parameters of macros that have a default.
OPTIONAL = ("by", "wave")


def markdown() -> str:
    """Write the dictionary as Markdown: a section for each table, then each view, then each macro.

    Returns
    -------
    str
    """
    import duckdb

    sql = resources.files("warehouse")
    with duckdb.connect() as connection:
        for name in FILES:
            connection.execute(sql.joinpath(name).read_text(encoding="utf-8"))
        return HEADER + _tables(connection) + _views(connection) + _macros(connection)


def _tables(connection: Any) -> str:
    tables = connection.execute(
        "SELECT table_name, comment FROM duckdb_tables() WHERE NOT internal ORDER BY table_name"
    ).fetchall()
    keys = dict(
        connection.execute(
            "SELECT table_name, constraint_column_names FROM duckdb_constraints() WHERE constraint_type = 'PRIMARY KEY'"
        ).fetchall()
    )
    parts = []
    for name, comment in tables:
        parts.append(f"\n## `{name}`\n\n{comment}\n\nKey: {', '.join(f'`{k}`' for k in keys[name])}.\n")
        parts.append("\n| column | type | may be null | meaning |\n|---|---|---|---|\n")
        for column, kind, nullable, meaning in _columns(connection, name):
            parts.append(f"| `{column}` | {kind} | {'yes' if nullable else 'no'} | {_cell(meaning)} |\n")
    return "".join(parts)


def _views(connection: Any) -> str:
    views = connection.execute(
        "SELECT view_name, comment FROM duckdb_views() WHERE NOT internal ORDER BY view_name"
    ).fetchall()
    parts = []
    for name, comment in views:
        parts.append(f"\n## View `{name}`\n\n{comment}\n\n| column | type | meaning |\n|---|---|---|\n")
        for column, kind, _, meaning in _columns(connection, name):
            parts.append(f"| `{column}` | {kind} | {_cell(meaning)} |\n")
    return "".join(parts)


def _macros(connection: Any) -> str:
    """Write what each macro is for; the columns of one that gives a table are asked of DuckDB, with no argument."""
    macros = connection.execute(
        "SELECT function_name, function_type, parameters, comment FROM duckdb_functions() "
        "WHERE NOT internal ORDER BY function_name"
    ).fetchall()
    parts = []
    for name, kind, parameters, comment in macros:
        parts.append(f"\n## Macro `{name}`\n\n{comment}\n")
        if kind == "table_macro":
            needed = ", ".join("NULL" for p in parameters if p not in OPTIONAL)
            found = connection.execute(f"DESCRIBE SELECT * FROM {name}({needed})").fetchall()
            parts.append(f"\nColumns: {', '.join(f'`{row[0]}`' for row in found)}.\n")
    return "".join(parts)


def _columns(connection: Any, name: str) -> list[tuple[str, str, bool, str]]:
    found: list[tuple[str, str, bool, str]] = connection.execute(
        "SELECT column_name, data_type, is_nullable, comment FROM duckdb_columns() "
        "WHERE NOT internal AND table_name = ? ORDER BY column_index",
        [name],
    ).fetchall()
    return found


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    sys.stdout.write(markdown())
