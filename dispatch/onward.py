"""Going on in rows whose cell was ended from outside: cancelled, taken over, or lost with its last worker; and in
those whose cell ended while their dispatch is paused.

Whoever ran that cell leaves the row, and its window may close at once. So what the dispatch still owes the row by
cascade is stamped by the transaction that ends the cell, for whoever claims the row next.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from functools import partial

from django.db import transaction
from django.db.models import Exists, OuterRef

from cells import lifecycle as executions
from cells.draw import Tally
from cells.models import IN_FLIGHT, Execution, Status
from dispatch import resume, scope, windows
from dispatch.models import Dispatch, DispatchStatus, Window
from tableflow.live import marks
from tableflow.tables.models import Row

UNDER_WAY = (DispatchStatus.DISPATCHING, DispatchStatus.PAUSED)  # what is stamped while it is paused waits with it


def stamp_due(ids: Sequence[int], *, without: Collection[int] = ()) -> None:
    """Stamp the cells that are due in the rows of these executions, and count them into their windows.

    `without` are groups to leave out. No window may close before the caller's transaction ends.
    """
    windows.tally(Tally(cells=stamp(ids, without=without)))


def stamp(ids: Sequence[int], *, without: Collection[int] = ()) -> Counter[int]:
    """The same, but that the caller counts them: gives how many came to each window. Lanes at rest are rung for them
    when the transaction has ended.

    Each comes to the window that its execution leaves; to a fresh one where that is the lobby.
    """
    came: Counter[int] = Counter()
    for dispatch_id, rows_by_window in _left(ids).items():
        dispatch = Dispatch.objects.filter(pk=dispatch_id, status__in=UNDER_WAY).first()
        if dispatch is None:
            continue
        _leave_lobby(dispatch, rows_by_window)
        stamped = {window: _stamp(dispatch, window, rows, without) for window, rows in rows_by_window.items()}
        came.update(stamped)
        if any(stamped.values()):
            transaction.on_commit(partial(resume.wake, dispatch_id, sum(stamped.values())), robust=True)
    return came


def _leave_lobby(dispatch: Dispatch, rows_by_window: dict[int, list[int]]) -> None:
    lobby = Window.objects.filter(pk__in=rows_by_window, lobby=True).values_list("pk", flat=True).first()
    if lobby is not None:
        rows = rows_by_window.pop(lobby)
        places = list(Row.objects.filter(pk__in=rows).values_list("pk", "position"))
        if places:
            rows_by_window[windows.open_resumed(dispatch.pk, places)] = rows


def _left(ids: Sequence[int]) -> dict[int, dict[int, list[int]]]:
    found: dict[int, dict[int, list[int]]] = defaultdict(lambda: defaultdict(list))
    cells = Execution.objects.filter(pk__in=ids)
    for dispatch_id, window_id, row_id in cells.values_list("dispatch_id", "window_id", "row"):
        if dispatch_id is not None and window_id is not None:
            found[dispatch_id][window_id].append(row_id)
    return found


def _stamp(dispatch: Dispatch, window_id: int, rows: Sequence[int], without: Collection[int]) -> int:
    """Only a group that runs after others, or reads one of them, can have become due since the window was admitted."""
    stamped = 0
    for group in scope.planned(dispatch):
        if group.id in without or not (group.run_after or group.upstream):
            continue
        coming = Execution.objects.filter(
            row=OuterRef("pk"), group__in=group.upstream, dispatch_id=dispatch.pk, status__in=IN_FLIGHT
        )
        eligible = Row.objects.filter(scope.eligible(dispatch, group), ~Exists(coming), pk__in=rows)
        due = list(eligible.values_list("pk", "position"))
        stamped += executions.stamp(
            group.id, due, dispatch_id=dispatch.pk, window_id=window_id, sequence=dispatch.sequence
        )
    if stamped:
        marks.cells(dispatch.table_id, rows, {Status.PENDING.value: stamped}, dispatch_id=dispatch.pk)
    return stamped
