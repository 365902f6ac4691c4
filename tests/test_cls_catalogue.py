"""The Community Life Survey in the catalogue: every wave, its drift, and what happens when a file disagrees."""

import fnmatch
import io
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError
from workbench import Project, Told

from engagement_stats import (
    catalogue,
    clean,
    codebook,
    ingest,
    labelled,
    omissions,
    synthetic,
    synthetic_people,
    tabulate,
    wave_weights,
)
from engagement_stats.catalogue import model as m
from engagement_stats.codebook import Codebook
from engagement_stats.errors import CleaningError, EstimationError, IngestError, WeightingError

WEB = [*(f"cls_{y}_{y - 1999}_microdata" for y in range(2013, 2022)), "cls_2023_24_microdata", "cls_2024_25_microdata"]
F2F = [f"cls_{y}_{y - 1999}_f2f_microdata" for y in range(2012, 2016)]
WAVES = [*F2F, *WEB]
# As deposited at the UK Data Service; the name of 2023-24 is not known.
DEPOSITED = {
    "community_life_survey_2012-13_data_set_v2.tab": "cls_2012_13_f2f_microdata",
    "community_life_face_to_face_2013_public_dataset.tab": "cls_2013_14_f2f_microdata",
    "community_life_2013-14_web_postal_data.tab": "cls_2013_14_microdata",
    "community_life_201415_face_to_face_public_dataset.tab": "cls_2014_15_f2f_microdata",
    "community_life_201415_web_postal_public_dataset.tab": "cls_2014_15_microdata",
    "community_life_2015-16_public_dataset.tab": "cls_2015_16_microdata",
    "community_life_2015-16_face_to_face_public_data_set.tab": "cls_2015_16_f2f_microdata",
    "community_life_2016-17_eul.tab": "cls_2016_17_microdata",
    "community_life_2017-18_eul_v2.tab": "cls_2017_18_microdata",
    "community_life_2018-19_end_user_licence_dataset.tab": "cls_2018_19_microdata",
    "community_life_2019-20_public_access_dataset_v2.sav": "cls_2019_20_microdata",
    "community_life_2020-21_public_access_dataset_v1.tab": "cls_2020_21_microdata",
    "community_life_survey_2021_22_archive_data_v1.tab": "cls_2021_22_microdata",
    "community_life_survey_2024_25_annual_data_safeguard.sav": "cls_2024_25_microdata",
}
WEIGHTS = {
    "cls_2012_13_f2f_microdata": "SRCaliWt",
    "cls_2021_22_microdata": "rimweightCLS",
    "cls_2023_24_microdata": "NOT_FOUND_weight",
    "cls_2024_25_microdata": "NOT_FOUND_weight",
}
MEASURES = {
    "formal_volunteering_12m", "formal_volunteering_monthly", "informal_volunteering_12m",
    "informal_volunteering_monthly", "any_volunteering_12m", "any_volunteering_monthly", "group_membership",
    "social_action_12m", "civic_participation_12m", "civic_consultation_12m", "civic_activism_12m",
    "any_civic_engagement_12m", "belong_neighbourhood_strongly", "belong_britain_strongly",
    "trust_neighbourhood_many", "pull_together", "different_backgrounds_get_on_well",
    "can_influence_local_decisions", "influence_important", "lonely_often_always", "chat_neighbours_monthly",
    "borrow_exchange_favours", "charitable_giving_4wk", "satisfied_local_area",
}  # fmt: skip
DIVISIONS = {
    "region", "sex", "cls_age_group", "ethnicity", "disability", "urban_rural", "imd_decile", "lbn", "region*sex",
}  # fmt: skip
ROUTED = "cls_2024_25_microdata"


def estimates(raw: pd.DataFrame, wave: str, entries: catalogue.Catalogue) -> pd.DataFrame:
    """Estimate a wave from its deposited columns, as the pipeline does."""
    responses = clean.harmonise(raw, wave, entries)
    made = clean.indicators(responses, entries.microdata_waves[wave].indicators.items())
    weights = wave_weights.analysis_weights(raw, responses, wave, entries)
    return tabulate.microdata(responses, made, weights.values, wave, entries)[0]


