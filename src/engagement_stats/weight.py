"""Turn base weights into analysis weights that meet known margins, and say how they were made and how uneven they are.

Belongs here: the public calls of weighting, and checking weights a producer supplied.
Not here: margins and cells (margins), the search for factors (calibration), what a weight remembers (steps),
non-response (nonresponse), diagnosis (diagnose), variances (uncertainty), which weight an indicator uses (catalogue).
Methods: docs/weighting.md
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from engagement_stats.calibration import Bounds, check_method
from engagement_stats.codes import as_codes
from engagement_stats.diagnose import Diagnosis, diagnose
from engagement_stats.errors import WeightingError, listed
from engagement_stats.margins import Margins, lay_out
from engagement_stats.nonresponse import ByCells, ByPropensity, answered, crossed, model_cells
from engagement_stats.recover import recovered
from engagement_stats.steps import Base, Calibrate, Factor, Scale, Step, Trim, Weights, Within, begin, frozen
from engagement_stats.uncertainty import kish_design_effect

__all__ = [
    "Diagnosis",
    "Margins",
    "Step",
    "WeightSummary",
    "Weights",
    "adjust_cells",
    "adjust_propensity",
    "by_method",
    "calibrate",
    "diagnose",
    "pool",
    "poststratify",
    "rake",
    "recovered",
    "summarise",
    "supplied",
    "trim",
]

# A respondent above both is a slip of the file or a weight of another kind; no sample is so uneven by design.
DOMINANT_SHARE, DOMINANT_MEDIANS = 0.1, 20


@dataclass(frozen=True, slots=True)
class WeightSummary:
    """How uneven a weight is. `design_effect` is Kish's 1 + CV²; `effective_base` is n over it."""

    respondents: int
    zero: int
    total: float
    smallest: float
    largest: float
    design_effect: float
    effective_base: float


def summarise(weights: np.ndarray) -> WeightSummary:
    """Summarise the unevenness of weights.

    Parameters
    ----------
    weights : ndarray, shape (n,)
        Finite, not negative, not all zero.

    Returns
    -------
    WeightSummary

    Notes
    -----
    Source: Kish (1965, 1992), n sum(w²) / (sum w)², over respondents of positive weight.
    Verified: by hand, rtol 1e-12, and R survey 4.5 reference case F13.kish, rtol 1e-9, tests/test_weight.py.

    Examples
    --------
    >>> summarise(np.array([1.0, 1.0, 2.0, 0.0])).design_effect
    1.125
    """
    positive = weights[weights > 0]
    effect = kish_design_effect(positive)
    return WeightSummary(
        respondents=len(weights),
        zero=int((weights == 0).sum()),
        total=float(positive.sum()),
        smallest=float(positive.min()),
        largest=float(positive.max()),
        design_effect=effect,
        effective_base=len(positive) / effect,
    )


def supplied(
    raw: pd.DataFrame, wave_id: str, weights: Mapping[str, str], *, partial: Collection[str] = ()
) -> pd.DataFrame:
    """Check the weights a producer supplied with a wave.

    Parameters
    ----------
    raw : DataFrame, shape (n respondents, deposited columns)
        Holds every column named in `weights`. Not modified.
    wave_id : str
        Named in errors.
    weights : mapping of str to str
        The wave's name of a weight to its deposited column.
    partial : collection of str, optional
        Weights that only part of the respondents have, such as those who answered online; nobody else needs one.

    Returns
    -------
    DataFrame, shape (n respondents, weights)
        float64, as supplied: nothing is rescaled. Of a partial weight, 0 for whoever has none.

    Raises
    ------
    WeightingError
        A weight is missing, not a number, not finite or negative, all are zero, or a few respondents carry the wave;
        names column, rule and count.
    """
    checked = {}
    problems = []
    for name, column in weights.items():
        where = f"{wave_id} {column} (waves/{wave_id}.yaml, design.weights.{name})"
        codes = as_codes(raw[column])
        values = pd.to_numeric(codes, errors="coerce").to_numpy(dtype="float64")
        empty = int((codes == "").sum())
        text = int(np.isnan(values).sum()) - empty
        if name in partial:
            values, empty = np.where((codes == "").to_numpy(), 0.0, values), 0
        found = {
            "have no weight": empty,
            "have a weight that is not a number": text,
            "have an infinite weight": int(np.isinf(values).sum()),
            "have a negative weight": int((values < 0).sum()),
        }
        problems += [f"{where}: {count} respondent(s) {what}." for what, count in found.items() if count]
        if len(values) and not any(found.values()) and not (values > 0).any():
            problems.append(f"{where}: every weight is zero.")
        if dominant := 0 if any(found.values()) else _dominant(values):
            problems.append(
                f"{where}: {dominant} respondent(s) carry more than {DOMINANT_SHARE:.0%} of all weight each, at over "
                f"{DOMINANT_MEDIANS} times the median weight."
            )
        checked[name] = values
    if problems:
        problems[-1] += " Expected a finite weight of zero or more for everyone. Deposit the producer's file again."
        raise WeightingError("\n".join(problems))
    return pd.DataFrame(checked, index=raw.index)


