"""Published workbooks become figures: found by words, once or not at all, with marks, bases and vintages kept."""

import copy
import csv
import re
import shutil
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import layouts
import pytest
import yaml
from layouts import Sheet
from workbench import ROOT, Project

from engagement_stats import catalogue, disclose, ingest, labels, publish, status, tabulate, workbook
from engagement_stats.catalogue import DEFAULT, vintages
from engagement_stats.catalogue import model as m
from engagement_stats.catalogue.workbooks import Workbook
from engagement_stats.deposit import LandedFile
from engagement_stats.errors import CatalogueError, EstimationError, IngestError
from engagement_stats.readers import grids
from engagement_stats.readers.model import Cell
from engagement_stats.store import Store

SHARED = ROOT.parent / "shared" / "data"
WAVE = "report_2019"
SAVED: dict[str, Callable[[Path, Mapping[str, Sheet]], Path]] = {"ods": layouts.ods, "xlsx": layouts.xlsx}
OFFICIAL: dict[str, Any] = {
    "kind": "official", "labels": ["Category", "Response breakdown"], "scale": "percent", "decimals": 1,
    "columns": {
        "value": "{year} Percentage (%)", "lower": "{year} Percentage (%) Lower estimate",
        "upper": "{year} Percentage (%) Upper estimate", "base": "{year} No. of respondents",
        "base_weighted": "{year} Base",
    },
    "confidence": 0.95, "rows": {"all": "All adults | All", "sex": "Sex | *"},
    "symbols": {"[c]": "suppressed", "[low]": "rounds_to_zero"},
}  # fmt: skip
CROSSTAB: dict[str, Any] = {
    "kind": "crosstab", "header_rows": 2, "columns": {"all": "Total", "sex": "Gender | *"}, "scale": "percent",
    "decimals": 0, "base_unweighted": "Unweighted base", "base_weighted": "Weighted base",
    "symbols": {"*": "rounds_to_zero", "-": "zero"},
}  # fmt: skip
OFFICIAL_TABLE: dict[str, Any] = {"sheet": "C1b", "layout": "x", "indicator": "joined_12m"}
CROSSTAB_TABLE: dict[str, Any] = {
    "sheet": "Tables", "layout": "x", "indicator": "joined_12m", "title": "Q1. In the last", "answer": "Yes, a member",
}  # fmt: skip


def described(layout: dict[str, Any], *tables: dict[str, Any], **more: Any) -> Workbook:
    base = {
        "pattern": ["*.ods"], "format": "ods", "source": "The report", "year": "2023/24",
        "published_on": date(2024, 12, 4), "layouts": {"x": layout}, "tables": list(tables),
    }  # fmt: skip
    return Workbook.model_validate({**base, **more})


def with_workbook(c: catalogue.Catalogue, book: Workbook, **more: Any) -> catalogue.Catalogue:
    wave = c.tables_waves[WAVE].model_copy(update={"workbook": book, "figures": None, **more})
    return replace(c, waves={**c.waves, WAVE: wave})


def cells(sheet: Sheet) -> list[list[Cell]]:
    """Return a sheet's cells without a file."""
    width = max(len(row) for row in sheet.rows)
    return [
        [Cell(float(v) if isinstance(v, int) else v) for v in [*row, *[None] * (width - len(row))]]
        for row in sheet.rows
    ]  # fmt: skip


def figures(c: catalogue.Catalogue, book: Workbook, *sheets: Sheet) -> dict[tuple[str, str], m.Figure]:
    found = workbook.figures(WAVE, [cells(s) for s in sheets], with_workbook(c, book), "w f.ods")
    return {(f.domain, f.level): f for f in found}


def official(c: catalogue.Catalogue, changes: Mapping[str, Any] = {}, sheet: Sheet | None = None, **table: Any) -> Any:
    return figures(
        c, described({**OFFICIAL, **changes}, {**OFFICIAL_TABLE, **table}), sheet or layouts.official()["C1b"]
    )


def crosstab(c: catalogue.Catalogue, changes: Mapping[str, Any] = {}, sheet: Sheet | None = None, **table: Any) -> Any:
    return figures(
        c, described({**CROSSTAB, **changes}, {**CROSSTAB_TABLE, **table}), sheet or layouts.crosstabs()["Tables"]
    )


def refused(read: Callable[..., Any], *args: Any, **more: Any) -> str:
    with pytest.raises(IngestError) as caught:
        read(*args, **more)
    return str(caught.value)


def edited(name: str, change: Callable[[list[list[Any]]], None]) -> Sheet:
    """Return a sheet of the samples with its rows changed."""
    sheet = {**layouts.official(), **layouts.crosstabs()}[name]
    rows = [list(row) for row in copy.deepcopy(list(sheet.rows))]
    change(rows)
    return replace(sheet, rows=rows)


# --- several questions under one header

