"""Margins agree with one another and with the sample, or the error names what does not."""

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from engagement_stats import catalogue, weight
from engagement_stats.catalogue import model as m
from engagement_stats.errors import CatalogueError, WeightingError
from engagement_stats.margins import Margins, lay_out

SHARED = Path(__file__).parents[2] / "shared" / "data" / "margins_england"
SHARES = {"sex": {"F": 52.0, "M": 48.0}, "age": {"18-34": 30.0, "35+": 70.0}}


def people() -> pd.DataFrame:
    return pd.DataFrame({"sex": list("FFFMMM"), "age": ["18-34", "35+", "35+", "18-34", "35+", "35+"]})


def refused(margins: object, frame: pd.DataFrame | None = None) -> str:
    with pytest.raises(WeightingError) as caught:
        weight.rake(people() if frame is None else frame, margins)
    return str(caught.value)


def table(*rows: tuple[str, object, object]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["variable", "category", "population"])


@pytest.mark.parametrize(
    ("margins", "expected"),
    [
        ([1], "margins: got list; expected a frame with columns variable, category, population"),
        (pd.DataFrame({"variable": ["sex"], "n": [1]}), "no column category, population. Got variable, n"),
        (table(), "there is no margin"),
        (table(("sex", "F", 52), ("sex", "M", "many")), "1 population(s) are not a positive number: sex M"),
        (table(("sex", "F", 52), ("sex", "M", 0)), "1 population(s) are not a positive number: sex M"),
        (table(("sex", "F", 52), ("sex", "F", 48)), "given more than once: sex F"),
        (table(("sex*age", "F", 52)), 'category "F" does not fit variable "sex*age". Expected 2 part(s)'),
        (table(("sex*age", None, 52)), 'the crossed variable "sex*age" has a row without a category'),
        (table(("sex", "F", 52), ("sex", "", 52)), "sex has rows with a category and one without"),
        ({"region": {"N": 1}}, 'the data have no column "region", which a margin needs. Got sex, age.'),
        ({"sex": {"F": 52, "M": 48, "X": 1}}, 'sex has population but no respondent in "X". Collapse it with a'),
        ({"sex": {"F": 100}}, 'sex has respondents but no population in "M". Expected one of "F"'),
        (
            {"sex*age": {"F | 18-34": 1, "F | 35+": 1, "M | 18-34": 1}},
            'sex*age has respondents but no population in "M | 35+"',
        ),
        (
            {"sex": {"F": 52, "M": 48}, "age": {"18-34": 30, "35+": 71}},
            "disagree in total. sex has 100, but age 101 (+0.01). Expected totals within 0.5% of each other",
        ),
        (
            {"sex": {"F": 52, "M": 48}, "age": {"18-34": 30, "35+": 70.1}},
            "disagree in total. sex has 100, but age 100.1 (+0.001). Counts rounded for publication do that. Give",
        ),
        (
            {"sex": {"F": 52, "M": 48}, "sex*age": {"F | 18-34": 25, "F | 35+": 25, "M | 18-34": 25, "M | 35+": 25}},
            "the margins sex and sex*age disagree on sex: F, M. No weights can meet both. Drop the margin sex",
        ),
    ],
)  # fmt: skip
def test_margins_that_cannot_be_used(margins: object, expected: str) -> None:
    assert expected in refused(margins)


def test_every_problem_of_the_sample_is_reported_at_once() -> None:
    message = refused({"sex": {"F": 50, "X": 50}, "age": {"18-34": 50, "65+": 50}})
    assert len(message.splitlines()) == 4


def test_respondents_without_a_category_are_counted() -> None:
    frame = people()
    frame.loc[[0, 3], "age"] = None
    assert "2 respondent(s) have no category in age. Expected one for everyone with a weight" in refused(SHARES, frame)
    young = people()["age"].where(people()["age"] == "18-34")
    frame = people().assign(age=pd.Categorical(young, categories=["18-34", "35+"]))
    assert "4 respondent(s) have no category in age" in refused(SHARES, frame)
    frame = people().assign(age=["", " ", *people()["age"][2:]])
    assert "2 respondent(s) have no category in age" in refused(SHARES, frame)


def test_numbers_missing_from_a_total_are_counted() -> None:
    frame = people().assign(hours=[1.0, np.nan, 3.0, np.inf, 5.0, 6.0])
    margins = table(("sex", "F", 52), ("sex", "M", 48), ("hours", None, 300))
    with pytest.raises(WeightingError, match=re.escape("2 respondent(s) have no number in hours")):
        weight.calibrate(frame, margins)


def test_rounded_totals_are_rescaled_only_when_asked_and_it_is_recorded() -> None:
    margins = {"sex": {"F": 52, "M": 48}, "age": {"18-34": 30, "35+": 70.1}}
    made = weight.rake(people(), margins, rescale=True)
    assert made.values.sum() == pytest.approx(100)
    assert made.steps[-1].settings["rescaled"] == {"age": pytest.approx(100 / 100.1)}
    assert weight.rake(people(), SHARES).steps[-1].settings["rescaled"] == {}
    with pytest.raises(WeightingError, match="margins of different populations"):
        weight.rake(people(), {**SHARES, "age": {"18-34": 300, "35+": 700}}, rescale=True)


