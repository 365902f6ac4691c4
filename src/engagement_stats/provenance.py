"""What a release was computed by: version, commit, lock file and libraries.

Belongs here: asking the installation what it is.
Not here: what a release was made from (publish), and the digest that decides what is stale (store).
"""

import hashlib
import subprocess
from functools import cache
from importlib import metadata, resources
from pathlib import Path

from engagement_stats.store import COMPUTING, code_digest

LOCK_FILE = "requirements.lock"
GIT_SECONDS = 5


def code_version() -> str:
    """Return the package's version with the first digits of its code's digest."""
    return f"{metadata.version('engagement-stats')}+{code_digest()[:12]}"


def _checkout() -> Path | None:
    """Return the folder of the repository when the package runs from one."""
    package = resources.files("engagement_stats")
    root = package.parents[1] if isinstance(package, Path) else None
    return root if root is not None and (root / LOCK_FILE).is_file() else None


@cache
def commit_id() -> str | None:
    """Return the commit of the code, with "+changes" when its files differ from it; None outside a repository."""
    root = _checkout()
    if root is None or not (root / ".git").exists():
        return None
    commit = _git(root, "rev-parse", "HEAD")
    changes = _git(root, "status", "--porcelain", "--", "src", "pipelines", "warehouse", LOCK_FILE)
    return f"{commit}{'+changes' if changes else ''}" if commit else None


def _git(root: Path, *arguments: str) -> str:
    """Ask git; say nothing where there is none or it refuses."""
    try:
        asked = ["git", "-C", str(root), *arguments]
        done = subprocess.run(asked, capture_output=True, text=True, timeout=GIT_SECONDS, check=True)
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip()


@cache
def lock_digest() -> str | None:
    """Return the SHA-256 of the lock file of the dependencies; None where the package runs without its repository."""
    root = _checkout()
    return hashlib.sha256((root / LOCK_FILE).read_bytes()).hexdigest() if root is not None else None


def libraries() -> dict[str, str]:
    """Return the versions of the libraries that compute."""
    return {library: metadata.version(library) for library in COMPUTING}
