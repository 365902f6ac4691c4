"""The manifest of a kept release: what it is, what it was made from and by, and what it holds.

Belongs here: that record, read and written, and whether a file still agrees with it.
Not here: where releases are kept and which one stands (releases), how content is digested (contents).
"""

import hashlib
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Self

from pydantic import TypeAdapter, ValidationError

from engagement_stats import contents, opening, provenance, publish
from engagement_stats.errors import PublishError, listed


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a kept release is, what it was made from and by, and what it holds.

    `digests` are of each table's content (`contents.digests`), `inputs` and `lookups` the SHA-256 of files, `changes`
    how many estimates differ from those of `previous`, the release it first replaced: added, changed, removed. `file`
    is the SHA-256 of the kept file, which covers its views and macros too; empty where an earlier version kept none.
    """

    release_id: str
    built_at: str
    previous: str | None
    is_synthetic: bool
    code_version: str
    commit_id: str | None
    lock_digest: str | None
    libraries: dict[str, str]
    catalogue_digest: str
    inputs: dict[str, str | None]
    lookups: dict[str, dict[str, str]]
    failed_waves: dict[str, str]
    counts: dict[str, int]
    digests: dict[str, str]
    changes: dict[str, int] = field(default_factory=dict)
    file: str = ""

    @classmethod
    def of(cls, path: Path, previous: Path | None) -> Self:
        """Describe a released file, and what changed in its estimates since the release before."""
        with contents.opened(path) as file:
            run = file.frame("runs").to_dict("records")[0]
            counts = {t: file.count(t) for t in sorted(file.tables)}
        changes = contents.summary(previous, path) if previous is not None else {}
        return cls(
            release_id=run["release_id"],
            built_at=f"{run['built_at']:%Y-%m-%dT%H:%M:%SZ}",
            previous=publish.current_release(previous) if previous is not None else None,
            is_synthetic=bool(run["is_synthetic"]),
            code_version=run["code_version"],
            # A release of an earlier version of the program does not know these.
            commit_id=run.get("commit_id"),
            lock_digest=run.get("lock_digest"),
            libraries=provenance.libraries() if run["code_version"] == provenance.code_version() else {},
            catalogue_digest=run["catalogue_digest"],
            inputs=json.loads(run["input_digests"]),
            lookups=json.loads(run["lookup_digests"]),
            failed_waves=json.loads(run["failed_waves"]),
            counts=counts,
            digests=contents.digests(path),
            changes=changes,
            file=_sha256(path),
        )

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a manifest.

        Raises
        ------
        PublishError
            It is none, or of another release than its name says.
        """
        away = "Move it away; the next run writes it anew if its .duckdb is whole."
        try:
            read: Self = TypeAdapter(cls).validate_json(path.read_bytes(), strict=True)
        except OSError as error:
            raise opening.refused(path, error) from None
        except ValidationError as error:
            odd = listed(sorted({".".join(map(str, e["loc"][:1])) or "the whole" for e in error.errors()}))
            raise PublishError(f"{path}: not a manifest of a release (wrong: {odd}). {away}") from None
        if read.release_id != path.stem:
            raise PublishError(f"{path}: it is the manifest of {read.release_id}, not of {path.stem}. {away}")
        return read

    def as_json(self) -> str:
        """Return the text of the manifest."""
        return json.dumps(asdict(self), indent=1, sort_keys=True, ensure_ascii=False) + "\n"

    def describes(self, path: Path) -> bool:
        """Say whether a released file holds exactly what this says."""
        try:
            return _sha256(path) == self.file if self.file else contents.digests(path) == self.digests
        except (OSError, PublishError):
            return False


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
