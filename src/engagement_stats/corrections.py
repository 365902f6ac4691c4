"""Whether every published number that changes is accounted for, and the ledger in which that is written.

Belongs here: what changed against the releases that stand, the ledger `corrections.csv`, the table of corrections.
Not here: differences of any two releases (contents), where releases are kept (releases), hiding anything (disclose).

A number is published once and then stands. Where a later release would give another for the same wave, indicator,
domain and level, the release is held until somebody has said why. New waves, new rows and numbers that were hidden
before need nothing; a release that rests on invented respondents is never held, and nothing is held against it.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pandas as pd

from engagement_stats import contents, journal, publish, releases
from engagement_stats.catalogue import digest
from engagement_stats.catalogue import model as m
from engagement_stats.errors import DamagedReleaseError, PublishError, UsageError, listed

LEDGER = "corrections.csv"
KEY = ["wave", "indicator", "domain", "level"]
# What a reader quotes of an estimate. The other columns follow from these or say how they came about.
VALUES = ["estimate", "standard_error", "ci_lower", "ci_upper", "base_unweighted"]
CHANGES = [*KEY, "column", "old", "new", "replaces"]
NEEDED = ("accepted_on", "wave", "kind", "reason", "replaces")
# How a message that holds a release begins, whoever reads it back.
HELD = "release: held, because"
KEY_OF_TABLE = ["wave", "replaces", "change"]
REVISED = "[r]"
HIDE, SHOW = "hide", "show"
SHOWN_DIGITS = 6
SHOWN_WAVES = 5
COUNT = re.compile(r"[0-9]{0,9}")


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the ledger: why numbers of a wave differ from those of the release it `replaces`.

    `change` names exactly what was accepted (`Held.change`); a line written by hand may leave it empty, and then covers
    whatever of the wave differs from that release. `small_groups` says what becomes of estimates whose population
    differs by so few people that the two numbers together would tell of them: "hide", or "show" for the very `file`
    (its SHA-256) that was signed off.
    """

    accepted_on: str
    accepted_by: str
    wave: str
    kind: str
    reason: str
    replaces: str
    change: str = ""
    estimates: str = ""
    small_groups: str = HIDE
    file: str = ""


@dataclass(frozen=True, slots=True)
class Held:
    """The changes of one wave against one release that nothing in the ledger accounts for."""

    wave: str
    replaces: str
    rows: pd.DataFrame

    @property
    def change(self) -> str:
        """Sixteen hexadecimal digits that name the changes, old values and new."""
        values = self.rows[[*KEY, "column", "old", "new"]].itertuples(index=False, name=None)
        return digest(sorted([str(v) for v in row] for row in values))[:16]

    @property
    def estimates(self) -> int:
        """How many estimates changed."""
        return len(self.rows[KEY].drop_duplicates())

    def described(self) -> str:
        """Say how many estimates changed, and which most."""
        shown = self.rows[self.rows["column"].isin(["estimate", ""])]
        worst = self.rows if shown.empty else shown
        row = worst.loc[(worst["new"] - worst["old"]).abs().fillna(np.inf).idxmax()]
        now = "withdrawn" if pd.isna(row["new"]) else f"now {row['new']:.{SHOWN_DIGITS}g}"
        place = ", ".join(str(row[k]) for k in KEY[1:])
        return (
            f"{self.wave}: {self.estimates} estimate(s) differ from release {self.replaces}, most {place}: "
            f"{row['column'] or 'estimate'} was {row['old']:.{SHOWN_DIGITS}g}, {now}"
        )


def path(warehouse: Path) -> Path:
    """Return where the ledger lies: beside the kept releases."""
    return releases.folder(warehouse) / LEDGER


def read(warehouse: Path, rules: m.ReleaseRules) -> list[Entry]:
    """Read the ledger.

    Parameters
    ----------
    warehouse : Path
    rules : ReleaseRules
        Whose kinds an entry may have.

    Returns
    -------
    list of Entry
        None when there is no ledger.

    Raises
    ------
    PublishError
        It cannot be read, a line lacks something or says something the ledger does not know, or it lacks what the
        release in place tells of corrections.
    """
    file, names = path(warehouse), [f.name for f in fields(Entry)]
    lines = [(at, Entry(**row)) for at, row in journal.read(file, names, NEEDED)]
    problems = [f"{file} line {at}: {p}" for at, e in lines for p in _problems(e, rules)]
    if problems:
        raise PublishError("\n".join(problems))
    entries = [e if e.small_groups else replace(e, small_groups=HIDE) for _, e in lines]
    if lost := _told(warehouse) - {(e.wave, e.replaces, e.change) for e in entries}:
        waves = listed(sorted({wave for wave, _, _ in lost}))
        raise PublishError(
            f"{file}: {len(lost)} entry(ies) are not in it that the release in place tells of, on {waves}. "
            f"{journal.MEND} To do without them, go back to a release before them: `engagement-stats releases list`."
        )
    return entries


