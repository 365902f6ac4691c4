"""The real files, where they are at hand: published figures found again, and known traps not stepped into."""

import csv
import math
import re
import runpy
import shutil
import subprocess
import tempfile
from pathlib import Path

import hostile
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from workbench import ROOT, Project

from bench import hostile as outcomes
from engagement_stats import catalogue
from engagement_stats.errors import IngestError
from engagement_stats.readers import archive, headers, statistical, text
from engagement_stats.readers.model import Format, Options
from engagement_stats.workspace import Workspace
from pipelines import run

DATA = ROOT.parent / "shared" / "data"
pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason="the real files are not in ../shared/data (see README.md)")
AUDIT_2013, AUDIT_2016 = "hansard_audit_2013", "hansard_audit_2016"
CHARITY = "charity_donation_or_membership_12m"
ESS_ROUNDS = {year: f"ess_{year}" for year in (2002, 2004, 2006, 2008, 2010, 2012)}
CIVIC_ACTS = ("contplt", "wrkprty", "wrkorg", "badge", "sgnptit", "pbldmn", "bctprd")


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Run the pipeline on every real file, nothing synthetic among them."""
    project = Project(tmp_path_factory.mktemp("real") / "home")
    w = project.workspace
    report = run.run(Workspace(home=w.home, data=DATA, private=w.private, warehouse=w.warehouse))
    assert report.failed == {}
    return project


def national(project: Project, wave: str, indicator: str) -> "pd.Series[float]":
    found = project.query(
        f"SELECT * FROM estimates WHERE wave = '{wave}' AND indicator = '{indicator}' AND domain = 'all'"
    )
    assert len(found) == 1
    row: pd.Series[float] = found.iloc[0]
    return row


def deposited(folder: str, name: str) -> pd.DataFrame:
    return pd.read_csv(DATA / folder / name, sep="\t", dtype=str, keep_default_na=False)


def test_all_the_waves_are_in_the_release_and_nothing_is_synthetic(real: Project) -> None:
    released = set(real.query("SELECT id FROM waves WHERE is_released AND kind = 'microdata'")["id"])
    assert released == {AUDIT_2013, AUDIT_2016, *ESS_ROUNDS.values(), "ess_2014"}
    assert real.value("SELECT is_synthetic FROM runs") is False
    assert real.value("SELECT bool_or(is_synthetic) FROM estimates") is False
    assert real.value("SELECT count(*) FROM comparisons WHERE sentence LIKE '%SYNTHETIC%'") == 0


# Audit of Political Engagement

PUBLISHED = [
    (AUDIT_2016, "certain_to_vote", 59.2),
    (AUDIT_2016, "interested_in_politics", 53.3),
    (AUDIT_2016, "knowledgeable_about_politics", 49.3),
    (AUDIT_2016, CHARITY, 19.3),
    (AUDIT_2013, CHARITY, 19.8),
    (AUDIT_2013, "certain_to_vote", 49.2),
    (AUDIT_2016, "e_petition_12m", 22.9),
]


@pytest.mark.parametrize(("wave", "indicator", "expected"), PUBLISHED)
def test_audit_figures(real: Project, wave: str, indicator: str, expected: float) -> None:
    row = national(real, wave, indicator)
    assert round(100 * row["estimate"], 1) == expected
    assert row["ci_lower"] < expected / 100 < row["ci_upper"]
    assert 0.02 < row["ci_upper"] - row["ci_lower"] < 0.09
    assert row["variance_basis"] == "weights_only"
    assert row["base_unweighted"] + row["base_missing"] == {AUDIT_2013: 1286, AUDIT_2016: 1771}[wave]


def test_audit_standard_error_by_hand(real: Project) -> None:
    """Taylor linearisation of a weighted mean, with replacement, one stratum."""
    frame = deposited("hansard_ape14_2017", "audit_of_political_engagement_14_2017.tab")
    w, y = frame["wts"].astype(float), (frame["cu046"] == "1").astype(float)
    mean = np.average(y, weights=w)
    z = w * (y - mean) / w.sum()
    error = math.sqrt(len(z) / (len(z) - 1) * float((z**2).sum()))
    row = national(real, AUDIT_2016, CHARITY)
    assert row["estimate"] == pytest.approx(mean, rel=1e-12)
    assert row["standard_error"] == pytest.approx(error, rel=1e-10)


def test_charity_item_did_not_clearly_change(real: Project) -> None:
    found = real.query(
        f"SELECT * FROM comparisons WHERE left_wave = '{AUDIT_2016}' AND left_indicator = '{CHARITY}' "
        f"AND right_wave = '{AUDIT_2013}' AND left_level = 'all'"
    )
    assert len(found) == 1
    row = found.iloc[0]
    assert row["verdict"] == "no clear difference"
    assert row["ci_lower"] < 0 < row["ci_upper"]
    assert row["difference"] == row["left_estimate"] - row["right_estimate"]
    assert "no clear difference" in row["sentence"] or "not clear" in row["sentence"].lower()


@pytest.mark.parametrize(
    ("wave", "folder", "name"),
    [
        (AUDIT_2016, "hansard_ape14_2017", "audit_of_political_engagement_14_2017.tab"),
        (AUDIT_2013, "hansard_ape11_2013", "SN7577.tab"),
    ],
)
def test_regions_are_read_by_the_alphabet_not_by_the_order_of_ons(
    real: Project, wave: str, folder: str, name: str
) -> None:
    """Shares of the weighted sample against the population of Great Britain aged 18 and over, mid-2014 and about."""
    table = real.query(
        f"SELECT level, base_weighted, base_unweighted, is_suppressed FROM estimates WHERE wave = '{wave}' "
        "AND domain = 'region' AND indicator = 'certain_to_vote'"
    ).set_index("level")
    assert not table["is_suppressed"].any()
    share = 100 * table["base_weighted"] / table["base_weighted"].sum()
    # Per cent of adults, ONS and NRS mid-year estimates of 2014, to the whole number.
    adults = {
        "East Midlands": 7, "East of England": 9, "London": 13, "North East": 4, "North West": 11, "Scotland": 9,
        "South East": 14, "South West": 9, "Wales": 5, "West Midlands": 9, "Yorkshire and the Humber": 9,
    }  # fmt: skip
    assert set(share.index) == set(adults)
    for region, expected in adults.items():
        assert share[region] == pytest.approx(expected, abs=2), region
    # The same from the file, code by code: 1 to 11 by the alphabet.
    frame = deposited(folder, name)
    asked = frame["wts"].astype(float)
    by_code = asked.groupby(frame["gor"].astype(int)).sum()
    assert by_code.index.tolist() == list(range(1, 12))
    assert table.loc[sorted(adults), "base_weighted"].to_numpy() == pytest.approx(by_code.to_numpy(), rel=0.03)


def test_age_nought_is_no_age(real: Project) -> None:
    """`numage` is 0 for those who gave no age; nobody of them is in the youngest group."""
    frame = deposited("hansard_ape14_2017", "audit_of_political_engagement_14_2017.tab")
    assert (frame["numage"].astype(int) == 0).sum() == 14
    young = frame["numage"].astype(int).between(18, 24).sum()
    row = real.query(
        f"SELECT base_unweighted + base_missing AS n FROM estimates WHERE wave = '{AUDIT_2016}' "
        "AND indicator = 'certain_to_vote' AND domain = 'age_group' AND level = '18-24'"
    )
    assert row["n"].tolist() == [young]
    groups = real.value(
        f"SELECT sum(base_unweighted + base_missing) FROM estimates WHERE wave = '{AUDIT_2016}' "
        "AND indicator = 'certain_to_vote' AND domain = 'age_group'"
    )
    assert groups <= 1771  # type: ignore[operator]


# European Social Survey


@pytest.fixture(scope="module")
def index() -> pd.DataFrame:
    """Return the published distribution of the number of civic acts in Great Britain, per cent by year and number."""
    table = pd.read_csv(DATA / "ess1-6_civic" / "repo_published_index_distribution.csv")
    table = table[table["country"] == "GB"]
    return table.pivot_table(index="year", columns="scale.value", values="percent")


@pytest.mark.parametrize("year", ESS_ROUNDS)
def test_civic_acts_are_the_published_index(real: Project, index: pd.DataFrame, year: int) -> None:
    half = 0.0005  # the published percentages have three decimals
    row = national(real, ESS_ROUNDS[year], "any_civic_act_12m")
    assert 100 * row["estimate"] == pytest.approx(100 - index.loc[year, 0], abs=half + 1e-9)
    three = national(real, ESS_ROUNDS[year], "three_plus_civic_acts_12m")
    assert 100 * three["estimate"] == pytest.approx(index.loc[year, [3, 4, 5, 6, 7]].sum(), abs=5 * half + 1e-9)
    assert row["weight"] == "pspwght"


def test_round_7_is_not_weighted_by_the_weight_of_bodies(real: Project) -> None:
    import pyreadstat

    frame, _ = pyreadstat.read_sav(DATA / "ess7_gb" / "ESS7GB.sav", encoding="cp1252")
    assert frame["weight"].mean() == pytest.approx(75, abs=1)  # kilograms
    did = (frame[list(CIVIC_ACTS)] == 1).any(axis=1)
    row = national(real, "ess_2014", "any_civic_act_12m")
    right = np.average(did, weights=frame["pspwght"])
    assert row["estimate"] == pytest.approx(right, rel=1e-12)
    assert row["weight"] == "pspwght"
    known = frame["weight"].notna()
    wrong = np.average(did[known], weights=frame.loc[known, "weight"])
    assert abs(wrong - right) > 0.002


# The briefing, from the released file alone


def test_one_query_gives_the_two_comparisons_of_the_briefing(real: Project) -> None:
    found = real.query("SELECT * FROM lbn_v_england")
    pairs = {(round(100 * r.lbn), round(100 * r.england)) for r in found.itertuples()}
    assert pairs == {(8, 15), (14, 36)}
    assert set(found["grade"]) <= {"not_comparable", "indicative"}
    assert found["differs_on"].str.len().gt(0).all()
    assert found["sentence"].str.len().gt(40).all()
    assert (found["verdict"] == "not comparable").eq(found["grade"] == "not_comparable").all()
    assert not found["sentence"].str.contains("significantly", case=False).any()


def test_one_query_gives_a_trend_with_its_breaks(real: Project) -> None:
    found = real.query(
        "SELECT year, wave, estimate, break_before, change_verdict FROM trend WHERE series = 'cls_web' "
        "AND indicator = 'formal_volunteering_12m' AND domain = 'all' ORDER BY year"
    )
    assert found["year"].is_unique
    assert found["year"].tolist() == sorted(found["year"])
    assert 2022 not in set(found["year"])  # there was no survey in 2022-23
    assert found["break_before"].notna().any()
    by_year = dict(zip(found["year"], (100 * found["estimate"]).round(1), strict=True))
    assert (by_year[2018], by_year[2019], by_year[2023]) == (36, 37, 28)
    series = real.query("SELECT DISTINCT wave, series FROM trend WHERE series LIKE 'cls%'")
    assert series["wave"].is_unique
    across = """SELECT count(*) FROM comparisons c
        JOIN waves a ON a.id = c.left_wave JOIN waves b ON b.id = c.right_wave
        WHERE a.survey = 'cls' AND b.survey = 'cls' AND a.series <> b.series AND c.verdict <> 'not comparable'"""
    assert real.value(across) == 0


def test_the_activities_of_the_audit_are_adjusted_together(real: Project) -> None:
    found = real.query(f"SELECT * FROM comparisons WHERE left_wave = '{AUDIT_2016}' AND right_wave = '{AUDIT_2013}'")
    found = found[found["family"] == f"hansard_audit__{AUDIT_2016}"].set_index("left_indicator")
    assert len(found) == 15
    assert set(found["family_size"]) == {15}
    assert set(found["adjustment"]) == {"holm"}
    assert found.loc["demonstration_12m", "verdict"] == "no clear difference"
    assert found.loc["demonstration_12m", "p_adjusted"] > 0.05


def test_regions_are_tested_against_the_whole_where_there_are_answers(real: Project) -> None:
    found = real.query("SELECT * FROM comparisons WHERE kind = 'levels:total' AND left_domain = 'region'")
    assert len(found) == 6 * 11 + 4 * 12
    assert set(found["adjustment"].dropna()) == {"benjamini_hochberg"}
    # A family is the regions of one indicator; those withheld are not tested.
    tested = found[~found["is_suppressed"]].groupby("family").size()
    assert tested.to_dict() == found.groupby("family")["family_size"].first().loc[tested.index].to_dict()
    assert {"higher", "lower", "no clear difference"} == set(found["verdict"].dropna())
    vote = found[found["left_indicator"] == "certain_to_vote"].set_index("left_level")
    # 77.5 per cent against 59.2: ((0.775 - 0.592) / standard error) is far beyond chance.
    assert (vote.loc["South West", "verdict"], vote.loc["North East", "verdict"]) == ("higher", "no clear difference")
    profile = real.query("SELECT verdict, status FROM profile('North East')")
    assert profile["verdict"].notna().sum() >= 5
    assert profile["status"].notna().all()


def test_the_worked_example_of_weighting_prints_what_its_page_says() -> None:
    example = runpy.run_path(str(ROOT / "docs" / "examples" / "hansard_weights.py"))
    page = (ROOT / "docs" / "weighting.md").read_text(encoding="utf-8")
    known = catalogue.load()
    labels = {
        "certain to vote": "certain_to_vote",
        "interested in politics": "interested_in_politics",
        "charity donation or membership": CHARITY,
    }
    for audit, year in ((AUDIT_2013, "2013"), (AUDIT_2016, "2016")):
        table, sentence = example["beside"](audit, DATA, known)
        made = table.set_index("indicator").round(1)
        for label, indicator in labels.items():
            row = next(line for line in page.splitlines() if line.startswith(f"| {year} | {label} |"))
            said = [float(cell) for cell in row.strip("| ").split("|")[2:]]
            assert said == made.loc[indicator].tolist(), (audit, label)
        effects = re.findall(r"design effect (\S+) supplied, (\S+) ours", sentence)[0]
        assert f"{effects[1]} against {effects[0]} in {year}" in page


# Tab files and archives, as each folder's SOURCE.txt says they are


@pytest.mark.parametrize(
    ("folder", "name", "rows", "columns"),
    [
        ("hansard_ape14_2017", "audit_of_political_engagement_14_2017.tab", 1771, 370),
        ("hansard_ape11_2013", "SN7577.tab", 1286, 202),
        ("ess1-6_civic", "ESS1-6_GB_subset.csv", 13_403, None),
        ("margins_england", "population_mid2023_england_age_sex.csv", None, None),
        ("margins_england", "census2021_P03_age_sex_england_regions_tidy.csv", None, None),
    ],
)
def test_text_files_are_read_cell_for_cell(folder: str, name: str, rows: int | None, columns: int | None) -> None:
    """Against the csv module, which shares no code with our reader."""
    path, options = DATA / folder / name, Options(format="tab" if name.endswith(".tab") else "csv")
    contents = text.contents(path, options, name)
    assert contents.rows == (rows or contents.rows)
    assert len(contents.names) == (columns or len(contents.names))
    table = text.table(path, contents.names, options, name)
    with path.open(encoding="utf-8-sig", newline="") as handle:
        sign, quoting = ("\t", csv.QUOTE_NONE) if options.format == "tab" else (",", csv.QUOTE_MINIMAL)
        read = [[cell.strip() for cell in row] for row in csv.reader(handle, delimiter=sign, quoting=quoting) if row]
    width = len(contents.names)
    assert [row[:width] for row in read] == [
        list(contents.names), *map(list, zip(*(c.to_pylist() for c in table.columns), strict=True)),
    ]  # fmt: skip


def test_the_zip_of_the_download_wizard_is_read_without_its_empty_last_column() -> None:
    """291,686 rows and 19 variables, and every line ends in a comma; of Great Britain as in the subset beside it."""
    path, options = DATA / "ess1-6_civic" / "ESS-full-data.zip", Options(format="csv")
    member = archive.only_member(path, path.name)
    assert member == "ESS1-6e01_0_F1.csv"
    with tempfile.NamedTemporaryFile(suffix=".csv") as unpacked:
        archive.extract(path, member, unpacked, path.name)
        unpacked.flush()
        contents = text.contents(Path(unpacked.name), options, member)
        table = text.table(Path(unpacked.name), contents.names, options, member)
    assert (contents.rows, len(contents.names)) == (291_686, 19)
    everyone = table.to_pandas()
    subset = pd.read_csv(DATA / "ess1-6_civic" / "ESS1-6_GB_subset.csv", dtype=str, keep_default_na=False)
    british = everyone[everyone["cntry"] == "GB"].reset_index(drop=True)
    shared = [*CIVIC_ACTS, "essround", "idno"]
    assert len(british) == 13_403
    assert (british[shared].to_numpy() == subset[shared].to_numpy()).all()


# --- statistical files, and those made by other projects to try readers

UPSTREAM = DATA / "badinput" / "upstream"
STATISTICAL: dict[str, Format] = {
    ".sav": "sav", ".zsav": "sav", ".por": "por", ".dta": "dta", ".sas7bdat": "sas7bdat", ".xpt": "xpt",
}  # fmt: skip
ESS7 = DATA / "ess7_gb" / "ESS7GB.sav"
# The one declares no encoding, the other is more than the parser can take.
NOT_READ = {"July_2004_Selective_Exposure.sav", "dta108__test-case-061.dta"}


def statistical_files() -> list[Path]:
    return sorted(p for p in DATA.rglob("*") if p.suffix in STATISTICAL)


def read_whole(path: Path, encoding: str = "utf-8") -> pa.Table:
    options = Options(format=STATISTICAL[path.suffix], encoding=encoding)
    names = statistical.contents(path, options, path.name).names
    return statistical.table(path, names, options, path.name)


def test_no_good_file_is_refused_for_its_header() -> None:
    found = statistical_files()
    assert len(found) > 500
    for path in found:
        headers.check(path, STATISTICAL[path.suffix], path.name)


def test_a_sample_of_good_files_is_read() -> None:
    # All of them take some minutes: `make hostile`.
    for path in statistical_files()[::9]:
        if path.name not in NOT_READ:
            options = Options(format=STATISTICAL[path.suffix])
            contents = statistical.contents(path, options, path.name)
            rows = statistical.table(path, contents.names, options, path.name).num_rows
            assert contents.rows in (None, rows), path.name


def test_a_file_without_an_encoding_is_read_by_the_one_declared_for_it() -> None:
    path = UPSTREAM / "savreaderwriter" / "July_2004_Selective_Exposure.sav"
    with pytest.raises(IngestError, match="does not declare the encoding of its text"):
        read_whole(path)
    assert read_whole(path, "cp1252").num_rows == 1510


def test_half_a_letter_at_the_end_of_a_text_is_dropped_and_nothing_else() -> None:
    found = read_whole(UPSTREAM / "pyreadstat" / "test_data__basic__tegulu.sav")["Q16br9oe_Q24br9oe"][0].as_py()
    assert found.endswith("\u0c2c")
    assert "\ufffd" not in found


def test_missing_values_of_portable_and_transport_files_stay_apart() -> None:
    corpus = UPSTREAM / "readstat_corpus"
    assert read_whole(corpus / "por__test-case-047.por")["VAR3"].to_pylist()[:1] == ["MISSING"]
    for name in ("xpt5__test-case-051.xpt", "xpt8__test-case-051.xpt"):
        assert {"A", "B", "C"} <= set(read_whole(corpus / name)["var1"].to_pylist())


def test_the_ess_file_is_as_its_source_says() -> None:
    options = Options(format="sav")
    contents = statistical.contents(ESS7, options, ESS7.name)
    assert (contents.rows, len(contents.names)) == (2264, 601)
    # It declares windows-1252, and holds letters outside ASCII.
    labels = [text for of in contents.labels.values() for text in of.values()]
    assert any(not text.isascii() for text in [*labels, *contents.variable_labels.values()])
    assert contents.user_missing["ppltrst"] == [(77.0, 77.0), (88.0, 88.0), (99.0, 99.0)]
    means = {"ppltrst": (5.376, 2260), "pplfair": (5.840, 2256), "pplhlp": (5.920, 2260)}
    table = statistical.table(ESS7, list(means), options, ESS7.name)
    for name, (mean, answered) in means.items():
        answers = [v for v in table[name].to_pylist() if v is not None and v <= 10]
        assert (round(float(np.mean(answers)), 3), len(answers)) == (mean, answered)


@pytest.mark.skipif(shutil.which("pspp-convert") is None, reason="pspp-convert is not installed")
@pytest.mark.parametrize(
    "path",
    [
        ESS7,
        UPSTREAM / "pyreadstat" / "test_data__basic__sample.zsav",
        UPSTREAM / "pyreadstat" / "test_data__basic__sample_missing.sav",
        UPSTREAM / "pyreadstat" / "test_data__basic__sample.por",
        UPSTREAM / "savreaderwriter" / "Employee_data.sav",
    ],
    ids=lambda path: path.name,
)
def test_every_cell_is_what_pspp_reads(path: Path, tmp_path: Path) -> None:
    command = ["pspp-convert", "-O", "csv", str(path), str(tmp_path / "f.csv")]
    subprocess.run(command, check=True, capture_output=True)
    with (tmp_path / "f.csv").open(encoding="utf-8", newline="") as handle:
        _, *rows = csv.reader(handle)
    table = read_whole(path)
    assert table.num_rows == len(rows)
    compared = 0
    for i, column in enumerate(table.columns):
        ours, theirs = column.to_pylist(), [row[i].strip() for row in rows]
        if column.type == pa.string():
            assert [v.strip() for v in ours] == theirs
        elif not any("/" in v or ":" in v for v in theirs):  # PSPP writes dates as dates
            numbers = [float(v) if v else None for v in theirs]
            assert all(
                a == b or (a and b and math.isclose(a, b, rel_tol=1e-14)) for a, b in zip(ours, numbers, strict=True)
            )
            compared += 1
    assert compared


def test_a_cut_sas_file_is_refused(tmp_path: Path) -> None:
    whole = (UPSTREAM / "pyreadstat" / "test_data__basic__sample.sas7bdat").read_bytes()
    path = tmp_path / "f.sas7bdat"
    for percent, cut in hostile.truncations(whole):
        path.write_bytes(cut)
        with pytest.raises(IngestError):
            headers.check(path, "sas7bdat", f"{percent} per cent")


def test_files_made_to_break_readers_end_in_a_table_or_a_refusal(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    # Two of each kind, in the child process they are read in; all of them take minutes: `make hostile`.
    by_suffix: dict[str, list[Path]] = {}
    for path in sorted(p for p in UPSTREAM.rglob("*") if p.is_file()):
        by_suffix.setdefault(path.suffix, []).append(path)
    for paths in by_suffix.values():
        for number, path in enumerate(paths[:: max(2, len(paths) // 2)]):
            shutil.copy(path, tmp_path / f"{number}_{path.name}")
    assert outcomes.main([str(tmp_path)]) == 0, capsys.readouterr().out
