"""Write a proposed wave as the text of a catalogue entry, each guess with its confidence and its reason beside it.

Belongs here: the layout of the text, and what a person must still say.
Not here: what is proposed (propose), and what a valid entry is (catalogue).

What a file cannot tell stands as TO-BE-CONFIRMED, which the catalogue refuses: nobody can use the entry before every
such line was answered.
"""

import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import replace

import yaml

from engagement_stats.catalogue import Catalogue
from engagement_stats.catalogue import model as m
from engagement_stats.catalogue.entry import ASK
from engagement_stats.inspection import printable
from engagement_stats.proposed import ABSENT, Line, Proposal
from engagement_stats.roles import Confidence

# The short form is written when at least this share of the variables stands as in the nearest wave.
ALIKE = 0.6
WIDTH, ENDLESS = 110, 1_000_000


def text(proposal: Proposal, catalogue: Catalogue) -> str:
    """Return the text of the proposed entry.

    Parameters
    ----------
    proposal : Proposal
    catalogue : Catalogue

    Returns
    -------
    str
        YAML. Where most lines stand as in the nearest wave, it is based on that wave and holds the others only.
    """
    near = catalogue.microdata_waves[proposal.near] if proposal.near is not None else None
    short = near is not None and len(_same(proposal, near)) >= ALIKE * max(len(near.variables), 1)
    lines = [
        *_head(proposal, short=short),
        *_about(proposal, near, catalogue, short=short),
        *_file(proposal),
        *_sections(proposal, near, short=short),
        *_unverified(proposal),
    ]
    return "\n".join(lines) + "\n"


def _same(proposal: Proposal, near: m.MicrodataWave) -> list[str]:
    """Return the variables whose line is that of the nearest wave, letter case of the column ignored."""
    return [v for v, line in proposal.variables.items() if v in near.variables and _as_in(line, near.variables[v])]


def _as_in(line: Line, variable: m.Variable) -> bool:
    value = dict(line.value) if isinstance(line.value, dict) else {}
    theirs = variable.model_dump(mode="json", exclude_defaults=True, exclude={"note", "labels_differ"})
    column = str(value.pop("column", "")).lower()
    return column == str(theirs.pop("column")).lower() and _plain(value) == _plain(theirs) and not line.notes


def _plain(value: object) -> object:
    """Make lists of tuples and text of keys, so that two ways of holding one entry compare equal."""
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in value.items()}
    return [_plain(v) for v in value] if isinstance(value, list | tuple) else value


