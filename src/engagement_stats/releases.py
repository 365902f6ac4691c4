"""Keep every release beside the current one, say which stands, and go back to an earlier one.

Belongs here: the folder of kept releases and its log, the exchange of the current file, retention.
Not here: building a release's file (publish), what is said of one (manifest), whether it may be published
(corrections).

`warehouse/engagement_stats.duckdb` is the release analysts open: one name, replaced in one step. Beside it,
`warehouse/releases/` holds `<release>.duckdb`, never written again once published, its manifest `<release>.json`, and
`log.csv`. The current file is a copy of a kept one and not a link to it, so that nothing done to it reaches what is
kept.
"""

import csv
import difflib
import fcntl
import getpass
import io
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd

from engagement_stats import publish
from engagement_stats.errors import PublishError, UsageError, listed
from engagement_stats.manifest import Manifest

DEFAULT_NAME = "engagement_stats.duckdb"
LOG = "log.csv"
LOG_COLUMNS = ("at", "by", "action", "release", "replaced", "reason")
PUBLISHED, ROLLED_BACK, AGAIN = "published", "rolled back", "to be published again"
CURRENT, PREVIOUS = "current", "previous"
ALL = "`engagement-stats releases list` shows all."


def folder(warehouse: Path) -> Path:
    """Return where the releases of a released file are kept: `releases` beside it, or by its name if it has another."""
    return warehouse.parent / ("releases" if warehouse.name == DEFAULT_NAME else f"{warehouse.stem}_releases")


def path_of(warehouse: Path, release: str) -> Path:
    """Return the file of a kept release."""
    return folder(warehouse) / f"{release}.duckdb"


def kept(warehouse: Path) -> list[Manifest]:
    """Return the manifests of the kept releases, newest first."""
    paths = [p for p in folder(warehouse).glob("*.json") if p.with_suffix(".duckdb").is_file()]
    # One may be deleted by a run that publishes just now.
    found = [Manifest.read(p) for p in paths if p.is_file()]
    return sorted(found, key=lambda x: (x.built_at, x.release_id), reverse=True)


def log(warehouse: Path) -> list[dict[str, str]]:
    """Return the lines of the log, oldest first."""
    path = folder(warehouse) / LOG
    if not path.is_file():
        return []
    with path.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def previous(warehouse: Path) -> str | None:
    """Return the release that the current one took the place of, None when that is not known."""
    stands = publish.current_release(warehouse)
    came = [x["replaced"] for x in log(warehouse) if x["release"] == stands and x["action"] in (PUBLISHED, ROLLED_BACK)]
    if came:
        return came[-1] or None
    # Killed before it could be noted.
    return next((x.previous for x in kept(warehouse) if x.release_id == stands), None)


def withdrawn(warehouse: Path) -> dict[str, dict[str, str]]:
    """Return the releases gone back from and not asked for again, each with the line of the log that says so."""
    found: dict[str, dict[str, str]] = {}
    for line in log(warehouse):
        found.pop(line["release"], None)
        if line["action"] == ROLLED_BACK:
            found[line["replaced"]] = line
    return found


def gone_back(line: Mapping[str, str]) -> str:
    """Say that a release which would be made again was gone back from, by the line of the log, and what can be done."""
    return (
        f"release: {line['replaced']} is what the inputs give, but {line['by']} went back from it to {line['release']} "
        f"on {line['at'][:10]}: {line['reason']} It is not published again unasked. Put right what was wrong, or "
        'give the reason: `engagement-stats run --again "REASON"`.'
    )


def find(warehouse: Path, name: str) -> Manifest:
    """Return the kept release of a name.

    Parameters
    ----------
    warehouse : Path
    name : str
        A release, the beginning of one that only it has, "current" or "previous".

    Raises
    ------
    UsageError
        There is no such release, or more than one.
    """
    known = {x.release_id: x for x in kept(warehouse)}
    named = {CURRENT: publish.current_release, PREVIOUS: previous}
    wanted = named[name](warehouse) if name in named else name
    if wanted is None:
        raise UsageError(f"{name}: there is no such release of {warehouse}. {ALL}")
    matches = [known[wanted]] if wanted in known else [x for k, x in known.items() if k.startswith(wanted)]
    if len(matches) == 1:
        return matches[0]
    if matches:
        several = listed([x.release_id for x in matches])
        raise UsageError(f"{name}: several releases begin so ({several}). Give more of it.")
    near = difflib.get_close_matches(wanted, [CURRENT, PREVIOUS, *known], n=3, cutoff=0.3) or list(known)
    meant = f" Did you mean {listed(near)}?" if near else ""
    raise UsageError(f"{name}: not a kept release of {warehouse}.{meant} {ALL}")


