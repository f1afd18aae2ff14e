"""Real processes that heal within seconds, a watch over what a fault does to a run, and the table of its figures."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, Protocol

import pytest

from cells.models import Worker
from dispatch import lanes
from dispatch.models import Dispatch
from tests import parts, scenes
from tests.conftest import CELERY, worker_arguments
from tests.faults.laws import Figures, Gate, assert_laws, witness
from tests.stage import pace

LEASE = 3.0
FIGURES = pytest.StashKey[list[tuple[str, float, Figures]]]()


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """The figures of all faults: how long the run took to end after the fault, and what it cost."""
    figures = config.stash.get(FIGURES, [])
    if figures:
        terminalreporter.section("faults: seconds to heal, cells, attempts made, attempts lost")
    for name, seconds, of in figures:
        terminalreporter.write_line(f"{seconds:6.1f} s {of.cells:6} {of.attempts:6} {of.lost:6}  {name}")


class Crew(Protocol):
    """Starts `n` workers with short leases, and waits until each has entered its name; the arguments are `pace`'s."""

    def __call__(self, n: int = 1, concurrency: int = 8, **env: str) -> list[parts.Part]: ...


@pytest.fixture
def short_leases(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The environment in which a part heals soon; the lanes that the test itself lays have the same lease."""
    monkeypatch.setattr(lanes, "LEASE", timedelta(seconds=LEASE))
    return pace.environment(lease=LEASE, renew=1.0, sweep=1.0)


@pytest.fixture
def crew(start_part: Callable[..., parts.Part], short_leases: dict[str, str]) -> Crew:
    """`crew(n=1, concurrency=8, **env)` starts real workers and gives their handles."""
    names = iter(range(1000))

    def start(n: int = 1, concurrency: int = 8, **env: str) -> list[parts.Part]:
        started = []
        for number in [next(names) for _ in range(n)]:
            arguments = [*CELERY, *worker_arguments(f"crew-{number}@localhost", concurrency)]
            started.append(start_part(f"crew-{number}", *arguments, **{**short_leases, **env}))
        for part in started:
            parts.wait_ready(part, lambda part=part: Worker.objects.filter(pid=part.pid).exists())  # type: ignore[misc]
        return started

    return start


@pytest.fixture
def start_beat(
    start_part: Callable[..., parts.Part], short_leases: dict[str, str], tmp_path: Path
) -> Callable[..., parts.Part]:
    """`start_beat(**env)` starts a real beat process that sweeps each second, with a schedule file of its own."""
    numbers = iter(range(100))

    def start(**env: str) -> parts.Part:
        schedule = str(tmp_path / f"schedule-{next(numbers)}")
        part = start_part("beat", *CELERY, "beat", "-s", schedule, "-linfo", **{**short_leases, **env})
        parts.wait_ready(part, lambda: "Sent the first tick" in part.log)
        return part

    return start


@pytest.fixture
def beat(start_beat: Callable[..., parts.Part]) -> parts.Part:
    """A real beat process that sweeps each second."""
    return start_beat()


@pytest.fixture
def gate(tmp_path: Path) -> Gate:
    """The gate at which the cells of the test stand."""
    folder = tmp_path / "gate"
    folder.mkdir()
    return Gate(folder)


class Watch:
    """Sees a run from its fault to its end, and holds it against the laws."""

    def __init__(self, name: str, gate: Gate, figures: list[tuple[str, float, Figures]]) -> None:
        self._name = name
        self._gate = gate
        self._figures = figures
        self._struck_at = time.monotonic()

    def struck(self) -> None:
        """The fault happens now: healing is measured from here."""
        self._struck_at = time.monotonic()

    def until_lawful_end(self, dispatch: Dispatch, seconds: float = 60) -> Figures:
        """Wait until the dispatch ends by itself, assert the laws, and give the figures, which the summary prints."""
        scenes.until_ended(dispatch, seconds)
        healed = time.monotonic() - self._struck_at
        figures = assert_laws(dispatch, self._gate)
        self._figures.append((self._name, healed, figures))
        return figures


@pytest.fixture
def watch(request: pytest.FixtureRequest, transactional_db: None, gate: Gate) -> Iterator[Watch]:
    """The watch over this test's run; the database notes each write of an output meanwhile."""
    name = request.node.name.removeprefix("test_").replace("_", " ")
    with witness():
        yield Watch(name, gate, request.config.stash.setdefault(FIGURES, []))
