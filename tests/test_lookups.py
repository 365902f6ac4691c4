"""Lookups of areas: the right file, the right edition, read strictly."""

import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from engagement_stats import catalogue, lookups
from engagement_stats.catalogue import model as m
from engagement_stats.deposit import LandedFile, Stated
from engagement_stats.errors import IngestError

NAME = "wards"
GOOD = 'LSOA,ward,Name,People\nE01000001,E05000001,"Norton, South",1200\nE01000002,E05000002,Meir,900\n'
Make = Callable[..., catalogue.Catalogue]


@pytest.fixture
def make(small: catalogue.Catalogue, packaged: catalogue.Catalogue) -> Make:
    def made(countries: tuple[str, ...] = ("E",), **file: Any) -> catalogue.Catalogue:
        entry = m.Lookup.model_validate(
            {
                "label": "Wards", "source": "maker", "countries": list(countries),
                "file": {"pattern": ["Wards*.csv"], **file},
                "key": {"column": "lsoa", "geography": "lsoa11"},
                "values": {"ward17": {"column": "ward", "geography": "ward17"}, "name": {"column": "name"}},
                "counts": {"people": "people"},
            }
        )  # fmt: skip
        return replace(small, lookups={NAME: entry}, geographies=packaged.geographies)

    return made


def put(folder: Path, content: str | bytes = GOOD, name: str = "wards.csv") -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def find(base: catalogue.Catalogue, folder: Path) -> lookups.LookupStatus:
    files = [LandedFile(p, root=folder) for p in sorted(folder.rglob("*")) if p.is_symlink() or not p.is_dir()]
    return lookups.find(files, base.lookups)[NAME]


# Which file


def test_a_lookup_is_found_at_any_depth_and_letter_case(make: Make, tmp_path: Path) -> None:
    assert find(make(), tmp_path).state == "not landed"
    assert find(make(), tmp_path).reason == "no file named Wards*.csv has landed"
    path = put(tmp_path, name="deep/er/WARDS_2017.CSV")
    put(tmp_path, name="notes.csv")
    found = find(make(), tmp_path)
    assert (found.state, [f.path for f in found.files], found.reason) == ("landed", [path], "")
    assert found.sha256 == hashlib.sha256(GOOD.encode()).hexdigest()


def test_another_edition_is_a_wrong_file_that_is_not_read(make: Make, tmp_path: Path) -> None:
    put(tmp_path)
    right = hashlib.sha256(GOOD.encode()).hexdigest()
    assert find(make(sha256=["0" * 64, right]), tmp_path).state == "landed"
    base = make(sha256=["0" * 64])
    found = find(base, tmp_path)
    assert (found.state, found.sha256) == ("wrong file", None)
    assert f"none of the 1 edition(s) the catalogue knows. Got sha256 {right}" in found.reason
    assert lookups.read_landed(base, {NAME: found}) == {}


def test_what_the_depositor_states_is_held_to(make: Make, tmp_path: Path) -> None:
    path = put(tmp_path)
    damaged = LandedFile(path, root=tmp_path, stated=Stated(sha256="0" * 64))
    found = lookups.find([damaged], make().lookups)[NAME]
    assert (found.state, "is not the one manifest.csv states" in found.reason) == ("wrong file", True)
    with pytest.raises(IngestError, match=r"number of rows that manifest\.csv states. Got 2; expected 3"):
        lookups.read(NAME, make(), LandedFile(path, root=tmp_path, stated=Stated(rows=3)))


def test_copies_count_as_one_and_different_files_do_not(make: Make, tmp_path: Path) -> None:
    put(tmp_path)
    put(tmp_path, name="copy/wards.csv")
    assert find(make(), tmp_path).state == "landed"
    put(tmp_path, GOOD.replace("Meir", "Meir North"), name="wards_new.csv")
    found = find(make(), tmp_path)
    assert (found.state, "2 different files match its pattern" in found.reason) == ("wrong file", True)


def test_a_link_is_not_followed(make: Make, tmp_path: Path) -> None:
    elsewhere = put(tmp_path / "elsewhere", name="secret.csv")
    (tmp_path / "landing").mkdir()
    (tmp_path / "landing" / "wards.csv").symlink_to(elsewhere)
    assert find(make(), tmp_path / "landing").state == "not landed"


# Reading


def test_declared_columns_are_read_and_no_others(make: Make, tmp_path: Path) -> None:
    text = GOOD.replace("People", "People,Score").replace("1200", "1200,0.3").replace("900", " 900 ,0.4")
    found = lookups.read(NAME, make(rows=2), put(tmp_path, b"\xef\xbb\xbf" + text.encode()))
    assert found.to_dict("list") == {
        "lsoa11": ["E01000001", "E01000002"], "ward17": ["E05000001", "E05000002"], "name": ["Norton, South", "Meir"],
        "people": [1200, 900],
    }  # fmt: skip


