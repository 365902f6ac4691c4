"""An export holds what the release holds, in the same digits, the same bytes each time, and nothing that can act."""

import csv
import hashlib
import io
import json
import math
import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import csvw_rules
import duckdb
import numpy as np
import openpyxl
import pandas as pd
import pytest
import released
from lxml import etree
from odfdo import Document
from pyarrow import parquet
from workbench import Told, built

from engagement_stats import catalogue, export, export_ods, export_sheets, export_text, publish
from engagement_stats.errors import ExportError, UsageError
from engagement_stats.export_release import Release
from engagement_stats.export_sheets import Number, Sheet, Workbook
from engagement_stats.rounding import percentage, rounded
from pipelines import assets

# What labels of a stranger's file may say.
HOSTILE = [
    "=cmd|'/c calc'!A1", '=HYPERLINK("http://evil.example","x")', "+1+1", "-2+3", "@SUM(A1:A9)", "\t=1+1", "\r=1+1",
    "  =1+1", "\uff1d1+1", "http://evil.example/x", "mailto:x@evil.example", "internal:'Cover'!A1",
    "external:x.xlsx#A1", "{=1+1}", "<script>alert(1)</script>", "[x](javascript:alert(1))", "a;=1+1", "a\n=1+1",
    'a "quoted", field', "\x1b[31mred\x07", "_x000D_", "a  b   c", "\u202egnp", "&amp;<b>", "'=1+1",
]  # fmt: skip
ODF = {
    "table": "urn:oasis:names:tc:opendocument:xmlns:table:1.0",
    "text": "urn:oasis:names:tc:opendocument:xmlns:text:1.0",
    "office": "urn:oasis:names:tc:opendocument:xmlns:office:1.0", "xlink": "http://www.w3.org/1999/xlink",
    "style": "urn:oasis:names:tc:opendocument:xmlns:style:1.0",
    "fo": "urn:oasis:names:tc:opendocument:xmlns:xsl-fo-compatible:1.0",
}  # fmt: skip
Frames = dict[str, pd.DataFrame]
Make = Callable[..., Path]


@pytest.fixture
def frames(small: catalogue.Catalogue) -> Frames:
    return released.frames(small)


@pytest.fixture
def make(frames: Frames, tmp_path: Path) -> Make:
    """Build a release of the small frames, some of them replaced."""

    def of(name: str = "r0", **other: pd.DataFrame) -> Path:
        publish.build({**frames, **other}, name, tmp_path / f"{name}.duckdb")
        return tmp_path / f"{name}.duckdb"

    return of


def estimates(*rows: dict[str, Any]) -> pd.DataFrame:
    return released.table("estimates", *({**released.ESTIMATE, **row} for row in rows))


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


def spreadsheet(folder: Path, suffix: str) -> Path:
    (found,) = folder.glob(f"*.{suffix}")
    return found


def ods_cells(path: Path) -> dict[str, list[list[Any]]]:
    """Return the cells of every sheet: numbers as shown, texts as they stand."""
    root = etree.fromstring(zipfile.ZipFile(path).read("content.xml"))
    out = {}
    for table in root.iterfind(".//table:table", ODF):
        lines = []
        for row in table.iter(f"{{{ODF['table']}}}table-row"):
            line = []
            for cell in row.iterfind("table:table-cell", ODF):
                texts = []
                for p in cell.iterfind("text:p", ODF):
                    for gap in p.iterfind("text:s", ODF):
                        gap.text = " " * int(gap.get(f"{{{ODF['text']}}}c"))
                    for tab in p.iterfind("text:tab", ODF):
                        tab.text = "\t"
                    texts.append("".join(p.itertext()))
                value = cell.get(f"{{{ODF['office']}}}value")
                line.append("\n".join(texts) if value is None else float(value))
            lines.append(line)
        out[table.get(f"{{{ODF['table']}}}name")] = lines
    return out


def xlsx_cells(path: Path) -> dict[str, list[list[Any]]]:
    book = openpyxl.load_workbook(path)
    return {
        sheet.title: [[v for v in row if v is not None] for row in sheet.iter_rows(values_only=True)] for sheet in book
    }


# --- what is written


def test_an_export_holds_every_format_and_a_manifest(make: Make, tmp_path: Path) -> None:
    made = export.write(make(), tmp_path / "out")
    assert made.release == "r0"
    assert not made.synthetic
    there = {p.relative_to(tmp_path / "out").as_posix() for p in (tmp_path / "out").rglob("*") if p.is_file()}
    assert set(made.files) == there
    assert {"civic_engagement_statistics.xlsx", "civic_engagement_statistics.ods", "csv/csv-metadata.json",
            "csv/estimates.csv", "parquet/estimates.parquet", "manifest.json"} <= there  # fmt: skip
    noted = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert noted["release_id"] == "r0"
    assert {f["path"] for f in noted["files"]} == there - {"manifest.json"}
    for file in noted["files"]:
        content = (tmp_path / "out" / file["path"]).read_bytes()
        assert (file["bytes"], file["sha256"]) == (len(content), hashlib.sha256(content).hexdigest())
    assert not list(tmp_path.glob(".out*"))


@pytest.mark.parametrize(
    ("mask", "folders", "files"), [(0, 0o755, 0o644), (0o022, 0o755, 0o644), (0o077, 0o700, 0o600)]
)
def test_others_may_read_an_export_and_never_change_it(
    make: Make, tmp_path: Path, mask: int, folders: int, files: int
) -> None:
    warehouse, out = make(), tmp_path / "out"
    before = os.umask(mask)
    try:
        export.write(warehouse, out)
    finally:
        os.umask(before)
    modes = {(p.is_dir(), p.stat().st_mode & 0o777) for p in (out, *out.rglob("*"))}
    assert modes == {(True, folders), (False, files)}


def test_formats_and_tables_can_be_chosen(make: Make, tmp_path: Path) -> None:
    warehouse, out = make(), tmp_path / "out"
    made = export.write(warehouse, out, formats=["csv"], tables=["waves", "headline_table"])
    assert made.files == ("csv/csv-metadata.json", "csv/headline_table.csv", "csv/waves.csv", "manifest.json")
    export.write(warehouse, out, formats=["xlsx"], tables=["claims"])
    assert openpyxl.load_workbook(spreadsheet(out, "xlsx")).sheetnames == ["Cover", "Contents", "Notes", "Claims"]
    with pytest.raises(UsageError, match=r"^--tables: nobody is not in the release\. It has .*estimates"):
        export.write(warehouse, out, tables=["nobody"])


