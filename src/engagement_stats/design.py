"""Describe how a sample was drawn, and lay its rows out so that variances are sums over units.

Belongs here: the names of the design columns, what makes them valid, strata with a single PSU, finite
population corrections and the numbering of units at every stage.
Not here: statistics and their influence values (influence, estimate), intervals (uncertainty), making weights
(weight) or replicate weights (replicate).
Methods: docs/methods.md#the-sample-design
"""

import difflib
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from engagement_stats.errors import EstimationError, listed
from engagement_stats.projection import CREDITED, Projection, project
from engagement_stats.steps import Weights

SINGLE_PSU_POLICIES = ("fail", "certainty", "adjust", "average", "collapse")
REPLICATE_METHODS = ("brr", "fay", "jk1", "jkn", "bootstrap", "other")
# A sampling fraction this close to one is a census of the stratum: it adds no sampling variance.
CENSUS = 1e-7

Names = str | Sequence[str] | None


@dataclass(frozen=True)
class SampleDesign:
    """Name the columns that say how respondents were sampled.

    Parameters
    ----------
    weight : str or Weights, optional
        Final weight, finite and not negative. Rows of weight zero stay in the design (their PSU was sampled)
        and out of every base. A column is taken as fixed; `Weights` (from `weight.rake` and the like, or
        `recover.recovered`) belong to the frame they were made for, and variances credit their steps. None: every
        respondent weighs 1.
    stratum : str, optional
        Stratum of the first stage.
    psu : str or list of str, optional
        Primary sampling units, then later stages. PSUs are taken *within* strata: the same identifier in two
        strata is two PSUs. None: every respondent is a PSU.
    fpc : str or list of str, optional
        One column a stage: the number of units in the population of the stratum (all values 1 or more) or the
        sampled fraction (all values 1 or less). None: sampled with replacement, so only the first stage counts
        (ultimate clusters).
    replicates : list of str, optional
        Replicate weights supplied by the producer; strata and PSUs are then not used for variances.
    replicate_method : {"brr", "fay", "jk1", "jkn", "bootstrap", "other"}, optional
        Needed with `replicates`: it gives the default scales.
    fay_rho : float in [0, 1), default 0
        Fay's perturbation, for ``replicate_method="fay"``.
    replicate_scale, replicate_rscales : float and list of float, optional
        Multipliers of the sum of squares and of each replicate, when the producer states them. "jkn" and
        "other" need them.
    replicate_centre : {"estimate", "replicates"}, default "estimate"
        Squares are taken about the full-sample estimate (R's ``mse=TRUE``) or about the mean of replicates.
    replicate_degrees_of_freedom : float, optional
        The producer's figure. None: rank of the replicate weights less one.
    single_psu : {"fail", "certainty", "adjust", "average", "collapse"}, default "fail"
        What a stratum with one sampled PSU contributes; see docs/methods.md#strata-with-one-psu.

    Raises
    ------
    EstimationError
        A setting is not one of those listed, or two settings contradict each other.

    Notes
    -----
    Source: Wolter (2007) ch. 2; R survey 4.5 for the single-PSU policies.
    Verified: tests/test_design.py; tests/test_reference.py cases A, G, H.

    Examples
    --------
    >>> SampleDesign(weight="w", stratum="region", psu="household").single_psu
    'fail'
    """

    weight: str | Weights | None = None
    stratum: str | None = None
    psu: Names = None
    fpc: Names = None
    replicates: Names = None
    single_psu: str = "fail"
    replicate_method: str | None = None
    fay_rho: float = 0.0
    replicate_scale: float | None = None
    replicate_rscales: Sequence[float] | None = None
    replicate_centre: str = "estimate"
    replicate_degrees_of_freedom: float | None = None

    def __post_init__(self) -> None:
        for name in ("psu", "fpc", "replicates"):
            object.__setattr__(self, name, _names(getattr(self, name)))
        if self.replicate_rscales is not None:
            object.__setattr__(self, "replicate_rscales", tuple(float(r) for r in self.replicate_rscales))
        _one_of("single_psu", self.single_psu, SINGLE_PSU_POLICIES)
        if self.fpc and len(self.fpc) != max(1, len(self.psu or ())):
            raise EstimationError(
                f"SampleDesign: fpc names {len(self.fpc)} columns for {max(1, len(self.psu or ()))} stages "
                "of "
                f"sampling. Give one for each stage."
            )
        if self.replicates:
            self._check_replicates()
        elif self.replicate_method is not None:
            raise EstimationError(
                "SampleDesign: replicate_method is given without replicates. Name the replicate weight columns."
            )

    def _check_replicates(self) -> None:
        if self.replicate_method is None:
            raise EstimationError(
                f"SampleDesign: replicates need replicate_method. Expected one of {', '.join(REPLICATE_METHODS)}."
            )
        _one_of("replicate_method", self.replicate_method, REPLICATE_METHODS)
        _one_of("replicate_centre", self.replicate_centre, ("estimate", "replicates"))
        if not 0 <= self.fay_rho < 1:
            raise EstimationError(f"SampleDesign: fay_rho is {self.fay_rho}; expected 0 or more and less than 1.")
        if self.replicate_method == "jkn" and self.replicate_rscales is None:
            raise EstimationError(
                "SampleDesign: jkn replicates need replicate_rscales, (n-1)/n of the stratum each replicate "
                "left a PSU out of. Take them from the producer's notes."
            )
        if self.replicate_method == "other" and self.replicate_scale is None and self.replicate_rscales is None:
            raise EstimationError('SampleDesign: replicate_method "other" needs replicate_scale or replicate_rscales.')
        rscales = self.replicate_rscales
        if rscales is not None and len(rscales) != len(self.replicates or ()):
            raise EstimationError(
                f"SampleDesign: {len(rscales)} replicate_rscales for {len(self.replicates or ())} "
                "replicates. "
                f"Give one for each."
            )

    @property
    def variance_basis(self) -> str:
        """Say where variances come from.

        "replicate"; "calibrated" when weights say how they were calibrated or adjusted for non-response; otherwise
        "design" (strata or PSUs known) or "weights_only".
        """
        if self.replicates:
            return "replicate"
        if isinstance(self.weight, Weights) and any(s.kind in CREDITED for s in self.weight.steps):
            return "calibrated"
        return "design" if self.stratum or self.psu else "weights_only"

    @property
    def weight_name(self) -> str | None:
        """Name the weight: its column, or the steps that made it."""
        if isinstance(self.weight, Weights):
            return " > ".join(s.kind if s.kind == s.method else f"{s.kind} ({s.method})" for s in self.weight.steps)
        return self.weight

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column the design names, in the order weight, stratum, PSUs, corrections, replicates."""
        single = tuple(c for c in (self.weight, self.stratum) if isinstance(c, str))
        return single + tuple(self.psu or ()) + tuple(self.fpc or ()) + tuple(self.replicates or ())


@dataclass(frozen=True, eq=False)
class Stage:
    """One stage of sampling: units within strata, both numbered so that a stratum's units are contiguous.

    A later stage has a stratum for every unit of the stage before. `scale` is the factor of a stratum's centred
    sum of squares, (1 - f) n/(n - 1) times the sampled fractions of earlier stages; it is zero for a census and
    for a single unit, whose `remainder` (1 - f) some policies use.
    """

    unit: np.ndarray
    stratum: np.ndarray
    size: np.ndarray
    scale: np.ndarray
    lonely: np.ndarray
    remainder: np.ndarray

    @property
    def units(self) -> int:
        """Count sampled units."""
        return len(self.stratum)

    @property
    def strata(self) -> int:
        """Count strata."""
        return len(self.size)


@dataclass(frozen=True, eq=False)
class Layout:
    """A sample's rows sorted by stratum and PSU, ready for sums over units.

    `order` takes the frame's rows to layout order; every other array is in layout order. `degrees_of_freedom`
    are those of the whole design: PSUs with a positive weight less strata with one.
    """

    design: SampleDesign
    order: np.ndarray | None
    weight: np.ndarray
    stages: tuple[Stage, ...]
    degrees_of_freedom: float
    single_psu_strata: int
    replicate_weights: np.ndarray | None = field(repr=False, default=None)
    replicate_factors: np.ndarray | None = None

    @property
    def rows(self) -> int:
        """Count rows of the sample."""
        return len(self.weight)

    @property
    def first(self) -> Stage:
        """Return the stage of the PSUs."""
        return self.stages[0]

    @cached_property
    def projection(self) -> Projection | None:
        """What variances credit of the making of the weights; None for weights taken as fixed."""
        if self.design.variance_basis != "calibrated" or not isinstance(self.design.weight, Weights):
            return None
        return project(self.design.weight, self.order)

    def arrange(self, values: np.ndarray) -> np.ndarray:
        """Put an array in the frame's row order into layout order."""
        return values if self.order is None else values.take(self.order)


