from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from cells.models import Attempt, Execution, Status, Worker
from dispatch.begin import begin
from dispatch.gather import gather
from dispatch.models import Dispatch, DispatchStatus
from tableflow.tables import changes, groups
from tableflow.tables.models import Group, Row, Table
from tests import hands, scenes
from tests.api.conftest import Api, errors
from tests.factories import TableFactory, UserFactory


@pytest.fixture
def numbers(user: User) -> Table:
    """Five rows of the user's, with the number `n`."""
    table = scenes.table(5)
    table.owner = user
    table.save()
    return table


@pytest.fixture
def doubled(numbers: Table) -> Group:
    """The workflow column that doubles `n`."""
    return scenes.group(numbers, scenes.doubling(numbers))


@pytest.fixture
def rows(numbers: Table) -> list[Row]:
    """The rows of the table."""
    return list(Row.objects.filter(table=numbers))


def start(api: Api, table: Table, body: Any = None) -> dict[str, Any]:
    response = api.post(f"tables/{table.pk}/dispatches/", body or {})
    assert response.status_code == 202, response.content
    answer: dict[str, Any] = response.json()
    return answer


def test_a_dispatch_of_everything_is_accepted_at_once(api: Api, user: User, numbers: Table, doubled: Group) -> None:
    made = start(api, numbers)
    assert made["status"] in ("pending", "dispatching")
    assert made["table"] == numbers.pk
    assert made["mode"] == "incomplete"
    assert made["groups"] == [doubled.pk]
    assert made["scope"] == {"rows": None, "filter": None, "exclude_rows": []}
    assert (made["is_manual"], made["limit"], made["cursor"], made["processed"]) == (True, None, None, 0)
    assert made["requested_by"] == user.get_username()
    assert set(made["counts"]) == {"total", "completed", "error", "cancelled", "skipped", "waiting", "in_flight"}
    assert api.get(f"dispatches/{made['id']}/").json() == made


def test_a_dispatch_keeps_its_scope_and_limit(api: Api, numbers: Table, doubled: Group, rows: list[Row]) -> None:
    some = {"groups": [doubled.pk], "mode": "all", "rows": [rows[2].pk, rows[0].pk], "exclude_rows": [rows[1].pk]}
    made = start(api, numbers, {**some, "limit": {"type": "rows", "max": 2}})
    assert made["mode"] == "all"
    assert made["limit"] == {"type": "rows", "max": 2}
    assert made["scope"] == {"rows": [rows[0].pk, rows[2].pk], "filter": None, "exclude_rows": [rows[1].pk]}
    filter_ = {"field": "n", "op": "gt", "value": 2}
    assert start(api, numbers, {"filter": filter_, "limit": None})["scope"]["filter"] == filter_


def test_starting_a_dispatch_takes_the_same_queries_for_5_rows_and_for_500(
    api: Api, numbers: Table, doubled: Group
) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            made = start(api, numbers)
        api.post(f"dispatches/{made['id']}/cancel/")
        return len(captured)

    few = queries()
    scenes.add_rows(numbers, 495)
    assert queries() == few


def test_dispatches_are_listed_newest_first_and_by_status(api: Api, numbers: Table, doubled: Group) -> None:
    first, second = start(api, numbers), start(api, numbers)
    api.post(f"dispatches/{first['id']}/cancel/")
    for url in (f"tables/{numbers.pk}/dispatches/", "dispatches/"):
        assert [d["id"] for d in api.get(url).json()["results"]] == [second["id"], first["id"]]
        assert [d["id"] for d in api.get(url, {"status": "active"}).json()["results"]] == [second["id"]]
        assert [d["id"] for d in api.get(url, {"status": "cancelled"}).json()["results"]] == [first["id"]]
        assert errors(api.get(url, {"status": "asleep"})) == {"status": "invalid_choice"}


