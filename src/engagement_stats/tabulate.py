"""Make a wave's rows of `estimates`: every indicator by every domain the catalogue asks for.

Belongs here: applying the estimator to a wave as its entry says, and turning published figures into estimates
whose uncertainty is honest about where it comes from.
Not here: the statistics (estimate, uncertainty), suppression (disclose), comparisons (compare).
Methods: docs/methods.md#published-figures
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from engagement_stats import dominance, estimate, uncertainty
from engagement_stats.catalogue import CROSS, KEY, REST, WITHIN_A_WAVE, Catalogue, Inside, pairs, rests, vintages
from engagement_stats.catalogue import model as m
from engagement_stats.design import SampleDesign
from engagement_stats.domains import level_of
from engagement_stats.errors import EstimationError, listed
from engagement_stats.results import COLUMNS

COVARIANCE_COLUMNS = [
    "wave",
    *(f"{side}_{part}" for side in ("left", "right") for part in ("indicator", "domain", "level")),
    "covariance",
]
BENCHMARK_COLUMNS = [
    "survey", "wave", "indicator", "domain", "level", "published", "published_lower", "published_upper",
    "ours", "difference", "verdict", "source", "note", "is_synthetic",
]  # fmt: skip
PUBLISHED_ONLY = ("base_is", "published_on", "evidence", "note")
# Shorthand of the Government Statistical Service for what a producer published in place of a number.
LESS = "[low]"
WITHHELD: Mapping[str, str] = {
    "suppressed": "[c]", "unreliable": "[u]", "not_available": "[x]", "not_applicable": "[z]",
}  # fmt: skip
# Indicators and domains may share a name; in the frame given to the estimator they must not.
INDICATOR = "indicator "
# The two levels of a column that tells a level from its rest.
HERE, ELSEWHERE = "here", "elsewhere"


def _by_weight(wave: m.MicrodataWave, made: pd.DataFrame) -> dict[str, list[str]]:
    groups: dict[str, list[str]] = {}
    for name in made.columns:
        groups.setdefault(wave.indicators[name].weight, []).append(name)
    return groups


def microdata(
    responses: pd.DataFrame,
    made: pd.DataFrame,
    weights: pd.DataFrame,
    wave_id: str,
    catalogue: Catalogue,
    *,
    credited: Mapping[str, Any] | None = None,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Estimate every indicator of a wave by every domain its entry lists.

    Parameters
    ----------
    responses : DataFrame, shape (n respondents, variables)
        As `clean.harmonise` returns it. Not modified.
    made : DataFrame, shape (n respondents, indicators)
        As `clean.indicators` returns it, rows in the same order.
    weights : DataFrame, shape (n respondents, weights)
        As `weight.supplied` returns it, rows in the same order.
    wave_id : str
        A microdata wave.
    catalogue : Catalogue
    credited : mapping of str to Weights, optional
        Weights among them that remember how they were made; variances credit their steps.

    Returns
    -------
    tuple of DataFrame
        The estimates, shape (indicators x levels, columns of estimates but release_id, run_id and
        is_synthetic, and private ones for `disclose.protect`), and the covariances that comparisons within the wave
        need: wave, left_ and right_ indicator, domain and level, covariance.

    Raises
    ------
    EstimationError
        The design cannot give a variance; see `estimate.proportion`. Or a question said to have been put online only
        was answered by respondents without that weight.

    Notes
    -----
    A domain whose variable this edition of the file lacks (an optional one) is left out.
    """
    wave = catalogue.microdata_waves[wave_id]
    families = [f for f in wave.domains if all(part in responses for part in f.split(CROSS))]
    _check_online_only(wave_id, wave, made, weights)
    outside = _outside(responses, catalogue, wave_id)
    inside = _inside(responses, catalogue, wave_id)
    frame = pd.concat([responses, weights.add_prefix("weight "), made.add_prefix(INDICATOR), outside], axis=1)
    tables, covariances = [], []
    for weight, names in _by_weight(wave, made).items():
        remembered = (credited or {}).get(weight)
        design = SampleDesign(
            weight=f"weight {weight}" if remembered is None else remembered,
            stratum="stratum" if "stratum" in responses else None,
            psu="psu" if "psu" in responses else None,
            single_psu=wave.design.single_psu,
        )
        for statistic, estimator in (("proportion", estimate.proportion), ("mean", estimate.mean)):
            chosen = [INDICATOR + n for n in names if catalogue.indicators[n].statistic == statistic]
            if not chosen:
                continue
            table = estimator(frame, chosen, design=design, by=[*families, *outside.columns])
            named = _named(table, list(outside.columns))
            covariances.append(_covariances(table, named, wave_id, catalogue, inside))
            table = named[named["level"] != HERE]
            tables.append(table.assign(weight=wave.design.weights.get(weight, weight)))
    table = pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=list(COLUMNS))
    table = table.assign(
        indicator=table["indicator"].str.removeprefix(INDICATOR),
        survey=wave.survey, wave=wave_id, source=wave.source, rounding=0.0, **dict.fromkeys(PUBLISHED_ONLY),
    )  # fmt: skip
    weight_of = {name: weight for weight, names in _by_weight(wave, made).items() for name in names}
    heaviest = dominance.shares(responses, made, weights, weight_of, table)
    table = table.assign(**{c: heaviest[c].to_numpy() for c in dominance.SHARES})
    # The sample's influence totals stay behind: what goes on from here knows no respondent.
    table.attrs.clear()
    known = [c for c in covariances if len(c)]
    return table, pd.concat(known, ignore_index=True) if known else pd.DataFrame(columns=COVARIANCE_COLUMNS)