STACKED: dict[str, Any] = {
    **CROSSTAB, "base_unweighted": "Unweighted Sample", "base_weighted": "Weighted Sample", "cells": ["per_cent"],
}  # fmt: skip


def stacked() -> Sheet:
    """Return a sheet as YouGov lays it out: one header and its bases, questions below, and then all that again."""
    head = [["", "Total", "Gender", ""], ["", "", "Male", "Female"]]
    trust = [["Do you trust your council?"], ["Yes", 34, 30, 38], ["No", 50, 55, 45], ["Don't know", 16, 15, 17]]
    joined = [["Are you a member?"], ["[All adults]"], ["Yes", 24, 20, 28], ["No", 70, 75, 65], ["Don't know", 6, 5, 7]]
    chair = [
        ["Do you chair it?"], ["[Members only]"], ["Unweighted Sample", 420, 160, 260],
        ["Weighted Sample", 418, 170, 248], ["Yes", 4, 2, 8], ["No", 96, 98, 92],
    ]  # fmt: skip
    return Sheet([
        ["Survey results"], [], *head, ["Weighted Sample", 1742, 849, 893], ["Unweighted Sample", 1740, 800, 940],
        ["", "%", "%", "%"], *trust, [], *joined, [], *chair, [],
        *head, ["Weighted Sample", 1742, 849, 893], ["Unweighted Sample", 1700, 790, 910], ["Do you vote?"],
        ["Yes", 64, 60, 68], ["No", 36, 40, 32],
    ])  # fmt: skip


@pytest.mark.parametrize(
    ("question", "women", "base", "weighted"),
    [
        ("trust your council", 38, 940, 893), ("Are you a member?", 28, 940, 893), ("do you chair it?", 8, 260, 248),
        ("Do you vote?", 68, 910, 893),
    ],
)  # fmt: skip
def test_of_several_questions_under_one_header_one_is_named(
    small: catalogue.Catalogue, question: str, women: int, base: int, weighted: int
) -> None:
    found = crosstab(small, STACKED, stacked(), title=None, question=question, answer="Yes")["sex", "Female"]
    assert (found.value, found.base, found.base_weighted) == (women, base, weighted)


def test_a_question_that_is_not_the_one_is_not_read(small: catalogue.Catalogue) -> None:
    one = {"title": None, "answer": "Don't know"}
    assert 'labelled "Don\'t know"' in refused(crosstab, small, STACKED, stacked(), question="Do you vote?", **one)
    assert "2 rows hold the headers" in refused(crosstab, small, STACKED, stacked(), **one)
    alone = replace(stacked(), rows=stacked().rows[:20])
    assert "or which question, or write the label" in refused(crosstab, small, STACKED, alone, **one)
    assert 'no cell holds the question "Will you vote?"' in refused(
        crosstab, small, STACKED, stacked(), question="Will you vote?", **one
    )
    with pytest.raises(ValueError, match="it is for a crosstab without a title"):
        described(STACKED, {**CROSSTAB_TABLE, "question": "Do you vote?"})
    with pytest.raises(ValueError, match="it is for a crosstab without a title"):
        described(OFFICIAL, {**OFFICIAL_TABLE, "question": "Do you vote?"})


# --- official tables


def test_an_official_table_is_read_by_its_words(small: catalogue.Catalogue) -> None:
    found = official(small)
    assert set(found) == {("all", "all"), ("sex", "Male"), ("sex", "Female")}
    whole = found["all", "all"]
    assert (whole.value, whole.lower, whole.upper, whole.confidence) == (23.4, 23.1, 23.7, 0.95)
    assert (whole.base, whole.base_weighted, whole.decimals) == (170254, 170254.0, 1)
    assert (whole.published_on, whole.evidence, whole.source) == (date(2024, 12, 4), "confirmed", "The report")
    assert (found["sex", "Male"].value, found["sex", "Female"].value) == (22.0, 24.8)


def test_it_does_not_matter_where_on_the_sheet_the_table_stands(small: catalogue.Catalogue) -> None:
    moved = edited("C1b", lambda rows: rows.insert(2, ["another line"]))
    aside = replace(moved, rows=[[None, *row] for row in moved.rows])
    turned = replace(moved, rows=[[*row[:2], *row[:1:-1]] for row in moved.rows])
    assert official(small) == official(small, sheet=moved) == official(small, sheet=aside)
    assert official(small) == official(small, sheet=turned)


def test_marks_are_kept_as_what_they_mean(small: catalogue.Catalogue) -> None:
    rows = {"sex": {"Male": "Sex | Identify in another way", "Female": "Age group | 75 and over"}}
    found = official(small, {"rows": rows})
    withheld, less = found["sex", "Male"], found["sex", "Female"]
    assert (withheld.value, withheld.withheld, withheld.base, withheld.lower) == (None, "suppressed", None, None)
    assert (less.value, less.below, less.withheld, less.base, less.confidence) == (None, 0.05, None, 19034, None)