def national(table: pd.DataFrame) -> dict[str, float]:
    return dict(table[table["domain"] == "all"].set_index("indicator")["estimate"])


def with_wave(entries: catalogue.Catalogue, wave: str, **changes: object) -> catalogue.Catalogue:
    from dataclasses import replace

    changed = entries.microdata_waves[wave].model_copy(update=changes)
    return replace(entries, waves={**entries.waves, wave: changed})


# --- the waves as data


def test_every_wave_and_the_two_series(packaged: catalogue.Catalogue) -> None:
    assert packaged.series_waves("cls", "cls_web_microdata") == WEB
    assert packaged.series_waves("cls", "cls_f2f_microdata") == F2F
    for wave in WAVES:
        entry = packaged.microdata_waves[wave]
        published = wave.removesuffix("_microdata")
        assert entry.published_as == [published]
        assert entry.fieldwork == packaged.waves[published].fieldwork
        assert entry.mode == packaged.waves[published].mode
        assert entry.source == f"cls_microdata_{published.removeprefix('cls_')}"


def test_breaks_are_those_of_the_published_series(packaged: catalogue.Catalogue) -> None:
    series = packaged.surveys["cls"].series
    published = [(b.wave + "_microdata", b.reason) for b in series["cls_web"].breaks]
    assert [(b.wave, b.reason) for b in series["cls_web_microdata"].breaks] == published


@pytest.mark.parametrize("wave", WAVES)
def test_every_wave_has_the_measures_and_the_divisions(packaged: catalogue.Catalogue, wave: str) -> None:
    entry = packaged.microdata_waves[wave]
    assert set(entry.indicators) == MEASURES
    assert set(entry.domains) >= DIVISIONS
    for name, rule in entry.indicators.items():
        # Wording changed in 2020-21 (volunteering) and in 2023-24 (everything); interviewers asked until 2015-16.
        suffix = "_2023" if wave in WEB[-2:] else ""
        assert rule.question.startswith("cls_f2f_") == (wave in F2F), name
        assert rule.question.endswith("_2023") == bool(suffix), name


@pytest.mark.parametrize("wave", WAVES)
def test_what_nobody_has_verified_is_said(packaged: catalogue.Catalogue, wave: str) -> None:
    said = " ".join(packaged.waves[wave].unverified)
    for subject in ("none of these", "disability", "deprivation", "weight", "LBNward"):
        assert subject in said, subject
    assert ("SRCaliWt" in said) == (wave == "cls_2012_13_f2f_microdata")
    assert ("online only" in said) == (wave in WEB)
    assert ("1 is female" in said) == (wave in WEB[-2:])


def test_deposited_names_are_each_claimed_by_one_wave(packaged: catalogue.Catalogue) -> None:
    for name, wave in DEPOSITED.items():
        takers = [
            k
            for k, v in packaged.microdata_waves.items()
            if any(fnmatch.fnmatchcase(name.lower(), p.lower()) for p in v.file.pattern)
        ]
        assert takers == [wave], name
    assert set(DEPOSITED.values()) == set(WAVES) - {"cls_2023_24_microdata"}


def test_weights_of_each_design(packaged: catalogue.Catalogue) -> None:
    for wave in WAVES:
        assert packaged.microdata_waves[wave].design.weights["main"] == WEIGHTS.get(wave, "RespondentCalibrationWeight")
    design = packaged.microdata_waves["cls_2020_21_microdata"].design
    assert (design.weights["web"], design.online_only) == ("RespondentCalibrationWeight_web", ["web"])


