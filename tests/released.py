"""The frames of a small invented release, for tests of what becomes of a release as a whole.

Belongs here: one row or two of every released table. Not here: any expectation.
"""

from dataclasses import replace
from datetime import date
from typing import Any

import pandas as pd

from engagement_stats import catalogue, publish
from engagement_stats.catalogue import model as m
from engagement_stats.store import Fingerprint

KEY = {"wave": "poll_2020", "indicator": "joined_12m", "domain": "all", "level": "all"}
ESTIMATE: dict[str, Any] = {
    **KEY, "survey": "poll", "estimate": 0.4, "standard_error": 0.02, "ci_lower": 0.36, "ci_upper": 0.44,
    "confidence": 0.95, "interval_method": "korn_graubard", "base_unweighted": 500, "base_weighted": 501.5,
    "variance_basis": "weights_only", "unit": "proportion", "quality": "ok", "is_suppressed": False, "source": "maker",
    "run_id": "0123", "statistic": "proportion", "is_synthetic": False,
}  # fmt: skip
COMPARISON: dict[str, Any] = {
    "comparison": "a_v_b", "level": "all", "label": "A and B", "indicator": "joined_12m", "family": "f",
    "family_size": 1, "kind": "pair",
    **{f"{side}_{k}": v for side in ("left", "right") for k, v in {**KEY, "survey": "poll", "estimate": 0.4}.items()},
    "difference": 0.0, "ci_lower": -0.05, "ci_upper": 0.05, "p_value": 1.0, "p_adjusted": 1.0, "adjustment": "holm",
    "grade": "comparable", "differs_on": "", "verdict": "no clear difference", "caveats": "", "sentence": "S.",
    "is_suppressed": False, "is_synthetic": False,
}  # fmt: skip
CLAIM = {
    "claim": "c", "document": "d", "quotation": "q", "kind": "level", "stated": "s", "observed": "o",
    "verdict": "supported", "arithmetic": "right", "sentence": "S.", "caveats": "", "evidence": "e",
    "is_synthetic": False, "evidence_kind": "survey", "support": "established", "like_for_like": "not applicable",
    "holds_now": "newest is used", "explanation": "A.\nB.\nC.\nD.",
}  # fmt: skip
BENCHMARK = {
    **KEY,
    "survey": "poll",
    "published": 0.4,
    "ours": 0.4,
    "difference": 0.0,
    "verdict": "reproduced",
    "source": "x",
    "is_synthetic": False,
}
WEIGHTING: dict[str, Any] = {
    "wave": "poll_2020", "weight": "main", "step": 1, "kind": "supplied", "respondents": 500, "total": 501.5,
    "design_effect": 1.2, "effective_n": 416.7, "is_synthetic": False,
}  # fmt: skip
WEIGHTING_MARGIN: dict[str, Any] = {
    "wave": "poll_2020", "weight": "main", "variable": "sex", "category": "Male", "population_share": 0.49,
    "before_share": 0.45, "after_share": 0.49, "difference_before": -0.08, "difference_after": 0.0,
    "is_suppressed": False, "is_synthetic": False,
}  # fmt: skip

TREND: dict[str, Any] = {
    **{k: v for k, v in KEY.items() if k != "wave"}, "series": "poll_series", "segment": 1,
    "first_wave": "poll_2018", "last_wave": "poll_2020", "waves": 3, "years": 2.0, "slope": 0.01,
    "standard_error": 0.002, "ci_lower": 0.006, "ci_upper": 0.014, "direction": "rising", "is_synthetic": False,
}  # fmt: skip
RANKED: dict[str, Any] = {
    **KEY, "rank": 2, "rank_lower": 1, "rank_upper": 4, "areas": 9, "unranked": 0, "confidence": 0.95, "method": "x",
    "is_synthetic": False,
}  # fmt: skip
QUARANTINE: dict[str, Any] = {
    "wave": "poll_2020", "reason": "fast", "position": 1, "rule": "interviews shorter than 60 seconds (secs)",
    "respondents": 30, "share": 0.03, "is_suppressed": False, "is_synthetic": False,
}  # fmt: skip

REVISION: dict[str, Any] = {
    **KEY, "survey": "poll", "published_on": date(2020, 1, 1), "replaced_on": date(2021, 1, 1), "estimate": 0.4,
    "variance_basis": "published", "is_suppressed": False, "source": "x", "is_synthetic": False,
}  # fmt: skip
CORRECTION: dict[str, Any] = {
    "wave": "poll_2020", "replaces": "r0", "change": "", "kind": "correction", "symbol": "[r]", "reason": "A slip.",
    "accepted_on": date(2021, 1, 1),
}  # fmt: skip


def table(name: str, *rows: dict[str, Any]) -> pd.DataFrame:
    """Return rows with all columns of a released table, null where not given."""
    return pd.DataFrame(list(rows), columns=[c for c in publish.columns(name) if c != "release_id"])


WITHHELD: dict[str, Any] = {
    **KEY, "domain": "sex", "level": "Female", "rule": "confidential", "kind": "primary or secondary", "symbol": "[c]",
    "is_synthetic": False,
}  # fmt: skip


def frames(small: catalogue.Catalogue) -> dict[str, pd.DataFrame]:
    """Return every table of a release of the small catalogue but the name of the release."""
    headline = m.Headline(label="Joined", indicator="joined_12m", waves=["poll_2020"])
    c = replace(small, headlines={"joined": headline})
    estimates = table("estimates", ESTIMATE, {**ESTIMATE, "domain": "sex", "level": "Male"})
    run = publish.run_row(c, {"poll_2020": Fingerprint("f", "c", "x")}, {"poll_2019": "why"}, synthetic=False)
    return {
        "estimates": estimates,
        "comparisons": table("comparisons", COMPARISON),
        "claims": table("claims", CLAIM),
        "benchmarks": table("benchmarks", BENCHMARK),
        "weighting": table("weighting", WEIGHTING, {**WEIGHTING, "step": 2, "kind": "calibrated"}),
        "weighting_margins": table("weighting_margins", WEIGHTING_MARGIN),
        "trends": table("trends", TREND),
        "league_tables": table("league_tables", RANKED),
        "quarantine": table("quarantine", QUARANTINE),
        "revisions": table("revisions", REVISION),
        "corrections": table("corrections", CORRECTION),
        "disclosure_audit": table("disclosure_audit", WITHHELD),
        "headlines": publish.headlines(c, estimates),
        "runs": run,
        **publish.described(c, ["poll_2020"], []),
    }