def _dominant(values: np.ndarray) -> int:
    """Count the respondents whose weight makes the estimates theirs alone: a slip, not a sampling weight."""
    positive = values[values > 0]
    if len(positive) == 0:
        return 0
    heavy = (positive > DOMINANT_SHARE * positive.sum()) & (positive > DOMINANT_MEDIANS * np.median(positive))
    return int(heavy.sum())


def _calibrated(
    frame: pd.DataFrame,
    margins: Any,
    base: Any,
    method: str,
    bounds: Bounds | None,
    weight_bounds: Bounds | None,
    rescale: bool,
) -> Weights:
    known = Margins.of(margins, rescale=rescale)
    weights = begin(frame, base)
    if weight_bounds is not None:
        low, high = (float(x) for x in weight_bounds)
        if not 0 <= low < high:
            raise WeightingError(f"weight_bounds: got ({low:g}, {high:g}); expected 0 <= lower < upper.")
        weight_bounds = (low, high)
    if method == "poststratified" and (len(known.parts) != 1 or known.totals):
        raise WeightingError(
            f"{known.label}: post-stratification takes one margin. Got {listed(known.variables)}. Cross them, as in "
            f'"{"*".join(known.columns)}", or use rake.'
        )
    if method in ("raking", "poststratified") and bounds is None and known.totals and not known.parts:
        raise WeightingError(
            f"{known.label}: raking needs a margin of categories. For totals of numbers use calibrate."
        )
    cells, population = lay_out(frame, known, weights.values)
    total = known.population
    if total is not None:
        # Always a step, also by 1: a replicate's base weights need it even where the first ones did not.
        weights = weights.then(Scale(total))
    settings = {"source": known.source, "population": total, "rescaled": dict(known.rescaled)}
    return weights.then(Calibrate(cells, population, method, known.label, bounds, weight_bounds, False, settings))


def rake(
    frame: pd.DataFrame,
    margins: Any,
    *,
    base: Any = None,
    weight_bounds: Bounds | None = None,
    rescale: bool = False,
) -> Weights:
    """Rake weights to population margins.

    The weights are base weights times a factor for each category, every margin met to 1e-8 relative. This is
    `calibrate` with method "raking".

    Parameters
    ----------
    frame : DataFrame, shape (n respondents, any)
        Holds every variable of the margins as categories. Not modified.
    margins : DataFrame, Margins, mapping or margins of the catalogue
        Columns variable, category, population; see `Margins.of`. A variable may be crossed ("sex*age_group", with
        categories "Male | 18-24").
    base : str, array_like of shape (n,), or Weights, optional
        Base weights: a column, numbers, or weights already made, whose steps are kept. Equal weights when not given.
        They are first scaled to the population's total. Zero leaves a respondent out.
    weight_bounds : (float, float), optional
        Bounds on the weights themselves, held while raking.
    rescale : bool, default False
        Scale margins whose totals differ by no more than 0.5 per cent (rounding) to the total of the first.

    Returns
    -------
    Weights
        Shape (n,), summing to the population.

    Raises
    ------
    WeightingError
        The margins contradict themselves or the data, or no positive weights meet them; says which category and why.

    Notes
    -----
    Source: Deming and Stephan (1940); Deville, Sarndal and Sautory (1993).
    Verified: R survey 4.5 ``rake`` and ``calibrate(calfun = "raking")``, cases F2 and F4; R survey 4.1 with unequal
    base weights; tests/test_weight_reference.py, rtol 1e-9.

    Examples
    --------
    >>> people = pd.DataFrame({"sex": ["F", "F", "M", "M"], "age": ["18-34", "35+", "35+", "35+"]})
    >>> weights = rake(people, {"sex": {"F": 52, "M": 48}, "age": {"18-34": 20, "35+": 80}})
    >>> weights.values.round(6).tolist()
    [20.0, 32.0, 24.0, 24.0]
    """
    return _calibrated(frame, margins, base, "raking", None, weight_bounds, rescale)


