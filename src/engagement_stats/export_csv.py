"""Write tables of a release as CSV, described by CSV on the Web.

Belongs here: the form of a CSV file and of its metadata.
Not here: which tables there are (export_release), what a column means (the release's comments).
Source: RFC 4180; W3C, Metadata Vocabulary for Tabular Data, and Model for Tabular Data (2015), section 6.4 on cells;
OWASP, CSV Injection.
"""

import json
import math
from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

from engagement_stats.errors import ExportError
from engagement_stats.export_release import Column, Release, Table
from engagement_stats.export_text import disarmed

METADATA = "csv-metadata.json"  # where a reader of CSV on the Web looks by itself
DATATYPES = {
    "VARCHAR": "string", "DOUBLE": "double", "BIGINT": "long", "INTEGER": "long", "BOOLEAN": "boolean", "DATE": "date",
    "TIMESTAMP": "datetime",
}  # fmt: skip
QUOTED = frozenset('",\r\n')
APOSTROPHES = (
    "In columns of text an apostrophe stands before = + - @ and their wide forms, tab, carriage return or line feed "
    "where a spreadsheet could take them for the beginning of a formula. Numbers are exempt. Null is written as "
    'nothing, an empty text as "". CSV on the Web cannot tell the two apart: where a column may be null it takes both '
    "for null; where it may not, both for an empty text."
)


def write(release: Release, tables: Sequence[Table], folder: Path) -> None:
    """Write a CSV file for each table, and one file that describes them all.

    Parameters
    ----------
    release : Release
    tables : sequence of Table
    folder : Path
        There already.
    """
    for table in tables:
        names = [c.name for c in table.columns]
        lines = [",".join(_field(n) for n in names)]
        lines += [",".join(_field(v) for v in row) for row in release.rows(table)]
        (folder / f"{table.name}.csv").write_bytes(("\r\n".join(lines) + "\r\n").encode("utf-8"))
    text = json.dumps(_described(release, tables), ensure_ascii=False, indent=1)
    (folder / METADATA).write_bytes((text + "\n").encode("utf-8"))


def _field(value: Any) -> str:
    """Write one value; a number in the fewest digits that give it back."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return {math.inf: "INF", -math.inf: "-INF"}.get(value) or repr(value)
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, str):
        text = disarmed(value)
        # A line that begins with # is a comment to readers of CSV on the Web.
        bare = text and text[0] != "#" and not QUOTED & set(text) and text == text.strip()
        return text if bare else '"' + text.replace('"', '""') + '"'
    raise ExportError(f"export: a value of type {type(value).__name__} has no form in CSV. Change the table's type.")


def _described(release: Release, tables: Sequence[Table]) -> dict[str, Any]:
    sources = release.records(
        "SELECT DISTINCT s.id, s.label, s.producer, s.licence, s.definition, s.url FROM sources AS s "
        "JOIN waves AS w ON w.source = s.id WHERE w.is_released ORDER BY s.id"
    )
    return {
        "@context": ["http://www.w3.org/ns/csvw", {"@language": "en"}],
        "@type": "TableGroup",
        "dc:title": f"{'SYNTHETIC: ' if release.synthetic else ''}Tables of release {release.name}",
        "dc:identifier": release.name,
        "dc:created": release.built_at.isoformat() + "Z",
        "dc:language": "en-GB",
        "dc:description": (
            "Some rows rest on invented respondents (is_synthetic). Never quote them." if release.synthetic else
            "Estimates with their uncertainty, comparisons, and what they rest on."
        ),
        "dc:rights": [f"{s['label']} ({s['producer']}): {s['licence']}" for s in sources],
        "dc:source": [" ".join(x for x in (s["definition"], s["url"]) if x) for s in sources],
        "rdfs:comment": APOSTROPHES,
        "dialect": {
            "encoding": "utf-8", "lineTerminators": ["\r\n"], "quoteChar": '"', "doubleQuote": True, "header": True,
            "trim": False,
        },
        "tables": [_table(t) for t in tables],
    }  # fmt: skip


def _table(table: Table) -> dict[str, Any]:
    schema: dict[str, Any] = {"columns": [_column(c) for c in table.columns]}
    if table.key:
        schema["primaryKey"] = list(table.key)
    return {
        "url": f"{table.name}.csv",
        "dc:title": table.name,
        "dc:description": table.comment,
        "tableSchema": schema,
    }


def _column(column: Column) -> dict[str, Any]:
    if column.kind not in DATATYPES:
        raise ExportError(f"export: column {column.name} is of type {column.kind}, which has no form in CSV.")
    kind, required = DATATYPES[column.kind], not column.may_be_null
    # What stands for null, the empty text unless we say otherwise, is refused where a column is required.
    never_null: dict[str, Any] = {"null": []} if required and kind == "string" else {}
    return {
        "name": column.name,
        "titles": column.name,
        "datatype": kind,
        "required": required,
        **never_null,
        "dc:description": column.comment,
    }
