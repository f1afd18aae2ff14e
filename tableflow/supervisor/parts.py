"""The parts that `make up` runs, as supervisord is to run them."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tableflow import env
from tableflow.embedded import processes
from tableflow.embedded.servers import Server

NUMBER = "%(process_num)d"
"""Where supervisord puts the number of a copy, from 1."""
WORKERS = 2
CONTROL_THREADS = 16
EXPRESS_THREADS = 32
WEB_GRACE_SECONDS = 2
EXTRA_WORKERS = 16
WORKER_GRACE_SECONDS = 10
"""What a worker has from SIGTERM to its end: the grace of its cells (cells/draw.py), and time to leave."""
EXTRA = "extra"
WORKER_GROUPS = ("control", "express", "worker", EXTRA)
"""The parts that are workers, in the order in which a stopped one is missed."""


@dataclass(frozen=True)
class Part:
    """One program of supervisord's. Parts with a lower `priority` start first and stop last.

    One that ends before it has run for `start_seconds` did not start; after `start_retries` of those it is given up.
    """

    name: str
    command: Sequence[str]
    priority: int
    stop_signal: str = "TERM"
    start_seconds: int = 5
    start_retries: int = 3
    stop_seconds: int = 3
    copies: int = 1
    starts_by_itself: bool = False
    listens_on: str = ""


def server(embedded: Server) -> Part:
    """An embedded server."""
    signal_name = embedded.stop_signal.name.removeprefix("SIG")
    # A killed PostgreSQL leaves children which the next one must wait for: it gets more tries.
    return Part(
        embedded.name,
        embedded.command(),
        10,
        signal_name,
        start_seconds=1,
        start_retries=8,
        stop_seconds=8,
        starts_by_itself=True,
    )


def web() -> Part:
    """The web processes. Supervisord holds the listening socket, so that they share it and a restart refuses nobody."""
    arguments = ["tableflow.asgi:application", "--fd", "0", "--no-access-log", "--log-level", "warning"]
    # Left to itself, uvicorn takes WEB_CONCURRENCY for its own workers, and there would be its square.
    alone = ["--workers", "1", "--timeout-graceful-shutdown", str(WEB_GRACE_SECONDS)]
    return Part(
        "web",
        [*_python("TERM", "uvicorn"), *arguments, *alone],
        30,
        copies=env.integer("WEB_CONCURRENCY", 1, most=64),
        listens_on=f"tcp://{env.host()}:{env.port()}",
    )


def worker() -> Part:
    """The Celery workers that run cells: one a core, up to WORKERS. They die with the supervisor; the sweep heals."""
    return _worker("worker", "draws", env.celery_concurrency(), min(WORKERS, os.cpu_count() or 1))


def extra() -> Part:
    """Room for further workers that run cells, which somebody launches while all of it runs (crew.py)."""
    return _worker(EXTRA, "draws", env.celery_concurrency(), EXTRA_WORKERS)


def control() -> Part:
    """The Celery worker for all but cells: a run full of slow cells never keeps the sweep or an import waiting."""
    return _worker("control", "tableflow", CONTROL_THREADS)


def express() -> Part:
    """The Celery worker for runs of a few rows: a click waits neither behind big runs nor behind imports."""
    return _worker("express", "express", EXPRESS_THREADS)


def node(part: str, number: int | str) -> str:
    """What Celery calls a copy of a part, its host left out."""
    return f"{part}-{number}"


def _worker(name: str, queue: str, threads: int, copies: int = 1) -> Part:
    at = f"{node(name, NUMBER)}@%h"
    arguments = ["worker", "-P", "threads", "-c", str(threads), "-Q", queue, "-n", at]
    command = [*_celery(), *arguments, "--without-gossip", "--without-mingle", "-l", "warning"]
    return Part(name, command, 20, stop_seconds=WORKER_GRACE_SECONDS, copies=copies)


def beat(home: Path) -> Part:
    """Beat, which sends the sweep's ticks."""
    return Part(
        "beat", [*_celery(), "beat", "-s", str(home / "run" / "beat-schedule"), "-l", "warning"], 20, stop_seconds=8
    )


def _celery() -> list[str]:
    return [*_python("KILL", "celery"), "-A", "tableflow.celery:app"]


def _python(stop_signal: str, module: str) -> list[str]:
    return [*processes.leash(stop_signal), sys.executable, "-m", module]
