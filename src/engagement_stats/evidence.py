"""Find what a release knows that bears on a claim: an estimate, a comparison, a place in a league table.

Belongs here: looking evidence up, the newest wave of the series each side comes from, a comparison made afresh with it.
Not here: verdicts on claims (claim), differences and grades (compare, comparability), wording of estimates (phrase).
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from engagement_stats import compare, phrase, stated
from engagement_stats.catalogue import Catalogue
from engagement_stats.catalogue import model as m
from engagement_stats.comparability import judge
from engagement_stats.errors import ComparisonError
from engagement_stats.lexicon import Meaning

NO_SENTENCE = "No sentence can be offered: the evidence for this claim is not at hand."
FRESH = "newest"


@dataclass(frozen=True, slots=True)
class Found:
    """What the evidence gives for the quantity of a claim: a point with its interval, or the reason why it does not.

    `grade` and `differs_on` are those of a comparison, `grade` None for a single figure. `named` says the figures used,
    each with its wave.
    """

    point: float = math.nan
    low: float = math.nan
    high: float = math.nan
    reason: str | None = None
    grade: m.Grade | None = None
    differs_on: str = ""
    named: str = ""
    sentence: str = NO_SENTENCE
    caveats: str = ""
    evidence: str = ""
    is_synthetic: bool = False


def undecided(reason: str) -> Found:
    """Say why there is no evidence."""
    return Found(reason=reason, evidence=reason)


class Evidence:
    """A release's estimates, comparisons and league tables, to be asked about one claim after another.

    Parameters
    ----------
    catalogue : Catalogue
    estimates, comparisons, league_tables, covariances : DataFrame
        As released; `comparisons` with sentences, `covariances` as `compare.comparisons` takes them.
    """

    def __init__(
        self, catalogue: Catalogue, estimates: pd.DataFrame, comparisons: pd.DataFrame, league_tables: pd.DataFrame,
        covariances: pd.DataFrame,
    ) -> None:  # fmt: skip
        self.catalogue, self.estimates, self.covariances = catalogue, estimates, covariances
        self.by_key = {(r.wave, r.indicator, r.domain, r.level): r for r in estimates.itertuples(index=False)}
        self.by_name = {r.comparison: r for r in comparisons.itertuples(index=False)}
        self.places = {(r.wave, r.indicator, r.domain, r.level): r for r in league_tables.itertuples(index=False)}

    def of_claim(self, claim: m.Claim, meaning: Meaning) -> Found:
        """Return what decides a claim."""
        if claim.cannot_be_checked is not None:
            return undecided(claim.cannot_be_checked)
        if claim.documented is not None:
            return self._documented(claim.documented, meaning)
        if claim.estimate is not None:
            return self.place(claim.estimate, meaning) if meaning.quantity == "rank" else self.level(claim.estimate)
        return self._compared(str(claim.comparison), meaning)

    def level(self, side: m.Side) -> Found:
        """Return one estimate."""
        where, row = ", ".join(side.key), self.by_key.get(side.key)
        if row is None or row.is_suppressed:
            return undecided(f"The estimate {where} {'is not in this release' if row is None else 'is suppressed'}.")
        if row.evidence == "unverified":
            note = str(row.note if isinstance(row.note, str) else row.source).rstrip(".")
            return undecided(f"The only figure at hand, {where}, is itself unverified: {note}.")
        mark = f"{phrase.SYNTHETIC}: " if row.is_synthetic else ""
        return Found(
            row.estimate, row.ci_lower, row.ci_upper, named=self._named(side),
            sentence=f"{mark}{phrase.estimate(self.catalogue, row)}.",
            caveats=row.note if isinstance(row.note, str) else "",
            evidence=f"estimate {where}; source {row.source}", is_synthetic=bool(row.is_synthetic),
        )  # fmt: skip

    def place(self, side: m.Side, meaning: Meaning) -> Found:
        """Return the place of a level among all of its domain, from the top or from the end."""
        where, row = ", ".join(side.key), self.places.get(side.key)
        if row is None:
            return undecided(f"No league table of this release gives {where} a place.")
        best, place, worst = row.rank_lower, row.rank, row.rank_upper
        if meaning.from_end:
            best, place, worst = (row.areas + 1 - x for x in (worst, place, best))
        label = self.catalogue.indicators[side.indicator].label
        wave = self.catalogue.waves[side.wave].label
        among = f"of {row.areas}{' from the lowest' if meaning.from_end else ''}"
        mark = f"{phrase.SYNTHETIC}: " if row.is_synthetic else ""
        left_out = f"{row.unranked} of the same kind have no place, for want of a figure." if row.unranked else ""
        return Found(
            place, best, worst, named=f"place {place} {among} ({wave})",
            sentence=f"{mark}{side.level}: place {place} {among} by {label[0].lower() + label[1:]}, its true place "
            f"lying between {best} and {worst} ({phrase.percentage(row.confidence)}% confidence for all; "
            f"{wave}).",
            caveats=left_out, evidence=f"league table {where}", is_synthetic=bool(row.is_synthetic),
        )  # fmt: skip

    def _documented(self, known: m.Documented, meaning: Meaning) -> Found:
        said = stated.shown(meaning.quantity, meaning.unit, known.value)
        return Found(
            known.value, known.value if known.lower is None else known.lower,
            known.value if known.upper is None else known.upper, named=f"{said} ({known.source.rstrip('.')})",
            sentence=f"The documented number is {said} ({known.source.rstrip('.')}).",
            evidence=f"a documented number, no survey evidence: {known.source}",
        )  # fmt: skip

    def sides(self, claim: m.Claim) -> tuple[m.Side, ...]:
        """Return the estimates a claim rests on, none where it rests on no estimate."""
        if claim.estimate is not None:
            return (claim.estimate,)
        entry = None if claim.comparison is None else self.catalogue.comparisons[claim.comparison]
        return (entry.left, entry.right) if isinstance(entry, m.PairComparison) else ()

    def _compared(self, name: str, meaning: Meaning) -> Found:
        entry, row = self.catalogue.comparisons.get(name), self.by_name.get(name)
        if row is not None:
            return self._of_row(row, meaning, f"comparison {name}")
        found = undecided(f"The comparison {name} is not in this release: a side has not landed.")
        if not isinstance(entry, m.PairComparison):
            return found
        judged = judge(self.catalogue, entry.left, entry.right, about=entry.about, override=entry.override)
        return replace(found, grade=judged.grade, differs_on=", ".join(judged.differs_on))

    def _of_row(self, row: Any, meaning: Meaning, evidence: str) -> Found:
        known: dict[str, Any] = {
            "grade": row.grade, "differs_on": row.differs_on, "is_synthetic": bool(row.is_synthetic),
        }  # fmt: skip
        if row.is_suppressed:
            return Found(reason=f"The {evidence} is suppressed.", evidence=f"{evidence} is suppressed", **known)
        if meaning.quantity == "difference":
            numbers = row.difference, row.ci_lower, row.ci_upper
        else:
            less = 1 if meaning.quantity == "relative_change" else 0
            numbers = row.ratio - less, row.ratio_ci_lower - less, row.ratio_ci_upper - less
        sides = [
            m.Side(wave=w, indicator=i, domain=d, level=x)
            for w, i, d, x in (
                (row.left_wave, row.left_indicator, row.left_domain, row.left_level),
                (row.right_wave, row.right_indicator, row.right_domain, row.right_level),
            )
        ]
        return Found(
            *numbers, named=" against ".join(self._named(side) for side in sides), sentence=row.sentence,
            caveats=row.caveats, evidence=evidence, **known,
        )  # fmt: skip

    def _named(self, side: m.Side) -> str:
        row = self.by_key.get(side.key)
        label = self.catalogue.waves[side.wave].label
        if row is None:
            return f"no figure ({label})"
        unit: m.Unit = "share" if row.unit == "proportion" else "number"
        return f"{stated.amount(row.estimate, unit)} ({label})"

    def newest(self, claim: m.Claim, meaning: Meaning) -> tuple[tuple[m.Side, ...], Found | None]:
        """Find the newest estimates of the series a claim's sides come from, and what they give.

        Parameters
        ----------
        claim : Claim
            With sides, as `sides` gives them.
        meaning : Meaning

        Returns
        -------
        tuple
            The newest sides, and the evidence from them: None when they are the claim's own.

        Notes
        -----
        Two sides of one wave stay in one wave. Of two waves of one series, a change, the earlier one is the base and
        stays.
        """
        sides = self.sides(claim)
        fresh = self._newest_sides(sides)
        if fresh == sides:
            return sides, None
        if len(fresh) == 1:
            return fresh, self.place(fresh[0], meaning) if meaning.quantity == "rank" else self.level(fresh[0])
        entry = self.catalogue.comparisons[str(claim.comparison)]
        assert isinstance(entry, m.PairComparison)
        return fresh, self._afresh(entry, fresh[0], fresh[1], meaning)

    def _newest_sides(self, sides: tuple[m.Side, ...]) -> tuple[m.Side, ...]:
        if len(sides) == 1:
            return (self._newest(sides[0], self._carrying(sides[0])),)
        left, right = sides
        if left.wave == right.wave:
            both = [w for w in self._carrying(left) if w in self._carrying(right)]
            return self._newest(left, both), self._newest(right, both)
        one_series = self._series(left) == self._series(right) and left.key[1:] == right.key[1:]
        if not one_series:
            return self._newest(left, self._carrying(left)), self._newest(right, self._carrying(right))
        order = self._order(left)
        if order.index(left.wave) > order.index(right.wave):
            return self._newest(left, self._carrying(left)), right
        return left, self._newest(right, self._carrying(right))

    def _series(self, side: m.Side) -> tuple[str, str | None]:
        wave = self.catalogue.waves[side.wave]
        # A wave in no series is alone of its kind.
        return wave.survey, wave.series or f"{side.wave} alone"

    def _order(self, side: m.Side) -> list[str]:
        wave = self.catalogue.waves[side.wave]
        return [side.wave] if wave.series is None else self.catalogue.series_waves(wave.survey, wave.series)

    def _carrying(self, side: m.Side) -> list[str]:
        """List the waves of a side's series with a figure for it that may be shown, oldest first."""
        rows = [(w, self.by_key.get((w, *side.key[1:]))) for w in self._order(side)]
        return [w for w, row in rows if row is not None and not row.is_suppressed]

    def _newest(self, side: m.Side, waves: list[str]) -> m.Side:
        order = self._order(side)
        later = [w for w in waves if order.index(w) > order.index(side.wave)]
        return side.model_copy(update={"wave": later[-1]}) if later else side

    def _afresh(self, entry: m.PairComparison, left: m.Side, right: m.Side, meaning: Meaning) -> Found:
        # A grade given by hand was given for other waves. Only a refusal is kept: it is the questions that differ.
        kept = entry.override if entry.override is not None and entry.override.grade == "not_comparable" else None
        pair: Mapping[str, m.Comparison] = {
            FRESH: entry.model_copy(update={"left": left, "right": right, "override": kept})
        }
        asked = pd.Series(list(self.by_key), index=self.estimates.index).isin([left.key, right.key])
        try:
            rows = compare.comparisons(
                self.estimates[asked], self.covariances, replace(self.catalogue, comparisons=pair)
            )
        except ComparisonError:
            return undecided("How the newest two estimates vary together was not estimated.")
        if not len(rows):
            return undecided("The newest estimates of both sides are not in this release.")
        row = next(rows.assign(sentence="").itertuples(index=False))
        return self._of_row(row, meaning, f"a comparison of {', '.join(left.key)} with {', '.join(right.key)}")
