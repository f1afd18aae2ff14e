"""The tables that the user may see."""

from __future__ import annotations

from tableflow.terminal import figures, resources, texts
from tableflow.terminal.client import Answer, Page
from tableflow.terminal.screens.lists import ListScreen
from tableflow.terminal.widgets.columns import Cell, Column


class TablesScreen(ListScreen):
    """The tables; enter shows a table's cells."""

    heading = "Tables"
    empty = "There is no table yet."
    columns = (
        Column("id", "Id", lambda table: Cell(str(table["id"]), "quiet"), right=True),
        Column("name", "Table", lambda table: Cell(texts.clean(table["name"])), flex=True),
        Column("rows", "Rows", lambda table: Cell(f"{table['row_count']:,}"), right=True),
        Column("groups", "Workflow columns", lambda table: Cell(_groups(table)), flex=True, drop=2),
        Column("auto", "Auto-run", lambda table: Cell("on" if table["auto_run"] else "off", "quiet"), drop=3),
        Column("age", "Changed", lambda table: figures.age(table["updated_at"]), width=7, drop=1, right=True),
    )

    @property
    def resource(self) -> str:
        """The tables."""
        return resources.TABLES

    async def fetch(self) -> Page:
        """The tables."""
        return await self.api.tables(limit=self.limit)

    def paint(self, answer: Page) -> None:
        """Show those that the texts name."""
        self.show([t for t in answer.results if self.stack.fits(t["name"], _groups(t))], answer.count)

    def open(self, record: Answer) -> None:
        """Show its cells."""
        self.terminal.show_cells(record["id"])

    def action_copy(self) -> None:
        """Copy the address of the table's page."""
        if self.selected is not None:
            self.copy(f"{self.terminal.server.url}/tables/{self.selected['id']}/", "the table's address")


def _groups(table: Answer) -> str:
    return ", ".join(figures.named(table["groups"]).values())
