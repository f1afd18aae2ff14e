"""The groups (workflow columns) of a table: create, change, delete. Each holds the table's lock and is all or nothing.

Only what can be known without workflows is checked here: the columns, the order, the shape. Whether the workflow
exists and has these inputs and outputs is the concern of the floor above.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from django.db import transaction
from django.db.models.functions import Now

from tableflow.errors import Conflict, InvalidInput, NotFound, Problem
from tableflow.tables import columns, dependencies, names, schema, values
from tableflow.tables.dependencies import Reads, templates_unknown
from tableflow.tables.locks import lock
from tableflow.tables.models import Column, Group, Table
from tableflow.tables.schema import ColumnSpec, Schema

MAX_GROUPS = 63
MAX_CONCURRENCY = 1000
MAX_INPUTS = 100
FIELDS = ("name", "workflow", "inputs", "outputs", "run_after", "auto_run", "run_if", "concurrency")
REQUIRED = ("workflow", "outputs")

Given = TypeVar("Given")


@transaction.atomic
def create(table: Table, definition: Any, *, default_name: str) -> Group:
    """A new group out of `{name?, workflow, inputs?, outputs, run_after?, auto_run?, run_if?, concurrency?}`.

    `outputs` is a list of `{from, column}`; a column is the key of a column that no group fills yet, or
    `{name, type, key?, options?}`, which creates it at the right end. InvalidInput names what is wrong; a dependency
    that does not lie to the left has the code dependency_right or dependency_cycle.
    """
    lock(table.pk)
    _check_fields(definition)
    for name in REQUIRED:
        if name not in definition:
            raise InvalidInput.at(name, f"A workflow column needs {name}.", "required")
    group = Group(table=table, name=names.check_name(default_name, "name"), bit=_free_bit(table.pk))
    return _write(table, group, definition)


@transaction.atomic
def change(
    table: Table, group_id: int, changes: Any, columns_too: bool = False, reads: Reads = templates_unknown
) -> Group:
    """Changes the fields that are given, which look as in `create`.

    Columns that are no outputs any more stay as ordinary columns with their values, or go with `columns_too`: Conflict
    when a group has one of these as an input, or in a template: `reads` tells what these read. NotFound for an unknown
    group.
    """
    lock(table.pk)
    _check_fields(changes)
    group = _group(table.pk, group_id)
    before = {column.key for column in schema.load(table.pk).columns if column.group_id == group.pk}
    _write(table, group, changes)
    gone = before - {output["column"] for output in group.outputs}
    if columns_too and gone:
        known = schema.load(table.pk)
        columns.refuse_readers(known, gone, reads=reads)
        columns.hide(table.pk, known, gone)
    return group


@transaction.atomic
def delete(table: Table, group_id: int, columns_too: bool = False, reads: Reads = templates_unknown) -> None:
    """Hides the group at once; what belongs to it is purged later. Its output columns stay unless `columns_too`.

    Conflict when output columns are to go that another group has as an input, or in a template: `reads` tells what
    these read. NotFound for an unknown group.
    """
    lock(table.pk)
    group = _group(table.pk, group_id)
    known = schema.load(table.pk)
    keys = [column.key for column in known.columns if column.group_id == group.pk]
    if columns_too:
        columns.refuse_readers(known, keys, besides=group.pk, reads=reads)
    Group.objects.filter(pk=group.pk).update(deleted_at=Now())
    if columns_too:
        columns.hide(table.pk, known, keys)
    else:
        Column.objects.filter(table=table.pk, key__in=keys).update(group=None)
        columns.touch(table.pk)


@dataclass(frozen=True)
class Target:
    """An output of the workflow (`source`) and the column that it would fill; `is_new`: it would be made for it."""

    source: str
    column: ColumnSpec
    is_new: bool


def judge(known: Schema, fields: Mapping[str, Any], own: int | None = None) -> tuple[list[Target], list[Problem]]:
    """The outputs that a group of these fields would have, and everything that it would be refused for.

    Nothing is written. `fields` look as in `create`; `own` is the id of the group that is to be changed into this.
    The workflow is not looked at. Of outputs that would be refused none is given.
    """
    problems: list[Problem] = []
    for name, check in _CHECKS.items():
        if name in fields and name != "workflow" and not (name == "name" and fields[name] is None):
            _gather(problems, lambda check=check, name=name: check(fields[name], name))  # type: ignore[misc]
    wrong = {(problem.attr or "").partition(".")[0] for problem in problems}
    targets = _gather(problems, lambda: _targets(known, fields.get("outputs"), own)) or []
    if targets and not wrong & {"inputs", "run_after"}:
        keys = [target.column.key for target in targets if not target.is_new]
        leftmost = min(target.column.position for target in targets)
        inputs, run_after = fields.get("inputs") or {}, fields.get("run_after") or []
        _gather(problems, lambda: dependencies.check(known, keys, leftmost, inputs, run_after))
    return targets, problems


def _gather(problems: list[Problem], make: Callable[[], Given]) -> Given | None:
    """What `make` gives; None when it raised InvalidInput, whose problems are kept."""
    try:
        return make()
    except InvalidInput as error:
        problems += error.problems
        return None


def _targets(known: Schema, outputs: Any, own: int | None) -> list[Target]:
    asked = _check_outputs(outputs)
    _check_free(known, asked, own)
    return [
        Target(item.source, known.by_key[item.key], is_new=False)
        if item.key is not None
        else Target(item.source, columns.specify(known, item.definition, f"{item.attr}.column"), is_new=True)
        for item in asked
    ]


# Steps


@dataclass(frozen=True)
class _Asked:
    """An output as it was asked for: the key of a column that exists, or what to create."""

    source: str
    key: str | None
    definition: Mapping[str, Any] | None
    attr: str


def _write(table: Table, group: Group, fields: Mapping[str, Any]) -> Group:
    """Puts the checked fields into the group, with its columns, and saves it."""
    for name, check in _CHECKS.items():
        if name in fields and not (name == "name" and fields[name] is None):
            setattr(group, "workflow_id" if name == "workflow" else name, check(fields[name], name))
    asked = _check_outputs(fields["outputs"]) if "outputs" in fields else None
    if asked is not None:
        _check_free(schema.load(table.pk), asked, group.pk)
        made = _create_columns(table, asked)
        group.outputs = [{"from": item.source, "column": item.key or made[item.attr]} for item in asked]
    keys = [output["column"] for output in group.outputs]
    known = schema.load(table.pk)
    leftmost = min(column.position for column in known.columns if column.key in keys)
    dependencies.check(known, keys, leftmost, group.inputs, group.run_after)
    group.save()
    Column.objects.filter(table=table.pk, group=group).exclude(key__in=keys).update(group=None)
    Column.objects.filter(table=table.pk, key__in=keys).update(group=group)
    columns.touch(table.pk)
    return group


def _group(table_id: int, group_id: int) -> Group:
    group = Group.objects.filter(table=table_id, pk=group_id, deleted_at=None).first()
    if group is None:
        raise NotFound(f"There is no workflow column {group_id} in this table.")
    return group


def _free_bit(table_id: int) -> int:
    """A done bit that no group of the table has. Deleted groups keep theirs until they are purged."""
    standing = list(Group.objects.filter(table=table_id).values_list("bit", "deleted_at"))
    if sum(deleted_at is None for _bit, deleted_at in standing) >= MAX_GROUPS:
        raise InvalidInput.at("workflow", f"A table has at most {MAX_GROUPS} workflow columns.", "too_many")
    taken = {bit for bit, _deleted_at in standing}
    free = [bit for bit in range(MAX_GROUPS) if bit not in taken]
    if not free:
        raise Conflict("Deleted workflow columns are still being purged; try again in a moment.", "purging")
    return free[0]


def _check_outputs(outputs: Any) -> list[_Asked]:
    if not isinstance(outputs, list) or not outputs:
        raise InvalidInput.at("outputs", "Give a list of at least one output: {from, column}.")
    asked = [_check_output(output, f"outputs.{index}") for index, output in enumerate(outputs)]
    seen: set[str] = set()
    for item in asked:
        if item.key in seen:
            raise InvalidInput.at(f"{item.attr}.column", f"The column {item.key!r} is named twice.")
        seen |= {item.key} if item.key is not None else set()
    return asked


def _check_output(output: Any, attr: str) -> _Asked:
    if not isinstance(output, Mapping) or set(output) != {"from", "column"}:
        raise InvalidInput.at(attr, "An output has `from` (an output of the workflow) and `column`, nothing else.")
    source, column = output["from"], output["column"]
    if not isinstance(source, str) or not source.strip():
        raise InvalidInput.at(f"{attr}.from", "Name the workflow's output.")
    names.check_text(source, f"{attr}.from")
    if isinstance(column, str):
        return _Asked(source, column, None, attr)
    if isinstance(column, Mapping):
        return _Asked(source, None, column, attr)
    raise InvalidInput.at(f"{attr}.column", "Give the key of a column, or {name, type} of a new one.")


def _check_free(known: Schema, asked: list[_Asked], own: int | None) -> None:
    problems: list[Problem] = []
    for item in asked:
        column = known.column(item.key) if item.key is not None else None
        if item.key is not None and column is None:
            problems.append(values.unknown_column(known, item.key, f"{item.attr}.column"))
        elif column is not None and column.group_id not in (None, own):
            detail = f"The column {column.key!r} is filled by another workflow column."
            problems.append(Problem(detail, f"{item.attr}.column", "taken"))
    if problems:
        raise InvalidInput(problems)


def _create_columns(table: Table, asked: list[_Asked]) -> dict[str, str]:
    """Creates the new columns among the outputs; the attr of the output → the key of its column."""
    new = [item for item in asked if item.definition is not None]
    attrs = [f"{item.attr}.column" for item in new]
    made = columns.create_many(table, [item.definition for item in new], attrs=attrs) if new else []
    return {item.attr: column.key for item, column in zip(new, made, strict=True)}


# Checks of the fields


def _check_fields(fields: Any) -> None:
    if not isinstance(fields, Mapping):
        raise InvalidInput.at("group", f"Give an object with {', '.join(FIELDS)}.")
    for name in fields:
        if name not in FIELDS:
            detail = f"Unknown field {name!r}. A workflow column has: {', '.join(FIELDS)}."
            raise InvalidInput.at(str(name), detail, "unknown_field")


def _check_workflow(value: Any, attr: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value < 2**63:
        raise InvalidInput.at(attr, "Give the id of a workflow.")
    return value


def _check_inputs(value: Any, attr: str) -> dict[str, str]:
    if not isinstance(value, Mapping) or len(value) > MAX_INPUTS:
        raise InvalidInput.at(attr, f"Give an object of at most {MAX_INPUTS} inputs, each a column key or a template.")
    for name, source in value.items():
        if not isinstance(source, str):
            raise InvalidInput.at(f"{attr}.{name}", "An input is a column key or a template, a text.")
        names.check_text(name, attr)
        names.check_text(source, f"{attr}.{name}")
    return dict(value)


def _check_run_after(value: Any, attr: str) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(key, str) for key in value):
        raise InvalidInput.at(attr, "Give a list of column keys.")
    return list(dict.fromkeys(value))


def _check_flag(value: Any, attr: str) -> bool:
    if not isinstance(value, bool):
        raise InvalidInput.at(attr, "Give true or false.")
    return value


def _check_run_if(value: Any, attr: str) -> str:
    return "" if value is None else names.check_text(value, attr)


def _check_concurrency(value: Any, attr: str) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= MAX_CONCURRENCY:
        raise InvalidInput.at(attr, f"The concurrency is a whole number from 1 to {MAX_CONCURRENCY}, or null.")
    return value


_CHECKS = {
    "name": names.check_name,
    "workflow": _check_workflow,
    "inputs": _check_inputs,
    "run_after": _check_run_after,
    "auto_run": _check_flag,
    "run_if": _check_run_if,
    "concurrency": _check_concurrency,
}
