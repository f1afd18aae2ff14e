"""Pausing and resuming a dispatch: nothing new starts, what runs ends, and later it goes on from its cursor.

That it is paused stands in PostgreSQL and nowhere else. The sweep leaves its lanes alone; resuming rings them all.
"""

from __future__ import annotations

from django.db import transaction

from dispatch import bell, caps, lifecycle
from dispatch.models import ENDED, Dispatch, DispatchStatus, Lane
from tableflow.errors import Conflict, NotFound


def pause_dispatch(dispatch_id: int, *, by: str | None = None) -> Dispatch:
    """Pause a dispatch, in somebody's name; when it has answered no cell of it starts. Paused already: nothing changes.

    Raises NotFound, and Conflict when it has ended.
    """
    with transaction.atomic():
        dispatch = _alone(dispatch_id)
        if dispatch.status in ENDED:
            raise Conflict(f"This run is {dispatch.status}; there is nothing left to pause.", "already_ended")
        lifecycle.pause(dispatch_id, f"Paused by {by}." if by else "Paused.")
    dispatch.refresh_from_db()
    return dispatch


def resume_dispatch(dispatch_id: int) -> Dispatch:
    """Let a paused dispatch go on, and ring for it. Not paused: nothing changes.

    Raises NotFound, and Conflict when it has ended or when a cap is reached that would pause it again at once.
    """
    with transaction.atomic():
        dispatch = _alone(dispatch_id)
        if dispatch.status in ENDED:
            raise Conflict(f"This run is {dispatch.status}; there is nothing left to resume.", "already_ended")
        if dispatch.status == DispatchStatus.PAUSED:
            _resume(dispatch)
    dispatch.refresh_from_db()
    return dispatch


def _resume(dispatch: Dispatch) -> None:
    reached = caps.in_the_way(dispatch)
    if reached is not None:
        raise Conflict(f"{reached.said} Raise or remove caps.{reached.name} first, then resume.", "cap_reached")
    lifecycle.resume(dispatch.pk)
    lanes = list(Lane.objects.filter(dispatch=dispatch, retired_at=None))
    transaction.on_commit(lambda: bell.call(dispatch, lanes))


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
