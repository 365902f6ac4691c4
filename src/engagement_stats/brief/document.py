"""Make a briefing from its template and a release.

Belongs here: the order of things (read, look up, refuse with every problem at once, fill, write whole) and what
stands at the end of every document.
Not here: what names mean (names), what a template may say (template), and the formats (markdown, word).
"""

import json
import os
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from engagement_stats.brief.markdown import Markdown
from engagement_stats.brief.names import Names
from engagement_stats.brief.pieces import (
    SYNTHETIC_NOTICE,
    Listing,
    Piece,
    Row,
    reading_notes,
    stopped,
)
from engagement_stats.brief.release import NotInReleaseError, Release
from engagement_stats.brief.template import Call, read
from engagement_stats.errors import BriefError, UsageError

BLOCKS = ("table", "caveats", "notes")
# A minus would join the lines before and after.
ALONE = re.compile(r"\s*\{\{(?!-)(?:(?!\}\}).)*(?<!-)\}\}\s*")
SUFFIXES = (".md", ".markdown", ".docx")


class Format(Protocol):
    """A template of one file format: `source` exactly as it is rendered, and the document made of it."""

    source: str
    problems: list[tuple[int, str]]

    def place(self, line: int) -> str:
        """Say where a line of `source` is, for a person."""

    def text(self, line: int) -> str:
        """Return the words of a line of `source`."""

    def filled(self, pieces: list[Piece], values: dict[str, str], ending: "Ending") -> bytes:
        """Return the document."""


@dataclass(frozen=True)
class Ending:
    """What every document says: `first` at its top (empty for nothing) and `last` at its end."""

    first: str
    last: tuple[str, ...]


@dataclass(frozen=True)
class Outcome:
    """What was made."""

    release: str
    pieces: int
    synthetic: bool


def write(template: Path, out: Path, warehouse: Path) -> Outcome:
    """Fill a template from a release.

    Parameters
    ----------
    template : Path
        .md or .docx.
    out : Path
        Of the same kind. Replaced whole when it exists; never the template.
    warehouse : Path
        The released file, opened for reading only.

    Returns
    -------
    Outcome

    Raises
    ------
    UsageError
        A path is of the wrong kind, or `out` is the template.
    BriefError
        The template asks for what it may not or what the release does not hold. Every problem is named.
    """
    _check_paths(template, out)
    with Release(warehouse) as release:
        form = _opened(template)
        reading = read(form.source)
        problems = [*form.problems, *reading.problems]
        problems += _crowded(form, reading.calls)
        pieces = _pieces(release, reading.calls, problems)
        run = release.run()
    if problems:
        lines = [f"{template.name}, {form.place(line)}: {what}" for line, what in sorted(problems, key=lambda p: p[0])]
        raise BriefError("\n".join(dict.fromkeys(lines)))
    synthetic = any(p.synthetic for p in pieces)
    content = form.filled(pieces, _values(run), Ending(SYNTHETIC_NOTICE if synthetic else "", _last(run)))
    _put(out, content)
    return Outcome(str(run["release_id"]), len(pieces), synthetic)


def _check_paths(template: Path, out: Path) -> None:
    if not template.is_file():
        raise UsageError(f"{template}: there is no such template. Name a .md or .docx file with --template.")
    for path in (template, out):
        if path.suffix.lower() not in SUFFIXES:
            raise UsageError(f"{path}: a briefing is Markdown or Word. Got {path.suffix!r}; expected .md or .docx.")
    if (template.suffix.lower() == ".docx") != (out.suffix.lower() == ".docx"):
        raise UsageError(f"{out}: template and document are of two kinds. Give --out the ending {template.suffix}.")
    if not out.absolute().parent.is_dir():
        raise UsageError(f"{out}: its folder is not there. Make it first.")
    if out.is_dir() or (out.exists() and out.samefile(template)):
        raise UsageError(f"{out}: this is {'a folder' if out.is_dir() else 'the template'}. Give --out another name.")


def _opened(template: Path) -> Format:
    if template.suffix.lower() == ".docx":
        from engagement_stats.brief.word import Word

        return Word(template)
    return Markdown(template)


def _crowded(form: Format, calls: list[Call]) -> list[tuple[int, str]]:
    """Find the calls that make lines of their own and share one with something else."""
    return [
        (c.line, f"{c.name} makes lines of its own. Let it stand alone in its paragraph.")
        for c in calls
        if c.name in BLOCKS and not ALONE.fullmatch(form.text(c.line))
    ]


def _pieces(release: Release, calls: list[Call], problems: list[tuple[int, str]]) -> list[Piece]:
    """Look up every call, in order; add what cannot be to the problems."""
    names = Names(release, caveats_listed=any(c.name == "caveats" for c in calls))
    found: list[Piece | None] = []
    for call in calls:
        found.append(None)
        if call.name in ("caveats", "notes"):
            if call.arguments or call.options:
                problems.append((call.line, f"{call.name} takes nothing in its brackets."))
            continue
        try:
            found[-1] = names.piece(call)
        except NotInReleaseError as problem:
            problems.append((call.line, str(problem)))
    known = [p for p in found if p is not None]
    late = {"caveats": _caveats(known), "notes": reading_notes(known)}
    return [
        late[c.name] if p is None and c.name in late else p or Listing(()) for c, p in zip(calls, found, strict=True)
    ]


def _caveats(pieces: list[Piece]) -> Listing:
    said = dict.fromkeys(c for piece in pieces for c in piece.caveats)
    items = tuple(stopped(f"{about}: {caveats}") for about, caveats in said)
    return Listing(items or ("None beyond those in the footnotes.",))


def _values(run: Row) -> dict[str, str]:
    return {
        "release_id": str(run["release_id"]),
        "built_on": f"{run['built_at']:%Y-%m-%d}",
        "code_version": str(run["code_version"]),
    }


def _last(run: Row) -> tuple[str, ...]:
    made = (
        f"Made from release {run['release_id']}, built {run['built_at']:%Y-%m-%d %H:%M} UTC by "
        f"engagement-stats {run['code_version']}."
    )
    failed = sorted(json.loads(run["failed_waves"]))
    return (made, f"Not in this release, though a file has landed: {', '.join(failed)}.") if failed else (made,)


def _put(out: Path, content: bytes) -> None:
    """Write a file whole or not at all."""
    handle, temporary = tempfile.mkstemp(dir=out.absolute().parent, prefix=f".{out.name}-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        # mkstemp makes files for the owner only; a document is for its readers, as the user's default says.
        mask = os.umask(0)
        os.umask(mask)
        Path(temporary).chmod(0o666 & ~mask)
        Path(temporary).replace(out)
    except OSError as error:
        Path(temporary).unlink(missing_ok=True)
        raise BriefError(f"{out}: could not be written ({type(error).__name__}). Nothing was changed.") from None
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
