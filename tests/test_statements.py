"""The reading of texts: sentences, numbers, what they are numbers of, and what the release says of them."""

from dataclasses import dataclass, field
from io import StringIO
from itertools import permutations
from pathlib import Path

import duckdb
import pandas as pd
import pytest

from engagement_stats import catalogue, check_text, checked, cli, compare, disclose, phrase, tabulate
from engagement_stats.documents import Passage
from engagement_stats.identify import Identifier
from engagement_stats.mentions import Vocabulary, times
from engagement_stats.quantities import figures
from engagement_stats.sentences import alike, sentences, words
from engagement_stats.statements import read

LABELLED = Path(__file__).parent / "reference" / "labelled_sentences.txt"
# From the deposited files of these waves: (wave, indicator, estimate, lower, upper).
MICRODATA = [
    ("ess_2014", "signed_petition_12m", 0.4056, 0.3812, 0.4304),
    ("ess_2014", "trade_union_member", 0.1481, 0.1312, 0.1664),
    ("ess_2014", "demonstration_12m", 0.0646, 0.0519, 0.0792),
    ("hansard_audit_2013", "certain_to_vote", 0.4080, 0.3770, 0.4400),
    ("hansard_audit_2016", "certain_to_vote", 0.5900, 0.5600, 0.6190),
    ("hansard_audit_2016", "interested_in_politics", 0.5330, 0.5030, 0.5629),
    ("hansard_audit_2016", "demonstration_12m", 0.0334, 0.0251, 0.0434),
]
Release = tuple[pd.DataFrame, pd.DataFrame]


@pytest.fixture(scope="module")
def release(packaged: catalogue.Catalogue) -> Release:
    """Return estimates and comparisons: all published figures, and a few estimates of other surveys."""
    rules = packaged.rules.disclosure
    waves = [disclose.suppress(tabulate.published(w, packaged), rules) for w in packaged.tables_waves]
    like = next(w for w in waves if (w["wave"] == "cls_2019_20").any()).iloc[0]
    extra = pd.DataFrame([
        {**like.to_dict(), "survey": packaged.waves[w].survey, "wave": w, "indicator": i, "domain": "all",
         "level": "all", "estimate": e, "ci_lower": low, "ci_upper": high, "standard_error": (high - low) / 3.92,
         "rounding": 0.0, "variance_basis": "weights_only", "evidence": None, "note": None}
        for w, i, e, low, high in MICRODATA
    ])  # fmt: skip
    filled = [w.dropna(axis="columns", how="all") for w in [*waves, extra] if len(w)]
    estimates = pd.concat(filled, ignore_index=True).reindex(columns=waves[0].columns).assign(is_synthetic=False)
    made = phrase.with_sentences(compare.comparisons(estimates, pd.DataFrame(), packaged), estimates, packaged)
    return estimates, made


def answers(text: str, c: catalogue.Catalogue, release: Release) -> pd.DataFrame:
    return check_text.check([Passage(text, "paragraph", (0,), (1,))], c, *release)


def one(text: str, stated: str, c: catalogue.Catalogue, release: Release) -> pd.Series:
    table = answers(text, c, release)
    rows = table[table["stated"] == stated]
    assert len(rows) == 1, table[["kind", "stated", "verdict"]]
    return rows.iloc[0]


# How well texts are read, measured


@dataclass
class Scores:
    right: int = 0
    wrong: int = 0
    missed: int = 0
    verdicts: int = 0
    misses: list[str] = field(default_factory=list)

    @property
    def precision(self) -> float:
        return self.right / (self.right + self.wrong)

    @property
    def recall(self) -> float:
        return self.right / (self.right + self.missed)


def labelled(part: str) -> list[tuple[str, dict[str, tuple[str, str] | None]]]:
    out: list[tuple[str, dict[str, tuple[str, str] | None]]] = []
    _, _, text = LABELLED.read_text(encoding="utf-8").partition(f"== {part}\n")
    for line in text.partition("\n== ")[0].splitlines():
        if line.startswith("> "):
            out.append((line[2:], {}))
        elif line.strip():
            stated, _, label = line.partition(" = ")
            key, _, verdict = label.partition(" | ")
            out[-1][1][stated] = None if key == "none" else (key, verdict)
    return out


def scored(part: str, c: catalogue.Catalogue, release: Release) -> Scores:
    """Hold what was read against the labels; a number that got no verdict is no false alarm."""
    s = Scores()
    for text, labels in labelled(part):
        table = answers(text, c, release)
        shares = table[(table["kind"] == "level") & (table["wave"] != "")]
        found = {
            r.stated: (f"{r.wave} {r.indicator} {r.domain} {r.level}", r.verdict)
            for r in shares.itertuples(index=False)
        }
        for stated in {**labels, **found}:
            label, got = labels.get(stated), found.get(stated)
            if label is None:
                s.wrong += got is not None and got[1] != "cannot be checked"
            elif got is None:
                s.missed += 1
            else:
                s.right += got[0] == label[0]
                s.wrong += got[0] != label[0]
                s.missed += got[0] != label[0]
                s.verdicts += got == label
            if got != label:
                s.misses.append(f"{text}: {stated}: {got}, not {label}")
    return s


# Measured 1.00 and 0.97 on the sentences at hand, 1.00 and 1.00 on the others (0.94 and 0.87 at their first reading).
@pytest.mark.parametrize(("part", "precision", "recall"), [("developed", 0.97, 0.95), ("held out", 0.95, 0.93)])
def test_numbers_are_given_the_estimate_a_reader_would_give_them(
    packaged: catalogue.Catalogue, release: Release, part: str, precision: float, recall: float
) -> None:
    s = scored(part, packaged, release)
    assert s.right > 25
    assert s.precision >= precision, s.misses
    assert s.recall >= recall, s.misses
    assert s.verdicts == s.right, s.misses