def lay_out(frame: pd.DataFrame, design: SampleDesign) -> Layout:
    """Check a sample's design columns and number its units.

    Parameters
    ----------
    frame : DataFrame, shape (respondents, any)
        Not modified; its index is not used.
    design : SampleDesign

    Returns
    -------
    Layout

    Raises
    ------
    EstimationError
        Not a pandas frame, or no rows; a design column is missing or holds nulls; a weight is not a finite number of
        zero or more; a correction varies within its stratum or is smaller than the sample; a stratum has one PSU
        and the policy is "fail".
    """
    if not isinstance(design, SampleDesign):
        raise EstimationError(
            f"design: expected a SampleDesign, got {type(design).__name__}. "
            f"Write SampleDesign(weight=..., stratum=..., psu=...)."
        )
    if not isinstance(frame, pd.DataFrame):
        raise EstimationError(
            f"frame: expected a pandas DataFrame, got {type(frame).__name__}. Convert it first: "
            "pandas.DataFrame(...), or .to_pandas() of another library's frame."
        )
    if len(frame) == 0:
        raise EstimationError("frame: there are no rows, so nothing can be estimated.")
    weight = read_weights(frame, design.weight)
    strata, labels = _codes(frame, design.stratum, "stratum")
    psus = [_codes(frame, name, "psu")[0] for name in design.psu or ()]
    keys = [strata, *psus]
    order = _order(keys)
    if order is not None:
        weight, keys = weight.take(order), [k.take(order) for k in keys]
    stages, lonely = _stages(keys, _corrections(frame, design, order), design, labels)
    first = stages[0]
    active = np.bincount(first.unit, weight > 0, first.units) > 0
    active_strata = np.count_nonzero(np.bincount(first.stratum, active, first.strata))
    replicate_weights, factors, df = None, None, float(np.count_nonzero(active) - active_strata)
    if design.replicates:
        replicate_weights = np.column_stack([read_weights(frame, name) for name in design.replicates])
        if order is not None:
            replicate_weights = replicate_weights.take(order, axis=0)
        factors = replicate_factors(design)
        df = _replicate_degrees_of_freedom(design, replicate_weights)
    return Layout(
        design,
        order,
        weight,
        stages,
        df,
        lonely,
        replicate_weights,
        factors,
    )


