"""An estimate that differs from its earlier self by a few respondents is found, however they are numbered."""

import random
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pytest
from workbench import CLS_2018, CLS_2019, POLL, Project, Told, edit_text, make

from engagement_stats import catalogue, differencing, releases, status
from engagement_stats.catalogue import model as m
from engagement_stats.differencing import Published
from engagement_stats.store import Store
from pipelines.run import Decision, run

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
    out = differencing.held(keys, behind(new, wave), [Published(behind(old, wave))], rules)
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
        earlier = [Published(behind(p, wave)) for p in published]
        return list(differencing.held(estimates(), behind(near, wave), earlier, rules).values.tolist())

    assert key not in found(twelve_more)
    assert key in found(twelve_more, old)
    assert differencing.held(estimates(), behind(near, wave), [], rules).empty


def test_respondents_numbered_anew_are_told_by_the_number_of_them(
    wave: m.MicrodataWave, rules: m.DisclosureRules
) -> None:
    old = people()
    new = removed(old).assign(respondent=lambda f: "n" + f["respondent"])
    out = differencing.held(estimates(), behind(new, wave), [Published(behind(old, wave))], rules)
    expected = [
        list(k) for k in estimates().itertuples(index=False, name=None)
        if 0 < abs(len(sets(old, *k[1:])) - len(sets(new, *k[1:]))) < rules.min_count
    ]  # fmt: skip
    assert out.values.tolist() == expected
    assert expected


def keys_of(*cells: list[str]) -> Frame:
    return Frame([c[-3:] for c in cells], columns=differencing.CELL)


ALL_CELLS = [list(k) for k in estimates().itertuples(index=False, name=None)]
HIDDEN = [k for i, k in enumerate(ALL_CELLS) if i % 3 == 0]


@pytest.mark.parametrize("edit", [removed, swapped, moved, answered, few_answered, reweighted, turned, lambda f: f])
def test_what_was_withheld_stays_so_while_its_respondents_are_the_same_or_nearly(
    wave: m.MicrodataWave, rules: m.DisclosureRules, edit: Callable[[Frame], Frame]
) -> None:
    old = people()
    new = edit(old)
    differing = {tuple(k): len(sets(old, *k[1:]) ^ sets(new, *k[1:])) for k in ALL_CELLS}
    expected = [k for k in ALL_CELLS if (0 if k in HIDDEN else 1) <= differing[tuple(k)] < rules.min_count]
    published = Published(behind(old, wave), keys_of(*HIDDEN))
    out = differencing.held(estimates(), behind(new, wave), [published], rules)
    assert out.values.tolist() == expected
    if edit is swapped:  # where twenty differ it is shown again
        assert any(differing[tuple(k)] >= rules.min_count for k in HIDDEN)


# --- under another name


def called(frame: Frame, **names: str) -> Frame:
    """Give indicators and variables of a population other names."""
    return frame.rename(
        columns={f"{kind}{a}": f"{kind}{b}" for a, b in names.items() for kind in ("answered ", "domain ")}
    )


def in_words(frame: Frame, **names: str) -> Frame:
    """Call the keys of estimates so too."""
    out = frame.copy()
    for a, b in names.items():
        out["indicator"] = out["indicator"].replace(a, b)
        out["domain"] = out["domain"].str.replace(a, b)
    return out


@pytest.mark.parametrize("names", [{"sex": "gender"}, {"age": "years", "sex": "gender"}])
def test_a_variable_under_another_name_is_held_against_those_with_its_levels(
    wave: m.MicrodataWave, rules: m.DisclosureRules, names: dict[str, str]
) -> None:
    old, published = people(), Published(behind(people(), wave), keys_of(*HIDDEN))
    new = removed(old)
    out = differencing.held(in_words(estimates(), **names), called(behind(new, wave), **names), [published], rules)
    same = differencing.held(estimates(), behind(new, wave), [published], rules)
    assert out.values.tolist() == in_words(same, **names).values.tolist()
    assert out["domain"].str.contains("gender").any()


