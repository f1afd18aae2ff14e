"""The lines of one program by themselves: what goes before what, and what is told to whom."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import orjson
import pytest

from tableflow.live import ndjson
from tableflow.live.hub import hub
from tableflow.live.log import Entry
from tableflow.live.ndjson import EventLines, Wanted
from tableflow.live.streams import Streams
from tests.live.test_streams import Client, Ticking, Token, ended, until

NAMES = {7: "Numbers", 8: "Letters"}


def entry(id_: int, *tables: int, type_: str = "rows.changed") -> Entry:
    """An entry with an event for each of these tables."""
    return Entry(id_, 1, [{"id": id_, "table": table, "rev": 1, "type": type_, "rows": [1]} for table in tables])


def objects(chunk: bytes) -> list[dict[str, Any]]:
    """The lines of a chunk."""
    return [orjson.loads(line) for line in chunk.splitlines()]


async def opened(lines: EventLines) -> AsyncGenerator[bytes, None]:
    """Its chunks behind the opening line."""
    chunks = lines.chunks()
    assert objects(await anext(chunks))[0]["type"] == "stream.open"
    return chunks


def test_a_heartbeats_cursor_comes_behind_what_waits_before_it(monkeypatch):
    monkeypatch.setattr(ndjson, "HEARTBEAT_SECONDS", 0.0)

    async def story() -> None:
        lines = EventLines(Token(), NAMES, Wanted())
        chunks = await opened(lines)
        lines.hear(entry(101, 7), NAMES)
        assert [line["type"] for line in objects(await anext(chunks))] == ["rows.changed"]
        lines.hear(entry(102, 7), NAMES)
        assert [line["type"] for line in objects(await anext(chunks))] == ["rows.changed", "heartbeat"]
        await chunks.aclose()

    asyncio.run(story())


def test_who_may_see_a_table_no_more_gets_nothing_of_what_waits_of_it_and_hears_once_that_it_is_gone():
    async def story() -> None:
        lines = EventLines(Token(), NAMES, Wanted())
        chunks = await opened(lines)
        lines.hear(entry(101, 7, 8), NAMES)
        assert lines.may_go_on({8: "Letters"})
        lines.hear(entry(102, 7), NAMES)
        lines.hear(entry(103, 7, type_="schema.changed"), NAMES)
        lines.hear(entry(104, 7, type_="schema.changed"), {7: "Under another name"})
        told = [(line["type"], line["table_name"]) for line in objects(await anext(chunks))]
        assert told == [("rows.changed", "Letters"), ("schema.changed", "Numbers")]
        await chunks.aclose()

    asyncio.run(story())


def test_last_words_take_along_what_waits_unless_it_was_forbidden():
    lines = EventLines(Token(), NAMES, Wanted())
    for reason, told in (("max_age", ["rows.changed", "stream.closing"]), ("revoked", ["stream.closing"])):
        lines.hear(entry(101, 7), NAMES)
        assert [line["type"] for line in objects(lines.last_words(reason))] == told


@pytest.mark.parametrize("count", [1, 10_000])
def test_one_entry_of_any_length_is_told_and_a_second_one_on_top_begins_anew(count):
    lines = EventLines(Token(), NAMES, Wanted())
    lines.hear(entry(101, *[7] * count), NAMES)
    if count > ndjson.MOST_LINES:
        assert len(objects(lines.last_words("max_age"))) == count + 1
        lines.hear(entry(102, 7), NAMES)
    lines.hear(entry(103, *[7] * ndjson.MOST_LINES), NAMES)
    assert [line["type"] for line in objects(lines.last_words("max_age"))] == ["stream.reset", "stream.closing"]


def test_a_chunk_that_is_ready_when_a_stream_is_closed_is_sent_before_the_last_words():
    class Once(Ticking):
        """A stream with one thing to say, when it is told to."""

        def __init__(self) -> None:
            super().__init__()
            self.speaks = asyncio.Event()

        async def chunks(self) -> AsyncGenerator[bytes, None]:
            try:
                await self.speaks.wait()
                yield b"the only one "
                await asyncio.Event().wait()
            finally:
                self.is_over = True

    async def story() -> None:
        of, stream, client = Streams(), Once(), Client()
        running = asyncio.create_task(of.run(stream, client.receive, client.send))
        await until(lambda: client.messages)
        stream.speaks.set()
        of.close_all()
        await ended(of, running, stream)
        assert b"".join(message.get("body", b"") for message in client.messages) == b"the only one shutdown"

    asyncio.run(story())


def test_a_stream_that_ends_by_itself_is_ended_in_order():
    class Short(Ticking):
        """A stream with an end."""

        async def chunks(self) -> AsyncGenerator[bytes, None]:
            yield b"all"
            self.is_over = True

    async def story() -> None:
        of, stream, client = Streams(), Short(), Client()
        await ended(of, asyncio.create_task(of.run(stream, client.receive, client.send)), stream)
        assert [message.get("body") for message in client.messages[1:]] == [b"all", b""]
        assert not client.messages[-1]["more_body"]

    asyncio.run(story())


def test_nobody_is_left_among_the_listeners():
    async def story() -> None:
        lines = EventLines(Token(), NAMES, Wanted())
        chunks = await opened(lines)
        assert lines in hub._subscribers
        await chunks.aclose()
        assert lines not in hub._subscribers

    asyncio.run(story())
