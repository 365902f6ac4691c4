"""Fit logistic and linear regressions whose standard errors come from the design.

Belongs here: statsmodels' weighted GLM with the sandwich variance of the sample design, and its tests.
Not here: choosing a model, differences between areas without a model (compare, standardise).
Methods: docs/methods.md#regression
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from engagement_stats import uncertainty
from engagement_stats.design import Layout, SampleDesign, lay_out
from engagement_stats.domains import Counts, Where, read_column_levels, read_numbers, read_shares, read_where
from engagement_stats.errors import EstimationError, listed
from engagement_stats.influence import quadratic_forms


@dataclass(frozen=True, eq=False)
class Regression:
    """A fitted model.

    Attributes
    ----------
    coefficients : DataFrame
        One row a term: term, estimate, standard_error, ci_lower, ci_upper, p_value; for logistic models also
        odds_ratio, odds_ratio_ci_lower, odds_ratio_ci_upper.
    covariance : ndarray, shape (terms, terms)
    degrees_of_freedom : float
        Of the design, less the number of terms but the intercept.
    base_unweighted : int
        Respondents with every variable.
    """

    coefficients: pd.DataFrame
    covariance: np.ndarray = field(repr=False)
    degrees_of_freedom: float
    base_unweighted: int