def test_sex_turns_round_in_2023(packaged: catalogue.Catalogue) -> None:
    def sex(wave: str) -> tuple[str, m.CodeList | None]:
        variable = packaged.microdata_waves[wave].variables["sex"]
        return variable.column, packaged.codes(variable)

    for wave in WAVES:
        column, codes = sex(wave)
        assert codes is not None
        assert column == ("sexg" if wave[4:11] in ("2018_19", "2019_20", "2020_21") else "sex")
        turned = wave in WEB[-2:]
        assert codes.codes == ({"1": "Female", "2": "Male"} if turned else {"1": "Male", "2": "Female"})
        assert codes.missing.get("998") == ("refused" if turned else None)
        assert codes.evidence == ("unverified" if turned else None)


@pytest.mark.parametrize("kind", ["codes", "missing"])
def test_code_lists_know_the_codes_of_the_files(packaged: catalogue.Catalogue, kind: str) -> None:
    lists = {
        k: v for k, v in packaged.codelists.items() if k.startswith("cls_") and k not in ("cls_gor", "cls_lbn_flag")
    }
    for name, one in lists.items():
        if kind == "missing":
            assert {"-9", "-8", "-3", "-1", ""} <= set(one.missing), name
            assert (one.missing["-9"], one.missing["-8"], one.missing["-1"]) == (
                "refused", "dont_know", "not_applicable",
            )  # fmt: skip
        else:
            assert not {"-9", "998", ""} & set(one.codes), name


# --- a synthetic file of every wave


@pytest.mark.parametrize("wave", WAVES)
def test_a_synthetic_file_of_every_wave_gives_every_estimate(packaged: catalogue.Catalogue, wave: str) -> None:
    raw = synthetic.respondents(packaged, wave, 400)
    places = {str(i): f"Place {i}" for i in range(1, 13)}
    entries = labelled.filled(packaged, wave, Codebook({"lad25nm": places}, {}))
    table = estimates(raw, wave, entries)
    entry = packaged.microdata_waves[wave]
    assert set(table["indicator"]) == set(entry.indicators)
    assert set(table["domain"]) == {"all", *entry.domains}
    rates = national(table)
    for name, margin in synthetic_people.MARGINS["2018-19"].items():
        assert rates[name] == pytest.approx(margin.share, abs=0.01), name


def test_a_synthetic_tab_and_sav_file_are_read_as_the_deposited_ones(
    packaged: catalogue.Catalogue, tmp_path: Path
) -> None:
    for wave in ("cls_2021_22_microdata", ROUTED):
        path = synthetic.write_wave(tmp_path, packaged, wave, 300)
        raw = ingest.read_wave(wave, packaged.microdata_waves[wave], path)
        assert raw.synthetic
        said = Codebook.of(raw.labels, raw.user_missing)
        entries = labelled.filled(packaged, wave, said)
        assert codebook.check(raw.frame, said, wave, entries) == ()
        assert set(estimates(raw.frame, wave, entries)["indicator"]) == MEASURES
    # The labels of the .sav bear the guesses out; the tab file has none, so they are not used.
    assert omissions.unconfirmed(raw.frame, said, ROUTED, entries) == {}
    text = synthetic.respondents(packaged, "cls_2021_22_microdata", 300)
    guessed = omissions.unconfirmed(text, Codebook({}, {}), "cls_2021_22_microdata", packaged)
    assert {"belonging", "trust", "loneliness", "ethnicity"} <= set(guessed)
    assert not {"region", "sex", "formal_12m", "urban_rural"} & set(guessed)


# --- routing: "not applicable" that means "no"


