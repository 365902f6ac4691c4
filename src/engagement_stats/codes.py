"""The one text form of a raw code, so that 1 in a tab file and 1.0 in a .sav file are the same code.

Belongs here: that form, and what may be shown as a code. Not here: what a code means (catalogue).
"""

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd


def as_codes(column: "pd.Series") -> "pd.Series":
    """Return a column's codes as text: 1.0 is "1", and an empty or system-missing cell is "".

    Examples
    --------
    >>> import pandas as pd
    >>> as_codes(pd.Series([1.0, -9.0, 2.5, float("nan")])).tolist()
    ['1', '-9', '2.5', '']
    """
    import pandas as pd

    if pd.api.types.is_object_dtype(column):
        column = column.map(as_code, na_action="ignore")
    if not pd.api.types.is_numeric_dtype(column):
        return column.astype("str").fillna("")
    values, positions = pd.factorize(column)[::-1]
    texts = [as_code(v) for v in values.tolist()]
    return pd.Series([texts[p] if p >= 0 else "" for p in positions], index=column.index, dtype="str")


def labels_by_code(labels: "Mapping[Any, Any]") -> dict[str, str]:
    """Return a file's value labels by the text of their codes.

    Examples
    --------
    >>> labels_by_code({1.0: "Yes", -9.0: "Refused"})
    {'1': 'Yes', '-9': 'Refused'}
    """
    import pandas as pd

    codes = as_codes(pd.Series(list(labels), dtype="object"))
    return dict(zip(codes.tolist(), map(str, labels.values()), strict=True))


def is_code(text: str) -> bool:
    """Say whether a raw value is short enough to be a code; longer text may be a respondent's own words.

    Examples
    --------
    >>> is_code("-9"), is_code("I would rather not say")
    (True, False)
    """
    return len(text) <= 6


def as_code(value: object) -> str:
    """Return one value that is not missing as the text of its code.

    Examples
    --------
    >>> as_code(1.0), as_code(2.5), as_code(9007199254740993), as_code("a")
    ('1', '2.5', '9007199254740993', 'a')
    """
    if isinstance(value, float):
        return str(int(value)) if math.isfinite(value) and value == int(value) else repr(value)
    # A whole number never passes through a float, in which large identifiers run together.
    return str(int(value)) if isinstance(value, int) else str(value)
