"""Move the weight of those who did not answer to those who did.

Belongs here: adjustment by cells, and by a model of the propensity to answer.
Not here: calibration to population margins (calibration), the public call (weight), variances.
Methods: docs/weighting.md#non-response
"""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from engagement_stats.errors import WeightingError, listed
from engagement_stats.margins import LEVEL_SEPARATOR, Cells, factorise, joint
from engagement_stats.steps import Step, frozen


def answered(frame: pd.DataFrame, column: str) -> np.ndarray:
    """Read who answered: a column of booleans, or of 0 and 1.

    Raises
    ------
    WeightingError
        The column is not there, has other values or gaps, or nobody answered.
    """
    if column not in frame:
        raise WeightingError(f'responded: the data have no column "{column}". Got {listed(list(frame.columns))}.')
    values = pd.to_numeric(frame[column], errors="coerce").to_numpy(dtype="float64", na_value=np.nan)
    bad = int((~np.isin(values, (0.0, 1.0))).sum())
    if bad:
        raise WeightingError(f"responded: {bad} row(s) of {column} are neither 0 nor 1 (or true or false).")
    out = values == 1
    if not out.any():
        raise WeightingError(f"responded: nobody in {column} answered. Expected some respondents.")
    return out


def crossed(frame: pd.DataFrame, columns: Sequence[str], live: np.ndarray) -> tuple[Cells, list[list[str]]]:
    """Cross columns into one margin of the joint cells that occur; also return the categories of each cell."""
    if not columns:
        raise WeightingError("cells: no column is named. Expected at least one that is known for all, answered or not.")
    codes, levels = [], []
    for name in columns:
        if name not in frame:
            raise WeightingError(f'cells: the data have no column "{name}". Got {listed(list(frame.columns))}.')
        code, names = factorise(frame[name])
        missing = int(((code < 0) & live).sum())
        if missing:
            raise WeightingError(
                f"cells: {missing} row(s) with a weight have no category in {name}. Expected it for all, answered or "
                "not. Give them a category of their own."
            )
        codes.append(code)
        levels.append(names)
    rows = np.flatnonzero(live)
    sizes = [len(x) for x in levels]
    cell, present = joint([c[rows] for c in codes], sizes, len(rows))
    digits = np.unravel_index(present, tuple(sizes))
    categories = [[names[i] for i in digit] for names, digit in zip(levels, digits, strict=True)]
    labels = [LEVEL_SEPARATOR.join(parts) for parts in zip(*categories, strict=True)]
    full = np.full(len(frame), -1, dtype=np.intp)
    full[rows] = cell
    variable = "*".join(columns)
    size = len(present)
    names_ = tuple((variable, x) for x in labels)
    return Cells(full, names_, (np.arange(size),), (size,), np.zeros((size, 0)), size), categories


@dataclass(frozen=True, eq=False)
class ByCells:
    """Multiply respondents by the weight of all in their cell over the weight of those who answered."""

    cells: Cells
    responded: np.ndarray
    settings: dict[str, Any] = field(default_factory=dict)

    def step(self, base: np.ndarray, before: Step | None, start: np.ndarray | None = None) -> Step:
        """Move the weight within cells."""
        everyone = self.cells.sums(base)
        those = self.cells.sums(base * self.responded)
        lost = (everyone > 0) & (those <= 0)
        if lost.any():
            names = [f'"{c}"' for (_, c), x in zip(self.cells.names, lost, strict=True) if x]
            raise WeightingError(
                f"non-response: nobody answered in {len(names)} cell(s) of {self.cells.names[0][0]}: {listed(names)}. "
                "Collapse each with a neighbouring cell, or cross fewer variables."
            )
        factor = np.divide(everyone, those, out=np.ones(len(those)), where=those > 0)
        values = base * self.responded * self.cells.spread(factor)
        achieved = self.cells.sums(values)
        with np.errstate(invalid="ignore"):
            misfit = np.where(everyone > 0, np.abs(achieved / everyone - 1), 0.0)
        return Step(
            "nonresponse",
            "cells",
            base,
            frozen(values),
            self,
            cells=self.cells,
            asked=everyone,
            before=those,
            achieved=achieved,
            iterations=1,
            max_misfit=float(misfit.max()),
            responded=self.responded,
            settings=self.settings,
        )


