"""The admin: every page opens, with a number of queries that does not grow; the actions are the engine's verbs."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.db import connection
from django.db.models import Model
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from cells.models import Approval, Attempt, Execution, Pause, Status, Worker, Workflow, WorkflowVersion
from dispatch.models import Dispatch, DispatchStatus, Lane, Mode, Window
from tableflow.tables.admin import EXACT_UP_TO, BoundedPaginator
from tableflow.tables.models import Column, Group, Import, Row, Table
from tests.factories import GroupFactory, RowFactory, TableFactory

pytestmark = pytest.mark.django_db

MODELS = (
    Table, Column, Group, Row, Import, Workflow, Worker, Execution, Attempt, Pause, Approval, Dispatch, Lane, Window,
)  # fmt: skip
MOST_QUERIES = 14


@pytest.fixture
def client() -> Client:
    """A client of a superuser."""
    client = Client()
    client.force_login(User.objects.create_superuser("chief"))
    return client


def fill(number: int) -> None:
    """One more of everything."""
    now = timezone.now()
    table = TableFactory.create(columns={"a": "text", "b": "text"})
    workflow = Workflow.objects.create(name=f"Workflow {number}", owner=table.owner)
    WorkflowVersion.objects.create(workflow=workflow, number=1)
    group = GroupFactory.create(table=table, workflow_id=workflow.pk, outputs=[{"from": "out", "column": "b"}])
    row = RowFactory.create(table=table)
    worker = Worker.objects.create(name=f"w{number}", host="h", pid=1, concurrency=1, started_at=now, heartbeat_at=now)
    dispatch = Dispatch.objects.create(
        table=table, mode=Mode.ALL, sequence=number, concurrency=1, width=1, requested_at=now,
        plan=[{"id": group.pk}], scope={"rows": None, "filter": None, "exclude_rows": []},
    )  # fmt: skip
    Lane.objects.create(dispatch=dispatch, number=0, tasks=1, slots=1, lease_until=now)
    window = Window.objects.create(
        dispatch=dispatch, lane=0, rows=1, cells=1, first_position=1, last_position=1, opened_at=now
    )
    execution = Execution.objects.create(
        row=row, group=group, position=1, status=Status.RUNNING, worker=worker, dispatch_id=dispatch.pk,
        window_id=window.pk,
    )  # fmt: skip
    Attempt.objects.create(execution=execution, number=1, status=Status.ERROR, error="<b>no</b>", finished_at=now)
    Import.objects.create(table=table, file_name="<i>.csv", format="csv")
    Pause.objects.create(
        execution=execution, table_id=table.pk, kind="approval", state={"step": "<b>no</b>"}, paused_at=now
    )
    Approval.objects.create(
        execution_id=execution.pk, table_id=table.pk, row_id=row.pk, group_id=group.pk, step="ask", prompt="<b>no</b>",
        fields={"title": "<b>no</b>"}, answered_by=table.owner, asked_at=now,
    )  # fmt: skip


def queries(client: Client, address: str) -> int:
    """How many queries the page takes."""
    with CaptureQueriesContext(
        connection,
    ) as seen:
        answer = client.get(address)
    assert answer.status_code == 200
    assert "<b>no" not in answer.text
    return len(seen)


@pytest.mark.parametrize("model", MODELS)
def test_changelist_takes_as_many_queries_for_many_records_as_for_one(client: Client, model: type[Model]) -> None:
    address = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
    fill(1)
    first = queries(client, address)
    for number in range(2, 12):
        fill(number)
    assert queries(client, address) <= first <= MOST_QUERIES


@pytest.mark.parametrize("model", MODELS)
def test_change_page_opens_in_a_few_queries(client: Client, model: type[Model]) -> None:
    fill(1)
    fill(2)
    record = model._default_manager.order_by("pk")[0]
    address = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_change", args=[record.pk])
    assert queries(client, address) <= MOST_QUERIES


@pytest.mark.parametrize("model", MODELS)
def test_every_model_has_its_page_and_no_full_count(model: type[Model]) -> None:
    assert admin.site.get_model_admin(model).show_full_result_count is False


@pytest.mark.parametrize("model", [Row, Execution, Attempt, Pause, Approval, Window])
def test_hot_tables_are_counted_only_so_far_and_never_changed_by_hand(client: Client, model: type[Model]) -> None:
    page = admin.site.get_model_admin(model)
    assert issubclass(page.paginator, BoundedPaginator)
    fill(1)
    record = model._default_manager.order_by("pk")[0]
    name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
    assert client.post(reverse(f"{name}_change", args=[record.pk]), {}).status_code == 403
    assert client.post(reverse(f"{name}_delete", args=[record.pk]), {"post": "yes"}).status_code == 403
    assert client.get(reverse(f"{name}_add")).status_code == 403


def test_a_large_count_stops_early() -> None:
    table = TableFactory.create()
    Row.objects.bulk_create(Row(table=table, position=n) for n in range(EXACT_UP_TO + 50))
    with CaptureQueriesContext(connection) as seen:
        assert BoundedPaginator(Row.objects.order_by("pk"), 50).count > EXACT_UP_TO
    assert f"LIMIT {EXACT_UP_TO + 1}" in seen[0]["sql"]


def test_an_execution_is_found_by_its_row(client: Client) -> None:
    fill(1)
    fill(2)
    execution = Execution.objects.order_by("pk")[0]
    answer = client.get(reverse("admin:cells_execution_changelist"), {"q": str(execution.row_id)})
    assert {found.row_id for found in answer.context["cl"].result_list} >= {execution.row_id}
    for odd in ("x", "9" * 30, "-1"):
        assert client.get(reverse("admin:cells_execution_changelist"), {"q": odd}).status_code == 200


@pytest.mark.parametrize("state", ["in_flight", "failed"])
def test_executions_are_filtered_by_state(client: Client, state: str) -> None:
    fill(1)
    answer = client.get(reverse("admin:cells_execution_changelist"), {"state": state})
    assert len(answer.context["cl"].result_list) == (1 if state == "in_flight" else 0)


def act(client: Client, page: str, action: str, record: Any) -> None:
    """Choose one record and an action."""
    answer = client.post(reverse(page), {"action": action, "_selected_action": [record.pk]}, follow=True)
    assert answer.status_code == 200


def test_cancel_ends_a_dispatch_and_its_cells(client: Client) -> None:
    fill(1)
    act(client, "admin:dispatch_dispatch_changelist", "cancel", Dispatch.objects.get())
    assert Dispatch.objects.get().status == DispatchStatus.CANCELLED
    assert Execution.objects.get().status == Status.CANCELLED


def test_cancelling_a_complete_dispatch_says_that_it_cannot(client: Client) -> None:
    fill(1)
    Dispatch.objects.update(status=DispatchStatus.COMPLETE, finished_at=timezone.now())
    page = reverse("admin:dispatch_dispatch_changelist")
    chosen = {"action": "cancel", "_selected_action": [Dispatch.objects.get().pk]}
    answer = client.post(page, chosen, follow=True)
    assert "0 cancelled." in answer.text
    assert "complete" in answer.text


@pytest.mark.usefixtures("empty_redis")
def test_runs_are_paused_and_resumed_and_a_reached_cap_is_told(client: Client) -> None:
    fill(1)
    page = "admin:dispatch_dispatch_changelist"
    act(client, page, "pause", Dispatch.objects.get())
    paused = Dispatch.objects.get()
    assert (paused.status, paused.paused_because) == (DispatchStatus.PAUSED, "Paused by chief.")
    assert "Paused by chief." in client.get(reverse(page)).text
    Window.objects.update(error=1)
    Dispatch.objects.update(caps={"errors": 1})
    answer = client.post(reverse(page), {"action": "resume", "_selected_action": [paused.pk]}, follow=True)
    assert "0 resumed." in answer.text
    assert "caps.errors" in answer.text
    Dispatch.objects.update(caps={})
    act(client, page, "resume", paused)
    assert Dispatch.objects.get().status == DispatchStatus.PENDING


@pytest.mark.usefixtures("empty_redis")
def test_requeue_begins_a_dispatch_of_the_same_scope(client: Client) -> None:
    fill(1)
    act(client, "admin:dispatch_dispatch_changelist", "requeue", Dispatch.objects.get())
    again = Dispatch.objects.order_by("-pk")[0]
    assert Dispatch.objects.count() == 2
    assert (again.mode, again.scope["rows"]) == (Mode.ALL, None)


@pytest.mark.usefixtures("empty_redis")
def test_requeue_of_an_execution_begins_a_run_of_that_cell(client: Client) -> None:
    fill(1)
    execution = Execution.objects.get()
    act(client, "admin:cells_execution_changelist", "requeue", execution)
    assert Dispatch.objects.order_by("-pk")[0].scope["rows"] == [execution.row_id]


def test_cancel_of_an_execution_leaves_its_dispatch_active(client: Client) -> None:
    fill(1)
    act(client, "admin:cells_execution_changelist", "cancel", Execution.objects.get())
    assert Execution.objects.get().status == Status.CANCELLED


@pytest.mark.usefixtures("empty_redis")
def test_requeue_stuck_sweeps(client: Client) -> None:
    fill(1)
    Worker.objects.update(heartbeat_at=timezone.now() - timedelta(hours=1))
    answer = client.post(reverse("admin:dispatch_requeue_stuck"), follow=True)
    assert "taken back" in answer.text
    assert Execution.objects.get().status != Status.RUNNING


def test_actions_need_the_change_permission() -> None:
    fill(1)
    clerk = User.objects.create_user("clerk", is_staff=True)
    from django.contrib.auth.models import Permission

    clerk.user_permissions.add(Permission.objects.get(codename="view_dispatch"))
    client = Client()
    client.force_login(clerk)
    for action in ("cancel", "pause", "resume"):
        act(client, "admin:dispatch_dispatch_changelist", action, Dispatch.objects.get())
    client.post(reverse("admin:dispatch_requeue_stuck"))
    assert Dispatch.objects.get().status == DispatchStatus.PENDING
    assert Execution.objects.get().status == Status.RUNNING
