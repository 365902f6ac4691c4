"""A published number changes only with a word in the ledger; new ones, and those of invented respondents, need none."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pytest
import released
from released import ESTIMATE, REVISION, table
from workbench import CLS_2018, CLS_2019, POLL, Project, Told, edit_text, make

from engagement_stats import catalogue, corrections, disclose, publish, releases
from engagement_stats.catalogue import model as m
from engagement_stats.errors import DisclosureError, PublishError, UsageError
from pipelines.run import Decision, run

NOISE = 1e-9
NO_REVISIONS = table("revisions")


@pytest.fixture
def rules(packaged: catalogue.Catalogue) -> m.ReleaseRules:
    return packaged.rules.releases


def stands(*rows: dict[str, Any], release: str = "r1") -> pd.DataFrame:
    return table("estimates", *rows).assign(release_id=release)


def changes(old: dict[str, Any], new: dict[str, Any] | None, revisions: pd.DataFrame = NO_REVISIONS) -> pd.DataFrame:
    rows = [] if new is None else [{**old, **new}]
    return corrections.changed(stands(old), table("estimates", *rows), revisions, NOISE)


# --- what is a change


def test_each_number_that_differs_is_one_change() -> None:
    out = changes(ESTIMATE, {"estimate": 0.41, "base_unweighted": 501})
    assert out[["column", "old", "new", "replaces"]].values.tolist() == [
        ["base_unweighted", 500, 501, "r1"], ["estimate", 0.4, 0.41, "r1"],
    ]  # fmt: skip


@pytest.mark.parametrize(
    "new",
    [
        {},
        {"estimate": 0.4 * (1 + 1e-12), "standard_error": 0.02 + 1e-13},
        {"run_id": "other", "note": "N", "quality": "caution", "design_effect": 1.1},
    ],
)
def test_arithmetic_in_another_order_and_what_describes_a_number_are_no_change(new: dict[str, Any]) -> None:
    assert changes(ESTIMATE, new).empty


def test_a_change_just_beyond_the_noise_is_one() -> None:
    assert len(changes(ESTIMATE, {"estimate": 0.4 + 1.1e-9})) == 1
    assert changes(ESTIMATE, {"estimate": 0.4 + 0.9e-9}).empty


def test_a_number_that_is_hidden_or_gone_was_published_and_one_that_appears_was_not() -> None:
    hidden = changes(ESTIMATE, {"estimate": None, "base_unweighted": None, "is_suppressed": True})
    assert hidden["column"].tolist() == ["base_unweighted", "estimate"]
    assert hidden["new"].isna().all()
    gone = changes(ESTIMATE, None)
    assert gone[["column", "old"]].values.tolist() == [["", 0.4]]
    shown = changes({**ESTIMATE, "estimate": None, "standard_error": None}, {"estimate": 0.4, "standard_error": 0.02})
    assert shown.empty
    assert changes({**ESTIMATE, "estimate": None}, None).empty


def test_new_waves_and_new_rows_need_nothing() -> None:
    new = table("estimates", ESTIMATE, {**ESTIMATE, "wave": "poll_2021"}, {**ESTIMATE, "level": "Male"})
    assert corrections.changed(stands(ESTIMATE), new, NO_REVISIONS, NOISE).empty


def test_a_figure_its_producer_replaced_accounts_for_itself() -> None:
    known = table("revisions", REVISION)
    assert changes(ESTIMATE, {"estimate": 0.41}, known).empty
    # Not when the replaced figure is another than the one that stands.
    assert len(changes({**ESTIMATE, "estimate": 0.39}, {"estimate": 0.41}, known)) == 1
    assert len(changes({**ESTIMATE, "level": "Male"}, {"estimate": 0.41}, known)) == 1


# --- what accounts for it


def entry(held: corrections.Held, **changed: str) -> corrections.Entry:
    line = corrections.Entry("2026-01-31", "me", held.wave, "correction", "Why.", held.replaces, held.change)
    return replace(line, **changed)  # type: ignore[arg-type]


def test_an_entry_covers_the_very_change_it_names_or_all_of_a_wave_against_a_release() -> None:
    found = corrections.held(changes(ESTIMATE, {"estimate": 0.41}), [])
    assert [(h.wave, h.replaces, h.estimates) for h in found] == [("poll_2020", "r1", 1)]
    (other,) = corrections.held(changes(ESTIMATE, {"estimate": 0.42}), [])
    (same,) = corrections.held(changes(ESTIMATE, {"estimate": 0.41}), [])
    assert same.change == found[0].change != other.change
    frame = changes(ESTIMATE, {"estimate": 0.41})
    assert corrections.held(frame, [entry(found[0])]) == []
    assert corrections.held(frame, [entry(found[0], change="")]) == []
    for wrong in ({"change": other.change}, {"wave": "poll_2019"}, {"replaces": "r0"}):
        assert len(corrections.held(frame, [entry(found[0], **wrong)])) == 1, wrong


def test_the_message_says_what_changed_most_and_what_to_do(rules: m.ReleaseRules) -> None:
    both = corrections.changed(
        stands(ESTIMATE, {**ESTIMATE, "level": "Male"}),
        table("estimates", {**ESTIMATE, "estimate": 0.41}, {**ESTIMATE, "level": "Male", "estimate": 0.43}),
        NO_REVISIONS, NOISE,
    )  # fmt: skip
    said = corrections.message(corrections.held(both, []), Path("held.csv"), list(rules.kinds))
    assert said.splitlines()[0].startswith("release: held, because 2 published estimate(s) would change")
    assert "poll_2020: 2 estimate(s) differ from release r1, most joined_12m, all, Male" in said
    assert "estimate was 0.4, now 0.43" in said
    assert "held.csv" in said
    assert '--accept "REASON" --kind revision|correction|method' in said
    assert "respondents" not in said
    waiting = corrections.held(both, [])
    said = corrections.message(waiting, Path("held.csv"), list(rules.kinds), 3, {"poll_2020": 10})
    assert "3 of them would be hidden" in said
    assert "poll_2020: the answers or weights of fewer than 10 respondents differ from those published." in said
    (gone,) = corrections.held(changes(ESTIMATE, None), [])
    assert "was 0.4, withdrawn" in gone.described()


def test_a_ledger_is_written_read_and_told_of_in_the_release(tmp_path: Path, rules: m.ReleaseRules) -> None:
    warehouse = tmp_path / "engagement_stats.duckdb"
    releases.folder(warehouse).mkdir()
    assert corrections.read(warehouse, rules) == []
    assert corrections.named([]) == ""
    waiting = corrections.held(changes(ESTIMATE, {"estimate": 0.41}), [])
    with pytest.raises(UsageError, match="the reason is empty"):
        corrections.accept(warehouse, waiting, [], reason=" ", kind="correction", small_groups="hide")
    new = corrections.accept(
        warehouse, waiting, [], reason='A "slip",\nput right', kind="correction", small_groups="hide"
    )
    read = corrections.read(warehouse, rules)
    assert read == new
    assert corrections.named(read) != ""
    assert corrections.held(waiting[0].rows, read) == []
    out = corrections.table(read, ["poll_2020"])
    assert out[["wave", "replaces", "kind", "symbol", "reason", "estimates"]].values.tolist() == [
        ["poll_2020", "r1", "correction", "[r]", 'A "slip", put right', 1]
    ]
    assert "accepted_by" not in out
    assert len(corrections.table(read, ["poll_2021"])) == 0


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("2026-01-31,me,w,typo,Why.,r1,,,", "line 2: kind is not known. Got typo; expected revision or correction"),
        ("2026-01-31,me,w,method,,r1,,,", "line 2: reason is not given"),
        ("31/1/2026,me,w,method,Why.,r1,,,", "accepted_on is no date. Got 31/1/2026"),
        ("2026-01-31,me,w,method,Why.,r1,,,show", "file does not say of which file"),
        ("2026-01-31,me,w,method,Why.,r1,,,perhaps", "small_groups is not known. Got perhaps"),
    ],
)
def test_a_ledger_that_says_nonsense_stops_the_release(
    tmp_path: Path, rules: m.ReleaseRules, line: str, said: str
) -> None:
    warehouse = tmp_path / "engagement_stats.duckdb"
    releases.folder(warehouse).mkdir()
    header = "accepted_on,accepted_by,wave,kind,reason,replaces,change,estimates,small_groups"  # not all are needed
    corrections.path(warehouse).write_text(f"{header}\n{line}\n")
    with pytest.raises(PublishError, match=said.replace("(", r"\(")):
        corrections.read(warehouse, rules)
    corrections.path(warehouse).write_text("wave,kind\nw,method\n")
    with pytest.raises(PublishError, match="the columns are accepted_on"):
        corrections.read(warehouse, rules)


# --- against which release


def test_each_wave_is_held_against_the_newest_real_release_that_has_it(
    small: catalogue.Catalogue, tmp_path: Path
) -> None:
    warehouse = tmp_path / "engagement_stats.duckdb"
    frames = released.frames(small)

    def put(release: str, inputs: str, estimate: float, synthetic: bool = False) -> None:
        runs = frames["runs"].assign(input_digests=inputs, is_synthetic=synthetic)
        waves = [w for w in ("poll_2019", "poll_2020") if w in inputs]
        rows = [{**ESTIMATE, "wave": w, "estimate": estimate} for w in waves]
        given = {**frames, "runs": runs, "estimates": table("estimates", *rows)}
        releases.put_in_place(given, release, warehouse, replaces=publish.current_release(warehouse), keep=10)

    both, one = '{"poll_2019": "f", "poll_2020": "f"}', '{"poll_2020": "f"}'
    put("r1", both, 0.40)
    put("r2", one, 0.41)
    put("r3", both, 0.42, synthetic=True)
    put("r4", both, 0.43)
    releases.roll_back(warehouse, "r3", "why")

    def found() -> dict[str, list[Any]]:
        out = corrections.standing(warehouse, ["poll_2019", "poll_2020", "new"])
        return {str(r.wave): [r.release_id, r.estimate] for r in out.itertuples()}

    assert found() == {"poll_2019": ["r1", 0.40], "poll_2020": ["r2", 0.41]}
    releases.roll_back(warehouse, "r4", "why")
    assert found() == {"poll_2019": ["r4", 0.43], "poll_2020": ["r4", 0.43]}


# --- a whole project


@pytest.fixture(scope="module")
def untouched(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Return a project of real respondents, as far as the program can tell, with its first release."""
    project = make(tmp_path_factory.mktemp("real") / "home", adults=50, poll=400)
    project.file(CLS_2018).unlink()
    project.file(CLS_2019).unlink()
    edit_text(project.file(POLL), lambda frame: frame.drop(columns="synthetic_data"))
    report = project.run()
    assert report.failed == {}
    assert report.synthetic is False
    return project


