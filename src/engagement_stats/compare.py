"""Set two estimates side by side: the rows of `comparisons`, with the verdict on each.

Belongs here: taking both sides of every comparison of the catalogue, their covariance, multiplicity within a family,
and the verdict.
Not here: the difference itself (differences), whether a comparison is fair (comparability), estimates and their
covariances (estimate, tabulate), sentences (phrase).
Methods: docs/methods.md#comparisons
"""

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd

from engagement_stats.catalogue import KEY, Catalogue, Inside, Pair, pairs
from engagement_stats.catalogue import model as m
from engagement_stats.comparability import Judgement, judge
from engagement_stats.differences import (
    ADJUSTMENTS,
    CONFIDENCE,
    Difference,
    benjamini_hochberg,
    difference,
    differences,
    holm,
    standard_error_for_test,
)
from engagement_stats.errors import ComparisonError
from engagement_stats.planning import detectable

__all__ = ["COLUMNS", "benjamini_hochberg", "comparisons", "difference", "differences", "holm", "judge"]


Side = tuple[str, str, str]


def _noted(covariances: pd.DataFrame) -> tuple[dict[tuple[str, Side, Side], float], Inside]:
    """Index the covariances within waves, and say which level holds which, by what was set beside it."""
    found: dict[tuple[str, Side, Side], float] = {}
    inside: dict[tuple[str, str, str, str], str] = {}
    sides = [f"{side}_{part}" for side in ("left", "right") for part in ("indicator", "domain", "level")]
    if len(covariances):
        for wave, a, b, c, d, e, f, value in covariances[["wave", *sides, "covariance"]].itertuples(index=False):
            found[wave, (a, b, c), (d, e, f)] = value
            if a == d:
                inside[wave, b, c, e] = f
    return found, inside


def _covariance(
    noted: dict[tuple[str, Side, Side], float], catalogue: Catalogue, pair: Pair, variance_basis: str
) -> float:
    """Return the covariance of two sides of one wave; two waves are independent samples."""
    if pair.threshold is not None:
        return 0.0
    if pair.left.wave != pair.right.wave:
        return math.nan if _same_respondents(catalogue, pair.left.wave, pair.right.wave) else 0.0
    left, right = pair.left.key[1:], pair.right.key[1:]
    for key in ((pair.left.wave, left, right), (pair.left.wave, right, left)):
        if key in noted:
            return float(noted[key])
    if variance_basis in ("published", "assumed"):
        return math.nan  # nobody publishes it
    raise ComparisonError(
        f"{pair.comparison} {pair.level}: both sides are of wave {pair.left.wave} and their covariance is missing. "
        "Estimate the wave again."
    )


def _same_respondents(catalogue: Catalogue, left: str, right: str) -> bool:
    """Say whether one wave is what another's producer published from the same interviews."""
    waves = catalogue.microdata_waves
    return any(
        a in waves and b in waves[a].published_as for a, b in ((left, right), (right, left))
    )  # such a pair is a benchmark; a test of independent samples would be of nothing


def _take(estimates: pd.DataFrame, column: str, rows: np.ndarray) -> np.ndarray:
    return estimates[column].to_numpy(dtype="float64", na_value=np.nan)[rows]


def _numbers(
    estimates: pd.DataFrame, wanted: Sequence[Pair], left: np.ndarray, right: np.ndarray, covariance: np.ndarray
) -> dict[str, np.ndarray]:
    """Estimate every difference; `right` is -1 where the right side is a threshold."""
    fixed = right < 0
    threshold = np.array([math.nan if p.threshold is None else p.threshold for p in wanted])
    sides = []
    for rows in (left, right):
        se = standard_error_for_test(
            _take(estimates, "standard_error", rows),
            _take(estimates, "ci_lower", rows),
            _take(estimates, "ci_upper", rows),
            _take(estimates, "degrees_of_freedom", rows),
            _take(estimates, "confidence", rows),
        )
        # The normal for a published standard error: it comes without degrees of freedom, from a large sample.
        df = np.nan_to_num(_take(estimates, "degrees_of_freedom", rows), nan=np.inf, posinf=np.inf)
        rounding = np.nan_to_num(_take(estimates, "rounding", rows))
        sides.append([_take(estimates, "estimate", rows), se, df, rounding])
    (a, se_a, df_a, round_a), (b, se_b, df_b, round_b) = sides
    b, se_b = np.where(fixed, threshold, b), np.where(fixed, 0.0, se_b)
    df_b, round_b = np.where(fixed, np.inf, df_b), np.where(fixed, 0.0, round_b)
    same = np.array([p.left.wave == p.right.wave for p in wanted], dtype=bool)
    made = differences(
        a, b, se_a, se_b, covariance=covariance, left_degrees_of_freedom=df_a, right_degrees_of_freedom=df_b,
        degrees_of_freedom=np.where(same, np.minimum(df_a, df_b), np.nan), left_rounding=round_a,
        right_rounding=round_b,
    )  # fmt: skip
    return {"left_estimate": a, "right_estimate": b, "rounding": round_a + round_b, **made}


def _judgements(catalogue: Catalogue, wanted: Sequence[Pair]) -> list[Judgement]:
    """Judge every pair; those alike in all that the judgement looks at are judged once."""
    known: dict[object, Judgement] = {}
    out = []
    for p in wanted:
        if p.threshold is not None:
            out.append(Judgement("comparable", (), (_source(catalogue, p),)))
            continue
        place = () if "population_geography" in p.about else (p.left.level, p.right.level)
        key = (p.left.wave, p.left.indicator, p.right.wave, p.right.indicator, *place, p.about, id(p.override))
        if key not in known:
            known[key] = judge(catalogue, p.left, p.right, about=p.about, override=p.override)
        out.append(known[key])
    return out


