"""What a cell uses, as one hash: the values that its group reads, and how the group and its workflow are made.

The hash is taken in SQL, by the statement that starts the cell, over the row as it stands there (sql/used.sql), and
compared in SQL with the one that the row gives now (`Present`). A finished cell whose hash differs is *outdated*: run
again it might give something else. With a result to show (completed, error, skipped) it is *stale*. Both must hash
alike; a test holds them together.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from django.db.models import Case, Expression, Q, UUIDField, Value, When
from django.db.models.expressions import Combinable

from cells.binding import columns_read
from cells.models import Status, Workflow, WorkflowVersion
from cells.sandbox import MAPPING_METHODS
from cells.workflows import programs
from tableflow.tables.schema import GroupSpec, Schema

STALE = (Status.COMPLETED, Status.ERROR, Status.SKIPPED)


@dataclass(frozen=True)
class Usage:
    """What a group uses: the keys of the columns that it reads, and a token of its configuration."""

    keys: tuple[str, ...]
    token: str


def of(schema: Schema) -> dict[int, Usage]:
    """What each live group uses as things stand, by group id; a fixed number of queries."""
    versions = newest(group.workflow_id for group in schema.groups)
    return {group.id: of_group(schema, group, versions.get(group.workflow_id)) for group in schema.groups}


def newest(workflow_ids: Iterable[int]) -> dict[int, WorkflowVersion]:
    """The newest version of each workflow, by the workflow's id; a deleted one has none."""
    numbers = dict(Workflow.objects.filter(pk__in=set(workflow_ids)).values_list("pk", "version"))
    versions = WorkflowVersion.objects.filter(workflow__in=numbers, number__in=numbers.values())
    return {v.workflow_id: v for v in versions if numbers[v.workflow_id] == v.number}


def of_group(schema: Schema, group: GroupSpec, version: WorkflowVersion | None) -> Usage:
    """What the group uses with this version of its workflow; None: the workflow was deleted."""
    compiled = programs.compiled(version.pk) if version else None
    read = set(group.run_after) | columns_read({"inputs": group.inputs, "run_if": group.run_if})
    templates = [template for _, template in compiled.program.templates()] if compiled else []
    read |= {name for template in templates for space, name in template.references if space == "row"}
    if any("row" in template.whole for template in templates) or read & MAPPING_METHODS - set(schema.keys):
        read |= _readable(schema, group)
    own = {output.column for output in group.outputs}
    made_of = [
        version.pk if version else None,
        dict(sorted(group.inputs.items())),
        [[output.source, output.column] for output in group.outputs],
        group.run_if,
    ]
    return Usage(tuple(sorted(read - own)), hashlib.md5(orjson.dumps(made_of), usedforsecurity=False).hexdigest())


def upstream(groups: Sequence[GroupSpec], usages: Mapping[int, Usage]) -> dict[int, list[int]]:
    """Which of these groups, left to right, each one reads: directly, or through others."""
    found: dict[int, list[int]] = {}
    for place, group in enumerate(groups):
        read = set(usages[group.id].keys)
        direct = [left.id for left in groups[:place] if read & {output.column for output in left.outputs}]
        found[group.id] = sorted({*direct, *(far for near in direct for far in found[near])})
    return found


def _readable(schema: Schema, group: GroupSpec) -> set[str]:
    """The columns that count for a group which reads its row as a whole: plain ones, and those left of its own."""
    leftmost = schema.leftmost(group.id)
    return {c.key for c in schema.columns if c.group_id is None or c.position < leftmost}


class Present(Expression):
    """The hash of what a cell of the group would use now, over an expression that gives the row's values."""

    def __init__(self, usage: Usage, data: Combinable) -> None:
        super().__init__(output_field=UUIDField())
        self._usage = usage
        self._data: Any = data

    def get_source_expressions(self) -> list[Any]:
        return [self._data]

    def set_source_expressions(self, exprs: Sequence[Any]) -> None:
        (self._data,) = exprs

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, tuple[Any, ...]]:  # noqa: ARG002  (Django's signature)
        data, params = compiler.compile(self._data)
        parts = [f"coalesce({data} -> %s, 'null'::jsonb)::text"] * len(self._usage.keys)
        values = [param for key in self._usage.keys for param in (*params, key)]
        joined = " || ',' || ".join(parts) or "''"
        return f"md5(%s || {joined})::uuid", (self._usage.token, *values)


def stale(usage: Usage, data: Combinable) -> Q:
    """The executions of a group that are stale: ended with a result, and outdated. The condition is never NULL."""
    return Q(status__in=STALE) & (Q(used=None) | ~Q(used=Present(usage, data)))


def outdated(usages: Mapping[int, Usage], data: Combinable) -> Case:
    """Whether an execution's hash differs from the present one: an annotation for executions of several groups."""
    whens = [
        When(Q(group=group_id, used=Present(usage, data)), then=Value(False)) for group_id, usage in usages.items()
    ]
    return Case(*whens, default=Value(True))
