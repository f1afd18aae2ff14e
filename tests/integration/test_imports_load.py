from __future__ import annotations

import threading
from typing import Any

import pytest
from django.db import connection
from django.db.models.functions import Now

from cells.models import Execution
from tableflow.tables.imports import chunks, lifecycle, load
from tableflow.tables.models import Column, Import, ImportChunk, Row, Table
from tests.factories import GroupFactory, ImportFactory, TableFactory

pytestmark = pytest.mark.django_db


class Died(BaseException):
    """Stands for a SIGKILL: nothing of the load's own runs after it."""


def people(count: int) -> bytes:
    return b"name,age\n" + b"".join(b"Ann %d,%d\n" % (number, number % 90) for number in range(count))


def start(body: bytes, **fields: Any) -> Import:
    table = fields.pop("table", None) or TableFactory.create(columns={"name": "text", "age": "number"})
    return ImportFactory.create(table=table, body=body, **fields)


def run(source: Import, **options: Any) -> Import:
    load.run(source.pk, source.fence, **options)
    source.refresh_from_db()
    return source


def names(source: Import) -> list[str | None]:
    return [row.data.get("name") for row in Row.objects.filter(table=source.table).order_by("position")]


def die_after(batches: int) -> Any:
    left = batches

    def hook(_done: int) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            raise Died

    return hook


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load, "BATCH_RECORDS", 10)


def test_lines_become_rows_in_their_order_behind_those_that_are_there() -> None:
    table = TableFactory.create(columns={"name": "text", "age": "number"}, row_count=1)
    Row.objects.create(table=table, position="7.5", data={"name": "First"})
    source = run(start(b"name,age\nAnn,3\nBob,\n", table=table))
    assert source.status == "complete"
    assert (source.rows_done, source.rejected, source.rows_total, source.lines_done) == (2, 0, 2, 2)
    assert [(row.position, row.data) for row in Row.objects.filter(table=table).order_by("position")][1:] == [
        (8, {"name": "Ann", "age": 3}),
        (9, {"name": "Bob"}),
    ]
    table.refresh_from_db()
    assert table.row_count == 3
    assert not ImportChunk.objects.exists()


def test_a_bad_line_is_listed_and_the_good_ones_land() -> None:
    body = (
        b"name,age\n"
        b"Ann,3\n"
        b"Bob,old\n"
        b'"Cy\nril",4\n'
        b"Dan,5,6\n"
        b"Eve\n"
        b'Fay,"7\n'
        b"N\x00l,8\n"
        b"Gus,9,,\n"
        b"H\xff,10\n"
        b'back\\slash\ttab,"11"\n'
    )
    source = run(start(body))
    assert names(source) == ["Ann", "Cy\nril", "Eve", "Gus", "back\\slash\ttab"]
    assert [(error["line"], error["attr"]) for error in source.errors] == [
        (3, "age"),
        (6, None),
        (8, None),
        (9, "name"),
        (11, "name"),
    ]
    details = [error["detail"] for error in source.errors]
    assert "no number" in details[0]
    assert "3 fields" in details[1]
    assert "quote is opened on this line" in details[2]
    assert "NUL" in details[3]
    assert "not of the file's encoding" in details[4]
    assert (source.status, source.rows_done, source.rejected, source.rows_total) == ("complete", 5, 5, 10)


def test_a_cell_of_ten_megabytes_is_rejected_alone() -> None:
    huge = b"x" * (10 * 1024 * 1024)
    source = run(start(b"name,age\nAnn,1\n" + huge + b',2\n"' + huge[:-9] + b'\nline",3\nBob,4\n'))
    assert names(source) == ["Ann", "Bob"]
    assert [(error["line"], error["attr"]) for error in source.errors] == [(3, "name"), (4, "name")]
    assert "1 MiB" in source.errors[0]["detail"]


