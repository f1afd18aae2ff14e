"""The effective state of cells: what page, API and terminal all show.

A cell's execution says it, but for what lies ahead of a cursor: nothing was written there, and a cell that an active
dispatch covers and will run is pending by rule. The rule is the pure function that eligibility is.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db import transaction
from django.db.models import F, Q

from cells import pauses, usage
from cells.eligibility import Reason, Request, Seen, asks_for_outdated, reason, unmet
from cells.models import FINAL, IN_FLIGHT, Execution, Status
from cells.usage import STALE, Usage, outdated
from dispatch import scope
from dispatch.models import Dispatch
from dispatch.pick import look
from dispatch.scope import PlannedGroup
from tableflow.tables.models import Row
from tableflow.tables.schema import GroupSpec, Schema

FAR = 1_000


@dataclass(frozen=True)
class Paused:
    """What a paused cell waits for: `kind` is wait, approval or retry; `due_at` when it goes on by itself, if ever."""

    kind: str
    due_at: datetime | None


@dataclass(frozen=True)
class CellState:
    """What a cell shows. `status` None: it never ran, nothing is about to run it; `waiting_on` may name columns;
    `stale`: what it shows was made of other values, or by another version, than there are now.
    """

    status: str | None
    error: str | None = None
    waiting_on: tuple[str, ...] = ()
    attempt: int = 0
    started_at: datetime | None = None
    finished_at: datetime | None = None
    pause: Paused | None = None
    stale: bool = False


@dataclass(frozen=True)
class _Covering:
    """An active dispatch over a page of rows: which of them are in its scope, and which cells a cancel took out."""

    dispatch: Dispatch
    request: Request
    groups: Mapping[int, PlannedGroup]
    rows: frozenset[int]
    excluded: Mapping[int, frozenset[int]]
    last: Decimal | None
    outdated: frozenset[int]
    """The executions that are outdated by what the dispatch has pinned; looked at only if it asks for them."""

    def will_run(self, row: Row, group_id: int, cells: Mapping[int, Execution]) -> bool:
        """Whether this dispatch has still to come to the cell, and would run it."""
        group = self.groups.get(group_id)
        if group is None or row.pk not in self.rows or row.pk in self.excluded.get(group_id, ()):
            return False
        here = self._is_here(cells)
        if not here and not self._is_ahead(row):
            return False
        match reason(group, row.data, self._seen(cells.get(group_id)), self.request):
            case Reason.ELIGIBLE:
                return True
            case Reason.UNMET:
                return here and self._is_fed_by_what_runs(group_id, cells)
            case _:
                return False

    def _seen(self, cell: Execution | None) -> Seen | None:
        return Seen(cell.status, cell.sequence, cell.pk in self.outdated) if cell else None

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
    covering = [_covering(dispatch, rows) for dispatch in _coming(schema.table_id, cells)]
    paused = _paused(cell for of_row in cells.values() for cell in of_row.values())
    stale = _outdated(usage.of(schema), rows) if any(cells.values()) else frozenset()
    known = _Known(covering, paused, stale)
    return {row.pk: {g.id: _state(g, row, cells[row.pk], known) for g in schema.groups} for row in rows}


def coming(schema: Schema, row: Row, group_id: int) -> Dispatch | None:
    """The active dispatch that has still to come to this cell, and will run it; None when none will."""
    cells = _executions(schema, [row])
    found = (_covering(dispatch, [row]) for dispatch in _coming(schema.table_id, cells))
    return next((covering.dispatch for covering in found if covering.will_run(row, group_id, cells[row.pk])), None)


@dataclass(frozen=True)
class _Known:
    """What is known of a page of cells beside their executions."""

    covering: Sequence[_Covering]
    paused: Mapping[int, Paused]
    outdated: frozenset[int]


def _outdated(usages: Mapping[int, Usage], rows: Sequence[Row]) -> frozenset[int]:
    """The executions of these groups in these rows that are outdated."""
    here = Execution.objects.filter(row__in=[row.pk for row in rows], group__in=list(usages), status__in=FINAL)
    found = here.annotate(old=outdated(usages, F("row__data"))).filter(old=True)
    return frozenset(found.order_by().values_list("pk", flat=True))


def _state(group: GroupSpec, row: Row, cells: Mapping[int, Execution], known: _Known) -> CellState:
    cell = cells.get(group.id)
    at_rest = cell is None or cell.status not in IN_FLIGHT
    if at_rest and any(c.will_run(row, group.id, cells) for c in known.covering):
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
        known.paused.get(cell.pk),
        cell.status in STALE and cell.pk in known.outdated,
    )


def _paused(cells: Iterable[Execution]) -> dict[int, Paused]:
    ids = [cell.pk for cell in cells if cell.status == Status.PAUSED]
    found = pauses.of_cells(ids) if ids else {}
    return {execution_id: Paused(pause.kind, pause.due_at) for execution_id, pause in found.items()}


def _executions(schema: Schema, rows: Sequence[Row]) -> dict[int, dict[int, Execution]]:
    found: dict[int, dict[int, Execution]] = defaultdict(dict)
    wanted = {"row__in": [row.pk for row in rows], "group__in": [group.id for group in schema.groups]}
    for execution in Execution.objects.filter(**wanted):
        found[execution.row_id][execution.group_id] = execution
    return found


def _coming(table_id: int, cells: Mapping[int, Mapping[int, Execution]]) -> list[Dispatch]:
    """The active dispatches that may still come to a cell here: rows lie ahead, or they are at work in one of these."""
    at_work = {c.dispatch_id for of_row in cells.values() for c in of_row.values() if c.status in IN_FLIGHT}
    active = Dispatch.objects.active().filter(Q(exhausted=False) | Q(pk__in=at_work), table=table_id)
    return list(active.order_by("-sequence"))


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
    request = scope.request(dispatch)
    usages = {group.id: group.usage for group in groups.values()}
    old = _outdated(usages, rows) if asks_for_outdated(request) else frozenset()
    return _Covering(dispatch, request, groups, frozenset(here), excluded, _last(dispatch), old)


def _last(dispatch: Dispatch) -> Decimal | None:
    """The position of the last row that the dispatch's limit lets it reach; None when it has none, or a far one."""
    if dispatch.limit_rows is None or dispatch.exhausted:
        return None
    left = dispatch.limit_rows - dispatch.admitted_rows
    if left > FAR:
        return None
    with transaction.atomic():  # the plan that `look` asks for holds within a transaction
        found = look(dispatch, left).rows
    return found[-1].position if len(found) == left else None
