"""Where each wave stands follows from what landed, what was built, and what of the two has changed."""

import os
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from engagement_stats import catalogue, status
from engagement_stats.catalogue import model as m
from engagement_stats.deposit import LandedFile
from engagement_stats.errors import UsageError
from engagement_stats.landing import NO_TAKER, Unclaimed
from engagement_stats.store import Store

WAVE = "poll_2020"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "landing"
    folder.mkdir()
    (folder / "poll_2020.csv").write_text("id,wt\n1,1\n")
    return folder


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "private")


def built(small: catalogue.Catalogue, data: Path, store: Store, wave: str = WAVE) -> None:
    fingerprint = status.survey(small, data, store).waves[wave].fingerprint
    assert fingerprint is not None
    store.finish(wave, fingerprint, {})


def test_waves_are_catalogued_landed_and_fresh(small: catalogue.Catalogue, data: Path, store: Store) -> None:
    found = status.survey(small, data, store).waves
    assert list(found) == list(small.waves)
    assert (found["poll_2019"].state, found["poll_2019"].reason) == ("catalogued", "no file has landed")
    assert not found["poll_2019"].needs_building
    assert (found[WAVE].state, found[WAVE].reason, found[WAVE].file) == (
        "landed",
        "not built yet",
        LandedFile(data / "poll_2020.csv"),
    )
    assert found[WAVE].needs_building
    # Published figures come with the catalogue: nothing has to land.
    assert (found["report_2018"].state, found["report_2018"].file) == ("landed", None)
    assert found["report_2018"].fingerprint is not None
    assert found["report_2018"].fingerprint.file is None
    built(small, data, store)
    now = status.survey(small, data, store).waves[WAVE]
    assert (now.state, now.reason, now.needs_building) == ("fresh", "", False)


def test_a_changed_file_makes_its_wave_stale_and_no_other(small: catalogue.Catalogue, data: Path, store: Store) -> None:
    (data / "poll_2019.csv").write_text("id,wt\n1,1\n")
    for wave in small.waves:
        built(small, data, store, wave)
    (data / "poll_2020.csv").write_text("id,wt\n1,2\n")
    found = status.survey(small, data, store).waves
    assert {k: v.state for k, v in found.items()} == {
        "poll_2019": "fresh", WAVE: "stale", "report_2018": "fresh", "report_2019": "fresh",
    }  # fmt: skip
    assert found[WAVE].reason == "its file changed"


def test_a_file_touched_or_renamed_is_not_a_change(small: catalogue.Catalogue, data: Path, store: Store) -> None:
    built(small, data, store)
    moved = data / "deeper" / "POLL_2020_copy.csv"
    moved.parent.mkdir()
    (data / "poll_2020.csv").rename(moved)
    moved.touch()
    assert status.survey(small, data, store).waves[WAVE].state == "fresh"


def test_a_changed_entry_makes_its_wave_stale_and_no_other(
    small: catalogue.Catalogue, data: Path, store: Store
) -> None:
    (data / "poll_2019.csv").write_text("id,wt\n1,1\n")
    for wave in small.waves:
        built(small, data, store, wave)
    entry = small.waves[WAVE].model_copy(update={"domains": ["sex"]})
    edited = replace(small, waves={**small.waves, WAVE: entry})
    found = status.survey(edited, data, store).waves
    assert [k for k, v in found.items() if v.state != "fresh"] == [WAVE]
    assert found[WAVE].reason == "its catalogue entry changed"
    assert found[WAVE].needs_building


def test_a_shared_code_list_makes_every_wave_that_uses_it_stale(
    small: catalogue.Catalogue, data: Path, store: Store
) -> None:
    built(small, data, store)
    built(small, data, store, "report_2018")
    codes = small.codelists["yes_no"].model_copy(update={"missing": {}})
    found = status.survey(replace(small, codelists={"yes_no": codes}), data, store).waves
    assert (found[WAVE].state, found["report_2018"].state) == ("stale", "fresh")


def test_what_no_estimate_depends_on_leaves_a_wave_fresh(small: catalogue.Catalogue, data: Path, store: Store) -> None:
    built(small, data, store)
    relabelled = {k: v.model_copy(update={"phrase": "did other things"}) for k, v in small.indicators.items()}
    assert status.survey(replace(small, indicators=relabelled), data, store).waves[WAVE].state == "fresh"


