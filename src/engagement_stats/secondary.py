"""Hide more cells, so that those that must be hidden do not follow from what is shown.

Belongs here: choosing the smallest cells to hide beside the others.
Not here: what must be hidden in the first place (disclose), what a reader can work out (attack, additive).
Methods: docs/disclosure.md#secondary-suppression
"""

from dataclasses import dataclass

import numpy as np

from engagement_stats.additive import Relations
from engagement_stats.attack import BASE, FLOOR, Finding, placed
from engagement_stats.catalogue import model as m
from engagement_stats.cells import Layout
from engagement_stats.errors import DisclosureError

# Rounds in which single cells are added for what the attack finds, before a level is hidden for every indicator, and
# before an indicator is hidden altogether.
GENTLE, FIRM, ALL = 2, 6, 10


@dataclass(frozen=True, eq=False)
class _Counts:
    """What must not be worked out of hidden cells, each of shape (indicators, cells): bases and numerators.

    `sums` are those of which a hidden part must hold ten at least; `cost` is what hiding a cell takes from readers.
    Only those of `free` can be hidden: left-overs have no row.
    """

    sums: tuple[np.ndarray, ...]
    cost: np.ndarray
    exists: np.ndarray
    free: np.ndarray


def chosen(
    layout: Layout, numerator: np.ndarray, primary: np.ndarray, few: np.ndarray, rules: m.DisclosureRules
) -> tuple[np.ndarray, np.ndarray]:
    """Choose the cells to hide so that none of the primary ones, nor themselves, can be worked out.

    Parameters
    ----------
    layout : Layout
        With every number of the wave.
    numerator : ndarray, shape (indicators, cells)
        Respondents who count; null for a mean.
    primary, few : ndarray of bool, shape (indicators, cells)
        Cells that must be hidden, and those of them marked "[u]".
    rules : DisclosureRules

    Returns
    -------
    tuple of ndarray of bool, shape (indicators, cells)
        The primary cells and those hidden beside them, and which are to be marked "[u]": of each sum two at least,
        together ten respondents at least in base, numerator and complement, and nothing that the attack finds. The
        smallest cells are taken first; the total of a sum only where all of its members are hidden already. A cell in
        which nobody answered needs no protection.

    Notes
    -----
    Source: greedy choice with repair by the attacker's linear programs; Hundepool et al. (2012), Statistical
    Disclosure Control, ch. 4. Not the least possible loss, which is NP-hard.
    Verified: nothing is recoverable from generated releases, tests/test_secondary.py.
    """
    yes, no = layout.counts(np.zeros_like(primary))
    number = layout.with_left_over(numerator)
    counts = _Counts((layout.base, number, layout.base - number, yes, no), layout.base, layout.exists, layout.is_row)
    few = _shared(layout, few)
    hidden = primary | few | _bare(layout, number, rules)
    for turn in range(ALL + 4):
        hidden = _balanced(layout, counts, hidden, few)
        finding = placed(layout, hidden, few, rules)
        if not finding.any.any():
            return hidden & layout.is_row, few
        hidden = _repaired(layout, finding, hidden, turn, rules.min_base)
    raise DisclosureError(
        f"{layout.wave}: no choice of hidden cells keeps the suppressed ones safe. Leave out a crossed domain of this "
        "wave in its catalogue entry."
    )


def _bare(layout: Layout, numerator: np.ndarray, rules: m.DisclosureRules) -> np.ndarray:
    """Return the left-overs that would have to be withheld if they had a row, but for those of a total of nobody."""
    theirs = layout.exists & ~layout.is_row & (layout.base >= 1)
    with np.errstate(invalid="ignore"):
        least = np.fmin(numerator, layout.base - numerator)
        small = theirs & ((layout.base < rules.min_base) | (least > 0) & (least < FLOOR))
        total = layout.plain.total[~layout.plain.follows]
        nobody = np.fmin(numerator, layout.base - numerator)[:, total] == 0
    small[:, layout.listed :] &= ~nobody
    return np.asarray(small & layout.is_group(rules))


def _shared(layout: Layout, few: np.ndarray) -> np.ndarray:
    """Extend a mark of a small base to all questions put to the same people.

    Nearly all who were asked answered, so the base of another question, or its other mark, would tell this one.
    """
    out = few.copy()
    for group in range(int(layout.group.max()) + 1):
        mine = layout.group == group
        given = (few[mine] & (layout.missing[mine] < FLOOR)).any(axis=0)
        out[mine] |= given[None, :] & layout.exists[mine] & (layout.missing[mine] < FLOOR)
    return out


def _balanced(layout: Layout, counts: _Counts, hidden: np.ndarray, few: np.ndarray) -> np.ndarray:
    """Hide cells until every sum is safe, those of the respondents asked first: all indicators share them."""
    while True:
        before = int(hidden.sum())
        for group in range(int(layout.group.max()) + 1):
            mine = np.flatnonzero(layout.group == group)
            hidden[np.ix_(mine, _asked_hidden(layout, mine, hidden, few))] = True
            hidden[mine] &= layout.exists[mine]
        hidden = _filled(layout.sums, counts, hidden)
        if int(hidden.sum()) == before:
            return hidden


