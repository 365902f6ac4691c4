"""A release is built beside the old one, checked against the schema, and put in place whole or not at all."""

import os
import re
from dataclasses import replace
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pytest
import released
from released import COMPARISON, ESTIMATE, table

from engagement_stats import catalogue, publish
from engagement_stats.catalogue import model as m
from engagement_stats.errors import ForeignFileError, PublishError
from engagement_stats.store import Fingerprint

CANARY = "CANARY7731"


@pytest.fixture
def frames(small: catalogue.Catalogue) -> dict[str, pd.DataFrame]:
    return released.frames(small)


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "out" / "release.duckdb"


def query(path: Path, sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(path), read_only=True) as connection:
        return connection.execute(sql).fetchall()


def beside(target: Path) -> list[str]:
    """Return what lies in the folder of a release besides the release."""
    return sorted(p.name for p in target.parent.iterdir() if p != target)


# --- what is released


def test_a_release_can_be_read_and_named(frames: dict[str, pd.DataFrame], target: Path) -> None:
    assert publish.current_release(target) is None
    assert publish.is_synthetic(target) is None
    publish.build(frames, "r0", target)
    assert publish.current_release(target) == "r0"
    assert publish.is_synthetic(target) is False
    assert beside(target) == []
    assert query(target, "SELECT level, estimate, base_unweighted FROM estimates ORDER BY level") == [
        ("Male", 0.4, 500), ("all", 0.4, 500),
    ]  # fmt: skip
    assert query(target, "SELECT label, per_cent, base FROM headline_table") == [("Joined", 40.0, 500)]


def test_every_row_of_every_table_names_the_release(frames: dict[str, pd.DataFrame], target: Path) -> None:
    publish.build(frames, "r0", target)
    for name, frame in frames.items():
        assert query(target, f"SELECT count(*), count(DISTINCT release_id), min(release_id) FROM {name}") == [
            (len(frame), 1, "r0")
        ], name


def test_every_table_view_and_column_is_explained(frames: dict[str, pd.DataFrame], target: Path) -> None:
    publish.build(frames, "r0", target)
    assert query(target, "SELECT table_name FROM duckdb_tables() WHERE coalesce(comment, '') = ''") == []
    assert query(target, "SELECT view_name FROM duckdb_views() WHERE NOT internal AND coalesce(comment, '') = ''") == []
    tables = "SELECT table_name FROM duckdb_tables()"
    views = "SELECT view_name FROM duckdb_views() WHERE NOT internal"
    assert query(target, f"SELECT table_name, column_name FROM duckdb_columns() WHERE coalesce(comment, '') = '' "
                         f"AND (table_name IN ({tables}) OR table_name IN ({views}))") == []  # fmt: skip
    # The columns of views are among those looked at.
    assert {v for (v,) in query(target, views)} <= {
        t for (t,) in query(target, "SELECT DISTINCT table_name FROM duckdb_columns() WHERE comment IS NOT NULL")
    }
    assert len(query(target, tables)) == len(frames)


def test_every_view_can_be_selected_from(frames: dict[str, pd.DataFrame], target: Path) -> None:
    publish.build(frames, "r0", target)
    views = [v for (v,) in query(target, "SELECT view_name FROM duckdb_views() WHERE NOT internal")]
    assert {"headline_table", "trend", "lbn_v_england"} <= set(views)
    for view in views:
        query(target, f"SELECT * FROM {view}")


def test_older_duckdb_can_read_the_file(frames: dict[str, pd.DataFrame], target: Path) -> None:
    publish.build(frames, "r0", target)
    # The header: checksum, then "DUCK", then the storage version, 64 for DuckDB 0.9 to 1.1.
    header = target.read_bytes()[:24]
    assert header[8:12] == b"DUCK"
    assert int.from_bytes(header[12:20], "little") == 64
    with duckdb.connect(str(target), read_only=True) as connection:
        tags = connection.execute("SELECT tags FROM duckdb_databases() WHERE NOT internal").fetchone()
    assert tags is not None
    assert "v1.0.0" in str(tags[0])


def test_two_builds_have_the_same_content(frames: dict[str, pd.DataFrame], tmp_path: Path) -> None:
    paths = [tmp_path / "a.duckdb", tmp_path / "b.duckdb"]
    for path in paths:
        publish.build(frames, "r0", path)
    for name in frames:
        one, two = (query(path, f"SELECT * FROM {name} ORDER BY ALL") for path in paths)
        # Through repr: a null double is not equal to itself, and digits must agree to the last.
        assert repr(one) == repr(two), name
        unordered = [repr(query(path, f"SELECT * FROM {name}")) for path in paths]
        assert unordered[0] == unordered[1], name


