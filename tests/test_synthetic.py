"""The synthetic survey files: repeatable, true to the published rates, consistent, awkward as real ones."""

import dataclasses
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pyreadstat
import pytest

from engagement_stats import catalogue, clean, ingest, landing, synthetic, synthetic_people
from engagement_stats.errors import EngagementStatsError

# A rate may miss its target by the weight of the last respondent, some 0.01 points of 10,000 adults.
POINTS = 0.05
# The poll has a tenth of the respondents.
POLL_POINTS = 0.5
YEARS = ("2018-19", "2019-20")
WAVES = {"2018-19": "cls_2018_19_microdata", "2019-20": "cls_2019_20_microdata"}
DERIVED = {
    "formal_volunteering_12m": "zforvol",
    "formal_volunteering_monthly": "zformon",
    "informal_volunteering_12m": "zinfvol",
    "informal_volunteering_monthly": "zihlpmon",
    "any_volunteering_12m": "zinffor",
    "social_action_12m": "zlocinv1",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("synthetic")
    synthetic.write(folder)
    return folder


@pytest.fixture(scope="module")
def tab(folder: Path) -> pd.DataFrame:
    """2018-19 as text, names as in the file."""
    return pd.read_csv(folder / synthetic.CLS_2018_19_FILE, sep="\t", dtype=str, keep_default_na=False)


@pytest.fixture(scope="module")
def sav(folder: Path) -> tuple[pd.DataFrame, pyreadstat.metadata_container]:
    """2019-20 with its user-missing codes, and what the file says of itself."""
    return pyreadstat.read_sav(folder / synthetic.CLS_2019_20_FILE, user_missing=True)


@pytest.fixture(scope="module")
def poll(folder: Path) -> pd.DataFrame:
    return pd.read_csv(folder / synthetic.POLL_FILE, keep_default_na=False)


@pytest.fixture(scope="module")
def years(tab: pd.DataFrame, sav: tuple[pd.DataFrame, object]) -> dict[str, pd.DataFrame]:
    """Both years as numbers, names in lower case."""
    numbers = tab.drop(columns="WardCode").replace(" ", "nan").astype(float).assign(WardCode=tab["WardCode"])
    return {"2018-19": numbers.rename(columns=str.lower), "2019-20": sav[0].rename(columns=str.lower)}


def rate(frame: pd.DataFrame, yes: pd.Series, known: pd.Series) -> float:
    return 100 * float(np.average(yes[known], weights=frame["respondentcalibrationweight"][known]))


def options(frame: pd.DataFrame, stem: str, letters: str) -> pd.DataFrame:
    return frame[[stem + x for x in letters]]


def test_same_seed_same_bytes_and_other_seed_others(folder: Path, tmp_path: Path) -> None:
    time.sleep(1.1)  # the sav format stamps the second of writing
    again = synthetic.write(tmp_path / "again")
    assert [p.read_bytes() for p in again] == [(folder / p.name).read_bytes() for p in again]
    other = synthetic.write(tmp_path / "other", seed=7, adults=300, poll=50)
    same = synthetic.write(tmp_path / "same", seed=8, adults=300, poll=50)
    assert all(a.read_bytes() != b.read_bytes() for a, b in zip(other, same, strict=True))


def test_write_leaves_only_the_files_and_replaces_old_ones(tmp_path: Path) -> None:
    (tmp_path / synthetic.POLL_FILE).write_text("old")
    files = synthetic.write(tmp_path, adults=40, poll=20)
    assert sorted(tmp_path.iterdir()) == sorted(files)
    assert "respondent_id" in (tmp_path / synthetic.POLL_FILE).read_text()


def test_failed_write_leaves_the_old_file_and_no_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / synthetic.CLS_2018_19_FILE).write_text("old")

    def fail(frame: pd.DataFrame, path: Path) -> None:
        path.write_text("half")
        raise OSError("disk full")

    monkeypatch.setattr(synthetic, "_write_tab", fail)
    with pytest.raises(OSError, match="disk full"):
        synthetic.write(tmp_path, adults=20, poll=20)
    assert [p.read_text() for p in tmp_path.iterdir()] == ["old"]


