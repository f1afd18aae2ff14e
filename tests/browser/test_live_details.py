"""The pages of one run and of one worker, kept fresh by their streams, in a real browser."""

from __future__ import annotations

import socket
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from playwright.sync_api import Locator, Page, expect

from cells import workers
from cells.lifecycle import Claimed
from cells.models import Status, Worker
from dispatch import pausing
from dispatch.begin import begin
from dispatch.models import Dispatch
from tableflow.embedded import processes
from tableflow.tables.models import Table
from tests import hands, scenes
from tests.conftest import Web

pytestmark = pytest.mark.django_db(transaction=True)

Visit = Callable[[str], Page]
LONG = "\n".join(f"line {number} of a long message" for number in range(60))


@pytest.fixture
def table(user: User) -> Table:
    """Forty rows of the user's, and a workflow column."""
    return scenes.doubled(user, 40)


@pytest.fixture
def worker() -> Worker:
    """A worker on this machine whose lease holds however slow the test is."""
    made = hands.worker("worker-1@here.4711")
    beaten, no_process = timezone.now() + timedelta(hours=1), 2**22
    Worker.objects.filter(pk=made.pk).update(host=socket.gethostname(), pid=no_process, heartbeat_at=beaten)
    return made


def under_way(table: Table, worker: Worker) -> tuple[Dispatch, list[Claimed]]:
    """A run of the whole table, and its cells, which the worker has claimed."""
    run = begin(table.pk, user=table.owner)
    hands.admit(run)
    return run, hands.claim(worker, run)


def fail(cells: list[Claimed], message: str) -> None:
    """Have these cells fail with this message."""
    hands.finish([hands.ended(cell.lead, Status.ERROR, error=message) for cell in cells])


def error(page: Page, start: str) -> Locator:
    """What stands on the page of the cells that failed with the message that begins so."""
    return page.locator("#run-failures > li").filter(has_text=start)


def mark(page: Page) -> None:
    """Leave a mark in the page that a reload would take away."""
    page.evaluate("window.marked = true")


def is_marked(page: Page) -> bool:
    """Whether the page is still the one that was marked."""
    return bool(page.evaluate("window.marked === true"))


def test_a_run_goes_on_before_ones_eyes_and_what_one_reads_stays(visit: Visit, table: Table, worker: Worker) -> None:
    run, cells = under_way(table, worker)
    fail(cells[:2], LONG)
    fail(cells[2:3], "Short.")
    page = visit(f"/runs/{run.pk}/")
    mark(page)
    error(page, "line 0").locator("summary").click()
    expect(page.get_by_text("line 59 of a long message")).to_be_visible()
    error(page, "Short.").get_by_role("button", name="Retry these 1").focus()
    page.evaluate("getSelection().selectAllChildren(document.querySelector('#run-failures pre'))")
    page.evaluate("document.querySelector('main').scrollTo(0, 300)")
    fail(cells[3:4], LONG)
    expect(error(page, "line 0")).to_contain_text("Retry these 3")
    assert page.evaluate("document.querySelector('main').scrollTop") == 300
    assert page.evaluate("getSelection().toString()") == LONG
    expect(page.get_by_text("line 59 of a long message")).to_be_visible()
    expect(error(page, "Short.").get_by_role("button")).to_be_focused()
    fail(cells[4:12], "Short.")
    expect(page.locator("#run-failures > li").first).to_contain_text("9 cells of out")
    expect(error(page, "Short.").get_by_role("button", name="Retry these 9")).to_be_focused()
    expect(page.get_by_text("line 59 of a long message")).to_be_visible()
    hands.finish([hands.ended(cell.lead) for cell in cells[12:]])
    expect(page.locator(".tiles div").filter(has_text="Completed")).to_contain_text("28")
    assert is_marked(page)


def test_the_cells_of_one_error_are_retried_and_the_answer_leads_to_the_new_run(
    visit: Visit, table: Table, worker: Worker
) -> None:
    run, cells = under_way(table, worker)
    fail(cells[:2], "It broke.")
    fail(cells[2:], "Another.")
    page = visit(f"/runs/{run.pk}/")
    mark(page)
    error(page, "It broke.").get_by_role("button").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Retry 2 cells of out?")
    dialog.get_by_role("button", name="Cancel").click()
    assert Dispatch.objects.count() == 1
    error(page, "It broke.").get_by_role("button").click()
    dialog.get_by_role("button", name="Retry these 2").click()
    said = page.get_by_role("status").filter(has_text="retries them")
    expect(said).to_be_visible()
    assert is_marked(page)
    made = Dispatch.objects.latest("pk")
    hands.admit(made)
    assert len(hands.claim(worker, made)) == 2
    said.get_by_role("link").click()
    page.wait_for_url(f"**/runs/{made.pk}/")
    expect(page.get_by_text("Rows where the error of out is “It broke.”")).to_be_visible()


def test_a_run_is_paused_by_key_and_goes_on_when_somebody_else_resumes_it(
    visit: Visit, table: Table, worker: Worker
) -> None:
    run, _ = under_way(table, worker)
    page = visit(f"/runs/{run.pk}/")
    mark(page)
    page.get_by_role("button", name="Pause").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("Paused by ada.")).to_be_visible()
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Resume")).to_be_focused()
    pausing.resume_dispatch(run.pk)
    expect(page.get_by_text("Paused by ada.")).to_have_count(0)
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_role("dialog")).to_contain_text("40 cells under way")
    page.get_by_role("dialog").get_by_role("button", name="Stop").click()
    expect(page.locator(".heading .pill").first).to_have_text("Cancelled")
    expect(page.get_by_role("button", name="Pause")).to_have_count(0)
    assert is_marked(page)


