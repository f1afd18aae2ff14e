"""Workers over HTTP: what the list says, who may launch, stop and forget, and what each changes."""

from __future__ import annotations

import socket
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db.models.functions import Now

from cells import workers
from cells.models import Worker
from dispatch.begin import begin
from tableflow.embedded import processes
from tableflow.tables.models import Row, Table
from tests import hands, scenes
from tests.api.conftest import Api, errors
from tests.factories import TableFactory


@pytest.fixture
def boss(db: None, api_of: Callable[[User | None], Api]) -> Api:
    """A client that asks as somebody of the staff."""
    return api_of(User.objects.create_user("boss", is_staff=True))


def listed(api: Api) -> dict[str, dict[str, Any]]:
    """The workers as the list has them, by name."""
    return {worker["name"]: worker for worker in api.get("workers/").json()["results"]}


def test_the_list_says_what_each_worker_is_busy_with(api: Api, people: Table) -> None:
    theirs = TableFactory.create(name="Not mine")
    one = hands.worker("one@here.1")
    one.busy = {str(people.pk): 3, str(theirs.pk): 2}
    one.save()
    seen = listed(api)["one@here.1"]
    assert seen["cells_running"] == 5
    assert seen["tables"] == [{"table": people.pk, "name": "People", "cells": 3}]
    assert seen["queues"] == one.queues
    assert seen["status"] == "active"


def test_listing_costs_the_same_however_many_workers_and_tables(
    api: Api, people: Table, django_assert_num_queries: Any
) -> None:
    for number in range(10):
        worker = hands.worker(f"w{number}")
        worker.busy = {str(TableFactory.create(owner=people.owner).pk): 1}
        worker.save()
    with django_assert_num_queries(3):  # the count, the workers, the names of the tables
        assert len(listed(api)) == 10


def test_a_worker_shows_the_cells_that_it_has_of_tables_that_you_see(api: Api, user: User) -> None:
    worker = hands.worker("one@here.1")
    mine, theirs = scenes.table(2, name="Mine"), scenes.table(2, name="Theirs")
    Table.objects.filter(pk=mine.pk).update(owner=user)
    for table in (mine, theirs):
        scenes.group(table, scenes.doubling(table), "one")
        scenes.group(table, scenes.doubling(table), "two")
        dispatch = begin(table.pk)
        hands.admit(dispatch)
        hands.claim(worker, dispatch, most=1)
    answer = api.get("workers/one@here.1/").json()
    assert (answer["name"], answer["status"]) == ("one@here.1", "active")
    row = Row.objects.filter(table=mine).order_by("position")[0]
    at = {"table": mine.pk, "table_name": "Mine", "row": row.pk}
    first, second = sorted(answer["cells"], key=lambda cell: cell["group_name"])
    assert first.items() >= {**at, "group_name": "one", "status": "running"}.items()
    assert second.items() >= {**at, "group_name": "two", "status": "queued"}.items()
    assert first["started_at"]
    hands.lapse(worker)
    assert api.get("workers/one@here.1/").json()["cells"] == []


def test_looking_at_a_worker_costs_the_same_however_many_cells_it_has(
    api: Api, user: User, django_assert_num_queries: Any
) -> None:
    worker = hands.worker("one")
    for _ in range(3):
        table = scenes.table(4)
        Table.objects.filter(pk=table.pk).update(owner=user)
        scenes.group(table, scenes.doubling(table))
        dispatch = begin(table.pk)
        hands.admit(dispatch)
        hands.claim(worker, dispatch)
    Worker.objects.filter(pk=worker.pk).update(busy={str(table.pk): 4})
    # The worker; the dispatches, their windows, the cells; the names of tables, of workflow columns, of busy tables.
    with django_assert_num_queries(7):
        assert len(api.get("workers/one/").json()["cells"]) == 12


def test_only_staff_reads_logs(api: Api, api_of: Callable[[User | None], Api]) -> None:
    hands.worker("one")
    assert api.get("workers/one/log/").status_code == 403
    assert api_of(None).get("workers/one/log/").status_code == 401


def test_a_log_that_is_elsewhere_is_404_and_says_so(boss: Api) -> None:
    hands.worker("one")
    answer = boss.get("workers/one/log/")
    assert answer.status_code == 404
    assert "not on this machine" in answer.json()["errors"][0]["detail"]
    assert boss.get("workers/nobody/log/").status_code == 404


def test_the_last_lines_of_a_log_are_read(boss: Api, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "worker_2.log").write_text("".join(f"line {n}\n" for n in range(1200)))
    monkeypatch.setenv(processes.MARK, str(tmp_path))
    Worker.objects.filter(pk=hands.worker("worker-2@here.7").pk).update(host=socket.gethostname(), pid=2**22 + 1)
    at = "workers/worker-2@here.7/log/"
    assert boss.get(at).json() == {"lines": [f"line {n}" for n in range(1000, 1200)]}
    assert boss.get(at, {"lines": 2}).json() == {"lines": ["line 1198", "line 1199"]}
    assert len(boss.get(at, {"lines": 1000}).json()["lines"]) == 1000
    for wrong in ("0", "1001", "all", ""):
        assert errors(boss.get(at, {"lines": wrong})) == {"lines": "out_of_range"}


