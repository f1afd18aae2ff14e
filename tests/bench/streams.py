"""200 streams on one table and 1,000 cell changes a second for 10 s: who has the last state when, and what it costs.

Beside (a) django-eventstream as it comes, with its storage in SQL (tests/bench/plain_eventstream.py), which sends an
event for each change, as many as it gets to in that time. A change of ours is a mark, as a commit of the engine makes
it. Both have one web process, and the clients only count. The columns: changes that were made, events that a client
got, the most of them that came within a second, clients that have the last state, how late they had it (median and
worst), and what the web process used of its processor.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import httpx2
import psutil
from django.conf import settings
from django.db import connection
from knox.models import get_token_model

from tableflow.live import log, marks
from tests import parts, scenes
from tests.bench import pacing

STREAMS = 200
RATE = 1_000
SECONDS = 10.0
LATE_SECONDS = 30.0
"""How long the last state is awaited."""
MOST_HINTS = 5
PLAIN_DATABASE = "plain_eventstream"


@dataclass(frozen=True)
class Published:
    """How many changes were made, when the last one was, and the id of the event that tells of it."""

    changes: int
    at: float
    last_id: int


@dataclass(frozen=True)
class Seen:
    """What a run gave. `late` are the seconds until the clients had the last state, of those that got it at all;
    `most` is the most that a client got within a second; `cpu` are the seconds of the server's processor.
    """

    changes: int
    events: float
    most: int
    late: list[float]
    cpu: float

    @property
    def cpu_per_change(self) -> float:
        """In milliseconds."""
        return self.cpu / self.changes * 1000


def run() -> list[tuple[str, ...]]:
    """The figures of both, and their ratios. An AssertionError where ours are not what was promised."""
    ours = _tableflow()
    assert len(ours.late) == STREAMS, "every client has the last state"
    assert ours.events <= MOST_HINTS * (SECONDS + 1)
    plain = _plain()
    ratios = (f"{ours.cpu_per_change / plain.cpu_per_change:.3f}", f"{max(ours.late) / max(plain.late, default=0):.3f}")
    heading = ("what", "changes", "events", "most a s", "served", "late s", "worst s", "CPU s", "CPU ms a change")
    return [
        heading,
        ("tableflow", *_record(ours)),
        ("(a) eventstream", *_record(plain)),
        ("ratio to (a)", "", "", "", "", "", ratios[1], "", ratios[0]),
    ]


def _record(seen: Seen) -> tuple[str, ...]:
    late = seen.late or [LATE_SECONDS]
    return (
        f"{seen.changes:,}", f"{seen.events:,.0f}", str(seen.most), str(len(seen.late)),
        f"{statistics.median(late):.2f}", f"{max(late):.2f}", f"{seen.cpu:.1f}", f"{seen.cpu_per_change:.2f}",
    )  # fmt: skip


def _tableflow() -> Seen:
    table = scenes.table(1)
    _, token = get_token_model().objects.create(user=table.owner)
    path = f"/api/v1/tables/{table.pk}/events/"
    with served("tableflow.asgi:application", parts.environment()) as web:
        return _watched(web, path, [f"Authorization: Bearer {token}"], lambda: _mark(table.pk))


def _mark(table_id: int) -> Published:
    began = log.position().last
    changes = pacing.at_rate(lambda row: marks.cells(table_id, [row], {"completed": 1}), RATE, SECONDS)
    at = time.monotonic()

    def told() -> int:
        entries = log.since(began, table_id=table_id, most=1000)
        return sum(event["counts"]["completed"] for entry in entries for event in entry.events)

    scenes.until(lambda: told() == changes, "the log tells of every change")
    return Published(changes, at, log.position().last)


def _plain() -> Seen:
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {PLAIN_DATABASE}")
    url = f"{parts.database_url().rpartition('/')[0]}/{PLAIN_DATABASE}"
    env = {**os.environ, "PLAIN_DATABASE_URL": url, "REDIS_URL": settings.REDIS_URL}
    command = ["-m", "tests.bench.plain_eventstream", str(SECONDS), str(RATE)]
    with (
        _talking(command, env) as publisher,
        served("tests.bench.plain_eventstream:application", env, "--lifespan", "off") as web,
    ):

        def publish() -> Published:
            sent, at = publisher.ask().split()
            return Published(int(sent), float(at), int(sent))

        return _watched(web, "/events/", [], publish)


def _watched(web: Web, path: str, headers: list[str], publish: Callable[[], Published]) -> Seen:
    """Publish while the clients listen, and wait for the last state."""
    command = ["-m", "tests.bench.stream_clients", web.url + path, str(STREAMS), *headers]
    with _talking(command, os.environ) as clients:
        before = web.cpu()
        published = publish()
        over = time.monotonic() + LATE_SECONDS
        while True:
            noted: list[dict[str, Any]] = json.loads(clients.ask())
            late = [client["last_at"] - published.at for client in noted if client["last_id"] >= published.last_id]
            if len(late) == STREAMS or time.monotonic() > over:
                break
            time.sleep(0.2)
        events = statistics.mean(client["events"] for client in noted)
        return Seen(published.changes, events, max(client["most"] for client in noted), late, web.cpu() - before)


@dataclass(frozen=True)
class Web:
    """A running web process."""

    url: str
    process: psutil.Process

    def cpu(self) -> float:
        """The seconds of the processor that it has used."""
        used = self.process.cpu_times()
        return float(used.user + used.system)


@contextlib.contextmanager
def served(application: str, env: Mapping[str, str], *options: str) -> Iterator[Web]:
    """One web process that serves an ASGI application; it answers."""
    with socket.create_server(("127.0.0.1", 0), backlog=STREAMS) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        at = ["--fd", str(listener.fileno()), "--workers", "1", "--timeout-graceful-shutdown", "2"]
        command = [
            sys.executable,
            "-m",
            "uvicorn",
            application,
            *at,
            "--no-access-log",
            "--log-level",
            "error",
            *options,
        ]
        process = subprocess.Popen(
            command,
            env=dict(env),
            pass_fds=(listener.fileno(),),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
    try:
        httpx2.get(url, timeout=60)
        yield Web(url, psutil.Process(process.pid))
    finally:
        process.terminate()
        process.wait(30)


class Talking:
    """A process that answers each line with a line."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        assert self._answer() == "ready"

    def ask(self) -> str:
        """What it says now."""
        assert self._process.stdin is not None
        print(file=self._process.stdin, flush=True)
        return self._answer()

    def _answer(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()


@contextlib.contextmanager
def _talking(arguments: list[str], env: Mapping[str, str]) -> Iterator[Talking]:
    with subprocess.Popen(
        [sys.executable, *arguments], env=dict(env), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            yield Talking(process)
        finally:
            process.terminate()
