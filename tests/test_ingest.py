"""Files are read whole, or refused with a message that holds no respondent's values; nothing a child says is believed.

Most tests do a child's work in this process, which is quicker and the same code; those of the child are marked so.
"""

import math
import os
import re
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import pandas as pd
import pyarrow as pa
import pyreadstat
import pytest
from pyarrow import parquet
from reading import here

from engagement_stats import catalogue, deposit, ingest, sandbox
from engagement_stats.catalogue import model as m
from engagement_stats.codes import as_codes
from engagement_stats.deposit import Digests, LandedFile, Stated
from engagement_stats.errors import IngestError
from engagement_stats.readers.columns import resolve

CANARY = "CANARY7731"
IN_A_CHILD = sandbox.run


def write(path: Path, text: str, encoding: str = "utf-8") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode(encoding))
    return path


@pytest.fixture(autouse=True)
def quickly(request: pytest.FixtureRequest) -> None:
    if "in_a_child" not in request.fixturenames:
        request.getfixturevalue("in_this_process")


@pytest.fixture
def in_a_child() -> None:
    """Leave the child as it is."""
    assert sandbox.run is IN_A_CHILD


def refused(path: Path, columns: list[str] | None = None, encoding: str = "utf-8") -> str:
    """Return the message with which a file is refused."""
    with pytest.raises(IngestError) as caught:
        ingest.read(path, columns, options=ingest.options_for(path, encoding=encoding))
    assert CANARY not in str(caught.value)
    # A cause or context would print the library's own message, which may quote the data.
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    return str(caught.value)


@pytest.fixture
def wave(small: catalogue.Catalogue) -> m.MicrodataWave:
    return small.microdata_waves["poll_2020"]


def filed(wave: m.MicrodataWave, **changes: object) -> m.MicrodataWave:
    """Return the wave with another file entry."""
    return wave.model_copy(update={"file": wave.file.model_copy(update=changes)})


# --- reading text


def test_text_is_read_as_text(tmp_path: Path) -> None:
    path = write(tmp_path / "f.csv", "id,code,note\n01,1.0,NA\n9007199254740993,,None\n")
    frame = ingest.read(path).frame
    assert frame.to_dict("list") == {
        "id": ["01", "9007199254740993"], "code": ["1.0", ""], "note": ["NA", "None"],
    }  # fmt: skip


def test_columns_are_returned_as_asked_for_and_only_those(tmp_path: Path) -> None:
    path = write(tmp_path / "f.tab", "ID\tSex \tx\n1\t 2 \t3\n")
    assert ingest.read(path, ["sex", "id"]).frame.to_dict("list") == {"sex": ["2"], "id": ["1"]}


def test_a_missing_column_is_named_with_near_names(tmp_path: Path) -> None:
    path = write(tmp_path / "f.csv", f"serial,FrndRel1,weight\n{CANARY},1,1\n")
    message = refused(path, columns=["frndrel", "serial", "zzz"])
    assert message.startswith("f.csv: 2 column(s) are not in the file. Missing: frndrel, zzz; the file has 3 columns.")
    assert "Perhaps frndrel is like FrndRel1." in message
    assert "zzz is like" not in message


def test_many_missing_columns_are_counted_and_five_named(tmp_path: Path) -> None:
    message = refused(write(tmp_path / "f.csv", "a,b\n"), columns=[f"missing{i}" for i in range(7)])
    assert "missing4 and 2 more (7 in all)" in message


# --- statistical formats


def test_every_format_gives_the_same_codes(tmp_path: Path) -> None:
    frame = pd.DataFrame({"sex": [1.0, 2.0, math.nan], "wt": [0.5, 1.25, 1.0], "word": ["a", "", "c d"]})
    text = "sex{0}wt{0}word\n1{0}0.5{0}a\n2{0}1.25{0}\n{0}1{0}c d\n"
    write(tmp_path / "f.csv", text.format(","))
    write(tmp_path / "f.tab", text.format("\t"))
    frame.to_parquet(tmp_path / "f.parquet")
    pyreadstat.write_sav(frame, tmp_path / "f.sav")
    pyreadstat.write_sav(frame, tmp_path / "f.zsav", compress=True)
    pyreadstat.write_dta(frame, tmp_path / "f.dta")
    for suffix in ("csv", "tab", "parquet", "sav", "zsav", "dta"):
        raw = ingest.read(tmp_path / f"f.{suffix}", ["sex", "wt", "word"])
        assert [as_codes(c).tolist() for _, c in raw.frame.items()] == [
            ["1", "2", ""], ["0.5", "1.25", "1"], ["a", "", "c d"],
        ], suffix  # fmt: skip
        assert raw.columns == ("sex", "wt", "word") == ingest.describe(tmp_path / f"f.{suffix}").names
        assert raw.synthetic is False


