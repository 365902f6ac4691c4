"""Build a wave's entry upon another's, so that what many waves of a survey share is written once.

Belongs here: merging the YAML of a wave with that of the wave it is `based_on`, before either is validated, and
remembering from which file each line came.
Not here: what a valid entry is (model), and references to other entries (load).

What a wave gives replaces what its base has. `variables`, `places`, `indicators` and `design` are merged by name, each
entry whole; `unverified` is added to; what describes one wave alone (OWN) is never taken over. `without` removes.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

BY_NAME = ("variables", "places", "indicators", "design")
JOINED = "unverified"
OWN = ("label", "source", "fieldwork", "file", "workbook", "note", "published_as")
REMOVABLE = ("variables", "places", "indicators", "domains", JOINED)
CROSS = "*"

Add = Callable[[str, str], None]
Content = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Resolved:
    """A wave's entry, whole. `base` is the wave it is based on; `origins` names the wave in whose file a line stands.

    The keys of `origins` are "mode" or "variables.sex"; lines of the wave's own file are not among them.
    """

    content: Content
    base: str | None = None
    origins: Mapping[str, str] = field(default_factory=dict)


def resolve(entries: Mapping[str, Content], add: Add) -> dict[str, Resolved]:
    """Make every entry whole.

    Parameters
    ----------
    entries : mapping of str to dict
        Wave id to the content of its file.
    add : callable
        Told of each problem: the place, and what is wrong. An entry with a problem is left out of the result, and
        so is what is based on it.

    Returns
    -------
    dict of str to Resolved
        In the order of `entries`.

    Examples
    --------
    >>> earlier = {"kind": "microdata", "mode": "web", "variables": {"sex": {"column": "sex"}}}
    >>> later = {"based_on": "poll_2018", "label": "2020", "variables": {"age": {"column": "age"}}}
    >>> whole = resolve({"poll_2018": earlier, "poll_2020": later}, print)["poll_2020"]
    >>> whole.content["variables"], whole.origins["variables.sex"]
    ({'sex': {'column': 'sex'}, 'age': {'column': 'age'}}, 'poll_2018')
    """
    done: dict[str, Resolved | None] = {}
    for wave in entries:
        _resolve(wave, entries, done, (), add)
    return {wave: whole for wave in entries if (whole := done[wave]) is not None}


def _resolve(
    wave: str, entries: Mapping[str, Content], done: dict[str, Resolved | None], path: tuple[str, ...], add: Add
) -> Resolved | None:
    if wave in done:
        return done[wave]
    content = entries[wave]
    where = f"waves/{wave}.yaml"
    base = content.get("based_on")
    done[wave] = None
    if base is None:
        if "without" in content:
            add(where, "without removes lines of the wave that based_on names, and there is no based_on.")
        else:
            done[wave] = Resolved({k: v for k, v in content.items() if k != "based_on"})
    elif base not in entries:
        add(where, f'based_on: "{base}" is not a wave of the catalogue.')
    elif base in (*path, wave):
        add(where, f"based_on goes round in a circle: {' on '.join([*path, wave, base])}.")
    else:
        below = _resolve(base, entries, done, (*path, wave), add)
        done[wave] = None if below is None else _merged(wave, content, base, below, add)
    return done[wave]


def _merged(wave: str, content: Content, base: str, below: Resolved, add: Add) -> Resolved | None:
    where = f"waves/{wave}.yaml (based on waves/{base}.yaml)"
    problems: list[str] = []
    if {below.content.get("kind"), content.get("kind", "microdata")} != {"microdata"}:
        problems.append("based_on is for waves of respondents' files; both must be of kind microdata.")
    own = {k: v for k, v in content.items() if k not in ("based_on", "without")}
    for section in BY_NAME:
        if not isinstance(own.get(section, {}), dict):
            problems.append(f"{section} is not a mapping of names.")
    kept = _reduced(below.content, content.get("without", {}), own, problems)
    if problems:
        for problem in problems:
            add(where, problem)
        return None
    whole: Content = {}
    origins: dict[str, str] = {}
    for key in dict.fromkeys([*kept, *own]):
        inherited, given = kept.get(key), own.get(key)
        if key in BY_NAME:
            whole[key] = {**(inherited or {}), **(given or {})}
            for name in whole[key]:
                if name not in (given or {}):
                    origins[f"{key}.{name}"] = below.origins.get(f"{key}.{name}", base)
        elif key == JOINED and isinstance(inherited, list) and isinstance(given, list):
            whole[key] = [*inherited, *given]
        elif key in own:
            whole[key] = given
        else:
            whole[key] = inherited
            origins[key] = below.origins.get(key, base)
    return Resolved(whole, base, origins)


def _reduced(content: Content, without: object, own: Content, problems: list[str]) -> Content:
    """Return what a wave takes over from its base: all but what describes that wave alone and what is removed."""
    kept = {k: v for k, v in content.items() if k not in OWN}
    if not isinstance(without, dict):
        problems.append("without is not a mapping of variables, places, indicators, domains and unverified to names.")
        return kept
    for section, names in without.items():
        if section not in REMOVABLE:
            problems.append(f'without: "{section}" is not one of {", ".join(REMOVABLE)}.')
        elif not isinstance(names, list) or not all(isinstance(n, str) for n in names):
            problems.append(f"without.{section} is not a list of names.")
        elif section in (JOINED, "domains"):
            kept[section] = _fewer(section, kept.get(section) or [], names, problems)
        else:
            have = kept.get(section) or {}
            problems += [f'without.{section}: "{n}" is not in the base.' for n in names if n not in have]
            again = [n for n in names if n in (own.get(section) or {})]
            problems += [f'without.{section}: "{n}" is also given here, which replaces it anyway.' for n in again]
            kept[section] = {k: v for k, v in have.items() if k not in names}
    return kept


def _fewer(section: str, lines: list[str], names: list[str], problems: list[str]) -> list[str]:
    """Remove lines of a list: of `unverified` those that begin as said, of `domains` the divisions that use a name."""
    left = list(lines)
    for name in names:
        if section == JOINED:
            gone = [line for line in left if line.startswith(name)]
        else:
            gone = [line for line in left if name in (line, *line.split(CROSS))]
        if not gone or (section == JOINED and len(gone) > 1):
            said = "begins" if section == JOINED else "is"
            problems.append(f'without.{section}: {len(gone)} lines of the base {said} "{name}"; expected one.')
        left = [line for line in left if line not in gone]
    return left
