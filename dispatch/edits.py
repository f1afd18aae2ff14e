"""What a write into rows means for their cells: what runs on old values begins anew, what runs by itself is noted.

Cells that have ended need no write: the hash of what they used no longer fits, so they are stale. Their values stay
until better ones land.

The table's run lock comes before the rows' locks: it is taken when the write announces itself, if somebody reads what
it may change. What is to run by itself is left as changes, in the transaction that writes (dispatch/gather.py).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from django.db.models.functions import Now
from django.dispatch import receiver

from cells import usage
from dispatch import lifecycle, recall
from dispatch.models import Change
from dispatch.walk import Rows, Walk
from tableflow.errors import NotFound
from tableflow.tables import schema as schemas
from tableflow.tables.changes import about_to_write, rows_written
from tableflow.tables.models import Group, Table
from tableflow.tables.schema import Schema


@receiver(about_to_write)
def _hold_runs(table_id: int, keys: frozenset[str], **_: Any) -> None:
    schema = _schema(table_id)
    if schema is not None and any(not keys.isdisjoint(used.keys) for used in usage.of(schema).values()):
        lifecycle.serialise(table_id)


@receiver(rows_written)
def _follow(
    table_id: int,
    created: Sequence[int],
    ranges: Sequence[Sequence[int]],
    changed: Mapping[int, frozenset[str]],
    **_: Any,
) -> None:
    schema = _schema(table_id)
    if schema is None:
        return
    automatic = _automatic(schema)
    if changed:
        walk = Walk(schema, automatic, changed, recall.in_flight(schema, changed))
        walk.go(_dirty(changed))
        recall.recall(table_id, walk.recalled)
        note(table_id, walk.groups_of)
    if automatic and created:
        _leave(table_id, automatic, rows=created)
    if automatic and ranges:
        _leave(table_id, automatic, ranges=ranges)


def fed(table_id: int, rows_of: Mapping[int, Collection[int]]) -> None:
    """Note what is to run by itself since these groups gave other values in these rows (group id → row ids).

    In the transaction that writes those values, which shares the table's lock: nothing is recalled here.
    """
    schema = _schema(table_id)
    automatic = _automatic(schema) if schema is not None else frozenset()
    if schema is None or not automatic:
        return
    walk = Walk(schema, automatic, {row for rows in rows_of.values() for row in rows}, {})
    walk.go({}, rows_of)
    note(table_id, walk.groups_of)


def note(table_id: int, groups_of: Mapping[int, frozenset[int]]) -> None:
    """Leave a change for each set of groups that is to run by itself in some of these rows (row id → group ids)."""
    rows_of: dict[frozenset[int], list[int]] = defaultdict(list)
    for row_id, groups in groups_of.items():
        rows_of[groups].append(row_id)
    for groups, rows in rows_of.items():
        _leave(table_id, groups, rows=rows)


def _leave(table_id: int, groups: Iterable[int], **which: Any) -> None:
    Change.objects.create(table_id=table_id, groups=sorted(groups), at=Now(), **which)


def _schema(table_id: int) -> Schema | None:
    """The table's schema; None when the table is gone or has no group that a write could concern."""
    if not Group.objects.filter(table=table_id, deleted_at=None).exists():
        return None
    try:
        return schemas.load(table_id)
    except NotFound:  # the write itself says so
        return None


def _automatic(schema: Schema) -> frozenset[int]:
    """The groups that run by themselves; none while the table's switch is off."""
    found = frozenset(group.id for group in schema.groups if group.auto_run)
    if not found or not Table.objects.filter(pk=schema.table_id, auto_run=True).exists():
        return frozenset()
    return found


def _dirty(changed: Mapping[int, frozenset[str]]) -> dict[str, Rows]:
    dirty: dict[str, Rows] = defaultdict(set)
    for row_id, keys in changed.items():
        for key in keys:
            dirty[key].add(row_id)
    return dirty
