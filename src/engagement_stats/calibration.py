"""Find the factors g that make weighted totals equal population totals, on the joint cells of the margins.

Belongs here: the distance functions of calibration, Newton's method with its start by raking, and why a problem has
no solution.
Not here: margins and cells (margins), what a weight remembers (steps), the public call (weight), variances.
Methods: docs/weighting.md#calibration
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import special

from engagement_stats.errors import WeightingError, listed
from engagement_stats.margins import Cells

TOLERANCE = 1e-8
"""Largest relative misfit of a margin in any weight we return."""
GOAL = 1e-13
ITERATIONS = 100
SWEEPS = 3
METHODS = ("linear", "raking", "logit", "truncated_linear")
Bounds = tuple[float, float]
Curve = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]


@dataclass(frozen=True, eq=False)
class Solution:
    """Factors by cell, the coefficients behind them, and how they were found."""

    factors: np.ndarray
    coefficients: np.ndarray
    achieved: np.ndarray
    misfit: np.ndarray
    iterations: int


def check_method(method: str, bounds: Bounds | None) -> Bounds | None:
    """Say so when a method is not one of ours, or its bounds on g are missing or make no sense.

    Raises
    ------
    WeightingError
        The method is unknown; bounds are missing, superfluous, or do not hold 1 between them.
    """
    if method not in METHODS:
        raise WeightingError(f'method: got "{method}"; expected one of {", ".join(METHODS)}.')
    bounded = method in ("logit", "truncated_linear")
    if bounds is None:
        if bounded:
            raise WeightingError(f"bounds: {method} needs bounds on the factors g, such as (0.3, 3). Got none.")
        return None
    if not bounded:
        raise WeightingError(
            f'bounds: {method} takes none. Got {bounds!r}. Use method="logit" or "truncated_linear", or bound the '
            "weights themselves with weight_bounds."
        )
    lower, upper = (float(b) for b in bounds)
    if not 0 <= lower < 1 < upper or (method == "logit" and not np.isfinite(upper)):
        raise WeightingError(
            f"bounds: got ({lower:g}, {upper:g}); expected 0 <= lower < 1 < upper, the range of the factors g = "
            "weight / base weight."
        )
    return lower, upper


def curve(method: str, bounds: Bounds | None = None, clip: tuple[np.ndarray, np.ndarray] | None = None) -> Curve:
    """Return F and its derivative as one function of u = x'b.

    Parameters
    ----------
    method : {"linear", "raking", "logit", "truncated_linear"}
    bounds : (float, float), optional
        Bounds on g, for the last two.
    clip : tuple of ndarray, shape (cells,), optional
        Bounds on g cell by cell, from bounds on the weights.

    Notes
    -----
    Source: Deville and Sarndal (1992), cases 1, 2, 6 and 7; every F has F(0) = F'(0) = 1.
    Verified: derivatives against differences, tests/test_weight_calibration.py, rtol 1e-6.

    Examples
    --------
    >>> [float(x[0]) for x in curve("logit", (0.5, 2.0))(np.array([0.0]))]
    [1.0, 1.0]
    """
    lower, upper = bounds or (0.0, np.inf)

    def linear(u: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return 1 + u, np.ones_like(u)

    def raking(u: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        with np.errstate(over="ignore"):
            g = np.exp(u)
        return g, g

    def logit(u: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        a = (upper - lower) / ((upper - 1) * (1 - lower))
        s = special.expit(a * u + np.log((1 - lower) / (upper - 1)))
        return lower + (upper - lower) * s, (upper - lower) * a * s * (1 - s)

    def truncated(u: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        g = 1 + u
        return np.clip(g, lower, upper), ((g > lower) & (g < upper)).astype(float)

    plain = {"linear": linear, "raking": raking, "logit": logit, "truncated_linear": truncated}[method]
    if clip is None:
        return plain
    low, high = clip

    def clipped(u: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        g, slope = plain(u)
        return np.clip(g, low, high), np.where((g > low) & (g < high), slope, 0.0)

    return clipped


def _independent(gram: np.ndarray, starts: tuple[int, ...]) -> np.ndarray:
    """Choose columns none of which follows from the others."""
    keep = np.ones(len(gram), dtype=bool)
    keep[list(starts[1:])] = False
    scale = np.sqrt(np.where(np.diag(gram) > 0, np.diag(gram), 1.0))
    unit = gram / np.outer(scale, scale)
    chosen = np.flatnonzero(keep)
    try:
        if np.diag(np.linalg.cholesky(unit[np.ix_(chosen, chosen)])).min() > 1e-5:
            return chosen
    except np.linalg.LinAlgError:
        pass
    from scipy.linalg import lapack

    _, pivots, rank, _ = lapack.dpstrf(unit, tol=1e-10)
    return np.sort(np.asarray(pivots)[:rank] - 1)


def _direction(jacobian: np.ndarray, gap: np.ndarray, problem: "_Problem", columns: np.ndarray) -> np.ndarray:
    """Solve J p = gap; where J is singular (too many at a bound), with some of J at the base weights added."""
    for share in (0.0, 1e-6, 1e-3, 1.0):
        matrix = jacobian
        if share > 0:
            matrix = jacobian + share * problem.cells.gram(problem.base)[np.ix_(columns, columns)]
        diagonal = np.diag(matrix)
        if not diagonal.min() > 0:
            continue
        scale = np.sqrt(diagonal)
        try:
            root = np.linalg.cholesky(matrix / np.outer(scale, scale))
        except np.linalg.LinAlgError:
            continue
        if np.diag(root).min() > 1e-7:
            return np.linalg.solve(root.T, np.linalg.solve(root, gap / scale)) / scale
    return np.full(len(gap), np.nan)


def _raked_start(cells: Cells, base: np.ndarray, population: np.ndarray, sweeps: int) -> np.ndarray:
    """Rake a few times around; return log factors by column."""
    coefficients = np.zeros(len(population))
    weights = base.copy()
    for _ in range(sweeps):
        for code, start, size in zip(cells.codes, cells.starts, cells.sizes, strict=True):
            factor = population[start : start + size] / np.bincount(code, weights, size)
            weights *= factor[code]
            coefficients[start : start + size] += np.log(factor)
    return coefficients


@dataclass(frozen=True, eq=False)
class _Problem:
    cells: Cells
    base: np.ndarray
    population: np.ndarray
    scale: np.ndarray
    shape: Curve

    def at(self, coefficients: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return factors, slopes and the gap to the population at these coefficients."""
        g, slope = self.shape(self.cells.scores(coefficients))
        return g, slope, self.population - self.cells.totals(self.base * g)

    def misfit(self, gap: np.ndarray) -> float:
        worst = float(np.abs(gap / self.scale).max())
        return worst if np.isfinite(worst) else np.inf