def test_dispatches_are_listed_by_table_person_and_time(api: Api, user: User, numbers: Table, doubled: Group) -> None:
    other = TableFactory(owner=user, columns={"n": "number"})
    scenes.group(other, scenes.doubling(other))
    old, new, elsewhere = (start(api, table)["id"] for table in (numbers, numbers, other))
    somebody = UserFactory(username="ada")
    Dispatch.objects.filter(pk=new).update(requested_by=somebody)
    Dispatch.objects.filter(pk=old).update(requested_at=datetime(2026, 1, 31, 23, 59, tzinfo=UTC))

    def ids(url: str = "dispatches/", **asked: Any) -> list[int]:
        return [found["id"] for found in api.get(url, asked).json()["results"]]

    of_table = f"tables/{numbers.pk}/dispatches/"
    assert ids(table=numbers.pk) == ids(of_table) == [new, old]
    assert ids(table=numbers.pk, requested_by="ada") == ids(of_table, requested_by="ada") == [new]
    assert ids(requested_by=user.username, status="active") == [elsewhere, old]
    assert ids(requested_by="nobody") == ids(requested_by="") == ids(table=10**12) == []
    assert ids(until="2026-01-31") == ids(of_table, until="2026-01-31") == [old]
    assert ids(until="2026-01-30") == ids(until="2026-01-31T23:59:00Z") == []
    assert ids(until="2026-02-01T00:30:00+01:00") == []
    assert ids(until="2026-01-31T23:59:01", since="2026-01-31T23:59") == [old]
    assert ids(since="2026-02-01") == [elsewhere, new]
    assert ids(since="0001-01-01T00:00:00+14:00", until="9999-12-31T23:59:59-14:00") == [elsewhere, new, old]


@pytest.mark.parametrize(
    ("asked", "attr"),
    [
        ({"table": "x"}, "table"),
        ({"table": "0"}, "table"),
        ({"table": ""}, "table"),
        ({"table": "9" * 19}, "table"),
        ({"requested_by": "a\x00"}, "requested_by"),
        ({"since": ""}, "since"),
        ({"since": "yesterday"}, "since"),
        ({"since": "2026-02-30"}, "since"),
        ({"since": "2026-01-31T25:00"}, "since"),
        ({"since": "2026-W05-6"}, "since"),
        ({"since": "20260131"}, "since"),
        ({"since": "2026-01-31\n"}, "since"),
        ({"until": "2026-01-31T10:00:00 01:00"}, "until"),
        ({"until": "9999-12-31"}, "until"),
        ({"until": "1" * 5000}, "until"),
        ({"since": "2026-01-31\x00"}, "since"),
    ],
)
def test_a_list_that_cannot_be_asked_for_is_refused_by_name(api: Api, asked: dict[str, str], attr: str) -> None:
    response = api.get("dispatches/", asked)
    assert response.status_code == 400
    assert set(errors(response)) == {attr}


def test_a_dispatch_names_its_table_and_its_columns_as_they_are_called_now(
    api: Api, numbers: Table, doubled: Group
) -> None:
    tripled = scenes.group(numbers, scenes.doubling(numbers), "third")
    made = start(api, numbers)
    assert (made["table_name"], made["groups"]) == ("Numbers", [doubled.pk, tripled.pk])
    assert made["group_names"] == ["out", "third"]
    api.patch(f"tables/{numbers.pk}/", {"name": "Figures"})
    api.patch(f"tables/{numbers.pk}/groups/{doubled.pk}/", {"name": "Twice"})
    api.patch(f"tables/{numbers.pk}/groups/{tripled.pk}/", {"name": "Thrice"})
    groups.delete(numbers, tripled.pk)
    for url in ("dispatches/", f"tables/{numbers.pk}/dispatches/"):
        (found,) = api.get(url).json()["results"]
        assert (found["table_name"], found["group_names"]) == ("Figures", ["Twice", "third"])


def test_the_list_of_dispatches_takes_the_same_queries_for_3_and_for_30(
    api: Api, numbers: Table, doubled: Group
) -> None:
    def queries(ask: Callable[[], Any]) -> int:
        with CaptureQueriesContext(connection) as captured:
            assert ask().status_code == 200
        return len(captured)

    for _ in range(3):
        start(api, numbers)
    few = queries(lambda: api.get("dispatches/"))
    for _ in range(27):
        start(api, numbers)
    assert queries(lambda: api.get("dispatches/")) == few


def test_a_cancelled_dispatch_may_be_cancelled_again(api: Api, numbers: Table, doubled: Group) -> None:
    made = start(api, numbers)
    for _ in range(2):
        response = api.post(f"dispatches/{made['id']}/cancel/")
        assert response.status_code == 200
        assert response.json()["status"] == "cancelled"