def test_changed_code_makes_a_wave_stale(
    small: catalogue.Catalogue, data: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    built(small, data, store)
    monkeypatch.setattr(status, "code_digest", lambda: "other code")
    assert status.survey(small, data, store).waves[WAVE].reason == "the code changed"
    (data / "poll_2020.csv").write_text("id,wt\n1,3\n")
    assert status.survey(small, data, store).waves[WAVE].reason == "its file and the code changed"


def test_a_failure_is_told_until_its_input_changes(small: catalogue.Catalogue, data: Path, store: Store) -> None:
    store.fail(WAVE, status.survey(small, data, store).waves[WAVE].fingerprint, "poll_2020 q1: code 7")
    found = status.survey(small, data, store).waves[WAVE]
    assert (found.state, found.reason, found.needs_building) == ("failed", "poll_2020 q1: code 7", True)
    (data / "poll_2020.csv").write_text("id,wt\n1,2\n")
    assert status.survey(small, data, store).waves[WAVE].state == "landed"


def test_two_different_files_fail_their_wave_and_copies_do_not(
    small: catalogue.Catalogue, data: Path, store: Store
) -> None:
    (data / "poll_2020_copy.csv").write_text("id,wt\n1,1\n")
    assert status.survey(small, data, store).waves[WAVE].state == "landed"
    (data / "poll_2020_other.csv").write_text("id,wt\n1,9\n")
    found = status.survey(small, data, store).waves
    assert found[WAVE].state == "failed"
    assert "3 different files match its pattern" in found[WAVE].reason
    assert found[WAVE].fingerprint is None
    assert not found[WAVE].needs_building
    assert found["report_2018"].state == "landed"


def test_files_of_nobody_are_listed(small: catalogue.Catalogue, data: Path, store: Store) -> None:
    (data / "notes.txt").write_text("x")
    assert status.survey(small, data, store).unclaimed == (Unclaimed(LandedFile(data / "notes.txt"), NO_TAKER),)


def test_a_missing_data_folder_is_an_error(small: catalogue.Catalogue, tmp_path: Path, store: Store) -> None:
    with pytest.raises(UsageError, match="none does not exist"):
        status.survey(small, tmp_path / "none", store)
    assert not (tmp_path / "none").exists()


def test_without_a_data_folder_nothing_has_landed(
    small: catalogue.Catalogue, data: Path, tmp_path: Path, store: Store
) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    assert status.survey(small, None, store) == status.survey(small, empty, store)
    found = status.survey(small, None, store)
    assert {k: v.state for k, v in found.waves.items()} == {
        "poll_2019": "catalogued", WAVE: "catalogued", "report_2018": "landed", "report_2019": "landed",
    }  # fmt: skip
    assert found.unclaimed == ()
    # A wave that was built is no longer there to be fresh.
    built(small, data, store)
    assert status.survey(small, None, store).waves[WAVE].state == "catalogued"


def test_a_file_that_cannot_be_opened_fails_its_wave_and_no_other(
    small: catalogue.Catalogue, data: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    (data / "poll_2019.csv").write_text("id,wt\n1,1\n")
    whole = os.open

    def refuse(path: Any, *arguments: Any, **options: Any) -> int:
        if str(path) == "poll_2020.csv":
            raise PermissionError(13, "Permission denied", str(path))
        return whole(path, *arguments, **options)

    monkeypatch.setattr(os, "open", refuse)
    found = status.survey(small, data, store).waves
    assert (found[WAVE].state, found[WAVE].fingerprint) == ("failed", None)
    assert found[WAVE].reason == f"{WAVE} poll_2020.csv: the file cannot be opened. Give its reader permission."
    assert found["poll_2019"].state == "landed"


def test_synthetic_is_said_of_current_results_only(small: catalogue.Catalogue, data: Path, store: Store) -> None:
    def synthetic() -> bool:
        return status.is_synthetic(status.survey(small, data, store).waves[WAVE], store)

    assert synthetic() is False
    fingerprint = status.survey(small, data, store).waves[WAVE].fingerprint
    assert fingerprint is not None
    store.finish(WAVE, fingerprint, {"synthetic": True})
    assert synthetic() is True
    (data / "poll_2020.csv").write_text("id,wt\n1,2\n")
    assert synthetic() is False
    fingerprint = status.survey(small, data, store).waves[WAVE].fingerprint
    assert fingerprint is not None
    store.finish(WAVE, fingerprint, {"synthetic": False})
    assert synthetic() is False
    assert not status.is_synthetic(status.survey(small, data, store).waves["poll_2019"], store)


def test_a_file_that_is_not_the_one_the_manifest_states_fails_its_wave_and_no_other(
    small: catalogue.Catalogue, data: Path, store: Store
) -> None:
    (data / "poll_2019.csv").write_text("id,wt\n1,1\n")
    (data / "manifest.csv").write_text(f"file,sha256,rows,columns\npoll_2020.csv,{'0' * 64},,\n")
    found = status.survey(small, data, store).waves
    assert (found[WAVE].state, found[WAVE].fingerprint) == ("failed", None)
    assert found[WAVE].reason.startswith(f"{WAVE} poll_2020.csv: the file is not the one manifest.csv states.")
    assert found["poll_2019"].state == "landed"


def test_a_wave_in_a_zip_lands_and_a_refused_zip_stops_no_wave(
    small: catalogue.Catalogue, data: Path, store: Store
) -> None:
    (data / "bad.zip").write_text("PK\x03\x04")
    with zipfile.ZipFile(data / "8867.zip", "w") as archive:
        archive.writestr("tab/poll_2019.csv", "id,wt\n1,1\n")
    found = status.survey(small, data, store)
    assert (found.waves["poll_2019"].state, found.waves[WAVE].state) == ("landed", "landed")
    assert found.waves["poll_2019"].file == LandedFile(data / "8867.zip", "tab/poll_2019.csv")
    assert [u.file.below for u in found.unclaimed] == ["bad.zip"]
    assert "the zip archive is damaged" in found.unclaimed[0].reason


def test_digests_are_remembered_in_the_store(small: catalogue.Catalogue, data: Path, store: Store) -> None:
    status.survey(small, data, store)
    assert not store.root.exists()  # looking makes no folder
    built(small, data, store)
    later = (data / "poll_2020.csv").stat().st_ctime_ns + 10**10
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("time.time_ns", lambda: later)
        status.survey(small, data, store)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("hashlib.file_digest", pytest.fail)
        assert status.survey(small, data, store).waves[WAVE].state == "fresh"


# Lookups of areas


def with_place(small: catalogue.Catalogue, packaged: catalogue.Catalogue, **file: Any) -> catalogue.Catalogue:
    """Return the catalogue with a wave that is divided by region, from codes of areas through one lookup."""
    lookup = m.Lookup.model_validate(
        {
            "label": "Regions", "source": "maker", "countries": ["E"], "file": {"pattern": ["regions.csv"], **file},
            "key": {"column": "code", "geography": "lsoa11"}, "values": {"name": {"column": "name"}},
        }
    )  # fmt: skip
    region = m.Domain.model_validate(
        {"label": "R", "definition": "R.", "derived": {"through": ["regions"], "value": "name"}}
    )
    entry = small.microdata_waves[WAVE]
    changes = {"places": {"lsoa11": m.Place(column="home")}, "domains": [*entry.domains, "region"]}
    return replace(
        small, lookups={"regions": lookup}, domains={**small.domains, "region": region},
        geographies=packaged.geographies, waves={**small.waves, WAVE: entry.model_copy(update=changes)},
    )  # fmt: skip


def test_a_lookup_that_lands_makes_the_waves_that_use_it_stale_and_no_other(
    small: catalogue.Catalogue, packaged: catalogue.Catalogue, data: Path, store: Store
) -> None:
    placed = with_place(small, packaged)
    (data / "poll_2019.csv").write_text("id,wt\n1,1\n")
    for wave in small.waves:
        built(placed, data, store, wave)
    before = status.survey(placed, data, store)
    assert before.waves[WAVE].state == "fresh"
    assert before.waves[WAVE].reason == "without region: get regions.csv"
    assert before.lookups["regions"].state == "not landed"
    (data / "regions.csv").write_text("code,name\nE01000001,North\n")
    after = status.survey(placed, data, store)
    assert {k: v.state for k, v in after.waves.items()} == {
        "poll_2019": "fresh", WAVE: "stale", "report_2018": "fresh", "report_2019": "fresh",
    }  # fmt: skip
    assert after.waves[WAVE].reason == "its lookups of areas changed"
    assert (after.lookups["regions"].state, after.unclaimed) == ("landed", ())
    built(placed, data, store)
    assert store.newest(WAVE) == after.waves[WAVE].fingerprint
    assert status.survey(placed, data, store).waves[WAVE].state == "fresh"


def test_a_lookup_of_an_unknown_edition_fails_the_waves_that_use_it(
    small: catalogue.Catalogue, packaged: catalogue.Catalogue, data: Path, store: Store
) -> None:
    placed = with_place(small, packaged, sha256=["0" * 64])
    (data / "poll_2019.csv").write_text("id,wt\n1,1\n")
    (data / "regions.csv").write_text("code,name\nE01000001,North\n")
    found = status.survey(placed, data, store)
    assert found.lookups["regions"].state == "wrong file"
    assert (found.waves[WAVE].state, found.waves["poll_2019"].state) == ("failed", "landed")
    assert "lookup regions regions.csv: the file is none of the 1 edition(s)" in found.waves[WAVE].reason
    assert found.unclaimed == ()
