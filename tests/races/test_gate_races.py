"""Two runs at the gate of one group: whoever comes second waits, and counts what the first has claimed."""

from __future__ import annotations

import pytest
from django.db import transaction

from cells.models import Execution, Status
from dispatch import gate, lanes, lifecycle
from dispatch.begin import begin
from dispatch.cancel import cancel_dispatch
from dispatch.models import Dispatch, Lane
from dispatch.pausing import pause_dispatch
from tests import hands, scenes

pytestmark = pytest.mark.django_db(transaction=True)


def rivals(*, concurrency: int | None, pinned: int | None = None) -> list[Dispatch]:
    """Two runs over the two halves of a table, drawn for by a lane each; `pinned`: what the first one still goes by."""
    table = scenes.table(40)
    group = scenes.group(table, scenes.doubling(table), concurrency=pinned or concurrency)
    found = []
    for op in ("lte", "gt"):
        dispatch = begin(table.pk, filter={"all": [{"field": "n", "op": op, "value": 20}]})
        hands.admit(dispatch)
        for lane in Lane.objects.filter(dispatch=dispatch):
            link = lanes.advance(lane.pk, lane.fence)
            lanes.enter(lane.pk, link.fence)
        found.append(Dispatch.objects.get(pk=dispatch.pk))
        type(group).objects.filter(pk=group.pk).update(concurrency=concurrency)
    return found


def room(dispatch: Dispatch, free: int = 100) -> int:
    with transaction.atomic():
        lifecycle.share(dispatch.table_id)
        return gate.room(dispatch, free)


def test_who_comes_second_waits_and_counts_what_the_first_has_claimed(beside):
    one, two = rivals(concurrency=1)
    worker = hands.worker()
    with transaction.atomic():
        assert room(one) == 1
        assert len(hands.claim(worker, one, 1)) == 1
        later = beside.start_blocked(room, two)
    assert later.result(20) == 0


def test_each_run_leaves_the_other_its_share(beside):
    one, two = rivals(concurrency=4)
    worker = hands.worker()
    assert room(one) == 2
    hands.claim(worker, one, 2)
    assert (room(one), room(two)) == (0, 2)
    (row, *_) = hands.claim(worker, two, 2)
    assert (room(one), room(two)) == (0, 0)
    hands.finish([hands.ended(row.lead)])
    assert (room(one), room(two)) == (0, 1)


def test_a_run_that_is_paused_or_has_ended_leaves_its_share_to_the_other():
    one, two = rivals(concurrency=4)
    pause_dispatch(one.pk)
    assert room(two) == 4
    cancel_dispatch(one.pk)
    assert room(two) == 4


def test_a_paused_cell_holds_no_place():
    one, two = rivals(concurrency=2)
    claimed = hands.claim(hands.worker(), one, 1)
    hands.claim(hands.worker("other"), two, 1)
    assert (room(one), room(two)) == (0, 0)
    Execution.objects.filter(pk=claimed[0].lead.id).update(status=Status.PAUSED, worker=None)
    assert (room(one), room(two)) == (1, 0)


def test_the_smallest_of_the_pinned_numbers_holds():
    one, two = rivals(pinned=9, concurrency=2)
    assert [room(dispatch) for dispatch in (one, two)] == [1, 1]


def test_a_group_without_a_number_of_its_own_has_no_gate():
    for dispatch in rivals(concurrency=None):
        assert room(dispatch) == 100