def test_reading_not_applicable_as_missing_would_raise_the_rate(packaged: catalogue.Catalogue) -> None:
    """Who named no group is not asked what help they gave: -1 in the file, and a "no" of the 12-month rate."""
    raw = synthetic.respondents(packaged, ROUTED, 3000)
    entries = labelled.filled(packaged, ROUTED, Codebook({"lad25nm": {str(i): f"P{i}" for i in range(1, 13)}}, {}))
    routed_past = (raw["FUnPd1A"] == "-1").mean()
    assert 0.3 < routed_past < 0.7
    assert (raw.loc[raw["FUnPd1A"] == "-1", "FUnOft"] == "-1").all()
    ours = national(estimates(raw, ROUTED, entries))

    rules = entries.microdata_waves[ROUTED].indicators
    wrong = {
        name: rules[name].model_copy(update={"reasons_as_no": [], "routed_at_most": None})
        for name in ("formal_volunteering_12m", "formal_volunteering_monthly")
    }
    theirs = national(estimates(raw, ROUTED, with_wave(entries, ROUTED, indicators={**rules, **wrong})))

    # The invented respondents have the published rates of everybody: 36 and 22 per cent.
    assert ours["formal_volunteering_12m"] == pytest.approx(0.36, abs=0.002)
    assert ours["formal_volunteering_monthly"] == pytest.approx(0.22, abs=0.002)
    assert theirs["formal_volunteering_12m"] > 0.55  # of the members of groups only
    assert theirs["formal_volunteering_monthly"] > 0.55  # of those who help only

    flags = [f"FUnPd1{x}" for x in "ABCDEFGHIJKLM"]
    weight, known = raw["NOT_FOUND_weight"], raw["FUnPd1A"] != "-9"
    full_base = np.average((raw.loc[known, flags] == "1").any(axis=1), weights=weight[known])
    assert ours["formal_volunteering_12m"] == pytest.approx(full_base, abs=1e-12)


def test_a_blank_for_a_question_not_put_is_a_no_as_well(packaged: catalogue.Catalogue) -> None:
    """The safeguarded SPSS file has no value where others have -1."""
    raw = synthetic.respondents(packaged, ROUTED, 1500)
    raw["lad25nm"] = ""
    blank = raw.replace({c: {"-1": ""} for c in [*(f"FUnPd1{x}" for x in "ABCDEFGHIJKLMN"), "FUnOft"]})
    assert (blank["FUnPd1A"] == "").mean() > 0.3
    one, other = (national(estimates(frame, ROUTED, packaged)) for frame in (raw, blank))
    assert one == other


def test_more_not_asked_than_routing_explains_stops_the_wave(packaged: catalogue.Catalogue) -> None:
    wave = "cls_2020_21_microdata"
    raw = synthetic.respondents(packaged, wave, 1000)
    raw.loc[:179, [f"CivAct1{i}" for i in range(1, 6)]] = "-1"  # as if put online only, to 82 per cent
    with pytest.raises(CleaningError, match=r"indicator civic_activism_12m: 18% of respondents were not asked") as told:
        estimates(raw, wave, packaged)
    assert "put online only" in str(told.value)
    raw.loc[60:179, [f"CivAct1{i}" for i in range(1, 6)]] = "0"
    assert "civic_activism_12m" in national(estimates(raw, wave, packaged))


def test_an_option_taken_for_none_of_these_is_found_out(packaged: catalogue.Catalogue) -> None:
    wave = "cls_2016_17_microdata"
    raw = synthetic.respondents(packaged, wave, 1000)
    raw["FGroup1Q"] = np.where(np.arange(1000) % 5 == 0, "1", "0")
    with pytest.raises(CleaningError, match=r'indicator group_membership: variable group_none is said to be "none of'):
        estimates(raw, wave, packaged)
    raw["FGroup1Q"] = "0"
    assert "group_membership" in national(estimates(raw, wave, packaged))


# --- weights of questions put online only


def online_only(entries: catalogue.Catalogue, wave: str) -> catalogue.Catalogue:
    rules = entries.microdata_waves[wave].indicators
    lonely = rules["lonely_often_always"].model_copy(update={"weight": "web"})
    return with_wave(entries, wave, indicators={**rules, "lonely_often_always": lonely})


