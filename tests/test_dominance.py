"""The largest shares of weight, against a sort of every group."""

import numpy as np
import pandas as pd
from respondents import DOMAINS, estimates, frame

from engagement_stats import dominance


def test_shares_are_those_of_sorting_every_group() -> None:
    people = frame(n=300)
    table = estimates(people, DOMAINS, rest=("N", "W"))
    for row in table.itertuples():
        here = pd.Series(data=True, index=people.index)
        if row.domain.startswith("rest_of:"):
            here = people["region"] != row.level
        elif row.domain != "all":
            for part, level in zip(row.domain.split("*"), row.level.split(" | "), strict=True):
                here &= people[part] == level
        weights = np.sort(people.loc[here & people[row.indicator].notna(), "w"].to_numpy())[::-1]
        np.testing.assert_allclose(row.largest_weight_share, weights[0] / weights.sum(), rtol=1e-12)
        np.testing.assert_allclose(row.two_largest_weight_share, weights[:2].sum() / weights.sum(), rtol=1e-12)


def test_a_group_in_which_nobody_answered_has_no_share_and_one_person_has_all_of_it() -> None:
    people = frame(n=200)
    people.loc[people["region"] == "C", "q0"] = np.nan
    people.loc[people.index[people["region"] == "W"][1:], "q0"] = np.nan
    keys = pd.DataFrame({"indicator": "q0", "domain": "region", "level": ["C", "W"]})
    out = dominance.shares(people, people[["q0"]], people[["w"]], {"q0": "w"}, keys).set_index("level")
    assert out.loc["C", list(dominance.SHARES)].isna().all()
    assert out.loc["W", list(dominance.SHARES)].tolist() == [1.0, 1.0]


def test_people_without_a_level_are_in_no_group() -> None:
    people = pd.DataFrame({"w": [1.0, 3.0, 96.0], "sex": ["F", "F", None], "q": [1.0, 0.0, 1.0]})
    keys = pd.DataFrame({"indicator": "q", "domain": ["all", "sex"], "level": ["all", "F"]})
    out = dominance.shares(people, people[["q"]], people[["w"]], {"q": "w"}, keys)
    assert out["largest_weight_share"].tolist() == [0.96, 0.75]
    assert out["two_largest_weight_share"].tolist() == [0.99, 1.0]
