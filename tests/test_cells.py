"""Who is in a total and in none of its levels: nobody publishes them, and anybody can work them out."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
from respondents import WAVE, estimates, frame, nesting, released, without_secondary

from engagement_stats import attack, disclose
from engagement_stats.catalogue import Catalogue
from engagement_stats.cells import laid_out


@pytest.fixture
def strict(packaged: Catalogue) -> Catalogue:
    """Return a catalogue that protects those who stated no level."""
    disclosure = packaged.rules.disclosure.model_copy(update={"not_stated": "protect"})
    return dataclasses.replace(packaged, rules=packaged.rules.model_copy(update={"disclosure": disclosure}))


def people(without: int, counting: int, n: int = 3000) -> pd.DataFrame:
    """Draw respondents of whom the first have no region, some of them counting."""
    made = frame(n=n, seed=5, questions=1)
    made.loc[made.index[:without], ["region", "q0"]] = [None, 0.0]
    made.loc[made.index[:counting], "q0"] = 1.0
    return made


@pytest.mark.parametrize("seed", range(3))
def test_left_overs_are_those_of_brute_force(seed: int) -> None:
    rng = np.random.default_rng(seed)
    made = frame(n=500, seed=seed, areas=2)
    for column in ("region", "sex", "age"):
        made[column] = made[column].mask(rng.random(len(made)) < 0.1)
    made["area"] = made["area"].where(made["region"].notna())
    domains = ("region", "sex", "region*sex", "area")
    layout = laid_out(estimates(made, domains), nesting(made, domains))
    checked = 0
    for k in range(layout.listed, len(layout.sums.cells)):
        relation = np.flatnonzero(layout.sums.signs[:, [k]].toarray())[0]
        row = layout.sums.signs[[relation], :].toarray()[0]
        parts = [layout.sums.cells[c] for c in np.flatnonzero(row[: layout.listed] > 0)]
        total = layout.sums.cells[layout.sums.total[relation]]
        inside = held(made, *total) & ~np.logical_or.reduce([held(made, *c) for c in parts])
        for i, name in enumerate(layout.indicators):
            there = made[inside & made[name].notna()]
            assert layout.base[i, k] == len(there)
            assert layout.missing[i, k] == int(inside.sum()) - len(there)
            assert layout.weight[i, k] == pytest.approx(there["w"].sum(), abs=1e-9)
            if len(there):
                share = np.average(there[name], weights=there["w"])
                assert layout.estimate[i, k] == pytest.approx(share, abs=1e-9)
                checked += 1
    assert checked > 20


def held(made: pd.DataFrame, domain: str, level: str) -> np.ndarray:
    if domain == "all":
        return np.ones(len(made), bool)
    parts = zip(domain.split("*"), level.split(" | "), strict=True)
    return np.logical_and.reduce([(made[d] == x).to_numpy() for d, x in parts])


def test_three_without_a_level_are_protected_like_a_level(strict: Catalogue) -> None:
    made, rules = people(3, 1), strict.rules.disclosure
    table = estimates(made, ("region", "sex"))
    alone = without_secondary(table, strict)
    assert not alone["is_suppressed"].any()
    found = attack.recoverable(alone, rules)
    assert set(zip(found["domain"], found["level"], found["what"], strict=True)) == {
        ("all", "all, rest", attack.YES), ("all", "all, rest", attack.NO),
    }  # fmt: skip
    # What is worked out is what they said, exactly, in respondents of the mean weight.
    scale = laid_out(alone).scale(np.zeros((1, 1), bool))[0]
    first = found[found["what"] == attack.YES]
    np.testing.assert_allclose(first[["lower", "upper"]], [[made["w"].iloc[0] * scale] * 2], rtol=1e-9)
    with pytest.raises(disclose.DisclosureError, match="can be worked out"):
        disclose.check(alone, rules)

    safe, audit = disclose.protect(table, strict)
    # Two regions: who takes it for granted that everybody has one would otherwise work out a single one.
    assert disclose.check(released(safe), rules) == len(audit) == 2
    assert set(audit[["domain", "rule", "kind"]].itertuples(index=False, name=None)) == {
        ("region", disclose.BESIDE, "secondary")
    }
    sizes = made.loc[made["q0"].notna(), "region"].value_counts()
    assert set(audit["level"]) == set(sizes.index[-2:])


def test_many_without_a_level_who_answer_both_ways_need_none(strict: Catalogue) -> None:
    made = people(60, 25)
    safe, audit = disclose.protect(estimates(made, ("region", "sex")), strict)
    assert audit.empty
    assert disclose.check(released(safe), strict.rules.disclosure) == 0
    # Sixty of whom five count are a small count all the same.
    made = people(60, 5)
    assert len(disclose.protect(estimates(made, ("region", "sex")), strict)[1]) == 2


def test_what_a_total_of_nobody_says_of_them_is_no_secret(strict: Catalogue) -> None:
    made = people(3, 0).assign(q0=0.0)
    safe, audit = disclose.protect(estimates(made, ("region", "sex")), strict)
    assert audit.empty
    assert disclose.check(released(safe), strict.rules.disclosure) == 0


@pytest.mark.parametrize("seed", range(3))
def test_waves_with_levels_not_known_are_safe_and_were_not(strict: Catalogue, seed: int) -> None:
    made = frame(n=2000, seed=seed, areas=2)
    rng = np.random.default_rng(seed)
    made["sex"] = made["sex"].mask(rng.random(len(made)) < 0.004)
    made["region"] = made["region"].mask(rng.random(len(made)) < 0.01)
    made["area"] = made["area"].where(made["region"].notna())
    domains = ("region", "sex", "age", "region*sex", "area")
    table, nested = estimates(made, domains), nesting(made, domains).assign(wave=WAVE)
    rules = strict.rules.disclosure
    assert len(attack.recoverable(without_secondary(table, strict), rules, nested)) > 0
    safe, audit = disclose.protect(table, strict, nested)
    assert disclose.check(released(safe), rules, nested) == len(audit) > 0
    assert disclose.lost(safe, audit) < 0.5


def test_who_stated_no_level_is_no_group_and_who_lives_outside_of_all_areas_is(packaged: Catalogue) -> None:
    made = people(3, 1)
    table, rules = estimates(made, ("region", "sex")), packaged.rules.disclosure
    assert rules.not_stated == "show"
    assert disclose.protect(table, packaged)[1].empty
    assert disclose.check(without_secondary(table, packaged), rules) == 0
    # Five of a region live in none of its towns.
    made = frame(n=3000, seed=5, questions=1)
    towns = made["region"].map({"N": "a", "S": "b", "E": "c", "W": "d", "C": "e"})
    outside = made.index[made["region"] == "N"][:5]
    made["town"] = towns.where(~made.index.isin(outside))
    made["part"] = np.where(made["region"].isin(["N", "S"]), "n", "s")
    domains = ("part", "town", "sex")
    table, nested = estimates(made, domains), nesting(made, domains).assign(wave=WAVE)
    assert set(nested["outer"]) == {"part"}
    found = attack.recoverable(without_secondary(table, packaged), rules, nested)
    assert set(found["level"]) == {"n, rest"}
    safe, audit = disclose.protect(table, packaged, nested)
    assert len(audit) > 0
    assert disclose.check(released(safe), rules, nested) == len(audit)
