"""Admission: the next window of a dispatch. Its stamps and the cursor's move are one transaction (law 3)."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Max, Min, Sum

from dispatch import caps, windows
from dispatch.models import Dispatch, Window
from dispatch.pick import Looked, Walked, look

FIRST_WIDTH = 4
NARROWEST = 20
WIDEST = 2000
SECONDS = 5.0
MEASURED = 4


def first_width(concurrency: int) -> int:
    """Rows of the first windows, before anything was measured: a few rounds of the slots."""
    return max(NARROWEST, min(WIDEST, concurrency * FIRST_WIDTH))


def admit(dispatch: Dispatch, lane: int) -> Window | Walked | None:
    """Admit the next rows after the cursor, in the caller's transaction, which has locked the dispatch.

    None when none lies ahead: then the dispatch is exhausted. None too when its cap lets no more in. Walked when a
    slice of the rows ahead was looked at and none of them is to run: the caller commits that, and comes again.
    """
    if dispatch.exhausted:
        return None
    most = _room(dispatch)
    if not most:
        return None
    found = look(dispatch, most)
    window = windows.open_with(dispatch, lane, found.rows) if found.rows else None
    _move(dispatch, found, most)
    return Walked(found.end) if window is None and found.end is not None else window


def _move(dispatch: Dispatch, found: Looked, most: int) -> None:
    """Move the cursor over what was looked at: behind the last row admitted where there may be others after it."""
    is_full = len(found.rows) == most
    if found.rows and (is_full or found.end is None):
        dispatch.cursor = found.rows[-1].position
    elif found.end is not None:
        dispatch.cursor = found.end
    dispatch.admitted_rows += len(found.rows)
    is_used_up = dispatch.admitted_rows == dispatch.limit_rows
    dispatch.exhausted = is_used_up or (not is_full and found.end is None)
    dispatch.width = _next_width(dispatch)
    dispatch.save(update_fields=["cursor", "admitted_rows", "exhausted", "width"])


def _room(dispatch: Dispatch) -> int:
    limits = (dispatch.width, caps.rows_left(dispatch), _limit_left(dispatch))
    return min(limit for limit in limits if limit is not None)


def _limit_left(dispatch: Dispatch) -> int | None:
    return None if dispatch.limit_rows is None else dispatch.limit_rows - dispatch.admitted_rows


def _next_width(dispatch: Dispatch) -> int:
    """Rows that all slots together end in some seconds, by the last closed windows; at most twice the width now."""
    closed = Window.objects.filter(dispatch=dispatch, closed_at__isnull=False).order_by("-pk")[:MEASURED]
    measured = closed.aggregate(rows=Sum("rows"), since=Min("opened_at"), until=Max("closed_at"))
    if measured["rows"] is None:
        return dispatch.width
    wanted = int(measured["rows"] / _seconds(measured["since"], measured["until"]) * SECONDS)
    floor = max(NARROWEST, dispatch.concurrency)
    return max(floor, min(WIDEST, wanted, dispatch.width * 2))


def _seconds(since: datetime, until: datetime) -> float:
    return max(0.05, (until - since).total_seconds())