def _asked_hidden(layout: Layout, mine: np.ndarray, hidden: np.ndarray, few: np.ndarray) -> np.ndarray:
    """Return the cells to hide for all indicators of one weight, whose bases would otherwise give a small one away.

    A base that is not marked as few is no secret, so only the sums that lead to one that is are looked at.
    """
    # How many are left over is no secret of theirs.
    exists = layout.is_row[mine]
    asked = np.where(exists, np.nan_to_num(layout.asked[mine]), 0.0).max(axis=0)[None, :]
    somebody = asked > 0
    given = (few[mine] & (layout.missing[mine] < FLOOR)).any(axis=0)
    unknown = ((exists <= hidden[mine]).all(axis=0) | given) & exists.any(axis=0)
    counts = _Counts((asked,), asked, somebody, somebody)
    sums, touched = layout.sums.bare, few[mine].any(axis=0)
    parts = np.abs(sums.signs)
    while True:
        near = (parts @ touched.astype(float)) > 0
        unknown = _filled(sums.of(near), counts, unknown[None, :])[0]
        more = touched | (unknown & (parts[np.flatnonzero(near)].sum(axis=0) > 0))
        if (more == touched).all():
            return np.flatnonzero(unknown)
        touched = more


def _filled(sums: Relations, counts: _Counts, hidden: np.ndarray) -> np.ndarray:
    """Hide the smallest cells of each sum that would give a hidden one away, until none would."""
    sums = sums.bare
    members = sums.signs.maximum(0).tocsr()
    spans = [members.indices[a:b] for a, b in zip(members.indptr[:-1], members.indptr[1:], strict=True)]
    hidden = hidden.copy()
    base = np.where(counts.exists, np.nan_to_num(counts.cost), 0.0)
    held = [np.where(counts.exists, np.nan_to_num(v), 0.0) for v in counts.sums]
    before = -1
    # Where nothing is left to hide, whether it is enough is for the attack to say.
    while int(hidden.sum()) > before:
        before = int(hidden.sum())
        bare = _unsafe(sums, counts, hidden, base, held)
        for table, relation in bare:
            place, total = spans[relation], sums.total[relation]
            free = place[counts.free[table, place] & ~hidden[table, place] & (base[table, place] > 0)]
            inside = place[hidden[table, place] & (base[table, place] > 0)]
            want = [FLOOR - v[table, inside].sum() if v[table, total] > 0 else 0.0 for v in held]
            over = hidden[table, total] and base[table, total] > 0
            want = [0.0 if over else w for w in want]
            if len(inside) + over > 1 and max(want) <= 0:  # made safe by an earlier one of this round
                continue
            if not len(free):
                hidden[table, total] = True
                continue
            order = free[np.lexsort((free, base[table, free]))]
            enough = np.all([v[table, order] >= w for v, w in zip(held, want, strict=True)], axis=0)
            hidden[table, order[enough][0] if enough.any() else order[-1]] = True
    return hidden


def _unsafe(
    sums: Relations, counts: _Counts, hidden: np.ndarray, base: np.ndarray, held: list[np.ndarray]
) -> np.ndarray:
    """List the sums, by table and relation, of which one hidden cell or too few respondents are left to guess."""
    away = hidden & (base > 0)
    members = sums.signs.maximum(0).T
    inside = away.astype(float) @ members
    total_hidden, there = away[:, sums.total], counts.exists[:, sums.total]
    alone = inside + total_hidden == 1
    thin = np.zeros(inside.shape, bool)
    for value in held:
        part = np.where(away, value, 0.0) @ members
        thin |= (part < FLOOR) & (value[:, sums.total] > 0)
    # With the total hidden too, there is nothing to take the shown ones from.
    bad = there & (alone | (thin & (inside > 0) & ~total_hidden))
    # A lone hidden total, or a lone member under a hidden one: nothing is left to hide when every member is.
    free = (counts.free & ~hidden & (base > 0)).astype(float) @ members
    return np.argwhere(bad & ((free > 0) | ~total_hidden))


def _repaired(layout: Layout, finding: Finding, hidden: np.ndarray, turn: int, min_base: int) -> np.ndarray:
    """Hide one more cell in every sum of each cell that the attack places, and what else places it.

    A base that is not marked as few is known to reach `min_base`, so only what it has beyond gives others room.
    """
    members = layout.sums.signs.maximum(0).tocsr()
    size = np.abs(layout.sums.signs).tocsc()
    base = np.nan_to_num(layout.base)
    hidden = hidden.copy()
    for table, cell in np.argwhere(finding.any):
        group = layout.group == layout.group[table]
        if turn >= ALL:
            hidden[group] |= layout.is_row[group]
        elif turn >= FIRM:
            hidden[table] |= layout.is_row[table]
        if turn >= GENTLE or (finding.placed[BASE][table, cell] and layout.missing[table, cell] < FLOOR):
            hidden[group, cell] |= layout.is_row[group, cell]
        if finding.by_others[table, cell] or turn > 0:
            linked = _linked(layout, table)
            hidden[linked, cell] |= layout.is_row[linked, cell]
        beside = size.indices[size.indptr[cell] : size.indptr[cell + 1]]
        for relation in beside:
            place = members.indices[members.indptr[relation] : members.indptr[relation + 1]]
            free = place[layout.is_row[table, place] & ~hidden[table, place] & (base[table, place] > 0)]
            if len(free):
                tight = base[table, free] < min_base + FLOOR
                hidden[table, free[np.lexsort((free, base[table, free], tight))[0]]] = True
    return hidden


def _linked(layout: Layout, table: int) -> np.ndarray:
    """Return the indicators that imply one, or follow from it."""
    pairs = layout.links[:, [0, 2]]
    return np.unique(pairs[(pairs == table).any(axis=1)])
