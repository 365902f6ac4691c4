"""Open deposited files safely, and hold them to what their depositor stated of them.

Belongs here: what a landed file is, opening it without being led elsewhere, its SHA-256 (remembered across runs), and
the source manifest.
Not here: which wave a file belongs to and reading it (ingest).

A landing folder is written to by others. A name in it may be a pipe that never ends, a link to another place, or may
be changed while it is read, so a file is opened once, looked at when open, and read through that descriptor.
"""

import csv
import hashlib
import json
import os
import re
import stat
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from engagement_stats.errors import IngestError

MANIFEST = "manifest.csv"
LARGEST_FILE, LARGEST_MANIFEST = 4 * 2**30, 2**20
SHA256 = re.compile(r"^[0-9a-f]{64}$")
COUNT = re.compile(r"^[0-9]{1,9}$")
# A file changed so recently may change again without its time moving on; its digest is not remembered.
RACY_NANOSECONDS = 2_000_000_000
KINDS = (
    (stat.S_ISLNK, "a link"), (stat.S_ISDIR, "a folder"), (stat.S_ISFIFO, "a named pipe"), (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"), (stat.S_ISBLK, "a device"),
)  # fmt: skip
Identity = tuple[int, int, int, int, int]


@dataclass(frozen=True, slots=True)
class Stated:
    """What a depositor says of a file: its SHA-256, and how many rows and columns it has."""

    sha256: str | None = None
    rows: int | None = None
    columns: int | None = None


@dataclass(frozen=True, slots=True)
class LandedFile:
    """A file, or the member of a zip file, below a landing folder (`root`); without a root, one a user named.

    `stated` is what the landing folder's manifest says of the file, `archive` what it says of the zip.
    """

    path: Path
    member: str | None = None
    root: Path | None = field(default=None, compare=False)
    stated: Stated = field(default=Stated(), compare=False)
    archive: Stated = field(default=Stated(), compare=False)

    @property
    def name(self) -> str:
        """The name a message uses: the file's own, after that of its zip."""
        return self.path.name if self.member is None else f"{self.path.name}/{self.member}"

    @property
    def below(self) -> str:
        """Where it lies below its landing folder, as the manifest spells it."""
        place = self.path.relative_to(self.root) if self.root else self.path
        return place.as_posix() if self.member is None else f"{place.as_posix()}/{self.member}"

    @property
    def sha256(self) -> str | None:
        """The digest its depositor stated: of the file on disk, which of a member is the zip."""
        return self.stated.sha256 if self.member is None else self.archive.sha256

    @property
    def base(self) -> str:
        """The file's name without any folder, which the patterns of the catalogue are matched against."""
        return self.path.name if self.member is None else PurePosixPath(self.member).name


@dataclass(frozen=True, slots=True)
class Opened:
    """A regular file that is open for reading, as it was when it was opened."""

    descriptor: int
    identity: Identity
    size: int

    def is_unchanged(self) -> bool:
        """Say whether nobody has written to it since."""
        return _identity(os.fstat(self.descriptor)) == self.identity


def _identity(about: os.stat_result) -> Identity:
    return about.st_dev, about.st_ino, about.st_size, about.st_mtime_ns, about.st_ctime_ns


def kind_of(mode: int) -> str:
    """Name what is not a regular file."""
    return next((name for test, name in KINDS if test(mode)), "no regular file")


@contextmanager
def opened(file: LandedFile, where: str) -> Iterator[Opened]:
    """Open a regular file for reading; of one below a landing folder no link is followed on the way.

    Raises
    ------
    IngestError
        It is not there, cannot be opened, is not a regular file, or is too large.
    """
    try:
        descriptor = _inside(file.root, file.path) if file.root else _regular(file.path, None)
    except _IrregularError as error:
        raise IngestError(
            f"{where}: {file.path.name} is not a file that can be read. Got {error}; expected a regular file. Put the "
            "file itself there."
        ) from None
    except FileNotFoundError:
        raise IngestError(
            f"{where}: {file.path} is not a file: there is no such file. Give the path of a survey file."
        ) from None
    except PermissionError:
        raise IngestError(f"{where}: the file cannot be opened. Give its reader permission.") from None
    except (OSError, ValueError):  # links that lead in a circle, a NUL in the name, a folder that is a file
        raise IngestError(f"{where}: the file cannot be opened. Its path leads to no regular file.") from None
    try:
        about = os.fstat(descriptor)
        if about.st_size > LARGEST_FILE:
            raise IngestError(
                f"{where}: the file is too large. Got {about.st_size:,} bytes; expected at most {LARGEST_FILE:,}."
            )
        yield Opened(descriptor, _identity(about), about.st_size)
    finally:
        os.close(descriptor)


class _IrregularError(Exception):
    """Not a regular file; the message says what instead."""


def _regular(path: Path | str, folder: int | None) -> int:
    """Open a regular file; nothing else is opened at all, as opening a device or pipe can do things or wait."""
    follow = folder is None
    about = os.stat(path, dir_fd=folder, follow_symlinks=follow)
    if stat.S_ISREG(about.st_mode):
        flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | (0 if follow else os.O_NOFOLLOW)
        descriptor = os.open(path, flags, dir_fd=folder)
        about = os.fstat(descriptor)
        if stat.S_ISREG(about.st_mode):
            return descriptor
        os.close(descriptor)
    raise _IrregularError(kind_of(about.st_mode))


def _inside(root: Path, path: Path) -> int:
    """Open a file step by step from its root, so that no step can be a link out of it."""
    *folders, last = path.relative_to(root).parts
    if ".." in (*folders, last):
        raise _IrregularError("a path out of the landing folder")
    at = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for name in folders:
            if stat.S_ISLNK(os.stat(name, dir_fd=at, follow_symlinks=False).st_mode):
                raise _IrregularError("a link on the way to it")
            inner = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC | os.O_NOFOLLOW, dir_fd=at)
            os.close(at)
            at = inner
        return _regular(last, at)
    finally:
        os.close(at)


