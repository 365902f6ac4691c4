"""Say what of a wave's entry an edition of its file cannot give, and why, so that nothing is left out in silence.

Belongs here: variables whose codes nobody has confirmed, and the indicators and domains that go with them or with an
optional column that is not there.
Not here: contradictions, which stop a wave (codebook), and making variables (clean).
"""

from collections.abc import Mapping

import pandas as pd

from engagement_stats.catalogue import CROSS, Catalogue
from engagement_stats.codebook import Codebook
from engagement_stats.codes import as_codes
from engagement_stats.errors import CleaningError

# Where a build keeps them, and under which name its manifest does.
STORED = "omitted.json"
NOTED = "omitted"


def unconfirmed(raw: pd.DataFrame, codebook: Codebook, wave_id: str, catalogue: Catalogue) -> dict[str, str]:
    """Find the variables that rest on a code list nobody has confirmed, the labels of the file included.

    Parameters
    ----------
    raw : DataFrame, shape (n respondents, deposited columns)
        Says which codes occur. Not modified.
    codebook : Codebook
        What the file says of its codes.
    wave_id : str
        A microdata wave.
    catalogue : Catalogue

    Returns
    -------
    dict of str to str
        Optional variables, and why each cannot be used. They are to be left out.

    Raises
    ------
    CleaningError
        A variable that must be there rests on such a list.
    """
    found: dict[str, str] = {}
    problems = []
    for name, variable in catalogue.microdata_waves[wave_id].variables.items():
        code_list = catalogue.codes(variable)
        if code_list is None or code_list.evidence != "unverified" or variable.column not in raw:
            continue
        occurring = [c for c in pd.unique(as_codes(raw[variable.column])) if c in code_list.codes]
        wanting = [c for c in occurring if not codebook.confirms(variable.column, c, code_list.codes[c], catalogue)]
        if not wanting:
            continue
        place = catalogue.line(wave_id, "variables", name)
        if isinstance(variable.codes, str):
            place = f"{catalogue.file_of('codelists', variable.codes)}, {variable.codes}"
        why = (
            f"nobody has confirmed what the codes of {variable.column} mean, and the file's own labels do not say the "
            f"same ({place})"
        )
        if variable.optional:
            found[name] = why
        else:
            problems.append(
                f"{wave_id} {variable.column}: {why}. Read the file's dictionary, correct the list, and give it "
                "evidence: confirmed."
            )
    if problems:
        raise CleaningError("\n".join(problems))
    return found


def omitted(responses: pd.DataFrame, wave_id: str, catalogue: Catalogue, why: Mapping[str, str]) -> dict[str, str]:
    """Say which indicators and domains of a wave's entry are left out, and why.

    Parameters
    ----------
    responses : DataFrame, shape (n respondents, variables)
        As `clean.harmonise` returns it. Not modified.
    wave_id : str
        A microdata wave.
    catalogue : Catalogue
    why : mapping of str to str
        What `unconfirmed` found.

    Returns
    -------
    dict of str to str
        "indicator X" or "domain Y" to the reason: a column the file has not, or codes nobody has confirmed.
    """
    wave = catalogue.microdata_waves[wave_id]

    def reason(variable: str) -> str:
        entry = wave.variables.get(variable)
        if entry is None:
            return "no column says where respondents live, or a lookup of areas has not landed"
        return why.get(variable, f"the file has no column {entry.column}") + (f". {entry.note}" if entry.note else "")

    left: dict[str, str] = {}
    for name, rule in wave.indicators.items():
        absent = [v for v in rule.variables if v not in responses]
        if absent:
            more = f" and {len(absent) - 1} more columns" if len(absent) > 1 else ""
            left[f"indicator {name}"] = reason(absent[0]) + more
    for family in wave.domains:
        absent = [part for part in family.split(CROSS) if part not in responses]
        if absent:
            left[f"domain {family}"] = reason(absent[0])
    return left
