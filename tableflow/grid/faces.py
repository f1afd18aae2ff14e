"""What a workflow column's cell shows, by the contract's precedence. Pure: it reads the server's effective state.

error of its own · running · a value · paused · queued · waiting · cancelled · error · skipped · no output · blank.
An old value stays to be seen behind whatever happens to the cell.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from cells.models import Pause, Status
from dispatch.effective import CellState

SHOWN_ERROR_CHARACTERS = 200
WHY_STALE = "Made of other values than the row has now, or by another version of the workflow"


@dataclass(frozen=True)
class Face:
    """`kind` is the word of the precedence; `pill` the word shown, "" for none; `detail` what stands beside it.

    `dimmed`: the value that is there is an old one, and a new one is on its way. `tone`: the pill's colour where its
    word does not say it. `stale`: it is marked so, whatever it shows.
    """

    kind: str
    pill: str = ""
    detail: str = ""
    dimmed: bool = False
    tone: str = ""
    stale: bool = False


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
_BESIDE_A_VALUE = {Status.CANCELLED: "Cancelled", Status.ERROR: "Error"}


def face(state: CellState, *, has_value: bool, names: Mapping[str, str]) -> Face:
    """The face of a cell in this state; `names` are the columns' names by key."""
    return replace(_face(state, has_value=has_value, names=names), stale=state.stale)


def _face(state: CellState, *, has_value: bool, names: Mapping[str, str]) -> Face:
    if state.status in _BUSY:
        return _BUSY[Status(state.status)]
    if has_value:
        return _of_value(state)
    if state.status == Status.PAUSED:
        return _paused(state)
    if state.waiting_on:
        return Face("waiting", "Waiting", f"for {', '.join(names.get(key, key) for key in state.waiting_on)}")
    if state.status == Status.ERROR:
        return Face("error", "Error", _short(state.error))
    return _REST[Status(state.status) if state.status else None]


def _of_value(state: CellState) -> Face:
    if state.status == Status.PAUSED:
        return replace(_paused(state), kind="value")
    mark = _BESIDE_A_VALUE.get(Status(state.status)) if state.status else None
    if mark is None:
        return Face("value")
    return Face("value", mark, _short(state.error))


def _paused(state: CellState) -> Face:
    """Violet when it needs a person, amber when time alone is to pass."""
    if state.pause is None:
        return Face("paused", "Paused")
    if state.pause.kind == Pause.Kind.APPROVAL:
        return Face("paused", "Paused", f"needs an answer{_when(' by', state.pause.due_at)}")
    word = "tries again" if state.pause.kind == Pause.Kind.RETRY else "waits"
    when = _when(" at" if state.pause.kind == Pause.Kind.RETRY else " until", state.pause.due_at)
    return Face("paused", "Paused", f"{word}{when}" if when else "goes on", tone="later")


def _when(word: str, due_at: datetime | None) -> str:
    return f"{word} {due_at.day} {due_at:%b, %H:%M}" if due_at else ""


def _short(text: str | None) -> str:
    return (text or "")[:SHOWN_ERROR_CHARACTERS]
