"""Dagster's own records of runs: which to forget.

Belongs here: deleting the records of a wave's runs. Not here: the private results themselves (engagement_stats.purge),
and making records (run).
"""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from engagement_stats.workspace import Workspace
from pipelines.run import RECORDS, instance_of


def forget(workspace: Workspace, waves: Sequence[str]) -> int:
    """Delete the records of every run of these waves, and of the releases made from all waves.

    Parameters
    ----------
    workspace : Workspace
    waves : sequence of str

    Returns
    -------
    int
        How many runs were forgotten.
    """
    with instance_of(workspace.home) as instance:
        every = instance.get_runs()
        gone = [r.run_id for r in every if r.tags.get("dagster/partition") in {*waves, None}]
        for run in gone:
            instance.delete_run(run)
    # Deleting rows leaves their bytes in the file.
    for path in sorted((workspace.home / RECORDS).rglob("*.db")):
        _compact(path)
    return len(gone)


def _compact(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("VACUUM")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
