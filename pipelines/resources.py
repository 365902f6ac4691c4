"""The one resource of the code location: the project's folders, catalogue and private store.

Belongs here: handing assets what they need from the library. Not here: reading or writing on their behalf.
No I/O manager is used: Dagster's own pickles whatever an asset returns, and these are respondents.
"""

import dagster as dg
from pydantic import PrivateAttr

from engagement_stats import catalogue, status
from engagement_stats.store import Store
from engagement_stats.workspace import Workspace


class WorkspaceResource(dg.ConfigurableResource):  # type: ignore[type-arg]
    """The folders of one project; an empty path means the environment's or the default."""

    data: str = ""
    warehouse: str = ""
    catalogue_folder: str = ""

    _catalogue: catalogue.Catalogue | None = PrivateAttr(default=None)

    @property
    def workspace(self) -> Workspace:
        """The project's folders."""
        from pathlib import Path

        given = [Path(x) if x else None for x in (self.data, self.warehouse, self.catalogue_folder)]
        return Workspace.at(data=given[0], warehouse=given[1], catalogue=given[2])

    @property
    def catalogue(self) -> catalogue.Catalogue:
        """The catalogue, read once."""
        if self._catalogue is None:
            self._catalogue = catalogue.load(self.workspace.catalogue)
        return self._catalogue

    @property
    def store(self) -> Store:
        """The private results."""
        return Store(self.workspace.private)

    def status(self) -> status.Status:
        """Where every wave stands now."""
        return status.survey(self.catalogue, self.workspace.data, self.store)
