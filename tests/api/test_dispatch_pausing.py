"""Pausing, resuming and capping a dispatch over HTTP."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User

from cells.models import Status
from dispatch import bell
from dispatch.models import Dispatch, DispatchStatus
from tableflow.tables.models import Group, Member, Row, Table
from tests import hands, scenes
from tests.api.conftest import Api, errors
from tests.factories import UserFactory

CAPS = {"rows": 3, "errors": 2, "error_share": 0.5, "minutes": 1.5}


@pytest.fixture
def numbers(user: User) -> Table:
    """Five rows of the user's, with the number `n` and a workflow column that doubles it."""
    table = scenes.table(5)
    table.owner = user
    table.save()
    scenes.group(table, scenes.doubling(table))
    return table


def start(api: Api, table: Table, body: Any = None) -> dict[str, Any]:
    response = api.post(f"tables/{table.pk}/dispatches/", body or {})
    assert response.status_code == 202, response.content
    answer: dict[str, Any] = response.json()
    return answer


def do(api: Api, made: dict[str, Any], verb: str, **extra: Any) -> Any:
    return api.post(f"dispatches/{made['id']}/{verb}/", **extra)


def admitted(api: Api, table: Table, body: Any = None) -> tuple[dict[str, Any], Dispatch]:
    made = start(api, table, body)
    dispatch = Dispatch.objects.get(pk=made["id"])
    hands.admit(dispatch)
    return made, dispatch


def fail(dispatch: Dispatch, cells: int) -> None:
    """Let so many stamped cells of a dispatch end in errors."""
    claimed = hands.claim(hands.worker(), dispatch, cells)
    assert len(claimed) == cells
    hands.finish([hands.ended(cell.lead, Status.ERROR) for cell in claimed])


def test_a_dispatch_is_paused_and_resumed_and_either_may_be_asked_twice(api: Api, user: User, numbers: Table) -> None:
    made, _ = admitted(api, numbers)
    for _ in range(2):
        paused = do(api, made, "pause").json()
        assert paused["status"] == "paused"
        assert paused["paused_because"] == f"Paused by {user.get_username()}."
    assert [d["id"] for d in api.get("dispatches/", {"status": "active"}).json()["results"]] == [made["id"]]
    for _ in range(2):
        resumed = do(api, made, "resume").json()
        assert (resumed["status"], resumed["paused_because"]) == ("dispatching", None)


def test_a_dispatch_that_has_not_started_is_pending_again_when_it_is_resumed(api: Api, numbers: Table) -> None:
    made = start(api, numbers)
    assert do(api, made, "pause").json()["started_at"] is None
    resumed = do(api, made, "resume").json()
    assert (resumed["status"], resumed["started_at"]) == ("pending", None)


@pytest.mark.parametrize("verb", ["pause", "resume"])
@pytest.mark.parametrize("status", ["complete", "cancelled"])
def test_a_dispatch_that_has_ended_is_neither_paused_nor_resumed(
    api: Api, numbers: Table, verb: str, status: str
) -> None:
    made = start(api, numbers)
    Dispatch.objects.update(status=status, finished_at=Dispatch.objects.get().requested_at)
    response = do(api, made, verb)
    assert response.status_code == 409
    assert errors(response) == {None: "already_ended"}
    assert status in response.json()["errors"][0]["detail"]
    assert api.get(f"dispatches/{made['id']}/").json()["status"] == status


@pytest.mark.parametrize("verb", ["pause", "resume"])
def test_only_who_may_change_the_table_pauses_and_resumes(api_of: Any, api: Api, numbers: Table, verb: str) -> None:
    made = start(api, numbers)
    assert do(api_of(UserFactory()), made, verb).status_code == 404
    viewer = UserFactory()
    Member.objects.create(table=numbers, user=viewer, role=Member.Role.VIEWER)
    assert do(api_of(viewer), made, verb).status_code == 403
    assert api_of(viewer).patch(f"dispatches/{made['id']}/", {"caps": {"rows": 1}}).status_code == 403
    assert do(api_of(None), made, verb).status_code == 401
    assert do(api, {"id": 10**9}, verb).status_code == 404
    assert Dispatch.objects.get().status == DispatchStatus.PENDING


