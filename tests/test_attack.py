"""What a reader can work out of suppressed numbers: bounds by brute force, and releases with a hole in them."""

from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from respondents import WAVE, estimates, frame, nesting, released, without_secondary
from workbench import POLL, built

from engagement_stats import additive, attack, disclose, secondary
from engagement_stats.bounds import ranges
from engagement_stats.catalogue import Catalogue
from engagement_stats.cells import laid_out, spread
from engagement_stats.errors import DisclosureError

ROWS, COLUMNS = ("a", "b", "c"), ("x", "y", "z")
CELLS = [
    additive.WHOLE,
    *(("r", i) for i in ROWS),
    *(("s", j) for j in COLUMNS),
    *(("r*s", f"{i} | {j}") for i in ROWS for j in COLUMNS),
]


def crossed(counts: np.ndarray) -> np.ndarray:
    """Return the numbers of all cells of a table and its margins, in the order of `CELLS`."""
    return np.array([counts.sum(), *counts.sum(1), *counts.sum(0), *counts.ravel()], dtype=float)


def bounds(
    values: np.ndarray, hidden: np.ndarray, *, most: float = 1000.0, exact: bool = True
) -> tuple[np.ndarray, np.ndarray]:
    sums = additive.relations(CELLS)
    far = np.full(values.shape, np.inf if exact else 10.0)
    low, high = ranges(
        sums, values, hidden, lower=np.zeros(values.shape), upper=np.full(values.shape, most),
        spare=np.zeros((len(values), len(sums.total))), width=far, reach=far,
    )  # fmt: skip
    return low, high


