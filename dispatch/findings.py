"""What a dispatch came upon: its windows, the errors of its cells, its slowest cells. Every look is bounded.

A cell shows its newest run only. One that another dispatch has run since is found with that one, and not here.
"""

from __future__ import annotations

from collections.abc import Mapping
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
"""How many failed cells are looked at for their errors, where the windows do not tell where they are."""
MOST_CELLS = 20_000
"""How many cells of windows are looked at, for errors as for slow cells."""
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
    """The most frequent messages of `seen` failed cells; `is_all`: no cell of the dispatch failed beside these."""

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

    Where the windows that had errors are few, their cells are looked at. Else the first failed cells of the
    dispatch's groups are, in whichever dispatch they failed.
    """
    failing, is_whole = _newest(_windows(dispatch).filter(error__gt=0))
    if not failing:
        return Errors([], 0, is_all=True)
    most = {"dispatch": dispatch.pk, "groups": MOST_GROUPS}
    if is_whole:
        found = _look("errors_in_windows", {**most, "windows": failing})
    else:
        planned = [pinned["id"] for pinned in dispatch.plan]
        each = MOST_FAILED // len(planned)
        found = _look("errors_in_groups", {**most, "planned": planned, "most": each})
    return Errors(
        [ErrorGroup(group.group_id, group.message, group.cells) for group in found if group.cells],
        found[0].seen if found else 0,
        found[0].is_all if found else True,
    )


def slowest_of(dispatch: Dispatch, most: int = 20) -> list[SlowCell]:
    """The dispatch's cells that took longest, or take longest until now, the slowest first.

    They are looked for in its newest windows: the last 20,000 cells or so that were stamped. Time in a pause counts
    for nothing: a cell's seconds are those since it went on.
    """
    newest, _ = _newest(_windows(dispatch).filter(lobby=False))
    bounds = {"dispatch": dispatch.pk, "windows": newest, "cells": MOST_CELLS, "most": most}
    found = _look("slowest", bounds)
    return [SlowCell(cell.row_id, cell.group_id, cell.status, cell.seconds, cell.started_at) for cell in found]


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
