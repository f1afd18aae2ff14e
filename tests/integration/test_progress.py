"""How far dispatches are: what is counted equals what is."""

from __future__ import annotations

import random
from collections import Counter

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from cells import lifecycle as executions
from cells.draw import Tally
from cells.lifecycle import Suspended
from cells.models import IN_FLIGHT, Execution, Status
from dispatch import waiting, windows
from dispatch.begin import begin
from dispatch.cancel import cancel_runs
from dispatch.models import Dispatch
from dispatch.progress import counts, run_state
from tableflow.tables.models import Row
from tests import hands, scenes

pytestmark = pytest.mark.django_db


def scene(rows: int):
    table = scenes.table(rows)
    scenes.group(table, scenes.doubling(table))
    return table


def test_counts_are_those_of_the_executions_at_every_moment():
    chance = random.Random(7)
    table = scene(60)
    dispatch, worker = begin(table.pk), hands.worker()
    Dispatch.objects.update(width=7)
    held = []
    for _ in range(60):
        match chance.randrange(5):
            case 0:
                hands.admit(dispatch)
            case 1:
                held += [c.lead for c in hands.claim(worker, dispatch, most=4)]
            case 2 | 3 if held:
                outcome = chance.choice([Status.COMPLETED, Status.ERROR, Status.SKIPPED])
                hands.finish([hands.ended(held.pop(), outcome)])
            case 4:
                cancel_runs(table.pk, rows=[Row.objects.filter(table=table).order_by("?")[0].pk])
        windows.close_finished(Dispatch.objects.get(pk=dispatch.pk))
        dispatch.refresh_from_db()
        progress = counts([dispatch])[dispatch.pk]
        truth = scenes.statuses(table.groups.get())
        of_windows = Execution.objects.filter(dispatch_id=dispatch.pk)
        assert progress.completed == truth.get("completed", 0)
        assert progress.error == truth.get("error", 0)
        assert progress.skipped == truth.get("skipped", 0)
        assert progress.cancelled == of_windows.filter(status="cancelled").count()
        assert progress.in_flight == of_windows.filter(status__in=IN_FLIGHT).count()
        assert progress.processed == progress.ended


def test_no_time_is_told_when_only_paused_cells_are_left():
    dispatch, worker = begin(scene(3).pk), hands.worker()
    hands.admit(dispatch)
    Dispatch.objects.update(total=3)
    first, second, third = (claimed.lead for claimed in hands.claim(worker, dispatch, most=3))
    lobby = windows.lobby(dispatch.pk)
    executions.pause([Suspended(first, "wait", {})], table_id=dispatch.table_id, lobby=lobby, cascade=False)
    windows.tally(Tally(cells=Counter({lobby: 1, first.window_id: -1})))
    hands.finish([hands.ended(second)])
    dispatch.refresh_from_db()
    assert counts([dispatch])[dispatch.pk].eta_seconds is not None
    hands.finish([hands.ended(third)])
    progress = counts([dispatch])[dispatch.pk]
    assert (progress.completed, progress.in_flight, progress.eta_seconds) == (2, 1, None)


def test_a_dispatch_that_has_not_begun_has_no_rate_and_no_total():
    dispatch = begin(scene(3).pk)
    progress = counts([dispatch])[dispatch.pk]
    assert (progress.total, progress.rate, progress.eta_seconds, progress.in_flight) == (None, None, None, 0)


@pytest.mark.django_db(transaction=True)
def test_the_total_counts_what_is_ahead_what_is_admitted_and_what_waits():
    table = scene(6)
    scenes.group(table, scenes.doubling(table), "next", run_after=["out"])
    dispatch = begin(table.pk)
    Dispatch.objects.update(width=2)
    hands.admit(dispatch)
    assert waiting.count_total(dispatch.pk)
    assert not waiting.count_total(dispatch.pk)
    dispatch.refresh_from_db()
    assert dispatch.total == 12


def test_the_run_state_says_what_is_in_flight_by_row():
    table = scene(3)
    scenes.group(table, scenes.doubling(table), "other")
    assert run_state(table.pk).dispatches == []
    dispatch = begin(table.pk)
    hands.admit(dispatch)
    first, _second = hands.claim(hands.worker(), dispatch, most=2)
    hands.finish([hands.ended(first.lead)])
    state = run_state(table.pk)
    rows = list(Row.objects.order_by("position").values_list("pk", flat=True))
    assert [d.pk for d in state.dispatches] == [dispatch.pk]
    assert (state.running, state.claimed) == (1, 3)
    assert state.by_row == {rows[0]: 1, rows[1]: 2, rows[2]: 2}
    assert len(run_state(table.pk, most_rows=2).by_row) == 2


def test_many_dispatches_take_no_more_queries_than_one():
    table = scene(3)
    found = [begin(table.pk) for _ in range(5)]
    with CaptureQueriesContext(connection) as queries:
        counts(found)
    assert len(queries) == 1
