"""Hold the statements of a text against a release, as statcheck does for the tests of a paper.

Belongs here: the verdict on each statement, why, and the sentence that may be written instead.
Not here: reading the text (documents, statements), finding the estimate meant (identify), sums of plain numbers
(consistency), and the verdicts' own rules (claim, compare).
Methods: docs/checking_a_text.md
"""

import math
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pandas as pd

from engagement_stats import stated
from engagement_stats.catalogue import Catalogue
from engagement_stats.catalogue import model as m
from engagement_stats.checked import Checked
from engagement_stats.claim import Verdict, decide
from engagement_stats.consistency import of_relation, signed
from engagement_stats.errors import listed
from engagement_stats.evidence import Evidence, Found, undecided
from engagement_stats.identify import Identified, Identifier
from engagement_stats.levels import UNTIMED, Level
from engagement_stats.lexicon import Meaning
from engagement_stats.quantities import Figure
from engagement_stats.sidebyside import SideBySide
from engagement_stats.statements import Relation, Statement
from engagement_stats.wording import similar

UNKNOWN = "How the two estimates vary together is not known."
WIDEST = "How the two figures vary together is not known, so the interval of the difference is the widest it can be."
AT_ODDS = "Two numbers that differ were understood as of one estimate, so the sentence was not understood."
EXPECTED = {"higher": "higher", "lower": "lower", "similar": "no clear difference"}


