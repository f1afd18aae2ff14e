"""The engine end to end: a begin, real workers, and what stands in PostgreSQL at the end."""

from __future__ import annotations

import pytest
from django.db import connection, transaction
from django.db.models import F
from django.db.models.expressions import RawSQL

from cells.models import Attempt, Execution, Status
from dispatch import findings
from dispatch.begin import begin
from dispatch.cancel import cancel_dispatch, cancel_runs, forget_rows
from dispatch.models import Dispatch, Lane, Window
from dispatch.progress import counts
from dispatch.sweep import sweep
from tableflow.errors import Conflict, InvalidInput
from tableflow.tables import columns, groups, ids
from tableflow.tables.models import Column, Row
from tests import scenes
from tests.gates import gated, marks

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def worker(shared_worker):
    """The worker that the tests of this module share."""
    return shared_worker


def assert_accounted(dispatch: Dispatch) -> None:
    """Every cell of an ended dispatch has one outcome, and nothing is in flight."""
    dispatch.refresh_from_db()
    ended = dispatch.completed + dispatch.error + dispatch.cancelled + dispatch.skipped
    assert dispatch.total == ended + dispatch.waiting
    assert not Window.objects.filter(dispatch=dispatch, closed_at=None).exists()
    in_flight = [Status.PENDING, Status.QUEUED, Status.RUNNING]
    assert not Execution.objects.filter(dispatch_id=dispatch.pk, status__in=in_flight).exists()


def test_a_run_fills_every_row_from_the_first_to_the_last(worker):
    table = scenes.table(1000)
    group = scenes.group(table, scenes.doubling(table))
    dispatch = scenes.until_ended(begin(table.pk))
    assert dispatch.status == "complete"
    assert scenes.values(table) == [2 * n for n in range(1, 1001)]
    assert scenes.statuses(group) == {"completed": 1000}
    assert (dispatch.total, dispatch.completed, dispatch.error, dispatch.waiting) == (1000, 1000, 0, 0)
    assert Attempt.objects.count() == 1000
    attempt = Attempt.objects.first()
    assert [step["id"] for step in attempt.trace] == ["double"]
    assert_accounted(dispatch)


def test_an_incomplete_run_leaves_completed_cells_alone(worker):
    table = scenes.table(50)
    group = scenes.group(table, scenes.doubling(table))
    scenes.until_ended(begin(table.pk))
    scenes.add_rows(table, 5)
    dispatch = scenes.until_ended(begin(table.pk))
    assert (dispatch.total, dispatch.completed) == (5, 5)
    assert Attempt.objects.filter(execution__group=group).count() == 55
    again = scenes.until_ended(begin(table.pk, mode="all"))
    assert (again.total, again.completed) == (55, 55)
    assert Attempt.objects.filter(execution__group=group).count() == 110


def test_a_new_run_leaves_cells_that_were_attempted_alone(worker):
    table = scenes.table(10)
    broken = [{"id": "half", "type": "template", "config": {"template": "{{ 1 / (inputs.n - 3) }}"}}]
    group = scenes.group(table, scenes.workflow(table, broken, "{{ steps.half }}"))
    first = scenes.until_ended(begin(table.pk))
    assert (first.completed, first.error) == (9, 1)
    scenes.add_rows(table, 2)
    second = scenes.until_ended(begin(table.pk, mode="new"))
    assert (second.total, second.completed, second.error) == (2, 2, 0)
    third = scenes.until_ended(begin(table.pk, mode="incomplete"))
    assert (third.total, third.error) == (1, 1)
    fourth = scenes.until_ended(begin(table.pk, mode="failed"))
    assert (fourth.total, fourth.error) == (1, 1)
    assert scenes.statuses(group) == {"completed": 11, "error": 1}


