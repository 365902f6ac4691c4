"""The one resource of the code location: the project's folders, catalogue and private store.

Belongs here: handing assets what they need from the library. Not here: reading or writing on their behalf.
No I/O manager is used: Dagster's own pickles whatever an asset returns, and these are respondents.
"""

from functools import lru_cache
from pathlib import Path

import dagster as dg
from pydantic import PrivateAttr

from engagement_stats import catalogue, status
from engagement_stats.store import Store
from engagement_stats.workspace import Workspace


@lru_cache(maxsize=1)
def _loaded(folder: Path, files: tuple[tuple[str, int, int], ...]) -> catalogue.Catalogue:
    """Read the catalogue, again only when one of its `files` changed; reading takes longer than building a wave."""
    return catalogue.load(folder)


class WorkspaceResource(dg.ConfigurableResource):
    """The folders of one project; an empty path means the environment's or the default."""

    data: str = ""
    private: str = ""
    warehouse: str = ""
    catalogue_folder: str = ""

    _catalogue: catalogue.Catalogue | None = PrivateAttr(default=None)

    @property
    def workspace(self) -> Workspace:
        """The project's folders."""
        names = (self.data, self.private, self.warehouse, self.catalogue_folder)
        data, private, warehouse, folder = [Path(x) if x else None for x in names]
        return Workspace.at(data=data, private=private, warehouse=warehouse, catalogue=folder)

    @property
    def catalogue(self) -> catalogue.Catalogue:
        """The catalogue, read once a run and, while its files stay as they are, once a process."""
        if self._catalogue is None:
            folder = self.workspace.catalogue or catalogue.DEFAULT
            files = sorted((str(p), p.stat().st_mtime_ns, p.stat().st_size) for p in folder.rglob("*"))
            self._catalogue = _loaded(folder, tuple(files))
        return self._catalogue

    @property
    def store(self) -> Store:
        """The private results."""
        return Store(self.workspace.private)

    def status(self) -> status.Status:
        """Where every wave stands now."""
        return status.survey(self.catalogue, self.workspace.data, self.store)