def test_a_mark_nobody_explained_stops_the_wave(small: catalogue.Catalogue) -> None:
    rows = {"sex": {"Male": "Sex | Identify in another way"}}
    said = refused(official, small, {"rows": rows, "symbols": {"[low]": "rounds_to_zero"}})
    assert "sheet C1b sex Male value: the cell holds neither a number nor a mark" in said and '"[c]"' in said
    long = edited("C1b", lambda rows: rows[8].__setitem__(2, "a long remark of somebody"))
    assert "remark" not in refused(official, small, sheet=long)
    empty = edited("C1b", lambda rows: rows[8].__setitem__(2, None))
    assert 'Got ""' in refused(official, small, sheet=empty)
    assert official(small, {"symbols": {"": "not_available"}}, sheet=empty)["sex", "Male"].withheld == "not_available"


@pytest.mark.parametrize(
    ("changes", "table", "said"),
    [
        ({"rows": {"all": "All adult | All"}}, {},
         "no row is labelled \"All adult | All\". Nearest: 'All adults [note 1] | All'"),
        ({"rows": {"sex": "Gender | *"}}, {}, "2 things in the workbook are not as described"),
        ({"columns": {"value": "2022/23 Percentage (%)"}, "confidence": None}, {},
         "\"2022/23 Percentage (%)\" is not among them. Nearest: '2023/24 Percentage (%)'"),
        ({"labels": ["Category"], "rows": {"all": "Sex"}}, {}, '3 rows are labelled "Sex", expected one'),
        ({}, {"title": "D7: something else"}, 'no cell holds the title "D7: something else"'),
        ({}, {"title": "C"}, "cells hold the title \"C\", expected one"),
        ({"header_rows": 3}, {}, "no row holds the headers wanted"),
    ],
    ids=["row", "rows", "column", "twice", "title", "title-twice", "header-rows"],
)  # fmt: skip
def test_words_that_are_not_found_once_are_named(
    small: catalogue.Catalogue, changes: dict[str, Any], table: dict[str, Any], said: str
) -> None:
    message = refused(official, small, changes, **table)
    assert message.startswith("w f.ods") and said in message


def test_a_header_there_twice_is_refused(small: catalogue.Catalogue) -> None:
    twice = edited("C1b", lambda rows: rows[6].append("2023/24 Base"))
    assert '2 columns are labelled "{year} Base"'.replace("{year}", "2023/24") in refused(official, small, sheet=twice)


def test_of_two_tables_on_a_sheet_the_title_says_which(small: catalogue.Catalogue) -> None:
    first = layouts.official()["C1b"].rows
    second = [[c.replace("C1b: Formal", "C2b: Informal") if isinstance(c, str) else c for c in row] for row in first]
    for row in second[7:]:
        row[2:5] = [1.0, 0.5, 1.5]
    both = Sheet([*first, [], *second])
    assert "2 rows hold the headers wanted" in refused(official, small, sheet=both)
    assert official(small, sheet=both, title="C1b: Formal") == official(small)
    assert official(small, sheet=both, title="C2b: Informal")["all", "all"].value == 1.0


def test_the_next_table_is_never_taken_for_the_one_wanted(small: catalogue.Catalogue) -> None:
    """The table under the title lacks what is wanted, and one below it has it."""
    first = [list(row) for row in layouts.official()["C1b"].rows]
    other = [[c.replace("2023/24", "2022/23") if isinstance(c, str) else c for c in row] for row in first]
    other[0] = ["C0: the year before"]
    assert "no row holds the headers wanted" in refused(
        official, small, sheet=Sheet([*other, [], *first]), title="C0: the year before"
    )
    short = [row for row in first if row[:2] != ["Sex", "Female"]]
    below = [["C9: others"], ["Category", "Response breakdown", *["Mean", "Low", "High", "People", "Weight"]],
             ["Sex", "Female", 1.0, 0.5, 1.5, 10, 10]]  # fmt: skip
    assert 'no row is labelled "Sex | Female"' in refused(official, small, sheet=Sheet([*short, *below]))


def test_percentages_may_be_stored_as_fractions(small: catalogue.Catalogue) -> None:
    def fractions(rows: list[list[Any]]) -> None:
        for row in rows[7:10]:
            row[2:5] = [v / 100 for v in row[2:5]]

    found = official(small, {"scale": "fraction"}, sheet=edited("C1b", fractions))
    assert [f.value for f in found.values()] == [23.4, 22.0, 24.8]
    assert found["all", "all"].upper == 23.7


