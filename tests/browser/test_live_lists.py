"""The lists of runs and of workers, kept fresh by their streams, in a real browser."""

from __future__ import annotations

import functools
import socket
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import httpx2
import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone
from knox.models import get_token_model
from playwright.sync_api import BrowserType, Locator, Page, Route, expect

from cells.models import Status, Worker
from dispatch.begin import begin
from dispatch.models import Dispatch
from tableflow.tables.models import Table
from tests import hands, parts, scenes
from tests.conftest import Web

pytestmark = pytest.mark.django_db(transaction=True)

Visit = Callable[[str], Page]
BANNER = "#banner"


@pytest.fixture
def table(user: User) -> Table:
    """Five rows of the user's, and a workflow column."""
    return numbers(user)


def numbers(user: User, name: str = "Numbers") -> Table:
    """A table of five rows with a workflow column."""
    made = scenes.table(5, name=name)
    Table.objects.filter(pk=made.pk).update(owner=user)
    scenes.group(made, scenes.doubling(made))
    return made


def begun_over_http(web: Web, user: User, table: Table) -> int:
    """A run of the whole table, asked for by a program."""
    _, token = get_token_model().objects.create(user)
    path = f"{web.url}/api/v1/tables/{table.pk}/dispatches/"
    return int(httpx2.post(path, json={}, headers={"Authorization": f"Bearer {token}"}, timeout=30).json()["id"])


def line(page: Page, run: int) -> Locator:
    """The line of a run."""
    return page.locator(f"#run-{run}")


def mark(page: Page) -> None:
    """Leave a mark in the page that a reload would take away."""
    page.evaluate("window.marked = true")


def is_marked(page: Page) -> bool:
    """Whether the page is still the one that was marked."""
    return bool(page.evaluate("window.marked === true"))


def test_a_run_that_a_program_began_appears_and_goes_on_before_ones_eyes(
    visit: Visit, live_web: Web, user: User, table: Table
) -> None:
    page = visit("/runs/")
    expect(page.get_by_text("Nothing has run yet")).to_be_visible()
    mark(page)
    run = begun_over_http(live_web, user, table)
    expect(line(page, run)).to_contain_text("Queueing")
    expect(page.get_by_text("Nothing has run yet")).to_have_count(0)
    line(page, run).get_by_role("link", name="Open").focus()
    dispatch = Dispatch.objects.get(pk=run)
    hands.admit(dispatch)
    claimed = hands.claim(hands.worker(), dispatch)
    expect(line(page, run)).to_contain_text("Running")
    hands.finish([hands.ended(one.lead, Status.ERROR) for one in claimed[:2]])
    expect(line(page, run)).to_contain_text("2 done")
    expect(line(page, run).get_by_role("button", name="Run failed")).to_be_visible()
    expect(line(page, run).get_by_role("link", name="Open")).to_be_focused()
    assert is_marked(page)
    Table.objects.filter(pk=table.pk).update(name="long " * 10 + "unbroken" * 9)
    for width in (390, 800, 1000, 1250, 1440):
        page.set_viewport_size({"width": width, "height": 600})
        page.reload()
        expect(line(page, run)).to_contain_text("unbroken")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"too wide for {width}"


def test_a_filter_is_in_the_address_and_survives_what_comes(visit: Visit, user: User, table: Table) -> None:
    other = numbers(user, "Places")
    runs = [begin(of.pk, user=user) for of in (table, other)]
    Dispatch.objects.filter(pk=runs[0].pk).update(status="complete", finished_at=timezone.now())
    page = visit("/runs/")
    expect(line(page, runs[0].pk)).to_be_visible()
    mark(page)
    page.get_by_label("State").select_option("Not ended")
    page.get_by_label("Table", exact=True).select_option("Places")
    expect(line(page, runs[0].pk)).to_have_count(0)
    assert page.url.endswith(f"/runs/?state=active&table={other.pk}")
    hidden, shown = begin(table.pk, user=user), begin(other.pk, user=user)
    expect(line(page, shown.pk)).to_be_visible()
    expect(line(page, runs[1].pk)).to_be_visible()
    expect(line(page, hidden.pk)).to_have_count(0)
    assert is_marked(page)
    page.reload()
    expect(page.get_by_label("State")).to_have_value("active")
    expect(page.get_by_label("Table", exact=True)).to_have_value(str(other.pk))
    expect(page.locator("tbody tr")).to_have_count(2)
    page.keyboard.press("Escape")
    line(page, shown.pk).locator("td").first.click()
    page.keyboard.press("ArrowDown")
    expect(line(page, runs[1].pk)).to_be_focused()
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/runs/{runs[1].pk}/")


