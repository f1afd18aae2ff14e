"""The running supervisord, and what it says of its parts."""

from __future__ import annotations

import http.client
import subprocess
import sys
import time
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xmlrpc.client import Fault, ServerProxy

from supervisor.states import ProcessStates
from supervisor.xmlrpc import SupervisorTransport

from tableflow.embedded import processes
from tableflow.supervisor import configuration

# Errors of a call to a supervisord that is not there (yet, or any more).
UNREACHABLE = (OSError, http.client.HTTPException)


@dataclass(frozen=True)
class State:
    """One process, as supervisord sees it."""

    name: str
    group: str
    pid: int
    code: int
    reason: str

    @property
    def hopeless(self) -> bool:
        """It ended again and again, and supervisord has given it up."""
        return bool(self.code == ProcessStates.FATAL)

    @property
    def stopped(self) -> bool:
        """It does not run, and nobody wants it to."""
        return bool(self.code in (ProcessStates.STOPPED, ProcessStates.FATAL))


class Daemon:
    """supervisord as a child of this process, in a session of its own: Ctrl-C in the terminal does not reach it."""

    def __init__(self, home: Path, configuration_file: Path, environment: dict[str, str]) -> None:
        self._control = configuration.control(home)
        command = [
            *processes.leash("TERM"),
            sys.executable,
            "-m",
            "supervisor.supervisord",
            "-c",
            str(configuration_file),
        ]
        self._log = (home / "logs" / "supervisord.out").open("wb")
        self.process = subprocess.Popen(  # noqa: S603
            command,
            cwd=home,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=self._log,
            start_new_session=True,
        )

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return self.process.poll() is None

    def states(self) -> list[State]:
        """Every process of every part; empty while supervisord does not answer."""
        try:
            found = self._ask("getAllProcessInfo")
        except UNREACHABLE:
            return []
        return [State(p["name"], p["group"], p["pid"], p["state"], p["spawnerr"] or p["description"]) for p in found]

    def start(self, groups: Iterable[str]) -> None:
        """Start these parts, without waiting for them."""
        for group in groups:
            self._ask("startProcessGroup", group, False)

    def stop(self, *, seconds: float) -> None:
        """Stop the parts, the servers after those that use them, then supervisord. What resists is killed."""
        deadline = time.monotonic() + seconds
        try:
            self._stop_users(seconds=seconds / 3)
        except (*UNREACHABLE, Fault):
            pass  # It ends already, or is dead: what follows ends the rest.
        if self.alive:
            self.process.terminate()
        try:
            self.process.wait(deadline - time.monotonic())
        except subprocess.TimeoutExpired:
            self.process.kill()  # Its children are on a leash, and end with it.
            self.process.wait()
        self._log.close()

    def _stop_users(self, *, seconds: float) -> None:
        """Stop web, workers and beat at the same time; supervisord alone would stop them one after the other."""
        users = {state.group for state in self.states()} - {"postgres", "redis"}
        for group in users:
            self._ask("stopProcessGroup", group, False)
        processes.wait_until(
            lambda: not self.alive or all(s.stopped for s in self.states() if s.group in users), seconds=seconds
        )

    def _ask(self, method: str, *arguments: Any) -> Any:
        """One call, on a connection of its own: one that failed once cannot be used again."""
        at = self._control
        with closing(SupervisorTransport(configuration.USER, at.password, f"unix://{at.socket}")) as transport:
            proxy = ServerProxy("http://localhost", transport=transport)
            return getattr(proxy.supervisor, method)(*arguments)
