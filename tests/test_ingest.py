"""Files are found by pattern and read whole, or refused with a message that holds no respondent's values."""

import hashlib
import math
import os
import tempfile
from pathlib import Path
from typing import Any

import pandas as pd
import pyreadstat
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engagement_stats import catalogue, ingest
from engagement_stats.catalogue import model as m
from engagement_stats.codes import as_codes
from engagement_stats.errors import IngestError, UsageError

CANARY = "CANARY7731"


def write(path: Path, text: str, encoding: str = "utf-8") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode(encoding))
    return path


def refused(path: Path, **options: object) -> str:
    """Return the message with which a file is refused."""
    with pytest.raises(IngestError) as caught:
        ingest.read(path, **options)  # type: ignore[arg-type]
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


# --- finding files


def test_a_file_is_found_at_any_depth_and_in_any_letter_case(tmp_path: Path, small: catalogue.Catalogue) -> None:
    deep = write(tmp_path / "a" / "b c" / "POLL_2020_Final.CSV", "id\n")
    other = write(tmp_path / "readme.txt", "")
    landing = ingest.find(tmp_path, small.microdata_waves)
    assert landing.claimed == {"poll_2019": (), "poll_2020": (deep,)}
    assert landing.unclaimed == (other,)


def test_the_folder_s_name_does_not_match_a_pattern(tmp_path: Path, small: catalogue.Catalogue) -> None:
    inside = write(tmp_path / "poll_2020.csv" / "other.csv", "")
    assert ingest.find(tmp_path, small.microdata_waves).unclaimed == (inside,)


def test_links_are_listed_and_not_followed_and_hidden_files_are_passed_over(
    tmp_path: Path, small: catalogue.Catalogue
) -> None:
    outside = write(tmp_path / "elsewhere" / "poll_2020.csv", "id\n")
    data = tmp_path / "data"
    data.mkdir()
    (data / "poll_2020_link.csv").symlink_to(outside)
    (data / "dangling.csv").symlink_to(tmp_path / "nowhere")
    (data / "folder").symlink_to(outside.parent)
    write(data / ".hidden" / "poll_2020.csv", "id\n")
    write(data / ".poll_2020.csv", "id\n")
    landing = ingest.find(data, small.microdata_waves)
    assert not any(landing.claimed.values())
    # Claimed by nobody, though a name matches; nothing below the linked folder is seen.
    assert landing.unclaimed == (data / "dangling.csv", data / "folder", data / "poll_2020_link.csv")


def test_a_folder_that_cannot_be_listed_stops_the_search(
    tmp_path: Path, small: catalogue.Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "poll_2019.csv", "id\n")
    write(tmp_path / "below" / "closed" / "poll_2020.csv", "id\n")
    whole = os.scandir

    def refuse(path: str) -> Any:
        if Path(path).name == "closed":
            raise PermissionError(13, "Permission denied", str(path))
        return whole(path)

    monkeypatch.setattr(os, "scandir", refuse)
    # Passed over, poll_2020 would seem not to have landed, and leave the release.
    with pytest.raises(IngestError, match=r"^data: the folder closed cannot be read\. Give its reader permission"):
        ingest.find(tmp_path, small.microdata_waves)


def test_one_file_may_serve_several_waves(tmp_path: Path, wave: m.MicrodataWave) -> None:
    both = filed(wave, pattern=["all_*.csv", "unused.csv"])
    path = write(tmp_path / "all_rounds.csv", "")
    assert ingest.find(tmp_path, {"a": both, "b": both}).claimed == {"a": (path,), "b": (path,)}


def test_a_missing_folder_says_which(tmp_path: Path) -> None:
    # The call is wrong, not the data.
    with pytest.raises(UsageError, match="nowhere does not exist"):
        ingest.find(tmp_path / "nowhere", {})
    write(tmp_path / "file", "")
    with pytest.raises(UsageError, match="file does not exist"):
        ingest.find(tmp_path / "file", {})