def test_own_acts_show_what_came_of_them_and_a_refusal_says_why(visit: Visit, user: User, table: Table) -> None:
    run = begin(table.pk, user=user)
    page = visit("/runs/")
    mark(page)
    row = line(page, run.pk)
    row.get_by_role("button", name="Pause").focus()
    page.keyboard.press("Enter")
    expect(row).to_contain_text("Paused")
    expect(page.get_by_role("status").filter(has_text=f"Run {run.pk} is paused.")).to_be_visible()
    expect(row).to_be_focused()
    row.get_by_role("button", name="Resume").click()
    expect(row).to_contain_text("Queueing")
    row.get_by_role("button", name="Stop").click()
    expect(page.get_by_role("dialog")).to_contain_text("It ends in Numbers, out: 0 cells under way")
    page.get_by_role("dialog").get_by_role("button", name="Cancel").click()
    row.get_by_role("button", name="Stop").click()
    page.get_by_role("dialog").get_by_role("button", name="Stop").click()
    expect(row).to_contain_text("Cancelled")
    expect(row.get_by_role("button")).to_have_count(0)
    late = begin(table.pk, user=user)
    expect(line(page, late.pk)).to_be_visible()
    Dispatch.objects.filter(pk=late.pk).update(status="complete", finished_at=timezone.now())
    line(page, late.pk).get_by_role("button", name="Pause").click()
    expect(page.get_by_role("status").filter(has_text="nothing left to pause")).to_be_visible()
    expect(line(page, late.pk)).to_contain_text("Complete")
    assert is_marked(page)


def test_who_has_been_logged_out_is_led_to_the_login_by_the_next_fetch(visit: Visit) -> None:
    page = visit("/runs/?state=active")
    expect(page.get_by_text("No run matches the filter")).to_be_visible()
    Session.objects.all().delete()
    page.get_by_label("State").select_option("Complete")
    page.wait_for_url("**/login/?next=/runs/%3Fstate%3Dcomplete")


def test_without_scripts_links_and_forms_do_the_same(
    visit: Visit, live_web: Web, user: User, table: Table, page: Page
) -> None:
    run = begin(table.pk, user=user)
    visit("/runs/")
    browser = page.context.browser
    assert browser is not None
    with browser.new_context(java_script_enabled=False, storage_state=page.context.storage_state()) as context:
        plain = context.new_page()
        plain.goto(f"{live_web.url}/runs/")
        plain.get_by_label("State").select_option("Not ended")
        plain.get_by_role("button", name="Filter").click()
        line(plain, run.pk).get_by_role("button", name="Pause").click()
        expect(plain.get_by_text(f"Run {run.pk} is paused.")).to_be_visible()
        expect(plain.get_by_label("State")).to_have_value("active")
        line(plain, run.pk).get_by_role("button", name="Stop").click()
        expect(plain.get_by_role("heading", name=f"Stop run {run.pk}?")).to_be_visible()
        plain.get_by_role("button", name="Stop it").click()
        expect(plain.get_by_text("No run matches the filter")).to_be_visible()
        assert Dispatch.objects.get().status == "cancelled"