PLACED = [
    (
        "In 2023-24, a third of adults in England took part in civic participation, with women (35%) more likely than "
        "men (32%) to have done so.",
        {"a third": ("2023_24", "all"), "35%": ("2023_24", "Female"), "32%": ("2023_24", "Male")},
    ),
    (
        "In 2023-24, a third took part in civic participation, with women more likely than men to do so (35% v 32%).",
        {"a third": ("2023_24", "all"), "35%": ("2023_24", "Female"), "32%": ("2023_24", "Male")},
    ),
    (
        "In 2023-24, a third took part in civic participation, though men (32%) were less likely to than women (35%).",
        {"a third": ("2023_24", "all"), "35%": ("2023_24", "Female"), "32%": ("2023_24", "Male")},
    ),
    (
        "In 2023-24 civic participation (33%) was higher among women (35%) than men (32%).",
        {"33%": ("2023_24", "all"), "35%": ("2023_24", "Female"), "32%": ("2023_24", "Male")},
    ),
    (
        "In 2023-24 civic participation was higher for women (35%) than for men (32%), and neighbourhood belonging was "
        "higher for women (63%) than men (60%).",
        {"35%": ("2023_24", "Female"), "32%": ("2023_24", "Male"), "63%": ("2023_24", "Female"),
         "60%": ("2023_24", "Male")},
    ),
    (
        "In 2018-19 a quarter of adults (25%) agreed that they could influence local decisions, and 52% would like to "
        "be more involved in the decisions their council makes.",
        {"a quarter": ("2018_19", "all"), "25%": ("2018_19", "all"), "52%": ("2018_19", "all")},
    ),
    (
        "In 2019-20 formal volunteering was lower among 25 to 34 year olds (29% at least once a year; 16% at least "
        "once a month).",
        {"29%": ("2019_20", "25-34"), "16%": ("2019_20", "25-34")},
    ),
    (
        "In 2023-24, a smaller share of 75+ (26%) than of 65-74s (36%) took part in civic participation.",
        {"26%": ("2023_24", "75+"), "36%": ("2023_24", "65-74")},
    ),
    ("In 2019-20, civic participation was 41%, up 6 points on 2018-19.", {"41%": ("2019_20", "all")}),
    (
        "In 2023-24, women's civic participation was 35%, three points ahead of men (32%).",
        {"35%": ("2023_24", "Female"), "32%": ("2023_24", "Male")},
    ),
    (
        "In 2023-24 civic participation was higher among women than men, at 35% and 32%.",
        {"35%": ("2023_24", "Female"), "32%": ("2023_24", "Male")},
    ),
    (
        "More women than men took part in civic participation in 2023-24: 35% against 32%.",
        {"35%": ("2023_24", "Female"), "32%": ("2023_24", "Male")},
    ),
    (
        "In 2023-24 civic participation was 26% among 75 year olds and over.",
        {"26%": ("2023_24", "75+")},
    ),
    (
        "In 2023-24 around 1 in 3 adults (33%) took part in civic participation, not significantly different from "
        "2021-22 (34%) but lower than 2020-21 (41%).",
        {"around 1 in 3": ("2023_24", "all"), "33%": ("2023_24", "all"), "34%": ("2021_22", "all"),
         "41%": ("2020_21", "all")},
    ),
    (
        "Civic participation, 2023-24: women 35%, men 32%, all 33%.",
        {"35%": ("2023_24", "Female"), "32%": ("2023_24", "Male"), "33%": ("2023_24", "all")},
    ),
    ("In the year before last (2019-20), 41% took part in civic participation.", {"41%": ("2019_20", "all")}),
    ("41% took part in civic participation (Community Life Survey, 2019-20).", {"41%": ("2019_20", "all")}),
    (
        "In 2021-22 the share in civic participation, at 34%, was back to its 2018-19 level.",
        {"34%": ("2021_22", "all")},
    ),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), PLACED)
def test_a_number_is_of_the_people_and_the_year_that_go_with_it(
    packaged: catalogue.Catalogue, release: Release, text: str, expected: dict[str, tuple[str, str]]
) -> None:
    table = answers(text, packaged, release)
    shares = table[table["kind"] == "level"]
    found = {r.stated: (r.wave.removeprefix("cls_"), r.level) for r in shares.itertuples(index=False)}
    assert found == expected
    assert not checked.at_fault(table)
    assert all(abs(r.estimate - float(r.stated.rstrip("%")) / 100) < 0.006 for r in shares.itertuples(index=False)
               if r.stated.endswith("%"))  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        "In 2020-21, 30% of adults volunteered formally in the last 12 months, down from 37%.",
        "In 2020-21, 30% of adults volunteered formally in the last 12 months, compared with 37% previously.",
        "In 2020-21 formal volunteering in the last 12 months fell on the previous year (30%, from 37%).",
        # Of 2013-14, and not of the wave before.
        "In 2023-24, 28% of adults volunteered formally in the last 12 months, down from 45%.",
        "In 2019-20, 15% of Asian adults formally volunteered monthly, 8 points below white adults (23%).",
        "Civic participation has hovered between 33 and 36 per cent since 2012.",
        "People were five times as likely to take part in civic participation as in civic activism in 2019-20 (41% "
        "and 8%).",
        "In 2019-20 men were half again as likely as women to take part in civic participation.",
        "In 2019-20 women were not as likely as men to take part in civic participation.",
        "Civic participation fell from 41% in 2020-21 to 34% in 2021-22, a drop of about a fifth.",
    ],
)
def test_what_is_not_followed_is_no_fault(packaged: catalogue.Catalogue, release: Release, text: str) -> None:
    table = answers(text, packaged, release)
    assert not checked.at_fault(table), table[["stated", "verdict", "arithmetic", "reason"]]


def test_a_number_without_a_year_beside_one_with_a_year_is_of_another_time(
    packaged: catalogue.Catalogue, release: Release
) -> None:
    text = "In 2020-21, {} of adults volunteered formally in the last 12 months, down from 37%."
    first, second = answers(text.format("30%"), packaged, release).query("kind == 'level'").itertuples(index=False)
    assert (first.verdict, second.verdict) == ("supported", "cannot be checked")
    assert "another time" in second.reason
    # The change is held against the wave before, whose number 37 is; of no such wave is 45.
    assert one(text.format("30%"), "down from", packaged, release)["verdict"] == "supported"
    other = one(text.format("30%").replace("37%", "45%"), "down from", packaged, release)
    assert (other["verdict"], other["arithmetic"]) == ("cannot be checked", "right")
    assert one(text.format("34%"), "34%", packaged, release)["verdict"] == "not supported"


@pytest.mark.parametrize(
    "text",
    [
        "Compared with 2018-19 (34%), civic participation was higher in 2019-20 (41%).",
        "Civic participation was higher than in 2018-19 (34%) in 2019-20 (41%).",
    ],
)
def test_what_a_contrast_leads_to_is_what_the_other_is_measured_by(packaged: catalogue.Catalogue, text: str) -> None:
    (statement,) = read([Passage(text, "paragraph", (0,), (1,))], packaged)
    (relation,) = statement.relations
    assert relation.left_level is not None
    assert relation.right_level is not None
    assert (relation.left_level.words, relation.right_level.words, relation.direction) == ("41%", "34%", "higher")


@pytest.mark.parametrize(
    ("text", "stated", "against", "verdict"),
    [
        ("In 2020-21, 17% volunteered formally each month - down 5 points from 2018-19.", "5 points", "2018_19", True),
        ("In 2020-21 monthly formal volunteering was 17%, a fall of 5 points on 2018-19.", "5 points", "2018_19", True),
        ("Since 2018-19, civic participation has risen from 34% to 41% in 2020-21.", "risen", "2018_19", True),
        ("In 2021-22 civic participation was lower than in 2019-20 (34% against 41%).", "lower", "2019_20", True),
        ("Civic participation stood at 33% in 2023-24, down from 41%.", "down from", "2021_22", False),
    ],
)  # fmt: skip
def test_a_change_is_held_against_the_year_it_is_since(
    packaged: catalogue.Catalogue, release: Release, text: str, stated: str, against: str, verdict: bool
) -> None:
    row = one(text, stated, packaged, release)
    assert row["against"].startswith(f"cls_{against}, ")
    assert row["verdict"] == ("supported" if verdict else "cannot be checked")
    assert not checked.at_fault(answers(text, packaged, release))


