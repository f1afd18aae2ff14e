"""Workers that die, freeze or leave: the run ends by itself, each output is written once, nothing is left in flight."""

from __future__ import annotations

import pytest

from cells.models import Attempt, Execution, Status, Worker
from dispatch.begin import begin
from dispatch.models import Window
from tests import scenes
from tests.faults.laws import gated

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_run_outlives_a_worker_that_is_killed_in_the_middle(crew, beat, gate, watch):
    first, _second = crew(2, concurrency=4)
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


def test_a_run_outlives_all_its_workers(crew, beat, gate, watch):
    lost = crew(2, concurrency=4)
    table = scenes.table(60)
    gated(table, gate.folder, concurrency=8)
    dispatch = begin(table.pk)
    gate.until_arrived(8)
    for worker in lost:
        worker.kill()
    watch.struck()
    gate.open()
    crew(1)
    figures = watch.until_lawful_end(dispatch)
    assert dispatch.completed == 60
    assert figures.lost >= 8


def test_a_run_outlives_an_emptied_redis(crew, beat, empty_redis, gate, watch):
    crew(1)
    table = scenes.table(300)
    gated(table, gate.folder, concurrency=4)
    dispatch = begin(table.pk)
    gate.until_arrived(4)
    empty_redis.flushdb()
    watch.struck()
    gate.open()
    watch.until_lawful_end(dispatch)
    assert dispatch.completed == 300


def test_a_cell_that_loses_every_worker_ends_in_an_error_that_says_so(crew, beat, gate, watch):
    table = scenes.table(1)
    group = gated(table, gate.folder)
    (worker,) = crew(1, concurrency=4)
    dispatch = begin(table.pk)
    for loss in range(1, 4):
        gate.until_arrived(loss)
        lost, (worker,) = worker, crew(1, concurrency=4)
        lost.kill()
        watch.struck()
    watch.until_lawful_end(dispatch)
    assert (dispatch.error, dispatch.total) == (1, 1)
    assert "lost" in Execution.objects.get(group=group).error
    assert Attempt.objects.filter(execution__group=group).count() == 3
    assert gate.arrived() == [1, 1, 1]


def test_a_worker_that_is_told_to_stop_hands_its_cells_back_at_once(crew, gate, watch):
    (first,) = crew(1)
    table = scenes.table(20)
    gated(table, gate.folder, concurrency=4)
    dispatch = begin(table.pk)
    gate.until_arrived(4)
    assert first.stop() == 0
    assert not Execution.objects.filter(status__in=[Status.RUNNING, Status.QUEUED]).exists()
    assert not Worker.objects.exists()
    watch.struck()
    gate.open()
    crew(1)
    watch.until_lawful_end(dispatch)
    assert dispatch.completed == 20
    assert Window.objects.filter(dispatch=dispatch, closed_at=None).count() == 0