def test_all_runs_of_a_table_are_paused_and_resumed_by_one_request(api: Api, user: User, numbers: Table) -> None:
    scenes.group(numbers, scenes.doubling(numbers), "again")
    one, two = Group.objects.order_by("pk").values_list("pk", flat=True)
    of_one, of_two = (start(api, numbers, {"groups": [group]})["id"] for group in (one, two))
    url = f"tables/{numbers.pk}/"
    assert api.post(f"{url}pause-runs/", {"groups": [two]}).json() == {"paused": [of_two]}
    assert api.post(f"{url}pause-runs/").json() == {"paused": [of_one]}
    assert api.post(f"{url}pause-runs/").json() == {"paused": []}
    assert set(Dispatch.objects.values_list("paused_because", flat=True)) == {f"Paused by {user.get_username()}."}
    assert api.post(f"{url}resume-runs/", {"groups": [one]}).json() == {"resumed": [of_one], "refused": []}
    assert api.post(f"{url}resume-runs/").json() == {"resumed": [of_two], "refused": []}
    assert set(Dispatch.objects.values_list("status", flat=True)) == {DispatchStatus.PENDING}


def test_a_run_with_a_reached_cap_stays_paused_and_the_others_go_on(api: Api, numbers: Table) -> None:
    scenes.group(numbers, scenes.doubling(numbers), "again")
    one, two = Group.objects.order_by("pk").values_list("pk", flat=True)
    capped, dispatch = admitted(api, numbers, {"groups": [one], "caps": {"errors": 2}})
    fail(dispatch, 2)
    free = start(api, numbers, {"groups": [two]})
    url = f"tables/{numbers.pk}/"
    assert api.post(f"{url}pause-runs/").json() == {"paused": [capped["id"], free["id"]]}
    found = api.post(f"{url}resume-runs/").json()
    assert found["resumed"] == [free["id"]]
    (refused,) = found["refused"]
    assert refused["dispatch"] == capped["id"]
    assert "caps.errors" in refused["detail"]
    assert Dispatch.objects.get(pk=capped["id"]).status == DispatchStatus.PAUSED


@pytest.mark.parametrize("verb", ["pause", "resume"])
def test_only_who_may_change_the_table_pauses_and_resumes_all_of_it(
    api_of: Any, api: Api, numbers: Table, verb: str
) -> None:
    start(api, numbers)
    url = f"tables/{numbers.pk}/{verb}-runs/"
    assert api_of(UserFactory()).post(url).status_code == 404
    viewer = UserFactory()
    Member.objects.create(table=numbers, user=viewer, role=Member.Role.VIEWER)
    assert api_of(viewer).post(url).status_code == 403
    assert errors(api.post(url, {"groups": [10**6]})) == {"groups": "unknown_group"}
    assert errors(api.post(url, {"groups": []})) == {"groups": "empty"}
    assert Dispatch.objects.get().status == DispatchStatus.PENDING


