"""The run chip: what a table's runs are doing now, in a few words."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from tableflow.grid.quantities import duration


class Counts(Protocol):
    """What is asked of a dispatch's counts (dispatch.progress)."""

    @property
    def total(self) -> int | None: ...
    @property
    def in_flight(self) -> int: ...
    @property
    def completed(self) -> int: ...
    @property
    def error(self) -> int: ...
    @property
    def cancelled(self) -> int: ...
    @property
    def skipped(self) -> int: ...
    @property
    def eta_seconds(self) -> float | None: ...


@dataclass(frozen=True)
class Chip:
    """`label` is what people read; `face` is the class of its pill: running, queued or paused."""

    label: str
    face: str


def chip(
    counts: Iterable[Counts], running: int | None = None, *, paused: bool = False, waiting: int = 0
) -> Chip | None:
    """The chip of a table with these active dispatches; None when there are none. `running` is in cells, `waiting` too:
    those that wait for a time or a person.

    `paused` says that every one of them is paused: cells that run still may.
    """
    counts = list(counts)
    if not counts:
        return None
    done = sum(c.completed + c.error + c.cancelled + c.skipped for c in counts)
    if paused:
        ending = f"{running:,} still running" if running else ""
        return Chip(" · ".join(part for part in ("Paused", ending, _progress(counts, done)) if part), "paused")
    if not done and not running and not any(c.in_flight for c in counts):
        return Chip("Queueing", "queued")
    if waiting and not running:
        return Chip(f"{waiting:,} waiting · {_progress(counts, done)}", "paused")
    at_work = f"{running:,} running" if running is not None else "Running"
    parts = [at_work, f"{waiting:,} waiting" if waiting else "", _progress(counts, done), _remaining(counts)]
    return Chip(" · ".join(part for part in parts if part), "running")


def _progress(counts: list[Counts], done: int) -> str:
    totals = [c.total for c in counts if c.total is not None]
    if len(totals) < len(counts):
        return f"{done:,} done"
    return f"{done:,} of {sum(totals):,}"


def _remaining(counts: list[Counts]) -> str:
    known = [c.eta_seconds for c in counts if c.eta_seconds is not None]
    return f"about {duration(max(known))}" if len(known) == len(counts) else ""
