"""A list once, for scripts and for a quick look: as text in columns, or as JSON."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.cells import cell_len

from tableflow.terminal.address import Server
from tableflow.terminal.client import Client, Page
from tableflow.terminal.screens import approvals, runs, workers
from tableflow.terminal.widgets.columns import GAP, Column


@dataclass(frozen=True)
class _View:
    """How a list is asked for, and its columns."""

    ask: Callable[[Client], Awaitable[Page]]
    columns: Sequence[Column]


VIEWS: Mapping[str, _View] = {
    "runs": _View(lambda client: client.dispatches(), runs.COLUMNS),
    "workers": _View(lambda client: client.workers(), workers.COLUMNS),
    "approvals": _View(lambda client: client.approvals(), approvals.COLUMNS),
}


async def once(server: Server, view: str, *, as_json: bool = False) -> str:
    """The first page of a list. As JSON it is `{"count", "results"}` as the API has them. Raises ApiError."""
    async with Client(server) as client:
        page = await VIEWS[view].ask(client)
    if as_json:
        return json.dumps({"count": page.count, "results": page.results}, indent=2)
    return table(page.results, VIEWS[view].columns)


def table(records: Sequence[Any], columns: Sequence[Column]) -> str:
    """Records as lines under a head. Every column is as wide as its widest cell: nothing is cut."""
    lines = [[column.title for column in columns], *([column.cell(one).text for column in columns] for one in records)]
    widths = [max(map(cell_len, texts)) for texts in zip(*lines, strict=True)]
    return "\n".join(_line(line, columns, widths) for line in lines)


def _line(texts: Sequence[str], columns: Sequence[Column], widths: Sequence[int]) -> str:
    cells = zip(texts, columns, widths, strict=True)
    return (" " * GAP).join(_padded(text, width, right=column.right) for text, column, width in cells).rstrip()


def _padded(text: str, width: int, *, right: bool) -> str:
    blanks = " " * (width - cell_len(text))
    return blanks + text if right else text + blanks
