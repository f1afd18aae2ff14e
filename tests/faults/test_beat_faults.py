"""Beat dies, comes back, and is there twice: without it only healing waits, and two of them heal as one does."""

from __future__ import annotations

from cells.models import Execution, Status
from dispatch.begin import begin
from tests import scenes
from tests.faults.laws import gated


def test_without_beat_runs_end_and_only_healing_waits_for_it(company, gate, watch):
    beat = company.beat()
    first, _second = company.workers(2)
    beat.kill()
    quick = scenes.table(100)
    scenes.group(quick, scenes.doubling(quick))
    assert scenes.until_ended(begin(quick.pk)).completed == 100

    table = scenes.table(60)
    gated(table, gate.folder, concurrency=16)
    dispatch = begin(table.pk)
    gate.until_arrived(16)
    held_by_first = gate.arrived(first.pid)
    assert held_by_first
    first.kill()
    gate.open()
    cells = Execution.objects.filter(dispatch_id=dispatch.pk)
    others = 60 - len(held_by_first)
    scenes.until(lambda: cells.filter(status="completed").count() == others, "the other worker has done the rest")
    assert cells.filter(status=Status.RUNNING).count() == len(held_by_first)
    watch.struck()
    company.beat()
    figures = watch.until_lawful_end(dispatch)
    assert figures.lost == len(held_by_first)


def test_two_beats_at_once_heal_as_one_does(company, gate, watch):
    company.beat()
    first, _second = company.workers(2)
    table = scenes.table(60)
    gated(table, gate.folder, concurrency=16)
    dispatch = begin(table.pk)
    gate.until_arrived(16)
    held_by_first = gate.arrived(first.pid)
    assert held_by_first
    first.kill()
    watch.struck()
    gate.open()
    figures = watch.until_lawful_end(dispatch)
    assert dispatch.completed == 60
    assert figures.lost == len(held_by_first)
