"""Streams: answers that go on. A view of Django's decides who may have one; what streams is a coroutine and no more.

The view grants a stream and answers. Its answer is dropped, its thread and its database connection are free, and the
stream takes its place on the wire. So an open stream holds a socket, a queue of bounded length, and nothing else. It
ends when its client leaves or stops reading, when what let it in counts no more, at its greatest age, and with the
process.
"""

from __future__ import annotations

import asyncio
import logging
import random
import signal
import threading
from collections import Counter, defaultdict
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Mapping, MutableMapping
from types import FrameType
from typing import Any, Literal, Protocol

from django.db import Error as DatabaseError
from django.http import HttpRequest

from tableflow import env
from tableflow.live.passes import Pass, View

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]
Reason = Literal["shutdown", "max_age", "revoked"]

GRANTED = "tableflow.live.granted"
MOST_AGE_SECONDS = 900.0
SEND_SECONDS = 60.0
"""How long a client may read nothing, when its buffers are full."""
LAST_SECONDS = 1.0
"""How long its last words may take."""
logger = logging.getLogger(__name__)


class Refused(Exception):
    """A stream that cannot be had now. `is_over_limit`: the user has as many as there may be."""

    def __init__(self, why: str, *, is_over_limit: bool = False) -> None:
        super().__init__(why)
        self.is_over_limit = is_over_limit


class Stream(Protocol):
    """One open stream."""

    kind: str
    content_type: str
    admitted: Pass

    def chunks(self) -> AsyncGenerator[bytes, None]:
        """What to send, as it comes."""

    def may_go_on(self, view: View) -> bool:
        """Take note of what its holder may see now; False: it is to end."""

    def last_words(self, reason: Reason) -> bytes:
        """What to send before it is ended from here."""