def test_only_the_first_thousand_rejected_lines_are_listed_and_all_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load, "BATCH_RECORDS", 400)
    source = run(start(b"name,age\n" + b"Ann,x\n" * 1_500))
    assert (source.rejected, len(source.errors), source.status) == (1_500, 1_000, "complete")


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp1252"])
def test_other_encodings_are_read(encoding: str) -> None:
    source = run(start("name;age\nZoë;3\n".encode(encoding), encoding=encoding, delimiter=";"))
    assert names(source) == ["Zoë"]


def test_objects_become_rows_and_what_does_not_fit_is_rejected() -> None:
    body = (
        b'{"name": "Ann", "age": 3}\n[]\n\n{"age": "4"}\n{"name": ["x"], "age": {}}\n{"nme": 1}\n'
        b'{"name": "\\u0000"}\n{"name": null}\n'
    )
    source = run(start(body, delimiter=None, format="jsonl"))
    assert names(source) == ["Ann", None, None]
    assert [(error["line"], error["attr"]) for error in source.errors] == [
        (2, None),
        (5, "age"),
        (6, None),
        (7, "name"),
    ]


@pytest.mark.usefixtures("small_batches")
def test_a_load_that_died_goes_on_after_its_last_batch_and_no_line_lands_twice() -> None:
    source = start(people(45) + b"Bad,x\n" + b"Last,1\n")
    with pytest.raises(Died):
        load.run(source.pk, source.fence, after_batch=die_after(2))
    source.refresh_from_db()
    assert (source.status, source.rows_done, Row.objects.count()) == ("running", 20, 20)
    Import.objects.update(lease_until=Now())
    assert lifecycle.ring_overdue() == 1
    source.refresh_from_db()
    assert (source.status, source.losses) == ("pending", 1)
    run(source)
    assert names(source) == [*(f"Ann {number}" for number in range(45)), "Last"]
    assert (source.status, source.rejected, source.lines_done, source.losses) == ("complete", 1, 47, 0)
    assert Table.objects.get().row_count == 46


@pytest.mark.usefixtures("small_batches")
def test_a_worker_that_ends_hands_its_import_over(monkeypatch: pytest.MonkeyPatch) -> None:
    source = start(people(40))
    monkeypatch.setattr(load, "leaving", threading.Event())
    run(source, after_batch=lambda done: load.leaving.set() if done == 20 else None)
    assert (source.status, source.rows_done, source.losses) == ("pending", 20, 0)
    load.leaving.clear()
    run(source)
    assert (source.status, Row.objects.count()) == ("complete", 40)


@pytest.mark.usefixtures("small_batches")
def test_a_stale_fence_writes_nothing() -> None:
    source = start(people(40))

    def take_over(done: int) -> None:
        if done == 10:
            Import.objects.update(lease_until=Now())
            lifecycle.ring_overdue()

    run(source, after_batch=take_over)
    assert (source.status, source.rows_done, Row.objects.count()) == ("pending", 10, 10)
    assert lifecycle.claim(source.pk, 0) is None
    run(source)
    assert (source.status, source.rows_done, Row.objects.count()) == ("complete", 40, 40)


def test_a_second_ring_for_the_same_claim_does_nothing() -> None:
    source = start(people(3))
    run(source)
    load.run(source.pk, 0)
    assert Row.objects.count() == 3


@pytest.mark.usefixtures("small_batches")
def test_cancel_stops_between_batches_and_keeps_the_rows_that_landed() -> None:
    source = start(people(40))
    run(source, after_batch=lambda done: lifecycle.cancel(source.pk) if done == 20 else None)
    assert (source.status, source.rows_done, Row.objects.count()) == ("cancelled", 20, 20)
    assert not lifecycle.cancel(source.pk)
    load.tidy(source.pk)
    assert (Row.objects.count(), ImportChunk.objects.count()) == (20, 0)


def replaced_table() -> Table:
    table: Table = TableFactory.create(columns={"name": "text", "age": "number"}, row_count=2)
    for position in (1, 2):
        Row.objects.create(table=table, position=position, data={"name": f"Old {position}"})
    return table


@pytest.mark.usefixtures("small_batches")
def test_replace_takes_the_old_rows_away_when_all_new_ones_are_there() -> None:
    source = run(start(people(15), table=replaced_table(), mode="replace"))
    assert names(source) == [f"Ann {number}" for number in range(15)]
    assert Table.objects.get().row_count == 15


