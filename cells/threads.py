"""The threads in which plain functions run: bounded in number, and not lost to a function that does not end.

A call that is given up (by its step's timeout, or a stop) is told to end by an exception raised within it, and its
thread counts no more: another one takes its place. That exception is sent only while the call runs, under the lock by
which the call ends, and a thread that was sent one takes no other call. So it never reaches a call that it is not for.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import logging
import threading
from collections import deque
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, TypeVar

from django.db import DatabaseError, InterfaceError, connections

from cells.steps.step import StepFailed

FUNCTION_THREADS = 32
EXPRESS_THREADS = 8
"""Threads for express calls only, so that a click never waits for the functions of a long run."""
ABANDONED_LIMIT = 64

express: ContextVar[bool] = ContextVar("express", default=False)
"""Whether the cell that is running was asked for by itself, or with a few others."""

Given = TypeVar("Given")
logger = logging.getLogger(__name__)


class Abandoned(BaseException):
    """Raised within a function that nobody waits for any more."""


class _Job:
    """One call, and where its outcome is awaited."""

    def __init__(self, call: Callable[[], Any], awaited: asyncio.Future[Any]) -> None:
        self.call = call
        self.awaited = awaited
        self.thread: threading.Thread | None = None
        self.ended = False
        self.abandoned = False

    def settle(self, value: Any, error: BaseException | None) -> None:
        """Give the outcome to who awaits it, if anybody still does."""
        with contextlib.suppress(RuntimeError):  # The event loop is closed: nobody does.
            self.awaited.get_loop().call_soon_threadsafe(self._settle, value, error)

    def _settle(self, value: Any, error: BaseException | None) -> None:
        if self.awaited.done():
            return
        if error is None:
            self.awaited.set_result(value)
        else:
            self.awaited.set_exception(error)


class _Crew:
    """A number of threads, started as they are needed, and the calls that wait for one."""

    def __init__(self, name: str, size: int) -> None:
        self._name = name
        self._size = size
        self._lock = threading.Lock()
        self._wake = threading.Condition(self._lock)
        self._jobs: deque[_Job] = deque()
        self._threads = 0
        self._busy = 0

    def take(self, job: _Job, *, wait: bool) -> bool:
        """Have the job done; False when no thread is free for it and it is not to wait."""
        with self._lock:
            if not wait and self._busy + len(self._jobs) >= self._size:
                return False
            self._jobs.append(job)
            self._hire()
            self._wake.notify()
        return True

    def abandon(self, job: _Job) -> threading.Thread | None:
        """Give the job up; the thread that may go on with it unheard, None when there is none."""
        with self._lock:
            if job.thread is None:
                self._jobs.remove(job)
            if job.thread is None or job.ended:
                return None
            job.abandoned = True
            self._busy -= 1
            self._threads -= 1
            _send(job.thread)
            self._hire()
            return job.thread

    def _hire(self) -> None:
        if self._threads >= min(self._size, self._busy + len(self._jobs)):
            return
        try:
            threading.Thread(target=self._work, name=self._name, daemon=True).start()
            self._threads += 1
        except RuntimeError as error:
            logger.warning("No thread could be started for a function: %s", error)

    def _work(self) -> None:
        try:
            while self._do(self._next()):
                pass
        except Abandoned:  # It came before the function had begun.
            return

    def _next(self) -> _Job:
        with self._wake:
            while not self._jobs:
                self._wake.wait()
            job = self._jobs.popleft()
            job.thread = threading.current_thread()
            self._busy += 1
            return job

    def _do(self, job: _Job) -> bool:
        """Make the call; False when it was abandoned, and this thread replaced."""
        value: Any = None
        error: BaseException | None = None
        try:
            try:
                value = job.call()
            except Abandoned:
                raise
            except BaseException as failure:  # noqa: BLE001  (whatever it is, it is the caller's)
                error = failure
            kept = self._end(job)
        except Abandoned:
            kept = False
        if not kept:
            _disarm()
        _close_connections()
        if kept:
            job.settle(value, error)
        return kept

    def _end(self, job: _Job) -> bool:
        with self._lock:
            if job.abandoned:
                return False
            job.ended = True
            self._busy -= 1
            return True


class Threads:
    """The threads of a process, those for everybody and those for express calls."""

    def __init__(
        self, ordinary: int = FUNCTION_THREADS, reserved: int = EXPRESS_THREADS, abandoned: int = ABANDONED_LIMIT
    ) -> None:
        self._ordinary = _Crew("function", ordinary)
        self._reserved = _Crew("express function", reserved)
        self._abandoned_limit = abandoned
        self._lock = threading.Lock()
        self._abandoned: list[threading.Thread] = []

    async def call(self, function: Callable[[], Given]) -> Given:
        """What the function returns or raises. When this is cancelled the function is told to end.

        Raises StepFailed (another try may do better) while too many abandoned functions have not ended.
        """
        self._check_room()
        job = _Job(function, asyncio.get_running_loop().create_future())
        crew = self._give(job)
        try:
            given: Given = await job.awaited
        except asyncio.CancelledError:
            self._abandon(crew, job)
            raise
        return given

    def abandoned(self) -> int:
        """How many functions go on though nobody waits for them."""
        with self._lock:
            self._abandoned = [thread for thread in self._abandoned if thread.is_alive()]
            return len(self._abandoned)

    def _give(self, job: _Job) -> _Crew:
        if not express.get():
            self._ordinary.take(job, wait=True)
            return self._ordinary
        for crew in (self._reserved, self._ordinary):
            if crew.take(job, wait=False):
                return crew
        self._reserved.take(job, wait=True)
        return self._reserved

    def _check_room(self) -> None:
        if self._abandoned and self.abandoned() >= self._abandoned_limit:
            message = f"{self._abandoned_limit} functions on this worker have outlived their timeout and do not end."
            raise StepFailed(f"{message} No other one is started until one of them does.", retryable=True)

    def _abandon(self, crew: _Crew, job: _Job) -> None:
        thread = crew.abandon(job)
        if thread is not None:
            with self._lock:
                self._abandoned.append(thread)


def _send(thread: threading.Thread) -> None:
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident or 0), ctypes.py_object(Abandoned))


def _disarm() -> None:
    """Take back what was sent to this thread and has not come."""
    try:
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(threading.get_ident()), None)
    except Abandoned:
        return


def _close_connections() -> None:
    """A database connection that the function opened goes back to the pool."""
    for connection in connections.all(initialized_only=True):
        try:
            connection.close()
        except (DatabaseError, InterfaceError) as error:
            logger.warning("A function's database connection could not be closed: %s", error)


_threads = Threads()
call = _threads.call
abandoned = _threads.abandoned