@pytest.mark.parametrize(("adults", "poll"), [(1, 1), (7, 3), (400, 90)])
def test_any_size_is_written_in_full(tmp_path: Path, adults: int, poll: int) -> None:
    files = synthetic.write(tmp_path, adults=adults, poll=poll)
    assert len(pd.read_csv(files[0], sep="\t")) == adults
    assert len(pyreadstat.read_sav(files[1])[0]) == adults
    assert len(pd.read_csv(files[2])) == poll


def test_no_respondents_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EngagementStatsError, match="expected 1 or more"):
        synthetic.write(tmp_path, adults=0)


def test_every_file_says_it_is_synthetic(
    tab: pd.DataFrame, sav: tuple[pd.DataFrame, pyreadstat.metadata_container], poll: pd.DataFrame
) -> None:
    assert set(tab["synthetic_data"]) == {"1"}
    assert set(sav[0]["synthetic_data"]) == {1.0}
    assert set(poll["synthetic_data"]) == {1}
    assert sav[1].file_label == "SYNTHETIC"
    assert synthetic.MARKER == ingest.SYNTHETIC_MARKER


@pytest.mark.parametrize("year", YEARS)
def test_national_rates_equal_the_published_ones(years: dict[str, pd.DataFrame], year: str) -> None:
    frame = years[year]
    civic, belonging = options(frame, "civpart", "abc"), frame["sbeneigh"]
    ours = {name: rate(frame, frame[v] == 1, frame[v] >= 0) for name, v in DERIVED.items()}
    ours["civic_participation_12m"] = rate(frame, (civic == 1).any(axis=1), (civic >= 0).all(axis=1))
    ours["belong_neighbourhood_strongly"] = rate(frame, belonging <= 2, belonging > 0)
    published = {name: 100 * margin.share for name, margin in synthetic_people.MARGINS[year].items()}
    assert ours == pytest.approx(published, abs=POINTS)


def test_poll_rates(poll: pd.DataFrame) -> None:
    items = [c for c in poll if c.startswith("q")]
    ours = [100 * np.average(poll[c] == "Yes", weights=poll["weight"]) for c in items]
    stated = [100 * margin.share for margin in synthetic_people.POLL_MARGINS.values()]
    assert ours == pytest.approx(stated, abs=POLL_POINTS)
    assert set(np.unique(poll[items])) == {"Yes", "No", "Don't know"}
    assert poll["age"].min() >= 18
    assert poll["respondent_id"].is_unique


@pytest.mark.parametrize("year", YEARS)
def test_derived_variables_follow_from_the_items(years: dict[str, pd.DataFrame], year: str) -> None:
    frame = years[year]
    derived = frame[[*DERIVED.values(), "zinfform"]]
    assert set(np.unique(derived)) == {-3.0, 0.0, 1.0}
    helped = (options(frame, "funpd1", "abcdefghijklm") == 1).any(axis=1)
    assert (helped == (frame["zforvol"] == 1)).all()
    assert ((options(frame, "locinvn", "abcdef") == 1).any(axis=1) == (frame["zlocinv1"] == 1)).all()
    assert (frame["zformon"] == 1).equals(frame["funoft"].isin([1, 2]))
    either = (frame["zforvol"] == 1) | (frame["zinfvol"] == 1)
    assert (either == (frame["zinffor"] == 1)).all()
    monthly = (frame["zformon"] == 1) | (frame["zihlpmon"] == 1)
    assert (monthly == (frame["zinfform"] == 1)).all()
    assert not ((frame["zformon"] == 1) & (frame["zforvol"] != 1)).any()
    assert not ((frame["zihlpmon"] == 1) & (frame["zinfvol"] != 1)).any()


