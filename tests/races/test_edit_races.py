"""Edits beside what runs in the same rows: neither loses a column, and nothing is run on values that are gone."""

from __future__ import annotations

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from cells.models import Execution
from dispatch import edits, lifecycle
from dispatch import gather as gathering
from dispatch.begin import begin
from dispatch.gather import gather
from dispatch.models import Change, Dispatch
from tableflow.tables import rows
from tableflow.tables.models import Column, Row
from tests import hands, scenes, standing

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def scene():
    """A row whose cell runs: its table, group, row id, dispatch, worker and claim."""
    table = scenes.table(1)
    Column.objects.create(table=table, key="note", name="Note", type="text", position=5)
    group = scenes.group(table, scenes.doubling(table), auto_run=True)
    dispatch = begin(table.pk)
    hands.admit(dispatch)
    worker = hands.worker()
    (claimed,) = hands.claim(worker, dispatch)
    return table, group, claimed.lead.row_id, dispatch, worker, claimed


def data(row_id: int) -> dict:
    return Row.objects.get(pk=row_id).data


def drawn(claimed) -> list:
    """A draw's transaction that writes one end."""
    with transaction.atomic():
        lifecycle.share(Row.objects.get(pk=claimed.lead.row_id).table_id)
        return hands.finish([hands.ended(claimed.lead)])


def test_an_edit_waits_for_a_finish_and_both_columns_are_written(beside, scene):
    table, group, row, _, _, claimed = scene
    with transaction.atomic():
        assert len(drawn(claimed)) == 1
        editing = beside.start_blocked(rows.update, table, {row: {"n": 5}})
    assert editing.result(20).keys == {row: frozenset({"n"})}
    assert data(row) == {"n": 5, "out": 1}
    assert scenes.statuses(group) == {"completed": 1}
    (change,) = Change.objects.all()
    assert (change.rows, change.groups) == ([row], [group.pk])


def test_a_finish_waits_for_an_edit_of_what_the_cell_read_and_writes_nothing(beside, scene):
    table, group, row, dispatch, worker, claimed = scene
    with transaction.atomic():
        rows.update(table, {row: {"n": 5}})
        finishing = beside.start_blocked(drawn, claimed)
    assert finishing.result(20) == []
    assert data(row) == {"n": 5}
    assert scenes.statuses(group) == {"pending": 1}
    (again,) = hands.claim(worker, dispatch)
    assert again.row["n"] == 5
    assert len(drawn(again)) == 1
    assert data(row) == {"n": 5, "out": 1}


def test_an_edit_of_a_column_that_the_cell_did_not_read_disturbs_no_finish(beside, scene):
    table, group, row, _, _, claimed = scene
    with transaction.atomic():
        rows.update(table, {row: {"note": "seen"}})
        finishing = beside.start_blocked(drawn, claimed)
    assert len(finishing.result(20)) == 1
    assert data(row) == {"n": 1, "note": "seen", "out": 1}
    assert scenes.statuses(group) == {"completed": 1}


def test_a_finish_beside_an_edit_of_another_column_keeps_both(beside, scene):
    table, _, row, _, _, claimed = scene
    with transaction.atomic():
        assert len(drawn(claimed)) == 1
        editing = beside.start_blocked(rows.update, table, {row: {"note": "seen"}})
    editing.result(20)
    assert data(row) == {"n": 1, "note": "seen", "out": 1}


def test_a_claim_waits_for_an_edit_and_runs_on_the_new_value(beside):
    table = scenes.table(1)
    scenes.group(table, scenes.doubling(table))
    dispatch = begin(table.pk)
    hands.admit(dispatch)
    worker = hands.worker()
    row = Row.objects.get(table=table).pk
    with transaction.atomic():
        rows.update(table, {row: {"n": 7}})
        claiming = beside.start_blocked(hands.claim, worker, dispatch)
    (claimed,) = claiming.result(20)
    assert claimed.row["n"] == 7


def test_an_edit_that_is_undone_recalls_nothing(beside, scene):
    table, group, row, _, _, claimed = scene
    with transaction.atomic():
        rows.update(table, {row: {"n": 5}})
        transaction.set_rollback(True)
    assert scenes.statuses(group) == {"running": 1}
    assert not Change.objects.exists()
    assert len(drawn(claimed)) == 1


