"""Population margins, and a sample laid out on their joint cells.

Belongs here: what a margin is, whether margins agree with one another and with a sample, and the joint cells of a
sample with the sums that weighting needs.
Not here: finding weights (calibration), which margins a wave uses (catalogue), variances (uncertainty).
Methods: docs/weighting.md#margins
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from engagement_stats.errors import WeightingError, listed

CROSS = "*"
LEVEL_SEPARATOR = " | "
COLUMNS = ["variable", "category", "population"]
AGREE = 1e-9
"""Totals of margins this close, relatively, are the same number; weights could not meet both otherwise."""
ROUNDED = 0.005
"""Totals of margins at most this far apart may be counts of one population rounded differently (rescale=True)."""
DENSE_CELLS = 8_000_000


def _text(value: object) -> str:
    """Write a category as text; 1 and 1.0 are the same category."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip()


def quoted(names: Iterable[object]) -> str:
    """List names in quotes, as messages do."""
    return listed([f'"{name}"' for name in names])


@dataclass(frozen=True)
class Margins:
    """Known population counts by category, one or more margins of one population.

    `table` has the columns variable, category (text) and population, in the order given. A variable may be
    crossed, as in "sex*age_group", with categories such as "Male | 18-24". A row without a category is the population
    total of a numeric variable. `label` names the margins in errors and records, `source` says where they are from.
    """

    table: pd.DataFrame
    label: str = "margins"
    source: str | None = None
    rescaled: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def of(cls, margins: Any, *, rescale: bool = False) -> "Margins":
        """Read margins from a frame, a mapping, or an object that has a `table`; check that they agree.

        Parameters
        ----------
        margins : Margins, DataFrame, mapping, or catalogue entry of margins
            DataFrame: columns variable, category, population (others are ignored). Mapping: variable to a mapping
            of category to population.
        rescale : bool, default False
            Scale every margin to the total of the first, when the totals differ by no more than 0.5 per cent
            (counts rounded for publication).

        Returns
        -------
        Margins
            Margins of two variables that share one agree on it, to 1e-9 relative.

        Raises
        ------
        WeightingError
            A column is missing, a category is there twice, a population is not a positive number, or totals
            disagree.
        """
        if isinstance(margins, Margins):
            found = margins
        elif isinstance(margins, Mapping):
            rows = [(v, c, p) for v, levels in margins.items() for c, p in levels.items()]
            found = cls(pd.DataFrame(rows, columns=COLUMNS))
        elif isinstance(margins, pd.DataFrame):
            found = cls(margins)
        elif isinstance(getattr(margins, "table", None), pd.DataFrame):
            found = cls(margins.table, getattr(margins, "label", "margins"), getattr(margins, "source", None))
        else:
            raise WeightingError(
                f"margins: got {type(margins).__name__}; expected a frame with columns {', '.join(COLUMNS)}, a mapping "
                "of variable to category to population, or margins of the catalogue."
            )
        return _agreed(_checked(found), rescale)

    @classmethod
    def from_catalogue(cls, catalogue: Any, name: str, variables: Sequence[str] | None = None) -> "Margins":
        """Take margins of one population from the catalogue.

        Parameters
        ----------
        catalogue : Catalogue
        name : str
            An entry of `catalogue.margins`, such as "mid_2014_england_18".
        variables : sequence of str, optional
            The margins wanted, crossed or not: ["region", "sex*age_group"]. The full crossing when not given.

        Returns
        -------
        Margins
            Sums of the entry's counts, so that they agree with one another.

        Raises
        ------
        WeightingError
            There is no such entry, or it does not have the variables.

        Examples
        --------
        >>> from engagement_stats import catalogue
        >>> known = Margins.from_catalogue(catalogue.load(), "mid_2023_england_18", ["sex"])
        >>> known.parts["sex"][1].tolist()
        [22137472.0, 23554205.0]
        """
        if name not in catalogue.margins:
            raise WeightingError(f'margins: the catalogue has no "{name}". It has {listed(list(catalogue.margins))}.')
        rows = [r for r in catalogue.margin_rows if r.margins == name]
        have = rows[0].variable.split(CROSS)
        levels = np.array([r.category.split(LEVEL_SEPARATOR) for r in rows], dtype=object)
        population = pd.Series([float(r.population) for r in rows])
        tables = []
        for variable in variables or [rows[0].variable]:
            wanted = variable.split(CROSS)
            lacking = [w for w in wanted if w not in have]
            if lacking:
                raise WeightingError(
                    f"margins/{name}: there is no {listed(lacking)}. It has {CROSS.join(have)}; margins of one "
                    "population cannot be completed from another."
                )
            keys = [LEVEL_SEPARATOR.join(row[have.index(w)] for w in wanted) for row in levels]
            sums = population.groupby(keys, sort=False).sum()
            tables.append(pd.DataFrame({"variable": variable, "category": sums.index, "population": sums.to_numpy()}))
        entry = catalogue.margins[name]
        source = f"{'; '.join(catalogue.sources[s].title for s in entry.sources)} ({entry.date.isoformat()})"
        return cls.of(cls(pd.concat(tables, ignore_index=True), f"margins/{name}", source))

    @cached_property
    def variables(self) -> tuple[str, ...]:
        """The margins' variables, crossed or not, in the order given."""
        return tuple(dict.fromkeys(self.table["variable"]))

    @cached_property
    def parts(self) -> dict[str, tuple[list[str], np.ndarray]]:
        """Each margin of categories: its categories and their populations, in the order given."""
        out = {}
        for name, rows in self.table[self.table["category"].notna()].groupby("variable", sort=False):
            out[str(name)] = (rows["category"].tolist(), rows["population"].to_numpy(float))
        return out

    @cached_property
    def totals(self) -> dict[str, float]:
        """Population totals of numeric variables."""
        rows = self.table[self.table["category"].isna()]
        return dict(zip(rows["variable"], rows["population"].astype(float), strict=True))

    @property
    def population(self) -> float | None:
        """The population's size; None when only totals of numeric variables are given."""
        return float(next(iter(self.parts.values()))[1].sum()) if self.parts else None

    @property
    def columns(self) -> list[str]:
        """The columns of the sample that the margins need, in order."""
        return list(dict.fromkeys(c for v in self.variables for c in v.split(CROSS)))


