"""Going on in rows whose cell was ended from outside: cancelled, taken over, or lost with its last worker.

Whoever ran that cell finds its end lost and leaves the row, and its window may close at once. So what the dispatch
still owes the row by cascade is stamped by the transaction that ends the cell, for whoever claims the row next.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Sequence

from cells import lifecycle as executions
from cells.draw import Tally
from cells.models import Execution
from dispatch import scope, windows
from dispatch.models import Dispatch, DispatchStatus
from tableflow.tables.models import Row


def stamp_due(ids: Sequence[int], *, without: Collection[int] = ()) -> None:
    """Stamp the cells that are due in the rows of these executions, each in the window that its execution leaves.

    `without` are groups to leave out. No window may close before the caller's transaction ends.
    """
    for dispatch_id, rows_by_window in _left(ids).items():
        dispatch = Dispatch.objects.filter(pk=dispatch_id, status=DispatchStatus.DISPATCHING).first()
        if dispatch is None:
            continue
        came = Counter({window: _stamp(dispatch, window, rows, without) for window, rows in rows_by_window.items()})
        windows.tally(Tally(cells=came))


def _left(ids: Sequence[int]) -> dict[int, dict[int, list[int]]]:
    found: dict[int, dict[int, list[int]]] = defaultdict(lambda: defaultdict(list))
    cells = Execution.objects.filter(pk__in=ids)
    for dispatch_id, window_id, row_id in cells.values_list("dispatch_id", "window_id", "row"):
        if dispatch_id is not None and window_id is not None:
            found[dispatch_id][window_id].append(row_id)
    return found


def _stamp(dispatch: Dispatch, window_id: int, rows: Sequence[int], without: Collection[int]) -> int:
    """Only a group that runs after others can have become due since the window was admitted."""
    stamped = 0
    for group in scope.planned(dispatch):
        if not group.run_after or group.id in without:
            continue
        due = Row.objects.filter(scope.eligible(dispatch, group), pk__in=rows).values_list("pk", "position")
        stamped += executions.stamp(
            group.id, list(due), dispatch_id=dispatch.pk, window_id=window_id, sequence=dispatch.sequence
        )
    return stamped
