"""What the web process keeps for its streams: the reader's listener, who may see what, and the count of who listens."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from collections.abc import Collection, Mapping
from typing import Protocol

import redis
from django.db import Error as DatabaseError
from django_eventstream.event import Event as SentEvent
from django_eventstream.views import get_listener_manager

from tableflow.live import clients, events, flusher, passes
from tableflow.live.log import Entry, Event
from tableflow.live.passes import Pass
from tableflow.live.reader import Reader
from tableflow.live.streams import Stream, streams

logger = logging.getLogger(__name__)

LOOK_SECONDS = 5.0
PATIENCE_SECONDS = 5.0
"""How long events wait for the database to say who may hear them."""


class Subscriber(Protocol):
    """A stream that hears every entry."""

    admitted: Pass

    def hear(self, entry: Entry, names: Mapping[int, str]) -> None:
        """An entry; `names` are those of the tables that somebody listening here may see."""

    def lose(self) -> None:
        """Events may have been missed: begin anew."""


class Page(Protocol):
    """A stream that hears through django-eventstream."""

    def lose(self) -> None:
        """Hints may have been missed: begin anew."""


class Hub:
    """Passes on what the reader reads. All of it happens on the event loop."""

    def __init__(self) -> None:
        self.reader = Reader(self)
        self.pages: set[Page] = set()
        self._subscribers: set[Subscriber] = set()
        self._newcomers: set[Pass] = set()
        self._names: dict[int, str] = {}
        self._nobodys: set[int] = set()
        self._looking = asyncio.Lock()
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Begin to read."""
        self._tasks = [asyncio.create_task(self.reader.follow()), asyncio.create_task(self._keep_looking())]

    async def stop(self) -> None:
        """End with the process, when the last marks are on their way."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.to_thread(flusher.end)

    def add(self, subscriber: Subscriber) -> None:
        """Let this one hear what is behind the reader's place. What it may see is asked once more before it does:
        it may have changed since the view that let it in.
        """
        self._subscribers.add(subscriber)
        self._newcomers.add(subscriber.admitted)

    def remove(self, subscriber: Subscriber) -> None:
        """Have this one hear no more."""
        self._subscribers.discard(subscriber)

    async def hear(self, entry: Entry) -> None:
        """Pass an entry on; to pages first, which wait for no database."""
        self._tell_pages(entry)
        if self._subscribers and (self._newcomers or self._is_news(entry.events)):
            await self._look_before(entry)
        for subscriber in list(self._subscribers):
            subscriber.hear(entry, self._names)

    def lose(self) -> None:
        """Have everybody begin anew."""
        for one in (*self._subscribers, *self.pages):
            one.lose()

    def _tell_pages(self, entry: Entry) -> None:
        manager = get_listener_manager()
        channel = channel_of(entry.events[0]["table"])
        if channel in manager.listeners_by_channel:
            for hint in events.hints(entry):
                manager.add_to_queues(channel, SentEvent(channel, hint.name, events.encoded(hint), id=hint.id))

    def _is_news(self, of: Collection[Event]) -> bool:
        """Whether somebody may be allowed to see what nobody here was, or under another name."""
        return any(event["type"] == "schema.changed" or self._is_unknown(event["table"]) for event in of)

    def _is_unknown(self, table_id: int | None) -> bool:
        return table_id is not None and table_id not in self._names and table_id not in self._nobodys

    async def _look_before(self, entry: Entry) -> None:
        newcomers, self._newcomers = self._newcomers, set()
        everybody = streams.by_pass()
        concerned = everybody
        if not self._is_news(entry.events):
            concerned = {pass_: of_it for pass_, of_it in everybody.items() if pass_ in newcomers}
        if await self._look(concerned):
            self._nobodys.update(event["table"] for event in entry.events if self._is_unknown(event["table"]))

    async def _keep_looking(self) -> None:
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            try:
                self._nobodys.clear()
                await self._look(streams.by_pass())
                await self._be_counted()
            except Exception:  # the edge of one look: the next one comes
                logger.exception("What those who listen may see could not be looked up")

    async def _look(self, of: Mapping[Pass, Collection[Stream]]) -> bool:
        """Ask what those who listen may see now, and end the streams of those who may not; False: it is not known.

        One at a time, so that an older answer never comes after a newer one; and only for the streams that were
        open when it was asked.
        """
        async with self._looking:
            try:
                async with asyncio.timeout(PATIENCE_SECONDS):
                    views = await asyncio.to_thread(passes.look_all, list(of))
            except (DatabaseError, TimeoutError) as error:
                logger.warning("Streams go on as they were admitted, since the database does not answer: %r", error)
                return False
            for view in views.values():
                self._names.update(view or {})
            streams.look(of, views)
            return True

    async def _be_counted(self) -> None:
        counted = clients.Clients(dict(streams.by_kind), self.reader.lag_seconds)
        try:
            await asyncio.to_thread(clients.tell, f"{socket.gethostname()}:{os.getpid()}", counted)
        except redis.RedisError:
            return  # they are counted again when Redis is back


def channel_of(table_id: int) -> str:
    """What django-eventstream calls a table's hints."""
    return f"table-{table_id}"


hub = Hub()
