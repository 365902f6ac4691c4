"""Run the assets in this process, as the command line does.

Belongs here: deciding which waves to build, running their jobs one after another, then the release.
Not here: what a job does (assets), what a user sees (engagement_stats.cli).
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import dagster as dg

from engagement_stats import publish
from engagement_stats.errors import CatalogueError, listed
from engagement_stats.status import WaveStatus
from engagement_stats.workspace import Workspace
from pipelines import automation
from pipelines.assets import RELEASE, Current
from pipelines.definitions import definitions
from pipelines.resources import WorkspaceResource

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Report:
    """What a run did: waves built, waves that failed and why, and the release (None when it failed)."""

    built: tuple[str, ...]
    unchanged: tuple[str, ...]
    failed: dict[str, str]
    release: str | None
    release_is_new: bool


@contextmanager
def instance_of(home: Path) -> Iterator[dg.DagsterInstance]:
    """Open Dagster's own records below the home folder, by its dagster.yaml where there is one."""
    folder = home if (home / "dagster.yaml").is_file() else home / ".dagster"
    folder.mkdir(parents=True, exist_ok=True)
    with dg.DagsterInstance.from_config(str(folder)) as instance:
        yield instance


def _silent(step: str, done: int, of: int) -> None:
    """Report progress to nobody."""


def run(workspace: Workspace, waves: Sequence[str] = (), progress: Progress = _silent) -> Report:
    """Build what has changed, then the release if anything in it did.

    Parameters
    ----------
    workspace : Workspace
    waves : sequence of str, optional
        Build these only (the release still holds every current wave); all when empty.
    progress : callable, optional
        Called with what is being built, how many are done, and of how many.

    Returns
    -------
    Report

    Raises
    ------
    EngagementStatsError
        The catalogue is not valid, a wave is not in it, or the data folder does not exist.
    """
    resource = WorkspaceResource(
        data=str(workspace.data), warehouse=str(workspace.warehouse), catalogue_folder=str(workspace.catalogue or "")
    )
    status = resource.status()
    strange = [w for w in waves if w not in status.waves]
    if strange:
        raise CatalogueError(f"--wave: {listed(strange)} not in the catalogue. `engagement-stats status` lists the waves.")
    wanted = [s for s in status.waves.values() if s.needs_building and (not waves or s.wave in waves)]
    unbuildable = {
        s.wave: s.reason
        for s in status.waves.values()
        if (s.fingerprint is None and s.state == "failed")
        or (waves and s.wave in waves and s.state == "catalogued")
    }
    total = len(wanted) + 1
    with instance_of(workspace.home) as instance:
        code_location = definitions(resource)
        automation.register(instance, status)
        for done, wave in enumerate(wanted):
            progress(wave.wave, done, total)
            _execute(code_location, automation.JOBS[wave.kind].name, instance, wave)
        current = Current(resource)
        failed = {**current.failed, **unbuildable}
        stands = publish.current_release(workspace.warehouse)
        release: str | None = current.release
        if stands != current.release:
            progress("release", total - 1, total)
            _execute(code_location, automation.release_job.name, instance, None)
            release = publish.current_release(workspace.warehouse)
            if release != current.release:
                release, failed["release"] = None, resource.store.failure(RELEASE, None) or "the release run failed; see the runs in `engagement-stats ui`"
        progress("done", total, total)
    built = tuple(w.wave for w in wanted if w.wave not in failed)
    fresh = tuple(w for w, s in status.waves.items() if s.state == "fresh")
    return Report(built, fresh, failed, release, stands != release)


def _execute(code_location: dg.Definitions, job: str, instance: dg.DagsterInstance, wave: WaveStatus | None) -> bool:
    result = code_location.resolve_job_def(job).execute_in_process(
        instance=instance,
        partition_key=wave.wave if wave else None,
        run_config=automation.QUIET,
        raise_on_error=False,
    )
    return result.success