def test_csv_and_parquet_hold_the_tables_as_they_are(make: Make, tmp_path: Path) -> None:
    warehouse = make(
        estimates=estimates(
            {"estimate": 1 / 3, "ci_lower": 0.3, "note": 'two\nlines, and "quotes"'}, {"level": "b", "note": ""}
        )
    )
    export.write(warehouse, tmp_path / "out", formats=["csv", "parquet"])
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        tables = [t for (t,) in connection.execute("SELECT table_name FROM duckdb_tables()").fetchall()]
        for name in tables:
            key = connection.execute(
                "SELECT list(column_name ORDER BY position) FROM table_keys WHERE table_name = ?", [name]
            ).fetchone()
            assert key is not None
            ordered = ", ".join(f'"{k}"' for k in key[0])
            expected = connection.execute(f'SELECT * FROM "{name}" ORDER BY {ordered}').fetchall()
            found = parquet.read_table(tmp_path / "out" / "parquet" / f"{name}.parquet")
            assert repr([tuple(r.values()) for r in found.to_pylist()]) == repr(expected), name
            assert [len(r) for r in rows_of(tmp_path / "out" / "csv" / f"{name}.csv")] == [len(r) for r in expected]
    assert {p.stem for p in (tmp_path / "out" / "parquet").iterdir()} == set(tables)
    text = (tmp_path / "out" / "csv" / "estimates.csv").read_bytes()
    assert text.decode("utf-8").count("\r\n") == 3
    first, second = rows_of(tmp_path / "out" / "csv" / "estimates.csv")
    assert (first["estimate"], first["note"], first["is_synthetic"]) == (
        repr(1 / 3),
        'two\nlines, and "quotes"',
        "false",
    )
    # Null and an empty text can be told apart.
    assert b',"",' in text.splitlines()[-1]
    assert second["symbol"] == ""


def test_csv_is_described_column_by_column(make: Make, tmp_path: Path) -> None:
    warehouse = make()
    export.write(warehouse, tmp_path / "out", formats=["csv"])
    folder = tmp_path / "out" / "csv"
    about = json.loads((folder / "csv-metadata.json").read_text(encoding="utf-8"))
    assert about["@context"][0] == "http://www.w3.org/ns/csvw"
    assert about["dc:identifier"] == "r0"
    assert any("Open" in line for line in about["dc:rights"])
    assert about["dc:source"] == ["Maker (2020)"]
    assert "apostrophe" in about["rdfs:comment"]
    assert {t["url"] for t in about["tables"]} == {p.name for p in folder.glob("*.csv")}
    for table in about["tables"]:
        columns = table["tableSchema"]["columns"]
        assert [c["titles"] for c in columns] == [c["name"] for c in columns]
        assert all(c["dc:description"] for c in columns)
        assert table["dc:description"]
        assert table["tableSchema"]["primaryKey"]


def test_csv_is_valid_by_the_rules_of_csv_on_the_web(
    tmp_path_factory: pytest.TempPathFactory, make: Make, tmp_path: Path
) -> None:
    project, _ = built(tmp_path_factory)
    export.write(project.warehouse, tmp_path / "whole", formats=["csv"])
    assert csvw_rules.faults(tmp_path / "whole" / "csv" / "csv-metadata.json") == []
    told = "# not a comment"
    claim = released.table("claims", {**released.CLAIM, "claim": told, "quotation": "  x ", "caveats": ""})
    odd = estimates({"level": "  b ", "note": "", "base_weighted": math.inf})
    export.write(make(claims=claim, estimates=odd), tmp_path / "odd", formats=["csv"])
    metadata = tmp_path / "odd" / "csv" / "csv-metadata.json"
    assert csvw_rules.faults(metadata) == []
    # Nothing is lost on the way but the difference of null and an empty text, where both may be.
    (row,) = csvw_rules.values(metadata, "claims.csv")
    assert {told, "  x ", ""} < set(row)
    (row,) = csvw_rules.values(metadata, "estimates.csv")
    assert {"  b ", "INF", None} < set(row)
    # The first column of a view may be a text that anybody wrote, and a line that begins with # would be a comment.
    headlines = pd.DataFrame([
        {**released.KEY, "headline": "h", "position": 1, "label": told, "is_synthetic": False}
    ])  # fmt: skip
    export.write(make("r1", headlines=headlines), tmp_path / "view", formats=["csv"], tables=["headline_table"])
    (row,) = csvw_rules.values(tmp_path / "view" / "csv" / "csv-metadata.json", "headline_table.csv")
    assert row[0] == told


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"null": [],', "", "claims.csv row 1 caveats: null, and required"),
        ('"datatype": "string"', '"datatype": "long"', "claims.csv row 1 claim: not a long"),
        ('"datatype": "boolean"', '"datatype": "date"', "claims.csv row 1 is_synthetic: not a date"),
        ('"wave",\n     "indicator",\n     "domain",\n     "level"', '"wave"', "row 2: its key is there already"),
        ('"titles": "claim"', '"titles": "Claim"', "claims.csv: the header is not that of the metadata"),
    ],
)
def test_the_rules_find_what_is_not_valid(make: Make, tmp_path: Path, old: str, new: str, said: str) -> None:
    export.write(make(), tmp_path / "out", formats=["csv"])
    metadata = tmp_path / "out" / "csv" / "csv-metadata.json"
    text = metadata.read_text(encoding="utf-8")
    assert old in text
    metadata.write_text(text.replace(old, new), encoding="utf-8")
    assert any(said in fault for fault in csvw_rules.faults(metadata))


def test_parquet_says_what_it_is(make: Make, tmp_path: Path) -> None:
    export.write(make(), tmp_path / "out", formats=["parquet"])
    schema = parquet.read_schema(tmp_path / "out" / "parquet" / "estimates.parquet")
    assert schema.metadata[b"release_id"] == b"r0"
    assert schema.metadata[b"is_synthetic"] == b"false"
    assert schema.metadata[b"key"] == b"wave,indicator,domain,level"
    assert schema.field("ci_lower").metadata[b"comment"].startswith(b"Lower end of the confidence interval")
    assert set(json.loads(schema.metadata[b"columns"])) == set(schema.names)


# --- one rounding (P22)


def _values() -> list[float]:
    """Return shares that layers round apart: halves that binary numbers miss, next to them, and any others."""
    random = np.random.default_rng(22)
    halves = (np.arange(1, 1000) + 0.5) / 1000
    near = [np.nextafter(x, y) for x in halves[::7] for y in (0, 1)]
    return [0.0, 1.0, 0.0004, 0.9996, 0.2845, 0.02675, *halves, *near, *random.random(500)]


