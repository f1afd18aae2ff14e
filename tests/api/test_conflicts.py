"""What somebody else has changed since is not written over: 409 says what the value is now."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection, connections, transaction

from tableflow.errors import Conflict
from tableflow.tables import rows
from tableflow.tables.expected import MAX_SHOWN
from tableflow.tables.models import Row, Table
from tests import scenes
from tests.api.conftest import Api, errors
from tests.factories import TableFactory

TYPES = {
    "name": "text",
    "age": "number",
    "vip": "boolean",
    "day": "date",
    "at": "datetime",
    "tags": "multiselect",
    "raw": "json",
}
STORED = {
    "name": "Ada",
    "age": 36,
    "vip": True,
    "day": "2026-01-31",
    "at": "2026-01-31T09:30:00Z",
    "tags": ["a", "b"],
    "raw": {"x": [1, 2.0]},
}


@pytest.fixture
def table(user: User) -> Table:
    made: Table = TableFactory(owner=user, columns=TYPES)
    return made


@pytest.fixture
def row(table: Table) -> Row:
    return rows.insert(table, [STORED])[0]


def url(row: Row) -> str:
    return f"tables/{row.table_id}/rows/{row.pk}/"


@pytest.mark.parametrize(
    "expected",
    [
        STORED,
        {"age": 36.0, "raw": {"x": [1.0, 2]}},
        {"age": "36", "vip": "yes", "day": "2026-01-31T11:00", "at": "2026-01-31 10:30+01:00", "tags": "a, b"},
        {},
    ],
    ids=["as it is", "other numbers", "as its columns hold it", "nothing"],
)
def test_a_value_that_is_the_expected_one_is_written_over(api: Api, row: Row, expected: dict[str, Any]) -> None:
    response = api.patch(url(row), {"data": {"name": "Bob", "age": 7}, "expected": expected})
    assert response.status_code == 200
    assert response.json()["data"] == {**STORED, "name": "Bob", "age": 7}


@pytest.mark.parametrize("empty", [None, "", " ", []])
def test_null_is_empty_or_absent(api: Api, table: Table, empty: Any) -> None:
    bare = rows.insert(table, [{"raw": []}])[0]
    expected = {"name": None, "tags": empty, "raw": empty}
    assert api.patch(url(bare), {"data": {"name": "x"}, "expected": expected}).status_code == 200
    assert errors(api.patch(url(bare), {"data": {"name": "y"}, "expected": expected})) == {"expected.name": "conflict"}


@pytest.mark.parametrize(
    "other", [{"name": "ada"}, {"age": 37}, {"vip": 2}, {"vip": None}, {"tags": ["b", "a"]}, {"raw": {"x": [1, 3]}}]
)
def test_a_newer_value_is_told_and_nothing_is_written(api: Api, row: Row, other: dict[str, Any]) -> None:
    response = api.patch(url(row), {"data": {"name": "Bob", "age": 7}, "expected": {**STORED, **other}})
    (key,) = other
    assert response.status_code == 409
    assert errors(response) == {f"expected.{key}": "conflict"}
    assert response.json()["type"] == "client_error"
    row.refresh_from_db()
    assert row.data == STORED


def test_every_newer_value_of_many_rows_is_a_problem_of_its_own(api: Api, table: Table) -> None:
    first, second, third = rows.insert(table, [{"name": "a", "age": 1}, {"name": "b", "age": 2}, {"name": "c" * 500}])
    asked = [
        {"id": first.pk, "data": {"name": "x"}, "expected": {"name": "a"}},
        {"id": second.pk, "data": {"name": "x"}, "expected": {"name": "B", "age": None}},
        {"id": third.pk, "data": {"name": "x"}, "expected": {"name": "c"}},
    ]
    response = api.patch(f"tables/{table.pk}/rows/", {"rows": asked})
    assert response.status_code == 409
    found = errors(response)
    assert found == dict.fromkeys(["rows.1.expected.name", "rows.1.expected.age", "rows.2.expected.name"], "conflict")
    details = {problem["attr"]: problem["detail"] for problem in response.json()["errors"]}
    assert '"b"' in details["rows.1.expected.name"]
    assert " 2 " in details["rows.1.expected.age"]
    assert MAX_SHOWN < len(details["rows.2.expected.name"]) < 2 * MAX_SHOWN
    assert scenes.values(table, "name") == ["a", "b", "c" * 500]
    asked = [{**asked[0]}, {"id": second.pk, "data": {"age": 3}}]
    assert api.patch(f"tables/{table.pk}/rows/", {"rows": asked}).status_code == 200
    assert scenes.values(table, "age") == [1, 3, None]


def test_what_is_expected_is_a_column_of_the_table(api: Api, row: Row) -> None:
    answer = api.patch(url(row), {"data": {"name": "x"}, "expected": {"nobody": 1}})
    assert (answer.status_code, errors(answer)) == (400, {"expected.nobody": "unknown_column"})
    answer = api.patch(url(row), {"data": {"name": "x"}, "expected": [1]})
    assert (answer.status_code, list(errors(answer))) == (400, ["expected"])


@pytest.mark.django_db(transaction=True)
def test_of_two_who_write_at_the_same_time_the_later_one_is_told() -> None:
    table = TableFactory(columns={"name": "text"})
    (row,) = rows.insert(table, [{"name": "old"}])
    outcome: list[str] = []

    def write() -> None:
        try:
            rows.update(table, {row.pk: {"name": "later"}}, believed={row.pk: {"name": "old"}})
        except Conflict as error:
            outcome.append(str(error))
        finally:
            connections.close_all()

    with transaction.atomic():
        rows.update(table, {row.pk: {"name": "first"}}, believed={row.pk: {"name": "old"}})
        later = threading.Thread(target=write)
        later.start()
        scenes.until(_somebody_waits, "the later one waits for the row")
    later.join(timeout=30)
    assert len(outcome) == 1
    assert '"first"' in outcome[0]
    assert scenes.values(table, "name") == ["first"]


def _somebody_waits() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
        return bool(cursor.fetchone()[0])
