"""Rows as they are stored: locked, patched, put in place. The steps that the verbs on rows and on blocks share.

Each needs a transaction and is one statement over its set. Who puts rows in place holds the table's lock.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import connection
from django.db.models import F, Func, IntegerField, Sum, TextField
from django.db.models.functions import Cast, Now
from psycopg.types.json import Jsonb

from tableflow.live import marks
from tableflow.tables import conditions, statements, types, values
from tableflow.tables.models import Row, Table


@dataclass(frozen=True)
class Cells:
    """Some values of a row, by column key, and how many bytes the whole of it is."""

    data: Mapping[str, Any]
    row_bytes: int

    def check_size(self, given: Mapping[str, Any], attr: str) -> None:
        """InvalidInput, by `attr`, when the row would become too large with these values in place of its own."""
        more = types.row_bytes({**self.data, **given}) - types.row_bytes(self.data)
        if more > 0 and self.row_bytes + more > types.MAX_ROW_BYTES:
            values.refuse_size(self.row_bytes + more, attr)


def locked(table_id: int, ids: Collection[int]) -> dict[int, Row]:
    """Those of the rows that are in the table, locked in the order of their ids, as every writer of several does."""
    found = Row.objects.filter(table=table_id, pk__in=ids).order_by("pk")
    return {row.pk: row for row in found.select_for_update(no_key=True)}


def locked_cells(table_id: int, ids: Collection[int], keys: Sequence[str]) -> dict[int, Cells]:
    """As `locked`, but only what stands in some columns is read: a row may be long, and ten thousand of them are."""
    found = Row.objects.filter(table=table_id, pk__in=ids).order_by("pk").select_for_update(no_key=True)
    length = Func(Cast("data", TextField()), function="octet_length", output_field=IntegerField())
    lists = found.values_list("pk", length, *(conditions.value_of(key) for key in keys))
    return {row_id: Cells(dict(zip(keys, values_, strict=True)), size) for row_id, size, *values_ in lists}


def bytes_of(table_id: int, ids: Collection[int], keys: Sequence[str]) -> int:
    """How many bytes stand in some columns of these rows, as text."""
    lengths = {
        f"bytes_{place}": Sum(Func(conditions.text_of(key), function="octet_length", output_field=IntegerField()))
        for place, key in enumerate(keys)
    }
    sums = Row.objects.filter(table=table_id, pk__in=ids).aggregate(**lengths)
    return sum(size or 0 for size in sums.values())


def patch(
    table_id: int, rows: Mapping[int, Row], patches: Mapping[int, dict[str, Any]], attrs: Sequence[str]
) -> dict[int, frozenset[str]]:
    """Writes what the patches of checked values really change into the locked rows; row id → the keys that changed.

    The rows are then as they are stored. InvalidInput, by the patch's `attr`, when a row becomes too large.
    """
    changed: dict[int, dict[str, Any]] = {}
    for (row_id, given), attr in zip(patches.items(), attrs, strict=True):
        row = rows[row_id]
        if found := news(row.data, given):
            row.data = {**row.data, **found}
            values.check_size(row.data, attr)
            changed[row_id] = found
    for row_id, updated_at in write(table_id, changed).items():
        rows[row_id].updated_at = updated_at
    return {row_id: frozenset(found) for row_id, found in changed.items()}


def news(data: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Those of the given values that are not there already."""
    return {key: value for key, value in given.items() if not types.same(data.get(key), value)}


def write(table_id: int, changed: Mapping[int, Mapping[str, Any]]) -> dict[int, datetime]:
    """Merges these values into the locked rows, by row id; gives the time at which it was."""
    if not changed:
        return {}
    with connection.cursor() as cursor:
        patches: dict[str, Any] = {"patches": Jsonb(changed)}
        cursor.execute(statements.read("patch_rows"), patches)
        written = dict(cursor.fetchall())
    marks.rows(table_id, changed)
    return written


def place(table: Table, data: Sequence[dict[str, Any]], where: Sequence[Decimal]) -> list[Row]:
    """New rows of checked data at these positions, in the order given."""
    if not data:
        return []
    rows = Row.objects.bulk_create(
        Row(table=table, position=position, data=row) for position, row in zip(where, data, strict=True)
    )
    Table.objects.filter(pk=table.pk).update(row_count=F("row_count") + len(rows), updated_at=Now())
    marks.rows(table.pk, [row.pk for row in rows])
    return rows
