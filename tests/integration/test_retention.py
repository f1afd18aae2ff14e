"""What has ended long ago is forgotten: details of every run, and runs that began by themselves."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db.models.functions import Now

from dispatch.begin import begin
from dispatch.cancel import cancel_dispatch
from dispatch.models import Dispatch, Lane, Window
from dispatch.retention import AUTOMATIC_KEPT, DETAILS_KEPT, forget_ended
from tests import hands, scenes

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


def ended(age: timedelta, *, is_manual: bool) -> Dispatch:
    table = scenes.table(2)
    scenes.group(table, scenes.doubling(table), auto_run=True)
    dispatch = begin(table.pk, is_manual=is_manual)
    hands.admit(dispatch)
    cancel_dispatch(dispatch.pk)
    Dispatch.objects.filter(pk=dispatch.pk).update(finished_at=Now() - age)
    return dispatch


def test_windows_and_lanes_go_after_a_week_and_automatic_runs_after_a_month():
    fresh = ended(DETAILS_KEPT - DAY, is_manual=False)
    older = ended(DETAILS_KEPT + DAY, is_manual=False)
    asked_for = ended(AUTOMATIC_KEPT + DAY, is_manual=True)
    ended(AUTOMATIC_KEPT + DAY, is_manual=False)
    assert forget_ended() > 0
    assert set(Dispatch.objects.values_list("pk", flat=True)) == {fresh.pk, older.pk, asked_for.pk}
    assert set(Window.objects.values_list("dispatch", flat=True)) == {fresh.pk}
    assert set(Lane.objects.values_list("dispatch", flat=True)) == {fresh.pk}
    assert forget_ended() == 0


def test_the_counts_of_a_run_that_somebody_asked_for_stay():
    dispatch = ended(AUTOMATIC_KEPT + DAY, is_manual=True)
    forget_ended()
    assert Dispatch.objects.values_list("cancelled", "total").get(pk=dispatch.pk) == (2, 2)