def test_a_question_put_online_only_takes_the_weight_of_those_asked(packaged: catalogue.Catalogue) -> None:
    wave = "cls_2020_21_microdata"
    raw = synthetic.respondents(packaged, wave, 1000)
    paper = raw["RespondentCalibrationWeight_web"].isna()
    assert 0.1 < paper.mean() < 0.3
    raw["RespondentCalibrationWeight_web"] *= np.where(raw["LonOft"] == "1", 2.0, 1.0)
    raw.loc[paper, "LonOft"] = "-1"
    table = estimates(raw, wave, online_only(packaged, wave)).set_index(["indicator", "domain"])
    row = table.loc[("lonely_often_always", "all")]
    known = ~paper & raw["LonOft"].isin(list("12345"))
    weight = raw.loc[known, "RespondentCalibrationWeight_web"]
    assert row["estimate"] == pytest.approx(np.average(raw.loc[known, "LonOft"] == "1", weights=weight), abs=1e-12)
    assert row["base_unweighted"] == known.sum()
    assert row["weight"] == "RespondentCalibrationWeight_web"
    assert table.loc[("social_action_12m", "all"), "weight"] == "RespondentCalibrationWeight"


def test_that_weight_is_read_only_when_it_is_used(packaged: catalogue.Catalogue) -> None:
    wave = "cls_2020_21_microdata"
    column = "RespondentCalibrationWeight_web"
    assert column not in ingest.columns_of(packaged.microdata_waves[wave])[0]
    assert column in ingest.columns_of(online_only(packaged, wave).microdata_waves[wave])[0]
    raw = synthetic.respondents(packaged, wave, 200).drop(columns=column)
    assert len(estimates(raw, wave, packaged))


def test_a_question_that_others_answered_was_not_put_online_only(packaged: catalogue.Catalogue) -> None:
    wave = "cls_2020_21_microdata"
    raw = synthetic.respondents(packaged, wave, 500)
    with pytest.raises(EstimationError, match=r"lonely_often_always\): \d+ respondent\(s\) answered and have no"):
        estimates(raw, wave, online_only(packaged, wave))


def test_everybody_needs_the_main_weight(packaged: catalogue.Catalogue) -> None:
    raw = synthetic.respondents(packaged, "cls_2020_21_microdata", 100)
    raw.loc[3, "RespondentCalibrationWeight"] = np.nan
    with pytest.raises(WeightingError, match=r"design.weights.main\): 1 respondent\(s\) have no weight"):
        estimates(raw, "cls_2020_21_microdata", packaged)


# --- a real file that disagrees says what to edit


def unmarked(packaged: catalogue.Catalogue, wave: str, n: int = 200) -> pd.DataFrame:
    return synthetic.respondents(packaged, wave, n).drop(columns="synthetic_data")


def write_tab(frame: pd.DataFrame, path: Path) -> Path:
    frame.replace("", " ").to_csv(path, sep="\t", index=False, na_rep=" ")
    return path


def test_names_may_change_case_and_blanks_stand_for_nothing(packaged: catalogue.Catalogue, tmp_path: Path) -> None:
    wave = "cls_2020_21_microdata"
    frame = unmarked(packaged, wave)
    expected = national(estimates(frame, wave, packaged))
    path = write_tab(frame.rename(columns=str.upper), tmp_path / "community_life_2020-21_public_access_dataset_v3.tab")
    assert " " in path.read_text(encoding="utf-8").split("\t")
    raw = ingest.read_wave(wave, packaged.microdata_waves[wave], path)
    assert national(estimates(raw.frame, wave, packaged)) == expected


