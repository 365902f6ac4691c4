"""Read domains and answers from a frame: who belongs to which level, and what each respondent said.

Belongs here: families of domains and their crossings, `where`, null answers, categories that count.
Not here: sums and variances (influence), design columns (design).
Methods: docs/methods.md#domains-and-bases
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
import pandas as pd

from engagement_stats.design import Layout, read_column
from engagement_stats.errors import EstimationError, listed
from engagement_stats.influence import Family, Measure

ALL = "all"
CROSS = " | "

By: TypeAlias = str | Sequence[str] | None
Where: TypeAlias = pd.Series | np.ndarray | str | None
Counts: TypeAlias = Collection[Any] | Mapping[str, Collection[Any]] | None


def read_families(frame: pd.DataFrame, by: By, layout: Layout) -> list[Family]:
    """Read the families of domains that `by` names, after the whole population.

    Parameters
    ----------
    frame : DataFrame
    by : str or list of str, optional
        Columns; "a*b" crosses two or more. A null level belongs to no domain.
    layout : Layout

    Returns
    -------
    list of Family
        "all" first. Levels are those of the frame's rows, sorted (categoricals: by category).

    Raises
    ------
    EstimationError
        A column does not exist, a family is named twice or "all", or two levels read alike.
    """
    families = [Family(ALL, np.zeros(layout.rows, np.intp), (ALL,))]
    names = [by] if isinstance(by, str) else list(by or ())
    columns: dict[str, tuple[np.ndarray, list[str]]] = {}
    for name in names:
        if any(f.name == name for f in families):
            raise EstimationError(f'by: the family "{name}" is named twice or reserved. Name each once.')
        parts = [p.strip() for p in str(name).split("*")] if name not in frame.columns else [name]
        for part in parts:
            if part not in columns:
                columns[part] = _levels(frame, part)
        codes, levels = columns[parts[0]]
        for part in parts[1:]:
            codes, levels = _crossed(codes, levels, *columns[part])
        families.append(Family(name, layout.arrange(codes).astype(np.intp, copy=False), tuple(levels)))
    return families


def level_of(responses: pd.DataFrame, family: str) -> pd.Series:
    """Return the level of each respondent in a family of a wave, as estimates name it; null where a part is.

    Parameters
    ----------
    responses : DataFrame, shape (n respondents, variables)
    family : str
        "all", a column, or "a*b".

    Returns
    -------
    Series of str, shape (n respondents,)

    Examples
    --------
    >>> people = pd.DataFrame({"sex": ["Female", "Male", None], "region": ["London", "Wales", "Wales"]})
    >>> level_of(people, "region*sex").tolist()[:2]
    ['London | Female', 'Wales | Male']
    """
    if family == ALL:
        return pd.Series(ALL, index=responses.index, dtype="str")
    parts = responses[family.split("*")]
    named = parts.iloc[:, 0].astype("str")
    for k in range(1, parts.shape[1]):
        named = named + CROSS + parts.iloc[:, k].astype("str")
    return named.where(parts.notna().all(axis=1))


def _levels(frame: pd.DataFrame, name: str) -> tuple[np.ndarray, list[str]]:
    column = read_column(frame, name, "by")
    if isinstance(column.dtype, pd.CategoricalDtype):
        codes = column.cat.codes.to_numpy().astype(np.intp)
        labels = list(column.cat.categories)
    else:
        codes, found = pd.factorize(column, sort=False)
        labels = list(found)
        try:
            rank = sorted(range(len(labels)), key=labels.__getitem__)
        except TypeError:
            rank = sorted(range(len(labels)), key=lambda i: str(labels[i]))
        codes = _renumber(codes, rank)
        labels = [labels[i] for i in rank]
    used = np.zeros(len(labels), bool)
    used[codes[codes >= 0]] = True
    if not used.all():
        codes = _renumber(codes, np.flatnonzero(used))
        labels = [label for label, keep in zip(labels, used, strict=True) if keep]
    texts = [_text(label) for label in labels]
    if len(set(texts)) < len(texts):
        twice = sorted({t for t in texts if texts.count(t) > 1})
        raise EstimationError(f'by "{name}": levels {listed(twice)} read alike. Give them distinct names.')
    return codes, texts


def _renumber(codes: np.ndarray, rank: Sequence[int] | np.ndarray) -> np.ndarray:
    """Renumber codes so that code `rank[i]` becomes i; -1 stays."""
    # One place past the end, for -1 to find.
    position = np.full(int(codes.max(initial=-1)) + 2, -1, np.intp)
    position[np.asarray(rank, np.intp)] = np.arange(len(rank))
    position[-1] = -1
    return position[codes]


def _text(label: Any) -> str:
    """Name a level; codes that a missing value turned into floats read as the whole numbers they are."""
    if isinstance(label, (float, np.floating)) and float(label).is_integer():
        return str(int(label))
    return str(label)


def _crossed(
    left: np.ndarray, left_levels: list[str], right: np.ndarray, right_levels: list[str]
) -> tuple[np.ndarray, list[str]]:
    width = len(right_levels)
    both = (left >= 0) & (right >= 0)
    key = np.where(both, left * width + right, -1)
    present = np.unique(key[both])
    position = np.full(len(left_levels) * width + 1, -1, np.intp)
    position[present] = np.arange(len(present))
    position[-1] = -1
    return position[key], [left_levels[k // width] + CROSS + right_levels[k % width] for k in present]


def read_where(frame: pd.DataFrame, where: Where, layout: Layout) -> np.ndarray:
    """Read who may be in a base at all: positive weight and inside `where`, as booleans in layout order.

    Raises
    ------
    EstimationError
        `where` is not boolean, has nulls, or has another length or index than the frame.
    """
    eligible = layout.weight > 0
    if where is None:
        return eligible
    if isinstance(where, str):
        column = read_column(frame, where, "where")
    elif isinstance(where, pd.Series):
        column = where
        if len(where) == len(frame) and not where.index.equals(frame.index):
            raise EstimationError("where: its index is not the frame's. Make it from the same frame.")
    else:
        column = pd.Series(where)
    if len(column) != len(frame):
        raise EstimationError(f"where: got {len(column)} values for {len(frame)} rows. Give one a row.")
    if not pd.api.types.is_bool_dtype(column):
        raise EstimationError(f"where: expected true or false a row, got {column.dtype}.")
    missing = int(column.isna().sum())
    if missing:
        raise EstimationError(f"where: {missing} of {len(column)} rows are null. Say true or false for each.")
    return eligible & layout.arrange(column.to_numpy(dtype=bool))


def read_shares(frame: pd.DataFrame, variable: str, counts: Counts, layout: Layout, eligible: np.ndarray) -> Measure:
    """Read a variable as the share who said yes, or whose category counts.

    Raises
    ------
    EstimationError
        The variable has values other than 0/1 and no `counts` says which of them count.
    """
    state = layout.arrange(_yes_no(frame, variable, counts))
    answered = (state >= 0) & eligible
    numerator = ((state > 0) & answered).view(np.int8)
    mask = answered.view(np.int8)
    return Measure(variable, numerator, mask, mask)


def _yes_no(frame: pd.DataFrame, variable: str, counts: Counts) -> np.ndarray:
    """Code answers as 1, 0 and -1 for null."""
    column = read_column(frame, variable, "variables")
    wanted = counts.get(variable) if isinstance(counts, Mapping) else counts
    if wanted is not None:
        return _counted(column, variable, wanted)
    dtype = column.dtype
    if isinstance(dtype, np.dtype) and dtype.kind in "biu":
        values = column.to_numpy()
        if dtype.kind == "b":
            return values.view(np.int8)
        low, high = values.min(), values.max()
        if low < 0 or high > 1:
            raise _not_shares(column, variable)
        return values.astype(np.int8, copy=False)
    if pd.api.types.is_bool_dtype(dtype) or pd.api.types.is_integer_dtype(dtype):
        # Nulls become a number no narrow column holds, so that a code of -1 does not pass for one.
        wide = np.int16 if getattr(dtype, "itemsize", 8) == 1 else np.int64
        null = np.iinfo(wide).min
        values = column.to_numpy(dtype=wide, na_value=null)
        answered = values != null
        if not np.array_equal(answered, (values >> 1) == 0):
            raise _not_shares(column, variable)
        return np.where(answered, values, -1).astype(np.int8)
    if pd.api.types.is_float_dtype(dtype):
        values = column.to_numpy(dtype=np.float64, na_value=np.nan)
        null, yes = np.isnan(values), values == 1
        if not np.all(null | yes | (values == 0)):
            raise _not_shares(column, variable)
        return yes.astype(np.int8) - null
    found = column.dropna().unique()
    if not all(isinstance(v, (bool, np.bool_, int, float)) and v in (0, 1) for v in found):
        raise _not_shares(column, variable)
    return np.where(column.isna(), -1, np.where(column.isin([1]), 1, 0)).astype(np.int8)


def _not_shares(column: pd.Series, variable: str) -> EstimationError:
    found = column.dropna().unique()
    if pd.api.types.is_float_dtype(column.dtype) and not all(float(v).is_integer() for v in found[:1000]):
        return EstimationError(
            f'variable "{variable}": a proportion needs 0/1 answers, and these are measurements. Use mean, '
            "or make a 0/1 column."
        )
    codes = sorted((_text(v) for v in found), key=lambda t: (len(t), t))
    return EstimationError(
        f'variable "{variable}": a proportion needs 0/1 answers. Got the categories {listed(codes)}. '
        f"Pass counts= with the categories that count as yes, and make codes for no answer null."
    )


def _counted(column: pd.Series, variable: str, wanted: Collection[Any]) -> np.ndarray:
    if isinstance(wanted, str) or not isinstance(wanted, Collection):
        wanted = [wanted]
    yes = column.isin(list(wanted)).to_numpy(dtype=bool, na_value=False)
    declared = isinstance(column.dtype, pd.CategoricalDtype) and set(wanted) <= set(column.cat.categories)
    if not yes.any() and not declared and column.notna().any():
        codes = sorted((_text(v) for v in column.dropna().unique()), key=lambda t: (len(t), t))
        raise EstimationError(
            f'variable "{variable}": nobody has a category that counts ({listed(list(wanted))}). The column '
            f"has {listed(codes)} "
            f"({column.dtype}). Check the codes and whether they are numbers or text."
        )
    return np.where(yes, 1, np.where(column.isna().to_numpy(), -1, 0)).astype(np.int8)


def read_numbers(frame: pd.DataFrame, variable: str, layout: Layout) -> np.ndarray:
    """Read a numeric variable as float64 in layout order, NaN for null.

    Raises
    ------
    EstimationError
        The column is not numeric, or holds infinities.
    """
    column = read_column(frame, variable, "variables")
    if not pd.api.types.is_numeric_dtype(column):
        raise EstimationError(
            f'variable "{variable}": expected numbers, got {column.dtype}. Convert the column with pandas.to_numeric, '
            "or use proportion with counts= for categories."
        )
    values = column.to_numpy(dtype=np.float64, na_value=np.nan)
    infinite = int(np.isinf(values).sum())
    if infinite:
        raise EstimationError(f'variable "{variable}": {infinite} of {len(values)} values are infinite.')
    return layout.arrange(values)


def numeric_measure(name: str, values: np.ndarray, eligible: np.ndarray, *, is_total: bool) -> Measure:
    """Make a mean or a total of values in layout order, NaN for null."""
    answered = eligible & ~np.isnan(values)
    shift = 0.0
    if not is_total and answered.any():
        # About a value of the data, so that a constant leaves exact zeros.
        base = values[answered]
        shift = float(base[np.argmin(np.abs(base - base.mean()))])
    numerator = np.where(answered, values - shift, 0.0)
    mask = answered.view(np.int8)
    return Measure(name, numerator, mask, mask, is_total=is_total, shift=shift)


def ratio_measure(name: str, top: np.ndarray, bottom: np.ndarray, eligible: np.ndarray) -> Measure:
    """Make a ratio of totals; only respondents with both values are in its base."""
    answered = eligible & ~np.isnan(top) & ~np.isnan(bottom)
    return Measure(name, np.where(answered, top, 0.0), np.where(answered, bottom, 0.0), answered.view(np.int8))


def several(names: str | Sequence[str], role: str) -> list[str]:
    """Return one name or many as a list, each once.

    Raises
    ------
    EstimationError
        There are none, or one is repeated.
    """
    found = [names] if isinstance(names, str) else list(names)
    repeated = sorted({n for n in found if found.count(n) > 1})
    if not found or repeated:
        raise EstimationError(f"{role}: name at least one, and each once. Got {listed(repeated) or 'none'}.")
    return found
