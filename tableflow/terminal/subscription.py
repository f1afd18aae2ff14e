"""The background subscription to the stream of events: it wakes the view, and tells what is touched.

It holds one connection, and opens a new one for as long as it runs. Every opening touches everything, so that what was
missed meanwhile is asked for. How much is touched while nobody looks is bounded: a burst makes one wake-up. A server
that falls silent for longer than two heartbeats is taken for gone. 401 and 403 end it: asking again would not help.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from typing import Any

from tableflow.terminal import resources, states, stream
from tableflow.terminal.address import Server
from tableflow.terminal.backoff import Backoff
from tableflow.terminal.client import ApiError
from tableflow.terminal.resources import EVERYTHING, NOTHING, REOPENED, Touched

PROOF_SECONDS = 10.0
"""For so long a stream must live before the next failure is taken for a first one."""
GATHER_SECONDS = 1.0
"""Between two wake-ups: what comes meanwhile is one."""
MOST_RETRY_SECONDS = 60.0


class _Lost(Exception):
    """The stream is over, for this reason; the server asks to wait so many seconds before the next one."""

    def __init__(self, cause: str, asked_seconds: float = 0.0) -> None:
        self.cause = cause
        self.asked_seconds = asked_seconds
        super().__init__(cause)


class Subscription:
    """Follows a server's stream of events. `run` it as a task, and iterate over `touches` in another.

    `changed` is called after each change of `state`. `clock` gives seconds that never go back.
    """

    def __init__(
        self,
        server: Server,
        *,
        changed: Callable[[], None] = lambda: None,
        patience: stream.Patience | None = None,
        backoff: Backoff | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.state: states.State = states.Polling()
        self._server = server
        self._changed = changed
        self._patience = patience or stream.Patience()
        self._backoff = backoff or Backoff()
        self._clock = clock
        self._sleep = sleep
        self._cursor: int | None = None
        self._opened_at: float | None = None
        self._touched = NOTHING
        self._wake = asyncio.Event()

    async def run(self) -> None:
        """Follow the stream until the server does not take the token, or the task is cancelled."""
        while not isinstance(self.state, states.Stopped):
            try:
                await self._follow()
            except _Lost as lost:
                delay = lost.asked_seconds + self._backoff.next()
                self._become(states.Reconnecting(self._clock() + delay, lost.cause))
                await self._sleep(delay)
                self._become(states.Polling(lost.cause))
            except ApiError as refused:
                self._become(states.Stopped(refused.detail))

    async def touches(self) -> AsyncIterator[Touched]:
        """What is touched, whenever something is: at once after a rest, else with a little time between."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            touched, self._touched = self._touched, NOTHING
            yield touched
            await self._sleep(GATHER_SECONDS)

    async def _follow(self) -> None:
        """Open the stream and read it to its end: _Lost. ApiError: it is not to be opened again."""
        self._opened_at = None
        wanted = {} if self._cursor is None else {"after": self._cursor}
        try:
            async with aclosing(stream.lines(self._server, wanted, self._patience)) as lines:
                async for line in lines:
                    self._take(line)
                    self._prove()
        except ApiError as error:
            if error.is_unauthorized or error.is_forbidden:
                raise
            raise _Lost(error.detail) from error
        raise _Lost("The server ended the stream.")

    def _take(self, line: bytes) -> None:
        """Remember how far it is, and touch what the line tells of."""
        if not line.strip():
            return
        event = _decoded(line)
        match event["type"]:
            case "stream.open":
                self._open(event)
            case "stream.reset":
                self._remember(event.get("cursor"))
                self._touch(EVERYTHING)
            case "stream.closing":
                self._prove()
                self._remember(event.get("cursor"))
                raise _Lost(f"The server closed the stream: {event.get('reason')}.", _seconds(event.get("retry_ms")))
            case "heartbeat":
                self._remember(event.get("cursor"))
            case _:
                self._remember(event.get("id"))
                self._touch(resources.touched_by(event))

    def _open(self, event: dict[str, Any]) -> None:
        self._opened_at = self._clock()
        if self._cursor is None:  # else what came since our cursor is told next
            self._remember(event.get("cursor"))
        self._become(states.Live())
        self._touch(REOPENED)

    def _remember(self, cursor: Any) -> None:
        if isinstance(cursor, int):
            self._cursor = cursor

    def _prove(self) -> None:
        """A stream that has lived for a while ends the row of failures before it."""
        if self._opened_at is not None and self._clock() - self._opened_at >= PROOF_SECONDS:
            self._backoff.reset()

    def _touch(self, touched: Touched) -> None:
        self._touched |= touched
        self._wake.set()

    def _become(self, state: states.State) -> None:
        self.state = state
        self._changed()


def _decoded(line: bytes) -> dict[str, Any]:
    try:
        event = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise _Lost("The server sent a line that is not JSON.") from error
    if not isinstance(event, dict) or not isinstance(event.get("type"), str):
        raise _Lost("The server sent a line that is no event.")
    return event


def _seconds(retry_ms: Any) -> float:
    if not isinstance(retry_ms, int | float) or not 0 < retry_ms <= MOST_RETRY_SECONDS * 1000:
        return 0.0
    return retry_ms / 1000
