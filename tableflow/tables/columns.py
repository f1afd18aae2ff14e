"""The columns of a table: create, change, delete, reorder. Each holds the table's lock and is all or nothing."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models.functions import Now

from tableflow.errors import Conflict, InvalidInput, NotFound
from tableflow.live import marks
from tableflow.tables import conversions, dependencies, names, schema, types, values
from tableflow.tables.conversions import Conversion
from tableflow.tables.dependencies import Dropped, Reads, templates_unknown
from tableflow.tables.locks import lock
from tableflow.tables.models import Column, Group, Table
from tableflow.tables.schema import ColumnSpec, Schema

MAX_COLUMNS = 500
FIELDS = ("name", "type", "key", "options")
CHANGES = ("name", "type", "options")


@dataclass(frozen=True)
class Changed:
    """A column as it is now (or would be), and what became of its values; None when they had not to be looked at."""

    column: ColumnSpec
    conversion: Conversion | None


def create(table: Table, definition: Any, *, attr: str = "") -> Column:
    """One column at the right end; see create_many."""
    return create_many(table, [definition], attrs=[attr])[0]


@transaction.atomic
def create_many(table: Table, definitions: Sequence[Any], *, attrs: Sequence[str] | None = None) -> list[Column]:
    """New columns at the right end, in the order given, out of `{name, type, key?, options?}`.

    A key is made from the name where none is given. `attrs` name the definitions in messages (columns.0, columns.1 …
    when None). InvalidInput names what is wrong; NotFound when the table was deleted.
    """
    lock(table.pk)
    standing = list(Column.objects.filter(table=table.pk).values_list("key", "position", "deleted_at"))
    live = [position for _key, position, deleted_at in standing if deleted_at is None]
    if len(live) + len(definitions) > MAX_COLUMNS:
        raise InvalidInput.at("columns", f"A table has at most {MAX_COLUMNS} columns.", "too_many")
    taken = {key for key, _position, _deleted_at in standing}
    # Keys that are chosen come first: a key made from a name gives way to them.
    taken_or_chosen = taken | {
        d["key"] for d in definitions if isinstance(d, Mapping) and isinstance(d.get("key"), str)
    }
    places = attrs if attrs is not None else [f"columns.{index}" for index in range(len(definitions))]
    columns: list[Column] = []
    for position, (place, definition) in enumerate(zip(places, definitions, strict=True), max(live, default=-1) + 1):
        column = _checked(definition, place, taken, taken_or_chosen)
        column.table, column.position = table, position
        taken.add(column.key)
        taken_or_chosen.add(column.key)
        columns.append(column)
    touch(table.pk)
    return Column.objects.bulk_create(columns)


@transaction.atomic
def change(table: Table, key: str, changes: Any, *, dry_run: bool = False) -> Changed:
    """Renames a column, gives it other options or another type: `changes` has name, type, options, or some of them.

    Values are converted to the new type; what cannot be becomes null, and the conversion lists it. With `dry_run`
    nothing is written. A new type without options gets that type's defaults. NotFound for an unknown column.
    """
    lock(table.pk)
    column = _column(schema.load(table.pk), key)
    _check_keys(changes, CHANGES, "")
    name = names.check_name(changes["name"], "name") if "name" in changes else column.name
    type_ = _check_type(changes["type"], "type") if "type" in changes else column.type
    kept = column.options if type_ == column.type else None
    options = types.check_options(type_, changes.get("options", kept))
    new = ColumnSpec(key, name, type_, options, column.position, column.group_id)
    convert = conversions.report if dry_run else conversions.apply
    conversion = convert(table.pk, column, type_, options) if conversions.is_needed(column, type_, options) else None
    if not dry_run:
        Column.objects.filter(table=table.pk, key=key).update(name=name, type=type_, options=options)
        touch(table.pk)
    return Changed(new, conversion)


@transaction.atomic
def delete(table: Table, key: str, reads: Reads = templates_unknown) -> None:
    """Hides a column at once; its values are purged later, and its key stays taken until then (restoring.py).

    Groups no longer wait for it. The group that it was the last output of is deleted with it. Conflict names the
    groups that have it as an input, or in a template: `reads` tells what these read. NotFound for an unknown column.
    """
    lock(table.pk)
    known = schema.load(table.pk)
    column = _column(known, key)
    refuse_readers(known, [key], reads=reads)
    if column.group_id is not None:
        _drop_output(known, column.group_id, key)
    hide(table.pk, known, [key])


@transaction.atomic
def reorder(table: Table, keys: Any, reads: Reads = templates_unknown) -> list[Dropped]:
    """Puts the columns into this order, which names each of them once.

    Answers with the dependencies that would now point right: they were dropped; `reads` tells what templates read.
    InvalidInput when it is no permutation, or when it tears the output columns of a group apart.
    """
    lock(table.pk)
    known = schema.load(table.pk)
    _check_permutation(known, keys)
    places = {key: position for position, key in enumerate(keys)}
    torn = dependencies.torn(known, places)
    if torn:
        detail = f"The output columns of a workflow column stay side by side: {', '.join(torn)}."
        raise InvalidInput.at("columns", detail, "outputs_apart")
    dropped = dependencies.pointing_right(known, places, reads)
    _drop_dependencies(table.pk, dropped)
    place(table.pk, keys)
    return dropped


# Steps that groups share


def specify(known: Schema, definition: Any, attr: str) -> ColumnSpec:
    """What `create` would make of a definition in a table of these columns. Writes nothing; InvalidInput as there."""
    column = _checked(definition, attr, known.keys, known.keys)
    return ColumnSpec(column.key, column.name, column.type, column.options, len(known.columns), None)


def touch(table_id: int) -> None:
    """Notes that the table's columns or groups were changed now. Every change of them ends here."""
    Table.objects.filter(pk=table_id).update(updated_at=Now())
    marks.schema(table_id)


