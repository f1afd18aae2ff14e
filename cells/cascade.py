"""Going on in a row: after a group has ended, the next one to its right that is due, under the same owner (law 13).

A group is due when it queues behind the one that ended, or when nothing was stamped for it because its dependencies
were unmet and now they are met. Each group is met at most once, since the walk only goes right.

A group that reads another one of the dispatch comes after it: while that one is in flight in the row (it paused, or
was called back) the reader is passed over, and the cascade of that one comes to it.

Where the end was lost (the cell was cancelled, or taken back) the row may have another owner by now. Then only what
queues there under this owner's fence goes on: whoever ended the cell has seen to the rest (dispatch/onward.py).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db.models import F, Value

from cells import lifecycle
from cells.eligibility import Reason, Request, Seen, asks_for_outdated, reason, unmet
from cells.lifecycle import Claim, Claimed
from cells.models import IN_FLIGHT, Execution, Status
from cells.usage import outdated
from cells.work import GroupRun, Work


@dataclass
class Left:
    """A row whose cell has ended or paused and that may go on. `owned` is False where that was lost to another."""

    claimed: Claimed
    row: dict[str, Any]
    owned: bool
    at: int


@dataclass
class Step:
    """What going on did: the rows that run their next cell, the cells that came to (+) or left (−) a window, and how
    many have which status since; those of `rows` are not counted.
    """

    rows: list[Claimed] = field(default_factory=list)
    cells: Counter[int] = field(default_factory=Counter)
    statuses: Counter[str] = field(default_factory=Counter)


@dataclass
class _Round:
    """One round of a walk over some rows: whose turn it is, what joins, whose stamps are taken back."""

    turns: list[tuple[Left, Claim]] = field(default_factory=list)
    joins: list[tuple[Left, int]] = field(default_factory=list)
    gone: list[Claim] = field(default_factory=list)


class Cascade:
    """The groups of one dispatch from left to right, and its request."""

    def __init__(self, groups: Sequence[GroupRun], request: Request) -> None:
        self._groups = list(groups)
        self._place = {group.id: place for place, group in enumerate(groups)}
        self._request = request
        self.usages = {group.id: group.usage for group in groups}

    @property
    def has_next(self) -> bool:
        """Whether there is anything to go on to."""
        return len(self._groups) > 1

    @property
    def is_inline(self) -> bool:
        """Whether no group's program ever waits, so that cells need no event loop."""
        return all(group.version is None or group.version.program.is_inline for group in self._groups)

    @property
    def feeds(self) -> bool:
        """Whether a group outside the dispatch reads what some group of it gives."""
        return any(group.feeds for group in self._groups)

    def fed_by(self, group_id: int) -> bool:
        """Whether a group outside the dispatch reads what this one gives."""
        return self._groups[self._place[group_id]].feeds

    def bit(self, group_id: int) -> int:
        """The group's done bit."""
        return self._groups[self._place[group_id]].bit

    def work(self, claimed: Claimed, *, express: bool) -> Work:
        """The work of a claimed row's running cell."""
        return Work(claimed.lead, self._groups[self._place[claimed.lead.group_id]], claimed.row, express)

    def left(self, claimed: Claimed, row: dict[str, Any] | None, *, owned: bool) -> Left:
        """A row whose running cell has ended, with its values as they are now."""
        own = Claimed(claimed.row, claimed.lead, dict(claimed.queued))  # a transaction that fails is made again
        return Left(own, claimed.row if row is None else row, owned, self._place[claimed.lead.group_id])

    def go_on(self, rows: Sequence[Left], worker_id: int) -> Step:
        """Start the next due cell of each row, in the caller's transaction; a set at a time, at most once a group."""
        step = Step()
        walking = list(rows)
        while walking:
            states = self._states(walking)
            round_ = _Round()
            for left in walking:
                self._walk(left, states, round_)
            step.cells.subtract(Counter(lifecycle.withdraw(round_.gone)) if round_.gone else Counter())
            walking = self._start_turns(round_.turns, step) + self._start_joins(round_.joins, worker_id, step)
        return step

    def hold_back(self, rows: Sequence[Left]) -> Step:
        """Start nothing more in these rows: what queues there goes back, for whoever draws the row when it may.

        What reads a cell that is still to come gives its stamp back: it comes after that one.
        """
        states = self._states(rows)
        early: list[Claim] = []
        others: list[Claim] = []
        for left in rows:
            for claim in left.claimed.queued.values():
                must_wait = claim.standing is None and self._is_early(claim.row_id, claim.group_id, states)
                (early if must_wait else others).append(claim)
        step = Step(statuses=Counter({Status.PENDING.value: lifecycle.unqueue(others)}))
        step.cells.subtract(lifecycle.withdraw(early))
        return step

    def _walk(self, left: Left, states: dict[tuple[int, int], Seen], round_: _Round) -> None:
        row_id = left.claimed.lead.row_id
        while left.at + 1 < len(self._groups):
            left.at += 1
            group = self._groups[left.at]
            queued = left.claimed.queued.pop(group.id, None)
            is_early = self._is_early(row_id, group.id, states)
            if queued is not None:
                if queued.standing is None and (is_early or unmet(group, left.row)):
                    round_.gone.append(queued)
                    states.pop((row_id, group.id), None)
                    continue
                round_.turns.append((left, queued))
                return
            state = states.get((row_id, group.id))
            if left.owned and not is_early and reason(group, left.row, state, self._request) is Reason.ELIGIBLE:
                round_.joins.append((left, group.id))
                return

    def _start_turns(self, turns: Sequence[tuple[Left, Claim]], step: Step) -> list[Left]:
        if not turns:
            return []
        won = {claim.id: claim for claim in lifecycle.proceed([claim for _, claim in turns], self.usages)}
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
        after = [(left.claimed.lead, group_id) for left, group_id in joins]
        started = lifecycle.join(worker_id, after, self._request.sequence, self.usages)
        won = {claim.row_id: claim for claim in started}
        lost = []
        for left, _ in joins:
            claim = won.get(left.claimed.lead.row_id)
            if claim is None:
                lost.append(left)
                continue
            step.cells[claim.window_id] += 1
            step.rows.append(Claimed(left.row, claim, left.claimed.queued))
        return lost

    def _states(self, rows: Sequence[Left]) -> dict[tuple[int, int], Seen]:
        """The executions of the dispatch's groups in these rows; whether they are outdated only where that is asked."""
        ids = [left.claimed.lead.row_id for left in rows]
        found = Execution.objects.filter(row__in=ids, group__in=list(self.usages))
        asked = asks_for_outdated(self._request)
        found = found.annotate(outdated=outdated(self.usages, F("row__data")) if asked else Value(False))
        cells = found.order_by().values_list("row", "group", "status", "sequence", "outdated")
        return {(row, group): Seen(status, sequence, old) for row, group, status, sequence, old in cells}

    def _is_early(self, row_id: int, group_id: int, states: Mapping[tuple[int, int], Seen]) -> bool:
        """Whether something that the group reads is still to come in this row."""
        upstream = self._groups[self._place[group_id]].upstream
        return any(self._is_coming(states.get((row_id, near))) for near in upstream)

    def _is_coming(self, state: Seen | None) -> bool:
        """Whether this dispatch still has the cell in flight."""
        return state is not None and state.status in IN_FLIGHT and state.sequence == self._request.sequence