class Streams:
    """The open streams of this process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._by_user: Counter[int] = Counter()
        self._closing: dict[Stream, asyncio.Future[Reason]] = {}
        self._ending = False

    def grant(self, request: HttpRequest, stream: Stream) -> None:
        """Have this stream answer the request in place of the view. Raises Refused."""
        granted: list[Stream] | None = getattr(request, "scope", {}).get(GRANTED)
        if granted is None or self._ending:
            raise Refused("This server gives no streams now.")
        user_id = stream.admitted.user_id
        with self._lock:
            most = env.streams_per_user()
            if self._by_user[user_id] >= most:
                raise Refused(f"You have {most} open streams, which is the limit: close one.", is_over_limit=True)
            self._by_user[user_id] += 1
        granted.append(stream)

    @property
    def by_kind(self) -> Counter[str]:
        """How many are open of each kind."""
        return Counter(stream.kind for stream in list(self._closing))

    def by_pass(self) -> dict[Pass, list[Stream]]:
        """The open ones, by what let them in."""
        by_pass: dict[Pass, list[Stream]] = defaultdict(list)
        for stream in self._closing:
            by_pass[stream.admitted].append(stream)
        return by_pass

    def look(self, looked: Mapping[Pass, Collection[Stream]], views: Mapping[Pass, View | None]) -> None:
        """Tell these streams what their holders may see now; those that may not go on end."""
        for pass_, of_it in looked.items():
            view = views[pass_]
            for stream in of_it:
                if stream in self._closing and (view is None or not stream.may_go_on(view)):
                    self._close([stream], "revoked")

    def close_all(self) -> None:
        """End them all, since the process ends; no more are granted."""
        self._ending = True
        self._close(list(self._closing), "shutdown")

    def _close(self, streams: Collection[Stream], reason: Reason) -> None:
        for stream in streams:
            closing = self._closing[stream]
            if not closing.done():
                closing.set_result(reason)

    async def run(self, stream: Stream, receive: Receive, send: Send) -> None:
        """Serve a granted stream to its end."""
        loop = asyncio.get_running_loop()
        closing: asyncio.Future[Reason] = loop.create_future()
        self._closing[stream] = closing
        if self._ending:
            closing.set_result("shutdown")
        age = loop.call_later(MOST_AGE_SECONDS * random.uniform(0.9, 1.1), self._close, [stream], "max_age")
        try:
            await _pump(stream, closing, receive, send)
        finally:
            age.cancel()
            del self._closing[stream]

    def release(self, stream: Stream) -> None:
        """A granted stream is over."""
        with self._lock:
            self._by_user -= Counter([stream.admitted.user_id])


async def _pump(stream: Stream, closing: asyncio.Future[Reason], receive: Receive, send: Send) -> None:
    leaving = asyncio.ensure_future(_left(receive))
    chunks = stream.chunks()
    coming: asyncio.Future[bytes | None] | None = None
    try:
        await send({"type": "http.response.start", "status": 200, "headers": _headers(stream.content_type)})
        while True:
            coming = asyncio.ensure_future(_next(chunks))
            awaited: list[asyncio.Future[Any]] = [coming, leaving, closing]
            await asyncio.wait(awaited, return_when=asyncio.FIRST_COMPLETED)
            if leaving.done():
                return
            if closing.done():
                await _close(stream, closing.result(), coming, send)
                return
            body = coming.result()
            await _send(send, body or b"", more=body is not None, seconds=SEND_SECONDS)
            if body is None:
                return
    except TimeoutError:
        return  # its client reads no more
    except DatabaseError as error:
        logger.warning("A stream ends, since the database cannot be asked whether it may go on: %s", error)
        await _send(send, b"", more=False, seconds=LAST_SECONDS)
    finally:
        await _end([leaving, *([coming] if coming else [])])
        await chunks.aclose()


async def _close(stream: Stream, reason: Reason, coming: asyncio.Future[bytes | None], send: Send) -> None:
    # A chunk that is ready was taken from what waits: unless it is sent, the cursor of the last words is beyond it.
    ready = coming.done() and not coming.cancelled() and coming.exception() is None and reason != "revoked"
    last = (coming.result() or b"") if ready else b""
    await _send(send, last + stream.last_words(reason), more=False, seconds=LAST_SECONDS)


async def _next(chunks: AsyncGenerator[bytes, None]) -> bytes | None:
    """The next chunk; None: the stream has ended by itself."""
    return await anext(chunks, None)


async def _send(send: Send, body: bytes, *, more: bool, seconds: float) -> None:
    async with asyncio.timeout(seconds):
        await send({"type": "http.response.body", "body": body, "more_body": more})


async def _end(tasks: Collection[asyncio.Future[Any]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def _left(receive: Receive) -> None:
    """Returns when the client has left."""
    while (await receive())["type"] != "http.disconnect":
        pass


def _headers(content_type: str) -> list[tuple[bytes, bytes]]:
    # Nothing on the way may keep it back, change it, or keep a copy.
    return [
        (b"content-type", content_type.encode()),
        (b"cache-control", b"no-store, no-transform"),
        (b"x-accel-buffering", b"no"),
        (b"x-content-type-options", b"nosniff"),
    ]


streams = Streams()


class Life(Protocol):
    """What lives as long as the web process."""

    async def start(self) -> None: ...
    async def stop(self) -> None: ...


def with_streams(application: Application, life: Life) -> Application:
    """The application, with streams in place of the answers that granted one."""

    async def serve(scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _live(life, receive, send)
        elif scope["type"] == "http":
            await _serve(application, scope, receive, send)
        else:
            await application(scope, receive, send)

    return serve


async def _serve(application: Application, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
    granted: list[Stream] = []

    async def unless_granted(message: Message) -> None:
        if not granted:
            await send(message)

    try:
        await application({**scope, GRANTED: granted}, receive, unless_granted)
        for stream in granted:
            await streams.run(stream, receive, send)
    finally:
        for stream in granted:
            streams.release(stream)


async def _live(life: Life, receive: Receive, send: Send) -> None:
    await receive()
    await life.start()
    _close_streams_on_signals()
    await send({"type": "lifespan.startup.complete"})
    await receive()
    await life.stop()
    await send({"type": "lifespan.shutdown.complete"})


def _close_streams_on_signals() -> None:
    """The server waits for open answers before it tells of its end: streams must hear of it when it does."""
    if threading.current_thread() is not threading.main_thread():
        return
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        before = signal.getsignal(number)

        def ending(caught: int, frame: FrameType | None, before: Any = before) -> None:
            loop.call_soon_threadsafe(streams.close_all)
            before(caught, frame)

        if callable(before):
            signal.signal(number, ending)