def _checked(margins: Margins) -> Margins:
    where = margins.label
    missing = [c for c in COLUMNS if c not in margins.table]
    if missing:
        raise WeightingError(
            f"{where}: no column {listed(missing)}. Got {listed(list(margins.table.columns))}; expected "
            f"{', '.join(COLUMNS)}."
        )
    table = margins.table[COLUMNS].reset_index(drop=True)
    if table.empty:
        raise WeightingError(f"{where}: there is no margin. Expected at least one row of {', '.join(COLUMNS)}.")
    absent = table["category"].isna() | (table["category"].astype(str).str.strip() == "")
    table = pd.DataFrame(
        {
            "variable": pd.Series(
                [CROSS.join(p.strip() for p in str(v).split(CROSS)) for v in table["variable"]], dtype=object
            ),
            "category": pd.Series(
                [
                    None if no else LEVEL_SEPARATOR.join(p.strip() for p in _text(c).split(LEVEL_SEPARATOR.strip()))
                    for c, no in zip(table["category"], absent, strict=True)
                ],
                dtype=object,
            ),
            "population": pd.to_numeric(table["population"], errors="coerce"),
        }
    )
    names = [f"{v} {c or '(total)'}" for v, c in zip(table["variable"], table["category"], strict=True)]
    bad = ~np.isfinite(table["population"].to_numpy(float)) | ((table["population"] <= 0) & ~absent).to_numpy()
    problems = []
    if bad.any():
        problems.append(
            f"{where}: {int(bad.sum())} population(s) are not a positive number: "
            f"{listed([n for n, b in zip(names, bad, strict=True) if b])}. Leave out categories nobody is in."
        )
    twice = list(dict.fromkeys(n for n in names if names.count(n) > 1)) if len(set(names)) < len(names) else []
    if twice:
        problems.append(f"{where}: given more than once: {listed(twice)}. Expected each category of a margin once.")
    for v, c in zip(table["variable"], table["category"], strict=True):
        if c is not None and len(c.split(LEVEL_SEPARATOR)) != len(v.split(CROSS)):
            problems.append(
                f'{where}: category "{c}" does not fit variable "{v}". Expected {len(v.split(CROSS))} part(s) '
                f'separated by "{LEVEL_SEPARATOR}".'
            )
        elif c is None and CROSS in v:
            problems.append(f'{where}: the crossed variable "{v}" has a row without a category.')
    both = set(table.loc[absent.to_numpy(), "variable"]) & set(table.loc[~absent.to_numpy(), "variable"])
    if both:
        problems.append(
            f"{where}: {listed(sorted(both))} has rows with a category and one without. A row without a category is "
            "the total of a numeric variable."
        )
    if problems:
        raise WeightingError("\n".join(problems))
    return Margins(table, margins.label, margins.source, margins.rescaled)


