"""Match the columns asked for to those a file has.

Belongs here: resolving names, letter case ignored, with what a message says of those that are not there.
Not here: reading a file, or which columns a wave needs (ingest).
"""

import difflib
import fnmatch
from collections.abc import Mapping, Sequence

from engagement_stats.errors import IngestError, listed


def _plain(name: str) -> str:
    """Return a name as names are compared: a header of a sheet may be broken over lines where nobody sees it."""
    return " ".join(name.split()).lower()


def _by_lower(present: Sequence[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name in present:
        found.setdefault(_plain(name), []).append(name)
    return found


def resolve(
    where: str, present: Sequence[str], wanted: Sequence[str], named_at: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Match wanted names to a file's columns, letter case and runs of blanks ignored.

    Parameters
    ----------
    where : str
        What a message names.
    present : sequence of str
        The file's columns, as it spells them.
    wanted : sequence of str
    named_at : mapping of str to str, optional
        Where a name comes from, for whoever is to correct it.

    Returns
    -------
    dict of str to str
        Wanted name to the column as the file spells it, in the order wanted.

    Raises
    ------
    IngestError
        A name is not there (with those like it), or is there twice.
    """
    exact, by_lower = set(present), _by_lower(present)
    found, missing = {}, []
    for name in wanted:
        candidates = [n for n in present if n == name] if name in exact else by_lower.get(_plain(name), [])
        if not candidates:
            missing.append(name)
        elif len(candidates) > 1:
            raise IngestError(
                f"{where}: column {name} is there {len(candidates)} times, letter case ignored. "
                f"Got {listed(candidates)}; expected one. Rename all but one in a copy of the file."
            )
        else:
            found[name] = candidates[0]
    if missing:
        near = {n: difflib.get_close_matches(_plain(n), list(by_lower), n=2, cutoff=0.75) for n in missing[:5]}
        hints = "; ".join(f"{n} is like {', '.join(by_lower[x][0] for x in v)}" for n, v in near.items() if v)
        shown = [f"{n} ({named_at[n]})" if named_at and n in named_at else n for n in missing]
        raise IngestError(
            f"{where}: {len(missing)} column(s) are not in the file. Missing: {listed(shown)}; the file has "
            f"{len(present)} columns.{f' Perhaps {hints}.' if hints else ''} Correct the names, in the "
            "catalogue where they come from there, or use the edition of the file that has them."
        )
    return found


def chosen(
    where: str,
    present: Sequence[str],
    wanted: Sequence[str] | None,
    optional: Sequence[str],
    patterns: Sequence[str],
    named_at: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """Match what a reading asks for: every column, or those wanted, optional ones that are there, and patterns.

    Returns
    -------
    dict of str to str
        The name asked by to the column as the file spells it; of a pattern, both are the file's name.

    Raises
    ------
    IngestError
        See `resolve`.
    """
    if wanted is None:
        return resolve(where, present, [n for n in present if n.strip()])
    lower = set(_by_lower(present))
    there = [n for n in optional if _plain(n) in lower]
    matching = [n for n in present if any(fnmatch.fnmatchcase(_plain(n), p.lower()) for p in patterns)]
    return resolve(where, present, list(dict.fromkeys([*wanted, *there, *matching])), named_at)
