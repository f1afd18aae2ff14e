"""Pauses end to end: workflows that wait and ask, real workers, and what stands in PostgreSQL at the end."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User

from cells import traces
from cells.models import Approval, Attempt, Execution, Pause
from cells.workflows import versions
from dispatch import resume
from dispatch.begin import begin
from dispatch.cancel import cancel_dispatch, cancel_runs
from dispatch.models import Dispatch, Window
from tableflow.errors import Conflict
from tableflow.tables.models import Group, Table
from tests import parts, scenes
from tests.gates import marks

pytestmark = pytest.mark.django_db(transaction=True)

DOUBLE = {"id": "double", "type": "template", "config": {"template": "{{ inputs.n * 2 }}"}}
AFTER = {"id": "after", "type": "template", "config": {"template": "{{ steps.double + 1 }}"}}
# The second one is not due yet by the clock that ends the first: cells may come to it one by one.
WAITS = {"one": 3600, "two": 10 * 3600}


@pytest.fixture
def worker(shared_worker: parts.Part) -> parts.Part:
    """The worker that the tests of this module share."""
    return shared_worker


def waiting(to: Table, seconds: Any, **options: Any) -> Group:
    """A group whose cells double, wait, and add one."""
    wait = {"id": "hold", "type": "wait", "config": {"seconds": seconds}}
    return scenes.group(to, scenes.workflow(to, [DOUBLE, wait, AFTER], "{{ steps.after }}"), **options)


def asking(to: Table, output: str = "{{ steps.ask.decision }}", key: str = "out", **config: Any) -> Group:
    """A group whose cells double, ask, and add one."""
    ask = {"id": "ask", "type": "approval", "config": {"prompt": "Is {{ inputs.n }} fine?", **config}}
    return scenes.group(to, scenes.workflow(to, [DOUBLE, ask, AFTER], output), key, type="text")


def until_asked(count: int) -> list[Approval]:
    """Wait until so many questions are open, and give them in the rows' order."""

    def found() -> list[Approval]:
        return list(Approval.objects.filter(status="open").order_by("row_id"))

    scenes.until(lambda: len(found()) == count, f"{count} questions are open")
    return found()


def answer(approval: Approval, decision: str = "approved", fields: dict[str, Any] | None = None) -> Approval:
    """Answer as the table's owner."""
    resume.answer(approval, User.objects.get(username="owner"), decision, fields)
    return approval


def until_due_went_on(count: int, ahead: timedelta = timedelta(0)) -> None:
    """Let what is due by a clock that is so far ahead go on, until so many cells did."""
    gone_on: list[int] = []
    scenes.until(
        lambda: gone_on.append(resume.resume_due(datetime.now().astimezone() + ahead)) or sum(gone_on) >= count,
        f"{count} cells go on",
    )


def trace_of(cell: Execution) -> list[dict[str, Any]]:
    """The trace of the cell's only attempt."""
    steps: list[dict[str, Any]] = Attempt.objects.get(execution=cell.pk).trace
    return steps


def assert_over(dispatch: Dispatch) -> None:
    """Every place is accounted for, and nothing of any pause is left."""
    dispatch.refresh_from_db()
    ended = dispatch.completed + dispatch.error + dispatch.cancelled + dispatch.skipped
    assert dispatch.total == ended + dispatch.waiting
    assert not Window.objects.filter(dispatch=dispatch, closed_at=None).exists()
    assert not Pause.objects.exists()
    assert not Approval.objects.filter(status="open").exists()


def test_a_cell_whose_worker_is_killed_after_it_went_on_goes_on_from_there_again(
    workers: Callable[..., list[parts.Part]], beat: parts.Part, tmp_path: Path
) -> None:
    # The first test of this module: the worker that the others share does not run yet, and cannot take the cells.
    (first,) = workers(1, concurrency=8)
    table = scenes.table(2)
    ask = {"id": "ask", "type": "approval", "config": {"prompt": "Yes?"}}
    gate = {
        "id": "gate",
        "type": "python",
        "config": {
            "function": "stage.pass_gate",
            "arguments": {"folder": str(tmp_path), "key": "{{ steps.double }}"},
        },
    }
    work = scenes.workflow(table, [DOUBLE, ask, gate], "{{ steps.ask.decision }} {{ steps.double }}")
    group = scenes.group(table, work, type="text")
    dispatch = begin(table.pk)
    for approval in until_asked(2):
        answer(approval, "rejected")
    scenes.until(lambda: len(marks(tmp_path, "arrived")) == 2, "both cells stand at the gate")
    assert traces.latest(Execution.objects.earliest("position").row_id, group.pk)["status"] == "running"  # type: ignore[index]
    first.kill()
    workers(1, concurrency=8)
    (tmp_path / "open").touch()
    dispatch = scenes.until_ended(dispatch, 90)
    assert scenes.values(table) == ["rejected 2", "rejected 4"]
    assert Approval.objects.filter(status="rejected").count() == 2
    completed = Attempt.objects.filter(status="completed")
    assert [[step["id"] for step in attempt.trace] for attempt in completed] == [["double", "ask", "gate"]] * 2
    assert Attempt.objects.filter(status="error").exists()
    assert_over(dispatch)


