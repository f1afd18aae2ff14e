"""Which of what is shown is asked for anew, and which answers are shown.

For each resource on the screen one request is in flight at the most. What touches it meanwhile makes it stale, and it
is asked for once more when the request ends, well or badly. A generation is given with each request; it rises when the
stream is opened anew and when a filter changes: then the older request is called off, and should its answer come all
the same it is dropped before it changes anything. A poll asks for everything shown every 15 s, until the server lets
this user in no more; a tick each second only repaints.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

from tableflow.terminal.resources import Touched

POLL_SECONDS = 15.0
TICK_SECONDS = 1.0


@dataclass(frozen=True)
class Ticket:
    """One request: for what, of which generation, and when it was made, in seconds of the clock."""

    resource: str
    generation: int
    asked_at: float


class Request(Protocol):
    """A request that is on its way."""

    def cancel(self) -> object:
        """Call it off: it answers no more, and fails no more."""


@dataclass
class _Shown:
    """A resource on the screen. `in_flight`: the request for it that is on its way."""

    generation: int
    in_flight: Request | None = None
    is_stale: bool = False
    asked_at: float | None = None


class Coordinator:
    """`ask` begins the request of a ticket and returns at once; its end is told by `answered` or `failed`.

    `every(seconds, call)` has something called again and again; `repaint` draws what is known. `clock` gives seconds.
    """

    def __init__(
        self,
        ask: Callable[[Ticket], Request],
        *,
        clock: Callable[[], float],
        every: Callable[[float, Callable[[], None]], object],
        repaint: Callable[[], None],
    ) -> None:
        self._ask = ask
        self._clock = clock
        self._shown: dict[str, _Shown] = {}
        self._generation = 0
        self._polls = True
        every(POLL_SECONDS, self.poll)
        every(TICK_SECONDS, repaint)

    def show(self, resources: Iterable[str]) -> None:
        """These are on the screen now, and no others. What is new is asked for; what is gone is forgotten."""
        wanted = dict.fromkeys(resources)
        for name in [name for name in self._shown if name not in wanted]:
            _call_off(self._shown.pop(name))
        for name in wanted:
            if name not in self._shown:
                self._anew(name, asked_at=None)

    def touch(self, touched: Touched) -> None:
        """The stream told of changes, or was opened anew: then answers asked for before that count no more."""
        for name in list(self._shown):
            if touched.reopened:
                self.renew(name)
            elif name in touched:
                self.refresh(name)

    def refresh(self, resource: str) -> None:
        """Ask for it now, or, while a request is in flight, once more when that has ended. Not shown: nothing."""
        shown = self._shown.get(resource)
        if shown is None:
            return
        if shown.in_flight is not None:
            shown.is_stale = True
        else:
            self._begin(resource, shown)

    def renew(self, resource: str) -> None:
        """Ask for it now, and call off the request on its way: it is of another filter or another connection.

        Not shown: nothing.
        """
        shown = self._shown.get(resource)
        if shown is not None:
            _call_off(shown)
            self._anew(resource, shown.asked_at)

    def poll(self) -> None:
        """Ask for all that is shown and not being asked for."""
        for name, shown in list(self._shown.items()):
            if self._polls and shown.in_flight is None:
                self._begin(name, shown)

    def stop_polling(self) -> None:
        """Ask for nothing any more by itself: the server does not let this user in."""
        self._polls = False

    def answered(self, ticket: Ticket) -> bool:
        """The request has its answer. False: it is too old to be shown."""
        shown = self._current(ticket)
        if shown is None:
            return False
        shown.asked_at = ticket.asked_at
        self._end(ticket.resource, shown)
        return True

    def failed(self, ticket: Ticket) -> bool:
        """The request has failed. False: it is too old to be told."""
        shown = self._current(ticket)
        if shown is None:
            return False
        self._end(ticket.resource, shown)
        return True

    def age(self, resource: str) -> float | None:
        """For how many seconds what is shown of it may have been otherwise; None: nothing is shown yet."""
        shown = self._shown.get(resource)
        return None if shown is None or shown.asked_at is None else max(0.0, self._clock() - shown.asked_at)

    def _current(self, ticket: Ticket) -> _Shown | None:
        shown = self._shown.get(ticket.resource)
        return shown if shown is not None and shown.generation == ticket.generation else None

    def _anew(self, resource: str, asked_at: float | None) -> None:
        """Begin with a new generation; `asked_at` is of what is on the screen."""
        self._generation += 1
        shown = _Shown(self._generation, asked_at=asked_at)
        self._shown[resource] = shown
        self._begin(resource, shown)

    def _begin(self, resource: str, shown: _Shown) -> None:
        shown.is_stale = False
        shown.in_flight = self._ask(Ticket(resource, shown.generation, self._clock()))

    def _end(self, resource: str, shown: _Shown) -> None:
        shown.in_flight = None
        if shown.is_stale:
            self._begin(resource, shown)


def _call_off(shown: _Shown) -> None:
    if shown.in_flight is not None:
        shown.in_flight.cancel()
