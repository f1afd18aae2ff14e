"""The pages as the server renders them: states, escaping, access, and how much they ask of the database."""

from __future__ import annotations

import re

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.db.models import Q
from django.db.models.expressions import RawSQL
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from cells import counts
from cells.models import Attempt, Execution, Status, Workflow
from cells.workflows import versions
from dispatch import forecast
from dispatch.models import Dispatch, DispatchStatus, Mode
from tableflow.errors import NotFound
from tableflow.tables import columns, groups, schema
from tableflow.tables.models import Column, Group, Row, Table
from tests import scenes
from tests.factories import TableFactory, UserFactory

pytestmark = pytest.mark.django_db

MOST_QUERIES = 30


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
    """A table with a workflow column `out` that waits for `name`."""
    table = TableFactory.create(owner=user, columns={"name": "text"}, row_count=1)
    work = scenes.workflow(table, [], "{{ inputs.n }}")
    scenes.group(table, work, "out", reads="name", type="text", run_after=["name"])
    Row.objects.create(table=table, position=1, data={"name": "x"})
    return table


def cell(client: Client, table: Table) -> tuple[str, str]:
    """The face and the words of the first row's workflow cell, as the page is told them."""
    (line,) = client.get(f"/tables/{table.pk}/rows/").json()["rows"]
    face = line.get("faces", {}).get("out", {})
    value = line["values"].get("out", "")
    said = [face.get("pill", ""), "Stale" if face.get("stale") else "", value]
    kind = face.get("kind", "value" if value else "blank")
    return kind, " ".join(part for part in (*said, "" if value else face.get("detail", "")) if part)


@pytest.mark.parametrize(
    ("status", "data", "face", "said"),
    [
        (Status.RUNNING, {"name": "x", "out": "old"}, "running", "Running old"),
        (Status.PENDING, {"name": "x", "out": "old"}, "queued", "Queued old"),
        (Status.QUEUED, {"name": "x"}, "queued", "Queued"),
        (Status.PAUSED, {"name": "x"}, "paused", "Paused"),
        (Status.COMPLETED, {"name": "x", "out": "new"}, "value", "new"),
        (Status.COMPLETED, {"name": "x"}, "no-output", "No output"),
        (Status.ERROR, {"name": "x", "out": "old"}, "value", "Error old"),
        (Status.ERROR, {"name": "x"}, "error", "Error it <broke>"),
        (Status.CANCELLED, {"name": "x"}, "cancelled", "Cancelled"),
        (Status.CANCELLED, {}, "waiting", "Waiting for Name"),
        (Status.SKIPPED, {"name": "x"}, "skipped", "Skipped"),
        (None, {}, "waiting", "Waiting for Name"),
        (None, {"name": "x"}, "blank", ""),
        (None, {"name": "x", "out": "typed"}, "value", "typed"),
    ],
)
def test_a_cell_shows_its_effective_state(
    client: Client, table: Table, status: Status | None, data: dict[str, str], face: str, said: str
) -> None:
    row = Row.objects.get()
    Row.objects.update(data=data)
    if status is not None:
        error = "it <broke>" if status == Status.ERROR else None
        Execution.objects.create(row=row, group=Group.objects.get(), position=1, status=status, error=error, attempt=1)
        scenes.settle(Group.objects.get())
    assert cell(client, table) == (face, said)


@pytest.mark.parametrize(
    ("status", "data", "face", "said"),
    [
        (Status.COMPLETED, {"name": "y", "out": "new"}, "value", "Stale new"),
        (Status.COMPLETED, {"name": "y"}, "no-output", "Stale No output"),
        (Status.ERROR, {"name": "y"}, "error", "Error Stale It broke."),
        (Status.SKIPPED, {"name": "y"}, "skipped", "Skipped Stale"),
        (Status.CANCELLED, {"name": "y", "out": "new"}, "value", "Cancelled new"),
        (Status.RUNNING, {"name": "y", "out": "old"}, "running", "Running old"),
    ],
)
def test_a_cell_that_was_made_of_other_values_is_marked_beside_what_it_shows(
    client: Client, table: Table, status: Status, data: dict[str, str], face: str, said: str
) -> None:
    row, group = Row.objects.get(), Group.objects.get()
    error = "It broke." if status == Status.ERROR else None
    Execution.objects.create(row=row, group=group, position=1, status=status, error=error, attempt=1)
    scenes.settle(group)
    assert "Stale" not in cell(client, table)[1]
    Row.objects.update(data=data)
    assert cell(client, table) == (face, said)
    trace = client.get(f"/tables/{table.pk}/rows/{row.pk}/traces/{group.pk}/").text
    assert ("Made of other values than the row has now" in trace) == ("Stale" in said)


