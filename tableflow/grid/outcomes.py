"""How far a run is, as it is drawn: a bar with one part for each way in which its cells ended, and numbers. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

from cells.models import Status
from dispatch.progress import Counts
from tableflow.grid.quantities import count, duration

BAR_UNITS = 1000
LEAST_UNITS = 4
"""So wide is a part at least: one failed cell in a million is seen."""
LEAST_A_SECOND = 0.5
"""Below that, a rate is told by the minute."""
LEAST_WHOLE = 10


@dataclass(frozen=True)
class Part:
    """A stretch of the bar, in units of its whole length; `kind` is the class that colours it."""

    kind: str
    start: int
    width: int


@dataclass(frozen=True)
class Bar:
    """The parts from left to right, and the same in words: `ended` of `whole`, which is "" while nobody knows it."""

    parts: tuple[Part, ...]
    ended: str
    whole: str


@dataclass(frozen=True)
class Tile:
    """A number with its word; `tone` is bad, busy or asks where the number is to be seen, else ""."""

    word: str
    number: str
    tone: str


def bar(counts: Counts) -> Bar:
    """The bar of a run; without a part while its cells are not counted."""
    if counts.total is None:
        return Bar((), f"{counts.ended:,}", "")
    kinds = (
        ("completed", counts.completed),
        ("left", counts.skipped + counts.cancelled),
        ("error", counts.error),
        ("running", counts.in_flight),
    )
    whole = max(1, counts.total, sum(cells for _, cells in kinds))
    return Bar(tuple(_parts(kinds, whole)), f"{counts.ended:,}", f"{counts.total:,}")


def _parts(kinds: Sequence[tuple[str, int]], whole: int) -> list[Part]:
    widths = [max(LEAST_UNITS, round(BAR_UNITS * cells / whole)) if cells else 0 for _, cells in kinds]
    widest = widths.index(max(widths))
    widths[widest] -= max(0, sum(widths) - BAR_UNITS)
    starts = [0, *accumulate(widths)]
    return [Part(kind, start, width) for (kind, _), start, width in zip(kinds, starts, widths, strict=False) if width]


def tiles(counts: Counts, under_way: Mapping[str, int], asking: int) -> list[Tile]:
    """How its cells ended, and what becomes of those under way (by status); `asking` are those that wait for people."""
    paused = under_way.get(Status.PAUSED, 0)
    queued = under_way.get(Status.PENDING, 0) + under_way.get(Status.QUEUED, 0)
    found = [
        ("Completed", counts.completed, ""),
        ("Failed", counts.error, "bad"),
        ("Skipped", counts.skipped, ""),
        ("Cancelled", counts.cancelled, ""),
        ("Running", under_way.get(Status.RUNNING, 0), "busy"),
        ("Queued", queued, ""),
        ("Wait for people", asking, "asks"),
        ("Wait for a time", max(0, paused - asking), ""),
        ("Wait for values", counts.waiting, ""),
    ]
    return [Tile(word, f"{number:,}", tone if number else "") for word, number, tone in found]


def pace(counts: Counts) -> str:
    """The rate and what is left by it, in words; "" before anything was measured."""
    if not counts.rate:
        return ""
    left = f" · about {duration(counts.eta_seconds)} left" if counts.eta_seconds else ""
    return f"{_rate(counts.rate)}{left}"


def _rate(cells_a_second: float) -> str:
    if cells_a_second < LEAST_A_SECOND:
        return f"{count(round(cells_a_second * 60), 'cell')}/min"
    return f"{cells_a_second:,.0f} cells/s" if cells_a_second >= LEAST_WHOLE else f"{cells_a_second:,.1f} cells/s"
