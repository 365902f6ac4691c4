"""Turn the tables of a published workbook into figures, as a wave's entry describes them.

Belongs here: which cells of official tables and pollsters' crosstabs are read, and the checks that they are the right
ones.
Not here: reading the file (ingest), finding words on a sheet (labels), what a cell says (marks), the description
(catalogue.workbooks), and what becomes of a figure (tabulate).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from engagement_stats import ingest, labels, marks
from engagement_stats.catalogue import Catalogue
from engagement_stats.catalogue import model as m
from engagement_stats.catalogue.workbooks import (
    ANSWER,
    YEAR,
    CrosstabLayout,
    Layout,
    OfficialLayout,
    Table,
    Workbook,
)
from engagement_stats.deposit import LandedFile
from engagement_stats.errors import LISTED, IngestError
from engagement_stats.labels import Grid
from engagement_stats.readers.model import Cell


@dataclass(frozen=True, slots=True)
class _Source:
    """What every figure of one table shares."""

    wave: str
    book: Workbook
    table: Table
    where: str

    def spelled(self, words: Sequence[str]) -> list[str]:
        """Fill the year and the answer into words of a layout."""
        answer = self.table.answer[0] if self.table.answer else ""
        return [w.replace(YEAR, self.book.year or "").replace(ANSWER, answer) for w in words]

    def figure(
        self, domain: str, level: str, value: marks.Reading, *, decimals: int, bounds: Mapping[str, float | None],
        base: int | None, base_weighted: float | None,
    ) -> m.Figure:  # fmt: skip
        """Make a figure of what was read."""
        below = 0.5 / 10**decimals if value.mark == "rounds_to_zero" else value.below
        withheld = None if value.mark == "rounds_to_zero" else value.mark
        try:
            return m.Figure.model_validate({
                "wave": self.wave, "indicator": self.table.indicator, "domain": domain, "level": level,
                "value": value.value, "below": below, "withheld": withheld, **bounds, "base": base,
                "base_weighted": base_weighted, "decimals": decimals, "published_on": self.book.published_on,
                "evidence": self.book.evidence, "source": self.book.source, "note": self.table.note,
            })  # fmt: skip
        except ValidationError as error:
            said = error.errors(include_url=False, include_input=False)[0]["msg"].removeprefix("Value error, ")
            raise IngestError(
                f"{self.where} {domain} {level}: {said}. The headers or labels may name the wrong cells; correct the "
                "wave's workbook entry."
            ) from None


class _Problems:
    """Errors collected, so that one run names every word that was not found."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def __enter__(self) -> "_Problems":
        return self

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> bool:
        if isinstance(error, IngestError):
            self.lines.append(str(error))
            return True
        return False

    def check(self, where: str) -> None:
        if len(self.lines) == 1:
            raise IngestError(self.lines[0])
        if self.lines:
            more = f"\nand {len(self.lines) - LISTED} more" if len(self.lines) > LISTED else ""
            raise IngestError(
                f"{where}: {len(self.lines)} things in the workbook are not as described\n"
                + "\n".join(self.lines[:LISTED])
                + more
            )


def read(wave_id: str, file: LandedFile, catalogue: Catalogue) -> list[m.Figure]:
    """Read the figures of a wave's workbook from its file, in a child process.

    Parameters
    ----------
    wave_id : str
        A tables wave with a workbook.
    file : LandedFile
    catalogue : Catalogue

    Returns
    -------
    list of Figure
        As `figures`.

    Raises
    ------
    IngestError
        The file cannot be read, or as `figures`.
    """
    book = catalogue.tables_waves[wave_id].workbook
    assert book is not None
    grids = ingest.read_grids(wave_id, book, file, [table.sheet for table in book.tables])
    return figures(wave_id, grids, catalogue, f"{wave_id} {file.name}")


def figures(wave_id: str, grids: Sequence[Grid], catalogue: Catalogue, where: str) -> list[m.Figure]:
    """Read the figures of a workbook.

    Parameters
    ----------
    wave_id : str
        A tables wave with a workbook.
    grids : sequence of Grid
        The sheet of each table, in the order of the entry.
    catalogue : Catalogue
    where : str
        Wave and file, for messages.

    Returns
    -------
    list of Figure
        One for every table and level the entry describes, in that order.

    Raises
    ------
    IngestError
        Something described is not found exactly once, or what is found there cannot be it; every such thing is named.
    """
    book = catalogue.tables_waves[wave_id].workbook
    assert book is not None
    found: list[m.Figure] = []
    problems = _Problems()
    for table, grid in zip(book.tables, grids, strict=True):
        layout = book.layouts[table.layout]
        source = _Source(wave_id, book, table, f"{where} sheet {table.sheet[0]}")
        with problems:
            read = _official if isinstance(layout, OfficialLayout) else _crosstab
            found += read(grid, layout, source, catalogue, problems)  # type: ignore[arg-type]
    problems.check(where)
    return found


