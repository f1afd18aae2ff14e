"""Windows: opened with their stamps, counted by the transactions that end their cells, closed into the dispatch."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db.models import F, FilteredRelation, Q, QuerySet, Sum
from django.db.models.functions import Coalesce, Now

from cells import lifecycle as executions
from cells.draw import Tally
from cells.models import IN_FLIGHT, Execution, Status
from dispatch import lifecycle, scope
from dispatch.models import CELLS_ENDED, ENDED, Dispatch, Window
from dispatch.pick import Picked
from tableflow.live import marks
from tableflow.tables.models import Row

OUTCOMES = ("completed", "error", "cancelled", "skipped")


@dataclass(frozen=True)
class Counted:
    """The cells of a dispatch: asked for (None: not counted yet), waiting, ended by outcome, in flight, and of these
    paused; and when.
    """

    total: int | None
    waiting: int
    outcomes: dict[str, int]
    in_flight: int
    paused: int
    at: datetime


UNFINISHED = Q(cells__gt=CELLS_ENDED)
"""That a window has cells left."""


def open_of(dispatches: Iterable[int]) -> QuerySet[Window]:
    """The windows of these dispatches that are not closed."""
    return Window.objects.filter(dispatch__in=list(dispatches), closed_at=None)


def unfinished(dispatch_id: int) -> list[int]:
    """The ids of the dispatch's windows that have cells left, oldest first; the lobby among them."""
    return list(open_of([dispatch_id]).filter(UNFINISHED).order_by("pk").values_list("pk", flat=True))


def open_with(dispatch: Dispatch, lane: int, picked: Sequence[Picked]) -> Window:
    """Open a window over these rows and stamp their cells; part of the transaction that moves the cursor."""
    window = Window.objects.create(
        dispatch=dispatch,
        lane=lane,
        rows=len(picked),
        cells=0,
        first_position=picked[0].position,
        last_position=picked[-1].position,
        opened_at=Now(),
    )
    cells = sum(
        executions.stamp(
            pinned["id"],
            [(row.id, row.position) for row in picked if pinned["id"] in row.groups],
            dispatch_id=dispatch.pk,
            window_id=window.pk,
            sequence=dispatch.sequence,
        )
        for pinned in dispatch.plan
    )
    Window.objects.filter(pk=window.pk).update(cells=cells)
    if dispatch.exclusions:
        _bar_excluded(dispatch, window, [row.id for row in picked])
    rows = [row.id for row in picked]
    marks.cells(dispatch.table_id, rows, {Status.PENDING.value: cells}, dispatch_id=dispatch.pk)
    return window


def _bar_excluded(dispatch: Dispatch, window: Window, rows: Sequence[int]) -> None:
    """Leave tombstones where a cancel took cells out of the dispatch, so that no cascade of these rows reaches them."""
    for pinned in dispatch.plan:
        excluded = Row.objects.filter(scope.excluded(dispatch, pinned["id"]), pk__in=rows)
        cells = Execution.objects.filter(window_id=window.pk, row__in=excluded)
        executions.bar(list(cells.values_list("pk", flat=True)), [pinned["id"]], dispatch.sequence)


def lobby(dispatch_id: int) -> int:
    """The window in which the paused cells of a dispatch wait; made when the first one pauses.

    Where the dispatch has ended it is made closed: who asks for it then pauses a cell that was taken away.
    """
    lobbies = Window.objects.filter(dispatch=dispatch_id, lobby=True).values_list("pk", flat=True)
    found = lobbies.first()
    if found is None:
        has_ended = Dispatch.objects.filter(pk=dispatch_id, status__in=ENDED).exists()
        made = _empty(dispatch_id, lobby=True, closed_at=Now() if has_ended else None)
        Window.objects.bulk_create([made], ignore_conflicts=True)
        found = lobbies.get()
    return found


def open_resumed(dispatch_id: int, rows: Sequence[tuple[int, Decimal]]) -> int:
    """Open a window for cells of these rows (id, position) that go on again; gives its id. Their places come to it by
    `tally`.
    """
    places = [position for _, position in rows]
    stretch = {"rows": len(rows), "first_position": min(places), "last_position": max(places)}
    return Window.objects.bulk_create([_empty(dispatch_id, **stretch)])[0].pk


