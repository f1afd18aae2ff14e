"""The parts that other tests start."""

from __future__ import annotations

from tests import parts
from tests.conftest import StartWorkers


def test_workers_start_take_messages_and_die_when_killed(workers: StartWorkers) -> None:
    first, second = workers(n=2, concurrency=2)
    first.kill()
    assert not first.alive
    assert second.stop() == 0
    assert "Traceback" not in second.log


def test_beat_starts_and_stops(beat: parts.Part) -> None:
    assert beat.stop() == 0, beat.log
