"""A draw and results that PostgreSQL cannot hold."""

from __future__ import annotations

from typing import Any

import pytest

from cells.models import Execution
from cells.work import Work
from dispatch import lanes, tasks
from dispatch.begin import begin
from dispatch.models import Lane
from tests import scenes

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def as_worker(monkeypatch: pytest.MonkeyPatch, transactional_db: None) -> Any:
    """The process of the test, entered among the workers for the test."""
    from cells import workers

    yield workers.register("here@localhost", ["tableflow"], 4)
    workers.leave()


def test_a_result_that_cannot_be_stored_fails_its_own_cell_only(as_worker, monkeypatch, empty_redis):
    table = scenes.table(40)
    group = scenes.group(table, scenes.doubling(table))
    written = Work._ended

    def poisoned(work: Work, status: Any, **what: Any) -> Any:
        if work.row["n"] == 7:
            what["output"] = {"out": "\x00"}
        return written(work, status, **what)

    monkeypatch.setattr(Work, "_ended", poisoned)
    dispatch = begin(table.pk)
    lane = Lane.objects.filter(dispatch=dispatch).first()
    link = lanes.advance(lane.pk, lane.fence)
    tasks.draw(link.lane_id, link.fence)
    assert scenes.statuses(group) == {"completed": 39, "error": 1}
    assert "cannot be stored" in Execution.objects.get(group=group, status="error").error
    lanes.advance(link.lane_id, link.fence)
    dispatch.refresh_from_db()
    assert (dispatch.status, dispatch.completed, dispatch.error) == ("complete", 39, 1)
