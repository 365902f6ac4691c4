"""Take out of influence values what the making of the weights has settled already.

Belongs here: the linear map from influence values under final weights to those of the whole chain of steps.
Not here: making weights (weight, steps), sums over units and domains (credit), variances.
Methods: docs/methods.md#calibrated-weights
"""

from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.linalg import lapack, solve_triangular

from engagement_stats.errors import EstimationError
from engagement_stats.margins import Cells
from engagement_stats.steps import Step, Weights, Within

# Columns that follow from the others, as one category of every margin but the first does, are left out.
DEPENDENT = 1e-10
# Kinds of steps that variances credit.
CREDITED = ("calibrated", "nonresponse")


@dataclass(frozen=True, eq=False)
class _Credited:
    """One step on the rows of a layout: x, and the three multipliers that its kind gives it.

    With the influence values z after the step, the coefficients solve [sum gram x x'] B = sum moment x z, and
    z - removed x'B goes on to the step before.
    """

    x: sparse.csr_array
    gram: np.ndarray
    moment: np.ndarray
    removed: np.ndarray


@dataclass(frozen=True, eq=False)
class _Solver:
    """Solve the normal equations of one step, on columns none of which follows from the others."""

    columns: slice
    kept: np.ndarray
    half: np.ndarray
    scale: np.ndarray

    def __call__(self, moments: np.ndarray) -> np.ndarray:
        out = np.zeros_like(moments)
        out[:, self.kept] = (moments[:, self.kept] / self.scale) @ self.half.T @ self.half / self.scale
        return out


@dataclass(frozen=True, eq=False)
class Projection:
    """The map z = v - A B(v) from v = w u, what a total of weighted influence values sums, to its credited values.

    Attributes
    ----------
    removed : sparse array, shape (rows, columns)
        A: columns of every credited step side by side, in the order the steps were taken.
    moments : sparse array, shape (rows, columns)
        H: B solves L B = H'v with L block upper triangular.
    """

    removed: sparse.csr_array
    moments: sparse.csr_array
    solvers: tuple[_Solver, ...]
    cross: np.ndarray

    def coefficients(self, values: sparse.csr_array) -> np.ndarray:
        """Regress influence values on the steps' columns, last step first.

        Parameters
        ----------
        values : sparse array, shape (k, rows)
            Weighted influence values of k estimates.

        Returns
        -------
        ndarray, shape (k, columns)
        """
        left = (values @ self.moments).toarray()
        out = np.zeros_like(left)
        for solver in reversed(self.solvers):
            here = solver.columns
            later = slice(here.stop, None)
            out[:, here] = solver(left[:, here] - out[:, later] @ self.cross[here, later].T)
        return out

    def residuals(self, values: np.ndarray) -> np.ndarray:
        """Credit influence values.

        Parameters
        ----------
        values : ndarray, shape (rows, k)
            Weighted influence values, zero outside the base.

        Returns
        -------
        ndarray, shape (rows, k)
            Not zero outside the base.
        """
        return np.asarray(values - self.removed @ self.coefficients(sparse.csr_array(values.T)).T)


def project(weights: Weights, order: np.ndarray | None) -> Projection | None:
    """Make the projection of the steps behind weights; None when every step leaves influence values as they are.

    Parameters
    ----------
    weights : Weights
    order : ndarray, shape (rows,), optional
        Takes the weights' rows to the layout's.

    Notes
    -----
    From the last step to the first, with d and w = d g a step's weights before and after, r who answered and p the
    fitted probability, influence values v per unit of w become, per unit of d,

    - calibration to known totals: g (v - x'B), B = (sum d x x')^-1 sum d x v;
    - non-response by cells or classes: x'B + g (v - x'B), B = (sum d r x x')^-1 sum d r x v;
    - non-response by propensity: r v / p - (r - p) x'B, B = (sum d p (1 - p) x x')^-1 sum d r ((1 - p) / p) x v;
    - scaling, trimming, pooling: their factor is held, v w / d.

    Source: Deville and Sarndal (1992) for calibration; Sarndal, Swensson and Wretman (1992) ch. 15 and Lundstrom and
    Sarndal (1999) for calibration to the sample; Kim and Kim (2007) for propensities.
    Verified: R survey 4.5 cases F1 to F12, tests/test_reference.py, rtol 1e-9; the jackknife that redoes every step,
    tests/test_estimate_calibrated.py.
    """
    credited = [_credited(step, order) for step in weights.steps if step.kind in CREDITED]
    if not credited:
        return None
    ends = np.cumsum([0, *(c.x.shape[1] for c in credited)])
    solvers = [
        _solver(c, slice(int(start), int(stop))) for c, start, stop in zip(credited, ends[:-1], ends[1:], strict=True)
    ]
    removed = sparse.hstack([_scaled(c.x, c.removed) for c in credited], format="csr")
    moments = sparse.hstack([_scaled(c.x, c.moment) for c in credited], format="csr")
    cross = (moments.T @ removed).toarray() if len(credited) > 1 else np.zeros((ends[-1], ends[-1]))
    return Projection(removed, moments, tuple(solvers), cross)


