"""Counting what lies in a dispatch's scope: the cells it asks for, and those that cannot run yet."""

from __future__ import annotations

from django.db import connection, transaction
from django.db.models import Sum

from cells import eligibility
from dispatch import scope
from dispatch.models import ACTIVE, Dispatch, Window
from dispatch.pick import pick
from tableflow.live import marks

LIMIT_COUNTED = 10_000


def count(dispatch: Dispatch) -> int:
    """The cells in scope (to the cursor of a limited run) whose dependencies are unmet, now that all else has ended."""
    rows = scope.rows(dispatch)
    if dispatch.limit_rows is not None:
        if dispatch.cursor is None:
            return 0
        rows = rows.filter(position__lte=dispatch.cursor)
    return sum(
        rows.filter(scope.askable(dispatch, group), ~eligibility.met(group)).count()
        for group in scope.planned(dispatch)
        if group.run_after
    )


def count_total(dispatch_id: int) -> bool:
    """Count the cells that a dispatch asks for and write it down; False when it had ended or was counted before."""
    with transaction.atomic(), connection.cursor() as cursor:
        # One snapshot for both halves: a cell moves from "ahead" to "admitted" while this counts.
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        dispatch = Dispatch.objects.get(pk=dispatch_id)
        ahead = _ahead(dispatch)
        admitted = Window.objects.filter(dispatch=dispatch_id).aggregate(cells=Sum("cells"))["cells"] or 0
    if ahead is None:
        return False
    uncounted = Dispatch.objects.filter(pk=dispatch_id, status__in=ACTIVE, total=None)
    won = uncounted.update(total=ahead + admitted)
    if won:
        marks.figures(dispatch.table_id, dispatch_id)
    return bool(won)


def _ahead(dispatch: Dispatch) -> int | None:
    """The cells asked for that no window has stamped yet; None where counting would be a run of its own."""
    if dispatch.limit_rows is None:
        rows = scope.rows(dispatch)
        return sum(rows.filter(scope.askable(dispatch, group)).count() for group in scope.planned(dispatch))
    left = dispatch.limit_rows - dispatch.admitted_rows
    return sum(len(row.groups) for row in pick(dispatch, left)) if 0 <= left <= LIMIT_COUNTED else None
