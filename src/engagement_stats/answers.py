"""Read the columns of a file that no catalogue entry describes: categories, numbers and what is missing.

Belongs here: labels, codes and declared missing values of a file as the file itself gives them.
Not here: reading files (ingest), waves that the catalogue knows (clean), and any statistic.
"""

from collections.abc import Sequence

import pandas as pd

from engagement_stats import ingest
from engagement_stats.codes import as_codes
from engagement_stats.errors import EstimationError


def declared_missing(raw: ingest.RawFile, name: str, codes: Sequence[str] = ()) -> pd.Series:
    """Say which cells carry no answer: empty, declared missing in the file, or among `codes`.

    Returns
    -------
    Series of bool, shape (n respondents,)
    """
    column = raw.frame[name]
    text = as_codes(column)
    empty = text == ""
    for low, high in raw.user_missing.get(name, ()):
        empty |= text == low if isinstance(low, str) else column.between(low, high)
    return empty | text.isin(list(codes))


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
        raise EstimationError(
            f"{name}: {bad} respondent(s) have a value that is not a number. Expected numbers. {remedy}"
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
    labels = {as_codes(pd.Series([k])).iloc[0]: str(v) for k, v in raw.labels.get(name, {}).items()}
    present = sorted(pd.unique(codes[~missing]), key=code_order)
    shown = [labels.get(c, c) for c in present]
    names = [s if shown.count(s) == 1 else f"{c} {s}" for c, s in zip(present, shown, strict=True)]
    mapped = codes.where(~missing).map(dict(zip(present, names, strict=True)))
    return pd.Series(pd.Categorical(mapped, categories=names), index=codes.index)


def code_order(code: str) -> tuple[int, float, str]:
    """Sort key of codes: numbers by size, then text."""
    try:
        return (0, float(code), "")
    except ValueError:
        return (1, 0.0, code)
