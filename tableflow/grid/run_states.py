"""The states of a run as people read them."""

from __future__ import annotations

from dataclasses import dataclass

from dispatch.models import DispatchStatus


@dataclass(frozen=True)
class State:
    """`word` is what people read; `face` is the class of its pill."""

    word: str
    face: str


STATES = {
    DispatchStatus.PENDING: State("Queueing", "queued"),
    DispatchStatus.DISPATCHING: State("Running", "running"),
    DispatchStatus.PAUSED: State("Paused", "paused"),
    DispatchStatus.COMPLETE: State("Complete", "complete"),
    DispatchStatus.CANCELLED: State("Cancelled", "cancelled"),
}


def state(status: str) -> State:
    """The state of a run of this status."""
    return STATES[DispatchStatus(status)]
