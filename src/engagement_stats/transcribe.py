"""Write the coded columns of a file that is like no known wave as variables of its entry.

Belongs here: a column's answers and missing codes, as far as the file tells them, and what it asks of a person.
Not here: domains (dividing), and what a question is about, which no file can tell.
"""

import re
from collections.abc import Collection, Sequence
from dataclasses import replace

from engagement_stats import dividing
from engagement_stats.catalogue import Catalogue
from engagement_stats.catalogue.entry import ASK
from engagement_stats.codebook import reason_named
from engagement_stats.inspection import SMALL, Column
from engagement_stats.proposed import Line

# A proposal of more variables than this is read by nobody; `inspect --columns` shows the codes of the others.
MOST = 200
LONGEST_ID = 60


def variables(columns: Sequence[Column], have: Collection[str], catalogue: Catalogue) -> dict[str, Line]:
    """Propose a variable for each column of codes.

    Parameters
    ----------
    columns : sequence of Column
        Those that are nothing else.
    have : collection of str
        Names already given to other variables.
    catalogue : Catalogue

    Returns
    -------
    dict of str to Line
        By name, the first `MOST` of them; the last says how many are left. A code that the file neither labels nor
        spells in words asks to be named.
    """
    found: dict[str, Line] = {}
    coded = [c for c in columns if c.kind == "codes" and len(c.counts) > 1]
    for column in coded[:MOST]:
        found[_named(column.name, {*have, *found})] = _line(column, catalogue)
    if len(coded) > MOST:
        name, line = found.popitem()
        left = f"{len(coded) - MOST} more coded columns follow this one and are not here: --columns shows their codes"
        found[name] = replace(line, notes=(*line.notes, left))
    return found


def _named(column: str, taken: Collection[str]) -> str:
    """Return an id made of a column's name."""
    plain = re.sub(r"[^a-z0-9]+", "_", column.lower()).strip("_")
    plain = (plain if plain[:1].isalpha() else f"q_{plain}".rstrip("_"))[:LONGEST_ID]
    number = 2
    name = plain
    while name in taken:
        name, number = f"{plain}_{number}", number + 1
    return name


def _line(column: Column, catalogue: Catalogue) -> Line:
    # Rare codes without a label may be somebody's own words, and are not shown.
    shown = [c for c in column.counts if column.counts[c] >= SMALL or c in column.labels]
    silent = [c for c in shown if c in column.missing or c in column.looks_missing]
    empty = [""] if column.empty else []
    named, _ = dividing.missing_by_label([*empty, *shown], column, catalogue)
    in_words = {c: reason_named(c, catalogue.rules.codebook) for c in shown if c not in column.labels}
    named |= {c: reason for c, reason in in_words.items() if reason is not None}
    missing: dict[str, str] = {**named, **{c: ASK for c in silent if c not in named}}
    answers = {c: _answer(c, column) for c in shown if c not in missing}
    value: dict[str, object] = {"column": column.name, "codes": answers}
    if missing:
        value["missing"] = missing
    notes = [dividing.EMPTY] if empty else []
    if len(shown) < len(column.counts):
        notes.append(f"{len(column.counts) - len(shown)} codes that few respondents have are not here")
    is_told = ASK not in (*answers.values(), *missing.values())
    reason = f'labelled "{column.label}"' if column.label else "its codes"
    return Line(value, "medium" if is_told else None, reason, tuple(notes))


def _answer(code: str, column: Column) -> str:
    """Return the name of a code: its label, or itself where it is in words."""
    return column.labels.get(code) or (ASK if dividing.NUMBER.fullmatch(code) else code)
