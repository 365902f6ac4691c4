"""Domains are proposed from what a file's columns hold, and a column of something else is not taken for one."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from engagement_stats import dividing, inspection
from engagement_stats.catalogue import Catalogue
from engagement_stats.inspection import Column
from engagement_stats.proposed import Line
from engagement_stats.readers.model import Contents

N = 400
SEX = {1.0: "Male", 2.0: "Female"}


def ages(youngest: int, oldest: int = 91) -> np.ndarray:
    return np.arange(N) % (oldest - youngest + 1) + youngest


def proposed(
    catalogue: Catalogue, columns: dict[str, Any], have: tuple[str, ...] = (), **about: dict[str, Any]
) -> dict[str, Line]:
    frame = pd.DataFrame(columns)
    found: list[Column] = inspection.columns(Contents(list(frame), len(frame), **about), frame)
    return dividing.propose(found, frame, catalogue, have)


@pytest.mark.parametrize(
    ("youngest", "domain", "first"),
    [(15, "age_band", "15-24"), (16, "cls_age_group", "16-24"), (18, "age_group", "18-24"), (20, "age_group", "18-24")],
)
def test_bands_of_age_begin_where_the_youngest_do(packaged: Catalogue, youngest: int, domain: str, first: str) -> None:
    line = proposed(packaged, {"age": ages(youngest)})[domain]
    assert isinstance(line.value, dict)
    bands = line.value["bands"]
    # The last level of the Community Life Survey's adds up two others.
    assert list(bands) == [level for level in packaged.domains[domain].levels if level != "65+"]
    assert next(iter(bands.values())) == [int(x) for x in first.split("-")]
    assert line.confidence == "low"


@pytest.mark.parametrize(
    ("name", "values", "label"),
    [
        ("wage", ages(18), ""), ("language", ages(18), ""), ("hours", ages(18), "Hours worked a week"),
        ("age", ages(0), ""), ("age", ages(30), ""), ("age", ages(18) + 0.5, ""), ("age", ages(18) * 10, ""),
        ("age", ages(18, 55), ""), ("age", np.array([1935 + i % 70 for i in range(N)]), "Age: year of birth"),
    ],
)  # fmt: skip
def test_what_is_no_age_of_adults_is_not_taken_for_it(
    packaged: Catalogue, name: str, values: np.ndarray, label: str
) -> None:
    assert proposed(packaged, {name: values}, variable_labels={name: label}) == {}


def test_codes_of_no_answer_are_missing_by_their_labels(packaged: Catalogue) -> None:
    years = ages(18)
    years[:40], years[40:80], years[80:120] = 997, 998, -7
    labels: dict[str, Any] = {"Q1": {997.0: "Refusal", 998.0: "Don\u2019t know", -7.0: "Outer space"}}
    line = proposed(packaged, {"Q1": years}, variable_labels={"Q1": "Age of respondent"}, labels=labels)["age_group"]
    assert isinstance(line.value, dict)
    assert line.value["missing"] == {"997": "refused", "998": "dont_know"}
    assert line.notes == ("code -7 is no age: put it under missing",)


def test_the_age_of_the_respondent_is_preferred_to_a_partners(packaged: Catalogue) -> None:
    partner = pd.Series(ages(18)).where(np.arange(N) % 2 == 0)
    columns = {"prtage": partner, "respage": ages(18)}
    about = {"prtage": "Age of partner", "respage": "Age of respondent"}
    line = proposed(packaged, columns, variable_labels=about)["age_group"]
    assert isinstance(line.value, dict)
    assert line.value["column"] == "respage"


def test_a_partners_age_does_not_stand_in_for_an_age_with_undeclared_codes(packaged: Catalogue) -> None:
    own = pd.Series(ages(18)).where(np.arange(N) % 20 != 0, 0)
    assert proposed(packaged, {"age": own, "AgePartner": ages(18)}) == {}


def test_nothing_is_proposed_twice(packaged: Catalogue) -> None:
    """A wave that has an age group of its own needs no other bands."""
    assert proposed(packaged, {"age": ages(16)}, have=("age_group",)) == {}


def test_labelled_codes_find_their_domain(packaged: Catalogue) -> None:
    columns = {"q1": np.arange(N) % 2 + 1, "q2": np.arange(N) % 2 + 1}
    labels: dict[str, Any] = {"q1": {1.0: "Yes", 2.0: "No"}, "q2": SEX}
    found = proposed(packaged, columns, labels=labels)
    assert list(found) == ["sex"]
    assert found["sex"].value["column"] == "q2"  # type: ignore[index]
    swapped = {"q2": {1.0: "Female", 2.0: "Male"}}
    codes = proposed(packaged, {"q2": columns["q2"]}, labels=swapped)["sex"].value["codes"]  # type: ignore[index]
    assert packaged.codelists[codes].codes["1"] == "Female"


def test_levels_in_words_find_their_domain_in_whatever_letter_case(packaged: Catalogue) -> None:
    gender = pd.Series(["FEMALE", "male", "Prefer not to say", "female"] * (N // 4))
    gender[:8] = ""
    line = proposed(packaged, {"q7": gender, "said": ["male", "other"] * (N // 2)})["sex"]
    assert line.value == {
        "column": "q7", "codes": {"FEMALE": "Female", "female": "Female", "male": "Male"},
        "missing": {"Prefer not to say": "refused", "": "not_stated"},
    }  # fmt: skip
    assert line.notes == (dividing.EMPTY,)
    ages = proposed(packaged, {"q8": ["18-24", "75 +", "25 - 34", "35-44"] * (N // 4)})
    assert ages["age_group"].value == {
        "column": "q8", "codes": {"18-24": "18-24", "25 - 34": "25-34", "35-44": "35-44", "75 +": "75+"},
    }  # fmt: skip
    # Deprivation deciles are numbers too.
    assert proposed(packaged, {"q9": ["2", "3", "4", "5"] * (N // 4)}) == {}
    # One more answer than the domain has levels is no longer that domain.
    assert proposed(packaged, {"q7": ["male", "female", "non-binary", "male"] * (N // 4)}) == {}
