"""All rows but some, and the rows of a search, are one request: to run, to stop, to delete."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.contrib.auth.models import User

from dispatch import pick
from dispatch.models import Dispatch
from tableflow.tables import rows, schema
from tableflow.tables.models import Group, Row, Table
from tests import hands, scenes
from tests.api.conftest import Api, errors
from tests.factories import ColumnFactory


@pytest.fixture
def numbers(user: User) -> Table:
    """Ten rows with a number from 1, and a text that only some have."""
    table = scenes.table(10)
    Table.objects.filter(pk=table.pk).update(owner=user)
    ColumnFactory.create(table=table, key="t", position=1)
    ids = list(Row.objects.filter(table=table).order_by("position").values_list("pk", flat=True))
    rows.update(table, {row_id: {"t": f"No. {place} of ULM"} for place, row_id in enumerate(ids) if place % 2})
    return table


@pytest.fixture
def doubled(numbers: Table) -> Group:
    return scenes.group(numbers, scenes.doubling(numbers))


def ids(table: Table) -> list[int]:
    return list(Row.objects.filter(table=table).order_by("position").values_list("pk", flat=True))


def pending(api: Api, table: Table, group: Group) -> list[int]:
    """The numbers of the rows whose cell is shown as pending."""
    found = api.get(f"tables/{table.pk}/rows/").json()["results"]
    return [row["data"]["n"] for row in found if row["executions"].get(str(group.pk), {}).get("status") == "pending"]


def searched(text: str) -> dict[str, Any]:
    return {"field": "*", "op": "contains", "value": text}


def test_all_rows_but_some_are_run(api: Api, numbers: Table, doubled: Group) -> None:
    left_out = ids(numbers)[2:5]
    made = api.post(f"tables/{numbers.pk}/dispatches/", {"mode": "all", "exclude_rows": left_out})
    assert made.status_code == 202
    assert pending(api, numbers, doubled) == [1, 2, 6, 7, 8, 9, 10]
    dispatch = Dispatch.objects.get(pk=made.json()["id"])
    assert [row.id for row in pick.look(dispatch, 100).rows] == [*ids(numbers)[:2], *ids(numbers)[5:]]


def test_all_rows_but_some_are_stopped_those_under_way_and_those_ahead(
    api: Api, numbers: Table, doubled: Group
) -> None:
    dispatch = Dispatch.objects.get(pk=api.post(f"tables/{numbers.pk}/dispatches/", {"mode": "all"}).json()["id"])
    Dispatch.objects.update(width=4)
    hands.admit(dispatch)
    url = f"tables/{numbers.pk}/cancel-runs/"
    kept = [ids(numbers)[0], ids(numbers)[8]]
    assert api.post(url, {"exclude_rows": kept}).json() == {"cancelled": 3, "dispatches": 1}
    assert pending(api, numbers, doubled) == [1, 9]
    assert scenes.statuses(doubled) == {"pending": 1, "cancelled": 3}
    large = {"field": "n", "op": "gt", "value": 5}
    assert api.post(url, {"filter": large, "exclude_rows": kept[1:]}).json()["dispatches"] == 1
    assert pending(api, numbers, doubled) == [1, 9]
    Row.objects.filter(pk=kept[0]).delete()
    assert api.post(url, {"filter": large, "exclude_rows": kept}).status_code == 200  # one has been deleted meanwhile
    dispatch.refresh_from_db()
    assert dispatch.status != "cancelled"
    assert api.post(url, {"exclude_rows": kept[:1]}).json()["dispatches"] == 1
    dispatch.refresh_from_db()
    assert dispatch.status == "cancelled"


def test_all_rows_but_some_are_deleted(api: Api, numbers: Table) -> None:
    url = f"tables/{numbers.pk}/rows/"
    every = ids(numbers)
    small = {"field": "n", "op": "lte", "value": 4}
    assert api.delete(url, {"filter": small, "exclude_rows": [every[0]]}).json() == {"deleted": 3}
    assert ids(numbers) == [every[0], *every[4:]]
    assert api.delete(url, {"all": True, "exclude_rows": [every[5], every[1]]}).json() == {"deleted": 6}
    assert ids(numbers) == [every[5]]
    assert api.delete(url, {"all": True}).json() == {"deleted": 1}
    numbers.refresh_from_db()
    assert numbers.row_count == 0


@pytest.mark.parametrize(
    ("body", "attr"),
    [
        ({"exclude_rows": [1]}, "rows"),
        ({"all": False, "exclude_rows": [1]}, "rows"),
        ({"rows": [1], "exclude_rows": [1]}, "exclude_rows"),
        ({"rows": [1], "all": True}, "all"),
        ({"filter": searched("x"), "all": True}, "all"),
        ({"all": True, "exclude_rows": "1"}, "exclude_rows"),
        ({"all": 1}, "all"),
    ],
)
def test_what_to_delete_is_said_in_one_way(api: Api, numbers: Table, body: Any, attr: str) -> None:
    response = api.delete(f"tables/{numbers.pk}/rows/", body)
    assert (response.status_code, list(errors(response))) == (400, [attr])
    assert len(ids(numbers)) == 10


@pytest.mark.parametrize("text", ["ulm", " No. 3 ", "1", "10", "%", "nowhere", "null"])
def test_a_filter_by_any_column_is_a_search(api: Api, numbers: Table, text: str) -> None:
    url = f"tables/{numbers.pk}/rows/"
    found = api.get(url, {"search": text}).json()
    assert api.get(url, {"filter": json.dumps(searched(text))}).json() == found
    without = {"all": [{**searched(text), "op": "ncontains"}]}
    assert api.get(url, {"filter": json.dumps(without)}).json()["count"] == 10 - found["count"]


def test_the_rows_of_a_search_are_run_stopped_and_deleted(api: Api, numbers: Table, doubled: Group) -> None:
    t = f"tables/{numbers.pk}"
    scope = {"all": [{"field": "n", "op": "gt", "value": 2}, searched("ulm")]}
    api.post(f"{t}/dispatches/", {"filter": scope, "exclude_rows": [ids(numbers)[3]]})
    assert pending(api, numbers, doubled) == [6, 8, 10]
    assert api.post(f"{t}/cancel-runs/", {"filter": searched("no. 9")}).json()["dispatches"] == 1
    assert pending(api, numbers, doubled) == [6, 8]
    assert api.delete(f"{t}/rows/", {"filter": scope}).json() == {"deleted": 4}
    assert scenes.values(numbers, "n") == [1, 2, 3, 5, 7, 9]


@pytest.mark.parametrize(
    ("condition", "attr"),
    [
        ({"field": "*", "op": "eq", "value": "x"}, "filter.op"),
        ({"field": "*", "op": "contains"}, "filter.value"),
        ({"field": "*", "op": "contains", "value": ""}, "filter.value"),
        ({"field": "*", "op": "contains", "value": ["x"]}, "filter.value"),
        ({"field": "*", "op": "contains", "value": "x" * 1001}, "filter.value"),
        ({"any": [{"all": [{"field": "*", "op": "contains", "value": "x"}] * 6}]}, "filter"),
    ],
)
def test_a_bad_search_in_a_filter_is_refused_by_name(api: Api, numbers: Table, condition: Any, attr: str) -> None:
    response = api.get(f"tables/{numbers.pk}/rows/", {"filter": json.dumps(condition)})
    assert (response.status_code, list(errors(response))) == (400, [attr])


def test_a_table_without_columns_has_nothing_to_find(user: User, api: Api) -> None:
    table = scenes.table(1)
    Table.objects.filter(pk=table.pk).update(owner=user)
    table.columns.all().delete()
    assert schema.load(table.pk).keys == ()
    assert api.get(f"tables/{table.pk}/rows/", {"search": "1"}).json()["count"] == 0
    assert api.get(f"tables/{table.pk}/find/", {"q": "1"}).json()["count"] == 0
