"""Sum influence values over sampled units: every estimate and variance of one call, in one pass.

Belongs here: Taylor linearisation of totals and ratios for many variables and many families of domains.
Not here: what a column means (domains, estimate), covariances between estimates (sample), intervals
(uncertainty), replicate weights (replicate).
Methods: docs/methods.md#taylor-linearisation
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise

import numpy as np

from engagement_stats.design import Layout, Stage

# Sums of squares lose digits when the variance is this small beside them; such rows are summed again about
# their means.
CANCELLATION = 1e-6
# And a variance this small beside them is rounding of an exact zero.
NOTHING = 1e-26
# Rows taken at a time: whole strata, few enough that the arrays of one measure stay in a processor's cache.
PIECE = 90_000


@dataclass(frozen=True, eq=False)
class Family:
    """A family of domains: the level of each respondent (layout order, -1 for none), and their names."""

    name: str
    codes: np.ndarray
    levels: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Measure:
    """One variable as a ratio of totals, sum(w numerator) / sum(w denominator), in layout order.

    Both are zero for respondents outside the base. `answered` marks the base: inside `where`, positive weight,
    not null. A mean's denominator is `answered`, and so is a total's, which it is not divided by. `shift` was
    taken off the numerator (in the base) to keep digits.
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

    def of(self, rows: slice) -> "Measure":
        """Return the measure on some rows."""
        answered = self.answered[rows]
        denominator = self.denominator[rows] if self.is_ratio else answered
        return replace(self, numerator=self.numerator[rows], denominator=denominator, answered=answered)

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
        """Numerator over denominator; NaN where the denominator is zero, as for an empty base."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(self.denominator == 0, np.nan, self.numerator / self.denominator)


def _compress(keys: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Code the distinct keys (from 0 below `size`) in order; also return them."""
    if size > 16 * len(keys) + 4096:
        present, codes = np.unique(keys, return_inverse=True)
        return codes.astype(np.intp, copy=False), present
    seen = np.zeros(size, bool)
    seen[keys] = True
    number = np.cumsum(seen, dtype=np.intp) - 1
    return number[keys], np.flatnonzero(seen)


def _starts(sorted_codes: np.ndarray) -> np.ndarray:
    return np.flatnonzero(np.diff(sorted_codes, prepend=-1))


@dataclass(frozen=True, eq=False)
class _Rollup:
    """How a block's groups add up to (level, stratum) pairs of one family, and its segments to levels.

    Groups and segments outside every level go one past the end. `per_unit` is c_h / n_h of each pair.
    """

    span: slice
    pair: np.ndarray | None
    level: np.ndarray
    stratum: np.ndarray
    per_unit: np.ndarray
    segment_level: np.ndarray

    @cached_property
    def _level_starts(self) -> np.ndarray:
        return _starts(self.level)

    def pairs(self, by_group: np.ndarray) -> np.ndarray:
        """Add groups up to pairs."""
        count = len(self.level)
        return by_group if self.pair is None else np.bincount(self.pair, by_group, count + 1)[:count]

    def levels(self, by_pair: np.ndarray) -> np.ndarray:
        """Add pairs, which are in order of level, up to levels."""
        out = np.zeros(self.span.stop - self.span.start)
        out[self.level[self._level_starts]] = np.add.reduceat(by_pair, self._level_starts)
        return out

    def segments(self, by_segment: np.ndarray) -> np.ndarray:
        """Add segments up to levels."""
        count = self.span.stop - self.span.start
        return np.bincount(self.segment_level, by_segment, count + 1)[:count]