def _wanted(layout: Layout, source: _Source, catalogue: Catalogue) -> Iterator[tuple[str, str, list[str]]]:
    """Give every domain and level a layout describes, with its words."""
    for domain in layout.domains:
        for level, words in catalogue.level_words(layout, domain).items():
            yield domain, level, source.spelled(words)


def _start(grid: Grid, source: _Source) -> int | None:
    return None if source.table.title is None else labels.title_row(grid, source.table.title, source.where)


def _cell(grid: Grid, row: int, column: int) -> Cell:
    return grid[row][column] if column < len(grid[row]) else Cell()


# --- official tables


def _official(
    grid: Grid, layout: OfficialLayout, source: _Source, catalogue: Catalogue, problems: _Problems
) -> list[m.Figure]:
    names = {
        k: source.spelled(v)
        for k in ("value", "lower", "upper", "base", "base_weighted")
        if (v := getattr(layout.columns, k)) is not None
    }
    naming = [source.spelled(x) for x in layout.labels]
    head = labels.header(
        grid, [*naming, *names.values()], source.where, height=layout.header_rows, start=_start(grid, source)
    )
    columns = {k: labels.one(head.columns, v, "column", source.where) for k, v in names.items()}
    beside = [labels.one(head.columns, v, "column", source.where) for v in naming]
    rows = _row_labels(
        grid, layout, beside, range(head.below, labels.end_of_table(grid, head.below, [*columns.values()]))
    )
    found = []
    for domain, level, words in _wanted(layout, source, catalogue):
        with problems:
            row = labels.one(rows, words, "row", source.where)
            found.append(_official_figure(grid, row, columns, layout, source, (domain, level)))
    return found


def _row_labels(grid: Grid, layout: OfficialLayout, beside: Sequence[int], span: range) -> dict[str, list[int]]:
    """Join the labels of each row; with `fill_down` an empty one is that above, but not under a new one to its left."""
    rows: dict[str, list[int]] = {}
    last = [""] * len(beside)
    for r in span:
        texts = [labels.text_of(_cell(grid, r, c)).strip() for c in beside]
        if not any(texts):
            continue
        if layout.fill_down:
            for i, text in enumerate(texts):
                if text and text != last[i]:
                    last[i + 1 :] = [""] * (len(beside) - i - 1)
                texts[i] = last[i] = text or last[i]
        rows.setdefault(labels.JOIN.join(t for t in texts if t), []).append(r)
    return rows


def _official_figure(
    grid: Grid, row: int, columns: Mapping[str, int], layout: OfficialLayout, source: _Source, part: tuple[str, str]
) -> m.Figure:
    where = f"{source.where} {part[0]} {part[1]}"
    read = {k: marks.read_cell(_cell(grid, row, c), layout, f"{where} {k}") for k, c in columns.items()}
    value = marks.percentage(read["value"], layout, where, digits=True)
    ends = {
        k: marks.percentage(read[k], layout, f"{where} {k}", digits=False).value
        for k in ("lower", "upper")
        if k in read
    }
    # Beside a mark in place of the percentage there is no interval, whatever stands there.
    has_interval = value.value is not None and len(ends) == 2 and None not in ends.values()
    bounds = {
        "lower": ends["lower"] if has_interval else None, "upper": ends["upper"] if has_interval else None,
        "confidence": layout.confidence if has_interval else None,
    }  # fmt: skip
    weighted = read.get("base_weighted")
    return source.figure(
        *part, value, decimals=layout.decimals, bounds=bounds, base=marks.base(read.get("base"), where),
        base_weighted=weighted.value if weighted else None,
    )  # fmt: skip


# --- crosstabs


def _crosstab(
    grid: Grid, layout: CrosstabLayout, source: _Source, catalogue: Catalogue, problems: _Problems
) -> list[m.Figure]:
    wanted = list(_wanted(layout, source, catalogue))
    beside = _label_column(grid, layout, source.where)
    asked = None
    if source.table.question is not None:
        asked = labels.title_row(grid, source.table.question, source.where, what="question")
    head = labels.header(
        grid, [words for _, _, words in wanted], source.where, height=layout.header_rows, start=_start(grid, source),
        above=asked, first=beside + 1, carry=True,
    )  # fmt: skip
    columns = [labels.one(head.columns, words, "column", source.where) for _, _, words in wanted]
    span = range(head.below, labels.end_of_table(grid, head.below, columns))
    blocks = [span]
    if asked is not None:
        blocks = _of_question(grid, layout, beside, labels.blocks(grid, span, beside, columns), asked)
    rows = _crosstab_rows(grid, layout, source, beside, blocks)
    found = []
    for (domain, level, _), column in zip(wanted, columns, strict=True):
        with problems:
            where = f"{source.where} {domain} {level}"
            read = {k: marks.read_cell(_cell(grid, r, column), layout, f"{where} {k}") for k, r in rows.items()}
            value = marks.percentage(read["per_cent"], layout, where, digits=True)
            weighted = read.get("base_weighted")
            if layout.per_cent_of == "weighted_base":
                _check_count(value, read.get("count"), weighted, layout.decimals, where)
            found.append(source.figure(
                domain, level, value, decimals=layout.decimals, base=marks.base(read["base"], where),
                bounds={"lower": None, "upper": None, "confidence": None},
                base_weighted=weighted.value if weighted else None,
            ))  # fmt: skip
    return found


