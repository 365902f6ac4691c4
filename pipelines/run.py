"""Run the assets in this process, as the command line does.

Belongs here: deciding which waves to build, running their jobs one after another, then the release.
Not here: what a job does (assets), what a user sees (engagement_stats.cli).
"""

import signal
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import chdir, contextmanager
from dataclasses import dataclass
from pathlib import Path

import dagster as dg

from engagement_stats import corrections, publish, releases
from engagement_stats.errors import UsageError, listed
from engagement_stats.status import WaveStatus
from engagement_stats.store import RELEASE, Store, owner_only
from engagement_stats.workspace import Workspace
from pipelines import automation
from pipelines.assets import Current, unaccounted
from pipelines.definitions import definitions
from pipelines.resources import WorkspaceResource

RECORDS = ".dagster"
WAITING = "waiting for another run of this project"
INTERRUPTED = "DagsterExecutionInterruptedError"
# Marks the runs of this module in Dagster's records; those of the web page are looked after by its daemon.
BY = {"engagement_stats/run_by": "run"}
KILLED = "The process of this run ended without a word, as a killed one does. Whatever it left undone is done again."
# Stands for the release among the waves that failed.
THE_RELEASE = "release"
UNFINISHED = "its run did not finish, or its file changed meanwhile; see the runs in `engagement-stats ui`"

Progress = Callable[[str, int, int], None]
# For a home folder without a dagster.yaml of its own; unless told so, Dagster reports usage to its makers.
SETTINGS = """\
telemetry: {enabled: false}
nux: {enabled: false}
compute_logs: {module: dagster._core.storage.noop_compute_log_manager, class: NoOpComputeLogManager}
concurrency: {runs: {max_concurrent_runs: 1}}
"""


@dataclass(frozen=True, slots=True)
class Decision:
    """What whoever starts a run has decided about published numbers.

    `accept` is the reason for which those that change may change, `kind` what sort of change it is, and `small_groups`
    what becomes of estimates that would tell of a few people; `again` is the reason to publish a release gone back
    from.
    """

    accept: str | None = None
    kind: str | None = None
    small_groups: str = corrections.HIDE
    again: str | None = None


UNDECIDED = Decision()


@dataclass(frozen=True, slots=True)
class Report:
    """What a run did: waves built, unchanged, failed and why, and the release that now stands (None: there is none).

    Among `failed` is "release", where it could not be made or is held until a change of published numbers is accepted.
    `held` names waves that wait, not asked for or not finished; while there are any the release stays as it was.
    `lost` names waves that the release before had and the new one has not, `synthetic` says whether it is synthetic.
    `notes` say what became of a decision, or that one is wanted though nothing failed.
    """

    built: tuple[str, ...]
    unchanged: tuple[str, ...]
    failed: dict[str, str]
    held: tuple[str, ...]
    lost: tuple[str, ...]
    synthetic: bool
    release: str | None
    release_is_new: bool
    notes: tuple[str, ...] = ()

    @property
    def failed_waves(self) -> tuple[str, ...]:
        """Waves that failed, without the release."""
        return tuple(w for w in self.failed if w != THE_RELEASE)

    @property
    def release_failed(self) -> bool:
        """Say whether a release was to be made, and is not in place."""
        return THE_RELEASE in self.failed and not self.release_is_new

    @property
    def release_is_held(self) -> bool:
        """Say whether the release waits for somebody to accept that published numbers change."""
        return self.release_failed and self.failed[THE_RELEASE].startswith(corrections.HELD)


def dagster_home(home: Path) -> Path:
    """Return the folder Dagster is to call its home: the one with dagster.yaml, or .dagster below ours."""
    if (home / "dagster.yaml").is_file():
        return home
    folder = home / RECORDS
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    settings = folder / "dagster.yaml"
    if not settings.exists():
        settings.write_text(SETTINGS, encoding="utf-8")
    return folder


@contextmanager
def instance_of(home: Path) -> Iterator[dg.DagsterInstance]:
    """Open Dagster's own records below the home folder, by its dagster.yaml where there is one."""
    with owner_only():
        folder = dagster_home(home)
        records = home / RECORDS
        records.mkdir(exist_ok=True)
        records.chmod(0o700)
        # Dagster takes a relative folder in dagster.yaml from the working directory, not from the file's place.
        with chdir(home), dg.DagsterInstance.from_config(str(folder)) as instance:
            yield instance


