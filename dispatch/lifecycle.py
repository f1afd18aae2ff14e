"""The transitions of dispatches. This module, and nothing else, writes their status; losing is a return value.

Each that is won is marked once, with what is said of the dispatch as it is then.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

from django.db import connection
from django.db.models import Case, DateTimeField, DurationField, ExpressionWrapper, F, Value, When
from django.db.models.functions import Coalesce, Now

from dispatch.models import ACTIVE, CELLS_ENDED, Dispatch, DispatchStatus, Lane
from tableflow.live import marks
from tableflow.statements import Statements

statements = Statements(Path(__file__).parent / "sql")

SERIALISE = 0x7AB1E  # the name of this lock among the advisory locks of the database


def next_sequence() -> int:
    """The next number of the order among dispatches and cancels."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval('cells_sequence')")
        (number,) = cursor.fetchone()
    return int(number)


def serialise(table_id: int) -> None:
    """Let no other begin or cancel on this table, no draw and no admission go on until the transaction ends.

    It is taken before any other lock. So what a begin or a cancel sees is all there is: no cell is being stamped or
    started beside it, in a transaction whose work it could not see yet.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [SERIALISE, table_id % 2**31])


def share(table_id: int) -> None:
    """Let no begin or cancel on this table go on until the transaction ends; draws and admissions share it."""
    statements("share", {"name": SERIALISE, "table": table_id % 2**31})


def share_at_once(table_id: int) -> bool:
    """Share the table's lock if that needs no waiting; whether it is shared."""
    (answer,) = statements("share_at_once", {"name": SERIALISE, "table": table_id % 2**31})
    return bool(answer.shared)


def request(dispatch: Dispatch) -> None:
    """Record a new dispatch."""
    dispatch.save(force_insert=True)
    _mark(dispatch.pk, "requested")


def start(dispatch: Dispatch) -> bool:
    """Pending → dispatching; False when it is no longer pending."""
    won = Dispatch.objects.filter(pk=dispatch.pk, status=DispatchStatus.PENDING).update(
        status=DispatchStatus.DISPATCHING, started_at=Coalesce(F("started_at"), Now()), resumed_at=Now()
    )
    if won:
        dispatch.status = DispatchStatus.DISPATCHING
        _mark(dispatch.pk, "started")
    return bool(won)


def pause(dispatch_id: int, because: str) -> bool:
    """Pending or dispatching → paused, for the reason given; False when it is neither.

    From then on it admits nothing, and no draw claims in it. What runs may end.
    """
    going_on = Dispatch.objects.filter(pk=dispatch_id, status__in=(DispatchStatus.PENDING, DispatchStatus.DISPATCHING))
    won = going_on.update(status=DispatchStatus.PAUSED, paused_because=because, ran_for=_ran_for(), resumed_at=None)
    if won:
        _mark(dispatch_id, "paused", because=because)
    return bool(won)


def resume(dispatch_id: int) -> bool:
    """Paused → dispatching, or pending where it had not started; False when it is not paused."""
    had_started = When(started_at__isnull=False, then=Value(DispatchStatus.DISPATCHING))
    won = Dispatch.objects.filter(pk=dispatch_id, status=DispatchStatus.PAUSED).update(
        status=Case(had_started, default=Value(DispatchStatus.PENDING)),
        resumed_at=Case(When(started_at__isnull=False, then=Now()), output_field=DateTimeField()),
        paused_because=None,
    )
    if won:
        _mark(dispatch_id, "resumed")
    return bool(won)


def complete(dispatch: Dispatch, *, waiting: int) -> bool:
    """Dispatching → complete, with the cells that are left waiting; False when it is not dispatching any more."""
    won = Dispatch.objects.filter(pk=dispatch.pk, status=DispatchStatus.DISPATCHING).update(
        status=DispatchStatus.COMPLETE,
        finished_at=Now(),
        ran_for=_ran_for(),
        resumed_at=None,
        waiting=waiting,
        total=CELLS_ENDED + waiting,
    )
    return _ended(dispatch.pk, won, "completed")


def cancel(dispatch_id: int) -> bool:
    """Any active state → cancelled; False when it had ended. From then on it admits nothing."""
    won = Dispatch.objects.filter(pk=dispatch_id, status__in=ACTIVE).update(
        status=DispatchStatus.CANCELLED,
        finished_at=Now(),
        ran_for=_ran_for(),
        resumed_at=None,
        paused_because=None,
    )
    return _ended(dispatch_id, won, "cancelled")


def settle(dispatch_id: int) -> None:
    """Lower the total of a cancelled dispatch to the cells that it came to: the others were never begun."""
    Dispatch.objects.filter(pk=dispatch_id, status=DispatchStatus.CANCELLED).update(total=CELLS_ENDED, waiting=0)


def _ran_for() -> ExpressionWrapper[Any]:
    """How long a dispatch has been dispatching, the time since it was resumed last included."""
    return ExpressionWrapper(F("ran_for") + Coalesce(Now() - F("resumed_at"), timedelta(0)), DurationField())


def _ended(dispatch_id: int, won: int, became: marks.Run) -> bool:
    if won:
        Lane.objects.filter(dispatch=dispatch_id, retired_at=None).update(retired_at=Now())
        _mark(dispatch_id, became)
    return bool(won)


def _mark(dispatch_id: int, became: marks.Run, **more: Any) -> None:
    dispatch = Dispatch.objects.select_related("requested_by").get(pk=dispatch_id)
    by = dispatch.requested_by
    marks.run(
        dispatch.table_id,
        dispatch_id,
        became,
        mode=dispatch.mode,
        is_manual=dispatch.is_manual,
        status=dispatch.status,
        groups=[group["id"] for group in dispatch.plan],
        requested_by=by.get_username() if by is not None else None,
        **more,
    )
    if became in ("requested", "cancelled") or (became == "completed" and dispatch.limit_rows is not None):
        # Cells ahead of its cursor are shown otherwise now, though nothing was written there.
        marks.cells(dispatch.table_id, dispatch.scope.get("rows"), {}, dispatch_id=dispatch_id)
