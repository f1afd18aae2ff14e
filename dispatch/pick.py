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

from cells.eligibility import asks_for_outdated
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
SLICE = 20_000
"""How many rows one transaction looks at, where it takes a look at each to tell."""


@dataclass(frozen=True)
class Picked:
    """A row to admit, and the groups to stamp in it."""

    id: int
    position: Decimal
    groups: tuple[int, ...]


@dataclass(frozen=True)
class Looked:
    """What a look ahead found, in order. `end` is the position that it reached; None: the last row of all."""

    rows: list[Picked]
    end: Decimal | None


@dataclass(frozen=True)
class Walked:
    """Up to `end` there was nothing, and the cursor is there now. More may lie beyond: commit, then look again."""

    end: Decimal


def look(dispatch: Dispatch, most: int) -> Looked:
    """Up to `most` rows after the cursor that have an eligible cell, in a bounded time.

    Where no index finds them it looks no further than `SLICE` rows: a table's run lock, and its dispatch, are never
    held for as long as it takes to read the whole of it.
    """
    try:
        end = _slice_end(dispatch) if _is_walked(dispatch) else None
        return Looked(_found(dispatch, most, end), end)
    except EmptyResultSet:  # no row can be meant: a limit that is used up, a scope that contradicts itself
        return Looked([], None)


def pick(dispatch: Dispatch, most: int) -> list[Picked]:
    """Up to `most` rows after the cursor that have an eligible cell; fewer mean that no other lies ahead.

    It may read the whole table: for whoever holds no lock.
    """
    try:
        return _found(dispatch, most, None)
    except EmptyResultSet:
        return []


def _found(dispatch: Dispatch, most: int, end: Decimal | None) -> list[Picked]:
    groups = scope.planned(dispatch)
    sql, params = statement(dispatch, groups, most, end)
    with by_index(), connection.cursor() as cursor:
        cursor.execute(sql, params)
        return [_picked(record, groups) for record in cursor.fetchall()]


def _is_walked(dispatch: Dispatch) -> bool:
    """Whether it takes a look at each row ahead to tell which of them are meant."""
    if dispatch.scope.get("rows") is not None:
        return False
    by_values = dispatch.scope.get("filter") is not None or asks_for_outdated(scope.request(dispatch))
    return by_values or (dispatch.mode == Mode.ALL and all(group["run_after"] for group in dispatch.plan))


def _slice_end(dispatch: Dispatch) -> Decimal | None:
    """The position of the last row of the next slice; None when fewer rows lie ahead."""
    with by_index():
        ahead = _ahead(dispatch, Row.objects.filter(table=dispatch.table_id)).order_by("position")
        return ahead.values_list("position", flat=True)[SLICE - 1 : SLICE].first()


def _ahead(dispatch: Dispatch, rows: QuerySet[Row]) -> QuerySet[Row]:
    """Those of the rows after the cursor, and between the first and the last position that the scope names."""
    if ranges := dispatch.scope.get("ranges"):
        rows = rows.filter(position__range=(min(first for first, _ in ranges), max(last for _, last in ranges)))
    return rows.filter(position__gt=dispatch.cursor) if dispatch.cursor is not None else rows


@contextmanager
def by_index(**further: str) -> Iterator[None]:
    """Have the transaction's statements planned as nested loops over indexes; `further` settings hold as long.

    A run changes what the statistics tell, as fast as it goes: by them a few rows that are left over among a million
    would be searched for by reading both tables whole.
    """
    settings = {**_BY_INDEX, **further}
    _set(settings)
    yield
    _set(dict.fromkeys(settings))


def _set(settings: Mapping[str, str | None]) -> None:
    """Set these for the rest of the transaction; None is the connection's own value."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT set_config(name, value, true) FROM unnest(%s::text[], %s::text[]) AS setting (name, value)",
            [list(settings), list(settings.values())],
        )


def statement(
    dispatch: Dispatch, groups: Sequence[PlannedGroup], most: int, end: Decimal | None = None
) -> tuple[str, tuple[Any, ...]]:
    """The SQL of `pick` with its parameters: columns id, position and, for several groups, whether each is eligible.

    With an `end` none lies behind that position.
    """
    rows = _eligible_rows(dispatch, groups, end)
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


def _eligible_rows(
    dispatch: Dispatch, groups: Sequence[PlannedGroup], end: Decimal | None
) -> QuerySet[Row, tuple[Any, ...]]:
    rows = _ahead(dispatch, scope.rows(dispatch))
    if end is not None:
        rows = rows.filter(position__lte=end)
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
