"""What a user sees of lookups, from an empty folder to left-behind neighbourhoods beside England in a release."""

import json
import re
from pathlib import Path

import pandas as pd
import pytest
from workbench import POLL, Project, Told, edit_text

from engagement_stats import synthetic
from engagement_stats.catalogue import DEFAULT

LBN = "Left-behind neighbourhood"
# Four small areas in three wards, the first ward on the list.
HOMES = ["E01000001", "E01000002", "E01000003", "E01000004"]
FILES = {
    "lookup_lsoa11_ward17.csv": "lsoa11_code,ward17_code\n"
    + "".join(f"{h},E0500000{w}\n" for h, w in zip(HOMES, "1123", strict=True)),
    "lookup_lsoa11_ltla21.csv": "lsoa11_code,ltla21_code\n"
    + "".join(f"{h},E0600000{a}\n" for h, a in zip(HOMES, "1122", strict=True)),
    "lookup_ltla21_region21.csv": "ltla21_code,ltla21_name,region21_code,region21_name\n"
    "E06000001,Westmoor,E12000001,North East\nE06000002,Eastmoor,E12000003,Yorkshire and The Humber\n",
    "imd2019_england_lsoa11_rank_decile.csv": "lsoa11_code,IMD_rank,IMD_decile\n"
    + "".join(f"{h},{i},{i}\n" for i, h in enumerate(HOMES, start=1)),
    "lbn_2020_wards17.csv": "ward17_code,ward17_name\nE05000001,Low Moor\n",
    "population_mid2019_lsoa11_england.csv": "lsoa11_code,total_population,pop16plus\n"
    + "".join(f"{h},1000,800\n" for h in HOMES),
}
COMPARISON = """poll_lbn_v_whole:
  kind: levels
  label: Neighbourhoods and the whole
  wave: demo_lbn_poll
  indicators: [community_group_membership_12m]
  domain: lbn
  levels: [Left-behind neighbourhood]
"""


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """Return a project whose catalogue takes lookups of any edition, with nothing landed."""
    made = Project(tmp_path / "home").with_catalogue(tmp_path / "catalogue")
    made.workspace.data.mkdir(parents=True)
    entries = tmp_path / "catalogue" / "lookups" / "england.yaml"
    text = entries.read_text(encoding="utf-8")
    entries.write_text(re.sub(r"^    (rows|sha256): .*\n", "", text, flags=re.MULTILINE), encoding="utf-8")
    return made


