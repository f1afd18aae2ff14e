"""The cells that a worker has: looked for in the open windows of the active dispatches, where all that runs is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Case, QuerySet, When

from cells.models import CLAIMED, Status, Worker
from dispatch import windows
from dispatch.models import Dispatch
from tableflow.tables.models import Table

MOST = 200


@dataclass(frozen=True)
class CellAtWork:
    """A cell that a worker runs, or that is queued behind one of its row; `started_at`: since when."""

    table_id: int
    row_id: int
    group_id: int
    status: str
    started_at: datetime | None


def cells_of(worker: Worker, tables: QuerySet[Table]) -> list[CellAtWork]:
    """The cells of these tables that the worker has claimed: those that run, then those queued; the oldest first. At
    most MOST.
    """
    active = Dispatch.objects.active().filter(table__in=tables).values_list("pk", "table")
    table_of: dict[int | None, int] = dict(active)
    open_ones = windows.open_of(pk for pk, _ in active).filter(windows.UNFINISHED, lobby=False)
    claimed = windows.in_flight(open_ones.values_list("pk", flat=True)).filter(worker=worker.pk, status__in=CLAIMED)
    return [
        CellAtWork(table_of[cell.dispatch_id], cell.row_id, cell.group_id, cell.status, cell.started_at)
        for cell in claimed.order_by(Case(When(status=Status.RUNNING, then=0), default=1), "started_at", "pk")[:MOST]
    ]
