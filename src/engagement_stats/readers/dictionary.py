"""Read the data dictionary that the UK Data Service lays beside a tab file: labels and codes declared missing.

Belongs here: finding the dictionary of a file among others, its lines out of RTF, DOCX, PDF or plain text, and the
layout the Service writes it in.
Not here: the data (text), and what a code means: a dictionary informs, the catalogue decides.

The layout: `Number of variables =` and `Number of cases =`; for each variable a line `Pos. = Variable = Variable label
=`, its type, `SPSS user missing values =` and its value labels. Of codes declared missing, the Service writes `a thru
None` for the one code a, and `a thru b and c` both for a range with a code and for three codes; it is read as a range.
"""

import io
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from typing import Any, NoReturn
from xml.parsers import expat

from engagement_stats.errors import IngestError, listed
from engagement_stats.readers import archive, detect, pdf, rtf
from engagement_stats.readers.model import Code, Contents

ENDING = re.compile(r"^(?P<of>.*)_ukda_data_dictionary\.(?P<kind>docx|rtf|txt|pdf)$", re.I)
MAX_BYTES, MAX_BODY, MAX_LABEL, CHUNK = 16 << 20, 64 << 20, 10_000, 1 << 20
BODY = "word/document.xml"
# How lines begin, and what those that a page may break hold when they are whole; the others are short.
OPENINGS = {
    "Pos. =": re.compile("Variable label ="),
    "This variable is": re.compile(r"measurement level is\s+\S"),
    "SPSS user missing values =": None,
    "Value label information for": None,
    "Value =": re.compile("Label ="),
}
# Lines of running heads above or below a page, at most.
MOST_HEADS = 3
# In a PDF nothing may stand between what a tab sets apart.
VARIABLE = re.compile(r"\s*Pos\. =\s*[\d,]+\s*Variable =\s*(?P<name>\S+?)\s*Variable label =(?P<label>.*)$")
NUMBER = re.compile(r"-?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")
COUNT = re.compile(r"\d{1,3}(?:,?\d{3})*")


def beside(data: PurePath, files: Iterable[PurePath]) -> PurePath | None:
    """Find the data dictionary of a file among others, those of a folder or the members of an archive.

    Parameters
    ----------
    data : PurePath
        The tab file.
    files : iterable of PurePath
        Paths from the same place as `data`.

    Returns
    -------
    PurePath or None
        In the folder of the data or below the `mrdoc` folder beside it: the dictionary of that name, or the only one
        where there is one file of data only. Of several forms of one dictionary, another is preferred to PDF.

    Examples
    --------
    >>> folder = PurePath("UKDA-7577-tab")
    >>> files = [folder / "tab" / "a.tab", folder / "mrdoc" / "ukda" / "a_ukda_data_dictionary.rtf"]
    >>> beside(files[0], files).name
    'a_ukda_data_dictionary.rtf'
    """
    documents = data.parent.parent / "mrdoc"
    near = sorted(f for f in files if f.parent == data.parent or documents in f.parents)
    # A page breaks lines where the other forms do not.
    near.sort(key=lambda f: f.suffix.lower() == ".pdf")
    found = [(match, f) for f in near if (match := ENDING.match(f.name))]
    same = [f for match, f in found if match["of"].casefold() == data.stem.casefold()]
    if same:
        return same[0]
    others = [f for f in near if f.suffix.lower() == data.suffix.lower() and f.parent == data.parent and f != data]
    return found[0][1] if len(found) == 1 and not others else None


@dataclass(slots=True)
class _Variable:
    name: str
    label: str
    is_numeric: bool | None = None
    missing: str | None = None
    labels: dict[str, str] = field(default_factory=dict)


def read(path: Path, where: str) -> Contents:
    """Read a data dictionary.

    Parameters
    ----------
    path : Path
        RTF, DOCX, PDF or plain text, told apart by their bytes.
    where : str
        What messages name.

    Returns
    -------
    Contents
        The variables in order, the number of cases, labels and codes declared missing.

    Raises
    ------
    IngestError
        Another kind of file, one of another layout, or one that contradicts itself.
    """
    return parse(_lines(path, where), where)


def _refuse(where: str, what: str) -> NoReturn:
    raise IngestError(
        f"{where}: the data dictionary beside the file cannot be used: {what}. Deposit it again as the UK Data Service "
        "delivered it, or move it elsewhere; the data are read without it."
    )


def _lines(path: Path, where: str) -> list[str]:
    if path.stat().st_size > MAX_BYTES:
        _refuse(where, f"it is larger than {MAX_BYTES:,} bytes")
    found = detect.detected(path)
    if found == detect.RTF:
        try:
            return rtf.text(path.read_bytes()).split("\n")
        except ValueError as error:
            _refuse(where, f"its rich text {error}")
    if found == detect.PDF:
        try:
            return _mended([line for page in _without_heads(pdf.pages(path)) for line in page])
        except ValueError as error:
            _refuse(where, f"its PDF {error}")
    if found == detect.WORD:
        return _paragraphs(path, where)
    if found == detect.TEXT:
        return _plain(path.read_bytes(), where)
    _refuse(where, f"it is {found}, not RTF, DOCX, PDF or plain text")


