"""`manage.py requeue_stuck` takes back what a lost worker holds."""

from __future__ import annotations

import io

import pytest
from django.core.management import call_command

from cells.models import Execution
from dispatch.begin import begin
from tests import hands, scenes

pytestmark = pytest.mark.django_db(transaction=True)


def test_requeue_stuck_takes_back_the_cells_of_a_lost_worker(empty_redis):
    table = scenes.table(3)
    scenes.group(table, scenes.doubling(table))
    dispatch = begin(table.pk)
    hands.admit(dispatch)
    worker = hands.worker()
    hands.claim(worker, dispatch, 2)
    hands.lapse(worker)
    said = io.StringIO()
    call_command("requeue_stuck", stdout=said)
    assert "Cells taken back: 2." in said.getvalue()
    assert set(Execution.objects.values_list("status", flat=True)) == {"pending"}