def test_a_crossed_margin_that_contains_another_and_agrees_is_fine() -> None:
    crossed = {"F | 18-34": 12, "F | 35+": 40, "M | 18-34": 18, "M | 35+": 30}
    both = weight.rake(people(), {"sex": SHARES["sex"], "sex*age": crossed})
    np.testing.assert_allclose(both.values, weight.poststratify(people(), {"sex*age": crossed}).values, rtol=1e-12)


@pytest.mark.parametrize("kind", ["object", "str", "category", "number", "mixed"])
def test_categories_are_compared_as_text(kind: str) -> None:
    frame = pd.DataFrame({"code": [1, 1, 2]})
    if kind == "number":
        frame = frame.astype(float)
    elif kind == "mixed":
        frame["code"] = pd.Series([1, "1", 2.0], dtype=object)
    else:
        frame = frame.astype(str).astype(kind)
    margins = pd.DataFrame({"variable": "code", "category": [1.0, 2.0], "population": [6, 4]})
    assert weight.poststratify(frame, margins).values.tolist() == [3.0, 3.0, 4.0]


def test_cells_are_the_design_matrix_without_its_repeated_rows() -> None:
    margins = Margins.of(SHARES)
    cells, population = lay_out(people(), margins, np.ones(6))
    assert cells.size == 4
    assert population.tolist() == [52, 48, 30, 70]
    assert cells.names == (("sex", "F"), ("sex", "M"), ("age", "18-34"), ("age", "35+"))
    x = cells.matrix.toarray()
    values = np.array([0.5, 1.5, 2.5, 3.5])
    np.testing.assert_allclose(cells.totals(values), x.T @ values)
    np.testing.assert_allclose(cells.scores(values), x @ values)
    np.testing.assert_allclose(cells.gram(values), x.T @ np.diag(values) @ x)


def test_many_categories_take_the_sparse_way_to_the_same_cells(monkeypatch: pytest.MonkeyPatch) -> None:
    usual, _ = lay_out(people(), Margins.of(SHARES), np.ones(6))
    monkeypatch.setattr("engagement_stats.margins.DENSE_CELLS", 1)
    other, _ = lay_out(people(), Margins.of(SHARES), np.ones(6))
    assert usual.cell.tolist() == other.cell.tolist()
    assert (usual.matrix != other.matrix).nnz == 0


# The catalogue.


def test_margins_of_one_population_agree_whatever_is_taken(packaged: catalogue.Catalogue) -> None:
    for name, entry in packaged.margins.items():
        crossed = next(r.variable for r in packaged.margin_rows if r.margins == name)
        parts = crossed.split("*")
        known = Margins.from_catalogue(packaged, name, [*parts, "*".join(parts[:2])])
        assert known.population == pytest.approx(entry.total, rel=1e-4 if entry.rounding > 1 else 1e-15)
        assert known.source is not None
        assert entry.date.isoformat() in known.source


def test_margins_are_sums_of_the_published_counts(packaged: catalogue.Catalogue) -> None:
    if not (SHARED / "population_mid2023_england_age_sex.csv").exists():
        pytest.skip("the shared population counts are not here")

    def of(name: str, variable: str) -> dict[str, float]:
        levels, population = Margins.from_catalogue(packaged, name, [variable]).parts[variable]
        return dict(zip(levels, population, strict=True))

    counts = pd.read_csv(SHARED / "population_mid2023_england_age_sex.csv")
    age = counts["age"].str.rstrip("+").astype(int)
    for start, domain in ((16, "cls_age_group"), (18, "age_group")):
        known = of(f"mid_2023_england_{start}", f"sex*{domain}")
        for sex, label in (("Male", "males"), ("Female", "females")):
            for level in packaged.domains[domain].levels:
                low, high = (int(x) if x else 200 for x in level.replace("+", "-").split("-"))
                if f"{sex} | {level}" in known:
                    expected = counts.loc[(counts["sex"] == label) & age.between(low, high), "count"].sum()
                    assert known[f"{sex} | {level}"] == expected
        assert sum(known.values()) == counts.loc[age >= start, "count"].sum()

    wide = pd.read_csv(SHARED / "population_mid2020_ltla21_single_year_of_age_persons.csv")
    london = wide[wide["ltla21_code"].str.startswith("E09")].iloc[:, 3:]
    known = of("mid_2020_england_18", "region*age_group")
    assert known["London | 18-24"] == london[[str(a) for a in range(18, 25)]].to_numpy().sum()
    assert known["London | 75+"] == london[[*(str(a) for a in range(75, 90)), "90+"]].to_numpy().sum()

    census = pd.read_csv(SHARED / "census2021_P03_age_sex_england_regions_tidy.csv")
    known = of("census_2021_england_15", "region*sex*age_band")
    young = census["age_group"].isin(["15 to 19 years", "20 to 24 years"]) & (census["sex"] == "Females")
    assert known["London | Female | 15-24"] == census.loc[young & (census["area_name"] == "London"), "count"].sum()

    districts = pd.read_csv(SHARED / "population_mid2014_ew_lad_age_sex.csv.gz")
    newcastle = ["Newcastle upon Tyne", "Gateshead", "North Tyneside", "South Tyneside", "Sunderland", "Hartlepool",
                 "Middlesbrough", "Redcar and Cleveland", "Stockton-on-Tees", "Darlington", "County Durham",
                 "Northumberland"]  # fmt: skip
    north_east = districts[districts["region"].isin(newcastle) & (districts["sex"] == "Males")]
    assert north_east["region"].nunique() == len(newcastle)
    adults = north_east["age"].astype(str).str.rstrip("+").astype(int) >= 16
    known = of("mid_2014_england_16", "region*sex")
    assert known["North East | Male"] == north_east.loc[adults, "population"].sum()


