"""Saved views of a table: what each shows and how it is laid out, for editors and for viewers; in a real browser."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Locator, Page, expect

from tableflow.tables import columns
from tableflow.tables.models import Row, Table, View
from tests import scenes
from tests.browser.grid import cell
from tests.factories import TableFactory

pytestmark = pytest.mark.django_db(transaction=True)

Visit = Callable[[str], Page]


def places(user: User, rows: int = 8) -> Table:
    """A table of the user's with a text, a number and a web address."""
    table = TableFactory.create(
        name="Places", owner=user, columns={"name": "text", "people": "number", "site": "url"}, row_count=rows
    )
    Row.objects.bulk_create(
        Row(table=table, position=n, data={"name": f"place {n}", "people": n * 1000}) for n in range(1, rows + 1)
    )
    return table


def tab(page: Page, name: str) -> Locator:
    """The tab of the view of that name."""
    return page.get_by_role("navigation", name="Views").get_by_role("button", name=name, exact=True)


def head(page: Page, key: str) -> Locator:
    """The head of the column of that key."""
    return page.locator(f".grid-column-head:has([data-key={key}])")


def width(page: Page, key: str) -> float:
    """How wide the column is."""
    box = head(page, key).bounding_box()
    assert box is not None
    return box["width"]


def widen(page: Page, key: str, by: int) -> None:
    """Drags the right edge of the column's head."""
    box = head(page, key).bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] - 1, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + by / 2, y)
    page.mouse.move(x + by, y)
    page.mouse.up()


def hide(page: Page, name: str) -> None:
    """Hides the column of that name by its menu."""
    page.get_by_role("button", name=re.compile(f" {name}$")).click()
    page.get_by_role("menuitem", name="Hide the column").click()


def choose(page: Page, view: str, entry: str) -> None:
    """Chooses an entry of the menu of the view that is shown."""
    page.get_by_role("button", name=f"View {view}", exact=True).click()
    page.get_by_role("menu", name="View").get_by_role("menuitem", name=entry).click()


def saved(table: Table, name: str) -> View:
    """The view of that name as it is stored."""
    return View.objects.get(table=table, name=name)


def test_an_editor_saves_views_and_each_keeps_its_rows_and_its_layout(visit: Visit, user: User) -> None:
    table = places(user)
    page = visit(f"/tables/{table.pk}/")
    expect(tab(page, "All rows")).to_have_attribute("aria-current", "true")
    before = width(page, "people")
    widen(page, "people", 60)
    scenes.until(lambda: saved(table, "All rows").layout["widths"], "the width is saved by itself")
    assert abs(width(page, "people") - before - 60) <= 2
    box = head(page, "name").bounding_box()
    assert box is not None
    page.mouse.dblclick(box["x"] + box["width"] - 1, box["y"] + box["height"] / 2)
    scenes.until(lambda: "name" in saved(table, "All rows").layout["widths"], "the width that fits is saved")

    page.get_by_role("button", name="Sort", exact=True).click()
    page.get_by_role("combobox", name="Add a column").select_option("People")
    page.get_by_label("Direction").select_option("Descending")
    page.keyboard.press("Escape")
    page.get_by_role("searchbox", name="Search the rows").fill("place")
    expect(page.get_by_role("button", name="Save to view")).to_have_count(0)  # it is of all rows
    page.get_by_role("button", name="Save as new view").click()
    dialog = page.get_by_role("dialog", name="New view")
    dialog.get_by_label("Name").fill("  ")
    page.keyboard.press("Enter")
    expect(dialog.get_by_label("Name")).to_have_attribute("aria-invalid", "true")
    dialog.get_by_label("Name").fill("Largest")
    page.keyboard.press("Enter")
    expect(tab(page, "Largest")).to_have_attribute("aria-current", "true")
    expect(page.get_by_role("button", name="Reset")).to_have_count(0)
    made = saved(table, "Largest")
    assert (made.sort, made.search) == ("-people", "place")
    expect(page).to_have_url(re.compile(rf"\?view={made.pk}$"))
    hide(page, "Site")
    expect(head(page, "site")).to_have_count(0)
    scenes.until(lambda: saved(table, "Largest").layout["hidden"] == ["site"], "what is hidden is saved by itself")

    tab(page, "All rows").click()
    expect(cell(page, 1, "Name")).to_have_text("place 1")
    expect(head(page, "site")).to_be_visible()
    page.reload()
    expect(cell(page, 1, "Name")).to_have_text("place 1")
    assert abs(width(page, "people") - before - 60) <= 2
    visit(f"/tables/{table.pk}/?view={made.pk}")
    expect(cell(page, 1, "Name")).to_have_text("place 8")
    expect(head(page, "site")).to_have_count(0)

    page.get_by_role("searchbox", name="Search the rows").fill("place 3")
    expect(page.locator("#row-count")).to_have_text("1 of 8 rows")
    page.reload()
    expect(page.locator("#row-count")).to_have_text("1 of 8 rows")
    page.get_by_role("button", name="Reset").click()
    expect(page.locator("#row-count")).to_have_text("8 of 8 rows")
    page.get_by_role("searchbox", name="Search the rows").fill("")
    expect(page.locator("#row-count")).to_have_text("8 rows")
    page.get_by_role("button", name="Save to view").click()
    expect(page.get_by_role("button", name="Save to view")).to_have_count(0)
    assert saved(table, "Largest").search == ""
    cell(page, 3, "People").click(button="right")
    page.get_by_role("menuitem", name="Filter by this value").click()
    expect(page.locator("#row-count")).to_have_text("1 of 8 rows")
    page.get_by_role("button", name="Save to view").click()
    expect(page.get_by_role("button", name="Save to view")).to_have_count(0)
    expect(page).to_have_url(re.compile(rf"\?view={made.pk}$"))
    visit(f"/tables/{table.pk}/?view={made.pk}")
    expect(page.locator("#row-count")).to_have_text("1 of 8 rows")
    expect(page.get_by_role("button", name="Filter (1)")).to_be_visible()
    expect(page.get_by_role("button", name="Save to view")).to_have_count(0)
    page.get_by_role("button", name="Remove the condition: People is 6000").click()
    expect(page.locator("#row-count")).to_have_text("8 rows")
    assert "filter=" in page.url
    page.get_by_role("button", name="Save to view").click()
    expect(page).to_have_url(re.compile(rf"\?view={made.pk}$"))

    choose(page, "Largest", "Rename the view…")
    page.get_by_role("dialog", name="Rename the view").get_by_label("Name").fill("Big ones")
    page.keyboard.press("Enter")
    expect(tab(page, "Big ones")).to_be_visible()
    choose(page, "Big ones", "Duplicate the view…")
    page.get_by_role("dialog", name="Duplicate the view").get_by_role("button", name="Save the view").click()
    expect(tab(page, "Big ones copy")).to_have_attribute("aria-current", "true")
    expect(cell(page, 1, "Name")).to_have_text("place 8")
    expect(head(page, "site")).to_have_count(0)
    choose(page, "Big ones copy", "Delete the view…")
    page.get_by_role("button", name="Delete the view", exact=True).click()
    expect(tab(page, "Big ones copy")).to_have_count(0)
    expect(tab(page, "All rows")).to_have_attribute("aria-current", "true")
    page.get_by_role("button", name="View All rows", exact=True).click()
    expect(page.get_by_role("menuitem", name="Delete the view…")).to_have_count(0)
    assert View.objects.filter(table=table).count() == 2


