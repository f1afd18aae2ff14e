"""The periodic healer. It calls the very functions of the fast path; two sweeps at once do no harm."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

from django.db import transaction
from django.db.models import Exists, OuterRef
from django.db.models.functions import Now

from cells import lifecycle as executions
from cells import workers
from cells.draw import Tally
from cells.lifecycle import Won
from cells.models import FINAL, Execution, Status
from dispatch import bell, caps, lanes, lifecycle, onward, windows
from dispatch.models import Dispatch, Lane, Window
from tableflow.live import marks
from tableflow.tables.models import Row

logger = logging.getLogger(__name__)

UNCOUNTED = timedelta(seconds=30)
T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True)
class Swept:
    """What a sweep found: workers newly lost, cells taken back, lanes rung for again."""

    workers: int
    cells: int
    lanes: int


def sweep() -> Swept:
    """Take back dead workers' cells, pause what reached a cap, ring the lanes whose message was lost."""
    lost = workers.lapse()
    for worker in lost:
        logger.warning("Worker %s has not been heard of for %s; its cells are taken back", worker.name, workers.LEASE)
    cells = sum(_apart(reclaim, table_id) or 0 for table_id in _tables_with_open_windows())
    for dispatch_id in caps.capped():
        _apart(caps.pause_where_reached, dispatch_id)
    rung = sum(bool(_apart(_ring_again, lane)) for lane in lanes.overdue())
    for dispatch in Dispatch.objects.active().filter(total=None, limit_rows=None, requested_at__lt=Now() - UNCOUNTED):
        bell.ask_for_total(dispatch)
    workers.prune()
    return Swept(len(lost), cells, rung)


def _apart(heal: Callable[[T], R], what: T) -> R | None:
    """Heal one thing; what goes wrong with it is logged, and keeps no other from being healed."""
    try:
        return heal(what)
    except Exception:  # the edge of one thing's healing: the next tick comes back to it
        logger.exception("%s of %s failed", heal.__name__, what)
        return None


def _ring_again(lane: Lane) -> bool:
    link = lanes.ring_again(lane)
    if link is not None:
        bell.ring(link)
    return link is not None


def reclaim(table_id: int) -> int:
    """Take back the cells that lost workers, or workers that left, hold in a table; gives how many."""
    with transaction.atomic():
        if not lifecycle.share_at_once(table_id):
            return 0  # a begin, a cancel or a deletion is at work here: the next tick comes back
        open_ones = list(_open_windows(table_id))
        orphans = _of_deleted_rows(open_ones)
        owners = set(windows.in_flight(open_ones).exclude(worker=None).values_list("worker", flat=True).distinct())
        taken = executions.reclaim(sorted(owners - workers.alive(owners)), open_ones)
        spent = [cell for cell in taken if cell.status in FINAL]
        windows.tally(Tally(Counter((cell.window_id, cell.status) for cell in spent) + orphans))
        onward.stamp_due([cell.id for cell in spent])
        _mark(table_id, taken, orphans)
    return len(taken)


def _mark(table_id: int, taken: Sequence[Won], orphans: Mapping[tuple[int, Status], int]) -> None:
    """Tell of what was taken back. What its owners ended, and had not told yet, nobody knows: all rows may differ."""
    concerned = {cell.window_id for cell in taken} | {window_id for window_id, _ in orphans}
    if not concerned:
        return
    marks.cells(table_id, None, Counter(cell.status for cell in taken))
    for dispatch_id in Window.objects.filter(pk__in=concerned).values_list("dispatch", flat=True).distinct():
        marks.figures(table_id, dispatch_id)


def _of_deleted_rows(open_ones: list[int]) -> Counter[tuple[int, Status]]:
    """Cancel the stamps in rows that were deleted just as they were stamped: nobody could ever claim them."""
    homeless = windows.in_flight(open_ones).filter(~Exists(Row.objects.filter(pk=OuterRef("row_id"))))
    found = list(homeless.values_list("pk", flat=True))
    left = executions.cancel(found, lifecycle.next_sequence()) if found else {}
    executions.forget(Execution.objects.filter(pk__in=found))
    return Counter((window_id, Status.CANCELLED) for window_id in left.values() if window_id is not None)


def _open_windows(table_id: int) -> list[int]:
    """The ids of the open windows in which somebody may hold cells: in a lobby nobody does, and it may be vast."""
    active = Dispatch.objects.active().filter(table=table_id).values("pk")
    return list(Window.objects.filter(dispatch__in=active, closed_at=None, lobby=False).values_list("pk", flat=True))


def _tables_with_open_windows() -> list[int]:
    return list(Dispatch.objects.active().values_list("table", flat=True).distinct())
