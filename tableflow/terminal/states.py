"""How the live connection stands, for the status bar. Times are seconds of the subscription's clock."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Live:
    """The stream is open: what changes is heard of."""


@dataclass(frozen=True)
class Polling:
    """There is no stream now, one is being opened; what is shown is what was asked for last. `cause`: why, if known."""

    cause: str = ""


@dataclass(frozen=True)
class Reconnecting:
    """The stream ended because of `cause`; the next is opened at `until`."""

    until: float
    cause: str


@dataclass(frozen=True)
class Stopped:
    """No stream will be opened any more, because of `reason`."""

    reason: str


State = Live | Polling | Reconnecting | Stopped


def said(state: State, now: float) -> str:
    """The state in words. It is data from elsewhere in part: clean it before it is shown."""
    match state:
        case Live():
            return "live"
        case Polling(cause):
            return f"polling ({cause.rstrip('.')})" if cause else "polling"
        case Reconnecting(until, cause):
            return f"reconnecting in {max(0, math.ceil(until - now))} s ({cause.rstrip('.')})"
        case Stopped(reason):
            return f"stopped: {reason}"
