"""What a `make up` that was killed left behind."""

from __future__ import annotations

import signal
from pathlib import Path

from tableflow import endpoints
from tableflow.embedded import processes, servers
from tableflow.embedded.postgres import Postgres


def end(home: Path, *, seconds: float = 10) -> None:
    """End every part of an earlier `make up` of this data folder that still runs. The caller owns the folder.

    supervisord first: it ends its parts in order when it is still there. PostgreSQL ends by its own pid file.
    """
    processes.end(_supervisord(home), signal.SIGTERM, seconds=seconds)
    for server in servers.needed(home):
        if isinstance(server, Postgres):
            server.end_leftover()
    processes.end(processes.marked(home), signal.SIGTERM, seconds=seconds / 2)
    endpoints.forget(home)


def _supervisord(home: Path) -> list[int]:
    try:
        pid = int((home / "run" / "supervisord.pid").read_text())
    except (FileNotFoundError, ValueError):
        return []
    return [pid] if pid in processes.marked(home) else []
