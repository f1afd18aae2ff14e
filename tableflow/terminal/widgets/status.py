"""The line that always says how the connection stands, how old what is shown is, whose it is, and what filters it."""

from __future__ import annotations

from urllib.parse import urlsplit

from rich.cells import cell_len

from tableflow.terminal import states, texts
from tableflow.terminal.states import Live, Polling, Reconnecting, State, Stopped

_MARKS = {Live: "●", Polling: "◌", Reconnecting: "◌", Stopped: "✗"}
_TONES = {Live: "", Polling: "wait", Reconnecting: "wait", Stopped: "error"}
BETWEEN = " · "


def tone(state: State) -> str:
    """The colour of a state by its meaning."""
    return _TONES[type(state)]


def line(state: State, now: float, *, age: float | None, url: str, filters: str, width: int) -> str:
    """The status line in so many places. `age` in seconds; None: nothing has come yet. What is cut is the cause."""
    word, _, cause = texts.clean(states.said(state, now)).partition(" (")
    parts = [f"{_MARKS[type(state)]} {word}", _aged(age), urlsplit(url).netloc, texts.clean(filters)]
    said = BETWEEN.join(part for part in parts if part)
    if isinstance(state, Stopped):  # Why it stopped is what matters then.
        return texts.clip(said, width)
    room = width - cell_len(said) - len(BETWEEN)
    cause = cause.removesuffix(")")
    return said + BETWEEN + texts.clip(cause, room) if cause and room > len(BETWEEN) else texts.clip(said, width)


def _aged(age: float | None) -> str:
    if age is None:
        return "nothing yet"
    return f"{texts.age(age)} old" if age >= 1 else "now"
