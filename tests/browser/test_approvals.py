"""Questions as somebody answers them, in a real browser: on their page, and in the panel of the cell."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import APIResponse, Locator, Page, Route, expect

from cells.models import Approval, Pause
from dispatch import resume
from dispatch.begin import begin
from dispatch.models import Dispatch
from tableflow.live import marks
from tableflow.tables.models import Row, Table
from tests import hands, scenes, standing
from tests.browser.grid import cell
from tests.factories import TableFactory, UserFactory

Visit = Callable[[str], Page]
FORM = {
    "type": "object",
    "properties": {
        "amount": {"type": "number", "title": "Amount", "description": "In euros, without tax."},
        "tone": {"enum": ["plain", "warm"], "title": "Tone", "default": "plain"},
        "urgent": {"type": "boolean", "title": "Urgent"},
        "send_on": {"type": "string", "format": "date"},
        "not_before": {"type": "string", "format": "date-time"},
        "note": {"type": "string", "maxLength": 400},
        "extra": {"type": "array", "items": {"type": "string"}},
    },
    "required": ["amount", "urgent"],
}


@pytest.fixture
def letters(user: User) -> Table:
    """Three rows of the user's with a workflow column `out`."""
    table = TableFactory.create(name="Letters", owner=user, columns={"name": "text"}, row_count=3)
    Row.objects.bulk_create(Row(table=table, position=n, data={"name": f"letter {n}"}) for n in (1, 2, 3))
    work = scenes.workflow(table, [], "{{ inputs.n }}")
    scenes.group(table, work, "out", reads="name", type="text")
    return table


@pytest.fixture
def dispatch(letters: Table) -> Dispatch:
    """A run of it that nobody works on but the test."""
    return begin(letters.pk)


def ask(dispatch: Dispatch, due_at: Any = None, **question: Any) -> Approval:
    """The run's next cell asks."""
    worker = hands.worker(f"hand-{Approval.objects.count()}")
    (execution,) = standing.pause(dispatch, worker, "approval", due_at, most=1, step="ask", **question)
    return Approval.objects.get(execution_id=execution)


def question(page: Page, about: str) -> Locator:
    """The card of the question about the row of that name."""
    return page.get_by_role("article", name=about)


def test_a_question_is_answered_with_its_form(visit: Visit, dispatch: Dispatch) -> None:
    asked = ask(dispatch, standing.far_ahead(), prompt="Shall it be sent?\nIt is long.", fields=FORM)
    page = visit("/approvals/")
    card = question(page, "out: letter 1")
    expect(card).to_contain_text("Shall it be sent?")
    expect(card).to_contain_text("answer by")
    expect(card.get_by_label("Tone")).to_have_value('"plain"')
    card.get_by_label("Amount").fill("lots")
    card.get_by_label("Urgent").select_option("Yes")
    card.get_by_role("button", name="Approve").click()
    expect(card.locator("[data-problem='fields.amount']")).to_contain_text("This must be a number.")
    expect(card.locator("[name='fields.amount']")).to_have_accessible_description(re.compile("This must be a number."))
    card.get_by_label("Amount").fill("12.5")
    card.get_by_label("Tone").select_option("warm")
    card.get_by_label("Send on").fill("2026-12-24")
    card.get_by_label("Not before").fill("2026-12-24T08:30")
    card.get_by_label("Note").fill("Dear all")
    card.get_by_label("Extra").fill('["a", "b"]')
    card.get_by_role("button", name="Approve").click()
    expect(page.get_by_role("status").filter(has_text="Approved by ada.")).to_be_visible()
    expect(page.get_by_text("Nothing waits for an answer")).to_be_visible()
    asked.refresh_from_db()
    assert asked.status == "approved"
    assert asked.answer is not None
    at = asked.answer.pop("not_before")
    assert at.startswith("2026-12-24T")
    assert at.endswith("Z")
    assert asked.answer == {
        "amount": 12.5,
        "tone": "warm",
        "urgent": True,
        "send_on": "2026-12-24",
        "note": "Dear all",
        "extra": ["a", "b"],
    }
    page.get_by_role("link", name="Answered").click()
    expect(question(page, "out: letter 1")).to_contain_text("Dear all")
    expect(question(page, "out: letter 1")).to_contain_text("by ada")


def test_rejecting_needs_no_form_filled_in(visit: Visit, dispatch: Dispatch) -> None:
    asked = ask(dispatch, fields=FORM)
    page = visit("/approvals/")
    card = question(page, "out: letter 1")
    card.get_by_role("button", name="Approve").click()
    expect(card.get_by_label("Amount")).to_be_focused()
    assert Approval.objects.get().status == "open"
    card.get_by_role("button", name="Reject").click()
    expect(page.get_by_role("status").filter(has_text="Rejected by ada.")).to_be_visible()
    asked.refresh_from_db()
    assert (asked.status, asked.answer) == ("rejected", {"tone": "plain"})


def test_what_is_half_typed_stays_while_questions_come_and_go(visit: Visit, dispatch: Dispatch, user: User) -> None:
    first, _second = ask(dispatch), ask(dispatch, fields=FORM)
    page = visit("/approvals/")
    expect(page.get_by_role("article")).to_have_count(2)
    question(page, "letter 2").get_by_label("Note").fill("half writ")
    ask(dispatch)
    resume.answer(first, user, "approved", None)
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    expect(question(page, "letter 1")).to_have_count(0)
    expect(question(page, "letter 3")).to_be_visible()
    expect(question(page, "letter 2").get_by_label("Note")).to_have_value("half writ")
    expect(question(page, "letter 2").get_by_label("Note")).to_be_focused()


