"""Turn deposited codes into canonical variables and indicators, by the catalogue and nothing else.

Belongs here: codes to categories and typed reasons for missingness, bands, respondent identifiers, and the
0/1 indicators made from variables.
Not here: reading files (ingest), weights (weight), estimation (estimate), and what any code means (catalogue).

The responses frame has one row per respondent: `respondent`; `stratum` and `psu` where the file has them; one
column per variable, null where there is no answer, with `<variable>__missing` saying why.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence

import numpy as np
import pandas as pd

from engagement_stats import places
from engagement_stats.catalogue import Catalogue
from engagement_stats.catalogue import model as m
from engagement_stats.codes import as_codes, is_code
from engagement_stats.errors import CleaningError, listed
from engagement_stats.lookups import Tables

MISSING_SUFFIX = "__missing"
# The unit separator: no column holds it, so ("1-2", "3") and ("1", "2-3") stay two respondents.
BETWEEN_PARTS = "\x1f"
# How a message says what an empty cell is called in an entry.
EMPTY = ' (an empty cell is "")'


def _coded(where: str, column: pd.Series, code_list: m.CodeList) -> tuple[pd.Series, pd.Series]:
    """Map codes to categories and reasons; a code that is neither stops the wave."""
    codes = as_codes(column)
    seen = pd.unique(codes)
    unknown = sorted(c for c in seen if c not in code_list.codes and c not in code_list.missing)
    if unknown:
        shown = ["(empty)" if c == "" else c if is_code(c) else "(text)" for c in unknown]
        known = [c or "(empty)" for c in (*code_list.codes, *code_list.missing)]
        raise CleaningError(
            f"{where}: {len(unknown)} raw code(s) have no category. Got {listed(list(dict.fromkeys(shown)))}; "
            f"the catalogue has {listed(known)}. "
            f"Add each with a category or under missing{EMPTY if '' in unknown else ''}."
        )
    levels = list(dict.fromkeys(code_list.codes.values()))
    answers = pd.Series(pd.Categorical(codes.map(code_list.codes), categories=levels), index=column.index)
    return answers, codes.map(code_list.missing)


def _numbers(where: str, column: pd.Series, missing: dict[str, m.MissingReason]) -> tuple[pd.Series, pd.Series]:
    codes = as_codes(column)
    reasons = codes.map(missing)
    numbers = pd.to_numeric(codes.where(reasons.isna()), errors="coerce")
    bad = numbers.isna() & reasons.isna()
    if bad.any():
        empty = int((codes[bad] == "").sum())
        raise CleaningError(
            f"{where}: {int(bad.sum())} respondent(s) have a value that is neither a number nor a code under missing; "
            f"of {empty} the cell is empty. "
            f"Add the code under missing in the wave's catalogue entry{EMPTY if empty else ''}."
        )
    return numbers, reasons


def _banded(where: str, column: pd.Series, variable: m.Variable) -> tuple[pd.Series, pd.Series]:
    numbers, reasons = _numbers(where, column, dict(variable.missing))
    bands = variable.bands or {}
    answers = pd.Series(pd.Categorical([None] * len(column), categories=list(bands)), index=column.index)
    for band, (low, high) in bands.items():
        answers[numbers.between(low, high)] = band
    outside = int((answers.isna() & numbers.notna()).sum())
    if outside:
        raise CleaningError(
            f"{where}: {outside} respondent(s) have a number outside every band. Expected "
            f"{listed([f'{a} to {b}' for a, b in bands.values()])}. Widen a band or add the code under missing."
        )
    return answers, reasons


def _ranged(where: str, column: pd.Series, variable: m.Variable) -> tuple[pd.Series, pd.Series]:
    numbers, reasons = _numbers(where, column, dict(variable.missing))
    low, high = variable.numeric or (-np.inf, np.inf)
    outside = int((numbers.notna() & ~numbers.between(low, high)).sum())
    if outside:
        raise CleaningError(
            f"{where}: {outside} respondent(s) have a number outside the range. Expected {low:g} to {high:g}. "
            "Correct the range, or add the code under missing."
        )
    return numbers, reasons


def _respondents(where: str, frame: pd.DataFrame, identifier: m.RespondentId) -> pd.Series:
    """Return a respondent identifier; one used twice stops the wave."""
    if not identifier.columns:
        return pd.Series(np.arange(1, len(frame) + 1), index=frame.index).astype("str")
    parts = [as_codes(frame[c]) for c in identifier.columns]
    empty = int(sum((p == "") for p in parts).gt(0).sum())
    if empty:
        raise CleaningError(
            f"{where} {'+'.join(identifier.columns)}: {empty} respondent(s) have no identifier. Deposit the file again."
        )
    joined = parts[0].str.cat(parts[1:], sep=BETWEEN_PARTS) if len(parts) > 1 else parts[0]
    repeated = int(joined.duplicated(keep=False).sum())
    if repeated:
        raise CleaningError(
            f"{where} {'+'.join(identifier.columns)}: {repeated} rows share a respondent identifier with another row. "
            "Expected each once. Deposit the file without the repeated rows, or name the columns that identify a "
            "respondent under respondent_id."
        )
    return joined


def _add_places(
    columns: dict[str, pd.Series], raw: pd.DataFrame, wave_id: str, catalogue: Catalogue, tables: Tables
) -> list[str]:
    """Add the domains that follow from where respondents live; return what is wrong."""
    problems = []
    try:
        derived = places.domains_of(raw, wave_id, catalogue, tables)
    except CleaningError as error:
        return [str(error)]
    for domain, (levels, reasons) in derived.items():
        if domain not in columns:
            columns[domain], columns[domain + MISSING_SUFFIX] = levels, reasons
            continue
        own = columns[domain], columns[domain + MISSING_SUFFIX]
        try:
            places.reconcile(f"{wave_id} (waves/{wave_id}.yaml, variable {domain})", domain, own, (levels, reasons))
        except CleaningError as error:
            problems.append(str(error))
    return problems


def harmonise(
    raw: pd.DataFrame,
    wave_id: str,
    catalogue: Catalogue,
    tables: Tables | None = None,
    *,
    leave_out: Collection[str] = (),
) -> pd.DataFrame:
    """Make the responses frame of a wave from its deposited columns.

    Parameters
    ----------
    raw : DataFrame, shape (n respondents, deposited columns)
        As `ingest.read_wave` returns it. Not modified.
    wave_id : str
        A microdata wave of the catalogue.
    catalogue : Catalogue
    tables : mapping of str to DataFrame, optional
        The lookups that have landed, as `lookups.read_landed` returns them; without them a domain derived from the
        code of an area is left out.
    leave_out : collection of str, optional
        Variables not to be made, as `omissions.unconfirmed` finds them.

    Returns
    -------
    DataFrame, shape (n respondents, variables and their reasons)
        `respondent`, `stratum` and `psu` where the file has them, every variable (ordered categories, or a
        number) and `<variable>__missing`, the reason an answer is missing (null where it is not).

    Raises
    ------
    CleaningError
        Any code without a category, number out of range, or identifier missing or used twice. Every problem
        of the wave is reported at once, a line each.
    """
    wave = catalogue.microdata_waves[wave_id]
    problems: list[str] = []
    columns: dict[str, pd.Series] = {}
    try:
        columns["respondent"] = _respondents(wave_id, raw, wave.respondent_id)
    except CleaningError as error:
        problems.append(str(error))
    for role in ("stratum", "psu"):
        name = getattr(wave.design, role)
        if name is not None and name in raw:
            columns[role] = as_codes(raw[name])
            empty = int((columns[role] == "").sum())
            if empty:
                problems.append(f"{wave_id} {name} ({role}): {empty} respondent(s) have none. Deposit the file again.")
    for name, variable in wave.variables.items():
        if variable.column not in raw or name in leave_out:
            continue  # optional, and not in this edition, or not to be relied on
        where = f"{wave_id} {variable.column} ({catalogue.codes_at(wave_id, name)})"
        try:
            if (code_list := catalogue.codes(variable)) is not None:
                answers, reasons = _coded(where, raw[variable.column], code_list)
            elif variable.bands is not None:
                answers, reasons = _banded(where, raw[variable.column], variable)
            else:
                answers, reasons = _ranged(where, raw[variable.column], variable)
        except CleaningError as error:
            problems.append(str(error))
            continue
        if name in catalogue.domains and isinstance(answers.dtype, pd.CategoricalDtype):
            have = list(answers.cat.categories)
            order = catalogue.domains[name].levels or have
            answers = answers.cat.reorder_categories([x for x in order if x in have])
        columns[name] = answers
        columns[name + MISSING_SUFFIX] = reasons.astype("str")
    problems += _add_places(columns, raw, wave_id, catalogue, tables or {})
    if problems:
        raise CleaningError("\n".join(problems))
    return pd.DataFrame(columns)


def missing_counts(responses: pd.DataFrame) -> dict[str, dict[str, int]]:
    """Count the reasons for missingness of each variable: variable to reason to respondents."""
    return {
        name.removesuffix(MISSING_SUFFIX): {str(k): int(v) for k, v in column.value_counts().sort_index().items()}
        for name, column in responses.items()
        if isinstance(name, str) and name.endswith(MISSING_SUFFIX) and column.notna().any()
    }


def _answers(responses: pd.DataFrame, variable: str, rule: m.IndicatorRule) -> pd.Series:
    """Return 1 where a category that counts was given, 0 where another, null where there is no answer."""
    column = responses[variable]
    if not rule.counts:
        return column.astype("float64")
    answer = column.isin(rule.counts).astype("float64").where(column.notna())
    if rule.reasons_as_no:
        answer = answer.mask(responses[variable + MISSING_SUFFIX].isin(rule.reasons_as_no), 0.0)
    return answer


# Of those who name "none of these", the share that may name another option too before it is taken to be an option.
NONE_AND_ANOTHER = 0.1


def _doubts(responses: pd.DataFrame, name: str, rule: m.IndicatorRule, answers: Sequence[pd.Series]) -> Iterator[str]:
    """Say where a file does not bear out what the rule supposes of it."""
    if rule.none_of is not None and rule.none_of in responses:
        none = responses[rule.none_of].isin(rule.counts).to_numpy()
        both = none & np.logical_or.reduce([(a == 1).to_numpy() for a in answers])
        if both.sum() > NONE_AND_ANOTHER * none.sum():
            yield (
                f'indicator {name}: variable {rule.none_of} is said to be "none of these", and {int(both.sum())} of '
                f"the {int(none.sum())} respondents who name it name another too. If it is an option like the others, "
                "move it from none_of to any_of."
            )
    if rule.routed_at_most is not None:
        silent = [responses[v + MISSING_SUFFIX].isin(rule.reasons_as_no).to_numpy() for v in rule.variables]
        routed = float(np.logical_or.reduce(silent).mean())
        if routed > rule.routed_at_most:
            yield (
                f"indicator {name}: {routed:.0%} of respondents were not asked one of its questions, and would count "
                f"as no; expected at most {rule.routed_at_most:.0%}. If the question was put online only, take the "
                "reason out of reasons_as_no and give the line the weight of those asked; otherwise correct "
                "routed_at_most."
            )


def indicators(
    responses: pd.DataFrame, rules: Iterable[tuple[str, m.IndicatorRule]], where: str = "waves"
) -> pd.DataFrame:
    """Make a wave's indicators from its variables.

    Parameters
    ----------
    responses : DataFrame, shape (n respondents, variables)
        As `harmonise` returns it. Not modified.
    rules : iterable of (indicator id, IndicatorRule)
        Indicators whose variables the file lacks (optional ones) are left out; `omissions.omitted` says which.
    where : str, default "waves"
        What an error message names: the file with the rules.

    Returns
    -------
    DataFrame, shape (n respondents, indicators)
        float64: 0 or 1 for a proportion, the number for a mean, null for no answer. With `any_of`, 1 as soon as
        enough variables count, null when the unanswered ones could still change the result.

    Raises
    ------
    CleaningError
        What a rule calls "none of these" is often named beside others, or more respondents than it allows were routed
        past a question that then counts as no.
    """
    made: dict[str, pd.Series] = {}
    doubts: list[str] = []
    for name, rule in rules:
        if any(v not in responses for v in rule.variables):
            continue
        answers = [_answers(responses, v, rule) for v in rule.variables]
        doubts += [f"{where}: {doubt}" for doubt in _doubts(responses, name, rule, answers)]
        if rule.any_of is None:
            made[name] = answers[0]
            continue
        yes = sum((a == 1).astype("int64") for a in answers)
        open_ = sum(a.isna().astype("int64") for a in answers)
        decided = pd.Series(np.where(yes >= rule.at_least, 1.0, 0.0), index=responses.index)
        made[name] = decided.mask((yes < rule.at_least) & (yes + open_ >= rule.at_least))
    if doubts:
        raise CleaningError("\n".join(doubts))
    return pd.DataFrame(made, index=responses.index)
