"""The pages of one run, of one worker and of one cell, as the server renders them; their buttons without scripts."""

from __future__ import annotations

import re
import socket
from datetime import timedelta
from html import escape
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from cells.models import Status, Worker
from dispatch import bell, findings, lifecycle
from dispatch.begin import begin
from dispatch.models import Dispatch, Window
from tableflow.embedded import processes
from tableflow.grid.views import run as run_page
from tableflow.tables.models import Group, Member, Row, Table
from tests import hands, scenes, standing
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db
EVIL = "<img src=x onerror=alert(1)>\"'"
HTMX = {"HX-Request": "true"}


@pytest.fixture(autouse=True)
def _silent_bell(monkeypatch: pytest.MonkeyPatch) -> None:
    """No worker listens here."""
    monkeypatch.setattr(bell, "ring", lambda *_: None)


@pytest.fixture
def user() -> User:
    """Whoever looks: staff, but no superuser."""
    return User.objects.create_user("ada", is_staff=True)


@pytest.fixture
def client(user: User) -> Client:
    """A client that has logged in."""
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def table(user: User) -> Table:
    """Twelve rows of the user's, and a workflow column `out`."""
    return scenes.doubled(user, 12)


@pytest.fixture
def worker() -> Worker:
    """A worker whose name is that of a part of `make up` on this machine. Its lease holds however slow the test is."""
    worker = hands.worker("worker-1@here.4711")
    beaten = timezone.now() + timedelta(hours=1)
    no_process = 2**22
    Worker.objects.filter(pk=worker.pk).update(host=socket.gethostname(), pid=no_process, heartbeat_at=beaten)
    return worker


def work(run: Dispatch, by: Worker, errors: list[str | None]) -> None:
    """Have the run's next cells end: each with one of these errors, or completed."""
    if not Window.objects.filter(dispatch=run).exists():
        hands.admit(run)
    claimed = hands.claim(by, run, len(errors))
    hands.finish(
        [
            hands.ended(row.lead) if error is None else hands.ended(row.lead, Status.ERROR, error=error)
            for row, error in zip(claimed, errors, strict=True)
        ]
    )


def words(markup: str) -> str:
    """What stands on a page, without its tags."""
    return " ".join(re.sub(r"<[^>]+>", " ", markup).split())


def shown(client: Client, path: str) -> str:
    """What stands in the main part of a page."""
    answer = client.get(path)
    assert answer.status_code == 200
    return words(answer.text.partition("<main")[2])


def test_a_run_says_what_was_asked_and_how_far_it_is(client: Client, user: User, table: Table, worker: Worker) -> None:
    group = Group.objects.get()
    asked = {"all": [{"field": "n", "op": "lte", "value": 9}, {"field": f"@{group.pk}", "op": "is_empty"}]}
    gone = Row.objects.order_by("position")[0].pk
    run = begin(table.pk, filter=asked, exclude_rows=[gone], limit=8, caps={"errors": 5}, user=user)
    work(run, worker, [None, None, "It broke."])
    hands.claim(worker, run, 2)
    Dispatch.objects.filter(pk=run.pk).update(total=8)
    page = shown(client, f"/runs/{run.pk}/")
    for said in (
        "Table Numbers",
        "Columns out",
        "What runs Cells that are not completed",
        "Rows where N is at most 9 and the state of out is empty, but for 1 row",
        "Limits Completes after 8 rows Pauses at 5 failed cells",
        "Asked by ada",
        "3 of 8 cells",
        "Completed 2 Failed 1 Skipped 0 Cancelled 0 Running 2 Queued 3",
        "Errors 1 failed cell 1 cell of out It broke. Retry these 1",
        "1 window, the newest first",
        "Pause Stop Run failed",
    ):
        assert said in page
    assert "Resume" not in page


def test_a_run_that_has_not_begun_and_one_of_nobody_have_a_page(client: Client, table: Table) -> None:
    page = shown(client, f"/runs/{begin(table.pk, rows=[Row.objects.all()[0].pk]).pk}/")
    assert "Queueing" in page
    assert "1 named row" in page
    assert "Somebody who is gone" in page
    assert "0 cells done" in page
    for part in ("Errors", "Slowest", "Windows", "Began"):
        assert part not in page
    automatic = begin(table.pk, is_manual=False)
    assert "Runs by itself" in shown(client, f"/runs/{automatic.pk}/")