def test_without_scripts_a_run_is_read_retried_and_stopped(
    visit: Visit, live_web: Web, table: Table, worker: Worker, page: Page
) -> None:
    run, cells = under_way(table, worker)
    fail(cells[:2], LONG)
    visit(f"/runs/{run.pk}/")
    browser = page.context.browser
    assert browser is not None
    with browser.new_context(java_script_enabled=False, storage_state=page.context.storage_state()) as context:
        plain = context.new_page()
        plain.goto(f"{live_web.url}/runs/{run.pk}/")
        plain.locator("summary").click()
        expect(plain.get_by_text("line 59 of a long message")).to_be_visible()
        plain.get_by_role("button", name="Retry these 2").click()
        expect(plain.get_by_text("also where it failed in another run.")).to_be_visible()
        plain.get_by_role("button", name="Retry").click()
        expect(plain.get_by_role("link", name="Open it")).to_be_visible()
        assert plain.url == f"{live_web.url}/runs/{run.pk}/"
        plain.get_by_role("button", name="Stop").click()
        plain.get_by_role("button", name="Stop it").click()
        expect(plain.get_by_text(f"Run {run.pk} is stopped.")).to_be_visible()
        plain.get_by_role("link", name="1", exact=True).first.click()
        expect(plain.get_by_role("heading", level=1)).to_have_text("out 1")
        expect(plain.get_by_text("line 59 of a long message").first).to_be_visible()


def test_a_worker_shows_what_it_does_now_and_that_it_has_left(visit: Visit, table: Table, worker: Worker) -> None:
    page = visit(f"/workers/{worker.name}/")
    mark(page)
    expect(page.get_by_text("Nothing at the moment.")).to_be_visible()
    expect(page.get_by_text("Its log is not on this machine.")).to_be_visible()
    under_way(table, worker)
    expect(page.get_by_role("row").filter(has_text="Running")).to_have_count(40)
    hands.lapse(worker)
    workers.lapse()
    expect(page.get_by_role("button", name="Forget")).to_be_visible()
    expect(page.get_by_text("Nothing: it is lost.")).to_be_visible()
    workers.forget(worker.name)
    expect(page.get_by_role("heading", name="This worker has left")).to_be_visible()
    assert is_marked(page)


def test_a_lost_worker_is_forgotten_by_hand(visit: Visit, worker: Worker) -> None:
    hands.lapse(worker)
    page = visit(f"/workers/{worker.name}/")
    page.get_by_role("button", name="Forget").click()
    expect(page.get_by_role("heading", name="This worker has left")).to_be_visible()
    expect(page.get_by_role("status").filter(has_text="is forgotten")).to_be_visible()
    assert not Worker.objects.exists()


def test_a_log_is_followed_while_it_is_seen_and_what_one_reads_stays(
    visit: Visit, start_web: Callable[..., Web], worker: Worker, tmp_path: Path
) -> None:
    file = tmp_path / "logs" / "worker_1.log"
    file.parent.mkdir()
    file.write_text("".join(f"line {number}\n" for number in range(300)))

    def write(line: str) -> None:
        with file.open("a") as log:
            log.write(f"{line}\n")

    # A session is one for all ports of a host: whoever visited one server is known to the other.
    visit("/").clock.install()
    page = visit("/")
    page.goto(start_web(**{processes.MARK: str(tmp_path)}).url + f"/workers/{worker.name}/")
    log, follow = page.get_by_role("log"), page.get_by_role("button", name="Follow")
    expect(log.get_by_text("line 299")).to_be_in_viewport()
    expect(log.locator("p")).to_have_count(200)
    write("one more \x1b[31m<b>red</b>")
    follow.click()
    expect(follow).to_have_text("Following")
    expect(log.get_by_text("one more <b>red</b>")).to_be_in_viewport()
    log.evaluate("log => log.scrollTo(0, 500)")
    write("while somebody reads")
    expect(log.get_by_text("while somebody reads")).to_have_count(1)
    assert log.evaluate("log => log.scrollTop") == 500
    log.evaluate("log => log.scrollTo(0, log.scrollHeight)")
    write("at the end")
    expect(log.get_by_text("at the end")).to_be_in_viewport()
    expect(log.locator("p")).to_have_text(
        [*(f"line {number}" for number in range(100, 300)), "one more <b>red</b>", "while somebody reads", "at the end"]
    )
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if request.url.endswith("/log/") else None)
    page.evaluate("Object.defineProperty(document, 'hidden', {value: true, configurable: true})")
    page.clock.run_for(10_000)
    asked.clear()
    page.clock.run_for(10_000)
    assert asked == []
    page.evaluate("delete document.hidden")
    write("seen again")
    expect(log.get_by_text("seen again")).to_be_in_viewport()
    follow.click()
    expect(follow).to_have_text("Follow")
    page.clock.run_for(10_000)
    asked.clear()
    page.clock.run_for(10_000)
    assert asked == []


def test_a_cell_is_run_again_from_its_own_page_and_watched(visit: Visit, table: Table, worker: Worker) -> None:
    _, cells = under_way(table, worker)
    fail(cells, "It broke.")
    failed = cells[0].lead
    page = visit(f"/tables/{table.pk}/rows/{failed.row_id}/cells/{failed.group_id}/")
    expect(page.get_by_text("It broke.").first).to_be_visible()
    mark(page)
    page.get_by_role("button", name="Run again").click()
    expect(page.locator("[data-in-flight] .pill").first).to_have_text("Pending")
    again = Dispatch.objects.latest("pk")
    hands.admit(again)
    hands.finish([hands.ended(cell.lead, output={"out": 42}) for cell in hands.claim(worker, again)])
    expect(page.locator(".cell-trace .pill").first).to_have_text("Completed")
    expect(page.locator(".cell-trace pre").first).to_have_text("42")
    assert is_marked(page)
