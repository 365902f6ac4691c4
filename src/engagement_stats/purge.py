"""Delete what is kept about respondents, and record that it was done.

Belongs here: which private files and records of runs go, in which order, and the line that is left of it.
Not here: the released file and the deposited files, which are never touched; Dagster's records of one wave
(pipelines.records).

Files are unlinked, which is no secure erase: a disk, its snapshots and its backups may hold the bytes for longer.
"""

import csv
import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

from engagement_stats.errors import EngagementStatsError, UsageError, listed
from engagement_stats.store import PUBLISHED, RECORD, RELEASE, Store

COLUMNS = ("purged_at", "what", "files", "bytes")
SETTINGS = "dagster.yaml"
# More than a line of the record takes.
ROOM = 4096


@dataclass(frozen=True, slots=True)
class Plan:
    """What a purge deletes.

    Parameters
    ----------
    what : tuple of str
        The waves, or `all`.
    places : tuple of Path
        Files and folders, deleted with all they hold.
    files : int
        How many files they hold.
    size : int
        Their bytes.
    forgets : bool
        Whether what is remembered of published releases is among them.
    """

    what: tuple[str, ...]
    places: tuple[Path, ...]
    files: int
    size: int
    forgets: bool = False


def everything(store: Store, records: Path) -> Plan:
    """Plan to delete the private results of every wave, and all records of runs; what others laid there stays.

    Parameters
    ----------
    store : Store
    records : Path
        The folder of Dagster's own records; its settings stay.
    """
    return _plan(store, ("all",), [*store.results(), *(p for p in _within(records) if p.name != SETTINGS)])


def of_waves(store: Store, waves: Sequence[str], catalogued: Sequence[str]) -> Plan:
    """Plan to delete the private results of some waves, and what was made of all waves together.

    Parameters
    ----------
    store : Store
    waves : sequence of str
    catalogued : sequence of str
        Waves there may be; one that left the catalogue is known by its results.

    Raises
    ------
    UsageError
        A wave is neither in the catalogue nor in the store.
    """
    kept = [p.name for p in _within(store.root) if store.results_of(p.name)]
    if strange := [w for w in waves if w not in kept and w not in catalogued]:
        raise UsageError(
            f"--wave: {listed(strange)} is not in the catalogue and has no private results. "
            f"There are results of {listed(kept) if kept else 'no wave'}."
        )
    asked = tuple(dict.fromkeys(waves))
    behind = [store.root / PUBLISHED / w for w in asked]
    made = [p for w in asked for p in store.results_of(w)]
    return _plan(store, asked, [*made, store.root / RELEASE, *behind])


def carry_out(plan: Plan, store: Store) -> Path:
    """Delete what is planned, then add a line to the record.

    Parameters
    ----------
    plan : Plan
    store : Store
        Held by the caller (`Store.alone`), so that no run writes meanwhile.

    Returns
    -------
    Path
        The record: when, what, how many files and bytes; nothing of what they held.

    Raises
    ------
    EngagementStatsError
        The record cannot be written, and nothing was deleted; or something cannot be deleted.
    """
    record = store.root / RECORD
    try:
        _try_out(record)
    except OSError as error:
        said = os.strerror(error.errno or 0)
        raise EngagementStatsError(f"{record}: it cannot be written ({said}), so nothing was deleted.") from None
    try:
        for place in plan.places:
            # A link is removed and not followed: what it leads to is not ours.
            if place.is_dir() and not place.is_symlink():
                shutil.rmtree(place)
            else:
                place.unlink(missing_ok=True)
        return _noted(plan, record)
    except OSError as error:
        said = f"{os.strerror(error.errno or 0)}), so not all is done. Put that right and purge again."
        raise EngagementStatsError(f"{error.filename or record}: it could not be deleted or written ({said}") from None


def _opened(record: Path) -> TextIO:
    return os.fdopen(os.open(record, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "a", encoding="utf-8")


def _try_out(record: Path) -> None:
    """Find out, before anything is gone, whether a line can be added: the evidence cannot be had afterwards."""
    with _opened(record) as out:
        end = out.seek(0, os.SEEK_END)
        out.write("\n" * ROOM)
        out.flush()
        os.fsync(out.fileno())
        out.truncate(end)


def _noted(plan: Plan, record: Path) -> Path:
    with _opened(record) as out:
        lines = csv.writer(out, lineterminator="\n")
        if out.tell() == 0:
            lines.writerow(COLUMNS)
        lines.writerow([f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}", " ".join(plan.what), plan.files, plan.size])
    return record


def _plan(store: Store, what: tuple[str, ...], places: Sequence[Path]) -> Plan:
    there = tuple(p for p in places if os.path.lexists(p))
    sizes = [p.lstat().st_size for place in there for p in _files(place)]
    return Plan(what, there, len(sizes), sum(sizes), any(p.is_relative_to(store.root / PUBLISHED) for p in there))


def _within(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if folder.is_dir() else []


def _files(place: Path) -> Iterator[Path]:
    if place.is_dir() and not place.is_symlink():
        yield from (p for p in place.rglob("*") if not p.is_dir() or p.is_symlink())
    else:
        yield place
