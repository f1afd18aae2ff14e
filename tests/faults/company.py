"""The processes of a fault test: workers and beats with short leases, started side by side and ended together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from cells.models import Worker
from tests import parts
from tests.conftest import CELERY, Web, serve, worker_arguments
from tests.parts import Part


class Company:
    """Parts that share an environment. Whoever is killed is not missed: `workers` makes up the number."""

    def __init__(self, folder: Path, env: Mapping[str, str]) -> None:
        self._folder = folder
        self._env = env
        self._started: list[Part] = []
        self._workers: list[Part] = []

    def workers(self, n: int, *, concurrency: int = 8, **env: str) -> list[Part]:
        """`n` living workers: those that are there, and as many new ones as are wanting, each ready."""
        living = [part for part in self._workers if part.alive][:n]
        fresh = [self._worker(concurrency, env) for _ in range(n - len(living))]
        for part in fresh:
            parts.wait_ready(part, lambda part=part: Worker.objects.filter(pid=part.pid).exists())  # type: ignore[misc]
        return living + fresh

    def only(self, n: int) -> list[Part]:
        """`n` living workers and no more: whoever is one too many is killed."""
        for part in [part for part in self._workers if part.alive][n:]:
            part.kill()
        return self.workers(n)

    def beat(self, **env: str) -> Part:
        """One more beat; it is not waited for."""
        schedule = str(self._folder / f"schedule-{len(self._started)}")
        return self._start("beat", *CELERY, "beat", "-s", schedule, "-linfo", **env)

    def web(self, **env: str) -> Web:
        """One more web process, ready to answer."""
        return serve(self._start, **env)

    def end(self) -> None:
        """Stop all that runs; a part that does not stop in time is killed, and fails the test."""
        running = [part for part in self._started if part.alive]
        for part in running:
            part.thaw()
            part.terminate()
        for part in running:
            part.stop()

    def _worker(self, concurrency: int, env: Mapping[str, str]) -> Part:
        name = f"worker-{len(self._started)}"
        part = self._start(name, *CELERY, *worker_arguments(f"{name}@localhost", concurrency), **env)
        self._workers.append(part)
        return part

    def _start(self, name: str, *arguments: str, fds: tuple[int, ...] = (), **env: str) -> Part:
        log = self._folder / f"{name}-{len(self._started)}.log"
        environment = parts.environment(**{**self._env, **env})
        self._started.append(parts.start(name, arguments, log, env=environment, fds=fds))
        return self._started[-1]


@contextmanager
def engaged(folder: Path, env: Mapping[str, str]) -> Iterator[Company]:
    """A company; all of its parts have ended when the block has."""
    company = Company(folder, env)
    try:
        yield company
    finally:
        company.end()
