"""The status of an import: pending → running → complete | failed | cancelled, each step one guarded UPDATE.

Only who holds the fence of a running import writes rows for it. A worker that stops renewing its lease loses the
import: the sweep (`ring_overdue`) puts it back to pending under a higher fence and rings again, and the next
worker goes on after the last committed batch. One that loses MAX_LOSSES workers without a batch in between fails.
"""

from __future__ import annotations

import datetime as dt
import logging
from typing import Any

from celery import current_app
from django.db import transaction
from django.db.models import F, Q
from django.db.models.functions import Now
from kombu.exceptions import OperationalError as BrokerError

from tableflow.live import marks
from tableflow.tables.imports.rejected import Rejected, listed
from tableflow.tables.models import Import, ImportChunk

log = logging.getLogger(__name__)

LEASE = dt.timedelta(seconds=60)
FIRST_RING = dt.timedelta(seconds=10)
MAX_LOSSES = 5

ACTIVE = (Import.Status.PENDING, Import.Status.RUNNING)


def claim(import_id: int, fence: int) -> int | None:
    """Pending → running under the next fence, which is returned. None: it is not pending under this fence."""
    won = Import.objects.filter(pk=import_id, status=Import.Status.PENDING, fence=fence).update(
        status=Import.Status.RUNNING, fence=fence + 1, lease_until=Now() + LEASE
    )
    if won:
        _mark(import_id, Import.Status.RUNNING)
    return fence + 1 if won else None


def hold(import_id: int, fence: int) -> Import | None:
    """The running import, locked until the transaction ends. None: it was cancelled, or another worker has it."""
    return Import.objects.select_for_update().filter(pk=import_id, status=Import.Status.RUNNING, fence=fence).first()


def renew(import_id: int, fence: int) -> bool:
    """Make the lease whole again. False: the import is no longer this holder's."""
    held = Import.objects.filter(pk=import_id, status=Import.Status.RUNNING, fence=fence)
    return held.update(lease_until=Now() + LEASE) == 1


def release(import_id: int, fence: int) -> bool:
    """Running → pending, with a ring for another worker. False: it is no longer this holder's."""
    won = Import.objects.filter(pk=import_id, status=Import.Status.RUNNING, fence=fence).update(
        status=Import.Status.PENDING, fence=fence + 1, lease_until=Now() + FIRST_RING
    )
    if won:
        _mark(import_id, Import.Status.PENDING)
        transaction.on_commit(lambda: ring(import_id, fence + 1))
    return won == 1


def advance(held: Import, **counts: Any) -> None:
    """Write a batch's progress on an import that `hold` has locked."""
    Import.objects.filter(pk=held.pk, fence=held.fence).update(lease_until=Now() + LEASE, losses=0, **counts)
    _mark(held.pk, Import.Status.RUNNING, held.table_id)


def complete(held: Import) -> None:
    """Running → complete, on an import that `hold` has locked."""
    Import.objects.filter(pk=held.pk, status=Import.Status.RUNNING, fence=held.fence).update(
        status=Import.Status.COMPLETE, rows_total=F("lines_done"), lease_until=None, finished_at=Now()
    )
    _mark(held.pk, Import.Status.COMPLETE, held.table_id)


def fail(import_id: int, fence: int, detail: str) -> bool:
    """Running → failed, with the reason in front of the listed errors. False: it is no longer this holder's."""
    with transaction.atomic():
        held = hold(import_id, fence)
        if held is None:
            return False
        errors = listed([Rejected(None, detail).as_json()], held.errors)
        Import.objects.filter(pk=import_id, fence=fence).update(
            status=Import.Status.FAILED, errors=errors, lease_until=None, finished_at=Now()
        )
        _mark(import_id, Import.Status.FAILED, held.table_id)
    return True


def cancel(import_id: int) -> bool:
    """Pending or running → cancelled; no batch commits once this has returned. False: it had ended before.

    The rows of an appending import that have landed stay; those of a replacing one go and the old rows stay.
    """
    won = Import.objects.filter(pk=import_id, status__in=ACTIVE).update(
        status=Import.Status.CANCELLED, fence=F("fence") + 1, lease_until=None, finished_at=Now()
    )
    if won:
        _mark(import_id, Import.Status.CANCELLED)
        transaction.on_commit(lambda: _ring("tidy_import", import_id))
    return won == 1


def overdue() -> Q:
    """The imports whose ring or worker was lost: the lease (of a pending one: the time to its ring) has run out."""
    return Q(status__in=ACTIVE, lease_until__lt=Now()) | Q(status__in=ACTIVE, lease_until=None)


def ring(import_id: int, fence: int) -> None:
    """Ask a worker to run the import. A lost ring costs time only: the sweep rings again."""
    _ring("run_import", import_id, fence)


def ring_overdue(most: int = 100) -> int:
    """For the sweep: take overdue imports back to pending and ring for each; ring for ended ones that are untidy.

    Gives how many were rung for. At most `most` of either kind.
    """
    with transaction.atomic():
        # An import whose batch is being committed is locked and alive: it is passed over.
        lost = list(Import.objects.select_for_update(skip_locked=True).filter(overdue())[:most])
        rung = [(source.pk, again) for source in lost if (again := _take_back(source)) is not None]
    for import_id, fence in rung:
        ring(import_id, fence)
    untidy = _untidy(most)
    for import_id in untidy:
        _ring("tidy_import", import_id)
    return len(rung) + len(untidy)


def _take_back(source: Import) -> int | None:
    """Back to pending under the next fence, which is returned; None when it has failed for good. The row is locked."""
    was_running = source.status == Import.Status.RUNNING
    losses = source.losses + was_running
    changes: dict[str, Any] = {"losses": losses, "fence": source.fence + 1}
    if losses > MAX_LOSSES:
        detail = f"{losses} workers were lost in a row while they loaded the lines after {source.lines_done}."
        errors = listed([Rejected(None, detail).as_json()], source.errors)
        changes |= {"status": Import.Status.FAILED, "errors": errors, "lease_until": None, "finished_at": Now()}
    else:
        changes |= {"status": Import.Status.PENDING, "lease_until": Now() + LEASE}
    Import.objects.filter(pk=source.pk).update(**changes)
    _mark(source.pk, changes["status"], source.table_id)
    return None if losses > MAX_LOSSES else source.fence + 1


def _mark(import_id: int, status: Import.Status, table_id: int | None = None) -> None:
    """Mark it; the table is looked up where it is not given. That of an import may be gone for good."""
    if table_id is None:
        table_id = Import.objects.filter(pk=import_id).values_list("table_id", flat=True).first()
    if table_id is not None:
        marks.imported(table_id, import_id, status.value)


def _untidy(most: int) -> list[int]:
    ended = Import.objects.exclude(status__in=ACTIVE).filter(finished_at__lt=Now() - LEASE)
    waiting = ImportChunk.objects.filter(source__in=ended).values_list("source_id", flat=True).distinct()
    return list(waiting.order_by("source_id")[:most])


def _ring(task: str, *args: int) -> None:
    try:
        current_app.send_task(f"tableflow.tables.tasks.{task}", args=args)
    except BrokerError:
        log.warning("the broker could not be reached; the sweep will ring again", extra={"task": task})
