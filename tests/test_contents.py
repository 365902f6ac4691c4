"""A digest is of what a table holds and not of how; a difference names every value that differs and no other."""

import random
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pytest
import released
from released import ESTIMATE, table

from engagement_stats import catalogue, contents, publish
from engagement_stats.errors import PublishError

Frames = dict[str, pd.DataFrame]
LEVELS = [f"Area {i}" for i in range(40)]


@pytest.fixture
def frames(small: catalogue.Catalogue) -> Frames:
    rng = random.Random(7)
    rows = [{**ESTIMATE, "domain": "area", "level": x, "standard_error": rng.random() / 50} for x in LEVELS]
    return {**released.frames(small), "estimates": table("estimates", ESTIMATE, *rows)}


def built(frames: Frames, path: Path, release: str = "r0") -> Path:
    publish.build(frames, release, path)
    return path


def changed(frames: Frames, name: str, row: int, **values: Any) -> Frames:
    frame = frames[name].astype("object")
    for column, value in values.items():
        frame.loc[row, column] = value
    return {**frames, name: frame.infer_objects()}


# --- digests


def test_a_digest_depends_on_neither_the_order_nor_the_release_nor_the_moment(frames: Frames, tmp_path: Path) -> None:
    one = contents.digests(built(frames, tmp_path / "a.duckdb"))
    shuffled = {k: v.sample(frac=1, random_state=2, ignore_index=True) for k, v in frames.items()}
    shuffled["runs"] = shuffled["runs"].assign(built_at=pd.Timestamp("2001-01-01"), commit_id="another")
    assert contents.digests(built(shuffled, tmp_path / "b.duckdb", "r1")) == one
    assert (tmp_path / "a.duckdb").read_bytes() != (tmp_path / "b.duckdb").read_bytes()
    assert set(one) == set(frames)


@pytest.mark.parametrize(
    ("name", "row", "values"),
    [
        ("estimates", 3, {"estimate": 0.4 + 2**-54}),
        ("estimates", 3, {"standard_error": None}),
        ("estimates", 3, {"level": "Another"}),
        ("claims", 0, {"sentence": "T."}),
        ("runs", 0, {"code_version": "2"}),
    ],
)
def test_the_last_bit_of_one_number_changes_the_digest_of_its_table_alone(
    frames: Frames, tmp_path: Path, name: str, row: int, values: dict[str, Any]
) -> None:
    # The tempting mistake, a digest of rounded text, would not see the first.
    one = contents.digests(built(frames, tmp_path / "a.duckdb"))
    two = contents.digests(built(changed(frames, name, row, **values), tmp_path / "b.duckdb"))
    assert {t for t in one if one[t] != two[t]} == {name}


def test_a_text_that_looks_like_two_cells_is_one(frames: Frames, tmp_path: Path) -> None:
    one = changed(frames, "claims", 0, document="a', 'b", quotation="c")
    two = changed(frames, "claims", 0, document="a", quotation="b', 'c")
    digests = [contents.digests(built(f, tmp_path / f"{i}.duckdb"))["claims"] for i, f in enumerate((one, two))]
    assert digests[0] != digests[1]


# --- differences


def by_brute_force(old: Path, new: Path) -> set[tuple[str, str, str, str]]:
    """Compare cell by cell in another way: as text, through SQL."""
    found = set()
    with duckdb.connect() as c:
        for side, path in (("old", old), ("new", new)):
            c.execute(f"ATTACH '{path}' AS {side}_file (READ_ONLY)")
        key = "concat('wave=', wave, ', indicator=', indicator, ', domain=', domain, ', level=', level)"
        names = [n for (n,) in c.execute("SELECT column_name FROM duckdb_columns() WHERE table_name = 'estimates' AND "
                                         "database_name = 'new_file'").fetchall()]  # fmt: skip
        for name in set(names) - {"release_id", "run_id", "wave", "indicator", "domain", "level"}:
            sides = [dict(c.execute(f'SELECT {key}, "{name}"::VARCHAR FROM {s}_file.estimates').fetchall())
                     for s in ("old", "new")]  # fmt: skip
            found |= {("estimates", k, name, "changed") for k in sides[0] if k in sides[1]
                      and sides[0][k] != sides[1][k]}  # fmt: skip
            found |= {("estimates", k, "", "removed") for k in sides[0].keys() - sides[1].keys()}
            found |= {("estimates", k, "", "added") for k in sides[1].keys() - sides[0].keys()}
    return found


