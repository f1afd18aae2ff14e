"""The way of marks out of a process: gathered here, carried to Redis by one thread, however often something is marked.

The first mark goes at once; while more come, a few times a second. What cannot be handed over stays, and is tried again
for as long as the process lives. What was handed over belongs to Redis: when this process dies, others flush it.
"""

from __future__ import annotations

import atexit
import logging
import threading
import time

import redis

from tableflow.live import log
from tableflow.live.dirt import Dirt

logger = logging.getLogger(__name__)

PACE_SECONDS = 0.05
AGAIN_SECONDS = 0.5
LAST_SECONDS = 2.0
"""What the end of the process gives the last marks."""


class Flusher:
    """The marks of this process that Redis does not have yet, and the thread that brings them there."""

    def __init__(self) -> None:
        self._dirt: dict[int, Dirt] = {}
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._ending = False
        self._due: float | None = None

    def take(self, table_id: int, dirt: Dirt) -> None:
        """Have this told soon. It waits for nothing."""
        with self._changed:
            if not self._dirt:
                self._changed.notify()
            if table_id in self._dirt:
                self._dirt[table_id].add(dirt)
            else:
                self._dirt[table_id] = dirt
            if self._thread is None:
                thread = threading.Thread(target=self._run, name="live-flusher", daemon=True)
                thread.start()
                self._thread = thread

    def end(self) -> None:
        """Bring what is left, in a moment; called when the process ends."""
        with self._changed:
            self._ending = True
            self._changed.notify()
        if self._thread is not None:
            self._thread.join(LAST_SECONDS)

    def _run(self) -> None:
        while self._wait():
            try:
                self._bring()
            except redis.RedisError as error:
                logger.warning("Live events wait for Redis: %s", error)
                self._pause(AGAIN_SECONDS)
            except Exception:  # the thread's edge: what cannot be told is dropped, and what is marked next is not
                logger.exception("Live events were dropped")
            else:
                self._pause(PACE_SECONDS)

    def _wait(self) -> bool:
        """Wait until there is something to bring or to flush; False at the end of the process."""
        with self._changed:
            while not self._dirt and not self._is_due():
                if self._ending:
                    return False
                self._changed.wait(None if self._due is None else max(0.0, self._due - time.monotonic()))
            return not self._ending or bool(self._dirt)

    def _is_due(self) -> bool:
        return self._due is not None and self._due <= time.monotonic()

    def _bring(self) -> None:
        with self._changed:
            dirt, self._dirt = self._dirt, {}
        try:
            left = log.mark(dirt) if dirt else None
        except redis.RedisError:
            self._put_back(dirt)
            raise
        self._due = min(filter(None, (self._due, _from_now(left))), default=None)
        if self._is_due():  # also while marks of other tables come all the time
            self._due = _from_now(log.flush())

    def _put_back(self, dirt: dict[int, Dirt]) -> None:
        with self._changed:
            for table_id, newer in self._dirt.items():
                if table_id in dirt:
                    dirt[table_id].add(newer)
                else:
                    dirt[table_id] = newer
            self._dirt = dirt

    def _pause(self, seconds: float) -> None:
        """Let marks gather for a moment."""
        until = time.monotonic() + seconds
        with self._changed:
            while (left := until - time.monotonic()) > 0:
                self._changed.wait(left)


def _from_now(seconds: float | None) -> float | None:
    return time.monotonic() + seconds if seconds is not None else None


_flusher = Flusher()
atexit.register(_flusher.end)


def take(table_id: int, dirt: Dirt) -> None:
    """Have this told soon, by this process's flusher."""
    _flusher.take(table_id, dirt)


def end() -> None:
    """Bring what is left, where the process ends in a way that runs no exit handlers."""
    _flusher.end()
