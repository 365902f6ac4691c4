"""Weighting any survey file: margins met, the file written again whole, and every mistake said in its own words."""

import csv
import json
import stat
from pathlib import Path
from typing import Any

import layouts
import numpy as np
import pandas as pd
import pyreadstat
import pytest

from engagement_stats import cli, ingest, reweigh
from engagement_stats.errors import EngagementStatsError, IngestError, WeightingError

# What is done with a file does not depend on the process it is read in.
pytestmark = pytest.mark.usefixtures("in_this_process")

CANARY = "CANARY7731"
N = 240
LABELS = {"sex": {1: "Male", 2: "Female"}, "region": {1: "North", 2: "South", 3: "East"}}
SEX_BY_CODE = [("sex", "1", 480), ("sex", "2", 520)]
SEX_BY_LABEL = [("sex", "Male", 480), ("sex", "Female", 520)]
REGION = [("region", "North", 500), ("region", "South", 300), ("region", "East", 200)]
METHODS = ("rake", "linear", "logit", "poststratify")


@pytest.fixture(scope="module")
def people() -> pd.DataFrame:
    rng = np.random.default_rng(5)
    return pd.DataFrame({
        "id": np.arange(N).astype(float), "sex": rng.choice([1.0, 2.0], N, p=[0.6, 0.4]),
        "Region": rng.choice([1.0, 2.0, 3.0], N, p=[0.3, 0.3, 0.4]), "wt": rng.uniform(0.5, 2, N),
        "note": rng.choice(["a", "b c", ""], N), "hours": rng.choice([0.0, 5.5, -9.0], N),
    })  # fmt: skip


@pytest.fixture
def sav(people: pd.DataFrame, tmp_path: Path) -> Path:
    path = tmp_path / "people.sav"
    labels = {"sex": LABELS["sex"], "Region": LABELS["region"]}
    pyreadstat.write_sav(
        people, path, variable_value_labels=labels, missing_ranges={"hours": [-9]}, column_labels={"sex": "Sex, asked"}
    )
    return path


def margins(folder: Path, *rows: tuple[str, str, object], name: str = "margins.csv") -> Path:
    path = folder / name
    with path.open("w", newline="") as handle:
        writer = csv.writer(handle)
        writer.writerows([("variable", "category", "population"), *rows])
    return path


def weighted(path: Path, rows: list[tuple[str, str, Any]], out: str = "out.csv", **options: Any) -> pd.DataFrame:
    """Weight a file and return it as it is read again."""
    request = reweigh.Request(margins(path.parent, *rows), path.parent / out, **options)
    reweigh.run(path, request)
    return ingest.read(request.out).frame


def refused(path: Path, rows: list[tuple[str, str, Any]], out: str = "out.csv", **options: Any) -> str:
    """Return the message, having checked that nothing was written."""
    before = sorted(p.name for p in path.parent.iterdir())
    request = reweigh.Request(margins(path.parent, *rows), path.parent / out, **options)
    with pytest.raises(EngagementStatsError) as caught:
        reweigh.run(path, request)
    assert sorted({p.name for p in path.parent.iterdir()} - {"margins.csv"}) == [
        b for b in before if b != "margins.csv"
    ]
    assert CANARY not in str(caught.value)
    return str(caught.value)


def sums(frame: pd.DataFrame, by: str, name: str = "weight") -> dict[str, float]:
    values = pd.to_numeric(frame[name])
    codes = pd.to_numeric(frame[by]).astype(int).astype(str)
    return values.groupby(codes).sum().to_dict()


def assert_met(found: dict[str, float], asked: dict[str, float]) -> None:
    assert found.keys() == asked.keys()
    for key, value in asked.items():
        assert found[key] == pytest.approx(value, rel=1e-8)


# --- margins are met


