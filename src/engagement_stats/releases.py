"""Keep every release beside the current one, say which stands, and go back to an earlier one.

Belongs here: the folder of kept releases and its log, the exchange of the current file, retention.
Not here: building a release's file (publish), what is said of one (manifest), whether it may be published
(corrections), how a file is written whole (shelf).

`warehouse/engagement_stats.duckdb` is the release analysts open: one name, replaced in one step. Beside it,
`warehouse/releases/` holds `<release>.duckdb`, never written again once published, its manifest `<release>.json`, and
`log.csv`. The current file is a copy of a kept one and not a link to it, so that nothing done to it reaches what is
kept.
"""

import difflib
import fcntl
import getpass
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd

from engagement_stats import journal, publish, shelf
from engagement_stats.errors import DamagedReleaseError, LockedReleaseError, PublishError, UsageError, listed
from engagement_stats.manifest import Manifest

DEFAULT_NAME = "engagement_stats.duckdb"
LOG = "log.csv"
LOG_COLUMNS = ("at", "by", "action", "release", "replaced", "reason")
PUBLISHED, ROLLED_BACK, AGAIN = "published", "rolled back", "to be published again"
PUT = (PUBLISHED, ROLLED_BACK)
FOUND = "Found in place; nothing had been noted of it."
# Going back can be urgent, so that it does not wait for words.
UNSAID = "No reason was given."
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
    names = [p for p in folder(warehouse).glob("*.json") if shelf.RELEASE.fullmatch(p.stem)]
    # One may be deleted by a run that publishes just now.
    found = [Manifest.read(p) for p in names if p.is_file() and p.with_suffix(".duckdb").is_file()]
    return sorted(found, key=lambda x: (x.built_at, x.release_id), reverse=True)


def log(warehouse: Path) -> list[dict[str, str]]:
    """Return the lines of the log, oldest first.

    Raises
    ------
    PublishError
        It is damaged; the line is named.
    """
    path = folder(warehouse) / LOG
    lines = journal.read(path, LOG_COLUMNS, LOG_COLUMNS)
    for at, line in lines:
        if line["action"] not in (*PUT, AGAIN) or not line["release"]:
            expected = f"Expected a release, and {', '.join(PUT)} or {AGAIN} as action."
            raise PublishError(f"{path} line {at}: not a line of the log. {expected} {journal.MEND}")
    return [line for _, line in lines]


def _put_last(warehouse: Path) -> str | None:
    """Return the release that was put in place last, by the log."""
    return next((x["release"] for x in reversed(log(warehouse)) if x["action"] in PUT), None)


def current(warehouse: Path) -> publish.Standing | None:
    """Return the release in place, None when there is none.

    Of a file that is damaged, or open for writing in another program, the log says which release it is.

    Raises
    ------
    UnreadableReleaseError
        The file is not ours, or nothing here tells that it is.
    """
    try:
        return publish.standing(warehouse)
    except (LockedReleaseError, DamagedReleaseError) as error:
        last = _put_last(warehouse)
        told = next((x for x in kept(warehouse) if x.release_id == last), None)
        if told is None:
            raise
        is_damaged = isinstance(error, DamagedReleaseError)
        return publish.Standing(told.release_id, told.is_synthetic, tuple(told.inputs), is_damaged)


def current_release(warehouse: Path) -> str | None:
    """Return the name of the release in place, None when there is none; as `current`."""
    found = current(warehouse)
    return found.release if found else None


def ready(warehouse: Path) -> publish.Standing | None:
    """Say what stands before anything is built, having put right what can be, or refuse what would fail at the end."""
    stands = current(warehouse)
    kept(warehouse)
    if stands is None or (not stands.is_damaged and _put_last(warehouse) == stands.release):
        return stands
    with _alone(warehouse):
        return current(warehouse)


def published(warehouse: Path) -> set[str]:
    """Return the releases that were ever in place; a kept one may have been built and not published."""
    lines = [x for x in log(warehouse) if x["action"] in PUT]
    return {x[side] for x in lines for side in ("release", "replaced")} | {current_release(warehouse) or ""}


