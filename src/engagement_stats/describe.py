"""Look into a survey file: what it is, its columns, and what they are probably for.

Belongs here: reading as much of a file as an inspection needs, within bounds, and putting together what was found.
Not here: readers (ingest), what may be shown of a column (inspection), what columns are for (roles).

A column that may identify a person directly is named and not read.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pandas as pd

from engagement_stats import identifiers, ingest, inspection, landing, roles
from engagement_stats.catalogue import Catalogue
from engagement_stats.deposit import Digests, LandedFile
from engagement_stats.errors import IngestError
from engagement_stats.inspection import Column
from engagement_stats.readers.model import Contents, Format, Options
from engagement_stats.roles import Role

# Encodings tried in turn for a text file when none is named. No file is text in the last and in another.
ENCODINGS = ("utf-8", "cp1252", "utf-16")
TEXT_FORMATS = ("tab", "csv")
# A text file this large is measured before it is read, as it does not say how many rows it has.
LARGE = 20_000_000


@dataclass(frozen=True)
class Look:
    """What was found in a file. `frame` holds the columns that were read, for matching; none of it may be shown.

    `direct` names the columns that may identify a person directly, with what they seem to hold. `declared` is what the
    caller said of how the file is to be read, by the keys that an entry has for it; its encoding stands apart.
    """

    name: str
    kind: Format
    encoding: str
    sha256: str
    columns: tuple[Column, ...]
    roles: tuple[Role, ...]
    direct: dict[str, str]
    synthetic: bool
    frame: pd.DataFrame = field(repr=False)
    declared: Mapping[str, Any] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        """The number of rows of the file."""
        return len(self.frame)

    @property
    def looked_at(self) -> str:
        """Say in words of which columns the data were read."""
        read, every = len(self.frame.columns), len(self.columns) - len(self.direct)
        if read == every:
            return "the data of every column" + (" but direct identifiers" if self.direct else "")
        return (
            f"the data of {read:,} of {len(self.columns):,} columns: those of known waves, those named or labelled "
            "like a weight and so on, then labelled ones; the others by what the file says of them"
        )


def look(path: Path, catalogue: Catalogue, reading: Mapping[str, Any] | None = None) -> Look:
    """Look into a file.

    Parameters
    ----------
    path : Path
        A survey file, in a zip or not; see `landing.located`.
    catalogue : Catalogue
        The columns its waves read are looked at first.
    reading : mapping of str to object, optional
        What `ingest.options_for` takes of how the file is to be read. A text file whose encoding it does not say is
        UTF-8, or else Windows-1252, or else UTF-16.

    Returns
    -------
    Look

    Raises
    ------
    IngestError
        The file cannot be read; see `ingest.read`.
    """
    file = landing.located(path)
    options, contents = _described(file, reading or {})
    direct = identifiers.found(contents.names, contents.variable_labels)
    safe = Contents(
        [n for n in contents.names if n not in direct], contents.rows, contents.labels, contents.variable_labels,
        contents.user_missing,
    )  # fmt: skip
    rows = contents.rows if contents.rows is not None else _measured(file, safe, options)
    asked = _asked(catalogue)
    first = [n for n in safe.names if n.lower() in asked]
    first += [n for n in safe.names if roles.hinted(n, contents.variable_labels.get(n, ""))]
    raw = ingest.read(file, inspection.chosen(safe, first, rows), options=options)
    columns = inspection.columns(contents, raw.frame)
    return Look(
        name=file.base,
        kind=options.format,
        encoding=options.encoding,
        sha256=Digests().of(file, file.name),
        columns=tuple(columns),
        roles=tuple(roles.roles([c for c in columns if c.name not in direct], raw.frame, contents.weight)),
        direct=direct,
        synthetic=raw.synthetic,
        frame=raw.frame,
        declared={key: value for key, value in (reading or {}).items() if key != "encoding"},
    )


def _described(file: LandedFile, reading: Mapping[str, Any]) -> tuple[Options, Contents]:
    """Return how a file can be read, and what it says of itself."""
    options = ingest.options_for(file, **reading)
    if "encoding" in reading or options.format not in TEXT_FORMATS:
        return options, ingest.describe(file, options)
    refused: list[IngestError] = []
    for tried in ENCODINGS:
        options = replace(options, encoding=tried)
        try:
            contents = ingest.describe(file, options)
            # The names may be plain letters where a cell is not.
            ingest.read(file, list(contents.names[:1]), options=options)
        except IngestError as error:
            refused.append(error)
        else:
            return options, contents
    raise refused[0]


def _asked(catalogue: Catalogue) -> Collection[str]:
    """Return the columns that the waves of a catalogue read, in lower case."""
    asked: set[str] = set()
    for wave in catalogue.microdata_waves.values():
        needed, optional = ingest.columns_of(wave)
        asked |= {n.lower() for n in (*needed, *optional)}
    return asked


def _measured(file: LandedFile, contents: Contents, options: Options) -> int | None:
    """Count the rows of a large file that does not state them; a small one is read whole anyway."""
    if file.member is None and file.path.stat().st_size < LARGE:
        return None
    return len(ingest.read(file, list(contents.names[:1]), options=options).frame)


def columns_of_wave(wave_id: str, catalogue: Catalogue, data: Path | None) -> Sequence[Column]:
    """Describe the columns of a known wave in its own file, where that lies below the data folder.

    Returns
    -------
    sequence of Column
        Named as in the catalogue; none when the file is not there or does not agree with its entry.
    """
    if data is None or not data.is_dir():
        return ()
    wave = catalogue.microdata_waves[wave_id]
    try:
        files: Iterable[LandedFile] = landing.find(data, {wave_id: wave}).claimed[wave_id]
        raw = ingest.read_wave(wave_id, wave, landing.only(wave_id, list(files)))
    except IngestError:
        return ()
    names = [str(n) for n in raw.frame.columns]
    return inspection.columns(
        Contents(names, len(raw.frame), raw.labels, raw.variable_labels, raw.user_missing), raw.frame
    )
