"""Columns and rows: made, changed, moved, deleted, and brought back, as somebody does it in a real browser."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Locator, Page, Request, Route, expect

from cells.models import Execution, Status
from tableflow.tables import columns, rows
from tableflow.tables.models import Column, Group, Row, Table
from tests import scenes
from tests.browser.grid import active, cell, row, select
from tests.factories import TableFactory

pytestmark = pytest.mark.django_db(transaction=True)

Visit = Callable[[str], Page]


def places(user: User, rows: int = 6) -> Table:
    """A table of the user's with a text, a number and a web address."""
    table = TableFactory.create(
        name="Places", owner=user, columns={"name": "text", "people": "text", "site": "url"}, row_count=rows
    )
    Row.objects.bulk_create(
        Row(table=table, position=n, data={"name": f"place {n}", "people": str(n * 1000)}) for n in range(1, rows + 1)
    )
    return table


def dialog(page: Page, name: str) -> Locator:
    """The open dialog of that name."""
    return page.get_by_role("dialog", name=name)


def choose(page: Page, column: str, entry: str) -> None:
    """Chooses an entry of a column's menu."""
    page.get_by_role("button", name=re.compile(f"{column}$"), include_hidden=False).and_(
        page.locator("[data-menu=column-menu]")
    ).click()
    page.get_by_role("menu", name="Column").get_by_role("menuitem", name=entry).click()


def keys(table: Table) -> list[str]:
    """The keys of the table's columns, left to right."""
    live = Column.objects.filter(table=table, deleted_at=None).order_by("position")
    return list(live.values_list("key", flat=True))


def undo(page: Page, said: str) -> None:
    """Takes the last thing back, and waits until the page says so."""
    page.locator(".grid-catcher").focus()
    page.keyboard.press("Control+z")
    expect(page.get_by_role("status").filter(has_text=re.compile(f"^Undone: {said}"))).to_be_visible()


def names(table: Table) -> list[str]:
    """The names in the table's rows, from the top."""
    return [name or "" for name in scenes.values(table, "name")]


def test_columns_are_inserted_renamed_retyped_and_deleted_and_all_of_it_is_taken_back(visit: Visit, user: User) -> None:
    table = places(user)
    Row.objects.filter(table=table, position=2).update(data={"name": "place 2", "people": "about 2000"})
    page = visit(f"/tables/{table.pk}/")
    choose(page, "People", "Insert a column to the left…")
    form = dialog(page, "New column")
    form.get_by_label("Name").fill("   ")
    form.get_by_role("button", name="Add the column").click()
    expect(form.get_by_label("Name")).to_have_attribute("aria-invalid", "true")
    form.get_by_label("Name").fill("Kind")
    form.get_by_label("Type").select_option("Choice")
    form.get_by_label("Choices").fill("town\ncity")
    form.get_by_role("button", name="Add the column").click()
    expect(form).to_be_hidden()
    expect(page.get_by_role("columnheader").filter(has_text="Kind")).to_be_visible()
    assert keys(table) == ["name", "kind", "people", "site"]
    assert Column.objects.get(table=table, key="kind").options == {"choices": ["town", "city"]}

    choose(page, "People", "Rename…")
    dialog(page, "Rename the column").get_by_label("Name").fill("Inhabitants")
    page.keyboard.press("Enter")
    expect(page.get_by_role("columnheader").filter(has_text="Inhabitants")).to_be_visible()

    choose(page, "Inhabitants", "Edit type and options…")
    form = dialog(page, "Edit the column")
    form.get_by_label("Type").select_option("Number")
    expect(form.get_by_role("status")).to_contain_text("5 of 6 values can be kept, 1 becomes empty.")
    expect(form.get_by_role("listitem")).to_contain_text("about 2000")
    assert Column.objects.get(table=table, key="people").type == "text"
    form.get_by_role("button", name="Save, and empty 1 value").click()
    expect(form).to_be_hidden()
    expect(cell(page, 2, "Inhabitants")).to_have_text("")
    assert scenes.values(table, "people")[:3] == [1000, None, 3000]
    undo(page, "the column Inhabitants was changed")
    expect(cell(page, 2, "Inhabitants")).to_have_text("about 2000")
    assert scenes.values(table, "people")[:3] == ["1000", "about 2000", "3000"]

    choose(page, "Inhabitants", "Delete the column")
    expect(page.get_by_role("columnheader").filter(has_text="Inhabitants")).to_have_count(0)
    undo(page, "the column Inhabitants was deleted")
    expect(cell(page, 2, "Inhabitants")).to_have_text("about 2000")
    undo(page, "the column People was called Inhabitants")
    undo(page, "the new column Kind")
    expect(page.get_by_role("columnheader").filter(has_text="Kind")).to_have_count(0)
    assert keys(table) == ["name", "people", "site"]
    page.keyboard.press("Control+Shift+z")
    expect(page.get_by_role("columnheader").filter(has_text="Kind")).to_be_visible()


