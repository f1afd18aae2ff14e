"""Two connections at once: whoever comes second waits or passes by, and finds what the first has left."""

from __future__ import annotations

import threading
from collections import Counter

import pytest
from django.db import transaction
from django.db.models import Count

from cells import lifecycle as executions
from cells import workers
from cells.cascade import Cascade
from cells.models import CLAIMED, IN_FLIGHT, Attempt, Execution
from cells.work import GroupRun
from dispatch import lanes, lifecycle, scope
from dispatch import sweep as healer
from dispatch.begin import begin
from dispatch.cancel import cancel_dispatch, cancel_runs, forget_rows
from dispatch.models import Dispatch, Lane, Window
from tableflow.tables import rows
from tableflow.tables.models import Column, Row
from tests import hands, scenes

pytestmark = pytest.mark.django_db(transaction=True)


def one_group(count: int, **options):
    table = scenes.table(count)
    group = scenes.group(table, scenes.doubling(table), **options)
    return table, group


def admitted(count: int):
    """A dispatch over so many rows, all stamped, and a worker."""
    table, _ = one_group(count)
    dispatch = begin(table.pk)
    hands.admit(dispatch)
    return table, dispatch, hands.worker()


def two_dispatches(count: int):
    """Two dispatches over the same rows, each stamped for a group of its own."""
    table = scenes.table(count)
    groups = [scenes.group(table, scenes.doubling(table), key) for key in ("one", "two")]
    found = [begin(table.pk, groups=[group.pk]) for group in groups]
    for dispatch in found:
        hands.admit(dispatch)
    return table, *found, hands.worker()


def in_flight() -> int:
    return Execution.objects.filter(status__in=IN_FLIGHT).count()


# claim and claim


def test_a_row_that_is_being_claimed_is_passed_by(beside):
    _, one, two, worker = two_dispatches(1)
    with transaction.atomic():
        (claimed,) = hands.claim(worker, one)
        assert beside.do(hands.claim, worker, two) == []
    assert hands.claim(worker, two) == []
    hands.finish([hands.ended(claimed.lead)])
    assert len(hands.claim(worker, two)) == 1


def test_two_claims_at_once_never_take_two_groups_of_one_row(beside):
    _, one, two, worker = two_dispatches(60)
    start = threading.Barrier(2)

    def claim_all(dispatch):
        start.wait(20)
        return [hands.claim(worker, dispatch, most=5) for _ in range(16)]

    futures = [beside.start(claim_all, dispatch) for dispatch in (one, two)]
    claimed = Counter(c.lead.row_id for future in futures for batch in future.result(60) for c in batch)
    assert claimed
    assert set(claimed.values()) == {1}
    claimed_cells = Execution.objects.filter(status__in=CLAIMED)
    assert not claimed_cells.values("row").annotate(n=Count("pk")).filter(n__gt=1).exists()


def test_two_claims_at_once_share_the_rows_between_them(beside):
    _, dispatch, worker = admitted(10)
    with transaction.atomic():
        mine = hands.claim(worker, dispatch, most=4)
        theirs = beside.do(hands.claim, worker, dispatch, most=4)
    assert [c.row["n"] for c in mine] == [1, 2, 3, 4]
    assert sorted(c.row["n"] for c in theirs) == [5, 6, 7, 8]


# claim, finish and cancel


def test_a_cancel_waits_for_a_claim_and_takes_it_away(beside):
    table, dispatch, worker = admitted(3)
    with transaction.atomic():
        claimed = hands.claim(worker, dispatch, most=2)
        cancelling = beside.start_blocked(cancel_runs, table.pk)
    assert cancelling.result(20) == 3
    assert hands.finish([hands.ended(c.lead) for c in claimed]) == []
    assert scenes.values(table) == [None] * 3
    assert in_flight() == 0


