from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from cells.models import Execution, Status
from dispatch.begin import begin
from tableflow.tables import rows
from tableflow.tables.models import Group, Row, Table
from tests import scenes
from tests.api.conftest import Api, errors
from tests.factories import ColumnFactory, GroupFactory


@pytest.fixture
def three(people: Table) -> list[Row]:
    """Three people in the table."""
    return rows.insert(people, [{"name": "Ada", "age": 36}, {"name": "Bob", "age": 7}, {"name": "Cyd", "age": 70}])


def names(response: Any) -> list[str]:
    assert response.status_code == 200, response.content
    return [row["data"]["name"] for row in response.json()["results"]]


def test_one_row_is_made_and_has_every_column(api: Api, people: Table) -> None:
    response = api.post(f"tables/{people.pk}/rows/", {"data": {"name": "Ada", "age": "36"}})
    assert response.status_code == 201
    row = response.json()
    assert row["data"] == {"name": "Ada", "age": 36, "vip": None}
    assert (row["executions"], row["waiting"]) == ({}, {})
    assert isinstance(row["position"], int | float)
    assert api.get(f"tables/{people.pk}/rows/{row['id']}/").json() == row
    assert api.get(f"tables/{people.pk}/").json()["row_count"] == 1


def test_many_rows_are_made_in_the_order_given_below_a_row(api: Api, people: Table, three: list[Row]) -> None:
    body = {"rows": [{"data": {"name": "x"}}, {"data": {"name": "y"}}], "after_row": three[0].pk}
    made = api.post(f"tables/{people.pk}/rows/", body).json()["rows"]
    assert [row["data"]["name"] for row in made] == ["x", "y"]
    assert names(api.get(f"tables/{people.pk}/rows/")) == ["Ada", "x", "y", "Bob", "Cyd"]


def test_a_patch_merges_and_null_empties(api: Api, people: Table, three: list[Row]) -> None:
    url = f"tables/{people.pk}/rows/{three[0].pk}/"
    assert api.patch(url, {"data": {"vip": True}}).json()["data"] == {"name": "Ada", "age": 36, "vip": True}
    assert api.patch(url, {"data": {"age": None}}).json()["data"] == {"name": "Ada", "age": None, "vip": True}


def test_many_rows_are_changed_at_once(api: Api, people: Table, three: list[Row]) -> None:
    body = {"rows": [{"id": three[2].pk, "data": {"age": 71}}, {"id": three[0].pk, "data": {"age": 37}}]}
    changed = api.patch(f"tables/{people.pk}/rows/", body).json()["rows"]
    assert [(row["id"], row["data"]["age"]) for row in changed] == [(three[2].pk, 71), (three[0].pk, 37)]


def test_one_wrong_row_of_many_changes_none(api: Api, people: Table, three: list[Row]) -> None:
    body = {"rows": [{"id": three[0].pk, "data": {"age": 1}}, {"id": three[1].pk, "data": {"age": "old"}}]}
    response = api.patch(f"tables/{people.pk}/rows/", body)
    assert errors(response) == {"rows.1.data.age": "invalid"}
    assert Row.objects.get(pk=three[0].pk).data["age"] == 36


def test_rows_are_deleted_one_many_or_by_filter(api: Api, people: Table, three: list[Row]) -> None:
    url = f"tables/{people.pk}/rows/"
    assert api.delete(f"{url}{three[0].pk}/").status_code == 204
    assert api.delete(url, {"rows": [three[1].pk]}).json() == {"deleted": 1}
    assert api.delete(url, {"filter": {"field": "age", "op": "gt", "value": 50}}).json() == {"deleted": 1}
    assert api.get(url).json()["count"] == 0
    assert api.get(f"tables/{people.pk}/").json()["row_count"] == 0


def test_a_delete_that_names_an_unknown_row_deletes_none(api: Api, people: Table, three: list[Row]) -> None:
    response = api.delete(f"tables/{people.pk}/rows/", {"rows": [three[0].pk, 10**15]})
    assert errors(response) == {"rows.1": "unknown_row"}
    assert Row.objects.filter(table=people).count() == 3