def test_a_complete_dispatch_cannot_be_cancelled(api: Api, numbers: Table, doubled: Group) -> None:
    made = start(api, numbers)
    Dispatch.objects.filter(pk=made["id"]).update(status=DispatchStatus.COMPLETE, finished_at=datetime.now(UTC))
    response = api.post(f"dispatches/{made['id']}/cancel/")
    assert response.status_code == 409
    assert set(errors(response)) == {None}


def test_dispatches_of_other_peoples_tables_are_not_seen(api: Api, api_of: Any, numbers: Table, doubled: Group) -> None:
    made = start(api, numbers)
    stranger = api_of(UserFactory())
    assert stranger.get("dispatches/").json()["count"] == 0
    assert stranger.get(f"dispatches/{made['id']}/").status_code == 404
    assert stranger.post(f"dispatches/{made['id']}/cancel/").status_code == 404


def test_what_runs_in_a_table_is_cancelled(api: Api, numbers: Table, doubled: Group, rows: list[Row]) -> None:
    made = start(api, numbers)
    url = f"tables/{numbers.pk}/cancel-runs/"
    assert api.post(url, {"rows": [rows[0].pk], "groups": [doubled.pk]}).json() == {"cancelled": 0, "dispatches": 1}
    found = api.get(f"tables/{numbers.pk}/rows/").json()["results"]
    shown = [row["executions"].get(str(doubled.pk), {}).get("status") for row in found]
    assert shown == [None, "pending", "pending", "pending", "pending"]
    assert api.post(url).json() == {"cancelled": 0, "dispatches": 1}
    assert api.get(f"dispatches/{made['id']}/").json()["status"] == "cancelled"
    assert api.post(url).json() == {"cancelled": 0, "dispatches": 0}


def test_a_cancel_counts_the_dispatches_that_it_concerns(
    api: Api, numbers: Table, doubled: Group, rows: list[Row]
) -> None:
    other = api.post(
        f"tables/{numbers.pk}/groups/",
        {
            "workflow": doubled.workflow_id,
            "inputs": doubled.inputs,
            "outputs": [{"from": doubled.outputs[0]["from"], "column": {"name": "Other", "type": "number"}}],
        },
    ).json()
    start(api, numbers, {"groups": [doubled.pk], "rows": [rows[0].pk]})
    start(api, numbers, {"groups": [doubled.pk], "rows": [rows[1].pk]})
    url = f"tables/{numbers.pk}/cancel-runs/"
    assert api.post(url, {"groups": [other["id"]]}).json() == {"cancelled": 0, "dispatches": 0}
    assert api.post(url, {"rows": [rows[2].pk]}).json() == {"cancelled": 0, "dispatches": 0}
    assert api.post(url, {"rows": [rows[0].pk]}).json() == {"cancelled": 0, "dispatches": 1}
    assert api.post(url, {"groups": [doubled.pk]}).json() == {"cancelled": 0, "dispatches": 2}


def test_the_run_state_has_the_active_dispatches(api: Api, numbers: Table, doubled: Group) -> None:
    url = f"tables/{numbers.pk}/run-state/"
    assert api.get(url).json() == {"dispatches": [], "running": 0, "claimed": 0, "by_row": {}}
    made = start(api, numbers)
    assert [d["id"] for d in api.get(url).json()["dispatches"]] == [made["id"]]


@pytest.fixture
def tried_twice(doubled: Group, rows: list[Row]) -> Execution:
    """A cell of the first row that failed, and then was completed."""
    now = datetime.now(UTC)
    cell = Execution.objects.create(
        row=rows[0], group=doubled, position=rows[0].position, status=Status.COMPLETED, attempt=2, workflow_version=1
    )
    for number, status, error in ((1, Status.ERROR, "no answer"), (2, Status.COMPLETED, None)):
        Attempt.objects.create(
            execution=cell,
            number=number,
            status=status,
            error=error,
            workflow_version=1,
            worker_name="w",
            started_at=now,
            finished_at=now,
            trace=[
                {
                    "id": "double",
                    "type": "template",
                    "status": status,
                    "input": {"template": "x"},
                    "output": None if error else 2,
                    "error": error,
                    "started_at": now.isoformat(),
                    "duration_ms": 0.5,
                    "attempts": 1,
                }
            ],
        )
    return cell