def test_two_numbers_behind_a_turned_comparison_are_in_no_known_order(
    packaged: catalogue.Catalogue, release: Release
) -> None:
    for text in (
        "Compared with 2019-20, civic participation was lower in 2021-22 (34% against 41%).",
        "Compared with 2019-20, civic participation was lower in 2021-22 (41% against 34%).",
        "In 2023-24, compared with men, women were more likely to take part in civic participation (35% and 32%).",
        "In 2023-24, men were less likely than women to take part in civic participation (32% to 35%).",
    ):
        rows = answers(text, packaged, release).query("kind == 'level'")
        assert set(rows["verdict"]) == {"cannot be checked"}
        assert rows["reason"].str.contains("order").all()


@pytest.mark.parametrize(
    ("text", "place"),
    [("63% of C1s signed a petition", "C1"), ("35% of people in social grade C2 did", "C2"), ("among C2DEs", None),
     ("among ABC1s", None), ("77% of ABs", "AB")],
)  # fmt: skip
def test_social_grades_are_told_apart(packaged: catalogue.Catalogue, text: str, place: str | None) -> None:
    found = words(text)
    mentions = Vocabulary(packaged).mentions(text, found, figures(text, found, packaged))
    said = [m.names for m in mentions if m.kind == "place"]
    assert said == ([] if place is None else [(f"social_grade={place}",)])
    assert any(m.kind == "unknown" for m in mentions) == (place is None)


@pytest.mark.parametrize(
    ("text", "barred"),
    [
        ("In 2019-20 civic participation was not 41%.", {"41%": "denied"}),
        ("Civic participation has never been above 42%.", {"42%": "denied"}),
        ("Target: 45% of adults to take part in civic participation by 2025.", {"45%": "does not say"}),
        ("According to our residents' survey, 41% took part in civic participation in 2019-20.", {"41%": "who is"}),
        ("In 2014, 40% of trade union members were women.", {"40%": "who did"}),
        ("In 2023-24, 28% of all formal volunteers at least once a year were women.", {"28%": "who did"}),
        (
            "In 2019-20, 41% took part in civic participation; the majority of people (59%) did not.",
            {"the majority": "denied", "59%": "denied"},
        ),
        ("In 2019-20, 41% took part in civic participation and most (59%) did not.", {"59%": "denied"}),
    ],
)
def test_those_who_did_and_those_who_did_not_are_others_than_everybody(
    packaged: catalogue.Catalogue, release: Release, text: str, barred: dict[str, str]
) -> None:
    table = answers(text, packaged, release)
    rows = table[(table["kind"] == "level") & table["wave"].eq("")]
    assert {r.stated for r in rows.itertuples(index=False)} == set(barred)
    assert all(barred[r.stated] in r.reason for r in rows.itertuples(index=False))
    assert not checked.at_fault(table)


def test_a_number_said_again_in_brackets_is_of_the_same(packaged: catalogue.Catalogue, release: Release) -> None:
    text = "In 2020-21, 17% volunteered formally each month, compared with nearly a quarter ({}) a year earlier."
    assert list(answers(text.format("23%"), packaged, release).query("kind == 'level'")["wave"]) == [
        "cls_2020_21", "cls_2019_20", "cls_2019_20",
    ]  # fmt: skip


def test_two_numbers_of_one_estimate_are_not_held_against_it(packaged: catalogue.Catalogue, release: Release) -> None:
    text = "In 2019-20, 41% took part in civic participation, more or less, as against 8 per cent and 77 per cent."
    rows = answers(text, packaged, release).query("kind == 'level'")
    assert "not supported" not in set(rows["verdict"])
    assert one("In 2019-20, 77% took part in civic participation.", "77%", packaged, release)["verdict"] == (
        "not supported"
    )


def test_every_indicator_is_found_in_its_own_phrase(packaged: catalogue.Catalogue) -> None:
    for name, entry in packaged.indicators.items():
        text = f"In 2018-19, 36 per cent of adults {entry.phrase}."
        (statement,) = read([Passage(text, "paragraph", (0,), (1,))], packaged)
        assert statement.levels[0].subject.indicators == (name,), name
        assert entry.keywords, name


def test_what_the_program_itself_writes_is_supported(packaged: catalogue.Catalogue, release: Release) -> None:
    estimates, _ = release
    rows = estimates[(estimates["domain"] == "all") & estimates["ci_lower"].notna() & (estimates["survey"] == "cls")]
    for row in rows.itertuples(index=False):
        if row.evidence == "unverified":
            continue
        table = answers(f"{phrase.estimate(packaged, row)}.", packaged, release)
        shares = table[table["kind"] == "level"]
        assert list(shares["verdict"]) == ["supported"], phrase.estimate(packaged, row)
        assert list(shares["wave"]) == [row.wave]


def test_no_sentence_of_the_program_is_taken_for_a_denial(packaged: catalogue.Catalogue, release: Release) -> None:
    for text in release[1]["sentence"].dropna().unique():
        assert not answers(text, packaged, release)["reason"].str.contains("denied").any(), text


# Sentences


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("It rose to 36 per cent. This is high.", 2),
        ("It rose to 36 per cent. of adults.", 1),
        ("Some groups (e.g. Scouts) met. They liked it.", 2),
        ("In the U.K. Government report it was 3.5 per cent.", 1),
        ("They live in the U.K. In 2018 it was 4.", 2),
        ("Dr. Smith and J. Brown found 36.5% vs. 40%.", 1),
        ('He said "36 per cent." Then he left.', 2),
        ("It was 36 per cent.2 This is high.", 2),
        ("Did it rise? Yes! By 3.", 3),
        ("", 0),
    ],
)
def test_where_sentences_end(packaged: catalogue.Catalogue, text: str, count: int) -> None:
    found = list(sentences(text, packaged.reading.sentences))
    assert len(found) == count
    assert all(text[start:].startswith(sentence) for start, sentence in found)


def test_places_in_the_text_stay_what_they_are() -> None:
    odd = (
        "\N{LEFT SINGLE QUOTATION MARK}left behind\N{RIGHT SINGLE QUOTATION MARK} 2018\N{EN DASH}19\N{NO-BREAK SPACE}5"
    )
    assert alike(odd) == "'left behind' 2018-19 5"
    assert len(alike(odd)) == len(odd)


