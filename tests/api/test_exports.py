from __future__ import annotations

import csv
import io
import json
import zipfile
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.test import AsyncClient
from rest_framework.test import APIClient

from tableflow.tables import exports, rows
from tableflow.tables.imports import workbooks
from tableflow.tables.models import Member, Row, Table
from tests.factories import TableFactory, UserFactory

pytestmark = pytest.mark.django_db

COLUMNS = {"name": "text", "size": "number", "big": "boolean", "day": "date", "tags": "multiselect", "more": "json"}


@pytest.fixture
def user() -> Any:
    return UserFactory.create()


@pytest.fixture
def client(user: Any) -> APIClient:
    client = APIClient()
    client.force_authenticate(user)
    return client


@pytest.fixture
def table(user: Any) -> Table:
    table: Table = TableFactory.create(owner=user, name="My Cities", columns=COLUMNS)
    rome = {"name": "=1+1", "size": -5, "big": True, "day": "2024-01-31", "tags": ["a", "b"], "more": {"x": [1]}}
    rows.insert(table, [rome, {"name": 'Ulm, "the city"\nnext', "size": 2.5}, {}])
    return table


def export(client: APIClient, table: Table, **query: Any) -> bytes:
    response: Any = client.get(f"/api/v1/tables/{table.pk}/export/", query)
    assert response.status_code == 200, response.content
    return b"".join(response.streaming_content)


def test_csv_has_the_names_as_header_and_makes_formulas_neutral(client: APIClient, table: Table) -> None:
    assert list(csv.reader(io.StringIO(export(client, table).decode(), newline=""))) == [
        ["Name", "Size", "Big", "Day", "Tags", "More"],
        ["'=1+1", "-5", "true", "2024-01-31", "a, b", '{"x":[1]}'],
        ['Ulm, "the city"\nnext', "2.5", "", "", "", ""],
        ["", "", "", "", "", ""],
    ]


@pytest.mark.parametrize("text", ["=1", "+1", "-1", "@x", "\tx", "\rx", "\n=1"])
def test_each_formula_character_is_made_neutral_in_csv(client: APIClient, user: Any, text: str) -> None:
    table = TableFactory.create(owner=user, columns={"a": "text", "b": "json"})
    Row.objects.create(table=table, position=1, data={"a": text, "b": [text]})
    (_, row) = csv.reader(io.StringIO(export(client, table).decode(), newline=""))
    assert row[0] == f"'{text}"
    assert not row[1].startswith(exports.FORMULA_STARTS)


def test_jsonl_has_an_object_a_row_with_values_of_their_types(client: APIClient, table: Table) -> None:
    first, second, third = map(json.loads, export(client, table, format="jsonl").splitlines())
    assert first == {
        "Name": "=1+1",
        "Size": -5,
        "Big": True,
        "Day": "2024-01-31",
        "Tags": ["a", "b"],
        "More": {"x": [1]},
    }
    assert second["Size"] == 2.5
    assert set(third.values()) == {None}


def test_xlsx_is_a_workbook_without_formulas(client: APIClient, table: Table) -> None:
    with zipfile.ZipFile(io.BytesIO(export(client, table, format="xlsx"))) as book:
        sheet = book.read("xl/worksheets/sheet1.xml").decode()
        styles = book.read("xl/styles.xml").decode()
    assert "<f>" not in sheet
    assert "=1+1</t>" in sheet
    assert "<v>-5</v>" in sheet
    assert 'quotePrefix="1"' in styles


def test_an_xlsx_of_more_rows_than_a_sheet_has_is_refused(
    client: APIClient, table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exports, "SHEET_ROWS", 2)
    response = client.get(f"/api/v1/tables/{table.pk}/export/", {"format": "xlsx"})
    assert (response.status_code, response.json()["errors"][0]["attr"]) == (400, "format")


def test_the_filter_of_the_rows_list_is_the_filter_of_the_export(client: APIClient, table: Table) -> None:
    condition = json.dumps({"field": "size", "op": "gt", "value": 0})
    assert len(export(client, table, format="jsonl", filter=condition).splitlines()) == 1


