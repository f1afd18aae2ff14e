"""The sweep: what it takes back, rings again, drops and ends; and what it leaves alone."""

from __future__ import annotations

import pytest
from django.db.models import F
from django.db.models.functions import Now

from cells.models import Execution, Status, Worker
from dispatch import bell, lanes, resume
from dispatch.begin import begin
from dispatch.cancel import cancel_runs
from dispatch.models import Dispatch, Lane, Window
from dispatch.progress import counts
from dispatch.sweep import sweep
from tableflow.tables.models import Row
from tests import hands, scenes, standing

pytestmark = pytest.mark.django_db


@pytest.fixture
def rung(monkeypatch) -> list[lanes.Link]:
    """The links that the bell was rung for; no message is sent."""
    links: list[lanes.Link] = []
    monkeypatch.setattr(bell, "ring", links.append)
    return links


def run(rows: int, **options) -> Dispatch:
    table = scenes.table(rows)
    scenes.group(table, scenes.doubling(table), **options)
    return begin(table.pk)


def lapse_lanes() -> None:
    Lane.objects.update(lease_until=Now() - lanes.LEASE)


def test_only_a_lost_workers_cells_are_taken_back(rung):
    dispatch = run(4)
    hands.admit(dispatch)
    lost, alive = hands.worker("lost"), hands.worker("alive")
    hands.claim(lost, dispatch, most=2)
    hands.claim(alive, dispatch, most=2)
    hands.lapse(lost)
    sweep()
    assert Worker.objects.get(pk=lost.pk).status == "lost"
    assert list(Execution.objects.order_by("position").values_list("status", "worker", "losses")) == [
        *[("pending", None, 1)] * 2,
        *[("running", alive.pk, 0)] * 2,
    ]
    sweep()
    assert Execution.objects.filter(losses=1).count() == 2


def test_the_cells_of_a_worker_that_left_are_taken_back(rung):
    dispatch = run(1)
    hands.admit(dispatch)
    gone = hands.worker()
    hands.claim(gone, dispatch)
    Worker.objects.filter(pk=gone.pk)._raw_delete("default")
    sweep()
    assert Execution.objects.get().status == "pending"


def test_a_cell_lost_for_good_is_counted_as_an_error(rung):
    dispatch = run(1)
    hands.admit(dispatch)
    for _ in range(3):
        worker = hands.worker(f"worker {Worker.objects.count()}")
        hands.claim(worker, dispatch)
        hands.lapse(worker)
        sweep()
    assert Window.objects.get().error == 1
    progress = counts([dispatch])[dispatch.pk]
    assert (progress.error, progress.in_flight) == (1, 0)


def test_stamps_in_rows_that_were_deleted_end_as_cancelled(rung):
    dispatch = run(3)
    hands.admit(dispatch)
    Row.objects.filter(data__n=2)._raw_delete("default")
    sweep()
    assert Execution.objects.filter(status="pending").count() == 2
    assert Execution.objects.count() == 2
    assert Window.objects.values_list("cells", "cancelled").get() == (3, 1)


def test_a_claimed_cell_of_a_deleted_row_ends_as_cancelled(rung):
    dispatch = run(2)
    hands.admit(dispatch)
    (one, two) = hands.claim(hands.worker(), dispatch)
    Row.objects.filter(pk=one.lead.row_id)._raw_delete("default")
    sweep()
    assert hands.finish([hands.ended(one.lead), hands.ended(two.lead)])[0].id == two.lead.id
    assert Window.objects.values_list("completed", "cancelled").get() == (1, 1)


def test_a_dispatch_whose_first_messages_were_lost_is_rung_for(rung):
    dispatch = run(10, concurrency=1)
    sweep()
    assert rung == []
    lapse_lanes()
    sweep()
    dispatch.refresh_from_db()
    assert (dispatch.status, len(rung)) == ("dispatching", 1)
    assert Execution.objects.filter(status="pending").count() == 10
    sweep()
    assert len(rung) == 1


