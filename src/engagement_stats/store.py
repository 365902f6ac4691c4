"""Keep each wave's private results on disk, by what they were made from.

Belongs here: where a wave's Parquet lies, owner-only permissions, whole-or-nothing writes, and which build of
a wave is current.
Not here: what is computed (the stages), and the released warehouse (publish).

A build of a wave lies in `<root>/<wave>/<fingerprint>/`. The fingerprint is the digest of the file, of the
catalogue entries and of the code it was made from, so results of other inputs are never mistaken for it.
"""

import fcntl
import hashlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from functools import cache, partial
from importlib import metadata, resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, BinaryIO

import pandas as pd

from engagement_stats import frames
from engagement_stats.catalogue import digest
from engagement_stats.catalogue.entry import IDENTIFIER
from engagement_stats.deposit import Digests
from engagement_stats.errors import UsageError, listed

KEPT_BUILDS = 2
LOCK = ".lock"
# What was purged; evidence, which stays.
RECORD = "purged.csv"
# What is made of all waves together is kept under this name, which no wave can have.
RELEASE = "-release"
# Who stood behind what was published, and what was withheld of it; kept when the builds are gone.
PUBLISHED = "-published"
WITHHELD = "withheld"
COMPUTING = ("duckdb", "numpy", "pandas", "pyarrow", "pyreadstat", "python-calamine", "scipy", "statsmodels")
MANIFEST = "manifest.json"
DIGESTS, FAILURE = "digests.json", "failure.json"
# Names of this module's own making; whatever else lies in the folder is somebody's.
BUILD = re.compile(r"[0-9a-f]{16}")
OF_THE_ROOT = re.compile(r"-release|-published|digests\.json|\.digests-.*")
OF_A_WAVE = re.compile(rf"{BUILD.pattern}|failure\.json|\..*")
COPIED_AT_ONCE = 1_048_576


@contextmanager
def owner_only() -> Iterator[None]:
    """Make whatever is created meanwhile the owner's only, whatever the user's default; libraries create files too."""
    before = os.umask(0o077)
    try:
        yield
    finally:
        os.umask(before)


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """What a wave's results are made from: digests of its file (None for published figures), entries and code.

    `lookups` are the lookups of areas it uses, each with the digest of its file.
    """

    file: str | None
    catalogue: str
    code: str
    lookups: tuple[tuple[str, str], ...] = ()

    @property
    def key(self) -> str:
        """Sixteen hexadecimal digits that name the build."""
        return digest([self.file, self.catalogue, self.code, self.lookups])[:16]


@cache
def code_digest() -> str:
    """Digest our own source and the versions of what computes, so that results are remade when either changes."""
    total = hashlib.sha256()
    for package in ("engagement_stats", "pipelines", "warehouse"):
        for path in sorted(_sources(resources.files(package))):
            total.update(f"{package}/{path[0]}\0".encode() + path[1] + b"\0")
    for library in COMPUTING:
        total.update(f"{library} {metadata.version(library)}\0".encode())
    return total.hexdigest()


def _sources(folder: Traversable, below: str = "") -> Iterator[tuple[str, bytes]]:
    """Code and SQL of a package: name below it, and content."""
    for entry in folder.iterdir():
        if entry.is_dir():
            yield from _sources(entry, f"{below}{entry.name}/")
        elif entry.name.endswith((".py", ".sql")):
            yield below + entry.name, entry.read_bytes()


