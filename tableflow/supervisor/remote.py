"""Talking to the supervisord of a data folder: XML-RPC over its unix socket, each call on a connection of its own."""

from __future__ import annotations

import base64
import http.client
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xmlrpc.client import Fault, ServerProxy, Transport

from supervisor.states import ProcessStates
from supervisor.xmlrpc import Faults

from tableflow.supervisor import configuration

# Errors of a call to a supervisord that is not there (yet, or any more).
UNREACHABLE = (OSError, http.client.HTTPException)
SECONDS = 10.0
_AS_WANTED = (Faults.ALREADY_STARTED, Faults.NOT_RUNNING)


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

    @property
    def place(self) -> str:
        """What supervisord calls it."""
        return f"{self.group}:{self.name}"

    @property
    def number(self) -> int:
        """Which of its group's copies it is, from 1."""
        _, _, number = self.name.rpartition("_")
        return int(number) if number.isdigit() else 1


class Remote:
    """Calls to the supervisord of a data folder."""

    def __init__(self, home: Path) -> None:
        self._control = configuration.control(home)

    def states(self) -> list[State]:
        """Every process of every part; empty while supervisord does not answer."""
        try:
            found = self._ask("getAllProcessInfo")
        except UNREACHABLE:
            return []
        return [_state(process) for process in found]

    def start_group(self, group: str) -> None:
        """Start every copy of a part, without waiting for it."""
        self._ask("startProcessGroup", group, False)

    def stop_group(self, group: str) -> None:
        """Stop every copy of a part, without waiting for it."""
        self._ask("stopProcessGroup", group, False)

    def start(self, place: str) -> State | None:
        """Start one process; None when it runs already."""
        return _state(self._ask("getProcessInfo", place)) if self._done("startProcess", place) else None

    def stop(self, place: str) -> bool:
        """Stop one process, without waiting for it, and leave it stopped; False when it did not run."""
        return self._done("stopProcess", place)

    def _done(self, method: str, place: str) -> bool:
        try:
            self._ask(method, place, False)
        except Fault as fault:
            if fault.faultCode in _AS_WANTED:
                return False
            raise
        return True

    def _ask(self, method: str, *arguments: Any) -> Any:
        with ServerProxy("http://localhost", transport=_UnixTransport(self._control)) as proxy:
            return getattr(proxy.supervisor, method)(*arguments)


def _state(process: Any) -> State:
    reason = process["spawnerr"] or process["description"]
    return State(process["name"], process["group"], process["pid"], process["state"], reason)


class _UnixTransport(Transport):
    """XML-RPC over a unix socket, with a password and a time limit: supervisord's own has none."""

    def __init__(self, at: configuration.Control) -> None:
        secret = base64.b64encode(f"{configuration.USER}:{at.password}".encode()).decode()
        super().__init__(headers=[("Authorization", f"Basic {secret}")])
        self._path = at.socket

    def make_connection(self, host: Any) -> http.client.HTTPConnection:
        """The connection for one call."""
        connection = _UnixConnection(self._path)
        self._connection = host, connection
        return connection


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=SECONDS)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(SECONDS)
        self.sock.connect(str(self._path))
