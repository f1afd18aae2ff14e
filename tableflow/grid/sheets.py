"""A table as its page draws it: the columns, a part of the rows with the faces of their cells, what runs. The page has
no rules of its own: what a cell shows is said here, read anew for every answer.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from cells.models import Status, Workflow
from dispatch import effective, progress
from dispatch.effective import CellState
from dispatch.models import DispatchStatus
from tableflow.grid.chips import chip
from tableflow.grid.faces import Face, face
from tableflow.grid.type_names import TYPE_NAMES
from tableflow.grid.values import text
from tableflow.tables.models import Row, Table
from tableflow.tables.schema import ColumnSpec, GroupSpec, Schema
from tableflow.tables.types import is_empty

SHOWN_CHARACTERS = 400

Plain = dict[str, Any]


@dataclass(frozen=True)
class Known:
    """What every row of a table needs to be drawn, found once."""

    schema: Schema
    names: Mapping[str, str]
    outputs: Sequence[ColumnSpec]


def described(table: Table, schema: Schema) -> Plain:
    """The table with its columns, left to right, and its workflow columns with their workflows."""
    versions = _workflows(schema)
    return {
        "name": table.name,
        "rowCount": table.row_count,
        "autoRun": table.auto_run,
        "shape": _shape(table, schema, versions),
        "columns": [_column(spec) for spec in schema.columns],
        "groups": [_group(spec, versions) for spec in schema.groups],
    }


def shape(table: Table, schema: Schema) -> str:
    """A digest of what `described` says but for the number of rows: the page reads it again when it differs."""
    return _shape(table, schema, _workflows(schema))


def _shape(table: Table, schema: Schema, versions: Mapping[int, Workflow]) -> str:
    workflows = [(workflow.pk, workflow.name, workflow.version) for workflow in versions.values()]
    plain = json.dumps([table.name, table.auto_run, asdict(schema), sorted(workflows)], sort_keys=True, default=str)
    return hashlib.sha256(plain.encode()).hexdigest()[:16]


def lines(schema: Schema, rows: Sequence[Row]) -> list[Plain]:
    """Rows with their values and faces. Of long values it has the beginning, and names them in `long`; empty values
    and blank faces are left out.
    """
    outputs = [spec for spec in schema.columns if spec.group_id is not None]
    known = Known(schema, {spec.key: spec.name for spec in schema.columns}, outputs)
    states = effective.states(schema, rows) if outputs and rows else {}
    return [_line(known, row, states.get(row.pk, {})) for row in rows]


def runs(table_id: int) -> Plain | None:
    """What runs in the table now, in words, and the ids of the dispatches that go on and that are paused; None when
    nothing does.
    """
    state = progress.run_state(table_id)
    paused = [dispatch for dispatch in state.dispatches if dispatch.status == DispatchStatus.PAUSED]
    counts = progress.counts(state.dispatches).values()
    told = chip(counts, state.running, paused=len(paused) == len(state.dispatches), waiting=state.paused)
    if told is None:
        return None
    reasons = dict.fromkeys(dispatch.paused_because or "" for dispatch in paused)
    return {
        "label": told.label,
        "face": told.face,
        "goingOn": [dispatch.pk for dispatch in state.dispatches if dispatch not in paused],
        "paused": [dispatch.pk for dispatch in paused],
        "because": " ".join(reasons),
    }


def _column(spec: ColumnSpec) -> Plain:
    return {
        "key": spec.key,
        "name": spec.name,
        "type": spec.type,
        "typeName": TYPE_NAMES[spec.type],
        "options": spec.options,
        "group": spec.group_id,
    }


def _group(spec: GroupSpec, workflows: Mapping[int, Workflow]) -> Plain:
    workflow = workflows.get(spec.workflow_id)
    return {
        "id": spec.id,
        "name": spec.name,
        "workflow": spec.workflow_id,
        "workflowName": workflow.name if workflow else None,
        "version": workflow.version if workflow else None,
        "autoRun": spec.auto_run,
        "runAfter": list(spec.run_after),
    }


def _workflows(schema: Schema) -> dict[int, Workflow]:
    return Workflow.objects.in_bulk({group.workflow_id for group in schema.groups})


def _line(known: Known, row: Row, states: Mapping[int, CellState]) -> Plain:
    values: Plain = {}
    long: list[str] = []
    for key in known.schema.by_key:
        value = row.data.get(key)
        if is_empty(value):
            continue
        if isinstance(value, bool | int | float):
            values[key] = value
            continue
        written = text(value)
        if len(written) > SHOWN_CHARACTERS:
            long.append(key)
            value = written[:SHOWN_CHARACTERS]
        values[key] = value
    line: Plain = {"id": row.pk, "values": values}
    if long:
        line["long"] = long
    if faces := _faces(known, values, states):
        line["faces"] = faces
    return line


def _faces(known: Known, values: Plain, states: Mapping[int, CellState]) -> Plain:
    faces = {}
    for spec in known.outputs:
        state = states.get(spec.group_id or 0)
        if state is None:
            continue
        shown = _face(face(state, has_value=spec.key in values, names=known.names), state)
        if shown:
            faces[spec.key] = shown
    return faces


def _face(its: Face, state: CellState) -> Plain:
    """The face without what goes without saying: a value, or nothing, that never ran."""
    said: Plain = {} if its.kind in ("value", "blank") else {"kind": its.kind}
    if its.pill:
        said |= {"pill": its.pill, "tone": its.tone or its.pill.lower()}
    if its.detail:
        said["detail"] = its.detail
    if its.dimmed:
        said["dimmed"] = True
    if its.stale:
        said["stale"] = True
    if state.attempt:
        said["ran"] = True
    if state.status not in (None, Status.COMPLETED):
        said["status"] = state.status
    return said
