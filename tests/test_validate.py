"""A file held against its entry: everything that is wrong at once, and nothing written."""

import json
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from workbench import CLS_2018, CLS_2019, POLL, ROOT, Project, Told, edit_text

from engagement_stats import synthetic, validate
from engagement_stats.catalogue import Catalogue
from engagement_stats.errors import UsageError

DATA = ROOT.parent / "shared" / "data"
real = pytest.mark.skipif(not DATA.is_dir(), reason="the real files are not in ../shared/data (see README.md)")


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    made = synthetic.write(tmp_path_factory.mktemp("files"), adults=1200, poll=400)
    return dict(zip((CLS_2018, CLS_2019, POLL), made, strict=True))


def problems(found: list[validate.Finding]) -> list[tuple[str, str]]:
    return [(f.part, f.said) for f in found if f.is_problem]


@pytest.mark.parametrize("wave", [CLS_2018, CLS_2019, POLL])
def test_a_good_file_has_no_problem(packaged: Catalogue, files: dict[str, Path], wave: str) -> None:
    found = validate.check(files[wave], wave, packaged)
    assert problems(found) == []


def test_small_bases_are_noted(packaged: Catalogue, files: dict[str, Path]) -> None:
    found = validate.check(files[POLL], POLL, packaged)
    assert any(f.part == "bases" and "are suppressed" in f.said for f in found)


def test_an_entry_that_gives_no_estimate_is_noted(packaged: Catalogue, files: dict[str, Path]) -> None:
    bare = packaged.waves[POLL].model_copy(update={"indicators": {}})
    found = validate.check(files[POLL], POLL, replace(packaged, waves={**packaged.waves, POLL: bare}))
    assert [f.said for f in found] == [
        f"waves/{POLL}.yaml has no indicators, so the wave would give no estimate. Write them in."
    ]


def broken(frame: pd.DataFrame) -> pd.DataFrame:
    """Break a poll in as many ways as one file can be broken."""
    frame = frame.rename(columns={"q3_unpaid_help_groups": "q3_unpaid_help_group"})
    frame.loc[5, "weight"] = "-1"
    frame.loc[0:40, "q1_group_member"] = "Maybe"
    frame.loc[7, "respondent_id"] = frame.loc[8, "respondent_id"]
    return frame


@pytest.fixture
def spoilt(files: dict[str, Path], tmp_path: Path) -> Path:
    path = tmp_path / "poll_of_somebody.csv"
    path.write_bytes(files[POLL].read_bytes())
    edit_text(path, broken)
    return path


def test_every_problem_is_told_at_once_with_what_to_edit(packaged: Catalogue, spoilt: Path) -> None:
    found = validate.check(spoilt, POLL, packaged)
    said = dict(problems(found))
    assert set(said) >= {"columns", "codes", "weights"}
    place = "waves/demo_lbn_poll.yaml, variable unpaid_help_groups"
    assert f"q3_unpaid_help_groups is not in the file ({place})" in said["columns"]
    assert "Is it q3_unpaid_help_group?" in said["columns"]
    everything = "\n".join(text for _, text in problems(found))
    assert "q1_group_member" in everything
    assert "respondent_id" in everything
    assert "have a negative weight" in said["weights"]
    assert any(f.part == "file" and "not a name the wave claims" in f.said for f in found)


def test_values_that_are_no_codes_are_not_shown(packaged: Catalogue, files: dict[str, Path], tmp_path: Path) -> None:
    path = tmp_path / "demo_lbn_poll.csv"
    path.write_bytes(files[POLL].read_bytes())
    edit_text(path, lambda f: f.assign(region=["CANARY of me", *f["region"][1:]], weight=["CANARY", *f["weight"][1:]]))
    found = validate.check(path, POLL, packaged)
    assert {part for part, _ in problems(found)} == {"codes", "weights"}
    assert "CANARY" not in repr(found)


def test_another_format_and_edition(packaged: Catalogue, files: dict[str, Path], tmp_path: Path) -> None:
    found = problems(validate.check(files[CLS_2018], CLS_2019, packaged))
    assert found[0][0] == "file"
    assert 'file.format in waves/cls_2019_20_microdata.yaml is "sav"' in found[0][1]