def test_rows_that_wait_go_on_by_themselves_and_complete_with_their_trace_in_order(
    worker: parts.Part, beat: parts.Part
) -> None:
    table = scenes.table(60)
    group = waiting(table, "{{ 1 if inputs.n % 2 else 2 }}")
    dispatch = scenes.until_ended(begin(table.pk))
    assert dispatch.status == "complete"
    assert scenes.values(table) == [2 * n + 1 for n in range(1, 61)]
    assert scenes.statuses(group) == {"completed": 60}
    for attempt in Attempt.objects.all():
        assert [(step["id"], step["status"]) for step in attempt.trace] == [
            ("double", "completed"), ("hold", "completed"), ("after", "completed"),
        ]  # fmt: skip
        assert attempt.trace[1]["output"]["resumed_at"]
        assert attempt.trace[1]["duration_ms"] >= 900
    assert Attempt.objects.count() == 60
    assert_over(dispatch)


def test_an_approved_and_a_rejected_cell_go_on_with_their_answers(worker: parts.Part) -> None:
    table = scenes.table(2)
    fields = {"type": "object", "properties": {"amount": {"type": "number"}}, "required": ["amount"]}
    said = "{{ steps.ask.decision }} {{ steps.ask.fields.amount | default('-') }} {{ steps.ask.by }}"
    asking(table, said, fields=fields)
    dispatch = begin(table.pk)
    first, second = until_asked(2)
    assert (first.prompt, first.step, first.fields) == ("Is 1 fine?", "ask", fields)
    answer(first, "approved", {"amount": 7})
    answer(second, "rejected")
    dispatch = scenes.until_ended(dispatch)
    assert scenes.values(table) == ["approved 7 owner", "rejected - owner"]
    assert dispatch.completed == 2
    cell = Execution.objects.get(row=first.row_id)
    steps = trace_of(cell)
    assert [(step["id"], step["status"]) for step in steps] == [
        ("double", "completed"), ("ask", "completed"), ("after", "completed"),
    ]  # fmt: skip
    assert steps[1]["output"]["by"] == "owner"
    assert_over(dispatch)


@pytest.mark.parametrize(("way", "value"), [("rejected", "rejected"), ("approved", "approved"), ("error", None)])
def test_a_question_that_expires_goes_on_as_it_says(worker: parts.Part, way: str, value: str | None) -> None:
    table = scenes.table(1)
    group = asking(table, expires_in=3600, on_expiry=way)
    dispatch = begin(table.pk)
    until_asked(1)
    assert resume.resume_due() == 0
    until_due_went_on(1, timedelta(hours=2))
    dispatch = scenes.until_ended(dispatch)
    assert scenes.values(table) == [value]
    assert scenes.statuses(group) == ({"error": 1} if way == "error" else {"completed": 1})
    assert Approval.objects.get().status == "expired"
    assert_over(dispatch)


def test_many_that_answer_the_same_question_run_its_cell_once(worker: parts.Part) -> None:
    table = scenes.table(1)
    asking(table)
    dispatch = begin(table.pk)
    (asked,) = until_asked(1)
    answer(asked)
    for decision in ("rejected", "approved"):
        assert answer(Approval.objects.get(), decision).status == "approved"
    dispatch = scenes.until_ended(dispatch)
    assert answer(Approval.objects.get(), "rejected").status == "approved"
    assert scenes.values(table) == ["approved"]
    assert Attempt.objects.count() == 1
    assert_over(dispatch)


def test_stop_cancels_a_paused_cell_and_withdraws_its_question(worker: parts.Part) -> None:
    table = scenes.table(2)
    group = asking(table)
    dispatch = begin(table.pk)
    first, second = until_asked(2)
    assert cancel_runs(table.pk, rows=[first.row_id]) == 1
    with pytest.raises(Conflict):
        answer(first)
    assert scenes.statuses(group) == {"cancelled": 1, "paused": 1}
    assert cancel_dispatch(dispatch.pk).status == "cancelled"
    assert scenes.statuses(group) == {"cancelled": 2}
    second.refresh_from_db()
    assert second.status == "withdrawn"
    assert [step["id"] for step in trace_of(Execution.objects.get(row=first.row_id))] == ["double", "ask"]
    assert_over(dispatch)


