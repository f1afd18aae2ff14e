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

from tableflow.live import clients, events, passes
from tableflow.live.log import Entry, Event
from tableflow.live.passes import View
from tableflow.live.reader import Reader
from tableflow.live.streams import streams

logger = logging.getLogger(__name__)

LOOK_SECONDS = 5.0


class Subscriber(Protocol):
    """Somebody in this process who hears every entry."""

    def hear(self, entry: Entry, names: Mapping[int, str]) -> None:
        """An entry; `names` are those of the tables that somebody listening here may see."""

    def lose(self) -> None:
        """Events may have been missed: begin anew."""


class Hub:
    """Passes on what the reader reads. All of it happens on the event loop."""

    def __init__(self) -> None:
        self.reader = Reader(self)
        self._subscribers: set[Subscriber] = set()
        self._names: dict[int, str] = {}
        self._nobodys: set[int] = set()
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Begin to read."""
        self._tasks = [asyncio.create_task(self.reader.follow()), asyncio.create_task(self._keep_looking())]

    async def stop(self) -> None:
        """End with the process."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def add(self, subscriber: Subscriber) -> None:
        """From now on this one hears what is behind the reader's place."""
        self._subscribers.add(subscriber)

    def remove(self, subscriber: Subscriber) -> None:
        """Have this one hear no more."""
        self._subscribers.discard(subscriber)

    async def hear(self, entry: Entry) -> None:
        """Pass an entry on."""
        if self._subscribers and self._is_news(entry.events):
            await self._look()
            self._nobodys.update({event["table"] for event in entry.events} - self._names.keys())
        for subscriber in list(self._subscribers):
            subscriber.hear(entry, self._names)
        self._tell_pages(entry)

    def lose(self) -> None:
        """Have everybody begin anew."""
        for subscriber in list(self._subscribers):
            subscriber.lose()
        manager = get_listener_manager()
        with manager.lock:
            listeners = {listener for some in manager.listeners_by_channel.values() for listener in some}
            for listener in listeners:
                # It reads the storage again with the last id that it sent, which is no place in the log any more.
                listener.overflow = True
                listener.wake_threadsafe()

    def _tell_pages(self, entry: Entry) -> None:
        manager = get_listener_manager()
        for hint in events.hints(entry):
            channel = channel_of(entry.events[0]["table"])
            if channel in manager.listeners_by_channel:
                manager.add_to_queues(channel, SentEvent(channel, hint.name, events.encoded(hint), id=hint.id))

    def _is_news(self, of: Collection[Event]) -> bool:
        """Whether somebody may be allowed to see what nobody here was, or under another name."""
        return any(
            event["type"] == "schema.changed" or event["table"] not in {None, *self._names, *self._nobodys}
            for event in of
        )

    async def _keep_looking(self) -> None:
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            self._nobodys.clear()
            await self._look()
            await self._be_counted()

    async def _look(self) -> None:
        """Ask what those who listen may see now, and end the streams of those who may not."""
        try:
            views = await asyncio.to_thread(passes.look_all, streams.passes())
        except DatabaseError as error:
            logger.warning("Streams go on as they were admitted, since the database cannot be asked: %s", error)
            return
        for pass_, view in views.items():
            self.learn(view or {})
            streams.look(pass_, view)

    def learn(self, view: View) -> None:
        """Take note of what the tables that somebody may see are called."""
        self._names.update(view)

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