def test_a_level_under_another_name_is_held_against_the_one_whose_people_it_holds(
    wave: m.MicrodataWave, rules: m.DisclosureRules
) -> None:
    old, new = people(), removed(people())
    published = Published(behind(old, wave), keys_of(*HIDDEN))
    same = differencing.held(estimates(), behind(new, wave), [published], rules)
    renamed = behind(new.assign(sex=new["sex"].replace("Male", "Man")), wave)
    out = differencing.held(estimates().replace("Male", "Man", regex=True), renamed, [published], rules)
    assert out.values.tolist() == same.replace("Male", "Man", regex=True).values.tolist()
    assert (out["level"] == "Man").any()


def test_a_level_that_ends_is_not_taken_for_one_that_its_people_joined(
    wave: m.MicrodataWave, rules: m.DisclosureRules
) -> None:
    old = people()
    old.loc[[0, 1, 2], ["sex", "joined_12m", "main"]] = ["Other", 1.0, 1]
    new = old.assign(sex=old["sex"].replace("Other", "Male"))
    out = differencing.held(estimates(), behind(new, wave), [Published(behind(old, wave))], rules)
    assert ["poll_2020", "joined_12m", "sex", "Male"] in out.values.tolist()


@pytest.mark.parametrize("asked", [80, 8])
def test_an_indicator_under_another_name_is_held_against_every_one_that_changed(
    wave: m.MicrodataWave, rules: m.DisclosureRules, asked: int
) -> None:
    """As it was, answers of few lack and its base is near that of the other; or it is new, and those of many do."""
    old = people().assign(helped_12m=lambda f: f["joined_12m"].where(f.index % 80 != 0))
    new = removed(old).assign(helped_12m=lambda f: f["joined_12m"].where(f.index % asked != 0))
    published = Published(behind(old, wave), keys_of(*HIDDEN))
    out = differencing.held(
        in_words(estimates(), helped_12m="given_12m"),
        called(behind(new, wave), helped_12m="given_12m"),
        [published],
        rules,
    )
    expected = []
    for cell in ALL_CELLS:
        own = len(sets(new, *cell[1:]) ^ sets(old, *cell[1:]))
        if cell[1] == "joined_12m":
            named = 0 < own < rules.min_count or (own < rules.min_count and cell in HIDDEN)
        else:
            other = len(sets(new, *cell[1:]) ^ sets(old, "joined_12m", *cell[2:]))
            kept = sets(new, "joined_12m", *cell[2:]) == sets(old, "joined_12m", *cell[2:])
            named = 0 < own < rules.min_count or (0 < other < rules.min_count and not kept)
            named |= own < rules.min_count and cell in HIDDEN
        expected += [in_words(Frame([cell], columns=catalogue.KEY), helped_12m="given_12m").values[0].tolist()] * named
    assert out.values.tolist() == expected
    assert (["poll_2020", "given_12m", "all", "all"] in expected) is (asked == 80)


def test_an_indicator_that_is_new_beside_others_that_did_not_change_is_shown(
    wave: m.MicrodataWave, rules: m.DisclosureRules
) -> None:
    """Its base differs from theirs by who answered which question, as those of any two do."""
    frame = people().assign(helped_12m=lambda f: f["joined_12m"].where(f.index % 80 != 0))
    earlier = behind(frame, wave).drop(columns="answered helped_12m")
    published = Published(earlier, keys_of(*(k for k in HIDDEN if k[1] == "joined_12m")))
    out = differencing.held(estimates(), behind(frame, wave), [published], rules)
    assert set(out["indicator"]) == {"joined_12m"}
    # Nor is it near anything where many came.
    more = pd.concat([frame, people(500).iloc[400:].assign(main=1, joined_12m=1.0, helped_12m=1.0)])
    out = differencing.held(estimates(), behind(more, wave), [published], rules)
    assert ["poll_2020", "helped_12m", "all", "all"] not in out.values.tolist()


# --- what is remembered


