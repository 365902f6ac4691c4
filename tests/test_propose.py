"""A wave that is not in the catalogue is proposed after its nearest neighbour, and mostly rightly."""

import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from workbench import ROOT

from engagement_stats import catalogue as catalogues
from engagement_stats import describe, draft, inspection, itemlists, likeness, propose, synthetic
from engagement_stats.catalogue import Catalogue, inherit, strictyaml
from engagement_stats.catalogue import model as m
from engagement_stats.errors import CatalogueError, UsageError
from engagement_stats.inspection import Column
from engagement_stats.likeness import Known
from engagement_stats.proposed import ABSENT, Proposal
from engagement_stats.readers.model import Contents

DATA = ROOT.parent / "shared" / "data"
real = pytest.mark.skipif(not DATA.is_dir(), reason="the real files are not in ../shared/data (see README.md)")
AUDIT_2013, AUDIT_2016 = DATA / "hansard_ape11_2013", DATA / "hansard_ape14_2017"
CLS_2019 = "cls_2019_20_microdata"
ENOUGH = 0.8

# What a line is, and when it is right: a line of the entry that a file can tell something about is right when a run
# would make the same of it. Not counted are what no file can tell: label, source, fieldwork, mode, notes, unverified.


def lines(wave: m.MicrodataWave, catalogue: Catalogue) -> dict[str, Any]:
    """Return the lines of an entry, each in a form that is the same for the same meaning."""
    found: dict[str, Any] = {
        "survey": wave.survey,
        "series": wave.series,
        "file.format": wave.file.format,
        "respondent_id": sorted(c.lower() for c in wave.respondent_id.columns),
    }
    if wave.file.rows is not None:
        found["file.rows"] = wave.file.rows
    if wave.file.where:
        found["file.where"] = {k.lower(): v for k, v in wave.file.where.items()}
    for name, column in wave.design.weights.items():
        found[f"design.weights.{name}"] = column.lower()
    for role in ("stratum", "psu"):
        if getattr(wave.design, role) is not None:
            found[f"design.{role}"] = getattr(wave.design, role).lower()
    for name, v in wave.variables.items():
        codes = catalogue.codes(v)
        means = None if codes is None else (dict(codes.codes), dict(codes.missing))
        found[f"variables.{name}"] = v.column.lower(), means, v.bands, v.numeric, dict(v.missing), v.optional
    for name, rule in wave.indicators.items():
        # The same rule on another column is another indicator.
        read = [found.get(f"variables.{v}") for v in rule.variables]
        found[f"indicators.{name}"] = rule.model_dump(exclude={"note"}), read
    return found | {f"domains.{d}": True for d in wave.domains}


def filled_in(text: str, withheld: m.MicrodataWave) -> str:
    """Answer what the proposal asks, as a person with the documentation would."""
    answers = {
        "label: TO-BE-CONFIRMED": "label: answered", "source: TO-BE-CONFIRMED": f"source: {withheld.source}",
        "year: TO-BE-CONFIRMED": f"year: {withheld.fieldwork.year}", "mode: TO-BE-CONFIRMED": f"mode: {withheld.mode}",
    }  # fmt: skip
    for ask, answer in answers.items():
        text = text.replace(ask, answer)
    return text


def entry(text: str, near: str, catalogue: Catalogue, tmp_path: Path) -> m.MicrodataWave:
    """Read a proposal as the catalogue would, with what it takes over from the wave it is based on."""
    path = tmp_path / "proposed.yaml"
    path.write_text(text, encoding="utf-8")
    problems: list[tuple[str, str]] = []
    whole = inherit.resolve(
        {near: dict(catalogue.resolved[near].content), "proposed": strictyaml.read(path)},
        lambda where, what: problems.append((where, what)),
    )
    assert problems == []
    return m.MicrodataWave.model_validate({k: v for k, v in whole["proposed"].content.items() if k != "based_on"})


def without(catalogue: Catalogue, *waves: str) -> Catalogue:
    return replace(catalogue, waves={k: v for k, v in catalogue.waves.items() if k not in waves})


