"""The process's one event loop: cells run on it as coroutines, whichever Celery thread drew them.

Plain functions that a cell calls go to threads of their own (cells/threads.py). Where `express` is set when cells are
started, they have threads that no long run holds.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterable
from typing import Any

from cells.lifecycle import Claim
from cells.threads import FUNCTION_THREADS, express

__all__ = ["FUNCTION_THREADS", "abort", "current", "express", "held", "start"]

_lock = threading.Lock()
_loop: asyncio.AbstractEventLoop | None = None
_running: dict[int, tuple[Claim, asyncio.Task[None]]] = {}


def current() -> asyncio.AbstractEventLoop:
    """The loop, started with its thread on first use."""
    global _loop  # noqa: PLW0603  (one loop a process is the point)
    with _lock:
        if _loop is None:
            _loop = asyncio.new_event_loop()
            threading.Thread(target=_loop.run_forever, name="cells", daemon=True).start()
        return _loop


def start(cells: Iterable[tuple[Claim, Callable[[], Coroutine[Any, Any, None]]]]) -> None:
    """Start cells on the loop. Each coroutine reports for itself; it is cancelled when its claim is fenced.

    An execution that is claimed anew in this process has lost the claim before: its coroutine is cancelled at once.
    """
    batch = list(cells)
    loop = current()

    def begin() -> None:
        for claim, run in batch:
            _cancel(claim.id)
            task = loop.create_task(run())
            _running[claim.id] = (claim, task)
            task.add_done_callback(lambda _, claim=claim: _forget(claim))  # type: ignore[misc]

    loop.call_soon_threadsafe(begin)


def _forget(claim: Claim) -> None:
    held = _running.get(claim.id)
    if held and held[0] is claim:
        del _running[claim.id]


def held() -> list[Claim]:
    """The claims whose cells run now."""
    return [claim for claim, _ in list(_running.values())]


def abort(claims: Iterable[Claim]) -> None:
    """Cancel the coroutines of these claims, which were taken away; not those of later claims of the same cells."""
    gone = {claim.id: claim.fence for claim in claims}

    def cancel() -> None:
        for execution_id, fence in gone.items():
            _cancel(execution_id, fence)

    current().call_soon_threadsafe(cancel)


def _cancel(execution_id: int, fence: int | None = None) -> None:
    found = _running.get(execution_id)
    if found and fence in (None, found[0].fence):
        found[1].cancel()
