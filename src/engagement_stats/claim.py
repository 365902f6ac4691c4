"""Check the quantitative sentences of a document against the evidence: four answers to each.

Belongs here: whether the evidence supports the words, whether two sides are alike, whether the claim still holds, and
a plain sentence for each answer.
Not here: the claims (catalogue), reading number phrases (lexicon), the document's arithmetic (stated), looking evidence
up (evidence).
Methods: docs/methods.md#claims
"""

import math
from collections.abc import Iterable
from typing import Literal

import pandas as pd

from engagement_stats import stated
from engagement_stats.catalogue import Catalogue
from engagement_stats.catalogue import model as m
from engagement_stats.comparability import judge
from engagement_stats.evidence import NO_SENTENCE, Evidence, Found
from engagement_stats.lexicon import Meaning

Verdict = Literal["supported", "not supported", "not comparable", "cannot be checked"]
Support = Literal["established", "consistent", "inconsistent", "contradicted"]
Now = Literal["holds", "no longer holds", "newest is used", "cannot be checked"]

COLUMNS = [
    "claim", "document", "quotation", "kind", "evidence_kind", "stated", "observed", "arithmetic", "verdict", "support",
    "like_for_like", "holds_now", "explanation", "sentence", "caveats", "evidence", "is_synthetic",
]  # fmt: skip
# What the lines of `explanation` are about, in their order.
ANSWERS = ("arithmetic", "verdict", "like_for_like", "holds_now")

ADMINISTRATIVE = "This is no survey evidence."


def support(meaning: Meaning, point: float, low: float, high: float) -> Support:
    """Hold an interval against the range that words cover.

    Parameters
    ----------
    meaning : Meaning
    point, low, high : float
        The estimate and its interval, in the quantity of the words; finite.

    Returns
    -------
    str
        "established": the interval lies inside the range. "consistent": the point does, the interval reaches
        outside. "inconsistent": the point does not, the interval reaches in. "contradicted": they do not meet.

    Examples
    --------
    >>> from engagement_stats import lexicon
    >>> half = lexicon.read("more than half", quantity="level")
    >>> support(half, 0.52, 0.51, 0.53), support(half, 0.52, 0.49, 0.55), support(half, 0.48, 0.46, 0.499)
    ('established', 'consistent', 'contradicted')
    """
    if meaning.covers(point):
        return "established" if meaning.holds(low, high) else "consistent"
    return "inconsistent" if meaning.touches(low, high) else "contradicted"


def decide(meaning: Meaning, found: Found) -> tuple[Verdict, Support | None]:
    """Give the verdict of the evidence on a claim's words.

    Parameters
    ----------
    meaning : Meaning
    found : Found

    Returns
    -------
    tuple of str
        Verdict and support. Words that draw a limit are supported when established, words that come close also when
        consistent; nothing is where the sides are not comparable, or no interval is known.
    """
    if found.reason is not None:
        return "cannot be checked", None
    if found.grade == "not_comparable":
        return "not comparable", None
    if not all(math.isfinite(x) for x in (found.point, found.low, found.high)):
        return "cannot be checked", None
    how = support(meaning, found.point, found.low, found.high)
    enough = how == "established" or (how == "consistent" and not meaning.bounds)
    return "supported" if enough else "not supported", how


def _observed(meaning: Meaning, found: Found) -> str:
    if found.reason is not None:
        return "no evidence at hand"
    if not math.isfinite(found.point):
        return "no number can be given"
    text = stated.shown(meaning.quantity, meaning.unit, found.point)
    if math.isfinite(found.low) and math.isfinite(found.high) and (found.low, found.high) != (found.point, found.point):
        ends = (stated.shown(meaning.quantity, meaning.unit, x) for x in (found.low, found.high))
        text = f"{text} ({' to '.join(ends)})"
    return f"{text}, as arithmetic only" if found.grade == "not_comparable" else text


HOW = {
    "established": "all of its interval lies in the range the words cover",
    "consistent": "it lies in the range the words cover, its interval reaches outside",
    "inconsistent": "it lies outside the range the words cover, its interval reaches in",
    "contradicted": "all of its interval lies outside the range the words cover",
}


def _why(meaning: Meaning, found: Found, verdict: Verdict, how: Support | None) -> str:
    """Explain the verdict of the evidence in a sentence."""
    if found.reason is not None:
        return f"{found.reason.rstrip('.')}."
    seen = _observed(meaning, found)
    if verdict == "not comparable":
        return f"The figures give {seen}; two figures that are not alike support nothing."
    if how is None:
        return f"The evidence gives {seen} without an interval, so it decides nothing."
    if how == "consistent":
        need = "words that draw a limit need more" if meaning.bounds else "enough for words that come close to a number"
        return f"The evidence gives {seen}: {HOW[how]}, {need}."
    return f"The evidence gives {seen}: {HOW[how]}."


def _axes(catalogue: Catalogue, differs_on: Iterable[str]) -> str:
    """Name in words what two sides differ in."""
    names = [catalogue.style.axes[axis] for axis in differs_on]
    return f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else "".join(names)


