"""Bound the hidden numbers of tables by those that are shown.

Belongs here: the exact range of a hidden number under the sums it is part of, by linear programs.
Not here: which numbers add up (additive), when a range is too narrow and what else a reader knows (attack).
Methods: docs/disclosure.md#the-attack
"""

from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.optimize import linprog
from scipy.sparse.csgraph import connected_components

from engagement_stats.additive import Relations
from engagement_stats.errors import DisclosureError

# Programs for many numbers at once that may bring nothing before each number gets its own.
STALLED = 4
# Part of a total by which it may be missed and still be met; HiGHS meets its own limits to 1e-7.
TOLERANCE = 1e-6


def ranges(
    sums: Relations,
    values: np.ndarray,
    hidden: np.ndarray,
    *,
    lower: np.ndarray,
    upper: np.ndarray,
    spare: np.ndarray,
    width: np.ndarray,
    reach: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Bound hidden numbers by the shown ones, for several tables over the same cells at once.

    Parameters
    ----------
    sums : Relations
    values : ndarray, shape (tables, cells)
        The shown numbers; those under `hidden` are not looked at, null is a cell that is not there.
    hidden : ndarray of bool, shape (tables, cells)
    lower, upper : ndarray, shape (tables, cells)
        What is known of hidden numbers besides; finite.
    spare : ndarray, shape (tables, relations)
        The most that may be in a total and in none of its members.
    width, reach : ndarray, shape (tables, cells)
        A number whose range is seen to be this wide and to reach this high need not be bounded further: its limits
        are then those found so far, inside the true ones. Infinity bounds a number exactly; minus infinity is for
        numbers that nobody asks about.

    Returns
    -------
    tuple of ndarray, shape (tables, cells)
        Lower and upper limits; null where not hidden.

    Notes
    -----
    A hidden cell of one relation only is bounded by that relation alone, in closed form; the others by linear programs,
    all tables and separate parts of a table in one program, since they share nothing.
    Source: Fischetti and Salazar-Gonzalez (2000), Management Science 47(7): the attacker's problem.
    Verified: brute force over whole numbers, tests/test_attack.py.
    """
    low, high = np.full(values.shape, np.nan), np.full(values.shape, np.nan)
    if not hidden.any():
        return low, high
    spare, sums = spare[:, ~sums.follows], sums.bare
    size = np.abs(sums.signs)
    there = np.isfinite(values) | hidden
    right = -np.where(hidden, 0.0, np.nan_to_num(values)) @ sums.signs.T
    # Sums of a table of which nothing is shown say nothing.
    active = ((hidden.astype(float) @ size.T) > 0) & there[:, sums.total] & (there & ~hidden).any(axis=1)[:, None]
    spare = np.maximum(np.where(active, np.minimum(spare, np.abs(right) + np.nan_to_num(upper).max() + 1), 0.0), 0.0)
    low[hidden], high[hidden] = lower[hidden], upper[hidden]
    _one_relation(sums, right, hidden, active, spare, (low, high))
    shared = hidden & ((active.astype(float) @ size) > 1)
    if shared.any():
        _programs(sums, right, hidden, active, spare, (lower, upper), (low, high), width, reach)
    return low, high


def _one_relation(
    sums: Relations,
    right: np.ndarray,
    hidden: np.ndarray,
    active: np.ndarray,
    spare: np.ndarray,
    limits: tuple[np.ndarray, np.ndarray],
) -> None:
    """Narrow every hidden number by each of its relations on its own: exact where it has only one."""
    low, high = limits
    lows, highs = np.where(hidden, low, 0.0), np.where(hidden, high, 0.0)
    plus, minus = sums.signs.maximum(0), (-sums.signs).maximum(0)
    least = lows @ plus.T - highs @ minus.T
    most = highs @ plus.T - lows @ minus.T + spare
    for relation in np.flatnonzero(active.any(axis=0)):
        row = sums.signs[[relation], :].tocoo()
        tables = np.flatnonzero(active[:, relation])
        for cell, sign in zip(row.coords[1], row.data, strict=True):
            here = tables[hidden[tables, cell]]
            own = (lows[here, cell], highs[here, cell])
            others = (
                least[here, relation] - (own[0] if sign > 0 else -own[1]),
                most[here, relation] - (own[1] if sign > 0 else -own[0]),
            )
            ends = right[here, relation] - others[1], right[here, relation] - others[0]
            found = ends if sign > 0 else (-ends[1], -ends[0])
            low[here, cell] = np.maximum(low[here, cell], found[0])
            high[here, cell] = np.minimum(high[here, cell], found[1])


def _programs(
    sums: Relations,
    right: np.ndarray,
    hidden: np.ndarray,
    active: np.ndarray,
    spare: np.ndarray,
    given: tuple[np.ndarray, np.ndarray],
    limits: tuple[np.ndarray, np.ndarray],
    width: np.ndarray,
    reach: np.ndarray,
) -> None:
    """Bound hidden numbers of several relations, a number of every separate part in each program."""
    system = _laid_out(sums, hidden, active)
    table, cell = system.table, system.cell
    count = len(table)
    lower = np.concatenate([given[0][table, cell], np.zeros(len(system.rows[0]))])
    upper = np.concatenate([given[1][table, cell], spare[system.rows]])
    bounds = np.column_stack([lower, np.maximum(upper, lower)])
    target = right[system.rows]
    low, high = np.full(count, np.inf), np.full(count, -np.inf)
    wide, far = width[table, cell], reach[table, cell]
    asked = np.zeros((2, count), bool)
    lots, patience, left = np.random.default_rng(0), STALLED if (wide < np.inf).all() else 0, count + 1
    while True:
        sure = (high - low >= wide) & (high >= far)
        patience -= int((~sure).sum()) >= left
        left = int((~sure).sum())
        objective = np.zeros(len(lower))
        if patience > 0 and left:
            # Raise all that are not yet seen high enough at once, and move the others either way; lots break ties.
            either = np.where(lots.random(count) < 0.5, -1.0, 1.0)
            moved = np.where(high < np.maximum(far, wide), -1.0, either) * lots.uniform(1, 2, count)
            objective[:count] = np.where(sure, 0.0, moved)
        else:
            chosen, direction = _next(system.part, ~sure[None, :] & ~asked)
            if not len(chosen):
                break
            objective[chosen] = np.where(direction == 0, -1.0, 1.0)
            asked[direction, chosen] = True
        solution = linprog(objective, A_eq=system.matrix, b_eq=target, bounds=bounds, method="highs")
        if solution.status == 2:
            bounds = _possible(system, bounds, target)
            solution = linprog(objective, A_eq=system.matrix, b_eq=target, bounds=bounds, method="highs")
        _check_ended(solution.status)
        low, high = np.minimum(low, solution.x[:count]), np.maximum(high, solution.x[:count])
    limits[0][table, cell], limits[1][table, cell] = low, high


def _possible(system: "_System", bounds: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Return bounds under which there is a solution, the same but for the parts that have none under these.

    A reader who takes it for granted that nobody is left out of a sum, and finds that somebody must be, does not know
    how many nor where, and takes nothing for granted in that part. The other parts stay as they are.
    """
    count, rows, away = len(system.part), len(target), sparse.eye_array(len(target))
    part = system.part[np.abs(system.matrix[:, :count]).argmax(axis=1)]
    limits = np.vstack([bounds, np.tile([0.0, np.inf], (2 * rows, 1))])
    # What must be added to or taken from each sum, as little as possible.
    cost = np.concatenate([np.zeros(len(bounds)), np.ones(2 * rows)])
    amended = sparse.hstack([system.matrix, away, -away]).tocsr()
    found = linprog(cost, A_eq=amended, b_eq=target, bounds=limits, method="highs")
    _check_ended(found.status)
    off = np.add(*np.split(found.x[len(bounds) :], 2)) > TOLERANCE * (1 + np.abs(target))
    wrong = np.isin(np.concatenate([system.part, part]), part[off])
    out = bounds.copy()
    out[:count, 0] = np.where(wrong[:count], np.minimum(out[:count, 0], 0.0), out[:count, 0])
    enough = np.abs(target) + np.abs(bounds[:count, 1]).max() + 1
    out[count:, 1] = np.where(wrong[count:], enough, out[count:, 1])
    return out


def _check_ended(status: int) -> None:
    if status != 0:
        raise DisclosureError(
            f"disclosure: the check for hidden numbers did not end. Got status {status} of HiGHS; expected 0. Please "
            "report it."
        )


def _next(part: np.ndarray, open_: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pick a number not yet bounded, upwards first, in every part that has one."""
    places, directions = [], []
    taken = np.zeros(int(part.max()) + 1, bool)
    for direction in (0, 1):
        candidates = np.flatnonzero(open_[direction] & ~taken[part])
        _, first = np.unique(part[candidates], return_index=True)
        places.append(candidates[first])
        directions.append(np.full(len(first), direction))
        taken[part[candidates]] = True
    return np.concatenate(places), np.concatenate(directions)


@dataclass(frozen=True, eq=False)
class _System:
    """The programs of all tables in one matrix: a column for each hidden number, then one for each relation's spare."""

    matrix: sparse.csr_array
    table: np.ndarray
    cell: np.ndarray
    rows: tuple[np.ndarray, np.ndarray]
    part: np.ndarray


def _laid_out(sums: Relations, hidden: np.ndarray, active: np.ndarray) -> _System:
    """Lay the parts that need a program side by side: hidden numbers linked through relations they share."""
    table, cell = np.nonzero(hidden)
    rows = np.nonzero(active)
    number = np.full(hidden.shape, -1)
    number[table, cell] = np.arange(len(table))
    matrix = sums.signs.tocsr()
    data, row, column = [], [], []
    for i, (t, relation) in enumerate(zip(*rows, strict=True)):
        span = slice(matrix.indptr[relation], matrix.indptr[relation + 1])
        places = number[t, matrix.indices[span]]
        keep = places >= 0
        data.append(matrix.data[span][keep])
        column.append(places[keep])
        row.append(np.full(int(keep.sum()), i))
    links = sparse.csr_array(
        (np.concatenate(data), (np.concatenate(row), np.concatenate(column))), shape=(len(rows[0]), len(table))
    )
    joined = sparse.block_array([[None, links], [links.T, None]])
    _, label = connected_components(joined, directed=False)
    many = np.bincount(label[: len(rows[0])], minlength=int(label.max()) + 1) > 1
    mine, ours = many[label[: len(rows[0])]], many[label[len(rows[0]) :]]
    links = links[mine][:, ours]
    _, part = np.unique(label[len(mine) :][ours], return_inverse=True)
    return _System(
        sparse.hstack([links, sparse.eye_array(links.shape[0])]).tocsr(),
        table[ours],
        cell[ours],
        (rows[0][mine], rows[1][mine]),
        part,
    )
