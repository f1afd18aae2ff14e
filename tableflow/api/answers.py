"""What answers say: plain dicts out of records, whole lists at once so that their number of queries is fixed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from django.contrib.auth.models import User
from django.db.models import F

from cells import approvals as questions
from cells.counts import Counts
from cells.models import Approval, Workflow, WorkflowVersion
from cells.proposals import Matching
from cells.steps.step import StepType
from dispatch import effective, progress
from dispatch.at_work import CellAtWork
from dispatch.effective import CellState
from dispatch.findings import Errors, SlowCell
from dispatch.models import Dispatch
from dispatch.progress import RunState
from dispatch.windows import OUTCOMES
from tableflow.errors import Problem
from tableflow.tables import schema
from tableflow.tables.columns import Changed
from tableflow.tables.models import Column, Group, Row, Table
from tableflow.tables.schema import ColumnSpec, GroupSpec, Schema
from tableflow.tables.views import Seen

Answer = dict[str, Any]


def tables(found: Sequence[Table]) -> list[Answer]:
    """Tables with their columns and groups."""
    columns: dict[int, list[ColumnSpec]] = defaultdict(list)
    groups: dict[int, list[Group]] = defaultdict(list)
    ids = [table.pk for table in found]
    for column in Column.objects.filter(table__in=ids, deleted_at=None).order_by("position", "id"):
        columns[column.table_id].append(schema.column_spec(column))
    for group_ in Group.objects.filter(table__in=ids, deleted_at=None):
        groups[group_.table_id].append(group_)
    return [_table(table, schema.assemble(table.pk, columns[table.pk], groups[table.pk])) for table in found]


def table(found: Table) -> Answer:
    """One table with its columns and groups."""
    return tables([found])[0]


def _table(found: Table, known: Schema) -> Answer:
    return {
        "id": found.pk,
        "name": found.name,
        "description": found.description,
        "columns": [column(spec) for spec in known.columns],
        "groups": [group(spec) for spec in known.groups],
        "row_count": found.row_count,
        "auto_run": found.auto_run,
        "created_at": found.created_at,
        "updated_at": found.updated_at,
    }


def column(spec: ColumnSpec) -> Answer:
    """A column."""
    return {
        "key": spec.key,
        "name": spec.name,
        "type": spec.type,
        "options": spec.options,
        "position": spec.position,
        "group": spec.group_id,
    }


def changed_column(changed: Changed, *, dry_run: bool) -> Answer:
    """A column as it is or would be, with what became of its values."""
    conversion = asdict(changed.conversion) if changed.conversion is not None else None
    return {**column(changed.column), "conversion": conversion, "dry_run": dry_run}


def views(found: Sequence[Seen]) -> list[Answer]:
    """Saved views as they are read."""
    return [seen.described for seen in found]


def group(spec: GroupSpec) -> Answer:
    """A workflow column."""
    return {
        "id": spec.id,
        "name": spec.name,
        "workflow": spec.workflow_id,
        "inputs": spec.inputs,
        "outputs": [{"from": output.source, "column": output.column} for output in spec.outputs],
        "run_after": list(spec.run_after),
        "run_if": spec.run_if,
        "auto_run": spec.auto_run,
        "concurrency": spec.concurrency,
    }


def matching(found: Matching) -> Answer:
    """For how many rows a condition holds."""
    return {
        "checked": found.checked,
        "matching": found.matching,
        "failed": found.failed,
        "total": found.total,
        "is_all": found.is_all,
        "problem": problem(found.problem) if found.problem is not None else None,
    }


def group_counts(counts: Counts) -> Answer:
    """How many cells of a workflow column there are."""
    return {"total": counts.total, "never": counts.never, **counts.by_status, "stale": counts.stale}


def rows(known: Schema, found: Sequence[Row]) -> list[Answer]:
    """Rows with the effective states of their cells."""
    states = effective.states(known, found) if known.groups and found else {}
    return [_row(known, row, states.get(row.pk, {})) for row in found]


def _row(known: Schema, row: Row, states: dict[int, CellState]) -> Answer:
    return {
        "id": row.pk,
        "position": float(row.position),
        "data": {key: row.data.get(key) for key in known.keys},
        "executions": {str(id_): _execution(state) for id_, state in states.items() if state.status is not None},
        "waiting": {str(id_): list(state.waiting_on) for id_, state in states.items() if state.waiting_on},
        "created_at": row.created_at,
        "updated_at": row.updated_at,
    }


def _execution(state: CellState) -> Answer:
    return {
        "status": state.status,
        "error": state.error,
        "attempt": state.attempt,
        "started_at": state.started_at,
        "finished_at": state.finished_at,
        "pause": asdict(state.pause) if state.pause else None,
        "stale": state.stale,
    }


def step_type(kind: StepType) -> Answer:
    """A step type with the schemas that a form is built from."""
    return {
        "type": kind.type,
        "title": kind.title,
        "description": kind.description,
        "config_schema": kind.config_schema,
        "output_schema": kind.output_schema,
    }


def workflows(found: Sequence[Workflow]) -> list[Answer]:
    """Workflows as their newest versions have them."""
    newest = WorkflowVersion.objects.filter(workflow__in=[w.pk for w in found], number=F("workflow__version"))
    versions = {version.workflow_id: version for version in newest}
    return [_workflow(workflow, versions[workflow.pk]) for workflow in found if workflow.pk in versions]


def workflow(found: Workflow) -> Answer:
    """One workflow as its newest version has it."""
    return _workflow(found, WorkflowVersion.objects.get(workflow=found, number=found.version))


def _workflow(found: Workflow, version: WorkflowVersion) -> Answer:
    return {
        "id": found.pk,
        "name": found.name,
        "version": version.number,
        "inputs": version.inputs,
        "steps": version.steps,
        "outputs": version.outputs,
        "created_at": found.created_at,
        "updated_at": found.updated_at,
    }


def workflow_use(group: Group) -> Answer:
    """A workflow column that uses a workflow; its table was fetched with it."""
    return {"table": group.table_id, "table_name": group.table.name, "group": group.pk, "group_name": group.name}


def problems(found: Sequence[Problem]) -> Answer:
    """What is wrong, as the errors of a refusal have it."""
    return {"problems": [problem(one) for one in found]}


def problem(found: Problem) -> Answer:
    """One thing that is wrong."""
    return {"attr": found.attr, "code": found.code, "detail": found.detail}


def workflow_version(version: WorkflowVersion) -> Answer:
    """One version of a workflow; its `created_by` was fetched with it."""
    return {
        "version": version.number,
        "inputs": version.inputs,
        "steps": version.steps,
        "outputs": version.outputs,
        "created_by": version.created_by.get_username() if version.created_by else None,
        "created_at": version.created_at,
    }


def dispatches(found: Sequence[Dispatch]) -> list[Answer]:
    """Dispatches with their progress and names; their `requested_by` was fetched with them."""
    counts = progress.counts(found)
    tables_ = _table_names(dispatch.table_id for dispatch in found)
    return [
        _dispatch(dispatch, counts[dispatch.pk], tables_[dispatch.table_id], names)
        for dispatch, names in zip(found, _planned_names(found), strict=True)
    ]


def _table_names(ids: Iterable[int]) -> dict[int, str]:
    return dict(Table.objects.filter(pk__in=set(ids)).values_list("pk", "name"))


def _group_names(ids: Iterable[int]) -> dict[int, str]:
    return dict(Group.objects.filter(pk__in=set(ids)).values_list("pk", "name"))


def _planned_names(found: Sequence[Dispatch]) -> list[dict[int, str]]:
    """What the workflow columns of each dispatch are called now, left to right; a deleted one, what it was called."""
    ids = {group["id"] for dispatch in found for group in dispatch.plan}
    live = dict(Group.objects.filter(pk__in=ids, deleted_at=None).values_list("pk", "name"))
    return [{group["id"]: live.get(group["id"], group["name"]) for group in dispatch.plan} for dispatch in found]


def dispatch(found: Dispatch) -> Answer:
    """One dispatch with its progress."""
    return dispatches([found])[0]


def _scope(scope: Mapping[str, Any]) -> Answer:
    shown = {name: scope.get(name) for name in ("rows", "filter", "exclude_rows")}
    return {**shown, "ranges": scope["ranges"]} if scope.get("ranges") else shown


def _dispatch(found: Dispatch, counts: progress.Counts, table_name: str, groups: Mapping[int, str]) -> Answer:
    return {
        "id": found.pk,
        "table": found.table_id,
        "table_name": table_name,
        "mode": found.mode,
        "groups": list(groups),
        "group_names": list(groups.values()),
        "scope": _scope(found.scope),
        "status": found.status,
        "is_manual": found.is_manual,
        "cursor": float(found.cursor) if found.cursor is not None else None,
        "limit": {"type": "rows", "max": found.limit_rows} if found.limit_rows is not None else None,
        "caps": found.caps,
        "paused_because": found.paused_because,
        "processed": counts.processed,
        "counts": {
            "total": counts.total,
            "completed": counts.completed,
            "error": counts.error,
            "cancelled": counts.cancelled,
            "skipped": counts.skipped,
            "waiting": counts.waiting,
            "in_flight": counts.in_flight,
        },
        "rate": counts.rate,
        "eta_seconds": counts.eta_seconds,
        "requested_by": found.requested_by.get_username() if found.requested_by else None,
        "requested_at": found.requested_at,
        "started_at": found.started_at,
        "finished_at": found.finished_at,
    }


def windows(found: Sequence[Any]) -> list[Answer]:
    """Windows, as `findings.windows_of` gives them."""
    return [_window(window) for window in found]


def _window(found: Any) -> Answer:
    outcomes = {name: getattr(found, name) for name in OUTCOMES}
    return {
        "number": found.number,
        "lane": found.lane,
        "lobby": found.lobby,
        "state": "open" if found.closed_at is None else "closed",
        "rows": found.rows,
        "cells": found.cells,
        "counts": {**outcomes, "in_flight": found.cells - sum(outcomes.values())},
        "opened_at": found.opened_at,
        "closed_at": found.closed_at,
    }


def dispatch_errors(of: Dispatch, found: Errors) -> Answer:
    """The errors of a dispatch by message."""
    (names,) = _planned_names([of])
    return {
        "groups": [
            {
                "group": group.group_id,
                "group_name": names[group.group_id],
                "message": group.message,
                "cells": group.cells,
            }
            for group in found.groups
        ],
        "seen": found.seen,
        "is_all": found.is_all,
    }


def slowest(of: Dispatch, found: Sequence[SlowCell]) -> Answer:
    """The slowest cells of a dispatch."""
    (names,) = _planned_names([of])
    return {
        "cells": [
            {
                "row": cell.row_id,
                "group": cell.group_id,
                "group_name": names[cell.group_id],
                "status": cell.status,
                "seconds": cell.seconds,
                "started_at": cell.started_at,
            }
            for cell in found
        ]
    }


def cells_at_work(found: Sequence[CellAtWork]) -> list[Answer]:
    """The cells that a worker has."""
    tables_ = _table_names(cell.table_id for cell in found)
    groups_ = _group_names(cell.group_id for cell in found)
    return [
        {
            "table": cell.table_id,
            "table_name": tables_[cell.table_id],
            "row": cell.row_id,
            "group": cell.group_id,
            "group_name": groups_.get(cell.group_id),
            "status": cell.status,
            "started_at": cell.started_at,
        }
        for cell in found
    ]


def approvals(found: Sequence[Approval], user: User) -> list[Answer]:
    """Questions with the names of their tables and workflow columns, and whether this user may answer them; their
    `answered_by` was fetched with them.
    """
    tables_ = _table_names(asked.table_id for asked in found)
    groups_ = _group_names(asked.group_id for asked in found)
    mine = questions.answerable(user, found)
    return [
        {
            **_approval(asked, tables_.get(asked.table_id), groups_.get(asked.group_id)),
            "may_answer": asked.status == Approval.Status.OPEN and asked.pk in mine,
        }
        for asked in found
    ]


def approval(found: Approval, user: User) -> Answer:
    """One question."""
    return approvals([found], user)[0]


def _approval(found: Approval, table_name: str | None, group_name: str | None) -> Answer:
    return {
        "id": found.pk,
        "table": found.table_id,
        "table_name": table_name,
        "row": found.row_id,
        "group": found.group_id,
        "group_name": group_name,
        "step": found.step,
        "prompt": found.prompt,
        "fields": found.fields,
        "assignees": found.assignees,
        "status": found.status,
        "answer": found.answer,
        "answered_by": found.answered_by.get_username() if found.answered_by else None,
        "asked_at": found.asked_at,
        "due_at": found.due_at,
        "answered_at": found.answered_at,
    }


def run_state(state: RunState) -> Answer:
    """What runs in a table."""
    return {
        "dispatches": dispatches(state.dispatches),
        "running": state.running,
        "claimed": state.claimed,
        "by_row": {str(row_id): cells for row_id, cells in state.by_row.items()},
    }
