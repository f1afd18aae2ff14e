"""Data that is loaded when it is first asked for, once, whichever threads ask: functions run in several."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from typing import TypeVar

Loaded = TypeVar("Loaded")


def once(load: Callable[[], Loaded]) -> Callable[[], Loaded]:
    """The function, made to run a single time; callers that come meanwhile wait for its result."""
    lock = threading.Lock()
    results: list[Loaded] = []

    @functools.wraps(load)
    def loaded() -> Loaded:
        if not results:
            with lock:
                if not results:
                    results.append(load())
        return results[0]

    return loaded
