"""The terminal client: one screen at a time over the HTTP API, kept fresh by the stream of events.

The app holds what outlives a screen: the client, the subscription, the coordinator that says when to ask, and what was
chosen in this session. A screen says what it shows and how to ask for it.
"""

from __future__ import annotations

import time
from collections.abc import Coroutine, Mapping
from typing import Any, ClassVar

from textual.app import App
from textual.binding import Binding, BindingType
from textual.worker import Worker

from tableflow.terminal.address import Server
from tableflow.terminal.client import ApiError, Client
from tableflow.terminal.coordinator import Coordinator, Ticket
from tableflow.terminal.screens.approvals import ApprovalsScreen
from tableflow.terminal.screens.cells import CellsScreen
from tableflow.terminal.screens.help import HelpScreen
from tableflow.terminal.screens.live import LiveScreen
from tableflow.terminal.screens.runs import RunsScreen
from tableflow.terminal.screens.tables import TablesScreen
from tableflow.terminal.screens.workers import WorkersScreen
from tableflow.terminal.states import Stopped
from tableflow.terminal.subscription import Subscription
from tableflow.terminal.widgets import status
from tableflow.terminal.widgets.columns import Choice

COMPACT_BELOW = 15
VIEWS: Mapping[str, type[LiveScreen]] = {
    "runs": RunsScreen,
    "workers": WorkersScreen,
    "approvals": ApprovalsScreen,
    "tables": TablesScreen,
}


class Terminal(App[None]):
    """The client of one server."""

    CSS_PATH = "terminal.tcss"
    TITLE = "tableflow"
    ENABLE_COMMAND_PALETTE = False
    VERTICAL_BREAKPOINTS = [(0, "-compact"), (COMPACT_BELOW, "-roomy")]
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("w", "view('workers')", "Workers"),
        Binding("a", "view('approvals')", "Approvals"),
        Binding("t", "view('tables')", "Tables", show=False),
        Binding("question_mark", "help", "Help", key_display="?"),
        Binding("q", "quit", "Quit"),
        Binding("ctrl+c", "quit", "Quit", show=False, priority=True),
    ]

    def __init__(self, server: Server, view: str = "runs") -> None:
        super().__init__()
        self.server = server
        self.client = Client(server)
        self.subscription = Subscription(server, changed=self._connected)
        self.choices: dict[str, Choice] = {}
        self.under_way: dict[int, str] = {}
        self._view = view
        self._coordinator: Coordinator | None = None
        self._front: LiveScreen | None = None

    @property
    def coordinator(self) -> Coordinator:
        """Who says when to ask. There is one as soon as the app runs."""
        if self._coordinator is None:
            raise RuntimeError("The terminal does not run yet.")
        return self._coordinator

    @property
    def front(self) -> LiveScreen | None:
        """The screen that is looked at: the uppermost one, dialogs left aside."""
        return next((screen for screen in reversed(self.screen_stack) if isinstance(screen, LiveScreen)), None)

    async def on_mount(self) -> None:
        """Begin to listen, and show the first screen."""
        self._coordinator = Coordinator(self._ask, clock=time.monotonic, every=self.set_interval, repaint=self._repaint)
        self.run_worker(self.subscription.run(), group="stream")
        self.run_worker(self._wake(), group="stream")
        await self.push_screen(RunsScreen())
        if self._view != "runs":
            await self.push_screen(VIEWS[self._view]())

    async def on_unmount(self) -> None:
        """Let go of the server."""
        await self.client.close()

    def shown(self, screen: LiveScreen) -> None:
        """A screen is looked at now: ask for what it shows, unless a dialog was all that stood before it."""
        if screen is self.front and screen is not self._front:
            self._front = screen
            self.coordinator.show([])
            self.coordinator.show([screen.resource])

    def refetch(self, screen: LiveScreen) -> None:
        """Something of what this screen shows was changed by its user."""
        self.coordinator.refresh(screen.resource)

    def restart(self, screen: LiveScreen) -> None:
        """A screen asks for something else than before: drop the answer that is on its way."""
        self.coordinator.renew(screen.resource)

    def deed(self, deed: Coroutine[Any, Any, None]) -> None:
        """Have something done to its end, whichever screens are left meanwhile."""
        self.run_worker(deed, group="deeds")

    def tell(self, said: str, tone: str = "") -> None:
        """Say what came of a deed on the screen that is looked at, and ask anew for what it shows."""
        screen = self.front
        if screen is not None:
            screen.flash(said, tone)
            self.refetch(screen)

    def back(self) -> None:
        """Leave the uppermost screen; the first one stays."""
        if isinstance(self.screen, LiveScreen) and sum(isinstance(s, LiveScreen) for s in self.screen_stack) > 1:
            self.pop_screen()

    def show_cells(self, table_id: int) -> None:
        """Show the cells of a table."""
        self.push_screen(CellsScreen(table_id))

    def status_line(self, screen: LiveScreen, width: int) -> tuple[str, str]:
        """What the status line of a screen says, and its tone."""
        state = self.subscription.state
        said = status.line(
            state,
            time.monotonic(),
            age=self.coordinator.age(screen.resource) if self._coordinator else None,
            url=self.server.url,
            filters=str(screen.stack),
            width=width,
        )
        return said, status.tone(state)

    def action_view(self, name: str) -> None:
        """Go to a list: back to it where it was left for others."""
        wanted = VIEWS[name]
        known = next((screen for screen in self.screen_stack if isinstance(screen, wanted)), None)
        if known is None:
            self.push_screen(wanted())
        else:
            known.pop_until_active()

    def action_help(self) -> None:
        """Show the keys."""
        if isinstance(self.screen, LiveScreen):
            self.push_screen(HelpScreen())

    def _ask(self, ticket: Ticket) -> Worker[None]:
        return self.run_worker(self._answer(ticket), group="requests")

    async def _answer(self, ticket: Ticket) -> None:
        screen = self.front
        if screen is None or screen.resource != ticket.resource:
            self.coordinator.failed(ticket)
            return
        try:
            answer = await screen.fetch()
        except ApiError as error:
            if self.coordinator.failed(ticket) and screen.is_attached:
                screen.complain(error)
        else:
            if self.coordinator.answered(ticket) and screen.is_attached:
                screen.take(answer)

    async def _wake(self) -> None:
        async for touched in self.subscription.touches():
            self.coordinator.touch(touched)

    def _connected(self) -> None:
        """The connection stands otherwise now. Who is not let in does not go on knocking."""
        if isinstance(self.subscription.state, Stopped):
            self.coordinator.stop_polling()
        self._repaint()

    def _repaint(self) -> None:
        for screen in self.screen_stack:
            if isinstance(screen, LiveScreen) and screen.is_running:
                screen.tick()
