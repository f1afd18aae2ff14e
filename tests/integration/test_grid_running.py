"""What the page of a table asks about its runs: how far its workflow columns are, and why a cell waits."""

from __future__ import annotations

import re
from html import unescape

import pytest
from django.contrib.auth.models import User
from django.test import Client

from cells import counts
from cells.models import Execution, Status
from dispatch import cancel, forecast
from dispatch.begin import begin
from dispatch.models import Dispatch
from tableflow.tables.models import Group, Row, Table
from tests import hands, scenes, standing
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def user() -> User:
    """Whoever looks."""
    return User.objects.create_user("ada")


@pytest.fixture
def client(user: User) -> Client:
    """A client that has logged in."""
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def table(user: User) -> Table:
    """Five rows of the user's, and a workflow column `out`."""
    return scenes.doubled(user, 5)


def why(client: Client, table: Table, position: int, name: str = "out") -> str:
    """What is said of the cell of that row, in one line."""
    row = Row.objects.get(table=table, position=position)
    group = Group.objects.get(table=table, name=name)
    text = client.get(f"/tables/{table.pk}/rows/{row.pk}/why/{group.pk}/").text
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", text)).split())


def test_progress_counts_the_cells_of_every_workflow_column_by_status(client: Client, table: Table) -> None:
    other = scenes.group(table, scenes.doubling(table), "other")
    group = Group.objects.get(name="out")
    statuses = (Status.ERROR, Status.ERROR, Status.RUNNING)
    for row, status in zip(Row.objects.order_by("position"), statuses, strict=False):
        Execution.objects.create(row=row, group=group, position=row.position, status=status)
    answer = client.get(f"/tables/{table.pk}/progress/").json()
    assert answer == {"total": 5, "groups": {str(group.pk): {"error": 2, "running": 1}, str(other.pk): {}}}


def test_what_cannot_be_counted_in_time_is_left_out(
    client: Client, table: Table, user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin(table.pk, user=user)
    for module in (counts, forecast.counts):
        monkeypatch.setattr(module, "in_time", lambda _count: None)
    assert client.get(f"/tables/{table.pk}/progress/").json() == {"total": 5, "groups": {}}
    assert "Very many rows of the run come before it." in why(client, table, 3)


def test_a_queued_cell_names_its_run_and_what_comes_before_it(client: Client, table: Table, user: User) -> None:
    dispatch = begin(table.pk, mode="all", user=user)
    said = why(client, table, 3)
    assert f"It is queued in run {dispatch.pk}, asked for by ada." in said
    assert "No worker is running: nothing goes on until one is." in said
    assert "2 rows of the run come before it." in said
    assert "It is the next row that the run comes to." in why(client, table, 1)
    worker = hands.worker()
    assert "No worker" not in why(client, table, 2)
    hands.admit(dispatch)
    hands.claim(worker, dispatch, 2)
    assert "It is among the next, with 2 cells of the run running and 2 other cells in line." in why(client, table, 3)
    assert why(client, table, 1) == "It is running now."


def test_a_cell_behind_another_of_its_row_says_so(client: Client, table: Table) -> None:
    scenes.group(table, scenes.doubling(table), "other")
    dispatch = begin(table.pk)
    hands.admit(dispatch)
    hands.claim(hands.worker(), dispatch, 1)
    assert "Another workflow column of its row runs first." in why(client, table, 1, "other")


def test_a_run_that_began_by_itself_and_one_that_has_ended(client: Client, table: Table) -> None:
    Group.objects.update(auto_run=True)
    Dispatch.objects.filter(pk=begin(table.pk, mode="new").pk).update(is_manual=False)
    assert "which began by itself." in why(client, table, 1)
    hands.admit(Dispatch.objects.get())
    Dispatch.objects.all().delete()
    assert why(client, table, 1) == "Its run has just ended."


def test_a_cell_that_lacks_values_names_them(client: Client, table: Table) -> None:
    scenes.group(table, scenes.doubling(table), "other", run_after=["n", "out"])
    Row.objects.filter(position=1).update(data={})
    Row.objects.filter(position=2).update(data={"n": 2})
    assert why(client, table, 1, "other").startswith("It runs when N and out have a value in this row.")
    assert why(client, table, 2, "other") == "It runs when out has a value in this row. Go to out"
    assert why(client, table, 2) == "It waits for nothing any more."


def test_a_paused_cell_says_what_it_waits_for(client: Client, table: Table) -> None:
    dispatch = begin(table.pk)
    hands.admit(dispatch)
    worker = hands.worker()
    standing.pause(dispatch, worker, "approval", None, most=1, step="ask", prompt="Shall it?")
    standing.pause(dispatch, worker, "wait", standing.far_ahead(), most=1, step="rest")
    assert why(client, table, 1) == "It is paused: it needs an answer. Show the question"
    assert why(client, table, 2).startswith("It is paused: it waits until")
    cancel.cut(table.pk)
    assert why(client, table, 1) == "It waits for nothing any more."


def test_others_do_not_see_it(client: Client, table: Table) -> None:
    row, group = Row.objects.first(), Group.objects.get()
    assert row is not None
    addresses = [f"/tables/{table.pk}/progress/", f"/tables/{table.pk}/rows/{row.pk}/why/{group.pk}/"]
    assert client.get(f"/tables/{table.pk}/rows/{row.pk}/why/{group.pk + 1}/").status_code == 404
    Table.objects.update(owner=UserFactory())
    assert [client.get(address).status_code for address in addresses] == [404, 404]
