"""What stands in the database about one table, read at once between two deeds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import orjson
from django.db import connection
from django.db.models import F

from cells import usage
from cells.models import IN_FLIGHT, Execution
from cells.usage import Usage
from dispatch.models import ACTIVE

OUTCOMES = ("completed", "error", "cancelled", "skipped")


@dataclass(frozen=True)
class Cell:
    """An execution."""

    id: int
    row: int
    group: int
    status: str
    fence: int
    dispatch: int | None
    window: int | None
    worker: int | None
    attempt: int
    sequence: int
    outdated: bool

    @property
    def in_flight(self) -> bool:
        """Whether it is under way."""
        return self.status in IN_FLIGHT


@dataclass(frozen=True)
class View:
    """Everything that the laws speak of; rows are (data, done), dispatches and windows dicts of their fields."""

    rows: Mapping[int, tuple[dict[str, Any], int]]
    cells: Mapping[int, Cell]
    dispatches: Mapping[int, dict[str, Any]]
    windows: Mapping[int, dict[str, Any]]
    pauses: Mapping[int, str]
    asked: Mapping[int, int]

    @cached_property
    def at(self) -> dict[tuple[int, int], Cell]:
        """The cells by (row, group)."""
        return {(cell.row, cell.group): cell for cell in self.cells.values()}

    @property
    def in_flight(self) -> list[Cell]:
        """The cells that are under way."""
        return [cell for cell in self.cells.values() if cell.in_flight]

    def is_active(self, dispatch_id: int | None) -> bool:
        """Whether the dispatch has not ended."""
        return dispatch_id in self.dispatches and self.dispatches[dispatch_id]["status"] in ACTIVE


def read(table_id: int, usages: Mapping[int, Usage]) -> View:
    """The table as it stands now; one statement, since it is asked after every deed."""
    cells = Execution.objects.filter(group__in=list(usages)).annotate(old=usage.outdated(usages, F("row__data")))
    fields = "pk", "row_id", "group_id", "status", "fence", "dispatch_id", "window_id", "worker_id", "attempt"
    sql, params = cells.order_by("pk").values_list(*fields, "sequence", "old").query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(STATEMENT.format(cells=sql), [*params, *[table_id] * 5])
        (found,) = cursor.fetchone()
    found = orjson.loads(found)
    pks = ("rows", "dispatches", "windows")
    by_pk = {name: {record["pk"]: record for record in found[name] or ()} for name in pks}
    return View(
        {pk: (record["data"], record["done"]) for pk, record in by_pk["rows"].items()},
        {record["f1"]: Cell(*record.values()) for record in found["cells"] or ()},
        by_pk["dispatches"],
        by_pk["windows"],
        {record["pk"]: record["kind"] for record in found["pauses"] or ()},
        {record["execution_id"]: record["pk"] for record in found["asked"] or ()},
    )


STATEMENT = """
SELECT json_build_object(
  'cells', (SELECT json_agg(row(c.*)) FROM ({cells}) c),
  'rows', (SELECT json_agg(r) FROM (SELECT id AS pk, data, done FROM tables_row WHERE table_id = %s) r),
  'dispatches', (
    SELECT json_agg(d) FROM (
      SELECT id AS pk, status, sequence, is_manual, total, waiting, mode, completed, error, cancelled, skipped
      FROM dispatch_dispatch WHERE table_id = %s
    ) d
  ),
  'windows', (
    SELECT json_agg(w) FROM (
      SELECT w.id AS pk, w.dispatch_id, w.lobby, w.cells, w.closed_at, w.completed, w.error, w.cancelled, w.skipped
      FROM dispatch_window w JOIN dispatch_dispatch d ON d.id = w.dispatch_id WHERE d.table_id = %s
    ) w
  ),
  'pauses', (
    SELECT json_agg(p) FROM (SELECT execution_id AS pk, kind FROM cells_pause WHERE table_id = %s) p
  ),
  'asked', (
    SELECT json_agg(a) FROM (
      SELECT id AS pk, execution_id FROM cells_approval WHERE table_id = %s AND status = 'open'
    ) a
  )
)::text
"""
