"""Lay out a release as the sheets of a spreadsheet, whatever the format it will be written in.

Belongs here: what a valid warehouse/sheets.yaml is, and filling its sheets from a release: cells rounded for reading,
shorthand where there is no number, notes, contents and cover.
Not here: which columns a sheet has and every word on it (warehouse/sheets.yaml), the formats (export_xlsx, export_ods).
Source: Government Analysis Function, Releasing statistics in spreadsheets: cover, contents and notes; one marked-up
table a sheet; title, what is said of the table, then the table; no merged cells, no empty ones.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import cache
from importlib import resources
from itertools import groupby
from typing import Literal

from pydantic import BaseModel, Field, ValidationError

from engagement_stats.catalogue import strictyaml
from engagement_stats.catalogue.entry import STRICT, Id, Text
from engagement_stats.errors import ExportError
from engagement_stats.export_release import Record, Release
from engagement_stats.export_text import writable
from engagement_stats.rounding import published_decimals, rounded

NOT_AVAILABLE = "[x]"
NOT_APPLICABLE = "[z]"
SHORTHAND = re.compile(r"\[[a-z]{1,4}\]")
LONGEST_NAME = 31  # of a sheet, in Excel
NUMBER_WIDTH, TEXT_WIDTH, LEAST_WIDTH = 16, 24, 8
# In print: what text of 12 points may be reduced to (8 points), and how many letters of that size an A4 page lying on
# its side takes.
LEAST_PERCENT, LETTERS_A_PAGE = 67, 150


class _Entry(BaseModel):
    model_config = STRICT


class ColumnEntry(_Entry):
    """A column of a sheet: the column of its query, its heading, and how it is shown."""

    column: Id
    heading: Text
    shown: Literal["text", "in_unit", "share", "number", "count", "day", "yes_no"] = Field("text", alias="as")
    rounding: Id | None = None
    empty: Text = NOT_APPLICABLE
    note: Id | None = None
    width: int | None = None


class SheetEntry(_Entry):
    """A sheet, or one for each value of `each`; `several` names them where their units make more than one."""

    tables: list[Id]
    name: Text
    title: Text
    about: Text
    query: Text
    columns: list[ColumnEntry]
    each: list[Id] = []
    several: Text | None = None


class Layout(_Entry):
    """The whole of warehouse/sheets.yaml."""

    title: Text
    description: Text
    language: Text
    synthetic: Text
    most_rows: int
    cover: dict[Text, list[Text]]
    shorthand: dict[Text, Text]
    notes: dict[Id, Text]
    sheets: dict[Id, SheetEntry]


@dataclass(frozen=True, slots=True)
class Number:
    """A number as a reader sees it: rounded already, and with how many decimals it is shown."""

    value: float
    decimals: int


Cell = str | Number


@dataclass(frozen=True, slots=True)
class Sheet:
    """A sheet with one table: what stands above it, its headings, and its rows."""

    name: str
    table: str
    title: str
    lines: tuple[str, ...]
    headings: tuple[str, ...]
    widths: tuple[int, ...]
    rows: tuple[tuple[Cell, ...], ...]
    # Whether the first column leads to the sheets it names.
    links: bool = False

    @property
    def header_row(self) -> int:
        """Row of the headings, from 1."""
        return 2 + len(self.lines)

    @property
    def fits_a_page(self) -> bool:
        """Whether all columns can be read when they are printed on one page; others take several pages across."""
        return sum(self.widths) <= LETTERS_A_PAGE

    @property
    def repeated(self) -> int:
        """How many of the first columns stand on each page across: those that leave it more than half."""
        return sum(sum(self.widths[: i + 1]) < LETTERS_A_PAGE / 2 for i in range(len(self.widths)))


@dataclass(frozen=True, slots=True)
class Workbook:
    """What a spreadsheet file holds; `cover` are paragraphs, each with whether it is a heading."""

    title: str
    description: str
    language: str
    created: datetime
    cover: tuple[tuple[bool, str], ...]
    sheets: tuple[Sheet, ...]


@cache
def layout() -> Layout:
    """Read warehouse/sheets.yaml.

    Returns
    -------
    Layout

    Raises
    ------
    ExportError
        It contradicts its model.
    """
    with resources.as_file(resources.files("warehouse").joinpath("sheets.yaml")) as path:
        try:
            return Layout.model_validate(strictyaml.read(path))
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(x) for x in first["loc"])
            raise ExportError(f"sheets.yaml: {where}: {first['msg']}. See its first lines.") from None


def workbook(release: Release, only: Sequence[str] = ()) -> Workbook:
    """Lay out a release.

    Parameters
    ----------
    release : Release
    only : sequence of str, optional
        Only the sheets that rest first of all on one of these tables; every sheet when none is named.

    Returns
    -------
    Workbook
        Cover, contents and notes, then the tables. Sheets without rows are left out.
    """
    words = layout()
    there = {t.name for t in release.tables()}
    made: list[Sheet] = []
    too_long: list[str] = []
    for entry in words.sheets.values():
        if set(entry.tables) <= there and (not only or entry.tables[0] in only):
            for sheet in _sheets(entry, release, words):
                if len(sheet.rows) > words.most_rows:
                    too_long.append(f"{sheet.title} ({len(sheet.rows):,} rows)")
                else:
                    made.append(sheet)
    made = _told_apart(made)
    explained = _explained(release, words)
    made = [_with_lines(s, release, words, explained) for s in made]
    notes = _notes(words, explained)
    contents = _contents([notes, *made], release, words)
    first = [_with_lines(s, release, words, {}) for s in (contents, notes)]
    mark = "SYNTHETIC: " if release.synthetic else ""
    return Workbook(
        title=f"{mark}{words.title}",
        description=f"{mark}{words.description}. Release {release.name}.",
        language=words.language,
        created=release.built_at,
        cover=_cover(release, words, too_long),
        sheets=(*first, *made),
    )


def _sheets(entry: SheetEntry, release: Release, words: Layout) -> list[Sheet]:
    """Fill the sheets of one entry."""
    records = release.records(entry.query)
    shown = [*entry.each, *(n for c in entry.columns for n in (c.column, c.rounding) if n)]
    if missing := [n for n in shown if records and n not in records[0]]:
        raise ExportError(
            f"{release.path}: this release is of an older version of the program, as it has no column {missing[0]} for "
            f"the sheet {entry.name}. Make it again with `engagement-stats run`, or export --formats csv parquet."
        )
    numbers = {name: i for i, name in enumerate(words.notes, start=1)}
    groups = [list(g) for _, g in groupby(records, key=lambda r: [r[k] for k in entry.each])]
    labels = [entry.name.format_map(g[0]) for g in groups]
    out = []
    for group, label in zip(groups, labels, strict=True):
        said = group[0]
        several = labels.count(label) > 1 and entry.several is not None
        columns = list(entry.columns)
        headings = [c.heading.format_map(said) + (f" [note {numbers[c.note]}]" if c.note else "") for c in columns]
        widths = [c.width or (TEXT_WIDTH if c.shown == "text" else NUMBER_WIDTH) for c in columns]
        rows = [tuple(_cell(c, record) for c in columns) for record in group]
        widths = [_width(w, h, cells) for w, h, cells in zip(widths, headings, zip(*rows, strict=True), strict=True)]
        if release.synthetic and "is_synthetic" in said:
            # First, where nobody can miss it.
            headings, widths = ["Synthetic", *headings], [16, *widths]
            rows = [("SYNTHETIC" if r["is_synthetic"] else "no", *row) for r, row in zip(group, rows, strict=True)]
        name = str(entry.several).format_map(said) if several else label
        title = entry.title.format_map(said) + (f" ({said['unit_words']})" if several and "unit_words" in said else "")
        out.append(Sheet(
            name=name, table="", title=writable(title), lines=(writable(entry.about.format_map(said)),),
            headings=_headings(headings), widths=tuple(widths), rows=tuple(rows),
        ))  # fmt: skip
    return out


def _width(most: int, heading: str, cells: Sequence[Cell]) -> int:
    """Return a width that takes the longest cell, or word of the heading, on one line, and is not above `most`."""
    longest = max(len(line) for c in cells for line in (f"{c.value:,.1f}" if isinstance(c, Number) else c).split("\n"))
    word = max(len(w) for w in heading.split())
    return min(most, max(longest + 2, word + 4, LEAST_WIDTH))


def _headings(given: Sequence[str]) -> tuple[str, ...]:
    """Return headings on one line each, no two alike, as a marked-up table must have them."""
    out: list[str] = []
    for heading in (" ".join(writable(h).split()) for h in given):
        alike = sum(h.casefold() == heading.casefold() for h in out)
        out.append(f"{heading} {alike + 1}" if alike else heading)
    return tuple(out)


def _cell(column: ColumnEntry, record: Record) -> Cell:
    value = record[column.column]
    if column.shown == "text":
        return writable(str(value)) if value is not None and str(value).strip() else column.empty
    if value is None:
        return str(record.get("shorthand") or NOT_AVAILABLE)
    if column.shown == "yes_no":
        return "yes" if value else "no"
    if column.shown == "day":
        return value.isoformat() if isinstance(value, date) else str(value)
    return _number(column, record, float(value))


def _number(column: ColumnEntry, record: Record, value: float) -> Number:
    if column.shown == "count":
        return Number(float(rounded(value)), 0)
    share = column.shown == "share" or (column.shown == "in_unit" and record["unit"] == "proportion")
    scale, decimals = (100, 1) if share else (1, 2)
    if column.rounding and record[column.rounding]:
        decimals = min(decimals, published_decimals(record[column.rounding], scale))
    return Number(float(rounded(scale * value, decimals)), decimals)


def _told_apart(sheets: list[Sheet]) -> list[Sheet]:
    """Give every sheet a name and every table an identifier that no other has and that a spreadsheet takes."""
    names: set[str] = {"cover", "contents", "notes"}
    out: list[Sheet] = []
    for sheet in sheets:
        plain = re.sub(r"[\[\]:*?/\\'\x00-\x1f]", " ", sheet.name)
        plain = re.sub(r"^\W+", "", " ".join(plain.split()))[:LONGEST_NAME].strip() or "Sheet"
        name, i = plain, 1
        while name.casefold() in names:
            i += 1
            name = f"{plain[: LONGEST_NAME - len(str(i)) - 1]} {i}"
        names.add(name.casefold())
        # Never like the address of a cell, such as A1.
        table = "table_" + re.sub(r"[^a-z0-9]+", "_", name.casefold()).strip("_")
        taken = {s.table for s in out}
        out.append(replace(sheet, name=name, table=table if table not in taken else f"{table}_{len(out)}"))
    return out


def _shorthand_used(sheets: Sequence[Sheet]) -> set[str]:
    """Return the shorthand that stands anywhere on the sheets."""
    texts = {c for s in sheets for row in s.rows for c in row if isinstance(c, str) and "[" in c}
    texts |= {h for s in sheets for h in s.headings}
    return {found for text in texts for found in SHORTHAND.findall(text)}


def _explained(release: Release, words: Layout) -> dict[str, str]:
    """Return what shorthand means, as the release says; that of the sheets alone, as the layout does."""
    terms = release.records("SELECT id, meaning FROM terms WHERE kind = 'symbol' ORDER BY id")
    return {**words.shorthand, **{r["id"]: r["meaning"] for r in terms}}


def _with_lines(sheet: Sheet, release: Release, words: Layout, explained: dict[str, str]) -> Sheet:
    """Put what is said of the table above it."""
    used = sorted(_shorthand_used([sheet]) & set(explained))
    lines = [*([words.synthetic] if release.synthetic else []), *sheet.lines]
    if used:
        lines.append("Shorthand: " + " ".join(f"{k} {explained[k]}" for k in used))
    if any("[note " in h for h in sheet.headings):
        lines.append("Notes in square brackets are explained on the sheet of notes.")
    lines.append(f"Source: release {release.name}; the sources and their licences are on the sheet of sources.")
    row = 2 + len(lines) + 1
    lines.append(f"This sheet holds one table, {sheet.table}. Its headings are in row {row}, from cell A{row}.")
    return replace(sheet, lines=tuple(lines))


def _notes(words: Layout, explained: dict[str, str]) -> Sheet:
    rows = [(f"[note {i}]", text) for i, text in enumerate(words.notes.values(), start=1)]
    rows += sorted(explained.items())
    return Sheet(
        name="Notes", table="table_notes", title="Notes and shorthand",
        lines=("What the notes in headings and the shorthand in cells mean.",),
        headings=("Note or shorthand", "What it means"), widths=(20, 110),
        rows=tuple((writable(a), writable(b)) for a, b in rows),
    )  # fmt: skip


def _contents(sheets: Sequence[Sheet], release: Release, words: Layout) -> Sheet:
    rows = tuple((s.name, s.title, Number(len(s.rows), 0)) for s in sheets)
    return Sheet(
        name="Contents", table="table_contents", title="Contents", lines=("Each name leads to its sheet.",),
        headings=("Sheet", "What is on it", "Rows (number)"), widths=(40, 90, 16), rows=rows, links=True,
    )  # fmt: skip


def _cover(release: Release, words: Layout, too_long: Sequence[str]) -> tuple[tuple[bool, str], ...]:
    waves = release.records("SELECT count(*) AS n FROM waves WHERE is_released")[0]["n"]
    failed = json.loads(release.run["failed_waves"])
    known = {
        "release_id": release.name,
        "code_version": str(release.run["code_version"]),
        "built_at": release.built_at.isoformat(sep=" "),
        "waves": f"{waves:,}",
        "failed": f"Landed and not in it: {', '.join(sorted(failed))}." if failed else "",
    }
    parts: list[tuple[bool, str]] = [(False, words.synthetic)] if release.synthetic else []
    for heading, paragraphs in words.cover.items():
        parts.append((True, heading))
        parts += [(False, text) for p in paragraphs if (text := p.format_map(known))]
    if too_long:
        parts += [(True, "Too long for a sheet"), (False, f"In the other files only: {'; '.join(too_long)}.")]
    return tuple((heading, writable(text)) for heading, text in parts)
