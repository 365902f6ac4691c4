"""Which of several publications of one figure stands, and which it replaced.

Belongs here: the order of figures of one key by the day they were published.
Not here: reading figures (load, workbook) and what is computed from them (tabulate).
"""

from collections.abc import Iterable
from datetime import date
from itertools import pairwise

from engagement_stats.catalogue import model as m


def _by_key(figures: Iterable[m.Figure]) -> dict[tuple[str, str, str, str], list[m.Figure]]:
    found: dict[tuple[str, str, str, str], list[m.Figure]] = {}
    for figure in figures:
        found.setdefault(figure.key, []).append(figure)
    # A figure without a date is alone in its key, or `conflicts` refuses it.
    return {k: sorted(v, key=lambda f: f.published_on or date.min) for k, v in found.items()}


def newest(figures: Iterable[m.Figure]) -> list[m.Figure]:
    """Return the figure of each key that was published last, keys in the order given."""
    return [same[-1] for same in _by_key(figures).values()]


def replaced(figures: Iterable[m.Figure]) -> list[tuple[m.Figure, date]]:
    """Return the figures that a later publication replaced, each with the day that did so."""
    return [
        (old, new.published_on)
        for same in _by_key(figures).values()
        for old, new in pairwise(same)
        if new.published_on is not None
    ]


def conflicts(figures: Iterable[m.Figure]) -> list[tuple[m.Figure, str]]:
    """Say of which keys it cannot be told which figure stands: published twice on one day, or without one.

    Returns
    -------
    list of tuple
        One of the figures of the key, and what is wrong.
    """
    wrong = []
    for same in _by_key(figures).values():
        days = [f.published_on for f in same]
        if len(same) > 1 and None in days:
            wrong.append((same[0], "is given twice, once without published_on. Give each vintage its day."))
        elif len(set(days)) < len(days):
            wrong.append((same[0], "is given twice with the same published_on. Keep one of them."))
    return wrong