def test_a_cell_shows_its_latest_attempt_with_the_trace(api: Api, numbers: Table, tried_twice: Execution) -> None:
    answer = api.get(f"tables/{numbers.pk}/rows/{tried_twice.row_id}/executions/{tried_twice.group_id}/").json()
    assert (answer["status"], answer["attempt"], answer["error"]) == ("completed", 2, None)
    assert answer["execution_id"] == tried_twice.pk
    assert [(step["id"], step["output"]) for step in answer["steps"]] == [("double", 2)]


def test_a_cell_shows_its_history(api: Api, numbers: Table, tried_twice: Execution) -> None:
    url = f"tables/{numbers.pk}/rows/{tried_twice.row_id}/executions/{tried_twice.group_id}/"
    answer = api.get(url, {"attempts": "all"}).json()
    assert answer["count"] == 2
    assert [(a["attempt"], a["status"], a["error"]) for a in answer["results"]] == [
        (2, "completed", None),
        (1, "error", "no answer"),
    ]
    assert errors(api.get(url, {"attempts": "some"})) == {"attempts": "invalid_choice"}


def test_a_cell_that_never_ran_is_404(api: Api, numbers: Table, doubled: Group, rows: list[Row]) -> None:
    url = f"tables/{numbers.pk}/rows/{rows[1].pk}/executions/{doubled.pk}/"
    assert api.get(url).status_code == 404
    assert api.get(url, {"attempts": "all"}).json()["results"] == []
    assert api.get(f"tables/{numbers.pk}/rows/{rows[1].pk}/executions/{'9' * 30}/").status_code == 404


def test_workers_are_listed_with_the_age_of_their_heartbeats(api: Api) -> None:
    now = datetime.now(UTC)
    Worker.objects.create(name="one", host="h", pid=1, queues=["q"], concurrency=4, started_at=now, heartbeat_at=now)
    (worker,) = api.get("workers/").json()["results"]
    assert (worker["name"], worker["status"], worker["concurrency"]) == ("one", "active", 4)
    assert worker["heartbeat_age_seconds"] < 60


@pytest.mark.parametrize(
    ("body", "attr"),
    [
        ({"mode": "sometimes"}, "mode"),
        ({"mode": None}, "mode"),
        ({"groups": []}, "groups"),
        ({"groups": [10**12]}, "groups"),
        ({"groups": [10**30]}, "groups.0"),
        ({"groups": ["1"]}, "groups.0"),
        ({"groups": 1}, "groups"),
        ({"rows": []}, "rows"),
        ({"rows": [10**12]}, "rows.0"),
        ({"rows": [1] * 10_001}, "rows"),
        ({"rows": [True]}, "rows.0"),
        ({"rows": "all"}, "rows"),
        ({"rows": [1], "filter": {"field": "n", "op": "eq", "value": 1}}, "filter"),
        ({"filter": {}}, "filter.field"),
        ({"filter": []}, "filter"),
        ({"filter": {"field": "m", "op": "eq", "value": 1}}, "filter.field"),
        ({"filter": {"field": "n", "op": "~", "value": 1}}, "filter.op"),
        ({"exclude_rows": [10**12]}, "exclude_rows.0"),
        ({"limit": 10}, "limit"),
        ({"limit": {"type": "cells", "max": 1}}, "limit.type"),
        ({"limit": {"type": "rows", "max": 0}}, "limit.max"),
        ({"limit": {"type": "rows", "max": -1}}, "limit.max"),
        ({"limit": {"type": "rows", "max": "9"}}, "limit.max"),
        ({"limit": {"type": "rows", "max": 10**30}}, "limit.max"),
        ({"limit": {"type": "rows"}}, "limit.max"),
        ({"limit": {"type": "rows", "max": 1, "min": 1}}, "limit.min"),
        ({"concurrency": 3}, "concurrency"),
        ([], None),
    ],
)
def test_a_bad_dispatch_is_refused_where_it_is_wrong_and_nothing_starts(
    api: Api, numbers: Table, doubled: Group, body: Any, attr: str
) -> None:
    response = api.post(f"tables/{numbers.pk}/dispatches/", body)
    assert response.status_code == 400, response.content
    assert attr in errors(response), errors(response)
    assert not Dispatch.objects.exists()


