"""Where things are: the data folder, the private store, the released warehouse and the catalogue.

Belongs here: those paths, their defaults below the home folder, and the environment variables that set them.
Not here: what is done with them.
"""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Self

HOME = "ENGAGEMENT_STATS_HOME"
DATA = "ENGAGEMENT_STATS_DATA"
PRIVATE = "ENGAGEMENT_STATS_PRIVATE"
WAREHOUSE = "ENGAGEMENT_STATS_WAREHOUSE"
CATALOGUE = "ENGAGEMENT_STATS_CATALOGUE"


@dataclass(frozen=True, slots=True)
class Workspace:
    """The folders of one project.

    Parameters
    ----------
    home : Path
        Absolute; holds Dagster's own records and, unless set otherwise, everything below.
    data : Path
        Files as deposited; read only.
    private : Path
        Results about respondents; for the owner only.
    warehouse : Path
        The released DuckDB file.
    catalogue : Path or None
        A catalogue folder; None for the package's own.
    """

    home: Path
    data: Path
    private: Path
    warehouse: Path
    catalogue: Path | None = None

    @classmethod
    def at(
        cls,
        *,
        data: Path | None = None,
        private: Path | None = None,
        warehouse: Path | None = None,
        catalogue: Path | None = None,
    ) -> Self:
        """Take the paths given, then the environment's, then the defaults below the home folder."""

        def choose(given: Path | None, variable: str, default: Path) -> Path:
            return Path(given or os.environ.get(variable) or default).absolute()

        def followed(file: Path) -> Path:
            # What a link leads to is exchanged, and the link stays one.
            return Path(os.path.realpath(file)) if file.is_symlink() else file

        home = choose(None, HOME, Path.cwd())
        folder = catalogue or os.environ.get(CATALOGUE)
        return cls(
            home=home,
            data=choose(data, DATA, home / "data" / "landing"),
            private=choose(private, PRIVATE, home / "data" / "private"),
            warehouse=followed(choose(warehouse, WAREHOUSE, home / "warehouse" / "engagement_stats.duckdb")),
            catalogue=Path(folder).absolute() if folder else None,
        )

    def environment(self) -> dict[str, str]:
        """Return the environment variables under which another process finds the same workspace."""
        paths = {HOME: self.home, DATA: self.data, PRIVATE: self.private, WAREHOUSE: self.warehouse}
        if self.catalogue is not None:
            paths[CATALOGUE] = self.catalogue
        return {k: str(v) for k, v in paths.items()}
