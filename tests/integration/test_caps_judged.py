"""Where caps are judged: each place by itself, with no worker beside it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import transaction
from django.db.models import F

from cells.models import Execution, Status
from dispatch import bell, caps, lanes
from dispatch.begin import begin
from dispatch.models import Dispatch, Lane
from dispatch.pausing import pause_dispatch, resume_dispatch
from dispatch.source import LaneSource
from dispatch.sweep import sweep
from tests import hands, scenes

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _silent_bell(monkeypatch):
    """No worker listens here."""
    monkeypatch.setattr(bell, "_send", lambda *_: None)


def held(lane):
    """What a draw of this lane sees at the beginning of its transaction."""
    with transaction.atomic():
        return LaneSource(lane).hold()


def capped(count, **bounds):
    """A dispatch under caps whose first window is stamped, and a worker."""
    table = scenes.table(count)
    scenes.group(table, scenes.doubling(table), concurrency=2)
    dispatch = begin(table.pk, caps=bounds)
    Dispatch.objects.update(width=4)
    hands.admit(dispatch)
    return dispatch, hands.worker()


def test_the_sweep_pauses_a_run_whose_time_is_up_though_nobody_draws():
    dispatch, _ = capped(10, minutes=1)
    sweep()
    assert Dispatch.objects.get().status == "dispatching"
    Dispatch.objects.update(resumed_at=F("resumed_at") - timedelta(minutes=1))
    sweep()
    dispatch.refresh_from_db()
    assert (dispatch.status, dispatch.resumed_at) == ("paused", None)


def test_time_that_a_run_was_paused_is_not_counted():
    dispatch, _ = capped(10, minutes=2)
    Dispatch.objects.update(resumed_at=F("resumed_at") - timedelta(minutes=1))
    pause_dispatch(dispatch.pk)
    Dispatch.objects.update(started_at=F("started_at") - timedelta(hours=1))
    resume_dispatch(dispatch.pk)
    sweep()
    assert Dispatch.objects.get().status == "dispatching"
    Dispatch.objects.update(resumed_at=F("resumed_at") - timedelta(minutes=1))
    sweep()
    assert Dispatch.objects.get().status == "paused"


def test_a_cap_is_judged_before_an_admission():
    dispatch, worker = capped(10, errors=4)
    hands.finish([hands.ended(cell.lead, Status.ERROR) for cell in hands.claim(worker, dispatch)])
    lane = Lane.objects.filter(dispatch=dispatch).first()

    assert lanes.advance(lane.pk, lane.fence) is None
    assert Dispatch.objects.get().status == "paused"
    assert Execution.objects.count() == 4


def test_a_run_without_caps_pays_nothing_for_them(monkeypatch):
    def forbidden(*_):
        raise AssertionError("the caps of a run without any were judged")

    monkeypatch.setattr(caps, "judge", forbidden)
    dispatch, _ = capped(10)
    lane = Lane.objects.select_related("dispatch").filter(dispatch=dispatch).first()
    assert held(lane).going_on
    caps.change(dispatch.pk, {"errors": 5})
    with pytest.raises(AssertionError, match="were judged"):
        held(lane)


def test_a_run_with_cells_under_way_is_not_paused_at_its_rows():
    dispatch, worker = capped(10, rows=4)

    claimed = hands.claim(worker, dispatch)
    lane = Lane.objects.filter(dispatch=dispatch).first()
    lanes.advance(lane.pk, lane.fence)
    assert Dispatch.objects.get().status == "dispatching"
    hands.finish([hands.ended(cell.lead) for cell in claimed])
    lane.refresh_from_db()
    lanes.advance(lane.pk, lane.fence)
    assert Dispatch.objects.get().status == "paused"