def test_a_missing_column_names_the_line_that_asks_for_it(packaged: catalogue.Catalogue, tmp_path: Path) -> None:
    wave = ROUTED
    frame = synthetic.respondents(packaged, "cls_2018_19_microdata", 50)
    path = write_tab(frame.drop(columns="synthetic_data"), tmp_path / "a.tab")
    entry = packaged.microdata_waves[wave]
    entry = entry.model_copy(update={"file": entry.file.model_copy(update={"format": "tab"})})
    with pytest.raises(IngestError) as told:
        ingest.read_wave(wave, entry, path)
    message = str(told.value)
    assert "NOT_FOUND_respondent_id (waves/cls_2024_25_microdata.yaml, respondent_id.columns)" in message
    assert "NOT_FOUND_weight (waves/cls_2024_25_microdata.yaml, design.weights.main)" in message
    assert "FUnPd1A (waves/cls_2024_25_microdata.yaml, variables.help_1.column)" in message


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (
            lambda f: f.assign(sexg="3"),
            ["sexg", "waves/cls_2020_21_microdata.yaml, variable sex", "taken from waves/cls_2018_19_microdata.yaml",
             "codelists/cls_microdata.yaml, cls_sex", "Got 3"],
        ),
        (lambda f: f.assign(Zforvol="2"), ["Zforvol", "variable formal_12m", "cls_flag", "Got 2"]),
        (lambda f: f.assign(Cserial="1"), ["Cserial", "200 rows share", "respondent_id"]),
    ],
)  # fmt: skip
def test_a_code_nobody_knows_names_file_and_entry(
    packaged: catalogue.Catalogue, change: Callable[[pd.DataFrame], pd.DataFrame], named: list[str]
) -> None:
    wave = "cls_2020_21_microdata"
    with pytest.raises(CleaningError) as told:
        estimates(change(unmarked(packaged, wave)), wave, packaged)
    for words in named:
        assert words in str(told.value)


def test_labels_that_contradict_the_order_of_sex_stop_the_wave(packaged: catalogue.Catalogue) -> None:
    """The trap of 2023-24: had the deposited file kept the old order, its labels would say so."""
    frame = unmarked(packaged, ROUTED)
    entries = labelled.filled(packaged, ROUTED, Codebook({"lad25nm": {str(i): f"P{i}" for i in range(1, 13)}}, {}))
    turned = Codebook({"sex": {"1": "Female", "2": "Male", "998": "Prefer not to say"}}, {"sex": [(998.0, 998.0)]})
    entries = with_wave(entries, ROUTED, file=entries.microdata_waves[ROUTED].file.model_copy(
        update={"missing_undeclared": "The test declares those of sex only."}
    ))  # fmt: skip
    assert codebook.check(frame[["sex"]], turned, ROUTED, entries) == ()
    assert "sex" not in omissions.unconfirmed(frame[["sex"]], turned, ROUTED, entries)
    old = Codebook({"sex": {"1": "Male", "2": "Female"}}, {})
    with pytest.raises(CleaningError, match=r'sex.*code 1 is "Male" in the file, which is "Male", and "Female"'):
        codebook.check(frame[["sex"]], old, ROUTED, entries)
    silent = omissions.unconfirmed(frame[["sex"]], Codebook({}, {}), ROUTED, entries)
    assert list(silent) == ["sex"]  # without labels it is not used at all


# --- a new wave by catalogue files only, and what status says


NEW = """kind: microdata
based_on: cls_2021_22_microdata
label: Community Life Survey 2025-26, from microdata
source: cls_microdata_2021_22
fieldwork:
  label: April 2025 to March 2026
  year: 2025
  start: 2025-04-01
  end: 2026-03-31
  precision: month
without:
  variables: [disability]
  domains: [disability]
file:
  pattern: [community_life_2025-26*.tab]
  format: tab
design:
  weights: {main: newweight}
variables:
  sex: {column: gender, codes: {F: Female, M: Male}, missing: {"": not_stated}}
"""


@pytest.fixture
def project(tmp_path: Path) -> Project:
    project = Project(tmp_path / "home").with_catalogue(tmp_path / "catalogue")
    project.workspace.data.mkdir(parents=True)
    return project


