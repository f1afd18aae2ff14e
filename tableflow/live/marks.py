"""What a transaction changed, noted while it runs and sent when it has committed. A rolled-back one sends nothing.

Each function may be called as often as it fits, anywhere in the transaction that makes the change. After the commit the
marks of a table are put together (flusher.py). Outside a transaction they go there at once.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Literal

import orjson
from django.db import transaction

from tableflow.live import flusher
from tableflow.live.dirt import MOST_ROWS, Dirt

Run = Literal["requested", "started", "paused", "resumed", "completed", "cancelled"]
Worker = Literal["online", "draining", "lost", "offline"]

NOWHERE = 0
"""In place of a table, for what belongs to none: the workers."""


def rows(table_id: int, ids: Collection[int] | None) -> None:
    """Rows were made, deleted, or got other values by hand or by an import; None: too many to name."""
    _note(table_id, Dirt(rows=_named(ids)))


def cells(
    table_id: int, ids: Collection[int] | None, statuses: Mapping[str, int], *, dispatch_id: int | None = None
) -> None:
    """Cells of these rows changed their status; None: too many rows to name. `statuses` counts what they are now."""
    counts = {str(status): count for status, count in statuses.items()}
    dispatches = {dispatch_id} if dispatch_id is not None else set()
    _note(table_id, Dirt(cells=_named(ids), counts=counts, dispatches=dispatches))


def figures(table_id: int, dispatch_id: int) -> None:
    """What is shown of a dispatch beside its status and its cells changed: its total was counted, its caps were set."""
    cells(table_id, (), {}, dispatch_id=dispatch_id)


def run(table_id: int, dispatch_id: int, became: Run, **more: Any) -> None:
    """A dispatch was requested, started, paused, and so on. `more` is what the event says besides: plain JSON."""
    _note(table_id, _transition({"type": f"dispatch.{became}", "dispatch": dispatch_id, **more}))


def schema(table_id: int) -> None:
    """The table, its columns or its workflow columns were made, changed, moved or deleted."""
    _note(table_id, Dirt(schema=True))


def imported(table_id: int, import_id: int, status: str) -> None:
    """An import into the table is further on, or has ended. Of several marks of one import the last counts."""
    _note(table_id, Dirt(imports={import_id: status}))


def approvals(table_id: int, ids: Collection[int] | None) -> None:
    """Questions in these rows were asked, answered, withdrawn, or have expired; None: too many rows to name."""
    _note(table_id, Dirt(approvals=_named(ids)))


def worker(name: str, became: Worker) -> None:
    """A worker came, drains, was lost, or left in order."""
    _note(NOWHERE, _transition({"type": f"worker.{became}", "worker": name}))


def _named(ids: Collection[int] | None) -> set[int] | None:
    return set(ids) if ids is not None and len(ids) <= MOST_ROWS else None


def _transition(event: dict[str, Any]) -> Dirt:
    return Dirt(transitions=[orjson.dumps(event)])


def _note(table_id: int, dirt: Dirt) -> None:
    transaction.on_commit(lambda: flusher.take(table_id, dirt), robust=True)
