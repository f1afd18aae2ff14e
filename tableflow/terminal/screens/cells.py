"""The cells of a table with their states: a line a row, a column for each workflow column."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from textual.binding import Binding, BindingType

from tableflow.terminal import faces, resources, texts
from tableflow.terminal.client import Answer, Page
from tableflow.terminal.screens.cell import CellScreen
from tableflow.terminal.screens.lists import ListScreen
from tableflow.terminal.widgets.columns import Cell, Column

LEAST = 10
MOST_PLAIN = 20


class CellsScreen(ListScreen):
    """The rows of a table. One of the workflow columns is marked: what keys mean is its cell in the selected row."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "group(-1)", "Column before", show=False),
        Binding("right", "group(1)", "Next column", show=False),
        Binding("n", "next_page", "Next rows"),
        Binding("b", "page_before", "Rows before"),
    ]
    kinds = ("state",)
    empty = "This table has no rows."

    def __init__(self, table_id: int) -> None:
        super().__init__()
        self._table_id = table_id
        self._table: Answer | None = None
        self._cursors: list[str | None] = [None]
        self._next: str | None = None
        self.heading = "Cells"

    @property
    def resource(self) -> str:
        """The cells of the table."""
        return resources.cells(self._table_id)

    @property
    def marked(self) -> int | None:
        """The id of the marked workflow column."""
        key = self.listing.marked_column
        return int(key) if key else None

    async def fetch(self) -> tuple[Answer, Page]:
        """The table, and a page of its rows."""
        table = await self.api.table(self._table_id)
        if self.stack.value("state") is not None and not table["groups"]:
            return table, Page([], 0)  # It has no cells, and so none in any state.
        words = [one.value for one in self.stack.filters if one.kind == "text"]
        rows = await self.api.rows(
            self._table_id, after=self._cursors[-1], filter=self._filter(table), search=" ".join(words) or None
        )
        return table, rows

    def paint(self, answer: tuple[Answer, Page]) -> None:
        """Show both."""
        self._table, page = answer
        self._next = page.next_cursor
        self.heading = f"Cells of {texts.clean(self._table['name'])}"
        self.columns = _columns(self._table)
        groups = [str(group["id"]) for group in self._table["groups"]]
        if self.listing.marked_column not in groups:
            self.listing.marked_column = groups[0] if groups else None
        self.show(page.results, page.count)

    def position(self) -> str:
        """Which rows are seen."""
        said = super().position()
        if len(self._cursors) > 1:
            said += f" · page {len(self._cursors)}"
        return said + (" · n next rows" if self._next else "")

    def more(self) -> None:
        """There is a next page instead."""

    def filtered(self, stack: Any) -> None:
        """Begin at the first page."""
        self._cursors = [None]
        super().filtered(stack)

    def open(self, record: Answer) -> None:
        """Show the marked cell."""
        if self.marked is not None:
            self.app.push_screen(CellScreen(self._table_id, record["id"], self.marked))
        else:
            self.flash("This table has no workflow column.")

    def action_trace(self) -> None:
        """Show the marked cell with its trace."""
        self.on_listing_opened()

    def action_copy(self) -> None:
        """Copy the marked cell's value."""
        row, group = self.selected, self._group()
        if row is not None and group is not None:
            self.copy(texts.value(faces.value(row, group), lines=True), "the value")

    def action_group(self, steps: int) -> None:
        """Mark another workflow column."""
        groups = [column.key for column in self.choice.shown(self.columns) if column.marks]
        if not groups:
            return
        at = groups.index(str(self.marked)) if str(self.marked) in groups else 0
        self.listing.mark(groups[max(0, min(at + steps, len(groups) - 1))])

    def action_next_page(self) -> None:
        """Show the next rows."""
        if self._next is None:
            self.flash("There are no more rows.")
        else:
            self._turn([*self._cursors, self._next])

    def action_page_before(self) -> None:
        """Show the rows before these."""
        if len(self._cursors) == 1:
            self.flash("These are the first rows.")
        else:
            self._turn(self._cursors[:-1])

    def _turn(self, cursors: list[str | None]) -> None:
        self._cursors = cursors
        self._next = None
        self.listing.action_first()
        self.terminal.restart(self)

    def _filter(self, table: Answer) -> Answer | None:
        state = self.stack.value("state")
        if state is None:
            return None
        return {"any": [{"field": f"@{group['id']}", "op": "eq", "value": state} for group in table["groups"]]}

    def _group(self) -> Answer | None:
        groups = self._table["groups"] if self._table else []
        return next((group for group in groups if group["id"] == self.marked), None)


def _columns(table: Answer) -> tuple[Column, ...]:
    """The row's id, the values that nothing fills, and a column for each workflow column."""
    names = {column["key"]: column["name"] for column in table["columns"]}
    plain = [column for column in table["columns"] if column["group"] is None]
    lead = [_plain(column, 100 + place if place else 0) for place, column in enumerate(plain[:MOST_PLAIN])]
    groups = [
        Column(str(g["id"]), texts.clean(g["name"]), _cell(g, names), flex=True, drop=place, marks=True, least=LEAST)
        for place, g in enumerate(table["groups"])
    ]
    id_ = Column("id", "Row", lambda row: Cell(str(row["id"]), "quiet"), right=True, drop=99)
    return id_, *lead[:1], *groups, *lead[1:]


def _plain(column: Answer, drop: int) -> Column:
    key = column["key"]

    def cell(row: Answer) -> Cell:
        return Cell(texts.clip(texts.value(row["data"].get(key)), faces.SHOWN_CHARACTERS))

    return Column(f"={key}", texts.clean(column["name"]), cell, flex=True, least=LEAST, drop=drop)


def _cell(group: Answer, names: Mapping[str, str]) -> Any:
    return lambda row: faces.face(row, group, names)
