"""Pausing a dispatch and letting it go on, with real workers: what runs ends, nothing else starts, nothing is lost."""

from __future__ import annotations

import pytest
from django.db.models import F
from django.db.models.functions import Now

from cells.models import CLAIMED, Attempt, Execution
from dispatch import bell, lanes
from dispatch.begin import begin
from dispatch.models import Dispatch, Lane
from dispatch.pausing import pause_dispatch, resume_dispatch
from dispatch.progress import counts
from dispatch.sweep import sweep
from tests import hands, scenes
from tests.gates import gated, marks

pytestmark = pytest.mark.django_db(transaction=True)


def until_arrived(folder, count):
    scenes.until(lambda: len(marks(folder, "arrived")) == count, f"{count} cells stand at the gate")


def until_still(dispatch):
    """Wait until no cell of the dispatch runs, and no draw is at work for it."""
    drawing = Lane.objects.filter(dispatch=dispatch, ended__lt=F("started"))
    claimed = Execution.objects.filter(dispatch_id=dispatch.pk, status__in=CLAIMED)
    scenes.until(lambda: not claimed.exists() and not drawing.exists(), "nothing runs and nobody draws")


def assert_each_ran_once(table, count):
    assert sorted(Attempt.objects.values_list("execution", flat=True)) == sorted(
        Execution.objects.values_list("pk", flat=True)
    )
    assert Execution.objects.count() == count


def test_what_runs_ends_and_nothing_else_starts_until_the_run_is_resumed(shared_worker, tmp_path):
    table = scenes.table(40)
    group = gated(table, tmp_path, concurrency=3)
    dispatch = begin(table.pk)
    until_arrived(tmp_path, 3)
    assert pause_dispatch(dispatch.pk, by="ann").paused_because == "Paused by ann."
    (tmp_path / "open").touch()
    until_still(dispatch)
    assert len(marks(tmp_path, "arrived")) == len(marks(tmp_path, "passed")) == 3
    dispatch.refresh_from_db()
    progress = counts([dispatch])[dispatch.pk]
    assert (dispatch.status, progress.completed, progress.eta_seconds) == ("paused", 3, None)
    assert scenes.statuses(group)["completed"] == 3
    assert resume_dispatch(dispatch.pk).status == "dispatching"
    dispatch = scenes.until_ended(dispatch)
    assert (dispatch.status, dispatch.completed) == ("complete", 40)
    assert scenes.values(table) == list(range(1, 41))
    assert_each_ran_once(table, 40)


def test_the_other_cells_of_a_row_wait_with_the_run_and_come_after_it(shared_worker, tmp_path):
    table = scenes.table(4)
    gated(table, tmp_path, key="first", concurrency=4)
    reader = scenes.group(table, scenes.doubling(table), "reader", reads="first", run_after=["first"])
    other = scenes.group(table, scenes.doubling(table), "other")
    last = scenes.group(table, scenes.doubling(table), "last", reads="reader", run_after=["reader"])
    dispatch = begin(table.pk)
    until_arrived(tmp_path, 4)
    assert scenes.statuses(other) == {"queued": 4}
    pause_dispatch(dispatch.pk)
    (tmp_path / "open").touch()
    until_still(dispatch)
    assert [scenes.statuses(group) for group in (reader, other, last)] == [{"pending": 4}, {"pending": 4}, {}]
    resume_dispatch(dispatch.pk)
    dispatch = scenes.until_ended(dispatch)
    assert (dispatch.completed, dispatch.waiting) == (16, 0)
    assert scenes.values(table, "last") == [4 * n for n in range(1, 5)]
    assert_each_ran_once(table, 16)


def test_a_run_that_is_paused_before_it_starts_starts_nothing(shared_worker, tmp_path, monkeypatch):
    table = scenes.table(3)
    scenes.group(table, scenes.doubling(table))
    with monkeypatch.context() as silent:
        silent.setattr(bell, "_send", lambda *_: None)
        dispatch = begin(table.pk)
    pause_dispatch(dispatch.pk)
    for lane in Lane.objects.all():
        assert lanes.advance(lane.pk, lane.fence) is None
    assert not Execution.objects.exists()
    assert resume_dispatch(dispatch.pk).status == "pending"
    assert scenes.until_ended(dispatch).completed == 3


def test_a_draw_whose_cell_still_runs_goes_on_when_the_run_is_resumed(shared_worker, tmp_path):
    table = scenes.table(3)
    gated(table, tmp_path, concurrency=1)
    dispatch = begin(table.pk)
    until_arrived(tmp_path, 1)
    pause_dispatch(dispatch.pk)
    lane = Lane.objects.get()
    assert lanes.renew(lane.pk, lane.fence)
    resume_dispatch(dispatch.pk)
    (tmp_path / "open").touch()
    assert scenes.until_ended(dispatch).completed == 3
    assert_each_ran_once(table, 3)


def test_a_pause_outlives_the_workers_and_the_broker(workers, tmp_path, empty_redis):
    table = scenes.table(30)
    gated(table, tmp_path, concurrency=4)
    (worker,) = workers()
    dispatch = begin(table.pk)
    until_arrived(tmp_path, 4)
    pause_dispatch(dispatch.pk)
    worker.kill()
    empty_redis.flushdb()
    Lane.objects.update(lease_until=Now() - lanes.LEASE)
    assert sweep().lanes == 0
    (tmp_path / "open").touch()
    workers()
    assert Dispatch.objects.get().status == "paused"
    resume_dispatch(dispatch.pk)
    scenes.until(lambda: sweep() and Dispatch.objects.get().status == "complete", "the run ends")
    assert Dispatch.objects.get().completed == 30
    assert scenes.values(table) == list(range(1, 31))


def test_a_resume_whose_message_was_lost_is_rung_again(empty_redis, monkeypatch):
    rung = []
    monkeypatch.setattr(bell, "_send", lambda messages, _: rung.extend(messages))
    table = scenes.table(10)
    scenes.group(table, scenes.doubling(table), concurrency=2)
    dispatch = begin(table.pk)
    hands.admit(dispatch)
    pause_dispatch(dispatch.pk)
    Lane.objects.update(lease_until=Now() - lanes.LEASE)
    assert sweep().lanes == 0
    resume_dispatch(dispatch.pk)
    rung.clear()
    assert sweep().lanes == Lane.objects.count() == len(rung) == 2
    assert sweep().lanes == 0


def test_the_rate_of_a_run_leaves_its_pauses_out(shared_worker):
    table = scenes.table(10)
    scenes.group(table, scenes.doubling(table))
    dispatch = scenes.until_ended(begin(table.pk))
    assert 0 < dispatch.ran_for.total_seconds() < (dispatch.finished_at - dispatch.started_at).total_seconds() + 0.001
    before = counts([dispatch])[dispatch.pk].rate
    Dispatch.objects.update(started_at=F("started_at") - lanes.LEASE)
    dispatch.refresh_from_db()
    assert counts([dispatch])[dispatch.pk].rate == before
