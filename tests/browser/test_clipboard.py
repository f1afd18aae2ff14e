"""Copy, cut and paste: cells as spreadsheets copy them, new rows, what is not here, what may not be written."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page, Route, expect

from tableflow.tables import rows
from tableflow.tables.models import Row, Table
from tests import scenes, seen
from tests.browser.grid import active, cell, select
from tests.factories import TableFactory

pytestmark = pytest.mark.django_db(transaction=True)

Visit = Callable[[str], Page]
Cells = list[list[object]]


@pytest.fixture
def table(user: User) -> Table:
    """Four rows with a text, a number and a checkbox."""
    made = TableFactory.create(owner=user, columns={"name": "text", "size": "number", "done": "boolean"})
    rows.insert(made, [{"name": f"row {n}", "size": n, "done": n % 2 == 0} for n in range(1, 5)])
    return made


@pytest.fixture
def copied(page: Page) -> Callable[[], str]:
    """`copied()` gives the text in the clipboard."""
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    return lambda: str(page.evaluate("navigator.clipboard.readText()"))


def paste(page: Page, text: str) -> None:
    """Paste this text where the focus is."""
    page.evaluate("text => navigator.clipboard.writeText(text)", text)
    page.keyboard.press("ControlOrMeta+V")


def holds(table: Table, *expected: list[object]) -> None:
    """Wait until the table's rows have these names and sizes."""

    def found() -> Cells:
        stored = Row.objects.filter(table=table).order_by("position").values_list("data", flat=True)
        return [[data.get("name"), data.get("size")] for data in stored]

    scenes.until(lambda: found() == list(expected), f"the table holds {expected}", 15)


def test_cells_are_copied_pasted_appended_and_taken_back(visit: Visit, table: Table, copied: Callable[[], str]) -> None:
    first = Row.objects.filter(table=table).earliest("position")
    rows.update(table, {first.pk: {"name": 'a\t"b"\nc'}})
    page = visit(f"/tables/{table.pk}/")
    toast = page.get_by_role("status")
    select(page, (1, "Name"), (2, "Done"))
    page.keyboard.press("ControlOrMeta+C")
    scenes.until(lambda: copied() == '"a\t""b""\nc"\t1\tFALSE\nrow 2\t2\tTRUE\n', "it is in the clipboard", 15)
    cell(page, 4, "Name").click()
    page.keyboard.press("ControlOrMeta+V")
    first_two: Cells = [['a\t"b"\nc', 1], ["row 2", 2]]
    holds(table, *first_two, ["row 3", 3], *first_two)
    expect(toast.filter(has_text="Pasted 2 rows of 3 columns. 1 row is new.")).to_be_visible()
    expect(cell(page, 5, "Size")).to_have_text("2")
    expect(cell(page, 5, "Done")).to_have_attribute("aria-selected", "true")
    page.keyboard.press("ControlOrMeta+Z")
    expect(toast.filter(has_text="Undone: Paste of 6 cells")).to_be_visible()
    holds(table, *first_two, ["row 3", 3], ["row 4", 4])
    expect(cell(page, 5, "Name")).to_have_count(0)
    page.keyboard.press("ControlOrMeta+Y")
    expect(toast.filter(has_text="Done again: Paste of 6 cells")).to_be_visible()
    holds(table, *first_two, ["row 3", 3], *first_two)
    page.keyboard.press("ControlOrMeta+Z")
    expect(toast.filter(has_text="Undone: Paste of 6 cells")).to_be_visible()
    holds(table, *first_two, ["row 3", 3], ["row 4", 4])

    select(page, (2, "Size"), (4, "Size"))
    paste(page, "7")
    holds(table, first_two[0], ["row 2", 7], ["row 3", 7], ["row 4", 7])
    select(page, (3, "Name"), (4, "Name"))
    page.keyboard.press("ControlOrMeta+X")
    holds(table, first_two[0], ["row 2", 7], [None, 7], [None, 7])
    assert copied() == "row 3\nrow 4\n"
    cell(page, 1, "Name").click()
    page.keyboard.press("ControlOrMeta+V")
    holds(table, ["row 3", 1], ["row 4", 7], [None, 7], [None, 7])
    cell(page, 3, "Name").click()
    page.keyboard.press("ControlOrMeta+C")
    scenes.until(lambda: copied() == "\n", "an empty cell is in the clipboard", 15)
    cell(page, 1, "Name").click()
    page.keyboard.press("ControlOrMeta+V")
    holds(table, [None, 1], ["row 4", 7], [None, 7], [None, 7])