def put_in_place(
    frames: Mapping[str, pd.DataFrame], release: str, warehouse: Path, *, replaces: str | None, keep: int
) -> Manifest:
    """Build a release, keep it, and make it the current one in a single step.

    Parameters
    ----------
    frames : mapping of str to DataFrame
        As for `publish.build`.
    release : str
        Its name.
    warehouse : Path
        The released file analysts open.
    replaces : str or None
        The release that stood when the frames were read. Another in its place by now was published by somebody else,
        from newer inputs for all we know, and is not overwritten.
    keep : int
        How many releases to keep.

    Returns
    -------
    Manifest

    Raises
    ------
    PublishError
        The release breaks the schema, another was published meanwhile, the disk refuses, or a kept release of the same
        name holds something else.
    """
    with _alone(warehouse) as place, _disk(warehouse):
        stands = publish.current_release(warehouse)
        if stands != replaces:
            raise PublishError(
                f"{warehouse.name}: release {stands} was put in place while this one ({release}) was being made. "
                "Run again."
            )
        manifest = _keep(frames, release, warehouse, place)
        _exchange(path_of(warehouse, release), warehouse)
        _note(warehouse, PUBLISHED, release, stands, "")
        retain(warehouse, keep)
    return manifest


def _keep(frames: Mapping[str, pd.DataFrame], release: str, warehouse: Path, place: Path) -> Manifest:
    """Build a release in the folder of kept ones; one of its name that is whole stays as it is."""
    beside, file = place / f".{release}.new", path_of(warehouse, release)
    publish.build(frames, release, beside)
    try:
        made = Manifest.of(beside, warehouse if publish.current_release(warehouse) else None)
        known = Manifest.read(file.with_suffix(".json")) if file.with_suffix(".json").is_file() else None
        if known is None or not known.describes(file):
            beside.replace(file)
            write(file.with_suffix(".json"), made.as_json())
            return made
        if known.digests != made.digests:
            odd = [t for t, digest in made.digests.items() if known.digests.get(t) != digest]
            raise PublishError(
                f"{release}: the same inputs gave other numbers than when it was first built ({listed(odd)}). The "
                f"release in place stays. Please report it; to publish all the same, move {file.name} out of {place}."
            )
        return known
    finally:
        beside.unlink(missing_ok=True)


def roll_back(warehouse: Path, name: str, reason: str) -> Manifest:
    """Put an earlier release in place again.

    Parameters
    ----------
    warehouse : Path
    name : str
        As for `find`.
    reason : str
        Why; it is kept in the log. The release that stood is not published again unasked.

    Returns
    -------
    Manifest
        Of the release now in place.

    Raises
    ------
    UsageError
        There is no such release, or it stands already.
    PublishError
        Its kept file is damaged, or the disk refuses.
    """
    with _alone(warehouse), _disk(warehouse):
        manifest, stands = find(warehouse, name), publish.current_release(warehouse)
        if manifest.release_id == stands:
            raise UsageError(f"{stands}: it is the release in place. {ALL}")
        file = path_of(warehouse, manifest.release_id)
        if not manifest.describes(file):
            raise PublishError(f"{file}: it does not hold what its manifest says, so it is not put in place.")
        # Noted first: were we killed in between, the worse is a note of what has not happened yet.
        _note(warehouse, ROLLED_BACK, manifest.release_id, stands, reason)
        _exchange(file, warehouse)
    return manifest


def allow_again(warehouse: Path, release: str, reason: str) -> None:
    """Let a release that was gone back from be published again."""
    with _alone(warehouse), _disk(warehouse):
        _note(warehouse, AGAIN, release, None, reason)


