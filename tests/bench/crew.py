"""Workers for a benchmark, and the most memory that they took."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import psutil

from cells.models import Worker


class Crew:
    """Worker processes under watch. `peak_mb` is the largest sum of their resident memory that was seen."""

    def __init__(self, processes: list[subprocess.Popen[bytes]]) -> None:
        self.peak_mb = 0.0
        self._processes = [psutil.Process(process.pid) for process in processes]
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def end(self) -> None:
        """Watch no more."""
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._over.wait(0.1):
            with contextlib.suppress(psutil.NoSuchProcess):
                self.peak_mb = max(self.peak_mb, sum(p.memory_info().rss for p in self._processes) / 2**20)


@contextlib.contextmanager
def workers(app: str = "tableflow.celery:app", *, count: int = 2, concurrency: int = 16) -> Iterator[Crew]:
    """Run so many Celery worker processes of an app, ready for work, until the block ends."""
    processes = [_start(app, number, concurrency) for number in range(count)]
    try:
        _await_ready(app, count)
        crew = Crew(processes)
        yield crew
        crew.end()
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait(30)


def _start(app: str, number: int, concurrency: int) -> subprocess.Popen[bytes]:
    arguments = f"-m celery -A {app} worker -P threads -c {concurrency} -n bench-{number}@localhost -l ERROR"
    command = [sys.executable, "-W", "ignore", *arguments.split(), "--without-gossip", "--without-mingle"]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def _await_ready(app: str, count: int) -> None:
    import importlib

    module, name = app.split(":")
    celery = getattr(importlib.import_module(module), name)
    gives_up_at = time.monotonic() + 60
    while len(celery.control.ping(timeout=0.5) or ()) < count:
        if time.monotonic() > gives_up_at:
            raise TimeoutError("The workers did not become ready")
    if app.startswith("tableflow."):
        while Worker.objects.filter(status=Worker.Status.ACTIVE).count() < count:
            time.sleep(0.05)
