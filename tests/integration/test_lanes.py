"""Lanes: how a concurrency is dealt out, and what each message may do."""

from __future__ import annotations

import pytest
from django.db.models.functions import Now

from dispatch import lanes
from dispatch.begin import begin
from dispatch.cancel import cancel_dispatch
from dispatch.models import Dispatch, Lane, Window
from tests import hands, scenes

pytestmark = pytest.mark.django_db


def scene(rows: int = 10, concurrency: int = 1) -> Dispatch:
    table = scenes.table(rows)
    scenes.group(table, scenes.doubling(table), concurrency=concurrency)
    return begin(table.pk)


def lapse() -> None:
    Lane.objects.update(lease_until=Now() - lanes.LEASE)


def first_link() -> lanes.Link:
    lane = Lane.objects.order_by("number").first()
    return lanes.advance(lane.pk, lane.fence)


def test_lanes_have_never_more_slots_than_the_concurrency_and_hardly_fewer(monkeypatch):
    laid: list[Lane] = []
    monkeypatch.setattr(Lane.objects, "bulk_create", lambda made: laid.extend(made) or laid)
    for concurrency in range(1, 1001):
        laid.clear()
        lanes.lay(Dispatch(concurrency=concurrency, scope={"rows": None}))
        slots = sum(lane.tasks * lane.slots for lane in laid)
        assert concurrency - sum(lane.tasks for lane in laid) < slots <= concurrency
        assert 1 <= len(laid) <= lanes.LANES
        assert all(1 <= lane.slots <= lanes.MOST_SLOTS for lane in laid)


@pytest.mark.parametrize(("scope", "limit", "expected"), [({"rows": [1]}, None, 1), ({"rows": None}, 2, 2)])
def test_few_rows_get_few_lanes(monkeypatch, scope, limit, expected):
    monkeypatch.setattr(Lane.objects, "bulk_create", list)
    assert len(lanes.lay(Dispatch(concurrency=100, scope=scope, limit_rows=limit))) == expected


def test_a_link_is_entered_by_its_tasks_and_no_more():
    scene(1000, concurrency=800)
    link = first_link()
    assert link.tasks == 2
    entered = [lanes.enter(link.lane_id, link.fence) for _ in range(3)]
    assert [lane is not None for lane in entered] == [True, True, False]
    assert lanes.enter(link.lane_id, link.fence - 1) is None


def test_a_link_is_followed_when_all_its_tasks_have_left():
    scene(1000, concurrency=800)
    link = first_link()
    for _ in range(2):
        lanes.enter(link.lane_id, link.fence)
    lanes.leave(link.lane_id, link.fence)
    assert lanes.advance(link.lane_id, link.fence) is None
    lanes.leave(link.lane_id, link.fence)
    following = lanes.advance(link.lane_id, link.fence)
    assert following.fence == link.fence + 1
    assert lanes.advance(link.lane_id, link.fence) is None


def test_an_old_link_neither_renews_nor_leaves():
    scene()
    link = first_link()
    lanes.enter(link.lane_id, link.fence)
    lapse()
    following = lanes.advance(link.lane_id, link.fence)
    assert not lanes.renew(link.lane_id, link.fence)
    lanes.leave(link.lane_id, link.fence)
    assert Lane.objects.get().ended == 0
    assert lanes.renew(following.lane_id, following.fence)


def test_a_lane_of_a_cancelled_dispatch_goes_no_further():
    dispatch = scene()
    link = first_link()
    cancel_dispatch(dispatch.pk)
    assert lanes.enter(link.lane_id, link.fence) is None
    assert not lanes.renew(link.lane_id, link.fence)
    assert lanes.advance(link.lane_id, link.fence) is None
    lapse()
    assert lanes.overdue() == []


def test_a_next_link_admits_only_when_no_stamped_row_waits():
    scene(100)
    link = first_link()
    for _ in range(2):
        lapse()
        link = lanes.advance(link.lane_id, link.fence)
    assert Window.objects.count() == 1


def test_a_link_that_no_task_entered_is_rung_again_as_it_is():
    scene()
    link = first_link()
    assert lanes.ring_again(Lane.objects.get()) is None
    lapse()
    assert lanes.ring_again(Lane.objects.get()) == link
    assert lanes.ring_again(Lane.objects.get()) is None


def test_a_link_whose_tasks_are_gone_is_followed_by_the_next():
    scene()
    link = first_link()
    lanes.enter(link.lane_id, link.fence)
    lapse()
    assert lanes.ring_again(Lane.objects.get()).fence == link.fence + 1


def test_a_lane_with_nothing_to_draw_rests_and_the_last_one_ends_the_dispatch():
    dispatch = scene(2, concurrency=2)
    one, two = Lane.objects.order_by("number")
    link = lanes.advance(one.pk, one.fence)
    claimed = hands.claim(hands.worker(), dispatch)
    assert lanes.advance(two.pk, two.fence) is None
    hands.finish([hands.ended(c.lead) for c in claimed])
    lanes.enter(link.lane_id, link.fence)
    lanes.leave(link.lane_id, link.fence)
    assert lanes.advance(link.lane_id, link.fence) is None
    dispatch.refresh_from_db()
    assert (dispatch.status, dispatch.completed) == ("complete", 2)
    assert not Lane.objects.filter(retired_at=None).exists()
