"""The audit: what should not be is set right, and what is as it should be is left alone."""

from __future__ import annotations

import pytest
from django.db.models import F

from cells.models import Execution
from dispatch.audit import Audited, audit
from dispatch.begin import begin
from dispatch.models import Dispatch, Lane, Window
from tests import hands, scenes

pytestmark = pytest.mark.django_db


@pytest.fixture
def under_way() -> Dispatch:
    """A dispatch with two cells running and two stamped."""
    table = scenes.table(4)
    scenes.group(table, scenes.doubling(table))
    dispatch = begin(table.pk)
    hands.admit(dispatch)
    hands.claim(hands.worker(), dispatch, most=2)
    dispatch.refresh_from_db()
    return dispatch


def test_a_run_that_is_as_it_should_be_is_left_alone(under_way):
    before = list(Execution.objects.order_by("pk").values())
    assert audit() == Audited(0, 0, 0)
    assert list(Execution.objects.order_by("pk").values()) == before


def test_cells_in_flight_that_no_open_window_holds_are_cancelled(under_way, caplog):
    lost = Execution.objects.filter(status="running")
    ids = set(lost.values_list("pk", flat=True))
    lost.update(window_id=None)
    assert audit() == Audited(2, 1, 0)
    assert "The audit set right" in caplog.text
    assert set(Execution.objects.filter(status="cancelled").values_list("pk", flat=True)) == ids
    assert Window.objects.values_list("cells", flat=True).get() == 2


def test_a_window_that_counts_cells_it_has_not_is_set_right(under_way):
    Window.objects.update(cells=F("cells") + 3)
    assert audit() == Audited(0, 1, 0)
    assert Window.objects.values_list("cells", flat=True).get() == 4


def test_a_dispatch_without_a_lane_gets_its_lanes_again(under_way):
    laid = Lane.objects.count()
    Lane.objects.all().delete()
    assert audit() == Audited(0, 0, laid)
    assert Lane.objects.filter(dispatch=under_way, retired_at=None).count() == laid
    assert audit() == Audited(0, 0, 0)