def _check_online_only(wave_id: str, wave: m.MicrodataWave, made: pd.DataFrame, weights: pd.DataFrame) -> None:
    """Refuse a weight of online respondents for a question that others answered too: they would drop out unsaid."""
    for name in made:
        weight = wave.indicators[str(name)].weight
        if weight not in wave.design.online_only:
            continue
        others = int((made[name].notna() & (weights[weight] == 0)).sum())
        if others:
            raise EstimationError(
                f"{wave_id} (waves/{wave_id}.yaml, indicator {name}): {others} respondent(s) answered and have no "
                f"{wave.design.weights[weight]}. If the question was not put online only, give it weight: main."
            )


def _outside(responses: pd.DataFrame, catalogue: Catalogue, wave_id: str) -> pd.DataFrame:
    """Make a column for each level whose rest a comparison asks for, telling who is in it and who is not."""
    columns = {}
    for domain, levels in rests(catalogue, wave_id).items():
        parts = domain.split(CROSS)
        if not all(part in responses for part in parts):
            continue
        named = level_of(responses, domain)
        known = named.notna()
        for level in levels:
            here = named == level
            if here.any():
                columns[f"{REST}{domain}={level}"] = pd.Series(
                    np.where(here, HERE, ELSEWHERE), index=responses.index, dtype="object"
                ).where(known)
    return pd.DataFrame(columns, index=responses.index)


def _inside(responses: pd.DataFrame, catalogue: Catalogue, wave_id: str) -> Inside:
    """Say which level of an outer domain holds each level of an inner one, where a comparison asks."""
    held: dict[tuple[str, str, str, str], str] = {}
    for name, entry in catalogue.comparisons.items():
        if not isinstance(entry, m.LevelsComparison) or entry.wave != wave_id or entry.against in WITHIN_A_WAVE:
            continue
        if entry.domain not in responses or entry.against not in responses:
            continue
        both = responses[[entry.domain, entry.against]].dropna().astype("object").drop_duplicates()
        split = sorted(both.loc[both[entry.domain].duplicated(), entry.domain].unique())
        if split:
            raise EstimationError(
                f"{wave_id}: {len(split)} level(s) of {entry.domain} lie in more than one level of {entry.against}. "
                f"Got {listed(split)}; expected each in one. Compare them with another domain in comparisons {name}."
            )
        held |= {(wave_id, entry.domain, a, entry.against): b for a, b in both.itertuples(index=False, name=None)}
    return held


