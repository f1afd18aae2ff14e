"""Letting paused cells go on: those that are due, in bounded batches; and those whose question was answered.

A cell that goes on is stamped like any other: it stands `pending` in a window of its dispatch, and whoever draws there
claims it. So nothing here depends on a message. A dispatch whose lanes have come to rest is rung for, at most once a
lane until that lane has started; draws that are at work see the window by themselves.
"""

from __future__ import annotations

import logging
import time
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction

from cells import approvals, pauses
from cells import lifecycle as executions
from cells.draw import Tally
from cells.models import Approval, Execution, Status, WorkflowVersion
from dispatch import bell, lanes, lifecycle, windows
from tableflow.live import marks

logger = logging.getLogger(__name__)

BATCH = 500
SECONDS = 5.0


def resume_due(at: datetime | None = None, *, seconds: float = SECONDS) -> int:
    """Let go on what is due (at this time; None: now, by the database's clock), the oldest first; gives how many cells.

    It stops after so many seconds, and leaves what others are resuming and tables that a begin or a cancel holds: the
    next tick comes back to them.
    """
    at = at or pauses.clock()
    gives_up_at = time.monotonic() + seconds
    resumed = 0
    busy: set[int] = set()
    while time.monotonic() < gives_up_at:
        found = pauses.due(at, BATCH, without=busy)
        if not found:
            break
        for table_id, ids in _by_table(found).items():
            went_on = _apart(table_id, ids, at)
            resumed += went_on
            if not went_on:
                busy.add(table_id)
    return resumed


def _by_table(found: Sequence[tuple[int, int]]) -> Mapping[int, list[int]]:
    by_table: dict[int, list[int]] = defaultdict(list)
    for table_id, execution_id in found:
        by_table[table_id].append(execution_id)
    return by_table


def _apart(table_id: int, ids: Sequence[int], at: datetime) -> int:
    try:
        return _resume_in(table_id, ids, at)
    except Exception:  # the edge of one table's resuming: what goes wrong there keeps no other from going on
        logger.exception("The due cells of table %s could not be resumed", table_id)
        return 0


def _resume_in(table_id: int, ids: Sequence[int], at: datetime) -> int:
    with transaction.atomic():
        if not lifecycle.share_at_once(table_id):
            return 0
        held = pauses.hold(ids, at)
        pauses.settle(held, at)
        return _go_on(table_id, [pause.execution_id for pause in held])


def _go_on(table_id: int, ids: Sequence[int]) -> int:
    """Stamp paused cells of a table in a fresh window of each dispatch, and ring when that is committed; gives how many
    were.

    Their pauses are locked, and the table's lock is shared: what is paused here stays so until this is done.
    """
    paused = Execution.objects.filter(pk__in=ids, status=Status.PAUSED, dispatch_id__isnull=False)
    cells: dict[int, list[Execution]] = defaultdict(list)
    for execution in paused.only("pk", "dispatch_id", "row_id", "position").order_by("position"):
        cells[execution.dispatch_id or 0].append(execution)
    resumed = sum(_open(table_id, dispatch_id, of_it) for dispatch_id, of_it in cells.items())
    if resumed < len(ids):
        pauses.let_go(ids)
    return resumed


def _open(table_id: int, dispatch_id: int, cells: Sequence[Execution]) -> int:
    window = windows.open_resumed(dispatch_id, [(cell.row_id, cell.position) for cell in cells])
    resumed = executions.resume([cell.pk for cell in cells], window)
    moved = Counter({window: len(resumed)})
    moved.subtract(lobby for _, lobby in resumed)
    windows.tally(Tally(cells=moved))
    went_on = {execution_id for execution_id, _ in resumed}
    rows = {cell.row_id for cell in cells if cell.pk in went_on}
    marks.cells(table_id, rows, {Status.PENDING.value: len(resumed)}, dispatch_id=dispatch_id)
    transaction.on_commit(partial(wake, dispatch_id, len(resumed)), robust=True)
    return len(resumed)


def wake(dispatch_id: int, cells: int) -> None:
    """Ring as many of a dispatch's resting lanes as so many cells can use."""
    for link in lanes.wake(dispatch_id, cells):
        bell.ring(link)


def answer(approval: Approval, user: User, decision: str, fields: Mapping[str, Any] | None) -> bool:
    """Answer a question, so that its cell goes on. False: it was answered before, and nothing changes.

    The approval is then as it stands in the database.

    Raises InvalidInput naming `fields.<name>`; Conflict, `withdrawn` or `expired`, when nobody waits for the answer.
    """
    with transaction.atomic():
        lifecycle.share(approval.table_id)
        result = approvals.answer(approval, user, decision, fields)
        if result is not None:
            pauses.give([approval.execution_id], result)
            if not _go_on(approval.table_id, [approval.execution_id]):
                raise approvals.withdrawn()
    return result is not None


def move_to_newest(table_id: int, row_id: int, group_id: int) -> WorkflowVersion:
    """Have the paused cell go on with the newest version of its workflow; gives that. Conflict says why it cannot."""
    with transaction.atomic():
        lifecycle.share(table_id)
        marks.cells(table_id, [row_id], {})
        return pauses.move_to_newest(row_id, group_id)
