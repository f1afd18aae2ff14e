"""Cells in flight, ended from outside: cancelled, or taken over by a newer run.

The table is serialised: no draw or admission goes on beside it.
"""

from __future__ import annotations

from collections import Counter, defaultdict

from django.db.models import QuerySet

from cells import approvals
from cells import lifecycle as executions
from cells.draw import Tally
from cells.models import Execution, Status
from dispatch import onward, scope, windows
from dispatch.models import Dispatch, Mode
from tableflow.live import marks
from tableflow.tables.models import Row


def cancel(table_id: int, cells: QuerySet[Execution], sequence: int) -> list[int]:
    """Cancel these cells of a table at an order number, and count them into the windows that they leave; gives their
    ids.
    """
    found = list(cells.values_list("pk", "row_id", "dispatch_id", "status"))
    approvals.mark_open(table_id, [pk for pk, _, _, status in found if status == Status.PAUSED])
    cancelled = executions.cancel([pk for pk, _, _, _ in found], sequence)
    rows: dict[int | None, list[int]] = defaultdict(list)
    for pk, row_id, dispatch_id, _ in found:
        if pk in cancelled:
            rows[dispatch_id].append(row_id)
    for dispatch_id, of_it in rows.items():
        marks.cells(table_id, of_it, {Status.CANCELLED: len(of_it)}, dispatch_id=dispatch_id)
    left = (window_id for window_id in cancelled.values() if window_id is not None)
    windows.tally(Tally(Counter((window_id, Status.CANCELLED) for window_id in left)))
    return list(cancelled)


def take_over(dispatch: Dispatch) -> int:
    """Cancel the in-flight cells of older dispatches that a new one overlaps, and nothing else; gives how many.

    One of what is new, failed or stale takes over nothing: it would not run what is cancelled then, and nobody would.
    One with a limit takes over the first rows only, as many as it may run.
    """
    if dispatch.mode not in (Mode.ALL, Mode.INCOMPLETE):
        return 0
    older = Dispatch.objects.active().filter(table=dispatch.table_id).exclude(pk=dispatch.pk)
    open_ones = windows.open_of(older.values_list("pk", flat=True)).values_list("pk", flat=True)
    cells = windows.in_flight(open_ones).filter(group__in=[group["id"] for group in dispatch.plan])
    condition = scope.selection(dispatch.table_id, dispatch.scope)
    if condition:
        cells = cells.filter(row__in=Row.objects.filter(condition, table=dispatch.table_id))
    if dispatch.limit_rows is not None:
        in_order = cells.order_by("position", "row").values_list("row", flat=True)
        cells = cells.filter(row__in=list(dict.fromkeys(in_order))[: dispatch.limit_rows])
    # At the number before the dispatch's own: a tombstone for those before it, and free for itself.
    cancelled = cancel(dispatch.table_id, cells, dispatch.sequence - 1)
    onward.stamp_due(cancelled, without={group["id"] for group in dispatch.plan})
    return len(cancelled)
