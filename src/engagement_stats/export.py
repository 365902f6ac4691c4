"""Write a release as files for others: spreadsheets, CSV and Parquet, in one folder, whole or not at all.

Belongs here: which files an export has, its manifest, and putting its folder in place.
Not here: what is in a file (export_sheets, export_csv, export_parquet), its format (export_xlsx, export_ods), and any
number: an export holds only what the release holds.
"""

import fcntl
import hashlib
import json
import os
import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from engagement_stats import export_csv, export_ods, export_parquet, export_sheets, export_xlsx
from engagement_stats.errors import ExportError, UsageError, listed
from engagement_stats.export_release import Release

Format = Literal["xlsx", "ods", "csv", "parquet"]
FORMATS: tuple[Format, ...] = get_args(Format)
MANIFEST, KIND = "manifest.json", "engagement-stats export"
NAME = "civic_engagement_statistics"
# Of an export in the making, and of the one before while it is exchanged; the number is that of the process.
MAKING, BEFORE = "exporting", "replaced"
# An export is for others to read, and nobody's but its owner's to change, whatever the umask.
OTHERS_WRITING = 0o022


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written: the release, whether it is synthetic, and the files below the folder."""

    release: str
    synthetic: bool
    files: tuple[str, ...]


def write(
    warehouse: Path,
    out: Path,
    *,
    formats: Sequence[str] = FORMATS,
    tables: Sequence[str] = (),
    closed: Sequence[Path] = (),
) -> Exported:
    """Export a release.

    Parameters
    ----------
    warehouse : Path
        The released file.
    out : Path
        A folder that is not there, is empty, or holds an earlier export and nothing else, which is then replaced. Not
        the one this process works in, which would be gone.
    formats : sequence of str
        Of FORMATS.
    tables : sequence of str, optional
        Only these tables (of the spreadsheets, only the sheets that rest on them); views may be named too.
    closed : sequence of Path, optional
        Folders in which, and around which, nothing may be written: the private store, the deposited files.

    Returns
    -------
    Exported

    Raises
    ------
    ExportError
        There is no release, what a format needs is not installed, or the disk refuses.
    UsageError
        `out` holds something else or a file edited since, or lies in a closed folder; or a table is not in the release.
    """
    target = out.absolute()
    _refuse_place(target, closed)
    _refuse_content(target)
    with Release(warehouse) as release, _in_place(target) as folder:
        chosen = release.tables(tables)
        prefix = "SYNTHETIC_" if release.synthetic else ""
        book = export_sheets.workbook(release, tables) if {"xlsx", "ods"} & set(formats) else None
        if book and "xlsx" in formats:
            export_xlsx.write(book, folder / f"{prefix}{NAME}.xlsx")
        if book and "ods" in formats:
            export_ods.write(book, folder / f"{prefix}{NAME}.ods")
        if "csv" in formats:
            (folder / "csv").mkdir()
            export_csv.write(release, chosen, folder / "csv")
        if "parquet" in formats:
            (folder / "parquet").mkdir()
            export_parquet.write(release, chosen, folder / "parquet")
        files = _manifest(release, folder)
        return Exported(release.name, release.synthetic, files)


def _manifest(release: Release, folder: Path) -> tuple[str, ...]:
    """List the files with their digests."""
    paths = sorted((p.relative_to(folder).as_posix(), p) for p in folder.rglob("*") if p.is_file())
    about = {
        "kind": KIND, "release_id": release.name, "built_at": release.built_at.isoformat() + "Z",
        "code_version": release.run["code_version"], "is_synthetic": release.synthetic,
        "files": [
            {"path": name, "bytes": path.stat().st_size, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
            for name, path in paths
        ],
    }  # fmt: skip
    (folder / MANIFEST).write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8", newline="\n")
    return (*(name for name, _ in paths), MANIFEST)


def _refuse_place(target: Path, closed: Sequence[Path]) -> None:
    """Refuse a folder that must not be written to."""
    real = target.resolve()
    for folder in closed:
        shut = folder.resolve()
        if real.is_relative_to(shut) or shut.is_relative_to(real):
            raise UsageError(
                f"--out: {target} is in, or holds, {folder}, which is not for exports. Name another folder."
            )
    if target.is_symlink() or (target.exists() and not target.is_dir()):
        raise UsageError(f"--out: {target} is not a folder. Name another.")
    if Path.cwd().is_relative_to(real):
        raise UsageError(
            f"--out: {target} is, or holds, the folder you are in, and would be replaced as a whole. "
            "Name a folder inside it, or another."
        )


def _refuse_content(target: Path) -> None:
    """Refuse a folder that holds what is not ours to replace."""
    if not target.is_dir():
        return
    noted = _noted(target)
    there = {p.relative_to(target).as_posix(): p for p in target.rglob("*") if not p.is_dir() or p.is_symlink()}
    if odd := sorted(set(there) - {MANIFEST, *noted} if noted else there):
        raise UsageError(
            f"--out: {target} holds files of others ({listed(odd)}), and would be replaced as a whole. "
            "Name another folder."
        )
    if edited := sorted(n for n, path in there.items() if n != MANIFEST and _digest(path) != noted[n]):
        raise UsageError(
            f"--out: {target} holds files that were edited since they were exported ({listed(edited)}), and would be "
            "replaced as a whole. Name another folder, or move these elsewhere first."
        )


def _noted(folder: Path) -> dict[str, str]:
    """Return what the manifest of an export says of its files: the digest of each; nothing where there is none."""
    try:
        noted = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        return {f["path"]: f["sha256"] for f in noted["files"]} if noted["kind"] == KIND else {}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def _digest(path: Path) -> str:
    """Return the digest of a file, nothing where it cannot be one we wrote."""
    with suppress(OSError):
        return "" if path.is_symlink() else hashlib.sha256(path.read_bytes()).hexdigest()
    return ""


@contextmanager
def _in_place(target: Path) -> Iterator[Path]:
    """Give a folder to write in, and put it in the target's place when all is well."""
    beside = target.with_name(f".{target.name}.{os.getpid()}.{MAKING}")
    before = target.with_name(f".{target.name}.{os.getpid()}.{BEFORE}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _sweep(target)
        beside.mkdir()
        mode = beside.stat().st_mode & ~OTHERS_WRITING
        beside.chmod(0o700)
        with _held(beside):
            yield beside
            for path in beside.rglob("*"):
                path.chmod(path.stat().st_mode & ~OTHERS_WRITING)
            beside.chmod(mode)
            # Again: it took a while, and somebody may have the files open.
            _refuse_content(target)
            _exchange(beside, target, before)
    except OSError as error:
        raise ExportError(
            f"{target}: the export could not be written ({type(error).__name__}: {error.strerror})."
        ) from None
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def _exchange(made: Path, target: Path, before: Path) -> None:
    with _held(target) if target.exists() else nullcontext():
        if target.exists():
            target.replace(before)
        try:
            made.replace(target)
        except OSError:
            if before.exists():
                before.replace(target)
            raise
        shutil.rmtree(before, ignore_errors=True)


@contextmanager
def _held(folder: Path) -> Iterator[None]:
    """Hold a folder meanwhile, so that no other export sweeps it away; the system lets go of it however we end."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(handle)


def _sweep(target: Path) -> None:
    """Remove what killed exports to this folder left; the export one of them had moved aside is put back."""
    for suffix, settle in ((BEFORE, _put_back_to(target)), (MAKING, shutil.rmtree)):
        pattern = re.compile(rf"\.{re.escape(target.name)}\.\d+\.{suffix}")
        for left in [p for p in target.parent.iterdir() if pattern.fullmatch(p.name) and not p.is_symlink()]:
            with suppress(BlockingIOError), _held(left):
                settle(left)


def _put_back_to(target: Path) -> Callable[[Path], object]:
    return lambda left: shutil.rmtree(left) if target.exists() else left.replace(target)