@pytest.mark.django_db(transaction=True)
def test_resuming_rings_each_lane_once_however_often_a_key_is_sent(
    api: Api, numbers: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, dispatch = admitted(api, numbers)
    do(api, made, "pause")
    rung: list[Any] = []
    monkeypatch.setattr(bell, "_send", lambda messages, _: rung.extend(messages))
    first = do(api, made, "resume", HTTP_IDEMPOTENCY_KEY="again")
    assert len(rung) == dispatch.lanes.count() > 1
    do(api, made, "pause")
    second = do(api, made, "resume", HTTP_IDEMPOTENCY_KEY="again")
    assert second.json() == first.json()
    assert Dispatch.objects.get().status == DispatchStatus.PAUSED
    assert len(rung) == dispatch.lanes.count()


def test_what_lies_ahead_of_a_paused_dispatch_still_shows_as_pending(api: Api, numbers: Table) -> None:
    made, dispatch = admitted(api, numbers, {"caps": {"rows": 2}})
    claimed = hands.claim(hands.worker(), dispatch)
    hands.finish([hands.ended(cell.lead) for cell in claimed])
    assert do(api, made, "pause").json()["eta_seconds"] is None
    rows = api.get(f"tables/{numbers.pk}/rows/").json()["results"]
    shown = [execution["status"] for row in rows for execution in row["executions"].values()]
    assert shown == ["completed", "completed", "pending", "pending", "pending"]


def test_caps_are_kept_and_answered(api: Api, numbers: Table) -> None:
    assert start(api, numbers)["caps"] == {}
    made = start(api, numbers, {"caps": CAPS})
    assert made["caps"] == CAPS
    assert api.get(f"dispatches/{made['id']}/").json()["caps"] == CAPS
    assert start(api, numbers, {"caps": None})["caps"] == {}
    assert start(api, numbers, {"caps": {**CAPS, "rows": None}})["caps"] == {
        k: v for k, v in CAPS.items() if k != "rows"
    }


def test_caps_are_changed_one_by_one(api: Api, numbers: Table) -> None:
    url = f"dispatches/{start(api, numbers, {'caps': CAPS})['id']}/"
    assert api.patch(url, {"caps": {"rows": 9}}).json()["caps"] == {**CAPS, "rows": 9}
    changed = api.patch(url, {"caps": {"minutes": None, "errors": 7}}).json()
    assert changed["caps"] == {"rows": 9, "errors": 7, "error_share": 0.5}
    assert api.patch(url, {"caps": {}}).json()["caps"] == changed["caps"]
    assert api.patch(url, {"caps": None}).json()["caps"] == {}


BAD_CAPS = [
    ({"rows": 0}, "caps.rows"),
    ({"rows": -1}, "caps.rows"),
    ({"rows": 1.5}, "caps.rows"),
    ({"rows": "3"}, "caps.rows"),
    ({"rows": True}, "caps.rows"),
    ({"rows": 10**30}, "caps.rows"),
    ({"errors": 0}, "caps.errors"),
    ({"error_share": 0}, "caps.error_share"),
    ({"error_share": -0.1}, "caps.error_share"),
    ({"error_share": 1.01}, "caps.error_share"),
    ({"error_share": "half"}, "caps.error_share"),
    ({"minutes": 0}, "caps.minutes"),
    ({"minutes": 10**30}, "caps.minutes"),
    ({"minutes": [1]}, "caps.minutes"),
    ({"cells": 3}, "caps.cells"),
    (5, "caps"),
    ([], "caps"),
]


@pytest.mark.parametrize(("caps", "attr"), BAD_CAPS)
def test_a_bad_cap_is_refused_by_its_name_and_nothing_starts_or_changes(
    api: Api, numbers: Table, caps: Any, attr: str
) -> None:
    refused = api.post(f"tables/{numbers.pk}/dispatches/", {"caps": caps})
    assert refused.status_code == 400, refused.content
    assert attr in errors(refused), errors(refused)
    assert not Dispatch.objects.exists()
    url = f"dispatches/{start(api, numbers, {'caps': CAPS})['id']}/"
    refused = api.patch(url, {"caps": caps})
    assert refused.status_code == 400, refused.content
    assert attr in errors(refused), errors(refused)
    assert api.get(url).json()["caps"] == CAPS


def test_nothing_but_caps_is_changed_of_a_dispatch(api: Api, numbers: Table) -> None:
    url = f"dispatches/{start(api, numbers)['id']}/"
    assert errors(api.patch(url, {"caps": {}, "mode": "all"})) == {"mode": "unknown_field"}
    assert errors(api.patch(url, {})) == {"caps": "required"}


def test_caps_of_a_dispatch_that_has_ended_do_not_change(api: Api, numbers: Table) -> None:
    made = start(api, numbers, {"caps": CAPS})
    do(api, made, "cancel")
    response = api.patch(f"dispatches/{made['id']}/", {"caps": {"rows": 1}})
    assert response.status_code == 409
    assert errors(response) == {None: "already_ended"}
    assert Dispatch.objects.get().caps == CAPS


def test_a_reached_cap_has_to_be_raised_before_the_dispatch_is_resumed(api: Api, numbers: Table) -> None:
    made, dispatch = admitted(api, numbers, {"caps": {"errors": 2}})
    fail(dispatch, 3)
    do(api, made, "pause")
    refused = do(api, made, "resume")
    assert refused.status_code == 409
    assert errors(refused) == {None: "cap_reached"}
    assert "caps.errors" in refused.json()["errors"][0]["detail"]
    api.patch(f"dispatches/{made['id']}/", {"caps": {"errors": 3}})
    assert do(api, made, "resume").status_code == 409
    api.patch(f"dispatches/{made['id']}/", {"caps": {"errors": 4}})
    assert do(api, made, "resume").json()["status"] == "dispatching"


@pytest.mark.parametrize("attr", ["rows", "groups"])
def test_a_cancel_of_what_is_not_there_is_refused_by_its_place(api: Api, numbers: Table, attr: str) -> None:
    made = start(api, numbers)
    other = scenes.table(1)
    scenes.group(other, scenes.doubling(other))
    strange = {"rows": Row.objects.get(table=other).pk, "groups": Group.objects.get(table=other).pk}[attr]
    known = {"rows": Row.objects.filter(table=numbers), "groups": Group.objects.filter(table=numbers)}[attr]
    ids = [*known.values_list("pk", flat=True)[:1], strange]
    response = api.post(f"tables/{numbers.pk}/cancel-runs/", {attr: ids})
    assert response.status_code == 400
    assert set(errors(response)) <= {"rows.1", "groups"}
    response = api.post(f"tables/{numbers.pk}/cancel-runs/", {attr: []})
    assert errors(response) == {attr: "empty"}
    assert Dispatch.objects.get(pk=made["id"]).exclusions == []
