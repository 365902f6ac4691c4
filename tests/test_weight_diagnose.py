"""A diagnosis says in words and numbers what weighting will meet."""

import numpy as np
import pandas as pd
import pytest

from engagement_stats import weight
from engagement_stats.errors import WeightingError


def people() -> pd.DataFrame:
    return pd.DataFrame({"sex": ["F"] * 60 + ["M"] * 40, "age": (["18-34"] * 5 + ["35+"] * 45) * 2})


MARGINS = {"sex": {"F": 50, "M": 50}, "age": {"18-34": 30, "35+": 70}}


def test_differences_by_hand() -> None:
    found = weight.diagnose(people(), MARGINS)
    table = found.table.set_index(["variable", "category"])
    # (0.6 - 0.5) / sqrt(0.5 * 0.5), and (0.1 - 0.3) / sqrt(0.3 * 0.7).
    assert table.loc[("sex", "F"), "difference"] == pytest.approx(0.2)
    assert table.loc[("age", "18-34"), "difference"] == pytest.approx(-0.2 / np.sqrt(0.21))
    assert table.loc[("age", "18-34"), "ratio"] == pytest.approx(3.0)
    assert table["respondents"].tolist() == [60, 40, 10, 90]
    assert table.loc[("age", "18-34"), "flag"] == "thin"
    assert table["after_share"].isna().all()
    assert found.ready
    # Alone, age gives a design effect of 0.3^2 / 0.1 + 0.7^2 / 0.9.
    pull = found.pull.set_index("variable")["pull"]
    assert pull["age"] == pytest.approx(0.9 + 0.49 / 0.9)
    assert pull["age"] == pytest.approx(weight.poststratify(people(), {"age": MARGINS["age"]}).design_effect)
    text = str(found)
    assert "age has fewer than 30 respondents in 18-34" in text
    assert 'Furthest from the population: age "18-34", underrepresented, 10.0% of the sample and 30.0%' in text
    assert "age pulls the weights the most: alone it would give a design effect of 1.44." in text


def test_after_weighting_nothing_is_left() -> None:
    made = weight.rake(people(), MARGINS)
    found = weight.diagnose(people(), MARGINS, weights=made)
    assert found.table["after_difference"].abs().max() < 1e-12
    np.testing.assert_allclose(found.table["after_share"], found.table["population_share"], rtol=1e-12)
    assert "With the weights given the largest standardised difference is" in found.sentences[-1]


def test_a_sample_that_agrees() -> None:
    found = weight.diagnose(people(), {"sex": {"F": 60, "M": 40}})
    assert found.sentences == ("The sample agrees with every margin already.",)
    assert found.pull["pull"].tolist() == pytest.approx([1.0])


def test_what_would_stop_weighting_is_said_not_raised() -> None:
    frame = people()
    frame.loc[0, "sex"] = None
    frame.loc[1, "age"] = "?"
    found = weight.diagnose(frame, {"sex": {"F": 50, "M": 49, "X": 1}, "age": MARGINS["age"]})
    assert not found.ready
    text = str(found)
    assert "1 respondent(s) have no category in sex. Weighting stops" in text
    assert "sex has population but no respondent in X. Collapse" in text
    assert "age has respondents but no population in ?." in text
    assert found.table["flag"].tolist() == ["", "", "empty", "thin", "", "no population"]


def test_bounds_are_tried() -> None:
    met = weight.diagnose(people(), MARGINS, bounds=(0.3, 5.0))
    assert met.sentences[-1] == "Factors between 0.3 and 5 meet the margins."
    not_met = weight.diagnose(people(), MARGINS, bounds=(0.3, 2.0))
    assert "too tight: with the lower bound 0.3 the upper must be above" in not_met.sentences[-1]


def test_crossed_margins_base_weights_and_rounding() -> None:
    crossed = {"F | 18-34": 15, "F | 35+": 35, "M | 18-34": 15, "M | 35+": 35.1}
    base = np.where(people()["sex"] == "F", 1.0, 1.5)
    found = weight.diagnose(people(), {"sex": MARGINS["sex"], "age": {"18-34": 30, "35+": 70.1}}, base)
    assert found.table.loc[0, "sample_share"] == pytest.approx(0.5)
    assert "The totals of age differ from the first margin's by rounding" in found.sentences[0]
    one = weight.diagnose(people(), {"sex*age": crossed})
    assert one.table["respondents"].sum() == 100
    assert one.table.loc[one.table["category"] == "F | 18-34", "respondents"].item() == 10


def test_calls_that_make_no_sense() -> None:
    with pytest.raises(WeightingError, match='no column "region"'):
        weight.diagnose(people(), {"region": {"N": 1}})
    with pytest.raises(WeightingError, match="got 3 for 100 respondents"):
        weight.diagnose(people(), MARGINS, weights=[1, 2, 3])
