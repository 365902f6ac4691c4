"""The files beside a released one: there whole or not at all, and nothing left of what was killed.

Belongs here: writing and copying whole, clearing away temporaries of this program and nothing else, what the disk says.
Not here: which release stands and which are kept (releases), building one (publish).
"""

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from engagement_stats import opening, publish

# As `publish.release_id` names them.
RELEASE = re.compile(r"r[0-9a-f]+")
WRITING = ".writing"


def copy(source: Path, target: Path) -> None:
    """Copy a file, there whole or not at all."""
    with whole(target) as beside:
        shutil.copyfile(source, beside)


def write(target: Path, text: str) -> None:
    """Write a file beside the releases, there whole or not at all, with their permissions."""
    with whole(target) as beside:
        beside.write_text(text, encoding="utf-8")


@contextmanager
def whole(target: Path) -> Iterator[Path]:
    """Hand out a name to write to; what was written is then there under its own name, whole or not at all.

    A link stays one: what it leads to is exchanged.
    """
    target = target.resolve()
    beside = target.with_name(f".{target.name}{WRITING}")
    try:
        yield beside
        beside.chmod(publish.FILE_MODE)
        publish.sync(beside)
        beside.replace(target)
        publish.sync(target.parent)
    finally:
        beside.unlink(missing_ok=True)


def new(place: Path, release: str) -> Path:
    """Return the name under which a release is built."""
    return place / f".{release}.new"


def sweep(warehouse: Path, place: Path) -> None:
    """Delete what killed processes of this program left half written; no other file is touched."""
    building = r"\.\d+\.building(\.wal)?"
    release = RELEASE.pattern
    kept = (
        rf"\.({release}\.new|\.{release}\.new{building}|({release}\.(duckdb|json)|log\.csv|corrections\.csv)\.writing)"
    )
    beside = rf"\.{re.escape(warehouse.name)}(\.writing|{building})"
    for folder, names in ((place, kept), (warehouse.parent, beside)):
        for scrap in folder.iterdir():
            if re.fullmatch(names, scrap.name) and scrap.is_file():
                scrap.unlink(missing_ok=True)


@contextmanager
def disk(where: Path) -> Iterator[None]:
    """Say which file the disk refuses, and why."""
    try:
        yield
    except OSError as error:
        raise opening.refused(where, error) from None
