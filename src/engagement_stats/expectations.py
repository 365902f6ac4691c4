"""Hold the whole of a wave's file against what its entry expects of it: dates, ages, answers.

Belongs here: checks of all rows together, which tell that a file is another one than the entry describes.
Not here: single codes (clean), labels (codebook), rows to be set aside (quarantine), and weights (wave_weights).
"""

from collections.abc import Iterator
from datetime import timedelta

import numpy as np
import pandas as pd

from engagement_stats.catalogue import Catalogue, expected
from engagement_stats.catalogue import model as m
from engagement_stats.codes import as_codes
from engagement_stats.errors import CleaningError

# Where each form of number counts from, in the unit it counts.
EPOCHS = {
    "spss": np.datetime64("1582-10-14T00:00:00", "s"),
    "stata": np.datetime64("1960-01-01", "D"),
    "sas": np.datetime64("1960-01-01", "D"),
    "excel": np.datetime64("1899-12-30", "D"),
}
# Numbers beyond these, of seconds or of days, are no dates of any interview and would overflow.
LONGEST = {"s": 3e10, "D": 3e6}


def _dates(raw: pd.DataFrame, entry: expected.Interviewed) -> tuple[np.ndarray, int]:
    """Return the known dates of interviews, and how many are neither a date nor a code of an unknown one."""
    parts = [as_codes(raw[column]) for column in entry.columns]
    unknown = np.logical_or.reduce([part.isin(["", *entry.missing]).to_numpy() for part in parts])
    text = (parts[0].str.cat(parts[1:], sep="-") if len(parts) > 1 else parts[0])[~unknown]
    epoch = EPOCHS.get(entry.written_as)
    if epoch is None:
        found = pd.to_datetime(text, format=entry.written_as, errors="coerce").to_numpy()
        known = ~np.isnat(found)
        return found[known].astype("datetime64[D]"), int((~known).sum())
    numbers = pd.to_numeric(text, errors="coerce").to_numpy(dtype="float64")
    unit = np.datetime_data(epoch.dtype)[0]
    known = np.isfinite(numbers) & (np.abs(numbers) < LONGEST[unit])
    steps = np.floor(numbers[known]).astype(f"timedelta64[{unit}]")
    return (epoch + steps).astype("datetime64[D]"), int((~known).sum())


def _interviews(raw: pd.DataFrame, where: str, wave: m.MicrodataWave) -> Iterator[str]:
    entry = wave.expects.interviewed
    if entry is None:
        return
    dates, unreadable = _dates(raw, entry)
    place = f"{where} {'+'.join(entry.columns)} (expects.interviewed)"
    if unreadable:
        yield (
            f"{place}: {unreadable} respondent(s) have no date as {entry.written_as}. Correct written_as, or add the "
            "code under missing."
        )
    margin = timedelta(days=entry.within_days)
    start, end = wave.fieldwork.start, wave.fieldwork.end
    before = int((dates < np.datetime64(start - margin)).sum()) if start else 0
    after = int((dates > np.datetime64(end + margin)).sum()) if end else 0
    if before or after:
        yield (
            f"{place}: {before} interview(s) before fieldwork and {after} after it. Expected {start or 'any day'} to "
            f"{end or 'any day'}, {entry.within_days} day(s) either side. The file may be of another wave; correct "
            "fieldwork or within_days if it is not."
        )


def _ends(raw: pd.DataFrame, where: str, wave: m.MicrodataWave) -> Iterator[str]:
    """Check where the lowest and highest numbers lie, without showing them: they are a respondent's."""
    for name, entry in wave.expects.numbers.items():
        variable = wave.variables[name]
        if variable.column not in raw:
            continue
        codes = as_codes(raw[variable.column])
        numbers = pd.to_numeric(codes[~codes.isin(list(variable.missing))], errors="coerce").dropna()
        place = f"{where} {variable.column} (expects.numbers.{name})"
        for end, span, beyond in (
            ("lowest", entry.lowest, lambda x, s: x < s[0]),
            ("highest", entry.highest, lambda x, s: x > s[1]),
        ):
            if span is None:
                continue
            outside = int(beyond(numbers, span).sum())
            if outside or not numbers.between(*span).any():
                found = f"{outside} respondent(s) beyond it" if outside else "nobody in it"
                yield (
                    f"{place}: the {end} {name} is to lie in {span[0]:g} to {span[1]:g}. Got {found}. The file may be "
                    "of another population or edition; deposit the right one, or correct the expectation."
                )


def _answers(responses: pd.DataFrame, where: str, wave: m.MicrodataWave) -> Iterator[str]:
    """Check the share who answered; a variable of an indicator that nobody answered is wrong without expectation."""
    for name, least in wave.expects.answered.items():
        if name in responses and (share := float(responses[name].notna().mean())) < least:
            yield (
                f"{where} {wave.variables[name].column} (expects.answered.{name}): too few respondents have an answer. "
                f"Got a share of {share:.3f}; expected {least:g} or more. See that its codes and routing are as before."
            )
    used = dict.fromkeys(v for rule in wave.indicators.values() for v in rule.variables)
    for name in used:
        reasons_as_no = any(r.reasons_as_no for r in wave.indicators.values() if name in r.variables)
        if name in responses and not reasons_as_no and not responses[name].notna().any():
            yield (
                f"{where} {wave.variables[name].column} (variable {name}): nobody has an answer. Deposit the file "
                "again, or take the variable and its indicators out of the wave's entry."
            )


def check(raw: pd.DataFrame, responses: pd.DataFrame, wave_id: str, catalogue: Catalogue) -> None:
    """Stop a wave whose file is not what its entry expects.

    Parameters
    ----------
    raw : DataFrame, shape (n respondents, deposited columns)
        The rows kept. Not modified.
    responses : DataFrame, shape (n respondents, variables)
        What `clean.harmonise` made of them.
    wave_id : str
        A microdata wave.
    catalogue : Catalogue

    Raises
    ------
    CleaningError
        A line for every expectation that is not met, naming the column and counts only.
    """
    wave = catalogue.microdata_waves[wave_id]
    problems = [*_interviews(raw, wave_id, wave), *_ends(raw, wave_id, wave), *_answers(responses, wave_id, wave)]
    if problems:
        raise CleaningError("\n".join(problems))
