"""Set two estimates side by side: the difference with its doubt, and whether the comparison is fair.

Belongs here: differences and ratios with intervals, multiplicity, the axes on which two estimates differ, the
grade that follows, and the verdict.
Not here: estimates and their covariances (estimate, tabulate), facts about surveys (catalogue), sentences (phrase).
Methods: docs/methods.md#comparisons
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import special

from engagement_stats.catalogue import KEY, Catalogue, Pair, pairs
from engagement_stats.catalogue import model as m
from engagement_stats.errors import ComparisonError
from engagement_stats.uncertainty import satterthwaite

CONFIDENCE = 0.95
UNKNOWN = "not known"


@dataclass(frozen=True, slots=True)
class Difference:
    """Left minus right, and left over right. A bound or p that cannot be given is NaN."""

    difference: float
    standard_error: float
    ci_lower: float
    ci_upper: float
    ratio: float
    ratio_ci_lower: float
    ratio_ci_upper: float
    degrees_of_freedom: float
    p_value: float


def difference(
    left: float,
    right: float,
    left_standard_error: float,
    right_standard_error: float,
    *,
    covariance: float = 0.0,
    left_degrees_of_freedom: float = math.inf,
    right_degrees_of_freedom: float = math.inf,
    degrees_of_freedom: float | None = None,
    left_rounding: float = 0.0,
    right_rounding: float = 0.0,
    confidence: float = CONFIDENCE,
) -> Difference:
    """Estimate a difference and a ratio of two estimates.

    Parameters
    ----------
    left, right : float
        The two estimates, unrounded where they are known unrounded.
    left_standard_error, right_standard_error : float
        Their standard errors; NaN when not known, and then no interval or p is given.
    covariance : float, default 0
        Of the two estimates; 0 for independent samples.
    left_degrees_of_freedom, right_degrees_of_freedom : float
        Combined by Satterthwaite's rule for independent samples.
    degrees_of_freedom : float, optional
        Of the difference, for two estimates of one sample.
    left_rounding, right_rounding : float, default 0
        The most that rounding of a published figure can have moved each side: intervals are widened by what
        that does to their ends, and the test is of a difference beyond both together.
    confidence : float in (0, 1), default 0.95

    Returns
    -------
    Difference

    Notes
    -----
    Source: V1 + V2 - 2 C; Satterthwaite degrees of freedom as Korn and Graubard (1999); the ratio's interval on
    the log scale by the delta method. Rounding is treated as a bound, not as noise.
    Verified: R survey 4.5 reference case L1.indep.diff (rtol 1e-9) and B4.overlap.dstrat, tests/test_compare.py.

    Examples
    --------
    >>> d = difference(0.36, 0.30, 0.006, 0.008)
    >>> round(d.difference, 3), round(d.standard_error, 3)
    (0.06, 0.01)
    """
    gap = left - right
    ratio = left / right if right != 0 else math.nan
    v1, v2 = left_standard_error**2, right_standard_error**2
    variance = v1 + v2 - 2 * covariance
    if not math.isfinite(variance):
        return Difference(gap, math.nan, math.nan, math.nan, ratio, math.nan, math.nan, math.nan, math.nan)
    se = math.sqrt(max(variance, 0.0))
    df = degrees_of_freedom
    if df is None:
        df = satterthwaite([v1, v2], [left_degrees_of_freedom, right_degrees_of_freedom]) if se > 0 else math.inf
    t = _t_quantile(df, confidence)
    rounding = left_rounding + right_rounding
    # A gap of exactly the rounding must not seem to exceed it by the last bit of a decimal fraction.
    excess = abs(gap) - rounding if abs(gap) > rounding * (1 + 1e-9) else 0.0
    p = _two_sided_p(excess / se, df) if se > 0 else (1.0 if excess == 0 else 0.0)
    low, high = math.nan, math.nan
    if left > 0 and right > right_rounding:
        spread = math.sqrt(max(v1 / left**2 + v2 / right**2 - 2 * covariance / (left * right), 0.0))
        low = max(left - left_rounding, 0.0) / (right + right_rounding) * math.exp(-t * spread)
        high = (left + left_rounding) / (right - right_rounding) * math.exp(t * spread)
    return Difference(gap, se, gap - t * se - rounding, gap + t * se + rounding, ratio, low, high, df, min(p, 1.0))


def _t_quantile(df: float, confidence: float) -> float:
    tail = (1 + confidence) / 2
    return float(special.ndtri(tail) if math.isinf(df) else special.stdtrit(df, tail))


def _two_sided_p(statistic: float, df: float) -> float:
    return float(2 * (special.ndtr(-statistic) if math.isinf(df) else special.stdtr(df, -statistic)))


def holm(p_values: Sequence[float]) -> np.ndarray:
    """Adjust p-values of one family by Holm's step-down rule.

    Parameters
    ----------
    p_values : sequence of float, length k
        NaN where nothing was tested; those are left out of the family.

    Returns
    -------
    ndarray, shape (k,)
        Adjusted p-values, at least the raw ones and at most 1; NaN stays.

    Notes
    -----
    Source: Holm (1979).
    Verified: statsmodels `multipletests(method="holm")`, tests/test_compare.py, rtol 1e-14.

    Examples
    --------
    >>> holm([0.01, 0.04, 0.03]).round(2).tolist()
    [0.03, 0.06, 0.06]
    """
    p = np.asarray(p_values, dtype="float64")
    tested = np.flatnonzero(~np.isnan(p))
    order = tested[np.argsort(p[tested], kind="stable")]
    steps = p[order] * np.arange(len(order), 0, -1)
    adjusted = np.full(len(p), np.nan)
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1.0) if len(order) else steps
    return adjusted


@dataclass(frozen=True, slots=True)
class Judgement:
    """Whether two estimates may be compared: the grade, the axes they differ on, a caveat for each."""

    grade: m.Grade
    differs_on: tuple[m.Axis, ...]
    caveats: tuple[str, ...]


def facts(catalogue: Catalogue, side: m.Side) -> dict[str, str]:
    """State, for one side of a comparison, where it stands on each axis ("not known" where nobody can say)."""
    wave = catalogue.waves[side.wave]
    indicator = catalogue.indicators[side.indicator]
    question = catalogue.question_of(side.wave, side.indicator)
    population = catalogue.population(side.wave)
    place = population.geography if side.level == "all" else f"{side.level}, {population.geography}"
    return {
        "concept": indicator.concept.replace("_", " "),
        "wording": UNKNOWN if question is None or question.text is None else question.text,
        "prompting": UNKNOWN if question is None else _plain(question.prompting),
        "recall": _plain(indicator.recall),
        "population_age": UNKNOWN if population.age_from is None else f"aged {population.age_from} and over",
        "population_geography": place,
        "mode": _plain(wave.mode),
        "sampling": _plain(catalogue.sampling(side.wave)),
        "fieldwork": wave.fieldwork.label,
        "series": wave.series or UNKNOWN,
    }


WORDS = {
    "unknown": UNKNOWN,
    "12m": "the last 12 months",
    "four_weeks": "the last four weeks",
    "monthly": "at least once a month",
    "not_applicable": "no period",
    "web_and_paper": "web and paper",
    "face_to_face": "face to face",
    "opt_in_panel": "an opt-in panel",
    "probability": "a random sample",
    "quota": "a quota sample",
    "single_item": "one question",
    "list": "a prompted list",
    "battery": "a battery of questions",
}


def _plain(word: str) -> str:
    return WORDS.get(word, word.replace("_", " "))


def _months_apart(left: m.Fieldwork, right: m.Fieldwork) -> float:
    """Months between the nearest ends of two fieldwork periods; whole years where only the year is known."""
    if left.start and left.end and right.start and right.end:
        first, second = sorted([(left.start, left.end), (right.start, right.end)])
        return max((second[0] - first[1]).days, 0) / 30.44
    return 12.0 * abs(left.year - right.year)


def _breaks_between(catalogue: Catalogue, left: m.Side, right: m.Side) -> list[str]:
    """Reasons for the breaks of a series that lie between two of its waves."""
    a, b = catalogue.waves[left.wave], catalogue.waves[right.wave]
    if a.survey != b.survey or a.series is None or a.series != b.series:
        return []
    order = catalogue.series_waves(a.survey, a.series)
    first, last = sorted([order.index(left.wave), order.index(right.wave)])
    return [
        x.reason for x in catalogue.surveys[a.survey].series[a.series].breaks if x.wave in order[first + 1 : last + 1]
    ]


def _differing(catalogue: Catalogue, left: m.Side, right: m.Side) -> dict[m.Axis, tuple[str, str]]:
    """Axes on which two sides differ or are not known to agree, with where each stands."""
    a, b = facts(catalogue, left), facts(catalogue, right)
    same_wave = left.wave == right.wave
    wave_a, wave_b = catalogue.waves[left.wave], catalogue.waves[right.wave]
    out: dict[m.Axis, tuple[str, str]] = {}
    question_a = catalogue.question_of(left.wave, left.indicator)
    same_question = question_a is not None and question_a == catalogue.question_of(right.wave, right.indicator)
    for axis in ("concept", "wording", "prompting", "recall", "population_age", "mode", "sampling"):
        settled = (same_wave and axis in ("population_age", "mode", "sampling")) or (
            same_question and axis in ("wording", "prompting")
        )
        if not settled and (a[axis] != b[axis] or a[axis] == UNKNOWN):
            out[axis] = (a[axis], b[axis])
    if a["population_geography"] != b["population_geography"]:
        out["population_geography"] = (a["population_geography"], b["population_geography"])
    if _months_apart(wave_a.fieldwork, wave_b.fieldwork) > catalogue.rules.comparability.fieldwork_months:
        out["fieldwork"] = (a["fieldwork"], b["fieldwork"])
    if wave_a.survey == wave_b.survey and wave_a.series != wave_b.series:
        out["series"] = (a["series"], b["series"])
    if reasons := _breaks_between(catalogue, left, right):
        out["series_break"] = (" ".join(reasons), "")
    return out


def judge(
    catalogue: Catalogue,
    left: m.Side,
    right: m.Side,
    *,
    about: Iterable[m.Axis] = (),
    override: m.Override | None = None,
) -> Judgement:
    """Say whether two estimates are like for like, and what to tell a reader if they are not.

    Parameters
    ----------
    catalogue : Catalogue
        Holds the facts about both sides and the rule.
    left, right : Side
    about : iterable of str, optional
        Axes on which the two are meant to differ; they carry no caveat.
    override : Override, optional
        A grade given by a person, with the reason; the reason becomes a caveat.

    Returns
    -------
    Judgement
        The gravest grade of any differing axis; `not_comparable` also when the rule's number of axes differ.
    """
    rules = catalogue.rules.comparability
    axes = {k: v for k, v in _differing(catalogue, left, right).items() if k not in set(about)}
    caveats = [
        rules.axes[k]
        .caveat.format(left=v[0], right=v[1])
        .replace(f"{UNKNOWN} against {UNKNOWN}", f"{UNKNOWN} of either")
        for k, v in axes.items()
    ]
    grades = {rules.axes[k].grade for k in axes}
    if "not_comparable" in grades or len(axes) >= rules.not_comparable_from:
        grade: m.Grade = "not_comparable"
    else:
        grade = "indicative" if "indicative" in grades else "comparable"
    if override is not None:
        grade = override.grade
        caveats.append(f"Graded {grade.replace('_', ' ')} by hand: {override.reason}")
    return Judgement(grade, tuple(axes), tuple(caveats))


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
