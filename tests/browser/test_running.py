"""Running from the page of a table: menus, keys, the gutter, the bar of a selection, the chip, the bars in heads."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Locator, Page, Request, Route, expect

from cells.models import Execution, Status
from dispatch import cancel, pausing, waiting
from dispatch.begin import begin
from dispatch.models import Dispatch
from tableflow.tables import rows
from tableflow.tables.models import Group, Member, Row, Table
from tests import hands, scenes, standing
from tests.browser.grid import cell, row, select
from tests.factories import UserFactory

Visit = Callable[[str], Page]
Posted = list[tuple[str, Any]]
ENDS = {1: Status.COMPLETED, 2: Status.COMPLETED, 3: Status.ERROR, 4: Status.CANCELLED}


@pytest.fixture
def table(user: User) -> Table:
    """Twelve rows: two with a value, one of them stale, then one that failed and one that was cancelled."""
    made = scenes.doubled(user, 12)
    group = made.groups.get()
    for found in Row.objects.filter(table=made, position__lte=len(ENDS)):
        status = ENDS[int(found.position)]
        Execution.objects.create(
            row=found, group=group, position=found.position, status=status, attempt=1, error="It <broke>."
        )
        if status == Status.COMPLETED:
            data = {**found.data, "out": found.data["n"] * 2}
            Row.objects.filter(pk=found.pk).update(done=1, data=data)
    scenes.settle(group)
    Row.objects.filter(table=made, position=2).update(data={"n": 7, "out": 4})
    return made


@pytest.fixture
def posted(page: Page) -> Posted:
    """What the page asked the API to do: the address within the table, and the body."""
    found: Posted = []

    def heard(request: Request) -> None:
        if request.method != "GET" and "/api/v1/" in request.url:
            found.append((re.sub(r".*/api/v1/(tables/\d+/)?", "", request.url), request.post_data_json))

    page.on("request", heard)
    return found


def ids(table: Table, *positions: int) -> list[int]:
    """The ids of the rows at these positions."""
    found = dict(Row.objects.filter(table=table).values_list("position", "pk"))
    return [found[position] for position in positions]


def choices(page: Page) -> list[str]:
    """What the open menu offers, in its order."""
    return page.get_by_role("menuitem").all_text_contents()


def toast(page: Page, text: str) -> Locator:
    """What the page says in passing."""
    return page.get_by_role("status").filter(has_text=text)


def hold(page: Page, address: str) -> list[Route]:
    """Requests to this address wait from now on, until the test lets them go."""
    held: list[Route] = []

    def wait(route: Route) -> None:
        held.append(route)

    page.route(address, wait)
    return held


def test_the_menu_says_what_it_touches_and_each_choice_is_one_request(
    visit: Visit, table: Table, posted: Posted
) -> None:
    page = visit(f"/tables/{table.pk}/")
    head = page.get_by_role("button", name="Run out")
    head.click()
    expect(page.get_by_role("menuitem", name="Run 1 failed")).to_be_visible()
    assert choices(page)[:8] == [
        "Run selected",
        "Run empty and failed",
        "Run 1 failed",
        "Run 1 stale",
        "Run first 10",
        "Run all…",
        "Pause",
        "Stop",
    ]
    for name in ("Run selected", "Pause", "Stop"):
        expect(page.get_by_role("menuitem", name=name, exact=True), name).to_have_attribute("aria-disabled", "true")
    page.keyboard.press("Escape")
    group = table.groups.get().pk
    for name, body in {
        "Run empty and failed": {"mode": "incomplete"},
        "Run 1 failed": {"mode": "failed"},
        "Run 1 stale": {"mode": "stale"},
        "Run first 10": {"mode": "incomplete", "limit": {"type": "rows", "max": 10}},
    }.items():
        head.click()
        with page.expect_response("**/dispatches/"):
            page.get_by_role("menuitem", name=name).click()
        assert posted == [("dispatches/", {"groups": [group], **body})], name
        posted.clear()
        cancel.cut(table.pk)

    head.click()
    page.get_by_role("menuitem", name="Run all…").click()
    expect(page.get_by_role("heading", name="Run 12 cells?")).to_be_visible()
    with page.expect_response("**/dispatches/"):
        page.get_by_role("button", name="Run 12 cells").click()
    assert posted == [("dispatches/", {"groups": [group], "mode": "all"})]

    cell(page, 5, "N").click()
    page.keyboard.press("Alt+Shift+ArrowDown")
    expect(page.get_by_role("menu", name="Run")).to_be_hidden()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Alt+Shift+ArrowDown")
    expect(page.get_by_role("menuitem", name="Run selected (1)")).to_be_focused()


def test_under_a_filter_the_menu_means_what_is_shown(visit: Visit, table: Table, posted: Posted) -> None:
    shown = {"field": "n", "op": "gt", "value": 8}
    page = visit(f"/tables/{table.pk}/?{urlencode({'filter': json.dumps(shown), 'search': '1'})}")
    run = page.get_by_role("button", name="Run", exact=True)
    expect(row(page, 3)).to_be_visible()
    expect(row(page, 4)).to_have_count(0)
    run.click()
    assert choices(page)[1:8] == [
        "Run empty and failed in 3 filtered rows",
        "Run failed in 3 filtered rows",
        "Run stale in 3 filtered rows",
        "Run first 10 filtered rows",
        "Run all 3 filtered rows…",
        "Pause",
        "Stop in 3 filtered rows",
    ]
    with page.expect_response("**/dispatches/"):
        page.get_by_role("menuitem", name="Run empty and failed in 3 filtered rows").click()
    named = {"filter": {"all": [shown, {"field": "*", "op": "contains", "value": "1"}]}}
    (group,) = table.groups.values_list("pk", flat=True)
    assert posted.pop() == ("dispatches/", {"groups": [group], "mode": "incomplete", **named})

    page.get_by_role("button", name="Choose all rows").click()
    row(page, 1).get_by_role("rowheader").click()
    run.click()
    expect(page.get_by_role("menuitem", name="Run selected (2)")).to_be_visible()
    with page.expect_response("**/cancel-runs/"):
        page.get_by_role("menuitem", name="Stop in 2 selected rows").click()
    (left_out,) = ids(table, 10)
    assert posted == [("cancel-runs/", {"groups": [group], **named, "exclude_rows": [left_out]})]


def test_rows_are_chosen_by_key_and_pointer_and_run_by_the_bar_of_the_selection(
    visit: Visit, table: Table, posted: Posted
) -> None:
    page = visit(f"/tables/{table.pk}/")
    bar = page.get_by_role("toolbar", name="Selection")
    expect(bar).to_be_hidden()
    cell(page, 2, "N").click()
    page.keyboard.press("Shift+Space")
    row(page, 4).get_by_role("rowheader").click()
    expect(bar).to_contain_text("Selected 2 rows")
    expect(bar.get_by_role("button", name="Stop")).to_have_attribute("aria-disabled", "true")
    group = table.groups.get().pk
    with page.expect_response("**/dispatches/"):
        bar.get_by_role("button", name="Run empty and failed").click()
    chosen = ids(table, 2, 4)
    assert posted.pop() == ("dispatches/", {"groups": [group], "mode": "incomplete", "rows": chosen})
    cancel.cut(table.pk)
    page.get_by_role("button", name="Run", exact=True).click()
    with page.expect_response("**/dispatches/"):
        page.get_by_role("menuitem", name="Run selected (2)").click()
    assert posted.pop() == ("dispatches/", {"groups": [group], "mode": "all", "rows": chosen})
    with page.expect_response("**/cancel-runs/"):
        bar.get_by_role("button", name="Stop").click()
    assert posted.pop() == ("cancel-runs/", {"groups": [group], "rows": chosen})
    bar.get_by_role("button", name="Clear selection").click()
    expect(bar).to_be_hidden()

    choose_all = page.get_by_role("button", name="Choose all rows")
    expect(choose_all).to_have_attribute("aria-pressed", "false")
    choose_all.click()
    expect(bar).to_contain_text("Selected 12 rows")
    expect(choose_all).to_have_attribute("aria-pressed", "true")
    row(page, 1).get_by_role("rowheader").click()
    expect(bar).to_contain_text("Selected 11 rows")
    expect(choose_all).to_have_attribute("aria-pressed", "mixed")
    with page.expect_response("**/dispatches/"):
        bar.get_by_role("button", name="Re-run").click()
    assert posted.pop() == ("dispatches/", {"groups": [group], "mode": "all", "exclude_rows": ids(table, 1)})
    cell(page, 1, "N").click()
    page.keyboard.press("Escape")
    expect(bar).to_be_hidden()
    assert posted == []


def test_a_range_of_workflow_cells_is_run_by_the_bar_and_by_its_key(visit: Visit, table: Table, posted: Posted) -> None:
    scenes.group(table, scenes.doubling(table), "other")
    group = Group.objects.get(name="out").pk
    page = visit(f"/tables/{table.pk}/")
    bar = page.get_by_role("toolbar", name="Selection")
    select(page, (3, "N"), (5, "out"))
    expect(bar).to_contain_text("Selected 3 workflow cells")
    page.keyboard.press("ControlOrMeta+Enter")
    expect(cell(page, 5, "out")).to_contain_text("Queued")
    expect(cell(page, 5, "other")).to_have_text("")
    assert posted == [("dispatches/", {"groups": [group], "mode": "incomplete", "rows": ids(table, 3, 4, 5)})]
    cancel.cut(table.pk)

    cell(page, 1, "out").click()
    expect(bar).to_contain_text("Selected 1 workflow cell")
    expect(bar.get_by_role("button", name="Run empty and failed")).to_have_attribute("aria-disabled", "true")
    bar.get_by_role("button", name="Open trace").click()
    expect(page.get_by_role("complementary", name="Trace")).to_be_visible()
    page.get_by_role("button", name="Close the trace").click()
    page.keyboard.press("ControlOrMeta+Enter")
    expect(page.get_by_role("heading", name="Re-run 1 cell?")).to_be_visible()
    with page.expect_response("**/dispatches/"):
        page.get_by_role("button", name="Re-run 1 cell").click()
    assert posted.pop() == ("dispatches/", {"groups": [group], "mode": "all", "rows": ids(table, 1)})


def test_a_row_is_run_and_stopped_in_its_gutter(visit: Visit, table: Table, posted: Posted) -> None:
    page = visit(f"/tables/{table.pk}/")
    group, row_ids = table.groups.get().pk, ids(table, 5)
    row(page, 5).hover()
    page.get_by_role("button", name="Run row 5").click()
    expect(cell(page, 5, "out")).to_have_text("Queued")
    page.get_by_role("button", name="Stop 1 in row 5").click()
    expect(toast(page, "Stopped.")).to_be_visible()
    expect(cell(page, 5, "out")).to_have_text("")
    expect(page.get_by_role("button", name="Run row 5")).to_be_attached()
    assert posted == [
        ("dispatches/", {"groups": [group], "mode": "incomplete", "rows": row_ids}),
        ("cancel-runs/", {"groups": [group], "rows": row_ids}),
    ]


def test_what_a_gesture_will_do_shows_at_once_and_goes_back_when_it_is_refused(visit: Visit, table: Table) -> None:
    page = visit(f"/tables/{table.pk}/")
    held = hold(page, "**/dispatches/")
    page.get_by_role("button", name="Run out").click()
    page.get_by_role("menuitem", name="Run empty and failed").click()
    for number in range(3, 13):
        expect(cell(page, number, "out")).to_contain_text("Queued")
    expect(cell(page, 1, "out")).to_have_text("2")
    refusal = {"type": "client_error", "errors": [{"code": "no", "detail": "Not today.", "attr": None}]}
    held.pop().fulfill(status=409, json=refusal)
    expect(toast(page, "Not today.")).to_be_visible()
    expect(cell(page, 3, "out")).to_contain_text("Error")
    expect(cell(page, 4, "out")).to_have_text("Cancelled")
    expect(cell(page, 12, "out")).to_have_text("")

    begin(table.pk, rows=ids(table, 6, 7))
    expect(cell(page, 7, "out")).to_have_text("Queued")
    held = hold(page, "**/cancel-runs/")
    page.get_by_role("button", name="Stop all").click()
    expect(cell(page, 7, "out")).to_have_text("Cancelled")
    held.pop().fulfill(status=409, json=refusal)
    expect(cell(page, 7, "out")).to_have_text("Queued")


def test_who_stops_what_he_has_just_run_means_that_run(visit: Visit, table: Table, posted: Posted) -> None:
    page = visit(f"/tables/{table.pk}/")
    held = hold(page, "**/dispatches/")
    row(page, 5).hover()
    page.get_by_role("button", name="Run row 5").click()
    page.get_by_role("button", name="Stop 1 in row 5").click()
    expect(cell(page, 5, "out")).to_have_text("Cancelled")
    row(page, 6).hover()
    page.get_by_role("button", name="Run row 6").click()
    expect(cell(page, 6, "out")).to_have_text("Queued")
    held.pop(0).continue_()
    expect(toast(page, "Stopped.")).to_be_visible()
    expect(cell(page, 5, "out")).to_have_text("")
    with page.expect_response("**/dispatches/"):
        held.pop().continue_()
    expect(cell(page, 6, "out")).to_have_text("Queued")
    assert [address for address, _ in posted] == ["dispatches/", "cancel-runs/", "dispatches/"]


def test_what_runs_are_the_rows_of_the_moment_in_which_it_was_asked_for(
    visit: Visit, table: Table, posted: Posted
) -> None:
    group, meant = table.groups.get().pk, ids(table, 6, 7)
    page = visit(f"/tables/{table.pk}/")
    held = hold(page, "**/dispatches/")
    row(page, 9).hover()
    page.get_by_role("button", name="Run row 9").click()
    select(page, (6, "out"), (7, "out"))
    page.keyboard.press("ControlOrMeta+Enter")
    expect(cell(page, 7, "out")).to_contain_text("Queued")
    rows.delete(table, ids(table, 1))
    expect(cell(page, 5, "out")).to_contain_text("Queued")
    expect(cell(page, 7, "out")).to_have_text("")
    with page.expect_request("**/dispatches/"):
        held.pop(0).continue_()
    expect(cell(page, 8, "out")).to_have_text("Queued")
    assert posted[-1] == ("dispatches/", {"groups": [group], "mode": "incomplete", "rows": meant})
    with page.expect_response("**/dispatches/"):
        held.pop().continue_()


def test_the_menu_of_a_cell_offers_what_its_state_allows(visit: Visit, table: Table, posted: Posted) -> None:
    group = table.groups.get().pk
    begin(table.pk, rows=ids(table, 7))
    page = visit(f"/tables/{table.pk}/")
    expect(cell(page, 7, "out")).to_have_text("Queued")
    allowed = {1: ["Re-run", "Open trace"], 3: ["Run", "Open trace"], 6: ["Run"], 7: ["Stop"]}
    for number, names in allowed.items():
        cell(page, number, "out").click(button="right")
        for name in ("Run", "Re-run", "Stop", "Open trace"):
            item = page.get_by_role("menuitem", name=name, exact=True)
            expect(item, f"{name} in row {number}").to_be_visible()
            assert (item.get_attribute("aria-disabled") is None) == (name in names), f"{name} in row {number}"
        expect(page.get_by_role("menuitem", name="Why is it waiting?")).to_have_count(int(number == 7))
        page.keyboard.press("Escape")

    cell(page, 6, "out").click()
    page.keyboard.press("Shift+F10")
    with page.expect_response("**/dispatches/"):
        page.get_by_role("menuitem", name="Run", exact=True).press("Enter")
    assert posted.pop() == ("dispatches/", {"groups": [group], "mode": "incomplete", "rows": ids(table, 6)})
    expect(cell(page, 6, "out")).to_have_text("Queued")
    cell(page, 6, "out").click(button="right")
    with page.expect_response("**/cancel-runs/"):
        page.get_by_role("menuitem", name="Stop", exact=True).click()
    assert posted.pop() == ("cancel-runs/", {"groups": [group], "rows": ids(table, 6)})
    cell(page, 3, "out").click(button="right")
    page.get_by_role("menuitem", name="Open trace").click()
    expect(page.get_by_role("complementary", name="Trace")).to_contain_text("out 3")

    select(page, (2, "out"), (4, "out"))
    cell(page, 3, "out").click(button="right")
    with page.expect_response("**/dispatches/"):
        page.get_by_role("menuitem", name="Re-run all cells on 3 rows").click()
    assert posted.pop() == ("dispatches/", {"groups": [group], "mode": "all", "rows": ids(table, 2, 3, 4)})
    row(page, 9).get_by_role("rowheader").click(button="right")
    expect(page.get_by_role("menuitem", name="Delete row")).to_be_visible()
    with page.expect_response("**/dispatches/"):
        page.get_by_role("menuitem", name="Run empty or failed cells on 1 row").click()
    assert posted.pop() == ("dispatches/", {"groups": [group], "mode": "incomplete", "rows": ids(table, 9)})
    cell(page, 9, "N").click(button="right")
    plain = ["Edit", "Copy", "Filter by this value", "Expand row", "Insert row above", "Insert row below"]
    assert [said for said in choices(page) if page.get_by_role("menuitem", name=said, exact=True).is_visible()] == [
        *plain,
        "Duplicate row",
        "Delete row",
    ]
    page.get_by_role("menuitem", name="Copy").click()
    cell(page, 10, "N").click(button="right")
    page.get_by_role("menuitem", name="Edit").click()
    page.keyboard.press("ControlOrMeta+A")
    page.keyboard.press("ControlOrMeta+V")
    page.keyboard.press("Enter")
    expect(cell(page, 10, "N")).to_have_text("9")


def test_why_a_cell_waits_is_said_in_plain_words(visit: Visit, table: Table, user: User) -> None:
    Group.objects.update(run_after=["n"])
    Row.objects.filter(position=12).update(data={})
    dispatch = begin(table.pk, groups=None, rows=ids(table, 7, 8, 9), user=user)
    pausing.pause_dispatch(dispatch.pk, by="ada")
    page = visit(f"/tables/{table.pk}/")
    box = page.get_by_role("dialog", name="Why it waits")

    def ask(number: int) -> None:
        cell(page, number, "out").click(button="right")
        page.get_by_role("menuitem", name="Why is it waiting?").click()
        expect(box).to_be_visible()

    ask(12)
    expect(box).to_contain_text("It runs when N has a value in this row.")
    expect(cell(page, 12, "N")).to_have_class(re.compile("active"))
    box.get_by_role("button", name="Go to N").press("Enter")
    expect(box).to_be_hidden()
    expect(page.get_by_role("textbox", name="Numbers")).to_be_focused()
    cell(page, 12, "out").click()
    page.keyboard.press("ControlOrMeta+Enter")
    expect(toast(page, "Nothing here can run now")).to_be_visible()

    ask(9)
    expect(box).to_contain_text(f"It is queued in run {dispatch.pk}, asked for by ada.")
    expect(box).to_contain_text("The run is paused. Paused by ada.")
    expect(box).to_contain_text("2 rows of the run come before it.")
    expect(box.get_by_role("link", name=f"Open run {dispatch.pk}")).to_have_attribute("href", f"/runs/{dispatch.pk}/")
    page.keyboard.press("Escape")

    pausing.resume_dispatch(dispatch.pk)
    hands.admit(dispatch)
    standing.pause(dispatch, hands.worker(), "approval", None, most=1, step="ask", prompt="Shall it?")
    expect(cell(page, 7, "out")).to_contain_text("Paused")
    expect(cell(page, 8, "out")).to_contain_text("Queued")
    ask(8)
    expect(box).to_contain_text("It is among the next, with 0 cells of the run running and 1 other cell in line.")
    page.keyboard.press("Escape")
    ask(7)
    expect(box).to_contain_text("It is paused: it needs an answer.")
    box.get_by_role("button", name="Show the question").click()
    expect(page.get_by_role("complementary", name="Trace")).to_contain_text("Shall it?")


def test_the_chip_tells_what_runs_and_the_bar_in_the_head_how_far_it_is(visit: Visit, table: Table) -> None:
    page = visit(f"/tables/{table.pk}/")
    chip = page.get_by_role("group", name="What runs")
    bar = page.get_by_role("progressbar")
    expect(chip).to_be_hidden()
    expect(bar).to_have_accessible_name("out: 2 completed, 1 failed, 1 cancelled, 8 never ran")
    expect(bar).to_have_attribute("aria-valuenow", "33")

    page.get_by_role("button", name="Run out").click()
    page.get_by_role("menuitem", name="Run empty and failed").click()
    expect(chip).to_contain_text("Queueing")
    dispatch = Dispatch.objects.get()
    waiting.count_total(dispatch.pk)
    hands.admit(dispatch)
    claimed = hands.claim(hands.worker(), dispatch, 3)
    expect(chip).to_contain_text("3 running")
    expect(bar).to_have_accessible_name("out: 2 completed, 3 running, 7 queued")
    hands.finish([hands.ended(claimed[0].lead), hands.ended(claimed[1].lead, Status.ERROR)])
    expect(chip).to_contain_text("1 running · 2 of 10")
    expect(bar).to_have_accessible_name("out: 3 completed, 1 failed, 1 running, 7 queued")
    page.set_viewport_size({"width": 800, "height": 600})
    expect(chip.get_by_text("of 10")).to_be_hidden()

    chip.get_by_role("button", name="Stop all").click()
    expect(toast(page, "Stopped. 8 cells were under way; what is done stays")).to_be_visible()
    expect(chip).to_be_hidden()
    expect(bar).to_have_accessible_name("out: 3 completed, 1 failed, 8 cancelled")


def test_all_runs_are_paused_and_resumed_by_one_request(visit: Visit, table: Table, posted: Posted) -> None:
    runs = [begin(table.pk, rows=ids(table, position), mode="all") for position in (5, 6)]
    page = visit(f"/tables/{table.pk}/")
    chip = page.get_by_role("group", name="What runs")
    with page.expect_response("**/pause-runs/"):
        chip.get_by_role("button", name="Pause").click()
    expect(chip.get_by_role("button", name="Resume")).to_be_visible()
    expect(chip.get_by_role("button", name="Pause")).to_be_hidden()
    assert {Dispatch.objects.get(pk=run.pk).status for run in runs} == {"paused"}

    page.get_by_role("button", name="Run out").click()
    with page.expect_response("**/resume-runs/"):
        page.get_by_role("menuitem", name="Resume 2 runs").click()
    expect(chip.get_by_role("button", name="Resume")).to_be_hidden()
    assert {Dispatch.objects.get(pk=run.pk).status for run in runs} == {"pending"}
    assert posted == [("pause-runs/", {}), ("resume-runs/", {"groups": [table.groups.get().pk]})]


@pytest.mark.usefixtures("worker")
def test_empty_and_failed_cells_fill_while_one_looks_and_the_page_keeps_still(visit: Visit, table: Table) -> None:
    asked: list[str] = []
    page = visit(f"/tables/{table.pk}/")
    expect(page.get_by_role("progressbar")).to_be_attached()
    page.get_by_role("button", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run empty and failed").click()
    for number in range(3, 13):
        expect(cell(page, number, "out")).to_have_text(str(number * 2))
    expect(cell(page, 2, "out")).to_contain_text("4")
    expect(page.get_by_role("progressbar")).to_have_accessible_name("out: 12 completed")
    expect(page.get_by_role("group", name="What runs")).to_be_hidden()
    page.on("request", lambda request: asked.append(request.url))
    page.get_by_role("button", name="Run", exact=True).click()
    for name in ("Run empty and failed", "Run 0 failed", "Run first 10"):
        expect(page.get_by_role("menuitem", name=name)).to_have_attribute("aria-disabled", "true")
    assert not [url for url in asked if "/progress/" in url], "nothing has changed"


def test_who_may_only_look_is_offered_nothing_to_run(visit: Visit, user: User, table: Table) -> None:
    Table.objects.filter(pk=table.pk).update(owner=UserFactory())
    User.objects.filter(pk=user.pk).update(is_superuser=False)
    Member.objects.create(table=table, user=user, role=Member.Role.VIEWER)
    begin(table.pk, rows=ids(table, 7))
    page = visit(f"/tables/{table.pk}/")
    cell(page, 7, "out").click(button="right")
    assert [said for said in choices(page) if page.get_by_role("menuitem", name=said, exact=True).is_visible()] == [
        "Open trace",
        "Why is it waiting?",
        "Copy",
        "Filter by this value",
        "Expand row",
    ]
    page.get_by_role("menuitem", name="Why is it waiting?").click()
    expect(page.get_by_role("dialog", name="Why it waits")).to_contain_text("It is the next row that the run comes to.")
    page.keyboard.press("Escape")
    page.keyboard.press("ControlOrMeta+Enter")
    for label in ("Run", "Run out", "Stop all", "Run row 1"):
        expect(page.get_by_role("button", name=label, exact=True)).to_have_count(0)
    expect(page.get_by_role("toolbar", name="Selection")).to_have_count(0)
    assert Dispatch.objects.count() == 1
