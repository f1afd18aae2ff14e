"""Beat's ticks, by no clock that somebody can set.

Beat's schedule follows the monotonic clock: a machine whose clock is set back would otherwise send nothing until the
clock has caught up. And a tick bears no time at which it expires, since the worker that reads it may be on a machine
with another clock. What has gathered while no worker was there is dropped by Redis's clock, which is one for all.

A beat that is told to end does so between two ticks. Celery's own ends wherever the signal meets it, by an exception:
in the middle of publishing that can leave a lock of the connection pool taken, for which the process then waits.
"""

from __future__ import annotations

import time
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

import redis
from celery import Task, platforms
from celery.beat import PersistentScheduler
from celery.schedules import schedule

from tableflow import pulse

# Ticks of one name that come closer together than this are one: they have gathered, or several beats run.
APART_MS = 400
_STARTED = datetime.now(UTC)
_MONOTONIC = time.monotonic()


def steady_now() -> datetime:
    """The time since this process started, added to what the clock said then."""
    return _STARTED + timedelta(seconds=time.monotonic() - _MONOTONIC)


def every(seconds: float) -> schedule:
    """The schedule of a tick that comes so often."""
    return schedule(timedelta(seconds=seconds), nowfun=steady_now)


class Scheduler(PersistentScheduler):
    """Celery's own, for which a tick that was sent in the future was sent now: the clock was set back since."""

    _told = False

    def setup_schedule(self) -> None:
        """Take up the schedule where the last beat left it."""
        super().setup_schedule()
        for entry in self.schedule.values():
            if entry.last_run_at and entry.last_run_at > steady_now():
                entry.last_run_at = steady_now()

    def tick(self, *args: Any, **kwargs: Any) -> float:
        """Send what is due and give the seconds until the next; a beat that was told to end does so here."""
        if self._told:
            raise SystemExit
        return float(super().tick(*args, **kwargs))

    def end_when_told(self) -> None:
        """Take SIGTERM and SIGINT as a request to end before the next tick; a second one ends it at once."""
        platforms.signals.update(SIGTERM=self._hear, SIGINT=self._hear)

    def _hear(self, *_: object) -> None:
        if self._told:
            raise SystemExit
        self._told = True


class Tick(Task):  # type: ignore[type-arg]
    """A task that beat sends: it does nothing when one of its name has begun a moment ago."""

    abstract = True

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if _is_first(self.name):
            return super().__call__(*args, **kwargs)
        return None


def _is_first(name: str) -> bool:
    """Whether no tick of this name has begun lately. While Redis is away each is the first."""
    with closing(pulse.client()) as connection:
        try:
            return bool(connection.set(f"tableflow:tick:{name}", 1, nx=True, px=APART_MS))
        except redis.RedisError:
            return True
