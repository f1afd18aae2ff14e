"""Lanes: how a concurrency is dealt out, and what each message may do."""

from __future__ import annotations

import pytest
from django.db import connection
from django.db.models import F
from django.db.models.functions import Now

from dispatch import lanes, waiting
from dispatch.begin import begin
from dispatch.cancel import cancel_dispatch
from dispatch.models import Dispatch, Lane, Window
from dispatch.pausing import pause_dispatch
from tableflow.tables.models import Group
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


def drawing(count: int) -> list[Lane]:
    """A run whose lanes draw, so many of them; the others have not been rung for."""
    lane_ids = [lane.pk for lane in Lane.objects.filter(dispatch=scene(100, concurrency=count))]
    for lane_id in lane_ids:
        link = lanes.advance(lane_id, 0)
        lanes.enter(lane_id, link.fence)
    Lane.objects.filter(pk__in=lane_ids).update(entered_at=Now() - 2 * lanes.TURN)
    return list(Lane.objects.filter(pk__in=lane_ids))


def rung(count: int) -> list[Lane]:
    """A run whose lanes have been waiting for a thread longer than one has to."""
    lane_ids = [lane.pk for lane in Lane.objects.filter(dispatch=scene(100, concurrency=count))]
    for lane_id in lane_ids:
        lanes.advance(lane_id, 0)
    Lane.objects.filter(pk__in=lane_ids).update(lease_until=F("lease_until") - 2 * lanes.PATIENCE)
    return list(Lane.objects.filter(pk__in=lane_ids))


def give_way(of: list[Lane]) -> int:
    return sum(lanes.gives_way(lane.pk) for lane in of)


def test_no_draw_gives_way_while_no_link_waits():
    one, two = drawing(4), drawing(2)
    assert give_way([*one, *two]) == 0


def test_a_run_with_many_draws_gives_way_until_both_have_as_many():
    big = drawing(4)
    rung(4)
    assert give_way(big) == 2


def test_a_run_that_waits_with_one_link_gets_one_thread():
    big, small = drawing(4), drawing(1)
    rung(1)
    assert (give_way(big), give_way(small)) == (1, 0)


def test_where_each_run_has_one_draw_the_one_that_drew_longest_gives_way():
    runs = [drawing(1)[0] for _ in range(3)]
    Lane.objects.filter(pk=runs[1].pk).update(entered_at=Now() - 3 * lanes.TURN)
    rung(4)
    assert [lanes.gives_way(lane.pk) for lane in runs] == [False, True, False]


def test_a_draw_does_not_give_way_before_its_turn_is_over_nor_to_a_link_that_was_just_rung():
    big = drawing(4)
    waiting = rung(4)
    Lane.objects.filter(pk__in=[lane.pk for lane in big]).update(entered_at=Now())
    assert give_way(big) == 0
    Lane.objects.filter(pk__in=[lane.pk for lane in big]).update(entered_at=Now() - 2 * lanes.TURN)
    Lane.objects.filter(pk__in=[lane.pk for lane in waiting]).update(lease_until=Now() + lanes.LEASE)
    assert give_way(big) == 0


def test_no_draw_gives_way_to_the_links_of_its_own_run_or_of_one_that_is_paused():
    big = drawing(4)
    Lane.objects.filter(pk=big[0].pk).update(started=0, ended=0, lease_until=Now())
    assert give_way(big[1:]) == 0
    waiting = rung(4)
    pause_dispatch(waiting[0].dispatch_id)
    assert give_way(big[1:]) == 0


def express(count: int) -> list[Lane]:
    """So many clicks, each on its own table, as they were laid."""
    for _ in range(count):
        table = scenes.table(3)
        scenes.group(table, scenes.doubling(table), concurrency=300)
        begin(table.pk, rows=list(table.rows.values_list("pk", flat=True)))
    return list(Lane.objects.filter(dispatch__is_express=True))


def test_a_click_gets_one_task_with_slots_for_all_its_rows():
    (lane,) = express(1)
    assert (lane.tasks, lane.slots) == (1, lanes.MOST_SLOTS)


def test_clicks_have_a_queue_of_their_own_until_it_is_full(monkeypatch):
    monkeypatch.setattr(lanes, "EXPRESS_LINKS", 2)
    links = [lanes.advance(lane.pk, lane.fence) for lane in express(4)]
    assert [link.queue for link in links] == ["express", "express", "draws", "draws"]
    scene(10)
    big = Lane.objects.filter(dispatch__is_express=False).first()
    assert lanes.advance(big.pk, big.fence).queue == "draws"


def test_a_click_that_its_queue_did_not_serve_is_rung_among_the_others_and_draws_give_way_to_it():
    (lane,) = express(1)
    assert lanes.advance(lane.pk, lane.fence).queue == "express"
    big = drawing(1)
    assert give_way(big) == 0
    Lane.objects.filter(pk=lane.pk).update(lease_until=Now() - lanes.LEASE)
    assert lanes.ring_again(Lane.objects.get(pk=lane.pk)).queue == "draws"
    assert give_way(big) == 1


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


@pytest.mark.django_db(transaction=True)
def test_nothing_is_locked_while_what_is_left_waiting_is_counted(monkeypatch):
    table = scenes.table(3)
    scenes.group(table, scenes.doubling(table), "first")
    scenes.group(table, scenes.doubling(table), "reader", run_after=["first"])
    dispatch = begin(table.pk, groups=[Group.objects.get(name="reader").pk])
    locked = []
    count = waiting.count

    def counted(of: Dispatch) -> int:
        locked.append(connection.in_atomic_block)
        return count(of)

    monkeypatch.setattr(waiting, "count", counted)
    assert first_link() is None
    dispatch.refresh_from_db()
    assert (dispatch.status, dispatch.waiting, dispatch.total, locked) == ("complete", 3, 3, [False])
