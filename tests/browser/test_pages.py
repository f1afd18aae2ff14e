"""The pages as somebody uses them, in a real browser, on a real server; by roles and labels."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import APIResponse, Locator, Page, Route, expect

from tableflow.tables import columns, tables
from tableflow.tables.models import Row, Table
from tests import scenes
from tests.conftest import Web
from tests.factories import GroupFactory, TableFactory

Visit = Callable[[str], Page]


def cell(page: Page, row: int, name: str) -> Locator:
    """The cell of the row of that number (from 1) in the column of that name."""
    keys = page.locator("col[data-key]").evaluate_all("cols => cols.map(col => col.dataset.name)")
    return page.locator("tbody tr").nth(row - 1).get_by_role("gridcell").nth(keys.index(name))


def dialog(page: Page) -> Locator:
    """The dialog that is open."""
    return page.get_by_role("dialog")


def places(user: User, rows: int = 3) -> Table:
    """A table of the user's with a text, a number and a web address."""
    table = TableFactory.create(
        name="Places", owner=user, columns={"name": "text", "people": "number", "site": "url"}, row_count=rows
    )
    Row.objects.bulk_create(
        Row(table=table, position=n, data={"name": f"place {n}", "people": n * 1000}) for n in range(1, rows + 1)
    )
    return table


def test_logging_in_and_out(page: Page, live_web: Web, user: User) -> None:
    page.goto(f"{live_web.url}/")
    page.get_by_label("User name").fill("ada")
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("alert")).to_contain_text("correct username and password")
    page.get_by_label("Password").fill("analytical engine")
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("heading", name="Tables", exact=True)).to_be_visible()
    expect(page.get_by_text("No tables yet")).to_be_visible()
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_role("button", name="Log in")).to_be_visible()


def test_a_table_is_made_and_gets_columns_and_rows(visit: Visit) -> None:
    page = visit("/")
    page.get_by_role("button", name="New table").click()
    dialog(page).get_by_label("Name").fill("Cities & <b>towns</b>")
    page.get_by_role("button", name="Create the table").click()
    expect(page.get_by_role("heading", name="Cities & <b>towns</b>")).to_be_visible()
    expect(page.get_by_text("No rows yet")).to_be_visible()
    page.wait_for_load_state()

    page.get_by_role("button", name="Add a column").click()
    page.get_by_role("menuitem", name="Column…", exact=True).click()
    dialog(page).get_by_label("Name").fill("Size")
    dialog(page).get_by_label("Type").select_option("Choice")
    dialog(page).get_by_label("Choices").fill("small, large")
    page.get_by_role("button", name="Add the column").click()
    expect(page.get_by_role("columnheader", name="Choice Size")).to_be_visible()

    page.get_by_role("button", name="Add row").click()
    expect(page.get_by_text("1 row", exact=True)).to_be_visible()
    expect(cell(page, 1, "Name")).to_be_focused()
    page.keyboard.press("Enter")
    page.get_by_role("textbox", name="Name").fill("Paris")
    page.keyboard.press("Enter")
    expect(cell(page, 1, "Name")).to_have_text("Paris")
    expect(cell(page, 1, "Name")).to_be_focused()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    page.get_by_role("combobox", name="Size").select_option("large")
    page.keyboard.press("Enter")
    expect(cell(page, 1, "Size")).to_have_text("large")


def test_a_refused_name_is_told_next_to_its_field(visit: Visit, user: User) -> None:
    table = places(user)
    page = visit(f"/tables/{table.pk}/")
    page.get_by_role("button", name="Add a column").click()
    page.get_by_role("menuitem", name="Column…", exact=True).click()
    dialog(page).get_by_label("Name").fill("   ")
    page.get_by_role("button", name="Add the column").click()
    expect(page.locator("[data-problem=name]").filter(has_text=re.compile(r"\w"))).to_be_visible()
    expect(dialog(page).get_by_label("Name")).to_have_attribute("aria-invalid", "true")