@pytest.mark.parametrize(
    ("value", "changes", "said"),
    [
        (23.44, {}, "more digits than the layout's decimals, 1"),
        (0.234, {}, "more digits"),
        (2340.0, {}, "outside 0 to 100"),
        (29.0, {}, "the interval does not contain the value"),
        ("23.4 per cent", {}, "neither a number nor a mark"),
    ],
)
def test_what_cannot_be_the_figure_is_refused(
    small: catalogue.Catalogue, value: Any, changes: dict[str, Any], said: str
) -> None:
    assert said in refused(official, small, changes, sheet=edited("C1b", lambda r: r[7].__setitem__(2, value)))


def test_unrounded_cells_keep_their_digits(small: catalogue.Catalogue) -> None:
    exact = edited("C1b", lambda rows: rows[7].__setitem__(2, 23.4172839))
    assert official(small, {"decimals": 12}, sheet=exact)["all", "all"].value == 23.4172839


def test_a_base_that_is_not_a_count_is_refused(small: catalogue.Catalogue) -> None:
    weighted = edited("C1b", lambda rows: rows[7].__setitem__(5, 170254.6))
    assert "number of respondents is not a whole number" in refused(official, small, sheet=weighted)


def test_formulas_are_taken_only_when_declared(small: catalogue.Catalogue) -> None:
    grid = cells(layouts.official()["C1b"])
    grid[7][2] = replace(grid[7][2], formula=True)
    book = described(OFFICIAL, OFFICIAL_TABLE)
    trusting = described({**OFFICIAL, "formulas": "stored"}, OFFICIAL_TABLE)
    assert 'formulas: "stored"' in refused(workbook.figures, WAVE, [grid], with_workbook(small, book), "w")
    assert workbook.figures(WAVE, [grid], with_workbook(small, trusting), "w")[0].value == 23.4


def test_labels_are_filled_down_and_headers_joined_over_rows(small: catalogue.Catalogue) -> None:
    rows: list[list[Any]] = [
        ["Group", "Part", "Members", None], ["Group", "Part", "%", "n"],
        ["All", None, 30, 1000], ["Sex", "Male", 28, 480], [None, "Female", 32, 520], ["Age", "16-34", 25, 300],
        [None, "35+", 33, 700],
    ]  # fmt: skip
    grid = cells(Sheet(rows))
    grid[0][3] = Cell("Members", spread=True)
    layout = {
        "kind": "official", "header_rows": 2, "labels": ["Group", "Part"], "fill_down": True, "scale": "percent",
        "decimals": 0, "columns": {"value": "Members | %", "base": "Members | n"},
        "rows": {"all": "All", "sex": "Sex | *", "age": "Age | *"},
    }  # fmt: skip
    found = workbook.figures(WAVE, [grid], with_workbook(small, described(layout, OFFICIAL_TABLE)), "w")
    assert [(f.level, f.value, f.base) for f in found] == [
        ("all", 30.0, 1000), ("Male", 28.0, 480), ("Female", 32.0, 520), ("16-34", 25.0, 300), ("35+", 33.0, 700),
    ]  # fmt: skip


def test_levels_that_are_not_there_are_left_out_by_name(small: catalogue.Catalogue) -> None:
    found = official(small, {"rows": {"sex": "Sex | *"}, "without": {"sex": ["Female"]}})
    assert set(found) == {("sex", "Male")}


def test_an_answer_may_choose_the_column(small: catalogue.Catalogue) -> None:
    rows = [["Area", "Yes (%)", "No (%)"], ["England", 30, 70]]
    layout = {"kind": "official", "labels": ["Area"], "scale": "percent", "decimals": 0, "rows": {"all": "England"},
              "columns": {"value": "{answer} (%)"}}  # fmt: skip
    found = figures(small, described(layout, {**OFFICIAL_TABLE, "answer": "No"}), Sheet(rows))
    assert found["all", "all"].value == 70.0


# --- crosstabs


def test_a_crosstab_is_read_with_both_bases(small: catalogue.Catalogue) -> None:
    found = crosstab(small)
    assert {k: (f.value, f.base, f.base_weighted) for k, f in found.items()} == {
        ("all", "all"): (8.0, 1003, 1003.0), ("sex", "Male"): (9.0, 470, 490.0), ("sex", "Female"): (7.0, 533, 516.0),
    }  # fmt: skip


def test_marks_of_a_crosstab(small: catalogue.Catalogue) -> None:
    columns = {"all": "Total", "sex": "Gender | *", "age": {"16-34": "Age | 18-34", "35+": "Age | 35-54"}}
    found = crosstab(small, {"columns": columns}, answer="No, but I used to be")
    assert (found["all", "all"].below, found["all", "all"].value) == (0.5, None)
    assert (found["sex", "Female"].below, found["sex", "Male"].value) == (1.0, 1.0)
    assert (found["age", "35+"].value, found["age", "35+"].below) == (0.0, None)