def test_every_output_shows_the_same_digits(make: Make, small: catalogue.Catalogue, tmp_path: Path) -> None:
    values = _values()
    levels = [f"town {i:04}" for i in range(len(values))]
    shares = [
        {"domain": "town", "level": k, "estimate": v, "ci_lower": v, "ci_upper": v}
        for k, v in zip(levels, values, strict=True)
    ]
    headlines = pd.DataFrame([
        {**released.KEY, "headline": k, "position": i, "label": k, "domain": "town", "level": k, "is_synthetic": False}
        for i, k in enumerate(levels)
    ])  # fmt: skip
    warehouse = make(estimates=estimates(*shares), headlines=headlines)
    out = tmp_path / "out"
    export.write(
        warehouse, out, formats=["xlsx", "ods", "csv", "parquet"], tables=["headlines", "headline_table", "estimates"]
    )
    expected = {k: percentage(v, 1) for k, v in zip(levels, values, strict=True)}
    # A tempting mistake gives others.
    assert sum(f"{100 * v:.1f}" != percentage(v, 1) for v in values) > 50

    with duckdb.connect(str(warehouse), read_only=True) as connection:
        view = connection.execute("SELECT level, per_cent, ci_lower, ci_upper FROM headline_table").fetchall()
    assert {level: [f"{x:.1f}" for x in numbers] for level, *numbers in view} == {
        k: [v] * 3 for k, v in expected.items()
    }
    for row in rows_of(out / "csv" / "headline_table.csv"):
        assert [rounded(float(row[c]), 1) for c in ("per_cent", "ci_lower", "ci_upper")] == [expected[row["level"]]] * 3
        assert float(row["per_cent"]) == float(expected[row["level"]])
    # The unrounded number of a table gives them too, through the one function.
    assert {r["level"]: percentage(float(r["estimate"]), 1) for r in rows_of(out / "csv" / "estimates.csv")} == expected

    sheet = openpyxl.load_workbook(spreadsheet(out, "xlsx"))["Headlines"]
    shown = {}
    for row in sheet.iter_rows(min_row=_header(sheet) + 1):
        assert {c.number_format for c in row[2:5]} == {"#,##0.0"}
        # What a spreadsheet makes of a number with one decimal: nothing is left to be rounded.
        shown[row[0].value] = [f"{Decimal(repr(float(c.value)))}" for c in row[2:5]]
    assert shown == {k: [v] * 3 for k, v in expected.items()}
    ods = etree.fromstring(zipfile.ZipFile(spreadsheet(out, "ods")).read("content.xml"))
    found = {}
    for row in ods.find(".//table:table[@table:name='Headlines']", ODF).iterfind("table:table-row", ODF):
        cells = row.findall("table:table-cell", ODF)
        if len(cells) > 5 and (label := "".join(cells[0].itertext())) in expected:
            found[label] = [(c.get(f"{{{ODF['office']}}}value"), "".join(c.itertext())) for c in cells[2:5]]
    assert found == {k: [(v, v)] * 3 for k, v in expected.items()}


def _header(sheet: Any) -> int:
    (table,) = sheet.tables.values()
    return int(re.match(r"A(\d+):", table.ref).group(1))  # type: ignore[union-attr]


def test_a_sentence_and_its_cells_have_the_same_digits(
    tmp_path_factory: pytest.TempPathFactory, tmp_path: Path
) -> None:
    project, _ = built(tmp_path_factory)
    export.write(project.warehouse, tmp_path / "out", formats=["xlsx", "csv"])
    by_sentence = {r["sentence"]: r for r in rows_of(tmp_path / "out" / "csv" / "comparisons.csv")}
    sheet = openpyxl.load_workbook(spreadsheet(tmp_path / "out", "xlsx"))["Comparisons"]
    rows = list(sheet.iter_rows(min_row=_header(sheet), values_only=True))
    at = {re.sub(r" \(.*", "", h): i for i, h in enumerate(rows[0])}
    seen = 0
    for row in rows[1:]:
        released_row = by_sentence[row[at["Sentence that may be used"]]]
        for side in ("left", "right"):
            if released_row["is_suppressed"] == "false":
                share = 100 * float(released_row[f"{side}_estimate"])
                assert float(row[at[side.capitalize()]]) == float(rounded(share, 1))
                said = released_row["sentence"]
                assert any(
                    re.search(rf"(?<![\d.]){re.escape(rounded(share, d))}(?![\d.]*\d)", said) for d in range(5)
                ), said
                seen += 1
    assert seen > 50


def test_a_published_figure_is_shown_with_the_digits_it_was_published_with(make: Make, tmp_path: Path) -> None:
    whole = {"estimate": 0.15, "rounding": 0.005, "variance_basis": "assumed", "ci_lower": 0.1361, "ci_upper": 0.164}
    tenth = {
        "level": "b",
        "estimate": 0.344,
        "rounding": 0.0005,
        "variance_basis": "published",
        "ci_lower": 0.33,
        "ci_upper": 0.358,
    }
    export.write(make(estimates=estimates(whole, tenth)), tmp_path / "out", formats=["xlsx"])
    sheet = openpyxl.load_workbook(spreadsheet(tmp_path / "out", "xlsx"))["Whole population"]
    cells = [[(c.value, c.number_format) for c in row[3:6]] for row in sheet.iter_rows(min_row=_header(sheet) + 1)]
    assert sorted(cells) == [
        [(15, "#,##0"), (13.6, "#,##0.0"), (16.4, "#,##0.0")], [(34.4, "#,##0.0"), (33, "#,##0.0"), (35.8, "#,##0.0")],
    ]  # fmt: skip


def test_means_stand_on_a_sheet_of_their_own(make: Make, tmp_path: Path) -> None:
    mean = {
        "indicator": "hours_given",
        "unit": "mean",
        "statistic": "mean",
        "estimate": 3.455,
        "ci_lower": 3.0,
        "ci_upper": 4.0,
    }
    export.write(make(estimates=estimates({}, mean)), tmp_path / "out", formats=["xlsx"])
    book = openpyxl.load_workbook(spreadsheet(tmp_path / "out", "xlsx"))
    assert {"Whole population, per cent", "Whole population, mean"} <= set(book.sheetnames)
    sheet = book["Whole population, mean"]
    heading, row = list(sheet.iter_rows(min_row=_header(sheet)))
    assert (heading[3].value.split(" [")[0], row[3].value, row[3].number_format) == (
        "Estimate (mean)",
        3.46,
        "#,##0.00",
    )