def test_one_failing_cell_stops_no_other(worker):
    table = scenes.table(200)
    broken = [{"id": "half", "type": "template", "config": {"template": "{{ 1 / (inputs.n % 2) }}"}}]
    group = scenes.group(table, scenes.workflow(table, broken, "{{ steps.half }}"))
    dispatch = scenes.until_ended(begin(table.pk))
    assert dispatch.status == "complete"
    assert (dispatch.completed, dispatch.error) == (100, 100)
    assert "zero" in Execution.objects.filter(group=group, status="error").first().error
    assert_accounted(dispatch)


def test_what_failed_with_one_message_runs_again_alone(worker):
    table = scenes.table(12)
    broken = [
        {"id": "half", "type": "template", "config": {"template": "{{ 1 // (inputs.n % 4 - 2) }}"}},
        {"id": "next", "type": "template", "config": {"template": "{{ [1, 2, 3][inputs.n % 4] + 1 }}"}},
    ]
    group = scenes.group(table, scenes.workflow(table, broken, "{{ steps.next }}"))
    first = scenes.until_ended(begin(table.pk))
    assert (first.completed, first.error) == (6, 6)
    by_zero, other = sorted(findings.errors_of(first).groups, key=lambda found: "zero" not in found.message)
    assert (by_zero.cells, other.cells) == (3, 3)
    meant = {"field": f"@{group.pk}.error", "op": "eq", "value": by_zero.message}
    again = scenes.until_ended(begin(table.pk, mode="failed", groups=[group.pk], filter=meant))
    assert (again.total, again.error) == (3, 3)
    assert findings.errors_of(again).groups == [by_zero]
    assert findings.errors_of(first).groups == [other]
    tried = dict(Execution.objects.filter(group=group).values_list("row__data__n", "attempt"))
    assert tried == {n: 2 if n % 4 == 2 else 1 for n in range(1, 13)}


def test_the_rows_of_a_scope_are_the_only_ones_that_run(worker):
    table = scenes.table(30)
    scenes.group(table, scenes.doubling(table))
    ids = list(Row.objects.filter(table=table).order_by("position").values_list("pk", flat=True))
    scenes.until_ended(begin(table.pk, rows=ids[3:5]))
    assert [v for v in scenes.values(table) if v is not None] == [8, 10]
    small = {"all": [{"field": "n", "op": "lte", "value": 3}]}
    scenes.until_ended(begin(table.pk, filter=small, exclude_rows=[ids[1]]))
    assert scenes.values(table)[:6] == [2, None, 6, 8, 10, None]


def test_a_limit_counts_rows_that_were_eligible(worker):
    table = scenes.table(100)
    scenes.group(table, scenes.doubling(table))
    ids = list(Row.objects.filter(table=table).order_by("position").values_list("pk", flat=True))
    scenes.until_ended(begin(table.pk, rows=ids[:3]))
    dispatch = scenes.until_ended(begin(table.pk, limit=10))
    assert (dispatch.total, dispatch.completed) == (10, 10)
    assert sum(value is not None for value in scenes.values(table)) == 13
    assert scenes.values(table)[12] == 26


def test_a_group_that_reads_another_runs_after_it_in_the_same_dispatch(worker):
    table = scenes.table(300)
    scenes.group(table, scenes.doubling(table), "double")
    scenes.group(table, scenes.doubling(table), "quadruple", reads="double", run_after=["double"])
    dispatch = scenes.until_ended(begin(table.pk))
    assert scenes.values(table, "quadruple") == [4 * n for n in range(1, 301)]
    assert (dispatch.total, dispatch.completed) == (600, 600)
    assert_accounted(dispatch)


def test_a_rerun_of_both_groups_reads_the_new_value(worker):
    table = scenes.table(20)
    scenes.group(table, scenes.doubling(table), "double")
    scenes.group(table, scenes.doubling(table), "quadruple", reads="double", run_after=["double"])
    scenes.until_ended(begin(table.pk))
    with connection.cursor() as cursor:
        cursor.execute("UPDATE tables_row SET data = data || '{\"n\": 7}' WHERE table_id = %s", [table.pk])
    scenes.until_ended(begin(table.pk, mode="all"))
    assert scenes.values(table, "quadruple") == [28] * 20