def test_a_file_that_cannot_be_opened_is_named_with_its_wave(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", CANARY)
    path.unlink()  # as good as closed to us, and to root too
    for files in ((path,), (write(tmp_path / "b.csv", CANARY), path)):
        with pytest.raises(IngestError) as caught:
            ingest.only("w", files)
        assert str(caught.value) == "w a.csv: the file cannot be opened. Give its reader permission."
        assert caught.value.__suppress_context__


def test_a_file_is_digested_again_only_when_it_has_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "a.csv", "abc")
    read: list[str] = []
    whole = Path.open

    def counted(path: Path, *arguments: Any, **options: Any) -> Any:
        read.append(path.name)
        return whole(path, *arguments, **options)

    monkeypatch.setattr(Path, "open", counted)
    first = ingest.digest(path)
    assert [ingest.digest(path), ingest.digest(path)] == [first, first]
    assert read == ["a.csv"]
    # The same size at another moment, another file of the same moment and size, another size.
    about = path.stat()
    os.utime(path, ns=(about.st_atime_ns, about.st_mtime_ns + 1))
    assert ingest.digest(path) == first
    other = write(tmp_path / "b.csv", "abd")
    other.replace(path)
    os.utime(path, ns=(about.st_atime_ns, about.st_mtime_ns))
    changed = ingest.digest(path)
    assert changed == hashlib.sha256(b"abd").hexdigest()
    with path.open("a") as handle:
        handle.write("e")
    os.utime(path, ns=(about.st_atime_ns, about.st_mtime_ns))
    assert ingest.digest(path) == hashlib.sha256(b"abde").hexdigest()


def test_different_files_for_a_wave_are_refused_and_copies_are_one(tmp_path: Path) -> None:
    first, copy = write(tmp_path / "a.csv", "x,y\n1,2\n"), write(tmp_path / "z" / "a.csv", "x,y\n1,2\n")
    assert ingest.only("w", (first, copy)) == first
    other = write(tmp_path / "b.csv", "x,y\n1,3\n")
    with pytest.raises(IngestError, match=r"w: 3 different files .*a\.csv, a\.csv, b\.csv.*narrow file\.pattern"):
        ingest.only("w", (first, copy, other))
    with pytest.raises(IngestError, match="w: no file has landed"):
        ingest.only("w", ())


def test_a_digest_is_of_the_content_and_not_of_the_name(tmp_path: Path) -> None:
    a, b, c = (write(tmp_path / n, t) for n, t in (("a", "abc"), ("b", "abc"), ("c", "abd")))
    # The SHA-256 of "abc", FIPS 180-2 appendix B.1.
    assert ingest.digest(a) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert ingest.digest(a) == ingest.digest(b) != ingest.digest(c)


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


@pytest.mark.parametrize(
    ("text", "options", "expected"),
    [
        ("\ufeffa,b\n1,2\n", {}, ["2"]),
        ("a,b\n1,caf\xe9\n", {"encoding": "cp1252"}, ["caf\xe9"]),
        ("a,b\r\n1,2\r\n3,4\r\n", {}, ["2", "4"]),
        ('a,b\n1,"x\ny"\n2,"p,q"\n', {}, ["x\ny", "p,q"]),
        ('a,b\n1,"say ""no"""\n2,""\n', {}, ['say "no"', ""]),
        ("a,b,\n1,2,\n3,4,\n", {}, ["2", "4"]),
        ("a,b\n1,2", {}, ["2"]),
        ("a,b\n", {}, []),
    ],
    ids=["bom", "cp1252", "crlf", "quoted newline", "quotes", "trailing empty column", "no last newline", "no rows"],
)
def test_the_forms_a_csv_file_takes(tmp_path: Path, text: str, options: dict[str, str], expected: list[str]) -> None:
    path = write(tmp_path / "f.csv", text, options.get("encoding", "utf-8"))
    frame = ingest.read(path, **options).frame  # type: ignore[arg-type]
    assert list(frame) == ["a", "b"]
    assert frame["b"].tolist() == expected


def test_a_quote_in_a_tab_file_is_only_a_character(tmp_path: Path) -> None:
    path = write(tmp_path / "f.tab", 'a\tb "c"\tid\n"x\t5"\t1\ny\t6\t2\n')
    assert ingest.read(path).frame.to_dict("list") == {"a": ['"x', "y"], 'b "c"': ['5"', "6"], "id": ["1", "2"]}


