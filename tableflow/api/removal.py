"""Deleting what has runs: the runs end first, in the same transaction, so that none writes into what is gone."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import transaction
from django.db.models import Q

from cells import binding
from dispatch import cancel
from tableflow.tables import columns, groups, ids, rows, schema, tables
from tableflow.tables.models import Row, Table

BATCH = 5000


@transaction.atomic
def delete_table(table: Table) -> None:
    """Cancel what runs in the table, and hide it."""
    cancel.hold_still(table.pk)
    cancel.cancel_runs(table.pk)
    tables.delete(table)


@transaction.atomic
def delete_group(table: Table, group_id: int, *, columns_too: bool) -> None:
    """Cancel what runs in the workflow column, and hide it; its output columns stay unless `columns_too`."""
    cancel.hold_still(table.pk)
    cancel.cancel_runs(table.pk, groups=[group_id])
    groups.delete(table, group_id, columns_too, binding.row_keys)


@transaction.atomic
def delete_column(table: Table, key: str) -> None:
    """Hide a column. A workflow column that it was the last output of goes with it, and what runs there ends."""
    cancel.hold_still(table.pk)
    known = schema.load(table.pk)
    column = known.column(key)
    group = known.group(column.group_id) if column is not None and column.group_id is not None else None
    if group is not None and len(group.outputs) == 1:
        cancel.cancel_runs(table.pk, groups=[group.id])
    columns.delete(table, key, binding.row_keys)


@transaction.atomic
def delete_rows(table: Table, doomed: Sequence[int]) -> int:
    """Delete the rows of these ids with their executions; how many they were. InvalidInput names what is not there."""
    cancel.forget_rows(table.pk, Row.objects.filter(table=table.pk, pk__in=ids.listed(doomed)))
    return rows.delete(table, doomed)


@transaction.atomic
def delete_rows_where(table: Table, condition: Q) -> int:
    """Delete the rows that the condition holds for, with their executions; how many they were.

    A batch at a time, because a condition may ask for the very executions that go; all or nothing all the same.
    """
    deleted = 0
    while batch := list(Row.objects.filter(condition, table=table.pk).values_list("pk", flat=True)[:BATCH]):
        doomed = Q(pk__in=batch)
        cancel.forget_rows(table.pk, Row.objects.filter(doomed, table=table.pk))
        deleted += rows.delete(table, q=doomed)
    return deleted
