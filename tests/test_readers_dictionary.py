"""The data dictionary of the UK Data Service is read in each of its forms, and never believed against the file."""

import contextlib
import io
import subprocess
import sys
import textwrap
import time
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path, PurePath

import pdfs
import pytest
from pdfs import Drawn
from workbench import ROOT

from engagement_stats import ingest
from engagement_stats.errors import IngestError
from engagement_stats.readers import dictionary, text
from engagement_stats.readers.model import Contents, Options

HANSARD = ROOT.parent / "shared" / "data" / "hansard_ape11_2013"
WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
HEAD = ["UK Data Archive Data Dictionary", "", "File-level information:", "", "File Name = \t\twave"]
VARIABLES = [
    "Pos. = 1\tVariable = serial\tVariable label = Serial number",
    "This variable is  numeric, the SPSS measurement level is SCALE",
    "\tValue label information for serial",
    "",
    "Pos. = 2\tVariable = Vol\tVariable label = Caf\xe9 \u2013 volunteered? \xa3 {x} \\ y",
    "This variable is  numeric, the SPSS measurement level is NOMINAL",
    "SPSS user missing values = -9.0 thru -8.0 and -1.0",
    "\tValue label information for vol",
    "\tValue = -9.0\tLabel = Refused",
    "\tValue = -8.0\tLabel = Don't know",
    "\tValue = 1.0\tLabel = Yes",
    "\tValue = 2.0\tLabel = No = not at all   ",
    "",
    "Pos. = 1,003\tVariable = region\tVariable label = ",
    "SPSS user missing values =        thru None",
    "\tValue label information for region",
    "\tValue =       \tLabel = Missing information",
    "\tValue = NE    \tLabel = North East",
]


def lines(variables: Sequence[str] = VARIABLES, count: int | None = 3, cases: int | None = 2) -> list[str]:
    counts = [f"Number of {what} = \t{n}" for what, n in (("variables", count), ("cases", cases)) if n is not None]
    return [*HEAD, *counts, "", "Variable-level information:", "", *variables]


def as_txt(text_lines: Sequence[str]) -> bytes:
    return "\r\n".join(text_lines).encode()


def as_rtf(text_lines: Sequence[str]) -> bytes:
    """Write lines as the Service does: a group for each part, tabs in between, windows-1252 by number."""

    def escaped(line: str) -> str:
        for sign in "\\{}":
            line = line.replace(sign, "\\" + sign)
        return "".join(s if s.isascii() else "".join(f"\\'{b:02x}" for b in s.encode("cp1252")) for s in line)

    start = "{\\rtf1\\ansi\\deff0{\\fonttbl{\\f0\\fswiss MS Sans Serif;}}{\\colortbl;\\red0\\green0\\blue0;}\n"
    paragraphs = [
        "{\\cf1\\b " + escaped(line).replace(" = ", " = }{\\f2\\fs20\\cf4 ") + "\\par }\n" for line in text_lines
    ]
    return (start + "".join(paragraphs) + "}").encode()


def as_docx(text_lines: Sequence[str], prolog: str = "", body: str | None = None) -> bytes:
    def run(part: str) -> str:
        safe = part.replace("&", "&amp;").replace("<", "&lt;")
        return f'<w:r><w:rPr><w:b/></w:rPr><w:t xml:space="preserve">{safe}</w:t></w:r>'

    stops = '<w:pPr><w:tabs><w:tab w:val="left" w:pos="720"/></w:tabs></w:pPr>'
    paragraphs = [
        f"<w:p>{stops}" + "<w:r><w:tab/></w:r>".join(run(part) for part in line.split("\t")) + "</w:p>"
        for line in text_lines
    ]
    xml = f'<w:document xmlns:w="{WORD}"><w:body>{"".join(paragraphs)}</w:body></w:document>'
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr("word/document.xml", f'<?xml version="1.0" encoding="UTF-8"?>{prolog}{body or xml}')
    return out.getvalue()


def as_pdf(text_lines: Sequence[str], a_page: int = 9, wrapped_at: int = 60) -> bytes:
    """Draw lines on pages as a text editor prints them: wrapped, tabs as spaces, windows-1252."""
    rows = [part for line in text_lines for part in textwrap.wrap(line.expandtabs(4), wrapped_at) or [""]]
    pages = [rows[i : i + a_page] for i in range(0, len(rows), a_page)] or [[]]
    return pdfs.pdf([[Drawn(40, 800 - 12 * n, row) for n, row in enumerate(page)] for page in pages])


FORMS = [as_txt, as_rtf, as_docx, as_pdf]


def read(folder: Path, content: bytes) -> Contents:
    path = folder / "wave_ukda_data_dictionary"
    path.write_bytes(content)
    return dictionary.read(path, "wave.tab")