def test_a_worker_whose_lease_ran_out_is_lost_before_the_sweep_has_seen_it(api: Api, people: Table) -> None:
    silent = hands.worker("silent")
    silent.busy = {str(people.pk): 3}
    silent.save()
    hands.lapse(silent)
    seen = listed(api)["silent"]
    assert (seen["status"], seen["cells_running"], seen["tables"]) == ("lost", 0, [])
    assert seen["heartbeat_age_seconds"] > workers.LEASE.total_seconds()


def test_only_staff_changes_workers(api: Api, api_of: Callable[[User | None], Api]) -> None:
    hands.worker("one")
    for ask in (
        lambda client: client.post("workers/"),
        lambda client: client.post("workers/one/stop/"),
        lambda client: client.delete("workers/one/"),
    ):
        assert ask(api).status_code == 403
        assert ask(api_of(None)).status_code == 401
    assert Worker.objects.get().status == "active"


def test_launching_outside_make_up_is_refused_with_the_way_to_do_it(boss: Api) -> None:
    answer = boss.post("workers/")
    assert answer.status_code == 409
    assert errors(answer) == {None: "not_embedded"}
    assert "celery -A tableflow.celery:app worker" in answer.json()["errors"][0]["detail"]


@pytest.mark.parametrize(
    ("body", "attr", "code"), [({"x": 1}, "x", "unknown_field"), ([], None, "invalid"), ("two", None, "invalid")]
)
def test_a_launch_and_a_stop_take_no_field(
    boss: Api, monkeypatch: pytest.MonkeyPatch, body: Any, attr: str | None, code: str
) -> None:
    launched: list[str] = []
    monkeypatch.setattr("tableflow.supervisor.crew.launch", lambda: launched.append("worker") or "worker")
    hands.worker("one")
    for path in ("workers/", "workers/one/stop/"):
        answer = boss.post(path, body)
        assert (answer.status_code, errors(answer)) == (400, {attr: code}), path
    assert not launched
    assert Worker.objects.get().status == "active"
    assert boss.post("workers/", {}).status_code == 202
    assert launched == ["worker"]


def test_stopping_tells_the_worker_through_its_row(boss: Api) -> None:
    hands.worker("one@here.1")
    hands.worker("two@here.2")
    answer = boss.post("workers/one@here.1/stop/")
    assert answer.status_code == 202
    assert (answer.json()["name"], answer.json()["status"]) == ("one@here.1", "draining")
    assert boss.post("workers/one@here.1/stop/").json()["status"] == "draining"
    assert {worker.name: worker.status for worker in Worker.objects.all()} == {
        "one@here.1": "draining",
        "two@here.2": "active",
    }


def test_a_stop_with_a_key_is_answered_twice_alike(boss: Api) -> None:
    hands.worker("one")
    first = boss.post("workers/one/stop/", headers={"Idempotency-Key": "k"})
    Worker.objects.all().delete()
    again = boss.post("workers/one/stop/", headers={"Idempotency-Key": "k"})
    assert (again.status_code, again.json()) == (202, first.json())


def test_a_lost_worker_cannot_be_stopped_and_can_be_forgotten(boss: Api) -> None:
    Worker.objects.filter(pk=hands.worker("marked").pk).update(status=Worker.Status.LOST)
    hands.lapse(hands.worker("silent"))
    for name in ("marked", "silent"):
        assert errors(boss.post(f"workers/{name}/stop/")) == {None: "worker_lost"}
        assert boss.delete(f"workers/{name}/").status_code == 204
        assert boss.delete(f"workers/{name}/").status_code == 404
    assert not Worker.objects.exists()


def test_a_living_worker_is_not_forgotten(boss: Api) -> None:
    hands.worker("one")
    Worker.objects.filter(pk=hands.worker("leaving").pk).update(status=Worker.Status.DRAINING)
    for name in ("one", "leaving"):
        answer = boss.delete(f"workers/{name}/")
        assert answer.status_code == 409
        assert errors(answer) == {None: "worker_alive"}
    assert Worker.objects.count() == 2


def test_an_unknown_worker_is_404(boss: Api) -> None:
    for name in ("nobody", "%00"):
        assert boss.get(f"workers/{name}/").status_code == 404
        assert boss.get(f"workers/{name}/log/").status_code == 404
        assert boss.post(f"workers/{name}/stop/").status_code == 404
        assert boss.delete(f"workers/{name}/").status_code == 404


def test_workers_of_this_machine_that_ended_are_forgotten_and_no_others(db: None) -> None:
    gone, runs, elsewhere = (hands.worker(name) for name in ("gone", "runs", "elsewhere"))
    Worker.objects.filter(pk=gone.pk).update(pid=2)
    Worker.objects.filter(pk=elsewhere.pk).update(pid=2, host="there", heartbeat_at=Now() - timedelta(hours=1))
    workers.forget_ended("here", lambda pid: pid == 1)
    assert set(Worker.objects.values_list("name", flat=True)) == {runs.name, elsewhere.name}
