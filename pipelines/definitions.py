"""What Dagster loads: assets, jobs, sensor, schedule and the one resource.

Belongs here: assembly. Not here: any implementation.
"""

import dagster as dg

from pipelines import assets, automation
from pipelines.resources import WorkspaceResource


def definitions(workspace: WorkspaceResource | None = None) -> dg.Definitions:
    """Assemble the code location on a workspace; the environment's when not given."""
    return dg.Definitions(
        assets=[
            assets.survey_file,
            assets.responses,
            assets.weights,
            assets.wave_estimates,
            assets.published_estimates,
            assets.comparisons,
            assets.claims,
            assets.release,
        ],
        jobs=[automation.microdata_wave_job, automation.tables_wave_job, automation.release_job],
        schedules=[automation.monthly],
        sensors=[automation.landing_folder],
        resources={"workspace": workspace or WorkspaceResource()},
        # One process: the default starts one a step, which costs more than all the statistics.
        executor=dg.in_process_executor,
    )


defs = definitions()
