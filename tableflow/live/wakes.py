"""Server-Sent Events without data, for lists that fetch themselves anew: "something of this kind has changed".

A wake-up has room for one: any number of changes while it waits are one event, and the last is never lost.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping

from tableflow.live.hub import hub
from tableflow.live.log import Entry, Event
from tableflow.live.passes import Pass, View
from tableflow.live.sse import RESTARTING, RETRY_MS
from tableflow.live.streams import Reason

KEEP_ALIVE_SECONDS = 20.0
GAP_SECONDS = 1.0
"""How far apart two events are at the least: each has a list rendered."""


class Wakes:
    """Events of one name, each time something came that `wants` accepts and its holder may see."""

    content_type = "text/event-stream"

    def __init__(self, admitted: Pass, view: View, name: str, wants: Callable[[Event], bool]) -> None:
        self.admitted = admitted
        self.kind = name
        self._view = view
        self._wants = wants
        self._wake = asyncio.Event()
        self._event = f"event: {name}\ndata:\n\n".encode()

    def hear(self, entry: Entry, names: Mapping[int, str]) -> None:  # noqa: ARG002
        """Wake up if it is of interest."""
        if any(self._sees(event) and self._wants(event) for event in entry.events):
            self._wake.set()

    def lose(self) -> None:
        """Anything may have changed."""
        self._wake.set()

    async def chunks(self) -> AsyncGenerator[bytes, None]:
        """One event at once, and one for each wake-up."""
        hub.add(self)
        try:
            yield f"retry: {RETRY_MS}\n\n".encode() + self._event
            while True:
                try:
                    async with asyncio.timeout(KEEP_ALIVE_SECONDS):
                        await self._wake.wait()
                except TimeoutError:
                    yield b": keep-alive\n\n"
                    continue
                self._wake.clear()
                yield self._event
                await asyncio.sleep(GAP_SECONDS)
        finally:
            hub.remove(self)

    def may_go_on(self, view: View) -> bool:
        """Take the new view."""
        self._view = view
        return True

    def last_words(self, reason: Reason) -> bytes:
        """Pages tell people when the server is restarted."""
        return RESTARTING if reason == "shutdown" else b""

    def _sees(self, event: Event) -> bool:
        return event["table"] is None or event["table"] in self._view
