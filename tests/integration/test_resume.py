"""Paused cells that go on: which of them, with what, from which window, and who is rung for."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.db.models import F
from django.test.utils import CaptureQueriesContext

from cells import pauses
from cells.models import Approval, Execution, Pause
from dispatch import bell, lanes, lifecycle, resume, windows
from dispatch.begin import begin
from dispatch.cancel import cancel_dispatch, cancel_runs
from dispatch.models import Dispatch, DispatchStatus, Lane, Window
from tests import hands, scenes, standing

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def rung(monkeypatch) -> list[lanes.Link]:
    """The links that the bell was rung for; no message is sent."""
    links: list[lanes.Link] = []
    monkeypatch.setattr(bell, "ring", links.append)
    monkeypatch.setattr(bell, "_send", lambda *_, **__: None)
    return links


def run(rows: int, **options) -> Dispatch:
    table = scenes.table(rows)
    scenes.group(table, scenes.doubling(table), **options)
    return begin(table.pk)


def rest(dispatch: Dispatch) -> None:
    """Its lanes have drawn all that there was, and rest."""
    Lane.objects.filter(dispatch=dispatch).update(fence=F("fence") + 1, started=F("tasks"), ended=F("tasks"))


def statuses() -> list[str]:
    return list(Execution.objects.order_by("position").values_list("status", flat=True))


def test_what_is_due_goes_on_and_nothing_else(rung):
    dispatch, worker = run(3), hands.worker()
    standing.pause(dispatch, worker, due_at=standing.long_ago(), most=1)
    standing.pause(dispatch, worker, due_at=standing.far_ahead(), most=1)
    standing.pause(dispatch, worker, "approval", most=1)
    assert statuses() == ["paused"] * 3
    assert resume.resume_due() == 1
    assert statuses() == ["pending", "paused", "paused"]
    assert resume.resume_due() == 0


def test_the_time_is_the_callers(rung):
    dispatch, worker = run(1), hands.worker()
    standing.pause(dispatch, worker, due_at=standing.far_ahead())
    assert resume.resume_due(standing.far_ahead() - timedelta(hours=1)) == 0
    assert resume.resume_due(standing.far_ahead() + timedelta(hours=1)) == 1


def test_a_wait_gives_the_time_and_a_retry_nothing(rung):
    dispatch, worker = run(2), hands.worker()
    at = standing.far_ahead()
    (waiting,) = standing.pause(dispatch, worker, "wait", standing.long_ago(), most=1)
    (trying,) = standing.pause(dispatch, worker, "retry", standing.long_ago(), most=1)
    assert resume.resume_due(at) == 2
    assert Pause.objects.get(pk=waiting).result == {"resumed_at": at.isoformat()}
    assert Pause.objects.get(pk=trying).result is None
    assert not Pause.objects.exclude(due_at=None).exists()


@pytest.mark.parametrize("way", ["error", "approved", "rejected"])
def test_a_question_that_nobody_answered_expires_as_its_step_says(rung, way):
    dispatch, worker = run(1), hands.worker()
    at = standing.far_ahead()
    (asked,) = standing.pause(dispatch, worker, "approval", standing.long_ago(), on_expiry=way)
    assert resume.resume_due(at) == 1
    given = {"decision": way, "fields": {}, "by": None, "at": at.isoformat()}
    assert Pause.objects.get(pk=asked).result == ({"expired": True} if way == "error" else given)
    approval = Approval.objects.get(execution_id=asked)
    assert (approval.status, approval.answered_by, approval.answered_at) == ("expired", None, at)


def test_places_move_from_the_lobby_to_one_window_for_each_batch(rung, monkeypatch):
    monkeypatch.setattr(resume, "BATCH", 3)
    dispatch, worker = run(7), hands.worker()
    standing.pause(dispatch, worker, due_at=standing.long_ago())
    lobby = windows.lobby(dispatch.pk)
    assert Window.objects.get(pk=lobby).cells == 7
    assert resume.resume_due() == 7
    assert Window.objects.get(pk=lobby).cells == 0
    fresh = Window.objects.filter(pk__gt=lobby).order_by("pk")
    assert list(fresh.values_list("rows", "cells")) == [(3, 3), (3, 3), (1, 1)]
    for window in fresh:
        assert Execution.objects.filter(window_id=window.pk, status="pending").count() == window.cells
    assert not windows.in_flight([lobby]).exists()
    assert len(hands.claim(worker, dispatch)) == 7


def test_the_oldest_go_on_first_and_each_dispatch_has_its_own_window(rung, monkeypatch):
    first, second, worker = run(2), run(2), hands.worker()
    now = standing.long_ago()
    late = standing.pause(first, worker, due_at=now, most=1)
    early = standing.pause(second, worker, due_at=now - timedelta(hours=1), most=1)
    assert [execution for _, execution in pauses.due(now, 10)] == [*early, *late]
    assert resume.resume_due() == 2
    found = Execution.objects.filter(pk__in=[*late, *early]).values_list("dispatch_id", "window_id")
    assert len({window for _, window in found}) == 2
    assert all(Window.objects.get(pk=window).dispatch_id == dispatch for dispatch, window in found)


def test_a_resting_lane_is_rung_once_until_it_has_started(rung):
    dispatch, worker = run(6, concurrency=1), hands.worker()
    lane = Lane.objects.get(dispatch=dispatch)
    standing.pause(dispatch, worker, due_at=standing.long_ago(), most=1)
    rest(dispatch)
    assert resume.resume_due() == 1
    (link,) = rung
    assert (link.lane_id, link.tasks) == (lane.pk, 1)
    for _ in range(3):
        hands.claim(worker, dispatch, most=1)
        standing.pause(dispatch, worker, due_at=standing.long_ago(), most=1)
        assert resume.resume_due() == 1
    assert len(rung) == 1
    assert lanes.enter(link.lane_id, link.fence) is not None
    lanes.leave(link.lane_id, link.fence)
    standing.pause(dispatch, worker, due_at=standing.long_ago(), most=1)
    assert resume.resume_due() == 1
    assert [again.fence for again in rung] == [link.fence, link.fence + 1]


def test_no_more_lanes_are_rung_than_the_cells_can_use(rung):
    dispatch, worker = run(40, concurrency=20), hands.worker()
    assert Lane.objects.filter(dispatch=dispatch).count() == 4
    rest(dispatch)
    standing.pause(dispatch, worker, due_at=standing.long_ago(), most=6)
    assert resume.resume_due() == 6
    assert len({link.lane_id for link in rung}) == len(rung) == 2
    assert Lane.objects.filter(ended=0).count() == 2


def test_lanes_that_draw_are_not_rung_for(rung):
    dispatch, worker = run(2, concurrency=1), hands.worker()
    standing.pause(dispatch, worker, due_at=standing.long_ago(), most=1)
    Lane.objects.update(started=1, ended=0)
    assert resume.resume_due() == 1
    assert rung == []
    assert hands.claim(worker, dispatch)


def test_an_advance_that_was_under_way_does_nothing_after_the_lane_was_woken(rung):
    dispatch, worker = run(1, concurrency=1), hands.worker()
    standing.pause(dispatch, worker, due_at=standing.long_ago())
    rest(dispatch)
    lane = Lane.objects.get()
    assert resume.resume_due() == 1
    assert lanes.advance(lane.pk, lane.fence) is None
    assert Lane.objects.get().fence == lane.fence + 1


def test_cells_of_a_paused_dispatch_are_stamped_but_nobody_is_rung_for_them(rung):
    dispatch, worker = run(2, concurrency=1), hands.worker()
    standing.pause(dispatch, worker, due_at=standing.long_ago())
    rest(dispatch)
    Dispatch.objects.update(status=DispatchStatus.PAUSED)
    assert resume.resume_due() == 2
    assert statuses() == ["pending"] * 2
    assert rung == []


def test_a_cell_that_was_stopped_does_not_go_on(rung):
    dispatch, worker = run(3), hands.worker()
    rows = list(Dispatch.objects.get().table.rows.values_list("pk", flat=True))
    standing.pause(dispatch, worker, due_at=standing.long_ago())
    assert cancel_runs(dispatch.table_id, rows=rows[:1]) == 1
    assert resume.resume_due() == 2
    assert statuses() == ["cancelled", "pending", "pending"]
    cancel_dispatch(dispatch.pk)
    assert resume.resume_due() == 0
    assert statuses() == ["cancelled"] * 3
    assert not Pause.objects.exists()


def test_a_pause_whose_cell_is_not_paused_is_due_no_more_and_keeps_nobody_waiting(rung, monkeypatch):
    monkeypatch.setattr(resume, "BATCH", 1)
    dispatch, worker = run(2), hands.worker()
    astray, fine = standing.pause(dispatch, worker, due_at=standing.long_ago())
    Pause.objects.filter(pk=astray).update(due_at=standing.long_ago() - timedelta(days=1))
    Execution.objects.filter(pk=astray).update(status="pending")
    resume.resume_due()
    resume.resume_due()
    assert Execution.objects.get(pk=fine).status == "pending"
    assert not Pause.objects.exclude(due_at=None).exists()


def test_one_table_that_cannot_go_on_keeps_no_other(rung, monkeypatch):
    broken, whole, worker = run(1), run(1), hands.worker()
    standing.pause(broken, worker, due_at=standing.long_ago() - timedelta(hours=1))
    standing.pause(whole, worker, due_at=standing.long_ago())
    open_resumed = windows.open_resumed

    def open_or_fail(dispatch_id, rows):
        if dispatch_id == broken.pk:
            raise RuntimeError("no window today")
        return open_resumed(dispatch_id, rows)

    monkeypatch.setattr(windows, "open_resumed", open_or_fail)
    assert resume.resume_due() == 1
    assert dict(Execution.objects.values_list("dispatch_id", "status")) == {broken.pk: "paused", whole.pk: "pending"}
    monkeypatch.undo()
    monkeypatch.setattr(bell, "ring", rung.append)
    assert resume.resume_due() == 1


def test_a_pause_in_time_keeps_the_dispatch_open(rung):
    dispatch, worker = run(1, concurrency=1), hands.worker()
    standing.pause(dispatch, worker, due_at=standing.far_ahead())
    rest(dispatch)
    lane = Lane.objects.get()
    assert lanes.advance(lane.pk, lane.fence) is None
    assert Dispatch.objects.get().status == "dispatching"


def test_ten_thousand_due_cells_put_no_more_than_a_message_a_task_into_the_queue(empty_redis, monkeypatch):
    dispatch, worker = run(10_000, concurrency=400), hands.worker()
    Dispatch.objects.update(width=2000)
    assert len(standing.pause(dispatch, worker, due_at=standing.long_ago())) == 10_000
    rest(dispatch)
    empty_redis.flushdb()
    tasks = sum(Lane.objects.filter(dispatch=dispatch).values_list("tasks", flat=True))
    lengths: list[int] = []
    go_on = resume._go_on

    def counted(table_id, ids):
        lengths.append(sum(map(empty_redis.llen, ("tableflow", "draws", "express"))))
        assert len(ids) <= resume.BATCH
        return go_on(table_id, ids)

    monkeypatch.setattr(resume, "_go_on", counted)
    assert resume.resume_due(seconds=600) == 10_000
    counted(dispatch.table_id, [])
    assert len(lengths) == 10_000 / resume.BATCH + 1
    assert lengths[0] == 0
    assert 0 < max(lengths) <= tasks
    assert Execution.objects.filter(status="pending").count() == 10_000
    assert sum(Window.objects.filter(lobby=False, cells__gt=0).values_list("cells", flat=True)) == 10_000
    assert lifecycle.cancel(dispatch.pk)


def test_what_is_due_is_found_by_its_index(rung):
    dispatch, worker = run(3000), hands.worker()
    Dispatch.objects.update(width=2000)
    standing.pause(dispatch, worker, due_at=standing.far_ahead())
    with CaptureQueriesContext(connection) as asked:
        pauses.due(standing.long_ago(), 500, without=[4711])
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE cells_pause")
        cursor.execute(f"EXPLAIN {asked[0]['sql']}")
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert "pauses_by_due_time" in plan
    assert "Seq Scan" not in plan