def test_a_declared_encoding_and_delimiter_are_used(make: Make, tmp_path: Path) -> None:
    text = "lsoa;ward;name;people\r\nE01000001;E05000001;Môn;3\r\n\r\n"
    found = lookups.read(NAME, make(encoding="cp1252", delimiter=";"), put(tmp_path, text.encode("cp1252")))
    assert found["name"].tolist() == ["Môn"]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("E01000002,", "E01000001,", r"1 row\(s\) repeat an area"),
        ("E01000002,", ",", r"1 row\(s\) have no lsoa"),
        ("E01000002,", "E01033769,", r"1 row\(s\) have a code in lsoa that is not of lsoa11; these look like lsoa21"),
        ("E05000002", "E07000224", r"1 row\(s\) have a code in ward that is not of ward17; these look like ltla21"),
        ("E05000002", "Meir", r"not of ward17; expected codes such as E05000001"),
        ("E01000002,", "W01000002,", r"1 area\(s\) are not in E, the countries declared"),
        ("Meir,", ",", r"1 row\(s\) have no name"),
        ("Meir,", "Meir | North,", r"with a bar or a control character"),
        ("Meir,", "Meir\0,", r"with a bar or a control character"),
        (",900", ",9.5", r"1 row\(s\) have a people that is not a whole number"),
        (",900", ",-9", r"1 row\(s\) have a people that is not a whole number"),
        (",900", "", r"1 line\(s\) do not have the 4 fields"),
        ("Name", "Title", r"1 column\(s\) are missing or there twice \(name\)"),
        ("Name", "Ward", r"2 column\(s\) are missing or there twice \(ward, name\)"),
        ('"Norton, South"', '"Norton, South', r"not well-formed delimited text"),
    ],
)
def test_a_lookup_that_is_not_as_declared_is_refused(make: Make, tmp_path: Path, old: str, new: str, said: str) -> None:
    assert GOOD.count(old) == 1
    with pytest.raises(IngestError, match=said) as error:
        lookups.read(NAME, make(), put(tmp_path, GOOD.replace(old, new)))
    assert str(error.value).startswith(f"lookup {NAME} wards.csv: ")


def test_a_lookup_cut_short_changed_or_no_text_is_refused(make: Make, tmp_path: Path) -> None:
    path = put(tmp_path)
    with pytest.raises(IngestError, match="Got 2; expected 3"):
        lookups.read(NAME, make(rows=3), path)
    with pytest.raises(IngestError, match="the file changed while it was being read"):
        lookups.read(NAME, make(), path, "0" * 64)
    with pytest.raises(IngestError, match="not utf-8 text"):
        lookups.read(NAME, make(), put(tmp_path, b"PK\x03\x04\xff\xfe"))
    with pytest.raises(IngestError, match="the file is empty"):
        lookups.read(NAME, make(), put(tmp_path, ""))


def test_a_file_far_too_large_is_not_taken_in(make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lookups, "MAX_BYTES", 20)
    with pytest.raises(IngestError, match="larger than 20 bytes"):
        lookups.read(NAME, make(), put(tmp_path))


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"key": {"column": "lsoa"}}, "key needs the geography"),
        ({"values": {"lsoa11": {"column": "other"}}}, "lsoa11 names two columns"),
        ({"counts": {"name": "n"}, "values": {"name": {"column": "name"}}}, "name names two columns"),
        ({"countries": []}, "at least 1 item"),
        ({"file": {"pattern": ["a.csv"], "sha256": ["abc"]}}, "should match pattern"),
    ],
)
def test_an_entry_that_cannot_be_is_refused(more: dict[str, Any], said: str) -> None:
    entry = {
        "label": "L", "source": "s", "countries": ["E"], "file": {"pattern": ["a.csv"]},
        "key": {"column": "lsoa", "geography": "lsoa11"},
    }  # fmt: skip
    m.Lookup.model_validate(entry)
    with pytest.raises(ValueError, match=said):
        m.Lookup.model_validate({**entry, **more})


def test_ranges_tell_kinds_of_area_apart(packaged: catalogue.Catalogue) -> None:
    of = packaged.geographies
    assert of["lsoa11"].holds("E01033768")
    assert not of["lsoa11"].holds("E01033769")
    assert of["lsoa21"].holds("E01033769")
    assert not any(
        g.holds(code) for g in of.values() for code in ("", "E0100000", "E010000011", "E0100000X", "SW1A 1AA")
    )
    with pytest.raises(ValueError, match="first code is after its last"):
        m.Geography.model_validate({"label": "x", "codes": [["E01000002", "E01000001"]]})
