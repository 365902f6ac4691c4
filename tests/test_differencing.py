"""An estimate that differs from its earlier self by a few respondents is found, however they are numbered."""

import random
from collections.abc import Callable
from itertools import product
from typing import Any

import duckdb
import pandas as pd
import pytest
from workbench import CLS_2018, CLS_2019, POLL, Project, Told, edit_text, make

from engagement_stats import catalogue, differencing, releases
from engagement_stats.catalogue import model as m

Frame = pd.DataFrame
SEX, AGE = ["Male", "Female"], ["16-34", "35+"]


@pytest.fixture
def wave(small: catalogue.Catalogue) -> m.MicrodataWave:
    return small.microdata_waves["poll_2020"]


@pytest.fixture
def rules(small: catalogue.Catalogue) -> m.DisclosureRules:
    return small.rules.disclosure


def people(n: int = 400, seed: int = 1) -> Frame:
    """Return respondents with their answers and weights, one of ten of each missing."""
    rng = random.Random(seed)

    def some(values: list[Any]) -> Any:
        return None if rng.random() < 0.1 else rng.choice(values)

    rows = [[str(i), some(SEX), some(AGE), some([0.0, 1.0]), some([0.0, 1.0]), rng.choice([0, 1, 2])] for i in range(n)]
    return Frame(rows, columns=["respondent", "sex", "age", "joined_12m", "helped_12m", "main"])


def behind(frame: Frame, wave: m.MicrodataWave) -> Frame:
    made = frame[["joined_12m", "helped_12m"]].astype("float64")
    return differencing.populations(frame[["respondent", "sex", "age"]], made, frame[["main"]], wave)


def estimates() -> Frame:
    """Return the keys of every estimate, rests among them."""
    cells = [("all", "all"), *(("sex", x) for x in SEX), *(("age", x) for x in AGE)]
    cells += [("sex*age", f"{a} | {b}") for a, b in product(SEX, AGE)] + [("rest_of:sex", x) for x in SEX]
    rows = [["poll_2020", i, d, x] for i in ("joined_12m", "helped_12m") for d, x in cells]
    return Frame(rows, columns=["wave", "indicator", "domain", "level"])


def sets(frame: Frame, indicator: str, domain: str, level: str) -> set[str]:
    """Return the respondents behind an estimate, one by one."""
    found = set()
    for r in frame.to_dict("records"):
        if pd.isna(r[indicator]) or r["main"] <= 0:
            continue
        where = {"all": "all", "sex": r["sex"], "age": r["age"], "sex*age": f"{r['sex']} | {r['age']}"}
        outside = not pd.isna(r["sex"]) and r["sex"] != level
        inside = outside if domain == "rest_of:sex" else where[domain] == level
        found |= {r["respondent"]} if inside else set()
    return found


def removed(frame: Frame) -> Frame:
    return frame.drop(index=[3, 50, 77])


def swapped(frame: Frame) -> Frame:
    """Ten leave and ten come: the bases differ by few, and many are in one of them only."""
    new = people(410, seed=1).iloc[400:].assign(sex="Male", age="35+", joined_12m=1.0, main=1)
    return pd.concat([frame.drop(index=range(20, 30)), new])


def moved(frame: Frame) -> Frame:
    return frame.assign(age=frame["age"].where(~frame["respondent"].isin(["10", "11", "12"]), "16-34"))


def answered(frame: Frame) -> Frame:
    return frame.assign(joined_12m=frame["joined_12m"].fillna(1.0))


def few_answered(frame: Frame) -> Frame:
    rows = frame.index[frame["helped_12m"].isna()][:5]
    return frame.assign(helped_12m=frame["helped_12m"].where(~frame.index.isin(rows), 0.0))


def reweighted(frame: Frame) -> Frame:
    return frame.assign(main=frame["main"].where(frame.index != frame.index[frame["main"] > 0][0], 0))


def turned(frame: Frame) -> Frame:
    """Change the answer of one, and with it no population."""
    return frame.assign(joined_12m=frame["joined_12m"].where(frame["respondent"] != "20", 1 - frame["joined_12m"]))


@pytest.mark.parametrize("edit", [removed, swapped, moved, answered, few_answered, reweighted, turned, lambda f: f])
def test_the_same_estimates_are_found_as_with_sets_of_respondents(
    wave: m.MicrodataWave, rules: m.DisclosureRules, edit: Callable[[Frame], Frame]
) -> None:
    old = people()
    new = edit(old).sample(frac=1, random_state=3)
    keys = estimates()
    expected = [
        list(k) for k in keys.itertuples(index=False, name=None)
        if 0 < len(sets(old, *k[1:]) ^ sets(new, *k[1:])) < rules.min_count
    ]  # fmt: skip
    out = differencing.held(keys, behind(new, wave), [behind(old, wave)], rules)
    assert out.values.tolist() == expected
    if edit is removed:
        assert expected
    if edit is swapped:
        # The tempting mistake, the difference of the two bases, would hide what many stand behind.
        assert ["poll_2020", "joined_12m", "all", "all"] not in expected


