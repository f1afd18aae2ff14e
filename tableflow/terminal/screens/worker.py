"""One worker: the cells that it runs, and the end of its log."""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from rich.text import Text

from tableflow.terminal import figures, resources, texts
from tableflow.terminal.client import Answer, ApiError
from tableflow.terminal.screens.cell import CellScreen
from tableflow.terminal.screens.sections import Section, SectionScreen
from tableflow.terminal.widgets.columns import Cell, Column

SHOWN_CHARACTERS = 500
"""Of a line of the log in the list; copied is all of it."""

CELLS = Section(
    "cells",
    "Cells",
    (
        Column("state", "State", lambda cell: figures.state(cell["status"])),
        Column("table", "Table", lambda cell: Cell(texts.clean(cell["table_name"] or "")), flex=True),
        Column("row", "Row", lambda cell: Cell(str(cell["row"])), right=True),
        Column("group", "Column", lambda cell: Cell(texts.clean(cell["group_name"] or "")), flex=True),
        Column("age", "For", lambda cell: figures.age(cell["started_at"]), width=6, right=True),
    ),
    lambda cell: (cell["row"], cell["group"]),
    "It runs no cell.",
)
LOG = Section(
    "log",
    "Log",
    (Column("line", "The end of its log", lambda line: Cell(texts.clip(line[1], SHOWN_CHARACTERS)), flex=True),),
    lambda line: line[0],
    "Its log is not on the server's machine.",
)


class WorkerScreen(SectionScreen):
    """One worker."""

    sections = (CELLS, LOG)

    def __init__(self, name: str) -> None:
        super().__init__()
        self._who = name
        self._worker: Answer | None = None
        self._log: list[tuple[int, str]] = []
        self.heading = texts.clean(name)

    @property
    def resource(self) -> str:
        """What it runs changes with the workers."""
        return resources.WORKERS

    async def fetch(self) -> tuple[Answer, list[Any]]:
        """The worker, and the records of the section that is looked at."""
        section = self.section
        worker = await self.api.worker(self._who)
        if section is CELLS:
            return worker, worker["cells"]
        self._log = numbered(self._log, await self._lines())
        return worker, self._log

    async def _lines(self) -> list[str]:
        try:
            return list((await self.api.worker_log(self._who))["lines"])
        except ApiError as error:
            if error.status != HTTPStatus.NOT_FOUND:
                raise
            return []

    def paint(self, answer: tuple[Answer, list[Any]]) -> None:
        """Show both; of a log, the end."""
        self._worker, records = answer
        is_at_end = not self.listing.records or self.listing.selected is self.listing.records[-1]
        self.show(records)
        if self.section is LOG and is_at_end:
            self.listing.action_last()

    def facts(self) -> Text:
        """What it is, and its heartbeat."""
        worker = self._worker
        if worker is None:
            return Text("")
        parts = [
            figures.state(worker["status"]).text,
            f"{worker['host']} pid {worker['pid']}",
            f"{worker['concurrency']} threads",
            ", ".join(worker["queues"]),
            f"heartbeat {worker['heartbeat_age_seconds']:.0f} s old",
        ]
        return Text(texts.clean(" · ".join(parts)), no_wrap=True, overflow="ellipsis")

    def on_listing_opened(self) -> None:
        """Open a cell."""
        self.action_trace()

    def action_trace(self) -> None:
        """Show the trace of the selected cell."""
        cell: Any = self.listing.selected
        if self.section is CELLS and cell is not None:
            self.app.push_screen(CellScreen(cell["table"], cell["row"], cell["group"]))

    def action_copy(self) -> None:
        """Copy the selected line of the log, else the worker's name."""
        line: Any = self.listing.selected
        if self.section is LOG and line is not None:
            self.copy(line[1], "the line")
        else:
            self.copy(self._who, "the worker's name")


def numbered(before: Sequence[tuple[int, str]], lines: Sequence[str]) -> list[tuple[int, str]]:
    """The end of a log with a number for each line, which it keeps while others come below it and go above it.

    `before` is what was given for the end as it was read last.
    """
    known = [line for _, line in before]
    gone = next(count for count in range(len(known) + 1) if known[count:] == list(lines[: len(known) - count]))
    first = before[gone][0] if gone < len(before) else before[-1][0] + 1 if before else 0
    return list(enumerate(lines, start=first))
