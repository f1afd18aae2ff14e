"""Workers that die, freeze or leave: the run ends by itself, each output is written once, nothing is left in flight."""

from __future__ import annotations

import pytest
from django.db import transaction

from cells.models import Attempt, Execution, Status, Worker
from dispatch import lifecycle
from dispatch.begin import begin
from dispatch.cancel import cancel_runs
from dispatch.models import Lane, Window
from tests import scenes
from tests.faults import backends
from tests.faults.laws import gated
from tests.stage import pace


@pytest.fixture(scope="module", autouse=True)
def _beat(company):
    company.beat()


def test_a_stop_is_answered_though_a_frozen_worker_holds_the_table(company, gate, watch):
    (frozen,) = company.workers(1, **pace.environment(frozen=2))
    table = scenes.table(8)
    group = gated(table, gate.folder, concurrency=8)
    dispatch = begin(table.pk)
    gate.until_arrived(8)
    with transaction.atomic():
        lifecycle.serialise(table.pk)
        gate.open()
        scenes.until(lambda: len(gate.tokens()) == 8, "all cells have their results")
        scenes.until(backends.waiting_at_a_lock, "a draw waits for the table, its results in its hand")
        frozen.freeze()
    # The draw has the lock now, and does not know it.
    assert cancel_runs(table.pk) == 8
    dispatch.refresh_from_db()
    assert dispatch.status == "cancelled"
    frozen.thaw()
    scenes.until(lambda: "failed" in frozen.log or "waits for the database" in frozen.log, "its transaction has failed")
    scenes.until(lambda: Worker.objects.filter(pid=frozen.pid, status="active").exists(), "it goes on")
    assert scenes.statuses(group) == {"cancelled": 8}
    assert scenes.values(table) == [None] * 8


def test_a_run_outlives_a_worker_that_is_killed_in_the_middle(company, gate, watch):
    first, _second = company.workers(2, concurrency=4)
    table = scenes.table(200)
    gated(table, gate.folder, concurrency=16)
    dispatch = begin(table.pk)
    gate.until_arrived(16)
    held_by_first = gate.arrived(first.pid)
    assert held_by_first
    first.kill()
    watch.struck()
    gate.open()
    figures = watch.until_lawful_end(dispatch)
    assert dispatch.completed == 200
    assert figures.lost >= len(held_by_first)


def test_a_worker_that_was_frozen_past_its_lease_writes_nothing_when_it_wakes(company, gate, watch):
    frozen, other = company.workers(2)
    table = scenes.table(12)
    gated(table, gate.folder, concurrency=12)
    dispatch = begin(table.pk)
    gate.until_arrived(12)
    mine = set(gate.arrived(frozen.pid))
    assert mine
    with transaction.atomic():
        # It stands at this lock, with the results in its hand and the statement that writes them next, when it freezes.
        lifecycle.serialise(table.pk)
        gate.open()
        scenes.until(lambda: len(gate.tokens()) == 12, "all cells have their results")
        scenes.until(lambda: len(backends.waiting_at_a_lock()) >= 2, "both workers wait for the table")
        frozen.freeze()
    watch.struck()
    scenes.until(lambda: set(gate.arrived(other.pid)) == set(range(1, 13)), "the other worker has its cells")
    scenes.until_ended(dispatch)
    frozen.thaw()
    scenes.until(lambda: "was taken for lost" in frozen.log, "it has found itself lost")
    scenes.until(lambda: Worker.objects.filter(pid=frozen.pid, status="active").exists(), "it has come back")
    figures = watch.until_lawful_end(dispatch)
    assert dispatch.completed == 12
    assert figures.lost == len(mine)


@pytest.mark.parametrize("point", ["before dispatch.lanes.leave", "after dispatch.lanes.leave"])
def test_a_worker_that_dies_between_its_last_finish_and_the_chords_join_holds_nothing_up(
    company, points, gate, watch, point
):
    company.workers(2)
    table = scenes.table(3)
    gated(table, gate.folder, concurrency=1)
    gate.open()
    points.hold(point)
    dispatch = begin(table.pk)
    (pid,) = scenes.until(lambda: points.reached(point), "the draw of all cells is about to end")
    assert Execution.objects.filter(dispatch_id=dispatch.pk, status="completed").count() == 3
    (doomed,) = [worker for worker in company.workers(2) if worker.pid == pid]
    lane = Lane.objects.get(dispatch=dispatch)
    assert lane.ended == (lane.tasks if point.startswith("after") else 0)
    doomed.kill()
    watch.struck()
    points.release(point)
    watch.until_lawful_end(dispatch)
    assert dispatch.completed == 3
    assert len(gate.arrived()) == 3


def test_a_run_outlives_all_its_workers(company, gate, watch):
    crew = company.only(2)
    table = scenes.table(60)
    gated(table, gate.folder, concurrency=8)
    dispatch = begin(table.pk)
    gate.until_arrived(8)
    for worker in crew:
        worker.kill()
    watch.struck()
    gate.open()
    company.workers(1)
    figures = watch.until_lawful_end(dispatch)
    assert dispatch.completed == 60
    assert figures.lost >= 8


def test_a_cell_that_loses_every_worker_ends_in_an_error_that_says_so(company, gate, watch):
    crew = {worker.pid: worker for worker in company.workers(4)}
    table = scenes.table(1)
    group = gated(table, gate.folder)
    dispatch = begin(table.pk)
    for loss in range(1, 4):
        gate.until_arrived(loss)
        (pid,) = [pid for pid in crew if gate.arrived(pid)]
        crew.pop(pid).kill()
        watch.struck()
    watch.until_lawful_end(dispatch)
    assert (dispatch.error, dispatch.total) == (1, 1)
    assert "lost" in Execution.objects.get(group=group).error
    assert Attempt.objects.filter(execution__group=group).count() == 3
    assert gate.arrived() == [1, 1, 1]


def test_a_worker_that_is_told_to_stop_hands_its_cells_back_at_once(company, gate, watch):
    (first,) = company.only(1)
    table = scenes.table(20)
    gated(table, gate.folder, concurrency=4)
    dispatch = begin(table.pk)
    gate.until_arrived(4)
    assert first.stop() == 0
    assert not Execution.objects.filter(status__in=[Status.RUNNING, Status.QUEUED]).exists()
    assert not Worker.objects.filter(pid=first.pid).exists()
    watch.struck()
    gate.open()
    company.workers(1)
    watch.until_lawful_end(dispatch)
    assert dispatch.completed == 20
    assert Window.objects.filter(dispatch=dispatch, closed_at=None).count() == 0
