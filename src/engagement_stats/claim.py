"""Check the quantitative sentences of a document against the evidence.

Belongs here: the verdict on a claim, its arithmetic, and the evidence and caveats that go with it.
Not here: the claims themselves (catalogue), comparisons (compare), and the wording of estimates (phrase).
"""

import math
from typing import Any

import pandas as pd

from engagement_stats import phrase
from engagement_stats.catalogue import Catalogue
from engagement_stats.catalogue import model as m

COLUMNS = [
    "claim", "document", "quotation", "kind", "stated", "observed", "verdict", "arithmetic", "sentence", "caveats",
    "evidence", "is_synthetic",
]  # fmt: skip


def _quantity(kind: str, left: float, right: float | None) -> float:
    """Return the quantity a claim's words speak of, from two numbers (or one, for a level)."""
    if kind == "level" or right is None:
        return left
    return left / right if kind == "ratio" else left / right - 1


def _shown(kind: str, value: float) -> str:
    if kind == "level":
        return f"{phrase.percentage(value)} per cent"
    if kind == "ratio":
        return f"{phrase.rounded(value, 2)} times"
    return f"{'a rise' if value > 0 else 'a fall'} of {phrase.percentage(abs(value))} per cent"


def _arithmetic(stated: m.Stated) -> str:
    if stated.right is None:
        return "nothing to check"
    follows = stated.lower <= _quantity(stated.quantity, stated.left, stated.right) <= stated.upper
    return "right" if follows else "wrong"


def _stated(stated: m.Stated) -> str:
    numbers = f"{phrase.percentage(stated.left)} per cent"
    if stated.right is not None:
        numbers += f" against {phrase.percentage(stated.right)} per cent"
        numbers += f" ({_shown(stated.quantity, _quantity(stated.quantity, stated.left, stated.right))})"
    if stated.quantity == "level":
        span = f"{phrase.percentage(stated.lower, 1)} to {phrase.percentage(stated.upper, 1)} per cent"
    else:
        span = f"{_shown(stated.quantity, stated.lower)} to {_shown(stated.quantity, stated.upper)}"
    return f'"{stated.words}": {numbers}; the words are taken to cover {span} ({stated.convention})'


def _supports(stated: m.Stated, point: float) -> bool:
    return stated.lower <= point <= stated.upper


def _by_estimate(claim: m.Claim, side: m.Side, row: Any, catalogue: Catalogue) -> dict[str, Any]:
    where = f"{side.wave}, {side.indicator}, {side.domain}, {side.level}"
    if row is None or row.is_suppressed:
        why = "is suppressed" if row is not None else "is not in this release"
        return _undecided(f"The estimate {where} {why}.")
    if row.evidence == "unverified":
        return _undecided(f"The only figure at hand, {where}, is itself unverified: {row.note or row.source}.")
    supported = _supports(claim.stated, row.estimate)
    text = phrase.estimate(catalogue, row)
    return {
        "observed": _shown("level", row.estimate),
        "verdict": "supported" if supported else "not supported",
        "sentence": f"{phrase.SYNTHETIC + ': ' if row.is_synthetic else ''}{text}.",
        "caveats": row.note if isinstance(row.note, str) else "",
        "evidence": f"estimate {where}; source {row.source}",
        "is_synthetic": bool(row.is_synthetic),
    }


def _by_comparison(claim: m.Claim, row: Any) -> dict[str, Any]:
    if row is None:
        return _undecided(f"The comparison {claim.comparison} is not in this release: a side has not landed.")
    if row.is_suppressed:
        return _undecided(f"The comparison {claim.comparison} is suppressed.")
    if claim.stated.quantity == "ratio":
        point, low, high = row.ratio, row.ratio_ci_lower, row.ratio_ci_upper
    else:
        point, low, high = row.ratio - 1, row.ratio_ci_lower - 1, row.ratio_ci_upper - 1
    span = (
        "" if math.isnan(low) else f" ({_shown(claim.stated.quantity, low)} to {_shown(claim.stated.quantity, high)})"
    )
    observed = f"{_shown(claim.stated.quantity, point)}{span}"
    if row.grade == "not_comparable":
        verdict = "not comparable"
        observed = f"{observed}, as arithmetic only"
    elif math.isnan(low):
        verdict = "cannot be checked"
    else:
        verdict = "supported" if _supports(claim.stated, point) else "not supported"
    return {
        "observed": observed,
        "verdict": verdict,
        "sentence": row.sentence,
        "caveats": row.caveats,
        "evidence": f"comparison {row.comparison}",
        "is_synthetic": bool(row.is_synthetic),
    }


def _undecided(reason: str) -> dict[str, Any]:
    return {
        "observed": "no evidence at hand",
        "verdict": "cannot be checked",
        "sentence": "No sentence can be offered: the evidence for this claim is not at hand.",
        "caveats": reason,
        "evidence": reason,
        "is_synthetic": False,
    }


def check(catalogue: Catalogue, estimates: pd.DataFrame, comparisons: pd.DataFrame) -> pd.DataFrame:
    """Check every claim of the catalogue.

    Parameters
    ----------
    catalogue : Catalogue
    estimates : DataFrame, shape (n estimates, columns of estimates)
    comparisons : DataFrame, shape (n comparisons, columns of comparisons)
        With `sentence`.

    Returns
    -------
    DataFrame, shape (n claims, columns of claims but release_id)
        Sorted by claim. A claim is supported when the estimate lies in the range its words cover, and never
        when the two sides are not comparable; `observed` shows the interval.
    """
    by_key = {(r.wave, r.indicator, r.domain, r.level): r for r in estimates.itertuples(index=False)}
    by_name = {r.comparison: r for r in comparisons.itertuples(index=False)}
    rows = []
    for name, claim in catalogue.claims.items():
        if claim.cannot_be_checked is not None:
            outcome = _undecided(claim.cannot_be_checked)
        elif claim.estimate is not None:
            side = claim.estimate
            key = (side.wave, side.indicator, side.domain, side.level)
            outcome = _by_estimate(claim, side, by_key.get(key), catalogue)
        else:
            outcome = _by_comparison(claim, by_name.get(claim.comparison))
        rows.append({
            "claim": name, "document": claim.document, "quotation": claim.quotation, "kind": claim.kind,
            "stated": _stated(claim.stated), "arithmetic": _arithmetic(claim.stated), **outcome,
        })  # fmt: skip
    return pd.DataFrame(rows, columns=COLUMNS).sort_values("claim").reset_index(drop=True)