def test_a_population_is_named_by_who_is_in_it_and_what_they_said(wave: m.MicrodataWave) -> None:
    old = people()
    name = differencing.name(behind(old, wave))
    assert differencing.name(behind(old.sample(frac=1, random_state=1), wave)) == name
    assert differencing.name(behind(old.assign(main=old["main"] * (1 + 1e-12)), wave)) == name
    assert differencing.name(behind(turned(old), wave)) != name
    assert differencing.name(behind(removed(old), wave)) != name
    assert not set(old["respondent"]) & set(behind(old, wave)["who"])


def test_equal_answers_of_two_respondents_have_nothing_in_common(wave: m.MicrodataWave) -> None:
    same = people().assign(joined_12m=1.0, helped_12m=None, main=1)
    assert behind(same, wave)["answers"].is_unique


def test_rules_are_named_by_what_they_withhold(rules: m.DisclosureRules) -> None:
    def named(**changed: Any) -> str:
        return differencing.rules_digest(rules.model_copy(update=changed))

    assert named() == named(source="Elsewhere") == named(caution_base=500)
    changes = [{"min_base": 40}, {"min_count": 12}, {"largest_weight": 0.5}, {"unreliable": "suppress"}]
    assert len({named(), *(named(**c) for c in changes)}) == 5
    assert named(unreliable="suppress") != named(unreliable="suppress", caution_width=0.2)


def changed_for(n: int) -> Frame:
    frame = people()
    return frame.assign(main=frame["main"].where(frame.index >= n, 7))


@pytest.mark.parametrize(
    ("new", "published", "expected"),
    [
        (changed_for(1), [people()], True),
        (turned(people()), [people()], True),
        (changed_for(9), [people()], True),
        (changed_for(10), [people()], False),
        (people(), [people()], False),
        (removed(people()), [people()], False),
        (removed(changed_for(1)), [people()], True),
        (changed_for(1), [people(), changed_for(1)], False),
        (changed_for(9), [changed_for(1), people()], True),
        (changed_for(1).assign(respondent=lambda f: "n" + f["respondent"]), [people()], False),
        (changed_for(1), [], False),
    ],
)
def test_answers_that_changed_for_a_few_are_noticed(
    wave: m.MicrodataWave, rules: m.DisclosureRules, new: Frame, published: list[Frame], expected: bool
) -> None:
    earlier = [Published(behind(p, wave)) for p in published]
    assert differencing.few_corrected(behind(new, wave), earlier, rules) is expected


def test_what_an_earlier_version_remembered_is_compared_all_the_same(
    wave: m.MicrodataWave, rules: m.DisclosureRules
) -> None:
    old, new = behind(people(), wave), behind(removed(changed_for(1).reset_index(drop=True)), wave)
    older = [Published(old.drop(columns="answers"))]
    assert not differencing.few_corrected(new, older, rules)
    out = differencing.held(estimates(), new, older, rules)
    assert len(out)
    assert out.equals(differencing.held(estimates(), new, [Published(old)], rules))


# --- two builds with three rows removed


