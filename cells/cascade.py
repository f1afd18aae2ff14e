"""Going on in a row: after a group has ended, the next one to its right that is due, under the same owner (law 13).

A group is due when it queues behind the one that ended, or when nothing was stamped for it because its dependencies
were unmet and now they are met. Each group is met at most once, since the walk only goes right.

Where the end was lost (the cell was cancelled, or taken back) the row may have another owner by now. Then only what
queues there under this owner's fence goes on: whoever ended the cell has seen to the rest (dispatch/onward.py).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from cells import lifecycle
from cells.eligibility import Reason, Request, reason, unmet
from cells.lifecycle import Claim, Claimed
from cells.models import Execution
from cells.work import GroupRun, Work


@dataclass
class Left:
    """A row whose cell has ended and that may go on. `owned` is False where the end was lost to somebody else."""

    claimed: Claimed
    row: dict[str, Any]
    owned: bool
    at: int


@dataclass
class Step:
    """What going on did: the rows that run their next cell, and the cells that came to (+) or left (−) a window."""

    rows: list[Claimed] = field(default_factory=list)
    cells: Counter[int] = field(default_factory=Counter)


class Cascade:
    """The groups of one dispatch from left to right, and its request."""

    def __init__(self, groups: Sequence[GroupRun], request: Request) -> None:
        self._groups = list(groups)
        self._place = {group.id: place for place, group in enumerate(groups)}
        self._request = request

    @property
    def order(self) -> list[int]:
        """The group ids from left to right."""
        return list(self._place)

    @property
    def has_next(self) -> bool:
        """Whether there is anything to go on to."""
        return len(self._groups) > 1

    @property
    def is_inline(self) -> bool:
        """Whether no group's program ever waits, so that cells need no event loop."""
        return all(group.program is None or group.program.is_inline for group in self._groups)

    def work(self, claimed: Claimed) -> Work:
        """The work of a claimed row's running cell."""
        return Work(claimed.lead, self._groups[self._place[claimed.lead.group_id]], claimed.row)

    def left(self, claimed: Claimed, row: dict[str, Any] | None, *, owned: bool) -> Left:
        """A row whose running cell has ended, with its values as they are now."""
        own = Claimed(claimed.row, claimed.lead, dict(claimed.queued))  # a transaction that fails is made again
        return Left(own, claimed.row if row is None else row, owned, self._place[claimed.lead.group_id])

    def go_on(self, rows: Sequence[Left], worker_id: int, *, joining: bool) -> Step:
        """Start the next due cell of each row, in the caller's transaction; a set at a time, at most once a group.

        `joining` is False when the dispatch does not go on: then no cell comes to it any more.
        """
        step = Step()
        walking = list(rows)
        states = self._states(walking)
        while walking:
            turns: list[tuple[Left, Claim]] = []
            joins: list[tuple[Left, int]] = []
            gone: list[Claim] = []
            for left in walking:
                self._walk(left, states, turns, joins, gone, joining=joining)
            step.cells.subtract(Counter(lifecycle.withdraw(gone)) if gone else Counter())
            walking = self._start_turns(turns, step) + self._start_joins(joins, worker_id, step)
        return step

    def _walk(
        self,
        left: Left,
        states: Mapping[tuple[int, int], Execution],
        turns: list[tuple[Left, Claim]],
        joins: list[tuple[Left, int]],
        gone: list[Claim],
        *,
        joining: bool,
    ) -> None:
        while left.at + 1 < len(self._groups):
            left.at += 1
            group = self._groups[left.at]
            queued = left.claimed.queued.pop(group.id, None)
            if queued is not None:
                if unmet(group, left.row):
                    gone.append(queued)
                    continue
                turns.append((left, queued))
                return
            state = states.get((left.claimed.lead.row_id, group.id))
            if joining and left.owned and reason(group, left.row, state, self._request) is Reason.ELIGIBLE:
                joins.append((left, group.id))
                return

    def _start_turns(self, turns: Sequence[tuple[Left, Claim]], step: Step) -> list[Left]:
        if not turns:
            return []
        won = {claim.id: claim for claim in lifecycle.proceed([claim for _, claim in turns])}
        lost = []
        for left, claim in turns:
            if claim.id in won:
                step.rows.append(Claimed(left.row, won[claim.id], left.claimed.queued))
            else:
                lost.append(left)
        return lost

    def _start_joins(self, joins: Sequence[tuple[Left, int]], worker_id: int, step: Step) -> list[Left]:
        if not joins:
            return []
        after = [(left.claimed.lead.id, group_id) for left, group_id in joins]
        won = {claim.row_id: claim for claim in lifecycle.join(worker_id, after, self._request.sequence)}
        lost = []
        for left, _ in joins:
            claim = won.get(left.claimed.lead.row_id)
            if claim is None:
                lost.append(left)
                continue
            step.cells[claim.window_id] += 1
            step.rows.append(Claimed(left.row, claim, left.claimed.queued))
        return lost

    def _states(self, rows: Sequence[Left]) -> dict[tuple[int, int], Execution]:
        ids = [left.claimed.lead.row_id for left in rows]
        found = Execution.objects.filter(row__in=ids, group__in=self.order).only("row", "group", "status", "sequence")
        return {(execution.row_id, execution.group_id): execution for execution in found}
