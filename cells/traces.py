"""What a person asks of one cell: its latest attempt with its trace, and the attempts before."""

from __future__ import annotations

from typing import Any

from cells.models import IN_FLIGHT, Attempt, Execution

MOST_ATTEMPTS = 100


def latest(row_id: int, group_id: int) -> dict[str, Any] | None:
    """The cell's state, with the trace of its newest attempt; None when it never ran.

    While the cell is in flight its trace is that of no attempt yet: `steps` is empty.
    """
    execution = Execution.objects.filter(row=row_id, group=group_id).first()
    if execution is None:
        return None
    if execution.status in IN_FLIGHT:
        return _record(execution, None)
    return _record(execution, Attempt.objects.filter(execution=execution.pk).order_by("-number", "-pk").first())


def history(row_id: int, group_id: int) -> list[dict[str, Any]]:
    """The cell's attempts that have ended, newest first, a hundred at most."""
    execution = Execution.objects.filter(row=row_id, group=group_id).first()
    if execution is None:
        return []
    attempts = Attempt.objects.filter(execution=execution.pk).order_by("-number", "-pk")[:MOST_ATTEMPTS]
    return [_of_attempt(execution, attempt) for attempt in attempts]


def _record(execution: Execution, attempt: Attempt | None) -> dict[str, Any]:
    if attempt is not None:
        return {**_of_attempt(execution, attempt), "status": execution.status}
    return {
        "status": execution.status,
        "execution_id": execution.pk,
        "attempt": execution.attempt,
        "error": None,
        "workflow_version": execution.workflow_version,
        "dispatch": execution.dispatch_id,
        "worker": None,
        "started_at": execution.started_at,
        "finished_at": execution.finished_at,
        "steps": [],
    }


def _of_attempt(execution: Execution, attempt: Attempt) -> dict[str, Any]:
    return {
        "status": attempt.status,
        "execution_id": execution.pk,
        "attempt": attempt.number,
        "error": attempt.error,
        "workflow_version": attempt.workflow_version,
        "dispatch": attempt.dispatch_id,
        "worker": attempt.worker_name or None,
        "started_at": attempt.started_at,
        "finished_at": attempt.finished_at,
        "steps": attempt.trace,
    }