@pytest.mark.parametrize("form", FORMS)
def test_every_form_says_the_same(tmp_path: Path, form: Callable[[Sequence[str]], bytes]) -> None:
    said = read(tmp_path, form(lines()))
    assert list(said.names) == ["serial", "Vol", "region"]
    assert said.rows == 2
    assert said.variable_labels == {
        "serial": "Serial number", "Vol": "Caf\xe9 \u2013 volunteered? \xa3 {x} \\ y",
    }  # fmt: skip
    assert said.labels == {
        "Vol": {-9.0: "Refused", -8.0: "Don't know", 1.0: "Yes", 2.0: "No = not at all"},
        # No kind is said of it, and its codes are not numbers.
        "region": {"": "Missing information", "NE": "North East"},
    }
    assert said.user_missing == {"Vol": [(-9.0, -8.0), (-1.0, -1.0)], "region": [("", "")]}


@pytest.mark.parametrize(
    ("codes", "ranges"),
    [
        ("-1.0 thru None", [(-1.0, -1.0)]), ("-9.0 thru -1.0", [(-9.0, -1.0)]), ("-999 thru -1", [(-999.0, -1.0)]),
        ("-9.0  thru -8.0  and -1.0", [(-9.0, -8.0), (-1.0, -1.0)]), ("None thru None", []), ("", []),
        ("98", [(98.0, 98.0)]),
    ],
)  # fmt: skip
def test_codes_declared_missing(codes: str, ranges: list[tuple[float, float]]) -> None:
    said = dictionary.parse([VARIABLES[0], VARIABLES[1], f"SPSS user missing values = {codes}"], "f")
    assert said.user_missing.get("serial", []) == ranges


def test_what_goes_on_is_joined_and_what_stands_before_is_passed_over() -> None:
    said = dictionary.parse(
        ["A note", VARIABLES[0], "of the respondent", VARIABLES[1], "\tValue = 1\tLabel = One", "and only"], "f"
    )
    assert said.variable_labels == {"serial": "Serial number of the respondent"}
    assert said.labels == {"serial": {1.0: "One and only"}}
    assert said.rows is None


def changed(old: str, new: str) -> list[str]:
    assert any(old in line for line in VARIABLES)
    return lines([line.replace(old, new) for line in VARIABLES])


@pytest.mark.parametrize(
    ("text_lines", "message"),
    [
        (lines(count=4), "it describes 3 variables and states 4"),
        (lines([]), "it describes 0 variables"),
        (changed("= region", "= Vol"), "it gives Vol the value labels of another variable"),
        (lines([*VARIABLES[:4], *VARIABLES[:4]], count=2), "it describes serial more than once"),
        (changed("= 1.0", "= one"), "a code of the numeric variable Vol is no number"),
        (changed("= 1.0", "= nan"), "a code of the numeric variable Vol is no number"),
        (changed("-9.0 thru", "-7.0 thru"), "the codes of Vol declared missing do not run from low to high"),
        (changed("-9.0 thru", "None thru"), "the codes of Vol declared missing do not run from low to high"),
        (changed("= 2.0", "= 1.0"), "it gives a value of Vol two labels"),
    ],
)
def test_a_dictionary_that_contradicts_itself_is_refused(tmp_path: Path, text_lines: list[str], message: str) -> None:
    with pytest.raises(IngestError) as caught:
        read(tmp_path, as_txt(text_lines))
    assert str(caught.value).startswith(f"wave.tab: the data dictionary beside the file cannot be used: {message}")


LAUGHS = (
    '<!DOCTYPE d [<!ENTITY a "' + "l" * 100 + '">'
    + "".join(f'<!ENTITY {chr(98 + n)} "{f"&{chr(97 + n)};" * 10}">' for n in range(9)) + "]>"
)  # fmt: skip


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (as_docx([], LAUGHS, "<d>&j;</d>"), "it declares a document type"),
        (as_docx([], '<!DOCTYPE d SYSTEM "file:///etc/hostname">', "<d/>"), "it declares a document type"),
        (as_docx([], body="<d>"), "not well-formed XML"),
        (as_docx([], body="<d/>"), "it describes 0 variables"),
        (as_docx(lines())[:-40], "cut short"),
        (as_rtf(lines())[:-40], "its rich text is cut short"),
        (b"%PDF-1.4", "its PDF is damaged"),
        (as_pdf(lines())[:-400], "its PDF is damaged"),
        (as_pdf([]), "its PDF holds no text, as a scan does not"),
        (as_pdf(lines(count=4)), "it describes 3 variables and states 4"),
        (pdfs.locked(as_pdf(lines())), "its PDF is encrypted"),
        (b"MZ\x90\x00" + bytes(60), "not RTF, DOCX, PDF or plain text"),
        (b"", "it is an empty file"),
        (b"Pos. = 1\x81", "text in neither UTF-8 nor windows-1252"),
    ],
    ids=[
        "entity bomb",
        "external entity",
        "xml",
        "empty",
        "cut docx",
        "cut rtf",
        "no pdf",
        "cut pdf",
        "scan",
        "short pdf",
        "locked pdf",
        "program",
        "nothing",
        "encoding",
    ],
)
def test_a_hostile_or_damaged_dictionary_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    with pytest.raises(IngestError, match=message):
        read(tmp_path, content)


