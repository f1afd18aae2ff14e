"""The concurrency that somebody gave a group, kept over all runs of it and all workers (docs/architecture.md).

Asked right before rows are claimed, in the same transaction. A run that has the group to itself keeps within it by its
slots. Where several have it they go through the gate one at a time: a lock on the group is held from the count of what
runs to the end of the transaction, so no two of them count the same free place. Places are dealt out evenly: a run
that has fewer than another gets the next one, and among their like the one that has waited longest. One that claimed a
moment ago goes on for that moment: it sees its own cells end at once, and the others only when they look.

Every running row of a run that has the group holds a place, whichever of the run's groups it is at: its cascade may
come to this one, and passes no gate then. Paused cells hold none. Where the runs pinned different numbers the smallest
holds.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dispatch import lifecycle
from dispatch.models import ACTIVE, Dispatch

GATE = 0x6A7E  # the name of this lock among the advisory locks of the database
MOMENT = 0.5


@dataclass(frozen=True)
class Rival:
    """An active run that has the group: rows of it that run, rows that it could claim now, and for how many seconds it
    has claimed nothing (None: it never has).
    """

    id: int
    running: int
    wanted: int
    waited: float | None

    @property
    def turn(self) -> tuple[int, float]:
        """Its place among its like: the lowest comes first."""
        if self.waited is None:
            return 0, -math.inf
        return (0, -self.waited) if self.waited > MOMENT else (1, self.waited)


def room(dispatch: Dispatch, free: int) -> int:
    """How many of so many rows a dispatch may claim now, by the groups of its plan that somebody gave a concurrency."""
    for pinned in sorted(dispatch.plan, key=lambda pinned: int(pinned["id"])):
        if free > 0 and pinned["strict"] is not None:
            free = min(free, _room_in(dispatch, pinned))
    return free


def _room_in(dispatch: Dispatch, pinned: Mapping[str, Any]) -> int:
    limits = _limits(dispatch.table_id, pinned["id"])
    if set(limits) <= {dispatch.pk}:
        return int(pinned["strict"])
    places = min(limit for limit in limits.values() if limit is not None)
    lifecycle.statements("gate", {"name": GATE, "group": pinned["id"] % 2**31})
    rivals = [Rival(*found) for found in lifecycle.statements("rivals", {"dispatches": list(limits)})]
    return places_for(dispatch.pk, rivals, places)


def _limits(table_id: int, group_id: int) -> dict[int, int | None]:
    """The concurrency that each active dispatch with this group has pinned for it; None where nobody had given one.

    None of them begins while this transaction goes on: a begin waits until the table's lock is no longer shared.
    """
    having = Dispatch.objects.filter(table=table_id, status__in=ACTIVE, plan__contains=[{"id": group_id}])
    return {
        dispatch_id: next(pinned["strict"] for pinned in plan if pinned["id"] == group_id)
        for dispatch_id, plan in having.values_list("pk", "plan")
    }


def places_for(dispatch_id: int, rivals: Sequence[Rival], places: int) -> int:
    """How many more of the places this one may take."""
    return shares(rivals, places)[dispatch_id]


def shares(rivals: Sequence[Rival], places: int) -> dict[int, int]:
    """How many of the places that are free each may take: the next one goes to whoever has fewest and could use it.

    None stays free that somebody wants.
    """
    free = places - sum(rival.running for rival in rivals)
    share = dict.fromkeys((rival.id for rival in rivals), 0)
    wanted = {rival.id: rival.wanted for rival in rivals}
    turns = [(rival.running, rival.turn, rival.id) for rival in rivals]
    heapq.heapify(turns)
    while turns and free > 0:
        has, turn, rival_id = heapq.heappop(turns)
        if share[rival_id] < wanted[rival_id]:
            share[rival_id] += 1
            free -= 1
            heapq.heappush(turns, (has + 1, turn, rival_id))
    return share