def _scalar(value: object) -> str:
    """Write a value on one line as YAML."""
    # "Yes" and "No" are words to this project's reader of YAML, so they need no quotes.
    if isinstance(value, str) and value in ("Yes", "No"):
        return value
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_scalar(k)}: {_scalar(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_scalar(v) for v in value) + "]"
    # A line break needs double quotes to stay on the line; within brackets a comma or bracket needs quotes, too.
    style = '"' if isinstance(value, str) and not value.isprintable() else None
    written = yaml.safe_dump([value], default_flow_style=True, default_style=style, allow_unicode=True, width=ENDLESS)
    return written.removeprefix("[").removesuffix("\n").removesuffix("]")


def _note(words: str, indent: str = "") -> Iterator[str]:
    """Write a comment, over several lines where it is long."""
    yield from (f"{indent}# {row}" for row in textwrap.wrap(printable(words), WIDTH - len(indent)))


def _entry(name: str, line: Line, indent: str) -> Iterator[str]:
    """Write one line with its confidence and reason, and its notes above it."""
    for note in line.notes:
        yield from _note(note, indent)
    written = list(_block(name, ASK if line.value is None else line.value, indent))
    said = printable(f"{line.confidence or ASK}: {line.reason}")
    if len(written) == 1 and len(written[0]) + len(said) + 4 <= WIDTH:
        yield f"{written[0]}  # {said}"
    else:
        yield from _note(said, indent)
        yield from written


def _block(name: str, value: object, indent: str) -> Iterator[str]:
    """Write a value on one line, or a line for each of its parts where it is too long."""
    written = f"{indent}{_scalar(name)}: {_scalar(value)}"
    if len(written) <= WIDTH or not isinstance(value, dict):
        yield written
    else:
        yield f"{indent}{_scalar(name)}:"
        for key, part in value.items():
            yield from _block(key, part, f"{indent}  ")


def _head(proposal: Proposal, *, short: bool) -> Iterator[str]:
    yield f"# PROPOSED by `engagement-stats inspect` for {_scalar(proposal.look.name)}; not checked by anybody yet."
    if proposal.near is None:
        yield from _note(
            "No wave of the catalogue is like this file. Name one with --like, or keep of the variables those that "
            "indicators, with questions of their own, or domains read, and delete the others."
        )
    else:
        yield from _note(
            f"Nearest known wave: {proposal.near}; {proposal.share:.0%} of its variables were found. After # stands "
            "how sure a line is and why: high, medium, low."
        )
    yield from _note(
        f"1. Answer every {ASK}. 2. Hold the other lines against the producer's dictionary, the low and medium ones "
        "first. 3. Save it in waves/ under the wave's id. 4. `engagement-stats check FILE --wave ID`."
    )
    if short:
        yield from _note(f"What is not here is taken over from {proposal.near}.")


def _about(proposal: Proposal, near: m.MicrodataWave | None, catalogue: Catalogue, *, short: bool) -> Iterator[str]:
    if short:
        yield f"based_on: {proposal.near}"
    yield "kind: microdata"
    yield f"label: {ASK}"
    if near is None:
        yield f"survey: {ASK}"
    else:
        if not short:
            yield f"survey: {near.survey}  # as {proposal.near}"
        if near.series is not None:
            yield f"series: {near.series}  # as {proposal.near}; a wave made otherwise has a break or another series"
    yield f"source: {ASK}  # an entry in sources/, with the licence" + (
        f"; {near.source} is {proposal.near}'s" if near else ""
    )
    yield from ("fieldwork:", f"  label: {ASK}", f"  year: {ASK}")
    yield f"mode: {ASK}" + (f"  # {proposal.near} has {near.mode}" if near else "")


def _file(proposal: Proposal) -> Iterator[str]:
    yield "file:"
    look = proposal.look
    yield f"  pattern: [{_scalar(_pattern(look.name))}]"
    yield f"  format: {look.kind}"
    if look.encoding != "utf-8":
        yield f"  encoding: {look.encoding}"
    yield from (f"  {key}: {_scalar(value)}" for key, value in look.declared.items())
    yield f"  sha256: [{look.sha256}]"
    yield f"  columns: {len(look.columns)}"
    if proposal.where is not None:
        yield from _entry("where", proposal.where, "  ")
    yield from _entry("rows", proposal.rows, "  ")


def _pattern(name: str) -> str:
    """Return the pattern that matches just this name."""
    return "".join(f"[{c}]" if c in "*?[" else c for c in name)


def _sections(proposal: Proposal, near: m.MicrodataWave | None, *, short: bool) -> Iterator[str]:
    if short and near is not None:
        yield from _without(proposal, near)
    if not (short and near is not None and _respondent_same(proposal, near)):
        yield "respondent_id:"
        for note in proposal.respondent_id.notes:
            yield from _note(note, "  ")
        value = proposal.respondent_id.value
        for key, held in (value if isinstance(value, dict) else {"columns": [ASK]}).items():
            yield from _entry(key, replace(proposal.respondent_id, value=held, notes=()), "  ")
    yield from _design(proposal, near, short=short)
    same = set(_same(proposal, near)) if short and near is not None else set()
    for names, said in _inherited(proposal, same):
        if names:
            yield from _note(f"{len(names)} variables {said}: {', '.join(names)}.")
    yield from _section("variables", {k: v for k, v in proposal.variables.items() if k not in same}, short)
    if not short:
        for name, why in proposal.lacking.items():
            yield from _note(f"not found: {name}, {why}", "  ")
        yield from _section("indicators", proposal.indicators, short)
        yield from _places(proposal, near)
        lost = [k for k in (near.indicators if near else {}) if k not in proposal.indicators]
        if lost:
            yield from _note(f"left out for want of a variable: {', '.join(lost)}", "  ")
    if not short or (near is not None and _more_domains(proposal, near)):
        yield f"domains: {_scalar([d.value for d in proposal.domains])}"


def _more_domains(proposal: Proposal, near: m.MicrodataWave) -> bool:
    """Say whether the file divides by more than the nearest wave, whose list the entry then cannot take over."""
    return any(d.value not in near.domains for d in proposal.domains)


def _places(proposal: Proposal, near: m.MicrodataWave | None) -> Iterator[str]:
    """Carry over the columns of areas that the file has, and say what else of the nearest wave to think of."""
    present = {c.name.lower(): c.name for c in proposal.look.columns}
    kept = {k: p for k, p in (near.places if near else {}).items() if p.optional or p.column.lower() in present}
    if kept:
        yield "places:"
        for name, place in kept.items():
            value = place.model_dump(mode="json", exclude_defaults=True, exclude={"note"})
            value["column"] = present.get(place.column.lower(), place.column)
            sure: Confidence = "high" if place.column.lower() in present else "medium"
            yield from _entry(name, Line(value, sure, f"as {proposal.near}"), "  ")
    if near is not None and (near.quarantine is not None or near.expects.columns or near.expects.numbers):
        yield from _note(f"{proposal.near} has expects or quarantine: take over what holds for this file too.")


def _inherited(proposal: Proposal, same: set[str]) -> Iterator[tuple[list[str], str]]:
    """Name the variables that the short form leaves to the nearest wave."""
    there = [v for v in proposal.variables if v in same and proposal.variables[v].reason != ABSENT]
    yield there, f"as in {proposal.near}, same columns and codes"
    yield (
        [v for v in proposal.variables if v in same and v not in there],
        f"of {proposal.near} are optional and not here",
    )


def _respondent_same(proposal: Proposal, near: m.MicrodataWave) -> bool:
    line = proposal.respondent_id
    value = line.value if isinstance(line.value, dict) else {}
    return (
        [str(c).lower() for c in value.get("columns", [])] == [c.lower() for c in near.respondent_id.columns]
        and value.get("absent") == near.respondent_id.absent
        and not line.notes
    )


def _section(name: str, lines: Mapping[str, Line], short: bool) -> Iterator[str]:
    if not lines:
        if not short:
            yield f"{name}: {{}}"
        return
    yield f"{name}:"
    for key, line in lines.items():
        yield from _entry(key, line, "  ")


def _design(proposal: Proposal, near: m.MicrodataWave | None, *, short: bool) -> Iterator[str]:
    theirs = {} if near is None else {f"weights.{k}": v for k, v in near.design.weights.items()}
    if near is not None:
        theirs |= {k: v for k, v in (("stratum", near.design.stratum), ("psu", near.design.psu)) if v is not None}
    ours = {k: line.value for k, line in proposal.design.items()}
    if short and {k: str(v).lower() for k, v in ours.items()} == {k: v.lower() for k, v in theirs.items()}:
        return
    yield "design:"
    yield "  weights:"
    for key, line in proposal.design.items():
        if key.startswith("weights."):
            yield from _entry(key.removeprefix("weights."), line, "    ")
    for key in ("stratum", "psu"):
        if key in proposal.design:
            yield from _entry(key, proposal.design[key], "  ")
        elif near is not None and theirs.get(key):
            yield from _note(f"{key}: {theirs[key]} of {proposal.near} is not in the file", "  ")
    if near is not None and near.design.optional and ("stratum" in ours or "psu" in ours):
        yield "  optional: true"


def _without(proposal: Proposal, near: m.MicrodataWave) -> Iterator[str]:
    """Write what the nearest wave has and this one has not."""
    present = {c.name.lower() for c in proposal.look.columns}
    variables = [v for v in proposal.lacking if not near.variables[v].optional]
    places = [k for k, p in near.places.items() if not p.optional and p.column.lower() not in present]
    indicators = [k for k, r in near.indicators.items() if any(v in variables for v in r.variables)]
    kept = [d.value for d in proposal.domains]
    lost = [d for d in near.domains if d not in kept and any(p in variables for p in d.split("*"))]
    domains = [] if _more_domains(proposal, near) else lost
    if not (variables or places or indicators or domains):
        return
    yield "without:"
    removed = {"variables": variables, "places": places, "indicators": indicators, "domains": domains}
    for name, gone in removed.items():
        if gone:
            yield f"  {name}: {_scalar(gone)}"
    for name in variables:
        yield from _note(f"{name}: {proposal.lacking[name]}", "  ")


def _unverified(proposal: Proposal) -> Iterator[str]:
    """Write, as lines that stay with the wave until someone removes them, what rests on a likeness only."""
    yield "unverified:"
    yield "  - That mode, fieldwork and sampling are as given; the file does not state them."
    # Without a known wave the others are the file's own columns, by their own names.
    of_likeness = proposal.variables if proposal.near else [str(d.value) for d in proposal.domains]
    lines = {k: proposal.variables[k] for k in of_likeness}
    guessed = [f"{_column(x)} is {k}" for k, x in lines.items() if x.confidence != "high" and x.reason != ABSENT]
    if guessed:
        yield "  - >-"
        words = f"That the proposal recognised rightly, by likeness and not by name or label: {', '.join(guessed)}."
        yield from textwrap.wrap(words, WIDTH, initial_indent="    ", subsequent_indent="    ")


def _column(line: Line) -> str:
    return str(line.value["column"]) if isinstance(line.value, dict) else ""