# --- the same bytes (P28)

AGAIN = """
import locale, sys
from pathlib import Path
try:
    locale.setlocale(locale.LC_ALL, "")
except locale.Error:
    pass
from engagement_stats import export
export.write(Path(sys.argv[1]), Path(sys.argv[2]))
"""


def test_the_bytes_are_the_same_elsewhere(make: Make, tmp_path: Path) -> None:
    warehouse = make(
        estimates=estimates(*({"level": f"n{i}", "estimate": 0.4 + i / 1000, "ci_upper": 0.9} for i in range(40)))
    )
    contents = []
    for place, zone, tongue, seed in (("a", "UTC", "C", "0"), ("b/ä ö", "Pacific/Auckland", "C.UTF-8", "41")):
        out = tmp_path / place / "out"
        environment = {**os.environ, "TZ": zone, "LC_ALL": tongue, "LANG": tongue, "PYTHONHASHSEED": seed}
        subprocess.run(
            [sys.executable, "-c", AGAIN, str(warehouse), str(out)],
            env=environment,
            check=True,
            cwd=tmp_path,
            timeout=120,
        )
        contents.append({p.relative_to(out).as_posix(): p.read_bytes() for p in out.rglob("*") if p.is_file()})
    assert contents[0].keys() == contents[1].keys()
    assert [n for n in contents[0] if contents[0][n] != contents[1][n]] == []


def test_a_rebuilt_release_differs_only_where_it_says_when_it_was_built(
    make: Make, frames: Frames, tmp_path: Path
) -> None:
    moments = [datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC).replace(tzinfo=None), datetime(2027, 1, 1)]
    contents = []
    for i, moment in enumerate(moments):
        warehouse = make(runs=frames["runs"].assign(built_at=moment))
        export.write(warehouse, tmp_path / str(i))
        contents.append(
            {
                p.relative_to(tmp_path / str(i)).as_posix(): p.read_bytes()
                for p in (tmp_path / str(i)).rglob("*")
                if p.is_file()
            }
        )
    assert {n for n in contents[0] if contents[0][n] != contents[1][n]} == {
        "csv/runs.csv", "csv/csv-metadata.json", "parquet/runs.parquet", "manifest.json",
        "civic_engagement_statistics.xlsx", "civic_engagement_statistics.ods",
    }  # fmt: skip


# --- nothing that can act (P33)


@pytest.fixture
def hostile(make: Make, frames: Frames) -> Path:
    """Return a release whose texts are what an attacker would have them be."""
    cells = estimates(*({"domain": "sex", "level": text, "note": text, "source": text} for text in HOSTILE))
    shown = [released.COMPARISON | {"comparison": f"c{i}", "label": t, "sentence": t, "caveats": t, "difference": -0.05}
             for i, t in enumerate(HOSTILE)]  # fmt: skip
    claims = [released.CLAIM | {"claim": f"c{i}", "quotation": t, "sentence": t} for i, t in enumerate(HOSTILE)]
    sex = {"id": "sex", "label": HOSTILE[0], "definition": "x", "position": 9}
    domains = pd.concat([frames["domains"], pd.DataFrame([{**sex, "level": t} for t in HOSTILE])])
    indicators = frames["indicators"].assign(label=HOSTILE[0], definition=HOSTILE[1])
    waves = frames["waves"].assign(label=HOSTILE[2], note=HOSTILE[4])
    return make(
        estimates=cells, comparisons=released.table("comparisons", *shown), claims=released.table("claims", *claims),
        domains=domains, indicators=indicators, waves=waves, sources=frames["sources"].assign(url=HOSTILE[9]),
    )  # fmt: skip


def test_no_text_becomes_a_formula_or_a_link_in_xlsx(hostile: Path, tmp_path: Path) -> None:
    export.write(hostile, tmp_path / "out", formats=["xlsx"])
    path = spreadsheet(tmp_path / "out", "xlsx")
    assert _live(path) == (0, 0, [])
    links = [
        link
        for name, text in _parts(path)
        if name.startswith("xl/worksheets/sheet")
        for link in re.findall(r"<hyperlink [^>]*>", text)
    ]
    book = openpyxl.load_workbook(path)
    leading = [re.search(r'location="\'(.*?)\'!A1"', x) for x in links]
    assert {m.group(1) for m in leading if m} == set(book.sheetnames) - {"Cover", "Contents"}
    assert all("r:id" not in link for link in links)
    texts = [c.value for sheet in book for row in sheet.iter_rows() for c in row if c.value is not None]
    assert {c.data_type for sheet in book for row in sheet.iter_rows() for c in row if c.value is not None} <= {
        "s",
        "n",
    }
    for text in HOSTILE:
        assert export_text.writable(text) in texts, text
    # When somebody edits such a cell, it stays a text.
    for sheet in book:
        for row in sheet.iter_rows():
            for cell in row:
                if isinstance(cell.value, str) and export_text.looks_like_formula(cell.value):
                    assert cell.quotePrefix, cell.value


def test_the_scan_finds_what_a_writer_without_care_leaves(tmp_path: Path) -> None:
    pd.DataFrame({"label": HOSTILE[:-6]}).to_excel(tmp_path / "careless.xlsx", engine="xlsxwriter")
    formulas, links, _ = _live(tmp_path / "careless.xlsx")
    assert formulas > 1
    assert links > 0


def _parts(path: Path) -> list[tuple[str, str]]:
    with zipfile.ZipFile(path) as file:
        return [(n, file.read(n).decode("utf-8")) for n in file.namelist()]


def _live(path: Path) -> tuple[int, int, list[str]]:
    """Count formulas and links that lead out of an Excel file, and list parts that can act."""
    parts = _parts(path)
    formulas = sum(len(re.findall(r"<f[ >]", text)) for name, text in parts if name.startswith("xl/worksheets"))
    out = sum(text.count('TargetMode="External"') for name, text in parts if name.endswith(".rels"))
    acting = [n for n, _ in parts if re.search(r"vba|macro|externalLink|activeX|embeddings|connections|calcChain", n)]
    return formulas, out, acting