class Digests:
    """The SHA-256 of files, remembered for as long as the file system says a file is the same.

    Parameters
    ----------
    notes : Path, optional
        Where they are remembered between runs, in a private folder; nowhere when not given or the folder is not there.
    """

    def __init__(self, notes: Path | None = None) -> None:
        self._notes = notes
        self._known: dict[str, tuple[Identity, str]] = {}
        self._is_new = False
        if notes is not None:
            # Notes that cannot be read are no notes: the files are read again.
            with suppress(OSError, ValueError, TypeError, AttributeError):
                noted = json.loads(notes.read_text(encoding="utf-8"))
                self._known = {str(k): (tuple(v[0]), str(v[1])) for k, v in noted.items()}

    def of(self, file: LandedFile, where: str) -> str:
        """Return the SHA-256 of a file (of the zip, for a member), hexadecimal."""
        with opened(file, where) as source:
            return self.of_opened(file, source, where)

    def of_opened(self, file: LandedFile, source: Opened, where: str) -> str:
        """Return the SHA-256 of a file that is open."""
        key = str(file.path.absolute())
        known = self._known.get(key)
        if known is not None and known[0] == source.identity:
            return known[1]
        now = time.time_ns()
        with os.fdopen(os.dup(source.descriptor), "rb") as handle:
            handle.seek(0)
            found = hashlib.file_digest(handle, "sha256").hexdigest()
        if not source.is_unchanged():
            raise changed(where)
        # A time of last change that lies in the future is as little to be trusted as one just now.
        if max(source.identity[3:]) < now - RACY_NANOSECONDS:
            self._known[key] = (source.identity, found)
            self._is_new = True
        return found

    def save(self) -> None:
        """Remember what was found, for the owner only; a store that cannot be written to costs time, not the run."""
        if not self._is_new or self._notes is None or not self._notes.parent.is_dir():
            return
        kept = {k: v for k, v in self._known.items() if os.path.lexists(k)}
        with suppress(OSError):
            handle, temporary = tempfile.mkstemp(dir=self._notes.parent, prefix=".digests-")
            try:
                with os.fdopen(handle, "w", encoding="utf-8") as out:
                    json.dump(kept, out)
                Path(temporary).replace(self._notes)
            finally:
                Path(temporary).unlink(missing_ok=True)
        self._is_new = False


