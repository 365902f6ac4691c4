"""Two sides that a text sets against each other: with what the release knows, and within what it does not know."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from onesample import WAVE, known, levels, made, people

from engagement_stats import catalogue, compare, tabulate
from engagement_stats.catalogue import model as m
from engagement_stats.sidebyside import SideBySide

NONE = pd.DataFrame(columns=[f"{s}_{k}" for s in ("left", "right") for k in catalogue.KEY])


def side(level: str, domain: str = "sex", wave: str = WAVE, indicator: str = "joined_12m") -> m.Side:
    return m.Side(wave=wave, indicator=indicator, domain=domain, level=level)


def test_the_truth_lies_between_the_two_rows(small: catalogue.Catalogue) -> None:
    """Against the exact covariances of clusters that cross the sexes and of towns, in 20 samples."""
    wider = 0
    for seed in range(20):
        answers = people(seed)
        for domain in ("sex", "town"):
            entry = levels(against="each_other", domain=domain)
            table, exact = made(small, answers, entry, [domain])
            se = table.set_index("level")["standard_error"]
            beside = SideBySide(known(small, entry, [domain]), table, NONE)
            for true in exact.itertuples(index=False):
                left, right = true.left_level, true.right_level
                widest, narrowest = beside.rows(side(left, domain), side(right, domain))
                for rising in (
                    [r.ci_lower for r in (widest, true, narrowest)],
                    [r.ci_upper for r in (narrowest, true, widest)],
                    [r.ratio_ci_lower for r in (widest, true, narrowest)],
                    [r.ratio_ci_upper for r in (narrowest, true, widest)],
                    [r.standard_error for r in (narrowest, true, widest)],
                ):
                    assert rising == sorted(rising)
                assert (widest.difference, widest.grade) == (pytest.approx(true.difference), "comparable")
                wider += true.standard_error > np.hypot(se[left], se[right])
    # Taken as independent, many of these would have been called surer than they are.
    assert wider >= 10


def test_the_widest_row_is_that_of_a_correlation_of_minus_one(small: catalogue.Catalogue) -> None:
    table, _ = made(small, people(), levels(), ["sex"])
    se = table.set_index("level")["standard_error"]
    widest, narrowest = SideBySide(small, table, NONE).rows(side("Male"), side("Female"))
    assert widest.standard_error == pytest.approx(se["Male"] + se["Female"], rel=1e-9)
    assert narrowest.standard_error == pytest.approx(abs(se["Male"] - se["Female"]), rel=1e-6)


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_shares_of_nobody_and_of_everybody_have_the_doubt_of_their_intervals(
    small: catalogue.Catalogue, share: float
) -> None:
    answers = people()
    answers.loc[answers["sex"] == "Male", "joined_12m"] = share
    table, _ = made(small, answers, levels(), ["sex"])
    widest, _ = SideBySide(small, table, NONE).rows(side("Male"), side("Female"))
    alone = table.set_index("level")["standard_error"]
    assert (alone["Male"], widest.standard_error > alone["Female"] * 1.05) == (0, True)


def test_an_estimate_of_unknown_error_gives_no_verdict(small: catalogue.Catalogue) -> None:
    table, _ = made(small, people(), levels(), ["sex"])
    rows = SideBySide(small, table.assign(standard_error=np.nan), NONE).rows(side("Male"), side("Female"))
    assert [r.verdict for r in rows] == [None, None]


def test_two_waves_are_two_samples_and_two_things_asked_of_one_are_left_alone(small: catalogue.Catalogue) -> None:
    table, _ = made(small, people(), levels(), ["sex"])
    other = table.assign(wave="poll_2019", estimate=0.9)
    third = table.assign(indicator="other")
    beside = SideBySide(small, pd.concat([table, other, third], ignore_index=True), NONE)
    (row,) = beside.rows(side("Male"), side("Male", wave="poll_2019"))
    se = table.set_index("level")["standard_error"]["Male"]
    assert row.standard_error == pytest.approx(se * np.sqrt(2), rel=1e-9)
    assert beside.rows(side("Male"), side("Male", indicator="other")) == []


def test_what_was_released_goes_before_what_could_be(small: catalogue.Catalogue) -> None:
    table, exact = made(small, people(), levels(against="each_other"), ["sex"])
    beside = SideBySide(small, table, exact)
    (row,), (turned,) = beside.rows(side("Female"), side("Male")), beside.rows(side("Male"), side("Female"))
    true = next(exact.itertuples(index=False))
    assert row.standard_error == turned.standard_error == true.standard_error
    assert (turned.difference, turned.ci_lower) == (-row.difference, -row.ci_upper)
    assert turned.ratio * row.ratio == pytest.approx(1)


def test_own_and_published_figures_of_the_same_interviews_stay_without_a_test(small: catalogue.Catalogue) -> None:
    table, _ = made(small, people(), levels(), ["sex"])
    wave = small.microdata_waves[WAVE].model_copy(update={"published_as": ["report_2019"]})
    c = replace(small, waves={**small.waves, WAVE: wave})
    both = pd.concat([table, table.assign(wave="report_2019", estimate=0.9)], ignore_index=True)
    (row,) = SideBySide(c, both, NONE).rows(side("Male"), side("Male", wave="report_2019"))
    assert row.verdict is None


def test_a_covariance_given_for_published_figures_is_used(small: catalogue.Catalogue) -> None:
    table, _ = made(small, people(), levels(), ["sex"])
    table = table.assign(variance_basis="published")
    pair = m.PairComparison(kind="pair", label="x", family="f", left=side("Male"), right=side("Female"))
    c = replace(small, comparisons={"c": pair})
    unknown = compare.comparisons(table, pd.DataFrame(columns=tabulate.COVARIANCE_COLUMNS), c).iloc[0]
    assert unknown["verdict"] is None
    ends = {
        f"{s}_{k}": getattr(x, k) for s, x in (("left", pair.left), ("right", pair.right)) for k in catalogue.KEY[1:]
    }
    noted = [{"wave": WAVE, **ends, "covariance": 0.0}]
    given = compare.comparisons(table, pd.DataFrame(noted), c).iloc[0]
    se = table.set_index("level")["standard_error"]
    assert given["standard_error"] == pytest.approx(np.hypot(se["Male"], se["Female"]), rel=1e-9)
