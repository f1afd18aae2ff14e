"""What stands in the database about one table, read at once between two deeds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.db.models import F

from cells import usage
from cells.models import IN_FLIGHT, Approval, Execution, Pause
from cells.usage import Usage
from dispatch.models import ACTIVE, Dispatch, Window
from tableflow.tables.models import Row

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
    """The table as it stands now."""
    cells = Execution.objects.filter(group__in=list(usages)).annotate(
        outdated=usage.outdated(usages, F("row__data"))
    )
    fields = "pk", "row_id", "group_id", "status", "fence", "dispatch_id", "window_id", "worker_id", "attempt"
    found = [Cell(*record) for record in cells.order_by("pk").values_list(*fields, "sequence", "outdated")]
    ids = [cell.id for cell in found]
    windows = Window.objects.filter(dispatch__table=table_id)
    counts = ("pk", "dispatch_id", "lobby", "cells", "closed_at", *OUTCOMES)
    told = ("pk", "status", "sequence", "is_manual", "total", "waiting", "mode", *OUTCOMES)
    return View(
        {pk: (data, done) for pk, data, done in Row.objects.filter(table=table_id).values_list("pk", "data", "done")},
        {cell.id: cell for cell in found},
        {record["pk"]: record for record in Dispatch.objects.filter(table=table_id).values(*told)},
        {record["pk"]: record for record in windows.values(*counts)},
        dict(Pause.objects.filter(execution__in=ids).values_list("execution_id", "kind")),
        dict(Approval.objects.filter(execution_id__in=ids, status="open").values_list("execution_id", "pk")),
    )
