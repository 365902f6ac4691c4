"""Every code is a category or a typed reason for missingness, or the wave stops and says where."""

from dataclasses import replace

import pandas as pd
import pytest

from engagement_stats import catalogue, clean
from engagement_stats.catalogue import model as m
from engagement_stats.errors import CleaningError

WAVE = "poll_2020"
CANARY = "CANARY7731"


def deposited(**columns: list[object]) -> pd.DataFrame:
    """Return a wave's raw columns for four respondents, with some of them changed."""
    base: dict[str, list[object]] = {
        "id": ["a", "b", "c", "d"], "q1": ["1", "2", "-8", "1"], "q2": ["1", "2", "-9", "-1"],
        "hrs": ["0", "168", "-9", "2.5"], "sex": ["2", "1", "2", "1"], "age": ["16", "34", "35", "-9"],
    }  # fmt: skip
    return pd.DataFrame({**base, **columns})


def changed(small: catalogue.Catalogue, **updates: object) -> catalogue.Catalogue:
    """Return the catalogue with the wave's entry changed."""
    return replace(small, waves={**small.waves, WAVE: small.waves[WAVE].model_copy(update=updates)})


def varied(small: catalogue.Catalogue, **variables: dict[str, object]) -> catalogue.Catalogue:
    """Return the catalogue with other variables in the wave."""
    new = {k: m.Variable.model_validate(v) for k, v in variables.items()}
    return changed(small, variables={**small.microdata_waves[WAVE].variables, **new})


def refused(raw: pd.DataFrame, small: catalogue.Catalogue) -> str:
    with pytest.raises(CleaningError) as caught:
        clean.harmonise(raw, WAVE, small)
    assert CANARY not in str(caught.value)
    return str(caught.value)


# --- what comes out


def test_codes_become_categories_and_reasons(small: catalogue.Catalogue) -> None:
    raw = deposited()
    before = raw.copy()
    out = clean.harmonise(raw, WAVE, small)
    pd.testing.assert_frame_equal(raw, before)
    assert out["respondent"].tolist() == ["a", "b", "c", "d"]
    assert out["joined"].astype("object").where(out["joined"].notna(), None).tolist() == ["Yes", "No", None, "Yes"]
    missing = {c: out[c].where(out[c].notna(), "").tolist() for c in out if c.endswith("__missing")}
    assert missing == {
        "joined__missing": ["", "", "dont_know", ""],
        "helped__missing": ["", "", "refused", "not_asked"],
        "hours__missing": ["", "", "refused", ""],
        "sex__missing": ["", "", "", ""],
        "age__missing": ["", "", "", "refused"],
    }
    assert clean.missing_counts(out) == {
        "joined": {"dont_know": 1}, "helped": {"not_asked": 1, "refused": 1}, "hours": {"refused": 1},
        "age": {"refused": 1},
    }  # fmt: skip


def test_numeric_codes_of_a_sav_file_give_the_same(small: catalogue.Catalogue) -> None:
    numeric = deposited()
    for column in ("q1", "q2", "hrs", "sex", "age"):
        numeric[column] = numeric[column].astype("float64")
    pd.testing.assert_frame_equal(clean.harmonise(numeric, WAVE, small), clean.harmonise(deposited(), WAVE, small))


def test_bands_hold_both_ends(small: catalogue.Catalogue) -> None:
    out = clean.harmonise(deposited(age=["16", "34", "35", "110"]), WAVE, small)
    assert out["age"].tolist() == ["16-34", "16-34", "35+", "35+"]


def test_a_number_keeps_its_value_and_its_range_holds_both_ends(small: catalogue.Catalogue) -> None:
    hours = clean.harmonise(deposited(), WAVE, small)["hours"]
    assert hours.dropna().tolist() == [0.0, 168.0, 2.5]


def test_categories_are_in_the_domain_s_order_and_not_the_codes(small: catalogue.Catalogue) -> None:
    out = clean.harmonise(deposited(), WAVE, small)
    # The wave lists Female first, the file has only what it has; the domain says Male, Female.
    assert list(out["sex"].cat.categories) == ["Male", "Female"]
    women = clean.harmonise(deposited(sex=["2"] * 4), WAVE, small)
    assert list(women["sex"].cat.categories) == ["Male", "Female"]
    # A variable that is no domain keeps the order of its code list.
    assert list(out["joined"].cat.categories) == ["Yes", "No"]


