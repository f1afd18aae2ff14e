"""What rows are, in a line each: what stands in the first column of their table."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Protocol

from tableflow.grid import values
from tableflow.plain import plain
from tableflow.tables.models import Column, Row


class First(Protocol):
    """What is asked of a column."""

    @property
    def key(self) -> str: ...
    @property
    def type(self) -> str: ...
    @property
    def options(self) -> Mapping[str, Any]: ...


def of_row(first: First, data: Mapping[str, Any]) -> str:
    """What a row with these data is, by the first column of its table."""
    shown = values.shown(first.type, first.options, data.get(first.key))
    return plain(shown.text or ", ".join(shown.tags))


def of_rows(tables: Collection[int], rows: Collection[int]) -> dict[int, str]:
    """What these rows of these tables are, by their ids; without those that are gone."""
    columns = Column.objects.filter(table__in=tables, deleted_at=None)
    firsts = {c.table_id: c for c in columns.order_by("table_id", "position", "pk").distinct("table_id")}
    found = Row.objects.filter(table__in=firsts, pk__in=rows).only("pk", "table_id", "data")
    return {row.pk: of_row(firsts[row.table_id], row.data) for row in found}
