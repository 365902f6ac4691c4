"""Propose the domains by which the columns of an unknown file divide its respondents.

Belongs here: columns whose labelled codes are those of a code list, whose texts are a domain's levels, and columns of
years of age.
Not here: the variables of the nearest known wave, domains among them (propose).
"""

import re
from collections.abc import Collection, Mapping, Sequence
from itertools import pairwise

import pandas as pd

from engagement_stats import likeness
from engagement_stats.catalogue import Catalogue
from engagement_stats.catalogue import model as m
from engagement_stats.codebook import reason_named
from engagement_stats.inspection import SMALL, Column
from engagement_stats.likeness import words
from engagement_stats.proposed import Line
from engagement_stats.roles import Confidence

# A list is another list's equal when this share of its labels and categories agree.
AGREEING = 0.8
# A level such as 25-34, and the open one, 75+. Nobody is older than OLDEST.
SPAN, OPEN, OLDEST = re.compile(r"(\d+)-(\d+)"), re.compile(r"(\d+)\+"), 120
# A code that says nothing of itself, as words do.
NUMBER = re.compile(r"-?\d+(\.\d+)?")
# What is said where empty cells are taken for not stated.
EMPTY = "empty cells are taken for not_stated; give not_applicable where not everybody was asked"
# Of years of age, this share lies within the bands; the youngest are no more than so many years above the first.
WITHIN, YOUNGEST_ABOVE = 0.99, 3

Bands = dict[str, tuple[int, int]]


def propose(
    columns: Sequence[Column], frame: pd.DataFrame, catalogue: Catalogue, have: Collection[str] = ()
) -> dict[str, Line]:
    """Propose a variable for each domain that a column divides by.

    Parameters
    ----------
    columns : sequence of Column
        Those that are nothing else.
    frame : DataFrame, shape (n respondents, columns read)
        Their data, as far as they were read.
    catalogue : Catalogue
    have : collection of str
        Domains already proposed; none that is about the same is proposed, such as another way of banding age.

    Returns
    -------
    dict of str to Line
        By domain.
    """
    about = {_subject(d, catalogue) for d in have if d in catalogue.domains}
    likely = _by_levels(columns, catalogue) | _by_lists(columns, catalogue)
    found = {d: x for d, x in likely.items() if _subject(d, catalogue) not in about}
    about |= {_subject(d, catalogue) for d in found}
    taken = {name for _, name, _ in found.values()}
    banded = {
        d: bands
        for d, entry in catalogue.domains.items()
        if _subject(d, catalogue) not in about and (bands := _bands(entry.levels)) is not None
    }
    by_age = _by_age([c for c in columns if c.name not in taken], frame, banded, catalogue)
    return {d: line for d, (_, _, line) in found.items()} | by_age


def _subject(domain: str, catalogue: Catalogue) -> str:
    """Return what a domain is about, the first word of its label: all ways of banding age are about age."""
    return words(catalogue.domains[domain].label)[0]


def _by_lists(columns: Sequence[Column], catalogue: Catalogue) -> dict[str, tuple[float, str, Line]]:
    found: dict[str, tuple[float, str, Line]] = {}
    for key, codes in catalogue.codelists.items():
        domain = _domain_of(codes, catalogue)
        if domain is None:
            continue
        for c in columns:
            if c.kind != "codes" or not c.labels or likeness.fits(codes, c) != 1:
                continue
            if likeness.label_agreement(codes, c) < AGREEING:
                continue
            named = likeness.text_likeness(catalogue.domains[domain].label, c.label)
            told = sum(code in codes.codes or code in codes.missing for code in c.labels) / len(c.labels)
            score = named + told - 0.001 * len(c.name) - (c.empty or 0) / max(c.answered, 1)
            sure: Confidence = "medium" if c.name.lower() == domain or named >= likeness.MEDIUM else "low"
            line = Line({"column": c.name, "codes": key}, sure, f"its labelled codes are those of list {key}")
            if domain not in found or score > found[domain][0]:
                found[domain] = (score, c.name, line)
    return found


def _by_levels(columns: Sequence[Column], catalogue: Catalogue) -> dict[str, tuple[float, str, Line]]:
    """Propose columns that hold the levels of a domain in words, the fullest for each domain."""
    found: dict[str, tuple[float, str, Line]] = {}
    for domain, entry in catalogue.domains.items():
        # A number alone may be anything's code.
        levels = {words(level): level for level in entry.levels if not level.isdecimal()}
        for c in columns:
            if c.kind != "codes" or c.labels:
                continue
            codes = {code: levels[words(code)] for code in c.counts if words(code) in levels}
            left = [code for code in c.counts if code not in codes]
            missing = {x: r for x in left if (r := reason_named(x, catalogue.rules.codebook)) is not None}
            if len(set(codes.values())) < 2 or len(missing) < len(left):
                continue
            missing |= {"": "not_stated"} if c.empty else {}
            value = {"column": c.name, "codes": codes} | ({"missing": missing} if missing else {})
            line = Line(value, "medium", f"it holds levels of {domain}", (EMPTY,) if c.empty else ())
            score = float(sum(c.counts[code] for code in codes))
            if domain not in found or score > found[domain][0]:
                found[domain] = (score, c.name, line)
    return found