def test_several_codes_may_be_one_category(small: catalogue.Catalogue) -> None:
    merged = varied(small, joined={"column": "q1", "codes": {"1": "Yes", "2": "Yes", "-8": "No"}})
    out = clean.harmonise(deposited(), WAVE, merged)
    assert list(out["joined"].cat.categories) == ["Yes", "No"]
    assert out["joined"].tolist() == ["Yes", "Yes", "No", "Yes"]


def test_an_empty_cell_may_have_a_reason(small: catalogue.Catalogue) -> None:
    skipped = varied(small, joined={"column": "q1", "codes": {"1": "Yes", "2": "No"}, "missing": {"": "not_asked"}})
    out = clean.harmonise(deposited(q1=["1", "", "2", ""]), WAVE, skipped)
    assert clean.missing_counts(out)["joined"] == {"not_asked": 2}


def test_stratum_and_psu_are_carried_as_text(small: catalogue.Catalogue) -> None:
    design = small.microdata_waves[WAVE].design.model_copy(update={"stratum": "st", "psu": "pt"})
    out = clean.harmonise(
        deposited(st=[1.0, 1.0, 2.0, 2.0], pt=["01", "1", "1", "2"]), WAVE, changed(small, design=design)
    )
    assert out["stratum"].tolist() == ["1", "1", "2", "2"]
    assert out["psu"].tolist() == ["01", "1", "1", "2"]
    message = refused(deposited(st=["1", "", "", "2"], pt=["1"] * 4), changed(small, design=design))
    assert "poll_2020 st (stratum): 2 respondent(s) have none." in message


def test_a_wave_without_identifiers_numbers_its_respondents(small: catalogue.Catalogue) -> None:
    none = changed(small, respondent_id=m.RespondentId(absent="The file has none."))
    assert clean.harmonise(deposited(id=["x"] * 4), WAVE, none)["respondent"].tolist() == ["1", "2", "3", "4"]


def test_an_identifier_may_take_several_columns(small: catalogue.Catalogue) -> None:
    raw = deposited(week=["1", "1", "2", "2"], id=["1", "2", "1", "2"])
    assert "4 rows share a respondent identifier" in refused(raw, small)
    both = changed(small, respondent_id=m.RespondentId(columns=["week", "id"]))
    assert clean.harmonise(raw, WAVE, both)["respondent"].is_unique
    # Joined by anything a column may hold, these two would be one respondent.
    alike = deposited(week=["1-2", "1", "1", "2"], id=["3", "2-3", "1", "2"])
    assert clean.harmonise(alike, WAVE, both)["respondent"].is_unique


# --- what is refused


def test_an_unknown_code_names_file_variable_and_codes(small: catalogue.Catalogue) -> None:
    message = refused(deposited(q1=["1", "998", "997", "1"]), small)
    assert message == (
        "poll_2020 q1 (waves/poll_2020.yaml, variable joined): 2 raw code(s) have no category. Got 997, 998; the "
        "catalogue has 1, 2, -8. Add each with a category or under missing."
    )


def test_an_empty_cell_without_a_reason_is_an_unknown_code(small: catalogue.Catalogue) -> None:
    told = refused(deposited(q1=["1", "", "2", "1"]), small)
    assert "Got (empty);" in told
    assert 'under missing (an empty cell is "").' in told
    skipped = varied(small, joined={"column": "q1", "codes": {"1": "Yes", "2": "No"}, "missing": {"": "not_asked"}})
    assert "the catalogue has 1, 2, (empty)." in refused(deposited(q1=["1", "", "9", "1"]), skipped)


def test_respondents_own_words_are_not_repeated(small: catalogue.Catalogue) -> None:
    message = refused(deposited(q1=["1", CANARY, CANARY + " and more", "1"]), small)
    assert "2 raw code(s) have no category. Got (text);" in message


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        (
            {"age": ["16", "15", "111", "34.5"]},
            "3 respondent(s) have a number outside every band. Expected 16 to 34, 35 to",
        ),
        ({"hrs": ["-1", "168.5", "1", "1"]}, "2 respondent(s) have a number outside the range. Expected 0 to 168"),
        ({"hrs": [CANARY, "", "1", "1"]}, "2 respondent(s) have a value that is neither a number nor a code"),
        ({"hrs": [CANARY, "", "1", "1"]}, "of 1 the cell is empty"),
        ({"hrs": ["", "", "1", "1"]}, 'under missing in the wave\'s catalogue entry (an empty cell is "").'),
        ({"age": [CANARY, "20", "20", "20"]}, "1 respondent(s) have a value that is neither a number nor a code"),
        ({"id": [CANARY, CANARY, "c", "d"]}, "2 rows share a respondent identifier with another row"),
        ({"id": ["a", "", "c", None]}, "2 respondent(s) have no identifier"),
    ],
)
def test_other_mistakes_are_counted(
    small: catalogue.Catalogue, columns: dict[str, list[object]], expected: str
) -> None:
    assert expected in refused(deposited(**columns), small)


