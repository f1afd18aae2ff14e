"""Rows as they are stored: locked, patched, put in place. The steps that the verbs on rows and on blocks share.

Each needs a transaction and is one statement over its set. Who puts rows in place holds the table's lock.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal
from typing import Any

from django.db import connection
from django.db.models import F
from django.db.models.functions import Now
from psycopg.types.json import Jsonb

from tableflow.errors import InvalidInput, Problem
from tableflow.live import marks
from tableflow.tables import statements, types, values
from tableflow.tables.models import Row, Table


def locked(table_id: int, ids: Collection[int]) -> dict[int, Row]:
    """Those of the rows that are in the table, locked in the order of their ids, as every writer of several does."""
    found = Row.objects.filter(table=table_id, pk__in=ids).order_by("pk")
    return {row.pk: row for row in found.select_for_update(no_key=True)}


def refuse_unknown(wanted: Sequence[int], found: Collection[int], attr: str = "rows.{}") -> None:
    """InvalidInput naming the wanted ids that were not found, by `attr`, where {} is the index."""
    problems = [
        Problem(f"There is no row {row_id} in this table.", attr.format(index), "unknown_row")
        for index, row_id in enumerate(wanted)
        if row_id not in found
    ]
    if problems:
        raise InvalidInput(problems[: values.MAX_PROBLEMS])


def patch(
    table_id: int, rows: Mapping[int, Row], patches: Mapping[int, dict[str, Any]], attrs: Sequence[str]
) -> dict[int, frozenset[str]]:
    """Writes what the patches of checked values really change into the locked rows; row id → the keys that changed.

    The rows are then as they are stored. InvalidInput, by the patch's `attr`, when a row becomes too large.
    """
    changed: dict[int, dict[str, Any]] = {}
    for (row_id, values_), attr in zip(patches.items(), attrs, strict=True):
        row = rows[row_id]
        news = {key: value for key, value in values_.items() if not types.same(row.data.get(key), value)}
        if news:
            row.data = {**row.data, **news}
            values.check_size(row.data, attr)
            changed[row_id] = news
    if changed:
        _write(rows, changed)
        marks.rows(table_id, changed)
    return {row_id: frozenset(news) for row_id, news in changed.items()}


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


def _write(rows: Mapping[int, Row], changed: Mapping[int, dict[str, Any]]) -> None:
    with connection.cursor() as cursor:
        patches: dict[str, Any] = {"ids": list(changed), "patches": [Jsonb(news) for news in changed.values()]}
        cursor.execute(statements.read("patch_rows"), patches)
        for row_id, updated_at in cursor.fetchall():
            rows[row_id].updated_at = updated_at
