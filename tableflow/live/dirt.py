"""What is to be told of one table: put together from many marks, of a size that is bounded however many they are."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

MOST_ROWS = 200
"""How many rows an event names. Beyond that it says "many"."""
MOST_TRANSITIONS = 10_000
"""How many transitions are kept while Redis is away; then the oldest go."""


@dataclass
class Dirt:
    """What happened in one table. `rows`, `cells` and `approvals` are row ids; None: too many to name. `transitions`,
    of runs and workers, are events in full, as JSON: they are never put together.
    """

    rows: set[int] | None = field(default_factory=set)
    cells: set[int] | None = field(default_factory=set)
    counts: dict[str, int] = field(default_factory=dict)
    dispatches: set[int] = field(default_factory=set)
    transitions: list[bytes] = field(default_factory=list)
    schema: bool = False
    imports: dict[int, str] = field(default_factory=dict)
    approvals: set[int] | None = field(default_factory=set)

    def add(self, more: Dirt) -> None:
        """Put what happened later to this."""
        self.rows = _joined(self.rows, more.rows)
        self.cells = _joined(self.cells, more.cells)
        self.counts = dict(Counter(self.counts) + Counter(more.counts))
        self.dispatches = _newest(self.dispatches | more.dispatches)
        self.transitions = [*self.transitions, *more.transitions][-MOST_TRANSITIONS:]
        self.schema = self.schema or more.schema
        self.imports = dict([*self.imports.items(), *more.imports.items()][-MOST_ROWS:])
        self.approvals = _joined(self.approvals, more.approvals)

    def plain(self) -> dict[str, Any]:
        """All but the transitions as JSON for the script `mark`: only what is there."""
        found = {
            "rows": _plain(self.rows),
            "cells": _plain(self.cells),
            "counts": self.counts,
            "dispatches": sorted(self.dispatches),
            "schema": self.schema,
            "imports": {str(import_id): status for import_id, status in self.imports.items()},
            "approvals": _plain(self.approvals),
        }
        return {name: value for name, value in found.items() if value}


def _joined(one: set[int] | None, other: set[int] | None) -> set[int] | None:
    if one is None or other is None:
        return None
    joined = one | other
    return joined if len(joined) <= MOST_ROWS else None


def _newest(ids: set[int]) -> set[int]:
    return set(sorted(ids)[-MOST_ROWS:])


def _plain(ids: set[int] | None) -> list[int] | str:
    return "many" if ids is None or len(ids) > MOST_ROWS else sorted(ids)
