"""Real parts of the system as child processes of a test: workers, beat, the web process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from django.conf import settings
from django.db import connection

from tableflow.embedded import processes

READY_SECONDS = 60
STOP_SECONDS = 15


@dataclass
class Part:
    """A running part. Its processes form one group, and `kill` takes the whole of it."""

    name: str
    process: subprocess.Popen[bytes]
    log_path: Path
    _is_told: bool = False

    @property
    def pid(self) -> int:
        """The id of its first process."""
        return self.process.pid

    @property
    def log(self) -> str:
        """What it has written so far, both streams."""
        return self.log_path.read_text(errors="replace")

    @property
    def alive(self) -> bool:
        """Whether it still runs."""
        return self.process.poll() is None

    def kill(self) -> None:
        """SIGKILL: it gets no chance to tidy up. Returns when it is gone."""
        if self.alive:
            os.killpg(self.pid, signal.SIGKILL)
        self.process.wait(STOP_SECONDS)

    def freeze(self) -> None:
        """SIGSTOP: it stands still, with all that it holds, until `thaw`."""
        os.killpg(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """SIGCONT: it goes on where it stood; one that was not frozen does not notice."""
        os.killpg(self.pid, signal.SIGCONT)

    def terminate(self) -> None:
        """SIGTERM, once: a second one cuts off, wherever that may be, what the first one asked for."""
        if self.alive and not self._is_told:
            self._is_told = True
            self.process.terminate()

    def stop(self) -> int:
        """SIGTERM, and wait for the end; gives the exit code. A part that does not end in time fails the test."""
        self.terminate()
        try:
            return self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"{self.name} did not stop within {STOP_SECONDS} s. Its log:\n{self.log}") from None


def environment(**extra: str) -> dict[str, str]:
    """The environment in which a part uses this test's database and Redis."""
    return {**os.environ, "DATABASE_URL": database_url(), "REDIS_URL": settings.REDIS_URL, **extra}


def database_url() -> str:
    """The address of the test database."""
    at = connection.settings_dict
    user = quote(at["USER"], safe="") + (":" + quote(at["PASSWORD"], safe="") if at["PASSWORD"] else "")
    port = f":{at['PORT']}" if at["PORT"] else ""
    return f"postgresql://{user}@{quote(at['HOST'], safe='')}{port}/{at['NAME']}"


def start(
    name: str, arguments: Iterable[str], log_path: Path, *, env: Mapping[str, str], fds: tuple[int, ...] = ()
) -> Part:
    """Start `python <arguments>`. It dies with the test process, however that ends."""
    command = [*processes.leash("KILL"), sys.executable, *arguments]
    with log_path.open("wb") as log:
        process = subprocess.Popen(
            command,
            cwd=settings.BASE_DIR,
            env=dict(env),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            pass_fds=fds,
        )
    return Part(name, process, log_path)


def wait_ready(part: Part, condition: Callable[[], bool]) -> None:
    """Wait until the condition holds; fails with the part's log when it ends first or takes too long."""
    reached = processes.wait_until(lambda: not part.alive or condition(), seconds=READY_SECONDS)
    if not part.alive or not reached:
        part.kill()
        raise AssertionError(f"{part.name} did not become ready. Its log:\n{part.log}")
