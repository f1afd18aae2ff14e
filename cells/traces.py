"""What a person asks of one cell: its latest attempt with its trace, and the attempts before."""

from __future__ import annotations

from typing import Any

from cells.models import IN_FLIGHT, Approval, Attempt, Execution, Pause, Status, WorkflowVersion

MOST_ATTEMPTS = 100


def latest(row_id: int, group_id: int) -> dict[str, Any] | None:
    """The cell's state, with the trace of its newest attempt; None when it never ran.

    While the cell is in flight its trace is that of no attempt yet: `steps` has what was done before it paused, and
    is empty when it never did. `pause` is null but for a cell that paused and has not ended since.
    """
    execution = Execution.objects.filter(row=row_id, group=group_id).first()
    if execution is None:
        return None
    if execution.status in IN_FLIGHT:
        return _standing(execution, Pause.objects.filter(execution_id=execution.pk).first())
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
        "pause": None,
    }


def _standing(execution: Execution, pause: Pause | None) -> dict[str, Any]:
    record = _record(execution, None)
    if pause is None:
        return record
    versions = WorkflowVersion.objects.filter(pk__in=[pause.version_id])
    asked = Approval.objects.filter(execution_id=execution.pk, status=Approval.Status.OPEN)
    is_paused = execution.status == Status.PAUSED
    return {
        **record,
        "workflow_version": versions.values_list("number", flat=True).first(),
        "steps": pause.state["trace"],
        "pause": {
            "kind": pause.kind,
            "step": pause.state["step"],
            "due_at": pause.due_at,
            "approval": asked.values_list("pk", flat=True).first() if is_paused else None,
        },
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
        "pause": None,
    }