def _agreed(margins: Margins, rescale: bool) -> Margins:
    """Check that margins of one population have one total; scale them to the first when asked."""
    totals = {v: float(p.sum()) for v, (_, p) in margins.parts.items()}
    if not totals:
        return margins
    target = next(iter(totals.values()))
    off = {v: t / target - 1 for v, t in totals.items() if abs(t / target - 1) > AGREE}
    if off:
        first = next(iter(totals))
        shown = listed([f"{v} {totals[v]:,.10g} ({d:+.2g})" for v, d in off.items()])
        wrong = max(map(abs, off.values())) > ROUNDED
        said = f"{margins.label}: margins of one population disagree in total. {first} has {target:,.10g}, but {shown}."
        if wrong:
            raise WeightingError(
                f"{said} Expected totals within {ROUNDED:.1%} of each other, which rounding explains. These are "
                "margins of different populations or in different units: give all as counts of one population."
            )
        if not rescale:
            raise WeightingError(
                f"{said} Counts rounded for publication do that. Give rescale=True to scale every margin to the total "
                f"of {first}, or correct the counts."
            )
        table = margins.table.copy()
        factor = table["variable"].map(target / pd.Series(totals)).fillna(1.0)
        table["population"] = table["population"] * factor
        factors = {v: target / totals[v] for v in off}
        margins = Margins(table, margins.label, margins.source, factors)
    _overlaps(margins)
    return margins


def _implied(margins: Margins, variable: str, shared: Sequence[str]) -> pd.Series:
    """Sum a crossed margin over the variables that are not shared."""
    names = variable.split(CROSS)
    levels, population = margins.parts[variable]
    keys = [
        LEVEL_SEPARATOR.join(dict(zip(names, level.split(LEVEL_SEPARATOR), strict=True))[s] for s in shared)
        for level in levels
    ]
    return pd.Series(population).groupby(keys).sum()


def _overlaps(margins: Margins) -> None:
    """Two margins that share a variable must say the same of it."""
    for a, b in combinations(margins.parts, 2):
        shared = [s for s in a.split(CROSS) if s in b.split(CROSS)]
        if not shared:
            continue
        left, right = _implied(margins, a, shared), _implied(margins, b, shared)
        off = sorted(set(left.index) ^ set(right.index))
        off += [k for k in left.index if k in right.index and abs(left[k] / right[k] - 1) > AGREE]
        if off:
            whole = [x for x in (a, b) if set(x.split(CROSS)) == set(shared)]
            advice = (
                f"Drop the margin {whole[0]}, which the other contains"
                if whole
                else "Make them from one table of counts"
            )
            raise WeightingError(
                f"{margins.label}: the margins {a} and {b} disagree on {CROSS.join(shared)}: {listed(off)}. No weights "
                f"can meet both. {advice}."
            )