def _scaled(x: sparse.csr_array, rows: np.ndarray) -> sparse.csr_array:
    """Multiply every row by a number."""
    return sparse.csr_array((x.data * np.repeat(rows, np.diff(x.indptr)), x.indices, x.indptr), shape=x.shape)


def _credited(step: Step, order: np.ndarray | None) -> _Credited:
    cells = step.cells
    if cells is None:
        raise EstimationError(
            f"weights: the step {step.kind} ({step.method}) does not say what it used, so a variance cannot credit it."
        )
    d, w = step.base, step.values
    per_g = np.divide(d, w, out=np.zeros(len(d)), where=w > 0)
    answered = np.ones(len(d)) if step.responded is None else step.responded.astype(float)
    if step.kind == "calibrated":
        gram, moment, removed = d, per_g, w
    elif step.method == "propensity" and step.propensity is not None:
        p = step.propensity
        gram, moment, removed = d * p * (1 - p), np.where(w > 0, 1 - p, 0.0), d * (answered - p)
    else:
        cells = _classes(step, cells)
        gram, moment, removed = d * answered, per_g * answered, w - d
    inside = cells.cell >= 0
    rows = [np.where(inside, x, 0.0) for x in (gram, moment, removed)]
    place = np.where(inside, cells.cell, 0)
    if order is not None:
        rows, place = [x.take(order) for x in rows], place.take(order)
    return _Credited(_columns(cells, d)[place], *rows)


def _classes(step: Step, cells: Cells) -> Cells:
    """Return the cells within which non-response was adjusted: those named, or the classes of a propensity."""
    group = step.settings.get("class")
    if group is None:
        return cells
    cell = np.full(len(step.base), -1, np.intp)
    cell[step.recipe.rows if isinstance(step.recipe, Within) else slice(None)] = group
    size = int(group.max()) + 1
    names = tuple(("class of propensity", str(k + 1)) for k in range(size))
    return Cells(cell, names, (np.arange(size),), (size,), np.zeros((size, 0)), size)


def _columns(cells: Cells, base: np.ndarray) -> sparse.csr_array:
    """Return cells x columns; beside categories numbers are centred, which spans the same and keeps digits."""
    if not (cells.codes and cells.numeric.shape[1]):
        return sparse.csr_array(cells.matrix)
    share = cells.sums(base)
    centred = cells.numeric - share @ cells.numeric / share.sum()
    return sparse.hstack([sparse.csr_array(cells.matrix)[:, : sum(cells.sizes)], centred], format="csr")


def _solver(step: _Credited, columns: slice) -> _Solver:
    gram = (_scaled(step.x, step.gram).T @ step.x).toarray()
    diagonal = np.diag(gram)
    scale = np.sqrt(np.where(diagonal > 0, diagonal, 1.0))
    unit = gram / np.outer(scale, scale)
    _, pivots, rank, _ = lapack.dpstrf(unit, tol=DEPENDENT)
    kept = np.sort(np.asarray(pivots)[:rank] - 1)
    root = np.linalg.cholesky(unit[np.ix_(kept, kept)])
    return _Solver(columns, kept, solve_triangular(root, np.eye(len(kept)), lower=True), scale[kept])
