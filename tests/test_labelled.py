"""Categories taken from the labels of the file: all of them or none, and never merged."""

from dataclasses import replace

import pandas as pd
import pytest

from engagement_stats import catalogue, clean, codebook, labelled
from engagement_stats.catalogue import model as m
from engagement_stats.codebook import Codebook
from engagement_stats.errors import CleaningError

WAVE = "poll_2020"
PLACES = {"113": "Hastings", "186": "Plymouth", "-8": "Don't know"}


@pytest.fixture
def entries(small: catalogue.Catalogue) -> catalogue.Catalogue:
    """Return a catalogue with a domain whose levels are the labels in the file."""
    place = m.Variable(column="lad25nm", codes="from_labels", missing={"-8": "dont_know", "": "not_stated"})
    wave = small.microdata_waves[WAVE]
    changed = wave.model_copy(
        update={"variables": {**wave.variables, "place": place}, "domains": [*wave.domains, "place"]}
    )
    domain = m.Domain(label="Place", definition="Where.", from_labels=True)
    return replace(small, waves={**small.waves, WAVE: changed}, domains={**small.domains, "place": domain})


def raw(places: list[str]) -> pd.DataFrame:
    one = {"wt": "1", "q1": "1", "q2": "1", "hrs": "0", "sex": "1", "age": "20"}
    return pd.DataFrame([{"id": str(i), "lad25nm": p, **one} for i, p in enumerate(places)])


def said(labels: dict[str, str], missing: tuple[float, float] | None = (-9.0, -1.0)) -> Codebook:
    return Codebook({"lad25nm": labels}, {"lad25nm": [missing] if missing else []})


def test_labels_become_categories_and_missing_codes_stay_missing(entries: catalogue.Catalogue) -> None:
    frame, book = raw(["186", "113", "-8", ""]), said(PLACES)
    whole = labelled.filled(entries, WAVE, book)
    assert codebook.check(frame, book, WAVE, whole) == ()
    responses = clean.harmonise(frame, WAVE, whole)
    assert responses["place"].astype("object").where(responses["place"].notna(), None).tolist() == [
        "Plymouth", "Hastings", None, None,
    ]  # fmt: skip
    assert responses["place__missing"].dropna().tolist() == ["dont_know", "not_stated"]
    assert list(responses["place"].cat.categories) == ["Hastings", "Plymouth"]
    assert entries.microdata_waves[WAVE].variables["place"].codes == "from_labels"  # the catalogue is not changed


def test_a_code_without_a_label_stops_the_wave(entries: catalogue.Catalogue) -> None:
    whole = labelled.filled(entries, WAVE, said(PLACES))
    with pytest.raises(CleaningError, match=r"variable place\): 1 raw code\(s\) have no category. Got 7"):
        clean.harmonise(raw(["7"]), WAVE, whole)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ({}, "the file has none"),
        ({"113": "Hastings", "186": "Hastings"}, "codes 113, 186 share a label"),
        ({"113": "Hastings", "-9": "Refusal"}, "the file declares -9 missing"),
        ({"113": "Has|tings"}, "holds a bar, a star or a control character"),
        ({"113": "Has\x1b[2Jtings"}, "control character"),
        ({"113": " "}, "empty"),
    ],
)
def test_labels_that_cannot_be_categories_are_refused(
    entries: catalogue.Catalogue, labels: dict[str, str], message: str
) -> None:
    with pytest.raises(CleaningError, match=r"poll_2020 lad25nm \(waves/poll_2020.yaml, variable place\)") as caught:
        labelled.filled(entries, WAVE, said(labels))
    assert message in str(caught.value)


def test_a_file_without_the_column_changes_nothing(entries: catalogue.Catalogue) -> None:
    assert labelled.filled(entries, WAVE, Codebook({}, {})) is entries


def test_without_the_labels_no_code_is_a_category(entries: catalogue.Catalogue) -> None:
    with pytest.raises(CleaningError, match="have no category"):
        clean.harmonise(raw(["113"]), WAVE, entries)
