"""The filter by execution status: `{"field": "@<group id>", "op": …, "value": status}`.

Beside the statuses the value may be `stale`. That is no status but a mark: the cell has ended, and what it shows was
made of other values, or by another version, than there are now (cells/usage.py).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from django.db.models import Exists, OuterRef, Q

from cells import usage
from cells.models import Execution, Status
from cells.usage import Usage
from tableflow.errors import InvalidInput
from tableflow.tables.filters import StatusPredicate
from tableflow.tables.schema import Schema

STALE = "stale"
UsagesOf = Callable[[], Mapping[int, Usage]]


def status_predicate(schema: Schema) -> StatusPredicate:
    """The predicate for a table's groups as they are now. What they use is looked up when a filter asks for it."""
    return predicate(cache(lambda: usage.of(schema)))


def predicate(usages: UsagesOf) -> StatusPredicate:
    """The predicate for groups that use what `usages` says, by group id."""

    def rows(group_id: int, op: str, value: Any) -> Q:
        return _rows(group_id, op, value, usages)

    return rows


def _rows(group_id: int, op: str, value: Any, usages: UsagesOf) -> Q:
    """The rows whose execution of this group has the status; a cell that never ran has none, and is empty."""
    here = Execution.objects.filter(group=group_id, row=OuterRef("pk"))
    if op == "is_empty":
        return Q(~Exists(here))
    if op == "is_not_empty":
        return Q(Exists(here))
    wanted = _checked(value if op in ("in", "nin") else [value])
    condition = Q(status__in=[status for status in wanted if status != STALE])
    if STALE in wanted:
        condition |= usage.stale(usages()[group_id], OuterRef("data"))
    if op in ("eq", "in"):
        return Q(Exists(here.filter(condition)))
    if op in ("ne", "nin"):
        return Q(~Exists(here.filter(condition)))
    raise InvalidInput.at("filter", f"An execution status cannot be compared with {op}: use eq, ne, in, nin, is_empty.")


def _checked(values: Any) -> list[str]:
    if not isinstance(values, list) or not values:
        raise InvalidInput.at("filter", "Give a list of statuses.")
    known = [*Status.values, STALE]
    for value in values:
        if value not in known:
            raise InvalidInput.at("filter", f"{value!r} is no execution status; they are {', '.join(known)}.")
    return values
