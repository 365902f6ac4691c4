"""What a comparison could have shown, and how many respondents would show a stated difference.

Belongs here: smallest detectable differences and sample sizes.
Not here: differences and their tests (differences).
Methods: docs/methods.md#planning
"""

import math

import numpy as np
from scipy import special

from engagement_stats.uncertainty import t_quantile

POWER = 0.80
LEVEL = 0.05


def detectable(
    standard_error: np.ndarray,
    degrees_of_freedom: np.ndarray,
    family_size: np.ndarray | int = 1,
    *,
    rounding: np.ndarray | float = 0.0,
    power: float = POWER,
    level: float = LEVEL,
) -> np.ndarray:
    """Say how large a true difference a comparison as made would have found.

    Parameters
    ----------
    standard_error, degrees_of_freedom : ndarray, shape (n comparisons,)
        Of the difference; degrees of freedom may be infinite.
    family_size : ndarray or int, default 1
        Tests adjusted together: each is taken at the level divided by it, at which Holm's rule surely finds it.
    rounding : ndarray or float, default 0
        The most that rounding of published figures can have moved the difference: the test is of one beyond it.
    power : float in (0, 1), default 0.80
        How often it would have been found.
    level : float in (0, 1), default 0.05
        Of the two-sided test.

    Returns
    -------
    ndarray, shape (n comparisons,)
        In the unit of the estimates; NaN where the standard error is not known.

    Notes
    -----
    Source: (t at 1 - level/2 + t at power) standard errors, Bloom (1995), the minimum detectable effect, beyond the
    rounding.
    Verified: simulated power and statsmodels `NormalIndPower`, tests/test_planning.py.

    Examples
    --------
    >>> detectable(np.array([0.01]), np.array([np.inf])).round(4).tolist()
    [0.028]
    """
    df = np.asarray(degrees_of_freedom, dtype="float64")
    size = np.broadcast_to(np.maximum(family_size, 1), df.shape)
    reach = np.full(df.shape, np.nan)
    for number in np.unique(size):
        here = size == number
        reach[here] = t_quantile(df[here], 1 - level / number)
    return rounding + (reach + t_quantile(df, 2 * power - 1)) * np.asarray(standard_error, dtype="float64")


def sample_needed(
    left: float,
    difference: float,
    *,
    left_design_effect: float = 1.0,
    right_design_effect: float = 1.0,
    right_per_left: float = 1.0,
    power: float = POWER,
    level: float = LEVEL,
) -> int:
    """Say how many respondents on the left would show a stated difference of two shares of independent samples.

    Parameters
    ----------
    left : float in (0, 1)
        The share expected on the left.
    difference : float, not 0
        Left less right, in shares; the right share lies in 0 to 1.
    left_design_effect, right_design_effect : float, default 1
        As seen in the estimates.
    right_per_left : float, default 1
        Respondents on the right for each on the left; infinite when the right is known without doubt.
    power, level : float
        As in `detectable`.

    Returns
    -------
    int
        Respondents on the left.

    Raises
    ------
    ValueError
        The two shares do not lie between 0 and 1, the difference is 0, or another number is out of its range.

    Notes
    -----
    Source: Fleiss, Levin and Paik (2003) ch. 4 without continuity correction, each variance times its design effect
    (Kish 1965).
    Verified: statsmodels `samplesize_proportions_2indep_onetail` at half the level, tests/test_planning.py.

    Examples
    --------
    >>> sample_needed(0.36, 0.03, left_design_effect=1.6, right_design_effect=1.6)
    6301
    """
    right = left - difference
    if not (0 < left < 1 and 0 <= right <= 1) or difference == 0:
        raise ValueError("left and left less difference are shares between 0 and 1, and the difference is not 0")
    if not (0 < power < 1 and 0 < level < 1 and min(left_design_effect, right_design_effect, right_per_left) > 0):
        raise ValueError("power and level lie between 0 and 1, and design effects and right_per_left are above 0")
    z = float(special.ndtri(1 - level / 2) + special.ndtri(power))
    variance = left_design_effect * left * (1 - left) + right_design_effect * right * (1 - right) / right_per_left
    return math.ceil(variance * (z / difference) ** 2)