def read_column(frame: pd.DataFrame, name: str, role: str) -> pd.Series:
    """Return a column, or say that it is missing and which names are near.

    Parameters
    ----------
    frame : DataFrame
    name : str
    role : str
        What the caller wanted it for; opens the message.

    Raises
    ------
    EstimationError
        No column, or more than one, has this name.
    """
    if name not in frame.columns:
        near = difflib.get_close_matches(str(name), [str(c) for c in frame.columns], n=3, cutoff=0.5)
        hint = f" Did you mean {', '.join(near)}?" if near else f" The frame has {listed(list(frame.columns))}."
        raise EstimationError(f'{role}: there is no column "{name}".{hint}')
    column = frame[name]
    if isinstance(column, pd.DataFrame):
        raise EstimationError(f'{role}: {column.shape[1]} columns are called "{name}". Rename all but one.')
    return column


def read_weights(frame: pd.DataFrame, name: str | Weights | None) -> np.ndarray:
    """Return a column of weights as float64, refusing anything that cannot weigh a respondent.

    Raises
    ------
    EstimationError
        The column is not numeric, or holds nulls, infinities or negative values, or only zeros. The message
        counts offenders and never shows a value. Or weights made elsewhere are not of this frame's rows.
    """
    if name is None:
        return np.ones(len(frame))
    if isinstance(name, Weights):
        if len(name) != len(frame) or not name.index.equals(frame.index):
            raise EstimationError(
                f"weight: the weights were made for {len(name)} rows, and the frame's {len(frame)} are not they. "
                "Expected the frame that was weighted, in its order. To estimate for a group use where= or by=, not a "
                "filter."
            )
        return name.values
    column = read_column(frame, name, "weight")
    where = f'weight "{name}"'
    if not pd.api.types.is_numeric_dtype(column) or pd.api.types.is_bool_dtype(column):
        raise EstimationError(f"{where}: the column is {column.dtype}, not numeric. Convert it when reading the file.")
    values = column.to_numpy(dtype=np.float64, na_value=np.nan)
    for rule, broken in (
        ("missing", np.isnan(values)),
        ("infinite", np.isinf(values)),
        ("negative", values < 0),
    ):
        count = int(np.count_nonzero(broken))
        if count:
            raise EstimationError(
                f"{where}: {count} of {len(values)} weights are {rule}; expected finite numbers of zero or "
                "more. "
                f"Give such rows a weight or leave them out of the file."
            )
    if not values.any():
        raise EstimationError(f"{where}: all {len(values)} weights are zero, so nobody represents anybody.")
    return values


