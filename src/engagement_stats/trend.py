"""Fit the trend of an indicator through the comparable waves of a series.

Belongs here: slopes with their interval, whether a straight line fits, breaks, missing waves, turning points.
Not here: the change since the wave before (compare), facts about waves and breaks (catalogue), sentences (phrase).
Methods: docs/methods.md#trends
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from scipy import special

from engagement_stats.catalogue import Catalogue
from engagement_stats.catalogue import model as m

CONFIDENCE = 0.95
# A straight line is not claimed where the waves scatter about it more than their standard errors explain.
FIT_LEVEL = 0.05
LEAST_WAVES = 3
# Waves lie up to half as far again from each other as they usually do when their fieldwork moves within the year.
GAP = 1.5

COLUMNS = [
    "series", "indicator", "domain", "level", "segment", "first_wave", "last_wave", "waves", "years", "slope",
    "standard_error", "ci_lower", "ci_upper", "confidence", "fit_statistic", "fit_degrees_of_freedom", "fit_p_value",
    "direction", "change", "change_ci_lower", "change_ci_upper", "turning_points", "note", "is_synthetic",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Slope:
    """Change a year, its doubt, and how well a straight line fits (Cochran's Q with its degrees of freedom and p)."""

    slope: float
    standard_error: float
    ci_lower: float
    ci_upper: float
    fit_statistic: float
    fit_degrees_of_freedom: int
    fit_p_value: float


def slope(
    years: Sequence[float],
    estimates: Sequence[float],
    standard_errors: Sequence[float],
    rounding: Sequence[float] | None = None,
    confidence: float = CONFIDENCE,
) -> Slope:
    """Fit a straight line through independent estimates whose standard errors are known.

    Parameters
    ----------
    years : sequence of float, length k
        Two different times at least.
    estimates, standard_errors : sequence of float, length k
        Standard errors positive.
    rounding : sequence of float, optional
        The most that rounding can have moved each estimate: the interval is widened by the most it can have moved
        the slope.
    confidence : float in (0, 1), default 0.95

    Returns
    -------
    Slope
        In the unit of the estimates a year.

    Notes
    -----
    Source: weighted least squares with known variances, as in fixed-effect meta-regression; the test of fit is
    Cochran's (1954) Q. The variance is that of the estimates alone: it is not scaled by the scatter about the line,
    which the test of fit reports instead.
    Verified: statsmodels WLS with `cov_type="fixed scale"` and simulation, tests/test_trend.py, rtol 1e-10.

    Examples
    --------
    >>> s = slope([2016, 2017, 2018], [0.40, 0.38, 0.36], [0.01, 0.01, 0.01])
    >>> round(s.slope, 4), round(s.standard_error, 4)
    (-0.02, 0.0071)
    """
    x, y, se = (np.asarray(v, dtype="float64") for v in (years, estimates, standard_errors))
    weight = 1 / se**2
    centre = (weight * x).sum() / weight.sum()
    spread = (weight * (x - centre) ** 2).sum()
    lean = weight * (x - centre) / spread  # the slope is the sum of these times the estimates
    found = float(lean @ y)
    error = float(1 / np.sqrt(spread))
    off = y - (weight * y).sum() / weight.sum() - found * (x - centre)
    statistic, df = float((weight * off**2).sum()), len(x) - 2
    moved = 0.0 if rounding is None else float(np.abs(lean) @ np.asarray(rounding, dtype="float64"))
    z = float(special.ndtri((1 + confidence) / 2))
    p = float(special.chdtrc(df, statistic)) if df > 0 else np.nan
    return Slope(found, error, found - z * error - moved, found + z * error + moved, statistic, df, p)


def _time(wave: m.MicrodataWave | m.TablesWave) -> float | None:
    """Return the middle of a wave's fieldwork in years, None where its dates are not known."""
    start, end = wave.fieldwork.start, wave.fieldwork.end
    if start is None or end is None:
        return None
    middle = start + (end - start) / 2
    return middle.year + (middle.timetuple().tm_yday - 1) / 365.25


def times(catalogue: Catalogue, waves: Sequence[str]) -> list[float]:
    """Place waves in time: the middle of fieldwork where it is known of all of them, otherwise the year."""
    known = [_time(catalogue.waves[w]) for w in waves]
    return [t for t in known if t is not None] if None not in known else [
        float(catalogue.waves[w].fieldwork.year) for w in waves
    ]  # fmt: skip


def segments(catalogue: Catalogue, survey: str, series: str) -> list[list[str]]:
    """Divide the waves of a series at its breaks."""
    starts = {b.wave for b in catalogue.surveys[survey].series[series].breaks}
    parts: list[list[str]] = [[]]
    for wave in catalogue.series_waves(survey, series):
        if wave in starts and parts[-1]:
            parts.append([])
        parts[-1].append(wave)
    return parts


def turning_points(verdicts: Mapping[str, str | None], waves: Sequence[str]) -> list[str]:
    """Name the waves at which clear changes turned from one direction to the other.

    Parameters
    ----------
    verdicts : mapping of str to str
        The verdict on each wave against the one before it.
    waves : sequence of str
        In order of time.

    Returns
    -------
    list of str
        The last wave before each clear change that goes against the clear change before it.

    Examples
    --------
    >>> turning_points({"b": "higher", "c": "no clear difference", "d": "lower"}, ["a", "b", "c", "d"])
    ['c']
    """
    found, before = [], None
    for earlier, later in pairwise(waves):
        verdict = verdicts.get(later)
        if verdict not in ("higher", "lower"):
            continue
        if before is not None and verdict != before:
            found.append(earlier)
        before = verdict
    return found


def _gaps(catalogue: Catalogue, waves: Sequence[str]) -> list[str]:
    """Say where waves are missing, and where there are some that have no figure of the indicator."""
    entry = catalogue.waves[waves[0]]
    assert entry.series is not None  # a trend goes through a series
    series = catalogue.series_waves(entry.survey, entry.series)
    years = sorted({catalogue.waves[w].fieldwork.year for w in series})
    # Of two waves nobody can tell how often there is one: yearly, as most are.
    usual = float(np.median(np.diff(years))) if len(years) > 2 else 1.0
    notes = []
    for earlier, later in pairwise(waves):
        ends = [catalogue.waves[w] for w in (earlier, later)]
        between = f"between {ends[0].label} and {ends[1].label}"
        apart = times(catalogue, [earlier, later])
        if any(ends[0].fieldwork.year < y < ends[1].fieldwork.year for y in years):
            notes.append(f"No figure is known of the waves {between}.")
        elif apart[1] - apart[0] > GAP * usual:
            notes.append(f"No wave is known {between}.")
    return notes


def _usable(row: Any) -> bool:
    return not row.is_suppressed and row.standard_error is not None and row.standard_error > 0


def _unlike(catalogue: Catalogue, changes: pd.DataFrame) -> dict[tuple[str, str], str]:
    """Say of waves that differ from the one before, breaks apart, in what: a trend goes through them all the same."""
    out = {}
    for row in changes[changes["grade"] != "comparable"].itertuples(index=False):
        axes = [a for a in row.differs_on.split(", ") if a and a != "series_break"]
        if axes:
            waves = " and ".join(catalogue.waves[w].label for w in (row.right_wave, row.left_wave))
            names = " and ".join(catalogue.style.axes[a] for a in axes)
            out[row.left_indicator, row.left_wave] = f"{waves} differ, or are not known to agree, in {names}."
    return out


def _segment(
    catalogue: Catalogue,
    rows: Sequence[Any],
    verdicts: Mapping[str, str | None],
    unlike: Mapping[tuple[str, str], str],
    before: str | None,
) -> dict[str, Any]:
    """Describe one indicator through the waves of one segment, `before` being the last wave ahead of its break."""
    used = [r for r in rows if _usable(r)]
    waves = [r.wave for r in used]
    notes = _gaps(catalogue, [*([before] if before else []), *(r.wave for r in rows)])
    notes += [unlike[r.indicator, r.wave] for r in rows[1:] if (r.indicator, r.wave) in unlike]
    if left_out := [catalogue.waves[r.wave].label for r in rows if not _usable(r)]:
        notes.append(f"Left out, having no standard error: {'; '.join(left_out)}.")
    row: dict[str, Any] = {
        "first_wave": rows[0].wave, "last_wave": rows[-1].wave, "waves": len(used), "direction": "too few waves",
        "turning_points": ", ".join(turning_points(verdicts, [r.wave for r in rows])) or None,
        "is_synthetic": any(r.is_synthetic for r in rows),
    }  # fmt: skip
    if len(used) >= LEAST_WAVES:
        at = times(catalogue, waves)
        rounding = [float(np.nan_to_num(r.rounding)) for r in used]
        fitted = slope(at, [r.estimate for r in used], [r.standard_error for r in used], rounding)
        row |= {k: getattr(fitted, k) for k in fitted.__slots__}
        row |= {"confidence": CONFIDENCE, "years": at[-1] - at[0], "direction": _direction(fitted)}
        if row["direction"] == "uneven":
            notes.append("The waves do not lie on a straight line, so the slope is an average and no steady change.")
        first, last = used[0], used[-1]
        change = last.estimate - first.estimate
        reach = float(special.ndtri((1 + CONFIDENCE) / 2)) * np.hypot(first.standard_error, last.standard_error)
        reach += rounding[0] + rounding[-1]
        row |= {"change": change, "change_ci_lower": change - reach, "change_ci_upper": change + reach}
    return row | {"note": " ".join(notes) or None}


def _direction(fitted: Slope) -> str:
    if fitted.fit_p_value < FIT_LEVEL:
        return "uneven"
    if fitted.ci_lower <= 0 <= fitted.ci_upper:
        return "no clear trend"
    return "rising" if fitted.slope > 0 else "falling"


def trends(estimates: pd.DataFrame, comparisons: pd.DataFrame, catalogue: Catalogue) -> pd.DataFrame:
    """Fit every indicator, domain and level through each unbroken run of waves of its series.

    Parameters
    ----------
    estimates : DataFrame, shape (n estimates, columns of estimates)
        Disclosure rules applied.
    comparisons : DataFrame, shape (n comparisons, columns of comparisons)
        The verdicts on each wave against the one before; turning points follow from them.
    catalogue : Catalogue

    Returns
    -------
    DataFrame, shape (n series x indicators x levels x segments of two waves and more, columns of trends)
        `slope`, its bounds and `change` (last wave less first) in the unit of the estimate, a slope a year; null with
        fewer than three waves. `direction` is "rising", "falling", "no clear trend", "uneven" (a straight line does
        not fit at the 5 per cent level) or "too few waves".
    """
    changes = comparisons[comparisons["kind"] == "series:previous"]
    unlike = _unlike(catalogue, changes)
    verdicts: dict[str, dict[str, str | None]] = {}
    for row in changes.itertuples(index=False):
        verdicts.setdefault(row.left_indicator, {})[row.left_wave] = row.verdict
    by_key: dict[tuple[str, str, str], dict[str, Any]] = {}
    for row in estimates.itertuples(index=False):
        by_key.setdefault((row.indicator, row.domain, row.level), {})[row.wave] = row
    out = []
    for survey, entry in catalogue.surveys.items():
        for series in entry.series:
            parts = segments(catalogue, survey, series)
            for (indicator, domain, level), at in by_key.items():
                known = verdicts.get(indicator, {}) if domain == "all" else {}
                before = None
                for number, waves in enumerate(parts, start=1):
                    rows = [at[w] for w in waves if w in at]
                    if len(rows) >= 2:
                        out.append({
                            "series": series, "indicator": indicator, "domain": domain, "level": level,
                            "segment": number, **_segment(catalogue, rows, known, unlike, before),
                        })  # fmt: skip
                    before = rows[-1].wave if rows else before
    frame = pd.DataFrame(out).reindex(columns=COLUMNS)
    return frame.sort_values(COLUMNS[:5], kind="stable").reset_index(drop=True)