def register(workspace: Workspace) -> None:
    """Make every catalogued wave a partition, so that the web interface shows it before its first run."""
    resource = _resource(workspace)
    with instance_of(workspace.home) as instance:
        automation.register(instance, resource.status())


def _resource(workspace: Workspace) -> WorkspaceResource:
    return WorkspaceResource(
        data=str(workspace.data),
        private=str(workspace.private),
        warehouse=str(workspace.warehouse),
        catalogue_folder=str(workspace.catalogue or ""),
    )


def _silent(step: str, done: int, of: int) -> None:
    """Report progress to nobody."""


def run(
    workspace: Workspace,
    waves: Sequence[str] = (),
    progress: Progress = _silent,
    decision: Decision = UNDECIDED,
) -> Report:
    """Build what has changed, then the release if anything in it did.

    Parameters
    ----------
    workspace : Workspace
    waves : sequence of str, optional
        Build these only; all when empty. The release is rebuilt unless another wave of it has changed too.
    progress : callable, optional
        Called with what is being built, how many are done, and of how many; of none while another run is under way.
    decision : Decision, optional
        About published numbers that would change, and a release gone back from.

    Returns
    -------
    Report

    Raises
    ------
    EngagementStatsError
        The catalogue is not valid, a wave is not in it, or the data folder does not exist.
    """
    # Two runs at once would do everything twice.
    with Store(workspace.private).alone(told=lambda: progress(WAITING, 0, 0)):
        return _run(workspace, waves, progress, decision)


def _run(workspace: Workspace, waves: Sequence[str], progress: Progress, decision: Decision = UNDECIDED) -> Report:
    resource = _resource(workspace)
    status = resource.status()
    resource.store.sweep({k: s.fingerprint for k, s in status.waves.items()})
    strange = [w for w in waves if w not in status.waves]
    if strange:
        raise UsageError(f"--wave: {listed(strange)} not in the catalogue. `engagement-stats status` lists the waves.")
    wanted = [s for s in status.waves.values() if s.needs_building and (not waves or s.wave in waves)]
    unbuildable = {
        s.wave: s.reason
        for s in status.waves.values()
        if (s.fingerprint is None and s.state == "failed") or (waves and s.wave in waves and s.state == "catalogued")
    }
    total = len(wanted) + 1
    before = _ready(resource, decision)
    notes: list[str] = []
    with instance_of(workspace.home) as instance:
        _close_killed(instance)
        code_location = definitions(resource)
        automation.register(instance, status)
        for done, wave in enumerate(wanted):
            progress(wave.wave, done, total)
            _execute(code_location, automation.JOBS[wave.kind].name, instance, wave)
        current = Current(resource)
        unfinished = {w.wave: UNFINISHED for w in wanted if w.wave not in {*current.built, *current.failed}}
        failed = {**unfinished, **current.failed, **unbuildable}
        # A release without a wave that merely waits would take published numbers away.
        held = tuple(dict.fromkeys([*unfinished, *(current.stale if waves else ())]))
        stands = releases.current(workspace.warehouse)
        if not held:
            current = _decided(
                resource, current, decision, [w for w in (before.waves if before else ()) if w in failed], notes
            )
        # Of a release gone back from nothing failed; it waits for a word, and is spoken of in every run until then.
        gone = releases.withdrawn(workspace.warehouse).get(current.release)
        is_other = stands is None or stands.release != current.release
        if gone is not None and is_other:
            notes.append(releases.gone_back(gone))
        elif (stands is None or is_other or stands.is_damaged) and not held:
            progress("release", total - 1, total)
            done = _execute(code_location, automation.release_job.name, instance, None)
            # It may be in place and not noted in the log, as on a disk that is full.
            if not done or releases.current_release(workspace.warehouse) != current.release:
                failed[THE_RELEASE] = resource.store.failure(RELEASE, None) or UNFINISHED
        progress("done", total, total)
    now = releases.current(workspace.warehouse)
    return Report(
        built=tuple(w.wave for w in wanted if w.wave not in failed),
        unchanged=tuple(w for w, s in status.waves.items() if s.state == "fresh"),
        failed=failed,
        held=held,
        lost=tuple(w for w in (before.waves if before else ()) if now is None or w not in now.waves),
        synthetic=now is not None and now.is_synthetic,
        release=now.release if now else None,
        release_is_new=now is not None and (stands is None or now.release != stands.release),
        notes=tuple(notes),
    )


