"""Cells that stand still, made by hand: what a draw does when a step pauses."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import transaction

from cells import lifecycle as executions
from cells.draw import Tally
from cells.lifecycle import Claimed, Suspended
from cells.models import Worker
from dispatch import lifecycle, windows
from dispatch.models import Dispatch
from tests import hands

TYPES = {"wait": "wait", "approval": "approval", "retry": "http"}


def long_ago() -> datetime:
    """A time that has passed."""
    return datetime.now(UTC) - timedelta(minutes=1)


def far_ahead() -> datetime:
    """A time that no test lives to see."""
    return datetime.now(UTC) + timedelta(days=1)


def question(**what: Any) -> dict[str, Any]:
    """A question, as an approval asks it; without a form and for everybody unless it is said."""
    return {"prompt": "Send it?", "fields": None, "assignees": [], "on_expiry": "error", **what}


def state(kind: str, step: str, given: dict[str, Any] | None = None) -> dict[str, Any]:
    """Where a run stands that has paused at this step, after those that gave something."""
    given = given or {}
    done = [_record(name, "template", "completed", value) for name, value in given.items()]
    trace = [*done, _record(step, TYPES[kind], "paused", None)]
    return {"step": step, "inputs": {"n": 1}, "given": given, "trace": trace, "tries": int(kind == "retry")}


def _record(step: str, type_: str, status: str, output: Any) -> dict[str, Any]:
    return {
        "id": step, "type": type_, "status": status, "input": None, "output": output, "error": None,
        "started_at": datetime.now(UTC).isoformat(), "duration_ms": 1.0, "attempts": 1,
    }  # fmt: skip


def pause(
    dispatch: Dispatch,
    worker: Worker,
    kind: str = "wait",
    due_at: datetime | None = None,
    *,
    step: str = "hold",
    given: dict[str, Any] | None = None,
    most: int = 100_000,
    **asked: Any,
) -> list[int]:
    """Have the dispatch's next cells run and pause, `most` of them at most; gives the executions' ids in order.

    Further arguments are the question's, where the kind is `approval`.
    """
    paused: list[int] = []
    while len(paused) < most:
        batch = hands.claim(worker, dispatch, most=min(1000, most - len(paused)))
        if batch:
            paused += _pause(dispatch, batch, kind, due_at, state(kind, step, given), asked)
        elif hands.admit(dispatch) is None:
            break
    return paused


def _pause(
    dispatch: Dispatch,
    batch: list[Claimed],
    kind: str,
    due_at: datetime | None,
    standing: dict[str, Any],
    asked: dict[str, Any],
) -> list[int]:
    versions = {pinned["id"]: pinned["version_id"] for pinned in dispatch.plan}
    suspended = [
        Suspended(
            claimed.lead,
            kind,
            standing,
            due_at,
            question(**asked) if kind == "approval" else None,
            versions[claimed.lead.group_id],
        )
        for claimed in batch
    ]
    with transaction.atomic():
        lifecycle.share(dispatch.table_id)
        lobby = windows.lobby(dispatch.pk)
        won = executions.pause(suspended, table_id=dispatch.table_id, lobby=lobby, cascade=False)
        moved = Counter({lobby: len(won)})
        moved.subtract(w.window_id for w in won)
        windows.tally(Tally(cells=moved))
    return [w.id for w in won]
