"""What can be done to a run: pause or resume it, run its failed cells, stop it, see the cells of its table."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType

from tableflow.terminal import figures
from tableflow.terminal.client import Answer, ApiError
from tableflow.terminal.screens.live import LiveScreen

if TYPE_CHECKING:
    from tableflow.terminal.app import Terminal

ACTIVE = ("pending", "dispatching", "paused")


class RunDeeds(LiveScreen):
    """A screen on which a run is selected."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("p", "pause", "Pause"),
        Binding("r", "run_failed", "Failed"),
        Binding("x", "stop", "Stop"),
        Binding("c", "cells", "Cells"),
    ]

    @property
    def run(self) -> Answer | None:
        """The selected run; None: there is none."""
        raise NotImplementedError

    def replace(self, run: Answer) -> None:
        """Show a run as it was answered, until it comes anew."""
        raise NotImplementedError

    def action_pause(self) -> None:
        """Pause the run, or let it go on."""
        run = self._active("paused")
        if run is None:
            return
        if run["status"] == "paused":
            self._do(run, "resuming", self.api.resume(run["id"]), f"Run #{run['id']} goes on.")
        else:
            self._do(run, "pausing", self.api.pause(run["id"]), f"Run #{run['id']} is paused; what runs ends.")

    def action_stop(self) -> None:
        """Stop the run, once somebody has said yes."""
        run = self._active("stopped")
        if run is None:
            return
        name = f"run #{run['id']}"
        question = f"Stop {name} of {figures.table_name(run)}? {figures.of_total(run)} cells have ended."
        self.when_sure(
            question, lambda: self._do(run, "stopping", self.api.cancel(run["id"]), f"{name.capitalize()} is stopped.")
        )

    def action_run_failed(self) -> None:
        """Run the run's failed cells anew, as a new run."""
        run = self.run
        if run is None:
            return
        if not run["counts"]["error"]:
            self.flash(f"Run #{run['id']} has no failed cells.")
            return
        self.begin(self.api.run_failed(run["id"]), f"the failed cells of #{run['id']}")

    def begin(self, deed: Awaitable[Answer], what: str) -> None:
        """Begin a run, and say which it is."""
        self.terminal.deed(self._begun(self.terminal, deed, what))

    def action_cells(self) -> None:
        """Show the cells of the run's table."""
        run = self.run
        if run is not None:
            self.terminal.show_cells(run["table"])

    def action_copy(self) -> None:
        """Copy the address of the run's page."""
        run = self.run
        if run is not None:
            self.copy(f"{self.terminal.server.url}/runs/{run['id']}/", f"the address of run #{run['id']}")

    def _active(self, what: str) -> Answer | None:
        """The selected run when it has not ended and nothing is asked of it already."""
        run = self.run
        if run is None or run["id"] in self.terminal.under_way:
            return None
        if run["status"] not in ACTIVE:
            self.flash(f"Run #{run['id']} has ended: it cannot be {what}.")
            return None
        return run

    def _do(self, run: Answer, word: str, deed: Awaitable[Answer], done: str) -> None:
        self.terminal.under_way[run["id"]] = f"{word}…"
        self.replace(run)
        self.terminal.deed(self._done(self.terminal, run, deed, done))

    async def _done(self, terminal: Terminal, run: Answer, deed: Awaitable[Answer], done: str) -> None:
        after = run
        try:
            after = await deed
        except ApiError as error:
            terminal.tell(str(error), "error")
        else:
            terminal.tell(done)
        finally:
            terminal.under_way.pop(run["id"], None)
        if self in terminal.screen_stack:
            self.replace(after)

    async def _begun(self, terminal: Terminal, deed: Awaitable[Answer], what: str) -> None:
        try:
            run = await deed
        except ApiError as error:
            terminal.tell(str(error), "error")
        else:
            terminal.tell(f"Run #{run['id']} has begun: {what}.")
