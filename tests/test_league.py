"""Ranks: bounds by brute force, joint coverage by simulation, and what may not be ranked."""

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from engagement_stats import catalogue, league
from engagement_stats.catalogue import model as m


def test_rank_intervals_are_those_of_brute_force() -> None:
    rng = np.random.default_rng(3)
    middle, reach = rng.normal(size=40), rng.uniform(0.1, 1.0, 40)
    lower, upper = middle - reach, middle + reach
    best, worst = league.rank_intervals(lower, upper)
    for k in range(40):
        assert best[k] == 1 + sum(lower[j] > upper[k] for j in range(40))
        assert worst[k] == 40 - sum(upper[j] < lower[k] for j in range(40))


def areas(values: np.ndarray, n: int = 400, **more: object) -> pd.DataFrame:
    variance = values * (1 - values) / n
    return pd.DataFrame({
        "wave": "poll_2020", "indicator": "joined_12m", "domain": "town",
        "level": [f"t{k:02d}" for k in range(len(values))],
        "estimate": values, "standard_error": np.sqrt(variance), "effective_base": float(n), "base_unweighted": n,
        "degrees_of_freedom": math.inf, "unit": "proportion", "is_suppressed": False, "is_synthetic": False, **more,
    })  # fmt: skip


@pytest.fixture
def ranked_catalogue(small: catalogue.Catalogue) -> catalogue.Catalogue:
    entry = m.League(label="Towns", wave="poll_2020", indicators=["joined_12m"], domain="town")
    return replace(small, leagues={"towns": entry})


def test_all_true_ranks_lie_in_their_intervals_as_often_as_stated(ranked_catalogue: catalogue.Catalogue) -> None:
    rng, held, single = np.random.default_rng(8), 0, 0
    truth = np.linspace(0.25, 0.45, 15)
    ranks = 15 - np.arange(15)
    for _ in range(200):
        rows = league.tables(areas(rng.binomial(400, truth) / 400), ranked_catalogue).sort_values("level")
        held += bool(((rows["rank_lower"] <= ranks) & (ranks <= rows["rank_upper"])).all())
        single += bool((rows["rank"].to_numpy() == ranks).all())
    assert held / 200 >= 0.95
    assert single == 0  # the bare ranks are never all right


def test_far_apart_areas_have_sure_ranks_and_equal_ones_none(ranked_catalogue: catalogue.Catalogue) -> None:
    apart = league.tables(areas(np.array([0.1, 0.5, 0.9])), ranked_catalogue)
    assert apart[["level", "rank", "rank_lower", "rank_upper"]].to_numpy().tolist() == [
        ["t02", 1, 1, 1], ["t01", 2, 2, 2], ["t00", 3, 3, 3],
    ]  # fmt: skip
    equal = league.tables(areas(np.full(5, 0.3)), ranked_catalogue)
    assert set(equal["rank"]) == {1}
    assert set(equal["rank_upper"]) == {5}


def test_what_has_no_estimate_has_no_rank_and_is_counted(ranked_catalogue: catalogue.Catalogue) -> None:
    rows = areas(np.array([0.1, 0.5, 0.9, 0.4]))
    rows.loc[1, "is_suppressed"] = True
    rows.loc[2, "standard_error"] = math.nan
    out = league.tables(rows, ranked_catalogue)
    assert out["level"].tolist() == ["t03", "t00"]
    assert set(out["unranked"]) == {2}
    assert set(out["areas"]) == {2}
    assert len(league.tables(rows.iloc[:2], ranked_catalogue)) == 0  # one area is no league


def test_means_are_ranked_too(ranked_catalogue: catalogue.Catalogue) -> None:
    rows = areas(np.array([0.1, 0.5])).assign(estimate=[3.0, 9.0], standard_error=[0.5, 0.5], unit="hours")
    assert league.tables(rows, ranked_catalogue)["rank_upper"].tolist() == [1, 2]


def test_nothing_to_rank_is_an_empty_table_of_the_same_columns(ranked_catalogue: catalogue.Catalogue) -> None:
    assert list(league.tables(areas(np.array([0.1, 0.2])).iloc[:0], ranked_catalogue).columns) == league.COLUMNS
