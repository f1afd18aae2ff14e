"""The page of the questions, and the panel of a paused cell, as the server renders them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from cells.models import Approval, WorkflowVersion
from dispatch import bell
from dispatch.begin import begin
from dispatch.resume import answer
from tableflow.tables.models import Group, Member, Table
from tests import hands, scenes, standing
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db
EVIL = "<img src=x onerror=alert(1)>\"'"


@pytest.fixture(autouse=True)
def _silent_bell(monkeypatch: pytest.MonkeyPatch) -> None:
    """No worker listens here."""
    monkeypatch.setattr(bell, "ring", lambda *_: None)


@pytest.fixture
def table() -> Table:
    """Three rows with a workflow column."""
    table = scenes.table(3)
    scenes.group(table, scenes.doubling(table))
    return table


@pytest.fixture
def owner(table: Table) -> User:
    """The table's owner."""
    owner: User = table.owner
    return owner


@pytest.fixture
def client_of() -> Callable[[User], Client]:
    """`client_of(user)`: a client that has logged in."""

    def client(user: User) -> Client:
        made = Client()
        made.force_login(user)
        return made

    return client


@pytest.fixture
def ask(table: Table) -> Callable[..., Approval]:
    """`ask(due_at=None, **question)`: the table's next cell asks."""
    dispatch, worker = begin(table.pk), hands.worker()

    def asked(due_at: Any = None, **question: Any) -> Approval:
        (execution,) = standing.pause(dispatch, worker, "approval", due_at, most=1, step="ask", **question)
        return Approval.objects.get(execution_id=execution)

    return asked


def test_open_questions_have_their_form_and_answered_ones_their_answer(
    client_of: Any, owner: User, ask: Callable[..., Approval]
) -> None:
    client = client_of(owner)
    assert "Nothing waits for an answer" in client.get("/approvals/").text
    asked = ask(prompt="Send it?", fields={"properties": {"why": {"type": "string"}}, "required": ["why"]})
    page = client.get("/approvals/").text
    assert "Send it?" in page
    assert 'name="fields.why"' in page
    assert f'data-api="/api/v1/approvals/{asked.pk}/"' in page
    assert "Nothing has been answered" in client.get("/approvals/answered/").text
    answer(asked, owner, "approved", {"why": "so it is"})
    assert "Send it?" not in client.get("/approvals/").text
    page = client.get("/approvals/answered/").text
    assert "so it is" in page
    assert "by owner" in page
    assert "<form class" not in page.partition("<main")[2]


def test_who_may_only_look_gets_no_form(client_of: Any, table: Table, ask: Callable[..., Approval]) -> None:
    viewer = UserFactory.create(username="bob")
    Member.objects.create(table=table, user=viewer, role="viewer")
    asked = ask(assignees=["eve", "mallory"])
    ask()
    page = client_of(viewer).get("/approvals/").text
    assert "For eve, mallory to answer." in page
    assert "The people who may edit this table can answer." in page
    assert "data-api" not in page
    trace = client_of(viewer).get(f"/tables/{table.pk}/rows/{asked.row_id}/traces/{asked.group_id}/").text
    assert "For eve, mallory to answer." in trace
    assert "data-api" not in trace
    assert "Send it?" not in client_of(UserFactory.create()).get("/approvals/").text


def test_the_page_takes_the_same_queries_for_1_question_and_for_3(
    client_of: Any, owner: User, ask: Callable[..., Approval]
) -> None:
    client = client_of(owner)

    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert client.get("/approvals/").status_code == 200
        return len(captured)

    ask()
    few = queries()
    ask()
    ask()
    assert queries() == few


def test_what_people_wrote_is_escaped(client_of: Any, owner: User, ask: Callable[..., Approval], table: Table) -> None:
    fields = {"properties": {"x": {"title": EVIL, "description": EVIL, "enum": [EVIL]}}}
    asked = ask(prompt=EVIL, fields=fields, assignees=[EVIL, "owner"])
    Group.objects.update(name=EVIL)
    Table.objects.update(name=EVIL)
    client = client_of(owner)
    pages = [client.get("/approvals/").text]
    pages.append(client.get(f"/tables/{table.pk}/rows/{asked.row_id}/traces/{asked.group_id}/").text)
    answer(asked, owner, "rejected", {"x": EVIL})
    pages.append(client.get("/approvals/answered/").text)
    for page in pages:
        assert "<img src=x" not in page
        assert "&lt;img src=x" in page


def test_the_panel_of_a_paused_cell_asks_in_place(client_of: Any, owner: User, ask: Callable[..., Approval]) -> None:
    asked = ask(standing.far_ahead(), given={"double": 2}, prompt="Send it?")
    url = f"/tables/{asked.table_id}/rows/{asked.row_id}/traces/{asked.group_id}/"
    panel = client_of(owner).get(url).text
    assert "Send it?" in panel
    assert f'data-api="/api/v1/approvals/{asked.pk}/"' in panel
    assert "needs an answer by" in panel
    assert panel.index("double") < panel.rindex("ask")
    assert 'data-act="newest-version"' not in panel
    version = WorkflowVersion.objects.get()
    version.pk, version.number = None, 2
    version.save()
    version.workflow.version = 2
    version.workflow.save()
    assert "Use version 2" in client_of(owner).get(url).text
    answer(asked, owner, "approved", None)
    panel = client_of(owner).get(url).text
    assert "data-api" not in panel
    assert 'data-act="newest-version"' not in panel


def test_the_cells_of_a_page_say_what_they_wait_for_in_a_fixed_number_of_queries(
    client_of: Any, owner: User, table: Table
) -> None:
    dispatch, worker = begin(table.pk), hands.worker()
    standing.pause(dispatch, worker, "wait", standing.far_ahead(), most=1)
    client = client_of(owner)

    def page() -> tuple[list[tuple[str, str, str]], int]:
        with CaptureQueriesContext(connection) as captured:
            rows = client.get(f"/tables/{table.pk}/rows/").json()["rows"]
        faces = [face for row in rows for face in row.get("faces", {}).values()]
        return [(face["pill"], face["tone"], face["detail"]) for face in faces if face["kind"] == "paused"], len(
            captured
        )

    ((pill, tone, detail),), few = page()
    assert (pill, tone) == ("Paused", "later")
    assert detail.startswith("waits until")
    standing.pause(dispatch, worker, "approval", most=1)
    (_, asking), again = page()
    assert asking == ("Paused", "paused", "needs an answer")
    assert again == few
