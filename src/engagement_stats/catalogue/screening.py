"""Whether a wave's expectations, rules of quarantine and columns fit the rest of its entry.

Belongs here: checks of these parts against the wave's variables, weights and fieldwork.
Not here: the shape of an entry (model), and applying it to a file (expectations, quarantine, identifiers).
"""

from typing import Protocol

from engagement_stats import identifiers
from engagement_stats.catalogue import expected
from engagement_stats.catalogue import model as m


class Problems(Protocol):
    """Takes what is wrong, a line each."""

    def add(self, where: str, problem: str) -> None:
        """Note one problem."""


def _numeric(wave: m.MicrodataWave, problems: Problems, place: str, name: str) -> None:
    variable = wave.variables.get(name)
    if variable is None:
        problems.add(place, f'variable "{name}" is not one of the wave.')
    elif variable.codes is not None:
        problems.add(place, f"variable {name} has codes; expected one with numeric or bands.")


def _quarantine(wave: m.MicrodataWave, problems: Problems, where: str) -> None:
    rules = wave.quarantine.rules if wave.quarantine else {}
    for reason, rule in rules.items():
        place = f"{where} quarantine.rules.{reason}"
        if isinstance(rule, expected.Duplicates) and not rule.columns and not wave.respondent_id.columns:
            problems.add(place, "compares respondent identifiers, and the wave has none. Name columns.")
        names = []
        if isinstance(rule, expected.Impossible):
            _numeric(wave, problems, place, rule.variable)
            names = [rule.variable]
        elif isinstance(rule, expected.Incomplete):
            names = rule.variables
            for name in names:
                if name not in wave.variables:
                    problems.add(place, f'variable "{name}" is not one of the wave.')
        for name in names:
            if name in wave.variables and wave.variables[name].optional:
                problems.add(place, f"variable {name} is optional; a rule needs one that every edition has.")


def _expectations(wave: m.MicrodataWave, problems: Problems, where: str) -> None:
    expects = wave.expects
    if expects.interviewed is not None and wave.fieldwork.start is None and wave.fieldwork.end is None:
        problems.add(f"{where} expects.interviewed", "fieldwork has neither a start nor an end to check against.")
    for name in expects.numbers:
        _numeric(wave, problems, f"{where} expects.numbers", name)
    for name in expects.answered:
        if name not in wave.variables:
            problems.add(f"{where} expects.answered", f'variable "{name}" is not one of the wave.')
    for name in expects.mean_weight:
        if name not in wave.supplied_weights:
            problems.add(f"{where} expects.mean_weight", f'"{name}" is not a supplied weight of the wave.')


def check(wave: m.MicrodataWave, problems: Problems, where: str) -> None:
    """Note everything wrong with a wave's expectations, quarantine and the columns it asks for."""
    _quarantine(wave, problems, where)
    _expectations(wave, problems, where)
    for name, kind in identifiers.found(wave.asked_columns, {}, wave.identifiers_allowed).items():
        problems.add(
            where,
            f'column "{name}" seems to hold a direct identifier ({kind}), which is not to be read. Ask for another '
            "column, or give the reason under identifiers_allowed.",
        )
    asked = {name.lower() for name in wave.asked_columns}
    for name in wave.identifiers_allowed:
        if name.lower() not in asked:
            problems.add(f"{where} identifiers_allowed", f'column "{name}" is not one the entry asks for.')
