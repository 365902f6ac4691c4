"""Rows are set aside only by a rule the wave declares, counted, kept in the private store, and never lost."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from workbench import POLL, Project, Told, edit_text, make

from engagement_stats import catalogue, quarantine
from engagement_stats.catalogue import expected
from engagement_stats.catalogue import model as m
from engagement_stats.errors import CleaningError

WAVE = "poll_2020"
CANARY = "CANARY7731"
FASTER = {"rule": "speeders", "column": "secs", "least_seconds": 60}
TWICE = {"rule": "duplicates", "keep": "first"}


def deposited(rows: int = 40, **columns: list[object]) -> pd.DataFrame:
    base: dict[str, list[object]] = {
        "id": [f"r{i}" for i in range(rows)], "q1": ["1", "2"] * (rows // 2), "q2": ["1"] * rows,
        "hrs": ["2"] * rows, "sex": ["1", "2"] * (rows // 2), "age": [str(20 + i) for i in range(rows)],
        "secs": ["300"] * rows, "wt": ["1"] * rows,
    }  # fmt: skip
    return pd.DataFrame({**base, **columns})


def with_rules(
    small: catalogue.Catalogue, rules: dict[str, dict[str, object]], stop_above: float = 1.0
) -> catalogue.Catalogue:
    entry = expected.Quarantine.model_validate({"rules": rules, "stop_above": stop_above})
    wave = small.microdata_waves[WAVE].model_copy(update={"quarantine": entry})
    return replace(small, waves={**small.waves, WAVE: wave})


def aside(small: catalogue.Catalogue, raw: pd.DataFrame, **rules: dict[str, object]) -> dict[int, str]:
    """Say which rows of the file are set aside, and why; nothing is lost and the file is not changed."""
    before = raw.copy()
    split = quarantine.set_aside(raw, WAVE, with_rules(small, rules))
    pd.testing.assert_frame_equal(raw, before)
    assert len(split.kept) + len(split.aside) == len(raw)
    pd.testing.assert_frame_equal(quarantine.without(raw, split.aside), split.kept)
    rows = split.aside[quarantine.ROW].tolist()
    pd.testing.assert_frame_equal(split.aside[raw.columns], raw.iloc[rows].reset_index(drop=True))
    return dict(zip(rows, split.aside[quarantine.REASON], strict=True))


def changed(raw: pd.DataFrame, column: str, values: dict[int, object]) -> pd.DataFrame:
    out = raw.copy()
    for row, value in values.items():
        out.loc[row, column] = value
    return out


# --- the rules


def test_without_rules_every_row_is_kept(small: catalogue.Catalogue) -> None:
    raw = changed(deposited(), "id", {3: "r2"})
    split = quarantine.set_aside(raw, WAVE, small)
    assert split.kept is raw
    assert split.aside.empty
    assert quarantine.table(split, WAVE, small).empty
    pd.testing.assert_frame_equal(quarantine.without(raw, split.aside), raw)


def test_a_repeated_respondent_keeps_the_first_row_or_none(small: catalogue.Catalogue) -> None:
    raw = changed(deposited(), "id", {7: "r2", 9: "r2"})
    assert aside(small, raw, again=TWICE) == {7: "again", 9: "again"}
    assert aside(small, raw, again={**TWICE, "keep": "none"}) == {2: "again", 7: "again", 9: "again"}


def test_the_same_answers_are_compared_on_the_named_columns_only(small: catalogue.Catalogue) -> None:
    raw = changed(deposited(), "age", {5: "20", 11: "21"})
    rule = {**TWICE, "columns": ["q1", "age"]}
    # Row 5 has the age of row 0 and another answer; row 11 is row 1 again.
    assert aside(small, raw, again=rule) == {11: "again"}
    # As text, 1 and 1.0 are the same answer.
    assert aside(small, raw.assign(age=raw["age"].astype("float64")), again=rule) == {11: "again"}


def test_rows_empty_on_all_the_columns_are_not_each_other_s_duplicates(small: catalogue.Catalogue) -> None:
    raw = changed(changed(deposited(), "q1", {4: "", 8: ""}), "age", {4: "", 8: ""})
    assert aside(small, raw, again={**TWICE, "columns": ["q1", "age"]}) == {}


@pytest.mark.parametrize(
    ("rule", "fast"),
    [
        (FASTER, {1: "59.9", 2: "0"}),
        ({"rule": "speeders", "column": "secs", "least_of_median": 0.3}, {1: "89", 2: "1"}),
        ({**FASTER, "unit": "milliseconds", "least_seconds": 0.2}, {1: "199", 2: "0"}),
        ({**FASTER, "unit": "minutes", "least_seconds": 18000}, {1: "299", 2: "1"}),
    ],
)
def test_speeders_are_those_below_the_limit(
    small: catalogue.Catalogue, rule: dict[str, object], fast: dict[int, object]
) -> None:
    raw = changed(deposited(), "secs", {**fast, 3: ""})
    # An interview without a duration says nothing of its speed.
    assert aside(small, raw, fast=rule) == dict.fromkeys(fast, "fast")


def test_the_limit_itself_is_not_too_fast(small: catalogue.Catalogue) -> None:
    assert aside(small, changed(deposited(), "secs", {1: "60"}), fast=FASTER) == {}


def test_impossible_numbers_are_set_aside_and_missing_codes_are_not(small: catalogue.Catalogue) -> None:
    raw = changed(deposited(), "age", {1: "3", 2: "150", 3: "-9", 4: "16", 5: "110", 6: "15.9"})
    rule = {"rule": "impossible", "variable": "age", "range": [16, 110]}
    assert aside(small, raw, age=rule) == {1: "age", 2: "age", 6: "age"}


def test_an_interview_is_complete_by_its_status_or_by_its_answers(small: catalogue.Catalogue) -> None:
    raw = deposited(done=["yes"] * 38 + ["no", ""])
    rule = {"rule": "incomplete", "column": "done", "complete": ["yes"]}
    assert aside(small, raw, part=rule) == {38: "part", 39: "part"}
    # -8 of q1 is don't know, -9 of q2 refused, -1 of q2 not asked, which is not held against a respondent.
    raw = changed(changed(deposited(), "q1", {1: "-8", 2: "", 3: "1", 4: "-8"}), "q2", {1: "-9", 2: "", 3: "-1"})
    few = {"rule": "incomplete", "variables": ["joined", "helped"], "least_answered": 2}
    assert aside(small, raw, part=few) == {1: "part", 2: "part", 4: "part"}
    assert aside(small, raw, part={**few, "least_answered": 1}) == {1: "part", 2: "part"}


def test_a_row_counts_under_the_first_rule_it_breaks(small: catalogue.Catalogue) -> None:
    raw = changed(changed(deposited(), "secs", {1: "10", 2: "10"}), "id", {2: "r1"})
    assert aside(small, raw, fast=FASTER, again=TWICE) == {1: "fast", 2: "fast"}
    assert aside(small, raw, again=TWICE, fast=FASTER) == {1: "fast", 2: "again"}
    # The later of two rows of one respondent stays when an earlier rule took the first.
    only_first = changed(raw, "secs", {2: "300"})
    assert aside(small, only_first, fast=FASTER, again=TWICE) == {1: "fast"}


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 200), st.integers(0, 130)), min_size=1, max_size=25))
def test_rows_are_kept_or_set_aside_and_keep_their_order(rows: list[tuple[str, int, int]]) -> None:
    entry = expected.Quarantine.model_validate(
        {
            "rules": {
                "again": TWICE,
                "fast": {"rule": "speeders", "column": "secs", "least_of_median": 0.5},
            },
            "stop_above": 1.0,
        }
    )
    raw = pd.DataFrame(rows, columns=["id", "secs", "age"])
    wave = m.MicrodataWave.model_construct(respondent_id=m.RespondentId(columns=["id"]), quarantine=entry, variables={})
    book = catalogue.Catalogue(
        **{k: {} for k in catalogue.Catalogue.__dataclass_fields__ if k not in ("waves", "folder", "rules")},
        waves={WAVE: wave}, folder=None, rules=None,  # type: ignore[arg-type]
    )  # fmt: skip
    split = quarantine.set_aside(raw, WAVE, book)
    kept = [i for i in range(len(raw)) if i not in set(split.aside[quarantine.ROW])]
    assert len(kept) + len(split.aside) == len(raw)
    assert split.kept.to_numpy().tolist() == raw.iloc[kept].to_numpy().tolist()
    assert split.kept["id"].is_unique
    assert split.aside[quarantine.ROW].is_monotonic_increasing


# --- what stops a wave


def refused(small: catalogue.Catalogue, raw: pd.DataFrame, stop_above: float, **rules: dict[str, object]) -> str:
    with pytest.raises(CleaningError) as caught:
        quarantine.set_aside(raw, WAVE, with_rules(small, rules, stop_above))
    assert CANARY not in str(caught.value)
    return str(caught.value)


def test_more_than_the_declared_share_stops_the_wave_with_counts(small: catalogue.Catalogue) -> None:
    raw = changed(changed(deposited(), "secs", {1: "10", 2: "10"}), "id", {8: "r7"})
    message = refused(small, raw, 0.05, fast=FASTER, again=TWICE)
    assert message == (
        "poll_2020: the rules of quarantine set 3 of 40 rows aside (fast 2, again 1). Got a share of 0.075; expected "
        "at most 0.05. Look at the file; if the rules are right, raise quarantine.stop_above in waves/poll_2020.yaml."
    )
    # Exactly the share is still allowed.
    split = quarantine.set_aside(
        changed(deposited(), "secs", {1: "1", 2: "1"}), WAVE, with_rules(small, {"fast": FASTER}, 0.05)
    )
    assert len(split.aside) == 2


def test_a_wave_is_not_set_aside_whole(small: catalogue.Catalogue) -> None:
    assert "set 40 of 40 rows aside" in refused(small, deposited(secs=["1"] * 40), 1.0, fast=FASTER)


@pytest.mark.parametrize("bad", [CANARY, "nan", "inf"])
def test_a_duration_that_is_no_number_stops_the_wave_without_showing_it(small: catalogue.Catalogue, bad: str) -> None:
    message = refused(small, changed(deposited(), "secs", {1: bad}), 1.0, fast=FASTER)
    assert message.startswith("poll_2020 (waves/poll_2020.yaml, quarantine.rules.fast) secs: 1 respondent(s) have a")


def test_a_negative_duration_stops_the_wave(small: catalogue.Catalogue) -> None:
    assert "1 interview(s) last less than nothing" in refused(
        small, changed(deposited(), "secs", {1: "-5"}), 1.0, fast=FASTER
    )


# --- what a release shows


def counted(small: catalogue.Catalogue, counts: dict[str, int], rows: int = 2000) -> pd.DataFrame:
    book = with_rules(small, {k: {**FASTER, "least_seconds": i + 1} for i, k in enumerate(counts)})
    reasons = np.repeat(list(counts), list(counts.values()))
    out = pd.DataFrame({quarantine.ROW: range(len(reasons)), quarantine.REASON: reasons})
    return quarantine.table(quarantine.Split(pd.DataFrame(index=range(rows - len(out))), out), WAVE, book)


@pytest.mark.parametrize(
    ("counts", "shown"),
    [
        ({"a": 40, "b": 25}, {"a": 40, "b": 25}),
        ({"a": 0, "b": 25}, {"a": 0, "b": 25}),
        ({"a": 0, "b": 0}, {"a": 0, "b": 0}),
        # The total is known from the file's rows, so one small count alone would follow from the others.
        ({"a": 3, "b": 25, "c": 40}, {"a": None, "b": None, "c": 40}),
        ({"a": 3, "b": 0, "c": 40}, {"a": None, "b": 0, "c": None}),
        ({"a": 4, "b": 5, "c": 40}, {"a": None, "b": None, "c": None}),
        ({"a": 6, "b": 5, "c": 40}, {"a": None, "b": None, "c": 40}),
        ({"a": 9}, {"a": None}),
        ({"a": 10}, {"a": 10}),
    ],
)
def test_small_counts_are_withheld_and_do_not_follow_from_the_rest(
    small: catalogue.Catalogue, counts: dict[str, int], shown: dict[str, int | None]
) -> None:
    table = counted(small, counts)
    assert list(table.columns) == quarantine.COLUMNS
    found = dict(zip(table["reason"], table["respondents"], strict=True))
    assert {k: None if pd.isna(v) else v for k, v in found.items()} == shown
    for row in table.itertuples():
        assert row.is_suppressed == (shown[row.reason] is None)
        assert pd.isna(row.share) == row.is_suppressed
        assert row.symbol == "[c]" if row.is_suppressed else pd.isna(row.symbol)
        assert row.is_suppressed or row.share == row.respondents / 2000


def test_counts_in_brief_and_as_a_caveat(small: catalogue.Catalogue) -> None:
    some = counted(small, {"fast": 3, "again": 8, "age": 1200})
    assert quarantine.in_brief(some) == "set aside: fast fewer than 10; again fewer than 10; age 1,200"
    wave = small.microdata_waves[WAVE]
    assert "weights were made with them and were not made again" in quarantine.caveat(some, wave)
    none = counted(small, {"fast": 0})
    assert quarantine.in_brief(none) == ""
    assert quarantine.caveat(none, wave) == ""


def test_weights_we_make_are_made_of_the_rows_kept_and_carry_no_caveat_on_weights(small: catalogue.Catalogue) -> None:
    design = m.WaveDesign.model_validate({"made": {"main": {"margins": "x", "variables": ["sex"]}}})
    wave = small.microdata_waves[WAVE].model_copy(update={"design": design})
    assert quarantine.caveat(counted(small, {"fast": 30}), wave) == (
        "Rows were set aside before estimation (see the table quarantine)."
    )


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (TWICE, "rows with the same respondent identifier, all but the first"),
        (
            {**TWICE, "columns": ["q1", "age"], "keep": "none"},
            "rows with the same answers on q1, age, every one of them",
        ),
        (FASTER, "interviews shorter than 60 seconds (secs)"),
        ({"rule": "impossible", "variable": "age", "range": [16, 110]}, "age outside 16 to 110"),
        (
            {"rule": "incomplete", "column": "done", "complete": ["1", "2"]},
            "interviews not completed (done is not 1 or 2)",
        ),
        (
            {"rule": "incomplete", "variables": ["joined", "helped"], "least_answered": 2},
            "fewer than 2 of 2 questions answered (joined, helped)",
        ),
    ],
)
def test_rules_are_said_in_words(rule: dict[str, object], words: str) -> None:
    entry = expected.Quarantine.model_validate({"rules": {"reason": rule}})
    assert quarantine.in_words(entry.rules["reason"]) == words


# --- what a rule may be


@pytest.mark.parametrize(
    ("rule", "wrong"),
    [
        ({"rule": "speeders", "column": "secs"}, "exactly one of least_seconds and least_of_median"),
        ({**FASTER, "least_of_median": 0.3}, "exactly one of least_seconds and least_of_median"),
        ({**FASTER, "least_seconds": float("nan")}, "greater than 0"),
        ({"rule": "impossible", "variable": "age", "range": [110, 16]}, "upside down"),
        ({"rule": "incomplete", "column": "done"}, "column with complete"),
        ({"rule": "incomplete", "variables": ["joined"], "least_answered": 2}, "more than the number of variables"),
        ({"rule": "duplicates"}, "keep"),
        ({"rule": "sleepers"}, "sleepers"),
    ],
)
def test_a_rule_that_says_nothing_clear_is_refused(rule: dict[str, object], wrong: str) -> None:
    with pytest.raises(ValueError, match=wrong):
        expected.Quarantine.model_validate({"rules": {"reason": rule}})


# --- through the pipeline

RULES = """
quarantine:
  stop_above: 0.2
  rules:
    again: {rule: duplicates, keep: first}
    fast: {rule: speeders, column: seconds, least_seconds: 60}
    too_old: {rule: impossible, variable: age, range: [16, 110]}
