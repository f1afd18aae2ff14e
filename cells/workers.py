"""Worker processes: one row each, one heartbeat, and the lease that their claims hold by.

The beat that renews the lease also asks which of the process's claims were taken away, and cancels those cells: a
Stop reaches a hanging call within two beats. A worker that was frozen past its lease finds itself lost when it
wakes; its claims are gone, and it comes back under a new row.

Who wants a worker to end writes `draining` into its row: its next beat reads it, wherever the worker runs and whether
or not Redis is there. It then ends as by SIGTERM: it claims no more, gives its cells a moment, hands the rest back.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import DatabaseError, IntegrityError, connection, transaction
from django.db.models import DurationField, ExpressionWrapper, F, Q, QuerySet
from django.db.models.functions import Now

from cells import lifecycle, loop
from cells.models import Worker
from tableflow.errors import Conflict, NotFound
from tableflow.live import marks
from tableflow.tables.models import Table

logger = logging.getLogger(__name__)

BEAT = timedelta(seconds=1)
LEASE = timedelta(seconds=10)
STRAY_AGE = timedelta(seconds=10)
MOST_WINDOWS = 2_000
BUSY_TABLES = 20
"""How many tables a worker names as those whose cells it runs."""


@dataclass(frozen=True)
class Identity:
    """Who this process is to the others: the row in which its heartbeat stands."""

    id: int
    name: str


class Registration:
    """The place of this process among the workers, from its start to its end."""

    def __init__(
        self, node: str, queues: Iterable[str], concurrency: int, end: Callable[[], None] | None = None
    ) -> None:
        self._node = node
        self._end = end
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
        _remove(Worker.objects.filter(pk=self.identity.id))

    def drawing_from(self, windows: Iterable[int]) -> None:
        """Remember the windows that claims were made in: where this process's cells are to be looked for."""
        self._windows = {*sorted(self._windows)[-MOST_WINDOWS:], *windows}

    def _register(self) -> Identity:
        for suffix in ("", *(f".{n}" for n in range(2, 100))):
            name = name_of(self._node, os.getpid()) + suffix
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
                    marks.worker(name, "online")
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
        if not self._renew():
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

    def _renew(self) -> bool:
        """Write the heartbeat, and see whether somebody wants this process to end; False: it was taken for lost."""
        me = Worker.objects.filter(pk=self.identity.id)
        if not self.draining.is_set():
            if me.filter(status=Worker.Status.ACTIVE).update(heartbeat_at=Now(), busy=_busy()):
                return True
            if me.filter(status=Worker.Status.DRAINING).exists():
                self._drain_as_asked()
        elif me.filter(status=Worker.Status.ACTIVE).update(status=Worker.Status.DRAINING):
            marks.worker(self.identity.name, "draining")
        return bool(me.filter(status=Worker.Status.DRAINING).update(heartbeat_at=Now(), busy=_busy()))

    def _drain_as_asked(self) -> None:
        logger.warning("%s was asked to end", self.identity.name)
        self.draining.set()
        if self._end is not None:
            self._end()


@dataclass(frozen=True)
class Holding:
    """What a draw holds: claims that run, are queued behind one, or have ended and are not yet committed; and rows."""

    table_id: int
    execution_ids: set[int]
    rows: int


_registration: Registration | None = None
_held_by_draws: dict[int, Holding] = {}


def hold(draw: int, holding: Holding | None) -> None:
    """Note what a draw of this process holds; None: it has ended."""
    if holding is not None and holding.rows:
        _held_by_draws[draw] = holding
    else:
        _held_by_draws.pop(draw, None)


def _drawing() -> set[int]:
    return {held for holding in list(_held_by_draws.values()) for held in holding.execution_ids}


def _busy() -> dict[str, int]:
    """The cells that run here now, by table; where there are many tables, the busiest."""
    running: Counter[str] = Counter()
    for holding in list(_held_by_draws.values()):
        running[str(holding.table_id)] += holding.rows
    return dict(running.most_common(BUSY_TABLES))


def name_of(node: str, pid: int) -> str:
    """The name under which the process of this Celery node registers."""
    return f"{node}.{pid}"


def register(node: str, queues: Iterable[str], concurrency: int, end: Callable[[], None] | None = None) -> Registration:
    """Enter this process among the workers and begin to beat. `end` ends it, when somebody has asked for that."""
    global _registration  # noqa: PLW0603  (one registration a process is the point)
    _registration = Registration(node, queues, concurrency, end)
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
        for worker in workers:
            _mark_lost(worker)
    return workers


def _mark_lost(worker: Worker) -> None:
    """What it had not told of the cells that it ended went with it: all are to be looked at."""
    marks.worker(worker.name, "lost")
    for table_id in worker.busy:
        marks.cells(int(table_id), None, {})


