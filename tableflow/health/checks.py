"""Whether the parts of the system are there. `/readyz` and `manage.py doctor` ask the same questions."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from functools import cache

import redis
from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.db.models.functions import Now

from cells.models import Worker
from tableflow import pulse
from tableflow.celery import app

WORKER_AGE = timedelta(seconds=15)
LEAST_DISK_BYTES = 500 * 1024 * 1024


@dataclass(frozen=True)
class Finding:
    """What a check found. `advice` says what to do, and is empty when all is well."""

    part: str
    ok: bool
    detail: str
    advice: str = ""


def ready() -> Iterator[Finding]:
    """What the system needs to take work, in the order in which one thing needs another."""
    for check in (database, migrations, redis_answers, workers, beat):
        yield _guarded(check)


def all_of_it() -> Iterator[Finding]:
    """What `ready` asks, and the disk."""
    yield from ready()
    yield disk()


def database() -> Finding:
    """PostgreSQL answers."""
    with connection.cursor() as cursor:
        cursor.execute("SHOW server_version")
        version = cursor.fetchone()[0]
    return Finding("database", True, f"PostgreSQL {version} answers")


def migrations() -> Finding:
    """The database has every table and column that this version needs."""
    missing = sorted(_needed_migrations() - set(MigrationRecorder(connection).applied_migrations()))
    if missing:
        names = ", ".join(".".join(key) for key in missing[:3])
        return Finding("migrations", False, f"{len(missing)} not applied: {names}", "run: python manage.py migrate")
    return Finding("migrations", True, "all applied")


def redis_answers() -> Finding:
    """Redis answers."""
    with closing(pulse.client()) as client:
        client.ping()
    return Finding("redis", True, "Redis answers")


def workers() -> Finding:
    """At least one worker process takes work from each queue."""
    active = Worker.objects.filter(status=Worker.Status.ACTIVE, heartbeat_at__gt=Now() - WORKER_AGE)
    served = list(active.values_list("queues", flat=True))
    for queue in app.conf.task_queues:
        if not any(queue.name in queues for queues in served):
            advice = f"start one: make up, or celery -A tableflow.celery:app worker -P threads -Q {queue.name}"
            return Finding("workers", False, f"no worker of the queue {queue.name} has been heard of lately", advice)
    return Finding("workers", True, f"{len(served)} at work")


def beat() -> Finding:
    """Beat ticks, and a worker runs its ticks."""
    if not pulse.beat_alive():
        advice = "start it: make up, or celery -A tableflow.celery:app beat; its ticks also need a worker"
        return Finding("beat", False, f"no tick within {pulse.SECONDS} s", advice)
    return Finding("beat", True, "ticks")


def disk() -> Finding:
    """The data folder's disk has room."""
    folder = settings.HOME if settings.HOME.exists() else settings.BASE_DIR
    free = shutil.disk_usage(folder).free
    room = f"{free / 1024**3:.1f} GB free at {folder}"
    if free < LEAST_DISK_BYTES:
        return Finding("disk", False, room, "make room: PostgreSQL stops when its disk is full")
    return Finding("disk", True, room)


@cache
def _needed_migrations() -> frozenset[tuple[str, str]]:
    """The migrations on disk: they stay the same for as long as this process runs."""
    return frozenset(MigrationLoader(None).disk_migrations or ())


def _guarded(check: Callable[[], Finding]) -> Finding:
    part = "redis" if check is redis_answers else check.__name__
    try:
        return check()
    except DatabaseError as error:
        return Finding(part, False, f"PostgreSQL: {_brief(error)}", "is PostgreSQL up, and DATABASE_URL right?")
    except redis.RedisError as error:
        return Finding(part, False, f"Redis: {_brief(error)}", "is Redis up, and REDIS_URL right?")


def _brief(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