def previous(warehouse: Path) -> str | None:
    """Return the release that the current one took the place of, None when that is not known."""
    stands = current_release(warehouse)
    lines = [x for x in log(warehouse) if x["release"] == stands and x["action"] in PUT]
    came = [x["replaced"] for x in lines if x["replaced"] != stands]
    if came:
        return came[-1] or None
    # Killed before it could be noted.
    return next((x.previous for x in kept(warehouse) if x.release_id == stands), None)


def withdrawn(warehouse: Path) -> dict[str, dict[str, str]]:
    """Return the releases gone back from and not asked for again, each with the line of the log that says so."""
    found: dict[str, dict[str, str]] = {}
    for line in log(warehouse):
        found.pop(line["release"], None)
        if line["action"] == ROLLED_BACK and line["replaced"]:
            found[line["replaced"]] = line
    return found


def gone_back(line: Mapping[str, str]) -> str:
    """Say that a release which would be made again was gone back from, by the line of the log, and what can be done."""
    reason = line["reason"]
    told = reason if reason == UNSAID else f'"{reason}"{"" if reason.endswith((".", "!", "?")) else "."}'
    return (
        f"release: {line['replaced']} is what the inputs give, but {line['by']} went back from it to {line['release']} "
        f"on {line['at'][:10]}: {told} It is not published again unasked. Put right what was wrong, or "
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
    named = {CURRENT: current_release(warehouse), PREVIOUS: previous(warehouse)}
    wanted = named.get(name, name)
    if wanted is None and name == PREVIOUS and len(known) == 1:
        raise UsageError(f"{name}: only one release is kept ({next(iter(known))}); there is nothing before it. {ALL}")
    if wanted is None:
        raise UsageError(f"{name}: there is no such release of {warehouse}. {ALL}")
    matches = [known[wanted]] if wanted in known else [x for k, x in known.items() if k.startswith(wanted)]
    if len(matches) == 1:
        return matches[0]
    if matches:
        several = listed([x.release_id for x in matches])
        raise UsageError(f"{name}: several releases begin so ({several}). Give more of it.")
    there = [k for k, release in named.items() if release in known]
    near = difflib.get_close_matches(wanted, [*there, *known], n=3, cutoff=0.3) or list(known)
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
    with _alone(warehouse) as place:
        stands = current_release(warehouse)
        if stands != replaces:
            raise PublishError(
                f"{warehouse.name}: release {stands} was put in place while this one ({release}) was being made. "
                "Run again."
            )
        manifest = _keep(frames, release, place, stands)
        _exchange(path_of(warehouse, release), warehouse)
        _note(warehouse, PUBLISHED, release, stands, "")
        retain(warehouse, keep)
    return manifest


def _keep(frames: Mapping[str, pd.DataFrame], release: str, place: Path, stands: str | None) -> Manifest:
    """Build a release in the folder of kept ones; one of its name that is whole stays as it is."""
    beside, file = shelf.new(place, release), place / f"{release}.duckdb"
    before = _whole(place / f"{stands}.duckdb") if stands else None
    publish.build(frames, release, beside)
    try:
        made = replace(Manifest.of(beside, before), previous=stands)
        known = _known(file)
        if known is None or not known.describes(file):
            beside.replace(file)
            shelf.write(file.with_suffix(".json"), made.as_json())
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


def _known(file: Path) -> Manifest | None:
    """Return the manifest of a kept file, None when it has none."""
    manifest = file.with_suffix(".json")
    return Manifest.read(manifest) if file.is_file() and manifest.is_file() else None


def _whole(file: Path) -> Path | None:
    """Return a kept file if it holds what its manifest says."""
    known = _known(file)
    return file if known is not None and known.describes(file) else None


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
    find(warehouse, name)  # before anything is made: the folder may be a slip of the keys
    with _alone(warehouse):
        stands = current(warehouse)
        manifest = find(warehouse, name)
        if stands is not None and stands.release == manifest.release_id and not stands.is_damaged:
            raise UsageError(f"{stands.release}: it is the release in place. {ALL}")
        file = path_of(warehouse, manifest.release_id)
        if not manifest.describes(file):
            raise PublishError(f"{file}: it does not hold what its manifest says, so it is not put in place.")
        # Of a file that is gone the log says what it was.
        stood = stands.release if stands else _put_last(warehouse)
        # Noted first: were we killed in between, the worse is a note of what has not happened yet.
        _note(warehouse, ROLLED_BACK, manifest.release_id, stood if stood != manifest.release_id else None, reason)
        _exchange(file, warehouse)
    return manifest


def allow_again(warehouse: Path, release: str, reason: str) -> None:
    """Let a release that was gone back from be published again."""
    with _alone(warehouse):
        _note(warehouse, AGAIN, release, None, reason)


def keep_beside(warehouse: Path, name: str, text: str) -> None:
    """Write a file beside the kept releases, while no other process touches them."""
    with _alone(warehouse) as place:
        shelf.write(place / name, text)


def retain(warehouse: Path, keep: int) -> list[str]:
    """Delete all but the newest kept releases and return their names.

    Never deleted are the current release, the one before it, and the newest of real respondents, which the next one is
    held against.
    """
    found, ever = kept(warehouse), published(warehouse)
    real = [x.release_id for x in found if not x.is_synthetic and x.release_id in ever]
    newest = [x.release_id for x in found[:keep]]
    staying = {current_release(warehouse), previous(warehouse), *real[:1], *newest}
    gone = [x.release_id for x in found if x.release_id not in staying]
    for release in gone:
        # The manifest first: a file without one is no kept release.
        path_of(warehouse, release).with_suffix(".json").unlink(missing_ok=True)
        path_of(warehouse, release).unlink(missing_ok=True)
    return gone


@contextmanager
def _alone(warehouse: Path) -> Iterator[Path]:
    """Let one process at a time touch the releases; then clear away what killed ones left, and mend what can be."""
    place = folder(warehouse)
    current(warehouse)  # before anything is made: what is there may not be ours
    with shelf.disk(place):
        for made in (place.parent, place):
            if not made.is_dir():
                made.mkdir(parents=True)
                made.chmod(publish.FOLDER_MODE)
        handle = os.open(place / ".lock", os.O_RDWR | os.O_CREAT, 0o600)
        with os.fdopen(handle) as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # the system lets go of it however the process ends
            shelf.sweep(warehouse, place)
            _mend(warehouse, place)
            yield place


def _mend(warehouse: Path, place: Path) -> None:
    """Bring back what is lost and can be told from the rest: manifests, a damaged copy of two, a line of the log."""
    for file in place.glob("*.duckdb"):
        _describe(file)
    stands = current(warehouse)
    if stands is None:
        return
    file = path_of(warehouse, stands.release)
    known = _known(file)
    # An earlier version of the program kept none, or it is damaged and lost its manifest too.
    if known is None:
        shelf.copy(warehouse, file)
        _describe(file)
    # The copy in place may be the last that is whole, and is about to go.
    elif known is not None and not known.describes(file) and known.describes(warehouse):
        shelf.copy(warehouse, file)
    elif stands.is_damaged and _whole(file):
        _exchange(file, warehouse)
    last = _put_last(warehouse)
    if last != stands.release:
        _note(warehouse, PUBLISHED, stands.release, last, FOUND)


def _describe(file: Path) -> None:
    """Write the manifest of a kept release that lost it; a file that is no release of its name is left alone."""
    manifest = file.with_suffix(".json")
    if os.path.lexists(manifest) or not file.is_file() or not shelf.RELEASE.fullmatch(file.stem):
        return
    try:
        made = Manifest.of(file, None)
    except PublishError:
        return
    if made.release_id == file.stem:
        shelf.write(manifest, made.as_json())


def _exchange(file: Path, warehouse: Path) -> None:
    # A log left by somebody who opened the released file for writing would keep the new one from opening.
    warehouse.with_name(warehouse.name + ".wal").unlink(missing_ok=True)
    shelf.copy(file, warehouse)


def _note(warehouse: Path, action: str, release: str, replaced: str | None, reason: str) -> None:
    """Add a line to the log; the whole of it is written anew, so that no half line is ever there."""
    now = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
    line = dict(zip(LOG_COLUMNS, (now, user(), action, release, replaced or "", " ".join(reason.split())), strict=True))
    out = [*log(warehouse), line]
    shelf.write(folder(warehouse) / LOG, journal.as_csv(LOG_COLUMNS, out))


def user() -> str:
    """Return who is at work, for the log."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container may run under a number that has no name
        return f"user {os.getuid()}"