def test_a_text_file_with_a_dictionary_becomes_an_spss_file(tmp_path: Path) -> None:
    path = tmp_path / "wave.tab"
    path.write_text("serial\tvol\n1\t1\n2\t2\n3\t1\n4\t1\n5\t2\n")
    (tmp_path / "wave_ukda_data_dictionary.txt").write_text(layouts.DICTIONARY)
    frame = weighted(path, [("vol", "Yes", 60), ("vol", "No", 40)], out="out.sav")
    assert_met(sums(frame, "vol"), {"1": 60, "2": 40})
    raw = ingest.read(tmp_path / "out.sav")
    assert raw.labels["vol"] == {-9.0: "Refused", 1.0: "Yes", 2.0: "No"}
    assert raw.user_missing["vol"] == [(-9.0, -8.0), (-1.0, -1.0)]
    assert raw.frame["vol"].tolist() == [1.0, 2.0, 1.0, 1.0, 2.0]


@pytest.mark.parametrize("rows", [SEX_BY_CODE, SEX_BY_LABEL], ids=["by code", "by label"])
@pytest.mark.parametrize("method", METHODS)
def test_every_method_meets_margins_by_code_and_by_label(
    sav: Path, people: pd.DataFrame, rows: list[tuple[str, str, Any]], method: str
) -> None:
    bounds = (0.2, 5.0) if method == "logit" else None
    frame = weighted(sav, rows, method=method, bounds=bounds)
    assert_met(sums(frame, "sex"), {"1": 480.0, "2": 520.0})
    # One margin: everybody of a category has the same factor, whatever the method.
    count = people["sex"].value_counts()
    expected = people["sex"].map({1.0: 480 / count[1.0], 2.0: 520 / count[2.0]})
    assert pd.to_numeric(frame["weight"]).to_numpy() == pytest.approx(expected.to_numpy(), rel=1e-8)


@pytest.mark.parametrize("method", ["rake", "linear", "logit"])
def test_two_margins_are_met_at_once_from_a_base_weight(sav: Path, people: pd.DataFrame, method: str) -> None:
    bounds = (0.1, 10.0) if method == "logit" else None
    frame = weighted(sav, SEX_BY_LABEL + REGION, method=method, bounds=bounds, base="WT")
    assert_met(sums(frame, "sex"), {"1": 480.0, "2": 520.0})
    assert_met(sums(frame, "Region"), {"1": 500.0, "2": 300.0, "3": 200.0})
    # The base weight enters: within a cell weights keep the proportions of the base weights.
    factor = pd.to_numeric(frame["weight"]).to_numpy() / people["wt"].to_numpy()
    assert pd.Series(factor).groupby([people["sex"], people["Region"]]).agg(np.ptp).max() < 1e-8
    equal = weighted(sav, SEX_BY_LABEL + REGION, method=method, bounds=bounds)
    assert pd.to_numeric(equal["weight"]).to_numpy() != pytest.approx(pd.to_numeric(frame["weight"]).to_numpy())


def test_crossed_margins_are_met_cell_by_cell(sav: Path, people: pd.DataFrame) -> None:
    cells = {("1", "1"): 200, ("1", "2"): 180, ("1", "3"): 100, ("2", "1"): 300, ("2", "2"): 120, ("2", "3"): 100}
    rows = [("sex*region", f"{a} | {b}", v) for (a, b), v in cells.items()]
    for method in ("rake", "poststratify"):
        frame = weighted(sav, rows, method=method)
        found = pd.to_numeric(frame["weight"]).groupby([people["sex"], people["Region"]]).sum()
        for (a, b), value in cells.items():
            assert found[float(a), float(b)] == pytest.approx(value, rel=1e-8)
    by_label = [("sex*region", f"{LABELS['sex'][int(a)]} | {LABELS['region'][int(b)]}", v)
                for (a, b), v in cells.items()]  # fmt: skip
    again = weighted(sav, by_label, method="rake")
    once = weighted(sav, rows, method="rake")
    assert again["weight"].tolist() == once["weight"].tolist()