# Numbers


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("14 per cent, 14%, 36.5 percent", [("14 per cent", "level"), ("14%", "level"), ("36.5 percent", "level")]),
        ("Thirty-six per cent of adults", [("Thirty-six per cent", "level")]),
        ("one in three adults, three out of ten, 1 in 5", [
            ("one in three", "level"), ("three out of ten", "level"), ("1 in 5", "level")]),
        ("just over half of adults", [("just over half", "level")]),
        ("just over half the English estimate", [("just over half", "ratio")]),
        ("less than half of the national average", [("less than half", "ratio")]),
        ("fell by a sixth", [("a sixth", "relative_change")]),
        ("fell by almost one in five", [("almost one in five", "relative_change")]),
        ("nearly double, tenfold, three times as many", [
            ("nearly double", "ratio"), ("tenfold", "ratio"), ("three times", "ratio")]),
        ("rose by 5 per cent", [("5 per cent", "relative_change")]),
        ("10 per cent more people", [("10 per cent", "relative_change")]),
        ("a rise of 7 percentage points", [("7 percentage points", "difference")]),
        ("from 34 to 41 per cent", [("34 per cent", "level"), ("41 per cent", "level")]),
        ("between 34 and 41 per cent", [("34 and 41 per cent", "level")]),
        ("rose 18 per cent to 41 per cent", [("18 per cent", "relative_change"), ("41 per cent", "level")]),
        ("dropped by 12% to 63%", [("12%", "relative_change"), ("63%", "level")]),
        ("up 6 to 41 per cent", [("41 per cent", "level")]),
        ("34 per cent to 41 per cent of adults", [("34 per cent to 41 per cent", "level")]),
        ("rose by 3 points; 6 points lower; a gap of ten points", [
            ("3 points", "difference"), ("6 points", "difference"), ("ten points", "difference")]),
        ("a third lower than; a quarter fewer adults", [("a third", "relative_change"),
                                                        ("a quarter", "relative_change")]),
        ("hardly any adults; nearly all adults", [("hardly any", "level"), ("nearly all", "level")]),
        ("a majority of people; the most deprived", [("a majority", "level")]),
        ("in 1993 to 50 per cent", [("50 per cent", "level")]),
        # No statistics of people.
        ("£827 per head, 2.4 million people, 225 neighbourhoods, 10,126 adults", []),
        ("in 2018-19, on 14 July 2020, aged 16 to 24, the last 12 months", []),
        ("the second half of 2020, a third party, the third sector, the first quarter", []),
        ("(95% confidence interval 34 to 38)", []),
        ("10 out of 10; 12 in 2018", []),
        ("the poorest fifth of areas", []),
        ("(95% interval 0 to 18 per cent), (95% CI: 39.5% to 41.9%), (95% CI 39.5-41.9%)", []),
        ("51% of people aged 35 to 44 and 43% of others", [("51%", "level"), ("43%", "level")]),
        ("51% of people over 65 and 43% of others", [("51%", "level"), ("43%", "level")]),
        ("34 and 41 per cent", [("34 per cent", "level"), ("41 per cent", "level")]),
        ("down by 7 points (18%)", [("7 points", "difference"), ("18%", "relative_change")]),
        ("rose by almost a fifth (18%)", [("almost a fifth", "relative_change"), ("18%", "relative_change")]),
        ("fell ten points (over a quarter)", [("ten points", "difference"), ("over a quarter", "relative_change")]),
        ("down 7 points (34% in 2021)", [("7 points", "difference"), ("34%", "level")]),
        ("half as many again; half again as likely; 2 and a half times as likely", []),
        ("one and a half times as likely", [("one and a half times", "ratio")]),
        ("58% of men, well above 49% of women", [("58%", "level"), ("49%", "level")]),
        ("well above 49% of women", [("well above 49%", "level")]),
        ("41%, more than a third", [("41%", "level"), ("more than a third", "level")]),
        ("a drop of almost a fifth", [("almost a fifth", "relative_change")]),
        ("three points to remember", []),
    ],
)  # fmt: skip
def test_numbers_that_are_statistics(packaged: catalogue.Catalogue, text: str, expected: list[tuple[str, str]]) -> None:
    assert [(f.words, f.quantity) for f in figures(text, words(text), packaged)] == expected


def test_a_number_in_words_is_the_number_in_digits(packaged: catalogue.Catalogue) -> None:
    (found,) = figures("thirty-six per cent", words("thirty-six per cent"), packaged)
    assert (found.meaning.lower, found.meaning.upper) == pytest.approx((0.355, 0.365))
    # Read by its last word alone it would be six per cent.
    assert found.meaning.value == pytest.approx(0.36)


def test_waves_are_called_by_their_years(packaged: catalogue.Catalogue) -> None:
    assert times(packaged, "cls_2018_19") == {"2018-19"}
    assert times(packaged, "hansard_audit_2016") == {"2016"}
    assert "2020" in times(packaged, "survation_lbn_2020")


def test_a_level_of_the_release_without_words_of_its_own_is_known_by_its_name(
    packaged: catalogue.Catalogue,
) -> None:
    text = "In Testborough 36 per cent took part"
    found = words(text)
    plain = Vocabulary(packaged).mentions(text, found, figures(text, found, packaged))
    assert "Testborough" in [n for m in plain if m.kind == "unknown" for n in m.names]
    known = Vocabulary(packaged, [("region", "Testborough")]).mentions(text, found, [])
    assert ("region=Testborough",) in [m.names for m in known if m.kind == "place"]


# What is meant, and when it cannot be told


@pytest.mark.parametrize(
    ("text", "stated", "match", "reason"),
    [
        ("36 per cent of adults volunteered in 2018-19.", "36 per cent", "ambiguous", "Several match"),
        ("27% formally volunteered at least once a month in 2013-14.", "27%", "ambiguous", "Several waves match"),
        ("27% of children live in poverty.", "27%", "none", "No indicator matched"),
        ("In Hastings, 36% took part in social action in 2019-20.", "36%", "none", "Hastings"),
        ("36% of tenants took part in social action in 2019-20.", "36%", "none", "tenants"),
        ("36% of people aged 30 to 44 took part in social action in 2019-20.", "36%", "none", "aged 30 to 44"),
        ("84% had not taken part in social action in 2019-20.", "84%", "none", "denied"),
        ("60% of those who took part in social action were women.", "60%", "none", "share of those who did"),
        ("Of people who signed a petition in 2014, 6% had been at a demonstration.", "6%", "none", "share of those"),
        ("Among those interested in politics in 2016, 59% were certain to vote.", "59%", "none", "share of those"),
        ("Of the 53% who were interested in politics in 2016, 59% were certain to vote.", "59%", "none", "share of"),
        ("59% of those interested in politics in 2016 were certain to vote.", "59%", "none", "share of those"),
        ("In 2014 many signed a petition, of whom 6% had been at a demonstration.", "6%", "none", "share of those"),
        ("It is not true that 16% took part in social action in 2019-20.", "16%", "none", "does not say that"),
        ("Did 16% take part in social action in 2019-20?", "16%", "none", "does not say that"),
        ("In 2019-20, 16% of respondents to our poll took part in social action.", "16%", "none", "our poll"),
        ("In 2016, 59% - up from 49% three years earlier - were certain to vote.", "49%", "none", "time that is not"),
        ("In 2019-20, 16% of adults thought that social action was pointless.", "16%", "none", "think of it"),
        ("In 1999, 16% took part in social action.", "16%", "none", "no figure of 1999"),
        ("16% took part in social action at least once a month.", "16%", "none", "period"),
        ("In Wales, 16% took part in social action in 2019-20.", "16%", "none", "no figure of these people"),
    ],
)
def test_what_cannot_be_told_is_said(
    packaged: catalogue.Catalogue, release: Release, text: str, stated: str, match: str, reason: str
) -> None:
    row = one(text, stated, packaged, release)
    assert (row["match"], row["verdict"], row["wave"]) == (match, "cannot be checked", "")
    assert reason in row["reason"]