def test_no_text_becomes_a_formula_or_a_link_in_ods(hostile: Path, tmp_path: Path) -> None:
    export.write(hostile, tmp_path / "out", formats=["ods"])
    path = spreadsheet(tmp_path / "out", "ods")
    with zipfile.ZipFile(path) as file:
        assert file.namelist() == ["mimetype", "content.xml", "styles.xml", "meta.xml", "META-INF/manifest.xml"]
        assert file.infolist()[0].compress_type == zipfile.ZIP_STORED
        content = file.read("content.xml")
    root = etree.fromstring(content)
    assert b"formula" not in content.replace(b"xmlns:", b"")
    links = root.xpath("//@xlink:href", namespaces=ODF)
    tables = set(ods_cells(path))
    assert {x.removeprefix("#'").removesuffix("'.A1") for x in links} == tables - {"Cover", "Contents"}
    assert not root.xpath("//*[local-name()='script' or local-name()='event-listeners' or local-name()='object']")
    texts = {c for lines in ods_cells(path).values() for line in lines for c in line}
    for text in HOSTILE:
        assert export_text.writable(text) in texts, text
    # An independent reader takes them for texts, too.
    kinds = {c.type for t in Document(path).body.tables for c in t.get_cells(flat=True)}
    assert kinds <= {"string", "float"}


def test_csv_texts_cannot_begin_a_formula_and_numbers_are_left_alone(hostile: Path, tmp_path: Path) -> None:
    export.write(hostile, tmp_path / "out", formats=["csv"])
    folder = tmp_path / "out" / "csv"
    kinds = {
        t["url"]: {c["name"]: c["datatype"] for c in t["tableSchema"]["columns"]}
        for t in json.loads((folder / "csv-metadata.json").read_text(encoding="utf-8"))["tables"]
    }
    seen = 0
    for path in folder.glob("*.csv"):
        for row in rows_of(path):
            for name, value in row.items():
                if kinds[path.name][name] == "string":
                    assert not export_text.looks_like_formula(value), (path.name, name)
                    seen += 1
        # Nor where a program divides lines at semicolons or tabs, and does not know the quotes of others.
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"[;\t|]\s*[=+@\uff1d]", text), path.name
    assert seen > 100
    assert {r["difference"] for r in rows_of(folder / "comparisons.csv")} == {"-0.05"}
    assert {r["label"] for r in rows_of(folder / "comparisons.csv")} >= {"'=cmd|'/c calc'!A1", "'-2+3", "'\t'=1+1"}


def test_texts_that_are_harmless_are_left_alone() -> None:
    for text in ("16-34", "a = b", "10 a.m.", "North East | Female", "", "x; y", "é ü"):
        assert export_text.disarmed(text) == text
        assert export_text.writable(text) == text
    long = export_text.writable("x" * 40_000)
    assert len(long) < 32_767
    assert long.endswith("CSV files)")


def test_the_web_page_s_markdown_holds_names_and_numbers_only(hostile: Path) -> None:
    with duckdb.connect(str(hostile), read_only=True) as connection:
        table = connection.execute("SELECT * FROM estimates").df().assign(domain="all")
    shown = assets._preview(table)
    assert "joined_12m" in shown
    assert not re.search(r"[<\[\]=]|javascript|http", shown)


# --- nothing that is withheld (P23)


def test_a_suppressed_row_has_no_number_in_any_file(make: Make, tmp_path: Path) -> None:
    blank = dict.fromkeys(
        ("estimate", "standard_error", "ci_lower", "ci_upper", "base_unweighted", "base_weighted", "confidence"), None
    )
    hidden = {
        **blank,
        "level": "HIDDEN",
        "domain": "sex",
        "quality": "suppressed",
        "is_suppressed": True,
        "symbol": "[c]",
    }
    gone = (
        "left_estimate",
        "right_estimate",
        "difference",
        "ci_lower",
        "ci_upper",
        "p_value",
        "p_adjusted",
        "adjustment",
    )
    side = {**dict.fromkeys((*gone, "verdict"), None), "left_level": "HIDDEN", "left_domain": "sex",
            "is_suppressed": True, "sentence": "HIDDEN: too few answered"}  # fmt: skip
    margin = {"category": "HIDDEN", "before_share": None, "after_share": None, "difference_before": None,
              "difference_after": None, "is_suppressed": True}  # fmt: skip
    warehouse = make(
        estimates=estimates({}, hidden),
        comparisons=released.table("comparisons", {**released.COMPARISON, **side}),
        weighting_margins=released.table("weighting_margins", {**released.WEIGHTING_MARGIN, **margin}),
    )
    export.write(warehouse, tmp_path / "out")
    for path in (spreadsheet(tmp_path / "out", "xlsx"), spreadsheet(tmp_path / "out", "ods")):
        cells = xlsx_cells(path) if path.suffix == ".xlsx" else ods_cells(path)
        rows = [(n, row) for n, lines in cells.items() for row in lines if any("HIDDEN" in str(c) for c in row)]
        assert {n for n, _ in rows} == {"Sex", "Comparisons", "Margins"}
        for name, row in rows:
            numbers = [c for c in row if not isinstance(c, str)]
            assert numbers == ([49.0] if name == "Margins" else []), name  # the population's, which is no secret
            assert row.count("[c]") == {"Sex": 4, "Comparisons": 6, "Margins": 2}[name]
    allowed = {"population_share", "confidence", "family_size", "position"}
    for folder, suffix in (("csv", "csv"), ("parquet", "parquet")):
        for name in ("estimates", "comparisons", "weighting_margins"):
            path = tmp_path / "out" / folder / f"{name}.{suffix}"
            held = [r for r in (rows_of(path) if suffix == "csv" else parquet.read_table(path).to_pylist())
                    if "HIDDEN" in str(r)]  # fmt: skip
            assert len(held) == 1
            for column, value in held[0].items():
                assert (
                    column in allowed or not re.fullmatch(r"-?\d+(\.\d+)?(e-?\d+)?", str(value)) or value == "0123"
                ), column


def test_a_pair_that_is_not_comparable_shows_no_difference(make: Make, tmp_path: Path) -> None:
    apart = {
        "grade": "not_comparable",
        "verdict": "not comparable",
        "p_value": None,
        "p_adjusted": None,
        "difference": 0.0123,
    }
    export.write(
        make(comparisons=released.table("comparisons", {**released.COMPARISON, **apart})),
        tmp_path / "out",
        formats=["xlsx"],
    )
    sheet = openpyxl.load_workbook(spreadsheet(tmp_path / "out", "xlsx"))["Comparisons"]
    head, row = list(sheet.iter_rows(min_row=_header(sheet), values_only=True))
    assert [v for h, v in zip(head, row, strict=True) if "percentage points" in str(h)] == ["[z]"] * 3
    assert 1.2 not in row


# --- for every reader