def test_columns_are_moved_by_keys_and_by_dragging_and_what_no_longer_fits_is_said(visit: Visit, user: User) -> None:
    table = places(user)
    scenes.group(table, scenes.doubling(table), "twice", reads="people", run_after=["site"])
    page = visit(f"/tables/{table.pk}/")
    expect(page.get_by_role("columnheader").filter(has_text="twice")).to_have_count(2)
    page.get_by_role("button", name="Columns", exact=True).click()
    popover = dialog(page, "Columns")
    popover.get_by_role("button", name="Move twice to the left").press("Enter")
    notice = page.get_by_role("status").filter(has_text="twice no longer depends on Site")
    expect(notice).to_be_visible()
    assert keys(table) == ["name", "people", "twice", "site"]
    assert Group.objects.get(table=table).run_after == []
    expect(popover.get_by_role("button", name="Move twice to the left")).to_be_focused()
    popover.get_by_role("checkbox", name="Site").uncheck()
    expect(page.get_by_role("columnheader").filter(has_text="Site")).to_have_count(0)
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Columns (1 hidden)")).to_be_visible()
    undo(page, "the order of the columns")
    assert keys(table) == ["name", "people", "site", "twice"]

    choose(page, "People", "Pin columns up to here")
    expect(page.locator(".grid-pins [data-key=people]")).to_be_visible()
    choose(page, "People", "Unpin all columns")
    expect(page.locator(".grid-pins [data-key=name]")).to_have_count(0)
    name, people = (page.locator(f".grid-column-head:has([data-key={key}])") for key in ("name", "people"))
    people.hover(position={"x": 30, "y": 10})
    page.mouse.down()
    name.hover(position={"x": 10, "y": 10})
    page.mouse.up()
    expect(page.locator(".grid-column-head [data-menu]").first).to_have_attribute("data-key", "people")
    expect(page.get_by_role("columnheader").filter(has_text="twice")).to_have_count(2)
    scenes.until(lambda: keys(table) == ["people", "name", "site", "twice"], "the columns are in the other order")
    page.get_by_role("columnheader").filter(has=page.locator("[data-key=twice]")).click(button="right")
    page.get_by_role("menuitem", name="Delete this output").click()
    dialog(page, "Delete twice?").get_by_role("button", name="Cancel").click()
    choose(page, "twice", "Delete this output")
    dialog(page, "Delete twice?").get_by_role("button", name="Delete the workflow column").click()
    expect(page.get_by_role("columnheader").filter(has_text="twice")).to_have_count(0)
    assert not Group.objects.filter(table=table, deleted_at=None).exists()