def replicate_factors(design: SampleDesign) -> np.ndarray:
    """Return the multiplier of each replicate's squared deviation, scale times rscale.

    Notes
    -----
    Source: Wolter (2007); R survey ``svrepdesign``: BRR 1/R, Fay 1/(R(1-rho)^2), JK1 (R-1)/R, bootstrap
    1/(R-1), JKn 1 with rscales (n_h-1)/n_h.
    Verified: tests/test_reference.py cases I1 to I4.
    """
    count = len(design.replicates or ())
    default = {
        "brr": 1 / count,
        "fay": 1 / (count * (1 - design.fay_rho) ** 2),
        "jk1": (count - 1) / count,
        "jkn": 1.0,
        "bootstrap": 1 / max(count - 1, 1),
        "other": 1.0,
    }[str(design.replicate_method)]
    scale = default if design.replicate_scale is None else float(design.replicate_scale)
    rscales = np.ones(count) if design.replicate_rscales is None else np.asarray(design.replicate_rscales, float)
    if not np.isfinite(scale) or scale < 0 or not np.isfinite(rscales).all() or (rscales < 0).any():
        raise EstimationError("SampleDesign: replicate scales are finite numbers of zero or more.")
    return scale * rscales


def _replicate_degrees_of_freedom(design: SampleDesign, weights: np.ndarray) -> float:
    if design.replicate_degrees_of_freedom is not None:
        return float(design.replicate_degrees_of_freedom)
    # Rank from the small cross-product: a QR of (respondents, replicates) would cost as much as the
    # estimates.
    scaled = weights / np.linalg.norm(weights, axis=0)
    eigenvalues = np.linalg.eigvalsh(scaled.T @ scaled)
    return float(np.count_nonzero(eigenvalues > 1e-10 * eigenvalues[-1]) - 1)


def _names(value: Names) -> tuple[str, ...] | None:
    if value is None:
        return None
    return (value,) if isinstance(value, str) else tuple(value) or None


