"""The transitions of executions. This module, and nothing else, writes their status.

Each verb is one guarded statement over a set: it names the status and the fence that it expects, and what it did not
win is missing from its answer. Status, attempt, trace, the row's values and its done bit are written by the same
statement (law 4). Locks are taken in the order execution → row, each kind in the order of its ids.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson
from django.db.models import QuerySet
from psycopg.types.json import Jsonb

from cells.models import Approval, Attempt, Execution, Pause, Status
from cells.usage import Usage
from tableflow.live import marks
from tableflow.statements import Statements

statements = Statements(Path(__file__).parent / "sql")

LOSS_BUDGET = 3
ATTEMPTS_KEPT = 20


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a cell that was paused goes on: its kind, its state, what its step gives, the id of its version (Pause)."""

    kind: str
    state: dict[str, Any]
    result: Any
    version_id: int | None


@dataclass(frozen=True, slots=True)
class Claim:
    """A cell that this process may run: only who presents its fence may end it. `standing`: it was paused before."""

    id: int
    row_id: int
    group_id: int
    fence: int
    attempt: int
    window_id: int
    started_at: datetime
    standing: Standing | None = None


@dataclass(frozen=True, slots=True)
class Claimed:
    """A row that was claimed: its values, the cell that runs, and those that queue behind it, by group."""

    row: dict[str, Any]
    lead: Claim
    queued: dict[int, Claim]


@dataclass(frozen=True, slots=True)
class Ended:
    """How a cell ended, still to be written. `output` is merged into the row; `bit` is its group's done bit."""

    claim: Claim
    status: Status
    bit: int
    error: str | None = None
    output: dict[str, Any] = field(default_factory=dict)
    trace: list[dict[str, Any]] = field(default_factory=list)
    version: int | None = None


@dataclass(frozen=True, slots=True)
class Suspended:
    """How a cell paused, still to be written. `state` is kept as cells.Pause says; `question` is one of an approval:
    `{prompt, fields, assignees, on_expiry}`.
    """

    claim: Claim
    kind: str
    state: dict[str, Any]
    due_at: datetime | None = None
    question: dict[str, Any] | None = None
    version_id: int | None = None


@dataclass(frozen=True, slots=True)
class Won:
    """A cell whose end or pause was written. `row` is the row as it is now, where a cascade asked for it; `changed`:
    its values are other ones than before, where somebody outside the run may read them.
    """

    id: int
    row_id: int
    window_id: int
    status: Status
    row: dict[str, Any] | None = None
    changed: bool = False


@dataclass(frozen=True, slots=True)
class Recalled:
    """A cell that begins anew: what it was, and the window that it was in."""

    id: int
    row_id: int
    window_id: int
    was: Status


def stamp(
    group_id: int, rows: Sequence[tuple[int, Decimal]], *, dispatch_id: int, window_id: int, sequence: int
) -> int:
    """Stamp cells of a group pending; gives how many were. `rows` are (id, position)."""
    stamped = statements(
        "stamp",
        {
            "group": group_id,
            "rows": [row for row, _ in rows],
            "positions": [position for _, position in rows],
            "dispatch": dispatch_id,
            "window": window_id,
            "sequence": sequence,
        },
    )
    return len(stamped)


def claim(
    worker_id: int, table_id: int, windows: Sequence[int], usages: Mapping[int, Usage], most: int
) -> list[Claimed]:
    """Claim up to `most` rows of the windows, pending → running or queued; to be called in a transaction.

    `usages` are what the dispatch's groups use, by group id from left to right: the leftmost stamped cell of a row
    runs first.
    """
    order = list(usages)
    found = statements("claimable", {"windows": list(windows), "most": most * len(order)})
    leads: dict[int, Any] = {}
    for cell in found:
        if cell.row_id not in leads:
            if len(leads) == most:
                break
            leads[cell.row_id] = cell
        elif order.index(cell.group_id) < order.index(leads[cell.row_id].group_id):
            leads[cell.row_id] = cell
    if not leads:
        return []
    claimed = statements(
        "claim",
        {
            "windows": list(windows),
            "rows": list(leads),
            "leads": [cell.id for cell in leads.values()],
            "cells": [cell.id for cell in found if cell.row_id in leads],
            "table": table_id,
            "worker": worker_id,
            **_uses(usages),
        },
    )
    return _rows_claimed(claimed)


