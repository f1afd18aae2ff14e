"""Deleted columns come back while their values are there: at their place, and as what they were to workflow columns.

What would no longer fit is left out: an output whose group is gone, or reads to the right of it by now, or whose
workflow no longer gives it, comes back as an ordinary column.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import DateTimeField, F, Func
from django.db.models.functions import Now
from django.utils import timezone

from tableflow.errors import Conflict, InvalidInput, NotFound
from tableflow.tables import columns, dependencies, purge, schema
from tableflow.tables.dependencies import Reads, templates_unknown
from tableflow.tables.locks import lock
from tableflow.tables.models import Column, Group, Table
from tableflow.tables.schema import ColumnSpec, Output, Schema

# Whether the workflow of this id gives an output of this name.
Gives = Callable[[int, str], bool]


def workflows_unknown(_workflow_id: int, _source: str) -> bool:
    """For who has no workflows to ask about."""
    return True


@transaction.atomic
def restore(
    table: Table,
    key: str,
    reads: Reads = templates_unknown,
    gives: Gives = workflows_unknown,
    *,
    grace: timedelta = purge.COLUMN_GRACE,
) -> ColumnSpec:
    """The column of this key as it was before it was deleted, with its values. `reads` tells what templates read,
    `gives` which outputs workflows have.

    NotFound when there is no deleted column of this key, or none any more; Conflict when it is not deleted, or was
    deleted longer than `grace` ago: then its values are going.
    """
    lock(table.pk)
    column = _deleted(table.pk, key, grace)
    known = schema.load(table.pk)
    if len(known.columns) >= columns.MAX_COLUMNS:
        raise InvalidInput.at("columns", f"A table has at most {columns.MAX_COLUMNS} columns.", "too_many")
    was: Mapping[str, Any] = column.was or {}
    Column.objects.filter(pk=column.pk).update(deleted_at=None, was=None)
    columns.place(table.pk, _order(known, column, was.get("group")))
    _fill(table.pk, key, was, reads, gives)
    _await(table.pk, key, was)
    return schema.load(table.pk).by_key[key]


def _deleted(table_id: int, key: str, grace: timedelta) -> Column:
    """The column, locked: it is not being purged."""
    column = Column.objects.select_for_update().filter(table=table_id, key=key).first()
    if column is None:
        raise NotFound(f"There is no column {key!r} to restore: there was none, or its values are gone by now.")
    if column.deleted_at is None:
        raise Conflict(f"The column {key!r} is there: nobody has deleted it.", "not_deleted")
    # The time is asked for now that it is locked: while this waited, a purge may have begun.
    now = Func(function="clock_timestamp", output_field=DateTimeField())
    if not Column.objects.annotate(now=now).filter(pk=column.pk, deleted_at__gt=F("now") - grace).exists():
        raise Conflict(f"It is too late: the values of the column {key!r} are being removed.", "too_late")
    return column


def _order(known: Schema, column: Column, own: int | None) -> list[str]:
    """The keys with the column at its old place, or right of it where it would part the outputs of another group."""
    keys = list(known.keys)
    others = replace(known, groups=tuple(group for group in known.groups if group.id != own))
    for index in range(min(column.position, len(keys)), len(keys)):
        order = [*keys[:index], column.key, *keys[index:]]
        if not dependencies.torn(others, {key: place for place, key in enumerate(order)}):
            return order
    return [*keys, column.key]


def _fill(table_id: int, key: str, was: Mapping[str, Any], reads: Reads, gives: Gives) -> None:
    """Makes it an output of its group again, if that is there, still gives it and reads nothing to the right of it."""
    known = schema.load(table_id)
    spec = known.group(was["group"]) if "group" in was else None
    if spec is None or not gives(spec.workflow_id, was["from"]):
        return
    outputs = list(spec.outputs)
    outputs.insert(was["place"], Output(was["from"], key))
    trial = replace(known, groups=(replace(spec, outputs=tuple(outputs)),))
    if dependencies.pointing_right(trial, {column.key: column.position for column in known.columns}, reads):
        return
    pairs = [{"from": output.source, "column": output.column} for output in outputs]
    Group.objects.filter(pk=spec.id).update(outputs=pairs, updated_at=Now())
    Column.objects.filter(table=table_id, key=key).update(group=spec.id)


def _await(table_id: int, key: str, was: Mapping[str, Any]) -> None:
    """Lets the groups wait for it again that did, where it is to the left of them."""
    known = schema.load(table_id)
    place = known.by_key[key].position
    waiting = {spec.id for spec in known.groups if place < known.leftmost(spec.id)} & set(was.get("waiting", ()))
    groups = list(Group.objects.filter(pk__in=waiting))
    for group in groups:
        group.run_after, group.updated_at = [*group.run_after, key], timezone.now()
    Group.objects.bulk_update(groups, ["run_after", "updated_at"])
