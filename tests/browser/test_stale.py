"""Stale cells as somebody sees and runs them."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page, expect

from cells.models import Execution, Status
from dispatch.begin import begin
from dispatch.models import Dispatch
from tableflow.grid.faces import WHY_STALE
from tableflow.tables.models import Group, Row, Table
from tests import scenes
from tests.browser.grid import cell

Visit = Callable[[str], Page]


@pytest.fixture
def table(user: User) -> Table:
    """Four rows whose cells have ended, one of them in an error."""
    made = scenes.table(4)
    Table.objects.filter(pk=made.pk).update(owner=user)
    group = scenes.group(made, scenes.doubling(made))
    for row in Row.objects.filter(table=made):
        status = Status.ERROR if row.position == 4 else Status.COMPLETED
        Execution.objects.create(row=row, group=group, position=row.position, status=status, error="It broke.")
        Row.objects.filter(pk=row.pk).update(done=int(status == Status.COMPLETED))
        Row.objects.filter(pk=row.pk).exclude(position=4).update(data={**row.data, "out": row.data["n"] * 2})
    scenes.settle(group)
    return made


@pytest.mark.usefixtures("worker")
def test_an_edited_row_has_a_stale_cell_and_the_menu_runs_just_that(visit: Visit, table: Table) -> None:
    page = visit(f"/tables/{table.pk}/")
    mark = page.get_by_role("grid").get_by_text("Stale", exact=True)
    expect(cell(page, 2, "out")).to_have_text("4")
    expect(mark).to_have_count(0)
    cell(page, 2, "N").click()
    page.keyboard.type("50")
    page.keyboard.press("Enter")
    expect(mark).to_have_count(1)
    expect(mark).to_have_attribute("title", WHY_STALE)

    page.get_by_role("button", name="Run out").click()
    expect(page.get_by_role("menuitem", name="Run 1 failed")).to_be_visible()
    page.get_by_role("menuitem", name="Run 1 stale").click()
    expect(cell(page, 2, "out")).to_have_text("100")
    expect(mark).to_have_count(0)
    assert scenes.values(table) == [2, 100, 6, None]
    assert scenes.statuses(Group.objects.get()) == {"completed": 3, "error": 1}


def test_the_trace_says_why_a_cell_is_stale(visit: Visit, table: Table) -> None:
    Row.objects.filter(position=1).update(data={"n": 7, "out": 2})
    page = visit(f"/tables/{table.pk}/")
    cell(page, 1, "out").click()
    page.keyboard.press("Enter")
    panel = page.get_by_role("complementary", name="Trace")
    expect(panel.get_by_text("Stale", exact=True)).to_be_visible()
    expect(panel).to_contain_text("Made of other values than the row has now")


def test_what_would_do_nothing_is_disabled_once_that_is_known(visit: Visit, table: Table) -> None:
    Execution.objects.filter(status=Status.ERROR).delete()
    page = visit(f"/tables/{table.pk}/")
    page.get_by_role("button", name="Run out").click()
    items = {
        name: page.get_by_role("menuitem", name=name, exact=True) for name in ("Run 0 failed", "Run 0 stale", "Stop")
    }
    for name, item in items.items():
        expect(item, name).to_have_attribute("aria-disabled", "true")
        item.dispatch_event("click")
        expect(item, name).to_be_visible()
    assert not Dispatch.objects.exists()
    expect(page.get_by_role("menuitem", name="Run empty and failed")).to_be_enabled()
    page.keyboard.press("Escape")

    Row.objects.filter(position=1).update(data={"n": 7, "out": 2})
    begin(table.pk, mode="incomplete")
    page.get_by_role("button", name="Run out").click()
    expect(page.get_by_role("menuitem", name="Run 1 stale")).to_be_enabled()
    expect(items["Run 0 failed"]).to_have_attribute("aria-disabled", "true")
    items["Stop"].click()
    expect(page.get_by_role("status").filter(has_text="Stopped. 0 cells were under way")).to_be_visible()
    assert Dispatch.objects.get().exclusions


def test_a_count_that_does_not_come_leaves_the_choice_without_a_number(visit: Visit, table: Table) -> None:
    page = visit(f"/tables/{table.pk}/")
    uncounted = {"total": 4, "error": None, "stale": None}
    page.route("**/counts/", lambda route: route.fulfill(json=uncounted))
    with page.expect_response("**/counts/"):
        page.get_by_role("button", name="Run", exact=True).click()
    for name in ("Run failed", "Run stale"):
        expect(page.get_by_role("menuitem", name=name, exact=True)).to_be_enabled()