def test_a_category_of_a_label_matches_where_a_number_would_not(sav: Path) -> None:
    # Codes of one margin, labels of another: each is matched by itself.
    frame = weighted(sav, SEX_BY_CODE + REGION)
    assert_met(sums(frame, "sex"), {"1": 480.0, "2": 520.0})
    assert_met(sums(frame, "Region"), {"1": 500.0, "2": 300.0, "3": 200.0})


def test_bounds_hold_the_factors(sav: Path, people: pd.DataFrame) -> None:
    rows = SEX_BY_LABEL + REGION
    for method in ("linear", "logit"):
        free = pd.to_numeric(weighted(sav, rows, method="linear")["weight"]) * N / 1000
        assert free.min() < 0.3  # without bounds
        frame = weighted(sav, rows, method=method, bounds=(0.3, 2.2))
        scale = 1000 / N
        factors = pd.to_numeric(frame["weight"]) / scale
        assert factors.min() >= 0.3 - 1e-9
        assert factors.max() <= 2.2 + 1e-9
        assert_met(sums(frame, "Region"), {"1": 500.0, "2": 300.0, "3": 200.0})
    assert "--bounds" in refused(sav, rows, method="rake", bounds=(0.5, 2.0))
    assert "--bounds" in refused(sav, rows, method="poststratify", bounds=(0.5, 2.0))
    assert "bounds" in refused(sav, rows, method="logit")


def test_bounds_that_cannot_hold_are_an_error(sav: Path) -> None:
    message = refused(sav, SEX_BY_LABEL + REGION, method="logit", bounds=(0.99, 1.01))
    assert "0.99" in message or "bound" in message


def test_trimmed_weights_are_below_the_limit_and_meet_the_margins_again(sav: Path) -> None:
    rows = SEX_BY_LABEL + REGION
    plain = pd.to_numeric(weighted(sav, rows, base="wt")["weight"])
    frame = weighted(sav, rows, base="wt", trim=3.0)
    cut = pd.to_numeric(frame["weight"])
    assert plain.max() > 3.0 * plain.median()
    assert cut.max() <= 3.0 * plain.median() * (1 + 1e-9)
    assert_met(sums(frame, "sex"), {"1": 480.0, "2": 520.0})
    assert_met(sums(frame, "Region"), {"1": 500.0, "2": 300.0, "3": 200.0})


def test_margins_of_different_totals_are_scaled_only_when_asked(sav: Path) -> None:
    rows = [*SEX_BY_LABEL, ("region", "North", 500), ("region", "South", 300), ("region", "East", 201)]
    message = refused(sav, rows)
    assert "1,001" in message or "1001" in message
    frame = weighted(sav, rows, rescale=True)
    assert_met(sums(frame, "sex"), {"1": 480.0, "2": 520.0})
    assert_met(sums(frame, "Region"), {"1": 500 / 1.001, "2": 300 / 1.001, "3": 201 / 1.001})


# --- the file is written again


@pytest.mark.parametrize("out", ["out.csv", "out.tab", "out.parquet", "out.sav", "OUT.CSV"])
def test_the_file_comes_back_with_its_weight(sav: Path, people: pd.DataFrame, out: str) -> None:
    frame = weighted(sav, SEX_BY_LABEL, out=out)
    assert list(frame) == [*people, "weight"]
    assert len(frame) == N
    for name in ("id", "sex", "Region", "wt", "hours"):
        assert pd.to_numeric(frame[name]).tolist() == pytest.approx(people[name].tolist(), rel=1e-15)
    assert frame["note"].fillna("").tolist() == people["note"].tolist()
    assert_met(sums(frame, "sex"), {"1": 480.0, "2": 520.0})
    weights = pd.to_numeric(frame["weight"]).to_numpy()
    assert weights == pytest.approx(pd.to_numeric(weighted(sav, SEX_BY_LABEL)["weight"]).to_numpy(), rel=1e-15)