def test_a_paused_run_says_why_and_what_waits_for_people(client: Client, table: Table, worker: Worker) -> None:
    run = begin(table.pk)
    standing.pause(run, worker, "approval", most=2, step="ask")
    standing.pause(run, worker, "wait", standing.far_ahead(), most=1)
    lifecycle.pause(run.pk, "Paused by <ada>.")
    page = client.get(f"/runs/{run.pk}/").text
    assert "Paused by &lt;ada&gt;." in page
    assert "Wait for people 2 Wait for a time 1" in words(page)
    assert '<dd><a href="/approvals/">2</a></dd>' in page
    assert "Resume Stop" in words(page)


def test_errors_are_grouped_escaped_and_clipped_with_all_of_them_at_hand(
    client: Client, table: Table, worker: Worker
) -> None:
    run = begin(table.pk)
    long = "\n".join(f"line {number}" for number in range(400))
    work(run, worker, [EVIL, EVIL, "\x1b[31mred\x1b[0m \u202egnp.exe\x08", long])
    page = client.get(f"/runs/{run.pk}/").text
    assert escape(EVIL) in page
    assert EVIL not in page
    assert "red gnp.exe" in page
    assert '<span class="message start">line 0\nline 1\nline 2…</span>' in page
    assert "line 399</pre>" in page
    assert words(page).index("2 cells of out") < words(page).index("1 cell of out")


