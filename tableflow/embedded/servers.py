"""The embedded servers that an installation needs, and running them for the time of one command or test session."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tableflow import endpoints
from tableflow.embedded import folders, processes
from tableflow.embedded.errors import CannotStart
from tableflow.embedded.postgres import Postgres
from tableflow.embedded.redis import Redis

Server = Postgres | Redis
START_SECONDS = 60
STOP_SECONDS = 8


def needed(home: Path, *, durable: bool = True) -> list[Server]:
    """The servers to embed: those whose address the environment does not give."""
    servers: list[Server] = []
    if endpoints.embedded_database():
        servers.append(Postgres(home, durable))
    if endpoints.embedded_redis():
        servers.append(Redis(home, durable))
    return servers


def record(home: Path, servers: Sequence[Server]) -> None:
    """Tell the settings of this data folder where the servers are."""
    keys = {"postgres": "database_url", "redis": "redis_url"}
    endpoints.record(home, {keys[server.name]: server.url for server in servers})


@contextmanager
def running(home: Path, *, durable: bool = True) -> Iterator[list[Server]]:
    """Run the needed servers as children of this process, with their addresses recorded, and stop them at the end.

    The caller owns the data folder (ownership.py). Raises CannotStart.
    """
    servers = needed(home, durable=durable)
    folders.private(home / "run")
    endpoints.forget(home)
    with ExitStack() as stack:
        for server in servers:
            stack.enter_context(_child(home, server))
        record(home, servers)
        stack.callback(endpoints.forget, home)
        yield servers


@contextmanager
def _child(home: Path, server: Server) -> Iterator[None]:
    server.prepare()
    log = folders.private(home / "logs") / f"{server.name}.log"
    with log.open("ab") as output:
        # A session of its own: Ctrl-C in the terminal is for the command, which then stops its servers in order.
        process = subprocess.Popen(  # noqa: S603
            server.command(), cwd="/", stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
        )
    try:
        processes.wait_until(lambda: server.ready() or process.poll() is not None, seconds=START_SECONDS)
        if process.poll() is not None or not server.ready():
            raise CannotStart(f"{server.name} did not start; its log {log} ends with: {last_line(log)}")
        yield
    finally:
        process.send_signal(server.stop_signal)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def last_line(log: Path) -> str:
    """The last line of a log, or a word that it is empty."""
    lines = log.read_text(errors="replace").strip().splitlines() if log.exists() else []
    return lines[-1] if lines else "(nothing)"
