"""Pausing, resuming, stopping and beginning, two at a time: in either order nothing is lost and nothing runs twice."""

from __future__ import annotations

import pytest
from django.db import transaction

from cells.models import IN_FLIGHT, Execution, Status
from dispatch import lanes, lifecycle
from dispatch.begin import begin
from dispatch.cancel import cancel_dispatch, cancel_runs
from dispatch.models import Dispatch, Lane
from dispatch.pausing import pause_dispatch, resume_dispatch
from dispatch.source import LaneSource
from tableflow.errors import Conflict
from tableflow.tables.models import Row
from tests import hands, scenes

pytestmark = pytest.mark.django_db(transaction=True)


def admitted(count: int, **options):
    """A table, its dispatch over so many rows, all stamped, and a worker."""
    table = scenes.table(count)
    scenes.group(table, scenes.doubling(table))
    dispatch = begin(table.pk, **options)
    hands.admit(dispatch)
    return table, dispatch, hands.worker()


def draw(dispatch, worker, most=1000):
    """What a draw does in its transaction: it looks how the dispatch stands, and claims if that goes on."""
    lane = Lane.objects.select_related("dispatch").filter(dispatch=dispatch).first()
    with transaction.atomic():
        return hands.claim(worker, dispatch, most) if LaneSource(lane).hold().going_on else []


def status() -> str:
    return Dispatch.objects.get().status


def in_flight() -> int:
    return Execution.objects.filter(status__in=IN_FLIGHT).count()


# pause and stop


def test_a_stop_that_waited_for_a_pause_ends_the_paused_run(beside):
    _, dispatch, _ = admitted(3)
    with transaction.atomic():
        pause_dispatch(dispatch.pk)
        stopping = beside.start_blocked(cancel_dispatch, dispatch.pk)
    assert stopping.result(20).status == "cancelled"
    assert (in_flight(), Dispatch.objects.get().cancelled) == (0, 3)


def test_a_pause_that_waited_for_a_stop_finds_the_run_ended(beside):
    _, dispatch, _ = admitted(3)
    with transaction.atomic():
        cancel_dispatch(dispatch.pk)
        pausing = beside.start_blocked(pause_dispatch, dispatch.pk)
    with pytest.raises(Conflict, match="cancelled"):
        pausing.result(20)
    assert status() == "cancelled"


def test_two_pauses_at_once_are_one_and_keep_the_first_reason(beside):
    _, dispatch, _ = admitted(3)
    with transaction.atomic():
        pause_dispatch(dispatch.pk, by="ann")
        second = beside.start_blocked(pause_dispatch, dispatch.pk, by="bob")
    assert second.result(20).paused_because == "Paused by ann."


# pause and claim, pause and admission


def test_when_a_pause_has_answered_no_cell_of_the_run_starts(beside):
    _, dispatch, worker = admitted(3)
    with transaction.atomic():
        pause_dispatch(dispatch.pk)
        drawing = beside.start_blocked(draw, dispatch, worker)
    assert drawing.result(20) == []
    assert in_flight() == 3


def test_a_pause_waits_for_a_claim_whose_cells_then_end(beside):
    _, dispatch, worker = admitted(3)
    with transaction.atomic():
        claimed = draw(dispatch, worker, most=2)
        pausing = beside.start_blocked(pause_dispatch, dispatch.pk)
    assert pausing.result(20).status == "paused"
    assert len(hands.finish([hands.ended(cell.lead) for cell in claimed])) == 2
    assert draw(dispatch, worker) == []
    resume_dispatch(dispatch.pk)
    assert len(draw(dispatch, worker)) == 1


def test_an_admission_that_waited_for_a_pause_stamps_nothing_and_goes_on_after_the_resume(beside):
    table = scenes.table(5)
    scenes.group(table, scenes.doubling(table))
    dispatch = begin(table.pk)
    lane = Lane.objects.filter(dispatch=dispatch).first()
    with transaction.atomic():
        pause_dispatch(dispatch.pk)
        advancing = beside.start_blocked(lanes.advance, lane.pk, lane.fence)
    assert advancing.result(20) is None
    assert not Execution.objects.exists()
    resume_dispatch(dispatch.pk)
    assert lanes.advance(lane.pk, lane.fence) is not None
    assert Execution.objects.count() == 5


def test_a_draw_that_waited_while_another_reached_a_cap_starts_nothing(beside):
    _, dispatch, worker = admitted(6, caps={"errors": 2})
    hands.finish([hands.ended(cell.lead, Status.ERROR) for cell in draw(dispatch, worker, most=2)])
    with transaction.atomic():
        assert draw(dispatch, worker) == []
        second = beside.start_blocked(draw, dispatch, worker)
    assert second.result(20) == []
    assert status() == "paused"
    assert in_flight() == 4


