"""The filters by a cell: `{"field": "@<group id>", "op": …, "value": status}`, and `@<group id>.error` by its message.

Beside the statuses the value may be `stale`. That is no status but a mark: the cell has ended, and what it shows was
made of other values, or by another version, than there are now (cells/usage.py). A cell that did not fail has no
message: its error is empty.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet

from cells import usage
from cells.models import Execution, Status
from cells.usage import Usage
from tableflow.errors import InvalidInput
from tableflow.tables.filters import OPPOSITES, CellPredicate, compile_filter
from tableflow.tables.schema import Schema

STALE = "stale"
LOOKUPS = {
    "eq": "error",
    "in": "error__in",
    "contains": "error__icontains",
    "starts_with": "error__istartswith",
    "ends_with": "error__iendswith",
}
UsagesOf = Callable[[], Mapping[int, Usage]]


def cell_predicate(schema: Schema) -> CellPredicate:
    """The predicate for a table's groups as they are now. What they use is looked up when a filter asks for it."""
    return predicate(cache(lambda: usage.of(schema)))


def compiled(schema: Schema, filter_json: Any) -> Q:
    """The condition of a filter of a table, as its groups are now. InvalidInput names what is wrong in it."""
    return compile_filter(schema, filter_json, cell_predicate(schema))


def predicate(usages: UsagesOf) -> CellPredicate:
    """The predicate for groups that use what `usages` says, by group id."""

    def rows(group_id: int, part: str, op: str, value: Any) -> Q:
        here = Execution.objects.filter(group=group_id, row=OuterRef("pk"))
        if part == "error":
            return _by_error(here.filter(failed=True), op, value)
        return _by_status(here, op, value, lambda: usages()[group_id])

    return rows


def _by_error(failed: QuerySet[Execution], op: str, value: Any) -> Q:
    """The rows whose cell failed with such a message; the opposites hold for cells that did not fail, too."""
    positive = OPPOSITES.get(op, op)
    if positive == "is_empty":
        condition = Q(~Exists(failed.exclude(error="")))
    else:
        condition = Q(Exists(failed.filter(**{LOOKUPS[positive]: value})))
    return condition if positive == op else ~condition


def _by_status(here: QuerySet[Execution], op: str, value: Any, used: Callable[[], Usage]) -> Q:
    """The rows whose execution of this group has the status; a cell that never ran has none, and is empty."""
    if op == "is_empty":
        return Q(~Exists(here))
    if op == "is_not_empty":
        return Q(Exists(here))
    wanted = _checked(value if op in ("in", "nin") else [value])
    condition = Q(status__in=[status for status in wanted if status != STALE])
    if STALE in wanted:
        condition |= usage.stale(used(), OuterRef("data"))
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
