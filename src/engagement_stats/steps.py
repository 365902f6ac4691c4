"""What a weight remembers: the steps that made it, each able to be taken again from other base weights.

Belongs here: `Weights`, `Step`, and the recipes of steps.
Not here: the public calls (weight), margins and cells (margins), the search for factors (calibration), variances.
Methods: docs/weighting.md#steps
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Protocol

import numpy as np
import pandas as pd

from engagement_stats.calibration import SWEEPS, TOLERANCE, Bounds, Solution, curve, explain, solve
from engagement_stats.errors import WeightingError, listed
from engagement_stats.margins import Cells
from engagement_stats.uncertainty import kish_design_effect

NOTHING = 1e-6
"""A factor at or below this is a weight of zero in all but name."""
KINDS = ("base", "scaled", "nonresponse", "calibrated", "trimmed", "pooled")


def frozen(values: np.ndarray) -> np.ndarray:
    """Make an array of ours one that nobody can write to."""
    out = np.asarray(values, dtype=float)
    out.setflags(write=False)
    return out


class Recipe(Protocol):
    """How a step is taken: from base weights and the step before to the step."""

    def step(self, base: np.ndarray, before: "Step | None", start: np.ndarray | None = None) -> "Step":
        """Take the step."""
        ...


@dataclass(frozen=True, eq=False)
class Step:
    """One step in the making of a weight: from base weights d to weights w = d g.

    Attributes
    ----------
    kind : {"base", "scaled", "nonresponse", "calibrated", "trimmed", "pooled"}
    method : str
        How, within the kind: "raking", "linear", "cells", "propensity", ...
    base : ndarray, shape (n,)
        d, the weights the step began with.
    values : ndarray, shape (n,)
        w, the weights it ended with.
    cells : Cells or None
        Of a calibration, and of non-response by cells: `cells.cell` (n,) is the joint cell of each respondent (-1: not
        in the step, x = 0), `cells.matrix` the cells x columns matrix of x, `cells.names` its columns.
    asked, before, achieved : ndarray, shape (columns,)
        Totals of each column: the population's, with d, with w.
    iterations : int
    max_misfit : float
        Largest |achieved / asked - 1|.
    trimmed : ndarray of bool, shape (n,), or None
        Who is at a limit of the weight.
    responded : ndarray of bool, shape (n,), or None
        Of non-response: who answered.
    propensity : ndarray, shape (n,), or None
        Of non-response by propensity: fitted probabilities; the model's columns are `cells.matrix`.
    coefficients : ndarray or None
        Of a calibration: b of g = F(x'b). Of a propensity model: its coefficients.
    settings : mapping
        What was asked for: bounds, rules, sources.
    """

    kind: str
    method: str
    base: np.ndarray
    values: np.ndarray
    recipe: Recipe
    cells: Cells | None = None
    asked: np.ndarray | None = None
    before: np.ndarray | None = None
    achieved: np.ndarray | None = None
    iterations: int = 0
    max_misfit: float = 0.0
    trimmed: np.ndarray | None = None
    responded: np.ndarray | None = None
    propensity: np.ndarray | None = None
    coefficients: np.ndarray | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def g(self) -> np.ndarray:
        """Factors w / d; 1 where the base weight is zero."""
        return frozen(np.divide(self.values, self.base, out=np.ones(len(self.base)), where=self.base > 0))

    @cached_property
    def g_range(self) -> tuple[float, float]:
        """Smallest and largest factor of a respondent with a weight, before and after."""
        g = self.g[(self.base > 0) & (self.values > 0)]
        return (float(g.min()), float(g.max())) if len(g) else (np.nan, np.nan)

    @cached_property
    def design_effect(self) -> float:
        """Kish's 1 + CV^2 of the weights after the step."""
        return kish_design_effect(self.values)

    @cached_property
    def effective_n(self) -> float:
        """Respondents with a weight over Kish's design effect."""
        return float((self.values > 0).sum()) / self.design_effect

    @cached_property
    def trimmed_share(self) -> float:
        """Share of the respondents with a weight who are at a limit of it; 0 for a step without limits."""
        return 0.0 if self.trimmed is None else float(self.trimmed.sum() / max((self.values > 0).sum(), 1))

    @cached_property
    def matrix(self) -> Any:
        """The cells x columns matrix of a calibration, scipy CSR; None for other steps."""
        return None if self.cells is None else self.cells.matrix

    @property
    def is_calibration(self) -> bool:
        """Whether a variance may credit the step by residuals on its columns."""
        return self.kind == "calibrated"

    def margins(self) -> pd.DataFrame:
        """Return the margins asked and achieved: one row per column of the matrix.

        Returns
        -------
        DataFrame
            variable, category, asked, before, achieved, misfit (relative).
        """
        columns = ["variable", "category", "asked", "before", "achieved", "misfit"]
        if self.cells is None or self.asked is None or self.before is None or self.achieved is None:
            return pd.DataFrame(columns=columns)
        variables, categories = zip(*self.cells.names, strict=True)
        with np.errstate(divide="ignore", invalid="ignore"):
            misfit = np.where(self.asked == 0, self.achieved, self.achieved / self.asked - 1)
        out = [variables, categories, self.asked, self.before, self.achieved, misfit]
        return pd.DataFrame(dict(zip(columns, out, strict=True)))


@dataclass(frozen=True, eq=False)
class Weights:
    """Weights that remember how they were made; `numpy.asarray(weights)` gives the values.

    Attributes
    ----------
    values : ndarray, shape (n,)
        Finite; positive for everyone who had a positive base weight and answered. Cannot be written to.
    steps : tuple of Step
        In the order taken; the first is the base.
    index : pandas Index
        Of the frame the weights belong to.
    """

    values: np.ndarray
    steps: tuple[Step, ...]
    index: pd.Index

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        if dtype is None or np.dtype(dtype) == self.values.dtype:
            return self.values.copy() if copy else self.values
        return self.values.astype(dtype)

    def __len__(self) -> int:
        return len(self.values)

    def __repr__(self) -> str:
        path = " > ".join(s.kind if s.kind == s.method else f"{s.kind} ({s.method})" for s in self.steps)
        return f"Weights(n={len(self)}, {path}, effective_n={self.effective_n:.1f})"

    @property
    def base(self) -> np.ndarray:
        """The weights before the first step."""
        return self.steps[0].values

    @property
    def design_effect(self) -> float:
        """Kish's 1 + CV^2 of the weights."""
        return self.steps[-1].design_effect

    @property
    def effective_n(self) -> float:
        """Respondents with a weight over Kish's design effect."""
        return self.steps[-1].effective_n

    @property
    def calibrations(self) -> tuple[Step, ...]:
        """The steps a variance credits by residuals, in the order taken."""
        return tuple(s for s in self.steps if s.is_calibration)

    def series(self, name: str = "weight") -> pd.Series:
        """Return the weights as a column with the frame's index."""
        return pd.Series(self.values, index=self.index, name=name)

    def summary(self) -> pd.DataFrame:
        """Return a row per step.

        Returns
        -------
        DataFrame
            step (from 1), kind, method, respondents (with a positive weight), total, smallest, largest, g_min, g_max,
            design_effect, effective_n, trimmed_share, iterations, max_misfit.
        """
        rows = []
        for number, step in enumerate(self.steps, start=1):
            positive = step.values[step.values > 0]
            rows.append(
                {
                    "step": number,
                    "kind": step.kind,
                    "method": step.method,
                    "respondents": len(positive),
                    "total": float(positive.sum()),
                    "smallest": float(positive.min()),
                    "largest": float(positive.max()),
                    "g_min": step.g_range[0],
                    "g_max": step.g_range[1],
                    "design_effect": step.design_effect,
                    "effective_n": step.effective_n,
                    "trimmed_share": step.trimmed_share,
                    "iterations": step.iterations,
                    "max_misfit": step.max_misfit,
                }
            )
        return pd.DataFrame(rows)

    def margins(self) -> pd.DataFrame:
        """Return the margins of every calibration: the columns of `Step.margins` after `step`, its number."""
        parts = [s.margins().assign(step=i) for i, s in enumerate(self.steps, start=1) if s.is_calibration]
        columns = ["step", "variable", "category", "asked", "before", "achieved", "misfit"]
        return pd.concat(parts, ignore_index=True)[columns] if parts else pd.DataFrame(columns=columns)

    def redo(self, base: Any) -> "Weights":
        """Take every step again from other base weights, such as a replicate's.

        Parameters
        ----------
        base : array_like, shape (n,)
            In place of the weights before the first step; zero leaves a respondent out.

        Returns
        -------
        Weights
            Bit for bit the same weights when `base` is `self.base`.

        Raises
        ------
        WeightingError
            A step cannot be taken: a category has lost all its respondents, or bounds cannot be met.
        """
        return Weights((steps := self._again(usable(base, len(self)), warm=False))[-1].values, steps, self.index)

    def redo_many(self, bases: Any) -> np.ndarray:
        """Take every step again from each of many base weights.

        The search begins at this weight's coefficients, so replicates cost two or three iterations each. They equal
        `redo` to about 1e-10.

        Parameters
        ----------
        bases : array_like, shape (n, replicates)

        Returns
        -------
        ndarray, shape (n, replicates)

        Raises
        ------
        WeightingError
            A replicate cannot be weighted; the message names its number, from 1.
        """
        bases = np.asarray(bases)
        out = np.empty(bases.shape, order="F")
        if bases.ndim != 2 or len(bases) != len(self):
            raise WeightingError(f"base: got shape {bases.shape}; expected ({len(self)}, replicates).")
        for first in range(0, bases.shape[1], 16):
            block = np.asfortranarray(bases[:, first : first + 16])
            for r in range(block.shape[1]):
                try:
                    out[:, first + r] = self._again(usable(block[:, r], len(self)), warm=True)[-1].values
                except WeightingError as error:
                    raise WeightingError(f"replicate {first + r + 1}: {error}") from error
        return out

    def _again(self, base: np.ndarray, *, warm: bool) -> tuple[Step, ...]:
        steps: list[Step] = []
        for old in self.steps:
            before = steps[-1] if steps else None
            start = old.coefficients if warm else None
            steps.append(old.recipe.step(before.values if before else base, before, start))
        return tuple(steps)

    def then(self, recipe: Recipe) -> "Weights":
        """Take one more step."""
        step = recipe.step(self.values, self.steps[-1])
        return Weights(step.values, (*self.steps, step), self.index)


def usable(base: Any, n: int) -> np.ndarray:
    """Return base weights as an array, or say why they cannot be used."""
    values = np.asarray(base, dtype=float)
    if values.shape != (n,):
        raise WeightingError(f"base: got weights of shape {values.shape}; expected ({n},), one per respondent.")
    if values.min() >= 0 and 0 < values.sum() < np.inf:
        return values
    counts = {
        "missing": int(np.isnan(values).sum()),
        "infinite": int(np.isinf(values).sum()),
        "negative": int((values < 0).sum()),
    }
    if any(counts.values()):
        shown = ", ".join(f"{k} {what}" for what, k in counts.items() if k)
        raise WeightingError(f"base: {shown} weight(s) of {n}. Expected a finite weight of zero or more for everyone.")
    if not (values > 0).any():
        raise WeightingError(f"base: none of {n} weights is positive. Expected a positive weight for someone.")
    return values


@dataclass(frozen=True)
class Base:
    """The weights at the start."""

    method: str = "given"

    def step(self, base: np.ndarray, before: Step | None, start: np.ndarray | None = None) -> Step:
        """Take the weights as they are."""
        values = frozen(np.array(base, dtype=float))
        return Step("base", self.method, values, values, self, settings={"weights": self.method})


def begin(frame: pd.DataFrame, base: Any) -> Weights:
    """Return the weights to begin with: ones, a column, numbers, or weights already made."""
    if not isinstance(frame, pd.DataFrame):
        raise WeightingError(
            f"data: expected a pandas DataFrame, got {type(frame).__name__}. Convert it first: "
            "pandas.DataFrame(...), or .to_pandas() of another library's frame."
        )
    if isinstance(base, Weights):
        if len(base) != len(frame):
            raise WeightingError(f"base: got {len(base)} weights for {len(frame)} respondents. Expected one for each.")
        return base
    if not len(frame):
        raise WeightingError("data: there is no respondent. Expected at least one row.")
    if base is None:
        recipe = Base("equal")
        values = np.ones(len(frame))
    elif isinstance(base, str):
        if base not in frame:
            raise WeightingError(f'base: the data have no column "{base}". Got {listed(list(frame.columns))}.')
        recipe = Base(base)
        values = pd.to_numeric(frame[base], errors="coerce").to_numpy(dtype="float64", na_value=np.nan)
    else:
        recipe = Base()
        values = np.asarray(base, dtype=float)
    step = recipe.step(usable(values, len(frame)), None)
    return Weights(step.values, (step,), frame.index)


@dataclass(frozen=True)
class Scale:
    """Multiply all weights by one number, so that they sum to `total`."""

    total: float

    def step(self, base: np.ndarray, before: Step | None, start: np.ndarray | None = None) -> Step:
        """Scale the weights."""
        factor = self.total / base.sum()
        settings = {"total": self.total, "factor": factor}
        return Step("scaled", "scaled", base, frozen(base * factor), self, settings=settings)


@dataclass(frozen=True, eq=False)
class Calibrate:
    """Meet margins: linear, raking, logit, truncated linear or post-stratification, on cells."""

    cells: Cells
    population: np.ndarray
    method: str
    label: str = "margins"
    bounds: Bounds | None = None
    weight_bounds: Bounds | None = None
    limits_of_trim: bool = False
    settings: Mapping[str, Any] = field(default_factory=dict)

    def step(self, base: np.ndarray, before: Step | None, start: np.ndarray | None = None) -> Step:
        """Find the factors; anything but a solution is an error."""
        limits = self.weight_bounds
        if self.limits_of_trim and before is not None:
            limits = before.settings["limits"]
        cells, clip = self.cells, None
        if not cells.inside and bool((base[cells.cell < 0] > 0).any()):
            raise WeightingError(
                f"{self.label}: a respondent without a weight at first has one now, and no category. Expected base "
                "weights that are zero where the first ones were."
            )
        if limits is None:
            sums = cells.sums(base)
        else:
            cells, each = cells.split(base)
            sums = cells.sums(base)
            with np.errstate(divide="ignore", invalid="ignore"):
                clip = (
                    np.where(each > 0, limits[0] / each, 0.0),
                    np.where(each > 0, limits[1] / each, np.inf),
                )
        self._check_not_empty(cells, sums)
        found = self._search(cells, sums, clip, start)
        worst = float(found.misfit.max()) if len(found.misfit) else 0.0
        if not worst <= TOLERANCE:
            raise WeightingError(self._why(cells, sums, found, clip))
        if not found.factors.min() > NOTHING:
            self._check_positive(cells, sums, found, base, clip)
        values = base * cells.spread(found.factors)
        trimmed = None
        if limits is not None:
            # Exactly the bound, not a rounding of base * (bound / base).
            low, high = found.factors <= clip[0], found.factors >= clip[1]  # type: ignore[index]
            inside = (cells.cell >= 0) & (base > 0)
            low, high = (np.where(inside, x[cells.cell], False) for x in (low, high))
            values = np.where(low, limits[0], np.where(high, limits[1], values))
            trimmed = low | high
        bad = 0
        if not (values.min() > 0 and np.isfinite(values.sum())):
            bad = int((~np.isfinite(values) | ((values <= 0) & (base > 0))).sum())
        if bad:
            raise WeightingError(
                f"{self.label}: {bad} respondent(s) would get "
                "a weight that is not positive and finite. Collapse thin categories, or use bounds with a lower bound "
                "above zero."
            )
        return Step(
            "calibrated",
            self.method,
            base,
            frozen(values),
            self,
            cells=self.cells,
            asked=self.population,
            before=cells.totals(sums),
            achieved=found.achieved,
            iterations=found.iterations,
            max_misfit=worst,
            trimmed=trimmed,
            coefficients=found.coefficients,
            settings={
                **self.settings,
                "margins": self.label,
                "bounds": self.bounds,
                "weight_bounds": limits,
            },
        )

    def _check_not_empty(self, cells: Cells, sums: np.ndarray) -> None:
        count = sum(cells.sizes)
        lost = cells.totals(sums)[:count] <= 0
        if lost.any():
            names = [n for n, x in zip(cells.describe(), lost, strict=False) if x]
            raise WeightingError(
                f"{self.label}: no respondent with a weight in {', '.join(names[:5])}"
                f"{'' if len(names) <= 5 else f' and {len(names) - 5} more'}. Collapse it with a neighbouring category."
            )

    def _search(
        self, cells: Cells, sums: np.ndarray, clip: tuple[np.ndarray, np.ndarray] | None, start: np.ndarray | None
    ) -> Solution:
        if self.method == "poststratified" and clip is None:
            g = (self.population / cells.totals(sums))[cells.codes[0]]
            achieved = cells.totals(sums * g)
            return Solution(g, np.log(self.population), achieved, np.abs(achieved / self.population - 1), 1)
        if clip is not None and bool((clip[0] > clip[1]).any()):
            raise WeightingError(f"weight_bounds: the lower bound is above the upper. Got {self.weight_bounds}.")
        method = "raking" if self.method == "poststratified" else self.method
        shape = curve(method, self.bounds, clip)
        # Raking first is quick and cannot overshoot; with totals of numbers or clipping Newton starts from the base.
        plain = method == "raking" and clip is None and not cells.numeric.shape[1]
        sweeps = SWEEPS if plain and start is None else 0
        found = solve(cells, sums, self.population, shape, start=start, sweeps=sweeps)
        if start is not None and not found.misfit.max() <= TOLERANCE:
            return self._search(cells, sums, clip, None)
        return found

    def _why(self, cells: Cells, sums: np.ndarray, found: Solution, clip: tuple[np.ndarray, np.ndarray] | None) -> str:
        misfit = np.where(np.isfinite(found.misfit), found.misfit, np.inf)
        if clip is not None:
            return explain(cells, sums, self.population, misfit, clip, label=self.label, on="weights")
        return explain(cells, sums, self.population, misfit, self.bounds, label=self.label)

    def _check_positive(
        self,
        cells: Cells,
        sums: np.ndarray,
        found: Solution,
        base: np.ndarray,
        clip: tuple[np.ndarray, np.ndarray] | None,
    ) -> None:
        bad = (found.factors <= NOTHING) & (sums > 0)
        if clip is not None:
            bad &= clip[0] <= 0
        if not bad.any():
            return
        if self.method == "linear" and clip is None:
            count = int((cells.spread(bad.astype(float)) * (cells.cell >= 0) * (base > 0)).sum())
            raise WeightingError(
                f"{self.label}: linear calibration gives {count} respondent(s) a weight of zero or less (smallest "
                f'factor {found.factors.min():.3g}). Use method="raking", or "logit" or "truncated_linear" with bounds '
                "such as (0.1, 10)."
            )
        count = int((cells.spread(bad.astype(float)) * (cells.cell >= 0) * (base > 0)).sum())
        raise WeightingError(
            f"{self.label}: the margins leave {count} respondent(s) no weight to speak of (a factor of {NOTHING:g} or "
            f"less): those who are at once {listed(list(dict.fromkeys(self._of_cells(cells, bad))))}. Collapse "
            "categories, drop a margin, or use bounds with a lower bound above zero."
        )

    @staticmethod
    def _of_cells(cells: Cells, chosen: np.ndarray) -> Iterator[str]:
        """Name the combinations of categories of some cells."""
        names = list(cells.describe())
        for at in np.flatnonzero(chosen):
            yield " and ".join(names[start + code[at]] for start, code in zip(cells.starts, cells.codes, strict=True))


@dataclass(frozen=True, eq=False)
class Trim:
    """Cut weights at limits and give what was cut to the others; the total stays."""

    lower: float | None = None
    upper: float | None = None
    rule: tuple[str, float] | None = None
    redistribute: str = "equal"

    def limits(self, base: np.ndarray) -> Bounds:
        """Return the limits for these weights: as given, or by the rule."""
        upper = np.inf if self.upper is None else self.upper
        if self.rule is not None:
            name, k = self.rule
            positive = base[base > 0]
            quarter, median, three = np.quantile(positive, [0.25, 0.5, 0.75])
            upper = median + k * (three - quarter) if name == "iqr" else k * median
        return (0.0 if self.lower is None else self.lower), float(upper)

    def step(self, base: np.ndarray, before: Step | None, start: np.ndarray | None = None) -> Step:
        """Cut and share out, until nobody is outside."""
        low, high = self.limits(base)
        live = base > 0
        n, total = int(live.sum()), float(base.sum())
        if low > high or (n * high < total * (1 - 1e-12)) or n * low > total * (1 + 1e-12):
            raise WeightingError(
                f"trim: weights between {low:g} and {high:g} cannot sum to {total:.6g} over {n} respondents, whose "
                f"mean weight is {total / n:.6g}. Expected lower <= mean <= upper."
            )
        values = base.copy()
        held = ~live
        rounds = 0
        while True:
            below, above = ~held & (values < low), ~held & (values > high)
            if not (below.any() or above.any()):
                break
            rounds += 1
            values = np.where(below, low, np.where(above, high, values))
            held |= below | above
            free = ~held
            spare = total - values.sum()
            if not free.any():
                # Everybody is at a limit: those at the other end of where the total must go can still move.
                free = live & (values < high if spare > 0 else values > low)
                held = ~free
                if not free.any():
                    break
            if self.redistribute == "equal":
                values = np.where(free, values + spare / free.sum(), values)
            else:
                values = np.where(free, values * (1 + spare / values[free].sum()), values)
        if abs(values.sum() / total - 1) > TOLERANCE:
            raise WeightingError(
                f"trim: after cutting at {low:g} and {high:g} nobody is left to take what was cut. Widen the limits."
            )
        trimmed = held & live
        return Step(
            "trimmed",
            self.redistribute,
            base,
            frozen(values),
            self,
            iterations=rounds,
            trimmed=trimmed,
            settings={
                "limits": (low, high),
                "rule": self.rule,
                "redistribute": self.redistribute,
                "share_of_weight_moved": float(np.abs(values - base).sum() / 2 / total),
            },
        )


@dataclass(frozen=True, eq=False)
class Factor:
    """Multiply each respondent's weight by a number settled beforehand (pooling)."""

    factors: np.ndarray
    kind: str = "pooled"
    method: str = "effective_n"
    settings: Mapping[str, Any] = field(default_factory=dict)

    def step(self, base: np.ndarray, before: Step | None, start: np.ndarray | None = None) -> Step:
        """Multiply."""
        return Step(self.kind, self.method, base, frozen(base * self.factors), self, settings=self.settings)


@dataclass(frozen=True, eq=False)
class Within:
    """A step of one wave, among the stacked waves of a pool: the other rows keep their weights."""

    recipe: Recipe
    rows: slice
    n: int

    def step(self, base: np.ndarray, before: Step | None, start: np.ndarray | None = None) -> Step:
        """Take the wave's step and put it among the rows of the pool."""
        inner = None
        if before is not None:
            inner = replace(before, values=before.values[self.rows], base=before.base[self.rows])
        step = self.recipe.step(base[self.rows], inner, start)
        return self.placed(step, base)

    def placed(self, step: Step, base: np.ndarray) -> Step:
        """Spread a step of the wave over all rows: factor 1 and x = 0 outside."""
        values = np.asarray(base, float).copy()
        values[self.rows] = step.values

        def over(part: np.ndarray | None, fill: float) -> np.ndarray | None:
            if part is None:
                return None
            out = np.full((self.n, *part.shape[1:]), fill, dtype=part.dtype)
            out[self.rows] = part
            return out

        cells = step.cells
        if cells is not None:
            cell = np.full(self.n, -1, dtype=np.intp)
            cell[self.rows] = cells.cell
            cells = replace(cells, cell=cell)
        return replace(
            step,
            base=frozen(base),
            values=frozen(values),
            recipe=self,
            cells=cells,
            trimmed=over(step.trimmed, False),
            responded=over(step.responded, True),
            propensity=over(step.propensity, 1.0),
        )