def test_rows_are_added_inserted_copied_and_deleted_and_all_of_it_is_taken_back(visit: Visit, user: User) -> None:
    table = places(user, rows=4)
    page = visit(f"/tables/{table.pk}/")
    count = page.locator("#row-count")
    expect(count).to_have_text("4 rows")
    page.get_by_role("button", name="Add row").click()
    expect(count).to_have_text("5 rows")
    expect(row(page, 5).locator(".active")).to_be_visible()
    cell(page, 2, "Name").click()
    page.keyboard.press("Shift+Enter")
    expect(count).to_have_text("6 rows")
    expect(row(page, 3).locator(".active")).to_be_visible()
    cell(page, 1, "Name").click(button="right")
    page.get_by_role("menuitem", name="Insert row above").click()
    expect(count).to_have_text("7 rows")
    expect(row(page, 1).locator(".active")).to_be_visible()
    assert names(table) == ["", "place 1", "place 2", "", "place 3", "place 4", ""]
    for left in (6, 5, 4):
        undo(page, "1 new row")
        expect(count).to_have_text(f"{left} rows")
    assert names(table) == ["place 1", "place 2", "place 3", "place 4"]

    select(page, (2, "Name"), (3, "People"))
    cell(page, 2, "Name").click(button="right")
    page.get_by_role("menuitem", name="Duplicate 2 rows").click()
    expect(count).to_have_text("6 rows")
    assert names(table) == ["place 1", "place 2", "place 2", "place 3", "place 3", "place 4"]
    cell(page, 1, "Name").click()
    page.keyboard.press("Control+Backspace")  # one row: no question
    expect(count).to_have_text("5 rows")
    select(page, (2, "Name"), (4, "Name"))
    cell(page, 2, "Name").click(button="right")
    page.get_by_role("menuitem", name="Delete 3 rows").click()
    dialog(page, "Delete 3 rows?").get_by_role("button", name="Cancel").click()
    expect(count).to_have_text("5 rows")
    page.keyboard.press("Control+Backspace")
    dialog(page, "Delete 3 rows?").get_by_role("button", name="Delete 3 rows").click()
    expect(count).to_have_text("2 rows")
    assert names(table) == ["place 2", "place 4"]
    undo(page, "3 rows were deleted")
    undo(page, "1 row was deleted")
    expect(count).to_have_text("6 rows")
    assert names(table) == ["place 1", "place 2", "place 2", "place 3", "place 3", "place 4"]
    undo(page, "the copy of 2 rows")  # of rows that have other ids by now
    expect(count).to_have_text("4 rows")
    assert names(table) == ["place 1", "place 2", "place 3", "place 4"]
    page.keyboard.press("Control+Shift+z")
    page.keyboard.press("Control+Shift+z")
    expect(count).to_have_text("5 rows")
    assert names(table) == ["place 2", "place 2", "place 3", "place 3", "place 4"]


def test_rows_come_back_once_and_none_goes_in_which_somebody_has_written_since(visit: Visit, user: User) -> None:
    table = places(user, rows=3)
    page = visit(f"/tables/{table.pk}/")
    count = page.locator("#row-count")
    cell(page, 2, "Name").click()
    page.keyboard.press("Control+Backspace")
    expect(count).to_have_text("2 rows")

    def lose(route: Route) -> None:
        """The server does what is asked, and nobody hears of it."""
        route.fetch()
        route.fulfill(status=408, json={})

    page.route(f"**/api/v1/tables/{table.pk}/rows/", lose, times=1)
    page.keyboard.press("Control+z")
    expect(page.get_by_role("status").filter(has_text="Not undone: 1 row was deleted.")).to_be_visible()
    undo(page, "1 row was deleted")
    expect(count).to_have_text("3 rows")
    assert names(table) == ["place 1", "place 2", "place 3"]

    page.get_by_role("button", name="Add row").click()
    expect(count).to_have_text("4 rows")
    new = Row.objects.filter(table=table).latest("position")
    rows.update(table, {new.pk: {"people": "7"}})
    page.locator(".grid-catcher").focus()
    page.keyboard.press("Control+z")
    expect(page.get_by_role("status").filter(has_text="Not undone: 1 new row. Somebody has changed")).to_be_visible()
    assert Row.objects.filter(pk=new.pk).exists()


def test_all_rows_that_a_filter_shows_are_deleted_by_one_request_but_for_those_let_go(visit: Visit, user: User) -> None:
    table = places(user, rows=1200)
    wanted = json.dumps({"field": "name", "op": "contains", "value": "1"})
    page = visit(f"/tables/{table.pk}/?filter={wanted}")
    sent: list[Request] = []
    page.on("request", lambda request: sent.append(request) if request.method == "DELETE" else None)
    expect(page.locator("#row-count")).to_have_text("472 of 1,200 rows")
    page.get_by_role("button", name="Choose all rows").click()
    row(page, 2).get_by_role("rowheader").click(position={"x": 12, "y": 12})
    page.keyboard.press("Control+Backspace")
    question = dialog(page, "Delete 471 rows?")
    expect(question).to_contain_text("cannot be undone")
    question.get_by_role("button", name="Delete 471 rows").click()
    expect(page.locator("#row-count")).to_have_text("1 of 729 rows")
    expect(cell(page, 1, "Name")).to_have_text("place 10")
    assert len(sent) == 1
    assert Row.objects.filter(table=table).count() == 729