def retain(warehouse: Path, keep: int) -> list[str]:
    """Delete all but the newest kept releases and return their names.

    Never deleted are the current release, the one before it, and the newest of real respondents, which the next one is
    held against.
    """
    found = kept(warehouse)
    real = [x.release_id for x in found if not x.is_synthetic]
    newest = [x.release_id for x in found[:keep]]
    staying = {publish.current_release(warehouse), previous(warehouse), *real[:1], *newest}
    gone = [x.release_id for x in found if x.release_id not in staying]
    for release in gone:
        # The manifest first: a file without one is no kept release.
        path_of(warehouse, release).with_suffix(".json").unlink(missing_ok=True)
        path_of(warehouse, release).unlink(missing_ok=True)
    return gone


@contextmanager
def _alone(warehouse: Path) -> Iterator[Path]:
    """Let one process at a time touch the releases; then clear away what killed ones left, and keep what stands."""
    place = folder(warehouse)
    with _disk(warehouse):
        for made in (place.parent, place):
            if not made.is_dir():
                made.mkdir(parents=True)
                made.chmod(publish.FOLDER_MODE)
        handle = os.open(place / ".lock", os.O_RDWR | os.O_CREAT, 0o600)
    with os.fdopen(handle) as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # the system lets go of it however the process ends
        with _disk(warehouse):
            _sweep(warehouse, place)
            _adopt(warehouse)
        yield place


def _sweep(warehouse: Path, place: Path) -> None:
    scraps = [*place.glob(".*.new*"), *place.glob(".*.writing"), *warehouse.parent.glob(f".{warehouse.name}.*")]
    scraps += [p for p in place.glob("*.duckdb") if not p.with_suffix(".json").is_file()]
    for scrap in scraps:
        scrap.unlink(missing_ok=True)


def _adopt(warehouse: Path) -> None:
    """Keep the release in place too when an earlier version of the program, which kept none, published it."""
    stands = publish.current_release(warehouse)
    if stands is None or path_of(warehouse, stands).is_file():
        return
    _copy(warehouse, path_of(warehouse, stands))
    write(path_of(warehouse, stands).with_suffix(".json"), Manifest.of(warehouse, None).as_json())


def _exchange(file: Path, warehouse: Path) -> None:
    # A log left by somebody who opened the released file for writing would keep the new one from opening.
    warehouse.with_name(warehouse.name + ".wal").unlink(missing_ok=True)
    _copy(file, warehouse)


def _copy(source: Path, target: Path) -> None:
    with _whole(target) as beside:
        shutil.copyfile(source, beside)


def write(target: Path, text: str) -> None:
    """Write a file beside the releases, there whole or not at all, with their permissions."""
    with _whole(target) as beside:
        beside.write_text(text, encoding="utf-8")


@contextmanager
def _whole(target: Path) -> Iterator[Path]:
    """Hand out a name to write to; what was written is then there under its own name, whole or not at all."""
    beside = target.with_name(f".{target.name}.writing")
    try:
        yield beside
        beside.chmod(publish.FILE_MODE)
        publish.sync(beside)
        beside.replace(target)
        publish.sync(target.parent)
    finally:
        beside.unlink(missing_ok=True)


def _note(warehouse: Path, action: str, release: str, replaced: str | None, reason: str) -> None:
    """Add a line to the log; the whole of it is written anew, so that no half line is ever there."""
    now = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
    line = dict(zip(LOG_COLUMNS, (now, user(), action, release, replaced or "", " ".join(reason.split())), strict=True))
    out = [*log(warehouse), line]
    write(folder(warehouse) / LOG, as_csv(LOG_COLUMNS, out))


def as_csv(columns: tuple[str, ...], lines: list[dict[str, Any]]) -> str:
    """Return lines as CSV text with a header."""
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(lines)
    return text.getvalue()


def user() -> str:
    """Return who is at work, for the log."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container may run under a number that has no name
        return f"user {os.getuid()}"


@contextmanager
def _disk(warehouse: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise PublishError(
            f"{warehouse.name}: the release could not be put in place ({os.strerror(error.errno or 0)}). The release "
            "in place stays. Put that right and run again."
        ) from None