def test_a_claim_waits_for_a_cancel_and_finds_nothing(beside):
    table, dispatch, worker = admitted(3)
    with transaction.atomic():
        assert cancel_runs(table.pk) == 3
        claiming = beside.start_blocked(hands.claim, worker, dispatch)
    assert claiming.result(20) == []


def test_a_cell_whose_end_is_being_written_is_not_cancelled(beside):
    table, dispatch, worker = admitted(1)
    (claimed,) = hands.claim(worker, dispatch)
    with transaction.atomic():
        hands.finish([hands.ended(claimed.lead)])
        cancelling = beside.start_blocked(executions.cancel, [claimed.lead.id], lifecycle.next_sequence())
    assert cancelling.result(20) == {}
    assert Execution.objects.get().status == "completed"
    assert scenes.values(table) == [1]
    assert Attempt.objects.count() == 1


def test_a_cell_that_is_being_cancelled_is_not_finished(beside):
    table, dispatch, worker = admitted(1)
    (claimed,) = hands.claim(worker, dispatch)
    with transaction.atomic():
        cancel_runs(table.pk)
        finishing = beside.start_blocked(hands.finish, [hands.ended(claimed.lead)])
    assert finishing.result(20) == []
    assert scenes.values(table) == [None]
    assert Row.objects.get().done == 0
    assert Window.objects.values_list("completed", "cancelled").get() == (0, 1)


# finish and edit


def test_an_edit_of_another_column_that_comes_first_is_not_lost(beside):
    table, dispatch, worker = admitted(1)
    (claimed,) = hands.claim(worker, dispatch)
    Column.objects.create(table=table, key="note", name="Note", type="text", position=9)
    with transaction.atomic():
        rows.update(table, {claimed.lead.row_id: {"note": "late"}})
        finishing = beside.start_blocked(hands.finish, [hands.ended(claimed.lead)])
    assert len(finishing.result(20)) == 1
    assert Row.objects.get().data == {"n": 1, "note": "late", "out": 1}


def test_an_edit_of_another_column_that_comes_second_loses_nothing(beside):
    table, dispatch, worker = admitted(1)
    (claimed,) = hands.claim(worker, dispatch)
    Column.objects.create(table=table, key="note", name="Note", type="text", position=9)
    with transaction.atomic():
        hands.finish([hands.ended(claimed.lead)])
        editing = beside.start_blocked(rows.update, table, {claimed.lead.row_id: {"note": "late"}})
    editing.result(20)
    row = Row.objects.get()
    assert (row.data, row.done) == ({"n": 1, "note": "late", "out": 1}, 1)


def test_an_edit_of_what_a_running_cell_reads_has_it_begin_anew(beside):
    table, dispatch, worker = admitted(1)
    (claimed,) = hands.claim(worker, dispatch)
    with transaction.atomic():
        rows.update(table, {claimed.lead.row_id: {"n": 50}})
        finishing = beside.start_blocked(hands.finish, [hands.ended(claimed.lead)])
    assert finishing.result(20) == []
    (again,) = hands.claim(worker, dispatch)
    assert again.row == {"n": 50}
    assert len(hands.finish([hands.ended(again.lead)])) == 1


# begin, admission and cancel


def test_a_cancel_waits_for_a_begin_and_stops_it(beside):
    table, _ = one_group(3)
    with transaction.atomic():
        dispatch = begin(table.pk)
        cancelling = beside.start_blocked(cancel_runs, table.pk)
    cancelling.result(20)
    dispatch.refresh_from_db()
    assert dispatch.status == "cancelled"


def test_a_begin_after_a_cancel_is_none_of_its_business(beside):
    table, _ = one_group(3)
    first = begin(table.pk)
    hands.admit(first)
    with transaction.atomic():
        cancel_runs(table.pk)
        beginning = beside.start_blocked(begin, table.pk)
    second = beginning.result(20)
    assert second.status == "pending"
    assert hands.admit(second).cells == 3