@pytest.mark.parametrize(
    ("text", "stated"),
    [
        ("Of those surveyed in 2016, 53% were interested in politics.", "53%"),
        ("The share of people who signed a petition in 2014 was 41%.", "41%"),
        ("Of the 53% who were interested in politics in 2016, many vote.", "53%"),
        ("In 2016, 3 in 100 people took part in a demonstration.", "3 in 100"),
        ("Civic participation: 41% (2019/20), 34% (2018/19).", "34%"),
        ("In the UK (41%), as in the United Kingdom (41 per cent), many signed a petition in 2014.", "41 per cent"),
    ],
)
def test_shares_of_everybody_are_still_told(
    packaged: catalogue.Catalogue, release: Release, text: str, stated: str
) -> None:
    row = one(text, stated, packaged, release)
    assert (row["match"], row["verdict"]) == ("named", "supported")


def test_a_place_among_others_is_not_passed_over(packaged: catalogue.Catalogue, release: Release) -> None:
    text = "In 2019-20, 16% took part in social action, the lowest on record."
    row = one(text, "lowest", packaged, release)
    assert row["verdict"] == "cannot be checked"
    assert "rank" in row["reason"]


def test_of_two_patterns_for_the_same_words_the_one_that_spells_out_more_counts(packaged: catalogue.Catalogue) -> None:
    text = "In 2016, 23% had signed an e-petition."
    (statement,) = read([Passage(text, "paragraph", (0,), (1,))], packaged)
    assert statement.levels[0].subject.indicators == ("e_petition_12m",)


def test_a_year_behind_two_places_is_of_both(packaged: catalogue.Catalogue) -> None:
    text = (
        "In politics, interest was 23 percentage points lower in Wales than nationally in 2016: interested in politics."
    )
    (statement,) = read([Passage(text, "paragraph", (0,), (1,))], packaged)
    sides = [(x.left.places, x.left.years, x.right.places, x.right.years) for x in statement.relations if x.right]
    assert sides == [((("region=Wales",),), ("2016",), (("population=",),), ("2016",))] * 2


@pytest.mark.parametrize(
    "head",
    ["Lower", "Upper", "Lower 95% CI", "Upper limit", "95% CI lower", "Lower bound (%)", "Upper confidence limit"],
)
def test_the_limits_of_an_interval_in_a_table_are_no_estimates(
    packaged: catalogue.Catalogue, release: Release, head: str
) -> None:
    cells = "Formal volunteering in the last 12 months, {}: 35%, in 2019-20"
    assert len(answers(cells.format("England"), packaged, release)) == 1
    assert answers(cells.format(head), packaged, release).empty
    # A direction is still one.
    said = one("Volunteering was lower, at 27 per cent, in 2021-22 than in 2019-20.", "lower", packaged, release)
    assert said["kind"] != "level"


def test_two_numbers_in_brackets_are_of_the_two_places_before(packaged: catalogue.Catalogue) -> None:
    text = "In 2016 people in Wales were more likely than average to be certain to vote (58% compared with 59%)."
    (statement,) = read([Passage(text, "paragraph", (0,), (1,))], packaged)
    assert [x.subject.places for x in statement.levels] == [(("region=Wales",),), (("population=",),)]


@pytest.mark.parametrize(
    "people",
    ["people with a degree", "those in social housing", "adults over 50", "people living in cities", "people who rent",
     "residents of coastal towns", "adults who use the internet daily", "people from ethnic minorities",
     "people in full-time employment", "those earning over £50,000"],
)  # fmt: skip
def test_a_part_of_people_is_not_everybody(packaged: catalogue.Catalogue, release: Release, people: str) -> None:
    for text in ("In 2019-20, 16% of {} took part in social action.", "Among {}, 16% did social action in 2019-20."):
        row = one(text.format(people), "16%", packaged, release)
        assert (row["match"], row["verdict"]) == ("none", "cannot be checked"), text
        assert "no words for" in row["reason"]


@pytest.mark.parametrize(
    "people",
    ["people in England", "people living in the country", "adults who had", "people in the survey who had",
     "respondents in England who said they had", "adults in 2019-20 who"],
)  # fmt: skip
def test_everybody_is_everybody_in_other_words(packaged: catalogue.Catalogue, release: Release, people: str) -> None:
    text = f"In 2019-20, 16% of {people} took part in social action."
    assert one(text, "16%", packaged, release)["verdict"] == "supported"


def test_candidates_are_of_the_year_named(packaged: catalogue.Catalogue, release: Release) -> None:
    text = "In {}, 36 per cent reported formal volunteering."
    named = one(text.format("2018-19"), "36 per cent", packaged, release)
    assert named["match"] == "ambiguous"
    assert named["candidates"] == (
        "cls_2018_19, formal_volunteering_12m, all, all; cls_2018_19, formal_volunteering_monthly, all, all"
    )
    absent = one(text.format("1998-99"), "36 per cent", packaged, release)
    assert (absent["match"], absent["candidates"]) == ("ambiguous", "")
    assert absent["reason"].endswith("The release has no figure of 1998-99 for any of them.")
    silent = one("36 per cent reported formal volunteering.", "36 per cent", packaged, release)
    assert {"cls_2018_19", "cls_2023_24"} <= {x.split(",")[0] for x in silent["candidates"].split("; ")}


def test_the_age_from_which_a_population_counts_is_no_part_of_it(
    packaged: catalogue.Catalogue, release: Release
) -> None:
    text = "In 2019-20, 16% of people aged {} and over took part in social action."
    assert one(text.format(16), "16%", packaged, release)["verdict"] == "supported"
    assert one(text.format(50), "16%", packaged, release)["verdict"] == "cannot be checked"


def test_without_a_year_the_newest_is_taken_and_said(packaged: catalogue.Catalogue, release: Release) -> None:
    text = "{} of adults took part in formal volunteering at least once in the last 12 months."
    newest = one(text.format("28%"), "28%", packaged, release)
    assert (newest["match"], newest["verdict"], newest["wave"]) == ("assumed", "supported", "cls_2023_24")
    assert "newest was taken" in newest["reason"]
    # 36 per cent was right in 2018-19: neither supported nor refused.
    older = one(text.format("36%"), "36%", packaged, release)
    assert older["verdict"] == "cannot be checked"
    assert "2018-19" in older["reason"]
    never = one(text.format("90%"), "90%", packaged, release)
    assert never["verdict"] == "not supported"


def test_nobody_named_and_a_poll_of_some_places(packaged: catalogue.Catalogue, release: Release) -> None:
    row = one("50 per cent were members of local groups.", "50 per cent", packaged, release)
    assert (row["match"], row["verdict"]) == ("assumed", "cannot be checked")
    assert "'left behind' neighbourhoods were taken" in row["reason"]


def test_a_figure_published_too_coarsely_decides_nothing(packaged: catalogue.Catalogue, release: Release) -> None:
    text = "In 2018-19, {} took part in formal volunteering at least once in the last 12 months."
    assert one(text.format("36%"), "36%", packaged, release)["verdict"] == "supported"
    finer = one(text.format("36.4%"), "36.4%", packaged, release)
    assert finer["verdict"] == "cannot be checked"
    assert "too coarsely" in finer["reason"]
    assert one(text.format("37.4%"), "37.4%", packaged, release)["verdict"] == "not supported"


def test_a_sentence_that_points_back_takes_over_what_it_leaves_out(
    packaged: catalogue.Catalogue, release: Release
) -> None:
    text = "In 2020/21, 17% of adults formally volunteered at least once a month. This is lower than 23% in 2019/20."
    row = one(text, "23%", packaged, release)
    assert (row["wave"], row["indicator"], row["verdict"]) == (
        "cls_2019_20", "formal_volunteering_monthly", "supported",
    )  # fmt: skip
    table = answers(text.replace("This is", "The budget is"), packaged, release)
    assert list(table[table["stated"] == "23%"]["indicator"]) == [""]


