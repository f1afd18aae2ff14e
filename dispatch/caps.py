"""Caps: bounds that a dispatch was given, at which it pauses by itself and says why.

`rows` is a number of rows: admission stops there, and when their cells have ended the dispatch is paused. `errors` is a
number of cells that failed, `error_share` their part (0 to 1] of the cells that ended, judged from `LEAST_ENDED` on,
`minutes` the time that it has been dispatching, pauses not counted. They are judged at the beginning of a draw's
transaction, before an admission, and by the sweep; so what is in flight when one is reached still ends, and may exceed
it. That is a dispatch's concurrency, and on a busy machine a few times that: a draw that judged just before goes on
after it, and each of the draws that work side by side may be such a one, once. A dispatch in which nothing is left to
start is never paused: it completes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from cells.models import Status
from dispatch import lifecycle, windows
from dispatch.models import ENDED, Dispatch, DispatchStatus
from dispatch.pick import Walked, look
from dispatch.progress import ran_for
from tableflow.errors import Conflict, InvalidInput, NotFound, Problem
from tableflow.live import marks

LEAST_ENDED = 20
COUNTED = ("rows", "errors")
MOST = {"rows": 10_000_000, "errors": 10_000_000, "error_share": 1, "minutes": 525_600}


@dataclass(frozen=True)
class Standing:
    """What caps are judged by: cells that ended, those of them that failed, and the minutes of dispatching."""

    ended: int
    errors: int
    minutes: float


@dataclass(frozen=True)
class Reached:
    """A cap that was reached: its name, and a sentence that says so."""

    name: str
    said: str


def check(given: Mapping[str, Any]) -> dict[str, Any]:
    """The caps that were given, without those that are None; InvalidInput naming each that cannot be one."""
    problems = [problem for name, cap in given.items() if (problem := _problem(name, cap)) is not None]
    if problems:
        raise InvalidInput(problems)
    return {name: cap for name, cap in given.items() if cap is not None}


def _problem(name: str, cap: Any) -> Problem | None:
    if name not in MOST:
        return Problem(f"{name!r} is no cap; use {', '.join(MOST)}.", f"caps.{name}", "unknown_field")
    if cap is None:
        return None
    whole = name in COUNTED
    if isinstance(cap, bool) or not isinstance(cap, int if whole else int | float):
        return Problem(f"A {'whole number' if whole else 'number'} is required.", f"caps.{name}", "invalid")
    if not 0 < cap <= MOST[name]:
        return Problem(f"The cap must be above 0 and at most {MOST[name]}.", f"caps.{name}", "out_of_range")
    return None


def judge(caps: Mapping[str, Any], standing: Standing) -> Reached | None:
    """The first of the caps on errors and time that is reached; None when none is. That on rows is admission's."""
    errors, share, minutes = (caps.get(name) for name in ("errors", "error_share", "minutes"))
    if errors is not None and standing.errors >= errors:
        return Reached("errors", f"{standing.errors:,} cells failed; the cap is {errors:,}.")
    if share is not None and standing.ended >= LEAST_ENDED and standing.errors >= share * standing.ended:
        part = standing.errors / standing.ended
        return Reached("error_share", f"{part:.0%} of {standing.ended:,} cells failed; the cap is {share:.0%}.")
    if minutes is not None and standing.minutes >= minutes:
        return Reached("minutes", f"It has run for {standing.minutes:.1f} minutes; the cap is {minutes:g}.")
    return None


def rows_left(dispatch: Dispatch) -> int | None:
    """How many rows its cap lets it admit still; None when it has no such cap."""
    most = dispatch.caps.get("rows")
    return None if most is None else max(0, most - dispatch.admitted_rows)


def pause_where_reached(dispatch_id: int) -> bool:
    """Pause a dispatch whose cap on errors or time is reached while cells are left to start; whether one is.

    Somebody else may have paused it just now, for the same reason: then it goes on no more, either.
    """
    dispatch = _load(dispatch_id)
    if dispatch is None or dispatch.status != DispatchStatus.DISPATCHING:
        return False
    reached = judge(dispatch.caps, _standing(dispatch))
    if reached is None or not _may_start_more(dispatch):
        return False
    lifecycle.pause(dispatch_id, reached.said)
    return True


def pause_at_rows(dispatch: Dispatch) -> bool | Walked:
    """Pause a dispatch that has admitted as many rows as its cap lets it and has ended them, if others lie ahead.

    Part of the transaction that has locked it. Where none lies ahead, it is exhausted. Walked: not known yet.
    """
    if rows_left(dispatch) != 0 or dispatch.exhausted:
        return False
    found = look(dispatch, 1)
    if found.rows:
        return lifecycle.pause(dispatch.pk, _rows_reached(dispatch).said)
    dispatch.cursor, dispatch.exhausted = found.end or dispatch.cursor, found.end is None
    dispatch.save(update_fields=["cursor", "exhausted"])
    return False if found.end is None else Walked(found.end)


def in_the_way(dispatch: Dispatch) -> Reached | None:
    """The cap that would pause a paused dispatch again at once; None when it may go on."""
    reached = judge(dispatch.caps, _standing(dispatch))
    if reached is not None:
        return reached if _may_start_more(dispatch) else None
    if rows_left(dispatch) == 0 and not dispatch.exhausted and not windows.unfinished(dispatch.pk):
        return _rows_reached(dispatch)
    return None


def change(dispatch_id: int, changes: Mapping[str, Any] | None) -> Dispatch:
    """Set caps of a dispatch that has not ended; one that is None is taken away, those not named stay. None: all go.

    Raises InvalidInput naming the cap, NotFound, and Conflict when it has ended.
    """
    checked = check(changes or {})
    with transaction.atomic():
        dispatch = Dispatch.objects.select_for_update().filter(pk=dispatch_id).first()
        if dispatch is None:
            raise NotFound("There is no such run.")
        if dispatch.status in ENDED:
            raise Conflict(f"This run is {dispatch.status}; its caps cannot change any more.", "already_ended")
        kept = {name: cap for name, cap in dispatch.caps.items() if changes is not None and name not in changes}
        dispatch.caps = {**kept, **checked}
        dispatch.save(update_fields=["caps"])
        marks.figures(dispatch.table_id, dispatch_id)
    return dispatch


def capped() -> list[int]:
    """The ids of the dispatches that run under caps."""
    running = Dispatch.objects.filter(status=DispatchStatus.DISPATCHING).exclude(caps={})
    return list(running.order_by("pk").values_list("pk", flat=True))


def _load(dispatch_id: int) -> Dispatch | None:
    judged = ("status", "caps", "ran_for", "resumed_at", "exhausted")
    return Dispatch.objects.only(*judged).filter(pk=dispatch_id).first()


def _standing(dispatch: Dispatch) -> Standing:
    counted = windows.counts([dispatch.pk])[dispatch.pk]
    ended = sum(counted.outcomes.values())
    return Standing(ended, counted.outcomes["error"], ran_for(dispatch, counted.at).total_seconds() / 60)


def _may_start_more(dispatch: Dispatch) -> bool:
    """Whether rows lie ahead, or cells in flight wait for their turn."""
    if not dispatch.exhausted:
        return True
    open_ones = windows.open_of([dispatch.pk]).values_list("pk", flat=True)
    return windows.in_flight(open_ones).exclude(status=Status.RUNNING).exists()


def _rows_reached(dispatch: Dispatch) -> Reached:
    return Reached("rows", f"{dispatch.admitted_rows:,} rows were run, its cap; more lie ahead.")
