"""The catalogue: the packaged one is right as data, and a wrong one is refused with every mistake named."""

import re
import shutil
from datetime import date
from pathlib import Path

import pytest
from pydantic import ValidationError

from engagement_stats import catalogue, stated
from engagement_stats.catalogue import model, strictyaml
from engagement_stats.errors import CatalogueError

ACTIVITIES = [
    "contacted_representative_12m",
    "contacted_media_12m",
    "campaigned_12m",
    "paper_petition_12m",
    "e_petition_12m",
    "charity_donation_or_membership_12m",
    "boycotted_products_12m",
    "attended_political_meeting_12m",
    "party_donation_or_membership_12m",
    "demonstration_12m",
    "voted_12m",
    "online_discussion_12m",
    "public_consultation_12m",
]
ESS = [f"ess_{year}" for year in range(2002, 2015, 2)]
CLS_WEB = [*(f"cls_{y}_{(y + 1) % 100}" for y in range(2013, 2022)), "cls_2023_24", "cls_2024_25"]
CLS_F2F = ["cls_2012_13_f2f", "cls_2013_14_f2f", "cls_2014_15_f2f", "cls_2015_16_f2f"]


@pytest.fixture(scope="module")
def packaged() -> catalogue.Catalogue:
    return catalogue.load()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Copy the packaged catalogue, to be broken."""
    return Path(shutil.copytree(catalogue.DEFAULT, tmp_path / "catalogue"))


def replace(path: Path, old: str, new: str) -> None:
    """Break a file by replacing one piece of its text."""
    text = path.read_text(encoding="utf-8")
    assert text.count(old) >= 1, f"{path.name} has no {old!r}"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def append(path: Path, text: str) -> None:
    path.write_text(path.read_text(encoding="utf-8") + text, encoding="utf-8")


def problems(folder: Path) -> list[str]:
    """Load a broken catalogue and return the lines of the one error it raises."""
    with pytest.raises(CatalogueError) as caught:
        catalogue.load(folder)
    first, *lines = str(caught.value).splitlines()
    assert first == f"catalogue: {len(lines)} problem(s)"
    return lines


# --- the packaged catalogue


def test_the_packaged_catalogue_holds_every_wave(packaged: catalogue.Catalogue) -> None:
    expected = {"hansard_audit_2013", "hansard_audit_2016", "survation_lbn_2020", *ESS, *CLS_WEB, *CLS_F2F}
    assert expected <= set(packaged.waves)


def test_the_hansard_waves_ask_the_same_questions_under_other_column_names(
    packaged: catalogue.Catalogue,
) -> None:
    old, new = (packaged.microdata_waves[f"hansard_audit_{year}"] for year in (2013, 2016))
    assert set(ACTIVITIES) <= set(old.indicators)
    assert set(old.indicators) == set(new.indicators)
    for name, rule in old.indicators.items():
        assert rule.question == new.indicators[name].question
        assert rule.counts == new.indicators[name].counts
        assert old.variables[rule.variables[0]].column != new.variables[rule.variables[0]].column


def test_the_traps_of_the_hansard_files_are_handled(packaged: catalogue.Catalogue) -> None:
    wave = packaged.microdata_waves["hansard_audit_2016"]
    age = packaged.codes(wave.variables["age_group"])
    region = packaged.codes(wave.variables["region"])
    likelihood = packaged.codes(wave.variables["likelihood_to_vote"])
    assert age is not None and region is not None and likelihood is not None
    assert age.missing == {"1": "not_stated"}
    assert wave.variables["region"].column == "gor"
    assert (region.codes["1"], region.codes["11"]) == ("East Midlands", "Yorkshire and the Humber")
    assert likelihood.codes["11"] == "Don't know" and not likelihood.missing
    assert wave.respondent_id.columns == ["week", "serial"]
    assert packaged.microdata_waves["hansard_audit_2013"].respondent_id.absent
    assert wave.design.stratum is None and wave.design.psu is None
    assert packaged.sampling("hansard_audit_2016") == "quota"


def test_the_ess_rounds_share_a_file_and_never_weight_by_body_weight(packaged: catalogue.Catalogue) -> None:
    rows = [packaged.microdata_waves[w].file.rows for w in ESS]
    assert rows == [2052, 1897, 2394, 2352, 2422, 2286, 2264]
    for number, wave in enumerate(ESS[:6], start=1):
        entry = packaged.microdata_waves[wave]
        assert entry.file.where == {"essround": [str(number)], "cntry": ["GB"]}
    for wave in ESS:
        entry = packaged.microdata_waves[wave]
        assert entry.design.weights == {"main": "pspwght"}
        rule = entry.indicators["three_plus_civic_acts_12m"]
        assert (len(rule.variables), rule.at_least) == (7, 3)
        missing = {r for v in rule.variables for r in packaged.codes(entry.variables[v]).missing.values()}  # type: ignore[union-attr]
        assert set(rule.reasons_as_no) == missing
    assert packaged.population("ess_2014").geography == "United Kingdom"


def test_round_1_of_the_ess_asked_in_other_words(packaged: catalogue.Catalogue) -> None:
    questions = [packaged.question_of(w, "worked_in_organisation_12m") for w in ESS]
    assert questions[0] != questions[1]
    assert all(q == questions[1] for q in questions[2:])


def test_the_ess_benchmarks_are_the_published_index(packaged: catalogue.Catalogue) -> None:
    found = {(b.wave, b.indicator): b.value for b in packaged.benchmarks}
    assert found["ess_2002", "any_civic_act_12m"] == 57.873
    assert found["ess_2012", "three_plus_civic_acts_12m"] == 10.97
    assert found["hansard_audit_2016", "certain_to_vote"] == 59
    assert [b.indicator for b in packaged.benchmarks if b.waived] == ["e_petition_12m"]


def test_face_to_face_and_web_never_share_a_series(packaged: catalogue.Catalogue) -> None:
    assert packaged.series_waves("cls", "cls_web") == CLS_WEB
    assert packaged.series_waves("cls", "cls_f2f") == CLS_F2F
    for wave in packaged.waves.values():
        if wave.survey == "cls":
            assert (wave.series in ("cls_f2f", "cls_f2f_microdata")) == (wave.mode == "face_to_face")


def test_there_is_no_2022_23_and_the_break_after_it_is_said(packaged: catalogue.Catalogue) -> None:
    assert not [w for w in packaged.waves if "2022_23" in w]
    breaks = packaged.surveys["cls"].series["cls_web"].breaks
    assert [b.wave for b in breaks] == ["cls_2016_17", "cls_2020_21", "cls_2021_22", "cls_2023_24"]
    said = {b.wave: b.reason for b in breaks}
    assert "experiment beside the face-to-face one" in said["cls_2016_17"]
    assert "pandemic" in said["cls_2020_21"]
    assert "October to September" in said["cls_2021_22"]
    assert "2022-23" in said["cls_2023_24"]


def test_wording_changes_are_other_questions(packaged: catalogue.Catalogue) -> None:
    asked = [packaged.tables_waves[w].questions["formal_volunteering_12m"] for w in
             ("cls_2018_19", "cls_2019_20", "cls_2020_21", "cls_2021_22", "cls_2023_24")]  # fmt: skip
    assert asked[0] == asked[1]
    assert asked[2] == asked[3]
    assert len(set(asked)) == 3


def test_civic_participation_carries_the_published_intervals(packaged: catalogue.Catalogue) -> None:
    figures = [f for f in packaged.figures if f.indicator == "civic_participation_12m"]
    found = {f.wave: f for f in figures if f.domain == "all"}
    assert set(found) == {"cls_2012_13_f2f", *CLS_WEB}
    figure = found["cls_2021_22"]
    assert (figure.value, figure.lower, figure.upper, figure.confidence) == (33.93, 32.833, 35.045, 0.95)
    assert found["cls_2018_19"].lower is None


def test_every_figure_says_where_it_was_read_and_how_sure_that_is(packaged: catalogue.Catalogue) -> None:
    figures = {(f.wave, f.indicator): f for f in packaged.figures if f.domain == "all"}
    assert figures["cls_2018_19", "formal_volunteering_12m"].evidence == "confirmed"
    assert figures["cls_2018_19", "formal_volunteering_12m"].published_on == date(2019, 7, 25)
    assert figures["cls_2018_19", "social_action_12m"].evidence == "unverified"
    poll = packaged.wave_figures("survation_lbn_2020")
    assert [(f.value, f.evidence, f.base) for f in poll] == [
        (8, "second_hand", None),
        (14, "second_hand", None),
    ]
    regional = [f.evidence for f in packaged.figures if f.domain == "region" and "DR41" in f.source]
    assert regional == ["inferred"] * 72


def test_bases_are_exact_approximate_or_unknown(packaged: catalogue.Catalogue) -> None:
    bases = {w: (e.base, e.base_is) for w, e in packaged.tables_waves.items()}
    assert bases["cls_2021_22"] == (10126, "exact")
    assert bases["cls_2018_19"] == (10000, "approximate")
    assert bases["survation_lbn_2020"] == (None, "unknown")
    assumed = {w: packaged.tables_waves[w].assumed_design_effect for w in CLS_WEB}
    # 1.44 was published for 2021-22 and about 1.6 for other years.
    assert assumed["cls_2021_22"] == 1.5
    years = ("2016_17", "2017_18", "2018_19", "2019_20", "2020_21", "2023_24", "2024_25")
    assert {y: assumed[f"cls_{y}"] for y in years} == dict.fromkeys(years, 1.6)
    assert set(assumed.values()) == {1.5, 1.6, None}
    assert all(packaged.tables_waves[w].assumed_design_effect is None for w in CLS_F2F)


def test_what_is_unknown_of_the_poll_is_said_to_be_unknown(packaged: catalogue.Catalogue) -> None:
    wave = packaged.tables_waves["survation_lbn_2020"]
    assert (wave.mode, packaged.sampling("survation_lbn_2020"), wave.base) == ("unknown", "unknown", None)
    assert packaged.population("survation_lbn_2020").age_from is None
    assert wave.fieldwork.start is None and wave.series is None
    assert len(wave.unverified) >= 5
    assert "14 July 2020" in str(wave.note)
    poll = packaged.indicators["unpaid_voluntary_activities"]
    assert poll.concept != packaged.indicators["formal_volunteering_12m"].concept
    assert poll.recall == "unknown"


@pytest.mark.parametrize(
    ("claim", "quotation"),
    [
        (
            "lbn_group_membership",
            "8 per cent of residents in 'left behind' neighbourhoods had been a member of a local community "
            "or social action group over the past year. This is just over half the English estimate of 15 "
            "per cent of people who had been involved in local social action at least once in the last "
            "twelve months.",
        ),
        (
            "lbn_volunteering",
            "only 14 per cent of those surveyed had been involved in unpaid voluntary activities, compared "
            "to a national figure of 36 per cent of people who had taken part in formal volunteering in the "
            "past year",
        ),
        (
            "group_membership_since_1993",
            "Membership of local groups and community organisations fell by a sixth from a peak of 61 per "
            "cent in 1993 to 50 per cent today - with the greatest decline amongst those aged under-40.",
        ),
        (
            "local_leaders_covid",
            "In a recent survey, 95% of local government leaders identified local community responses as "
            "significant in meeting the challenge of COVID-19.",
        ),
    ],
)
def test_claims_are_verbatim(packaged: catalogue.Catalogue, claim: str, quotation: str) -> None:
    assert packaged.claims[claim].quotation == quotation


def test_each_claim_rests_on_what_can_decide_it(packaged: catalogue.Catalogue) -> None:
    claims = packaged.claims
    assert claims["lbn_group_membership"].comparison == "social_action_12m__lbn_v_england"
    assert claims["lbn_volunteering"].comparison == "formal_volunteering_12m__lbn_v_england"
    assert claims["group_membership_since_1993"].cannot_be_checked
    assert claims["local_leaders_covid"].cannot_be_checked
    pair = packaged.comparisons["formal_volunteering_12m__lbn_v_england"]
    assert isinstance(pair, model.PairComparison)
    assert (pair.left.wave, pair.right.wave) == ("survation_lbn_2020", "cls_2018_19")
    for name in ("lbn_group_membership", "lbn_volunteering"):
        words = claims[name].stated
        assert words.left is not None
        assert words.right is not None
        assert stated.meaning(words, packaged.lexicon).covers(words.left / words.right)
    whole = claims["lbn_group_membership"].quotation
    assert claims["england_social_action_15"].quotation in whole


def test_the_rules_cover_every_axis_and_their_caveats_can_be_filled(packaged: catalogue.Catalogue) -> None:
    axes = packaged.rules.comparability.axes
    assert {k for k, v in axes.items() if v.grade == "not_comparable"} == {"concept", "recall", "series"}
    for rule in axes.values():
        assert "{" not in rule.caveat.format(left="this", right="that")
    assert (packaged.rules.disclosure.min_base, packaged.rules.disclosure.caution_base) == (30, 100)


def test_no_file_names_a_place_on_a_machine() -> None:
    for path in [*catalogue.DEFAULT.rglob("*.yaml"), *catalogue.DEFAULT.rglob("*.csv")]:
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"(?:^|[\s\"'(])(?:/\w+/|[A-Z]:\\)", text), path.name


def test_digests_follow_what_a_wave_rests_on(folder: Path, packaged: catalogue.Catalogue) -> None:
    path = folder / "codelists" / "hansard.yaml"
    replace(path, "{1: AB, 2: C1, 3: C2, 4: DE}", "{1: DE, 2: C1, 3: C2, 4: AB}")
    changed = catalogue.load(folder)
    assert changed.wave_digest("hansard_audit_2016") != packaged.wave_digest("hansard_audit_2016")
    assert changed.wave_digest("ess_2014") == packaged.wave_digest("ess_2014")
    assert changed.digest != packaged.digest
    assert catalogue.load().digest == packaged.digest


# --- a wrong catalogue

WAVE_2016 = "waves/hansard_audit_2016.yaml"

# What is broken: the file, the old text, the new text, and what the error must say.
# The design of a wave as it is, and with a weight we make.
PLAIN = "weights: {main: RespondentCalibrationWeight}"
MADE = """weights: {supplied: RespondentCalibrationWeight}
  made:
    main: {margins: mid_2020_england_16, variables: [region, sex], trim: 4}"""
MISTAKES = {
    "unknown key": (
        WAVE_2016, "mode: face_to_face", "mode: face_to_face\nmood: cheerful",
        ["waves/hansard_audit_2016.yaml", "mood"],
    ),
    "duplicate key": (
        "domains/core.yaml", "sex:\n", "region:\n  label: Region\nsex:\n",
        ["domains/core.yaml line ", "region", "twice"],
    ),
    "alias": (
        "sources/hansard.yaml", "producer: Hansard Society", "producer: &who Hansard Society",
        ["sources/hansard.yaml line ", "aliases are refused"],
    ),
    "tag": (
        "sources/ess.yaml", "url: https", "url: !!str https", ["sources/ess.yaml line ", "tags are refused"],
    ),
    "unknown code list": (
        WAVE_2016, "codes: hansard_interest", "codes: hansard_interests",
        [WAVE_2016, "hansard_interests", "interest", "not in the catalogue"],
    ),
    "category not in the variable": (
        WAVE_2016, "counts: [Very interested,", "counts: [Keenly interested,",
        [f"{WAVE_2016} indicator interested_in_politics", "Keenly interested"],
    ),
    "category that is no level of the domain": (
        "codelists/hansard.yaml", "codes: {1: AB,", "codes: {1: A or B,",
        [WAVE_2016, "social_grade", "A or B"],
    ),
    "nothing counts in a proportion": (
        WAVE_2016, "    counts: [Very interested, Fairly interested]\n", "",
        [f"{WAVE_2016} indicator interested_in_politics", "is a proportion"],
    ),
    "unknown domain": (
        WAVE_2016, "sex*age_group", "sex*shoe_size", [WAVE_2016, "shoe_size"],
    ),
    "unknown survey": (
        "waves/ess_2014.yaml", "survey: ess", "survey: esss", ["waves/ess_2014.yaml", 'survey "esss"'],
    ),
    "code both a category and missing": (
        "codelists/ess.yaml", "missing: {7: refused", "missing: {1: refused",
        ["codelists/ess.yaml ess_yes_no", "codes 1 are both a category and missing"],
    ),
    "bad id": (
        "questions/survation_lbn.yaml", "survation_lbn_group_membership:", "Survation-Group:",
        ["questions/survation_lbn.yaml Survation-Group", "lower-case"],
    ),
    "id used twice in two files": (
        "headlines/ess.yaml", "uk_signed_petition:", "gb_certain_to_vote:",
        ["gb_certain_to_vote", "used by another file too"],
    ),
    "figure outside 0 to 100": (
        "figures/survation_lbn.csv", "all,all,14,", "all,all,114,",
        ["figures/survation_lbn.csv line 3", "outside 0 to 100"],
    ),
    "figure that is no number": (
        "figures/survation_lbn.csv", "all,all,8,", "all,all,eight,",
        ["figures/survation_lbn.csv line 2", "not a number"],
    ),
    "interval beside its value": (
        "figures/cls.csv", "33.930,32.833,", "33.930,34.833,", ["figures/cls.csv line ", "does not contain"],
    ),
    "level not in the domain": (
        "figures/cls.csv", "cls_age_group,75+,", "cls_age_group,76+,", ['level "76+"', "cls_age_group"],
    ),
    "figure of a wave that is not there": (
        "figures/cls.csv", "cls_2024_25,", "cls_2022_23,", ["figures cls_2022_23", "not in the catalogue"],
    ),
    "comparison without its figure": (
        "comparisons/seed_briefing.yaml", "wave: cls_2018_19, indicator: social_action_12m",
        "wave: cls_2017_18, indicator: social_action_12m",
        ["comparisons social_action_12m__lbn_v_england right", "cls_2017_18 has no published figure"],
    ),
    "claim with two ways to decide it": (
        "claims/seed_briefing.yaml", "  comparison: social_action_12m__lbn_v_england",
        "  comparison: social_action_12m__lbn_v_england\n  cannot_be_checked: so they say",
        ["claims/seed_briefing.yaml lbn_group_membership", "exactly one of"],
    ),
    "claim in words the lexicon does not know": (
        "claims/seed_briefing.yaml", "words: increased tenfold", "words: increased manifold",
        ["claims community_shops", '"increased manifold" is not a number phrase of a ratio'],
    ),
    "claim with a range and no convention": (
        "claims/seed_briefing.yaml", "words: increased tenfold,", "words: increased tenfold, lower: 9,",
        ["claims/seed_briefing.yaml community_shops", "with the convention for it"],
    ),
    "claim with one of two numbers": (
        "claims/seed_briefing.yaml", ", left: 346, right: 34", ", left: 346",
        ["claims/seed_briefing.yaml community_shops", "left and right go together"],
    ),
    "administrative claim on an estimate": (
        "claims/seed_briefing.yaml", "  documented:\n    value: 2386368\n    source: >-\n",
        "  estimate: {wave: cls_2018_19, indicator: social_action_12m}\n  note: >-\n",
        ["claims/seed_briefing.yaml lbn_residents", "administrative evidence is no estimate"],
    ),
    "rank of a level that is not ranked": (
        "claims/seed_briefing.yaml",
        "  kind: level\n  stated: {words: 36 per cent, quantity: level}",
        "  kind: rank\n  stated: {words: highest, quantity: rank}",
        ["claims england_formal_volunteering_36", "a rank that no entry of leagues/ makes"],
    ),
    "words given twice in the lexicon": (
        "lexicon.yaml", "words: [half, a half, one half]", "words: [half, third, one half]",
        ["lexicon.yaml", "third: given twice"],
    ),
    "number phrase without a range": (
        "lexicon.yaml", "spread: 0.1\n", "", ["lexicon.yaml", "spread"],
    ),
    "fieldwork that ends before it starts": (
        "waves/cls_2018_19.yaml", "end: 2019-03-31", "end: 2018-03-31",
        ["waves/cls_2018_19.yaml", "ends before it starts"],
    ),
    "a text where a number belongs": (
        "waves/cls_2018_19.yaml", "base: 10000", 'base: "10000"',
        ["waves/cls_2018_19.yaml", "base", "integer"],
    ),
    "an axis without a rule": (
        "rules.yaml", "    recall:\n      grade: not_comparable\n",
        "    recalls:\n      grade: not_comparable\n", ["rules.yaml", "recalls"],
    ),
    "margins of another population": (
        "waves/cls_2019_20_microdata.yaml", PLAIN, MADE.replace("england_16", "england_18"),
        ["waves/cls_2019_20_microdata.yaml", "design.made.main", "aged 18", "aged 16"],
    ),
    "margins that are not there": (
        "waves/cls_2019_20_microdata.yaml", PLAIN, MADE.replace("mid_2020_england_16", "mid_1066_england_16"),
        ["waves/cls_2019_20_microdata.yaml", "design.made.main", "mid_1066_england_16", "not in the catalogue"],
    ),
    "a margin of a variable the wave lacks": (
        "waves/cls_2019_20_microdata.yaml", PLAIN, MADE.replace("region, sex", "region, shoe_size*sex"),
        ["waves/cls_2019_20_microdata.yaml", "design.made.main", "shoe_size", "not in the catalogue"],
    ),
    "no main weight": (
        "waves/cls_2019_20_microdata.yaml", PLAIN, "weights: {other: RespondentCalibrationWeight}",
        ["waves/cls_2019_20_microdata.yaml", 'weights or made needs an entry "main"'],
    ),
    "a weight supplied and made": (
        "waves/cls_2019_20_microdata.yaml", PLAIN, MADE.replace("supplied:", "main:"),
        ["waves/cls_2019_20_microdata.yaml", "main is both a supplied weight and one we make"],
    ),
    "logit without bounds": (
        "waves/cls_2019_20_microdata.yaml", PLAIN, MADE.replace("trim: 4", "method: logit"),
        ["waves/cls_2019_20_microdata.yaml", "made", 'method "logit" needs bounds'],
    ),
    "raking with bounds": (
        "waves/cls_2019_20_microdata.yaml", PLAIN, MADE.replace("trim: 4", "bounds: [0.5, 2]"),
        ["waves/cls_2019_20_microdata.yaml", "made", 'method "rake" takes no bounds'],
    ),
    "trimming at the median": (
        "waves/cls_2019_20_microdata.yaml", PLAIN, MADE.replace("trim: 4", "trim: 1"),
        ["waves/cls_2019_20_microdata.yaml", "trim", "greater than 1"],
    ),
    "an unknown treatment of the unplaced": (
        "waves/cls_2019_20_microdata.yaml", PLAIN, MADE.replace("trim: 4", "unplaced: ignore"),
        ["waves/cls_2019_20_microdata.yaml", "unplaced"],
    ),
    "an unknown treatment of single sampling units": (
        "waves/cls_2019_20_microdata.yaml", PLAIN, PLAIN + "\n  single_psu: ignore",
        ["waves/cls_2019_20_microdata.yaml", "single_psu"],
    ),
    "margins that do not sum to their total": (
        "margins/england.yaml", "total: 45697898", "total: 45697899",
        ["margins mid_2020_england_16", "45,697,898", "45,697,899"],
    ),
    "a count that is no whole number": (
        "margins/england.csv", "North East | 16-24,294108", "North East | 16-24,294108.5",
        ["margins/england.csv line 28", "not a number"],
    ),
    "a margin's level that the domain lacks": (
        "margins/england.csv", "mid_2020_england_16,region*cls_age_group,North East | 16-24",
        "mid_2020_england_16,region*cls_age_group,North East | 15-24", ["margins mid_2020_england_16", "15-24"],
    ),
    "lines of a wave that do not go together": (
        "waves/cls_2021_22.yaml", "base_is: exact", "base_is: unknown",
        ["waves/cls_2021_22.yaml: tables: base and base_is disagree"],
    ),
    "an unknown caution": (
        "rules.yaml", "    quota: Respondents", "    quotas: Respondents", ["rules.yaml", "cautions", "quotas"],
    ),
    "a family of nothing": (
        "comparisons/series.yaml", "family: wave", "family: year", ["comparisons/series.yaml hansard_audit", "family"],
    ),
    "not a number that is finite": (
        "rules.yaml", "min_base: 30", "min_base: .nan",
        ["rules.yaml line ", "key disclosure.min_base: not a plain finite decimal number"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda name: name.replace(" ", "-"))
def test_a_mistake_is_named_with_its_file_and_entry(folder: Path, mistake: str) -> None:
    file, old, new, words = MISTAKES[mistake]
    replace(folder / file, old, new)
    lines = problems(folder)
    assert [line for line in lines if all(word in line for word in words)], "\n".join(lines)


def test_all_mistakes_are_reported_at_once(folder: Path) -> None:
    chosen = [
        "an axis without a rule",
        "unknown key",
        "code both a category and missing",
        "bad id",
        "figure outside 0 to 100",
        "level not in the domain",
        "alias",
        "claim with two ways to decide it",
        "fieldwork that ends before it starts",
    ]
    for mistake in chosen:
        file, old, new, _ = MISTAKES[mistake]
        replace(folder / file, old, new)
    lines = problems(folder)
    for mistake in chosen:
        assert any(all(word in line for word in MISTAKES[mistake][3]) for line in lines), mistake


def test_a_wave_that_cannot_be_read_is_not_said_to_be_missing(folder: Path) -> None:
    replace(folder / "waves" / "hansard_audit_2016.yaml", "mode: face_to_face", "mode: by_hand")
    (only,) = problems(folder)
    assert only.startswith("waves/hansard_audit_2016.yaml: ")
    assert "Got 'by_hand'" in only


def test_a_misspelt_reference_names_what_it_is_like(folder: Path) -> None:
    replace(folder / "waves" / "hansard_audit_2016.yaml", "variable: voted,", "variable: votedd,")
    assert any(line.endswith('variable "votedd" is not in the catalogue. Is it voted?') for line in problems(folder))


def test_a_proposal_is_refused_until_its_labels_are_answered_too(folder: Path) -> None:
    place = folder / "waves" / "hansard_audit_2016.yaml"
    replace(place, "label: Audit of Political Engagement 14, 2016", "label: TO-BE-CONFIRMED")
    replace(place, "  label: December 2016", "  label: TO-BE-CONFIRMED")
    told = [x for x in problems(folder) if "not answered yet" in x]
    assert [x.split(" is ")[0] for x in told] == [
        "waves/hansard_audit_2016.yaml: label", "waves/hansard_audit_2016.yaml: fieldwork.label",
    ]  # fmt: skip


def test_wrong_columns_of_a_figures_file_are_one_error(folder: Path) -> None:
    replace(folder / "figures" / "survation_lbn.csv", "confidence,base", "base,confidence")
    assert [x for x in problems(folder) if x.startswith("figures/survation_lbn.csv: columns are")]


def test_the_same_figure_twice_is_refused(folder: Path) -> None:
    path = folder / "figures" / "survation_lbn.csv"
    append(path, path.read_text(encoding="utf-8").splitlines()[1] + "\n")
    assert [x for x in problems(folder) if "given twice" in x]


def test_a_missing_rules_file_or_folder_is_said(folder: Path, tmp_path: Path) -> None:
    (folder / "rules.yaml").unlink()
    assert "rules.yaml: the file is missing." in problems(folder)
    with pytest.raises(CatalogueError, match="does not exist"):
        catalogue.load(tmp_path / "nowhere")


def test_a_new_wave_only_adds_a_file(folder: Path) -> None:
    text = (folder / WAVE_2016).read_text(encoding="utf-8")
    for old, new in (("year: 2016", "year: 2018"), ("2016-12", "2018-12")):
        text = text.replace(old, new)
    (folder / "waves" / "hansard_audit_2018.yaml").write_text(text, encoding="utf-8")
    waves = catalogue.load(folder).series_waves("hansard_audit", "hansard_audit")
    assert waves == ["hansard_audit_2013", "hansard_audit_2016", "hansard_audit_2018"]


# --- YAML and models


def test_no_and_yes_stay_text(packaged: catalogue.Catalogue, tmp_path: Path) -> None:
    assert packaged.codelists["ess_yes_no"].codes == {"1": "Yes", "2": "No"}
    path = tmp_path / "a.yaml"
    path.write_text("answers: [No, yes, on, Off, true, 1.0]\n", encoding="utf-8")
    assert strictyaml.read(path) == {"answers": ["No", "yes", "on", "Off", True, 1.0]}


def test_codes_are_compared_as_text() -> None:
    codes = model.CodeList.model_validate({"codes": {1: "Yes", 2.0: "No"}, "missing": {-9: "refused"}})
    assert codes.codes == {"1": "Yes", "2": "No"}
    assert codes.missing == {"-9": "refused"}
    with pytest.raises(ValidationError, match="true or false in quotes"):
        model.CodeList.model_validate({"codes": {True: "Yes"}})


@pytest.mark.parametrize(
    ("bands", "message"),
    [
        ({"a": [15, 24], "b": [24, 30]}, "overlap"),
        ({"a": [24, 15]}, "above its last"),
        ({"a": [15, 24.5]}, "valid integer"),
        ({"a": [15, 20, 24]}, "at most 2 items"),
    ],
)
def test_bands_are_pairs_of_whole_numbers_that_do_not_overlap(bands: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        model.Variable.model_validate({"column": "agea", "bands": bands})


def test_a_range_runs_forwards() -> None:
    with pytest.raises(ValidationError, match="numeric's first number is above its last"):
        model.Variable.model_validate({"column": "agea", "numeric": [98, 16]})
    assert model.Variable.model_validate({"column": "agea", "numeric": [16, 16]}).numeric == (16, 16)


def test_bands_are_read_from_yaml_lists(packaged: catalogue.Catalogue) -> None:
    bands = packaged.microdata_waves["ess_2014"].variables["age_band"].bands
    assert bands is not None
    assert bands["15-24"] == (15, 24)


@pytest.mark.parametrize(
    ("fieldwork", "message"),
    [
        ({"label": "x", "year": 2019, "start": date(2018, 4, 1)}, "another year"),
        ({"label": "x", "year": 2018, "start": date(2018, 4, 2), "precision": "month"}, "precision month"),
        ({"label": "x", "year": 2018, "end": date(2018, 4, 29), "precision": "month"}, "precision month"),
        ({"label": "x"}, "year"),
    ],
)
def test_fieldwork_says_only_what_is_known(fieldwork: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        model.Fieldwork.model_validate(fieldwork)


def test_entries_cannot_be_changed(packaged: catalogue.Catalogue) -> None:
    with pytest.raises(ValidationError, match="frozen"):
        packaged.domains["sex"].label = "Gender"


def test_a_rule_must_fit_the_kind_of_its_variable(folder: Path) -> None:
    append(
        folder / "indicators" / "ess.yaml",
        "\ntest_mean:\n  label: x\n  definition: x\n  concept: x\n  recall: now\n  statistic: mean\n  phrase: x\n",
    )
    replace(
        folder / "waves" / "ess_2014.yaml",
        "\nindicators:\n",
        "\nindicators:\n  test_mean: {question: ess_wrkorg, variable: organisation}\n",
    )
    assert any("is a mean, so variable organisation must be numeric" in line for line in problems(folder))


def test_a_wave_may_have_made_weights_only_supplied_or_both(folder: Path) -> None:
    wave = folder / "waves" / "cls_2019_20_microdata.yaml"
    replace(wave, PLAIN, MADE)
    design = catalogue.load(folder).microdata_waves["cls_2019_20_microdata"].design
    assert design.weights == {"supplied": "RespondentCalibrationWeight"}
    assert design.made == {
        "main": model.MadeWeight(margins="mid_2020_england_16", variables=["region", "sex"], trim=4.0)
    }
    made = design.made["main"]
    assert (made.method, made.base, made.bounds, made.unplaced) == ("rake", None, None, "error")
    assert design.single_psu == "fail"
    replace(wave, "weights: {supplied: RespondentCalibrationWeight}\n", "weights: {}\n  single_psu: average\n")
    design = catalogue.load(folder).microdata_waves["cls_2019_20_microdata"].design
    assert (design.weights, list(design.made), design.single_psu) == ({}, ["main"], "average")


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"method": "linear", "bounds": (0.5, 2.0)}, None),
        ({"method": "linear"}, None),
        ({"method": "logit", "bounds": (0.5, 2.0)}, None),
        ({"method": "logit"}, "needs bounds"),
        ({"method": "rake", "bounds": (0.5, 2.0)}, "takes no bounds"),
        ({"method": "poststratify", "bounds": (0.5, 2.0)}, "takes no bounds"),
        ({"method": "guess"}, "method"),
        ({"variables": []}, "at least 1 item"),
        ({"trim": 1.0}, "greater than 1"),
    ],
)
def test_bounds_belong_to_the_methods_that_take_them(entry: dict[str, object], message: str | None) -> None:
    fields = {"margins": "people", "variables": ["sex"], **entry}
    if message is None:
        assert model.MadeWeight.model_validate(fields).bounds == entry.get("bounds")
    else:
        with pytest.raises(ValidationError, match=message):
            model.MadeWeight.model_validate(fields)


def test_two_sides_of_one_wave_must_share_a_weight(folder: Path) -> None:
    wave = folder / "waves" / "cls_2019_20_microdata.yaml"
    replace(wave, "{main: RespondentCalibrationWeight}", "{main: RespondentCalibrationWeight, other: SRCaliw}")
    append(
        folder / "comparisons" / "demo.yaml",
        "\ntest_pair:\n  kind: pair\n  label: x\n  family: x\n"
        "  left: {wave: cls_2019_20_microdata, indicator: formal_volunteering_12m}\n"
        "  right: {wave: cls_2019_20_microdata, indicator: formal_volunteering_monthly}\n",
    )
    catalogue.load(folder)  # one weight for both is fine
    question = "{question: cls_formal_volunteering_12m, variable: formal_12m, counts: [Yes], weight: other}"
    append(wave, f"\nindicators:\n  formal_volunteering_12m: {question}\n")
    assert any("use different weights" in line for line in problems(folder))


@pytest.mark.parametrize(
    ("domains", "said"),
    [
        (
            "[region, sex*age_group, sex*region]",
            "domains sex*age_group and sex*region share sex, which is not a domain.",
        ),
        (
            "[sex, sex*age_group, age_group*sex]",
            "domains sex*age_group and age_group*sex are the same in another order.",
        ),
        (
            "[sex, age_group, sex*age_group*region, age_group*sex*social_grade]",
            "share sex*age_group, which is not a domain",
        ),
    ],
)
def test_crossed_domains_meet_in_a_domain(folder: Path, domains: str, said: str) -> None:
    wave = folder / "waves" / "hansard_audit_2013.yaml"
    text = wave.read_text(encoding="utf-8")
    wave.write_text(re.sub(r"^domains: .*$", f"domains: {domains}", text, flags=re.M), encoding="utf-8")
    assert any(said in line for line in problems(folder))


@pytest.mark.parametrize(
    "domains",
    ["[region, sex*age_group]", "[sex, sex*age_group, sex*region]", "[sex, sex*age_group, region*sex*age_group]"],
)
def test_crossed_domains_that_meet_are_taken(folder: Path, domains: str) -> None:
    wave = folder / "waves" / "hansard_audit_2013.yaml"
    text = wave.read_text(encoding="utf-8")
    wave.write_text(re.sub(r"^domains: .*$", f"domains: {domains}", text, flags=re.M), encoding="utf-8")
    try:
        catalogue.load(folder)
    except CatalogueError as error:
        assert "domains " not in str(error)  # comparisons of domains that are gone are another matter