# --- putting it in place


def test_a_reader_of_the_old_release_is_not_disturbed(frames: dict[str, pd.DataFrame], target: Path) -> None:
    publish.build(frames, "r0", target)
    with duckdb.connect(str(target), read_only=True) as reader:
        assert reader.execute("SELECT release_id FROM runs").fetchone() == ("r0",)
        other = target.with_name("r1.duckdb")
        publish.build(frames, "r1", other)
        other.replace(target)
        assert reader.execute("SELECT DISTINCT release_id FROM estimates").fetchall() == [("r0",)]
    assert publish.current_release(target) == "r1"


def test_a_release_replaces_the_one_before(frames: dict[str, pd.DataFrame], target: Path) -> None:
    publish.build(frames, "r0", target)
    inode = target.stat().st_ino
    with target.open("rb") as held:
        publish.build(frames, "r1", target)
        # The old file lives on for who holds it: it was exchanged, not written over.
        assert os.fstat(held.fileno()).st_ino == inode
        assert held.read(12)[8:] == b"DUCK"
    assert target.stat().st_ino != inode
    assert publish.current_release(target) == "r1"
    assert beside(target) == []


def test_what_a_killed_build_left_is_no_obstacle(frames: dict[str, pd.DataFrame], target: Path) -> None:
    # In a container every run may have the same process id.
    target.parent.mkdir(parents=True)
    scrap = target.with_name(f".{target.name}.{os.getpid()}.building")
    with duckdb.connect(str(scrap)) as connection:
        connection.execute("CREATE TABLE estimates (x INTEGER)")
    scrap.with_name(scrap.name + ".wal").write_bytes(b"half")
    publish.build(frames, "r0", target)
    assert publish.current_release(target) == "r0"
    assert beside(target) == []


def test_a_file_that_is_no_release_is_no_release(target: Path) -> None:
    target.parent.mkdir()
    target.write_text("not a database")
    with pytest.raises(ForeignFileError):
        publish.current_release(target)
    target.unlink()
    with duckdb.connect(str(target)) as connection:
        connection.execute("CREATE TABLE other (x INTEGER)")
    with pytest.raises(ForeignFileError):
        publish.current_release(target)


def test_a_quote_in_the_folder_s_name_is_a_name(frames: dict[str, pd.DataFrame], tmp_path: Path) -> None:
    target = tmp_path / "o'brien; DROP" / "r.duckdb"
    publish.build(frames, "r0", target)
    assert publish.current_release(target) == "r0"


# --- what is refused


def failed(frames: dict[str, pd.DataFrame], target: Path) -> str:
    """Return the message of a build that fails, having checked that the release in place is as it was."""
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(b"the old release")
    with pytest.raises(PublishError) as caught:
        publish.build(frames, "r0", target)
    assert target.read_bytes() == b"the old release"
    assert beside(target) == []
    assert CANARY not in str(caught.value)
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    return str(caught.value)


def test_tables_and_columns_must_be_those_of_the_schema(frames: dict[str, pd.DataFrame], target: Path) -> None:
    without = {k: v for k, v in frames.items() if k != "claims"}
    assert "do not agree on claims" in failed(without, target)
    assert "do not agree on extra" in failed({**frames, "extra": frames["claims"]}, target)
    more = {**frames, "claims": frames["claims"].assign(postcode=CANARY)}
    assert failed(more, target).startswith("claims: the frame and warehouse/schema.sql do not agree on postcode")
    fewer = {**frames, "estimates": frames["estimates"].drop(columns="source")}
    assert failed(fewer, target).startswith("estimates: the frame and warehouse/schema.sql do not agree on source")


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("estimates", {"estimate": 1.2, "ci_upper": 1.3}),
        ("estimates", {"ci_lower": 0.41}),
        ("estimates", {"standard_error": -0.1}),
        ("estimates", {"variance_basis": CANARY}),
        ("estimates", {"quality": "suppressed", "is_suppressed": True}),
        ("estimates", {"is_suppressed": True}),
        ("estimates", {"survey": None}),
        ("comparisons", {"grade": "not_comparable"}),
        ("comparisons", {"grade": "not_comparable", "verdict": "higher", "p_value": None, "p_adjusted": None}),
        ("comparisons", {"verdict": "not comparable"}),
        ("comparisons", {"verdict": CANARY}),
        ("comparisons", {"p_adjusted": 0.5}),
        ("comparisons", {"is_suppressed": True, "verdict": None}),
        ("claims", {"verdict": CANARY}),
        ("claims", {"support": CANARY}),
        ("claims", {"support": None}),
        ("claims", {"holds_now": CANARY}),
        ("benchmarks", {"verdict": CANARY}),
        ("benchmarks", {"is_synthetic": None}),
        ("weighting", {"kind": None}),
        ("trends", {"direction": "up"}),
        ("trends", {"ci_lower": 0.012}),
        ("league_tables", {"rank_lower": 3}),
        ("league_tables", {"rank_upper": 10}),
        ("weighting_margins", {"population_share": None}),
        ("weighting_margins", {"is_suppressed": None}),
        ("weighting", {"zero_weights": 3}),
        ("quarantine", {"respondents": 9}),
        ("quarantine", {"respondents": None}),
        ("quarantine", {"is_suppressed": True}),
    ],
)
def test_a_row_that_breaks_a_rule_stops_the_release(
    frames: dict[str, pd.DataFrame], target: Path, name: str, changes: dict[str, Any]
) -> None:
    broken = frames[name].astype("object")
    broken.loc[0, list(changes)] = list(changes.values())
    message = failed({**frames, name: broken.infer_objects()}, target)
    assert name in message
    assert "breaks a rule of warehouse/schema.sql" in message


