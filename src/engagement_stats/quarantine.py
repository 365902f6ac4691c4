"""Set rows of a poll aside before estimation, each with its reason, and say how many.

Belongs here: applying the rules a wave's entry declares, in their order, and the counts a release shows.
Not here: what the rules of a wave are (catalogue), and weights, which are not made again for the rows kept.

Nothing is set aside that a rule does not name, and nothing is dropped: rows of the file are rows kept plus rows set
aside. Without rules every row is kept.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from engagement_stats.catalogue import Catalogue, expected
from engagement_stats.catalogue import model as m
from engagement_stats.codes import as_codes
from engagement_stats.errors import CleaningError, listed

# Columns added to the rows set aside: their place in the file, from 0, and the rule.
ROW, REASON = "quarantined_row", "quarantined_reason"
# Under which name a build's manifest keeps the counts in brief.
NOTED = "set_aside"
COLUMNS = ["wave", "reason", "position", "rule", "respondents", "share", "symbol", "is_suppressed"]
CONFIDENTIAL = "[c]"
FEW = f"fewer than {m.DISCLOSURE_FLOOR}"
UNANSWERED = ("refused", "dont_know", "not_stated")
SECONDS = {"milliseconds": 0.001, "seconds": 1.0, "minutes": 60.0}


@dataclass(frozen=True, slots=True)
class Split:
    """The rows of a file, kept or set aside.

    `kept` has the deposited columns, shape (n kept, columns), rows numbered anew; `aside` the same columns with `ROW`
    and `REASON`, shape (n set aside, columns + 2).
    """

    kept: pd.DataFrame
    aside: pd.DataFrame


@dataclass(frozen=True, slots=True)
class _Screen:
    """What a rule is applied to: the rows not yet set aside, and the wave's entry."""

    where: str
    raw: pd.DataFrame
    wave: m.MicrodataWave
    catalogue: Catalogue


def _duplicates(screen: _Screen, rule: expected.Duplicates) -> pd.Series:
    columns = rule.columns or screen.wave.respondent_id.columns
    codes = pd.DataFrame({c: as_codes(screen.raw[c]) for c in columns})
    compared = (codes != "").any(axis="columns")
    return codes.duplicated(keep="first" if rule.keep == "first" else False) & compared


def _numbers(screen: _Screen, column: str, codes: pd.Series, ignored: pd.Series) -> pd.Series:
    """Return the numbers of a column, null where ignored; anything else stops the wave."""
    numbers = pd.to_numeric(codes.where(~ignored), errors="coerce")
    bad = int((~np.isfinite(numbers) & ~ignored).sum())
    if bad:
        raise CleaningError(
            f"{screen.where} {column}: {bad} respondent(s) have a value that is not a number. Add its code under "
            "missing of the variable, or name another column."
        )
    return numbers


def _speeders(screen: _Screen, rule: expected.Speeders) -> pd.Series:
    codes = as_codes(screen.raw[rule.column])
    seconds = _numbers(screen, rule.column, codes, codes == "") * SECONDS[rule.unit]
    if negative := int((seconds < 0).sum()):
        raise CleaningError(f"{screen.where} {rule.column}: {negative} interview(s) last less than nothing.")
    least = rule.least_seconds if rule.least_seconds is not None else (rule.least_of_median or 0) * seconds.median()
    return seconds < least


def _impossible(screen: _Screen, rule: expected.Impossible) -> pd.Series:
    variable = screen.wave.variables[rule.variable]
    codes = as_codes(screen.raw[variable.column])
    missing = codes.isin(list(variable.missing))
    numbers = _numbers(screen, variable.column, codes, missing)
    return ~numbers.between(*rule.range) & ~missing