def test_back_and_forward_leave_no_connection_behind(
    live_web: Web, user: User, table: Table, browser_type: BrowserType, browser_type_launch_args: dict[str, Any]
) -> None:
    # Playwright turns off what keeps a page for a step back; people have it.
    kept = {**browser_type_launch_args, "ignore_default_args": ["--disable-back-forward-cache"]}
    with browser_type.launch(**kept) as browser:
        page = browser.new_page()
        log_in(page, live_web, user)
        page.add_init_script("addEventListener('pageshow', (event) => { window.kept = event.persisted; })")
        lists = [f"/runs/?page={n}" for n in range(1, 7)]
        for path in ("/workers/", f"/tables/{table.pk}/", *lists):
            page.goto(live_web.url + path)
            expect(page.locator("main")).to_be_visible()
        returns = []
        for step in [page.go_back] * 5 + [page.go_forward] * 5:
            step(wait_until="commit")
            returns.append(page.evaluate("window.kept"))
        assert any(returns), "no page was kept: this test shows nothing"
        run = begin(table.pk, user=user)
        expect(line(page, run.pk)).to_be_visible()
        page.goto(f"{live_web.url}/workers/")
        expect(page.get_by_text("No worker is there")).to_be_visible()


def test_a_restart_is_told_while_it_lasts_and_the_list_is_fetched_after_it(
    page: Page, user: User, table: Table, start_part: Callable[..., parts.Part], console: list[str]
) -> None:
    with ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        serve = functools.partial(served, start_part, listener)
        before = serve()
        log_in(page, Web(url, before), user)
        page.goto(f"{url}/runs/")
        expect(page.get_by_text("Nothing has run yet")).to_be_visible()
        mark(page)
        before.terminate()
        expect(page.locator(BANNER)).to_have_text("The server is restarting…")
        before.stop()
        run = begin(table.pk, user=user)
        serve()
        expect(line(page, run.pk)).to_be_visible()
        expect(page.locator(BANNER)).to_be_empty()
        assert is_marked(page)
    console.clear()  # the browser itself says that a stream was cut


def test_a_stream_that_stays_lost_is_told_until_it_is_there(visit: Visit, page: Page, console: list[str]) -> None:
    def cut(route: Route) -> None:
        route.abort()

    page.route("**/ui/sse/**", cut)
    visit("/runs/")
    expect(page.locator(BANNER)).to_contain_text("No connection to the server")
    page.unroute("**/ui/sse/**", cut)
    expect(page.locator(BANNER)).to_be_empty()
    console.clear()  # the browser itself says that a stream could not be had


def test_a_worker_comes_is_stopped_and_leaves(visit: Visit, start_worker: Callable[[], parts.Part]) -> None:
    page = visit("/workers/")
    expect(page.get_by_text("No worker is there")).to_be_visible()
    mark(page)
    part = start_worker()
    name = Worker.objects.get().name
    row = page.get_by_role("row").filter(has_text=name)
    expect(row).to_contain_text("Active")
    row.get_by_role("button", name="Stop").click()
    page.get_by_role("dialog").get_by_role("button", name="Stop").click()
    expect(page.get_by_text("No worker is there")).to_be_visible()
    expect(page.get_by_role("status").filter(has_text=name)).to_be_visible()
    assert part.process.wait(parts.STOP_SECONDS) == 0
    assert is_marked(page)


@pytest.fixture
def start_worker(workers: Any) -> Callable[[], parts.Part]:
    """Starts a real worker."""
    return lambda: workers()[0]


def log_in(page: Page, web: Web, user: User) -> None:
    """Have the browser hold a session of the user's."""
    client = Client()
    client.force_login(user)
    session = client.cookies[settings.SESSION_COOKIE_NAME].value
    page.context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": web.url}])


def served(start: Callable[..., parts.Part], listener: socket.socket) -> parts.Part:
    """A web process on a socket that outlives it, as a supervisor or a proxy keeps one."""
    port = str(listener.getsockname()[1])
    arguments = ["-m", "uvicorn", "tableflow.asgi:application", "--fd", str(listener.fileno()), "--no-access-log"]
    part = start("web", *arguments, fds=(listener.fileno(),), PORT=port)
    parts.wait_ready(part, lambda: httpx2.get(f"http://127.0.0.1:{port}/healthz", timeout=30).is_success)
    return part