@pytest.fixture(scope="module")
def untouched(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Return a project with its first release: East Midlands is hidden beside others, East of England nearly was."""
    project = make(tmp_path_factory.mktemp("real") / "home", adults=50, poll=900)
    for wave in (CLS_2018, CLS_2019):
        project.file(wave).unlink()
    edit_text(project.file(POLL), lambda frame: without(7)(frame.drop(columns="synthetic_data")))
    assert project.run(POLL).failed == {}
    return project


@pytest.fixture
def real(untouched: Project, tmp_path: Path) -> Project:
    return untouched.copy(tmp_path / "home")


def without(n: int) -> Callable[[Frame], Frame]:
    """Remove respondents of East of England."""
    return lambda frame: frame.drop(index=frame.index[frame["region"] == "East of England"][:n])


def shown(project: Project, release: object) -> dict[tuple[str, str, str], int]:
    with duckdb.connect(str(releases.path_of(project.warehouse, str(release))), read_only=True) as connection:
        rows = connection.execute(
            "SELECT indicator, domain, level, base_unweighted FROM estimates "
            f"WHERE wave = '{POLL}' AND NOT is_suppressed"
        ).fetchall()
    return {(i, d, x): n for i, d, x, n in rows}


def hidden(project: Project) -> set[tuple[str, ...]]:
    rows = project.query(f"SELECT indicator, domain, level FROM estimates WHERE wave = '{POLL}' AND is_suppressed")
    return set(rows.itertuples(index=False, name=None))


def alone(project: Project) -> set[tuple[str, ...]]:
    """Return what a project that has published nothing hides of the same file."""
    shutil.copytree(project.workspace.data, project.root / "other" / "data" / "landing")
    other = replace(project, root=project.root / "other")
    assert other.run(POLL).failed == {}
    return hidden(other)


def accept(project: Project, **more: Any) -> None:
    report = run(project.workspace, [POLL], decision=Decision(accept="x", kind="revision", **more))
    assert report.failed == {}
    assert report.release_is_new


def test_what_a_release_hid_stays_hidden_while_its_people_stay(real: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    first = hidden(real)
    edit_text(real.file(POLL), without(3))
    accept(real)
    second = hidden(real)
    assert first - alone(real), "alone, the file shows nothing that was hidden"
    assert first < second

    # The same people by other code, again and again: neither more nor less.
    for version in ("other code", "still other code"):
        monkeypatch.setattr(status, "code_digest", lambda version=version: version)
        report = real.run(POLL)
        assert (report.failed, report.built) == ({}, (POLL,))
        assert hidden(real) == second
    folder = real.workspace.private / "-published" / POLL
    assert len(list(folder.glob("*.parquet"))) == len(list(folder.glob("withheld/*.parquet"))) == 2


def test_an_unchanged_file_is_suppressed_as_before(real: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    first = hidden(real)
    monkeypatch.setattr(status, "code_digest", lambda: "other code")
    assert real.run(POLL).built == (POLL,)
    assert hidden(real) == first
    for build in (real.workspace.private / POLL).glob("*/withheld.parquet"):
        assert "differencing" not in set(pd.read_parquet(build)["rule"])


def test_other_thresholds_are_not_bound_by_what_was_hidden_under_earlier_ones(real: Project, tmp_path: Path) -> None:
    project = real.with_catalogue(tmp_path / "catalogue")
    rules = tmp_path / "catalogue" / "rules.yaml"

    def least(base: int) -> set[tuple[str, ...]]:
        rules.write_text(re.sub(r"min_base: \d+", f"min_base: {base}", rules.read_text()))
        report = project.run(POLL)
        if report.failed:  # a higher one takes published numbers away
            accept(project)
        return hidden(project)

    usual = hidden(real)
    strict = least(90)
    assert usual < strict
    assert least(40) == usual


def test_a_file_that_is_signed_off_shows_what_it_would_alone(real: Project) -> None:
    first = hidden(real)
    edit_text(real.file(POLL), without(3))
    accept(real, small_groups="show")
    assert hidden(real) == alone(real)
    assert first - hidden(real)
    # Which is what binds the next.
    rules = differencing.rules_digest(catalogue.load().rules.disclosure)
    remembered = Store(real.workspace.private).remembered(POLL, rules)
    bound = [set(w.itertuples(index=False, name=None)) for _, w in remembered if w is not None]
    assert sorted(map(len, bound)) == sorted(map(len, (first, hidden(real))))
    assert hidden(real) in bound


def test_no_two_releases_tell_of_the_three_people_between_them(
    real: Project, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    told = Told(real, capsys, monkeypatch)
    first = real.value("SELECT release_id FROM runs")
    before = shown(real, first)
    edit_text(real.file(POLL), lambda frame: frame.drop(index=[5, 6, 7]))
    code, _, err = told("run", "--wave", POLL)
    assert code == 1
    counted = re.search(r"(\d+) of them would be hidden: they rest on nearly the same respondents", err)
    assert counted is not None
    assert real.value("SELECT release_id FROM runs") == first

    assert told("run", "--wave", POLL, "--accept", "Three asked to be left out", "--kind", "revision")[0] == 0
    second = real.value("SELECT release_id FROM runs")
    after = shown(real, second)
    assert 0 < int(counted[1]) <= len(before.keys() - after.keys()), (
        "nothing was hidden, or what was already is counted"
    )
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