def _like_for_like(catalogue: Catalogue, claim: m.Claim, found: Found) -> tuple[str, str]:
    """Say whether the two sides are alike, and why."""
    if found.grade is None:
        if claim.kind in ("level", "count", "rank"):
            return "not applicable", "The claim sets no two figures side by side."
        return "not applicable", "No two estimates at hand could be set side by side."
    axes = _axes(catalogue, found.differs_on.split(", ") if found.differs_on else ())
    why = f"The two sides differ, or are not known to agree, in {axes}." if axes else "Nothing sets the sides apart."
    return found.grade.replace("_", " "), why


def _holds_now(evidence: Evidence, claim: m.Claim, meaning: Meaning, found: Found) -> tuple[Now, str, bool]:
    """Say whether the claim holds with the newest wave of each side's series, why, and whether that is synthetic."""
    if not evidence.sides(claim):
        return "cannot be checked", "No series of estimates bears on the claim.", False
    sides, fresh = evidence.newest(claim, meaning)
    if fresh is None:
        if found.reason is not None:
            return "cannot be checked", "No newer estimate is in this release.", False
        waves = dict.fromkeys(evidence.catalogue.waves[s.wave].label for s in sides)
        return "newest is used", f"No newer estimate is in this release than {' and '.join(waves)}.", False
    verdict, how = decide(meaning, fresh)
    if fresh.reason is not None:
        return "cannot be checked", f"With the newest wave: {fresh.reason.rstrip('.')}.", fresh.is_synthetic
    catalogue, opening = evidence.catalogue, f"The newest figures are {fresh.named}"
    if claim.estimate is None:
        opening += f", that is {_observed(meaning, fresh)}"
        grade, differing = fresh.grade, ""
    else:
        opening = f"The newest figure is {fresh.named}"
        between = judge(catalogue, claim.estimate, sides[0], about=["fieldwork"])
        grade, differing = between.grade, _axes(catalogue, between.differs_on)
        differing = f"; the two waves also differ in {differing}" if differing else ""
    if grade == "not_comparable":
        return "cannot be checked", f"{opening}, but the two are not comparable{differing}.", fresh.is_synthetic
    if how is None:
        return "cannot be checked", f"{opening}, without an interval{differing}.", fresh.is_synthetic
    now: Now = "holds" if verdict == "supported" else "no longer holds"
    return now, f"{opening}: {HOW[how]}{differing}.", fresh.is_synthetic


def _sentence(claim: m.Claim, meaning: Meaning, found: Found) -> str:
    """Return what may be written: the evidence's sentence, or the document's own numbers as such."""
    worked_out = stated.related(claim.stated)
    if found.sentence != NO_SENTENCE or claim.evidence_kind == "survey" or worked_out is None:
        return found.sentence
    left, right = (stated.amount(x or 0.0, claim.stated.unit) for x in (claim.stated.left, claim.stated.right))
    size = stated.shown(meaning.quantity, meaning.unit, worked_out)
    return f"The document gives {left} against {right} ({size}); no source for either number is at hand."


def check(
    catalogue: Catalogue,
    estimates: pd.DataFrame,
    comparisons: pd.DataFrame,
    league_tables: pd.DataFrame,
    covariances: pd.DataFrame,
) -> pd.DataFrame:
    """Check every claim of the catalogue.

    Parameters
    ----------
    catalogue : Catalogue
    estimates : DataFrame, shape (n estimates, columns of estimates)
    comparisons : DataFrame, shape (n comparisons, columns of comparisons)
        With `sentence`.
    league_tables : DataFrame, shape (n places, columns of league_tables)
    covariances : DataFrame
        As `compare.comparisons` takes them; for comparisons with newer waves.

    Returns
    -------
    DataFrame, shape (n claims, columns of claims but release_id)
        Sorted by claim. `arithmetic`, `verdict` (with `support`), `like_for_like` and `holds_now` are four separate
        answers; `explanation` has a line for each, in the order of `ANSWERS`.
    """
    evidence = Evidence(catalogue, estimates, comparisons, league_tables, covariances)
    rows = []
    for name, claim in catalogue.claims.items():
        meaning = stated.meaning(claim.stated, catalogue.lexicon)
        found = evidence.of_claim(claim, meaning)
        sums, sums_why = stated.arithmetic(claim.stated, meaning)
        verdict, how = decide(meaning, found)
        alike, alike_why = _like_for_like(catalogue, claim, found)
        now, now_why, now_synthetic = _holds_now(evidence, claim, meaning, found)
        why = _why(meaning, found, verdict, how)
        remarks = [found.caveats, claim.note or ""]
        if claim.evidence_kind == "administrative":
            remarks.insert(0, ADMINISTRATIVE)
        rows.append({
            "claim": name, "document": claim.document, "quotation": claim.quotation, "kind": claim.kind,
            "evidence_kind": claim.evidence_kind, "stated": stated.sentence(claim.stated, meaning),
            "observed": _observed(meaning, found), "arithmetic": sums, "verdict": verdict, "support": how,
            "like_for_like": alike, "holds_now": now, "explanation": "\n".join([sums_why, why, alike_why, now_why]),
            "sentence": _sentence(claim, meaning, found), "caveats": " ".join(x for x in remarks if x),
            "evidence": found.evidence, "is_synthetic": found.is_synthetic or now_synthetic,
        })  # fmt: skip
    frame = pd.DataFrame(rows, columns=COLUMNS)
    return frame.astype({"support": "object"}).sort_values("claim").reset_index(drop=True)
