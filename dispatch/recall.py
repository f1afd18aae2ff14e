"""Recalling: cells that run on values which were changed since begin anew, each in its own dispatch.

All of it happens while the table is serialised: no draw claims, ends or pauses a cell beside it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import partial

from django.db import transaction
from django.db.models import F

from cells import approvals, usage
from cells import lifecycle as executions
from cells.draw import Tally
from cells.models import IN_FLIGHT, Execution, Status
from dispatch import resume, windows
from tableflow.live import marks
from tableflow.tables.schema import Schema


@dataclass(frozen=True)
class Cell:
    """A cell in flight; `row` is its row's id and position."""

    id: int
    dispatch_id: int
    is_paused: bool
    row: tuple[int, Decimal]


def in_flight(schema: Schema, rows: Iterable[int]) -> dict[int, dict[int, Cell]]:
    """The cells in flight in these rows, by group id and row id."""
    cells: dict[int, dict[int, Cell]] = defaultdict(dict)
    groups = [group.id for group in schema.groups]
    found = Execution.objects.filter(row__in=list(rows), group__in=groups, status__in=IN_FLIGHT)
    for cell in found.only("pk", "row_id", "group_id", "dispatch_id", "status", "position"):
        cells[cell.group_id][cell.row_id] = _cell(cell)
    return cells


def paused_on_old_values(schema: Schema, groups_of: Mapping[int, Collection[int]]) -> None:
    """Have cells that were paused begin anew where what they read has changed since they began: those of these
    groups, by row id. The table is serialised: `fed` may not do it.
    """
    usages = usage.of(schema)
    groups = {group for groups in groups_of.values() for group in groups}
    paused = Execution.objects.filter(
        row__in=list(groups_of), group__in=groups, status__in=IN_FLIGHT, pause__isnull=False
    )
    old = paused.filter(usage.outdated({group: usages[group] for group in groups}, F("row__data")))
    recall(schema.table_id, (_cell(cell) for cell in old if cell.group_id in groups_of[cell.row_id]))


def _cell(execution: Execution) -> Cell:
    place = (execution.row_id, execution.position)
    return Cell(execution.pk, execution.dispatch_id or 0, execution.status == Status.PAUSED, place)


def recall(table_id: int, cells: Iterable[Cell]) -> None:
    """Have these cells of a table begin anew, each in its own dispatch."""
    of_dispatch: dict[int, list[Cell]] = defaultdict(list)
    for cell in cells:
        of_dispatch[cell.dispatch_id].append(cell)
    for dispatch_id, its in sorted(of_dispatch.items()):
        _recall_in(table_id, dispatch_id, its)


def _recall_in(table_id: int, dispatch_id: int, cells: Sequence[Cell]) -> None:
    """Paused cells go to a window that is drawn from, for which a resting lane is rung when this is committed."""
    paused = [cell.row for cell in cells if cell.is_paused]
    window = windows.open_resumed(dispatch_id, paused) if paused else None
    approvals.mark_open(table_id, [cell.id for cell in cells if cell.is_paused])
    recalled = executions.recall(sorted(cell.id for cell in cells), window)
    if window is not None:
        moved = [cell for cell in recalled if cell.was == Status.PAUSED]
        places = Counter({window: len(moved)})
        places.subtract(cell.window_id for cell in moved)
        windows.tally(Tally(cells=places))
    if recalled:
        rows = {cell.row_id for cell in recalled}
        marks.cells(table_id, rows, {Status.PENDING.value: len(recalled)}, dispatch_id=dispatch_id)
        transaction.on_commit(partial(resume.wake, dispatch_id, len(recalled)), robust=True)
