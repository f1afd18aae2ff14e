"""How many cells of a group there are, by what they show. Each count has some seconds: a table may be very long."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import TypeVar

import psycopg
from django.db import OperationalError, connection, transaction
from django.db.models import Count, F

from cells import usage
from cells.models import Execution, Status
from cells.usage import Usage
from tableflow.tables.models import Table

SECONDS = 3.0
T = TypeVar("T")


@dataclass(frozen=True)
class Counts:
    """The cells of a group: `total` in all, by status, and those that never ran. None: not counted in time.

    A cell that a run has still to come to counts as it stands. The stale ones are among those that ended.
    """

    total: int
    never: int | None
    by_status: Mapping[str, int | None]
    stale: int | None


def of_group(table_id: int, group_id: int, used: Usage) -> Counts:
    """The counts of a group that uses this now."""
    total = Table.objects.values_list("row_count", flat=True).get(pk=table_id)
    found = in_time(lambda: _by_status(group_id))
    stale = in_time(lambda: _stale(group_id, used))
    if found is None:
        return Counts(total, None, dict.fromkeys(Status.values), stale)
    by_status = {status: found.get(status, 0) for status in Status.values}
    return Counts(total, max(0, total - sum(found.values())), by_status, stale)


def of_groups(groups: Collection[int]) -> dict[int, dict[str, int]] | None:
    """The cells of each of these groups by status, without those that never ran. None: not counted in time."""
    cells = Execution.objects.filter(group__in=list(groups)).order_by()
    found = in_time(lambda: list(cells.values_list("group", "status").annotate(Count("pk"))))
    if found is None:
        return None
    counted: dict[int, dict[str, int]] = {group_id: {} for group_id in groups}
    for group_id, status, number in found:
        counted[group_id][status] = number
    return counted


def _by_status(group_id: int) -> dict[str, int]:
    cells = Execution.objects.filter(group=group_id).order_by()
    return dict(cells.values_list("status").annotate(Count("pk")))


def _stale(group_id: int, used: Usage) -> int:
    return Execution.objects.filter(usage.stale(used, F("row__data")), group=group_id).count()


def in_time(count: Callable[[], T]) -> T | None:
    """What it counts; None when that took too long."""
    try:
        with transaction.atomic():
            usual = _limit(f"{SECONDS * 1000:.0f}ms")
            counted = count()
            _limit(usual)
            return counted
    except OperationalError as error:
        if isinstance(error.__cause__, psycopg.errors.QueryCanceled):
            return None
        raise


def _limit(timeout: str) -> str:
    """Let statements take no longer, for the rest of the transaction; gives the limit that there was."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT current_setting('statement_timeout'), set_config('statement_timeout', %s, true)", [timeout]
        )
        (usual, _) = cursor.fetchone()
    return str(usual)