def _told(warehouse: Path) -> set[tuple[str, ...]]:
    """Return the entries of which the release in place tells, by the key of its table."""
    stands = releases.current_release(warehouse)
    if stands is None:
        return set()
    kept = releases.path_of(warehouse, stands)
    try:
        with contents.opened(kept if kept.is_file() else warehouse) as file:
            table = file.frame("corrections")
    except DamagedReleaseError:  # what it told cannot be known; the release is to be made again
        return set()
    return set(table[KEY_OF_TABLE].itertuples(index=False, name=None)) if len(table) else set()


def _problems(entry: Entry, rules: m.ReleaseRules) -> list[str]:
    missing = [k for k in NEEDED if not getattr(entry, k)]
    found = [f"{listed(missing)} is not given."] if missing else []
    if entry.kind and entry.kind not in rules.kinds:
        found.append(f"kind is not known. Got {entry.kind}; expected {' or '.join(rules.kinds)}.")
    if entry.small_groups not in ("", HIDE, SHOW):
        found.append(f"small_groups is not known. Got {entry.small_groups}; expected {HIDE} or {SHOW}.")
    if entry.small_groups == SHOW and not entry.file:
        found.append("small_groups is show, and file does not say of which file, by its SHA-256.")
    if not COUNT.fullmatch(entry.estimates):
        found.append(f"estimates is no number. Got {entry.estimates}; expected digits, or nothing.")
    try:
        date.fromisoformat(entry.accepted_on or "2000-01-01")
    except ValueError:
        found.append(f"accepted_on is no date. Got {entry.accepted_on}; expected one such as 2026-01-31.")
    return found


def named(entries: Sequence[Entry]) -> str:
    """Digest the ledger for the name of a release, which tells of corrections; empty when there are none."""
    return digest([list(asdict(e).values()) for e in entries]) if entries else ""


def standing(warehouse: Path, waves: Sequence[str]) -> pd.DataFrame:
    """Return the estimates that stand published, of each wave from the newest release of real respondents with it.

    Parameters
    ----------
    warehouse : Path
    waves : sequence of str
        The waves of the release that is to follow.

    Returns
    -------
    DataFrame, shape (n estimates, columns of estimates)
        `release_id` is the release they stand in. Releases gone back from do not count, nor do those built
        and never put in place.
    """
    stands, gone = releases.current_release(warehouse), releases.withdrawn(warehouse)
    stood = releases.published(warehouse) - set(gone)
    known = [x for x in releases.kept(warehouse) if not x.is_synthetic and x.release_id in stood]
    wanted, found = set(waves), []
    for manifest in sorted(known, key=lambda x: x.release_id != stands):
        here = wanted & set(manifest.inputs)
        if here:
            with contents.opened(releases.path_of(warehouse, manifest.release_id)) as file:
                estimates = file.frame("estimates")
            found.append(estimates[estimates["wave"].isin(here)])
            wanted -= here
    columns = [*KEY, *VALUES, "release_id"]
    return pd.concat(found, ignore_index=True) if found else pd.DataFrame(columns=columns)


def changed(stands: pd.DataFrame, new: pd.DataFrame, revisions: pd.DataFrame, noise: float) -> pd.DataFrame:
    """Find the published numbers that a new release would change or take away.

    Parameters
    ----------
    stands : DataFrame
        From `standing`.
    new : DataFrame, shape (n estimates, columns of estimates)
        Of the release that is to follow; every wave of `stands` is in it.
    revisions : DataFrame, shape (n figures, columns of revisions)
        Published figures that their producer replaced. They account for themselves.
    noise : float
        Least change that is one, as a share of the old number (of 1 for smaller numbers): arithmetic in another order,
        as with another version of a library, is no change of a published number.

    Returns
    -------
    DataFrame, shape (n changed values, 8)
        The key, column, old, new and replaces (the release that has the old one). `new` is null where the number is
        hidden now. Where the row is gone, `column` is empty and `old` the estimate.
    """
    both = stands[[*KEY, *VALUES, "release_id"]].merge(
        new[[*KEY, *VALUES]], on=KEY, how="left", suffixes=("", "_new"), indicator=True
    )
    both = both[~_replaced(both, revisions, noise)]
    gone = both["_merge"] == "left_only"
    parts = [_changed_in(both[~gone], column, noise) for column in VALUES]
    taken = both[gone & both["estimate"].notna()]
    parts.append(taken.assign(column="", old=taken["estimate"], new=np.nan, replaces=taken["release_id"])[CHANGES])
    filled = [p for p in parts if len(p)]
    out = pd.concat(filled, ignore_index=True) if filled else pd.DataFrame(columns=CHANGES)
    return out.sort_values([*KEY, "column"], ignore_index=True)


def _changed_in(both: pd.DataFrame, column: str, noise: float) -> pd.DataFrame:
    old, new = both[column].astype("float64"), both[f"{column}_new"].astype("float64")
    far = (new - old).abs() > noise * np.maximum(1, old.abs())
    rows = both[old.notna() & (new.isna() | far)]
    return rows.assign(column=column, old=old[rows.index], new=new[rows.index], replaces=rows["release_id"])[CHANGES]