@pytest.fixture
def real(untouched: Project, tmp_path: Path) -> Project:
    return untouched.copy(tmp_path / "home")


def reweighted(row: int) -> Callable[[pd.DataFrame], pd.DataFrame]:
    def edit(frame: pd.DataFrame) -> pd.DataFrame:
        weight = frame["weight"].astype(float)
        weight.iloc[row] *= 1.5
        return frame.assign(weight=weight.map(repr))

    return edit


def test_one_weight_changed_holds_the_release_until_it_is_accepted(
    real: Project, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    told = Told(real, capsys, monkeypatch)
    first, before = real.value("SELECT release_id FROM runs"), real.warehouse.read_bytes()
    edit_text(real.file(POLL), reweighted(7))
    code, _, err = told("run")
    assert code == 1
    assert "FAILED release\n  release: held, because" in err
    assert "1 wave(s) built, " in err
    assert f" unchanged, 0 failed.\nThe release was held; {first} stays.\n" in err
    assert "Nothing changed" not in err
    assert POLL in err
    assert real.warehouse.read_bytes() == before
    assert f"{POLL}: the answers or weights of fewer than 10 respondents differ from those published." in err
    assert "would be hidden" not in err
    listing = next(real.workspace.private.rglob("held.csv"))
    assert str(listing) in err
    assert {POLL} == set(pd.read_csv(listing)["wave"])

    # It stays so until somebody says why, and how.
    assert told("run")[0] == 1
    code, _, err = told("run", "--accept", "A weight was mistyped")
    assert (code, "--kind: what sort of change is it?" in err) == (2, True)
    assert told("run", "--kind", "correction")[0] == 2
    code, _, err = told("run", "--accept", "A weight was mistyped", "--kind", "correction")
    assert code == 0, err
    assert "Accepted as correction" in err
    second = real.value("SELECT release_id FROM runs")
    assert second != first
    row = real.query("FROM corrections").iloc[0]
    assert (row["wave"], row["replaces"], row["kind"]) == (POLL, first, "correction")
    assert (row["reason"], row["symbol"]) == ("A weight was mistyped", "[r]")

    # Exactly the numbers that changed are named, found here in another way.
    code, out, _ = told("releases", "diff", "previous", "current", "--format", "csv")
    (real.root / "diff.csv").write_text(out)
    diff = pd.read_csv(real.root / "diff.csv", dtype=str, keep_default_na=False)
    frames = [real_table(real, r) for r in (first, second)]
    key = ["wave", "indicator", "domain", "level"]
    one, two = (f.set_index(key).sort_index() for f in frames)
    expected = {
        (", ".join(f"{k}={v}" for k, v in zip(key, i, strict=True)), c): (one.loc[i, c], two.loc[i, c])
        for i in one.index
        for c in one.columns.difference(["release_id", "run_id"])
        if one.loc[i, c] != two.loc[i, c]
    }
    shown = diff[diff["table"] == "estimates"]
    assert set(zip(shown["key"], shown["column"], strict=True)) == set(expected)
    assert {c for _, c in expected} >= {"estimate", "standard_error", "ci_lower", "base_weighted"}
    for r in shown.itertuples():
        old, new = expected[r.key, r.column]
        if isinstance(old, float) and isinstance(new, float):
            assert (float(r.old), float(r.new), float(r.change)) == (old, new, new - old)
    # The sums of weights of respondents elsewhere did not change, and are not named.
    assert len(expected) < one.size / 2

    # A change for many tells of nobody.
    edit_text(real.file(POLL), lambda frame: frame.assign(weight=frame["weight"].astype(float) + frame.index % 2))
    code, _, err = told("run")
    assert (code, "held, because" in err, "respondents differ" in err) == (1, True, False)
    edit_text(real.file(POLL), lambda frame: frame.assign(weight=frame["weight"].astype(float) - frame.index % 2))

    # Nothing is held any more, and the ledger is no way round: another change waits again.
    assert told("run")[0] == 0
    edit_text(real.file(POLL), reweighted(9))
    assert told("run")[0] == 1


def test_a_release_that_cannot_be_made_is_no_failed_wave(
    real: Project, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuses(*_: object) -> None:
        raise DisclosureError("a small cell can be worked out")

    told = Told(real, capsys, monkeypatch)
    first = real.value("SELECT release_id FROM runs")
    edit_text(real.file(POLL), reweighted(7))
    monkeypatch.setattr(disclose, "check", refuses)
    code, _, err = told("run", "--accept", "A weight was mistyped", "--kind", "revision")
    assert code == 1
    assert "FAILED release\n  a small cell can be worked out" in err
    assert f" unchanged, 0 failed.\nThe release could not be made; {first} stays.\n" in err
    real.warehouse.unlink()
    code, _, err = told("run")
    assert code == 1
    assert " unchanged, 0 failed.\nThe release could not be made; there is none.\n" in err
    assert "Nothing changed" not in err


@pytest.mark.parametrize("others", [True, False])
def test_nothing_is_accepted_for_a_wave_that_failed(
    real: Project, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, others: bool
) -> None:
    told = Told(real, capsys, monkeypatch)
    edit_text(real.file(POLL), lambda frame: frame.drop(columns="weight"))
    if not others:  # then there is nothing at all to make a release of
        for folder in real.workspace.private.iterdir():
            if folder.is_dir() and folder.name[0].isalpha():
                shutil.rmtree(folder)
    code, _, err = told("run", "--wave", POLL, "--accept", "x", "--kind", "revision")
    assert code == 1
    assert f"--accept: nothing is accepted for {POLL}, which failed" in err
    assert "unexpected" not in err
    assert "Accepted as" not in err
    assert not corrections.path(real.warehouse).exists()


def real_table(project: Project, release: object) -> pd.DataFrame:
    path = releases.path_of(project.warehouse, str(release))
    with duckdb.connect(str(path), read_only=True) as connection:
        frame = connection.execute("FROM estimates").df()
    return frame.astype("object").where(frame.notna(), None)


def test_a_release_gone_back_from_is_not_published_again_unasked(
    real: Project, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    told = Told(real, capsys, monkeypatch)
    first = real.value("SELECT release_id FROM runs")
    edit_text(real.file(POLL), reweighted(7))
    run(real.workspace, (), decision=Decision(accept="x", kind="revision"))
    second = real.value("SELECT release_id FROM runs")
    assert told("releases", "rollback", "previous", "--reason", "The revision was wrong.")[0] == 0
    assert real.value("SELECT release_id FROM runs") == first
    code, _, err = told("run")
    assert code == 0
    assert f"{second} is what the inputs give, but" in err
    assert "The revision was wrong." in err
    assert real.value("SELECT release_id FROM runs") == first
    code, _, err = told("run", "--again", "It was right after all")
    assert (code, real.value("SELECT release_id FROM runs")) == (0, second), err
    assert [x["action"] for x in releases.log(real.warehouse)] == [
        "published", "published", "rolled back", "to be published again", "published",
    ]  # fmt: skip
    code, out, _ = told("releases", "list", "--format", "csv")
    assert code == 0
    assert second in out


def test_invented_respondents_are_never_in_the_way(tmp_path: Path) -> None:
    project = make(tmp_path / "home", adults=50, poll=400)
    for wave in (CLS_2018, CLS_2019):
        project.file(wave).unlink()
    assert project.run(POLL).failed == {}
    edit_text(project.file(POLL), reweighted(7))
    report = project.run(POLL)
    assert (report.failed, report.release_is_new) == ({}, True)
