"""List and unpack the members of a zip archive without believing what it says of itself.

Belongs here: which archives are refused, and one member's bytes copied into a file the caller gives.
Not here: which member belongs to a wave (ingest), and what the member is (detect, the readers).

Nothing is ever written under a name that stands in an archive. An archive with one suspect member is refused whole:
whoever trusts it can unpack it by hand and deposit the files.
"""

import io
import re
import stat
import unicodedata
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from engagement_stats.errors import IngestError, listed
from engagement_stats.readers import detect

MAX_ENTRIES, MAX_DIRECTORY, MAX_MEMBER = 10_000, 4 << 20, 4 << 30
# Deflate packs at most 1,032 to one. A wide survey file of few codes may reach a hundred or two.
MAX_RATIO, SMALL = 300, 16 << 20
CHUNK = 1 << 20
ARCHIVES = (".zip", ".gz", ".tgz", ".bz2", ".xz", ".7z", ".rar", ".tar", ".zst")
ENCRYPTED = 0x1 | 0x40
DRIVE = re.compile(r"^[A-Za-z]:")
BY_HAND = "Unpack it by hand if you trust it, and deposit the files."
# Whatever zipfile raises about an archive that is damaged or made to harm.
UNSOUND = (zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, EOFError, OSError, RuntimeError, ValueError)


class _Bounded(io.BufferedReader):
    """A file of which no read returns more than an archive's directory may take."""

    def read(self, size: int | None = -1, /) -> bytes:
        wanted = MAX_DIRECTORY + 1 if size is None or size < 0 else size
        if size is not None and size > MAX_DIRECTORY:
            raise zipfile.BadZipFile
        got = super().read(wanted)
        if len(got) > MAX_DIRECTORY:
            raise zipfile.BadZipFile
        return got


@contextmanager
def _opened(path: Path, where: str) -> Iterator[zipfile.ZipFile]:
    """Open an archive, turning whatever goes wrong with it into an error of ours."""
    try:
        with _Bounded(io.FileIO(path)) as handle, zipfile.ZipFile(handle) as archive:
            yield archive
    except IngestError:
        raise
    except UNSOUND as error:
        raise IngestError(
            f"{where}: the zip archive is damaged, cut short or not one ({type(error).__name__}). Download it again."
        ) from None


def _is_outside(name: str) -> bool:
    return name.startswith("/") or DRIVE.match(name) is not None or "\\" in name or ".." in name.split("/")


def _is_hidden(name: str) -> bool:
    return any(part.startswith(".") or part == "__MACOSX" for part in name.split("/"))


def _is_special(entry: zipfile.ZipInfo) -> bool:
    """Tell links and devices from files and folders; archives not made under Unix say nothing of it."""
    kind = stat.S_IFMT(entry.external_attr >> 16)
    return kind not in (0, stat.S_IFREG, stat.S_IFDIR)


def _is_swollen(entry: zipfile.ZipInfo) -> bool:
    return entry.file_size > MAX_MEMBER or (
        entry.file_size > SMALL and entry.file_size > MAX_RATIO * max(entry.compress_size, 1)
    )


def _check(entries: Sequence[zipfile.ZipInfo], where: str) -> None:
    """Refuse an archive with an entry that no data service would send; one problem after another is named."""
    if len(entries) > MAX_ENTRIES:
        raise IngestError(
            f"{where}: the zip archive has too many members. Got {len(entries):,}; expected at most {MAX_ENTRIES:,}. "
            f"{BY_HAND}"
        )
    names = [unicodedata.normalize("NFC", e.filename).casefold().rstrip("/") for e in entries]
    problems = {
        "a name that leads out of the archive": [_is_outside(e.filename) for e in entries],
        "a name that is not plain text": [not e.orig_filename.isprintable() for e in entries],
        "a link or device": [_is_special(e) for e in entries],
        "a password": [bool(e.flag_bits & ENCRYPTED) for e in entries],
        "an archive within": [n.endswith(ARCHIVES) for n in names],
        "more unpacked than its packed bytes can honestly hold": [_is_swollen(e) for e in entries],
        "a way of packing other than deflate": [
            e.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) for e in entries
        ],
    }
    found = [f"{what} (member {listed(_numbers(hits))})" for what, hits in problems.items() if any(hits)]
    if len(set(names)) < len(names):
        found.append("two members of one name")
    if found:
        raise IngestError(
            f"{where}: the zip archive is refused. Got {'; '.join(found)}; expected plain files, each once. {BY_HAND}"
        )


def _numbers(hits: Sequence[bool]) -> list[int]:
    return [number for number, hit in enumerate(hits, 1) if hit]


def members(path: Path, where: str) -> list[str]:
    """List the files of an archive, once the whole of it is found safe to list.

    Parameters
    ----------
    path : Path
        The archive.
    where : str
        What messages name.

    Returns
    -------
    list of str
        Names of files with their folders, in the archive's order; folders, hidden files and what a Mac adds are left
        out.

    Raises
    ------
    IngestError
        Not a sound zip archive, or one with a suspect member: a name that leads out of it, a link, a name given
        twice, a password, another archive, more than it can honestly hold, too many members.
    """
    with _opened(path, where) as archive:
        entries = archive.infolist()
        _check(entries, where)
        return [e.filename for e in entries if not e.is_dir() and not _is_hidden(e.filename)]


def checksum(path: Path, member: str, where: str) -> tuple[int, int]:
    """Return the size and the CRC-32 of a member as the archive states them; unpacking proves both."""
    with _opened(path, where) as archive:
        entry = archive.getinfo(member)
        return entry.file_size, entry.CRC


def only_member(path: Path, where: str) -> str:
    """Return the one file of data in an archive.

    Raises
    ------
    IngestError
        As `members`; or no file of a format that can be read, or more than one.
    """
    data = [name for name in members(path, where) if PurePosixPath(name).suffix.lower() in detect.SUFFIXES]
    if len(data) != 1:
        raise IngestError(
            f"{where}: which file of the zip archive is meant is not clear. Got {listed(data) or 'no file of data'}; "
            f"expected one file of data. Name it, or unpack it and deposit it alone."
        )
    return data[0]


def extract(path: Path, member: str, to: BinaryIO, where: str) -> None:
    """Copy the bytes of one member into an open file, counting them.

    Parameters
    ----------
    path : Path
        The archive.
    member : str
        As `members` names it.
    to : binary file
        Open for writing; what was written before an error is of no use.
    where : str
        What messages name.

    Raises
    ------
    IngestError
        As `members`; or no such member, other bytes than its checksum, or another size than it states.
    """
    with _opened(path, where) as archive:
        _check(archive.infolist(), where)
        try:
            entry = archive.getinfo(member)
        except KeyError:
            raise IngestError(f"{where}: the zip archive has no member {member}. Deposit the right archive.") from None
        written = 0
        with archive.open(entry) as handle:
            while chunk := handle.read(CHUNK):
                written += len(chunk)
                if written > entry.file_size:
                    break
                to.write(chunk)
        if written != entry.file_size:
            raise IngestError(
                f"{where}: a member of the zip archive is not what the archive says. Got {written:,} bytes; expected "
                f"{entry.file_size:,}. Download it again."
            )
