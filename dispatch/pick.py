"""The next rows of a dispatch after its cursor: those with an eligible cell, found in SQL, in the visible order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from functools import reduce
from operator import or_
from pathlib import Path
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import BooleanField, Case, QuerySet, Value, When
from django.db.models.expressions import RawSQL

from dispatch import scope
from dispatch.models import Dispatch, Mode
from dispatch.scope import PlannedGroup
from tableflow.tables.models import Row

_BY_INDEX = {
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "enable_material": "off",
    "work_mem": "64kB",  # too little to hash a whole group's executions for a condition on few rows
}
_BY_DONE = (Path(__file__).parent / "sql" / "by_done.sql").read_text()


@dataclass(frozen=True)
class Picked:
    """A row to admit, and the groups to stamp in it."""

    id: int
    position: Decimal
    groups: tuple[int, ...]


def pick(dispatch: Dispatch, most: int) -> list[Picked]:
    """Up to `most` rows after the cursor that have an eligible cell; fewer mean that no other lies ahead."""
    groups = scope.planned(dispatch)
    try:
        sql, params = statement(dispatch, groups, most)
    except EmptyResultSet:  # no row can be meant: a limit that is used up, a scope that contradicts itself
        return []
    with by_index(), connection.cursor() as cursor:
        cursor.execute(sql, params)
        return [_picked(record, groups) for record in cursor.fetchall()]


@contextmanager
def by_index() -> Iterator[None]:
    """Have the transaction's statements planned as nested loops over indexes.

    A run changes what the statistics tell, as fast as it goes: by them a few rows that are left over among a million
    would be searched for by reading both tables whole.
    """
    _set(_BY_INDEX)
    yield
    _set(dict.fromkeys(_BY_INDEX))


def _set(settings: Mapping[str, str | None]) -> None:
    """Set these for the rest of the transaction; None is the connection's own value."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT set_config(name, value, true) FROM unnest(%s::text[], %s::text[]) AS setting (name, value)",
            [list(settings), list(settings.values())],
        )


def statement(dispatch: Dispatch, groups: Sequence[PlannedGroup], most: int) -> tuple[str, tuple[Any, ...]]:
    """The SQL of `pick` with its parameters: columns id, position and, for several groups, whether each is eligible."""
    rows = _eligible_rows(dispatch, groups)
    if not _by_done(dispatch):
        return rows[:most].query.sql_with_params()
    mask = reduce(or_, (1 << group.bit for group in groups))
    sql, params = rows.filter(done=RawSQL("lacking.done", ()))[:most].query.sql_with_params()
    table = dispatch.table_id
    return _BY_DONE.replace("{rows}", sql), (table, table, mask, mask, *params, most)


def _by_done(dispatch: Dispatch) -> bool:
    """Whether the done bits can find the rows: they tell what is left over, unless the scope names its rows.

    What an automatic run looks for may be done, and outdated.
    """
    return dispatch.is_manual and dispatch.mode in (Mode.INCOMPLETE, Mode.NEW) and dispatch.scope.get("rows") is None


def _eligible_rows(dispatch: Dispatch, groups: Sequence[PlannedGroup]) -> QuerySet[Row, tuple[Any, ...]]:
    rows = scope.rows(dispatch)
    if dispatch.cursor is not None:
        rows = rows.filter(position__gt=dispatch.cursor)
    conditions = [scope.eligible(dispatch, group) for group in groups]
    rows = rows.filter(reduce(or_, conditions)).order_by("position")
    if len(groups) == 1:
        return rows.values_list("id", "position")
    flags = {
        f"eligible_{group.id}": Case(
            When(condition, then=Value(True)), default=Value(False), output_field=BooleanField()
        )
        for group, condition in zip(groups, conditions, strict=True)
    }
    return rows.annotate(**flags).values_list("id", "position", *flags)


def _picked(record: Sequence[Any], groups: Sequence[PlannedGroup]) -> Picked:
    row_id, position, *flags = record
    eligible = flags or [True]
    return Picked(row_id, position, tuple(group.id for group, flag in zip(groups, eligible, strict=True) if flag))
