"""Worker processes: one row each, one heartbeat, and the lease that their claims hold by.

The beat that renews the lease also asks which of the process's claims were taken away, and cancels those cells: a
Stop reaches a hanging call within two beats. A worker that was frozen past its lease finds itself lost when it
wakes; its claims are gone, and it comes back under a new row.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import DatabaseError, IntegrityError, connection, transaction
from django.db.models import F
from django.db.models.functions import Now

from cells import lifecycle, loop
from cells.models import Worker

logger = logging.getLogger(__name__)

BEAT = timedelta(seconds=1)
LEASE = timedelta(seconds=10)
STRAY_AGE = timedelta(seconds=10)


@dataclass(frozen=True)
class Identity:
    """Who this process is to the others: the row in which its heartbeat stands."""

    id: int
    name: str


class Registration:
    """The place of this process among the workers, from its start to its end."""

    def __init__(self, node: str, queues: Iterable[str], concurrency: int) -> None:
        self._node = node
        self._queues = sorted(queues)
        self._concurrency = concurrency
        self._stopped = threading.Event()
        self._windows: set[int] = set()
        self.draining = threading.Event()
        self.identity = self._register()
        self._thread = threading.Thread(target=self._beat_for_ever, name="heartbeat", daemon=True)

    def start(self) -> None:
        """Begin to beat."""
        self._thread.start()

    def stop(self) -> None:
        """Hand back what is still held, and leave."""
        self._stopped.set()
        self._thread.join(timeout=5)
        lifecycle.release(self.identity.id, self._windows)
        Worker.objects.filter(pk=self.identity.id).delete()

    def drawing_from(self, windows: Iterable[int]) -> None:
        """Remember the windows that claims were made in: where this process's cells are to be looked for."""
        self._windows = {*sorted(self._windows)[-200:], *windows}

    def _register(self) -> Identity:
        for suffix in ("", *(f".{n}" for n in range(2, 100))):
            name = f"{self._node}.{os.getpid()}{suffix}"
            try:
                with transaction.atomic():
                    worker = Worker.objects.create(
                        name=name,
                        host=socket.gethostname(),
                        pid=os.getpid(),
                        queues=self._queues,
                        concurrency=self._concurrency,
                        started_at=Now(),
                        heartbeat_at=Now(),
                    )
            except IntegrityError:
                continue
            return Identity(worker.pk, name)
        raise RuntimeError(f"No free name for a worker called {self._node}")

    def _beat_for_ever(self) -> None:
        beats = 0
        while not self._stopped.wait(BEAT.total_seconds()):
            beats += 1
            try:
                self._beat(look_for_strays=beats % 5 == 0)
            except DatabaseError as error:
                logger.warning("The heartbeat of %s failed: %s", self.identity.name, error)
                connection.close()
        connection.close()

    def _beat(self, *, look_for_strays: bool) -> None:
        status = Worker.Status.DRAINING if self.draining.is_set() else Worker.Status.ACTIVE
        alive_ = Worker.objects.filter(pk=self.identity.id).exclude(status=Worker.Status.LOST)
        if not alive_.update(heartbeat_at=Now(), status=status):
            logger.warning("%s was taken for lost; it starts anew", self.identity.name)
            loop.abort(loop.held())
            self.identity = self._register()
            return
        held = loop.held()
        if held:
            gone = lifecycle.fenced(held)
            loop.abort(claim for claim in held if claim.id in gone)
        if look_for_strays and self._windows:
            # A commit whose answer was lost may have claimed cells that no coroutine runs.
            keep = {claim.id for claim in loop.held()} | _drawing()
            lifecycle.release(self.identity.id, self._windows, keep=keep, older=STRAY_AGE)


_registration: Registration | None = None
_held_by_draws: dict[int, set[int]] = {}


def hold(draw: int, execution_ids: set[int]) -> None:
    """Note which claims a draw of this process holds: running, queued behind one, or ended and not yet committed."""
    if execution_ids:
        _held_by_draws[draw] = execution_ids
    else:
        _held_by_draws.pop(draw, None)


def _drawing() -> set[int]:
    return set().union(*list(_held_by_draws.values()))


def register(node: str, queues: Iterable[str], concurrency: int) -> Registration:
    """Enter this process among the workers and begin to beat."""
    global _registration  # noqa: PLW0603  (one registration a process is the point)
    _registration = Registration(node, queues, concurrency)
    _registration.start()
    return _registration


def here() -> Registration:
    """The registration of this process; a process that draws cells without one is a mistake of the caller."""
    if _registration is None:
        raise RuntimeError("This process is not registered as a worker")
    return _registration


def drain() -> None:
    """Have this process's draws take no more rows. Called in a signal handler: it only raises a flag."""
    if _registration is not None:
        _registration.draining.set()


def leave() -> None:
    """End this process's registration, if there is one."""
    global _registration  # noqa: PLW0603
    if _registration is not None:
        _registration.stop()
        _registration = None


def lapse(now: datetime | None = None) -> list[Worker]:
    """Mark as lost the workers whose lease has run out; gives those that were not before."""
    lapsed = Worker.objects.exclude(status=Worker.Status.LOST).filter(heartbeat_at__lt=(now or Now()) - LEASE)
    with transaction.atomic():
        workers = list(lapsed.select_for_update(skip_locked=True))
        Worker.objects.filter(pk__in=[w.pk for w in workers]).update(status=Worker.Status.LOST)
    return workers


def alive(ids: Iterable[int]) -> set[int]:
    """Which of these workers hold their lease; one that has left has no row, and holds nothing."""
    return set(Worker.objects.filter(pk__in=list(ids)).exclude(status=Worker.Status.LOST).values_list("pk", flat=True))


def prune(older: timedelta = timedelta(days=1)) -> None:
    """Forget workers that were lost long ago."""
    Worker.objects.filter(status=Worker.Status.LOST, heartbeat_at__lt=Now() - older).delete()


def listing() -> list[dict[str, Any]]:
    """All known workers, with the age of their heartbeats in seconds by the database's clock."""
    aged = Worker.objects.annotate(age=Now() - F("heartbeat_at"))
    return [
        {
            "name": worker.name,
            "host": worker.host,
            "pid": worker.pid,
            "queues": worker.queues,
            "concurrency": worker.concurrency,
            "status": worker.status,
            "started_at": worker.started_at,
            "heartbeat_at": worker.heartbeat_at,
            "heartbeat_age_seconds": worker.age.total_seconds(),
        }
        for worker in aged
    ]