@pytest.mark.usefixtures("small_batches")
def test_a_cancelled_replace_keeps_the_old_rows_and_those_put_in_meanwhile() -> None:
    source = start(people(40), table=replaced_table(), mode="replace")

    def interfere(done: int) -> None:
        if done == 20:
            Row.objects.create(table=Table.objects.get(), position="3.5", data={"name": "Mine"})
            Table.objects.update(row_count=23)
            lifecycle.cancel(source.pk)

    run(source, after_batch=interfere)
    load.tidy(source.pk)
    source.refresh_from_db()
    assert names(source) == ["Old 1", "Old 2", "Mine"]
    assert (source.status, source.rows_done, Table.objects.get().row_count) == ("cancelled", 0, 3)


def test_what_ran_in_replaced_rows_goes_with_them_and_with_cancelled_new_ones() -> None:
    table = replaced_table()
    group = GroupFactory.create(table=table)
    old = Row.objects.filter(table=table)[0]
    Execution.objects.create(row=old, group=group, position=1, status="completed")
    source = run(start(people(3), table=table, mode="replace"))
    assert not Execution.objects.exists()
    Execution.objects.create(row=Row.objects.filter(table=table)[0], group=group, position=3, status="completed")
    again = start(people(3), table=table, mode="replace")

    def run_a_new_row_and_cancel(_done: int) -> None:
        Execution.objects.create(row=Row.objects.filter(table=table)[4], group=group, position=7, status="completed")
        lifecycle.cancel(again.pk)

    run(again, after_batch=run_a_new_row_and_cancel)
    assert Execution.objects.get().position == 3
    assert (source.status, Table.objects.get(pk=table.pk).row_count) == ("complete", 3)


def test_a_replace_of_which_nothing_could_land_keeps_the_old_rows() -> None:
    source = run(start(b"name,age\nAnn,x\n", table=replaced_table(), mode="replace"))
    assert names(source) == ["Old 1", "Old 2"]
    assert (source.status, source.errors[0]["line"], source.errors[1]["line"]) == ("failed", None, 2)


@pytest.mark.usefixtures("small_batches")
@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda: Table.objects.update(deleted_at=Now()), "table was deleted"),
        (
            lambda: Column.objects.filter(key="age").update(deleted_at=Now()),
            "column that the file goes to was deleted: age",
        ),
        (lambda: Column.objects.filter(key="age").update(type="date"), "was changed"),
    ],
)
def test_a_change_of_the_table_under_the_load_fails_it_and_says_so(change: Any, reason: str) -> None:
    source = run(start(people(30)), after_batch=lambda done: change() if done == 10 else None)
    assert source.status == "failed"
    assert reason in source.errors[0]["detail"]
    assert Row.objects.count() == 10


def test_an_import_that_kills_its_workers_fails_in_the_end() -> None:
    source = start(people(1))
    for _ in range(lifecycle.MAX_LOSSES + 1):
        source.refresh_from_db()
        assert lifecycle.claim(source.pk, source.fence)
        Import.objects.update(lease_until=Now())
        lifecycle.ring_overdue()
    source.refresh_from_db()
    assert source.status == "failed"
    assert "6 workers were lost" in source.errors[0]["detail"]
    assert lifecycle.ring_overdue() == 0


def test_a_hundred_thousand_rows_land_in_bounded_batches() -> None:
    table = TableFactory.create(columns={"name": "text", "age": "number"})
    source = ImportFactory.create(table=table)
    chunks.store(source.pk, [b"name,age\n", *[b"Ann,5\n" * 10_000] * 10])
    committed: list[int] = []
    run(source, after_batch=committed.append)
    assert (source.rows_done, Row.objects.filter(table=table).count()) == (100_000, 100_000)
    assert len(committed) == 20
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(DISTINCT position), max(position) FROM tables_row WHERE table_id = %s", [table.pk])
        assert cursor.fetchone() == (100_000, 100_000)
