"""What a dispatch came upon: its windows, the errors of its cells, its slowest cells. Every look is bounded.

A cell shows its newest run only. One that another dispatch has run since is found with that one, and not here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import accumulate
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.db.models import Window as Over
from django.db.models.functions import RowNumber

from dispatch import lifecycle
from dispatch.models import Dispatch, Window
from dispatch.pick import by_index

MOST_FAILED = 10_000
"""How many failed cells of a table are looked at for those of a dispatch that had errors in more windows than that."""
MOST_CELLS = 20_000
"""How many cells are looked at, for errors as for slow cells: those of the newest windows."""
MOST_WINDOWS = 1_000
MOST_GROUPS = 20
SETTINGS = {"enable_bitmapscan": "off", "work_mem": "16MB"}  # messages may be long


@dataclass(frozen=True)
class ErrorGroup:
    """A message, and how many cells of a group failed with it."""

    group_id: int
    message: str
    cells: int


@dataclass(frozen=True)
class Errors:
    """The most frequent messages of `seen` failed cells; `is_all`: no cell of the dispatch failed beside these.

    Where it is not, the older windows that had errors were not looked at: there may be others, even where none is seen.
    """

    groups: list[ErrorGroup]
    seen: int
    is_all: bool


@dataclass(frozen=True)
class SlowCell:
    """A cell and the seconds that its newest run took, or takes until now."""

    row_id: int
    group_id: int
    status: str
    seconds: float
    started_at: datetime


def windows_of(dispatch: Dispatch) -> QuerySet[Window]:
    """The windows of a dispatch, the newest first, each with its `number` from 1; the lobby among them."""
    return _windows(dispatch).annotate(number=Over(RowNumber(), order_by="pk"))


def errors_of(dispatch: Dispatch) -> Errors:
    """The messages of the dispatch's failed cells, the most frequent first.

    Where the windows that had errors are few, their cells are looked at. Else all failed cells of the dispatch's groups
    are, in whichever dispatch they failed; where these are many too, the newest of the windows.
    """
    failing, is_whole = _newest(_windows(dispatch).filter(error__gt=0))
    if not failing:
        return Errors([], 0, is_all=True)
    most = {"dispatch": dispatch.pk, "groups": MOST_GROUPS}
    if not is_whole:
        planned = [pinned["id"] for pinned in dispatch.plan]
        each = MOST_FAILED // len(planned)
        found = _look("errors_in_groups", {**most, "planned": planned, "most": each})
        if not found or found[0].is_all:
            return _errors(found, is_all=True)
    return _errors(_look("errors_in_windows", {**most, "windows": failing, "cells": MOST_CELLS}), is_all=is_whole)


def slowest_of(dispatch: Dispatch, most: int = 20) -> list[SlowCell]:
    """The dispatch's cells that took longest, or take longest until now, the slowest first.

    They are looked for in its newest windows: the last 20,000 cells or so that were stamped. Time in a pause counts
    for nothing: a cell's seconds are those since it went on.
    """
    newest, _ = _newest(_windows(dispatch).filter(lobby=False))
    bounds = {"dispatch": dispatch.pk, "windows": newest, "cells": MOST_CELLS, "most": most}
    found = _look("slowest", bounds)
    return [SlowCell(cell.row_id, cell.group_id, cell.status, cell.seconds, cell.started_at) for cell in found]


def _errors(found: Sequence[Any], *, is_all: bool) -> Errors:
    groups = [ErrorGroup(group.group_id, group.message, group.cells) for group in found if group.cells]
    return Errors(groups, found[0].seen if found else 0, is_all)


def _look(name: str, bounds: Mapping[str, Any]) -> list[Any]:
    """The rows that a statement gives, read in an index's order: so it ends where its bound is, whatever the statistics
    tell of a run under way.
    """
    with transaction.atomic(), by_index(**SETTINGS):
        return lifecycle.statements(name, bounds)


def _windows(dispatch: Dispatch) -> QuerySet[Window]:
    return Window.objects.filter(dispatch=dispatch).order_by("-pk")


def _newest(windows: QuerySet[Window]) -> tuple[list[int], bool]:
    """The newest of these windows, at least one, with at most MOST_CELLS cells together; and whether they are all."""
    listed = list(windows.values_list("pk", "cells")[: MOST_WINDOWS + 1])
    sums = accumulate(cells for _, cells in listed)
    within = [pk for (pk, _), cells in zip(listed, sums, strict=True) if cells <= MOST_CELLS][:MOST_WINDOWS]
    return within or [pk for pk, _ in listed[:1]], len(within) == len(listed)