@pytest.mark.parametrize("year", YEARS)
def test_routing_and_none_of_these(years: dict[str, pd.DataFrame], year: str) -> None:
    frame = years[year]
    groups, helped = (
        options(frame, "fgroup1", "abcdefghijklmnopq"),
        options(frame, "funpd1", "abcdefghijklmn"),
    )
    assert groups.shape[1] == 17
    assert helped.shape[1] == 14
    not_asked = (helped == -1).all(axis=1)
    assert (not_asked == (frame["fgroup1q"] == 1)).all()  # of no group, so not asked what help they gave
    assert not_asked.sum() > 1000
    assert ((frame["funoft"] == -1) == (frame["zforvol"] == 0)).all()
    assert ((helped == -9).all(axis=1) == (frame["zforvol"] == -3)).all()
    lists = [
        ("fgroup1", "abcdefghijklmnop", "q"),
        ("funpd1", "abcdefghijklm", "n"),
        ("locinvn", "abcdef", "g"),
    ]
    for stem, kinds, none in [*lists, ("civpart", "abc", "d")]:
        asked = frame[stem + none] >= 0
        any_named = (options(frame, stem, kinds) == 1).any(axis=1)
        assert (any_named[asked] != (frame[stem + none][asked] == 1)).all()


@pytest.mark.parametrize("year", YEARS)
def test_weights_fit_the_population_and_vary(years: dict[str, pd.DataFrame], year: str) -> None:
    frame = years[year]
    weight = frame["respondentcalibrationweight"]
    assert weight.min() > 0
    assert weight.mean() == pytest.approx(1, abs=1e-5)
    assert 0.6 <= weight.std() / weight.mean() <= 0.8
    regions = weight.groupby(frame["gor"]).sum() / weight.sum()
    assert regions.to_numpy() == pytest.approx(
        synthetic_people.REGION_ADULTS / synthetic_people.REGION_ADULTS.sum(), abs=1e-4
    )
    known = frame["r3age6"] > 0  # a few gave no age
    ages = weight[known].groupby(frame["r3age6"][known]).sum() / weight[known].sum()
    assert ages.to_numpy() == pytest.approx(synthetic_people.AGE_ADULTS / synthetic_people.AGE_ADULTS.sum(), abs=0.003)
    women = weight[frame["sexg"] == 2].sum() / weight[frame["sexg"].notna()].sum()
    assert women == pytest.approx(0.513, abs=0.003)
    assert not np.allclose(weight, frame["srcaliw"])


@pytest.mark.parametrize("year", YEARS)
def test_households_lie_in_one_stratum_and_every_stratum_has_several(years: dict[str, pd.DataFrame], year: str) -> None:
    frame = years[year]
    assert len(frame) == 10_000
    assert frame["cserial"].is_unique
    households = frame.groupby("hhserial")
    assert set(households.size()) == {1, 2, 3, 4}
    for column in ("finalstratum", "gor", "wardcode", "lbnward"):
        assert (households[column].nunique() == 1).all()
    per_stratum = frame.groupby("finalstratum")["hhserial"].nunique()
    assert len(per_stratum) == 36
    assert per_stratum.min() > 20
    assert set(frame["gor"]) == set(range(1, 10))
    alike = frame.assign(formal=frame["zforvol"] == 1)
    pairs = alike.groupby("hhserial").filter(lambda h: len(h) == 2).groupby("hhserial")["formal"].mean()
    assert (pairs == 0.5).mean() < 2 * 0.36 * 0.64 - 0.03  # fewer split households than if answers were unrelated


@pytest.mark.parametrize("seed", [20260101, 1])
def test_left_behind_neighbourhoods_lie_clearly_below_england(seed: int, tmp_path: Path) -> None:
    synthetic.write(tmp_path, seed=seed)
    frame = pyreadstat.read_sav(tmp_path / synthetic.CLS_2019_20_FILE)[0].rename(columns=str.lower)
    inside = frame["lbnward"] == 1
    assert 450 < inside.sum() < 900
    assert np.average(inside, weights=frame["respondentcalibrationweight"]) == pytest.approx(0.0424, abs=0.006)
    assert frame["wardcode"][inside].max() <= "W0225" < frame["wardcode"][~inside].min()
    for variable in ("zforvol", "zlocinv1"):
        yes, known = frame[variable] == 1, frame[variable] >= 0
        error = 100 * np.sqrt(0.25 / (inside.sum() / 1.6))  # design effect of the published figures, about 1.6
        assert rate(frame, yes, known & inside) < rate(frame, yes, known) - 2 * error