@pytest.mark.parametrize(
    ("body", "line"),
    [(f"1,2\n{CANARY}\n3,4\n", 3), (f"1,2\n3,4\n{CANARY},5,6\n", 4), (f"{CANARY},,\n1,2\n", 2)],
    ids=["short", "long", "long with empty cells"],
)
def test_ragged_lines_are_refused_by_line_number(tmp_path: Path, body: str, line: int) -> None:
    message = refused(write(tmp_path / "f.csv", "a,b\n" + body))
    assert message.startswith(f"f.csv: 1 line(s) (first at line {line}) do not have the 2 fields")


@pytest.mark.parametrize(
    "body",
    [
        f'1,"{CANARY}\n2,3\n4,5\n',
        f'1,"{CANARY}"x\n2,3\n',
        f'1,5"\n2,{CANARY}\n',
        f'1,"{CANARY}\n2,3\n4,"5\n',
    ],
    ids=["never closed", "text after the close", "inside a bare field", "two opened"],
)
def test_a_stray_quote_is_refused_rather_than_swallowing_lines(tmp_path: Path, body: str) -> None:
    assert "a quotation mark is not closed" in refused(write(tmp_path / "f.csv", "a,b\n" + body))


def well_quoted(text: str) -> bool:
    """Read a file of one column after another, character by character: the slow and plain way."""
    inside, before = False, "\n"
    text = text.replace('""', "")
    for at, sign in enumerate(text):
        if sign == '"':
            after = text[at + 1] if at + 1 < len(text) else "\n"
            if (inside and after not in ",\r\n") or (not inside and before not in ",\r\n"):
                return False
            inside = not inside
        before = sign
    return not inside


