"""The keys."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

KEYS = """\
Everywhere
  ↑ ↓  j k         the line above, the line below; the wheel scrolls
  g G              the top, the end
  PgUp PgDn        a page
  enter            open; so does a double click
  esc              take the newest filter away, else go back
  /                one more filter: a text, state:…, table:…, by:…
  o                which columns, in what order
  y                copy what is selected
  w a t            workers, approvals, tables
  ?                this page
  q  ctrl+c        quit

Runs
  p                pause the run, or let it go on
  r                run its failed cells
  x                stop it
  c                the cells of its table

One run
  1 2 3  tab       its windows, its errors, its slowest cells
  enter            on an error: retry its cells; on a slow cell: open it

Cells
  ← →              the workflow column before, the next one
  enter  l         the cell's value and trace
  n b              the next rows, the rows before

Workers
  n                launch one more
  x                stop one
  d                forget one that is lost

States
  · pending  ○ queued  ▶ running  ‖ paused  ? needs a person
  ✓ completed  ✗ failed  ⊘ cancelled  – skipped  … waiting for a value  ≈ stale
"""


class HelpScreen(ModalScreen[None]):
    """The keys, until one of them is pressed."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,question_mark,enter", "dismiss(None)", "Close"),
        Binding("j", "roll(1)", "Down"),
        Binding("k", "roll(-1)", "Up"),
    ]

    def compose(self) -> ComposeResult:
        with VerticalScroll(classes="dialog"):
            yield Static(KEYS, markup=False)

    def action_roll(self, lines: int) -> None:
        """Scroll by so many lines."""
        self.query_one(VerticalScroll).scroll_relative(y=lines, animate=False)
