"""The grid while much changes under it, while somebody else works in it, and where it is very tall."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client
from playwright.sync_api import Page, expect

from tableflow.tables import rows
from tableflow.tables.models import Row, Table
from tests import scenes, seen
from tests.browser.grid import cell, row
from tests.conftest import Web

pytestmark = pytest.mark.django_db(transaction=True)

Visit = Callable[[str], Page]
MILLION = 1_000_000


@pytest.fixture
def other(page: Page, visit: Visit, live_web: Web) -> Iterator[Callable[[str], Page]]:
    """`other(path)` opens a page as somebody else, in a browser of their own."""
    somebody = User.objects.create_superuser("grace", password="nanoseconds")
    client = Client()
    client.force_login(somebody)
    browser = page.context.browser
    assert browser is not None
    with browser.new_context() as context:
        session = client.cookies[settings.SESSION_COOKIE_NAME].value
        context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": live_web.url}])
        theirs = context.new_page()

        def go(path: str) -> Page:
            theirs.goto(live_web.url + path)
            return theirs

        yield go
        theirs.goto("about:blank")


def test_what_is_seen_is_what_the_server_has_after_many_changes_while_one_scrolls(visit: Visit, user: User) -> None:
    table = seen.texts(user, rows=2000, columns=8)
    ids = list(Row.objects.filter(table=table, position__lte=500).order_by("position").values_list("pk", flat=True))
    page = visit(f"/tables/{table.pk}/")
    page.get_by_role("grid").hover()
    chance = random.Random(5)
    for turn in range(80):
        # Few rows are named by a hint, many are not: both ways are gone.
        several = chance.sample(ids, 5 if turn % 2 else 60)
        rows.update(table, {row: {f"c{chance.randrange(8)}": f"turn {turn}"} for row in several})
        page.mouse.wheel(0, 300 if turn < 40 else -250)
    for keys in ("", "Control+Home", "PageDown", "Control+End"):
        if keys:
            page.keyboard.press(keys)
        scenes.until(lambda: seen.is_true(page, table), f"the page shows what is stored, after {keys!r}")


def test_two_people_on_one_table_see_each_other(visit: Visit, other: Visit, user: User) -> None:
    table = seen.texts(user, rows=5, columns=2)
    scenes.group(table, scenes.workflow(table, [], "{{ inputs.n }}"), "out", reads="c0", type="text")
    mine, theirs = visit(f"/tables/{table.pk}/"), other(f"/tables/{table.pk}/")
    expect(cell(theirs, 1, "C0")).to_have_text("r1 c0")
    cell(mine, 2, "C1").dblclick()
    mine.keyboard.press("ControlOrMeta+A")
    mine.keyboard.type("Paris")
    mine.keyboard.press("Enter")
    expect(cell(theirs, 2, "C1")).to_have_text("Paris")
    cell(theirs, 3, "C1").dblclick()
    theirs.keyboard.press("ControlOrMeta+A")
    theirs.keyboard.type("Oslo")
    theirs.keyboard.press("Enter")
    expect(cell(mine, 3, "C1")).to_have_text("Oslo")
    theirs.get_by_role("button", name="Add row").click()
    expect(mine.get_by_text("6 rows", exact=True)).to_be_visible()
    mine.get_by_role("button", name="Add", exact=True).click()
    mine.get_by_role("menuitem", name="Column…", exact=True).click()
    mine.get_by_role("dialog").get_by_label("Name", exact=True).fill("Country")
    mine.get_by_role("button", name="Add the column").click()
    expect(theirs.get_by_role("columnheader", name="Country")).to_be_visible()
    theirs.get_by_role("button", name="Run out", exact=True).click()
    theirs.get_by_role("menuitem", name="Run first 10").click()
    expect(cell(mine, 5, "out")).to_have_text("Queued")


def test_the_last_of_a_million_rows_is_reached(visit: Visit, user: User) -> None:
    table = seen.texts(user, rows=MILLION, columns=1)
    page = visit(f"/tables/{table.pk}/")
    cell(page, 1, "C0").click()
    page.keyboard.press("Control+End")
    last = cell(page, MILLION, "C0")
    expect(last).to_have_text(f"r{MILLION} c0")
    expect(last).to_be_in_viewport(ratio=1)
    number = row(page, MILLION).get_by_role("rowheader")
    expect(number).to_contain_text(str(MILLION))
    assert number.evaluate("gutter => gutter.scrollWidth <= gutter.clientWidth"), "seven digits have room"
    page.mouse.wheel(0, -120)
    scenes.until(lambda: MILLION not in seen.shown(page) and seen.is_true(page, table), "a notch up a few rows go out")
    assert MILLION - max(seen.shown(page)) < 10
    page.keyboard.press("Control+Home")
    expect(cell(page, 1, "C0")).to_have_text("r1 c0")
    assert Table.objects.get().row_count == MILLION
