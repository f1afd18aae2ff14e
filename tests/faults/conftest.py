"""A module's processes and its database, a watch over what each fault does to a run, and the table of the figures.

The tests of a module share its processes where their fault leaves them alive: starting one takes longer than healing.
So the database is emptied once, when the module's processes have ended, and each test has a table of its own.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import redis
from django.conf import settings
from django.core.management import call_command

from dispatch import lanes
from dispatch.models import Dispatch
from tests import scenes
from tests.faults.company import Company, engaged
from tests.faults.laws import Figures, Gate, assert_laws, witness
from tests.stage import pace
from tests.stage.points import Points

LEASE = 3.0
FIGURES = pytest.StashKey[list[tuple[str, float, Figures]]]()


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """The figures of all faults: how long the run took to end after the fault, and what it cost."""
    figures = config.stash.get(FIGURES, [])
    if figures:
        terminalreporter.section("faults: seconds to heal, cells, attempts made, attempts lost")
    for name, seconds, of in figures:
        terminalreporter.write_line(f"{seconds:6.1f} s {of.cells:6} {of.attempts:6} {of.lost:6}  {name}")


@pytest.fixture(scope="module")
def database(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """The test database for the whole module, emptied at its end; it notes each write of an output."""
    with django_db_blocker.unblock():
        with witness():
            yield
        call_command("flush", verbosity=0, interactive=False)


@pytest.fixture
def db(database: None) -> None:
    """In place of pytest-django's, which would roll back what a test does: here other processes are to see it."""


@pytest.fixture(scope="module")
def broker() -> Iterator[redis.Redis]:
    """The session's Redis, emptied before the module and after it."""
    with closing(redis.Redis.from_url(settings.REDIS_URL)) as client:
        client.flushdb()
        yield client
        client.flushdb()


@pytest.fixture(scope="module")
def points(tmp_path_factory: pytest.TempPathFactory) -> Points:
    """Where the module's parts can be held."""
    return Points(tmp_path_factory.mktemp("points"))


@pytest.fixture(scope="module")
def pace_of_parts() -> Iterator[dict[str, str]]:
    """The environment in which a part heals soon; the lanes that the test itself lays have the same lease."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lanes, "LEASE", timedelta(seconds=LEASE))
        yield pace.environment(lease=LEASE, renew=1.0, sweep=1.0)


@pytest.fixture(scope="module")
def company(
    database: None,
    broker: redis.Redis,
    points: Points,
    pace_of_parts: dict[str, str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Company]:
    """The module's company of workers and beats, with short leases; nobody is in it yet."""
    env = {**pace_of_parts, **points.environment("dispatch.lanes.leave", "dispatch.bell.announce")}
    with engaged(tmp_path_factory.mktemp("company"), env) as company:
        yield company


@pytest.fixture
def gate(tmp_path: Path) -> Gate:
    """The gate at which the cells of the test stand."""
    return Gate(tmp_path)


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
def watch(request: pytest.FixtureRequest, db: None, gate: Gate) -> Watch:
    """The watch over this test's run."""
    name = request.node.name.removeprefix("test_").replace("_", " ")
    return Watch(name, gate, request.config.stash.setdefault(FIGURES, []))