def test_exactly_the_values_that_differ_are_named(frames: Frames, tmp_path: Path) -> None:
    old = built(frames, tmp_path / "a.duckdb")
    rng = random.Random(3)
    other = frames["estimates"].copy()
    for row in rng.sample(range(1, 41), 12):
        other.loc[row, "estimate"] = 0.4 + rng.choice([1e-15, 0.01, -0.03])
        other.loc[row, "base_unweighted"] = 500 + rng.choice([0, 1])
        other.loc[row, "quality"] = rng.choice(["ok", "caution"])
    other.loc[5, "standard_error"] = None
    other = pd.concat([other.drop(index=[2, 9]), table("estimates", {**ESTIMATE, "level": "New", "domain": "area"})])
    new = built({**frames, "estimates": other.assign(run_id="other")}, tmp_path / "b.duckdb", "r1")
    out = contents.differences(old, new)
    assert set(out[["table", "key", "column", "what"]].itertuples(index=False, name=None)) == by_brute_force(old, new)
    assert not out.duplicated(["table", "key", "column"]).any()
    assert contents.summary(old, new) == {
        "added": 1, "removed": 2,
        "changed": out.loc[(out["what"] == "changed"), "key"].nunique(),
    }  # fmt: skip
    assert contents.differences(old, old).empty


def test_a_difference_gives_both_numbers_whole_and_by_how_much(frames: Frames, tmp_path: Path) -> None:
    old = built(frames, tmp_path / "a.duckdb")
    other = changed(frames, "estimates", 1, estimate=0.43, quality="caution", standard_error=None)
    new = built(changed(other, "comparisons", 0, sentence="T.", verdict="higher"), tmp_path / "b.duckdb", "r1")
    out = contents.differences(old, new).set_index(["table", "column"])
    number = out.loc[("estimates", "estimate")]
    assert (number["old"], number["new"], number["change"]) == ("0.4", "0.43", 0.43 - 0.4)
    assert number["key"] == "wave=poll_2020, indicator=joined_12m, domain=area, level=Area 0"
    gone = out.loc[("estimates", "standard_error")]
    assert pd.isna(gone["new"])
    assert float(gone["old"]) == frames["estimates"].loc[1, "standard_error"]
    assert pd.isna(gone["change"])
    assert out.loc[("comparisons", "verdict")]["new"] == "higher"
    assert out.loc[("comparisons", "sentence")][["old", "new"]].tolist() == ["S.", "T."]
    assert len(out) == 5


def test_releases_of_another_schema_can_be_set_side_by_side(frames: Frames, tmp_path: Path) -> None:
    old, new = built(frames, tmp_path / "a.duckdb"), built(frames, tmp_path / "b.duckdb")
    with duckdb.connect(str(old)) as connection:
        connection.execute("DROP TABLE corrections")
        connection.execute("CREATE TABLE gone (x INTEGER)")
        for view in ("headline_table", "trend"):
            connection.execute(f"DROP VIEW IF EXISTS {view}")
    out = contents.differences(old, new)
    assert out[["table", "key", "column", "what"]].values.tolist() == [
        ["corrections", "", "", "added"], ["gone", "", "", "removed"],
    ]  # fmt: skip


def test_what_is_no_release_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "x.duckdb").write_text("no")
    for path in (tmp_path / "x.duckdb", tmp_path / "none.duckdb"):
        with pytest.raises(PublishError, match="not a release of this program"):
            contents.digests(path)
