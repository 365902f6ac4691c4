"""The one text form of a raw code, so that 1 in a tab file and 1.0 in a .sav file are the same code.

Belongs here: that form. Not here: what a code means (catalogue).
"""

import pandas as pd


def as_codes(column: pd.Series) -> pd.Series:
    """Return a column's codes as text: 1.0 is "1", and an empty or system-missing cell is "".

    Examples
    --------
    >>> as_codes(pd.Series([1.0, -9.0, 2.5, float("nan")])).tolist()
    ['1', '-9', '2.5', '']
    """
    if not pd.api.types.is_numeric_dtype(column):
        return column.astype("str").fillna("")
    values, positions = pd.factorize(column)[::-1]
    texts = [str(int(v)) if float(v) == int(v) else repr(float(v)) for v in values]
    return pd.Series([texts[p] if p >= 0 else "" for p in positions], index=column.index, dtype="str")