def test_own_estimates_do_not_stand_beside_the_published_figures_of_the_same_interviews(
    packaged: catalogue.Catalogue, release: Release
) -> None:
    estimates, _ = release
    rows = estimates[(estimates["wave"] == "cls_2018_19") & (estimates["indicator"] == "formal_volunteering_12m")]
    both = pd.concat([rows, rows.assign(wave="cls_2018_19_microdata", is_synthetic=True)])
    (level,) = read(
        [Passage("36% formally volunteered in the last 12 months in 2018-19.", "paragraph", (0,), (1,))], packaged
    )[0].levels
    found = Identifier(packaged, both.itertuples(index=False)).identify(level.subject)
    assert found.side is not None
    assert (found.match, found.side.wave) == ("named", "cls_2018_19")


# Two sides


@pytest.mark.parametrize(
    ("text", "stated", "verdict"),
    [
        ("Civic participation rose from 34 per cent in 2018-19 to 41 per cent in 2019-20.", "rose", "supported"),
        ("Civic participation rose to 41 per cent in 2019-20.", "rose", "supported"),
        ("Civic participation fell to 41 per cent in 2019-20.", "fell", "not supported"),
        ("In 2019-20, 37% formally volunteered in the past year, up from 36% in 2018-19.", "up from", "not supported"),
        ("In 2019-20, 37% formally volunteered in the past year, similar to 36% in 2018-19.", "similar", "supported"),
        (
            "In 2019-20, 37% formally volunteered in the last 12 months, significantly higher than 36% in 2018-19.",
            "higher", "not supported",
        ),
        ("Formal volunteering at least once a month fell between 2019-20 and 2020-21.", "fell", "supported"),
        ("Formal volunteering at least once a month rose between 2019-20 and 2020-21.", "rose", "not supported"),
        # Which side is measured by which, whatever their order in the sentence or in time.
        ("Civic participation was higher in 2018-19 than in 2019-20.", "higher", "not supported"),
        ("Civic participation was lower in 2018-19 than in 2019-20.", "lower", "supported"),
        ("Compared with 2018-19, civic participation was higher in 2019-20.", "higher", "supported"),
        ("Compared with 41% in 2019-20, only 34% took part in civic participation in 2018-19, a rise.", "rise",
         "not supported"),
        ("Civic participation jumped to 41 per cent in 2019-20.", "jumped", "supported"),
        ("Civic participation was 41 per cent in 2020-21, falling to 34 per cent in 2021-22.", "falling", "supported"),
        ("Civic participation was 41 per cent in 2020-21, rising to 34 per cent in 2021-22.", "rising",
         "not supported"),
        ("34% took part in civic participation in 2018-19 and 41% in 2019-20, a rise.", "rise", "supported"),
        ("41% took part in civic participation in 2020-21, a fall to 34% in 2021-22.", "fall", "supported"),
        ("34% took part in civic participation in 2018-19, up from 41% in 2019-20.", "up from", "not supported"),
        ("34% took part in civic participation in 2018-19, compared with 41% in 2019-20, a fall.", "fall", "supported"),
        ("Since 2019-20 civic participation has risen.", "risen", "cannot be checked"),
        ("Civic participation has fallen since 2019-20, to 34 per cent.", "fallen", "supported"),
        ("In 2019-20, 41 per cent took part in civic participation, up six points.", "up six points", "supported"),
        ("In 2018-19, fewer people took part in civic participation (34%) than in 2019-20 (41%).", "fewer people",
         "supported"),
        ("In 2019-20, fewer people took part in civic participation (41%) than in 2018-19 (34%).", "fewer people",
         "not supported"),
        ("The rise in formal volunteering in the past year, 36% in 2018-19 and 37% in 2019-20, is within the margin of "
         "error.", "within the margin of error", "supported"),
        ("Civic participation was higher in 2019-20 than last year.", "higher", "supported"),
    ],
)  # fmt: skip
def test_directions_are_held_against_the_verdict_of_the_comparison(
    packaged: catalogue.Catalogue, release: Release, text: str, stated: str, verdict: str
) -> None:
    row = one(text, stated, packaged, release)
    assert (row["kind"], row["verdict"]) == ("comparison", verdict)
    assert row["against"]
    assert row["sentence"]


# Each way to set two waves against each other; {b} against {a}, and {last} against {first} where time gives the order.
SET_AGAINST = (
    "Civic participation was {more} in {b} than in {a}.",
    "In {b}, civic participation was {more} than in {a}.",
    "Compared with {a}, civic participation was {more} in {b}.",
    "Civic participation was {more} in {b} compared with {a}.",
    "Civic participation in {b} was {up} on {a}.",
    "{y}% of adults took part in civic participation in {b}, {up} from {x}% in {a}.",
    "{y}% took part in civic participation in {b}, compared with {x}% in {a}, {rise}.",
    "Civic participation, at {y}% in {b}, was {more} than the {x}% of {a}.",
    "In {b}, {y}% took part in civic participation, {more} than in {a} ({x}%).",
    "Compared with {x}% in {a}, {y}% took part in civic participation in {b}, {rise}.",
)
CHANGES = (
    "Civic participation {rose} between {first} and {last}.",
    "From {first} to {last} civic participation {rose}.",
    "There was {rise} in civic participation between {first} and {last}.",
    "Civic participation {rose} from {x}% in {first} to {y}% in {last}.",
    "Civic participation {rose} to {y}% in {last} from {x}% in {first}.",
    "In {first}, {x}% took part in civic participation; by {last} the figure {rose} to {y}%.",
    "Civic participation was {x}% in {first} and {rose} to {y}% in {last}.",
    "Having stood at {x}% in {first}, civic participation {rose} to {y}% by {last}.",
    "Civic participation was {x}% in {first}, {rise} to {y}% in {last}.",
    "Civic participation {rose} in {last} compared with {first}.",
)
WORDS = {
    "higher": {"more": "higher", "up": "up", "rise": "a rise", "rose": "rose"},
    "lower": {"more": "lower", "up": "down", "rise": "a fall", "rose": "fell"},
}
# As published; those three points apart and more differ clearly.
CIVIC = {"2018-19": 34.4, "2019-20": 40.7, "2020-21": 41.3, "2021-22": 33.9}


def test_however_it_is_put_what_is_said_is_what_is_held_against_the_release(
    packaged: catalogue.Catalogue, release: Release
) -> None:
    expected = {}
    for (a, x), (b, y) in permutations(CIVIC.items(), 2):
        apart = y - x
        clear = "no clear difference" if abs(apart) < 2 else "higher" if apart > 0 else "lower"
        for direction, said in WORDS.items():
            verdict = "supported" if clear == direction else "not supported"
            numbers = {"x": f"{x:.0f}", "y": f"{y:.0f}"}
            for form in SET_AGAINST:
                expected[form.format(a=a, b=b, **said, **numbers)] = verdict
            for form in CHANGES if a < b else ():
                expected[form.format(first=a, last=b, **said, **numbers)] = verdict
    table = check_text.check([Passage(t, "paragraph", (0,), (1,)) for t in expected], packaged, *release)
    rows = table[table["kind"] == "comparison"]
    assert len(rows) == len(expected) == 360
    assert dict(zip(rows["text"], rows["verdict"], strict=True)) == expected