def _without_heads(pages: Sequence[list[str]]) -> list[list[str]]:
    """Leave out what is drawn first or last on most pages alike, whatever its numbers: running heads, page numbers."""
    left = list(pages)
    for at in (0, -1) * MOST_HEADS:
        alike = Counter(pdf.numbered(page[at]) for page in left if page and _opening(page[at]) is None)
        heads = {p for p, n in alike.items() if n >= pdf.SEVERAL and 2 * n >= len(left)}
        shorter = slice(1, None) if at == 0 else slice(None, -1)
        left = [page[shorter] if page and pdf.numbered(page[at]) in heads else page for page in left]
    return left


def _mended(lines: Sequence[str]) -> list[str]:
    """Put together again what a page broke within the part of a line that tells what it is."""
    whole: list[str] = []
    for line in lines:
        if whole and _is_broken(whole[-1]) and _opening(line) is None:
            whole[-1] = f"{whole[-1].rstrip()} {line.lstrip()}"
        else:
            whole.append(line)
    return whole


def _is_broken(line: str) -> bool:
    complete = OPENINGS.get(_opening(line) or "")
    return complete is not None and len(line) <= MAX_LABEL and not complete.search(line)


def _opening(line: str) -> str | None:
    return next((begins for begins in OPENINGS if _after(begins, line) is not None), None)


def _plain(raw: bytes, where: str) -> list[str]:
    for encoding in ("utf-8-sig", "cp1252"):
        try:
            return raw.decode(encoding).splitlines()
        except UnicodeDecodeError:
            continue
    _refuse(where, "it is text in neither UTF-8 nor windows-1252")


class _Body(io.BytesIO):
    """The body of a Word document in memory, which a small file may unpack to without end."""

    def __init__(self, where: str) -> None:
        super().__init__()
        self.where = where

    def write(self, part: Any, /) -> int:
        if self.tell() + len(part) > MAX_BODY:
            _refuse(self.where, f"its document is larger than {MAX_BODY:,} bytes")
        return super().write(part)


class _Paragraphs:
    """The paragraphs of a Word document, one after another as its XML is read."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.parts: list[str] = []
        self.is_text = self.is_layout = False

    def start(self, name: str, _: Mapping[str, str]) -> None:
        local = name.rpartition(":")[2]
        self.is_text = local == "t"
        if local == "p":
            self.parts = []
        elif local == "tabs":
            self.is_layout = True
        elif local == "tab" and not self.is_layout:
            self.parts.append("\t")
        elif local in ("br", "cr"):
            self.parts.append(" ")

    def end(self, name: str) -> None:
        self.is_text, local = False, name.rpartition(":")[2]
        if local == "tabs":
            self.is_layout = False
        elif local == "p":
            self.done.append("".join(self.parts))
            self.parts = []

    def characters(self, text: str) -> None:
        if self.is_text:
            self.parts.append(text)


def _paragraphs(path: Path, where: str) -> list[str]:
    """Return the paragraphs of a Word document."""
    body = _Body(where)
    archive.extract(path, BODY, body, f"{where}: its data dictionary")
    found, parser = _Paragraphs(), expat.ParserCreate()

    def doctype(*_: object) -> None:
        _refuse(where, "it declares a document type, through which entities are smuggled in")

    parser.StartDoctypeDeclHandler = doctype
    parser.StartElementHandler, parser.EndElementHandler = found.start, found.end
    parser.CharacterDataHandler = found.characters
    body.seek(0)
    try:
        while chunk := body.read(CHUNK):
            parser.Parse(chunk, False)
        parser.Parse(b"", True)
    except expat.ExpatError:
        _refuse(where, "its document is not well-formed XML")
    return found.done


def parse(lines: Sequence[str], where: str) -> Contents:
    """Read the lines of a dictionary, in the layout of the UK Data Service.

    Parameters
    ----------
    lines : sequence of str
        Its text.
    where : str
        What messages name.

    Returns
    -------
    Contents
        As `read`.

    Raises
    ------
    IngestError
        No variable, another number of them than stated, one given twice, labels of another variable, a code that is no
        number where the variable is numeric.
    """
    counts: dict[str, int] = {}
    variables: list[_Variable] = []
    for line in lines:
        if match := VARIABLE.match(line):
            variables.append(_Variable(match["name"], match["label"].strip()))
        elif not variables:
            for what in ("variables", "cases"):
                count = _after(f"Number of {what} =", line)
                if count is not None and COUNT.fullmatch(count):
                    counts[what] = int(count.replace(",", ""))
        elif line.strip():
            _add(variables[-1], line, where)
    stated = counts.get("variables")
    if not variables or (stated is not None and stated != len(variables)):
        _refuse(where, f"it describes {len(variables)} variables and states {stated or 'none'}")
    for variable in variables:
        _settle_kind(variable)
    names = [v.name for v in variables]
    if twice := [name for name, times in Counter(names).items() if times > 1]:
        _refuse(where, f"it describes {listed(twice)} more than once")
    return Contents(
        names,
        counts.get("cases"),
        labels={v.name: {_code(v, c, where): t for c, t in v.labels.items()} for v in variables if v.labels},
        variable_labels={v.name: v.label for v in variables if v.label},
        user_missing={v.name: _ranges(v, where) for v in variables if v.missing is not None},
    )


def _after(phrase: str, line: str) -> str | None:
    """Return what follows a phrase with which a line begins, or None where it does not."""
    start = line.lstrip()
    return start[len(phrase) :].strip() if start.startswith(phrase) else None


def _add(variable: _Variable, line: str, where: str) -> None:
    """Take a line after a variable's first into account; what is of no known kind goes on with the text before it."""
    code, is_label, label = (_after("Value =", line) or "").partition("Label =")
    if is_label:
        if code.strip() in variable.labels:
            _refuse(where, f"it gives a value of {variable.name} two labels")
        variable.labels[code.strip()] = label.strip()
    elif (other := _after("Value label information for", line)) is not None:
        if other.rstrip(" :").casefold() != variable.name.casefold():
            _refuse(where, f"it gives {variable.name} the value labels of another variable")
    elif (codes := _after("SPSS user missing values =", line)) is not None:
        variable.missing = codes or None
    elif (kind := _after("This variable is", line)) is not None:
        variable.is_numeric = kind.partition(",")[0].strip().casefold() == "numeric"
    elif line.replace(" ", "").startswith(("Value=", "Pos.=")):
        _refuse(where, "a line of it is broken, as some PDFs set letters apart")
    elif variable.labels:
        last = next(reversed(variable.labels))
        variable.labels[last] = _joined(variable.labels[last], line, where)
    else:
        variable.label = _joined(variable.label, line, where)