def test_tab_file_is_awkward_as_the_deposited_ones_are(tab: pd.DataFrame) -> None:
    assert {"GOR", "sexg", "Zforvol", "SBeNeigh", "FGroup1Q", "FUnPd1N", "LocInvNg", "CivPartd"} <= set(tab)
    assert 0 < (tab["sexg"] == " ").sum() < 100
    codes = set(np.unique(tab.drop(columns="WardCode").to_numpy(dtype=str)))
    assert {"-9", "-8", "-3", "-1"} <= codes
    assert tab["WardCode"].str.fullmatch(r"W\d{4}").all()


def test_sav_file_declares_codes_and_spells_names_otherwise(
    sav: tuple[pd.DataFrame, pyreadstat.metadata_container], tab: pd.DataFrame
) -> None:
    frame, meta = sav
    assert {c.lower() for c in frame} == {c.lower() for c in tab}
    assert set(frame) - set(tab) == set(synthetic.CASE_DRIFT_2019_20.values())
    assert meta.variable_value_labels["ZForVol"][-3] == "Not classified"
    assert meta.variable_value_labels["gor"][3] == "Yorkshire and Humberside"
    assert meta.missing_ranges["FUnOft"] == [{"lo": -9.0, "hi": -1.0}]
    assert "RespondentCalibrationWeight" not in meta.missing_ranges
    assert 0 < frame["sexg"].isna().sum() < 100


def test_years_are_different_people(years: dict[str, pd.DataFrame]) -> None:
    earlier, later = years["2018-19"], years["2019-20"]
    assert not set(earlier["cserial"]) & set(later["cserial"])
    assert (earlier["zforvol"].to_numpy() != later["zforvol"].to_numpy()).mean() > 0.3


@pytest.mark.parametrize("wave", [*WAVES.values(), "demo_lbn_poll"])
def test_catalogue_reads_the_files(folder: Path, wave: str) -> None:
    entries = catalogue.load()
    entry = entries.microdata_waves[wave]
    raw = ingest.read_wave(wave, entry, landing.only(wave, landing.find(folder, entries.microdata_waves).claimed[wave]))
    assert raw.synthetic
    responses = clean.harmonise(raw.frame, wave, entries)
    made = clean.indicators(responses, entry.indicators.items())
    # The demonstration's files hold the columns of a public edition, not every one the entry knows of.
    there = [k for k, r in entry.indicators.items() if all(v in responses for v in r.variables)]
    assert list(made) == there
    assert set(DERIVED) <= set(there) or not wave.startswith("cls")
    weights = raw.frame[entry.design.weights["main"]].astype(float)
    year = next((y for y, w in WAVES.items() if w == wave), None)
    margins = synthetic_people.MARGINS[year] if year else synthetic_people.POLL_MARGINS
    for name, margin in margins.items():
        known = made[name].notna()
        ours = 100 * np.average(made[name][known], weights=weights[known])
        assert ours == pytest.approx(100 * margin.share, abs=POINTS if year else POLL_POINTS), name
    if year:
        assert {"stratum", "psu", "lbn", "cls_age_group"} <= set(responses)