def _uses(usages: Mapping[int, Usage]) -> dict[str, Any]:
    """The parameters of sql/used.sql."""
    return {
        "use_groups": list(usages),
        "use_tokens": [usage.token for usage in usages.values()],
        "use_keys": [Jsonb(list(usage.keys)) for usage in usages.values()],
    }


def _rows_claimed(cells: Iterable[Any]) -> list[Claimed]:
    running: dict[int, Claimed] = {}
    queued: list[Claim] = []
    for cell in cells:
        claim_ = _claim(cell)
        if cell.status == Status.RUNNING:
            running[cell.row_id] = Claimed(orjson.loads(cell.data), claim_, {})
        else:
            queued.append(claim_)
    for claim_ in queued:
        running[claim_.row_id].queued[claim_.group_id] = claim_
    return list(running.values())


def _claim(cell: Any) -> Claim:
    standing = None
    if cell.kind is not None:
        result = orjson.loads(cell.result) if cell.result is not None else None
        standing = Standing(cell.kind, orjson.loads(cell.state), result, cell.version_id)
    return Claim(
        cell.id, cell.row_id, cell.group_id, cell.fence, cell.attempt, cell.window_id, cell.started_at, standing
    )


def finish(batch: Sequence[Ended], worker_name: str, *, cascade: bool, feeding: bool = False) -> list[Won]:
    """End running cells, each under its fence; gives those that were won. A late worker's cells are not among them.

    `feeding`: somebody outside the run reads what they give, so say what changed.
    """
    won = statements(
        "finish",
        {
            "ids": [e.claim.id for e in batch],
            "fences": [e.claim.fence for e in batch],
            "statuses": [e.status.value for e in batch],
            "errors": [e.error for e in batch],
            "outputs": [Jsonb(e.output) for e in batch],
            "bits": [1 << e.bit for e in batch],
            "traces": [Jsonb(e.trace) for e in batch],
            "versions": [e.version for e in batch],
            "worker": worker_name,
            "cascade": cascade,
            "feeding": feeding,
            "kept": ATTEMPTS_KEPT,
        },
    )
    return [Won(w.id, w.row_id, w.window_id, Status(w.status), _values(w.data), w.changed) for w in won]


def _values(data: str | None) -> dict[str, Any] | None:
    return orjson.loads(data) if data is not None else None


def pause(batch: Sequence[Suspended], *, table_id: int, lobby: int, cascade: bool) -> list[Won]:
    """Pause running cells, each under its fence; gives those that were won, with the window that each has left.

    `lobby` is the window in which they wait. Nobody owns them from then on.
    """
    won = statements(
        "pause",
        {
            "ids": [p.claim.id for p in batch],
            "fences": [p.claim.fence for p in batch],
            "kinds": [p.kind for p in batch],
            "dues": [p.due_at for p in batch],
            "states": [Jsonb(p.state) for p in batch],
            "versions": [p.version_id for p in batch],
            "questions": [Jsonb(p.question) if p.question is not None else None for p in batch],
            "table": table_id,
            "lobby": lobby,
            "cascade": cascade,
        },
    )
    return [Won(w.id, w.row_id, w.window_id, Status.PAUSED, _values(w.data)) for w in won]


def resume(ids: Sequence[int], window_id: int) -> list[tuple[int, int]]:
    """Let paused cells go on from this window, paused → pending; gives (execution, the window it left) of those won.

    What their steps give must stand in their pauses before the transaction ends.
    """
    return [(cell.id, cell.window_id) for cell in statements("resume", {"ids": list(ids), "window": window_id})]


def recall(ids: Sequence[int], window_id: int | None) -> list[Recalled]:
    """Have cells of one dispatch that are under way begin anew, since what they read was changed.

    Queued, running and paused ones become pending; those that are paused move to `window_id` (None: none is).
    """
    params = {
        "ids": list(ids),
        "window": window_id,
        "message": "It began anew: a value that it reads was changed.",
    }
    return [Recalled(c.id, c.row_id, c.window_id, Status(c.was)) for c in statements("recall", params)]