def test_a_row_given_twice_stops_the_release(frames: dict[str, pd.DataFrame], target: Path) -> None:
    twice = pd.concat([frames["claims"].assign(claim=CANARY)] * 2, ignore_index=True)
    assert "breaks a rule of warehouse/schema.sql" in failed({**frames, "claims": twice}, target)
    for name in ("weighting", "weighting_margins"):
        twice = pd.concat([frames[name].iloc[:1]] * 2, ignore_index=True)
        assert "a key is repeated" in failed({**frames, name: twice}, target)


def test_a_value_of_another_type_is_refused_without_showing_it(frames: dict[str, pd.DataFrame], target: Path) -> None:
    text = frames["estimates"].astype({"estimate": "object"})
    text.loc[0, "estimate"] = CANARY
    failed({**frames, "estimates": text}, target)


def test_a_disk_that_refuses_is_said_so(
    frames: dict[str, pd.DataFrame], target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(publish, "sync", full)
    assert "could not be written (No space left on device)" in failed(frames, target)


def test_suppressed_rows_hold_no_number_in_the_file(frames: dict[str, pd.DataFrame], target: Path) -> None:
    hidden = {k: v for k, v in ESTIMATE.items() if not isinstance(v, float | int) or isinstance(v, bool)}
    hidden |= {"level": "Female", "domain": "sex", "is_suppressed": True, "quality": "suppressed", "symbol": "[c]"}
    both = pd.concat([frames["estimates"], table("estimates", hidden).dropna(axis=1, how="all")], ignore_index=True)
    publish.build({**frames, "estimates": both}, "r0", target)
    numeric = [c for (c,) in query(target, "SELECT column_name FROM duckdb_columns() WHERE table_name = 'estimates' "
                                           "AND data_type IN ('DOUBLE', 'BIGINT')")]  # fmt: skip
    assert len(numeric) > 8
    row = query(target, f"SELECT {', '.join(numeric)} FROM estimates WHERE is_suppressed")[0]
    assert set(row) == {None}


# --- the release's name


def test_a_release_is_named_by_what_it_is_made_from(small: catalogue.Catalogue) -> None:
    built = {"poll_2019": Fingerprint("a", "c", "x"), "poll_2020": Fingerprint("b", "c", "x")}
    name = publish.release_id(small, built, {})
    assert re.fullmatch("r[0-9a-f]{16}", name)
    assert publish.release_id(small, dict(reversed(built.items())), {}) == name
    others = [
        publish.release_id(small, {**built, "poll_2020": Fingerprint("other", "c", "x")}, {}),
        publish.release_id(small, {**built, "poll_2020": Fingerprint("b", "other", "x")}, {}),
        publish.release_id(small, {k: v for k, v in built.items() if k != "poll_2020"}, {}),
        publish.release_id(small, built, {"report_2018": "broken"}),
        publish.release_id(replace(small, domains={}), built, {}),
        publish.release_id(small, {"poll_2019": built["poll_2020"], "poll_2020": built["poll_2019"]}, {}),
    ]
    assert len({name, *others}) == len(others) + 1


def test_other_code_makes_another_release(small: catalogue.Catalogue, monkeypatch: pytest.MonkeyPatch) -> None:
    name = publish.release_id(small, {}, {})
    monkeypatch.setattr(publish, "code_digest", lambda: "other")
    assert publish.release_id(small, {}, {}) != name


def test_the_run_says_what_went_in_and_what_did_not(small: catalogue.Catalogue) -> None:
    built = {"b": Fingerprint("f", "c", "x"), "a": Fingerprint(None, "c", "x")}
    row = publish.run_row(small, built, {"z": "why"}, synthetic=True).iloc[0]
    assert row["input_digests"] == '{"a": null, "b": "f"}'
    assert row["failed_waves"] == '{"z": "why"}'
    assert bool(row["is_synthetic"])
    assert row["catalogue_digest"] == small.digest
    # Coordinated universal time, whatever the machine's: an hour off would be a time zone.
    built_at = pd.Timestamp(row["built_at"])
    assert abs((datetime.now(UTC).replace(tzinfo=None) - built_at.tz_localize(None)).total_seconds()) < 1800


def test_the_moment_of_building_is_stored_as_a_time_in_utc(frames: dict[str, pd.DataFrame], target: Path) -> None:
    publish.build(frames, "r0", target)
    assert query(target, "SELECT typeof(built_at) FROM runs") == [("TIMESTAMP",)]
    ((built_at,),) = query(target, "SELECT built_at FROM runs")
    assert abs((datetime.now(UTC).replace(tzinfo=None) - built_at).total_seconds()) < 1800


def test_the_waves_of_a_release_are_told(frames: dict[str, pd.DataFrame], target: Path) -> None:
    assert publish.standing(target) is None
    publish.build(frames, "r0", target)
    assert publish.standing(target) == publish.Standing("r0", False, ("poll_2020",))


# --- views


def test_a_base_is_shown_as_the_publisher_gave_it(frames: dict[str, pd.DataFrame], target: Path) -> None:
    for base_is, base, shown in (("exact", 9928, "9,928"), ("approximate", 175000, "about 175,000"), (None, 500, "500"),
                                 ("unknown", None, None)):  # fmt: skip
        estimates = frames["estimates"].assign(base_is=base_is, base_unweighted=base)
        publish.build({**frames, "estimates": estimates}, "r0", target)
        assert query(target, "SELECT base_text FROM headline_table") == [(shown,)]


LBN = {"left_domain": "lbn", "left_level": "Left-behind neighbourhood"}


@pytest.mark.parametrize(
    ("surveys", "sides", "shown"),
    [
        ({"poll": "England"}, LBN, True),
        ({"poll": "England"}, {}, False),
        ({"poll": "England"}, {**LBN, "left_level": "Other"}, False),
        ({"poll": "England"}, {**LBN, "right_domain": "sex", "right_level": "Male"}, False),
        ({"poll": "Great Britain"}, LBN, False),
        ({"poll": "Left-behind neighbourhoods in England", "report": "England"}, {"right_survey": "report"}, True),
        ({"poll": "Left-behind neighbourhoods in England", "report": "England"}, {"left_survey": "report"}, False),
        ({"poll": "Left-behind neighbourhoods in England", "report": "Wales"}, {"right_survey": "report"}, False),
    ],
)
def test_lbn_v_england_is_a_left_behind_left_side_against_england_as_a_whole(
    frames: dict[str, pd.DataFrame], target: Path, surveys: dict[str, str], sides: dict[str, str], shown: bool
) -> None:
    described = frames["surveys"]
    geography = described["id"].map(surveys).fillna(described["geography"])
    given = {**frames, "surveys": described.assign(geography=geography),
             "comparisons": table("comparisons", {**COMPARISON, **sides})}  # fmt: skip
    publish.build(given, "r0", target)
    assert query(target, "SELECT count(*) FROM lbn_v_england") == [(int(shown),)]


def test_a_trend_takes_its_verdict_from_the_comparison_with_the_wave_before(
    frames: dict[str, pd.DataFrame], target: Path
) -> None:
    one = {**COMPARISON, "right_wave": "poll_2019", "comparison": "joined_12m__poll_2020_v_poll_2019",
           "family": "any__name"}  # fmt: skip
    # The same two sides, compared for another purpose.
    other = {**one, "comparison": "a_v_b", "verdict": "not comparable", "grade": "not_comparable", "p_value": None,
             "p_adjusted": None, "family_size": 0}  # fmt: skip
    earlier = {**ESTIMATE, "wave": "poll_2019"}
    estimates = table("estimates", earlier, ESTIMATE)
    headlines = frames["headlines"]
    publish.build({**frames, "estimates": estimates, "headlines": headlines,
                   "comparisons": table("comparisons", one, other)}, "r0", target)  # fmt: skip
    assert query(target, "SELECT wave, change_verdict, change_since FROM trend ORDER BY year") == [
        ("poll_2019", None, None), ("poll_2020", "no clear difference", "poll_2019"),
    ]  # fmt: skip


# --- what describes the catalogue


def test_what_a_build_adds_to_the_note_of_its_wave_is_told(small: catalogue.Catalogue) -> None:
    noted = small.microdata_waves["poll_2019"].model_copy(update={"note": "Known."})
    book = replace(small, waves={**small.waves, "poll_2019": noted})
    caveats = {"poll_2019": "Rows were set aside.", "poll_2020": "So here."}
    notes = publish.described(book, [], [], caveats=caveats)["waves"].set_index("id")["note"]
    assert notes["poll_2019"] == "Known. Rows were set aside."
    assert notes["poll_2020"] == "So here."
    assert pd.isna(notes["report_2018"])


def test_every_id_of_the_catalogue_is_described(packaged: catalogue.Catalogue) -> None:
    out = publish.described(packaged, ["cls_2018_19"], [])
    assert set(out["waves"]["id"]) == set(packaged.waves)
    assert out["waves"].set_index("id")["is_released"].sum() == 1
    for name in ("indicators", "surveys", "sources"):
        assert out[name]["id"].tolist() == list(getattr(packaged, name))
    regions = out["domains"][out["domains"]["id"] == "region"]
    assert regions["level"].tolist() == list(packaged.domains["region"].levels)
    assert regions["position"].tolist() == list(range(1, len(regions) + 1))
    breaks = out["waves"].set_index("id")["break_before"].dropna()
    known = {b.wave for survey in packaged.surveys.values() for x in survey.series.values() for b in x.breaks}
    assert set(breaks.index) == known
    assert {"cls_2016_17", "cls_2020_21", "cls_2021_22", "cls_2023_24"} < known
    precision = out["waves"].set_index("id")["fieldwork_precision"]
    assert precision.to_dict() == {k: v.fieldwork.precision for k, v in packaged.waves.items()}
    assert precision["cls_2019_20_microdata"] == "month"


def test_a_series_headline_is_its_newest_wave_and_a_named_one_all_its_waves(small: catalogue.Catalogue) -> None:
    by_series = m.Headline(label="S", indicator="joined_12m", series="poll_series")
    by_waves = m.Headline(label="W", indicator="joined_12m", waves=["poll_2019", "poll_2020", "report_2018"])
    men = m.Headline(label="M", indicator="joined_12m", series="poll_series", domain="sex", level="Male")
    c = replace(small, headlines={"w": by_waves, "s": by_series, "m": men})
    estimates = table(
        "estimates", {**ESTIMATE, "wave": "poll_2019"}, {**ESTIMATE, "is_synthetic": True},
        {**ESTIMATE, "wave": "poll_2019", "domain": "sex", "level": "Male"},
    )  # fmt: skip
    out = publish.headlines(c, estimates)
    assert list(zip(out["headline"], out["position"], out["wave"], out["is_synthetic"], strict=True)) == [
        ("w", 1, "poll_2019", False), ("w", 1, "poll_2020", True), ("s", 2, "poll_2020", True),
        ("m", 3, "poll_2019", False),
    ]  # fmt: skip
    assert len(publish.headlines(c, estimates.iloc[:0])) == 0


def test_the_schema_is_the_one_statement_of_columns() -> None:
    text = resources.files("warehouse").joinpath("schema.sql").read_text(encoding="utf-8")
    for name in re.findall(r"CREATE TABLE (\w+)", text):
        assert publish.columns(name)[0] == "release_id"


def test_levels_that_only_a_lookup_knows_are_those_released(small: catalogue.Catalogue) -> None:
    named = m.Derivation(through=["towns"], value="name")
    town = m.Domain(label="Town", definition="Town.", derived=named)
    best_fit = m.Lookup.model_validate(
        {
            "label": "Towns", "source": "maker", "countries": ["E"], "file": {"pattern": ["towns.csv"]},
            "key": {"column": "code", "geography": "lsoa11"}, "values": {"name": {"column": "name"}},
            "best_fit": "Counted whole.",
        }
    )  # fmt: skip
    c = replace(small, domains={**small.domains, "town": town}, lookups={"towns": best_fit})
    estimates = pd.DataFrame(
        [["all", "all"], ["town", "York"], ["town*sex", "Adur | Male"], ["sex", "Male"], ["town", "York"]],
        columns=["domain", "level"],
    )
    described = publish.described(c, [], [], estimates=estimates)["domains"]
    towns = described[described["id"] == "town"]
    assert towns[["level", "position"]].values.tolist() == [["Adur", 1], ["York", 2]]
    assert set(towns["definition"]) == {"Town. From the code of an area: Counted whole."}
    assert "town" not in set(publish.described(c, [], [])["domains"]["id"])
