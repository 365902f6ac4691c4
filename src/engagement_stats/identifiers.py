"""Recognise columns that identify a person directly, so that none is read, stored or shown.

Belongs here: what such a column is called or labelled, and refusing to read one.
Not here: respondent numbers, which identify nobody by themselves (clean), and small groups (disclose).

The words stand in code, not in the catalogue, so that no catalogue can do without them. They name kinds of column, not
any survey's. Only names and labels of columns are looked at, never a value.
"""

import re
from collections.abc import Iterable, Mapping

from engagement_stats.errors import IngestError, listed

# Of a name, in which words run together: these letters anywhere in it.
IN_NAMES: Mapping[str, str] = {
    "postcode": r"post_?code|postal_?code|zip_?code",
    "e-mail address": r"e_?mail",
    "name": r"sur_?name|fore_?name|(?:first|last|full|given|family|maiden|resp|respondent)_?name",
    "address": r"(?:home|postal|street|mailing)_?address|address_?line|addr_?line",
    "telephone number": r"(?:tele)?phone_?(?:number|num|no)|mobile_?(?:number|num|no)|tel_?(?:number|num|no)(?:_|$)",
    "date of birth": r"date_?of_?birth|birth_?(?:date|day)|dob_?date",
    "National Insurance number": r"nat(?:ional)?_?ins(?:urance)?_?(?:number|num|no)",
    "NHS number": r"nhs_?(?:number|num|no)(?:_|$)",
    "IP address": r"ip_?addr",
    "position on the map": r"latitude|longitude|grid_?ref|easting|northing|geo_?loc",
}
# Of a name: these as words of their own, since the letters alone are part of others ("opinion", "along").
AS_WORDS: Mapping[str, frozenset[str]] = {
    "postcode": frozenset({"pcd", "pcds", "pcode"}),
    "date of birth": frozenset({"dob"}),
    "National Insurance number": frozenset({"nino"}),
    "property number": frozenset({"uprn"}),
}
# Of a name: these only when they are the whole of it ("how_long" is no longitude).
AS_NAMES: Mapping[str, frozenset[str]] = {
    "name": frozenset({"name", "names"}),
    "address": frozenset({"address", "addr"}),
    "telephone number": frozenset({"phone", "telephone", "mobile", "tel"}),
    "NHS number": frozenset({"nhs"}),
    "IP address": frozenset({"ip"}),
    "position on the map": frozenset({"lat", "lon", "lng", "long"}),
}
# Of a label, which may be a question about such things ("How often do you e-mail friends?"): only whole phrases.
IN_LABELS: Mapping[str, str] = {
    "postcode": r"\b(?:full|home|your|respondent s|unit) post ?code\b|^post ?code\b|\bpost ?code$",
    "e-mail address": r"\be ?mail address\b|^e ?mail$",
    "name": r"\b(?:first|last|full|given|family) name\b|\bsurname\b|\bforename\b|^(?:respondent s? ?)?name$",
    "address": r"\b(?:home|postal|full|respondent s) address\b|^address\b|\baddress line\b",
    "telephone number": r"\b(?:telephone|phone|mobile) number\b",
    "date of birth": r"\bdate of birth\b|\bbirth date\b|\bd o b\b|^dob$",
    "National Insurance number": r"\bnational insurance number\b",
    "NHS number": r"\bnhs number\b",
    "IP address": r"\bip address\b",
    "position on the map": r"\blatitude\b|\blongitude\b|\bgrid reference\b",
}


def _words(name: str) -> list[str]:
    """Split a column's name at signs, digits and changes of letter case: homePostCode1 is home, Post, Code."""
    apart = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    return re.sub(r"[^a-z]+", " ", apart.lower()).split()


def kind_of(name: str, label: str = "") -> str | None:
    """Say which direct identifier a column holds by its name or its label, None when it seems to hold none.

    Parameters
    ----------
    name : str
        As the file or the catalogue spells it.
    label : str
        The question label, where the file has one.

    Returns
    -------
    str or None
        For example "postcode".

    Examples
    --------
    >>> kind_of("HomePostCode"), kind_of("q12", "Respondent's date of birth"), kind_of("how_long")
    ('postcode', 'date of birth', None)
    """
    words = _words(name)
    joined = "_".join(words)
    for kind, pattern in IN_NAMES.items():
        if re.search(pattern, joined):
            return kind
    for kind, alone in AS_WORDS.items():
        if alone & set(words):
            return kind
    for kind, whole in AS_NAMES.items():
        if joined in whole:
            return kind
    said = " ".join(re.sub(r"[^a-z0-9]+", " ", label.lower()).split())
    return next((kind for kind, pattern in IN_LABELS.items() if re.search(pattern, said)), None)


def found(columns: Iterable[str], labels: Mapping[str, str], allowed: Iterable[str] = ()) -> dict[str, str]:
    """Return the columns that seem to hold a direct identifier, with its kind; `allowed` ones left out."""
    signed = {name.lower() for name in allowed}
    kinds = {name: kind_of(name, labels.get(name, "")) for name in columns if name.lower() not in signed}
    return {name: kind for name, kind in kinds.items() if kind is not None}


def refuse(where: str, columns: Iterable[str], labels: Mapping[str, str], allowed: Iterable[str] = ()) -> None:
    """Refuse to read a column that holds a direct identifier.

    Parameters
    ----------
    where : str
        What an error message names.
    columns : iterable of str
        The columns asked for.
    labels : mapping of str to str
        Their question labels, where the file has them.
    allowed : iterable of str
        Columns that the catalogue allows with a reason.

    Raises
    ------
    IngestError
        Names the columns and what they seem to hold.
    """
    if offenders := found(columns, labels, allowed):
        shown = listed([f"{name} ({kind})" for name, kind in offenders.items()])
        raise IngestError(
            f"{where}: {len(offenders)} column(s) asked for identify a person directly. Got {shown}. Ask for another "
            "column, or give the reason to read it under identifiers_allowed in the wave's catalogue entry."
        )
