"""Turning a column's values into another type: what would become of them, and doing it, a batch of rows at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db import connection
from psycopg.types.json import Jsonb

from tableflow.live import marks
from tableflow.tables import conditions, statements, types
from tableflow.tables.models import Row
from tableflow.tables.schema import ColumnSpec

BATCH = 5000
MAX_EXAMPLES = 20
MAX_SHOWN = 200


@dataclass(frozen=True)
class Failure:
    """A value that the new type cannot hold. `value` is cut to 200 characters where it is a longer text."""

    row: int
    value: Any
    detail: str


@dataclass(frozen=True)
class Conversion:
    """What becomes of a column's values: how many there are, how many stay, and what is lost (the first of it)."""

    total: int
    converted: int
    failed: int
    examples: tuple[Failure, ...]


def is_needed(column: ColumnSpec, type_: str, options: dict[str, Any]) -> bool:
    """Whether the values have to be looked at: another type, or other choices."""
    return type_ != column.type or options.get("choices") != column.options.get("choices")


def report(table_id: int, column: ColumnSpec, type_: str, options: dict[str, Any]) -> Conversion:
    """What `apply` would do now, without doing it."""
    tally = _Tally()
    for rows in _batches(table_id, column.key, lock=False):
        tally.converted_batch(column, type_, options, rows)
    return tally.outcome()


def apply(table_id: int, column: ColumnSpec, type_: str, options: dict[str, Any]) -> Conversion:
    """Converts the values; one that cannot be converted becomes null. Needs a transaction and the table's lock."""
    tally = _Tally()
    for rows in _batches(table_id, column.key, lock=True):
        changed = tally.converted_batch(column, type_, options, rows)
        if changed:
            _write(column.key, changed)
            marks.rows(table_id, None)
    return tally.outcome()


def converted(column: ColumnSpec, type_: str, options: dict[str, Any], value: Any) -> Any:
    """One value of the column as the new type. CannotCoerce when it cannot be one."""
    if column.type in types.LIST_TYPES and isinstance(value, list) and type_ not in (*types.LIST_TYPES, "json"):
        value = ", ".join(map(str, value))
    return types.coerce(type_, options, value)


class _Tally:
    """Counts while batches are converted."""

    def __init__(self) -> None:
        self.total = 0
        self.failed = 0
        self.examples: list[Failure] = []

    def converted_batch(
        self, column: ColumnSpec, type_: str, options: dict[str, Any], rows: list[tuple[int, Any]]
    ) -> dict[int, Any]:
        """Row id → the new value, where it is not what is stored."""
        changed: dict[int, Any] = {}
        for row_id, value in rows:
            try:
                new = converted(column, type_, options, value)
            except types.CannotCoerce as error:
                self._fail(row_id, value, error.detail)
                new = None
            if not types.same(new, value):
                changed[row_id] = new
        self.total += len(rows)
        return changed

    def _fail(self, row_id: int, value: Any, detail: str) -> None:
        self.failed += 1
        if len(self.examples) < MAX_EXAMPLES:
            shown = value if len(str(value)) <= MAX_SHOWN else str(value)[:MAX_SHOWN]
            self.examples.append(Failure(row_id, shown, detail))

    def outcome(self) -> Conversion:
        return Conversion(self.total, self.total - self.failed, self.failed, tuple(self.examples))


def _batches(table_id: int, key: str, *, lock: bool) -> Iterator[list[tuple[int, Any]]]:
    """The rows that have a value there, in the visible order, as (id, value)."""
    having = Row.objects.filter(table=table_id).exclude(conditions.is_empty(key)).order_by("position")
    found = having.select_for_update(no_key=True) if lock else having
    last: Decimal | None = None
    while True:
        here = found if last is None else found.filter(position__gt=last)
        batch = list(here.values_list("pk", "position", conditions.value_of(key))[:BATCH])
        if batch:
            yield [(row_id, value) for row_id, _position, value in batch]
        if len(batch) < BATCH:
            return
        last = batch[-1][1]


def _write(key: str, changed: dict[int, Any]) -> None:
    with connection.cursor() as cursor:
        new: dict[str, Any] = {"key": key, "ids": list(changed), "values": [Jsonb(value) for value in changed.values()]}
        cursor.execute(statements.read("convert_values"), new)