def calibrate(
    frame: pd.DataFrame,
    margins: Any,
    *,
    base: Any = None,
    method: str = "linear",
    bounds: Bounds | None = None,
    weight_bounds: Bounds | None = None,
    rescale: bool = False,
) -> Weights:
    """Calibrate weights to population margins and totals.

    Parameters
    ----------
    frame : DataFrame, shape (n respondents, any)
        Holds every variable of the margins. Not modified.
    margins : DataFrame, Margins, mapping or margins of the catalogue
        As for `rake`. A row of a DataFrame without a category is the population total of a numeric variable.
    base : str, array_like of shape (n,), or Weights, optional
        As for `rake`.
    method : {"linear", "raking", "logit", "truncated_linear"}, default "linear"
        The distance from the base weights that is made small. Linear weights can be negative, which is an error.
    bounds : (float, float), optional
        Bounds on the factors g = weight / base weight, the base scaled to the population's total. Required by "logit",
        which stays inside them, and "truncated_linear", which reaches them; the others take none.
    weight_bounds : (float, float), optional
        Bounds on the weights themselves, held while calibrating (trimming inside calibration).
    rescale : bool, default False
        As for `rake`.

    Returns
    -------
    Weights
        Shape (n,). Every total is met to 1e-8 relative.

    Raises
    ------
    WeightingError
        As for `rake`; bounds that cannot be met are an error that gives the tightest that can.

    Notes
    -----
    Source: Deville and Sarndal (1992); Deville, Sarndal and Sautory (1993).
    Verified: R survey 4.5 ``calibrate``, cases F3, F4 and F10; R survey 4.1 for bounded methods and unequal base
    weights; tests/test_weight_reference.py, rtol 1e-9.

    Examples
    --------
    >>> people = pd.DataFrame({"sex": ["F", "F", "M"], "age": ["18-34", "35+", "35+"]})
    >>> margins = {"sex": {"F": 52, "M": 48}, "age": {"18-34": 20, "35+": 80}}
    >>> calibrate(people, margins, method="logit", bounds=(0.5, 2.0)).values.round(6).tolist()
    [20.0, 32.0, 48.0]
    """
    return _calibrated(frame, margins, base, method, check_method(method, bounds), weight_bounds, rescale)


def poststratify(frame: pd.DataFrame, margins: Any, *, base: Any = None) -> Weights:
    """Post-stratify weights to the population of each cell.

    Parameters
    ----------
    frame : DataFrame, shape (n respondents, any)
        Holds every variable of the margin. Not modified.
    margins : DataFrame, Margins, mapping or margins of the catalogue
        One margin, crossed or not.
    base : str, array_like of shape (n,), or Weights, optional
        As for `rake`.

    Returns
    -------
    Weights
        Shape (n,): base weights times population over weighted respondents of the cell.

    Raises
    ------
    WeightingError
        More than one margin is given, or a cell is empty on one side.

    Notes
    -----
    Source: Holt and Smith (1979).
    Verified: R survey 4.5 ``postStratify``, case F1, tests/test_weight_reference.py, rtol 1e-12.

    Examples
    --------
    >>> people = pd.DataFrame({"sex": ["F", "F", "M"]})
    >>> poststratify(people, {"sex": {"F": 52, "M": 48}}).values.tolist()
    [26.0, 26.0, 48.0]
    """
    return _calibrated(frame, margins, base, "poststratified", None, None, False)


RULES = ("median", "iqr")