def test_signs_that_follow_a_number_are_no_part_of_it(small: catalogue.Catalogue) -> None:
    def signed(rows: list[list[Any]]) -> None:
        for row in rows:
            row[2:] = [f"{v:,} B" if isinstance(v, int) else f"{v}AB*" if "%" in (v or "") else v for v in row[2:]]

    sheet = edited("Tables", signed)
    said = refused(crosstab, small, sheet=sheet)
    assert 'Got "470 B"; expected a number' in said
    assert "under after_numbers what may follow a number." in said
    assert 'Got "470 B"' in refused(crosstab, small, {"after_numbers": "*"}, sheet)
    described_as = {"after_numbers": "AB*"}
    for answer in ("Yes, a member", "No, but I used to be"):
        assert crosstab(small, described_as, sheet, answer=answer) == crosstab(small, answer=answer)


@pytest.mark.parametrize("signs", ["1", "%", ".", "-", "<", "A B"])
def test_signs_that_make_a_number_do_not_follow_one(signs: str) -> None:
    with pytest.raises(ValueError, match="after_numbers"):
        described({**CROSSTAB, "after_numbers": signs}, CROSSTAB_TABLE)


def test_a_net_is_an_answer(small: catalogue.Catalogue) -> None:
    assert crosstab(small, answer="NET: Ever a member")["sex", "Male"].value == 10.0


def test_the_title_says_which_question_is_meant(small: catalogue.Catalogue) -> None:
    second = {"title": "Q2. In the last 12 months", "answer": "Yes"}
    assert crosstab(small, **second)["all", "all"].value == 14.0
    assert 'no row is labelled "Yes"' in refused(crosstab, small, answer="Yes")
    assert "no row is labelled" in refused(crosstab, small, title="Q2. In", answer="Yes, a member")
    assert "2 rows hold the headers wanted" in refused(crosstab, small, title=None)


def test_a_table_whose_headers_are_others_is_not_read_from_the_next(small: catalogue.Catalogue) -> None:
    def other(rows: list[list[Any]]) -> None:
        rows[3][2] = "Region"

    message = refused(crosstab, small, sheet=edited("Tables", other))
    assert "no row holds the headers wanted" in message and "'Region | Male'" in message


def test_counts_prove_that_the_right_rows_were_found(small: catalogue.Catalogue) -> None:
    wrong = edited("Tables", lambda rows: rows[8].__setitem__(1, "12%"))
    assert "not that of the count on the weighted base" in refused(crosstab, small, sheet=wrong)
    assert crosstab(small, {"per_cent_of": "other"}, sheet=wrong)["all", "all"].value == 12.0
    assert "not that of the count" in refused(crosstab, small, {"base_weighted": "Yes, a member"})
    assert "outside 0 to 100" in refused(
        crosstab, small, {"cells": ["per_cent", "count"], "columns": {"all": "Total"}}, answer="No"
    )


def test_the_rows_of_an_answer_are_as_declared(small: catalogue.Catalogue) -> None:
    def without_counts(rows: list[list[Any]]) -> None:
        for at in (15, 13, 11, 9, 7):
            if at < 14:
                rows[at + 1][0] = rows[at][0]
                del rows[at]

    sheet = edited("Tables", without_counts)
    assert "has 1 row(s). Expected 2 (count, per_cent)" in refused(crosstab, small, sheet=sheet)
    assert crosstab(small, {"cells": ["per_cent"]}, sheet=sheet)["all", "all"].value == 8.0


def test_answers_above_the_bases_are_refused(small: catalogue.Catalogue) -> None:
    def bases_last(rows: list[list[Any]]) -> None:
        rows[5:15] = [*rows[7:15], *rows[5:7]]

    assert "stands above the bases" in refused(crosstab, small, sheet=edited("Tables", bases_last))


# --- the description


@pytest.mark.parametrize(
    ("layout", "table", "said"),
    [
        ({**OFFICIAL, "confidence": None}, OFFICIAL_TABLE, "go together"),
        ({**OFFICIAL, "rows": {"sex": "Men"}}, OFFICIAL_TABLE, "a pattern without *"),
        ({**OFFICIAL, "without": {"age": ["35+"]}}, OFFICIAL_TABLE, "without names age"),
        ({**OFFICIAL, "cell": "B7"}, OFFICIAL_TABLE, "Extra inputs"),
        (OFFICIAL, {**OFFICIAL_TABLE, "layout": "y"}, 'layout "y" of table 1 is not in layouts'),
        (OFFICIAL, {**OFFICIAL_TABLE, "answer": "Yes"}, "has no use for an answer"),
        (CROSSTAB, {**CROSSTAB_TABLE, "answer": None}, "needs an answer"),
        ({**CROSSTAB, "cells": ["count"]}, CROSSTAB_TABLE, "one per_cent row"),
        ({**CROSSTAB, "symbols": {"*": "small"}}, CROSSTAB_TABLE, "Input should be"),
    ],
)
def test_a_description_that_contradicts_itself_is_refused(
    layout: dict[str, Any], table: dict[str, Any], said: str
) -> None:
    with pytest.raises(ValueError, match=re.escape(said)):
        described(layout, table)