def _replaced(both: pd.DataFrame, revisions: pd.DataFrame, noise: float) -> np.ndarray:
    """Say which numbers a producer's own later publication replaced."""
    if revisions.empty:
        return np.zeros(len(both), dtype=bool)
    known = revisions[[*KEY, "estimate"]].astype({"estimate": "float64"}).rename(columns={"estimate": "earlier"})
    at = both[KEY].assign(row=np.arange(len(both)), old=both["estimate"].astype("float64").to_numpy())
    found = at.merge(known, on=KEY)
    rows = found.loc[(found["old"] - found["earlier"]).abs() <= noise, "row"]
    return np.isin(np.arange(len(both)), rows)


def held(changes: pd.DataFrame, entries: Sequence[Entry]) -> list[Held]:
    """Return the changes, wave by wave, for which the ledger has no entry."""
    found = [
        Held(str(wave), str(replaces), rows)
        for (wave, replaces), rows in changes.groupby(["wave", "replaces"], sort=True)
    ]
    return [
        h for h in found
        if not any((e.wave, e.replaces) == (h.wave, h.replaces) and e.change in ("", h.change) for e in entries)
    ]  # fmt: skip


def signed_off(entries: Sequence[Entry], wave: str, file: str | None) -> bool:
    """Say whether somebody decided to show every estimate of a wave's file, beside its earlier self or not."""
    return any((e.wave, e.small_groups, e.file) == (wave, SHOW, file) for e in entries)


def message(
    waiting: Sequence[Held], where: Path, kinds: Sequence[str], few: int = 0, corrected: Mapping[str, int] | None = None
) -> str:
    """Say what changed without a word in the ledger, and how to accept it.

    Parameters
    ----------
    waiting : sequence of Held
    where : Path
        File with every change.
    kinds : sequence of str
    few : int, optional
        How many estimates would be hidden because their respondents differ by a few from those published.
    corrected : mapping of str to int, optional
        Waves in which the answers or weights of a few respondents differ from those published, and how many are no few.
    """
    lines = [f"  {h.described()}." for h in waiting[:SHOWN_WAVES]]
    if len(waiting) > len(lines):
        lines.append(f"  and {len(waiting) - len(lines)} wave(s) more.")
    if few:
        lines.append(
            f"  {few} of them would be hidden: they rest on nearly the same respondents as before, and both numbers "
            "together would tell of the few that differ. `--small-groups show` shows them; decide with care."
        )
    lines += [
        f"  {wave}: the answers or weights of fewer than {limit} respondents differ from those published. Both "
        "releases together tell of them, and no estimate is hidden for it; decide with care."
        for wave, limit in (corrected or {}).items()
    ]
    return "\n".join(
        [
            f"{HELD} {sum(h.estimates for h in waiting)} published estimate(s) would change and "
            "nothing says why. The release in place stays.",
            *lines,
            f'Every change is in {where}. If they are right, say so: `engagement-stats run --accept "REASON" --kind '
            f"{'|'.join(kinds)}`. If not, put the file, the catalogue entry or the code right.",
        ]
    )


def accept(
    warehouse: Path,
    waiting: Sequence[Held],
    entries: Sequence[Entry],
    *,
    reason: str,
    kind: str,
    small_groups: str = HIDE,
    files: Mapping[str, str | None] | None = None,
) -> list[Entry]:
    """Write in the ledger why these changes are right, and return the new lines.

    Parameters
    ----------
    warehouse : Path
    waiting : sequence of Held
    entries : sequence of Entry
        The ledger so far.
    reason, kind, small_groups : str
        As in `Entry`.
    files : mapping of str to str or None, optional
        Wave to the SHA-256 of its file.

    Returns
    -------
    list of Entry

    Raises
    ------
    UsageError
        No reason is given.
    """
    told = " ".join(reason.split())
    if not told:
        raise UsageError("--accept: the reason is empty. Say in a few words why the published numbers change.")
    if not waiting:
        return []
    today, by = f"{datetime.now(UTC):%Y-%m-%d}", releases.user()
    new = [
        Entry(
            today, by, h.wave, kind, told, h.replaces, h.change, str(h.estimates), small_groups,
            (files or {}).get(h.wave) or "",
        )
        for h in waiting
    ]  # fmt: skip
    names = tuple(f.name for f in fields(Entry))
    releases.keep_beside(warehouse, LEDGER, journal.as_csv(names, [asdict(e) for e in [*entries, *new]]))
    return new


def table(entries: Sequence[Entry], waves: Sequence[str]) -> pd.DataFrame:
    """Make the released table of corrections: the entries on these waves, without who made them."""
    rows = [
        {
            "wave": e.wave, "replaces": e.replaces, "change": e.change, "kind": e.kind, "symbol": REVISED,
            "reason": e.reason, "accepted_on": date.fromisoformat(e.accepted_on),
            "estimates": int(e.estimates) if e.estimates else None,
        }
        for e in entries
        if e.wave in waves
    ]  # fmt: skip
    names = [c for c in publish.columns("corrections") if c != "release_id"]
    return pd.DataFrame(rows, columns=names).astype({"estimates": "Int64"}).drop_duplicates(KEY_OF_TABLE)
