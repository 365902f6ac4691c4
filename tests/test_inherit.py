"""Waves based on waves: what is taken over, what is not, and that every mistake is named with both files."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from engagement_stats import catalogue
from engagement_stats.catalogue import inherit
from engagement_stats.errors import CatalogueError

BASE: dict[str, Any] = {
    "kind": "microdata",
    "label": "2018",
    "survey": "poll",
    "source": "maker",
    "mode": "web",
    "note": "Held in spring.",
    "file": {"pattern": ["a.csv"]},
    "published_as": ["report"],
    "design": {"weights": {"main": "wt"}, "stratum": "s", "optional": True},
    "variables": {"sex": {"column": "sex", "codes": "a"}, "age": {"column": "age"}},
    "indicators": {"joined": {"question": "q"}},
    "domains": ["sex", "age", "sex*age"],
    "unverified": ["The weight.", "The codes of sex."],
}


def resolved(**waves: dict[str, Any]) -> tuple[dict[str, inherit.Resolved], list[str]]:
    problems: list[str] = []
    found = inherit.resolve({"old": BASE, **waves}, lambda where, problem: problems.append(f"{where}: {problem}"))
    return found, problems


def test_what_is_given_replaces_and_the_rest_is_taken_over() -> None:
    found, problems = resolved(
        new={
            "based_on": "old",
            "label": "2020",
            "design": {"weights": {"main": "rimweight"}},
            "variables": {"sex": {"column": "sexg"}},
            "unverified": ["The name of the file."],
        }
    )
    whole = found["new"].content
    assert problems == []
    assert whole["design"] == {"weights": {"main": "rimweight"}, "stratum": "s", "optional": True}
    assert whole["variables"] == {"sex": {"column": "sexg"}, "age": {"column": "age"}}
    assert whole["unverified"] == ["The weight.", "The codes of sex.", "The name of the file."]
    assert whole["mode"] == "web"
    assert "based_on" not in whole
    assert found["new"].base == "old"
    assert found["new"].origins["variables.age"] == "old"
    assert found["new"].origins["mode"] == "old"
    assert "variables.sex" not in found["new"].origins
    assert BASE["variables"]["sex"] == {"column": "sex", "codes": "a"}  # the base is not changed


def test_what_describes_one_wave_alone_is_never_taken_over() -> None:
    found, _ = resolved(new={"based_on": "old"})
    assert not set(inherit.OWN) & set(found["new"].content)


def test_without_removes_variables_indicators_domains_and_lines() -> None:
    found, problems = resolved(
        new={
            "based_on": "old",
            "without": {
                "variables": ["age"],
                "indicators": ["joined"],
                "domains": ["age"],
                "unverified": ["The codes of"],
            },
        }
    )
    whole = found["new"].content
    assert problems == []
    assert (list(whole["variables"]), whole["indicators"]) == (["sex"], {})
    assert whole["domains"] == ["sex"]  # the crossing with age goes too
    assert whole["unverified"] == ["The weight."]


def test_a_chain_remembers_where_each_line_stands() -> None:
    found, problems = resolved(
        newest={"based_on": "new", "variables": {"region": {"column": "gor"}}},
        new={"based_on": "old", "variables": {"sex": {"column": "sexg"}}},
    )
    assert problems == []
    assert list(found) == ["old", "newest", "new"]
    assert found["newest"].origins["variables.sex"] == "new"
    assert found["newest"].origins["variables.age"] == "old"


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"based_on": "nowhere"}, 'waves/new.yaml: based_on: "nowhere" is not a wave'),
        ({"based_on": "new"}, "circle: new on new"),
        ({"without": {"variables": ["sex"]}}, "there is no based_on"),
        ({"based_on": "old", "kind": "tables"}, "waves/new.yaml (based on waves/old.yaml): based_on is for waves of"),
        ({"based_on": "old", "variables": ["sex"]}, "variables is not a mapping"),
        ({"based_on": "old", "without": ["sex"]}, "without is not a mapping"),
        ({"based_on": "old", "without": {"questions": ["sex"]}}, '"questions" is not one of'),
        ({"based_on": "old", "without": {"variables": "sex"}}, "without.variables is not a list"),
        ({"based_on": "old", "without": {"variables": ["shoe"]}}, '"shoe" is not in the base'),
        ({"based_on": "old", "without": {"unverified": ["The"]}}, '2 lines of the base begins "The"; expected one'),
        ({"based_on": "old", "without": {"unverified": ["A"]}}, '0 lines of the base begins "A"; expected one'),
        ({"based_on": "old", "without": {"domains": ["lbn"]}}, '0 lines of the base is "lbn"'),
        (
            {"based_on": "old", "without": {"variables": ["sex"]}, "variables": {"sex": {"column": "x"}}},
            '"sex" is also given here',
        ),
    ],
)
def test_a_mistake_is_named_and_the_entry_left_out(entry: dict[str, Any], message: str) -> None:
    found, problems = resolved(new=entry)
    assert list(found) == ["old"]
    assert [p for p in problems if message in p], problems


def test_a_circle_of_several_is_named() -> None:
    found, problems = resolved(a={"based_on": "b"}, b={"based_on": "c"}, c={"based_on": "a"})
    assert list(found) == ["old"]
    assert problems == ["waves/c.yaml: based_on goes round in a circle: a on b on c on a."]


# --- through the whole catalogue


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(catalogue.DEFAULT, tmp_path / "catalogue"))


def replace(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.count(old) >= 1
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def lines_of(folder: Path) -> list[str]:
    with pytest.raises(CatalogueError) as caught:
        catalogue.load(folder)
    return str(caught.value).splitlines()[1:]


ROOT = "waves/cls_2018_19_microdata.yaml"


def test_a_mistake_in_a_line_taken_over_is_told_once_where_it_stands(folder: Path) -> None:
    replace(folder / ROOT, "column: Zforvol, codes: cls_flag", "column: Zforvol, codes: cls_flog")
    replace(folder / ROOT, "column: Zformon, codes: cls_flag", "colum: Zformon, codes: cls_flag")
    lines = lines_of(folder)
    assert [line for line in lines if line.startswith(f"{ROOT}: microdata.variables.formal_monthly")]
    assert not [line for line in lines if "based on" in line]


def test_a_reference_that_leads_nowhere_is_told_once(folder: Path) -> None:
    replace(folder / ROOT, "column: Zforvol, codes: cls_flag", "column: Zforvol, codes: cls_flog")
    lines = lines_of(folder)
    assert [line for line in lines if "cls_flog" in line] == [
        f'{ROOT}: code list "cls_flog" of variable formal_12m is not in the catalogue.'
    ]


def test_a_mistake_of_the_wave_itself_names_both_files(folder: Path) -> None:
    wave = "waves/cls_2021_22_microdata.yaml"
    replace(folder / wave, "sex: {column: sex, codes: cls_sex}", "sex: {column: sex, codes: cls_gender}")
    replace(folder / wave, "fieldwork:", "fieldwerk:")
    lines = lines_of(folder)
    named = "waves/cls_2021_22_microdata.yaml (based on waves/cls_2018_19_microdata.yaml)"
    assert [line for line in lines if line.startswith(named) and "fieldwork" in line]
    assert [line for line in lines if line.startswith(named) and "fieldwerk" in line]


def test_the_digest_of_a_wave_follows_what_it_takes_over(folder: Path) -> None:
    before = catalogue.load(folder)
    replace(folder / ROOT, "column: ZLocInv1,", "column: ZLocInv2,")
    after = catalogue.load(folder)
    changed = {w for w in before.waves if before.wave_digest(w) != after.wave_digest(w)}
    assert "cls_2020_21_microdata" in changed
    assert "cls_2015_16_f2f_microdata" in changed  # two steps below
    assert "cls_2024_25_microdata" not in changed  # it has a line of its own
    assert "cls_2018_19" not in changed


def test_writing_a_line_out_changes_no_digest(folder: Path) -> None:
    before = catalogue.load(folder)
    path = folder / "waves" / "cls_2019_20_microdata.yaml"
    replace(path, "published_as:", "mode: web_and_paper\npublished_as:")
    after = catalogue.load(folder)
    assert after.wave_digest("cls_2019_20_microdata") == before.wave_digest("cls_2019_20_microdata")


def test_a_message_says_which_file_to_edit(packaged: catalogue.Catalogue) -> None:
    wave = "cls_2020_21_microdata"
    assert packaged.line(wave, "variables", "region") == (
        "waves/cls_2020_21_microdata.yaml, variable region, taken from waves/cls_2018_19_microdata.yaml"
    )
    assert packaged.line("cls_2021_22_microdata", "variables", "sex") == (
        "waves/cls_2021_22_microdata.yaml, variable sex"
    )
    assert packaged.codes_at(wave, "region").endswith("; codes in codelists/cls_microdata.yaml, cls_gor")