def test_what_cannot_be_pasted_is_told(visit: Visit, table: Table, copied: Callable[[], str]) -> None:
    scenes.group(table, scenes.doubling(table), reads="size")
    page = visit(f"/tables/{table.pk}/")
    toast = page.get_by_role("status")
    whole: Cells = [[f"row {n}", n] for n in range(1, 5)]
    cell(page, 2, "Name").click()
    paste(page, "x\t1\nbad\tmany\n")
    expect(toast.filter(has_text="Nothing was written: Line 2, Size: 'many' is no number")).to_be_visible()
    expect(cell(page, 2, "Name")).to_have_text("row 2")
    holds(table, *whole)
    cell(page, 2, "Size").click()
    paste(page, "22\tyes\t99\tbeyond\n")
    expect(
        toast.filter(
            has_text="Pasted 1 row of 2 columns. “out” is filled by workflows and left as it is. 1 column had no place."
        )
    ).to_be_visible()
    holds(table, whole[0], ["row 2", 22], *whole[2:])
    cell(page, 1, "Name").click()
    paste(page, "line\n" * 10_001)
    expect(toast.filter(has_text="At most 10,000 rows can be pasted at once; these are 10,001.")).to_be_visible()
    assert Row.objects.count() == 4

    page.get_by_role("searchbox", name="Search the rows").fill("row 3")
    expect(cell(page, 2, "Name")).to_have_count(0)
    cell(page, 1, "Size").click()
    paste(page, "33\n44\n")
    holds(table, whole[0], ["row 2", 22], ["row 3", 33], whole[3], [None, 44])
    assert copied() == "33\n44\n"


def test_a_paste_waits_for_the_edit_before_it_and_leaves_what_others_typed_beside_it(
    visit: Visit, table: Table, copied: Callable[[], str]
) -> None:
    page = visit(f"/tables/{table.pk}/")
    toast = page.get_by_role("status")
    held: list[Route] = []

    def wait(route: Route) -> None:
        held.append(route)

    page.route("**/rows/*/", wait)
    cell(page, 4, "Name").click()
    page.keyboard.type("typed")
    with page.expect_request("**/rows/*/"):
        page.keyboard.press("Enter")
    with page.expect_request("**/block/") as sent:
        cell(page, 4, "Name").click()
        paste(page, "pasted\nnew\n")
        expect(cell(page, 4, "Name")).to_have_text("pasted")
        held.pop().continue_()
    assert "typed" not in str(sent.value.post_data_json)
    whole: Cells = [[f"row {n}", n] for n in range(1, 4)]
    holds(table, *whole, ["pasted", 4], ["new", None])
    expect(toast.filter(has_text="1 row is new.")).to_be_visible()
    made = Row.objects.filter(table=table).latest("position").pk
    rows.update(table, {made: {"size": 9}})
    page.keyboard.press("ControlOrMeta+Z")
    expect(toast.filter(has_text="Not undone: Paste of 2 cells. Somebody has changed it since")).to_be_visible()
    holds(table, *whole, ["pasted", 4], ["new", 9])


def test_taking_back_a_paste_goes_on_where_it_stopped_and_doing_it_again_makes_its_rows_once(
    visit: Visit, table: Table, copied: Callable[[], str]
) -> None:
    page = visit(f"/tables/{table.pk}/")
    toast = page.get_by_role("status")
    whole: Cells = [[f"row {n}", n] for n in range(1, 5)]
    cell(page, 4, "Name").click()
    paste(page, "pasted\nnew\n")
    holds(table, *whole[:3], ["pasted", 4], ["new", None])
    expect(toast.filter(has_text="1 row is new.")).to_be_visible()
    page.route("**/rows/", lambda route: route.fulfill(status=429), times=1)
    page.keyboard.press("ControlOrMeta+Z")
    expect(toast.filter(has_text="Not undone: Paste of 2 cells. The server answered 429")).to_be_visible()
    page.keyboard.press("ControlOrMeta+Z")
    expect(toast.filter(has_text="Undone: Paste of 2 cells")).to_be_visible()
    holds(table, *whole)

    def lose(route: Route) -> None:
        route.fetch()
        route.fulfill(status=429)

    page.route("**/block/", lose, times=1)
    page.keyboard.press("ControlOrMeta+Y")
    expect(toast.filter(has_text="Not done again: Paste of 2 cells. The server answered 429")).to_be_visible()
    page.keyboard.press("ControlOrMeta+Y")
    expect(toast.filter(has_text="Done again: Paste of 2 cells")).to_be_visible()
    holds(table, *whole[:3], ["pasted", 4], ["new", None])


def test_rows_that_are_not_here_are_copied_by_the_server(visit: Visit, user: User, page: Page) -> None:
    table = seen.texts(user, rows=1000, columns=2)
    rows.update(table, {Row.objects.latest("position").pk: {"c1": "y" * 900}})
    page.add_init_script("delete Navigator.prototype.clipboard")  # as over plain http
    visit(f"/tables/{table.pk}/")
    toast = page.get_by_role("status")
    cell(page, 1, "C0").click()
    page.keyboard.press("ControlOrMeta+A")
    page.keyboard.press("ControlOrMeta+C")
    expect(toast.filter(has_text="1,000 rows are here. Press Ctrl+C again")).to_be_visible()
    page.keyboard.press("ControlOrMeta+C")
    page.keyboard.press("ControlOrMeta+End")
    page.keyboard.press("Home")
    expect(active(page)).to_have_text("r1000 c0")
    page.keyboard.press("ControlOrMeta+V")
    scenes.until(lambda: Row.objects.filter(table=table).count() == 1999, "the copies are there", 30)
    stored = list(Row.objects.filter(table=table).order_by("position").values_list("data", flat=True))
    assert stored[999:] == [*stored[:999], {"c0": "r1000 c0", "c1": "y" * 900}]
    expect(toast.filter(has_text="Pasted 1,000 rows of 2 columns. 999 rows are new.")).to_be_visible()
