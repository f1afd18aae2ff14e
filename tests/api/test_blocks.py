"""Blocks of values: pasted, filled down, cleared, appended and taken back, each in one request."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext

from dispatch.gather import gather
from tableflow.tables import blocks, rows, types
from tableflow.tables.models import Member, Row, Table
from tests import scenes
from tests.api.conftest import Api, errors
from tests.factories import UserFactory

COLUMNS = ["name", "age"]


@pytest.fixture
def five(people: Table) -> list[Row]:
    return rows.insert(people, [{"name": name, "age": age, "vip": True} for age, name in enumerate("abcde")])


def url(table: Table) -> str:
    return f"tables/{table.pk}/block/"


def shown(table: Table) -> list[tuple[Any, Any]]:
    found = Row.objects.filter(table=table).order_by("position").values_list("data", flat=True)
    return [(data.get("name"), data.get("age")) for data in found]


def test_a_block_is_set_from_a_place_on_and_says_what_was_there(api: Api, people: Table, five: list[Row]) -> None:
    body = {"columns": COLUMNS, "values": [["x", "7"], ["c", None]], "offset": 1}
    answer = api.put(url(people), body).json()
    assert shown(people) == [("a", 0), ("x", 7), ("c", None), ("d", 3), ("e", 4)]
    assert answer == {
        "changed": 3,
        "created": [],
        "before": {"rows": [five[1].pk, five[2].pk], "values": [["b", 1], ["c", 2]]},
    }
    assert Row.objects.get(pk=five[1].pk).data["vip"] is True


def test_a_block_is_taken_back_unless_somebody_was_faster(api: Api, people: Table, five: list[Row]) -> None:
    done = {"columns": COLUMNS, "values": [["x", "7"]], "offset": 0, "limit": 5}
    before = api.put(url(people), done).json()["before"]
    back = {"columns": COLUMNS, **before, "expected": done["values"]}
    rows.update(people, {five[2].pk: {"name": "newer"}})
    refused = api.put(url(people), back)
    assert (refused.status_code, errors(refused)) == (409, {"expected.2.name": "conflict"})
    assert shown(people)[0] == ("x", 7)
    rows.update(people, {five[2].pk: {"name": "x"}})
    assert api.put(url(people), back).json()["changed"] == 10
    assert shown(people) == [("a", 0), ("b", 1), ("c", 2), ("d", 3), ("e", 4)]


def test_fewer_values_than_rows_begin_again(api: Api, people: Table, five: list[Row]) -> None:
    api.put(url(people), {"columns": ["name"], "values": [["x"], ["y"]], "offset": 0, "limit": 5})
    assert [name for name, _ in shown(people)] == ["x", "y", "x", "y", "x"]
    cleared = {"columns": ["age"], "values": [[None]], "rows": [five[4].pk, five[0].pk]}
    assert api.put(url(people), cleared).json() == {
        "changed": 2,
        "created": [],
        "before": {"rows": [five[4].pk, five[0].pk], "values": [[4], [0]]},
    }
    assert [age for _, age in shown(people)] == [None, 1, 2, 3, None]
    assert api.put(url(people), cleared).json()["changed"] == 0


def test_a_block_goes_where_it_is_shown(api: Api, people: Table, five: list[Row]) -> None:
    old = {"field": "age", "op": "gte", "value": 1}
    body = {"columns": ["name"], "values": [["1st"], ["2nd"]], "offset": 1, "filter": old, "sort": "-age"}
    api.put(url(people), body)
    assert shown(people) == [("a", 0), ("b", 1), ("2nd", 2), ("1st", 3), ("e", 4)]
    api.put(url(people), {"columns": ["age"], "values": [[9]], "offset": 0, "limit": 100, "search": "ND"})
    assert shown(people)[2] == ("2nd", 9)


def test_values_below_the_last_row_make_new_ones(api: Api, people: Table, five: list[Row]) -> None:
    body = {"columns": COLUMNS, "values": [["x", 1], ["y", 2], ["z", 3]], "offset": 4, "append": True}
    answer = api.put(url(people), {**body, "expected": [["e", 4], ["", None], [None, ""]]}).json()
    assert shown(people)[3:] == [("d", 3), ("x", 1), ("y", 2), ("z", 3)]
    assert answer["changed"] == 2
    assert answer["created"] == list(Row.objects.order_by("position").values_list("pk", flat=True)[5:])
    assert answer["before"] == {"rows": [five[4].pk], "values": [["e", 4]]}
    people.refresh_from_db()
    assert people.row_count == 7
    named = {"columns": ["name"], "values": [["p"], ["q"]], "rows": [five[0].pk], "append": True}
    assert len(api.put(url(people), named).json()["created"]) == 1
    assert [name for name, _ in shown(people)] == ["p", "b", "c", "d", "x", "y", "z", "q"]


def test_new_rows_are_made_once_however_often_it_is_sent(api: Api, people: Table) -> None:
    body = {"columns": ["name"], "values": [["x"], ["y"]], "offset": 0, "append": True}
    first, again = (api.put(url(people), body, headers={"Idempotency-Key": "once"}) for _ in range(2))
    assert (first.status_code, first.content) == (200, again.content)
    assert shown(people) == [("x", None), ("y", None)]


def test_ten_thousand_rows_cost_as_many_statements_as_two(people: Table) -> None:
    people.columns.filter(key="age").delete()
    ids = [row.pk for row in Row.objects.bulk_create(Row(table=people, position=n, data={}) for n in range(10_000))]

    def statements(count: int, value: str) -> int:
        with CaptureQueriesContext(connection) as queries:
            written = blocks.write(people, blocks.Block(["name"], [[value]] * (count + 1)), ids[:count], append=True)
        assert (written.changed, len(written.created)) == (count, 1)
        return len(queries)

    assert statements(2, "x") == statements(9_999, "y")


def test_what_is_written_runs_by_itself_where_it_is_read(api: Api, user: User) -> None:
    table = scenes.table(3)
    table.owner = user
    table.save()
    scenes.group(table, scenes.doubling(table), auto_run=True)
    ids = list(Row.objects.filter(table=table).order_by("position").values_list("pk", flat=True))
    body = {"columns": ["n"], "values": [[1], [20], [30], [40]], "offset": 0, "append": True}
    created = api.put(url(table), body).json()["created"]
    (run,) = gather(table.pk)
    assert run.scope["rows"] == [*ids[1:], *created]
    assert api.put(url(table), {"columns": ["out"], "values": [[5]], "rows": ids}).json()["changed"] == 3


def test_one_wrong_value_stops_all_of_it(api: Api, people: Table, five: list[Row]) -> None:
    body = {"columns": COLUMNS, "values": [["x", 1], ["y", "old"]], "offset": 4, "append": True}
    assert errors(api.put(url(people), body)) == {"values.1.age": "invalid"}
    assert len(shown(people)) == 5
    assert shown(people)[4] == ("e", 4)


@pytest.mark.parametrize(
    ("body", "attr"),
    [
        ({}, "columns"),
        ({"columns": [], "values": [[]], "offset": 0}, "columns"),
        ({"columns": ["name", "name"], "values": [["x", "y"]], "offset": 0}, "columns"),
        ({"columns": ["nobody"], "values": [["x"]], "offset": 0}, "columns.0"),
        ({"columns": ["name"], "values": [], "offset": 0}, "values"),
        ({"columns": ["name"], "values": ["x"], "offset": 0}, "values.0"),
        ({"columns": ["name"], "values": [["x"], ["y", 1]], "offset": 0}, "values.1"),
        ({"columns": ["name"], "values": [["x"]]}, "rows"),
        ({"columns": ["name"], "values": [["x"]], "rows": [1], "offset": 0}, "rows"),
        ({"columns": ["name"], "values": [["x"]], "rows": [10**12]}, "rows.0"),
        ({"columns": ["name"], "values": [["x"]], "rows": [1], "search": "x"}, "search"),
        ({"columns": ["name"], "values": [["x"]] * 6, "offset": 0}, "values"),
        ({"columns": ["name"], "values": [["x"]], "offset": -1}, "offset"),
        ({"columns": ["name"], "values": [["x"]], "offset": 0, "limit": 0}, "limit"),
        ({"columns": ["name"], "values": [["x"]], "offset": 0, "limit": 10_001}, "limit"),
        ({"columns": ["name"], "values": [["x"]], "offset": 0, "limit": 2, "append": True}, "limit"),
        ({"columns": ["name"], "values": [["x"]], "offset": 0, "sort": "name", "append": True}, "sort"),
        ({"columns": ["name"], "values": [["x"]], "offset": 0, "search": "x", "append": True}, "search"),
        ({"columns": ["name"], "values": [["x"]], "offset": 0, "filter": {"field": "x"}, "append": True}, "filter"),
        ({"columns": ["name"], "values": [["x"]], "offset": 0, "filter": {"field": "x"}}, "filter.op"),
        ({"columns": ["name"], "values": [["x"]], "offset": 0, "sort": "nobody"}, "sort"),
        ({"columns": ["name"], "values": [["x"]], "offset": 0, "expected": []}, "expected"),
        ({"columns": ["name"], "values": [["x"]], "offset": 0, "expected": [["a"], ["b"]]}, "expected"),
        ({"columns": ["name"], "values": [["x"]], "offset": 0, "expected": [["a", "b"]]}, "expected.0"),
        ({"columns": ["name"], "values": [["x"]] * 10_001, "offset": 0}, "values"),
    ],
)
def test_a_bad_block_is_refused_by_name(api: Api, people: Table, five: list[Row], body: Any, attr: str) -> None:
    response = api.put(url(people), body)
    assert response.status_code == 400, json.dumps(body)[:200]
    assert attr in errors(response)
    assert shown(people) == [("a", 0), ("b", 1), ("c", 2), ("d", 3), ("e", 4)]


def test_more_cells_than_two_hundred_thousand_are_refused(
    api: Api, people: Table, five: list[Row], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blocks, "MAX_CELLS", 9)
    body = {"columns": COLUMNS, "values": [["x", 1]], "offset": 0}
    assert errors(api.put(url(people), {**body, "limit": 5})) == {"limit": "too_many"}
    assert errors(api.put(url(people), {**body, "values": [["x", 1]] * 5})) == {"values": "too_many"}
    assert api.put(url(people), {**body, "limit": 4}).status_code == 200


def test_what_is_filled_into_many_rows_counts_as_often(
    api: Api, people: Table, five: list[Row], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blocks, "MAX_BYTES", 500)
    body = {"columns": ["name"], "values": [["x" * 100]], "offset": 0, "limit": 5}
    assert errors(api.put(url(people), body)) == {"values": "too_large"}
    assert api.put(url(people), {**body, "limit": 4}).status_code == 200


def test_what_is_written_over_is_bounded_too(
    api: Api, people: Table, five: list[Row], monkeypatch: pytest.MonkeyPatch
) -> None:
    Row.objects.filter(pk__in=[row.pk for row in five]).update(data={"name": "x" * 100, "age": 1})
    monkeypatch.setattr(blocks, "MAX_BYTES", 500)
    body = {"columns": ["name", "age"], "values": [[None, None]], "offset": 0, "limit": 5}
    assert errors(api.put(url(people), body)) == {"values": "too_large"}
    assert shown(people)[0] == ("x" * 100, 1)
    assert api.put(url(people), {**body, "limit": 4}).json()["changed"] == 8
    assert api.put(url(people), {**body, "columns": ["age"], "values": [[2]]}).json()["changed"] == 5


def test_a_row_that_would_be_too_large_stops_all_of_it(
    api: Api, people: Table, five: list[Row], monkeypatch: pytest.MonkeyPatch
) -> None:
    Row.objects.filter(pk=five[1].pk).update(data={"name": "b", "gone": "x" * 300})
    monkeypatch.setattr(types, "MAX_ROW_BYTES", 350)
    body = {"columns": ["name"], "values": [["x"], ["y" * 100]], "offset": 0}
    assert errors(api.put(url(people), body)) == {"values.1": "too_large"}
    assert shown(people)[:2] == [("a", 0), ("b", None)]
    assert api.put(url(people), {**body, "values": [["x"], ["y"]]}).status_code == 200
    longer = {"columns": ["name"], "values": [["z" * 400]], "offset": 5, "append": True}
    assert errors(api.put(url(people), longer)) == {"values.0": "too_large"}


def test_who_only_looks_writes_no_block_and_strangers_see_none(api_of: Any, people: Table, five: list[Row]) -> None:
    viewer = UserFactory()
    Member.objects.create(table=people, user=viewer, role=Member.Role.VIEWER)
    body = {"columns": ["name"], "values": [["x"]], "offset": 0}
    assert api_of(viewer).put(url(people), body).status_code == 403
    assert api_of(UserFactory()).put(url(people), body).status_code == 404
    assert api_of(None).put(url(people), body).status_code == 401
