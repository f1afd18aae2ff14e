"""The trace of one cell: what its workflow did, step by step."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render

from cells import traces
from cells.models import Status
from cells.workflows import versions
from dispatch import effective
from dispatch.models import Dispatch
from tableflow.grid import abouts
from tableflow.grid.access import SignedIn, may_edit, page, visible_cell
from tableflow.grid.faces import WHY_STALE, face
from tableflow.grid.quantities import milliseconds
from tableflow.grid.views.approvals import question
from tableflow.plain import plain
from tableflow.tables.models import Row
from tableflow.tables.schema import GroupSpec, Schema


@dataclass(frozen=True)
class Step:
    """A step of the trace; input and output are JSON over several lines, "" where there is none."""

    id: str
    type: str
    status: str
    input: str
    output: str
    error: str
    took: str
    tries: int | None


@page
def trace(request: SignedIn, table_id: int, row_id: int, group_id: int) -> HttpResponse:
    """The state of a cell, its values in full, and the trace of its latest attempt."""
    return render(request, "grid/trace.html", _context(request, table_id, row_id, group_id))


@page
def cell(request: SignedIn, table_id: int, row_id: int, group_id: int) -> HttpResponse:
    """The same as a page of its own, for who comes from elsewhere."""
    return render(request, "grid/cell.html", _context(request, table_id, row_id, group_id))


def _context(request: SignedIn, table_id: int, row_id: int, group_id: int) -> dict[str, Any]:
    cell = visible_cell(request, table_id, row_id, group_id)
    schema, row, group = cell.schema, cell.row, cell.group
    found = traces.latest(row_id, group_id)
    pause = (found or {}).get("pause") or {}
    state = effective.states(schema, [row])[row.pk][group_id]
    return {
        "table": cell.table,
        "row": row,
        "about": abouts.of_row(schema.columns[0], row.data),
        "may_edit": may_edit(request, cell.table),
        "group": group,
        "state": state,
        "why_stale": WHY_STALE,
        "standing": face(state, has_value=False, names={}).detail if pause else "",
        "question": question(request.user, pause["approval"]) if pause.get("approval") else None,
        "newer": _newer(group, found) if state.status == Status.PAUSED else None,
        "outputs": _outputs(schema, group, row),
        "run": Dispatch.objects.with_asker((found or {}).get("dispatch")),
        "trace": found,
        "error": plain((found or {}).get("error") or ""),
        "took": _between(found),
        "steps": [_step(record) for record in (found or {}).get("steps", [])],
        "earlier": [{**old, "error": plain(old["error"] or "")} for old in traces.history(row_id, group_id)[1:]],
    }


def _newer(group: GroupSpec, found: dict[str, Any] | None) -> int | None:
    """The number of the workflow's newest version, where the cell is paused in an older one."""
    newest = versions.newest(group.workflow_id)
    at = (found or {}).get("workflow_version")
    return newest.number if newest and at and newest.number > at else None


def _outputs(schema: Schema, group: GroupSpec, row: Row) -> list[dict[str, str]]:
    return [
        {"name": schema.by_key[output.column].name, "value": _text(row.data.get(output.column))}
        for output in group.outputs
    ]


def _step(record: dict[str, Any]) -> Step:
    took = record.get("duration_ms")
    return Step(
        id=str(record.get("id", "")),
        type=str(record.get("type", "")),
        status=str(record.get("status", "")),
        input=_text(record.get("input")),
        output=_text(record.get("output")),
        error=plain(str(record.get("error") or "")),
        took="" if took is None else milliseconds(took),
        tries=record.get("attempts"),
    )


def _between(found: dict[str, Any] | None) -> str:
    if not found or not found["started_at"] or not found["finished_at"]:
        return ""
    return milliseconds((found["finished_at"] - found["started_at"]) / dt.timedelta(milliseconds=1))


def _text(value: Any) -> str:
    if value is None:
        return ""
    return plain(value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False))