def test_a_link_that_no_task_entered_is_rung_again_under_the_same_fence_and_ever_more_patiently(rung):
    run(10, concurrency=1)
    lapse_lanes()
    sweep()
    patience = []
    for _ in range(6):
        lapse_lanes()
        sweep()
        patience.append(round(Lane.objects.annotate(left=F("lease_until") - Now()).get().left.seconds))
    assert {link.fence for link in rung} == {1}
    assert len(rung) == 7
    assert patience == sorted(patience)
    assert patience[-1] == patience[-2] < 200


def test_a_dispatch_whose_last_message_was_lost_is_completed(rung):
    dispatch = run(3, concurrency=1)
    (lane,) = Lane.objects.all()
    link = lanes.advance(lane.pk, lane.fence)
    lanes.enter(link.lane_id, link.fence)
    claimed = hands.claim(hands.worker(), dispatch)
    hands.finish([hands.ended(c.lead) for c in claimed])
    sweep()
    dispatch.refresh_from_db()
    assert dispatch.status == "dispatching"
    lapse_lanes()
    sweep()
    dispatch.refresh_from_db()
    assert (dispatch.status, dispatch.completed, dispatch.total) == ("complete", 3, 3)
    assert not Lane.objects.filter(retired_at=None).exists()
    assert not Window.objects.filter(closed_at=None).exists()


def test_a_lane_that_still_has_a_worker_is_left_alone(rung):
    run(3, concurrency=1)
    (lane,) = Lane.objects.all()
    link = lanes.advance(lane.pk, lane.fence)
    lanes.enter(link.lane_id, link.fence)
    lapse_lanes()
    assert lanes.renew(link.lane_id, link.fence)
    sweep()
    assert rung == []
    assert Lane.objects.get().fence == link.fence


def test_a_dispatch_that_only_waits_for_paused_cells_is_left_alone_until_one_ends(rung):
    dispatch = run(2, concurrency=1)
    waiting, worker = lanes.advance(*Lane.objects.values_list("pk", "fence").get()), hands.worker()
    lanes.enter(waiting.lane_id, waiting.fence)
    standing.pause(dispatch, worker, "approval")
    lanes.leave(waiting.lane_id, waiting.fence)
    lapse_lanes()
    sweep()
    assert Lane.objects.get().fence == waiting.fence + 1
    lapse_lanes()
    sweep()
    assert Lane.objects.get().fence == waiting.fence + 1
    cancel_runs(dispatch.table_id, rows=list(Row.objects.values_list("pk", flat=True)))
    sweep()
    dispatch.refresh_from_db()
    assert (dispatch.status, dispatch.cancelled) == ("complete", 2)


def test_a_link_that_was_lost_is_rung_again_though_only_paused_cells_are_left(rung):
    dispatch = run(1, concurrency=1)
    link, worker = lanes.advance(*Lane.objects.values_list("pk", "fence").get()), hands.worker()
    lanes.enter(link.lane_id, link.fence)
    standing.pause(dispatch, worker, "approval")
    lanes.leave(link.lane_id, link.fence)
    lanes.advance(link.lane_id, link.fence)
    Lane.objects.update(started=0, ended=0)
    lapse_lanes()
    sweep()
    assert [ring.lane_id for ring in rung] == [link.lane_id]


def test_a_cell_that_goes_on_is_rung_for_though_its_message_was_lost(rung, monkeypatch):
    dispatch = run(1, concurrency=1)
    link, worker = lanes.advance(*Lane.objects.values_list("pk", "fence").get()), hands.worker()
    lanes.enter(link.lane_id, link.fence)
    standing.pause(dispatch, worker, due_at=standing.long_ago())
    lanes.leave(link.lane_id, link.fence)
    lanes.advance(link.lane_id, link.fence)
    monkeypatch.setattr(resume, "wake", lambda *_: None)
    assert resume.resume_due() == 1
    lapse_lanes()
    sweep()
    assert [ring.lane_id for ring in rung] == [link.lane_id]


def test_paused_ended_and_empty_are_nothing_to_heal(rung):
    sweep()
    dispatch = run(2)
    Dispatch.objects.update(status="paused")
    lapse_lanes()
    sweep()
    dispatch.refresh_from_db()
    assert (dispatch.status, rung) == ("paused", [])
    assert not Execution.objects.filter(status=Status.PENDING).exists()
