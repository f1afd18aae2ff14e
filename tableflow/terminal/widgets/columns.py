"""The columns of a list and the room that each gets. Pure: widths in, widths out.

A fixed column is as wide as its widest cell. The flexible ones share what is left. Where there is not enough for all,
columns go in the order of their `drop`, the highest first; one with 0 never goes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

GAP = 2
LEAST = 6
"""A flexible column is not narrower, unless it says so, while another one may still go."""


@dataclass(frozen=True)
class Cell:
    """What a list shows at one place. `tone` is a colour by its meaning; the words say the same without it."""

    text: str
    tone: str = ""


@dataclass(frozen=True)
class Column:
    """A column of a list. `cell` makes its cell out of a record, and again each second, since it may tell an age.

    `marks`: it may be the one of the selected line that a key is meant for.
    """

    key: str
    title: str
    cell: Callable[[Any], Cell]
    width: int | None = None
    flex: bool = False
    drop: int = 0
    right: bool = False
    marks: bool = False
    least: int = LEAST


@dataclass(frozen=True)
class Choice:
    """How somebody wants a list's columns: their order, and those that are not shown."""

    order: tuple[str, ...] = ()
    hidden: frozenset[str] = frozenset()

    def of(self, columns: Sequence[Column]) -> list[Column]:
        """All columns in this order; those that it does not name come last, as they stand."""
        places = {key: place for place, key in enumerate(self.order)}
        return sorted(columns, key=lambda column: places.get(column.key, len(places)))

    def shown(self, columns: Sequence[Column]) -> list[Column]:
        """The columns that are shown, in this order."""
        return [column for column in self.of(columns) if column.key not in self.hidden]


@dataclass(frozen=True)
class Fitted:
    """A column with the room that it got."""

    column: Column
    width: int


def fit(columns: Sequence[Column], natural: Mapping[str, int], room: int) -> list[Fitted]:
    """The columns that fit into so many places, each with its width; `natural` is what each would like, by key."""
    kept = list(columns)
    while kept and _least(kept, natural) > room:
        doomed = max(kept, key=lambda column: column.drop)
        if not doomed.drop:
            break
        kept.remove(doomed)
    flexible = [column for column in kept if column.flex]
    fixed = sum(natural[column.key] for column in kept if not column.flex)
    shares = _shares(flexible, natural, room - fixed - GAP * (len(kept) - 1))
    return _cropped([Fitted(column, shares.get(column.key, natural[column.key])) for column in kept], room)


def _least(columns: Sequence[Column], natural: Mapping[str, int]) -> int:
    widths = (min(natural[c.key], c.least) if c.flex else natural[c.key] for c in columns)
    return sum(widths) + GAP * (len(columns) - 1)


def _shares(flexible: Sequence[Column], natural: Mapping[str, int], room: int) -> dict[str, int]:
    """What each flexible column gets: no more than it would like while another one lacks, the rest to the last."""
    shares: dict[str, int] = {}
    for place, column in enumerate(sorted(flexible, key=lambda column: natural[column.key])):
        equal = max(0, room - sum(shares.values())) // (len(flexible) - place)
        shares[column.key] = min(natural[column.key], max(1, equal))
    if flexible:
        widest = max(flexible, key=lambda column: natural[column.key])
        shares[widest.key] += max(0, room - sum(shares.values()))
    return shares


def _cropped(fitted: list[Fitted], room: int) -> list[Fitted]:
    """What even the narrowest of all cannot hold ends at the edge."""
    kept: list[Fitted] = []
    left = room
    for one in fitted:
        if left <= 0:
            break
        kept.append(Fitted(one.column, min(one.width, left)))
        left -= one.width + GAP
    return kept
