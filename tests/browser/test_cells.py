"""What cells show, by the contract's precedence, and the panel of their traces."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from playwright.sync_api import Page, expect

from cells.models import Attempt, Execution, Status
from dispatch.begin import begin
from dispatch.models import Dispatch, DispatchStatus, Mode
from tableflow.live import marks
from tableflow.tables.models import Group, Row, Table
from tests import hands, scenes, standing
from tests.browser.grid import active, cell
from tests.factories import TableFactory

Visit = Callable[[str], Page]
HERE = {"name": "x"}


@pytest.fixture
def table(user: User) -> Table:
    """One row of the user's, with a workflow column `out` that waits for `name`."""
    table = TableFactory.create(name="Letters", owner=user, columns={"name": "text"}, row_count=1)
    work = scenes.workflow(table, [], "{{ inputs.n }}")
    scenes.group(table, work, "out", reads="name", type="text", run_after=["name"])
    Row.objects.create(table=table, position=1, data=HERE)
    return table


def put(status: Status | None, data: dict[str, str]) -> Row:
    """The row's cell in that status, over that data."""
    Row.objects.update(data=data)
    row, group = Row.objects.get(), Group.objects.get()
    if status is not None:
        error = "It broke <b>badly</b>." if status == Status.ERROR else None
        Execution.objects.update_or_create(
            row=row, group=group, defaults={"position": 1, "status": status, "error": error, "attempt": 1}
        )
        scenes.settle(group)
    return row


@pytest.mark.parametrize(
    ("status", "data", "face", "said"),
    [
        (Status.ERROR, {**HERE, "out": "old"}, "value", r"^Error\s*old$"),
        (Status.RUNNING, {**HERE, "out": "old"}, "running", r"^Running\s*old$"),
        (Status.RUNNING, HERE, "running", r"^Running$"),
        (Status.COMPLETED, {**HERE, "out": "new"}, "value", r"^new$"),
        (Status.PAUSED, HERE, "paused", r"^Paused"),
        (Status.PENDING, {**HERE, "out": "old"}, "queued", r"^Queued\s*old$"),
        (Status.QUEUED, HERE, "queued", r"^Queued$"),
        (None, {}, "waiting", r"^Waiting\s*for Name$"),
        (Status.CANCELLED, {}, "waiting", r"^Waiting\s*for Name$"),
        (Status.CANCELLED, HERE, "cancelled", r"^Cancelled$"),
        (Status.ERROR, HERE, "error", r"^Error\s*It broke <b>badly</b>\.$"),
        (Status.SKIPPED, HERE, "skipped", r"^Skipped$"),
        (Status.COMPLETED, HERE, "no-output", r"^No output$"),
        (None, HERE, "blank", r"^$"),
    ],
)
def test_a_cell_follows_the_precedence(
    visit: Visit, table: Table, status: Status | None, data: dict[str, str], face: str, said: str
) -> None:
    put(status, data)
    page = visit(f"/tables/{table.pk}/")
    shown = cell(page, 1, "out")
    expect(shown).to_have_attribute("data-face", face)
    expect(shown).to_have_text(re.compile(said))
    if "old" in data.get("out", "") and face != "value":
        expect(shown).to_have_class(re.compile("dimmed"))
    if status == Status.ERROR:
        expect(shown).to_have_attribute("title", "It broke <b>badly</b>.")


def test_a_value_that_comes_live_takes_the_place_of_its_pill(visit: Visit, table: Table) -> None:
    put(Status.RUNNING, {**HERE, "out": "old"})
    page = visit(f"/tables/{table.pk}/")
    expect(cell(page, 1, "out")).to_have_text(re.compile("Running"))
    pill = page.locator("[role=gridcell] .pill").element_handle()
    row = put(Status.COMPLETED, {**HERE, "out": "a text that is long enough to be seen while it comes"})
    marks.cells(table.pk, [row.pk], {"completed": 1})
    expect(cell(page, 1, "out")).to_have_text("a text that is long enough to be seen while it comes")
    assert not pill.is_visible()


def test_the_trace_opens_by_key_and_by_its_pill_and_gives_the_place_back(
    visit: Visit, table: Table, user: User
) -> None:
    row = put(Status.ERROR, HERE)
    ended = Dispatch.objects.create(
        table=table, mode=Mode.ALL, status=DispatchStatus.COMPLETE, sequence=0, concurrency=1, width=1, plan=[],
        scope={}, requested_at=timezone.now(), finished_at=timezone.now(), requested_by=user,
    )  # fmt: skip
    Execution.objects.update(dispatch_id=ended.pk)
    Attempt.objects.create(
        execution=Execution.objects.get(), dispatch_id=ended.pk, number=1, status=Status.ERROR,
        error="It broke <b>badly</b>.", finished_at=timezone.now(),
        trace=[{"id": "ask", "type": "http", "status": "error", "error": "refused", "attempts": 3}],
    )  # fmt: skip
    page = visit(f"/tables/{table.pk}/")
    panel = page.get_by_role("complementary", name="Trace")
    cell(page, 1, "out").get_by_text("Error").click()
    expect(panel).to_contain_text("It broke <b>badly</b>.")
    expect(panel).to_contain_text("3 tries")
    expect(panel).to_contain_text(f"Run {ended.pk} · started by ada")
    expect(panel.get_by_role("button", name="Close the trace")).to_be_focused()
    page.keyboard.press("Escape")
    expect(panel).to_be_hidden()
    expect(active(page)).to_have_text(re.compile("Error"))
    page.keyboard.press("Enter")
    expect(panel).to_contain_text("refused")

    panel.get_by_role("button", name="Run again").click()
    expect(panel).to_contain_text("Pending")
    expect(cell(page, 1, "out")).to_have_text(re.compile("Queued"))
    assert row.pk


def test_a_question_is_answered_in_the_panel_and_what_is_half_typed_stays(visit: Visit, table: Table) -> None:
    dispatch = begin(table.pk)
    (execution,) = standing.pause(
        dispatch, hands.worker("hand"), "approval", standing.far_ahead(), most=1, step="ask",
        prompt="Send it?", fields={"type": "object", "properties": {"note": {"type": "string"}}},
    )  # fmt: skip
    assert execution
    page = visit(f"/tables/{table.pk}/")
    cell(page, 1, "out").click()
    page.keyboard.press("Enter")
    panel = page.get_by_role("complementary", name="Trace")
    panel.get_by_label("Note").fill("half of")
    Row.objects.update(data={"name": "y"})
    marks.rows(table.pk, [Row.objects.get().pk])
    expect(cell(page, 1, "Name")).to_have_text("y")
    expect(panel.get_by_label("Note")).to_have_value("half of")
    panel.get_by_role("button", name="Approve").click()
    expect(page.get_by_role("status").filter(has_text="Approved")).to_be_visible()
    expect(panel.get_by_label("Note")).to_have_count(0)