def test_a_cell_is_edited_refused_and_left_as_it_was(visit: Visit, user: User) -> None:
    table = places(user)
    page = visit(f"/tables/{table.pk}/")
    cell(page, 2, "People").dblclick()
    field = page.get_by_role("textbox", name="People")
    field.fill("many")
    field.press("Enter")
    expect(page.get_by_role("alert").filter(has_text="no number")).to_be_visible()
    field.fill("12.5")
    field.press("Enter")
    expect(cell(page, 2, "People")).to_have_text("12.5")
    assert Row.objects.get(table=table, position=2).data == {"name": "place 2", "people": 12.5}

    cell(page, 2, "Name").dblclick()
    page.get_by_role("textbox", name="Name").fill("elsewhere")
    page.keyboard.press("Escape")
    expect(cell(page, 2, "Name")).to_have_text("place 2")


def test_a_row_is_deleted_after_a_question(visit: Visit, user: User) -> None:
    table = places(user)
    page = visit(f"/tables/{table.pk}/")
    page.get_by_role("rowheader", name="2").hover()
    page.get_by_role("button", name="Row 2: menu").click()
    page.get_by_role("menuitem", name="Delete the row…").click()
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_text("3 rows", exact=True)).to_be_visible()
    page.get_by_role("button", name="Row 2: menu").click()
    page.get_by_role("menuitem", name="Delete the row…").click()
    page.get_by_role("button", name="Delete the row").click()
    expect(page.get_by_text("2 rows", exact=True)).to_be_visible()
    expect(page.get_by_text("place 2")).to_have_count(0)


def test_a_table_and_a_column_are_renamed(visit: Visit, user: User) -> None:
    page = visit(f"/tables/{places(user).pk}/")
    page.get_by_role("button", name="Column People: menu").click()
    page.get_by_role("menuitem", name="Rename…").click()
    dialog(page).get_by_label("Name").fill("Inhabitants")
    page.get_by_role("button", name="Rename").click()
    expect(page.get_by_role("columnheader", name="Number Inhabitants")).to_be_visible()
    page.get_by_role("button", name="More about this table").click()
    page.get_by_role("menuitem", name="Rename the table…").click()
    dialog(page).get_by_label("Name").fill("Towns")
    page.get_by_role("button", name="Rename").click()
    expect(page.get_by_role("heading", name="Towns")).to_be_visible()


@pytest.mark.usefixtures("worker")
def test_a_workflow_column_is_written_run_and_its_trace_read(visit: Visit, user: User) -> None:
    table = places(user)
    page = visit(f"/tables/{table.pk}/")
    page.get_by_role("button", name="Add", exact=True).click()
    page.get_by_role("menuitem", name="Workflow column…").click()
    page.get_by_label("Name of the workflow").fill("Title case")
    page.get_by_role("button", name="Add an input").click()
    page.get_by_role("button", name="Add a step").click()
    page.get_by_role("menuitem", name="Template").click()
    page.get_by_role("textbox", name="Template", exact=True).fill("{{ inputs.name | title }}")
    page.get_by_role("button", name="Add an output").click()
    page.get_by_label("New column").fill("Title")
    page.get_by_role("checkbox", name="Name", exact=True).check()
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("columnheader", name="Workflow column Title case")).to_be_visible()

    page.get_by_role("button", name="Run Title case").click()
    page.get_by_role("menuitem", name="Run all…").click()
    expect(page.get_by_role("heading", name="Run 3 cells?")).to_be_visible()
    page.get_by_role("button", name="Run 3 cells").click()
    for row in (1, 2, 3):
        expect(cell(page, row, "Title")).to_contain_text(f"Place {row}")

    cell(page, 2, "Title").click()
    page.keyboard.press("Enter")
    panel = page.get_by_role("complementary", name="Trace")
    expect(panel.get_by_text("Completed").first).to_be_visible()
    expect(panel).to_contain_text("Attempt 1")
    expect(panel.locator("pre").filter(has_text="Place 2").first).to_be_visible()
    panel.get_by_role("button", name="Run again").click()
    expect(panel).to_contain_text("Attempt 2")
    expect(panel.get_by_role("heading", name="Earlier attempts")).to_be_visible()
    page.keyboard.press("Escape")
    expect(panel).to_be_hidden()
    expect(cell(page, 2, "Title")).to_be_focused()