def test_an_infinite_number_is_out_of_range(small: catalogue.Catalogue) -> None:
    assert "1 respondent(s) have a number outside the range" in refused(deposited(hrs=["inf", "1", "1", "1"]), small)


def test_all_problems_are_reported_at_once(small: catalogue.Catalogue) -> None:
    raw = deposited(id=["a"] * 4, q1=["5"] * 4, q2=["6"] * 4, hrs=["999"] * 4, age=["1"] * 4)
    lines = refused(raw, small).splitlines()
    assert [line.split(":")[0] for line in lines] == [
        "poll_2020 id",
        *(f"poll_2020 {c} (waves/poll_2020.yaml, variable {v})"
          for c, v in (("q1", "joined"), ("q2", "helped"), ("hrs", "hours"), ("age", "age"))),
    ]  # fmt: skip


# --- indicators


def rule(**fields: object) -> m.IndicatorRule:
    return m.IndicatorRule.model_validate({"question": "q_joined", **fields})


def made(responses: pd.DataFrame, one: m.IndicatorRule) -> list[float | None]:
    column = clean.indicators(responses, [("x", one)])["x"]
    assert column.dtype == "float64"
    return [None if pd.isna(v) else float(v) for v in column]


@pytest.fixture
def answered(small: catalogue.Catalogue) -> pd.DataFrame:
    return clean.harmonise(deposited(), WAVE, small)


def test_an_indicator_is_one_zero_or_unanswered(answered: pd.DataFrame) -> None:
    assert made(answered, rule(variable="joined", counts=["Yes"])) == [1, 0, None, 1]
    assert made(answered, rule(variable="joined", counts=["No"])) == [0, 1, None, 0]
    assert made(answered, rule(variable="joined", counts=["Yes", "No"])) == [1, 1, None, 1]


def test_a_number_is_taken_as_it_is(answered: pd.DataFrame) -> None:
    assert made(answered, rule(variable="hours")) == [0, 168, None, 2.5]


def test_only_the_reasons_named_mean_no(answered: pd.DataFrame) -> None:
    routed = rule(variable="helped", counts=["Yes"], reasons_as_no=["not_asked"])
    # The one who refused stays unanswered: filling every gap with no would give 0 there.
    assert made(answered, routed) == [1, 0, None, 0]
    assert made(answered, rule(variable="helped", counts=["Yes"])) == [1, 0, None, None]


def test_any_of_waits_for_answers_that_could_still_decide() -> None:
    yes, no, none = "Yes", "No", None
    grid = [[yes, none, none], [no, no, no], [no, no, none], [yes, yes, none], [yes, no, none], [yes, no, no]]
    frame = pd.DataFrame(grid, columns=["a", "b", "c"], dtype="object")
    one = rule(any_of=["a", "b", "c"], counts=["Yes"])
    two = rule(any_of=["a", "b", "c"], counts=["Yes"], at_least=2)
    # Taking silence for no would give 0 in the third row, 0 in the first and fifth of `two`.
    assert made(frame, one) == [1, 0, None, 1, 1, 1]
    assert made(frame, two) == [None, 0, 0, 1, None, 0]
    assert made(frame, rule(any_of=["a", "b", "c"], counts=["Yes"], at_least=3)) == [None, 0, 0, None, 0, 0]


def test_any_of_takes_reasons_as_no_variable_by_variable() -> None:
    frame = pd.DataFrame({
        "a": ["No", None], "a__missing": [None, "not_asked"], "b": [None, "Yes"], "b__missing": ["not_asked", None],
    })  # fmt: skip
    assert made(frame, rule(any_of=["a", "b"], counts=["Yes"], reasons_as_no=["not_asked"])) == [0, 1]


def test_an_indicator_of_an_absent_variable_is_left_out(answered: pd.DataFrame) -> None:
    rules = [("gone", rule(any_of=["joined", "absent"], counts=["Yes"])), ("there", rule(variable="hours"))]
    assert list(clean.indicators(answered, rules)) == ["there"]


def test_an_optional_variable_may_be_absent_from_the_file(small: catalogue.Catalogue) -> None:
    optional = varied(small, helped={"column": "q2", "codes": "yes_no", "optional": True})
    out = clean.harmonise(deposited().drop(columns="q2"), WAVE, optional)
    assert "helped" not in out
    assert "helped__missing" not in out