def unqueue(claims: Sequence[Claim]) -> int:
    """Put queued cells back, for whoever draws their row next; gives how many."""
    return len(statements("unqueue", {"ids": [c.id for c in claims], "fences": [c.fence for c in claims]}))


def proceed(claims: Sequence[Claim], usages: Mapping[int, Usage]) -> list[Claim]:
    """Start queued cells whose turn has come; gives those that were won."""
    turns = {"ids": [c.id for c in claims], "fences": [c.fence for c in claims]}
    return [_claim(cell) for cell in statements("proceed", {**turns, **_uses(usages)})]


def join(worker_id: int, after: Sequence[tuple[Claim, int]], sequence: int, usages: Mapping[int, Usage]) -> list[Claim]:
    """Start cells that a cascade reaches and no window stamped: `after` are (the claim that ended, group to start)."""
    params = {
        "after": [claim_.id for claim_, _ in after],
        "windows": [claim_.window_id for claim_, _ in after],
        "groups": [group for _, group in after],
        "sequence": sequence,
        "worker": worker_id,
        **_uses(usages),
    }
    return [_claim(cell) for cell in statements("join", params)]


def withdraw(claims: Sequence[Claim]) -> list[int]:
    """Take back the stamps of queued cells whose dependencies are no longer met; gives the window of each."""
    params = {"ids": [c.id for c in claims], "fences": [c.fence for c in claims]}
    return [cell.window_id for cell in statements("withdraw", params)]


def cancel(ids: Sequence[int], sequence: int) -> dict[int, int | None]:
    """Cancel cells in flight; gives the window of each that was, by id. From then on their workers write nothing."""
    return {cell.id: cell.window_id for cell in statements("cancel", {"ids": list(ids), "sequence": sequence})}


def bar(ids: Sequence[int], groups: Sequence[int], sequence: int) -> None:
    """Leave tombstones for these groups in the rows of these executions, where no cell of the group is in flight."""
    statements("tombstone", {"ids": list(ids), "groups": list(groups), "sequence": sequence})


def reclaim(worker_ids: Sequence[int], windows: Sequence[int]) -> list[Won]:
    """Take back what lost workers held in these windows; gives the cells, `error` for those whose budget is spent."""
    taken = statements(
        "reclaim",
        {
            "workers": list(worker_ids),
            "windows": list(windows),
            "budget": LOSS_BUDGET,
            "message": f"Its worker was lost {LOSS_BUDGET} times while this cell ran. Run it again to retry.",
        },
    )
    return [Won(cell.id, 0, cell.window_id, Status(cell.status)) for cell in taken]


def release(
    worker_id: int, windows: Iterable[int], *, keep: Iterable[int] = (), older: timedelta = timedelta(0)
) -> int:
    """Hand back what a worker holds in these windows, `keep` excepted, if claimed `older` ago; gives how many."""
    params = {"worker": worker_id, "windows": list(windows), "keep": list(keep), "older": older}
    released = statements("release", params)
    rows_of: dict[tuple[int, int | None], list[int]] = defaultdict(list)
    for cell in released:
        rows_of[cell.table_id, cell.dispatch_id].append(cell.row_id)
    for (table_id, dispatch_id), rows in rows_of.items():
        marks.cells(table_id, rows, {Status.PENDING: len(rows)}, dispatch_id=dispatch_id)
    return len(released)


def fenced(claims: Iterable[Claim]) -> set[int]:
    """Which of these claims were taken away: their executions' ids."""
    held = list(claims)
    return {row.id for row in statements("fenced", {"ids": [c.id for c in held], "fences": [c.fence for c in held]})}


def forget(executions: QuerySet[Execution]) -> None:
    """Remove executions with all that belongs to them, for rows or groups that are gone: one statement a kind."""
    gone = executions.order_by().values("pk")
    Attempt.objects.filter(execution__in=gone).delete()
    Approval.objects.filter(execution_id__in=gone).delete()
    Pause.objects.filter(execution__in=gone).delete()
    executions.order_by().delete()
