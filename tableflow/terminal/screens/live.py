"""What all screens share: one resource that is asked for anew when something changed, a status line, a flash line."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, ClassVar, cast

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.widgets import Footer

from tableflow.terminal import texts
from tableflow.terminal.client import ApiError, Client
from tableflow.terminal.filters import Stack
from tableflow.terminal.screens.confirm import Confirm
from tableflow.terminal.widgets.words import Words

if TYPE_CHECKING:
    from tableflow.terminal.app import Terminal

FLASH_SECONDS = 8.0


class LiveScreen(Screen[None]):
    """A screen over one resource. `fetch` asks for it, `paint` shows what came; the app says when."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", "Back", show=False),
        Binding("y", "copy", "Copy", show=False),
        Binding("l", "trace", "Trace", show=False),
    ]
    heading = ""
    stack = Stack()

    def __init__(self) -> None:
        super().__init__()
        self._flashed_at: float | None = None
        self._is_complaining = False
        self._title = Words("title", one_line=True)
        self._flash = Words("flash")
        self._status = Words("status", one_line=True)

    @property
    def terminal(self) -> Terminal:
        """The app."""
        return cast("Terminal", self.app)

    @property
    def api(self) -> Client:
        """Who asks the server."""
        return self.terminal.client

    @property
    def resource(self) -> str:
        """The name of what it shows (tableflow/terminal/resources.py)."""
        raise NotImplementedError

    async def fetch(self) -> Any:
        """Ask for what it shows. Raises ApiError."""
        raise NotImplementedError

    def paint(self, answer: Any) -> None:
        """Show what came."""
        raise NotImplementedError

    def body(self) -> ComposeResult:
        """What stands between the title and the status line."""
        raise NotImplementedError

    def position(self) -> str:
        """Where in its list the screen is, for the title."""
        return ""

    def compose(self) -> ComposeResult:
        yield self._title
        yield from self.body()
        yield self._flash
        yield self._status
        yield Footer(compact=True, show_command_palette=False)

    def on_mount(self) -> None:
        """Say that nothing is there yet."""
        self.tick()

    def on_screen_resume(self) -> None:
        """What it shows may be old: ask anew."""
        self.terminal.shown(self)

    def on_resize(self) -> None:
        """What it says of its list has changed."""
        self.tick()

    def tick(self) -> None:
        """Repaint what tells an age. Asks nothing."""
        if self._flashed_at is not None and time.monotonic() - self._flashed_at > FLASH_SECONDS:
            self._say("", "")
        where = self.position()
        self._title.say(f"{self.heading}  {where}" if where else self.heading)
        line, tone = self.terminal.status_line(self, self.size.width)
        self._status.say(line, tone)
        for widget in self.query(".ages"):
            widget.refresh()

    def flash(self, text: str, tone: str = "") -> None:
        """Say something for some seconds: what was done, or why not."""
        self._say(texts.clean(text), tone)
        self._flashed_at = time.monotonic()

    def _say(self, text: str, tone: str) -> None:
        self._flash.say(text, tone)
        self._flash.display = bool(text)
        self._flashed_at = None

    def take(self, answer: Any) -> None:
        """An answer has come: show it."""
        if self._is_complaining:
            self._is_complaining = False
            self._say("", "")
        self.paint(answer)
        self.tick()

    def complain(self, error: ApiError) -> None:
        """No answer has come: say why until one does. What is shown stays."""
        self._is_complaining = True
        self._say(texts.clean(str(error)), "error")
        self.tick()

    def refetch(self) -> None:
        """Ask anew for what it shows."""
        self.terminal.refetch(self)

    def ask(self, deed: Awaitable[Any], done: str) -> None:
        """Have something done by the server; says what came of it, and asks anew for what is shown then."""
        self.terminal.deed(self._asked(self.terminal, deed, done))

    async def _asked(self, terminal: Terminal, deed: Awaitable[Any], done: str) -> None:
        try:
            await deed
        except ApiError as error:
            terminal.tell(str(error), "error")
        else:
            terminal.tell(done)

    def when_sure(self, question: str, deed: Callable[[], object]) -> None:
        """Do this once somebody has said yes to it."""

        def answered(is_sure: bool | None) -> None:
            if is_sure:
                deed()

        self.app.push_screen(Confirm(texts.clean(question)), answered)

    def copy(self, text: str, what: str) -> None:
        """Put a text into the clipboard of the terminal, as it is: it goes there in base64 (OSC 52)."""
        self.app.copy_to_clipboard(text)
        self.flash(f"Copied {what}.")

    def action_back(self) -> None:
        """Go back to the screen before this one."""
        self.terminal.back()

    def action_copy(self) -> None:
        """Copy what is selected; screens say what that is."""
        self.flash("Nothing to copy is selected.")

    def action_trace(self) -> None:
        """Show a cell's trace; screens that show cells say whose."""
        self.flash("A trace belongs to a cell: c opens the cells of the run's table.")
