"""Server-Sent Events of one table, for pages: django-eventstream's framing and permissions over the log."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django_eventstream.eventrequest import EventRequest
from django_eventstream.views import Listener, stream

from tableflow.live.hub import channel_of, hub
from tableflow.live.passes import Pass, View
from tableflow.live.streams import Reason

NOWHERE = -1
"""A cursor that is in no log: who comes with it begins anew."""
RETRY_MS = 1_000
_NAME_AND_ID = re.compile(r"event: (?P<name>.*)\nid: .*:(?P<id>-?\d+)$", re.MULTILINE)
RESTARTING = b"event: server-restarting\ndata:\n\n"


class TableStream:
    """The hints of a table, from a cursor on. None: from now on."""

    kind = "table"
    content_type = "text/event-stream"

    def __init__(self, admitted: Pass, user: AbstractBaseUser, table_id: int, cursor: int | None) -> None:
        self.admitted = admitted
        self._user = user
        self._table_id = table_id
        self._cursor = cursor
        self._told = NOWHERE
        self._channel = channel_of(table_id)
        self._listener = Listener()
        self._has_lost = False

    async def chunks(self) -> AsyncGenerator[bytes, None]:
        """The library's own stream. It resumes even when it is new, so that nothing is lost while it opens."""
        channel = self._channel
        cursor = self._cursor if self._cursor is not None else hub.reader.place or NOWHERE
        asked = EventRequest()
        asked.user, asked.channels, asked.channel_last_ids = self._user, {channel}, {channel: str(cursor)}
        asked.is_next = asked.is_recover = False  # a request that came through no proxy of the library's
        self._listener.user_id, self._listener.channels = self._user.pk, {channel}
        # An id without an event: who is cut off before the first one comes back with it.
        yield f"retry: {RETRY_MS}\nid: {channel}:{cursor}\n\n".encode()
        hub.pages.add(self)
        try:
            async with aclosing(stream(asked, self._listener)) as texts:
                async for text in texts:
                    if news := self._reset() + self._news(text):
                        if self._told != NOWHERE:
                            asked.channel_last_ids[channel] = str(self._told)  # from here on, should it read again
                        yield news.encode()
        finally:
            hub.pages.discard(self)

    def lose(self) -> None:
        """Tell the page to begin anew, before it is told anything else."""
        self._has_lost = True
        if self._listener.loop is not None:
            self._listener.overflow = True  # what makes the library read the log again, and so come round
            self._listener.wake_threadsafe()

    def _reset(self) -> str:
        if not self._has_lost:
            return ""
        self._has_lost = False
        self._told = max(self._told, hub.reader.place or NOWHERE)
        return f"event: stream-reset\nid: {self._channel}:{self._told}\ndata: {{}}\n\n"

    def _news(self, text: str) -> str:
        """The text without hints that were told before: the library reads the log again for what came while it read."""
        return "".join(f"{block}\n\n" for block in text.split("\n\n") if block and self._is_news(block))

    def _is_news(self, block: str) -> bool:
        found = _NAME_AND_ID.match(block)
        if found is None:
            return True
        id_ = int(found["id"])
        is_news = id_ > self._told or found["name"] == "stream-reset"
        if is_news:
            self._told = id_
        return is_news

    def may_go_on(self, view: View) -> bool:
        """Whether its holder still sees the table."""
        return self._table_id in view

    def last_words(self, reason: Reason) -> bytes:
        """The client comes back by itself, and is refused then where it may not."""
        return RESTARTING if reason == "shutdown" else b""


def cursor_of(headers: Mapping[str, Any], query: Mapping[str, Any]) -> int | None:
    """The cursor that a client comes back with, from its header or the address; None: it comes anew."""
    said = headers.get("Last-Event-ID") or query.get("lastEventId")
    if not said:
        return None
    number = str(said).rpartition(":")[2]
    return int(number) if number.isascii() and number.isdigit() and len(number) < 19 else NOWHERE