def _one_of(name: str, value: Any, allowed: Collection[str]) -> None:
    if value not in allowed:
        raise EstimationError(f'{name}: got "{value}"; expected one of {", ".join(allowed)}.')


def _codes(frame: pd.DataFrame, name: str | None, role: str) -> tuple[np.ndarray, pd.Index | None]:
    """Code the values of a design column in sorted order."""
    if name is None:
        return np.zeros(len(frame), np.intp), None
    column = read_column(frame, name, role)
    codes, labels = pd.factorize(column, sort=False)
    missing = int(np.count_nonzero(codes < 0))
    if missing:
        raise EstimationError(
            f'{role} "{name}": {missing} of {len(codes)} rows have none. Every sampled row needs one, '
            f"whether or not it answered."
        )
    labels = pd.Index(labels)
    try:
        rank = np.argsort(labels)
    except TypeError:
        rank = np.argsort(labels.astype(str))
    position = np.empty(len(labels), np.intp)
    position[np.asarray(rank)] = np.arange(len(labels))
    return position[codes], labels[rank]


def _order(keys: list[np.ndarray]) -> np.ndarray | None:
    """Stable order of rows by stratum, then PSU, then later stages; None when they are so already."""
    combined = keys[0]
    for key in keys[1:]:
        top = int(key.max()) + 1
        if (int(combined.max()) + 1) * top > 2**62:
            combined = np.unique(combined, return_inverse=True)[1]
        combined = combined * top + key
    if len(combined) < 2 or bool(np.all(combined[1:] >= combined[:-1])):
        return None
    return np.argsort(combined, kind="stable")


class _Corrections(NamedTuple):
    """Finite population corrections by stage: a value a row, all sizes or all fractions."""

    columns: list[np.ndarray]
    names: tuple[str, ...]
    fraction: bool


def _corrections(frame: pd.DataFrame, design: SampleDesign, order: np.ndarray | None) -> _Corrections | None:
    if not design.fpc:
        return None
    columns = []
    for name in design.fpc:
        column = read_column(frame, name, "fpc")
        if not pd.api.types.is_numeric_dtype(column):
            raise EstimationError(f'fpc "{name}": the column is {column.dtype}, not numeric.')
        values = column.to_numpy(dtype=np.float64, na_value=np.nan)
        bad = int(np.count_nonzero(~(values > 0)))
        if bad:
            raise EstimationError(f'fpc "{name}": {bad} of {len(values)} rows are missing, zero or negative.')
        columns.append(values if order is None else values.take(order))
    largest, smallest = max(c.max() for c in columns), min(c.min() for c in columns)
    if largest > 1 and smallest < 1:
        raise EstimationError(
            f"fpc {', '.join(design.fpc)}: some values are below 1 (fractions) and some above (population "
            "sizes). "
            f"Give all as one or the other."
        )
    return _Corrections(columns, tuple(design.fpc), bool(largest <= 1))


