"""Rake the Hansard audits' respondents in England to official margins, beside the weights they came with.

Run it with the folder that holds the two audits: `python docs/examples/hansard_weights.py data/landing`.
docs/weighting.md explains what it prints. Not here: any method; see engagement_stats.weight.
"""

import sys
from pathlib import Path

import pandas as pd

from engagement_stats import SampleDesign, catalogue, clean, estimate, ingest, landing, weight
from engagement_stats.weight import Margins

AUDITS = ("hansard_audit_2013", "hansard_audit_2016")
INDICATORS = [
    "certain_to_vote",
    "interested_in_politics",
    "charity_donation_or_membership_12m",
    "e_petition_12m",
    "voted_12m",
]
NOT_ENGLAND = ("Wales", "Scotland")


def beside(audit: str, folder: Path, known: catalogue.Catalogue) -> tuple[pd.DataFrame, str]:
    """Estimate the indicators with the supplied weight and with ours.

    Returns
    -------
    tuple
        One row per indicator: supplied, ours (per cent), their standard errors in points (the supplied weight and
        ours as if fixed, ours with the raking credited); and a sentence on the weights.
    """
    wave = known.microdata_waves[audit]
    path = landing.only(audit, landing.find(folder, known.microdata_waves).claimed[audit])
    raw = ingest.read_wave(audit, wave, path).frame
    people = clean.harmonise(raw, audit, known)
    people = people.join(clean.indicators(people, [(k, wave.indicators[k]) for k in INDICATORS]))
    people["supplied"] = weight.supplied(raw, audit, wave.design.weights)["main"]
    # The margins are England's adults; whoever gave no age cannot be placed.
    placed = ~people["region"].isin(NOT_ENGLAND) & people["age_group"].notna()
    england = people[placed].reset_index(drop=True)
    margins = Margins.from_catalogue(known, "mid_2014_england_18", ["region", "sex*age_group"])
    raked = weight.rake(england, margins)
    england["ours"] = raked.values
    tables = {
        "supplied": estimate.proportion(england, INDICATORS, design=SampleDesign(weight="supplied")),
        "fixed": estimate.proportion(england, INDICATORS, design=SampleDesign(weight="ours")),
        "credited": estimate.proportion(england, INDICATORS, design=SampleDesign(weight=raked)),
    }
    shown = pd.DataFrame(
        {
            "indicator": INDICATORS,
            "supplied_per_cent": 100 * tables["supplied"]["estimate"],
            "ours_per_cent": 100 * tables["credited"]["estimate"],
            "supplied_se": 100 * tables["supplied"]["standard_error"],
            "ours_se_fixed": 100 * tables["fixed"]["standard_error"],
            "ours_se_credited": 100 * tables["credited"]["standard_error"],
        }
    )
    effects = [weight.summarise(england[w].to_numpy()).design_effect for w in ("supplied", "ours")]
    return shown, (
        f"{audit}: {len(england)} respondents in England; Kish design effect {effects[0]:.2f} supplied, "
        f"{effects[1]:.2f} ours; correlation of the two weights {england['supplied'].corr(england['ours']):.2f}."
    )


def main(folder: Path) -> None:
    """Print the comparison for both audits."""
    known = catalogue.load()
    for audit in AUDITS:
        table, sentence = beside(audit, folder, known)
        print(sentence)
        print(table.round(1).to_string(index=False))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
