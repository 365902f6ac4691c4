"""What an edition of a file cannot give is left out, and said with its reason; a guess is never used."""

from dataclasses import replace

import pandas as pd
import pytest

from engagement_stats import catalogue, clean, omissions
from engagement_stats.catalogue import model as m
from engagement_stats.codebook import Codebook
from engagement_stats.errors import CleaningError

WAVE = "poll_2020"
SILENT = Codebook({}, {})


def guessed(small: catalogue.Catalogue, *, optional: bool = True, evidence: str = "unverified") -> catalogue.Catalogue:
    """Make the code list of `helped` one that nobody has verified."""
    wave = small.microdata_waves[WAVE]
    helped = wave.variables["helped"].model_copy(update={"optional": optional})
    changed = wave.model_copy(update={"variables": {**wave.variables, "helped": helped}})
    lists = {"yes_no": small.codelists["yes_no"].model_copy(update={"evidence": evidence})}
    return replace(small, waves={**small.waves, WAVE: changed}, codelists=lists)


def raw(**columns: list[str]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "id": ["1", "2", "3"], "wt": ["1", "1", "1"], "q1": ["1", "2", "-8"], "q2": ["1", "2", "-1"],
            "hrs": ["4", "0", "-9"], "sex": ["1", "2", "1"], "age": ["20", "40", "-9"], **columns,
        }
    )  # fmt: skip


def test_codes_nobody_has_confirmed_are_not_used(small: catalogue.Catalogue) -> None:
    entries = guessed(small)
    found = omissions.unconfirmed(raw(), SILENT, WAVE, entries)
    assert list(found) == ["helped"]
    assert "nobody has confirmed what the codes of q2 mean" in found["helped"]
    responses = clean.harmonise(raw(), WAVE, entries, leave_out=found)
    assert "helped" not in responses
    left = omissions.omitted(responses, WAVE, entries, found)
    assert list(left) == ["indicator helped_12m"]
    assert "nobody has confirmed" in left["indicator helped_12m"]


@pytest.mark.parametrize(
    ("labels", "confirmed"),
    [
        ({"1": "Yes", "2": "No"}, True),
        ({"1": "YES", "2": "no."}, True),
        ({"1": "Yes"}, False),  # a code that occurs has no label
        ({"1": "Often", "2": "No"}, False),
        ({}, False),
    ],
)
def test_the_labels_of_the_file_confirm_a_list(
    small: catalogue.Catalogue, labels: dict[str, str], confirmed: bool
) -> None:
    found = omissions.unconfirmed(raw(), Codebook({"q2": labels}, {}), WAVE, guessed(small))
    assert (found == {}) == confirmed


def test_a_code_that_nobody_has_needs_no_label(small: catalogue.Catalogue) -> None:
    only_yes = raw(q2=["1", "1", "-1"])
    assert omissions.unconfirmed(only_yes, Codebook({"q2": {"1": "Yes"}}, {}), WAVE, guessed(small)) == {}


@pytest.mark.parametrize("evidence", ["confirmed", "second_hand", "inferred"])
def test_other_evidence_is_used(small: catalogue.Catalogue, evidence: str) -> None:
    assert omissions.unconfirmed(raw(), SILENT, WAVE, guessed(small, evidence=evidence)) == {}


def test_a_variable_that_must_be_there_stops_the_wave(small: catalogue.Catalogue) -> None:
    with pytest.raises(CleaningError, match=r"poll_2020 q2: nobody has confirmed.*give it evidence: confirmed"):
        omissions.unconfirmed(raw(), SILENT, WAVE, guessed(small, optional=False))


def test_an_absent_column_is_said_with_the_note_of_its_line(small: catalogue.Catalogue) -> None:
    wave = small.microdata_waves[WAVE]
    sex = m.Variable(column="gender", codes={"1": "Male"}, optional=True, note="Only in the special edition.")
    entries = replace(
        small, waves={**small.waves, WAVE: wave.model_copy(update={"variables": {**wave.variables, "sex": sex}})}
    )
    left = omissions.omitted(clean.harmonise(raw(), WAVE, entries), WAVE, entries, {})
    assert set(left) == {"domain sex", "domain sex*age"}
    assert left["domain sex"] == "the file has no column gender. Only in the special edition."


def test_nothing_is_left_out_of_a_whole_file(small: catalogue.Catalogue) -> None:
    assert omissions.omitted(clean.harmonise(raw(), WAVE, small), WAVE, small, {}) == {}
