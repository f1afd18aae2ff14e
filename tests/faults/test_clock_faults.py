"""Clocks that jump, and clocks that differ: workers and beat live by the database's clock, whatever their own says."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from dispatch.begin import begin
from tests import scenes
from tests.faults.laws import gated

HOUR = 3600


@dataclass(frozen=True)
class Clock:
    """The clock of a machine: its processes see it as many seconds wrong as `jump` says."""

    file: Path

    @property
    def environment(self) -> dict[str, str]:
        """The variables that put a process on this machine."""
        return {"PYTHONPATH": str(Path(__file__).parent / "clock"), "CLOCK_SHIFT_FILE": str(self.file)}

    def jump(self, to: int) -> None:
        """From now on the clock is so many seconds ahead of the database's."""
        draft = self.file.with_suffix(".new")
        draft.write_text(str(to))
        draft.replace(self.file)


@pytest.fixture(scope="module")
def clocks(tmp_path_factory):
    """The clocks of the workers' machine and of beat's."""
    folder = tmp_path_factory.mktemp("clocks")
    found = Clock(folder / "workers"), Clock(folder / "beat")
    for clock in found:
        clock.jump(0)
    return found


@pytest.fixture(scope="module", autouse=True)
def _beat(company, clocks):
    company.beat(**clocks[1].environment)


def test_a_process_sees_the_clock_of_its_machine(clocks):
    clock = clocks[0]
    clock.jump(HOUR)
    code = "import time, datetime as d; print(time.time(), d.datetime.now(d.UTC).timestamp(), time.monotonic())"
    run = subprocess.run(
        [sys.executable, "-c", code], env=clock.environment, capture_output=True, text=True, check=True
    )
    clock.jump(0)
    seen, seen_too, _ = map(float, run.stdout.split())
    assert abs(seen - seen_too) < 1
    assert HOUR - 60 < seen - Path(clock.file).stat().st_mtime < HOUR + 60


@pytest.mark.parametrize(
    ("workers_at", "beat_at"),
    [(HOUR, HOUR), (-HOUR, -HOUR), (HOUR, -HOUR)],
    ids=["all go forward", "all go back", "beat is behind the workers"],
)
def test_a_run_outlives_a_worker_though_the_clocks_jump(company, clocks, gate, watch, workers_at, beat_at):
    first, _second = company.workers(2, **clocks[0].environment)
    table = scenes.table(60)
    gated(table, gate.folder, concurrency=16)
    dispatch = begin(table.pk)
    gate.until_arrived(16)
    held_by_first = gate.arrived(first.pid)
    assert held_by_first
    for clock, at in zip(clocks, (workers_at, beat_at), strict=True):
        clock.jump(at)
    first.kill()
    watch.struck()
    gate.open()
    figures = watch.until_lawful_end(dispatch, 30)
    assert dispatch.completed == 60
    assert figures.lost >= len(held_by_first)