def _label_column(grid: Grid, layout: CrosstabLayout, where: str) -> int:
    """Return the column of the labels: the one in which the unweighted base is named."""
    keys = {labels.plain(w) for w in layout.base_unweighted}
    there = {c for row in grid for c, x in enumerate(row) if not x.spread and labels.plain(labels.text_of(x)) in keys}
    if len(there) == 1:
        return there.pop()
    if there:
        raise IngestError(
            f'{where}: the base "{layout.base_unweighted[0]}" is named in {len(there)} columns, expected one. Write '
            "its label in full."
        )
    texts = {labels.text_of(c): [r] for r, row in enumerate(grid) for c in row if isinstance(c.value, str)}
    return labels.one(texts, layout.base_unweighted, "row", where)


def _of_question(grid: Grid, layout: CrosstabLayout, beside: int, blocks: Sequence[range], asked: int) -> list[range]:
    """Return the rows of the bases and those of a question. The bases are its own, or else those under the header."""
    own = next((b for b in blocks if asked in b), range(asked, asked))
    keys = {labels.plain(w) for w in layout.base_unweighted}
    has_base = any(labels.plain(labels.text_of(_cell(grid, r, beside))) in keys for r in own)
    return [own] if has_base or own == blocks[0] else [blocks[0], own]


def _labelled(grid: Grid, layout: CrosstabLayout, beside: int, span: Sequence[int]) -> dict[str, list[int]]:
    """Return the rows of each label, up to the bases of another table."""
    named: dict[str, list[int]] = {}
    bases = 0
    for r in span:
        cell = _cell(grid, r, beside)
        text = "" if cell.spread else labels.text_of(cell).strip()
        bases += labels.plain(text) in {labels.plain(w) for w in layout.base_unweighted}
        # The second unweighted base is that of the next table.
        if bases > 1:
            break
        if text:
            named.setdefault(text, []).append(r)
    return named


def _crosstab_rows(
    grid: Grid, layout: CrosstabLayout, source: _Source, beside: int, spans: Sequence[range]
) -> dict[str, int]:
    """Return the rows of the bases, which stand in the first span, and of the answer wanted, in the last."""
    head, named = (_labelled(grid, layout, beside, span) for span in (spans[0], spans[-1]))
    rows = {"base": labels.one(head, layout.base_unweighted, "row", source.where)}
    if layout.base_weighted is not None:
        rows["base_weighted"] = labels.one(head, layout.base_weighted, "row", source.where)
    answers = source.spelled(source.table.answer or [])
    first = labels.one(named, answers, "row", source.where)
    if first < rows["base"]:
        raise IngestError(
            f'{source.where}: the answer "{answers[0]}" stands above the bases. Expected the bases above the answers, '
            "as they cannot be told from those of another table otherwise. Name the table by its title."
        )
    labelled = {r for found in named.values() for r in found}
    for offset, kind in enumerate(layout.cells):
        if first + offset >= spans[-1].stop or (offset and first + offset in labelled):
            raise IngestError(
                f'{source.where}: the answer "{answers[0]}" has {offset} row(s). Expected {len(layout.cells)} '
                f"({', '.join(layout.cells)}). Correct the layout's cells."
            )
        rows[kind] = first + offset
    return rows


def _check_count(
    value: marks.Reading, count: marks.Reading | None, base: marks.Reading | None, decimals: int, where: str
) -> None:
    """Hold a percentage to the count and the weighted base beside it, which prove that the right rows were found."""
    if value.value is None or count is None or base is None or not count.value or not base.value:
        return
    share = count.value / base.value
    # Count and base are themselves rounded to whole respondents.
    allowed = 0.5 / 10**decimals + 50 * (1 + share) / base.value
    if abs(100 * share - value.value) > allowed * (1 + marks.HAIR) + marks.HAIR:
        raise IngestError(
            f"{where}: the percentage is not that of the count on the weighted base. Correct the order of the layout's "
            'cells or its base_weighted, or give per_cent_of: "other" if it is a percentage of something else.'
        )
