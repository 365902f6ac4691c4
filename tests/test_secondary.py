"""What is hidden beside suppressed cells: enough, the smallest, and never more of a total than needed."""

import numpy as np
import pandas as pd
import pytest
from respondents import DOMAINS, estimates, frame, nesting, released

from engagement_stats import attack, disclose
from engagement_stats.additive import relations
from engagement_stats.catalogue import Catalogue
from engagement_stats.cells import laid_out, spread


def hidden_beside(table: pd.DataFrame, catalogue: Catalogue, nested: pd.DataFrame | None = None) -> pd.DataFrame:
    """Return the estimates with the rule that hid each."""
    out, audit = disclose.protect(table, catalogue, nested)
    keys = ["wave", "indicator", "domain", "level"]
    return table.merge(audit, on=keys, how="left").assign(is_suppressed=out["is_suppressed"].to_numpy())


@pytest.mark.parametrize("seed", range(4))
def test_every_sum_has_two_hidden_or_none_and_ten_respondents_among_them(packaged: Catalogue, seed: int) -> None:
    people = frame(seed=seed, areas=3)
    domains = (*DOMAINS, "area")
    table, nested = estimates(people, domains, rest=("N",)), nesting(people, domains)
    out = hidden_beside(table, packaged, nested)
    layout = laid_out(table, nested)
    hidden = spread(layout, out["is_suppressed"])
    assert hidden.any()
    yes = np.where(layout.exists, table["numerator_unweighted"].to_numpy(dtype=float)[layout.row], 0.0)
    for signs, total in zip(layout.sums.signs.toarray(), layout.sums.total, strict=True):
        members = np.flatnonzero(signs > 0)
        for table_, away in enumerate(hidden):
            inside = members[away[members] & (layout.base[table_, members] > 0)]
            if not len(inside):
                continue
            assert len(inside) + away[total] >= 2
            if away[total]:
                continue
            for value in (layout.base, yes, layout.base - yes):
                assert value[table_, inside].sum() >= 10 or value[table_, total] == 0


def test_the_smallest_level_is_taken_and_the_total_stays(packaged: Catalogue) -> None:
    people = frame()
    people = people.drop(index=people.index[people["region"] == "C"][12:])
    out = hidden_beside(estimates(people, ("region",)), packaged)
    q0 = out[out["indicator"] == "q0"].set_index("level")
    assert q0.loc["C", "rule"] == disclose.MIN_BASE
    # W is the next larger of five.
    assert q0["rule"].eq(disclose.BESIDE).pipe(lambda s: list(s.index[s])) == ["W"]
    assert not q0.loc["all", "is_suppressed"]
    safe = disclose.protect(estimates(people, ("region",)), packaged)[0].set_index(["indicator", "level"])
    # Totals are as they were, not what is left over.
    assert safe.loc[("q0", "all"), "base_unweighted"] == len(people)


def test_few_who_count_among_two_hidden_levels_call_for_a_third(packaged: Catalogue) -> None:
    people = frame(seed=3)
    people["q0"] = 0.0
    for region, count in {"N": 60, "S": 40, "E": 30, "W": 5, "C": 1}.items():
        people.loc[people.index[people["region"] == region][:count], "q0"] = 1.0
    out = hidden_beside(estimates(people, ("region",)), packaged)
    q0 = out[out["indicator"] == "q0"].set_index("level")
    assert q0.loc[["W"], "rule"].tolist() == [disclose.SMALL_COUNT]
    # W and C, on fewer than 30 or few who count, have six between them: that would say each has fewer than ten.
    assert q0.loc["C", "is_suppressed"]
    assert q0.loc["E", "rule"] == disclose.BESIDE
    assert not q0.loc[["N", "S"], "is_suppressed"].any()


def test_a_base_too_small_for_one_question_is_hidden_for_all_put_to_the_same_people(packaged: Catalogue) -> None:
    people = pd.concat([frame(), frame(seed=8)], ignore_index=True)
    people = people.drop(index=people.index[people["region"] == "C"][31:]).reset_index(drop=True)
    here = people.index[people["region"] == "C"]
    people.loc[here, ["q0", "q1", "q2"]] = np.resize([0.0, 1.0], (31, 1)).repeat(3, axis=1)
    people.loc[here[:3], "q1"] = np.nan
    out = hidden_beside(estimates(people, ("region",)), packaged).query("level == 'C'").set_index("indicator")
    assert out.loc["q1", "rule"] == disclose.MIN_BASE
    assert out.loc["q0", ["rule", "kind"]].tolist() == [disclose.SHARED, "secondary"]
    assert out.loc["q0", "base_unweighted"] == 31
    # Half of those asked did not answer q3: its base says little of the others.
    assert out.loc["q3", "rule"] != disclose.SHARED


def test_the_choice_does_not_depend_on_the_order_of_rows(packaged: Catalogue) -> None:
    table = estimates(frame(seed=4))
    keys = ["indicator", "domain", "level"]
    one = disclose.protect(table, packaged)[1]
    two = disclose.protect(table.sample(frac=1, random_state=1).reset_index(drop=True), packaged)[1]
    left, right = (a.sort_values(keys).reset_index(drop=True) for a in (one, two))
    pd.testing.assert_frame_equal(left[keys], right[keys])


