"""Spell out which estimates the catalogue's comparisons set side by side.

Belongs here: expanding a comparison over levels or over the waves of a series.
Not here: whether two sides are like for like, and their difference (compare).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import combinations, pairwise

from engagement_stats.catalogue import model as m
from engagement_stats.catalogue.whole import Catalogue

KEY = ["wave", "indicator", "domain", "level"]
# The domain of everybody outside a level: estimated only where a comparison asks for it.
REST = "rest_of:"
# The right side of a comparison with a number that is not an estimate.
THRESHOLD = "threshold"
# (wave, domain, level, domain that holds it) to the level of that domain.
Inside = Mapping[tuple[str, str, str, str], str]


@dataclass(frozen=True, slots=True)
class Pair:
    """One comparison to make: its name, the level it stands for, its two sides and what it is about.

    `threshold` is set when the right side is a number and not an estimate.
    """

    comparison: str
    level: str
    label: str
    family: str
    left: m.Side
    right: m.Side
    about: tuple[m.Axis, ...] = ()
    override: m.Override | None = None
    kind: str = "pair"
    adjustment: m.Adjustment = "holm"
    threshold: float | None = None


def pairs(
    catalogue: Catalogue, estimates: Iterable[tuple[str, str, str, str]], inside: Inside | None = None
) -> list[Pair]:
    """List every comparison the catalogue asks for of which both sides are among the estimates.

    Parameters
    ----------
    catalogue : Catalogue
    estimates : iterable of (wave, indicator, domain, level)
        The estimates there are, in the order their levels are to be compared.
    inside : mapping, optional
        Which level of an outer domain holds a level, for comparisons of areas with what they lie in.

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
            out += _level_pairs(name, entry, levels, inside or {})
        elif isinstance(entry, m.SeriesComparison):
            out += _series_pairs(catalogue, name, entry, have)
        else:
            out.append(_threshold_pair(name, entry))
    return [p for p in out if p.left.key in have and (p.threshold is not None or p.right.key in have)]


def rests(catalogue: Catalogue, wave: str) -> dict[str, list[str]]:
    """List the levels of a wave whose rest some comparison asks for: domain to levels (none named: all of them)."""
    asked: dict[str, list[str]] = {}
    for entry in catalogue.comparisons.values():
        if isinstance(entry, m.LevelsComparison) and entry.wave == wave and entry.against == "rest":
            asked.setdefault(entry.domain, []).extend(entry.levels or catalogue.domains[entry.domain].levels)
    return {k: list(dict.fromkeys(v)) for k, v in asked.items()}


def _level_pairs(
    name: str, entry: m.LevelsComparison, levels: Mapping[tuple[str, str, str], list[str]], inside: Inside
) -> Iterable[Pair]:
    for indicator in entry.indicators:
        chosen = entry.levels or levels.get((entry.wave, indicator, entry.domain), [])
        sides = [m.Side(wave=entry.wave, indicator=indicator, domain=entry.domain, level=x) for x in chosen]
        beside: list[tuple[m.Side, m.Side, str]] = []
        if entry.against == "each_other":
            beside = [(a, b, f"{a.level} v {b.level}") for a, b in combinations(sides, 2)]
        else:
            for side in sides:
                right = _held_in(entry, side, inside)
                if right is not None:
                    beside.append((side, right, side.level))
        for left, right, level in beside:
            yield Pair(f"{indicator}__{name}", level, entry.label, f"{name}__{indicator}", left, right,
                       ("population_geography",), kind=f"levels:{entry.against}",
                       adjustment=entry.adjustment)  # fmt: skip


def _held_in(entry: m.LevelsComparison, side: m.Side, inside: Inside) -> m.Side | None:
    """Return what a level is compared with: the whole, its rest, or the level of another domain that holds it."""
    if entry.against == "total":
        return m.Side(wave=side.wave, indicator=side.indicator)
    if entry.against == "rest":
        return side.model_copy(update={"domain": f"{REST}{side.domain}"})
    holder = inside.get((side.wave, side.domain, side.level, entry.against))
    return None if holder is None else side.model_copy(update={"domain": entry.against, "level": holder})


def _threshold_pair(name: str, entry: m.ThresholdComparison) -> Pair:
    right = entry.estimate.model_copy(update={"domain": THRESHOLD, "level": entry.threshold_label})
    return Pair(name, "all", entry.label, entry.family, entry.estimate, right, kind=THRESHOLD,
                threshold=entry.threshold)  # fmt: skip


def _series_pairs(
    catalogue: Catalogue, name: str, entry: m.SeriesComparison, have: set[tuple[str, str, str, str]]
) -> Iterable[Pair]:
    """Pair each wave of a series with the nearest earlier wave that has the indicator, or with the first."""
    survey = next(k for k, v in catalogue.surveys.items() if entry.series in v.series)
    waves = catalogue.series_waves(survey, entry.series)
    joint = "v" if entry.against == "previous" else "since"
    for indicator in entry.indicators or catalogue.indicators:
        carrying = [w for w in waves if (w, indicator, "all", "all") in have]
        beside = pairwise(carrying) if entry.against == "previous" else ((carrying[0], w) for w in carrying[1:])
        for earlier, later in beside:
            yield Pair(
                f"{indicator}__{later}_{joint}_{earlier}",
                "all",
                f"{catalogue.waves[later].label} against {catalogue.waves[earlier].label}",
                f"{entry.series}__{indicator if entry.family == 'indicator' else later}"
                + ("" if entry.against == "previous" else "__since"),
                m.Side(wave=later, indicator=indicator),
                m.Side(wave=earlier, indicator=indicator),
                ("fieldwork",),
                kind=f"series:{entry.against}",
                adjustment=entry.adjustment,
            )