def test_cells_with_unmet_dependencies_are_counted_as_waiting(worker):
    table = scenes.table(10)
    broken = [{"id": "half", "type": "template", "config": {"template": "{{ 1 / (inputs.n - 3) }}"}}]
    scenes.group(table, scenes.workflow(table, broken, "{{ steps.half }}"), "a")
    reader = scenes.group(table, scenes.doubling(table), "b", reads="a", run_after=["a"])
    dispatch = scenes.until_ended(begin(table.pk))
    assert (dispatch.completed, dispatch.error, dispatch.waiting, dispatch.total) == (18, 1, 1, 20)
    assert scenes.statuses(reader) == {"completed": 9}
    assert_accounted(dispatch)


def test_a_false_condition_skips_the_cell(worker):
    table = scenes.table(10)
    group = scenes.group(table, scenes.doubling(table), run_if="{{ row.n > 4 }}")
    dispatch = scenes.until_ended(begin(table.pk))
    assert (dispatch.completed, dispatch.skipped, dispatch.total) == (6, 4, 10)
    assert scenes.statuses(group) == {"completed": 6, "skipped": 4}


def test_an_empty_table_completes_at_once(worker):
    table = scenes.table(0)
    scenes.group(table, scenes.doubling(table))
    dispatch = scenes.until_ended(begin(table.pk))
    assert (dispatch.status, dispatch.total) == ("complete", 0)


def test_a_table_without_groups_has_nothing_to_run():
    table = scenes.table(3)
    with pytest.raises(InvalidInput) as caught:
        begin(table.pk)
    assert caught.value.problems[0].attr == "groups"
    assert not Dispatch.objects.exists()


def test_a_deleted_workflow_is_the_cells_error(worker):
    table = scenes.table(3)
    work = scenes.doubling(table)
    group = scenes.group(table, work)
    work.delete()
    dispatch = scenes.until_ended(begin(table.pk))
    assert (dispatch.status, dispatch.error) == ("complete", 3)
    assert "deleted" in Execution.objects.filter(group=group).first().error


def test_a_row_inserted_ahead_of_the_cursor_is_met(worker, tmp_path):
    table = scenes.table(300)
    gated(table, tmp_path, concurrency=4)
    dispatch = begin(table.pk)
    scenes.until(lambda: len(marks(tmp_path, "arrived")) == 4, "four cells stand at the gate")
    dispatch.refresh_from_db()
    assert dispatch.cursor < 300
    Row.objects.create(table=table, position="299.5", data={"n": 1000})
    (tmp_path / "open").touch()
    dispatch = scenes.until_ended(dispatch)
    assert dispatch.completed == 301
    assert marks(tmp_path, "passed").count("1000") == 1
    assert scenes.values(table)[-2:] == [1000, 300]


def test_a_row_deleted_while_it_runs_ends_with_the_others(worker, tmp_path):
    table = scenes.table(8)
    gated(table, tmp_path, concurrency=4)
    dispatch = begin(table.pk)
    scenes.until(lambda: len(marks(tmp_path, "arrived")) == 4, "four cells stand at the gate")
    gone = Row.objects.filter(table=table, data__n__in=[1, 7])
    with transaction.atomic():
        forget_rows(table.pk, gone)
        gone.delete()
    (tmp_path / "open").touch()
    dispatch = scenes.until_ended(dispatch)
    assert (dispatch.completed, dispatch.cancelled) == (6, 2)
    assert not Execution.objects.exclude(row__in=Row.objects.all()).exists()
    assert_accounted(dispatch)


