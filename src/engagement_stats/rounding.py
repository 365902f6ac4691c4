"""Round numbers for people: every digit that a reader sees is cut here.

Belongs here: rounding, and how many decimals a group of numbers needs so that they agree with each other.
Not here: the words around a number (phrase), and the numbers that are stored, which are never rounded.
The views of warehouse/views.sql that round give the same digits; tests/test_rounding.py holds them to it.
"""

import math
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache

# More decimals than this say nothing about a survey.
MOST_DECIMALS = 4


@lru_cache(maxsize=65_536)  # a release says the same figure beside many others
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


def significant(value: float, digits: int) -> str:
    """Round a number to significant digits, without zeros at its end, thousands set apart.

    Examples
    --------
    >>> significant(0.1931405, 6), significant(1100.25, 5), significant(0.000012345, 3)
    ('0.193141', '1,100.3', '1.23e-05')
    """
    exact = Decimal(f"{value:.15g}")
    unit = Decimal(1).scaleb(exact.adjusted() - digits + 1)
    return f"{float(exact.quantize(unit, rounding=ROUND_HALF_UP)):,.{digits}g}"


def published_decimals(half_unit: float, scale: float = 1.0) -> int:
    """Say to how many decimals a figure was published, of which half a unit of the last digit is known.

    Parameters
    ----------
    half_unit : float
        In the unit of the estimate; zero or NaN for a figure that is not rounded.
    scale : float, default 1
        What the estimate is multiplied by for readers: 100 for a proportion.

    Returns
    -------
    int
        `MOST_DECIMALS` for a figure that is not rounded.

    Examples
    --------
    >>> published_decimals(0.005, 100), published_decimals(0.0005, 100), published_decimals(0.0)
    (0, 1, 4)
    """
    if not half_unit > 0:
        return MOST_DECIMALS
    return min(max(round(-math.log10(2 * scale * half_unit)), 0), MOST_DECIMALS)


def vanishes(value: float, decimals: int, *, share: bool) -> bool:
    """Say whether a number would be shown as nothing, or a share as everything, although it is not.

    Parameters
    ----------
    value : float
        As readers see it: a share as a percentage.
    decimals : int
    share : bool
    """
    if value == 0 or (share and value == 100):
        return False
    shown = float(rounded(value, decimals))
    return shown == 0 or (share and shown == 100)


def decimals_of(value: float, least: int, most: int, *, share: bool) -> int:
    """Return the fewest decimals with which a number does not vanish, none beyond those published.

    Examples
    --------
    >>> decimals_of(28.4, 0, 4, share=True), decimals_of(0.32, 0, 4, share=True), decimals_of(0.32, 0, 0, share=True)
    (0, 1, 0)
    """
    decimals = min(least, most)
    while decimals < most and vanishes(value, decimals, share=share):
        decimals += 1
    return decimals


def agreeing(
    left: float,
    right: float,
    result: float,
    near: float,
    *,
    ratio: bool = False,
    share: bool = True,
    least: int = 0,
    most: tuple[int, int] = (MOST_DECIMALS, MOST_DECIMALS),
) -> tuple[int, int, int, int]:
    """Say with how many decimals two numbers and what was made of them agree with each other.

    A reader subtracts (or divides) the two numbers that are shown. The fewest decimals are taken with which that
    gives what is shown as the result, neither number vanishes, and the result is not shown as no difference. The
    interval of the result has more decimals where its near end would be shown as no difference.

    Parameters
    ----------
    left, right : float
        Unrounded, as readers see them: shares as percentages.
    result : float
        Left minus right, or left divided by right; from unrounded values.
    near : float
        The end of its interval nearer to no difference, of the same sign (or side of 1) as the result.
    ratio : bool, default False
    share : bool, default True
    least : int, default 0
        Decimals to begin with.
    most : tuple of int
        Decimals that were published of the left and of the right number.

    Returns
    -------
    tuple of int
        Decimals of left, of right, of the result and of its interval.

    Examples
    --------
    34.4 and 40.7 are shown as 34 and 41, 7 apart; they differ by 6.3. 27.4 and 25.6 differ by 1.8.

    >>> agreeing(40.7, 34.4, 6.3, 4.6), agreeing(27.4, 25.6, 1.8, 0.9), agreeing(36.2, 30.1, 6.1, 4.6)
    ((1, 1, 1, 1), (1, 1, 1, 1), (0, 0, 0, 0))
    """
    for decimals in range(least, MOST_DECIMALS + 1):
        a = decimals_of(left, decimals, most[0], share=share)
        b = decimals_of(right, decimals, most[1], share=share)
        shown_left, shown_right = Decimal(rounded(left, a)), Decimal(rounded(right, b))
        if ratio and not shown_right:
            continue
        made = float(shown_left / shown_right if ratio else shown_left - shown_right)
        for of_result in (decimals + 1,) if ratio else (decimals, decimals - 1):
            if of_result < 0 or is_nothing(result, of_result, ratio=ratio):
                continue
            if rounded(made, of_result) == rounded(result, of_result):
                return a, b, of_result, away_from_nothing(near, of_result, ratio=ratio)
    a, b = (decimals_of(x, least + 1, y, share=share) for x, y in zip((left, right), most, strict=True))
    return a, b, MOST_DECIMALS, MOST_DECIMALS


def is_nothing(value: float, decimals: int, *, ratio: bool = False) -> bool:
    """Say whether a difference is shown as 0, or a ratio as 1."""
    return float(rounded(value, decimals)) == (1 if ratio else 0)


def away_from_nothing(value: float, least: int, *, ratio: bool = False) -> int:
    """Return the fewest decimals with which a difference is not shown as 0, or a ratio as 1.

    Examples
    --------
    >>> away_from_nothing(2.6, 0), away_from_nothing(0.44, 0), away_from_nothing(1.03, 1, ratio=True)
    (0, 1, 2)
    """
    decimals = least
    while decimals < MOST_DECIMALS and is_nothing(value, decimals, ratio=ratio):
        decimals += 1
    return decimals