class Verifier:
    """A release, to be asked about the statements of a text.

    Parameters
    ----------
    catalogue : Catalogue
    estimates, comparisons : DataFrame
        As released.
    """

    def __init__(self, catalogue: Catalogue, estimates: pd.DataFrame, comparisons: pd.DataFrame) -> None:
        self.catalogue, self.estimates = catalogue, estimates
        self.identifier = Identifier(catalogue, estimates.itertuples(index=False))
        self.evidence = Evidence(catalogue, estimates, comparisons, _no("wave", "indicator", "domain", "level"), _no())
        self.side_by_side = SideBySide(catalogue, estimates, comparisons)

    def verify(self, statements: Iterable[Statement]) -> list[Checked]:
        """Check statements.

        Parameters
        ----------
        statements : iterable of Statement

        Returns
        -------
        list of Checked
            A row for each share stated and for each two sides set against each other.
        """
        out: list[Checked] = []
        for statement in statements:
            known: dict[Figure, Identified] = {}
            for level in statement.levels:
                first = next((i.side for i in known.values() if i.side is not None), None)
                known[level.figure] = self.identifier.related(level.subject, first)
            for level in statement.levels:
                row = self._level(statement, level, known[level.figure])
                if row.verdict == "not supported" and self._at_odds(level, statement, known):
                    row = replace(row, verdict="cannot be checked", support="", reason=_join(AT_ODDS, row.reason))
                out.append(row)
            out += [self._relation(statement, relation) for relation in statement.relations]
        return out

    def _level(self, statement: Statement, level: Level, found: Identified) -> Checked:
        row = Checked(
            statement.where, statement.text, "level", level.figure.words, found.match, reason=found.reason,
            candidates="; ".join(", ".join(s.key) for s in found.candidates),
        )  # fmt: skip
        if found.side is None:
            first = level.subject.indicators
            return replace(row, indicator=first[0] if len(first) == 1 else "")
        meaning, evidence = level.figure.meaning, self.evidence.level(found.side)
        verdict, how = decide(meaning, evidence)
        row = replace(
            self._seen(row, found.side, evidence), verdict=verdict, support=how or "",
            reason=" ".join(x for x in (_why_level(meaning, evidence, verdict), found.reason) if x),
        )  # fmt: skip
        if verdict == "not supported":
            row = self._in_doubt(row, found, meaning)
        return row

    def _at_odds(self, level: Level, statement: Statement, known: dict[Figure, Identified]) -> bool:
        """Say whether another number of the sentence is taken to be of the same estimate, and is another number."""
        side, meaning = known[level.figure].side, level.figure.meaning
        assert side is not None
        return any(
            i.side is not None and i.side.key == side.key and not f.meaning.touches(meaning.lower, meaning.upper)
            for f, i in known.items()
        ) or any(x.subject.bar == UNTIMED and self._covers(x.figure.meaning, side) for x in statement.levels)

    def _seen(self, row: Checked, side: m.Side, evidence: Found) -> Checked:
        return replace(
            row, wave=side.wave, indicator=side.indicator, domain=side.domain, level=side.level,
            estimate=evidence.point, ci_lower=evidence.low, ci_upper=evidence.high, sentence=evidence.sentence,
            caveats=evidence.caveats, evidence=evidence.evidence, is_synthetic=evidence.is_synthetic,
        )  # fmt: skip

    def _in_doubt(self, row: Checked, found: Identified, meaning: Meaning) -> Checked:
        """Withhold "not supported": another wave agrees, other people may be meant, or rounding hides the answer."""
        if found.people_assumed:
            return replace(row, verdict="cannot be checked", support="")
        agree = [s for s in found.older if self._covers(meaning, s)]
        if agree:
            waves = listed([self.catalogue.waves[s.wave].label for s in agree])
            reason = f"No year is named. The newest figure differs; that of {waves} agrees: say which is meant."
            keys = "; ".join(", ".join(s.key) for s in agree)
            return replace(row, verdict="cannot be checked", support="", reason=reason, candidates=keys)
        if found.older:
            row = replace(row, reason=f"{row.reason} No other wave of the release agrees with it either.")
        assert found.side is not None
        published = self.evidence.by_key[found.side.key]
        half = float(published.rounding) if pd.notna(published.rounding) else 0.0
        finer = meaning.upper - meaning.lower < 2 * half
        if finer and meaning.touches(published.estimate - half * 0.999, published.estimate + half * 0.999):
            reason = "The figure is published too coarsely to tell whether the digits stated are right."
            return replace(row, verdict="cannot be checked", support="", reason=reason)
        return row

    def _covers(self, meaning: Meaning, side: m.Side) -> bool:
        row = self.evidence.by_key[side.key]
        return not row.is_suppressed and meaning.covers(row.estimate)

    def _relation(self, statement: Statement, relation: Relation) -> Checked:
        sums, sums_why = of_relation(relation)
        kind = relation.figure.quantity if relation.figure is not None else "comparison"
        row = Checked(
            statement.where, statement.text, kind, relation.words, "none", arithmetic=sums, reason=sums_why
        )  # fmt: skip
        left = self.identifier.identify(relation.left)
        if left.side is None:
            return replace(row, match=left.match, reason=_join(left.reason, sums_why))
        right = self._right(relation, left.side)
        if right.side is None:
            return replace(row, match=right.match, reason=_join(right.reason, sums_why))
        if left.side.key[1:] == right.side.key[1:] and left.side.wave == right.side.wave:
            same = "Both sides were understood as one estimate, so the sentence was not understood."
            return replace(row, match="ambiguous", reason=_join(same, sums_why))
        match = "assumed" if "assumed" in (left.match, right.match) else "named"
        row = replace(row, match=match, against=", ".join(right.side.key))
        verdict, why, evidence, how = self._compared(relation, left.side, right.side)
        assumed = _join(left.reason, right.reason if right.reason != left.reason else "")
        if verdict in ("supported", "not supported") and self._another_wave(relation, left, right):
            verdict, how = "cannot be checked", None
            why = "The numbers are not those of the waves that were taken: say which year is meant."
        undated = "assumed" in (left.match, right.match) and relation.left_level is None
        if verdict == "not supported" and undated:
            verdict, how, why = "cannot be checked", None, f"{why} It is not said when."
        return replace(
            self._seen(row, left.side, evidence),
            verdict=verdict,
            support=how or "",
            reason=_join(why, sums_why, assumed),
        )

    def _another_wave(self, relation: Relation, left: Identified, right: Identified) -> bool:
        """Say whether a side without a year states a number that is not the one of the wave that was taken."""
        sides = ((left, relation.left_level), (right, relation.right_level))
        return any(
            i.match == "assumed" and i.side is not None and f is not None and not self._covers(f.meaning, i.side)
            for i, f in sides
        )

    def _right(self, relation: Relation, left: m.Side) -> Identified:
        if relation.right is not None:
            return self.identifier.related(relation.right, left)
        before = self.identifier.before(left)
        if before is None:
            return Identified("none", reason="It is not said against what, and the release has no wave before it.")
        label = self.catalogue.waves[before.wave].label
        return Identified("assumed", before, f"It is not said against what; the wave before was taken ({label}).")

    def _compared(self, relation: Relation, left: m.Side, right: m.Side) -> tuple[Verdict, str, Found, str | None]:
        """Give the verdict on two sides, why, the evidence, and how a number of theirs is supported."""
        rows = self.side_by_side.rows(left, right)
        if not rows:
            return "cannot be checked", UNKNOWN, undecided(""), None
        widest, *others = rows
        verdict, why, found, how = self._by(widest, relation, left, right)
        if not others:
            return verdict, why, found, how
        if any(self._by(row, relation, left, right)[0] != verdict for row in others):
            return "cannot be checked", f"{UNKNOWN} The answer hangs on it.", undecided(""), None
        if verdict in ("supported", "not supported"):
            why = _join(why, f"{UNKNOWN} It is so however they do.")
            found = replace(found, caveats=_join(found.caveats, WIDEST))
        return verdict, why, found, how

    def _by(self, row: Any, relation: Relation, left: m.Side, right: m.Side) -> tuple[Verdict, str, Found, str | None]:
        """Give the verdict by one row of comparisons."""
        said = row.verdict
        found = self._found(relation, row, left, right)
        if row.is_suppressed:
            return "cannot be checked", "One of the two figures is suppressed.", found, None
        if said == "not comparable":
            return (
                "not comparable",
                f"The two figures differ, or are not known to agree, on: {row.differs_on}.",
                found,
                None,
            )
        if relation.figure is not None:
            meaning = signed(relation.figure.meaning, relation)
            if meaning is None:
                return "cannot be checked", "It is not said whether it rose or fell.", found, None
            verdict, how = decide(meaning, found)
            if verdict == "supported" and said == "no clear difference" and not _allows_none(meaning):
                told = f'The comparison says "{said}", so it shows no size of a difference.'
                return "not supported", told, found, how
            return verdict, _why_number(meaning, found, verdict), found, how
        share = self.evidence.by_key[left.key].unit == "proportion"
        if relation.direction == "similar" and said == EXPECTED["similar"] and not self._alike(relation, row, share):
            told = f'The comparison says "{said}", and its interval is too wide to call the two alike.'
            return "cannot be checked", told, found, None
        return *_on_direction(relation, said), found, None

    def _alike(self, relation: Relation, row: Any, share: bool) -> bool:
        """Say whether a difference that is not clear is small, where the words say more than that it is not clear."""
        unclear = relation.words in self.catalogue.reading.directions.unclear
        sides = (row.left_estimate, row.right_estimate)
        return unclear or similar((row.ci_lower, row.ci_upper), sides, self.catalogue.style, share=share)

    def _found(self, relation: Relation, row: Any, left: m.Side, right: m.Side) -> Found:
        if relation.figure is None or row.is_suppressed or relation.figure.quantity == "difference":
            numbers = (row.difference, row.ci_lower, row.ci_upper)
        else:
            less = 1 if relation.figure.quantity == "relative_change" else 0
            numbers = (row.ratio - less, row.ratio_ci_lower - less, row.ratio_ci_upper - less)
        return Found(
            *numbers, grade=row.grade, differs_on=row.differs_on, sentence=row.sentence, caveats=row.caveats,
            evidence=f"comparison of {', '.join(left.key)} with {', '.join(right.key)}",
            is_synthetic=bool(row.is_synthetic),
        )  # fmt: skip


