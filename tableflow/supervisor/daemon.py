"""The running supervisord, and what it says of its parts."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from xmlrpc.client import Fault

from tableflow.embedded import processes
from tableflow.supervisor.remote import UNREACHABLE, Remote, State

SERVERS = {"postgres", "redis"}


class Daemon:
    """supervisord as a child of this process, in a session of its own: Ctrl-C in the terminal does not reach it."""

    def __init__(self, home: Path, configuration_file: Path, environment: dict[str, str]) -> None:
        self._remote = Remote(home)
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
        return self._remote.states()

    def start(self, groups: Iterable[str]) -> None:
        """Start these parts, without waiting for them."""
        for group in groups:
            self._remote.start_group(group)

    def stop(self, *, users_seconds: float, servers_seconds: float) -> None:
        """Stop the parts, the servers after those that use them, then supervisord. What resists is killed."""
        try:
            self._stop_users(seconds=users_seconds)
        except (*UNREACHABLE, Fault):
            pass  # It ends already, or is dead: what follows ends the rest.
        if self.alive:
            self.process.terminate()
        try:
            self.process.wait(servers_seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()  # Its children are on a leash, and end with it.
            self.process.wait()
        self._log.close()

    def _stop_users(self, *, seconds: float) -> None:
        """Stop web, workers and beat at the same time; supervisord alone would stop them one after the other."""
        for group in {state.group for state in self.states()} - SERVERS:
            self._remote.stop_group(group)
        processes.wait_until(lambda: not self.alive or self._only_servers_run(), seconds=seconds)

    def _only_servers_run(self) -> bool:
        states = self.states()
        return bool(states) and all(state.stopped for state in states if state.group not in SERVERS)
