"""Questions to people: who may see and answer them, and how they are closed.

An approval is open until it is answered, expires or is withdrawn with its cell (cells/lifecycle.py). Each way out of
`open` is one guarded statement: of an answer, another answer, expiry and Stop only one wins.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.contrib.auth.models import User
from django.db.models import Q, QuerySet
from django.db.models.functions import Now

from cells.models import Approval, Pause
from cells.steps.approval import form
from cells.values import Unfit, plain
from tableflow.errors import Conflict, InvalidInput, Problem
from tableflow.live import marks
from tableflow.tables.models import Table

ANSWERS = (Approval.Status.APPROVED, Approval.Status.REJECTED)
LISTS = ("open", "answered", "all")


def visible_to(user: User) -> QuerySet[Approval]:
    """The questions of the tables that the user may see."""
    tables = Table.objects.visible_to(user).values("pk")
    return Approval.objects.filter(table_id__in=tables).select_related("answered_by")


def listing(user: User, status: str = "open", table: int | None = None) -> QuerySet[Approval]:
    """The questions that the user may see: `open` the oldest first, `answered` and `all` the newest first."""
    found = visible_to(user)
    if table is not None:
        found = found.filter(table_id=table)
    if status == "open":
        return found.filter(status=Approval.Status.OPEN).order_by("pk")
    if status == "answered":
        found = found.filter(status__in=ANSWERS)
    return found.order_by("-pk")


def answerable(user: User, asked: Sequence[Approval]) -> set[int]:
    """Which of these questions the user may answer: theirs by name, or where nobody is named of a table they may edit.

    A superuser may answer all.
    """
    if user.is_superuser:
        return {approval.pk for approval in asked}
    tables = {approval.table_id for approval in asked if not approval.assignees}
    editable = set(Table.objects.editable_by(user).filter(pk__in=tables).values_list("pk", flat=True))
    name = user.get_username()
    return {
        approval.pk
        for approval in asked
        if name in approval.assignees or (not approval.assignees and approval.table_id in editable)
    }


def answer(approval: Approval, user: User, decision: str, fields: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Close an open question with what the user decided; gives what its step gives, None when it was answered before.

    To be called in a transaction that shares the table's lock; the approval is then as it stands in the database.
    Raises InvalidInput naming `fields.<name>`; Conflict, `withdrawn` or `expired`, when nobody waits for the answer.
    """
    given = dict(fields or {})
    Pause.objects.select_for_update().filter(execution_id=approval.execution_id).first()
    approval.refresh_from_db()
    if approval.status == Approval.Status.OPEN:
        _check(approval, decision, given)
    in_time = Q(due_at=None) | Q(due_at__gt=Now())
    won = Approval.objects.filter(in_time, pk=approval.pk, status=Approval.Status.OPEN).update(
        status=decision, answer=given, answered_by=user, answered_at=Now()
    )
    approval.refresh_from_db()
    if not won:
        _refuse_if_closed(approval)
        return None
    marks.approvals(approval.table_id, [approval.row_id])
    at = approval.answered_at
    return {
        "decision": decision,
        "fields": given,
        "by": user.get_username(),
        "at": at.isoformat() if at else None,
    }


def mark_open(table_id: int, paused: Sequence[int]) -> None:
    """Mark the open questions of these executions, which are about to be withdrawn with them."""
    if not paused:
        return
    asked = Approval.objects.filter(execution_id__in=paused, status=Approval.Status.OPEN)
    rows = list(asked.values_list("row_id", flat=True))
    if rows:
        marks.approvals(table_id, rows)


def withdrawn() -> Conflict:
    """What is said when the cell that asked does not wait any more."""
    return Conflict("Nobody waits for this answer any more: the cell was stopped or began anew.", "withdrawn")


def _refuse_if_closed(approval: Approval) -> None:
    match approval.status:
        case Approval.Status.WITHDRAWN:
            raise withdrawn()
        case Approval.Status.EXPIRED | Approval.Status.OPEN:
            raise Conflict("The time for this answer is over.", "expired")


def expire(executions: Sequence[int], at: datetime) -> list[tuple[dict[str, Any], list[int]]]:
    """Close the open questions of these executions that are due: (what their steps give, the executions' ids), a pair
    for each way to expire. To be called by who holds their pauses.
    """
    due = Approval.objects.filter(execution_id__in=executions, status=Approval.Status.OPEN, due_at__lte=at)
    found = list(due.select_for_update().order_by("pk"))
    Approval.objects.filter(pk__in=[approval.pk for approval in found]).update(
        status=Approval.Status.EXPIRED, answered_at=at
    )
    by_way: dict[str, list[int]] = defaultdict(list)
    rows_of: dict[int, list[int]] = defaultdict(list)
    for approval in found:
        by_way[approval.on_expiry].append(approval.execution_id)
        rows_of[approval.table_id].append(approval.row_id)
    for table_id, rows in rows_of.items():
        marks.approvals(table_id, rows)
    return [(_on_expiry(way, at), ids) for way, ids in by_way.items()]


def _on_expiry(way: str, at: datetime) -> dict[str, Any]:
    if way == "error":
        return {"expired": True}
    return {"decision": way, "fields": {}, "by": None, "at": at.isoformat()}


def _check(approval: Approval, decision: str, given: Mapping[str, Any]) -> None:
    """Who rejects need not fill in the form; what is filled in must fit all the same."""
    if decision not in ANSWERS:
        raise InvalidInput.at("decision", "The decision is approved or rejected.", "invalid_choice")
    if approval.fields is None:
        if given:
            raise InvalidInput.at("fields", "This question has no fields to fill in; leave `fields` out.", "unknown")
        return
    unstorable = [problem for name, value in given.items() for problem in _unstorable(name, value)]
    if unstorable:
        raise InvalidInput(unstorable)
    problems = form.problems(approval.fields, given, "fields")
    if decision == Approval.Status.REJECTED:
        problems = [problem for problem in problems if problem.code != "required"]
    if problems:
        raise InvalidInput(problems)


def _unstorable(name: str, value: Any) -> Iterator[Problem]:
    attr = f"fields.{name}"
    try:
        if plain([name, value]) != [name, value]:
            yield Problem("It holds what cannot be stored: a NUL character, half a character, or no number.", attr)
    except Unfit as error:
        yield Problem(str(error), attr)
