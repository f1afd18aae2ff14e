"""Faults with real processes: the run ends by itself, each row has its output once, nothing is left in flight."""

from __future__ import annotations

import time

import pytest
from django.db.models import Count

from cells.models import Attempt, Execution, Status, Worker
from dispatch.begin import begin
from dispatch.models import Window
from tests import scenes
from tests.integration.test_engine import assert_accounted, gated, marks

pytestmark = pytest.mark.django_db(transaction=True)


def assert_each_written_once(group, rows: int) -> None:
    """Every cell completed, with one completed attempt, whatever was lost on the way."""
    assert scenes.statuses(group) == {"completed": rows}
    completed = Attempt.objects.filter(execution__group=group, status="completed")
    assert completed.count() == rows
    assert not completed.values("execution").annotate(n=Count("pk")).filter(n__gt=1).exists()


def test_a_run_outlives_a_worker_that_is_killed_in_the_middle(workers, beat, tmp_path, record_property):
    first, _second = workers(2, concurrency=4)
    table = scenes.table(200)
    group = gated(table, tmp_path, concurrency=16)
    dispatch = begin(table.pk)
    scenes.until(lambda: len(marks(tmp_path, "arrived")) == 16, "sixteen cells stand at the gate")
    held_by_first = [line for line in (tmp_path / "arrived").read_text().splitlines() if line.endswith(f" {first.pid}")]
    assert held_by_first
    first.kill()
    killed_at = time.monotonic()
    (tmp_path / "open").touch()
    dispatch = scenes.until_ended(dispatch, 90)
    healed = time.monotonic() - killed_at
    assert dispatch.status == "complete"
    assert dispatch.completed == 200
    assert scenes.values(table) == list(range(1, 201))
    assert_each_written_once(group, 200)
    assert_accounted(dispatch)
    lost = Attempt.objects.filter(execution__group=group, status="error").count()
    assert lost == len(held_by_first)
    print(f"healed in {healed:.1f} s; {lost} attempts were lost with the worker")


def test_a_run_outlives_all_its_workers(workers, beat, tmp_path):
    crew = workers(2, concurrency=4)
    table = scenes.table(60)
    group = gated(table, tmp_path, concurrency=8)
    dispatch = begin(table.pk)
    scenes.until(lambda: len(marks(tmp_path, "arrived")) == 8, "eight cells stand at the gate")
    for worker in crew:
        worker.kill()
    (tmp_path / "open").touch()
    workers(1, concurrency=8)
    dispatch = scenes.until_ended(dispatch, 90)
    assert dispatch.completed == 60
    assert_each_written_once(group, 60)
    assert_accounted(dispatch)


def test_a_run_outlives_an_emptied_redis(workers, beat, empty_redis, tmp_path):
    workers(1, concurrency=8)
    table = scenes.table(300)
    group = gated(table, tmp_path, concurrency=4)
    dispatch = begin(table.pk)
    scenes.until(lambda: len(marks(tmp_path, "arrived")) == 4, "four cells stand at the gate")
    empty_redis.flushdb()
    (tmp_path / "open").touch()
    dispatch = scenes.until_ended(dispatch, 90)
    assert dispatch.completed == 300
    assert_each_written_once(group, 300)


def test_a_cell_that_loses_every_worker_ends_in_an_error_that_says_so(workers, beat, tmp_path):
    table = scenes.table(1)
    group = gated(table, tmp_path)
    (worker,) = workers(1, concurrency=4)
    dispatch = begin(table.pk)
    for loss in range(1, 4):
        scenes.until(lambda n=loss: len(marks(tmp_path, "arrived")) == n, f"the cell is at the gate, time {loss}")
        lost, (worker,) = worker, workers(1, concurrency=4)
        lost.kill()
    dispatch = scenes.until_ended(dispatch, 60)
    assert (dispatch.error, dispatch.total) == (1, 1)
    assert "lost" in Execution.objects.get(group=group).error
    assert Attempt.objects.filter(execution__group=group).count() == 3
    assert len(marks(tmp_path, "arrived")) == 3
    assert_accounted(dispatch)


def test_a_worker_that_is_told_to_stop_hands_its_cells_back_at_once(workers, tmp_path):
    (first,) = workers(1, concurrency=8)
    table = scenes.table(20)
    group = gated(table, tmp_path, concurrency=4)
    dispatch = begin(table.pk)
    scenes.until(lambda: len(marks(tmp_path, "arrived")) == 4, "four cells stand at the gate")
    assert first.stop() == 0
    assert not Execution.objects.filter(status__in=[Status.RUNNING, Status.QUEUED]).exists()
    assert not Worker.objects.exists()
    (tmp_path / "open").touch()
    workers(1, concurrency=8)
    dispatch = scenes.until_ended(dispatch, 60)
    assert dispatch.completed == 20
    assert_each_written_once(group, 20)
    assert Window.objects.filter(dispatch=dispatch, closed_at=None).count() == 0