def test_a_row_is_read_and_written_in_full_and_somebody_faster_is_not_overwritten_unseen(
    visit: Visit, user: User
) -> None:
    table = places(user)
    group = scenes.group(table, scenes.doubling(table), "twice", reads="people")
    third = Row.objects.get(table=table, position=3)
    failed = {"status": Status.ERROR, "error": "no such host", "attempt": 1}
    Execution.objects.create(row=third, group=group, position=3, **failed)
    scenes.settle(group)
    page = visit(f"/tables/{table.pk}/")
    cell(page, 2, "Name").click()
    page.keyboard.press("Space")
    detail = dialog(page, "Row 2")
    name = detail.get_by_label("Name", exact=True)
    expect(name).to_have_value("place 2")
    expect(name).to_be_focused()
    expect(detail.get_by_text("Never ran")).to_be_visible()
    name.fill("a longer name\nof two lines")
    detail.get_by_label("Site").fill("nowhere")
    detail.get_by_label("People").focus()
    expect(detail.get_by_role("alert").filter(has_text="no web address")).to_be_visible()
    expect(cell(page, 2, "Name")).to_contain_text("a longer name")
    of = Row.objects.get(table=table, position=2)
    scenes.until(lambda: Row.objects.get(pk=of.pk).data["name"] == "a longer name\nof two lines", "it is saved")

    people = detail.get_by_label("People")
    people.fill("2001")
    Row.objects.filter(pk=of.pk).update(data={**Row.objects.get(pk=of.pk).data, "people": "1999"})
    people.press("Tab")
    expect(detail.get_by_role("alert").filter(has_text='Somebody was faster: the value is "1999" now')).to_be_visible()
    assert Row.objects.get(pk=of.pk).data["people"] == "1999"
    detail.get_by_role("button", name="Save mine").click()
    expect(detail.get_by_role("alert").filter(has_text="faster")).to_have_count(0)
    scenes.until(lambda: Row.objects.get(pk=of.pk).data["people"] == "2001", "mine is saved")

    people.focus()
    page.keyboard.press("Alt+PageDown")
    expect(dialog(page, "Row 3").get_by_label("Name", exact=True)).to_have_value("place 3")
    expect(dialog(page, "Row 3").get_by_label("People")).to_be_focused()
    detail = dialog(page, "Row 3")
    expect(detail.get_by_text("no such host")).to_be_visible()
    detail.get_by_role("button", name="Previous row").click()
    expect(dialog(page, "Row 2").get_by_label("People")).to_have_value("2001")
    page.keyboard.press("Escape")
    expect(active(page)).to_contain_text("a longer name")
    undo(page, "People")
    assert Row.objects.get(pk=of.pk).data["people"] == "1999"

    cell(page, 3, "Name").click()
    page.keyboard.press("Space")
    dialog(page, "Row 3").get_by_role("button", name="Open trace").click()
    expect(page.get_by_role("complementary", name="Trace")).to_contain_text("Attempt 1")


def test_what_is_typed_into_a_row_in_full_never_goes_into_another_one(visit: Visit, user: User) -> None:
    table = places(user)
    second, third = Row.objects.filter(table=table, position__in=[2, 3]).order_by("position")
    page = visit(f"/tables/{table.pk}/")
    page.route(f"**/api/v1/tables/{table.pk}/rows/{third.pk}/", lambda route: route.fulfill(status=403, json={}))
    cell(page, 2, "Name").click()
    page.keyboard.press("Space")
    detail = dialog(page, "Row 2")
    expect(detail.get_by_label("Name", exact=True)).to_have_value("place 2")
    detail.get_by_role("button", name="Next row").click()
    expect(detail.get_by_role("status").filter(has_text="The server answered 403")).to_be_visible()
    detail.get_by_label("Name", exact=True).fill("of the second")
    detail.get_by_label("People").fill("2001")
    detail.get_by_label("Site").focus()
    saved = {"name": "of the second", "people": "2001"}
    scenes.until(lambda: Row.objects.get(pk=second.pk).data == saved, "it is in the row that it was typed for")

    detail.get_by_label("People").fill("2002")
    rows.delete(table, [second.pk])
    expect(detail.get_by_role("status").filter(has_text="Somebody has deleted this row")).to_be_visible()
    detail.get_by_label("Site").focus()
    expect(detail.get_by_role("alert").filter(has_text="Somebody has deleted this row")).to_be_visible()
    expect(detail.get_by_label("People")).to_have_value("2002")
    assert Row.objects.get(pk=third.pk).data == {"name": "place 3", "people": "3000"}