def _joined(label: str, line: str, where: str) -> str:
    if len(label) + len(line) > MAX_LABEL:
        _refuse(where, f"it holds a label of more than {MAX_LABEL:,} characters")
    return f"{label} {line.strip()}".strip()


def _code(variable: _Variable, code: str, where: str) -> Code:
    """Return a code as SPSS keeps it: a number of a numeric variable, else text without the spaces that fill it up."""
    is_number = NUMBER.fullmatch(code) is not None
    if variable.is_numeric and not is_number:
        _refuse(where, f"a code of the numeric variable {variable.name} is no number")
    return float(code) if variable.is_numeric else code


def _ranges(variable: _Variable, where: str) -> list[tuple[float, float]] | list[tuple[str, str]]:
    """Return the codes declared missing as ranges."""
    low, high, other = _missing(variable)
    given = [_code(variable, code, where) for code in (low, high, other) if code is not None]
    if not variable.is_numeric:
        return [(str(code), str(code)) for code in given]
    numbers = [float(code) for code in given]
    if high is None:
        return [(number, number) for number in numbers]
    if low is None or numbers[0] > numbers[1]:
        _refuse(where, f"the codes of {variable.name} declared missing do not run from low to high")
    return [(numbers[0], numbers[1]), *((number, number) for number in numbers[2:])]


def _missing(variable: _Variable) -> list[str | None]:
    """Return the two ends and the third code of what is declared missing, None for what is not there."""
    low, _, rest = f" {variable.missing or 'None'}".partition(" thru ")
    high, _, other = rest.partition(" and ")
    return [
        None if is_absent or part.strip() == "None" else part.strip()
        for part, is_absent in ((low, False), (high, not high), (other, not other))
    ]


def _settle_kind(variable: _Variable) -> None:
    """Take a variable of which no kind is said for numeric when all its codes are."""
    if variable.is_numeric is None:
        codes = [*variable.labels, *(c for c in _missing(variable) if c is not None)]
        variable.is_numeric = all(NUMBER.fullmatch(code) for code in codes)


def told(dictionary: Contents, names: Sequence[str], rows: int, where: str) -> Contents:
    """Return what a dictionary tells of the columns of a file, letter case ignored.

    Parameters
    ----------
    dictionary : Contents
        As `read`.
    names : sequence of str
        The columns of the file.
    rows : int
        Its rows, counted.
    where : str
        What messages name.

    Returns
    -------
    Contents
        The file's names and rows with the labels and missing codes of those columns the dictionary describes.

    Raises
    ------
    IngestError
        The dictionary is of this very file and states another number of cases.
    """
    spelled = {name.casefold(): name for name in names}
    if spelled.keys() == {name.casefold() for name in dictionary.names} and dictionary.rows not in (None, rows):
        raise IngestError(
            f"{where}: the file is not as long as its data dictionary says. Got {rows:,} rows; expected "
            f"{dictionary.rows:,}. The file is cut short or of another edition; deposit it again, or move the "
            "dictionary elsewhere."
        )
    common = {n: spelled[n.casefold()] for n in dictionary.names if n.casefold() in spelled}
    return Contents(
        names,
        rows,
        labels={common[n]: labels for n, labels in dictionary.labels.items() if n in common},
        variable_labels={common[n]: label for n, label in dictionary.variable_labels.items() if n in common},
        user_missing={common[n]: codes for n, codes in dictionary.user_missing.items() if n in common},
    )
