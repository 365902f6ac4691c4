"""Set estimates beside one another: covariances of rows, and contrasts with their design-based uncertainty.

Belongs here: covariances and contrasts of rows of one frame, of calls on one sample, and of independent
samples.
Not here: which comparisons may be made and what a verdict says (compare), the influence values (sample).
Methods: docs/methods.md#covariances
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from engagement_stats import uncertainty
from engagement_stats.errors import EstimationError
from engagement_stats.sample import Sample

Part = tuple[pd.DataFrame, int]


@dataclass(frozen=True)
class Contrast:
    """A function of estimates: its value, standard error, interval and degrees of freedom."""

    estimate: float
    standard_error: float
    ci_lower: float
    ci_upper: float
    degrees_of_freedom: float
    confidence: float


def covariance(
    frame: pd.DataFrame,
    rows: Sequence[int] | None = None,
    other: pd.DataFrame | None = None,
    other_rows: Sequence[int] | None = None,
) -> np.ndarray:
    """Covariances of the estimates in rows of a frame, each with each.

    Parameters
    ----------
    frame : DataFrame
        What an estimator returned; rows may have been filtered or sorted since.
    rows : sequence of int, optional
        Positions in `frame` (as `iloc`); None: all.
    other : DataFrame, optional
        Another call's estimates of the same respondents; None: `frame`.
    other_rows : sequence of int, optional
        Positions in `other`; None: all, or `rows` without `other`.

    Returns
    -------
    ndarray, shape (rows, other rows)

    Raises
    ------
    EstimationError
        A frame carries no sample (it was read back, joined or concatenated), or the two are of different
        respondents.

    Notes
    -----
    Source: Wolter (2007) ch. 6; docs/methods.md#covariances.
    Verified: R survey 4.5 `vcov(svyby(covmat = TRUE))`, `svycontrast`, tests/test_reference.py cases B1, B4,
    rtol 1e-9.

    Examples
    --------
    >>> from engagement_stats import SampleDesign, estimate
    >>> people = pd.DataFrame({"area": list("aabb"), "y": [1, 0, 1, 1]})
    >>> result = estimate.proportion(people, "y", design=SampleDesign(), by="area")
    >>> covariance(result, [0, 1]).round(4).tolist()
    [[0.0625, 0.0833], [0.0833, 0.1667]]
    """
    left, right = sample_of(frame), sample_of(frame if other is None else other)
    at = positions(frame, rows)
    if other is None:
        return left.covariance(at, None if other_rows is None else positions(frame, other_rows))
    return left.covariance(at, positions(other, other_rows), right)


def covariance_with(frame: pd.DataFrame, reference: int, rows: Sequence[int] | None = None) -> np.ndarray:
    """Covariances of many rows with one row, such as every area with the whole population.

    Parameters
    ----------
    frame : DataFrame
    reference : int
        Position of the row they are set beside.
    rows : sequence of int, optional
        Positions; None: all rows of `frame`.

    Returns
    -------
    ndarray, shape (rows,)

    Notes
    -----
    One pass over respondents a variable and family, however many levels. Source and Verified: as `covariance`.
    """
    return sample_of(frame).covariance_with(positions(frame, rows), int(positions(frame, [reference])[0]))


def contrast(
    parts: Sequence[Part],
    function: Sequence[float] | Callable[..., Any],
    *,
    independent: bool = False,
    confidence: float = 0.95,
) -> Contrast:
    """Estimate a function of estimates, counting what they share.

    Rows of one sample use their covariance, a group and a total that holds it included. Rows of different
    samples add their variances, with Satterthwaite's degrees of freedom; samples that share respondents or PSUs
    are refused.

    Parameters
    ----------
    parts : list of (DataFrame, int)
        Estimates, each a frame and a position in it.
    function : list of float, or callable
        Coefficients of a linear contrast, or a function of the estimates made of arithmetic and NumPy functions
        that take complex numbers, such as ``lambda a, b: a / b``.
    independent : bool, default False
        Take samples whose PSUs have the same names as independent all the same. Never overrides common
        respondents.
    confidence : float in (0, 1)

    Returns
    -------
    Contrast
        Degrees of freedom are the least of the rows' within a sample.

    Raises
    ------
    EstimationError
        Two samples share respondents or PSUs, a frame carries no sample or has no such position, or the function
        cannot be differentiated.

    Notes
    -----
    Source: Woodruff (1971) linearisation; Satterthwaite (1946), Korn and Graubard (1999).
    Verified: R survey 4.5 `svycontrast`, tests/test_reference.py cases B2, B4, L1, rtol 1e-9.

    Examples
    --------
    >>> from engagement_stats import SampleDesign, estimate
    >>> people = pd.DataFrame({"area": list("aabb"), "y": [1, 0, 1, 1]})
    >>> result = estimate.proportion(people, "y", design=SampleDesign(), by="area")
    >>> contrast([(result, 1), (result, 0)], [1, -1]).estimate
    -0.25
    """
    confidence = uncertainty.check_confidence(confidence)
    for frame, row in parts:
        if not -len(frame) <= row < len(frame):
            raise EstimationError(
                f"contrast: there is no row at position {row}. Got a frame of {len(frame)} estimates; expected a "
                f"position from 0 to {len(frame) - 1}."
            )
    values = np.array([float(frame["estimate"].iloc[row]) for frame, row in parts])
    estimate, gradient = _differentiated(function, values)
    groups = _by_sample(parts, independent)
    variances, freedoms = [], []
    for sample, places in groups:
        at = np.array([positions(parts[i][0], [parts[i][1]])[0] for i in places], np.intp)
        owners = [sample_of(parts[i][0]) for i in places]
        variances.append(_variance(sample, owners, at, gradient[places]))
        freedoms.append(min(float(parts[i][0]["degrees_of_freedom"].iloc[parts[i][1]]) for i in places))
    df = freedoms[0] if len(groups) == 1 else uncertainty.satterthwaite(variances, freedoms)
    variance = float(sum(variances))
    lower, upper = uncertainty.wald(estimate, variance, df, confidence)
    return Contrast(estimate, float(np.sqrt(variance)), float(lower), float(upper), df, confidence)


def sample_of(frame: pd.DataFrame) -> Sample:
    """Return the sample a frame of estimates carries.

    Raises
    ------
    EstimationError
        It carries none.
    """
    sample = frame.attrs.get("sample")
    if not isinstance(sample, Sample):
        raise EstimationError(
            "estimates: the frame carries no sample, so covariances are not known. Use the frame an "
            "estimator returned, not one "
            "read from a file or concatenated."
        )
    return sample


def positions(frame: pd.DataFrame, rows: Sequence[int] | None) -> np.ndarray:
    """Places in the sample of rows of a frame given by position; None: all rows."""
    columns = ["indicator", "domain", "level", "quantile"]
    named = frame[columns] if rows is None else frame[columns].iloc[np.asarray(rows, np.intp)]
    return sample_of(frame).rows(
        [(i, d, level, None if np.isnan(q) else q) for i, d, level, q in named.itertuples(index=False, name=None)]
    )


def _differentiated(function: Sequence[float] | Callable[..., Any], values: np.ndarray) -> tuple[float, np.ndarray]:
    if not callable(function):
        gradient = np.asarray(function, float)
        if gradient.shape != values.shape:
            raise EstimationError(
                f"contrast: got {gradient.size} coefficients for {len(values)} estimates. Give one each."
            )
        return float(gradient @ values), gradient
    # A complex step differentiates to the last digit: there is no difference to cancel.
    step = 1e-30
    gradient = np.empty(len(values))
    try:
        for i in range(len(values)):
            point = values.astype(complex)
            point[i] += 1j * step
            gradient[i] = np.imag(function(*point)) / step
        estimate = float(np.real(function(*values)))
    except TypeError:
        raise EstimationError(
            "contrast: the function does not take numbers. Build it of arithmetic and NumPy functions."
        ) from None
    return estimate, gradient


def _by_sample(parts: Sequence[Part], independent: bool) -> list[tuple[Sample, list[int]]]:
    groups: list[tuple[Sample, list[int]]] = []
    for place, (frame, _) in enumerate(parts):
        sample = sample_of(frame)
        for known, places in groups:
            relation = known.relation(sample)
            if relation == "same":
                places.append(place)
                break
            if relation == "overlapping" or (relation == "shared_labels" and not independent):
                what = "respondents" if relation == "overlapping" else "names of PSUs"
                raise EstimationError(
                    f"contrast: two samples share {what}, so they are not independent and their covariance "
                    "is not known. Estimate "
                    f"both in one call on one frame, with the wave or group as a domain."
                )
        else:
            groups.append((sample, [place]))
    return groups


def _variance(sample: Sample, owners: Sequence[Sample], at: np.ndarray, gradient: np.ndarray) -> float:
    if all(owner is sample for owner in owners):
        return sample.contrast_variance(at, gradient)
    # Several calls on one sample: block by block.
    value = 0.0
    for i, left in enumerate(owners):
        for j, right in enumerate(owners):
            value += gradient[i] * gradient[j] * float(left.covariance(at[[i]], at[[j]], right)[0, 0])
    return max(value, 0.0)