def _incomplete(screen: _Screen, rule: expected.Incomplete) -> pd.Series:
    if rule.column is not None:
        return ~as_codes(screen.raw[rule.column]).isin(rule.complete)
    answered = pd.Series(0, index=screen.raw.index)
    asked = pd.Series(0, index=screen.raw.index)
    for name in rule.variables:
        variable = screen.wave.variables[name]
        code_list = screen.catalogue.codes(variable)
        codes = as_codes(screen.raw[variable.column])
        reasons = codes.map(dict(code_list.missing if code_list is not None else variable.missing))
        none = (codes == "") & reasons.isna() | reasons.isin(UNANSWERED)
        answered += (~none & reasons.isna()).astype("int64")
        asked += (none | reasons.isna()).astype("int64")
    # Someone who was put fewer questions than the rule wants answered has to answer those.
    return answered < asked.clip(upper=rule.least_answered)


RULES: dict[type[object], Callable[..., pd.Series]] = {
    expected.Duplicates: _duplicates,
    expected.Speeders: _speeders,
    expected.Impossible: _impossible,
    expected.Incomplete: _incomplete,
}


def in_words(rule: expected.Duplicates | expected.Speeders | expected.Impossible | expected.Incomplete) -> str:
    """Say what a rule sets aside.

    Examples
    --------
    >>> in_words(expected.Speeders(rule="speeders", column="duration", least_of_median=0.33))
    'interviews shorter than 0.33 of the median (duration)'
    """
    if isinstance(rule, expected.Duplicates):
        alike = f"the same answers on {listed(rule.columns)}" if rule.columns else "the same respondent identifier"
        return f"rows with {alike}, {'all but the first' if rule.keep == 'first' else 'every one of them'}"
    if isinstance(rule, expected.Speeders):
        if rule.least_seconds is not None:
            return f"interviews shorter than {rule.least_seconds:g} seconds ({rule.column})"
        return f"interviews shorter than {rule.least_of_median:g} of the median ({rule.column})"
    if isinstance(rule, expected.Impossible):
        return f"{rule.variable} outside {rule.range[0]:g} to {rule.range[1]:g}"
    if rule.column is not None:
        return f"interviews not completed ({rule.column} is not {' or '.join(rule.complete)})"
    return f"fewer than {rule.least_answered} of {len(rule.variables)} questions answered ({listed(rule.variables)})"


def set_aside(raw: pd.DataFrame, wave_id: str, catalogue: Catalogue) -> Split:
    """Apply a wave's rules to the rows of its file.

    Parameters
    ----------
    raw : DataFrame, shape (n respondents, deposited columns)
        Not modified.
    wave_id : str
        A microdata wave.
    catalogue : Catalogue

    Returns
    -------
    Split
        Each row in exactly one of its frames, in the order of the file; a row under the first rule it breaks. A rule
        looks only at rows that no earlier rule has set aside.

    Raises
    ------
    CleaningError
        A rule cannot be applied, or a greater share of the rows is set aside than the entry allows.
    """
    wave = catalogue.microdata_waves[wave_id]
    if wave.quarantine is None:
        return Split(raw, raw.iloc[:0].assign(**{ROW: pd.Series(dtype="int64"), REASON: pd.Series(dtype="str")}))
    rows = raw.reset_index(drop=True)
    reasons = pd.Series("", index=rows.index, dtype="str")
    for reason, rule in wave.quarantine.rules.items():
        left = rows[reasons == ""]
        where = f"{wave_id} (waves/{wave_id}.yaml, quarantine.rules.{reason})"
        broken = RULES[type(rule)](_Screen(where, left, wave, catalogue), rule)
        reasons[left.index[broken.to_numpy(dtype="bool")]] = reason
    out = reasons != ""
    aside = rows[out].assign(**{ROW: np.flatnonzero(out), REASON: reasons[out]}).reset_index(drop=True)
    _stop_above(aside, len(rows), wave_id, wave.quarantine)
    return Split(rows[~out].reset_index(drop=True), aside)