def test_where_not_all_errors_were_looked_at_the_page_says_so(
    client: Client, table: Table, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(findings, "MOST_CELLS", 2)
    monkeypatch.setattr(findings, "MOST_FAILED", 2)
    run = begin(table.pk)
    Dispatch.objects.filter(pk=run.pk).update(width=2)
    run.refresh_from_db()
    for message in ("It broke.", "Older."):
        hands.admit(run)
        failing = [hands.ended(row.lead, Status.ERROR, error=message) for row in hands.claim(worker, run, 2)]
        hands.finish(failing)
    page = shown(client, f"/runs/{run.pk}/")
    assert "2 failed cells that were looked at; there may be more At least 2 cells of out Older. Retry these" in page
    again = begin(table.pk, mode="failed")
    hands.admit(again)
    failing = [hands.ended(row.lead, Status.ERROR, error="Newer.") for row in hands.claim(worker, again, 4)]
    hands.finish(failing)
    page = shown(client, f"/runs/{run.pk}/")
    assert "Errors None in the newest windows that had errors; older ones were not looked at" in page


def test_retry_runs_the_cells_again_that_failed_with_one_error_and_links_to_the_new_run(
    client: Client, user: User, table: Table, worker: Worker
) -> None:
    run = begin(table.pk)
    message = "It broke\r\nat \x1b[31mline\x1b[0m 3."
    work(run, worker, ["Another.", message, message, None])
    group = Group.objects.get()
    wanted = run_page.digest(group.pk, message)
    assert f'value="{wanted}"' in client.get(f"/runs/{run.pk}/").text
    answer = client.post(f"/runs/{run.pk}/retry/", {"error": wanted}, headers=HTMX)
    made = Dispatch.objects.latest("pk")
    assert answer.status_code == 204
    assert f'"href": "/runs/{made.pk}/"' in answer["HX-Trigger"]
    assert (made.mode, made.requested_by) == ("failed", user)
    assert [pinned["id"] for pinned in made.plan] == [group.pk]
    assert made.scope["filter"] == {"field": f"@{group.pk}.error", "op": "eq", "value": message}
    hands.admit(made)
    assert len(hands.claim(worker, made)) == 2


def test_retry_without_scripts_leads_back_and_refuses_in_words(
    client: Client, user: User, table: Table, worker: Worker
) -> None:
    run = begin(table.pk)
    work(run, worker, ["It broke."])
    here = f"/runs/{run.pk}/?page=1"
    wanted = run_page.digest(Group.objects.get().pk, "It broke.")
    asked = client.post(f"/runs/{run.pk}/retry/", {"error": wanted, "next": here})
    assert f"Retry what failed in run {run.pk}?" in asked.text
    assert "also where it failed in another run. The error of out: It broke." in words(asked.text)
    assert f'name="error" value="{wanted}"' in asked.text
    assert Dispatch.objects.count() == 1
    answer = client.post(f"/runs/{run.pk}/retry/", {"error": wanted, "next": here, "sure": "yes"}, follow=True)
    made = Dispatch.objects.latest("pk")
    assert answer.redirect_chain == [(here, 302)]
    assert f'<a href="/runs/{made.pk}/">Open it</a>' in answer.text
    gone = client.post(f"/runs/{run.pk}/retry/", {"error": "nothing", "next": here}, follow=True)
    assert "not among the run&#x27;s errors any more" in gone.text
    Table.objects.update(owner=UserFactory())
    Member.objects.create(table=table, user=user, role=Member.Role.VIEWER)
    assert client.post(f"/runs/{run.pk}/retry/", {"error": wanted}, headers=HTMX).status_code == 403
    page = client.get(f"/runs/{run.pk}/").text
    for button in ("Retry these", "Pause", "Stop", "Run failed"):
        assert f">{button}" not in page
    assert Dispatch.objects.count() == 2


def test_a_run_of_a_table_that_one_may_not_see_is_not_there(client: Client, table: Table) -> None:
    run = begin(table.pk)
    Table.objects.update(owner=UserFactory())
    answer = client.get(f"/runs/{run.pk}/")
    assert answer.status_code == 404
    assert "This run is not here" in answer.text
    assert table.name not in answer.text
    told = client.get(f"/runs/{run.pk}/", headers=HTMX)
    assert told.status_code == 200
    assert re.search(r'<div id="run"[^>]*>\s*<div [^>]*data-gone', told.text)
    refused = client.post(f"/runs/{run.pk}/retry/", {"error": "x"}, headers=HTMX)
    assert refused.status_code == 404
    assert f"There is no run {run.pk}, or not for you." in refused["HX-Trigger"]
    assert client.get(f"/runs/{'9' * 30}/").status_code == 404
    assert Client().get(f"/runs/{run.pk}/")["Location"] == f"/login/?next=/runs/{run.pk}/"


def test_the_open_page_is_given_the_part_that_changes(client: Client, table: Table) -> None:
    run = begin(table.pk)
    whole, part = client.get(f"/runs/{run.pk}/"), client.get(f"/runs/{run.pk}/", headers=HTMX)
    assert part.text.startswith('<div id="run"')
    assert words(part.text) in words(whole.text)
    assert "HX-Request" in whole["Vary"]
    assert f'sse-connect="/ui/sse/dispatches?dispatch={run.pk}"' in whole.text


def test_windows_come_in_pages_the_newest_first(client: Client, table: Table) -> None:
    run = begin(table.pk)
    Dispatch.objects.filter(pk=run.pk).update(width=1)
    run.refresh_from_db()
    blank = {"lane": 1, "rows": 1, "cells": 1, "completed": 1, "first_position": 1, "last_position": 1}
    opened = run.requested_at
    Window.objects.bulk_create(
        Window(dispatch=run, opened_at=opened, closed_at=opened, **blank) for _ in range(run_page.PAGE_WINDOWS + 2)
    )

    def listed(query: str) -> list[int]:
        page = client.get(f"/runs/{run.pk}/{query}").text
        assert f"{run_page.PAGE_WINDOWS + 2} windows" in page
        return [int(pk) for pk in re.findall(r'<tr id="window-(\d+)"', page)]

    newest = list(Window.objects.order_by("-pk").values_list("pk", flat=True))
    assert listed("") == newest[: run_page.PAGE_WINDOWS]
    assert listed("?page=2") == newest[run_page.PAGE_WINDOWS :]


def test_the_slowest_cells_lead_to_their_traces(client: Client, table: Table, worker: Worker) -> None:
    run = begin(table.pk)
    work(run, worker, [None, "It broke."])
    page = client.get(f"/runs/{run.pk}/").text
    group, rows = Group.objects.get(), list(Row.objects.order_by("position"))
    for row in rows[:2]:
        assert f'href="/tables/{table.pk}/rows/{row.pk}/cells/{group.pk}/"' in page
    cell = client.get(f"/tables/{table.pk}/rows/{rows[1].pk}/cells/{group.pk}/").text
    assert "<h1" in cell
    assert "It broke." in cell
    assert 'data-act="run-cell"' in cell
    assert 'data-act="close-trace"' not in cell
    assert f'href="/tables/{table.pk}/"' in cell


def test_a_run_takes_the_same_queries_for_one_error_and_window_and_for_many(
    client: Client, table: Table, worker: Worker
) -> None:
    run = begin(table.pk)

    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert client.get(f"/runs/{run.pk}/").status_code == 200
        return len(captured)

    work(run, worker, ["It broke."])
    few = queries()
    work(run, worker, [f"Error {number}" for number in range(8)])
    blank = {"lane": 1, "rows": 0, "cells": 0, "first_position": 1, "last_position": 1}
    Window.objects.bulk_create(Window(dispatch=run, opened_at=run.requested_at, **blank) for _ in range(9))
    assert queries() == few


def logged(home: Path, lines: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let this process be a part of a `make up` in whose folder the first worker has written this."""
    monkeypatch.setenv(processes.MARK, str(home))
    (home / "logs").mkdir()
    (home / "logs" / "worker_1.log").write_text(lines)


def test_a_worker_says_what_it_is_what_it_does_and_what_it_writes(
    client: Client, table: Table, worker: Worker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    logged(tmp_path, f"first\n{EVIL}\x1b[31m\n{'x' * 5000}\n", monkeypatch)
    run = begin(table.pk)
    hands.admit(run)
    claimed = hands.claim(worker, run, 2)
    page = client.get(f"/workers/{worker.name}/").text
    for said in ("Queues draws, express, tableflow", "Slots 8", "Heartbeat 1 s ago", "Stop", "Numbers 1 out Running"):
        assert said in words(page)
    for row in claimed:
        assert f'href="/tables/{table.pk}/rows/{row.lead.row_id}/cells/{row.lead.group_id}/"' in page
    lines = re.findall(r"<p>(.*?)</p>", page.partition('id="log"')[2].partition("</div>")[0])
    assert lines == ["first", escape(EVIL), f"{'x' * 2000}… [cut]"]
    assert EVIL not in page
    assert client.get(f"/workers/{worker.name}/log/").json() == ["first", EVIL, f"{'x' * 2000}… [cut]"]
    part = client.get(f"/workers/{worker.name}/", headers=HTMX).text
    assert part.startswith('<div id="worker"')
    assert 'id="log"' not in part


def test_a_worker_takes_the_same_queries_for_one_table_and_for_many_and_its_open_page_reads_no_log(
    client: Client, user: User, table: Table, worker: Worker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    logged(tmp_path, "first\n", monkeypatch)

    def fetched() -> tuple[int, str]:
        with CaptureQueriesContext(connection) as captured:
            answer: Any = client.get(f"/workers/{worker.name}/", headers=HTMX)
        assert "lines" not in answer.context
        return len(captured), words(answer.text)

    def claim(of: Table) -> None:
        run = begin(of.pk)
        hands.admit(run)
        hands.claim(worker, run, 1)

    claim(table)
    few, _ = fetched()
    for name in ("Places", "People"):
        other = scenes.table(2)
        Table.objects.filter(pk=other.pk).update(owner=user, name=name)
        scenes.group(other, scenes.doubling(other))
        claim(other)
    many, page = fetched()
    assert many == few
    for said in ("Numbers 1 out", "Places 1 out", "People 1 out"):
        assert said in page


def test_of_a_worker_one_sees_the_cells_of_ones_tables_and_the_log_as_staff(
    client: Client, user: User, table: Table, worker: Worker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    logged(tmp_path, "secret\n", monkeypatch)
    User.objects.update(is_staff=False)
    Table.objects.update(owner=UserFactory(), name="Hidden")
    run = begin(table.pk)
    hands.admit(run)
    hands.claim(worker, run, 2)
    Worker.objects.update(busy={str(table.pk): 2})
    page = client.get(f"/workers/{worker.name}/").text
    assert "None that you may see." in page
    for hidden in ("Hidden", "secret", 'id="log"', "Stop", "Follow"):
        assert hidden not in page
    assert client.get(f"/workers/{worker.name}/log/").status_code == 404


def test_a_log_that_is_elsewhere_is_said_to_be(client: Client, worker: Worker) -> None:
    page = client.get(f"/workers/{worker.name}/").text
    assert "Its log is not on this machine." in page
    assert "Follow" not in page
    assert client.get(f"/workers/{worker.name}/log/").status_code == 404


def test_a_lost_worker_has_no_cells_and_may_be_forgotten(client: Client, table: Table, worker: Worker) -> None:
    run = begin(table.pk)
    hands.admit(run)
    hands.claim(worker, run, 2)
    hands.lapse(worker)
    page = shown(client, f"/workers/{worker.name}/")
    assert "Lost" in page
    assert re.search(r"no sign of life for \d+ s", page)
    assert "Nothing: it is lost." in page
    assert "Forget" in page


def test_of_a_worker_that_has_left_the_page_says_so(client: Client) -> None:
    for name in ("%3Cb%3Egone@x", "%00"):
        answer = client.get(f"/workers/{name}/")
        assert answer.status_code == 404
        assert "This worker has left" in answer.text
    assert client.get("/workers/%00/log/").status_code == 404
    for act in ("stop", "forget"):
        assert client.post(f"/workers/%00/{act}/", headers=HTMX).status_code == 404
    told: Any = client.get("/workers/gone@x/", headers=HTMX)
    assert told.status_code == 200
    assert re.search(r'<div id="worker"[^>]*>\s*<div [^>]*data-gone', told.text)
