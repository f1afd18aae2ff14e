"""A csv file into a table by a worker, next to a bare COPY of the same rows; and its memory for a large file."""

from __future__ import annotations

import tempfile
import time
from typing import IO, Any

from django.contrib.auth import get_user_model
from django.db import connection
from django.utils import timezone

from tableflow.tables.imports import landing, upload
from tableflow.tables.models import Import, Row, Table
from tests.bench import crew

ROWS = 100_000
ROUNDS = 3
LARGE_FILE_BYTES = 200 * 1024 * 1024
GIVE_UP_SECONDS = 1_800
COPY_BLOCK_BYTES = 256 * 1024

HEADER = b"Name,City,Number,Price,Active,Day,E-mail,Note\n"


def run() -> list[tuple[str, ...]]:
    """The heading and a record for each way. The rounds alternate, so that both ways meet the same machine."""
    user, _ = get_user_model().objects.get_or_create(username="bench")
    imported = copied = 0.0
    with crew.workers(count=1) as workers:
        for _ in range(ROUNDS):
            source, seconds = _import(user, ROWS)
            imported += seconds
            copied += _copy(user, source)
        small_mb = workers.peak_mb
        rows = LARGE_FILE_BYTES // len(_line(500_000))
        _, large = _import(user, rows)
        large_mb = workers.peak_mb
    return [
        ("way", "rows", "seconds", "rows/s", "of bare COPY", "peak MB"),
        _record("bare COPY", ROUNDS * ROWS, copied, copied, None),
        _record("import", ROUNDS * ROWS, imported, copied, small_mb),
        _record("import of 200 MB", rows, large, copied * rows / (ROUNDS * ROWS), large_mb),
    ]


def _record(way: str, rows: int, seconds: float, bare_seconds: float, peak_mb: float | None) -> tuple[str, ...]:
    peak = f"{peak_mb:.0f}" if peak_mb else ""
    return way, f"{rows:,}", f"{seconds:.2f}", f"{rows / seconds:,.0f}", f"{bare_seconds / seconds:.2f}", peak


def _line(number: int) -> bytes:
    return (
        f"Name {number},City {number % 500},{number},{number * 1.5},{'true' if number % 2 else 'false'},"
        f'2024-01-{number % 28 + 1:02d},user{number}@example.org,"some, ""quoted"" note {number}"\n'
    ).encode()


def _import(user: Any, rows: int) -> tuple[Import, float]:
    """Upload and load a file of so many rows; the import, and the seconds from the worker's ring to the end."""
    with tempfile.TemporaryFile() as file:
        _write(file, rows)
        source = upload.receive(file, "bench.csv", user=user)
    started = time.perf_counter()
    while source.status in (Import.Status.PENDING, Import.Status.RUNNING):
        if time.perf_counter() - started > GIVE_UP_SECONDS:
            raise TimeoutError("The import did not end")
        time.sleep(0.02)
        source.refresh_from_db(fields=["status"])
    seconds = time.perf_counter() - started
    source.refresh_from_db()
    if (source.status, source.rows_done, source.rejected) != (Import.Status.COMPLETE, rows, 0):
        raise AssertionError(f"The import is {source.status}: {source.rows_done} rows, errors {source.errors[:3]}")
    return source, seconds


def _write(file: IO[bytes], rows: int) -> None:
    file.write(HEADER)
    for start in range(0, rows, 10_000):
        file.write(b"".join(_line(number) for number in range(start, min(rows, start + 10_000))))


def _copy(user: Any, source: Import) -> float:
    """The seconds that one COPY takes for the rows of the import, made ready beforehand, into another table."""
    table = Table.objects.create(name="bare", owner=user)
    with connection.cursor() as cursor:
        cursor.execute("SELECT data::text FROM tables_row WHERE table_id = %s ORDER BY position", [source.table_id])
        bodies = [text.encode() for (text,) in cursor.fetchall()]
        lines = landing.copy_text(table.pk, 1, bodies, timezone.now())
        started = time.perf_counter()
        with cursor.copy(landing.COPY) as copy:
            for start in range(0, len(lines), COPY_BLOCK_BYTES):
                copy.write(lines[start : start + COPY_BLOCK_BYTES])
        seconds = time.perf_counter() - started
    assert Row.objects.filter(table=table).count() == len(bodies)
    return seconds
