"""What deleting a table, a workflow column or a column left behind, removed a batch at a time in the background."""

from __future__ import annotations

import time
from datetime import timedelta
from functools import partial

from cells import lifecycle as executions
from cells.models import Execution
from dispatch.models import Dispatch, Lane, Window
from tableflow.tables import purge as tables
from tableflow.tables.models import Group

BATCH = 5000


def purge(seconds: float = 20.0, *, grace: timedelta = tables.COLUMN_GRACE) -> bool:
    """Remove batches until nothing is left or the time is up; whether something is left for the next time.

    Columns deleted less than `grace` ago are not looked at: they can be restored.
    """
    gives_up_at = time.monotonic() + seconds
    for step in (partial(_columns, grace), _groups, _tables):
        while step():
            if time.monotonic() > gives_up_at:
                return True
    return False


def _columns(grace: timedelta) -> bool:
    """One batch of a deleted column, of a table in which no run may still write its values."""
    busy = list(Dispatch.objects.active().values_list("table", flat=True).distinct())
    return tables.columns(BATCH, busy=busy, grace=grace)


def _groups() -> bool:
    """One batch of the first deleted group; its record goes last, so that a death in between loses nothing."""
    for group_id in tables.deleted_groups():
        group = Group.objects.get(pk=group_id)
        if not _executions([group_id]) and not tables.groups_done_bits(group, BATCH):
            tables.forget_group(group_id)
        return True
    return False


def _tables() -> bool:
    """One batch of the first deleted table."""
    for table_id in tables.deleted_tables():
        groups = list(Group.objects.filter(table=table_id).values_list("pk", flat=True))
        if not _executions(groups) and not tables.table_rows(table_id, BATCH):
            _dispatches(table_id)
            tables.forget_table(table_id)
        return True
    return False


def _executions(groups: list[int]) -> bool:
    """Remove a batch of these groups' executions with their attempts; whether there were any."""
    found = list(Execution.objects.filter(group__in=groups).values_list("pk", flat=True)[:BATCH])
    executions.forget(Execution.objects.filter(pk__in=found))
    return bool(found)


def _dispatches(table_id: int) -> None:
    gone = Dispatch.objects.filter(table=table_id)
    Window.objects.filter(dispatch__in=gone).delete()
    Lane.objects.filter(dispatch__in=gone).delete()
    gone.delete()
