"""Know which released numbers add up to which.

Belongs here: the sums a reader can work out: a domain and the whole, crossed domains and their margins, a level and its
rest, small areas and the areas that hold them.
Not here: the range of a hidden number under them (bounds), what must be hidden (disclose), what is hidden beside it
(secondary).
Methods: docs/disclosure.md
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import permutations

import numpy as np
import pandas as pd
from scipy import sparse

from engagement_stats.catalogue import CROSS, LEVEL_SEPARATOR, REST

Cell = tuple[str, str]
WHOLE: Cell = ("all", "all")
NESTING = ["inner", "inner_level", "outer", "outer_level"]


@dataclass(frozen=True, eq=False)
class Relations:
    """Sums over cells: the members of each add up to its total, but for those left out of the division.

    `signs` has a row for each relation, shape (relations, cells): 1 for a member, -1 for the total. `total` is the
    place of the total among the cells; `inherits` that of the relation whose left-out respondents bound this one's
    (-1: none): whoever has no level of a domain is missing from every table crossed with it. `follows` marks sums
    that others make together, such as all small areas and the whole, where the areas that hold them are there, and
    `nests` those by which levels of one domain make up a level of another.
    """

    cells: tuple[Cell, ...]
    signs: sparse.csr_array
    total: np.ndarray
    inherits: np.ndarray
    follows: np.ndarray
    nests: np.ndarray

    @property
    def bare(self) -> "Relations":
        """Only the sums that do not follow from others; nothing inherits."""
        return self.of(~self.follows)

    def of(self, flags: np.ndarray) -> "Relations":
        """Only these sums; nothing inherits."""
        keep = np.flatnonzero(flags)
        none = np.full(len(keep), -1)
        return Relations(self.cells, self.signs[keep], self.total[keep], none, self.follows[keep], self.nests[keep])


def nesting(responses: pd.DataFrame, domains: Sequence[str]) -> pd.DataFrame:
    """Say which levels of one domain make up which level of another: no respondent at them is at any other of it.

    Parameters
    ----------
    responses : DataFrame, shape (n respondents, variables)
    domains : sequence of str
        Crossed domains are left out.

    Returns
    -------
    DataFrame
        inner, inner_level, outer, outer_level: a local authority and its region. Anybody can add such areas up. Of two
        levels of the same people one is said to make up the other.

    Examples
    --------
    >>> areas = pd.DataFrame({"town": ["a", "b", "c"], "county": ["N", "N", "S"]})
    >>> nesting(areas, ["town", "county"])[["inner_level", "outer_level"]].values.tolist()
    [['a', 'N'], ['b', 'N'], ['c', 'S']]
    """
    single = [d for d in domains if d in responses]
    # Which of two levels of the same people makes up the other is a matter of order only: the finer domain's.
    order = {d: (responses[d].nunique(), place) for place, d in enumerate(single)}
    rows: list[tuple[str, str, str, str]] = []
    for inner, outer in permutations(single, 2):
        both = responses[[inner, outer]].dropna().drop_duplicates().sort_values([outer, inner])
        lies = ~both[inner].duplicated(keep=False)
        for level, inside in both.assign(lies=lies).groupby(outer, sort=True):
            same = len(inside) == 1 and order[inner] < order[outer]
            if inside["lies"].all() and not same:
                rows += [(inner, str(a), outer, str(level)) for a in inside[inner]]
    return pd.DataFrame(rows, columns=NESTING)


def relations(cells: Sequence[Cell], nested: pd.DataFrame | None = None) -> Relations:
    """List every sum among the cells of a wave.

    Parameters
    ----------
    cells : sequence of (domain, level)
    nested : DataFrame, optional
        As `nesting` returns it.

    Returns
    -------
    Relations
    """
    place = {c: i for i, c in enumerate(cells)}
    families: dict[str, list[Cell]] = {}
    for cell in cells:
        families.setdefault(cell[0], []).append(cell)
    found: dict[tuple[Cell, str], list[Cell]] = {}
    far: set[tuple[Cell, str]] = set()
    for domain, members in families.items():
        if domain.startswith(REST):
            inner = domain.removeprefix(REST)
            for cell in members:
                if (inner, cell[1]) in place:
                    found[WHOLE, f"{inner}={cell[1]}"] = [(inner, cell[1]), cell]
        elif domain != WHOLE[0]:
            for name, between, cells_inside, total in _sums(domain, members, families):
                found[total, name] = cells_inside
                far |= {(total, name)} if between else set()
    made_up = _made_up(nested, families) if nested is not None else {}
    found |= made_up
    known = {k: v for k, v in found.items() if k[0] in place}
    order = {k: i for i, k in enumerate(known)}
    rows, columns, data = [], [], []
    for (total, _), i in order.items():
        members = known[total, _]
        rows += [i] * (len(members) + 1)
        columns += [*(place[c] for c in members), place[total]]
        data += [1.0] * len(members) + [-1.0]
    signs = sparse.csr_array((data, (rows, columns)), shape=(len(order), len(cells)))
    held = {
        inner for inner, outer in permutations(families, 2)
        if (WHOLE, outer) in known and all((c, _nest(inner, outer)) in made_up for c in families[outer])
    }  # fmt: skip
    # People in a total and in none of its members lack a level of the domain that names the relation.
    inherits = [order.get((WHOLE, name.split("=")[0]), -1) for _, name in order]
    return Relations(
        tuple(cells),
        signs,
        np.array([place[t] for t, _ in order], dtype=np.intp),
        np.array([-1 if j == i else j for i, j in enumerate(inherits)], dtype=np.intp),
        np.array([k in far or (k[0] == WHOLE and k[1] in held) for k in order], dtype=bool),
        np.array([k in made_up for k in order], dtype=bool),
    )


def _nest(inner: str, outer: str) -> str:
    """Name the sums by which levels of one domain make up those of another."""
    return f"{inner}=in {outer}"


def _made_up(nested: pd.DataFrame, families: dict[str, list[Cell]]) -> dict[tuple[Cell, str], list[Cell]]:
    """Add levels up to the level they make up, and likewise where both domains are crossed with the same others."""
    found: dict[tuple[Cell, str], list[Cell]] = {}
    in_order = {tuple(sorted(d.split(CROSS))): d for d in families if not d.startswith(REST)}
    for (inner, outer), rows in nested.groupby(["inner", "outer"], sort=False):
        inside = rows.groupby("outer_level")["inner_level"].agg(set).to_dict()
        for domain in [d for d in families if outer in d.split(CROSS) and not d.startswith(REST)]:
            finer = in_order.get(tuple(sorted(inner if p == outer else p for p in domain.split(CROSS))))
            if finer is None or finer == domain:
                continue
            by_others: dict[tuple[str, ...], list[tuple[str, Cell]]] = {}
            for cell in families[finer]:
                level, others = _apart(cell, inner)
                by_others.setdefault(others, []).append((level, cell))
            for total in families[domain]:
                level, others = _apart(total, outer)
                members = [c for x, c in by_others.get(others, []) if x in inside.get(level, ())]
                if members:
                    found[total, _nest(inner, outer)] = members
    return found


def _apart(cell: Cell, part: str) -> tuple[str, tuple[str, ...]]:
    """Return the level of one domain of a crossed cell, and those of the others, by their names."""
    levels = dict(zip(cell[0].split(CROSS), cell[1].split(LEVEL_SEPARATOR), strict=True))
    own = levels.pop(part)
    return own, tuple(f"{k}={levels[k]}" for k in sorted(levels))


def _sums(domain: str, members: list[Cell], families: Iterable[str]) -> Iterator[tuple[str, bool, list[Cell], Cell]]:
    """Add the levels of a domain up to the whole, or those of a crossed one to each margin that is there.

    Given are the name of each sum, whether it follows from others (two margins on, by way of the one between), its
    members and its total. The order in which a crossed domain names its parts does not matter.
    """
    parts = domain.split(CROSS)
    margins = {f: set(f.split(CROSS)) for f in families if not f.startswith(REST) and set(f.split(CROSS)) < set(parts)}
    if not margins:
        yield domain, False, members, WHOLE
    for margin, its in margins.items():
        name = f"{CROSS.join(p for p in parts if p not in its)}=of {domain}"
        follows = any(its < others for others in margins.values())
        inside: dict[str, list[Cell]] = {}
        for cell in members:
            levels = dict(zip(parts, cell[1].split(LEVEL_SEPARATOR), strict=True))
            inside.setdefault(LEVEL_SEPARATOR.join(levels[p] for p in margin.split(CROSS)), []).append(cell)
        yield from ((name, follows, cells, (margin, level)) for level, cells in inside.items())
