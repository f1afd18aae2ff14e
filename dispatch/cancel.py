"""Stopping: when a call has answered, nothing that it named writes or starts.

In-flight cells are cancelled under the table's lock, which no draw or admission shares at that moment. What a cursor
has not reached is taken out of the dispatch by an exclusion, one entry whatever the number of rows; and the rows of
its open windows get tombstones, so that a cascade under way finds them.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from cells import lifecycle as executions
from cells.filters import compiled
from cells.models import IN_FLIGHT, Execution
from dispatch import gather, inflight, lifecycle, named, onward, scope, windows
from dispatch.models import Dispatch, DispatchStatus
from tableflow.errors import Conflict, InvalidInput, NotFound
from tableflow.live import marks
from tableflow.tables import schema as schemas
from tableflow.tables.models import Group, Row, Table


@dataclass(frozen=True)
class Cut:
    """What a stop met: the cells in flight that it cancelled, and the active dispatches that it ended or cut short.

    What a dispatch had not reached was never stamped: it is left out, and not among the cells.
    """

    cells: int
    dispatches: int


def cancel_dispatch(dispatch_id: int) -> Dispatch:
    """Cancel a dispatch and its cells in flight. Cancelled already: nothing changes. Complete: Conflict."""
    dispatch = Dispatch.objects.filter(pk=dispatch_id).first()
    if dispatch is None:
        raise NotFound("There is no such run.")
    with transaction.atomic():
        lifecycle.serialise(dispatch.table_id)
        _cancel_whole(dispatch)
    dispatch.refresh_from_db()
    if dispatch.status != DispatchStatus.CANCELLED:
        raise Conflict("This run is complete; there is nothing left to cancel.", "already_complete")
    return dispatch


def cancel_runs(
    table_id: int,
    rows: Sequence[int] | None = None,
    groups: Sequence[int] | None = None,
    filter: Mapping[str, Any] | None = None,  # noqa: A002  (the contract's word)
) -> int:
    """As `cut`; gives the cells in flight that were cancelled."""
    return cut(table_id, rows, groups, filter).cells


def cut(
    table_id: int,
    rows: Sequence[int] | None = None,
    groups: Sequence[int] | None = None,
    filter: Mapping[str, Any] | None = None,  # noqa: A002  (the contract's word)
    exclude_rows: Sequence[int] | None = None,
) -> Cut:
    """Cancel what runs or will run in these rows and groups of a table (None: all), but not in `exclude_rows`, of which
    some may be gone. InvalidInput names what else is not there.
    """
    what = _what(table_id, rows, groups, filter, exclude_rows or ())
    with transaction.atomic():
        lifecycle.serialise(table_id)
        gather.gather_here(table_id)  # what was to run by itself is a run from now on, and stopped with the others
        active = list(Dispatch.objects.active().filter(table=table_id).select_for_update().order_by("pk"))
        if rows is None and groups is None and filter is None and not what["exclude_rows"]:
            return Cut(sum(_cancel_whole(dispatch) for dispatch in active), len(active))
        concerned = [dispatch for dispatch in active if _concerns(dispatch, what)]
        return Cut(sum(_cancel_part(dispatch, what) for dispatch in concerned), len(concerned))


def cancel_automatic(table_id: int, groups: Collection[int] | None = None) -> int:
    """Cancel what runs, or is about to run, by itself in these groups of a table (None: all); gives how many cells in
    flight that were. Runs that somebody asked for go on.
    """
    with transaction.atomic():
        lifecycle.serialise(table_id)
        gather.gather_here(table_id)
        active = Dispatch.objects.active().filter(table=table_id, is_manual=False)
        dispatches = list(active.select_for_update().order_by("pk"))
        return sum(_cancel_groups(dispatch, groups) for dispatch in dispatches)


def hold_still(table_id: int) -> None:
    """Take the two locks of a table in their order, before those of its rows: for what cancels and then deletes."""
    lifecycle.serialise(table_id)
    Table.objects.select_for_update(no_key=True).filter(pk=table_id).first()


def forget_rows(table_id: int, rows: QuerySet[Row]) -> None:
    """Remove the executions of rows that are about to be deleted, in the transaction that deletes them."""
    hold_still(table_id)
    # By group too: executions are found by their group and row.
    groups = list(Group.objects.filter(table=table_id).values_list("pk", flat=True))
    cells = Execution.objects.filter(group__in=groups, row__in=rows)
    inflight.cancel(table_id, cells.filter(status__in=IN_FLIGHT), lifecycle.next_sequence())
    executions.forget(cells)


def _cancel_whole(dispatch: Dispatch) -> int:
    Dispatch.objects.select_for_update().get(pk=dispatch.pk)
    if not lifecycle.cancel(dispatch.pk):
        return 0
    open_ones = windows.open_of([dispatch.pk]).values_list("pk", flat=True)
    cancelled = inflight.cancel(dispatch.table_id, windows.in_flight(open_ones), lifecycle.next_sequence())
    windows.close_finished(dispatch, for_good=True)
    lifecycle.settle(dispatch.pk)
    return len(cancelled)


def _cancel_groups(dispatch: Dispatch, groups: Collection[int] | None) -> int:
    """Cancel these groups of a dispatch, and the whole of it where it has no others."""
    if groups is None or all(group["id"] in groups for group in dispatch.plan):
        return _cancel_whole(dispatch)
    what = {"rows": None, "groups": sorted(groups), "filter": None, "schema": None, "exclude_rows": []}
    return _cancel_part(dispatch, what) if _concerns(dispatch, what) else 0


def _concerns(dispatch: Dispatch, what: Mapping[str, Any]) -> bool:
    """Whether the dispatch may have cells there, by the rows and groups that it was begun for."""
    groups, rows, own = what["groups"], what["rows"], dispatch.scope.get("rows")
    if groups is not None and not any(group["id"] in groups for group in dispatch.plan):
        return False
    return rows is None or own is None or not set(rows).isdisjoint(own)


def _cancel_part(dispatch: Dispatch, what: Mapping[str, Any]) -> int:
    dispatch.exclusions = [*dispatch.exclusions, what]
    dispatch.save(update_fields=["exclusions"])
    cells = windows.in_flight(windows.open_of([dispatch.pk]).values_list("pk", flat=True))
    if what["rows"] is not None or what["filter"] is not None or what["exclude_rows"]:
        condition = scope.selection(dispatch.table_id, what)
        cells = cells.filter(row__in=Row.objects.filter(condition, table=dispatch.table_id))
    groups = [group["id"] for group in dispatch.plan if what["groups"] is None or group["id"] in what["groups"]]
    sequence = lifecycle.next_sequence()
    in_rows = list(cells.values_list("pk", flat=True))
    cancelled = inflight.cancel(dispatch.table_id, cells.filter(group__in=groups), sequence)
    executions.bar(in_rows, groups, sequence)
    onward.stamp_due(cancelled)
    marks.cells(dispatch.table_id, what["rows"], {}, dispatch_id=dispatch.pk)  # those ahead of the cursor too
    return len(cancelled)


def _what(
    table_id: int,
    rows: Sequence[int] | None,
    groups: Sequence[int] | None,
    filter_: Mapping[str, Any] | None,
    exclude_rows: Sequence[int],
) -> dict[str, Any]:
    schema = schemas.load(table_id)
    if groups is not None:
        named.check_groups(schema, groups)
    if rows is not None and filter_ is not None:
        raise InvalidInput.at("filter", "Give either `rows` or `filter`, not both.", "conflict")
    if rows is not None:
        named.check_some("rows", rows)
        named.check_rows(table_id, "rows", rows)
    if filter_ is not None:
        compiled(schema, filter_)
    return {
        "rows": sorted(set(rows)) if rows is not None else None,
        "groups": sorted(set(groups)) if groups is not None else None,
        "filter": filter_,
        "schema": scope.pin_schema(schema) if filter_ is not None else None,
        "exclude_rows": sorted(named.rows_there(table_id, "exclude_rows", exclude_rows)),
    }
