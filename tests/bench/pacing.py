"""Doing something so many times a second."""

from __future__ import annotations

import time
from collections.abc import Callable


def at_rate(what: Callable[[int], object], rate: int, seconds: float) -> int:
    """Call it with 1, 2 and so on, `rate` times a second or as often as can be; gives how often."""
    began = time.monotonic()
    done = 0
    while (passed := time.monotonic() - began) < seconds:
        if done >= rate * passed:
            time.sleep(0.001)
            continue
        done += 1
        what(done)
    return done
