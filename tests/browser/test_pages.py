"""The pages as somebody uses them, in a real browser, on a real server; by roles and labels."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Locator, Page, expect

from tableflow.tables import columns, tables
from tableflow.tables.models import Row, Table
from tests import scenes
from tests.browser.grid import active, cell
from tests.conftest import Web
from tests.factories import GroupFactory, TableFactory

Visit = Callable[[str], Page]


def dialog(page: Page) -> Locator:
    """The dialog that is open."""
    return page.locator("dialog[open]")


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
    dialog(page).get_by_label("Type").select_option("Number")
    page.get_by_role("button", name="Add the column").click()
    expect(page.get_by_role("columnheader", name="Size, Number", exact=True)).to_be_visible()

    page.get_by_role("button", name="Add row").click()
    expect(page.get_by_text("1 row", exact=True)).to_be_visible()
    cell(page, 1, "Name").click()
    page.keyboard.type("Paris")
    page.keyboard.press("Tab")
    expect(cell(page, 1, "Name")).to_have_text("Paris")
    page.keyboard.type("2100000")
    page.keyboard.press("Enter")
    expect(cell(page, 1, "Size")).to_have_text("2100000")
    scenes.until(lambda: Row.objects.get().data == {"name": "Paris", "size": 2100000}, "what was typed is saved")
    page.reload()
    expect(cell(page, 1, "Size")).to_have_text("2100000")


def test_a_table_is_renamed_for_everybody_and_deleted(visit: Visit, user: User) -> None:
    table = places(user)
    page = visit(f"/tables/{table.pk}/")
    page.get_by_role("button", name="More about this table").click()
    page.get_by_role("menuitem", name="Rename the table…").click()
    dialog(page).get_by_label("Name").fill("Towns")
    page.get_by_role("button", name="Rename").click()
    expect(page.get_by_role("heading", name="Towns")).to_be_visible()
    expect(page).to_have_title(re.compile("^Towns"))
    expect(page.get_by_role("grid", name="Towns")).to_be_visible()
    tables.change(table, {"name": "Cities"})
    expect(page.get_by_role("heading", name="Cities")).to_be_visible()
    page.get_by_role("button", name="More about this table").click()
    page.get_by_role("menuitem", name="Delete the table…").click()
    expect(dialog(page)).to_contain_text("cannot be undone")
    page.get_by_role("button", name="Delete the table").click()
    expect(page.get_by_text("No tables yet")).to_be_visible()


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
    page.get_by_role("textbox", name="New column").fill("Title")
    page.get_by_role("checkbox", name="Name", exact=True).check()
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("columnheader", name="Title case, Workflow column", exact=True)).to_be_visible()

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
    expect(active(page)).to_contain_text("Place 2")


def test_who_looks_at_a_table_that_is_deleted_is_told_so(visit: Visit, user: User) -> None:
    table = places(user)
    page = visit(f"/tables/{table.pk}/")
    expect(cell(page, 1, "Name")).to_have_text("place 1")
    tables.delete(table)
    expect(page.get_by_role("heading", name="Nothing here")).to_be_visible()


def test_the_page_says_when_the_server_does_not_answer_and_recovers(
    visit: Visit, user: User, console: list[str]
) -> None:
    table = places(user)
    page = visit(f"/tables/{table.pk}/")
    expect(cell(page, 1, "Name")).to_have_text("place 1")
    page.route("**/rows/?*", lambda route: route.abort())
    columns.create(table, {"name": "Country", "type": "text"})  # the stream says so, and the page fetches
    expect(page.get_by_text("No connection to the server")).to_be_visible()
    expect(cell(page, 1, "Name")).to_have_text("place 1")
    page.unroute("**/rows/?*")
    expect(page.get_by_text("No connection to the server")).to_be_hidden()
    assert all("net::ERR_FAILED" in complaint for complaint in console)
    console.clear()


def test_a_request_that_is_never_answered_is_given_up_and_the_next_one_goes_out(
    visit: Visit, user: User, page: Page, console: list[str]
) -> None:
    page.add_init_script(
        "const timeout = AbortSignal.timeout; AbortSignal.timeout = () => timeout.call(AbortSignal, 900)"
    )
    table = places(user)
    page.route("**/rows/?*", lambda _: None)
    visit(f"/tables/{table.pk}/")
    columns.create(table, {"name": "Country", "type": "text"})
    expect(page.get_by_text("No connection to the server")).to_be_visible()
    with page.expect_request("**/rows/?*"):
        pass
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
    page.get_by_role("button", name="More about this table").click()
    for entry in ("Import into this table…", "Rename the table…", "Delete the table…"):
        expect(page.get_by_role("menuitem", name=entry)).to_have_count(0)


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
