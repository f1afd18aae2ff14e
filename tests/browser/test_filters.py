"""Which rows the table's page shows, and in which order: filters, sorts, the search, and finding; in a real browser."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Locator, Page, expect

from cells.models import Execution, Status
from tableflow.tables.models import Column, Row, Table
from tests import scenes
from tests.browser.grid import active, cell, row, select
from tests.factories import TableFactory

pytestmark = pytest.mark.django_db(transaction=True)

Visit = Callable[[str], Page]


def places(user: User, rows: int = 12) -> Table:
    """Places whose kinds alternate between town and city, and whose number of people rises."""
    columns = {"name": "text", "people": "number", "kind": "select", "open": "boolean"}
    table = TableFactory.create(name="Places", owner=user, columns=columns, row_count=rows)
    Column.objects.filter(table=table, key="kind").update(options={"choices": ["town", "city"]})
    Row.objects.bulk_create(
        Row(
            table=table,
            position=n,
            data={"name": f"place {n}", "people": n * 1000, "kind": ["town", "city"][n % 2], "open": n % 3 == 0},
        )
        for n in range(1, rows + 1)
    )
    return table


def asked(page: Page, name: str) -> str | None:
    """What the page's address says under that name."""
    found = parse_qs(urlsplit(page.url).query, keep_blank_values=True).get(name)
    return found[0] if found else None


def condition(popover: Locator, number: int, column: str, op: str) -> Locator:
    """Chooses what the condition of that number asks for, and gives its value's field."""
    popover.get_by_label("Column").nth(number).select_option(column)
    popover.get_by_label("Condition", exact=True).nth(number).select_option(op)
    return popover.get_by_label("Value", exact=True).nth(number)


def test_a_filter_of_groups_in_groups_shows_its_rows_its_chips_and_stands_in_the_address(
    visit: Visit, user: User
) -> None:
    page = visit(f"/tables/{places(user).pk}/")
    count = page.locator("#row-count")
    expect(count).to_have_text("12 rows")
    page.get_by_role("button", name="Filter", exact=True).click()
    popover = page.get_by_role("dialog", name="Filter")
    popover.get_by_role("button", name="Add a condition").click()
    people = condition(popover, 0, "People", "is at least")
    people.fill("many")
    people.press("Enter")
    expect(popover.get_by_role("alert").filter(has_text="no number")).to_be_visible()
    expect(page.get_by_role("heading", name="These rows cannot be shown")).to_be_visible()
    people.fill("5000")
    people.press("Enter")
    expect(count).to_have_text("8 of 12 rows")
    expect(popover.get_by_role("alert").filter(has_text=re.compile(r"\w"))).to_have_count(0)

    popover.get_by_role("button", name="Add a group").click()
    condition(popover, 1, "Kind", "is").select_option("city")
    expect(count).to_have_text("4 of 12 rows")
    popover.get_by_role("button", name="Add a condition").first.click()
    condition(popover, 2, "Name", "ends with").fill("8")
    popover.get_by_role("button", name="Add a group").first.click()
    condition(popover, 3, "Open", "is").select_option("Yes")
    expect(count).to_have_text("7 of 12 rows")
    popover.get_by_role("button", name="Add a condition").first.click()
    condition(popover, 4, "Name", "ends with").fill("2")
    page.keyboard.press("Enter")
    expect(count).to_have_text("6 of 12 rows")
    page.keyboard.press("Escape")

    expect(page.get_by_role("button", name="Filter (2)")).to_be_focused()
    for number, name in enumerate(["place 5", "place 7", "place 8", "place 9", "place 11", "place 12"], 1):
        expect(cell(page, number, "Name")).to_have_text(name)
    said = json.loads(asked(page, "filter") or "null")
    assert said["all"][0] == {"field": "people", "op": "gte", "value": 5000}
    assert said["all"][1]["any"][2]["all"][1] == {"field": "name", "op": "ends_with", "value": "2"}
    page.reload()
    expect(count).to_have_text("6 of 12 rows")
    page.get_by_role("button", name="Remove the condition: People is at least 5000").click()
    expect(page.get_by_role("button", name="Filter (1)")).to_be_visible()
    expect(count).to_have_text("8 of 12 rows")
    page.get_by_role("button", name=re.compile("Remove the condition: .*Kind is city")).click()
    expect(count).to_have_text("12 rows")
    assert asked(page, "filter") is None


