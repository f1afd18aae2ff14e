from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User

from tableflow.tables import rows
from tableflow.tables.models import Column, Table
from tests import scenes
from tests.api.conftest import Api, errors


def keys(api: Api, table: Table) -> list[str]:
    return [column["key"] for column in api.get(f"tables/{table.pk}/").json()["columns"]]


def test_a_column_is_added_at_the_right_end(api: Api, people: Table) -> None:
    body = {"name": "Colour", "type": "select", "options": {"choices": ["red", "blue"]}}
    response = api.post(f"tables/{people.pk}/columns/", body)
    assert response.status_code == 201
    column = response.json()
    assert (column["key"], column["position"], column["options"]) == ("colour", 3, {"choices": ["red", "blue"]})


def test_a_new_name_keeps_the_key(api: Api, people: Table) -> None:
    column = api.patch(f"tables/{people.pk}/columns/name/", {"name": "Full name"}).json()
    assert (column["key"], column["name"], column["conversion"]) == ("name", "Full name", None)


def test_a_type_change_says_first_what_would_be_lost_and_then_does_it(api: Api, people: Table) -> None:
    made = rows.insert(people, [{"name": "12"}, {"name": "twelve"}])
    url = f"tables/{people.pk}/columns/name/"
    report = api.patch(f"{url}?dry_run=1", {"type": "number"}).json()
    assert report["dry_run"] is True
    assert (report["conversion"]["converted"], report["conversion"]["failed"]) == (1, 1)
    assert report["conversion"]["examples"][0]["row"] == made[1].pk
    assert Column.objects.get(table=people, key="name").type == "text"
    assert api.patch(url, {"type": "number"}).json()["type"] == "number"
    answered = api.get(f"tables/{people.pk}/rows/").json()["results"]
    assert [row["data"]["name"] for row in answered] == [12, None]


def test_a_column_is_deleted(api: Api, people: Table) -> None:
    assert api.delete(f"tables/{people.pk}/columns/age/").status_code == 204
    assert keys(api, people) == ["name", "vip"]
    assert api.delete(f"tables/{people.pk}/columns/age/").status_code == 404


def test_columns_are_put_into_another_order(api: Api, people: Table) -> None:
    answer = api.put(f"tables/{people.pk}/column-order/", {"columns": ["vip", "name", "age"]}).json()
    assert [column["key"] for column in answer["columns"]] == ["vip", "name", "age"]
    assert answer["dropped"] == []


def test_a_reorder_lists_the_dependencies_that_it_dropped(api: Api, user: User) -> None:
    table = scenes.table(1)
    table.owner = user
    table.save()
    group = scenes.group(table, scenes.doubling(table), run_after=["n"])
    answer = api.put(f"tables/{table.pk}/column-order/", {"columns": ["out", "n"]}).json()
    assert {"group": group.pk, "kind": "run_after", "column": "n"} in answer["dropped"]
    assert api.get(f"tables/{table.pk}/").json()["groups"][0]["run_after"] == []


def test_a_reorder_drops_templates_that_would_read_to_the_right(api: Api, user: User) -> None:
    table = scenes.table(1)
    table.owner = user
    table.save()
    Column.objects.create(table=table, key="m", name="M", type="number", position=1)
    group = scenes.group(table, scenes.doubling(table), run_if="{{ row.n > 1 }}")
    group.inputs = {"n": "{{ row.n + row['m'] }}", "other": "m", "fixed": "{{ 'n' }}"}
    group.save()
    answer = api.put(f"tables/{table.pk}/column-order/", {"columns": ["m", "out", "n"]}).json()
    assert answer["dropped"] == [
        {"group": group.pk, "kind": "inputs.n", "column": "n"},
        {"group": group.pk, "kind": "run_if", "column": "n"},
    ]
    (left,) = api.get(f"tables/{table.pk}/").json()["groups"]
    assert (left["inputs"], left["run_if"]) == ({"other": "m", "fixed": "{{ 'n' }}"}, "")


def test_the_outputs_of_a_workflow_column_stay_side_by_side(api: Api, user: User) -> None:
    table = scenes.table(0)
    table.owner = user
    table.save()
    group = scenes.group(table, scenes.doubling(table))
    Column.objects.create(table=table, key="more", name="More", type="number", position=2, group=group)
    group.outputs = [*group.outputs, {"from": "out", "column": "more"}]
    group.save()
    response = api.put(f"tables/{table.pk}/column-order/", {"columns": ["out", "n", "more"]})
    assert errors(response) == {"columns": "outputs_apart"}
    assert keys(api, table) == ["n", "out", "more"]


@pytest.mark.parametrize("reading", [{"inputs": {"n": "{{ row.n * 2 }}"}}, {"run_if": "{{ row['n'] }}", "inputs": {}}])
def test_a_column_that_a_template_reads_cannot_be_deleted(api: Api, user: User, reading: dict[str, Any]) -> None:
    table = scenes.table(1)
    table.owner = user
    table.save()
    group = scenes.group(table, scenes.doubling(table))
    for field, value in reading.items():
        setattr(group, field, value)
    group.save()
    response = api.delete(f"tables/{table.pk}/columns/n/")
    assert response.status_code == 409
    assert errors(response) == {None: "column_in_use"}
    assert "out" in response.json()["errors"][0]["detail"]


def test_a_column_that_is_an_input_cannot_be_deleted(api: Api, user: User) -> None:
    table = scenes.table(1)
    table.owner = user
    table.save()
    scenes.group(table, scenes.doubling(table))
    response = api.delete(f"tables/{table.pk}/columns/n/")
    assert response.status_code == 409
    assert errors(response) == {None: "column_in_use"}


@pytest.mark.parametrize(
    ("method", "path", "body", "attr"),
    [
        ("post", "columns/", {"name": "x"}, "type"),
        ("post", "columns/", {"name": "x", "type": "text", "key": "name"}, "key"),
        ("post", "columns/", {"name": "x", "type": "text", "options": []}, "options"),
        ("post", "columns/", {"name": "x", "type": "text", "position": 1}, "position"),
        ("patch", "columns/name/", {"type": "texts"}, "type"),
        ("patch", "columns/name/", {"key": "other"}, "key"),
        ("patch", "columns/name/", {"name": None}, "name"),
        ("patch", "columns/name/?dry_run=maybe", {"type": "number"}, "dry_run"),
        ("put", "column-order/", {"columns": ["name", "age"]}, "columns"),
        ("put", "column-order/", {"columns": ["name", "age", "vip", "vip"]}, "columns"),
        ("put", "column-order/", {"columns": ["name", "age", "nobody"]}, "columns.2"),
        ("put", "column-order/", {"columns": [1, 2]}, "columns.0"),
        ("put", "column-order/", {}, "columns"),
    ],
)
def test_bad_columns_are_refused_by_name(api: Api, people: Table, method: str, path: str, body: Any, attr: str) -> None:
    response = getattr(api, method)(f"tables/{people.pk}/{path}", body)
    assert response.status_code == 400
    assert attr in errors(response)
    assert keys(api, people) == ["name", "age", "vip"]


@pytest.mark.parametrize("key", ["nobody", "%00", "a%20b", "x" * 300])
def test_an_unknown_column_is_404(api: Api, people: Table, key: str) -> None:
    assert api.patch(f"tables/{people.pk}/columns/{key}/", {"name": "x"}).status_code == 404
    assert api.delete(f"tables/{people.pk}/columns/{key}/").status_code == 404