def _stages(
    keys: list[np.ndarray], corrections: _Corrections | None, design: SampleDesign, labels: pd.Index | None
) -> tuple[tuple[Stage, ...], int]:
    """Code the units of every stage that adds variance; also count first-stage strata with one PSU."""
    unit, stratum = _numbered(keys[0], keys[1] if len(keys) > 1 else None)
    size = np.bincount(stratum).astype(float)
    population = _population(corrections, 0, keys[0], size)
    policy = "certainty" if design.replicates else design.single_psu
    lonely = _lonely(size, population)
    count = int(np.count_nonzero(lonely))
    # A sample that is one PSU has no variance under any policy: its rows carry no standard error instead.
    if count and len(stratum) > 1:
        if policy == "fail":
            offenders = (
                ["of the whole sample"]
                if labels is None
                else [f'"{labels[h]}"' for h in map(int, np.flatnonzero(lonely))]
            )
            raise EstimationError(
                f"stratum {listed(offenders)}: one sampled PSU, so its variance cannot be estimated. Set "
                "single_psu to "
                f'"adjust", "average", "certainty" or "collapse", or merge the stratum.'
            )
        if policy == "collapse":
            merged = _collapsed(size)
            stratum = merged[stratum]
            size, population = np.bincount(merged, size), np.bincount(merged, population)
            lonely = np.zeros(len(size), bool)
    path = np.ones(len(size))
    stages = [_stage(unit, stratum, size, population, lonely, path)]
    for depth in range(1, len(corrections.columns) if corrections else 1):
        # Each unit of the stage before is a stratum of this one, reached with the fractions sampled so far.
        path = (path * size / population)[stratum]
        parent = unit
        unit, stratum = _numbered(parent, keys[depth + 1])
        size = np.bincount(stratum).astype(float)
        population = _population(corrections, depth, parent, size)
        lonely = _lonely(size, population)
        if lonely.any() and policy in ("fail", "collapse"):
            raise EstimationError(
                f"stage {depth + 1}: {int(lonely.sum())} of {len(size)} units have one sampled unit of this "
                "stage, so the "
                f'variance within them cannot be estimated. Set single_psu to "certainty" to leave it out.'
            )
        stages.append(_stage(unit, stratum, size, population, lonely, path))
    return tuple(stages), count


def _numbered(parent: np.ndarray, key: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """Code the units of sorted rows within their parents; also the parent of each unit."""
    if key is None:
        return np.arange(len(parent), dtype=np.intp), parent
    starts = np.ones(len(parent), bool)
    np.not_equal(parent[1:], parent[:-1], out=starts[1:])
    starts[1:] |= key[1:] != key[:-1]
    return np.cumsum(starts, dtype=np.intp) - 1, parent[starts]


def _population(corrections: _Corrections | None, depth: int, row_stratum: np.ndarray, size: np.ndarray) -> np.ndarray:
    """Return the population units of each stratum, inf without a correction, one value a stratum."""
    if corrections is None:
        return np.full(len(size), np.inf)
    values, name = corrections.columns[depth], corrections.names[depth]
    high, low = np.full(len(size), -np.inf), np.full(len(size), np.inf)
    np.maximum.at(high, row_stratum, values)
    np.minimum.at(low, row_stratum, values)
    varying = int(np.count_nonzero(high != low))
    if varying:
        raise EstimationError(
            f'fpc "{name}": {varying} of {len(size)} strata have more than one value. A correction belongs '
            "to a stratum."
        )
    population = size / high if corrections.fraction else high
    short = int(np.count_nonzero(population < size))
    if short:
        raise EstimationError(
            f'fpc "{name}": {short} of {len(size)} strata have more sampled units than the population. '
            f"Check which column counts units of this stage."
        )
    return population


def _lonely(size: np.ndarray, population: np.ndarray) -> np.ndarray:
    return (size == 1) & (1 - size / population > CENSUS)


def _stage(
    unit: np.ndarray,
    stratum: np.ndarray,
    size: np.ndarray,
    population: np.ndarray,
    lonely: np.ndarray,
    path: np.ndarray,
) -> Stage:
    unsampled = 1 - size / population
    unsampled[unsampled <= CENSUS] = 0.0
    scale = np.where(size > 1, path * unsampled * size / np.maximum(size - 1, 1), 0.0)
    return Stage(unit, stratum, size, scale, lonely, path * unsampled)


def _collapsed(size: np.ndarray) -> np.ndarray:
    """Join each single-PSU stratum with the next in sorted order (the last with the one before)."""
    merged = np.arange(len(size))
    total = size.copy()
    for h in range(len(size)):
        root = merged[h]
        if total[root] > 1:
            continue
        if h + 1 < len(size):
            merged[h + 1] = root
            total[root] += size[h + 1]
        else:
            merged[merged == root] = merged[h - 1]
            total[merged[h - 1]] += total[root]
    return np.unique(merged, return_inverse=True)[1]
