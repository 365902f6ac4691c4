"""Sum influence values over sampled units: every variance and covariance of one call, in one pass.

Belongs here: Taylor linearisation of totals and ratios for many variables and many families of domains, and
the
sample that remembers enough to give the covariance of any two of them.
Not here: what a column means (domains, estimate), intervals (uncertainty), replicate weights (replicate).
Methods: docs/methods.md#taylor-linearisation
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from engagement_stats.design import Layout, Stage

# Sums of squares lose digits when the variance is this small beside them; such rows are summed again about
# their means.
CANCELLATION = 1e-6
# And a variance this small beside them is rounding of an exact zero.
NOTHING = 1e-26


@dataclass(frozen=True, eq=False)
class Family:
    """A family of domains: the level of each respondent (layout order, -1 for none), and their names."""

    name: str
    codes: np.ndarray
    levels: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Measure:
    """One variable as a ratio of totals, sum(w numerator) / sum(w denominator), in layout order.

    Both are zero for respondents outside the base. `answered` marks the base: inside `where`, positive
    weight, not null.
    A mean's denominator is `answered`, and so is a total's, which it is not divided by. `shift` was taken off
    the numerator (in the base) to keep digits.
    """

    name: str
    numerator: np.ndarray
    denominator: np.ndarray
    answered: np.ndarray
    is_total: bool = False
    shift: float = 0.0

    @property
    def is_binary(self) -> bool:
        """Whether the numerator is 0/1 among those who answered."""
        return self.numerator.dtype == np.int8

    @property
    def is_ratio(self) -> bool:
        """Whether the denominator is a variable of its own."""
        return self.denominator is not self.answered


@dataclass(frozen=True, eq=False)
class Sums:
    """What a pass leaves, each of shape (measures, levels of all families)."""

    numerator: np.ndarray
    denominator: np.ndarray
    weight: np.ndarray
    variance: np.ndarray
    respondents: np.ndarray
    numerator_respondents: np.ndarray
    units: np.ndarray
    strata: np.ndarray
    element_variance: np.ndarray
    inflation: np.ndarray

    @property
    def ratio(self) -> np.ndarray:
        """Numerator over denominator; NaN for an empty base."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return self.numerator / self.denominator


@dataclass(frozen=True, eq=False)
class _Rollup:
    """How the groups of a block add up to (level, stratum) pairs of one family, and the pairs to levels."""

    family: int
    pair: np.ndarray | None
    level: np.ndarray
    stratum: np.ndarray


@dataclass(frozen=True, eq=False)
class _Block:
    """Families that share cells (units, or units by level), with the group each cell belongs to.

    Rows outside every level go to one cell past the last, cells outside to one group past the last.
    """

    cell: np.ndarray | None
    cells: int
    group: np.ndarray
    groups: int
    rollups: tuple[_Rollup, ...]

    @cached_property
    def row_group(self) -> np.ndarray:
        """Group of each row."""
        return self.group if self.cell is None else np.append(self.group, self.groups)[self.cell]