def test_labels_and_missing_codes_come_back_in_a_sav_file(sav: Path) -> None:
    weighted(sav, SEX_BY_LABEL, out="out.sav")
    before, after = ingest.read(sav), ingest.read(sav.parent / "out.sav")
    assert {k: v for k, v in after.labels.items() if v} == {k: v for k, v in before.labels.items() if v}
    assert after.variable_labels["sex"] == "Sex, asked"
    assert after.user_missing["hours"] == before.user_missing["hours"] == [(-9.0, -9.0)]
    # Weighted to labels again, as the first file was.
    assert_met(sums(weighted(sav.parent / "out.sav", SEX_BY_LABEL, name="again"), "sex", "again"), {"1": 480, "2": 520})


def test_dates_are_dates_in_a_sav_file(tmp_path: Path) -> None:
    frame = pd.DataFrame({"sex": [1.0, 2.0] * 20, "born": [1.32e10] * 40, "at": [36_000.0] * 40, "age": [20.0] * 40})
    formats = {"born": "ADATE10", "at": "TIME8", "age": "F3.0"}
    pyreadstat.write_sav(frame.assign(town="x"), tmp_path / "dated.sav", variable_format=formats)
    (tmp_path / "m.csv").write_text("variable,category,population\nsex,1,30\nsex,2,70\n")
    reweigh.run(tmp_path / "dated.sav", reweigh.Request(tmp_path / "m.csv", tmp_path / "out.sav"))
    (before, one), (after, two) = (
        pyreadstat.read_sav(tmp_path / f, disable_datetime_conversion=True) for f in ("dated.sav", "out.sav")
    )
    pd.testing.assert_frame_equal(before, after.drop(columns="weight"))
    kept = [*formats, "sex"]
    assert [two.original_variable_types[n] for n in kept] == [one.original_variable_types[n] for n in kept]
    assert two.original_variable_types["born"] == "ADATE10"


def test_a_weight_s_own_name_is_given_and_does_not_clash(sav: Path) -> None:
    assert "weight_2020" in weighted(sav, SEX_BY_LABEL, name="weight_2020")
    for name in ("wt", "WT", "region"):
        assert "there is a column" in refused(sav, SEX_BY_LABEL, name=name)
        assert "--name" in refused(sav, SEX_BY_LABEL, name=name)


def test_the_file_is_the_owner_s_only(sav: Path) -> None:
    for out in ("out.csv", "out.tab", "out.parquet", "out.sav"):
        (sav.parent / out).write_text("open to all")
        (sav.parent / out).chmod(0o644)
        weighted(sav, SEX_BY_LABEL, out=out)
        assert stat.S_IMODE((sav.parent / out).stat().st_mode) == 0o600, out


@pytest.mark.parametrize("out", ["out.csv", "out.tab", "out.parquet", "out.sav"])
def test_an_existing_file_is_replaced_only_by_a_whole_one(sav: Path, out: str, monkeypatch: pytest.MonkeyPatch) -> None:
    old = sav.parent / out
    old.write_bytes(b"the old file")

    def crash(*_: object, **__: object) -> None:
        raise ValueError(f"could not write {CANARY}")

    for name in ("pandas.DataFrame.to_csv", "pandas.DataFrame.to_parquet", "pyreadstat.write_sav"):
        monkeypatch.setattr(name, crash)
    message = refused(sav, SEX_BY_LABEL, out=out)
    assert message.startswith(f"{out}: the file cannot be written as {Path(out).suffix}")
    assert old.read_bytes() == b"the old file"
    monkeypatch.undo()
    assert len(weighted(sav, SEX_BY_LABEL, out=out)) == N


