"""Lanes: each link of a lane is a chord of cell tasks whose body makes the next link.

A link is known by the lane's fence. Its tasks enter with it, each once; while they draw they renew the lane's lease.
`advance` makes the next link when all tasks of this one have ended, or when its lease has run out (the sweep calls it
then: same function, same transaction).

A draw holds a thread of its worker. Where links wait for one, draws give way (`gives_way`), so that no run waits for
ever and runs have as many draws at work as each other. Links of a few rows (express) have a queue of their own.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q
from django.db.models.functions import Now

from dispatch import admit, caps, lifecycle, waiting, windows
from dispatch.models import Dispatch, DispatchStatus, Lane, Window
from dispatch.pick import Walked

logger = logging.getLogger(__name__)

LEASE = timedelta(seconds=10)
LANES = 4
MOST_SLOTS = 100
TURN = timedelta(seconds=5)
"""How long a draw goes on at least before it gives way."""
PATIENCE = timedelta(seconds=1)
"""How long a link waits for a thread before draws give way to it."""
DRAWS = "draws"
EXPRESS = "express"
EXPRESS_LINKS = 24
"""How many express links may be at work in their own queue: beyond that they go among the others."""


@dataclass(frozen=True)
class Link:
    """What a ring says: draw for this lane under this fence, with so many tasks, by the workers of this queue."""

    lane_id: int
    fence: int
    tasks: int
    queue: str = DRAWS


@dataclass(frozen=True)
class Uncounted:
    """All of the dispatch has ended, but for counting what is left waiting: that may read a whole table, so it is done
    while nothing is locked.
    """

    dispatch: Dispatch


Again = TypeVar("Again", Walked, Uncounted)


def lay(dispatch: Dispatch) -> list[Lane]:
    """Make the lanes of a new dispatch: its concurrency, dealt out over lanes, tasks and slots, never more in all.

    An express one has a single task: that is enough for its few rows, and clicks need a thread each.
    """
    slots = min(dispatch.concurrency, MOST_SLOTS) if dispatch.is_express else dispatch.concurrency
    lanes = 1 if dispatch.is_express else min(LANES, slots, _rows_at_most(dispatch))
    shares = [slots // lanes + (number < slots % lanes) for number in range(lanes)]
    return Lane.objects.bulk_create(
        Lane(
            dispatch=dispatch,
            number=number,
            tasks=(tasks := -(-share // MOST_SLOTS)),
            slots=share // tasks,
            started=tasks,
            ended=tasks,
            lease_until=Now() + LEASE,
        )
        for number, share in enumerate(shares)
    )


def _rows_at_most(dispatch: Dispatch) -> int:
    named = dispatch.scope.get("rows")
    return max(1, min(len(named) if named is not None else LANES, dispatch.limit_rows or LANES))


def enter(lane_id: int, fence: int) -> Lane | None:
    """A cell task begins to draw; None when this link is over, or has all its tasks (a message came twice)."""
    entered = Lane.objects.filter(pk=lane_id, fence=fence, started__lt=F("tasks"), retired_at=None).update(
        started=F("started") + 1, rings=0, entered_at=Now(), lease_until=Now() + LEASE
    )
    return Lane.objects.select_related("dispatch").get(pk=lane_id) if entered else None


def renew(lane_id: int, fence: int) -> bool:
    """Renew the lease; False when the link is over or its dispatch has ended: draw no more.

    A link of a paused dispatch lives on while its cells run: it claims again when the dispatch is resumed.
    """
    alive = (DispatchStatus.DISPATCHING, DispatchStatus.PAUSED)
    return bool(
        Lane.objects.filter(pk=lane_id, fence=fence, retired_at=None, dispatch__status__in=alive).update(
            lease_until=Now() + LEASE
        )
    )


def gives_way(lane_id: int) -> bool:
    """Whether the lane's draws are to claim no more, because links of other runs wait for a thread.

    It is asked while they draw. What they run goes on to its end, and the lane's next link waits in its turn.
    """
    limits = {"turn": TURN, "patience": PATIENCE, "lease": LEASE}
    return any(answer.gives_way for answer in lifecycle.statements("gives_way", {"lane": lane_id, **limits}))


def leave(lane_id: int, fence: int) -> None:
    """A cell task of this link has drawn its last."""
    Lane.objects.filter(pk=lane_id, fence=fence).update(ended=F("ended") + 1, lease_until=Now() + LEASE)


def advance(lane_id: int, fence: int) -> Link | None:
    """Make the lane's next link: close what has ended, admit rows, and say what to ring; None when there is nothing to.

    Ends the dispatch when nothing is left of it. A stale or repeated call does nothing. Where it takes a walk to find
    what to admit, each slice is a transaction; and what is left waiting is counted between two.
    """
    left_waiting: int | None = None
    while isinstance(made := _advance(lane_id, fence, left_waiting), Walked | Uncounted):
        if isinstance(made, Uncounted):
            left_waiting = waiting.count(made.dispatch)
    return made


def _advance(lane_id: int, fence: int, left_waiting: int | None) -> Link | Walked | Uncounted | None:
    with transaction.atomic():
        lane = Lane.objects.filter(pk=lane_id, fence=fence, retired_at=None).select_related("dispatch").first()
        if lane is None:
            return None
        lifecycle.share(lane.dispatch.table_id)
        dispatch = Dispatch.objects.select_for_update().get(pk=lane.dispatch_id)
        lane = Lane.objects.select_for_update().filter(pk=lane_id, fence=fence, retired_at=None).first()
        if lane is None or not _is_over(lane):
            return None
        lifecycle.start(dispatch)
        if dispatch.status != DispatchStatus.DISPATCHING:
            return None
        windows.close_finished(dispatch)
        if dispatch.caps and caps.pause_where_reached(dispatch.pk):
            return None
        if not windows.has_unclaimed(dispatch.pk):
            admitted = admit.admit(dispatch, lane.number)
            if isinstance(admitted, Walked):
                return _go_on(lane, admitted)
        return _next_link(dispatch, lane, left_waiting)


def _go_on(lane: Lane, how: Again) -> Again:
    """Keep the sweep from taking a lane for lost that only walks. One whose lease is over already keeps to that."""
    Lane.objects.filter(pk=lane.pk, ended__gte=F("tasks")).update(lease_until=Now() + LEASE)
    return how


def _is_over(lane: Lane) -> bool:
    return lane.ended >= lane.tasks or Lane.objects.filter(pk=lane.pk, lease_until__lt=Now()).exists()


def _next_link(dispatch: Dispatch, lane: Lane, left_waiting: int | None) -> Link | Walked | Uncounted | None:
    unfinished = windows.unfinished(dispatch.pk)
    capped = not unfinished and caps.pause_at_rows(dispatch)
    if capped:
        return _go_on(lane, capped) if isinstance(capped, Walked) else None
    if not unfinished and dispatch.exhausted:
        if left_waiting is None:
            return _go_on(lane, Uncounted(dispatch))
        windows.close_finished(dispatch, for_good=True)  # some have ended since this transaction looked first
        lifecycle.complete(dispatch, waiting=left_waiting)
        return None
    drawing = bool(unfinished) and windows.has_unclaimed(dispatch.pk)
    idle = 0 if drawing else lane.tasks
    # With no row to draw the lane rests for a lease: other lanes' cells are still running, and the last one ends it.
    Lane.objects.filter(pk=lane.pk).update(
        fence=F("fence") + 1, started=idle, ended=idle, rings=0, lease_until=Now() + LEASE
    )
    return Link(lane.pk, lane.fence + 1, lane.tasks, _queue(dispatch)) if drawing else None


def _queue(dispatch: Dispatch) -> str:
    """The queue for a link: that of express ones keeps some threads for what comes next."""
    if not dispatch.is_express:
        return DRAWS
    at_work = Lane.objects.filter(retired_at=None, dispatch__is_express=True, ended__lt=F("tasks"))
    return EXPRESS if at_work.count() <= EXPRESS_LINKS else DRAWS


def overdue() -> list[Lane]:
    """The lanes of active dispatches whose lease has run out, but for those that rest while only paused cells are left.

    Those may be many, for days. What resumes or cancels such a cell opens a window, or empties the lobby.
    """
    lapsed = Lane.objects.filter(
        retired_at=None,
        lease_until__lt=Now(),
        dispatch__status__in=(DispatchStatus.PENDING, DispatchStatus.DISPATCHING),
    )
    return list(lapsed.exclude(_only_waits()).order_by("lease_until")[:1000])


def _only_waits() -> Q:
    """That a lane rests, nothing of its dispatch lies ahead, and no window but the lobby is open, with cells in it."""
    open_ones = Window.objects.filter(dispatch=OuterRef("dispatch"), closed_at=None)
    drawn_from, lobby = open_ones.filter(lobby=False), open_ones.filter(windows.UNFINISHED, lobby=True)
    return Q(~Exists(drawn_from), Exists(lobby), ended__gte=F("tasks"), dispatch__exhausted=True)


def ring_again(lane: Lane) -> Link | None:
    """What to ring for a lane whose lease has run out: the same link when no task of it ever started, else the next.

    An express link that was not served where it was rung is rung where the others are.
    """
    if lane.started:
        return advance(lane.pk, lane.fence)
    patience = LEASE * 2 ** min(lane.rings + 1, 4)
    again = Lane.objects.filter(pk=lane.pk, fence=lane.fence, started=0, lease_until__lt=Now()).update(
        rings=F("rings") + 1, lease_until=Now() + patience
    )
    return Link(lane.pk, lane.fence, lane.tasks) if again else None


def wake(dispatch_id: int, cells: int) -> list[Link]:
    """What to ring for in resting lanes of a dispatch that goes on, when so many cells were stamped for it.

    Each gets a new link, so that it rests no longer: it is rung for once, until it has started or its lease is over.
    """
    with transaction.atomic():
        resting = Lane.objects.filter(
            dispatch=dispatch_id,
            dispatch__status=DispatchStatus.DISPATCHING,
            retired_at=None,
            ended__gte=F("tasks"),
        )
        enough: list[Lane] = []
        for lane in resting.select_related("dispatch").select_for_update(of=("self",)).order_by("number"):
            if cells <= sum(lane.tasks * lane.slots for lane in enough):
                break
            enough.append(lane)
        Lane.objects.filter(pk__in=[lane.pk for lane in enough]).update(
            fence=F("fence") + 1, started=0, ended=0, rings=0, lease_until=Now() + LEASE
        )
        queue = _queue(enough[0].dispatch) if enough else DRAWS
    return [Link(lane.pk, lane.fence + 1, lane.tasks, queue) for lane in enough]