def test_a_new_wave_is_added_by_a_catalogue_file_alone(
    project: Project, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert project.catalogue is not None
    wave = "cls_2025_26_microdata"
    (project.catalogue / "waves" / f"{wave}.yaml").write_text(NEW, encoding="utf-8")
    entries = catalogue.load(project.catalogue)
    frame = synthetic.respondents(entries, wave, 800).drop(columns=["STrust", "CivConsa", "NOT_FOUND_imd_decile"])
    assert {"gender", "newweight"} <= set(frame)
    write_tab(frame, project.workspace.data / "Community_Life_2025-26_v1.TAB")

    report = project.run(wave)
    assert (report.failed, report.built) == ({}, (wave,))
    told = Told(project, capsys, monkeypatch)
    found = project.query(f"SELECT * FROM estimates WHERE wave = '{wave}'")
    assert set(found["indicator"]) == MEASURES - {
        "trust_neighbourhood_many", "civic_consultation_12m", "any_civic_engagement_12m",
    }  # fmt: skip
    rates = found[found["domain"] == "all"].set_index("indicator")["estimate"]
    assert rates["formal_volunteering_12m"] == pytest.approx(0.36, abs=0.005)
    assert set(found.loc[found["domain"] == "sex", "level"]) == {"Male", "Female"}

    code, out, _ = told("status", "--wave", wave)
    assert code == 0
    text = " ".join(out.split())
    assert "left out indicator trust_neighbourhood_many: the file has no column STrust" in text
    assert "left out domain imd_decile: the file has no column NOT_FOUND_imd_decile. No source gives" in text
    assert "unverified rimweightCLS as the weight" in text
    assert "licence UK Data Service End User Licence" in text
    code, out, _ = told("status", "--format", "csv")
    row = pd.read_csv(io.StringIO(out)).set_index("wave").loc[wave]
    assert (row["state"], row["left_out"]) == ("fresh", 4)
    assert row["unverified"] == len(entries.waves[wave].unverified)


def test_status_of_a_wave_that_is_not_there_is_an_error_of_the_call(
    project: Project, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    code, _, err = Told(project, capsys, monkeypatch)("status", "--wave", "cls_2022_23_microdata")
    assert code == 2
    assert "cls_2022_23_microdata is not in the catalogue" in err


def test_real_tab_without_labels_uses_no_guess(project: Project) -> None:
    """An unmarked file is taken for a real one: the guessed code lists are left out, and said."""
    assert project.catalogue is not None
    shutil.rmtree(project.catalogue / "benchmarks")  # the invented respondents reproduce no published figure
    wave = "cls_2013_14_f2f_microdata"
    entries = catalogue.load(project.catalogue)
    frame = unmarked(entries, wave, 500)
    write_tab(frame, project.workspace.data / "community_life_face_to_face_2013_public_dataset.tab")
    assert project.run(wave).failed == {}
    from engagement_stats import status
    from engagement_stats.store import Store

    store = Store(project.workspace.private)
    found = status.survey(entries, project.workspace.data, store).waves[wave]
    left = status.omitted(found, store)
    assert "nobody has confirmed what the codes of LonOft mean" in left["indicator lonely_often_always"]
    assert "codelists/cls_microdata.yaml, cls_loneliness" in left["indicator lonely_often_always"]
    assert "domain ethnicity" in left
    assert "indicator formal_volunteering_12m" not in left


@pytest.mark.parametrize(
    ("kind", "entry", "message"),
    [
        (m.IndicatorRule, {"question": "q", "any_of": ["a"], "counts": ["Yes"], "none_of": "a"}, "is not one of its"),
        (m.IndicatorRule, {"question": "q", "variable": "a", "counts": ["Yes"], "none_of": "b"}, "goes with any_of"),
        (
            m.IndicatorRule,
            {"question": "q", "variable": "a", "counts": ["Yes"], "routed_at_most": 0.1},
            "reasons_as_no",
        ),
        (m.WaveDesign, {"weights": {"main": "w"}, "online_only": ["main"]}, "main is not a supplied weight beside"),
        (m.WaveDesign, {"weights": {"main": "w"}, "online_only": ["web"]}, "web is not a supplied weight beside main"),
        (m.Domain, {"label": "x", "definition": "x", "levels": ["a"], "from_labels": True}, "from_labels takes"),
    ],
)
def test_suppositions_that_make_no_sense_are_refused(
    kind: type[m.Entry], entry: dict[str, object], message: str
) -> None:
    with pytest.raises(ValidationError, match=message):
        kind.model_validate(entry)
