"""The names of what a screen shows, and which of it an event touches.

A hint that tells too little, or is of a type that this client does not know, touches everything: to ask once too often
costs a request, to ask too seldom shows what is not so.
"""

from __future__ import annotations

from collections.abc import Mapping
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
    """What may be otherwise than it is shown. `reopened`: the stream was opened just now, after who knows what."""

    names: frozenset[str] = frozenset()
    everything: bool = False
    reopened: bool = False

    def __contains__(self, resource: str) -> bool:
        return self.everything or resource in self.names

    def __or__(self, other: Touched) -> Touched:
        names = self.names | other.names
        everything = self.everything or other.everything or len(names) > MOST_NAMES
        return Touched(frozenset() if everything else names, everything, self.reopened or other.reopened)


NOTHING = Touched()
EVERYTHING = Touched(everything=True)
REOPENED = Touched(everything=True, reopened=True)


def touched_by(event: Mapping[str, Any]) -> Touched:
    """What an event of the stream touches."""
    match {**event, "kind": str(event.get("type")).partition(".")[0]}:
        case {"kind": "worker"}:
            return _of(WORKERS)
        case {"kind": "dispatch", "table": int(table), "dispatch": int(dispatch)}:
            return _of(RUNS, cells(table), run(dispatch))
        case {"kind": "cells", "table": int(table), "dispatches": [_, *_] as dispatches}:
            return _of(RUNS, cells(table), *map(run, dispatches))
        case {"kind": "rows" | "schema" | "import", "table": int(table)}:
            return _of(TABLES, cells(table))
        case {"kind": "approvals", "table": int(table)}:
            return _of(APPROVALS, cells(table))
    return EVERYTHING


def _of(*names: str) -> Touched:
    return Touched(frozenset(names))
