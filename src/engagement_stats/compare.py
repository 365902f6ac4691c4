"""Set two estimates side by side: the rows of `comparisons`, with the verdict on each.

Belongs here: taking both sides of every comparison of the catalogue, their covariance, multiplicity within a family,
and the verdict.
Not here: the difference itself (differences), whether a comparison is fair (comparability), estimates and their
covariances (estimate, tabulate), sentences (phrase).
Methods: docs/methods.md#comparisons
"""

import math
from typing import Any

import numpy as np
import pandas as pd

from engagement_stats.catalogue import KEY, Catalogue, Pair, pairs
from engagement_stats.comparability import judge
from engagement_stats.differences import CONFIDENCE, Difference, difference, holm
from engagement_stats.errors import ComparisonError

__all__ = ["COLUMNS", "comparisons", "difference", "holm", "judge"]


def _covariance(covariances: pd.DataFrame, pair: Pair, variance_basis: str) -> float:
    """Return the covariance of two sides of one wave; two waves are independent samples."""
    if pair.left.wave != pair.right.wave:
        return 0.0
    if variance_basis in ("published", "assumed"):
        return math.nan  # nobody publishes it
    a, b = pair.left.key, pair.right.key
    for x, y in ((a, b), (b, a)):
        found = covariances.loc[
            (covariances["wave"] == x[0])
            & (covariances["left_indicator"] == x[1]) & (covariances["left_domain"] == x[2])
            & (covariances["left_level"] == x[3]) & (covariances["right_indicator"] == y[1])
            & (covariances["right_domain"] == y[2]) & (covariances["right_level"] == y[3]),
            "covariance",
        ]  # fmt: skip
        if len(found):
            return float(found.iloc[0])
    raise ComparisonError(
        f"{pair.comparison} {pair.level}: both sides are of wave {pair.left.wave} and their covariance is missing. "
        "Estimate the wave again."
    )


def _numbers(left: Any, right: Any, covariance: float, same_wave: bool) -> Difference:
    return difference(
        left.estimate,
        right.estimate,
        left.standard_error,
        right.standard_error,
        covariance=covariance,
        left_degrees_of_freedom=_df(left.degrees_of_freedom),
        right_degrees_of_freedom=_df(right.degrees_of_freedom),
        degrees_of_freedom=min(_df(left.degrees_of_freedom), _df(right.degrees_of_freedom)) if same_wave else None,
        left_rounding=float(np.nan_to_num(left.rounding)),
        right_rounding=float(np.nan_to_num(right.rounding)),
    )


def _df(value: float) -> float:
    """Take the normal for a published standard error: it comes without degrees of freedom, from a large sample."""
    return math.inf if value is None or math.isnan(value) else float(value)


def _row(catalogue: Catalogue, pair: Pair, left: Any, right: Any, covariances: pd.DataFrame) -> dict[str, Any]:
    judgement = judge(catalogue, pair.left, pair.right, about=pair.about, override=pair.override)
    hidden = bool(left.is_suppressed or right.is_suppressed)
    row: dict[str, Any] = {
        "comparison": pair.comparison, "level": pair.level, "label": pair.label, "indicator": pair.right.indicator,
        "family": pair.family, "grade": judgement.grade, "differs_on": ", ".join(judgement.differs_on),
        "caveats": " ".join([*judgement.caveats, *_cautions(catalogue, left, right)]), "is_suppressed": hidden,
        "is_synthetic": bool(left.is_synthetic or right.is_synthetic),
    }  # fmt: skip
    for name, side, estimate in (("left", pair.left, left), ("right", pair.right, right)):
        row |= {f"{name}_{k}": getattr(side, k) for k in KEY}
        row[f"{name}_survey"] = estimate.survey
        row[f"{name}_estimate"] = math.nan if hidden else estimate.estimate
    same_wave = pair.left.wave == pair.right.wave
    if hidden:
        row |= dict.fromkeys(Difference.__slots__, math.nan)
    else:
        numbers = _numbers(left, right, _covariance(covariances, pair, left.variance_basis), same_wave)
        row |= {k: getattr(numbers, k) for k in numbers.__slots__}
    if judgement.grade == "not_comparable":
        row["p_value"] = math.nan
    return row


def _cautions(catalogue: Catalogue, *sides: Any) -> list[str]:
    """Say what is weak about either side: its uncertainty, its sample, or where its figure was read."""
    found = [k for side in sides for k in (side.variance_basis, catalogue.sampling(side.wave), side.evidence)]
    cautions = catalogue.rules.comparability.cautions
    return [cautions[k] for k in dict.fromkeys(found) if k in cautions]


def _verdict(row: Any) -> str | None:
    if row.is_suppressed:
        return None
    if row.grade == "not_comparable":
        return "not comparable"
    if math.isnan(row.p_adjusted):
        return None
    if row.p_adjusted >= 1 - CONFIDENCE:
        return "no clear difference"
    return "higher" if row.difference > 0 else "lower"


def comparisons(estimates: pd.DataFrame, covariances: pd.DataFrame, catalogue: Catalogue) -> pd.DataFrame:
    """Make every comparison the catalogue asks for.

    Parameters
    ----------
    estimates : DataFrame, shape (n estimates, columns of estimates)
        Disclosure rules applied. `degrees_of_freedom` and `standard_error` may be null, `rounding` in the unit.
    covariances : DataFrame
        wave, left_ and right_ indicator, domain and level, covariance: the pairs within one wave.
    catalogue : Catalogue

    Returns
    -------
    DataFrame, shape (n comparisons, columns of comparisons but release_id and sentence)
        Sorted by comparison and level. A comparison graded `not_comparable` keeps its arithmetic, has no p and
        the verdict "not comparable"; a suppressed one has no number at all; one with a side of unknown standard
        error has no verdict.
    """
    wanted = pairs(catalogue, estimates[KEY].itertuples(index=False, name=None))
    by_key = {(r.wave, r.indicator, r.domain, r.level): r for r in estimates.itertuples(index=False)}
    rows = [_row(catalogue, p, by_key[p.left.key], by_key[p.right.key], covariances) for p in wanted]
    frame = pd.DataFrame(rows, columns=COLUMNS[:-4])
    groups = frame.groupby("family", sort=False)["p_value"]
    frame["p_adjusted"] = groups.transform(lambda p: holm(p.to_numpy())) if rows else np.array([], dtype="float64")
    frame["family_size"] = groups.transform("count").astype("int64") if rows else np.array([], dtype="int64")
    frame["adjustment"] = pd.Series(
        np.where(frame["p_adjusted"].notna() & (frame["family_size"] > 1), "holm", ""), dtype="object"
    ).replace("", None)
    frame["verdict"] = pd.Series([_verdict(r) for r in frame.itertuples(index=False)], dtype="object")
    return frame.sort_values(["comparison", "level"], kind="stable").reset_index(drop=True)


COLUMNS = [
    "comparison", "level", "label", "indicator",
    *(f"{s}_{c}" for s in ("left", "right") for c in ("survey", *KEY, "estimate")),
    *Difference.__slots__,
    "family", "grade", "differs_on", "caveats", "is_suppressed", "is_synthetic",
    "p_adjusted", "family_size", "adjustment", "verdict",
]  # fmt: skip
