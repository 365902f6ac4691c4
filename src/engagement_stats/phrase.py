"""Say an estimate or a comparison in a sentence, in the style of official statistics.

Belongs here: rounding for readers, the words a verdict allows, and the mark on synthetic numbers.
Not here: verdicts and caveats (compare), claims (claim), and what an indicator is called (catalogue).
"""

import math
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import pandas as pd

from engagement_stats.catalogue import Catalogue
from engagement_stats.catalogue import model as m

SYNTHETIC = "SYNTHETIC"
# Symbols of published figures that stand in place of a number for other reasons than few respondents.
NOT_A_NUMBER = ("[low]", "[x]", "[z]")


def rounded(value: float, decimals: int = 0) -> str:
    """Round a number for readers: half away from zero, on its shortest decimal form.

    The one place where numbers are rounded for people, so that every output shows the same digits.

    Parameters
    ----------
    value : float
        Finite, unrounded.
    decimals : int, default 0

    Returns
    -------
    str

    Examples
    --------
    >>> rounded(28.5), rounded(2.675, 2), rounded(-0.4)
    ('29', '2.68', '0')
    """
    # Fifteen significant digits: more would show how the sum was added up, not what it is.
    exact = Decimal(f"{value:.15g}")
    text = f"{exact.quantize(Decimal(1).scaleb(-decimals), rounding=ROUND_HALF_UP):f}"
    return text.removeprefix("-") if float(text) == 0 else text


def percentage(share: float, decimals: int = 0) -> str:
    """Write a share (0 to 1) as a percentage without the sign.

    Examples
    --------
    >>> percentage(0.193141)
    '19'
    """
    return rounded(100 * share, decimals)


def _value(value: float, unit: str, decimals: int = 0) -> str:
    return f"{percentage(value, decimals)} per cent" if unit == "proportion" else rounded(value, 2)


def _interval(row: Any, decimals: int = 0) -> str:
    if row.ci_lower is None or math.isnan(row.ci_lower):
        return "no interval can be given"
    low, high = (
        (percentage(row.ci_lower, decimals), percentage(row.ci_upper, decimals))
        if row.unit == "proportion"
        else (rounded(row.ci_lower, 2), rounded(row.ci_upper, 2))
    )
    assumed = ", assuming a design effect" if row.variance_basis == "assumed" else ""
    return f"{percentage(row.confidence)}% interval {low} to {high}{assumed}"


def group(catalogue: Catalogue, side: m.Side) -> str:
    """Name the people a side is about, to complete "14 per cent of ..."."""
    people = catalogue.population(side.wave).phrase
    return people if side.level == "all" else f"{people} ({side.level})"


def estimate(catalogue: Catalogue, row: Any, decimals: int = 0) -> str:
    """Say one estimate, with its interval and where it comes from, without a full stop.

    Parameters
    ----------
    catalogue : Catalogue
    row : named tuple
        A row of estimates that is not suppressed.
    decimals : int, default 0
        Of percentages.

    Returns
    -------
    str
    """
    side = m.Side(wave=row.wave, indicator=row.indicator, domain=row.domain, level=row.level)
    phrase = catalogue.indicators[row.indicator].phrase
    label = catalogue.waves[row.wave].label
    shown = f"{_value(row.estimate, row.unit, decimals)} ({_interval(row, decimals)})"
    return f"{shown} of {group(catalogue, side)} {phrase} ({label})"


def _points(value: float, unit: str, towards: float | None = None) -> str:
    """Say the size of a difference; an end of its interval is signed by the direction of the difference."""
    size = abs(value) if towards is None else value * (1 if towards > 0 else -1)
    if unit != "proportion":
        return rounded(size, 2)
    return f"{percentage(size, 1)} percentage points" if towards is None else percentage(size, 1)


