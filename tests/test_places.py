"""From the code of an area to the level of a domain: through the user's lookups, strictly, or not at all."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from engagement_stats import catalogue, clean, compare, lookups, places, tabulate
from engagement_stats.catalogue import model as m
from engagement_stats.deposit import LandedFile
from engagement_stats.errors import CleaningError, IngestError, UsageError

ROOT = Path(__file__).parent.parent
GEO = ROOT.parent / "shared" / "data" / "geo"
WAVE = "poll_2020"
LBN, REST = "Left-behind neighbourhood", "Rest of England"
HOMES = ["E01000001", "E01000002", "E01000003", "E01000004", "W01000001"]
WARDS = dict(zip(HOMES, ["E05000001", "E05000001", "E05000002", "E05000003", "W05000001"], strict=True))

Project = tuple[catalogue.Catalogue, dict[str, pd.DataFrame]]


def lookup(geography: str, **more: Any) -> m.Lookup:
    return m.Lookup.model_validate(
        {
            "label": geography, "source": "maker", "countries": ["E", "W"], "file": {"pattern": [f"{geography}.csv"]},
            "key": {"column": "code", "geography": geography}, **more,
        }
    )  # fmt: skip


def wave(base: catalogue.Catalogue, **more: Any) -> m.MicrodataWave:
    content = base.microdata_waves[WAVE].model_dump()
    return m.MicrodataWave.model_validate({**content, **more})


def with_waves(base: catalogue.Catalogue, **more: Any) -> catalogue.Catalogue:
    return replace(base, waves={**base.waves, WAVE: wave(base, **more)})


@pytest.fixture
def areas(small: catalogue.Catalogue, packaged: catalogue.Catalogue) -> Project:
    """Return a catalogue of three wards and a list of one, and the lookups as they are read."""
    entries = {
        "lsoa_ward": lookup("lsoa11", values={"ward17": {"column": "ward", "geography": "ward17"}}),
        "listed_wards": lookup("ward17", countries=["E"]),
        "deprivation": lookup("lsoa11", countries=["E"], values={"decile": {"column": "decile"}}),
        "authority": lookup("lsoa11", countries=["E"], values={"name": {"column": "name"}}),
        "residents": lookup("lsoa11", countries=["E"], counts={"people": "n"}),
    }
    domains: dict[str, dict[str, Any]] = {
        "lbn": {
            "levels": [LBN, REST],
            "derived": {
                "through": ["lsoa_ward", "listed_wards"], "population": "residents",
                "listed": {"inside": LBN, "outside": REST, "among": "lsoa_ward"},
            },
        },
        "decile": {
            "levels": ["most deprived", "2"],
            "derived": {"through": ["deprivation"], "value": "decile", "spelled": {1: "most deprived"},
                        "population": "residents"},
        },
        "authority": {"derived": {"through": ["authority"], "value": "name"}},
    }  # fmt: skip
    made = {k: m.Domain.model_validate({"label": k, "definition": k, **v}) for k, v in domains.items()}
    tables = {
        "lsoa_ward": pd.DataFrame({"lsoa11": HOMES, "ward17": WARDS.values()}, dtype="str"),
        "listed_wards": pd.DataFrame({"ward17": ["E05000001"]}, dtype="str"),
        "deprivation": pd.DataFrame({"lsoa11": HOMES[:4], "decile": ["1", "1", "2", "2"]}, dtype="str"),
        "authority": pd.DataFrame({"lsoa11": HOMES[:4], "name": ["York", "York", "Adur", "Wyre"]}, dtype="str"),
        "residents": pd.DataFrame({"lsoa11": HOMES[:4]}, dtype="str").assign(people=[10, 20, 30, 40]),
    }
    base = replace(small, domains={**small.domains, **made}, lookups=entries, geographies=packaged.geographies)
    place = {"lsoa11": {"column": "LSOA11CD", "missing": {"-9": "refused"}}}
    return with_waves(base, places=place, domains=["sex", "lbn", "decile", "authority", "lbn*sex"]), tables


def poll(homes: list[str], **columns: list[str]) -> pd.DataFrame:
    n = len(homes)
    return pd.DataFrame(
        {
            "id": [str(i) for i in range(n)], "wt": ["1"] * n, "q1": ["1", "2"] * (n // 2) + ["1"] * (n % 2),
            "q2": ["1"] * n, "hrs": ["3"] * n, "sex": ["1"] * n, "age": ["40"] * n, "LSOA11CD": homes, **columns,
        },
        dtype="str",
    )  # fmt: skip


def refused(raw: pd.DataFrame, project: Project) -> str:
    with pytest.raises(CleaningError) as error:
        clean.harmonise(raw, WAVE, *project)
    assert not any(code in str(error.value) for code in raw["LSOA11CD"] if code not in ("", "-9"))
    return str(error.value)


# Respondents


def test_a_code_becomes_a_level_of_each_domain(areas: Project) -> None:
    found = clean.harmonise(poll(HOMES[:4]), WAVE, *areas)
    assert list(found["lbn"]) == [LBN, LBN, REST, REST]
    assert list(found["decile"]) == ["most deprived", "most deprived", "2", "2"]
    assert list(found["lbn"].cat.categories) == [LBN, REST]
    # Levels that only the lookup knows are in the order of the alphabet.
    assert list(found["authority"].cat.categories) == ["Adur", "Wyre", "York"]
    assert found["lbn__missing"].isna().all()
    assert "LSOA11CD" not in found
    assert not found.isin(HOMES).any(axis=None)


def test_no_code_and_another_country_are_reasons_for_missingness(areas: Project) -> None:
    found = clean.harmonise(poll([HOMES[0], "-9", "W01000001"]), WAVE, *areas)
    assert found["lbn"].isna().tolist() == [False, True, True]
    assert found["lbn__missing"].tolist()[1:] == ["refused", "not_applicable"]
    assert found["decile__missing"].tolist()[1:] == ["refused", "not_applicable"]


def test_an_empty_code_that_is_not_declared_stops_the_wave(areas: Project) -> None:
    assert "1 respondent(s) have a code in it that is not of lsoa11" in refused(poll([HOMES[1], ""]), areas)


def test_a_code_that_no_lookup_has_stops_the_wave_and_is_counted(areas: Project) -> None:
    message = refused(poll([HOMES[0], "E01000009", "E01000009", "E01000008"]), areas)
    assert "3 respondent(s) have a lsoa11 code (2 different) that is not in lookup lsoa_ward" in message
    assert "lsoa21" in message  # such a code may be of 2021
    assert f"{WAVE} LSOA11CD (waves/{WAVE}.yaml, place lsoa11)" in message


@pytest.mark.parametrize(
    ("code", "kind"), [("E01033769", "lsoa21"), ("E05000001", "ward17"), ("E07000224", "ltla21"), ("E02000001", "msoa")]
)
def test_a_code_of_another_kind_or_year_is_named_as_such(areas: Project, code: str, kind: str) -> None:
    assert f"1 respondent(s) have a code in it that is not of lsoa11; these look like {kind}." in refused(
        poll([HOMES[0], code]), areas
    )


def test_a_wave_may_begin_further_along_the_chain(areas: Project) -> None:
    base, tables = areas
    project = with_waves(base, places={"ward17": {"column": "LSOA11CD"}}, domains=["lbn"]), tables
    found = clean.harmonise(poll(["E05000001", "E05000002", "W05000001"]), WAVE, *project)
    assert found["lbn"].tolist()[:2] == [LBN, REST]
    assert found["lbn__missing"].tolist()[2] == "not_applicable"
    # A ward of another year is on no list; that does not make it the rest of England.
    assert "is not in lookup lsoa_ward" in refused(poll(["E05009999"]), project)


def test_a_list_of_another_year_than_its_lookup_is_refused(areas: Project) -> None:
    base, tables = areas
    listed = pd.DataFrame({"ward17": ["E05000001", "E05007777"]}, dtype="str")
    message = refused(poll(HOMES[:1]), (base, {**tables, "listed_wards": listed}))
    assert "1 of the 2 areas of lookup listed_wards are not in lookup lsoa_ward" in message


def test_a_level_the_domain_does_not_have_is_refused(areas: Project) -> None:
    base, tables = areas
    deciles = tables["deprivation"].assign(decile=["1", "1", "2", "11"])
    assert "lookup deprivation gives 11, not levels of domain decile" in refused(
        poll(HOMES[:4]), (base, {**tables, "deprivation": deciles})
    )


def test_a_lookup_that_has_not_landed_leaves_its_domains_out(areas: Project) -> None:
    base, tables = areas
    some = {k: v for k, v in tables.items() if k in ("lsoa_ward", "deprivation")}
    found = clean.harmonise(poll(HOMES[:4]), WAVE, base, some)
    assert "decile" in found
    assert not {"lbn", "authority"} & set(found)
    assert not {"lbn", "decile", "authority"} & set(clean.harmonise(poll(HOMES[:4]), WAVE, base))
    plan = places.plan(base, WAVE, some)
    assert plan.used == ("deprivation",)
    assert plan.without == {"lbn": ("listed_wards",), "authority": ("authority",)}
    assert places.wanting(plan.without, base) == "without lbn, authority: get ward17.csv, lsoa11.csv"


def test_a_file_without_the_place_goes_without_its_domains(areas: Project) -> None:
    base, tables = areas
    place = {"lsoa11": {"column": "LSOA11CD", "optional": True}}
    optional = with_waves(base, places=place)
    found = clean.harmonise(poll(HOMES[:4]).drop(columns="LSOA11CD"), WAVE, optional, tables)
    assert not {"lbn", "decile", "authority"} & set(found)


# A flag in the file

FLAG = {"column": "LBNward", "codes": {"1": LBN, "0": REST}, "missing": {"": "not_stated"}, "optional": True}


@pytest.fixture
def flagged(areas: Project) -> Project:
    base, tables = areas
    variables = {**base.microdata_waves[WAVE].model_dump()["variables"], "lbn": FLAG}
    return with_waves(base, variables=variables), tables


def test_a_flag_and_a_code_give_the_same_domain(flagged: Project) -> None:
    base, tables = flagged
    flag = poll(HOMES[:4], LBNward=["1", "1", "0", "0"])
    by_flag = clean.harmonise(flag.drop(columns="LSOA11CD"), WAVE, base, tables)
    by_place = clean.harmonise(poll(HOMES[:4]), WAVE, base, tables)
    by_both = clean.harmonise(flag, WAVE, base, tables)
    assert list(by_flag["lbn"]) == list(by_place["lbn"]) == list(by_both["lbn"])
    assert list(by_flag["lbn"].cat.categories) == list(by_place["lbn"].cat.categories)


def test_a_flag_that_disagrees_with_the_code_stops_the_wave(flagged: Project) -> None:
    message = refused(poll(HOMES[:4], LBNward=["1", "0", "0", ""]), flagged)
    assert "1 respondent(s) have another lbn by this column than by the area they live in" in message


def test_a_flag_serves_where_the_lookups_have_not_landed(flagged: Project) -> None:
    base, _ = flagged
    assert list(clean.harmonise(poll(HOMES[:1], LBNward=["1"]), WAVE, base)["lbn"]) == [LBN]
    assert "lbn" not in places.plan(base, WAVE, []).without


# To the estimate and the comparison


def test_a_poll_with_codes_is_compared_with_the_whole(areas: Project) -> None:
    base, tables = areas
    homes = [HOMES[0]] * 100 + [HOMES[2]] * 300
    answers = ["1"] * 20 + ["2"] * 80 + ["1"] * 150 + ["2"] * 150
    raw = poll(homes, q1=answers)
    comparison = m.LevelsComparison.model_validate(
        {"kind": "levels", "label": "LBN and England", "wave": WAVE, "indicators": ["joined_12m"], "domain": "lbn",
         "levels": [LBN]}
    )  # fmt: skip
    base = replace(base, comparisons={"lbn_v_all": comparison})
    responses = clean.harmonise(raw, WAVE, base, tables)
    made = clean.indicators(responses, base.microdata_waves[WAVE].indicators.items())
    weights = pd.DataFrame({"main": raw["wt"].astype(float)})
    table, covariances = tabulate.microdata(responses, made, weights, WAVE, base)
    table = table.assign(is_synthetic=False)
    shares = table[(table["indicator"] == "joined_12m") & (table["domain"] == "lbn")].set_index("level")["estimate"]
    assert shares.to_dict() == pytest.approx({LBN: 0.2, REST: 0.5})
    compared = compare.comparisons(table, covariances, base)
    row = compared.iloc[0]
    assert (row["left_level"], row["verdict"]) == (LBN, "lower")
    assert row["difference"] == pytest.approx(0.2 - 170 / 400)


# The catalogue


def mistakes(base: catalogue.Catalogue) -> list[str]:
    found: list[str] = []

    class Problems:
        def add(self, where: str, problem: str) -> None:
            found.append(f"{where}: {problem}")

    from engagement_stats.catalogue import areas as checks

    checks.check(base, Problems())
    return found


def derived(base: catalogue.Catalogue, **more: Any) -> catalogue.Catalogue:
    content = base.domains["lbn"].model_dump()
    content["derived"] = {**content["derived"], **more}
    return replace(base, domains={**base.domains, "lbn": m.Domain.model_validate(content)})


def outsider(base: catalogue.Catalogue) -> catalogue.Catalogue:
    entry = base.lookups["authority"].model_copy(update={"source": "nobody"})
    return replace(base, lookups={**base.lookups, "authority": entry})


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda c: derived(c, through=["nowhere"]), 'lookup "nowhere" is not in the catalogue'),
        (lambda c: derived(c, through=["deprivation", "listed_wards"]), "has 0 columns of ward17; the next needs one"),
        (lambda c: derived(c, listed=None, value="colour"), '"colour" is not one of the values'),
        (lambda c: derived(c, listed={"inside": LBN, "outside": REST, "among": "residents"}), "has no codes of ward17"),
        (lambda c: derived(c, population="deprivation"), "does not count people of lsoa11"),
        (lambda c: with_waves(c, places={"parish": {"column": "x"}}), 'geography "parish" is not in the catalogue'),
        (outsider, 'source "nobody" is not in the catalogue'),
    ],
)
def test_entries_that_do_not_fit_together_are_named(
    areas: Project, change: Callable[[catalogue.Catalogue], catalogue.Catalogue], said: str
) -> None:
    assert mistakes(areas[0]) == []
    assert any(said in line for line in mistakes(change(areas[0])))


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ({"levels": []}, "levels is empty"),
        ({"levels": ["A", "B"], "derived": {"through": ["x"], "listed": {"inside": "A", "outside": "C", "among": "x"}}},
         "are not the same"),
        ({"levels": ["A"], "derived": {"through": ["x"]}}, "exactly one of value and listed"),
    ],
)  # fmt: skip
def test_a_domain_that_cannot_be_derived_is_refused(entry: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        m.Domain.model_validate({"label": "D", "definition": "D", **entry})


def test_a_wave_depends_on_the_lookups_of_its_places_only(areas: Project) -> None:
    base, _ = areas
    before = {name: base.wave_digest(name) for name in base.waves}
    entry = base.lookups["deprivation"].model_copy(update={"label": "Deprivation, once more"})
    changed = replace(base, lookups={**base.lookups, "deprivation": entry})
    assert {k for k in before if changed.wave_digest(k) != before[k]} == {WAVE}
    assert changed.digest != base.digest


def test_packaged_lookups_are_declared_and_none_is_committed(packaged: catalogue.Catalogue) -> None:
    assert packaged.lookups
    assert all(entry.file.sha256 and entry.file.rows for entry in packaged.lookups.values())
    assert packaged.domains["lbn"].levels == [LBN, REST]
    names = [p for entry in packaged.lookups.values() for p in entry.file.pattern]
    assert not [p for name in names for p in (ROOT / "src").rglob(name)]


# The check of a list


def test_a_profile_counts_areas_and_people(areas: Project) -> None:
    found = places.profile(*areas, "lbn")
    assert found.to_dict("list") == {
        "level": ["all", LBN, REST], "lsoa11": [4, 2, 2], "ward17": [3, 1, 2], "people": [100, 30, 70],
        "share": [1.0, 0.3, 0.7],
    }  # fmt: skip
    by = places.profile(*areas, "lbn", by="decile").set_index(["level", "by"])["people"]
    assert by.to_dict() == {("all", "all"): 100, (LBN, "most deprived"): 30, (REST, "2"): 70}


def test_a_profile_of_nothing_that_can_be_counted_is_a_wrong_call(areas: Project) -> None:
    base, tables = areas
    for name in ("sex", "nothing", "authority"):
        with pytest.raises(UsageError, match=f"{name} is not a domain with areas to count"):
            places.profile(base, tables, name)
    with pytest.raises(IngestError, match="lookup listed_wards has not landed"):
        places.profile(base, {k: v for k, v in tables.items() if k != "listed_wards"}, "lbn")


@pytest.fixture(scope="module")
def real(packaged: catalogue.Catalogue) -> Project:
    if not GEO.is_dir():
        pytest.skip("the real lookups are not in ../shared/data/geo (see README.md)")
    found = lookups.find([LandedFile(p, root=GEO) for p in sorted(GEO.iterdir())], packaged.lookups)
    assert {k: v.state for k, v in found.items()} == dict.fromkeys(packaged.lookups, "landed")
    return packaged, lookups.read_landed(packaged, found)


def test_the_left_behind_neighbourhoods_are_the_225(real: Project) -> None:
    found = places.profile(*real, "lbn").set_index("level")
    row, whole = found.loc[LBN], found.loc["all"]
    assert (row["ward17"], row["lsoa11"], row["people"], row["people_16_plus"]) == (225, 1468, 2_386_368, 1_849_751)
    assert (whole["people"], whole["people_16_plus"], whole["lsoa11"]) == (56_286_961, 45_470_282, 32_844)
    assert round(100 * row["share"], 2) == 4.24


def test_the_left_behind_neighbourhoods_lie_where_they_should(real: Project) -> None:
    found = places.profile(*real, "lbn", by="region")
    wards = found[found["level"] == LBN].set_index("by")["ward17"].to_dict()
    assert wards == {
        "North East": 56, "North West": 54, "West Midlands": 31, "Yorkshire and the Humber": 28,
        "East of England": 18, "East Midlands": 17, "South East": 16, "South West": 3, "London": 2,
    }  # fmt: skip


def test_deciles_and_authorities_are_whole(real: Project) -> None:
    deciles = places.profile(*real, "imd_decile").set_index("level")
    assert len(deciles) == 11
    assert set(deciles["lsoa11"].iloc[1:]) == {3284, 3285}
    assert deciles["people"].iloc[1:].sum() == deciles["people"].iloc[0]
    assert len(places.profile(*real, "local_authority")) == 310


def test_the_list_says_what_the_lookup_of_regions_says(real: Project) -> None:
    """Regions of the wards by the list's own column, which nothing of ours reads, agree with the chain."""
    listed = pd.read_csv(GEO / "lbn_2020_wards17.csv")
    by_list = listed["region"].str.replace("and The", "and the").value_counts()
    found = places.profile(*real, "lbn", by="region")
    by_chain = found[found["level"] == LBN].set_index("by")["ward17"]
    assert by_list.to_dict() == by_chain.to_dict()
