"""A PostgreSQL or a Redis that belongs to one module of tests, so that they may kill it."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tableflow.embedded import processes
from tableflow.embedded.servers import Server

START_SECONDS = 60
STOP_SECONDS = 10


class Killable:
    """A server that runs, is killed, and runs again over the same folder and at the same address."""

    def __init__(self, server: Server, log: Path) -> None:
        self._server = server
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None
        self.url = server.url

    def start(self) -> None:
        """Start it, and come back when it answers."""
        self._server.prepare()
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._server.command(), cwd="/", stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        answers = processes.wait_until(self._server.ready, seconds=START_SECONDS)
        assert answers, f"{self._server.name} does not answer. Its log:\n{self._log.read_text()}"

    def end(self, by: signal.Signals) -> None:
        """Send it a signal that ends it, and come back when it is gone."""
        if self._process is not None:
            self._process.send_signal(by)
            self._process.wait(STOP_SECONDS)
            self._process = None

    def freeze(self) -> None:
        """Let it stand still, with its connections open, until `thaw`."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on where it stood."""
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)


@contextmanager
def running(server: Server, log: Path) -> Iterator[Killable]:
    """The server, started; it is gone when the block has ended."""
    killable = Killable(server, log)
    try:
        killable.start()
        yield killable
    finally:
        killable.end(signal.SIGKILL if server.name == "redis" else signal.SIGQUIT)
