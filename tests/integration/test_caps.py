"""Caps, with real workers: a run pauses at them, says why, and goes on where it stopped when they are raised."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db.models import F

from cells.models import Attempt, Execution
from dispatch import caps
from dispatch.begin import begin
from dispatch.models import Dispatch, Lane
from dispatch.pausing import resume_dispatch
from dispatch.progress import counts
from dispatch.sweep import sweep
from tableflow.errors import Conflict
from tests import scenes
from tests.gates import gated, marks

pytestmark = pytest.mark.django_db(transaction=True)

CONCURRENCY = 5
# What is in flight when a cap is reached, and what draws claim that judged just before.
EXCESS = 4 * CONCURRENCY


def failing(table, condition: str, **options):
    """A group whose cells fail in the rows in which the condition holds."""
    broken = [{"id": "half", "type": "template", "config": {"template": f"{{{{ 1 / (0 if {condition} else 1) }}}}"}}]
    return scenes.group(table, scenes.workflow(table, broken, "{{ steps.half }}"), **options)


def until_paused(dispatch):
    def paused():
        dispatch.refresh_from_db()
        return dispatch.status == "paused"

    scenes.until(paused, "the run is paused")
    drawing = Lane.objects.filter(dispatch=dispatch, ended__lt=F("started"))
    scenes.until(lambda: not drawing.exists(), "nobody draws")
    return counts([dispatch])[dispatch.pk]


def go_on(dispatch, **changes):
    caps.change(dispatch.pk, changes)
    return resume_dispatch(dispatch.pk)


def assert_each_ran_once(rows):
    assert sorted(Attempt.objects.values_list("execution", flat=True)) == sorted(
        Execution.objects.values_list("pk", flat=True)
    )
    assert Execution.objects.count() == rows


def test_a_run_pauses_when_it_has_run_as_many_rows_as_its_cap_and_goes_on_from_there(shared_worker):
    table = scenes.table(100)
    scenes.group(table, scenes.doubling(table), "one")
    scenes.group(table, scenes.doubling(table), "two", reads="one", run_after=["one"])
    dispatch = begin(table.pk, caps={"rows": 30})
    assert until_paused(dispatch).completed == 60
    assert dispatch.paused_because == "30 rows were run, its cap; more lie ahead."
    assert scenes.values(table, "two") == [4 * n if n <= 30 else None for n in range(1, 101)]
    with pytest.raises(Conflict, match=r"caps\.rows"):
        resume_dispatch(dispatch.pk)
    go_on(dispatch, rows=45)
    assert until_paused(dispatch).completed == 90
    go_on(dispatch, rows=None)
    dispatch = scenes.until_ended(dispatch)
    assert (dispatch.status, dispatch.completed, dispatch.caps) == ("complete", 200, {})
    assert_each_ran_once(200)


def test_a_cap_that_is_as_large_as_the_table_pauses_nothing(shared_worker):
    table = scenes.table(50)
    scenes.group(table, scenes.doubling(table))
    assert scenes.until_ended(begin(table.pk, caps={"rows": 50})).completed == 50
    assert scenes.until_ended(begin(table.pk, mode="all", limit=20, caps={"rows": 20})).completed == 20


def test_rows_that_came_late_are_met_by_a_run_that_was_paused_at_its_last_row(shared_worker):
    table = scenes.table(10)
    scenes.group(table, scenes.doubling(table))
    dispatch = begin(table.pk, caps={"rows": 9})
    until_paused(dispatch)
    scenes.add_rows(table, 5)
    go_on(dispatch, rows=100)
    assert scenes.until_ended(dispatch).completed == 15


def test_a_limit_completes_a_run_and_a_cap_pauses_it(shared_worker):
    table = scenes.table(60)
    scenes.group(table, scenes.doubling(table))
    dispatch = begin(table.pk, limit=40, caps={"rows": 25})
    assert until_paused(dispatch).completed == 25
    go_on(dispatch, rows=1000)
    assert scenes.until_ended(dispatch).completed == 40


def test_a_run_pauses_at_a_number_of_errors_and_exceeds_it_by_what_was_in_flight_at_most(shared_worker):
    table = scenes.table(300)
    failing(table, "inputs.n % 2", concurrency=CONCURRENCY)
    dispatch = begin(table.pk, caps={"errors": 10})
    reached = until_paused(dispatch)
    assert 10 <= reached.error < 10 + EXCESS
    assert "the cap is 10" in dispatch.paused_because
    with pytest.raises(Conflict, match=r"caps\.errors"):
        resume_dispatch(dispatch.pk)
    go_on(dispatch, errors=100)
    assert 100 <= until_paused(dispatch).error < 100 + EXCESS
    go_on(dispatch, errors=None)
    dispatch = scenes.until_ended(dispatch)
    assert (dispatch.completed, dispatch.error) == (150, 150)
    assert_each_ran_once(300)


def test_a_run_pauses_when_too_large_a_part_of_its_cells_failed(shared_worker):
    table = scenes.table(200)
    failing(table, "inputs.n > 100", concurrency=CONCURRENCY)
    dispatch = begin(table.pk, caps={"error_share": 0.2})
    reached = until_paused(dispatch)
    assert 25 <= reached.error < 25 + EXCESS  # 25 of 125 are a fifth
    assert "the cap is 20%" in dispatch.paused_because
    go_on(dispatch, error_share=0.9)
    assert scenes.until_ended(dispatch).error == 100


def test_a_run_in_which_nothing_is_left_to_start_completes_whatever_cap_it_reached(shared_worker):
    table = scenes.table(8)
    failing(table, "true", concurrency=8)
    dispatch = scenes.until_ended(begin(table.pk, caps={"errors": 8}))
    assert (dispatch.status, dispatch.error) == ("complete", 8)


def test_minutes_pause_a_run_whose_cells_are_all_slow(shared_worker, tmp_path):
    table = scenes.table(10)
    gated(table, tmp_path, concurrency=2)
    dispatch = begin(table.pk, caps={"minutes": 3})
    scenes.until(lambda: len(marks(tmp_path, "arrived")) == 2, "two cells stand at the gate")
    sweep()
    dispatch.refresh_from_db()
    assert dispatch.status == "dispatching"
    Dispatch.objects.update(resumed_at=F("resumed_at") - timedelta(minutes=3))
    (tmp_path / "open").touch()
    assert 2 <= until_paused(dispatch).completed < 2 + EXCESS
    assert dispatch.ran_for >= timedelta(minutes=3)
    assert "the cap is 3." in dispatch.paused_because
    with pytest.raises(Conflict, match=r"caps\.minutes"):
        resume_dispatch(dispatch.pk)
    go_on(dispatch, minutes=60)
    assert scenes.until_ended(dispatch).completed == 10