def by_brute_force(counts: np.ndarray, hidden: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Try every table of whole numbers that agrees with the shown cells and margins."""
    inner = hidden[7:].reshape(3, 3)
    places = [tuple(p) for p in np.argwhere(inner)]
    found = []
    for values in product(*(range(int(min(counts.sum(1)[i], counts.sum(0)[j])) + 1) for i, j in places)):
        table = counts.copy()
        for place, value in zip(places, values, strict=True):
            table[place] = value
        if (crossed(table) == crossed(counts))[~hidden].all():
            found.append(crossed(table))
    return np.min(found, axis=0), np.max(found, axis=0)


@pytest.mark.parametrize("seed", range(6))
def test_limits_of_hidden_cells_are_those_of_brute_force(seed: int) -> None:
    rng = np.random.default_rng(seed)
    tables, masks = [], []
    for _ in range(4):
        counts = rng.integers(0, 5, (3, 3))
        mask = np.zeros(len(CELLS), bool)
        mask[7 + rng.choice(9, rng.integers(1, 7), replace=False)] = True
        # Now and then a margin is hidden too.
        mask[rng.integers(1, 7)] |= rng.random() < 0.5
        tables.append(counts)
        masks.append(mask)
    values, hidden = np.array([crossed(t) for t in tables]), np.array(masks)
    low, high = bounds(values, hidden)
    for k, counts in enumerate(tables):
        least, most = by_brute_force(counts, hidden[k])
        np.testing.assert_allclose(low[k][hidden[k]], least[hidden[k]], atol=1e-6)
        np.testing.assert_allclose(high[k][hidden[k]], most[hidden[k]], atol=1e-6)


def test_a_sum_that_cannot_be_loosens_no_other() -> None:
    counts = np.array([[9, 4, 30], [5, 12, 40], [50, 60, 70]])
    square = np.zeros(len(CELLS), bool)
    square[[7, 8, 10, 11]] = True
    good = crossed(counts)
    # Three of the first row are in none of its columns, which nothing shows.
    odd = good.copy()
    odd[1] += 3
    alone = bounds(good[None, :], square[None, :])
    low, high = bounds(np.stack([odd, good]), np.stack([square, square]))
    np.testing.assert_allclose([low[1, square], high[1, square]], [alone[0][0, square], alone[1][0, square]])
    assert (high[1, square] - low[1, square] < 14).all()
    # The truth of the odd one is among what is left.
    assert (low[0, square] <= good[square] + 1e-6).all()
    assert (high[0, square] >= good[square] - 1e-6).all()


def test_a_shortened_search_never_calls_a_narrow_range_wide() -> None:
    rng = np.random.default_rng(5)
    values = np.array([crossed(rng.integers(0, 40, (3, 3))) for _ in range(20)])
    hidden = rng.random(values.shape) < 0.5
    hidden[:, :7] &= rng.random((20, 7)) < 0.2
    exact, quick = bounds(values, hidden), bounds(values, hidden, exact=False)
    narrow = [(h - lo < 10 - 1e-6) | (h < 10 - 1e-6) for lo, h in (exact, quick)]
    assert 0 < narrow[0].sum() < hidden.sum()
    np.testing.assert_array_equal(narrow[0], narrow[1])


def test_bounding_each_sum_on_its_own_would_miss_what_two_of_them_give() -> None:
    # Four corners are hidden; each row and column has two, yet with one number known all are.
    counts = np.array([[5, 9, 50], [7, 60, 8], [80, 3, 6]])
    hidden = np.zeros(len(CELLS), bool)
    hidden[7 + np.array([0, 1, 3, 4])] = True
    low, high = bounds(crossed(counts)[None, :], hidden[None, :])
    # Alone, the first row lets its first cell be anything to 14; with the column it is at most 12.
    assert high[0, 7] == pytest.approx(12.0)
    assert low[0, 11] == pytest.approx(55.0)


# --- releases


def one_hidden(table: pd.DataFrame, *keys: tuple[str, str, str]) -> pd.DataFrame:
    """Suppress some estimates and nothing beside them."""
    out = table.copy()
    hidden = np.array([k in keys for k in out[["indicator", "domain", "level"]].itertuples(index=False, name=None)])
    assert hidden.sum() == len(keys)
    out[list(disclose.NUMBERS)] = out[list(disclose.NUMBERS)].astype("float64").mask(pd.Series(hidden), np.nan)
    return released(out.assign(is_suppressed=hidden, symbol=pd.Series("[c]", index=out.index).where(hidden, None)))


def found(table: pd.DataFrame, catalogue: Catalogue, **more: pd.DataFrame) -> set[tuple[str, str, str, str]]:
    rows = attack.recoverable(table, catalogue.rules.disclosure, **more)
    return set(rows[["indicator", "domain", "level", "what"]].itertuples(index=False, name=None))


def test_a_lone_suppressed_level_is_worked_out_exactly(packaged: Catalogue) -> None:
    table = estimates(frame())
    out = attack.recoverable(one_hidden(table, ("q1", "region", "W"), ("q1", "region*sex", "W | Male")),
                             packaged.rules.disclosure)  # fmt: skip
    row = out[(out["level"] == "W") & (out["what"] == attack.YES)].iloc[0]
    truth = table[(table["indicator"] == "q1") & (table["level"] == "W")].iloc[0]
    whole = table[(table["indicator"] == "q1") & (table["domain"] == "all")].iloc[0]
    # In respondents of the mean weight; the mean weight of what is shown differs a little.
    expected = truth["estimate"] * truth["base_weighted"] * whole["base_unweighted"] / whole["base_weighted"]
    assert row["lower"] == pytest.approx(row["upper"])
    assert row["lower"] == pytest.approx(expected, rel=0.01)


def test_two_suppressed_levels_are_not_and_the_rest_of_one_gives_it_away(packaged: Catalogue) -> None:
    table = estimates(frame(), ("region",))
    keys = [("q0", "region", "W"), ("q0", "region", "E")]
    assert found(one_hidden(table, *keys), packaged) == set()
    with_rest = estimates(frame(), ("region",), rest=("W",))
    placed = found(one_hidden(with_rest, *keys), packaged)
    assert {("q0", "region", "W", attack.YES), ("q0", "region", "E", attack.NO)} <= placed
    assert found(one_hidden(with_rest, *keys, ("q0", "rest_of:region", "W")), packaged) == set()


def test_small_areas_give_the_area_that_holds_them_away(packaged: Catalogue) -> None:
    people = frame(areas=2)
    domains = ("region", "area")
    table = estimates(people, domains)
    hidden = one_hidden(table, ("q0", "region", "N"), ("q0", "region", "S"))
    assert found(hidden, packaged) == set()
    nested = nesting(people, domains)
    assert set(nested["outer"]) == {"region"}
    assert ("q0", "region", "N", attack.YES) in found(hidden, packaged, nested=nested)


def test_another_name_for_the_same_people_gives_them_away(packaged: Catalogue) -> None:
    people = frame().assign(
        country=lambda f: np.where(f["region"] == "N", "north", "rest"), place=lambda f: f["region"]
    )
    domains = ("region", "place", "country")
    table = estimates(people, domains)
    hidden = one_hidden(table, ("q0", "region", "S"), ("q0", "region", "E"))
    assert found(hidden, packaged) == set()
    nested = nesting(people, domains)
    assert {("q0", "region", x, attack.YES) for x in "SE"} <= found(hidden, packaged, nested=nested)


def test_a_base_hidden_for_one_question_and_shown_for_another_is_found(packaged: Catalogue) -> None:
    people = frame()
    # Of the smallest region four answered neither question, and one left out the first alone.
    small = people.index[people["region"] == "C"]
    people = people.drop(index=small[29:])
    table = estimates(people, ("region",))
    rules = packaged.rules.disclosure
    assert table.set_index(["indicator", "level"]).loc[("q0", "C"), "base_unweighted"] < rules.min_base
    hidden = one_hidden(table, ("q0", "region", "C"), ("q0", "region", "W")).assign(
        symbol=lambda t: pd.Series(attack.FEW, index=t.index).where(t["is_suppressed"], None)
    )
    assert ("q0", "region", "C", attack.BASE) in found(hidden, packaged)


def test_a_mark_that_bounds_a_base_is_used(packaged: Catalogue) -> None:
    # Marked as few, three levels can have at most 38 each; their sum of 113 leaves them next to no room.
    base = {"all": 613, "a": 38, "b": 38, "c": 37, "d": 500}
    table = pd.DataFrame({
        "wave": WAVE, "indicator": "q", "domain": ["all", *["g"] * 4], "level": list(base),
        "base_unweighted": list(base.values()), "base_weighted": [float(v) for v in base.values()], "base_missing": 0,
        "estimate": 0.5, "unit": "proportion", "weight": "w", "variance_basis": "design",
        "is_suppressed": [False, True, True, True, False], "symbol": [None, "[u]", "[u]", "[u]", None],
    })  # fmt: skip
    table.loc[table["is_suppressed"], ["base_unweighted", "base_weighted", "base_missing", "estimate"]] = np.nan
    assert {k[2] for k in found(table, packaged) if k[3] == attack.BASE} == {"a", "b", "c"}
    told_nothing = table.assign(symbol=table["symbol"].replace("[u]", "[c]"))
    assert {k for k in found(told_nothing, packaged) if k[3] == attack.BASE} == set()


def test_what_producers_published_is_not_attacked(packaged: Catalogue) -> None:
    hidden = one_hidden(estimates(frame()), ("q1", "region", "W")).assign(variance_basis="published")
    assert found(hidden, packaged) == set()
    assert found(hidden.iloc[:0], packaged) == set()


@pytest.mark.parametrize("seed", range(4))
def test_with_secondary_suppression_nothing_can_be_worked_out_and_without_it_much_can(
    packaged: Catalogue, seed: int
) -> None:
    people = frame(seed=seed, areas=3)
    domains = ("region", "sex", "age", "area", "region*sex", "sex*age")
    table, nested = estimates(people, domains, rest=("N", "C")), nesting(people, domains)
    safe, audit = disclose.protect(table, packaged, nested)
    assert attack.recoverable(released(safe), packaged.rules.disclosure, nested).empty
    assert disclose.check(released(safe), packaged.rules.disclosure, nested) == len(audit)
    open_ = without_secondary(table, packaged)
    assert len(attack.recoverable(open_, packaged.rules.disclosure, nested)) > 5
    with pytest.raises(DisclosureError, match="can be worked out from what is shown"):
        disclose.check(open_, packaged.rules.disclosure, nested)


@pytest.mark.parametrize("seed", range(3))
def test_limits_hold_the_truth(packaged: Catalogue, seed: int) -> None:
    people = frame(seed=seed, areas=3)
    domains = ("region", "sex", "age", "area", "region*sex")
    table, nested = estimates(people, domains, rest=("N",)), nesting(people, domains)
    open_ = without_secondary(table, packaged)
    layout = laid_out(table, nested)
    hidden = spread(layout, open_["is_suppressed"])
    few = spread(layout, open_["symbol"] == attack.FEW)
    finding = attack.placed(laid_out(open_, nested), hidden, few, packaged.rules.disclosure)
    yes, no = layout.counts(hidden)
    for what, truth in ((attack.BASE, layout.base), (attack.YES, yes), (attack.NO, no)):
        low, high = (v[finding.placed[what]] for v in finding.limits[what])
        true = truth[finding.placed[what]]
        assert len(true) > 0 or what == attack.BASE
        assert (low - 1e-4 <= true).all()
        assert (true <= high + 1e-4).all()


def test_questions_attacked_together_tell_more_than_one_by_one(packaged: Catalogue) -> None:
    table = without_secondary(estimates(frame(seed=9)), packaged)
    alone: set[tuple[str, str, str, str]] = set()
    for indicator in table["indicator"].unique():
        alone |= found(table[table["indicator"] == indicator], packaged)
    assert alone < found(table, packaged)


def test_switching_secondary_suppression_off_stops_a_build(
    packaged: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = estimates(frame(seed=2))
    disclose.check(released(disclose.protect(table, packaged)[0]), packaged.rules.disclosure)
    monkeypatch.setattr(secondary, "chosen", lambda layout, yes, must, few, rules: (must, few))
    with pytest.raises(DisclosureError) as stop:
        disclose.check(released(disclose.protect(table, packaged)[0]), packaged.rules.disclosure)
    # The message says where, and no count: every number in it counts estimates or is part of a level's name.
    said = str(stop.value)
    assert "C" in said
    assert "." not in said.replace(". Build", "").removesuffix(".")


# --- the pipeline


def test_nothing_withheld_can_be_worked_out_of_a_generated_release(
    packaged: Catalogue, tmp_path_factory: pytest.TempPathFactory
) -> None:
    project, _ = built(tmp_path_factory)
    tables = project.contents()
    table = tables["estimates"]
    ours = ~table["variance_basis"].isin(attack.PUBLISHED)
    assert (table["is_suppressed"] & ours).sum() > 50
    assert attack.recoverable(table, packaged.rules.disclosure).empty
    key = ["wave", "indicator", "domain", "level"]
    assert set(tables["disclosure_audit"][key].itertuples(index=False)) == set(
        table.loc[table["is_suppressed"], key].itertuples(index=False)
    )
    said = {"confidence", "family_size", "position", "population_share"}
    for name, rows in tables.items():
        if "is_suppressed" in rows:
            numbers = rows[rows["is_suppressed"]].select_dtypes("number").drop(columns=list(said), errors="ignore")
            assert numbers.columns[numbers.notna().any()].difference(["rounding"]).empty, name


def test_a_release_from_which_something_can_be_worked_out_is_not_put_in_place(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = built(tmp_path_factory)[0].copy(tmp_path / "home")
    before = project.value("SELECT release_id FROM runs")
    project.file(POLL).unlink()
    row = pd.DataFrame([("w", "i", "sex", "Male", "numerator", 1.0, 3.0)], columns=attack.FOUND)
    with monkeypatch.context() as patch:
        patch.setattr(attack, "recoverable", lambda *_: row)
        report = project.run()
    assert "can be worked out from what is shown: w i sex Male" in report.failed["release"]
    assert project.value("SELECT release_id FROM runs") == before
    assert project.run().release != before


def test_a_range_of_ten_is_wide_enough_and_one_of_less_is_not() -> None:
    low = np.array([0.0, 0.0, 5.0, 5.0, 5.0, 30.0])
    high = np.array([10.0, 9.9, 15.0, 14.9, 5.0, 31.0])
    found = attack._narrow(low, high, np.full(6, 10.0))
    assert found.tolist() == [False, True, False, True, True, True]