def _named(table: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    """Name the estimates of everybody outside a level by the domain and the level they are the rest of."""
    domain, level = table["domain"], table["level"]
    for column in columns:
        name, _, of = column.partition("=")
        rows = domain == column
        level = level.mask(rows & (level == ELSEWHERE), of)
        domain = domain.mask(rows, name)
    return table.assign(domain=domain, level=level)


def _covariances(
    table: pd.DataFrame, named: pd.DataFrame, wave_id: str, catalogue: Catalogue, inside: Inside
) -> pd.DataFrame:
    """Covariances of the pairs of estimates in one table that a comparison of the catalogue sets side by side."""
    own = named.assign(wave=wave_id, indicator=named["indicator"].str.removeprefix(INDICATOR))
    position = {k: i for i, k in enumerate(own[KEY].itertuples(index=False, name=None))}
    wanted = [
        p for p in pairs(catalogue, position, inside) if p.left.wave == p.right.wave == wave_id and p.threshold is None
    ]
    rows = []
    for reference in dict.fromkeys(p.right.key for p in wanted):
        beside = [p for p in wanted if p.right.key == reference]
        values = estimate.covariance_with(table, position[reference], [position[p.left.key] for p in beside])
        rows += [[wave_id, *p.left.key[1:], *p.right.key[1:], float(v)] for p, v in zip(beside, values, strict=True)]
    return pd.DataFrame(rows, columns=COVARIANCE_COLUMNS)


def _base(figure: m.Figure, wave: m.TablesWave) -> tuple[int | None, str]:
    """Respondents behind a figure: its own base, or the wave's for the whole population."""
    if figure.base is not None:
        return figure.base, "exact"
    return (wave.base, wave.base_is) if figure.domain == "all" else (None, "unknown")


def _uncertainty(figure: m.Figure, wave: m.TablesWave) -> dict[str, object]:
    """Give a published figure the interval its producer gave, or an assumed one said to be assumed, or none."""
    base, base_is = _base(figure, wave)
    known: dict[str, object] = {"base_unweighted": base, "base_is": base_is, "base_weighted": figure.base_weighted}
    if figure.value is None:
        return known | {"interval_method": "none", "variance_basis": "published"}
    share = figure.value / 100
    if figure.lower is not None and figure.upper is not None and figure.confidence is not None:
        z = float(uncertainty.t_quantile(math.inf, figure.confidence))
        se = (figure.upper - figure.lower) / 100 / (2 * z)
        effective = share * (1 - share) / se**2 if se > 0 else math.nan
        return known | {
            "standard_error": se, "ci_lower": figure.lower / 100, "ci_upper": figure.upper / 100,
            "confidence": figure.confidence, "interval_method": "published", "variance_basis": "published",
            "effective_base": effective,
            "design_effect": base / effective if base and base_is == "exact" and effective > 0 else math.nan,
        }  # fmt: skip
    if base is None or wave.assumed_design_effect is None:
        return known | {"interval_method": "none", "variance_basis": "published"}
    effective = base / wave.assumed_design_effect
    variance = share * (1 - share) / effective
    low, high, method = uncertainty.proportion_interval(
        np.array([share]), np.array([variance]), np.array([effective]), np.array([math.inf]), 0.95, "logit"
    )
    slack = half_unit(figure.decimals)
    return known | {
        "standard_error": math.sqrt(variance),
        "ci_lower": max(float(low[0]) - slack, 0.0), "ci_upper": min(float(high[0]) + slack, 1.0),
        "confidence": 0.95, "interval_method": str(method[0]), "variance_basis": "assumed",
        "effective_base": effective, "design_effect": wave.assumed_design_effect,
    }  # fmt: skip


def _vintages(wave_id: str, catalogue: Catalogue, read: Sequence[m.Figure]) -> list[m.Figure]:
    figures = [*catalogue.wave_vintages(wave_id), *read]
    if wrong := vintages.conflicts(figures):
        named = listed([f"{f.indicator} {f.level}" for f, _ in wrong])
        raise EstimationError(
            f"{wave_id}: {len(wrong)} figure(s) are given by its workbook and by figures/ as of one day: {named}. "
            "Leave them out of one of the two, or give workbook.published_on and published_on their days."
        )
    return figures


def published(wave_id: str, catalogue: Catalogue, read: Sequence[m.Figure] = ()) -> pd.DataFrame:
    """Turn the published figures of a wave into estimates.

    Parameters
    ----------
    wave_id : str
        A tables wave.
    catalogue : Catalogue
    read : sequence of Figure
        Figures of its workbook, beside those of the catalogue.

    Returns
    -------
    DataFrame, shape (n figures, columns of estimates but release_id, run_id and is_synthetic; and withheld)
        Of several vintages of a figure the last. A figure without a value has the symbol of what its producer
        published instead in `withheld`, for `disclose.suppress`. The standard error comes from the published interval
        (`variance_basis` "published"), or from the base and the wave's assumed design effect ("assumed", the effect in
        the row), or is null. `rounding` is half a unit of the last published digit; an assumed interval is widened by
        it, a standard error is not.

    Raises
    ------
    EstimationError
        The workbook and the catalogue give a figure as of one day.

    Notes
    -----
    Source: a published 95 per cent interval is 2 z standard errors wide; otherwise p(1-p) deff / n.
    Verified: the published interval of civic participation 2021-22 gives a standard error of 0.564 points and,
    with n = 10,126, a design effect of 1.44, tests/test_tabulate.py.
    """
    return _estimates(wave_id, catalogue, vintages.newest(_vintages(wave_id, catalogue, read)))


def revisions(wave_id: str, catalogue: Catalogue, read: Sequence[m.Figure] = ()) -> pd.DataFrame:
    """Return the published figures of a wave that later publications replaced.

    Parameters
    ----------
    wave_id, catalogue, read
        As for `published`.

    Returns
    -------
    DataFrame, shape (n figures replaced, columns as of `published`, and replaced_on)

    Raises
    ------
    EstimationError
        As for `published`.
    """
    old = vintages.replaced(_vintages(wave_id, catalogue, read))
    return _estimates(wave_id, catalogue, [f for f, _ in old]).assign(
        replaced_on=pd.Series([day for _, day in old], dtype="object")
    )


def _estimates(wave_id: str, catalogue: Catalogue, figures: Sequence[m.Figure]) -> pd.DataFrame:
    wave = catalogue.tables_waves[wave_id]
    rows = []
    for figure in figures:
        row = {
            "indicator": figure.indicator, "domain": figure.domain, "level": figure.level,
            "estimate": None if figure.value is None else figure.value / 100,
            "rounding": half_unit(figure.decimals), "source": figure.source,
            "published_on": figure.published_on, "evidence": figure.evidence, "withheld": _symbol(figure),
            **_uncertainty(figure, wave),
        }  # fmt: skip
        assumed = wave.assumed_because if row["variance_basis"] == "assumed" else None
        bound = None if figure.below is None else f"Published only as below {figure.below:g} per cent."
        row["note"] = " ".join(x for x in (figure.note, bound, assumed) if x) or None
        rows.append(row)
    table = pd.DataFrame(rows).reindex(columns=[*COLUMNS, "rounding", *PUBLISHED_ONLY, "withheld"])
    return table.assign(
        survey=wave.survey,
        wave=wave_id,
        unit="proportion",
        statistic="proportion",
        quality="ok",
        is_suppressed=False,
    )


def _symbol(figure: m.Figure) -> str | None:
    """Return the shorthand for what a producer published in place of a number, None for a number."""
    return LESS if figure.below is not None else WITHHELD[figure.withheld] if figure.withheld is not None else None


def half_unit(decimals: int) -> float:
    """Half a unit of the last digit of a percentage, as a proportion.

    Examples
    --------
    >>> half_unit(0), half_unit(1)
    (0.005, 0.0005)
    """
    return 0.5 / 10 ** (2 + decimals)


def benchmarks(estimates: pd.DataFrame, catalogue: Catalogue) -> pd.DataFrame:
    """Set our estimates beside the official figures they should reproduce.

    Parameters
    ----------
    estimates : DataFrame, shape (n estimates, columns of estimates)
        `is_synthetic` set.
    catalogue : Catalogue

    Returns
    -------
    DataFrame
        One row per benchmark of a wave among the estimates: a figure in benchmarks/, or a figure of a wave
        listed under `published_as`. "reproduced" when ours rounds to the published digits.
    """
    ours = {(r.wave, r.indicator, r.domain, r.level): r for r in estimates.itertuples(index=False)}
    rows = []
    for b in [*catalogue.benchmarks, *_published_again(catalogue)]:
        row = ours.get((b.wave, b.indicator, b.domain, b.level))
        if row is None:
            continue
        gap = row.estimate - b.value / 100
        # A value at exactly half may have been rounded either way, hence the hair's breadth.
        reproduced = abs(gap) <= half_unit(b.decimals) * (1 + 1e-9)
        rows.append({
            "survey": row.survey, "wave": b.wave, "indicator": b.indicator, "domain": b.domain, "level": b.level,
            "published": b.value / 100, "published_lower": None if b.lower is None else b.lower / 100,
            "published_upper": None if b.upper is None else b.upper / 100, "ours": row.estimate, "difference": gap,
            "verdict": _benchmark_verdict(bool(row.is_synthetic), bool(row.is_suppressed), reproduced, b.waived),
            "source": b.source, "note": b.waived, "is_synthetic": bool(row.is_synthetic),
        })  # fmt: skip
    return pd.DataFrame(rows, columns=BENCHMARK_COLUMNS)


def _published_again(catalogue: Catalogue) -> list[m.Benchmark]:
    """Make benchmarks of the published figures that a microdata wave says are its own, where they are confirmed."""
    return [
        m.Benchmark(
            wave=wave_id, indicator=f.indicator, domain=f.domain, level=f.level, value=f.value, lower=f.lower,
            upper=f.upper, decimals=f.decimals, source=f.source, waived=None,
        )
        for wave_id, wave in catalogue.microdata_waves.items()
        for published_as in wave.published_as
        for f in catalogue.wave_figures(published_as)
        if f.evidence == "confirmed" and f.value is not None
    ]  # fmt: skip


def _benchmark_verdict(synthetic: bool, suppressed: bool, reproduced: bool, waived: str | None) -> str:
    if synthetic:
        return "synthetic"
    if suppressed:
        return "suppressed"
    if reproduced:
        return "reproduced"
    return "waived" if waived else "not reproduced"
