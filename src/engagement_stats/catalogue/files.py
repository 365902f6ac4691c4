"""The files of a catalogue folder, read into entries.

Belongs here: which files hold what kind of entry, and what is wrong in one file.
Not here: YAML itself (strictyaml), the shape of an entry (model), references between entries (references).
"""

import csv
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, TypeAdapter, ValidationError

from engagement_stats.catalogue import inherit, strictyaml
from engagement_stats.catalogue import model as m
from engagement_stats.catalogue.entry import ASK
from engagement_stats.catalogue.problems import Problems
from engagement_stats.errors import CatalogueError

DEFAULT = Path(__file__).parent / "data"

E = TypeVar("E")
B = TypeVar("B", bound=BaseModel)


def read_folder(
    folder: Path, kind: str, adapter: TypeAdapter[E], problems: Problems, files: dict[tuple[str, str], str]
) -> dict[str, E]:
    """Read every YAML file of one kind: a mapping of ids to entries; note in `files` which file holds each."""
    entries: dict[str, E] = {}
    for path in sorted((folder / kind).glob("*.yaml")):
        try:
            content = strictyaml.read(path)
        except CatalogueError as error:
            problems.lines.append(f"{kind}/{error}")
            continue
        for key, raw in content.items():
            where = f"{kind}/{path.name} {key}"
            if not m.IDENTIFIER.match(key):
                problems.add(where, "an id is lower-case letters, digits and underscores, at most 63 long.")
            if key in entries:
                problems.add(where, "this id is used by another file too. Ids are unique within a kind.")
            files[kind, key] = path.name
            try:
                entries[key] = adapter.validate_python(raw)
            except ValidationError as error:
                problems.unread.add(key)
                problems.add_validation(where, error)
    return entries


def read_file(path: Path, entry: type[B], problems: Problems) -> B | None:
    """Read a file that holds one entry, such as rules.yaml."""
    try:
        return entry.model_validate(strictyaml.read(path))
    except CatalogueError as error:
        problems.lines.append(str(error))
    except OSError:
        problems.add(path.name, "the file is missing.")
    except ValidationError as error:
        problems.add_validation(path.name, error)
    return None


def words_file(folder: Path, name: str) -> Path:
    """Take how things are said from the package where a catalogue of surveys does not say it."""
    return folder / name if (folder / name).exists() else DEFAULT / name


Waves = dict[str, m.MicrodataWave | m.TablesWave]


def read_waves(folder: Path, problems: Problems) -> tuple[Waves, dict[str, inherit.Resolved]]:
    """Read the wave files: one wave a file, named by its id, perhaps based on another."""
    contents: dict[str, dict[str, Any]] = {}
    for path in sorted((folder / "waves").glob("*.yaml")):
        if not m.IDENTIFIER.match(path.stem):
            problems.add(
                f"waves/{path.name}", "the file's name is the wave's id: lower-case letters, digits and underscores."
            )
        try:
            contents[path.stem] = strictyaml.read(path)
        except CatalogueError as error:
            problems.unread.add(path.stem)
            problems.lines.append(f"waves/{error}")
    resolved = inherit.resolve(contents, problems.add)
    problems.unread |= set(contents) - set(resolved)
    adapter: TypeAdapter[m.MicrodataWave | m.TablesWave] = TypeAdapter(m.Wave)
    waves: Waves = {}
    for wave, whole in resolved.items():
        try:
            waves[wave] = adapter.validate_python(whole.content)
        except ValidationError as error:
            problems.unread.add(wave)
            _add_wave_problems(wave, error, resolved, problems)
        else:
            for place in _unanswered(whole.content):
                problems.add(
                    wave_file(wave, whole.base),
                    f"{place} is not answered yet. Got {ASK}; expected what the producer's documents say. Write it in.",
                )
    return waves, resolved


def _unanswered(entry: object, place: str = "") -> Iterator[str]:
    """Name the lines in which a proposal still asks, though any text is valid there."""
    if entry == ASK:
        yield place
    for key, value in entry.items() if isinstance(entry, dict) else ():
        yield from _unanswered(value, f"{place}.{key}".lstrip("."))


def _add_wave_problems(
    wave: str, error: ValidationError, resolved: Mapping[str, inherit.Resolved], problems: Problems
) -> None:
    """Report what is wrong in a wave's entry; a mistake in a line taken over is told once, where it stands."""
    whole = resolved[wave]

    def is_own(place: Sequence[int | str]) -> bool:
        line = [str(x) for x in (place[1:] if place[:1] == (whole.content.get("kind"),) else place)]
        # A mistake in the whole entry, as lines that do not go together, stands in no line.
        return not {".".join(line[:1]), ".".join(line[:2])} & set(whole.origins)

    problems.add_validation(wave_file(wave, whole.base), error, is_own)


def wave_file(wave: str, base: str | None) -> str:
    """Name the file of a wave's entry, and of the one it is based on, for a message."""
    return f"waves/{wave}.yaml" + (f" (based on waves/{base}.yaml)" if base else "")


NUMBERS = {
    "value": float, "lower": float, "upper": float, "confidence": float, "base_weighted": float, "below": float,
    "base": int, "decimals": int, "population": int,
}  # fmt: skip


def _read_table(path: Path, kind: type[E], problems: Problems) -> Iterator[E]:
    """Read a CSV of facts: the columns of the model in order, those with a default there or not; empty is unknown."""
    where = f"{path.parent.name}/{path.name}"
    fields = kind.model_fields  # type: ignore[attr-defined]
    with path.open(encoding="utf-8", newline="") as handle:
        reader = csv.DictReader(handle, strict=True)
        columns = [c for c, f in fields.items() if f.is_required() or c in (reader.fieldnames or ())]
        if reader.fieldnames != columns:
            problems.add(where, f"columns are {reader.fieldnames}; expected {columns}.")
            return
        for line, row in enumerate(reader, start=2):
            try:
                yield _row(row, kind)
            except ValidationError as error:
                problems.add_validation(f"{where} line {line}", error)
            except ValueError:
                problems.add(f"{where} line {line}", "a number is not a number, or a field is missing or too many.")


def _row(row: dict[str, str], kind: type[E]) -> E:
    values: dict[str, Any] = {}
    for key, text in row.items():
        if text is None or key is None:
            raise ValueError("ragged")
        if text == "":
            values[key] = None
        elif key in NUMBERS:
            values[key] = NUMBERS[key](text)
        elif key == "published_on":
            values[key] = date.fromisoformat(text)
        else:
            values[key] = text
    return kind(**values)


def read_tables(folder: Path, name: str, kind: type[E], problems: Problems) -> tuple[E, ...]:
    """Read every CSV of one kind of facts, one after another."""
    return tuple(row for path in sorted((folder / name).glob("*.csv")) for row in _read_table(path, kind, problems))