def refuse_readers(
    known: Schema, keys: Collection[str], besides: int | None = None, reads: Reads = templates_unknown
) -> None:
    """Conflict when a group (but one) has one of these columns as an input, or in a template."""
    readers = dependencies.readers(known, keys, besides, reads)
    if readers:
        detail = f"In use as an input of: {', '.join(readers)}. Give these another input first, or delete them."
        raise Conflict(detail, "column_in_use")


def hide(table_id: int, known: Schema, keys: Collection[str]) -> None:
    """Deletes the columns, closes the gaps that they leave, and lets no group wait for them. The table is locked."""
    hidden = list(Column.objects.filter(table=table_id, key__in=keys))
    for column in hidden:
        column.was = _was(known, column.key)
    Column.objects.bulk_update(hidden, ["was"])
    Column.objects.filter(table=table_id, key__in=keys).update(deleted_at=Now(), group=None)
    waiting = Group.objects.filter(table=table_id, deleted_at=None)
    for group in (group for group in waiting if set(group.run_after) & set(keys)):
        group.run_after = [key for key in group.run_after if key not in keys]
        group.save(update_fields=["run_after", "updated_at"])
    place(table_id, [key for key in known.keys if key not in keys])


def place(table_id: int, keys: Sequence[str]) -> None:
    """Gives the columns the positions 0, 1, 2 … in this order."""
    places = {key: position for position, key in enumerate(keys)}
    columns = list(Column.objects.filter(table=table_id, deleted_at=None, key__in=keys))
    for column in columns:
        column.position = places[column.key]
    Column.objects.bulk_update(columns, ["position"])
    touch(table_id)


# Checks and steps


def _check_keys(definition: Any, known: Sequence[str], attr: str) -> None:
    if not isinstance(definition, Mapping):
        raise InvalidInput.at(attr or "column", f"Give an object with {', '.join(known)}.")
    for name in definition:
        if name not in known:
            detail = f"Unknown field {name!r}. A column has: {', '.join(known)}."
            raise InvalidInput.at(_join(attr, str(name)), detail, "unknown_field")


def _join(attr: str, name: str) -> str:
    return f"{attr}.{name}" if attr else name


def _checked(definition: Any, attr: str, taken: Collection[str], taken_or_chosen: Collection[str]) -> Column:
    _check_keys(definition, FIELDS, attr)
    name = names.check_name(definition.get("name"), _join(attr, "name"))
    type_ = _check_type(definition.get("type"), _join(attr, "type"))
    options = types.check_options(type_, definition.get("options"), _join(attr, "options"))
    chosen = definition.get("key")
    key = names.key_for(name, taken_or_chosen) if chosen is None else names.check_key(chosen, taken, _join(attr, "key"))
    return Column(key=key, name=name, type=type_, options=options)


def _check_type(type_: Any, attr: str) -> str:
    if not isinstance(type_, str) or type_ not in types.TYPES:
        raise InvalidInput.at(attr, f"Unknown type {type_!r}. The types are: {', '.join(types.TYPES)}.", "unknown_type")
    return type_


def _column(known: Schema, key: str) -> ColumnSpec:
    column = known.column(key)
    if column is None:
        raise NotFound(f"There is no column {key!r} in this table.")
    return column


def _check_permutation(known: Schema, keys: Any) -> None:
    if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys):
        raise InvalidInput.at("columns", "Give the list of all column keys in their new order.")
    problems = [
        values.unknown_column(known, key, f"columns.{index}")
        for index, key in enumerate(keys)
        if known.column(key) is None
    ]
    if problems:
        raise InvalidInput(problems[: values.MAX_PROBLEMS])
    missing = [key for key in known.keys if key not in set(keys)]
    if missing:
        raise InvalidInput.at("columns", f"Every column has to be named; missing: {', '.join(missing)}.")
    if len(keys) > len(known.columns):
        raise InvalidInput.at("columns", "A column is named twice.")


def _drop_output(known: Schema, group_id: int, key: str) -> None:
    """Takes the column out of its group; a group without outputs is deleted."""
    group = Group.objects.get(pk=group_id)
    group.outputs = [output for output in group.outputs if output["column"] != key]
    spec = known.group(group_id)
    if spec is None or len(spec.outputs) <= 1:
        Group.objects.filter(pk=group_id).update(deleted_at=Now())
    else:
        group.save(update_fields=["outputs", "updated_at"])


def _drop_dependencies(table_id: int, dropped: Sequence[Dropped]) -> None:
    gone = {(drop.group, drop.kind) for drop in dropped if drop.kind != "run_after"}
    waited = {(drop.group, drop.column) for drop in dropped if drop.kind == "run_after"}
    for group in Group.objects.filter(table=table_id, pk__in={drop.group for drop in dropped}):
        group.run_after = [key for key in group.run_after if (group.pk, key) not in waited]
        group.inputs = {name: it for name, it in group.inputs.items() if (group.pk, f"inputs.{name}") not in gone}
        group.run_if = "" if (group.pk, "run_if") in gone else group.run_if
        group.save(update_fields=["run_after", "inputs", "run_if", "updated_at"])


def _was(known: Schema, key: str) -> dict[str, Any]:
    """What the column is to groups: the output of one, and who waits for it."""
    waiting = [group.id for group in known.groups if key in group.run_after]
    for group in known.groups:
        for place, output in enumerate(group.outputs):
            if output.column == key:
                return {"group": group.id, "from": output.source, "place": place, "waiting": waiting}
    return {"waiting": waiting}
