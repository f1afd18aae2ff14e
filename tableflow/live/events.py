"""What the log's events look like outside: objects for programs, hints for pages."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC
from typing import Any, Literal

import orjson

from tableflow.live.dirt import MOST_ROWS
from tableflow.live.log import Entry, Event, time_of

RUNS = tuple(f"dispatch.{became}" for became in ("requested", "started", "paused", "resumed", "completed", "cancelled"))
WORKERS = tuple(f"worker.{became}" for became in ("online", "draining", "lost", "offline"))
TYPES = (
    *RUNS,
    "cells.changed",
    "rows.changed",
    "schema.changed",
    "import.changed",
    "approvals.changed",
    *WORKERS,
)

Rows = list[int] | Literal["many"]


@dataclass(frozen=True)
class Hint:
    """A Server-Sent Event of a table: its name, its data, and the cursor that it brings."""

    id: int
    name: str
    data: dict[str, Any]


def shown(event: Event, table_name: str | None) -> dict[str, Any]:
    """The event as programs get it. It bears what every filter asks for."""
    head = {
        "id": event["id"],
        "type": event["type"],
        "ts": time_of(event["id"]).astimezone(UTC).isoformat().replace("+00:00", "Z"),
        "table": event["table"],
        "table_name": table_name,
    }
    return head | event


def hints(entry: Entry) -> list[Hint]:
    """What pages are told of a flush: one hint of a name, in the order of their ids."""
    by_name: dict[str, list[Event]] = {}
    for event in entry.events:
        by_name.setdefault(_name(event["type"]), []).append(event)
    made = [_hint(name, events) for name, events in by_name.items() if name]
    return sorted(made, key=lambda hint: hint.id)


def _name(type_: str) -> str:
    kind, _, _ = type_.partition(".")
    names = {
        "rows": "rows-changed",
        "cells": "rows-changed",
        "dispatch": "run-changed",
        "schema": "schema-changed",
        "import": "import-changed",
        "approvals": "approvals-changed",
    }
    return names.get(kind, "")


def _hint(name: str, events: Sequence[Event]) -> Hint:
    last = events[-1]
    data: dict[str, Any] = {"cursor": last["id"], "rev": last["rev"], "rows": _rows(name, events)}
    if name == "rows-changed":
        data["dispatches"] = sorted({id_ for event in events for id_ in event.get("dispatches", ())})
        data["edited"] = any(event["type"] == "rows.changed" for event in events)
    elif name == "run-changed":
        data["dispatches"] = sorted({event["dispatch"] for event in events})
        data["runs"] = [{"dispatch": event["dispatch"], "type": event["type"]} for event in events]
    elif name == "import-changed":
        data["imports"] = [{"import": event["import"], "status": event["status"]} for event in events]
    return Hint(last["id"], name, data)


def _rows(name: str, events: Iterable[Event]) -> Rows:
    """The rows that may look different. A run or a change of the schema may alter how any row is shown."""
    if name in ("run-changed", "schema-changed"):
        return "many"
    rows: set[int] = set()
    for event in events:
        named: Rows = event.get("rows", [])
        if named == "many":
            return "many"
        rows.update(named)
    return sorted(rows) if len(rows) <= MOST_ROWS else "many"


def encoded(hint: Hint) -> str:
    """Its data as JSON."""
    return orjson.dumps(hint.data).decode()
