"""Briefings: what each name of a template becomes, what a template may not do, and both formats."""

import hashlib
import os
import re
import runpy
import shutil
import stat
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import docx
import duckdb
import pandas as pd
import pytest
import yaml
from docx.oxml import parse_xml
from workbench import POLL, ROOT, Project, Told, built, edit_text

from engagement_stats import brief
from engagement_stats.errors import BriefError, EngagementStatsError, UsageError

EXAMPLES = ROOT / "docs" / "examples"
NOT_COMPARABLE = "formal_volunteering_12m__lbn_v_england"
DIRECTION = re.compile(r"\b(higher|lower|more|less|fewer|double|half|rise|fall|above|below)\b", re.I)
W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Real published figures and synthetic respondents, built once."""
    return built(tmp_path_factory)[0]


@pytest.fixture
def changed(project: Project, tmp_path: Path) -> Callable[..., Path]:
    """Copy the release and change it by SQL, as no run would."""

    def change(*statements: str) -> Path:
        path = Path(shutil.copy(project.warehouse, tmp_path / "changed.duckdb"))
        with duckdb.connect(str(path)) as connection:
            for statement in statements:
                connection.execute(statement)
        return path

    return change


@pytest.fixture
def write(project: Project, tmp_path: Path) -> Callable[..., str]:
    """Fill a Markdown template given as text."""

    def fill(text: str, warehouse: Path | None = None) -> str:
        template, out = tmp_path / "template.md", tmp_path / "out.md"
        template.write_text(text, encoding="utf-8")
        brief.write(template, out, warehouse or project.warehouse)
        return out.read_text(encoding="utf-8")

    return fill


@pytest.fixture
def write_word(project: Project, tmp_path: Path) -> Callable[..., Path]:
    """Fill a Word template of these paragraphs, or one made by the test."""

    def fill(*paragraphs: str, made: "docx.document.Document | None" = None, warehouse: Path | None = None) -> Path:
        document = made or docx.Document()
        for text in paragraphs:
            document.add_paragraph(text)
        template, out = tmp_path / "template.docx", tmp_path / "out.docx"
        document.save(str(template))
        brief.write(template, out, warehouse or project.warehouse)
        return out

    return fill


def body(text: str) -> str:
    """Return a document without its footnotes and its end."""
    return re.split(r"^\[\^|^---$", text, maxsplit=1, flags=re.M)[0]


def footnote(text: str, number: int) -> str:
    found = re.search(rf"^\[\^{number}\]: (.*)$", text, flags=re.M)
    assert found
    return found[1]


def word_text(path: Path) -> str:
    """Return what a reader of the body reads, footnotes as [^id], numbers of later references as they show."""
    with zipfile.ZipFile(path) as archive:
        tree = parse_xml(archive.read("word/document.xml"))
    said = []
    for paragraph in tree.iter(f"{W}p"):
        for element in paragraph.iter(f"{W}t", f"{W}footnoteReference"):
            said.append(element.text or "" if element.tag == f"{W}t" else f"[^{element.get(f'{W}id')}]")
        said.append("\n")
    return "".join(said)


def word_notes(path: Path) -> dict[str, str]:
    with zipfile.ZipFile(path) as archive:
        tree = parse_xml(archive.read("word/footnotes.xml"))
    return {n.get(f"{W}id"): "".join(t.text or "" for t in n.iter(f"{W}t")).strip() for n in tree.iter(f"{W}footnote")}


# Rates


def test_a_rate_is_of_the_newest_wave_and_its_footnote_says_what_it_rests_on(write: Callable[..., str]) -> None:
    text = write("England: {{ rate('formal_volunteering_12m') }}.\n")
    # The newest published wave of the web series is 2023-24: 28 per cent, about 175,000 answers. The newest row by
    # year alone, and the headline rows on microdata and 2018-19, give other numbers (37 and 36).
    assert text.startswith("England: 28 per cent[^1].\n")
    note = footnote(text, 1)
    assert note.startswith(
        "Formal volunteering, last 12 months, adults in England: 28 per cent (95% interval 27 to 29)."
    )
    for said in ("Community Life Survey 2023-24, web and paper", "October 2023 to March 2024", "Base: about 175,000.",
                 "Source: <https://", "assumed design effect", "second hand", "with caution"):  # fmt: skip
        assert said in note


def test_a_rate_takes_wave_domain_and_style(write: Callable[..., str]) -> None:
    text = write(
        "{{ rate('formal_volunteering_12m', wave='cls_2018_19') }}|"
        "{{ rate('formal_volunteering_12m', wave='cls_2018_19', style='sign') }}|"
        "{{ rate('formal_volunteering_12m', wave='cls_2018_19', style='number') }}|"
        "{{ rate('formal_volunteering_12m', wave='cls_2018_19', style='interval') }}|"
        "{{ rate('formal_volunteering_12m', series='cls_f2f') }}|"
        "{{ rate('belong_neighbourhood_strongly', wave='cls_2023_24', domain='sex', level='Female') }}"
    )
    shown = [re.sub(r"\[\^\d+\]", "", part) for part in body(text).strip().split("|")]
    assert shown[:4] == ["36 per cent", "36%", "36", "36 per cent (95% interval 34 to 38)"]
    assert shown[4] == "41 per cent"
    assert shown[5] == "63 per cent"
    assert "Sex: Female" in text
    # One footnote for the four that are the same number.
    assert "[^3]: " in text
    assert "[^4]: " not in text


def test_a_published_figure_is_not_given_more_digits_than_it_has(write: Callable[..., str]) -> None:
    text = write(
        "{{ rate('formal_volunteering_12m', wave='cls_2018_19', decimals=2) }}|"
        "{{ rate('civic_participation_12m', wave='cls_2024_25', decimals=1) }}"
    )
    assert body(text).startswith("36 per cent[^1]|33.6 per cent[^2]")
    assert "36.00" not in text


def test_a_suppressed_number_is_never_shown(
    write: Callable[..., str], write_word: Callable[..., Path], changed: Callable[..., Path]
) -> None:
    numbers = ["estimate", "standard_error", "ci_lower", "ci_upper", "base_unweighted", "base_weighted"]
    numbers += ["effective_base", "degrees_of_freedom", "design_effect", "base_missing"]
    empty = ", ".join(f"{n} = NULL" for n in numbers)
    release = changed(
        f"UPDATE estimates SET is_suppressed = true, quality = 'suppressed', symbol = '[c]', {empty} "
        "WHERE wave = 'cls_2023_24' AND indicator = 'formal_volunteering_12m'"
    )
    for style in ("words", "sign", "number", "interval"):
        text = write(f"{{{{ rate('formal_volunteering_12m', style='{style}') }}}}\n\n{{{{ notes() }}}}\n", release)
        assert text.startswith("\\[c\\][^1]\n")
        assert "too few people answered" in footnote(text, 1)
        assert "\\[c\\] stands for" in body(text)
        assert not re.search(r"2[78]", footnote(text, 1).replace("2023-24", "").partition("Source")[0])
    table = write("{{ table('headlines', only=['england_formal_volunteering']) }}\n", release)
    assert "| \\[c\\][^1] | \\[c\\] | \\[c\\] |" in table
    assert "[c]" in word_text(write_word("{{ rate('formal_volunteering_12m') }}", warehouse=release))


def test_a_number_on_invented_respondents_says_so_everywhere(
    write: Callable[..., str], write_word: Callable[..., Path], project: Project
) -> None:
    asked = "{{ rate('formal_volunteering_12m', wave='cls_2019_20_microdata') }}"
    text = write(asked)
    assert text.startswith("**SYNTHETIC: numbers so marked rest on invented respondents. Never quote them.**\n")
    assert re.search(r"\d+ per cent \\\[SYNTHETIC\\\]\[\^1\]", text)
    assert "SYNTHETIC: rests on invented respondents" in footnote(text, 1)
    word = write_word(asked)
    assert word_text(word).startswith("SYNTHETIC: ")
    assert "per cent [SYNTHETIC]" in word_text(word)
    # Beside invented ones in the same release, a published figure is not marked.
    assert "SYNTHETIC" not in write("{{ rate('formal_volunteering_12m') }}")
    trend = write("{{ table('profile', indicator='formal_volunteering_12m', domain='region') }}")
    cells = [line for line in trend.splitlines() if re.search(r"\| \d+% (?!interval)", line)]
    assert len(cells) > 5
    assert all("SYNTHETIC" in line for line in cells)


# Claims and comparisons


def test_a_claim_gives_the_released_sentence_with_its_verdict_and_both_sides(
    write: Callable[..., str], project: Project
) -> None:
    row = project.query("SELECT * FROM claims WHERE claim = 'lbn_volunteering'").iloc[0]
    text = write("{{ claim('lbn_volunteering') }}\n\n{{ claim('lbn_volunteering', part='verdict') }}\n")
    sentence = body(text).split("[^1]")[0]
    assert re.sub(r"\\(.)", r"\1", sentence) == row["sentence"]
    assert f"{row['verdict']}[^1]" in text
    note = footnote(text, 1)
    assert "Verdict: not comparable." in note
    for said in ("only 14 per cent of those surveyed", "Base: not known.", "Base: about 10,000.", "Caveats: The two",
                 "Survation poll", "Community Life Survey 2018-19", "95% interval 34 to 38"):  # fmt: skip
        assert said in note


def test_caveats_are_listed_once_where_the_template_says(write: Callable[..., str], project: Project) -> None:
    caveat = str(project.value(f"SELECT caveats FROM comparisons WHERE comparison = '{NOT_COMPARABLE}'"))
    first = caveat.split(".")[0]
    asked = f"{{{{ claim('lbn_volunteering') }}}} {{{{ comparison('{NOT_COMPARABLE}') }}}}\n"
    assert first in footnote(write(asked), 1)
    listed = write(f"{{{{ caveats() }}}}\n\n{asked}")
    assert listed.startswith("- ")
    assert listed.count(first) == 1
    assert "caveats are listed in this document" in footnote(listed, 1)


def test_nothing_that_is_not_comparable_gets_a_direction(write: Callable[..., str], project: Project) -> None:
    rows = project.query(
        "SELECT comparison, level, left_indicator FROM comparisons WHERE verdict = 'not comparable' ORDER BY ALL"
    )
    assert len(rows) > 1
    for row in rows.itertuples():
        where = f"'{row.comparison}', level='{row.level}'"
        text = write(f"{{{{ difference({where}) }}}}\n\n{{{{ comparison({where}, part='verdict') }}}}\n")
        assert not DIRECTION.search(body(text).replace("not comparable", ""))
        assert not re.search(r"\d", re.sub(r"\[\^\d+\]|SYNTHETIC", "", body(text)))
        assert "Verdict: not comparable." in footnote(text, 1)
    table = write("{{ table('comparisons', only=['" + NOT_COMPARABLE + "']) }}")
    assert re.search(r"\| not comparable \|", table)


def test_a_difference_is_signed_by_its_direction(write: Callable[..., str], project: Project) -> None:
    name = "civic_participation_12m__cls_2018_19_v_cls_2017_18"
    row = project.query(f"SELECT * FROM comparisons WHERE comparison = '{name}'").iloc[0]
    assert row["verdict"] == "lower"
    text = write(f"{{{{ difference('{name}') }}}}")
    # Published as 37.8 and 34.4 (34.351 unrounded): 3.5 points, where the rounded shares would give 3.4.
    assert text.startswith("3.5 percentage points lower (95% interval ")
    low, high = map(float, re.findall(r"interval ([\d.]+) to ([\d.]+)", text)[0])
    assert low == pytest.approx(-100 * row["ci_upper"], abs=0.05)
    assert high == pytest.approx(-100 * row["ci_lower"], abs=0.05)


def test_no_difference_is_given_where_none_is_clear_or_known(write: Callable[..., str], project: Project) -> None:
    rows = project.query(
        "SELECT comparison, level FROM comparisons WHERE NOT is_suppressed AND "
        "(verdict IS NULL OR verdict = 'no clear difference') AND NOT is_synthetic"
    )
    assert len(rows)
    for row in rows.itertuples():
        text = body(write(f"{{{{ difference('{row.comparison}', level='{row.level}') }}}}"))
        assert text.startswith(("no clear difference[^1]", "cannot be said, because no standard error is known[^1]"))


# Tables


def test_the_trend_has_every_wave_of_one_series(write: Callable[..., str], project: Project) -> None:
    rows = project.query(
        "SELECT w.label, e.estimate, e.ci_lower, e.base_unweighted FROM estimates e JOIN waves w ON w.id = e.wave "
        "WHERE w.series = 'cls_web' AND indicator = 'civic_participation_12m' AND domain = 'all' ORDER BY w.year"
    )
    text = write("{{ table('trend', indicator='civic_participation_12m', decimals=1) }}")
    lines = [line for line in text.splitlines() if line.startswith("| Community")]
    assert [line.split(" | ")[0].removeprefix("| ") for line in lines] == list(rows["label"])
    for line, row in zip(lines, rows.itertuples(), strict=True):
        assert f"| {100 * row.estimate:.1f}%[^" in line
        assert ("| not known |" in line) == pd.isna(row.ci_lower)
    assert "nothing to compare with" in lines[0]
    assert sum("percentage points lower" in line for line in lines) == 3
    assert all(re.search(r"Source: Social Mobility", footnote(text, int(n))) for n in re.findall(r"%\[\^(\d+)\]", text))


def test_every_kind_of_table_can_be_made(write: Callable[..., str], project: Project) -> None:
    league = "{{ table('league', indicator='social_action_12m', domain='region', wave='cls_2019_20_microdata') }}"
    text = write(
        "{{ table('headlines') }}\n\n{{ table('claims', only=['lbn_volunteering']) }}\n\n"
        "{{ table('profile', indicator='belong_neighbourhood_strongly', domain='sex') }}\n\n" + league
    )
    assert len(re.findall(r"^\|(?: ---:? \|)+$", text, flags=re.M)) == 4
    ranked = project.value(
        "SELECT count(*) FROM league_tables WHERE indicator = 'social_action_12m' AND domain = 'region' "
        "AND wave = 'cls_2019_20_microdata'"
    )
    assert len(re.findall(r"\| \d+ to \d+ \|$", text, flags=re.M)) == ranked > 2  # type: ignore[operator]
    headlines = project.query("SELECT label FROM headlines")["label"]
    assert all(str(label) in text for label in headlines if '"' not in label)


# What a template may not do


WRONG = {
    "{{ rates('x') }}": "No name 'rates'. The nearest are rate, notes.",
    "{{ release }}": "No name 'release'. The nearest is release_id.",
    "{{ rate }}": "rate wants brackets",
    "{{ rate('formal_voluntering_12m') }}": "'formal_voluntering_12m'. The nearest are formal_volunteering_12m",
    "{{ rate('formal_volunteering_12m', wave='cls_2018') }}": "No wave with formal_volunteering_12m by all 'cls_2018'",
    "{{ rate('formal_volunteering_12m', domain='regoin', level='London') }}": "The nearest are region, ",
    "{{ rate('formal_volunteering_12m', domain='region', level='Londn') }}": "The nearest is London.",
    "{{ rate('formal_volunteering_12m', domain='region') }}": "wants a level=",
    "{{ rate('formal_volunteering_12m', decimal=1) }}": "rate has no option 'decimal'. The nearest is decimals.",
    "{{ rate('formal_volunteering_12m', decimals=9) }}": "decimals= takes 0 to 3",
    "{{ rate('formal_volunteering_12m', decimals='1') }}": "decimals= takes a whole number",
    "{{ rate('formal_volunteering_12m', style='loud') }}": "no style 'loud'",
    "{{ rate() }}": "rate takes one name in quotes",
    "{{ rate(12) }}": "rate takes one name in quotes",
    "{{ rate('x', 'y') }}": "rate takes one name in quotes",
    "{{ claim('lbn_voluntering') }}": "No claim 'lbn_voluntering'. The nearest are lbn_volunteering",
    "{{ claim('lbn_volunteering', part='evidence') }}": "claim: no part 'evidence'",
    "{{ comparison('formal__lbn_v_england') }}": "No comparison",
    "{{ comparison('" + NOT_COMPARABLE + "', level='al') }}": "No level of",
    "{{ table('trends', indicator='x') }}": "No table 'trends'. The nearest is trend.",
    "{{ table('trend') }}": "table 'trend' wants indicator=",
    "{{ table('trend', indicator='civic_participation_12m', wave='x') }}": "table 'trend' takes no wave=",
    "{{ table('headlines', only='england_belonging') }}": "only= takes a list",
    "{{ table('headlines', only=['england_belongin']) }}": "'england_belongin'. The nearest is england_belonging.",
    "see {{ table('claims') }}": "table makes lines of its own",
    "{{- table('claims') -}}": "table makes lines of its own",
    "{{ caveats('all') }}": "caveats takes nothing",
    # What Jinja could do and a template here cannot.
    "{{ rate.__globals__ }}": "'getattr' is not possible here",
    "{{ ''.__class__.__mro__ }}": "'getattr' is not possible here",
    "{{ rate('x')|upper }}": "'filter' is not possible here",
    "{{ 9**9**9**9 }}": "'pow' is not possible here",
    "{{ 'a' * 999999999 }}": "'mul' is not possible here",
    "{{ 'text' }}": "'const' is not possible here",
    "{{ rate('a' ~ 'b') }}": "an argument is not written out",
    "{{ rate(*['a']) }}": "an argument is not written out",
    "{{ rate(release_id) }}": "an argument is not written out",
    "{{ rate(rate('x')) }}": "an argument is not written out",
    "{{ rate('x', wave='a', wave='b') }}": "given twice",
    "{{ range(9) }}": "No name 'range'",
    "{{ self }}": "No name 'self'",
    "{% for x in 'ab' %}{{ x }}{% endfor %}": "'for' is not possible here",
    "{% set rate = 1 %}": "'set' is not possible here",
    "{% include 'x' %}": "'include' is not possible here",
    "{% extends 'x' %}": "'extends' is not possible here",
    "{% macro m() %}{% endmacro %}": "'macro' is not possible here",
    "{{ rate('x' }}": "not a template's language",
    "{{ unclosed": "expected 'end of print statement'. A template holds",
    "{{ (": "This is not a template's language",
    "{{ " + "(" * 3000 + "1" + ")" * 3000 + " }}": "nested too deeply",
    "a\ue000b": "private use",
}


@pytest.mark.parametrize("wrong", WRONG, ids=lambda w: w[:40])
def test_what_a_template_may_not_say_is_refused_by_line(wrong: str, write: Callable[..., str], tmp_path: Path) -> None:
    with pytest.raises(BriefError) as caught:
        write(f"First line\n\n{wrong}\n")
    message = str(caught.value)
    assert WRONG[wrong] in message
    assert "template.md, line " in message
    assert not (tmp_path / "out.md").exists()


def test_every_problem_is_told_at_once_with_its_line(write: Callable[..., str]) -> None:
    with pytest.raises(BriefError) as caught:
        write("{{ rate('nope') }}\n{{ rate('x' }}\ntext\n{{ nope() }}\n{% if 1 %}\n{{ claim('nope') }} {{ lipsum }}\n")
    lines = str(caught.value).splitlines()
    assert [re.match(r"template.md, line (\d+): ", line)[1] for line in lines] == ["1", "2", "4", "5", "6", "6"]  # type: ignore[index]


def test_raw_text_and_comments_are_let_through(write: Callable[..., str]) -> None:
    assert write("{# a comment {{ nope }} #}a {% raw %}{{ b }}{% endraw %} {{ release_id }}\n").startswith(
        "a {{ b }} r"
    )


def test_several_series_without_a_headline_must_be_told_apart(
    write: Callable[..., str], changed: Callable[..., Path]
) -> None:
    release = changed("DELETE FROM headlines WHERE indicator = 'formal_volunteering_12m'")
    with pytest.raises(BriefError, match=r"in several series \(.*cls_f2f.*cls_web.*\) and none is its headline"):
        write("{{ rate('formal_volunteering_12m') }}", release)
    assert "28 per cent" in write("{{ rate('formal_volunteering_12m', series='cls_web') }}", release)


# Hostile text


HOSTILE = "{{ 7*7 }} {% x %} | *b* <b>&amp; ]]> [x](y) \\ `c` \x01 _u_"


def test_a_hostile_label_stays_text_in_markdown(write: Callable[..., str], changed: Callable[..., Path]) -> None:
    quoted = HOSTILE.replace("'", "''")
    release = changed(
        f"UPDATE headlines SET label = '{quoted}' WHERE headline = 'england_belonging'",
        f"UPDATE waves SET label = '{quoted}' WHERE id = 'cls_2024_25'",
        f"UPDATE claims SET sentence = '{quoted}' WHERE claim = 'lbn_volunteering'",
    )
    text = write("{{ table('headlines', only=['england_belonging']) }}\n\n{{ claim('lbn_volunteering') }}\n", release)
    row = next(line for line in text.splitlines() if "7" in line and line.startswith("|"))
    assert len(re.findall(r"(?<!\\)\|", row)) == 6
    said = r"\{\{ 7\*7 \}\} \{% x %\} \| \*b\* \<b\>\&amp; \]\]\> \[x\](y) \\ \`c\`"
    assert row.count(said) == 2
    assert "\n" + said in text


def test_a_hostile_label_stays_text_in_word(write_word: Callable[..., Path], changed: Callable[..., Path]) -> None:
    quoted = HOSTILE.replace("'", "''")
    release = changed(
        f"UPDATE headlines SET label = '{quoted}' WHERE headline = 'england_belonging'",
        f"UPDATE waves SET label = '{quoted}' WHERE id = 'cls_2018_19'",
        f"UPDATE claims SET sentence = '{quoted}' WHERE claim = 'lbn_volunteering'",
    )
    made = write_word("{{ table('headlines', only=['england_belonging']) }}", "{{ claim('lbn_volunteering') }}",
                      warehouse=release)  # fmt: skip
    shown = HOSTILE.replace("\x01", " ")
    assert word_text(made).count(shown) == 2
    assert any(shown in note for note in word_notes(made).values())


# Files


def test_the_document_ends_with_what_it_was_made_from(
    write: Callable[..., str], write_word: Callable[..., Path], project: Project
) -> None:
    run = project.query("SELECT * FROM runs").iloc[0]
    last = (
        f"Made from release {run['release_id']}, built {run['built_at']:%Y-%m-%d %H:%M} UTC by "
        f"engagement-stats {run['code_version']}."
    )
    assert write("{{ rate('formal_volunteering_12m') }}").rstrip().endswith(last)
    assert word_text(write_word("{{ rate('formal_volunteering_12m') }}")).rstrip().endswith(last)


def test_a_wave_that_failed_is_named_at_the_end(write: Callable[..., str], changed: Callable[..., Path]) -> None:
    release = changed("""UPDATE runs SET failed_waves = '{"ess_2014": "why"}'""")
    assert write("x", release).rstrip().endswith("Not in this release, though a file has landed: ess\\_2014.")


def test_the_release_is_only_read(write: Callable[..., str], project: Project) -> None:
    before = hashlib.sha256(project.warehouse.read_bytes()).hexdigest()
    write("{{ table('claims') }}")
    assert hashlib.sha256(project.warehouse.read_bytes()).hexdigest() == before
    assert sorted(p.name for p in project.warehouse.parent.iterdir()) == [project.warehouse.name, "releases"]


def test_a_document_is_replaced_whole_or_not_at_all(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    template, out = tmp_path / "t.md", tmp_path / "o.md"
    template.write_text("{{ rate('formal_volunteering_12m') }}", encoding="utf-8")
    out.write_text("old", encoding="utf-8")
    brief.write(template, out, project.warehouse)
    first = out.read_text(encoding="utf-8")
    assert first != "old"
    assert stat.S_IMODE(out.stat().st_mode) == stat.S_IMODE(template.stat().st_mode)
    template.write_text("{{ rate('nope') }}", encoding="utf-8")
    with pytest.raises(BriefError):
        brief.write(template, out, project.warehouse)
    template.write_text("new", encoding="utf-8")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(BriefError, match="could not be written"):
        brief.write(template, out, project.warehouse)
    assert out.read_text(encoding="utf-8") == first
    assert sorted(p.name for p in tmp_path.iterdir()) == ["o.md", "t.md"]


@pytest.mark.parametrize(
    ("template", "out", "said"),
    [("t.md", "t.md", "the template"), ("t.md", "link.md", "the template"), ("t.md", "o.docx", "two kinds"),
     ("t.md", "o.txt", "Markdown or Word"), ("t.md", "no/o.md", "folder is not there"), ("no.md", "o.md", "no such"),
     ("t.md", "d.md", "a folder"), ("old.doc", "o.doc", "Markdown or Word")],
)  # fmt: skip
def test_paths_that_cannot_be_are_refused(template: str, out: str, said: str, project: Project, tmp_path: Path) -> None:
    (tmp_path / "t.md").write_text("text", encoding="utf-8")
    (tmp_path / "old.doc").write_bytes(b"\xd0\xcf")
    (tmp_path / "link.md").symlink_to(tmp_path / "t.md")
    (tmp_path / "d.md").mkdir()
    with pytest.raises(UsageError, match=said):
        brief.write(tmp_path / template, tmp_path / out, project.warehouse)
    assert (tmp_path / "t.md").read_text(encoding="utf-8") == "text"


def test_a_file_that_is_no_release_is_refused(tmp_path: Path) -> None:
    template = tmp_path / "t.md"
    template.write_text("x", encoding="utf-8")
    (tmp_path / "w.duckdb").write_bytes(b"not a database")
    for name in ("w.duckdb", "none.duckdb"):
        with pytest.raises(EngagementStatsError, match="release"):
            brief.write(template, tmp_path / "o.md", tmp_path / name)
    with duckdb.connect(str(tmp_path / "other.duckdb")) as connection:
        connection.execute("CREATE TABLE runs (release_id VARCHAR)")
    with pytest.raises(BriefError, match="another version"):
        brief.write(template, tmp_path / "o.md", tmp_path / "other.duckdb")


def test_a_template_that_is_not_what_its_name_says_is_refused(project: Project, tmp_path: Path) -> None:
    (tmp_path / "t.docx").write_bytes(b"text")
    with pytest.raises(BriefError, match="not a Word document"):
        brief.write(tmp_path / "t.docx", tmp_path / "o.docx", project.warehouse)
    with zipfile.ZipFile(tmp_path / "z.docx", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("word/document.xml", b" " * 60_000_000)
    with pytest.raises(BriefError, match=r"not a Word document|too large"):
        brief.write(tmp_path / "z.docx", tmp_path / "o.docx", project.warehouse)
    (tmp_path / "t.md").write_bytes(b"\xff\xfe")
    with pytest.raises(BriefError, match="UTF-8"):
        brief.write(tmp_path / "t.md", tmp_path / "o.md", project.warehouse)


@pytest.mark.parametrize(("kind", "module"), [("docx", "docxtpl"), ("md", "jinja2")])
def test_without_its_library_a_briefing_names_the_extra(
    kind: str, module: str, project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    template = Path(shutil.copy(EXAMPLES / f"seed_briefing.{kind}", tmp_path))
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(EngagementStatsError, match=r"not installed.*extra `brief`"):
        brief.write(template, tmp_path / f"o.{kind}", project.warehouse)


# Word


def test_word_has_footnotes_of_its_own_and_keeps_the_style_of_the_text(write_word: Callable[..., Path]) -> None:
    document = docx.Document()
    paragraph = document.add_paragraph("Of adults, ")
    # Word splits text into runs as it was typed.
    for part in ("{{ ra", "te('formal_volunteering_12m', ", "wave=\u2018cls_2018_19\u2019) }}", " and more"):
        paragraph.add_run(part).bold = True
    out = write_word("{{ rate('formal_volunteering_12m') }}", "{{ rate('formal_volunteering_12m') }}", made=document)
    assert word_text(out).startswith("Of adults, 36 per cent[^1] and more\n28 per cent[^2]\n28 per cent2\n")
    notes = word_notes(out)
    assert set(notes) == {"-1", "0", "1", "2"}
    assert "Base: about 10,000." in notes["1"]
    assert "Base: about 175,000." in notes["2"]
    made = docx.Document(str(out))
    runs = {r.text: r for r in made.paragraphs[0].runs}
    assert runs["36 per cent"].bold
    assert runs[" and more"].bold
    assert not runs["Of adults, "].bold
    with zipfile.ZipFile(out) as archive:
        xml = archive.read("word/document.xml").decode()
        assert " NOTEREF _RefNote2 \\h " in xml
        assert 'w:name="_RefNote2"' in xml
        assert "footnotes+xml" in archive.read("[Content_Types].xml").decode()


def test_footnotes_of_the_template_stay_and_numbers_follow_the_text(
    write_word: Callable[..., Path], tmp_path: Path
) -> None:
    first = write_word("{{ rate('formal_volunteering_12m') }}")
    again = docx.Document(str(first))
    again.add_paragraph("{{ rate('social_action_12m') }} {{ rate('social_action_12m') }}")
    out = write_word(made=again)
    notes = word_notes(out)
    assert "Formal volunteering" in notes["1"]
    assert "Social action" in notes["2"]
    assert "16 per cent[^2] 16 per cent2\n" in word_text(out)


def test_word_places_tables_and_lists(write_word: Callable[..., Path]) -> None:
    document = docx.Document()
    cell = document.add_table(1, 1).cell(0, 0)
    cell.text = "{{ table('headlines', only=['england_belonging']) }}"
    out = docx.Document(str(write_word("{{ caveats() }}", f"{{{{ comparison('{NOT_COMPARABLE}') }}}}", made=document)))
    inner = out.tables[0].cell(0, 0).tables[0]
    assert [c.text for c in inner.rows[0].cells] == ["what", "wave", "estimate", "95% interval", "base"]
    assert inner.cell(1, 2).text == "62%"
    # A cell must end with a paragraph, or Word calls the file damaged.
    assert out.tables[0].cell(0, 0)._tc[-1].tag == f"{W}p"
    bullets = [p for p in out.paragraphs if p.style is not None and p.style.name == "List Bullet"]
    assert len(bullets) == 1
    assert "measure different things" in bullets[0].text


def test_word_names_the_paragraph_of_each_problem(write_word: Callable[..., Path]) -> None:
    document = docx.Document()
    document.add_paragraph("")
    document.add_paragraph("About {{ rate('nope') }} people")
    document.add_paragraph("{{p table('claims') }}")
    document.add_paragraph("{{ nope() }}")
    document.sections[0].footer.paragraphs[0].text = "{{ rate('formal_volunteering_12m') }}"
    with pytest.raises(BriefError) as caught:
        write_word(made=document)
    lines = str(caught.value).splitlines()
    assert (
        lines[0] == "template.docx, beside the text: A footer can hold no names but release_id, built_on, code_version."
    )
    assert lines[1].startswith("template.docx, paragraph 2 (\"About {{ rate('nope') }} people\"): No indicator 'nope'.")
    assert any(line.startswith("template.docx, paragraph 3") and "without p, r, tr or tc" in line for line in lines)
    assert lines[-1].startswith("template.docx, paragraph 4")


def test_names_in_a_text_box_or_in_footnotes_are_refused(write_word: Callable[..., Path], tmp_path: Path) -> None:
    document = docx.Document()
    box = parse_xml(
        f'<w:txbxContent xmlns:w="{W[1:-1]}"><w:p><w:r><w:t>{{{{ release_id }}}}</w:t></w:r></w:p></w:txbxContent>'
    )
    document.add_paragraph("x").runs[0]._r.append(box)
    with pytest.raises(BriefError, match="text box cannot hold a footnote"):
        write_word(made=document)
    filled = write_word("{{ rate('formal_volunteering_12m') }}")
    with zipfile.ZipFile(filled) as archive:
        parts = {n: archive.read(n) for n in archive.namelist()}
    parts["word/footnotes.xml"] = parts["word/footnotes.xml"].replace(b"Base:", b"{{ rate }}")
    with zipfile.ZipFile(tmp_path / "noted.docx", "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    with pytest.raises(BriefError, match="cannot stand in footnotes"):
        write_word(made=docx.Document(str(tmp_path / "noted.docx")))


@pytest.mark.parametrize("hidden", ["{% cellbg 9**9**9**9 %}", "{% colspan rate('x') %}", "{% vm %}", "{% hm %}"])
def test_what_docxtpl_would_put_into_cells_is_refused(hidden: str, write_word: Callable[..., Path]) -> None:
    document = docx.Document()
    document.add_table(1, 1).cell(0, 0).text = hidden
    with pytest.raises(BriefError, match=r"text only|is not possible here"):
        write_word(made=document)


def test_a_name_hidden_in_an_attribute_is_refused(write_word: Callable[..., Path]) -> None:
    """Nothing reaches Jinja that was not read first; `9**9**9**9` would never come back."""
    document = docx.Document()
    document.add_paragraph("x").runs[0]._r.set("title", "{{ 9**9**9**9 }}")
    with pytest.raises(BriefError, match=r"paragraph 1 .*text only"):
        write_word(made=document)
    footed = docx.Document()
    footed.sections[0].footer.paragraphs[0].add_run("x")._r.set("title", "{{ release_id }}")
    with pytest.raises(BriefError, match="footer"):
        write_word(made=footed)


def test_headers_give_the_release(write_word: Callable[..., Path], project: Project) -> None:
    document = docx.Document()
    document.sections[0].header.paragraphs[0].text = "Release {{ release_id }} of {{ built_on }}"
    out = docx.Document(str(write_word("x", made=document)))
    release = project.query("SELECT release_id, built_at FROM runs").iloc[0]
    said = f"Release {release['release_id']} of {release['built_at']:%Y-%m-%d}"
    assert out.sections[0].header.paragraphs[0].text == said


# The templates that come with the project


def test_the_word_template_asks_for_what_the_markdown_one_does() -> None:
    script = runpy.run_path(str(EXAMPLES / "seed_briefing_word.py"))
    text = (EXAMPLES / "seed_briefing.md").read_text(encoding="utf-8")
    fresh = [p.text for p in script["document"](text).paragraphs]
    committed = EXAMPLES / "seed_briefing.docx"
    assert [p.text for p in docx.Document(str(committed)).paragraphs] == fresh
    assert committed.stat().st_size < 50_000


def test_the_seed_briefing_is_the_same_in_both_formats(project: Project, tmp_path: Path) -> None:
    made = {}
    for kind in ("md", "docx"):
        made[kind] = tmp_path / f"o.{kind}"
        outcome = brief.write(EXAMPLES / f"seed_briefing.{kind}", made[kind], project.warehouse)
        assert not outcome.synthetic
    markdown, word = made["md"].read_text(encoding="utf-8"), word_text(made["docx"])
    for claim in ("lbn_group_membership", "lbn_volunteering", "group_membership_since_1993", "local_leaders_covid"):
        row = project.query(f"SELECT * FROM claims WHERE claim = '{claim}'").iloc[0]
        for said in (row["quotation"], row["sentence"], f"The verdict on this sentence: {row['verdict']}"):
            assert said in word
            assert said in re.sub(r"\\(.)", r"\1", markdown)
    notes = re.findall(r"^\[\^\d+\]: (.*)$", markdown, flags=re.M)
    plain = [re.sub(r"<(https?://[^>]*)>", r"\1", n) for n in notes]
    assert [re.sub(r"\\(.)", r"\1", n) for n in plain] == [n for i, n in word_notes(made["docx"]).items() if int(i) > 0]


def test_the_seed_briefing_opens_in_libreoffice(project: Project, tmp_path: Path) -> None:
    office = shutil.which("soffice")
    if office is None:
        pytest.skip("LibreOffice is not installed")
    out = tmp_path / "o.docx"
    brief.write(EXAMPLES / "seed_briefing.docx", out, project.warehouse)
    for kind in ("pdf", "html"):
        subprocess.run(
            [office, f"-env:UserInstallation=file://{tmp_path}/office", "--headless", "--convert-to", kind, out.name],
            cwd=tmp_path, capture_output=True, timeout=180, check=True,
        )  # fmt: skip
    assert (tmp_path / "o.pdf").read_bytes().startswith(b"%PDF")
    html = (tmp_path / "o.html").read_text(encoding="utf-8")
    text = " ".join(re.sub(r"<[^>]*>", "", html).split())
    assert "The verdict on this sentence: not comparable" in text
    assert "{{" not in text
    # LibreOffice has read the footnotes as footnotes: it puts them behind the text, as many as there are.
    notes = [i for i in word_notes(out) if int(i) > 0]
    assert len(re.findall(r'<div id="sdfootnote\d+"', html)) == len(notes) > 5
    assert text.index("Made from release") < text.index("On the claim")


# The command


def test_the_command_fills_a_template(
    project: Project, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    told = Told(project, capsys, monkeypatch)
    template, out = tmp_path / "t.md", tmp_path / "o.md"
    template.write_text("{{ rate('formal_volunteering_12m', wave='cls_2019_20_microdata') }}", encoding="utf-8")
    code, said, heard = told("brief", "--template", template, "--out", out)
    assert (code, said) == (0, "")
    assert "1 name(s) filled from release" in heard
    assert "SYNTHETIC" in heard
    template.write_text("{{ rate('nope') }}\n{{ nope }}", encoding="utf-8")
    code, said, heard = told("brief", "--template", template, "--out", out)
    assert (code, said) == (1, "")
    assert heard.startswith("error: t.md, line 1: No indicator 'nope'.")
    assert "t.md, line 2: No name 'nope'." in heard
    assert told("brief", "--template", template, "--out", template)[0] == 2
    assert told("brief", "--template", template)[0] == 2


def test_sentence_footnote_and_verdict_change_with_one_weight(project: Project, tmp_path: Path) -> None:
    """One respondent's weight, and nothing else, is changed between two runs of the pipeline and of the briefing."""
    here = project.copy(tmp_path / "home").with_catalogue(tmp_path / "catalogue")
    comparison = "demo_formal_volunteering_12m__lbn_poll_v_england"
    claim = {
        "document": "A test", "quotation": "25 per cent had volunteered, well below the 37 per cent of England",
        "kind": "ratio", "stated": {"words": "well below", "quantity": "ratio", "lower": 0.0, "upper": 0.8,
        "left": 0.25, "right": 0.37, "convention": "Well below is up to four fifths."}, "comparison": comparison,
    }  # fmt: skip
    (tmp_path / "catalogue" / "claims" / "test.yaml").write_text(yaml.safe_dump({"volunteer_less": claim}))
    template, out = tmp_path / "t.md", tmp_path / "o.md"
    template.write_text(
        "{{ claim('volunteer_less') }}\n\n{{ claim('volunteer_less', part='verdict') }}\n\n"
        f"{{{{ difference('{comparison}') }}}}\n\n{{{{ rate('formal_volunteering_12m', wave='{POLL}') }}}}\n"
    )

    def heavier(frame: pd.DataFrame) -> pd.DataFrame:
        volunteers = frame.index[frame["q3_unpaid_help_groups"] == "Yes"]
        # A little under the tenth of all weight at which one respondent stops the wave.
        frame.loc[volunteers[0], "weight"] = str(float(frame.loc[volunteers[0], "weight"]) + 60.0)
        return frame

    documents = []
    for change in (lambda frame: frame, heavier):
        edit_text(here.file(POLL), change)
        assert here.run().failed == {}
        brief.write(template, out, here.warehouse)
        documents.append(out.read_text(encoding="utf-8"))
    before, after = (body(d).split("\n\n")[1:5] for d in documents)
    for old, new in zip(before, after, strict=True):
        assert old != new
    assert " lower " in before[2]
    assert after[2].startswith("no clear difference")
    assert before[1].startswith("supported")
    assert after[1].startswith("not supported")
    assert all("SYNTHETIC" in said for said in (*before, *after))
    for n in (1, 2):
        assert footnote(documents[0], n) != footnote(documents[1], n)
    assert "Verdict: supported." in footnote(documents[0], 1)
    assert "Verdict: not supported." in footnote(documents[1], 1)
