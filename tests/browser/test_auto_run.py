"""Auto-run as somebody switches it: per column and per table; nothing large starts unasked."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page, expect

from dispatch.models import Dispatch
from tableflow.tables.models import Group, Table
from tests import scenes

Visit = Callable[[str], Page]


@pytest.fixture
def table(user: User) -> Table:
    """A hundred and fifty rows with a workflow column that nobody has run."""
    return scenes.doubled(user, 150)


def is_on() -> bool:
    return Group.objects.get().auto_run


def test_a_column_is_switched_on_and_many_rows_run_only_when_asked_for(visit: Visit, table: Table) -> None:
    page = visit(f"/tables/{table.pk}/")
    head = page.get_by_role("button", name="Run out")
    head.click()
    page.get_by_role("menuitem", name="Turn auto-run on…").click()
    expect(page.get_by_role("heading", name="Run 150 cells now?")).to_be_visible()
    page.get_by_role("button", name="Only new and changed rows").click()
    mark = page.get_by_role("columnheader", name="out, Workflow column with auto-run")
    expect(mark).to_be_visible()
    assert is_on()
    assert not Dispatch.objects.exists()

    head.click()
    page.get_by_role("menuitem", name="Turn auto-run off").click()
    expect(mark).to_have_count(0)
    assert not is_on()

    head.click()
    page.get_by_role("menuitem", name="Turn auto-run on…").click()
    page.get_by_role("button", name="Run 150 cells now").click()
    expect(page.get_by_role("status").filter(has_text="Running 150 cells")).to_be_visible()
    dispatch = Dispatch.objects.get()
    assert (dispatch.mode, dispatch.is_manual) == ("new", True)


def test_the_table_is_switched_off_and_on(visit: Visit, table: Table) -> None:
    page = visit(f"/tables/{table.pk}/")
    switch = page.get_by_role("switch", name="Auto-run on")
    expect(switch).to_be_checked()
    switch.click()
    off = page.get_by_role("switch", name="Auto-run off")
    expect(off).not_to_be_checked()
    table.refresh_from_db()
    assert not table.auto_run
    off.click()
    expect(switch).to_be_checked()
    assert not Dispatch.objects.exists(), "no column runs by itself"


def test_a_column_is_made_with_auto_run_and_few_rows_run_at_once(visit: Visit, user: User) -> None:
    table = scenes.table(3)
    table.owner = user
    table.save()
    scenes.doubling(table)
    page = visit(f"/tables/{table.pk}/")
    page.get_by_role("button", name="Add", exact=True).click()
    page.get_by_role("menuitem", name="Workflow column…").click()
    page.get_by_role("combobox", name="Workflow", exact=True).select_option("work (version 1)")
    page.get_by_role("checkbox", name="Auto-run").check()
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("status").filter(has_text="Running 3 cells")).to_be_visible()
    assert is_on()
    assert Dispatch.objects.get().mode == "new"