def trim(
    weights: Any,
    *,
    lower: float | None = None,
    upper: float | None = None,
    rule: tuple[str, float] | None = None,
    redistribute: str = "equal",
    recalibrate: bool = True,
) -> Weights:
    """Cut extreme weights, give what was cut to the others, and meet the margins again within the limits.

    Parameters
    ----------
    weights : Weights or array_like, shape (n,)
    lower, upper : float, optional
        Limits of a weight. Nobody is outside them in the result.
    rule : (str, float), optional
        In place of `upper`: ("median", k) for k medians, ("iqr", k) for the median plus k interquartile ranges.
    redistribute : {"equal", "proportional"}, default "equal"
        What was cut is added in equal parts, or in proportion, to those within the limits. The total stays.
    recalibrate : bool, default True
        Calibrate again to the last margins, by raking with the limits held. Without an earlier calibration there is
        nothing to meet again.

    Returns
    -------
    Weights
        Shape (n,). The earlier steps are kept, so that a variance can credit the calibration.

    Raises
    ------
    WeightingError
        The limits contradict each other, hold no weights with this total, or leave the margins out of reach.

    Notes
    -----
    Source: Potter (1990); Chowdhury, Khare and Wolter (2007) for the median plus 6 interquartile ranges.
    Verified: R survey 4.5 ``trimWeights`` (equal parts, no new calibration), cases F11 and F12,
    tests/test_weight_reference.py, rtol 1e-9. R's `strict` gives other weights when more than one round is needed.

    Examples
    --------
    >>> trim([1.0, 1.0, 1.0, 5.0], upper=3.5).values.tolist()
    [1.5, 1.5, 1.5, 3.5]
    """
    if not isinstance(weights, Weights):
        try:
            values = np.asarray(weights, dtype=float)
        except (TypeError, ValueError):
            # The converter quotes what it cannot convert.
            raise WeightingError(
                f"trim: got {type(weights).__name__} that is not a number a respondent. Expected weights of `rake` and "
                "the like, or a column of weights."
            ) from None
        weights = begin(pd.DataFrame(index=range(len(values))), values)
    if rule is not None and (upper is not None or rule[0] not in RULES or not rule[1] > 0):
        raise WeightingError(
            f"rule: got {rule!r} with upper {upper!r}; expected one of {', '.join(RULES)} with a number above zero, in "
            "place of upper."
        )
    if lower is None and upper is None and rule is None:
        raise WeightingError("trim: no limit is given. Expected lower, upper or rule.")
    if any(x is not None and not x >= 0 for x in (lower, upper)):
        raise WeightingError(f"trim: limits are weights of zero or more. Got lower {lower!r} and upper {upper!r}.")
    if redistribute not in ("equal", "proportional"):
        raise WeightingError(f'redistribute: got "{redistribute}"; expected equal or proportional.')
    last = next((s for s in reversed(weights.steps) if s.kind == "calibrated"), None)
    trimmed = weights.then(Trim(lower, upper, rule, redistribute))
    if not recalibrate or last is None:
        return trimmed
    recipe = last.recipe
    if not isinstance(recipe, Calibrate):
        raise WeightingError(
            "trim: pooled weights cannot be calibrated again. Trim each wave, or use recalibrate=False."
        )
    again = Calibrate(
        recipe.cells, recipe.population, "raking", recipe.label, limits_of_trim=True, settings=recipe.settings
    )
    return trimmed.then(again)


def adjust_cells(frame: pd.DataFrame, cells: Sequence[str], responded: str, *, base: Any = None) -> Weights:
    """Adjust for non-response within cells.

    Parameters
    ----------
    frame : DataFrame, shape (n sampled, any)
        Everyone sampled and eligible, answered or not. Not modified.
    cells : sequence of str
        Columns known for all; their crossing makes the cells.
    responded : str
        Column of 0 and 1: who answered.
    base : str, array_like of shape (n,), or Weights, optional
        Design weights. Equal when not given.

    Returns
    -------
    Weights
        Shape (n,): the weight of all in the cell over that of those who answered, times the base weight; zero for those
        who did not answer.

    Raises
    ------
    WeightingError
        Nobody in a cell answered; a cell is not known for someone.

    Notes
    -----
    Source: Little (1986); Kalton and Flores-Cervantes (2003).
    Verified: by hand, tests/test_weight_nonresponse.py, rtol 1e-12.

    Examples
    --------
    >>> sample = pd.DataFrame({"area": ["A", "A", "A", "B"], "answered": [1, 0, 1, 1]})
    >>> adjust_cells(sample, ["area"], "answered").values.tolist()
    [1.5, 0.0, 1.5, 1.0]
    """
    weights = begin(frame, base)
    made, _ = crossed(frame, list(cells), weights.values > 0)
    return weights.then(ByCells(made, answered(frame, responded), {"cells": list(cells), "responded": responded}))


