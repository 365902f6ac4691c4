"""Read the columns of a file that no catalogue entry describes: categories, numbers and what is missing.

Belongs here: labels, codes and declared missing values of a file as the file itself gives them.
Not here: reading files (ingest), waves that the catalogue knows (clean), and any statistic.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence

import pandas as pd

from engagement_stats import ingest
from engagement_stats.codes import as_codes, labels_by_code
from engagement_stats.errors import EstimationError

# What every value of a column may look like that is neither a code nor a plain number.
WRITTEN: Mapping[str, re.Pattern[str]] = {
    "dates": re.compile(
        r"\d{4}-\d\d?-\d\d?([T ]\d\d?:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?)?"
        r"|\d\d?(?P<part>[/.])\d\d?(?P=part)(\d\d){1,2}( \d\d?:\d\d(:\d\d)?)?|\d\d?[- ][A-Za-z]{3,9}[- ](\d\d){1,2}"
    ),
    "times of day": re.compile(r"\d\d?:\d\d(:\d\d(\.\d+)?)?"),
    "percentages": re.compile(r"-?\d+(\.\d+)?\s?%"),
    "numbers with commas between thousands": re.compile(r"-?[1-9]\d{0,2}(,\d{3})*(\.\d+)?"),
    "numbers with decimal commas": re.compile(r"-?\d+(,\d+)?"),
}
# So few of the first rows may be names once more, as some survey programs write them.
MOST_NAME_ROWS, LEAST_ROWS = 2, 10


def written_as(text: pd.Series) -> str | None:
    """Say what all the values of a column look like that are not plain numbers, empty cells left out.

    Examples
    --------
    >>> written_as(pd.Series(["0,75", "1,25", ""])), written_as(pd.Series(["2024-01-05", "05/01/2024"]))
    ('numbers with decimal commas', 'dates')
    >>> written_as(pd.Series(["How old are you?", *map(str, range(20, 40))]))
    'numbers below 1 row(s) of other text, perhaps names once more'
    """
    values = text[text != ""]
    unique = values.unique()
    plain = pd.to_numeric(pd.Series(unique), errors="coerce").notna()
    if not len(unique) or plain.all():
        return None
    for what, pattern in WRITTEN.items():
        if all(map(pattern.fullmatch, unique)):
            return what
    odd = pd.to_numeric(values, errors="coerce").isna().to_numpy()
    first = int(odd.sum())
    if len(values) >= LEAST_ROWS and first <= MOST_NAME_ROWS and odd[:first].all() and len(values) == len(text):
        return f"numbers below {first} row(s) of other text, perhaps names once more"
    return None


def declared_missing(raw: ingest.RawFile, name: str, codes: Sequence[str] = ()) -> pd.Series:
    """Say which cells carry no answer: empty, declared missing in the file, or among `codes`.

    Returns
    -------
    Series of bool, shape (n respondents,)
    """
    text = as_codes(raw.frame[name])
    empty = text == ""
    ranges = raw.user_missing.get(name, ())
    # Codes of a text file are text, also where its dictionary declares numbers missing.
    found = pd.to_numeric(text, errors="coerce") if ranges else text
    for low, high in ranges:
        empty |= text == low if isinstance(low, str) else found.between(low, high)
    # pandas writes the code 9 as 9.0 where a cell of the column is empty.
    return empty | text.isin(list(codes)) | text.str.replace(r"\.0+$", "", regex=True).isin(list(codes))


def numbers(name: str, column: pd.Series, missing: pd.Series, remedy: str) -> pd.Series:
    """Return a column's numbers, null where there is no answer.

    Returns
    -------
    Series of float64, shape (n respondents,)

    Raises
    ------
    EstimationError
        A cell that is not missing is not a number; ends with `remedy`.
    """
    text = as_codes(column).where(~missing)
    found = pd.to_numeric(text, errors="coerce")
    bad = int((found.isna() & ~missing).sum())
    if bad:
        looks = written_as(text.fillna(""))
        raise EstimationError(
            f"{name}: {bad} respondent(s) have a value that is not a number. Expected numbers"
            + (
                f"; these look like {looks}. Write them as plain numbers in a copy of the file. {remedy}"
                if looks
                else f". {remedy}"
            )
        )
    return found.astype("float64")


def levels(raw: ingest.RawFile, name: str, missing: pd.Series) -> pd.Series:
    """Return a column's categories by label where the file has labels, in the order of its codes.

    Two codes with one label stay two levels, the code before the label: merging them would invent a category.

    Returns
    -------
    Series of category, shape (n respondents,)
    """
    codes = as_codes(raw.frame[name])
    labels = labels_by_code(raw.labels.get(name, {}))
    present = sorted(pd.unique(codes[~missing]), key=code_order)
    shown = [labels.get(c, c) for c in present]
    times = Counter(shown)
    names = [s if times[s] == 1 else f"{c} {s}" for c, s in zip(present, shown, strict=True)]
    mapped = codes.where(~missing).map(dict(zip(present, names, strict=True)))
    return pd.Series(pd.Categorical(mapped, categories=names), index=codes.index)


def code_order(code: str) -> tuple[int, float, str]:
    """Sort key of codes: numbers by size, then text."""
    try:
        return (0, float(code), "")
    except ValueError:
        return (1, 0.0, code)
