"""Who listens, and what that person may hear: asked when a stream opens, and again every few seconds while it lasts."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Protocol

from django.db import connections

View = Mapping[int, str]
"""The tables that somebody may see: their ids, and their names."""


class Pass(Protocol):
    """What lets somebody in: a session or a token. Equal ones are asked once for all streams that they opened."""

    @property
    def user_id(self) -> int:
        """Whose it is."""

    def look(self) -> View | None:
        """What its holder may see now; None: it counts no more. Asks the database."""

    def __hash__(self) -> int: ...


def look_all(passes: Collection[Pass]) -> dict[Pass, View | None]:
    """What each of them may see, asked in a thread that keeps no connection."""
    try:
        return {each: each.look() for each in passes}
    finally:
        connections.close_all()
