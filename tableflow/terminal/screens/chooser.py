"""Which columns a list has, and in what order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Static

from tableflow.terminal.widgets import columns
from tableflow.terminal.widgets.columns import Cell, Choice
from tableflow.terminal.widgets.listing import Listing


@dataclass
class _Line:
    key: str
    title: str
    is_shown: bool


class ColumnChooser(ModalScreen[Choice]):
    """Gives how the columns are wanted now. One stays at the least."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "switch", "Show or hide"),
        Binding("J,shift+down", "shift(1)", "Down"),
        Binding("K,shift+up", "shift(-1)", "Up"),
        Binding("escape,o,q", "done", "Done"),
    ]

    def __init__(self, known: Sequence[columns.Column], choice: Choice) -> None:
        super().__init__()
        self._lines = [
            _Line(column.key, column.title or column.key, column.key not in choice.hidden)
            for column in choice.of(known)
        ]

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Listing(lambda line: line.key, id="chooser")
            yield Static("space show or hide · J K move · esc done", classes="keys")

    def on_mount(self) -> None:
        """Show them."""
        listing = self._listing
        listing.styles.height = len(self._lines) + 1
        listing.show(self._lines, [columns.Column("column", "Columns", _cell, flex=True)])
        listing.focus()

    @property
    def _listing(self) -> Listing:
        return self.query_one(Listing)

    def on_listing_opened(self) -> None:
        """Enter, too, shows or hides."""
        self.action_switch()

    def action_switch(self) -> None:
        """Show or hide the selected column."""
        line = self._listing.selected
        if line is not None and (not line.is_shown or sum(one.is_shown for one in self._lines) > 1):
            line.is_shown = not line.is_shown
            self._listing.show(self._lines)

    def action_shift(self, places: int) -> None:
        """Move the selected column."""
        line = self._listing.selected
        if line is None:
            return
        at = self._lines.index(line)
        self._lines.insert(max(0, at + places), self._lines.pop(at))
        self._listing.show(self._lines)

    def action_done(self) -> None:
        """Take it so."""
        order = tuple(line.key for line in self._lines)
        self.dismiss(Choice(order, frozenset(line.key for line in self._lines if not line.is_shown)))


def _cell(line: _Line) -> Cell:
    return Cell(f"[{'x' if line.is_shown else ' '}] {line.title}")
