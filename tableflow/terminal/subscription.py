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
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import httpx2

from tableflow.terminal import client, lines, resources, states
from tableflow.terminal.address import Server
from tableflow.terminal.backoff import Backoff
from tableflow.terminal.resources import EVERYTHING, NOTHING, Touched

PATH = client.BASE + "/stream/events"
MOST_ERROR_BYTES = 64 * 1024
MOST_RETRY_SECONDS = 60.0


@dataclass(frozen=True)
class Timing:
    """How long it waits, in seconds."""

    connect: float = 10.0
    silence: float = 40.0
    """More than two heartbeats, which come every 15 s."""
    proof: float = 10.0
    """For so long a stream must live before the next failure is taken for a first one."""
    gather: float = 0.25
    """Between two wake-ups: what comes meanwhile is one."""


class _Lost(Exception):
    """The stream ended or could not be opened; the message says why. It is opened anew."""

    def __init__(self, cause: str, at_least: float = 0.0) -> None:
        self.at_least = at_least
        super().__init__(cause)


class _Refused(Exception):
    """The server does not let this token listen; the message says why."""


class Subscription:
    """Follows a server's stream of events. `run` it as a task, and iterate over `touches` in another.

    `changed` is called after each change of `state`. `clock` gives seconds that never go back.
    """

    def __init__(
        self,
        server: Server,
        *,
        changed: Callable[[], None] = lambda: None,
        timing: Timing | None = None,
        backoff: Backoff | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.state: states.State = states.Polling()
        self._server = server
        self._changed = changed
        self._timing = timing or Timing()
        self._backoff = backoff or Backoff()
        self._clock = clock
        self._sleep = sleep
        self._cursor: int | None = None
        self._opened_at: float | None = None
        self._touched = NOTHING
        self._wake = asyncio.Event()

    async def run(self) -> None:
        """Follow the stream until the server refuses the token, or the task is cancelled."""
        timing = self._timing
        timeout = httpx2.Timeout(timing.connect, read=timing.silence)
        async with httpx2.AsyncClient(base_url=self._server.url, headers=self._server.headers, timeout=timeout) as http:
            cause = ""
            while True:
                self._become(states.Polling(cause))
                try:
                    await self._follow(http)
                except _Refused as refused:
                    self._become(states.Stopped(str(refused)))
                    return
                except _Lost as lost:
                    cause = str(lost)
                    delay = lost.at_least + self._backoff.next()
                self._become(states.Reconnecting(self._clock() + delay, cause))
                await self._sleep(delay)

    async def touches(self) -> AsyncIterator[Touched]:
        """What is touched, each time that something is; at once at first, then with a little time between."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            touched, self._touched = self._touched, NOTHING
            yield touched
            await self._sleep(self._timing.gather)

    async def _follow(self, http: httpx2.AsyncClient) -> None:
        """Open the stream and read it to its end, which is always an exception."""
        self._opened_at = None
        query = {} if self._cursor is None else {"after": self._cursor}
        try:
            async with http.stream("GET", PATH, params=query) as response:
                if response.status_code != HTTPStatus.OK:
                    await _refuse(response)
                splitter = lines.Splitter()
                async for piece in response.aiter_bytes():
                    for line in splitter.feed(piece):
                        self._take(line)
        except httpx2.ReadTimeout as error:
            raise _Lost(f"nothing came for {self._timing.silence:g} s") from error
        except httpx2.TimeoutException as error:
            raise _Lost(f"no connection within {self._timing.connect:g} s") from error
        except httpx2.HTTPError as error:
            raise _Lost(str(error) or type(error).__name__) from error
        except lines.TooLong as error:
            raise _Lost(str(error)) from error
        raise _Lost("the server ended the stream")

    def _take(self, line: bytes) -> None:
        """Take one line to heart."""
        if not line.strip():
            return
        event = _decoded(line)
        match event["type"]:
            case "stream.open":
                self._opened_at = self._clock()
                self._become(states.Live())
                self._touch(EVERYTHING)
                if self._cursor is None:
                    self._remember(event.get("cursor"))
            case "stream.reset":
                self._remember(event.get("cursor"))
                self._touch(EVERYTHING)
            case "stream.closing":
                raise _Lost(f"the server closes the stream: {event.get('reason')}", _seconds(event.get("retry_ms")))
            case "heartbeat":
                self._remember(event.get("cursor"))
            case _:
                self._remember(event.get("id"))
                self._touch(resources.touched_by(event))
        self._prove()

    def _remember(self, cursor: Any) -> None:
        if isinstance(cursor, int):
            self._cursor = cursor

    def _prove(self) -> None:
        """A stream that has lived for a while ends the row of failures before it."""
        if self._opened_at is not None and self._clock() - self._opened_at >= self._timing.proof:
            self._backoff.reset()

    def _touch(self, touched: Touched) -> None:
        if touched != NOTHING:
            self._touched |= touched
            self._wake.set()

    def _become(self, state: states.State) -> None:
        if state != self.state:
            self.state = state
            self._changed()


async def _refuse(response: httpx2.Response) -> None:
    """Raise for an answer that is no stream."""
    body = b""
    async for piece in response.aiter_bytes():
        body += piece
        if len(body) > MOST_ERROR_BYTES:
            break
    said = client.detail(response.status_code, body, response.headers)
    if response.status_code in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        raise _Refused(said)
    raise _Lost(said)


def _decoded(line: bytes) -> dict[str, Any]:
    try:
        event = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise _Lost("the server sent a line that is not JSON") from error
    if not isinstance(event, dict) or not isinstance(event.get("type"), str):
        raise _Lost("the server sent a line that is no event")
    return event


def _seconds(retry_ms: Any) -> float:
    if not isinstance(retry_ms, int | float) or not 0 < retry_ms < MOST_RETRY_SECONDS * 1000:
        return 0.0
    return retry_ms / 1000