def test_when_a_cancel_has_answered_nothing_of_the_dispatch_writes_or_starts(worker, tmp_path):
    table = scenes.table(500)
    group = gated(table, tmp_path, concurrency=4)
    dispatch = begin(table.pk)
    scenes.until(lambda: len(marks(tmp_path, "arrived")) == 4, "four cells stand at the gate")
    cancelled = cancel_dispatch(dispatch.pk)
    assert cancelled.status == "cancelled"
    before = Row.objects.filter(table=table, data__has_key="out").count()
    (tmp_path / "open").touch()
    scenes.until(lambda: len(marks(tmp_path, "arrived")) == 4, "nothing more has come")
    other = scenes.until_ended(begin(table.pk, rows=[Row.objects.filter(table=table, data__n=400).get().pk]))
    assert other.completed == 1
    assert Row.objects.filter(table=table, data__has_key="out").count() == before + 1
    assert set(scenes.statuses(group)) <= {"cancelled", "completed"}
    assert cancel_dispatch(dispatch.pk).status == "cancelled"
    with pytest.raises(Conflict):
        cancel_dispatch(other.pk)
    assert counts([cancelled])[cancelled.pk].in_flight == 0


def test_a_stop_reaches_a_hanging_cell_within_two_beats(worker, tmp_path):
    table = scenes.table(4)
    gated(table, tmp_path, concurrency=4)
    dispatch = begin(table.pk)
    scenes.until(lambda: len(marks(tmp_path, "arrived")) == 4, "four cells stand at the gate")
    cancel_runs(table.pk)
    # The gate stays closed: only cells that were aborted let their draws end.
    drawing = Lane.objects.filter(dispatch=dispatch, ended__lt=F("started"))
    scenes.until(lambda: not drawing.exists(), "the draws have let go of the cells", 10)
    assert marks(tmp_path, "passed") == []
    second = begin(table.pk, mode="all")
    scenes.until(lambda: len(marks(tmp_path, "arrived")) == 8, "the next run's cells stand at the gate")
    (tmp_path / "open").touch()
    assert scenes.until_ended(second).completed == 4
    assert len(marks(tmp_path, "passed")) == 4
    dispatch.refresh_from_db()
    assert (dispatch.status, dispatch.cancelled) == ("cancelled", 4)


def test_a_part_of_a_run_can_be_stopped_and_the_rest_goes_on(worker, tmp_path):
    table = scenes.table(40)
    scenes.group(table, scenes.doubling(table), "double")
    slow = gated(table, tmp_path, key="slow", concurrency=2)
    last = scenes.group(table, scenes.doubling(table), "last", reads="double", run_after=["double"])
    dispatch = begin(table.pk)
    scenes.until(lambda: len(marks(tmp_path, "arrived")) == 2, "two cells stand at the gate")
    cancel_runs(table.pk, groups=[slow.pk])
    (tmp_path / "open").touch()
    dispatch = scenes.until_ended(dispatch)
    assert dispatch.status == "complete"
    assert scenes.values(table, "slow") == [None] * 40
    assert scenes.values(table, "last") == [4 * n for n in range(1, 41)]
    assert scenes.statuses(last) == {"completed": 40}
    assert_accounted(dispatch)


def test_a_manual_run_takes_over_what_it_overlaps_and_nothing_else(worker, tmp_path):
    table = scenes.table(6)
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    one = gated(table, tmp_path / "one", key="one", concurrency=6)
    two = gated(table, tmp_path / "two", key="two", concurrency=6)
    ids = list(Row.objects.filter(table=table).order_by("position").values_list("pk", flat=True))
    first = begin(table.pk, groups=[one.pk], rows=ids[:3])
    second = begin(table.pk, groups=[two.pk], rows=ids[3:])
    scenes.until(lambda: len(marks(tmp_path / "one", "arrived")) == 3, "the first run stands at its gate")
    scenes.until(lambda: len(marks(tmp_path / "two", "arrived")) == 3, "the second run stands at its gate")
    third = begin(table.pk, groups=[one.pk], rows=ids[2:4])
    (tmp_path / "one" / "open").touch()
    (tmp_path / "two" / "open").touch()
    first, second, third = (scenes.until_ended(d) for d in (first, second, third))
    assert (first.completed, first.cancelled) == (2, 1)
    assert (second.completed, second.cancelled) == (3, 0)
    assert (third.completed, third.cancelled) == (2, 0)
    assert scenes.statuses(one) == {"completed": 4}


