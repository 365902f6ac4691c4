"""The labels and declared missing codes of a file agree with the catalogue, or the wave stops with a diff."""

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from workbench import ROOT

from engagement_stats import catalogue, codebook
from engagement_stats.catalogue import model as m
from engagement_stats.codebook import Codebook
from engagement_stats.errors import CleaningError

WAVE = "poll_2020"
GOOD = {
    "q1": {1.0: "Yes", 2.0: "No", -8.0: "Don't know"},
    "q2": {1.0: "Mentioned", 2.0: "Not mentioned", -9.0: "Refusal", -1.0: "Item not applicable"},
    "sex": {1.0: "Male", 2.0: "Female"},
    "hrs": {-9.0: "Refused"},
}
DECLARED = {"q1": [(-8.0, -8.0)], "q2": [(-9.0, -1.0)], "hrs": [(-9.0, -9.0)], "age": [(-9.0, -9.0)]}


@pytest.fixture
def book(small: catalogue.Catalogue) -> catalogue.Catalogue:
    """Return the catalogue with the wave as an SPSS file, which declares missing codes."""
    return altered(small, file={"pattern": ["p.sav"], "format": "sav"})


def altered(small: catalogue.Catalogue, **updates: dict[str, object]) -> catalogue.Catalogue:
    wave = small.microdata_waves[WAVE]
    content = {**wave.model_dump(mode="json", exclude_none=True), **updates}
    return replace(small, waves={**small.waves, WAVE: m.MicrodataWave.model_validate(content)})


def with_variable(small: catalogue.Catalogue, name: str, **updates: object) -> catalogue.Catalogue:
    variable = small.microdata_waves[WAVE].variables[name].model_copy(update=updates)
    variables = {**small.microdata_waves[WAVE].variables, name: variable}
    wave = small.microdata_waves[WAVE].model_copy(update={"variables": variables})
    return replace(small, waves={**small.waves, WAVE: wave})


def deposited(**columns: list[float]) -> pd.DataFrame:
    base = {
        "q1": [1.0, 2.0, -8.0], "q2": [1.0, -9.0, -1.0], "hrs": [3.0, -9.0, 168.0], "sex": [1.0, 2.0, 1.0],
        "age": [16.0, -9.0, 40.0],
    }  # fmt: skip
    return pd.DataFrame({**base, **columns})


def outcome(
    book: catalogue.Catalogue,
    labels: dict[str, dict[float, str]] | None = None,
    missing: dict[str, list[tuple[float, float]]] | None = None,
    raw: pd.DataFrame | None = None,
) -> codebook.Outcome:
    said = Codebook.of({**GOOD, **(labels or {})}, {**DECLARED, **(missing or {})})
    return codebook.compare(deposited() if raw is None else raw, said, WAVE, book)


def only(found: codebook.Outcome) -> str:
    assert len(found.contradictions) == 1
    return found.contradictions[0]


def test_labels_that_agree_pass_and_other_words_for_yes_and_no_do_too(book: catalogue.Catalogue) -> None:
    assert outcome(book) == codebook.Outcome((), ())


def test_a_file_without_a_codebook_passes(small: catalogue.Catalogue) -> None:
    assert codebook.check(deposited(), Codebook({}, {}), WAVE, small) == ()


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        ({1.0: "No", 2.0: "Yes"}, 'code 1 is "No" in the file, which is "No", and "Yes" in the catalogue'),
        ({1.0: "Not mentioned"}, 'code 1 is "Not mentioned" in the file, which is "No", and "Yes" in the catalogue'),
        ({1.0: "No, never"}, 'code 1 is "No, never" in the file, which is "No", and "Yes" in the catalogue'),
        ({2.0: "YES"}, 'code 2 is "YES" in the file, which is "Yes", and "No" in the catalogue'),
        ({2.0: "Refused"}, 'code 2 is "Refused" in the file, which is missing (refused), and "No" in the catalogue'),
        ({-8.0: "Yes"}, 'code -8 is "Yes" in the file, which is "Yes", and missing (dont_know) in the catalogue'),
        (
            {-8.0: "Prefer not to say"},
            'code -8 is "Prefer not to say" in the file, which is missing (refused), and missing (dont_know) in the',
        ),
    ],
)
def test_a_label_that_is_another_category_contradicts(
    book: catalogue.Catalogue, labels: dict[float, str], said: str
) -> None:
    found = outcome(book, {"q1": {**GOOD["q1"], **labels}})
    assert only(found).startswith("poll_2020 q1 (waves/poll_2020.yaml, variable joined): ")
    assert said in only(found)