@pytest.mark.parametrize("line", ["Value = ", "SPSS user missing values = ", "This variable is ", "Pos. = 1"])
def test_a_line_without_end_takes_no_time_without_end(tmp_path: Path, line: str) -> None:
    """An expression that runs backwards would take hours over these."""
    start = lines(VARIABLES[:2], count=None)
    began = time.monotonic()
    for filling in (" ", "\t\t ", " a", " and"):
        with contextlib.suppress(IngestError):
            read(tmp_path, as_txt([*start, line + filling * 200_000 + "x"]))
    assert time.monotonic() - began < 20


def test_a_dictionary_too_large_to_be_one_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(IngestError, match=r"it holds a label of more than 10,000 characters"):
        read(tmp_path, as_txt(lines([*VARIABLES, *["goes on"] * 2000])))
    monkeypatch.setattr(dictionary, "MAX_BODY", 5_000)
    with pytest.raises(IngestError, match=r"its document is larger than 5,000 bytes"):
        read(tmp_path, as_docx([" " * 100_000]))
    monkeypatch.setattr(dictionary, "MAX_BYTES", 100)
    with pytest.raises(IngestError, match=r"it is larger than 100 bytes"):
        read(tmp_path, as_txt(lines()))


def test_a_dictionary_in_windows_1252_is_read(tmp_path: Path) -> None:
    said = read(tmp_path, "\r\n".join(lines()).encode("cp1252"))
    assert said.variable_labels["Vol"].startswith("Caf\xe9 \u2013")


# --- beside the data


def paths(*names: str) -> list[PurePath]:
    return [PurePath(name) for name in names]


@pytest.mark.parametrize(
    ("others", "found"),
    [
        (["d/tab/w_ukda_data_dictionary.rtf"], "w_ukda_data_dictionary.rtf"),
        (["d/tab/W_UKDA_Data_Dictionary.RTF"], "W_UKDA_Data_Dictionary.RTF"),
        (["d/mrdoc/ukda/w_ukda_data_dictionary.docx", "d/mrdoc/x.pdf"], "w_ukda_data_dictionary.docx"),
        (["d/tab/v.tab", "d/tab/v_ukda_data_dictionary.rtf", "d/tab/w_ukda_data_dictionary.rtf"],
         "w_ukda_data_dictionary.rtf"),
        # The only one of the only file of data, under another name.
        (["d/tab/study_ukda_data_dictionary.docx"], "study_ukda_data_dictionary.docx"),
        (["d/tab/study_ukda_data_dictionary.docx", "d/tab/v.tab"], None),
        (["d/tab/v_ukda_data_dictionary.rtf", "d/tab/u_ukda_data_dictionary.rtf"], None),
        (["e/tab/w_ukda_data_dictionary.rtf", "w_ukda_data_dictionary.rtf"], None),
        (["d/tab/w_ukda_data_dictionary.pdf"], "w_ukda_data_dictionary.pdf"),
        # A page breaks lines: the other forms are surer.
        (["d/tab/w_ukda_data_dictionary.pdf", "d/tab/w_ukda_data_dictionary.rtf"], "w_ukda_data_dictionary.rtf"),
        ([], None),
    ],
)  # fmt: skip
def test_the_dictionary_beside_a_file_is_found(others: list[str], found: str | None) -> None:
    data = PurePath("d/tab/w.tab")
    beside = dictionary.beside(data, [data, *paths(*others)])
    assert (beside.name if beside else None) == found


def test_a_tab_file_is_labelled_from_its_dictionary(tmp_path: Path) -> None:
    data, about = tmp_path / "wave.tab", tmp_path / "about.rtf"
    about.write_bytes(as_rtf(lines()))
    data.write_text("SERIAL\tvol\tregion\tother\n1\t-9\tNE\tx\n", encoding="utf-8")
    said = text.contents(data, Options(format="tab", dictionary=str(about)), "wave.tab")
    # The file has the last word on its columns and rows: one column the dictionary does not know.
    assert list(said.names) == ["SERIAL", "vol", "region", "other"]
    assert said.rows == 1
    assert said.labels["vol"][-9.0] == "Refused"
    assert said.user_missing["vol"] == [(-9.0, -8.0), (-1.0, -1.0)]
    assert "other" not in said.variable_labels
    assert text.contents(data, Options(format="tab"), "wave.tab").labels == {}


