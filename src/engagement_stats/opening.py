"""Why a released file cannot be opened: another program writes to it, it is somebody else's, or it is damaged.

Belongs here: telling errors of DuckDB and of the disk apart, and saying them.
Not here: opening a file for one purpose or another (publish, contents, export_release, brief), and what is done then
(releases).
"""

import errno
import os
import re
from pathlib import Path

from engagement_stats.errors import (
    DamagedReleaseError,
    ForeignFileError,
    LockedReleaseError,
    PublishError,
    UnreadableReleaseError,
)

# Bytes 8 to 12 of every file of DuckDB.
MAGIC, MAGIC_AT = b"DUCK", 8
HOLDER = re.compile(r"held in (?P<program>.+?) \(PID (?P<process>\d+)\)")
LOCKED = ("Could not set lock", "different configuration than existing connections")
# What the system says of a disk that takes no more, wherever in a library's message it stands.
REFUSALS = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO)
ANOTHER = "Name another with --warehouse, or move it away."


def explained(path: Path, error: Exception) -> UnreadableReleaseError:
    """Return the error to raise for a released file that DuckDB did not open, or that lacks what every release has.

    Parameters
    ----------
    path : Path
    error : Exception
        Of DuckDB; its message may quote cells and is not shown.
    """
    said = str(error)
    if any(words in said for words in LOCKED):
        found = HOLDER.search(said)
        holder = f" ({Path(found['program']).name}, process {found['process']})" if found else ""
        return LockedReleaseError(
            f"{path}: it is open for writing in another program{holder}, which lets nobody else read it. Close it "
            "there, or open it there for reading only, and try again."
        )
    try:
        with path.open("rb") as file:
            start = file.read(MAGIC_AT + len(MAGIC))
    except OSError as refused:
        return UnreadableReleaseError(
            f"{path}: not a release of this program; it cannot be read ({os.strerror(refused.errno or 0)})."
        )
    if not start:
        return DamagedReleaseError(f"{path}: not a release of this program: the file is empty. Move it away and `run`.")
    if start[MAGIC_AT:] != MAGIC:
        return ForeignFileError(f"{path}: not a release of this program, nor a file of DuckDB. {ANOTHER}")
    if type(error).__name__ in ("CatalogException", "BinderException"):
        return ForeignFileError(f"{path}: not a release of this program, but another DuckDB database. {ANOTHER}")
    return damaged(path)


def damaged(path: Path) -> DamagedReleaseError:
    """Return the error to raise for a DuckDB file whose content cannot be relied on."""
    return DamagedReleaseError(
        f"{path}: not a release of this program that can be read; the file is damaged. Move it away, and make it again "
        "with `run`, or put a kept one in its place with `releases rollback`."
    )


def no_file(path: Path) -> ForeignFileError:
    """Return the error to raise for a folder or a device under the name of the released file."""
    return ForeignFileError(f"{path}: it is not a file, so no release can be put in its place. {ANOTHER}")


def refusal(error: Exception) -> str:
    """Say why nothing could be written, in the system's words where the error has them: "No space left on device"."""
    if isinstance(error, OSError) and error.errno:
        return os.strerror(error.errno)
    said = str(error)
    return next((os.strerror(n) for n in REFUSALS if os.strerror(n) in said), type(error).__name__)


def refused(where: Path, error: Exception) -> PublishError:
    """Return the error to raise when the disk refuses a file of a release, naming it."""
    named = getattr(error, "filename2", None) or getattr(error, "filename", None) or where
    return PublishError(
        f"{named}: it could not be written or read ({refusal(error)}). The release in place stays. Put that right and "
        "run again."
    )
