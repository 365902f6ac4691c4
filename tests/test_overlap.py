"""Groups of one wave that differ by a few respondents: found as sets of respondents say, and never both shown."""

from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from respondents import WAVE, estimates, frame, nesting, released

from engagement_stats import disclose, overlap
from engagement_stats.catalogue import Catalogue

WEIGHTS = {"q0": "w", "q1": "w", "q3": "w"}


def people(seed: int) -> pd.DataFrame:
    """Draw respondents with two bandings of age a year apart, some without one, some questions unanswered."""
    made = frame(n=1200, seed=seed)
    rng = np.random.default_rng(seed)
    age = rng.integers(16, 91, len(made))
    made["band"] = pd.cut(age, [15, 34, 54, 99], labels=["16-34", "35-54", "55+"]).astype(object)
    made["other_band"] = pd.cut(age, [15, 33, 54, 99], labels=["16-33", "34-54", "55+ "]).astype(object)
    made["band"] = made["band"].where(rng.random(len(made)) > 0.002)
    return made


DOMAINS = ("region", "sex", "band", "other_band", "region*band", "region*other_band")


def held(made: pd.DataFrame, table: pd.DataFrame, catalogue: Catalogue) -> pd.DataFrame:
    questions = made[[c for c in made if c[0] == "q"]]
    weight_of = dict.fromkeys(questions, "w")
    return overlap.held(table, made, questions, made[["w"]], weight_of, catalogue.rules.disclosure)


@pytest.mark.parametrize("seed", range(3))
def test_found_are_those_that_sets_of_respondents_say(packaged: Catalogue, seed: int) -> None:
    made = people(seed)
    made.loc[made.index[:40], "w"] = 0.0
    table = estimates(made, DOMAINS, rest=("N",))
    found = held(made, table, packaged)
    behind: dict[tuple[str, str, str], frozenset[int]] = {}
    everybody: dict[tuple[str, str], frozenset[int]] = {}
    for row in table.itertuples():
        if row.domain.startswith("rest_of:"):
            continue
        where = np.ones(len(made), bool)
        if row.domain != "all":
            for part, level in zip(row.domain.split("*"), row.level.split(" | "), strict=True):
                where &= (made[part] == level).to_numpy()
        everybody[row.domain, row.level] = frozenset(np.flatnonzero(where))
        counted = where & made[row.indicator].notna().to_numpy() & (made["w"] > 0).to_numpy()
        behind[row.indicator, row.domain, row.level] = frozenset(np.flatnonzero(counted))
    expected = set()
    for indicator in ("q0", "q1", "q2", "q3"):
        cells = [k for k in behind if k[0] == indicator]
        for one, other in combinations(cells, 2):
            sets = behind[one], behind[other]
            few = 0 < len(sets[0] ^ sets[1]) < 10
            if few and len(everybody[one[1:]] ^ everybody[other[1:]]) < 200 and sets[0] | sets[1]:
                sizes = [len(everybody[k[1:]]) for k in (one, other)]
                if everybody[one[1:]] & everybody[other[1:]]:
                    expected.add(one if sizes[0] < sizes[1] else other)
    told = set(found[["indicator", "domain", "level"]].itertuples(index=False, name=None))
    assert told == expected
    assert len(told) > 10
    assert not found["domain"].str.startswith("rest_of").any()


def test_the_very_same_respondents_under_two_names_stay(packaged: Catalogue) -> None:
    made = frame(n=1200).assign(place=lambda f: f["region"])
    assert held(made, estimates(made, ("region", "place", "sex")), packaged).empty


def test_of_two_groups_a_few_apart_one_is_withheld_and_nothing_else_tells(packaged: Catalogue) -> None:
    made = people(1)
    table, nested = estimates(made, DOMAINS), nesting(made, DOMAINS).assign(wave=WAVE)
    both = disclose.protect(table, packaged, nested)[0].set_index(["indicator", "domain", "level"])["is_suppressed"]
    near = held(made, table, packaged).assign(rule=disclose.OVERLAP)
    # The tempting way: each is safe alone, and adds up.
    one = [k for k in near[["indicator", "domain", "level"]].itertuples(index=False, name=None) if not both[k]]
    assert one
    safe, audit = disclose.protect(table, packaged, nested, None, near)
    assert set(audit["rule"]) >= {disclose.OVERLAP}
    assert disclose.check(released(safe), packaged.rules.disclosure, nested) > 0
    shown = safe.set_index(["indicator", "domain", "level"])["is_suppressed"]
    assert all(shown[k] for k in one)


def test_a_wave_without_estimates_has_none_to_withhold(packaged: Catalogue) -> None:
    table = estimates(frame(), ("sex",))
    none = table.iloc[:0]
    assert held(frame(), none, packaged).empty
    out, audit = disclose.protect(none, packaged)
    assert (len(out), len(audit)) == (0, 0)
    assert disclose.check(released(out), packaged.rules.disclosure) == 0
    # Of whom nobody has a level there is one group, everybody.
    assert held(frame().assign(sex=None), table, packaged).empty