def test_user_missing_codes_of_spss_stay_codes(tmp_path: Path) -> None:
    path = tmp_path / "f.sav"
    pyreadstat.write_sav(
        pd.DataFrame({"q": [1.0, -9.0, -15.0], "t": ["Yes", "DK", "No"]}),
        path,
        variable_value_labels={"q": {1: "Yes", -9: "Refused"}},
        column_labels={"q": "Have you?", "t": None},
        missing_ranges={"q": [-9, {"lo": -20, "hi": -10}], "t": ["DK"]},
    )
    raw = ingest.read(path, ["Q", "t"])
    # Read with the library's default, both would be missing and refusals could not be told from the rest.
    assert raw.frame["Q"].tolist() == [1.0, -9.0, -15.0]
    assert raw.labels["Q"] == {1.0: "Yes", -9.0: "Refused"}
    assert raw.variable_labels == {"Q": "Have you?", "t": ""}
    assert sorted(raw.user_missing["Q"]) == [(-20.0, -10.0), (-9.0, -9.0)]
    assert raw.user_missing["t"] == [("DK", "DK")]


def test_extended_missing_values_of_stata_stay_codes(tmp_path: Path) -> None:
    path = tmp_path / "f.dta"
    pyreadstat.write_dta(pd.DataFrame({"q": [1.0, 2.0, "a"]}), path, missing_user_values={"q": ["a"]})
    raw = ingest.read(path)
    assert as_codes(raw.frame["q"]).tolist() == ["1", "2", "a"]
    assert raw.user_missing["q"] == [("a", "a")]


def test_a_missing_column_of_a_sav_file_is_named_too(tmp_path: Path) -> None:
    pyreadstat.write_sav(pd.DataFrame({"rimweight": [1.0]}), tmp_path / "f.sav")
    assert "Perhaps RimWeights is like rimweight." in refused(tmp_path / "f.sav", columns=["RimWeights"])


@pytest.mark.parametrize("kind", ["sav", "dta", "parquet"])
def test_a_cut_or_false_file_is_refused(tmp_path: Path, kind: str) -> None:
    frame = pd.DataFrame({"q": [1.0, 2.0] * 500, "t": [CANARY] * 1000})
    whole = tmp_path / f"whole.{kind}"
    if kind == "parquet":
        frame.to_parquet(whole)
    else:
        getattr(pyreadstat, f"write_{kind}")(frame, whole)
    cut = tmp_path / f"cut.{kind}"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    text = write(tmp_path / f"text.{kind}", f"q,t\n1,{CANARY}\n")
    assert re.search("cannot be read as|does not end where|holds|cut short", refused(cut))
    assert "the file is not what it is said to be. Got text" in refused(text)
    with pytest.raises(IngestError, match="the file is not what it is said to be"):
        ingest.describe(text)


def test_a_wave_s_unreadable_file_is_named_with_its_wave(tmp_path: Path, wave: m.MicrodataWave) -> None:
    path = write(tmp_path / "f.sav", "$FL2" + CANARY)
    with pytest.raises(IngestError, match=r"^poll_2020 f\.sav: ") as caught:
        ingest.read_wave("poll_2020", filed(wave, format="sav"), path)
    assert CANARY not in str(caught.value)


def test_names_are_resolved_in_any_letter_case_in_the_order_wanted() -> None:
    assert resolve("f", ["Sex", "age", "WT"], ["wt", "SEX"]) == {"wt": "WT", "SEX": "Sex"}
    assert list(resolve("f", ["Sex", "age", "WT"], ["wt", "SEX"])) == ["wt", "SEX"]
    assert resolve("f", ["Sex"], []) == {}
    assert resolve("f", ["How much\n do you?"], ["how much do  you?"]) == {"how much do  you?": "How much\n do you?"}
    with pytest.raises(IngestError, match=r"f: 1 column\(s\) are not in the file\. Missing: sx"):
        resolve("f", ["Sex"], ["sx"])
    with pytest.raises(IngestError, match="column sex is there 2 times"):
        resolve("f", ["Sex", "SEX"], ["sex"])


