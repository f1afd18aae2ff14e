"""One stream by itself: when it ends, whoever streams and whoever listens."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, MutableMapping
from dataclasses import dataclass
from typing import Any

import pytest

from tableflow.live import streams
from tableflow.live.passes import View
from tableflow.live.streams import Reason, Streams


@dataclass(frozen=True)
class Token:
    """What let its holder in."""

    user_id: int = 1

    def look(self) -> View | None:
        """Its holder sees one table."""
        return {7: "Numbers"}


class Ticking:
    """A stream that says something again and again."""

    kind = "ticking"
    content_type = "text/plain"
    admitted = Token()

    def __init__(self) -> None:
        self.is_over = False

    async def chunks(self) -> AsyncGenerator[bytes, None]:
        """A word every few milliseconds; notes when nobody asks for more."""
        try:
            while True:
                yield b"tick "
                await asyncio.sleep(0.005)
        finally:
            self.is_over = True

    def may_go_on(self, view: View) -> bool:
        """While its table is there."""
        return 7 in view

    def last_words(self, reason: Reason) -> bytes:
        """The reason."""
        return reason.encode()


class Client:
    """The other end: takes what is sent, as long as it is `reading`, until it leaves."""

    def __init__(self) -> None:
        self.messages: list[MutableMapping[str, Any]] = []
        self.reading = asyncio.Event()
        self.left = asyncio.Event()
        self.reading.set()

    async def send(self, message: MutableMapping[str, Any]) -> None:
        """Take a message."""
        await self.reading.wait()
        self.messages.append(message)

    async def receive(self) -> MutableMapping[str, Any]:
        """Tell when it has left."""
        await self.left.wait()
        return {"type": "http.disconnect"}


async def until(condition: Any) -> None:
    """Let others run until the condition holds."""
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110  (what is awaited is of many kinds)
            await asyncio.sleep(0)


async def ended(of: Streams, running: asyncio.Task[None], stream: Ticking) -> None:
    """Wait for the end of a stream; nothing of it is left then."""
    await asyncio.wait_for(running, 10)
    await until(lambda: stream.is_over)
    assert not of.by_kind


def test_a_stream_ends_at_its_greatest_age_and_says_why(monkeypatch):
    monkeypatch.setattr(streams, "MOST_AGE_SECONDS", 0.05)

    async def story() -> None:
        of, stream, client = Streams(), Ticking(), Client()
        await ended(of, asyncio.create_task(of.run(stream, client.receive, client.send)), stream)
        assert client.messages[0]["status"] == 200
        assert client.messages[-1]["body"].endswith(b"max_age")
        assert not client.messages[-1]["more_body"]

    asyncio.run(story())


def test_a_client_that_reads_nothing_is_let_go(monkeypatch):
    monkeypatch.setattr(streams, "SEND_SECONDS", 0.05)

    async def story() -> None:
        of, stream, client = Streams(), Ticking(), Client()
        running = asyncio.create_task(of.run(stream, client.receive, client.send))
        await until(lambda: len(client.messages) > 1)
        client.reading.clear()
        await ended(of, running, stream)

    asyncio.run(story())


def test_a_client_that_leaves_ends_its_stream():
    async def story() -> None:
        of, stream, client = Streams(), Ticking(), Client()
        running = asyncio.create_task(of.run(stream, client.receive, client.send))
        await until(lambda: len(client.messages) > 1)
        client.left.set()
        await ended(of, running, stream)
        assert client.messages[-1]["more_body"]

    asyncio.run(story())


@pytest.mark.parametrize("view", [None, {}])
def test_a_stream_ends_when_what_let_it_in_counts_no_more(view):
    async def story() -> None:
        of, stream, client = Streams(), Ticking(), Client()
        running = asyncio.create_task(of.run(stream, client.receive, client.send))
        await until(lambda: len(client.messages) > 1)
        looked = of.by_pass()
        of.look({Token(2): []}, {Token(2): None})
        of.look(looked, {Token(): {7: "Numbers"}})
        told = len(client.messages)
        await until(lambda: len(client.messages) > told + 1)
        of.look(looked, {Token(): view})
        await ended(of, running, stream)
        assert client.messages[-1]["body"] == b"revoked"

    asyncio.run(story())


def test_no_stream_begins_once_the_process_ends():
    async def story() -> None:
        of, stream, client = Streams(), Ticking(), Client()
        of.close_all()
        await of.run(stream, client.receive, client.send)
        assert client.messages[-1]["body"].endswith(b"shutdown")
        assert not of.by_kind

    asyncio.run(story())
