"""The effective state of cells: what page, API and terminal all show.

A cell's execution says it, but for what lies ahead of a cursor: nothing was written there, and a cell that an active
dispatch covers and will run is pending by rule. The rule is the pure function that eligibility is.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db import transaction

from cells.eligibility import Reason, Request, reason, unmet
from cells.models import IN_FLIGHT, Execution, Status
from dispatch import scope
from dispatch.models import Dispatch
from dispatch.pick import pick
from dispatch.scope import PlannedGroup
from tableflow.tables.models import Row
from tableflow.tables.schema import GroupSpec, Schema

FAR = 1_000


@dataclass(frozen=True)
class CellState:
    """What a cell shows. `status` None: it never ran, nothing is about to run it; `waiting_on` may name columns."""

    status: str | None
    error: str | None = None
    waiting_on: tuple[str, ...] = ()
    attempt: int = 0
    started_at: datetime | None = None
    finished_at: datetime | None = None


@dataclass(frozen=True)
class _Covering:
    """An active dispatch over a page of rows: which of them are in its scope, and which cells a cancel took out."""

    dispatch: Dispatch
    request: Request
    groups: Mapping[int, PlannedGroup]
    rows: frozenset[int]
    excluded: Mapping[int, frozenset[int]]
    last: Decimal | None

    def will_run(self, row: Row, group_id: int, cells: Mapping[int, Execution]) -> bool:
        """Whether this dispatch has still to come to the cell, and would run it."""
        group = self.groups.get(group_id)
        if group is None or row.pk not in self.rows or row.pk in self.excluded.get(group_id, ()):
            return False
        here = self._is_here(cells)
        if not here and not self._is_ahead(row):
            return False
        match reason(group, row.data, cells.get(group_id), self.request):
            case Reason.ELIGIBLE:
                return True
            case Reason.UNMET:
                return here and self._is_fed_by_what_runs(group_id, cells)
            case _:
                return False

    def _is_ahead(self, row: Row) -> bool:
        if self.dispatch.exhausted:
            return False
        if self.last is not None and row.position > self.last:
            return False
        return self.dispatch.cursor is None or row.position > self.dispatch.cursor

    def _is_here(self, cells: Mapping[int, Execution]) -> bool:
        """Whether the dispatch works on the row now: its cascade may still reach the groups to the right."""
        return any(cell.dispatch_id == self.dispatch.pk and cell.status in IN_FLIGHT for cell in cells.values())

    def _is_fed_by_what_runs(self, group_id: int, cells: Mapping[int, Execution]) -> bool:
        """Whether a column that the group waits for belongs to a group of this dispatch that is in flight before it."""
        coming: set[str] = set()
        for pinned in self.dispatch.plan:
            if pinned["id"] == group_id:
                break
            cell = cells.get(pinned["id"])
            if cell is not None and cell.status in IN_FLIGHT:
                coming.update(output["column"] for output in pinned["outputs"])
        return bool(coming) and set(self.groups[group_id].run_after) & coming != set()


def states(schema: Schema, rows: Sequence[Row]) -> dict[int, dict[int, CellState]]:
    """The state of each cell of these rows: row id → group id → state, every live group in it; a few queries in all."""
    cells = _executions(schema, rows)
    covering = [_covering(dispatch, rows) for dispatch in _active(schema.table_id)]
    return {row.pk: {g.id: _state(g, row, cells[row.pk], covering) for g in schema.groups} for row in rows}


def _state(group: GroupSpec, row: Row, cells: Mapping[int, Execution], covering: Sequence[_Covering]) -> CellState:
    cell = cells.get(group.id)
    if (cell is None or cell.status not in IN_FLIGHT) and any(c.will_run(row, group.id, cells) for c in covering):
        return CellState(Status.PENDING, attempt=cell.attempt if cell else 0)
    if cell is None:
        return CellState(None, waiting_on=unmet(group, row.data))
    return CellState(
        cell.status,
        cell.error if cell.status == Status.ERROR else None,
        unmet(group, row.data) if cell.status in (Status.CANCELLED, Status.ERROR, Status.SKIPPED) else (),
        cell.attempt,
        cell.started_at,
        cell.finished_at,
    )


def _executions(schema: Schema, rows: Sequence[Row]) -> dict[int, dict[int, Execution]]:
    found: dict[int, dict[int, Execution]] = defaultdict(dict)
    wanted = {"row__in": [row.pk for row in rows], "group__in": [group.id for group in schema.groups]}
    for execution in Execution.objects.filter(**wanted):
        found[execution.row_id][execution.group_id] = execution
    return found


def _active(table_id: int) -> list[Dispatch]:
    return list(Dispatch.objects.active().filter(table=table_id).order_by("-sequence"))


def _covering(dispatch: Dispatch, rows: Sequence[Row]) -> _Covering:
    ids = [row.pk for row in rows]
    here = scope.rows(dispatch).filter(pk__in=ids).values_list("pk", flat=True)
    groups = {group.id: group for group in scope.planned(dispatch)}
    excluded = {
        group_id: frozenset(
            Row.objects.filter(scope.excluded(dispatch, group_id), pk__in=ids).values_list("pk", flat=True)
        )
        for group_id in groups
        if dispatch.exclusions
    }
    return _Covering(dispatch, scope.request(dispatch), groups, frozenset(here), excluded, _last(dispatch))


def _last(dispatch: Dispatch) -> Decimal | None:
    """The position of the last row that the dispatch's limit lets it reach; None when it has none, or a far one."""
    if dispatch.limit_rows is None or dispatch.exhausted:
        return None
    left = dispatch.limit_rows - dispatch.admitted_rows
    if left > FAR:
        return None
    with transaction.atomic():  # the plan that `pick` asks for holds within a transaction
        picked = pick(dispatch, left)
    return picked[-1].position if len(picked) == left else None