def test_catalogue_margins_weight_a_sample(packaged: catalogue.Catalogue) -> None:
    known = Margins.from_catalogue(packaged, "mid_2014_england_18", ["region", "sex*age_group"])
    r = np.random.default_rng(9)
    frame = pd.DataFrame(
        {
            "region": r.choice(known.parts["region"][0], 2000),
            "sex": r.choice(["Male", "Female"], 2000),
            "age_group": r.choice(packaged.domains["age_group"].levels, 2000),
        }
    )
    made = weight.rake(frame, known)
    assert made.values.sum() == pytest.approx(packaged.margins["mid_2014_england_18"].total, rel=1e-12)
    assert made.steps[-1].settings["margins"] == "margins/mid_2014_england_18"
    london = frame[frame["region"] == "London"]
    with pytest.raises(
        WeightingError, match='margins/mid_2014_england_18: region has population but no respondent in "N'
    ):
        weight.rake(london, known)


def test_margins_the_catalogue_does_not_have(packaged: catalogue.Catalogue) -> None:
    with pytest.raises(WeightingError, match='the catalogue has no "mid_2011_gb"'):
        Margins.from_catalogue(packaged, "mid_2011_gb")
    with pytest.raises(WeightingError, match=r"there is no region\. It has sex\*age_group"):
        Margins.from_catalogue(packaged, "mid_2023_england_18", ["region"])


ENTRY = """\
town:
  label: Town
  population: {phrase: adults in Town, geography: Town, age_from: 18}
  date: 2020-06-30
  sources: [maker]
  total: 100
"""


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ("town,sex,Male,48\ntown,sex,Female,52\n", None),
        ("town,sex,Male,48\ntown,sex,Female,53\n", "margins town: rows sum to 101, but total is 100. Rounding"),
        ("town,sex,Male,48\ntown,sex,Other,52\n", 'level "Other" is not one of domain "sex"'),
        ("town,sex,Male,48\ntown,sex,Male,52\n", "gives a category more than once"),
        ("town,shoe,Male,100\n", 'domain "shoe" is not in the catalogue'),
        ("town,sex*lbn,Male | Rest of England,48\ntown,sex*lbn,Female | Left-behind neighbourhood,52\n",
         "has 2 categories; the crossing of its levels has 4"),
        ("town,sex,Male,100\ntown,lbn,Rest of England,100\n", "has rows of 2 variables; expected one"),
        ("village,sex,Male,100\n", 'margins "village" is not in the catalogue'),
        ("town,sex,Male,0\n", "greater than 0"),
        ("town,sex,Male,few\n", "a number is not a number"),
    ],
)  # fmt: skip
def test_margins_are_checked_when_the_catalogue_is_read(
    rows: str, expected: str | None, copied: Callable[[], "catalogue.Catalogue"]
) -> None:
    copied.text(rows)  # type: ignore[attr-defined]
    if expected is None:
        assert isinstance(copied().margins["town"], m.PopulationMargins)
        return
    with pytest.raises(CatalogueError) as caught:
        copied()
    assert expected in str(caught.value)


@pytest.fixture
def copied(tmp_path):
    """Return a loader of a small catalogue folder with the margins of a town."""
    folder = tmp_path / "data"
    for kind in ("domains", "sources", "margins"):
        (folder / kind).mkdir(parents=True)
    (folder / "rules.yaml").write_text((catalogue.DEFAULT / "rules.yaml").read_text(encoding="utf-8"))
    (folder / "domains" / "core.yaml").write_text(
        "sex: {label: Sex, definition: Sex., levels: [Male, Female]}\n"
        "region: {label: Region, definition: Region., levels: [North East, London]}\n"
        "age_group: {label: Age, definition: Age., levels: [18-24, 25-34]}\n"
        "lbn: {label: Place, definition: Place., levels: [Left-behind neighbourhood, Rest of England]}\n",
        encoding="utf-8",
    )
    (folder / "sources" / "maker.yaml").write_text(
        "maker: {title: Count, producer: Maker, licence: Open, citation: Maker (2020)}\n"
    )
    (folder / "margins" / "town.yaml").write_text(ENTRY)

    def load():
        return catalogue.load(folder)

    def text(rows: str) -> None:
        (folder / "margins" / "town.csv").write_text("margins,variable,category,population\n" + rows)

    load.text = text
    return load
