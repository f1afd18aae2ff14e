"""Tables: made with their columns, changed, deleted, purged; and writes that wait for each other."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from django.db import connection, transaction

from tableflow.errors import InvalidInput, NotFound
from tableflow.tables import columns, purge, rows, schema, tables
from tableflow.tables.locks import lock
from tableflow.tables.models import Column, Group, Member, Row, Table
from tests.factories import GroupFactory, TableFactory, UserFactory


@pytest.mark.django_db
def test_a_table_is_made_with_its_columns() -> None:
    definitions = [{"name": "Name", "type": "text"}, {"name": "Age", "type": "number", "options": {"precision": 0}}]
    table = tables.create(UserFactory.create(), " Leads ", "Who may buy", definitions)
    assert (table.name, table.description, table.auto_run, table.row_count) == ("Leads", "Who may buy", True, 0)
    assert schema.load(table.pk).keys == ("name", "age")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("name", "description", "definitions", "attr"),
    [
        ("", "", [], "name"),
        (None, "", [], "name"),
        (5, "", [], "name"),
        ("x" * 129, "", [], "name"),
        ("a\x00", "", [], "name"),
        ("A", None, [], "description"),
        ("A", "x" * 10_001, [], "description"),
        ("A", "", "text", "columns"),
        ("A", "", [{"name": "A", "type": "text"}, {"name": "B"}], "columns.1.type"),
        ("A", "", [{"name": "A", "type": "text"}] * 501, "columns"),
    ],
)
def test_a_wrong_table_is_named_and_not_made(name: Any, description: Any, definitions: Any, attr: str) -> None:
    with pytest.raises(InvalidInput) as error:
        tables.create(UserFactory.create(), name, description, definitions)
    assert error.value.problems[0].attr == attr
    assert not Table.objects.exists()
    assert not Column.objects.exists()


@pytest.mark.django_db
def test_a_table_is_changed_in_what_is_named() -> None:
    table = TableFactory.create(name="Old", description="Same")
    changed = tables.change(table, {"name": "New", "auto_run": False})
    assert (changed.name, changed.description, changed.auto_run) == ("New", "Same", False)
    for wrong, attr in (({"owner": 1}, "owner"), ({"auto_run": 1}, "auto_run"), ({"name": ""}, "name"), ([], "table")):
        with pytest.raises(InvalidInput) as error:
            tables.change(table, wrong)
        assert error.value.problems[0].attr == attr


@pytest.mark.django_db
def test_a_deleted_table_is_gone_at_once() -> None:
    table = TableFactory.create()
    tables.delete(table)
    for verb in (
        lambda: tables.delete(table),
        lambda: tables.change(table, {"name": "x"}),
        lambda: schema.load(table.pk),
    ):
        with pytest.raises(NotFound):
            verb()
    assert not Table.objects.live().exists()


@pytest.mark.django_db
def test_a_deleted_table_is_purged_in_batches() -> None:
    table = TableFactory.create(columns={"a": "text"})
    other = TableFactory.create(columns={"a": "text"})
    for each in (table, other):
        rows.insert(each, [{"a": "x"}] * 12)
        GroupFactory.create(table=each, outputs=[{"from": "r", "column": "a"}])
        Member.objects.create(table=each, user=UserFactory.create())
    assert purge.table_rows(table.pk) is False
    assert Row.objects.count() == 24
    tables.delete(table)
    assert purge.deleted_tables() == [table.pk]
    assert purge.table_rows(table.pk, batch=5) is True
    assert purge.table_rows(table.pk, batch=5) is True
    assert purge.table_rows(table.pk, batch=5) is False
    assert purge.forget_table(table.pk) is True
    assert purge.forget_table(other.pk) is False
    counts = [model.objects.count() for model in (Table, Column, Group, Member)]
    assert counts == [1, 1, 1, 1]
    assert Row.objects.count() == 12


def held(table: Table, verb: Any) -> threading.Thread:
    """Starts the verb in another connection, and waits until it waits for a lock."""

    def act() -> None:
        try:
            verb(table)
        finally:
            connection.close()

    thread = threading.Thread(target=act)
    thread.start()
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    count = 0
    while not count and thread.is_alive():
        with connection.cursor() as cursor:
            cursor.execute(waiting)
            (count,) = cursor.fetchone()
    assert thread.is_alive(), "it did not wait"
    return thread


@pytest.mark.django_db(transaction=True)
def test_inserts_into_one_table_wait_for_each_other() -> None:
    table = TableFactory.create(columns={"a": "text"})
    with transaction.atomic():
        lock(table.pk)
        thread = held(table, lambda t: rows.insert(t, [{"a": "second"}]))
        rows.insert(table, [{"a": "first"}])
    thread.join(timeout=30)
    assert [row.data["a"] for row in Row.objects.order_by("position")] == ["first", "second"]
    assert Table.objects.get().row_count == 2


@pytest.mark.django_db(transaction=True)
def test_columns_made_at_once_get_keys_of_their_own() -> None:
    table = TableFactory.create()
    with transaction.atomic():
        columns.create(table, {"name": "A", "type": "text"})
        thread = held(table, lambda t: columns.create(t, {"name": "A", "type": "text"}))
    thread.join(timeout=30)
    assert schema.load(table.pk).keys == ("a", "a_2")
    assert [column.position for column in schema.load(table.pk).columns] == [0, 1]


@pytest.mark.django_db(transaction=True)
def test_a_row_for_a_column_that_is_being_deleted_is_refused() -> None:
    table = TableFactory.create(columns={"a": "text"})
    refused: list[InvalidInput] = []

    def insert(t: Table) -> None:
        try:
            rows.insert(t, [{"a": "late"}])
        except InvalidInput as error:
            refused.append(error)

    with transaction.atomic():
        columns.delete(table, "a")
        thread = held(table, insert)
    thread.join(timeout=30)
    assert len(refused) == 1
    assert not Row.objects.exists()
