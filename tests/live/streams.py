"""Event streams as a program reads them: as many at once as wanted, each with what came and when, and with deadlines.

One thread reads all streams of a `Listener`. The test's thread asks what has come, and waits for what is to come.
"""

from __future__ import annotations

import asyncio
import codecs
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, TypeVar, cast
from urllib.parse import urlsplit

import h11

PATIENCE = 15.0
Found = TypeVar("Found")


def _anything(_: object) -> bool:
    return True


@dataclass(frozen=True)
class Event:
    """An event. Of NDJSON `name` is its type, `id` its id or its cursor, and `data` the whole object."""

    name: str
    data: Any
    id: str | None
    at: float

    @property
    def number(self) -> int:
        """Its id as a number: the last part, where a channel stands before it."""
        assert self.id is not None, f"{self} has no id"
        return int(self.id.rpartition(":")[2])


class Stream:
    """An answer that goes on. `text` is the body of one that is no stream. Of SSE there are comments, and `last_id`,
    with which a browser comes back.
    """

    def __init__(self) -> None:
        self.status = 0
        self.headers: dict[str, str] = {}
        self.text = ""
        self.events: list[Event] = []
        self.comments: list[str] = []
        self.last_id: str | None = None
        self.ended = False
        self.fault: BaseException | None = None
        self._changed = threading.Condition()
        self._call: Callable[[Callable[[asyncio.Transport], object]], None] = _no_transport

    def named(self, *names: str) -> list[Event]:
        """The events of these names so far."""
        return [event for event in list(self.events) if event.name in names]

    def until(self, condition: Callable[[], Found], what: str, seconds: float = PATIENCE) -> Found:
        """Wait until the condition is true, and give it; it is asked whenever something has come."""
        deadline = time.monotonic() + seconds
        with self._changed:
            while not (found := condition()):
                left = deadline - time.monotonic()
                if left < 0:
                    raise AssertionError(f"waited {seconds} s in vain until {what}. The stream: {self._seen()}")
                self._changed.wait(left)
        return found

    def first(
        self, name: str, where: Callable[[Any], object] = _anything, *, after: int = 0, seconds: float = PATIENCE
    ) -> Event:
        """The first event of this name whose data fits; the stream's first `after` events are left out."""

        def found() -> Event | None:
            return next((event for event in self.events[after:] if event.name == name and where(event.data)), None)

        return cast("Event", self.until(found, f"a fitting {name} comes", seconds))

    def until_ended(self, seconds: float = PATIENCE) -> None:
        """Wait until the server has ended it in order."""
        self.until(lambda: self.ended, "the stream ends", seconds)
        if self.fault is not None:
            raise AssertionError("The stream was cut off") from self.fault

    def stop_reading(self) -> None:
        """Read nothing more, until `go_on_reading`."""
        self._call(lambda transport: transport.pause_reading())

    def go_on_reading(self) -> None:
        """Read again."""
        self._call(lambda transport: transport.resume_reading())

    def close(self) -> None:
        """Go away, like somebody who closes the page."""
        self._call(lambda transport: transport.abort())

    def _seen(self) -> str:
        tail = [f"{event.name} {event.id} {json.dumps(event.data)[:300]}" for event in self.events[-8:]]
        state = f"ended ({self.fault!r})" if self.ended else "open"
        return f"{self.status}, {state}, {len(self.events)} events, the last: {'; '.join(tail)} {self.text[:300]}"


def _no_transport(_: object) -> None:
    raise AssertionError("The stream has no connection")


class _Reader(asyncio.Protocol):
    """Reads one answer into its stream."""

    def __init__(self, stream: Stream, request: h11.Request, answered: asyncio.Future[None]) -> None:
        self._stream = stream
        self._request = request
        self._answered = answered
        self._http = h11.Connection(h11.CLIENT)
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._take: Callable[[str], None] = self._text

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        head, end = self._http.send(self._request), self._http.send(h11.EndOfMessage())
        self._transport.write((head or b"") + (end or b""))

    def data_received(self, data: bytes) -> None:
        with self._stream._changed:
            self._http.receive_data(data)
            while not self._stream.ended and self._next() is not h11.NEED_DATA:
                pass
            self._stream._changed.notify_all()

    def _next(self) -> object:
        event = self._http.next_event()
        if isinstance(event, h11.Response):
            self._head(event)
        elif isinstance(event, h11.Data):
            self._take(self._decoder.decode(event.data))
        elif isinstance(event, h11.EndOfMessage):
            self._end(None)
            self._transport.close()
        return event

    def _head(self, response: h11.Response) -> None:
        stream = self._stream
        stream.status = response.status_code
        stream.headers = {name.decode().lower(): value.decode() for name, value in response.headers}
        kind = stream.headers.get("content-type", "").partition(";")[0]
        framings = {"application/x-ndjson": _Lines, "text/event-stream": _ServerSent}
        if stream.status == HTTPStatus.OK and kind in framings:
            self._take = framings[kind](stream).take
            self._answered.set_result(None)

    def _text(self, text: str) -> None:
        self._stream.text += text

    def connection_lost(self, exc: Exception | None) -> None:
        with self._stream._changed:
            if not self._stream.ended:
                self._end(exc or ConnectionError("The connection was closed in the middle of the answer."))
            self._stream._changed.notify_all()

    def _end(self, fault: BaseException | None) -> None:
        self._stream.ended, self._stream.fault = True, fault
        if not self._answered.done():
            self._answered.set_result(None)


