"""A file like no known wave gets its coded columns as variables, which ask for what the file does not say."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from engagement_stats import describe, draft, inspection, propose, transcribe
from engagement_stats.catalogue import Catalogue, strictyaml
from engagement_stats.catalogue import model as m
from engagement_stats.catalogue.entry import ASK
from engagement_stats.inspection import Column
from engagement_stats.proposed import Line
from engagement_stats.readers.model import Contents

N = 400


def proposed(
    catalogue: Catalogue, columns: dict[str, Any], have: tuple[str, ...] = (), **about: Any
) -> dict[str, Line]:
    frame = pd.DataFrame(columns)
    found: list[Column] = inspection.columns(Contents(list(frame), len(frame), **about), frame)
    return transcribe.variables(found, have, catalogue)


def test_labels_and_words_name_answers_and_numbers_ask(packaged: Catalogue) -> None:
    found = proposed(
        packaged,
        {"Q1": np.arange(N) % 2 + 1, "Q2": ["often", "never"] * (N // 2), "Q3": np.arange(N) % 2},
        labels={"Q1": {1.0: "Yes", 2.0: "No"}}, variable_labels={"Q1": "Have you volunteered?"},
    )  # fmt: skip
    assert found["q1"].value == {"column": "Q1", "codes": {"1": "Yes", "2": "No"}}
    assert (found["q1"].confidence, found["q1"].reason) == ("medium", 'labelled "Have you volunteered?"')
    assert found["q2"].value == {"column": "Q2", "codes": {"never": "never", "often": "often"}}
    assert found["q3"].value == {"column": "Q3", "codes": {"0": ASK, "1": ASK}}
    assert found["q3"].confidence is None


def test_no_answer_is_no_answer(packaged: Catalogue) -> None:
    """By label, by declaration, or by a code that producers use for it; an empty cell too."""
    codes = pd.Series(np.array([1, 2, 8, 9, 98, np.nan])[np.arange(N) % 6])
    labels = {"Q": {1.0: "Yes", 2.0: "No", 8.0: "Refused", 9.0: "Broken off"}}
    line = proposed(packaged, {"Q": codes}, labels=labels, user_missing={"Q": [(9.0, 9.0)]})["q"]
    assert line.value == {
        "column": "Q", "codes": {"1": "Yes", "2": "No"},
        "missing": {"": "not_stated", "8": "refused", "9": ASK, "98": ASK},
    }  # fmt: skip


def test_numbers_texts_and_one_answer_are_no_variables(packaged: Catalogue) -> None:
    words = [f"Somebody's own words, number {i}" for i in range(N)]
    assert proposed(packaged, {"income": np.arange(N) * 1.5, "why": words, "one": [1] * N}) == {}


def test_a_rare_answer_is_not_shown(packaged: Catalogue) -> None:
    line = proposed(packaged, {"job": ["Teacher"] * 200 + ["Nurse"] * 199 + ["Lord Mayor"]})["job"]
    assert "Lord Mayor" not in repr(line)
    assert line.notes == ("1 codes that few respondents have are not here",)


def test_every_name_is_an_id_and_given_once(packaged: Catalogue) -> None:
    columns = {name: np.arange(N) % 2 for name in ("sex", "Q1.a", "Q1 a", "1st", "Änderung", "%%")}
    found = proposed(packaged, columns, have=("sex",))
    assert list(found) == ["sex_2", "q1_a", "q1_a_2", "q_1st", "nderung", "q"]
    many = proposed(packaged, {f"c{i}": np.arange(N) % 2 for i in range(250)})
    assert len(many) == transcribe.MOST
    assert [x for line in many.values() for x in line.notes] == [
        "50 more coded columns follow this one and are not here: --columns shows their codes"
    ]


def test_the_answered_entry_of_a_new_poll_is_valid(packaged: Catalogue, tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    frame = pd.DataFrame({
        "serial": np.arange(1, N + 1), "weight": rng.uniform(0.5, 1.5, N).round(4), "age": rng.integers(18, 90, N),
        "gender": rng.choice(["Male", "Female", ""], N, p=[0.45, 0.45, 0.1]), "vol": rng.choice([1, 2, 98], N),
    })  # fmt: skip
    path = tmp_path / "poll.csv"
    frame.to_csv(path, index=False)
    proposal = propose.propose(describe.look(path, packaged), packaged)
    assert proposal.near is None
    text = draft.text(proposal, packaged)
    assert "weight:" not in text.partition("variables:")[2]
    answers = {
        "label: TO": "label: Poll #", "survey: TO": "survey: poll #", "source: TO": "source: poll #",
        "year: TO": "year: 2026 #", "mode: TO": "mode: web #",
        "{'1': TO-BE-CONFIRMED, '2': TO-BE-CONFIRMED}": "{1: Yes, 2: No}",
        "{'98': TO-BE-CONFIRMED}": "{98: dont_know}",
    }  # fmt: skip
    for ask, answer in answers.items():
        text = text.replace(ask, answer)
    entry = tmp_path / "poll_2026.yaml"
    entry.write_text(text, encoding="utf-8")
    wave = m.MicrodataWave.model_validate(strictyaml.read(entry))
    assert ASK not in repr(wave)
    assert list(wave.variables) == ["sex", "age_group", "vol"]
    assert wave.variables["vol"].codes == {"1": "Yes", "2": "No"}
    assert wave.variables["vol"].missing == {"98": "dont_know"}
    assert wave.variables["sex"].missing == {"": "not_stated"}
    assert wave.domains == ["sex", "age_group"]


@pytest.mark.parametrize(
    "label", ["Yes, often", "[none", "no]", "a: b", "x #y", "two\nlines", "a\tb", "{", "Yes", "no", "~", "1e3", "'q\""]
)
def test_any_label_is_written_as_the_catalogue_reads_it(packaged: Catalogue, tmp_path: Path, label: str) -> None:
    """Short parts stand within braces, where a comma or a bracket would begin another."""
    path = tmp_path / "poll.csv"
    pd.DataFrame({"Q1": [label, "Never, or"] * (N // 2), "Q2": ["1,000", "a b"] * (N // 2)}).to_csv(path, index=False)
    entry = tmp_path / "poll.yaml"
    entry.write_text(draft.text(propose.propose(describe.look(path, packaged), packaged), packaged), encoding="utf-8")
    read = strictyaml.read(entry)["variables"]
    assert read["q1"]["codes"] == {label: label, "Never, or": "Never, or"}
    assert read["q2"]["codes"] == {"1,000": "1,000", "a b": "a b"}


def test_no_answer_in_words_is_no_answer(packaged: Catalogue) -> None:
    line = proposed(packaged, {"Q": ["Yes", "No", "Don't know", "Prefer not to say"] * (N // 4)})["q"]
    assert line.value == {
        "column": "Q", "codes": {"No": "No", "Yes": "Yes"},
        "missing": {"Don't know": "dont_know", "Prefer not to say": "refused"},
    }  # fmt: skip
