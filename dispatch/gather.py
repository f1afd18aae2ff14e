"""Gathering: what was written into a table since the last tick becomes one automatic run per distinct set of groups.

The changes were left by the transactions that wrote (dispatch/edits.py). Taking them and beginning the runs is one
transaction, so that none is lost and none is run twice; two ticks at once do no harm.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import orjson
from django.db import OperationalError, connection, transaction

from dispatch import begin, lifecycle, recall
from dispatch.models import Change, Dispatch
from tableflow.errors import NotFound
from tableflow.tables import ids
from tableflow.tables import schema as schemas
from tableflow.tables.models import Table
from tableflow.tables.schema import Schema

logger = logging.getLogger(__name__)

PATIENCE_MS = 2000
MOST_TABLES = 1000

Groups = frozenset[int]


def gather_all() -> int:
    """Gather every table that has changes, each apart; gives how many runs began. What fails is met again next time."""
    tables = Change.objects.order_by("table").values_list("table", flat=True).distinct()[:MOST_TABLES]
    return sum(_apart(table_id) for table_id in tables)


def _apart(table_id: int) -> int:
    try:
        return len(gather(table_id))
    except OperationalError as error:
        logger.warning("The changes of table %s wait for the next tick: %s", table_id, str(error).strip())
        return 0
    except Exception:  # the edge of one table's gathering: the next tick comes back to it
        logger.exception("Gathering the changes of table %s failed", table_id)
        return 0


def gather(table_id: int) -> list[Dispatch]:
    """Begin the automatic runs of a table's changes. OperationalError when the table is held for too long."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT set_config('lock_timeout', %s, true)", [f"{PATIENCE_MS}ms"])
        lifecycle.serialise(table_id)
        return gather_here(table_id)


def gather_here(table_id: int) -> list[Dispatch]:
    """The same, in the transaction of a caller that has serialised the table: what is pending is a run from then on."""
    taken = lifecycle.statements("gathered", {"table": table_id})
    if not taken or not Table.objects.live().filter(pk=table_id, auto_run=True).exists():
        return []
    try:
        schema = schemas.load(table_id)
    except NotFound:  # it was deleted just now
        return []
    begun = [*_by_rows(schema, taken), *_by_ranges(schema, taken)]
    return [dispatch for dispatch in begun if dispatch is not None]


def _by_rows(schema: Schema, taken: Sequence[Any]) -> Iterator[Dispatch | None]:
    """One run per set of groups, over the rows in which exactly these were concerned by some change."""
    groups_of: dict[int, Groups] = defaultdict(frozenset)
    for change in taken:
        groups = _running(schema, change)
        for row_id in orjson.loads(change.rows) if change.rows is not None else ():
            groups_of[row_id] |= groups
    recall.paused_on_old_values(schema, groups_of)
    rows_of: dict[Groups, list[int]] = defaultdict(list)
    for row_id, groups in groups_of.items():
        rows_of[groups].append(row_id)
    for groups, rows in rows_of.items():
        for chunk in _chunks(rows, ids.MOST):
            yield begin.begin_automatic(schema, groups, rows=chunk)


def _by_ranges(schema: Schema, taken: Sequence[Any]) -> Iterator[Dispatch | None]:
    ranges_of: dict[Groups, list[list[int]]] = defaultdict(list)
    for change in taken:
        if change.ranges is not None:
            ranges_of[_running(schema, change)] += orjson.loads(change.ranges)
    for groups, ranges in ranges_of.items():
        yield begin.begin_automatic(schema, groups, ranges=sorted(ranges))


def _running(schema: Schema, change: Any) -> Groups:
    """The groups of a change that still run by themselves."""
    named = set(orjson.loads(change.groups))
    return frozenset(group.id for group in schema.groups if group.id in named and group.auto_run)


def _chunks(rows: Sequence[int], size: int) -> Iterable[Sequence[int]]:
    return (rows[start : start + size] for start in range(0, len(rows), size))