@pytest.mark.parametrize(
    ("text", "stated"),
    [
        ("In 2019-20 civic participation was higher in the North West.", "higher"),
        ("In 2019-20 41% took part in civic participation, more than in any other country.", "more than"),
        ("In 2014, 1.3 times as many people signed a petition as joined a union.", "1.3 times"),
        ("In 2019-20 civic participation was twice as common as loneliness.", "twice"),
    ],
)
def test_the_time_before_is_taken_for_changes_only(
    packaged: catalogue.Catalogue, release: Release, text: str, stated: str
) -> None:
    row = one(text, stated, packaged, release)
    assert (row["match"], row["verdict"], row["against"]) == ("none", "cannot be checked", "")
    assert "what it is set against" in row["reason"] or "these people" in row["reason"]


def test_a_released_comparison_serves_both_ways_round(packaged: catalogue.Catalogue, release: Release) -> None:
    estimates, made = release
    like = made[(made["left_wave"] == "cls_2019_20") & (made["right_wave"] == "cls_2018_19")]
    like = like[like["left_indicator"] == "civic_participation_12m"]
    # A region against its country, as of one wave: without the release nobody knows how the two vary together.
    pair = like.assign(
        left_domain="region", left_level="North West", right_wave="cls_2019_20", difference=0.06, ci_lower=0.02,
        ci_upper=0.10, ratio=1.2, ratio_ci_lower=1.1, ratio_ci_upper=1.3, verdict="higher",
    )  # fmt: skip
    text = "In 2019-20 civic participation was {} percentage points {} nationally than in the North West."
    for direction, verdict in (("lower", "supported"), ("higher", "not supported")):
        table = answers(text.format(6, direction), packaged, (estimates, pair))
        assert list(table["verdict"]) == [verdict, verdict]
        assert list(table["estimate"]) == pytest.approx([-0.06, -0.06])
        assert list(table["ci_lower"]) == pytest.approx([-0.10, -0.10])
    ratio = "In 2019-20 civic participation nationally was 0.83 times that in the North West."
    found = one(ratio, "0.83 times", packaged, (estimates, pair))
    assert (found["verdict"], found["estimate"]) == ("supported", pytest.approx(1 / 1.2))
    assert (found["ci_lower"], found["ci_upper"]) == (pytest.approx(1 / 1.3), pytest.approx(1 / 1.1))


@pytest.mark.parametrize(
    ("others", "text", "verdict"),
    [
        # Apart by 3.5 standard errors if they do not vary together; by 2.5 if as they hardly can.
        (0.50, "more likely than", "supported"),
        (0.50, "less likely than", "not supported"),
        (0.50, "as likely as", "not supported"),
        # By 2.6 and by 1.9: the tempting answer would be "supported".
        (0.525, "more likely than", "cannot be checked"),
        (0.525, "less likely than", "not supported"),
        (0.59, "more likely than", "cannot be checked"),
        (0.59, "as likely as", "cannot be checked"),
    ],
)
def test_two_groups_of_one_wave_are_told_apart_only_however_they_vary_together(
    packaged: catalogue.Catalogue, release: Release, others: float, text: str, verdict: str
) -> None:
    estimates, made = release
    like = estimates[estimates["wave"].eq("hansard_audit_2016") & estimates["indicator"].eq("certain_to_vote")]
    groups = [
        like.assign(domain="sex", level=level, estimate=share, standard_error=0.0202, ci_lower=share - 0.04,
                    ci_upper=share + 0.04, degrees_of_freedom=500)
        for level, share in (("Female", 0.60), ("Male", others))
    ]  # fmt: skip
    both = pd.concat([estimates, *groups], ignore_index=True)
    row = one(
        f"In 2016 women were {text} men to be certain to vote.", text.rstrip("as").rstrip(), packaged, (both, made)
    )
    assert row["verdict"] == verdict
    assert "vary together is not known" in row["reason"]
    assert ("widest it can be" in row["caveats"]) == (verdict != "cannot be checked")


def test_a_direction_before_the_second_number_is_its_own(packaged: catalogue.Catalogue) -> None:
    text = "Nationally 59% were certain to vote in 2016; in Wales the figure was lower, at 58%."
    (statement,) = read([Passage(text, "paragraph", (0,), (1,))], packaged)
    (relation,) = statement.relations
    assert (relation.left.places, relation.right and relation.right.places) == (
        (("region=Wales",),), (("population=",),),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("said", "verdict"),
    [("similar to", "cannot be checked"), ("the same as", "cannot be checked"), ("in line with", "cannot be checked"),
     ("not significantly different from", "supported")],
)  # fmt: skip
def test_what_is_known_too_badly_is_not_called_alike(
    packaged: catalogue.Catalogue, release: Release, said: str, verdict: str
) -> None:
    estimates, made = release
    like = made["left_wave"].eq("cls_2020_21") & made["right_wave"].eq("cls_2019_20")
    wide = made[like & made["left_indicator"].eq("civic_participation_12m")].assign(ci_lower=-0.09, ci_upper=0.10)
    text = f"Civic participation in 2020-21 was {said} that in 2019-20."
    # No clear difference, and either may be a quarter above the other.
    (row,) = answers(text, packaged, (estimates, wide)).itertuples(index=False)
    assert row.verdict == verdict
    assert list(answers(text, packaged, release)["verdict"]) == ["supported"]


def test_twice_as_likely_is_not_as_likely(packaged: catalogue.Catalogue) -> None:
    text = "In 2016 adults were twice as likely to be certain to vote as in 2013."
    (statement,) = read([Passage(text, "paragraph", (0,), (1,))], packaged)
    assert [(x.words, x.direction) for x in statement.relations] == [("twice", None)]


def test_more_or_less_in_words_not_read_is_not_supported(packaged: catalogue.Catalogue, release: Release) -> None:
    text = "In 2019-20, scarcer was civic participation (41 per cent) than in 2018-19 (34 per cent)."
    row = one(text, "than", packaged, release)
    assert (row["verdict"], "words not read" in row["reason"]) == ("cannot be checked", True)


def test_no_size_of_a_difference_that_is_not_clear(packaged: catalogue.Catalogue, release: Release) -> None:
    text = "Formal volunteering in the past year rose by {} between 2018-19 and 2019-20."
    # 36 and 37 per cent: the point lies in the range, and the comparison says no clear difference.
    size = one(text.format("1 percentage point"), "1 percentage point", packaged, release)
    assert (size["verdict"], size["support"]) == ("not supported", "consistent")
    assert "no clear difference" in size["reason"]


SEED = (
    "8 per cent of residents in 'left behind' neighbourhoods had been a member of a local community or social action "
    "group over the past year. This is just over half the English estimate of 15 per cent of people who had been "
    "involved in local social action at least once in the last twelve months. Only 14 per cent of those surveyed had "
    "been involved in unpaid voluntary activities, compared to a national figure of 36 per cent of people who had "
    "taken part in formal volunteering in the past year."
)


