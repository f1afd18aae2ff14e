"""Windows: what they count, when they close, and how wide they are."""

from __future__ import annotations

from collections import Counter

import pytest

from cells.draw import Tally
from cells.models import Execution, Status
from dispatch import windows
from dispatch.begin import begin
from dispatch.models import Dispatch, Window
from tests import hands, scenes

pytestmark = pytest.mark.django_db


def scene(rows: int, width: int | None = None, **options) -> Dispatch:
    table = scenes.table(rows)
    scenes.group(table, scenes.doubling(table), **options)
    dispatch = begin(table.pk)
    if width:
        Dispatch.objects.filter(pk=dispatch.pk).update(width=width)
    return dispatch


def test_a_window_and_the_cursor_say_the_same():
    dispatch = scene(5, width=3)
    window = hands.admit(dispatch)
    dispatch.refresh_from_db()
    assert (window.rows, window.cells, window.first_position, window.last_position) == (3, 3, 1, 3)
    assert (dispatch.cursor, dispatch.admitted_rows, dispatch.exhausted) == (3, 3, False)
    assert list(Execution.objects.order_by().values_list("window_id", "dispatch_id", "sequence").distinct()) == [
        (window.pk, dispatch.pk, dispatch.sequence)
    ]
    hands.admit(dispatch)
    dispatch.refresh_from_db()
    assert (dispatch.cursor, dispatch.exhausted) == (5, True)
    assert hands.admit(dispatch) is None


def test_a_limit_ends_admission_at_its_row():
    dispatch = scene(10)
    Dispatch.objects.update(limit_rows=4, width=3)
    assert hands.admit(dispatch).rows == 3
    assert hands.admit(dispatch).rows == 1
    assert hands.admit(dispatch) is None
    dispatch.refresh_from_db()
    assert (dispatch.admitted_rows, dispatch.exhausted) == (4, True)


def test_a_tally_counts_into_each_window():
    dispatch = scene(4, width=2)
    one, two = hands.admit(dispatch), hands.admit(dispatch)
    windows.tally(
        Tally(
            Counter({(one.pk, Status.COMPLETED): 1, (two.pk, Status.ERROR): 1, (two.pk, Status.SKIPPED): 1}),
            Counter({one.pk: 3, two.pk: -1}),
        )
    )
    counted = Window.objects.order_by("pk").values_list("cells", "completed", "error", "skipped", "cancelled")
    assert list(counted) == [(5, 1, 0, 0, 0), (1, 0, 1, 1, 0)]


def test_a_window_closes_once_when_every_cell_has_ended():
    dispatch = scene(3)
    window = hands.admit(dispatch)
    claimed = hands.claim(hands.worker(), dispatch)
    hands.finish([hands.ended(c.lead) for c in claimed[:2]])
    windows.close_finished(dispatch)
    assert windows.unfinished(dispatch.pk) == [window.pk]
    hands.finish([hands.ended(claimed[2].lead, Status.ERROR)])
    for _ in range(2):
        windows.close_finished(dispatch)
    dispatch.refresh_from_db()
    assert (dispatch.completed, dispatch.error) == (2, 1)
    assert windows.unfinished(dispatch.pk) == []
    assert Window.objects.get().closed_at is not None


def test_counts_are_of_closed_windows_and_of_open_ones_together():
    dispatch = scene(4, width=2)
    hands.admit(dispatch)
    worker = hands.worker()
    hands.finish([hands.ended(c.lead) for c in hands.claim(worker, dispatch)])
    windows.close_finished(dispatch)
    hands.admit(dispatch)
    hands.finish([hands.ended(hands.claim(worker, dispatch)[0].lead, Status.SKIPPED)])
    counted = windows.counts([dispatch.pk])[dispatch.pk]
    assert counted.outcomes == {"completed": 2, "skipped": 1, "error": 0, "cancelled": 0}
    assert counted.in_flight == 1


def test_unclaimed_cells_are_those_that_wait_for_a_slot():
    dispatch = scene(2)
    assert not windows.has_unclaimed(dispatch.pk)
    hands.admit(dispatch)
    assert windows.has_unclaimed(dispatch.pk)
    hands.claim(hands.worker(), dispatch)
    assert not windows.has_unclaimed(dispatch.pk)