def test_swapped_sexes_are_found_though_the_words_are_alike(book: catalogue.Catalogue) -> None:
    found = outcome(book, {"sex": {1.0: "Female", 2.0: "Male"}})
    assert 'code 1 is "Female" in the file, which is "Female", and "Male" in the catalogue' in only(found)
    assert 'code 2 is "Male"' in only(found)


@pytest.mark.parametrize(
    "label",
    [
        "yes", "YES.", "Yes - at least once in last 12 months", "Taken part in a demonstration", "Mentioned",
        "I did", "Tak", "1",
    ],
)  # fmt: skip
def test_other_wordings_do_not_stop_a_wave(book: catalogue.Catalogue, label: str) -> None:
    assert outcome(book, {"q1": {1.0: label}}).contradictions == ()


def test_another_wording_is_told_and_the_same_words_are_not(book: catalogue.Catalogue) -> None:
    assert outcome(book, {"q1": {1.0: "Did so", 2.0: "NO"}}).reworded == (
        'joined: code 1 is "Did so" in the file, "Yes" in the catalogue',
    )


@pytest.mark.parametrize(
    ("label", "contradicts"),
    [("16-34", False), ("16 to 34", False), ("16\u201334", False), ("16-35", True), ("35-44", True), ("Young", False)],
)
def test_a_band_of_other_limits_contradicts(small: catalogue.Catalogue, label: str, contradicts: bool) -> None:
    variable = m.Variable.model_validate({"column": "age", "codes": {"1": "16-34", "2": "35+"}})
    wave = small.microdata_waves[WAVE].model_copy(update={"variables": {"age": variable}})
    bands = replace(small, waves={WAVE: wave})
    found = codebook.compare(deposited(age=[1.0, 2.0, 2.0]), Codebook.of({"age": {1.0: label}}, {}), WAVE, bands)
    assert bool(found.contradictions) == contradicts


def test_similar_categories_are_told_apart(small: catalogue.Catalogue) -> None:
    variable = m.Variable.model_validate(
        {"column": "q", "codes": {"1": "Very strongly", "2": "Fairly strongly", "3": "Not very strongly"}}
    )
    wave = small.microdata_waves[WAVE].model_copy(update={"variables": {"belonging": variable}})
    scale = replace(small, waves={WAVE: wave})

    def found(*labels: str) -> tuple[str, ...]:
        said = Codebook.of({"q": dict(enumerate(labels, start=1))}, {})
        return codebook.compare(pd.DataFrame({"q": [1.0]}), said, WAVE, scale).contradictions

    assert found("Very strongly", "Fairly strongly", "Not very strongly") == ()
    assert found("very strong", "fairly strong", "not very strong") == ()
    assert 'code 1 is "Not very strongly"' in found("Not very strongly", "Fairly strongly", "Very strongly")[0]
    assert 'code 2 is "Very strongly"' in found("Fairly strongly", "Very strongly", "Not very strongly")[0]


def test_a_code_that_occurs_and_the_catalogue_lacks_is_shown_with_its_label(book: catalogue.Catalogue) -> None:
    labels = {"q1": {**GOOD["q1"], 3.0: "Sometimes"}}
    assert outcome(book, labels).contradictions == ()
    with_it = outcome(book, labels, raw=deposited(q1=[1.0, 3.0, 3.0]))
    assert 'code 3 is "Sometimes" in the file, and not in the catalogue' in only(with_it)