def test_other_suffixes_are_refused_and_those_read_are_listed(tmp_path: Path) -> None:
    message = refused(write(tmp_path / "book.doc", CANARY))
    assert message.startswith('book.doc: files ending ".doc" cannot be read. Expected one of .csv, .dta')
    assert "is not a file" in refused(tmp_path / "none.csv")
    assert ingest.options_for(Path("A.TAB")).format == "tab"


# --- the wave's file


HEADER = "id,wt,q1,q2,hrs,sex,age"
ROW = "1,2,3,1,20"


def test_a_wave_asks_for_its_columns_and_no_others(tmp_path: Path, wave: m.MicrodataWave) -> None:
    path = write(tmp_path / "f.csv", f"{HEADER},postcode\n1,1,{ROW},{CANARY}\n")
    raw = ingest.read_wave("poll_2020", wave, path)
    assert list(raw.frame) == HEADER.split(",")


def test_optional_columns_are_read_where_they_are_there(tmp_path: Path, wave: m.MicrodataWave) -> None:
    helped = wave.variables["helped"].model_copy(update={"optional": True})
    design = wave.design.model_copy(update={"stratum": "strat", "psu": "point", "optional": True})
    wave = wave.model_copy(update={"variables": {**wave.variables, "helped": helped}, "design": design})
    needed, optional = ingest.columns_of(wave)
    assert set(needed) == {"id", "wt", "q1", "hrs", "sex", "age"}
    assert optional == ["q2", "strat", "point"]
    without = write(tmp_path / "a.csv", "id,wt,q1,hrs,sex,age\n1,1,1,2,1,20\n")
    assert set(ingest.read_wave("poll_2020", wave, without).frame) == set(needed)
    with_them = write(tmp_path / "b.csv", HEADER + ",STRAT,point\n" + f"1,1,{ROW},1,1\n")
    assert set(ingest.read_wave("poll_2020", wave, with_them).frame) == {*needed, *optional}
    strict = wave.model_copy(update={"design": design.model_copy(update={"optional": False})})
    with pytest.raises(
        IngestError, match=r"poll_2020 a\.csv: 2 column\(s\) are not in the file. Missing: strat \(.*stratum\), point"
    ):
        ingest.read_wave("poll_2020", strict, without)


def test_of_an_optional_column_needed_for_something_else_there_is_one_copy(wave: m.MicrodataWave) -> None:
    age = wave.variables["age"].model_copy(update={"optional": True, "column": "wt"})
    needed, optional = ingest.columns_of(wave.model_copy(update={"variables": {**wave.variables, "age": age}}))
    assert (needed.count("wt"), optional) == (1, [])


def test_where_keeps_one_wave_of_a_file_and_rows_counts_it(tmp_path: Path, wave: m.MicrodataWave) -> None:
    body = "".join(f"{i},1,{ROW},{r}\n" for i, r in enumerate("1122", start=1))
    path = write(tmp_path / "f.csv", f"{HEADER},round\n{body}")
    second = filed(wave, where={"round": ["2"]}, rows=2)
    frame = ingest.read_wave("poll_2020", second, path).frame
    assert frame["id"].tolist() == ["3", "4"]
    assert frame.index.tolist() == [0, 1]
    with pytest.raises(IngestError, match=r"poll_2020 f\.csv: 2 respondents\. Got 2; expected 3"):
        ingest.read_wave("poll_2020", filed(wave, where={"round": ["2"]}, rows=3), path)
    with pytest.raises(IngestError, match="Got 0; expected at least one"):
        ingest.read_wave("poll_2020", filed(wave, where={"round": ["7"]}), path)


def test_a_synthetic_file_says_so_and_need_not_have_the_real_number_of_rows(
    tmp_path: Path, wave: m.MicrodataWave
) -> None:
    path = write(tmp_path / "f.csv", f"{HEADER},Synthetic_Data\n1,1,{ROW},1\n")
    raw = ingest.read_wave("poll_2020", filed(wave, rows=1771), path)
    assert raw.synthetic is True
    assert "Synthetic_Data" not in raw.frame
    real = write(tmp_path / "g.csv", f"{HEADER}\n1,1,{ROW}\n")
    with pytest.raises(IngestError, match="expected 1771"):
        ingest.read_wave("poll_2020", filed(wave, rows=1771), real)


