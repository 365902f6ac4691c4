"""A project folder in which the pipeline's tests run it: synthetic files in, a release out.

Belongs here: making such a folder once a process, copying it, and asking what became of it.
Not here: any expectation.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb
import pandas as pd
import pyreadstat
import pytest

from engagement_stats import cli, synthetic
from engagement_stats.catalogue import DEFAULT
from engagement_stats.workspace import CATALOGUE, Workspace
from pipelines import run
from pipelines.run import Report

ROOT = Path(__file__).parent.parent
COMMAND = str(Path(sys.executable).parent / "engagement-stats")
CLS_2018, CLS_2019, POLL = "cls_2018_19_microdata", "cls_2019_20_microdata", "demo_lbn_poll"
SYNTHETIC_WAVES = (CLS_2018, CLS_2019, POLL)
FILES = {
    CLS_2018: synthetic.CLS_2018_19_FILE,
    CLS_2019: synthetic.CLS_2019_20_FILE,
    POLL: synthetic.POLL_FILE,
}
Edit = Callable[[pd.DataFrame], pd.DataFrame]


@dataclass(frozen=True)
class Project:
    """A project folder and the catalogue it uses (None for the package's own)."""

    root: Path
    catalogue: Path | None = None

    @property
    def workspace(self) -> Workspace:
        return Workspace(
            home=self.root,
            data=self.root / "data" / "landing",
            private=self.root / "data" / "private",
            warehouse=self.root / "warehouse" / "engagement_stats.duckdb",
            catalogue=self.catalogue,
        )

    @property
    def warehouse(self) -> Path:
        return self.workspace.warehouse

    def file(self, wave: str) -> Path:
        return self.workspace.data / FILES[wave]

    def run(self, *waves: str) -> Report:
        """Run the pipeline in this process."""
        return run.run(self.workspace, waves)

    def copy(self, to: Path) -> "Project":
        shutil.copytree(self.root, to)
        return replace(self, root=to)

    def with_catalogue(self, to: Path) -> "Project":
        """Use a copy of the packaged catalogue, to be changed."""
        shutil.copytree(DEFAULT, to)
        return replace(self, catalogue=to)

    def query(self, sql: str) -> pd.DataFrame:
        with duckdb.connect(str(self.warehouse), read_only=True) as connection:
            found: pd.DataFrame = connection.sql(sql).to_arrow_table().to_pandas()
        return found

    def value(self, sql: str) -> object:
        with duckdb.connect(str(self.warehouse), read_only=True) as connection:
            row = connection.execute(sql).fetchone()
        assert row is not None
        return row[0]

    def contents(self) -> dict[str, pd.DataFrame]:
        """Every released table, rows in order, without the moment it was built."""
        tables = self.query("SELECT table_name FROM duckdb_tables() ORDER BY 1")["table_name"]
        frames = {t: self.query(f'SELECT * FROM "{t}" ORDER BY ALL') for t in tables}
        frames["runs"] = frames["runs"].drop(columns="built_at")
        return frames

    def jobs(self) -> list[tuple[str, str | None]]:
        """Job and wave of every Dagster run, oldest first."""
        with run.instance_of(self.root) as instance:
            return [(r.job_name, r.tags.get("dagster/partition")) for r in reversed(instance.get_runs())]

    def environment(self, more: Mapping[str, str] | None = None) -> dict[str, str]:
        return {**os.environ, CATALOGUE: "", **self.workspace.environment(), **(more or {})}

    def command(self, *arguments: str, more: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        """Run the command line in a process of its own."""
        return subprocess.run(
            [COMMAND, *arguments],
            cwd=self.root,
            env=self.environment(more),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )


class Told:
    """The command line in this process: exit status, standard output and standard error."""

    def __init__(self, project: Project, capture: pytest.CaptureFixture[str], patch: pytest.MonkeyPatch) -> None:
        for name, value in {CATALOGUE: "", **project.workspace.environment()}.items():
            patch.setenv(name, value)
        self.capture = capture

    def __call__(self, *arguments: object) -> tuple[int, str, str]:
        try:
            code = cli.main([str(a) for a in arguments])
        except SystemExit as stop:
            code = int(stop.code or 0)
        out, err = self.capture.readouterr()
        assert "Traceback" not in out + err
        return code, out, err


def make(root: Path, *, adults: int = 1500, poll: int = 600) -> Project:
    """Make a project folder with synthetic files and nothing built."""
    project = Project(root)
    synthetic.write(project.workspace.data, adults=adults, poll=poll)
    return project


_built: list[tuple[Project, Report]] = []


def built(factory: pytest.TempPathFactory) -> tuple[Project, Report]:
    """Make a project and run its pipeline, once a process. Not to be changed: tests copy it."""
    if not _built:
        project = make(factory.mktemp("built") / "home")
        _built.append((project, project.run()))
    return _built[0]


def edit_text(path: Path, edit: Edit) -> None:
    """Change a text file, every cell as text."""
    separator = "\t" if path.suffix == ".tab" else ","
    frame = pd.read_csv(path, sep=separator, dtype=str, keep_default_na=False)
    edit(frame).to_csv(path, sep=separator, index=False, lineterminator="\n")


def edit_sav(path: Path, edit: Edit) -> None:
    """Change an SPSS file, its user-missing codes as codes."""
    frame, meta = pyreadstat.read_sav(path, user_missing=True)
    pyreadstat.write_sav(
        edit(frame),
        path,
        variable_value_labels={k: v for k, v in meta.variable_value_labels.items() if k in edit(frame)},
        missing_ranges={k: v for k, v in meta.missing_ranges.items() if k in edit(frame)},
    )


def put(row: int, column: str, value: object) -> Edit:
    """Change one cell."""

    def edit(frame: pd.DataFrame) -> pd.DataFrame:
        frame = frame.copy()
        frame.loc[row, column] = value
        return frame

    return edit
