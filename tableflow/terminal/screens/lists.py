"""A screen that is a list: its filters, its columns as somebody wants them, and more of it at its end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from tableflow.terminal import filters
from tableflow.terminal.client import MOST, PAGE, ApiError
from tableflow.terminal.filters import Stack
from tableflow.terminal.screens.chooser import ColumnChooser
from tableflow.terminal.screens.live import LiveScreen
from tableflow.terminal.screens.prompt import Prompt
from tableflow.terminal.widgets.columns import Choice, Column
from tableflow.terminal.widgets.listing import Listing


class ListScreen(LiveScreen):
    """A list of records. `kinds` are the filters that it understands besides text."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "filter", "Filter"),
        Binding("o", "columns", "Columns", show=False),
    ]
    kinds: ClassVar[tuple[str, ...]] = ()
    columns: Sequence[Column] = ()
    empty = "There is nothing."
    searched = MOST
    """Among how many records a text is looked for, since it filters here."""

    def __init__(self) -> None:
        super().__init__()
        self.stack = Stack()
        self.asked_for = PAGE
        self.count = 0
        self._among: int | None = None
        self._resolved: tuple[str, int] | None = None
        self.listing = Listing(self.identify, empty="Asking the server…", classes="ages", id="list")

    def identify(self, record: Any) -> Any:
        """A record's id."""
        return record["id"]

    def body(self) -> ComposeResult:
        """The list."""
        yield self.listing

    @property
    def selected(self) -> Any | None:
        """The selected record."""
        return self.listing.selected

    @property
    def choice(self) -> Choice:
        """How its columns are wanted, in this session."""
        return self.terminal.choices.get(self.resource, Choice())

    @property
    def limit(self) -> int:
        """How many records to ask for: where a text filters, those among which it is looked for."""
        return self.searched if self._is_searching else self.asked_for

    @property
    def _is_searching(self) -> bool:
        return any(one.kind == "text" for one in self.stack.filters)

    async def table_id(self) -> int | None:
        """The table of the filter: by its id, its name, or a part of the name that only one has. None: of none.

        A name is looked up once for each filter. Raises ApiError when there is no such table, or more than one.
        """
        wanted = self.stack.value("table")
        if wanted is None or wanted.isdecimal():
            return int(wanted) if wanted else None
        if self._resolved is None or self._resolved[0] != wanted:
            self._resolved = wanted, await self._table_called(wanted)
        return self._resolved[1]

    async def _table_called(self, wanted: str) -> int:
        tables = (await self.api.tables(limit=MOST)).results
        whole = [table for table in tables if table["name"].casefold() == wanted.casefold()]
        found = whole or [table for table in tables if wanted.casefold() in table["name"].casefold()]
        if not found:
            raise ApiError(None, f"No table is called {wanted!r}.")
        if len(found) > 1:
            raise ApiError(None, f"Several tables are called so: {', '.join(table['name'] for table in found[:5])}.")
        return int(found[0]["id"])

    def complain(self, error: ApiError) -> None:
        """Nothing is waited for any more, where nothing is shown."""
        if not self.listing.records:
            self.listing.show([], empty="")
        super().complain(error)

    def show(self, records: Sequence[Any], count: int) -> None:
        """Show these records of so many. Fewer are known than `count`, where a text was looked for among some."""
        self.count = count
        self._among = self.searched if self._is_searching and count > self.searched else None
        empty = f"Nothing fits {self.stack}: esc takes the filter away." if self.stack else self.empty
        self.listing.show(records, self.choice.shown(self.columns), empty)
        self.tick()

    def position(self) -> str:
        """Which lines are seen, of how many."""
        shown = len(self.listing.records)
        among = f"among the first {self._among:,} of {self.count:,}" if self._among else ""
        if not shown:
            return among
        first, last = self.listing.seen
        more = f" {among}" if among else f" of {self.count:,}" if self.count > shown else ""
        return f"{first:,}-{last:,} of {shown:,}{more}"

    def on_listing_selected(self) -> None:
        """At the end of what is there, ask for more."""
        listing = self.listing
        if listing.records and listing.selected is listing.records[-1]:
            self.more()
        self.tick()

    def more(self) -> None:
        """Ask for a longer list, if there is more of it."""
        if not self._is_searching and self.count > self.asked_for and self.asked_for < MOST:
            self.asked_for = min(self.asked_for + PAGE, MOST)
            self.refetch()

    def on_listing_opened(self) -> None:
        """Open what is selected."""
        if self.selected is not None:
            self.open(self.selected)

    def open(self, record: Any) -> None:
        """Open a record."""

    def action_filter(self) -> None:
        """Ask for one more filter."""
        hints = [f"{kind}:…" for kind in self.kinds]
        self.app.push_screen(Prompt("filter: a text" + "".join(f", {hint}" for hint in hints)), self._push)

    def _push(self, typed: str | None) -> None:
        new = filters.parse(typed or "")
        if new is None:
            return
        if new.kind != "text" and new.kind not in self.kinds:
            self.flash(f"This list has no {new.kind}: to filter by.", "error")
            return
        self.filtered(self.stack.pushed(new))

    def filtered(self, stack: Stack) -> None:
        """Show what fits these filters."""
        self.stack = stack
        self._resolved = None
        self.asked_for = PAGE
        self.terminal.restart(self)
        self.tick()

    def action_back(self) -> None:
        """Take the newest filter away; without one, go back."""
        if self.stack:
            self.filtered(self.stack.popped())
        else:
            super().action_back()

    def action_columns(self) -> None:
        """Choose the columns: which, and in what order."""
        self.app.push_screen(ColumnChooser(self.columns, self.choice), self._chosen)

    def _chosen(self, choice: Choice | None) -> None:
        if choice is not None:
            self.terminal.choices[self.resource] = choice
            self.listing.show(self.listing.records, choice.shown(self.columns))