def changed(where: str) -> IngestError:
    """Return the error for a file that somebody writes to while it is read."""
    return IngestError(f"{where}: the file changed while it was read. Wait until it is copied, and run again.")


def manifest(root: Path) -> Mapping[str, Stated]:
    """Read the manifest of a landing folder: CSV with the columns file, sha256, rows and columns; empty if not stated.

    Returns
    -------
    mapping of str to Stated
        By the file's place below the folder (`8867tab.zip`, or `8867tab.zip/tab/x.tab` of a member); empty without a
        manifest.

    Raises
    ------
    IngestError
        It cannot be read, or a line of it is not as it must be; all that are wrong are named by line.
    """
    path = root / MANIFEST
    if not os.path.lexists(path):
        return {}
    with opened(LandedFile(path, root=root), MANIFEST) as source:
        content = os.pread(source.descriptor, LARGEST_MANIFEST + 1, 0)
    if len(content) > LARGEST_MANIFEST:
        raise IngestError(f"{MANIFEST}: the manifest is too large. Expected at most {LARGEST_MANIFEST:,} bytes.")
    try:
        lines = list(csv.reader(content.decode("utf-8-sig").splitlines(), strict=True))
    except (UnicodeDecodeError, csv.Error):
        raise IngestError(f"{MANIFEST}: the manifest is not CSV in UTF-8. Save it as that.") from None
    columns = ["file", "sha256", "rows", "columns"]
    if not lines or lines[0] != columns:
        raise IngestError(f"{MANIFEST}: the first line is wrong. Expected {','.join(columns)}.")
    found: dict[str, Stated] = {}
    problems = []
    for number, line in enumerate(lines[1:], start=2):
        if not line:
            continue
        if problem := _wrong(line, found):
            problems.append(f"line {number} {problem}")
        else:
            name, digest, rows, width = line
            found[name] = Stated(digest or None, int(rows) if rows else None, int(width) if width else None)
    if problems:
        raise IngestError(f"{MANIFEST}: {len(problems)} line(s) are wrong. {'; '.join(problems[:5])}. Correct them.")
    return found


def _wrong(line: list[str], before: Mapping[str, Stated]) -> str:
    """Say what is wrong with a line of a manifest; nothing if it is right."""
    if len(line) != 4:
        return f"has {len(line)} fields instead of 4"
    name, digest, *counts = line
    place = PurePosixPath(name)
    if not name or name != str(place) or place.is_absolute() or ".." in place.parts:
        return "does not name a file below the landing folder, as in sub/file.tab"
    if name in before:
        return "names a file that an earlier line names"
    if digest and not SHA256.match(digest):
        return "has a sha256 that is not 64 hexadecimal digits in lower case"
    if any(c and not COUNT.match(c) for c in counts):
        return "has a number of rows or columns that is not a whole number"
    if not (digest or any(counts)):
        return "states nothing of its file"
    return ""


def check_digest(file: LandedFile, digest: str, where: str) -> None:
    """Refuse a file whose SHA-256 is not the one its depositor stated.

    Raises
    ------
    IngestError
        They differ; both are shown.
    """
    stated = file.sha256
    if stated is not None and stated != digest:
        raise IngestError(
            f"{where}: the file is not the one {MANIFEST} states. Got sha256 {digest}; expected {stated}. It is "
            "damaged, cut short or another edition; deposit it again, or correct the manifest."
        )


def check_size(stated: Stated, source: str, where: str, *, rows: int, columns: int) -> None:
    """Refuse a file that does not have the rows and columns that `source` states.

    Raises
    ------
    IngestError
        It names the number that differs.
    """
    for what, got, expected in (("rows", rows, stated.rows), ("columns", columns, stated.columns)):
        if expected is not None and got != expected:
            raise IngestError(
                f"{where}: the file does not have the number of {what} that {source} states. Got {got:,}; expected "
                f"{expected:,}. It is cut short or another edition; deposit it again, or correct the number."
            )
