"""What is left of a wave's entry when a file cannot give some of it.

Belongs here: taking variables or columns out of an entry together with all that rests on them, so that a check can go
on past what is wrong.
Not here: deciding what is wrong (validate), and leaving things out of a release (omissions).
"""

from collections.abc import Collection

from engagement_stats.catalogue import CROSS
from engagement_stats.catalogue import model as m

# Stands for an identifier that was found wanting, so that the rest can be looked at.
NOT_CHECKED = m.RespondentId(absent="not checked")


def without_variables(wave: m.MicrodataWave, gone: Collection[str]) -> m.MicrodataWave:
    """Return an entry without some variables, and without the indicators, domains and weights made of them."""
    left = set(gone)
    expects = wave.expects.model_copy(
        update={
            "numbers": {k: v for k, v in wave.expects.numbers.items() if k not in left},
            "answered": {k: v for k, v in wave.expects.answered.items() if k not in left},
        }
    )
    made = {k: x for k, x in wave.design.made.items() if not {p for v in x.variables for p in v.split(CROSS)} & left}
    return wave.model_copy(
        update={
            "variables": {k: v for k, v in wave.variables.items() if k not in left},
            "indicators": {k: r for k, r in wave.indicators.items() if not set(r.variables) & left},
            "domains": [d for d in wave.domains if not set(d.split(CROSS)) & left],
            "design": wave.design.model_copy(update={"made": made}),
            "expects": expects,
        }
    )


def without_columns(wave: m.MicrodataWave, gone: Collection[str]) -> m.MicrodataWave:
    """Return an entry without some columns, as the entry spells them, and without all that rests on them."""
    if not gone:
        return wave
    wave = without_variables(wave, [k for k, v in wave.variables.items() if v.column in gone])
    design = wave.design
    weights = {k: c for k, c in design.weights.items() if c not in gone}
    made = {k: x for k, x in design.made.items() if x.base not in gone}
    screened = set(gone) & set(wave.screening_columns)
    return wave.model_copy(
        update={
            "design": design.model_copy(
                update={
                    "weights": weights,
                    "made": made,
                    "online_only": [w for w in design.online_only if w in weights],
                    "stratum": None if design.stratum in gone else design.stratum,
                    "psu": None if design.psu in gone else design.psu,
                }
            ),
            "indicators": {k: r for k, r in wave.indicators.items() if r.weight in {**weights, **made}},
            "respondent_id": NOT_CHECKED if set(wave.respondent_id.columns) & set(gone) else wave.respondent_id,
            "quarantine": None if screened else wave.quarantine,
            "expects": type(wave.expects)() if screened else wave.expects,
            "places": {k: p for k, p in wave.places.items() if p.column not in gone},
            "file": wave.file.model_copy(update={"where": {c: v for c, v in wave.file.where.items() if c not in gone}}),
        }
    )
