"""No-op cells with the full record (execution, attempt, trace, the row's value): rows a second and peak memory.

Beside (a) a plain Celery group of one task a row that writes the same record through the ORM, and (b) the same writes
batched by psycopg on one connection, with no queue and no workflow at all.
"""

from __future__ import annotations

import json
import resource
import time
from collections.abc import Callable

from django.db import connection

from cells.models import Attempt, Execution
from dispatch.begin import begin
from tableflow.tables.models import Group, Row, Table
from tests import scenes
from tests.bench import crew, plain_celery

ROWS = 20_000
PLAIN_ROWS = 3_000
BATCH = 500


def run() -> list[tuple[str, ...]]:
    """Rows a second of each, and their ratios."""
    ours, ours_mb = _tableflow(ROWS)
    many, many_mb = _tableflow(5 * ROWS)
    plain, plain_mb = _plain_celery(PLAIN_ROWS)
    batched, batched_mb = _psycopg(ROWS)
    return [
        ("what", "rows", "rows/s", "ratio to (a)", "ratio to (b)", "peak MB"),
        _record("tableflow", ROWS, ours, plain, batched, ours_mb),
        _record("tableflow", 5 * ROWS, many, plain, batched, many_mb),
        _record("(a) Celery group, ORM", PLAIN_ROWS, plain, plain, batched, plain_mb),
        _record("(b) psycopg batches, no queue", ROWS, batched, plain, batched, batched_mb),
    ]


def _record(what: str, rows: int, speed: float, plain: float, batched: float, peak: float) -> tuple[str, ...]:
    return what, f"{rows:,}", f"{speed:,.0f}", f"{speed / plain:.1f}", f"{speed / batched:.2f}", f"{peak:.0f}"


def _scene(rows: int) -> tuple[Table, Group]:
    table = scenes.table(rows)
    return table, scenes.group(table, scenes.doubling(table))


def _tableflow(rows: int) -> tuple[float, float]:
    table, _ = _scene(rows)
    with crew.workers() as watched:
        speed = _timed(rows, lambda: scenes.until_ended(begin(table.pk), seconds=600))
    assert Attempt.objects.filter(execution__row__table=table, status="completed").count() == rows
    return speed, watched.peak_mb


def _plain_celery(rows: int) -> tuple[float, float]:
    table, group = _scene(rows)
    ids = list(Row.objects.filter(table=table).values_list("pk", flat=True))
    with crew.workers("tests.bench.plain_celery:app", concurrency=2) as watched:

        def go() -> None:
            plain_celery.start(ids, group.pk)
            scenes.until(
                lambda: Execution.objects.filter(group=group, status="completed").count() == rows, "all ran", 600
            )

        return _timed(rows, go), watched.peak_mb


def _psycopg(rows: int) -> tuple[float, float]:
    table, group = _scene(rows)
    read = list(Row.objects.filter(table=table).order_by("position").values_list("pk", "position", "data"))

    def go() -> None:
        for start in range(0, rows, BATCH):
            _write_batch(read[start : start + BATCH], group)

    speed = _timed(rows, go)
    return speed, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _write_batch(batch: list[tuple[int, object, dict[str, int]]], group: Group) -> None:
    """What the engine writes for each row: stamp, claim, finish, attempt, value, each in a batch of one transaction."""
    now, trace = "now()", json.dumps([{"id": "double", "type": "template", "status": "completed"}])
    ids = [row_id for row_id, _, _ in batch]
    with connection.cursor() as cursor:
        cursor.execute("BEGIN")
        cursor.executemany(
            f"INSERT INTO cells_execution (row_id, group_id, position, status, fence, sequence, attempt, losses)"
            f" VALUES (%s, {group.pk}, %s, 'pending', 1, 1, 0, 0)",
            [(row_id, position) for row_id, position, _ in batch],
        )
        cursor.executemany(
            f"UPDATE cells_execution SET status = 'running', fence = 2, attempt = 1, started_at = {now}"
            f" WHERE row_id = %s AND group_id = {group.pk} AND status = 'pending'",
            [(row_id,) for row_id in ids],
        )
        cursor.execute("COMMIT")
        cursor.execute("BEGIN")
        cursor.executemany(
            f"UPDATE cells_execution SET status = 'completed', finished_at = {now}"
            f" WHERE row_id = %s AND group_id = {group.pk} AND fence = 2",
            [(row_id,) for row_id in ids],
        )
        cursor.executemany(
            f"INSERT INTO cells_attempt (execution_id, number, status, trace, worker_name, finished_at)"
            f" SELECT id, 1, 'completed', %s, '', {now} FROM cells_execution"
            f" WHERE row_id = %s AND group_id = {group.pk}",
            [(trace, row_id) for row_id in ids],
        )
        cursor.executemany(
            "UPDATE tables_row SET data = data || %s, done = done | 1, updated_at = now() WHERE id = %s",
            [(json.dumps({"out": data["n"] * 2}), row_id) for row_id, _, data in batch],
        )
        cursor.execute("COMMIT")


def _timed(rows: int, what: Callable[[], object]) -> float:
    started = time.monotonic()
    what()
    return rows / (time.monotonic() - started)
