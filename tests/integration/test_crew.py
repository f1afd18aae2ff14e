"""Launching and stopping workers through a real supervisord, over processes that only wait."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tableflow.embedded import folders, processes
from tableflow.errors import Conflict
from tableflow.supervisor import configuration, crew, parts
from tableflow.supervisor.daemon import Daemon
from tableflow.supervisor.parts import Part
from tableflow.supervisor.remote import Remote, State
from tests import scenes

ROOM = 2
WAIT = [*processes.leash("KILL"), sys.executable, "-c", "import signal; signal.pause()"]


def waiting(name: str, copies: int = 1) -> Part:
    """A part that does nothing until it is told to end."""
    return Part(name, WAIT, 20, start_seconds=0, stop_seconds=8, copies=copies)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The data folder of a supervisord whose parts run, except the workers that nobody has launched yet."""
    folders.private(tmp_path / "run")
    wanted = [waiting("web"), waiting("control"), waiting("worker", 2), waiting(parts.EXTRA, ROOM)]
    file = configuration.write(tmp_path, wanted, tmp_path)
    daemon = Daemon(tmp_path, file, {**os.environ, processes.MARK: str(tmp_path)})
    try:
        scenes.until(daemon.states, "supervisord answers")
        daemon.start(["web", "control", "worker"])
        monkeypatch.setenv(processes.MARK, str(tmp_path))
        yield tmp_path
    finally:
        daemon.stop(users_seconds=9, servers_seconds=5)
        assert processes.marked(tmp_path) == []


def states(home: Path) -> dict[str, State]:
    """The processes by name."""
    return {state.name: state for state in Remote(home).states()}


def running(home: Path) -> set[str]:
    """The names of the processes that run."""
    return {name for name, state in states(home).items() if state.pid}


def until_stopped(home: Path, name: str) -> None:
    scenes.until(lambda: states(home)[name].stopped, f"{name} has stopped")


def test_workers_are_launched_one_by_one_until_there_are_enough(home: Path) -> None:
    at = socket.gethostname()
    for number in range(1, ROOM + 1):
        name = crew.launch()
        assert name == f"extra-{number}@{at}.{states(home)[f'extra_{number}'].pid}"
    with pytest.raises(Conflict, match="stop one first"):
        crew.launch()


def test_a_stopped_worker_stays_stopped_until_one_is_launched(home: Path) -> None:
    crew.launch()
    before = running(home)
    for name in ("worker_2", "control"):
        crew.end(socket.gethostname(), states(home)[name].pid)
        until_stopped(home, name)
    assert running(home) == before - {"worker_2", "control"}
    assert crew.launch().startswith("control-1@")
    assert crew.launch().startswith("worker-2@")
    assert running(home) == before


def test_only_workers_of_this_machine_are_stopped(home: Path) -> None:
    before = states(home)
    crew.end(socket.gethostname(), before["web"].pid)
    crew.end("elsewhere", before["control"].pid)
    crew.end(socket.gethostname(), os.getpid())
    assert {name: (s.pid, s.code) for name, s in states(home).items()} == {
        name: (s.pid, s.code) for name, s in before.items()
    }


def test_a_supervisor_that_is_not_there_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(processes.MARK, str(tmp_path))
    with pytest.raises(Conflict, match="does not answer"):
        crew.launch()