def test_a_file_in_another_format_is_held_against_the_entry_all_the_same(
    packaged: Catalogue, files: dict[str, Path], tmp_path: Path
) -> None:
    frame = pd.read_csv(files[POLL], dtype=str, keep_default_na=False)
    frame.to_excel(tmp_path / "demo_lbn_poll.xlsx", index=False)
    whole = problems(validate.check(tmp_path / "demo_lbn_poll.xlsx", POLL, packaged))
    assert [part for part, _ in whole] == ["file", "file"]
    broken(frame).to_excel(tmp_path / "demo_lbn_poll.xlsx", index=False)
    found = problems(validate.check(tmp_path / "demo_lbn_poll.xlsx", POLL, packaged))
    assert {part for part, _ in found} >= {"file", "columns", "codes", "weights"}


def test_a_direct_identifier_asked_for_is_a_problem(
    packaged: Catalogue, files: dict[str, Path], tmp_path: Path
) -> None:
    path = tmp_path / "demo_lbn_poll.csv"
    path.write_bytes(files[POLL].read_bytes())
    edit_text(path, lambda f: f.rename(columns={"region": "postcode"}))
    wave = packaged.microdata_waves[POLL]
    region = wave.variables["region"].model_copy(update={"column": "postcode"})
    asking = wave.model_copy(update={"variables": {**wave.variables, "region": region}})
    found = validate.check(path, POLL, replace(packaged, waves={**packaged.waves, POLL: asking}))
    assert any(part == "columns" and "may identify a person (postcode)" in text for part, text in problems(found))


def test_a_wave_that_is_not_there(packaged: Catalogue, files: dict[str, Path]) -> None:
    with pytest.raises(UsageError, match=r"Expected one of .*demo_lbn_poll"):
        validate.check(files[POLL], "demo_lbn_pol", packaged)


def test_a_file_that_cannot_be_read_is_one_problem(packaged: Catalogue, tmp_path: Path) -> None:
    path = tmp_path / "community_life_2019-20_public_access_dataset_v2.sav"
    path.write_bytes(b"<html>Please log in</html>")
    found = problems(validate.check(path, CLS_2019, packaged))
    assert [part for part, _ in found] == ["file"]


@pytest.fixture
def told(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Told:
    return Told(Project(tmp_path / "home"), capsys, monkeypatch)


def test_the_command_says_it_in_a_table_and_for_programs(
    told: Told, files: dict[str, Path], spoilt: Path, tmp_path: Path
) -> None:
    before = sorted(tmp_path.rglob("*"))
    code, out, err = told("check", files[POLL], "--wave", POLL)
    assert (code, err) == (0, "")
    assert "0 problem(s)" in out
    code, out, _ = told("check", spoilt, "--wave", POLL)
    assert code == 1
    assert "PROBLEM" in out
    assert max(map(len, out.splitlines())) <= 100
    code, out, _ = told("check", spoilt, "--wave", POLL, "--format", "json")
    assert (code, {row["severity"] for row in json.loads(out)}) == (1, {"PROBLEM", "note"})
    assert told("check", spoilt, "--wave", "nothing")[0] == 2
    assert sorted(tmp_path.rglob("*")) == before


@real
@pytest.mark.parametrize(
    ("path", "wave"),
    [
        ("hansard_ape14_2017/audit_of_political_engagement_14_2017.tab", "hansard_audit_2016"),
        ("hansard_ape11_2013/SN7577.tab", "hansard_audit_2013"),
        ("ess7_gb/ESS7GB.sav", "ess_2014"),
        ("ess1-6_civic/ESS1-6_GB_subset.csv", "ess_2012"),
    ],
)
def test_the_real_files_agree_with_their_entries(packaged: Catalogue, path: str, wave: str) -> None:
    assert problems(validate.check(DATA / path, wave, packaged)) == []


@real
def test_a_real_file_of_another_wave_is_told_apart(packaged: Catalogue) -> None:
    """The dictionary's labels say which column is which question."""
    found = problems(validate.check(DATA / "hansard_ape11_2013" / "SN7577.tab", "hansard_audit_2016", packaged))
    columns = [text for part, text in found if part == "columns"]
    assert len(columns) == 20
    assert sum("same label" in text for text in columns) >= 16