# --- codes declared missing


def test_an_answer_that_the_file_declares_missing_contradicts(book: catalogue.Catalogue) -> None:
    said = 'code 2 is declared missing in the file, and "No" in the catalogue'
    assert said in only(outcome(book, missing={"q1": [(-8.0, -8.0), (2.0, 2.0)]}))
    # A range declares what lies in it.
    assert said in only(outcome(book, missing={"q1": [(-8.0, -8.0), (1.5, 99.0)]}))


def test_a_missing_code_that_the_file_does_not_declare_contradicts_when_it_occurs(book: catalogue.Catalogue) -> None:
    said = "code -8 is not declared missing in the file, and missing (dont_know) in the catalogue"
    assert said in only(outcome(book, missing={"q1": []}))
    assert outcome(book, missing={"q1": []}, raw=deposited(q1=[1.0, 2.0, 1.0])).contradictions == ()


def test_values_of_a_number_declared_missing_are_counted_and_not_shown(book: catalogue.Catalogue) -> None:
    found = only(outcome(book, missing={"hrs": [(-9.0, -9.0), (100.0, 200.0)]}))
    assert "1 value(s) are declared missing in the file, and numbers in the catalogue" in found
    assert "168" not in found


def test_a_format_that_cannot_declare_is_not_asked_to(small: catalogue.Catalogue) -> None:
    said = Codebook.of(GOOD, {})
    assert codebook.compare(deposited(), said, WAVE, small).contradictions == ()
    # A dictionary beside a text file does declare, if it says anything.
    declared = Codebook.of(GOOD, {"q1": [(-8.0, -8.0)]})
    assert "q2" in codebook.compare(deposited(), declared, WAVE, small).contradictions[0]


def test_numbers_of_a_stata_file_are_no_letters_that_it_declares(small: catalogue.Catalogue) -> None:
    stata = altered(small, file={"pattern": ["p.dta"], "format": "dta"})
    said = Codebook.of(GOOD, {"q1": [("a", "a")]})
    assert codebook.compare(deposited(), said, WAVE, stata).contradictions == ()


def test_text_codes_and_letters_are_declared_as_they_are() -> None:
    said = Codebook.of({}, {"region": [("99999", "99999")], "q": [("a", "a")]})
    assert said.declares("region", "99999")
    assert said.declares("q", "a")
    assert not said.declares("region", "9999")
    assert not said.declares("other", "a")


# --- signing


def test_a_difference_is_signed_code_by_code(book: catalogue.Catalogue) -> None:
    swapped = {"sex": {1.0: "Female", 2.0: "Male"}}
    one = with_variable(book, "sex", labels_differ={"1": "The labels of the first edition were swapped."})
    assert 'code 2 is "Male"' in only(outcome(one, swapped))
    assert "code 1" not in only(outcome(one, swapped))
    both = with_variable(book, "sex", labels_differ=dict.fromkeys("12", "The labels were swapped."))
    assert outcome(both, swapped) == codebook.Outcome((), ())


def test_missing_codes_are_signed_by_code_or_for_the_whole_file(book: catalogue.Catalogue) -> None:
    one = with_variable(book, "joined", labels_differ={"-8": "The edition declares none."})
    assert outcome(one, missing={"q1": []}).contradictions == ()
    none: dict[str, list[tuple[float, float]]] = {k: [] for k in DECLARED}
    assert len(outcome(book, missing=none).contradictions) == 4
    file = {"pattern": ["p.sav"], "format": "sav", "missing_undeclared": "The platform declares none."}
    signed = altered(book, file=file)
    assert outcome(signed, missing=none).contradictions == ()
    # The signature does not cover an answer that is declared missing.
    assert "declared missing in the file" in only(outcome(signed, missing={**none, "q1": [(2.0, 2.0)]}))


# --- the message


