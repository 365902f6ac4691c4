"""Marker values of one respondent, planted in files, and the search for them in everything a project holds.

Belongs here: the values, planting them, and a search through compressed and binary forms.
Not here: any expectation.
"""

import io
import sqlite3
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, suppress
from pathlib import Path

import duckdb
import pandas as pd
from pyarrow import parquet
from workbench import CLS_2018, POLL, Project, edit_text

ID, WORDS = "RK-KANARIENVOGEL-7731", "Ich bin ein KANARIENVOGEL"
MOMENT = "2020-07-13 07:31:09"
WEIGHT, HOURS, SERIAL = 3.7310917113, 7731.0917113, 773109170
# The weight of a second respondent, the smallest of all.
LEAST = 0.0127310917
NUMBERS = {"weight": WEIGHT, "hours": HOURS, "serial": float(SERIAL), "least": LEAST}
TEXTS = {
    "id": ID, "words": WORDS, "moment": "07:31:09",
    # Cut before the last digits: rounding in between changes those.
    "weight": "3.7310917", "hours": "7731.09171", "serial": str(SERIAL), "least": "0.01273109",
}  # fmt: skip
# What the wave's entry asks for besides: a date, a number and a rule, so that all of them reach the private store.
ENTRY = """\
quarantine:
  rules:
    too_fast: {rule: speeders, column: hours, least_seconds: 0.5}
  stop_above: 0.05
expects:
  interviewed: {columns: [started], written_as: "%Y-%m-%d %H:%M:%S"}
"""


def _forms() -> dict[bytes, str]:
    found = {}
    for name, text in TEXTS.items():
        found |= {text.encode(code): f"{name} as text" for code in ("utf-8", "utf-16-le")}
    for name, number in NUMBERS.items():
        found |= {struct.pack(form, number): f"{name} as {form}" for form in ("<d", ">d")}
    found[struct.pack("<q", SERIAL)] = "serial as <q"
    return found


FORMS = _forms()


def plant(project: Project) -> None:
    """Put the markers into the poll and into a file of the Community Life Survey; the project has its own catalogue."""
    assert project.catalogue is not None
    entry = project.catalogue / "waves" / f"{POLL}.yaml"
    entry.write_text(entry.read_text(encoding="utf-8") + ENTRY, encoding="utf-8")

    def of_the_poll(frame: pd.DataFrame) -> pd.DataFrame:
        frame = frame.assign(started="2020-07-08 12:00:00", hours="3", verbatim="")
        row = {"respondent_id": ID, "weight": str(WEIGHT), "started": MOMENT, "hours": str(HOURS), "verbatim": WORDS}
        frame.loc[0, list(row)] = list(row.values())
        frame.loc[1, "weight"] = str(LEAST)
        return frame

    def of_the_survey(frame: pd.DataFrame) -> pd.DataFrame:
        row = {"Cserial": SERIAL, "HHSerial": SERIAL, "RespondentCalibrationWeight": WEIGHT, "SRCaliw": WEIGHT}
        frame.loc[0, list(row)] = [str(v) for v in row.values()]
        return frame

    edit_text(project.file(POLL), of_the_poll)
    edit_text(project.file(CLS_2018), of_the_survey)


def in_bytes(content: bytes) -> set[str]:
    """Return the markers among bytes."""
    return {name for form, name in FORMS.items() if form in content}


def in_text(text: str) -> set[str]:
    """Return the markers in what was said."""
    return in_bytes(text.encode())


def in_file(path: Path) -> set[str]:
    """Return the markers in a file: in its bytes, and in what they unpack to."""
    return _in_content(path.read_bytes())


def below(folder: Path, *, but: Iterable[Path] = ()) -> list[str]:
    """Return each file below a folder with a marker in its name or content, and which; `but` are folders left out."""
    left_out = list(but)
    return [
        f"{path.relative_to(folder)}: {name}"
        for path in sorted(folder.rglob("*"))
        if not any(path.is_relative_to(other) for other in left_out)
        for name in sorted(in_text(path.name) | (in_file(path) if path.is_file() else set()))
    ]


def _in_content(content: bytes) -> set[str]:
    found = in_bytes(content)
    for begins, at, unpack in UNPACKED:
        if content[at : at + len(begins)] == begins:
            for part in unpack(content):
                found |= _in_content(part)
    return found


def _cells(rows: Iterable[Iterable[object]]) -> Iterator[bytes]:
    for row in rows:
        for cell in row:
            if isinstance(cell, bytes):
                yield cell
            elif isinstance(cell, float):
                yield struct.pack("<d", cell)
            elif cell is not None:
                yield str(cell).encode()


def _of_parquet(content: bytes) -> Iterator[bytes]:
    table = parquet.read_table(io.BytesIO(content))
    yield str(table.schema.metadata).encode()
    yield b"\0".join(_cells(column.unique().to_pylist() for column in table.columns))


def _of_zip(content: bytes) -> Iterator[bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        for member in archive.infolist():
            yield archive.read(member)


def _of_zlib(content: bytes) -> Iterator[bytes]:
    with suppress(zlib.error):
        yield zlib.decompress(content)


def _of_sqlite(content: bytes) -> Iterator[bytes]:
    with closing(sqlite3.connect(":memory:")) as connection:
        # Two bytes say that there is a log beside it, which memory has not.
        connection.deserialize(content[:18] + b"\x01\x01" + content[20:])
        for (table,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            yield from _cells(connection.execute(f'SELECT * FROM "{table}"'))


def _of_duckdb(content: bytes) -> Iterator[bytes]:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "copy.duckdb"
        path.write_bytes(content)
        with duckdb.connect(str(path), read_only=True) as connection:
            for (table,) in connection.execute("SELECT table_name FROM duckdb_tables()").fetchall():
                yield b"\0".join(_cells(connection.execute(f'SELECT * FROM "{table}"').fetchall()))


# How a kind of file begins, where, and what it holds.
UNPACKED: list[tuple[bytes, int, Callable[[bytes], Iterator[bytes]]]] = [
    (b"PAR1", 0, _of_parquet),
    (b"PK\x03\x04", 0, _of_zip),
    (b"\x78\x9c", 0, _of_zlib),
    (b"\x78\xda", 0, _of_zlib),
    (b"SQLite format 3\0", 0, _of_sqlite),
    (b"DUCK", 8, _of_duckdb),
]
