"""Spell out which estimates the catalogue's comparisons set side by side.

Belongs here: expanding a comparison over levels or over the waves of a series.
Not here: whether two sides are like for like, and their difference (compare).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise

from engagement_stats.catalogue import model as m
from engagement_stats.catalogue.load import Catalogue

KEY = ["wave", "indicator", "domain", "level"]


@dataclass(frozen=True, slots=True)
class Pair:
    """One comparison to make: its name, the level it stands for, its two sides and what it is about."""

    comparison: str
    level: str
    label: str
    family: str
    left: m.Side
    right: m.Side
    about: tuple[m.Axis, ...] = ()
    override: m.Override | None = None


def pairs(catalogue: Catalogue, estimates: Iterable[tuple[str, str, str, str]]) -> list[Pair]:
    """List every comparison the catalogue asks for of which both sides are among the estimates.

    Parameters
    ----------
    catalogue : Catalogue
    estimates : iterable of (wave, indicator, domain, level)
        The estimates there are, in the order their levels are to be compared.

    Returns
    -------
    list of Pair
        In catalogue order; a wave that has not landed simply contributes nothing.
    """
    keys = list(estimates)
    have = set(keys)
    levels: dict[tuple[str, str, str], list[str]] = {}
    for wave, indicator, domain, level in keys:
        levels.setdefault((wave, indicator, domain), []).append(level)
    out: list[Pair] = []
    for name, entry in catalogue.comparisons.items():
        if isinstance(entry, m.PairComparison):
            out.append(Pair(name, "all", entry.label, entry.family, entry.left, entry.right,
                            tuple(entry.about), entry.override))  # fmt: skip
        elif isinstance(entry, m.LevelsComparison):
            out += _level_pairs(name, entry, levels)
        else:
            out += _series_pairs(catalogue, name, entry, have)
    return [p for p in out if p.left.key in have and p.right.key in have]


def _level_pairs(
    name: str, entry: m.LevelsComparison, levels: Mapping[tuple[str, str, str], list[str]]
) -> Iterable[Pair]:
    for indicator in entry.indicators:
        whole = m.Side(wave=entry.wave, indicator=indicator)
        for level in entry.levels or levels.get((entry.wave, indicator, entry.domain), []):
            side = m.Side(wave=entry.wave, indicator=indicator, domain=entry.domain, level=level)
            yield Pair(f"{indicator}__{name}", level, entry.label, f"{name}__{indicator}", side, whole,
                       ("population_geography",))  # fmt: skip


def _series_pairs(
    catalogue: Catalogue, name: str, entry: m.SeriesComparison, have: set[tuple[str, str, str, str]]
) -> Iterable[Pair]:
    """Pair each wave of a series with the nearest earlier wave that has the indicator."""
    survey = next(k for k, v in catalogue.surveys.items() if entry.series in v.series)
    waves = catalogue.series_waves(survey, entry.series)
    for indicator in entry.indicators or catalogue.indicators:
        carrying = [w for w in waves if (w, indicator, "all", "all") in have]
        for earlier, later in pairwise(carrying):
            yield Pair(
                f"{indicator}__{later}_v_{earlier}",
                "all",
                f"{catalogue.waves[later].label} against {catalogue.waves[earlier].label}",
                f"{entry.series}__{indicator if entry.family == 'indicator' else later}",
                m.Side(wave=later, indicator=indicator),
                m.Side(wave=earlier, indicator=indicator),
                ("fieldwork",),
            )