def test_the_error_names_every_variable_and_how_to_sign(book: catalogue.Catalogue) -> None:
    said = Codebook.of({**GOOD, "q1": {1.0: "No"}, "sex": {1.0: "Female"}}, DECLARED)
    with pytest.raises(CleaningError) as caught:
        codebook.check(deposited(), said, WAVE, book)
    lines = str(caught.value).split("\n")
    assert lines[0] == "poll_2020: 2 variable(s) differ from the codebook inside the file."
    assert [line.split(":")[0] for line in lines[1:3]] == [
        "poll_2020 q1 (waves/poll_2020.yaml, variable joined)",
        "poll_2020 sex (waves/poll_2020.yaml, variable sex)",
    ]
    assert "labels_differ" in lines[3]
    assert "missing_undeclared" in lines[3]


def test_at_most_five_codes_of_a_variable_are_listed(book: catalogue.Catalogue) -> None:
    found = only(outcome(book, {"q1": {float(k): "x" for k in range(3, 12)}}, raw=deposited(q1=[3.0, 4.0, 5.0])))
    assert found.count("in the file") == 3
    many = pd.DataFrame({"q1": [float(k) for k in range(3, 12)]})
    assert "and 4 more (9 in all)" in only(outcome(book, {"q1": {float(k): "x" for k in range(3, 12)}}, raw=many))


def test_a_hostile_label_is_shown_on_one_line_without_control_characters(book: catalogue.Catalogue) -> None:
    found = only(outcome(book, {"q1": {1.0: "No\x1b[2J\n\u202e" + "y" * 500}}))
    assert "\x1b" not in found
    assert "\u202e" not in found
    assert "\n" not in found
    assert len(found) < 300


# --- keeping it beside the raw columns


def test_a_codebook_survives_being_kept_as_text() -> None:
    said = Codebook.of(
        {"q1": {1.0: "Yes", -8.5: "€ \u2018half\u2019"}, "region": {"UKC": "North East"}},
        {"q1": [(-9.0, -1.0)], "region": [("X", "X")]},
    )
    assert said.labels["q1"] == {"1": "Yes", "-8.5": "€ \u2018half\u2019"}
    assert Codebook.from_json(said.as_json()) == said


# --- the catalogue and the real files


def test_every_word_of_the_rules_belongs_to_one_category(packaged: catalogue.Catalogue) -> None:
    same = packaged.rules.codebook.same_meaning
    words = [w.lower() for k, v in same.items() for w in [k, *v]]
    assert len(words) == len(set(words))


@pytest.mark.skipif(
    not (ROOT.parent / "shared" / "data").is_dir(), reason="the real files are not in ../shared/data (see README.md)"
)
def test_the_real_spss_file_agrees_with_its_entry(packaged: catalogue.Catalogue) -> None:
    import pyreadstat

    path = ROOT.parent / "shared" / "data" / "ess7_gb" / "ESS7GB.sav"
    wave = packaged.microdata_waves["ess_2014"]
    columns = [v.column for v in wave.variables.values()]
    frame, meta = pyreadstat.read_sav(Path(path), usecols=columns, user_missing=True)
    said = Codebook.of(
        {c: meta.variable_value_labels.get(c, {}) for c in columns},
        {c: [(r["lo"], r["hi"]) for r in meta.missing_ranges.get(c, [])] for c in columns},
    )
    reworded = codebook.check(frame, said, "ess_2014", packaged)
    assert 'region: code UKC is "North East (England)" in the file, "North East" in the catalogue' in reworded
    swapped = Codebook({**said.labels, "gndr": {"1": "Female", "2": "Male"}}, said.missing)
    with pytest.raises(CleaningError, match="ess_2014 gndr"):
        codebook.check(frame, swapped, "ess_2014", packaged)
    undeclared = Codebook(said.labels, {k: v for k, v in said.missing.items() if k != "region"})
    with pytest.raises(CleaningError, match="code 99999 is not declared missing"):
        codebook.check(frame, undeclared, "ess_2014", packaged)