def adjust_propensity(
    frame: pd.DataFrame,
    variables: Sequence[str],
    responded: str,
    *,
    base: Any = None,
    classes: int | None = None,
) -> Weights:
    """Adjust for non-response by a logistic model of answering.

    Parameters
    ----------
    frame : DataFrame, shape (n sampled, any)
        Everyone sampled and eligible, answered or not. Not modified.
    variables : sequence of str
        Columns known for all: numbers enter as they are, others by category, without interactions.
    responded : str
        Column of 0 and 1: who answered.
    base : str, array_like of shape (n,), or Weights, optional
        Design weights, which also weight the model. Equal when not given.
    classes : int, optional
        Adjust within this many classes of the fitted probability, of about equal weight, in place of dividing by it.

    Returns
    -------
    Weights
        Shape (n,): zero for those who did not answer.

    Raises
    ------
    WeightingError
        The model has no finite solution; a variable is not known for someone.

    Notes
    -----
    Source: Rosenbaum and Rubin (1983); Little (1986) for classes; Kim and Kim (2007).
    Verified: R ``glm(family = quasibinomial)``, tests/test_weight_nonresponse.py, rtol 1e-8; a model of one category
    per cell equals `adjust_cells`, rtol 1e-9.

    Examples
    --------
    >>> sample = pd.DataFrame({"area": ["A", "A", "A", "B", "B"], "answered": [1, 0, 1, 1, 0]})
    >>> adjust_propensity(sample, ["area"], "answered").values.round(6).tolist()
    [1.5, 0.0, 1.5, 2.0, 0.0]
    """
    if classes is not None and classes < 2:
        raise WeightingError(f"classes: got {classes}; expected 2 or more, 5 for example.")
    weights = begin(frame, base)
    made = model_cells(frame, list(variables), weights.values > 0)
    settings = {"variables": list(variables), "responded": responded, "classes": classes}
    return weights.then(ByPropensity(made, answered(frame, responded), classes, settings))


POOLING = ("effective_n", "respondents", "equal")


METHODS = ("rake", "linear", "logit", "poststratify")


def by_method(
    frame: pd.DataFrame,
    margins: Any,
    *,
    method: str,
    base: Any = None,
    bounds: Bounds | None = None,
    trim_medians: float | None = None,
    rescale: bool = False,
) -> Weights:
    """Make weights by the name of a method, as a catalogue entry or the command line gives it.

    Parameters
    ----------
    frame, margins, base, rescale
        As for `rake`.
    method : {"rake", "linear", "logit", "poststratify"}
        "linear" with bounds is "truncated_linear" of `calibrate`.
    bounds : (float, float), optional
        As for `calibrate`; "rake" and "poststratify" take none.
    trim_medians : float, optional
        Cut weights above this many medians, and meet the margins again.

    Returns
    -------
    Weights
        Shape (n,).

    Raises
    ------
    WeightingError
        The method is not one of those listed or takes no bounds; otherwise as the method's own function.

    Notes
    -----
    Source and Verified: those of `rake`, `calibrate`, `poststratify` and `trim`.

    Examples
    --------
    >>> people = pd.DataFrame({"sex": ["F", "F", "M", "M"]})
    >>> by_method(people, {"sex": {"F": 60, "M": 40}}, method="rake").values.tolist()
    [30.0, 30.0, 20.0, 20.0]
    """
    if method not in METHODS:
        raise WeightingError(f'method: got "{method}"; expected one of {", ".join(METHODS)}.')
    if method in ("rake", "poststratify") and bounds is not None:
        raise WeightingError(f"bounds: {method} takes none. Use logit or linear.")
    if method == "rake":
        made = rake(frame, margins, base=base, rescale=rescale)
    elif method == "poststratify":
        made = poststratify(frame, margins, base=base)
    else:
        distance = "truncated_linear" if method == "linear" and bounds is not None else method
        made = calibrate(frame, margins, base=base, method=distance, bounds=bounds, rescale=rescale)
    return made if trim_medians is None else trim(made, rule=("median", trim_medians))


