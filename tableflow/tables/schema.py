"""What a table's columns and groups are, read at once and frozen: what a request or a run works on."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from tableflow.errors import NotFound
from tableflow.tables.models import Column, Group, Table


@dataclass(frozen=True)
class ColumnSpec:
    """A live column. `group_id` is set where a workflow column fills it."""

    key: str
    name: str
    type: str
    options: dict[str, Any]
    position: int
    group_id: int | None


@dataclass(frozen=True)
class Output:
    """Which output of the workflow (`source`) goes to which column (`column`, its key)."""

    source: str
    column: str


@dataclass(frozen=True)
class GroupSpec:
    """A live group. `inputs` maps a workflow input to a column key or a template; `outputs` names live columns only."""

    id: int
    name: str
    workflow_id: int
    inputs: dict[str, Any]
    outputs: tuple[Output, ...]
    run_after: tuple[str, ...]
    run_if: str
    auto_run: bool
    concurrency: int | None
    bit: int


@dataclass(frozen=True)
class Schema:
    """The live columns left to right, and the live groups in cascade order: by their leftmost output column."""

    table_id: int
    columns: tuple[ColumnSpec, ...]
    groups: tuple[GroupSpec, ...]

    @cached_property
    def by_key(self) -> dict[str, ColumnSpec]:
        """The columns by key."""
        return {column.key: column for column in self.columns}

    @cached_property
    def _groups_by_id(self) -> dict[int, GroupSpec]:
        return {group.id: group for group in self.groups}

    @cached_property
    def _leftmost(self) -> dict[int, int]:
        return leftmost_outputs(self.columns)

    def column(self, key: str) -> ColumnSpec | None:
        """The live column of that key, or None."""
        return self.by_key.get(key)

    def group(self, group_id: int) -> GroupSpec | None:
        """The live group of that id, or None."""
        return self._groups_by_id.get(group_id)

    def leftmost(self, group_id: int) -> int:
        """The position of the group's leftmost output column: its place in the cascade. KeyError when unknown."""
        return self._leftmost[group_id]

    @property
    def keys(self) -> tuple[str, ...]:
        """The column keys, left to right."""
        return tuple(self.by_key)


def leftmost_outputs(columns: Iterable[ColumnSpec]) -> dict[int, int]:
    """Group id → position of its leftmost output among these columns."""
    positions: dict[int, list[int]] = defaultdict(list)
    for column in columns:
        if column.group_id is not None:
            positions[column.group_id].append(column.position)
    return {group_id: min(found) for group_id, found in positions.items()}


def load(table_id: int) -> Schema:
    """The schema of a live table, in three queries. NotFound when the table is gone or deleted."""
    if not Table.objects.live().filter(pk=table_id).exists():
        raise NotFound("There is no such table.")
    columns = [
        column_spec(column)
        for column in Column.objects.filter(table_id=table_id, deleted_at=None).order_by("position", "id")
    ]
    return assemble(table_id, columns, Group.objects.filter(table_id=table_id, deleted_at=None))


def assemble(table_id: int, columns: Iterable[ColumnSpec], groups: Iterable[Group]) -> Schema:
    """The schema out of a table's live columns, left to right, and its live groups."""
    columns = tuple(columns)
    places = leftmost_outputs(columns)
    live_keys = {column.key for column in columns}
    # A group without a live output has no place in the cascade and no cell to show.
    specs = (group_spec(group, live_keys) for group in groups if group.pk in places)
    return Schema(table_id, columns, tuple(sorted(specs, key=lambda group: places[group.id])))


def column_spec(column: Column) -> ColumnSpec:
    """The frozen value of a column's record."""
    return ColumnSpec(column.key, column.name, column.type, column.options, column.position, column.group_id)


def group_spec(group: Group, live_keys: Iterable[str]) -> GroupSpec:
    """The frozen value of a group's record; outputs to columns that are not live are left out."""
    live = set(live_keys)
    return GroupSpec(
        id=group.pk,
        name=group.name,
        workflow_id=group.workflow_id,
        inputs=group.inputs,
        outputs=tuple(Output(o["from"], o["column"]) for o in group.outputs if o["column"] in live),
        run_after=tuple(key for key in group.run_after if key in live),
        run_if=group.run_if,
        auto_run=group.auto_run,
        concurrency=group.concurrency,
        bit=group.bit,
    )