def test_a_delete_by_rows_and_by_a_filter_is_one_too_many(api: Api, people: Table, three: list[Row]) -> None:
    both = {"rows": [three[0].pk], "filter": {"field": "age", "op": "gt", "value": 50}}
    assert errors(api.delete(f"tables/{people.pk}/rows/", both)) == {"filter": "conflict"}
    assert errors(api.delete(f"tables/{people.pk}/rows/", {})) == {"rows": "required"}


@pytest.mark.parametrize("body", [{}, {"rows": [1], "filter": {}}, {"filter": {}}, {"rows": "all"}, {"all": False}])
def test_a_delete_is_never_taken_for_everything(api: Api, people: Table, three: list[Row], body: Any) -> None:
    assert api.delete(f"tables/{people.pk}/rows/", body).status_code == 400
    assert Row.objects.filter(table=people).count() == 3


def test_upsert_says_what_became_of_each_row(api: Api, people: Table, three: list[Row]) -> None:
    body = {"match_on": ["name"], "rows": [{"data": {"name": "Ada", "age": 37}}, {"data": {"name": "Dee"}}]}
    answer = api.post(f"tables/{people.pk}/rows/upsert/", body).json()
    assert (answer["created"], answer["updated"]) == (1, 1)
    assert [row["result"] for row in answer["rows"]] == ["updated", "created"]
    assert answer["rows"][0]["id"] == three[0].pk
    assert names(api.get(f"tables/{people.pk}/rows/")) == ["Ada", "Bob", "Cyd", "Dee"]


def test_rows_are_filtered_sorted_and_searched(api: Api, people: Table, three: list[Row]) -> None:
    url = f"tables/{people.pk}/rows/"
    adults = json.dumps({"all": [{"field": "age", "op": "gte", "value": 18}]})
    assert names(api.get(url, {"filter": adults})) == ["Ada", "Cyd"]
    assert names(api.get(url, {"sort": "-age"})) == ["Cyd", "Ada", "Bob"]
    assert names(api.get(url, {"search": "bo"})) == ["Bob"]
    assert names(api.get(url, {"filter": adults, "sort": "-age", "limit": 1})) == ["Cyd"]


def test_pages_by_offset_link_to_each_other(api: Api, people: Table, three: list[Row]) -> None:
    page = api.get(f"tables/{people.pk}/rows/", {"limit": 2, "offset": 1})
    assert names(page) == ["Bob", "Cyd"]
    assert page.json()["next"] is None
    assert names(api.get(page.json()["previous"].removeprefix("http://testserver"))) == ["Ada", "Bob"]
    first = api.get(f"tables/{people.pk}/rows/", {"limit": 2, "sort": "-age"}).json()
    assert names(api.get(first["next"].removeprefix("http://testserver"))) == ["Bob"]


def test_pages_after_a_cursor_stay_right_while_rows_come_and_go(api: Api, people: Table, three: list[Row]) -> None:
    url = f"tables/{people.pk}/rows/"
    first = api.get(url, {"limit": 2}).json()
    rows.insert(people, [{"name": "new"}], after=three[0].pk)
    api.delete(f"{url}{three[0].pk}/")
    assert names(api.get(url, {"limit": 2, "after": first["next_cursor"]})) == ["Cyd"]
    assert names(api.get(first["next"].removeprefix("http://testserver"))) == ["Cyd"]


def test_deleted_columns_are_not_in_the_data(api: Api, people: Table, three: list[Row]) -> None:
    api.delete(f"tables/{people.pk}/columns/age/")
    assert set(api.get(f"tables/{people.pk}/rows/").json()["results"][0]["data"]) == {"name", "vip"}