@pytest.mark.parametrize("kind", ["sav", "dta", "parquet"])
def test_the_synthetic_mark_is_seen_in_every_format(tmp_path: Path, kind: str) -> None:
    frame, path = pd.DataFrame({"q": [1.0], "synthetic_data": [1.0]}), tmp_path / f"f.{kind}"
    if kind == "parquet":
        frame.to_parquet(path)
    else:
        getattr(pyreadstat, f"write_{kind}")(frame, path)
    assert ingest.read(path, ["q"]).synthetic is True


@pytest.mark.parametrize(("changes", "words"), [
    ({"columns": 6}, "does not have the number of columns that the wave's catalogue entry states. Got 7; expected 6"),
    ({"sha256": ["0" * 64]}, "the file is none of the 1 edition(s) the wave's catalogue entry knows"),
])  # fmt: skip
def test_what_the_catalogue_states_of_an_edition_holds_for_real_files(
    tmp_path: Path, wave: m.MicrodataWave, changes: dict[str, object], words: str
) -> None:
    path = write(tmp_path / "f.csv", f"{HEADER}\n1,1,{ROW}\n")
    right = {"columns": 7, "sha256": [Digests().of(LandedFile(path), "f"), "1" * 64]}
    ingest.read_wave("poll_2020", filed(wave, **right), path)
    with pytest.raises(IngestError, match=re.escape(words)):
        ingest.read_wave("poll_2020", filed(wave, **{**right, **changes}), path)
    invented = write(tmp_path / "g.csv", f"{HEADER},synthetic_data\n1,1,{ROW},1\n")
    assert ingest.read_wave("poll_2020", filed(wave, **changes), invented).synthetic


def test_a_column_that_identifies_somebody_is_not_read(tmp_path: Path, wave: m.MicrodataWave) -> None:
    path = write(tmp_path / "f.csv", f"{HEADER},email\n1,1,{ROW},{CANARY}\n")
    wave = filed(wave, where={"email": [CANARY]})
    with pytest.raises(IngestError, match="identify a person directly") as caught:
        ingest.read_wave("poll_2020", wave, path)
    assert CANARY not in str(caught.value)


# --- what the depositor states


@pytest.mark.parametrize(("stated", "words"), [
    (Stated(rows=2), "does not have the number of rows that manifest.csv states. Got 1; expected 2"),
    (Stated(columns=8), "does not have the number of columns that manifest.csv states. Got 7; expected 8"),
    (Stated(sha256="0" * 64), "the file is not the one manifest.csv states. Got sha256 "),
])  # fmt: skip
def test_a_file_that_disagrees_with_the_manifest_is_refused(
    tmp_path: Path, wave: m.MicrodataWave, stated: Stated, words: str
) -> None:
    path = write(tmp_path / "f.csv", f"{HEADER}\n1,1,{ROW}\n")
    right = Stated(Digests().of(LandedFile(path), "f"), 1, 7)
    ingest.read_wave("poll_2020", wave, LandedFile(path, stated=right))
    with pytest.raises(IngestError, match=re.escape(words)):
        ingest.read_wave("poll_2020", wave, LandedFile(path, stated=stated))


# --- putting away what was read


def test_a_wave_s_parquet_is_put_away_with_the_synthetic_mark(tmp_path: Path, wave: m.MicrodataWave) -> None:
    file = LandedFile(write(tmp_path / "f.csv", f"{HEADER},round,synthetic_data\n1,1,{ROW},1,1\n2,1,{ROW},2,1\n"))
    kept: list[pd.DataFrame] = []
    digests = Digests()
    landed = ingest.land_wave(
        "poll_2020", filed(wave, where={"round": ["2"]}), file,
        lambda data: kept.append(parquet.read_table(data).to_pandas()),
        digest=digests.of(file, "f"), digests=digests,
    )  # fmt: skip
    assert (landed.rows, landed.columns, landed.synthetic) == (1, 8, True)
    assert list(kept[0]) == ["round", *HEADER.split(","), "synthetic_data"]
    assert kept[0]["id"].tolist() == ["2"]
    assert kept[0]["synthetic_data"].tolist() == [True]


