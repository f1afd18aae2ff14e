"""The slow healer: looks for what no known fault leaves behind, reading tables whole, and mends it.

What it looks for cannot be, by the transactions that write it. Should it be all the same, no cell stays in flight
and no dispatch open for ever: it is set right, and said in the log.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from django.db import transaction
from django.db.models import Count, Exists, OuterRef, QuerySet

from cells import approvals
from cells import lifecycle as executions
from cells.models import IN_FLIGHT, Execution, Status
from dispatch import lanes, lifecycle, windows
from dispatch.models import ACTIVE, CELLS_ENDED, Dispatch, DispatchStatus, Lane, Window
from tableflow.live import marks
from tableflow.tables.models import Group

logger = logging.getLogger(__name__)

MOST = 10_000


@dataclass(frozen=True)
class Audited:
    """What was set right: cells in flight in no open window, windows that counted wrongly, lanes that were lost."""

    cells: int
    windows: int
    lanes: int

    @property
    def is_clean(self) -> bool:
        """Whether there was nothing to set right."""
        return not (self.cells or self.windows or self.lanes)


def audit() -> Audited:
    """Set right what should not be; what it found is in the log as a warning."""
    tables = Group.objects.filter(pk__in=_astray().values("group")).values_list("table", flat=True).distinct()
    cells = sum(_cancel_astray(table_id) for table_id in list(tables))
    active = Dispatch.objects.active().order_by("pk")
    recounted = sum(_recount(dispatch) for dispatch in active)
    laid = sum(_lay_again(dispatch) for dispatch in active.filter(~Exists(_lanes())))
    found = Audited(cells, recounted, laid)
    if not found.is_clean:
        logger.warning("The audit set right what should not be: %s", found)
    return found


def _astray() -> QuerySet[Execution]:
    """Cells in flight that are in no open window of an active dispatch: nobody would ever come to them."""
    home = Window.objects.filter(pk=OuterRef("window_id"), closed_at=None, dispatch__status__in=ACTIVE)
    return Execution.objects.filter(~Exists(home), status__in=IN_FLIGHT)


def _cancel_astray(table_id: int) -> int:
    with transaction.atomic():
        lifecycle.serialise(table_id)
        found = list(_astray().filter(group__table=table_id).order_by("pk").values_list("pk", flat=True)[:MOST])
        approvals.mark_open(table_id, found)
        cancelled = executions.cancel(found, lifecycle.next_sequence())
        if cancelled:
            marks.cells(table_id, None, {Status.CANCELLED: len(cancelled)})
        return len(cancelled)


def _recount(dispatch: Dispatch) -> int:
    """Have the dispatch's open windows count the cells that they have; how many counted others."""
    with transaction.atomic():
        lifecycle.serialise(dispatch.table_id)
        open_ones = list(windows.open_of([dispatch.pk]).order_by("pk"))
        return sum(_set_right(window, in_flight) for window, in_flight in _in_flight(open_ones))


def _in_flight(open_ones: Sequence[Window]) -> list[tuple[Window, int]]:
    cells = windows.in_flight(window.pk for window in open_ones)
    counted = dict(cells.order_by().values_list("window_id").annotate(Count("pk")))
    return [(window, counted.get(window.pk, 0)) for window in open_ones]


def _set_right(window: Window, in_flight: int) -> int:
    held = CELLS_ENDED + in_flight
    return Window.objects.filter(pk=window.pk).exclude(cells=held).update(cells=held)


def _lanes() -> QuerySet[Lane]:
    return Lane.objects.filter(dispatch=OuterRef("pk"), retired_at=None)


def _lay_again(dispatch: Dispatch) -> int:
    """Give the dispatch the lanes that it lost; the sweep rings for them when their lease is over."""
    with transaction.atomic():
        lifecycle.serialise(dispatch.table_id)
        if Lane.objects.filter(dispatch=dispatch, retired_at=None).exists():
            return 0
        if not Dispatch.objects.active().exclude(status=DispatchStatus.PAUSED).filter(pk=dispatch.pk).exists():
            return 0
        Lane.objects.filter(dispatch=dispatch).delete()
        return len(lanes.lay(dispatch))
