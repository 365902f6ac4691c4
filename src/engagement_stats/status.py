"""Say where each wave stands: catalogued, landed, fresh, stale or failed, and why.

Belongs here: comparing what has landed with what was last built.
Not here: building anything (pipelines), or finding files (landing).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from engagement_stats import deposit, landing, lookups, omissions, places, quarantine
from engagement_stats.catalogue import Catalogue
from engagement_stats.deposit import LandedFile
from engagement_stats.errors import IngestError
from engagement_stats.landing import Landing, Unclaimed
from engagement_stats.lookups import LookupStatus
from engagement_stats.store import Fingerprint, Store, code_digest

State = Literal["catalogued", "landed", "fresh", "stale", "failed"]


@dataclass(frozen=True, slots=True)
class WaveStatus:
    """Where one wave stands. `fingerprint` is what it would be built from now, None when it cannot be.

    `lookups` are those it uses; `without` names the domains it goes without until the lookups of each have landed.
    """

    wave: str
    label: str
    kind: str
    state: State
    file: LandedFile | None
    reason: str
    fingerprint: Fingerprint | None
    without: Mapping[str, Sequence[str]] = field(default_factory=dict)
    lookups: Mapping[str, LookupStatus] = field(default_factory=dict)

    @property
    def needs_building(self) -> bool:
        """True when its file or entry is there and its results are not; a failed wave is tried again."""
        return self.fingerprint is not None and self.state in ("landed", "stale", "failed")


@dataclass(frozen=True, slots=True)
class Status:
    """Where every wave and every lookup stands, in catalogue order, and the files that none of them claims."""

    waves: Mapping[str, WaveStatus]
    unclaimed: tuple[Unclaimed, ...]
    lookups: Mapping[str, LookupStatus] = field(default_factory=dict)


def _changed(now: Fingerprint, then: Fingerprint) -> str:
    parts = {
        "file": "its file", "catalogue": "its catalogue entry", "code": "the code", "lookups": "its lookups of areas",
    }  # fmt: skip
    return " and ".join(text for part, text in parts.items() if getattr(now, part) != getattr(then, part)) + " changed"


def _state(store: Store, wave: str, fingerprint: Fingerprint) -> tuple[State, str]:
    if (message := store.failure(wave, fingerprint)) is not None:
        return "failed", message
    if store.is_complete(wave, fingerprint):
        return "fresh", ""
    newest = store.newest(wave)
    if newest is None:
        return "landed", "not built yet"
    return "stale", _changed(fingerprint, newest)


def survey(catalogue: Catalogue, data: Path | None, store: Store) -> Status:
    """Say where every wave of the catalogue stands.

    Parameters
    ----------
    catalogue : Catalogue
    data : Path or None
        The folder searched for deposited files; None when there is no such folder yet, so that nothing has landed.
    store : Store
        The private results.

    Returns
    -------
    Status

    Raises
    ------
    IngestError
        The data folder does not exist.
    """
    nothing = Landing(dict.fromkeys(catalogue.filed_waves, ()), ())
    landed = nothing if data is None else landing.find(data, catalogue.filed_waves)
    digests = store.digests()
    areas = lookups.find([u.file for u in landed.unclaimed], catalogue.lookups, digests)
    taken = {file for area in areas.values() for file in area.files}
    waves: dict[str, WaveStatus] = {}
    for wave, entry in catalogue.waves.items():
        file, content, plan = None, None, places.Plan()
        files = landed.claimed.get(wave, ())
        # Figures of the catalogue do not wait for a workbook.
        if entry.file is not None and (files or entry.kind == "microdata" or entry.figures is None):
            if not files:
                waves[wave] = WaveStatus(wave, entry.label, entry.kind, "catalogued", None, "no file has landed", None)
                continue
            try:
                file = landing.only(wave, files, digests)
                content = digests.of(file, f"{wave} {file.name}")
                deposit.check_digest(file, content, f"{wave} {file.name}")
            except IngestError as error:
                waves[wave] = WaveStatus(wave, entry.label, entry.kind, "failed", files[0], str(error), None)
                continue
        if entry.kind == "microdata":
            plan = places.plan(catalogue, wave, [k for k, v in areas.items() if v.sha256 is not None])
            if (wrong := _wrong(areas, plan)) is not None:
                waves[wave] = WaveStatus(wave, entry.label, entry.kind, "failed", file, wrong, None)
                continue
        used = {name: areas[name] for name in plan.used}
        editions = tuple((k, v.sha256) for k, v in used.items() if v.sha256 is not None)
        fingerprint = Fingerprint(content, catalogue.wave_digest(wave), code_digest(), editions)
        state, reason = _state(store, wave, fingerprint)
        waiting = "its workbook has not landed" if entry.file is not None and not files else ""
        if state != "failed":
            reason = "; ".join(x for x in (reason, waiting, places.wanting(plan.without, catalogue)) if x)
        waves[wave] = WaveStatus(wave, entry.label, entry.kind, state, file, reason, fingerprint, plan.without, used)
    digests.save()
    return Status(waves, tuple(u for u in landed.unclaimed if u.file not in taken), areas)


def _wrong(areas: Mapping[str, LookupStatus], plan: places.Plan) -> str | None:
    """Say which lookup a wave needs has landed in a file that may not be used; None when there is none."""
    needed = dict.fromkeys(name for missing in plan.without.values() for name in missing)
    wrong = [areas[name] for name in needed if areas[name].state == "wrong file"]
    return "\n".join(x.reason for x in wrong) or None


def omitted(wave: WaveStatus, store: Store) -> dict[str, str]:
    """Say what of its entry a wave's current results are without, and why; nothing for one that is not built."""
    if wave.state != "fresh" or wave.fingerprint is None:
        return {}
    return dict(store.manifest(wave.wave, wave.fingerprint).get(omissions.NOTED, {}))


def set_aside(wave: WaveStatus, store: Store) -> str:
    """Say in a line how many rows of a wave's file its current results set aside, and why; empty when none."""
    if wave.state != "fresh" or wave.fingerprint is None:
        return ""
    return str(store.manifest(wave.wave, wave.fingerprint).get(quarantine.NOTED, ""))


def details(wave: WaveStatus, catalogue: Catalogue, store: Store) -> list[tuple[str, str]]:
    """Say all there is to know of one wave before its figures are used: what it is, and a line each.

    Returns
    -------
    list of (what, line)
        Its state, how to get its file and under which names it is recognised, what of its entry nobody has verified,
        what its current results are without, and which rows of its file they set aside.
    """
    entry = catalogue.waves[wave.wave]
    lines = [("state", f"{wave.state}. {wave.reason}".removesuffix(". ")), ("note", entry.note)]
    if entry.file is not None:
        source = catalogue.sources[entry.source]
        lines += [("licence", source.licence), ("to get it", source.obtain)]
        lines += [("file name", pattern) for pattern in entry.file.pattern]
    lines += [("unverified", line) for line in entry.unverified]
    lines += [("left out", f"{what}: {why}") for what, why in omitted(wave, store).items()]
    lines.append(("rows", set_aside(wave, store)))
    return [(what, line) for what, line in lines if line]


def is_synthetic(wave: WaveStatus, store: Store) -> bool:
    """Say whether a wave's current results rest on invented respondents."""
    if wave.state != "fresh" or wave.fingerprint is None:
        return False
    return bool(store.manifest(wave.wave, wave.fingerprint)["synthetic"])
