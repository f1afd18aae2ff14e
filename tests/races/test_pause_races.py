"""Paused cells between two connections: two who resume, two who answer, an answer and Stop, an answer and expiry."""

from __future__ import annotations

from collections import Counter

import pytest
from django.db import transaction

from cells import approvals, pauses
from cells.models import Approval, Execution, Pause
from dispatch import lifecycle, resume, windows
from dispatch.begin import begin
from dispatch.cancel import cancel_dispatch, cancel_runs
from dispatch.models import Dispatch, Window
from tableflow.errors import Conflict
from tests import hands, scenes, standing

pytestmark = pytest.mark.django_db(transaction=True)


def scene(rows: int = 1) -> Dispatch:
    table = scenes.table(rows)
    scenes.group(table, scenes.doubling(table))
    return begin(table.pk)


def asked(dispatch: Dispatch, **question) -> Approval:
    (execution,) = standing.pause(dispatch, hands.worker(), "approval", most=1, **question)
    return Approval.objects.get(execution_id=execution)


def answer(approval: Approval, decision: str = "approved") -> Approval:
    own = Approval.objects.get(pk=approval.pk)
    resume.answer(own, Dispatch.objects.get().table.owner, decision, None)
    return own


def assert_places_add_up() -> None:
    """Each window counts the cells that have their place in it."""
    held = Counter(Execution.objects.exclude(window_id=None).values_list("window_id", flat=True))
    assert {w.pk: w.cells for w in Window.objects.all() if w.cells} == dict(held)


def test_two_that_resume_at_once_share_the_work_and_lose_none(beside, monkeypatch):
    monkeypatch.setattr(resume, "BATCH", 5)
    dispatch = scene(40)
    standing.pause(dispatch, hands.worker(), due_at=standing.long_ago())
    both = [beside.start(resume.resume_due) for _ in range(2)]
    gone_on = sum(future.result(60) for future in both)
    gone_on += resume.resume_due()
    assert gone_on == 40
    assert scenes.statuses(dispatch.table.groups.get()) == {"pending": 40}
    assert_places_add_up()


def test_what_one_is_resuming_the_other_passes_by(beside):
    dispatch = scene(2)
    standing.pause(dispatch, hands.worker(), due_at=standing.long_ago())
    with transaction.atomic():
        lifecycle.share(dispatch.table_id)
        held = pauses.hold(list(Execution.objects.values_list("pk", flat=True))[:1], standing.far_ahead())
        assert len(held) == 1
        assert beside.do(resume.resume_due) == 1
    assert resume.resume_due() == 1
    assert_places_add_up()


def test_a_table_that_is_being_stopped_keeps_no_other_table_waiting(beside):
    stopped, other = scene(1), scene(1)
    worker = hands.worker()
    standing.pause(stopped, worker, due_at=standing.long_ago())
    standing.pause(other, worker, due_at=standing.long_ago())
    with transaction.atomic():
        lifecycle.serialise(stopped.table_id)
        assert beside.do(resume.resume_due) == 1
    assert dict(Execution.objects.values_list("dispatch_id", "status")) == {stopped.pk: "paused", other.pk: "pending"}


def test_what_is_resumed_while_stop_waits_is_stopped(beside):
    dispatch = scene(3)
    standing.pause(dispatch, hands.worker(), due_at=standing.long_ago())
    with transaction.atomic():
        assert resume.resume_due() == 3
        stopping = beside.start_blocked(cancel_dispatch, dispatch.pk)
    assert stopping.result(20).status == "cancelled"
    assert scenes.statuses(dispatch.table.groups.get()) == {"cancelled": 3}
    assert not Pause.objects.exists()
    assert not Window.objects.filter(closed_at=None).exists()


def test_an_answer_that_waited_for_stop_finds_its_question_withdrawn(beside):
    dispatch = scene()
    approval = asked(dispatch)
    with transaction.atomic():
        assert cancel_runs(dispatch.table_id) == 1
        answering = beside.start_blocked(answer, approval)
    with pytest.raises(Conflict) as refused:
        answering.result(20)
    assert refused.value.code == "withdrawn"
    assert Execution.objects.get().status == "cancelled"
    assert Approval.objects.get().status == "withdrawn"


def test_a_stop_that_waited_for_an_answer_stops_the_cell(beside):
    dispatch = scene()
    approval = asked(dispatch)
    with transaction.atomic():
        answer(approval)
        stopping = beside.start_blocked(cancel_runs, dispatch.table_id)
    assert stopping.result(20) == 1
    assert Execution.objects.get().status == "cancelled"
    assert Approval.objects.get().status == "approved"


def test_of_two_answers_at_once_the_first_counts(beside):
    approval = asked(scene())
    with transaction.atomic():
        first = answer(approval, "rejected")
        second = beside.start_blocked(answer, approval, "approved")
    assert first.status == second.result(20).status == "rejected"
    assert Pause.objects.get().result["decision"] == "rejected"
    assert Execution.objects.get().status == "pending"
    assert_places_add_up()


def test_an_answer_that_waited_for_expiry_is_too_late(beside, monkeypatch):
    approval = asked(scene(), on_expiry="rejected")
    # The resumer's clock is ahead of the database's: the question is due for it, and not yet for whoever answers.
    at = standing.far_ahead()
    Approval.objects.update(due_at=at)
    Pause.objects.update(due_at=at)
    with transaction.atomic():
        assert resume.resume_due(at) == 1
        answering = beside.start_blocked(answer, approval)
    with pytest.raises(Conflict) as refused:
        answering.result(20)
    assert refused.value.code == "expired"
    assert Pause.objects.get().result["by"] is None


def test_expiry_passes_by_a_question_that_is_being_answered(beside):
    approval = asked(scene())
    at = standing.far_ahead()
    Approval.objects.update(due_at=at)
    Pause.objects.update(due_at=at)
    with transaction.atomic():
        answer(approval)
        assert beside.do(resume.resume_due, at) == 0
    assert resume.resume_due(at) == 0
    assert Approval.objects.get().status == "approved"
    assert Pause.objects.get().result["decision"] == "approved"


def test_a_move_to_the_newest_version_waits_for_a_resuming_and_finds_the_cell_gone(beside):
    dispatch = scene()
    standing.pause(dispatch, hands.worker(), due_at=standing.long_ago())
    row, group = dispatch.table.rows.get().pk, dispatch.table.groups.get().pk
    with transaction.atomic():
        assert resume.resume_due() == 1
        moving = beside.start_blocked(resume.move_to_newest, dispatch.table_id, row, group)
    with pytest.raises(Conflict) as refused:
        moving.result(20)
    assert refused.value.code == "not_paused"


def test_an_answer_whose_cell_does_not_wait_is_taken_back(beside):
    approval = asked(scene())
    Execution.objects.update(status="pending", window_id=windows.lobby(approval.dispatch_id))
    with pytest.raises(Conflict) as refused:
        answer(approval)
    assert refused.value.code == "withdrawn"
    assert Approval.objects.get().status == "open"
    assert approvals.listing(Dispatch.objects.get().table.owner).count() == 1