def test_a_year_that_is_not_given_is_refused() -> None:
    with pytest.raises(ValueError, match="so give year"):
        described(OFFICIAL, OFFICIAL_TABLE, year=None)


def test_a_wave_has_figures_or_a_workbook(small: catalogue.Catalogue) -> None:
    plain = small.tables_waves[WAVE].model_dump(exclude={"workbook"})
    with pytest.raises(ValueError, match="give figures"):
        m.TablesWave.model_validate({**plain, "figures": None})
    book = described(OFFICIAL, {**OFFICIAL_TABLE, "indicator": "hours_given"})
    with pytest.raises(ValueError, match="hours_given is not under questions"):
        m.TablesWave.model_validate({**plain, "workbook": book})


# --- figures become estimates


def test_a_crosstab_gets_an_interval_from_its_own_base_and_a_mark_gets_none(small: catalogue.Catalogue) -> None:
    book = described(CROSSTAB, {**CROSSTAB_TABLE, "answer": "No, but I used to be"})
    c = with_workbook(small, book)
    read = workbook.figures(WAVE, [cells(layouts.crosstabs()["Tables"])], c, "w")
    table = disclose.suppress(tabulate.published(WAVE, c, read), c.rules.disclosure).set_index("level")
    male = table.loc["Male"]
    assert (male["estimate"], male["base_unweighted"], male["base_weighted"]) == (0.01, 470, 490.0)
    assert (male["variance_basis"], male["design_effect"], male["effective_base"]) == ("assumed", 1.5, 470 / 1.5)
    female = table.loc["Female"]
    assert (female["symbol"], female["quality"], female["is_suppressed"]) == ("[low]", "suppressed", True)
    assert female[["estimate", "ci_upper", "base_unweighted", "base_weighted"]].isna().all()
    assert female["note"] == "Published only as below 1 per cent."
    assert table.loc["all", "note"] == "Published only as below 0.5 per cent."


def test_a_mark_of_a_figures_file_needs_no_workbook(small: catalogue.Catalogue, tmp_path: Path) -> None:
    line = {"wave": WAVE, "indicator": "joined_12m", "domain": "all", "level": "all", "value": None, "lower": None,
            "upper": None, "confidence": None, "base": None, "decimals": 0, "published_on": None,
            "evidence": "confirmed", "source": "s", "note": None}  # fmt: skip
    withheld = m.Figure.model_validate({**line, "withheld": "not_available"})
    table = disclose.suppress(tabulate.published(WAVE, replace(small, figures=(withheld,))), small.rules.disclosure)
    assert table[["symbol", "is_suppressed"]].to_numpy().tolist() == [["[x]", True]]
    for wrong in ({}, {"value": 3.0, "below": 4.0}, {"below": 1.0, "lower": 0.0, "upper": 1.0, "confidence": 0.95}):
        with pytest.raises(ValueError, match=r"exactly one of value|has no interval"):
            m.Figure.model_validate({**line, **wrong})


def vintage(day: int | None, value: float, **more: Any) -> m.Figure:
    return m.Figure.model_validate({
        "wave": WAVE, "indicator": "joined_12m", "domain": "all", "level": "all", "value": value, "lower": None,
        "upper": None, "confidence": None, "base": 500, "decimals": 0, "evidence": "confirmed", "source": "s",
        "note": None, "published_on": None if day is None else date(2026, 5, day), **more,
    })  # fmt: skip


def test_the_newest_vintage_stands_and_the_others_are_kept(small: catalogue.Catalogue) -> None:
    c = replace(small, figures=(vintage(9, 31.0), vintage(1, 30.0), vintage(5, 33.0, lower=30.0, upper=36.0,
                                                                           confidence=0.95)))  # fmt: skip
    now = tabulate.published(WAVE, c)
    assert now[["estimate", "published_on"]].to_numpy().tolist() == [[0.31, date(2026, 5, 9)]]
    old = tabulate.revisions(WAVE, c)
    assert old[["estimate", "published_on", "replaced_on", "variance_basis"]].to_numpy().tolist() == [
        [0.30, date(2026, 5, 1), date(2026, 5, 5), "assumed"], [0.33, date(2026, 5, 5), date(2026, 5, 9), "published"],
    ]  # fmt: skip
    assert len(tabulate.revisions(WAVE, replace(c, figures=(vintage(None, 30.0),)))) == 0
    assert {*publish.columns("revisions")} - {"release_id", "is_synthetic"} <= {
        *disclose.suppress(old, c.rules.disclosure).columns
    }


@pytest.mark.parametrize(
    ("days", "said"), [((3, 3), "same published_on"), ((None, 3), "once without published_on"), ((None, None), "twice")]
)
def test_two_figures_of_one_day_are_an_error(days: tuple[int | None, int | None], said: str) -> None:
    assert said in vintages.conflicts([vintage(days[0], 30.0), vintage(days[1], 31.0)])[0][1]
    assert vintages.conflicts([vintage(1, 30.0), vintage(2, 30.0)]) == []