@dataclass(frozen=True, eq=False)
class Cells:
    """A sample on the joint cells of its margins: the design matrix of calibration, without its repeated rows.

    `cell` is each respondent's cell, -1 for one outside (base weight zero and a category missing). The matrix of
    cells by columns, `matrix`, has for each margin a 0/1 column per category, then a column per numeric
    variable. `codes` holds for each margin the category of every cell, `numeric` the numeric columns.
    """

    cell: np.ndarray
    names: tuple[tuple[str, str | None], ...]
    codes: tuple[np.ndarray, ...]
    sizes: tuple[int, ...]
    numeric: np.ndarray
    size: int

    @cached_property
    def starts(self) -> tuple[int, ...]:
        """First column of each margin."""
        return tuple(int(s) for s in np.concatenate([[0], np.cumsum(self.sizes)])[: len(self.sizes)])

    @cached_property
    def inside(self) -> bool:
        """Whether every respondent is in a cell."""
        return not len(self.cell) or bool(self.cell.min() >= 0)

    @cached_property
    def matrix(self) -> Any:
        """The matrix of cells by columns, scipy CSR."""
        from scipy import sparse

        rows = [np.arange(self.size)] * len(self.codes)
        columns = [code + start for code, start in zip(self.codes, self.starts, strict=True)]
        shape = (self.size, sum(self.sizes))
        ones = np.ones(self.size * len(rows))
        if not rows:
            return sparse.csr_matrix(self.numeric)
        hot = sparse.csr_matrix((ones, (np.concatenate(rows), np.concatenate(columns))), shape=shape)
        return sparse.hstack([hot, self.numeric], format="csr") if self.numeric.shape[1] else hot

    @cached_property
    def _pairs(self) -> list[tuple[int, int, np.ndarray]]:
        return [
            (a, b, self.codes[a] * self.sizes[b] + self.codes[b]) for a, b in combinations(range(len(self.codes)), 2)
        ]

    def sums(self, rows: np.ndarray) -> np.ndarray:
        """Sum a number per respondent within cells: shape (n,) to (cells,)."""
        if self.inside:
            return np.bincount(self.cell, rows, self.size)
        keep = self.cell >= 0
        return np.bincount(self.cell[keep], rows[keep], self.size)

    def spread(self, cells: np.ndarray) -> np.ndarray:
        """Give every respondent the number of the cell; 1 outside the cells."""
        if self.inside:
            return cells[self.cell]
        return np.where(self.cell >= 0, cells[self.cell], 1.0)

    def totals(self, values: np.ndarray) -> np.ndarray:
        """X'v: a number per cell to a number per column."""
        parts = [np.bincount(code, values, size) for code, size in zip(self.codes, self.sizes, strict=True)]
        if self.numeric.shape[1]:
            parts.append(values @ self.numeric)
        return np.concatenate(parts)

    def scores(self, coefficients: np.ndarray) -> np.ndarray:
        """X b: a number per column to a number per cell."""
        out = np.zeros(self.size)
        for code, start, size in zip(self.codes, self.starts, self.sizes, strict=True):
            out += coefficients[start : start + size][code]
        if self.numeric.shape[1]:
            out += self.numeric @ coefficients[-self.numeric.shape[1] :]
        return out

    def gram(self, values: np.ndarray) -> np.ndarray:
        """X' diag(v) X, by counting pairs of categories."""
        hot = sum(self.sizes)
        extra = self.numeric.shape[1]
        out = np.zeros((hot + extra, hot + extra))
        for code, start, size in zip(self.codes, self.starts, self.sizes, strict=True):
            at = np.arange(start, start + size)
            out[at, at] = np.bincount(code, values, size)
        for a, b, pair in self._pairs:
            rows, columns = self.sizes[a], self.sizes[b]
            block = np.bincount(pair, values, rows * columns).reshape(rows, columns)
            i, j = self.starts[a], self.starts[b]
            out[i : i + rows, j : j + columns] = block
            out[j : j + columns, i : i + rows] = block.T
        if extra:
            scaled = self.numeric * values[:, None]
            out[hot:, hot:] = self.numeric.T @ scaled
            for code, start, size in zip(self.codes, self.starts, self.sizes, strict=True):
                for k in range(extra):
                    block = np.bincount(code, scaled[:, k], size)
                    out[start : start + size, hot + k] = block
                    out[hot + k, start : start + size] = block
        return out

    def split(self, rows: np.ndarray) -> tuple["Cells", np.ndarray]:
        """Divide the cells so that a number per respondent is the same throughout a cell; return it by cell."""
        keep = self.cell >= 0
        keys = pd.DataFrame({"cell": self.cell[keep], "value": rows[keep]})
        group = keys.groupby(["cell", "value"], sort=True)
        first = group.ngroup().to_numpy()
        distinct = group.size().index
        old = distinct.get_level_values(0).to_numpy(np.intp)
        cell = np.full(len(self.cell), -1, dtype=np.intp)
        cell[keep] = first
        finer = Cells(cell, self.names, tuple(c[old] for c in self.codes), self.sizes, self.numeric[old], len(old))
        return finer, distinct.get_level_values(1).to_numpy(float)

    def describe(self) -> Iterator[str]:
        """Name each column, as messages do."""
        for variable, category in self.names:
            yield f"{variable} total" if category is None else f'{variable} "{category}"'


