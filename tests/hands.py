"""What workers do, done by hand: a test makes each of their transactions when it wants, and sees what lies between."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from django.db import transaction
from django.db.models import BigIntegerField, F, Value
from django.db.models.functions import Now

from cells import lifecycle as executions
from cells import workers
from cells.draw import Tally
from cells.lifecycle import Claim, Claimed, Ended, Won
from cells.models import Execution, Status, Worker
from dispatch import admit as admission
from dispatch import lifecycle, scope, windows
from dispatch.models import Dispatch, Window
from dispatch.pick import Walked
from tableflow.live import marks
from tableflow.tables.models import Group, Row, Table


def worker(name: str = "hand") -> Worker:
    """A worker whose heart has just beaten."""
    queues = ["draws", "express", "tableflow"]
    return Worker.objects.create(
        name=name, host="here", pid=1, queues=queues, concurrency=8, started_at=Now(), heartbeat_at=Now()
    )


def lapse(of: Worker) -> None:
    """Let the worker's lease run out."""
    Worker.objects.filter(pk=of.pk).update(heartbeat_at=Now() - 2 * workers.LEASE)


def admit(dispatch: Dispatch, lane: int = 0) -> Window | None:
    """Admit the dispatch's next window, as a lane's next link does."""
    while isinstance(admitted := _admit(dispatch, lane), Walked):
        pass
    return Window.objects.get(pk=admitted.pk) if admitted else None


def _admit(dispatch: Dispatch, lane: int) -> Window | Walked | None:
    with transaction.atomic():
        lifecycle.share(dispatch.table_id)
        locked = Dispatch.objects.select_for_update().get(pk=dispatch.pk)
        lifecycle.start(locked)
        return admission.admit(locked, lane)


def claim(by: Worker, dispatch: Dispatch, most: int = 1000) -> list[Claimed]:
    """Claim rows of the dispatch's open windows, as a draw does; gives them in the order of their ids."""
    usages = {group.id: group.usage for group in scope.planned(dispatch)}
    with transaction.atomic():
        lifecycle.share(dispatch.table_id)
        claimed = executions.claim(by.pk, dispatch.table_id, list(windows.drawn_from(dispatch.pk)), usages, most)
        rows = [row.lead.row_id for row in claimed]
        marks.cells(dispatch.table_id, rows, {Status.RUNNING.value: len(rows)}, dispatch_id=dispatch.pk)
    return sorted(claimed, key=lambda row: row.lead.row_id)


def ended(of: Claim, status: Status = Status.COMPLETED, **what: Any) -> Ended:
    """The end of a claimed cell; a completed one gives its column `out` the value 1 unless `output` says otherwise."""
    if status == Status.COMPLETED:
        what.setdefault("output", {"out": 1})
    if status == Status.ERROR:
        what.setdefault("error", "It broke.")
    return Ended(of, status, Group.objects.get(pk=of.group_id).bit, version=1, **what)


def finish(ends: Sequence[Ended], *, cascade: bool = False) -> list[Won]:
    """Write the ends and count them into their windows, as a draw does."""
    with transaction.atomic():
        won = executions.finish(ends, "hand", cascade=cascade)
        windows.tally(Tally(Counter((w.window_id, w.status) for w in won)))
        for window in Window.objects.filter(pk__in={w.window_id for w in won}).select_related("dispatch"):
            statuses = Counter(w.status.value for w in won if w.window_id == window.pk)
            rows = [end.claim.row_id for end in ends if end.claim.window_id == window.pk]
            marks.cells(window.dispatch.table_id, rows, statuses, dispatch_id=window.dispatch_id)
    return won


def lawless_rows(of: Table) -> list[int]:
    """Rows whose done bit of some group is set though the cell is neither completed nor in flight."""
    broken = []
    for group in Group.objects.filter(table=of):
        marked = Row.objects.filter(table=of).annotate(
            bit=F("done").bitand(Value(1 << group.bit, output_field=BigIntegerField()))
        )
        fine = Execution.objects.filter(
            group=group, status__in=[Status.COMPLETED, Status.PENDING, Status.QUEUED, Status.RUNNING]
        )
        broken += marked.exclude(bit=0).exclude(pk__in=fine.values("row")).values_list("pk", flat=True)
    return broken