def test_a_workbook_and_a_figures_file_of_one_day_are_an_error(small: catalogue.Catalogue) -> None:
    c = replace(small, figures=(vintage(3, 30.0),))
    with pytest.raises(EstimationError, match=r"1 figure.s. are given by its workbook and by figures/"):
        tabulate.published(WAVE, c, [vintage(3, 31.0)])
    assert tabulate.published(WAVE, c, [vintage(4, 31.0)])["estimate"].tolist() == [0.31]


# --- landing


def test_a_wave_waits_for_its_workbook_unless_it_has_other_figures(small: catalogue.Catalogue, tmp_path: Path) -> None:
    data, store = tmp_path / "landing", Store(tmp_path / "private")
    data.mkdir()
    book = described(OFFICIAL, OFFICIAL_TABLE)
    alone, beside = with_workbook(small, book), with_workbook(small, book, figures="report.csv")
    waiting = status.survey(alone, data, store).waves[WAVE]
    assert (waiting.state, waiting.fingerprint) == ("catalogued", None)
    both = status.survey(beside, data, store).waves[WAVE]
    assert (both.state, both.reason) == ("landed", "not built yet; its workbook has not landed")
    assert both.fingerprint is not None and both.fingerprint.file is None
    path = layouts.ods(data / "report.ods", layouts.official())
    landed = status.survey(alone, data, store)
    assert (landed.waves[WAVE].state, landed.unclaimed) == ("landed", ())
    first = landed.waves[WAVE].fingerprint
    layouts.ods(path, layouts.official(layouts.OFFICIAL_ROWS[:3]))
    second = status.survey(alone, data, store).waves[WAVE].fingerprint
    assert first is not None and second is not None and first.file != second.file


@pytest.mark.parametrize("kind", ["ods", "xlsx"])
def test_a_workbook_is_read_in_the_child(small: catalogue.Catalogue, kind: str, tmp_path: Path) -> None:
    path = SAVED[kind](tmp_path / f"report.{kind}", layouts.official())
    c = with_workbook(small, described(OFFICIAL, OFFICIAL_TABLE, format=kind))
    found = workbook.read(WAVE, LandedFile(path), c)
    assert {(f.domain, f.level): f for f in found} == official(small)


def test_another_edition_or_a_damaged_file_is_refused(small: catalogue.Catalogue, tmp_path: Path) -> None:
    path = layouts.ods(tmp_path / "report.ods", layouts.official())
    book = described(OFFICIAL, OFFICIAL_TABLE, sha256=["0" * 64])
    assert "none of the 1 edition(s)" in refused(ingest.read_grids, WAVE, book, LandedFile(path), [["C1b"]])
    hidden = {**OFFICIAL_TABLE, "sheet": "working"}
    c = with_workbook(small, described(OFFICIAL, hidden))
    assert f'{WAVE} report.ods: the sheet "working" is hidden' in refused(workbook.read, WAVE, LandedFile(path), c)
    path.write_bytes(path.read_bytes()[:2000])
    assert f"{WAVE} report.ods: " in refused(workbook.read, WAVE, LandedFile(path), c)


# --- the worked example of the documentation, through the pipeline

TEXT = (ROOT / "docs" / "workbooks.md").read_text(encoding="utf-8")
EXAMPLES = {
    name: re.search(rf"```yaml {name}\n(.*?)```", TEXT, re.DOTALL)[1]  # type: ignore[index]
    for name in ("official", "crosstab")
}
CLS, POLL = "cls_2023_24", "survation_lbn_2020"


