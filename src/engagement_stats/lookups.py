"""Find and read the lookups of areas that a user supplies, refusing whatever is not as the catalogue declares.

Belongs here: which deposited file is which lookup, editions by digest, and strict reading of the columns declared.
Not here: the routes through lookups (catalogue.areas), and respondents' areas (places).

A lookup is plain delimited text without respondents. It is decoded and split by Python's own csv reader, within a
cap on its size.
"""

import csv
import fnmatch
import hashlib
import io
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

import pandas as pd

from engagement_stats import deposit
from engagement_stats.catalogue import Catalogue
from engagement_stats.catalogue import model as m
from engagement_stats.deposit import Digests, LandedFile
from engagement_stats.errors import IngestError, listed

# A lookup of every small area of a country is a few megabytes; one of every address is another kind of thing.
MAX_BYTES = 50_000_000
# Control characters, and the bar that joins levels of crossed domains.
NO_NAME = r"[\x00-\x1f\x7f|]"
State = Literal["not landed", "landed", "wrong file"]
Tables: TypeAlias = Mapping[str, pd.DataFrame]


@dataclass(frozen=True, slots=True)
class LookupStatus:
    """Where one lookup stands. `sha256` is that of its file when it may be used, None otherwise.

    `files` are all that match its pattern: one when it may be used, or copies of one.
    """

    lookup: str
    label: str
    state: State
    files: tuple[LandedFile, ...]
    reason: str
    sha256: str | None


def find(
    files: Iterable[LandedFile], lookups: Mapping[str, m.Lookup], digests: Digests | None = None
) -> dict[str, LookupStatus]:
    """Say where every lookup stands.

    Parameters
    ----------
    files : iterable of LandedFile
        Files that no wave claims. Symbolic links, and files in a zip, are not taken.
    lookups : mapping of str to Lookup
        A lookup claims a file whose name matches one of its patterns, letter case ignored.
    digests : Digests, optional

    Returns
    -------
    dict of str to LookupStatus
        In the order of `lookups`.
    """
    plain = [f for f in files if f.member is None and f.path.is_file() and not f.path.is_symlink()]
    digests = digests or Digests()
    return {name: _stands(name, entry, [f for f in plain if _claims(entry, f)], digests)
            for name, entry in lookups.items()}  # fmt: skip


def _claims(entry: m.Lookup, file: LandedFile) -> bool:
    return any(fnmatch.fnmatchcase(file.base.lower(), pattern.lower()) for pattern in entry.file.pattern)


def _stands(name: str, entry: m.Lookup, files: Sequence[LandedFile], digests: Digests) -> LookupStatus:
    if not files:
        reason = f"no file named {' or '.join(entry.file.pattern)} has landed"
        return LookupStatus(name, entry.label, "not landed", (), reason, None)
    where = f"lookup {name} {files[0].name}"
    try:
        editions = {digests.of(file, where) for file in files}
        for file in files:
            deposit.check_digest(file, digests.of(file, where), where)
    except IngestError as error:
        return LookupStatus(name, entry.label, "wrong file", tuple(files), str(error), None)
    edition, *others = sorted(editions)
    reason = ""
    if others:
        reason = f"{where}: {len(editions)} different files match its pattern. Leave one below the data folder."
    elif entry.file.sha256 and edition not in entry.file.sha256:
        reason = (
            f"{where}: the file is none of the {len(entry.file.sha256)} edition(s) the catalogue knows. Got sha256 "
            f"{edition}. Deposit one of them, or add its sha256 to the lookup's file.sha256 once it is checked."
        )
    if reason:
        return LookupStatus(name, entry.label, "wrong file", tuple(files), reason, None)
    return LookupStatus(name, entry.label, "landed", tuple(files), "", edition)


def read(name: str, catalogue: Catalogue, file: Path | LandedFile, sha256: str | None = None) -> pd.DataFrame:
    """Read the declared columns of one lookup.

    Parameters
    ----------
    name : str
        A lookup of the catalogue.
    catalogue : Catalogue
    file : Path or LandedFile
    sha256 : str, optional
        The digest the file had when it was found; another stops the reading.

    Returns
    -------
    DataFrame, shape (n areas, columns declared)
        The key under the name of its geography, values as text and counts as whole numbers under their ids.

    Raises
    ------
    IngestError
        Not that encoding or delimiter, a column missing or there twice, a number of rows other than declared, an
        area without a code, there twice or of another geography, an empty value, a count that is no whole number.

    Examples
    --------
    >>> from engagement_stats import catalogue
    >>> read("imd2019_lsoa11", catalogue.load(), Path("imd.csv"))  # doctest: +SKIP
    """
    entry = catalogue.lookups[name]
    landed = LandedFile(file) if isinstance(file, Path) else file
    where = f"lookup {name} {landed.name}"
    header, rows = _parsed(where, _text(where, landed, entry.file.encoding, sha256), entry.file.delimiter)
    deposit.check_size(landed.stated, deposit.MANIFEST, rows=len(rows), columns=len(header), where=where)
    if entry.file.rows is not None and len(rows) != entry.file.rows:
        raise IngestError(
            f"{where}: another number of areas. Got {len(rows):,}; expected {entry.file.rows:,}. The file is cut short "
            "or another edition; deposit it again, or correct file.rows of the lookup."
        )
    columns = {
        entry.geography: entry.key.column,
        **{k: v.column for k, v in entry.values.items()},
        **entry.counts,
    }
    places = _positions(where, header, columns)
    frame = pd.DataFrame({k: pd.Series([row[i].strip() for row in rows], dtype="str") for k, i in places.items()})
    problems = _problems(entry, catalogue.geographies, frame)
    if problems:
        raise IngestError(f"{where}: {' '.join(problems)} Deposit the lookup again, or correct its catalogue entry.")
    return frame.astype(dict.fromkeys(entry.counts, "int64"))