def test_who_answers_is_told_even_when_the_list_knows_of_it_first(visit: Visit, dispatch: Dispatch) -> None:
    ask(dispatch)
    page = visit("/approvals/")
    card = question(page, "letter 1")
    held: list[tuple[Route, APIResponse]] = []
    page.route("**/api/v1/approvals/**", lambda route: held.append((route, route.fetch())))
    with page.expect_request("**/api/v1/approvals/**"):
        card.get_by_role("button", name="Approve").click()
    scenes.until(lambda: page.evaluate("1") and held, "the server has answered")
    for _ in range(2):  # the second one goes out when the first one has been taken in
        with page.expect_response("**/approvals/"):
            page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    expect(card).to_be_visible()
    ((route, response),) = held
    route.fulfill(response=response)
    expect(page.get_by_role("status").filter(has_text="Approved by ada.")).to_be_visible()
    expect(card).to_have_count(0)


def test_whose_answer_came_too_late_is_told_that_it_was_not_taken(visit: Visit, dispatch: Dispatch) -> None:
    asked = ask(dispatch)
    page = visit("/approvals/")
    card = question(page, "letter 1")
    expect(card).to_be_visible()
    page.route("**/approvals/", lambda _: None)  # The list stays as it is.
    resume.answer(asked, UserFactory(username="bob", is_superuser=True), "approved", None)
    card.get_by_role("button", name="Reject").click()
    said = "Already answered: approved by bob. Your answer was not taken."
    expect(page.get_by_role("status").filter(has_text=said)).to_be_visible()
    asked.refresh_from_db()
    assert asked.status == "approved"


def test_a_question_that_was_withdrawn_says_so(visit: Visit, dispatch: Dispatch) -> None:
    asked = ask(dispatch)
    page = visit("/approvals/")
    card = question(page, "letter 1")
    expect(card).to_be_visible()
    page.route("**/approvals/", lambda route: route.abort())
    page.route("**/api/v1/approvals/**", lambda route: route.continue_())
    Approval.objects.filter(pk=asked.pk).update(status="withdrawn")
    card.get_by_role("button", name="Approve").click()
    expect(card.get_by_role("alert")).to_contain_text("Nobody waits for this answer any more")


def test_a_cell_is_answered_in_its_panel(visit: Visit, dispatch: Dispatch, letters: Table) -> None:
    ask(dispatch, fields=FORM, prompt="Shall it be sent?")
    standing.pause(dispatch, hands.worker(), "wait", standing.far_ahead(), most=1)
    page = visit(f"/tables/{letters.pk}/")
    asking, waiting = cell(page, 1, "out"), cell(page, 2, "out")
    expect(asking).to_contain_text("Paused")
    expect(asking).to_contain_text("needs an answer")
    expect(waiting).to_contain_text("waits until")
    asking.dblclick()
    panel = page.get_by_role("complementary", name="Trace")
    expect(panel).to_contain_text("Shall it be sent?")
    panel.get_by_label("Amount").fill("3")
    with page.expect_response("**/traces/**"):  # the cell is read again while it is under way
        marks.rows(letters.pk, None)
    expect(panel.get_by_label("Amount")).to_have_value("3")
    panel.get_by_label("Urgent").select_option("No")
    panel.get_by_role("button", name="Approve").click()
    expect(page.get_by_role("status").filter(has_text="Approved by ada.")).to_be_visible()
    expect(panel.get_by_role("button", name="Approve")).to_have_count(0)
    expect(asking).to_contain_text("Queued")
    result = Pause.objects.exclude(result=None).get().result
    assert result["fields"] == {"amount": 3, "tone": "plain", "urgent": False}


def test_a_cell_is_answered_on_its_page(visit: Visit, dispatch: Dispatch, letters: Table) -> None:
    asked = ask(dispatch, fields=FORM, prompt="Shall it be sent?")
    row, group = Row.objects.get(table=letters, data__name="letter 1"), letters.groups.get()
    page = visit(f"/tables/{letters.pk}/rows/{row.pk}/cells/{group.pk}/")
    page.get_by_label("Amount").fill("3")
    with page.expect_response("**/cells/**"):  # the page is read again while the cell is under way
        marks.rows(letters.pk, None)
    expect(page.get_by_label("Amount")).to_have_value("3")
    page.get_by_label("Urgent").select_option("No")
    page.get_by_role("button", name="Approve").click()
    expect(page.get_by_role("status").filter(has_text="Approved by ada.")).to_be_visible()
    expect(page.get_by_role("button", name="Approve")).to_have_count(0)
    asked.refresh_from_db()
    assert asked.status == "approved"


@pytest.mark.parametrize("width", [1440, 800])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_questions_fit_the_window(visit: Visit, page: Page, dispatch: Dispatch, scheme: Any, width: int) -> None:
    ask(dispatch, prompt="long " * 400 + "x" * 500, fields=FORM, assignees=["ada", *("b" * 150 for _ in range(5))])
    ask(dispatch, prompt="Short?")
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": 900 if width > 1000 else 600})
    visit("/approvals/")
    expect(page.get_by_role("article")).to_have_count(2)
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert page.evaluate("[...document.querySelectorAll('article')].every(a => a.scrollWidth <= a.clientWidth)")