def _ready(resource: WorkspaceResource, decision: Decision) -> publish.Standing | None:
    """Return the release in place; refuse what could not be published at the end, before any wave is built."""
    if decision.accept is not None:
        kinds = resource.catalogue.rules.releases.kinds
        if decision.kind not in kinds:
            raise UsageError(f"--kind: what sort of change is it? Give one of {', '.join(kinds)}.")
        if not decision.accept.strip():
            raise UsageError("--accept: the reason is empty. Say in a few words why the published numbers change.")
    elif decision.small_groups != corrections.HIDE:
        raise UsageError("--small-groups: it belongs to --accept, which gives the reason.")
    if decision.again is not None and not decision.again.strip():
        raise UsageError("--again: the reason is empty. Say in a few words why the release is right after all.")
    warehouse = resource.workspace.warehouse
    stands = releases.ready(warehouse)
    corrections.read(warehouse, resource.catalogue.rules.releases)
    return stands


def _decided(
    resource: WorkspaceResource, current: Current, decision: Decision, lost: Sequence[str], notes: list[str]
) -> Current:
    """Write down what was decided, and return what there is to publish then; of `lost` waves nothing is known."""
    if decision.accept is not None and decision.kind is not None:
        showing = decision.small_groups == corrections.SHOW
        waiting = unaccounted(Current(resource, all_signed_off=True) if showing else current)
        new = corrections.accept(
            current.warehouse, waiting, current.ledger,
            reason=decision.accept, kind=decision.kind, small_groups=decision.small_groups,
            files={w: f.file for w, f in current.built.items()},
        )  # fmt: skip
        notes += [f"Accepted as {decision.kind}: {h.described()}." for h in waiting]
        notes += [
            f"--accept: nothing is accepted for {wave}, which failed: what would change in it is not known. Put right "
            "why it failed, and accept then."
            for wave in lost
        ]
        if not new and not lost:
            notes.append("Nothing to accept: no published number changes.")
        current = Current(resource)
    if decision.again is not None:
        if current.release in releases.withdrawn(current.warehouse):
            releases.allow_again(current.warehouse, current.release, decision.again)
        else:
            notes.append("--again was not needed: nobody went back from the release that the inputs give.")
    return current


def _close_killed(instance: dg.DagsterInstance) -> None:
    """Mark as failed the runs that a killed process left standing: we have the lock, so none of them is alive."""
    open_ones = [dg.DagsterRunStatus.NOT_STARTED, dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED]
    for left in instance.get_runs(filters=dg.RunsFilter(statuses=open_ones, tags=BY)):
        instance.report_run_failed(left, KILLED)


@contextmanager
def _interrupts() -> Iterator[Callable[[], bool]]:
    """Notice interrupts by themselves: one that comes between the last step and the end of a job, Dagster forgets."""
    if threading.current_thread() is not threading.main_thread():
        yield lambda: False  # interrupts are the main thread's
        return
    ours, theirs = socket.socketpair()

    def came() -> bool:
        try:
            return not {signal.SIGINT, signal.SIGTERM}.isdisjoint(ours.recv(4096))
        except BlockingIOError:
            return False

    with ours, theirs:
        for end in (ours, theirs):
            end.setblocking(False)
        before = signal.set_wakeup_fd(theirs.fileno(), warn_on_full_buffer=False)
        try:
            yield came
        finally:
            signal.set_wakeup_fd(before)


def _execute(code_location: dg.Definitions, job: str, instance: dg.DagsterInstance, wave: WaveStatus | None) -> bool:
    with _interrupts() as came:
        result = code_location.resolve_job_def(job).execute_in_process(
            instance=instance,
            partition_key=wave.wave if wave else None,
            run_config=automation.QUIET,
            tags=BY,
            raise_on_error=False,
        )
        interrupted = came()
    # Dagster turns an interrupt into a failed step; for whoever pressed the keys it means stop.
    errors = [e.step_failure_data.error for e in result.all_events if e.is_step_failure]
    if interrupted or any(error is not None and error.cls_name == INTERRUPTED for error in errors):
        raise KeyboardInterrupt
    return result.success