def shares(
    path: Path, wave: str, catalogue: Catalogue, data: Path | None, tmp_path: Path, *gone: str
) -> tuple[float, float]:
    """Withhold a wave, propose it from its file, and return the shares of lines proposed rightly and of lines found."""
    withheld, rest = catalogue.microdata_waves[wave], without(catalogue, wave, *gone)
    look = describe.look(path, rest)
    proposal = propose.propose(look, rest, columns_of=lambda near: describe.columns_of_wave(near, rest, data))
    assert proposal.near is not None
    text = draft.text(proposal, rest)
    proposed = lines(entry(filled_in(text, withheld), proposal.near, rest, tmp_path), rest)
    expected = lines(withheld, catalogue)
    if withheld.file.rows is None:
        del proposed["file.rows"]  # the entry does not say, so neither right nor wrong
    # What the file does not have and need not have is carried over unseen: no merit of the proposal.
    unseen = {f"variables.{v}" for v in proposal.absent}
    unseen |= {f"indicators.{k}" for k, line in proposal.indicators.items() if line.reason == ABSENT}
    unseen |= {f"domains.{d}" for d in withheld.domains if set(d.split("*")) & set(proposal.absent)}
    proposed, expected = ({k: v for k, v in x.items() if k not in unseen} for x in (proposed, expected))
    right = [k for k, v in proposed.items() if k in expected and expected[k] == v]
    return len(right) / len(proposed), len(right) / len(expected)


@real
@pytest.mark.parametrize(
    ("path", "wave"),
    [
        (AUDIT_2016 / "audit_of_political_engagement_14_2017.tab", "hansard_audit_2016"),
        (AUDIT_2013 / "SN7577.tab", "hansard_audit_2013"),
        (DATA / "ess1-6_civic" / "ESS1-6_GB_subset.csv", "ess_2012"),
    ],
)
def test_a_real_wave_that_is_withheld_is_proposed(packaged: Catalogue, path: Path, wave: str, tmp_path: Path) -> None:
    """The other wave's file lies in the data folder, as it does for whoever has been running it."""
    right, found = shares(path, wave, packaged, DATA, tmp_path)
    assert right >= ENOUGH
    assert found >= ENOUGH


@real
def test_a_real_wave_of_another_file_is_proposed(packaged: Catalogue, tmp_path: Path) -> None:
    """Round 7 has 601 columns and asks of region, sex and age, which no other round of the catalogue does."""
    right, found = shares(DATA / "ess7_gb" / "ESS7GB.sav", "ess_2014", packaged, None, tmp_path)
    assert right >= ENOUGH
    assert found >= ENOUGH


@real
def test_the_dictionary_beside_a_file_recognises_renamed_questions(packaged: Catalogue, tmp_path: Path) -> None:
    """The dictionary of the fourteenth Audit is a PDF; no other file of the survey is at hand."""
    path = AUDIT_2016 / "audit_of_political_engagement_14_2017.tab"
    right, found = shares(path, "hansard_audit_2016", packaged, None, tmp_path)
    assert right >= ENOUGH
    assert found >= ENOUGH


@real
def test_without_labels_or_the_other_file_nothing_is_guessed(packaged: Catalogue, tmp_path: Path) -> None:
    """Several lists of yes and no look alike: none is taken for the activities of the 12 months, and it is said why."""
    path, rest = tmp_path / "audit_of_political_engagement_14_2017.tab", without(packaged, "hansard_audit_2016")
    shutil.copyfile(AUDIT_2016 / path.name, path)
    proposal = propose.propose(describe.look(path, rest), rest)
    assert proposal.near == "hansard_audit_2013"
    assert "e_petition" in proposal.lacking
    assert "hansard_audit_2013" in proposal.hint
    right, _ = shares(path, "hansard_audit_2016", packaged, None, tmp_path)
    assert right >= 0.9