def test_two_gathers_at_once_begin_one_run(beside):
    table = scenes.table(0)
    scenes.group(table, scenes.doubling(table), auto_run=True)
    rows.insert(table, [{"n": 1}])
    with transaction.atomic():
        assert len(gather(table.pk)) == 1
        other = beside.start_blocked(gather, table.pk)
    assert other.result(20) == []
    assert Dispatch.objects.count() == 1


def test_a_table_that_is_held_is_gathered_at_a_later_tick(beside, monkeypatch):
    monkeypatch.setattr(gathering, "PATIENCE_MS", 50)
    table = scenes.table(0)
    scenes.group(table, scenes.doubling(table), auto_run=True)
    rows.insert(table, [{"n": 1}])
    with transaction.atomic():
        lifecycle.serialise(table.pk)
        assert beside.do(gathering.gather_all) == 0
    assert gathering.gather_all() == 1


def test_a_gather_that_fails_leaves_the_changes_for_the_next(beside):
    table = scenes.table(0)
    scenes.group(table, scenes.doubling(table), auto_run=True)
    rows.insert(table, [{"n": 1}])
    with transaction.atomic():
        gather(table.pk)
        transaction.set_rollback(True)
    assert not Dispatch.objects.exists()
    assert len(gather(table.pk)) == 1


def test_a_paused_cell_whose_value_is_edited_begins_anew(scene):
    table, group, _, _, worker, claimed = scene
    drawn(claimed)
    dispatch = begin(table.pk, mode="all")
    standing.pause(dispatch, worker, "wait", standing.far_ahead())
    row = claimed.lead.row_id
    assert scenes.statuses(group) == {"paused": 1}
    rows.update(table, {row: {"n": 5}})
    assert scenes.statuses(group) == {"pending": 1}
    (again,) = hands.claim(worker, dispatch)
    assert (again.row["n"], again.lead.standing) == (5, None)
    assert len(drawn(again)) == 1
    assert not Execution.objects.filter(pause__isnull=False).exists()
    window_counts = [(w.cells, w.completed) for w in dispatch.windows.all() if not w.lobby]
    assert sum(cells for cells, _ in window_counts) == sum(done for _, done in window_counts) == 1


def test_a_cell_that_paused_on_a_value_which_another_run_changed_begins_anew(scene):
    table, _, row, _, worker, claimed = scene
    two = scenes.group(table, scenes.doubling(table), "two", reads="out", auto_run=True)
    drawn(claimed)
    dispatch = begin(table.pk, groups=[two.pk])
    standing.pause(dispatch, worker, "wait", standing.far_ahead())
    again = begin(table.pk, groups=[claimed.lead.group_id], mode="all")
    assert [pinned["feeds"] for pinned in again.plan] == [True]
    hands.admit(again)
    (claimed,) = hands.claim(worker, again)
    hands.finish([hands.ended(claimed.lead, output={"out": 9})])
    edits.fed(table.pk, {claimed.lead.group_id: [row]})
    assert scenes.statuses(two) == {"paused": 1}, "nothing is recalled while draws go on"
    assert gather(table.pk) == [], "it runs again in its own run"
    assert scenes.statuses(two) == {"pending": 1}
    (anew,) = hands.claim(worker, dispatch)
    assert (anew.row["out"], anew.lead.standing) == (9, None)


def test_an_edit_of_many_rows_takes_as_many_statements_as_one_of_one():
    table = scenes.table(200)
    scenes.group(table, scenes.doubling(table), "one", auto_run=True)
    scenes.group(table, scenes.doubling(table), "two", reads="one", run_after=["one"], auto_run=True)
    dispatch = begin(table.pk)
    hands.admit(dispatch)
    hands.claim(hands.worker(), dispatch, most=150)
    ids = list(Row.objects.filter(table=table).order_by("position").values_list("pk", flat=True))

    def statements(few: list[int], value: int) -> int:
        with CaptureQueriesContext(connection) as seen:
            rows.update(table, {row: {"n": value} for row in few})
        return len(seen)

    one = statements(ids[:1], 1000)
    assert statements(ids[1:], 1001) == one
    assert set(Execution.objects.values_list("status", flat=True)) == {"pending"}