def _no(*columns: str) -> pd.DataFrame:
    return pd.DataFrame(columns=list(columns))


def _join(*texts: str) -> str:
    return " ".join(t for t in texts if t)


def _on_direction(relation: Relation, said: Any) -> tuple[Verdict, str]:
    """Hold a direction, stated or only shown by the document's own numbers, against the verdict of the comparison."""
    if not isinstance(said, str):
        return "cannot be checked", "It cannot be said whether they differ: no standard error is known."
    told = f'The comparison says "{said}".'
    if relation.direction is not None:
        return ("supported" if said == EXPECTED[relation.direction] else "not supported"), told
    if relation.left_level is None or relation.right_level is None or said == "no clear difference":
        return "supported", f"{told} The two may be set side by side."
    shown = "higher" if relation.left_level.meaning.value > relation.right_level.meaning.value else "lower"
    return ("supported" if shown == said else "not supported"), told


def _allows_none(meaning: Meaning) -> bool:
    """Say whether the words cover that there is no difference."""
    return meaning.covers(1.0 if meaning.quantity == "ratio" else 0.0)


def _why_level(meaning: Meaning, evidence: Found, verdict: Verdict) -> str:
    if evidence.reason is not None:
        return evidence.reason
    shown = stated.shown("level", "share", evidence.point)
    if verdict == "cannot be checked":
        agrees = "agrees with" if meaning.covers(evidence.point) else "differs from"
        return f"The figure at hand ({shown}) {agrees} it, but has no interval."
    return "" if verdict == "supported" else f"The release has {shown}."


def _why_number(meaning: Meaning, found: Found, verdict: Verdict) -> str:
    if not math.isfinite(found.low):
        return "No interval of it is known."
    return (
        "" if verdict == "supported" else f"The release gives {stated.shown(meaning.quantity, 'share', found.point)}."
    )
