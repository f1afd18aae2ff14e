"""Why a cell has not run yet, in plain words: what it lacks, which run it is queued in, what it is paused for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cells import workers
from cells.models import Execution, Pause, Status
from dispatch import effective, forecast, progress
from dispatch.effective import CellState
from dispatch.models import Dispatch, DispatchStatus
from tableflow.grid.faces import face
from tableflow.grid.quantities import count
from tableflow.plain import plain
from tableflow.tables.models import Row
from tableflow.tables.schema import ColumnSpec, GroupSpec, Schema


@dataclass(frozen=True)
class Why:
    """`lines` are sentences; `missing` the columns that it needs a value of first; `run` the one that it is queued in;
    `asks`: somebody is to answer a question.
    """

    lines: Sequence[str]
    missing: Sequence[ColumnSpec] = ()
    run: Dispatch | None = None
    asks: bool = False


def why(schema: Schema, row: Row, group: GroupSpec) -> Why:
    """Why the group's cell of this row waits, as it is now."""
    state = effective.states(schema, [row])[row.pk][group.id]
    if state.status in (Status.PENDING, Status.QUEUED):
        return _queued(schema, row, group, state)
    if state.status == Status.PAUSED:
        asks = state.pause is not None and state.pause.kind == Pause.Kind.APPROVAL
        detail = face(state, has_value=False, names={}).detail
        return Why([f"It is paused: it {detail}." if detail else "It is paused."], asks=asks)
    if state.waiting_on:
        missing = [schema.by_key[key] for key in state.waiting_on if key in schema.by_key]
        names = _listed([plain(column.name) for column in missing])
        return Why([f"It runs when {names} {'has' if len(missing) == 1 else 'have'} a value in this row."], missing)
    if state.status == Status.RUNNING:
        return Why(["It is running now."])
    return Why(["It waits for nothing any more."])


def _queued(schema: Schema, row: Row, group: GroupSpec, state: CellState) -> Why:
    cell = Execution.objects.filter(row=row, group=group.id).first()
    is_stamped = cell is not None and cell.status == state.status
    if cell is not None and is_stamped:
        run = Dispatch.objects.with_asker(cell.dispatch_id)
    else:
        run = effective.coming(schema, row, group.id)
    if run is None:
        return Why(["Its run has just ended."])
    return Why([_asked(run), *_held_up(run), *(_in_line(run, state) if is_stamped else _ahead(run, row))], run=run)


def _asked(run: Dispatch) -> str:
    if not run.is_manual:
        return f"It is queued in run {run.pk}, which began by itself."
    by = f", asked for by {plain(run.requested_by.get_username())}" if run.requested_by else ""
    return f"It is queued in run {run.pk}{by}."


def _held_up(run: Dispatch) -> list[str]:
    if run.status == DispatchStatus.PAUSED:
        return [f"The run is paused. {run.paused_because or ''}".strip()]
    return [] if workers.is_any_alive() else ["No worker is running: nothing goes on until one is."]


def _in_line(run: Dispatch, state: CellState) -> list[str]:
    if state.status == Status.QUEUED:
        return ["Another workflow column of its row runs first."]
    cells = progress.under_way(run.pk)
    running, others = cells.get(Status.RUNNING, 0), cells.get(Status.PENDING, 0) - 1
    beside = f" and {count(others, 'other cell')} in line" if others > 0 else ""
    return [f"It is among the next, with {count(running, 'cell')} of the run running{beside}."]


def _ahead(run: Dispatch, row: Row) -> list[str]:
    before = forecast.rows_before(run, row)
    if before is None:
        return ["Very many rows of the run come before it."]
    if not before:
        return ["It is the next row that the run comes to."]
    return [f"{count(before, 'row')} of the run {'comes' if before == 1 else 'come'} before it."]


def _listed(names: Sequence[str]) -> str:
    return " and ".join(names) if len(names) < 3 else f"{', '.join(names[:-1])} and {names[-1]}"
