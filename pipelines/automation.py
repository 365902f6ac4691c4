"""When assets run: the jobs, a sensor on the landing folder and a monthly schedule.

Belongs here: turning where waves stand into runs to request.
Not here: where waves stand (engagement_stats.status), and what a run does (assets).
"""

from collections.abc import Iterator

import dagster as dg

from engagement_stats import releases
from engagement_stats.errors import EngagementStatsError
from engagement_stats.status import Status
from pipelines import assets
from pipelines.resources import WorkspaceResource

# The tag in which Dagster keeps the key of a run.
RUN_KEY = "dagster/run_key"
# How often a run that is killed is started in all, since one that always dies would be started every minute.
ATTEMPTS = 3
QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}

microdata_wave_job = dg.define_asset_job(
    "microdata_wave",
    selection=dg.AssetSelection.assets(assets.survey_file, assets.responses, assets.weights, assets.wave_estimates),
    description="File, responses, weights and estimates of one wave.",
)
tables_wave_job = dg.define_asset_job(
    "tables_wave",
    selection=dg.AssetSelection.assets(assets.published_estimates),
    description="Estimates of one wave of published figures.",
)
release_job = dg.define_asset_job(
    "publish_release",
    selection=dg.AssetSelection.assets(assets.comparisons, assets.claims, assets.release),
    description="Comparisons, claims and the released warehouse, from every current wave.",
)
JOBS = {"microdata": microdata_wave_job, "tables": tables_wave_job}
PARTITIONS = {"microdata": assets.microdata_waves, "tables": assets.tables_waves}


def register(instance: dg.DagsterInstance, status: Status) -> None:
    """Make every catalogued wave a partition of its assets."""
    for kind, partitions in PARTITIONS.items():
        known = set(instance.get_dynamic_partitions(str(partitions.name)))
        new = [w.wave for w in status.waves.values() if w.kind == kind and w.wave not in known]
        if new:
            instance.add_dynamic_partitions(str(partitions.name), new)


def _key(instance: dg.DagsterInstance, made_from: str) -> str:
    """Return the key of the run to ask for: another one after each run of it that was killed, up to `ATTEMPTS`.

    Dagster starts no second run of one key. A run of which no step failed was ended from outside (the machine went
    down), said nothing of its input, and would otherwise never be made.
    """
    keys = [made_from, *(f"{made_from}-{attempt}" for attempt in range(2, ATTEMPTS + 1))]
    return next((key for key in keys if not _was_killed(instance, key)), keys[-1])


def _was_killed(instance: dg.DagsterInstance, key: str) -> bool:
    ended = dg.RunsFilter(tags={RUN_KEY: key}, statuses=[dg.DagsterRunStatus.FAILURE])
    return any(instance.get_run_stats(run.run_id).steps_failed == 0 for run in instance.get_runs(ended))


def _requests(workspace: WorkspaceResource, status: Status, instance: dg.DagsterInstance) -> Iterator[dg.RunRequest]:
    """Ask for each wave whose input changed, or, when none did, for the release if it is out of date.

    A run is keyed by what it is made from, so a wave that failed is not tried again until its input changes.
    """
    waiting = [w for w in status.waves.values() if w.state in ("landed", "stale") and w.fingerprint is not None]
    for wave in waiting:
        assert wave.fingerprint is not None
        yield dg.RunRequest(
            run_key=_key(instance, f"{wave.wave}-{wave.fingerprint.key}"),
            job_name=JOBS[wave.kind].name,
            partition_key=wave.wave,
        )
    if not waiting:
        wanted = assets.Current(workspace).release
        target = workspace.workspace.warehouse
        # One that somebody went back from is not asked for again; `run` says so.
        stands = releases.current(target)
        is_due = stands is None or stands.is_damaged or stands.release != wanted
        if is_due and wanted not in releases.withdrawn(target):
            # The release may be one that stood before, so the key also says what it replaces.
            replaced = target.stat().st_mtime_ns if target.exists() else 0
            yield dg.RunRequest(run_key=_key(instance, f"{wanted}-{replaced}"), job_name=release_job.name)


@dg.sensor(
    jobs=[microdata_wave_job, tables_wave_job, release_job],
    minimum_interval_seconds=60,
    description="Builds a wave when its file lands or changes, and the release when every wave is current.",
)
def landing_folder(
    context: dg.SensorEvaluationContext, workspace: WorkspaceResource
) -> dg.SensorResult | dg.SkipReason:
    """Look at what has landed and ask for the runs it calls for."""
    try:
        status = workspace.status()
        register(context.instance, status)
        requests = list(_requests(workspace, status, context.instance))
    except EngagementStatsError as error:
        return dg.SkipReason(str(error))
    return dg.SensorResult(run_requests=requests) if requests else dg.SkipReason("nothing has changed")


@dg.schedule(
    job=release_job,
    cron_schedule="0 6 1 * *",
    execution_timezone="Europe/London",
    description="Makes the release again on the first of each month; waves that changed must be built first.",
)
def monthly(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
    """Ask for the release from every current wave."""
    return dg.RunRequest(
        run_key=f"{context.scheduled_execution_time:%Y-%m}" if context.scheduled_execution_time else None
    )
