"""Pausing and resuming a run from the page, and what the page says of it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page, expect

from cells.models import Status
from dispatch.begin import begin
from dispatch.models import Dispatch
from tableflow.tables.models import Member, Table
from tests import hands, scenes
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db(transaction=True)

Visit = Callable[[str], Page]


@pytest.fixture
def table(user: User) -> Table:
    """Five rows of the user's, and a workflow column."""
    return scenes.doubled(user, 5)


def test_a_run_is_paused_and_resumed_by_one_button_that_swaps(visit: Visit, user: User, table: Table) -> None:
    dispatch = begin(table.pk)
    hands.admit(dispatch)
    page = visit(f"/tables/{table.pk}/")
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_role("button", name="Resume")).to_be_visible()
    expect(page.get_by_role("button", name="Pause")).to_have_count(0)
    expect(page.get_by_text("Paused by ada.")).to_be_visible()
    expect(page.get_by_text("Paused · 0 done")).to_be_visible()
    assert Dispatch.objects.get().status == "paused"
    page.get_by_role("button", name="Resume").click()
    expect(page.get_by_role("button", name="Pause")).to_be_visible()
    expect(page.get_by_text("Paused by")).to_have_count(0)
    assert Dispatch.objects.get().status == "dispatching"


def test_a_reached_cap_is_told_and_a_resume_says_what_to_do(visit: Visit, table: Table) -> None:
    dispatch = begin(table.pk, caps={"errors": 1})
    hands.admit(dispatch)
    (claimed,) = hands.claim(hands.worker(), dispatch, 1)
    hands.finish([hands.ended(claimed.lead, Status.ERROR)])
    page = visit(f"/tables/{table.pk}/")
    page.get_by_role("button", name="Pause").click()
    page.get_by_role("button", name="Resume").click()
    expect(page.get_by_role("status").filter(has_text="caps.errors")).to_be_visible()
    expect(page.get_by_role("button", name="Resume")).to_be_visible()


def test_one_paused_run_beside_another_that_goes_on_can_be_resumed(visit: Visit, table: Table) -> None:
    scenes.group(table, scenes.doubling(table), "other")
    first, second = (begin(table.pk, groups=[group.pk]) for group in table.groups.order_by("pk"))
    page = visit(f"/tables/{table.pk}/")
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_role("button", name="Resume")).to_be_visible()
    assert set(Dispatch.objects.values_list("status", flat=True)) == {"paused"}
    Dispatch.objects.filter(pk=first.pk).update(status="pending", paused_because=None)
    page.reload()
    expect(page.get_by_role("button", name="Pause")).to_be_visible()
    page.get_by_role("button", name="Resume").click()
    expect(page.get_by_role("button", name="Resume")).to_have_count(0)
    second.refresh_from_db()
    assert second.status == "pending"

    page.get_by_role("button", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Pause 2 runs").click()
    expect(page.get_by_role("button", name="Resume")).to_be_visible()
    assert set(Dispatch.objects.values_list("status", flat=True)) == {"paused"}
    page.get_by_role("button", name="Run other").click()
    expect(page.get_by_role("menuitem", name="Pause")).to_have_attribute("aria-disabled", "true")
    page.get_by_role("menuitem", name="Resume", exact=True).click()
    expect(page.get_by_role("button", name="Pause")).to_be_visible()
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.status, second.status) == ("paused", "pending"), "only the run of that workflow column goes on"


def test_who_may_only_look_sees_that_a_run_is_paused_and_no_button(visit: Visit, user: User, table: Table) -> None:
    Table.objects.filter(pk=table.pk).update(owner=UserFactory())
    User.objects.filter(pk=user.pk).update(is_superuser=False)
    Member.objects.create(table=table, user=user, role=Member.Role.VIEWER)
    dispatch = begin(table.pk)
    Dispatch.objects.filter(pk=dispatch.pk).update(status="paused", paused_because="10 cells failed; the cap is 10.")
    page = visit(f"/tables/{table.pk}/")
    expect(page.get_by_text("10 cells failed; the cap is 10.")).to_be_visible()
    expect(page.get_by_role("button", name="Resume")).to_have_count(0)