def test_sheets_are_laid_out_for_screen_readers(tmp_path_factory: pytest.TempPathFactory, tmp_path: Path) -> None:
    project, _ = built(tmp_path_factory)
    export.write(project.warehouse, tmp_path / "out", formats=["xlsx", "ods"])
    path = spreadsheet(tmp_path / "out", "xlsx")
    assert path.name.startswith("SYNTHETIC_")
    book = openpyxl.load_workbook(path)
    assert book.sheetnames[:3] == ["Cover", "Contents", "Notes"]
    assert book.properties.title.startswith("SYNTHETIC: ")
    assert book.properties.language == "en-GB"
    names = [t.name for sheet in book for t in sheet.tables.values()]
    assert len(set(names)) == len(names) == len(book.sheetnames) - 1
    for sheet in book:
        assert not sheet.merged_cells.ranges
        assert sheet.freeze_panes is None
        assert sheet["A1"].font.bold
        told = [sheet.cell(i, 1).value for i in range(1, 4)]
        assert any("SYNTHETIC" in str(t) for t in told), sheet.title
        for row in sheet.iter_rows():
            for cell in row:
                if cell.value is not None:
                    assert cell.font.name == "Arial"
                    assert cell.font.sz >= 12
        if sheet.title != "Cover":
            _check_table(sheet)
    assert {
        sheet.cell(r, 1).value for sheet in (book["Contents"],) for r in range(_header(sheet) + 1, sheet.max_row + 1)
    } == (set(book.sheetnames) - {"Cover", "Contents"})


def _check_table(sheet: Any) -> None:
    (table,) = sheet.tables.values()
    top = _header(sheet)
    assert re.fullmatch(rf"A{top}:[A-Z]+{sheet.max_row}", table.ref)
    assert f"Its headings are in row {top}, from cell A{top}." in sheet.cell(top - 1, 1).value
    cells = [[c.value for c in row] for row in sheet[table.ref]]
    assert all(v is not None and str(v).strip() for row in cells for v in row), sheet.title
    assert len({str(h).casefold() for h in cells[0]}) == len(cells[0])
    # A column with numbers says its unit.
    for heading, *values in zip(*cells, strict=True):
        if any(isinstance(v, int | float) for v in values):
            assert re.search(r"\((per cent|number|mean|percentage points|place|ratio)( a year)?\)", heading), heading


def test_ods_and_xlsx_hold_the_same(tmp_path_factory: pytest.TempPathFactory, tmp_path: Path) -> None:
    project, _ = built(tmp_path_factory)
    export.write(project.warehouse, tmp_path / "out", formats=["xlsx", "ods"])
    one = xlsx_cells(spreadsheet(tmp_path / "out", "xlsx"))
    two = ods_cells(spreadsheet(tmp_path / "out", "ods"))
    assert list(one) == list(two)
    for name, lines in one.items():
        assert lines == two[name], name
    root = etree.fromstring(zipfile.ZipFile(spreadsheet(tmp_path / "out", "ods")).read("content.xml"))
    ranges = root.findall(".//table:database-range", ODF)
    assert len(ranges) == len(one) - 1
    assert len(root.findall(".//table:table-header-rows", ODF)) == len(ranges)
    for entry in ranges:
        assert entry.get(f"{{{ODF['table']}}}contains-header") == "true"
    styles = etree.fromstring(zipfile.ZipFile(spreadsheet(tmp_path / "out", "ods")).read("styles.xml"))
    (default,) = styles.findall(".//style:default-style/style:text-properties", ODF)
    assert (default.get(f"{{{ODF['fo']}}}font-size"), default.get(f"{{{ODF['fo']}}}language")) == ("12pt", "en")


def test_no_row_of_a_release_is_lost_on_the_way_to_a_sheet(tmp_path_factory: pytest.TempPathFactory) -> None:
    project, _ = built(tmp_path_factory)
    with Release(project.warehouse) as release:
        book = export_sheets.workbook(release)
        counts = {
            t: release.records(f"SELECT count(*) AS n FROM {t}")[0]["n"]
            for t in ("estimates", "comparisons", "claims", "headlines")
        }
    by_title: dict[str, int] = {}
    for sheet in book.sheets:
        by_title[sheet.title.split(":")[0].split(" of ")[0]] = by_title.get(
            sheet.title.split(":")[0].split(" of ")[0], 0
        ) + len(sheet.rows)
    assert by_title["Estimates"] == counts["estimates"]
    assert by_title["Comparisons"] == counts["comparisons"]
    assert by_title["Claims"] == counts["claims"]
    assert by_title["Headlines"] == counts["headlines"]


def test_an_id_without_an_entry_is_shown_as_it_is(make: Make, tmp_path: Path) -> None:
    export.write(
        make(estimates=estimates({"wave": "gone", "indicator": "lost", "survey": "left"})),
        tmp_path / "out",
        formats=["xlsx"],
    )
    (row,) = xlsx_cells(spreadsheet(tmp_path / "out", "xlsx"))["Whole population"][-1:]
    assert row[:3] == ["lost", "gone", "left"]


def test_every_sheet_can_be_filled(make: Make) -> None:
    warehouse, words = make(), export_sheets.layout()
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        there = {t for (t,) in connection.execute("SELECT table_name FROM duckdb_tables()").fetchall()}
        for name, entry in words.sheets.items():
            assert set(entry.tables) <= there, name
            named = {d[0] for d in connection.execute(f"SELECT * FROM ({entry.query}) LIMIT 0").description}
            assert {c.column for c in entry.columns} | {c.rounding for c in entry.columns} - {None} <= named, name
            assert set(entry.each) <= named
            assert not {c.shown for c in entry.columns} & {"in_unit"} or "unit" in named
            assert {c.note for c in entry.columns} - {None} <= set(words.notes)
            headings = [c.heading for c in entry.columns]
            assert len(set(headings)) == len(headings)
    with Release(warehouse) as release:
        titles = {s.title for s in export_sheets.workbook(release).sheets}
    assert "Corrections and revisions of numbers published in an earlier release" in titles
    assert "Ranks of areas, with intervals" in titles


def test_a_release_of_an_older_version_is_called_that(make: Make, tmp_path: Path) -> None:
    warehouse = make()
    with duckdb.connect(str(warehouse)) as connection:
        connection.execute("ALTER TABLE claims RENAME COLUMN holds_now TO held_then")
    with pytest.raises(
        ExportError, match=r"older version of the program.*no column holds_now for the sheet Claims"
    ) as e:
        export.write(warehouse, tmp_path / "out")
    assert "sheets.yaml" not in str(e.value)
    export.write(warehouse, tmp_path / "out", formats=["csv", "parquet"])


