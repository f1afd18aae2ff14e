"""Runs beside each other, and beside what heals them: in either order each cell has one end, and each lane one link."""

from __future__ import annotations

import pytest
from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now

from cells import workers
from cells.lifecycle import Ended
from cells.models import IN_FLIGHT, Attempt, Execution, Pause, Status
from dispatch import lanes, resume
from dispatch import sweep as healer
from dispatch.begin import begin
from dispatch.cancel import cancel_runs
from dispatch.gather import gather
from dispatch.models import Change, Dispatch, Lane, Window
from tableflow.tables import rows
from tests import hands, scenes, standing
from tests.laws.draws import Hand, HandDraw

pytestmark = pytest.mark.django_db(transaction=True)


def chain(count: int = 1, **options):
    """A table in which `second` reads what `first` gives and runs after it."""
    table = scenes.table(count)
    first = scenes.group(table, scenes.doubling(table), "first", **options)
    second = scenes.group(table, scenes.doubling(table), "second", reads="first", run_after=["first"], **options)
    return table, first, second


def drawing(dispatch: Dispatch) -> HandDraw:
    """A draw at work for the dispatch's first lane, which has claimed what it has slots for."""
    lane = Lane.objects.filter(dispatch=dispatch).order_by("number").first()
    link = lanes.advance(lane.pk, lane.fence)
    draw = HandDraw(lanes.enter(link.lane_id, link.fence), link.fence, Hand(f"of {dispatch.pk}"))
    draw.turn(())
    return draw


def ends(draw: HandDraw, value: object) -> list[Ended]:
    """Good ends of all that the draw runs."""
    keys = dict(Execution.objects.values_list("group_id", "group__name"))
    return [
        Ended(claim, Status.COMPLETED, draw.bit(claim), output={keys[claim.group_id]: value}) for claim in draw.leads
    ]


def states(group) -> list[str]:
    return list(Execution.objects.filter(group=group).order_by("position").values_list("status", flat=True))


def counts_add_up() -> bool:
    ended = F("completed") + F("error") + F("cancelled") + F("skipped")
    windows = Window.objects.filter(closed_at=None).annotate(open=F("cells") - ended).values_list("pk", "open")
    return all(Execution.objects.filter(window_id=pk, status__in=IN_FLIGHT).count() == left for pk, left in windows)


# finish and take-over


def test_a_run_that_takes_over_waits_for_an_end_that_is_being_written_and_leaves_it(beside):
    table, first, second = chain()
    draw = drawing(begin(table.pk, groups=[first.pk]))
    with transaction.atomic():
        draw.turn(ends(draw, "good"))
        beginning = beside.start_blocked(begin, table.pk, groups=[second.pk], mode="all")
    beginning.result(20)
    assert (states(first), scenes.values(table, "first")) == (["completed"], ["good"])
    assert not Attempt.objects.filter(status="cancelled").exists()
    assert counts_add_up()


def test_an_end_that_waited_for_a_take_over_writes_nothing_and_the_new_run_has_the_cell(beside):
    table, first, _ = chain()
    older = begin(table.pk, groups=[first.pk])
    draw = drawing(older)
    with transaction.atomic():
        newer = begin(table.pk, groups=[first.pk], mode="all")
        finishing = beside.start_blocked(draw.turn, ends(draw, "late"))
    finishing.result(20)
    assert (states(first), scenes.values(table, "first")) == (["cancelled"], [None])
    again = drawing(newer)
    again.turn(ends(again, "new"))
    assert scenes.values(table, "first") == ["new"]
    assert list(Attempt.objects.order_by("pk").values_list("status", "dispatch_id")) == [
        ("cancelled", older.pk),
        ("completed", newer.pk),
    ]
    assert counts_add_up()


# cascade and begin


def test_a_run_takes_over_what_a_cascade_was_just_starting(beside):
    table, first, second = chain()
    draw = drawing(begin(table.pk))
    with transaction.atomic():
        draw.turn(ends(draw, 1))
        beginning = beside.start_blocked(begin, table.pk, groups=[second.pk])
    newer = beginning.result(20)
    assert (states(first), states(second)) == (["completed"], ["cancelled"])
    draw.turn(ends(draw, "late"))
    assert scenes.values(table, "second") == [None]
    again = drawing(newer)
    again.turn(ends(again, "new"))
    assert scenes.values(table, "second") == ["new"]
    assert counts_add_up()


def test_a_cascade_that_waited_for_another_run_to_begin_goes_on_and_the_cell_runs_once(beside):
    table, first, second = chain()
    draw = drawing(begin(table.pk))
    with transaction.atomic():
        newer = begin(table.pk, groups=[second.pk])
        going_on = beside.start_blocked(draw.turn, ends(draw, 1))
    going_on.result(20)
    assert (states(first), states(second)) == (["completed"], ["running"])
    assert hands.admit(newer) is None
    draw.turn(ends(draw, 2))
    assert scenes.values(table, "second") == [2]
    assert hands.admit(newer) is None
    assert list(Attempt.objects.filter(execution__group=second).values_list("status", flat=True)) == ["completed"]


