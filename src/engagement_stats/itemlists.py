"""Find lists of items among the names of columns: Q5ai to Q5axiii, cu041 to cu0413, La to Lp.

Belongs here: reading a name as a stem and a place in a list. Not here: which list is which question (likeness).
"""

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

SHORTEST_LIST = 4
ROMAN = {"i": 1, "v": 5, "x": 10}


def _endings(name: str) -> Iterator[tuple[str, int]]:
    """Read a name as stem and place in a list, in every way it can be read."""
    lower = name.lower()
    for size in (1, 2):
        if len(lower) > size and lower[-size:].isdigit() and not lower[-size:].startswith("0"):
            yield lower[:-size], int(lower[-size:])
    if len(lower) > 1 and lower[-1].isalpha():
        yield lower[:-1], ord(lower[-1]) - ord("a") + 1
    if (roman := re.search(r"[ivx]+$", lower)) and roman.start() > 0:
        for start in range(roman.start(), len(lower)):
            yield lower[:start] + "~", _roman(lower[start:])


def _roman(text: str) -> int:
    values = [ROMAN[c] for c in text]
    return sum(-v if v < after else v for v, after in pairwise([*values, 0]))


def find(names: Sequence[str]) -> dict[str, list[str]]:
    """Find lists of items: names side by side that count 1, 2, 3 in figures, letters or Roman numerals.

    Returns
    -------
    dict of str to list of str
        Stem to the names, in order; lists shorter than `SHORTEST_LIST` are left out.
    """
    places: dict[str, dict[int, tuple[int, str]]] = {}
    for position, name in enumerate(names):
        for stem, number in _endings(name):
            places.setdefault(stem, {}).setdefault(number, (position, name))
    found = {}
    for stem, members in places.items():
        run: list[tuple[int, str]] = []
        while (following := members.get(len(run) + 1)) and (not run or following[0] == run[-1][0] + 1):
            run.append(following)
        if len(run) >= SHORTEST_LIST:
            found[stem] = [name for _, name in run]
    return found