def _empty(dispatch_id: int, **what: Any) -> Window:
    """A window without a cell, of no stretch of the table."""
    blank = {"lane": 0, "rows": 0, "cells": 0, "first_position": 0, "last_position": 0, "opened_at": Now()}
    return Window(dispatch_id=dispatch_id, **{**blank, **what})


def tally(change: Tally) -> None:
    """Add to the windows' counts what a transaction did to their cells, in one statement."""
    changes: dict[int, Counter[str]] = defaultdict(Counter)
    for (window_id, status), count in change.ended.items():
        changes[window_id][Status(status).value] += count
    for window_id, count in change.cells.items():
        changes[window_id]["cells"] += count
    if changes:
        names = ("cells", *OUTCOMES)
        by_name = {name: [counter[name] for counter in changes.values()] for name in names}
        lifecycle.statements("tally", {"windows": list(changes), **by_name})


def close_finished(dispatch: Dispatch, *, for_good: bool = False) -> None:
    """Close the windows in which every cell has ended, and add their counts to the dispatch, which is locked.

    The lobby stays open while a cell may come to it: it is closed with the dispatch, `for_good`.
    """
    closable = open_of([dispatch.pk]) if for_good else open_of([dispatch.pk]).filter(lobby=False)
    finished = list(closable.filter(cells__lte=CELLS_ENDED).select_for_update().order_by("pk"))
    if not finished:
        return
    Window.objects.filter(pk__in=[window.pk for window in finished]).update(closed_at=Now())
    counts = {name: sum(getattr(window, name) for window in finished) for name in OUTCOMES}
    Dispatch.objects.filter(pk=dispatch.pk).update(**{name: F(name) + count for name, count in counts.items()})


def counts(dispatches: Iterable[int]) -> dict[int, Counted]:
    """What is counted of each dispatch: its closed windows and its open ones, seen by one statement.

    Two would lose the counts of a window that closes between them.
    """
    names = (*OUTCOMES, "cells")
    found = (
        Dispatch.objects.filter(pk__in=list(dispatches))
        .annotate(open=FilteredRelation("windows", condition=Q(windows__closed_at=None)))
        .annotate(at=Now())
        .values("pk", "total", "waiting", "at", *OUTCOMES)
        .annotate(
            **{f"open_{name}": Coalesce(Sum(f"open__{name}"), 0) for name in names},
            **{f"lobby_{name}": Coalesce(Sum(f"open__{name}", filter=Q(open__lobby=True)), 0) for name in names},
        )
        .order_by()
    )
    return {record["pk"]: _counted(record) for record in found}


def _counted(record: Mapping[str, Any]) -> Counted:
    ended = {name: record[f"open_{name}"] for name in OUTCOMES}
    return Counted(
        record["total"],
        record["waiting"],
        {name: record[name] + ended[name] for name in OUTCOMES},
        record["open_cells"] - sum(ended.values()),
        record["lobby_cells"] - sum(record[f"lobby_{name}"] for name in OUTCOMES),
        record["at"],
    )


def in_flight(windows: Iterable[int]) -> QuerySet[Execution]:
    """The executions that hold a place in these windows."""
    return Execution.objects.filter(window_id__in=list(windows), status__in=IN_FLIGHT)


def has_unclaimed(dispatch_id: int) -> bool:
    """Whether a stamped cell of the dispatch waits for a slot."""
    return in_flight(drawn_from(dispatch_id)).filter(status=Status.PENDING).exists()


def unclaimed(dispatch_id: int) -> int:
    """How many stamped cells of the dispatch wait for a slot."""
    return in_flight(drawn_from(dispatch_id)).filter(status=Status.PENDING).count()


def drawn_from(dispatch_id: int) -> QuerySet[Window, int]:
    """The ids of the windows that have cells to claim or running: the unfinished ones but the lobby."""
    return open_of([dispatch_id]).filter(UNFINISHED, lobby=False).values_list("pk", flat=True)
