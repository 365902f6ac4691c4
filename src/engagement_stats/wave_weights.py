"""Make a wave's analysis weights as its catalogue entry declares them: supplied by the producer, or made by us.

Belongs here: reading an entry's weights and reporting them for a release.
Not here: how weights are made (weight), and which indicator uses which (catalogue).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from engagement_stats import weight
from engagement_stats.catalogue import CROSS, LEVEL_SEPARATOR, Catalogue
from engagement_stats.catalogue import model as m
from engagement_stats.errors import WeightingError
from engagement_stats.margins import Margins

STEP_COLUMNS = [
    "wave", "weight", "step", "kind", "method", "margins", "respondents", "total",
    "g_min", "g_max", "design_effect", "effective_n", "trimmed_share", "iterations", "max_misfit", "zero_weights",
]  # fmt: skip
MARGIN_COLUMNS = [
    "wave", "weight", "variable", "category", "population_share", "before_share", "after_share",
    "difference_before", "difference_after", "is_suppressed",
]  # fmt: skip


UNPLACED = "(no answer)"
# Formats in which a number is not text.
TYPED = ("sav", "por", "dta", "sas7bdat", "xpt", "parquet")
# Columns of a diagnosis that tell of respondents, not of the population.
OF_THE_SAMPLE = ("sample_share", "difference", "ratio", "after_share", "after_difference", "respondents")


@dataclass(frozen=True, slots=True)
class WaveWeights:
    """A wave's weights.

    `values` has a column per weight, shape (n respondents, weights); `made` the weights we made, with their steps;
    `steps` a row per weight and step, `margins` a row per weight we made and category.
    """

    values: pd.DataFrame
    made: dict[str, Any]
    steps: pd.DataFrame
    margins: pd.DataFrame


def _make(
    entry: m.MadeWeight, where: str, raw: pd.DataFrame, responses: pd.DataFrame, catalogue: Catalogue
) -> tuple[Any, pd.DataFrame]:
    margins = Margins.from_catalogue(catalogue, entry.margins, entry.variables)
    base = None
    if entry.base is not None:
        base = weight.supplied(raw, where, {"base": entry.base})["base"].to_numpy()
    frame = responses
    if entry.unplaced == "own_category":
        frame, margins = _with_unplaced(responses, margins, base)
    made = weight.by_method(
        frame, margins, method=entry.method, base=base, bounds=entry.bounds, trim_medians=entry.trim, rescale=True
    )
    return made, weight.diagnose(frame, margins, base, weights=made).table


def _with_unplaced(responses: pd.DataFrame, margins: Margins, base: np.ndarray | None) -> tuple[pd.DataFrame, Margins]:
    """Give respondents without an answer on a margin a category of its own, of the share they have by base weight."""
    shares = np.ones(len(responses)) if base is None else base
    crossed = {v: v.split(CROSS) for v in margins.variables}
    absent = {part: responses[part].isna().to_numpy() for parts in crossed.values() for part in parts}
    # A variable of two margins passes its gaps on to what it is crossed with, and so on.
    for parts in list(crossed.values()) * len(crossed):
        absent |= dict.fromkeys(parts, np.logical_or.reduce([absent[part] for part in parts]))
    columns = {part: responses[part].astype("object").mask(gaps, UNPLACED) for part, gaps in absent.items()}
    tables = []
    for variable, table in margins.table.groupby("variable", sort=False):
        parts = crossed[str(variable)]
        share = float(shares[absent[parts[0]]].sum() / shares.sum())
        scaled = table.assign(population=table["population"] * (1 - share))
        if share > 0:
            category = LEVEL_SEPARATOR.join([UNPLACED] * len(parts))
            own = {"variable": variable, "category": category, "population": share * table["population"].sum()}
            scaled = pd.concat([scaled, pd.DataFrame([own])], ignore_index=True)
        tables.append(scaled)
    return pd.DataFrame(columns), Margins.of(
        Margins(pd.concat(tables, ignore_index=True), margins.label, margins.source)
    )


def analysis_weights(raw: pd.DataFrame, responses: pd.DataFrame, wave_id: str, catalogue: Catalogue) -> WaveWeights:
    """Make or check every weight of a wave.

    Parameters
    ----------
    raw : DataFrame, shape (n respondents, deposited columns)
        Not modified.
    responses : DataFrame, shape (n respondents, variables)
        As `clean.harmonise` returns it, rows in the same order.
    wave_id : str
        A microdata wave.
    catalogue : Catalogue

    Returns
    -------
    WaveWeights

    Raises
    ------
    WeightingError
        A supplied weight is not usable or not what the entry expects, or margins cannot be met; names the wave and the
        weight.
    """
    wave = catalogue.microdata_waves[wave_id]
    design = wave.design
    values = weight.supplied(raw, wave_id, wave.supplied_weights, partial=design.online_only)
    _check_size(raw, wave_id, wave)
    steps = [
        pd.DataFrame([_supplied_step(wave_id, name, values[name].to_numpy())], columns=STEP_COLUMNS) for name in values
    ]
    margins, made = [], {}
    for name, entry in design.made.items():
        where = f"{wave_id} (waves/{wave_id}.yaml, design.made.{name})"
        try:
            made[name], table = _make(entry, where, raw, responses, catalogue)
        except WeightingError as error:
            raise WeightingError(f"{where}: {error}") from None
        values[name] = made[name].values
        summary = made[name].summary().assign(wave=wave_id, weight=name, margins=entry.margins, zero_weights=None)
        steps.append(summary[STEP_COLUMNS])
        margins.append(_balance(wave_id, name, table, catalogue.rules.disclosure.min_base))
    return WaveWeights(values, made, _stacked(steps, STEP_COLUMNS), _stacked(margins, MARGIN_COLUMNS))


def _check_size(raw: pd.DataFrame, wave_id: str, wave: m.MicrodataWave) -> None:
    """Stop at a weight of another kind than the entry expects: text where the format has numbers, another mean."""
    problems = []
    for name, column in wave.supplied_weights.items():
        where = f"{wave_id} {column} (waves/{wave_id}.yaml, design.weights.{name})"
        if wave.file.format in TYPED and not pd.api.types.is_numeric_dtype(raw[column]):
            problems.append(
                f"{where}: the weight is text. Got text; expected numbers, as the format has them. Deposit the "
                "producer's file again."
            )
        elif name in wave.expects.mean_weight:
            low, high = wave.expects.mean_weight[name]
            mean = float(pd.to_numeric(raw[column]).mean())
            if not low <= mean <= high:
                problems.append(
                    f"{where}: the mean weight is another than expected. Got {mean:.6g}; expected {low:g} to {high:g} "
                    f"(expects.mean_weight.{name}). It may be another weight, such as one grossed to the population; "
                    "correct design.weights."
                )
    if problems:
        raise WeightingError("\n".join(problems))


def _stacked(frames: list[pd.DataFrame], columns: list[str]) -> pd.DataFrame:
    return pd.DataFrame([row for f in frames for row in f.to_dict("records")], columns=columns)


def _supplied_step(wave_id: str, name: str, values: Any) -> dict[str, Any]:
    about = weight.summarise(values)
    return {
        "wave": wave_id, "weight": name, "step": 1, "kind": "supplied", "respondents": about.respondents - about.zero,
        "total": about.total,
        "design_effect": about.design_effect, "effective_n": about.effective_base,
        "zero_weights": about.zero if about.zero == 0 or about.zero >= m.DISCLOSURE_FLOOR else None,
    }  # fmt: skip


def _hidden(margin: pd.DataFrame, min_base: int) -> pd.Series:
    """Say which categories to hide: small ones, and so many more that the rest does not give them by subtraction."""
    small = margin["respondents"] < min_base
    if not small.any():
        return small
    order = margin["respondents"].sort_values(kind="stable")
    enough = (order.cumsum() >= min_base) & (np.arange(1, len(order) + 1) >= 2)
    first = int(np.argmax(enough)) if enough.any() else len(order) - 1
    return small | small.index.isin(order.index[: first + 1])


def _balance(wave_id: str, name: str, table: pd.DataFrame, min_base: int) -> pd.DataFrame:
    """Return how far the sample was from the population, before and after; of a small category nothing is told."""
    hidden = pd.concat([_hidden(one, min_base) for _, one in table.groupby("variable", sort=False)])
    hidden = hidden.reindex(table.index).to_numpy()
    shown = table.mask(pd.DataFrame({c: hidden & (c in OF_THE_SAMPLE) for c in table.columns}, index=table.index))
    return pd.DataFrame(
        {
            "wave": wave_id,
            "weight": name,
            "variable": table["variable"],
            "category": table["category"],
            "population_share": table["population_share"],
            "before_share": shown["sample_share"],
            "after_share": shown["after_share"],
            "difference_before": shown["difference"],
            "difference_after": shown["after_difference"],
            "is_suppressed": hidden,
        }
    )