def test_two_groups_of_a_row_never_run_at_once(worker, tmp_path):
    table = scenes.table(1)
    one = gated(table, tmp_path, key="one")
    two = gated(table, tmp_path, key="two")
    first = begin(table.pk, groups=[one.pk])
    scenes.until(lambda: len(marks(tmp_path, "arrived")) == 1, "one cell stands at the gate")
    second = begin(table.pk, groups=[two.pk])
    scenes.until(lambda: Execution.objects.filter(group=two, status="pending").exists(), "the other is stamped")
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM cells_execution WHERE status IN ('running', 'queued')")
        assert cursor.fetchone() == (1,)
    assert len(marks(tmp_path, "arrived")) == 1
    (tmp_path / "open").touch()
    assert scenes.until_ended(first).completed == 1
    assert scenes.until_ended(second).completed == 1


def test_a_run_never_exceeds_its_concurrency(workers, tmp_path):
    workers(2)
    (tmp_path / "inside").mkdir()
    table = scenes.table(150)
    step = {
        "id": "overlap",
        "type": "python",
        "config": {
            "function": "stage.overlap",
            "arguments": {"folder": str(tmp_path), "key": "{{ inputs.n }}", "seconds": 0.05},
        },
    }
    scenes.group(table, scenes.workflow(table, [step], "{{ inputs.n }}"), concurrency=7)
    dispatch = scenes.until_ended(begin(table.pk))
    assert dispatch.completed == 150
    seen = [int(mark) for mark in marks(tmp_path, "seen")]
    assert len(seen) == 150
    assert 1 < max(seen) <= 7


def test_begin_refuses_what_it_cannot_run():
    table = scenes.table(2)
    scenes.group(table, scenes.doubling(table))
    for arguments, attr in [
        ({"mode": "sometimes"}, "mode"),
        ({"groups": [999_999]}, "groups"),
        ({"groups": []}, "groups"),
        ({"rows": []}, "rows"),
        ({"rows": [999_999]}, "rows.0"),
        ({"rows": [1], "filter": {"all": []}}, "filter"),
        ({"limit": 0}, "limit.max"),
        ({"rows": list(range(ids.MOST + 1))}, "rows"),
    ]:
        with pytest.raises(InvalidInput) as caught:
            begin(table.pk, **arguments)
        assert caught.value.problems[0].attr == attr
    assert not Dispatch.objects.exists()


def test_a_run_over_a_filter_ends_though_the_filters_column_is_deleted_meanwhile(worker, tmp_path):
    table = scenes.table(100)
    Column.objects.create(table=table, key="kind", name="Kind", type="text", position=5)
    Row.objects.filter(table=table, data__n__gt=40).update(data=RawSQL("data || %s::jsonb", ['{"kind": "wanted"}']))
    gated(table, tmp_path, concurrency=2)
    dispatch = begin(table.pk, filter={"all": [{"field": "kind", "op": "eq", "value": "wanted"}]})
    scenes.until(lambda: len(marks(tmp_path, "arrived")) == 2, "two cells stand at the gate")
    columns.delete(table, "kind")
    (tmp_path / "open").touch()
    assert sweep().lanes == 0
    dispatch = scenes.until_ended(dispatch)
    assert (dispatch.status, dispatch.completed) == ("complete", 60)


def test_a_run_never_begins_on_a_group_that_is_being_deleted(worker):
    table = scenes.table(5)
    group = scenes.group(table, scenes.doubling(table))
    groups.delete(table, group.pk)
    with pytest.raises(InvalidInput):
        begin(table.pk)
    assert not Dispatch.objects.exists()
