"""The events of all tables that somebody may see, for programs: one JSON object a line."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from dataclasses import dataclass

import orjson
import redis

from tableflow.live import events, log
from tableflow.live.hub import hub
from tableflow.live.log import Entry, Event
from tableflow.live.passes import Pass, View
from tableflow.live.streams import Reason

HEARTBEAT_SECONDS = 15.0
MOST_LINES = 256
"""How many lines wait for a client that reads slowly; then they are dropped, and it begins anew."""
AT_ONCE = 50
"""How many flushes are told again in one piece."""
MOST_BEHIND = 1_000
"""How many flushes are told again; who is further behind begins anew."""
RETRY_MS = {"shutdown": 1_000, "max_age": 0, "revoked": 0}


@dataclass(frozen=True)
class Wanted:
    """What a client asked for: one table or all, some types or all, from a cursor on or from now on."""

    table_id: int | None = None
    types: frozenset[str] = frozenset()
    after: int | None = None

    def accepts(self, event: Event) -> bool:
        """Whether the filters let an event through."""
        return (self.table_id is None or event["table"] == self.table_id) and (
            not self.types or event["type"] in self.types
        )


@dataclass(frozen=True)
class Line:
    """A line that waits, and the table that it is about."""

    table_id: int | None
    text: bytes


class EventLines:
    """The lines of one client."""

    kind = "events"
    content_type = "application/x-ndjson"

    def __init__(self, admitted: Pass, view: View, wanted: Wanted) -> None:
        self.admitted = admitted
        self._view = view
        self._gone: dict[int, str] = {}
        self._wanted = wanted
        self._waiting: deque[Line] = deque()
        self._changed = asyncio.Event()

    def hear(self, entry: Entry, names: Mapping[int, str]) -> None:
        """Keep what the client wants and may see."""
        self._keep(self._lines(entry, names))
        for event in entry.events:
            if event["type"] == "schema.changed":
                self._gone.pop(event["table"], None)

    def lose(self) -> None:
        """What waits is of no more use."""
        self._begin_anew("lost")

    async def chunks(self) -> AsyncGenerator[bytes, None]:
        """The opening line, what came since the client's cursor, and what comes."""
        hub.add(self)
        try:
            place = hub.reader.place or 0
            yield _line({"type": "stream.open", "cursor": place, "heartbeat_seconds": HEARTBEAT_SECONDS})
            if self._wanted.after is not None:
                async for missed in self._missed(self._wanted.after, place):
                    yield missed
            beat_at = time.monotonic() + HEARTBEAT_SECONDS
            while True:
                if await self._has_come(beat_at - time.monotonic()):
                    yield self._take()
                if time.monotonic() >= beat_at:
                    beat_at = time.monotonic() + HEARTBEAT_SECONDS
                    # What waits goes first: the cursor is behind it.
                    yield self._take() + _line({"type": "heartbeat", "cursor": self._cursor()})
        finally:
            hub.remove(self)

    def may_go_on(self, view: View) -> bool:
        """Take the new view; it ends with the table that it was asked for.

        Of a table that is gone from it nothing is told any more, but one change of its schema: that may be its end.
        """
        gone = {table_id: name for table_id, name in self._view.items() if table_id not in view}
        if gone:
            self._gone = gone
            self._waiting = deque(line for line in self._waiting if line.table_id not in gone)
        self._view = view
        return self._wanted.table_id is None or self._wanted.table_id in view

    def last_words(self, reason: Reason) -> bytes:
        """What has come, and why it ends."""
        closing = {"type": "stream.closing", "reason": reason, "retry_ms": RETRY_MS[reason], "cursor": self._cursor()}
        return (b"" if reason == "revoked" else self._take()) + _line(closing)

    async def _has_come(self, seconds: float) -> bool:
        """Wait so long for lines; whether there are any."""
        try:
            async with asyncio.timeout(max(0.0, seconds)):
                await self._changed.wait()
        except TimeoutError:
            return False
        return True

    async def _missed(self, after: int, upto: int) -> AsyncIterator[bytes]:
        """The lines since a cursor, or the line that says that they cannot be had."""
        if after == upto:
            return
        try:
            entries = await asyncio.to_thread(
                log.since, after, table_id=self._wanted.table_id, upto=upto, most=MOST_BEHIND + 1
            )
        except log.NoSuchPlace:
            yield self._reset("unknown", upto)
            return
        except redis.RedisError:
            yield self._reset("unavailable", upto)
            return
        if len(entries) > MOST_BEHIND:
            yield self._reset("behind", upto)
            return
        for start in range(0, len(entries), AT_ONCE):
            of_piece = entries[start : start + AT_ONCE]
            if piece := b"".join(line.text for entry in of_piece for line in self._lines(entry, self._view, after)):
                yield piece

    def _lines(self, entry: Entry, names: Mapping[int, str], after: int = 0) -> list[Line]:
        return [
            Line(event["table"], _line(events.shown(event, self._name(event, names))))
            for event in entry.events
            if event["id"] > after and self._sees(event) and self._wanted.accepts(event)
        ]

    def _name(self, event: Event, names: Mapping[int, str]) -> str | None:
        table_id = event["table"]
        return self._gone.get(table_id) or names.get(table_id) or self._view.get(table_id)

    def _keep(self, lines: Sequence[Line]) -> None:
        """An entry of any length is kept: one outage may bring many transitions, and whoever reads gets them."""
        if self._waiting and len(self._waiting) + len(lines) > MOST_LINES:
            self._begin_anew("overflow")
        elif lines:
            self._waiting.extend(lines)
            self._changed.set()

    def _begin_anew(self, reason: str) -> None:
        self._waiting.clear()
        self._waiting.append(Line(None, self._reset(reason, hub.reader.place or 0)))
        self._changed.set()

    def _take(self) -> bytes:
        self._changed.clear()
        taken = b"".join(line.text for line in self._waiting)
        self._waiting.clear()
        return taken

    def _cursor(self) -> int:
        """Up to where the client has been told everything, once it has what is waiting."""
        return hub.reader.place or 0

    def _reset(self, reason: str, cursor: int) -> bytes:
        return _line({"type": "stream.reset", "reason": reason, "cursor": cursor})

    def _sees(self, event: Event) -> bool:
        table_id = event["table"]
        if table_id is None or table_id in self._view:
            return True
        return table_id in self._gone and event["type"] == "schema.changed"


def _line(content: Mapping[str, object]) -> bytes:
    return orjson.dumps(content) + b"\n"
