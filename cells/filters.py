"""The filter by execution status: `{"field": "@<group id>", "op": …, "value": status}`."""

from __future__ import annotations

from typing import Any

from django.db.models import Exists, OuterRef, Q

from cells.models import Execution, Status
from tableflow.errors import InvalidInput


def status_predicate(group_id: int, op: str, value: Any) -> Q:
    """The rows whose execution of this group has the status; a cell that never ran has none, and is empty."""
    here = Execution.objects.filter(group=group_id, row=OuterRef("pk"))
    if op == "is_empty":
        return Q(~Exists(here))
    if op == "is_not_empty":
        return Q(Exists(here))
    statuses = _statuses(value if op in ("in", "nin") else [value])
    if op in ("eq", "in"):
        return Q(Exists(here.filter(status__in=statuses)))
    if op in ("ne", "nin"):
        return Q(~Exists(here.filter(status__in=statuses)))
    raise InvalidInput.at("filter", f"An execution status cannot be compared with {op}: use eq, ne, in, nin, is_empty.")


def _statuses(values: Any) -> list[str]:
    if not isinstance(values, list) or not values:
        raise InvalidInput.at("filter", "Give a list of statuses.")
    for value in values:
        if value not in Status.values:
            raise InvalidInput.at("filter", f"{value!r} is no execution status; they are {', '.join(Status.values)}.")
    return values