def _source(catalogue: Catalogue, pair: Pair) -> str:
    entry = catalogue.comparisons[pair.comparison]
    assert isinstance(entry, m.ThresholdComparison)
    return f"The {entry.threshold_label} is a stated number, not an estimate: {entry.source}"


def _cautions(catalogue: Catalogue, *sides: tuple[str, str, object]) -> list[str]:
    """Say what is weak about either side: its uncertainty, its sample, or where its figure was read."""
    found = [k for wave, basis, evidence in sides for k in (basis, catalogue.sampling(wave), evidence)]
    cautions = catalogue.rules.comparability.cautions
    return [cautions[k] for k in dict.fromkeys(found) if k in cautions]


def _verdicts(frame: pd.DataFrame) -> pd.Series:
    """Take the verdict from the adjusted p and the sign, and from nothing where there is no fair test."""
    adjusted = frame["p_adjusted"].to_numpy()
    clear = np.where(frame["difference"].to_numpy() > 0, "higher", "lower")
    verdict = np.where(adjusted >= 1 - CONFIDENCE, "no clear difference", clear).astype(object)
    verdict[np.isnan(adjusted)] = None
    verdict[(frame["grade"] == "not_comparable").to_numpy()] = "not comparable"
    verdict[frame["is_suppressed"].to_numpy(dtype=bool)] = None
    return pd.Series(verdict, index=frame.index, dtype="object")


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
        error has no verdict. A threshold stands on the right with domain "threshold" and its own name as level.

    Raises
    ------
    ComparisonError
        The covariance of two sides of one wave is missing.
    """
    noted, inside = _noted(covariances)
    wanted = pairs(catalogue, estimates[KEY].itertuples(index=False, name=None), inside)
    position = {key: i for i, key in enumerate(estimates[KEY].itertuples(index=False, name=None))}
    left = np.array([position[p.left.key] for p in wanted], dtype=np.intp)
    right = np.array([position.get(p.right.key, -1) for p in wanted], dtype=np.intp)
    about = [estimates[c].to_numpy() for c in ("survey", "variance_basis", "evidence")]
    survey, basis, evidence = about
    suppressed, synthetic = (estimates[c].to_numpy(dtype=bool) for c in ("is_suppressed", "is_synthetic"))
    other = np.where(right < 0, left, right)
    hidden = suppressed[left] | suppressed[other]
    covariance = np.array(
        [0.0 if h else _covariance(noted, catalogue, p, basis[i]) for p, i, h in zip(wanted, left, hidden, strict=True)]
    )
    judged = _judgements(catalogue, wanted)
    weak: dict[object, list[str]] = {}
    caveats = []
    for p, i, j, judgement in zip(wanted, left, other, judged, strict=True):
        sides = ((p.left.wave, basis[i], evidence[i]), (p.right.wave, basis[j], evidence[j]))
        if sides not in weak:
            weak[sides] = _cautions(catalogue, *sides)
        caveats.append(" ".join([*judgement.caveats, *weak[sides]]))
    frame = pd.DataFrame(
        {
            "comparison": [p.comparison for p in wanted],
            "level": [p.level for p in wanted],
            "kind": [p.kind for p in wanted],
            "label": [p.label for p in wanted],
            "indicator": [p.right.indicator for p in wanted],
            **{f"left_{k}": [getattr(p.left, k) for p in wanted] for k in KEY},
            **{f"right_{k}": [getattr(p.right, k) for p in wanted] for k in KEY},
            "left_survey": survey[left],
            "right_survey": survey[other],
            **_numbers(estimates, wanted, left, right, covariance),
            "family": [p.family for p in wanted],
            "adjustment": pd.Series([p.adjustment for p in wanted], dtype="object"),
            "grade": [j.grade for j in judged],
            "differs_on": [", ".join(j.differs_on) for j in judged],
            "caveats": caveats,
            "is_suppressed": hidden,
            "is_synthetic": synthetic[left] | synthetic[other],
        }
    )
    frame.loc[hidden, ["left_estimate", "right_estimate", *Difference.__slots__]] = np.nan
    frame.loc[frame["grade"] == "not_comparable", "p_value"] = np.nan
    return (
        _adjusted(frame)
        .assign(verdict=_verdicts)
        .sort_values(["comparison", "level"], kind="stable")
        .reset_index(drop=True)[COLUMNS]
    )


def _adjusted(frame: pd.DataFrame) -> pd.DataFrame:
    """Adjust the p-values of each family together, by the rule its entry declares."""
    families = frame.groupby("family", sort=False)
    size = families["p_value"].transform("count").astype("int64")
    adjusted = np.full(len(frame), np.nan)
    p = frame["p_value"].to_numpy()
    for rows in families.indices.values():
        adjusted[rows] = ADJUSTMENTS[frame["adjustment"].iat[rows[0]]](p[rows])
    rule = frame["adjustment"].where(~np.isnan(adjusted) & (size > 1), None)
    se, df = frame["standard_error"].to_numpy(), frame["degrees_of_freedom"].to_numpy()
    found = detectable(se, df, size.to_numpy(), rounding=frame["rounding"].to_numpy())
    found = np.where(np.isnan(p), np.nan, found)
    return frame.assign(p_adjusted=adjusted, family_size=size, adjustment=rule, detectable_difference=found)


COLUMNS = [
    "comparison", "level", "kind", "label", "indicator",
    *(f"{s}_{c}" for s in ("left", "right") for c in ("survey", *KEY, "estimate")),
    *Difference.__slots__,
    "family", "grade", "differs_on", "caveats", "is_suppressed", "is_synthetic",
    "p_adjusted", "family_size", "adjustment", "detectable_difference", "verdict",
]  # fmt: skip
