"""The data dictionary says what the schema says."""

from pathlib import Path

from engagement_stats import dictionary, publish

DOCUMENT = Path(__file__).parents[1] / "docs" / "data_dictionary.md"


def test_document_is_up_to_date():
    assert DOCUMENT.read_text(encoding="utf-8") == dictionary.markdown(), "run `make dictionary`"


def test_every_table_and_column_is_described():
    text = dictionary.markdown()
    for table in ("estimates", "comparisons", "claims", "benchmarks", "runs"):
        section = text.split(f"## `{table}`")[1].split("\n## ")[0]
        for column in publish.columns(table):
            assert f"| `{column}` |" in section


def test_every_view_and_macro_is_described():
    text = dictionary.markdown()
    for view in ("headline_table", "figures", "wave_coverage", "disclosure_summary"):
        assert "| `release_id` | VARCHAR |" in text.split(f"## View `{view}`")[1].split("\n## ")[0]
    section = text.split("## Macro `rate`")[1].split("\n## ")[0]
    assert "rate(indicator, by := domain, wave := wave)" in section
    assert "Columns: `level`, `per_cent`," in section


def test_a_bar_in_a_comment_does_not_break_the_table():
    assert "x \\| y" in dictionary.markdown()
