"""Files are found by pattern at any depth and inside zip files; what is not a file is listed and never opened."""

import os
import zipfile
from pathlib import Path
from typing import Any

import pytest

from engagement_stats import catalogue, landing
from engagement_stats.catalogue import model as m
from engagement_stats.deposit import LandedFile, Stated
from engagement_stats.errors import IngestError, UsageError
from engagement_stats.landing import Unclaimed

CANARY = "CANARY7731"


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def zipped(path: Path, *members: str) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name in members:
            archive.writestr(name, "x")
    return path


@pytest.fixture
def wave(small: catalogue.Catalogue) -> m.MicrodataWave:
    return small.microdata_waves["poll_2020"]


def filed(wave: m.MicrodataWave, **changes: object) -> m.MicrodataWave:
    """Return the wave with another file entry."""
    return wave.model_copy(update={"file": wave.file.model_copy(update=changes)})


def places(found: landing.Landing) -> dict[str, str]:
    return {u.file.below: u.reason for u in found.unclaimed}


def test_a_file_is_found_at_any_depth_and_in_any_letter_case(tmp_path: Path, small: catalogue.Catalogue) -> None:
    deep = write(tmp_path / "a" / "b c" / "POLL_2020_Final.CSV", "id\n")
    other = write(tmp_path / "readme.txt", "")
    found = landing.find(tmp_path, small.microdata_waves)
    assert found.claimed == {"poll_2019": (), "poll_2020": (LandedFile(deep),)}
    assert found.unclaimed == (Unclaimed(LandedFile(other), landing.NO_TAKER),)
    assert found.claimed["poll_2020"][0].below == "a/b c/POLL_2020_Final.CSV"


def test_the_folder_s_name_does_not_match_a_pattern(tmp_path: Path, small: catalogue.Catalogue) -> None:
    write(tmp_path / "poll_2020.csv" / "other.csv", "")
    assert list(places(landing.find(tmp_path, small.microdata_waves))) == ["poll_2020.csv/other.csv"]


def test_links_and_pipes_are_listed_and_not_followed_and_hidden_files_are_passed_over(
    tmp_path: Path, small: catalogue.Catalogue
) -> None:
    outside = write(tmp_path / "elsewhere" / "poll_2020.csv", "id\n")
    data = tmp_path / "data"
    data.mkdir()
    (data / "poll_2020_link.csv").symlink_to(outside)
    (data / "dangling.csv").symlink_to(tmp_path / "nowhere")
    (data / "loop.zip").symlink_to(data / "loop.zip")
    (data / "folder").symlink_to(outside.parent)
    os.mkfifo(data / "poll_2020_pipe.csv")
    os.mkfifo(data / "pipe.zip")
    write(data / ".hidden" / "poll_2020.csv", "id\n")
    write(data / ".poll_2020.csv", "id\n")
    found = landing.find(data, small.microdata_waves)
    assert not any(found.claimed.values())
    # Claimed by nobody, though a name matches; nothing below the linked folder is seen.
    link, pipe = "a link, not followed", "a named pipe, not read"
    assert places(found) == {
        "dangling.csv": link, "folder": link, "loop.zip": link, "pipe.zip": pipe, "poll_2020_link.csv": link,
        "poll_2020_pipe.csv": pipe,
    }  # fmt: skip


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
        landing.find(tmp_path, small.microdata_waves)


def test_one_file_may_serve_several_waves(tmp_path: Path, wave: m.MicrodataWave) -> None:
    both = filed(wave, pattern=["all_*.csv", "unused.csv"])
    path = LandedFile(write(tmp_path / "all_rounds.csv", ""))
    assert landing.find(tmp_path, {"a": both, "b": both}).claimed == {"a": (path,), "b": (path,)}


def test_a_missing_folder_says_which(tmp_path: Path) -> None:
    # The call is wrong, not the data.
    with pytest.raises(UsageError, match="nowhere does not exist"):
        landing.find(tmp_path / "nowhere", {})
    write(tmp_path / "file", "")
    with pytest.raises(UsageError, match="file does not exist"):
        landing.find(tmp_path / "file", {})