def _stop_above(aside: pd.DataFrame, rows: int, wave_id: str, entry: expected.Quarantine) -> None:
    share = len(aside) / rows if rows else 0.0
    if share <= entry.stop_above and (rows == 0 or len(aside) < rows):
        return
    counts = [f"{reason} {int((aside[REASON] == reason).sum())}" for reason in entry.rules]
    raise CleaningError(
        f"{wave_id}: the rules of quarantine set {len(aside)} of {rows} rows aside ({listed(counts)}). Got a share of "
        f"{share:.3f}; expected at most {entry.stop_above:g}. Look at the file; if the rules are right, raise "
        f"quarantine.stop_above in waves/{wave_id}.yaml."
    )


def without(raw: pd.DataFrame, aside: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of a file that were kept, numbered anew.

    Parameters
    ----------
    raw : DataFrame, shape (n respondents, columns)
        The rows `set_aside` was given, in the same order.
    aside : DataFrame
        Of the `Split` it returned.

    Returns
    -------
    DataFrame, shape (n kept, columns)
    """
    return raw.reset_index(drop=True).drop(index=aside[ROW].to_numpy()).reset_index(drop=True)


def table(split: Split, wave_id: str, catalogue: Catalogue) -> pd.DataFrame:
    """Count the rows set aside by reason, as a release may show them.

    Parameters
    ----------
    split : Split
    wave_id : str
        A microdata wave.
    catalogue : Catalogue

    Returns
    -------
    DataFrame, shape (rules of the wave, columns of the released table)
        A count from 1 to 9 is withheld, and so many more that it does not follow from the sum; 0 is shown, since it
        tells of nobody. Empty for a wave without rules.
    """
    entry = catalogue.microdata_waves[wave_id].quarantine
    rules = entry.rules if entry is not None else {}
    counts = np.array([int((split.aside[REASON] == reason).sum()) for reason in rules], dtype="int64")
    total = len(split.kept) + len(split.aside)
    rows = [
        {
            "wave": wave_id,
            "reason": reason,
            "position": position,
            "rule": in_words(rule),
            "respondents": None if hidden else int(count),
            "share": None if hidden else float(count / total),
            "symbol": CONFIDENTIAL if hidden else None,
            "is_suppressed": bool(hidden),
        }
        for position, ((reason, rule), count, hidden) in enumerate(
            zip(rules.items(), counts, _hidden(counts), strict=True), start=1
        )
    ]
    return pd.DataFrame(rows, columns=COLUMNS).astype({"respondents": "Int64", "share": "Float64", "symbol": "str"})


def _hidden(counts: np.ndarray) -> np.ndarray:
    """Say which counts to withhold: small ones, and, where they sum to few, the next larger, as the total is known."""
    hidden = (counts > 0) & (counts < m.DISCLOSURE_FLOOR)
    for index in np.argsort(counts, kind="stable"):
        if not hidden.any() or (counts[hidden].sum() >= m.DISCLOSURE_FLOOR and hidden.sum() > 1):
            break
        if counts[index] > 0:
            hidden[index] = True
    return hidden


def in_brief(counts: pd.DataFrame) -> str:
    """Say in a line how many rows of a wave were set aside and why; empty when none was.

    Parameters
    ----------
    counts : DataFrame
        As `table` returns it, of one wave.

    Returns
    -------
    str
    """
    said = [
        f"{r.reason} {FEW if r.is_suppressed else f'{int(r.respondents):,}'}"
        for r in counts.itertuples()
        if r.is_suppressed or r.respondents > 0
    ]
    return f"set aside: {'; '.join(said)}" if said else ""


def caveat(counts: pd.DataFrame, wave: m.MicrodataWave) -> str:
    """Say what a reader of a wave's estimates should know of the rows set aside; empty when none was.

    Parameters
    ----------
    counts : DataFrame
        As `table` returns it, of one wave.
    wave : MicrodataWave

    Returns
    -------
    str
        One or two sentences.
    """
    if not in_brief(counts):
        return ""
    said = "Rows were set aside before estimation (see the table quarantine)."
    if wave.design.weights:
        said += " The producer's weights were made with them and were not made again for the respondents kept."
    return said