def test_every_published_build_counts(wave: m.MicrodataWave, rules: m.DisclosureRules) -> None:
    old = people()
    twelve_more = pd.concat([old, people(412, seed=1).iloc[400:].assign(main=1, joined_12m=1.0)])
    near = removed(old)
    key = ["poll_2020", "joined_12m", "all", "all"]

    def found(*published: Frame) -> list[list[str]]:
        earlier = [behind(p, wave) for p in published]
        return list(differencing.held(estimates(), behind(near, wave), earlier, rules).values.tolist())

    assert key not in found(twelve_more)
    assert key in found(twelve_more, old)
    assert differencing.held(estimates(), behind(near, wave), [], rules).empty


def test_respondents_numbered_anew_are_told_by_the_number_of_them(
    wave: m.MicrodataWave, rules: m.DisclosureRules
) -> None:
    old = people()
    new = removed(old).assign(respondent=lambda f: "n" + f["respondent"])
    out = differencing.held(estimates(), behind(new, wave), [behind(old, wave)], rules)
    expected = [
        list(k) for k in estimates().itertuples(index=False, name=None)
        if 0 < abs(len(sets(old, *k[1:])) - len(sets(new, *k[1:]))) < rules.min_count
    ]  # fmt: skip
    assert out.values.tolist() == expected
    assert expected


def test_an_estimate_never_made_before_is_near_nothing(wave: m.MicrodataWave, rules: m.DisclosureRules) -> None:
    old = behind(people(), wave)
    new = behind(removed(people()), wave)
    without = old.drop(columns=["answered helped_12m", "domain age"])
    out = differencing.held(estimates(), new, [without], rules)
    assert set(out["indicator"]) == {"joined_12m"}
    assert not out["domain"].str.contains("age").any()


def test_a_population_is_named_by_who_is_in_it(wave: m.MicrodataWave) -> None:
    old = people()
    name = differencing.name(behind(old, wave))
    assert differencing.name(behind(old.sample(frac=1, random_state=1), wave)) == name
    assert differencing.name(behind(turned(old), wave)) == name
    assert differencing.name(behind(removed(old), wave)) != name
    assert not set(old["respondent"]) & set(behind(old, wave)["who"])


# --- two builds with three rows removed


@pytest.fixture
def real(tmp_path: Any) -> Project:
    project = make(tmp_path / "home", adults=50, poll=900)
    for wave in (CLS_2018, CLS_2019):
        project.file(wave).unlink()
    edit_text(project.file(POLL), lambda frame: frame.drop(columns="synthetic_data"))
    assert project.run(POLL).failed == {}
    return project


def shown(project: Project, release: object) -> dict[tuple[str, str, str], int]:
    with duckdb.connect(str(releases.path_of(project.warehouse, str(release))), read_only=True) as connection:
        rows = connection.execute(
            "SELECT indicator, domain, level, base_unweighted FROM estimates "
            f"WHERE wave = '{POLL}' AND NOT is_suppressed"
        ).fetchall()
    return {(i, d, x): n for i, d, x, n in rows}


def test_no_two_releases_tell_of_the_three_people_between_them(
    real: Project, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    told = Told(real, capsys, monkeypatch)
    first = real.value("SELECT release_id FROM runs")
    before = shown(real, first)
    edit_text(real.file(POLL), lambda frame: frame.drop(index=[5, 6, 7]))
    code, _, err = told("run", "--wave", POLL)
    assert code == 1
    assert "would be hidden: they rest on nearly the same respondents" in err
    assert real.value("SELECT release_id FROM runs") == first

    assert told("run", "--wave", POLL, "--accept", "Three asked to be left out", "--kind", "revision")[0] == 0
    second = real.value("SELECT release_id FROM runs")
    after = shown(real, second)
    assert before.keys() - after.keys(), "nothing was hidden"
    assert [k for k in after if k in before and 0 < abs(after[k] - before[k]) < 10] == []

    # Signed off, they are shown; without the rule this is what would have been published.
    assert told("releases", "rollback", "previous", "--reason", "To show them")[0] == 0
    done = told("run", "--wave", POLL, "--accept", "They agreed", "--kind", "revision", "--small-groups", "show")
    assert done[0] == 0, done[2]
    after = shown(real, real.value("SELECT release_id FROM runs"))
    assert before.keys() == after.keys()
    assert [k for k in after if 0 < abs(after[k] - before[k]) < 10] != []
    # And stays so, with nothing more to say.
    assert told("run", "--wave", POLL)[0] == 0
    assert real.value("SELECT release_id FROM runs") not in (first, second)
