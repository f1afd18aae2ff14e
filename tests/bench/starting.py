"""What must not grow with the table: starting a run, finding the few cells that are left, and what Redis holds."""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Callable

import redis
from django.conf import settings
from django.db import connection, transaction

from dispatch import pick
from dispatch.begin import begin
from dispatch.cancel import cancel_dispatch
from dispatch.models import Dispatch
from tableflow.tables.models import Group, Row, Table
from tests import scenes
from tests.bench import crew

FEW, MANY = 1_000, 1_000_000
RUN = 100_000
TRIES = 15


def run() -> list[tuple[str, ...]]:
    """Each figure for the small and the large table, and their ratio."""
    (small, _), (large, group) = _scene(FEW), _scene(MANY)
    starts = [_median_ms(lambda table=table: _start_and_stop(table)) for table in (small, large)]
    left = [_left_over(FEW), _left_over(MANY, large, group)]
    held = [_redis_bytes(FEW), _redis_bytes(RUN)]
    return [
        ("what", "small", "large", "ratio", "small and large"),
        ("starting a run, ms", *_three(starts), f"{FEW:,} and {MANY:,} rows"),
        ("finding 10 incomplete cells, ms", *_three(left), f"{FEW:,} and {MANY:,} rows"),
        ("peak bytes in Redis during a run", *_three(held), f"{FEW:,} and {RUN:,} rows"),
    ]


def _three(figures: list[float]) -> tuple[str, str, str]:
    small, large = figures
    return f"{small:,.1f}", f"{large:,.1f}", f"{large / small:.2f}" if small else "-"


def _scene(rows: int) -> tuple[Table, Group]:
    table = scenes.table(rows)
    group = scenes.group(table, scenes.doubling(table))
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE tables_row")
    return table, group


def _median_ms(what: Callable[[], float]) -> float:
    return statistics.median(what() for _ in range(TRIES)) * 1000


def _start_and_stop(table: Table) -> float:
    started = time.perf_counter()
    dispatch = begin(table.pk)
    seconds = time.perf_counter() - started
    cancel_dispatch(dispatch.pk)
    return seconds


def _left_over(rows: int, table: Table | None = None, group: Group | None = None) -> float:
    """The time to pick the next window when ten cells, evenly spread, are not completed."""
    if table is None or group is None:
        table, group = _scene(rows)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE tables_row SET done = 1 WHERE table_id = %s AND position::bigint %% %s <> 0", [table.pk, rows // 10]
        )
        cursor.execute(
            "INSERT INTO cells_execution (row_id, group_id, position, status, fence, sequence, attempt, losses)"
            " SELECT id, %s, position, 'completed', 2, 1, 1, 0 FROM tables_row WHERE table_id = %s AND done = 1",
            [group.pk, table.pk],
        )
    connection.close()
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE tables_row, cells_execution")
    dispatch = begin(table.pk)
    cancel_dispatch(dispatch.pk)
    return _median_ms(lambda: _picking(Dispatch.objects.get(pk=dispatch.pk)))


def _picking(dispatch: Dispatch) -> float:
    """In a transaction, as an admission picks."""
    with transaction.atomic():
        started = time.perf_counter()
        found = pick.pick(dispatch, 500)
        seconds = time.perf_counter() - started
    assert len(found) == 10
    return seconds


def _redis_bytes(rows: int) -> float:
    """The most that all keys together took while a run went on, beyond what an idle system holds."""
    table, _ = _scene(rows)
    seen: list[int] = [0]
    over = threading.Event()
    with crew.workers():
        client = redis.Redis.from_url(settings.REDIS_URL)
        idle = _held(client)

        def watch() -> None:
            while not over.wait(0.005):
                seen.append(_held(client) - idle)

        watcher = threading.Thread(target=watch)
        watcher.start()
        scenes.until_ended(begin(table.pk), seconds=600)
        over.set()
        watcher.join()
    assert Row.objects.filter(table=table, done=1).count() == rows
    return float(max(seen))


def _held(client: redis.Redis) -> int:
    return sum(client.memory_usage(key) or 0 for key in client.scan_iter(count=1000))
