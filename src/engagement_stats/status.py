"""Say where each wave stands: catalogued, landed, fresh, stale or failed, and why.

Belongs here: comparing what has landed with what was last built.
Not here: building anything (pipelines), or finding files (ingest).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from engagement_stats import ingest
from engagement_stats.catalogue import Catalogue
from engagement_stats.errors import IngestError
from engagement_stats.store import Fingerprint, Store, code_digest

State = Literal["catalogued", "landed", "fresh", "stale", "failed"]


@dataclass(frozen=True, slots=True)
class WaveStatus:
    """Where one wave stands. `fingerprint` is what it would be built from now, None when it cannot be."""

    wave: str
    label: str
    kind: str
    state: State
    file: Path | None
    reason: str
    fingerprint: Fingerprint | None

    @property
    def needs_building(self) -> bool:
        """True when its file or entry is there and its results are not; a failed wave is tried again."""
        return self.fingerprint is not None and self.state in ("landed", "stale", "failed")


@dataclass(frozen=True, slots=True)
class Status:
    """Where every wave stands, in catalogue order, and the files that no wave claims."""

    waves: Mapping[str, WaveStatus]
    unclaimed: tuple[Path, ...]


def _changed(now: Fingerprint, then: Fingerprint) -> str:
    parts = {"file": "its file", "catalogue": "its catalogue entry", "code": "the code"}
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
    nothing = ingest.Landing(dict.fromkeys(catalogue.microdata_waves, ()), ())
    landing = nothing if data is None else ingest.find(data, catalogue.microdata_waves)
    waves: dict[str, WaveStatus] = {}
    for wave, entry in catalogue.waves.items():
        file, content = None, None
        if entry.kind == "microdata":
            files = landing.claimed[wave]
            if not files:
                waves[wave] = WaveStatus(wave, entry.label, entry.kind, "catalogued", None, "no file has landed", None)
                continue
            try:
                file = ingest.only(wave, files)
            except IngestError as error:
                waves[wave] = WaveStatus(wave, entry.label, entry.kind, "failed", files[0], str(error), None)
                continue
            content = ingest.digest(file)
        fingerprint = Fingerprint(content, catalogue.wave_digest(wave), code_digest())
        state, reason = _state(store, wave, fingerprint)
        waves[wave] = WaveStatus(wave, entry.label, entry.kind, state, file, reason, fingerprint)
    return Status(waves, landing.unclaimed)


def is_synthetic(wave: WaveStatus, store: Store) -> bool:
    """Say whether a wave's current results rest on invented respondents."""
    if wave.state != "fresh" or wave.fingerprint is None:
        return False
    return bool(store.manifest(wave.wave, wave.fingerprint)["synthetic"])