def factorise(values: pd.Series) -> tuple[np.ndarray, list[str]]:
    """Turn a column into codes and categories as text; -1 where missing. Categories are sorted, or in their order."""
    if isinstance(values.dtype, pd.CategoricalDtype):
        codes, levels = values.cat.codes.to_numpy(), list(values.cat.categories)
    else:
        codes, uniques = pd.factorize(values, sort=False)
        levels = list(uniques)
    names = [_text(x) for x in levels]
    blank = [i for i, x in enumerate(names) if x == ""]
    if len(set(names)) < len(names) or blank:
        distinct = list(dict.fromkeys(x for x in names if x))
        table = np.array([distinct.index(x) if x else -1 for x in names] + [-1])
        codes, names = table[codes], distinct
    return codes, names


def _column(frame: pd.DataFrame, name: str, label: str) -> pd.Series:
    if name not in frame:
        raise WeightingError(
            f'{label}: the data have no column "{name}", which a margin needs. Got {listed(list(frame.columns))}. '
            "Correct the margin's variable, or name the column so."
        )
    return frame[name]


def _numeric(frame: pd.DataFrame, margins: Margins, rows: np.ndarray, problems: list[str]) -> np.ndarray:
    columns = []
    for name in margins.totals:
        values = pd.to_numeric(_column(frame, name, margins.label), errors="coerce").to_numpy(float)
        bad = int((~np.isfinite(values[rows])).sum())
        if bad:
            problems.append(
                f"{margins.label}: {bad} respondent(s) have no number in {name}, whose total is given. Impute it, or "
                "drop the total."
            )
        columns.append(np.where(np.isfinite(values), values, 0.0))
    return np.column_stack(columns) if columns else np.zeros((len(frame), 0))


def joint(codes: Sequence[np.ndarray], sizes: Sequence[int], n: int) -> tuple[np.ndarray, np.ndarray]:
    """Find the joint cells that occur: each row's cell, and the mixed-radix key of each cell."""
    total = 1
    for size in sizes:
        total *= size
    if total > 2**62:
        raise WeightingError("margins: too many categories to cross. Use fewer margins or broader categories.")
    key = np.zeros(n, dtype=np.intp)
    for i, (code, size) in enumerate(zip(codes, sizes, strict=True)):
        if i:
            key *= size
        key += code
    if total > DENSE_CELLS:
        present, cell = np.unique(key, return_inverse=True)
        return cell.reshape(-1), present
    seen = np.zeros(total, dtype=bool)
    seen[key] = True
    present = np.flatnonzero(seen)
    table = np.empty(total, dtype=np.intp)
    table[present] = np.arange(len(present))
    return table[key], present


