"""The engine end to end: a begin, real workers, and what stands in PostgreSQL at the end."""

from __future__ import annotations

import pytest

from cells.models import Attempt
from dispatch.begin import begin
from tests import scenes

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_run_fills_every_row_from_the_first_to_the_last(worker):
    table = scenes.table(1000)
    group = scenes.group(table, scenes.doubling(table))
    dispatch = scenes.until_ended(begin(table.pk))
    assert dispatch.status == "complete"
    assert scenes.values(table) == [2 * n for n in range(1, 1001)]
    assert scenes.statuses(group) == {"completed": 1000}
    assert (dispatch.total, dispatch.completed, dispatch.error, dispatch.waiting) == (1000, 1000, 0, 0)
    assert Attempt.objects.count() == 1000
