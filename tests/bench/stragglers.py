"""Cells of uneven length (lognormal, sigma 1) at a concurrency of 20, beside an ideal pool of 20 slots."""

from __future__ import annotations

import heapq
import random
import time

from django.db import connection

from dispatch.begin import begin
from tableflow.tables.models import Table
from tests import scenes
from tests.bench import crew

SLOTS = 20
MEAN_SECONDS = 0.2
SIZES = (400, 4000)


def run() -> list[tuple[str, ...]]:
    """The wall time of each size, the ideal pool's for the very same cells, and their ratio."""
    records = [("cells", "ideal s", "tableflow s", "efficiency")]
    with crew.workers():
        for size in SIZES:
            seconds = _lengths(size)
            table = _scene(seconds)
            started = time.monotonic()
            scenes.until_ended(begin(table.pk), seconds=600)
            taken = time.monotonic() - started
            records.append((f"{size:,}", f"{_ideal(seconds):.1f}", f"{taken:.1f}", f"{_ideal(seconds) / taken:.2f}"))
    return records


def _lengths(count: int) -> list[float]:
    dice = random.Random(7)
    return [MEAN_SECONDS * dice.lognormvariate(-0.5, 1) for _ in range(count)]


def _ideal(seconds: list[float]) -> float:
    """The end of a pool that gives each cell, in order, to the slot that is free first."""
    free = [0.0] * SLOTS
    for length in seconds:
        heapq.heapreplace(free, free[0] + length)
    return max(free)


def _scene(seconds: list[float]) -> Table:
    table = scenes.table(len(seconds))
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE tables_row r SET data = data || jsonb_build_object('n', given.seconds)"
            " FROM unnest(%s::float8[]) WITH ORDINALITY AS given (seconds, place)"
            " WHERE r.table_id = %s AND r.position = given.place",
            [seconds, table.pk],
        )
    step = {
        "id": "sleep",
        "type": "python",
        "config": {"function": "stage.sleep", "arguments": {"seconds": "{{ inputs.n }}"}},
    }
    scenes.group(table, scenes.workflow(table, [step], "{{ steps.sleep }}"), concurrency=SLOTS)
    return table
