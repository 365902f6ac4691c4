"""A population, its levels and what is outside them are named as a reader would name them."""

import shutil
from pathlib import Path

import pytest
from pydantic import ValidationError

from engagement_stats import catalogue, people
from engagement_stats.catalogue import CROSS
from engagement_stats.catalogue import model as m
from engagement_stats.catalogue.style import People, Wording
from engagement_stats.errors import CatalogueError

CLS, ESS, POLL = "cls_2019_20_microdata", "ess_2014", "demo_lbn_poll"


@pytest.mark.parametrize(
    ("wave", "domain", "level", "expected"),
    [
        (CLS, "all", "all", "adults in England"),
        (CLS, "sex", "Female", "women in England"),
        (CLS, "region", "North East", "adults in the North East"),
        (CLS, "region", "Yorkshire and the Humber", "adults in Yorkshire and the Humber"),
        (CLS, "cls_age_group", "75+", "adults aged 75 and over in England"),
        (CLS, "lbn", "Left-behind neighbourhood", "adults living in 'left behind' neighbourhoods in England"),
        (CLS, "region*cls_age_group", "North East | 16-24", "adults aged 16 to 24 in the North East"),
        (CLS, "sex*lbn", "Male | Rest of England", "men living outside 'left behind' neighbourhoods in England"),
        (CLS, "disability", "Not disabled", "non-disabled adults in England"),
        (CLS, "ethnicity", "Asian", "adults from the Asian ethnic group in England"),
        # A level takes the place of the population's own ages, and leaves the others.
        (ESS, "all", "all", "people aged 15 and over in the United Kingdom"),
        (ESS, "sex", "Female", "women aged 15 and over in the United Kingdom"),
        (ESS, "sex*age_band", "Female | 15-24", "women aged 15 to 24 in the United Kingdom"),
        # Residents of "left behind" neighbourhoods stay so in each region.
        (POLL, "region", "North East", "adults in 'left behind' neighbourhoods in the North East"),
        ("hansard_audit_2016", "social_grade", "AB", "adults in social grade AB in Great Britain"),
        # Everybody outside a level.
        (CLS, "rest_of:region", "North East", "adults in the rest of England"),
        (CLS, "rest_of:sex", "Female", "men in England"),
        (CLS, "rest_of:lbn", "Left-behind neighbourhood",
         "adults living outside 'left behind' neighbourhoods in England"),
        (CLS, "rest_of:cls_age_group", "16-24", "adults of other ages in England"),
        (CLS, "rest_of:economic_activity", "Unemployed", "other adults in England"),
        (CLS, "rest_of:region*sex", "London | Male", "other adults in England"),
        # A place that the population's phrase does not name cannot have a rest that is named.
        (POLL, "rest_of:region", "North East", "other adults in 'left behind' neighbourhoods"),
    ],
)  # fmt: skip
def test_a_group_is_named(packaged: catalogue.Catalogue, wave: str, domain: str, level: str, expected: str) -> None:
    side = m.Side(wave=wave, indicator="x", domain=domain, level=level)
    assert people.group(packaged, side) == expected


def test_the_whole_population_is_said_to_be_whole(packaged: catalogue.Catalogue) -> None:
    side = m.Side(wave=CLS, indicator="x")
    assert people.group(packaged, side, everyone=True) == "all adults in England"


def test_every_level_of_the_catalogue_has_a_phrase(packaged: catalogue.Catalogue) -> None:
    without = [(k, x) for k, d in packaged.domains.items() for x in d.levels if d.phrases.of(x) is None]
    assert without == []
    unnamed = [k for k, d in packaged.domains.items() if not d.levels and d.phrases.each is None]
    assert unnamed == []


def test_every_population_that_is_divided_is_given_in_parts(packaged: catalogue.Catalogue) -> None:
    divided = {k for k, w in packaged.microdata_waves.items() if w.domains}
    divided |= {f.wave for f in packaged.figures if f.domain != "all"}
    assert divided
    assert [k for k in sorted(divided) if packaged.population(k).parts is None] == []


def test_every_division_of_every_wave_reads_as_one_phrase(packaged: catalogue.Catalogue) -> None:
    for name, wave in packaged.microdata_waves.items():
        for domain in wave.domains:
            # Levels that only a lookup or a file knows are named by a stand-in.
            first = [(packaged.domains[part].levels or ["Hastings"])[0] for part in domain.split(CROSS)]
            said = people.group(packaged, m.Side(wave=name, indicator="x", domain=domain, level=" | ".join(first)))
            assert "(" not in said
            assert "{" not in said
            assert "  " not in said


def test_without_a_phrase_the_level_stands_in_brackets(small: catalogue.Catalogue) -> None:
    side = m.Side(wave="poll_2020", indicator="x", domain="sex", level="Male")
    assert people.group(small, side) == "adults in Testland (Male)"


def test_parts_that_make_another_phrase_are_refused() -> None:
    with pytest.raises(ValidationError, match='parts make "adults in Wales"'):
        m.Population(phrase="adults in England", geography="England", parts=People(people="adults", place="Wales"))


def test_a_wording_fills_one_place() -> None:
    with pytest.raises(ValidationError, match="give exactly one"):
        Wording(people="men", aged="aged 16")
    with pytest.raises(ValidationError, match="placeholder"):
        Wording(place="the {region}")


def test_a_phrase_of_a_level_there_is_not_is_refused(tmp_path: Path) -> None:
    shutil.copytree(catalogue.DEFAULT, tmp_path / "data")
    path = tmp_path / "data" / "domains" / "core.yaml"
    path.write_text(
        path.read_text(encoding="utf-8").replace("Male: {people: men}", "Man: {people: men}"), encoding="utf-8"
    )
    with pytest.raises(CatalogueError, match='domains sex phrases: level "Man" is not in the catalogue'):
        catalogue.load(tmp_path / "data")


@pytest.mark.parametrize(
    ("wave", "expected"),
    [
        ("cls_2019_20", "2019-20"), ("cls_2013_14", "2013-14"), ("cls_2021_22", "2021-22"),
        ("ess_2002", "round 1 (2002)"),
        ("hansard_audit_2016", "December 2016"), ("survation_lbn_2020", None),
    ],
)  # fmt: skip
def test_a_wave_is_named_by_its_time(packaged: catalogue.Catalogue, wave: str, expected: str | None) -> None:
    assert people.when(packaged, wave) == expected


def test_every_time_of_the_catalogue_completes_in(packaged: catalogue.Catalogue) -> None:
    said = {people.when(packaged, w) for w in packaged.waves} - {None}
    assert not [x for x in said if x is not None and x.lower().startswith(("from", "not", "in "))]