@pytest.mark.usefixtures("worker")
def test_only_the_first_ten_and_only_the_empty_ones_run(visit: Visit, user: User) -> None:
    table = places(user, rows=25)
    work = scenes.workflow(table, [step("{{ inputs.n | upper }}")], "{{ steps.one }}")
    group = scenes.group(table, work, "loud", reads="name", type="text")
    page = visit(f"/tables/{table.pk}/")
    page.get_by_role("button", name="Run loud").click()
    page.get_by_role("menuitem", name="Run first 10").click()
    expect(cell(page, 10, "loud")).to_contain_text("PLACE 10")
    expect(page.get_by_text("running")).to_have_count(0)
    assert scenes.statuses(group) == {"completed": 10}
    page.get_by_role("button", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run empty and failed").click()
    expect(cell(page, 25, "loud")).to_contain_text("PLACE 25")


def test_stop_ends_a_run_that_nobody_works_on(visit: Visit, user: User) -> None:
    table = places(user)
    work = scenes.workflow(table, [step("{{ inputs.n }}")], "{{ steps.one }}")
    scenes.group(table, work, "out", reads="name", type="text")
    page = visit(f"/tables/{table.pk}/")
    page.get_by_role("button", name="Run out").click()
    page.get_by_role("menuitem", name="Run empty and failed").click()
    expect(page.get_by_text("Queueing")).to_be_visible()
    expect(cell(page, 3, "out")).to_contain_text("Queued")
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_role("status").filter(has_text="Stopped.")).to_be_visible()
    expect(page.get_by_text("Queueing")).to_have_count(0)
    expect(page.get_by_text("Queued")).to_have_count(0)


def test_a_hundred_rows_a_page_with_a_jump(visit: Visit, user: User) -> None:
    table = places(user, rows=250)
    page = visit(f"/tables/{table.pk}/")
    expect(page.get_by_role("rowheader")).to_have_count(100)
    page.get_by_role("link", name="Next page").click()
    expect(page.get_by_role("rowheader", name="101")).to_be_visible()
    page.get_by_role("textbox", name="Page").fill("3")
    page.get_by_role("textbox", name="Page").press("Enter")
    expect(page.get_by_role("rowheader", name="250")).to_be_visible()
    expect(page.get_by_role("link", name="Next page")).to_have_count(0)
    page.get_by_role("link", name="Previous page").click()
    expect(page.get_by_role("rowheader", name="101")).to_be_visible()


def test_the_page_follows_what_others_write_and_keeps_an_open_editor(visit: Visit, user: User) -> None:
    table = places(user)
    page = visit(f"/tables/{table.pk}/")
    cell(page, 1, "Name").dblclick()
    page.get_by_role("textbox", name="Name").fill("half writ")
    Row.objects.filter(table=table, position=3).update(data={"name": "changed"})
    Row.objects.create(table=table, position=4, data={"name": "added"})
    Table.objects.filter(pk=table.pk).update(row_count=4)
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    expect(cell(page, 3, "Name")).to_have_text("changed")
    expect(cell(page, 4, "Name")).to_have_text("added")
    expect(page.get_by_text("4 rows", exact=True)).to_be_visible()
    expect(page.get_by_role("textbox", name="Name")).to_have_value("half writ")
    expect(page.get_by_role("textbox", name="Name")).to_be_focused()


def test_a_column_that_others_add_waits_for_what_is_being_typed(visit: Visit, user: User) -> None:
    table = places(user)
    page = visit(f"/tables/{table.pk}/")
    cell(page, 1, "Name").dblclick()
    page.get_by_role("textbox", name="Name").fill("half writ")
    with page.expect_response("**/rows/?page=*"):  # the stream says so, and the page fetches
        columns.create(table, {"name": "Country", "type": "text"})
    expect(page.get_by_role("textbox", name="Name")).to_be_focused()
    page.get_by_role("textbox", name="Name").press("End")
    page.keyboard.type("ten")
    page.keyboard.press("Enter")
    expect(page.get_by_role("columnheader", name="Country")).to_be_visible()
    expect(cell(page, 1, "Name")).to_have_text("half written")


