"""The names of what a screen shows, and which of it an event touches.

A hint that tells too little, or is of a type that this client does not know, touches everything: to ask once too often
costs a request, to ask too seldom shows what is not so.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

TABLES = "tables"
RUNS = "runs"
WORKERS = "workers"
APPROVALS = "approvals"

MOST_NAMES = 200
"""How many names are told apart while nobody takes them. Beyond that everything is touched."""


def run(dispatch_id: int) -> str:
    """One run: its state, counts, windows, errors, slowest cells."""
    return f"run:{dispatch_id}"


def cells(table_id: int) -> str:
    """A table as a screen shows it: its columns, rows, and the states and traces of its cells."""
    return f"cells:{table_id}"


@dataclass(frozen=True)
class Touched:
    """What may be otherwise than it is shown."""

    names: frozenset[str] = frozenset()
    everything: bool = False

    def __contains__(self, resource: str) -> bool:
        return self.everything or resource in self.names

    def __or__(self, other: Touched) -> Touched:
        names = self.names | other.names
        if self.everything or other.everything or len(names) > MOST_NAMES:
            return EVERYTHING
        return Touched(names)


NOTHING = Touched()
EVERYTHING = Touched(everything=True)


def touched_by(event: Mapping[str, Any]) -> Touched:
    """What an event of the stream touches."""
    kind, table = str(event.get("type")), event.get("table")
    if kind.startswith("worker."):
        return Touched(frozenset({WORKERS}))
    if not _is_id(table):
        return EVERYTHING
    match kind.partition("."):
        case "dispatch", _, _:
            return _of([RUNS, cells(table)], [event.get("dispatch")])
        case "cells", _, "changed":
            return _of([RUNS, cells(table)], event.get("dispatches"))
        case "rows" | "schema" | "import", _, _:
            return Touched(frozenset({TABLES, cells(table)}))
        case "approvals", _, _:
            return Touched(frozenset({APPROVALS, cells(table)}))
    return EVERYTHING


def _of(names: Iterable[str], dispatches: Any) -> Touched:
    if not isinstance(dispatches, list) or not all(map(_is_id, dispatches)):
        return EVERYTHING
    return Touched(frozenset([*names, *map(run, dispatches)]))


def _is_id(given: Any) -> bool:
    return isinstance(given, int) and not isinstance(given, bool)