@dataclass(frozen=True, eq=False)
class _Block:
    """Families that share cells: units, or units by level where a family cuts through units.

    Cells stand in order of segment (a combination of levels), then stratum; a group is a stratum's cells in one
    segment. `cell` is the cell of each row, None where cells are units, of which `order` then picks.
    """

    cell: np.ndarray | None
    order: np.ndarray | None
    scale: np.ndarray
    segment_starts: np.ndarray
    group: np.ndarray
    group_starts: np.ndarray
    rollups: tuple[_Rollup, ...]

    def cells(self, by_row: np.ndarray, by_unit: np.ndarray) -> np.ndarray:
        """Add rows up to cells, or pick those of units that are added up already."""
        if self.cell is not None:
            return np.bincount(self.cell, by_row, len(self.scale) + 1)[: len(self.scale)]
        return by_unit if self.order is None else by_unit.take(self.order)

    def segments(self, by_cell: np.ndarray) -> np.ndarray:
        """Add cells up to segments."""
        return np.add.reduceat(by_cell, self.segment_starts)

    def groups(self, by_cell: np.ndarray) -> np.ndarray:
        """Add cells up to groups; reduceat pays for every segment, bincount for every cell."""
        if len(by_cell) > 32 * len(self.group_starts):
            return np.add.reduceat(by_cell, self.group_starts)
        return np.bincount(self.group, by_cell, len(self.group_starts))


def _blocks(stage: Stage, families: Sequence[Family], spans: Sequence[slice]) -> list[_Block]:
    """Sort families by how they sit in the design.

    Unions of strata need sums by stratum only, families constant within units share one order of the units, and
    each family that cuts through units has cells of its own.
    """
    unit, starts = stage.unit, _starts(stage.unit)
    nested: list[tuple[slice, np.ndarray]] = []
    inside: list[tuple[slice, np.ndarray]] = []
    blocks: list[_Block] = []
    for family, span in zip(families, spans, strict=True):
        of_unit = family.codes[starts]
        if not np.array_equal(of_unit[unit], family.codes):
            blocks.append(_across(stage, family, span))
            continue
        of_stratum = of_unit[_starts(stage.stratum)]
        kind = nested if np.array_equal(of_stratum[stage.stratum], of_unit) else inside
        kind.append((span, of_unit))
    if inside:
        segment = np.zeros(stage.units, np.intp)
        for span, of_unit in inside:
            width = span.stop - span.start + 1
            segment, _ = _compress(segment * width + of_unit + 1, (int(segment.max()) + 1) * width)
        blocks.insert(0, _of_units(stage, segment, inside))
    if nested:
        blocks.insert(0, _of_units(stage, None, nested))
    return blocks


def _of_units(stage: Stage, segment: np.ndarray | None, families: list[tuple[slice, np.ndarray]]) -> _Block:
    """Lay units out by segment and stratum; without segments strata are their own."""
    if segment is None:
        order, segment = None, stage.stratum
    else:
        order = np.argsort(segment, kind="stable")
        segment = segment[order]
    stratum = stage.stratum if order is None else stage.stratum[order]
    group = np.cumsum(np.diff(segment * stage.strata + stratum, prepend=-1) != 0) - 1
    group_starts, segment_starts = _starts(group), _starts(segment)
    rollups = []
    for span, of_unit in families:
        level = of_unit if order is None else of_unit[order]
        outside = span.stop - span.start
        key = np.where(level < 0, outside * stage.strata, level * stage.strata + stratum)[group_starts]
        pair, keys = _compress(key, outside * stage.strata + 1)
        keys = keys[keys < outside * stage.strata]
        same = len(keys) == len(pair) and np.array_equal(pair, np.arange(len(pair)))
        of_segment = level[segment_starts]
        rollups.append(
            _rolled(stage, span, None if same else pair, keys, np.where(of_segment < 0, outside, of_segment))
        )
    return _Block(None, order, stage.scale[stratum], segment_starts, group, group_starts, tuple(rollups))