def test_who_looks_at_a_table_that_is_deleted_is_told_so(visit: Visit, user: User) -> None:
    table = places(user)
    page = visit(f"/tables/{table.pk}/")
    expect(cell(page, 1, "Name")).to_have_text("place 1")
    tables.delete(table)
    expect(page.get_by_role("heading", name="Nothing here")).to_be_visible()


def test_an_answer_that_is_older_than_a_write_is_dropped(visit: Visit, user: User) -> None:
    table = places(user)
    page = visit(f"/tables/{table.pk}/")
    held: list[tuple[Route, APIResponse]] = []

    def hold_first(route: Route) -> None:
        if held:
            route.continue_()
        else:
            held.append((route, route.fetch()))

    page.route("**/rows/?page=*", hold_first)
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    cell(page, 1, "Name").dblclick()
    page.get_by_role("textbox", name="Name").fill("new name")
    page.keyboard.press("Enter")
    expect(cell(page, 1, "Name")).to_have_text("new name")
    page.evaluate(
        "window.seen = []; new MutationObserver(() => window.seen.push(document.querySelector('td').textContent))"
        ".observe(document.querySelector('tbody'), {subtree: true, childList: true, characterData: true})"
    )
    with page.expect_response("**/rows/?page=*", timeout=15_000):
        ((route, old),) = held
        assert "place 1" in old.text()
        route.fulfill(response=old)
    Row.objects.filter(table=table, position=3).update(data={"name": "later"})
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    expect(cell(page, 3, "Name")).to_have_text("later")
    assert "place 1" not in page.evaluate("window.seen")


def test_the_page_says_when_the_server_does_not_answer_and_recovers(
    visit: Visit, user: User, console: list[str]
) -> None:
    page = visit(f"/tables/{places(user).pk}/")
    page.route("**/rows/?page=*", lambda route: route.abort())
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    expect(page.get_by_text("No answer from the server")).to_be_visible()
    page.unroute("**/rows/?page=*")
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    expect(page.get_by_text("No answer from the server")).to_be_hidden()
    assert all("net::ERR_FAILED" in complaint for complaint in console)
    console.clear()


def test_a_poll_that_is_never_answered_is_given_up_and_the_next_one_goes_out(
    visit: Visit, user: User, page: Page, console: list[str]
) -> None:
    page.add_init_script(
        "const timeout = AbortSignal.timeout; AbortSignal.timeout = () => timeout.call(AbortSignal, 9)"
    )
    page.route("**/rows/?page=*", lambda _: None)
    visit(f"/tables/{places(user).pk}/")
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    expect(page.get_by_text("No answer from the server")).to_be_visible()
    with page.expect_request("**/rows/?page=*"):
        page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    assert console == []


def test_a_page_that_is_not_there_says_so(visit: Visit) -> None:
    page = visit("/tables/404/")
    expect(page.get_by_role("heading", name="Nothing here")).to_be_visible()
    page.get_by_role("link", name="To the tables").click()
    expect(page.get_by_role("heading", name="Tables", exact=True)).to_be_visible()


def test_a_viewer_sees_no_way_to_change_anything(visit: Visit, user: User) -> None:
    table = places(User.objects.create_user("owner"))
    user.is_superuser = False
    user.save()
    table.members.create(user=user, role="viewer")
    page = visit(f"/tables/{table.pk}/")
    expect(page.get_by_role("rowheader")).to_have_count(3)
    for name in ("Run", "Add", "Add row", "Add a column"):
        expect(page.get_by_role("button", name=name, exact=True)).to_have_count(0)
    cell(page, 1, "Name").dblclick()
    expect(page.get_by_role("textbox", name="Name")).to_have_count(0)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [800, 1440])
def test_no_page_complains_or_grows_wider_than_the_window(visit: Visit, user: User, scheme: str, width: int) -> None:
    table = places(user)
    GroupFactory.create(table=table, name="Lost", workflow_id=0, outputs=[{"from": "out", "column": "site"}])
    page = visit("/")
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    page.set_viewport_size({"width": width, "height": 600})
    for path in ("/", f"/tables/{table.pk}/", "/admin/"):
        visit(path)
        page.wait_for_load_state("networkidle")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path


def step(template: str) -> dict[str, object]:
    """A template step called `one`."""
    return {"id": "one", "type": "template", "config": {"template": template}}