def comparison(catalogue: Catalogue, row: Any, left: Any, right: Any) -> str:
    """Say a comparison in words its verdict allows.

    Parameters
    ----------
    catalogue : Catalogue
    row : named tuple
        A row of comparisons.
    left, right : named tuple
        Its two sides, rows of estimates.

    Returns
    -------
    str
        One or two sentences; marked SYNTHETIC when a side is.
    """
    mark = f"{SYNTHETIC}: " if row.is_synthetic else ""
    if row.is_suppressed:
        # What a producer published in place of a number is not for us to explain by the number of respondents.
        theirs = [s.symbol for s in (left, right) if s.is_suppressed and s.symbol in NOT_A_NUMBER]
        why = "One of these figures was not published as a number, so there is no comparison."
        return mark + (why if theirs else "Too few people answered to publish this comparison.")
    decimals = _decimals(row, left, right)
    said, beside = estimate(catalogue, left, decimals), _beside(catalogue, left, right, decimals)
    if row.verdict == "not comparable":
        return (
            f"{mark}{said}; {beside}. These two figures do not measure the same thing in the same way, so neither "
            "should be given as higher, lower or a share of the other."
        )
    if pd.isna(row.verdict):
        return f"{mark}{said}, against {beside}. It cannot be said whether they differ: no standard error is known."
    if row.verdict == "no clear difference" and row.p_value == 1 and left.rounding + right.rounding > 0:
        return f"{mark}{said}, against {beside}. These figures are rounded too coarsely to tell whether they differ."
    if row.verdict == "no clear difference":
        return f"{mark}{said}, similar to {beside}. There is no clear difference between them."
    return (
        f"{mark}{said}, {row.verdict} than {beside}: a difference of {_points(row.difference, left.unit)} "
        f"({_ends(row, left.unit)})."
    )


def _ends(row: Any, unit: str) -> str:
    near, far = (row.ci_lower, row.ci_upper) if row.difference > 0 else (row.ci_upper, row.ci_lower)
    return f"{_points(near, unit, row.difference)} to {_points(far, unit, row.difference)}"


def _decimals(row: Any, left: Any, right: Any) -> int:
    """Whole per cents, unless a difference that is told would vanish in them."""
    same = percentage(left.estimate) == percentage(right.estimate)
    return 1 if row.verdict in ("higher", "lower") and same else 0


def _beside(catalogue: Catalogue, left: Any, right: Any, decimals: int) -> str:
    """Say the second estimate of a comparison, leaving out what was just said of the first."""
    if left.indicator != right.indicator:
        return estimate(catalogue, right, decimals)
    sides = [m.Side(wave=r.wave, indicator=r.indicator, domain=r.domain, level=r.level) for r in (left, right)]
    people = [group(catalogue, side) for side in sides]
    of = "" if people[0] == people[1] else f" of {people[1]}"
    where = "" if left.wave == right.wave else f" ({catalogue.waves[right.wave].label})"
    return f"{_value(right.estimate, right.unit, decimals)} ({_interval(right, decimals)}){of}{where}"


def with_sentences(comparisons: pd.DataFrame, estimates: pd.DataFrame, catalogue: Catalogue) -> pd.DataFrame:
    """Add to each comparison the sentence a writer may use.

    Parameters
    ----------
    comparisons : DataFrame, shape (n comparisons, columns of comparisons)
    estimates : DataFrame, shape (n estimates, columns of estimates)
        Holds both sides of each comparison.
    catalogue : Catalogue

    Returns
    -------
    DataFrame, shape (n comparisons, one column more)
        With `sentence`.
    """
    sides = {(r.wave, r.indicator, r.domain, r.level): r for r in estimates.itertuples(index=False)}
    sentences = [
        comparison(
            catalogue,
            row,
            sides[row.left_wave, row.left_indicator, row.left_domain, row.left_level],
            sides[row.right_wave, row.right_indicator, row.right_domain, row.right_level],
        )
        for row in comparisons.itertuples(index=False)
    ]
    return comparisons.assign(sentence=pd.Series(sentences, index=comparisons.index, dtype="object"))