def test_a_file_other_than_the_one_chosen_is_not_put_away(tmp_path: Path, wave: m.MicrodataWave) -> None:
    file = LandedFile(write(tmp_path / "f.csv", f"{HEADER}\n1,1,{ROW}\n"))
    with pytest.raises(IngestError, match=r"^poll_2020 f\.csv: the file changed while it was read"):
        ingest.land_wave("poll_2020", wave, file, pytest.fail, digest="0" * 64, digests=Digests())


def test_a_file_written_to_while_it_is_read_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "f.csv", "a,b\n1,2\n")

    def late(*arguments: Any, **options: Any) -> dict[str, Any]:
        with path.open("a") as handle:
            handle.write("3,4\n")
        return here(*arguments, **options)

    monkeypatch.setattr(sandbox, "run", late)
    assert "the file changed while it was read" in refused(path)


# --- what a child may answer


@pytest.mark.parametrize("lie", [
    lambda a: a | {"rows_kept": 3}, lambda a: a | {"rows": 1}, lambda a: a | {"names": ["b", "a"]},
    lambda a: a | {"names": ["a"]}, lambda a: a | {"columns": [1]}, lambda a: a | {"synthetic": "no"},
    lambda a: a | {"formats": {"a": 1}}, lambda a: a | {"formats": 3},
    lambda a: {k: v for k, v in a.items() if k != "rows"}, lambda a: a | {"labels": {"a": [["x", "y", "z"]]}},
    lambda a: a | {"labels": []}, lambda a: a | {"user_missing": {"a": [[[], []]]}}, lambda a: {},
])  # fmt: skip
def test_an_answer_that_contradicts_itself_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lie: Callable[[dict[str, Any]], dict[str, Any]]
) -> None:
    monkeypatch.setattr(sandbox, "run", lambda *a, **o: lie(here(*a, **o)))
    message = refused(write(tmp_path / "f.csv", "a,b\n1,2\n3,4\n"), ["a", "b"])
    assert "the reader's answer contradicts itself" in message


@pytest.mark.parametrize("column", [pa.array([1, 2]), pa.array([[1], [2]]), pa.array([b"x", b"y"])])
def test_parquet_of_other_types_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, column: pa.Array) -> None:
    def other(module: str, job: Mapping[str, Any], data: BinaryIO, **options: Any) -> dict[str, Any]:
        answer = here(module, job, data, **options)
        data.seek(0)
        data.truncate()
        parquet.write_table(pa.table({"a": column, "b": column}), data)
        return answer

    monkeypatch.setattr(sandbox, "run", other)
    assert "the reader's answer contradicts itself" in refused(write(tmp_path / "f.csv", "a,b\n1,2\n3,4\n"))


def test_a_long_message_is_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox, "run", lambda *a, **o: {"error": "f.csv: " + "x" * 100_000})
    assert len(refused(write(tmp_path / "f.csv", "a,b\n1,2\n"))) == ingest.LONGEST_MESSAGE


def test_an_error_that_is_not_ours_names_the_kind_of_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*arguments: Any) -> None:
        raise SystemError(CANARY)

    monkeypatch.setattr("engagement_stats.readers.text.contents", broken)
    message = refused(write(tmp_path / "f.csv", "a,b\n1,2\n"))
    assert message.startswith("f.csv: the file cannot be read as delimited text data.")


# --- zip files


def zipped(path: Path, **members: str) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in members.items():
            archive.writestr(name.replace("__", "/").replace("_csv", ".csv").replace("_pdf", ".pdf"), text)
    return path


def test_the_one_survey_file_of_a_zip_is_read(tmp_path: Path) -> None:
    path = zipped(tmp_path / "8867.zip", UKDA__a_csv="a,b\n1,2\n", UKDA__guide_pdf="%PDF")
    assert ingest.read(path).frame.to_dict("list") == {"a": ["1"], "b": ["2"]}
    assert ingest.read(path / "UKDA" / "a.csv", ["b"]).frame.to_dict("list") == {"b": ["2"]}
    assert "8867.zip/UKDA/a.csv: 1 column(s) are not in the file" in refused(path, ["c"])


def test_of_several_one_must_be_named(tmp_path: Path) -> None:
    path = zipped(tmp_path / "both.zip", a_csv="a,b\n1,2\n", b_csv="a,b\n3,4\n")
    assert "a.csv, b.csv" in refused(path)
    assert ingest.read(path / "b.csv").frame["a"].tolist() == ["3"]


