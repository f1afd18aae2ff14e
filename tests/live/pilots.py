"""The terminal client as somebody uses it: real screens over a real server, keys pressed, and what is read then."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from django.db import connections
from textual import events
from textual.pilot import Pilot

from tableflow.terminal.address import Server
from tableflow.terminal.app import Terminal
from tableflow.terminal.widgets.listing import Listing

PATIENCE = 20.0
GLANCE = 0.05
ROOMY = (120, 20)
Found = TypeVar("Found")


class Seat:
    """In front of the terminal."""

    def __init__(self, app: Terminal, pilot: Pilot[None]) -> None:
        self.app = app
        self._pilot = pilot

    @property
    def screen(self) -> list[str]:
        """What is read on the screen, line by line."""
        return [strip.text.rstrip() for strip in self.app.screen._compositor.render_strips()]

    @property
    def text(self) -> str:
        """What is read on the screen."""
        return "\n".join(self.screen)

    @property
    def listing(self) -> Listing:
        """The list on the screen."""
        return self.app.screen.query_one(Listing)

    @property
    def ids(self) -> list[Any]:
        """The ids of what the list holds, from the top."""
        return [record["id"] for record in self.listing.records]

    @property
    def selected(self) -> Any:
        """The id of the selected record."""
        record = self.listing.selected
        return record["id"] if record is not None else None

    async def press(self, *keys: str) -> None:
        """Press these keys, one after another."""
        await self._pilot.press(*keys)

    async def type(self, text: str) -> None:
        """Type this, then enter."""
        names = {" ": "space", ":": "colon", "@": "at", "-": "minus", "/": "slash"}
        await self._pilot.press(*(names.get(character, character) for character in text), "enter")

    async def click(self, x: int, y: int, *, times: int = 1) -> None:
        """Click at this place of the list."""
        await self._pilot.click(Listing, offset=(x, y), times=times)

    async def wheel_up(self) -> None:
        """Turn the wheel up by one notch over the list."""
        wheel = {"delta_x": 0, "delta_y": 1, "button": 0, "shift": False, "meta": False, "ctrl": False}
        self.listing.post_message(events.MouseScrollUp(self.listing, 5, 5, **wheel))
        await self._pilot.pause()

    async def resize(self, width: int, height: int) -> None:
        """Give the terminal another size."""
        await self._pilot.resize_terminal(width, height)

    async def until(self, condition: Callable[[], Found], what: str, seconds: float = PATIENCE) -> Found:
        """Wait until the condition is true, and give it; what is on the screen is told when it never is."""
        deadline = time.monotonic() + seconds
        while not (found := condition()):
            if time.monotonic() > deadline:
                raise AssertionError(f"waited {seconds} s in vain until {what}. The screen:\n{self.text}")
            await self._pilot.pause(GLANCE)
        return found

    async def reads(self, *words: str) -> str:
        """Wait until all of this is on the screen; gives the screen."""
        await self.until(lambda: all(word in self.text for word in words), f"the screen shows {words}")
        return self.text

    async def reads_no_more(self, word: str) -> None:
        """Wait until this is not on the screen any more."""
        await self.until(lambda: word not in self.text, f"the screen does not show {word!r} any more")


def play(server: Server, story: Callable[[Seat], Awaitable[None]], size: tuple[int, int] = ROOMY) -> None:
    """Have somebody sit down at a terminal of this size and do what the story tells."""

    async def sit() -> None:
        app = Terminal(server)
        try:
            async with app.run_test(size=size) as pilot:
                await story(Seat(app, pilot))
        finally:
            connections.close_all()  # The story's own: a loop has other ones than the test around it.

    asyncio.run(sit())
