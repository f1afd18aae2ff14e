"""How wide the columns are: as their heads and the values of the page need it, within bounds. Pure; widths in rem.

The widths hold until the page is opened anew, so that nothing moves while cells fill; what a workflow fills gets room
from the start.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil

from tableflow.grid.heads import Column
from tableflow.grid.values import Shown

LEAST, MOST = 5, 15
MOST_FOR_HEAD = 11
# What a column gets before it has values: rooms for a pill and some words.
EMPTY = {"text": 14, "url": 14, "json": 14, "multiselect": 12, "number": 8, "boolean": 7}
EMPTY_OTHERWISE = 10
CHARACTER_REM = 0.46
HEAD_EXTRA_REM = 2.4
VALUE_EXTRA_REM = 1.1
TAG_EXTRA_REM = 1.4
# One value in twenty may be cut: a single long one does not make the others hard to find.
FITTING = 0.95


def width(column: Column, values: Sequence[Shown]) -> int:
    """The width of a column with these values on the page."""
    head = min(len(column.spec.name) * CHARACTER_REM + HEAD_EXTRA_REM, MOST_FOR_HEAD)
    taken = sorted(_need(value) for value in values if value.text or value.tags)
    body = taken[ceil(len(taken) * FITTING) - 1] if taken else 0.0
    usual = EMPTY.get(column.spec.type, EMPTY_OTHERWISE) if column.group or not taken else 0
    return min(max(ceil(max(head, body)), LEAST, usual), MOST)


def _need(value: Shown) -> float:
    if value.kind == "tags":
        return sum(len(tag) * CHARACTER_REM + TAG_EXTRA_REM for tag in value.tags) + VALUE_EXTRA_REM - 0.4
    return len(value.text) * CHARACTER_REM + VALUE_EXTRA_REM
