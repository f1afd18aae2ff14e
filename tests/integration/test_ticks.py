"""Beat's ticks: those that have gathered are one, and a schedule from the future is taken for one from now."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
import redis
from celery import Celery

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
