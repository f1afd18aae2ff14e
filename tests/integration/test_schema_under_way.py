"""Columns and workflow columns that come, change and go while runs are under way."""

from __future__ import annotations

import pytest

from cells.models import Execution
from dispatch.begin import begin
from tableflow.api import removal
from tableflow.tables import columns, groups, rows
from tableflow.tables.models import Column, Row
from tests import scenes
from tests.gates import gated, marks

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("shared_worker")]


def at_the_gate(table, folder, **options):
    """A workflow column with every cell of its run at the gate, and the run."""
    group = gated(table, folder, **options)
    dispatch = begin(table.pk, groups=[group.pk])
    count = Row.objects.filter(table=table).count()
    scenes.until(lambda: len(marks(folder, "arrived")) == count, "every cell stands at the gate")
    return group, dispatch


def test_a_workflow_column_that_comes_is_no_part_of_a_run_under_way(tmp_path):
    table = scenes.table(2)
    _, dispatch = at_the_gate(table, tmp_path)
    late = scenes.group(table, scenes.doubling(table), "late")
    (tmp_path / "open").touch()
    assert scenes.until_ended(dispatch).completed == 2
    assert scenes.statuses(late) == {}


def test_a_workflow_column_that_is_changed_ends_its_run_as_it_began_and_is_stale_then(tmp_path):
    table = scenes.table(2)
    Column.objects.create(table=table, key="m", name="M", type="number", position=1)
    rows.update(table, {row.pk: {"m": row.data["n"] * 10} for row in Row.objects.all()})
    group, dispatch = at_the_gate(table, tmp_path)
    groups.change(table, group.pk, {"inputs": {"n": "m"}})
    (tmp_path / "open").touch()
    assert scenes.until_ended(dispatch).completed == 2
    assert scenes.values(table) == [1, 2]
    again = scenes.until_ended(begin(table.pk, mode="stale"))
    assert (again.total, again.completed) == (2, 2)
    assert scenes.values(table) == [10, 20]


def test_a_workflow_column_that_goes_takes_its_run_with_it_and_no_other(tmp_path):
    table = scenes.table(2)
    other = scenes.group(table, scenes.doubling(table), "other")
    group, dispatch = at_the_gate(table, tmp_path)
    second = begin(table.pk, groups=[other.pk])
    removal.delete_group(table, group.pk, columns_too=True)
    (tmp_path / "open").touch()
    assert scenes.until_ended(second).completed == 2
    assert scenes.until_ended(dispatch).cancelled == 2
    assert scenes.values(table, "other") == [2, 4]
    assert scenes.values(table) == [None, None]


def test_a_column_that_goes_while_it_is_filled_ends_the_run(tmp_path):
    table = scenes.table(2)
    _, dispatch = at_the_gate(table, tmp_path)
    removal.delete_column(table, "out")
    (tmp_path / "open").touch()
    dispatch = scenes.until_ended(dispatch)
    assert (dispatch.completed, dispatch.cancelled) == (0, 2)
    assert not any("out" in data for data in Row.objects.values_list("data", flat=True))


def test_a_column_that_comes_while_a_run_is_under_way_can_be_edited_at_once(tmp_path):
    table = scenes.table(1)
    _, dispatch = at_the_gate(table, tmp_path)
    columns.create(table, {"name": "Note", "type": "text"})
    (row,) = Row.objects.values_list("pk", flat=True)
    rows.update(table, {row: {"note": "seen"}})
    (tmp_path / "open").touch()
    assert scenes.until_ended(dispatch).completed == 1
    assert Row.objects.get().data == {"n": 1, "out": 1, "note": "seen"}


def test_columns_reordered_under_way_disturb_no_cell(tmp_path):
    table = scenes.table(2)
    group, dispatch = at_the_gate(table, tmp_path, run_after=["n"])
    dropped = columns.reorder(table, ["out", "n"])
    assert {drop.kind for drop in dropped} == {"run_after", "inputs.n"}
    (tmp_path / "open").touch()
    assert scenes.until_ended(dispatch).completed == 2
    assert scenes.values(table) == [1, 2]
    group.refresh_from_db()
    assert (group.run_after, group.inputs) == ([], {})
    assert Execution.objects.filter(group=group, status="completed").count() == 2