@dataclass(frozen=True, eq=False)
class ByPropensity:
    """Divide by the modelled probability of answering, or adjust within classes of it.

    The model is a logistic regression on the columns of `cells.matrix`, weighted by the base weights.
    """

    cells: Cells
    responded: np.ndarray
    classes: int | None = None
    settings: dict[str, Any] = field(default_factory=dict)

    def step(self, base: np.ndarray, before: Step | None, start: np.ndarray | None = None) -> Step:
        """Fit the model and divide by what it gives."""
        everyone = self.cells.sums(base)
        those = self.cells.sums(base * self.responded)
        coefficients, iterations = self._fit(everyone, those)
        chance = 1 / (1 + np.exp(-(self.cells.numeric @ coefficients)))
        if self.classes is not None:
            return self._within_classes(base, everyone, chance, coefficients, iterations)
        values = np.where(self.responded, base / self.cells.spread(chance), 0.0)
        return self._made(base, values, chance, coefficients, iterations, {})

    def _made(
        self,
        base: np.ndarray,
        values: np.ndarray,
        chance: np.ndarray,
        coefficients: np.ndarray,
        iterations: int,
        settings: dict[str, Any],
    ) -> Step:
        if not np.isfinite(values).all():
            raise WeightingError("non-response: a probability of answering is zero. Use fewer or broader categories.")
        return Step(
            "nonresponse",
            "propensity" if self.classes is None else "propensity_classes",
            base,
            frozen(values),
            self,
            cells=self.cells,
            iterations=iterations,
            responded=self.responded,
            propensity=frozen(self.cells.spread(chance)),
            coefficients=coefficients,
            settings={**self.settings, **settings},
        )

    def _within_classes(
        self, base: np.ndarray, everyone: np.ndarray, chance: np.ndarray, coefficients: np.ndarray, iterations: int
    ) -> Step:
        order = np.argsort(chance, kind="stable")
        share = np.cumsum(everyone[order]) - everyone[order] / 2
        group = np.empty(len(chance), dtype=np.intp)
        group[order] = np.minimum(
            (share / everyone.sum() * int(self.classes or 1)).astype(np.intp), int(self.classes or 1) - 1
        )
        # Cells of one probability stay together.
        _, first = np.unique(chance, return_inverse=True)
        lowest = np.full(first.max() + 1, np.iinfo(np.intp).max)
        np.minimum.at(lowest, first, group)
        group = lowest[first]
        _, group = np.unique(group, return_inverse=True)
        cell = np.where(self.cells.cell >= 0, group[self.cells.cell], -1)
        count = int(group.max()) + 1
        names = tuple(("class of propensity", str(k + 1)) for k in range(count))
        classes = Cells(cell, names, (np.arange(count),), (count,), np.zeros((count, 0)), count)
        inner = ByCells(classes, self.responded).step(base, None)
        return self._made(base, inner.values, chance, coefficients, iterations, {"classes_made": count, "class": cell})

    def _fit(self, everyone: np.ndarray, those: np.ndarray) -> tuple[np.ndarray, int]:
        # Not imported before it is needed: statsmodels takes longer to import than most commands run.
        from statsmodels.genmod import families
        from statsmodels.genmod.generalized_linear_model import GLM
        from statsmodels.tools.sm_exceptions import PerfectSeparationError

        live = everyone > 0
        x, size = self.cells.numeric[live], everyone[live] * (live.sum() / everyone.sum())
        share = those[live] / everyone[live]
        if not 0 < those.sum() < everyone.sum():
            return np.concatenate([[37.0], np.zeros(x.shape[1] - 1)]), 0
        try:
            with warnings.catch_warnings(), np.errstate(all="ignore"):
                warnings.simplefilter("ignore")
                fit = GLM(share, x, family=families.Binomial(), var_weights=size).fit(tol=1e-13, maxiter=100)
        except (PerfectSeparationError, np.linalg.LinAlgError, ValueError) as error:
            raise WeightingError(self._not_fitted()) from error
        b = np.asarray(fit.params)
        with np.errstate(over="ignore"):
            gap = x.T @ (size * (share - 1 / (1 + np.exp(-(x @ b)))))
        settled = np.abs(gap) <= 1e-8 * (np.abs(x).T @ size)
        if not np.isfinite(b).all() or not settled.all() or np.abs(b).max() > 25:
            raise WeightingError(self._not_fitted())
        return b, int(fit.fit_history["iteration"])

    def _not_fitted(self) -> str:
        return (
            "non-response: the model of answering has no finite solution. In some category everybody or nobody "
            "answered. Collapse thin categories, or use adjust_cells."
        )


def model_cells(frame: pd.DataFrame, columns: Sequence[str], live: np.ndarray) -> Cells:
    """Lay rows out on the distinct rows of a model: an intercept, dummies of categories, and numbers as they are."""
    numbers = [
        c for c in columns
        if c in frame and pd.api.types.is_numeric_dtype(frame[c]) and not pd.api.types.is_bool_dtype(frame[c])
    ]  # fmt: skip
    rounds, categories = crossed(frame, columns, live)
    names: list[tuple[str, str | None]] = [("(intercept)", None)]
    made = [np.ones(rounds.size)]
    for name, category in zip(columns, categories, strict=True):
        values = np.array(category, dtype=object)
        if name in numbers:
            value = values.astype(float)
            centre, spread = value.mean(), value.std() or 1.0
            made.append((value - centre) / spread)
            names.append((name, None))
            continue
        for level in sorted(set(category))[1:]:
            made.append((values == level).astype(float))
            names.append((name, level))
    matrix = np.column_stack(made)
    return Cells(rounds.cell, tuple(names), (), (), matrix, rounds.size)