def test_rows_are_filtered_by_what_became_of_their_cells_and_by_a_cell(visit: Visit, user: User) -> None:
    table = places(user, rows=6)
    group = scenes.group(table, scenes.doubling(table), "twice", reads="people")
    ended = [(1, Status.ERROR, "no such host"), (2, Status.ERROR, "too slow"), (3, Status.COMPLETED, "")]
    for position, status, error in ended:
        of = Row.objects.get(table=table, position=position)
        Execution.objects.create(row=of, group=group, position=position, status=status, error=error)
    scenes.settle(group)
    page = visit(f"/tables/{table.pk}/")
    page.get_by_role("button", name="Filter", exact=True).click()
    popover = page.get_by_role("dialog", name="Filter")
    popover.get_by_role("button", name="Add a condition").click()
    condition(popover, 0, "twice: state", "is").select_option("error")
    expect(page.locator("#row-count")).to_have_text("2 of 6 rows")
    popover.get_by_role("button", name="Add a condition").click()
    condition(popover, 1, "twice: error", "contains").fill("slow")
    page.keyboard.press("Enter")
    expect(page.locator("#row-count")).to_have_text("1 of 6 rows")
    expect(cell(page, 1, "Name")).to_have_text("place 2")
    options = popover.get_by_label("Value", exact=True).first.get_by_role("option")
    expect(options.filter(has_text="stale")).to_have_count(1)
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Filter (2)")).to_be_visible()

    page.get_by_role("button", name="Remove the condition: twice: state is error").click()
    page.get_by_role("button", name="Remove the condition: twice: error contains slow").click()
    cell(page, 3, "Kind").click(button="right")
    page.get_by_role("menuitem", name="Filter by this value").click()
    expect(page.get_by_role("button", name="Remove the condition: Kind is city")).to_be_visible()
    expect(page.locator("#row-count")).to_have_text("3 of 6 rows")


def test_rows_are_sorted_by_several_columns_from_the_popover_and_from_the_menu_of_a_column(
    visit: Visit, user: User
) -> None:
    page = visit(f"/tables/{places(user).pk}/")
    page.get_by_role("button", name="Sort", exact=True).click()
    popover = page.get_by_role("dialog", name="Sort")
    popover.get_by_label("Add a column").select_option("People")
    popover.get_by_label("Direction").select_option("Descending")
    expect(cell(page, 1, "Name")).to_have_text("place 12")
    popover.get_by_label("Add a column").select_option("Kind")
    popover.get_by_role("button", name="Sort by Kind earlier").click()
    expect(cell(page, 1, "Name")).to_have_text("place 11")
    expect(cell(page, 7, "Name")).to_have_text("place 12")
    page.keyboard.press("Escape")
    heads = page.get_by_role("columnheader")
    expect(heads.filter(has_text="Kind")).to_have_attribute("aria-sort", "ascending")
    expect(heads.filter(has_text="People")).to_have_attribute("aria-sort", "descending")
    assert asked(page, "sort") == "kind,-people"
    page.reload()
    expect(cell(page, 1, "Name")).to_have_text("place 11")

    page.get_by_role("button", name="Menu of People").click()
    page.get_by_role("menuitem", name="Sort ascending").click()
    expect(cell(page, 1, "Name")).to_have_text("place 1")
    expect(page.get_by_role("button", name="Sort (1)")).to_be_visible()
    cell(page, 1, "People").click()
    page.keyboard.press("Alt+ArrowDown")
    page.get_by_role("menuitem", name="Clear the sort").click()
    expect(heads.filter(has_text="People")).not_to_have_attribute("aria-sort", re.compile("."))
    assert asked(page, "sort") is None


def test_the_search_leaves_rows_out_and_finding_goes_through_all_of_them(visit: Visit, user: User) -> None:
    table = places(user, rows=1500)
    page = visit(f"/tables/{table.pk}/")
    cell(page, 1, "Name").click()
    page.keyboard.press("Control+k")
    expect(page.get_by_role("searchbox", name="Search the rows")).to_be_focused()
    page.keyboard.type("place 7")
    expect(page.locator("#row-count")).to_have_text("111 of 1,500 rows")
    assert asked(page, "search") == "place 7"
    page.keyboard.press("Escape")
    expect(page.locator("#row-count")).to_have_text("1,500 rows")
    expect(active(page)).to_have_text("place 1")

    page.keyboard.press("Control+f")
    find = page.get_by_role("searchbox", name="Find in the table")
    expect(find).to_be_focused()
    page.keyboard.type("place 140")
    expect(page.get_by_role("status").filter(has_text="1 of 11")).to_be_visible()
    expect(active(page)).to_have_text("place 140")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status").filter(has_text="2 of 11")).to_be_visible()
    expect(active(page)).to_have_text("place 1400")  # a row that had not come yet
    expect(active(page)).to_have_class(re.compile("hit"))
    page.keyboard.press("Shift+Enter")
    expect(active(page)).to_have_text("place 140")
    page.keyboard.press("F3")
    expect(active(page)).to_have_text("place 1400")
    page.keyboard.press("Escape")
    expect(find).to_be_hidden()
    expect(page.locator(".hit")).to_have_count(0)
    page.keyboard.press("ArrowDown")
    expect(active(page)).to_have_text("place 1401")
    page.keyboard.press("F3")
    find.fill("nowhere at all")
    expect(page.get_by_role("status").filter(has_text="Not found")).to_be_visible()
    page.keyboard.press("Escape")
    select(page, (1395, "Name"), (1396, "People"))
    expect(row(page, 1396)).to_be_visible()