"""
AGE = "  age: {column: age, numeric: [16, 110]}\nindicators:\n"


def spoil(frame: pd.DataFrame) -> pd.DataFrame:
    """Make 30 speeders, 4 respondents of impossible age and 12 repeated rows, the last of them with other answers."""
    frame = frame.assign(seconds="300", age="40")
    frame.loc[:29, "seconds"] = "5"
    frame.loc[100:103, "age"] = "150"
    repeated = frame.iloc[200:212].assign(weight=[CANARY_WEIGHT] * 12)
    return pd.concat([frame, repeated], ignore_index=True)


CANARY_WEIGHT = "1.2345678"


@pytest.fixture
def poll(tmp_path: Path) -> Project:
    project = make(tmp_path / "home").with_catalogue(tmp_path / "catalogue")
    assert project.catalogue is not None
    entry = project.catalogue / "waves" / f"{POLL}.yaml"
    entry.write_text(entry.read_text().replace("indicators:\n", AGE, 1) + RULES)
    edit_text(project.file(POLL), spoil)
    return project


@pytest.fixture
def told(poll: Project, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Told:
    return Told(poll, capsys, monkeypatch)


def test_rows_set_aside_are_kept_apart_counted_and_shown(poll: Project, told: Told) -> None:
    code, _, err = told("run", "--wave", POLL)
    assert code == 0, err
    counts = poll.query("SELECT * FROM quarantine ORDER BY position")
    assert counts[["wave", "reason", "rule"]].to_numpy().tolist() == [
        [POLL, "again", "rows with the same respondent identifier, all but the first"],
        [POLL, "fast", "interviews shorter than 60 seconds (seconds)"],
        [POLL, "too_old", "age outside 16 to 110"],
    ]
    # 12, 30 and 4; the next smallest goes with the 4, which would follow from the total.
    assert counts["respondents"].astype("object").where(counts["respondents"].notna(), None).tolist() == [
        None,
        30,
        None,
    ]
    assert counts["is_synthetic"].all()
    build = next(poll.workspace.private.glob(f"{POLL}/*/quarantined.parquet"))
    kept = pd.read_parquet(build)
    assert kept[quarantine.REASON].value_counts().to_dict() == {"fast": 30, "again": 12, "too_old": 4}
    assert set(kept.loc[kept[quarantine.REASON] == "again", "weight"]) == {CANARY_WEIGHT}
    assert build.stat().st_mode & 0o077 == 0
    # Rows of the file are responses and rows set aside, and each estimate rests on the responses.
    responses = pd.read_parquet(build.with_name("responses.parquet"))
    assert len(responses) + len(kept) == len(pd.read_parquet(build.with_name("raw.parquet"))) == 612
    base = poll.value(
        f"SELECT max(base_unweighted + base_missing) FROM estimates WHERE wave = '{POLL}' AND domain = 'all'"
    )
    assert base == len(responses) == 566
    weights = pd.read_parquet(build.with_name("weights.parquet"))["main"]
    file = pd.read_csv(poll.file(POLL), dtype=str).drop(index=kept[quarantine.ROW])
    assert weights.tolist() == file["weight"].astype(float).tolist()
    assert "not made again for the respondents kept" in str(poll.value(f"SELECT note FROM waves WHERE id = '{POLL}'"))
    assert poll.value("SELECT count(*) FROM waves WHERE note LIKE '%not made again%'") == 1
    status = told("status", "--format", "csv")[1]
    assert "set aside: again fewer than 10; fast 30; too_old fewer than 10" in status


def test_without_rules_the_same_file_stops_the_wave(poll: Project, told: Told) -> None:
    assert poll.catalogue is not None
    entry = poll.catalogue / "waves" / f"{POLL}.yaml"
    entry.write_text(entry.read_text().replace(RULES, ""))
    code, _, err = told("run", "--wave", POLL)
    assert code == 1
    assert "24 rows share a respondent identifier with another row" in err
    assert CANARY_WEIGHT not in err


def test_too_many_set_aside_stop_the_wave(poll: Project, told: Told) -> None:
    assert poll.catalogue is not None
    entry = poll.catalogue / "waves" / f"{POLL}.yaml"
    entry.write_text(entry.read_text().replace("stop_above: 0.2", "stop_above: 0.05"))
    code, _, err = told("run", "--wave", POLL)
    assert code == 1
    assert "the rules of quarantine set 46 of 612 rows aside (again 12, fast 30, too_old 4)" in err
    assert not list(poll.workspace.private.rglob("quarantined.parquet"))