def test_wide_sheets_are_printed_at_a_size_that_can_be_read(make: Make, tmp_path: Path) -> None:
    export.write(make(), tmp_path / "out", formats=["xlsx", "ods"])
    book = openpyxl.load_workbook(spreadsheet(tmp_path / "out", "xlsx"))
    with zipfile.ZipFile(spreadsheet(tmp_path / "out", "ods")) as file:
        content, styles = (etree.fromstring(file.read(f"{part}.xml")) for part in ("content", "styles"))
    tables = {t.get(f"{{{ODF['table']}}}name"): t for t in content.iterfind(".//table:table", ODF)}
    seen = set()
    for sheet in book:
        letters = sum(d.width * (d.max - d.min + 1) for d in sheet.column_dimensions.values())
        style = tables[sheet.title].get(f"{{{ODF['table']}}}style-name")
        wide = letters > export_sheets.LETTERS_A_PAGE
        seen.add((wide, style, bool(sheet.sheet_properties.pageSetUpPr.fitToPage), sheet.page_setup.scale))
        assert sheet.page_setup.orientation == "landscape"
        assert sheet.oddFooter.right.text == "Page &P of &N"
        if sheet.title == "Cover":
            continue
        # The headings stand on every page, and on pages across also what a row is of.
        assert sheet.print_title_rows == f"${_header(sheet)}:${_header(sheet)}"
        held = tables[sheet.title].findall("table:table-header-columns/table:table-column", ODF)
        assert bool(sheet.print_title_cols) == bool(held) == (style == "across")
    # 12 points at 67 per cent are 8; what fits is fitted, and so never smaller.
    assert seen == {(False, "fitted", True, None), (True, "across", False, 67)}
    scaled = {p.get(f"{{{ODF['style']}}}name"): p[0] for p in styles.iterfind(".//style:page-layout", ODF)}
    assert scaled["across"].get(f"{{{ODF['style']}}}scale-to") == "67%"
    assert scaled["fitted"].get(f"{{{ODF['style']}}}scale-to-X") == "1"
    assert {p.get(f"{{{ODF['style']}}}name") for p in styles.iterfind(".//style:master-page", ODF)} == set(scaled)
    assert len(styles.findall(".//style:page-layout/style:footer-style", ODF)) == len(scaled)


def test_a_column_is_no_wider_than_what_is_in_it() -> None:
    width = export_sheets._width
    assert width(90, "Note on the figure", ["None", "[z]"]) == 10
    assert width(90, "Note", ["x" * 200]) == 90
    assert width(90, "Note", ["x" * 20 + "\n" + "y" * 30]) == 32
    assert width(16, "Estimate (per cent)", [Number(1_234_567.0, 0)]) == 13


