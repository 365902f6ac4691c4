"""Propose a wave's catalogue entry for an unknown file, after the known wave that is most like it.

Belongs here: what each line of the new entry would be, how sure and why.
Not here: which wave is nearest (nearest), how alike two columns are (likeness), the text of the entry (draft), and any
fact the file cannot give.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import product
from typing import Any

import pandas as pd

from engagement_stats import dividing, likeness, nearest, roles, transcribe
from engagement_stats.catalogue import CROSS, Catalogue
from engagement_stats.catalogue import model as m
from engagement_stats.codes import as_codes
from engagement_stats.describe import Look
from engagement_stats.errors import UsageError, listed
from engagement_stats.inspection import SMALL, Column
from engagement_stats.likeness import Match
from engagement_stats.proposed import ABSENT, Line, Proposal
from engagement_stats.roles import Confidence, Role

ColumnsOf = Callable[[str], Sequence[Column]]


def propose(
    look: Look, catalogue: Catalogue, *, like: str | None = None, columns_of: ColumnsOf = lambda wave: ()
) -> Proposal:
    """Propose an entry.

    Parameters
    ----------
    look : Look
        What is in the file.
    catalogue : Catalogue
    like : str, optional
        The wave to go by; the nearest one when not given.
    columns_of : callable, optional
        Gives the columns of a known wave's own file where it has landed: its labels and the spread of its answers
        recognise questions whose columns were renamed.

    Returns
    -------
    Proposal

    Raises
    ------
    UsageError
        `like` is not a wave of respondents' files.
    """
    if like is not None and like not in catalogue.microdata_waves:
        raise UsageError(
            f'like: "{like}" is not a wave of respondents\' files. Expected one of {listed(catalogue.microdata_waves)}.'
        )
    columns = [c for c in look.columns if c.name not in look.direct]
    near = like or nearest.find(look.name, columns, catalogue)
    rows = Line(look.rows or None, "medium", "rows of the file; the producer's documentation must say the same")
    if near is None:
        return _bare(look, columns, rows, catalogue)
    wave = catalogue.microdata_waves[near]
    own = columns_of(near)
    matches = likeness.match(nearest.known(near, catalogue, own), columns)
    where = _where(near, look, catalogue)
    frame = look.frame if where is None else _kept(look.frame, where.value)
    variables = {v: _variable(wave.variables[v], x, catalogue) for v, x in matches.items()}
    taken = {x.column.name for x in matches.values()}
    variables |= dividing.propose([c for c in columns if c.name not in taken], frame, catalogue, variables)
    variables |= {v: _absent(x) for v, x in wave.variables.items() if x.optional and v not in variables}
    variables = {v: variables[v] for v in (*wave.variables, *variables) if v in variables}
    indicators = {k: _indicator(rule, variables, near) for k, rule in wave.indicators.items()}
    return Proposal(
        look=look,
        near=near,
        share=len(matches) / max(sum(not x.optional or v in matches for v, x in wave.variables.items()), 1),
        rows=replace(rows, value=len(frame) or None),
        where=where,
        respondent_id=_respondent(wave, frame, look.roles, near),
        design=dict(_design(wave, columns, look.roles)),
        variables=variables,
        indicators={k: line for k, line in indicators.items() if line is not None},
        domains=_domains(wave, variables, catalogue, near),
        lacking={v: f"no column is like {x.column}" for v, x in wave.variables.items() if v not in variables},
        compared=bool(own),
        claimed=[k for k, w in catalogue.microdata_waves.items() if nearest.claims(w, look.name)],
    )


def _bare(look: Look, columns: Sequence[Column], rows: Line, catalogue: Catalogue) -> Proposal:
    """Propose what can be said without a known wave."""
    domains = dividing.propose(columns, look.frame, catalogue)
    surest = _of(look.roles, "weight")
    main = Line(surest[0].columns[0], surest[0].confidence, surest[0].why) if surest else _unknown("no likely weight")
    respondent = _by_role(look.roles)
    used = {main.value, *_mapping(respondent.value).get("columns", ()), *(_column_of(x) for x in domains.values())}
    variables = transcribe.variables([c for c in columns if c.name not in used], domains, catalogue)
    return Proposal(
        look=look, near=None, share=0.0, rows=rows, where=None, respondent_id=respondent,
        design={"weights.main": main}, variables=domains | variables, indicators={},
        domains=[_divides(v) for v in domains],
    )  # fmt: skip


def _column_of(line: Line) -> object:
    return _mapping(line.value).get("column")


def _unknown(reason: str) -> Line:
    return Line(None, None, reason)


# Rows, identifier, design


def _where(near: str, look: Look, catalogue: Catalogue) -> Line | None:
    """Find the rows that no known wave of the same file keeps, where the nearest wave keeps some rows only."""
    wave = catalogue.microdata_waves[near]
    frame = look.frame
    names = {n.lower(): n for n in frame.columns}
    columns = list(wave.file.where)
    if not columns:
        return None
    if any(c.lower() not in names for c in columns):
        return Line(None, None, f"{near} keeps rows by {listed(columns)}, which this file does not have")
    taken: set[tuple[str, ...]] = set()
    for other in catalogue.microdata_waves.values():
        if other.survey == wave.survey and list(other.file.where) == columns:
            taken |= set(product(*other.file.where.values()))
    codes = frame[[names[c.lower()] for c in columns]].apply(as_codes)
    present = [tuple(x) for x in codes.value_counts().index]
    # Only what tells waves apart may differ from the nearest wave; a country stays the country.
    apart = [i for i in range(len(columns)) if len({t[i] for t in taken}) > 1] or [0]
    same = [i for i in range(len(columns)) if i not in apart]
    free = sorted(p for p in present if p not in taken and all(p[i] in list(wave.file.where.values())[i] for i in same))
    if not free:
        return Line(
            {c: list(v) for c, v in wave.file.where.items()}, "low",
            f"as {near}: every other part of the file is a wave already",
        )  # fmt: skip
    if len(present) == 1 and not any(nearest.claims(w, look.name) for w in catalogue.microdata_waves.values()):
        return None  # a file of one wave, unlike the nearest one's
    more = f"; also free: {listed([' '.join(p) for p in free[:-1]])}" if len(free) > 1 else ""
    return Line(
        {names[c.lower()]: [code] for c, code in zip(columns, free[-1], strict=True)}, "medium",
        f"rows that no wave of the catalogue takes{more}",
    )  # fmt: skip


def _kept(frame: pd.DataFrame, where: object) -> pd.DataFrame:
    for column, codes in where.items() if isinstance(where, dict) else ():
        frame = frame[as_codes(frame[column]).isin(codes)]
    return frame


def _of(found: Sequence[Role], use: str) -> list[Role]:
    return [r for r in found if r.use == use]


def _by_role(found: Sequence[Role]) -> Line:
    for role in _of(found, "respondent id"):
        if role.confidence != "low":
            return Line({"columns": list(role.columns)}, role.confidence, role.why)
    for role in _of(found, "respondent id"):
        return Line({"columns": list(role.columns)}, "low", role.why)
    return Line({"absent": "No column of the file identifies a respondent."}, "medium", "no column, or two, does so")


def _respondent(wave: m.MicrodataWave, rows: pd.DataFrame, found: Sequence[Role], near: str) -> Line:
    names = {n.lower(): n for n in rows.columns}
    columns = [names.get(c.lower()) for c in wave.respondent_id.columns]
    if columns and all(columns):
        spelled = [c for c in columns if c]
        if roles.is_unique(rows, spelled):
            return Line({"columns": spelled}, "high", f"as {near}; unique, never empty")
        likely = _by_role(found)
        note = f"{'+'.join(spelled)}, the identifier of {near}, repeats or is empty here"
        return replace(likely, notes=(note,))
    likely = _by_role(found)
    if wave.respondent_id.absent is not None and (likely.confidence == "low" or "absent" in _mapping(likely.value)):
        return Line({"absent": wave.respondent_id.absent}, "medium", f"as {near}; {likely.reason}")
    return likely


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _design(wave: m.MicrodataWave, columns: Sequence[Column], found: Sequence[Role]) -> Iterator[tuple[str, Line]]:
    """Propose weights, stratum and primary sampling unit: those of the nearest wave, or the likely ones."""
    present = likeness.by_column(columns)
    by_name = {r.columns[0]: r for r in _of(found, "weight")}
    likely = _of(found, "weight")
    for name, column in wave.design.weights.items():
        itself = present.get(column.lower())
        if itself is not None:
            role = by_name.get(itself.name)
            why = "same name" + (f"; {role.why}" if role else "")
            sure: Confidence = "low" if role is not None and role.confidence == "low" else "high"
            yield f"weights.{name}", Line(itself.name, sure, why)
        elif name == "main" and likely:
            yield "weights.main", Line(likely[0].columns[0], _lower(likely[0].confidence), likely[0].why)
        else:
            yield f"weights.{name}", _unknown(f"{column} is not in the file")
    for part, named in (("stratum", wave.design.stratum), ("psu", wave.design.psu)):
        if named is None:
            continue
        if (itself := present.get(named.lower())) is not None:
            yield part, Line(itself.name, "high", "same name")
        elif wave.design.optional:
            yield part, Line(named, "medium", ABSENT)


def _lower(confidence: Confidence) -> Confidence:
    return "medium" if confidence == "high" else confidence


# Variables, indicators, domains


def _absent(variable: m.Variable) -> Line:
    """Carry over an optional variable that this file does not have; another edition may."""
    value = variable.model_dump(mode="json", exclude_defaults=True, exclude={"note", "labels_differ"})
    return Line(value, "medium", ABSENT)


def _variable(variable: m.Variable, match: Match, catalogue: Catalogue) -> Line:
    """Propose a variable: the matched column, and the known code list or one that fits better."""
    column = match.column
    codes = catalogue.codes(variable)
    if codes is None:
        part, why, notes = _numeric(variable, column, catalogue)
    else:
        part, why, notes = _coded(variable, codes, column, catalogue)
    value = {"column": column.name, **part} | ({"optional": True} if variable.optional else {})
    confidence = match.confidence
    if notes and confidence == "high":
        confidence = "medium"
    return Line(value, confidence, match.reason + why, tuple(notes))


# What of a variable's entry says how its cells are read, what is said of that, and notes on what does not fit.
Reading = tuple[dict[str, object], str, list[str]]


def _numeric(variable: m.Variable, column: Column, catalogue: Catalogue) -> Reading:
    kept = variable.model_dump(include={"bands", "numeric"}, exclude_defaults=True)
    part = {k: {b: list(s) for b, s in v.items()} if k == "bands" else list(v) for k, v in kept.items()}
    given = dict.fromkeys((*_empty(column), *column.labels, *column.looks_missing))
    strange = [c for c in given if c not in variable.missing]
    missing, unknown = dividing.missing_by_label(strange, column, catalogue)
    notes = [f"codes {listed(unknown)} are no numbers: put them under missing"] if unknown else []
    return part | _missing(variable, missing), "", [*notes, *_noted(missing)]


def _coded(variable: m.Variable, codes: m.CodeList, column: Column, catalogue: Catalogue) -> Reading:
    own = variable.codes if isinstance(variable.codes, str) else None
    chosen, why = _better_list(own, codes, column, catalogue)
    part: dict[str, object] = {"codes": chosen if chosen is not None else _plain_codes(variable)}
    if chosen is not None and chosen != own:
        shared = catalogue.codelists[chosen]
        codes = m.CodeList(codes=shared.codes, missing={**shared.missing, **variable.missing})
    if not codes.codes:
        # The file's own labels are the categories: there is nothing to compare them with.
        return part | _missing(variable, {}), why, []
    strange = [c for c in (*_empty(column), *column.counts) if c not in codes.codes and c not in codes.missing]
    missing, _ = dividing.missing_by_label(strange, column, catalogue)
    now = m.CodeList(codes=codes.codes, missing={**codes.missing, **missing})
    notes = [*_noted(missing), *_code_notes(now, column, chosen or "these codes")]
    return part | _missing(variable, missing), why, notes


def _missing(variable: m.Variable, more: Mapping[str, m.MissingReason]) -> dict[str, object]:
    return {"missing": {**variable.missing, **more}} if variable.missing or more else {}


def _empty(column: Column) -> list[str]:
    """Return the code of an empty cell where the column has any."""
    return [""] if column.empty else []


def _noted(missing: Mapping[str, m.MissingReason]) -> list[str]:
    labelled = [c for c in missing if c]
    by_label = [f"codes {listed(labelled)} are missing, by their labels"] if labelled else []
    return [*by_label, *([dividing.EMPTY] if "" in missing else [])]


def _plain_codes(variable: m.Variable) -> object:
    return variable.codes if isinstance(variable.codes, str) else dict(variable.codes or {})


def _better_list(own: str | None, codes: m.CodeList, column: Column, catalogue: Catalogue) -> tuple[str | None, str]:
    """Keep the known code list, or choose one with the same answers that holds every code of the file."""
    fit = likeness.fits(codes, column)
    if fit is None or fit == 1 or own is None:
        return own, ""
    best: tuple[float, str | None] = (max(fit, 0.5), own)
    for key, other in catalogue.codelists.items():
        shared = set(other.codes.values()) & set(codes.codes.values())
        if len(shared) < 0.5 * len(codes.codes) or key == own:
            continue
        fitting = likeness.fits(other, column) or 0.0
        agreed = likeness.label_agreement(other, column)
        best = max(best, (fitting + 0.1 * agreed, key), key=lambda x: x[0])
    return best[1], "" if best[1] == own else f"; list {best[1]} holds its codes, {own} does not"


def _code_notes(codes: m.CodeList, column: Column, name: str) -> Iterator[str]:
    if swapped := likeness.swapped(codes, column):
        said = [f'{c} "{column.labels[c]}"' for c in swapped]
        yield f"CAREFUL: the file labels {listed(said)}, {name} says otherwise"
    strange = [c for c in column.counts if c not in codes.codes and c not in codes.missing]
    shown = [c for c in strange if column.counts[c] >= SMALL or c in column.labels]
    if shown:
        said = [f'{c} "{column.labels[c]}"' if column.labels.get(c) else c for c in shown]
        yield f"codes {listed(said)} of the file are not in {name}: add them with a category or under missing"
    if len(strange) > len(shown):
        yield f"{len(strange) - len(shown)} rare codes of the file are not in {name}"


def _indicator(rule: m.IndicatorRule, variables: Mapping[str, Line], near: str) -> Line | None:
    """Carry an indicator over where every variable it reads was found."""
    if any(v not in variables for v in rule.variables):
        return None
    lines = [variables[v] for v in rule.variables]
    order: list[Confidence | None] = ["high", "medium", "low", None]
    weakest = max(lines, key=lambda x: order.index(x.confidence))
    if any(x.reason == ABSENT for x in lines):
        weakest = next(x for x in lines if x.reason == ABSENT)
    value = rule.model_dump(exclude_defaults=True, exclude={"note"})
    return Line(value, weakest.confidence, ABSENT if weakest.reason == ABSENT else f"as {near}")


def _domains(wave: m.MicrodataWave, variables: Mapping[str, Line], catalogue: Catalogue, near: str) -> list[Line]:
    kept = [d for d in wave.domains if all(part in variables or part not in wave.variables for part in d.split(CROSS))]
    added = [v for v in variables if v in catalogue.domains and v not in kept and v not in wave.variables]
    return [*(Line(d, "high", f"as {near}") for d in kept), *map(_divides, added)]


def _divides(domain: str) -> Line:
    return Line(domain, "low", "a variable that divides")