def test_a_date_in_a_row_in_full_is_typed_or_picked_and_what_is_none_stays(visit: Visit, user: User) -> None:
    table = TableFactory.create(owner=user, columns={"name": "text", "day": "date", "at": "datetime"})
    row, _ = rows.insert(table, [{"name": "one", "day": "2026-01-31", "at": "2026-01-31T09:30:00Z"}, {"name": "next"}])
    page = visit(f"/tables/{table.pk}/")
    cell(page, 1, "Name").click()
    page.keyboard.press("Space")
    detail = dialog(page, "Row 1")
    day, at = detail.get_by_role("textbox", name="Day"), detail.get_by_role("textbox", name="At")
    expect(at).to_have_value("2026-01-31 09:30:00")
    day.fill("2026-02-31")
    at.fill("soon")
    detail.get_by_label("Name").focus()
    expect(
        detail.get_by_role("alert").filter(has_text="“2026-02-31” is no date. Write it as YYYY-MM-DD")
    ).to_be_visible()
    expect(detail.get_by_role("alert").filter(has_text="“soon” is no date and time")).to_be_visible()
    rows.update(table, {row.pk: {"name": "two"}})
    expect(cell(page, 1, "Name")).to_have_text("two")
    expect(day).to_have_value("2026-02-31")
    expect(at).to_have_value("soon")
    detail.get_by_role("button", name="Next row").click()
    expect(day).to_be_focused()
    expect(detail.get_by_label("Name")).to_have_value("two")
    at.fill("2026-02-01 10:00")
    detail.locator("input[type=date]").fill("2026-02-28")
    expect(day).to_have_value("2026-02-28")
    detail.get_by_label("Name").focus()
    wanted = {"name": "two", "day": "2026-02-28", "at": "2026-02-01T10:00:00Z"}
    scenes.until(lambda: Row.objects.get(pk=row.pk).data == wanted, "both are saved", 15)
    expect(detail.get_by_role("alert").filter(has_text="is no date")).to_have_count(0)


def test_an_empty_page_says_what_to_do_and_the_keys_are_listed(visit: Visit, user: User) -> None:
    table = TableFactory.create(name="Nothing", owner=user)
    page = visit(f"/tables/{table.pk}/")
    expect(page.get_by_role("heading", name="No columns yet")).to_be_visible()
    page.get_by_text("Add a column", exact=True).click()
    dialog(page, "New column").get_by_label("Name").fill("Name")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="No rows yet")).to_be_visible()
    expect(page.get_by_text("copy cells in a spreadsheet and paste them here")).to_be_visible()
    expect(page.get_by_role("button", name="Add a workflow column")).to_be_visible()
    page.get_by_role("button", name="Add a row").click()
    expect(page.locator("#row-count")).to_have_text("1 row")
    expect(page.get_by_role("heading", name="No rows yet")).to_have_count(0)
    page.get_by_role("searchbox", name="Search the rows").fill("nowhere")
    expect(page.get_by_role("heading", name="No rows match")).to_be_visible()
    page.get_by_role("button", name="Clear filter and search").click()
    expect(cell(page, 1, "Name")).to_be_visible()

    cell(page, 1, "Name").click()
    page.keyboard.press("?")
    help_ = dialog(page, "Keys")
    lines = {"Rows": "Insert a row below", "Finding and looking": "Find in the table", "Editing": "Undo"}
    for group, line in lines.items():
        section = help_.locator("section").filter(has=page.get_by_role("heading", name=group))
        expect(section.get_by_text(line, exact=True)).to_be_visible()
    page.keyboard.press("Escape")
    columns.create(table, {"name": "Elsewhere", "type": "text"})
    expect(page.get_by_role("columnheader").filter(has_text="Elsewhere")).to_be_visible()