def test_a_table_too_long_for_a_sheet_is_told(make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    short = export_sheets.layout().model_copy(update={"most_rows": 1})
    monkeypatch.setattr(export_sheets, "layout", lambda: short)
    with Release(make(estimates=estimates({}, {"level": "b"}))) as release:
        book = export_sheets.workbook(release)
    assert "Whole population" not in {s.name for s in book.sheets}
    assert any("Estimates: Whole population (2 rows)" in text for _, text in book.cover)


def test_names_of_sheets_are_such_as_spreadsheets_take() -> None:
    named = [
        Sheet(n, "", "t", (), ("h",), (9,), (("x",),)) for n in ("a/b:c*[d]?'e", "Cover", "x" * 40, "x" * 40, "A1", "")
    ]
    made = export_sheets._told_apart(named)
    names = [s.name for s in made]
    assert names[:2] == ["a b c d e", "Cover 2"]
    assert len({n.casefold() for n in names}) == len(names)
    assert all(0 < len(n) <= 31 and not set(n) & set("[]:*?/\\'") for n in names)
    assert len({s.table for s in made}) == len(made)
    assert all(re.fullmatch(r"table_[a-z0-9_]+", s.table) for s in made)


def test_headings_are_told_apart() -> None:
    assert export_sheets._headings(["Sex", "a\n b", "sex", "A b"]) == ("Sex", "a b", "sex 2", "A b 2")


def test_spaces_tabs_and_lines_survive_in_ods(tmp_path: Path) -> None:
    text = "a  b   c\td\ne"
    sheet = Sheet("S", "table_s", "T", (), ("h", "n"), (9, 9), ((text, Number(-0.5, 1)),))
    export_ods.write(Workbook("t", "d", "en-GB", datetime(2026, 1, 1), (), (sheet,)), tmp_path / "x.ods")
    assert ods_cells(tmp_path / "x.ods")["S"][-1] == [text, -0.5]


# --- where it may be written


def test_what_is_not_ours_is_not_replaced(make: Make, tmp_path: Path) -> None:
    warehouse, out = make(), tmp_path / "out"
    export.write(warehouse, out, formats=["csv"])
    export.write(warehouse, out, formats=["parquet"])
    assert not (out / "csv").exists()
    (out / "mine.txt").write_text("mine")
    with pytest.raises(UsageError, match=r"holds files of others \(mine.txt\)"):
        export.write(warehouse, out, formats=["csv"])
    assert (out / "mine.txt").read_text() == "mine"
    with pytest.raises(UsageError, match="holds files of others"):
        export.write(warehouse, warehouse.parent, formats=["csv"])
    with pytest.raises(UsageError, match="is not a folder"):
        export.write(warehouse, warehouse, formats=["csv"])
    (tmp_path / "link").symlink_to(out)
    with pytest.raises(UsageError, match="is not a folder"):
        export.write(warehouse, tmp_path / "link", formats=["csv"])


def test_a_file_that_somebody_edited_is_not_replaced(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    warehouse, out = make(), tmp_path / "out"
    export.write(warehouse, out)
    edited = out / "csv" / "estimates.csv"
    whole = edited.read_bytes()
    edited.write_bytes(whole.replace(b"0.4", b"0.5"))
    said = r"edited since they were exported \(csv/estimates\.csv\).*Name another folder, or move these elsewhere"
    with pytest.raises(UsageError, match=said):
        export.write(warehouse, out)
    assert edited.read_bytes() != whole
    edited.unlink()
    edited.symlink_to(warehouse)
    with pytest.raises(UsageError, match=said):
        export.write(warehouse, out)
    # Nothing is lost with a file that is gone.
    edited.unlink()
    export.write(warehouse, out)
    assert edited.read_bytes() == whole

    def slow(*_: object) -> None:
        edited.write_bytes(b"meanwhile")

    monkeypatch.setattr(export_ods, "write", slow)
    with pytest.raises(UsageError, match=said):
        export.write(warehouse, out)
    assert edited.read_bytes() == b"meanwhile"
    assert not list(tmp_path.glob(".out*"))


def test_the_folder_one_is_in_is_not_pulled_away(make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    warehouse, inner = make(), tmp_path / "out" / "inner"
    inner.mkdir(parents=True)
    monkeypatch.chdir(inner)
    for place in (Path(), Path(".."), inner):
        with pytest.raises(UsageError, match=r"the folder you are in.*Name a folder inside it"):
            export.write(warehouse, place)
    assert Path.cwd() == inner
    export.write(warehouse, Path("new"), formats=["csv"])
    assert (inner / "new" / "csv").is_dir()


KILLED = """
import os, signal, sys
from pathlib import Path
from engagement_stats import export, export_ods
if sys.argv[3] == "writing":
    export_ods.write = lambda *_: os.kill(os.getpid(), signal.SIGTERM)
else:
    moved = Path.replace
    def replace(self, to):
        moved(self, to)
        os.kill(os.getpid(), signal.SIGKILL)
    Path.replace = replace
export.write(Path(sys.argv[1]), Path(sys.argv[2]))
"""


@pytest.mark.parametrize("at", ["writing", "exchanging"])
def test_what_a_killed_export_left_goes_with_the_next(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: str
) -> None:
    warehouse, out = make(), tmp_path / "out"
    export.write(warehouse, out, formats=["csv"])
    ended = subprocess.run([sys.executable, "-c", KILLED, str(warehouse), str(out), at], check=False, timeout=120)
    assert ended.returncode < 0
    assert list(tmp_path.glob(".out.*"))
    assert out.exists() == (at == "writing")
    (tmp_path / ".out.1.exporting").symlink_to(warehouse.parent)
    (tmp_path / ".outer.1.exporting").mkdir()
    # Somebody else's, still at work.
    (tmp_path / ".out.2.exporting").mkdir()
    with monkeypatch.context() as patch, export._held(tmp_path / ".out.2.exporting"):
        patch.setattr(export_ods, "write", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device")))
        with pytest.raises(ExportError):
            export.write(warehouse, out)
        # The export that stood before the kill stands again.
        assert (out / "csv" / "estimates.csv").is_file()
        export.write(warehouse, out, formats=["csv"])
        left = {p.name for p in tmp_path.glob(".out*")}
        assert left == {".out.1.exporting", ".outer.1.exporting", ".out.2.exporting"}
    export.write(warehouse, out, formats=["csv"])
    assert {p.name for p in tmp_path.glob(".out*")} == {".out.1.exporting", ".outer.1.exporting"}


@pytest.mark.parametrize("place", ["private", "private/x", "private/../private/y", "link/x", "."])
def test_nothing_is_written_among_private_results(make: Make, tmp_path: Path, place: str) -> None:
    warehouse, home = make(), tmp_path / "home"
    (home / "private").mkdir(parents=True)
    (home / "link").symlink_to(home / "private")
    with pytest.raises(UsageError, match="which is not for exports"):
        export.write(warehouse, home / place, closed=[home / "private"])
    assert list((home / "private").iterdir()) == []


def test_an_export_that_fails_leaves_the_one_before(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    warehouse, out = make(), tmp_path / "out"
    export.write(warehouse, out)
    before = {p: p.read_bytes() for p in out.rglob("*") if p.is_file()}

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(export_ods, "write", full)
    with pytest.raises(ExportError, match=r"could not be written \(OSError: No space left on device\)"):
        export.write(warehouse, out)
    assert {p: p.read_bytes() for p in out.rglob("*") if p.is_file()} == before
    assert not list(tmp_path.glob(".out*"))


def test_what_is_not_installed_is_named(make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "xlsxwriter", None)
    with pytest.raises(ExportError, match=r"XLSX files need XlsxWriter.*engagement-stats\[exports\].*--formats"):
        export.write(make(), tmp_path / "out")
    assert not (tmp_path / "out").exists()
    # The others need nothing more.
    export.write(make(), tmp_path / "out", formats=["ods", "csv", "parquet"])


def test_a_file_that_is_no_release_is_refused(make: Make, tmp_path: Path) -> None:
    (tmp_path / "x.duckdb").write_text("not a database")
    for name, said in (("none.duckdb", "there is no release"), ("x.duckdb", "not a release of this program")):
        with pytest.raises(ExportError, match=said):
            export.write(tmp_path / name, tmp_path / "out")
    with duckdb.connect(str(tmp_path / "y.duckdb")) as connection:
        connection.execute("CREATE TABLE runs (x INTEGER)")
    with pytest.raises(ExportError, match="not a whole release"):
        export.write(tmp_path / "y.duckdb", tmp_path / "out")
    assert not (tmp_path / "out").exists()


# --- the command


def test_the_command_exports_and_says_so(
    tmp_path_factory: pytest.TempPathFactory,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    project, _ = built(tmp_path_factory)
    told = Told(project, capsys, monkeypatch)
    code, out, err = told("export", "--out", tmp_path / "out", "--formats", "csv", "--tables", "estimates")
    assert (code, out) == (0, "")
    assert "3 file(s) of release" in err
    assert "SYNTHETIC" in err
    assert (tmp_path / "out" / "csv" / "estimates.csv").is_file()
    assert told("export", "--out", project.workspace.private / "x")[0] == 2
    assert told("export", "--out", project.workspace.data / "x")[0] == 2
    assert told("export", "--out", tmp_path / "two", "--formats", "pdf")[0] == 2
    assert told("export", "--out", tmp_path / "two", "--tables", "nobody")[0] == 2
    assert told("export", "--out", tmp_path / "two", "--warehouse", tmp_path / "none.duckdb")[0] == 1
    assert not (tmp_path / "two").exists()


def test_the_formats_of_the_command_are_those_there_are() -> None:
    from engagement_stats import cli

    assert cli.EXPORT_FORMATS == export.FORMATS


def test_zip_parts_of_xlsx_have_a_fixed_time(make: Make, tmp_path: Path) -> None:
    export.write(make(), tmp_path / "out", formats=["xlsx", "ods"])
    for path in (tmp_path / "out").glob("civic*"):
        with zipfile.ZipFile(io.BytesIO(path.read_bytes())) as file:
            assert {i.date_time for i in file.infolist()} == {(1980, 1, 1, 0, 0, 0)}
            assert file.testzip() is None
