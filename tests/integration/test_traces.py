"""A cell's latest attempt with its trace, and its history."""

from __future__ import annotations

import pytest

from cells import lifecycle, traces
from cells.models import Status
from dispatch.begin import begin
from dispatch.cancel import cancel_runs
from tests import hands, scenes

pytestmark = pytest.mark.django_db


@pytest.fixture
def scene():
    table = scenes.table(1)
    group = scenes.group(table, scenes.doubling(table))
    return table, group, hands.worker()


def attempt(scene, status=Status.COMPLETED, **what):
    table, _, worker = scene
    dispatch = begin(table.pk, mode="all")
    hands.admit(dispatch)
    (claimed,) = hands.claim(worker, dispatch)
    lifecycle.finish([hands.ended(claimed.lead, status, **what)], worker.name, cascade=False)
    return dispatch, claimed.lead


def test_a_cell_that_never_ran_has_no_trace(scene):
    table, group, _ = scene
    row_id = table.rows.get().pk
    assert traces.latest(row_id, group.pk) is None
    assert traces.history(row_id, group.pk) == []


def test_the_latest_attempt_says_what_its_steps_did(scene):
    dispatch, claim = attempt(scene, trace=[{"id": "fetch", "status": "completed"}])
    latest = traces.latest(claim.row_id, claim.group_id)
    assert latest["steps"] == [{"id": "fetch", "status": "completed"}]
    assert (latest["status"], latest["attempt"], latest["error"]) == ("completed", 1, None)
    assert (latest["workflow_version"], latest["dispatch"], latest["worker"]) == (1, dispatch.pk, "hand")
    assert latest["started_at"] <= latest["finished_at"]


def test_the_history_is_newest_first(scene):
    attempt(scene, Status.ERROR, error="First.")
    attempt(scene, Status.ERROR, error="Second.")
    _, claim = attempt(scene)
    history = traces.history(claim.row_id, claim.group_id)
    assert [(h["attempt"], h["status"], h["error"]) for h in history] == [
        (3, "completed", None),
        (2, "error", "Second."),
        (1, "error", "First."),
    ]


def test_a_cell_in_flight_has_the_steps_of_no_attempt_yet(scene):
    _, claim = attempt(scene, trace=[{"id": "old"}])
    table, _, worker = scene
    dispatch = begin(table.pk, mode="all")
    hands.admit(dispatch)
    hands.claim(worker, dispatch)
    latest = traces.latest(claim.row_id, claim.group_id)
    assert (latest["status"], latest["attempt"], latest["steps"]) == ("running", 2, [])
    assert latest["finished_at"] is None
    cancel_runs(table.pk)
    assert traces.latest(claim.row_id, claim.group_id)["status"] == "cancelled"
    assert [h["status"] for h in traces.history(claim.row_id, claim.group_id)] == ["cancelled", "completed"]


def test_a_history_is_bounded(scene, monkeypatch):
    monkeypatch.setattr(traces, "MOST_ATTEMPTS", 2)
    for _ in range(3):
        _, claim = attempt(scene)
    assert [h["attempt"] for h in traces.history(claim.row_id, claim.group_id)] == [3, 2]
