"""Which rows a dispatch covers, and which of them its cells are eligible in: predicates over rows, all in SQL."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from django.db.models import Q, QuerySet

from cells import eligibility, usage
from cells.eligibility import Request
from cells.filters import predicate
from cells.usage import Usage
from dispatch.models import Dispatch
from tableflow.tables.filters import CellPredicate, compile_filter
from tableflow.tables.imports import landing
from tableflow.tables.models import Row
from tableflow.tables.schema import ColumnSpec, GroupSpec, Schema


@dataclass(frozen=True)
class PlannedGroup:
    """What eligibility asks of a group."""

    id: int
    auto_run: bool
    run_after: tuple[str, ...]
    bit: int
    usage: Usage
    upstream: tuple[int, ...]

    @classmethod
    def of(cls, pinned: Mapping[str, Any]) -> PlannedGroup:
        """From the dispatch's plan."""
        return cls(
            pinned["id"],
            pinned["auto_run"],
            tuple(pinned["run_after"]),
            pinned["bit"],
            Usage(tuple(pinned["reads"]), pinned["token"]),
            tuple(pinned["upstream"]),
        )


def planned(dispatch: Dispatch) -> list[PlannedGroup]:
    """The dispatch's groups from left to right."""
    return [PlannedGroup.of(pinned) for pinned in dispatch.plan]


def request(dispatch: Dispatch) -> Request:
    """What the dispatch asks of each cell."""
    return Request(dispatch.mode, dispatch.is_manual, dispatch.sequence)


def rows(dispatch: Dispatch) -> QuerySet[Row]:
    """The rows of the dispatch's scope, wherever its cursor is."""
    return Row.objects.filter(selection(dispatch.table_id, dispatch.scope), table=dispatch.table_id)


def pin_schema(schema: Schema) -> dict[str, Any]:
    """What a filter is read by, as it was when the filter was given: columns may change or go while a run goes on."""
    return {
        "columns": [asdict(column) for column in schema.columns],
        "groups": [asdict(group) for group in schema.groups],
        "uses": {str(group_id): asdict(used) for group_id, used in usage.of(schema).items()},
    }


def _pinned_schema(table_id: int, pinned: Mapping[str, Any]) -> Schema:
    columns = tuple(ColumnSpec(**column) for column in pinned["columns"])
    groups = (GroupSpec(**{**group, "outputs": (), "run_after": ()}) for group in pinned["groups"])
    return Schema(table_id, columns, tuple(groups))


def _pinned_predicate(pinned: Mapping[str, Any]) -> CellPredicate:
    uses = {int(group_id): Usage(tuple(used["keys"]), used["token"]) for group_id, used in pinned["uses"].items()}
    return predicate(lambda: uses)


def selection(table_id: int, scope: Mapping[str, Any]) -> Q:
    """The condition of a scope: its rows, its filter or its ranges, without the rows it leaves out."""
    condition = Q()
    if scope.get("rows") is not None:
        condition &= Q(pk__in=scope["rows"])
    if scope.get("filter") is not None:
        pinned = scope["schema"]
        condition &= compile_filter(_pinned_schema(table_id, pinned), scope["filter"], _pinned_predicate(pinned))
    if scope.get("ranges") is not None:
        condition &= landing.within(scope["ranges"])
    if scope.get("exclude_rows"):
        condition &= ~Q(pk__in=scope["exclude_rows"])
    return condition


def excluded(dispatch: Dispatch, group_id: int) -> Q:
    """The rows whose cell of this group a cancel took out of the dispatch, ahead of its cursor."""
    condition = Q(pk__in=())
    for exclusion in dispatch.exclusions:
        if exclusion["groups"] is None or group_id in exclusion["groups"]:
            condition |= selection(dispatch.table_id, exclusion) or ~Q(pk__in=())
    return condition


def eligible(dispatch: Dispatch, group: PlannedGroup) -> Q:
    """The rows in which the group's cell is eligible now."""
    return _without_excluded(dispatch, group, eligibility.eligible(group, request(dispatch)))


def askable(dispatch: Dispatch, group: PlannedGroup) -> Q:
    """The rows in which the dispatch asks for the group's cell, be its dependencies met or not."""
    return _without_excluded(dispatch, group, eligibility.askable(group, request(dispatch)))


def _without_excluded(dispatch: Dispatch, group: PlannedGroup, condition: Q) -> Q:
    return condition & ~excluded(dispatch, group.id) if dispatch.exclusions else condition