def _text(where: str, file: LandedFile, encoding: str, sha256: str | None) -> str:
    with deposit.opened(file, where) as source, os.fdopen(os.dup(source.descriptor), "rb") as handle:
        content = handle.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise IngestError(f"{where}: larger than {MAX_BYTES:,} bytes. A lookup lists areas; deposit a smaller one.")
    if sha256 is not None and hashlib.sha256(content).hexdigest() != sha256:
        raise IngestError(f"{where}: the file changed while it was being read. Run again.")
    try:
        return content.decode("utf-8-sig" if encoding == "utf-8" else encoding)
    except UnicodeDecodeError:
        raise IngestError(f"{where}: not {encoding} text. Save it as CSV, or declare its encoding.") from None


def _parsed(where: str, text: str, delimiter: str) -> tuple[list[str], list[list[str]]]:
    try:
        rows = [row for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True) if row]
    except csv.Error:
        raise IngestError(f"{where}: not well-formed delimited text. Save it as CSV again.") from None
    if not rows:
        raise IngestError(f"{where}: the file is empty. Deposit the lookup again.")
    header, *body = rows
    if ragged := sum(len(row) != len(header) for row in body):
        raise IngestError(
            f"{where}: {ragged} line(s) do not have the {len(header)} fields the first line names. Save it as CSV "
            "again, or declare its delimiter."
        )
    return header, body


def _positions(where: str, header: Sequence[str], columns: Mapping[str, str]) -> dict[str, int]:
    names = [n.strip().lower() for n in header]
    wrong = [c for c in columns.values() if names.count(c.lower()) != 1]
    if wrong:
        raise IngestError(
            f"{where}: {len(wrong)} column(s) are missing or there twice ({listed(wrong)}). Got "
            f"{listed([n for n in header if len(n) <= 63])}. Correct the columns of the lookup in the catalogue."
        )
    return {k: names.index(c.lower()) for k, c in columns.items()}


def _problems(entry: m.Lookup, geographies: Mapping[str, m.Geography], frame: pd.DataFrame) -> list[str]:
    key = frame[entry.geography]
    problems = []
    if repeated := int(key.duplicated().sum()):
        problems.append(f"{repeated:,} row(s) repeat an area ({entry.key.column}); expected each once.")
    if elsewhere := int((~key.str[:1].isin(entry.countries) & key.ne("")).sum()):
        problems.append(f"{elsewhere:,} area(s) are not in {', '.join(entry.countries)}, the countries declared.")
    for name, column in {entry.geography: entry.key, **entry.values}.items():
        if empty := int(frame[name].eq("").sum()):
            problems.append(f"{empty:,} row(s) have no {column.column}.")
        if column.geography is not None:
            problems += mistaken(frame[name][frame[name].ne("")], column.geography, geographies, column.column)
        elif odd := int(frame[name].str.contains(NO_NAME).sum()):
            problems.append(f"{odd:,} row(s) have a {column.column} with a bar or a control character in it.")
    for name, column_name in entry.counts.items():
        if bad := int((~frame[name].str.fullmatch(r"[0-9]{1,12}")).sum()):
            problems.append(f"{bad:,} row(s) have a {column_name} that is not a whole number.")
    return problems


def mistaken(
    codes: pd.Series, geography: str, geographies: Mapping[str, m.Geography], column: str, counted: str = "row(s)"
) -> list[str]:
    """Say how many codes cannot be of a geography, and of which they all could be; no code is named.

    Parameters
    ----------
    codes : Series of str
    geography : str
        What they should be codes of.
    geographies : mapping of str to Geography
    column : str
        Named in the sentence.
    counted : str, default "row(s)"
        What is counted.

    Returns
    -------
    list of str
        Empty, or one sentence.

    Examples
    --------
    >>> kinds = (("lsoa", "E01000001", "E01999999"), ("ward", "E05000001", "E05999999"))
    >>> known = {k: m.Geography(label=k, codes=[(first, last)]) for k, first, last in kinds}
    >>> mistaken(pd.Series(["E01000001", "E05000001"]), "lsoa", known, "place")
    ['1 row(s) have a code in place that is not of lsoa; these look like ward.']
    """
    form = geographies[geography]
    wrong = {c for c in codes.unique() if not form.holds(c)}
    if not wrong:
        return []
    like = [k for k, v in geographies.items() if all(v.holds(c) for c in wrong)]
    hint = f"these look like {' or '.join(like)}" if like else "expected codes such as " + form.codes[0][0]
    return [f"{int(codes.isin(wrong).sum()):,} {counted} have a code in {column} that is not of {geography}; {hint}."]


def read_landed(
    catalogue: Catalogue, found: Mapping[str, LookupStatus], names: Iterable[str] | None = None
) -> dict[str, pd.DataFrame]:
    """Read those of the lookups named (all when not given) that have landed, as `read` does."""
    chosen = [found[name] for name in (found if names is None else names)]
    return {s.lookup: read(s.lookup, catalogue, s.files[0], s.sha256) for s in chosen if s.state == "landed"}