class _Framing:
    """Makes lines of what comes in pieces; the last, incomplete one waits for the rest."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._rest = ""

    def take(self, text: str) -> None:
        *lines, self._rest = (self._rest + text).split("\n")
        for line in lines:
            self.line(line.removesuffix("\r"))

    def line(self, line: str) -> None:
        raise NotImplementedError

    def add(self, name: str, data: Any, id_: str | None) -> None:
        self._stream.events.append(Event(name, data, id_, time.monotonic()))


class _Lines(_Framing):
    """NDJSON."""

    def line(self, line: str) -> None:
        data = json.loads(line)
        number = data.get("id", data.get("cursor"))
        self.add(data["type"], data, None if number is None else str(number))


class _ServerSent(_Framing):
    """SSE, as https://html.spec.whatwg.org/multipage/server-sent-events.html has it; an event's own id alone counts."""

    def __init__(self, stream: Stream) -> None:
        super().__init__(stream)
        self._fields: dict[str, list[str]] = {}

    def line(self, line: str) -> None:
        name, _, value = line.partition(":")
        if line == "":
            self._dispatch()
        elif name == "":
            self._stream.comments.append(value.strip())
        else:
            self._fields.setdefault(name, []).append(value.removeprefix(" "))

    def _dispatch(self) -> None:
        fields, self._fields = self._fields, {}
        self._stream.last_id = fields["id"][-1] if "id" in fields else self._stream.last_id
        if "event" in fields or "data" in fields:
            data = "\n".join(fields.get("data", []))
            id_ = fields["id"][-1] if "id" in fields else None
            self.add(fields.get("event", ["message"])[-1], json.loads(data) if data[:1] in "{[" and data else data, id_)


class Listener:
    """Opens streams of one server as one caller."""

    def __init__(self, loop: asyncio.AbstractEventLoop, url: str, headers: Mapping[str, str]) -> None:
        self._loop = loop
        self._at = urlsplit(url)
        self._headers = headers
        self._streams: list[Stream] = []

    def open(self, path: str, *, buffer: int | None = None, **headers: str) -> Stream:
        """A stream, when its head has come (or its whole answer, when that is none).

        Headers are named as arguments are: `last_event_id`. `buffer` is the most bytes that the kernel keeps for it.
        """
        return self.open_many(1, path, buffer=buffer, **headers)[0]

    def open_many(self, n: int, path: str, *, buffer: int | None = None, **headers: str) -> list[Stream]:
        """`n` streams of this path, opened at once."""
        sent = {**self._headers, **{name.replace("_", "-"): value for name, value in headers.items()}}
        request = h11.Request(method="GET", target=path, headers=[("Host", self._at.netloc), *sent.items()])
        streams = [Stream() for _ in range(n)]
        self._streams += streams
        asyncio.run_coroutine_threadsafe(self._open(streams, request, buffer), self._loop).result(60)
        return streams

    async def _open(self, streams: list[Stream], request: h11.Request, buffer: int | None) -> None:
        async with asyncio.timeout(PATIENCE + len(streams) / 10):
            await asyncio.gather(*(self._connect(stream, request, buffer) for stream in streams))

    async def _connect(self, stream: Stream, request: h11.Request, buffer: int | None) -> None:
        answered = self._loop.create_future()
        connection = socket.socket()
        connection.setblocking(False)
        if buffer is not None:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        await self._loop.sock_connect(connection, (self._at.hostname, self._at.port))
        transport, _ = await self._loop.create_connection(lambda: _Reader(stream, request, answered), sock=connection)
        stream._call = lambda what: self._do(what, transport)
        await answered

    def _do(self, what: Callable[[asyncio.Transport], object], transport: asyncio.Transport) -> None:
        async def do() -> None:
            what(transport)

        asyncio.run_coroutine_threadsafe(do(), self._loop).result(PATIENCE)

    def close(self) -> None:
        """Close whatever is open."""
        for stream in self._streams:
            if not stream.ended:
                stream.close()
                stream.until(lambda stream=stream: stream.ended, "the connection is closed")  # type: ignore[misc]


@contextmanager
def listening(url: str, headers: Mapping[str, str]) -> Iterator[Listener]:
    """A listener that asks the server at this address with these headers; its streams are closed at the end."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="listener")
    thread.start()
    listener = Listener(loop, url, headers)
    try:
        yield listener
    finally:
        listener.close()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
