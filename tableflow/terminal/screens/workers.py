"""The worker processes, and what staff can do to them."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType

from tableflow.terminal import figures, resources, texts
from tableflow.terminal.client import Answer, Page
from tableflow.terminal.screens.lists import ListScreen
from tableflow.terminal.screens.worker import WorkerScreen
from tableflow.terminal.widgets.columns import Cell, Column

COLUMNS = (
    Column("state", "State", lambda worker: figures.state(worker["status"]), width=10),
    Column("name", "Name", lambda worker: Cell(texts.clean(worker["name"])), flex=True, least=20),
    Column("host", "Host", lambda worker: Cell(texts.clean(worker["host"])), flex=True, drop=5),
    Column("pid", "Pid", lambda worker: Cell(str(worker["pid"]), "quiet"), drop=7, right=True),
    Column("queues", "Queues", lambda worker: Cell(texts.clean(", ".join(worker["queues"])), "quiet"), drop=8),
    Column("slots", "Threads", lambda worker: Cell(str(worker["concurrency"])), drop=6, right=True),
    Column("cells", "Cells", lambda worker: Cell(f"{worker['cells_running']:,}"), drop=2, right=True),
    Column("busy", "Busy with", lambda worker: Cell(_busy(worker)), flex=True, least=12, drop=3),
    Column("beat", "Beat", lambda worker: Cell(_beat(worker), "quiet"), drop=1, right=True),
    Column("age", "Up", lambda worker: figures.age(worker["started_at"]), width=6, drop=4, right=True),
)


class WorkersScreen(ListScreen):
    """The workers."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("n", "launch", "Launch"),
        Binding("x", "stop", "Stop"),
        Binding("d", "forget", "Forget"),
    ]
    heading = "Workers"
    kinds = ("state",)
    empty = "There is no worker: nothing will run. n launches one."
    columns = COLUMNS

    @property
    def resource(self) -> str:
        """The workers."""
        return resources.WORKERS

    def identify(self, record: Answer) -> str:
        """A worker's name."""
        return str(record["name"])

    async def fetch(self) -> Page:
        """The workers."""
        return await self.api.workers(limit=self.limit)

    def paint(self, answer: Page) -> None:
        """Show those that the filters name."""
        wanted = self.stack.value("state")
        self.show([w for w in answer.results if wanted in (None, w["status"]) and self._fits(w)], answer.count)

    def open(self, record: Answer) -> None:
        """Show what it runs, and its log."""
        self.app.push_screen(WorkerScreen(record["name"]))

    def action_launch(self) -> None:
        """Launch one more on the server's machine."""
        self.ask(self.api.launch_worker(), "A worker starts: it comes into the list once it is there.")

    def action_stop(self) -> None:
        """Stop the selected one, once somebody has said yes."""
        worker = self.selected
        if worker is None:
            return
        question = f"Stop {worker['name']}? Cells that end soon do, the others are handed back."
        self.when_sure(question, lambda: self.ask(self.api.stop_worker(worker["name"]), "It is asked to end."))

    def action_forget(self) -> None:
        """Take a lost one off the list, once somebody has said yes."""
        worker = self.selected
        if worker is None:
            return
        if worker["status"] != "lost":
            self.flash("Only a worker that is lost can be forgotten: x stops one that is alive.")
            return
        name = worker["name"]
        self.when_sure(f"Forget {name}?", lambda: self.ask(self.api.forget_worker(name), "It is forgotten."))

    def action_copy(self) -> None:
        """Copy the worker's name."""
        if self.selected is not None:
            self.copy(self.selected["name"], "the worker's name")

    def _fits(self, worker: Answer) -> bool:
        return self.stack.fits(worker["name"], worker["host"], *worker["queues"], _busy(worker))


def _busy(worker: Answer) -> str:
    return texts.clean(", ".join(f"{table['name']} ({table['cells']:,})" for table in worker["tables"]))


def _beat(worker: Answer) -> str:
    """The age of its heartbeat when the server answered: it beats each second, and nobody is told of that."""
    return f"{worker['heartbeat_age_seconds']:.0f} s"
