"""The runs of all tables that the user may see, the newest first."""

from __future__ import annotations

from dataclasses import replace

from tableflow.terminal import figures, resources
from tableflow.terminal.client import PAGE, Answer, Page
from tableflow.terminal.screens.deeds import RunDeeds
from tableflow.terminal.screens.lists import ListScreen
from tableflow.terminal.screens.run import RunScreen
from tableflow.terminal.widgets.columns import Cell, Column

STATE = Column("state", "State", lambda run: figures.state(run["status"]), width=13)
COLUMNS = (
    STATE,
    Column("id", "Run", lambda run: Cell(f"#{run['id']}"), drop=5),
    Column("table", "Table", lambda run: Cell(figures.table_name(run)), flex=True, least=12),
    Column("columns", "Columns", lambda run: Cell(figures.group_names(run)), flex=True, least=16, drop=7),
    Column("mode", "Mode", lambda run: Cell(run["mode"], "quiet"), drop=9),
    Column("progress", "Progress", figures.share, width=15, drop=1),
    Column("cells", "Cells", lambda run: Cell(figures.of_total(run)), drop=6, right=True),
    Column("errors", "Errors", figures.errors, right=True, drop=2),
    Column("rate", "Rate", lambda run: Cell(figures.rate(run)), drop=8, right=True),
    Column("left", "Left", lambda run: Cell(figures.left(run)), drop=4, right=True),
    Column("by", "By", lambda run: Cell(figures.requester(run), "quiet"), drop=9),
    Column("age", "Asked", lambda run: figures.age(run["requested_at"]), width=6, drop=3, right=True),
)


class RunsScreen(RunDeeds, ListScreen):
    """The runs."""

    heading = "Runs"
    kinds = ("state", "table", "by")
    empty = "Nothing was run yet."
    searched = 3 * PAGE  # Each bears its scope, which may be long.

    def __init__(self) -> None:
        super().__init__()
        self.columns = (replace(STATE, cell=self._state), *COLUMNS[1:])

    @property
    def resource(self) -> str:
        """The runs."""
        return resources.RUNS

    @property
    def run(self) -> Answer | None:
        """The selected run."""
        return self.selected

    async def fetch(self) -> Page:
        """The runs that the filters ask for."""
        return await self.api.dispatches(
            status=self.stack.value("state"),
            table=await self.table_id(),
            requested_by=self.stack.value("by"),
            limit=self.limit,
        )

    def paint(self, answer: Page) -> None:
        """Show those that the texts name."""
        kept = [run for run in answer.results if self.stack.fits(*_words(run))]
        self.show(kept, answer.count)

    def replace(self, run: Answer) -> None:
        """Show a run as it was answered, until the list comes anew."""
        records = [run if one["id"] == run["id"] else one for one in self.listing.records]
        self.listing.show(records)

    def open(self, record: Answer) -> None:
        """Open the run."""
        self.app.push_screen(RunScreen(record))

    def _state(self, run: Answer) -> Cell:
        return figures.state(run["status"], self.terminal.under_way.get(run["id"]))


def _words(run: Answer) -> list[str | None]:
    names = [figures.table_name(run), figures.group_names(run), figures.requester(run)]
    return [f"#{run['id']}", run["status"], run["mode"], run["paused_because"], *names]