def test_a_cell_ahead_of_the_cursor_is_queued_by_rule_and_the_chip_says_queueing(client: Client, table: Table) -> None:
    group = Group.objects.get()
    from dispatch import plan
    from tableflow.tables import schema

    found = schema.load(table.pk)
    Dispatch.objects.create(
        table=table, mode=Mode.ALL, sequence=1, concurrency=1, width=1, requested_at=timezone.now(),
        plan=plan.pin(found, found.groups, mode="all"), scope={"rows": None, "filter": None, "exclude_rows": []},
    )  # fmt: skip
    assert cell(client, table)[0] == "queued"
    assert "Queueing" in client.get(f"/tables/{table.pk}/").text
    assert "data-active" in client.get("/").text
    Dispatch.objects.update(status=DispatchStatus.CANCELLED, finished_at=timezone.now())
    assert cell(client, table)[0] == "blank"
    assert group.pk


def test_data_is_escaped_everywhere(client: Client, user: User) -> None:
    evil = "<img src=x onerror=alert(1)>\"'"
    table = TableFactory.create(owner=user, name=evil, columns={"a": "text", "b": "json", "c": "select"}, row_count=1)
    Column.objects.filter(table=table).update(name=evil)
    scenes.group(table, scenes.workflow(table, [], "{{ inputs.n }}"), "out", reads="a", type="text")
    Group.objects.update(name=evil)
    group = Group.objects.get()
    row = Row.objects.create(table=table, position=1, data={"a": evil, "b": {"k": evil}, "c": evil, "out": evil})
    execution = Execution.objects.create(row=row, group=group, position=1, status=Status.ERROR, error=evil, attempt=1)
    Attempt.objects.create(
        execution=execution, number=1, status=Status.ERROR, error=evil, finished_at=timezone.now(),
        trace=[{"id": evil, "type": evil, "status": "error", "input": evil, "output": {"x": evil}, "error": evil}],
    )  # fmt: skip
    for path in (
        "/",
        f"/tables/{table.pk}/",
        f"/tables/{table.pk}/rows/{row.pk}/traces/{group.pk}/",
    ):
        answer = client.get(path)
        assert answer.status_code == 200, path
        assert "<img src=x" not in answer.text, path
        assert (
            "script-src" in answer["Content-Security-Policy"]
            or "default-src 'self'" in answer["Content-Security-Policy"]
        )
        assert not re.search(r"<[^>]+\son\w+=", answer.text.replace("onerror=alert", "")), path
        assert not re.search(r"<script(?![^>]*\s(?:src=|type=\"application/json\"))", answer.text), path


@pytest.mark.parametrize(
    "path",
    [
        "/tables/{t}/",
        "/tables/{t}/rows/",
        "/tables/{t}/schema/",
        "/tables/{t}/rows/{r}/values/name/",
        "/tables/{t}/rows/{r}/traces/{g}/",
    ],
)
def test_a_stranger_sees_none_of_it(table: Table, path: str) -> None:
    address = path.format(t=table.pk, r=Row.objects.get().pk, g=Group.objects.get().pk)
    anonymous = Client().get(address)
    if path.endswith(("/rows/", "/values/name/", "/schema/")):
        assert anonymous.status_code == 401
    else:
        assert anonymous.status_code == 302
        assert anonymous["Location"].startswith("/login/")
    stranger = Client()
    stranger.force_login(UserFactory.create())
    assert stranger.get(address).status_code == 404


def test_a_form_that_was_not_sent_from_here_is_refused_on_a_page_that_says_what_to_do() -> None:
    answer = Client(enforce_csrf_checks=True).post("/login/", {"username": "ada", "password": "x"})
    assert answer.status_code == 403
    assert "load the page again" in answer.content.decode()


