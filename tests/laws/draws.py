"""Draws whose cells the test ends: every transaction is the engine's own, only the coroutines are missing."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import Any
from unittest import mock

from django.db.models.functions import Now

from cells import lifecycle, workers
from cells.cascade import Cascade
from cells.draw import Draw
from cells.lifecycle import Claim, Claimed, Ended, Suspended
from cells.models import Worker
from cells.work import Aborted, GroupRun
from cells.workers import Identity
from dispatch import lanes, scope
from dispatch.models import Lane
from dispatch.source import LaneSource


class Hand:
    """A worker process: its record, and the windows that it has claimed in."""

    def __init__(self, name: str) -> None:
        self.record = Worker.objects.create(
            name=name, host="here", pid=1, queues=["draws"], concurrency=8, started_at=Now(), heartbeat_at=Now()
        )
        self.identity = Identity(self.record.pk, name)
        self.draining = threading.Event()
        self.windows: set[int] = set()

    def drawing_from(self, windows: Iterable[int]) -> None:
        """Remember where it claimed."""
        self.windows |= set(windows)

    def hand_back(self, keep: Iterable[int]) -> int:
        """Release what it holds but these executions; gives how many."""
        return lifecycle.release(self.identity.id, self.windows, keep=list(keep))


class HandDraw(Draw):
    """A draw that starts nothing: it holds its claims until `turn` is told how they ended."""

    def __init__(self, lane: Lane, fence: int, worker: Hand) -> None:
        self.lane_id, self.fence, self.worker = lane.pk, fence, worker
        self.dispatch_id = lane.dispatch_id
        cascade = Cascade([GroupRun.of(pinned) for pinned in lane.dispatch.plan], scope.request(lane.dispatch))
        self.upstream = {pinned["id"]: pinned["upstream"] for pinned in lane.dispatch.plan}
        with mock.patch.object(workers, "here", return_value=worker):
            super().__init__(LaneSource(lane), cascade, slots=lane.slots, seconds=86_400)

    @property
    def leads(self) -> list[Claim]:
        """The cells that run here, or that this draw believes to run."""
        return [claimed.lead for _, claimed in sorted(self._rows.items())]

    @property
    def holds(self) -> set[int]:
        """The executions that it holds, the queued ones too."""
        return {claim.id for row in self._rows.values() for claim in (row.lead, *row.queued.values())}

    def bit(self, claim: Claim) -> int:
        """The done bit of the cell's group."""
        return self._cascade.bit(claim.group_id)

    def turn(self, results: Iterable[Ended | Suspended | Aborted], *, unseen: bool = False) -> None:
        """One round of the loop: commit the results, go on, claim; `unseen`: its first commit's answer was lost."""
        self._may_claim = self._source.renew() and self._may_claim
        for result in results:
            self._gathered.add(result)
        if unseen:
            self._transaction(self._gathered)
        self._turn()
        if self._claiming and len(self._rows) < self._slots and self._source.more():
            self._turn()
        if self._claiming and not self._rows and not self._source.has_unclaimed():
            self._may_claim = False

    @property
    def is_over(self) -> bool:
        """Whether it has nothing left to do."""
        return not (self._rows or self._claiming)

    def leave(self) -> None:
        """The task's end."""
        lanes.leave(self.lane_id, self.fence)

    def _start(self, rows: Iterable[Claimed]) -> None:
        self._rows.update({claimed.lead.row_id: claimed for claimed in rows})

    def _through_outages(self, attempt: Any) -> Any:
        return attempt()
