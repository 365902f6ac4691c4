"""Find the files that have landed, and the waves they belong to.

Belongs here: matching files, and members of zip files, to waves by the catalogue's patterns; the one file of a wave;
the file a user means by a path; the data dictionary beside a file.
Not here: opening files (deposit), reading them (ingest), and where a wave stands (status).
"""

import fnmatch
import os
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from engagement_stats import deposit
from engagement_stats.deposit import Digests, LandedFile, Stated
from engagement_stats.errors import IngestError, UsageError, listed
from engagement_stats.readers import archive, dictionary

if TYPE_CHECKING:
    from engagement_stats.catalogue import model as m

ZIP, NO_TAKER = ".zip", "no wave claims it"


@dataclass(frozen=True, slots=True)
class Unclaimed:
    """A file that no wave claims, and why."""

    file: LandedFile
    reason: str


@dataclass(frozen=True)
class Landing:
    """What lies in a data folder: the files each wave claims, and those that none does."""

    claimed: Mapping[str, tuple[LandedFile, ...]]
    unclaimed: tuple[Unclaimed, ...]


def _unreadable(error: OSError) -> None:
    """Stop at a folder that cannot be listed: a wave in it would seem not to have landed."""
    name = Path(error.filename).name if error.filename else "a folder"
    raise IngestError(
        f"data: the folder {name} cannot be read. Give its reader permission, or move it elsewhere."
    ) from None


def _entries(folder: Path) -> Iterator[Path]:
    """Whatever lies below a folder and is no folder, in a fixed order; links among it, and not followed."""
    for base, folders, names in os.walk(folder, followlinks=False, onerror=_unreadable):
        folders[:] = sorted(f for f in folders if not f.startswith("."))
        links = [f for f in folders if (Path(base) / f).is_symlink()]
        for name in sorted([*names, *links]):
            if not name.startswith("."):
                yield Path(base) / name


@lru_cache(maxsize=256)
def _members(path: Path, identity: tuple[int, int, int]) -> tuple[str, ...]:
    """List a zip file once in a process for as long as the file system says it is the same."""
    return tuple(archive.members(path, path.name))


def members(path: Path) -> tuple[str, ...]:
    """Return the names of the files in a zip.

    Raises
    ------
    IngestError
        It is no zip, or one that is not to be unpacked.
    """
    about = path.stat()
    return _members(path, (about.st_ino, about.st_size, about.st_mtime_ns))


def _looked_at(path: Path, root: Path) -> tuple[list[LandedFile], str]:
    """Return what a wave may claim of an entry of the landing folder, and why nobody else may where it is nothing."""
    if path.is_symlink():
        return [], "a link, not followed"
    if not path.is_file():
        return [], f"{deposit.kind_of(path.lstat().st_mode)}, not read"
    if path.suffix.lower() != ZIP:
        return [LandedFile(path, root=root)], NO_TAKER
    try:
        return [LandedFile(path, name, root) for name in members(path)], "no wave claims a file in it"
    except IngestError as error:
        return [], str(error)


def find(folder: Path, waves: "Mapping[str, m.MicrodataWave | m.TablesWave]") -> Landing:
    """Match the files below a folder, and those in zip files there, to the waves that claim them.

    Parameters
    ----------
    folder : Path
        Searched to any depth; hidden files are passed over, symbolic links not followed and claimed by nobody.
    waves : mapping of str to MicrodataWave or TablesWave
        A wave claims the files whose names match the first of its patterns that any file matches, letter case
        ignored.

    Returns
    -------
    Landing
        Every wave's files (several are the caller's to refuse) and the files of nobody. The manifest is neither.

    Raises
    ------
    UsageError
        The folder does not exist.
    IngestError
        A folder below it or its manifest cannot be read.
    """
    if not folder.is_dir():
        raise UsageError(f"data: the folder {folder} does not exist. Make it, or give another with --data.")
    stated = deposit.manifest(folder)
    # A wave's files under the place of their pattern in its list, which is an order of preference.
    claimed: dict[str, dict[int, list[LandedFile]]] = {wave: {} for wave in waves}
    unclaimed = []
    patterns = [
        (wave, place, p.lower())
        for wave, entry in waves.items()
        if entry.file
        for place, p in enumerate(entry.file.pattern)
    ]
    for path in _entries(folder):
        if path == folder / deposit.MANIFEST:
            continue
        files, reason = _looked_at(path, folder)
        takers = [
            (wave, place, file)
            for file in files
            for wave, place, pattern in patterns
            if fnmatch.fnmatchcase(file.base.lower(), pattern)
        ]
        for wave, place, file in takers:
            if all(file not in found for found in claimed[wave].values()):
                claimed[wave].setdefault(place, []).append(_with_statement(file, stated))
        if not takers:
            unclaimed.append(Unclaimed(_with_statement(LandedFile(path, root=folder), stated), reason))
    absent = [n for n in stated if not os.path.lexists(folder / n) and not _is_member(folder, n)]
    unclaimed += [
        Unclaimed(LandedFile(folder / n, root=folder), f"{deposit.MANIFEST} states it and it is not there")
        for n in absent
    ]
    preferred = {w: tuple(found[min(found)]) if found else () for w, found in claimed.items()}
    used = {file for files in preferred.values() for file in files}
    passed_over = {
        file: wave for wave, found in claimed.items() for files in found.values() for file in files if file not in used
    }
    unclaimed += [
        Unclaimed(file, f"another edition of {wave} has landed, {preferred[wave][0].name}, which its pattern prefers")
        for file, wave in passed_over.items()
    ]
    return Landing(preferred, tuple(unclaimed))


