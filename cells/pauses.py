"""Cells that stand still: which of them are due, what they go on with, and under which version of their workflow.

What is written here is the pause alone, and only by who holds its lock; the cell itself goes on by
`lifecycle.resume`. The pause is locked before its approval and before its execution, and the table's lock is shared
before all of them: so nothing that cancels or recalls comes in between.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from django.db import connection

from cells import approvals
from cells.models import Execution, Pause, Status, WorkflowVersion
from cells.workflows import versions
from tableflow.errors import Conflict
from tableflow.tables.models import Group


def clock() -> datetime:
    """The time by the database's clock."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT now()")
        (now,) = cursor.fetchone()
    found: datetime = now
    return found


def due(at: datetime, most: int, *, without: Collection[int] = ()) -> list[tuple[int, int]]:
    """Up to `most` pauses that are due, the oldest first, as (table id, execution id); those of some tables left out.

    It locks nothing: `hold` says which of them are still due.
    """
    found = Pause.objects.filter(due_at__lte=at).order_by("due_at")
    if without:
        found = found.exclude(table_id__in=without)
    return list(found.values_list("table_id", "execution_id")[:most])


def hold(ids: Sequence[int], at: datetime) -> list[Pause]:
    """Those of these pauses that are due and that nobody else is resuming, locked until the transaction ends."""
    still = Pause.objects.filter(execution_id__in=ids, due_at__lte=at)
    return list(still.select_for_update(skip_locked=True).order_by("due_at"))


def settle(held: Sequence[Pause], at: datetime) -> None:
    """Write down what due steps give: the time after a wait, what expiry means for a question; nothing for a retry."""
    waits = [pause.pk for pause in held if pause.kind == Pause.Kind.WAIT]
    asked = [pause.pk for pause in held if pause.kind == Pause.Kind.APPROVAL]
    if waits:
        give(waits, {"resumed_at": at.isoformat()})
    for result, ids in approvals.expire(asked, at) if asked else ():
        give(ids, result)


def give(ids: Sequence[int], result: dict[str, Any]) -> None:
    """The result of the step at which these cells stand."""
    Pause.objects.filter(execution_id__in=ids).update(result=result)


def let_go(ids: Sequence[int]) -> None:
    """Pauses whose cells are not paused are due no more."""
    Pause.objects.filter(execution_id__in=ids).update(due_at=None)


def of_cells(executions: Sequence[int]) -> dict[int, Pause]:
    """The pauses of these executions, by the execution's id, without their states."""
    found = Pause.objects.filter(execution_id__in=executions).only("execution_id", "kind", "due_at")
    return {pause.execution_id: pause for pause in found}


def move_to_newest(row_id: int, group_id: int) -> WorkflowVersion:
    """Have a paused cell go on with the newest version of its workflow; gives that version.

    To be called in a transaction that shares the table's lock. Conflict, saying why, when the cell is not paused, or
    could not go on in that version from where it stands.
    """
    cell = Execution.objects.filter(row=row_id, group=group_id)
    pause = Pause.objects.select_for_update().filter(execution_id__in=cell.values("pk")).first()
    # Asked under the lock of the pause: what resumes cells holds it too.
    if pause is None or not cell.filter(status=Status.PAUSED).exists():
        raise Conflict("This cell is not paused; only a paused cell can be moved to another version.", "not_paused")
    newest = _newest(pause.version_id)
    if newest.pk != pause.version_id:
        _check_steps(pause, newest)
        _check_outputs(group_id, newest)
        Pause.objects.filter(pk=pause.pk).update(version_id=newest.pk)
    return newest


def _newest(version_id: int | None) -> WorkflowVersion:
    pinned = WorkflowVersion.objects.filter(pk=version_id).first() if version_id is not None else None
    newest = versions.newest(pinned.workflow_id) if pinned is not None else None
    if newest is None:
        raise Conflict("The workflow of this cell was deleted; there is no newer version.", "deleted")
    return newest


def _check_steps(pause: Pause, newest: WorkflowVersion) -> None:
    """The step must be there, of its type, and what the steps before it gave must be known."""
    at, type_ = pause.state["step"], _type(pause)
    places = {step["id"]: place for place, step in enumerate(newest.steps)}
    if at not in places or newest.steps[places[at]]["type"] != type_:
        raise Conflict(
            f"Version {newest.number} has no step {at!r} of the type {type_}, at which this cell is paused.", "no_step"
        )
    missing = [step["id"] for step in newest.steps[: places[at]] if step["id"] not in pause.state["given"]]
    if missing:
        names = ", ".join(repr(name) for name in missing)
        raise Conflict(
            f"Version {newest.number} has steps before {at!r} that did not run in this cell: {names}.", "steps_missing"
        )


def _type(pause: Pause) -> str:
    """The type of the step at which the cell is paused, as its trace has it."""
    records = reversed(pause.state["trace"])
    return next((str(record["type"]) for record in records if record["id"] == pause.state["step"]), "")


def _check_outputs(group_id: int, newest: WorkflowVersion) -> None:
    outputs = Group.objects.values_list("outputs", flat=True).get(pk=group_id)
    gone = sorted({output["from"] for output in outputs} - set(newest.outputs))
    if gone:
        names = ", ".join(repr(name) for name in gone)
        raise Conflict(f"Version {newest.number} has no output {names}, which this column takes.", "no_output")