def test_rows_of_another_table_cannot_be_run(api: Api, user: User, numbers: Table, doubled: Group) -> None:
    other = TableFactory(owner=user, columns={"n": "number"})
    scenes.add_rows(other, 1)
    response = api.post(f"tables/{numbers.pk}/dispatches/", {"rows": [Row.objects.get(table=other).pk]})
    assert errors(response) == {"rows.0": "unknown_row"}


def test_a_table_without_a_workflow_column_has_nothing_to_run(api: Api, numbers: Table) -> None:
    response = api.post(f"tables/{numbers.pk}/dispatches/", {})
    assert errors(response) == {"groups": "no_groups"}


@pytest.mark.parametrize(
    ("body", "attr"),
    [
        ({"rows": "all"}, "rows"),
        ({"groups": [10**12]}, "groups"),
        ({"filter": {}}, "filter.field"),
        ({"rows": [1], "filter": {"field": "n", "op": "eq", "value": 1}}, "filter"),
        ({"row": [1]}, "row"),
    ],
)
def test_a_bad_cancel_is_never_taken_for_everything(
    api: Api, numbers: Table, doubled: Group, body: Any, attr: str
) -> None:
    made = start(api, numbers)
    response = api.post(f"tables/{numbers.pk}/cancel-runs/", body)
    assert response.status_code == 400
    assert attr in errors(response)
    assert api.get(f"dispatches/{made['id']}/").json()["status"] != "cancelled"


def test_the_run_of_an_import_names_the_positions_of_its_rows(api: Api, numbers: Table, doubled: Group) -> None:
    Group.objects.filter(pk=doubled.pk).update(auto_run=True)
    changes.tell(numbers.pk, ranges=[[1, 2]])
    gather(numbers.pk)
    (run,) = api.get(f"tables/{numbers.pk}/dispatches/").json()["results"]
    assert run["scope"] == {"rows": None, "filter": None, "exclude_rows": [], "ranges": [[1, 2]]}
    assert (run["mode"], run["is_manual"], run["requested_by"]) == ("new", False, None)


@pytest.fixture
def failing(numbers: Table, doubled: Group) -> Dispatch:
    """A dispatch of which two cells failed, one was completed, one runs, one is queued for a slot."""
    dispatch = begin(numbers.pk)
    hands.admit(dispatch)
    first, second, third, _ = (claimed.lead for claimed in hands.claim(hands.worker(), dispatch, most=4))
    failed = [hands.ended(claim, Status.ERROR, error="503 Service Unavailable") for claim in (first, second)]
    hands.finish([*failed, hands.ended(third)])
    return dispatch


def test_a_dispatch_tells_its_windows_errors_and_slowest_cells(
    api: Api, doubled: Group, rows: list[Row], failing: Dispatch
) -> None:
    at = f"dispatches/{failing.pk}/"
    page = api.get(f"{at}windows/").json()
    (window,) = page["results"]
    assert (page["count"], window["number"], window["lane"], window["lobby"]) == (1, 1, 0, False)
    assert (window["state"], window["rows"], window["cells"], window["closed_at"]) == ("open", 5, 5, None)
    assert window["counts"] == {"completed": 1, "error": 2, "cancelled": 0, "skipped": 0, "in_flight": 2}
    (message,) = api.get(f"{at}errors/").json()["groups"]
    named = {"group": doubled.pk, "group_name": "out"}
    assert message == {**named, "message": "503 Service Unavailable", "cells": 2}
    slowest = api.get(f"{at}slowest/").json()["cells"]
    assert {cell["row"] for cell in slowest} == {row.pk for row in rows[:4]}
    assert sorted(cell["status"] for cell in slowest) == ["completed", "error", "error", "running"]
    assert all(cell.items() >= named.items() and cell["seconds"] >= 0 for cell in slowest)


