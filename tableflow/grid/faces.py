"""What a workflow column's cell shows, by the contract's precedence. Pure: it reads the server's effective state.

error of its own · running · a value · paused · queued · waiting · cancelled · error · skipped · no output · blank.
An old value stays to be seen behind whatever happens to the cell.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from cells.models import Status
from dispatch.effective import CellState

SHOWN_ERROR_CHARACTERS = 200


@dataclass(frozen=True)
class Face:
    """`kind` is the word of the precedence; `pill` the word shown, "" for none; `detail` what stands beside it.

    `dimmed`: the value that is there is an old one, and a new one is on its way.
    """

    kind: str
    pill: str = ""
    detail: str = ""
    dimmed: bool = False


BLANK = Face("blank")
_BUSY = {
    Status.RUNNING: Face("running", "Running", dimmed=True),
    Status.PENDING: Face("queued", "Queued", dimmed=True),
    Status.QUEUED: Face("queued", "Queued", dimmed=True),
}
_REST = {
    None: BLANK,
    Status.CANCELLED: Face("cancelled", "Cancelled"),
    Status.SKIPPED: Face("skipped", "Skipped"),
    Status.COMPLETED: Face("no-output", "", "No output"),
}
_BESIDE_A_VALUE = {Status.PAUSED: "Paused", Status.CANCELLED: "Cancelled", Status.ERROR: "Error"}


def face(state: CellState, *, has_value: bool, names: Mapping[str, str]) -> Face:
    """The face of a cell in this state; `names` are the columns' names by key."""
    if state.status in _BUSY:
        return _BUSY[Status(state.status)]
    if has_value:
        return _of_value(state)
    if state.status == Status.PAUSED:
        return Face("paused", "Paused")
    if state.waiting_on:
        return Face("waiting", "Waiting", f"for {', '.join(names.get(key, key) for key in state.waiting_on)}")
    if state.status == Status.ERROR:
        return Face("error", "Error", _short(state.error))
    return _REST[Status(state.status) if state.status else None]


def _of_value(state: CellState) -> Face:
    mark = _BESIDE_A_VALUE.get(Status(state.status)) if state.status else None
    if mark is None:
        return Face("value")
    return Face("value", mark, _short(state.error))


def _short(text: str | None) -> str:
    return (text or "")[:SHOWN_ERROR_CHARACTERS]
