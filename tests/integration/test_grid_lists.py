"""The lists of runs and of workers as the server renders them, and their buttons without scripts."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from cells.models import Status, Worker
from dispatch.begin import begin
from dispatch.models import Dispatch
from tableflow.embedded import processes
from tableflow.grid.views import runs
from tableflow.tables.models import Group, Member, Table
from tests import hands, scenes
from tests.factories import TableFactory, UserFactory

pytestmark = pytest.mark.django_db

HTMX = {"HX-Request": "true"}


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
    """Five rows of the user's, and a workflow column."""
    return scenes.doubled(user, 5)


def listed(client: Client, query: str = "") -> list[int]:
    """The ids of the runs that the list has, in its order."""
    page = client.get(f"/ui/runs/?{query}").text
    assert client.get(f"/runs/?{query}").text.count('<tr id="run-') == page.count('<tr id="run-')
    return [int(pk) for pk in re.findall(r'<tr id="run-(\d+)"', page)]


def line(client: Client, run: Dispatch) -> str:
    """What stands in the line of a run, in words."""
    page = client.get("/ui/runs/").text
    row = page[page.index(f'<tr id="run-{run.pk}"') :].partition("</tr>")[0]
    return " ".join(re.sub(r"<[^>]+>", " ", row).split())


def failed(table: Table) -> Dispatch:
    """A run of which one cell has failed."""
    run = begin(table.pk, user=table.owner)
    hands.admit(run)
    (claimed,) = hands.claim(hands.worker(), run, 1)
    hands.finish([hands.ended(claimed.lead, Status.ERROR)])
    return run


def test_a_line_says_what_runs_for_whom_and_how_far_it_is(client: Client, user: User, table: Table) -> None:
    Table.objects.filter(pk=table.pk).update(name="Numbers <b>")
    run = begin(table.pk, user=user)
    hands.admit(run)
    (claimed,) = hands.claim(hands.worker(), run, 1)
    hands.finish([hands.ended(claimed.lead, Status.ERROR)])
    Dispatch.objects.filter(pk=run.pk).update(total=5)
    said = line(client, run)
    what = "Numbers &lt;b&gt; Cells that are not completed · out"
    for part in (f"{run.pk} Running", what, "ada", "1 of 5", "Pause Stop Run failed"):
        assert part in said
    assert "It ends in Numbers &lt;b&gt;, out: 4 cells under way, and up to 0 that have not begun." in said


def test_a_list_has_the_runs_that_one_may_see_and_buttons_for_those_that_one_may_change(
    client: Client, user: User, table: Table
) -> None:
    mine, foreign, viewed = table, scenes.table(1), scenes.table(1)
    for other in (foreign, viewed):
        scenes.group(other, scenes.doubling(other))
        Table.objects.filter(pk=other.pk).update(owner=UserFactory())
    Member.objects.create(table=viewed, user=user, role=Member.Role.VIEWER)
    own, hidden, seen = (begin(of.pk) for of in (mine, foreign, viewed))
    assert listed(client) == [seen.pk, own.pk]
    assert "Stop" in line(client, own)
    assert "Stop" not in line(client, seen).partition("It ends in")[0]
    assert client.post(f"/runs/{hidden.pk}/pause/", headers=HTMX).status_code == 404
    assert client.post(f"/runs/{seen.pk}/pause/", headers=HTMX).status_code == 403


def test_each_field_filters_and_the_filter_is_kept_in_the_addresses(client: Client, user: User, table: Table) -> None:
    other = TableFactory.create(owner=user, name="Places", columns={"n": "number"})
    scenes.group(other, scenes.doubling(other))
    first, second, third = begin(table.pk, user=user), begin(other.pk, user=user), begin(other.pk, is_manual=False)
    Dispatch.objects.filter(pk=first.pk).update(status="complete", finished_at=timezone.now())
    Dispatch.objects.filter(pk=second.pk).update(requested_at=timezone.now() - timedelta(days=3))
    day = (timezone.now() - timedelta(days=3)).date()
    assert listed(client, "state=active") == [third.pk, second.pk]
    assert listed(client, "state=complete") == [first.pk]
    assert listed(client, f"table={other.pk}") == [third.pk, second.pk]
    assert listed(client, "person=ada") == [second.pk, first.pk]
    assert listed(client, "person=%28itself%29") == [third.pk]
    assert listed(client, f"from={day}&until={day}") == [second.pk]
    assert listed(client, f"from={day + timedelta(days=1)}&state=&person=") == [third.pk, first.pk]
    assert listed(client, "state=cancelled") == []
    page = client.get(f"/runs/?table={other.pk}&state=active&person=").text
    assert f'name="next" form="acts" value="/runs/?state=active&amp;table={other.pk}"' in page
    assert f'<option value="{other.pk}" selected>Places</option>' in page
    assert '<option value="active" selected>Not ended</option>' in page
    assert '<option value="nobody" selected>nobody</option>' in client.get("/runs/?person=nobody").text