def test_a_paused_cell_holds_no_slot(worker: parts.Part) -> None:
    table = scenes.table(5)
    waiting_ = asking(table)
    Group.objects.filter(pk=waiting_.pk).update(concurrency=1)
    dispatch = begin(table.pk)
    asked = until_asked(5)
    assert scenes.statuses(waiting_) == {"paused": 5}
    for approval in reversed(asked):
        answer(approval)
    dispatch = scenes.until_ended(dispatch)
    assert dispatch.completed == 5
    assert_over(dispatch)


def test_groups_that_do_not_read_a_paused_one_run_beside_it_and_readers_after_it(worker: parts.Part) -> None:
    table = scenes.table(3)
    asking(table, key="asked")
    scenes.group(table, scenes.doubling(table), "beside")
    reading = scenes.workflow(
        table, [{"id": "shout", "type": "template", "config": {"template": "{{ inputs.n }}!"}}], "{{ steps.shout }}"
    )
    scenes.group(table, reading, "reader", reads="asked", type="text", run_after=["asked"])
    dispatch = begin(table.pk)
    first, *others = until_asked(3)
    scenes.until(lambda: scenes.values(table, "beside") == [2, 4, 6], "the groups beside have run")
    assert scenes.values(table, "reader") == [None] * 3
    answer(first, "rejected")
    scenes.until(lambda: scenes.values(table, "reader") == ["rejected!", None, None], "the first reader has run")
    for approval in others:
        answer(approval)
    dispatch = scenes.until_ended(dispatch)
    assert scenes.values(table, "reader") == ["rejected!", "approved!", "approved!"]
    assert (dispatch.total, dispatch.completed) == (9, 9)
    assert_over(dispatch)


def deploy(group: Group, steps: list[dict[str, Any]], output: str) -> None:
    workflow = versions.visible_to(User.objects.get(username="owner")).get(pk=group.workflow_id)
    versions.change(workflow, user=User.objects.get(username="owner"), steps=steps, outputs={"out": output})


def test_a_paused_cell_goes_on_with_its_own_version_unless_it_is_moved(worker: parts.Part) -> None:
    table = scenes.table(2)
    group = asking(table, "old {{ steps.after }}")
    dispatch = begin(table.pk)
    stays, moves = until_asked(2)
    ask = {"id": "ask", "type": "approval", "config": {"prompt": "Is it?"}}
    later = {"id": "later", "type": "template", "config": {"template": "{{ steps.double * 10 }}"}}
    deploy(group, [DOUBLE, ask, later], "new {{ steps.later }}")
    assert resume.move_to_newest(table.pk, moves.row_id, group.pk).number == 2
    answer(stays)
    answer(moves)
    dispatch = scenes.until_ended(dispatch)
    assert scenes.values(table) == ["old 3", "new 40"]
    found = {cell.row_id: cell.workflow_version for cell in Execution.objects.all()}
    assert found == {stays.row_id: 1, moves.row_id: 2}
    assert [step["id"] for step in trace_of(Execution.objects.get(row=moves.row_id))] == ["double", "ask", "later"]
    assert_over(dispatch)


def test_a_cell_that_waits_twice_stands_at_the_second_wait_after_the_first(worker: parts.Part) -> None:
    table = scenes.table(3)
    holds = [{"id": step, "type": "wait", "config": {"seconds": seconds}} for step, seconds in WAITS.items()]
    steps = [DOUBLE, *holds, AFTER]
    scenes.group(table, scenes.workflow(table, steps, "{{ steps.after }}"))
    dispatch = begin(table.pk)

    def at(step: str) -> bool:
        return Pause.objects.filter(state__step=step, execution__status="paused").count() == 3

    scenes.until(lambda: at("one"), "all cells wait")
    until_due_went_on(3, timedelta(hours=2))
    scenes.until(lambda: at("two"), "all cells wait again")
    until_due_went_on(3, timedelta(hours=20))
    dispatch = scenes.until_ended(dispatch)
    assert scenes.values(table) == [3, 5, 7]
    assert Attempt.objects.count() == 3
    assert [step["id"] for step in Attempt.objects.first().trace] == ["double", "one", "two", "after"]  # type: ignore[union-attr]
    assert_over(dispatch)
