"""Pausing and resuming a dispatch: nothing new starts, what runs ends, and later it goes on from its cursor.

That it is paused stands in PostgreSQL and nowhere else. The sweep leaves its lanes alone; resuming rings them all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import transaction

from dispatch import bell, caps, lifecycle, named
from dispatch.models import ENDED, Dispatch, DispatchStatus, Lane
from tableflow.errors import Conflict, NotFound
from tableflow.tables import schema


@dataclass(frozen=True)
class Resumed:
    """What became of the paused dispatches of a table: the ids of those that go on, and why the others do not."""

    gone_on: list[int]
    refused: dict[int, str]


def pause_dispatch(dispatch_id: int, *, by: str | None = None) -> Dispatch:
    """Pause a dispatch, in somebody's name; when it has answered no cell of it starts. Paused already: nothing changes.

    Raises NotFound, and Conflict when it has ended.
    """
    with transaction.atomic():
        dispatch = _alone(dispatch_id)
        if dispatch.status in ENDED:
            raise Conflict(f"This run is {dispatch.status}; there is nothing left to pause.", "already_ended")
        lifecycle.pause(dispatch_id, _because(by))
    dispatch.refresh_from_db()
    return dispatch


def pause_runs(table_id: int, groups: Sequence[int] | None = None, *, by: str | None = None) -> list[int]:
    """Pause the dispatches of a table that go on and have one of these groups (None: any), all at one moment.

    Gives their ids. A dispatch pauses as a whole, also in its other groups. InvalidInput names groups.
    """
    with transaction.atomic():
        dispatches = _of_table(table_id, groups)
        return [dispatch.pk for dispatch in dispatches if lifecycle.pause(dispatch.pk, _because(by))]


def resume_runs(table_id: int, groups: Sequence[int] | None = None) -> Resumed:
    """Let the paused dispatches of a table go on that have one of these groups (None: any), and ring for them.

    One of which a cap is reached stays as it is. InvalidInput names groups.
    """
    resumed = Resumed([], {})
    with transaction.atomic():
        for dispatch in _of_table(table_id, groups):
            if dispatch.status != DispatchStatus.PAUSED:
                continue
            refusal = _resume(dispatch)
            if refusal is None:
                resumed.gone_on.append(dispatch.pk)
            else:
                resumed.refused[dispatch.pk] = refusal
    return resumed


def resume_dispatch(dispatch_id: int) -> Dispatch:
    """Let a paused dispatch go on, and ring for it. Not paused: nothing changes.

    Raises NotFound, and Conflict when it has ended or when a cap is reached that would pause it again at once.
    """
    with transaction.atomic():
        dispatch = _alone(dispatch_id)
        if dispatch.status in ENDED:
            raise Conflict(f"This run is {dispatch.status}; there is nothing left to resume.", "already_ended")
        refusal = _resume(dispatch) if dispatch.status == DispatchStatus.PAUSED else None
        if refusal is not None:
            raise Conflict(refusal, "cap_reached")
    dispatch.refresh_from_db()
    return dispatch


def _resume(dispatch: Dispatch) -> str | None:
    """Let a paused dispatch go on, and ring for it; or what is in the way, and what to do."""
    reached = caps.in_the_way(dispatch)
    if reached is not None:
        return f"{reached.said} Raise or remove caps.{reached.name} first, then resume."
    lifecycle.resume(dispatch.pk)
    lanes = list(Lane.objects.filter(dispatch=dispatch, retired_at=None))
    transaction.on_commit(lambda: bell.call(dispatch, lanes))
    return None


def _because(by: str | None) -> str:
    return f"Paused by {by}." if by else "Paused."


def _of_table(table_id: int, groups: Sequence[int] | None) -> list[Dispatch]:
    """The active dispatches that have one of the groups, locked, while no draw or admission of the table goes on."""
    if groups is not None:
        named.check_groups(schema.load(table_id), groups)
    lifecycle.serialise(table_id)
    active = Dispatch.objects.active().filter(table=table_id).select_for_update().order_by("pk")
    return [one for one in active if groups is None or any(group["id"] in groups for group in one.plan)]


def _alone(dispatch_id: int) -> Dispatch:
    """The dispatch, locked, while no draw or admission of its table goes on."""
    table_id = Dispatch.objects.filter(pk=dispatch_id).values_list("table_id", flat=True).first()
    if table_id is None:
        raise NotFound("There is no such run.")
    lifecycle.serialise(table_id)
    dispatch = Dispatch.objects.select_for_update().filter(pk=dispatch_id).first()
    if dispatch is None:
        raise NotFound("There is no such run.")
    return dispatch