def test_two_begins_at_once_come_one_after_the_other(beside):
    table, _ = one_group(3)
    with transaction.atomic():
        first = begin(table.pk)
        second = beside.start_blocked(begin, table.pk)
    assert second.result(20).sequence > first.sequence


def test_when_a_cancel_has_answered_what_was_being_admitted_is_cancelled_too(beside):
    table, _ = one_group(5)
    dispatch = begin(table.pk)
    with transaction.atomic():
        assert hands.admit(dispatch).cells == 5
        cancelling = beside.start_blocked(cancel_dispatch, dispatch.pk)
    assert cancelling.result(20).status == "cancelled"
    assert scenes.statuses(table.groups.get()) == {"cancelled": 5}
    assert Window.objects.get().closed_at is not None


def test_an_admission_that_waited_for_a_cancel_stamps_nothing(beside):
    table, _ = one_group(5)
    dispatch = begin(table.pk)
    lane = Lane.objects.filter(dispatch=dispatch).first()
    with transaction.atomic():
        cancel_dispatch(dispatch.pk)
        advancing = beside.start_blocked(lanes.advance, lane.pk, lane.fence)
    assert advancing.result(20) is None
    assert not Execution.objects.exists()


def test_rows_that_a_cancel_named_are_not_stamped_by_a_later_window(beside):
    table, _ = one_group(5)
    dispatch = begin(table.pk)
    named = list(Row.objects.filter(table=table, data__n__gt=3).values_list("pk", flat=True))
    with transaction.atomic():
        cancel_runs(table.pk, rows=named)
        admitting = beside.start_blocked(hands.admit, dispatch)
    assert admitting.result(20).cells == 3
    assert not Execution.objects.filter(row__in=named, status__in=IN_FLIGHT).exists()


# cascade and cancel


def chain():
    """A dispatch whose second group waits for the first; its one row runs the first cell. Gives the cascade too."""
    table = scenes.table(1)
    scenes.group(table, scenes.doubling(table), "first")
    second = scenes.group(table, scenes.doubling(table), "second", reads="first", run_after=["first"])
    dispatch, worker = begin(table.pk), hands.worker()
    hands.admit(dispatch)
    (claimed,) = hands.claim(worker, dispatch)
    cascade = Cascade([GroupRun.of(pinned) for pinned in dispatch.plan], scope.request(dispatch))
    return table, second, dispatch, worker, claimed, cascade


def go_on(dispatch, worker, claimed, cascade):
    """What a draw does when the cell has ended: the end, and the row's next cell."""
    with transaction.atomic():
        lifecycle.share(dispatch.table_id)
        won = hands.finish([hands.ended(claimed.lead, output={"first": 1})], cascade=True)
        left = cascade.left(claimed, won[0].row if won else None, owned=bool(won))
        return cascade.go_on([left], worker.pk)


def test_a_cell_that_a_cascade_is_starting_is_cancelled_when_the_cancel_answers(beside):
    table, second, dispatch, worker, claimed, cascade = chain()
    with transaction.atomic():
        step = go_on(dispatch, worker, claimed, cascade)
        cancelling = beside.start_blocked(cancel_runs, table.pk, groups=[second.pk])
    assert cancelling.result(20) == 1
    assert [row.lead.group_id for row in step.rows] == [second.pk]
    assert executions.finish([hands.ended(step.rows[0].lead)], "hand", cascade=True) == []


@pytest.mark.parametrize("named", [{"groups": True}, {"rows": True, "groups": True}])
def test_no_cascade_starts_a_cell_that_a_cancel_named_before(beside, named):
    table, second, dispatch, worker, claimed, cascade = chain()
    what = {"groups": [second.pk]} | ({"rows": [claimed.lead.row_id]} if "rows" in named else {})
    with transaction.atomic():
        cancel_runs(table.pk, **what)
        going = beside.start_blocked(go_on, dispatch, worker, claimed, cascade)
    step = going.result(20)
    assert (step.rows, sum(step.cells.values())) == ([], 0)
    assert scenes.values(table, "first") == [1]
    assert in_flight() == 0