def test_hiding_costs_little(packaged: Catalogue) -> None:
    table = estimates(frame(n=6000))
    out, audit = disclose.protect(table, packaged)
    assert 0 < disclose.lost(out, audit) < 0.1


def test_nothing_to_hide_hides_nothing(packaged: Catalogue) -> None:
    people = frame(n=4000)[["w", "sex", "q0"]]
    out, audit = disclose.protect(estimates(people, ("sex",)), packaged)
    assert audit.empty
    assert not out["is_suppressed"].any()


def test_a_wave_too_small_for_anything_is_hidden_altogether(packaged: Catalogue) -> None:
    out, _ = disclose.protect(estimates(frame(n=25), ("sex",)), packaged)
    assert out["is_suppressed"].all()
    assert attack.recoverable(released(out), packaged.rules.disclosure).empty


def test_relations_of_crossed_domains_are_their_margins() -> None:
    cells = [("all", "all"), ("a", "1"), ("a", "2"), ("b", "x"), ("a*b", "1 | x"), ("a*b", "2 | x"), ("c*d", "p | q")]
    found = relations(cells)
    named = {
        (cells[t], frozenset(cells[k] for k in np.flatnonzero(row > 0)))
        for t, row in zip(found.total, found.signs.toarray(), strict=True)
    }
    assert named == {
        (("all", "all"), frozenset({("a", "1"), ("a", "2")})),
        (("all", "all"), frozenset({("b", "x")})),
        (("a", "1"), frozenset({("a*b", "1 | x")})),
        (("a", "2"), frozenset({("a*b", "2 | x")})),
        (("b", "x"), frozenset({("a*b", "1 | x"), ("a*b", "2 | x")})),
        # Without margins of its own a crossed domain adds up to the whole.
        (("all", "all"), frozenset({("c*d", "p | q")})),
    }


def sums(people: pd.DataFrame, domains: tuple[str, ...]) -> set[tuple[tuple[str, str], frozenset[tuple[str, str]]]]:
    """Return the sums among the cells of some domains, but for those of the whole."""
    cells = [("all", "all"), *{(d, " | ".join(k)) for d in domains for k in keys_of(people, d)}]
    found = relations(cells, nesting(people, domains))
    return {
        (cells[t], frozenset(cells[k] for k in np.flatnonzero(row > 0)))
        for t, row in zip(found.total, found.signs.toarray(), strict=True)
        if cells[t] != ("all", "all")
    }


def keys_of(people: pd.DataFrame, domain: str) -> set[tuple[str, ...]]:
    return set(people[domain.split("*")].itertuples(index=False, name=None))


def test_two_names_for_the_same_people_are_a_sum_and_so_is_a_level_made_up_alone() -> None:
    people = pd.DataFrame(
        {"lbn": list("yynn") * 2, "district": list("WWEE") * 2, "ward": list("abcc") * 2, "kind": list("pqqp") * 2}
    )
    assert sums(people, ("lbn", "district")) == {
        (("lbn", "y"), frozenset({("district", "W")})),
        (("lbn", "n"), frozenset({("district", "E")})),
    }
    # Only one of the two districts is made up of levels of the other domain.
    people["mixed"] = ["W", "W", "s", "t"] * 2
    people["ward"] = ["W", "W", "s", "u", "W", "W", "t", "s"]
    assert sums(people, ("ward", "mixed")) == {(("mixed", "W"), frozenset({("ward", "W")}))}
    assert sums(people, ("lbn", "kind")) == set()


def test_small_areas_crossed_with_another_domain_add_up_too() -> None:
    people = pd.DataFrame({"region": list("NNSS") * 2, "town": list("abcd") * 2, "sex": ["f"] * 4 + ["m"] * 4})
    found = sums(people, ("region", "town", "sex*region", "town*sex"))
    assert (("sex*region", "f | N"), frozenset({("town*sex", "a | f"), ("town*sex", "b | f")})) in found
    assert (("region", "S"), frozenset({("town", "c"), ("town", "d")})) in found
    assert not any(total[0] == "town" and members <= {("region", x) for x in "NS"} for total, members in found)


def test_what_was_made_safe_in_passing_takes_no_total_with_it(packaged: Catalogue) -> None:
    # The two smaller tenths make up one district, under two names; few of the second count.
    people = frame(n=3000)[["w"]].assign(
        tenth=np.repeat(["1", "2", "3", "4"], [705, 695, 795, 805]), district=np.repeat(["W", "E"], [1400, 1600])
    )
    people = people.assign(lbn=people["district"].map({"W": "yes", "E": "no"}), q0=0.0)
    for tenth, count in {"1": 14, "2": 8, "3": 101, "4": 113}.items():
        people.loc[people.index[people["tenth"] == tenth][:count], "q0"] = 1.0
    domains = ("lbn", "tenth", "district")
    out = hidden_beside(estimates(people, domains), packaged, nesting(people, domains))
    hidden = out[out["is_suppressed"]]
    assert set(zip(hidden["domain"], hidden["level"], strict=True)) == {("tenth", "1"), ("tenth", "2")}