def test_columns_move_in_a_saved_view_alone_and_what_others_do_to_it_is_seen(visit: Visit, user: User) -> None:
    table = places(user)
    mine = View.objects.create(table=table, name="Mine", position=1, layout={})
    page = visit(f"/tables/{table.pk}/?view={mine.pk}")
    page.get_by_role("button", name="Columns", exact=True).click()
    page.get_by_role("button", name="Move Site to the left").click()
    page.keyboard.press("Escape")
    scenes.until(lambda: saved(table, "Mine").layout.get("order") == ["name", "site", "people"], "the order is saved")
    expect(head(page, "site")).to_have_attribute("aria-colindex", "3")
    tab(page, "All rows").click()
    expect(head(page, "site")).to_have_attribute("aria-colindex", "4")
    tab(page, "Mine").click()

    columns.create(table, {"name": "Country", "type": "text"})
    expect(head(page, "country")).to_have_attribute("aria-colindex", "4")  # beside its neighbour in the table
    View.objects.filter(pk=mine.pk).update(sort="-people", name="Ours")
    columns.change(table, "country", {"name": "Land"})
    expect(tab(page, "Ours")).to_have_attribute("aria-current", "true")
    expect(cell(page, 1, "Name")).to_have_text("place 8")
    View.objects.filter(pk=mine.pk).update(filter={"field": "country", "op": "eq", "value": "Peru"})
    columns.delete(table, "country")
    expect(page.get_by_role("heading", name="These rows cannot be shown")).to_be_visible()
    expect(page.get_by_text("There is no column 'country'").filter(visible=True)).to_be_visible()
    page.get_by_role("button", name="Show all rows").click()
    expect(cell(page, 1, "Name")).to_have_text("place 1")
    View.objects.filter(pk=mine.pk).delete()
    columns.change(table, "site", {"name": "Address"})
    expect(page.get_by_role("status").filter(has_text="The view Ours was deleted")).to_be_visible()
    expect(tab(page, "All rows")).to_have_attribute("aria-current", "true")


def test_what_a_viewer_changes_is_the_viewers_own_until_the_page_is_left(visit: Visit, user: User) -> None:
    table = places(User.objects.create_user("owner"))
    user.is_superuser = False
    user.save()
    table.members.create(user=user, role="viewer")
    page = visit(f"/tables/{table.pk}/")
    written: list[str] = []
    page.on("request", lambda request: written.append(request.url) if request.method != "GET" else None)
    widen(page, "people", 50)
    hide(page, "Site")
    page.get_by_role("button", name="Columns (1 hidden)").click()
    page.get_by_role("button", name="Move People to the left").click()
    expect(head(page, "people")).to_have_attribute("aria-colindex", "2")
    page.keyboard.press("Escape")
    page.get_by_role("button", name=re.compile(" People$")).click()
    for entry in ("Rename…", "Edit type and options…", "Delete the column"):
        expect(page.get_by_role("menuitem", name=entry)).to_have_count(0)
    page.get_by_role("menuitem", name="Sort descending").click()
    expect(cell(page, 1, "Name")).to_have_text("place 8")
    expect(page.get_by_role("button", name="Reset")).to_be_visible()
    for name in ("Save as new view", "New view", "View All rows", "Add row", "Add a column"):
        expect(page.get_by_role("button", name=name, exact=True)).to_have_count(0)
    cell(page, 1, "Name").click()
    page.keyboard.press("Space")
    expect(page.get_by_role("dialog", name="Row 1").get_by_label("Name", exact=True)).to_be_disabled()
    page.keyboard.press("Escape")
    page.reload()
    expect(cell(page, 1, "Name")).to_have_text("place 8")  # that stands in the address
    expect(head(page, "site")).to_be_visible()
    expect(head(page, "people")).to_have_attribute("aria-colindex", "3")
    assert written == []