@pytest.fixture
def summary(people: Table) -> Group:
    """A workflow column that waits for the age."""
    ColumnFactory(table=people, key="summary", type="text")
    made: Group = GroupFactory(table=people, outputs=[{"from": "r", "column": "summary"}], run_after=["age"])
    return made


def execution(row: Row, group: Group, status: Status, **fields: Any) -> Execution:
    return Execution.objects.create(row=row, group=group, position=row.position, status=status, **fields)


def test_executions_are_beside_the_data_by_group(api: Api, people: Table, three: list[Row], summary: Group) -> None:
    execution(three[0], summary, Status.ERROR, error="no answer", attempt=2)
    rows.update(people, {three[1].pk: {"age": None}})
    found = {row["data"]["name"]: row for row in api.get(f"tables/{people.pk}/rows/").json()["results"]}
    key = str(summary.pk)
    assert found["Ada"]["executions"][key]["status"] == "error"
    assert found["Ada"]["executions"][key]["error"] == "no answer"
    assert found["Ada"]["executions"][key]["attempt"] == 2
    assert found["Bob"]["executions"] == {}
    assert found["Bob"]["waiting"] == {key: ["age"]}
    assert found["Cyd"]["executions"] == found["Cyd"]["waiting"] == {}


def test_rows_ahead_of_a_dispatch_are_shown_pending(api: Api, people: Table, three: list[Row], summary: Group) -> None:
    begin_over(people, summary)
    found = api.get(f"tables/{people.pk}/rows/").json()["results"]
    assert [row["executions"][str(summary.pk)]["status"] for row in found] == ["pending"] * 3


def begin_over(table: Table, group: Group) -> None:
    group.workflow_id = scenes.doubling(table).pk
    group.save()
    begin(table.pk)


def test_rows_are_filtered_by_the_status_of_a_cell(api: Api, people: Table, three: list[Row], summary: Group) -> None:
    execution(three[1], summary, Status.ERROR)
    failed = json.dumps({"field": f"@{summary.pk}", "op": "eq", "value": "error"})
    assert names(api.get(f"tables/{people.pk}/rows/", {"filter": failed})) == ["Bob"]


def test_failed_rows_are_deleted_by_filter_with_their_executions(
    api: Api, people: Table, three: list[Row], summary: Group
) -> None:
    execution(three[1], summary, Status.ERROR)
    execution(three[2], summary, Status.COMPLETED)
    failed = {"field": f"@{summary.pk}", "op": "eq", "value": "error"}
    assert api.delete(f"tables/{people.pk}/rows/", {"filter": failed}).json() == {"deleted": 1}
    assert [cell.row_id for cell in Execution.objects.all()] == [three[2].pk]
    assert Row.objects.filter(table=people).count() == 2


def test_the_list_of_rows_takes_the_same_queries_for_3_and_for_100(
    api: Api, people: Table, three: list[Row], summary: Group
) -> None:
    def queries(ask: Callable[[], Any]) -> int:
        with CaptureQueriesContext(connection) as captured:
            assert ask().status_code == 200
        return len(captured)

    begin_over(people, summary)
    execution(three[0], summary, Status.COMPLETED)  # where no cell has ended nothing can be stale, and nobody asks
    few = queries(lambda: api.get(f"tables/{people.pk}/rows/"))
    more = rows.insert(people, [{"name": "x", "age": 1}] * 97)
    for row in more[:50]:
        execution(row, summary, Status.COMPLETED)
    assert queries(lambda: api.get(f"tables/{people.pk}/rows/")) == few