def _across(stage: Stage, family: Family, span: slice) -> _Block:
    """Give a family that cuts through units a cell for every unit and level that meet."""
    levels = len(family.levels)
    trash = levels * stage.units
    key = np.where(family.codes < 0, trash, family.codes * stage.units + stage.unit)
    cell, keys = _compress(key, trash + 1)
    keys = keys[keys < trash]
    level, stratum = keys // stage.units, stage.stratum[keys % stage.units]
    pair_key = level * stage.strata + stratum
    group = np.cumsum(np.diff(pair_key, prepend=-1) != 0) - 1
    group_starts, segment_starts = _starts(group), _starts(level)
    rollup = _rolled(stage, span, None, pair_key[group_starts], level[segment_starts])
    return _Block(cell, None, stage.scale[stratum], segment_starts, group, group_starts, (rollup,))


def _rolled(stage: Stage, span: slice, pair: np.ndarray | None, keys: np.ndarray, segment_level: np.ndarray) -> _Rollup:
    level, stratum = keys // stage.strata, keys % stage.strata
    return _Rollup(span, pair, level, stratum, stage.scale[stratum] / stage.size[stratum], segment_level)


class _Margins:
    """Add rows up to the levels of every family: strata serve unions of strata, joint levels the rest."""

    def __init__(self, stage: Stage, families: Sequence[Family], spans: Sequence[slice]) -> None:
        by_row = stage.stratum[stage.unit]
        self._starts = _starts(by_row)
        self._levels = spans[-1].stop
        self._nested: list[tuple[slice, np.ndarray]] = []
        self._joints: list[tuple[np.ndarray, int, list[tuple[slice, np.ndarray]]]] = []
        for family, span in zip(families, spans, strict=True):
            of_stratum = family.codes[self._starts]
            if np.array_equal(of_stratum[by_row], family.codes):
                self._nested.append((span, of_stratum + 1))
            else:
                self._join(family.codes + 1, span)

    def _join(self, codes: np.ndarray, span: slice) -> None:
        width = span.stop - span.start + 1
        if self._joints:
            joint, size, members = self._joints[-1]
            # Few enough combinations, and one pass over rows serves several families.
            if size * width < len(codes) // 8:
                both, keys = _compress(joint * width + codes, size * width)
                kept = [(s, level[keys // width]) for s, level in members]
                self._joints[-1] = (both, len(keys), [*kept, (span, keys % width)])
                return
        self._joints.append((codes, width, [(span, np.arange(width))]))

    def sums(self, values: np.ndarray) -> np.ndarray:
        """Sum of values in each level of all families."""
        out = np.empty(self._levels)
        if self._nested:
            by_stratum = np.add.reduceat(values, self._starts)
            for span, level in self._nested:
                out[span] = np.bincount(level, by_stratum, span.stop - span.start + 1)[1:]
        for codes, size, members in self._joints:
            joint = np.bincount(codes, values, size)
            for span, level in members:
                out[span] = np.bincount(level, joint, span.stop - span.start + 1)[1:]
        return out


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
        Variances are of the ratio (of the total for a total), weights taken as fixed; NaN where the sample or the
        level cannot give one.

    Notes
    -----
    PSU totals A of w numerator and B of w denominator in a domain give
    V = (Q_AA - 2 R Q_AB + R^2 Q_BB) / (sum B)^2, Q_xy = sum_h c_h (sum xy - sum x sum y / n_h),
    with n_h the PSUs of the *whole* stratum.
    Source: Binder (1983); Woodruff (1971); Bellhouse (1985) for later stages.
    Verified: tests/test_reference.py cases A, B, C, G, H, J, rtol 1e-9.
    """
    return _Pass(layout, families, measures).run()


@dataclass(frozen=True, eq=False)
class _Piece:
    """Some strata of a sample, with the plans for summing over them."""

    rows: slice
    weight: np.ndarray
    stages: tuple[Stage, ...]
    plans: tuple[list[_Block], ...]
    margins: _Margins


def _pieces(layout: Layout, families: Sequence[Family], spans: Sequence[slice]) -> Iterator[_Piece]:
    """Split a sample into runs of strata, as every sum adds up over strata; one piece for the rest.

    Later stages and single PSUs look across strata, so they are left whole.
    """
    first = layout.first
    edges = np.array([0, layout.rows])
    if len(layout.stages) == 1 and not first.lonely.any() and layout.rows > PIECE:
        starts = np.append(_starts(first.stratum[first.unit]), layout.rows)
        wanted = np.arange(0, layout.rows, PIECE)
        edges = np.unique(np.append(starts[np.searchsorted(starts, wanted)], layout.rows))
    for start, stop in pairwise(edges.tolist()):
        rows = slice(start, stop)
        whole = stop - start == layout.rows
        stages = layout.stages if whole else (_part(first, rows),)
        own = families if whole else [Family(f.name, f.codes[rows], f.levels) for f in families]
        plans = tuple(_blocks(stage, own, spans) for stage in stages)
        yield _Piece(rows, layout.weight[rows], stages, plans, _Margins(stages[0], own, spans))


def _part(stage: Stage, rows: slice) -> Stage:
    units = slice(int(stage.unit[rows.start]), int(stage.unit[rows.stop - 1]) + 1)
    strata = slice(int(stage.stratum[units.start]), int(stage.stratum[units.stop - 1]) + 1)
    return Stage(
        stage.unit[rows] - units.start,
        stage.stratum[units] - strata.start,
        stage.size[strata],
        stage.scale[strata],
        stage.lonely[strata],
        stage.remainder[strata],
    )


class _Pass:
    """One run over the measures; holds the scratch that `tabulate` needs and nothing afterwards."""

    def __init__(self, layout: Layout, families: Sequence[Family], measures: Sequence[Measure]) -> None:
        self.layout, self.families, self.measures = layout, families, measures
        self.offsets = np.cumsum([0, *(len(f.levels) for f in families)])
        self.spans = [slice(int(a), int(b)) for a, b in pairwise(self.offsets)]
        shape = (len(measures), int(self.offsets[-1]))
        names = ("numerator", "denominator", "weight", "respondents", "numerator_respondents", "units", "strata")
        self.sums = {name: np.zeros(shape) for name in names}
        self.squares = np.zeros((3, *shape))
        self.magnitudes = np.zeros((2, *shape))
        self.elements = np.zeros((3, *shape))
        self.inflation = np.ones(shape)
        self.informative = np.zeros(shape)

    def run(self) -> Sums:
        for piece in _pieces(self.layout, self.families, self.spans):
            for k, whole in enumerate(self.measures):
                measure = whole.of(piece.rows)
                numerator = piece.weight * measure.numerator
                denominator = piece.weight * measure.denominator
                self._elements(k, measure, numerator, piece)
                for stage, blocks in zip(piece.stages, piece.plans, strict=True):
                    is_first = stage is piece.stages[0]
                    self._stage(k, measure, stage, blocks, (numerator, denominator), is_first=is_first)
        return self._finish()

    def _elements(self, k: int, measure: Measure, numerator: np.ndarray, piece: _Piece) -> None:
        """Sum over respondents: how many, how many said yes, and what their own variance takes."""
        sums, margins = self.sums, piece.margins
        # Two counts in one pass: whole numbers below 2**26 side by side in a float's 53 bits.
        packed = measure.answered.astype(np.float64)
        if measure.is_binary:
            packed += measure.numerator * 2.0**26
        counts = margins.sums(packed)
        yes = np.floor(counts / 2.0**26)
        sums["respondents"][k] += counts - yes * 2.0**26
        sums["numerator_respondents"][k] += yes
        if measure.is_binary:
            return
        self.elements[0, k] += margins.sums(numerator * measure.numerator)
        sums["weight"][k] += margins.sums(piece.weight * measure.answered)
        if measure.is_ratio:
            self.elements[1, k] += margins.sums(numerator * measure.denominator)
            self.elements[2, k] += margins.sums(piece.weight * measure.denominator**2)

    def _stage(
        self,
        k: int,
        measure: Measure,
        stage: Stage,
        blocks: list[_Block],
        by_row: tuple[np.ndarray, np.ndarray],
        *,
        is_first: bool,
    ) -> None:
        by_unit = by_row
        if stage.units < len(stage.unit):
            a, b = by_row
            by_unit = np.bincount(stage.unit, a, stage.units), np.bincount(stage.unit, b, stage.units)
        for block in blocks:
            a, b = (block.cells(row, unit) for row, unit in zip(by_row, by_unit, strict=True))
            # Where the denominator is the weight of those who answered, being positive says as much.
            present = b > 0
            if measure.is_ratio:
                answered = measure.answered.astype(np.float64)
                present = block.cells(answered, np.bincount(stage.unit, answered, stage.units)) > 0
            scaled = block.scale * a
            products = [block.segments(x) for x in (scaled * a, scaled * b, block.scale * b * b)]
            units = np.add.reduceat(present, block.segment_starts, dtype=np.intp)
            groups = block.groups(a), block.groups(b)
            here = block.groups(present) if measure.is_ratio else groups[1]
            for rollup in block.rollups:
                self._roll(k, rollup, products, groups, is_first=is_first)
                if is_first:
                    in_pair = rollup.pairs(here) > 0
                    self.sums["units"][k, rollup.span] += rollup.segments(units)
                    self.sums["strata"][k, rollup.span] += rollup.levels(in_pair.astype(float))
                    if stage.lonely.any():
                        self._single_psus(k, stage, rollup, groups, in_pair)

    def _roll(
        self,
        k: int,
        rollup: _Rollup,
        products: list[np.ndarray],
        groups: tuple[np.ndarray, np.ndarray],
        *,
        is_first: bool,
    ) -> None:
        span = rollup.span
        a, b = rollup.pairs(groups[0]), rollup.pairs(groups[1])
        if is_first:
            self.sums["numerator"][k, span] += rollup.levels(a)
            self.sums["denominator"][k, span] += rollup.levels(b)
        share_a, share_b = rollup.per_unit * a, rollup.per_unit * b
        aa, ab, bb = (rollup.segments(p) for p in products)
        self.squares[0, k, span] += aa - rollup.levels(share_a * a)
        self.squares[1, k, span] += ab - rollup.levels(share_a * b)
        self.squares[2, k, span] += bb - rollup.levels(share_b * b)
        self.magnitudes[0, k, span] += aa
        self.magnitudes[1, k, span] += bb

    def _single_psus(
        self,
        k: int,
        stage: Stage,
        rollup: _Rollup,
        groups: tuple[np.ndarray, np.ndarray],
        present: np.ndarray,
    ) -> None:
        span = rollup.span
        lonely = stage.lonely[rollup.stratum] & present
        strata, alone = self.sums["strata"][k, span], rollup.levels(lonely.astype(float))
        policy = self.layout.design.single_psu
        # Steps of weighting give everyone an influence value, so every stratum is present in every estimate.
        everywhere = self.layout.projection is not None
        if policy == "adjust":
            mean_a, mean_b = (self.sums[name][k, span] / stage.units for name in ("numerator", "denominator"))
            a, b = (
                rollup.pairs(group) - mean[rollup.level] for group, mean in zip(groups, (mean_a, mean_b), strict=True)
            )
            factor = stage.remainder[rollup.stratum] * lonely
            for row, product in enumerate((a * a, a * b, b * b)):
                self.squares[row, k, span] += rollup.levels(factor * product)
            if everywhere:
                absent = stage.remainder[stage.lonely].sum() - rollup.levels(factor)
                for row, product in enumerate((mean_a * mean_a, mean_a * mean_b, mean_b * mean_b)):
                    self.squares[row, k, span] += absent * product
            self.informative[k, span] = strata
            return
        self.informative[k, span] = strata - alone
        if policy == "average":
            if everywhere:
                strata = np.full(len(strata), float(stage.strata))
                alone = np.full(len(strata), float(np.count_nonzero(stage.lonely)))
            rest = strata - alone
            self.inflation[k, span] = np.divide(strata, rest, out=np.full(len(rest), np.nan), where=rest > 0)

    def _finish(self) -> Sums:
        s = self.sums
        total = np.array([m.is_total for m in self.measures])[:, None]
        binary = np.array([m.is_binary for m in self.measures])
        own = np.array([m.is_ratio for m in self.measures])
        # Of 0/1 answers, squares are the answers; without a denominator of its own, the weight is one.
        s["weight"][binary] = s["denominator"][binary]
        self.elements[0, binary] = s["numerator"][binary]
        self.elements[1, ~own], self.elements[2, ~own] = s["numerator"][~own], s["weight"][~own]
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
        alike = binary[:, None] & (variance == 0)
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
        policy = self.layout.design.single_psu
        value = 0.0
        for stage in self.layout.stages:
            totals = np.bincount(stage.unit[members], values, stage.units)
            present = np.bincount(stage.unit[members], measure.answered[members], stage.units) > 0
            if self.layout.projection is not None:
                present[:] = True
            first = stage is self.layout.first
            value += float(quadratic_form(stage, totals, present, policy if first else "certainty"))
        return value


def quadratic_form(stage: Stage, totals: np.ndarray, present: np.ndarray, policy: str) -> np.ndarray:
    """Sum the squares and products that one stage adds to a variance, centred within strata.

    Parameters
    ----------
    stage : Stage
    totals : ndarray, shape (units,) or (units, k)
        Totals of influence values by unit, zero for units without members of the domain.
    present : ndarray of bool, shape (units,)
        Units with someone in the base.
    policy : str
        Single-PSU policy; "adjust" uses the distance from the mean of all units.

    Returns
    -------
    ndarray, shape () or (k, k)
    """
    starts = np.flatnonzero(np.diff(stage.stratum, prepend=-1))
    sums = np.add.reduceat(totals, starts, axis=0)
    size = stage.size if totals.ndim == 1 else stage.size[:, None]
    centred = totals - (sums / size)[stage.stratum]
    value = (centred.T * stage.scale[stage.stratum]) @ centred
    if policy == "adjust" and stage.lonely.any():
        alone = np.flatnonzero(stage.lonely[stage.stratum] & present)
        distance = totals[alone] - totals.mean(axis=0)
        value = value + (distance.T * stage.remainder[stage.stratum[alone]]) @ distance
    return np.asarray(value)


def total_covariance(layout: Layout, values: np.ndarray, base: np.ndarray) -> np.ndarray:
    """Return the design covariance of totals of influence values.

    Parameters
    ----------
    layout : Layout
    values : ndarray, shape (respondents, k)
        Weighted influence values in layout order, zero outside the base. Steps of weighting are credited here.
    base : ndarray of bool, shape (respondents,)

    Returns
    -------
    ndarray, shape (k, k)
        NaN where the sample is one PSU, or its strata single PSUs that the policy leaves out.

    Notes
    -----
    Source: Binder (1983).
    Verified: through regressions, tests/test_reference.py case K2, rtol 1e-9.
    """
    first, policy = layout.first, layout.design.single_psu
    if layout.projection is not None:
        values, base = layout.projection.residuals(values), np.ones(layout.rows, bool)
    value = np.zeros((values.shape[1], values.shape[1]))
    for stage in layout.stages:
        totals = np.column_stack([np.bincount(stage.unit, column, stage.units) for column in values.T])
        present = np.bincount(stage.unit, base, stage.units) > 0
        value += quadratic_form(stage, totals, present, policy if stage is first else "certainty")
    strata = np.bincount(first.stratum, np.bincount(first.unit, base, first.units) > 0, first.strata) > 0
    alone = int(np.count_nonzero(strata & first.lonely)) if policy != "adjust" else 0
    if first.units == 1 or alone == np.count_nonzero(strata):
        return np.full_like(value, np.nan)
    return value * (np.count_nonzero(strata) / (np.count_nonzero(strata) - alone) if policy == "average" else 1.0)
