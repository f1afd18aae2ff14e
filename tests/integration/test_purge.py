"""Deleting hides at once; the purge removes what is left, in batches, and frees what the next one needs."""

from __future__ import annotations

from datetime import timedelta

import pytest

from cells.models import Attempt, Execution
from dispatch import purge
from dispatch.begin import begin
from dispatch.cancel import cancel_runs
from dispatch.models import Dispatch, Lane
from tableflow.tables import groups, tables
from tableflow.tables.models import Group, Row, Table
from tests import scenes

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_deleted_group_leaves_no_executions_and_frees_its_bit(worker, monkeypatch):
    monkeypatch.setattr(purge, "BATCH", 7)
    table = scenes.table(30)
    gone = scenes.group(table, scenes.doubling(table), "gone")
    kept = scenes.group(table, scenes.doubling(table), "kept")
    scenes.until_ended(begin(table.pk))
    groups.delete(table, gone.pk, columns_too=True)
    assert not purge.purge(grace=timedelta(0))
    assert not Group.objects.filter(pk=gone.pk).exists()
    assert not Execution.objects.filter(group=gone.pk).exists()
    assert Attempt.objects.count() == 30
    assert scenes.values(table, "gone") == [None] * 30
    assert set(Row.objects.filter(table=table).values_list("done", flat=True)) == {1 << kept.bit}


def test_a_deleted_table_leaves_nothing(worker):
    table = scenes.table(30)
    scenes.group(table, scenes.doubling(table))
    scenes.until_ended(begin(table.pk))
    begin(table.pk, mode="all")
    cancel_runs(table.pk)
    tables.delete(table)
    assert not purge.purge()
    for model in (Table, Group, Row, Execution, Attempt, Dispatch, Lane):
        assert not model.objects.exists()