@pytest.mark.parametrize(
    ("query", "attr"),
    [
        ({"filter": "{"}, "filter"),
        ({"filter": "[" * 2000}, "filter"),
        ({"filter": "[]"}, "filter"),
        ({"filter": "null"}, "filter"),
        ({"filter": '{"field": "nobody", "op": "eq", "value": 1}'}, "filter.field"),
        ({"filter": '{"field": "age", "op": "like", "value": 1}'}, "filter.op"),
        ({"filter": '{"field": "age", "op": "gt", "value": "old"}'}, "filter.value"),
        ({"filter": '{"field": "name", "op": "eq", "value": "a\\u0000"}'}, "filter.value"),
        ({"filter": '{"field": "@99", "op": "eq", "value": "error"}'}, "filter.field"),
        ({"filter": '{"all":[' * 11 + '{"field":"age","op":"is_empty"}' + "]}" * 11}, None),
        ({"sort": "nobody"}, "sort"),
        ({"sort": "name,,age"}, "sort"),
        ({"search": "a\x00"}, "search"),
        ({"after": "what"}, "after"),
        ({"after": "\x00"}, "after"),
        ({"limit": "-1"}, "limit"),
        ({"limit": "1001"}, "limit"),
        ({"offset": "-1"}, "offset"),
        ({"offset": "9" * 30}, "offset"),
        ({"offset": "1", "after": "MTox"}, "after"),
    ],
)
def test_a_bad_question_is_refused_by_name(
    api: Api, people: Table, three: list[Row], query: dict[str, str], attr: str | None
) -> None:
    response = api.get(f"tables/{people.pk}/rows/", query)
    assert response.status_code == 400
    assert attr is None or attr in errors(response)


@pytest.mark.parametrize(
    ("body", "attr"),
    [
        ({}, "data"),
        ({"data": {}, "rows": []}, "data"),
        ({"data": []}, "data"),
        ({"data": None}, "data"),
        ({"data": {"nobody": 1}}, "data.nobody"),
        ({"data": {"age": "old"}}, "data.age"),
        ({"data": {"age": 10**400}}, "data.age"),
        ({"data": {"name": "x" * (10 * 2**20)}}, "data.name"),
        ({"data": {"name": "a\x00b"}}, "data.name"),
        ({"data": {"a\x00b": "x"}}, "data"),
        ({"data": {"name": "x"}, "after_row": 10**30}, "after_row"),
        ({"data": {"name": "x"}, "after_row": "1"}, "after_row"),
        ({"data": {"name": "x"}, "after_row": 10**15}, "after_row"),
        ({"rows": {"data": {}}}, "rows"),
        ({"rows": [{"name": "x"}]}, "rows.0.name"),
        ({"rows": [{"data": {"name": "x"}}, {"data": {"age": "old"}}]}, "rows.1.data.age"),
        ({"rows": [{"data": {}}] * 1001}, "rows"),
    ],
)
def test_bad_rows_are_refused_where_they_are_wrong_and_none_is_made(
    api: Api, people: Table, body: Any, attr: str
) -> None:
    response = api.post(f"tables/{people.pk}/rows/", body)
    assert response.status_code == 400
    assert attr in errors(response)
    assert not Row.objects.exists()


@pytest.mark.parametrize(
    ("body", "attr"),
    [
        ({"rows": []}, "match_on"),
        ({"match_on": [], "rows": []}, "match_on"),
        ({"match_on": ["nobody"], "rows": [{"data": {"name": "x"}}]}, "match_on.0"),
        ({"match_on": [["name"]], "rows": []}, "match_on.0"),
        ({"match_on": ["name"], "rows": [{"data": {"age": 1}}]}, "rows.0.data.name"),
    ],
)
def test_a_bad_upsert_is_refused_by_name(api: Api, people: Table, body: Any, attr: str) -> None:
    response = api.post(f"tables/{people.pk}/rows/upsert/", body)
    assert response.status_code == 400
    assert attr in errors(response)
    assert not Row.objects.exists()


@pytest.mark.parametrize("row_id", ["0", "999999999", "9" * 40, "x", "-1", "1.5"])
def test_a_row_that_is_not_there_is_404(api: Api, people: Table, row_id: str) -> None:
    for method, body in (("get", None), ("patch", {"data": {}}), ("delete", None)):
        response = getattr(api, method)(f"tables/{people.pk}/rows/{row_id}/", body)
        assert response.status_code == 404
        assert errors(response) == {None: "not_found"}