@pytest.mark.parametrize(
    "query",
    ["state=lost", "table=0", "table=x", "table=" + "9" * 30, "person=%00", "from=soon", "until=1-1", "until=%00"],
)
def test_a_field_that_is_not_understood_is_named_and_lists_nothing(client: Client, table: Table, query: str) -> None:
    begin(table.pk)
    assert listed(client, query) == []
    assert f'id="problem-{query.partition("=")[0]}"' in client.get(f"/runs/?{query}").text


def test_a_long_list_is_paged_with_its_filter_in_a_fixed_number_of_queries(
    client: Client, table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin(table.pk)
    with CaptureQueriesContext(connection) as of_one:
        client.get("/ui/runs/")
    made = Dispatch.objects.get()
    Dispatch.objects.bulk_create(
        Dispatch(
            table=table, mode="all", plan=made.plan, status="complete", sequence=made.sequence + n, concurrency=1,
            width=1, requested_at=timezone.now(), finished_at=timezone.now(),
        )
        for n in range(1, 121)
    )  # fmt: skip
    with CaptureQueriesContext(connection) as of_many:
        shown = client.get("/ui/runs/").text.count('<tr id="run-')
    assert (shown, len(of_many)) == (50, len(of_one))
    assert 'href="?page=2"' in client.get("/ui/runs/?state=&table=").text
    page = client.get("/runs/?state=complete&page=2").text
    assert 'href="?state=complete&amp;page=3"' in page
    assert 'value="/runs/?state=complete&amp;page=2"' in page
    assert "Filter for others" not in page
    monkeypatch.setattr(runs, "MOST_RUNS", 100)
    page = client.get("/runs/?page=3").text
    assert "<span>of 2</span>" in page
    assert "The newest 100 are listed. Filter for others." in page


def test_empty_lists_say_what_to_do(client: Client) -> None:
    assert "Nothing has run yet" in client.get("/runs/").text
    assert "No run matches the filter" in client.get("/runs/?state=active").text
    assert "No worker is there" in client.get("/workers/").text


def test_the_pages_are_for_people_who_have_logged_in(table: Table) -> None:
    run = begin(table.pk)
    stranger = Client()
    for path in ("/runs/", "/ui/runs/", "/workers/", "/ui/workers/"):
        assert stranger.get(path).headers["Location"].startswith("/login/?next=")
    assert stranger.post(f"/runs/{run.pk}/stop/").headers["Location"].startswith("/login/?next=")
    assert stranger.post(f"/runs/{run.pk}/stop/", headers=HTMX).headers["HX-Refresh"] == "true"
    assert Dispatch.objects.get().status == "pending"


def test_a_run_is_paused_resumed_and_stopped_by_plain_forms_that_lead_back_to_the_filter(
    client: Client, table: Table
) -> None:
    run = begin(table.pk)
    back = {"next": "/runs/?state=active"}
    answer = client.post(f"/runs/{run.pk}/pause/", back, follow=True)
    assert answer.redirect_chain == [("/runs/?state=active", 302)]
    assert f"Run {run.pk} is paused." in answer.text
    assert Dispatch.objects.get().status == "paused"
    client.post(f"/runs/{run.pk}/resume/", back)
    assert Dispatch.objects.get().status == "pending"
    question = client.post(f"/runs/{run.pk}/stop/", back)
    assert f"Stop run {run.pk}?" in question.text
    assert "It ends in Numbers, out: 0 cells under way, and what has not begun." in question.text
    assert Dispatch.objects.get().status == "pending"
    assert "is stopped" in client.post(f"/runs/{run.pk}/stop/", {**back, "sure": "yes"}, follow=True).text
    assert Dispatch.objects.get().status == "cancelled"
    refused = client.post(f"/runs/{run.pk}/pause/", {"next": "https://example.com/"}, follow=True)
    assert refused.redirect_chain == [("/runs/", 302)]
    assert "nothing left to pause" in refused.text


def test_scripts_are_told_by_events_what_came_of_an_act(client: Client, table: Table) -> None:
    run = begin(table.pk)
    done = client.post(f"/runs/{run.pk}/stop/", headers=HTMX)
    assert done.status_code == 204
    assert "is stopped" in done.headers["HX-Trigger"]
    assert '"refetch"' in done.headers["HX-Trigger"]
    refused = client.post(f"/runs/{run.pk}/resume/", headers=HTMX)
    assert refused.status_code == 409
    assert '"level": "error"' in refused.headers["HX-Trigger"]
    assert client.get(f"/runs/{run.pk}/stop/").status_code == 405


def test_what_failed_runs_again_in_the_same_columns_and_rows(client: Client, table: Table) -> None:
    scenes.group(table, scenes.doubling(table), "other")
    groups = list(Group.objects.order_by("pk"))
    rows = list(table.rows.order_by("position").values_list("pk", flat=True))
    run = begin(table.pk, groups=[groups[0].pk], rows=rows[:2], user=table.owner)
    hands.admit(run)
    claimed = hands.claim(hands.worker(), run, 2)
    hands.finish([hands.ended(one.lead, Status.ERROR) for one in claimed])
    assert "Run failed" in line(client, run)
    table.rows.filter(pk=rows[0]).delete()
    said = client.post(f"/runs/{run.pk}/run-failed/", headers=HTMX)
    assert said.status_code == 204
    made = Dispatch.objects.latest("pk")
    assert said.headers["HX-Trigger"].count(f"/runs/{made.pk}/") == 1
    assert (made.mode, made.is_manual, made.requested_by) == ("failed", True, User.objects.get(username="ada"))
    assert [pinned["id"] for pinned in made.plan] == [groups[0].pk]
    assert made.scope["rows"] == [rows[1]]
    table.rows.all().delete()
    assert client.post(f"/runs/{run.pk}/run-failed/", headers=HTMX).status_code == 409


def process(name: str, **fields: Any) -> Worker:
    """A worker process that is there."""
    now = timezone.now()
    given = {"host": "here", "pid": 7, "queues": ["draws"], "concurrency": 4, "started_at": now, "heartbeat_at": now}
    return Worker.objects.create(name=name, **{**given, **fields})


def test_the_workers_are_listed_with_what_they_are_busy_with_and_how_they_are(
    client: Client, user: User, table: Table
) -> None:
    foreign = TableFactory.create(name="Secret")
    process("one@here.1", busy={str(table.pk): 3, str(foreign.pk): 2})
    process("two@here.2", status=Worker.Status.DRAINING)
    process("three@here.3", heartbeat_at=timezone.now() - timedelta(minutes=2))
    page = client.get("/workers/").text
    for part in ("Numbers (3 rows), 2 rows of other tables", ">Active<", ">Draining<", ">Lost<", "2 min ago", "draws"):
        assert part in page
    assert "Secret" not in page
    assert "formaction" not in page
    User.objects.update(is_staff=True)
    page = client.get("/workers/").text
    assert page.count(">Stop<") == 1
    assert page.count(">Forget<") == 1
    assert "Launch" not in page


def test_staff_stops_and_forgets_workers_and_others_are_refused(client: Client, user: User) -> None:
    process("one@here.1")
    process("two@here.2", status=Worker.Status.LOST)
    assert client.post("/workers/one@here.1/stop/", headers=HTMX).status_code == 403
    assert client.post("/workers/two@here.2/forget/", headers=HTMX).status_code == 403
    User.objects.update(is_staff=True)
    assert "Stop one@here.1?" in client.post("/workers/one@here.1/stop/").text
    assert client.post("/workers/one@here.1/stop/", headers=HTMX).status_code == 204
    assert Worker.objects.get(name="one@here.1").status == "draining"
    assert client.post("/workers/one@here.1/forget/", headers=HTMX).status_code == 409
    assert "alive" in client.post("/workers/one@here.1/forget/", {"next": "/workers/"}, follow=True).text
    assert client.post("/workers/two@here.2/forget/", headers=HTMX).status_code == 204
    assert not Worker.objects.filter(name="two@here.2").exists()
    assert client.post("/workers/nobody.1/stop/", headers=HTMX).status_code == 404
    assert client.post("/workers/launch/", headers=HTMX).status_code == 409


def test_a_worker_can_be_launched_by_staff_where_make_up_runs_the_system(
    client: Client, user: User, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(processes.MARK, str(tmp_path))
    assert "Launch a worker" not in client.get("/workers/").text
    User.objects.update(is_staff=True)
    page = client.get("/workers/").text
    assert 'formaction="/workers/launch/"' in page
    assert "Press <strong>Launch a worker</strong>" in page
    refused = client.post("/workers/launch/", {"next": "/workers/"}, follow=True)
    assert "The supervisor does not answer." in refused.text