def lay_out(frame: pd.DataFrame, margins: Margins, base: np.ndarray) -> tuple[Cells, np.ndarray]:
    """Lay a sample out on the joint cells of its margins.

    Parameters
    ----------
    frame : DataFrame, shape (n respondents, any)
        Holds every column the margins name. Not modified.
    margins : Margins
        As `Margins.of` returns them.
    base : ndarray, shape (n,)
        Base weights; respondents of weight zero need no category.

    Returns
    -------
    Cells
        The joint cells that occur.
    ndarray, shape (columns,)
        The population of each column of the cells' matrix.

    Raises
    ------
    WeightingError
        A respondent's category is missing or has no population, or a category of the population has no
        respondent. Every problem is reported.
    """
    problems: list[str] = []
    live = base > 0
    everyone = bool(live.all())
    variables = list(dict.fromkeys(p for v in margins.parts for p in v.split(CROSS)))
    codes: dict[str, np.ndarray] = {}
    levels: dict[str, list[str]] = {}
    for name in variables:
        codes[name], levels[name] = factorise(_column(frame, name, margins.label))
        missing = int(((codes[name] < 0) & live).sum()) if codes[name].size and codes[name].min() < 0 else 0
        if missing:
            problems.append(
                f"{margins.label}: {missing} respondent(s) have no category in {name}. Expected one for everyone with "
                "a weight. Impute it or give them a category of their own in the data and the margin."
            )
    numeric = _numeric(frame, margins, live, problems)
    if problems:
        raise WeightingError("\n".join(problems))
    sizes = [len(levels[v]) for v in variables]
    inside = np.flatnonzero(live) if not everyone else None
    taken = [codes[v] if inside is None else codes[v][inside] for v in variables]
    count = len(frame) if inside is None else len(inside)
    if margins.totals:
        rows = numeric if inside is None else numeric[inside]
        values, code = np.unique(rows, axis=0, return_inverse=True)
        taken, sizes = [*taken, code.reshape(-1)], [*sizes, len(values)]
    cell, present = joint(taken, sizes, count)
    digits = dict(zip([*variables, "(numeric)"], np.unravel_index(present, tuple(sizes)), strict=False))
    margin_codes = []
    for variable, (wanted, _) in margins.parts.items():
        margin_codes.append(_margin_codes(margins.label, variable, wanted, digits, levels, problems))
    if problems:
        raise WeightingError("\n".join(problems))
    names: list[tuple[str, str | None]] = [(v, c) for v, (wanted, _) in margins.parts.items() for c in wanted]
    names += [(v, None) for v in margins.totals]
    if inside is not None:
        scattered = np.full(len(frame), -1, dtype=np.intp)
        scattered[inside] = cell
        cell = scattered
    cells = Cells(
        cell,
        tuple(names),
        tuple(margin_codes),
        tuple(len(wanted) for wanted, _ in margins.parts.values()),
        values[digits["(numeric)"]] if margins.totals else np.zeros((len(present), 0)),
        len(present),
    )
    population = [p for _, p in margins.parts.values()] + [np.array(list(margins.totals.values()))]
    return cells, np.concatenate(population)


def _margin_codes(
    label: str,
    variable: str,
    wanted: list[str],
    digits: Mapping[str, np.ndarray],
    levels: Mapping[str, list[str]],
    problems: list[str],
) -> np.ndarray:
    """Find each cell's category in one margin; a category on one side only is a problem."""
    names = variable.split(CROSS)
    sizes = [len(levels[n]) for n in names]
    place = {n: {x: i for i, x in enumerate(levels[n])} for n in names}
    table = np.full(int(np.prod(sizes)), -1, dtype=np.intp)
    for at, category in enumerate(wanted):
        key = 0
        for name, size, part in zip(names, sizes, category.split(LEVEL_SEPARATOR), strict=True):
            index = place[name].get(part, -1)
            key = -1 if index < 0 or key < 0 else key * size + index
        if key >= 0:
            table[key] = at
    key_of = np.ravel_multi_index([digits[n] for n in names], sizes)
    code = table[key_of]
    seen = np.bincount(code[code >= 0], minlength=len(wanted))
    empty = [c for c, k in zip(wanted, seen, strict=True) if not k]
    if empty:
        problems.append(
            f"{label}: {variable} has population but no respondent in {quoted(empty)}. Collapse "
            f"{'it' if len(empty) == 1 else 'each'} with a neighbouring category, in the margin and in the data."
        )
    if (code < 0).any():
        keys = np.unique(key_of[code < 0])
        strange = [
            LEVEL_SEPARATOR.join(levels[n][int(d)] for n, d in zip(names, np.unravel_index(k, sizes), strict=True))
            for k in keys
        ]
        problems.append(
            f"{label}: {variable} has respondents but no population in {quoted(strange)}. Expected "
            f"one of {quoted(wanted)}. Add the population, or recode the data to the margin."
        )
    return code