def test_public_edition_without_design_columns_loads(folder: Path, tmp_path: Path) -> None:
    entries = catalogue.load()
    wave = WAVES["2018-19"]
    entry = entries.microdata_waves[wave]
    public = pd.read_csv(folder / synthetic.CLS_2018_19_FILE, sep="\t", dtype=str, keep_default_na=False)
    public = public.drop(columns=["FinalStratum", "HHSerial", "WardCode", "LBNward", "R3Age6", "synthetic_data"])
    path = tmp_path / synthetic.CLS_2018_19_FILE
    public.to_csv(path, sep="\t", index=False)
    raw = ingest.read_wave(wave, entry, path)
    responses = clean.harmonise(raw.frame, wave, entries)
    assert not raw.synthetic
    assert not {"stratum", "psu", "lbn", "cls_age_group"} & set(responses)


def test_not_asked_means_no(folder: Path) -> None:
    """Reading "not asked" as missing would turn 36 per cent into the rate among members of groups."""
    raw = ingest.read(folder / synthetic.CLS_2018_19_FILE).frame
    codes = raw[[f"FUnPd1{x}" for x in "ABCDEFGHIJKLM"]].astype(int)
    weight = raw["RespondentCalibrationWeight"].astype(float)
    given = (codes == 1).any(axis=1)
    asked, known = codes["FUnPd1A"] >= 0, codes["FUnPd1A"] != -9
    assert 100 * np.average(given[known], weights=weight[known]) == pytest.approx(36, abs=POINTS)
    assert 100 * np.average(given[asked], weights=weight[asked]) > 50


# Respondents for any wave


@pytest.mark.parametrize(
    "wave", ["hansard_audit_2016", "ess_2012", "ess_2014", "demo_lbn_poll", "cls_2016_17_microdata"]
)
def test_a_file_of_any_wave_is_what_its_entry_asks_for(wave: str, tmp_path: Path) -> None:
    """Tab, CSV, SPSS with codes of text, a file of several waves, and a wave based on another."""
    entries = catalogue.load()
    entry = entries.microdata_waves[wave]
    path = synthetic.write_wave(tmp_path, entries, wave, 150)
    assert list(landing.find(tmp_path, {wave: entry}).claimed[wave])
    raw = ingest.read_wave(wave, entry, path)
    assert raw.synthetic
    responses = clean.harmonise(raw.frame, wave, entries)
    made = clean.indicators(responses, entry.indicators.items())
    assert (len(responses), list(made)) == (150, list(entry.indicators))


def test_respondents_depend_on_seed_wave_and_number_alone() -> None:
    entries = catalogue.load()
    wave = "cls_2021_22_microdata"
    first = synthetic.respondents(entries, wave, 60)
    pd.testing.assert_frame_equal(first, synthetic.respondents(entries, wave, 60))
    assert not first.equals(synthetic.respondents(entries, wave, 60, seed=2))
    other = synthetic.respondents(entries, "cls_2016_17_microdata", 60)
    assert not first["Zforvol"].equals(other["Zforvol"])
    with pytest.raises(EngagementStatsError, match="expected 1 or more"):
        synthetic.respondents(entries, wave, 0)


def test_options_of_a_list_and_none_of_these_exclude_each_other() -> None:
    frame = synthetic.respondents(catalogue.load(), "cls_2021_22_microdata", 500)
    causes = [f"GGroup2{chr(ord('a') + i)}" for i in range(20)]
    named, none = (frame[causes] == "1").any(axis=1), frame["GGroup2u"] == "1"
    assert 0.2 < named.mean() < 0.8
    assert not (named & none).any()
    assert (named | none | frame["GGroup2a"].isin(["-9", "-8", "-3", "998", ""])).all()


def test_a_format_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    entries = catalogue.load()
    wave = entries.microdata_waves["hansard_audit_2016"]
    changed = wave.model_copy(update={"file": wave.file.model_copy(update={"format": "dta"})})
    entries = dataclasses.replace(entries, waves={"hansard_audit_2016": changed})
    with pytest.raises(EngagementStatsError, match="is a dta file"):
        synthetic.write_wave(tmp_path, entries, "hansard_audit_2016", 10)


def test_writing_is_quick(tmp_path: Path) -> None:
    start = time.perf_counter()
    synthetic.write(tmp_path)
    assert time.perf_counter() - start < 5
