"""What deleting left behind, removed a batch at a time: values, done bits, rows, and at last the record itself.

Each function does one batch in a transaction of its own and says whether more is left, so that a task may go on or
leave the rest to the next. Rows that somebody else has locked are left for a later batch.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta

from django.db import connection, transaction
from django.db.models.functions import Now

from tableflow.tables import statements
from tableflow.tables.models import Column, Group, Import, ImportChunk, Member, Row, Table, View

BATCH = 5000
COLUMN_GRACE = timedelta(minutes=30)
"""How long a deleted column can be restored: only then its values go."""


@transaction.atomic
def columns(batch: int = BATCH, *, busy: Collection[int] = (), grace: timedelta = COLUMN_GRACE) -> bool:
    """Removes values of one deleted column from at most `batch` rows, and its record when no row has one any more.

    Whether deleted columns, or values of this one, are left. The tables in `busy` are left for later: something
    still writes there by a schema that has the column; and so are columns deleted less than `grace` ago.
    """
    deleted = Column.objects.filter(deleted_at__lte=Now() - grace).exclude(table__in=busy)
    doomed = deleted.select_for_update(skip_locked=True).order_by("pk").first()
    if doomed is None:
        return False
    place: dict[str, int | str] = {"table": doomed.table_id, "key": doomed.key}
    _execute("purge_values", {**place, "batch": batch})
    if not Row.objects.filter(table=doomed.table_id, data__has_key=doomed.key).exists():
        doomed.delete()
    return deleted.exists()


def deleted_groups() -> list[int]:
    """The ids of the deleted groups, in their tables' order, whose records are still there."""
    return list(Group.objects.exclude(deleted_at=None).order_by("pk").values_list("pk", flat=True))


@transaction.atomic
def groups_done_bits(group: Group, batch: int = BATCH) -> bool:
    """Clears the group's done bit in at most `batch` rows. Whether rows with that bit are left."""
    bit: dict[str, int] = {"table": group.table_id, "mask": 1 << group.bit}
    _execute("purge_done_bits", {**bit, "batch": batch})
    return _finds("rows_with_done_bit", bit)


def forget_group(group_id: int) -> bool:
    """Deletes the record of a deleted group, which frees its done bit. False when there is none.

    Its executions and done bits have to be gone before.
    """
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM tables_group WHERE id = %s AND deleted_at IS NOT NULL", [group_id])
        return bool(cursor.rowcount)


def deleted_tables() -> list[int]:
    """The ids of the deleted tables whose records are still there."""
    return list(Table.objects.exclude(deleted_at=None).order_by("pk").values_list("pk", flat=True))


@transaction.atomic
def table_rows(table_id: int, batch: int = BATCH) -> bool:
    """Deletes at most `batch` rows of a deleted table. Whether rows are left. A live table loses none."""
    if Table.objects.live().filter(pk=table_id).exists():
        return False
    _execute("purge_rows", {"table": table_id, "batch": batch})
    return Row.objects.filter(table=table_id).exists()


@transaction.atomic
def forget_table(table_id: int) -> bool:
    """Deletes the record of a deleted table with its columns, views, members, imports and groups. False: there is none.

    Its rows, and what the floors above keep for its groups, have to be gone before.
    """
    if not Table.objects.select_for_update().filter(pk=table_id).exclude(deleted_at=None).exists():
        return False
    Column.objects.filter(table=table_id).delete()
    ImportChunk.objects.filter(source__table=table_id).delete()
    Import.objects.filter(table=table_id).delete()
    Member.objects.filter(table=table_id).delete()
    View.objects.filter(table=table_id).delete()
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM tables_group WHERE table_id = %s", [table_id])
        cursor.execute("DELETE FROM tables_table WHERE id = %s", [table_id])
    return True


def _execute(name: str, params: dict[str, int | str]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statements.read(name), params)


def _finds(name: str, params: dict[str, int]) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(statements.read(name), params)
        return cursor.fetchone() is not None