@pytest.fixture(scope="module")
def invented(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return synthetic.write(tmp_path_factory.mktemp("files"), adults=800, poll=300)


def later_than(catalogue: Catalogue, wave: str) -> list[str]:
    first = catalogue.microdata_waves[wave]
    return [
        k for k, w in catalogue.microdata_waves.items()
        if w.survey == first.survey and w.fieldwork.year >= first.fieldwork.year
    ]  # fmt: skip


def test_a_withheld_wave_of_the_community_life_survey_is_proposed(
    packaged: Catalogue, invented: list[Path], tmp_path: Path
) -> None:
    """Nothing of 2019-20 or later is known; its columns are spelt in another letter case than those of 2018-19."""
    gone = later_than(packaged, CLS_2019)
    right, found = shares(invented[1], CLS_2019, packaged, None, tmp_path, *gone)
    assert right >= ENOUGH
    assert found >= ENOUGH


@pytest.mark.parametrize("wave", ["cls_2015_16_f2f_microdata", "cls_2024_25_microdata"])
def test_a_withheld_wave_with_all_its_columns_is_proposed(packaged: Catalogue, wave: str, tmp_path: Path) -> None:
    """Invented by the entry itself, so that nothing of it is absent; the later one takes categories from labels."""
    path = synthetic.write_wave(tmp_path, packaged, wave, 300)
    right, found = shares(path, wave, packaged, None, tmp_path, *later_than(packaged, wave))
    assert right >= ENOUGH
    assert found >= ENOUGH


CLS = sorted(k for k, w in catalogues.load().microdata_waves.items() if w.survey == "cls")


@pytest.mark.parametrize("wave", CLS)
def test_a_withheld_wave_follows_the_one_beside_it_and_not_that_of_another_mode(
    packaged: Catalogue, wave: str, tmp_path: Path
) -> None:
    """The years from 2013-14 to 2015-16 have a wave face to face and one by web and post, of the same columns."""
    path = synthetic.write_wave(tmp_path, packaged, wave, 300)
    right, found = shares(path, wave, packaged, None, tmp_path)
    assert right >= 0.95
    assert found >= 0.95


@pytest.fixture(scope="module")
def proposed(packaged: Catalogue, invented: list[Path]) -> tuple[Proposal, Catalogue]:
    rest = without(packaged, *later_than(packaged, CLS_2019))
    return propose.propose(describe.look(invented[1], rest), rest), rest


def test_a_proposal_is_refused_until_its_questions_are_answered(
    packaged: Catalogue, proposed: tuple[Proposal, Catalogue], tmp_path: Path
) -> None:
    folder = tmp_path / "catalogue"
    shutil.copytree(packaged.folder, folder)
    text = draft.text(*proposed)
    place = folder / "waves" / "proposed_wave.yaml"
    place.write_text(text, encoding="utf-8")
    with pytest.raises(CatalogueError) as refused:
        catalogues.load(folder)
    told = str(refused.value)
    assert all("waves/proposed_wave.yaml" in line for line in told.splitlines()[1:])
    assert all(f"{field}:" in told for field in ("fieldwork.year", "mode"))
    place.write_text(filled_in(text, packaged.microdata_waves[CLS_2019]), encoding="utf-8")
    assert catalogues.load(folder).microdata_waves["proposed_wave"].survey == "cls"


def test_a_proposal_says_how_sure_it_is_and_what_a_person_must_say(proposed: tuple[Proposal, Catalogue]) -> None:
    text = draft.text(*proposed)
    assert text.count("TO-BE-CONFIRMED") >= 5
    assert re.search(r"^based_on: cls_2018_19_microdata$", text, re.MULTILINE)
    assert re.search(r"^  sha256: \[[0-9a-f]{64}\]$", text, re.MULTILINE)
    assert "unverified:" in text
    assert max(len(line) for line in text.splitlines()) <= 200


def test_the_wave_to_go_by_can_be_named(packaged: Catalogue, invented: list[Path]) -> None:
    look = describe.look(invented[2], packaged)
    assert propose.propose(look, packaged).near == "demo_lbn_poll"
    with pytest.raises(UsageError, match="cls_2018_19"):
        propose.propose(look, packaged, like="cls_2018_19")


def test_a_file_like_no_wave_is_still_described(packaged: Catalogue, tmp_path: Path) -> None:
    path = tmp_path / "harvest.csv"
    pd.DataFrame({"plot": range(50), "tonnes": [f"{i / 7:.3f}" for i in range(50)]}).to_csv(path, index=False)
    proposal = propose.propose(describe.look(path, packaged), packaged)
    assert proposal.near is None
    assert "survey: TO-BE-CONFIRMED" in draft.text(proposal, packaged)


# Matching, piece by piece


def column(name: str, label: str = "", counts: dict[str, int] | None = None, **more: Any) -> Column:
    counts = counts if counts is not None else {"0": 60, "1": 40}
    return Column(name, 0, label, "codes", len(counts), 0, counts=counts, **more)


YES_NO = m.CodeList(codes={"0": "No", "1": "Yes"})
SEX = m.CodeList(codes={"1": "Male", "2": "Female"})


def test_a_label_finds_a_renamed_question_and_a_same_name_with_another_label_is_not_trusted() -> None:
    itself = column("Q5", "Signed a petition")
    known = [Known("signed", "Q5", texts=("Signed a petition",), codes=YES_NO, itself=itself)]
    renumbered = [column("Q5", "Watched television last night"), column("Q9", "Signed a petition.")]
    found = likeness.match(known, renumbered)["signed"]
    assert (found.column.name, found.confidence) == ("Q9", "high")


def test_letter_case_does_not_hide_a_column() -> None:
    found = likeness.match([Known("region", "GOR", codes=YES_NO)], [column("x"), column("gor")])["region"]
    assert (found.column.name, found.confidence) == ("gor", "high")
    assert "other letter case" in found.reason


def test_each_column_is_used_once() -> None:
    known = [Known("a", "q1", codes=YES_NO), Known("b", "Q1_b", codes=YES_NO)]
    found = likeness.match(known, [column("q1"), column("other")])
    assert {k: x.column.name for k, x in found.items()} == {"a": "q1"}


def test_codes_in_another_order_are_seen() -> None:
    flipped = column("sex", counts={"1": 50, "2": 50}, labels={"1": "Female", "2": "Male"})
    assert likeness.swapped(SEX, flipped) == ["1", "2"]
    assert likeness.fits(SEX, flipped) == 0
    assert likeness.fits(SEX, column("sex", counts={"1": 50, "2": 50}, labels={"1": "Male", "2": "Female"})) == 1
    assert 0 < (likeness.fits(SEX, column("sex", counts={"1": 5, "2": 5, "3": 90})) or 0) < 1


def test_lists_of_items_are_found_in_figures_letters_and_roman_numerals() -> None:
    names = [
        "id",
        "Q5ai",
        "Q5aii",
        "Q5aiii",
        "Q5aiv",
        "Q5av",
        "cu041",
        "cu042",
        "cu043",
        "cu044",
        "La",
        "Lb",
        "Lc",
        "Ld",
    ]
    found = {tuple(v) for v in itemlists.find(names).values()}
    assert {tuple(names[1:6]), tuple(names[6:10]), tuple(names[10:])} <= found


def test_a_renamed_list_is_recognised_by_the_spread_of_its_answers() -> None:
    """Two lists have the shape of the known one; in the second the answers spread as they did."""
    spread = [{"0": 900, "1": 100}, {"0": 200, "1": 800}, {"0": 500, "1": 500}, {"0": 950, "1": 50}]
    own = [column(f"Q5{c}", counts=s) for c, s in zip("abcd", spread, strict=True)]
    known = [Known(f"v{i}", c.name, codes=YES_NO, itself=c) for i, c in enumerate(own)]
    would = [column(f"x4{i + 1}", counts={"0": 550, "1": 450}) for i in range(4)]
    did = [column(f"x3{i + 1}", counts={k: n + 3 for k, n in s.items()}) for i, s in enumerate(spread)]
    found = likeness.match(known, [*would, *did])
    assert [found[f"v{i}"].column.name for i in range(4)] == ["x31", "x32", "x33", "x34"]
    blind = [replace(k, itself=None) for k in known]
    assert likeness.match(blind, [*would, *did]) == {}


def test_codes_that_a_list_does_not_have_are_named(packaged: Catalogue) -> None:
    frame = pd.DataFrame({
        "sex": ["1", "2", "3"] * 40, "gor": ["1"] * 60 + ["2"] * 60, "wts": ["0.5", "1.5"] * 60,
        "Q6": ["1", "2", "3", "4"] * 30,
    })  # fmt: skip
    contents = Contents(list(frame), len(frame), {"sex": {1.0: "Male", 2.0: "Female", 3.0: "In another way"}})
    look = describe.Look(
        "audit.tab", "tab", "utf-8", "0" * 64, tuple(inspection.columns(contents, frame)), (), {}, False, frame
    )
    line = propose.propose(look, packaged, like="hansard_audit_2013").variables["sex"]
    assert line.confidence != "high"
    assert '3 "In another way"' in line.notes[0]
