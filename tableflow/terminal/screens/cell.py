"""One cell: its value, how it came about, step by step."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.widgets import Static

from tableflow.terminal import figures, resources, texts
from tableflow.terminal.client import Answer, ApiError
from tableflow.terminal.screens.live import LiveScreen

MOST_CHARACTERS = 8_000
"""Of one value of a trace; the whole of it is in the page."""


class CellScreen(LiveScreen):
    """One cell with the trace of its latest attempt."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,j", "roll(1)", "Down", show=False),
        Binding("up,k", "roll(-1)", "Up", show=False),
        Binding("pagedown", "page(1)", "Page down", show=False),
        Binding("pageup", "page(-1)", "Page up", show=False),
        Binding("home,g", "edge(False)", "Top", show=False),
        Binding("end,G", "edge(True)", "End", show=False),
    ]

    def __init__(self, table_id: int, row_id: int, group_id: int) -> None:
        super().__init__()
        self._at = table_id, row_id, group_id
        self._values: Answer = {}
        self.heading = f"Row {row_id}"
        self._scroll = VerticalScroll(id="scroll")
        self._cell = Static("Asking the server…", id="cell", markup=False)

    @property
    def resource(self) -> str:
        """The cells of the table."""
        return resources.cells(self._at[0])

    def body(self) -> ComposeResult:
        """What scrolls."""
        with self._scroll:
            yield self._cell

    async def fetch(self) -> tuple[Answer, Answer, Answer | None]:
        """The table, the row, and the latest attempt: None when the cell has never run."""
        table_id, row_id, _ = self._at
        table = await self.api.table(table_id)
        row = await self.api.row(table_id, row_id)
        try:
            return table, row, await self.api.trace(*self._at)
        except ApiError as error:
            if error.status != HTTPStatus.NOT_FOUND:
                raise
            return table, row, None

    def paint(self, answer: tuple[Answer, Answer, Answer | None]) -> None:
        """Show all of it."""
        table, row, attempt = answer
        group = next((group for group in table["groups"] if group["id"] == self._at[2]), None)
        name = texts.clean(group["name"]) if group else "a column that is gone"
        self.heading = f"{texts.clean(table['name'])} · row {self._at[1]} · {name}"
        keys = [output["column"] for output in group["outputs"]] if group else []
        self._values = {key: row["data"].get(key) for key in keys}
        said = Text()
        for key, value in self._values.items():
            _add(said, key, value)
        state = row["executions"].get(str(self._at[2]))
        _add_attempt(said, attempt, state["status"] if state else None)
        self._cell.update(said)

    def action_copy(self) -> None:
        """Copy the value; of several columns, all by their keys."""
        value = next(iter(self._values.values()), None) if len(self._values) == 1 else self._values
        self.copy(texts.value(value, lines=True), "the value")

    def action_roll(self, lines: int) -> None:
        """Scroll by so many lines."""
        self._scroll.scroll_relative(y=lines, animate=False)

    def action_page(self, pages: int) -> None:
        """Scroll by so many heights of the screen."""
        self._scroll.scroll_relative(y=pages * self._scroll.size.height, animate=False)

    def action_edge(self, end: bool) -> None:
        """Scroll to the top or the end."""
        self._scroll.scroll_to(y=self._scroll.max_scroll_y if end else 0, animate=False)


def _add_attempt(said: Text, attempt: Answer | None, status: str | None) -> None:
    if attempt is None:
        said.append(f"\n{figures.state(status).text if status else 'This cell has never run.'}\n")
        return
    state = status or attempt["status"]
    parts = [
        figures.state(state).text,
        f"attempt {attempt['attempt']}",
        f"version {attempt['workflow_version']}" if attempt["workflow_version"] else "",
        f"run #{attempt['dispatch']}" if attempt["dispatch"] else "",
        texts.clean(attempt["worker"] or ""),
        figures.clock(attempt["started_at"]),
    ]
    said.append("\n" + " · ".join(part for part in parts if part) + "\n", style="bold")
    if attempt["error"]:
        said.append(_cut(attempt["error"]) + "\n", style="red")
    for number, step in enumerate(attempt["steps"], start=1):
        _add_step(said, number, step)


def _add_step(said: Text, number: int, step: Answer) -> None:
    took = texts.duration(step["duration_ms"] / 1000)
    head = [texts.clean(step["id"]), step["type"], figures.state(step["status"]).text, took]
    said.append(f"\n{number}  " + " · ".join(head) + "\n", style="bold")
    for name in ("input", "output"):
        if step[name] is not None:
            _add(said, name, step[name])
    if step["error"]:
        said.append(f"  {_cut(step['error'])}\n", style="red")


def _add(said: Text, name: str, value: Any) -> None:
    """A name and the value below it, or beside it when it is short."""
    text = _cut(texts.value(value, lines=True))
    said.append(f"  {texts.clean(name)}  ", style="dim")
    said.append(("\n" + text).replace("\n", "\n    ") + "\n" if "\n" in text else text + "\n")


def _cut(text: str) -> str:
    """As much of a text as is shown, cleaned, and how much more there is."""
    shown = texts.clean(text[:MOST_CHARACTERS], lines=True)
    more = len(text) - MOST_CHARACTERS
    return f"{shown}… and {more:,} characters more" if more > 0 else shown