# --- the child


def test_every_way_of_reading_works_in_a_child(tmp_path: Path, in_a_child: None, wave: m.MicrodataWave) -> None:
    path = tmp_path / "f.sav"
    pyreadstat.write_sav(
        pd.DataFrame({"q": [1.0, -9.0], "t": ["x", "y"], "w1": [1.0, 2.0]}), path,
        variable_value_labels={"q": {1: "Yes"}}, missing_ranges={"q": [-9]},
        column_labels={"q": "Q?", "t": "", "w1": ""},
    )  # fmt: skip
    raw = ingest.read(path, ["Q"], optional=["T", "none"], patterns=["w*"])
    assert raw.frame.to_dict("list") == {"Q": [1.0, -9.0], "T": ["x", "y"], "w1": [1.0, 2.0]}
    assert (raw.labels["Q"], raw.user_missing["Q"], raw.columns) == ({1.0: "Yes"}, [(-9.0, -9.0)], ("q", "t", "w1"))
    described = ingest.describe(path)
    assert (described.names, described.rows) == (("q", "t", "w1"), 2)
    assert (described.labels["q"], described.variable_labels["q"]) == ({1.0: "Yes"}, "Q?")


@pytest.mark.parametrize(("kind", "delimiter"), [("csv", ","), ("tab", "\t")])
def test_a_wide_text_file_is_read_within_the_limits(
    tmp_path: Path, in_a_child: None, kind: str, delimiter: str
) -> None:
    rows, names = 1_000, [f"q{n}" for n in range(2_000)]
    lines = [delimiter.join(names), *[delimiter.join(str((row + n) % 7) for n in range(2_000)) for row in range(rows)]]
    frame = ingest.read(write(tmp_path / f"wide.{kind}", "\n".join(lines) + "\n")).frame
    assert frame.shape == (rows, 2_000)
    assert (frame["q1999"].iloc[-1], frame["q0"].iloc[3]) == (str((999 + 1999) % 7), "3")


def test_a_child_says_what_is_wrong_and_no_more(tmp_path: Path, in_a_child: None) -> None:
    path = write(tmp_path / "f.csv", f"a,b\n1,{CANARY}\n{CANARY}\n")
    assert "line" in refused(path)


def test_a_child_sees_the_file_that_was_opened_and_no_other(
    tmp_path: Path, in_a_child: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "f.csv", "a,b\n1,2\n")

    def swapped(*arguments: Any, **options: Any) -> dict[str, Any]:
        write(tmp_path / "other.csv", "a,b\n8,9\n").replace(path)
        return IN_A_CHILD(*arguments, **options)

    monkeypatch.setattr(sandbox, "run", swapped)
    try:
        assert ingest.read(path).frame["a"].tolist() == ["1"]
    except IngestError as error:  # taking its name away changes a file's inode on most systems
        assert "the file changed while it was read" in str(error)


def test_what_no_parser_should_be_shown_is_refused_before_one_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sandbox, "run", pytest.fail)
    os.mkfifo(tmp_path / "pipe.csv")
    (tmp_path / "folder.csv").mkdir()
    (tmp_path / "zero.csv").symlink_to("/dev/zero")
    (tmp_path / "loop.csv").symlink_to(tmp_path / "loop.csv")
    (tmp_path / "dangling.csv").symlink_to(tmp_path / "nowhere")
    for name, words in {
        "pipe": "Got a named pipe", "folder": "Got a folder", "zero": "Got a device",
        "loop": "leads to no regular file", "dangling": "there is no such file",
        "nul\0": "leads to no regular file", "../none": "there is no such file",
    }.items():  # fmt: skip
        assert words in refused(tmp_path / f"{name}.csv")


def test_a_link_a_user_names_is_followed(tmp_path: Path) -> None:
    (tmp_path / "link.csv").symlink_to(write(tmp_path / "f.csv", "a,b\n1,2\n"))
    assert ingest.read(tmp_path / "link.csv").frame["a"].tolist() == ["1"]


def test_a_file_of_too_many_bytes_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deposit, "LARGEST_FILE", 7)
    assert "the file is too large. Got 8 bytes; expected at most 7" in refused(write(tmp_path / "f.csv", "a,b\n1,2\n"))