def test_what_failed_with_a_message_is_listed_exported_and_run_again(
    api: Api, numbers: Table, doubled: Group, rows: list[Row], failing: Dispatch
) -> None:
    (message,) = api.get(f"dispatches/{failing.pk}/errors/").json()["groups"]
    meant = {"field": f"@{message['group']}.error", "op": "eq", "value": message["message"]}
    page = api.get(f"tables/{numbers.pk}/rows/", {"filter": json.dumps(meant)}).json()
    assert [row["id"] for row in page["results"]] == [row.pk for row in rows[:2]]
    client = APIClient()
    client.force_authenticate(numbers.owner)
    asked = {"format": "csv", "filter": json.dumps(meant)}
    export: Any = client.get(f"/api/v1/tables/{numbers.pk}/export/", asked)
    assert b"".join(export.streaming_content).split() == [b"N,out", b"1,", b"2,"]
    again = start(api, numbers, {"mode": "failed", "groups": [message["group"]], "filter": meant})
    window = hands.admit(Dispatch.objects.get(pk=again["id"]))
    assert window is not None
    assert window.rows == message["cells"] == 2
    cancelled = api.post(f"tables/{numbers.pk}/cancel-runs/", {"filter": {**meant, "op": "is_empty", "value": None}})
    assert cancelled.json()["cancelled"] == 4


def test_the_findings_of_a_dispatch_take_the_same_queries_however_much_it_found(
    api: Api, numbers: Table, doubled: Group
) -> None:
    def queries(dispatch: Dispatch) -> list[int]:
        counted = []
        for name in ("windows", "errors", "slowest"):
            with CaptureQueriesContext(connection) as captured:
                assert api.get(f"dispatches/{dispatch.pk}/{name}/").status_code == 200
            counted.append(len(captured))
        return counted

    def failed(worker: Worker, messages: Iterator[str]) -> Dispatch:
        dispatch = begin(numbers.pk, mode="all")
        while hands.admit(dispatch):
            dispatch.refresh_from_db()
            claimed = hands.claim(worker, dispatch)
            hands.finish([hands.ended(c.lead, Status.ERROR, error=next(messages)) for c in claimed])
        return dispatch

    worker = hands.worker()
    few = queries(failed(worker, itertools.repeat("the same")))
    scenes.add_rows(numbers, 95)
    assert queries(failed(worker, map(str, itertools.count()))) == few


def test_what_failed_runs_again_in_what_is_left_of_the_dispatchs_scope(
    api: Api, api_of: Any, numbers: Table, doubled: Group, rows: list[Row]
) -> None:
    tenfold = scenes.group(numbers, scenes.doubling(numbers), "tenfold")
    some, left_out = [row.pk for row in rows[:3]], rows[4].pk
    named = start(api, numbers, {"groups": [doubled.pk, tenfold.pk], "rows": some})
    open_ended = start(api, numbers, {"groups": [doubled.pk], "exclude_rows": [left_out, some[0]]})
    landed = begin(numbers.pk, groups=[doubled.pk], ranges=[[2, 4]])
    Row.objects.filter(pk=some[0]).delete()
    groups.delete(numbers, tenfold.pk)

    def run_failed(dispatch_id: int, by: Api = api, **more: Any) -> Any:
        return by.post(f"dispatches/{dispatch_id}/run-failed/", **more)

    first = run_failed(named["id"], headers={"Idempotency-Key": "one"})
    assert first.status_code == 202
    made = first.json()
    assert (made["mode"], made["groups"], made["requested_by"]) == ("failed", [doubled.pk], numbers.owner.username)
    assert made["scope"] == {"rows": some[1:], "filter": None, "exclude_rows": []}
    assert run_failed(named["id"], headers={"Idempotency-Key": "one"}).json() == made
    assert run_failed(open_ended["id"]).json()["scope"] == {"rows": None, "filter": None, "exclude_rows": [left_out]}
    assert Dispatch.objects.get(pk=run_failed(landed.pk).json()["id"]).scope["ranges"] == [[2, 4]]
    assert run_failed(named["id"], api_of(UserFactory())).status_code == 404

    groups.delete(numbers, doubled.pk)
    refused = run_failed(named["id"])
    assert (refused.status_code, errors(refused)) == (409, {None: "nothing_left"})


def test_the_findings_of_other_peoples_dispatches_are_not_seen(api: Api, api_of: Any, failing: Dispatch) -> None:
    for name in ("windows", "errors", "slowest"):
        assert api_of(UserFactory()).get(f"dispatches/{failing.pk}/{name}/").status_code == 404
        assert api_of(None).get(f"dispatches/{failing.pk}/{name}/").status_code == 401
        assert api.get(f"dispatches/{failing.pk + 1}/{name}/").status_code == 404
    assert errors(api.get(f"dispatches/{failing.pk}/windows/", {"limit": "x"})) == {"limit": "out_of_range"}