def test_running_heads_of_a_pdf_are_no_labels(tmp_path: Path) -> None:
    """But what begins each page as a line of the dictionary does is one, however alike the pages are."""
    variables = [
        line
        for n in range(40)
        for line in (
            f"Pos. = {n + 1} Variable = q{n} Variable label = Item {n}",
            "and more of it",
            "Value = 1 Label = Yes",
        )
    ]
    rows = lines(variables, count=40)
    rows = [*rows[: rows.index(variables[0])], *variables]
    start = len(rows) - len(variables)
    bodies = [rows[:start], *(variables[i : i + 6] for i in range(0, len(variables), 6))]
    pages = [
        [Drawn(40, 820, f"22/11/2026, page {k} of 21"), *(Drawn(40, 790 - 12 * i, row) for i, row in enumerate(body)),
         Drawn(40, 30, "UK Data Archive"), Drawn(300, 15, str(k))]
        for k, body in enumerate(bodies, start=1)
    ]  # fmt: skip
    said = read(tmp_path, pdfs.pdf(pages))
    assert said.variable_labels == {f"q{n}": f"Item {n} and more of it" for n in range(40)}
    assert said.labels == {f"q{n}": {1.0: "Yes"} for n in range(40)}


def test_a_line_whose_letters_stand_apart_is_not_taken_for_a_label(tmp_path: Path) -> None:
    with pytest.raises(IngestError, match="a line of it is broken, as some PDFs set letters apart"):
        read(tmp_path, as_txt(changed("\tValue = 1.0\tLabel = Yes", "V a l u e = 1.0 L a b e l = Y e s")))


def test_a_pdf_beside_a_file_is_parsed_in_the_child_process_only(tmp_path: Path) -> None:
    data = tmp_path / "wave.tab"
    (tmp_path / "wave_ukda_data_dictionary.pdf").write_bytes(as_pdf(lines()))
    data.write_text("serial\tvol\tregion\n1\t-9\tNE\n2\t1\tNE\n", encoding="utf-8")
    code = (
        "import pathlib, sys; from engagement_stats import ingest;"
        "said = ingest.describe(pathlib.Path(sys.argv[1]));"
        "print(said.labels['vol'][-9.0], 'pypdfium2' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code, data], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["Refused", "False"]


def test_a_pdf_in_an_archive_is_read_though_it_has_no_name(tmp_path: Path) -> None:
    """What is unpacked lies in a file without a name; a parser that opens by name would not find it."""
    path = tmp_path / "9999tab.zip"
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr("UKDA-9999-tab/tab/wave.tab", "serial\tvol\tregion\n1\t-9\tNE\n2\t1\tNE\n")
        packed.writestr("UKDA-9999-tab/mrdoc/pdf/wave_ukda_data_dictionary.pdf", as_pdf(lines()))
    assert ingest.describe(path).labels["vol"][-9.0] == "Refused"


def test_a_file_shorter_than_its_own_dictionary_says_is_refused(tmp_path: Path) -> None:
    data, about = tmp_path / "wave.tab", tmp_path / "about.docx"
    about.write_bytes(as_docx(lines()))
    options = Options(format="tab", dictionary=str(about))
    data.write_text("serial\tvol\tregion\n1\t1\tNE\n2\t2\tNE\n", encoding="utf-8")
    assert text.contents(data, options, "wave.tab").rows == 2
    data.write_text("serial\tvol\tregion\n1\t1\tNE\n", encoding="utf-8")
    with pytest.raises(IngestError, match=r"not as long as its data dictionary says\. Got 1 rows; expected 2\."):
        text.contents(data, options, "wave.tab")


@pytest.mark.skipif(not HANSARD.is_dir(), reason="the real files are not in ../shared/data (see README.md)")
def test_the_dictionary_of_a_real_deposit_describes_every_code_of_its_file() -> None:
    data = HANSARD / "SN7577.tab"
    about = dictionary.beside(data, HANSARD.iterdir())
    assert about is not None
    options = Options(format="tab", dictionary=str(about))
    said = text.contents(data, options, data.name)
    assert (len(said.names), said.rows) == (202, 1286)
    assert len(said.variable_labels) == 202
    assert said.labels["Q3"][1.0] == "10 (Absolutely certain to vote)"
    assert said.user_missing["Q1"] == [(-1.0, -1.0)]
    table = text.table(data, said.names, options, data.name)
    for name in said.labels:
        missing = {low for low, _ in said.user_missing[name]}
        codes = {float(code) for code in table[name].to_pylist() if code}
        assert codes <= said.labels[name].keys() | missing, name