@pytest.fixture
def told(project: Project, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Told:
    return Told(project, capsys, monkeypatch)


def land(project: Project, *names: str) -> None:
    for name in names or FILES:
        (project.workspace.data / name).write_text(FILES[name], encoding="utf-8")


def status(told: Told) -> dict[str, dict[str, str]]:
    return {row["wave"]: row for row in json.loads(told("status", "--format", "json")[1]) if row["wave"]}


def test_lookups_are_listed_with_what_to_get(project: Project, told: Told) -> None:
    code, out, _ = told("places", "--format", "json")
    rows = {row["lookup"]: row for row in json.loads(out)}
    assert code == 0
    assert {row["state"] for row in rows.values()} == {"not landed"}
    assert "no file named lbn_2020_wards17.csv has landed" in rows["lbn_2020_wards17"]["reason"]
    assert "OCSI" in rows["lbn_2020_wards17"]["reason"]
    land(project)
    code, out, _ = told("places", "--format", "json")
    rows = {row["lookup"]: row for row in json.loads(out)}
    assert {(row["state"], len(row["sha256"])) for row in rows.values()} == {("landed", 64)}
    assert all(row["licence"] for row in rows.values())


def test_status_shows_lookups_and_does_not_call_them_unclaimed(project: Project, told: Told) -> None:
    land(project, "lbn_2020_wards17.csv")
    (project.workspace.data / "notes.csv").write_text("a\n1\n")
    code, out, _ = told("status", "--format", "json")
    assert code == 0
    rows = json.loads(out)
    assert [r["file"] for r in rows if r["state"] == "unclaimed"] == ["notes.csv"]
    assert {(r["wave"], r["state"], r["file"]) for r in rows if r["kind"] == "lookup"} >= {
        ("lbn_2020_wards17", "landed", "lbn_2020_wards17.csv"), ("imd2019_lsoa11", "not landed", ""),
    }  # fmt: skip
    assert "lbn_2020_wards17" in told("status")[1]


def test_another_edition_than_the_catalogue_knows_is_said(
    project: Project, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    land(project)
    packaged = Told(Project(project.root, DEFAULT), capsys, monkeypatch)
    code, out, _ = packaged("places", "--format", "json")
    assert code == 1
    assert {row["state"] for row in json.loads(out)} == {"wrong file"}
    code, _, err = packaged("places", "lbn")
    assert code == 1
    assert "lookup lbn_2020_wards17 lbn_2020_wards17.csv: the file is none of the 1 edition(s)" in err
    assert status(packaged)["lbn_2020_wards17"]["state"] == "wrong file"


def test_a_list_of_areas_is_counted(project: Project, told: Told) -> None:
    land(project)
    code, out, _ = told("places", "lbn", "--by", "region", "--format", "json")
    assert code == 0
    rows = {(r["level"], r["by"]): r for r in json.loads(out)}
    assert rows["all", "all"]["people"] == 4000
    assert rows[LBN, "North East"] == {
        "level": LBN, "by": "North East", "lsoa11": 2, "ward17": 1, "people": 2000, "people_16_plus": 1600,
        "share": 0.5,
    }  # fmt: skip
    assert "% of people" in told("places", "lbn")[1]


def test_what_cannot_be_counted_is_an_error(project: Project, told: Told) -> None:
    code, _, err = told("places", "lbn")
    assert (code, "has not landed" in err) == (1, True)
    code, _, err = told("places", "sex")
    assert (code, "sex is not a domain with areas to count" in err) == (2, True)


def poll_with_homes(project: Project) -> None:
    """Add the area of each respondent to the synthetic poll: those of the listed ward do less."""
    source = project.root / "made"
    synthetic.write(source, adults=1500, poll=3000)
    path = project.file(POLL)
    path.write_bytes((source / path.name).read_bytes())

    def homes(frame: pd.DataFrame) -> pd.DataFrame:
        elsewhere = (frame["q1_group_member"] == "Yes") & (frame.index % 5 > 0)
        turns = pd.Series([HOMES[i % 4] for i in range(len(frame))])
        return frame.assign(LSOA11CD=turns.where(~elsewhere, [HOMES[2 + i % 2] for i in range(len(frame))]))

    edit_text(path, homes)
    entry = project.catalogue / "waves" / f"{POLL}.yaml" if project.catalogue else DEFAULT
    text = entry.read_text(encoding="utf-8")
    assert text.count("\ndomains: [region, sex]\n") == 1
    place = "\nplaces: {lsoa11: {column: LSOA11CD}}\ndomains: [sex, lbn, imd_decile, local_authority]\n"
    entry.write_text(text.replace("\ndomains: [region, sex]\n", place), encoding="utf-8")
    (entry.parents[1] / "comparisons" / "places.yaml").write_text(COMPARISON, encoding="utf-8")


def test_a_poll_with_codes_of_areas_gives_neighbourhoods_beside_the_whole(project: Project, told: Told) -> None:
    poll_with_homes(project)
    land(project, "imd2019_england_lsoa11_rank_decile.csv")
    first = project.run(POLL)
    assert first.failed == {}
    families = "SELECT string_agg(DISTINCT domain, ' ' ORDER BY domain) FROM estimates WHERE wave = 'demo_lbn_poll'"
    assert project.value(families) == "all imd_decile sex"
    reason = status(told)[POLL]["reason"]
    assert reason.startswith("without lbn, local_authority: get lookup_lsoa11_ward17.csv, lbn_2020_wards17.csv")

    land(project)
    assert status(told)[POLL]["reason"] == "its lookups of areas changed"
    second = project.run(POLL)
    assert (second.built, second.failed) == ((POLL,), {})
    assert project.value(families) == "all imd_decile lbn local_authority sex"
    found = project.query("SELECT * FROM comparisons WHERE comparison LIKE '%__poll_lbn_v_whole'")
    assert found[["left_domain", "left_level", "right_level", "verdict"]].values.tolist() == [
        ["lbn", LBN, "all", "lower"]
    ]
    levels = project.query("SELECT level FROM domains WHERE id = 'local_authority' ORDER BY position")["level"]
    assert list(levels) == ["Eastmoor", "Westmoor"]
    by_code = project.query("SELECT DISTINCT domain, level, code FROM profile('E06000002')")
    assert by_code.values.tolist() == [["local_authority", "Eastmoor", "E06000002"]]
    assert "best fit" in str(project.value("SELECT any_value(definition) FROM domains WHERE id = 'lbn'"))
    used = json.loads(str(project.value("SELECT lookup_digests FROM runs")))
    assert set(used) == {POLL}
    assert set(used[POLL]) == {
        "imd2019_lsoa11", "lsoa11_ltla21", "lsoa11_ward17", "lbn_2020_wards17", "ltla21_region21",
    }  # fmt: skip
    # No code of an area leaves the private store.
    assert not any(home in frame.to_csv() for frame in project.contents().values() for home in HOMES)

    # Residents are counted by `places` alone: another edition of them concerns no wave.
    residents = project.workspace.data / "population_mid2019_lsoa11_england.csv"
    residents.write_text(residents.read_text().replace("1000", "1001"))
    assert status(told)[POLL]["state"] == "fresh"
    # A lookup the wave needs that turns out to be damaged stops the wave, and is named.
    wards = project.workspace.data / "lookup_lsoa11_ward17.csv"
    wards.write_text(FILES[wards.name].replace("E01000004,", "E01000003,"))
    third = project.run(POLL)
    assert set(third.built) == set()
    assert "lookup lsoa11_ward17 lookup_lsoa11_ward17.csv: 1 row(s) repeat an area" in third.failed[POLL]
