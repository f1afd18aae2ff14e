"""A worker dies in the middle of an import: another goes on, and every line lands once."""

from __future__ import annotations

import io
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.models.functions import Now

from tableflow.tables.imports import lifecycle, upload
from tableflow.tables.models import Import, ImportChunk, Row, Table
from tests import scenes
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db(transaction=True)

ROWS = 40_000


def numbers() -> io.BytesIO:
    return io.BytesIO(b"n,name\n" + b"".join(b"%d,Ann %d\n" % (number, number) for number in range(ROWS)))


def ended(source: Import) -> bool:
    source.refresh_from_db()
    return source.status not in ("pending", "running")


def assert_every_line_once(table: Table) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*), count(DISTINCT data -> 'n'), max((data ->> 'n')::int)"
            " FROM tables_row WHERE table_id = %s",
            [table.pk],
        )
        assert cursor.fetchone() == (ROWS, ROWS, ROWS - 1)
    table.refresh_from_db()
    assert table.row_count == ROWS


def test_an_import_outlives_a_worker_that_is_killed_in_the_middle(workers: Any) -> None:
    (first,) = workers(1)
    source = upload.receive(numbers(), "numbers.csv", user=UserFactory.create())
    assert source.table is not None
    assert source.table_id is not None
    scenes.until(lambda: Row.objects.filter(table=source.table).exists(), "the first batch is there")
    with transaction.atomic():
        # The worker stands at this lock, in the middle of the file, when it is killed.
        Table.objects.select_for_update().get(pk=source.table_id)
        source.refresh_from_db()
        assert source.status == "running"
        assert 0 < source.rows_done < ROWS
        first.kill()
    assert Row.objects.filter(table=source.table).count() == source.rows_done
    workers(1)
    Import.objects.filter(pk=source.pk).update(lease_until=Now())
    assert lifecycle.ring_overdue() == 1
    scenes.until(lambda: ended(source), "the import has ended")
    assert (source.status, source.rows_done, source.rejected) == ("complete", ROWS, 0)
    assert_every_line_once(source.table)
    scenes.until(lambda: not ImportChunk.objects.exists(), "the bytes are gone")


def test_a_ring_that_was_lost_is_rung_again(workers: Any, empty_redis: Any) -> None:
    source = upload.receive(numbers(), "numbers.csv", user=UserFactory.create())
    empty_redis.flushdb()
    workers(1)
    Import.objects.filter(pk=source.pk).update(lease_until=Now())
    assert lifecycle.ring_overdue() == 1
    scenes.until(lambda: ended(source), "the import has ended")
    assert source.table is not None
    assert_every_line_once(source.table)
