"""Stale cells over the API: shown in rows, filtered, counted, and run."""

from __future__ import annotations

import json
from typing import Any

import psycopg
import pytest
from django.db import OperationalError, connection, transaction

from cells import counts
from cells.models import Execution, Status
from tableflow.tables.models import Group, Row, Table
from tests import scenes
from tests.api.conftest import Api, errors
from tests.factories import UserFactory

STATUSES = ("completed", "error", "skipped", "cancelled", "running")


@pytest.fixture
def group(user: Any, people: Table) -> Group:
    """A workflow column over six rows: five have a cell in some status, the last has none."""
    made = scenes.group(people, scenes.doubling(people), reads="age")
    for place in range(1, 7):
        Row.objects.create(table=people, position=place, data={"name": f"P{place}", "age": place})
    Table.objects.filter(pk=people.pk).update(row_count=6)
    for row, status in zip(Row.objects.filter(table=people).order_by("position"), STATUSES, strict=False):
        Execution.objects.create(row=row, group=made, position=row.position, status=status)
    scenes.settle(made)
    return made


def age_everybody(table: Table) -> None:
    Row.objects.filter(table=table).update(data={"name": "older", "age": 99})


def filtered(api: Api, group: Group, op: str, value: Any) -> list[float]:
    wanted = json.dumps({"field": f"@{group.pk}", "op": op, "value": value})
    answer = api.get(f"tables/{group.table_id}/rows/", {"filter": wanted})
    assert answer.status_code == 200, answer.content
    return [row["position"] for row in answer.json()["results"]]


def test_each_execution_of_a_row_says_whether_it_is_stale(api: Api, group: Group) -> None:
    def shown() -> list[bool]:
        found = api.get(f"tables/{group.table_id}/rows/").json()["results"]
        return [row["executions"][str(group.pk)]["stale"] for row in found if row["executions"]]

    assert shown() == [False] * 5
    age_everybody(group.table)
    assert shown() == [True, True, True, False, False]


def test_stale_is_a_value_of_the_filter_beside_the_statuses(api: Api, group: Group) -> None:
    assert filtered(api, group, "eq", "stale") == []
    assert filtered(api, group, "ne", "stale") == [1, 2, 3, 4, 5, 6]
    age_everybody(group.table)
    assert filtered(api, group, "eq", "stale") == [1, 2, 3]
    assert filtered(api, group, "ne", "stale") == [4, 5, 6]
    assert filtered(api, group, "in", ["stale", "running"]) == [1, 2, 3, 5]
    assert filtered(api, group, "nin", ["stale", "running"]) == [4, 6]
    assert filtered(api, group, "eq", "error") == [2]


def test_what_is_neither_a_status_nor_stale_is_refused_and_both_are_named(api: Api, group: Group) -> None:
    wanted = json.dumps({"field": f"@{group.pk}", "op": "eq", "value": "old"})
    answer = api.get(f"tables/{group.table_id}/rows/", {"filter": wanted})
    assert answer.status_code == 400
    assert errors(answer) == {"filter.value": "invalid"}
    assert "skipped, stale" in answer.json()["errors"][0]["detail"]


def test_a_group_says_how_many_of_its_cells_are_in_each_status_never_ran_and_are_stale(api: Api, group: Group) -> None:
    url = f"tables/{group.table_id}/groups/{group.pk}/counts/"
    found = api.get(url).json()
    statuses = {status.value: int(status in STATUSES) for status in Status}
    assert found == {"total": 6, "never": 1, **statuses, "stale": 0}
    age_everybody(group.table)
    assert api.get(url).json() == {**found, "stale": 3}


def test_what_takes_too_long_to_count_is_null(api: Api, group: Group, monkeypatch: pytest.MonkeyPatch) -> None:
    def slowly(*_: Any) -> int:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(30)")
        return 0

    monkeypatch.setattr(counts, "SECONDS", 0.01)
    monkeypatch.setattr(counts, "_stale", slowly)
    monkeypatch.setattr(counts, "_by_status", slowly)
    found = api.get(f"tables/{group.table_id}/groups/{group.pk}/counts/").json()
    assert found == {"total": 6, "never": None, **dict.fromkeys(Status.values), "stale": None}
    with connection.cursor() as cursor:
        cursor.execute("SELECT setting = reset_val FROM pg_settings WHERE name = 'statement_timeout'")
        assert cursor.fetchone() == (True,)


def test_other_failures_of_the_database_are_not_taken_for_slowness(group: Group) -> None:
    def broken() -> int:
        raise OperationalError from psycopg.errors.AdminShutdown()

    with pytest.raises(OperationalError), transaction.atomic():
        counts.in_time(broken)


@pytest.mark.parametrize("path", ["tables/{table}/groups/999/counts/", "tables/999/groups/{group}/counts/"])
def test_counts_of_what_is_not_there_are_404(api: Api, group: Group, path: str) -> None:
    assert api.get(path.format(table=group.table_id, group=group.pk)).status_code == 404


def test_a_stranger_does_not_see_the_counts(api_of: Any, group: Group) -> None:
    url = f"tables/{group.table_id}/groups/{group.pk}/counts/"
    assert api_of(UserFactory()).get(url).status_code == 404


def test_a_dispatch_of_mode_stale_is_accepted_with_the_mark_as_its_filter(api: Api, group: Group) -> None:
    is_stale = {"field": f"@{group.pk}", "op": "eq", "value": "stale"}
    answer = api.post(f"tables/{group.table_id}/dispatches/", {"mode": "stale", "filter": is_stale})
    assert answer.status_code == 202
    assert (answer.json()["mode"], answer.json()["scope"]["filter"]) == ("stale", is_stale)


def test_rows_are_cancelled_by_the_mark(api: Api, group: Group) -> None:
    is_stale = {"field": f"@{group.pk}", "op": "eq", "value": "stale"}
    api.post(f"tables/{group.table_id}/dispatches/", {"mode": "stale"})
    answer = api.post(f"tables/{group.table_id}/cancel-runs/", {"filter": is_stale})
    assert (answer.status_code, answer.json()) == (200, {"cancelled": 0, "dispatches": 1})
