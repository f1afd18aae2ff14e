"""Following the log: one reader in each web process, which outlives every outage of Redis.

It goes on behind the last entry that it has read, so an outage costs no event. Where events may be missing all the same
(Redis was emptied or started anew, or the log was trimmed faster than it was read) it says so: everybody begins anew.
It also flushes what somebody marked and did not live to flush.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from typing import Any, Protocol

import redis.asyncio
from django.conf import settings
from redis.exceptions import RedisError

from tableflow.live import log
from tableflow.live.log import ALL, Entry, Position

logger = logging.getLogger(__name__)

BLOCK_MS = 1_000
SWEEP_SECONDS = 1.0
AT_ONCE = 200
SILENCE_SECONDS = 10.0
"""How long Redis may answer nothing: on a busy machine it is late before it is gone."""
AGAIN_SECONDS = (0.1, 2.0)
"""The pause before the first and before every later try to reach Redis again."""


class Listener(Protocol):
    """Who is told what the reader reads."""

    async def hear(self, entry: Entry) -> None:
        """An entry, each once and in order."""

    def lose(self) -> None:
        """Events may be missing."""


class Reader:
    """The place of this process in the log."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self._origin = 0
        self.place: int | None = None
        """Up to which entry all was passed on; None before it has reached Redis."""
        self.heard = 0
        """The entry that was passed on last, or is being."""
        self.has_redis = False
        self.lag_seconds = 0.0
        """How old the newest entry was when it was read."""

    async def follow(self) -> None:
        """Read for ever."""
        pause, longest = AGAIN_SECONDS
        while True:
            began = time.monotonic()
            try:
                await self._session()
            except Exception as error:  # the edge of a session: whatever ended it, the next one begins
                self.has_redis = False
                if not isinstance(error, RedisError | OSError):
                    logger.exception("The reader of live events goes on after an error")
                lasted = time.monotonic() - began
                if lasted > longest:
                    logger.warning("The reader of live events lost Redis, and goes on when it is back: %s", error)
                    pause, _ = AGAIN_SECONDS
            await asyncio.sleep(pause * random.uniform(0.5, 1))
            pause = min(2 * pause, longest)

    async def _session(self) -> None:
        silence = BLOCK_MS / 1000 + SILENCE_SECONDS
        async with redis.asyncio.Redis.from_url(
            settings.REDIS_URL, socket_connect_timeout=log.TIMEOUT_SECONDS, socket_timeout=silence
        ) as client:
            server = (await client.info("server"))["run_id"]
            position, flush = (client.register_script(log.source(name)) for name in ("position", "flush"))
            await self._take_place(await self._stands(position, server), client)
            self.has_redis = True
            sweep_at = 0.0
            while True:
                before = self.place or 0
                found: Any = await client.xread({ALL: f"{before}-0"}, count=AT_ONCE, block=BLOCK_MS)
                read = [log.entry(id_, fields) for _, entries in found for id_, fields in entries]
                for entry in read:
                    await self._read(entry)
                if len(read) == AT_ONCE and not await _is_whole(before, await self._stands(position, server), client):
                    self._listener.lose()
                if not read or time.monotonic() > sweep_at:
                    sweep_at = time.monotonic() + SWEEP_SECONDS
                    await flush()
                    self._look(await self._stands(position, server))

    async def _stands(self, position: Any, server: str) -> Position:
        """How the log of this run of Redis stands, which is told up to where it was read."""
        return log.as_position(await position(args=[server, self.place or 0]))

    async def _take_place(self, stands: Position, client: Any) -> None:
        """Find out what became of the log since the last session, or before the first."""
        if self.place is None:
            self.place, self._origin = stands.last, stands.origin
            self._listener.lose()
        elif stands.origin != self._origin or not await _is_whole(self.place, stands, client):
            self._begin_anew(stands)

    def _look(self, stands: Position) -> None:
        if stands.origin != self._origin:
            self._begin_anew(stands)

    async def _read(self, entry: Entry) -> None:
        if entry.origin != self._origin:
            self._begin_anew(Position(entry.id, entry.origin))
        self.heard = entry.id
        self.lag_seconds = max(0.0, time.time() - entry.id / log.MICROSECONDS)
        await self._listener.hear(entry)
        self.place = entry.id  # only now: it is told as the cursor up to which all was passed on

    def _begin_anew(self, stands: Position) -> None:
        self._origin = stands.origin
        self.place = max(self.place or 0, stands.origin)
        self._listener.lose()


async def _is_whole(place: int, stands: Position, client: Any) -> bool:
    """Whether nothing was trimmed behind this place before it was read."""
    return log.is_place(place, stands, await client.mget(log.floors_of(ALL)))
