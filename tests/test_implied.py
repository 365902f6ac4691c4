"""Indicators that follow from others: found, used by the attack, and hidden where they give something away."""

import numpy as np
import pandas as pd
import pytest
from respondents import WAVE, estimates, frame, nesting, released

from engagement_stats import attack, disclose, implied
from engagement_stats.catalogue import Catalogue
from engagement_stats.cells import laid_out, spread

KEY = ["indicator", "domain", "level"]


def test_every_implication_and_no_other_is_found() -> None:
    made = pd.DataFrame(
        {
            "monthly": [1, 0, 0, 0, 0, 1], "yearly": [1, 1, 0, 0, 0, 1], "never": [0, 0, 1, 1, 1, 0],
            "other": [1, 0, 1, 0, np.nan, 1], "nobody": [0, 0, 0, 0, 0, np.nan], "hours": [2.5, 0, 0, 0, 0, 1],
        }
    )  # fmt: skip
    weights = dict.fromkeys(made, "main")
    table = implied.found(made, weights)
    told = set(table.itertuples(index=False, name=None))
    expected = set()
    shares = [c for c in made if c != "hours"]
    for i in shares:
        for j in shares:
            for a in (True, False):
                for b in (True, False):
                    who = made[i] == float(a)
                    if i != j and who.any() and (made.loc[who, j] == float(b)).all():
                        expected.add((i, a, j, b))
    assert told == expected
    assert ("monthly", True, "yearly", True) in told
    assert ("yearly", True, "monthly", True) not in told
    assert ("never", False, "yearly", True) in told
    # "other" was not answered by everybody who never does it, so nothing is known of them from there.
    assert ("yearly", False, "other", True) not in told
    assert implied.found(made, weights | {"never": "web"}).query("other == 'never' or indicator == 'never'").empty


def test_links_name_the_indicators_that_are_there() -> None:
    table = pd.DataFrame([("a", True, "b", False), ("a", True, "gone", True)], columns=implied.COLUMNS)
    assert implied.links(table, ["b", "a"]).tolist() == [[1, 1, 0, 0]]
    assert implied.links(None, ["b"]).shape == (0, 4)


YEARLY_IN_B = 25


def people(yearly_in_b: int = YEARLY_IN_B) -> pd.DataFrame:
    """Two regions where nearly all who count in one question count in the other."""
    made = frame(n=3000, seed=5)[["w", "sex"]].assign(
        w=1.0, region=np.repeat(["A", "B", "C"], 1000), yearly=0.0, monthly=0.0
    )
    for region, yearly, monthly in (("A", 14, 12), ("B", yearly_in_b, 9), ("C", 300, 200)):
        here = made.index[made["region"] == region]
        made.loc[here[:yearly], "yearly"] = 1.0
        made.loc[here[:monthly], "monthly"] = 1.0
    return made.assign(never=1 - made["yearly"]).rename(columns={n: f"q_{n}" for n in ("yearly", "monthly", "never")})


def follows(made: pd.DataFrame) -> pd.DataFrame:
    questions = [c for c in made if c.startswith("q_")]
    return implied.found(made[questions], dict.fromkeys(questions, "w")).assign(wave=WAVE)


def hide(table: pd.DataFrame, *cells: tuple[str, str]) -> pd.DataFrame:
    """Withhold cells of a region."""
    away = pd.Series([(i, level) in cells for i, level in zip(table["indicator"], table["level"], strict=True)])
    out = table.assign(is_suppressed=away, symbol=np.where(away, "[c]", None))
    for column in disclose.NUMBERS:
        if column in out:
            out[column] = out[column].astype("float64").mask(away)
    return released(out)


def test_a_count_is_bounded_by_the_indicator_that_holds_it(packaged: Catalogue) -> None:
    made, rules = people(), packaged.rules.disclosure
    table = hide(estimates(made, ("region",)), ("q_monthly", "A"), ("q_monthly", "B"))
    # 21 between the two, at most 14 in A: so from 7 to 21 in B, and from 0 to 14 in A.
    assert attack.recoverable(table, rules).empty
    limits = attack.placed(
        laid_out(table, None, follows(made)),
        *(spread(laid_out(table), flags) for flags in (table["is_suppressed"], [False] * len(table))),
        rules,
    ).limits[attack.YES]
    layout = laid_out(table)
    row = layout.indicators.index("q_monthly")
    at = {c: k for k, c in enumerate(layout.sums.cells)}
    found = {x: [float(limits[s][row, at["region", x]]) for s in (0, 1)] for x in "AB"}
    np.testing.assert_allclose(found["A"], [0, 14], atol=1e-6)
    np.testing.assert_allclose(found["B"], [7, 21], atol=1e-6)


def test_an_indicator_and_its_opposite_give_one_another_away(packaged: Catalogue) -> None:
    made, rules = people(), packaged.rules.disclosure
    table = hide(estimates(made, ("region",)), ("q_yearly", "A"), ("q_yearly", "B"))
    assert attack.recoverable(table, rules).empty
    found = attack.recoverable(table, rules, None, follows(made))
    assert set(found.loc[found["what"] == attack.YES, "level"]) == {"A", "B"}
    exact = found[(found["what"] == attack.YES) & (found["level"] == "A")]
    np.testing.assert_allclose(exact[["lower", "upper"]], [[14, 14]], atol=1e-6)


def test_what_would_follow_is_hidden_too(packaged: Catalogue) -> None:
    # Nine count monthly in B. Of the 21 in A and B at most 14 are in A and 15 in B: from 7 to 15 is too narrow.
    made, rules = people(yearly_in_b=15), packaged.rules.disclosure
    table, told = estimates(made, ("region",)), follows(made)
    unaware = released(disclose.protect(table, packaged)[0])
    assert attack.recoverable(unaware, rules).empty
    found = attack.recoverable(unaware, rules, None, told)
    assert {("q_monthly", "B", attack.YES)} <= set(
        found[["indicator", "level", "what"]].itertuples(index=False, name=None)
    )
    safe, audit = disclose.protect(table, packaged, None, told)
    assert disclose.check(released(safe), rules, None, told) > 0
    assert not safe.loc[(safe["indicator"] == "q_yearly") & (safe["level"] == "C"), "is_suppressed"].any()
    assert len(audit) < len(table) / 2


@pytest.mark.parametrize("seed", range(3))
def test_of_questions_that_follow_from_others_nothing_is_recovered(packaged: Catalogue, seed: int) -> None:
    made = frame(n=1500, seed=seed, areas=2)
    rng = np.random.default_rng(seed)
    made = made.assign(
        q_m=made["q0"] * (rng.random(len(made)) < 0.1), q_none=1 - made["q0"], q_both=made["q0"] * made["q3"]
    )
    domains = ("region", "sex", "region*sex", "area")
    table, nested = estimates(made, domains), nesting(made, domains)
    questions = [c for c in made if c.startswith("q")]
    told = implied.found(made[questions], dict.fromkeys(questions, "w")).assign(wave=WAVE)
    assert len(told) >= 6
    safe, audit = disclose.protect(table, packaged, nested, told)
    assert disclose.check(released(safe), packaged.rules.disclosure, nested, told) > 0
    assert 0 < disclose.lost(safe, audit) < 0.6