# resume and stop


def test_a_stop_that_waited_for_a_resume_ends_the_run(beside):
    _, dispatch, worker = admitted(3)
    pause_dispatch(dispatch.pk)
    with transaction.atomic():
        resume_dispatch(dispatch.pk)
        stopping = beside.start_blocked(cancel_dispatch, dispatch.pk)
    assert stopping.result(20).status == "cancelled"
    assert draw(dispatch, worker) == []
    assert in_flight() == 0


def test_a_resume_that_waited_for_a_stop_finds_the_run_ended(beside):
    _, dispatch, _ = admitted(3)
    pause_dispatch(dispatch.pk)
    with transaction.atomic():
        cancel_dispatch(dispatch.pk)
        resuming = beside.start_blocked(resume_dispatch, dispatch.pk)
    with pytest.raises(Conflict, match="cancelled"):
        resuming.result(20)
    assert (status(), in_flight()) == ("cancelled", 0)


def test_two_resumes_at_once_are_one(beside):
    _, dispatch, worker = admitted(3)
    pause_dispatch(dispatch.pk)
    with transaction.atomic():
        resume_dispatch(dispatch.pk)
        second = beside.start_blocked(resume_dispatch, dispatch.pk)
    assert second.result(20).status == "dispatching"
    assert len(draw(dispatch, worker)) == 3


def test_a_stop_of_some_rows_of_a_paused_run_leaves_the_others_to_the_resume(beside):
    table, dispatch, worker = admitted(4)
    pause_dispatch(dispatch.pk)
    named = [row.pk for row in Row.objects.filter(table=table, data__n__lte=2)]
    with transaction.atomic():
        assert cancel_runs(table.pk, rows=named) == 2
        resuming = beside.start_blocked(resume_dispatch, dispatch.pk)
    assert resuming.result(20).status == "dispatching"
    assert [cell.row["n"] for cell in draw(dispatch, worker)] == [3, 4]


# begin and stop, begin and pause


def test_a_stop_of_some_rows_that_waited_for_a_begin_reaches_what_lies_ahead_of_it(beside):
    table = scenes.table(4)
    scenes.group(table, scenes.doubling(table))
    named = [row.pk for row in Row.objects.filter(table=table, data__n__lte=2)]
    with transaction.atomic():
        dispatch = begin(table.pk)
        stopping = beside.start_blocked(cancel_runs, table.pk, rows=named)
    assert stopping.result(20) == 0
    assert hands.admit(dispatch).cells == 2


def test_a_begin_that_waited_for_a_stop_of_some_rows_runs_them(beside):
    table = scenes.table(4)
    scenes.group(table, scenes.doubling(table))
    named = [row.pk for row in Row.objects.filter(table=table, data__n__lte=2)]
    with transaction.atomic():
        cancel_runs(table.pk, rows=named)
        beginning = beside.start_blocked(begin, table.pk)
    assert hands.admit(beginning.result(20)).cells == 4


def test_a_begin_that_waited_for_a_pause_takes_the_paused_cells_over_and_no_others(beside):
    table, dispatch, worker = admitted(4)
    named = [row.pk for row in Row.objects.filter(table=table, data__n__lte=2)]
    with transaction.atomic():
        pause_dispatch(dispatch.pk)
        beginning = beside.start_blocked(begin, table.pk, rows=named)
    newer = beginning.result(20)
    hands.admit(newer)
    assert len(draw(newer, worker)) == 2
    resume_dispatch(dispatch.pk)
    assert [cell.row["n"] for cell in draw(dispatch, worker)] == [3, 4]


# claim and stop, under a pause


def test_a_cell_that_ends_in_a_paused_run_just_as_it_is_stopped_is_cancelled(beside):
    table, dispatch, worker = admitted(1)
    (claimed,) = draw(dispatch, worker)
    pause_dispatch(dispatch.pk)
    with transaction.atomic():
        assert cancel_runs(table.pk) == 1
        finishing = beside.start_blocked(hands.finish, [hands.ended(claimed.lead)])
    assert finishing.result(20) == []
    assert scenes.values(table) == [None]


def test_a_cell_that_ended_in_a_paused_run_before_the_stop_keeps_its_value(beside):
    table, dispatch, worker = admitted(2)
    claimed, _ = draw(dispatch, worker)
    pause_dispatch(dispatch.pk)
    with transaction.atomic():
        lifecycle.share(table.pk)
        hands.finish([hands.ended(claimed.lead)])
        stopping = beside.start_blocked(cancel_dispatch, dispatch.pk)
    assert stopping.result(20).status == "cancelled"
    assert scenes.values(table) == [1, None]
    ended = Dispatch.objects.get()
    assert (ended.completed, ended.cancelled, ended.total) == (1, 1, 2)
