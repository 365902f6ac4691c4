"""Expectations, quarantine and columns that do not fit the rest of a wave's entry are told when the catalogue loads."""

import shutil
from pathlib import Path

import pytest

from engagement_stats import catalogue
from engagement_stats.catalogue import DEFAULT, expected, screening
from engagement_stats.catalogue import model as m
from engagement_stats.errors import CatalogueError

WAVE = "poll_2020"


class Noted:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def add(self, where: str, problem: str) -> None:
        self.lines.append(f"{where}: {problem}")


def problems(small: catalogue.Catalogue, **updates: object) -> list[str]:
    noted = Noted()
    screening.check(small.microdata_waves[WAVE].model_copy(update=updates), noted, "waves/w.yaml")
    return noted.lines


def rules(**entries: dict[str, object]) -> expected.Quarantine:
    return expected.Quarantine.model_validate({"rules": entries})


def test_a_wave_without_any_of_it_is_right(small: catalogue.Catalogue) -> None:
    assert problems(small) == []


@pytest.mark.parametrize(
    ("rule", "problem"),
    [
        ({"rule": "impossible", "variable": "height", "range": [1, 2]}, 'variable "height" is not one of the wave.'),
        (
            {"rule": "impossible", "variable": "sex", "range": [1, 2]},
            "variable sex has codes; expected one with numeric or bands.",
        ),
        ({"rule": "incomplete", "variables": ["joined", "height"]}, 'variable "height" is not one of the wave.'),
    ],
)
def test_a_rule_names_variables_of_the_wave(small: catalogue.Catalogue, rule: dict[str, object], problem: str) -> None:
    assert problems(small, quarantine=rules(odd=rule)) == [f"waves/w.yaml quarantine.rules.odd: {problem}"]


def test_a_rule_does_not_rest_on_a_column_that_may_be_absent(small: catalogue.Catalogue) -> None:
    wave = small.microdata_waves[WAVE]
    variables = {**wave.variables, "age": wave.variables["age"].model_copy(update={"optional": True})}
    rule = {"rule": "impossible", "variable": "age", "range": [16, 110]}
    found = problems(small, variables=variables, quarantine=rules(odd=rule))
    assert found == [
        "waves/w.yaml quarantine.rules.odd: variable age is optional; a rule needs one that every edition has."
    ]


def test_identifiers_are_compared_only_where_there_are_some(small: catalogue.Catalogue) -> None:
    again = {"rule": "duplicates", "keep": "first"}
    none = m.RespondentId(absent="The file has none.")
    assert problems(small, respondent_id=none, quarantine=rules(again=again)) == [
        "waves/w.yaml quarantine.rules.again: compares respondent identifiers, and the wave has none. Name columns."
    ]
    assert problems(small, respondent_id=none, quarantine=rules(again={**again, "columns": ["q1"]})) == []


def test_an_expectation_names_what_the_wave_has(small: catalogue.Catalogue) -> None:
    expects = expected.Expectations.model_validate(
        {
            "interviewed": {"columns": ["seen"], "written_as": "spss"},
            "numbers": {"sex": {"lowest": [1, 2]}, "height": {"lowest": [1, 2]}},
            "answered": {"weather": 0.5},
            "mean_weight": {"other": [1, 2]},
        }
    )
    assert problems(small, expects=expects) == [
        "waves/w.yaml expects.interviewed: fieldwork has neither a start nor an end to check against.",
        "waves/w.yaml expects.numbers: variable sex has codes; expected one with numeric or bands.",
        'waves/w.yaml expects.numbers: variable "height" is not one of the wave.',
        'waves/w.yaml expects.answered: variable "weather" is not one of the wave.',
        'waves/w.yaml expects.mean_weight: "other" is not a supplied weight of the wave.',
    ]


@pytest.mark.parametrize("place", ["variable", "weight", "respondent_id", "where", "stratum", "quarantine", "expects"])
def test_a_direct_identifier_is_refused_wherever_it_is_asked_for(small: catalogue.Catalogue, place: str) -> None:
    wave = small.microdata_waves[WAVE]
    column = "HomePostcode"
    updates: dict[str, dict[str, object]] = {
        "variable": {"variables": {**wave.variables, "x": m.Variable(column=column, codes={"1": "Yes"})}},
        "weight": {"design": m.WaveDesign(weights={"main": column})},
        "respondent_id": {"respondent_id": m.RespondentId(columns=[column])},
        "where": {"file": wave.file.model_copy(update={"where": {column: ["1"]}})},
        "stratum": {"design": m.WaveDesign(weights={"main": "wt"}, stratum=column)},
        "quarantine": {"quarantine": rules(again={"rule": "duplicates", "columns": [column], "keep": "first"})},
    }  # fmt: skip
    if place == "expects":
        fieldwork = m.Fieldwork.model_validate_json('{"label": "2020", "year": 2020, "start": "2020-01-01"}')
        interviewed = expected.Interviewed(columns=[column], written_as="%Y")
        updates["expects"] = {"expects": expected.Expectations(interviewed=interviewed), "fieldwork": fieldwork}
    found = problems(small, **updates[place])
    assert found == [
        'waves/w.yaml: column "HomePostcode" seems to hold a direct identifier (postcode), which is not to be read. '
        "Ask for another column, or give the reason under identifiers_allowed."
    ]
    assert problems(small, **updates[place], identifiers_allowed={"homepostcode": "Outward half only."}) == []


def test_a_column_that_is_not_asked_for_is_not_allowed_either(small: catalogue.Catalogue) -> None:
    assert problems(small, identifiers_allowed={"email": "No reason."}) == [
        'waves/w.yaml identifiers_allowed: column "email" is not one the entry asks for.'
    ]


def test_the_catalogue_does_not_load_with_any_of_it(tmp_path: Path) -> None:
    folder = tmp_path / "catalogue"
    shutil.copytree(DEFAULT, folder)
    entry = folder / "waves" / "demo_lbn_poll.yaml"
    entry.write_text(
        entry.read_text().replace("{column: region,", "{column: postcode,")
        + "\nquarantine: {rules: {old: {rule: impossible, variable: sex, range: [1, 2]}}}\n"
        + "expects: {answered: {weather: 0.5}}\n"
    )
    with pytest.raises(CatalogueError) as caught:
        catalogue.load(folder)
    lines = [line for line in str(caught.value).split("\n") if line.startswith("waves/demo_lbn_poll.yaml")]
    assert len(lines) == 3
    assert "quarantine.rules.old: variable sex has codes" in lines[0]
    assert 'expects.answered: variable "weather"' in lines[1]
    assert 'column "postcode" seems to hold a direct identifier (postcode)' in lines[2]