def _with_statement(file: LandedFile, stated: Mapping[str, Stated]) -> LandedFile:
    whole = LandedFile(file.path, root=file.root).below
    return LandedFile(file.path, file.member, file.root, stated.get(file.below, Stated()), stated.get(whole, Stated()))


def _is_member(folder: Path, name: str) -> bool:
    """Say whether a name of the manifest is that of a file in a zip below the folder."""
    for outer in PurePosixPath(name).parents:
        path = folder / outer
        if outer.suffix.lower() == ZIP and path.is_file() and not path.is_symlink():
            try:
                return str(PurePosixPath(name).relative_to(outer)) in members(path)
            except IngestError:
                return False
    return False


def dictionary_of(file: LandedFile) -> LandedFile | None:
    """Return the data dictionary that lies beside a tab file, in its folder, or in its zip; None when there is none."""
    if file.member is not None:
        inside = dictionary.beside(PurePosixPath(file.member), map(PurePosixPath, members(file.path)))
        return None if inside is None else LandedFile(file.path, str(inside), file.root)
    folder = file.path.absolute().parent
    documents, files = folder.parent / "mrdoc", [*folder.iterdir()]
    # Beside the landing folder itself is somebody else's place.
    if documents.is_dir() and (file.root is None or folder != file.root.absolute()):
        files += _entries(documents)
    found = dictionary.beside(file.path.absolute(), [f for f in files if f.is_file() and not f.is_symlink()])
    return None if found is None else LandedFile(Path(found), root=folder.parent)


def only(wave: str, files: Sequence[LandedFile], digests: Digests | None = None) -> LandedFile:
    """Return the one file of a wave; several copies of the same content count as one, unpacked or in a zip.

    Raises
    ------
    IngestError
        No file, one that cannot be opened, or several files of different content.
    """
    if not files:
        raise IngestError(f"{wave}: no file has landed. See the wave's file.pattern in the catalogue.")
    digests = digests or Digests()
    plain, packed = [f for f in files if f.member is None], [f for f in files if f.member is not None]
    contents: set[object] = {digests.of(f, f"{wave} {f.name}") for f in plain}
    if packed:
        unpacked = {_checksum(f.path) for f in plain[:1]}
        stated = {f: archive.checksum(f.path, str(f.member), f.name) for f in packed}
        contents |= {(f.member, known) for f, known in stated.items() if known not in unpacked}
    if len(contents) > 1:
        raise IngestError(
            f"{wave}: {len(files)} different files match its pattern. Got {listed([f.name for f in files])}; "
            "expected one. Leave one below the data folder, or narrow file.pattern."
        )
    return plain[0] if plain else packed[0]


def _checksum(path: Path) -> tuple[int, int]:
    """Return the size and CRC-32 of a file, to tell whether it is the member of a zip unpacked."""
    crc = 0
    with path.open("rb") as handle:
        while block := handle.read(1 << 20):
            crc = zlib.crc32(block, crc)
        return handle.tell(), crc


def located(path: Path) -> LandedFile:
    """Return the file a user means by a path: itself, the one survey file in a zip, or a member, as a.zip/x.tab.

    Raises
    ------
    IngestError
        A zip holds no file that can be read, or several.
    """
    for outer in path.parents:
        if outer.suffix.lower() == ZIP and outer.is_file():
            return LandedFile(outer, path.relative_to(outer).as_posix())
    if path.suffix.lower() != ZIP or not path.is_file():
        return LandedFile(path)
    return LandedFile(path, archive.only_member(path, path.name))