def _step_length(
    problem: _Problem, at: np.ndarray, move: np.ndarray, gap: np.ndarray
) -> tuple[float, tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Go along a direction until its derivative of the (convex) dual has all but vanished; 1 if that will do."""
    slope0 = float(gap @ move)
    low, high, length = 0.0, np.inf, 1.0
    state = problem.at(at + move)
    for _ in range(30):
        slope = float(state[2] @ move)
        if np.isfinite(slope) and abs(slope) <= 0.9 * slope0:
            break
        if np.isfinite(slope) and slope > 0:
            low = length
        else:
            high = length
        length = 2 * low if np.isinf(high) else (low + high) / 2
        if length > 1e4:
            break
        state = problem.at(at + length * move)
    return length, state


@np.errstate(over="ignore", invalid="ignore")
def solve(
    cells: Cells,
    base: np.ndarray,
    population: np.ndarray,
    shape: Curve,
    *,
    start: np.ndarray | None = None,
    sweeps: int = 0,
) -> Solution:
    """Find b with sum d F(x'b) x = population, by Newton's method on the cells.

    Parameters
    ----------
    cells : Cells
    base : ndarray, shape (cells,)
        Base weight of each cell: the sum over its respondents.
    population : ndarray, shape (columns,)
    shape : callable
        F and its derivative, from `curve`.
    start : ndarray, shape (columns,), optional
        Where to begin; zero when not given.
    sweeps : int, default 0
        Begin by raking this many times around (for raking only).

    Returns
    -------
    Solution
        The best found; `misfit` says whether it is a solution.

    Notes
    -----
    Source: Deville and Sarndal (1992); Deville, Sarndal and Sautory (1993). Columns that follow from others are left
    out and met of themselves, or not at all. The length of a step is such that the convex dual falls.
    Verified: R ``calibrate``, tests/test_weight_calibration.py, rtol 1e-9; scipy's optimiser there, rtol 1e-6.
    """
    before = cells.totals(base)
    count = sum(cells.sizes)
    scale = population.copy()
    scale[count:] = np.maximum(np.abs(population[count:]), base @ np.abs(cells.numeric) * 1e-3)
    scale[scale == 0] = 1.0
    problem = _Problem(cells, base, population, scale, shape)
    coefficients = np.zeros(len(population)) if start is None else start.copy()
    if sweeps and bool((before[:count] > 0).all()):
        coefficients = _raked_start(cells, base, population, sweeps)
    g, slope, gap = problem.at(coefficients)
    columns = None
    best = (problem.misfit(gap), coefficients, g, gap)
    used = sweeps
    stalled = 0
    for _ in range(ITERATIONS):
        if best[0] <= GOAL or stalled >= (2 if best[0] <= TOLERANCE / 100 else 40):
            break
        gram = cells.gram(base * slope)
        if columns is None:
            columns = _independent(gram if slope.min() > 0 else cells.gram(base), cells.starts)
        move = np.zeros(len(population))
        move[columns] = _direction(gram[np.ix_(columns, columns)], gap[columns], problem, columns)
        if not np.isfinite(move).all():
            break
        length, (g, slope, gap) = _step_length(problem, coefficients, move, gap)
        coefficients = coefficients + length * move
        used += 1
        now = problem.misfit(gap)
        stalled = 0 if now < best[0] / 2 else stalled + 1
        if now < best[0]:
            best = (now, coefficients, g, gap)
        if not np.isfinite(now) or np.abs(coefficients).max() > 1e8:
            break
    _, coefficients, g, gap = best
    return Solution(g, coefficients, population - gap, np.abs(gap / scale), used)


def explain(
    cells: Cells,
    base: np.ndarray,
    population: np.ndarray,
    misfit: np.ndarray,
    limits: tuple[np.ndarray | float, np.ndarray | float] | None,
    *,
    label: str,
    on: str = "factors",
) -> str:
    """Say in plain words which margin cannot be met, why, and what would do.

    Parameters
    ----------
    limits : (lower, upper), optional
        Bounds on g by cell, or for all.
    label : str
        Names the margins.
    on : {"factors", "weights"}
        Whether `limits` came from bounds on g or on the weights.

    Returns
    -------
    str
        One or more sentences, for a `WeightingError`.
    """
    names = list(cells.describe())
    order = np.argsort(-misfit)
    worst = [f"{names[i]} (off by {misfit[i]:.2g} of its population)" for i in order if misfit[i] > TOLERANCE]
    said = f"{label}: the margins cannot be met to {TOLERANCE:g}. Furthest off: {listed(worst)}."
    live = base > 0
    matrix = (cells.matrix.T.multiply(base[None, :])).tocsc()[:, np.flatnonzero(live)]
    low, high = (0.0, np.inf) if limits is None else limits
    low, high = (np.broadcast_to(np.asarray(x, float), base.shape)[live] for x in (low, high))
    rows = matrix.multiply(1 / np.where(population == 0, 1.0, np.abs(population))[:, None]).tocsc()
    target = np.sign(population)
    if limits is None:
        return said + _why_unbounded(rows, target)
    return said + _why_bounded(rows, target, low, high, on)


def _program(cost: np.ndarray, rows: Any, target: np.ndarray, limits: Any, more: Any = None) -> Any:
    from scipy import optimize

    return optimize.linprog(
        cost, A_eq=rows, b_eq=target, bounds=limits, A_ub=more, b_ub=None if more is None else np.zeros(more.shape[0]),
        method="highs",
    )  # fmt: skip


def _why_unbounded(rows: Any, target: np.ndarray) -> str:
    """Tell margins that no positive weights meet from a search that failed."""
    from scipy import sparse

    n = rows.shape[1]
    # Largest t with every factor at least t: negative or no solution means that none is positive throughout.
    more = sparse.hstack([-sparse.identity(n), np.ones((n, 1))], format="csc")
    wide = sparse.hstack([rows, sparse.csc_matrix((rows.shape[0], 1))], format="csc")
    cost = np.zeros(n + 1)
    cost[-1] = -1
    found = _program(cost, wide, target, [(0, None)] * n + [(None, None)], more)
    if found.status == 2:
        return (
            " No weights of zero or more meet them all: the sample lacks respondents in some combination of categories "
            "that the margins together require. Collapse categories of the margin named first, or drop a margin."
        )
    if found.status == 0 and -found.fun <= 1e-12:
        return (
            " They can be met only by giving some respondents a weight of zero. Collapse categories of the margin "
            "named first, or drop a margin."
        )
    return (
        " Weights that meet them exist, but the search did not reach them: they are extreme. Collapse thin categories."
    )


def _why_bounded(rows: Any, target: np.ndarray, low: np.ndarray, high: np.ndarray, on: str) -> str:
    from scipy import sparse

    n = rows.shape[1]
    if on == "weights":
        found = _program(np.zeros(n), rows, target, np.column_stack([low, high]))
        if found.status == 2:
            return " Weights within these bounds do not exist. Widen the bounds on the weights or collapse categories."
        return " Weights within these bounds exist only just. Widen the bounds on the weights a little."
    lower, upper = float(low.min()), float(high.max())
    wide = sparse.hstack([rows, sparse.csc_matrix((rows.shape[0], 1))], format="csc")
    cost = np.zeros(n + 1)
    cost[-1] = 1.0
    # Smallest upper bound with this lower one, and largest lower bound with this upper one.
    at_most = sparse.hstack([sparse.identity(n), -np.ones((n, 1))], format="csc")
    least = _program(cost, wide, target, [(lower, None)] * n + [(None, None)], at_most)
    at_least = sparse.hstack([-sparse.identity(n), np.ones((n, 1))], format="csc")
    most = _program(-cost, wide, target, [(0, upper if np.isfinite(upper) else None)] * n + [(None, None)], at_least)
    parts: list[str] = []
    if least.status == 0:
        parts.append(f"with the lower bound {lower:g} the upper must be above {least.fun:.4g}")
    if most.status == 0:
        parts.append(f"with the upper bound {upper:g} the lower must be below {-most.fun:.4g}")
    if not parts:
        least = _program(cost, wide, target, [(0, None)] * n + [(None, None)], at_most)
        most = _program(-cost, wide, target, [(0, None)] * n + [(None, None)], at_least)
        if least.status != 0 or most.status != 0:
            return " No weights of zero or more meet them at all. Collapse categories of the margin named first."
        return (
            f" The bounds ({lower:g}, {upper:g}) are too tight, and moving one of them alone does not help: the lower "
            f"must be below {-most.fun:.4g} and the upper above {least.fun:.4g}, at least. Collapse thin categories or "
            "widen both."
        )
    return (
        f" The bounds ({lower:g}, {upper:g}) are too tight: {', or '.join(parts)}. Widen them or collapse categories."
    )
