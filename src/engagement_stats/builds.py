"""In how many respondents the estimates of two builds of a wave differ.

Belongs here: the respondents of two builds side by side, and counts of those behind one estimate and not the other.
Not here: which estimates are held against which, and what is made of a count (differencing).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from engagement_stats.catalogue import LEVEL_SEPARATOR

WHO = "who"
ANSWERED, DIVIDED = "answered ", "domain "
# Below this share of respondents in both builds, numbers of respondents were given anew and cannot be held together.
SAME_NUMBERS = 0.5
UNKNOWN = -1


@dataclass(frozen=True, eq=False)
class _Side:
    """One build over the respondents of both: who is in each base, and the level of each variable (-1: not known)."""

    indicators: pd.Index
    bases: np.ndarray
    codes: dict[str, np.ndarray]
    labels: dict[str, pd.Index]

    def coded(self, parts: Sequence[str]) -> tuple[np.ndarray, pd.Index]:
        """Give each level of crossed variables a number and a name; without a variable there is one."""
        codes, labels = np.zeros(len(self.bases), dtype=np.int64), pd.Index(["all"])
        for i, part in enumerate(parts):
            more, names = self.codes[part], self.labels[part]
            known = (codes >= 0) & (more >= 0)
            pairs, place = np.unique(codes[known] * len(names) + more[known], return_inverse=True)
            codes = np.full(len(codes), UNKNOWN, dtype=np.int64)
            codes[known] = place
            outer, inner = np.divmod(pairs, max(1, len(names)))
            said = [
                f"{labels[a]}{LEVEL_SEPARATOR}{names[b]}" if i else names[b] for a, b in zip(outer, inner, strict=True)
            ]
            labels = pd.Index(said, dtype="object")
        return codes, labels


@dataclass(frozen=True, eq=False)
class Differing:
    """Respondents behind one of two estimates only: `counts` of shape (levels, old indicators, new indicators).

    `was` names the level of the old build that each level is held against, null where there is none.
    """

    counts: np.ndarray
    was: np.ndarray


class Builds:
    """Two builds of a wave, respondent by respondent.

    Parameters
    ----------
    old, new : DataFrame
        As `differencing.populations` returns them.
    crosswise : bool
        Whether estimates of different names are to be held against one another. Otherwise those who are the same in
        every respect are left out, which differ behind none.
    """

    def __init__(self, old: pd.DataFrame, new: pd.DataFrame, *, crosswise: bool) -> None:
        numbers = [pd.Index(frame[WHO]) for frame in (old, new)]
        everybody = numbers[0].union(numbers[1], sort=False)
        places = [index.get_indexer(everybody) for index in numbers]
        both = (places[0] >= 0) & (places[1] >= 0)
        self.renumbered = bool(both.sum() < SAME_NUMBERS * min(len(old), len(new)))
        self.old, self.new = (_side(f, p) for f, p in zip((old, new), places, strict=True))
        # The others count; of levels all must be known, to tell which are new.
        self._rows = np.flatnonzero(~(both & self._alike())) if not crosswise and not self.renumbered else slice(None)
        self._bases_of = [side.bases[self._rows] for side in (self.old, self.new)]

    def _alike(self) -> np.ndarray:
        """Say who is the same in all that both builds know."""
        common = self.old.indicators.intersection(self.new.indicators)
        ours, theirs = (s.bases[:, s.indicators.get_indexer(common)] for s in (self.old, self.new))
        same = (ours == theirs).all(axis=1)
        for part in self.old.codes.keys() & self.new.codes.keys():
            place = np.append(self.old.labels[part].get_indexer(self.new.labels[part]), UNKNOWN)
            # A level that the old build has not is no level of it, and not an unknown one.
            place[:-1][place[:-1] < 0] = len(self.old.labels[part])
            same &= self.old.codes[part] == place[self.new.codes[part]]
        return np.asarray(same, dtype=bool)

    def differing(self, old: Sequence[str], new: Sequence[str], levels: pd.Index, *, rest: bool) -> Differing:
        """Count, for each pair of indicators, the respondents behind one estimate and not the other.

        Parameters
        ----------
        old, new : sequence of str
            The variables that divide either build; none for the whole.
        levels : Index
            Those of the new build that are asked for.
        rest : bool
            Whether the estimates are those of everybody outside each level.

        Returns
        -------
        Differing
            Where the respondents were numbered anew, by how many the two bases differ.
        """
        codes, labels = self.new.coded(new)
        now = _placed(codes, levels.get_indexer(labels), len(levels))
        codes, labels = self.old.coded(old)
        place = levels.get_indexer(labels)
        if not self.renumbered:
            place = _matched(place, codes, now, len(levels))
        was = _placed(codes, place, len(levels))
        names = np.full(len(levels), None, dtype="object")
        names[place[place >= 0]] = labels[place >= 0]
        count = self._rest_counts if rest else self._counts
        return Differing(count(was[self._rows], now[self._rows], len(levels)), names)

    def _counts(self, was: np.ndarray, now: np.ndarray, levels: int) -> np.ndarray:
        before, after = self._sizes(was, now, levels)
        if self.renumbered:
            return np.abs(before - after)
        return before + after - 2 * self._shared(np.where(was == now, now, UNKNOWN), levels)

    def _rest_counts(self, was: np.ndarray, now: np.ndarray, levels: int) -> np.ndarray:
        """Count the same for everybody outside each level."""
        before, after = self._sizes(was, now, levels)
        ours, theirs = self._bases_of
        before = ours[was >= 0].sum(axis=0, dtype=np.int64)[None, :, None] - before
        after = theirs[now >= 0].sum(axis=0, dtype=np.int64)[None, None, :] - after
        if self.renumbered:
            return np.abs(before - after)
        known = (was >= 0) & (now >= 0)
        shared = (
            self._shared(np.where(known, 0, UNKNOWN), 1)
            - self._shared(np.where(known, was, UNKNOWN), levels)
            - self._shared(np.where(known, now, UNKNOWN), levels)
            + self._shared(np.where(was == now, now, UNKNOWN), levels)
        )
        return np.asarray(before + after - 2 * shared)

    def _shared(self, codes: np.ndarray, levels: int) -> np.ndarray:
        return _grouped(codes, levels, *self._bases_of)

    def _sizes(self, was: np.ndarray, now: np.ndarray, levels: int) -> tuple[np.ndarray, np.ndarray]:
        ours, theirs = self._bases_of
        one = np.ones((len(was), 1), dtype=bool)
        return _grouped(was, levels, ours, one), _grouped(now, levels, one, theirs)


def _side(frame: pd.DataFrame, place: np.ndarray) -> _Side:
    """Lay a build out over the respondents of both, of whom some are not in it."""
    names = [str(c) for c in frame if str(c).startswith(ANSWERED)]
    bases = frame[names].to_numpy(dtype=bool)[place] & (place >= 0)[:, None]
    codes, labels = {}, {}
    for column in (str(c) for c in frame if str(c).startswith(DIVIDED)):
        found, values = pd.factorize(frame[column])
        part = column.removeprefix(DIVIDED)
        codes[part] = np.append(found, UNKNOWN)[np.where(place >= 0, place, len(found))]
        labels[part] = pd.Index([str(v) for v in values], dtype="object")
    return _Side(pd.Index([n.removeprefix(ANSWERED) for n in names], dtype="object"), bases, codes, labels)


def _placed(codes: np.ndarray, place: np.ndarray, levels: int) -> np.ndarray:
    """Give everybody the place of their level among those asked for, one more for another level, -1 for none."""
    among = np.append(np.where(place < 0, levels, place), UNKNOWN)
    return np.asarray(among[codes])


def _matched(place: np.ndarray, codes: np.ndarray, now: np.ndarray, levels: int) -> np.ndarray:
    """Find which levels were only named anew: of those without a namesake, two that hold most of one another."""
    lost, found = np.flatnonzero(place < 0), np.setdiff1d(np.arange(levels), place)
    if not len(lost) or not len(found):
        return place
    rows = np.isin(codes, lost) & np.isin(now, found)
    held = np.zeros((len(lost), len(found)), dtype=np.int64)
    np.add.at(held, (np.searchsorted(lost, codes[rows]), np.searchsorted(found, now[rows])), 1)
    there, back = held.argmax(axis=1), held.argmax(axis=0)
    mutual = (back[there] == np.arange(len(lost))) & (held.max(axis=1) > 0)
    out = place.copy()
    out[lost[mutual]] = found[there[mutual]]
    return out


def _grouped(codes: np.ndarray, levels: int, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Count, level by level, who is in a column of the one and in a column of the other."""
    rows = np.flatnonzero((codes >= 0) & (codes < levels))
    rows = rows[np.argsort(codes[rows], kind="stable")]
    # Whole numbers of respondents are exact in single precision, below 16 million of them.
    ours, theirs = left[rows].astype(np.float32), right[rows].astype(np.float32)
    ends = np.searchsorted(codes[rows], np.arange(levels + 1))
    out = np.zeros((levels, left.shape[1], right.shape[1]), dtype=np.int64)
    for level in np.flatnonzero(np.diff(ends)):
        here = slice(ends[level], ends[level + 1])
        out[level] = ours[here].T @ theirs[here]
    return out