def _compress(keys: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Code the distinct keys (from 0 below `size`) in order; also return them."""
    if size > 16 * len(keys) + 4096:
        present, codes = np.unique(keys, return_inverse=True)
        return codes.astype(np.intp, copy=False), present
    seen = np.zeros(size, bool)
    seen[keys] = True
    number = np.cumsum(seen, dtype=np.intp) - 1
    return number[keys], np.flatnonzero(seen)


def _blocks(stage: Stage, families: Sequence[Family]) -> list[_Block]:
    """Sort families by how they sit: those constant within units together, those across them alone."""
    unit = stage.unit
    rows = len(unit)
    starts = np.flatnonzero(np.diff(unit, prepend=-1))
    inside: list[tuple[int, np.ndarray]] = []
    blocks: list[_Block] = []
    for index, family in enumerate(families):
        of_unit = family.codes[starts]
        if np.array_equal(of_unit[unit], family.codes):
            inside.append((index, of_unit))
        else:
            blocks.append(_across(stage, index, family))
    if inside:
        group, stratum_of_group = stage.stratum, np.arange(stage.strata)
        for index, of_unit in inside:
            width = len(families[index].levels) + 1
            group, keys = _compress(group * width + of_unit + 1, len(stratum_of_group) * width)
            stratum_of_group = stratum_of_group[keys // width]
        first = np.empty(len(stratum_of_group), np.intp)
        first[group] = np.arange(stage.units)
        rollups = tuple(
            _rollup(index, of_unit[first], stratum_of_group, len(families[index].levels), stage.strata)
            for index, of_unit in inside
        )
        cell = None if stage.units == rows else unit
        blocks.insert(0, _Block(cell, stage.units, group, len(stratum_of_group), rollups))
    return blocks


def _rollup(family: int, level: np.ndarray, stratum: np.ndarray, levels: int, strata: int) -> _Rollup:
    outside = level < 0
    key = np.where(outside, levels * strata, level * strata + stratum)
    pair, keys = _compress(key, levels * strata + 1)
    keys = keys[keys < levels * strata]
    same = len(keys) == len(pair) and np.array_equal(pair, np.arange(len(pair)))
    return _Rollup(family, None if same else pair, keys // strata, keys % strata)


def _across(stage: Stage, index: int, family: Family) -> _Block:
    levels = len(family.levels)
    inside = family.codes >= 0
    trash = stage.units * levels
    key = np.where(inside, stage.unit * levels + family.codes, trash)
    cell, keys = _compress(key, trash + 1)
    keys = keys[keys < trash]
    pair_key = (keys % levels) * stage.strata + stage.stratum[keys // levels]
    group, pairs = _compress(pair_key, levels * stage.strata)
    rollup = _Rollup(index, None, pairs // stage.strata, pairs % stage.strata)
    return _Block(cell, len(keys), group, len(pairs), (rollup,))


def tabulate(layout: Layout, families: Sequence[Family], measures: Sequence[Measure]) -> Sums:
    """Estimate every measure in every level, with design variances.

    Parameters
    ----------
    layout : Layout
    families : sequence of Family
    measures : sequence of Measure

    Returns
    -------
    Sums
        Variances are of the ratio (of the total for a total); NaN where the sample or the level cannot give
        one.

    Notes
    -----
    For PSU totals A of w numerator and B of w denominator in a domain, Q_xy = sum_h c_h (sum xy - sum x sum y
    / n_h) and
    V = (Q_AA - 2 R Q_AB + R^2 Q_BB) / (sum B)^2, with n_h the PSUs of the *whole* stratum.
    Source: Binder (1983); Woodruff (1971); Bellhouse (1985) for later stages.
    Verified: tests/test_reference.py cases A, B, C, G, H, J, rtol 1e-9.
    """
    return _Pass(layout, families, measures).run()


class _Pass:
    """One run over the measures; holds the scratch that `tabulate` needs and nothing afterwards."""

    def __init__(self, layout: Layout, families: Sequence[Family], measures: Sequence[Measure]) -> None:
        self.layout, self.families, self.measures = layout, families, measures
        self.offsets = np.cumsum([0, *(len(f.levels) for f in families)])
        self.plans = [_blocks(stage, families) for stage in layout.stages]
        shape = (len(measures), int(self.offsets[-1]))
        names = (
            "numerator",
            "denominator",
            "weight",
            "respondents",
            "numerator_respondents",
            "units",
            "strata",
        )
        self.sums = {name: np.zeros(shape) for name in names}
        self.squares = np.zeros((3, *shape))
        self.magnitudes = np.zeros((2, *shape))
        self.elements = np.zeros((3, *shape))
        self.inflation = np.ones(shape)
        self.informative = np.zeros(shape)

    def run(self) -> Sums:
        for k, measure in enumerate(self.measures):
            self._measure(k, measure)
        return self._finish()

    def _span(self, family: int) -> slice:
        return slice(self.offsets[family], self.offsets[family + 1])

    def _measure(self, k: int, measure: Measure) -> None:
        weight = self.layout.weight
        numerator = weight * measure.numerator
        denominator = weight * measure.denominator
        for stage, blocks in zip(self.layout.stages, self.plans, strict=True):
            for block in blocks:
                first = stage is self.layout.first
                table = _group_sums(
                    block, numerator, denominator, measure.answered if measure.is_ratio else None
                )
                if first:
                    extra = self._respondents(block, measure, weight)
                for rollup in block.rollups:
                    span = self._span(rollup.family)
                    pairs = _to_pairs(rollup, table)
                    self._squares(k, span, stage, rollup, pairs)
                    if first:
                        self._levels(k, span, rollup, pairs, _to_pairs(rollup, extra))

    def _respondents(self, block: _Block, measure: Measure, weight: np.ndarray) -> np.ndarray:
        """Group sums of respondents, of yes answers and of squares of the elements."""
        group = block.row_group
        # Two counts in one pass: whole numbers below 2**26 side by side in a float's 53 bits.
        packed = measure.answered.astype(np.float64)
        if measure.is_binary:
            packed += measure.numerator * 2.0**26
        counts = np.bincount(group, packed, block.groups + 1)[: block.groups]
        yes = np.floor(counts / 2.0**26)
        rows = [counts - yes * 2.0**26, yes]
        if not measure.is_binary:
            wide = weight * measure.numerator
            rows.append(np.bincount(group, wide * measure.numerator, block.groups + 1)[: block.groups])
            if measure.is_ratio:
                rows.append(np.bincount(group, wide * measure.denominator, block.groups + 1)[: block.groups])
                squares = weight * measure.denominator * measure.denominator
                rows.append(np.bincount(group, squares, block.groups + 1)[: block.groups])
            rows.append(np.bincount(group, weight * measure.answered, block.groups + 1)[: block.groups])
        return np.array(rows)

    def _squares(self, k: int, span: slice, stage: Stage, rollup: _Rollup, pairs: np.ndarray) -> None:
        levels = span.stop - span.start
        a, b, aa, ab, bb, _ = pairs
        n = stage.size[rollup.stratum]
        scale = stage.scale[rollup.stratum]
        for row, (square, x, y) in enumerate(((aa, a, a), (ab, a, b), (bb, b, b))):
            self.squares[row, k, span] += np.bincount(rollup.level, scale * (square - x * y / n), levels)
        self.magnitudes[0, k, span] += np.bincount(rollup.level, scale * aa, levels)
        self.magnitudes[1, k, span] += np.bincount(rollup.level, scale * bb, levels)
        if stage is self.layout.first and stage.lonely.any():
            self._single_psus(k, span, stage, rollup, pairs)

    def _single_psus(self, k: int, span: slice, stage: Stage, rollup: _Rollup, pairs: np.ndarray) -> None:
        levels = span.stop - span.start
        a, b, *_, present = pairs
        present = present > 0
        lonely = stage.lonely[rollup.stratum] & present
        strata = np.bincount(rollup.level, present, levels)
        alone = np.bincount(rollup.level, lonely, levels)
        policy = self.layout.design.single_psu
        if policy == "adjust":
            mean_a = (np.bincount(rollup.level, a, levels) / stage.units)[rollup.level]
            mean_b = (np.bincount(rollup.level, b, levels) / stage.units)[rollup.level]
            factor = stage.remainder[rollup.stratum] * lonely
            for row, product in enumerate(
                ((a - mean_a) ** 2, (a - mean_a) * (b - mean_b), (b - mean_b) ** 2),
            ):
                self.squares[row, k, span] += np.bincount(rollup.level, factor * product, levels)
            self.informative[k, span] = strata
            return
        self.informative[k, span] = strata - alone
        if policy == "average":
            with np.errstate(divide="ignore", invalid="ignore"):
                self.inflation[k, span] = strata / (strata - alone)

    def _levels(self, k: int, span: slice, rollup: _Rollup, pairs: np.ndarray, extra: np.ndarray) -> None:
        levels = span.stop - span.start
        measure = self.measures[k]

        def level(values: np.ndarray) -> np.ndarray:
            return np.bincount(rollup.level, values, levels)

        self.sums["numerator"][k, span] = level(pairs[0])
        self.sums["denominator"][k, span] = level(pairs[1])
        self.sums["units"][k, span] = level(pairs[5])
        self.sums["strata"][k, span] = level(pairs[5] > 0)
        self.sums["respondents"][k, span] = level(extra[0])
        self.sums["numerator_respondents"][k, span] = level(extra[1])
        if measure.is_binary:
            self.elements[0, k, span] = self.elements[1, k, span] = self.sums["numerator"][k, span]
            self.elements[2, k, span] = self.sums["weight"][k, span] = self.sums["denominator"][k, span]
            return
        self.elements[0, k, span] = level(extra[2])
        self.sums["weight"][k, span] = level(extra[-1])
        if not measure.is_ratio:
            self.elements[1, k, span] = self.sums["numerator"][k, span]
            self.elements[2, k, span] = self.sums["weight"][k, span]
        else:
            self.elements[1, k, span], self.elements[2, k, span] = level(extra[3]), level(extra[4])

    def _finish(self) -> Sums:
        s = self.sums
        total = np.array([m.is_total for m in self.measures])[:, None]
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = np.where(total, 0.0, s["numerator"] / s["denominator"])
            scale = np.where(total, 1.0, s["denominator"])
            aa, ab, bb = self.squares
            variance = (aa - 2 * ratio * ab + ratio**2 * bb) / scale**2
            size = ((np.sqrt(self.magnitudes[0]) + np.abs(ratio) * np.sqrt(self.magnitudes[1])) / scale) ** 2
            mean = np.where(total, s["numerator"] / s["weight"], ratio)
            n = s["respondents"]
            e0, e1, e2 = self.elements
            element = (e0 - 2 * mean * e1 + mean**2 * e2) / s["weight"] * n / (n - 1)
        # Sums of 0/1 answers cancel to exactly zero when all answered alike; anything else that small is
        # suspect.
        alike = np.array([m.is_binary for m in self.measures])[:, None] & (variance == 0)
        doubtful = np.isfinite(variance) & (np.abs(variance) < CANCELLATION * size) & ~alike
        for k, row in np.argwhere(doubtful):
            exact = self._residual_variance(int(k), int(row), float(ratio[k, row]), float(scale[k, row]))
            variance[k, row] = 0.0 if exact < NOTHING * size[k, row] else exact
        variance = variance * self.inflation
        variance[s["respondents"] == 0] = np.nan
        first = self.layout.first
        if first.units == 1:
            variance[:] = np.nan
        elif first.lonely.any():
            variance[self.informative == 0] = np.nan
        return Sums(
            numerator=s["numerator"],
            denominator=s["denominator"],
            weight=s["weight"],
            variance=variance,
            respondents=s["respondents"],
            numerator_respondents=s["numerator_respondents"],
            units=s["units"],
            strata=s["strata"],
            element_variance=np.maximum(element, 0.0),
            inflation=self.inflation,
        )

    def _residual_variance(self, k: int, row: int, ratio: float, scale: float) -> float:
        """Variance about stratum means, row by row: slower, and exact where sums of squares cancel."""
        family = int(np.searchsorted(self.offsets, row, side="right") - 1)
        members = np.flatnonzero(self.families[family].codes == row - self.offsets[family])
        measure = self.measures[k]
        values = measure.numerator[members] - ratio * measure.denominator[members]
        values = values * self.layout.weight[members] / scale
        answered = measure.answered[members]
        policy = self.layout.design.single_psu
        return sum(
            quadratic_form(
                stage,
                np.bincount(stage.unit[members], values, stage.units),
                np.bincount(stage.unit[members], answered, stage.units) > 0,
                policy if stage is self.layout.first else "certainty",
            )
            for stage in self.layout.stages
        )


def quadratic_form(stage: Stage, totals: np.ndarray, present: np.ndarray, policy: str) -> float:
    """Variance that one stage adds to a set of unit totals, centred within strata.

    Parameters
    ----------
    stage : Stage
    totals : ndarray, shape (units,)
        Totals of influence values by unit, zero for units without members of the domain.
    present : ndarray of bool, shape (units,)
        Units with someone in the base.
    policy : str
        Single-PSU policy; "adjust" uses the distance from the mean of all units.

    Returns
    -------
    float
    """
    mean = np.bincount(stage.stratum, totals, stage.strata) / stage.size
    centred = totals - mean[stage.stratum]
    value = float(np.sum(stage.scale[stage.stratum] * centred * centred))
    if policy == "adjust" and stage.lonely.any():
        alone = np.flatnonzero(stage.lonely[stage.stratum] & present)
        distance = totals[alone] - totals.mean()
        value += float(np.sum(stage.remainder[stage.stratum[alone]] * distance * distance))
    return value


def _group_sums(
    block: _Block, numerator: np.ndarray, denominator: np.ndarray, answered: np.ndarray | None
) -> np.ndarray:
    """Sum over the cells of each group: A, B, AA, AB, BB, and cells with someone who answered.

    Where the denominator is the weight of those who answered, being positive says as much as `answered`.
    """

    def by_cell(values: np.ndarray) -> np.ndarray:
        return (
            values if block.cell is None else np.bincount(block.cell, values, block.cells + 1)[: block.cells]
        )

    a, b = by_cell(numerator), by_cell(denominator)
    present = (b if answered is None else by_cell(answered)) > 0
    table = np.empty((6, block.groups))
    for row, values in enumerate((a, b, a * a, a * b, b * b, present)):
        table[row] = np.bincount(block.group, values, block.groups)
    return table


def _to_pairs(rollup: _Rollup, table: np.ndarray) -> np.ndarray:
    """Add the groups of a table up to a family's (level, stratum) pairs."""
    pairs = len(rollup.level)
    if rollup.pair is None:
        return table
    return np.array([np.bincount(rollup.pair, row, pairs + 1)[:pairs] for row in table])