def test_an_interrupted_write_leaves_the_old_file_and_no_scrap(sav: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = sav.parent / "out.csv"
    old.write_bytes(b"the old file")

    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("pandas.DataFrame.to_csv", stop)
    with pytest.raises(KeyboardInterrupt):
        weighted(sav, SEX_BY_LABEL)
    assert old.read_bytes() == b"the old file"
    assert sorted(p.name for p in sav.parent.iterdir()) == ["margins.csv", "out.csv", "people.sav"]


def test_a_file_may_be_written_over_itself(sav: Path, people: pd.DataFrame) -> None:
    frame = weighted(sav, SEX_BY_LABEL, out="people.sav")
    assert list(frame) == [*people, "weight"]
    assert_met(sums(frame, "sex"), {"1": 480.0, "2": 520.0})


@pytest.mark.parametrize("out", ["out.xlsx", "out", "out.dta", "out.zsav"])
def test_an_ending_that_cannot_be_written_is_refused(sav: Path, out: str) -> None:
    assert refused(sav, SEX_BY_LABEL, out=out) == (
        f"{out}: cannot be written. Expected a name ending .csv, .tab, .parquet, .sav."
    )


def test_a_folder_that_is_not_there_is_refused(sav: Path) -> None:
    assert "the folder cannot be written to" in refused(sav, SEX_BY_LABEL, out="nowhere/out.csv")


def quoted(folder: Path) -> Path:
    path = folder / "texts.csv"
    with path.open("w", newline="") as handle:
        writer = csv.writer(handle)
        writer.writerow(["sex", "note"])
        writer.writerows([["1", 'say "no"'], ["2", "a, b"], ["1", '"'], ["2", "x"]])
    return path


@pytest.mark.parametrize("out", ["out.csv", "out.tab", "out.parquet", "out.sav"])
def test_quotes_and_commas_come_back_as_they_were(tmp_path: Path, out: str) -> None:
    frame = weighted(quoted(tmp_path), SEX_BY_CODE, out=out)
    assert frame["note"].tolist() == ['say "no"', "a, b", '"', "x"]


def test_a_text_with_a_tab_cannot_go_into_a_tab_file(tmp_path: Path) -> None:
    path = tmp_path / "texts.csv"
    path.write_text(f'sex,note\n1,"{CANARY}\tx"\n2,b\n')
    assert "cannot be written as .tab" in refused(path, SEX_BY_CODE, out="out.tab")
    assert weighted(path, SEX_BY_CODE, out="out.csv")["note"].tolist() == [f"{CANARY}\tx", "b"]


def test_names_spss_does_not_take_are_refused_in_words(tmp_path: Path) -> None:
    path = tmp_path / "names.csv"
    path.write_text("sex,my own note\n1,a\n2,b\n")
    assert "cannot be written as .sav" in refused(path, SEX_BY_CODE, out="out.sav")
    assert len(weighted(path, SEX_BY_CODE)) == 2


def test_a_synthetic_file_is_said_to_be_one(people: pd.DataFrame, tmp_path: Path) -> None:
    path = tmp_path / "s.parquet"
    people.assign(synthetic_data=1).to_parquet(path)
    request = reweigh.Request(margins(tmp_path, *SEX_BY_CODE), tmp_path / "out.parquet")
    assert reweigh.run(path, request).synthetic is True
    # The mark goes along.
    assert ingest.read(request.out).synthetic is True


# --- what is refused


def test_a_respondent_without_an_answer_is_counted(people: pd.DataFrame, tmp_path: Path) -> None:
    path = tmp_path / "f.csv"
    codes = people.assign(sex=people["sex"].astype(int).astype(str))
    codes.loc[[3, 8], "sex"] = ""
    codes.to_csv(path, index=False)
    assert refused(path, SEX_BY_CODE).startswith("sex: 2 respondent(s) have no answer, so no margin can place them.")
    codes.loc[[3, 8], "sex"] = "9"
    codes.to_csv(path, index=False)
    assert "sex: 2 respondent(s) have no answer" in refused(path, SEX_BY_CODE, missing=["9"])
    # Not said to be missing, it is a category the margins do not have.
    assert "9" in refused(path, SEX_BY_CODE)


def test_codes_the_file_declares_missing_are_no_answers(sav: Path) -> None:
    message = refused(sav, [("hours", "0", 500), ("hours", "5.5", 500)])
    assert message.startswith("hours: ")
    assert "have no answer" in message


def test_a_category_of_the_margins_that_nobody_is_in_is_named(sav: Path) -> None:
    message = refused(sav, [*REGION, ("region", "West", 50)])
    assert "West" in message
    assert "region" in message


def test_a_category_of_the_file_that_the_margins_lack_is_named(sav: Path) -> None:
    message = refused(sav, REGION[:2])
    assert "East" in message
    assert "region" in message


@pytest.mark.parametrize(
    "rows",
    [
        [("sex", "man", 1), ("sex", "woman", 1)],
        [*REGION, ("sex", "man", 500), ("sex", "woman", 500)],
        [("sex*region", f"{a} | {b}", 100) for a in ("m", "f") for b in ("x", "y", "z")],
    ],
    ids=["alone", "beside one that matches", "crossed"],
)
def test_categories_none_of_which_the_file_has_are_the_error_a_user_sees(
    sav: Path, rows: list[tuple[str, str, Any]]
) -> None:
    request = reweigh.Request(margins(sav.parent, *rows), sav.parent / "out.csv")
    with pytest.raises(WeightingError) as caught:
        reweigh.run(sav, request)
    message = str(caught.value)
    assert "sex" in message
    assert any(word in message for word in ("man", "woman", "m | x", "f | z"))
    assert "NA" not in message
    assert not request.out.exists()


@pytest.mark.parametrize("population", ["45,000", "many", ""])
def test_a_population_that_is_no_number_is_refused(sav: Path, population: str) -> None:
    message = refused(sav, [("sex", "Male", population), ("sex", "Female", 520)])
    assert message == "margins.csv: 1 population(s) are not numbers. Write plain numbers without commas."


@pytest.mark.parametrize("population", [0, -5])
def test_a_population_of_nobody_is_refused(sav: Path, population: int) -> None:
    assert "Male" in refused(sav, [("sex", "Male", population), ("sex", "Female", 520)])


def test_margins_that_are_no_margins_are_refused(sav: Path) -> None:
    path = sav.parent / "other.csv"
    path.write_text("variable,level,population\nsex,Male,1\n")
    with pytest.raises(IngestError, match=r"other\.csv: 1 column\(s\) are not in the file\. Missing: category"):
        reweigh.read_margins(path)
    with pytest.raises(IngestError):
        reweigh.read_margins(sav.parent / "none.csv")
    assert 'category "Male" does not have the 2 part(s) of "sex*region"' in refused(sav, [("sex*region", "Male", 5)])
    assert "Male" in refused(sav, [*SEX_BY_LABEL, ("sex", "Male", 480)])


def test_columns_the_file_lacks_are_named(sav: Path) -> None:
    assert "Missing: age" in refused(sav, [("age", "1", 5)])
    assert "Missing: nobase" in refused(sav, SEX_BY_LABEL, base="nobase")


def test_a_base_weight_must_be_a_number(people: pd.DataFrame, tmp_path: Path) -> None:
    path = tmp_path / "f.csv"
    text = people.assign(sex=people["sex"].astype(int), bad=people["wt"].astype(str))
    text.loc[4, "bad"] = CANARY
    text.to_csv(path, index=False)
    assert "bad: 1 respondent(s) have a value that is not a number" in refused(path, SEX_BY_CODE, base="bad")
    text.loc[4, "bad"] = "-1"
    text.to_csv(path, index=False)
    assert "negative" in refused(path, SEX_BY_CODE, base="bad")


# --- the command


def command(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    try:
        code = cli.main(["weight", *(str(a) for a in arguments)])
    except SystemExit as stop:
        code = int(stop.code or 0)
    out, err = capsys.readouterr()
    assert "Traceback" not in out + err
    return code, out, err


def test_the_command_writes_the_file_and_says_what_it_did(sav: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = sav.parent / "out.csv"
    asked = [sav, "--margins", margins(sav.parent, *SEX_BY_LABEL, *REGION), "--out", out, "--base", "wt"]
    code, text, err = command(capsys, *asked, "--format", "json")
    assert code == 0
    rows = json.loads(text)
    last = max(r["step"] for r in rows)
    achieved = {(r["variable"], r["category"]): r["achieved"] for r in rows if r["step"] == last}
    assert achieved == pytest.approx({(v, c): p for v, c, p in SEX_BY_LABEL + REGION}, rel=1e-8)
    assert {r["is_synthetic"] for r in rows} == {False}
    assert "Furthest from the population: " in err
    assert "Kish design effect" in err
    assert err.rstrip().endswith(f"Written to {out}.")
    assert_met(sums(ingest.read(out).frame, "sex"), {"1": 480.0, "2": 520.0})
    code, text, err = command(capsys, *asked)
    assert code == 0
    assert "Margins: asked, before and achieved" in text
    assert "SYNTHETIC" not in text


def test_the_command_s_options_reach_the_weighting(sav: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = sav.parent / "out.tab"
    code, _, err = command(
        capsys, sav, "--margins", margins(sav.parent, *SEX_BY_LABEL, *REGION), "--out", out, "--method", "logit",
        "--bounds", 0.3, 4, "--trim", 3, "--name", "w2", "--base", "WT", "--missing", "-8", "--rescale",
    )  # fmt: skip
    assert code == 0, err
    assert "trimmed" in err
    assert "w2" in ingest.read(out).frame


def test_the_command_s_exit_codes(sav: Path, capsys: pytest.CaptureFixture[str]) -> None:
    known, out = margins(sav.parent, *SEX_BY_LABEL), sav.parent / "out.csv"
    whole = [sav, "--margins", known, "--out", out]
    assert command(capsys, *whole)[0] == 0
    for wrong in ([sav, "--out", out], [sav, "--margins", known], [*whole, "--method", "guess"],
                  [*whole, "--bounds", "1"], [*whole, "--trim", "much"]):  # fmt: skip
        code, text, err = command(capsys, *wrong)
        assert (code, text) == (2, ""), wrong
        assert "usage: engagement-stats weight" in err
    for wrong, said in (
        ([sav.parent / "none.sav", "--margins", known, "--out", out], "none.sav"),
        ([sav, "--margins", sav.parent / "none.csv", "--out", out], "none.csv"),
        ([sav, "--margins", known, "--out", sav.parent / "out.xlsx"], "out.xlsx: cannot be written"),
        ([*whole, "--name", "sex"], "there is a column sex already"),
        ([*whole, "--bounds", 0.5, 2], "--bounds"),
        ([*whole, "--base", "note"], "note"),
        ([sav, "--margins", margins(sav.parent, ("sex", "x", 1), ("sex", "y", 2), name="m2.csv"), "--out", out], "sex"),
    ):
        code, text, err = command(capsys, *wrong)
        assert (code, text) == (1, ""), wrong
        assert "error: " in err
        assert "unexpected" not in err
        assert said in err.partition("error: ")[2], wrong


def test_the_command_marks_a_synthetic_file(
    people: pd.DataFrame, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "s.parquet"
    people.assign(synthetic_data=1).to_parquet(path)
    asked = [path, "--margins", margins(tmp_path, *SEX_BY_CODE), "--out", tmp_path / "o.parquet"]
    code, text, _ = command(capsys, *asked)
    assert code == 0
    assert "SYNTHETIC: rows so marked rest on invented respondents" in text
    assert {r["is_synthetic"] for r in json.loads(command(capsys, *asked, "--format", "json")[1])} == {True}