# sweep and the fast path


def test_a_sweep_that_waited_for_an_end_takes_nothing_back(beside):
    table, first, _ = chain()
    draw = drawing(begin(table.pk, groups=[first.pk]))
    hands.lapse(draw.worker.record)
    workers.lapse()
    with transaction.atomic():
        draw.turn(ends(draw, "just in time"))
        taking = beside.start_blocked(healer.reclaim, table.pk)
    assert taking.result(20) == 0
    assert scenes.values(table, "first") == ["just in time"]
    assert Attempt.objects.values_list("status").get() == ("completed",)
    assert counts_add_up()


def link_that_is_over(table) -> Lane:
    """A lane whose link has ended and whose lease has run out: its chord's body and the sweep both come to it."""
    scenes.add_rows(table, 50)
    begin(table.pk)
    lane = Lane.objects.order_by("pk").first()
    Lane.objects.filter(pk=lane.pk).update(lease_until=Now() - lanes.LEASE)
    lane.refresh_from_db()
    assert lane in lanes.overdue()
    return lane


def test_a_sweep_that_waited_for_the_next_link_makes_no_other(beside):
    table, _, _ = chain()
    lane = link_that_is_over(table)
    with transaction.atomic():
        link = lanes.advance(lane.pk, lane.fence)
        sweeping = beside.start_blocked(lanes.ring_again, lane)
    assert sweeping.result(20) is None
    assert link.fence == lane.fence + 1
    assert Window.objects.count() == 1


def test_the_next_link_that_waited_for_a_sweep_is_the_sweeps(beside):
    table, _, _ = chain()
    lane = link_that_is_over(table)
    with transaction.atomic():
        link = lanes.ring_again(lane)
        advancing = beside.start_blocked(lanes.advance, lane.pk, lane.fence)
    assert advancing.result(20) is None
    assert link.fence == lane.fence + 1
    assert Window.objects.count() == 1


def test_two_sweeps_at_once_ring_once_for_a_lane_whose_message_was_lost(beside):
    table, _, _ = chain()
    lane = link_that_is_over(table)
    link = lanes.advance(lane.pk, lane.fence)
    Lane.objects.filter(pk=lane.pk).update(lease_until=Now() - lanes.LEASE)
    lane.refresh_from_db()
    with transaction.atomic():
        assert lanes.ring_again(lane) == link
        twice = beside.start_blocked(lanes.ring_again, lane)
    assert twice.result(20) is None
    lane.refresh_from_db()
    assert (lane.rings, lane.fence) == (1, link.fence)


# resuming a cell and Stop


def test_what_is_being_stopped_is_not_resumed(beside):
    table, first, _ = chain()
    dispatch = begin(table.pk, groups=[first.pk])
    standing.pause(dispatch, hands.worker(), due_at=standing.long_ago())
    with transaction.atomic():
        assert cancel_runs(table.pk, groups=[first.pk]) == 1
        assert beside.do(resume.resume_due) == 0
    assert resume.resume_due() == 0
    assert states(first) == ["cancelled"]
    assert not Pause.objects.exists()
    assert counts_add_up()


# gathering and beginning


def test_a_run_by_itself_that_waited_for_a_manual_one_takes_nothing_of_it(beside):
    table, first, _ = chain(auto_run=True)
    rows.insert(table, [{"n": 9}])
    with transaction.atomic():
        manual = begin(table.pk)
        hands.admit(manual)
        gathering = beside.start_blocked(gather, table.pk)
    assert gathering.result(20) == []  # all that it could run is in flight
    draw = drawing(manual)
    assert states(first) == ["running", "running"]
    draw.turn(ends(draw, 1))
    assert states(first) == ["completed", "completed"]
    assert counts_add_up()


def test_a_manual_run_that_waited_for_one_by_itself_takes_its_cells_over(beside):
    table, first, _ = chain(0, auto_run=True)
    rows.insert(table, [{"n": 9}])
    with transaction.atomic():
        (automatic,) = gather(table.pk)
        hands.admit(automatic)
        beginning = beside.start_blocked(begin, table.pk)
    manual = beginning.result(20)
    assert states(first) == ["cancelled"]
    assert hands.admit(manual).cells == 1
    assert not Change.objects.exists()


def test_what_is_written_beside_a_gathering_is_gathered_by_the_next(beside):
    table, _, _ = chain(0, auto_run=True)
    rows.insert(table, [{"n": 1}])
    with transaction.atomic():
        assert len(gather(table.pk)) == 1
        (late,) = beside.do(rows.insert, table, [{"n": 2}])
    (run,) = gather(table.pk)
    assert run.scope["rows"] == [late.pk]
    assert gather(table.pk) == []
