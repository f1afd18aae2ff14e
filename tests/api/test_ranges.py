"""Ranges of what is shown: their rows' ids, and their values as text for a clipboard."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth.models import User
from django.test import AsyncClient
from rest_framework.test import APIClient

from tableflow.tables import batches, ranges, rows, schema
from tableflow.tables.models import Member, Row, Table
from tests.api.conftest import Api, errors
from tests.factories import TableFactory, UserFactory

COLUMNS = {"name": "text", "size": "number", "big": "boolean", "stage": "select", "tags": "multiselect", "more": "json"}
ROME = {"name": "Rome", "size": -5, "big": True, "stage": "won", "tags": ["a", "b"], "more": {"x": [1], "y": True}}
ULM = {"name": 'Ulm, "the city"\nnext', "size": 2.5, "big": False, "tags": ["a\tb"], "more": True}


@pytest.fixture
def cities(user: User) -> Table:
    made: Table = TableFactory(owner=user, columns=COLUMNS)
    rows.insert(made, [ROME, ULM, {"name": "=1+1"}, {}])
    return made


def text(user: Any, table: Table, **query: Any) -> str:
    client = APIClient()
    client.force_authenticate(user)
    response: Any = client.get(f"/api/v1/tables/{table.pk}/range/", query)
    assert response.status_code == 200, response.content
    assert response["Content-Type"] == "text/tab-separated-values; charset=utf-8"
    return b"".join(response.streaming_content).decode()


def test_a_range_is_text_as_spreadsheets_copy_it(user: User, cities: Table) -> None:
    assert text(user, cities) == (
        'Rome\t-5\tTRUE\twon\ta, b\t"{""x"":[1],""y"":true}"\n'
        '"Ulm, ""the city""\nnext"\t2.5\tFALSE\t\t"a\tb"\ttrue\n'
        "=1+1\t\t\t\t\t\n"
        "\t\t\t\t\t\n"
    )
    read = list(csv.reader(io.StringIO(text(user, cities), newline=""), delimiter="\t"))
    assert read[1] == ['Ulm, "the city"\nnext', "2.5", "FALSE", "", "a\tb", "true"]


def test_columns_and_rows_are_those_that_are_asked_for(user: User, cities: Table) -> None:
    assert text(user, cities, columns="size, stage", limit=1) == "-5\twon\n"
    assert text(user, cities, columns="size", offset=1, limit=2) == "2.5\n\n"
    assert text(user, cities, columns="size", sort="-size", limit=2) == "2.5\n-5\n"
    positive = json.dumps({"field": "size", "op": "gt", "value": 0})
    assert text(user, cities, columns="size", filter=positive) == "2.5\n"
    assert text(user, cities, columns="name", search="won") == "Rome\n"
    assert text(user, cities, columns="size,stage, size", limit=1) == "-5\twon\n"
    assert text(user, cities, offset=4) == ""


def test_a_range_is_pasted_as_it_was_copied(user: User, cities: Table, api: Api) -> None:
    lines = list(csv.reader(io.StringIO(text(user, cities), newline=""), delimiter="\t"))
    block = {"columns": list(COLUMNS), "values": lines, "offset": 0}
    assert api.put(f"tables/{cities.pk}/block/", block).json()["changed"] == 1  # the list ["a\tb"] stays one choice
    assert Row.objects.filter(table=cities).order_by("position").first().data["more"] == ROME["more"]  # type: ignore[union-attr]


def test_the_ids_of_a_range_are_in_the_order_that_is_shown(api: Api, cities: Table) -> None:
    url = f"tables/{cities.pk}/row-ids/"
    rome, ulm, sum_, bare = Row.objects.filter(table=cities).order_by("position").values_list("pk", flat=True)
    assert api.get(url).json() == {"ids": [rome, ulm, sum_, bare]}
    assert api.get(url, {"offset": 1, "limit": 2}).json() == {"ids": [ulm, sum_]}
    assert api.get(url, {"sort": "-size", "limit": 3}).json() == {"ids": [ulm, rome, sum_]}
    assert api.get(url, {"search": "+1"}).json() == {"ids": [sum_]}


def test_many_rows_come_in_blocks_each_once(user: User) -> None:
    table = TableFactory.create(owner=user, columns={"n": "number"})
    Row.objects.bulk_create(Row(table=table, position=number, data={"n": number}) for number in range(50))
    assert text(user, table, offset=3).split() == [str(number) for number in range(3, 50)]


def test_the_longer_the_rows_the_fewer_are_read_at_once(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    table = TableFactory.create(owner=user, columns={"n": "number"})
    ids = [row.pk for row in Row.objects.bulk_create(Row(table=table, position=n, data={"n": n}) for n in range(90))]
    known = schema.load(table.pk).columns
    assert [block.count(b"\n") for block in ranges.text(ids, known)] == [20, 40, 30]
    monkeypatch.setattr(batches, "MAX_CHARS", 50)
    assert [block.count(b"\n") for block in ranges.text(ids, known)] == [20, *[10] * 7]


def test_more_rows_than_fit_are_refused_with_what_to_do(
    api: Api, cities: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tableflow.api import ranges as answers

    url = f"tables/{cities.pk}"
    response = api.get(f"{url}/range/", {"limit": 50_001})
    assert (response.status_code, errors(response)) == (400, {"limit": "too_many"})
    assert "export" in response.json()["errors"][0]["detail"]
    monkeypatch.setattr(answers, "MAX_ROWS", 3)
    for path in ("range", "row-ids"):
        assert errors(api.get(f"{url}/{path}/")) == {"limit": "too_many"}
    assert len(api.get(f"{url}/row-ids/", {"offset": 1}).json()["ids"]) == 3


@pytest.mark.parametrize(
    ("query", "attr"),
    [
        ({"columns": "name,nobody"}, "columns"),
        ({"limit": "0"}, "limit"),
        ({"limit": "x"}, "limit"),
        ({"offset": "-1"}, "offset"),
        ({"sort": "nobody"}, "sort"),
        ({"filter": "[]"}, "filter"),
        ({"search": "x" * 1001}, "search"),
    ],
)
def test_a_bad_question_is_refused_by_name(api: Api, cities: Table, query: dict[str, str], attr: str) -> None:
    response = api.get(f"tables/{cities.pk}/range/", query)
    assert (response.status_code, list(errors(response))) == (400, [attr])


def test_viewers_may_copy_and_strangers_may_not(api_of: Any, cities: Table) -> None:
    viewer = UserFactory()
    Member.objects.create(table=cities, user=viewer, role=Member.Role.VIEWER)
    assert text(viewer, cities, columns="size", limit=1) == "-5\n"
    for path in ("range", "row-ids"):
        assert api_of(UserFactory()).get(f"tables/{cities.pk}/{path}/").status_code == 404
        assert api_of(None).get(f"tables/{cities.pk}/{path}/").status_code == 401


@pytest.mark.django_db(transaction=True)
def test_an_asgi_server_streams_it_block_by_block() -> None:
    user = UserFactory.create()
    table = TableFactory.create(owner=user, columns={"n": "number"})
    Row.objects.bulk_create(Row(table=table, position=number, data={"n": number}) for number in range(50))
    client = AsyncClient()
    client.force_login(user)

    async def blocks() -> list[bytes]:
        response: Any = await client.get(f"/api/v1/tables/{table.pk}/range/")
        assert response.is_async
        return [block async for block in response]

    assert [len(block.split()) for block in async_to_sync(blocks)()] == [20, 30]
