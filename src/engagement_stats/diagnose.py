"""Say what weighting will meet, before it is done: thin cells, distance from the population, bounds.

Belongs here: the frame of a diagnosis and its sentences.
Not here: weighting (weight), margins and cells (margins), the check of bounds itself (calibration).
Methods: docs/weighting.md#diagnosis
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from engagement_stats.calibration import Bounds, check_method
from engagement_stats.errors import WeightingError, listed
from engagement_stats.margins import CROSS, LEVEL_SEPARATOR, Margins, factorise, lay_out
from engagement_stats.steps import Calibrate, begin

THIN = 30
"""Fewer respondents than this in a category make its factor unsteady."""


@dataclass(frozen=True, eq=False)
class Diagnosis:
    """What weighting will meet.

    `table` has one row per category of the margins: variable, category, population, respondents, population_share,
    sample_share, difference (standardised), ratio (population over sample share, the factor if the margin stood
    alone), after_share and after_difference (with the weights given), flag ("", "thin", "empty" or "no population").
    `pull` has one row per margin: pull (Kish's design effect of post-stratifying to it alone) and distance
    (chi-squared distance of the sample from it). `sentences` say it in words. `ready` is whether the margins fit the
    data.
    """

    table: pd.DataFrame
    pull: pd.DataFrame
    sentences: tuple[str, ...]
    ready: bool

    def __str__(self) -> str:
        return "\n".join(self.sentences)


def _rows(frame: pd.DataFrame, margins: Margins, weights: np.ndarray) -> dict[str, tuple[np.ndarray, list[str], int]]:
    """Give each margin's category of every respondent (crossed where asked), and the count without one."""
    out = {}
    live = weights > 0
    for variable in margins.parts:
        code = np.zeros(len(frame), dtype=np.intp)
        labels = [""]
        lost = np.zeros(len(frame), dtype=bool)
        for name in variable.split(CROSS):
            if name not in frame:
                raise WeightingError(
                    f'{margins.label}: the data have no column "{name}", which a margin needs. Got '
                    f"{listed(list(frame.columns))}."
                )
            one, levels = factorise(frame[name])
            lost |= one < 0
            code = code * len(levels) + np.maximum(one, 0)
            labels = [f"{a}{LEVEL_SEPARATOR}{b}" if a else b for a in labels for b in levels]
        out[variable] = (np.where(lost, -1, code), labels, int((lost & live).sum()))
    return out


def _difference(sample: np.ndarray, population: np.ndarray) -> np.ndarray:
    """Difference of shares over the population's standard deviation of belonging."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(population > 0, (sample - population) / np.sqrt(population * (1 - population)), np.nan)


def diagnose(
    frame: pd.DataFrame,
    margins: Any,
    base: Any = None,
    *,
    weights: Any = None,
    bounds: Bounds | None = None,
    thin: int = THIN,
    rescale: bool = True,
) -> Diagnosis:
    """Say how far a sample is from its margins, and what weighting will meet.

    Parameters
    ----------
    frame : DataFrame, shape (n respondents, any)
        Holds every variable of the margins. Not modified.
    margins : DataFrame, Margins, mapping or margins of the catalogue
        See `Margins.of`.
    base : str, array_like of shape (n,), or Weights, optional
        Base weights; equal when not given.
    weights : Weights or array_like, shape (n,), optional
        Weights made, for the differences that remain.
    bounds : (float, float), optional
        Bounds on the factors that are meant to be used; whether they can be met is said.
    thin : int, default 30
        Categories with fewer respondents are flagged.
    rescale : bool, default True
        Totals that differ by rounding are no obstacle to a diagnosis; they are said.

    Returns
    -------
    Diagnosis

    Raises
    ------
    WeightingError
        A margin's column is not in the data, or the margins contradict each other.

    Notes
    -----
    Source: Kish (1992) for the pull of a margin; Cohen (1988) and Austin (2009) for standardised differences, of which
    those above 0.1 are called large.
    Verified: by hand, tests/test_weight_diagnose.py.

    Examples
    --------
    >>> people = pd.DataFrame({"sex": ["F"] * 60 + ["M"] * 40})
    >>> found = diagnose(people, {"sex": {"F": 50, "M": 50}})
    >>> found.table[["category", "difference"]].round(3).values.tolist()
    [['F', 0.2], ['M', -0.2]]
    """
    known = Margins.of(margins, rescale=rescale)
    start = begin(frame, base).values
    after = None if weights is None else np.asarray(weights, dtype=float)
    if after is not None and after.shape != start.shape:
        raise WeightingError(f"weights: got {len(after)} for {len(frame)} respondents. Expected one for each.")
    tables, pulls = [], []
    said: list[str] = []
    if known.rescaled:
        said.append(
            f"The totals of {listed(list(known.rescaled))} differ from the first margin's by rounding and were "
            "scaled to it. Weighting does that only with rescale=True."
        )
    unready = 0
    for variable, (code, labels, missing) in _rows(frame, known, start).items():
        table = _one_margin(variable, known.parts[variable], code, labels, start, after, thin)
        tables.append(table)
        pulls.append(_pull(variable, table))
        if missing:
            unready += missing
            said.append(f"{missing} respondent(s) have no category in {variable}. Weighting stops until they have one.")
        said += _about(variable, table, thin)
    table, pull = pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(), pd.DataFrame(pulls)
    ready = not unready and not len(table[table["flag"].isin(["empty", "no population"])])
    said += _overall(table, pull, after is not None)
    if bounds is not None and ready:
        said.append(_bounds(frame, known, start, bounds))
    return Diagnosis(table, pull, tuple(said), ready)


def _one_margin(
    variable: str,
    known: tuple[list[str], np.ndarray],
    code: np.ndarray,
    labels: list[str],
    start: np.ndarray,
    after: np.ndarray | None,
    thin: int,
) -> pd.DataFrame:
    wanted, population = known
    there = code >= 0
    size = len(labels)
    count = np.bincount(code[there & (start > 0)], minlength=size)
    place = {x: i for i, x in enumerate(labels)}
    names = [*wanted, *(x for i, x in enumerate(labels) if count[i] and x not in set(wanted))]
    at = np.array([place.get(x, -1) for x in names])

    def of(values: np.ndarray) -> np.ndarray:
        by = np.append(np.bincount(code[there], values[there], size), 0.0)
        return by[at] / by.sum()

    people = np.append(count, 0)[at]
    people_population = np.concatenate([population, np.zeros(len(names) - len(wanted))])
    share = people_population / population.sum()
    sample = of(start)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(sample > 0, share / sample, np.nan)
    flag = np.where(
        people == 0, "empty", np.where(people_population == 0, "no population", np.where(people < thin, "thin", ""))
    )
    later = np.full(len(names), np.nan) if after is None else of(after)
    return pd.DataFrame(
        {
            "variable": variable,
            "category": names,
            "population": people_population,
            "respondents": people,
            "population_share": share,
            "sample_share": sample,
            "difference": _difference(sample, share),
            "ratio": ratio,
            "after_share": later,
            "after_difference": _difference(later, share) if after is not None else later,
            "flag": flag,
        }
    )


def _pull(variable: str, table: pd.DataFrame) -> dict[str, Any]:
    """Weigh a margin: the design effect of post-stratifying to it alone, and its distance from the sample."""
    p, s = table["population_share"].to_numpy(), table["sample_share"].to_numpy()
    both = (p > 0) & (s > 0)
    return {
        "variable": variable,
        "pull": float((p[both] ** 2 / s[both]).sum() * s[both].sum() / p[both].sum() ** 2) if both.any() else np.nan,
        "distance": float(((s[both] - p[both]) ** 2 / p[both]).sum()),
        "largest_difference": float(np.nanmax(np.abs(table["difference"]))),
    }


def _about(variable: str, table: pd.DataFrame, thin: int) -> list[str]:
    said = []
    for flag, words in (
        ("empty", "has population but no respondent in {}. Collapse with a neighbouring category."),
        ("no population", "has respondents but no population in {}. Add the population or recode the data."),
        ("thin", f"has fewer than {thin} respondents in {{}}. The factors there are unsteady; consider collapsing."),
    ):
        names = table.loc[table["flag"] == flag, "category"].tolist()
        if names:
            said.append(f"{variable} {words.format(listed(names))}")
    return said


def _overall(table: pd.DataFrame, pull: pd.DataFrame, after: bool) -> list[str]:
    if table.empty:
        return []
    said = []
    if (table["difference"].abs() > 1e-9).any():
        worst = table.loc[table["difference"].abs().round(9).idxmax()]
        way = "over" if worst["difference"] > 0 else "under"
        said.append(
            f'Furthest from the population: {worst["variable"]} "{worst["category"]}", {way}represented, '
            f"{worst['sample_share']:.1%} of the sample and {worst['population_share']:.1%} of the population "
            f"(standardised difference {worst['difference']:+.2f})."
        )
        # A margin none of whose categories has a respondent has no pull.
        if pull["pull"].notna().any():
            most = pull.loc[pull["pull"].idxmax()]
            said.append(
                f"{most['variable']} pulls the weights the most: alone it would give a design effect of "
                f"{most['pull']:.2f}."
            )
    else:
        said.append("The sample agrees with every margin already.")
    if after:
        left = table["after_difference"].abs().max()
        said.append(f"With the weights given the largest standardised difference is {left:.2g}.")
    return said


def _bounds(frame: pd.DataFrame, margins: Margins, start: np.ndarray, bounds: Sequence[float]) -> str:
    try:
        limits = check_method("truncated_linear", (bounds[0], bounds[1]))
        cells, population = lay_out(frame, margins, start)
        scaled = start * ((margins.population or start.sum()) / start.sum())
        Calibrate(cells, population, "truncated_linear", margins.label, limits).step(scaled, None)
    except WeightingError as error:
        return str(error)
    return f"Factors between {bounds[0]:g} and {bounds[1]:g} meet the margins."