@settings(max_examples=400, deadline=None)
@given(st.text(alphabet='"",\r\nab ', max_size=24))
def test_quotes_are_judged_as_character_by_character(text: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "f.csv"
        path.write_bytes(text.encode())
        try:
            ingest._check_quotes(path, "f.csv")
        except IngestError:
            assert not well_quoted(text)
        else:
            assert well_quoted(text)


@pytest.mark.parametrize("stray", [False, True])
def test_many_quotes_are_judged(tmp_path: Path, stray: bool) -> None:
    body = '"x, y","say ""no""",""\n' * 100_000 + ('1,5"\n' if stray else "")
    path = write(tmp_path / "f.csv", "a,b,c\n" + body)
    if stray:
        with pytest.raises(IngestError, match="a quotation mark is not closed"):
            ingest._check_quotes(path, "f.csv")
    else:
        ingest._check_quotes(path, "f.csv")


def test_text_of_another_encoding_is_refused_and_never_mended(tmp_path: Path) -> None:
    early = write(tmp_path / "early.csv", f"a,b\n1,{CANARY}\xe9\n", "cp1252")
    assert "the file is not utf-8 text" in refused(early)
    # Beyond what is looked at to find the header.
    late = write(tmp_path / "late.csv", "a,b\n" + "1,2\n" * 20_000 + f"1,{CANARY}\xe9\n", "cp1252")
    assert "not well-formed utf-8 text" in refused(late)
    wide = write(tmp_path / "wide.csv", f"a,b\n1,{CANARY}\n", "utf-16")
    assert "not utf-8 text" in refused(wide)


@pytest.mark.parametrize("text", ["", "\n", f"<!DOCTYPE html><p>{CANARY}</p>\n", f"{CANARY}\n1\n", "a\tb\n1\t2\n"])
def test_what_is_not_a_table_is_refused(tmp_path: Path, text: str) -> None:
    assert "does not hold column names separated by commas" in refused(write(tmp_path / "f.csv", text))


def test_a_missing_column_is_named_with_near_names(tmp_path: Path) -> None:
    path = write(tmp_path / "f.csv", f"serial,FrndRel1,weight\n{CANARY},1,1\n")
    message = refused(path, columns=["frndrel", "serial", "zzz"])
    assert message.startswith("f.csv: 2 column(s) are not in the file. Missing: frndrel, zzz; the file has 3 columns.")
    assert "Perhaps frndrel is like FrndRel1." in message
    assert "zzz is like" not in message


def test_many_missing_columns_are_counted_and_five_named(tmp_path: Path) -> None:
    message = refused(write(tmp_path / "f.csv", "a,b\n"), columns=[f"missing{i}" for i in range(7)])
    assert "missing4 and 2 more (7 in all)" in message


@pytest.mark.parametrize(
    ("header", "wanted"), [("Wt,wT,x", ["wt"]), ("wt,wt,x", ["wt"]), ("wt,wt,x", None)], ids=["case", "same", "all"]
)
def test_a_column_there_twice_is_refused(tmp_path: Path, header: str, wanted: list[str] | None) -> None:
    message = refused(write(tmp_path / "f.csv", f"{header}\n1,2,{CANARY}\n"), columns=wanted)
    assert "column wt is there 2 times, letter case ignored" in message


def test_a_column_there_twice_matters_only_when_asked_for(tmp_path: Path) -> None:
    path = write(tmp_path / "f.csv", "wt,wt,x,Y,y\n1,2,3,4,5\n")
    # "y" is exactly the name of one of the two.
    assert ingest.read(path, ["x", "y"]).frame.to_dict("list") == {"x": ["3"], "y": ["5"]}


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
        names = ingest.names_of(tmp_path / f"f.{suffix}", ingest.format_of(tmp_path / f"f.{suffix}"))
        assert names == ["sex", "wt", "word"]
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
    for path in (cut, text):
        assert "the file cannot be read as" in refused(path)
    with pytest.raises(IngestError, match="the file cannot be read as"):
        ingest.names_of(text, ingest.format_of(text))


@pytest.mark.parametrize(("kind", "name"), [("sav", "SPSS"), ("dta", "Stata"), ("parquet", "Parquet")])
def test_a_wave_s_unreadable_file_is_named_with_its_wave(
    tmp_path: Path, wave: m.MicrodataWave, kind: str, name: str
) -> None:
    path = write(tmp_path / f"f.{kind}", CANARY)
    with pytest.raises(IngestError) as caught:
        ingest.read_wave("poll_2020", filed(wave, format=kind), path)
    assert str(caught.value) == (
        f"poll_2020 f.{kind}: the file cannot be read as {name} data. It may be cut short, encrypted or of another "
        "format; deposit it again."
    )


def test_names_are_resolved_in_any_letter_case_in_the_order_wanted() -> None:
    assert ingest.resolve("f", ["Sex", "age", "WT"], ["wt", "SEX"]) == {"wt": "WT", "SEX": "Sex"}
    assert list(ingest.resolve("f", ["Sex", "age", "WT"], ["wt", "SEX"])) == ["wt", "SEX"]
    assert ingest.resolve("f", ["Sex"], []) == {}
    with pytest.raises(IngestError, match=r"f: 1 column\(s\) are not in the file\. Missing: sx"):
        ingest.resolve("f", ["Sex"], ["sx"])
    with pytest.raises(IngestError, match="column sex is there 2 times"):
        ingest.resolve("f", ["Sex", "SEX"], ["sex"])


def test_other_suffixes_are_refused_and_those_read_are_listed(tmp_path: Path) -> None:
    message = refused(write(tmp_path / "book.xlsx", CANARY))
    assert message.startswith('book.xlsx: files ending ".xlsx" cannot be read. Expected one of .csv, .dta')
    assert "is not a file" in refused(tmp_path / "none.csv")
    assert ingest.format_of(Path("A.TAB")) == "tab"


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
    without = write(tmp_path / "a.csv", "id,wt,q1,hrs,sex,age\n1,1,1,2,1,20\n")
    assert set(ingest.columns_of(wave, without)) == {"id", "wt", "q1", "hrs", "sex", "age"}
    with_them = write(tmp_path / "b.csv", HEADER + ",STRAT,point\n" + f"1,1,{ROW},1,1\n")
    assert {"q2", "strat", "point"} <= set(ingest.columns_of(wave, with_them))
    needed = wave.model_copy(update={"design": design.model_copy(update={"optional": False})})
    with pytest.raises(
        IngestError, match=r"poll_2020 a\.csv: 2 column\(s\) are not in the file. Missing: strat, point"
    ):
        ingest.read_wave("poll_2020", needed, without)


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
