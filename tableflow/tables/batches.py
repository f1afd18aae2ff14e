"""Rows that are read a few at a time: the longer they are, the fewer. No connection is held between two batches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

from django.db import connection
from django.db.models import QuerySet

from tableflow.tables.models import Row

MAX_ROWS = 2_000
MAX_CHARS = 4 * 1024 * 1024

Batch = list[dict[str, Any]]
"""The data of some rows."""


class _Pace:
    """How many rows are read next."""

    def __init__(self) -> None:
        self.rows = 20

    def let_go(self, batch: Batch) -> Batch:
        """The batch, with the connection given up, and the next one smaller or larger by what this one weighs."""
        if not connection.in_atomic_block:
            connection.close()
        chars = sum(len(str(data)) for data in batch)
        self.rows = max(10, self.rows // 2) if chars > MAX_CHARS else min(MAX_ROWS, self.rows * 2)
        return batch


def by_position(found: QuerySet[Row]) -> Iterator[Batch]:
    """The data of the rows that are found, in the visible order."""
    pace = _Pace()
    after: Decimal | None = None
    while True:
        rest = found if after is None else found.filter(position__gt=after)
        batch = list(rest.order_by("position").values_list("position", "data")[: pace.rows])
        if not batch:
            return
        after = batch[-1][0]
        yield pace.let_go([data for _, data in batch])


def of(ids: Sequence[int]) -> Iterator[Batch]:
    """The data of these rows, in this order. A row that is gone by then is left out."""
    pace = _Pace()
    place = 0
    while place < len(ids):
        part = ids[place : place + pace.rows]
        place += len(part)
        by_id = dict(Row.objects.filter(pk__in=list(part)).values_list("pk", "data"))
        yield pace.let_go([by_id[id_] for id_ in part if id_ in by_id])
