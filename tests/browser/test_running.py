"""Running from the page of a table: menus, keys, the gutter, the bar of a selection, the chip, the bars in the heads."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Locator, Page, Request, expect

from cells.models import Execution, Status
from dispatch.begin import begin
from dispatch.models import Dispatch
from tableflow.tables.models import Group, Row, Table
from tests import hands, scenes
from tests.browser.grid import cell, row, select

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


def test_the_menu_says_what_it_touches_and_each_choice_is_one_request(visit: Visit, table: Table, posted: Posted) -> None:
    page = visit(f"/tables/{table.pk}/")
    head = page.get_by_role("button", name="Run out")
    head.click()
    expect(page.get_by_role("menuitem", name="Run 1 failed")).to_be_visible()
    assert [said for said in choices(page) if "Auto" not in said][:8] == [
        "Run selected",
        "Run empty and failed",
        "Run 1 failed",
        "Run 1 stale",
        "Run first 10",
        "Run all…",
        "Pause",
        "Stop",
    ]
    page.keyboard.press("Escape")
    (group,) = table.groups.values_list("pk", flat=True)
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
        Dispatch.objects.all().delete()
        Execution.objects.filter(status=Status.PENDING).delete()