def test_a_table_that_is_deleted_while_it_is_asked_for_is_not_found(
    client: Client, table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(_: int) -> None:
        raise NotFound("There is no such table.")

    monkeypatch.setattr(schema, "load", gone)
    for path in ("", "schema/", "rows/"):
        assert client.get(f"/tables/{table.pk}/{path}").status_code == 404


def test_a_viewer_may_look_but_gets_no_form(table: Table) -> None:
    viewer = UserFactory.create()
    table.members.create(user=viewer, role="viewer")
    client = Client()
    client.force_login(viewer)
    assert 'data-menu="run-menu"' not in client.get(f"/tables/{table.pk}/").text
    assert 'id="workflow-panel"' not in client.get(f"/tables/{table.pk}/").text


def test_what_is_not_there_is_not_found(client: Client, table: Table) -> None:
    row = Row.objects.get().pk
    for path in (
        "/tables/0/",
        f"/tables/{table.pk}/rows/0/values/name/",
        f"/tables/{table.pk}/rows/{row}/traces/0/",
    ):
        assert client.get(path).status_code == 404, path
    assert client.post(f"/tables/{table.pk}/").status_code == 405


def test_a_page_takes_as_many_queries_for_a_hundred_rows_as_for_one(client: Client, table: Table) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as seen:
            assert client.get(f"/tables/{table.pk}/").status_code == 200
        return len(seen)

    group = Group.objects.get()
    Execution.objects.create(row=Row.objects.get(), group=group, position=1, status=Status.ERROR)
    queries()  # the workflow is compiled once, and kept
    few = queries()
    rows = Row.objects.bulk_create(Row(table=table, position=n, data={"name": "x"}) for n in range(2, 120))
    Execution.objects.bulk_create(
        Execution(row=row, group=group, position=row.position, status=Status.ERROR) for row in rows
    )
    Table.objects.update(row_count=119)
    assert queries() <= few <= MOST_QUERIES


def test_what_auto_run_would_start_is_counted_or_said_to_be_too_much(
    client: Client, user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = scenes.table(5)
    Table.objects.update(owner=user)
    group = scenes.group(table, scenes.doubling(table))
    url = f"/tables/{table.pk}/auto-run/"
    assert client.get(url).json() == {"cells": 0, "groups": []}
    assert client.get(f"{url}?group={group.pk}").json() == {"cells": 5, "groups": [group.pk]}
    for_ever = Q(pk__in=RawSQL("SELECT id FROM tables_row CROSS JOIN pg_sleep(30)", []))
    monkeypatch.setattr(forecast.eligibility, "eligible", lambda *_: for_ever)
    monkeypatch.setattr(counts, "SECONDS", 0.01)
    assert client.get(f"{url}?group={group.pk}").json() == {"cells": None, "groups": [group.pk]}


def test_a_value_is_given_in_full(client: Client, table: Table) -> None:
    Row.objects.update(data={"name": "x" * 5000})
    answer = client.get(f"/tables/{table.pk}/rows/{Row.objects.get().pk}/values/name/")
    assert answer.json() == {"value": "x" * 5000}
    assert len(client.get(f"/tables/{table.pk}/rows/").text) < 5000


def test_a_deleted_column_shows_nobody_its_values(client: Client, table: Table) -> None:
    url = f"/tables/{table.pk}/rows/{Row.objects.get().pk}/values/name/"
    assert client.get(url).json() == {"value": "x"}
    groups.delete(table, Group.objects.get().pk)
    columns.delete(table, "name")
    assert client.get(url).status_code == 404


def test_the_shape_of_a_table_tells_when_its_workflow_changed(client: Client, user: User, table: Table) -> None:
    def shape() -> str:
        said: str = client.get(f"/tables/{table.pk}/rows/").json()["shape"]
        assert client.get(f"/tables/{table.pk}/schema/").json()["shape"] == said
        return said

    work = Workflow.objects.get()
    first = shape()
    versions.change(work, user=user, name="Other")
    named = shape()
    versions.change(work, user=user, inputs=["n"], outputs={"out": "{{ inputs.n }}!"})
    assert len({first, named, shape()}) == 3


@pytest.mark.parametrize(
    ("query", "attr"),
    [
        ("filter=nonsense", "filter"),
        ('filter={"field":"gone","op":"eq","value":1}', "filter.field"),
        ("sort=gone", "sort"),
        ("offset=-1", "offset"),
        ("limit=201", "limit"),
        ("search=%00", "search"),
        ('filter={"field":"@GROUP.error","op":"contains","value":"a\\u0000b"}', "filter.value"),
        ('filter={"field":"@GROUP.error","op":"in","value":["\\ud800"]}', "filter.value"),
        (f"filter={'[' * 70_000}", "filter"),
    ],
)
def test_rows_that_are_asked_for_wrongly_are_refused_by_name(
    client: Client, table: Table, query: str, attr: str
) -> None:
    query = query.replace("GROUP", str(Group.objects.get().pk))
    answer = client.get(f"/tables/{table.pk}/rows/?{query}")
    assert answer.status_code == 400
    assert [problem["attr"] for problem in answer.json()["errors"]] == [attr]
    assert client.get(f"/tables/{table.pk}/?{query}").status_code == 200


def test_rows_are_filtered_sorted_searched_and_counted(client: Client, table: Table) -> None:
    Row.objects.bulk_create(Row(table=table, position=n, data={"name": f"n{n}"}) for n in range(2, 7))
    Table.objects.update(row_count=6)

    def names(query: str) -> tuple[int, list[str]]:
        answer = client.get(f"/tables/{table.pk}/rows/?{query}").json()
        return answer["count"], [row["values"]["name"] for row in answer["rows"]]

    assert names("offset=4&limit=1") == (6, ["n5"])
    assert names("sort=-name&limit=2") == (6, ["x", "n6"])
    assert names("search=N3") == (1, ["n3"])
    assert names('filter={"field":"name","op":"starts_with","value":"n"}&limit=1') == (5, ["n2"])
