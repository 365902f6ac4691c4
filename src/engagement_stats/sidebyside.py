"""Two estimates of a release, set side by side as somebody's text sets them.

Belongs here: the comparison as released, turned round or made afresh, and how far it can lie from the truth where
nobody knows how the two vary together.
Not here: which two are meant (identify), the numbers and verdicts of a comparison (compare), the verdict on the text
(verify).
Methods: docs/methods.md#statements-of-a-text
"""

import math
from dataclasses import replace
from typing import Any

import pandas as pd

from engagement_stats import compare, phrase
from engagement_stats.catalogue import KEY, Catalogue
from engagement_stats.catalogue import model as m
from engagement_stats.differences import standard_error_for_test

FLIPPED = {"higher": "lower", "lower": "higher"}
PAIR = "text"
PARTS = ("indicator", "domain", "level")


class SideBySide:
    """The comparisons of a release, and those its estimates allow besides.

    Parameters
    ----------
    catalogue : Catalogue
    estimates, comparisons : DataFrame
        As released.
    """

    def __init__(self, catalogue: Catalogue, estimates: pd.DataFrame, comparisons: pd.DataFrame) -> None:
        self.catalogue, self.estimates = catalogue, estimates
        self._released: dict[tuple[Any, Any], Any] = {}
        for row in comparisons.itertuples(index=False):
            sides = (tuple(getattr(row, f"{s}_{k}") for k in KEY) for s in ("left", "right"))
            self._released[next(sides), next(sides)] = row

    def rows(self, left: m.Side, right: m.Side) -> list[Any]:
        """Compare two estimates.

        Parameters
        ----------
        left, right : Side
            Keys of estimates of the release.

        Returns
        -------
        list of namedtuple, length 0 to 2
            Rows of `comparisons`, with sentences. Two where both sides are of one sample and their covariance was not
            released: with the least it can be, so the widest interval, and with the most. None where they are shares
            of different things as well.

        Notes
        -----
        Source: the Cauchy-Schwarz inequality; a correlation lies between -1 and 1. What both rows say holds whichever
        it is. Verified: tests/test_sidebyside.py, against the exact covariances of estimates of one sample.
        """
        released = self._released.get((left.key, right.key))
        if released is not None:
            return [released]
        turned = self._released.get((right.key, left.key))
        if turned is not None:
            return [_turned(turned)]
        keys = pd.MultiIndex.from_frame(self.estimates[KEY])
        asked = self.estimates[keys.isin([left.key, right.key])]
        if left.wave != right.wave:
            return [self._made(left, right, asked, 0.0)]
        if left.indicator != right.indicator:
            return []
        largest = float(standard_error_for_test(*(_numbers(asked, c) for c in USED)).prod())
        return [self._made(left, right, asked, sign * largest) for sign in (-1, 1)]

    def _made(self, left: m.Side, right: m.Side, asked: pd.DataFrame, covariance: float) -> Any:
        pair = m.PairComparison(
            kind="pair",
            label="Two figures of a text",
            family=PAIR,
            left=left,
            right=right,
            about=self._about(left, right),
        )
        noted = {
            "wave": left.wave,
            **{f"{s}_{k}": getattr(side, k) for s, side in (("left", left), ("right", right)) for k in PARTS},
            "covariance": covariance,
        }
        made = compare.comparisons(asked, pd.DataFrame([noted]), replace(self.catalogue, comparisons={PAIR: pair}))
        return next(phrase.with_sentences(made, asked, self.catalogue).itertuples(index=False))

    def _about(self, left: m.Side, right: m.Side) -> list[m.Axis]:
        """Return the axes on which a sentence means the sides to differ: time, or people."""
        about: list[m.Axis] = []
        a, b = self.catalogue.waves[left.wave], self.catalogue.waves[right.wave]
        if a.survey == b.survey and left.wave != right.wave:
            about.append("fieldwork")
        places = [self.catalogue.population(s.wave).geography for s in (left, right)]
        if left.level != right.level or places[0] != places[1]:
            about.append("population_geography")
        return about


USED = ("standard_error", "ci_lower", "ci_upper", "degrees_of_freedom", "confidence")


def _numbers(estimates: pd.DataFrame, column: str) -> Any:
    return estimates[column].to_numpy(dtype="float64", na_value=math.nan)


def _turned(row: Any) -> Any:
    """Turn a released comparison round; its sentence stays, since it says the same."""
    return row._replace(
        difference=-row.difference, ci_lower=-row.ci_upper, ci_upper=-row.ci_lower,
        ratio=_inverse(row.ratio), ratio_ci_lower=_inverse(row.ratio_ci_upper),
        ratio_ci_upper=_inverse(row.ratio_ci_lower), verdict=FLIPPED.get(row.verdict, row.verdict),
    )  # fmt: skip


def _inverse(number: float) -> float:
    return 1 / number if number else math.nan