def alive(ids: Iterable[int]) -> set[int]:
    """Which of these workers hold their lease; one that has left has no row, and holds nothing."""
    return set(Worker.objects.filter(pk__in=list(ids)).exclude(status=Worker.Status.LOST).values_list("pk", flat=True))


def is_any_alive() -> bool:
    """Whether some worker's heart beats."""
    return Worker.objects.filter(_alive()).exists()


def prune(older: timedelta = timedelta(days=1)) -> None:
    """Forget workers that were lost long ago."""
    _remove(Worker.objects.filter(status=Worker.Status.LOST, heartbeat_at__lt=Now() - older))


def _remove(those: QuerySet[Worker]) -> int:
    """Take workers off the list; gives how many."""
    with transaction.atomic():
        names = list(those.select_for_update().order_by("pk").values_list("name", flat=True))
        Worker.objects.filter(name__in=names).delete()
        for name in names:
            marks.worker(name, "offline")
    return len(names)


def serve(queue: str) -> bool:
    """Whether a worker takes messages of this queue."""
    return Worker.objects.filter(_alive(), status=Worker.Status.ACTIVE, queues__contains=[queue]).exists()


def known(name: str) -> Worker:
    """The worker of this name, with the age of its heartbeat. Raises NotFound."""
    found = _named(name).first()
    if found is None:
        raise NotFound("There is no such worker. A worker that has ended in order is not in the list any more.")
    return found


def alive_one(name: str) -> Worker:
    """The worker of this name, as `known` gives it. Raises NotFound, or Conflict when it is lost."""
    found = known(name)
    if _is_lost(found):
        raise Conflict("This worker is lost: there is nobody to stop. Forget it instead.", "worker_lost")
    return found


def ask_to_end(worker: Worker) -> None:
    """Have a worker drain and end: its next heartbeat reads it. Asking one that has left changes nothing."""
    active = Worker.objects.filter(_alive(), pk=worker.pk, status=Worker.Status.ACTIVE)
    if active.update(status=Worker.Status.DRAINING):
        marks.worker(worker.name, "draining")
    worker.status = Worker.Status.DRAINING


def forget(name: str) -> None:
    """Take a lost worker off the list. Raises NotFound, or Conflict when it is alive."""
    if not _remove(_named(name).filter(~_alive())) and known(name):
        raise Conflict("This worker is alive: stop it first, and it leaves the list by itself.", "worker_alive")


def forget_ended(host: str, runs: Callable[[int], bool]) -> None:
    """Take the workers of this host off the list whose process, by its id, does not run any more."""
    here_ = Worker.objects.filter(host=host)
    _remove(here_.filter(pk__in=[pk for pk, pid in here_.values_list("pk", "pid") if not runs(pid)]))


def listing() -> QuerySet[Worker]:
    """All known workers, each with the age of its heartbeat by the database's clock, as `age`."""
    age = ExpressionWrapper(Now() - F("heartbeat_at"), output_field=DurationField())
    return Worker.objects.annotate(age=age)


def _named(name: str) -> QuerySet[Worker]:
    """The worker of this name. With a NUL, which PostgreSQL cannot even look for, there is none."""
    return Worker.objects.none() if "\0" in name else listing().filter(name=name)


def described(listed: Sequence[Any], tables: QuerySet[Table]) -> list[dict[str, Any]]:
    """What is shown of workers from `listing`; of the tables whose cells they run those are named that are given."""
    busy = {int(table_id) for worker in listed for table_id in worker.busy}
    names = dict(tables.filter(pk__in=busy).values_list("pk", "name"))
    return [_described(worker, names) for worker in listed]


def _described(worker: Any, names: dict[int, str]) -> dict[str, Any]:
    lost = _is_lost(worker)
    busy = {} if lost else {int(table_id): cells for table_id, cells in worker.busy.items()}
    return {
        "name": worker.name,
        "host": worker.host,
        "pid": worker.pid,
        "queues": worker.queues,
        "concurrency": worker.concurrency,
        "status": Worker.Status.LOST if lost else worker.status,
        "cells_running": sum(busy.values()),
        "tables": [{"table": pk, "name": names[pk], "cells": cells} for pk, cells in busy.items() if pk in names],
        "started_at": worker.started_at,
        "heartbeat_at": worker.heartbeat_at,
        "heartbeat_age_seconds": worker.age.total_seconds(),
    }


def _is_lost(worker: Any) -> bool:
    return bool(worker.status == Worker.Status.LOST or worker.age > LEASE)


def _alive() -> Q:
    """That a worker holds its lease, whether or not the sweep has been there since it ran out."""
    return ~Q(status=Worker.Status.LOST) & Q(heartbeat_at__gte=Now() - LEASE)
