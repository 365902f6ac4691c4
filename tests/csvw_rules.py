"""The rules of CSV on the Web, applied to every cell of every file that a metadata document describes.

Belongs here: what a validator finds wrong. Not here: any expectation of a release.
Source: W3C, Model for Tabular Data and Metadata on the Web (2015), sections 6.4 (cells) and 8 (rows); Metadata
Vocabulary for Tabular Data, 5.5 to 5.11, whose default dialect takes lines that begin with # for comments.
"""

import csv
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROW = re.compile(r'(?:[^"\r\n]|"(?:[^"]|"")*")*(?:\r\n|\n|\Z)')
NUMBER = r"[+-]?(\d+(\.\d*)?|\.\d+)([Ee][+-]?\d+)?|-?INF|NaN"
LEXICAL = {
    "string": re.compile(r"(?s).*"), "double": re.compile(NUMBER), "long": re.compile(r"[+-]?\d+"),
    "boolean": re.compile(r"true|false|1|0"), "date": re.compile(r"\d{4}-\d\d-\d\d"),
    "datetime": re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)?"),
}  # fmt: skip
Row = list[Any]


def faults(metadata: Path) -> list[str]:
    """Say everything a validator would: file, row and column of every cell that breaks a rule."""
    about = json.loads(metadata.read_text(encoding="utf-8"))
    return [f for table in about["tables"] for f in _of_table(table, metadata.parent, about["dialect"])]


def values(metadata: Path, url: str) -> list[Row]:
    """Return the rows of a file as CSV on the Web understands them, null as None."""
    about = json.loads(metadata.read_text(encoding="utf-8"))
    (table,) = (t for t in about["tables"] if t["url"] == url)
    columns = table["tableSchema"]["columns"]
    _, *rows = _rows(metadata.parent / url, about["dialect"])
    return [[_value(c, text) for c, text in zip(columns, row, strict=True)] for row in rows]


def _of_table(table: dict[str, Any], folder: Path, dialect: dict[str, Any]) -> Iterator[str]:
    columns, key = table["tableSchema"]["columns"], table["tableSchema"].get("primaryKey", [])
    header, *rows = _rows(folder / table["url"], dialect)
    if header != [c["titles"] for c in columns]:
        yield f"{table['url']}: the header is not that of the metadata"
    seen: set[tuple[Any, ...]] = set()
    for i, row in enumerate(rows, start=1):
        if len(row) != len(columns):
            yield f"{table['url']} row {i}: {len(row)} cells"
            continue
        found = {c["name"]: _value(c, text) for c, text in zip(columns, row, strict=True)}
        for column in columns:
            value = found[column["name"]]
            if value is None and column.get("required", False):
                yield f"{table['url']} row {i} {column['name']}: null, and required"
            if value is not None and not LEXICAL[column["datatype"]].fullmatch(value):
                yield f"{table['url']} row {i} {column['name']}: not a {column['datatype']}"
        named = tuple(found[k] for k in key)
        if key and named in seen:
            yield f"{table['url']} row {i}: its key is there already"
        seen.add(named)


def _value(column: dict[str, Any], text: str) -> str | None:
    if column["datatype"] != "string":
        text = text.strip()
    text = text or column.get("default", "")
    null = column.get("null", "")
    return None if text in ([null] if isinstance(null, str) else null) else text


def _rows(path: Path, dialect: dict[str, Any]) -> list[list[str]]:
    text = path.read_bytes().decode("utf-8")
    raw = [m.group() for m in ROW.finditer(text) if m.group()]
    assert "".join(raw) == text
    kept = [r for r in raw if not r.startswith(dialect.get("commentPrefix", "#"))]
    trim = str.strip if dialect.get("trim", True) else str
    return [[trim(cell) for cell in next(csv.reader([r], strict=True))] for r in kept]