@pytest.fixture(scope="module")
def documented(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Run both examples of docs/workbooks.md on the samples, as a catalogue of these two waves' entries has them."""
    root = tmp_path_factory.mktemp("documented")
    entries = root / "catalogue"
    shutil.copytree(DEFAULT, entries)
    for wave, name in ((CLS, "official"), (POLL, "crosstab")):
        path = entries / "waves" / f"{wave}.yaml"
        path.write_text(path.read_text(encoding="utf-8") + EXAMPLES[name], encoding="utf-8")
    # Both wait for the day of the figures they replace; one such figure is given a day, the other is dropped.
    dated = {(CLS, "formal_volunteering_monthly"): "2024-12-03"}
    for name in ("cls.csv", "survation_lbn.csv"):
        path = entries / "figures" / name
        with path.open(encoding="utf-8", newline="") as handle:
            lines = list(csv.DictReader(handle))
        kept = [x for x in lines if (x["wave"], x["indicator"]) != (POLL, "community_group_membership_12m")]
        for line in kept:
            line["published_on"] = dated.get((line["wave"], line["indicator"]), line["published_on"])
        with path.open("w", encoding="utf-8", newline="") as handle:
            writer = csv.DictWriter(handle, list(lines[0]))
            writer.writeheader()
            writer.writerows(kept)
    project = Project(root / "home", entries)
    project.workspace.data.mkdir(parents=True)
    layouts.ods(project.workspace.data / "cls_2023_24_tables.ods", layouts.official())
    layouts.xlsx(project.workspace.data / "left behind tables.xlsx", layouts.crosstabs())
    report = project.run(CLS, POLL)
    assert (report.failed, report.built) == ({}, (CLS, POLL))
    return project


def test_the_examples_of_the_documentation_are_released(documented: Project) -> None:
    found = documented.query(
        "SELECT level, estimate, ci_lower, base_unweighted, variance_basis, symbol FROM estimates "
        f"WHERE wave = '{CLS}' AND indicator = 'formal_volunteering_monthly' ORDER BY ALL"
    ).set_index("level")
    assert found.loc["all", ["estimate", "ci_lower", "base_unweighted"]].tolist() == pytest.approx(
        [0.234, 0.231, 170254]
    )
    assert found.loc["London", "estimate"] == 0.26
    assert found.loc["75+", "symbol"] == "[low]" and found.loc["75+"].isna().sum() == 3
    assert "Wales" not in found.index and set(found["variance_basis"]) == {"published"}
    poll = documented.query(f"SELECT * FROM estimates WHERE wave = '{POLL}' AND indicator LIKE 'community%'")
    assert dict(zip(poll["level"], poll["estimate"], strict=True)) == {"all": 0.08, "Male": 0.09, "Female": 0.07}
    assert poll.set_index("level").loc["Male", ["base_unweighted", "base_weighted"]].tolist() == [470, 490]


def test_a_replaced_figure_is_in_the_release(documented: Project) -> None:
    rows = documented.query("SELECT wave, indicator, level, published_on, replaced_on, estimate FROM revisions")
    assert [str(v).removesuffix(" 00:00:00") for v in rows.to_numpy().tolist()[0]] == [
        CLS, "formal_volunteering_monthly", "all", "2024-12-03", "2024-12-04", "0.16",
    ]  # fmt: skip
    assert len(rows) == 1


def test_the_examples_are_what_the_catalogue_accepts() -> None:
    for text in EXAMPLES.values():
        Workbook.model_validate(yaml.safe_load(text)["workbook"])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (('sex: "Sex | *"', 'sexes: "Sex | *"'), 'domain "sexes" has no levels of its own'),
        (("16-24: Age", "16-25: Age"), 'level "16-25" is not one of domain "cls_age_group"'),
        (("[Wales, Scotland", "[Gales, Scotland"), 'level "Gales" is not one of domain "region"'),
    ],
)
def test_a_mistake_in_a_description_is_named(change: tuple[str, str], said: str, tmp_path: Path) -> None:
    shutil.copytree(DEFAULT, tmp_path / "c")
    path = tmp_path / "c" / "waves" / f"{CLS}.yaml"
    assert change[0] in EXAMPLES["official"]
    path.write_text(path.read_text(encoding="utf-8") + EXAMPLES["official"].replace(*change), encoding="utf-8")
    with pytest.raises(CatalogueError) as caught:
        catalogue.load(tmp_path / "c")
    assert f"waves/{CLS}.yaml" in str(caught.value) and said in str(caught.value)


# --- the census, as it is


@pytest.mark.skipif(not SHARED.is_dir(), reason="the real files are not in ../shared/data (see README.md)")
def test_the_census_is_read_by_its_words() -> None:
    """Population by sex and five years of age, for England and its regions: 380 counts by their labels."""
    folder = SHARED / "margins_england"
    (grid,) = grids.grids(folder / "census2021firstresultsenglandwales1.xlsx", [["P03"]], "census")
    with (folder / "census2021_P03_age_sex_england_regions_tidy.csv").open(encoding="utf-8") as handle:
        expected = list(csv.DictReader(handle))
    assert len(expected) == 380
    headers = {f"{x['sex']}:\nAged {x['age_group']}" for x in expected}
    head = labels.header(grid, [["Area code"], ["Area name"], *([h] for h in sorted(headers))], "P03")
    name = labels.one(head.columns, ["Area name"], "column", "P03")
    numbers = [labels.one(head.columns, [h], "column", "P03") for h in headers]
    rows: dict[str, list[int]] = {}
    for r in range(head.below, labels.end_of_table(grid, head.below, numbers)):
        rows.setdefault(labels.text_of(grid[r][name]), []).append(r)
    for x in expected:
        row = labels.one(rows, [x["area_name"]], "row", "P03")
        column = labels.one(head.columns, [f"{x['sex']}: Aged {x['age_group']}"], "column", "P03")
        assert grid[row][column].value == float(x["count"]), x
