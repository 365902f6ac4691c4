"""Text of a release as it may stand in files that others open: no formulas, nothing that a format cannot hold.

Belongs here: what a spreadsheet would take for a formula, and characters that XML has no place for.
Not here: the files themselves (export_csv, export_xlsx, export_ods).

Labels come from survey files of strangers, and end in files that people open in a spreadsheet.
"""

import re

# What may open a formula (or a command of old) in a spreadsheet, the wide forms of East Asian keyboards among it.
# Source: OWASP, "CSV Injection", and its Application Security Verification Standard 1.2.10.
OPENERS = "=+\\-@\uff1d\uff0b\uff0d\uff20"
_FORMULA = re.compile(rf"\s*[{OPENERS}]|[\t\r\n\x00]")
# A program that divides a line elsewhere than at commas begins a cell there.
_CELL_STARTS = re.compile(rf"(\A|[\t\r\n;|])(?=\s*[{OPENERS}])")
_NOT_IN_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
# What Excel holds in a cell, with room for the words that say it was cut.
LONGEST, CUT = 32_000, " (cut; the whole text is in the CSV files)"


def looks_like_formula(text: str) -> bool:
    """Say whether a spreadsheet might take a text for a formula when it is typed in or read from CSV.

    Examples
    --------
    >>> [looks_like_formula(t) for t in ("=1+1", "  @SUM(A1)", "-5", "16-34", "a = b")]
    [True, True, True, False, False]
    """
    return bool(_FORMULA.match(text))


def disarmed(text: str) -> str:
    r"""Put an apostrophe before what a spreadsheet would take for a formula, wherever a cell could begin.

    Parameters
    ----------
    text : str

    Returns
    -------
    str
        The same text where nothing is to be feared.

    Examples
    --------
    >>> disarmed("=1+1"), disarmed("16-34"), disarmed("a;=1+1"), disarmed("\tx")
    ("'=1+1", '16-34', "a;'=1+1", "'\tx")
    """
    text = text.replace("\x00", "\ufffd")
    if text[:1] in "\t\r\n" and text:
        text = f"'{text}"
    return _CELL_STARTS.sub(r"\1'", text)


def writable(text: str) -> str:
    r"""Return a text without what XML cannot hold, and no longer than a cell may be.

    Examples
    --------
    >>> writable("a\x00b\x1fc").split("\ufffd")
    ['a', 'b', 'c']
    """
    text = _NOT_IN_XML.sub("\ufffd", text.replace("\r\n", "\n").replace("\r", "\n"))
    return text if len(text) <= LONGEST else text[:LONGEST] + CUT