def test_the_seed_briefing_s_comparisons_are_refused(packaged: catalogue.Catalogue, release: Release) -> None:
    half = one(SEED, "just over half", packaged, release)
    # 8 over 15 is 0.53, so the sum is right; the two figures measure different things.
    assert (half["kind"], half["arithmetic"], half["verdict"]) == ("ratio", "right", "not comparable")
    assert "concept" in half["reason"]
    beside = one(SEED, "compared to", packaged, release)
    assert beside["verdict"] == "not comparable"
    assert "higher" not in beside["sentence"]
    assert checked.at_fault(answers(SEED, packaged, release)) == 2


@pytest.mark.parametrize(
    ("text", "stated", "arithmetic", "verdict"),
    [
        ("Civic participation rose by a fifth from 34% in 2018-19 to 41% in 2019-20.", "a fifth", "right", "supported"),
        ("Civic participation rose by a half from 34% in 2018-19 to 41% in 2019-20.", "a half", "wrong",
         "not supported"),
        ("Civic participation doubled from 34% in 2018-19 to 41% in 2019-20.", "doubled", "wrong", "not supported"),
        ("Civic participation rose by 7 per cent from 34% in 2018-19 to 41% in 2019-20.", "7 per cent", "wrong",
         "not supported"),
        (
            "Civic participation rose from 34% in 2018-19 to 41% in 2019-20, a rise of 7 percentage points.",
            "7 percentage points", "right", "not supported",
        ),
        ("Civic participation fell from 34% in 2018-19 to 41% in 2019-20.", "fell", "wrong", "not supported"),
    ],
)  # fmt: skip
def test_words_and_numbers_of_a_change(
    packaged: catalogue.Catalogue, release: Release, text: str, stated: str, arithmetic: str, verdict: str
) -> None:
    row = one(text, stated, packaged, release)
    assert (row["arithmetic"], row["verdict"]) == (arithmetic, verdict)
    if stated == "7 per cent":
        assert "7 percentage points apart" in row["reason"]


def test_two_things_said_one_after_the_other_are_not_compared(packaged: catalogue.Catalogue, release: Release) -> None:
    text = (
        "In 2019-20, 37% formally volunteered in the last 12 months, similar to 2018-19, while 16% took part in social "
        "action in 2019-20."
    )
    assert set(answers(text, packaged, release)["kind"]) == {"level"}


# Sums of counts


@pytest.mark.parametrize(
    ("text", "stated", "arithmetic"),
    [
        ("community-owned shops have increased tenfold since 1996, from 34 to 346", "tenfold", "right"),
        ("community-owned shops have doubled, from 34 to 346", "doubled", "wrong"),
        ("Pubs fell by a third, from 120 to 80.", "a third", "right"),
        ("Pubs fell by a half, from 120 to 80.", "a half", "wrong"),
        ("30 of 120 groups (25 per cent) replied.", "25 per cent", "right"),
        ("30 of 120 groups (35 per cent) replied.", "35 per cent", "wrong"),
        ("76 per cent of 6,000 assets (4,560) are in good health.", "76 per cent", "right"),
        ("76 per cent of 6,000 assets (3,560) are in good health.", "76 per cent", "wrong"),
    ],
)
def test_sums_of_counts(
    packaged: catalogue.Catalogue, release: Release, text: str, stated: str, arithmetic: str
) -> None:
    table = answers(text, packaged, release)
    (row,) = table[table["kind"] == "arithmetic"].to_dict("records")
    assert (row["stated"], row["arithmetic"], row["verdict"]) == (stated, arithmetic, "cannot be checked")
    assert checked.at_fault(table) == (arithmetic == "wrong")


@pytest.mark.parametrize("text", ["Shops doubled from 1996 to 2019.", "It rose from 34 to 41 per cent.", "30 of 120."])
def test_what_is_no_sum_of_counts(packaged: catalogue.Catalogue, release: Release, text: str) -> None:
    assert "arithmetic" not in set(answers(text, packaged, release)["kind"])


def test_a_text_without_statistics_says_nothing(packaged: catalogue.Catalogue, release: Release) -> None:
    table = answers("We met on 14 July 2020 in Leeds. There were 225 of us.", packaged, release)
    assert len(table) == 0
    assert list(table.columns) == checked.COLUMNS
    assert checked.at_fault(table) == 0


# The command


@pytest.fixture
def warehouse(release: Release, tmp_path: Path) -> Path:
    path = tmp_path / "release.duckdb"
    with duckdb.connect(str(path)) as connection:
        for name, table in zip(("estimates", "comparisons"), release, strict=True):
            connection.register("given", table)
            connection.execute(f"CREATE TABLE {name} AS SELECT * FROM given")
            connection.unregister("given")
    return path


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("In 2019-20, 41% took part in civic participation.\n", 0),
        ("In 2019-20, 14% took part in civic participation.\n", 1),
        ("Shops doubled, from 34 to 346.\n", 1),
        ("36 per cent volunteered.\n", 0),
        ("Nothing is counted here.\n", 0),
    ],
)
def test_the_exit_status_says_whether_the_text_may_stand(
    warehouse: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, code: int
) -> None:
    file = tmp_path / "text.md"
    file.write_text(text, encoding="utf-8")
    assert cli.main(["claims", str(file), "--warehouse", str(warehouse)]) == code
    out, err = capsys.readouterr()
    assert f"{code} should not stand" in err
    if text.startswith("In"):
        assert "line 1: In 2019-20" in out


def test_the_command_gives_every_column_to_machines(
    warehouse: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "text.txt"
    file.write_text(SEED, encoding="utf-8")
    assert cli.main(["claims", str(file), "--warehouse", str(warehouse), "--format", "json"]) == 1
    rows = pd.read_json(StringIO(capsys.readouterr().out))
    assert list(rows.columns) == checked.COLUMNS
    assert "not comparable" in set(rows["verdict"])


def test_the_command_reads_back_figures_without_an_interval(
    warehouse: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], packaged: catalogue.Catalogue, release: Release
) -> None:
    estimates, _ = release
    rows = estimates[
        (estimates["domain"] == "all") & estimates["estimate"].notna() & estimates["ci_lower"].isna()
    ].groupby("wave").head(1)  # fmt: skip
    said = [f"{phrase.estimate(packaged, row)}." for row in rows.itertuples(index=False)]
    assert sum("(no interval can be given)" in s for s in said) > 0
    assert sum("as the number of respondents is not known)" in s for s in said) > 5
    file = tmp_path / "text.md"
    file.write_text("\n\n".join(said), encoding="utf-8")
    assert cli.main(["claims", str(file), "--warehouse", str(warehouse), "--format", "json"]) == 0
    found = pd.read_json(StringIO(capsys.readouterr().out))
    assert list(found["wave"]) == list(rows["wave"])
    assert list(found["indicator"]) == list(rows["indicator"])
    # It agrees, and without an interval no more can be said.
    assert found["reason"].str.contains("agrees with it, but has no interval").all()


def test_a_text_that_cannot_be_read_is_an_error(
    warehouse: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["claims", str(tmp_path / "none.md"), "--warehouse", str(warehouse)]) == 1
    assert "error: none.md: cannot be read" in capsys.readouterr().err
