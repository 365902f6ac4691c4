"""Where each wave stands follows from what landed, what was built, and what of the two has changed."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from engagement_stats import catalogue, status
from engagement_stats.errors import UsageError
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
        data / "poll_2020.csv",
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
    assert status.survey(small, data, store).unclaimed == (data / "notes.txt",)


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
    whole = Path.open

    def refuse(path: Path, *arguments: Any, **options: Any) -> Any:
        if path.name == "poll_2020.csv":
            raise PermissionError(13, "Permission denied", str(path))
        return whole(path, *arguments, **options)

    monkeypatch.setattr(Path, "open", refuse)
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