class Store:
    """The private results of every wave below one folder.

    Parameters
    ----------
    root : Path
        Made, for the owner only, when first written to.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    @contextmanager
    def alone(self, *, wait: bool = True, told: Callable[[], None] | None = None) -> Iterator[None]:
        """Keep every other run and purge of this store out meanwhile; wait for one under way, or refuse to.

        `told` is called before a wait.

        Raises
        ------
        UsageError
            Something else is under way, and `wait` is false; or the folder is one in which other things lie.
        """
        self._refuse_a_strange_folder()
        self._made(self.root).chmod(0o700)
        with os.fdopen(os.open(self.root / LOCK, os.O_RDWR | os.O_CREAT, 0o600)) as handle:
            # The system lets go of it however the process ends.
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if not wait:
                    said = f"{self.root}: a run is under way. Wait until it has ended, or stop it."
                    raise UsageError(said) from None
                if told is not None:
                    told()
                fcntl.flock(handle, fcntl.LOCK_EX)
            yield

    def _refuse_a_strange_folder(self) -> None:
        """Leave the permissions of a folder alone in which others keep something, and nothing of ours lies."""
        # Digests of files are noted by `status` too, wherever it is pointed.
        if not self.root.is_dir() or any(p.is_dir() or p.parent != self.root for p in self.results()):
            return
        names = sorted(p.name for p in self.root.iterdir() if not p.name.startswith("."))
        if strange := [n for n in names if n != RECORD and not OF_THE_ROOT.fullmatch(n)]:
            raise UsageError(
                f"{self.root}: private results need a folder of their own, and this one holds other things "
                f"({listed(strange)}). Name another with ENGAGEMENT_STATS_PRIVATE."
            )

    def results(self) -> list[Path]:
        """Return what this store has made below its root, and nothing that somebody else laid there."""
        if not self.root.is_dir():
            return []
        return [
            p
            for name in sorted(p.name for p in self.root.iterdir())
            for p in ([self.root / name] if OF_THE_ROOT.fullmatch(name) else self.results_of(name))
        ]

    def results_of(self, wave: str) -> list[Path]:
        """Return what this store has made of a wave: its folder, or parts of it where somebody else's lie there too."""
        folder = self.root / wave
        if not IDENTIFIER.match(wave) or folder.is_symlink() or not folder.is_dir():
            return []
        inside = sorted(folder.iterdir())
        ours = [p for p in inside if OF_A_WAVE.fullmatch(p.name)]
        if not any(not p.name.startswith(".") for p in ours):
            return []
        return [folder] if len(ours) == len(inside) else ours

    def sweep(self, current: Mapping[str, Fingerprint | None]) -> None:
        """Delete what killed runs left: files half written, and half builds of other inputs than the current ones.

        Parameters
        ----------
        current : mapping of str to Fingerprint or None
            Each wave's fingerprint now; its half build stays, to be gone on with.
        """
        folders = [self.root / name for name in (*current, RELEASE)]
        places = [*folders, *(b for folder in folders for b in _builds(folder)), self.root / PUBLISHED]
        places += [p for p in (self.root / PUBLISHED).rglob("*") if p.is_dir()]
        for scrap in [*self.root.glob(".digests-*"), *(p for place in places for p in place.glob(".*"))]:
            if scrap.is_file():
                _clear(scrap)
        for wave, fingerprint in current.items():
            for build in _builds(self.root / wave):
                if not (build / MANIFEST).is_file() and build.name != (fingerprint.key if fingerprint else None):
                    shutil.rmtree(build, ignore_errors=True)

    def folder(self, wave: str, fingerprint: Fingerprint) -> Path:
        """Return the folder of one build."""
        return self.root / wave / fingerprint.key

    def is_complete(self, wave: str, fingerprint: Fingerprint) -> bool:
        """Say whether this build finished."""
        return (self.folder(wave, fingerprint) / MANIFEST).is_file()

    def write(self, wave: str, fingerprint: Fingerprint, name: str, frame: pd.DataFrame) -> Path:
        """Write one frame of a build as Parquet, whole or not at all, readable by the owner only."""
        return self._write(wave, fingerprint, f"{name}.parquet", lambda path: frame.to_parquet(path, index=False))

    def write_text(self, wave: str, fingerprint: Fingerprint, name: str, text: str) -> Path:
        """Write one text file of a build, such as a plot, in the same way."""
        return self._write(wave, fingerprint, name, lambda path: path.write_text(text, encoding="utf-8"))

    def read_text(self, wave: str, fingerprint: Fingerprint, name: str) -> str:
        """Read one text file of a build."""
        return (self.folder(wave, fingerprint) / name).read_text(encoding="utf-8")

    def _write(self, wave: str, fingerprint: Fingerprint, name: str, write: Callable[[Path], object]) -> Path:
        return self._into(self._made(self.folder(wave, fingerprint)), name, write)

    def _into(self, folder: Path, name: str, write: Callable[[Path], object]) -> Path:
        path = folder / name
        with _held(folder, f".{name}-") as temporary:
            write(temporary)
            temporary.replace(path)
        return path

    def take(self, wave: str, fingerprint: Fingerprint, name: str, parquet: BinaryIO) -> Path:
        """Keep the Parquet of a frame as it is, in the same way; it is copied from where it stands open."""

        def copy(path: Path) -> None:
            with path.open("wb") as out:
                shutil.copyfileobj(parquet, out, COPIED_AT_ONCE)

        return self._write(wave, fingerprint, f"{name}.parquet", copy)

    def digests(self) -> Digests:
        """Return the digests of deposited files, remembered in this store between runs."""
        return Digests(self.root / DIGESTS)

    def read(self, wave: str, fingerprint: Fingerprint, name: str) -> pd.DataFrame:
        """Read one frame of a build."""
        return frames.from_parquet(self.folder(wave, fingerprint) / f"{name}.parquet")

    def has(self, wave: str, fingerprint: Fingerprint, name: str) -> bool:
        """Say whether a build has a frame of this name; published figures have no responses, for one."""
        return (self.folder(wave, fingerprint) / f"{name}.parquet").is_file()

    def finish(self, wave: str, fingerprint: Fingerprint, about: dict[str, Any]) -> None:
        """Mark a build complete, forget an earlier failure, and drop broken builds and those beyond the newest few."""
        folder = self._made(self.folder(wave, fingerprint))
        self._write_json(folder / MANIFEST, {**asdict(fingerprint), **about})
        self._failure(wave).unlink(missing_ok=True)
        builds = sorted(folder.parent.glob(f"*/{MANIFEST}"), key=lambda p: p.stat().st_mtime_ns, reverse=True)
        kept = [folder, *(p.parent for p in builds if p.parent != folder)][:KEPT_BUILDS]
        for old in _builds(folder.parent):
            if old not in kept:
                shutil.rmtree(old)

    def manifest(self, wave: str, fingerprint: Fingerprint) -> dict[str, Any]:
        """Return what was noted of a complete build."""
        return self._read_json(self.folder(wave, fingerprint) / MANIFEST)

    def remember(self, wave: str, name: str, people: pd.DataFrame, rules: str, withheld: pd.DataFrame) -> None:
        """Keep who stood behind a published build of a wave and what it withheld under which rules, beyond the build.

        Of one name and rules the last build counts: it withholds what those before it did, or was signed off.
        """
        folder = self._made(self.root / PUBLISHED / wave)
        for place, stem, frame in (
            (folder, name, people),
            (self._made(folder / WITHHELD), f"{name}-{rules}", withheld),
        ):
            if frame is withheld or not (place / f"{stem}.parquet").is_file():
                self._into(place, f"{stem}.parquet", partial(frame.to_parquet, index=False))

    def remembered(self, wave: str, rules: str) -> list[tuple[pd.DataFrame, pd.DataFrame | None]]:
        """Return who stood behind each published build of a wave, with what it withheld; None under other rules."""
        folder = self.root / PUBLISHED / wave
        found = []
        for path in sorted(folder.glob("*.parquet")):
            beside = folder / WITHHELD / f"{path.stem}-{rules}.parquet"
            found.append((frames.from_parquet(path), frames.from_parquet(beside) if beside.is_file() else None))
        return found

    def newest(self, wave: str) -> Fingerprint | None:
        """Return the build of a wave finished last, None when there is none."""
        builds = sorted((self.root / wave).glob(f"*/{MANIFEST}"), key=lambda p: p.stat().st_mtime_ns)
        if not builds:
            return None
        noted = self._read_json(builds[-1])
        # A build of an earlier version of the program noted no lookups.
        lookups = tuple((name, sha256) for name, sha256 in noted.get("lookups", []))
        return Fingerprint(noted["file"], noted["catalogue"], noted["code"], lookups)

    def fail(self, wave: str, fingerprint: Fingerprint | None, message: str) -> None:
        """Note why a wave could not be built, and drop what there is of the build; no respondent's values are noted."""
        if fingerprint is not None:
            shutil.rmtree(self.folder(wave, fingerprint), ignore_errors=True)
        path = self._failure(wave)
        self._made(path.parent)
        self._write_json(path, {"key": fingerprint.key if fingerprint else None, "message": message})

    def failure(self, wave: str, fingerprint: Fingerprint | None) -> str | None:
        """Return why the build of this very fingerprint failed, None when it did not."""
        path = self._failure(wave)
        if not path.is_file():
            return None
        noted = self._read_json(path)
        return noted["message"] if noted["key"] == (fingerprint.key if fingerprint else None) else None

    def _made(self, folder: Path) -> Path:
        """Make a folder below the root, every step of it for the owner only."""
        for private in [p for p in reversed(folder.parents) if p.is_relative_to(self.root)] + [folder]:
            private.mkdir(mode=0o700, parents=True, exist_ok=True)
        return folder

    def _failure(self, wave: str) -> Path:
        return self.root / wave / FAILURE

    @staticmethod
    def _write_json(path: Path, content: dict[str, Any]) -> None:
        with _held(path.parent, ".json-") as temporary:
            temporary.write_text(json.dumps(content, indent=1, sort_keys=True), encoding="utf-8")
            temporary.replace(path)

    @staticmethod
    def _read_json(path: Path) -> dict[str, Any]:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return content


@contextmanager
def _held(folder: Path, prefix: str) -> Iterator[Path]:
    """Hand out a temporary file that no `sweep` takes before it has its name; gone afterwards if it got none."""
    while True:
        handle, name = tempfile.mkstemp(dir=folder, prefix=prefix)
        # The system lets go of it however the process ends.
        fcntl.flock(handle, fcntl.LOCK_EX)
        if os.fstat(handle).st_nlink:
            break
        # Swept away before it was held.
        os.close(handle)
    try:
        yield Path(name)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    finally:
        os.close(handle)


def _builds(folder: Path) -> list[Path]:
    """Return the builds in a wave's folder; a folder of another name is somebody's."""
    return [p for p in folder.glob("*/") if BUILD.fullmatch(p.name)]


def _clear(scrap: Path) -> None:
    """Delete a temporary file, unless a process that is alive holds it or it has just got its name."""
    with suppress(OSError), scrap.open("rb") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        scrap.unlink()