def _domain_of(codes: m.CodeList, catalogue: Catalogue) -> str | None:
    """Return the first domain all of whose levels a code list could give."""
    for domain, entry in catalogue.domains.items():
        if len(entry.levels) > 1 and set(codes.codes.values()) <= set(entry.levels):
            return domain
    return None


def _by_age(
    columns: Sequence[Column], frame: pd.DataFrame, banded: Mapping[str, Bands], catalogue: Catalogue
) -> dict[str, Line]:
    """Propose the bands of age that begin nearest below the youngest respondents, for the likeliest column."""
    found: list[tuple[tuple[float, float], str, Line]] = []
    # Where a column of that very name holds other numbers, a partner's age is not taken in its place.
    subjects = {_subject(domain, catalogue) for domain in banded}
    itself = [c for c in columns if c.kind == "number" and c.name.casefold() in subjects]
    for c in itself or columns:
        if c.kind != "number" or c.name not in frame:
            continue
        years = _years(frame[c.name], c)
        for domain, bands in banded.items():
            named = _named_alike(_subject(domain, catalogue), c)
            if named == 0 or (above := _above(years, bands)) is None:
                continue
            # Fewer tell the age of a partner than their own.
            found.append(((-named * len(years) / len(frame), above), domain, _banded(c, bands, catalogue)))
    if not found:
        return {}
    _, domain, line = min(found, key=lambda x: x[0])
    return {domain: line}


def _bands(levels: Sequence[str]) -> Bands | None:
    """Read levels as spans of whole years without a gap, the last of them open; None where they are something else."""
    bands: Bands = {}
    for level in levels:
        if span := SPAN.fullmatch(level):
            bands[level] = int(span[1]), int(span[2])
        elif span := OPEN.fullmatch(level):
            bands[level] = int(span[1]), OLDEST
            # What follows the open band only adds others up.
            break
        else:
            return None
    joined = all(low == high + 1 for (_, high), (low, _) in pairwise(bands.values()))
    return bands if len(bands) > 1 and joined else None


def _years(column: pd.Series, about: Column) -> pd.Series:
    numbers = pd.to_numeric(column, errors="coerce").dropna()
    return numbers[~numbers.isin([float(c) for c in _no_answers(about) if c])]


def _no_answers(column: Column) -> list[str]:
    """Return the codes of a column of numbers that are none: those labelled or declared missing, and empty cells."""
    given = dict.fromkeys((*column.labels, *column.looks_missing, *column.missing))
    return [*([""] if column.empty else []), *(c for c in given if NUMBER.fullmatch(c))]


def _named_alike(subject: str, column: Column) -> float:
    """Say how surely a column is of a subject, by its label or its name; 0 when neither speaks of it."""
    said, name = words(column.label), column.name.lower()
    if subject in said:
        return 2.0 - said.index(subject) / len(said)
    return 1.0 if subject in words(column.name) else 0.5 if name.startswith(subject) and len(name) <= 5 else 0.0


def _above(years: pd.Series, bands: Bands) -> float | None:
    """Return how far the youngest lie above the first band's beginning; None where the numbers are no such years."""
    (first, _), (_, last) = next(iter(bands.values())), list(bands.values())[-1]
    inside = years[years.between(first, last)]
    if len(inside) < max(SMALL, WITHIN * len(years)) or bool((inside % 1 != 0).any()):
        return None
    above = float(inside.min()) - first
    return above if above <= YOUNGEST_ABOVE and inside.between(*list(bands.values())[-1]).any() else None


def _banded(column: Column, bands: Bands, catalogue: Catalogue) -> Line:
    value: dict[str, object] = {"column": column.name, "bands": {b: list(span) for b, span in bands.items()}}
    missing, unknown = missing_by_label(_no_answers(column), column, catalogue)
    if missing:
        value["missing"] = missing
    notes = [f"code {code} is no age: put it under missing" for code in unknown]
    notes += [EMPTY] if "" in missing else []
    return Line(value, "low", "whole years; the bands begin where the youngest do", tuple(notes))


def missing_by_label(
    codes: Sequence[str], column: Column, catalogue: Catalogue
) -> tuple[dict[str, m.MissingReason], list[str]]:
    """Part codes into those whose label names a reason of missingness, with it, and the others.

    An empty cell is taken for not stated. Where a question was not asked of all it is something else, which no file
    says: whoever proposes it adds `EMPTY`.

    Parameters
    ----------
    codes : sequence of str
        "" for an empty cell.
    column : Column
    catalogue : Catalogue
        Its rules hold the words for each reason.

    Returns
    -------
    dict of str to str, list of str
        Reasons by code; the codes that are left.
    """
    reasons: dict[str, m.MissingReason | None] = {
        c: reason_named(column.labels.get(c, ""), catalogue.rules.codebook) if c else "not_stated" for c in codes
    }
    return {c: r for c, r in reasons.items() if r is not None}, [c for c, r in reasons.items() if r is None]
