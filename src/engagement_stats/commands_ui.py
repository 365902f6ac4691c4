"""The command `ui`: the Dagster web server, on this machine alone.

Belongs here: starting and stopping it. Not here: what it serves (pipelines).
"""

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from engagement_stats.errors import UsageError

if TYPE_CHECKING:
    from engagement_stats.workspace import Workspace

STOPPING_SECONDS = 15


def _check_port(port: int) -> None:
    """Refuse a port on which no server can listen, before an address is told that leads elsewhere."""
    import socket

    if not 0 < port < 65536:
        raise UsageError(f"--port: there is no such port. Got {port}; expected 1 to 65535.")
    with socket.socket() as trial:
        # As the server does: what a server that has ended leaves behind is not in the way.
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind(("127.0.0.1", port))
        except OSError as error:
            raise UsageError(
                f"--port: {port} cannot be used ({error.strerror}); perhaps `engagement-stats ui` runs already. "
                "Name another."
            ) from None


def serve(args: argparse.Namespace, workspace: "Workspace", say: Callable[[str], None]) -> int:
    """Serve until stopped."""
    import signal
    import subprocess

    from pipelines import run

    _check_port(args.port)
    run.register(workspace)
    environment = {**os.environ, **workspace.environment(), "DAGSTER_HOME": str(run.dagster_home(workspace.home))}
    binaries = Path(sys.executable).parent
    where = ["-m", "pipelines.definitions"]
    server = [str(binaries / "dagster-webserver"), *where, "--host", "127.0.0.1", "--port", str(args.port)]
    commands = [server if args.allow_runs else [*server, "--read-only"]]
    if args.allow_runs:
        commands.append([str(binaries / "dagster-daemon"), "run", *where])
    say(f"http://127.0.0.1:{args.port} ({'runs allowed' if args.allow_runs else 'read only'}); stop with Ctrl-C")

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, stop)
    running = [subprocess.Popen(c, cwd=workspace.home, env=environment, umask=0o077) for c in commands]
    try:
        return max(process.wait() for process in running)
    except KeyboardInterrupt:
        return 0
    finally:
        for process in running:
            process.terminate()
        for process in running:
            try:
                process.wait(STOPPING_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