def test_a_file_that_cannot_be_opened_is_named_with_its_wave(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", CANARY)
    path.unlink()  # as good as closed to us, and to root too
    for files in ((path,), (write(tmp_path / "b.csv", CANARY), path)):
        with pytest.raises(IngestError, match=r"^w a\.csv: .*a\.csv is not a file") as caught:
            landing.only("w", [LandedFile(f) for f in files])
        assert caught.value.__suppress_context__


def test_different_files_for_a_wave_are_refused_and_copies_are_one(tmp_path: Path) -> None:
    first, copy = (LandedFile(write(tmp_path / p, "x,y\n1,2\n")) for p in ("a.csv", "z/a.csv"))
    assert landing.only("w", (first, copy)) == first
    other = LandedFile(write(tmp_path / "b.csv", "x,y\n1,3\n"))
    with pytest.raises(IngestError, match=r"w: 3 different files .*a\.csv, a\.csv, b\.csv.*narrow file\.pattern"):
        landing.only("w", (first, copy, other))
    with pytest.raises(IngestError, match="w: no file has landed"):
        landing.only("w", ())


def test_of_several_editions_the_one_named_first_is_used_and_the_other_is_told(
    tmp_path: Path, wave: m.MicrodataWave
) -> None:
    both = filed(wave, pattern=["poll_v2.csv", "poll_v1.csv"])
    old, new = (LandedFile(write(tmp_path / f"poll_{v}.csv", v)) for v in ("v1", "v2"))
    found = landing.find(tmp_path, {"a": both, "b": filed(wave, pattern=["poll_v2.csv"])})
    assert found.claimed == {"a": (new,), "b": (new,)}
    assert [(u.file, u.reason) for u in found.unclaimed] == [
        (old, "another edition of a has landed, poll_v2.csv, which its pattern prefers")
    ]
    # What another wave uses is not passed over.
    assert landing.find(tmp_path, {"a": both, "b": filed(wave, pattern=["poll_v1.csv"])}).unclaimed == ()


# --- zip files


def test_a_file_beside_the_zip_it_was_unpacked_from_is_one_file(tmp_path: Path) -> None:
    packed = LandedFile(zipped(tmp_path / "a.zip", "tab/poll.csv"), "tab/poll.csv")
    with zipfile.ZipFile(packed.path) as archive:
        same = LandedFile(write(tmp_path / "poll.csv", archive.read("tab/poll.csv").decode()))
    assert landing.only("w", (packed, same)) == same
    assert landing.only("w", (packed,)) == packed
    other = LandedFile(write(tmp_path / "z" / "poll.csv", "not,it\n"))
    with pytest.raises(IngestError, match="2 different files"):
        landing.only("w", (packed, other))


def test_a_wave_s_file_is_found_in_a_zip(tmp_path: Path, small: catalogue.Catalogue) -> None:
    path = zipped(tmp_path / "8867tab.ZIP", "UKDA/mrdoc/guide.pdf", "UKDA/tab/Poll_2020.csv")
    found = landing.find(tmp_path, small.microdata_waves)
    assert found.claimed["poll_2020"] == (LandedFile(path, "UKDA/tab/Poll_2020.csv"),)
    assert found.claimed["poll_2020"][0].name == "8867tab.ZIP/UKDA/tab/Poll_2020.csv"
    # The documents beside it are part of what landed for the wave.
    assert found.unclaimed == ()


def test_a_zip_of_nothing_that_is_asked_for_is_listed(tmp_path: Path, small: catalogue.Catalogue) -> None:
    zipped(tmp_path / "poll_2020.csv.zip", "guide.pdf", "poll_2020.csv/other.csv")
    found = landing.find(tmp_path, small.microdata_waves)
    assert places(found) == {"poll_2020.csv.zip": "no wave claims a file in it"}


def test_two_members_of_one_zip_are_two_files(tmp_path: Path, small: catalogue.Catalogue) -> None:
    zipped(tmp_path / "z.zip", "poll_2020_a.csv", "poll_2020_b.csv")
    files = landing.find(tmp_path, small.microdata_waves).claimed["poll_2020"]
    with pytest.raises(IngestError, match=r"2 different files .* z\.zip/poll_2020_a\.csv, z\.zip/poll_2020_b\.csv"):
        landing.only("w", files)


@pytest.mark.parametrize("name", ["../poll_2020.csv", "/etc/poll_2020.csv"])
def test_a_zip_that_is_refused_is_listed_with_the_reason_and_stops_nothing(
    tmp_path: Path, small: catalogue.Catalogue, name: str
) -> None:
    zipped(tmp_path / "slip.zip", name)
    write(tmp_path / "damaged.zip", "PK\x03\x04 and no more")
    plain = write(tmp_path / "poll_2019.csv", "")
    found = landing.find(tmp_path, small.microdata_waves)
    assert found.claimed == {"poll_2019": (LandedFile(plain),), "poll_2020": ()}
    assert places(found)["slip.zip"].startswith("slip.zip: the zip archive is refused.")
    assert places(found)["damaged.zip"].startswith("damaged.zip: the zip archive is damaged")


def test_a_zip_is_listed_again_when_it_has_changed(tmp_path: Path, small: catalogue.Catalogue) -> None:
    path = zipped(tmp_path / "z.zip", "poll_2020.csv")
    assert landing.members(path) == ("poll_2020.csv",)
    zipped(path, "poll_2019.csv", "b.csv")
    assert landing.members(path) == ("poll_2019.csv", "b.csv")


@pytest.mark.parametrize("path", ["z.zip", "z.zip/in/a.csv", "plain.csv", "none.zip"])
def test_the_file_a_user_means(tmp_path: Path, path: str) -> None:
    zipped(tmp_path / "z.zip", "in/a.csv", "guide.pdf")
    expected = LandedFile(tmp_path / "z.zip", "in/a.csv") if path.startswith("z.zip") else LandedFile(tmp_path / path)
    assert landing.located(tmp_path / path) == expected


# --- the manifest


def test_what_the_manifest_states_goes_with_each_file(tmp_path: Path, small: catalogue.Catalogue) -> None:
    write(tmp_path / "sub" / "poll_2019.csv", "")
    zipped(tmp_path / "z.zip", "tab/poll_2020.csv")
    digest = "a" * 64
    write(
        tmp_path / "manifest.csv",
        f"file,sha256,rows,columns\nsub/poll_2019.csv,,10,3\nz.zip,{digest},,\nz.zip/tab/poll_2020.csv,,20,\n",
    )
    found = landing.find(tmp_path, small.microdata_waves)
    assert found.unclaimed == ()
    plain, member = found.claimed["poll_2019"][0], found.claimed["poll_2020"][0]
    assert (plain.stated, plain.sha256) == (Stated(rows=10, columns=3), None)
    assert (member.stated, member.sha256) == (Stated(rows=20), digest)


def test_a_file_the_manifest_states_and_that_is_not_there_is_listed(tmp_path: Path, small: catalogue.Catalogue) -> None:
    zipped(tmp_path / "z.zip", "a.csv")
    write(tmp_path / "manifest.csv", "file,sha256,rows,columns\npol_2020.csv,,10,\nz.zip/b.csv,,1,\nz.zip/a.csv,,1,\n")
    absent = "manifest.csv states it and it is not there"
    found = places(landing.find(tmp_path, small.microdata_waves))
    assert found == {"z.zip": "no wave claims a file in it", "pol_2020.csv": absent, "z.zip/b.csv": absent}


# --- data dictionaries


def test_the_dictionary_of_a_tab_file_is_found_in_its_folder_and_its_zip(tmp_path: Path) -> None:
    data, said = write(tmp_path / "d" / "tab" / "x.tab", ""), "x_ukda_data_dictionary.rtf"
    assert landing.dictionary_of(LandedFile(data)) is None
    document = write(tmp_path / "d" / "mrdoc" / "ukda" / said, "")
    assert landing.dictionary_of(LandedFile(data, root=tmp_path)) == LandedFile(document)
    # What lies beside the landing folder is none of its business.
    assert landing.dictionary_of(LandedFile(data, root=data.parent)) is None
    path = zipped(tmp_path / "z.zip", "tab/x.tab", f"mrdoc/{said}")
    assert landing.dictionary_of(LandedFile(path, "tab/x.tab")) == LandedFile(path, f"mrdoc/{said}")


def test_a_dictionary_that_is_a_link_is_not_followed(tmp_path: Path) -> None:
    data = write(tmp_path / "x.tab", "")
    (tmp_path / "x_ukda_data_dictionary.rtf").symlink_to(write(tmp_path / "elsewhere.rtf", ""))
    assert landing.dictionary_of(LandedFile(data)) is None
