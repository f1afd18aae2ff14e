"""How long to wait before the next try: doubling from 1 s to 30 s, each time any part of it by chance.

The chance keeps a hundred clients from coming back in the same instant after a restart.
"""

from __future__ import annotations

import random
from collections.abc import Callable

LEAST_SECONDS = 1.0
MOST_SECONDS = 30.0


class Backoff:
    """The delays between tries. `chance` gives a number from 0 to 1."""

    def __init__(self, chance: Callable[[], float] = random.random) -> None:
        self._chance = chance
        self._bound = LEAST_SECONDS

    def next(self) -> float:
        """The seconds to wait now; the bound doubles for the next time."""
        delay = self._chance() * self._bound
        self._bound = min(MOST_SECONDS, 2 * self._bound)
        return delay

    def reset(self) -> None:
        """The last try was a success: begin at 1 s again."""
        self._bound = LEAST_SECONDS
