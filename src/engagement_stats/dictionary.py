"""Write the data dictionary of the released warehouse from its schema.

Belongs here: turning warehouse/schema.sql and views.sql, comments and all, into Markdown.
Not here: what a column means (schema.sql), or building a release (publish).

`python -m engagement_stats.dictionary` prints it; `make dictionary` writes docs/data_dictionary.md.
"""

import sys
from importlib import resources

HEADER = """# Data dictionary

The tables and views of a release. Made from `warehouse/schema.sql` and `warehouse/views.sql` by `make dictionary`;
a test fails when it is out of date. Do not edit it by hand.
"""


def markdown() -> str:
    """Write the dictionary as Markdown: a section for each table, then each view.

    Returns
    -------
    str
    """
    import duckdb

    sql = resources.files("warehouse")
    with duckdb.connect() as connection:
        for name in ("schema.sql", "views.sql"):
            connection.execute(sql.joinpath(name).read_text(encoding="utf-8"))
        tables = connection.execute(
            "SELECT table_name, comment FROM duckdb_tables() WHERE NOT internal ORDER BY table_name"
        ).fetchall()
        views = connection.execute(
            "SELECT view_name, comment FROM duckdb_views() WHERE NOT internal ORDER BY view_name"
        ).fetchall()
        columns = connection.execute(
            "SELECT table_name, column_name, data_type, is_nullable, comment FROM duckdb_columns() "
            "WHERE NOT internal ORDER BY table_name, column_index"
        ).fetchall()
        keys = dict(
            connection.execute(
                "SELECT table_name, constraint_column_names FROM duckdb_constraints() "
                "WHERE constraint_type = 'PRIMARY KEY'"
            ).fetchall()
        )
    parts = [HEADER]
    for name, comment in tables:
        parts.append(f"\n## `{name}`\n\n{comment}\n\nKey: {', '.join(f'`{k}`' for k in keys[name])}.\n")
        parts.append("\n| column | type | may be null | meaning |\n|---|---|---|---|\n")
        for table, column, kind, nullable, meaning in columns:
            if table == name:
                escaped = meaning.replace("|", "\\|")
                parts.append(f"| `{column}` | {kind} | {'yes' if nullable else 'no'} | {escaped} |\n")
    for name, comment in views:
        listed = ", ".join(f"`{c[1]}`" for c in columns if c[0] == name)
        parts.append(f"\n## View `{name}`\n\n{comment}\n\nColumns: {listed}.\n")
    return "".join(parts)


if __name__ == "__main__":
    sys.stdout.write(markdown())
