"""Beat's ticks: gathered ones are one, a schedule from the future is taken for one from now, and beat ends between."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import redis
from celery import Celery, platforms

from tableflow import ticks


@pytest.fixture
def app() -> Celery:
    return Celery("ticking", broker="memory://", set_as_current=False)


def counting(app: Celery, counted: list[str]) -> ticks.Tick:
    @app.task(name="tick", base=ticks.Tick, shared=False)
    def tick() -> None:
        counted.append("tick")

    return tick  # type: ignore[return-value]


def test_ticks_that_have_gathered_are_one(
    app: Celery, empty_redis: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ticks, "APART_MS", 600_000)
    counted: list[str] = []
    tick = counting(app, counted)
    for _ in range(5):
        tick.apply()
    assert counted == ["tick"]
    empty_redis.flushdb()
    tick.apply()
    assert counted == ["tick", "tick"]


def test_while_redis_is_away_each_tick_counts(app: Celery, settings: object) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"  # type: ignore[attr-defined]
    counted: list[str] = []
    tick = counting(app, counted)
    tick.apply()
    tick.apply()
    assert counted == ["tick", "tick"]


def test_a_tick_that_was_sent_in_the_future_was_sent_now(app: Celery, tmp_path: Path) -> None:
    app.conf.beat_schedule = {"tick": {"task": "tick", "schedule": ticks.every(5)}}
    first = ticks.Scheduler(app, schedule_filename=str(tmp_path / "schedule"))
    first.schedule["tick"].last_run_at += timedelta(hours=1)
    first.close()
    second = ticks.Scheduler(app, schedule_filename=str(tmp_path / "schedule"))
    due, seconds = second.schedule["tick"].is_due()
    second.close()
    assert not due
    assert 0 < seconds <= 5


@pytest.fixture
def signals() -> Iterator[None]:
    """Whatever a test has a signal do, it does what it did before afterwards."""
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    for number, handler in before.items():
        platforms.signals[number] = handler


def test_a_beat_that_is_told_to_end_finishes_what_it_is_sending(app: Celery, tmp_path: Path, signals: None) -> None:
    sent = []

    class Told(ticks.Scheduler):
        def apply_async(self, entry: object, *_: object, **__: object) -> None:
            os.kill(os.getpid(), signal.SIGTERM)
            sent.append(entry)

    app.conf.beat_schedule = {"tick": {"task": "tick", "schedule": ticks.every(0)}}
    scheduler = Told(app, schedule_filename=str(tmp_path / "schedule"))
    scheduler.end_when_told()
    scheduler.tick()
    assert len(sent) == 1
    with pytest.raises(SystemExit):
        scheduler.tick()
    assert len(sent) == 1
    with pytest.raises(SystemExit):
        os.kill(os.getpid(), signal.SIGTERM)
    scheduler.close()