def test_no_cascade_goes_on_in_a_dispatch_that_was_cancelled(beside):
    _table, _second, dispatch, worker, claimed, cascade = chain()
    with transaction.atomic():
        cancel_dispatch(dispatch.pk)
        going = beside.start_blocked(
            lambda: (
                cascade.go_on([cascade.left(claimed, None, owned=False)], worker.pk)
                if executions.finish([hands.ended(claimed.lead)], "hand", cascade=True) == []
                else None
            )
        )
    assert going.result(20).rows == []
    assert in_flight() == 0


# lanes and sweeps


def test_a_message_that_came_twice_makes_one_link(beside):
    table, _ = one_group(50)
    dispatch = begin(table.pk)
    lane = Lane.objects.filter(dispatch=dispatch).first()
    with transaction.atomic():
        link = lanes.advance(lane.pk, lane.fence)
        twice = beside.start_blocked(lanes.advance, lane.pk, lane.fence)
    assert link.fence == lane.fence + 1
    assert twice.result(20) is None
    assert Window.objects.count() == 1


def test_a_draw_message_that_came_twice_draws_once(beside):
    table, _ = one_group(5, concurrency=1)
    begin(table.pk)
    lane = Lane.objects.get()
    link = lanes.advance(lane.pk, lane.fence)
    with transaction.atomic():
        assert lanes.enter(link.lane_id, link.fence) is not None
        twice = beside.start_blocked(lanes.enter, link.lane_id, link.fence)
    assert twice.result(20) is None


def test_two_sweeps_at_once_take_a_cell_back_once(beside):
    table, dispatch, worker = admitted(4)
    hands.claim(worker, dispatch)
    Execution.objects.filter(position__lte=2).update(losses=executions.LOSS_BUDGET - 1)
    hands.lapse(worker)
    workers.lapse()
    with transaction.atomic():
        assert healer.reclaim(table.pk) == 4
        second = beside.start_blocked(healer.reclaim, table.pk)
    assert second.result(20) == 0
    assert list(Execution.objects.order_by("position").values_list("status", "losses")) == [
        *[("error", 3)] * 2,
        *[("pending", 1)] * 2,
    ]
    assert Window.objects.get().error == 2
    assert Attempt.objects.count() == 4


def test_a_late_finish_and_a_reclaim_at_once_write_one_end(beside):
    table, dispatch, worker = admitted(1)
    (claimed,) = hands.claim(worker, dispatch)
    hands.lapse(worker)
    with transaction.atomic():
        healer.sweep()
        finishing = beside.start_blocked(hands.finish, [hands.ended(claimed.lead)])
    assert finishing.result(20) == []
    assert Execution.objects.get().status == "pending"
    assert scenes.values(table) == [None]


# deletion of rows


def delete(table, doomed):
    with transaction.atomic():
        forget_rows(table.pk, doomed)
        doomed.delete()


def test_a_row_that_is_being_deleted_is_not_stamped(beside):
    table, _ = one_group(3)
    dispatch = begin(table.pk)
    with transaction.atomic():
        delete(table, Row.objects.filter(table=table, data__n=2))
        admitting = beside.start_blocked(hands.admit, dispatch)
    assert admitting.result(20).cells == 2


def test_a_row_that_is_deleted_after_its_stamp_leaves_nothing(beside):
    table, _ = one_group(3)
    dispatch = begin(table.pk)
    with transaction.atomic():
        hands.admit(dispatch)
        deleting = beside.start_blocked(delete, table, Row.objects.filter(table=table, data__n=2))
    deleting.result(20)
    assert Execution.objects.count() == 2
    assert Window.objects.values_list("cells", "cancelled").get() == (3, 1)
    assert Dispatch.objects.get().status == "dispatching"
