"""How far dispatches are: counts of its closed windows and of its few open ones, never of its executions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count

from cells.models import CLAIMED, Status
from dispatch import windows
from dispatch.models import Dispatch, DispatchStatus
from dispatch.windows import Counted


@dataclass(frozen=True)
class Counts:
    """A dispatch's progress, in cells; `rate` in cells a second of dispatching, null before anything was measured."""

    total: int | None
    completed: int
    error: int
    cancelled: int
    skipped: int
    waiting: int
    in_flight: int
    processed: int
    rate: float | None
    eta_seconds: float | None

    @property
    def ended(self) -> int:
        """Cells that have ended, whichever way."""
        return self.completed + self.error + self.cancelled + self.skipped


@dataclass(frozen=True)
class RunState:
    """What runs in a table: its active dispatches, cells running and claimed, cells in flight by row, and how many wait
    for a time or a person.
    """

    dispatches: list[Dispatch]
    running: int
    claimed: int
    by_row: dict[int, int]
    paused: int


def counts(dispatches: Sequence[Dispatch]) -> dict[int, Counts]:
    """The progress of each dispatch, by id; a fixed number of queries whatever their sizes."""
    counted = windows.counts(d.pk for d in dispatches)
    return {dispatch.pk: _counts(dispatch, counted[dispatch.pk]) for dispatch in dispatches}


def _counts(dispatch: Dispatch, counted: Counted) -> Counts:
    ended = sum(counted.outcomes.values())
    rate = _rate(dispatch, ended, counted.at)
    eta = None
    if rate and counted.total is not None and dispatch.status == DispatchStatus.DISPATCHING:
        # Nobody knows when what is paused goes on: where nothing else is left, no time is told.
        left = counted.total - ended - counted.waiting - counted.paused
        eta = round(max(0, left) / rate, 1) if left > 0 or not counted.paused else None
    return Counts(
        total=counted.total,
        **counted.outcomes,
        waiting=counted.waiting,
        in_flight=counted.in_flight,
        processed=ended,
        rate=rate,
        eta_seconds=eta,
    )


def _rate(dispatch: Dispatch, ended: int, now: datetime) -> float | None:
    if dispatch.started_at is None or not ended:
        return None
    return round(ended / max(ran_for(dispatch, now).total_seconds(), 0.001), 2)


def ran_for(dispatch: Dispatch, now: datetime) -> timedelta:
    """How long the dispatch has been dispatching, pauses not counted."""
    return dispatch.ran_for + (now - dispatch.resumed_at if dispatch.resumed_at is not None else timedelta(0))


def under_way(dispatch_id: int) -> dict[str, int]:
    """The cells of a dispatch in flight now, by their status."""
    open_ones = windows.open_of([dispatch_id]).values_list("pk", flat=True)
    return dict(windows.in_flight(open_ones).values_list("status").annotate(Count("pk")).order_by())


def run_state(table_id: int, *, most_rows: int = 10_000) -> RunState:
    """What runs in a table now. `by_row` counts the cells in flight of at most `most_rows` rows."""
    active = list(Dispatch.objects.active().filter(table=table_id).select_related("requested_by").order_by("pk"))
    open_ones = list(windows.open_of(d.pk for d in active).values_list("pk", flat=True))
    cells = windows.in_flight(open_ones)
    by_status = Counter(dict(cells.values_list("status").annotate(Count("pk")).order_by()))
    by_row = dict(cells.values_list("row").annotate(Count("pk")).order_by()[:most_rows])
    claimed = sum(by_status[status] for status in CLAIMED)
    return RunState(active, by_status[Status.RUNNING], claimed, by_row, by_status[Status.PAUSED])