def pool(
    waves: Mapping[str, Any],
    *,
    rule: str = "effective_n",
    shares: Mapping[str, float] | None = None,
    total: float | None = None,
) -> Weights:
    """Scale the weights of waves that are to be analysed as one.

    The weights of wave k are multiplied so that the wave's share of the pooled weight is lambda_k. A pooled mean is
    then the mean of the waves' means with shares lambda_k.

    Parameters
    ----------
    waves : mapping of str to Weights or array_like
        In the order in which the waves' frames are stacked.
    rule : {"effective_n", "respondents", "equal"}, default "effective_n"
        lambda_k is proportional to Kish's effective number of respondents, to the number of respondents, or equal.
    shares : mapping of str to float, optional
        lambda_k themselves, in place of `rule`; scaled to sum to 1.
    total : float, optional
        What the pooled weights sum to; the average of the waves' totals with shares lambda_k when not given.

    Returns
    -------
    Weights
        Shape (all respondents,), in the order of `waves`. The steps of every wave are kept, factor 1 and x = 0 for the
        other waves' rows. In `redo` the scaling factors are held.

    Raises
    ------
    WeightingError
        There are fewer than two waves, or shares are not positive numbers for exactly these waves.

    Notes
    -----
    Source: Korn and Graubard (1999) ch. 8; O'Muircheartaigh and Pedlow (2002). Shares in proportion to effective n are
    the best for variables unrelated to the weights.
    Verified: by hand, tests/test_weight_nonresponse.py, rtol 1e-12.

    Examples
    --------
    >>> pool({"2019": [1.0, 1.0], "2020": [1.0, 1.0, 1.0, 1.0]}, rule="equal").values.tolist()
    [0.75, 0.75, 0.375, 0.375, 0.375, 0.375]
    """
    names = list(waves)
    if len(names) < 2:
        raise WeightingError(f"pool: got {len(names)} wave(s); expected two or more.")
    if rule not in POOLING:
        raise WeightingError(f'rule: got "{rule}"; expected one of {", ".join(POOLING)}.')
    parts = []
    for name in names:
        one = waves[name]
        parts.append(one if isinstance(one, Weights) else begin(pd.DataFrame(index=range(len(one))), one))
    if shares is not None:
        if set(shares) != set(names) or not all(np.isfinite(s) and s > 0 for s in shares.values()):
            raise WeightingError(f"shares: expected a positive number for each of {listed(names)}. Got {dict(shares)}.")
        size = np.array([float(shares[n]) for n in names])
        rule = "given"
    elif rule == "effective_n":
        size = np.array([p.effective_n for p in parts])
    elif rule == "respondents":
        size = np.array([float((p.values > 0).sum()) for p in parts])
    else:
        size = np.ones(len(parts))
    share = size / size.sum()
    totals = np.array([p.values.sum() for p in parts])
    factors = share * (float(share @ totals) if total is None else float(total)) / totals
    return _stacked(names, parts, factors, rule, share)


def _stacked(names: list[str], parts: list[Weights], factors: np.ndarray, rule: str, share: np.ndarray) -> Weights:
    """Lay the waves' steps over all rows, one wave after the other, and scale."""
    count = [len(p) for p in parts]
    ends = np.cumsum(count)
    n = int(ends[-1])
    index = pd.MultiIndex.from_arrays(
        [np.repeat(names, count), np.concatenate([np.asarray(p.index) for p in parts])], names=["wave", None]
    )
    step = Base("waves").step(np.concatenate([p.base for p in parts]), None)
    steps = [step]
    for part, end, size in zip(parts, ends, count, strict=True):
        rows = slice(int(end - size), int(end))
        for old in part.steps[1:]:
            step = Within(old.recipe, rows, n).placed(old, step.values)
            steps.append(step)
    settings = {
        "rule": rule,
        "shares": {k: float(v) for k, v in zip(names, share, strict=True)},
        "factors": {k: float(v) for k, v in zip(names, factors, strict=True)},
        "wave": np.repeat(np.arange(len(names)), count),
    }
    recipe = Factor(frozen(np.repeat(factors, count)), method=rule, settings=settings)
    return Weights(step.values, tuple(steps), index).then(recipe)