@pytest.mark.parametrize("format_", ["csv", "jsonl", "xlsx"])
def test_what_is_shown_is_exported_as_it_is_shown(client: APIClient, user: Any, format_: str) -> None:
    table = TableFactory.create(owner=user, columns={"n": "number", "word": "text", "more": "text"})
    shown = [{"n": number, "word": f"w{number % 7}", "more": "x"} for number in range(100)]
    Row.objects.bulk_create(Row(table=table, position=row["n"], data=row) for row in shown)
    wanted = {"search": "w3", "sort": "-n", "columns": "word,n", "filter": '{"field": "n", "op": "gt", "value": 20}'}
    file = export(client, table, format=format_, **wanted)
    ordered = [["w3", number] for number in range(94, 20, -7)]
    if format_ == "csv":
        found = [[word, int(number)] for word, number in csv.reader(io.StringIO(file.decode())) if word != "Word"]
    elif format_ == "jsonl":
        found = [list(json.loads(line).values()) for line in file.splitlines()]
    else:
        found = [cells for _, cells in workbooks.opened(io.BytesIO(file)).rows("Sheet1")][1:]
    assert found == ordered


@pytest.mark.parametrize(
    ("query", "attr"),
    [
        ({"format": "pdf"}, "format"),
        ({"filter": "{"}, "filter"),
        ({"filter": '{"field": "x"}'}, None),
        ({"sort": "nope"}, "sort"),
        ({"columns": "name,nope"}, "columns"),
        ({"search": "x" * 2_000}, "search"),
    ],
)
def test_a_wrong_query_is_400_and_names_the_parameter(
    client: APIClient, table: Table, query: dict[str, str], attr: str | None
) -> None:
    response = client.get(f"/api/v1/tables/{table.pk}/export/", query)
    assert response.status_code == 400
    found = response.json()["errors"][0]["attr"]
    assert found == attr if attr else found.startswith("filter")


def test_every_row_comes_once_and_in_order_over_many_batches(client: APIClient, user: Any) -> None:
    table = TableFactory.create(owner=user, columns={"n": "number"})
    Row.objects.bulk_create(Row(table=table, position=number, data={"n": number}) for number in range(3000))
    lines = export(client, table).decode().splitlines()
    assert lines == ["N", *map(str, range(3000))]


def test_an_export_imports_again(client: APIClient, table: Table) -> None:
    exported = export(client, table, format="jsonl")
    assert [json.loads(line)["Tags"] for line in exported.splitlines()] == [["a", "b"], None, None]


def test_the_file_is_named_after_the_table(client: APIClient, table: Table) -> None:
    response = client.get(f"/api/v1/tables/{table.pk}/export/?format=csv")
    assert response["Content-Disposition"] == 'attachment; filename="my-cities.csv"'
    assert response["Content-Type"] == "text/csv; charset=utf-8"


def test_members_may_export_and_strangers_get_404(table: Table) -> None:
    client = APIClient()
    assert client.get(f"/api/v1/tables/{table.pk}/export/").status_code == 401
    reader = UserFactory.create()
    client.force_authenticate(reader)
    assert client.get(f"/api/v1/tables/{table.pk}/export/").status_code == 404
    Member.objects.create(table=table, user=reader, role="viewer")
    assert export(client, table)


@pytest.mark.django_db(transaction=True)
def test_an_asgi_server_streams_it_block_by_block() -> None:
    user = UserFactory.create()
    table = TableFactory.create(owner=user, columns={"n": "number"})
    Row.objects.bulk_create(Row(table=table, position=number, data={"n": number}) for number in range(100))
    client = AsyncClient()
    client.force_login(user)

    async def blocks() -> list[bytes]:
        response: Any = await client.get(f"/api/v1/tables/{table.pk}/export/")
        assert response.is_async
        return [block async for block in response]

    found = async_to_sync(blocks)()
    assert len(found) > 2
    assert b"".join(found).split() == [b"N", *(b"%d" % number for number in range(100))]
